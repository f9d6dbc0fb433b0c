//! The history's promises, over a real store, vault and log.

use serde_json::json;

use super::*;
use crate::answer::{Citation, Claim, Mode};
use crate::audit::{self, Event, Log};
use crate::clock::Clock;
use crate::names::Ids;
use crate::vault::{Passphrase, Proof, Sealed};

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
        application: ApplicationId::default(),
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
    let house = house();
    let day = 24 * 60 * 60;
    let (old, _) = house.talk(1);
    let (alive, _) = house.talk(1);
    house.keep(&house.ada, &alive, "And now?", NOON.plus_ms(20 * day * 1_000)).unwrap();
    let expire = |after_s: i64, days: u64| {
        let now = NOON.plus_ms(after_s * 1_000);
        house.history.expire(&house.vault, now, &|_, _| days).unwrap().len()
    };

    assert_eq!(expire(30 * day - 1, 30), 0);
    assert_eq!(expire(3000 * day, 0), 0, "until it is deleted");
    assert_eq!(expire(30 * day, 30), 1);

    assert!(matches!(house.read(&house.ada, &old), Err(Error::NotThere)));
    assert!(matches!(house.vault.existing_key(&house.ada, &old), Err(vault::Error::Forgotten)));
    assert_eq!(house.read(&house.ada, &alive).unwrap().1.len(), 2);
    assert_eq!(expire(50 * day, 30), 1);
}

