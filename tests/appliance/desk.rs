//! The desk's first page: what waits for somebody, the one header, and what support is told.

use serde_json::{Value, json};
use sotto::app::nouns::{Clock, Mode, Moment, State};

use crate::support::{Appliance, Parts, Site};

fn codes(overview: &Value) -> Vec<String> {
    let items = overview["todo"].as_array().unwrap().iter();
    items.map(|item| item["code"].as_str().unwrap().to_owned()).collect()
}

fn todo(house: &Appliance) -> Value {
    house.sign_in("ana").json("/api/v1/admin/overview").unwrap()
}

fn item(overview: &Value, code: &str) -> Value {
    let found = overview["todo"].as_array().unwrap().iter().find(|item| item["code"] == code);
    found.unwrap_or_else(|| panic!("no {code} in {overview}")).clone()
}

#[test]
fn what_is_missing_waits_until_it_is_there() {
    let parts = Parts { generate: None, ..Parts::plain() };
    let house = Appliance::made_of(parts, &Site::two_projects(), |settings| settings.server.metrics_listen = None);

    let before = todo(&house);
    house.refresh();
    house.app().audit_checkpoint().unwrap();
    let after = todo(&house);

    for code in ["model_missing", "embedder_missing", "metrics_off", "no_checkpoint_outside"] {
        assert!(codes(&before).iter().any(|found| found == code), "{code}: {before}");
    }
    assert!(
        codes(&before).contains(&"permissions_old".to_owned()) || codes(&before).contains(&"never_synced".to_owned())
    );
    for code in ["no_checkpoint_outside", "never_synced", "permissions_old"] {
        assert!(!codes(&after).iter().any(|found| found == code), "{code}: {after}");
    }
    let missing = item(&after, "model_missing");
    assert!(missing["next"].as_str().unwrap().contains("[model]"), "{missing}");
}

#[test]
fn a_sync_that_is_held_or_fails_waits_with_the_way_to_its_source_and_since_when() {
    let site = (501..509).fold(Site::two_projects(), |site, id| {
        site.page("HR", &id.to_string(), None, &format!("Note {id}"), "<p>The orchid wants water.</p>")
    });
    let house = Appliance::with_settings(&site, |settings| settings.source[0].removal_guard_percent = 10);
    let mut site = Site::two_projects().json();
    house.change_wiki("PUT", "/_standin/site", &site);
    assert_eq!(house.sync(Mode::Changes), State::Held);

    let held = item(&todo(&house), "removal_held");
    assert_eq!((&held["link"], &held["about"]), (&json!("/admin/sources/wiki"), &json!("wiki")));
    assert!(held["since"].is_string(), "{held}");

    for user in site["users"].as_array_mut().unwrap().iter_mut().filter(|user| user["username"] == "sotto-crawler") {
        user["tokens"] = json!([]);
    }
    house.change_wiki("PUT", "/_standin/site", &site);
    for _ in 0..2 {
        assert_eq!(house.sync(Mode::Changes), State::Failed);
    }
    let overview = todo(&house);
    let failed = item(&overview, "sync_failed");
    assert_eq!((&failed["presses"], &failed["text"]), (&json!("now"), &json!("The last 2 syncs of wiki failed.")));
    assert_eq!(overview["todo"][0]["presses"], "now", "what presses comes first: {overview}");
}

#[test]
fn a_certificate_near_its_end_and_accounts_that_wait_are_told() {
    let site = Site::two_projects().user("stranger");
    let house = Appliance::with_settings(&site, |settings| settings.desk.certificate_days = 10_000);
    let (status, _) = house.scim("DELETE", &format!("/Users/{}", house.person_id("stranger")), "");
    assert!(status < 300);

    let overview = todo(&house);

    assert_eq!(item(&overview, "certificate_ends")["presses"], "now");
    let unmatched = item(&overview, "unmatched");
    assert_eq!(unmatched["link"], "/admin/people?state=unmatched#accounts");
    assert!(!codes(&overview).contains(&"clock_set_back".to_owned()));
}

