//! Who is in the groups of a source, for whoever looks after its grants: groups that nobody is in, and what a person would be in
//! if they joined one.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::Directory;
use super::source::Picture;
use crate::names::{AccountId, GroupId, GroupName, SourceId, UserId};

/// A group of a source with who is in it, directly or through groups in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Within {
    /// Which.
    pub id: GroupId,
    /// Its name there.
    pub name: String,
    /// Accounts in it.
    pub accounts: usize,
    /// Of them active, and not held by somebody who is disabled here.
    pub active: usize,
    /// The active people who hold one of the active ones.
    pub people: BTreeSet<UserId>,
}

impl Directory {
    /// Every group of a source, in the order of their keys.
    pub fn source_groups(&self, source: &SourceId) -> Vec<Within> {
        let held = self.held();
        let Some(picture) = held.sources.get(source) else { return Vec::new() };
        let holder = |key: &str| {
            let id = AccountId { source: source.clone(), key: key.into() };
            held.holder(&id, picture).map(|(user, _)| user)
        };
        let is_disabled = |user: &UserId| !held.people.get(user).is_some_and(|person| person.active);
        let accounts = picture.accounts.iter().filter(|(_, account)| account.what.active);
        let holders: HashMap<&str, Option<UserId>> = accounts
            .map(|(key, _)| (&**key, holder(key)))
            .filter(|(_, holder)| !holder.as_ref().is_some_and(is_disabled))
            .collect();
        let within = |key: &str| {
            let inside = accounts_in(picture, key);
            let active: Vec<&Option<UserId>> = inside.iter().filter_map(|key| holders.get(key)).collect();
            let group = &picture.groups.get(key)?.what;
            Some(Within {
                id: group.id.clone(),
                name: group.name.clone(),
                accounts: inside.len(),
                active: active.len(),
                people: active.into_iter().flatten().copied().collect(),
            })
        };
        picture.groups.keys().filter_map(|key| within(key)).collect()
    }

    /// The group of a source that has this name, in any case, as Confluence compares them.
    pub fn source_group_named(&self, source: &SourceId, name: &str) -> Option<GroupId> {
        let held = self.held();
        let picture = held.sources.get(source)?;
        if let Some(group) = picture.groups.get(name) {
            return Some(group.what.id.clone());
        }
        let name = GroupName::parse(name).ok()?;
        let has_name = |group: &super::SourceGroup| GroupName::parse(&group.name).is_ok_and(|other| other == name);
        picture.groups.values().map(|group| &group.what).find(|group| has_name(group)).map(|group| group.id.clone())
    }

    /// A group of a source with every group that it is in, directly or through others.
    pub fn source_groups_above(&self, group: &GroupId) -> Vec<GroupId> {
        let GroupId::Of(source, key) = group else { return vec![group.clone()] };
        let held = self.held();
        let Some(picture) = held.sources.get(source) else { return vec![group.clone()] };
        let mut found = vec![group.clone()];
        let mut seen: HashSet<&str> = HashSet::from([&**key]);
        let mut next: Vec<&str> = vec![key];
        while let Some(inner) = next.pop() {
            for (above, group) in &picture.groups {
                let lists = group.what.groups.iter().any(|key| &**key == inner);
                // Groups may contain each other in a circle: each is looked at once.
                if lists && seen.insert(above) {
                    found.push(group.what.id.clone());
                    next.push(above);
                }
            }
        }
        found
    }
}

/// The keys of the accounts in a group, directly or through groups in it.
fn accounts_in<'a>(picture: &'a Picture, key: &'a str) -> HashSet<&'a str> {
    let mut accounts = HashSet::new();
    let mut seen: HashSet<&str> = HashSet::from([key]);
    let mut next = vec![key];
    while let Some(key) = next.pop() {
        let Some(group) = picture.groups.get(key) else { continue };
        // A member that was never crawled as an account is nobody.
        accounts.extend(group.what.members.iter().map(|key| &**key).filter(|key| picture.accounts.contains_key(*key)));
        next.extend(group.what.groups.iter().map(|key| &**key).filter(|inner| seen.insert(inner)));
    }
    accounts
}
