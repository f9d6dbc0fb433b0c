//! What was read of a page, a comment or a file, to its words.

use super::Failure;
use super::markup::{self, Names};
use super::source::{File, Item, Words};
use crate::clock::Moment;
use crate::corpus::{Block, DocumentId};
use crate::extract::{self, Extractor, Format};

/// What was read of an item's words, whichever way they came.
pub(super) struct Read {
    /// Storage format; `None` where there was none.
    pub storage: Option<String>,
    /// The document format of Cloud's new editor, which is read where there is no storage format.
    pub document: Option<String>,
    /// The page as it is shown, where there is neither and the settings take it.
    pub view: Option<String>,
    /// The words that an inline comment was made on.
    pub selection: Option<String>,
    /// The version that was read.
    pub revision: u64,
    /// RFC 3339.
    pub when: String,
    /// Display name of who made that version, where it came along.
    pub author: Option<String>,
}

/// What is written above a page that was read as it is shown.
const SHOWN: &str =
    "(This page was read as it is shown, for its source could not be had: what macros show is left out.)";

/// What was read to blocks.
pub(super) fn of(read: Read, item: &Item, names: &Names<'_>) -> Result<Words, Failure> {
    let found = match (&read.storage, &read.document, &read.view) {
        (Some(storage), ..) => Some(markup::read(storage, names)),
        (None, Some(document), _) => markup::read_document(document, names),
        (None, None, Some(view)) => {
            let mut found = markup::read_view(view);
            found.blocks.insert(0, Block::Paragraph { text: SHOWN.to_owned() });
            Some(found)
        }
        (None, None, None) => None,
    };
    let Some(markup::Read { mut blocks, links }) = found else {
        return Err(Failure {
            what: item.id.to_string(),
            code: "no_body".to_owned(),
            cause: "Confluence gives no content for it".to_owned(),
            remedy: "open the page in Confluence and save it again".to_owned(),
        });
    };
    if let Some(text) = read.selection.filter(|text| !text.trim().is_empty()) {
        blocks.insert(0, Block::Quote { text: text.split_whitespace().collect::<Vec<_>>().join(" ") });
    }
    Ok(Words {
        blocks,
        links,
        revision: read.revision.max(item.revision),
        updated_ms: Moment::parse(&read.when).map_or(item.updated_ms, Moment::ms),
        author: read.author.unwrap_or_else(|| item.author.clone()),
    })
}

/// What kind of file an attachment is.
pub(super) fn format(item: &Item, file: &File) -> Result<Format, Failure> {
    Format::of(&file.media_type, &item.title).ok_or_else(|| Failure {
        what: item.id.to_string(),
        code: "file_unknown".to_owned(),
        cause: "its kind of file is not understood".to_owned(),
        remedy: "nothing is to be done".to_owned(),
    })
}

/// The words of an attached file.
pub(super) fn of_file(extractor: &Extractor, item: &Item, format: Format, bytes: &[u8]) -> Result<Words, Failure> {
    let blocks = extractor.blocks(format, bytes).map_err(|error| {
        let (code, remedy) = match &error {
            extract::Error::TooLarge(..) => {
                ("file_too_large", "raise [extract] file_bytes_max where the machine has the memory")
            }
            extract::Error::Unreadable(_) => {
                ("file_unreadable", "open the file, save it anew and attach it again; a full sync tries it as it is")
            }
            extract::Error::Ended(_) => (
                "file_ended",
                "if it is really so large, raise [extract] seconds_max or memory_bytes_max; then sync in full",
            ),
        };
        Failure {
            what: item.id.to_string(),
            code: code.to_owned(),
            cause: error.to_string(),
            remedy: remedy.to_owned(),
        }
    })?;
    let (revision, updated_ms, author) = (item.revision, item.updated_ms, item.author.clone());
    Ok(Words { blocks, links: Vec::new(), revision, updated_ms, author })
}

/// That a file is not read for its size.
pub(super) fn too_large(id: &DocumentId, size: u64, most: u64) -> Failure {
    Failure {
        what: id.to_string(),
        code: "file_too_large".to_owned(),
        cause: format!("the file has {size} bytes; at most {most} are read"),
        remedy: "raise [extract] file_bytes_max where the machine has the memory".to_owned(),
    }
}
