//! Trees, batches, and changes over several trees.

use std::marker::PhantomData;

use sled::transaction::{TransactionError, Transactional as _};

use super::{Error, Key, Record, Store, record};

/// One tree. Every change is fsynced before the call that made it returns. A clone is the same tree.
pub struct Tree<K, V> {
    store: Store,
    tree: sled::Tree,
    name: &'static str,
    of: PhantomData<fn() -> (K, V)>,
}

impl<K, V> Clone for Tree<K, V> {
    fn clone(&self) -> Tree<K, V> {
        Tree { store: self.store.clone(), tree: self.tree.clone(), name: self.name, of: PhantomData }
    }
}

/// Changes to one tree that are kept all together or not at all.
pub struct Batch<K, V> {
    changes: Untyped,
    of: PhantomData<fn() -> (K, V)>,
}

/// Changes to several trees that are kept all together or not at all, by [`Store::make`].
#[derive(Default)]
pub struct Changes {
    /// One for each tree.
    trees: Vec<(sled::Tree, Untyped)>,
    adds: bool,
}

/// Keys in their byte form, each with its new record, or `None` where it goes.
pub(super) type Untyped = Vec<(Vec<u8>, Option<Vec<u8>>)>;

impl<K: Key, V: Record> Default for Batch<K, V> {
    fn default() -> Batch<K, V> {
        Batch::new()
    }
}

impl<K: Key, V: Record> Batch<K, V> {
    /// An empty batch.
    pub fn new() -> Batch<K, V> {
        Batch { changes: Vec::new(), of: PhantomData }
    }

    /// Adds a change.
    pub fn put(&mut self, key: &K, value: &V) {
        self.changes.push((bytes_of(key), Some(record::frame(value))));
    }

    /// Adds a removal.
    pub fn remove(&mut self, key: &K) {
        self.changes.push((bytes_of(key), None));
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

impl Changes {
    /// No changes yet.
    pub fn new() -> Changes {
        Changes::default()
    }

    /// Adds a batch of one tree; of two changes to one key the later one holds.
    pub fn add<K: Key, V: Record>(&mut self, tree: &Tree<K, V>, batch: Batch<K, V>) {
        self.adds |= batch.changes.iter().any(|(_, record)| record.is_some());
        let at = self.trees.iter().position(|(known, _)| known.name() == tree.tree.name()).unwrap_or_else(|| {
            self.trees.push((tree.tree.clone(), Untyped::new()));
            self.trees.len() - 1
        });
        self.trees[at].1.extend(tree.closed(batch));
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.trees.is_empty()
    }

    /// Writes them, all or none; not yet on disk.
    pub(super) fn write(self, store: &Store) -> Result<(), Error> {
        if self.adds {
            store.check_room()?;
        }
        let batches: Vec<sled::Batch> = self.trees.iter().map(|(_, changes)| batch_of(changes)).collect();
        let trees: Vec<sled::Tree> = self.trees.iter().map(|(tree, _)| tree.clone()).collect();
        let make = || {
            let made: Result<(), TransactionError<std::convert::Infallible>> = store.batch(|| {
                trees.as_slice().transaction(|views| {
                    for (view, batch) in views.iter().zip(&batches) {
                        view.apply_batch(batch)?;
                    }
                    Ok(())
                })
            });
            match made {
                Ok(()) => Ok(()),
                Err(TransactionError::Storage(error)) => Err(error.into()),
                Err(TransactionError::Abort(never)) => match never {},
            }
        };
        store.change(make, |journal| {
            self.trees.iter().for_each(|(tree, changes)| journal.note(&tree.name(), changes));
        })
    }
}

fn batch_of(changes: &Untyped) -> sled::Batch {
    let mut batch = sled::Batch::default();
    for (key, change) in changes {
        match change {
            Some(record) => batch.insert(key.as_slice(), record.as_slice()),
            None => batch.remove(key.as_slice()),
        }
    }
    batch
}

impl<K: Key, V: Record> Tree<K, V> {
    pub(super) fn new(store: Store, tree: sled::Tree, name: &'static str) -> Tree<K, V> {
        Tree { store, tree, name, of: PhantomData }
    }

    /// The record at a key.
    pub fn get(&self, key: &K) -> Result<Option<V>, Error> {
        let key = bytes_of(key);
        match self.tree.get(&key)? {
            Some(bytes) => record::unframe(self.name, &key, &bytes).map(Some),
            None => Ok(None),
        }
    }

    /// Keeps a record; it is on disk when this returns.
    pub fn put(&self, key: &K, value: &V) -> Result<(), Error> {
        self.store.check_room()?;
        self.put_on_reserve(key, value)
    }

    /// Keeps a small record also where little is left of the disk: for what takes something away (a deletion, a key's end),
    /// which must not be refused for want of room.
    pub fn put_on_reserve(&self, key: &K, value: &V) -> Result<(), Error> {
        let mut batch = Batch::new();
        batch.put(key, value);
        self.make(batch)
    }

    /// Removes a record; the removal is on disk when this returns. `true` where it was there.
    pub fn remove(&self, key: &K) -> Result<bool, Error> {
        let key = bytes_of(key);
        let mut was_there = false;
        let remove = || {
            was_there = self.tree.remove(&key)?.is_some();
            Ok(())
        };
        self.store.change(remove, |journal| journal.note(&self.tree.name(), &vec![(key.clone(), None)]))?;
        self.store.flush()?;
        Ok(was_there)
    }

    /// Makes all changes of a batch, or none.
    pub fn apply(&self, batch: Batch<K, V>) -> Result<(), Error> {
        if batch.is_empty() {
            return Ok(());
        }
        if batch.changes.iter().any(|(_, record)| record.is_some()) {
            self.store.check_room()?;
        }
        self.make(batch)
    }

    fn make(&self, batch: Batch<K, V>) -> Result<(), Error> {
        let changes = self.closed(batch);
        let apply = || Ok(self.store.batch(|| self.tree.apply_batch(batch_of(&changes)))?);
        self.store.change(apply, |journal| journal.note(&self.tree.name(), &changes))?;
        self.store.flush()
    }

    /// All records, in key order.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = Result<(K, V), Error>> + '_ {
        self.decoded(self.tree.iter())
    }

    /// The records whose key's bytes begin with `prefix`, in key order.
    pub fn under(&self, prefix: &[u8]) -> impl DoubleEndedIterator<Item = Result<(K, V), Error>> + '_ {
        self.decoded(self.tree.scan_prefix(prefix))
    }

