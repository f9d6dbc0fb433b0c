//! Model folders for tests.

use std::io::Write as _;

use sha2::{Digest, Sha256};

/// A folder with a manifest and these models of one file each: name, kind, file, bytes.
pub(super) fn folder_of(models: &[(&str, &str, &str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut manifest = String::new();
    for (name, kind, file, bytes) in models {
        let sha256 = hex::encode(Sha256::digest(bytes));
        manifest += &format!(
            "[[model]]\nname = \"{name}\"\nkind = \"{kind}\"\nlicence = \"Apache-2.0\"\n\
             [[model.file]]\nname = \"{file}\"\nbytes = {}\nsha256 = \"{sha256}\"\n",
            bytes.len()
        );
        if !file.contains('/') {
            std::fs::File::create(folder.path().join(file)).unwrap().write_all(bytes).unwrap();
        }
    }
    std::fs::File::create(folder.path().join("manifest.toml")).unwrap().write_all(manifest.as_bytes()).unwrap();
    folder
}
