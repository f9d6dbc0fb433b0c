//! Changes to the directory: checked against what is, written and seen under one lock, and acknowledged when they are on disk.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::held::Held;
use super::kept::{Provisioned, ProvisionedKey};
use super::person::{Edited, Group, GroupProfile, Person, Profile};
use super::{Directory, Error};
use crate::names::{GroupName, UserId, UserName};
use crate::store::{self, Batch, Unsettled};

type Changes = Batch<ProvisionedKey, Provisioned>;

impl Directory {
    /// Adds a person. Refused where the user name or the external id is another's.
    pub fn add_person(&self, profile: Profile, now_ms: i64) -> Result<Arc<Person>, Error> {
        let changing = self.changing();
        let id = {
            let held = self.held();
            check_person(&held, &profile, None)?;
            // A repeatable sequence begins anew after a restart; an id must not be somebody's already.
            std::iter::repeat_with(|| UserId::new(&self.ids)).find(|id| !held.people.contains_key(id))
        };
        let id = id.expect("the sequence of ids does not end");
        let person = Arc::new(profile.made(id, now_ms));
        let unsettled = self.keep_person(&person)?;
        drop(changing);
        unsettled.settle()?;
        Ok(person)
    }

    /// Changes a person to what `change` makes of them. `expected` is the version the change is meant for, where the
    /// provider named one; nothing is kept where the change asks for nothing new.
    pub fn change_person<E: From<Error>>(
        &self,
        id: &UserId,
        expected: Option<u64>,
        now_ms: i64,
        change: impl FnOnce(&Person) -> Result<Profile, E>,
    ) -> Result<Edited<Person>, E> {
        let changing = self.changing();
        let was = self.held().people.get(id).cloned().ok_or_else(|| Error::NotThere(id.to_string()))?;
        is_expected(expected, was.version)?;
        let profile = change(&was)?;
        check_person(&self.held(), &profile, Some(id))?;
        let person = Person {
            created_ms: was.created_ms,
            changed_ms: was.changed_ms,
            version: was.version,
            ..profile.made(*id, was.created_ms)
        };
        if person == *was {
            return Ok(Edited { now: was.clone(), was });
        }
        let person = Arc::new(Person { changed_ms: now_ms.max(was.changed_ms), version: was.version + 1, ..person });
        let unsettled = self.keep_person(&person)?;
        drop(changing);
        unsettled.settle().map_err(Error::Broken)?;
        Ok(Edited { was, now: person })
    }

    /// Removes a person and their memberships. Whoever comes later under the same name is somebody else.
    pub fn remove_person(&self, id: &UserId, expected: Option<u64>, now_ms: i64) -> Result<Arc<Person>, Error> {
        let changing = self.changing();
        let mut changes = Changes::new();
        let (person, left) = {
            let held = self.held();
            let person = held.people.get(id).cloned().ok_or_else(|| Error::NotThere(id.to_string()))?;
            is_expected(expected, person.version)?;
            let left: Vec<Group> = held
                .direct_groups(id)
                .map(|group| {
                    let mut group = renewed(group, now_ms);
                    group.members.retain(|member| member != id);
                    group
                })
                .collect();
            (person, left)
        };
        changes.remove(&ProvisionedKey::Person(*id));
        let given = self.held().given_to(id);
        for account in &given {
            changes.remove(&ProvisionedKey::Alias(account.clone()));
        }
        for group in &left {
            changes.remove(&ProvisionedKey::Member(group.id.clone(), *id));
            changes.put(&ProvisionedKey::Group(group.id.clone()), &Provisioned::Group(group.clone()));
        }
        let mut was: Vec<(ProvisionedKey, Provisioned)> =
            vec![(ProvisionedKey::Person(*id), Provisioned::Person((*person).clone()))];
        for account in &given {
            let alias = self.held().aliases.get(account).cloned();
            was.extend(alias.map(|alias| (ProvisionedKey::Alias(account.clone()), Provisioned::Alias(alias))));
        }
        let unsettled = self.keep(changes, was, now_ms)?;
        {
            let mut held = self.held_mut();
            held.drop_person(id);
            given.iter().for_each(|account| held.drop_alias(account));
            left.into_iter().for_each(|group| held.put_group(Arc::new(group)));
        }
        drop(changing);
        unsettled.settle()?;
        Ok(person)
    }