#[test]
fn a_conversation_remembers_its_application_and_goes_with_it_also_where_its_head_is_damaged() {
    let house = house();
    let desk = ApplicationId::parse("hr-desk").unwrap();
    let keep = |owner: &UserId| {
        let talk = ConversationId::new(&Ids::Random);
        let receipt = house.log.append(&Event::SignedIn { user: owner, provider: "demo" }).unwrap();
        let entry = Entry { application: desk.clone(), ..entry("Who is paid what?", "The heron is asleep.", NOON) };
        house.history.keep(&house.vault, owner, &talk, &receipt, &entry).unwrap();
        talk
    };
    let (hers, his) = (keep(&house.ada), keep(&house.bob));
    let (other, _) = house.talk(1);
    house.history.kept.damage_head(&house.bob, &his);

    let house = house.again();
    assert_eq!(house.read(&house.ada, &hers).unwrap().0.application, desk);
    assert_eq!(house.read(&house.bob, &his).unwrap().0.application, desk);
    let gone = house.history.forget_applications(&house.vault, &|id| *id == desk).unwrap();

    assert_eq!(gone.len(), 2);
    for (owner, talk) in [(&house.ada, &hers), (&house.bob, &his)] {
        assert!(matches!(house.read(owner, talk), Err(Error::NotThere)));
        assert!(matches!(house.vault.existing_key(owner, talk), Err(vault::Error::Forgotten)));
    }
    assert_eq!(house.read(&house.ada, &other).unwrap().1.len(), 1);
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

const HERE: [u8; 32] = [1; 32];

impl House {
    fn found(&self, query: &str) -> Vec<(ConversationId, bool, Vec<u64>)> {
        let found = self.history.search(&self.vault, &self.ada, &Terms::parse(query).unwrap()).unwrap();
        found.into_iter().map(|one| (one.listed.id, one.is_titled, one.turns)).collect()
    }

    fn bind(&self) {
        let proof = Proof::Passphrase(Passphrase::new("heron under the bridge".to_owned()));
        self.vault.bind(&self.ada, &HERE, &proof, "", 0).unwrap();
    }
}

#[test]
fn a_conversation_is_found_by_the_words_of_its_questions_answers_comments_and_title() {
    let house = house();
    let (first, second) = (ConversationId::new(&Ids::Random), ConversationId::new(&Ids::Random));
    let asked = house.keep(&house.ada, &first, "Où est le café?", NOON).unwrap();
    house.keep(&house.ada, &first, "Who feeds the heron?", NOON.plus_ms(1)).unwrap();
    house.keep(&house.ada, &second, "What is for lunch?", NOON.plus_ms(2)).unwrap();
    house.keep(&house.bob, &ConversationId::new(&Ids::Random), "Is the café open?", NOON).unwrap();

    assert_eq!(house.found("CAFE"), [(first, true, vec![0])], "its title is the question");
    assert_eq!(house.found("heron feed"), [(first, false, vec![1])], "every word begins one of the turn's");
    assert_eq!(house.found("asleep").len(), 2, "the words of answers count");
    assert!(house.found("heron lunch café").is_empty());

    let comment = Some("Wrong by a mile".to_owned());
    let feedback = Feedback { rating: "down".to_owned(), reasons: Vec::new(), comment };
    house.history.rate(&house.vault, &house.ada, &asked.message, feedback).unwrap();
    house.history.rename(&house.vault, &house.ada, &second, "Mile stones").unwrap();
    assert_eq!(house.found("mile"), [(second, true, vec![]), (first, false, vec![0])]);
    assert!(Terms::parse(" ?! ").is_none());
}

#[test]
fn what_was_deleted_is_found_no_more_and_words_that_are_lost_are_made_again() {
    let house = house();
    let ((deleted, _), (kept, _)) = (house.talk(1), house.talk(1));
    house.history.delete(&house.ada, &deleted, NOON).unwrap();
    let spot = Spot { owner: house.ada, conversation: kept, sequence: 0 };
    house.history.kept.lose_words(&spot);

    assert_eq!(house.found("heron"), [(kept, true, vec![0])]);

    house.sweep(10);
    assert!(!house.history.kept.has_words(&deleted, &house.ada), "its words went with it");
}

#[test]
fn no_record_opens_at_any_other_place() {
    let house = house();
    let conversations: Vec<(UserId, ConversationId)> = [house.ada, house.ada, house.bob, house.bob]
        .into_iter()
        .map(|owner| {
            let talk = ConversationId::new(&Ids::Random);
            (0..3).for_each(|n| drop(house.keep(&owner, &talk, &format!("Where is heron {n}?"), NOON).unwrap()));
            (owner, talk)
        })
        .collect();
    let spots: Vec<Spot> = conversations
        .iter()
        .flat_map(|&(owner, conversation)| (0..3).map(move |sequence| Spot { owner, conversation, sequence }))
        .collect();
    let kept = &house.history.kept;
    let (mut moved, mut opened) = (0, 0);

    for from in &spots {
        let (entry, words) = (kept.entry(from).unwrap().unwrap(), kept.words(from).unwrap().unwrap());
        for to in &spots {
            let key = house.vault.existing_key(&to.owner, &to.conversation).unwrap();
            let opens = [
                entry.open(&key, &to.place()).is_ok(),
                words.open(&key, &to.place_of_words()).is_ok(),
                // One kind of record in the place of the other.
                Sealed::<Entry>::from_bytes(words.as_bytes()).open(&key, &to.place()).is_ok(),
            ];
            if from == to {
                assert_eq!(opens, [true, true, false]);
            } else {
                moved += opens.len();
                opened += opens.into_iter().filter(|opens| *opens).count();
            }
        }
    }

    assert_eq!((moved, opened), (12 * 11 * 3, 0));
}

#[test]
fn a_history_that_is_bound_is_sealed_again_whole_and_opens_while_it_is_unlocked() {
    let house = house();
    let (talk, kept) = house.talk(3);
    house.history.rename(&house.vault, &house.ada, &talk, "Herons").unwrap();
    let spot = Spot { owner: house.ada, conversation: talk, sequence: 1 };
    let before = house.history.kept.entry(&spot).unwrap().unwrap();

    house.bind();
    house.history.reseal(&house.vault, &house.ada).unwrap();

    let (listed, read) = house.read(&house.ada, &talk).unwrap();
    assert_eq!(read, kept.into_iter().map(Some).collect::<Vec<_>>());
    assert_eq!(listed.title.as_deref(), Some("Herons"));
    assert_eq!(house.found("herons"), [(talk, true, vec![])]);
    assert_eq!(house.found("heron 1"), [(talk, false, vec![1])]);
    let key = house.vault.existing_key(&house.ada, &talk).unwrap();
    assert!(before.open(&key, &spot.place()).is_err(), "the record of before opens with no key that is left");
    house.vault.lock_where(|_, _, _| true);
    let locked = |outcome: Result<(), Error>| matches!(outcome, Err(Error::Vault(vault::Error::Locked)));
    assert!(locked(house.read(&house.ada, &talk).map(drop)));
    assert!(locked(house.history.list(&house.vault, &house.ada).map(drop)));
    assert!(locked(house.history.search(&house.vault, &house.ada, &Terms::parse("heron").unwrap()).map(drop)));
    assert!(locked(house.keep(&house.ada, &talk, "And now?", NOON).map(drop)));
}

#[test]
fn a_renewal_that_broke_off_in_the_middle_loses_nothing_and_is_finished() {
    let house = house();
    let ((first, kept), (second, _)) = (house.talk(2), house.talk(2));
    house.vault.renew(&house.ada).unwrap();
    // One conversation was sealed again when the process died; in the other a turn was added since.
    let key = house.vault.existing_key(&house.ada, &first).unwrap();
    house.history.reseal_one(&house.ada, &first, &key).unwrap();
    drop(key);
    let house = house.again();
    house.keep(&house.ada, &second, "Still there?", NOON.plus_ms(600_000)).unwrap();

    assert_eq!(house.read(&house.ada, &first).unwrap().1, kept.iter().cloned().map(Some).collect::<Vec<_>>());
    assert_eq!(house.read(&house.ada, &second).unwrap().1.iter().flatten().count(), 3);
    house.history.reseal(&house.vault, &house.ada).unwrap();

    assert!(house.vault.in_renewal().unwrap().is_empty());
    assert_eq!(house.read(&house.ada, &first).unwrap().1.iter().flatten().count(), 2);
    assert_eq!(house.read(&house.ada, &second).unwrap().1.iter().flatten().count(), 3);
}

#[test]
fn a_damaged_turn_does_not_keep_the_others_from_being_sealed_again() {
    let house = house();
    let (talk, kept) = house.talk(3);
    house.history.kept.damage(&Spot { owner: house.ada, conversation: talk, sequence: 1 });
    house.history.kept.damage_head(&house.ada, &talk);

    house.vault.renew(&house.ada).unwrap();
    house.history.reseal(&house.vault, &house.ada).unwrap();

    assert_eq!(house.read(&house.ada, &talk).unwrap().1, [Some(kept[0].clone()), None, Some(kept[2].clone())]);
}

#[test]
fn who_has_lost_every_way_in_can_still_delete_it_all() {
    let house = house();
    let (talk, _) = house.talk(2);
    house.bind();
    house.history.reseal(&house.vault, &house.ada).unwrap();
    let house = house.again();

    assert_eq!(house.history.delete_all(&house.ada, NOON).unwrap(), 1);
    assert_eq!(house.sweep(10), 1);

    assert_eq!(house.history.kept.turns(&house.ada, &talk).unwrap(), 0);
}

#[test]
fn retention_waits_for_the_owner_where_only_they_can_say_how_old_it_is() {
    let house = house();
    let day = 24 * 60 * 60 * 1_000;
    let ((old, _), (damaged, _)) = (house.talk(1), house.talk(1));
    house.bind();
    house.history.reseal(&house.vault, &house.ada).unwrap();
    house.history.kept.damage_head(&house.ada, &damaged);
    house.vault.lock_where(|_, _, _| true);

    let gone = house.history.expire(&house.vault, NOON.plus_ms(30 * day), &|_, _| 30).unwrap();

    assert_eq!(gone.len(), 1, "the time of the other stands beside it in the open");

    assert_eq!(house.history.kept.turns(&house.ada, &old).unwrap(), 0);
    assert_eq!(house.history.kept.turns(&house.ada, &damaged).unwrap(), 1);
}
