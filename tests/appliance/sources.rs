//! One source on the desk: how it stands, its runs, stopping, looking into it, and one page that is tested.

use serde_json::{Value, json};
use sotto::app::nouns::{Mode, State};
use sotto::standin::browser::Browser;

use crate::support::{Appliance, PATIENCE, Parts, Site, put};

const WIKI: &str = "/api/v1/admin/sources/wiki";

fn post(browser: &mut Browser, path: &str, body: Option<&Value>) -> (u16, Value) {
    let heard = browser.send("POST", &format!("{WIKI}{path}"), body).unwrap();
    (heard.status, if heard.text.is_empty() { Value::Null } else { heard.json() })
}

fn test_page(browser: &mut Browser, address: &str) -> Value {
    let (status, test) = post(browser, "/test", Some(&json!({ "url": address })));
    assert_eq!(status, 200, "{test}");
    test
}

fn setting<'a>(detail: &'a Value, key: &str) -> &'a Value {
    let parts = detail["settings"].as_array().unwrap().iter();
    let mut all = parts.flat_map(|part| part["settings"].as_array().unwrap());
    all.find(|setting| setting["keys"].as_array().unwrap().contains(&json!(key))).unwrap()
}

fn texts(test: &Value) -> Vec<&str> {
    test["page"]["rule"].as_array().unwrap().iter().map(|condition| condition["text"].as_str().unwrap()).collect()
}

/// A site whose pages stand below each other, with a restriction on the way and things that hang on them.
fn nested() -> Site {
    Site::two_projects()
        .page("HR", "110", Some("101"), "Sabbatical", "<p>After six years: three months.</p>")
        .page("HR", "111", Some("110"), "Sabbatical of Edgar", "<p>Edgar leaves in May.</p>")
        .restrict("110", &["mateo"], &["anyorg-team"])
        .content(json!({"id": "120", "type": "comment", "space": "HR", "container": "101", "title": "Re: Annual leave",
                        "body": "<p>Is Easter counted?</p>"}))
        .content(json!({"id": "121", "type": "comment", "space": "HR", "container": "111", "title": "Re: Sabbatical of Edgar",
                        "body": "<p>Who takes over from Edgar?</p>"}))
}

#[test]
fn the_administrator_reads_how_a_source_stands_and_its_settings_and_no_secret() {
    let house = Appliance::with(&Site::two_projects());
    let house = house.restart_with(|settings| {
        (settings.source[0].every_minutes, settings.source[0].news_minutes) = (60, 0);
    });
    let mut ana = house.sign_in("ana");

    let detail = ana.json(WIKI).unwrap();

    assert_eq!(
        (&detail["documents"], &detail["at_work"], &detail["run"]["state"]),
        (&json!(3), &json!("no"), &json!("succeeded"))
    );
    assert_eq!((&detail["run"]["to_read"], &detail["run"]["read"]), (&json!(3), &json!(3)), "{detail}");
    let phases: Vec<_> =
        detail["run"]["phases"].as_array().unwrap().iter().map(|phase| phase["phase"].clone()).collect();
    assert_eq!(phases, ["connecting", "people", "permissions", "listing", "index", "content"]);
    assert!(detail["run"]["phases"][5]["took_ms"].is_number() && detail["permissions_as_of"].is_string(), "{detail}");
    assert_eq!(detail["upcoming"].as_array().unwrap().len(), 5, "{detail}");
    assert_eq!((&detail["upcoming"][0]["mode"], &detail["estimate"]), (&json!("changes"), &Value::Null));
    assert_eq!(detail["locked_by"], "file");
    let user = setting(&detail, "user");
    assert_eq!((&user["text"], &user["origin"]), (&json!("sotto-crawler"), &json!("file")), "{user}");
    assert_eq!(setting(&detail, "cql")["origin"], "default");
    assert!(!detail.to_string().contains("crawler-token"), "{detail}");
    let authors = detail["fields"].as_array().unwrap().iter().find(|field| field["field"] == "authors").unwrap();
    assert_eq!((&authors["is_kept"], &authors["filters"]), (&json!(true), &json!(["authors", "fields.authors"])));
    assert_eq!(ana.send("GET", "/api/v1/admin/sources/other", None).unwrap().status, 404);
}

