//! The history's promises, over a real store, vault and log.

use serde_json::json;

use super::*;
use crate::answer::{Citation, Claim, Mode};
use crate::audit::{self, Event, Log};
use crate::clock::Clock;
use crate::names::Ids;

const NOON: Moment = Moment::from_ms(1_795_000_000_000);

struct House {
    folder: tempfile::TempDir,
    vault: Vault,
    log: Log,
    history: History,
    ada: UserId,
    bob: UserId,
}

fn open(folder: &std::path::Path, settings: &Settings) -> (Vault, Log, History) {
    let store = Store::open(folder).unwrap();
    let vault = Vault::open(&store, &vault::Settings::default()).unwrap();
    let log = Log::open(&store, &vault, Clock::held(NOON), &audit::Settings::default()).unwrap();
    let history = History::open(&store, settings).unwrap();
    (vault, log, history)
}

fn house_with(settings: &Settings) -> House {
    let folder = tempfile::tempdir().unwrap();
    let (vault, log, history) = open(folder.path(), settings);
    House { folder, vault, log, history, ada: UserId::new(&Ids::Random), bob: UserId::new(&Ids::Random) }
}

fn house() -> House {
    house_with(&Settings::default())
}

fn entry(question: &str, claim: &str, asked: Moment) -> Entry {
    let citation = json!({ "passage": "wiki:7@1#0", "class": 3, "quote": { "start": 0, "end": 9 } });
    let citation: Citation = serde_json::from_value(citation).unwrap();
    let claims = vec![Claim::new(claim.to_owned(), citation, Vec::new())];
    Entry {
        message: MessageId::new(&Ids::Random),
        parent: None,
        asked,
        question: Question::parse(question).unwrap(),
        answer: Answer::Grounded { claims, withheld: 0, follow_ups: Vec::new() },
        mode: Mode::Written,
        feedback: None,
        evidence: None,
    }
}

impl House {
    fn keep(&self, owner: &UserId, talk: &ConversationId, question: &str, asked: Moment) -> Result<Entry, Error> {
        let receipt = self.log.append(&Event::SignedIn { user: owner, provider: "demo" }).unwrap();
        let entry = entry(question, "The heron is asleep.", asked);
        self.history.keep(&self.vault, owner, talk, &receipt, &entry).map(|()| entry)
    }

    /// A conversation of Ada's with this many turns, a minute apart.
    fn talk(&self, turns: i64) -> (ConversationId, Vec<Entry>) {
        let talk = ConversationId::new(&Ids::Random);
        let turn = |n: i64| self.keep(&self.ada, &talk, &format!("Where is heron {n}?"), NOON.plus_ms(n * 60_000));
        (talk, (0..turns).map(|n| turn(n).unwrap()).collect())
    }

    fn read(&self, owner: &UserId, talk: &ConversationId) -> Result<(Listed, Vec<Option<Entry>>), Error> {
        let (listed, turns) = self.history.read(&self.vault, owner, talk)?;
        let turns = turns.into_iter().map(|turn| match turn {
            Read::Entry(entry) => Some(*entry),
            Read::Unreadable => None,
        });
        Ok((listed, turns.collect()))
    }

    fn titles(&self, owner: &UserId) -> Vec<Option<String>> {
        self.history.list(&self.vault, owner).unwrap().into_iter().map(|listed| listed.title).collect()
    }

    fn sweep(&self, after_s: i64) -> usize {
        self.history.sweep(&self.vault, NOON.plus_ms(after_s * 1_000)).unwrap().len()
    }

    fn again(self) -> House {
        let House { folder, vault, log, history, ada, bob } = self;
        drop((vault, log, history));
        let (vault, log, history) = open(folder.path(), &Settings::default());
        House { folder, vault, log, history, ada, bob }
    }
}

#[test]
fn a_conversation_is_read_as_it_was_kept_also_after_a_restart() {
    let house = house();
    let (talk, kept) = house.talk(3);

    let house = house.again();

    let (listed, read) = house.read(&house.ada, &talk).unwrap();
    assert_eq!(read, kept.into_iter().map(Some).collect::<Vec<_>>());
    assert_eq!(listed.title.as_deref(), Some("Where is heron 0?"));
    assert_eq!((listed.began, listed.changed, listed.turns), (NOON, NOON.plus_ms(120_000), 3));
}

#[test]
fn the_list_has_the_last_changed_first_and_nobody_elses() {
    let house = house();
    let (first, _) = house.talk(1);
    let bobs = ConversationId::new(&Ids::Random);
    house.keep(&house.bob, &bobs, "What is for lunch?", NOON).unwrap();
    house.keep(&house.ada, &ConversationId::new(&Ids::Random), "Who is on call?", NOON.plus_ms(1)).unwrap();
    house.keep(&house.ada, &first, "And today?", NOON.plus_ms(9)).unwrap();

    let adas = ["Where is heron 0?", "Who is on call?"].map(|title| Some(title.to_owned()));

    assert_eq!(house.titles(&house.ada), adas);
    assert_eq!(house.titles(&house.bob), [Some("What is for lunch?".to_owned())]);
}

