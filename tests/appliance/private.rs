//! Private history over HTTPS: who opens it, how it is bound to its owner, what is found in it, and what stands on disk.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use serde_json::{Value, json};
use sotto::app::nouns::{Clock, Ending, Generate, Limits, ModelError, Prompt, Scripted, Stop};
use sotto::standin::browser::Browser;
use sotto::web::control::{self, Command};

use crate::support::{Appliance, Parts, Site, assert_nowhere, claims};

const LEAVE: &str = "How many days of annual leave does an employee have?";
const PASSPHRASE: &str = "four words of my own";

fn choosing() -> Appliance {
    Appliance::with_settings(&Site::two_projects(), |settings| settings.history.mode = policy("choice"))
}

/// A policy by its word in the settings.
fn policy<P: serde::de::DeserializeOwned>(word: &str) -> P {
    serde_json::from_value(json!(word)).unwrap()
}

/// Sends, and gives the status and the problem's code.
fn told(browser: &mut Browser, method: &'static str, path: &str, body: Option<Value>) -> (u16, Value) {
    let heard = browser.send(method, path, body.as_ref()).unwrap();
    (heard.status, serde_json::from_str(&heard.text).unwrap_or(Value::Null))
}

fn bind(browser: &mut Browser) -> String {
    let (status, told) = told(browser, "POST", "/api/v1/protection", Some(json!({ "passphrase": PASSPHRASE })));
    assert_eq!(status, 200, "{told}");
    told["recovery_code"].as_str().unwrap().to_owned()
}

fn conversations(browser: &mut Browser) -> u16 {
    browser.send("GET", "/api/v1/conversations", None).unwrap().status
}

#[test]
fn a_bound_history_is_closed_after_sign_out_and_to_every_session_that_did_not_unlock_it() {
    let house = choosing();
    let mut mateo = house.sign_in("mateo");
    let answer = house.ask(&mut mateo, LEAVE);
    let path = format!("/api/v1/conversations/{}", answer["conversation_id"].as_str().unwrap());

    let code = bind(&mut mateo);

    assert_eq!(mateo.send("GET", &path, None).unwrap().status, 200, "who bound it has it open");
    let mut elsewhere = house.sign_in("mateo");
    assert_eq!(elsewhere.json("/api/v1/me").unwrap()["history"], "locked");
    for (method, path, body) in [
        ("GET", "/api/v1/conversations", None),
        ("GET", path.as_str(), None),
        ("GET", &format!("{path}/export?format=json"), None),
        ("PATCH", &path, Some(json!({ "title": "Mine" }))),
        ("POST", "/api/v1/conversations/search", Some(json!({ "query": "leave" }))),
        ("POST", "/api/v1/ask", Some(json!({ "question": LEAVE }))),
        ("POST", "/api/v1/ask", Some(json!({ "question": LEAVE, "conversation_id": answer["conversation_id"] }))),
        ("POST", "/api/v1/protection/recovery", None),
        ("POST", "/api/v1/protection/locks", Some(json!({ "passphrase": "quite another one" }))),
        ("DELETE", "/api/v1/protection", None),
    ] {
        let (status, problem) = told(&mut elsewhere, method, path, body);
        assert_eq!((status, &problem["code"]), (423, &json!("history_locked")), "{method} {path}: {problem}");
    }
    let temporary = elsewhere.ask(&json!({ "question": LEAVE, "temporary": true })).unwrap();
    assert_eq!(temporary.last().unwrap().name, "answer", "of which nothing is kept");

    let unlock = |browser: &mut Browser, body: Value| told(browser, "POST", "/api/v1/protection/unlock", Some(body)).0;
    assert_eq!(unlock(&mut elsewhere, json!({ "passphrase": "four words of hers" })), 403);
    assert_eq!(unlock(&mut elsewhere, json!({ "recovery_code": code })), 204);
    assert_eq!(elsewhere.send("GET", &path, None).unwrap().status, 200);

    mateo.sign_out().unwrap();
    elsewhere.sign_out().unwrap();
    let mut again = house.sign_in("mateo");
    assert_eq!(conversations(&mut again), 423);
    assert_eq!(unlock(&mut again, json!({ "passphrase": PASSPHRASE })), 204);
    assert_eq!(again.json(&path).unwrap()["messages"][0]["question"], LEAVE);
    assert_eq!(house.audited("protection"), 4, "bound, refused, unlocked and unlocked");
}