    /// Adds a group. Refused where its external id is another's, or its name where the two cannot be told apart by
    /// external ids; and where it lists somebody who is not there.
    pub fn add_group(&self, profile: GroupProfile, now_ms: i64) -> Result<Arc<Group>, Error> {
        let changing = self.changing();
        let id = {
            let held = self.held();
            std::iter::repeat_with(|| UserId::new(&self.ids).to_string()).find(|id| !held.groups.contains_key(id))
        };
        let group = profile.made(id.expect("the sequence of ids does not end"), now_ms);
        check_group(&self.held(), &group, None)?;
        let mut changes = Changes::new();
        changes.put(&ProvisionedKey::Group(group.id.clone()), &Provisioned::Group(group.clone()));
        write_memberships(&mut changes, None, &group);
        let unsettled = self.write_group(changes)?;
        let group = Arc::new(group);
        self.held_mut().put_group(group.clone());
        drop(changing);
        unsettled.settle()?;
        Ok(group)
    }

    /// Changes a group to what `change` makes of it; also gives the people who are in it no longer. Touches no
    /// document: what a person answers to is asked at every request.
    pub fn change_group<E: From<Error>>(
        &self,
        id: &str,
        expected: Option<u64>,
        now_ms: i64,
        change: impl FnOnce(&Group) -> Result<GroupProfile, E>,
    ) -> Result<(Edited<Group>, Vec<UserId>), E> {
        let changing = self.changing();
        let was = self.held().groups.get(id).cloned().ok_or_else(|| Error::NotThere(id.to_owned()))?;
        is_expected(expected, was.version)?;
        let mut group = change(&was)?.made(id.to_owned(), was.created_ms);
        (group.changed_ms, group.version) = (was.changed_ms, was.version);
        if group == *was {
            return Ok((Edited { now: was.clone(), was }, Vec::new()));
        }
        (group.changed_ms, group.version) = (now_ms.max(was.changed_ms), was.version + 1);
        let left = {
            let held = self.held();
            check_group(&held, &group, Some(&was))?;
            left(&held, &was, &group)
        };
        let mut changes = Changes::new();
        changes.put(&ProvisionedKey::Group(group.id.clone()), &Provisioned::Group(group.clone()));
        write_memberships(&mut changes, Some(&was), &group);
        let unsettled = self.write_group(changes)?;
        let group = Arc::new(group);
        self.held_mut().put_group(group.clone());
        drop(changing);
        unsettled.settle().map_err(Error::Broken)?;
        Ok((Edited { was, now: group }, left))
    }

    /// Removes a group; also gives the people who were in it.
    pub fn remove_group(
        &self,
        id: &str,
        expected: Option<u64>,
        now_ms: i64,
    ) -> Result<(Arc<Group>, Vec<UserId>), Error> {
        let changing = self.changing();
        let mut changes = Changes::new();
        let (group, left, parents) = {
            let held = self.held();
            let group = held.groups.get(id).cloned().ok_or_else(|| Error::NotThere(id.to_owned()))?;
            is_expected(expected, group.version)?;
            let left: Vec<UserId> = held.people_under(&group).into_iter().collect();
            let parents: Vec<Group> = held
                .parents(id)
                .filter(|parent| parent.id != id)
                .map(|parent| {
                    let mut parent = renewed(parent, now_ms);
                    parent.groups.retain(|inner| inner != id);
                    parent
                })
                .collect();
            (group, left, parents)
        };
        changes.remove(&ProvisionedKey::Group(id.to_owned()));
        for key in memberships(&group) {
            changes.remove(&key);
        }
        for parent in &parents {
            changes.remove(&ProvisionedKey::Nested(parent.id.clone(), id.to_owned()));
            changes.put(&ProvisionedKey::Group(parent.id.clone()), &Provisioned::Group(parent.clone()));
        }
        let unsettled = self.write_group(changes)?;
        {
            let mut held = self.held_mut();
            held.drop_group(id);
            parents.into_iter().for_each(|parent| held.put_group(Arc::new(parent)));
        }
        drop(changing);
        unsettled.settle()?;
        Ok((group, left))
    }

    fn write_group(&self, changes: Changes) -> Result<Unsettled, Error> {
        let mut all = store::Changes::new();
        all.add(&self.provisioned, changes);
        Ok(self.store.write(all)?)
    }

