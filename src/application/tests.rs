//! Applications and seats, over a real store and directory.

use super::seat::Known;
use super::*;
use crate::directory::{GroupProfile, Profile};
use crate::names::Ids;

const NOON_MS: i64 = 1_795_000_000_000;

struct House {
    folder: tempfile::TempDir,
    store: Store,
    directory: Directory,
    mateo: UserId,
    mary: UserId,
    gone: UserId,
    /// `AnyOrg Team`, with Mateo and somebody who left the company.
    team: String,
}

/// A directory with Mateo in a group, Mary in none, and somebody who left the company.
fn house() -> House {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let directory = Directory::open(&store, Ids::held(), &directory::Settings::default()).unwrap();
    let person = |name: &str, active| Profile {
        user_name: name.to_owned(),
        external_id: None,
        display_name: String::new(),
        given_name: None,
        family_name: None,
        emails: Vec::new(),
        active,
        extra: serde_json::Map::new(),
    };
    let add = |name: &str, active| directory.add_person(person(name, active), 1).unwrap().id;
    let (mateo, mary, gone) = (add("mateo", true), add("mary", true), add("gone", false));
    let team = GroupProfile {
        display_name: "AnyOrg Team".to_owned(),
        external_id: None,
        members: vec![mateo, gone],
        groups: Vec::new(),
        extra: serde_json::Map::new(),
    };
    let team = directory.add_group(team, 1).unwrap().id.clone();
    House { folder, store, directory, mateo, mary, gone, team }
}

impl House {
    fn open(&self, settings: &Settings) -> Applications {
        Applications::open(&self.store, settings, &[wiki()]).unwrap()
    }

    fn with_groups(&self, groups: &[&str]) -> Applications {
        let groups = groups.iter().map(|name| (*name).to_owned()).collect();
        self.open(&Settings { groups, ..Settings::default() })
    }

    /// The ids of the applications that somebody may use.
    fn of(&self, applications: &Applications, user: &UserId) -> Vec<String> {
        applications.of(&self.directory, user).unwrap().iter().map(|one| one.id.to_string()).collect()
    }

    fn tier(&self, applications: &Applications, user: &UserId) -> Option<Tier> {
        applications.tier(&self.directory, user).unwrap()
    }
}

fn wiki() -> SourceId {
    SourceId::parse("wiki").unwrap()
}

fn id(word: &str) -> ApplicationId {
    ApplicationId::parse(word).unwrap()
}

fn titled(title: &str) -> Change {
    Change { title: Some(title.to_owned()), ..Change::default() }
}

#[test]
fn without_a_word_every_active_person_has_the_default_application_and_a_full_seat() {
    let house = house();
    let applications = house.open(&Settings::default());

    assert_eq!(house.of(&applications, &house.mateo), ["default"]);
    assert_eq!(house.tier(&applications, &house.mary), Some(Tier::Full));
    assert_eq!(house.of(&applications, &house.gone), Vec::<String>::new());
    assert_eq!(house.of(&applications, &UserId::from_bytes([9; 16])), Vec::<String>::new());
}

#[test]
fn with_groups_in_the_settings_only_their_members_are_assigned() {
    let house = house();
    let way = |applications: &Applications| applications.way_into(&house.directory, &house.mateo, "wiki").unwrap();

    let of_team = house.with_groups(&["anyorg team"]);
    assert_eq!((house.of(&of_team, &house.mateo).len(), house.of(&of_team, &house.mary).len()), (1, 0));
    assert_eq!(way(&of_team), Some(vec!["AnyOrg Team".to_owned()]));
    assert_eq!(house.of(&of_team, &house.gone).len(), 0);
    drop(of_team);
    let of_others = house.with_groups(&["acme team"]);
    assert_eq!((house.of(&of_others, &house.mateo).len(), way(&of_others)), (0, None));
    drop(of_others);
    assert_eq!(way(&house.with_groups(&[])), Some(vec![]));
}

#[test]
fn what_is_made_and_assigned_on_the_desk_is_there_after_a_restart() {
    let house = house();
    let applications = house.open(&Settings::default());
    let made = applications.make(None, &titled("HR Desk"), &[wiki()], NOON_MS).unwrap();
    assert_eq!((made.id.as_str(), house.of(&applications, &house.mary)), ("hr-desk", vec!["default".to_owned()]));
    let whom = [Whom::Group(house.team.clone()), Whom::Person(house.mary)];
    applications.assign(&made.id, &whom, Tier::Reader, &house.directory, NOON_MS).unwrap();
    applications.unassign(&id("default"), &[Whom::Everybody], (&house.directory, &house.mateo)).unwrap();
    let change = Change { days: Some(Some(30)), sources: Some(vec![wiki()]), ..titled("People") };
    assert_eq!(applications.change(&made.id, &change, &[wiki()]).unwrap(), ["title", "sources", "days"]);
    drop(applications);

    let applications = house.open(&Settings::default());
    let kept = applications.one(&made.id).unwrap();
    assert_eq!((kept.title.as_str(), kept.days, &kept.sources), ("People", Some(30), &Some(vec![wiki()])));
    assert_eq!(house.of(&applications, &house.mateo), ["hr-desk"]);
    assert_eq!(house.tier(&applications, &house.mary), Some(Tier::Reader));
    assert_eq!(applications.members(&house.directory, &kept).unwrap().len(), 2, "nobody who left");
}

