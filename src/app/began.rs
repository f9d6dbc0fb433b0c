//! What is put on record when the appliance begins: that it did, and whether with another version or other settings.

use std::collections::BTreeMap;

use super::{App, Settings};
use crate::audit::{Began, Event};
use crate::vault::{Label, Vault};

/// Settings stand in what is kept only as a digest under this label.
const SETTINGS: Label = Label("settings digest");

impl App {
    /// Puts the beginning on record.
    pub(super) fn record_beginning(&self) -> anyhow::Result<()> {
        let version = env!("CARGO_PKG_VERSION");
        let started = self.audit.append(&Event::Started { version })?;
        tracing::info!(leaf = started.leaf(), "opened");
        let now = Began { version: version.to_owned(), sections: digests(&self.settings, &self.vault)? };
        let Some(before) = Began::last(&self.store)? else { return Ok(now.keep(&self.store)?) };
        if before.version != now.version {
            let upgraded = self.audit.append(&Event::Upgraded { from: &before.version, to: version })?;
            tracing::info!(leaf = upgraded.leaf(), from = before.version, to = version, "this is another version");
        }
        let is_other = |section: &&str| before.sections.get(*section) != now.sections.get(*section);
        let all: std::collections::BTreeSet<&str> =
            before.sections.keys().chain(now.sections.keys()).map(String::as_str).collect();
        let sections: Vec<&str> = all.into_iter().filter(is_other).collect();
        if !sections.is_empty() {
            let changed = self.audit.append(&Event::SettingsChanged { sections: &sections })?;
            tracing::info!(leaf = changed.leaf(), ?sections, "the settings are others than before");
        }
        Ok(now.keep(&self.store)?)
    }
}

/// A keyed digest of each section, by its name: that it changed can be told, and nothing of what stands in it.
fn digests(settings: &Settings, vault: &Vault) -> anyhow::Result<BTreeMap<String, String>> {
    let Settings {
        data,
        public_url,
        turns_max,
        turn_wait_s,
        extract_program: _,
        outbound,
        model,
        vault: keys,
        session,
        extract,
        directory,
        index,
        audit,
        application,
        answer,
        history,
        source,
        provider,
        scim,
        desk_files,
        digest: _,
        backup,
        analytics,
        desk,
        shown: _,
    } = settings;
    let sections = [
        ("server", serde_json::to_vec(public_url)?),
        ("data", serde_json::to_vec(&(data, desk_files, turns_max, turn_wait_s))?),
        ("outbound", serde_json::to_vec(outbound)?),
        ("model", serde_json::to_vec(model)?),
        ("vault", serde_json::to_vec(keys)?),
        ("session", serde_json::to_vec(session)?),
        ("extract", serde_json::to_vec(extract)?),
        ("directory", serde_json::to_vec(directory)?),
        ("index", serde_json::to_vec(index)?),
        ("audit", serde_json::to_vec(audit)?),
        ("application", serde_json::to_vec(application)?),
        ("answer", serde_json::to_vec(answer)?),
        ("history", serde_json::to_vec(history)?),
        ("source", serde_json::to_vec(source)?),
        ("provider", serde_json::to_vec(provider)?),
        ("scim", serde_json::to_vec(scim)?),
        ("backup", serde_json::to_vec(backup)?),
        ("analytics", serde_json::to_vec(analytics)?),
        ("desk", serde_json::to_vec(desk)?),
    ];
    let digest = |bytes: Vec<u8>| hex::encode(vault.keyed_digest(&SETTINGS, &bytes));
    Ok(sections.into_iter().map(|(name, bytes)| (name.to_owned(), digest(bytes))).collect())
}
