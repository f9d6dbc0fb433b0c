//! What support is told: whether the appliance is well, what runs in which version, and what went wrong by its code. Neither
//! content nor a name: no title, no person, no group, no address, no text that somebody wrote into the settings.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::todo::Item;
use super::told::{Overview, SourceState};
use super::{App, Asker, Error};
use crate::audit::{Event, Filter};
use crate::clock::Moment;
use crate::directory::Role;

/// Leaves of the log, the newest, whose kinds are counted.
const LEAVES_MAX: usize = 2_000;

/// Settings whose text is one of a few words of ours, and told as it stands. Every other text is only said to be set.
const OWN_WORDS: &[&str] = &["kind", "level", "format", "length", "tone", "rule"];

/// What stands directly in the data folder and has a name of ours.
const PARTS: &[&str] = &["state", "index", "audit", "keys", "tls", "saml"];

/// What support is told.
#[derive(Debug, Clone)]
pub struct Bundle {
    /// Health and counts.
    pub overview: Overview,
    /// What waits for somebody.
    pub todo: Vec<Item>,
    /// When the process began.
    pub started: Moment,
    /// Operating system and processor.
    pub machine: String,
    /// Cores that the process may use.
    pub cores: usize,
    /// Bytes free in the data folder's file system, and all of it; `None` where it cannot be asked.
    pub room: Option<(u64, u64)>,
    /// Bytes of each part of the data folder.
    pub parts: BTreeMap<String, u64>,
    /// The settings: numbers and switches, and of each text whether it is set.
    pub settings: Value,
    /// What went wrong in the last syncs, by its code.
    pub failures: BTreeMap<String, u64>,
    /// The last leaves of the log by kind and code: how many, and when the last one was written.
    pub events: BTreeMap<String, (u64, String)>,
}

impl App {
    /// What support is told; the asker must be of support, or an administrator.
    pub fn support(&self, asker: &Asker) -> Result<Bundle, Error> {
        if !asker.has(Role::Support) && !asker.has(Role::Administrator) {
            return Err(Error::NotThere);
        }
        let receipt = self.audit.append(&Event::Desk { user: asker.user(), what: "support", target: "" })?;
        tracing::debug!(leaf = receipt.leaf(), "what support is told was read");
        let overview = self.overview_as_owner()?;
        Ok(Bundle {
            started: self.started,
            machine: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            cores: std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
            room: self.store.room(),
            parts: parts_of(&self.settings.data),
            settings: masked(&self.settings.shown),
            failures: failures(&overview.sources),
            events: self.kinds_of_events()?,
            todo: self.todo()?,
            overview,
        })
    }

    fn kinds_of_events(&self) -> Result<BTreeMap<String, (u64, String)>, Error> {
        let mut events: BTreeMap<String, (u64, String)> = BTreeMap::new();
        for leaf in self.audit.search(&Filter::default(), None, LEAVES_MAX)?.leaves {
            let word = |field: &str| leaf.fields.get(field).and_then(Value::as_str).unwrap_or_default();
            // Codes and outcomes are words of ours; whatever else a leaf has stays out.
            let more = ["code", "outcome"].map(word).into_iter().find(|word| !word.is_empty());
            let kind = [word("event")].into_iter().chain(more).collect::<Vec<_>>().join(" ");
            let (count, last) = events.entry(kind).or_default();
            *count += 1;
            if last.as_str() < word("at") {
                *last = word("at").to_owned();
            }
        }
        Ok(events)
    }
}

fn failures(sources: &[SourceState]) -> BTreeMap<String, u64> {
    let mut failures = BTreeMap::new();
    let runs = sources.iter().filter_map(|source| source.status.runs.first());
    for failure in runs.flat_map(|run| &run.failures) {
        *failures.entry(failure.code.clone()).or_default() += 1;
    }
    failures
}

/// Bytes of each of our folders in the data folder, and of everything else together.
fn parts_of(folder: &Path) -> BTreeMap<String, u64> {
    let mut parts: BTreeMap<String, u64> = BTreeMap::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let part = PARTS.iter().find(|part| name == **part).copied().unwrap_or("other");
        *parts.entry(part.to_owned()).or_default() += bytes_of(&entry.path());
    }
    parts
}

/// Bytes of a file, or of everything in a folder; links are not followed.
fn bytes_of(path: &Path) -> u64 {
    let Ok(there) = path.symlink_metadata() else { return 0 };
    match there.is_dir() {
        true => std::fs::read_dir(path).into_iter().flatten().flatten().map(|entry| bytes_of(&entry.path())).sum(),
        false => there.len(),
    }
}

/// Settings without what anybody wrote: numbers and switches stand as they are, of a text it is told whether there is one, of a
/// list how long it is. What is added to the settings later is masked without anybody's thinking of it.
fn masked(settings: &Value) -> Value {
    match settings {
        Value::Object(fields) => {
            let field = |(key, value): (&String, &Value)| {
                let is_own = OWN_WORDS.contains(&key.as_str()) && value.as_str().is_some_and(is_word);
                (key.clone(), if is_own { value.clone() } else { masked(value) })
            };
            Value::Object(fields.iter().map(field).collect::<Map<_, _>>())
        }
        Value::Array(rows) if rows.iter().all(Value::is_object) => Value::Array(rows.iter().map(masked).collect()),
        Value::Array(rows) => json!({ "entries": rows.len() }),
        Value::String(text) => json!(if text.is_empty() { "not set" } else { "set" }),
        Value::Null => json!("not set"),
        Value::Bool(_) | Value::Number(_) => settings.clone(),
    }
}

/// Whether a text can be one of our own words: short, in small letters.
fn is_word(text: &str) -> bool {
    text.len() <= 24 && text.chars().all(|sign| sign.is_ascii_lowercase() || sign == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_settings_nothing_is_told_that_somebody_wrote() {
        let settings = json!({
            "server": { "public_url": "https://sotto.acme.example", "body_bytes_max": 1_048_576, "static_dir": null },
            "log": { "level": "info" },
            "application": { "title": "Ask ACME", "blocked_phrases": ["project falcon"], "welcome": "" },
            "source": [{ "name": "wiki", "kind": "confluence", "token_file": "/etc/token", "stale_minutes": 60 }],
        });

        let told = masked(&settings);

        assert_eq!(
            told["server"],
            json!({ "public_url": "set", "body_bytes_max": 1_048_576, "static_dir": "not set" })
        );
        assert_eq!((&told["log"]["level"], &told["source"][0]["kind"]), (&json!("info"), &json!("confluence")));
        assert_eq!(told["application"]["blocked_phrases"], json!({ "entries": 1 }));
        for word in ["acme", "ACME", "falcon", "token\"", "/etc"] {
            assert!(!told.to_string().contains(word), "{word} stands in {told}");
        }
    }
}
