//! The directory in memory: what is kept, arranged so that "what does this person answer to now?" takes microseconds.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use super::alias::{Alias, email_key};
use super::kept::{Provisioned, ProvisionedKey};
use super::source::{Picture, Tie, Trace};
use super::{Group, Person};
use crate::acl::{Principal, PrincipalSet};
use crate::names::{AccountId, GroupId, GroupName, SourceId, UserId, UserName};

/// Everything, as it was written. Changed only after the same change was written to the store.
#[derive(Default)]
pub(super) struct Held {
    pub people: HashMap<UserId, Arc<Person>>,
    pub groups: HashMap<String, Arc<Group>>,
    pub sources: BTreeMap<SourceId, Picture>,
    /// People by when they were made, so that a list keeps its order while it is read page by page.
    people_in_order: BTreeSet<(i64, UserId)>,
    groups_in_order: BTreeSet<(i64, String)>,
    by_name: HashMap<UserName, UserId>,
    by_external_id: HashMap<String, UserId>,
    groups_by_name: HashMap<GroupName, BTreeSet<String>>,
    groups_by_external_id: HashMap<String, String>,
    /// The groups a person is in directly.
    of_person: HashMap<UserId, BTreeSet<String>>,
    /// The groups a group is in directly.
    of_group: HashMap<String, BTreeSet<String>>,
    /// What administrators said of accounts.
    pub aliases: HashMap<AccountId, Alias>,
    /// The account of a source that a person was given.
    pub alias_of: HashMap<(UserId, SourceId), AccountId>,
    /// The people who have an e-mail address, active or not.
    pub by_email: HashMap<String, BTreeSet<UserId>>,
    /// The sources whose e-mail addresses tie.
    pub email_sources: BTreeSet<SourceId>,
}

impl Held {
    /// Puts together what the store has. A membership whose group is gone is passed over: it grants nothing.
    pub(super) fn read(
        rows: impl Iterator<Item = Result<(ProvisionedKey, Provisioned), crate::store::Error>>,
    ) -> Result<Held, crate::store::Error> {
        let (mut people, mut groups) = (Vec::new(), HashMap::new());
        let (mut members, mut nested) = (Vec::new(), Vec::new());
        let mut aliases = Vec::new();
        for row in rows {
            match row? {
                (_, Provisioned::Person(person)) => people.push(person),
                (_, Provisioned::Group(group)) => {
                    groups.insert(group.id.clone(), group);
                }
                (ProvisionedKey::Member(group, person), Provisioned::Membership) => members.push((group, person)),
                (ProvisionedKey::Nested(group, inner), Provisioned::Membership) => nested.push((group, inner)),
                (ProvisionedKey::Alias(account), Provisioned::Alias(alias)) => aliases.push((account, alias)),
                (_, Provisioned::Membership | Provisioned::Alias(_)) => {
                    return Err(crate::store::Error::Unreadable {
                        tree: super::PROVISIONED,
                        why: "a membership or an alias stands where something else belongs",
                    });
                }
            }
        }
        // Keys come in order, so both lists of a group are ascending.
        for (group, person) in members {
            groups.entry(group).and_modify(|group| group.members.push(person));
        }
        for (group, inner) in nested {
            groups.entry(group).and_modify(|group| group.groups.push(inner));
        }
        let mut held = Held::default();
        people.into_iter().for_each(|person| held.put_person(Arc::new(person)));
        groups.into_values().for_each(|group| held.put_group(Arc::new(group)));
        aliases.into_iter().for_each(|(account, alias)| held.put_alias(account, alias));
        Ok(held)
    }

    pub(super) fn put_person(&mut self, person: Arc<Person>) {
        self.drop_person(&person.id);
        if let Ok(name) = UserName::parse(&person.user_name) {
            self.by_name.insert(name, person.id);
        }
        if let Some(external_id) = &person.external_id {
            self.by_external_id.insert(external_id.clone(), person.id);
        }
        for email in &person.emails {
            self.by_email.entry(email_key(email)).or_default().insert(person.id);
        }
        self.people_in_order.insert((person.created_ms, person.id));
        self.people.insert(person.id, person);
    }

    pub(super) fn drop_person(&mut self, id: &UserId) {
        let Some(person) = self.people.remove(id) else { return };
        if let Ok(name) = UserName::parse(&person.user_name) {
            self.by_name.remove(&name);
        }
        if let Some(external_id) = &person.external_id {
            self.by_external_id.remove(external_id);
        }
        for email in person.emails.iter().map(|email| email_key(email)) {
            if let Some(people) = self.by_email.get_mut(&email) {
                people.remove(id);
                if people.is_empty() {
                    self.by_email.remove(&email);
                }
            }
        }
        self.people_in_order.remove(&(person.created_ms, person.id));
    }

    pub(super) fn put_alias(&mut self, account: AccountId, alias: Alias) {
        self.drop_alias(&account);
        if let Some(to) = alias.to {
            self.alias_of.insert((to, account.source.clone()), account.clone());
        }
        self.aliases.insert(account, alias);
    }

