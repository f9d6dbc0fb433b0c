//! Who may view what on a site, told slowly and from scratch: it reads the site file alone, knows nothing of the product, and
//! follows Confluence's documented rule word for word (global use AND space view AND every restricted level). What a wiki does
//! not tell to anybody counts as met by nobody, and that hangs on its product and version.

use serde_json::Value;

/// Whether a user may view something on the site, which is served in this flavour. Whatever cannot be found admits nobody.
pub fn may_view(flavour: &str, site: &Value, username: &str, id: &str) -> bool {
    let Some(user) = rows(site, "users").find(|user| user["username"] == username) else { return false };
    if user["active"] == false {
        return false;
    }
    let Some(content) = content_of(site, id) else { return false };
    if !is_current(content) {
        return false;
    }
    let kind = content["type"].as_str().unwrap_or_default();
    if matches!(kind, "comment" | "attachment") {
        // Whoever may view the page may view what hangs on it, and nobody else.
        return content["container"].as_str().is_some_and(|container| may_view(flavour, site, username, container));
    }
    let Some(space) = rows(site, "spaces").find(|space| space["key"] == content["space"]) else { return false };
    let Some(levels) = levels(flavour, site, content) else { return false };
    grants(site, username, &site["global_use"])
        && grants(site, username, &space["view"])
        && levels.into_iter().all(|level| is_open(level) || grants(site, username, &level["read"]))
}

/// The content and, for a page, every page above it; `None` where one of them is missing or not told of, or where the way up does
/// not end: what stands on that way cannot be known, so nobody passes it.
fn levels<'a>(flavour: &str, site: &'a Value, content: &'a Value) -> Option<Vec<&'a Value>> {
    let mut levels = vec![content];
    let mut at = content;
    // Blog posts have no parents.
    while let ("page", Some(parent)) = (at["type"].as_str().unwrap_or_default(), at["parent"].as_str()) {
        at = content_of(site, parent).filter(|above| is_current(above) || tells_every_restriction(flavour))?;
        if levels.iter().any(|level| level["id"] == at["id"]) {
            return None;
        }
        levels.push(at);
    }
    Some(levels)
}

