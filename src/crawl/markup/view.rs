//! A page as Confluence shows it, to blocks: where its storage format cannot be had and the settings take it so.
//!
//! What stands in it was put together with the rights of the crawler. Data Center marks what a macro made (`data-macro-name`);
//! of that only macros around words of the page itself are read, so that no text of another page comes in by them.

use super::lenient::{Attributes, Listener};
use super::macros::{Kind, kind};
use super::page::{LINKS_MAX, address};
use crate::corpus::Link;
use crate::extract::{Sheet, close_element, is_dropped, open_element};

/// A page while it is read.
pub(super) struct View<'a> {
    pub sheet: &'a mut Sheet,
    pub links: Vec<Link>,
    /// How many elements are open inside (and with) the one that is dropped.
    dropped: usize,
}

impl<'a> View<'a> {
    pub(super) fn new(sheet: &'a mut Sheet) -> View<'a> {
        View { sheet, links: Vec::new(), dropped: 0 }
    }
}

/// Whether an element is what a macro made of something else than the words it encloses.
fn is_made(attributes: &Attributes) -> bool {
    let Some(name) = attributes.value("data-macro-name") else {
        let is_macro = attributes.value("class").is_some_and(|all| all.split(' ').any(|one| one == "conf-macro"));
        // One that is marked and not named could be any.
        return is_macro;
    };
    let is_elsewhere = matches!(kind(&name.to_ascii_lowercase()), Kind::Dropped | Kind::Includes(_) | Kind::Issue);
    is_elsewhere || attributes.value("data-hasbody") != Some("true")
}

impl Listener for View<'_> {
    fn open(&mut self, name: &str, attributes: &Attributes) {
        let attribute = |name: &str| attributes.value(name).map(str::to_owned);
        if self.dropped > 0 || is_dropped(name, &attribute) || is_made(attributes) {
            self.dropped += 1;
            return;
        }
        let link = attributes.value("href").filter(|_| name == "a").and_then(address);
        if let Some(link) = link.filter(|link| self.links.len() < LINKS_MAX && !self.links.contains(link)) {
            self.links.push(link);
        }
        open_element(self.sheet, name, &attribute);
    }

    fn text(&mut self, text: &str) {
        if self.dropped == 0 {
            self.sheet.words(text);
        }
    }

    fn close(&mut self, name: &str) {
        match self.dropped {
            0 => close_element(self.sheet, name),
            _ => self.dropped -= 1,
        }
    }
}
