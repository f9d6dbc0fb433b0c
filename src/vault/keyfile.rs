//! How a person's keys stand in their file.
//!
//! Layout 2: `2`; then `0` and the person's own key wrapped by the root key, or `1`, a length (four bytes) and the locks that
//! wrap it, as JSON; then for each conversation its id, `0` or `1`, its key wrapped by the person's key, and after a `1` the
//! key that it replaces. Layout 1 had no locks and no second keys: `1`, the wrapped key, and the conversations.

use std::collections::BTreeMap;

use super::cipher::Wrapped;
use super::locks::Locks;

/// A file's parts, still wrapped.
pub(super) struct File {
    pub(super) person: Person,
    pub(super) conversations: BTreeMap<[u8; 16], Slot>,
}

/// What wraps the person's own key.
pub(super) enum Person {
    /// The root key: the server opens it by itself.
    ByRoot(Box<Wrapped>),
    /// What the person knows or has.
    ByLocks(Locks),
}

/// The wrapped key of one conversation.
pub(super) struct Slot {
    pub(super) newest: Wrapped,
    /// While keys are renewed: the one before.
    pub(super) older: Option<Wrapped>,
}

/// The layout that is written today, and the one before it.
const LAYOUT: u8 = 2;
const FIRST_LAYOUT: u8 = 1;

const BY_ROOT: u8 = 0;
const BY_LOCKS: u8 = 1;
const ALONE: u8 = 0;
const WITH_OLDER: u8 = 1;

impl File {
    /// `None` where the bytes are no such file.
    pub(super) fn parse(bytes: &[u8]) -> Option<File> {
        let (layout, mut rest) = bytes.split_first()?;
        let person = match *layout {
            FIRST_LAYOUT => Person::ByRoot(Box::new(taken(&mut rest)?)),
            LAYOUT => person(&mut rest)?,
            _ => return None,
        };
        let mut conversations = BTreeMap::new();
        while !rest.is_empty() {
            let id = taken::<16>(&mut rest)?;
            let has_older = match layout {
                &LAYOUT => taken::<1>(&mut rest)?[0],
                _ => ALONE,
            };
            let newest = taken(&mut rest)?;
            let older = match has_older {
                ALONE => None,
                WITH_OLDER => Some(taken(&mut rest)?),
                _ => return None,
            };
            conversations.insert(id, Slot { newest, older });
        }
        Some(File { person, conversations })
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut out = vec![LAYOUT];
        match &self.person {
            Person::ByRoot(wrapped) => {
                out.push(BY_ROOT);
                out.extend_from_slice(&**wrapped);
            }
            Person::ByLocks(locks) => {
                let locks = locks.bytes();
                out.push(BY_LOCKS);
                let length = u32::try_from(locks.len()).expect("there are few locks, each of a few hundred bytes");
                out.extend_from_slice(&length.to_be_bytes());
                out.extend_from_slice(&locks);
            }
        }
        for (id, slot) in &self.conversations {
            out.extend_from_slice(id);
            out.push(if slot.older.is_some() { WITH_OLDER } else { ALONE });
            out.extend_from_slice(&slot.newest);
            out.extend(slot.older.iter().flatten());
        }
        out
    }

    /// Whether a renewal of its keys was begun and not ended.
    pub(super) fn is_in_renewal(&self) -> bool {
        self.conversations.values().any(|slot| slot.older.is_some())
    }
}

fn person(rest: &mut &[u8]) -> Option<Person> {
    match taken::<1>(rest)?[0] {
        BY_ROOT => Some(Person::ByRoot(Box::new(taken(rest)?))),
        BY_LOCKS => {
            let length = usize::try_from(u32::from_be_bytes(taken(rest)?)).ok()?;
            let (locks, after) = rest.split_at_checked(length)?;
            *rest = after;
            Some(Person::ByLocks(Locks::parse(locks)?))
        }
        _ => None,
    }
}

/// Takes the first bytes.
fn taken<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(*first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> File {
        let slots = [
            ([1; 16], Slot { newest: [2; 72], older: None }),
            ([3; 16], Slot { newest: [4; 72], older: Some([5; 72]) }),
        ];
        File { person: Person::ByRoot(Box::new([6; 72])), conversations: slots.into() }
    }

    #[test]
    fn a_file_is_read_as_it_was_written_and_no_part_of_it_is_one() {
        let bytes = file().bytes();

        let read = File::parse(&bytes).unwrap();

        assert_eq!(read.bytes(), bytes);
        assert!(read.is_in_renewal());
        // Whole but for its last conversations it is a file again: that is told by the conversations that lack a key.
        let ends = [74, 74 + 89];
        for end in (0..bytes.len()).filter(|end| !ends.contains(end)) {
            assert!(File::parse(&bytes[..end]).is_none(), "{end} bytes");
        }
    }

    #[test]
    fn a_file_of_the_first_layout_is_read() {
        let bytes = [&[1][..], &[6; 72], &[1; 16], &[2; 72]].concat();

        let read = File::parse(&bytes).unwrap();

        assert!(matches!(&read.person, Person::ByRoot(wrapped) if **wrapped == [6; 72]));
        assert_eq!(read.conversations[&[1; 16]].newest, [2; 72]);
        assert!(!read.is_in_renewal());
    }
}