#[test]
fn the_best_tier_of_several_assignments_counts_until_an_administrator_says_otherwise() {
    let house = house();
    let applications = house.open(&Settings::default());
    applications.assign(&id("default"), &[Whom::Everybody], Tier::Reader, &house.directory, NOON_MS).unwrap();
    assert_eq!(house.tier(&applications, &house.mateo), Some(Tier::Reader));
    let other = applications.make(Some(id("other")), &titled("Other"), &[], NOON_MS).unwrap();
    applications.assign(&other.id, &[Whom::Group(house.team.clone())], Tier::Full, &house.directory, 0).unwrap();

    assert_eq!(house.tier(&applications, &house.mateo), Some(Tier::Full), "one seat, the better one");
    assert_eq!(house.tier(&applications, &house.mary), Some(Tier::Reader));
    applications.seats().say(&[house.mateo, house.mary], Some(Tier::Reader), NOON_MS).unwrap();
    assert_eq!(house.tier(&applications, &house.mateo), Some(Tier::Reader));
    applications.seats().say(&[house.mary], None, NOON_MS).unwrap();
    assert_eq!(house.of(&applications, &house.mary), Vec::<String>::new());
    drop(applications);
    let applications = house.open(&Settings::default());
    assert_eq!(
        (house.tier(&applications, &house.mateo), house.tier(&applications, &house.mary)),
        (Some(Tier::Reader), None)
    );
}

#[test]
fn a_seat_is_nothing_without_an_assignment() {
    let house = house();
    let applications = house.with_groups(&["AnyOrg Team"]);

    applications.seats().say(&[house.mary, house.gone], Some(Tier::Full), NOON_MS).unwrap();

    assert_eq!((house.tier(&applications, &house.mary), house.tier(&applications, &house.gone)), (None, None));
}

#[test]
fn who_is_removed_is_assigned_to_nothing_whatever_group_they_are_in_until_they_are_assigned_themselves() {
    let house = house();
    let applications = house.open(&Settings::default());
    let other = applications.make(None, &titled("Other"), &[], NOON_MS).unwrap();
    let whom = [Whom::Group(house.team.clone()), Whom::Person(house.mateo)];
    applications.assign(&other.id, &whom, Tier::Full, &house.directory, NOON_MS).unwrap();

    let removed = applications.remove(&[house.mateo], &house.directory).unwrap();

    assert_eq!(removed[0].from, [id("default"), other.id.clone()]);
    assert_eq!(house.of(&applications, &house.mateo), Vec::<String>::new());
    assert_eq!(house.of(&applications, &house.mary), ["default"]);
    let again = applications.assign(&other.id, &[Whom::Person(house.mateo)], Tier::Full, &house.directory, 0).unwrap();
    assert_eq!((again.len(), house.of(&applications, &house.mateo)), (1, vec!["other".to_owned()]));
}

#[test]
fn who_is_assigned_by_the_settings_is_told_to_be_so_still() {
    let house = house();
    let applications = house.with_groups(&["AnyOrg Team"]);

    let removed = applications.remove(&[house.mateo, house.mary], &house.directory).unwrap();

    assert_eq!((removed[0].still.len(), &removed[0].from, removed[1].still.len()), (1, &vec![], 0));
}

#[test]
fn a_deleted_application_is_gone_with_its_assignments_and_its_id_is_not_given_again() {
    let house = house();
    let applications = house.open(&Settings::default());
    let other = applications.make(None, &titled("Other"), &[], NOON_MS).unwrap();
    applications.assign(&other.id, &[Whom::Person(house.mary)], Tier::Full, &house.directory, NOON_MS).unwrap();

    applications.delete(&other.id, (&house.directory, &house.mateo), NOON_MS).unwrap();

    drop(applications);
    let applications = house.open(&Settings::default());
    assert_eq!(house.of(&applications, &house.mary), ["default"]);
    assert!(applications.is_ended(&other.id) && applications.one(&other.id).is_none());
    assert!(matches!(applications.make(Some(other.id.clone()), &titled("Other"), &[], 0), Err(Error::Refused(_))));
    assert_eq!(applications.make(None, &titled("Other"), &[], 0).unwrap().id.as_str(), "other-2");
    let default = applications.delete(&id("default"), (&house.directory, &house.mateo), 0);
    assert!(matches!(default, Err(Error::Refused(why)) if why.contains("always there")));
}

