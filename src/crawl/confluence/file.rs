//! The words of an attached file.

use super::client::{Client, Wanted};
use crate::crawl::Failure;
use crate::crawl::source::{File, Item, Words};
use crate::crawl::words;
use crate::extract::{Extractor, Format};

/// Downloads a file and reads it.
pub(super) fn words(client: &Client, extractor: &Extractor, item: &Item, file: &File) -> Result<Words, Failure> {
    let format = words::format(item, file)?;
    let wanted = if format == Format::Html { Wanted::WebPage } else { Wanted::Data };
    let bytes = client.download(&file.path, wanted).map_err(|trouble| trouble.failure(item.id.as_str()))?;
    words::of_file(extractor, item, format, &bytes)
}
