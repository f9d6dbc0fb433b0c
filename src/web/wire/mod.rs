//! The shapes that cross the wire, converted from the nouns of the rooms: a domain type never derives one.

mod access;
mod answer;
mod application;
mod assignment;
mod audit;
mod desk;
mod exposure;
mod history;
mod managing;
mod page;
mod people;
mod protection;
mod scim_tokens;
mod seat;
mod source;
mod source_changes;
mod source_settings;
mod space_access;
mod support;
mod text;
mod todo;
mod trial;
mod usage;
mod what_if;

pub use access::{Access, Told};
pub use answer::{Answer, Ask, Because, Claim, Made, Progress, Source, Started};
pub use application::{
    ApplicationDetail, ApplicationRow, Applications, ChangeApplication, DeletedApplication, MakeApplication,
};
pub use assignment::{ApplicationMembers, Assign, Assignments, Reassigned, WhichApplication};
pub use audit::{
    AuditExport, AuditFilter, AuditFilters, AuditLeaves, AuditQuery, Checkpoints, Erase, Erasures, KeepFilter, Outside,
    ProvenLeaf, ReportPart, TakenForm, Verified, WhichProof,
};
pub use desk::{Explain, ExplainSpace, Overview, Preview, Run, SourceState, Sources, Sync};
pub use exposure::Exposure;
pub use history::{
    Conversation, ConversationList, Deleted, Feedback, HistoryResults, HistorySearch, Listed, Message, Rename,
};
pub use managing::{ChangeUser, EmergencySignIn, EmergencySignedIn, Sessions, Standing};
pub use page::{
    Document, FieldFilter, InApplication, Me, Provider, Providers, Search, SearchResult, SearchResults, SignedOut,
};
pub use people::{Aliases, Conflicts, GiveAccount, Groups, Members, Part, Users, WhichAliases};
pub use protection::{Acts, Proof, Protection, RecoveryCode};
pub use scim_tokens::{NewScimToken, RotateScimToken, ScimHabits, ScimToken, ScimTokens, ShownScimToken};
pub use seat::{ChangeSeats, ChangedSeats, Seats, WhichSeats};
pub use source::{Check, PageTest, Runs, SourceDetail, TestPage};
pub use source_changes::{NewSource, SourceChanges};
pub use space_access::SpaceAccess;
pub use support::Support;
pub use text::{matches, utf16};
pub use trial::Trial;
pub use usage::{Analytics, AnalyticsAsked};
pub use what_if::{Changes, WhatIf};

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
