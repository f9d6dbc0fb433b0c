//! For tests, here and in the rooms above: classes over a temporary folder, and principals by plain names.

use super::{AclClass, AnyOf, Classes, Principal, PrincipalSet, Rule, Visibility};
use crate::names::{AccountId, GroupId, SourceId};
use crate::store::Store;

/// Classes over a temporary folder, which goes with this value.
pub struct Trial {
    /// The classes.
    pub classes: Classes,
    /// What they are kept in.
    pub store: Store,
    _folder: tempfile::TempDir,
}

impl Trial {
    /// Without any class.
    pub fn new() -> Trial {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        Trial { classes: Classes::open(&store).unwrap(), store, _folder: folder }
    }

    /// The class of what a group of this name may read.
    pub fn class(&self, name: &str) -> AclClass {
        self.classes.class_of(Rule::new(AnyOf::of([group(name)]))).unwrap()
    }

    /// What a person in these groups may read.
    pub fn sight(&self, groups: &[&str]) -> Visibility {
        self.classes.visible_to(&PrincipalSet::of(groups.iter().map(|name| group(name)).collect()))
    }
}

/// A group of the source `wiki`.
pub fn group(key: &str) -> Principal {
    Principal::Group(GroupId::Of(SourceId::parse("wiki").unwrap(), key.into()))
}

/// A user of the source `wiki`.
pub fn user(key: &str) -> Principal {
    Principal::Account(AccountId { source: SourceId::parse("wiki").unwrap(), key: key.into() })
}
