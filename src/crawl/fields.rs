//! Which fields of its source are kept with a document, and under which name each is shown and narrows a search. Pure.
//!
//! Title, space, type, address, version and the day of the last change are always kept: answers and their sources name them, and
//! what changed is told by them. The rest is for the company to choose: names of people, for one, may be nobody's business. Each
//! of them may have the name that the company knows it by: whoever says *owner* for who made a page finds `owner` in the page and
//! narrows a search by it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Settings;
use super::source::Item;
use crate::corpus::{DocumentId, Made};
use crate::names::SourceId;

/// A field of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The title.
    Title,
    /// Names of people.
    Authors,
    /// When it was made.
    Created,
    /// When it was changed last.
    Updated,
    /// Labels.
    Labels,
    /// Key and name of its space.
    Space,
    /// Page, blog post, comment or attachment.
    Type,
    /// The number of its version.
    Version,
    /// What it hangs on, or the page above.
    Parent,
    /// Where a person opens it.
    Url,
}

/// What a search may be narrowed to by a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Narrows {
    /// Any of some values.
    Values,
    /// A time after, or before.
    Times,
    /// Nothing.
    Nothing,
}

impl Field {
    /// All of them, in the order they are shown.
    pub const ALL: [Field; 10] = [
        Field::Title,
        Field::Authors,
        Field::Created,
        Field::Updated,
        Field::Labels,
        Field::Space,
        Field::Type,
        Field::Version,
        Field::Parent,
        Field::Url,
    ];

    /// The name it has where the settings give it no other.
    pub fn word(self) -> &'static str {
        match self {
            Field::Title => "title",
            Field::Authors => "authors",
            Field::Created => "created",
            Field::Updated => "updated",
            Field::Labels => "labels",
            Field::Space => "space",
            Field::Type => "type",
            Field::Version => "version",
            Field::Parent => "parent",
            Field::Url => "url",
        }
    }

    /// What it narrows a search to.
    pub fn narrows(self) -> Narrows {
        match self {
            Field::Authors | Field::Labels | Field::Space | Field::Type | Field::Parent => Narrows::Values,
            Field::Created | Field::Updated => Narrows::Times,
            // Its words are searched; it is the address of one page; and versions of different pages have nothing in common.
            Field::Title | Field::Url | Field::Version => Narrows::Nothing,
        }
    }
}

/// The name of a field: letters, digits, and between them spaces, `-` and `_`; at most 40 characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FieldName(Box<str>);

impl FieldName {
    /// Reads a name; the error says what one is.
    pub fn parse(text: &str) -> Result<FieldName, String> {
        let fits = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
        let ends = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let is_one = text.chars().count() <= 40
            && text.chars().all(fits)
            && ends(text.chars().next())
            && ends(text.chars().next_back());
        match is_one {
            true => Ok(FieldName(text.into())),
            false => Err(format!(
                "{text:?} is no name of a field: at most 40 letters and digits, with spaces, - and _ between"
            )),
        }
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for FieldName {
    type Error = String;

    fn try_from(text: String) -> Result<FieldName, String> {
        FieldName::parse(&text)
    }
}

impl From<FieldName> for String {
    fn from(name: FieldName) -> String {
        name.0.into()
    }
}

/// Which fields are kept, and how they are called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fields {
    /// Whose names are kept and found by `authors`: `last_editor`, `creator`, `both`, or `none`.
    pub authors: Authors,
    /// Whether the day on which a page was made is kept, for `created_after` and `created_before`.
    pub created: bool,
    /// Whether labels are kept, for `labels`. What the settings take in by label does not hang on it.
    pub labels: bool,
    /// Whether what a page hangs on and the pages above it are kept with it, for `parents` and for its way up. What restricts a
    /// page does not hang on it.
    pub parent: bool,
    /// Names that fields have in the place of their own.
    #[serde(deserialize_with = "distinct")]
    pub names: BTreeMap<Field, FieldName>,
}

/// Names of fields, no two of which are one: it could not be said by which a search is narrowed.
fn distinct<'de, D: serde::Deserializer<'de>>(from: D) -> Result<BTreeMap<Field, FieldName>, D::Error> {
    let names: BTreeMap<Field, FieldName> = BTreeMap::deserialize(from)?;
    let name = |field: &Field| names.get(field).map_or(field.word(), FieldName::as_str).to_lowercase();
    let mut met = BTreeSet::new();
    match Field::ALL.iter().map(name).find(|name| !met.insert(name.clone())) {
        Some(twice) => Err(serde::de::Error::custom(format!("two fields are called {twice:?}"))),
        None => Ok(names),
    }
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
        Fields { authors: Authors::LastEditor, created: true, labels: true, parent: true, names: BTreeMap::new() }
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

    /// What is kept of what it hangs on.
    pub(super) fn container<'a>(&self, item: &'a Item) -> Option<&'a DocumentId> {
        item.container.as_ref().filter(|_| self.parent)
    }

    /// What is kept of the pages above.
    pub(super) fn ancestors<'a>(&self, item: &'a Item) -> &'a [DocumentId] {
        if self.parent { &item.ancestors } else { &[] }
    }

    /// Whether a field is kept.
    pub fn keeps(&self, field: Field) -> bool {
        match field {
            Field::Authors => self.authors != Authors::None,
            Field::Created => self.created,
            Field::Labels => self.labels,
            Field::Parent => self.parent,
            Field::Title | Field::Updated | Field::Space | Field::Type | Field::Version | Field::Url => true,
        }
    }

    /// What a field is called.
    pub fn name(&self, field: Field) -> &str {
        self.names.get(&field).map_or(field.word(), FieldName::as_str)
    }

    /// The field that is kept under this name, in any case.
    pub fn called(&self, name: &str) -> Option<Field> {
        let name = name.to_lowercase();
        Field::ALL.into_iter().find(|field| self.keeps(*field) && self.name(*field).to_lowercase() == name)
    }
}

