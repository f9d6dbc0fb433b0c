//! What stands in one space of an export, without its words.

use std::collections::HashSet;
use std::ops::ControlFlow;

use super::contents::{Contents, Hanging, Page, Version};
use super::people::Known;
use crate::clock::Moment;
use crate::corpus::{DocumentId, Kind, Made};
use crate::crawl::restriction::Level;
use crate::crawl::source::{File, Item, Listing};
use crate::crawl::words::too_large;
use crate::crawl::{Settings, scope};
use crate::extract::Format;

/// Pages above a page that are followed; a wiki has a dozen.
const ABOVE_MAX: usize = 1_000;

/// Items after which whoever watches is told.
const TOLD_AFTER: u64 = 1_000;

/// Lists what an export holds.
pub(super) struct Lister<'a> {
    pub contents: &'a Contents,
    pub known: &'a Known,
    pub settings: &'a Settings,
    pub file_bytes_max: u64,
    /// Whether the export has attached files.
    pub has_files: bool,
}

impl Lister<'_> {
    /// Everything in the space of this id.
    pub(super) fn list(&self, space: &str, seen: &mut dyn FnMut(u64) -> ControlFlow<()>) -> Listing {
        let mut listing = Listing { is_whole: true, ..Listing::default() };
        let mut untold = 0;
        let mut tell = |count: u64, last: bool| {
            untold += count;
            if untold < TOLD_AFTER && !last {
                return ControlFlow::Continue(());
            }
            seen(std::mem::take(&mut untold))
        };
        for (id, page) in self.contents.pages.iter().filter(|(_, page)| &*page.space == space) {
            listing.items.extend(self.page(id, page));
            if tell(1, false).is_break() {
                return listing;
            }
        }
        let is_here = |on: &str| self.contents.pages.get(on).is_some_and(|page| &*page.space == space);
        if scope::takes_kind(self.settings, Kind::Comment) {
            for (id, comment) in self.contents.comments.iter().filter(|(_, comment)| is_here(&comment.on)) {
                listing.items.extend(self.comment(id, comment));
                if tell(1, false).is_break() {
                    return listing;
                }
            }
        }
        if scope::takes_kind(self.settings, Kind::Attachment) {
            for (id, file) in self.contents.files.iter().filter(|(_, file)| is_here(&file.on)) {
                self.file(id, file, &mut listing);
                if tell(1, false).is_break() {
                    return listing;
                }
            }
        }
        let _ = tell(0, true);
        listing
    }

    fn id(&self, local: &str) -> Option<DocumentId> {
        DocumentId::new(self.settings.name.as_str(), local)
    }

    fn item(&self, id: DocumentId, kind: Kind, title: &str, url: String, version: &Version) -> Item {
        let author = version.by.as_deref().map(|by| self.known.display_name(by).unwrap_or_default());
        Item {
            id,
            kind,
            title: title.to_owned(),
            url,
            container: None,
            ancestors: Vec::new(),
            labels: Vec::new(),
            author: author.unwrap_or_default().to_owned(),
            updated_ms: self.contents.descriptor.zone.moment(&version.when).map_or(0, Moment::ms),
            made: Made::default(),
            revision: version.number,
            level: Level::Open,
            file: None,
            is_left_out: false,
        }
    }

    fn page(&self, local: &str, page: &Page) -> Option<Item> {
        let url = self.address(&format!("/pages/viewpage.action?pageId={local}"));
        let item = self.item(self.id(local)?, page.kind, &page.title, url, &page.version);
        let own = self.contents.grants.level(local, &page.sets, self.known);
        let (ancestors, level) = match self.above(local, page) {
            Some(above) => (above, own),
            None => (Vec::new(), Level::Unknown),
        };
        let labels = self.contents.labels(local, page);
        let is_left_out = page.is_archived && !self.settings.archived_pages;
        Some(Item { ancestors, level, labels, is_left_out, ..item })
    }

    /// The pages above, root first; `None` where the way up does not end. One that is not in the export is among them, so
    /// that nobody passes it.
    fn above(&self, local: &str, page: &Page) -> Option<Vec<DocumentId>> {
        let (mut above, mut met) = (Vec::new(), HashSet::from([local]));
        let mut next = page.parent.as_deref();
        while let Some(parent) = next.filter(|_| page.kind == Kind::Page) {
            if !met.insert(parent) || above.len() == ABOVE_MAX {
                return None;
            }
            above.push(self.id(parent)?);
            next = self.contents.pages.get(parent).and_then(|page| page.parent.as_deref());
        }
        above.reverse();
        Some(above)
    }

    fn comment(&self, local: &str, comment: &Hanging) -> Option<Item> {
        let is = |name: &str| self.contents.property(local, &comment.version, name);
        let is_resolved = is("inline-comment").is_some() && matches!(is("status"), Some("resolved" | "dangling"));
        if is_resolved && !self.settings.resolved_comments {
            return None;
        }
        let url = self
            .address(&format!("/pages/viewpage.action?pageId={}&focusedCommentId={local}#comment-{local}", comment.on));
        let item = self.item(self.id(local)?, Kind::Comment, &comment.title, url, &comment.version);
        Some(Item { container: Some(self.id(&comment.on)?), ..item })
    }

    fn file(&self, local: &str, file: &Hanging, listing: &mut Listing) {
        let property = |name: &str| self.contents.property(local, &file.version, name);
        let media_type = file.media_type.as_deref().or_else(|| property("MEDIA_TYPE")).unwrap_or_default();
        let bytes = file.bytes.or_else(|| property("FILESIZE")?.parse().ok()).unwrap_or(0);
        let is_read =
            Format::of(media_type, &file.title).is_some() && scope::takes_file(self.settings, media_type, bytes);
        if !is_read || !self.has_files {
            listing.files_left_out += 1;
            return;
        }
        // A file and a page may have had one number: they were kept apart once.
        let (Some(id), Some(on)) = (self.id(&format!("att{local}")), self.id(&file.on)) else { return };
        if bytes > self.file_bytes_max {
            listing.files_left_out += 1;
            listing.failures.push(too_large(&id, bytes, self.file_bytes_max));
            return;
        }
        let url = self.address(&format!("/pages/viewpageattachments.action?pageId={}", file.on));
        let item = self.item(id, Kind::Attachment, &file.title, url, &file.version);
        let path = format!("attachments/{}/{local}/{}", file.on, file.version.number);
        let is_safe = [&*file.on, local].iter().all(|id| id.bytes().all(|byte| byte.is_ascii_digit()));
        if is_safe {
            let read = File { media_type: media_type.to_owned(), path };
            listing.items.push(Item { container: Some(on), file: Some(read), ..item });
        }
    }

    /// Where a person opens something, where the settings name a wiki that still stands.
    fn address(&self, path: &str) -> String {
        let base = self.settings.pages_url.as_ref().unwrap_or(&self.settings.url);
        match base.scheme() {
            "http" | "https" => format!("{}{path}", base.as_str().trim_end_matches('/')),
            _ => String::new(),
        }
    }
}