#[test]
fn each_run_is_told_with_what_it_changed_and_what_it_could_not_read() {
    let house = Appliance::with(&Site::two_projects());
    let mut ana = house.sign_in("ana");
    house.change_wiki("PATCH", "/_standin/content/101", &json!({"body": "<p>30 days.</p>"}));
    house.change_wiki("PATCH", "/_standin/content/201", &json!({"read": {"users": ["mateo"], "groups": []}}));
    house.change_wiki("DELETE", "/_standin/content/301", &Value::Null);
    house.refresh();

    let all = ana.json(&format!("{WIKI}/runs")).unwrap();
    let first = ana.json(&format!("{WIKI}/runs?limit=1")).unwrap();
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = ana.json(&format!("{WIKI}/runs?limit=1&cursor={cursor}")).unwrap();

    let run = &all["runs"][0];
    let counts = ["added", "changed", "removed", "reclassed"].map(|count| run[count].as_u64().unwrap());
    assert_eq!(counts, [0, 1, 1, 1], "{run}");
    assert_eq!((&first["runs"][0], &second["runs"][0]), (&all["runs"][0], &all["runs"][1]));
    assert_eq!(
        (&second["next_cursor"], all["runs"].as_array().unwrap().len()),
        (&Value::Null, 2),
        "no run is told twice"
    );
    assert_eq!(ana.send("GET", &format!("{WIKI}/runs?limit=99"), None).unwrap().status, 400);
}

#[test]
fn a_sync_is_stopped_and_the_next_one_reads_the_rest() {
    let mut site = Site::two_projects();
    for number in 0..20 {
        site = site.space(&format!("S{number}"), &["confluence-users"]);
    }
    // So slow that it is at work until it is stopped: each space takes requests of its own.
    let house = Appliance::without_sync(&site, |settings| settings.source[0].requests_per_second = 2);
    let mut ana = house.sign_in("ana");

    assert_eq!(post(&mut ana, "/stop", None).0, 204, "nothing is at work");
    assert_eq!(post(&mut ana, "/sync", Some(&json!({"mode": "full"}))).0, 202);
    wait_for(&mut ana, "at_work", &json!("running"));
    let (status, _) = post(&mut ana, "/stop", None);

    assert_eq!(status, 202);
    wait_for(&mut ana, "at_work", &json!("no"));
    let detail = ana.json(WIKI).unwrap();
    assert_eq!((&detail["run"]["state"], &detail["documents"]), (&json!("stopped"), &json!(0)), "{detail}");
    assert_eq!(post(&mut ana, "/stop", None).0, 204);
    let house = house.restart_with(|settings| settings.source[0].requests_per_second = 0);
    assert_eq!(house.sync(Mode::Changes), State::Succeeded);
    assert_eq!(house.sign_in("ana").json(WIKI).unwrap()["documents"], 3);
}

/// Waits until the source tells this of itself.
fn wait_for(ana: &mut Browser, key: &str, value: &Value) {
    let began = std::time::Instant::now();
    while ana.json(WIKI).unwrap()[key] != *value {
        assert!(began.elapsed() < PATIENCE, "{key} does not become {value}");
        std::thread::park_timeout(std::time::Duration::from_millis(20));
    }
}