    pub(super) fn drop_alias(&mut self, account: &AccountId) {
        if let Some(to) = self.aliases.remove(account).and_then(|alias| alias.to) {
            self.alias_of.remove(&(to, account.source.clone()));
        }
    }

    /// The accounts that a person was given.
    pub(super) fn given_to(&self, id: &UserId) -> Vec<AccountId> {
        self.alias_of.iter().filter(|((person, _), _)| person == id).map(|(_, account)| account.clone()).collect()
    }

    /// An account as an administrator knows it: its login name, or its key where it was never crawled.
    pub(super) fn account_words(&self, account: &AccountId) -> String {
        self.name_of(&Principal::Account(account.clone())).unwrap_or_else(|| account.key.to_string())
    }

    pub(super) fn put_group(&mut self, group: Arc<Group>) {
        let was = self.groups.insert(group.id.clone(), group.clone());
        // Of a large group only who came and who went costs something.
        let (members, groups) = was.as_deref().map_or((&[][..], &[][..]), |was| (&was.members[..], &was.groups[..]));
        for person in members.iter().filter(|person| group.members.binary_search(person).is_err()) {
            leave(&mut self.of_person, person, &group.id);
        }
        for inner in groups.iter().filter(|inner| group.groups.binary_search(inner).is_err()) {
            leave(&mut self.of_group, inner, &group.id);
        }
        for person in group.members.iter().filter(|person| members.binary_search(person).is_err()) {
            self.of_person.entry(*person).or_default().insert(group.id.clone());
        }
        for inner in group.groups.iter().filter(|inner| groups.binary_search(inner).is_err()) {
            self.of_group.entry(inner.clone()).or_default().insert(group.id.clone());
        }
        if let Some(was) = &was {
            self.drop_names(was);
        }
        if let Ok(name) = GroupName::parse(&group.display_name) {
            self.groups_by_name.entry(name).or_default().insert(group.id.clone());
        }
        if let Some(external_id) = &group.external_id {
            self.groups_by_external_id.insert(external_id.clone(), group.id.clone());
        }
        self.groups_in_order.insert((group.created_ms, group.id.clone()));
    }

    pub(super) fn drop_group(&mut self, id: &str) {
        let Some(group) = self.groups.remove(id) else { return };
        for person in &group.members {
            leave(&mut self.of_person, person, id);
        }
        for inner in &group.groups {
            leave(&mut self.of_group, inner, id);
        }
        self.drop_names(&group);
        self.groups_in_order.remove(&(group.created_ms, group.id.clone()));
    }

    fn drop_names(&mut self, group: &Group) {
        if let Ok(name) = GroupName::parse(&group.display_name) {
            leave(&mut self.groups_by_name, &name, &group.id);
        }
        if let Some(external_id) = &group.external_id {
            self.groups_by_external_id.remove(external_id);
        }
    }

    /// People, the first made first.
    pub(super) fn people_in_order(&self) -> impl Iterator<Item = &Arc<Person>> {
        self.people_in_order.iter().filter_map(|(_, id)| self.people.get(id))
    }

    /// Groups, the first made first.
    pub(super) fn groups_in_order(&self) -> impl Iterator<Item = &Arc<Group>> {
        self.groups_in_order.iter().filter_map(|(_, id)| self.groups.get(id))
    }

    pub(super) fn named(&self, name: &UserName) -> Option<&Arc<Person>> {
        self.by_name.get(name).and_then(|id| self.people.get(id))
    }

    pub(super) fn with_external_id(&self, external_id: &str) -> Option<&Arc<Person>> {
        self.by_external_id.get(external_id).and_then(|id| self.people.get(id))
    }

    pub(super) fn groups_named(&self, name: &GroupName) -> impl Iterator<Item = &Arc<Group>> {
        self.groups_by_name.get(name).into_iter().flatten().filter_map(|id| self.groups.get(id))
    }

    pub(super) fn group_with_external_id(&self, external_id: &str) -> Option<&Arc<Group>> {
        self.groups_by_external_id.get(external_id).and_then(|id| self.groups.get(id))
    }

    /// The groups that list this person themselves.
    pub(super) fn direct_groups(&self, id: &UserId) -> impl Iterator<Item = &Arc<Group>> {
        self.of_person.get(id).into_iter().flatten().filter_map(|group| self.groups.get(group))
    }

    /// The groups that list this group themselves.
    pub(super) fn parents(&self, group: &str) -> impl Iterator<Item = &Arc<Group>> {
        self.of_group.get(group).into_iter().flatten().filter_map(|parent| self.groups.get(parent))
    }

    /// Every provisioned group a person is in, directly or through other groups, each once.
    pub(super) fn all_groups(&self, id: &UserId) -> Vec<&Arc<Group>> {
        let mut seen: HashSet<&str> = HashSet::new();
        let mut found = Vec::new();
        let mut next: Vec<&Arc<Group>> = self.direct_groups(id).collect();
        while let Some(group) = next.pop() {
            // Groups may contain each other in a circle: each is looked at once.
            if seen.insert(&group.id) {
                found.push(group);
                next.extend(self.parents(&group.id));
            }
        }
        found
    }

