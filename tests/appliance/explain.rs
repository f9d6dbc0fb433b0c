//! Explanations of rights, through the whole path: they decide as the oracle does, and what they name is what it rests on.

use proptest::prelude::*;
use serde_json::{Value, json};
use sotto::app::nouns::{Clock, Mode, State};
use sotto::standin::browser::Browser;

use crate::permissions::{any_ids, any_site, truth_table};
use crate::support::{Appliance, Parts, Site, oracle};

/// What an appliance of this module stands over, where nothing else is said.
const FLAVOUR: &str = "dc-10";

/// The truth table with an administrator, a group in a group, and somebody who is in two.
fn house() -> Appliance {
    Appliance::with(&site())
}

fn site() -> Site {
    truth_table().user("ana").group("g4", &["u6"], &[])
}

/// The same site once `u6` reaches what lies below `Beacon` by way of a nested group, and `u4` passes `Anchor` in two ways.
fn nested() -> Value {
    let mut site = site().json();
    groups(&mut site, "g2")["members"] = json!(["u2", "u4", "u6"]);
    groups(&mut site, "g3")["groups"] = json!(["g4"]);
    content(&mut site, "1001")["read"]["users"] = json!(["u1", "u4"]);
    site
}

fn groups<'a>(site: &'a mut Value, name: &str) -> &'a mut Value {
    site["groups"].as_array_mut().unwrap().iter_mut().find(|group| group["name"] == name).unwrap()
}

fn content<'a>(site: &'a mut Value, id: &str) -> &'a mut Value {
    let local = id.trim_start_matches("wiki:");
    site["content"].as_array_mut().unwrap().iter_mut().find(|content| content["id"] == local).unwrap()
}

/// The explanation of one person's right, as the administrator is told it.
fn explained(ana: &mut Browser, user: &str, document: &str) -> Value {
    let found = ana.json(&format!("/api/v1/admin/access?user={user}&document=wiki:{document}")).unwrap();
    found["people"][0].clone()
}

fn steps(person: &Value) -> Vec<&Value> {
    person["steps"].as_array().unwrap().iter().collect()
}

fn facts(person: &Value) -> Vec<Value> {
    let ways = steps(person).into_iter().flat_map(|step| step["ways"].as_array().unwrap());
    ways.flat_map(|way| way.as_array().unwrap()).cloned().collect()
}

fn step<'a>(person: &'a Value, kind: &str, of: &str) -> &'a Value {
    let found = steps(person).into_iter().find(|step| step["step"] == kind && step["of"] == of);
    found.unwrap_or_else(|| panic!("no {kind} of {of:?} in {person}"))
}

/// What one fact being taken away makes of a site. A restriction that is left to nobody else is left to a group that does
/// not exist: with an empty list it would be open.
fn without(site: &Value, fact: &Value) -> Value {
    let mut site = site.clone();
    let key = fact["who"]["key"].as_str().unwrap();
    let name = key.trim_start_matches("key-").to_owned();
    let leave = |list: &mut Value| list.as_array_mut().unwrap().retain(|one| *one != name.as_str());
    let of = fact["of"].as_str().unwrap();
    if fact["who"]["kind"] == "anyone" {
        let spaces = site["spaces"].as_array_mut().unwrap();
        spaces.iter_mut().find(|space| space["key"] == of).unwrap()["view"]["anonymous"] = json!(false);
        return site;
    }
    let list = if fact["who"]["kind"] == "account" { "users" } else { "groups" };
    match fact["fact"].as_str().unwrap() {
        "alias" => {
            let users = site["users"].as_array_mut().unwrap();
            users.iter_mut().find(|user| user["key"] == key).unwrap()["active"] = json!(false);
        }
        "membership" if list == "users" => leave(&mut groups(&mut site, of)["members"]),
        "membership" => leave(&mut groups(&mut site, of)["groups"]),
        _ if of == "wiki" => leave(&mut site["global_use"][list]),
        _ if of.starts_with("wiki:") => {
            leave(&mut content(&mut site, of)["read"][list]);
            content(&mut site, of)["read"]["groups"].as_array_mut().unwrap().push(json!("left-to-nobody"));
        }
        _ => {
            let spaces = site["spaces"].as_array_mut().unwrap();
            leave(&mut spaces.iter_mut().find(|space| space["key"] == of).unwrap()["view"][list]);
        }
    }
    site
}

