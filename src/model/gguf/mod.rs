//! Whether bytes are a GGUF file that may be believed.
//!
//! A file of weights comes from anywhere. It is walked through once, before anything is made by its word: each length and
//! count is held against the bytes that are left, and each tensor against the end of the file and its neighbours. What passes
//! can be read without surprises; what does not is told with the place and what to do. The format is ggml's, versions 2 and 3.

use std::collections::HashSet;
use std::io::Cursor;

use candle_core::quantized::gguf_file::Content;

use super::{Error, Fault};

const MAGIC: &[u8; 4] = b"GGUF";
/// Entries of metadata, and tensors: hundreds in the models there are.
const ENTRIES_MAX: u64 = 1 << 16;
/// Elements of all arrays together, which take 32 bytes each when they are read: some million in the models there are.
const ELEMENTS_MAX: u64 = 1 << 23;
/// Bytes of a name.
const NAME_MAX: u64 = 1 << 16;
/// Arrays in arrays. No model has any; each level is a call when they are read.
const DEPTH_MAX: usize = 4;
/// Where nothing is said, tensors begin at multiples of it.
const ALIGNMENT: u64 = 32;
/// Measures of a tensor.
const DIMENSIONS_MAX: u32 = 4;

/// Kinds of values.
const UINT32: u32 = 4;
const STRING: u32 = 8;
const ARRAY: u32 = 9;

/// Reads what stands before the tensors, once the whole file was found to be sound.
pub(super) fn content(bytes: &[u8]) -> Result<Content, Error> {
    check(bytes).map_err(Error::Unfit)?;
    Content::read(&mut Cursor::new(bytes)).map_err(|error| Error::Unfit(Fault::Model(error.to_string())))
}

/// Walks through the file.
fn check(bytes: &[u8]) -> Result<(), Fault> {
    let mut walk = Walk { bytes, at: 0, elements: 0 };
    if walk.take(4, "its first four bytes")? != MAGIC {
        return Err(Fault::NoGguf);
    }
    let version = walk.u32("its version")?;
    if !(2..=3).contains(&version) {
        return Err(Fault::Version(version));
    }
    let tensors = walk.count("tensors", ENTRIES_MAX)?;
    let entries = walk.count("entries of metadata", ENTRIES_MAX)?;
    let mut alignment = ALIGNMENT;
    let mut keys = HashSet::new();
    for _ in 0..entries {
        let key = walk.name()?;
        let kind = walk.u32("the kind of an entry")?;
        let at = walk.at;
        walk.value(kind, 0)?;
        if key == b"general.alignment" {
            let value = bytes[at..walk.at].first_chunk().map(|four| u64::from(u32::from_le_bytes(*four)));
            alignment = value.filter(|_| kind == UINT32).unwrap_or(0);
            if !alignment.is_power_of_two() {
                return Err(Fault::Alignment(alignment));
            }
        }
        if !keys.insert(key) {
            return Err(Fault::Twice(text(key)));
        }
    }
    let mut places = Vec::new();
    let mut names = HashSet::new();
    for _ in 0..tensors {
        let name = walk.name()?;
        places.push(walk.tensor(name, alignment)?);
        if !names.insert(name) {
            return Err(Fault::Twice(text(name)));
        }
    }
    let begin = (walk.at as u64).next_multiple_of(alignment);
    let room = (bytes.len() as u64).saturating_sub(begin);
    places.sort_unstable();
    let mut free = 0;
    for (offset, length, name) in places {
        let misplaced = |why| Err(Fault::Misplaced { tensor: text(name), why });
        if offset < free {
            return misplaced("overlaps another");
        }
        free = match offset.checked_add(length) {
            Some(end) if end <= room => end,
            _ => return misplaced("reaches beyond the end of the file"),
        };
    }
    Ok(())
}

/// A name for a message.
fn text(name: &[u8]) -> String {
    let most = name.len().min(64);
    name[..most].escape_ascii().to_string()
}

/// Numbers in a block of a kind of weights, and its bytes; `None` where the kind cannot be read.
fn block(kind: u32) -> Option<(u64, u64)> {
    Some(match kind {
        0 => (1, 4),
        1 | 30 => (1, 2),
        2 => (32, 18),
        3 => (32, 20),
        6 => (32, 22),
        7 => (32, 24),
        8 => (32, 34),
        12 => (256, 144),
        13 => (256, 176),
        14 => (256, 210),
        _ => return None,
    })
}

