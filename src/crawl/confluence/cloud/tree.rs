//! The way up from each page of a space, made of each page's next one up.

use std::collections::{BTreeMap, BTreeSet};

/// What a page or a folder stands below: an id and its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Above {
    /// The id.
    pub id: String,
    /// `page`, `folder`, `whiteboard`, `database`, `embed`; empty where it is not told.
    pub kind: String,
}

/// A space's tree.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// What each listed page stands below; `None` at the top.
    pages: BTreeMap<String, Option<Above>>,
    /// The same of folders and their like that are taken for open.
    open: BTreeMap<String, Option<Above>>,
}

impl Tree {
    /// Puts a listed page in.
    pub(super) fn put(&mut self, page: &str, above: Option<Above>) {
        self.pages.insert(page.to_owned(), above);
    }

    /// Puts in a folder that restricts nothing, so that it is passed over.
    pub(super) fn open(&mut self, folder: &str, above: Option<Above>) {
        self.open.insert(folder.to_owned(), above);
    }

    /// What pages or open folders stand below and is neither: folders and their like, and pages that were not listed.
    pub(super) fn unlisted(&self) -> BTreeSet<(String, String)> {
        let above = self.pages.values().chain(self.open.values()).flatten();
        let unlisted = above.filter(|above| !self.pages.contains_key(&above.id) && !self.open.contains_key(&above.id));
        unlisted.map(|above| (above.id.clone(), above.kind.clone())).collect()
    }

    /// Everything above a page, root first: pages, and whatever is neither listed nor open, which nobody passes. `None` where
    /// the way does not end.
    pub(super) fn way_up(&self, page: &str) -> Option<Vec<String>> {
        let mut way: Vec<String> = Vec::new();
        let mut met: BTreeSet<&str> = BTreeSet::from([page]);
        let mut at = self.pages.get(page)?.as_ref();
        while let Some(above) = at {
            if !met.insert(&above.id) {
                return None;
            }
            at = match (self.open.get(&above.id), self.pages.get(&above.id)) {
                (Some(next), _) => next.as_ref(),
                (None, Some(next)) => {
                    way.push(above.id.clone());
                    next.as_ref()
                }
                (None, None) => {
                    way.push(above.id.clone());
                    None
                }
            };
        }
        way.reverse();
        Some(way)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(pages: &[(&str, &str, &str)]) -> Tree {
        let mut tree = Tree::default();
        for (page, above, kind) in pages {
            let above = (!above.is_empty()).then(|| Above { id: (*above).to_owned(), kind: (*kind).to_owned() });
            tree.put(page, above);
        }
        tree
    }

    #[test]
    fn a_way_up_is_told_from_the_root() {
        let tree = tree(&[("1", "", ""), ("2", "1", "page"), ("3", "2", "page")]);

        assert_eq!(tree.way_up("3").unwrap(), ["1", "2"]);
        assert_eq!(tree.way_up("1").unwrap(), Vec::<String>::new());
        assert!(tree.unlisted().is_empty());
    }

    #[test]
    fn a_folder_stands_in_the_way_unless_it_is_open() {
        let mut tree = tree(&[("1", "", ""), ("3", "f", "folder"), ("4", "3", "page")]);
        assert_eq!(tree.way_up("4").unwrap(), ["f", "3"]);
        assert_eq!(tree.unlisted(), BTreeSet::from([("f".to_owned(), "folder".to_owned())]));

        tree.open("f", Some(Above { id: "1".to_owned(), kind: "page".to_owned() }));

        assert_eq!(tree.way_up("4").unwrap(), ["1", "3"]);
    }

    #[test]
    fn a_page_above_that_was_not_listed_ends_the_way_and_stays_on_it() {
        assert_eq!(tree(&[("2", "draft", "page")]).way_up("2").unwrap(), ["draft"]);
    }

    #[test]
    fn a_way_that_does_not_end_is_none() {
        let tree = tree(&[("1", "2", "page"), ("2", "1", "page"), ("3", "1", "page")]);

        assert_eq!((tree.way_up("1"), tree.way_up("3"), tree.way_up("4")), (None, None, None));
    }
}
