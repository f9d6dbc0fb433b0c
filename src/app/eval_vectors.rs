//! Vectors kept between evaluations: most of an evaluation's time is the embedding of the same pages.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

use super::Error;
use crate::model::{self, Embed, Stop, Vector};

/// The most components that a vector of the file may have.
const WIDTH_MAX: usize = 4096;

/// An embedder that looks into a file first and appends to it what it had to make. Records are a SHA-256 of the embedder's
/// name and the text, the count of components (u32) and the components (f32), little-endian. A torn end is cut off.
pub struct Kept {
    inner: Arc<dyn Embed>,
    name: String,
    known: Mutex<HashMap<[u8; 32], Box<[f32]>>>,
    file: Mutex<std::fs::File>,
}

impl Kept {
    /// Opens or makes the file. `name` is the embedder's: what another has made is not taken.
    pub fn open(inner: Arc<dyn Embed>, name: &str, path: &Path) -> Result<Kept, Error> {
        let unreadable = |error: std::io::Error| Error::Unreadable(format!("{}: {error}", path.display()));
        let mut file = std::fs::OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(unreadable)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(unreadable)?;
        let (known, whole) = records(&bytes);
        if whole < bytes.len() {
            file.set_len(whole as u64).map_err(unreadable)?;
            std::io::Seek::seek(&mut file, std::io::SeekFrom::Start(whole as u64)).map_err(unreadable)?;
        }
        Ok(Kept { inner, name: name.to_owned(), known: Mutex::new(known), file: Mutex::new(file) })
    }

    fn key(&self, text: &str) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update((self.name.len() as u64).to_le_bytes());
        hash.update(&self.name);
        hash.update(text);
        hash.finalize().into()
    }
}

/// The whole records of a file, and how many bytes they take.
fn records(bytes: &[u8]) -> (HashMap<[u8; 32], Box<[f32]>>, usize) {
    let mut known = HashMap::new();
    let mut at = 0;
    while let Some((key, rest)) = bytes[at..].split_first_chunk::<32>() {
        let Some((width, rest)) = rest.split_first_chunk::<4>() else { break };
        let width = u32::from_le_bytes(*width) as usize;
        if width > WIDTH_MAX || rest.len() < width * 4 {
            break;
        }
        let vector = rest[..width * 4].as_chunks::<4>().0.iter().map(|four| f32::from_le_bytes(*four)).collect();
        known.insert(*key, vector);
        at += 36 + width * 4;
    }
    (known, at)
}

impl Embed for Kept {
    fn embed(&self, texts: &[&str], stop: &Stop) -> Result<Vec<Vector>, model::Error> {
        let keys: Vec<[u8; 32]> = texts.iter().map(|text| self.key(text)).collect();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let is_first = |at: &usize| !keys[..*at].contains(&keys[*at]);
        let missing: Vec<usize> =
            (0..texts.len()).filter(|at| !known.contains_key(&keys[*at])).filter(is_first).collect();
        if !missing.is_empty() {
            let wanted: Vec<&str> = missing.iter().map(|at| texts[*at]).collect();
            let mut record = Vec::new();
            for (at, vector) in missing.iter().zip(self.inner.embed(&wanted, stop)?) {
                record.extend_from_slice(&keys[*at]);
                record.extend_from_slice(&(vector.0.len() as u32).to_le_bytes());
                vector.0.iter().for_each(|x| record.extend_from_slice(&x.to_le_bytes()));
                known.insert(keys[*at], vector.0);
            }
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            file.write_all(&record).map_err(|error| model::Error::Broken(error.into()))?;
        }
        Ok(keys.iter().filter_map(|key| known.get(key)).map(|vector| Vector(vector.clone())).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Counts what it is asked to make.
    #[derive(Default)]
    struct Counting(AtomicUsize);

    impl Embed for Counting {
        fn embed(&self, texts: &[&str], _: &Stop) -> Result<Vec<Vector>, model::Error> {
            self.0.fetch_add(texts.len(), Ordering::SeqCst);
            Ok(texts.iter().map(|text| Vector([text.len() as f32, 0.5].into())).collect())
        }
    }

    #[test]
    fn a_vector_is_made_once_and_a_torn_end_or_another_embedder_costs_only_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vectors");
        let counting = Arc::new(Counting::default());
        let open = |name: &str| Kept::open(Arc::clone(&counting) as Arc<dyn Embed>, name, &path).unwrap();
        let lengths = |kept: &Kept| -> Vec<f32> {
            kept.embed(&["a", "bb", "a"], &Stop::default()).unwrap().iter().map(|vector| vector.0[0]).collect()
        };

        assert_eq!(lengths(&open("mini")), [1.0, 2.0, 1.0]);
        assert_eq!(lengths(&open("mini")), [1.0, 2.0, 1.0]);
        let made = counting.0.load(Ordering::SeqCst);
        let torn = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
        torn.set_len(torn.metadata().unwrap().len() - 1).unwrap();
        assert_eq!(lengths(&open("mini")), [1.0, 2.0, 1.0]);
        assert_eq!(lengths(&open("mini")), [1.0, 2.0, 1.0]);
        let after_the_tear = counting.0.load(Ordering::SeqCst);
        assert_eq!(lengths(&open("other")), [1.0, 2.0, 1.0]);

        assert_eq!((made, after_the_tear), (2, 3), "each text once, and the torn one once more");
        assert!(counting.0.load(Ordering::SeqCst) > after_the_tear);
    }
}
