//! Everything in one space of Confluence Cloud, without its words.
//!
//! Version 2 lists what there is, and tells of each page the next one up; restrictions, labels and whether anything hangs on a
//! page are told by version 1 alone, whose search gives them many at a time. What the search leaves out (its index lags) is
//! asked for page by page: a restriction that did not come is never taken for open.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::ControlFlow;

use super::super::abreast::abreast;
use super::super::client::{Client, Trouble, encoded};
use super::super::listing::{chosen, cut, leave_out};
use super::super::permission::{self, KnownBy};
use super::super::wire::{self as version_1, HasChild, Label};
use super::permission::all;
use super::tree::{Above, Tree};
use super::wire::{Ancestor, Content};
use super::{ROWS, Seen};
use crate::clock::Moment;
use crate::corpus::{DocumentId, Kind, Made};
use crate::crawl::restriction::Level;
use crate::crawl::source::{File, Item, Listing};
use crate::crawl::words::too_large;
use crate::crawl::{Failure, Settings, scope};
use crate::extract::Format;

/// Rows of the search asked for at once: it gives no more with an expansion.
const SEARCH_ROWS: usize = 200;

/// What the search expands. Not `ancestors`: with one draft among them the whole batch is not found (CONFCLOUD-77618).
const EXPANDED: &str = "metadata.labels,childTypes.all,restrictions.read.restrictions.user,\
                        restrictions.read.restrictions.group";

/// Pages whose comments and attachments are asked for before whoever watches is told.
const PAGES_TOGETHER: usize = 64;

/// Comments that answer each other are followed so deep.
const ANSWERS_MAX: usize = 50;

/// What the search says of a page.
struct Known {
    level: Level,
    labels: Vec<String>,
    has_comments: bool,
    has_attachments: bool,
}

/// A listing under way.
pub(super) struct Lister<'a> {
    pub client: &'a Client,
    pub settings: &'a Settings,
    /// Display names by account id.
    pub names: &'a HashMap<Box<str>, String>,
    pub file_bytes_max: u64,
    listing: Listing,
    met: HashSet<DocumentId>,
}

