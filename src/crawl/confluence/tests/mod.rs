//! The reader against a server that answers with shapes of our own writing.

mod above;
mod examine;
mod faults;
mod golden;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::*;
use crate::corpus::{Block, Kind};
use crate::crawl::restriction::Level;
use crate::extract;

pub(super) type Answer = (u16, &'static str, String);

/// A server that answers each path (with the body behind it, where there is one) by a function, and notes what it was asked.
pub(super) struct Peer {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
    credentials: Arc<Mutex<Vec<String>>>,
}

impl Peer {
    pub(super) fn answering(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Peer {
        Peer::answering_with("x-more: none", answer)
    }

    /// The same with a header more.
    fn answering_with(header: &'static str, answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Peer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/wiki", listener.local_addr().unwrap());
        let (asked, credentials) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
        let (answer, noted, shown) = (Arc::new(answer), asked.clone(), credentials.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (Ok(mut stream), answer) = (stream, answer.clone()) else { return };
                let (noted, shown) = (noted.clone(), shown.clone());
                std::thread::spawn(move || {
                    let mut head = String::new();
                    let mut reader = BufReader::new(stream.try_clone().unwrap());
                    while reader.read_line(&mut head).unwrap_or(0) > 2 {}
                    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
                    let mut sent = vec![0; length.unwrap_or(0)];
                    reader.read_exact(&mut sent).unwrap();
                    let sent = String::from_utf8(sent).unwrap();
                    let (status, kind, body) = answer(&format!("{}{sent}", path.strip_prefix("/wiki").unwrap_or("?")));
                    noted.lock().unwrap().push(path);
                    let credential = head.lines().find_map(|line| line.strip_prefix("authorization: "));
                    shown.lock().unwrap().extend(credential.map(str::to_owned));
                    let _ = write!(
                        stream,
                        "HTTP/1.1 {status} X\r\nconnection: close\r\n{header}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n{body}",
                        body.len()
                    );
                });
            }
        });
        Peer { url, asked, credentials }
    }

    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// The credentials it was sent.
    pub(super) fn credentials(&self) -> Vec<String> {
        self.credentials.lock().unwrap().clone()
    }
}

pub(super) fn ok(body: Value) -> Answer {
    (200, "application/json", body.to_string())
}

pub(super) fn not_there() -> Answer {
    (404, "application/json", json!({"statusCode": 404, "message": "No"}).to_string())
}

