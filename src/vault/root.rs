//! The root key, and what is derived from it by label.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use secrecy::SecretBox;
use zeroize::Zeroizing;

use super::cipher::{self, KeyBytes};
use super::{Error, Label, Settings};
use crate::store::{Store, Tree, durable};

/// The root key. No `Clone`, no `Debug`; wiped when dropped.
pub(super) struct Root(KeyBytes);

/// Seals and opens the appliance's own secrets of one kind, in a place that is bound in. No `Clone`, no `Debug`.
pub struct Own {
    key: KeyBytes,
}

/// Proves that a root key is the one of this data folder, and tells nothing about it.
const CHECK: Label = Label("root key check");

impl Root {
    /// Reads the root key. At the first run of a data folder without a set path it is made.
    pub(super) fn open(store: &Store, settings: &Settings) -> Result<Root, Error> {
        let path = settings.root_key_file.clone().unwrap_or_else(|| store.folder().join("root.key"));
        let checks: Tree<String, Vec<u8>> = store.tree("vault.check")?;
        let check = checks.get(&"root".to_owned())?;
        if check.is_none() && settings.root_key_file.is_none() && !path.exists() {
            durable::write(&path, &*cipher::fresh::<32>())?;
        }
        let root = read(&path)?;
        let mine = root.keyed_digest(&CHECK, b"");
        match check {
            // A new root key over old wrapped keys would make everything unreadable, one record at a time, without a word.
            Some(check) if check != mine => {
                Err(Error::RootKey(path, "it is not the one that this data folder was made with; put that one back"))
            }
            Some(_) => Ok(root),
            None => {
                checks.put(&"root".to_owned(), &mine.to_vec())?;
                Ok(root)
            }
        }
    }

    pub(super) fn keyed_digest(&self, label: &Label, bytes: &[u8]) -> [u8; 32] {
        *cipher::hmac(&self.derive("digest", label.0), &[bytes])
    }

    pub(super) fn own(&self, label: &Label) -> Own {
        Own { key: self.derive("own", label.0) }
    }

    /// The key that wraps people's keys.
    pub(super) fn wrapping(&self) -> KeyBytes {
        self.derive("wrap", "person")
    }

    /// RFC 5869 §2.3, one block: the root key is random already, so nothing needs extracting.
    fn derive(&self, purpose: &str, label: &str) -> KeyBytes {
        cipher::hmac(&self.0, &[b"sotto/1/", purpose.as_bytes(), b"/", label.as_bytes(), &[1]])
    }
}

impl Own {
    /// Seals a secret for a place.
    pub fn seal(&self, place: &[u8], secret: &[u8]) -> Box<[u8]> {
        cipher::seal(&self.key, place, secret).into()
    }

    /// Opens what was sealed under the same label for the same place.
    pub fn open(&self, place: &[u8], sealed: &[u8]) -> Result<SecretBox<Vec<u8>>, Error> {
        let mut secret = cipher::open(&self.key, place, sealed)?;
        Ok(SecretBox::new(Box::new(std::mem::take(&mut *secret))))
    }
}

fn read(path: &Path) -> Result<Root, Error> {
    let refuse = |why| Error::RootKey(path.to_owned(), why);
    let mode = match fs::metadata(path) {
        Ok(file) => file.permissions().mode(),
        Err(_) => {
            return Err(refuse(
                "it cannot be read; put it back, or for a new data folder make 32 random bytes with mode 0600",
            ));
        }
    };
    // Whoever can read the root key can read every conversation.
    if mode & 0o077 != 0 {
        return Err(refuse("others may read or write it; take that away with chmod 600"));
    }
    let bytes = Zeroizing::new(durable::read(path)?.unwrap_or_default());
    let key: [u8; 32] = bytes.as_slice().try_into().map_err(|_| refuse("it does not hold exactly 32 bytes"))?;
    Ok(Root(Zeroizing::new(key)))
}
