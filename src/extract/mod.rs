//! Turns a PDF, an office file or markup into blocks, in a child process with limits.
//!
//! A file that somebody attached is the least trusted thing we read, and its readers are the largest code we did not write.
//! So each file is read by a child: this binary again, started as `sotto extract-child FORMAT …` with an empty environment,
//! that limits its own memory and time before it looks at a byte. Whatever the file does to it, it costs that child and one
//! line in the run's failures.
//!
//! Always true here:
//! - The child is given bytes and gives blocks: it opens no file, no connection and no other process.
//! - Script, style and what a page hides from its readers are never text.
//! - What cannot be understood is read as plain text or left out; it is never an error of the whole file.
//!
//! Uses: `corpus`. Begin at [`Extractor`]; [`Sheet`] is what every reader writes on.

mod cells;
mod child;
mod docx;
mod drawing;
mod element;
mod grid;
mod html;
mod markdown;
mod odf;
mod package;
mod pdf;
mod sheet;
mod slides;
mod text;
mod workbook;
mod xml;

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use element::{close_element, is_dropped, open_element};
pub use html::write as write_html;
pub use sheet::Sheet;

use crate::corpus::Block;

/// How much a file may cost.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The largest file that is read, in bytes.
    pub file_bytes_max: u64,
    /// Seconds one file may take.
    pub seconds_max: u64,
    /// Memory one file may take, in bytes.
    pub memory_bytes_max: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { file_bytes_max: 50 << 20, seconds_max: 30, memory_bytes_max: 1 << 30 }
    }
}

/// What kinds of files are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `text/plain`
    Text,
    /// `text/html`
    Html,
    /// `text/markdown`
    Markdown,
    /// `application/pdf`
    Pdf,
    /// Office Open XML word processing
    Docx,
    /// Office Open XML presentation
    Pptx,
    /// Office Open XML spreadsheet
    Xlsx,
    /// OpenDocument text, presentation or spreadsheet
    Odf,
    /// A drawing of draw.io
    Drawing,
}

impl Format {
    const ALL: [Format; 9] = [
        Format::Text,
        Format::Html,
        Format::Markdown,
        Format::Pdf,
        Format::Docx,
        Format::Pptx,
        Format::Xlsx,
        Format::Odf,
        Format::Drawing,
    ];

    /// By media type, else by the file name's ending; `None` where it is none of ours.
    pub fn of(media_type: &str, name: &str) -> Option<Format> {
        // RFC 9110 §8.3.1: parameters follow a semicolon; the type itself has no case.
        let media_type = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default();
        let by_ending = match ending.as_str() {
            "txt" | "text" | "log" => Some(Format::Text),
            "html" | "htm" | "xhtml" => Some(Format::Html),
            "md" | "markdown" => Some(Format::Markdown),
            "pdf" => Some(Format::Pdf),
            "docx" => Some(Format::Docx),
            "pptx" | "ppsx" => Some(Format::Pptx),
            "xlsx" | "xlsm" => Some(Format::Xlsx),
            "odt" | "odp" | "ods" => Some(Format::Odf),
            "drawio" => Some(Format::Drawing),
            _ => None,
        };
        match media_type.as_str() {
            // Browsers that upload Markdown often call it plain text.
            "text/plain" => Some(by_ending.filter(|format| *format == Format::Markdown).unwrap_or(Format::Text)),
            "text/html" | "application/xhtml+xml" => Some(Format::Html),
            "text/markdown" | "text/x-markdown" => Some(Format::Markdown),
            "application/pdf" | "application/x-pdf" => Some(Format::Pdf),
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document" => Some(Format::Docx),
            "application/vnd.openxmlformats-officedocument.presentationml.presentation"
            | "application/vnd.openxmlformats-officedocument.presentationml.slideshow" => Some(Format::Pptx),
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
            | "application/vnd.ms-excel.sheet.macroenabled.12" => Some(Format::Xlsx),
            "application/vnd.oasis.opendocument.text"
            | "application/vnd.oasis.opendocument.presentation"
            | "application/vnd.oasis.opendocument.spreadsheet" => Some(Format::Odf),
            "application/vnd.jgraph.mxfile" => Some(Format::Drawing),
            // What they are, too, where nobody told the server more.
            "application/zip" | "application/x-zip-compressed" => by_ending.filter(|format| format.is_archive()),
            "" | "application/octet-stream" | "binary/octet-stream" | "application/x-download" => by_ending,
            _ => None,
        }
    }

    /// The word the child is started with.
    const fn word(self) -> &'static str {
        match self {
            Format::Text => "text",
            Format::Html => "html",
            Format::Markdown => "markdown",
            Format::Pdf => "pdf",
            Format::Docx => "docx",
            Format::Pptx => "pptx",
            Format::Xlsx => "xlsx",
            Format::Odf => "odf",
            Format::Drawing => "drawing",
        }
    }

    const fn is_archive(self) -> bool {
        matches!(self, Format::Docx | Format::Pptx | Format::Xlsx | Format::Odf)
    }

    fn from_word(word: &str) -> Option<Format> {
        Format::ALL.into_iter().find(|format| format.word() == word)
    }
}

