//! The shapes that cross the wire, converted from the nouns of the rooms: a domain type never derives one.

mod access;
mod answer;
mod audit;
mod desk;
mod history;
mod page;
mod people;
mod source;
mod source_settings;
mod text;
mod trial;

pub use access::{Access, Told};
pub use answer::{Answer, Ask, Because, Claim, Made, Progress, Source, Started};
pub use audit::{
    AuditExport, AuditFilter, AuditFilters, AuditLeaves, AuditQuery, Checkpoints, Erase, Erasures, KeepFilter, Outside,
    ProvenLeaf, ReportPart, TakenForm, Verified, WhichProof,
};
pub use desk::{Explain, Overview, Preview, Run, SourceState, Sources, Sync};
pub use history::{Conversation, ConversationList, Deleted, Feedback, Listed, Message, Rename};
pub use page::{Document, Me, Provider, Providers, Search, SearchResult, SearchResults, SignedOut};
pub use people::{Aliases, Conflicts, GiveAccount, Groups, Members, Part, Users, WhichAliases};
pub use source::{Check, PageTest, Runs, SourceDetail, TestPage};
pub use text::{matches, utf16};
pub use trial::Trial;

use serde::Serialize;
use utoipa::ToSchema;

use crate::corpus;

/// A space.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Space {
    /// The short key.
    pub key: String,
    /// The name a person knows it by.
    pub name: String,
}

impl From<&corpus::Space> for Space {
    fn from(space: &corpus::Space) -> Space {
        Space { key: space.key.clone(), name: space.name.clone() }
    }
}
