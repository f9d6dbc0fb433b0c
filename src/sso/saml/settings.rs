//! The settings of a SAML provider.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::names::ProviderId;

/// One SAML 2.0 provider.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// A short word for addresses, for example `company`.
    pub id: ProviderId,
    /// What the sign-in button says.
    pub name: String,
    /// A file with the provider's metadata; it is read at each use.
    #[serde(default)]
    pub metadata_file: Option<PathBuf>,
    /// The address of the provider's metadata instead, fetched hourly.
    #[serde(default)]
    pub metadata_url: Option<url::Url>,
    /// The provider's entity id, where its metadata describe several providers.
    #[serde(default)]
    pub entity_id: Option<String>,
    /// How the browser carries our request to the provider.
    #[serde(default)]
    pub binding: Binding,
    /// Whether our requests are signed.
    #[serde(default = "yes")]
    pub sign_requests: bool,
    /// What must be signed.
    #[serde(default)]
    pub signed: Signed,
    /// Whether an assertion that is not encrypted is refused.
    #[serde(default)]
    pub want_encrypted: bool,
    /// Whether a response is taken that no request of ours asked for.
    #[serde(default)]
    pub idp_initiated: bool,
    /// Our key, PEM; one is made where none is given.
    #[serde(default)]
    pub key_file: Option<PathBuf>,
    /// Its certificate, PEM.
    #[serde(default)]
    pub certificate_file: Option<PathBuf>,
    /// Our next key, PEM: it opens what is encrypted for it already.
    #[serde(default)]
    pub next_key_file: Option<PathBuf>,
    /// Its certificate, PEM, which our metadata then name beside the current one.
    #[serde(default)]
    pub next_certificate_file: Option<PathBuf>,
    /// The attribute that holds a person's immutable id; a persistent NameID where none is named.
    #[serde(default)]
    pub subject_attribute: Option<String>,
    /// The attribute that holds the user name.
    #[serde(default)]
    pub user_name_attribute: Option<String>,
    /// The attribute that holds the e-mail address.
    #[serde(default)]
    pub email_attribute: Option<String>,
    /// The attribute with the name a page shows, for people whom provisioning gave none.
    #[serde(default)]
    pub display_name_attribute: Option<String>,
    /// The same for the given name.
    #[serde(default)]
    pub given_name_attribute: Option<String>,
    /// The same for the family name.
    #[serde(default)]
    pub family_name_attribute: Option<String>,
    /// The attribute with the names of a person's groups. Where none is named, groups in an assertion count for nothing.
    #[serde(default)]
    pub groups_attribute: Option<String>,
    /// Seconds by which the provider's clock may differ from ours.
    #[serde(default = "sixty")]
    pub skew_s: u64,
}

/// How the browser carries our request to the provider.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Binding {
    /// In an address.
    #[default]
    Redirect,
    /// In a form.
    Post,
}

/// What of an answer must be signed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Signed {
    /// The response or the assertion: one suffices, for either holds all that is read.
    #[default]
    Either,
    /// The response.
    Response,
    /// The assertion.
    Assertion,
    /// Both.
    Both,
}

fn yes() -> bool {
    true
}

fn sixty() -> u64 {
    60
}