#[test]
fn a_connection_is_tried_right_by_right_and_a_wrong_token_is_told_with_its_remedy() {
    let house = Appliance::with(&Site::two_projects());
    let mut ana = house.sign_in("ana");
    let (status, good) = post(&mut ana, "/check", None);
    assert_eq!((status, &good["ok"]), (200, &json!(true)), "{good}");
    let whats: Vec<_> = good["findings"].as_array().unwrap().iter().map(|finding| finding["what"].clone()).collect();
    assert_eq!(&whats[..4], ["sign-in", "version", "use", "spaces"], "{good}");

    let wrong = tempfile::NamedTempFile::new().unwrap();
    put(wrong.path(), "no-such-token");
    let house = house.restart_with(|settings| settings.source[0].token_file = Some(wrong.path().to_owned()));
    let (_, bad) = post(&mut house.sign_in("ana"), "/check", None);
    assert_eq!((&bad["ok"], bad["findings"].as_array().unwrap().len()), (&json!(false), 1), "{bad}");
    let finding = &bad["findings"][0];
    assert_eq!((&finding["what"], &finding["ok"]), (&json!("sign-in"), &json!(false)), "{bad}");
    assert!(finding["remedy"].as_str().unwrap().contains("token"), "{bad}");
    assert!(!bad.to_string().contains("no-such-token"));

    let house = house.restart_with(|settings| settings.source[0].token_file = Some("/nowhere/token".into()));
    let (_, none) = post(&mut house.sign_in("ana"), "/check", None);
    assert_eq!(
        (&none["findings"][0]["what"], &none["findings"][0]["code"]),
        (&json!("settings"), &json!("settings")),
        "{none}"
    );
}

#[test]
fn one_look_at_a_source_is_taken_at_a_time() {
    let house = Appliance::without_sync(&Site::two_projects(), |settings| settings.source[0].requests_per_second = 1);
    let (mut ana, mut again) = (house.sign_in("ana"), house.sign_in("ana"));

    std::thread::scope(|scope| {
        let first = scope.spawn(move || post(&mut ana, "/check", None).0);
        wait_for(&mut again, "is_looked_into", &json!(true));
        assert_eq!(post(&mut again, "/check", None).0, 409);
        assert_eq!(post(&mut again, "/test", Some(&json!({"url": "101"}))).0, 409);
        assert_eq!(again.send("GET", &format!("{WIKI}/preview"), None).unwrap().status, 409);
        assert_eq!(first.join().unwrap(), 200);
    });

    assert_eq!(post(&mut again, "/test", Some(&json!({"url": "101"}))).0, 200);
}

#[test]
fn a_page_that_the_administrator_may_read_is_shown_however_it_is_named() {
    let house = Appliance::with(&nested());
    let mut ana = house.sign_in("ana");
    let base = house.confluence.url();

    for address in [
        "101".to_owned(),
        "wiki:101".to_owned(),
        format!("{base}/pages/viewpage.action?pageId=101&src=contextnavpagetreemode#top"),
        format!("{base}/spaces/HR/pages/101/Annual+leave"),
        format!("{base}/display/HR/Annual+leave"),
        format!("{base}/display/HR/Annual%20leave?src=search"),
        // 101 in base64 of its least byte.
        format!("{base}/x/ZQ"),
    ] {
        let test = test_page(&mut ana, &address);
        let page = &test["page"];
        assert_eq!((&page["document_id"], &page["may_read"]), (&json!("wiki:101"), &json!(true)), "{address}: {test}");
        assert_eq!(
            (&page["shown"]["title"], &page["passages"], &page["words"]),
            (&json!("Annual leave"), &json!(1), &json!(11))
        );
        assert!(page["shown"]["content"].to_string().contains("28 days"), "{test}");
        assert_eq!((&page["version"], &page["kept_version"], &page["left_out"]), (&json!(1), &json!(1), &Value::Null));
        assert_eq!(
            texts(&test),
            [
                "wiki may be used by the group confluence-users.",
                "The space HR may be viewed by the group confluence-users."
            ]
        );
    }
    assert_eq!(house.audited("tested"), 7);
    let comment = test_page(&mut ana, "120");
    assert_eq!(
        (&comment["page"]["kind"], &comment["page"]["may_read"]),
        (&json!("comment"), &json!(true)),
        "{comment}"
    );
}

