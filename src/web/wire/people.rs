//! People, groups, aliases and conflicts on the wire.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app;
use crate::directory::{Clash, Person, TiedBy};
use crate::names::AccountId;

/// Which part of a list is wanted.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct Part {
    /// Words that a row must have, in any case.
    pub query: String,
    /// Rows at most; 50 where absent, 200 at most.
    pub limit: Option<usize>,
    /// `next_cursor` of the part before.
    pub cursor: Option<String>,
}

impl From<Part> for app::Part {
    fn from(Part { query, limit, cursor }: Part) -> app::Part {
        app::Part { query, limit, after: cursor }
    }
}

/// Which accounts are wanted.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct WhichAliases {
    /// Of one source only.
    pub source: Option<String>,
    /// All, those nobody holds, or those an administrator spoke of.
    #[param(inline)]
    pub state: AliasState,
    /// Words that the account or its holder must have, in any case.
    pub query: String,
    /// Rows at most; 50 where absent, 200 at most.
    pub limit: Option<usize>,
    /// `next_cursor` of the part before.
    pub cursor: Option<String>,
}

/// Which accounts are wanted.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AliasState {
    /// All.
    #[default]
    All,
    /// Active ones that nobody holds and nobody set aside.
    Unmatched,
    /// Those an administrator spoke of.
    Said,
}

impl From<AliasState> for app::Which {
    fn from(state: AliasState) -> app::Which {
        match state {
            AliasState::All => app::Which::All,
            AliasState::Unmatched => app::Which::Unmatched,
            AliasState::Said => app::Which::Said,
        }
    }
}

/// Whose an account is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GiveAccount {
    /// A person's id; `null` for nobody.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required)]
    pub user: Option<String>,
}

/// A part of the people.
#[derive(Debug, Serialize, ToSchema)]
pub struct Users {
    /// By user name.
    pub users: Vec<User>,
    /// Where the next part begins.
    pub next_cursor: Option<String>,
}

/// A person.
#[derive(Debug, Serialize, ToSchema)]
pub struct User {
    /// Ours.
    pub id: String,
    /// As it was provisioned.
    pub user_name: String,
    /// What the page calls them.
    pub display_name: String,
    /// Addresses.
    pub emails: Vec<String>,
    /// Whether they may sign in.
    pub active: bool,
    /// The provider's immutable id.
    pub external_id: Option<String>,
    /// Whether they may use the assistant.
    pub assigned: bool,
    /// `administrator`, `auditor`, `support`.
    pub roles: Vec<&'static str>,
    /// The groups that list them.
    pub groups: Vec<GroupName>,
    /// The accounts they hold in sources.
    pub accounts: Vec<OwnAccount>,
}

/// A group by id and name.
#[derive(Debug, Serialize, ToSchema)]
pub struct GroupName {
    /// Ours.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// An account that somebody holds.
#[derive(Debug, Serialize, ToSchema)]
pub struct OwnAccount {
    /// The source.
    pub source: String,
    /// Its immutable key there.
    pub key: String,
    /// Its login name there.
    pub user_name: String,
    /// `administrator`, `name` or `email`.
    pub by: &'static str,
}

/// A part of the groups.
#[derive(Debug, Serialize, ToSchema)]
pub struct Groups {
    /// By name.
    pub groups: Vec<Group>,
    /// Where the next part begins.
    pub next_cursor: Option<String>,
}

/// A group.
#[derive(Debug, Serialize, ToSchema)]
pub struct Group {
    /// Ours.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The provider's id.
    pub external_id: Option<String>,
    /// People it lists.
    pub members: usize,
    /// Groups it lists.
    pub nested: usize,
    /// People in it, directly or through groups in it.
    pub people: usize,
}

/// A part of a group's people.
#[derive(Debug, Serialize, ToSchema)]
pub struct Members {
    /// By user name.
    pub members: Vec<PersonName>,
    /// Where the next part begins.
    pub next_cursor: Option<String>,
}

/// A person by id and names.
#[derive(Debug, Serialize, ToSchema)]
pub struct PersonName {
    /// Ours.
    pub id: String,
    /// As it was provisioned.
    pub user_name: String,
    /// What the page calls them.
    pub display_name: String,
    /// Whether they may sign in.
    pub active: bool,
}

/// A part of the accounts.
#[derive(Debug, Serialize, ToSchema)]
pub struct Aliases {
    /// By source and key.
    pub aliases: Vec<Alias>,
    /// Where the next part begins.
    pub next_cursor: Option<String>,
}

/// An account with who holds it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Alias {
    /// The source.
    pub source: String,
    /// Its immutable key there.
    pub key: String,
    /// Its login name there.
    pub user_name: String,
    /// Its display name there.
    pub display_name: String,
    /// Whether it is active there.
    pub active: bool,
    /// Who holds it.
    pub person: Option<PersonName>,
    /// What ties it: `administrator`, `name` or `email`; `null` where nobody holds it.
    pub by: Option<&'static str>,
    /// An administrator said that it is nobody's.
    pub set_aside: bool,
}

