//! Two people beside each other on one space, on the wire.

use serde::Serialize;
use utoipa::ToSchema;

use super::access::{Difference, PersonAccess, Told, Words, differences};
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
