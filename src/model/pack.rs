//! One file: the binary with models behind it, found again from the end of the file.
//!
//! ```text
//! the program as it was built
//! each file, at the next multiple of 4096       weights can be mapped where they lie
//! the table, JSON                               names, offsets, lengths, SHA-256s, the manifest's entries
//! the trailer, 64 bytes: table offset (8, LE) · table length (8, LE) · program length (8, LE) · SHA-256 of the table (32) · magic (8)
//! ```

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::manifest::{Manifest, Text};
use super::weights::Weights;
use super::{Error, Settings};

/// Ends a packed file.
const MAGIC: &[u8; 8] = b"SOTTOPK1";
/// The trailer's length.
const TRAILER: u64 = 64;
/// Files begin at multiples of this: the page size, so that mapped tensors are aligned.
const ALIGNMENT: u64 = 4096;
/// A longer table is none of ours.
const TABLE_BYTES_MAX: u64 = 1 << 20;

/// Where everything lies.
#[derive(Debug, Serialize, Deserialize)]
struct Table {
    manifest: Text,
    files: Vec<Laid>,
}

/// One file behind the program.
#[derive(Debug, Serialize, Deserialize)]
struct Laid {
    name: String,
    offset: u64,
    bytes: u64,
    sha256: String,
}

/// What is packed behind a binary.
pub(super) struct Packed {
    path: PathBuf,
    all: Weights,
    table: Table,
}

impl Packed {
    /// Reads what is packed behind a binary; `None` where nothing is.
    pub(super) fn open(binary: &Path) -> Result<Option<Packed>, Error> {
        let broken = |why: &str| Error::Manifest { path: binary.to_owned(), why: why.to_owned() };
        let mut file = File::open(binary).map_err(|error| broken(&error.to_string()))?;
        let Some(trailer) = Trailer::read(&mut file).map_err(|error| broken(&error.to_string()))? else {
            return Ok(None);
        };
        let all = Weights::map(binary).map_err(|error| broken(&error.to_string()))?;
        let table = all.part(trailer.table, trailer.table_bytes).filter(|table| table.len() as u64 <= TABLE_BYTES_MAX);
        let table = table.ok_or_else(|| broken("its table lies outside the file"))?;
        if Sha256::digest(&*table)[..] != trailer.sha256 {
            return Err(broken("its table is damaged"));
        }
        let table = serde_json::from_slice(&table).map_err(|error| broken(&error.to_string()))?;
        Ok(Some(Packed { path: binary.to_owned(), all, table }))
    }

    /// The manifest of what is packed.
    pub(super) fn text(&self) -> Result<Text, Error> {
        Ok(self.table.manifest.clone())
    }

    /// The binary.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A packed file, mapped where it lies.
    pub(super) fn weights(&self, name: &str) -> Option<Weights> {
        let laid = self.table.files.iter().find(|laid| laid.name == name)?;
        self.all.part(laid.offset, laid.bytes)
    }
}

/// Writes one file: the running binary with these models (by manifest name) behind it, at aligned offsets. Nothing is left
/// behind where it fails.
pub fn pack(settings: &Settings, models: &[String], out: &Path) -> Result<(), Error> {
    let binary = std::env::current_exe().map_err(|error| Error::Broken(error.into()))?;
    pack_binary(&binary, &Manifest::open(settings)?, models, out)
}

fn pack_binary(binary: &Path, manifest: &Manifest, models: &[String], out: &Path) -> Result<(), Error> {
    let mut wanted = Vec::new();
    for name in models {
        let entry = manifest.entry(name)?;
        for piece in &entry.files {
            wanted.push((piece.clone(), manifest.weights(entry, piece)?));
        }
    }
    let entries = models.iter().map(|name| manifest.entry(name).cloned()).collect::<Result<Vec<_>, Error>>()?;
    // The file must be new: to write over the running binary would end it.
    let file = File::options().write(true).create_new(true).open(out);
    let file = file.map_err(|error| Error::Manifest { path: out.to_owned(), why: error.to_string() })?;
    write(binary, Text { models: entries }, &wanted, file).map_err(|error| {
        // Half a file is of no use; that it cannot be removed changes nothing about the error.
        let _ = std::fs::remove_file(out);
        Error::Broken(error.into())
    })
}

fn write(binary: &Path, manifest: Text, wanted: &[(super::manifest::Piece, Weights)], file: File) -> io::Result<()> {
    let mut program = File::open(binary)?;
    // A binary that is packed already gives only its program.
    let program_bytes = match Trailer::read(&mut program)? {
        Some(trailer) => trailer.program_bytes,
        None => program.metadata()?.len(),
    };
    program.seek(SeekFrom::Start(0))?;
    let mut out = BufWriter::with_capacity(1 << 20, file);
    let mut at = io::copy(&mut program.take(program_bytes), &mut out)?;
    let mut files = Vec::new();
    for (piece, weights) in wanted {
        let offset = at.next_multiple_of(ALIGNMENT);
        io::copy(&mut io::repeat(0).take(offset - at), &mut out)?;
        out.write_all(weights)?;
        at = offset + piece.bytes;
        files.push(Laid { name: piece.name.clone(), offset, bytes: piece.bytes, sha256: piece.sha256.clone() });
    }
    let table = serde_json::to_vec(&Table { manifest, files })?;
    out.write_all(&table)?;
    let sha256 = Sha256::digest(&table).into();
    Trailer { table: at, table_bytes: table.len() as u64, program_bytes, sha256 }.write(&mut out)?;
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.set_permissions(std::fs::Permissions::from_mode(0o755))?;
    file.sync_all()
}

