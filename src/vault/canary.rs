//! For tests of every room: whether words stand on disk in any form that a thief would search for.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// Searches every file below a folder for a text: as it is, in both orders of UTF-16, and in base64 at each alignment.
pub fn is_on_disk(folder: &Path, text: &str) -> bool {
    let forms = forms(text);
    let mut folders = vec![folder.to_owned()];
    let mut files = 0;
    let mut found = false;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            files += 1;
            let bytes = fs::read(&path).unwrap();
            found |= forms.iter().any(|form| bytes.windows(form.len()).any(|window| window == form));
        }
    }
    assert!(files > 0, "a search that reads no file finds nothing");
    found
}

fn forms(text: &str) -> Vec<Vec<u8>> {
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let mut forms = vec![text.as_bytes().to_vec(), little, big];
    for before in 0..3 {
        let bytes = [&b"\0\0\0"[..before], text.as_bytes()].concat();
        let all = STANDARD_NO_PAD.encode(bytes).into_bytes();
        // The first and the last characters depend on the neighbours too.
        let first = [0, 2, 3][before];
        forms.push(all[first..all.len() - 2].to_vec());
    }
    forms
}

#[test]
fn a_text_is_found_in_each_form() {
    let word = "the heron is asleep";
    let utf16: Vec<u8> = word.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let encoded = STANDARD_NO_PAD.encode(format!("it says {word} there"));

    for bytes in [word.as_bytes(), &utf16, encoded.as_bytes()] {
        let folder = tempfile::tempdir().unwrap();
        crate::store::durable::write(&folder.path().join("file"), bytes).unwrap();
        assert!(is_on_disk(folder.path(), word));
        assert!(!is_on_disk(folder.path(), "the heron is awake"));
    }
}