#[test]
fn a_clock_that_was_set_back_is_told_while_it_is_behind_what_was_written_down() {
    let noon = Clock::held(Moment::parse("2026-11-24T12:00:00Z").unwrap());
    let house = Appliance::made_of(Parts { clock: noon, ..Parts::plain() }, &Site::two_projects(), |_| {});
    house.refresh();
    assert!(!codes(&todo(&house)).contains(&"clock_set_back".to_owned()));

    house.clock().advance(-2 * 60 * 60 * 1000);
    assert_eq!(item(&todo(&house), "clock_set_back")["presses"], "now");
    house.clock().advance(2 * 60 * 60 * 1000);
    assert!(!codes(&todo(&house)).contains(&"clock_set_back".to_owned()));
}

#[test]
fn a_provider_that_cannot_be_reached_waits_until_it_can() {
    let house = Appliance::with(&Site::two_projects());
    assert!(!codes(&todo(&house)).contains(&"provider_away".to_owned()));

    let house = house.restart_with(|settings| {
        let sotto_provider = serde_json::to_value(&settings.provider[0]).unwrap();
        let mut away = sotto_provider;
        away["id"] = json!("away");
        away["issuer"] = json!("http://127.0.0.1:9");
        settings.provider.push(serde_json::from_value(away).unwrap());
    });
    let heard = house.browser().send("GET", "/auth/away/login", None).unwrap();
    assert!(heard.status >= 400 || heard.status == 303, "{}", heard.status);

    let away = item(&todo(&house), "provider_away");
    assert_eq!((&away["about"], &away["link"]), (&json!("away"), &json!("/admin/providers/away/test")));
    assert!(away["since"].is_string());
}

#[test]
fn the_header_is_the_same_on_every_page_of_the_desk_and_each_of_its_links_leads_somewhere() {
    let house = Appliance::with(&Site::two_projects());
    let mut ana = house.sign_in("ana");
    let header = |page: &str| {
        let begin = page.find("<header").unwrap();
        page[begin..begin + page[begin..].find("</header>").unwrap()].to_owned()
    };

    let first = header(&ana.send("GET", "/admin", None).unwrap().text);

    let links: Vec<&str> = first.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(links.len() > 5, "{first}");
    for link in links {
        let page = ana.send("GET", link, None).unwrap();
        assert_eq!(page.status, 200, "{link}");
        if link.starts_with("/admin") {
            assert_eq!(header(&page.text), first, "{link}");
        }
    }
}

#[test]
fn support_sees_health_and_nothing_else_of_the_desk_and_what_it_is_told_names_nobody_and_nothing() {
    let house = Appliance::with_settings(&Site::two_projects(), |settings| {
        settings.directory.support = vec!["acme-team".to_owned()];
        settings.application.blocked_phrases = vec!["project falcon".to_owned()];
    });
    house.ask(&mut house.sign_in("mateo"), "How many days of annual leave does an employee have?");
    let mut mary = house.sign_in("mary");

    for path in ["/admin/support", "/api/v1/admin/support"] {
        assert_eq!(mary.send("GET", path, None).unwrap().status, 200, "{path}");
    }
    for path in ["/admin/access", "/api/v1/admin/exposure", "/api/v1/admin/analytics", "/api/v1/admin/users"] {
        assert_eq!(mary.send("GET", path, None).unwrap().status, 404, "{path}");
    }
    let told = mary.json("/api/v1/admin/support").unwrap();
    assert_eq!(
        (&told["counts"]["documents"], &told["sources"][0]["runs"][0]["state"]),
        (&json!(3), &json!("succeeded"))
    );
    assert_eq!(
        (&told["settings"]["application"]["blocked_phrases"], &told["settings"]["data"]["turns_max"]),
        (&json!({ "entries": 1 }), &json!(8))
    );
    assert!(told["events"].as_array().unwrap().iter().any(|one| one["event"] == "answered answered"), "{told}");
    for word in [
        "mateo",
        "mary",
        "ana\"",
        "acme-team",
        "wiki",
        "ANY",
        "Annual",
        "leave",
        "falcon",
        "127.0.0.1",
        "localhost",
        "company",
    ] {
        assert!(!told.to_string().contains(word), "{word} stands in {told}");
    }
    assert!(house.audit_lines().concat().contains(r#""what":"support""#));
}
