//! Settings of a source as they are sent: keys of the settings file, and secrets apart from them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::app::{Draft, Hush};
use crate::crawl::Secret;

/// A source that is to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSource {
    /// A short word for ids and addresses; it stays what it is.
    pub name: String,
    /// Settings by the keys of `[[source]]` in the settings file; `kind`, `url` and `user` at least (`file` for an archive).
    #[serde(default)]
    #[schema(value_type = Object)]
    pub settings: Map<String, Value>,
    /// What is entered, in the place of files.
    #[serde(default)]
    pub secrets: Secrets,
}

/// What is to be changed of a source.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceChanges {
    /// Settings by the keys of `[[source]]` in the settings file; `null` puts one back to its default.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub settings: Map<String, Value>,
    /// What is entered anew, or taken back with `null`.
    #[serde(default)]
    pub secrets: Secrets,
}

/// Secrets of a source. They are sealed, and never told again.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Secrets {
    /// A personal access token; on Cloud, an API token.
    #[serde(default, deserialize_with = "sent")]
    #[schema(value_type = Option<String>)]
    pub token: Option<Option<String>>,
    /// The password of basic authentication.
    #[serde(default, deserialize_with = "sent")]
    #[schema(value_type = Option<String>)]
    pub password: Option<Option<String>>,
    /// What Confluence signs its webhooks with.
    #[serde(default, deserialize_with = "sent")]
    #[schema(value_type = Option<String>)]
    pub webhook_secret: Option<Option<String>>,
}

/// Tells what was sent as `null` from what was not sent.
fn sent<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(from).map(Some)
}

impl Secrets {
    fn entered(self) -> BTreeMap<Secret, Option<Hush>> {
        let all =
            [(Secret::Token, self.token), (Secret::Password, self.password), (Secret::Webhook, self.webhook_secret)];
        all.into_iter().filter_map(|(secret, sent)| Some((secret, sent?.map(Hush)))).collect()
    }
}

impl NewSource {
    /// What is wanted.
    pub fn draft(self) -> Draft {
        Draft { changes: self.settings, secrets: self.secrets.entered() }
    }
}

impl SourceChanges {
    /// What is wanted.
    pub fn draft(self) -> Draft {
        Draft { changes: self.settings, secrets: self.secrets.entered() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_is_not_sent_stays_and_one_that_is_null_goes() {
        let sent: SourceChanges =
            serde_json::from_str(r#"{"settings": {"spaces": ["HR"]}, "secrets": {"token": "hush", "password": null}}"#)
                .unwrap();

        let draft = sent.draft();

        assert!(matches!(draft.secrets.get(&Secret::Token), Some(Some(Hush(text))) if text == "hush"));
        assert!(matches!(draft.secrets.get(&Secret::Password), Some(None)));
        assert!(!draft.secrets.contains_key(&Secret::Webhook));
        assert!(!format!("{draft:?}").contains("hush"));
        assert!(serde_json::from_str::<SourceChanges>(r#"{"secrets": {"root": "x"}}"#).is_err());
    }
}
