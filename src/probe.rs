//! The side door of private rooms, for benchmarks and fuzz targets: only with the feature `probe`, and in no release.
//!
//! Uses: `acl`, `audit`, `clock`, `corpus`, `crawl`, `directory`, `extract`, `index`, `model`, `names`, `outbound`, `sso`, `store`,
//! `vault`.

pub use crate::acl::{AclClass, AnyOf, Classes, Principal, PrincipalSet, Rule, Visibility};
pub use crate::audit::{Event as AuditEvent, Log as AuditLog, Settings as AuditSettings, verify as verify_audit};
pub use crate::clock::{Clock, Moment};
pub use crate::corpus::{Block, Document, DocumentId, Kind, Passage, PassageId, Sizes, Space, cut};
pub use crate::crawl::{Hint, Rooms, Settings as CrawlSettings, sync};
pub use crate::directory::{Directory, Settings as DirectorySettings};
pub use crate::extract::{Extractor, Settings as ExtractSettings};
pub use crate::index::{Change, Found, Index, Query, Scope, Settings as IndexSettings};
pub use crate::model::{Embed, Manifest, Prompt, Settings as ModelSettings, Sharing, Stand, Stop};
pub use crate::names::{GroupId, Ids, SourceId, UserId};
pub use crate::outbound::Settings as OutboundSettings;
pub use crate::sso::Seen;
pub use crate::sso::saml::{
    Answer as SamlAnswer, Pending as SamlPending, Provider as SamlProvider, Settings as SamlSettings,
    read_any as read_saml,
};
pub use crate::store::Store;
pub use crate::vault::{Settings as VaultSettings, Vault};
