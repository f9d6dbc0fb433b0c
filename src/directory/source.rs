//! The people and groups of a source, as they were crawled, with the graph of who is in what.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::alias::{TiedBy, email_key};
use crate::acl::Principal;
use crate::names::{AccountId, GroupId, SourceId, SyncId, UserName};

/// A user of a source, as it was crawled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The source's immutable key.
    pub id: AccountId,
    /// The login name there.
    pub user_name: String,
    /// The display name there.
    pub display_name: String,
    /// The e-mail there, where it can be read. It ties an account to a person only where the settings say that this source's
    /// addresses are proven: elsewhere people can choose their own.
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

/// What ties a person to a source, as far as an explanation of their rights needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// Their account there.
    pub tie: Tie,
    /// Every membership that leads up from the account; none where it is not active.
    pub memberships: Vec<Membership>,
}

/// A person's account in a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tie {
    /// The one account that is theirs, active or not.
    Account {
        /// The account.
        account: Account,
        /// The sync that first saw it under this name.
        learned: Option<SyncId>,
        /// What ties it to them.
        by: TiedBy,
    },
    /// Several accounts have their user name, so none of them is theirs.
    Shared(Vec<AccountId>),
    /// No account is theirs.
    None,
}

/// One membership, as it was crawled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// An account or a group.
    pub member: Principal,
    /// The group it is in.
    pub group: GroupId,
    /// The sync that first saw it.
    pub learned: Option<SyncId>,
}

/// Something that was crawled, with what is known of when it was learned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Learned<T, B> {
    pub what: T,
    pub by: B,
}

/// The sync that first saw something as it is; `None` where that was before syncs were kept.
pub(super) type By = Option<SyncId>;

/// The syncs that learned the memberships of a group, in the order of its two lists.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Memberships {
    pub members: Vec<By>,
    pub groups: Vec<By>,
}

pub(super) type Accounts = BTreeMap<Box<str>, Learned<Account, By>>;
pub(super) type Groups = BTreeMap<Box<str>, Learned<SourceGroup, Memberships>>;

/// Accounts as a sync saw them. What ties an account to a person (its login name, and that it is active) was learned by the
/// sync that first saw it so.
pub(super) fn learn_accounts(old: &Accounts, new: Vec<Account>, sync: SyncId) -> Accounts {
    let learned = |account: Account| {
        let old = old
            .get(&account.id.key)
            .filter(|old| (&old.what.user_name, old.what.active) == (&account.user_name, account.active));
        let by = old.and_then(|old| old.by).or(Some(sync));
        (account.id.key.clone(), Learned { what: account, by })
    };
    new.into_iter().map(learned).collect()
}

/// Groups as a sync saw them, each membership with the sync that first saw it.
pub(super) fn learn_groups(old: &Groups, new: Vec<SourceGroup>, sync: SyncId) -> Groups {
    let by = |now: &[Box<str>], was: &[Box<str>], was_by: &[By]| -> Vec<By> {
        let known: HashMap<&str, By> = pairs(was, was_by).collect();
        now.iter().map(|key| known.get(&**key).copied().flatten().or(Some(sync))).collect()
    };
    let learned = |group: SourceGroup| {
        let key = key_of(&group.id);
        let by = match old.get(&key) {
            Some(old) => Memberships {
                members: by(&group.members, &old.what.members, &old.by.members),
                groups: by(&group.groups, &old.what.groups, &old.by.groups),
            },
            None => Memberships { members: by(&group.members, &[], &[]), groups: by(&group.groups, &[], &[]) },
        };
        (key, Learned { what: group, by })
    };
    new.into_iter().map(learned).collect()
}

/// Keys with the syncs that learned them; of a list kept before syncs were, no sync is known.
pub(super) fn pairs<'a>(keys: &'a [Box<str>], by: &'a [By]) -> impl Iterator<Item = (&'a str, By)> {
    keys.iter().zip(by.iter().copied().chain(std::iter::repeat(None))).map(|(key, by)| (&**key, by))
}

/// A source's group by its key there; what was not crawled from a source keeps its own id.
pub(super) fn key_of(id: &GroupId) -> Box<str> {
    match id {
        GroupId::Of(_, key) | GroupId::Provisioned(key) => key.clone(),
    }
}

/// One source's people, arranged for the question "what does this person answer to here?".
#[derive(Default)]
pub(super) struct Picture {
    /// By the source's key.
    pub accounts: Accounts,
    /// By the source's key.
    pub groups: Groups,
    /// The account of a user name; `None` where several accounts share its normal form, so that nobody is guessed.
    by_name: HashMap<UserName, Option<Box<str>>>,
    /// The account of an e-mail address; `None` where several accounts share it.
    pub by_email: HashMap<String, Option<Box<str>>>,
    /// The groups an account is in directly.
    of_account: HashMap<Box<str>, Vec<Box<str>>>,
    /// The groups a group is in directly.
    of_group: HashMap<Box<str>, Vec<Box<str>>>,
}

