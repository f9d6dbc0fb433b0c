//! People, groups, aliases and conflicts, as an administrator sees and mends them: names and ids, never a right to read.

use std::sync::Arc;

use super::{App, Asker, Error};
use crate::audit::Event;
use crate::directory::{Conflict, Error as DirectoryError, Group, Holding, Person, Role, TiedBy};
use crate::names::{AccountId, SourceId, UserId};

/// Rows given at once at most, and where nothing else was asked for.
const ROWS_MAX: usize = 200;
const ROWS: usize = 50;

/// Which part of a list is wanted.
#[derive(Debug, Clone, Default)]
pub struct Part {
    /// Words that a row must have, in any case; empty for all.
    pub query: String,
    /// Rows at most.
    pub limit: Option<usize>,
    /// The last row of the part before.
    pub after: Option<String>,
}

/// A part of a list, and the cursor of the next one.
#[derive(Debug, Clone)]
pub struct Rows<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Where the next part begins; `None` behind the last one.
    pub next: Option<String>,
}

/// A person with everything that decides what they may do, but no right to read.
#[derive(Debug, Clone)]
pub struct Someone {
    /// As the directory has them.
    pub person: Arc<Person>,
    /// The groups that list them.
    pub groups: Vec<Arc<Group>>,
    /// Their roles now.
    pub roles: Vec<Role>,
    /// The accounts they hold.
    pub accounts: Vec<(AccountId, String, TiedBy)>,
    /// Whether they may use the assistant.
    pub is_assigned: bool,
}

/// A group with how many are in it.
#[derive(Debug, Clone)]
pub struct Crowd {
    /// As the directory has it.
    pub group: Arc<Group>,
    /// People in it, directly or through groups in it.
    pub people: usize,
}

/// An account with the person who holds it.
#[derive(Debug, Clone)]
pub struct Tied {
    /// The account and what ties it.
    pub holding: Holding,
    /// Who holds it.
    pub person: Option<Arc<Person>>,
}

/// Which accounts are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Which {
    /// All.
    #[default]
    All,
    /// Active ones that nobody holds and nobody set aside.
    Unmatched,
    /// Those an administrator spoke of.
    Said,
}

/// A conflict with names in the place of ids.
#[derive(Debug, Clone)]
pub struct Clashing {
    /// The conflict.
    pub conflict: Conflict,
    /// The accounts as they were crawled; one that is gone is known by its key alone.
    pub accounts: Vec<(AccountId, Option<String>)>,
    /// The people.
    pub people: Vec<Arc<Person>>,
}

impl App {
    /// Everybody who was provisioned, by user name; the asker must be an administrator or keep the directory.
    pub fn users(&self, asker: &Asker, part: &Part) -> Result<Rows<Someone>, Error> {
        self.looked_at(asker, "users")?;
        let mut all = self.directory.people();
        all.sort_by_key(|person| (person.user_name.to_lowercase(), person.id));
        let has = |person: &Arc<Person>| {
            let emails = person.emails.iter().map(String::as_str);
            [person.user_name.as_str(), &person.display_name].into_iter().chain(emails).any(|text| part.fits(text))
        };
        all.retain(has);
        let rows = part.of(all, |person| person.id.to_string())?;
        let someone = |person| self.someone(person);
        Ok(Rows { next: rows.next, rows: rows.rows.into_iter().map(someone).collect::<Result<_, _>>()? })
    }

    fn someone(&self, person: Arc<Person>) -> Result<Someone, Error> {
        let mut accounts = Vec::new();
        for source in &self.sources.all() {
            if let Some(trace) = self.directory.trace(&person.id, &source.name)
                && let crate::directory::Tie::Account { account, by, .. } = trace.tie
            {
                accounts.push((account.id, account.user_name, by));
            }
        }
        Ok(Someone {
            groups: self.directory.direct_groups_of(&person.id),
            roles: self.directory.roles_of(&person.id)?,
            is_assigned: !self.applications.of(&self.directory, &person.id)?.is_empty(),
            accounts,
            person,
        })
    }

