//! What the owner of the machine does: with the running appliance over its socket, and with its files while it is stopped.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use serde::Serialize;

use super::{App, Error, Models, Settings};
use crate::application;
use crate::audit::{self, Checkpoint};
use crate::clock::{Clock, Moment};
use crate::extract::Extractor;
use crate::model::{Embed, Generate};
use crate::names::SourceId;
use crate::{crawl, extract, model, sso, vault};

/// The moment at which a checkpoint was last handed out.
const TAKEN: &str = "checkpoint_taken";

/// Opens the models that the settings name; their bytes are checked first. An empty name is no language model.
pub fn open_models(settings: &Settings) -> anyhow::Result<Models> {
    let manifest = model::Manifest::open(&settings.model)?;
    let embed = manifest.embedder(&settings.model)?;
    // Only where the settings name none is there none: one that is named and missing is for IT to mend before the start.
    let generate: Option<Arc<dyn Generate>> = match settings.model.name.as_str() {
        "" => None,
        _ => Some(Arc::new(manifest.engine(&settings.model)?)),
    };
    Ok(Models { generate, embed: Some(Arc::new(embed)) })
}

/// Writes one file: this program with these models behind it.
pub fn pack(settings: &Settings, models: &[String], out: &Path) -> anyhow::Result<()> {
    Ok(model::pack(&settings.model, models, out)?)
}

/// What the child process does that reads one attachment; gives its exit code.
pub fn extract_child() -> u8 {
    extract::child()
}

/// Opens the embedder that the settings name.
pub fn open_embedder(settings: &Settings) -> anyhow::Result<Arc<dyn Embed>> {
    Ok(Arc::new(model::Manifest::open(&settings.model)?.embedder(&settings.model)?))
}

/// One model of the manifest.
#[derive(Debug, Clone, Serialize)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// `language` or `embedder`.
    pub kind: &'static str,
    /// Its licence.
    pub licence: String,
    /// Why it cannot be used; `None` where its bytes are those of the manifest.
    pub wrong: Option<String>,
}

/// The models of the manifest, each with its bytes checked.
pub fn list_models(settings: &Settings) -> anyhow::Result<Vec<Listed>> {
    let manifest = model::Manifest::open(&settings.model)?;
    let listed = manifest.models().map(|(name, kind, licence)| Listed {
        name: name.to_owned(),
        kind: match kind {
            model::Kind::Language => "language",
            model::Kind::Embedder => "embedder",
        },
        licence: licence.to_owned(),
        wrong: manifest.verify(name).err().map(|error| error.to_string()),
    });
    Ok(listed.collect())
}

/// Measures the language model that the settings name, on this machine as it is now.
pub fn bench_model(settings: &Settings) -> anyhow::Result<model::Measured> {
    Ok(model::bench(&settings.model)?)
}

/// Checks the bytes of the models that the settings name; gives their names.
pub fn verify_models(settings: &Settings) -> anyhow::Result<Vec<String>> {
    let manifest = model::Manifest::open(&settings.model)?;
    let names = [&settings.model.name, &settings.model.embedder].into_iter().filter(|name| !name.is_empty());
    names.map(|name| manifest.verify(name).map(|_| name.clone())).collect::<Result<_, _>>().map_err(Into::into)
}

/// Verifies an export of the audit log offline: `Ok` has its size and root, the error names the first leaf that does not fit.
pub fn verify_audit(export: &Path, key: &str, older: Option<&str>) -> anyhow::Result<(u64, [u8; 32])> {
    let verified = audit::verify(export, key, older)?;
    Ok((verified.size, verified.root))
}

/// Checks a proof, or a list of destroyed keys, that the appliance gave, offline; what it shows, in words. The error says what
/// does not fit.
pub fn verify_proof(text: &str, key: &str, older: Option<&str>) -> anyhow::Result<String> {
    if audit::is_destroyed(text) {
        return Ok(format!("verified a list of {} destroyed keys", audit::read_destroyed(text, key)?.len()));
    }
    Ok(match audit::verify_proof(text, key, older)? {
        audit::Shown::Leaf { index, size, line } => format!("verified leaf {index} of {size} leaves: {line}"),
        audit::Shown::Extension { old, size } => {
            format!("verified {size} leaves, which begin with the {old} signed before")
        }
    })
}

/// Whether a file is a proof, or a list of destroyed keys, and not an export.
pub fn is_proof(text: &str) -> bool {
    audit::is_proof(text) || audit::is_destroyed(text)
}

