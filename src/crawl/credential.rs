//! The secrets of a source: in files that the settings name, or entered on the desk and sealed.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Settings;

/// A secret of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Secret {
    /// A personal access token; on Cloud, an API token.
    Token,
    /// The password of basic authentication.
    Password,
    /// What webhooks are signed with.
    #[serde(rename = "webhook_secret")]
    Webhook,
}

impl Secret {
    /// All of them.
    pub const ALL: [Secret; 3] = [Secret::Token, Secret::Password, Secret::Webhook];

    /// Its word, as in the settings of a file without `_file`.
    pub fn word(self) -> &'static str {
        match self {
            Secret::Token => "token",
            Secret::Password => "password",
            Secret::Webhook => "webhook_secret",
        }
    }

    /// Whether it goes out to the source's host.
    pub fn is_sent(self) -> bool {
        matches!(self, Secret::Token | Secret::Password)
    }
}

/// Opens a secret at the moment when it is used; the error says why it does not open.
pub type Opener = Arc<dyn Fn() -> Result<String, String> + Send + Sync>;

/// Secrets that were entered on the desk. It cannot print or store them.
#[derive(Clone, Default)]
pub struct Entered(BTreeMap<Secret, Opener>);

impl Entered {
    /// Adds one, in the place of one that was entered before.
    pub fn put(&mut self, secret: Secret, opener: Opener) {
        self.0.insert(secret, opener);
    }

    /// Whether one was entered.
    pub fn has(&self, secret: Secret) -> bool {
        self.0.contains_key(&secret)
    }
}

impl fmt::Debug for Entered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Settings {
    /// Whether a secret is given at all: by file, or entered.
    pub fn has_secret(&self, secret: Secret) -> bool {
        self.entered.has(secret) || self.file_of(secret).is_some()
    }

    /// A secret, read now; `None` where none is given. The error says what is wrong with its file.
    pub(super) fn secret(&self, secret: Secret) -> Result<Option<String>, String> {
        match (self.entered.0.get(&secret), self.file_of(secret)) {
            (Some(open), _) => open().and_then(|text| one_line(&text, "what was entered")).map(Some),
            (None, Some(path)) => {
                let text = std::fs::read_to_string(path);
                let text = text.map_err(|error| format!("cannot read {}: {error}", path.display()))?;
                one_line(&text, &path.display().to_string()).map(Some)
            }
            (None, None) => Ok(None),
        }
    }

    fn file_of(&self, secret: Secret) -> Option<&std::path::Path> {
        match secret {
            Secret::Token => self.token_file.as_deref(),
            Secret::Password => self.password_file.as_deref(),
            Secret::Webhook => self.webhook_secret_file.as_deref(),
        }
    }
}

fn one_line(text: &str, whence: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err(format!("{whence} holds no credential: one line is expected"));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(more: serde_json::Value) -> Settings {
        let mut all = serde_json::json!({"name": "wiki", "kind": "confluence", "url": "http://127.0.0.1:1"});
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(all).unwrap()
    }

    #[test]
    fn what_was_entered_goes_before_a_file_and_is_not_printed() {
        let mut settings = settings(serde_json::json!({"token_file": "/nowhere"}));
        assert!(settings.secret(Secret::Token).unwrap_err().contains("/nowhere"));

        settings.entered.put(Secret::Token, Arc::new(|| Ok("hush\n".to_owned())));

        assert_eq!(settings.secret(Secret::Token).unwrap().as_deref(), Some("hush"));
        assert_eq!(settings.secret(Secret::Password).unwrap(), None);
        assert!(!format!("{settings:?}").contains("hush"));
        assert!(!serde_json::to_string(&settings).unwrap().contains("hush"));
    }

    #[test]
    fn a_secret_of_two_lines_is_none() {
        let mut settings = settings(serde_json::json!({}));
        settings.entered.put(Secret::Password, Arc::new(|| Ok("a\nb".to_owned())));

        assert!(settings.secret(Secret::Password).unwrap_err().contains("one line"));
    }
}
