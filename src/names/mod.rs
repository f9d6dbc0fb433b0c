//! The names of people and groups, normalised once, at the border, and the ids we give.
//!
//! Always true here: a [`UserName`] went through RFC 8265 UsernameCaseMapped; what that profile disallows is refused,
//! never folded, so names that only look alike stay different. An id once given is never given again.
//!
//! Uses: nothing of ours. Begin at [`UserName`].

mod id;
mod name;

pub use id::{AccountId, ApplicationId, ConversationId, GroupId, Ids, MessageId, ProviderId, SourceId, SyncId, UserId};
pub use name::{GroupName, Unacceptable, UserName};