#[test]
fn a_restart_and_a_lock_close_it_and_giving_it_back_opens_it_for_good() {
    let house = choosing();
    let mut mateo = house.sign_in("mateo");
    house.ask(&mut mateo, LEAVE);
    bind(&mut mateo);
    let cookies = mateo.cookies();

    let house = house.restart();

    let mut mateo = house.browser();
    mateo.hold(cookies);
    assert_eq!(conversations(&mut mateo), 423);
    let proof = json!({ "passphrase": PASSPHRASE });
    assert_eq!(told(&mut mateo, "POST", "/api/v1/protection/unlock", Some(proof)).0, 204);
    assert_eq!(conversations(&mut mateo), 200);
    assert_eq!(told(&mut mateo, "POST", "/api/v1/protection/lock", None).0, 204);
    assert_eq!(conversations(&mut mateo), 423);
    let proof = json!({ "passphrase": PASSPHRASE });
    assert_eq!(told(&mut mateo, "POST", "/api/v1/protection/unlock", Some(proof)).0, 204);
    assert_eq!(told(&mut mateo, "DELETE", "/api/v1/protection", None).0, 204);

    let mut elsewhere = house.sign_in("mateo");
    assert_eq!(elsewhere.json("/api/v1/protection").unwrap()["mode"], "server");
    assert_eq!(elsewhere.json("/api/v1/conversations").unwrap()["conversations"][0]["title"], LEAVE);
}

#[test]
fn it_is_locked_by_itself_when_it_was_not_used_for_a_while() {
    let clock = Clock::held(Clock::System.now());
    let parts = Parts { clock: clock.clone(), ..Parts::plain() };
    let house = Appliance::made_of(parts, &Site::two_projects(), |settings| {
        settings.history.mode = policy("choice");
        settings.history.locked_after_minutes = 5;
    });
    let mut mateo = house.sign_in("mateo");
    bind(&mut mateo);
    clock.advance(4 * 60_000);
    assert_eq!(conversations(&mut mateo), 200);

    clock.advance(4 * 60_000);
    assert_eq!(conversations(&mut mateo), 200, "each use begins the time anew");
    clock.advance(5 * 60_000);

    assert_eq!(conversations(&mut mateo), 423);
}