/// The end of a packed file.
struct Trailer {
    table: u64,
    table_bytes: u64,
    program_bytes: u64,
    sha256: [u8; 32],
}

impl Trailer {
    /// Reads the end of a file; `None` where it is no packed one.
    fn read(file: &mut File) -> io::Result<Option<Trailer>> {
        if file.metadata()?.len() < TRAILER {
            return Ok(None);
        }
        let mut bytes = [0; TRAILER as usize];
        file.seek(SeekFrom::End(-(TRAILER as i64)))?;
        file.read_exact(&mut bytes)?;
        if !bytes.ends_with(MAGIC) {
            return Ok(None);
        }
        let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes were taken"));
        let sha256 = bytes[24..56].try_into().expect("thirty-two bytes were taken");
        Ok(Some(Trailer { table: number(0), table_bytes: number(8), program_bytes: number(16), sha256 }))
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        for number in [self.table, self.table_bytes, self.program_bytes] {
            out.write_all(&number.to_le_bytes())?;
        }
        out.write_all(&self.sha256)?;
        out.write_all(MAGIC)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::folder_of;
    use super::*;

    fn packed(folder: &Path) -> PathBuf {
        let binary = folder.join("program");
        File::create(&binary).unwrap().write_all(b"#!program").unwrap();
        let out = folder.join("packed");
        pack_binary(&binary, &Manifest::open_folder(folder).unwrap(), &["tiny".to_owned(), "vectors".to_owned()], &out)
            .unwrap();
        out
    }

    fn folder() -> tempfile::TempDir {
        folder_of(&[("tiny", "language", "tiny.gguf", b"weights"), ("vectors", "embedder", "vectors.bin", &[7; 5000])])
    }

    #[test]
    fn a_packed_binary_holds_its_program_and_its_models_at_aligned_offsets() {
        let folder = folder();
        let out = packed(folder.path());

        let found = Packed::open(&out).unwrap().unwrap();

        assert!(found.all.starts_with(b"#!program"));
        assert_eq!(found.weights("tiny.gguf").as_deref(), Some(&b"weights"[..]));
        assert_eq!(found.weights("vectors.bin").as_deref(), Some(&[7; 5000][..]));
        assert!(found.table.files.iter().all(|laid| laid.offset % ALIGNMENT == 0));
        assert_eq!(found.text().unwrap().models.len(), 2);
        assert_eq!(std::fs::metadata(&out).unwrap().permissions().mode() & 0o777, 0o755);
    }

    #[test]
    fn a_plain_binary_has_nothing_packed_and_packing_twice_keeps_one_program() {
        let folder = folder();
        let out = packed(folder.path());
        let again = folder.path().join("again");

        assert!(Packed::open(&folder.path().join("program")).unwrap().is_none());
        pack_binary(&out, &Manifest::open_folder(folder.path()).unwrap(), &["tiny".to_owned()], &again).unwrap();
        assert!(std::fs::metadata(&again).unwrap().len() < 9000);
    }

    #[test]
    fn a_damaged_table_or_a_cut_file_is_an_error_and_never_a_plain_binary() {
        let folder = folder();
        let mut bytes = std::fs::read(packed(folder.path())).unwrap();
        let table = bytes.len() - TRAILER as usize - 5;
        bytes[table] ^= 1;
        let damaged = folder.path().join("damaged");
        File::create(&damaged).unwrap().write_all(&bytes).unwrap();
        let cut = folder.path().join("cut");
        File::create(&cut).unwrap().write_all(&bytes[bytes.len() - TRAILER as usize..]).unwrap();

        assert!(matches!(Packed::open(&damaged), Err(Error::Manifest { .. })));
        assert!(matches!(Packed::open(&cut), Err(Error::Manifest { .. })));
    }

    #[test]
    fn nothing_is_written_over_and_nothing_wrong_is_packed() {
        let folder = folder();
        let manifest = Manifest::open_folder(folder.path()).unwrap();
        let program = folder.path().join("tiny.gguf");
        let out = folder.path().join("out");

        assert!(pack_binary(&program, &manifest, &["tiny".to_owned()], &program).is_err());
        File::create(folder.path().join("vectors.bin")).unwrap().write_all(b"other").unwrap();
        assert!(matches!(pack_binary(&program, &manifest, &["vectors".to_owned()], &out), Err(Error::Wrong { .. })));
        assert!(!out.exists());
    }
}
