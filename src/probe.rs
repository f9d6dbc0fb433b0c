//! The side door of private rooms, for benchmarks and fuzz targets: only with the feature `probe`, and in no release.
//!
//! Uses: `acl`, `answer`, `audit`, `clock`, `corpus`, `crawl`, `directory`, `extract`, `history`, `index`, `model`, `names`,
//! `outbound`, `scim`, `sso`, `store`, `vault`.

pub use crate::acl::{AclClass, AnyOf, Classes, Principal, PrincipalSet, Rule, Visibility};
pub use crate::answer::{Answer, Mode as AnswerMode, Question};
pub use crate::audit::{Event as AuditEvent, Log as AuditLog, Settings as AuditSettings, verify as verify_audit};
pub use crate::clock::{Clock, Moment};
pub use crate::corpus::{Block, Document, DocumentId, Kind, Passage, PassageId, Sizes, Space, cut};
pub use crate::crawl::{Hint, Rooms, Settings as CrawlSettings, sync};
pub use crate::directory::{Directory, GroupProfile, Profile, Settings as DirectorySettings};
pub use crate::extract::{Extractor, Settings as ExtractSettings};
pub use crate::history::{Entry, History, Settings as HistorySettings, Terms};
pub use crate::index::{Change, Found, Index, Query, Scope, Settings as IndexSettings};
pub use crate::model::{Embed, Manifest, Prompt, Settings as ModelSettings, Sharing, Stand, Stop};
pub use crate::names::{ApplicationId, ConversationId, GroupId, Ids, MessageId, SourceId, UserId};
pub use crate::outbound::{Outbound, Request as OutboundRequest, Settings as OutboundSettings};
pub use crate::scim::{Reply as ScimReply, Request as ScimRequest, read_any as read_scim, serve as serve_scim};
pub use crate::sso::Seen;
pub use crate::sso::oidc::{Provider as OidcProvider, Settings as OidcSettings};
pub use crate::sso::saml::{
    Answer as SamlAnswer, Pending as SamlPending, Provider as SamlProvider, Settings as SamlSettings,
    read_any as read_saml,
};
pub use crate::store::{Batch, Changes, Store, Tree};
pub use crate::vault::{Settings as VaultSettings, Vault};
