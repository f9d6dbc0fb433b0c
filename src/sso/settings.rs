//! The settings of a provider, of either kind: `kind = "oidc"`, which is meant where none is written, or `kind = "saml"`.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{oidc, saml};
use crate::names::ProviderId;

/// One `[[provider]]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", try_from = "Map<String, Value>")]
pub enum Settings {
    /// OpenID Connect.
    Oidc(Box<oidc::Settings>),
    /// SAML 2.0.
    Saml(Box<saml::Settings>),
}

impl Settings {
    /// Its id.
    pub fn id(&self) -> &ProviderId {
        match self {
            Settings::Oidc(settings) => &settings.id,
            Settings::Saml(settings) => &settings.id,
        }
    }

    /// The files it names, by the names of their settings.
    pub fn files(&self) -> Vec<(&'static str, &Path)> {
        let files = match self {
            Settings::Oidc(settings) => vec![("client_secret_file", &settings.client_secret_file)],
            Settings::Saml(settings) => vec![
                ("metadata_file", &settings.metadata_file),
                ("key_file", &settings.key_file),
                ("certificate_file", &settings.certificate_file),
                ("next_key_file", &settings.next_key_file),
                ("next_certificate_file", &settings.next_certificate_file),
            ],
        };
        files.into_iter().filter_map(|(name, path)| Some((name, path.as_deref()?))).collect()
    }
}

impl TryFrom<Map<String, Value>> for Settings {
    type Error = String;

    /// By hand, because a derived reader has no default for its tag.
    fn try_from(mut entries: Map<String, Value>) -> Result<Settings, String> {
        let kind = entries.remove("kind");
        let entries = Value::Object(entries);
        match kind.as_ref().map_or(Some("oidc"), Value::as_str) {
            Some("oidc") => serde_json::from_value(entries).map(Settings::Oidc),
            Some("saml") => serde_json::from_value(entries).map(Settings::Saml),
            _ => return Err("kind is neither \"oidc\" nor \"saml\"".to_owned()),
        }
        .map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_provider_without_a_kind_is_of_openid_connect() {
        let settings: Settings = serde_json::from_value(
            json!({ "id": "company", "name": "Company", "issuer": "https://idp.example", "client_id": "sotto" }),
        )
        .unwrap();

        assert!(matches!(settings, Settings::Oidc(_)));
    }

    #[test]
    fn a_setting_of_the_other_kind_is_refused_by_its_name() {
        let wrong = json!({ "kind": "saml", "id": "company", "name": "Company", "client_id": "sotto" });

        let error = serde_json::from_value::<Settings>(wrong).unwrap_err().to_string();

        assert!(error.contains("client_id"), "{error}");
    }

    #[test]
    fn settings_that_are_written_are_read_back() {
        let text = json!({ "kind": "saml", "id": "company", "name": "Company", "metadata_file": "/etc/idp.xml" });
        let settings: Settings = serde_json::from_value(text).unwrap();

        let written = serde_json::to_value(&settings).unwrap();

        assert_eq!(written["kind"], "saml");
        assert!(matches!(serde_json::from_value(written).unwrap(), Settings::Saml(_)));
    }
}
