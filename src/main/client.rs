//! Commands that speak to the running appliance over the socket in its data folder, and `audit verify`, which needs none.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::Value;
use sotto::app;
use sotto::app::nouns::{DocumentId, Mode, Moment, SourceId};
use sotto::web::control::{self, Command};

use crate::{FOUND_WRONG, complain, say, serve};

/// Begins a sync.
pub fn sync(
    config: Option<&Path>,
    name: &str,
    full: bool,
    permissions: bool,
    allow_removal: bool,
) -> anyhow::Result<()> {
    let mode = match (full, permissions) {
        (true, _) => Mode::Full,
        (false, true) => Mode::Permissions,
        (false, false) => Mode::Changes,
    };
    let source = SourceId::parse(name).with_context(|| format!("{name:?} is no name of a source"))?;
    tell(config, &Command::Sync { source, mode, allow_removal })?;
    say(&format!("the sync of {name} began; \"sotto status\" says how it stands"));
    Ok(())
}

/// Prints what a source would give.
pub fn preview(config: Option<&Path>, name: &str, json: bool) -> anyhow::Result<()> {
    let source = SourceId::parse(name).with_context(|| format!("{name:?} is no name of a source"))?;
    let reply = tell(config, &Command::Preview { source })?;
    if json {
        say(&serde_json::to_string_pretty(&reply)?);
        return Ok(());
    }
    for space in reply["spaces"].as_array().into_iter().flatten() {
        let counts = |counts: &Value| {
            ["pages", "blogposts", "comments", "attachments"].map(|kind| format!("{} {kind}", counts[kind])).join(", ")
        };
        let key = space["key"].as_str().unwrap_or_default();
        say(&format!("{key}: {}; left out: {}", counts(&space["taken"]), counts(&space["left_out"])));
    }
    for failure in reply["failures"].as_array().into_iter().flatten() {
        let text = |part: &str| failure[part].as_str().unwrap_or_default().to_owned();
        complain(&format!("{} {}: {}; {}", text("code"), text("what"), text("cause"), text("remedy")));
    }
    Ok(())
}

/// Prints why a person, or two, may or may not read a document.
pub fn explain(
    config: Option<&Path>,
    user: String,
    other: Option<String>,
    document: &str,
    at: Option<Moment>,
    json: bool,
) -> anyhow::Result<()> {
    let document = DocumentId::parse(document).with_context(|| format!("{document:?} is no id like wiki:1234"))?;
    let people = [user].into_iter().chain(other).collect();
    let reply = tell(config, &Command::Explain { people, document, at })?;
    if json {
        say(&serde_json::to_string_pretty(&reply)?);
        return Ok(());
    }
    explanation(&reply).iter().for_each(|line| say(line));
    Ok(())
}

/// An explanation, a line each: what holds is marked +, what does not -, what is not known ?.
fn explanation(access: &Value) -> Vec<String> {
    let rows = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let learned = |value: &Value| match value["learned"]["number"].as_u64() {
        Some(number) => format!("  (sync {number}, {})", text(&value["learned"]["began_at"])),
        None => String::new(),
    };
    let mut lines = vec![format!("as of {}", text(&access["at"]))];
    for person in rows(&access["people"]) {
        lines.push(String::new());
        lines.push(text(&person["summary"]));
        for step in rows(&person["steps"]) {
            let mark = match step["state"].as_str() {
                Some("met") => '+',
                Some("failed") => '-',
                _ => '?',
            };
            lines.push(format!("  {mark} {}{}", text(&step["text"]), learned(&step)));
            for (number, way) in rows(&step["ways"]).iter().enumerate() {
                for fact in rows(way) {
                    let needed = if fact["needed"] == true { "needed: " } else { "" };
                    let way = if number == 0 { "  " } else { "or" };
                    lines.push(format!("      {way} {needed}{}{}", text(&fact["text"]), learned(&fact)));
                }
            }
            if step["more_ways"].as_u64().unwrap_or_default() > 0 {
                lines.push(format!("      or {} more ways", step["more_ways"]));
            }
        }
    }
    let differences = rows(&access["differences"]);
    if !differences.is_empty() {
        lines.push(String::new());
        lines.push("they differ:".to_owned());
        lines.extend(differences.iter().flat_map(|one| rows(&one["texts"])).map(|one| format!("  {}", text(&one))));
    }
    lines
}

