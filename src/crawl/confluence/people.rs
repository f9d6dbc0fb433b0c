//! People and groups of a Confluence, with nested groups.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::abreast::abreast;
use super::client::{Client, Trouble, encoded};
use super::wire::{Group, User};
use crate::crawl::restriction::group_key;
use crate::directory::{Account, SourceGroup, SourcePeople};
use crate::names::{AccountId, GroupId, SourceId};

/// Users or groups asked for at once.
const ROWS: usize = 200;

/// Reads all groups with their members and nested groups, and all users: those of the directory's own list, where the
/// version has one, and every member of a group, because that list is known to be incomplete.
pub(super) fn read(client: &Client, source: &SourceId) -> Result<SourcePeople, Trouble> {
    let names = group_names(client)?;
    let members = abreast(&names, |name| of_group(client, name));
    let mut users: BTreeMap<Box<str>, Account> = BTreeMap::new();
    let mut groups: Vec<SourceGroup> = Vec::new();
    let mut unreadable: Vec<&String> = Vec::new();
    for user in listed_users(client)? {
        take(&mut users, source, &user);
    }
    for (name, read) in names.iter().zip(members) {
        let Some(key) = group_key(name) else { continue };
        let (members, nested) = match read? {
            Some(read) => read,
            None => {
                unreadable.push(name);
                (Vec::new(), Vec::new())
            }
        };
        let members = members.iter().filter_map(|user| take(&mut users, source, user)).collect();
        let nested = nested.iter().filter_map(|group| group_key(&group.name)).collect();
        groups.push(SourceGroup { id: GroupId::Of(source.clone(), key), name: name.clone(), members, groups: nested });
    }
    if !unreadable.is_empty() {
        ask_each_user(client, &users, &unreadable, &mut groups)?;
    }
    leave_to_nested(&mut groups);
    Ok(SourcePeople { accounts: users.into_values().collect(), groups })
}

/// Takes out of each group's members those who are in it by way of a group in it: lists of members are flattened, and whom
/// such a list names only for a nested group is that group's member, not this one's. Who belongs to what stays the same,
/// and how is told as far as Confluence tells it: whether somebody is in both lists by their own right, it does not.
fn leave_to_nested(groups: &mut [SourceGroup]) {
    let place: HashMap<Box<str>, usize> =
        groups.iter().enumerate().map(|(place, group)| (group_id(group).into(), place)).collect();
    let below = |place_of: usize, groups: &[SourceGroup]| -> Vec<usize> {
        groups[place_of].groups.iter().filter_map(|key| place.get(key).copied()).collect()
    };
    let leads_to = |from: usize, to: usize, groups: &[SourceGroup]| {
        let (mut seen, mut next) = (HashSet::new(), vec![from]);
        while let Some(at) = next.pop() {
            if at == to {
                return true;
            }
            if seen.insert(at) {
                next.extend(below(at, groups));
            }
        }
        false
    };
    let mut own: Vec<(usize, Vec<Box<str>>)> = Vec::new();
    for outer in 0..groups.len() {
        // Of groups that contain each other none is the inner one: were each left to the other, nobody would be in either.
        let inner = below(outer, groups).into_iter().filter(|inner| !leads_to(*inner, outer, groups));
        let nested: HashSet<&Box<str>> = inner.flat_map(|inner| &groups[inner].members).collect();
        if !nested.is_empty() {
            own.push((outer, groups[outer].members.iter().filter(|key| !nested.contains(key)).cloned().collect()));
        }
    }
    for (place, members) in own {
        groups[place].members = members;
    }
}

fn group_id(group: &SourceGroup) -> &str {
    match &group.id {
        GroupId::Of(_, key) | GroupId::Provisioned(key) => key,
    }
}

/// Names of all groups, each once however it is written.
fn group_names(client: &Client) -> Result<Vec<String>, Trouble> {
    let mut met = BTreeSet::new();
    let mut names = Vec::new();
    client.rows("/rest/api/group?", ROWS, &mut |groups: Vec<Group>| {
        let before = names.len();
        for group in groups {
            if group_key(&group.name).is_some_and(|key| met.insert(key)) {
                names.push(group.name);
            }
        }
        names.len() - before
    })?;
    Ok(names)
}

type Membership = (Vec<User>, Vec<Group>);

/// Members and nested groups of one group; `None` where its name cannot stand in an address.
fn of_group(client: &Client, name: &str) -> Result<Option<Membership>, Trouble> {
    // Data Center understands neither `/` nor `%2F` in this place.
    if name.contains(['/', '\\']) {
        return Ok(None);
    }
    let members = users(client, &format!("/rest/api/group/{}/member?expand=status", encoded(name)))?;
    let mut nested: Vec<Group> = Vec::new();
    let mut met = BTreeSet::new();
    let path = format!("/rest/api/group/{}/groupmember?", encoded(name));
    let read = client.rows(&path, ROWS, &mut |groups: Vec<Group>| {
        let before = nested.len();
        nested.extend(groups.into_iter().filter(|group| met.insert(group.name.clone())));
        nested.len() - before
    });
    match read {
        Ok(()) => {}
        // Older versions do not tell nested groups; their lists of members are flattened instead.
        Err(trouble) if trouble.is_absent() => {}
        Err(trouble) => return Err(trouble),
    }
    Ok(Some((members, nested)))
}

