//! What would change if: it is what changes when it is done.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use sotto::app::nouns::{Mode, State};
use sotto::standin::browser::Browser;

use crate::permissions::{any_ids, any_site};
use crate::support::{Appliance, Site, oracle};

const PEOPLE: [&str; 3] = ["u1", "u2", "u3"];

/// A change, and what is asked to know what it would change.
#[derive(Debug, Clone)]
struct Change {
    kind: &'static str,
    group: &'static str,
    space: &'static str,
    user: &'static str,
}

impl Change {
    fn query(&self) -> String {
        let Change { kind, group, space, user } = self;
        let more = if matches!(*kind, "gets" | "loses") { format!("space={space}") } else { format!("user={user}") };
        format!("/api/v1/admin/access/what-if?change={kind}&source=wiki&group={group}&{more}")
    }

    /// The site once it is done.
    fn done(&self, site: &Value) -> Value {
        let mut site = site.clone();
        let list = match self.kind {
            "gets" | "loses" => {
                let spaces = site["spaces"].as_array_mut().unwrap();
                &mut spaces.iter_mut().find(|space| space["key"] == self.space).unwrap()["view"]["groups"]
            }
            _ => {
                let groups = site["groups"].as_array_mut().unwrap();
                &mut groups.iter_mut().find(|group| group["name"] == self.group).unwrap()["members"]
            }
        };
        let what = if matches!(self.kind, "gets" | "loses") { self.group } else { self.user };
        let list = list.as_array_mut().unwrap();
        list.retain(|one| *one != what);
        if matches!(self.kind, "gets" | "joins") {
            list.push(json!(what));
        }
        site
    }
}

fn any_change() -> impl Strategy<Value = Change> {
    let kind = select(vec!["gets", "loses", "joins", "leaves"]);
    let group = select(vec!["ga", "gb", "gc", "confluence-users"]);
    (kind, group, select(vec!["ONE", "TWO"]), select(PEOPLE.to_vec())).prop_map(|(kind, group, space, user)| Change {
        kind,
        group,
        space,
        user,
    })
}

/// Who may open what, as the appliance decides it.
fn sights(ana: &mut Browser) -> BTreeSet<(String, String)> {
    let mut sights = BTreeSet::new();
    for id in any_ids() {
        let ask = |other: &str| format!("/api/v1/admin/access?user=u1&other={other}&document=wiki:{id}");
        for other in ["u2", "u3"] {
            for person in ana.json(&ask(other)).unwrap()["people"].as_array().unwrap() {
                if person["may_open"] == true {
                    sights.insert((person["user_name"].as_str().unwrap().to_owned(), format!("wiki:{id}")));
                }
            }
        }
    }
    sights
}

fn put(house: &Appliance, site: &Value) -> Result<(), TestCaseError> {
    house.change_wiki("PUT", "/_standin/site", site);
    let state = house.sync(Mode::Changes);
    prop_assert!(matches!(state, State::Succeeded | State::Incomplete), "the sync is {:?}", state);
    Ok(())
}

