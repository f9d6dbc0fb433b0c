//! Who is assigned to an application, and with which seat.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::settings::{Settings, Wrong};
use crate::directory::{Directory, Group, Person};
use crate::names::{GroupName, UserId, UserName};

/// What a seat lets its person do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// Ask and search; conversations are kept for seven days.
    Reader,
    /// Also export; conversations are kept as long as the application keeps them.
    #[default]
    Full,
}

impl Tier {
    /// Its word in settings, on the wire and in the log.
    pub fn word(self) -> &'static str {
        match self {
            Tier::Reader => "reader",
            Tier::Full => "full",
        }
    }
}

/// To whom an application is assigned.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Whom {
    /// Everybody in the directory.
    Everybody,
    /// The members of a provisioned group, by our id of it, directly or through groups in it.
    Group(String),
    /// One person.
    Person(UserId),
}

/// One assignment, as it was made on the desk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// To whom.
    pub whom: Whom,
    /// The seat it gives.
    pub tier: Tier,
    /// When it was made, milliseconds since the Unix epoch; `None` for what was never said: everybody's, on the default one.
    pub since_ms: Option<i64>,
}

/// Who may use an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assigned {
    /// As the settings file names them.
    Named {
        /// Whether everybody may.
        everybody: bool,
        /// Groups, by the names they have.
        groups: Vec<GroupName>,
        /// People, by their user names.
        people: Vec<UserName>,
        /// The seat of all of them.
        tier: Tier,
    },
    /// As it was said on the desk.
    Kept {
        /// Each assignment.
        all: Vec<Assignment>,
        /// People who were removed, whatever group they are in.
        except: Vec<UserId>,
    },
}

/// An active person with every group they are in: asked of the directory for one request.
pub struct Standing {
    pub(super) person: Person,
    pub(super) groups: Vec<Arc<Group>>,
}

impl Standing {
    /// As the directory has them now; `None` for nobody and for the inactive.
    pub fn of(directory: &Directory, user: &UserId) -> Result<Option<Standing>, crate::directory::Error> {
        let (Some(person), Some(groups)) = (directory.person(user)?, directory.groups_of(user)) else {
            return Ok(None);
        };
        Ok(Some(Standing { person, groups }))
    }
}

impl Assigned {
    /// What the settings say; `None` where they say nothing.
    pub(super) fn named(settings: &Settings) -> Result<Option<Assigned>, Wrong> {
        if !settings.assigns() {
            return Ok(None);
        }
        let names_nobody = settings.groups.is_empty() && settings.people.is_empty();
        let is_default = settings.id == crate::names::ApplicationId::default();
        Ok(Some(Assigned::Named {
            everybody: settings.everybody.unwrap_or(is_default && names_nobody),
            groups: settings.group_names()?,
            people: settings.user_names()?,
            tier: settings.tier,
        }))
    }

    /// What is so until somebody says otherwise: the default application is everybody's, another one nobody's.
    pub(super) fn at_first(is_default: bool) -> Assigned {
        let everybody = Assignment { whom: Whom::Everybody, tier: Tier::default(), since_ms: None };
        let all = if is_default { vec![everybody] } else { Vec::new() };
        Assigned::Kept { all, except: Vec::new() }
    }

    /// The best seat that it gives somebody; `None` where it is not theirs.
    pub fn tier(&self, standing: &Standing) -> Option<Tier> {
        match self {
            Assigned::Named { everybody, groups, people, tier } => {
                let is_named = || UserName::parse(&standing.person.user_name).is_ok_and(|name| people.contains(&name));
                let is_in = || standing.groups.iter().any(|group| is_one_of(group, groups));
                (*everybody || is_named() || is_in()).then_some(*tier)
            }
            Assigned::Kept { all, except } => {
                if except.contains(&standing.person.id) {
                    return None;
                }
                all.iter().filter(|one| one.whom.has(standing)).map(|one| one.tier).max()
            }
        }
    }

    /// Whether a group is one of those whose members may use it.
    pub(super) fn has_group(&self, group: &Group) -> bool {
        match self {
            Assigned::Named { groups, .. } => is_one_of(group, groups),
            Assigned::Kept { all, .. } => all.iter().any(|one| one.whom == Whom::Group(group.id.clone())),
        }
    }

    /// Whether somebody has it otherwise than by a group.
    pub(super) fn has_directly(&self, standing: &Standing) -> bool {
        match self {
            Assigned::Named { everybody, people, .. } => {
                *everybody || UserName::parse(&standing.person.user_name).is_ok_and(|name| people.contains(&name))
            }
            Assigned::Kept { all, .. } => {
                all.iter().any(|one| !matches!(one.whom, Whom::Group(_)) && one.whom.has(standing))
            }
        }
    }
}

impl Whom {
    fn has(&self, standing: &Standing) -> bool {
        match self {
            Whom::Everybody => true,
            Whom::Group(id) => standing.groups.iter().any(|group| group.id == *id),
            Whom::Person(id) => standing.person.id == *id,
        }
    }
}

fn is_one_of(group: &Group, names: &[GroupName]) -> bool {
    GroupName::parse(&group.display_name).is_ok_and(|name| names.contains(&name))
}
