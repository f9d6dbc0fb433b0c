//! The people and groups that were provisioned or crawled, their aliases in each source, who belongs to what, who has which
//! role.
//!
//! People and groups arrive from the company's identity provider (by `scim`) and have ids of ours. Each source of pages
//! has users and groups of its own; `crawl` brings those, as a whole, with [`Directory::replace_source`]. What ties the
//! two together is an *alias*: what an administrator said, else the account of a source whose user name is, in its one normal
//! form, the person's (see `alias.rs`).
//!
//! Mateo is provisioned as `mateo` and is in `anyorg-team`. The wiki has a user `Mateo` with the key `8a7f` in the group
//! `developers`, which is in `staff`. So Mateo answers to: himself; the provisioned group; the account `8a7f`; `developers`
//! and `staff` of the wiki; and whoever may use the wiki. When he leaves `anyorg-team`, the next request already answers to
//! one principal less; no document was touched. When he is set inactive he answers to nothing at all. When he is removed and
//! another Mateo arrives later under the same name, that is a new person with a new id: nothing kept for the first one opens
//! for the second.
//!
//! Always true here:
//! - What is in memory is what was written. What a source's sync or an administrator changes is on disk before it is seen. What
//!   a provider changes is seen at once, so that changes of several connections share an fsync; nobody is told that it was made
//!   before it is on disk ([`Directory::settle`]), and what somebody does under it is later in the same log of the store, so it
//!   cannot outlive it.
//! - No two people share a user name (in its normal form) or an external id. An id is never used again.
//! - An alias is never guessed: an account whose name two accounts share, or that is no name, is nobody's until an administrator
//!   says whose it is. E-mail addresses tie nothing where people can choose them.
//! - An account and each membership of a source keep the sync that first saw them as they are.
//! - Groups may contain each other in circles; nothing here walks in circles.
//!
//! Uses: `names`, `store`, `acl`. Begin at [`Directory`].

mod alias;
mod change;
mod claimed;
mod held;
mod kept;
mod past;
mod person;
mod source;
#[cfg(test)]
mod tests;
mod within;
mod writing;

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard};

use serde::{Deserialize, Serialize};

use crate::acl::{Principal, PrincipalSet};
use crate::names::{AccountId, GroupName, Ids, SourceId, SyncId, UserId, UserName};
use crate::store::{self, Batch, Changes, Ended, Store, Tree};
use change::{Changing, Turns};
use held::Held;
use kept::{Crawled, CrawledKey, Provisioned, ProvisionedKey};
use past::{Past, PastKey, Thens};
use source::{Accounts, Groups, Picture};

pub use alias::{Clash, Conflict, Holding, TiedBy};
pub use claimed::Claimed;
pub use past::Then;
pub use person::{Group, GroupProfile, Person, Profile};
pub use source::{Account, Membership, SourceGroup, SourcePeople, Tie, Trace};

/// The tree of people, groups and memberships.
const PROVISIONED: &str = "directory.provisioned";
/// The tree of the sources' accounts and groups.
const CRAWLED: &str = "directory.crawled";
/// The tree of what was, and is no longer.
const PAST: &str = "directory.past";

/// Which groups give which role, and whether a login may be matched by name.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Provisioned groups (display names) whose members administer: they manage, they do not read.
    pub administrators: Vec<String>,
    /// Groups whose members keep people, groups, accounts, sessions and assistants; nothing of the audit log or of sources.
    pub directory_keepers: Vec<String>,
    /// Groups whose members read the audit log.
    pub auditors: Vec<String>,
    /// Groups whose members see health and settings.
    pub support: Vec<String>,
    /// Whether a login whose `sub` is nobody's external id is matched by `preferred_username`. Only for a provider where
    /// people cannot choose that name themselves; off, a login is matched by the immutable id alone.
    pub match_user_names: bool,
    /// Sources whose accounts' e-mail addresses are proven, because only the company can set them: there an account whose user
    /// name is nobody's is the person's who alone has its address.
    pub match_emails: Vec<SourceId>,
    /// Days for which it is kept who was who, who was in which group of a source and what each page was left to, so that rights
    /// can be explained as they were; 0 for ever.
    pub past_days: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            administrators: Vec::new(),
            directory_keepers: Vec::new(),
            auditors: Vec::new(),
            support: Vec::new(),
            match_user_names: false,
            match_emails: Vec::new(),
            past_days: 400,
        }
    }
}

/// A role on the desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Manages sources, people and settings.
    Administrator,
    /// Keeps people, groups, aliases, conflicts, sessions, assistants and provisioning.
    Directory,
    /// Reads the audit log.
    Auditor,
    /// Sees health and settings.
    Support,
}

