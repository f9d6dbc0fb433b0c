//! The REST interface as a crawler and a browser meet it, on the demo's site and on small ones.

use super::*;
use crate::standin::demo;

fn shared(site: Value, faults: &[&str]) -> Shared {
    of_flavour("dc-10", site, faults)
}

pub(super) fn of_flavour(flavour: &str, site: Value, faults: &[&str]) -> Shared {
    let faults: Vec<String> = faults.iter().map(|name| (*name).to_owned()).collect();
    Shared {
        flavour: Flavour::parse(flavour).unwrap(),
        site: RwLock::new(Arc::new(Site::read(Flavour::parse(flavour).unwrap().of(site), Path::new(".")).unwrap())),
        folder: PathBuf::from("."),
        faults: RwLock::new(fault::parse(&faults).unwrap()),
        log: Mutex::default(),
        audit: Mutex::default(),
        logins: Logins::default(),
        admin_keys: Mutex::default(),
        shifted: Mutex::default(),
        clock: Clock::held(crate::clock::Moment::parse("2026-11-24T08:00:00Z").unwrap()),
    }
}

pub(super) fn call(method: &str, address: &str, authorization: &str, body: &Value) -> Call {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let mut headers = vec![("host".to_owned(), "wiki.test".to_owned())];
    if !authorization.is_empty() {
        headers.push(("authorization".to_owned(), authorization.to_owned()));
    }
    Call { method: method.into(), path: path.into(), query: query.into(), headers, body: body.to_string().into() }
}

const CRAWLER: &str = "Bearer demo-crawler-token";

fn basic(name: &str, password: &str) -> String {
    use base64::Engine as _;
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{name}:{password}")))
}

pub(super) fn get(shared: &Shared, who: &str, address: &str) -> (u16, Value) {
    let reply = shared.serve(&call("GET", address, who, &Value::Null));
    (reply.status, serde_json::from_slice(&reply.body).unwrap_or(Value::Null))
}

fn direct(shared: &Shared, method: &str, address: &str, body: Value) {
    let reply = shared.serve(&call(method, address, "", &body));
    assert_eq!(reply.status, 200, "{}", String::from_utf8(reply.body).unwrap());
}

fn ids(body: &Value) -> Vec<&str> {
    body["results"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap()).collect()
}

/// A site with `count` pages in one open space.
fn many(count: usize) -> Value {
    let page = |n: usize| json!({"id": (1000 + n).to_string(), "type": "page", "space": "S", "title": format!("P{n}")});
    json!({"users": [{"key": "k", "username": "c", "display_name": "C", "password": "p", "administrator": true}],
           "context_path": "/wiki", "global_use": {"users": ["c"]}, "spaces": [{"key": "S", "name": "S", "view": {}}],
           "content": (0..count).map(page).collect::<Vec<_>>()})
}

