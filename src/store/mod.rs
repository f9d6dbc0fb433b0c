//! Typed trees and durable files: the only room that writes our state.
//!
//! Uses: nothing of ours; keeps `sled`. Begin at [`Store`].

pub mod durable;

use std::marker::PhantomData;
use std::path::{Path, PathBuf};

/// The data folder and its trees.
pub struct Store {}

/// A key of a tree, in an order-keeping byte form.
pub trait Key: Sized {
    /// Appends the bytes; their order is the keys' order.
    fn write(&self, out: &mut Vec<u8>);
    /// Reads the bytes back; `None` where they are no such key.
    fn read(bytes: &[u8]) -> Option<Self>;
}

/// A stored shape. The version is its first byte; every version ever shipped can still be read.
pub trait Record: Sized {
    /// The version that is written today.
    const VERSION: u8;
    /// Appends today's form.
    fn write(&self, out: &mut Vec<u8>);
    /// Reads the form of `version`.
    fn read(version: u8, bytes: &[u8]) -> Result<Self, Error>;
}

/// What can go wrong with stored state.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder is in use by another process.
    #[error("{0} is in use by another sotto; stop it first")]
    InUse(PathBuf),
    /// A record does not read: damaged, or of a version this binary does not know.
    #[error("a record of {tree} cannot be read: {why}")]
    Unreadable {
        /// The tree it stands in.
        tree: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The disk is full: what was asked for was not kept, and nothing kept before is lost.
    #[error("the disk is full; free some space in the data folder's file system")]
    Full,
    /// Anything else.
    #[error("the data folder cannot be read or written")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Store {
    /// Opens or makes the data folder (mode 0700). One process at a time.
    pub fn open(folder: &Path) -> Result<Store, Error> {
        todo!("{folder:?}")
    }

    /// The data folder.
    pub fn folder(&self) -> &Path {
        todo!()
    }

    /// One tree, by its name, which never changes once shipped.
    pub fn tree<K: Key, V: Record>(&self, name: &'static str) -> Result<Tree<K, V>, Error> {
        todo!("{name}")
    }
}

/// One tree. Every change is fsynced before the call that made it returns.
pub struct Tree<K, V> {
    of: PhantomData<fn() -> (K, V)>,
}

/// Changes to one tree that are kept all together or not at all.
pub struct Batch<K, V> {
    of: PhantomData<fn() -> (K, V)>,
}

impl<K: Key, V: Record> Batch<K, V> {
    /// An empty batch.
    pub fn new() -> Batch<K, V> {
        todo!()
    }
    /// Adds a change.
    pub fn put(&mut self, key: &K, value: &V) {
        let _ = (key, value);
        todo!()
    }
    /// Adds a removal.
    pub fn remove(&mut self, key: &K) {
        let _ = key;
        todo!()
    }
}

impl<K: Key, V: Record> Tree<K, V> {
    /// The record at a key.
    pub fn get(&self, key: &K) -> Result<Option<V>, Error> {
        let _ = key;
        todo!()
    }

    /// Keeps a record; it is on disk when this returns.
    pub fn put(&self, key: &K, value: &V) -> Result<(), Error> {
        let _ = (key, value);
        todo!()
    }

    /// Removes a record; it is gone on disk when this returns. `true` where it was there.
    pub fn remove(&self, key: &K) -> Result<bool, Error> {
        let _ = key;
        todo!()
    }

    /// Makes all changes of a batch, or none.
    pub fn apply(&self, batch: Batch<K, V>) -> Result<(), Error> {
        let _ = batch;
        todo!()
    }

    /// All records, in key order.
    pub fn all(&self) -> impl Iterator<Item = Result<(K, V), Error>> + '_ {
        std::iter::empty()
    }

    /// The records whose key's bytes begin with `prefix`, in key order.
    pub fn under(&self, prefix: &[u8]) -> impl Iterator<Item = Result<(K, V), Error>> + '_ {
        let _ = prefix;
        std::iter::empty()
    }
}
