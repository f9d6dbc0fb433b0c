//! One page, blog post or comment of Cloud read by itself, with everything that decides who may read it.

use std::collections::HashMap;
use std::sync::PoisonError;

use super::super::client::{Trouble, encoded};
use super::super::wire::{self as version_1, Rows, User};
use super::Cloud;
use super::listing::Lister;
use super::tree::{Above, Tree};
use super::wire::{self, Content};
use crate::corpus::{Kind, Space};
use crate::crawl::markup::{self, Names};
use crate::crawl::source::{Item, Listing, One};
use crate::crawl::{Failure, Wanted};

/// Pages and folders above one page that are read.
const ABOVE_MAX: usize = 200;

impl Cloud<'_> {
    pub(super) fn read_one(&self, wanted: &Wanted, names: &Names<'_>) -> Result<One, Failure> {
        let id = match wanted {
            Wanted::Id(id) => id.clone(),
            Wanted::Titled { space, title } => self.id_of(space, title)?,
        };
        let failure = |trouble: Trouble| trouble.failure(&format!("{}:{id}", self.settings.name));
        let (kind, row) = self.row_of(&id).map_err(failure)?;
        let storage = row.body.as_ref().and_then(|body| body.storage.as_ref()).map(|storage| storage.value.clone());
        let people = self.people_of(&row);
        // A comment's readers are those of its page, and so is its space.
        let held_by = row.page_id.clone().or_else(|| row.blog_post_id.clone()).filter(|_| kind == Kind::Comment);
        let (comment, (kind, page)) = match held_by {
            Some(page) => (Some(row), self.row_of(&page).map_err(failure)?),
            None => (None, (kind, row)),
        };
        let space = page.space_id.as_deref().ok_or_else(|| failure(Trouble::Garbage))?;
        let space: wire::Space = self.client.read(&format!("/api/v2/spaces/{}", encoded(space))).map_err(failure)?;
        let mut known = self.spaces.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(space.key.clone(), space.id.clone());
        drop(known);

        let page_id = page.id.clone();
        let mut tree = Tree::default();
        let mut rows = self.above(&page, kind, &mut tree);
        rows.insert(0, (page, kind));
        let lister = Lister::new(&self.client, self.settings, &people, self.extractor.file_bytes_max());
        let Listing { mut items, mut failures, .. } = lister.take_one(rows, tree, comment);
        self.choose(&page_id, &mut items, &mut failures);
        let words = match items.first() {
            Some(item) => self.body(item).map_err(failure).and_then(|content| self.words(content, item, names)),
            None => Err(failure(Trouble::Status(404, false))),
        };
        Ok(One {
            items,
            is_personal: space.r#type == "personal" || space.key.starts_with('~'),
            is_archived: space.status == "archived",
            space: Space { name: if space.name.is_empty() { space.key.clone() } else { space.name }, key: space.key },
            words,
            macros: storage.as_deref().map(markup::macros).unwrap_or_default(),
            failures,
        })
    }

    /// What has this id, with its words. An id does not tell of what kind it is.
    fn row_of(&self, id: &str) -> Result<(Kind, Content), Trouble> {
        let kinds = [
            ("pages", Kind::Page),
            ("blogposts", Kind::Blogpost),
            ("footer-comments", Kind::Comment),
            ("inline-comments", Kind::Comment),
        ];
        for (word, kind) in kinds {
            match self.client.read(&format!("/api/v2/{word}/{}?body-format=storage", encoded(id))) {
                Ok(row) => return Ok((kind, row)),
                Err(trouble) if trouble.is_absent() => {}
                Err(trouble) => return Err(trouble),
            }
        }
        Err(Trouble::Status(404, false))
    }

    fn id_of(&self, space: &str, title: &str) -> Result<String, Failure> {
        let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
        let query =
            format!("space = \"{}\" and title = \"{}\" and type in (page, blogpost)", quoted(space), quoted(title));
        let found: Rows<version_1::Content> = self
            .client
            .read(&format!("/rest/api/content/search?cql={}&limit=1", encoded(&query)))
            .map_err(|trouble| trouble.failure(space))?;
        let first = found.results.into_iter().next().map(|row| row.id);
        first.ok_or_else(|| Trouble::Status(404, false).failure(space))
    }

    /// Display names of who made and changed something; who cannot be read has none.
    fn people_of(&self, row: &Content) -> HashMap<Box<str>, String> {
        let editor = row.version.as_ref().and_then(|version| version.author_id.as_deref());
        let named = [editor, row.author_id.as_deref()].into_iter().flatten().filter_map(|id| {
            let user: User = self.client.read(&format!("/rest/api/user?accountId={}", encoded(id))).ok()?;
            Some((Box::from(id), user.display_name?))
        });
        named.collect()
    }

    /// The pages above a page, the nearest first, as far as they can be read. What stands in the way stays on it, and nobody
    /// passes it.
    fn above(&self, page: &Content, kind: Kind, tree: &mut Tree) -> Vec<(Content, Kind)> {
        let parent = |row: &Content| {
            let kind = row.parent_type.clone().unwrap_or_default();
            row.parent_id.clone().map(|id| Above { id, kind })
        };
        let mut rows = Vec::new();
        if kind != Kind::Page {
            return rows;
        }
        let mut at = parent(page);
        tree.put(&page.id, at.clone());
        for _ in 0..ABOVE_MAX {
            let Some(above) = at.take() else { break };
            let is_folder = matches!(above.kind.as_str(), "folder" | "whiteboard" | "database" | "embed");
            let word = if is_folder { above.kind.as_str() } else { "page" };
            if is_folder && !self.settings.folders_are_open {
                break;
            }
            let Ok(row) = self.client.read::<Content>(&format!("/api/v2/{word}s/{}", encoded(&above.id))) else {
                break;
            };
            if row.id != above.id {
                break;
            }
            at = parent(&row);
            if is_folder {
                tree.open(&above.id, at.clone());
            } else {
                tree.put(&above.id, at.clone());
                rows.push((row, Kind::Page));
            }
        }
        rows
    }

    /// Asks whether the condition of the settings finds the page.
    fn choose(&self, page: &str, items: &mut [Item], failures: &mut Vec<Failure>) {
        let condition = self.settings.cql.trim();
        if condition.is_empty() {
            return;
        }
        let query = encoded(&format!("id = {page} and ({condition})"));
        let found: Result<Rows<version_1::Content>, Trouble> =
            self.client.read(&format!("/rest/api/content/search?cql={query}&limit=1"));
        let is_found = found.as_ref().is_ok_and(|found| found.results.iter().any(|row| row.id == page));
        if let Err(trouble) = found {
            failures.push(trouble.failure(&format!("{}:{page}", self.settings.name)));
        }
        for item in items.iter_mut().filter(|item| item.id.local() == page) {
            item.is_left_out = !is_found;
        }
    }
}