/// Prints health and counts.
pub fn status(config: Option<&Path>, json: bool) -> anyhow::Result<()> {
    let reply = tell(config, &Command::Status)?;
    if json {
        say(&serde_json::to_string_pretty(&reply)?);
        return Ok(());
    }
    for (key, value) in reply.as_object().into_iter().flatten() {
        say(&format!("{key}: {value}"));
    }
    Ok(())
}

/// Replaces the root key, or renews the keys of a person.
pub fn rotate(config: Option<&Path>, to: Option<PathBuf>, user: Option<String>, json: bool) -> anyhow::Result<()> {
    let to = to.map(std::path::absolute).transpose().context("the file's name is none")?;
    let command = match user {
        Some(user) => Command::RenewKeys { user },
        None => Command::ReplaceRoot { to: to.clone() },
    };
    let reply = tell(config, &command)?;
    if json {
        say(&serde_json::to_string_pretty(&reply)?);
        return Ok(());
    }
    if let Command::RenewKeys { user } = &command {
        say(&format!("the keys of {user} are new, and everything of theirs is sealed with them"));
        return Ok(());
    }
    say(&format!("the root key is new; it wraps the keys of {} people", reply["people"]));
    if reply["damaged"].as_u64().unwrap_or_default() > 0 {
        complain(&format!(
            "{} key files do not read; a backup of them opens with the old root key alone",
            reply["damaged"]
        ));
    }
    if let Some(to) = to {
        say(&format!(
            "put {} in the old one's place before the next start, which would refuse the old one",
            to.display()
        ));
    }
    say("keep the old one with the backups from before: they open with it alone");
    Ok(())
}

/// Writes an export of the audit log.
pub fn export(config: Option<&Path>, out: &Path) -> anyhow::Result<()> {
    let settings = serve::settings(config)?;
    let file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(out)
        .with_context(|| format!("cannot make {}; an export is never written over another", out.display()))?;
    let mut file = std::io::BufWriter::new(file);
    let reply = control::ask(&settings.data, &Command::AuditExport, &mut |line| writeln!(file, "{line}"))?;
    file.flush().and_then(|()| file.get_ref().sync_all()).with_context(|| format!("cannot write {}", out.display()))?;
    say(&format!("{} leaves in {}", reply["size"], out.display()));
    Ok(())
}

/// Prints a fresh checkpoint and the key that verifies it.
pub fn checkpoint(config: Option<&Path>, json: bool) -> anyhow::Result<()> {
    let reply = tell(config, &Command::AuditCheckpoint)?;
    if json {
        say(&serde_json::to_string_pretty(&reply)?);
        return Ok(());
    }
    say(reply["note"].as_str().unwrap_or_default().trim_end());
    complain(&format!("key: {}", reply["key"].as_str().unwrap_or_default()));
    Ok(())
}

/// Writes or prints the signed list of destroyed keys.
pub fn destroyed(config: Option<&Path>, out: Option<&Path>) -> anyhow::Result<()> {
    let reply = tell(config, &Command::DestroyedKeys)?;
    let list = reply["note"].as_str().unwrap_or_default();
    let Some(out) = out else {
        say(list.trim_end());
        return Ok(());
    };
    let write = || -> std::io::Result<()> {
        let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(out)?;
        file.write_all(list.as_bytes())?;
        file.sync_all()
    };
    write().with_context(|| format!("cannot write {}", out.display()))
}

/// Sends a checkpoint to every place outside, and says how each stands.
pub fn push(config: Option<&Path>, json: bool) -> anyhow::Result<ExitCode> {
    let reply = tell(config, &Command::AuditPush)?;
    let places = reply["places"].as_array().cloned().unwrap_or_default();
    if json {
        say(&serde_json::to_string_pretty(&reply)?);
    }
    let mut all_took_it = true;
    for place in places {
        let text = |part: &str| place[part].as_str().unwrap_or_default().to_owned();
        match place["cause"].as_str() {
            Some(cause) => {
                all_took_it = false;
                complain(&format!("{} {}: {cause}; {}", text("place"), text("address"), text("remedy")));
            }
            None if !json => {
                say(&format!("{} {}: took {} leaves", text("place"), text("address"), place["taken_size"]))
            }
            None => {}
        }
        if let Some(doubt) = place["doubt"].as_str() {
            complain(&format!("{} {}: {doubt}", text("place"), text("address")));
        }
    }
    Ok(if all_took_it { ExitCode::SUCCESS } else { ExitCode::from(FOUND_WRONG) })
}

