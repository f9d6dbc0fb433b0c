//! People and groups of a Confluence Cloud.
//!
//! Users are known by their account id, groups by theirs, so that a rename changes nothing. What an account signs in by is its
//! e-mail address, which Atlassian has verified; where its owner hides it, nothing ties the account to a person. There are no
//! nested groups.

use std::collections::{BTreeMap, BTreeSet};

use super::super::abreast::abreast;
use super::super::client::{Client, Trouble, encoded};
use super::super::wire::{Group, User};
use crate::crawl::restriction::group_key;
use crate::directory::{Account, SourceGroup, SourcePeople};
use crate::names::{AccountId, GroupId, SourceId};

/// Users or groups asked for at once.
const ROWS: usize = 200;

/// Reads all groups with their members. Who is in no group has no access to the site.
pub(super) fn read(client: &Client, source: &SourceId) -> Result<SourcePeople, Trouble> {
    let named = groups(client, "")?;
    let members = abreast(&named, |(id, _)| members(client, id));
    let mut accounts: BTreeMap<Box<str>, Account> = BTreeMap::new();
    let mut all = Vec::new();
    for ((id, name), members) in named.into_iter().zip(members) {
        let Some(key) = group_key(&id) else { continue };
        let members = members?.iter().filter_map(|user| take(&mut accounts, source, user)).collect();
        all.push(SourceGroup { id: GroupId::Of(source.clone(), key), name, members, groups: Vec::new() });
    }
    Ok(SourcePeople { accounts: accounts.into_values().collect(), groups: all })
}

/// Ids and names of groups; `narrowed` is a parameter of the question. A group without an id is none that a permission could
/// name.
pub(super) fn groups(client: &Client, narrowed: &str) -> Result<Vec<(String, String)>, Trouble> {
    let mut met = BTreeSet::new();
    let mut groups = Vec::new();
    client.rows(&format!("/rest/api/group?{narrowed}"), ROWS, &mut |rows: Vec<Group>| {
        let before = met.len();
        for Group { id, name } in rows {
            if let Some(id) = id.filter(|id| met.insert(id.clone())) {
                groups.push((id, name));
            }
        }
        met.len() - before
    })?;
    Ok(groups)
}

/// Everybody in a group, by its id.
pub(super) fn members(client: &Client, group: &str) -> Result<Vec<User>, Trouble> {
    let mut met = BTreeSet::new();
    let mut members = Vec::new();
    client.rows(&format!("/rest/api/group/{}/membersByGroupId?", encoded(group)), ROWS, &mut |rows: Vec<User>| {
        let before = met.len();
        members.extend(rows.into_iter().filter(|user| met.insert(user.account_id.clone())));
        met.len() - before
    })?;
    Ok(members)
}

/// Takes a person in; gives their id. Apps and customers of a help desk are no people who could sign in here.
fn take(accounts: &mut BTreeMap<Box<str>, Account>, source: &SourceId, user: &User) -> Option<Box<str>> {
    let is_person = user.account_type.as_deref().is_none_or(|kind| kind == "atlassian");
    let key: Box<str> = user.account_id.as_deref().filter(|id| is_person && !id.is_empty())?.into();
    let email = user.email.clone().filter(|email| !email.is_empty());
    let active = user.account_status.as_deref().is_none_or(|status| status == "active");
    let account = accounts.entry(key.clone()).or_insert_with(|| Account {
        id: AccountId { source: source.clone(), key: key.clone() },
        user_name: email.clone().unwrap_or_default(),
        display_name: user.display_name.clone().unwrap_or_default(),
        email,
        active,
    });
    // Of two answers the one that closes counts.
    account.active &= active;
    Some(key)
}