/// Whether the wiki tells of a page all restrictions on the way up to it, also those of a page that it lists no more: Data Center
/// does from 9.4 on.
fn tells_every_restriction(flavour: &str) -> bool {
    let version = flavour.strip_prefix("dc-").unwrap_or_default();
    let mut numbers = version.split('.').map(|number| number.parse::<u32>().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (9, 4)
}

fn is_current(content: &Value) -> bool {
    content["status"].as_str().unwrap_or("current") == "current"
}

/// An empty restriction is no restriction at that level.
fn is_open(level: &Value) -> bool {
    names(&level["read"], "users").is_empty() && names(&level["read"], "groups").is_empty()
}

/// Whether a grant names the user, a group of theirs, or everybody.
fn grants(site: &Value, username: &str, grant: &Value) -> bool {
    grant["anonymous"] == true
        || names(grant, "users").contains(&username)
        || names(grant, "groups").into_iter().any(|group| is_in(site, username, group, &[]))
}

/// Whether the user is in a group, or in a group in it, however deep. `within` are the groups around it, so that groups
/// that contain each other end the walk.
fn is_in(site: &Value, username: &str, group: &str, within: &[&str]) -> bool {
    let Some(found) = rows(site, "groups").find(|known| known["name"] == group) else { return false };
    let around = [within, &[group]].concat();
    names(found, "members").contains(&username)
        || names(found, "groups")
            .into_iter()
            .any(|inner| !around.contains(&inner) && is_in(site, username, inner, &around))
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

/// Whether what Confluence tells of a person's memberships is what was given: it lists the members of a group with those of the
/// groups in it, so that of somebody who is in both, only the inner membership is known; and groups that contain each other in a
/// circle all list the same people.
pub fn is_told_once(site: &Value, username: &str) -> bool {
    let all = site["groups"].as_array().unwrap();
    let names = |group: &Value, list: &str| -> Vec<String> {
        group[list].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
    };
    let inside = |outer: &Value| {
        let mut inside = names(outer, "groups");
        let mut at = 0;
        while at < inside.len() {
            let inner = all.iter().find(|group| group["name"] == inside[at].as_str());
            let more = inner.map(|group| names(group, "groups")).unwrap_or_default();
            let new: Vec<String> = more.into_iter().filter(|name| !inside.contains(name)).collect();
            inside.extend(new);
            at += 1;
        }
        inside
    };
    let has = |group: &&Value| names(group, "members").iter().any(|member| member == username);
    all.iter().all(|outer| {
        let inside = inside(outer);
        let is_inside = |group: &Value| inside.iter().any(|name| group["name"] == name.as_str());
        let is_inner = all.iter().filter(has).any(is_inside);
        !((has(&outer) || is_inner) && is_inside(outer) || has(&outer) && is_inner)
    })
}

#[test]
fn the_oracle_knows_the_truth_table() {
    let site = crate::permissions::truth_table().json();
    let who = |id: &str| -> Vec<&str> {
        ["u1", "u2", "u3", "u4", "u5", "u6", "u7", "u8"]
            .into_iter()
            .filter(|user| may_view("dc-10", &site, user, id))
            .collect()
    };

    assert_eq!(who("1000"), ["u1", "u2", "u3", "u4", "u5", "u6"]);
    assert_eq!(who("1001"), ["u1", "u2", "u4"]);
    assert_eq!(who("1003"), ["u1", "u2", "u4"]);
    assert_eq!(who("1006"), ["u1", "u2", "u4"]);
    assert_eq!(who("1004"), ["u3"]);
}

#[test]
fn nobody_passes_a_parent_that_is_missing_or_not_told_of_or_a_way_up_that_does_not_end() {
    let mut site = crate::permissions::truth_table().json();
    let at = |site: &Value, id: &str| rows(site, "content").position(|content| content["id"] == id).unwrap();
    let (home, anchor, compass) = (at(&site, "1000"), at(&site, "1001"), at(&site, "1003"));
    let sees = |flavour: &str, site: &Value, user: &str| may_view(flavour, site, user, "1003");
    assert!(sees("dc-10", &site, "u4"));

    site["content"][compass]["parent"] = "4711".into();
    assert!(!sees("dc-10", &site, "u4"), "its parent is missing");

    site["content"][compass]["parent"] = "1002".into();
    site["content"][anchor]["status"] = "trashed".into();
    for flavour in ["dc-9.2.18", "dc-9.2.3", "dc-8.5", "dc-7.19", "cloud", "archive", "archive-old"] {
        assert!(!sees(flavour, &site, "u4"), "a page above it is in the bin, and {flavour} does not tell of it");
    }
    assert!(sees("dc-10", &site, "u4") && sees("dc-9.4", &site, "u4"));
    assert!(!sees("dc-10", &site, "u5"), "the page in the bin is left to others");

    site["content"][anchor]["status"] = "current".into();
    site["content"][home]["parent"] = "1002".into();
    assert!(!sees("dc-10", &site, "u4"), "the pages above it are above each other");
}

#[test]
fn a_restriction_counts_however_far_up_it_stands() {
    let mut site = crate::support::Site::new().user("u1").user("u2").space("S", &["confluence-users"]);
    let mut parent: Option<String> = None;
    for number in 1000..1150 {
        let id = number.to_string();
        site = site.page("S", &id, parent.as_deref(), &format!("Page {id}"), "");
        parent = Some(id);
    }
    let site = site.restrict("1000", &["u1"], &[]).json();

    assert!(may_view("dc-10", &site, "u1", "1149"));
    assert!(!may_view("dc-10", &site, "u2", "1149"));
}
