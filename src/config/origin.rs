//! Where each value came from, and what an unknown key may have meant.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use toml::{Table, Value};

use crate::application::Locked;

/// Where a value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// The file.
    File,
    /// A variable of the environment.
    Environment,
}

/// One setting as it stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shown {
    /// `section.key`
    pub key: String,
    /// As TOML would write it.
    pub value: String,
    /// Where it came from.
    pub origin: Origin,
}

/// The prefix of our variables.
const PREFIX: &str = "SOTTO__";

/// The settings among the environment's variables: `SOTTO__MODEL__NAME` is `model.name`.
pub(super) fn environment(
    variables: impl Iterator<Item = (String, String)>,
) -> anyhow::Result<Vec<(Vec<String>, Value)>> {
    let mut found = Vec::new();
    for (name, text) in variables {
        let Some(rest) = name.strip_prefix(PREFIX) else { continue };
        let path: Vec<String> = rest.split("__").map(str::to_ascii_lowercase).collect();
        anyhow::ensure!(
            path.len() == 2 && path.iter().all(|part| !part.is_empty()),
            "the variable {name} is no setting; write SOTTO__SECTION__KEY"
        );
        found.push((path, value_of(&text)));
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}

/// A number, a truth value or a list as TOML writes it, else the text itself.
fn value_of(text: &str) -> Value {
    let parsed = toml::from_str::<Table>(&format!("value = {text}")).ok().and_then(|mut table| table.remove("value"));
    match parsed {
        Some(value @ (Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Array(_))) => value,
        Some(Value::String(_) | Value::Datetime(_) | Value::Table(_)) | None => Value::String(text.to_owned()),
    }
}

/// Sets a value in a table of sections.
pub(super) fn set(table: &mut Table, path: &[String], value: Value) -> anyhow::Result<()> {
    let [section, key] = path else { anyhow::bail!("a setting is SECTION.KEY") };
    let entry = table.entry(section.clone()).or_insert_with(|| Value::Table(Table::new()));
    let Some(section_table) = entry.as_table_mut() else {
        anyhow::bail!("[[{section}]] cannot be set by the environment; write it in the file");
    };
    section_table.insert(key.clone(), value);
    Ok(())
}

/// Every setting with its value and origin, in the order of the sections.
pub(super) fn show(
    settings: &super::Settings,
    file: &Table,
    environment: &[(Vec<String>, Value)],
) -> anyhow::Result<Vec<Shown>> {
    let all = Table::try_from(settings)?;
    let mut shown = Vec::new();
    for (section, value) in &all {
        match value {
            Value::Table(keys) => {
                for (key, value) in keys {
                    let by_environment = environment.iter().any(|(path, _)| path[0] == *section && path[1] == *key);
                    let by_file = file.get(section).and_then(|section| section.get(key)).is_some();
                    let origin = match (by_environment, by_file) {
                        (true, _) => Origin::Environment,
                        (false, true) => Origin::File,
                        (false, false) => Origin::Default,
                    };
                    shown.push(Shown { key: format!("{section}.{key}"), value: value.to_string(), origin });
                }
            }
            Value::Array(entries) => {
                for (number, entry) in entries.iter().enumerate() {
                    for (key, value) in entry.as_table().into_iter().flatten() {
                        let written = file.get(section).and_then(|list| list.get(number)).and_then(|e| e.get(key));
                        let origin = if written.is_some() { Origin::File } else { Origin::Default };
                        shown.push(Shown {
                            key: format!("{section}[{number}].{key}"),
                            value: value.to_string(),
                            origin,
                        });
                    }
                }
            }
            Value::String(_) | Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) => {}
        }
    }
    Ok(shown)
}

/// The keys that a file sets in one entry of a list of tables.
pub(super) fn written(file: &Table, list: &str, number: usize) -> BTreeSet<String> {
    let entry = file.get(list).and_then(|list| list.get(number)).and_then(Value::as_table);
    entry.into_iter().flat_map(|entry| entry.keys().cloned()).collect()
}

/// The keys that the file or the environment sets of the application of this id: one section, or one of several tables.
pub(super) fn of_application(file: &Table, environment: &[(Vec<String>, Value)], id: &str) -> BTreeMap<String, Locked> {
    const LIST: &str = "application";
    let id_of = |table: &Table| table.get("id").and_then(Value::as_str).unwrap_or("default").to_owned();
    let table = match file.get(LIST) {
        Some(Value::Table(table)) if id_of(table) == id => Some(table),
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_table).find(|table| id_of(table) == id),
        Some(_) | None => None,
    };
    let by_file = table.into_iter().flat_map(Table::keys).map(|key| (key.clone(), Locked::File));
    // The environment sets one section alone, and its word goes before the file's.
    let sets = environment.iter().filter(|(path, _)| path[0] == LIST && id == "default");
    by_file.chain(sets.map(|(path, _)| (path[1].clone(), Locked::Environment))).collect()
}

/// An error of the reader, with the place and, for an unknown key, the nearest one there is.
pub(super) fn explain(error: &serde_path_to_error::Error<toml::de::Error>) -> anyhow::Error {
    let place = error.path().to_string();
    let message = error.inner().message().to_owned();
    let (Some(unknown), known) = unknown_field(&message) else {
        return anyhow::anyhow!("{place}: {message}");
    };
    // The path already ends in the unknown key, or names the section it stands in.
    let section = place.strip_suffix(&unknown).unwrap_or(&place).trim_end_matches('.');
    let section = if section.is_empty() || section == "." { String::new() } else { format!("{section}.") };
    let nearest = known
        .iter()
        .map(|known| (strsim::damerau_levenshtein(&unknown, known), known))
        .min()
        .filter(|(distance, _)| *distance <= 2 + unknown.len() / 4);
    match nearest {
        Some((_, nearest)) => {
            anyhow::anyhow!("{section}{unknown} is no setting; did you mean {section}{nearest}?")
        }
        None => anyhow::anyhow!("{section}{unknown} is no setting; there are: {}", known.join(", ")),
    }
}

/// The unknown key and the known ones, from serde's "unknown field `a`, expected one of `b`, `c`".
fn unknown_field(message: &str) -> (Option<String>, Vec<String>) {
    let Some(rest) = message.strip_prefix("unknown field `") else { return (None, Vec::new()) };
    let mut quoted = rest.split('`');
    let unknown = quoted.next().map(str::to_owned);
    // Every second piece stands between back-ticks.
    let known = quoted.skip(1).step_by(2).map(str::to_owned).collect();
    (unknown, known)
}