    /// All provisioned groups, by name; the asker must be an administrator or keep the directory.
    pub fn groups(&self, asker: &Asker, part: &Part) -> Result<Rows<Crowd>, Error> {
        self.looked_at(asker, "groups")?;
        let mut all = self.directory.groups();
        all.sort_by_key(|group| (group.display_name.to_lowercase(), group.id.clone()));
        all.retain(|group| part.fits(&group.display_name));
        let rows = part.of(all, |group| group.id.clone())?;
        let crowd = |group: Arc<Group>| Crowd { people: self.directory.people_in(&group.id).len(), group };
        Ok(Rows { next: rows.next, rows: rows.rows.into_iter().map(crowd).collect() })
    }

    /// Everybody in a group, directly or through groups in it, by user name; the asker must be an administrator or keep the directory.
    pub fn members(&self, asker: &Asker, group: &str, part: &Part) -> Result<Rows<Arc<Person>>, Error> {
        self.looked_at(asker, "members")?;
        self.directory.group(group).ok_or(Error::NotThere)?;
        let mut all = Vec::new();
        for id in self.directory.people_in(group) {
            all.extend(self.directory.person(&id)?.map(Arc::new));
        }
        all.sort_by_key(|person| (person.user_name.to_lowercase(), person.id));
        all.retain(|person| part.fits(&person.user_name) || part.fits(&person.display_name));
        part.of(all, |person| person.id.to_string())
    }

    /// The accounts of a source, or of all, with who holds them; the asker must be an administrator or keep the directory.
    pub fn aliases(
        &self,
        asker: &Asker,
        source: Option<&SourceId>,
        which: Which,
        part: &Part,
    ) -> Result<Rows<Tied>, Error> {
        self.looked_at(asker, "aliases")?;
        let is_wanted = |one: &Holding| match which {
            Which::All => true,
            Which::Unmatched => one.account.active && one.holder.is_none() && !one.is_set_aside,
            Which::Said => one.is_set_aside || matches!(one.holder, Some((_, TiedBy::Administrator))),
        };
        let mut all: Vec<Tied> = Vec::new();
        let sources = self.sources.all();
        for name in sources.iter().map(|known| &known.name).filter(|name| source.is_none_or(|source| source == *name)) {
            for holding in self.directory.accounts(name).into_iter().filter(is_wanted) {
                let person = match holding.holder {
                    Some((id, _)) => self.directory.person(&id)?.map(Arc::new),
                    None => None,
                };
                let account = &holding.account;
                let mut texts = vec![account.user_name.as_str(), &account.display_name, &account.id.key];
                texts.extend(person.iter().flat_map(|person| [person.user_name.as_str(), &person.display_name]));
                if texts.into_iter().any(|text| part.fits(text)) {
                    all.push(Tied { holding, person });
                }
            }
        }
        all.sort_by_cached_key(|one| {
            let account = &one.holding.account;
            (account.id.source.clone(), account.user_name.to_lowercase(), account.id.key.clone())
        });
        part.of(all, |one| format!("{}:{}", one.holding.account.id.source, one.holding.account.id.key))
    }

    /// Gives an account to a person, or to nobody; the asker must be an administrator or keep the directory. It is in force at the next request.
    pub fn give_account(&self, asker: &Asker, account: &AccountId, to: Option<&UserId>) -> Result<(), Error> {
        self.directory_only(asker)?;
        // Administrators manage and do not read: what they may read themselves is not theirs to widen.
        if to == Some(asker.user()) {
            let why = "nobody gives an account to themselves; another administrator can";
            return Err(Error::Unreadable(why.to_owned()));
        }
        let changed = self.directory.set_alias(account, to.copied(), self.now().ms()).map_err(told)?;
        self.recorded(asker, if to.is_some() { "alias_given" } else { "alias_set_aside" }, account, &changed)
    }

    /// Takes back what an administrator said of an account; the asker must be an administrator or keep the directory.
    pub fn clear_account(&self, asker: &Asker, account: &AccountId) -> Result<(), Error> {
        self.directory_only(asker)?;
        let changed = self.directory.clear_alias(account, self.now().ms()).map_err(told)?;
        self.recorded(asker, "alias_cleared", account, &changed)
    }

