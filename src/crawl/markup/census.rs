//! Which macros a page has, and what becomes of each: for an administrator who looks at one page.

use std::collections::BTreeMap;

use super::lenient::{self, Attributes, Listener};
use super::macros::{Kind, kind};

/// Kinds of macro that are told of one page, and the letters of a name.
const KINDS_MAX: usize = 100;
const LETTERS_MAX: usize = 80;

/// Macros without an entry of their own in the table that everybody knows by name: what they enclose is kept.
const PLAIN: [&str; 3] = ["expand", "panel", "ui-expand"];

/// What becomes of a macro.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MacroFate {
    /// What it encloses or says is read.
    Read,
    /// It is named, and what it shows is not read: another page, a file, an issue, a person.
    Named,
    /// Nothing of it is left.
    Dropped,
}

/// The uses of one macro on a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MacroUse {
    /// Its name, in lower case. What is not known is whatever the page's author wrote.
    pub name: String,
    /// Whether it is one that we know.
    pub is_known: bool,
    /// What becomes of it.
    pub fate: MacroFate,
    /// How often it stands there.
    pub count: u64,
}

struct Census {
    met: BTreeMap<String, u64>,
}

impl Listener for Census {
    fn open(&mut self, name: &str, attributes: &Attributes) {
        if !matches!(name, "ac:structured-macro" | "ac:macro") {
            return;
        }
        let name = attributes.value("ac:name").unwrap_or_default().to_ascii_lowercase();
        let name: String = name.chars().take(LETTERS_MAX).collect();
        if self.met.len() < KINDS_MAX || self.met.contains_key(&name) {
            *self.met.entry(name).or_default() += 1;
        }
    }

    fn text(&mut self, _: &str) {}

    fn close(&mut self, _: &str) {}
}

/// The macros of a page in storage format, by name.
pub(in crate::crawl) fn macros(storage: &str) -> Vec<MacroUse> {
    let mut census = Census { met: BTreeMap::new() };
    lenient::read(storage, &mut census);
    let all = census.met.into_iter().map(|(name, count)| {
        let kind = kind(&name);
        MacroUse { is_known: kind != Kind::Body || PLAIN.contains(&name.as_str()), fate: fate(kind), count, name }
    });
    all.collect()
}

fn fate(kind: Kind) -> MacroFate {
    match kind {
        Kind::Body
        | Kind::Panel(_)
        | Kind::Bare
        | Kind::Code
        | Kind::Source
        | Kind::Status
        | Kind::Html
        | Kind::Markdown
        | Kind::Excerpt => MacroFate::Read,
        Kind::Includes(_) | Kind::Issue | Kind::Named(..) | Kind::Person => MacroFate::Named,
        Kind::Dropped => MacroFate::Dropped,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_macro_is_counted_with_what_becomes_of_it() {
        let page = r#"<p>Leave</p><ac:structured-macro ac:name="toc"/><ac:structured-macro ac:name="Info"><ac:rich-text-body>
            <ac:structured-macro ac:name="include"/><ac:structured-macro ac:name="info"/></ac:rich-text-body>
            </ac:structured-macro><ac:structured-macro ac:name="salary-of-ada"/>"#;

        let told: Vec<_> = macros(page).into_iter().map(|one| (one.name, one.is_known, one.fate, one.count)).collect();

        let expected = [
            ("include", true, MacroFate::Named, 1),
            ("info", true, MacroFate::Read, 2),
            ("salary-of-ada", false, MacroFate::Read, 1),
            ("toc", true, MacroFate::Dropped, 1),
        ];
        assert_eq!(told, expected.map(|(name, known, fate, count)| (name.to_owned(), known, fate, count)));
    }
}
