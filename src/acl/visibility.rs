//! The classes one person may read, at one moment.

use super::AclClass;

/// How many classes existed when a visibility was made: it grows by one with each new class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(pub(super) u64);

/// The classes one person may read, at one moment. Only [`super::Classes::visible_to`] makes one: there
/// is no `all()`, no `Default`, and nothing reads one from disk or the network.
pub struct Visibility {}

impl Visibility {
    /// Whether documents of this class may be read.
    pub fn admits(&self, class: AclClass) -> bool {
        todo!("{class:?}")
    }

    /// The admitted classes, ascending.
    pub fn classes(&self) -> impl Iterator<Item = AclClass> {
        std::iter::empty()
    }

    /// A digest of the admitted classes: equal digests see the same documents.
    pub fn digest(&self) -> [u8; 32] {
        todo!()
    }
}
