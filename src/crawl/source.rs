//! What a source of pages must be able to do, and what it gives.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::examine::Finding;
use super::hint::Hint;
use super::markup::{MacroUse, Names};
use super::restriction::{Level, Subjects};
use super::{Failure, Wanted};
use crate::clock::Moment;
use crate::corpus::{Block, DocumentId, Kind, Link, Made, Space};
use crate::directory::SourcePeople;

/// Something that was listed: all of it but its words.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Item {
    /// Its id, which moves and renames do not change.
    pub id: DocumentId,
    /// What it is.
    pub kind: Kind,
    /// Its title; a comment's is made from its container's.
    pub title: String,
    /// Where a person opens it.
    pub url: String,
    /// The page or blog post that a comment or an attachment hangs on.
    pub container: Option<DocumentId>,
    /// The pages above, root first.
    pub ancestors: Vec<DocumentId>,
    /// Labels, lower case, sorted.
    pub labels: Vec<String>,
    /// Display name of who changed it last.
    pub author: String,
    /// When it was changed last.
    pub updated_ms: i64,
    /// When it was made, and by whom.
    pub made: Made,
    /// It grows with each change.
    pub revision: u64,
    /// Its own restriction; those above it are found at its ancestors.
    pub level: Level,
    /// Where the words are in a file.
    pub file: Option<File>,
    /// The source's own query leaves it out (`cql` in the settings), or could not be asked.
    pub is_left_out: bool,
}

impl Item {
    /// What stands in the place of its words where they cannot be read.
    pub(super) fn without_words(&self) -> Words {
        let (revision, updated_ms, author) = (self.revision, self.updated_ms, self.author.clone());
        Words { blocks: Vec::new(), links: Vec::new(), revision, updated_ms, author }
    }
}

/// An attached file of a kind that is understood.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct File {
    /// As the source calls it.
    pub media_type: String,
    /// Where the source keeps it, below its base address.
    pub path: String,
}

/// Something that the source's own search says has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Changed {
    /// Its id.
    pub id: DocumentId,
    /// The key of its space, where it is told.
    pub space: Option<String>,
    /// Its version.
    pub revision: u64,
    /// When it was changed.
    pub updated_ms: i64,
}

/// The words of an item, with what was true of them when they were read: an item may have changed since it was listed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Words {
    /// The content, in reading order.
    pub blocks: Vec<Block>,
    /// What it points to.
    pub links: Vec<Link>,
    /// The version that was read.
    pub revision: u64,
    /// When that version was made.
    pub updated_ms: i64,
    /// By whom.
    pub author: String,
}

/// Everything that was listed of one space.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// What was met, each id once.
    pub items: Vec<Item>,
    /// Whether nothing is missing: only then may what is not here be taken for gone.
    pub is_whole: bool,
    /// What could not be read.
    pub failures: Vec<Failure>,
    /// Attachments that are not among the items: of a kind that is not read, too large, or left out by the settings.
    pub files_left_out: u64,
}

/// One item read by itself, with everything that decides who may read it.
pub(super) struct One {
    /// The item, then what it hangs on and the pages above, as far as they can be read: what is missing nobody passes, unless
    /// the source tells whom it is left to. Empty where it is no item that is taken in.
    pub items: Vec<Item>,
    /// Its space.
    pub space: Space,
    /// Whether that is a person's own.
    pub is_personal: bool,
    /// Whether that is archived.
    pub is_archived: bool,
    /// The words of the item.
    pub words: Result<Words, Failure>,
    /// The macros it has.
    pub macros: Vec<MacroUse>,
    /// What could not be read besides.
    pub failures: Vec<Failure>,
}

/// A place that pages are read from. Confluence is the first; the second must not need a change outside its own folder.
pub(super) trait Source: Sync {
    /// Proves that it answers, and that it knows us as the user of the settings (it gives who that is): a source that takes us for somebody else
    /// shows less, and what it does not show would be deleted.
    fn connect(&self) -> Result<String, Failure>;

    /// What it is: the product and its version, in words.
    fn about(&self) -> Result<String, Failure>;

    /// Tries, for an administrator who sets it up, one of each thing that a sync reads besides permissions of spaces:
    /// restrictions, groups, and whether anything is hidden from us.
    fn try_rights(&self, spaces: &[Space]) -> Vec<Finding>;

    /// All its people and groups.
    fn people(&self) -> Result<SourcePeople, Failure>;

    /// Who may use it at all.
    fn may_use(&self) -> Result<Subjects, Failure>;

    /// The spaces that the settings take in, all of them or an error.
    fn spaces(&self) -> Result<Vec<Space>, Failure>;

    /// Who may view a space.
    fn may_view(&self, space: &Space) -> Result<Subjects, Failure>;

    /// Everything in a space, without its words. `seen` is told how many more were met, and breaks off.
    fn list(&self, space: &Space, seen: &mut dyn FnMut(u64) -> ControlFlow<()>) -> Listing;

    /// What has changed since then by the source's own search, wherever it is. It may leave things out: what it gives is looked
    /// at, and what it does not give is not taken for unchanged. Nothing where the source has no such search.
    fn changed(&self, _since: Moment) -> Result<Vec<Changed>, Failure> {
        Ok(Vec::new())
    }

    /// Where the source's own audit log says something changed after then, and the time of its newest entry; `None` where there
    /// is no such log for us.
    fn audited(&self, _since: Moment) -> Result<Option<(Hint, Moment)>, Failure> {
        Ok(None)
    }

    /// The key of the space that a content is in now, by the source's id; `None` where it is not there for us.
    fn space_of(&self, _local: &str) -> Result<Option<String>, Failure> {
        Ok(None)
    }

    /// Pages and blog posts that are known and that no listing gave, asked for one by one: those that are there after all, each
    /// with the key of its space. One that moves from a space that is not listed yet to one that was is in neither listing.
    /// Whatever cannot be asked is not given.
    fn look_again(&self, _ids: &[DocumentId]) -> Vec<(String, Item)> {
        Vec::new()
    }

    /// Every restriction on the way up to each of these pages, its own among them, by the page it is of: where a page above is in
    /// the bin or a draft, no listing gives it. `None` where the source does not tell all of them.
    fn restricted_above(&self, pages: &[&Item]) -> Vec<Option<BTreeMap<DocumentId, Level>>> {
        vec![None; pages.len()]
    }

    /// The words of some items, in their order. It is called from several threads at once.
    fn fetch(&self, items: &[&Item], names: &Names<'_>) -> Vec<Result<Words, Failure>>;

    /// One item, as it is now. The error is why it cannot be read at all.
    fn one(&self, _wanted: &Wanted, _names: &Names<'_>) -> Result<One, Failure> {
        Err(Failure {
            what: String::new(),
            code: "not_testable".to_owned(),
            cause: "of this kind of source no page can be read by itself".to_owned(),
            remedy: "sync it, and look at the failures of the run".to_owned(),
        })
    }
}