impl<'a> Lister<'a> {
    pub(super) fn new(
        client: &'a Client,
        settings: &'a Settings,
        names: &'a HashMap<Box<str>, String>,
        file_bytes_max: u64,
    ) -> Lister<'a> {
        let listing = Listing { is_whole: true, ..Listing::default() };
        Lister { client, settings, names, file_bytes_max, listing, met: HashSet::new() }
    }

    /// Lists the space with this id and key. A part that cannot be listed leaves the listing not whole, and the rest goes on.
    pub(super) fn list(mut self, id: &str, key: &str, seen: Seen<'_>) -> Listing {
        let mut tree = Tree::default();
        let archived = self.settings.archived_pages.then_some((Kind::Page, "archived"));
        for (kind, status) in [(Kind::Page, "current"), (Kind::Blogpost, "current")].into_iter().chain(archived) {
            if let Err(trouble) = self.all_of(id, (kind, status), &mut tree, seen) {
                self.broken(key, &trouble);
            }
        }
        self.place(tree);
        // Where the search fails, everything is asked for page by page.
        let mut known = self.search(key).unwrap_or_default();
        self.ask_unknown(&mut known);
        let holders: Vec<(Kind, String, DocumentId)> =
            self.listing.items.iter().map(|item| (item.kind, item.id.local().to_owned(), item.id.clone())).collect();
        let has = |local: &str, what: fn(&Known) -> bool| known.get(local).is_none_or(what);
        let of = |what: fn(&Known) -> bool| -> Vec<(Kind, String, DocumentId)> {
            holders.iter().filter(|(_, local, _)| has(local, what)).cloned().collect()
        };
        let (commented, attached) = (of(|known| known.has_comments), of(|known| known.has_attachments));
        self.tell(&mut known);
        let levels: Vec<DocumentId> = self
            .listing
            .items
            .iter()
            .filter(|item| permission::is_cut(&item.level))
            .map(|item| item.id.clone())
            .collect();
        self.listing.failures.extend(levels.iter().map(cut));
        if !self.settings.cql.trim().is_empty() {
            let found = self.chosen(key);
            leave_out(&mut self.listing, key, found);
        }
        if scope::takes_kind(self.settings, Kind::Comment) {
            let of = if self.settings.resolved_comments { all_comments } else { comments };
            self.below(key, &commented, of, seen, Lister::comment);
        }
        if scope::takes_kind(self.settings, Kind::Attachment) {
            self.below(key, &attached, attachments, seen, Lister::attachment);
        }
        self.listing
    }

    /// Looks for pages and blog posts by their ids. `spaces` are the ids of spaces by their keys. One that stands in a folder, or
    /// whose way up is not told, is not given: the next listing says how it stands.
    pub(super) fn look_again(mut self, ids: &[DocumentId], spaces: &HashMap<String, String>) -> Vec<(String, Item)> {
        let keys: HashMap<&str, &String> = spaces.iter().map(|(key, id)| (id.as_str(), key)).collect();
        let locals: Vec<&str> = ids.iter().map(DocumentId::local).collect();
        let mut found = Vec::new();
        for kind in [Kind::Page, Kind::Blogpost] {
            let path = format!("/api/v2/{}?id={}", resource(kind), encoded(&locals.join(",")));
            for row in all::<Content>(self.client, &path).unwrap_or_default() {
                let (id, key) = (row.id.clone(), row.space_id.as_deref().and_then(|id| keys.get(id)));
                let (Some(key), Some(mut item)) = (key, self.item(row, kind)) else { continue };
                if kind == Kind::Page {
                    let path = format!("/api/v2/pages/{}/ancestors?", encoded(&id));
                    let Ok(above) = all::<Ancestor>(self.client, &path) else { continue };
                    let source = self.settings.name.as_str();
                    let way = above.iter().map(|above| match above.r#type.as_str() {
                        "page" => DocumentId::new(source, &above.id),
                        _ => None,
                    });
                    let Some(way) = way.collect() else { continue };
                    item.ancestors = way;
                }
                found.push((*key).clone());
                self.listing.items.push(item);
            }
        }
        let mut known = HashMap::new();
        self.ask_unknown(&mut known);
        for item in &mut self.listing.items {
            match known.remove(item.id.local()) {
                Some(known) => (item.labels, item.level) = (known.labels, known.level),
                None => item.level = Level::Unknown,
            }
        }
        found.into_iter().zip(self.listing.items).collect()
    }

    /// Takes a page or blog post that was read by itself, the first of `rows`, with the pages above it, and perhaps a comment on
    /// it, which then comes first.
    pub(super) fn take_one(mut self, rows: Vec<(Content, Kind)>, tree: Tree, comment: Option<Content>) -> Listing {
        let page = rows.first().and_then(|(row, _)| DocumentId::new(self.settings.name.as_str(), &row.id));
        for (row, kind) in rows {
            let item = self.item(row, kind);
            self.listing.items.extend(item);
        }
        let is_there =
            |listing: &Listing| page.is_some() && listing.items.first().map(|item| &item.id) == page.as_ref();
        if !is_there(&self.listing) {
            // It is no current version: what else was read is not what was asked for.
            self.listing.items.clear();
            return self.listing;
        }
        self.place(tree);
        let mut known = HashMap::new();
        self.ask_unknown(&mut known);
        self.tell(&mut known);
        if let (Some(comment), Some(page)) = (comment, page) {
            let pages = self.listing.items.len();
            self.comment(comment, &page);
            match self.listing.items.len() > pages {
                true => self.listing.items.rotate_right(1),
                false => self.listing.items.clear(),
            }
        }
        self.listing
    }

    /// Gives each page its labels and its restriction. Of what is not known nobody finds it.
    fn tell(&mut self, known: &mut HashMap<String, Known>) {
        for item in &mut self.listing.items {
            if let Some(known) = known.remove(item.id.local()) {
                item.labels = known.labels;
                // A page whose way up is not known stays so.
                if item.level != Level::Unknown {
                    item.level = known.level;
                }
            } else {
                item.level = Level::Unknown;
            }
        }
    }

    fn broken(&mut self, space: &str, trouble: &Trouble) {
        self.listing.is_whole = false;
        self.listing.failures.push(trouble.failure(space));
    }

    fn all_of(
        &mut self,
        space: &str,
        (kind, status): (Kind, &str),
        tree: &mut Tree,
        seen: Seen<'_>,
    ) -> Result<(), Trouble> {
        let word = if kind == Kind::Page { "pages" } else { "blogposts" };
        let path = format!("/api/v2/spaces/{}/{word}?status={status}", encoded(space));
        self.client.scan(&path, ROWS, &mut |rows: Vec<Content>| {
            let count = rows.len() as u64;
            for row in rows {
                let above =
                    row.parent_id.clone().map(|id| Above { id, kind: row.parent_type.clone().unwrap_or_default() });
                let local = row.id.clone();
                if let Some(item) = self.item(row, kind) {
                    self.listing.items.push(item);
                    if kind == Kind::Page {
                        tree.put(&local, above);
                    }
                }
            }
            seen(count)
        })
    }

    /// Tells each page its way up. Folders and their like stand on it and are nothing that was listed, so nobody passes them,
    /// unless an administrator said that they are open.
    fn place(&mut self, mut tree: Tree) {
        let is_folder = |kind: &str| matches!(kind, "folder" | "whiteboard" | "database" | "embed");
        let mut asked: BTreeMap<String, String> = BTreeMap::new();
        while self.settings.folders_are_open {
            let unlisted = tree.unlisted().into_iter();
            let more: Vec<(String, String)> =
                unlisted.filter(|(id, kind)| is_folder(kind) && !asked.contains_key(id)).collect();
            if more.is_empty() {
                break;
            }
            let client = self.client;
            let read = |(id, kind): &(String, String)| -> Result<Content, Trouble> {
                client.read(&format!("/api/v2/{kind}s/{}", encoded(id)))
            };
            for ((id, kind), folder) in more.iter().zip(abreast(&more, read)) {
                asked.insert(id.clone(), kind.clone());
                match folder {
                    Ok(folder) => {
                        let kind = folder.parent_type.unwrap_or_default();
                        tree.open(id, folder.parent_id.map(|id| Above { id, kind }));
                    }
                    Err(trouble) => {
                        self.listing.failures.push(trouble.failure(&format!("{}:{id}", self.settings.name)))
                    }
                }
            }
        }
        for (id, kind) in tree.unlisted().into_iter().filter(|(id, kind)| is_folder(kind) && !asked.contains_key(id)) {
            self.listing.failures.push(Failure {
                what: format!("{}:{id}", self.settings.name),
                code: "folder_unknown".to_owned(),
                cause: format!("Confluence does not tell whom this {kind} is left to, so nobody finds the pages in it"),
                remedy: "move them below a page, or set folders_are_open if no folder is restricted".to_owned(),
            });
        }
        let source = self.settings.name.as_str();
        for item in self.listing.items.iter_mut().filter(|item| item.kind == Kind::Page) {
            let way: Option<Vec<DocumentId>> = tree
                .way_up(item.id.local())
                .and_then(|way| way.iter().map(|local| DocumentId::new(source, local)).collect());
            match way {
                Some(way) => item.ancestors = way,
                None => item.level = Level::Unknown,
            }
        }
    }

    fn item(&mut self, row: Content, kind: Kind) -> Option<Item> {
        if !scope::takes_status(self.settings, kind, row.status.as_deref()) {
            return None;
        }
        let id = DocumentId::new(self.settings.name.as_str(), &row.id)?;
        if !self.met.insert(id.clone()) {
            return None;
        }
        let version = row.version.unwrap_or_default();
        let named = |id: Option<&str>| id.and_then(|id| self.names.get(id)).cloned().unwrap_or_default();
        let author = named(version.author_id.as_deref());
        // A comment and an attachment tell their first version alone by this; what is missing is not known.
        let at_ms = row.created_at.as_deref().and_then(Moment::parse).map(Moment::ms);
        let made = Made { at_ms, by: named(row.author_id.as_deref()) };
        Some(Item {
            id,
            kind,
            title: row.title.unwrap_or_default(),
            url: row.links.webui.and_then(|path| self.client.address(&path)).unwrap_or_default(),
            container: None,
            ancestors: Vec::new(),
            labels: Vec::new(),
            author,
            updated_ms: Moment::parse(&version.created_at).map_or(0, Moment::ms),
            made,
            revision: version.number,
            level: Level::Open,
            file: None,
            is_left_out: false,
        })
    }

    /// What the search tells of the space's pages and blog posts.
    fn search(&self, key: &str) -> Result<HashMap<String, Known>, Trouble> {
        let cql = encoded(&format!("space=\"{}\" and type in (page,blogpost)", key.replace('"', "")));
        let mut known = HashMap::new();
        let path = format!("/rest/api/content/search?cql={cql}&expand={EXPANDED}");
        self.client.scan(&path, SEARCH_ROWS, &mut |rows: Vec<version_1::Content>| {
            for row in rows {
                let level =
                    permission::level_of(row.restrictions.as_ref().and_then(|all| all.read.as_ref()), KnownBy::Id);
                let has = |kind: fn(&version_1::ChildTypes) -> Option<&HasChild>| {
                    row.child_types.as_ref().and_then(kind).is_none_or(|has| has.value)
                };
                let (has_comments, has_attachments) =
                    (has(|types| types.comment.as_ref()), has(|types| types.attachment.as_ref()));
                // What came without its restriction or its labels is asked for by itself.
                if let (false, Some(labels)) = (level == Level::Unknown, row.metadata.labels) {
                    let labels = tidy(labels.results);
                    known.insert(row.id, Known { level, labels, has_comments, has_attachments });
                }
            }
            ControlFlow::Continue(())
        })?;
        Ok(known)
    }

    /// The pages and blog posts that meet the condition of the settings.
    fn chosen(&self, key: &str) -> Result<HashSet<String>, Trouble> {
        let mut found = HashSet::new();
        self.client.scan(&chosen(key, &self.settings.cql), SEARCH_ROWS, &mut |rows: Vec<version_1::Content>| {
            found.extend(rows.into_iter().map(|row| row.id));
            ControlFlow::Continue(())
        })?;
        Ok(found)
    }

    /// Asks one by one for what the search did not tell.
    fn ask_unknown(&mut self, known: &mut HashMap<String, Known>) {
        let items = self.listing.items.iter().filter(|item| !known.contains_key(item.id.local()));
        let items: Vec<(Kind, DocumentId)> = items.map(|item| (item.kind, item.id.clone())).collect();
        let client = self.client;
        let asked = abreast(&items, |(kind, id)| {
            let level = permission::ask(client, id.local(), KnownBy::Id)?;
            let labels = all(client, &format!("/api/v2/{}/{}/labels?", resource(*kind), encoded(id.local())))?;
            Ok::<_, Trouble>(Known { level, labels: tidy(labels), has_comments: true, has_attachments: true })
        });
        for ((_, id), asked) in items.into_iter().zip(asked) {
            match asked {
                Ok(told) => {
                    known.insert(id.local().to_owned(), told);
                }
                Err(trouble) => self.listing.failures.push(trouble.failure(id.as_str())),
            }
        }
    }

    /// Lists what hangs on each of some pages.
    fn below(
        &mut self,
        space: &str,
        holders: &[(Kind, String, DocumentId)],
        read: fn(&Client, &str) -> Result<Vec<Content>, Trouble>,
        seen: Seen<'_>,
        take: fn(&mut Self, Content, &DocumentId),
    ) {
        for some in holders.chunks(PAGES_TOGETHER) {
            let client = self.client;
            let rows = abreast(some, |(kind, local, _)| {
                read(client, &format!("/api/v2/{}/{}", resource(*kind), encoded(local)))
            });
            let mut count = 0;
            for ((_, _, id), rows) in some.iter().zip(rows) {
                match rows {
                    Ok(rows) => {
                        count += rows.len() as u64;
                        rows.into_iter().for_each(|row| take(self, row, id));
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

    fn comment(&mut self, row: Content, page: &DocumentId) {
        if let Some(item) = self.item(row, Kind::Comment) {
            self.listing.items.push(Item { container: Some(page.clone()), ..item });
        }
    }

    fn attachment(&mut self, row: Content, page: &DocumentId) {
        let media_type = row.media_type.clone().unwrap_or_default();
        let (size, title) = (row.file_size.unwrap_or(0), row.title.clone().unwrap_or_default());
        if Format::of(&media_type, &title).is_none() || !scope::takes_file(self.settings, &media_type, size) {
            self.listing.files_left_out += 1;
            return;
        }
        let path =
            format!("/rest/api/content/{}/child/attachment/{}/download", encoded(page.local()), encoded(&row.id));
        let Some(item) = self.item(row, Kind::Attachment) else { return };
        if size > self.file_bytes_max {
            self.listing.files_left_out += 1;
            self.listing.failures.push(too_large(&item.id, size, self.file_bytes_max));
            return;
        }
        let file = Some(File { media_type, path });
        self.listing.items.push(Item { container: Some(page.clone()), file, ..item });
    }
}

fn resource(kind: Kind) -> &'static str {
    if kind == Kind::Blogpost { "blogposts" } else { "pages" }
}

fn tidy(labels: Vec<Label>) -> Vec<String> {
    let mut labels: Vec<String> = labels.into_iter().map(|label| label.name.to_lowercase()).collect();
    labels.sort();
    labels.dedup();
    labels
}

fn attachments(client: &Client, page: &str) -> Result<Vec<Content>, Trouble> {
    all(client, &format!("{page}/attachments?status=current"))
}

/// Comments on a page with those that answer them; a resolved one and its answers are left out.
fn comments(client: &Client, page: &str) -> Result<Vec<Content>, Trouble> {
    comments_that(client, page, |comment| comment.resolution_status.as_deref() != Some("resolved"))
}

/// The same with those that are resolved.
fn all_comments(client: &Client, page: &str) -> Result<Vec<Content>, Trouble> {
    comments_that(client, page, |_| true)
}

fn comments_that(client: &Client, page: &str, is_wanted: fn(&Content) -> bool) -> Result<Vec<Content>, Trouble> {
    let mut comments = Vec::new();
    for kind in ["footer-comments", "inline-comments"] {
        let mut level: Vec<Content> = all(client, &format!("{page}/{kind}?"))?;
        for _ in 0..ANSWERS_MAX {
            level.retain(is_wanted);
            let mut answers = Vec::new();
            for comment in &level {
                answers.extend(all(client, &format!("/api/v2/{kind}/{}/children?", encoded(&comment.id)))?);
            }
            comments.append(&mut level);
            if answers.is_empty() {
                break;
            }
            level = answers;
        }
    }
    Ok(comments)
}
