//! Two people beside each other on one space, on the wire.

use serde::Serialize;
use utoipa::ToSchema;

use super::access::{Difference, PersonAccess, Told, Words, differences, plain};
use super::what_if::Titled;
use crate::app;

/// What one person, or two beside each other, may open in a space, and why.
#[derive(Debug, Serialize, ToSchema)]
pub struct SpaceAccess {
    /// The moment of which it is true, RFC 3339.
    pub at: String,
    /// Whether that moment was asked for.
    pub past: bool,
    /// The source.
    pub source: String,
    /// The key of the space.
    pub space: String,
    /// When the source's permissions were last read whole, RFC 3339.
    pub permissions_as_of: Option<String>,
    /// Documents in the space.
    pub documents: usize,
    /// Each person, in the order they were asked for: what the space itself asks of them. `may_open` says whether they may open
    /// any of its documents; a page's own restrictions are explained for that page.
    pub people: Vec<PersonAccess>,
    /// How many of the documents each may open, in the same order.
    pub may_open: Vec<usize>,
    /// Documents that all of them may open.
    pub all_may_open: usize,
    /// Documents that one may open and the other may not.
    pub differ: usize,
    /// The first of these, by id.
    pub different: Vec<Different>,
    /// Where the two differ in what the space itself asks.
    pub differences: Vec<Difference>,
    /// Titles of those among `different` that whoever asks may open themselves.
    pub titles: Vec<Titled>,
}

/// A document that one may open and the other may not.
#[derive(Debug, Serialize, ToSchema)]
pub struct Different {
    /// `SOURCE:ID`.
    pub document_id: String,
    /// The user name of the one who may.
    pub open_to: String,
}

impl From<&app::SpaceAccess> for SpaceAccess {
    fn from(access: &app::SpaceAccess) -> SpaceAccess {
        let words =
            Words { names: &access.names, source: access.source.as_str(), told: Told::Whole, is_past: access.is_past };
        let person = |(explained, may): &(app::Explained, usize)| {
            words.in_space(explained, &access.space, access.is_known, *may)
        };
        let people: Vec<PersonAccess> = access.people.iter().map(person).collect();
        let different = |(document, who): &(crate::corpus::DocumentId, usize)| Different {
            document_id: document.to_string(),
            open_to: people.get(*who).map(|person| person.user_name.clone()).unwrap_or_default(),
        };
        SpaceAccess {
            at: access.at.rfc3339(),
            past: access.is_past,
            source: access.source.to_string(),
            space: access.space.clone(),
            permissions_as_of: access.permissions_as_of.map(|at| at.rfc3339()),
            documents: access.documents,
            may_open: access.people.iter().map(|(_, may)| *may).collect(),
            all_may_open: access.all,
            differ: access.differences,
            different: access.different.iter().map(different).collect(),
            differences: differences(&people),
            titles: access.titles.iter().map(Titled::from).collect(),
            people,
        }
    }
}

impl Words<'_> {
    /// What the space itself asks of a person, who may open so many of its documents.
    fn in_space(&self, explained: &app::Explained, space: &str, is_known: bool, may: usize) -> PersonAccess {
        let who = explained.person.as_ref().map_or(explained.asked.as_str(), |person| person.user_name.as_str());
        let mut steps = if self.is_past { self.first_then(explained, who) } else { self.first(explained, who) };
        steps.retain(|step| step.step != "document");
        if explained.person.is_some() {
            steps.push(self.alias(&explained.tie, who));
        }
        if is_known {
            steps.extend(explained.conditions.iter().map(|met| self.condition(met, who)));
        } else {
            steps.push(plain("space", space, Err(format!("No sync has seen a space {space}."))));
        }
        let missing = steps.iter().filter(|step| step.state != "met").map(|step| step.text.clone()).collect();
        let documents = if may == 1 { "1 document".to_owned() } else { format!("{may} documents") };
        PersonAccess {
            user_id: explained.person.as_ref().map(|person| person.id.to_string()),
            user_name: who.to_owned(),
            may_open: may > 0,
            summary: match self.is_past {
                false => format!("{who} may open {documents} of the space {space}."),
                true => format!("By what was known then, {who} could open {documents} of the space {space}."),
            },
            steps,
            missing,
        }
    }
}