impl Role {
    /// Its word, on the wire and in the settings' comments.
    pub fn word(self) -> &'static str {
        match self {
            Role::Administrator => "administrator",
            Role::Directory => "directory",
            Role::Auditor => "auditor",
            Role::Support => "support",
        }
    }
}

/// What a login is matched by.
#[derive(Debug, Clone)]
pub struct Matching<'a> {
    /// The provider's immutable id.
    pub subject: &'a str,
    /// The name it sent; used only where the settings allow it.
    pub user_name: Option<&'a UserName>,
}

/// The directory: all of it in memory, all of it on disk.
pub struct Directory {
    ids: Ids,
    /// The groups that give each role.
    roles: [(Role, Vec<GroupName>); 4],
    match_user_names: bool,
    store: Store,
    provisioned: Tree<ProvisionedKey, Provisioned>,
    crawled: Tree<CrawledKey, Crawled>,
    /// What was, and until when.
    past: Tree<Ended<PastKey>, Past>,
    /// One change at a time, from its check until it is written and in memory, so that two cannot both take one name; not while
    /// what a provider changed is made durable.
    changing: Turns,
    /// How it was at moments that were asked for lately.
    thens: Thens,
    /// Written only after the same change was written to the store; readers never wait for a disk.
    held: RwLock<Held>,
}

/// What can go wrong in the directory.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The name or the external id is another's.
    #[error("{0} is already provisioned")]
    Taken(String),
    /// There is no such person or group.
    #[error("there is no person or group {0}")]
    NotThere(String),
    /// A group was to list somebody who is not there.
    #[error("{0} cannot be a member: there is no person or group of that id")]
    NoSuchMember(String),
    /// The record changed since it was read.
    #[error("it was changed meanwhile")]
    Changed,
    /// A name that is none.
    #[error(transparent)]
    Name(#[from] crate::names::Unacceptable),
    /// The store failed.
    #[error("the directory cannot be read or kept")]
    Broken(#[from] store::Error),
}

/// Counts for the overview.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Provisioned people.
    pub people: u64,
    /// Of them active.
    pub active: u64,
    /// Provisioned groups.
    pub groups: u64,
    /// Active accounts of sources that no person has as an alias, by source.
    pub unmatched: Vec<(String, u64)>,
}

impl Directory {
    /// Opens the directory kept in the store.
    pub fn open(store: &Store, ids: Ids, settings: &Settings) -> Result<Directory, Error> {
        let names = |groups: &[String]| groups.iter().map(|name| GroupName::parse(name)).collect::<Result<Vec<_>, _>>();
        let roles = [
            (Role::Administrator, names(&settings.administrators)?),
            (Role::Directory, names(&settings.directory_keepers)?),
            (Role::Auditor, names(&settings.auditors)?),
            (Role::Support, names(&settings.support)?),
        ];
        let provisioned: Tree<ProvisionedKey, Provisioned> = store.tree(PROVISIONED)?;
        let crawled: Tree<CrawledKey, Crawled> = store.tree(CRAWLED)?;
        let mut held = Held::read(provisioned.all())?;
        held.sources = sources(crawled.all())?;
        held.email_sources = settings.match_emails.iter().cloned().collect();
        Ok(Directory {
            store: store.clone(),
            past: store.tree(PAST)?,
            ids,
            roles,
            match_user_names: settings.match_user_names,
            provisioned,
            crawled,
            changing: Turns::default(),
            thens: Thens::default(),
            held: RwLock::new(held),
        })
    }

    /// A person, active or not.
    pub fn person(&self, id: &UserId) -> Result<Option<Person>, Error> {
        Ok(self.held().people.get(id).map(|person| (**person).clone()))
    }

    /// The person a login proves: by the provider's immutable id, and by name only where the settings allow it; `None` where
    /// nobody was provisioned with it.
    pub fn person_of(&self, login: &Matching<'_>) -> Result<Option<Person>, Error> {
        let held = self.held();
        let by_name = || login.user_name.filter(|_| self.match_user_names).and_then(|name| held.named(name));
        Ok(held.with_external_id(login.subject).or_else(by_name).map(|person| (**person).clone()))
    }

    /// What a person answers to now; `None` where there is no such person or they are not active.
    pub fn principals_of(&self, id: &UserId) -> Result<Option<PrincipalSet>, Error> {
        Ok(self.held().principals_of(id))
    }

    /// The roles a person has now; none for the inactive.
    pub fn roles_of(&self, id: &UserId) -> Result<Vec<Role>, Error> {
        let held = self.held();
        if !held.people.get(id).is_some_and(|person| person.active) {
            return Ok(Vec::new());
        }
        Ok(self.roles.iter().filter(|(_, groups)| held.is_in_any(id, groups)).map(|(role, _)| *role).collect())
    }

