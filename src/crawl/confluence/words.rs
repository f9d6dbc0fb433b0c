//! The words of a page, a comment or a file.

use super::client::{Client, Wanted};
use crate::clock::Moment;
use crate::corpus::Block;
use crate::crawl::Failure;
use crate::crawl::markup::{self, Names};
use crate::crawl::source::{File, Item, Words};
use crate::extract::{self, Extractor, Format};

/// What was read of an item's words, whichever way they came.
pub(super) struct Read {
    /// Storage format; `None` where there was none.
    pub storage: Option<String>,
    /// The words that an inline comment was made on.
    pub selection: Option<String>,
    /// The version that was read.
    pub revision: u64,
    /// RFC 3339.
    pub when: String,
    /// Display name of who made that version, where it came along.
    pub author: Option<String>,
}

/// Words in storage format to blocks.
pub(super) fn of_storage(read: Read, item: &Item, names: &Names<'_>) -> Result<Words, Failure> {
    let Some(storage) = read.storage else {
        return Err(Failure {
            what: item.id.to_string(),
            code: "no_body".to_owned(),
            cause: "Confluence gives no content for it".to_owned(),
            remedy: "open the page in Confluence and save it again".to_owned(),
        });
    };
    let markup::Read { mut blocks, links } = markup::read(&storage, names);
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

/// The words of an attached file.
pub(super) fn of_file(client: &Client, extractor: &Extractor, item: &Item, file: &File) -> Result<Words, Failure> {
    let failure = |code: &str, cause: String, remedy: &str| Failure {
        what: item.id.to_string(),
        code: code.to_owned(),
        cause,
        remedy: remedy.to_owned(),
    };
    let Some(format) = Format::of(&file.media_type, &item.title) else {
        return Err(failure("file_unknown", "its kind of file is not understood".to_owned(), "nothing is to be done"));
    };
    let wanted = if format == Format::Html { Wanted::WebPage } else { Wanted::Data };
    let bytes = client.download(&file.path, wanted).map_err(|trouble| trouble.failure(item.id.as_str()))?;
    let blocks = extractor.blocks(format, &bytes).map_err(|error| {
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
        failure(code, error.to_string(), remedy)
    })?;
    let (revision, updated_ms, author) = (item.revision, item.updated_ms, item.author.clone());
    Ok(Words { blocks, links: Vec::new(), revision, updated_ms, author })
}