#[test]
fn where_it_must_be_bound_nothing_is_kept_of_who_has_not() {
    let house =
        Appliance::with_settings(&Site::two_projects(), |settings| settings.history.mode = policy("login_bound"));
    let mut mateo = house.sign_in("mateo");
    assert_eq!(mateo.json("/api/v1/me").unwrap()["history"], "unbound");

    let (status, problem) = told(&mut mateo, "POST", "/api/v1/ask", Some(json!({ "question": LEAVE })));

    assert_eq!((status, &problem["code"]), (423, &json!("history_unbound")), "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("temporary"), "{problem}");
    bind(&mut mateo);
    assert_eq!(house.ask(&mut mateo, LEAVE)["outcome"], "answered");
    let (status, problem) = told(&mut mateo, "DELETE", "/api/v1/protection", None);
    assert_eq!(status, 400, "and it is not given back: {problem}");
}

#[test]
fn where_the_server_holds_all_keys_none_is_bound() {
    let house = Appliance::with(&Site::two_projects());
    let mut mateo = house.sign_in("mateo");

    let (status, problem) = told(&mut mateo, "POST", "/api/v1/protection", Some(json!({ "passphrase": PASSPHRASE })));

    assert_eq!(status, 400, "{problem}");
    assert_eq!(mateo.json("/api/v1/protection").unwrap()["policy"], "server");
}

#[test]
fn every_other_role_is_told_of_every_route_of_a_history_what_they_are_told_of_a_missing_one() {
    let house = Appliance::with_settings(&Site::two_projects(), |settings| {
        settings.directory.auditors = vec!["acme-team".to_owned()];
        settings.directory.support = vec!["anyorg-team".to_owned()];
    });
    let mut mary = house.sign_in("mary");
    let hers = house.ask(&mut mary, LEAVE);
    let mut mateo = house.sign_in("mateo");
    let his = house.ask(&mut mateo, LEAVE);
    let missing = "0".repeat(32);
    let document = mateo.json("/api/v1/openapi.json").unwrap();
    let mut routes: Vec<(String, String)> = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let is_history = path.starts_with("/api/v1/conversations/{id}") || path.starts_with("/api/v1/messages/{id}");
        let methods = item.as_object().unwrap().keys().filter(|key| *key != "parameters");
        routes.extend(methods.filter(|_| is_history).map(|method| (method.to_uppercase(), path.clone())));
    }
    assert!(routes.len() >= 6, "{routes:?}");

    // Administrator, auditor (Mary), support (Mateo): each asks for another's.
    let (mut ana, mut times) = (house.sign_in("ana"), (Vec::new(), Vec::new()));
    for (who, whose) in [(&mut ana, &his), (&mut mary, &his), (&mut mateo, &hers)] {
        for (method, route) in &routes {
            let method: &'static str = match method.as_str() {
                "GET" => "GET",
                "PATCH" => "PATCH",
                "DELETE" => "DELETE",
                "POST" => "POST",
                other => panic!("{other} is none that is tried"),
            };
            let field = if route.contains("messages") { "message_id" } else { "conversation_id" };
            let body = match (method, route.contains("feedback")) {
                ("PATCH", _) => Some(json!({ "title": "Mine now" })),
                (_, true) => Some(json!({ "rating": "up" })),
                _ => None,
            };
            let mut hear = |id: &str| {
                let began = Instant::now();
                let heard = who.send(method, &route.replace("{id}", id), body.as_ref()).unwrap();
                let took = began.elapsed();
                let mut problem = heard.json();
                problem["request_id"] = json!(null);
                (heard.status, problem, took)
            };
            let (seen, absent) = (hear(whose[field].as_str().unwrap()), hear(&missing));
            assert_eq!((seen.0, &seen.1), (404, &absent.1), "{method} {route}");
            times.0.push(seen.2);
            times.1.push(absent.2);
        }
        let (status, _) = told(
            who,
            "POST",
            "/api/v1/ask",
            Some(json!({ "question": LEAVE, "conversation_id": whose["conversation_id"] })),
        );
        assert_eq!(status, 404);
        let found = told(who, "POST", "/api/v1/conversations/search", Some(json!({ "query": "employee" }))).1;
        let ids: Vec<&Value> = found["results"].as_array().unwrap().iter().map(|one| &one["conversation_id"]).collect();
        assert!(!ids.contains(&&whose["conversation_id"]), "{found}");
    }
    // Bytes are promised; times are reported.
    let median = |times: &mut Vec<std::time::Duration>| {
        times.sort();
        times[times.len() / 2]
    };
    eprintln!("another's: {:?} at the median; a missing one: {:?}", median(&mut times.0), median(&mut times.1));
    assert_eq!(mateo.json("/api/v1/conversations").unwrap()["conversations"].as_array().unwrap().len(), 1);
}

#[test]
fn no_word_of_a_persons_own_stands_in_any_file() {
    let house = Appliance::with_settings(&Site::two_projects(), |settings| {
        settings.history.mode = policy("choice");
        settings.history.undo_s = 0;
    });
    let mut mateo = house.sign_in("mateo");
    let asked = house.ask(&mut mateo, "How many days of leave has the canary-question-4417?");
    let path = format!("/api/v1/conversations/{}", asked["conversation_id"].as_str().unwrap());
    let message = format!("/api/v1/messages/{}/feedback", asked["message_id"].as_str().unwrap());
    let send = |browser: &mut Browser, method, path: &str, body: Value| {
        let (status, told) = told(browser, method, path, Some(body));
        assert!(status < 300, "{method} {path}: {told}");
    };
    send(&mut mateo, "PATCH", &path, json!({ "title": "My canary-title-5150" }));
    send(&mut mateo, "POST", &message, json!({ "rating": "up", "comment": "what a canary-comment-6161" }));
    send(&mut mateo, "POST", "/api/v1/conversations/search", json!({ "query": "canary-query-7272" }));
    send(
        &mut mateo,
        "POST",
        "/api/v1/protection",
        json!({ "passphrase": "a canary-passphrase-8383", "name": "canary-device-9494" }),
    );
    mateo.ask(&json!({ "question": "Who feeds the canary-temporary-1616?", "temporary": true })).unwrap();
    let gone = house.ask(&mut mateo, "Who feeds the canary-deleted-2727?");
    let gone = format!("/api/v1/conversations/{}", gone["conversation_id"].as_str().unwrap());
    assert!(mateo.send("DELETE", &gone, None).unwrap().status < 300);
    house.wait_until("the key's end is on record", |house| house.audited("key_forgotten") == 1);

    for canary in [
        "canary-question-4417",
        "canary-title-5150",
        "canary-comment-6161",
        "canary-query-7272",
        "canary-passphrase-8383",
        "canary-device-9494",
        "canary-temporary-1616",
        "canary-deleted-2727",
    ] {
        assert_nowhere(house.folder(), canary);
    }
    let log = house.audit_lines().concat();
    assert!(!log.contains("canary"), "{log}");
}

