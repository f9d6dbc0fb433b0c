//! Everything in one space, without its words.

use std::collections::HashSet;
use std::ops::ControlFlow;

use super::abreast::abreast;
use super::client::{Client, Trouble, encoded};
use super::permission::{self, KnownBy};
use super::wire::{ChildTypes, Content, HasChild};
use crate::clock::Moment;
use crate::corpus::{DocumentId, Kind};
use crate::crawl::restriction::Level;
use crate::crawl::source::{File, Item, Listing};
use crate::crawl::words::too_large;
use crate::crawl::{Failure, Settings, scope};
use crate::extract::Format;

/// Rows asked for at once: Data Center gives at most so many with an expansion that is no body.
const ROWS: usize = 200;

/// What a listing of pages and blog posts expands. Not `permissions`, which answers 500 to whoever is no administrator.
pub(super) const PAGE_EXPANDED: &str = "version,history,ancestors,metadata.labels,childTypes.all,\
                             restrictions.read.restrictions.user,restrictions.read.restrictions.group";

/// What a listing of comments expands.
const COMMENT_EXPANDED: &str = "version,history,container,extensions.resolution";

/// What a listing of attachments expands.
const ATTACHMENT_EXPANDED: &str = "version,history,metadata.labels";

/// Rows of a query asked for at once: Data Center gives at most so many where nothing is expanded.
const QUERY_ROWS: usize = 1000;

/// Pages whose attachments are asked for before whoever watches is told.
const PAGES_TOGETHER: usize = 64;

/// A listing under way.
pub(super) struct Lister<'a> {
    client: &'a Client,
    settings: &'a Settings,
    file_bytes_max: u64,
    listing: Listing,
    met: HashSet<DocumentId>,
    /// Pages and blog posts that may have attachments, or comments.
    with_attachments: Vec<String>,
    with_comments: Vec<String>,
    /// Items whose restriction did not come with the listing, by their place.
    unknown: Vec<usize>,
}

/// What takes the rows of one page; it says whether to go on.
type Each<'e, 'a> = &'e mut dyn FnMut(&mut Lister<'a>, Vec<Content>) -> ControlFlow<()>;

/// Who is told how many more items were met.
type Seen<'a> = &'a mut dyn FnMut(u64) -> ControlFlow<()>;

