//! An XML export of Confluence as a source: of one space, or of a whole site. For wikis that are frozen, or that no wire leads
//! to.
//!
//! An export holds pages and files with whom they are left to, as they were when it was made. That of a single space names
//! users and groups and says neither who is in which group nor who may use the site: a table (`memberships_file`) and
//! `use_groups` say so, or nobody passes by a group. What an export does not say admits nobody.
//!
//! Ada exports the space `ENG` before the wiki is switched off. `Runbook` is left to `ops-team`. The export names the group;
//! her table says that Bo is in it, and `use_groups` names everybody. Bo finds the runbook. When she exports again, what changed
//! is read again, and what is gone goes; when the file is cut off, nothing happens but that the run says so.
//!
//! Always true here:
//! - The file is read as a stream: nothing is unpacked to the disk, and no more than a window of it is in memory.
//! - No document type, no entity, no declared size and no name in it is believed or followed.
//! - A page whose restriction is not whole in the export is found by nobody.
//!
//! Begin at [`Archive`]; `package.rs` is the file, `entity.rs` its objects, `contents.rs` what they come to.

mod bodies;
mod contents;
mod entity;
mod grants;
mod listing;
mod package;
mod people;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::OnceLock;

use self::bodies::{Bodies, Body};
use self::contents::Contents;
use self::listing::Lister;
use self::package::{Package, Wrong};
use self::people::{Known, Table};
use super::examine::Finding;
use super::markup::{Mention, Names};
use super::restriction::{Level, Subjects};
use super::source::{Item, Listing, Source, Words};
use super::words::{self, Read};
use super::{Failure, Settings, scope};
use crate::corpus::Space;
use crate::directory::SourcePeople;
use crate::extract::Extractor;
use crate::names::SourceId;

/// Whether a path is an export rather than a text: a folder, or a zip file (APPNOTE §4.3.7).
pub(super) fn is_export(path: &Path) -> bool {
    let mut head = [0u8; 4];
    let begins =
        |file: std::fs::File| std::io::Read::read_exact(&mut &file, &mut head).is_ok() && &head == b"PK\x03\x04";
    path.is_dir() || std::fs::File::open(path).is_ok_and(begins)
}

/// Who may view each space by an export, for a wiki that tells it in no other way. Of a space that the export does not have, or
/// whose permissions are not in it, nothing is said. The error says what is wrong with the file.
pub(super) fn views(file: &Path, source: &SourceId) -> Result<HashMap<String, Subjects>, String> {
    let in_words = |wrong: Wrong| format!("{}: {}", file.display(), wrong.failure().cause);
    let contents = Package::open(file).and_then(|package| Contents::read(&package)).map_err(in_words)?;
    let known = contents.people.known(source, contents.descriptor.is_cloud, None, contents.grants.names());
    let view = |(id, space): (&str, &contents::Space)| Some((space.key.clone(), contents.grants.may_view(id, &known)?));
    Ok(contents.spaces.iter().map(|(id, space)| (&**id, space)).filter_map(view).collect())
}

/// One export.
pub(super) struct Archive<'a> {
    settings: &'a Settings,
    extractor: &'a Extractor,
    table: Option<Table>,
    /// Read once for each sync.
    read: OnceLock<Result<Opened, Failure>>,
    bodies: Bodies,
}

/// An export that was read.
struct Opened {
    package: Package,
    contents: Contents,
    known: Known,
}

