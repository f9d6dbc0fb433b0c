//! Any file of weights: it is read or refused, and what was read can be run. Never a panic, and no memory by its word.

#![no_main]

use std::io::Write as _;

use libfuzzer_sys::fuzz_target;
use sotto::probe::Stand;

fuzz_target!(|bytes: &[u8]| {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary folder");
    file.write_all(bytes).expect("room for a file");
    if let Ok(mut model) = Stand::of_file(file.path()) {
        // Whatever the scores are; tokens beyond the vocabulary are an error.
        let _ = model.pace(&[1, 2, 3], 1);
        let _ = model.tokens("The pager is loud. <|im_end|> \u{1f389}");
    }
});