impl<'a> Lister<'a> {
    pub(super) fn new(client: &'a Client, settings: &'a Settings, file_bytes_max: u64) -> Lister<'a> {
        Lister {
            client,
            settings,
            file_bytes_max,
            listing: Listing { is_whole: true, ..Listing::default() },
            met: HashSet::new(),
            with_attachments: Vec::new(),
            with_comments: Vec::new(),
            unknown: Vec::new(),
        }
    }

    /// Lists the space. A part that cannot be listed leaves the listing not whole, and the rest goes on.
    pub(super) fn list(mut self, space: &str, seen: Seen<'_>) -> Listing {
        for kind in [Kind::Page, Kind::Blogpost] {
            if let Err(trouble) = self.all_of(space, kind, "current", seen) {
                self.broken(space, &trouble);
            }
        }
        if self.settings.archived_pages {
            match self.all_of(space, Kind::Page, "archived", seen) {
                Ok(()) => {}
                // A version that archives no pages.
                Err(trouble) if trouble.is_absent() || matches!(trouble, Trouble::Status(400, _)) => {}
                Err(trouble) => self.broken(space, &trouble),
            }
        }
        self.ask_restrictions();
        if !self.settings.cql.trim().is_empty() {
            self.choose(space);
        }
        if scope::takes_kind(self.settings, Kind::Comment) {
            self.comments(space, seen);
        }
        if scope::takes_kind(self.settings, Kind::Attachment) {
            self.attachments(space, seen);
        }
        self.listing
    }

    /// Looks for pages and blog posts by their ids.
    pub(super) fn look_again(mut self, ids: &[DocumentId]) -> Vec<(String, Item)> {
        let client = self.client;
        let read = abreast(ids, |id| {
            client.read::<Content>(&format!("/rest/api/content/{}?expand={PAGE_EXPANDED},space", encoded(id.local())))
        });
        let mut spaces = Vec::new();
        for mut row in read.into_iter().flatten() {
            let kind = match row.r#type.as_deref() {
                Some("page") => Kind::Page,
                Some("blogpost") => Kind::Blogpost,
                // What hangs on a page is listed with it by the next run.
                _ => continue,
            };
            let Some(space) = row.space.take() else { continue };
            let before = self.listing.items.len();
            self.page(row, kind);
            spaces.extend((self.listing.items.len() > before).then_some(space.key));
        }
        self.ask_restrictions();
        spaces.into_iter().zip(self.listing.items).collect()
    }

    /// Takes one row that was read by itself, as if its space had been listed. `container` is what a comment or an attachment
    /// hangs on.
    pub(super) fn take_one(mut self, row: Content, kind: Kind, container: Option<&str>) -> Listing {
        match kind {
            Kind::Page | Kind::Blogpost => self.page(row, kind),
            Kind::Comment => self.comment(row, container),
            Kind::Attachment => self.attachment(row, container),
        }
        self.ask_restrictions();
        self.listing
    }

    /// Leaves out what the query of the settings does not find. Where it cannot be asked, nothing new is taken in, and what is
    /// known stays: the listing is not whole.
    fn choose(&mut self, space: &str) {
        let path = chosen(space, &self.settings.cql);
        let mut found: HashSet<String> = HashSet::new();
        let asked = self.client.rows(&path, QUERY_ROWS, &mut |rows: Vec<Content>| {
            let before = found.len();
            found.extend(rows.into_iter().map(|row| row.id));
            found.len() - before
        });
        leave_out(&mut self.listing, space, asked.map(|()| found));
    }

    fn broken(&mut self, space: &str, trouble: &Trouble) {
        self.listing.is_whole = false;
        self.listing.failures.push(trouble.failure(space));
    }

    /// Pages or blog posts, by `scan` where the version has it: it goes on behind the last row it gave, so that nothing is
    /// skipped or doubled when something is deleted meanwhile.
    fn all_of(&mut self, space: &str, kind: Kind, status: &str, seen: Seen<'_>) -> Result<(), Trouble> {
        let word = if kind == Kind::Page { "page" } else { "blogpost" };
        let query = format!("spaceKey={}&type={word}&status={status}&expand={PAGE_EXPANDED}", encoded(space));
        self.scan_or_list(space, &query, &mut |lister, rows: Vec<Content>| {
            let count = rows.len() as u64;
            rows.into_iter().for_each(|row| lister.page(row, kind));
            seen(count)
        })
    }

    fn scan_or_list(&mut self, space: &str, query: &str, each: Each<'_, 'a>) -> Result<(), Trouble> {
        let client = self.client;
        let scanned = client.scan(&format!("/rest/api/content/scan?{query}"), ROWS, &mut |rows| each(self, rows));
        match scanned {
            // Versions without it, and those that break under a row of it: a cursor cannot be led around that row.
            Err(trouble) if trouble.is_absent() || matches!(trouble, Trouble::Status(500, _)) => {
                // What the broken listing gave is known already, and new to this one all the same.
                let mut met: HashSet<String> = HashSet::new();
                let path = format!("/rest/api/content?{query}");
                let bad = client.rows_but_bad(&path, ROWS, &mut |rows: Vec<Content>| {
                    let new = rows.iter().filter(|row| met.insert(row.id.clone())).count();
                    if each(self, rows).is_break() { 0 } else { new }
                })?;
                if bad > 0 {
                    self.listing.is_whole = false;
                    self.listing.failures.push(Failure {
                        what: space.to_owned(),
                        code: "rows_broken".to_owned(),
                        cause: format!(
                            "Confluence breaks when it lists {bad} of the space's pages; they are as they were"
                        ),
                        remedy: "look into Confluence's log for which they are and why".to_owned(),
                    });
                }
                Ok(())
            }
            outcome => outcome,
        }
    }

    fn page(&mut self, row: Content, kind: Kind) {
        let has = |kind: fn(&ChildTypes) -> Option<&HasChild>| {
            // Where the version does not tell, there may be some.
            row.child_types.as_ref().and_then(kind).is_none_or(|has| has.value)
        };
        let (has_attachments, has_comments) =
            (has(|types| types.attachment.as_ref()), has(|types| types.comment.as_ref()));
        let local = row.id.clone();
        let level = permission::level_of(row.restrictions.as_ref().and_then(|all| all.read.as_ref()), KnownBy::Name);
        let above = row.ancestors.as_ref().map(|above| above.iter().map(|above| self.id(&above.id)).collect());
        let ancestors: Option<Option<Vec<DocumentId>>> = above;
        let Some(mut item) = self.item(row, kind) else { return };
        if level == Level::Unknown {
            self.unknown.push(self.listing.items.len());
        } else if permission::is_cut(&level) {
            self.listing.failures.push(cut(&item.id));
        }
        item.level = level;
        match (kind, ancestors) {
            (Kind::Page, Some(Some(ancestors))) => item.ancestors = ancestors,
            // Without its ancestors nobody knows what restricts it.
            (Kind::Page, _) => item.level = Level::Unknown,
            _ => {}
        }
        self.listing.items.push(item);
        if has_attachments {
            self.with_attachments.push(local.clone());
        }
        if has_comments {
            self.with_comments.push(local);
        }
    }

    fn id(&self, local: &str) -> Option<DocumentId> {
        DocumentId::new(self.settings.name.as_str(), local)
    }

    /// What pages, comments and attachments have in common; `None` for what does not stand or was met before.
    fn item(&mut self, row: Content, kind: Kind) -> Option<Item> {
        if !scope::takes_status(self.settings, kind, row.status.as_deref()) {
            return None;
        }
        let id = self.id(&row.id)?;
        if !self.met.insert(id.clone()) {
            return None;
        }
        let version = row.version.unwrap_or_default();
        let labels = row.metadata.labels.map(|labels| labels.results).unwrap_or_default();
        let mut labels: Vec<String> = labels.into_iter().map(|label| label.name.to_lowercase()).collect();
        labels.sort();
        labels.dedup();
        let author = version.by.and_then(|by| by.display_name).unwrap_or_default();
        Some(Item {
            id,
            kind,
            title: row.title,
            url: row.links.webui.and_then(|path| self.client.address(&path)).unwrap_or_default(),
            container: None,
            ancestors: Vec::new(),
            labels,
            author,
            updated_ms: Moment::parse(&version.when).map_or(0, Moment::ms),
            made: row.history.unwrap_or_default().made(),
            revision: version.number,
            level: Level::Open,
            file: None,
            is_left_out: false,
        })
    }

    /// Asks one by one for restrictions that the listing left out.
    fn ask_restrictions(&mut self) {
        let unknown = std::mem::take(&mut self.unknown);
        let locals: Vec<(usize, String)> = unknown
            .into_iter()
            .filter_map(|place| Some((place, self.listing.items.get(place)?.id.local().to_owned())))
            .collect();
        let asked = abreast(&locals, |(_, local)| permission::ask(self.client, local, KnownBy::Name));
        for ((place, _), level) in locals.into_iter().zip(asked) {
            let Some(item) = self.listing.items.get_mut(place) else { continue };
            match level {
                Ok(level) => {
                    if permission::is_cut(&level) {
                        self.listing.failures.push(cut(&item.id));
                    }
                    item.level = level;
                }
                Err(trouble) => self.listing.failures.push(trouble.failure(item.id.as_str())),
            }
        }
    }

    fn comments(&mut self, space: &str, seen: Seen<'_>) {
        let query = format!("spaceKey={}&type=comment&status=current&expand={COMMENT_EXPANDED}", encoded(space));
        let client = self.client;
        let scanned = client.scan(&format!("/rest/api/content/scan?{query}"), ROWS, &mut |rows: Vec<Content>| {
            let count = rows.len() as u64;
            rows.into_iter().for_each(|row| self.comment(row, None));
            seen(count)
        });
        match scanned {
            Ok(()) => {}
            // Versions without `scan`, or whose `scan` knows no comments, list them below each page.
            Err(trouble) if trouble.is_absent() || matches!(trouble, Trouble::Status(400, _)) => {
                let pages = std::mem::take(&mut self.with_comments);
                let path = |page: &str| {
                    format!("/rest/api/content/{}/child/comment?depth=all&expand={COMMENT_EXPANDED}", encoded(page))
                };
                self.below(space, &pages, path, seen, Lister::comment);
            }
            Err(trouble) => self.broken(space, &trouble),
        }
    }

    fn attachments(&mut self, space: &str, seen: Seen<'_>) {
        let pages = std::mem::take(&mut self.with_attachments);
        let path =
            |page: &str| format!("/rest/api/content/{}/child/attachment?expand={ATTACHMENT_EXPANDED}", encoded(page));
        self.below(space, &pages, path, seen, Lister::attachment);
    }

    /// Lists what hangs on each of some pages.
    fn below(
        &mut self,
        space: &str,
        pages: &[String],
        path: impl Fn(&str) -> String + Sync,
        seen: Seen<'_>,
        take: impl Fn(&mut Self, Content, Option<&str>),
    ) {
        for some in pages.chunks(PAGES_TOGETHER) {
            let client = self.client;
            let read = abreast(some, |page| {
                let mut all: Vec<Content> = Vec::new();
                let mut met = HashSet::new();
                client
                    .rows(&path(page), ROWS, &mut |rows: Vec<Content>| {
                        let before = all.len();
                        all.extend(rows.into_iter().filter(|row| met.insert(row.id.clone())));
                        all.len() - before
                    })
                    .map(|()| all)
            });
            let mut count = 0;
            for (page, rows) in some.iter().zip(read) {
                match rows {
                    Ok(rows) => {
                        count += rows.len() as u64;
                        rows.into_iter().for_each(|row| take(self, row, Some(page)));
                    }
                    // The page went while the space was listed; what hung on it went too.
                    Err(trouble) if trouble.is_absent() => {}
                    Err(trouble) => self.broken(space, &trouble),
                }
            }
            if seen(count).is_break() {
                return;
            }
        }
    }

    fn comment(&mut self, row: Content, page: Option<&str>) {
        let is_resolved = row.extensions.location.as_deref() == Some("resolved")
            || row.extensions.resolution.as_ref().and_then(|resolution| resolution.status.as_deref())
                == Some("resolved");
        if is_resolved && !self.settings.resolved_comments {
            return;
        }
        let container = row.container.as_ref().map(|container| container.id.clone());
        let container = container.as_deref().or(page).and_then(|container| self.id(container));
        let Some(item) = self.item(row, Kind::Comment) else { return };
        match container {
            Some(container) => self.listing.items.push(Item { container: Some(container), ..item }),
            // Its readers are its page's: without one nobody knows who they are.
            None => self.listing.failures.push(Failure {
                what: item.id.to_string(),
                code: "no_container".to_owned(),
                cause: "Confluence does not say which page this comment hangs on".to_owned(),
                remedy: "look whether the page still exists".to_owned(),
            }),
        }
    }

    fn attachment(&mut self, row: Content, page: Option<&str>) {
        let media_type =
            row.extensions.media_type.clone().or_else(|| row.metadata.media_type.clone()).unwrap_or_default();
        let (size, download) = (row.extensions.file_size.unwrap_or(0), row.links.download.clone());
        if Format::of(&media_type, &row.title).is_none() || !scope::takes_file(self.settings, &media_type, size) {
            self.listing.files_left_out += 1;
            return;
        }
        let container = page.and_then(|page| self.id(page));
        let Some(item) = self.item(row, Kind::Attachment) else { return };
        let (Some(container), Some(path)) = (container, download) else { return };
        if size > self.file_bytes_max {
            self.listing.files_left_out += 1;
            self.listing.failures.push(too_large(&item.id, size, self.file_bytes_max));
            return;
        }
        let file = Some(File { media_type, path });
        self.listing.items.push(Item { container: Some(container), file, ..item });
    }
}