impl<'a> Archive<'a> {
    /// From settings; the error says what is wrong with them.
    pub(super) fn open(settings: &'a Settings, extractor: &'a Extractor) -> Result<Archive<'a>, String> {
        if settings.file.is_none() {
            return Err("file, the export, is missing".to_owned());
        }
        if !settings.cql.trim().is_empty() {
            return Err("cql cannot be asked of an archive".to_owned());
        }
        let table = settings.memberships_file.as_deref().map(Table::open).transpose()?;
        Ok(Archive { settings, extractor, table, read: OnceLock::new(), bodies: Bodies::default() })
    }

    fn opened(&self) -> Result<&Opened, Failure> {
        self.read.get_or_init(|| self.read().map_err(|wrong| wrong.failure())).as_ref().map_err(Failure::clone)
    }

    fn read(&self) -> Result<Opened, Wrong> {
        let package = Package::open(self.settings.file.as_deref().unwrap_or(Path::new("")))?;
        let contents = Contents::read(&package)?;
        let (source, is_cloud) = (&self.settings.name, contents.descriptor.is_cloud);
        let known = contents.people.known(source, is_cloud, self.table.as_ref(), contents.grants.names());
        Ok(Opened { package, contents, known })
    }

    fn missing_space(&self, space: &Space) -> Failure {
        failure(&space.key, "not_found", "the export has no such space".to_owned(), "sync again")
    }
}

impl Opened {
    fn space_id(&self, key: &str) -> Option<&str> {
        self.contents.spaces.iter().find(|(_, space)| space.key == key).map(|(id, _)| &**id)
    }

    /// Whether groups are named and nobody says who is in them.
    fn misses_memberships(&self, settings: &Settings) -> bool {
        let names_groups = self.contents.grants.names_groups() || !settings.use_groups.is_empty();
        names_groups && !self.known.are_memberships_told
    }

    fn strays(&self) -> usize {
        let listed = self.contents.pages.values().flat_map(|page| &page.sets);
        self.contents.grants.strays(listed.map(|set| &**set))
    }

    fn files_are_missing(&self) -> bool {
        !self.contents.files.is_empty() && !self.package.has_files()
    }

    /// What is wrong with the export as a whole, besides what is said of its spaces and pages.
    fn wrong(&self, settings: &Settings) -> Vec<Failure> {
        let mut all = Vec::new();
        if self.misses_memberships(settings) {
            all.push(no_memberships());
        }
        if self.files_are_missing() {
            all.push(no_files(self.contents.files.len()));
        }
        if self.strays() > 0 {
            all.push(stray(self.strays()));
        }
        all
    }
}

