//! Builders: an [`Appliance`] with its wiki and its people, and a [`Site`] for the wiki. Defaults are dull and valid.

mod appliance;
mod child;
mod endless;
mod gate;
pub mod oracle;
mod site;
mod vectors;
mod walk;

pub use appliance::{Appliance, PATIENCE, Parts, SCIM_TOKEN, assert_nowhere, direct, files, real_models};
pub use child::{Child, Stage, serve_until_killed};
pub use endless::Endless;
pub use gate::Gate;
pub use site::{CRAWLER_TOKEN, Site};
pub use vectors::WordVectors;
pub use walk::{attribute, browser_of, free_port, hidden, submit, walk};

use serde_json::Value;

/// The texts of an answer's sentences.
pub fn claims(answer: &Value) -> Vec<String> {
    let claims = answer["claims"].as_array().into_iter().flatten();
    claims.map(|claim| claim["text"].as_str().unwrap_or_default().to_owned()).collect()
}

/// The titles of an answer's sources.
pub fn sources(answer: &Value) -> Vec<String> {
    let sources = answer["sources"].as_array().into_iter().flatten();
    sources.map(|source| source["title"].as_str().unwrap_or_default().to_owned()).collect()
}

/// Writes a file of a test.
pub fn put(path: &std::path::Path, text: &str) {
    let mut file = std::fs::File::create(path).unwrap();
    std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
}

/// Whether a test that needs `what` must be skipped, which is said; where skipping is forbidden it fails instead.
pub fn is_skipped(what: &str, is_there: bool) -> bool {
    if is_there {
        return false;
    }
    assert!(std::env::var_os("SOTTO_NO_SKIP").is_none(), "{what} is missing, and no test may be skipped here");
    eprintln!("SKIPPED: {what} is missing");
    true
}
