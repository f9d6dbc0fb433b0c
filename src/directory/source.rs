//! The people and groups of a source, as they were crawled, with the graph of who is in what.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use crate::acl::Principal;
use crate::names::{AccountId, GroupId, SourceId, UserName};

/// A user of a source, as it was crawled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The source's immutable key.
    pub id: AccountId,
    /// The login name there.
    pub user_name: String,
    /// The display name there.
    pub display_name: String,
    /// The e-mail there, where it can be read. Never used to find whose account it is: people can choose their own.
    pub email: Option<String>,
    /// A deactivated account answers to nothing.
    pub active: bool,
}

/// A group of a source with its direct members, as it was crawled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceGroup {
    /// Source and key.
    pub id: GroupId,
    /// The display name.
    pub name: String,
    /// Keys of the accounts in it.
    pub members: Vec<Box<str>>,
    /// Keys of the groups in it.
    pub groups: Vec<Box<str>>,
}

/// Everything one source says of its people, replaced as a whole by each sync that could read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourcePeople {
    /// The users.
    pub accounts: Vec<Account>,
    /// The groups.
    pub groups: Vec<SourceGroup>,
}

/// One source's people, arranged for the question "what does this person answer to here?".
#[derive(Default)]
pub(super) struct Picture {
    /// By the source's key.
    pub accounts: BTreeMap<Box<str>, Account>,
    /// By the source's key.
    pub groups: BTreeMap<Box<str>, SourceGroup>,
    /// The account of a user name; `None` where several accounts share its normal form, so that nobody is guessed.
    by_name: HashMap<UserName, Option<Box<str>>>,
    /// The groups an account is in directly.
    of_account: HashMap<Box<str>, Vec<Box<str>>>,
    /// The groups a group is in directly.
    of_group: HashMap<Box<str>, Vec<Box<str>>>,
}

impl Picture {
    pub(super) fn of(accounts: BTreeMap<Box<str>, Account>, groups: BTreeMap<Box<str>, SourceGroup>) -> Picture {
        let mut picture = Picture { accounts, groups, ..Picture::default() };
        for (key, account) in &picture.accounts {
            // A login name that is no user name of ours can belong to nobody here.
            let Ok(name) = UserName::parse(&account.user_name) else { continue };
            picture.by_name.entry(name).and_modify(|taken| *taken = None).or_insert_with(|| Some(key.clone()));
        }
        for (key, group) in &picture.groups {
            for member in &group.members {
                picture.of_account.entry(member.clone()).or_default().push(key.clone());
            }
            for inner in &group.groups {
                picture.of_group.entry(inner.clone()).or_default().push(key.clone());
            }
        }
        picture
    }

    /// The account that this user name is the alias of: exactly one here has it.
    pub(super) fn account_of(&self, name: &UserName) -> Option<&Account> {
        self.by_name.get(name)?.as_deref().and_then(|key| self.accounts.get(key))
    }

    /// Adds what the holder of this name answers to in this source; nothing where their account is not active.
    pub(super) fn add_principals(&self, source: &SourceId, name: &UserName, out: &mut Vec<Principal>) {
        let Some(account) = self.account_of(name).filter(|account| account.active) else { return };
        out.push(Principal::AnyoneOf(source.clone()));
        out.push(Principal::Account(account.id.clone()));
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let mut next: Vec<&Box<str>> = self.of_account.get(&account.id.key).into_iter().flatten().collect();
        while let Some(key) = next.pop() {
            // Groups may contain each other in a circle: each is looked at once.
            if seen.insert(key) {
                out.extend(self.groups.get(key).map(|group| Principal::Group(group.id.clone())));
                next.extend(self.of_group.get(key).into_iter().flatten());
            }
        }
    }
}
