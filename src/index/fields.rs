//! The fields of a stored passage and of a stored whole document, and how they are written and read back.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tantivy::schema::document::Value as _;
use tantivy::schema::{BytesOptions, FAST, Field, INDEXED, IndexRecordOption, Schema, TextFieldIndexing, TextOptions};
use tantivy::{TantivyDocument, Term};

use super::language::Language;
use super::vector::Quantised;
use super::{Error, Head};
use crate::acl::AclClass;
use crate::corpus::{Document, DocumentId, Passage, PassageId};

/// The form of everything here and in `words`: an index of another form is built again.
pub(super) const FORM: &str = "sotto-6";

pub(super) const STEMS: &str = "stems";
pub(super) const EXACT: &str = "exact";

/// What stands between a space's key and its name in the column of spaces.
const SPACE_GLUE: char = '\n';

/// The fields by their meaning.
#[derive(Debug, Clone)]
pub(super) struct Fields {
    /// The document's id, on each of its passages and on the whole.
    pub(super) document: Field,
    /// The passage's id.
    pub(super) passage: Field,
    /// The document's id, on the whole alone.
    pub(super) whole: Field,
    /// The class number.
    pub(super) class: Field,
    /// A number made of the document's id: groups its passages.
    page: Field,
    /// A number made of the passage's (or the document's) id: breaks ties.
    key: Field,
    /// 0 for the whole, else one more than the passage's place.
    place: Field,
    updated: Field,
    /// When it was made; not there where that is not known.
    created: Field,
    pub(super) source: Field,
    /// The space's key in lower case.
    pub(super) space: Field,
    pub(super) label: Field,
    /// Who changed it last and who made it, as far as either is kept, in lower case.
    pub(super) author: Field,
    /// The id of what it hangs on, else of the page directly above.
    pub(super) parent: Field,
    /// The word of its kind.
    pub(super) kind: Field,
    /// The space's key and name, on the whole.
    space_name: Field,
    /// The code of a passage's language, where it is not English.
    pub(super) language: Field,
    pub(super) title: Field,
    pub(super) headings: Field,
    pub(super) body: Field,
    /// Title, headings and body by exact form.
    pub(super) exact: Field,
    /// There on a passage without a vector.
    pub(super) bare: Field,
    vector: Field,
    /// The head, as JSON.
    head: Field,
    /// The passage or the document, as JSON.
    stored: Field,
}

/// A passage as it is stored.
#[derive(Serialize, Deserialize)]
pub(super) struct Stored<P> {
    pub(super) head: Head,
    pub(super) passage: P,
    /// The code of its document's language, where it is not English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) language: Option<String>,
}

impl<P> Stored<P> {
    pub(super) fn language(&self) -> Option<Language> {
        Language::parse(self.language.as_deref()?)
    }
}

impl Fields {
    pub(super) fn new() -> (Fields, Schema) {
        let mut schema = Schema::builder();
        let raw = TextFieldIndexing::default()
            .set_tokenizer("raw")
            .set_index_option(IndexRecordOption::Basic)
            .set_fieldnorms(false);
        let id = TextOptions::default().set_indexing_options(raw);
        let text = |tokenizer| {
            let indexing =
                TextFieldIndexing::default().set_tokenizer(tokenizer).set_index_option(IndexRecordOption::WithFreqs);
            TextOptions::default().set_indexing_options(indexing)
        };
        let stored = BytesOptions::default().set_stored();
        let fields = Fields {
            document: schema.add_text_field("document", id.clone()),
            passage: schema.add_text_field("passage", id.clone()),
            whole: schema.add_text_field("whole", id.clone()),
            class: schema.add_u64_field("class", INDEXED | FAST),
            page: schema.add_u64_field("page", FAST),
            key: schema.add_u64_field("key", FAST),
            place: schema.add_u64_field("place", FAST),
            updated: schema.add_i64_field("updated", FAST),
            created: schema.add_i64_field("created", FAST),
            source: schema.add_text_field("source", id.clone()),
            space: schema.add_text_field("space", id.clone()),
            label: schema.add_text_field("label", id.clone()),
            author: schema.add_text_field("author", id.clone()),
            parent: schema.add_text_field("parent", id.clone()),
            kind: schema.add_text_field("kind", id.clone()),
            space_name: schema.add_text_field("space_name", TextOptions::default().set_fast("raw")),
            language: schema.add_text_field("language", id.clone()),
            title: schema.add_text_field("title", text(STEMS)),
            headings: schema.add_text_field("headings", text(STEMS)),
            body: schema.add_text_field("body", text(STEMS)),
            exact: schema.add_text_field("exact", text(EXACT)),
            bare: schema.add_text_field("bare", id),
            vector: schema.add_u64_field("vector", FAST),
            head: schema.add_bytes_field("head", stored.clone()),
            stored: schema.add_bytes_field("stored", stored),
        };
        (fields, schema.build())
    }

