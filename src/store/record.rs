//! Stored shapes, and the frame around each of them: a version and a checksum.

use super::Error;

/// A stored shape. The version is its first byte; every version ever shipped can still be read.
pub trait Record: Sized {
    /// The version that is written today.
    const VERSION: u8;
    /// Appends today's form.
    fn write(&self, out: &mut Vec<u8>);
    /// Reads the form of `version`.
    fn read(version: u8, bytes: &[u8]) -> Result<Self, Error>;
}

/// Makes a serde type a [`Record`] kept as JSON. A field added later needs `#[serde(default)]`; a change that old bytes do
/// not survive needs a hand-written `Record` that reads both versions.
macro_rules! json_record {
    ($type:ty, $version:expr) => {
        impl $crate::store::Record for $type {
            const VERSION: u8 = $version;

            fn write(&self, out: &mut Vec<u8>) {
                serde_json::to_writer(out, self).expect("a record is plain JSON: its maps have text keys");
            }

            fn read(version: u8, bytes: &[u8]) -> Result<Self, $crate::store::Error> {
                if version != $version {
                    return Err($crate::store::Error::unreadable("it was written by a newer sotto"));
                }
                serde_json::from_slice(bytes).map_err(|_| $crate::store::Error::unreadable("it is not of its shape"))
            }
        }
    };
}
pub(crate) use json_record;

impl Record for u64 {
    const VERSION: u8 = 1;

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_be_bytes());
    }

    fn read(_version: u8, bytes: &[u8]) -> Result<u64, Error> {
        bytes.try_into().map(u64::from_be_bytes).map_err(|_| Error::unreadable("it is no number"))
    }
}

impl Record for Vec<u8> {
    const VERSION: u8 = 1;

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }

    fn read(_version: u8, bytes: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(bytes.to_vec())
    }
}

/// The key alone is kept: a set.
impl Record for () {
    const VERSION: u8 = 1;

    fn write(&self, _out: &mut Vec<u8>) {}

    fn read(_version: u8, bytes: &[u8]) -> Result<(), Error> {
        if bytes.is_empty() { Ok(()) } else { Err(Error::unreadable("it should be empty")) }
    }
}

/// Bytes before a record: its version, then the checksum, low byte first.
const FRAME_BYTES: usize = 5;

/// A record with room for its checksum, which [`close`] fills in.
pub(super) fn frame<V: Record>(value: &V) -> Vec<u8> {
    let mut out = vec![V::VERSION, 0, 0, 0, 0];
    value.write(&mut out);
    out
}

/// Puts the checksum in: now the record can stand at this key of this tree, and nowhere else.
pub(super) fn close(tree: &str, key: &[u8], mut framed: Vec<u8>) -> Vec<u8> {
    let sum = checksum(tree, key, framed[0], &framed[FRAME_BYTES..]);
    framed[1..FRAME_BYTES].copy_from_slice(&sum.to_le_bytes());
    framed
}

/// Reads what [`frame`] and [`close`] made.
pub(super) fn unframe<V: Record>(tree: &'static str, key: &[u8], bytes: &[u8]) -> Result<V, Error> {
    let [version, s0, s1, s2, s3, body @ ..] = bytes else {
        return Err(Error::Unreadable { tree, why: "it is too short" });
    };
    if checksum(tree, key, *version, body) != u32::from_le_bytes([*s0, *s1, *s2, *s3]) {
        return Err(Error::Unreadable { tree, why: "its checksum does not fit" });
    }
    V::read(*version, body).map_err(|error| {
        if let Error::Unreadable { tree: "", why } = error { Error::Unreadable { tree, why } } else { error }
    })
}

/// Whether the checksum of stored bytes fits their place.
pub(super) fn is_sound(tree: &str, key: &[u8], bytes: &[u8]) -> bool {
    match bytes {
        [version, s0, s1, s2, s3, body @ ..] => {
            checksum(tree, key, *version, body) == u32::from_le_bytes([*s0, *s1, *s2, *s3])
        }
        _ => false,
    }
}

/// CRC-32 over the place and the bytes, so that a sound record in a wrong place is found too.
fn checksum(tree: &str, key: &[u8], version: u8, body: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    for part in [tree.as_bytes(), key] {
        sum.update(&(part.len() as u64).to_le_bytes());
        sum.update(part);
    }
    sum.update(&[version]);
    sum.update(body);
    sum.finalize()
}