    /// The records from a key on (its own included), in key order.
    pub fn from(&self, key: &K) -> impl DoubleEndedIterator<Item = Result<(K, V), Error>> + '_ {
        self.decoded(self.tree.range(bytes_of(key)..))
    }

    /// The keys that begin with `prefix`, in key order, also of records that do not read.
    pub fn keys_under(&self, prefix: &[u8]) -> impl DoubleEndedIterator<Item = Result<K, Error>> + '_ {
        self.tree.scan_prefix(prefix).keys().map(|key| self.key_of(&key?))
    }

    fn decoded(&self, records: sled::Iter) -> impl DoubleEndedIterator<Item = Result<(K, V), Error>> + '_ {
        records.map(|read| {
            let (key, bytes) = read?;
            Ok((self.key_of(&key)?, record::unframe(self.name, &key, &bytes)?))
        })
    }

    fn key_of(&self, bytes: &[u8]) -> Result<K, Error> {
        K::read(bytes).ok_or(Error::Unreadable { tree: self.name, why: "its key does not read" })
    }

    /// The changes, each record with its checksum.
    fn closed(&self, batch: Batch<K, V>) -> Untyped {
        let close = |(key, change): (Vec<u8>, Option<Vec<u8>>)| {
            let closed = change.map(|framed| record::close(self.name, &key, framed));
            (key, closed)
        };
        batch.changes.into_iter().map(close).collect()
    }

    /// Damages the stored bytes of a record, as a bad disk would.
    #[cfg(test)]
    pub fn damage(&self, key: &K, change: impl FnOnce(&mut Vec<u8>)) {
        let key = bytes_of(key);
        let mut bytes = self.tree.get(&key).unwrap().expect("the record is there").to_vec();
        change(&mut bytes);
        self.tree.insert(key, bytes).unwrap();
    }
}

fn bytes_of<K: Key>(key: &K) -> Vec<u8> {
    let mut out = Vec::new();
    key.write(&mut out);
    out
}