/// Starts the child processes.
pub struct Extractor {
    /// `None` only in unit tests, which have no binary of ours to start.
    program: Option<PathBuf>,
    settings: Settings,
}

/// Why nothing was extracted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is larger than allowed.
    #[error("the file has {0} bytes; at most {1} are read")]
    TooLarge(u64, u64),
    /// The file is damaged, or not what it says it is.
    #[error("the file cannot be read: {0}")]
    Unreadable(String),
    /// The child was ended: it took too long or too much memory, or crashed.
    #[error("reading the file was ended: {0}")]
    Ended(String),
}

impl Extractor {
    /// `program` is the binary to start with the argument `extract-child`: this one.
    pub fn new(settings: &Settings, program: PathBuf) -> Extractor {
        Extractor { program: Some(program), settings: settings.clone() }
    }

    /// Reads in this process: for unit tests, which have no binary of ours to start.
    #[cfg(test)]
    pub fn in_process(settings: &Settings) -> Extractor {
        Extractor { program: None, settings: settings.clone() }
    }

    /// The largest file that is read, in bytes.
    pub fn file_bytes_max(&self) -> u64 {
        self.settings.file_bytes_max
    }

    /// Reads a file in a child process.
    pub fn blocks(&self, format: Format, bytes: &[u8]) -> Result<Vec<Block>, Error> {
        let size = bytes.len() as u64;
        if size > self.settings.file_bytes_max {
            return Err(Error::TooLarge(size, self.settings.file_bytes_max));
        }
        match &self.program {
            Some(program) => {
                let seconds = Duration::from_secs(self.settings.seconds_max.max(1));
                child::start(program, format, bytes, seconds, self.settings.memory_bytes_max)
            }
            None => read(format, bytes).map_err(Error::Unreadable),
        }
    }
}

/// What the child does: reads the file from standard input, writes blocks as JSON to standard output, under limits it sets
/// on itself first. Returns the exit code. Its arguments are `extract-child FORMAT SECONDS MEMORY-BYTES`.
pub fn child() -> u8 {
    child::run(std::env::args())
}

/// Reads a file, here and now.
fn read(format: Format, bytes: &[u8]) -> Result<Vec<Block>, String> {
    match format {
        Format::Text => Ok(text::read(&text::decode(bytes))),
        Format::Html => Ok(html::read(&text::decode(bytes))),
        Format::Markdown => Ok(markdown::read(&text::decode(bytes)).1),
        Format::Pdf => pdf::read(bytes),
        Format::Docx => docx::read(bytes),
        Format::Pptx => slides::read(bytes),
        Format::Xlsx => workbook::read(bytes),
        Format::Odf => odf::read(bytes),
        Format::Drawing => drawing::read(&text::decode(bytes)),
    }
}

/// Markdown to blocks, in this process (our own text, for example an evaluation set). Front matter gives the title.
pub fn markdown(text: &str) -> (Option<String>, Vec<Block>) {
    markdown::read(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_media_type_decides_and_the_ending_helps() {
        assert_eq!(Format::of("application/pdf", "a.bin"), Some(Format::Pdf));
        assert_eq!(Format::of("text/plain; charset=utf-8", "notes.md"), Some(Format::Markdown));
        assert_eq!(Format::of("application/octet-stream", "Plan.DOCX"), Some(Format::Docx));
        assert_eq!(Format::of("application/zip", "Plan.xlsx"), Some(Format::Xlsx));
        assert_eq!(Format::of("application/vnd.oasis.opendocument.text", "plan"), Some(Format::Odf));
        assert_eq!(Format::of("application/zip", "pages.pdf"), None);
        assert_eq!(Format::of("image/png", "a.pdf"), None);
        assert_eq!(Format::of("", "noending"), None);
    }

    #[test]
    fn a_file_that_is_too_large_is_not_even_started() {
        let settings = Settings { file_bytes_max: 3, ..Settings::default() };

        let refused = Extractor::new(&settings, PathBuf::from("/nonexistent")).blocks(Format::Text, b"four");

        assert!(matches!(refused, Err(Error::TooLarge(4, 3))));
    }

    #[test]
    fn a_program_that_cannot_be_started_is_said() {
        let extractor = Extractor::new(&Settings::default(), PathBuf::from("/nonexistent"));

        assert!(matches!(extractor.blocks(Format::Text, b"x"), Err(Error::Ended(_))));
    }

    #[test]
    fn a_damaged_file_is_unreadable_not_a_panic() {
        let extractor = Extractor::in_process(&Settings::default());

        for format in Format::ALL.into_iter().filter(|format| *format == Format::Pdf || format.is_archive()) {
            assert!(matches!(extractor.blocks(format, b"PK\x03\x04 nothing of the kind"), Err(Error::Unreadable(_))));
        }
    }
}
