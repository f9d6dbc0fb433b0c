//! The index as a whole: what is found, what is not, and that nothing hidden is felt.

mod changes;
mod exact;
mod finding;
mod interference;
mod languages;
mod leaning;
mod odd;

use std::collections::BTreeMap;

use super::*;
use crate::acl::trial::Trial;
use crate::corpus::{Block, Kind, Made, Sizes, cut};

/// One page of a test: what it says and which group may read it.
#[derive(Debug, Clone)]
struct Page {
    id: String,
    title: String,
    text: String,
    group: &'static str,
    space: &'static str,
    revision: u64,
}

fn page(id: &str, group: &'static str, title: &str, text: &str) -> Page {
    Page { id: id.into(), title: title.into(), text: text.into(), group, space: "ENG", revision: 1 }
}

impl Page {
    fn document(&self) -> Document {
        Document {
            id: id_of(&self.id),
            kind: Kind::Page,
            title: self.title.clone(),
            space: Space { key: self.space.into(), name: format!("The {} space", self.space) },
            url: format!("https://wiki.example/{}", self.id),
            container: None,
            ancestors: vec![id_of("root"), id_of(self.space)],
            labels: vec![self.group.to_owned()],
            author: "Ada Lovelace".into(),
            updated_ms: self.id.len() as i64 * 1000,
            made: Made { at_ms: Some(self.id.len() as i64 * 100), by: "Grace Hopper".into() },
            revision: self.revision,
            blocks: self.text.split('\n').map(|text| Block::Paragraph { text: text.into() }).collect(),
            links: vec![],
        }
    }
}

fn id_of(id: &str) -> DocumentId {
    DocumentId::new("wiki", id).unwrap()
}

/// An index over a temporary folder, with the classes of its groups.
struct World {
    folder: tempfile::TempDir,
    trial: Trial,
    index: Index,
}

impl World {
    fn new() -> World {
        World::under(&Settings::default())
    }

    fn under(settings: &Settings) -> World {
        let folder = tempfile::tempdir().unwrap();
        let index = Index::open(folder.path(), settings).unwrap();
        World { folder, trial: Trial::new(), index }
    }

    fn with(pages: &[Page]) -> World {
        let world = World::new();
        world.add(pages);
        world.commit();
        world
    }

    fn class(&self, name: &str) -> AclClass {
        self.trial.class(name)
    }

    /// Adds pages, each passage with its vector, without a commit.
    fn add(&self, pages: &[Page]) {
        for page in pages {
            let document = page.document();
            let passages = cut(&document, Sizes::default());
            let vectors: Vec<_> = passages.iter().map(|passage| vector_of(&passage.text)).collect();
            let change = Change::Replace(&document, self.class(page.group), &passages, Some(&vectors));
            self.index.change(change).unwrap();
        }
    }

    fn change(&self, change: Change<'_>) {
        self.index.change(change).unwrap();
    }

    fn commit(&self) {
        self.index.commit(self.index.reached() + 1).unwrap();
    }

    fn sight(&self, groups: &[&str]) -> Visibility {
        self.trial.sight(groups)
    }

    /// The ids of the pages found by words alone, best first.
    fn finds(&self, groups: &[&str], words: &str) -> Vec<String> {
        self.finds_in(groups, words, &Scope::default())
    }

    fn finds_in(&self, groups: &[&str], words: &str, scope: &Scope) -> Vec<String> {
        let query = Query { words: words.into(), vector: None };
        let found = self.index.search(&self.sight(groups), &query, scope, 50).unwrap();
        found.iter().map(|found| found.head().id.local().to_owned()).collect()
    }
}

/// A vector of unit length made of the words: texts that share words are close.
fn vector_of(text: &str) -> Box<[f32]> {
    let mut sums = BTreeMap::<usize, f32>::new();
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let number = fields::number_of(&word.to_lowercase());
        *sums.entry((number % 64) as usize).or_default() += if number >> 40 & 1 == 0 { 1.0 } else { -1.0 };
    }
    let length = sums.values().map(|x| x * x).sum::<f32>().sqrt().max(1e-6);
    (0..64).map(|n| sums.get(&n).copied().unwrap_or(0.0) / length).collect()
}
