//! What the stand-in writes, held against the shapes of `tests/data/confluence/`: every key of a file is there, and is of its
//! type. The crawler's reader is held against the same files by itself.

use std::collections::BTreeSet;

use super::tests::{get, of_flavour};
use super::*;

/// Each key of a shape with its type, by its path; rows of a list are taken together.
fn shape(value: &Value) -> BTreeSet<String> {
    fn walk(path: &str, value: &Value, out: &mut BTreeSet<String>) {
        let kind = match value {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Number(_) => "number",
            Value::String(_) => "text",
            Value::Array(rows) => {
                rows.iter().for_each(|row| walk(&format!("{path}[]"), row, out));
                "list"
            }
            Value::Object(fields) => {
                fields.iter().for_each(|(name, value)| walk(&format!("{path}.{name}"), value, out));
                "object"
            }
        };
        out.insert(format!("{path}: {kind}"));
    }
    let mut out = BTreeSet::new();
    walk("", value, &mut out);
    out
}

/// A site that has what the files show.
fn site() -> Value {
    let read = json!({"users": ["alice"], "groups": ["ops-team"]});
    json!({
        "users": [
            {"key": "k1", "account_id": "712020:1", "username": "alice", "display_name": "Alice A", "email": "alice@example.com",
             "tokens": [{"token": "secret"}], "administrator": true},
            {"key": "k2", "username": "bob", "display_name": "Bob B", "email": "bob@example.com", "active": false}],
        "time_zone": "+01:00",
        "add_ons": ["extender"],
        "groups": [{"name": "confluence-users", "members": ["alice"], "groups": ["ops-team"]}, {"name": "ops-team", "members": ["bob"]}],
        "global_use": {"groups": ["confluence-users"]},
        "space_roles": {"viewer": ["read/space"]},
        "spaces": [
            {"key": "ENG", "name": "Engineering", "view": {"users": ["alice"], "groups": ["confluence-users"], "anonymous": true},
             "role_assignments": [{"role": "viewer", "users": ["alice"], "groups": ["ops-team"], "classes": ["all-licensed-users"]}]},
            {"key": "HR", "name": "People", "view": {}}],
        "content": [
            {"id": "98312", "type": "page", "space": "ENG", "title": "Engineering Home"},
            {"id": "131000", "type": "page", "space": "ENG", "parent": "98312", "title": "Ops", "read": {"groups": ["confluence-users"]}},
            {"id": "131103", "type": "page", "space": "ENG", "parent": "131000", "title": "Runbook", "version": 7, "labels": ["oncall"],
             "created_by": "bob", "updated_by": "alice", "updated_at": "2026-03-01T08:15:27.412Z", "body": "<p>Restart node 3.</p>", "read": read},
            {"id": "140001", "type": "comment", "container": "131103", "title": "Re: Runbook", "created_by": "bob", "updated_by": "bob", "body": "<p>done</p>"},
            {"id": "140002", "type": "comment", "container": "131103", "title": "Re: Runbook", "created_by": "bob", "updated_by": "alice",
             "location": "inline", "original_selection": "Restart node 3", "body": "<p>twice</p>"},
            {"id": "att196620", "type": "attachment", "container": "131103", "title": "plan.pdf", "media_type": "application/pdf",
             "version": 2, "created_by": "alice", "updated_by": "alice", "base64": "bm90aGluZzo="}]
    })
}

/// The stand-in's answers and the files they are held against.
fn holds(flavour: &str, who: &str, rows: &[(&str, &str)]) {
    let shared = of_flavour(flavour, site(), &[]);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/confluence");
    for (file, address) in rows {
        let golden: Value = serde_json::from_slice(&std::fs::read(folder.join(file)).unwrap()).unwrap();
        let (_, written) = match address.split_once(' ') {
            Some((address, body)) => {
                let reply =
                    shared.serve(&super::tests::call("POST", address, who, &serde_json::from_str(body).unwrap()));
                (reply.status, serde_json::from_slice(&reply.body).unwrap())
            }
            None => get(&shared, who, address),
        };
        let (golden, written) = (shape(&golden), shape(&written));
        let missing: Vec<&String> = golden.difference(&written).collect();
        assert!(missing.is_empty(), "{flavour} {address} has not of {file}: {missing:#?}\nof {written:#?}");
    }
}