impl Picture {
    pub(super) fn of(accounts: Accounts, groups: Groups) -> Picture {
        let mut picture = Picture { accounts, groups, ..Picture::default() };
        for (key, account) in &picture.accounts {
            if let Some(email) = account.what.email.as_deref().filter(|email| !email.trim().is_empty()) {
                let email = email_key(email);
                picture.by_email.entry(email).and_modify(|taken| *taken = None).or_insert_with(|| Some(key.clone()));
            }
            // A login name that is no user name of ours can belong to nobody here.
            let Ok(name) = UserName::parse(&account.what.user_name) else { continue };
            picture.by_name.entry(name).and_modify(|taken| *taken = None).or_insert_with(|| Some(key.clone()));
        }
        for (key, group) in &picture.groups {
            for member in &group.what.members {
                picture.of_account.entry(member.clone()).or_default().push(key.clone());
            }
            for inner in &group.what.groups {
                picture.of_group.entry(inner.clone()).or_default().push(key.clone());
            }
        }
        picture
    }

    /// The account that alone has this user name here.
    pub(super) fn account_of(&self, name: &UserName) -> Option<&Account> {
        let key = self.by_name.get(name)?.as_deref()?;
        self.accounts.get(key).map(|account| &account.what)
    }

    /// What ties the holder of this name to this source.
    pub(super) fn tie_of(&self, name: &UserName) -> Tie {
        match self.by_name.get(name) {
            None => Tie::None,
            Some(None) => {
                let has_name =
                    |account: &Account| UserName::parse(&account.user_name).is_ok_and(|other| other == *name);
                let sharing = self.accounts.values().map(|account| &account.what).filter(|account| has_name(account));
                Tie::Shared(sharing.map(|account| account.id.clone()).collect())
            }
            Some(Some(key)) => self.tied(key, TiedBy::Name).unwrap_or(Tie::None),
        }
    }

    /// An account of this key, tied.
    pub(super) fn tied(&self, key: &str, by: TiedBy) -> Option<Tie> {
        let account = self.accounts.get(key)?;
        Some(Tie::Account { account: account.what.clone(), learned: account.by, by })
    }

    /// Every membership that leads up from an account: its own, and those of the groups it is in.
    pub(super) fn memberships_of(&self, account: &AccountId) -> Vec<Membership> {
        let mut found = Vec::new();
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let mut next: Vec<&str> = Vec::new();
        for key in self.of_account.get(&account.key).into_iter().flatten() {
            let learned = self.groups.get(key).and_then(|group| {
                pairs(&group.what.members, &group.by.members).find(|(member, _)| *member == &*account.key)?.1
            });
            found.extend(self.membership(Principal::Account(account.clone()), key, learned));
            next.extend(seen.insert(key).then_some(&**key));
        }
        while let Some(inner) = next.pop() {
            let Some(below) = self.groups.get(inner).map(|group| group.what.id.clone()) else { continue };
            for key in self.of_group.get(inner).into_iter().flatten() {
                let learned = self.groups.get(key).and_then(|group| {
                    pairs(&group.what.groups, &group.by.groups).find(|(member, _)| *member == inner)?.1
                });
                found.extend(self.membership(Principal::Group(below.clone()), key, learned));
                next.extend(seen.insert(key).then_some(&**key));
            }
        }
        found
    }

    fn membership(&self, member: Principal, group: &str, learned: By) -> Option<Membership> {
        let group = &self.groups.get(group)?.what;
        Some(Membership { member, group: group.id.clone(), learned })
    }

    /// Adds what the holder of an account answers to in this source; nothing where it is not active.
    pub(super) fn add_principals(&self, source: &SourceId, account: &Account, out: &mut Vec<Principal>) {
        if !account.active {
            return;
        }
        out.push(Principal::AnyoneOf(source.clone()));
        out.push(Principal::Account(account.id.clone()));
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let mut next: Vec<&Box<str>> = self.of_account.get(&account.id.key).into_iter().flatten().collect();
        while let Some(key) = next.pop() {
            // Groups may contain each other in a circle: each is looked at once.
            if seen.insert(key) {
                out.extend(self.groups.get(key).map(|group| Principal::Group(group.what.id.clone())));
                next.extend(self.of_group.get(key).into_iter().flatten());
            }
        }
    }
}