#[test]
fn a_page_below_one_in_the_bin_is_tested_by_what_the_wiki_tells_of_that() {
    let below = |flavour: &'static str| {
        let house = Appliance::made_of(Parts::of_flavour(flavour), &nested(), |_| {});
        house.refresh();
        house.change_wiki("PATCH", "/_standin/content/110", &json!({ "status": "trashed" }));
        let mut ana = house.sign_in("ana");
        test_page(&mut ana, "111")
    };

    let told = below("dc-10");
    assert_eq!(texts(&told)[2], "wiki:110 may be viewed by the account mateo or the group anyorg-team.", "{told}");
    assert_eq!(told["page"]["failures"], json!([]), "{told}");
    let untold = below("dc-9.2.18");
    assert_eq!(texts(&untold)[2], "By whom wiki:110 may be viewed could not be read; so nobody passes.", "{untold}");
    assert_eq!((&untold["page"]["may_read"], &told["page"]["may_read"]), (&json!(false), &json!(false)));
}

#[test]
fn of_a_page_that_the_administrator_may_not_read_counts_and_the_rule_are_told_and_not_a_word() {
    let house = Appliance::with(&nested());
    let mut ana = house.sign_in("ana");

    let other = test_page(&mut ana, "201");
    let below = test_page(&mut ana, &format!("{}/display/HR/Sabbatical+of+Edgar", house.confluence.url()));
    let comment = test_page(&mut ana, "121");

    for (test, words) in [
        (&other, &["Rosa", "AnyOrg team", "ANY space"]),
        (&below, &["Edgar", "May", "Sabbatical"]),
        (&comment, &["Edgar", "takes", "Who"]),
    ] {
        for word in words {
            assert!(!test.to_string().contains(word), "{word} is told: {test}");
        }
        assert_eq!((&test["page"]["may_read"], &test["page"]["shown"]), (&json!(false), &Value::Null), "{test}");
        assert!(test["page"]["words"].as_u64().unwrap() > 0 && test["page"]["passages"] == 1, "{test}");
    }
    assert_eq!(texts(&other)[1], "The space ANY may be viewed by the group anyorg-team.");
    let restriction = texts(&below)[2];
    assert!(restriction.starts_with("wiki:110 may be viewed by ") && restriction.contains(" or "), "{restriction}");
    assert!(
        restriction.contains("the account mateo") && restriction.contains("the group anyorg-team"),
        "{restriction}"
    );
    let states: Vec<_> = below["page"]["rule"].as_array().unwrap().iter().map(|one| one["is_met"].clone()).collect();
    assert_eq!(states, [true, true, false]);
    let told: Vec<String> = house.audit_lines().into_iter().filter(|line| line.contains("\"tested\"")).collect();
    assert!(told.len() == 3 && told.iter().all(|line| line.contains("\"told\":\"counts\"")), "{told:?}");
}

#[test]
fn a_page_is_tested_by_its_permissions_of_now_and_not_by_those_of_the_last_sync() {
    let house = Appliance::with(&nested());
    let mut ana = house.sign_in("ana");
    let shown = |ana: &mut Browser, id: &str| !test_page(ana, id)["page"]["shown"].is_null();
    assert!(shown(&mut ana, "101") && !shown(&mut ana, "111"));

    house.change_wiki("PATCH", "/_standin/content/101", &json!({"read": {"users": ["mateo"], "groups": []}}));
    assert!(!shown(&mut ana, "101"), "it was restricted since");
    assert!(!shown(&mut ana, "120"), "and with it what hangs on it");

    house.change_wiki("PATCH", "/_standin/content/101", &json!({"read": {"users": [], "groups": []}}));
    house.change_wiki("PATCH", "/_standin/content/110", &json!({"read": {"users": [], "groups": []}}));
    assert!(shown(&mut ana, "101") && shown(&mut ana, "111"), "it was opened since");
}