    fn keep_person(&self, person: &Arc<Person>) -> Result<Unsettled, Error> {
        let key = ProvisionedKey::Person(person.id);
        let was = self.held().people.get(&person.id).map(|was| Provisioned::Person((**was).clone()));
        let mut changes = Changes::new();
        changes.put(&key, &Provisioned::Person((**person).clone()));
        let unsettled = self.keep(changes, was.into_iter().map(|was| (key.clone(), was)), person.changed_ms)?;
        self.held_mut().put_person(person.clone());
        Ok(unsettled)
    }
}

fn is_expected(expected: Option<u64>, version: u64) -> Result<(), Error> {
    if expected.is_some_and(|expected| expected != version) { Err(Error::Changed) } else { Ok(()) }
}

/// Refuses a name that is none, and a name or external id that is another person's.
fn check_person(held: &Held, profile: &Profile, own: Option<&UserId>) -> Result<(), Error> {
    let name = UserName::parse(&profile.user_name)?;
    if held.named(&name).is_some_and(|other| Some(&other.id) != own) {
        return Err(Error::Taken(profile.user_name.clone()));
    }
    if let Some(external_id) = &profile.external_id
        && held.with_external_id(external_id).is_some_and(|other| Some(&other.id) != own)
    {
        return Err(Error::Taken(external_id.clone()));
    }
    Ok(())
}

fn check_group(held: &Held, group: &Group, was: Option<&Group>) -> Result<(), Error> {
    let name = GroupName::parse(&group.display_name)?;
    let is_known =
        was.is_some_and(|was| was.external_id == group.external_id && was.display_name == group.display_name);
    if !is_known {
        let is_another = |other: &Group| other.id != group.id;
        if let Some(external_id) = &group.external_id
            && held.group_with_external_id(external_id).is_some_and(|other| is_another(other))
        {
            return Err(Error::Taken(external_id.clone()));
        }
        // Two groups may share a name only where the provider itself tells them apart.
        let are_told_apart = |other: &Group| group.external_id.is_some() && other.external_id.is_some();
        if held.groups_named(&name).any(|other| is_another(other) && !are_told_apart(other)) {
            return Err(Error::Taken(group.display_name.clone()));
        }
    }
    if let Some(stranger) = group.members.iter().find(|member| !held.people.contains_key(member)) {
        return Err(Error::NoSuchMember(stranger.to_string()));
    }
    let is_there = |inner: &String| held.groups.contains_key(inner) || *inner == group.id;
    match group.groups.iter().find(|inner| !is_there(inner)) {
        Some(stranger) => Err(Error::NoSuchMember(stranger.clone())),
        None => Ok(()),
    }
}

/// A group as it will be once somebody has left it.
fn renewed(group: &Group, now_ms: i64) -> Group {
    Group { changed_ms: now_ms.max(group.changed_ms), version: group.version + 1, ..group.clone() }
}

fn memberships(group: &Group) -> impl Iterator<Item = ProvisionedKey> + '_ {
    let members = group.members.iter().map(|member| ProvisionedKey::Member(group.id.clone(), *member));
    members.chain(group.groups.iter().map(|inner| ProvisionedKey::Nested(group.id.clone(), inner.clone())))
}

/// Writes only the memberships that came or went.
fn write_memberships(changes: &mut Changes, was: Option<&Group>, now: &Group) {
    let is_in = |group: Option<&Group>, key: &ProvisionedKey| {
        group.is_some_and(|group| match key {
            ProvisionedKey::Member(_, member) => group.members.binary_search(member).is_ok(),
            ProvisionedKey::Nested(_, inner) => group.groups.binary_search(inner).is_ok(),
            ProvisionedKey::Person(_) | ProvisionedKey::Group(_) | ProvisionedKey::Alias(_) => false,
        })
    };
    for key in memberships(now).filter(|key| !is_in(was, key)) {
        changes.put(&key, &Provisioned::Membership);
    }
    for key in was.into_iter().flat_map(memberships).filter(|key| !is_in(Some(now), key)) {
        changes.remove(&key);
    }
}

/// The people who were in the group, directly or through others, and will be no longer.
fn left(held: &Held, was: &Group, now: &Group) -> Vec<UserId> {
    let is_gone = |member: &UserId| now.members.binary_search(member).is_err();
    let lost_groups = was.groups.iter().any(|inner| now.groups.binary_search(inner).is_err());
    if !lost_groups && !was.members.iter().any(is_gone) {
        return Vec::new();
    }
    let before: BTreeSet<UserId> = held.people_under(was);
    let after = held.people_under(now);
    before.difference(&after).copied().collect()
}
