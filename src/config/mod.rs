//! Reads the TOML file and the environment into the settings that each room declares for itself.
//!
//! Precedence: command line, environment (`SOTTO__SECTION__KEY`), file, default. A key nobody knows is an error that names
//! the nearest one there is: a setting that is misspelt must not quietly stay at its default.
//!
//! Uses: `app`, `web`. Begin at [`Settings::read`].

mod origin;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

pub use origin::{Origin, Shown};

use crate::{
    analytics, answer, app, application, audit, crawl, directory, extract, history, index, model, outbound, session,
    sso, vault, web,
};

/// Where the settings are looked for when no `--config` names a file.
pub const DEFAULT_FILE: &str = "/etc/sotto/sotto.toml";

/// Where our state is kept, and how much is done at once.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Data {
    /// The data folder; only its owner may open it.
    pub folder: PathBuf,
    /// Questions that the model answers at once; as many more are answered by quoting, and beyond these told that the
    /// appliance is busy.
    pub turns_max: usize,
    /// Seconds that a question waits for the model before it is answered by quoting.
    pub turn_wait_s: u64,
    /// The folder whose files administrators may name on the desk (credentials, root certificates, tables, exports of sources
    /// made there); without one they may name none, and enter secrets instead.
    pub desk_files: Option<PathBuf>,
}

impl Default for Data {
    fn default() -> Data {
        Data { folder: PathBuf::from("/var/lib/sotto"), turns_max: 8, turn_wait_s: 5, desk_files: None }
    }
}

/// How the log of the process is written. It never carries words of questions or pages.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Logging {
    /// `error`, `warn`, `info` or `debug`.
    pub level: Level,
    /// `json` (one object a line) or `text`.
    pub format: Format,
}

impl Default for Logging {
    fn default() -> Logging {
        Logging { level: Level::Info, format: Format::Json }
    }
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Someone should act.
    Error,
    /// Someone should look.
    Warn,
    /// What happened.
    Info,
    /// How it happened.
    Debug,
}

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// One JSON object a line.
    Json,
    /// For a person at a terminal.
    Text,
}

/// Every setting, by section.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `[server]`
    pub server: web::Settings,
    /// `[data]`
    pub data: Data,
    /// `[log]`
    pub log: Logging,
    /// `[model]`
    pub model: model::Settings,
    /// `[answer]`
    pub answer: answer::Settings,
    /// `[index]`
    pub index: index::Settings,
    /// `[extract]`
    pub extract: extract::Settings,
    /// `[outbound]`
    pub outbound: outbound::Settings,
    /// `[session]`
    pub session: session::Settings,
    /// `[directory]`
    pub directory: directory::Settings,
    /// `[application]`, or an `[[application]]` for each
    #[serde(deserialize_with = "application::read_declared", serialize_with = "application::write_declared")]
    pub application: application::Settings,
    /// `[history]`
    pub history: history::Settings,
    /// `[analytics]`
    pub analytics: analytics::Settings,
    /// `[desk]`
    pub desk: app::DeskSettings,
    /// `[vault]`
    pub vault: vault::Settings,
    /// `[audit]`
    pub audit: audit::Settings,
    /// `[backup]`
    pub backup: app::backup::Settings,
    /// `[[source]]`
    pub source: Vec<crawl::Settings>,
    /// `[[provider]]`
    pub provider: Vec<sso::Settings>,
    /// `[[scim]]`
    pub scim: Vec<app::ScimToken>,
}

impl Settings {
    /// Reads a file and the environment over the defaults. Without a file, [`DEFAULT_FILE`] where it is there.
    pub fn read(file: Option<&Path>) -> anyhow::Result<(Settings, Vec<Shown>)> {
        let text = match file {
            Some(path) => Some((path.to_owned(), read_text(path)?)),
            None => {
                let path = PathBuf::from(DEFAULT_FILE);
                match path.exists() {
                    true => Some((path.clone(), read_text(&path)?)),
                    false => None,
                }
            }
        };
        let environment = origin::environment(std::env::vars())?;
        let (name, text) = text.unwrap_or_else(|| (PathBuf::from("no file"), String::new()));
        Settings::compose(&text, environment).with_context(|| format!("in the settings ({})", name.display()))
    }

    /// Reads TOML text alone, over the defaults.
    pub fn parse(text: &str) -> anyhow::Result<Settings> {
        Ok(Settings::compose(text, Vec::new())?.0)
    }

    /// Reads TOML text and the environment over the defaults: for settings that a command writes by itself.
    pub fn with_environment(text: &str) -> anyhow::Result<Settings> {
        Ok(Settings::compose(text, origin::environment(std::env::vars())?)?.0)
    }

    fn compose(text: &str, environment: Vec<(Vec<String>, toml::Value)>) -> anyhow::Result<(Settings, Vec<Shown>)> {
        // The file is read by itself first, so that an error names its line.
        let file: toml::Table = toml::from_str(text).context("this is not TOML")?;
        let mut merged = file.clone();
        for (path, value) in &environment {
            origin::set(&mut merged, path, value.clone())?;
        }
        let mut settings: Settings =
            serde_path_to_error::deserialize(toml::Value::Table(merged)).map_err(|error| origin::explain(&error))?;
        for (number, source) in settings.source.iter_mut().enumerate() {
            source.written = origin::written(&file, "source", number);
        }
        for (number, token) in settings.scim.iter_mut().enumerate() {
            token.written = origin::written(&file, "scim", number);
        }
        settings.application.note_written(|id| origin::of_application(&file, &environment, id.as_str()));
        let shown = origin::show(&settings, &file, &environment)?;
        Ok((settings, shown))
    }

    /// Hands the settings down: to the rooms below `app`, and to `web`.
    pub fn hand_down(self) -> (app::Settings, web::Settings) {
        let shown = serde_json::to_value(&self)
            .expect("settings are text, numbers and lists of them: their maps have text keys");
        let below = app::Settings {
            digest: self.digest(),
            data: self.data.folder,
            desk_files: self.data.desk_files,
            public_url: self.server.public_url.clone(),
            turns_max: self.data.turns_max,
            turn_wait_s: self.data.turn_wait_s,
            extract_program: None,
            outbound: self.outbound,
            model: self.model,
            vault: vault::Settings { credentials: credentials_folder(), ..self.vault },
            session: self.session,
            extract: self.extract,
            directory: self.directory,
            index: self.index,
            audit: self.audit,
            application: self.application,
            answer: self.answer,
            history: self.history,
            backup: self.backup,
            analytics: self.analytics,
            desk: self.desk,
            shown,
            source: self.source,
            provider: self.provider,
            scim: self.scim,
        };
        (below, self.server)
    }

    /// SHA-256 of all of them: whether two appliances have the same.
    fn digest(&self) -> [u8; 32] {
        use sha2::Digest as _;
        sha2::Sha256::digest(serde_json::to_vec(self).expect("settings are plain JSON")).into()
    }
}

/// Where systemd put the service's credentials (systemd.exec(5), "Credentials").
fn credentials_folder() -> Option<PathBuf> {
    std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from)
}

fn read_text(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests;
