//! Works out, for a person's principals, which of all rules admit them.

use std::collections::HashMap;

use sha2::{Digest as _, Sha256};

use super::{AnyOf, Principal, PrincipalSet, Rule};

/// All rules, taken apart: each distinct condition once, and for each principal the conditions that name it.
#[derive(Default)]
pub(super) struct Table {
    numbers: HashMap<Rule, u32>,
    conditions: HashMap<AnyOf, u32>,
    /// The conditions that a principal meets, ascending.
    met_by: HashMap<Principal, Vec<u32>>,
    /// The numbers of the conditions of all rules, one rule after the other.
    needed: Vec<u32>,
    /// Where each rule's conditions end in `needed`.
    ends: Vec<usize>,
    /// The digest of each rule, by class number.
    digests: Vec<[u8; 32]>,
    /// Class numbers in the order of their rules' digests: the order in which a visibility is digested.
    by_digest: Vec<u32>,
}

impl Table {
    pub(super) fn len(&self) -> u64 {
        self.digests.len() as u64
    }

    pub(super) fn number(&self, rule: &Rule) -> Option<u32> {
        self.numbers.get(rule).copied()
    }

    /// Adds a rule that is not there yet; its number is the one after the last.
    pub(super) fn push(&mut self, rule: Rule) {
        let number = self.digests.len() as u32;
        for condition in rule.conditions() {
            let next = self.conditions.len() as u32;
            let id = *self.conditions.entry(condition.clone()).or_insert(next);
            if id == next {
                for principal in condition.principals() {
                    self.met_by.entry(principal.clone()).or_default().push(id);
                }
            }
            self.needed.push(id);
        }
        self.ends.push(self.needed.len());
        let digest = rule.digest();
        let place = self.by_digest.partition_point(|other| self.digests[*other as usize] < digest);
        self.by_digest.insert(place, number);
        self.digests.push(digest);
        self.numbers.insert(rule, number);
    }

    /// One bit for each class whose every condition is met, without empty words at the end.
    pub(super) fn bits(&self, who: &PrincipalSet) -> Vec<u64> {
        let mut met = vec![false; self.conditions.len()];
        for principal in who.iter() {
            for condition in self.met_by.get(principal).into_iter().flatten() {
                met[*condition as usize] = true;
            }
        }

        let mut bits = vec![0u64; self.digests.len().div_ceil(64)];
        let mut begin = 0;
        for (number, end) in self.ends.iter().enumerate() {
            // A rule has at least one condition, so `all` is never asked of nothing.
            if self.needed[begin..*end].iter().all(|condition| met[*condition as usize]) {
                bits[number / 64] |= 1 << (number % 64);
            }
            begin = *end;
        }
        while bits.last() == Some(&0) {
            bits.pop();
        }
        bits
    }

    /// Whether every condition of one rule is met; of a number that was never given, none is.
    pub(super) fn admits(&self, number: u32, who: &PrincipalSet) -> bool {
        let number = number as usize;
        let Some(end) = self.ends.get(number) else { return false };
        let begin = number.checked_sub(1).map_or(0, |before| self.ends[before]);
        let is_met = |condition: &u32| {
            who.iter()
                .any(|principal| self.met_by.get(principal).is_some_and(|met| met.binary_search(condition).is_ok()))
        };
        self.needed[begin..*end].iter().all(is_met)
    }

    /// A digest of the rules behind some bits.
    pub(super) fn digest(&self, bits: &[u64]) -> [u8; 32] {
        let is_set = |number: u32| bits.get(number as usize / 64).is_some_and(|word| word >> (number % 64) & 1 == 1);
        let mut digest = Sha256::new();
        for number in self.by_digest.iter().filter(|number| is_set(**number)) {
            digest.update(self.digests[*number as usize]);
        }
        digest.finalize().into()
    }
}
