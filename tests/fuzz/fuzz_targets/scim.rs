//! Whatever comes as a filter, a path, a patch or a bulk: it is answered or refused, and who was there is still there or is told as
//! changed. Never a panic, never a fault of ours (500), and never a value that was not asked for.

#![no_main]

use std::sync::{LazyLock, Mutex};

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use sotto::probe::{Directory, DirectorySettings, Ids, Moment, ScimReply, ScimRequest, Store, read_scim, serve_scim};

/// One case.
#[derive(Debug, Arbitrary)]
struct Case<'a> {
    /// A filter, or a path.
    text: &'a str,
    /// How it is used.
    way: Way<'a>,
}

#[derive(Debug, Arbitrary)]
enum Way<'a> {
    /// It stands in a query.
    Filter,
    /// A list is sorted by it, and shown by it.
    Order,
    /// It is the path of a patch, with this value.
    Patch(Op, Thing<'a>),
    /// It is a whole body.
    Body(Place),
}

#[derive(Debug, Arbitrary)]
enum Op {
    Add,
    Replace,
    Remove,
}

#[derive(Debug, Arbitrary)]
enum Thing<'a> {
    Text(&'a str),
    Flag(bool),
    Nothing,
    Member,
    Elements(&'a str),
    Parts(&'a str, &'a str),
}

#[derive(Debug, Arbitrary)]
enum Place {
    User,
    Group,
    Search,
    Bulk,
}

struct House {
    directory: Directory,
    person: String,
    group: String,
    _folder: tempfile::TempDir,
}

const BASE: &str = "https://sotto.example/scim/v2";

fn serve(directory: &Directory, method: &str, path: &str, query: &[(String, String)], body: &[u8]) -> ScimReply {
    let (if_match, if_none_match) = (None, None);
    let request = ScimRequest { method, path, query, if_match, if_none_match, etags: true, body, base: BASE };
    let reply = serve_scim(directory, &request, Moment::from_ms(1_800_000_000_000), &mut |_| Ok(()));
    assert!(reply.status < 500 || reply.status == 501, "{method} {path}: {:?}", reply.body);
    if reply.status >= 400 {
        let body = reply.body.as_ref().expect("a refusal says why");
        assert!(body["detail"].is_string() && body["status"] == reply.status.to_string(), "{body}");
    }
    reply
}

fn house() -> House {
    let memory = std::path::Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.expect("a folder");
    let store = Store::open(folder.path()).expect("a new store opens");
    let directory = Directory::open(&store, Ids::Random, &DirectorySettings::default()).expect("a new directory opens");
    let make = |endpoint: &str, body: &Value| {
        let made = serve(&directory, "POST", endpoint, &[], body.to_string().as_bytes()).body.expect("it is told");
        made["id"].as_str().expect("it has an id").to_owned()
    };
    let person = make(
        "/Users",
        &json!({"userName": "ada", "externalId": "1", "title": "Engineer", "active": true, "name": {"familyName": "Lovelace"},
            "emails": [{"value": "ada@example.com", "type": "work", "primary": true}, {"value": "a@home.example", "type": "home"}],
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "Engines", "manager": {"value": "x"}}}),
    );
    let group = make("/Groups", &json!({"displayName": "Team", "members": [{"value": person}]}));
    House { directory, person, group, _folder: folder }
}

/// One that is made anew when it has grown, so that a case does not depend on what came long before it.
static HOUSE: LazyLock<Mutex<(House, usize)>> = LazyLock::new(|| Mutex::new((house(), 0)));

fuzz_target!(|case: Case| {
    read_scim(case.text);
    let mut held = HOUSE.lock().expect("a case that panicked ends the run");
    held.1 += 1;
    let is_there = |house: &House| {
        let query = [("filter".to_owned(), format!("id eq \"{}\"", house.person))];
        let found = serve(&house.directory, "GET", "/Users", &query, b"").body.expect("a list");
        found["totalResults"] == 1
    };
    if held.1 > 500 || !is_there(&held.0) {
        *held = (house(), 0);
    }
    let house = &held.0;
    let text = case.text.to_owned();
    match case.way {
        Way::Filter => {
            for path in ["/Users", "/Groups", "/"] {
                let reply = serve(&house.directory, "GET", path, &[("filter".to_owned(), text.clone())], b"");
                // What a filter admits, and what it does not, are together all there is.
                let not = serve(&house.directory, "GET", path, &[("filter".to_owned(), format!("not ({text})"))], b"");
                let total = |reply: &ScimReply| reply.body.as_ref().and_then(|body| body["totalResults"].as_u64());
                if let (200, 200, Some(some), Some(rest)) = (reply.status, not.status, total(&reply), total(&not)) {
                    let all = total(&serve(&house.directory, "GET", path, &[], b""));
                    assert_eq!(Some(some + rest), all, "{text:?} on {path}");
                }
            }
        }
        Way::Order => {
            for name in ["sortBy", "attributes", "excludedAttributes"] {
                let reply = serve(&house.directory, "GET", "/Users", &[(name.to_owned(), text.clone())], b"");
                assert!(reply.status < 500);
            }
        }
        Way::Patch(op, thing) => {
            let value = match thing {
                Thing::Text(text) => json!(text),
                Thing::Flag(flag) => json!(flag),
                Thing::Nothing => Value::Null,
                Thing::Member => json!([{"value": house.person}]),
                Thing::Elements(text) => json!([{"value": text, "type": "work", "primary": true}]),
                Thing::Parts(name, text) => json!({name: text}),
            };
            let body = json!({"Operations": [{"op": format!("{op:?}"), "path": text, "value": value}]}).to_string();
            serve(&house.directory, "PATCH", &format!("/Users/{}", house.person), &[], body.as_bytes());
            serve(&house.directory, "PATCH", &format!("/Groups/{}", house.group), &[], body.as_bytes());
        }
        Way::Body(place) => {
            let (method, path) = match place {
                Place::User => ("PATCH", format!("/Users/{}", house.person)),
                Place::Group => ("PUT", format!("/Groups/{}", house.group)),
                Place::Search => ("POST", "/.search".to_owned()),
                Place::Bulk => ("POST", "/Bulk".to_owned()),
            };
            serve(&house.directory, method, &path, &[], text.as_bytes());
        }
    }
});
