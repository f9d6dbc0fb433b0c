//! Leaves in their order: each has the next number, carries the hash of the one before it, and is not earlier than it.

use serde::Deserialize;

use super::climb::{Climb, leaf_hash};
use crate::clock::Moment;

/// What is known of the leaves so far.
#[derive(Clone, Default)]
pub(super) struct Chain {
    pub(super) climb: Climb,
    /// The tree without its last leaf, to find out which of two neighbours was changed.
    before: Climb,
    /// The last leaf's hash and time.
    last: Option<([u8; 32], Moment)>,
}

/// Why a line is not the next leaf.
pub(super) enum Misfit {
    /// The line itself does not fit.
    Line(String),
    /// The line says that the leaf before it had another hash: one of the two was changed.
    Neighbours {
        /// The hash it gives the one before.
        claimed: Option<[u8; 32]>,
    },
}

/// What every leaf has.
#[derive(Deserialize)]
struct Fixed {
    index: u64,
    at: String,
    previous: Option<String>,
}

impl Chain {
    /// Leaves so far.
    pub(super) fn size(&self) -> u64 {
        self.climb.size()
    }

    /// The last leaf's hash.
    pub(super) fn last_hash(&self) -> Option<[u8; 32]> {
        self.last.map(|(hash, _)| hash)
    }

    /// The last leaf's time.
    pub(super) fn last_at(&self) -> Option<Moment> {
        self.last.map(|(_, at)| at)
    }

    /// Adds a line that was just made, and gives the hashes that are complete with it.
    pub(super) fn push(&mut self, line: &[u8], at: Moment) -> Vec<[u8; 32]> {
        let hash = leaf_hash(line);
        self.before.clone_from(&self.climb);
        self.last = Some((hash, at));
        self.climb.push(hash)
    }

    /// Adds a line that was read, where it fits.
    pub(super) fn add(&mut self, line: &[u8]) -> Result<Vec<[u8; 32]>, Misfit> {
        let fixed: Fixed = serde_json::from_slice(line).map_err(|_| Misfit::Line("it does not read".to_owned()))?;
        if fixed.index != self.size() {
            return Err(Misfit::Line(format!("it has the number {}", fixed.index)));
        }
        let claimed = claimed(fixed.previous.as_deref());
        if claimed != self.last_hash() {
            return Err(Misfit::Neighbours { claimed });
        }
        let at = Moment::parse(&fixed.at).ok_or_else(|| Misfit::Line("its time does not read".to_owned()))?;
        if self.last_at().is_some_and(|last| at < last) {
            return Err(Misfit::Line("its time is before the last one's".to_owned()));
        }
        Ok(self.push(line, at))
    }

    /// After [`Misfit::Neighbours`]: the leaf that was changed, as far as the line after them (or, where there is none, the
    /// signed root) tells. `line` is the one that did not fit.
    pub(super) fn blame(&self, claimed: Option<[u8; 32]>, line: &[u8], next: Option<&[u8]>, root: &[u8; 32]) -> u64 {
        let Some(claimed_hash) = claimed else {
            return self.size();
        };
        let this = leaf_hash(line);
        let is_line_sound = match next {
            Some(next) => serde_json::from_slice::<Fixed>(next)
                .is_ok_and(|next| self::claimed(next.previous.as_deref()) == Some(this)),
            None => {
                let mut other = self.before.clone();
                let _ = other.push(claimed_hash);
                let _ = other.push(this);
                other.root() == *root
            }
        };
        if is_line_sound { self.size().saturating_sub(1) } else { self.size() }
    }
}

fn claimed(previous: Option<&str>) -> Option<[u8; 32]> {
    let mut hash = [0; 32];
    hex::decode_to_slice(previous?, &mut hash).ok()?;
    Some(hash)
}