/// Reads a checkpoint, offline: how many leaves it signed, and their root.
pub fn read_checkpoint(note: &str, key: &str) -> anyhow::Result<(u64, [u8; 32])> {
    Ok(audit::read_checkpoint(note, key)?)
}

/// Looks for what is wrong with the settings' files, without starting anything: one line for each thing, in words.
pub fn check(settings: &Settings) -> Vec<(String, Result<String, String>)> {
    let mut found = Vec::new();
    let mut file = |what: String, path: &Path| {
        let outcome = match std::fs::read(path) {
            Ok(bytes) if bytes.is_empty() => Err(format!("{} is empty", path.display())),
            Ok(_) => Ok(path.display().to_string()),
            Err(error) => Err(format!("cannot read {}: {error}", path.display())),
        };
        found.push((what, outcome));
    };
    for root in &settings.outbound.roots {
        file("outbound.roots".to_owned(), root);
    }
    if let Some(path) = &settings.outbound.proxy_credential_file {
        file("outbound.proxy_credential_file".to_owned(), path);
    }
    for source in &settings.source {
        for root in &source.roots {
            file(format!("source {} roots", source.name), root);
        }
        for (what, path) in [
            ("token_file", &source.token_file),
            ("password_file", &source.password_file),
            ("space_permissions_file", &source.space_permissions_file),
            ("webhook_secret_file", &source.webhook_secret_file),
            ("memberships_file", &source.memberships_file),
        ] {
            if let Some(path) = path {
                file(format!("source {} {what}", source.name), path);
            }
        }
    }
    for provider in &settings.provider {
        for (what, path) in provider.files() {
            file(format!("provider {} {what}", provider.id()), path);
        }
    }
    for token in &settings.scim {
        file(format!("scim {} token_file", token.name), &token.token_file);
    }
    for (what, path) in [
        ("outside_certificate_file", &settings.audit.outside_certificate_file),
        ("outside_key_file", &settings.audit.outside_key_file),
        ("outside_token_file", &settings.audit.outside_token_file),
    ] {
        if let Some(path) = path {
            file(format!("audit {what}"), path);
        }
    }
    found.push(("audit outside".to_owned(), outside(&settings.audit)));
    for source in &settings.source {
        if source.kind == crawl::Product::ConfluenceArchive {
            let file = source.file.as_deref().ok_or_else(|| "file, the export, is not set".to_owned());
            let there = file.and_then(|file| match file.metadata() {
                Ok(_) => Ok(file.display().to_string()),
                Err(error) => Err(format!("cannot read {}: {error}", file.display())),
            });
            found.push((format!("source {} file", source.name), there));
        } else if source.token_file.is_none() && source.password_file.is_none() {
            let why = "neither token_file nor password_file is set: the crawl would run as anonymous, and does not";
            found.push((format!("source {}", source.name), Err(why.to_owned())));
        }
    }
    for provider in &settings.provider {
        if let sso::Settings::Saml(saml) = provider
            && let Some(metadata) = sso::saml::check_metadata(saml, Clock::System.now())
        {
            found.push((format!("provider {} metadata", saml.id), metadata.map_err(|refusal| refusal.detail)));
        }
    }
    if settings.provider.is_empty() {
        found.push(("provider".to_owned(), Err("no [[provider]] is set: nobody can sign in".to_owned())));
    }
    let sources: Vec<_> = settings.source.iter().map(|source| source.name.clone()).collect();
    let application = application::check(&settings.application, &sources).map(|()| "can be taken".to_owned());
    found.push(("application".to_owned(), application.map_err(|error| error.to_string())));
    let models = verify_models(settings).map(|names| names.join(" and ")).map_err(|error| format!("{error:#}"));
    found.push(("model".to_owned(), models));
    found
}

/// Whether the settings send checkpoints anywhere. The folder is looked for; the others are tried when something is sent.
fn outside(settings: &audit::Settings) -> Result<String, String> {
    let urls = [&settings.outside_syslog, &settings.outside_url].into_iter().flatten().map(url::Url::to_string);
    let folder = settings.outside_folder.iter().map(|folder| folder.display().to_string());
    let places: Vec<String> = folder.chain(urls).collect();
    match &settings.outside_folder {
        Some(folder) if !folder.is_dir() => Err(format!("the folder {} is not there; mount it", folder.display())),
        Some(_) | None if places.is_empty() => {
            Ok("nowhere: whoever owns this machine could rewrite the log unseen (outside_* under [audit])".to_owned())
        }
        Some(_) | None => Ok(places.join(", ")),
    }
}