/// That a restriction names more than can be listed.
pub(super) fn cut(id: &DocumentId) -> Failure {
    Failure {
        what: id.to_string(),
        code: "restriction_cut".to_owned(),
        cause: format!(
            "it is left to {} users or groups or more; those beyond do not find it",
            permission::SUBJECTS_MAX
        ),
        remedy: "leave the page to a group instead of to so many".to_owned(),
    }
}

/// Where a space's pages and blog posts are asked for that meet the condition of the settings.
pub(super) fn chosen(space: &str, condition: &str) -> String {
    let key = space.replace(['\\', '"'], "");
    let query = format!("space = \"{key}\" and type in (page, blogpost) and ({condition})");
    format!("/rest/api/content/search?cql={}", encoded(&query))
}

/// Leaves out what was not found. Where it could not be asked, nothing new is taken in, and what is known stays: the listing
/// is not whole.
pub(super) fn leave_out(listing: &mut Listing, space: &str, found: Result<HashSet<String>, Trouble>) {
    let found = found.unwrap_or_else(|trouble| {
        listing.is_whole = false;
        listing.failures.push(Failure {
            remedy: "look whether Confluence's own search takes the condition that the source's cql gives".to_owned(),
            ..trouble.failure(space)
        });
        HashSet::new()
    });
    for item in &mut listing.items {
        item.is_left_out = !found.contains(item.id.local());
    }
}