/// What a name means: the field, and the sources that keep it under this name. More than one where sources differ.
pub fn meanings<'a>(sources: impl IntoIterator<Item = &'a Settings>, name: &str) -> BTreeMap<Field, Vec<SourceId>> {
    let mut meanings: BTreeMap<Field, Vec<SourceId>> = BTreeMap::new();
    for source in sources {
        if let Some(field) = source.fields.called(name) {
            meanings.entry(field).or_default().push(source.name.clone());
        }
    }
    meanings
}

/// A name that means one field in one of the sources and another in another: it could narrow no search over both.
pub fn clash<'a>(sources: impl IntoIterator<Item = &'a Settings> + Clone) -> Option<String> {
    let names = |source: &'a Settings| Field::ALL.map(|field| source.fields.name(field).to_owned());
    let all: BTreeSet<String> = sources.clone().into_iter().flat_map(names).collect();
    all.into_iter().find(|name| meanings(sources.clone(), name).len() > 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(value: serde_json::Value) -> Result<Fields, String> {
        serde_json::from_value(value).map_err(|error| error.to_string())
    }

    fn source(name: &str, fields: serde_json::Value) -> Settings {
        serde_json::from_value(serde_json::json!({
            "name": name, "kind": "confluence", "url": "http://127.0.0.1:1", "fields": fields}))
        .unwrap()
    }

    #[test]
    fn a_field_is_found_by_the_name_it_was_given_and_no_longer_by_its_own() {
        let fields =
            fields(serde_json::json!({"names": {"labels": "Tags", "authors": "owner"}, "created": false})).unwrap();

        assert_eq!((fields.called("tags"), fields.called("OWNER")), (Some(Field::Labels), Some(Field::Authors)));
        assert_eq!((fields.called("labels"), fields.called("created")), (None, None));
        assert_eq!((fields.name(Field::Labels), fields.name(Field::Space)), ("Tags", "space"));
    }

    #[test]
    fn two_fields_of_one_name_and_what_is_no_name_are_refused() {
        assert!(
            fields(serde_json::json!({"names": {"labels": "x", "authors": "X"}})).unwrap_err().contains("two fields")
        );
        assert!(fields(serde_json::json!({"names": {"labels": "space"}})).unwrap_err().contains("two fields"));
        assert!(fields(serde_json::json!({"names": {"labels": "authors", "authors": "labels"}})).is_ok());
        for name in ["", " tags", "a/b", "a\"b", &"x".repeat(41)] {
            assert!(
                fields(serde_json::json!({"names": {"labels": name}})).unwrap_err().contains("name of a field"),
                "{name}"
            );
        }
        assert!(fields(serde_json::json!({"names": {"colour": "x"}})).is_err());
    }

    #[test]
    fn a_name_that_means_two_fields_in_two_sources_clashes() {
        let plain = source("a", serde_json::json!({}));
        let tags = source("b", serde_json::json!({"names": {"labels": "tags"}}));
        let odd = source("c", serde_json::json!({"names": {"authors": "tags"}}));

        assert_eq!(clash([&plain, &tags]), None);
        assert_eq!(clash([&plain, &tags, &odd]).as_deref(), Some("tags"));
        assert_eq!(meanings([&plain, &tags], "tags"), [(Field::Labels, vec![tags.name.clone()])].into());
    }
}
