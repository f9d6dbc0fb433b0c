//! Confluence's storage format to blocks.
//!
//! The format is XHTML without a root, with prefixes that nothing declares, HTML's entities, and macros. We read what is
//! there and resolve macros ourselves: a macro that shows other pages is named, never followed, because the crawler may see
//! what the reader of this page may not. Parameters are settings, not words, save the few that a reader sees.
//!
//! Always true here:
//! - No text of another page comes in: include, excerpt-include, children, reports leave at most the name that this page's
//!   author wrote.
//! - Entities that a document type declares are not expanded; a name that HTML does not know is left out.
//! - Damaged markup gives what can be read of it, never an error, in time that grows with its length alone.

mod adf;
mod census;
mod lenient;
mod macros;
mod page;

#[cfg(test)]
mod tests;
mod view;

use crate::corpus::{Block, Link};
use crate::extract::Sheet;

pub(super) use self::census::macros;
pub use self::census::{MacroFate, MacroUse};

/// A user as a page names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mention<'a> {
    /// By the immutable key (Data Center) or account id (Cloud).
    Key(&'a str),
    /// By login name (old pages).
    Name(&'a str),
}

/// Finds the display name of a mentioned user.
pub(super) type Names<'a> = dyn Fn(Mention<'_>) -> Option<String> + Sync + 'a;

/// What a page says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Read {
    /// Its words, in reading order.
    pub blocks: Vec<Block>,
    /// What it points to, each once.
    pub links: Vec<Link>,
}

/// Reads a page's storage format.
pub(super) fn read(text: &str, names: &Names<'_>) -> Read {
    let mut sheet = Sheet::new();
    let mut page = page::Page::new(&mut sheet, names);
    lenient::read(text, &mut page);
    let links = page.end();
    Read { blocks: sheet.finish(), links }
}

/// Reads a page in the document format of Cloud's new editor; `None` where it is none.
pub(super) fn read_document(text: &str, names: &Names<'_>) -> Option<Read> {
    let node: serde_json::Value = serde_json::from_str(text).ok()?;
    if node["type"] != "doc" {
        return None;
    }
    let mut sheet = Sheet::new();
    let mut document = adf::Document { sheet: &mut sheet, names, links: Vec::new() };
    document.node(&node);
    let links = document.links;
    Some(Read { blocks: sheet.finish(), links })
}

/// Reads a page as Confluence shows it.
pub(super) fn read_view(text: &str) -> Read {
    let mut sheet = Sheet::new();
    let mut view = view::View::new(&mut sheet);
    lenient::read(text, &mut view);
    let links = view.links;
    Read { blocks: sheet.finish(), links }
}