    /// What ties nobody because it could be two people's; the asker must be an administrator or keep the directory.
    pub fn conflicts(&self, asker: &Asker) -> Result<Vec<Clashing>, Error> {
        self.looked_at(asker, "conflicts")?;
        let clashing = |conflict: Conflict| -> Result<Clashing, Error> {
            let mut people = Vec::new();
            for id in &conflict.people {
                people.extend(self.directory.person(id)?.map(Arc::new));
            }
            let name = |id: &AccountId| self.directory.name_of(&crate::acl::Principal::Account(id.clone()));
            let accounts = conflict.accounts.iter().map(|id| (id.clone(), name(id))).collect();
            Ok(Clashing { accounts, people, conflict })
        };
        self.directory.conflicts().into_iter().map(clashing).collect()
    }

    fn recorded(&self, asker: &Asker, what: &str, account: &AccountId, changed: &[UserId]) -> Result<(), Error> {
        // One leaf for each person whose rights it changed, so that each can be erased; one where it changed nobody's.
        let whom: Vec<Option<&UserId>> = match changed {
            [] => vec![None],
            some => some.iter().map(Some).collect(),
        };
        for whom in whom {
            let event = Event::Aliased { user: asker.user(), what, source: &account.source, whom };
            let receipt = self.audit.append(&event)?;
            tracing::info!(leaf = receipt.leaf(), source = %account.source, what, "an alias was changed");
        }
        Ok(())
    }

    pub(super) fn looked_at(&self, asker: &Asker, what: &str) -> Result<(), Error> {
        self.directory_only(asker)?;
        let receipt = self.audit.append(&Event::Desk { user: asker.user(), what, target: "" })?;
        tracing::debug!(leaf = receipt.leaf(), what, "the desk was read");
        Ok(())
    }
}

/// What an administrator is told of a change that cannot be made.
pub(super) fn told(error: DirectoryError) -> Error {
    match error {
        DirectoryError::NotThere(_) => Error::NotThere,
        DirectoryError::Taken(what) => Error::Unreadable(format!("there is already {what}; take that back first")),
        other @ (DirectoryError::NoSuchMember(_)
        | DirectoryError::Changed
        | DirectoryError::Name(_)
        | DirectoryError::Broken(_)) => other.into(),
    }
}

impl Part {
    pub(super) fn fits(&self, text: &str) -> bool {
        self.query.is_empty() || text.to_lowercase().contains(&self.query.to_lowercase())
    }

    /// The rows behind the cursor, and the next one.
    pub(super) fn of<T>(&self, all: Vec<T>, key: impl Fn(&T) -> String) -> Result<Rows<T>, Error> {
        let from = match &self.after {
            None => 0,
            Some(after) => all.iter().position(|row| key(row) == *after).map(|at| at + 1).ok_or_else(|| {
                Error::Unreadable("cursor is none that this list gave, or its row is gone; begin anew".to_owned())
            })?,
        };
        let most = self.limit.unwrap_or(ROWS).clamp(1, ROWS_MAX);
        let has_more = all.len() > from + most;
        let rows: Vec<T> = all.into_iter().skip(from).take(most).collect();
        Ok(Rows { next: rows.last().filter(|_| has_more).map(key), rows })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_part_by_part_and_a_cursor_of_another_list_is_refused() {
        let part = |after: Option<&str>| Part { limit: Some(2), after: after.map(str::to_owned), ..Part::default() };
        let all = || vec!["a", "b", "c"];

        let first = part(None).of(all(), |row| (*row).to_owned()).unwrap();
        let last = part(first.next.as_deref()).of(all(), |row| (*row).to_owned()).unwrap();

        assert_eq!((first.rows, last.rows, last.next), (vec!["a", "b"], vec!["c"], None));
        assert!(part(Some("z")).of(all(), |row| (*row).to_owned()).is_err());
    }
}
