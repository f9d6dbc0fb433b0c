//! The settings of one source.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::credential::Entered;
use super::due::Timed;
use super::fields::Fields;
use super::scope::{Pattern, every_kind};
use crate::clock::Zone;
use crate::corpus::Kind;
use crate::names::SourceId;

/// One source of pages.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// A short word for ids and addresses, for example `wiki`.
    pub name: SourceId,
    /// Which product.
    pub kind: Product,
    /// The base address, with the context path where there is one. An archive needs none: it is where people open its pages,
    /// if anywhere.
    #[serde(default = "nowhere")]
    pub url: url::Url,
    /// Of an archive: the file of the export, or the folder it was unpacked to.
    #[serde(default)]
    pub file: Option<PathBuf>,
    /// Of an archive: a table of who is in which group, in the place of what the export says; that of a single space says
    /// nothing of it. Lines of `group,member_type,member`, where the type is `user` (a user name) or `group`.
    #[serde(default)]
    pub memberships_file: Option<PathBuf>,
    /// Where people open pages, where that is not `url`: behind another proxy, or on Cloud with a token of few scopes, which
    /// is taken at `https://api.atlassian.com/ex/confluence/ID/wiki` only.
    #[serde(default)]
    pub pages_url: Option<url::Url>,
    /// Addresses of other hosts to which Confluence may send us for files. Cloud keeps attachments at
    /// `https://api.media.atlassian.com`. The credential does not go there.
    #[serde(default)]
    pub hosts: Vec<url::Url>,
    /// A file with a personal access token; on Cloud, an API token of `user`.
    #[serde(default)]
    pub token_file: Option<PathBuf>,
    /// PEM files with root certificates that this source's hosts are trusted by, besides those of `[outbound]`.
    #[serde(default)]
    pub roots: Vec<PathBuf>,
    /// A proxy for this source, in the place of that of `[outbound]`.
    #[serde(default)]
    pub proxy: Option<url::Url>,
    /// Requests sent in a second at most, by all threads together; 0 for no limit of ours. What Confluence itself asks for
    /// (`Retry-After`) is obeyed in any case, up to a minute.
    #[serde(default)]
    pub requests_per_second: u32,
    /// The user the credential belongs to (on Cloud, by e-mail address); the crawl refuses to go on as anybody else.
    #[serde(default)]
    pub user: String,
    /// With `password_file`: basic authentication instead of a token.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// Space keys to take; with none here and in `space_patterns`, all.
    #[serde(default)]
    pub spaces: Vec<String>,
    /// Regular expressions of the keys of more spaces to take. Each must match the whole key, in any case; so must all below.
    #[serde(default)]
    pub space_patterns: Vec<Pattern>,
    /// Expressions of the keys of spaces to leave out, whatever else is said.
    #[serde(default)]
    pub without_spaces: Vec<Pattern>,
    /// Whether personal spaces are among all.
    #[serde(default = "yes")]
    pub personal_spaces: bool,
    /// Whether archived spaces are taken too.
    #[serde(default)]
    pub archived_spaces: bool,
    /// Whether archived pages are taken too; on Data Center and Cloud they are listed apart.
    #[serde(default)]
    pub archived_pages: bool,
    /// On Data Center: whether a page whose source it cannot give is read as it shows it, with the rights of `user`. What
    /// macros show of other pages is left out as far as Confluence marks it.
    #[serde(default)]
    pub take_shown: bool,
    /// What is taken: pages, blog posts, comments, attachments.
    #[serde(default = "every_kind")]
    pub kinds: Vec<Kind>,
    /// Whether resolved inline comments are taken.
    #[serde(default)]
    pub resolved_comments: bool,
    /// Expressions of titles of pages and blog posts to take; empty for all. What hangs on a page goes with it.
    #[serde(default)]
    pub titles: Vec<Pattern>,
    /// Expressions of titles to leave out.
    #[serde(default)]
    pub without_titles: Vec<Pattern>,
    /// Expressions of labels, one of which a page must have; empty for all.
    #[serde(default)]
    pub labels: Vec<Pattern>,
    /// Expressions of labels, none of which a page may have.
    #[serde(default)]
    pub without_labels: Vec<Pattern>,
    /// Expressions of media types of attachments to take; empty for all that can be read.
    #[serde(default)]
    pub media_types: Vec<Pattern>,
    /// Expressions of media types to leave out.
    #[serde(default)]
    pub without_media_types: Vec<Pattern>,
    /// The largest attachment to take, in bytes. One that is larger is left out; one beyond `[extract] file_bytes_max` is a
    /// failure of the run.
    #[serde(default)]
    pub attachment_bytes_max: Option<u64>,
    /// A condition in Confluence's query language on pages and blog posts; empty for none.
    #[serde(default)]
    pub cql: String,
    /// Groups that may use Confluence at all, where its version cannot be asked.
    #[serde(default)]
    pub use_groups: Vec<String>,
    /// A table of who may view which space, for versions before 9.1 that tell it in no other way: lines of
    /// `space_key,subject_type,subject`, where the type is `user`, `group` or `everyone` (without a subject). Or an XML export of
    /// the site or of a space, which says so.
    #[serde(default)]
    pub space_permissions_file: Option<PathBuf>,
    /// The same lines, here: what is uploaded on the desk.
    #[serde(default)]
    pub space_permissions: Vec<String>,
    /// On Cloud: take an admin key for each sync, by which an administrator of the site reads what restrictions would hide.
    /// Without it the pages that `user` may not view are not there.
    #[serde(default)]
    pub admin_key: bool,
    /// On Cloud: folders, whiteboards and databases restrict nothing. Confluence does not tell what they restrict, so that
    /// without this word nobody finds the pages in them.
    #[serde(default)]
    pub folders_are_open: bool,
    /// Minutes between syncs; 0 for none but those on demand and of the schedule.
    #[serde(default = "fifteen")]
    pub every_minutes: u64,
    /// Minutes between looks at what is new, which list only the spaces that the source's own search and audit log name; 0
    /// for none. They come between the syncs of `every_minutes` and of the schedule, and not where there are none.
    #[serde(default = "three")]
    pub news_minutes: u64,
    /// A file with the secret by which Confluence signs what its webhooks say; without one they are not listened to.
    #[serde(default)]
    pub webhook_secret_file: Option<PathBuf>,
    /// Times of day, week or month at which it is read, each with how much; besides `every_minutes`.
    #[serde(default)]
    pub schedule: Vec<Timed>,
    /// The time zone of the schedule, by its name in the tz database.
    #[serde(default = "Zone::utc")]
    pub time_zone: Zone,
    /// A run that would remove more than this share of the documents, in percent, and more than five of them, waits for an
    /// administrator's word.
    #[serde(default = "fifteen")]
    pub removal_guard_percent: u64,
    /// Minutes after which a source whose permissions could not be read again stops answering; 0 for never.
    #[serde(default)]
    pub stale_minutes: u64,
    /// Which fields of its pages are kept beside their words.
    #[serde(default)]
    pub fields: Fields,
    /// Keys that somebody set, rather than left at their defaults. Filled in by whoever reads the settings.
    #[serde(skip)]
    pub(crate) written: BTreeSet<String>,
    /// Who set them.
    #[serde(skip)]
    pub(crate) origin: Origin,
    /// Secrets that were entered on the desk, in the place of files.
    #[serde(skip)]
    pub(crate) entered: Entered,
}

/// Where the settings of a source were set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Origin {
    /// In the settings file: on the desk they are locked.
    #[default]
    File,
    /// On the desk.
    Desk,
}

impl Settings {
    /// Where it is, for an administrator: an address, or the file of an archive.
    pub fn place(&self) -> String {
        self.file.as_ref().map_or_else(|| self.url.to_string(), |file| file.display().to_string())
    }
}

fn yes() -> bool {
    true
}

fn three() -> u64 {
    3
}

fn nowhere() -> url::Url {
    url::Url::parse("about:blank").expect("it is an address")
}

fn fifteen() -> u64 {
    15
}

/// Which product a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Product {
    /// Confluence Data Center or Server.
    Confluence,
    /// Confluence Cloud.
    ConfluenceCloud,
    /// An XML export of a Confluence: of one space, or of the whole site.
    ConfluenceArchive,
}