    /// Everybody in a group, directly or through the groups in it.
    pub(super) fn people_under(&self, group: &Group) -> BTreeSet<UserId> {
        let mut people: BTreeSet<UserId> = group.members.iter().copied().collect();
        let mut seen: HashSet<&str> = HashSet::from([group.id.as_str()]);
        let mut next: Vec<&String> = group.groups.iter().collect();
        while let Some(id) = next.pop() {
            if let Some(inner) = self.groups.get(id).filter(|inner| seen.insert(&inner.id)) {
                people.extend(&inner.members);
                next.extend(&inner.groups);
            }
        }
        people
    }

    /// What a person answers to; `None` for nobody and for the inactive.
    pub(super) fn principals_of(&self, id: &UserId) -> Option<PrincipalSet> {
        let person = self.people.get(id).filter(|person| person.active)?;
        let mut principals = vec![Principal::Person(*id)];
        for group in self.all_groups(id) {
            principals.push(Principal::Group(GroupId::Provisioned(group.id.as_str().into())));
        }
        for (source, picture) in &self.sources {
            if let Tie::Account { account, .. } = self.tie(person, source, picture) {
                picture.add_principals(source, &account, &mut principals);
            }
        }
        Some(PrincipalSet::of(principals))
    }

    /// What ties a person to a source.
    pub(super) fn trace(&self, id: &UserId, source: &SourceId) -> Option<Trace> {
        let person = self.people.get(id)?;
        let Some(picture) = self.sources.get(source) else {
            return Some(Trace { tie: Tie::None, memberships: Vec::new() });
        };
        let tie = self.tie(person, source, picture);
        let memberships = match &tie {
            Tie::Account { account, .. } if account.active => picture.memberships_of(&account.id),
            Tie::Account { .. } | Tie::Shared(_) | Tie::None => Vec::new(),
        };
        Some(Trace { tie, memberships })
    }

    /// The name of an account or a group of a source.
    pub(super) fn name_of(&self, principal: &Principal) -> Option<String> {
        match principal {
            Principal::Account(id) => Some(self.sources.get(&id.source)?.accounts.get(&id.key)?.what.user_name.clone()),
            Principal::Group(GroupId::Of(source, key)) => {
                Some(self.sources.get(source)?.groups.get(key)?.what.name.clone())
            }
            Principal::Group(GroupId::Provisioned(id)) => Some(self.groups.get(&**id)?.display_name.clone()),
            Principal::Person(id) => Some(self.people.get(id)?.user_name.clone()),
            Principal::AnyoneOf(_) => None,
        }
    }

    /// The groups from one that lists a person to one of these, as few as there are.
    pub(super) fn way_into(&self, id: &UserId, is_it: &dyn Fn(&Group) -> bool) -> Option<Vec<Arc<Group>>> {
        let mut from: HashMap<&str, Option<&str>> = HashMap::new();
        let mut next: VecDeque<&Arc<Group>> = VecDeque::new();
        for group in self.direct_groups(id) {
            from.insert(&group.id, None);
            next.push_back(group);
        }
        while let Some(group) = next.pop_front() {
            if is_it(group) {
                let mut way = vec![group.clone()];
                let mut at: &str = &group.id;
                while let Some(below) = from.get(at).copied().flatten() {
                    way.extend(self.groups.get(below).cloned());
                    at = below;
                }
                way.reverse();
                return Some(way);
            }
            for parent in self.parents(&group.id) {
                if !from.contains_key(parent.id.as_str()) {
                    from.insert(&parent.id, Some(&group.id));
                    next.push_back(parent);
                }
            }
        }
        None
    }

    /// Whether a person is in a group of one of these names, directly or through other groups.
    pub(super) fn is_in_any(&self, id: &UserId, names: &[GroupName]) -> bool {
        !names.is_empty()
            && self
                .all_groups(id)
                .iter()
                .any(|group| GroupName::parse(&group.display_name).is_ok_and(|name| names.contains(&name)))
    }

    /// How many active accounts of a source are nobody's alias.
    pub(super) fn unmatched(&self, picture: &Picture) -> usize {
        // An account that was set aside waits for nobody.
        let is_matched = |account: &&super::Account| {
            self.aliases.contains_key(&account.id) || self.holder(&account.id, picture).is_some()
        };
        let accounts = picture.accounts.values().map(|account| &account.what);
        accounts.filter(|account| account.active && !is_matched(account)).count()
    }
}

fn leave<K: std::hash::Hash + Eq>(memberships: &mut HashMap<K, BTreeSet<String>>, who: &K, group: &str) {
    if let Some(groups) = memberships.get_mut(who) {
        groups.remove(group);
        if groups.is_empty() {
            memberships.remove(who);
        }
    }
}
