//! SCIM pushes, as a provider sends them: look up, then POST or PATCH.

use super::idp::{Idp, Person};

/// Brings people and their groups to `https://…/scim/v2`, trusting the root in `roots_pem`, as Okta and Entra do: GET by
/// filter, then POST, or PUT where it is there already; groups with members last.
pub fn push(idp: &Idp, people: &[Person], base: &url::Url, token: &str, roots_pem: &str) -> anyhow::Result<()> {
    let _ = (idp, people, token, roots_pem);
    todo!("{base}")
}
