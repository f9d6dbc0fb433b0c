//! Office files are ZIP archives of XML parts. One that would unpack to far more than any document has is refused.

use std::io::{Cursor, Read as _};

use zip::ZipArchive;
use zip::result::ZipError;

use super::text;

/// The most that the parts of one file may unpack to, in bytes; a part that hides its size is ended there too.
const UNPACKED_BYTES_MAX: u64 = 256 << 20;

/// The most entries of one archive; each costs memory before a part is read.
const ENTRIES_MAX: usize = 20_000;

/// What a file of Office 97 begins with, and one of today that a password protects (MS-CFB §2.2).
const COMPOUND: [u8; 8] = [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];

/// An open archive.
pub(super) struct Package<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    /// Bytes that may still be unpacked.
    left: u64,
}

impl<'a> Package<'a> {
    /// Opens an archive; the error says what is wrong with the file.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Package<'a>, String> {
        if bytes.starts_with(&COMPOUND) {
            return Err("it is protected by a password, or made by Office 97".to_owned());
        }
        let archive = ZipArchive::new(Cursor::new(bytes)).map_err(|_| damaged())?;
        if archive.len() > ENTRIES_MAX {
            return Err(format!("it has {} parts; at most {ENTRIES_MAX} are read", archive.len()));
        }
        Ok(Package { archive, left: UNPACKED_BYTES_MAX })
    }

    /// Refuses an archive whose own list of parts says that their XML is too much: for readers that unpack by themselves.
    pub(super) fn refuse_large(mut self) -> Result<(), String> {
        let mut declared = 0u64;
        for place in 0..self.archive.len() {
            let Ok(part) = self.archive.by_index_raw(place) else { continue };
            let name = part.name_raw();
            if name.ends_with(b".xml") || name.ends_with(b".rels") {
                declared = declared.saturating_add(part.size());
            }
        }
        if declared > UNPACKED_BYTES_MAX { Err(too_much()) } else { Ok(()) }
    }

    /// The text of a part; `None` where there is none of that name.
    pub(super) fn part(&mut self, name: &str) -> Result<Option<String>, String> {
        let part = match self.archive.by_name(name) {
            Ok(part) => part,
            Err(ZipError::FileNotFound) => return Ok(None),
            Err(ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED)) => return Err(protected()),
            Err(_) => return Err(damaged()),
        };
        let mut bytes = Vec::new();
        // What an archive says of a part's size is not believed.
        part.take(self.left + 1).read_to_end(&mut bytes).map_err(|_| damaged())?;
        self.left = self.left.checked_sub(bytes.len() as u64).ok_or_else(too_much)?;
        Ok(Some(text::decode(&bytes)))
    }
}

/// What is said of a file that a password protects.
pub(super) fn protected() -> String {
    "it is protected by a password".to_owned()
}

fn damaged() -> String {
    "it is no office file, or damaged".to_owned()
}

fn too_much() -> String {
    format!("it would unpack to more than {} MiB of text", UNPACKED_BYTES_MAX >> 20)
}

/// Archives made by tests.
#[cfg(test)]
pub(super) mod made {
    use std::io::{Cursor, Write as _};

    use zip::write::SimpleFileOptions;
    use zip::{CompressionMethod, ZipWriter};

    /// An archive of these parts.
    pub(in crate::extract) fn archive(parts: &[(&str, &str)]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        for (name, text) in parts {
            writer.start_file(*name, options).unwrap();
            writer.write_all(text.as_bytes()).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_read_and_one_that_is_not_there_is_none() {
        let bytes = made::archive(&[("a.xml", "<a/>")]);
        let mut package = Package::open(&bytes).unwrap();

        assert_eq!(package.part("a.xml").unwrap().as_deref(), Some("<a/>"));
        assert_eq!(package.part("b.xml").unwrap(), None);
    }

    #[test]
    fn what_unpacks_to_too_much_is_refused_whether_it_says_so_or_not() {
        let bytes = made::archive(&[("a.xml", "<a/>"), ("b.xml", &"x".repeat(2_000))]);
        let mut package = Package::open(&bytes).unwrap();
        package.left = 1_000;

        assert!(package.part("a.xml").is_ok());
        assert!(package.part("b.xml").unwrap_err().contains("unpack"));
        assert!(Package::open(&bytes).unwrap().refuse_large().is_ok());
    }

    #[test]
    fn a_protected_file_and_a_damaged_one_are_told_apart() {
        let says = |bytes: &[u8]| Package::open(bytes).map(|_| ()).unwrap_err();

        assert!(says(&[&COMPOUND[..], &[0; 600]].concat()).contains("password"));
        assert!(says(b"PK\x03\x04 nothing").contains("damaged"));
    }
}
