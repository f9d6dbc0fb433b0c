//! Classes: rules by number, hash-consed and kept.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, RwLock, RwLockReadGuard};

use super::sight::Table;
use super::visibility::Generation;
use super::{PrincipalSet, Rule, Visibility};
use crate::store::{self, Key, Record, Store, Tree};

/// How many people's bits are kept at hand. With 100,000 classes one takes 12.5 KB, so at most 13 MB are held.
const KEPT_MAX: usize = 1024;

/// A rule by number. Two documents with the same permissions have the same class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct AclClass(u32);

impl AclClass {
    /// The number, as the index keeps it.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// From the number the index kept.
    pub const fn from_number(number: u32) -> AclClass {
        AclClass(number)
    }
}

impl Key for AclClass {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.0.to_be_bytes());
    }

    fn read(bytes: &[u8]) -> Option<AclClass> {
        Some(AclClass(u32::from_be_bytes(bytes.try_into().ok()?)))
    }
}

impl Record for Rule {
    const VERSION: u8 = 1;

    fn write(&self, out: &mut Vec<u8>) {
        serde_json::to_writer(out, self).expect("a rule is plain JSON, and a vector takes all of it");
    }

    fn read(version: u8, bytes: &[u8]) -> Result<Rule, store::Error> {
        let unreadable = |why| store::Error::Unreadable { tree: TREE, why };
        match version {
            1 => serde_json::from_slice(bytes).map_err(|_| unreadable("it is no rule")),
            _ => Err(unreadable("its version is unknown")),
        }
    }
}

const TREE: &str = "acl.classes";

/// All rules met so far. Kept in the store; a class never changes its meaning.
pub struct Classes {
    tree: Tree<AclClass, Rule>,
    table: RwLock<Table>,
    /// Held from choosing a number until its rule is on disk, so that no number is given twice.
    giving: Mutex<()>,
    kept: Mutex<Kept>,
}

/// Visibilities worked out before, by the digest of the principals they are for.
#[derive(Default)]
struct Kept {
    of: HashMap<[u8; 32], Seen>,
    /// Grows with each use.
    uses: u64,
}

struct Seen {
    bits: Arc<[u64]>,
    digest: [u8; 32],
    as_of: Generation,
    used: u64,
}

/// What can go wrong with classes.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed, or what it holds are not the classes we gave.
    #[error("the rules cannot be read or kept")]
    Broken(#[from] store::Error),
}

impl Classes {
    /// Opens the rules kept in the store.
    pub fn open(store: &Store) -> Result<Classes, Error> {
        let tree = store.tree(TREE)?;
        let mut table = Table::default();
        for entry in tree.all() {
            let (class, rule): (AclClass, Rule) = entry?;
            // A gap or a repeat would give a number another meaning than the index knows: better not to start.
            if u64::from(class.0) != table.len() || table.number(&rule).is_some() {
                let why = "the class numbers are not in order; restore a backup";
                return Err(Error::Broken(store::Error::Unreadable { tree: TREE, why }));
            }
            table.push(rule);
        }
        Ok(Classes { tree, table: RwLock::new(table), giving: Mutex::default(), kept: Mutex::default() })
    }

    /// The class of a rule, made and kept (durably, before this returns) if it is new.
    pub fn class_of(&self, rule: Rule) -> Result<AclClass, Error> {
        if let Some(number) = self.table().number(&rule) {
            return Ok(AclClass(number));
        }
        let _giving = self.giving.lock().expect("no thread panics while it gives a class");
        if let Some(number) = self.table().number(&rule) {
            return Ok(AclClass(number));
        }
        let class = AclClass(u32::try_from(self.table().len()).expect("four billion rules do not fit a disk"));
        self.tree.put(&class, &rule)?;
        self.table.write().expect("no thread panics while it adds a rule").push(rule);
        Ok(class)
    }

    /// The class of a rule, where it was met before.
    pub fn known(&self, rule: &Rule) -> Option<AclClass> {
        self.table().number(rule).map(AclClass)
    }

    /// Whether somebody who satisfies a class's rule might not satisfy the other; so it is too of a class that is not there.
    pub fn tightens(&self, from: AclClass, to: &Rule) -> Result<bool, Error> {
        Ok(self.tree.get(&from)?.is_none_or(|was| !was.implies(to)))
    }

    /// Whether these principals satisfy the rule of one class: for whoever explains a right and may not have it. Nothing can
    /// be searched or opened with the answer.
    pub fn admits(&self, class: AclClass, who: &PrincipalSet) -> bool {
        self.table().admits(class.0, who)
    }

    /// How many of these people satisfy the rule of each class, by its number: for whoever looks after grants. A count is no sight
    /// of anybody's, and nothing can be searched or opened with it.
    pub fn readers(&self, people: &[PrincipalSet]) -> Vec<u32> {
        let table = self.table();
        let mut counts = vec![0u32; usize::try_from(table.len()).unwrap_or(0)];
        for who in people {
            let words = table.bits(who);
            let bits = words.iter().flat_map(|word| (0..64).map(move |place| word >> place & 1 == 1));
            for (count, is_met) in counts.iter_mut().zip(bits) {
                *count += u32::from(is_met);
            }
        }
        counts
    }

    /// Every class that these principals satisfy.
    pub fn visible_to(&self, who: &PrincipalSet) -> Visibility {
        let principals = who.digest();
        let table = self.table();
        let as_of = Generation(table.len());
        if let Some(visibility) = self.kept().take(&principals, as_of) {
            return visibility;
        }
        let bits = table.bits(who);
        let digest = table.digest(&bits);
        drop(table);
        self.kept().keep(principals, Seen { bits: bits.into(), digest, as_of, used: 0 })
    }

    fn table(&self) -> RwLockReadGuard<'_, Table> {
        self.table.read().expect("no thread panics while it adds a rule")
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().expect("no thread panics while it keeps a visibility")
    }
}

impl Kept {
    fn take(&mut self, principals: &[u8; 32], as_of: Generation) -> Option<Visibility> {
        self.uses += 1;
        let seen = self.of.get_mut(principals).filter(|seen| seen.as_of == as_of)?;
        seen.used = self.uses;
        Some(seen.visibility())
    }

    fn keep(&mut self, principals: [u8; 32], mut seen: Seen) -> Visibility {
        if self.of.len() >= KEPT_MAX && !self.of.contains_key(&principals) {
            let idle = self.of.iter().min_by_key(|(_, seen)| seen.used).map(|(principals, _)| *principals);
            idle.map(|idle| self.of.remove(&idle));
        }
        seen.used = self.uses;
        let visibility = seen.visibility();
        self.of.insert(principals, seen);
        visibility
    }
}

impl Seen {
    fn visibility(&self) -> Visibility {
        Visibility { bits: self.bits.clone(), digest: self.digest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_visibilities_are_kept_than_the_limit() {
        let mut kept = Kept::default();
        let seen = || Seen { bits: Arc::new([1]), digest: [0; 32], as_of: Generation(1), used: 0 };
        let of = |n: usize| -> [u8; 32] { std::array::from_fn(|byte| n.to_be_bytes().get(byte).copied().unwrap_or(0)) };

        for n in 0..KEPT_MAX + 10 {
            kept.take(&of(0), Generation(1));
            kept.keep(of(n), seen());
        }

        assert_eq!(kept.of.len(), KEPT_MAX);
        assert!(kept.take(&of(0), Generation(1)).is_some(), "what is used is kept");
        assert!(kept.take(&of(0), Generation(2)).is_none(), "what is old is not used");
    }
}
