//! Ids: sixteen random bytes for what is ours, the source's own id for what is not.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Where our ids come from: the system's randomness, or a sequence that a test can repeat.
#[derive(Debug, Clone)]
pub enum Ids {
    /// The operating system's random numbers.
    Random,
    /// A repeatable sequence: only tests hold one, to compare two worlds byte for byte.
    Held(Arc<AtomicU64>),
}

impl Ids {
    /// A repeatable sequence of ids.
    pub fn held() -> Ids {
        Ids::Held(Arc::new(AtomicU64::new(1)))
    }

    /// The next sixteen bytes.
    pub fn next(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        match self {
            Ids::Random => {
                getrandom::fill(&mut bytes)
                    .expect("the operating system has random numbers: without them we must stop");
            }
            Ids::Held(next) => bytes[8..].copy_from_slice(&next.fetch_add(1, Ordering::SeqCst).to_be_bytes()),
        }
        bytes
    }
}

macro_rules! our_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// Takes the next id.
            pub fn new(ids: &Ids) -> $name {
                $name(ids.next())
            }

            /// From the sixteen bytes it was stored as.
            pub const fn from_bytes(bytes: [u8; 16]) -> $name {
                $name(bytes)
            }

            /// Reads 32 hexadecimal digits; `None` where it is not that.
            pub fn parse(text: &str) -> Option<$name> {
                let mut bytes = [0; 16];
                hex::decode_to_slice(text, &mut bytes).ok()?;
                Some($name(bytes))
            }

            /// The sixteen bytes.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<$name, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
                $name::parse(&text).ok_or_else(|| serde::de::Error::custom("an id is 32 hexadecimal digits"))
            }
        }
    };
}

our_id! {
    /// The id we gave a person. It never changes and is never used again.
    UserId
}
our_id! {
    /// The id of one conversation.
    ConversationId
}
our_id! {
    /// The id of one message (a question with its answer).
    MessageId
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Box<str>);

        impl $name {
            /// Reads a short lower-case word (`a`–`z`, digits, `-`, `_`; at most 40); `None` where it is not that.
            pub fn parse(text: &str) -> Option<$name> {
                let fits = !text.is_empty()
                    && text.len() <= 40
                    && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_');
                fits.then(|| $name(text.into()))
            }

            /// The word.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;
            fn try_from(text: String) -> Result<$name, String> {
                $name::parse(&text).ok_or_else(|| {
                    format!("{text:?} is not a name of 1 to 40 lower-case letters, digits, '-' and '_'")
                })
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0.into()
            }
        }
    };
}

text_id! {
    /// A source of pages, by the name the administrator gave it.
    SourceId
}
text_id! {
    /// An identity provider, by the name the administrator gave it.
    ProviderId
}

text_id! {
    /// An application (an assistant), by the name the administrator gave it.
    ApplicationId
}

impl Default for ApplicationId {
    /// The one that always exists, and the one of whatever was kept before there were several.
    fn default() -> ApplicationId {
        ApplicationId("default".into())
    }
}

/// One run of a source's sync, by which a fact that was crawled says where it was learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(from = "(u64, i64)", into = "(u64, i64)")]
pub struct SyncId {
    /// Counts the source's runs from 1.
    pub number: u64,
    /// When it began, milliseconds since the Unix epoch.
    pub began_ms: i64,
}

impl From<(u64, i64)> for SyncId {
    fn from((number, began_ms): (u64, i64)) -> SyncId {
        SyncId { number, began_ms }
    }
}

impl From<SyncId> for (u64, i64) {
    fn from(sync: SyncId) -> (u64, i64) {
        (sync.number, sync.began_ms)
    }
}

/// A user account of a source (a Confluence user key): an alias ties it to a person.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct AccountId {
    /// The source it belongs to.
    pub source: SourceId,
    /// The source's own immutable id of it.
    pub key: Box<str>,
}

/// A group by where it comes from and its immutable id there, so that two groups of one name are two.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum GroupId {
    /// A group that was provisioned to us; the id is ours.
    Provisioned(Box<str>),
    /// A source's local group; its key there (Confluence Data Center: the name in lower case).
    Of(SourceId, Box<str>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_was_written() {
        let id = UserId::new(&Ids::Random);

        assert_eq!(UserId::parse(&id.to_string()), Some(id));
        assert_eq!(UserId::parse("12"), None);
    }

    #[test]
    fn held_ids_repeat() {
        assert_eq!(Ids::held().next(), Ids::held().next());
    }
}