#[test]
fn another_persons_conversation_is_not_there_for_any_deed() {
    let house = house();
    let (talk, kept) = house.talk(1);
    let (message, never) = (kept[0].message, ConversationId::new(&Ids::Random));
    let feedback = Feedback { rating: "up".to_owned(), reasons: Vec::new(), comment: None };
    let of = |talk: &ConversationId, message: &MessageId| {
        [
            house.read(&house.bob, talk).map(drop),
            house.history.rename(&house.vault, &house.bob, talk, "Mine"),
            house.history.delete(&house.bob, talk, NOON),
            house.history.undo(&house.bob, talk, NOON),
            house.history.rate(&house.vault, &house.bob, message, feedback.clone()).map(drop),
        ]
    };

    for result in of(&talk, &message).into_iter().chain(of(&never, &MessageId::new(&Ids::Random))) {
        assert!(matches!(result, Err(Error::NotThere)), "{result:?}");
    }
    assert_eq!(house.read(&house.ada, &talk).unwrap().1.len(), 1);
}

#[test]
fn a_damaged_turn_is_unreadable_and_the_rest_opens() {
    let house = house();
    let (talk, kept) = house.talk(3);
    let spot = |sequence| Spot { owner: house.ada, conversation: talk, sequence };

    house.history.kept.damage(&spot(1));

    let (_, read) = house.read(&house.ada, &talk).unwrap();
    assert_eq!(read, [Some(kept[0].clone()), None, Some(kept[2].clone())]);
}

#[test]
fn a_turn_that_was_moved_is_unreadable() {
    let house = house();
    let (talk, _) = house.talk(2);
    let (other, _) = house.talk(1);
    let kept = &house.history.kept;
    let first = kept.entry(&Spot { owner: house.ada, conversation: talk, sequence: 0 }).unwrap().unwrap();

    kept.put_entry(&Spot { owner: house.ada, conversation: talk, sequence: 1 }, &first).unwrap();
    kept.put_entry(&Spot { owner: house.ada, conversation: other, sequence: 0 }, &first).unwrap();

    assert!(house.read(&house.ada, &talk).unwrap().1[1].is_none());
    assert!(house.read(&house.ada, &other).unwrap().1[0].is_none());
}

#[test]
fn a_damaged_head_costs_the_title_and_nothing_else() {
    let house = house();
    let (talk, kept) = house.talk(2);

    house.history.kept.damage_head(&house.ada, &talk);

    let (listed, read) = house.read(&house.ada, &talk).unwrap();
    assert_eq!(read, kept.into_iter().map(Some).collect::<Vec<_>>());
    assert_eq!((listed.title, listed.changed), (None, NOON.plus_ms(60_000)));
    house.keep(&house.ada, &talk, "And now?", NOON.plus_ms(180_000)).unwrap();
    assert_eq!(house.read(&house.ada, &talk).unwrap().1.len(), 3);
    house.history.rename(&house.vault, &house.ada, &talk, "Herons").unwrap();
    assert_eq!(house.titles(&house.ada), [Some("Herons".to_owned())]);
}

#[test]
fn a_deleted_conversation_is_hidden_at_once_and_can_be_brought_back_in_time() {
    let house = house();
    let (talk, kept) = house.talk(1);

    house.history.delete(&house.ada, &talk, NOON).unwrap();

    assert!(matches!(house.read(&house.ada, &talk), Err(Error::NotThere)));
    assert!(house.titles(&house.ada).is_empty());
    assert!(matches!(house.keep(&house.ada, &talk, "Still there?", NOON), Err(Error::NotThere)));
    assert!(matches!(house.history.delete(&house.ada, &talk, NOON), Err(Error::NotThere)));
    assert_eq!(house.sweep(9), 0);
    house.history.undo(&house.ada, &talk, NOON.plus_ms(9_999)).unwrap();
    assert_eq!(house.read(&house.ada, &talk).unwrap().1, [Some(kept[0].clone())]);
}

#[test]
fn after_the_time_to_undo_the_key_is_destroyed() {
    let house = house();
    let (talk, kept) = house.talk(2);
    let (other, _) = house.talk(1);
    house.history.delete(&house.ada, &talk, NOON).unwrap();

    assert!(matches!(house.history.undo(&house.ada, &talk, NOON.plus_ms(10_000)), Err(Error::NotThere)));
    assert_eq!(house.sweep(10), 1);

    assert!(matches!(house.vault.existing_key(&house.ada, &talk), Err(vault::Error::Forgotten)));
    assert!(matches!(house.keep(&house.ada, &talk, "Still there?", NOON), Err(Error::NotThere)));
    assert!(matches!(house.history.undo(&house.ada, &talk, NOON), Err(Error::NotThere)));
    assert_eq!(house.history.kept.spot_of(&house.ada, &kept[0].message).unwrap(), None);
    assert_eq!(house.history.kept.turns(&house.ada, &talk).unwrap(), 0);
    assert_eq!(house.read(&house.ada, &other).unwrap().1.len(), 1);
    assert_eq!(house.sweep(20), 0);
}

