//! What would change if, on the wire: counts for each space, and titles only of what whoever asks may open themselves.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app;

/// The change that is not made. Which of the fields it takes depends on it.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WhatIf {
    /// `gets` or `loses`: the group is given a space, or loses it. `joins` or `leaves`: the person is put into the group, or out
    /// of it.
    #[param(inline)]
    pub change: Kind,
    /// The source.
    pub source: String,
    /// The name of a group of the source.
    pub group: String,
    /// The key of the space, for `gets` and `loses`.
    pub space: Option<String>,
    /// The user name of the person, for `joins` and `leaves`.
    pub user: Option<String>,
}

/// A kind of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The group is given the space.
    Gets,
    /// The group loses it.
    Loses,
    /// The person joins the group.
    Joins,
    /// The person leaves it.
    Leaves,
}

impl WhatIf {
    /// The change; the error says which field is missing or has no place in it.
    pub fn read(self) -> Result<app::WhatIf, &'static str> {
        let WhatIf { change, group, space, user, .. } = self;
        let given = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let group = group.trim().to_owned();
        if group.is_empty() {
            return Err("group is the name of a group of the source");
        }
        match (change, given(space), given(user)) {
            (Kind::Gets, Some(space), None) => Ok(app::WhatIf::Gets { group, space }),
            (Kind::Loses, Some(space), None) => Ok(app::WhatIf::Loses { group, space }),
            (Kind::Joins, None, Some(user)) => Ok(app::WhatIf::Joins { user, group }),
            (Kind::Leaves, None, Some(user)) => Ok(app::WhatIf::Leaves { user, group }),
            (Kind::Gets | Kind::Loses, _, _) => Err("gets and loses take a group and a space, and no user"),
            (Kind::Joins | Kind::Leaves, _, _) => Err("joins and leaves take a user and a group, and no space"),
        }
    }
}

/// What it would change. Nothing was changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct Changes {
    /// The moment of which it is true, RFC 3339.
    pub at: String,
    /// `gains` or `loses`: which of the two would happen to people.
    pub direction: &'static str,
    /// Active people for whom any document would change.
    pub people: usize,
    /// Documents that would change for anybody.
    pub documents: usize,
    /// By space.
    pub spaces: Vec<SpaceChange>,
    /// Those of the documents that whoever asks may open themselves; the rest is only counted.
    pub titles: Vec<Titled>,
}

/// What would change in one space.
#[derive(Debug, Serialize, ToSchema)]
pub struct SpaceChange {
    /// Its key.
    pub space: String,
    /// Documents that would change for anybody.
    pub documents: usize,
    /// People for whom any of them would change.
    pub people: usize,
}

/// A document by its title.
#[derive(Debug, Serialize, ToSchema)]
pub struct Titled {
    /// `SOURCE:ID`.
    pub document_id: String,
    /// Its title.
    pub title: String,
    /// The key of its space.
    pub space: String,
}

impl From<&app::Titled> for Titled {
    fn from(titled: &app::Titled) -> Titled {
        Titled { document_id: titled.document.to_string(), title: titled.title.clone(), space: titled.space.clone() }
    }
}

impl From<&app::WouldChange> for Changes {
    fn from(changed: &app::WouldChange) -> Changes {
        let space = |one: &app::SpaceChange| SpaceChange {
            space: one.space.clone(),
            documents: one.documents,
            people: one.people,
        };
        Changes {
            at: changed.at.rfc3339(),
            direction: if changed.is_gain { "gains" } else { "loses" },
            people: changed.people,
            documents: changed.documents,
            spaces: changed.spaces.iter().map(space).collect(),
            titles: changed.titles.iter().map(Titled::from).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_takes_its_own_fields_and_no_others() {
        let asked = |change, space: Option<&str>, user: Option<&str>| {
            let [space, user] = [space, user].map(|text| text.map(str::to_owned));
            WhatIf { change, source: "wiki".to_owned(), group: "g1".to_owned(), space, user }.read()
        };

        assert!(asked(Kind::Gets, Some("HR"), Some("")).is_ok(), "an empty field of a form is none");
        assert!(asked(Kind::Joins, None, Some("ada")).is_ok());
        assert!(asked(Kind::Gets, None, Some("ada")).is_err());
        assert!(asked(Kind::Joins, Some("HR"), Some("ada")).is_err());
        assert!(asked(Kind::Loses, Some(" "), None).is_err());
    }
}