#[test]
fn what_is_no_page_of_the_source_is_said_and_nothing_of_it_is_asked() {
    let house = Appliance::with(&nested());
    let mut ana = house.sign_in("ana");
    let asked = || house.wiki_log().iter().filter(|one| one.to_string().contains("/rest/")).count();
    let before = asked();

    for address in ["https://evil.example/pages/viewpage.action?pageId=101", "Annual leave", "", "ftp://x/101"] {
        let (status, problem) = post(&mut ana, "/test", Some(&json!({ "url": address })));
        assert_eq!(status, 400, "{address}: {problem}");
    }
    assert_eq!(asked(), before);
    let missing = test_page(&mut ana, "999");
    assert_eq!((&missing["page"], &missing["failure"]["code"]), (&Value::Null, &json!("not_found")), "{missing}");
    assert!(!missing["failure"]["remedy"].as_str().unwrap().is_empty());
}

#[test]
fn a_page_is_tested_with_its_macros_and_why_the_settings_leave_it_out() {
    let body = r#"<h1>Rules</h1><ac:structured-macro ac:name="toc"/><ac:structured-macro ac:name="include"><ac:parameter
        ac:name=""><ac:link><ri:page ri:content-title="Other"/></ac:link></ac:parameter></ac:structured-macro>
        <ac:structured-macro ac:name="pay-of-edgar"><ac:rich-text-body><p>Nothing.</p></ac:rich-text-body></ac:structured-macro>"#;
    let site = Site::two_projects()
        .content(
            json!({"id": "130", "type": "page", "space": "HR", "title": "Rules", "body": body, "labels": ["draft"]}),
        )
        .content(json!({"id": "230", "type": "page", "space": "ANY", "title": "Rules", "body": body}));
    let house = Appliance::without_sync(&site, |settings| {
        settings.source[0] = with(&settings.source[0], &json!({"without_labels": ["draft"]}));
    });
    house.refresh();
    let mut ana = house.sign_in("ana");
    let macros = |test: &Value| -> Vec<(Value, Value)> {
        let all = test["page"]["macros"].as_array().unwrap().iter();
        all.map(|one| (one["name"].clone(), one["fate"].clone())).collect()
    };

    let (mine, hidden) = (test_page(&mut ana, "130"), test_page(&mut ana, "230"));

    let named =
        |name: Value| vec![(json!("include"), json!("named")), (name, json!("read")), (json!("toc"), json!("dropped"))];
    assert_eq!(macros(&mine), named(json!("pay-of-edgar")), "{mine}");
    assert_eq!(macros(&hidden), named(Value::Null), "a name that anybody may have made up is not told");
    assert!(mine["page"]["left_out"].as_str().unwrap().contains("without_labels"), "{mine}");
    assert_eq!((&mine["page"]["kept_version"], &mine["page"]["links"]), (&Value::Null, &json!(1)), "{mine}");
}

/// The settings of a source with some of them set otherwise, as a file would.
fn with<T: serde::Serialize + serde::de::DeserializeOwned>(settings: &T, more: &Value) -> T {
    let mut all = serde_json::to_value(settings).unwrap();
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(all).unwrap()
}

#[test]
fn a_page_of_cloud_is_tested_like_one_of_data_center() {
    let house = Appliance::made_of(Parts::of_flavour("cloud"), &nested(), |_| {});
    house.refresh();
    let mut ana = house.sign_in("ana");
    let base = house.confluence.url();

    let by_address = test_page(&mut ana, &format!("{base}/spaces/HR/pages/101/Annual+leave"));
    let by_title = test_page(&mut ana, &format!("{base}/display/HR/Annual+leave"));
    let below = test_page(&mut ana, "111");
    let comment = test_page(&mut ana, "120");
    let hidden_comment = test_page(&mut ana, "121");

    for test in [&by_address, &by_title] {
        assert_eq!(
            (&test["page"]["document_id"], &test["page"]["shown"]["title"]),
            (&json!("wiki:101"), &json!("Annual leave")),
            "{test}"
        );
        assert_eq!(test["page"]["shown"]["author"], "Sotto crawler", "{test}");
    }
    assert_eq!((&below["page"]["above"], &below["page"]["may_read"]), (&json!(2), &json!(false)), "{below}");
    assert_eq!(texts(&below).len(), 3, "{below}");
    assert_eq!(
        (&comment["page"]["kind"], &comment["page"]["may_read"]),
        (&json!("comment"), &json!(true)),
        "{comment}"
    );
    assert_eq!(
        (&hidden_comment["page"]["may_read"], &hidden_comment["page"]["shown"]),
        (&json!(false), &Value::Null),
        "{hidden_comment}"
    );
}

