//! Aliases: which account of a source is whose.
//!
//! An administrator's word comes first: an account can be given to a person, or to nobody. Then the user name ties, where it
//! is one account's and one person's; then, for sources whose e-mail addresses are proven, the address, where it is one
//! account's and one person's. Whatever could be two people's is nobody's, and waits in the queue of conflicts for a word.
//!
//! The wiki has two accounts, `mateo` and `Mateo`, from a directory that told upper case apart. Neither ties, for either could
//! be the other's. The administrator gives `mateo` to Mateo, who holds it from the next request on; the other one stays
//! nobody's. When Mateo leaves and is removed, so is the word about him.
//!
//! Always true here:
//! - A person holds one account of a source at most, and an account is one person's at most.
//! - Who holds an account, and which account a person holds, are two answers to one question.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::held::Held;
use super::kept::{Provisioned, ProvisionedKey};
use super::source::{Picture, Tie};
use super::{Account, Directory, Error, Person};
use crate::names::{AccountId, SourceId, UserId, UserName};
use crate::store::Batch;

/// An administrator's word on an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Alias {
    /// Whose it is; `None` for nobody's.
    pub to: Option<UserId>,
    /// When that was said, milliseconds since the Unix epoch.
    pub set_ms: i64,
}

/// What ties an account to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TiedBy {
    /// An administrator said so.
    Administrator,
    /// They have one user name.
    Name,
    /// They have one e-mail address, in a source where these are proven.
    Email,
}

/// An account with what is known of whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// The account.
    pub account: Account,
    /// Who holds it, and why.
    pub holder: Option<(UserId, TiedBy)>,
    /// An administrator said that it is nobody's.
    pub is_set_aside: bool,
}

/// Something that ties nobody because it could be two people's, or because it is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The source.
    pub source: SourceId,
    /// Why.
    pub why: Clash,
    /// The accounts it is about.
    pub accounts: Vec<AccountId>,
    /// The people it is about.
    pub people: Vec<UserId>,
}

/// Why a conflict is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Clash {
    /// Several accounts have the user name of a person.
    Name,
    /// Several accounts, or several people, have one e-mail address.
    Email,
    /// An administrator gave a person an account that the source no longer has.
    Gone,
}

/// An e-mail address as it is compared: letters of ASCII in lower case, everything else as it is, so that look-alikes differ.
pub(super) fn email_key(email: &str) -> String {
    email.trim().to_ascii_lowercase()
}

impl Held {
    /// The account of a source that a person holds, or why they hold none.
    pub(super) fn tie(&self, person: &Person, source: &SourceId, picture: &Picture) -> Tie {
        if let Some(given) = self.alias_of.get(&(person.id, source.clone())) {
            return picture.tied(&given.key, TiedBy::Administrator).unwrap_or(Tie::None);
        }
        let is_free = |account: &AccountId| !self.aliases.contains_key(account);
        let by_name = UserName::parse(&person.user_name).map_or(Tie::None, |name| picture.tie_of(&name));
        match by_name {
            Tie::Account { account, learned, by } if is_free(&account.id) => Tie::Account { account, learned, by },
            // Of several, those an administrator has spoken of are out; that the rest is one is no proof that it is theirs.
            Tie::Shared(accounts) => Tie::Shared(accounts),
            Tie::Account { .. } | Tie::None => self.tie_by_email(person, source, picture),
        }
    }

    fn tie_by_email(&self, person: &Person, source: &SourceId, picture: &Picture) -> Tie {
        if !self.email_sources.contains(source) {
            return Tie::None;
        }
        let mut keys: BTreeSet<&Box<str>> = BTreeSet::new();
        for email in person.emails.iter().map(|email| email_key(email)) {
            match (picture.by_email.get(&email), self.by_email.get(&email)) {
                (Some(Some(key)), Some(people)) if people.len() == 1 => drop(keys.insert(key)),
                // Two accounts, or two people: nobody is guessed, by another address either.
                (Some(_), _) => return Tie::None,
                (None, _) => {}
            }
        }
        let mut keys = keys.into_iter();
        let (Some(key), None) = (keys.next(), keys.next()) else { return Tie::None };
        let id = AccountId { source: source.clone(), key: key.clone() };
        let is_anothers = self.aliases.contains_key(&id) || self.holder_by_name(&id, picture).is_some();
        if is_anothers { Tie::None } else { picture.tied(key, TiedBy::Email).unwrap_or(Tie::None) }
    }

    /// The person whose user name is the account's, and no other account's, and who was not given another one.
    fn holder_by_name(&self, id: &AccountId, picture: &Picture) -> Option<UserId> {
        let account = &picture.accounts.get(&id.key)?.what;
        let name = UserName::parse(&account.user_name).ok()?;
        let person = self.named(&name)?;
        let is_one = picture.account_of(&name).is_some_and(|found| found.id == *id);
        let is_given_another = self.alias_of.contains_key(&(person.id, id.source.clone()));
        (is_one && !is_given_another && !self.aliases.contains_key(id)).then_some(person.id)
    }

    /// Who holds an account, and why.
    pub(super) fn holder(&self, id: &AccountId, picture: &Picture) -> Option<(UserId, TiedBy)> {
        if let Some(alias) = self.aliases.get(id) {
            return alias.to.map(|to| (to, TiedBy::Administrator));
        }
        if let Some(person) = self.holder_by_name(id, picture) {
            return Some((person, TiedBy::Name));
        }
        let email = email_key(picture.accounts.get(&id.key)?.what.email.as_deref()?);
        let person = self.by_email.get(&email)?.iter().next()?;
        let tie = self.tie(self.people.get(person)?, &id.source, picture);
        matches!(tie, Tie::Account { account, by: TiedBy::Email, .. } if account.id == *id)
            .then_some((*person, TiedBy::Email))
    }