    /// Whether a person is in a provisioned group of one of these names, directly or through other groups.
    pub fn is_in_any(&self, id: &UserId, names: &[GroupName]) -> bool {
        self.held().is_in_any(id, names)
    }

    /// Everybody, in an order that stays: the first made first.
    pub fn people(&self) -> Vec<Arc<Person>> {
        self.held().people_in_order().cloned().collect()
    }

    /// The person of this user name, active or not.
    pub fn person_named(&self, name: &UserName) -> Option<Arc<Person>> {
        self.held().named(name).cloned()
    }

    /// The person with this id at the provider, active or not.
    pub fn person_with_external_id(&self, external_id: &str) -> Option<Arc<Person>> {
        self.held().with_external_id(external_id).cloned()
    }

    /// All groups, in an order that stays: the first made first.
    pub fn groups(&self) -> Vec<Arc<Group>> {
        self.held().groups_in_order().cloned().collect()
    }

    /// A group.
    pub fn group(&self, id: &str) -> Option<Arc<Group>> {
        self.held().groups.get(id).cloned()
    }

    /// Everybody in a group, directly or through groups in it; nobody where there is no such group.
    pub fn people_in(&self, group: &str) -> std::collections::BTreeSet<UserId> {
        let held = self.held();
        held.groups.get(group).map(|group| held.people_under(group)).unwrap_or_default()
    }

    /// Some of the people in the order of [`Directory::people`], from the one at a place on, counted from 0; and how many there
    /// are.
    pub fn some_people(&self, from: usize, most: usize) -> (usize, Vec<Arc<Person>>) {
        let held = self.held();
        (held.people.len(), held.people_in_order().skip(from).take(most).cloned().collect())
    }

    /// The people who have an e-mail address, active or not; letters of ASCII are compared without regard to case.
    pub fn people_with_email(&self, email: &str) -> Vec<Arc<Person>> {
        let held = self.held();
        let found = held.by_email.get(&alias::email_key(email)).into_iter().flatten();
        found.filter_map(|id| held.people.get(id)).cloned().collect()
    }

    /// The group with this id at the provider.
    pub fn group_with_external_id(&self, external_id: &str) -> Option<Arc<Group>> {
        self.held().group_with_external_id(external_id).cloned()
    }

    /// The groups of this name; the first made first.
    pub fn groups_named(&self, name: &GroupName) -> Vec<Arc<Group>> {
        let held = self.held();
        let mut found: Vec<Arc<Group>> = held.groups_named(name).cloned().collect();
        found.sort_by(|a, b| (a.created_ms, &a.id).cmp(&(b.created_ms, &b.id)));
        found
    }

    /// The groups that list a group themselves.
    pub fn groups_above(&self, group: &str) -> Vec<Arc<Group>> {
        self.held().parents(group).cloned().collect()
    }

    /// Returns when everything that was changed until now is on disk.
    pub fn settle(&self) -> Result<(), Error> {
        Ok(self.store.settle()?)
    }

    /// Every provisioned group an active person is in, directly or through other groups; `None` for nobody and for the inactive.
    pub fn groups_of(&self, id: &UserId) -> Option<Vec<Arc<Group>>> {
        let held = self.held();
        held.people.get(id).filter(|person| person.active)?;
        Some(held.all_groups(id).into_iter().cloned().collect())
    }

    /// The groups that list a person themselves.
    pub fn direct_groups_of(&self, id: &UserId) -> Vec<Arc<Group>> {
        self.held().direct_groups(id).cloned().collect()
    }

    /// Replaces what is known of a source's people and groups by what a sync saw. Aliases follow at once: an account is tied
    /// to the one person, active or not, whose user name is the account's; a name that several accounts share ties nobody. Gives
    /// how many accounts and groups came, went or are otherwise.
    pub fn replace_source(&self, source: &SourceId, people: SourcePeople, sync: SyncId) -> Result<u64, Error> {
        let _changing = self.changing();
        let (mut changes, mut past) = (Batch::new(), Batch::new());
        let until = sync.began_ms;
        let (accounts, groups, changed) = {
            let held = self.held();
            let nobody = Picture::default();
            let was = held.sources.get(source).unwrap_or(&nobody);
            let accounts = source::learn_accounts(&was.accounts, people.accounts, sync);
            let groups = source::learn_groups(&was.groups, people.groups, sync);
            let account_key = |key: &str| CrawledKey::Account(source.clone(), key.into());
            let group_key = |key: &str| CrawledKey::Group(source.clone(), key.into());
            let changed =
                difference(&was.accounts, &accounts, account_key, Crawled::Account, until, (&mut changes, &mut past))
                    + difference(&was.groups, &groups, group_key, Crawled::Group, until, (&mut changes, &mut past));
            (accounts, groups, changed)
        };
        let mut all = Changes::new();
        all.add(&self.crawled, changes);
        all.add(&self.past, past);
        self.store.make(all)?;
        self.held_mut().sources.insert(source.clone(), Picture::of(accounts, groups));
        Ok(changed)
    }