impl Source for Archive<'_> {
    fn connect(&self) -> Result<String, Failure> {
        let opened = self.opened()?;
        Ok(match &opened.contents.descriptor.space {
            Some(key) => format!("the file is an export of the space {key}"),
            None => "the file is an export of a whole site".to_owned(),
        })
    }

    fn about(&self) -> Result<String, Failure> {
        let Opened { contents, known, .. } = self.opened()?;
        let version = contents.descriptor.version.as_deref().unwrap_or("of a version that it does not tell");
        let product = if contents.descriptor.is_cloud { "Confluence Cloud" } else { "Confluence" };
        let (accounts, groups) = known.counts();
        Ok(format!(
            "{product} {version}, written {}: {} spaces, {} pages and posts, {} comments, {} files, {accounts} users, {groups} groups",
            contents.written,
            contents.spaces.len(),
            contents.pages.len(),
            contents.comments.len(),
            contents.files.len(),
        ))
    }

    fn try_rights(&self, _: &[Space]) -> Vec<Finding> {
        let opened = match self.opened() {
            Ok(opened) => opened,
            Err(failure) => return vec![Finding { what: "restrictions", outcome: Err(failure) }],
        };
        let levels =
            opened.contents.pages.iter().map(|(id, page)| opened.contents.grants.level(id, &page.sets, &opened.known));
        let (mut left, mut unknown) = (0u64, 0u64);
        for level in levels {
            match level {
                Level::Open => {}
                Level::Only(_) => left += 1,
                Level::Unknown => unknown += 1,
            }
        }
        let restrictions = match (opened.strays(), unknown) {
            (0, 0) => Ok(format!("{left} pages are left to somebody; each says to whom")),
            (0, unknown) => Err(failure(
                "",
                "restriction_unknown",
                format!("of {unknown} pages it is not whole whom they are left to, so nobody finds them"),
                "make the export anew",
            )),
            (strays, _) => Err(stray(strays)),
        };
        let memberships = match opened.misses_memberships(self.settings) {
            true => Err(no_memberships()),
            false if self.table.is_some() => Ok("memberships_file says who is in which group".to_owned()),
            false if opened.known.are_memberships_told => Ok("the export says who is in which group".to_owned()),
            false => Ok("no group is named".to_owned()),
        };
        let files = match opened.files_are_missing() {
            true => Err(no_files(opened.contents.files.len())),
            false => Ok(format!("{} files are in it", opened.contents.files.len())),
        };
        let sight = "what its maker could not see is not in it, unless it was a full export: that it does not say";
        vec![
            Finding { what: "groups", outcome: memberships },
            Finding { what: "restrictions", outcome: restrictions },
            Finding { what: "files", outcome: files },
            Finding { what: "hidden pages", outcome: Ok(sight.to_owned()) },
        ]
    }

    fn people(&self) -> Result<SourcePeople, Failure> {
        Ok(self.opened()?.known.people())
    }

    fn may_use(&self) -> Result<Subjects, Failure> {
        let opened = self.opened()?;
        // That of a single space may bring permissions of the whole along, and not all of them.
        let told = opened.contents.grants.may_use(&opened.known).filter(|_| opened.contents.descriptor.space.is_none());
        match told {
            Some(subjects) => Ok(subjects),
            None if !self.settings.use_groups.is_empty() => {
                let groups = self.settings.use_groups.iter().map(|name| name.as_str().into()).collect();
                Ok(Subjects { groups, ..Subjects::default() })
            }
            None => Err(failure(
                "",
                "use_unknown",
                "the export does not say who may use Confluence, so nobody finds its pages".to_owned(),
                "name the groups in use_groups",
            )),
        }
    }

    fn spaces(&self) -> Result<Vec<Space>, Failure> {
        let contents = &self.opened()?.contents;
        // Whoever names an export of one space wants that space, whatever it is.
        let is_alone = contents.descriptor.space.is_some();
        let is_taken = |space: &&contents::Space| {
            let is_wanted = is_alone || self.settings.archived_spaces || !space.is_archived;
            is_wanted && scope::takes_space(self.settings, &space.key, space.is_personal && !is_alone)
        };
        let named = |space: &contents::Space| Space { key: space.key.clone(), name: space.name.clone() };
        Ok(contents.spaces.values().filter(is_taken).map(named).collect())
    }

    fn may_view(&self, space: &Space) -> Result<Subjects, Failure> {
        let opened = self.opened()?;
        let id = opened.space_id(&space.key).ok_or_else(|| self.missing_space(space))?;
        opened.contents.grants.may_view(id, &opened.known).ok_or_else(|| {
            failure(
                &space.key,
                "space_permissions_unknown",
                "the export has no permissions of this space, so nobody finds its pages".to_owned(),
                "export the space anew, as XML and in full",
            )
        })
    }

    fn list(&self, space: &Space, seen: &mut dyn FnMut(u64) -> ControlFlow<()>) -> Listing {
        let broken = |failure| Listing { failures: vec![failure], ..Listing::default() };
        let opened = match self.opened() {
            Ok(opened) => opened,
            Err(failure) => return broken(failure),
        };
        let Some(id) = opened.space_id(&space.key) else { return broken(self.missing_space(space)) };
        let lister = Lister {
            contents: &opened.contents,
            known: &opened.known,
            settings: self.settings,
            file_bytes_max: self.extractor.file_bytes_max(),
            has_files: opened.package.has_files(),
        };
        let mut listing = lister.list(id, seen);
        // What is true of the whole is said once, with the first of its spaces.
        if self.spaces().is_ok_and(|all| all.first() == Some(space)) {
            listing.failures.extend(opened.wrong(self.settings));
        }
        if opened.strays() > 0 {
            // Any page may be the one that was left to somebody.
            listing.items.iter_mut().for_each(|item| item.level = Level::Unknown);
        }
        listing
    }

    fn fetch(&self, items: &[&Item], names: &Names<'_>) -> Vec<Result<Words, Failure>> {
        let opened = match self.opened() {
            Ok(opened) => opened,
            Err(failure) => return items.iter().map(|_| Err(failure.clone())).collect(),
        };
        let mentioned = |mention: Mention<'_>| {
            names(mention).or_else(|| match mention {
                Mention::Key(key) => opened.known.mentioned(key),
                Mention::Name(_) => None,
            })
        };
        let pages: Vec<&str> = items.iter().filter(|item| item.file.is_none()).map(|item| item.id.local()).collect();
        let mut bodies: HashMap<&str, Body> = match self.bodies.of(&opened.package, &opened.contents.bodies, &pages) {
            Ok(bodies) => pages.iter().copied().zip(bodies).collect(),
            Err(wrong) => {
                let failure = |item: &&Item| Failure { what: item.id.to_string(), ..wrong.failure() };
                return items.iter().map(|item| Err(failure(item))).collect();
            }
        };
        items
            .iter()
            .map(|item| match (&item.file, bodies.remove(item.id.local())) {
                (Some(file), _) => self.file(opened, item, &file.path, words::format(item, file)?),
                (None, body) => of_body(opened, body.unwrap_or(Body::Storage(String::new())), item, &mentioned),
            })
            .collect()
    }
}