#[test]
fn nobody_takes_their_own_last_application() {
    let house = house();
    let applications = house.open(&Settings::default());
    let narrow = |by: &UserId| applications.unassign(&id("default"), &[Whom::Everybody], (&house.directory, by));

    assert!(matches!(narrow(&house.mateo), Err(Error::Refused(why)) if why.contains("your own last application")));
    assert_eq!(house.of(&applications, &house.mary), ["default"], "nothing was changed");
    let team = [Whom::Group(house.team.clone())];
    applications.assign(&id("default"), &team, Tier::Full, &house.directory, NOON_MS).unwrap();
    assert_eq!(narrow(&house.mateo).unwrap(), [Whom::Everybody]);
    assert_eq!((house.of(&applications, &house.mateo).len(), house.of(&applications, &house.mary).len()), (1, 0));
}

#[test]
fn what_the_settings_have_is_locked_and_what_they_do_not_have_is_the_desks() {
    let house = house();
    let written = BTreeMap::from([("title".to_owned(), Locked::File), ("tone".to_owned(), Locked::Environment)]);
    let settings = Settings { title: "Ask us".to_owned(), tone: Tone::Formal, written, ..Settings::default() };
    let applications = house.open(&settings);

    let refused = applications.change(&id("default"), &titled("Mine"), &[]);
    assert!(matches!(refused, Err(Error::Refused(why)) if why.contains("title stands in the settings file")));
    let change = Change { welcome: Some("Hello.".to_owned()), ..Change::default() };
    applications.change(&id("default"), &change, &[]).unwrap();

    let now = applications.one(&id("default")).unwrap();
    assert_eq!((now.title.as_str(), now.welcome.as_str(), now.responses.tone), ("Ask us", "Hello.", Tone::Formal));
    let origins = ["title", "welcome", "tone", "days"].map(|key| now.origins[key]);
    assert_eq!(origins, [Origin::File, Origin::Desk, Origin::Environment, Origin::Default]);
}

#[test]
fn who_leaves_for_good_leaves_no_assignment_and_no_seat() {
    let house = house();
    let applications = house.open(&Settings::default());
    let person = [Whom::Person(house.mary)];
    applications.assign(&id("default"), &person, Tier::Full, &house.directory, NOON_MS).unwrap();
    applications.seats().say(&[house.mary], None, NOON_MS).unwrap();
    applications.seats().mark(&[house.mateo, house.mary], NOON_MS).unwrap();
    applications.seats().note_use(&house.mary, NOON_MS).unwrap();

    applications.forget(&house.mary).unwrap();

    drop(applications);
    let applications = house.open(&Settings::default());
    assert_eq!(applications.seats().known(&house.mary), Known::default());
    let Assigned::Kept { all, .. } = &applications.one(&id("default")).unwrap().assigned else { panic!("it is kept") };
    assert!(!all.iter().any(|one| one.whom == Whom::Person(house.mary)));
    assert_eq!(applications.seats().known(&house.mateo).since_ms, Some(NOON_MS));
}

#[test]
fn since_when_a_seat_is_held_begins_anew_after_a_break() {
    let house = house();
    let seats = house.open(&Settings::default());
    let seats = seats.seats();
    let since = || seats.known(&house.mateo).since_ms;

    seats.mark(&[house.mateo], 100).unwrap();
    seats.mark(&[house.mateo], 200).unwrap();
    assert_eq!(since(), Some(100));
    seats.mark(&[], 300).unwrap();
    assert_eq!(since(), None);
    seats.mark(&[house.mateo], 400).unwrap();
    assert_eq!(since(), Some(400));
}

#[test]
fn a_record_of_assignments_that_does_not_read_stops_the_start() {
    let house = house();
    let applications = house.open(&Settings::default());
    let team = [Whom::Group(house.team.clone())];
    applications.assign(&id("default"), &team, Tier::Full, &house.directory, NOON_MS).unwrap();
    applications.kept.damage(&"default".to_owned(), |bytes| bytes[9] ^= 1);
    drop(applications);

    let opened = Applications::open(&house.store, &Settings::default(), &[]);

    assert!(matches!(opened, Err(Error::Broken(_))), "an application that was narrowed must not open to everybody");
    assert!(house.folder.path().exists());
}

#[test]
fn what_is_wrong_with_the_settings_is_said_with_how_to_mend_it() {
    let one = |word: &str| Settings { id: id(word), ..Settings::default() };
    for (settings, said) in [
        (Settings { title: " ".to_owned(), ..one("default") }, "application.title is empty"),
        (Settings { sources: vec![SourceId::parse("wikki").unwrap()], ..one("default") }, "there is no source wikki"),
        (Settings { people: vec!["a b".to_owned()], ..one("default") }, "application.people"),
        (Settings { groups: vec![" ".to_owned()], ..one("default") }, "application.groups"),
        (Settings { questions: vec!["a?".to_owned(); 21], ..one("default") }, "application.questions has too many"),
        (Settings { others: vec![one("hr"), one("hr")], ..one("default") }, "application.id hr stands twice"),
    ] {
        let error = check(&settings, &[wiki()]).unwrap_err().to_string();
        assert!(error.contains(said) && (error.contains("; ") || error.contains(": ")), "{error}");
    }
}