/// Every user, also those in no group; nobody where the version has no such list.
fn listed_users(client: &Client) -> Result<Vec<User>, Trouble> {
    match users(client, "/rest/api/user/list?expand=status") {
        Err(trouble) if trouble.is_absent() => Ok(Vec::new()),
        read => read,
    }
}

fn users(client: &Client, path: &str) -> Result<Vec<User>, Trouble> {
    let mut users: Vec<User> = Vec::new();
    let mut met = BTreeSet::new();
    client.rows(path, ROWS, &mut |rows: Vec<User>| {
        let before = users.len();
        users.extend(rows.into_iter().filter(|user| met.insert((user.user_key.clone(), user.username.clone()))));
        users.len() - before
    })?;
    Ok(users)
}

/// Finds who is in groups whose names cannot stand in an address, by asking for each user's groups.
fn ask_each_user(
    client: &Client,
    users: &BTreeMap<Box<str>, Account>,
    unreadable: &[&String],
    groups: &mut [SourceGroup],
) -> Result<(), Trouble> {
    let wanted: BTreeSet<_> = unreadable.iter().filter_map(|name| group_key(name)).collect();
    let keys: Vec<&Box<str>> = users.keys().collect();
    let memberships = abreast(&keys, |key| {
        let mut of_user: Vec<Box<str>> = Vec::new();
        let path = format!("/rest/api/user/memberof?key={}", encoded(key));
        client.rows(&path, ROWS, &mut |rows: Vec<Group>| {
            let before = of_user.len();
            for key in rows.iter().filter_map(|group| group_key(&group.name)) {
                if !of_user.contains(&key) {
                    of_user.push(key);
                }
            }
            of_user.len() - before
        })?;
        Ok::<_, Trouble>(of_user)
    });
    for (key, of_user) in keys.into_iter().zip(memberships) {
        for group in of_user?.into_iter().filter(|group| wanted.contains(group)) {
            let known = groups.iter_mut().find(|known| matches!(&known.id, GroupId::Of(_, name) if *name == group));
            if let Some(known) = known {
                known.members.push(key.clone());
            }
        }
    }
    Ok(())
}

/// Takes a user in; gives their key. One without a key is known by nothing that stays, and is left out.
fn take(users: &mut BTreeMap<Box<str>, Account>, source: &SourceId, user: &User) -> Option<Box<str>> {
    let key: Box<str> = user.user_key.as_deref().filter(|key| !key.is_empty())?.into();
    let user_name = user.username.clone().unwrap_or_default();
    let display_name = user.display_name.clone().unwrap_or_else(|| user_name.clone());
    let email = user.email.clone().filter(|email| !email.is_empty());
    let is_active = user.status.as_deref().is_none_or(|status| status == "current");
    let account = users.entry(key.clone()).or_insert_with(|| Account {
        id: AccountId { source: source.clone(), key: key.clone() },
        user_name,
        display_name,
        email,
        active: is_active,
    });
    // Of two answers the one that closes counts.
    account.active &= is_active;
    Some(key)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Listed = Vec<(Vec<u8>, Vec<u8>)>;

    /// Groups `0`, `1`, … with their members and the groups in them, by number.
    fn groups(listed: &Listed) -> Vec<SourceGroup> {
        let source = SourceId::parse("wiki").unwrap();
        let keys = |numbers: &[u8]| numbers.iter().map(|number| number.to_string().into()).collect();
        let group = |(place, (members, inner)): (usize, &(Vec<u8>, Vec<u8>))| SourceGroup {
            id: GroupId::Of(source.clone(), place.to_string().into()),
            name: place.to_string(),
            members: keys(members),
            groups: keys(inner),
        };
        listed.iter().enumerate().map(group).collect()
    }

    /// Everybody in a group, however deep.
    fn closure(groups: &[SourceGroup], place: usize) -> BTreeSet<Box<str>> {
        let (mut seen, mut next, mut people) = (BTreeSet::new(), vec![place], BTreeSet::new());
        while let Some(at) = next.pop().filter(|at| *at < groups.len()) {
            if seen.insert(at) {
                people.extend(groups[at].members.iter().cloned());
                next.extend(
                    groups[at].groups.iter().map(|key| key.parse::<usize>().unwrap()).filter(|at| *at < groups.len()),
                );
            }
        }
        people
    }

    #[test]
    fn who_is_in_a_group_for_a_nested_one_is_left_to_that_one() {
        let mut groups = groups(&vec![(vec![7, 8, 9], vec![1]), (vec![8, 9], vec![2]), (vec![9], vec![])]);

        leave_to_nested(&mut groups);

        let members: Vec<Vec<&str>> =
            groups.iter().map(|group| group.members.iter().map(|key| &**key).collect()).collect();
        assert_eq!(members, [vec!["7"], vec!["8"], vec!["9"]]);
    }

    proptest! {
        #[test]
        fn nobody_comes_or_goes_by_that_also_where_groups_contain_each_other(
            listed in proptest::collection::vec(
                (proptest::collection::vec(0u8..6, 0..5), proptest::collection::vec(0u8..6, 0..3)), 1..6),
        ) {
            let before = groups(&listed);
            let mut after = before.clone();

            leave_to_nested(&mut after);

            for place in 0..before.len() {
                prop_assert_eq!(closure(&before, place), closure(&after, place), "{}", place);
            }
        }
    }
}
