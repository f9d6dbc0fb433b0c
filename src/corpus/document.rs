//! Documents, blocks and passages.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A document by the source it comes from and its id there: `SOURCE:ID`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DocumentId(Box<str>);

impl DocumentId {
    /// The longest id we take, in bytes.
    const BYTES_MAX: usize = 512;

    /// From a source's name and the id the document has there.
    pub fn new(source: &str, id: &str) -> Option<DocumentId> {
        DocumentId::parse(&format!("{source}:{id}"))
    }

    /// Reads `SOURCE:ID`; `None` where it is not that, is longer than 512 bytes, or has control characters or `#`.
    pub fn parse(text: &str) -> Option<DocumentId> {
        let (source, id) = text.split_once(':')?;
        let fits = !source.is_empty()
            && !id.is_empty()
            && text.len() <= DocumentId::BYTES_MAX
            && !text.chars().any(|c| c.is_control() || c == '#' || c == '@');
        fits.then(|| DocumentId(text.into()))
    }

    /// The source's name.
    pub fn source(&self) -> &str {
        self.0.split_once(':').map_or("", |(source, _)| source)
    }

    /// The id the document has in its source.
    pub fn local(&self) -> &str {
        self.0.split_once(':').map_or("", |(_, id)| id)
    }

    /// `SOURCE:ID`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DocumentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for DocumentId {
    type Error = &'static str;
    fn try_from(text: String) -> Result<DocumentId, &'static str> {
        DocumentId::parse(&text).ok_or("a document id is SOURCE:ID")
    }
}

impl From<DocumentId> for String {
    fn from(id: DocumentId) -> String {
        id.0.into()
    }
}

/// What kind of thing a document was in its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A wiki page.
    Page,
    /// A blog post.
    Blogpost,
    /// A comment on a page or blog post; its permissions are its container's.
    Comment,
    /// A file attached to a page or blog post; its permissions are its container's.
    Attachment,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 4] = [Kind::Page, Kind::Blogpost, Kind::Comment, Kind::Attachment];

    /// Its word in settings, filters and the index.
    pub const fn word(self) -> &'static str {
        match self {
            Kind::Page => "page",
            Kind::Blogpost => "blogpost",
            Kind::Comment => "comment",
            Kind::Attachment => "attachment",
        }
    }

    /// The kind of a word; `None` where it is none's.
    pub fn parse(word: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// The space a document stands in.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Space {
    /// The short key, for example `HR`.
    pub key: String,
    /// The name a person knows it by.
    pub name: String,
}

/// One block of a document, in reading order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "block")]
pub enum Block {
    /// A heading; `level` is 1 to 6.
    Heading {
        /// 1 for the largest.
        level: u8,
        /// The words.
        text: String,
    },
    /// A paragraph.
    Paragraph {
        /// The words.
        text: String,
    },
    /// One item of a list.
    Item {
        /// 0 for the outermost list.
        depth: u8,
        /// The number before it in an ordered list.
        number: Option<u32>,
        /// For a task: whether it is done.
        done: Option<bool>,
        /// The words.
        text: String,
    },
    /// A table; every row has as many cells as `header`, which is empty where the table has none.
    Table {
        /// The column titles.
        header: Vec<String>,
        /// The rows below.
        rows: Vec<Vec<String>>,
    },
    /// Code or preformatted text, kept as it stands.
    Code {
        /// The language, where the page says.
        language: Option<String>,
        /// The lines.
        text: String,
    },
    /// A quotation.
    Quote {
        /// The words.
        text: String,
    },
}

/// Something that a document points to, as its author wrote it. Whether it is there, and who may read it, is not said.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Link {
    /// A page or blog post by its title, in another space where one is named.
    Page {
        /// The key of the other space.
        space: Option<String>,
        /// The title.
        title: String,
    },
    /// An address.
    Address(String),
}

/// When a document was made, and by whom, as far as its source tells and the settings keep it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Made {
    /// In milliseconds since the Unix epoch; `None` where it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_ms: Option<i64>,
    /// Display name of who made it; empty where it is not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub by: String,
}

impl Made {
    fn is_unknown(&self) -> bool {
        *self == Made::default()
    }
}

/// A document as a source gave it, in our form. It says nothing of who may read it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// `SOURCE:ID`.
    pub id: DocumentId,
    /// What it was in its source.
    pub kind: Kind,
    /// Its title; for a comment `Re: ` and the container's title, for an attachment the file's name.
    pub title: String,
    /// The space it stands in.
    pub space: Space,
    /// Where a person opens the original.
    pub url: String,
    /// The document this one hangs on (a comment's or an attachment's page).
    pub container: Option<DocumentId>,
    /// The pages above, root first. Their titles are looked up under the reader's sight, never stored here.
    pub ancestors: Vec<DocumentId>,
    /// Labels, lower case, sorted.
    pub labels: Vec<String>,
    /// Display name of who changed it last.
    pub author: String,
    /// When it was changed last, in milliseconds since the Unix epoch.
    pub updated_ms: i64,
    /// When it was made, and by whom.
    #[serde(default, skip_serializing_if = "Made::is_unknown")]
    pub made: Made,
    /// The source's version number; it grows with each change.
    pub revision: u64,
    /// The content, in reading order.
    pub blocks: Vec<Block>,
    /// What it points to, each once, in the order they are met.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
}

impl Document {
    /// What it hangs on, else the page directly above it.
    pub fn parent(&self) -> Option<&DocumentId> {
        self.container.as_ref().or(self.ancestors.last())
    }
}

/// A passage by its document, the revision it was cut from, and its place there: `SOURCE:ID@REVISION#PLACE`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PassageId {
    /// The document it was cut from.
    pub document: DocumentId,
    /// That document's revision.
    pub revision: u64,
    /// 0 for the first passage of the document.
    pub place: u32,
}

impl PassageId {
    /// Reads `SOURCE:ID@REVISION#PLACE`.
    pub fn parse(text: &str) -> Option<PassageId> {
        let (rest, place) = text.rsplit_once('#')?;
        let (document, revision) = rest.rsplit_once('@')?;
        Some(PassageId {
            document: DocumentId::parse(document)?,
            revision: revision.parse().ok()?,
            place: place.parse().ok()?,
        })
    }
}

impl fmt::Display for PassageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}#{}", self.document, self.revision, self.place)
    }
}

impl TryFrom<String> for PassageId {
    type Error = &'static str;
    fn try_from(text: String) -> Result<PassageId, &'static str> {
        PassageId::parse(&text).ok_or("a passage id is SOURCE:ID@REVISION#PLACE")
    }
}

impl From<PassageId> for String {
    fn from(id: PassageId) -> String {
        id.to_string()
    }
}

/// A piece of a document small enough to read at once and large enough to stand alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passage {
    /// Names the document, its revision and the place in it.
    pub id: PassageId,
    /// The document's title.
    pub title: String,
    /// The headings above it inside the document, outermost first.
    pub under: Vec<String>,
    /// Plain text: paragraphs and items on lines of their own, table rows as `column: value; …` lines. Never empty.
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passage_id_is_read_as_it_was_written() {
        let id = PassageId { document: DocumentId::new("wiki", "131103").unwrap(), revision: 7, place: 2 };

        assert_eq!(id.to_string(), "wiki:131103@7#2");
        assert_eq!(PassageId::parse(&id.to_string()), Some(id));
    }

    #[test]
    fn an_id_without_a_source_is_refused() {
        assert_eq!(DocumentId::parse("131103"), None);
        assert_eq!(DocumentId::parse("wiki:"), None);
    }
}
