//! What Data Center answers beside REST: JSON-RPC, deprecated and still the only way to an old version's space permissions,
//! and an add-on that some sites have.

use serde_json::{Value, json};

use super::fault::Fault;
use super::flavour::Flavour;
use super::routes::{Ask, not_found};
use super::site::Grant;
use crate::standin::server::Reply;

/// The add-on that lists permissions, by its name in a site file.
const EXTENDER: &str = "extender";

/// Answers below `/rpc/json-rpc/confluenceservice-v2`: the method in the body, or (the light form) at the end of the path.
pub(super) fn serve(ask: &Ask<'_>, rest: &[&str]) -> Reply {
    if ask.flavour == Flavour::Cloud || ask.call.method != "POST" {
        return not_found("null for uri: the stand-in has no such resource");
    }
    if ask.user.is_none() || ask.faults.contains(&Fault::RemoteApiOff) {
        return Reply::of(401, "text/html", "Remote API is not enabled");
    }
    if ask.faults.contains(&Fault::Websudo) {
        // Secure Administrator Sessions: the form to confirm the password, with status 200.
        return Reply::html(200, "<!doctype html><title>Administrator Access</title><form></form>".to_owned());
    }
    let body: Value = serde_json::from_slice(&ask.call.body).unwrap_or_default();
    let (method, params) = match rest {
        [method] => (*method, &body),
        _ => (body["method"].as_str().unwrap_or_default(), &body["params"]),
    };
    let outcome = match method {
        "getSpacePermissionSets" => space_permission_sets(ask, params[0].as_str().unwrap_or_default()),
        _ => Err("NoSuchMethodException"),
    };
    match (outcome, rest) {
        (Ok(result), [_]) => Reply::json(200, &result),
        (Ok(result), _) => Reply::json(200, &json!({"jsonrpc": "2.0", "id": body["id"], "result": result})),
        (Err(why), _) => {
            let error = json!({"code": 500, "message": format!("com.atlassian.confluence.rpc.{why}")});
            Reply::json(200, &json!({"jsonrpc": "2.0", "id": body["id"], "error": error}))
        }
    }
}

fn space_permission_sets(ask: &Ask<'_>, key: &str) -> Result<Value, &'static str> {
    let space = ask.site.space(key).filter(|space| ask.sight.may_view_space(space)).ok_or("RemoteException")?;
    if !ask.sight.is_administrator() {
        return Err("NotPermittedException");
    }
    let entry = |kind: &str, group: Option<&String>, user: Option<&String>| json!({"type": kind, "groupName": group, "userName": user});
    let entries = |kind: &str, grant: &Grant| {
        let groups = grant.groups.iter().map(|name| entry(kind, Some(name), None));
        let users = grant.users.iter().map(|name| entry(kind, None, Some(name)));
        // Neither a group nor a user: everybody.
        let anyone = grant.anonymous.then(|| entry(kind, None, None));
        groups.chain(users).chain(anyone).collect::<Vec<Value>>()
    };
    Ok(json!([
        {"type": "VIEWSPACE", "spacePermissions": entries("VIEWSPACE", &space.view)},
        {"type": "COMMENT", "spacePermissions": entries("COMMENT", &Grant { anonymous: true, ..Grant::default() })}
    ]))
}

/// Answers below `/rest/extender/1.0`, where the site has that add-on.
pub(super) fn extender(ask: &Ask<'_>, rest: &[&str]) -> Reply {
    let has = ask.flavour != Flavour::Cloud && ask.site.spec.add_ons.iter().any(|name| name == EXTENDER);
    match rest {
        ["permission", "space", key, "getSpacePermissionActors", "VIEWSPACE"] if has => {
            let space = ask.site.space(key).filter(|_| ask.sight.is_administrator());
            let Some(space) = space else { return not_found("No such space") };
            // The add-on has no word for everybody.
            let actors = json!({"users": space.view.users, "groups": space.view.groups});
            Reply::json(200, &json!({"permissions": {"VIEWSPACE": actors}}))
        }
        _ => not_found("null for uri: the stand-in has no such resource"),
    }
}