#[test]
fn mateo_and_mary_see_their_own_projects_and_the_same_benefits() {
    let shared = shared(demo::site(), &[]);
    let spaces = |who: &str| {
        let (_, body) = get(&shared, who, "/rest/api/space");
        let rows = body["results"].as_array().unwrap().iter();
        rows.map(|row| row["key"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let (mateo, mary) = (basic("mateo.jackson", "demo-mateo"), basic("mary.major", "demo-mary"));

    assert_eq!(spaces(&mateo), ["HR", "AOA"]);
    assert_eq!(spaces(&mary), ["HR", "ACME"]);
    assert_eq!(spaces(CRAWLER).len(), 3);
    let may = |who: &str, id: &str| get(&shared, who, &format!("/rest/api/content/{id}")).0 == 200;
    assert!(may(&mateo, "131073") && may(&mary, "131073"));
    // Team pages, then the restricted ones, then what inherits from them.
    for (id, by_mateo, by_mary) in [
        ("196609", true, false),
        ("262145", false, true),
        ("196623", false, false),
        ("196624", false, false),
        ("262159", false, false),
        ("131089", false, false),
    ] {
        assert_eq!((may(&mateo, id), may(&mary, id), may(CRAWLER, id)), (by_mateo, by_mary, true), "{id}");
    }
}

#[test]
fn rows_are_capped_and_next_jumps_by_what_was_asked() {
    let shared = shared(many(120), &[]);
    let who = basic("c", "p");

    let (_, with_bodies) = get(&shared, &who, "/wiki/rest/api/content?spaceKey=S&expand=body.storage&limit=100");
    assert_eq!(with_bodies["size"], 50);
    assert_eq!(with_bodies["_links"]["next"], "/rest/api/content?spaceKey=S&expand=body.storage&limit=100&start=100");
    let (_, last) = get(&shared, &who, "/wiki/rest/api/content?spaceKey=S&start=100&limit=200&expand=version");
    assert_eq!((last["size"].as_u64(), last["_links"].get("next")), (Some(20), None));
    let (_, plain) = get(&shared, &who, "/wiki/rest/api/content?spaceKey=S&limit=2000");
    assert_eq!(plain["size"], 120);
    assert_eq!(get(&shared, &who, "/rest/api/content").0, 404);
}

#[test]
fn a_scan_skips_nothing_when_a_page_goes_between_two_of_its_answers() {
    let shared = shared(many(5), &[]);
    let who = basic("c", "p");
    let (_, first) = get(&shared, &who, "/wiki/rest/api/content/scan?spaceKey=S&limit=2");
    assert_eq!(ids(&first), ["1000", "1001"]);

    direct(&shared, "DELETE", "/_standin/content/1000", Value::Null);
    let next = format!("/wiki{}", first["_links"]["next"].as_str().unwrap());

    assert_eq!(ids(&get(&shared, &who, &next).1), ["1002", "1003"]);
}

#[test]
fn a_wrong_token_is_anonymous_and_a_wrong_password_is_refused() {
    let mut site = demo::site();
    site["global_use"]["anonymous"] = json!(true);
    let shared = shared(site, &[]);

    assert_eq!(get(&shared, "Bearer no", "/rest/api/user/current").1["type"], "anonymous");
    assert_eq!(get(&shared, "Bearer no", "/rest/api/space").1["size"], 0);
    assert_eq!(get(&shared, CRAWLER, "/rest/api/user/current").1["username"], "sotto-crawler");
    assert_eq!(get(&shared, &basic("mateo.jackson", "no"), "/rest/api/user/current").0, 401);
    direct(
        &shared,
        "PATCH",
        "/_standin/users/sotto-crawler",
        json!({"tokens": [{"token": "demo-crawler-token", "expires": "2026-11-24T07:59:00Z"}]}),
    );
    assert_eq!(get(&shared, CRAWLER, "/rest/api/user/current").1["type"], "anonymous");
    direct(&shared, "PATCH", "/_standin/users/mateo.jackson", json!({"active": false}));
    assert_eq!(get(&shared, &basic("mateo.jackson", "demo-mateo"), "/rest/api/user/current").0, 401);
}

#[test]
fn permissions_are_for_administrators_and_name_users_by_key() {
    let shared = shared(demo::site(), &[]);
    let mateo = basic("mateo.jackson", "demo-mateo");
    direct(&shared, "PATCH", "/_standin/spaces/HR", json!({"view": {"users": ["nikki.wolf"], "anonymous": true}}));

    let (status, entries) = get(&shared, CRAWLER, "/rest/api/space/HR/permissions");

    assert_eq!(status, 200);
    let read = entries.as_array().unwrap().iter().find(|entry| entry["operation"]["operationKey"] == "read").unwrap();
    assert!(read["subject"]["userKey"].is_string() && read["subject"].get("username").is_none());
    assert_eq!(get(&shared, CRAWLER, "/rest/api/space/HR/permissions/anonymous").1.as_array().unwrap().len(), 1);
    for address in ["/rest/api/space/HR/permissions", "/rest/api/permissions"] {
        assert_eq!(get(&shared, &mateo, address).0, 500);
    }
}

#[test]
fn groups_nest_and_restrictions_list_every_level() {
    let shared = shared(demo::site(), &[]);
    let names = |address: &str, key: &str| {
        let (_, body) = get(&shared, CRAWLER, address);
        body["results"].as_array().unwrap().iter().map(|row| row[key].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };

    assert!(names("/rest/api/group/acme-team/member", "username").contains(&"helena.brandt".to_owned()));
    assert_eq!(names("/rest/api/group/acme-team/groupmember", "name"), ["acme-leads"]);
    assert_eq!(names("/rest/api/user/memberof?username=helena.brandt", "name"), ["all-employees", "acme-leads"]);
    let (_, levels) = get(&shared, CRAWLER, "/rest/api/content/262160/restriction/relevantViewRestrictions");
    assert_eq!(levels["viewContentRestrictions"]["size"], 1);
    assert_eq!(levels["viewContentRestrictions"]["results"][0]["content"]["id"], "262159");
    let (_, own) = get(&shared, CRAWLER, "/rest/api/content/262159/restriction/byOperation/read");
    assert_eq!(own["restrictions"]["group"]["results"][0]["name"], "acme-leads");
    let (_, inline) =
        get(&shared, CRAWLER, "/rest/api/content/262160?expand=ancestors,restrictions.read.restrictions.user");
    assert_eq!(inline["ancestors"].as_array().unwrap().len(), 3);
    assert_eq!(inline["restrictions"]["read"]["restrictions"]["user"]["size"], 0);
}

#[test]
fn new_words_make_a_version_and_new_readers_do_not() {
    let shared = shared(demo::site(), &[]);
    let version =
        |id: &str| get(&shared, CRAWLER, &format!("/rest/api/content/{id}?expand=version")).1["version"].clone();
    let before = version("196609");

    direct(&shared, "PATCH", "/_standin/content/196609", json!({"read": {"users": ["ingrid.halvorsen"]}}));
    assert_eq!(version("196609"), before);
    assert_eq!(get(&shared, &basic("mateo.jackson", "demo-mateo"), "/rest/api/content/196609").0, 404);
    direct(&shared, "PATCH", "/_standin/content/196609", json!({"read": null, "body": "<p>New</p>"}));

    assert_eq!(
        (version("196609")["number"].as_u64(), version("196609")["when"].as_str()),
        (Some(15), Some("2026-11-24T08:00:00.000Z"))
    );
    let (_, changed) =
        get(&shared, CRAWLER, "/rest/api/content/search?cql=space=AOA%20and%20lastmodified%3E%222026-11-24%22");
    assert_eq!(ids(&changed), ["196609"]);
    let refused = shared.serve(&call("PATCH", "/_standin/content/196609", "", &json!({"colour": "red"})));
    assert_eq!(refused.status, 400);
}

#[test]
fn a_deleted_page_takes_its_comments_and_files_and_leaves_its_children() {
    let shared = shared(demo::site(), &[]);

    direct(&shared, "DELETE", "/_standin/content/262146", Value::Null);
    direct(&shared, "DELETE", "/_standin/content/131073", Value::Null);

    for gone in ["262146", "att327681", "131073", "att327680"] {
        assert_eq!(get(&shared, CRAWLER, &format!("/rest/api/content/{gone}?status=any")).0, 404, "{gone}");
    }
    let (_, child) = get(&shared, CRAWLER, "/rest/api/content/131074?expand=ancestors");
    assert_eq!(child["ancestors"][0]["title"], "Human Resources home");
}

#[test]
fn a_file_is_downloaded_by_the_address_that_the_listing_gives() {
    let shared = shared(demo::site(), &[]);
    let (_, files) = get(&shared, CRAWLER, "/rest/api/content/131073/child/attachment");
    let file = &files["results"][0];
    let address = file["_links"]["download"].as_str().unwrap();

    let reply = shared.serve(&call("GET", address, CRAWLER, &Value::Null));

    assert_eq!(reply.status, 200);
    assert!(reply.body.starts_with(b"%PDF-"));
    assert_eq!(file["extensions"]["fileSize"].as_u64(), Some(reply.body.len() as u64));
    let of_acme = "/download/attachments/262146/Leith%20site%20visit%20guide.docx";
    assert_eq!(shared.serve(&call("GET", of_acme, &basic("mateo.jackson", "demo-mateo"), &Value::Null)).status, 404);
}

#[test]
fn a_browser_signs_in_at_the_form_and_sees_only_its_own() {
    let shared = shared(demo::site(), &[]);
    let asked = shared.serve(&call("GET", "/pages/viewpage.action?pageId=196609", "", &Value::Null));
    assert!(String::from_utf8(asked.body).unwrap().contains("Log in as Mateo Jackson"));
    let mut form = call("POST", "/dologin.action", "", &Value::Null);
    form.body = b"os_username=mateo.jackson&os_password=demo-mateo&os_destination=//evil.example/".to_vec();

    let reply = shared.serve(&form);

    let header = |name: &str| reply.headers.iter().find(|(key, _)| *key == name).unwrap().1.clone();
    assert_eq!((reply.status, header("location").as_str()), (303, "/"));
    let cookie = header("set-cookie").split(';').next().unwrap().to_owned();
    let see = |id: &str| {
        let mut ask = call("GET", &format!("/spaces/X/pages/{id}/Title"), "", &Value::Null);
        ask.headers.push(("cookie".to_owned(), cookie.clone()));
        shared.serve(&ask).status
    };
    assert_eq!((see("196609"), see("262145"), see("196623")), (200, 404, 404));
}

#[test]
fn faults_do_what_their_names_say_and_the_log_tells() {
    let shared = shared(demo::site(), &["restriction-403"]);
    let status = |address: &str| get(&shared, CRAWLER, address).0;
    assert_eq!(status("/rest/api/content/262159/restriction/byOperation/read"), 403);
    assert_eq!(status("/rest/api/content/262160/restriction/relevantViewRestrictions"), 403);
    assert_eq!(status("/rest/api/content/262147/restriction/byOperation/read"), 200);

    direct(&shared, "PUT", "/_standin/faults", json!(["away"]));
    assert_eq!(status("/rest/api/space"), 503);
    direct(&shared, "PUT", "/_standin/faults", json!(["garbage"]));
    assert_eq!(get(&shared, CRAWLER, "/rest/api/space"), (200, Value::Null));
    assert_eq!(get(&shared, CRAWLER, "/rest/api/space"), (200, Value::Null));
    direct(&shared, "PUT", "/_standin/faults", json!([]));

    let (_, log) = get(&shared, "", "/_standin/log");
    let last = log.as_array().unwrap().last().unwrap();
    assert_eq!(
        (&last["method"], &last["path"], &last["status"], &last["user"]),
        (&json!("GET"), &json!("/rest/api/space"), &json!(200), &json!("sotto-crawler"))
    );
    assert!(fault::parse(&["typo".to_owned()]).unwrap_err().to_string().contains("rate-limit"));
}

#[test]
fn a_site_that_does_not_hold_together_is_refused() {
    let read = |change: &dyn Fn(&mut Value)| {
        let mut site = many(3);
        change(&mut site);
        Site::read(site, Path::new(".")).map(|_| ()).map_err(|error| format!("{error:#}"))
    };

    assert_eq!(read(&|_| {}), Ok(()));
    assert!(read(&|site| site["colour"] = json!(1)).unwrap_err().contains("colour"));
    assert!(read(&|site| site["content"][0]["parent"] = json!("77")).unwrap_err().contains("77"));
    assert!(read(&|site| site["content"][0]["parent"] = json!("1000")).unwrap_err().contains("above itself"));
    assert!(read(&|site| site["content"][1]["id"] = json!("1000")).unwrap_err().contains("twice"));
    assert!(read(&|site| site["content"][1]["space"] = json!("T")).unwrap_err().contains("\"T\""));
    assert!(read(&|site| site["time_zone"] = json!("Mars")).unwrap_err().contains("+01:00"));
    assert!(read(&|site| site["content"][1]["file"] = json!("no/such.pdf")).unwrap_err().contains("such.pdf"));
    let local = SocketAddr::from(([127, 0, 0, 1], 0));
    let flavour =
        |name: &str| Confluence::start(local, many(1), name, &[]).map(|_| ()).map_err(|error| error.to_string());
    assert!(flavour("dc-11").unwrap_err().contains("dc-7.19"));
    assert_eq!(flavour("dc-10"), Ok(()));
}

#[test]
fn older_versions_lack_what_came_later() {
    let site = demo::site();
    let missing = |flavour: &str| {
        let shared = of_flavour(flavour, site.clone(), &[]);
        [
            "/rest/api/server-information",
            "/rest/api/user/list",
            "/rest/api/group/acme-team/groupmember",
            "/rest/api/space/HR/permissions",
            "/rest/api/permissions",
            "/rest/api/content/262160/restriction/relevantViewRestrictions",
        ]
        .into_iter()
        .filter(|address| get(&shared, CRAWLER, address).0 == 404)
        .count()
    };

    let counts = ["dc-10", "dc-9.2.18", "dc-9.2.3", "dc-8.5", "dc-7.19"].map(missing);
    assert_eq!(counts, [0, 1, 2, 4, 6]);
    let manifest =
        of_flavour("dc-7.19", site, &[]).serve(&call("GET", "/rest/applinks/1.0/manifest", CRAWLER, &Value::Null));
    assert!(String::from_utf8(manifest.body).unwrap().contains("<version>7.19.17</version>"));
}

#[test]
fn remote_procedure_calls_tell_who_may_view_a_space_to_its_administrators() {
    let mut site = demo::site();
    site["spaces"][0]["view"] = json!({"users": ["mateo.jackson"], "groups": ["all-employees"], "anonymous": true});
    let shared = of_flavour("dc-7.19", site, &[]);
    let ask = |who: &str, method: &str, params: Value| {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let reply = shared.serve(&call("POST", "/rpc/json-rpc/confluenceservice-v2", who, &body));
        (reply.status, serde_json::from_slice::<Value>(&reply.body).unwrap_or(Value::Null))
    };

    let (_, sets) = ask(CRAWLER, "getSpacePermissionSets", json!(["HR"]));
    assert_eq!(sets["result"][0]["type"], "VIEWSPACE");
    let entries = sets["result"][0]["spacePermissions"].as_array().unwrap();
    assert_eq!(entries.len(), 3);
    assert_eq!((&entries[1]["userName"], &entries[2]["groupName"]), (&json!("mateo.jackson"), &Value::Null));
    assert!(ask(&basic("mateo.jackson", "demo-mateo"), "getSpacePermissionSets", json!(["HR"])).1["error"].is_object());
    assert!(ask(CRAWLER, "getSpacePermissionSets", json!(["NONE"])).1["error"].is_object());
    assert_eq!(ask("", "getSpacePermissionSets", json!(["HR"])).0, 401);

    direct(&shared, "PUT", "/_standin/faults", json!(["remote-api-off"]));
    assert_eq!(ask(CRAWLER, "getSpacePermissionSets", json!(["HR"])).0, 401);
    direct(&shared, "PUT", "/_standin/faults", json!(["websudo"]));
    assert_eq!(ask(CRAWLER, "getSpacePermissionSets", json!(["HR"])), (200, Value::Null));
}

/// The demo's site on Cloud, where the crawler has an address and an API token.
const CLOUD_CRAWLER: (&str, &str) = ("crawler@demo.example", "demo-crawler-token");

fn on_cloud(change: impl FnOnce(&mut Value)) -> Shared {
    let mut site = demo::site();
    for user in site["users"].as_array_mut().unwrap() {
        if user["username"] == "sotto-crawler" {
            user["email"] = json!(CLOUD_CRAWLER.0);
        }
    }
    change(&mut site);
    of_flavour("cloud", site, &[])
}

#[test]
fn cloud_knows_people_and_groups_by_ids_and_takes_an_address_with_a_token() {
    let shared = on_cloud(|_| {});
    let who = basic(CLOUD_CRAWLER.0, CLOUD_CRAWLER.1);

    let (_, me) = get(&shared, &who, "/wiki/rest/api/user/current");
    assert!(me["accountId"].is_string() && me.get("username").is_none() && me.get("userKey").is_none());
    for refused in [CRAWLER.to_owned(), basic(CLOUD_CRAWLER.0, "no"), basic("sotto-crawler", CLOUD_CRAWLER.1)] {
        assert_eq!(get(&shared, &refused, "/wiki/rest/api/user/current").0, 401, "{refused}");
    }
    let (_, groups) = get(&shared, &who, "/wiki/rest/api/group");
    let group = groups["results"].as_array().unwrap().iter().find(|group| group["name"] == "acme-team").unwrap();
    let members = format!("/wiki/rest/api/group/{}/membersByGroupId", group["id"].as_str().unwrap());
    assert!(get(&shared, &who, &members).1["size"].as_u64().unwrap() > 1);
    assert_eq!(get(&shared, &who, "/wiki/rest/api/group/acme-team/member").0, 404);
    assert_eq!(get(&shared, &who, "/wiki/rest/api/content").0, 410);
}

#[test]
fn cloud_hides_what_is_restricted_from_an_administrator_too_until_there_is_a_key() {
    let shared = on_cloud(|site| {
        for space in site["spaces"].as_array_mut().unwrap() {
            space["view"]["users"] = json!(["sotto-crawler"]);
        }
    });
    let who = basic(CLOUD_CRAWLER.0, CLOUD_CRAWLER.1);
    let see = |with_key: bool| {
        let mut ask = call("GET", "/wiki/api/v2/pages/262159", &who, &Value::Null);
        if with_key {
            ask.headers.push((cloud::KEY_HEADER.to_owned(), "true".to_owned()));
        }
        shared.serve(&ask).status
    };

    assert_eq!((see(false), see(true)), (404, 404));
    let taken = shared.serve(&call("POST", "/wiki/api/v2/admin-key", &who, &json!({"durationInMinutes": 60})));
    assert_eq!((taken.status, see(false), see(true)), (200, 404, 200));
    assert_eq!(shared.serve(&call("DELETE", "/wiki/api/v2/admin-key", &who, &Value::Null)).status, 204);
    assert_eq!(see(true), 404);
}

#[test]
fn cloud_pages_by_a_cursor_and_tells_the_next_page_relative_to_the_host() {
    let mut site = many(3);
    site["users"][0]["email"] = json!("c@demo.example");
    site["users"][0]["tokens"] = json!([{"token": "t"}]);
    site["spaces"][0]["view"]["users"] = json!(["c"]);
    let shared = of_flavour("cloud", site, &[]);
    let who = basic("c@demo.example", "t");
    let (_, spaces) = get(&shared, &who, "/wiki/api/v2/spaces");
    let id = spaces["results"][0]["id"].as_str().unwrap();

    let (_, first) = get(&shared, &who, &format!("/wiki/api/v2/spaces/{id}/pages?limit=2"));

    assert_eq!(ids(&first), ["1000", "1001"]);
    let next = first["_links"]["next"].as_str().unwrap();
    assert!(next.starts_with("/wiki/api/v2/spaces/"), "{next}");
    assert_eq!(ids(&get(&shared, &who, next).1), ["1002"]);
}

#[test]
fn one_draft_above_breaks_a_whole_batch_on_cloud_and_folders_tell_no_restriction() {
    let mut site = many(3);
    site["users"][0]["email"] = json!("c@demo.example");
    site["users"][0]["tokens"] = json!([{"token": "t"}]);
    site["spaces"][0]["view"]["users"] = json!(["c"]);
    site["content"][0]["status"] = json!("draft");
    site["content"][1]["parent"] = json!("1000");
    site["content"][2]["type"] = json!("folder");
    site["content"][2]["read"] = json!({"users": ["c"]});
    let shared = of_flavour("cloud", site, &[]);
    let status = |address: &str| get(&shared, &basic("c@demo.example", "t"), &format!("/wiki{address}")).0;

    assert_eq!(status("/rest/api/content/search?cql=space=S&expand=version"), 200);
    assert_eq!(status("/rest/api/content/search?cql=space=S&expand=ancestors"), 404);
    assert_eq!(status("/api/v2/folders/1002"), 200);
    assert_eq!(status("/rest/api/content/1002/restriction/byOperation/read"), 404);
    assert_eq!(status("/rest/api/content/1001/restriction/byOperation/read"), 200);
}
