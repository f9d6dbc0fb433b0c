//! Who is assigned to an application, on the wire.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::people::{PersonName, person};
use super::seat::{OnRecord, Tier};
use crate::app::{self, Who};
use crate::application::{self, Whom};
use crate::directory::Person;
use crate::names::{ApplicationId, UserId};
use crate::web::reply::Reply;

/// Which application's assignments.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WhichApplication {
    /// Its id.
    pub application: String,
}

/// The assignments of an application.
#[derive(Debug, Serialize, ToSchema)]
pub struct Assignments {
    /// Who is assigned.
    pub assignments: Vec<Assignment>,
    /// People who were removed, whatever group they are in.
    pub except: Vec<PersonName>,
}

/// One assignment.
#[derive(Debug, Serialize, ToSchema)]
pub struct Assignment {
    /// `everybody`, `group` or `person`.
    pub kind: &'static str,
    /// Ours; `null` for everybody, and for what the settings name and the directory does not have.
    pub id: Option<String>,
    /// A group's name or a person's display name.
    pub name: Option<String>,
    /// A person's user name.
    pub user_name: Option<String>,
    /// People in a group.
    pub people: Option<usize>,
    /// Whether the directory has it now.
    pub is_there: bool,
    /// The seat it gives.
    pub tier: Tier,
    /// When it was made, RFC 3339.
    pub since_at: Option<String>,
}

/// Assigns an application, or takes it back (`"remove": true`).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Assign {
    /// Its id.
    pub application: String,
    /// To everybody in the directory.
    #[serde(default)]
    pub everybody: bool,
    /// To the members of these groups, by our ids.
    #[serde(default)]
    pub groups: Vec<String>,
    /// To these people, by our ids.
    #[serde(default)]
    pub people: Vec<String>,
    /// The seat it gives; `full` where absent.
    #[serde(default)]
    pub tier: Tier,
    /// Takes it back from them.
    #[serde(default)]
    pub remove: bool,
}

/// What was new.
#[derive(Debug, Serialize, ToSchema)]
pub struct Reassigned {
    /// One for each person or group whose assignment changed.
    pub changed: Vec<ReassignedOne>,
}

/// A change to one assignment.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReassignedOne {
    /// `everybody`, `group` or `person`.
    pub kind: &'static str,
    /// Ours; `null` for everybody.
    pub id: Option<String>,
    /// What proves it.
    pub receipt: OnRecord,
}

/// A part of those who may use an application.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApplicationMembers {
    /// By user name.
    pub members: Vec<ApplicationMember>,
    /// Where the next part begins.
    pub next_cursor: Option<String>,
}

/// Somebody who may use an application.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApplicationMember {
    /// Who.
    #[serde(flatten)]
    pub person: PersonName,
    /// The tier of their seat.
    pub tier: Tier,
}

impl Assign {
    /// Which application, and to whom; what is no id is not there.
    pub fn read(&self) -> Result<(ApplicationId, Vec<Whom>), Reply> {
        let person = |id: &String| UserId::parse(id).map(Whom::Person).ok_or_else(Reply::not_there);
        let mut whom: Vec<Whom> = self.people.iter().map(person).collect::<Result<_, _>>()?;
        whom.extend(self.groups.iter().cloned().map(Whom::Group));
        if self.everybody {
            whom.push(Whom::Everybody);
        }
        whom.sort();
        whom.dedup();
        Ok((ApplicationId::parse(&self.application).ok_or_else(Reply::not_there)?, whom))
    }
}

impl From<&app::ApplicationState> for Assignments {
    fn from(state: &app::ApplicationState) -> Assignments {
        Assignments {
            assignments: state.targets.iter().map(Assignment::from).collect(),
            except: state.except.iter().map(person).collect(),
        }
    }
}

impl From<&app::Target> for Assignment {
    fn from(target: &app::Target) -> Assignment {
        let bare = Assignment {
            kind: "everybody",
            id: None,
            name: None,
            user_name: None,
            people: None,
            is_there: true,
            tier: target.tier.into(),
            since_at: target.since.map(|at| at.rfc3339()),
        };
        match &target.who {
            Who::Everybody => bare,
            Who::Group(name, group) => Assignment {
                kind: "group",
                id: group.as_ref().map(|(group, _)| group.id.clone()).or_else(|| Some(name.clone())),
                name: Some(group.as_ref().map_or(name, |(group, _)| &group.display_name).clone()),
                people: group.as_ref().map(|(_, people)| *people),
                is_there: group.is_some(),
                ..bare
            },
            Who::Person(name, known) => Assignment {
                kind: "person",
                id: known.as_ref().map(|person| person.id.to_string()).or_else(|| Some(name.clone())),
                name: Some(known.as_ref().map_or(name, |person| &person.display_name).clone()),
                user_name: known.as_ref().map(|person| person.user_name.clone()),
                is_there: known.is_some(),
                ..bare
            },
        }
    }
}

impl From<&[(Whom, app::OnRecord)]> for Reassigned {
    fn from(changed: &[(Whom, app::OnRecord)]) -> Reassigned {
        let one = |(whom, receipt): &(Whom, app::OnRecord)| {
            let (kind, id) = match whom {
                Whom::Everybody => ("everybody", None),
                Whom::Group(id) => ("group", Some(id.clone())),
                Whom::Person(id) => ("person", Some(id.to_string())),
            };
            ReassignedOne { kind, id, receipt: OnRecord::from(*receipt) }
        };
        Reassigned { changed: changed.iter().map(one).collect() }
    }
}

impl From<&app::Rows<(Person, application::Tier)>> for ApplicationMembers {
    fn from(found: &app::Rows<(Person, application::Tier)>) -> ApplicationMembers {
        let member = |(one, tier): &(Person, application::Tier)| ApplicationMember {
            person: PersonName {
                id: one.id.to_string(),
                user_name: one.user_name.clone(),
                display_name: one.display_name.clone(),
                active: one.active,
            },
            tier: (*tier).into(),
        };
        ApplicationMembers { members: found.rows.iter().map(member).collect(), next_cursor: found.next.clone() }
    }
}
