//! The plain form of a backup: a line that says what it is, then frames, and at the end a digest of all that came before.
//!
//! A frame is a byte that says its kind, then its fields, each a length (4 bytes, the highest first) and so many bytes:
//!
//! | Kind | Fields |
//! |---|---|
//! | `H` head | JSON |
//! | `R` record | tree, key, stored bytes |
//! | `C` change | tree, key, stored bytes; after all records, in order |
//! | `X` removal | tree, key |
//! | `F` file | its name in the data folder |
//! | `B` bytes | of the file begun last |
//! | `E` end | JSON, SHA-256 of every byte before this second field |

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::store::Part;

/// The first line. Another form has another number.
const MAGIC: &[u8] = b"sotto backup 1\n";
const MAGIC_BEFORE_NUMBER: &[u8] = b"sotto backup ";
/// The longest field, in bytes: more than any record that the appliance keeps.
const FIELD_BYTES_MAX: u32 = 256 * 1024 * 1024;

/// What stands at the beginning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    /// The version of the binary that wrote it.
    pub(super) version: String,
    /// When, RFC 3339.
    pub(super) made: String,
    /// The log's name.
    pub(super) origin: String,
    /// The log's C2SP verifier key.
    pub(super) public_key: String,
    /// SHA-256 of the settings in force, hexadecimal.
    pub(super) settings: String,
    /// Whether the root key is in it.
    pub(super) has_root_key: bool,
}

/// What stands at the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct End {
    pub(super) records: u64,
    pub(super) files: u64,
    /// Leaves of the log.
    pub(super) audit_size: u64,
    /// The root of their tree, hexadecimal.
    pub(super) audit_root: String,
}

/// A frame as it was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame {
    Part(Part),
    File(String),
    Bytes(Vec<u8>),
    End(End),
}

/// Why a stream of frames is no whole backup.
#[derive(Debug, thiserror::Error)]
pub(super) enum Misread {
    #[error("it is no backup of sotto")]
    Foreign,
    #[error("it was made by a newer sotto")]
    Newer,
    #[error("it ends in the middle: it was cut off")]
    CutOff,
    #[error("it is damaged: {0}")]
    Damaged(&'static str),
    #[error("it cannot be read: {0}")]
    Io(io::Error),
}

impl From<io::Error> for Misread {
    fn from(error: io::Error) -> Misread {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            Misread::CutOff
        } else if error.kind() == io::ErrorKind::InvalidData {
            // What the cipher says of a piece that was changed, and of a last one that is not whole.
            Misread::Damaged("a piece of it was changed or cut off")
        } else {
            Misread::Io(error)
        }
    }
}

/// Writes frames.
pub(super) struct Writer<'w> {
    out: &'w mut dyn Write,
    sum: Sha256,
}

