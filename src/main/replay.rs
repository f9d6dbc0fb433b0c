//! `replay`: a released answer, run again.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use sotto::app::replay::{Against, Replayed, replay};

use crate::kept::Replay;
use crate::{FOUND_WRONG, complain, model, say};

/// Runs it and says whether it is the same.
pub fn run(asked: &Replay) -> anyhow::Result<ExitCode> {
    let read = |path: &Path| std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()));
    let released = std::fs::read(&asked.file).with_context(|| format!("cannot read {}", asked.file.display()))?;
    let settings = model::settings(asked.config.config.as_deref())?;
    let key = asked.key.as_deref().map(read).transpose()?;
    let checkpoint = asked.checkpoint.as_deref().map(read).transpose()?;
    let against = asked.audit.as_deref().zip(key.as_deref()).map(|(export, key)| Against {
        export,
        key: key.trim(),
        checkpoint: checkpoint.as_deref(),
    });
    let replayed = replay(&released, against.as_ref(), &settings)?;
    if asked.json {
        say(&serde_json::to_string(&replayed)?);
    }
    match replayed {
        Replayed::Same { is_in_log } => {
            if !asked.json {
                say(match is_in_log {
                    true => "the same, byte for byte; its leaf stands in the log and commits to it",
                    false => "the same, byte for byte; it was not held against the log (--audit, --key)",
                });
            }
            Ok(ExitCode::SUCCESS)
        }
        Replayed::Differs { what } => {
            complain(&format!("sotto: it differs: {what}"));
            Ok(ExitCode::from(FOUND_WRONG))
        }
    }
}