struct Walk<'b> {
    bytes: &'b [u8],
    at: usize,
    /// Of all arrays so far.
    elements: u64,
}

impl<'b> Walk<'b> {
    fn take(&mut self, count: u64, what: &'static str) -> Result<&'b [u8], Fault> {
        let left = &self.bytes[self.at..];
        let taken = usize::try_from(count).ok().and_then(|count| left.get(..count));
        let taken = taken.ok_or(Fault::Cut { what, at: self.at, wanted: count, left: left.len() })?;
        self.at += taken.len();
        Ok(taken)
    }

    fn u32(&mut self, what: &'static str) -> Result<u32, Fault> {
        Ok(u32::from_le_bytes(*self.take(4, what)?.first_chunk().expect("four bytes were taken")))
    }

    fn u64(&mut self, what: &'static str) -> Result<u64, Fault> {
        Ok(u64::from_le_bytes(*self.take(8, what)?.first_chunk().expect("eight bytes were taken")))
    }

    fn count(&mut self, what: &'static str, most: u64) -> Result<u64, Fault> {
        let count = self.u64("a count")?;
        if count > most { Err(Fault::TooMany { what, count, most }) } else { Ok(count) }
    }

    fn name(&mut self) -> Result<&'b [u8], Fault> {
        let length = self.count("bytes of a name", NAME_MAX)?;
        self.take(length, "a name")
    }

    fn value(&mut self, kind: u32, depth: usize) -> Result<(), Fault> {
        match kind {
            STRING => {
                let length = self.u64("the length of a text")?;
                self.take(length, "a text")?;
            }
            ARRAY if depth == DEPTH_MAX => return Err(Fault::Nested(DEPTH_MAX)),
            ARRAY => {
                let kind = self.u32("the kind of an array")?;
                let count = self.u64("the length of an array")?;
                let most = ELEMENTS_MAX - self.elements;
                if count > most {
                    return Err(Fault::TooMany { what: "elements of arrays", count, most });
                }
                self.elements += count;
                for _ in 0..count {
                    self.value(kind, depth + 1)?;
                }
            }
            _ => {
                let bytes = match kind {
                    0 | 1 | 7 => 1,
                    2 | 3 => 2,
                    4..=6 => 4,
                    10..=12 => 8,
                    _ => return Err(Fault::Value(kind)),
                };
                let value = self.take(bytes, "a value")?;
                // 7 is a truth value.
                if kind == 7 && value[0] > 1 {
                    return Err(Fault::Value(kind));
                }
            }
        }
        Ok(())
    }

    /// Where a tensor lies behind the head, how long it is, and its name.
    fn tensor(&mut self, name: &'b [u8], alignment: u64) -> Result<(u64, u64, &'b [u8]), Fault> {
        let dimensions = self.u32("how many measures a tensor has")?;
        let shapeless = |measures: Vec<u64>| Fault::Shape { tensor: text(name), measures };
        if !(1..=DIMENSIONS_MAX).contains(&dimensions) {
            return Err(Fault::TooMany {
                what: "measures of a tensor",
                count: dimensions.into(),
                most: DIMENSIONS_MAX.into(),
            });
        }
        let mut measures = Vec::new();
        for _ in 0..dimensions {
            measures.push(self.u64("the measures of a tensor")?);
        }
        let kind = self.u32("the kind of a tensor")?;
        let offset = self.u64("the place of a tensor")?;
        let (numbers, bytes) = block(kind).ok_or_else(|| Fault::Kind { tensor: text(name), kind })?;
        let all = measures.iter().try_fold(1_u64, |all, one| all.checked_mul(*one));
        let length = all.filter(|all| *all > 0 && measures[0].is_multiple_of(numbers) && *all < 1 << 48);
        let Some(length) = length.map(|all| all / numbers * bytes) else { return Err(shapeless(measures)) };
        if !offset.is_multiple_of(alignment) {
            return Err(Fault::Misplaced { tensor: text(name), why: "does not begin where the file's alignment says" });
        }
        Ok((offset, length, name))
    }
}

#[cfg(test)]
mod tests;