#[test]
fn whatever_the_site_what_would_change_is_what_changes_when_it_is_done() {
    let cases = std::env::var("SOTTO_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(8u32).min(200);
    let house = Appliance::with(&Site::new().user("u1").user("u2").user("u3").user("ana"));
    let ana = std::cell::RefCell::new(house.sign_in("ana"));
    let changed = std::cell::Cell::new(0);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases,
        failure_persistence: None,
        max_shrink_iters: 0,
        ..ProptestConfig::default()
    });
    runner
        .run(&(any_site(), proptest::collection::vec(any_change(), 2)), |(site, changes)| {
            put(&house, &site)?;
            let before = sights(&mut ana.borrow_mut());
            // What was hidden by another membership is not known to be left.
            let is_known = |change: &Change| change.kind != "leaves" || oracle::is_told_once(&site, change.user);
            for change in changes.into_iter().filter(is_known) {
                let told = ana.borrow_mut().json(&change.query()).unwrap();
                prop_assert_eq!(&sights(&mut ana.borrow_mut()), &before, "nothing is changed by asking");
                put(&house, &change.done(&site))?;
                let after = sights(&mut ana.borrow_mut());
                put(&house, &site)?;

                let is_gain = matches!(change.kind, "gets" | "joins");
                let differs: Vec<&(String, String)> =
                    if is_gain { after.difference(&before).collect() } else { before.difference(&after).collect() };
                let others =
                    if is_gain { before.difference(&after).count() } else { after.difference(&before).count() };
                prop_assert_eq!(others, 0, "{:?} goes one way", change);
                let people: BTreeSet<&String> = differs.iter().map(|(person, _)| person).collect();
                let documents: BTreeSet<&String> = differs.iter().map(|(_, document)| document).collect();
                prop_assert_eq!(&told["people"], people.len(), "{:?} of {}: {}", change, site, told);
                prop_assert_eq!(&told["documents"], documents.len(), "{:?} of {}: {}", change, site, told);
                prop_assert_eq!(&told["direction"], if is_gain { "gains" } else { "loses" });
                let mut spaces: BTreeMap<String, usize> = BTreeMap::new();
                for document in documents {
                    let id = document.trim_start_matches("wiki:");
                    let content = site["content"].as_array().unwrap().iter().find(|one| one["id"] == id).unwrap();
                    *spaces.entry(content["space"].as_str().unwrap().to_owned()).or_default() += 1;
                }
                let by_space = told["spaces"].as_array().unwrap().iter();
                let told_spaces: BTreeMap<String, usize> = by_space
                    .map(|one| (one["space"].as_str().unwrap().to_owned(), one["documents"].as_u64().unwrap() as usize))
                    .collect();
                prop_assert_eq!(told_spaces, spaces);
                changed.set(changed.get() + differs.len());
            }
            Ok(())
        })
        .unwrap();
    assert!(changed.get() > 0, "some change changes something, or this shows nothing");
}

#[test]
fn titles_are_told_of_pages_that_the_administrator_may_open_and_of_no_others() {
    let site =
        Site::two_projects().restrict("301", &["mary", "ana"], &[]).page("ACME", "302", None, "Budget", "<p>Much.</p>");
    let house = Appliance::with(&site);
    let mut ana = house.sign_in("ana");
    let before = house.audited("desk");

    // Ana may view no space but HR; there is one page of it that a group without it would gain.
    let acme = ana.json("/api/v1/admin/access/what-if?change=gets&source=wiki&group=anyorg-team&space=ACME").unwrap();
    assert_eq!((&acme["people"], &acme["documents"], &acme["titles"]), (&json!(1), &json!(1), &json!([])), "{acme}");
    assert!(!acme.to_string().contains("Budget"), "{acme}");

    let hr = ana.json("/api/v1/admin/access/what-if?change=loses&source=wiki&group=confluence-users&space=HR").unwrap();
    assert_eq!((&hr["people"], &hr["titles"][0]["title"]), (&json!(3), &json!("Annual leave")), "{hr}");
    assert_eq!(house.audited("desk"), before + 2, "each look is on record");
    assert!(!house.audit_lines().concat().contains("Annual leave"));
}

#[test]
fn what_is_not_known_is_said_to_be_and_how_it_is_mended() {
    let house = Appliance::with(&Site::two_projects());
    let mut ana = house.sign_in("ana");
    for (query, words) in [
        ("change=gets&source=wiki&group=nobodies&space=HR", "no sync of wiki has seen a group of that name"),
        ("change=gets&source=wiki&group=acme-team&space=NONE", "no sync of wiki has seen a space of that key"),
        ("change=joins&source=wiki&group=acme-team&user=zoe", "no active person of that user name"),
        ("change=gets&source=other&group=acme-team&space=HR", "the settings name no such source"),
        ("change=gets&source=wiki&group=acme-team&user=mary", "gets and loses take a group and a space"),
        ("change=burns&source=wiki&group=acme-team", "unknown variant"),
    ] {
        let heard = ana.send("GET", &format!("/api/v1/admin/access/what-if?{query}"), None).unwrap();
        assert_eq!(heard.status, 400, "{query}");
        assert!(heard.text.contains(words), "{query}: {}", heard.text);
    }
}