    /// The display name of a source's account, for mentions.
    pub fn account_name(&self, account: &AccountId) -> Result<Option<String>, Error> {
        let held = self.held();
        let found = held.sources.get(&account.source).and_then(|picture| picture.accounts.get(&account.key));
        Ok(found.map(|account| account.what.display_name.clone()))
    }

    /// The account of a source that has this login name; `None` where none has, or several have.
    pub fn account_named(&self, source: &SourceId, name: &str) -> Option<Account> {
        let name = UserName::parse(name).ok()?;
        self.held().sources.get(source).and_then(|picture| picture.account_of(&name)).cloned()
    }

    /// What ties a person, active or not, to a source; `None` where there is no such person.
    pub fn trace(&self, id: &UserId, source: &SourceId) -> Option<Trace> {
        self.held().trace(id, source)
    }

    /// The name an administrator knows a principal of a source by: an account's login name, a group's name; `None` for what
    /// was never crawled.
    pub fn name_of(&self, principal: &Principal) -> Option<String> {
        self.held().name_of(principal)
    }

    /// How a person is in a provisioned group that is one of these: the groups from the one that lists them to it; `None`
    /// where they are in none.
    pub fn way_into(&self, id: &UserId, is_it: &dyn Fn(&Group) -> bool) -> Option<Vec<Arc<Group>>> {
        self.held().way_into(id, is_it)
    }

    /// Counts for the overview: people, active people, groups, active accounts without a person for each source.
    pub fn counts(&self) -> Result<Counts, Error> {
        let held = self.held();
        let unmatched =
            held.sources.iter().map(|(source, picture)| (source.to_string(), held.unmatched(picture) as u64)).collect();
        Ok(Counts {
            people: held.people.len() as u64,
            active: held.people.values().filter(|person| person.active).count() as u64,
            groups: held.groups.len() as u64,
            unmatched,
        })
    }

    fn changing(&self) -> Changing<'_> {
        self.changing.take()
    }

    fn held(&self) -> RwLockReadGuard<'_, Held> {
        self.held.read().expect("no change to the directory panics")
    }

    fn held_mut(&self) -> RwLockWriteGuard<'_, Held> {
        self.held.write().expect("no change to the directory panics")
    }
}

/// Writes what differs, so that a sync that found nothing new writes nothing.
fn difference<V: PartialEq + Clone>(
    old: &BTreeMap<Box<str>, V>,
    new: &BTreeMap<Box<str>, V>,
    key: impl Fn(&str) -> CrawledKey,
    record: impl Fn(V) -> Crawled,
    until_ms: i64,
    (changes, past): (&mut Batch<CrawledKey, Crawled>, &mut Batch<Ended<PastKey>, Past>),
) -> u64 {
    let mut changed = 0;
    for (name, value) in new.iter().filter(|(name, value)| old.get(*name) != Some(*value)) {
        changes.put(&key(name), &record(value.clone()));
        changed += 1;
    }
    for name in old.keys().filter(|name| !new.contains_key(*name)) {
        changes.remove(&key(name));
        changed += 1;
    }
    for (name, was) in old.iter().filter(|(name, was)| new.get(*name) != Some(*was)) {
        past.put(&Ended::new(PastKey::Crawled(key(name)), until_ms), &Past::Crawled(record(was.clone())));
    }
    changed
}

fn sources(
    rows: impl Iterator<Item = Result<(CrawledKey, Crawled), store::Error>>,
) -> Result<BTreeMap<SourceId, Picture>, store::Error> {
    let mut found: BTreeMap<SourceId, (Accounts, Groups)> = BTreeMap::new();
    for row in rows {
        let (key, record) = row?;
        let (CrawledKey::Account(source, key) | CrawledKey::Group(source, key)) = key;
        let (accounts, groups) = found.entry(source).or_default();
        match record {
            Crawled::Account(account) => drop(accounts.insert(key, account)),
            Crawled::Group(group) => drop(groups.insert(key, group)),
        }
    }
    Ok(found.into_iter().map(|(source, (accounts, groups))| (source, Picture::of(accounts, groups))).collect())
}