/// A model by rule that remembers what it was asked.
#[derive(Default)]
struct Overheard {
    prompts: Mutex<Vec<String>>,
    model: Scripted,
}

impl Overheard {
    /// What was asked since the last time.
    fn since(&self) -> String {
        self.prompts.lock().unwrap().drain(..).collect()
    }

    fn hear(&self, prompt: &Prompt) {
        self.prompts.lock().unwrap().push(prompt.user.concat() + &prompt.begin.concat());
    }
}

impl Generate for Overheard {
    fn name(&self) -> &str {
        self.model.name()
    }

    fn generate(
        &self,
        prompt: &Prompt,
        limits: Limits,
        stop: &Stop,
        each: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<Ending, ModelError> {
        self.hear(prompt);
        self.model.generate(prompt, limits, stop, each)
    }

    fn leaning(&self, prompt: &Prompt, yes: &str, no: &str, stop: &Stop) -> Result<f32, ModelError> {
        self.hear(prompt);
        self.model.leaning(prompt, yes, no, stop)
    }
}

#[test]
fn a_sentence_whose_page_was_deleted_moved_or_restricted_is_one_fixed_line_and_no_context() {
    type Deed = fn(&Appliance);
    let changes: [(&str, Deed); 3] = [
        ("deleted", |house| {
            house.change_wiki("DELETE", "/_standin/content/101", &json!({}));
            house.sync_allowing_removal();
        }),
        ("moved", |house| {
            house.change_wiki("PATCH", "/_standin/content/101", &json!({ "parent": "102" }));
            house.refresh();
        }),
        ("restricted", |house| {
            let read = json!({ "read": { "users": ["mary"], "groups": [] } });
            house.change_wiki("PATCH", "/_standin/content/101", &read);
            house.refresh();
        }),
    ];
    let mut shown = Vec::new();
    for (what, change) in changes {
        let overheard = Arc::new(Overheard::default());
        // 102 is Mary's alone, and whatever is moved below it.
        let site = Site::two_projects().page("HR", "102", None, "Board", "<p>The board meets.</p>").restrict(
            "102",
            &["mary"],
            &[],
        );
        let parts = Parts { generate: Some(overheard.clone()), ..Parts::plain() };
        let house = Appliance::made_of(parts, &site, |_| {});
        house.refresh();
        let mut mateo = house.sign_in("mateo");
        let answer = house.ask(&mut mateo, LEAVE);
        let id = answer["conversation_id"].as_str().unwrap().to_owned();
        let mut follow = || {
            overheard.since();
            let body = json!({ "question": "And how many does she have?", "conversation_id": id });
            assert_eq!(mateo.ask(&body).unwrap().last().unwrap().name, "answer");
            overheard.since()
        };
        assert!(follow().contains("28 days"), "the control: a follow-up is read with what was shown before");

        change(&house);

        assert!(!follow().contains("28 days"), "{what}, and the model is still told of it");
        let recalled = mateo.json(&format!("/api/v1/conversations/{id}")).unwrap();
        assert!(!recalled.to_string().contains("28 days"), "{what}: {recalled}");
        let first = &recalled["messages"][0]["answer"];
        shown.push((claims(first), first["sources"].clone(), first["claims"].clone()));
        // Nor is it found by its words, while the question still is.
        let find = |browser: &mut Browser, query: &str| {
            let found = told(browser, "POST", "/api/v1/conversations/search", Some(json!({ "query": query }))).1;
            found["results"].as_array().unwrap().len()
        };
        assert_eq!((find(&mut mateo, "28"), find(&mut mateo, "annual employee")), (0, 1), "{what}");
    }
    assert_eq!(shown[0].0, ["Part of this answer is no longer shown."]);
    assert!(shown.iter().all(|one| *one == shown[0]), "one line for all three: {shown:?}");
}

#[test]
fn a_person_finds_their_own_conversations_again_by_words() {
    let house = Appliance::with(&Site::two_projects());
    let mut mateo = house.sign_in("mateo");
    let leave = house.ask(&mut mateo, LEAVE);
    house.ask(&mut mateo, "Who leads the AnyOrg team?");

    let (_, found) = told(&mut mateo, "POST", "/api/v1/conversations/search", Some(json!({ "query": "28 DAYS" })));

    assert_eq!(found["results"].as_array().unwrap().len(), 1, "{found}");
    assert_eq!(found["results"][0]["conversation_id"], leave["conversation_id"]);
    assert_eq!(found["results"][0]["messages"][0]["message_id"], leave["message_id"]);
    assert!(found["results"][0]["messages"][0]["sentence"].as_str().unwrap().contains("28 days"), "{found}");
    assert_eq!(house.audited("remembered"), 1);
    for body in [json!({ "query": " ?" }), json!({ "query": "x", "limit": 0 }), json!({ "query": "x".repeat(1025) })] {
        assert_eq!(told(&mut mateo, "POST", "/api/v1/conversations/search", Some(body)).0, 400);
    }
}

#[test]
fn a_person_is_told_what_others_did_that_concerned_them_and_nobody_elses() {
    let house = Appliance::with(&Site::two_projects());
    let (mut mateo, mut mary, mut ana) = (house.sign_in("mateo"), house.sign_in("mary"), house.sign_in("ana"));
    assert_eq!(mateo.json("/api/v1/protection/acts").unwrap()["acts"], json!([]));

    assert_eq!(ana.send("GET", "/api/v1/admin/access?user=mateo&document=wiki:101", None).unwrap().status, 200);
    control::ask(house.folder(), &Command::RenewKeys { user: "mateo".to_owned() }, &mut |_| Ok(())).unwrap();

    let told = mateo.json("/api/v1/protection/acts").unwrap();
    let acts: Vec<(&str, &Value, bool)> = told["acts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|act| (act["event"].as_str().unwrap(), &act["by"], act["by_owner"].as_bool().unwrap()))
        .collect();
    assert_eq!(acts, [("keys_renewed", &json!(null), true), ("explained", &json!("ana"), false)], "{told}");
    assert_eq!(mary.json("/api/v1/protection/acts").unwrap()["acts"], json!([]));
}

#[test]
fn keys_are_replaced_by_the_owners_socket_while_questions_are_answered() {
    let house = choosing();
    let mut mateo = house.sign_in("mateo");
    let answer = house.ask(&mut mateo, LEAVE);
    let path = format!("/api/v1/conversations/{}", answer["conversation_id"].as_str().unwrap());
    let folder = house.folder().to_owned();
    let tell = |command: &Command| control::ask(&folder, command, &mut |_| Ok(()));

    let replaced = tell(&Command::ReplaceRoot { to: None }).unwrap();
    tell(&Command::RenewKeys { user: "mateo".to_owned() }).unwrap();

    assert_eq!((&replaced["people"], &replaced["damaged"]), (&json!(1), &json!(0)), "{replaced}");
    assert_eq!(mateo.json(&path).unwrap()["messages"][0]["question"], LEAVE);
    assert_eq!((house.audited("root_key"), house.audited("keys_renewed")), (2, 1));
    let mut mary = house.sign_in("mary");
    bind(&mut mary);
    let refused = tell(&Command::RenewKeys { user: "mary".to_owned() }).unwrap_err().to_string();
    assert!(refused.contains("/privacy"), "{refused}");
    assert!(tell(&Command::RenewKeys { user: "nobody".to_owned() }).is_err());
    let cookies = mateo.cookies();

    let house = house.restart();

    let mut mateo = house.browser();
    mateo.hold(cookies);
    assert_eq!(mateo.json(&path).unwrap()["messages"][0]["question"], LEAVE, "also after the next start");
    assert_eq!((house.audited("root_key"), house.audited("keys_renewed")), (2, 1), "each is on record once");
}

#[test]
fn a_root_key_under_a_passphrase_that_cannot_be_read_stops_the_start_with_its_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sotto.toml");
    let data = folder.path().join("kept").display().to_string();
    crate::support::put(&file, &format!("[data]\nfolder = {data:?}\n[vault]\nroot_key = \"passphrase\"\n"));
    let serve = |more: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_sotto"));
        let ended =
            command.args(["serve", "--config"]).arg(&file).args(more).stdin(std::process::Stdio::null()).output();
        let ended = ended.unwrap();
        (ended.status.code(), String::from_utf8(ended.stderr).unwrap())
    };

    let (closed, empty) = (serve(&["--passphrase-fd", "99"]), serve(&["--passphrase-fd", "0"]));

    assert_eq!((closed.0, empty.0), (Some(3), Some(3)));
    assert!(closed.1.contains("no passphrase can be read from descriptor 99"), "{}", closed.1);
    assert!(empty.1.contains("the passphrase is empty"), "{}", empty.1);
}