#[test]
fn fields_narrow_a_search_as_far_as_they_are_kept_and_are_gone_with_the_next_sync_where_they_are_not() {
    for flavour in ["dc-10", "cloud"] {
        let site = Site::two_projects().content(json!({
            "id": "140", "type": "page", "space": "HR", "parent": "101", "title": "Leave in old days", "labels": ["old"],
            "body": "<p>Annual leave was twelve days.</p>", "created_by": "mary", "updated_by": "mateo",
            "created_at": "2009-03-01T08:00:00.000Z", "updated_at": "2026-11-02T09:00:00.000Z"}));
        let house = Appliance::made_of(Parts::of_flavour(flavour), &site, |settings| {
            settings.source[0] = with(&settings.source[0], &json!({"fields": {"authors": "both"}}));
        });
        house.refresh();
        let found = |house: &Appliance, more: Value| -> Vec<String> {
            let mut body = json!({"query": "annual leave days"});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let heard = house.sign_in("mateo").send("POST", "/api/v1/search", Some(&body)).unwrap();
            assert_eq!(heard.status, 200, "{}", heard.text);
            let results = heard.json()["results"].as_array().unwrap().clone();
            results.iter().map(|one| one["document_id"].as_str().unwrap().to_owned()).collect()
        };

        assert_eq!(found(&house, json!({})).len(), 2, "{flavour}");
        for narrowing in [
            json!({"created_before": "2010-01-01T00:00:00Z"}),
            json!({"authors": ["Mateo"]}),
            json!({"authors": ["mary"]}),
            json!({"labels": ["old"]}),
            json!({"parents": ["wiki:101"]}),
        ] {
            assert_eq!(found(&house, narrowing.clone()), ["wiki:140"], "{flavour} {narrowing}");
        }
        assert_eq!(found(&house, json!({"created_after": "2010-01-01T00:00:00Z"})), ["wiki:101"], "{flavour}");

        let house = house.restart_with(|settings| {
            let none = json!({"fields": {"authors": "none", "created": false, "labels": false}});
            settings.source[0] = with(&settings.source[0], &none);
        });
        house.refresh();
        let opened = house.sign_in("mateo").json("/api/v1/documents/wiki:140").unwrap();
        assert_eq!((&opened["author"], &opened["labels"]), (&json!(""), &json!([])), "{flavour} {opened}");
        for narrowing in [
            json!({"created_before": "2030-01-01T00:00:00Z"}),
            json!({"authors": ["mateo", "mary"]}),
            json!({"labels": ["old"]}),
        ] {
            assert_eq!(found(&house, narrowing.clone()), Vec::<String>::new(), "{flavour} {narrowing}");
        }
        assert_eq!(found(&house, json!({"parents": ["wiki:101"]})), ["wiki:140"], "{flavour}: that is always kept");
    }
}

#[test]
fn the_routes_of_a_source_stand_in_the_description_of_the_interface() {
    let house = Appliance::with(&Site::two_projects());

    let paths = house.sign_in("ana").json("/api/v1/openapi.json").unwrap()["paths"].clone();

    for (path, method) in [
        ("", "get"),
        ("", "patch"),
        ("", "delete"),
        ("/runs", "get"),
        ("/stop", "post"),
        ("/check", "post"),
        ("/preview", "get"),
        ("/preview", "post"),
        ("/test", "post"),
    ] {
        let path = format!("/api/v1/admin/sources/{{name}}{path}");
        assert!(paths[&path][method].is_object(), "{method} {path}");
    }
}