impl<'w> Writer<'w> {
    pub(super) fn begin(out: &'w mut dyn Write, head: &Head) -> io::Result<Writer<'w>> {
        let mut writer = Writer { out, sum: Sha256::new() };
        writer.bytes(MAGIC)?;
        writer.frame(b'H', &[&json(head)])?;
        Ok(writer)
    }

    pub(super) fn part(&mut self, part: &Part) -> io::Result<()> {
        match part {
            Part::Record { tree, key, value } => self.frame(b'R', &[tree.as_bytes(), key, value]),
            Part::Change { tree, key, value: Some(value) } => self.frame(b'C', &[tree.as_bytes(), key, value]),
            Part::Change { tree, key, value: None } => self.frame(b'X', &[tree.as_bytes(), key]),
        }
    }

    pub(super) fn file(&mut self, name: &str, from: &mut dyn Read, piece: usize) -> io::Result<()> {
        self.frame(b'F', &[name.as_bytes()])?;
        let mut bytes = vec![0; piece];
        loop {
            match from.read(&mut bytes) {
                Ok(0) => return Ok(()),
                Ok(read) => self.frame(b'B', &[&bytes[..read]])?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    pub(super) fn finish(mut self, end: &End) -> io::Result<()> {
        self.frame(b'E', &[&json(end)])?;
        let sum = self.sum.clone().finalize();
        self.field(&sum)?;
        self.out.flush()
    }

    fn frame(&mut self, kind: u8, fields: &[&[u8]]) -> io::Result<()> {
        self.bytes(&[kind])?;
        fields.iter().try_for_each(|field| self.field(field))
    }

    fn field(&mut self, field: &[u8]) -> io::Result<()> {
        let length = u32::try_from(field.len()).ok().filter(|length| *length <= FIELD_BYTES_MAX);
        let length = length.ok_or_else(|| io::Error::new(io::ErrorKind::FileTooLarge, "a record is too long"))?;
        self.bytes(&length.to_be_bytes())?;
        self.bytes(field)
    }

    fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sum.update(bytes);
        self.out.write_all(bytes)
    }
}

/// Reads frames; after [`Frame::End`] there are none.
pub(super) struct Reader<R> {
    from: R,
    sum: Sha256,
    pub(super) head: Head,
}

impl<R: Read> Reader<R> {
    pub(super) fn begin(from: R) -> Result<Reader<R>, Misread> {
        let head = Head {
            version: String::new(),
            made: String::new(),
            origin: String::new(),
            public_key: String::new(),
            settings: String::new(),
            has_root_key: false,
        };
        let mut reader = Reader { from, sum: Sha256::new(), head };
        let magic = reader.bytes(MAGIC.len() as u32)?;
        if magic != MAGIC {
            return Err(if magic.starts_with(MAGIC_BEFORE_NUMBER) { Misread::Newer } else { Misread::Foreign });
        }
        if reader.bytes(1)? != b"H" {
            return Err(Misread::Damaged("it has no head"));
        }
        let head = reader.field()?;
        reader.head = serde_json::from_slice(&head).map_err(|_| Misread::Damaged("its head does not read"))?;
        Ok(reader)
    }

    pub(super) fn next(&mut self) -> Result<Frame, Misread> {
        let kind = self.bytes(1)?[0];
        Ok(match kind {
            b'R' => Frame::Part(Part::Record { tree: self.text()?, key: self.field()?, value: self.field()? }),
            b'C' => Frame::Part(Part::Change { tree: self.text()?, key: self.field()?, value: Some(self.field()?) }),
            b'X' => Frame::Part(Part::Change { tree: self.text()?, key: self.field()?, value: None }),
            b'F' => Frame::File(self.text()?),
            b'B' => Frame::Bytes(self.field()?),
            b'E' => {
                let end = self.field()?;
                let before = self.sum.clone().finalize();
                if self.field()? != before.as_slice() {
                    return Err(Misread::Damaged("its digest is another than the one at its end"));
                }
                let end = serde_json::from_slice(&end).map_err(|_| Misread::Damaged("its end does not read"))?;
                if self.from.read(&mut [0])? > 0 {
                    return Err(Misread::Damaged("something stands after its end"));
                }
                Frame::End(end)
            }
            _ => return Err(Misread::Damaged("it has a part of an unknown kind")),
        })
    }

    fn text(&mut self) -> Result<String, Misread> {
        String::from_utf8(self.field()?).map_err(|_| Misread::Damaged("a name in it is no text"))
    }

    fn field(&mut self) -> Result<Vec<u8>, Misread> {
        let length = self.bytes(4)?;
        let length = u32::from_be_bytes([length[0], length[1], length[2], length[3]]);
        if length > FIELD_BYTES_MAX {
            return Err(Misread::Damaged("a part of it is longer than any may be"));
        }
        self.bytes(length)
    }

    /// Room is taken as bytes come, not as a length says.
    fn bytes(&mut self, length: u32) -> Result<Vec<u8>, Misread> {
        let mut bytes = Vec::new();
        (&mut self.from).take(u64::from(length)).read_to_end(&mut bytes)?;
        if bytes.len() < length as usize {
            return Err(Misread::CutOff);
        }
        self.sum.update(&bytes);
        Ok(bytes)
    }
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("it is plain JSON")
}