impl Archive<'_> {
    fn file(&self, opened: &Opened, item: &Item, path: &str, format: crate::extract::Format) -> Result<Words, Failure> {
        let what = item.id.as_str();
        let read = opened.package.file(path, self.extractor.file_bytes_max());
        let bytes = read.map_err(|wrong| Failure { what: what.to_owned(), ..wrong.failure() })?.ok_or_else(|| {
            failure(
                what,
                "file_missing",
                "the export names the file and does not hold it".to_owned(),
                "export again with attachments",
            )
        })?;
        words::of_file(self.extractor, item, format, &bytes)
    }
}

/// The words of a page, a post or a comment.
fn of_body(opened: &Opened, body: Body, item: &Item, names: &Names<'_>) -> Result<Words, Failure> {
    let storage = match body {
        Body::Storage(text) => text,
        Body::TooLong(bytes) => {
            let cause = format!("it has {bytes} bytes, which is more than is read of a page");
            return Err(failure(item.id.as_str(), "too_large", cause, "divide the page, and export again"));
        }
        Body::Wiki => {
            return Err(failure(
                item.id.as_str(),
                "old_markup",
                "it is in the markup that Confluence had before 4.0".to_owned(),
                "import the export into a later Confluence, which converts it, and export it from there",
            ));
        }
    };
    let local = item.id.local();
    let selection = opened.contents.comments.get(local).and_then(|comment| {
        opened.contents.property(local, &comment.version, "inline-original-selection").map(str::to_owned)
    });
    let read = Read {
        storage: Some(storage),
        document: None,
        view: None,
        selection,
        revision: item.revision,
        when: String::new(),
        author: None,
    };
    words::of(read, item, names)
}

fn failure(what: &str, code: &str, cause: String, remedy: &str) -> Failure {
    Failure { what: what.to_owned(), code: code.to_owned(), cause, remedy: remedy.to_owned() }
}

fn no_memberships() -> Failure {
    failure(
        "",
        "memberships_unknown",
        "the export names groups and does not say who is in them, so nobody finds what is theirs".to_owned(),
        "say it in memberships_file, or export the whole site",
    )
}

fn no_files(count: usize) -> Failure {
    failure(
        "",
        "files_missing",
        format!("the export names {count} files and holds none"),
        "export again with attachments, or leave the kind attachment out",
    )
}

fn stray(count: usize) -> Failure {
    failure(
        "",
        "restriction_unknown",
        format!("{count} restrictions do not say which page they are of, so nobody finds any page of the export"),
        "make the export anew",
    )
}
