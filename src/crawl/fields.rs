//! Which fields of its source are kept with a document, and so may narrow a search. Pure.
//!
//! Title, space, kind, address, version, the day of the last change and the way up are always kept: answers, their sources and
//! permissions rest on them. The rest is for the company to choose: names of people, for one, may be nobody's business.

use serde::{Deserialize, Serialize};

use super::source::Item;
use crate::corpus::Made;

/// The fields that may be kept or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fields {
    /// Whose names are kept and found by `authors`: `last_editor`, `creator`, `both`, or `none`.
    pub authors: Authors,
    /// Whether the day on which a page was made is kept, for `created_after` and `created_before`.
    pub created: bool,
    /// Whether labels are kept, for `labels`. What the settings take in by label does not hang on it.
    pub labels: bool,
}

/// Whose names are kept with a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Authors {
    /// Who changed it last.
    LastEditor,
    /// Who made it.
    Creator,
    /// Both.
    Both,
    /// Nobody's.
    None,
}

impl Default for Fields {
    fn default() -> Fields {
        Fields { authors: Authors::LastEditor, created: true, labels: true }
    }
}

impl Fields {
    /// Who changed it last, where that is kept.
    pub(super) fn author<'a>(&self, author: &'a str) -> &'a str {
        match self.authors {
            Authors::LastEditor | Authors::Both => author,
            Authors::Creator | Authors::None => "",
        }
    }

    /// What is kept of how it was made.
    pub(super) fn made(&self, item: &Item) -> Made {
        let by = match self.authors {
            Authors::Creator | Authors::Both => item.made.by.clone(),
            Authors::LastEditor | Authors::None => String::new(),
        };
        Made { at_ms: item.made.at_ms.filter(|_| self.created), by }
    }

    /// What is kept of its labels.
    pub(super) fn labels<'a>(&self, item: &'a Item) -> &'a [String] {
        if self.labels { &item.labels } else { &[] }
    }
}
