//! What counts after a restore: nothing that a source's permissions said before it.
//!
//! A backup is older than what was acknowledged after it: a page restricted since would be open again. So until a source's
//! permissions were read whole once more, it answers nobody.

use crate::clock::Moment;
use crate::store::{Error, Store, Tree};

const TREE: &str = "app.restored";
const AT: &str = "at";

/// Says that the folder was made from a backup at this moment.
pub(super) fn mark(store: &Store, at: Moment) -> Result<(), Error> {
    let tree: Tree<String, u64> = store.tree(TREE)?;
    tree.put(&AT.to_owned(), &u64::try_from(at.ms()).unwrap_or(0))
}

/// When the folder was made from a backup; `None` where it never was.
pub(super) fn at(store: &Store) -> Result<Option<Moment>, Error> {
    let tree: Tree<String, u64> = store.tree(TREE)?;
    let at = tree.get(&AT.to_owned())?;
    Ok(at.map(|ms| Moment::from_ms(i64::try_from(ms).unwrap_or(i64::MAX))))
}