#[test]
fn whatever_the_site_an_explanation_decides_as_the_oracle_does_and_names_what_is_missing() {
    let cases = std::env::var("SOTTO_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(8u32).min(400);
    let house = Appliance::with(&Site::new().user("u1").user("u2").user("u3").user("ana"));
    let mut ana = house.sign_in("ana");
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases,
        failure_persistence: None,
        max_shrink_iters: 0,
        ..ProptestConfig::default()
    });
    let ana = std::cell::RefCell::new(&mut ana);
    runner
        .run(&any_site(), |site| {
            house.change_wiki("PUT", "/_standin/site", &site);
            let state = house.sync(Mode::Changes);
            prop_assert!(matches!(state, State::Succeeded | State::Incomplete), "the sync is {:?}", state);
            let missing = "4711".to_owned();
            for id in any_ids().chain([missing]) {
                for user in ["u1", "u2", "u3", "ana"] {
                    let person = explained(&mut ana.borrow_mut(), user, &id);
                    let admitted = oracle::may_view(FLAVOUR, &site, user, &id);
                    prop_assert_eq!(&person["may_open"], admitted, "{} on {} of {}: {}", user, id, site, person);
                    let met = steps(&person).into_iter().all(|step| step["state"] == "met");
                    prop_assert_eq!(met, admitted, "{}", person);
                    prop_assert_eq!(person["missing"].as_array().unwrap().is_empty(), admitted, "{}", person);
                }
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn of_a_moment_of_the_past_an_explanation_decides_as_the_oracle_did_then() {
    let cases = std::env::var("SOTTO_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(2u32).min(60);
    let house = Appliance::with(&Site::new().user("u1").user("u2").user("u3").user("ana"));
    let before_all = Clock::System.now().rfc3339();
    let ana = std::cell::RefCell::new(house.sign_in("ana"));
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases,
        failure_persistence: None,
        max_shrink_iters: 0,
        ..ProptestConfig::default()
    });
    let past = |user: &str, id: &str, at: &str| {
        let at: String = url::form_urlencoded::byte_serialize(at.as_bytes()).collect();
        let path = format!("/api/v1/admin/access?user={user}&document=wiki:{id}&at={at}");
        ana.borrow_mut().json(&path).unwrap()["people"][0].clone()
    };
    runner
        .run(&proptest::collection::vec(any_site(), 2..4), |sites| {
            let mut history = Vec::new();
            for site in sites {
                house.change_wiki("PUT", "/_standin/site", &site);
                let state = house.sync(Mode::Changes);
                prop_assert!(matches!(state, State::Succeeded | State::Incomplete), "the sync is {:?}", state);
                history.push((Clock::System.now().rfc3339(), site));
                // Runs are told apart by the millisecond in which they begin.
                std::thread::park_timeout(std::time::Duration::from_millis(5));
            }
            for (at, site) in &history {
                for id in any_ids() {
                    for user in ["u1", "u2", "u3"] {
                        let person = past(user, &id, at);
                        let admitted = oracle::may_view(FLAVOUR, site, user, &id);
                        prop_assert_eq!(&person["may_open"], admitted, "{} on {} at {}: {}", user, id, at, person);
                    }
                }
            }
            Ok(())
        })
        .unwrap();
    let id = any_ids().next().unwrap();
    assert_eq!(past("u1", &id, &before_all)["may_open"], false, "nothing was known yet");
    let coming = "/api/v1/admin/access?user=u1&document=wiki:1000&at=2999-01-01T00:00:00Z";
    assert_eq!(ana.borrow_mut().send("GET", coming, None).unwrap().status, 400);
}

#[test]
fn without_any_fact_that_an_explanation_calls_needed_the_page_is_lost_and_without_any_other_it_is_not() {
    let (house, site) = (house(), nested());
    let mut ana = house.sign_in("ana");
    let put = |site: &Value| {
        house.change_wiki("PUT", "/_standin/site", site);
        house.refresh();
    };
    put(&site);

    for (user, document) in [("u1", "1003"), ("u4", "1006"), ("u6", "1002")] {
        let person = explained(&mut ana, user, document);
        assert_eq!(person["may_open"], true, "{person}");
        let mut facts = facts(&person);
        assert!(facts.len() >= 10, "{person}");
        facts.sort_by_key(Value::to_string);
        facts.dedup();
        let needless = facts.iter().filter(|fact| fact["needed"] == false).count();
        assert_eq!(needless > 0, user == "u4", "{person}");

        for fact in facts {
            let changed = without(&site, &fact);
            put(&changed);
            let after = explained(&mut ana, user, document);
            assert_eq!(after["may_open"], !fact["needed"].as_bool().unwrap(), "{user} without {fact}: {after}");
            assert_eq!(after["may_open"], oracle::may_view(FLAVOUR, &changed, user, document), "{user} without {fact}");
            assert_ne!(after["steps"], person["steps"], "{fact} was of no account");
        }
        put(&site);
    }
}

#[test]
fn a_proof_tells_the_account_the_way_through_the_groups_the_grants_and_the_sync_that_learned_each() {
    let house = house();
    house.change_wiki("PUT", "/_standin/site", &nested());
    house.refresh();
    let mut ana = house.sign_in("ana");

    let person = explained(&mut ana, "u6", "1003");

    let alias = step(&person, "alias", "wiki");
    assert_eq!((&alias["state"], &alias["learned"]["number"]), (&json!("met"), &json!(1)), "{person}");
    assert_eq!(step(&person, "use", "wiki")["asks"][0]["name"], "confluence-users");
    assert_eq!(step(&person, "space", "S")["asks"][0]["key"], "g1");
    assert_eq!(step(&person, "restriction", "wiki:1001")["asks"].as_array().unwrap().len(), 3);
    let way = step(&person, "restriction", "wiki:1002")["ways"][0].as_array().unwrap();
    let told: Vec<(&str, &Value)> =
        way.iter().map(|fact| (fact["text"].as_str().unwrap(), &fact["learned"]["number"])).collect();
    assert_eq!(
        told,
        [
            ("u6 is the account u6", &json!(1)),
            ("the account u6 is in the group g4", &json!(1)),
            ("the group g4 is in the group g3", &json!(2)),
            ("wiki:1002 may be viewed by the group g3", &json!(1)),
        ]
    );
}

#[test]
fn what_is_missing_is_named_and_what_is_unknown_is_said_to_be() {
    let house = house();
    let mut ana = house.sign_in("ana");
    let mut missing = |user: &str, document: &str| {
        let person = explained(&mut ana, user, document);
        assert_eq!(person["may_open"], false, "{person}");
        person["missing"].as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };

    assert_eq!(
        missing("u5", "1003"),
        ["wiki:1001 may be viewed by the account u1 or the group g2; u5 is not among them."]
    );
    assert_eq!(missing("u7", "1000"), ["The space S may be viewed by the group g1; u7 is not among them."]);
    assert_eq!(missing("zoe", "1000"), ["The directory has no person zoe."]);
    assert!(missing("u1", "4711").contains(&"No sync has seen a document of this id.".to_owned()));

    house.change_wiki("PATCH", "/_standin/content/1001", &json!({ "status": "trashed" }));
    house.refresh();
    assert_eq!(
        missing("u5", "1003"),
        ["wiki:1001 may be viewed by the account u1 or the group g2; u5 is not among them."],
        "what is in the bin restricts what stands below it"
    );
    let gone = missing("u1", "1001");
    assert_eq!(gone, ["Sync 2 did not list it; its restriction holds for what stands below it."]);
}

#[test]
fn of_a_page_above_that_the_wiki_does_not_tell_of_it_is_said_that_nobody_knows_whom_it_is_left_to() {
    let house = Appliance::made_of(Parts::of_flavour("dc-9.2.18"), &site(), |_| {});
    house.refresh();
    let mut ana = house.sign_in("ana");

    house.change_wiki("PATCH", "/_standin/content/1001", &json!({ "status": "trashed" }));
    assert_eq!(house.sync(Mode::Changes), State::Incomplete);

    let person = explained(&mut ana, "u1", "1003");
    assert_eq!(
        person["missing"],
        json!(["By whom wiki:1001 may be viewed is not known, for the last sync did not list it; so nobody passes."])
    );
}

#[test]
fn a_person_without_an_account_and_one_who_was_deactivated_are_told_apart() {
    let house = house();
    let mut ana = house.sign_in("ana");
    let (status, _) = house.scim(
        "PATCH",
        &format!("/Users/{}", house.person_id("u1")),
        r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"active","value":false}]}"#,
    );
    assert!(status < 300, "{status}");
    house.change_wiki("PUT", "/_standin/site", &{
        let mut site = site().json();
        site["users"].as_array_mut().unwrap().retain(|user| user["username"] != "u2");
        site
    });
    house.refresh();

    let (inactive, unmatched) = (explained(&mut ana, "u1", "1000"), explained(&mut ana, "u2", "1000"));

    assert_eq!(inactive["missing"], json!(["u1 is in the directory and not active."]));
    assert_eq!(
        step(&unmatched, "alias", "wiki")["text"],
        "No account of wiki is u2's: none has that user name, and none was given to them."
    );
    assert!(facts(&unmatched).is_empty(), "{unmatched}");
}

