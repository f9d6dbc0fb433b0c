//! Who may view what on a site, told slowly and from scratch: it reads the site file alone, knows nothing of the product, and
//! follows Confluence's documented rule word for word (global use AND space view AND every restricted level).

use serde_json::Value;

/// Whether a user may view something on the site. Whatever cannot be found admits nobody.
pub fn may_view(site: &Value, username: &str, id: &str) -> bool {
    let Some(user) = rows(site, "users").find(|user| user["username"] == username) else { return false };
    if user["active"] == false {
        return false;
    }
    let Some(content) = content_of(site, id) else { return false };
    if content["status"].as_str().unwrap_or("current") != "current" {
        return false;
    }
    let kind = content["type"].as_str().unwrap_or_default();
    if matches!(kind, "comment" | "attachment") {
        // Whoever may view the page may view what hangs on it, and nobody else.
        return content["container"].as_str().is_some_and(|container| may_view(site, username, container));
    }
    let Some(space) = rows(site, "spaces").find(|space| space["key"] == content["space"]) else { return false };
    grants(site, username, &site["global_use"])
        && grants(site, username, &space["view"])
        && levels(site, content).into_iter().all(|level| is_open(level) || grants(site, username, &level["read"]))
}

/// The content and, for a page, every page above it.
fn levels<'a>(site: &'a Value, content: &'a Value) -> Vec<&'a Value> {
    let mut levels = vec![content];
    let mut at = content;
    // Blog posts have no parents.
    while at["type"] == "page" && levels.len() < 100 {
        let Some(parent) = at["parent"].as_str().and_then(|parent| content_of(site, parent)) else { break };
        levels.push(parent);
        at = parent;
    }
    levels
}

/// An empty restriction is no restriction at that level.
fn is_open(level: &Value) -> bool {
    names(&level["read"], "users").is_empty() && names(&level["read"], "groups").is_empty()
}

/// Whether a grant names the user, a group of theirs, or everybody.
fn grants(site: &Value, username: &str, grant: &Value) -> bool {
    grant["anonymous"] == true
        || names(grant, "users").contains(&username)
        || names(grant, "groups").into_iter().any(|group| is_in(site, username, group, 0))
}

/// Whether the user is in a group, or in a group in it, however deep.
fn is_in(site: &Value, username: &str, group: &str, depth: usize) -> bool {
    let Some(group) = rows(site, "groups").find(|known| known["name"] == group) else { return false };
    names(group, "members").contains(&username)
        || (depth < 20 && names(group, "groups").into_iter().any(|inner| is_in(site, username, inner, depth + 1)))
}

fn content_of<'a>(site: &'a Value, id: &str) -> Option<&'a Value> {
    rows(site, "content").find(|content| content["id"] == id)
}

fn rows<'a>(site: &'a Value, list: &str) -> impl Iterator<Item = &'a Value> {
    site[list].as_array().into_iter().flatten()
}

fn names<'a>(of: &'a Value, list: &str) -> Vec<&'a str> {
    of[list].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

#[test]
fn the_oracle_knows_the_truth_table() {
    let site = crate::permissions::truth_table().json();
    let who = |id: &str| -> Vec<&str> {
        ["u1", "u2", "u3", "u4", "u5", "u6", "u7", "u8"].into_iter().filter(|user| may_view(&site, user, id)).collect()
    };

    assert_eq!(who("1000"), ["u1", "u2", "u3", "u4", "u5", "u6"]);
    assert_eq!(who("1001"), ["u1", "u2", "u4"]);
    assert_eq!(who("1003"), ["u1", "u2", "u4"]);
    assert_eq!(who("1006"), ["u1", "u2", "u4"]);
    assert_eq!(who("1004"), ["u3"]);
}