    /// A passage, ready to be added.
    pub(super) fn passage(
        &self,
        head: &Head,
        passage: &Passage,
        language: Option<Language>,
        class: AclClass,
        vector: Option<&Quantised>,
    ) -> Result<TantivyDocument, Error> {
        let mut out = self.begun(head, class);
        let id = passage.id.to_string();
        out.add_text(self.passage, &id);
        out.add_u64(self.key, number_of(&id));
        out.add_u64(self.place, u64::from(passage.id.place) + 1);
        out.add_text(self.source, head.id.source());
        out.add_text(self.space, head.space.key.to_lowercase());
        for label in &head.labels {
            out.add_text(self.label, label.to_lowercase());
        }
        for name in [&head.author, &head.made.by].into_iter().filter(|name| !name.is_empty()) {
            out.add_text(self.author, name.to_lowercase());
        }
        if let Some(parent) = &head.parent {
            out.add_text(self.parent, parent.as_str());
        }
        out.add_text(self.kind, head.kind.word());
        let under = passage.under.join("\n");
        for (field, text) in [(self.title, &passage.title), (self.headings, &under), (self.body, &passage.text)] {
            match language {
                Some(language) => out.add_pre_tokenized_text(field, language.tokens(text)),
                None => out.add_text(field, text),
            }
        }
        if let Some(language) = language {
            out.add_text(self.language, language.code());
        }
        out.add_text(self.exact, format!("{}\n{under}\n{}", passage.title, passage.text));
        let stored = Stored { head: head.clone(), passage, language: language.map(|of| of.code().to_owned()) };
        match vector {
            Some(vector) => vector.to_column().into_iter().for_each(|number| out.add_u64(self.vector, number)),
            None => out.add_text(self.bare, "1"),
        }
        out.add_bytes(self.stored, &json(&stored)?);
        Ok(out)
    }

    /// A whole document, ready to be added.
    pub(super) fn whole(&self, document: &Document, class: AclClass) -> Result<TantivyDocument, Error> {
        let head = Head::of(document);
        let mut out = self.begun(&head, class);
        out.add_text(self.whole, document.id.as_str());
        out.add_u64(self.key, number_of(document.id.as_str()));
        out.add_u64(self.place, 0);
        out.add_text(self.space_name, format!("{}{SPACE_GLUE}{}", document.space.key, document.space.name));
        out.add_bytes(self.head, &json(&head)?);
        out.add_bytes(self.stored, &json(document)?);
        Ok(out)
    }

    fn begun(&self, head: &Head, class: AclClass) -> TantivyDocument {
        let mut out = TantivyDocument::default();
        out.add_text(self.document, head.id.as_str());
        out.add_u64(self.class, u64::from(class.number()));
        out.add_u64(self.page, number_of(head.id.as_str()));
        out.add_i64(self.updated, head.updated_ms);
        if let Some(at) = head.made.at_ms {
            out.add_i64(self.created, at);
        }
        out
    }

    pub(super) fn of_document(&self, id: &DocumentId) -> Term {
        Term::from_field_text(self.document, id.as_str())
    }

    pub(super) fn of_whole(&self, id: &DocumentId) -> Term {
        Term::from_field_text(self.whole, id.as_str())
    }

    pub(super) fn of_passage(&self, id: &PassageId) -> Term {
        Term::from_field_text(self.passage, &id.to_string())
    }

    /// Reads a stored passage.
    pub(super) fn read_passage(&self, stored: &TantivyDocument) -> Result<Stored<Passage>, Error> {
        read(stored, self.stored)
    }

    /// Reads a stored whole document.
    pub(super) fn read_whole(&self, stored: &TantivyDocument) -> Result<Document, Error> {
        read(stored, self.stored)
    }

    /// Reads a whole document's head.
    pub(super) fn read_head(&self, stored: &TantivyDocument) -> Result<Head, Error> {
        read(stored, self.head)
    }

    /// The key and the name of a space from its column.
    pub(super) fn space_of(column: &str) -> Option<(&str, &str)> {
        column.split_once(SPACE_GLUE)
    }
}

/// A number made of an id: the same in every index, whatever else is in it.
pub(super) fn number_of(id: &str) -> u64 {
    let digest: [u8; 32] = Sha256::digest(id).into();
    u64::from_be_bytes(*digest.first_chunk().expect("32 bytes have a first 8"))
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value).map_err(|error| Error::Broken(error.into()))
}

fn read<T: serde::de::DeserializeOwned>(stored: &TantivyDocument, field: Field) -> Result<T, Error> {
    let bytes = stored.get_first(field).and_then(|value| value.as_bytes());
    let bytes = bytes.ok_or_else(|| Error::Stale("an entry lacks its text".to_owned()))?;
    serde_json::from_slice(bytes).map_err(|error| Error::Stale(format!("an entry does not read: {error}")))
}
