//! The demo's own site and people.

use super::idp::Person;

/// The site of three spaces, in the format of the contract's §4; `file` paths are resolved to content inside.
pub fn site() -> serde_json::Value {
    todo!()
}

/// Mateo, Mary, an administrator and an auditor.
pub fn people() -> Vec<Person> {
    todo!()
}
