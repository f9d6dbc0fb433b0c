//! Who may view a space of Confluence Cloud: permissions, roles with their classes of users, and the anonymous grant.
//!
//! Grants add up, so each is read by itself and what one of the three does not know adds nothing. Where one of them exists and
//! cannot be read, the whole is unknown: it may be the one that matters.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use serde::de::DeserializeOwned;

use super::super::client::{Client, Trouble, encoded};
use super::ROWS;
use super::wire::{Assignment, Operation, Permission, Role, SpacePermissions};
use crate::crawl::restriction::Subjects;

/// What a role that lets its holders view a space has among its permissions.
const READ_SPACE: &str = "read/space";

/// Who may view a space, by its id and its key.
pub(super) fn may_view(client: &Client, id: &str, key: &str) -> Result<Subjects, Trouble> {
    let mut subjects = Subjects::default();
    let permissions: Vec<Permission> = all(client, &format!("/api/v2/spaces/{}/permissions?", encoded(id)))?;
    for Permission { principal, operation } in permissions {
        let (Some(principal), true) = (principal, operation.is_some_and(|operation| views(&operation))) else {
            continue;
        };
        add(&mut subjects, &principal.r#type, principal.id);
    }
    for (kind, id) in by_roles(client, id)? {
        add(&mut subjects, &kind, id);
    }
    subjects.anyone |= is_anonymous(client, key)?;
    Ok(subjects)
}

fn views(operation: &Operation) -> bool {
    operation.key == "read" && operation.target_type == "space"
}

/// Who has a role that lets them view the space; nobody on a site without roles.
fn by_roles(client: &Client, id: &str) -> Result<Vec<(String, String)>, Trouble> {
    let assignments: Vec<Assignment> = match all(client, &format!("/api/v2/spaces/{}/role-assignments?", encoded(id))) {
        Ok(assignments) => assignments,
        Err(trouble) if trouble.is_absent() => return Ok(Vec::new()),
        Err(trouble) => return Err(trouble),
    };
    if assignments.is_empty() {
        return Ok(Vec::new());
    }
    let roles: Vec<Role> = all(client, "/api/v2/space-roles?")?;
    let viewing: BTreeSet<String> = roles
        .into_iter()
        .filter(|role| role.space_permissions.iter().any(|permission| permission == READ_SPACE))
        .map(|role| role.id)
        .collect();
    let viewing = assignments.into_iter().filter(|assignment| viewing.contains(&assignment.role_id));
    Ok(viewing.map(|assignment| (assignment.principal.principal_type, assignment.principal.principal_id)).collect())
}

/// Whether everybody may view it. Version 1 alone tells; where it was withdrawn, nobody comes in by that.
fn is_anonymous(client: &Client, key: &str) -> Result<bool, Trouble> {
    match client.read(&format!("/rest/api/space/{}?expand=permissions", encoded(key))) {
        Ok(SpacePermissions { permissions }) => {
            Ok(permissions.iter().any(|entry| entry.anonymous_access && entry.operation.as_ref().is_some_and(views)))
        }
        Err(trouble) if trouble.is_absent() => Ok(false),
        Err(trouble) => Err(trouble),
    }
}

/// Takes a principal in. Kinds and classes that are not known here admit nobody; the kind `role` stands for an assignment,
/// which is read by itself.
fn add(subjects: &mut Subjects, kind: &str, id: String) {
    match kind.to_ascii_lowercase().replace('_', "-").as_str() {
        "user" => subjects.accounts.push(id.into()),
        "group" => subjects.groups.push(id.into()),
        // Who may use the site at all is a condition of its own, which each of these meets besides.
        "access-class" => {
            let class = id.to_ascii_lowercase().replace('_', "-");
            let is_open = matches!(class.as_str(), "anonymous-users" | "authenticated-users" | "all-licensed-users");
            subjects.anyone |= is_open;
        }
        _ => {}
    }
}

/// All rows of a listing of version 2.
pub(super) fn all<T: DeserializeOwned>(client: &Client, path: &str) -> Result<Vec<T>, Trouble> {
    let mut all = Vec::new();
    client.scan(path, ROWS, &mut |rows: Vec<T>| {
        all.extend(rows);
        ControlFlow::Continue(())
    })?;
    Ok(all)
}
