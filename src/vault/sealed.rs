//! Sealed things, and the places they belong in.

use std::marker::PhantomData;

use zeroize::Zeroizing;

use super::Error;
use super::cipher::{self, KeyBytes};
use crate::names::{ConversationId, UserId};
use crate::store::Record;

/// One conversation's key. No `Clone`, no `Debug`, no `Serialize`; wiped when dropped.
pub struct ConversationKey {
    /// What is sealed today.
    newest: KeyBytes,
    /// While keys are renewed: what records are sealed with that their turn has not come to.
    older: Option<KeyBytes>,
}

impl ConversationKey {
    pub(super) fn new(newest: KeyBytes, older: Option<KeyBytes>) -> ConversationKey {
        ConversationKey { newest, older }
    }

    /// The key's bytes, in whatever form the test keeps what it looks for.
    #[cfg(test)]
    pub(super) fn masked<T>(&self, form: impl FnOnce(&[u8]) -> T) -> T {
        form(&*self.newest)
    }
}

/// A `T` that opens only with its owner's key, in the place it was sealed for.
pub struct Sealed<T> {
    /// The layout's number, the record's version, nonce, ciphertext, tag.
    bytes: Box<[u8]>,
    of: PhantomData<fn() -> T>,
}

/// What a sealed thing is; bound in as associated data.
pub struct Label(pub &'static str);

/// Where a sealed thing belongs. It is bound in as associated data, so a record that is moved to
/// another person, tree or time does not open.
pub struct Place<'a> {
    /// What it is.
    pub label: &'static Label,
    /// Whose it is.
    pub owner: &'a UserId,
    /// The conversation it stands in.
    pub conversation: &'a ConversationId,
    /// Its place there.
    pub sequence: u64,
}

/// The layout of sealed bytes that is written today.
const LAYOUT: u8 = 1;

impl Place<'_> {
    /// The associated data. Only the label has no fixed length, and its length stands before it: two places are two texts.
    fn bound(&self, version: u8) -> Vec<u8> {
        let label = self.label.0.as_bytes();
        let mut out = vec![LAYOUT, version];
        out.extend_from_slice(&(label.len() as u64).to_be_bytes());
        out.extend_from_slice(label);
        out.extend_from_slice(self.owner.as_bytes());
        out.extend_from_slice(self.conversation.as_bytes());
        out.extend_from_slice(&self.sequence.to_be_bytes());
        out
    }
}

impl<T: Record> Sealed<T> {
    /// Seals a value with XChaCha20-Poly1305 under a random nonce.
    pub fn seal(value: &T, key: &ConversationKey, place: &Place<'_>) -> Sealed<T> {
        let mut open = Zeroizing::new(Vec::new());
        value.write(&mut open);
        let mut bytes = vec![LAYOUT, T::VERSION];
        bytes.extend_from_slice(&cipher::seal(&key.newest, &place.bound(T::VERSION), &open));
        Sealed { bytes: bytes.into(), of: PhantomData }
    }

    /// Opens it, where key and place are those it was sealed with.
    pub fn open(&self, key: &ConversationKey, place: &Place<'_>) -> Result<T, Error> {
        let [LAYOUT, version, sealed @ ..] = &*self.bytes else {
            return Err(Error::DoesNotOpen);
        };
        let place = place.bound(*version);
        let open = match (cipher::open(&key.newest, &place, sealed), &key.older) {
            (Err(_), Some(older)) => cipher::open(older, &place, sealed)?,
            (open, _) => open?,
        };
        Ok(T::read(*version, &open)?)
    }

    /// The sealed bytes, to be stored.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// From stored bytes; nothing is checked until it is opened.
    pub fn from_bytes(bytes: &[u8]) -> Sealed<T> {
        Sealed { bytes: bytes.into(), of: PhantomData }
    }
}
