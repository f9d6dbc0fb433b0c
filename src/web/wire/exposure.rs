//! What is exposed, on the wire: ids, kinds and counts. A title and an address only where whoever asks may open the page.

use serde::Serialize;
use utoipa::ToSchema;

use super::what_if::Changes;
use crate::app::{self, Stale};

/// What is open to more people than may have been meant.
#[derive(Debug, Serialize, ToSchema)]
pub struct Exposure {
    /// When it was taken, RFC 3339.
    pub at: String,
    /// Active people, of whom the share is meant.
    pub people: usize,
    /// Documents that more than this share of them may read count as wide.
    pub share: f32,
    /// Wide documents by space.
    pub wide: Vec<WideSpace>,
    /// Wide documents that hold what looks like a secret.
    pub exposed: usize,
    /// Of each kind, in how many of them and how often.
    pub kinds: Vec<KindCount>,
    /// The first of them, those with the most readers first.
    pub findings: Vec<Finding>,
    /// Documents whose words wait to be looked through.
    pub waiting: usize,
    /// Groups that nobody holds, with what they are given.
    pub groups: Vec<StaleGroup>,
    /// Groups beyond those that are listed.
    pub more_groups: usize,
    /// Spaces that are open to whoever has an account of their source.
    pub open_spaces: Vec<OpenSpace>,
}

/// How much of a space is wide.
#[derive(Debug, Serialize, ToSchema)]
pub struct WideSpace {
    /// The source.
    pub source: String,
    /// The key of the space.
    pub space: String,
    /// Documents in it.
    pub documents: usize,
    /// Of them those that more than the share may read.
    pub wide: usize,
    /// Of them those that every active person may read.
    pub everybody: usize,
}

/// One kind of secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct KindCount {
    /// `private_key`, `cloud_key`, `token`, `key`, `password`, `iban` or `card`.
    pub kind: &'static str,
    /// In how many documents.
    pub documents: usize,
    /// How often.
    pub count: u64,
}

/// A wide document that holds what looks like a secret. No value is told, and none is kept.
#[derive(Debug, Serialize, ToSchema)]
pub struct Finding {
    /// `SOURCE:ID`.
    pub document_id: String,
    /// The key of its space.
    pub space: String,
    /// Active people who may read it.
    pub readers: usize,
    /// What was found, and how often.
    pub found: Vec<FoundKind>,
    /// Its title; `null` where whoever asks may not open it.
    pub title: Option<String>,
    /// Where it is opened in its source; `null` likewise.
    pub url: Option<String>,
}

/// How often one kind was found in a document.
#[derive(Debug, Serialize, ToSchema)]
pub struct FoundKind {
    /// As in the counts.
    pub kind: &'static str,
    /// How often.
    pub count: u32,
}

/// A group that nobody holds.
#[derive(Debug, Serialize, ToSchema)]
pub struct StaleGroup {
    /// The source; `null` for a group of the identity provider.
    pub source: Option<String>,
    /// Its name.
    pub name: String,
    /// `empty`: it has no member; `disabled`: all its members are; `unmatched`: its members are nobody the directory has; `gone`: a
    /// grant names it, and the last sync saw no such group.
    pub why: &'static str,
    /// When a group that is gone was last seen, RFC 3339, where that is kept.
    pub gone_since: Option<String>,
    /// Keys of spaces that are given to it.
    pub spaces: Vec<String>,
    /// Spaces beyond those.
    pub more_spaces: usize,
    /// Pages whose restriction names it.
    pub pages: usize,
}

/// A space that is open to whoever has an account.
#[derive(Debug, Serialize, ToSchema)]
pub struct OpenSpace {
    /// The source.
    pub source: String,
    /// Its key.
    pub space: String,
    /// Documents in it.
    pub documents: usize,
    /// What would be lost if it were not open any more.
    pub if_closed: Changes,
}

impl From<&app::Exposure> for Exposure {
    fn from(report: &app::Exposure) -> Exposure {
        let wide = |one: &app::WideSpace| WideSpace {
            source: one.source.clone(),
            space: one.space.clone(),
            documents: one.documents,
            wide: one.wide,
            everybody: one.everybody,
        };
        let open = |one: &app::OpenSpace| OpenSpace {
            source: one.source.to_string(),
            space: one.space.clone(),
            documents: one.documents,
            if_closed: Changes::from(&one.if_closed),
        };
        let kinds = report.kinds.iter();
        Exposure {
            at: report.at.rfc3339(),
            people: report.people,
            share: report.share,
            wide: report.wide.iter().map(wide).collect(),
            exposed: report.exposed,
            kinds: kinds
                .map(|(kind, documents, count)| KindCount { kind: kind.word(), documents: *documents, count: *count })
                .collect(),
            findings: report.findings.iter().map(Finding::from).collect(),
            waiting: report.waiting,
            groups: report.groups.iter().map(StaleGroup::from).collect(),
            more_groups: report.more_groups,
            open_spaces: report.open.iter().map(open).collect(),
        }
    }
}

impl From<&app::Finding> for Finding {
    fn from(finding: &app::Finding) -> Finding {
        let (title, url) = finding.page.clone().unzip();
        let kinds = finding.kinds.iter();
        Finding {
            document_id: finding.document.to_string(),
            space: finding.space.clone(),
            readers: finding.readers,
            found: kinds.map(|(kind, count)| FoundKind { kind: kind.word(), count: *count }).collect(),
            title,
            url,
        }
    }
}

impl From<&app::StaleGroup> for StaleGroup {
    fn from(group: &app::StaleGroup) -> StaleGroup {
        let (why, gone_since) = match group.why {
            Stale::Empty => ("empty", None),
            Stale::Disabled => ("disabled", None),
            Stale::Unmatched => ("unmatched", None),
            Stale::Gone(since) => ("gone", since.map(|at| at.rfc3339())),
        };
        StaleGroup {
            source: group.source.as_ref().map(ToString::to_string),
            name: group.name.clone(),
            why,
            gone_since,
            spaces: group.spaces.clone(),
            more_spaces: group.more_spaces,
            pages: group.pages,
        }
    }
}