/// What ties nobody because it could be two people's.
#[derive(Debug, Serialize, ToSchema)]
pub struct Conflicts {
    /// All of them.
    pub conflicts: Vec<Conflict>,
}

/// One conflict.
#[derive(Debug, Serialize, ToSchema)]
pub struct Conflict {
    /// The source.
    pub source: String,
    /// `name` (several accounts have a person's user name), `email` (several accounts or people have an address), `gone` (an
    /// account was given to a person, and the source has it no longer).
    pub why: &'static str,
    /// In plain words.
    pub summary: String,
    /// The accounts.
    pub accounts: Vec<ClashingAccount>,
    /// The people.
    pub people: Vec<PersonName>,
}

/// An account of a conflict.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClashingAccount {
    /// Its immutable key.
    pub key: String,
    /// Its login name; `null` for one that is gone.
    pub user_name: Option<String>,
}

fn by(by: TiedBy) -> &'static str {
    match by {
        TiedBy::Administrator => "administrator",
        TiedBy::Name => "name",
        TiedBy::Email => "email",
    }
}

pub(super) fn person(person: &Arc<Person>) -> PersonName {
    PersonName {
        id: person.id.to_string(),
        user_name: person.user_name.clone(),
        display_name: person.display_name.clone(),
        active: person.active,
    }
}

impl From<&app::Rows<app::Someone>> for Users {
    fn from(found: &app::Rows<app::Someone>) -> Users {
        let account = |(id, user_name, tied): &(AccountId, String, TiedBy)| OwnAccount {
            source: id.source.to_string(),
            key: id.key.to_string(),
            user_name: user_name.clone(),
            by: by(*tied),
        };
        let user = |one: &app::Someone| User {
            id: one.person.id.to_string(),
            user_name: one.person.user_name.clone(),
            display_name: one.person.display_name.clone(),
            emails: one.person.emails.clone(),
            active: one.person.active,
            external_id: one.person.external_id.clone(),
            assigned: one.is_assigned,
            roles: one.roles.iter().map(|role| role.word()).collect(),
            groups: one
                .groups
                .iter()
                .map(|group| GroupName { id: group.id.clone(), name: group.display_name.clone() })
                .collect(),
            accounts: one.accounts.iter().map(account).collect(),
        };
        Users { users: found.rows.iter().map(user).collect(), next_cursor: found.next.clone() }
    }
}

impl From<&app::Rows<app::Crowd>> for Groups {
    fn from(found: &app::Rows<app::Crowd>) -> Groups {
        let group = |one: &app::Crowd| Group {
            id: one.group.id.clone(),
            name: one.group.display_name.clone(),
            external_id: one.group.external_id.clone(),
            members: one.group.members.len(),
            nested: one.group.groups.len(),
            people: one.people,
        };
        Groups { groups: found.rows.iter().map(group).collect(), next_cursor: found.next.clone() }
    }
}

impl From<&app::Rows<Arc<Person>>> for Members {
    fn from(found: &app::Rows<Arc<Person>>) -> Members {
        Members { members: found.rows.iter().map(person).collect(), next_cursor: found.next.clone() }
    }
}

impl From<&app::Rows<app::Tied>> for Aliases {
    fn from(found: &app::Rows<app::Tied>) -> Aliases {
        let alias = |one: &app::Tied| Alias {
            source: one.holding.account.id.source.to_string(),
            key: one.holding.account.id.key.to_string(),
            user_name: one.holding.account.user_name.clone(),
            display_name: one.holding.account.display_name.clone(),
            active: one.holding.account.active,
            person: one.person.as_ref().map(person),
            by: one.holding.holder.map(|(_, tied)| by(tied)),
            set_aside: one.holding.is_set_aside,
        };
        Aliases { aliases: found.rows.iter().map(alias).collect(), next_cursor: found.next.clone() }
    }
}

impl From<&[app::Clashing]> for Conflicts {
    fn from(found: &[app::Clashing]) -> Conflicts {
        let conflict = |one: &app::Clashing| {
            let (why, summary) = match one.conflict.why {
                Clash::Name => ("name", "Several accounts have one person's user name, so none is taken for theirs."),
                Clash::Email => ("email", "Several accounts or people have one e-mail address, so nobody is guessed."),
                Clash::Gone => {
                    ("gone", "An account that was given to a person is no longer there, and they hold none.")
                }
            };
            let account = |(id, name): &(AccountId, Option<String>)| ClashingAccount {
                key: id.key.to_string(),
                user_name: name.clone(),
            };
            Conflict {
                source: one.conflict.source.to_string(),
                why,
                summary: summary.to_owned(),
                accounts: one.accounts.iter().map(account).collect(),
                people: one.people.iter().map(person).collect(),
            }
        };
        Conflicts { conflicts: found.iter().map(conflict).collect() }
    }
}
