//! What a source would give with its settings as they are: counts, without reading any words.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::source::{Item, Source};
use super::{Failure, Settings, scope};
use crate::corpus::{DocumentId, Kind};

/// How many there are of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Pages.
    pub pages: u64,
    /// Blog posts.
    pub blogposts: u64,
    /// Comments.
    pub comments: u64,
    /// Attachments.
    pub attachments: u64,
}

impl Counts {
    fn add(&mut self, kind: Kind) {
        let count = match kind {
            Kind::Page => &mut self.pages,
            Kind::Blogpost => &mut self.blogposts,
            Kind::Comment => &mut self.comments,
            Kind::Attachment => &mut self.attachments,
        };
        *count += 1;
    }
}

/// One space that is taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpacePreview {
    /// Its key.
    pub key: String,
    /// Its name.
    pub name: String,
    /// What would be in the index.
    pub taken: Counts,
    /// What the settings leave out. Attachments of kinds that are not read are among them, and those that are too large.
    pub left_out: Counts,
}

/// What a source would give.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preview {
    /// The spaces that are taken in, in the source's order.
    pub spaces: Vec<SpacePreview>,
    /// What could not be counted.
    pub failures: Vec<Failure>,
}

/// Counts what a source would give.
pub(super) fn preview(source: &dyn Source, settings: &Settings) -> Preview {
    let mut preview = Preview::default();
    let spaces = match source.connect().and_then(|_| source.spaces()) {
        Ok(spaces) => spaces,
        Err(failure) => return Preview { failures: vec![failure], ..preview },
    };
    for space in spaces {
        let listing = source.list(&space, &mut |_| ControlFlow::Continue(()));
        let items: BTreeMap<&DocumentId, &Item> = listing.items.iter().map(|item| (&item.id, item)).collect();
        let mut taken = Counts::default();
        let mut left_out = Counts { attachments: listing.files_left_out, ..Counts::default() };
        for item in &listing.items {
            let holder = item.container.as_ref().and_then(|id| items.get(id).copied());
            let counts = if scope::takes(settings, item, holder) { &mut taken } else { &mut left_out };
            counts.add(item.kind);
        }
        preview.spaces.push(SpacePreview { key: space.key, name: space.name, taken, left_out });
        preview.failures.extend(listing.failures);
    }
    preview
}