/// Asks a Confluence that answers so.
fn with<T>(
    answer: impl Fn(&str) -> Answer + Send + Sync + 'static,
    ask: impl FnOnce(&Confluence<'_>, &Peer) -> T,
) -> T {
    with_settings(answer, json!({}), ask)
}

fn with_settings<T>(
    answer: impl Fn(&str) -> Answer + Send + Sync + 'static,
    more: Value,
    ask: impl FnOnce(&Confluence<'_>, &Peer) -> T,
) -> T {
    let peer = Peer::answering(answer);
    asking(&peer, more, |confluence| ask(confluence, &peer))
}

fn asking<T>(peer: &Peer, more: Value, ask: impl FnOnce(&Confluence<'_>) -> T) -> T {
    let (settings, _token) = settings(peer, &more);
    let extractor = Extractor::in_process(&extract::Settings::default());
    let confluence = Confluence::open(&settings, &outbound::Settings::default(), &extractor).unwrap();
    ask(&confluence)
}

/// Settings of a source that this peer plays, with the file of its token.
pub(super) fn settings(peer: &Peer, more: &Value) -> (Settings, tempfile::NamedTempFile) {
    let token = tempfile::NamedTempFile::new().unwrap();
    writeln!(token.as_file(), "secret").unwrap();
    let mut settings =
        json!({"name": "wiki", "kind": "confluence", "url": peer.url, "user": "Crawler", "token_file": token.path()});
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    (serde_json::from_value(settings).unwrap(), token)
}

pub(super) fn rows(results: Vec<Value>, next: Option<String>) -> Value {
    let mut links = json!({"base": "http://elsewhere.example", "context": "/wiki"});
    if let Some(next) = next {
        links["next"] = json!(next);
    }
    json!({"results": results, "start": 0, "limit": 25, "size": results.len(), "_links": links})
}

pub(super) fn lists(users: Vec<Value>, groups: Vec<Value>) -> Value {
    let list = |results: Vec<Value>| json!({"size": results.len(), "results": results, "start": 0, "limit": 200});
    json!({"read": {"operation": "read", "restrictions": {"user": list(users), "group": list(groups)}}})
}

fn page(id: u32, more: Value) -> Value {
    let mut page = json!({
        "id": id.to_string(), "type": "page", "status": "current", "title": format!("Page {id}"),
        "version": {"number": 7, "when": "2026-03-01T09:15:27.412+01:00", "minorEdit": false,
                    "by": {"type": "known", "username": "alice", "userKey": "4028", "displayName": "Alice A"}},
        "ancestors": [], "restrictions": lists(vec![], vec![]),
        "metadata": {"labels": {"results": [{"prefix": "global", "name": "OnCall", "id": "1"}], "size": 1}},
        "childTypes": {"attachment": {"value": false}, "comment": {"value": false}},
        "_links": {"webui": format!("/pages/viewpage.action?pageId={id}"), "self": "x"}});
    page.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    page
}

fn space() -> Space {
    Space { key: "ENG".to_owned(), name: "Engineering".to_owned() }
}

fn listing(confluence: &Confluence<'_>) -> Listing {
    confluence.list(&space(), &mut |_| ControlFlow::Continue(()))
}

/// One page alone in its space.
fn alone(row: Value) -> impl Fn(&str) -> Answer {
    move |path| ok(rows(if path.contains("type=page") { vec![row.clone()] } else { vec![] }, None))
}

#[test]
fn a_page_is_read_from_its_listing() {
    let row = page(
        131_103,
        json!({
        "ancestors": [{"id": "98312", "title": "Home"}, {"id": 131_000, "title": "Ops"}],
        "restrictions": lists(vec![json!({"type": "known", "username": "alice", "userKey": "4028"})],
                              vec![json!({"type": "group", "name": "Ops-Team"})])}),
    );

    with(alone(row), |confluence, peer| {
        let listing = listing(confluence);

        let [item] = listing.items.as_slice() else { panic!("{listing:?}") };
        let subjects = Subjects { accounts: vec!["4028".into()], groups: vec!["Ops-Team".into()], anyone: false };
        assert_eq!((item.id.as_str(), item.kind, item.revision), ("wiki:131103", Kind::Page, 7));
        assert_eq!(item.updated_ms, 1_772_352_927_412);
        assert_eq!(item.ancestors.iter().map(|id| id.local()).collect::<Vec<_>>(), ["98312", "131000"]);
        assert_eq!((item.labels.as_slice(), item.author.as_str()), (["oncall".to_owned()].as_slice(), "Alice A"));
        assert_eq!(item.level, Level::Only(subjects));
        assert_eq!(item.url, format!("{}/pages/viewpage.action?pageId=131103", peer.url));
        assert!(listing.is_whole && listing.failures.is_empty());
    });
}

#[test]
fn a_server_that_cuts_pages_short_loses_no_row() {
    // It serves 50 of the 200 asked for, and its next link advances by 200.
    let all: Vec<Value> = (0..120).map(|n| json!({"key": format!("S{n}"), "name": "x"})).collect();
    let answer = move |path: &str| {
        let url = url::Url::parse(&format!("http://x{path}")).unwrap();
        let number = |name: &str| url.query_pairs().find(|(key, _)| key == name).unwrap().1.parse::<usize>().unwrap();
        let (start, limit) = (number("start"), number("limit"));
        let served: Vec<Value> = all.iter().skip(start).take(limit.min(50)).cloned().collect();
        let next = (start + served.len() < all.len()).then(|| format!("/rest/api/space?start={}", start + limit));
        ok(rows(served, next))
    };

    with(answer, |confluence, _| assert_eq!(confluence.spaces().unwrap().len(), 120));
}

#[test]
fn a_listing_that_gives_the_same_rows_for_ever_ends() {
    let answer =
        |_: &str| ok(rows(vec![json!({"key": "ENG", "name": "x"})], Some("/rest/api/space?start=1".to_owned())));

    with(answer, |confluence, peer| {
        assert_eq!(confluence.spaces().unwrap().len(), 1);
        assert_eq!(peer.asked().len(), 2);
    });
}

#[test]
fn a_next_link_to_another_host_is_not_followed() {
    let answer = |path: &str| match (path.contains("type=page"), path.contains("cursor=c2")) {
        (true, false) => ok(rows(vec![page(1, json!({}))], Some("http://evil.example/steal?cursor=c2".to_owned()))),
        (true, true) => ok(rows(vec![page(2, json!({}))], None)),
        _ => ok(rows(vec![], None)),
    };

    // The cursor alone is taken from it, and asked of our own base.
    with(answer, |confluence, _| assert_eq!(listing(confluence).items.len(), 2));
}

#[test]
fn a_cursor_that_repeats_is_an_incomplete_listing() {
    let answer = |path: &str| {
        let next = path.contains("type=page").then(|| "/rest/api/content/scan?cursor=same".to_owned());
        ok(rows(vec![page(1, json!({}))], next))
    };

    with(answer, |confluence, _| {
        let listing = listing(confluence);
        assert!(!listing.is_whole);
        assert_eq!(listing.failures[0].code, "circle");
    });
}

#[test]
fn versions_without_scan_are_listed_by_rows() {
    let answer = |path: &str| match path {
        path if path.starts_with("/rest/api/content/scan") => not_there(),
        path if path.contains("type=page") => ok(rows(vec![page(1, json!({"childTypes": null}))], None)),
        path if path.contains("/child/comment") => ok(rows(
            vec![json!({"id": "9", "type": "comment", "title": "Re", "version": {"number": 1, "when": ""}})],
            None,
        )),
        _ => ok(rows(vec![], None)),
    };

    with(answer, |confluence, _| {
        let listing = listing(confluence);
        assert_eq!(listing.items.len(), 2);
        assert_eq!(listing.items[1].container, Some(listing.items[0].id.clone()));
    });
}

#[test]
fn a_page_without_its_ancestors_is_unknown() {
    with(alone(page(1, json!({"ancestors": null}))), |confluence, _| {
        assert_eq!(listing(confluence).items[0].level, Level::Unknown);
    });
}

#[test]
fn a_restriction_that_did_not_come_is_asked_for_and_never_taken_for_open() {
    let answer = |path: &str| match path {
        path if path.contains("/content/1/restriction") => (403, "application/json", "{}".to_owned()),
        path if path.contains("/content/2/restriction") => {
            ok(lists(vec![], vec![json!({"name": "ops"})])["read"].clone())
        }
        path if path.contains("type=page") => {
            ok(rows((1..=2).map(|n| page(n, json!({"restrictions": {"_expandable": {"read": "x"}}}))).collect(), None))
        }
        _ => ok(rows(vec![], None)),
    };

    with(answer, |confluence, _| {
        let listing = listing(confluence);
        assert_eq!(listing.items[0].level, Level::Unknown);
        assert!(matches!(&listing.items[1].level, Level::Only(subjects) if *subjects.groups == ["ops".into()]));
        assert_eq!((listing.failures[0].what.as_str(), listing.failures[0].code.as_str()), ("wiki:1", "forbidden"));
        assert!(listing.is_whole, "the page itself was seen");
    });
}

#[test]
fn a_restriction_with_users_nobody_knows_is_not_open() {
    let row = page(1, json!({"restrictions": lists(vec![json!({"type": "unknown", "displayName": "Gone"})], vec![])}));

    with(alone(row), |confluence, _| {
        assert_eq!(listing(confluence).items[0].level, Level::Only(Subjects::default()));
    });
}

#[test]
fn comments_and_files_hang_on_their_page() {
    let answer = |path: &str| match path {
        path if path.contains("type=page") => {
            ok(rows(vec![page(1, json!({"childTypes": {"attachment": {"value": true}}}))], None))
        }
        path if path.contains("type=comment") => ok(rows(
            vec![
                json!({"id": "140001", "type": "comment", "title": "Re: Page 1", "container": {"id": "1", "type": "page"},
                       "extensions": {"location": "inline", "resolution": {"status": "open"}}}),
                json!({"id": "140002", "type": "comment", "container": {"id": "1"},
                       "extensions": {"location": "inline", "resolution": {"status": "resolved"}}}),
                json!({"id": "140003", "type": "comment", "title": "lost"}),
            ],
            None,
        )),
        path if path.contains("/content/1/child/attachment") => ok(rows(
            vec![
                json!({"id": "att9", "type": "attachment", "title": "plan.pdf", "extensions": {"mediaType": "application/pdf", "fileSize": 48_211},
                       "_links": {"download": "/download/attachments/1/plan.pdf?version=2"}}),
                json!({"id": "att10", "title": "photo.png", "extensions": {"mediaType": "image/png"}, "_links": {"download": "/x"}}),
                json!({"id": "att11", "title": "big.pdf", "extensions": {"mediaType": "application/pdf", "fileSize": 99_000_000_000_u64},
                       "_links": {"download": "/y"}}),
            ],
            None,
        )),
        _ => ok(rows(vec![], None)),
    };

    with(answer, |confluence, _| {
        let listing = listing(confluence);
        let met: Vec<(&str, Option<&str>)> =
            listing.items.iter().map(|item| (item.id.local(), item.container.as_ref().map(|id| id.local()))).collect();
        assert_eq!(met, [("1", None), ("140001", Some("1")), ("att9", Some("1"))]);
        let codes: Vec<&str> = listing.failures.iter().map(|failure| failure.code.as_str()).collect();
        assert_eq!(codes, ["no_container", "file_too_large"]);
    });
}

#[test]
fn words_come_together_or_one_by_one() {
    let body = |id: u32, number: u32| {
        json!({"id": id.to_string(), "version": {"number": number, "when": "2026-03-02T00:00:00Z"},
               "body": {"storage": {"value": format!("<p>words {id}</p>"), "representation": "storage"}}})
    };
    let answer = move |path: &str| match path {
        path if path.contains("type=page") => ok(rows((1..=3).map(|n| page(n, json!({}))).collect(), None)),
        // Three was not in the search index yet; two was changed since it was listed.
        path if path.contains("/content/search") => ok(rows(vec![body(1, 7), body(2, 8)], None)),
        path if path.contains("/content/3?") => (500, "application/json", "{}".to_owned()),
        _ => ok(rows(vec![], None)),
    };

    with(answer, |confluence, _| {
        let listing = listing(confluence);
        let items: Vec<&Item> = listing.items.iter().collect();
        let words = confluence.fetch(&items, &|_| None);
        assert_eq!(words[0].as_ref().unwrap().blocks, vec![Block::Paragraph { text: "words 1".to_owned() }]);
        assert_eq!(words[1].as_ref().unwrap().revision, 8);
        assert_eq!(words[2].as_ref().unwrap_err().what, "wiki:3");
    });
}

#[test]
fn a_token_that_passes_as_anonymous_or_another_is_refused() {
    let as_user = |user: Value| move |_: &str| ok(user.clone());
    let code = |user: Value| {
        with(as_user(user), |confluence, _| confluence.connect().map(|_| ()).map_err(|failure| failure.code))
    };

    assert_eq!(code(json!({"type": "known", "username": "crawler", "userKey": "1"})), Ok(()));
    assert_eq!(code(json!({"type": "anonymous", "displayName": "Anonymous"})), Err("anonymous".to_owned()));
    assert_eq!(code(json!({"type": "known", "username": "bob", "userKey": "2"})), Err("other_user".to_owned()));
    assert_eq!(code(json!({})), Err("anonymous".to_owned()));
}

#[test]
fn a_login_page_and_broken_json_are_said() {
    let code =
        |answer: Answer| with(move |_: &str| answer.clone(), |confluence, _| confluence.connect().unwrap_err().code);

    assert_eq!(code((200, "text/html;charset=UTF-8", "<form>".to_owned())), "web_page");
    assert_eq!(code((200, "application/json", "{\"type\":".to_owned())), "garbage");
    assert_eq!(code((401, "application/json", "{}".to_owned())), "unauthorised");
}

#[test]
fn grants_are_those_of_viewing_and_the_anonymous_one_is_asked_for() {
    let entry = |target: &str, key: &str, subject: Value| json!({"operation": {"targetType": target, "operationKey": key}, "subject": subject, "spaceKey": "ENG"});
    let answer = move |path: &str| match path {
        "/rest/api/space/ENG/permissions" => ok(json!([
            entry("space", "read", json!({"type": "group", "name": "confluence-users"})),
            entry("space", "read", json!({"type": "user", "userKey": "4028"})),
            entry("space", "read", json!({"type": "alien", "name": "x"})),
            entry("comment", "create", json!({"type": "group", "name": "talkers"})),
            entry("space", "administer", json!({"type": "group", "name": "admins"})),
        ])),
        "/rest/api/space/ENG/permissions/anonymous" => {
            ok(json!({"operations": [{"targetType": "space", "operationKey": "read"}]}))
        }
        _ => not_there(),
    };

    with(answer, |confluence, _| {
        let subjects = confluence.may_view(&space()).unwrap();
        let expected =
            Subjects { accounts: vec!["4028".into()], groups: vec!["confluence-users".into()], anyone: true };
        assert_eq!(subjects, expected);
    });
}

#[test]
fn who_may_use_an_old_confluence_is_named_or_nobody() {
    let named = json!({"use_groups": ["confluence-users"]});

    with(|_: &str| not_there(), |confluence, _| assert_eq!(confluence.may_use().unwrap_err().code, "use_unknown"));
    with_settings(
        |_: &str| not_there(),
        named,
        |confluence, _| {
            assert_eq!(*confluence.may_use().unwrap().groups, ["confluence-users".into()]);
        },
    );
}

#[test]
fn people_and_nested_groups_are_read_whatever_their_names() {
    let user = |key: &str, status: &str| json!({"type": "known", "username": key, "userKey": key, "displayName": key, "status": status});
    let answer = move |path: &str| match path {
        path if path.starts_with("/rest/api/group?") => {
            ok(rows(["Staff", "staff", "R/D", "leads"].iter().map(|name| json!({"name": name})).collect(), None))
        }
        path if path.contains("/group/Staff/member?") => {
            ok(rows(vec![user("u1", "current"), user("u2", "deactivated")], None))
        }
        path if path.contains("/group/Staff/groupmember") => ok(rows(vec![json!({"name": "Leads"})], None)),
        path if path.contains("/group/leads/member?") => ok(rows(vec![user("u3", "current")], None)),
        path if path.contains("memberof?key=u3") => ok(rows(vec![json!({"name": "R/D"})], None)),
        path if path.contains("memberof") => ok(rows(vec![], None)),
        _ => not_there(),
    };

    with(answer, |confluence, _| {
        let people = confluence.people().unwrap();
        let group = |key: &str| {
            people
                .groups
                .iter()
                .find(|group| matches!(&group.id, crate::names::GroupId::Of(_, k) if &**k == key))
                .unwrap()
        };
        assert_eq!(people.groups.len(), 3);
        assert_eq!((group("staff").members.len(), &*group("staff").groups), (2, ["leads".into()].as_slice()));
        assert_eq!(*group("r/d").members, ["u3".into()]);
        let active: Vec<bool> = people.accounts.iter().map(|account| account.active).collect();
        assert_eq!(active, [true, false, true]);
    });
}

#[test]
fn an_html_answer_in_place_of_a_file_is_no_file() {
    let answer = |path: &str| match path {
        path if path.starts_with("/download/") => (200, "text/html", "<title>Log in</title>".to_owned()),
        path if path.contains("type=page") => {
            ok(rows(vec![page(1, json!({"childTypes": {"attachment": {"value": true}}}))], None))
        }
        path if path.contains("/child/attachment") => ok(rows(
            vec![
                json!({"id": "att9", "title": "plan.txt", "extensions": {"mediaType": "text/plain"}, "_links": {"download": "/download/plan.txt"}}),
            ],
            None,
        )),
        _ => ok(rows(vec![], None)),
    };

    with(answer, |confluence, _| {
        let listing = listing(confluence);
        let words = confluence.fetch(&[&listing.items[1]], &|_| None);
        assert_eq!(words[0].as_ref().unwrap_err().code, "web_page");
    });
}

/// A Confluence before 9.1 whose calls are answered so.
fn old(called: Answer) -> impl Fn(&str) -> Answer {
    move |path: &str| match path {
        path if path.starts_with("/rpc/json-rpc/confluenceservice-v2{") && path.contains(r#""params":["ENG"]"#) => {
            called.clone()
        }
        "/rest/api/user?username=alice" => ok(json!({"type": "known", "username": "alice", "userKey": "4028"})),
        _ => not_there(),
    }
}

fn granted(entries: Value) -> Answer {
    ok(json!({"jsonrpc": "2.0", "id": 1, "result": [
        {"type": "VIEWSPACE", "spacePermissions": entries},
        {"type": "SETSPACEPERMISSIONS", "spacePermissions": [{"type": "SETSPACEPERMISSIONS", "groupName": "admins", "userName": null}]}
    ]}))
}

#[test]
fn old_versions_are_asked_who_may_view_a_space_by_remote_procedure_calls() {
    let entries = json!([
        {"type": "VIEWSPACE", "groupName": "confluence-users", "userName": null},
        {"type": "VIEWSPACE", "groupName": null, "userName": "alice"},
        {"type": "VIEWSPACE", "groupName": null, "userName": "gone"},
        {"type": "VIEWSPACE", "groupName": null, "userName": null}]);

    with(old(granted(entries)), |confluence, peer| {
        let subjects = confluence.may_view(&space()).unwrap();
        let expected =
            Subjects { accounts: vec!["4028".into()], groups: vec!["confluence-users".into()], anyone: true };
        assert_eq!(subjects, expected);
        let asked = peer.asked().len();
        confluence.may_view(&space()).unwrap();
        assert_eq!(peer.asked().len(), asked + 1, "what told it last is asked first, and names are remembered");
    });
}

#[test]
fn a_grant_whose_names_are_missing_is_not_the_grant_to_everybody() {
    with(old(granted(json!([{"type": "VIEWSPACE"}, {"type": "VIEWSPACE", "groupName": null}]))), |confluence, _| {
        assert_eq!(confluence.may_view(&space()).unwrap(), Subjects::default());
    });
}

#[test]
fn what_hinders_remote_procedure_calls_is_said_with_its_remedy() {
    let told = |called: Answer| with(old(called), |confluence, _| confluence.may_view(&space()).unwrap_err());

    for (called, remedy) in [
        ((200, "text/html", "<title>Administrator Access</title>".to_owned()), "secure administrator sessions"),
        ((401, "text/html", "no".to_owned()), "remote API"),
        (
            ok(json!({"jsonrpc": "2.0", "id": 1, "error": {"code": 500, "message": "no"}})),
            "administrator of Confluence",
        ),
        (ok(json!({"jsonrpc": "2.0", "id": 1})), "remote API"),
    ] {
        let failure = told(called);
        assert_eq!((failure.code.as_str(), failure.what.as_str()), ("space_permissions_unknown", "ENG"));
        assert!(failure.remedy.contains(remedy), "{failure:?}");
    }
}

#[test]
fn the_extender_add_on_and_then_a_table_tell_what_nothing_else_does() {
    let extender = "/rest/extender/1.0/permission/space/ENG/getSpacePermissionActors/VIEWSPACE";
    let with_add_on = move |path: &str| match path {
        path if path == extender => {
            ok(json!({"permissions": {"VIEWSPACE": {"users": ["alice"], "groups": ["staff"]}}}))
        }
        _ => old(not_there())(path),
    };
    let by_add_on = with(with_add_on, |confluence, _| confluence.may_view(&space()).unwrap());
    assert_eq!(by_add_on, Subjects { accounts: vec!["4028".into()], groups: vec!["staff".into()], anyone: false });

    let table = tempfile::NamedTempFile::new().unwrap();
    writeln!(table.as_file(), "ENG,group,staff\nENG,user,alice\nOPS,everyone,").unwrap();
    let more = json!({"space_permissions_file": table.path()});
    let by_table =
        |called: Answer| with_settings(old(called), more.clone(), |confluence, _| confluence.may_view(&space()));
    assert_eq!(by_table(not_there()).unwrap(), by_add_on);
    let lines = json!({"space_permissions": ["ENG,group,staff", "ENG,user,alice"]});
    let told = with_settings(old(not_there()), lines, |confluence, _| confluence.may_view(&space()));
    assert_eq!(told.unwrap(), by_add_on);
    let passing = by_table((503, "text/html", String::new()));
    assert!(passing.is_err(), "a table is older than an answer that only fails to come: {passing:?}");
}

#[test]
fn after_a_captcha_the_credential_is_not_sent_again() {
    let peer = Peer::answering_with("x-seraph-loginreason: AUTHENTICATION_DENIED", |_| {
        (403, "application/json", "{}".to_owned())
    });

    asking(&peer, json!({}), |confluence| {
        assert_eq!(confluence.connect().unwrap_err().code, "captcha");
        assert_eq!(confluence.spaces().unwrap_err().code, "captcha");
        assert_eq!(peer.asked().len(), 1);
    });
}
