//! The classes one person may read, at one moment.

use std::sync::Arc;

use super::AclClass;

/// How many classes existed when a visibility was made: it grows by one with each new class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Generation(pub(super) u64);

/// The classes one person may read, at one moment. Only [`super::Classes::visible_to`] makes one: there
/// is no `all()`, no `Default`, and nothing reads one from disk or the network.
#[derive(Debug)]
pub struct Visibility {
    /// One bit for each class, without empty words at the end.
    pub(super) bits: Arc<[u64]>,
    /// Of the rules behind the bits.
    pub(super) digest: [u8; 32],
}

impl Visibility {
    /// Whether documents of this class may be read.
    pub fn admits(&self, class: AclClass) -> bool {
        let number = class.number() as usize;
        self.bits.get(number / 64).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    /// The admitted classes, ascending.
    #[cfg(test)]
    pub(super) fn classes(&self) -> impl Iterator<Item = AclClass> {
        (0..self.bits.len() * 64).map(|number| AclClass::from_number(number as u32)).filter(|class| self.admits(*class))
    }

    /// A digest of the admitted *rules*, sorted by their own digests: equal digests see the same documents. It does not
    /// depend on class numbers, nor on rules that are not admitted, so a hidden page changes no bit of it.
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }
}
