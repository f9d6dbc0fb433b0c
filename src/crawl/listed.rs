//! What a run has listed, put together: which levels restrict an item, what its document is.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sha2::{Digest as _, Sha256};

use super::above::Told;
use super::fields::Fields;
use super::restriction::{Level, Subjects};
use super::source::{Item, Words};
use crate::corpus::{Document, DocumentId, Kind, Space};
use crate::directory::SourcePeople;

/// What was listed, put together.
#[derive(Default)]
pub(super) struct Listed {
    /// Everything, by its id.
    pub items: BTreeMap<DocumentId, Item>,
    /// Pages that stand above some of it and that no listing gave, as far as the source told whom they are left to.
    pub told: BTreeMap<DocumentId, Told>,
    /// The space of each item, by its place in `spaces`.
    pub space_of: HashMap<DocumentId, usize>,
    /// The spaces, in the order they were listed.
    pub spaces: Vec<Space>,
    /// Who may view each of the spaces; `None` where that cannot be read.
    pub views: Vec<Option<Subjects>>,
    /// Who may use the source; `None` where that cannot be read.
    pub may_use: Option<Subjects>,
    /// Keys of spaces whose listing is not whole.
    pub partial: BTreeSet<String>,
    /// The people, where they could be read.
    pub people: Option<SourcePeople>,
    /// Whether every permission was read.
    pub are_permissions_whole: bool,
    /// Keys of the spaces that are wanted; `None` for all.
    pub only: Option<BTreeSet<String>>,
}

impl Listed {
    /// The restriction of a page itself; `None` where it was neither listed nor told of.
    pub fn level(&self, id: &DocumentId) -> Option<&Level> {
        let listed = self.items.get(id).map(|item| &item.level);
        listed.or_else(|| self.told.get(id).map(|told| &told.level))
    }

    /// Puts what hangs on a page into its page's space, wherever it was listed: the page may have moved to another one in
    /// between, and what hangs on it is viewed by whoever may view that.
    pub fn gather(&mut self) {
        let space_of = |id: &DocumentId| self.space_of.get(id).copied();
        let strayed = self.items.values().filter_map(|item| {
            let space = space_of(item.container.as_ref()?)?;
            (space_of(&item.id) != Some(space)).then(|| (item.id.clone(), space))
        });
        let strayed: Vec<(DocumentId, usize)> = strayed.collect();
        self.space_of.extend(strayed);
    }
}

/// The restriction of an item and of everything above it. A page above that was neither listed nor told of is unknown.
pub(super) fn levels<'a>(item: &'a Item, listed: &'a Listed) -> Vec<&'a Level> {
    const UNKNOWN: &Level = &Level::Unknown;
    let holder = match &item.container {
        Some(container) => match listed.items.get(container) {
            Some(holder) => holder,
            None => return vec![UNKNOWN],
        },
        None => item,
    };
    let above = holder.ancestors.iter().map(|id| listed.level(id).unwrap_or(UNKNOWN));
    let mut levels: Vec<&Level> = above.chain([&holder.level, &item.level]).collect();
    levels.retain(|level| **level != Level::Open);
    levels.dedup();
    levels
}

/// Digests what a document is besides its words and its readers, so that a move, a rename or a label is noticed.
pub(super) fn head(item: &Item, space: &Space, items: &BTreeMap<DocumentId, Item>, fields: &Fields) -> u64 {
    let title = title(item, items);
    let head = (
        (&title, &space.key, &space.name, &item.url),
        (fields.container(item), fields.ancestors(item), fields.labels(item)),
        (fields.author(&item.author), item.updated_ms, fields.made(item)),
    );
    let text = serde_json::to_vec(&head).expect("a head is text and numbers");
    let digest = Sha256::digest(&text);
    digest.iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

fn title(item: &Item, items: &BTreeMap<DocumentId, Item>) -> String {
    let container = item.container.as_ref().filter(|_| item.kind == Kind::Comment).and_then(|id| items.get(id));
    container.map_or_else(|| item.title.clone(), |container| format!("Re: {}", container.title))
}

/// The document of an item with its words.
pub(super) fn document(item: &Item, words: Words, listed: &Listed, fields: &Fields) -> Document {
    let space = listed.space_of.get(&item.id).and_then(|place| listed.spaces.get(*place));
    Document {
        id: item.id.clone(),
        kind: item.kind,
        title: title(item, &listed.items),
        space: space.cloned().unwrap_or_else(|| Space { key: String::new(), name: String::new() }),
        url: item.url.clone(),
        container: fields.container(item).cloned(),
        ancestors: fields.ancestors(item).to_vec(),
        labels: fields.labels(item).to_vec(),
        author: fields.author(&words.author).to_owned(),
        updated_ms: words.updated_ms,
        made: fields.made(item),
        revision: words.revision,
        blocks: words.blocks,
        links: words.links,
    }
}

/// Items in the groups they are fetched in: files one by one, everything else together.
pub(super) fn groups<'a>(ids: &[DocumentId], together: usize, listed: &'a Listed) -> Vec<Vec<&'a Item>> {
    let (files, pages): (Vec<&Item>, Vec<&Item>) =
        ids.iter().filter_map(|id| listed.items.get(id)).partition(|item| item.file.is_some());
    let pages = pages.chunks(together).map(<[&Item]>::to_vec);
    pages.chain(files.into_iter().map(|file| vec![file])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_listed_in_the_space_that_its_page_left_is_in_the_one_it_went_to() {
        let id = |local: &str| DocumentId::new("wiki", local).unwrap();
        let item = |local: &str, container: Option<&str>| Item {
            id: id(local),
            kind: Kind::Page,
            title: String::new(),
            url: String::new(),
            container: container.map(id),
            ancestors: Vec::new(),
            labels: Vec::new(),
            author: String::new(),
            made: Default::default(),
            updated_ms: 0,
            revision: 1,
            level: Level::Open,
            file: None,
            is_left_out: false,
        };
        let mut listed = Listed::default();
        for (item, space) in [(item("1", None), 1), (item("2", Some("1")), 0), (item("3", Some("gone")), 0)] {
            listed.space_of.insert(item.id.clone(), space);
            listed.items.insert(item.id.clone(), item);
        }

        listed.gather();

        assert_eq!([id("1"), id("2"), id("3")].map(|id| listed.space_of[&id]), [1, 1, 0]);
    }
}