#[test]
fn two_people_are_compared_where_they_differ() {
    let house = house();
    let mut ana = house.sign_in("ana");

    let found = ana.json("/api/v1/admin/access?user=u1&other=u5&document=wiki:1003").unwrap();

    assert_eq!((&found["people"][0]["may_open"], &found["people"][1]["may_open"]), (&json!(true), &json!(false)));
    let differences = found["differences"].as_array().unwrap();
    assert_eq!(differences.len(), 1, "{found}");
    assert_eq!((&differences[0]["of"], &differences[0]["states"]), (&json!("wiki:1001"), &json!(["met", "failed"])));
}

#[test]
fn an_administrator_is_told_no_title_and_no_word_and_every_look_is_on_record() {
    let house = house();
    let mut ana = house.sign_in("ana");
    let before = house.audited("explained");

    let found = ana.json("/api/v1/admin/access?user=u1&other=u5&document=wiki:1003").unwrap().to_string();
    ana.json("/api/v1/admin/access?user=nobody.here&document=wiki:Compass").unwrap();

    for word in ["Compass", "Beacon", "Anchor", "Home", "north", "oil", "tonne"] {
        assert!(!found.contains(word), "{word} stands in {found}");
    }
    assert_eq!(house.audited("explained"), before + 3);
    let log = house.audit_lines().concat();
    assert!(log.contains(r#""by":"administrator","document":"wiki:1003""#), "{log}");
    assert!(!log.contains("nobody.here") && !log.contains("Compass"), "what was typed stays out of the log");
}

#[test]
fn for_others_there_is_no_explanation_but_of_what_they_may_open() {
    let house = house();
    let mut u4 = house.sign_in("u4");

    for path in ["/api/v1/admin/access?user=u1&document=wiki:1000", "/admin/access"] {
        assert_eq!(u4.send("GET", path, None).unwrap().status, 404, "{path}");
    }
    let own = u4.json("/api/v1/documents/wiki:1003/access").unwrap();
    assert_eq!(own["people"][0]["may_open"], true, "{own}");
    assert!(own.to_string().contains("wiki:1001 may be viewed by the group g2"), "{own}");
    for other in ["u1", "u2", "u7"] {
        assert!(!own.to_string().contains(other), "{other}, who may read it too, stands in {own}");
    }
    assert_eq!(house.audited("explained"), 1);
}

#[test]
fn an_explanation_of_what_may_not_be_seen_is_that_of_what_does_not_exist() {
    let house = house();
    let mut u5 = house.sign_in("u5");
    let mut told = |id: &str| {
        let heard = u5.send("GET", &format!("/api/v1/documents/wiki:{id}/access"), None).unwrap();
        let mut body = heard.json();
        body["request_id"] = Value::Null;
        (heard.status, body)
    };

    let hidden = told("1003");

    assert_eq!(hidden.0, 404);
    assert_eq!(hidden, told("4711"));
}

#[test]
fn a_source_that_is_taken_out_of_the_settings_opens_nothing_and_the_explanation_says_so() {
    let house = Appliance::with(&Site::two_projects());
    let open =
        |house: &Appliance| house.sign_in("mateo").send("GET", "/api/v1/documents/wiki:101", None).unwrap().status;
    assert_eq!(open(&house), 200);

    let house = house.restart_with(|settings| settings.source.clear());

    assert_eq!(open(&house), 404);
    let person = explained(&mut house.sign_in("ana"), "mateo", "101");
    assert_eq!(person["missing"], json!(["The settings name no source wiki."]), "{person}");
}

#[test]
fn the_command_line_tells_the_same_to_the_owner_of_the_machine() {
    let house = house();
    let config = house.folder().with_extension("toml");
    crate::support::put(&config, &format!("[data]\nfolder = {:?}\n", house.folder().display().to_string()));
    let run = |more: &[&str]| {
        let told = std::process::Command::new(env!("CARGO_BIN_EXE_sotto"))
            .args(["explain", "--config", config.to_str().unwrap(), "--user", "u5", "--document", "wiki:1003"])
            .args(more)
            .output()
            .unwrap();
        assert!(told.status.success(), "{told:?}");
        String::from_utf8(told.stdout).unwrap()
    };

    let (words, parts) = (run(&["--other", "u1"]), run(&["--json"]));

    for line in [
        "u5 may not open wiki:1003.",
        "  - wiki:1001 may be viewed by the account u1 or the group g2; u5 is not among them.",
        "u1 may open wiki:1003.",
        "they differ:",
    ] {
        assert!(words.contains(line), "{line:?} is not in {words}");
    }
    let parts: Value = serde_json::from_str(&parts).unwrap();
    assert_eq!(parts["people"][0]["may_open"], false, "{parts}");
    assert!(house.audit_lines().concat().contains(r#""by":"owner""#));
}

#[test]
fn whatever_the_history_each_fact_that_an_explanation_of_the_past_calls_needed_is_and_no_other() {
    let cases = std::env::var("SOTTO_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(3u32).min(100);
    let house = Appliance::with(&Site::new().user("u1").user("u2").user("u3").user("ana"));
    let ana = std::cell::RefCell::new(house.sign_in("ana"));
    let looked_at = std::cell::Cell::new(0);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases,
        failure_persistence: None,
        max_shrink_iters: 0,
        ..ProptestConfig::default()
    });
    runner
        .run(&proptest::collection::vec(any_site(), 2..4), |sites| {
            let mut history = Vec::new();
            for site in sites {
                house.change_wiki("PUT", "/_standin/site", &site);
                let state = house.sync(Mode::Changes);
                prop_assert!(matches!(state, State::Succeeded | State::Incomplete), "the sync is {:?}", state);
                history.push((Clock::System.now().rfc3339(), site));
                std::thread::park_timeout(std::time::Duration::from_millis(5));
            }
            for (at, site) in &history {
                let at: String = url::form_urlencoded::byte_serialize(at.as_bytes()).collect();
                for id in any_ids() {
                    let is_told =
                        |user: &&str| oracle::may_view(FLAVOUR, site, user, &id) && oracle::is_told_once(site, user);
                    for user in ["u1", "u2", "u3"].into_iter().filter(is_told) {
                        let path = format!("/api/v1/admin/access?user={user}&document=wiki:{id}&at={at}");
                        let person = ana.borrow_mut().json(&path).unwrap()["people"][0].clone();
                        prop_assert_eq!(&person["may_open"], true);
                        for fact in facts(&person) {
                            let changed = without(site, &fact);
                            let admitted = oracle::may_view(FLAVOUR, &changed, user, &id);
                            prop_assert_eq!(
                                &fact["needed"],
                                !admitted,
                                "{} on {} without {}: {}",
                                user,
                                id,
                                fact,
                                site
                            );
                            looked_at.set(looked_at.get() + 1);
                        }
                        // A condition stands on its ways: without the last fact of each, the page is lost.
                        for step in steps(&person).into_iter().filter(|step| step["more_ways"] == 0) {
                            let ways = step["ways"].as_array().unwrap();
                            let lasts = ways.iter().filter_map(|way| way.as_array().unwrap().last());
                            let changed = lasts.fold(site.clone(), |site, fact| without(&site, fact));
                            prop_assert!(
                                ways.is_empty() || !oracle::may_view(FLAVOUR, &changed, user, &id),
                                "{step} of {site}"
                            );
                        }
                    }
                }
            }
            Ok(())
        })
        .unwrap();
    assert!(looked_at.get() > 0, "no fact was looked at, so this shows nothing");
}

#[test]
fn on_a_whole_space_two_people_are_told_apart_as_the_oracle_tells_them_now_and_then() {
    let cases = std::env::var("SOTTO_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(3u32).min(100);
    let house = Appliance::with(&Site::new().user("u1").user("u2").user("u3").user("ana"));
    let ana = std::cell::RefCell::new(house.sign_in("ana"));
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases,
        failure_persistence: None,
        max_shrink_iters: 0,
        ..ProptestConfig::default()
    });
    let is_there = |site: &Value, id: &str, space: &str| {
        let known = site["content"].as_array().unwrap().iter().find(|content| content["id"] == id);
        known.is_some_and(|content| content["space"] == space)
    };
    runner
        .run(&proptest::collection::vec(any_site(), 2..4), |sites| {
            let mut history = Vec::new();
            for site in sites {
                house.change_wiki("PUT", "/_standin/site", &site);
                let state = house.sync(Mode::Changes);
                prop_assert!(matches!(state, State::Succeeded | State::Incomplete), "the sync is {:?}", state);
                history.push((Some(Clock::System.now().rfc3339()), site));
                std::thread::park_timeout(std::time::Duration::from_millis(5));
            }
            let (_, last) = history.last().unwrap().clone();
            history.push((None, last));
            for (at, site) in &history {
                let at: String = at
                    .iter()
                    .flat_map(|at| ["&at=".to_owned(), url::form_urlencoded::byte_serialize(at.as_bytes()).collect()])
                    .collect();
                for (space, one, other) in [("ONE", "u1", "u2"), ("TWO", "u3", "u1")] {
                    let path = format!("/api/v1/admin/access/space?user={one}&other={other}&space=wiki:{space}{at}");
                    let told = ana.borrow_mut().json(&path).unwrap();
                    let admitted = |user: &str| -> Vec<String> {
                        any_ids()
                            .filter(|id| is_there(site, id, space) && oracle::may_view(FLAVOUR, site, user, id))
                            .collect()
                    };
                    let (of_one, of_other) = (admitted(one), admitted(other));
                    let both = of_one.iter().filter(|id| of_other.contains(id)).count();
                    prop_assert_eq!(
                        &told["may_open"],
                        &json!([of_one.len(), of_other.len()]),
                        "{} {}: {}",
                        path,
                        site,
                        told
                    );
                    prop_assert_eq!(&told["all_may_open"], both, "{}: {}", path, told);
                    let mut differ: Vec<(String, String)> = Vec::new();
                    differ.extend(
                        of_one
                            .iter()
                            .filter(|id| !of_other.contains(id))
                            .map(|id| (format!("wiki:{id}"), one.to_owned())),
                    );
                    differ.extend(
                        of_other
                            .iter()
                            .filter(|id| !of_one.contains(id))
                            .map(|id| (format!("wiki:{id}"), other.to_owned())),
                    );
                    differ.sort();
                    let found = told["different"].as_array().unwrap().iter();
                    let found: Vec<(String, String)> = found
                        .map(|one| {
                            (
                                one["document_id"].as_str().unwrap().to_owned(),
                                one["open_to"].as_str().unwrap().to_owned(),
                            )
                        })
                        .collect();
                    prop_assert_eq!(found, differ, "{}", path);
                }
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn on_a_space_no_title_is_told_but_of_what_the_administrator_may_open_and_what_is_unknown_is_said_to_be() {
    let house = Appliance::with(&Site::two_projects());
    let mut ana = house.sign_in("ana");
    let mut compare = |space: &str| {
        ana.json(&format!("/api/v1/admin/access/space?user=mateo&other=mary&space=wiki:{space}")).unwrap()
    };

    let (any, hr, none) = (compare("ANY"), compare("HR"), compare("NONE"));

    assert_eq!((&any["may_open"], &any["different"][0]["open_to"]), (&json!([1, 0]), &json!("mateo")), "{any}");
    assert_eq!(any["titles"], json!([]), "ana may not open it");
    assert!(!any.to_string().contains("AnyOrg team"), "{any}");
    assert_eq!(any["differences"][0]["step"], "space", "{any}");
    assert_eq!((&hr["may_open"], &hr["differ"]), (&json!([1, 1]), &json!(0)), "{hr}");
    assert!(none["people"][0]["missing"].to_string().contains("No sync has seen a space NONE."), "{none}");
    let log = house.audit_lines().concat();
    assert!(log.contains(r#""document":"wiki/ANY""#) && !log.contains("NONE"), "{log}");
}

#[test]
fn what_is_asked_of_one_moment_again_and_again_is_told_the_same_while_the_directory_changes() {
    let house = house();
    let at = Clock::System.now().rfc3339();
    let at: String = url::form_urlencoded::byte_serialize(at.as_bytes()).collect();
    std::thread::park_timeout(std::time::Duration::from_millis(5));
    let mut ana = house.sign_in("ana");
    let path = format!("/api/v1/admin/access?user=u1&document=wiki:1000&at={at}");
    let mut told = || {
        let mut told = ana.json(&path).unwrap();
        told["at"] = Value::Null;
        told
    };
    let first = told();
    assert_eq!(first["people"][0]["may_open"], true, "{first}");

    assert_eq!(told(), first, "it is kept");
    let change = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"active","value":false}]}"#;
    house.scim("PATCH", &format!("/Users/{}", house.person_id("u1")), change);
    assert_eq!(told(), first, "what is so now was not so then");
    house.change_wiki("PUT", "/_standin/site", &{
        let mut site = site().json();
        groups(&mut site, "g1")["members"] = json!([]);
        site
    });
    house.refresh();
    assert_eq!(told(), first, "nor is what a sync read since");
}