    fn conflicts_of(&self, source: &SourceId, picture: &Picture, out: &mut Vec<Conflict>) {
        let mut add = |why, accounts: Vec<AccountId>, people: Vec<UserId>| {
            out.push(Conflict { source: source.clone(), why, accounts, people });
        };
        let id = |key: &str| AccountId { source: source.clone(), key: key.into() };
        let is_open = |person: &UserId| !self.alias_of.contains_key(&(*person, source.clone()));
        for person in self.people_in_order().filter(|person| is_open(&person.id)) {
            let Ok(name) = UserName::parse(&person.user_name) else { continue };
            if let Tie::Shared(accounts) = picture.tie_of(&name) {
                let accounts: Vec<_> = accounts.into_iter().filter(|one| !self.aliases.contains_key(one)).collect();
                if !accounts.is_empty() {
                    add(Clash::Name, accounts, vec![person.id]);
                }
            }
        }
        if self.email_sources.contains(source) {
            let mut by_email: BTreeMap<String, Vec<AccountId>> = BTreeMap::new();
            for (key, account) in &picture.accounts {
                if let Some(email) = account.what.email.as_deref().filter(|_| self.holder(&id(key), picture).is_none())
                {
                    by_email.entry(email_key(email)).or_default().push(id(key));
                }
            }
            for (email, accounts) in by_email {
                let people: Vec<UserId> = self.by_email.get(&email).into_iter().flatten().copied().collect();
                let are_set_aside = accounts.iter().all(|account| self.aliases.contains_key(account));
                let is_ambiguous = picture.by_email.get(&email) == Some(&None) || people.len() > 1;
                if is_ambiguous && !are_set_aside && people.iter().any(is_open) {
                    add(Clash::Email, accounts, people);
                }
            }
        }
    }
}

impl Directory {
    /// Gives an account to a person, or to nobody; in force at the next request. Gives the people it changes something for.
    /// Refused where there is no such account or person, and where the person was given another account of that source.
    pub fn set_alias(&self, account: &AccountId, to: Option<UserId>, now_ms: i64) -> Result<Vec<UserId>, Error> {
        let _changing = self.changing();
        let before = {
            let held = self.held();
            let picture = held.sources.get(&account.source);
            let picture = picture.filter(|picture| picture.accounts.contains_key(&account.key));
            let picture = picture.ok_or_else(|| Error::NotThere(format!("{}:{}", account.source, account.key)))?;
            if let Some(to) = &to {
                let person = held.people.get(to).ok_or_else(|| Error::NotThere(to.to_string()))?;
                let other = held.alias_of.get(&(*to, account.source.clone())).filter(|other| *other != account);
                if let Some(other) = other {
                    let name = held.account_words(other);
                    return Err(Error::Taken(format!(
                        "an account of {} for {} ({name})",
                        account.source, person.user_name
                    )));
                }
            }
            held.holder(account, picture)
        };
        let alias = Alias { to, set_ms: now_ms };
        let key = ProvisionedKey::Alias(account.clone());
        let was = self.held().aliases.get(account).cloned();
        let mut changes = Batch::new();
        changes.put(&key, &Provisioned::Alias(alias.clone()));
        self.keep(changes, was.map(|was| (key, Provisioned::Alias(was))), now_ms)?.settle()?;
        self.held_mut().put_alias(account.clone(), alias);
        Ok(before.map(|(person, _)| person).into_iter().chain(to).collect())
    }

    /// Takes an administrator's word on an account back: what ties by itself ties again.
    pub fn clear_alias(&self, account: &AccountId, now_ms: i64) -> Result<Vec<UserId>, Error> {
        let _changing = self.changing();
        let was = self.held().aliases.get(account).cloned();
        let was = was.ok_or_else(|| Error::NotThere(format!("{}:{}", account.source, account.key)))?;
        let mut changes = Batch::new();
        let key = ProvisionedKey::Alias(account.clone());
        changes.remove(&key);
        self.keep(changes, [(key, Provisioned::Alias(was.clone()))], now_ms)?.settle()?;
        self.held_mut().drop_alias(account);
        let held = self.held();
        let now = held.sources.get(&account.source).and_then(|picture| held.holder(account, picture));
        Ok(was.to.into_iter().chain(now.map(|(person, _)| person)).collect())
    }

    /// Every account of a source with who holds it, by its key there.
    pub fn accounts(&self, source: &SourceId) -> Vec<Holding> {
        let held = self.held();
        let Some(picture) = held.sources.get(source) else { return Vec::new() };
        let of = |account: &Account| Holding {
            account: account.clone(),
            holder: held.holder(&account.id, picture),
            is_set_aside: held.aliases.get(&account.id).is_some_and(|alias| alias.to.is_none()),
        };
        picture.accounts.values().map(|account| of(&account.what)).collect()
    }

    /// What ties nobody because it could be two people's, and what an administrator said of accounts that are gone.
    pub fn conflicts(&self) -> Vec<Conflict> {
        let held = self.held();
        let mut found = Vec::new();
        for (source, picture) in &held.sources {
            held.conflicts_of(source, picture, &mut found);
        }
        let is_gone = |account: &AccountId| {
            !held.sources.get(&account.source).is_some_and(|picture| picture.accounts.contains_key(&account.key))
        };
        let mut gone: Vec<Conflict> = held
            .aliases
            .iter()
            .filter(|(account, _)| is_gone(account))
            .map(|(account, alias)| Conflict {
                source: account.source.clone(),
                why: Clash::Gone,
                accounts: vec![account.clone()],
                people: alias.to.into_iter().collect(),
            })
            .collect();
        gone.sort_by(|a, b| a.accounts.cmp(&b.accounts));
        found.extend(gone);
        found
    }
}