#[test]
fn a_destruction_broken_off_by_a_crash_is_finished_by_the_next_sweep() {
    let house = house();
    let (talk, _) = house.talk(1);
    house.history.delete(&house.ada, &talk, NOON).unwrap();
    house.vault.forget(&house.ada, Forget::Conversation(&talk)).unwrap();

    let house = house.again();

    assert!(matches!(house.read(&house.ada, &talk), Err(Error::NotThere)));
    assert_eq!(house.sweep(11), 1);
    assert_eq!(house.history.kept.turns(&house.ada, &talk).unwrap(), 0);
}

#[test]
fn a_deletion_does_not_come_back_with_the_clock_nor_with_damage() {
    let house = house();
    let ((early, _), (damaged, _)) = (house.talk(1), house.talk(1));
    house.history.delete(&house.ada, &early, NOON).unwrap();
    house.history.delete(&house.ada, &damaged, NOON).unwrap();
    house.history.kept.damage_deletion(&house.ada, &damaged);

    assert!(matches!(house.read(&house.ada, &damaged), Err(Error::NotThere)));
    assert!(matches!(house.history.undo(&house.ada, &damaged, NOON), Err(Error::NotThere)));
    assert!(matches!(house.history.undo(&house.ada, &early, NOON.plus_ms(-1)), Err(Error::NotThere)));
    assert_eq!(house.sweep(-1), 2);
}

#[test]
fn retention_destroys_what_was_not_added_to_for_so_many_days() {
    let house = house_with(&Settings { days: 30, ..Settings::default() });
    let day = 24 * 60 * 60;
    let (old, _) = house.talk(1);
    let (alive, _) = house.talk(1);
    house.keep(&house.ada, &alive, "And now?", NOON.plus_ms(20 * day * 1_000)).unwrap();

    assert_eq!(house.sweep(30 * day - 1), 0);
    assert_eq!(house.sweep(30 * day), 1);

    assert!(matches!(house.read(&house.ada, &old), Err(Error::NotThere)));
    assert_eq!(house.read(&house.ada, &alive).unwrap().1.len(), 2);
    assert_eq!(house.sweep(50 * day), 1);
}

#[test]
fn feedback_is_kept_with_its_message_and_read_back() {
    let house = house();
    let (talk, kept) = house.talk(2);
    let feedback =
        Feedback { rating: "down".to_owned(), reasons: vec!["outdated".to_owned()], comment: Some("No.".to_owned()) };

    let stands_in = house.history.rate(&house.vault, &house.ada, &kept[1].message, feedback.clone()).unwrap();

    assert_eq!(stands_in, talk);
    let house = house.again();
    let (_, read) = house.read(&house.ada, &talk).unwrap();
    assert_eq!(read, [Some(kept[0].clone()), Some(Entry { feedback: Some(feedback), ..kept[1].clone() })]);
}

#[test]
fn nothing_that_was_asked_answered_titled_or_remarked_can_be_read_on_disk() {
    let house = house();
    let talk = ConversationId::new(&Ids::Random);
    let asked = house.keep(&house.ada, &talk, "Is the canary-question-4417 alive?", NOON).unwrap();
    house.history.rename(&house.vault, &house.ada, &talk, "My canary-title-5150").unwrap();
    let comment = Some("what a canary-comment-6161".to_owned());
    let feedback = Feedback { rating: "up".to_owned(), reasons: Vec::new(), comment };
    house.history.rate(&house.vault, &house.ada, &asked.message, feedback).unwrap();
    let folder = house.folder.path().to_owned();
    assert_eq!(house.titles(&house.ada), [Some("My canary-title-5150".to_owned())]);
    drop((house.vault, house.log, house.history));

    for canary in ["canary-question-4417", "canary-title-5150", "canary-comment-6161", "The heron is asleep"] {
        assert!(!vault::is_on_disk(&folder, canary), "{canary}");
    }
}

#[test]
fn a_title_that_cannot_be_seen_is_refused() {
    let house = house();
    let (talk, _) = house.talk(1);

    assert!(matches!(house.history.rename(&house.vault, &house.ada, &talk, " \u{200b}"), Err(Error::NoTitle)));

    assert_eq!(house.titles(&house.ada), [Some("Where is heron 0?".to_owned())]);
}

#[test]
fn a_person_who_left_for_good_leaves_nothing_that_opens() {
    let house = house();
    let ((talk, _), (deleted, _)) = (house.talk(2), house.talk(1));
    house.history.delete(&house.ada, &deleted, NOON).unwrap();
    let bobs = ConversationId::new(&Ids::Random);
    house.keep(&house.bob, &bobs, "What is for lunch?", NOON).unwrap();

    house.history.forget(&house.vault, &house.ada).unwrap();

    assert!(matches!(house.read(&house.ada, &talk), Err(Error::NotThere)));
    assert!(house.titles(&house.ada).is_empty());
    assert!(matches!(house.keep(&house.ada, &talk, "Still there?", NOON), Err(Error::NotThere)));
    assert_eq!(house.sweep(60), 0);
    assert_eq!(house.read(&house.bob, &bobs).unwrap().1.len(), 1);
}