/// Prints the proof that a leaf is in the log.
pub fn prove(config: Option<&Path>, index: u64, json: bool) -> anyhow::Result<()> {
    let reply = tell(config, &Command::AuditProve { index })?;
    print_proof(&reply, json)
}

/// Prints the proof that the log begins with older leaves; checks it where their checkpoint is given.
pub fn consistency(config: Option<&Path>, old: &str, json: bool) -> anyhow::Result<ExitCode> {
    let older = match old.parse::<u64>() {
        Ok(_) => None,
        Err(_) => {
            Some(std::fs::read_to_string(old).with_context(|| format!("{old} is no number, and no file to read"))?)
        }
    };
    let size = match &older {
        None => old.parse()?,
        // Its second line (c2sp.org/tlog-checkpoint); whether it is signed is looked at with the proof.
        Some(note) => {
            let size = note.lines().nth(1).and_then(|line| line.parse().ok());
            size.with_context(|| format!("{old} is no checkpoint"))?
        }
    };
    let reply = tell(config, &Command::AuditConsistency { old: size })?;
    print_proof(&reply, json)?;
    let Some(older) = older else { return Ok(ExitCode::SUCCESS) };
    let (text, key) = (reply["text"].as_str().unwrap_or_default(), reply["key"].as_str().unwrap_or_default());
    told(app::verify_proof(text, key, Some(&older)))
}

fn print_proof(reply: &Value, json: bool) -> anyhow::Result<()> {
    if json {
        say(&serde_json::to_string_pretty(reply)?);
        return Ok(());
    }
    say(reply["text"].as_str().unwrap_or_default().trim_end());
    complain(&format!("key: {}", reply["key"].as_str().unwrap_or_default()));
    Ok(())
}

fn told(verified: anyhow::Result<String>) -> anyhow::Result<ExitCode> {
    match verified {
        Ok(words) => {
            complain(&words);
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            complain(&format!("sotto: {error:#}"));
            Ok(ExitCode::from(FOUND_WRONG))
        }
    }
}

/// Verifies an export, or a proof, offline.
pub fn verify(file: &Path, key: &Path, checkpoint: Option<&Path>) -> anyhow::Result<ExitCode> {
    let read = |path: &Path| std::fs::read_to_string(path).with_context(|| format!("while reading {}", path.display()));
    let key = read(key)?;
    let older = checkpoint.map(read).transpose()?;
    if let Some(proof) = small_text(file)?.filter(|text| app::is_proof(text)) {
        return match app::verify_proof(&proof, key.trim(), older.as_deref()) {
            Ok(words) => {
                say(&words);
                Ok(ExitCode::SUCCESS)
            }
            wrong => told(wrong),
        };
    }
    match app::verify_audit(file, key.trim(), older.as_deref()) {
        Ok((size, root)) => {
            let root: String = root.iter().map(|byte| format!("{byte:02x}")).collect();
            say(&format!("verified {size} leaves, root {root}"));
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            complain(&format!("sotto: {error:#}"));
            Ok(ExitCode::from(FOUND_WRONG))
        }
    }
}

/// A file's text, where it is no larger than a proof can be.
fn small_text(file: &Path) -> anyhow::Result<Option<String>> {
    const PROOF_BYTES_MAX: u64 = 4 << 20;
    let reading = || format!("while reading {}", file.display());
    if std::fs::metadata(file).with_context(reading)?.len() > PROOF_BYTES_MAX {
        return Ok(None);
    }
    // What is not text is no proof, and is looked at as an export.
    Ok(String::from_utf8(std::fs::read(file).with_context(reading)?).ok())
}

/// Asks the running appliance.
pub(super) fn tell(config: Option<&Path>, command: &Command) -> anyhow::Result<serde_json::Value> {
    let settings = serve::settings(config)?;
    control::ask(&settings.data, command, &mut |_| Ok(()))
}