#[test]
fn data_center_writes_what_the_files_show() {
    const PAGE: &str = "space,version,history.lastUpdated,ancestors,metadata.labels,childTypes.all,body.storage,\
                        restrictions.read.restrictions.user,restrictions.read.restrictions.group";
    let of_page = format!("/rest/api/content?spaceKey=ENG&type=page&expand={PAGE}");
    let call = r#"/rpc/json-rpc/confluenceservice-v2 {"jsonrpc":"2.0","id":1,"method":"getSpacePermissionSets","params":["ENG"]}"#;
    let refused = r#"/rpc/json-rpc/confluenceservice-v2 {"jsonrpc":"2.0","id":1,"method":"getSpacePermissionSets","params":["NO"]}"#;
    let rows = [
        ("dc/spaces.json", "/rest/api/space?limit=25"),
        ("dc/pages.json", &of_page),
        (
            "dc/comments.json",
            "/rest/api/content/131103/child/comment?depth=all&expand=body.storage,container,version,extensions.inlineProperties,extensions.resolution",
        ),
        ("dc/attachments.json", "/rest/api/content/131103/child/attachment?expand=version,container,metadata.labels"),
        (
            "dc/restriction.json",
            "/rest/api/content/131103/restriction/byOperation/read?expand=restrictions.user,restrictions.group",
        ),
        ("dc/restriction_open.json", "/rest/api/content/98312/restriction/byOperation/read"),
        ("dc/relevant_restrictions.json", "/rest/api/content/131103/restriction/relevantViewRestrictions"),
        ("dc/space_permissions.json", "/rest/api/space/ENG/permissions"),
        ("dc/space_permissions_anonymous.json", "/rest/api/space/ENG/permissions/anonymous"),
        ("dc/global_permissions.json", "/rest/api/permissions"),
        ("dc/groups.json", "/rest/api/group"),
        ("dc/members.json", "/rest/api/group/confluence-users/member?expand=status"),
        ("dc/nested_groups.json", "/rest/api/group/confluence-users/groupmember"),
        ("dc/user_current.json", "/rest/api/user/current"),
        ("dc/server_information.json", "/rest/api/server-information"),
        ("dc/refused.json", "/rest/api/content/1"),
        ("dc/permission_sets.json", call),
        ("dc/permission_sets_refused.json", refused),
        ("dc/extender_actors.json", "/rest/extender/1.0/permission/space/ENG/getSpacePermissionActors/VIEWSPACE"),
    ];

    holds("dc-10", "Bearer secret", &rows);
    let on_every_version = |row: &&(&str, &str)| {
        let newer = ["server_information", "nested_groups", "permissions", "relevant_restrictions"];
        !newer.iter().any(|name| row.0.contains(name))
    };
    holds("dc-7.19", "Bearer secret", &rows.iter().filter(on_every_version).copied().collect::<Vec<_>>());
}

#[test]
fn an_anonymous_visitor_is_told_so_as_the_file_shows() {
    let mut open = site();
    open["global_use"]["anonymous"] = json!(true);
    let shared = of_flavour("dc-10", open, &[]);
    let golden = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/confluence/dc/user_anonymous.json"));

    let written = shape(&get(&shared, "Bearer wrong", "/rest/api/user/current").1);

    assert!(shape(&serde_json::from_str(golden).unwrap()).is_subset(&written), "{written:#?}");
}

#[test]
fn cloud_writes_what_the_files_show() {
    use base64::Engine as _;
    let who = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode("alice@example.com:secret"));
    let expanded =
        "metadata.labels,childTypes.all,restrictions.read.restrictions.user,restrictions.read.restrictions.group";
    let search = format!(
        "/wiki/rest/api/content/search?cql=space%3D%22ENG%22%20and%20type%20in%20(page,blogpost)&expand={expanded}"
    );
    let shared = of_flavour("cloud", site(), &[]);
    let (_, groups) = get(&shared, &who, "/wiki/rest/api/group");
    let members = format!("/wiki/rest/api/group/{}/membersByGroupId", groups["results"][0]["id"].as_str().unwrap());
    let (_, spaces) = get(&shared, &who, "/wiki/api/v2/spaces");
    let space = format!("/wiki/api/v2/spaces/{}", spaces["results"][0]["id"].as_str().unwrap());
    let below = |what: &str| format!("{space}/{what}");
    let (pages, permissions, roles) =
        (below("pages?body-format=storage"), below("permissions"), below("role-assignments"));

    holds(
        "cloud",
        &who,
        &[
            ("cloud/spaces.json", "/wiki/api/v2/spaces"),
            ("cloud/spaces_more.json", "/wiki/api/v2/spaces?limit=1"),
            ("cloud/pages.json", &pages),
            ("cloud/page_document.json", "/wiki/api/v2/pages/131103?body-format=atlas_doc_format"),
            ("cloud/search.json", &search),
            ("cloud/space_permissions.json", "/wiki/rest/api/space/ENG?expand=permissions"),
            ("cloud/permissions.json", &permissions),
            ("cloud/role_assignments.json", &roles),
            ("cloud/space_roles.json", "/wiki/api/v2/space-roles"),
            ("cloud/groups.json", "/wiki/rest/api/group"),
            ("cloud/members.json", &members),
            ("cloud/user_current.json", "/wiki/rest/api/user/current"),
            ("cloud/footer_comments.json", "/wiki/api/v2/pages/131103/footer-comments"),
            ("cloud/inline_comments.json", "/wiki/api/v2/pages/131103/inline-comments"),
            ("cloud/attachments.json", "/wiki/api/v2/pages/131103/attachments"),
            ("cloud/labels.json", "/wiki/api/v2/pages/131103/labels"),
            ("cloud/refused.json", "/wiki/api/v2/pages/1"),
        ],
    );
}