/// Whether the root key is sealed under a passphrase, which must be asked for before the appliance opens.
pub fn asks_passphrase(settings: &Settings) -> bool {
    settings.vault.root_key == vault::Keeping::Passphrase
}

/// Whether that passphrase is chosen now, because the data folder is new.
pub fn is_first_passphrase(settings: &Settings) -> bool {
    let path = settings.vault.root_key_file.clone().unwrap_or_else(|| settings.data.join("root.sealed"));
    !path.exists()
}

impl App {
    /// Writes the export of the contract's §5.
    pub fn export_audit(&self, out: &mut dyn Write) -> Result<audit::Verified, Error> {
        let verified = self.audit.export(out)?;
        self.checkpoint_was_taken()?;
        Ok(verified)
    }

    /// Signs the head of the log as it is now; gives the signed note.
    pub fn audit_checkpoint(&self) -> Result<Checkpoint, Error> {
        let checkpoint = self.audit.checkpoint()?;
        self.checkpoint_was_taken()?;
        Ok(checkpoint)
    }

    /// Notes that a checkpoint was handed out, to be held where the owner of the machine cannot change it.
    fn checkpoint_was_taken(&self) -> Result<(), Error> {
        let now = u64::try_from(self.now().ms()).unwrap_or(0);
        Ok(self.moments.put(&TAKEN.to_owned(), &now)?)
    }

    /// When a checkpoint was last handed out; `None` for never.
    pub(super) fn checkpoint_taken(&self) -> Result<Option<Moment>, Error> {
        let taken = self.moments.get(&TAKEN.to_owned())?;
        Ok(taken.and_then(|ms| i64::try_from(ms).ok()).map(Moment::from_ms))
    }

    /// The key that checkpoints are signed with, as a C2SP verifier key.
    pub fn audit_key(&self) -> String {
        self.audit.public_key()
    }

    /// The data folder.
    pub fn folder(&self) -> &Path {
        &self.settings.data
    }

    /// From now on searches count words over all pages. In no release: see [`crate::index::Index::count_like_a_stock_engine`].
    #[cfg(debug_assertions)]
    pub fn count_like_a_stock_engine(&self) {
        self.index.count_like_a_stock_engine();
    }

    pub(super) fn rounds_are_stopped(&self) -> bool {
        self.rounds.is_stopped()
    }
}

/// What an administrator enters in Confluence so that its webhooks are heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Where they are sent.
    pub url: String,
    /// What they are signed with.
    pub secret: String,
    /// The events worth sending, by Confluence's names.
    pub events: &'static [&'static str],
}

/// What to enter in Confluence's administration for a source; an error where its secret cannot be read.
pub fn webhook(settings: &Settings, source: &SourceId) -> anyhow::Result<Webhook> {
    let wanted = in_settings(settings, source)?;
    let url = settings.public_url.join(&format!("/hooks/{source}")).context("server.public_url is no base")?;
    let secret = crawl::webhook_secret(wanted).map_err(|why| anyhow::anyhow!("source {source}: {why}"))?;
    Ok(Webhook { url: url.into(), secret, events: crawl::WEBHOOK_EVENTS })
}

fn in_settings<'s>(settings: &'s Settings, source: &SourceId) -> anyhow::Result<&'s crawl::Settings> {
    settings.source.iter().find(|known| known.name == *source).with_context(|| {
        format!(
            "the settings have no source {source}; one that was made on the desk is looked at there, /admin/sources"
        )
    })
}

/// Looks whether a source can be relied on, by asking it: one line for each thing, with the remedy where something is wrong.
pub fn examine(settings: &Settings, source: &SourceId) -> anyhow::Result<Vec<(String, Result<String, String>)>> {
    let wanted = in_settings(settings, source)?;
    // It reads no attachment, so the program that would is never started.
    let extractor = Extractor::new(&settings.extract, PathBuf::new());
    let findings = crawl::examine(wanted, &settings.outbound, &extractor)?;
    let in_words = |failure: crawl::Failure| format!("{}; {}", failure.cause, failure.remedy);
    Ok(findings.into_iter().map(|finding| (finding.what.to_owned(), finding.outcome.map_err(in_words))).collect())
}
