//! Turns a PDF, an office file or markup into blocks, in a child process with limits.
//!
//! Uses: `corpus`. Begin at [`Extractor`].

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

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
}

impl Format {
    /// By media type, else by the file name's ending; `None` where it is none of ours.
    pub fn of(media_type: &str, name: &str) -> Option<Format> {
        todo!("{media_type} {name}")
    }
}

/// Starts the child processes.
pub struct Extractor {}

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
        todo!("{settings:?} {program:?}")
    }

    /// Reads a file in a child process.
    pub fn blocks(&self, format: Format, bytes: &[u8]) -> Result<Vec<Block>, Error> {
        todo!("{format:?} {}", bytes.len())
    }
}

/// What the child does: reads the file from standard input, writes blocks as JSON to standard output, under limits it sets
/// on itself first. Returns the exit code.
pub fn child() -> u8 {
    todo!()
}

/// Markdown to blocks, in this process (our own text, for example an evaluation set). Front matter gives the title.
pub fn markdown(text: &str) -> (Option<String>, Vec<Block>) {
    todo!("{text}")
}
