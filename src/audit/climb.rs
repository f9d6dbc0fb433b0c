//! The tree's arithmetic: what each leaf adds to an RFC 6962 tree, with nothing kept but the roots of its whole parts.

use tlog_tiles::{EMPTY_HASH, Hash, node_hash, record_hash};

/// RFC 6962 §2.1: SHA-256(0x00 ‖ line).
pub(super) fn leaf_hash(line: &[u8]) -> [u8; 32] {
    record_hash(line).0
}

/// A tree that grows to the right. It knows the roots of its perfect parts, the largest first: at most 64 hashes.
#[derive(Default)]
pub(super) struct Climb {
    size: u64,
    roots: Vec<Hash>,
}

impl Clone for Climb {
    fn clone(&self) -> Climb {
        Climb { size: self.size, roots: self.roots.clone() }
    }

    /// In the room that is there: a verifier does this once a leaf.
    fn clone_from(&mut self, other: &Climb) {
        self.size = other.size;
        self.roots.clone_from(&other.roots);
    }
}

impl Climb {
    /// Leaves so far.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf and gives the hashes that are complete with it: its own, then those above it, in the order in which
    /// [`tlog_tiles::stored_hash_index`] numbers them.
    pub(super) fn push(&mut self, leaf: [u8; 32]) -> Vec<[u8; 32]> {
        let mut top = Hash(leaf);
        let mut complete = vec![leaf];
        // Each trailing one bit of the number of leaves so far is a part that this leaf completes.
        for _ in 0..self.size.trailing_ones() {
            let left = self.roots.pop().expect("there is a root for each one bit of the size");
            top = node_hash(left, top);
            complete.push(top.0);
        }
        self.roots.push(top);
        self.size += 1;
        complete
    }

    /// The root of the tree as it is.
    pub(super) fn root(&self) -> [u8; 32] {
        self.roots.iter().rev().copied().reduce(|right, left| node_hash(left, right)).unwrap_or(EMPTY_HASH).0
    }
}

#[cfg(test)]
mod tests {
    use tlog_tiles::{HashReader, stored_hash_count, tree_hash};

    use super::*;

    struct Kept(Vec<Hash>);

    impl HashReader for Kept {
        fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, tlog_tiles::Error> {
            Ok(indexes.iter().map(|index| self.0[*index as usize]).collect())
        }
    }

    #[test]
    fn roots_and_stored_hashes_agree_with_the_library_at_every_size() {
        let (mut climb, mut kept) = (Climb::default(), Kept(Vec::new()));
        assert_eq!(climb.root(), EMPTY_HASH.0);

        for leaf in 0..70_u64 {
            let complete = climb.push(leaf_hash(&leaf.to_be_bytes()));
            kept.0.extend(complete.into_iter().map(Hash));

            assert_eq!(kept.0.len() as u64, stored_hash_count(leaf + 1));
            assert_eq!(climb.root(), tree_hash(leaf + 1, &kept).unwrap().0);
        }
    }

    #[test]
    fn the_root_of_the_certificate_transparency_test_leaves_is_the_known_one() {
        // The seven-leaf tree of certificate-transparency's Merkle tests, printed there in hexadecimal.
        let leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657"];
        let mut climb = Climb::default();

        for leaf in leaves {
            let _ = climb.push(leaf_hash(&hex::decode(leaf).unwrap()));
        }

        assert_eq!(hex::encode(climb.root()), "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c");
    }
}
