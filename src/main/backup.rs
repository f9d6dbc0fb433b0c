//! `backup` and `restore`.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use sotto::app::backup::{self as app, Fault, Key, Shut, Written};
use sotto::web::control::{self, Command, RootKey};

use crate::kept::{Backup, Restore};
use crate::{COULD_NOT_RUN, FOUND_WRONG, complain, passphrase, say, serve};

/// Takes a backup of the running appliance.
pub fn back_up(asked: &Backup) -> anyhow::Result<()> {
    let settings = serve::settings(asked.config.config.as_deref())?;
    let (key, made) = match (&asked.passphrase_file, &settings.backup.passphrase_file) {
        _ if !asked.recipients.is_empty() => (Key::of_recipients(&asked.recipients)?, None),
        (Some(file), _) => (Key::of_passphrase_file(file)?, None),
        _ if !settings.backup.recipients.is_empty() => (Key::of_recipients(&settings.backup.recipients)?, None),
        (None, Some(file)) => (Key::of_passphrase_file(file)?, None),
        (None, None) => {
            let (key, words) = Key::fresh_passphrase();
            (key, Some(words))
        }
    };
    let root_key = if asked.without_root_key { RootKey::LeftOut } else { RootKey::Included };
    let mut file = Shut::begin(&asked.to, &key)?;
    let written = control::receive(&settings.data, &Command::Backup { root_key }, &mut file)?;
    file.flush()?;
    file.finish()?;
    let told: Written =
        serde_json::from_value(written.clone()).context("the answer is none that this version knows")?;
    if asked.json {
        let mut told = written;
        told["passphrase"] = made.map_or(serde_json::Value::Null, Into::into);
        say(&told.to_string());
        return Ok(());
    }
    let Written { records, files, audit_size, damaged } = told;
    say(&format!("{} holds {records} records, {files} files and {audit_size} leaves of the log", asked.to.display()));
    if damaged > 0 {
        complain(&format!("sotto: {damaged} records of the data folder are damaged; the backup has them as they are"));
    }
    if let Some(words) = made {
        say(&format!("passphrase: {words}"));
        complain("Keep it elsewhere than the file: it is told only now, and without it nobody opens the backup.");
    }
    Ok(())
}

/// Makes a data folder of a backup, or only looks at it.
pub fn restore(asked: &Restore) -> anyhow::Result<ExitCode> {
    let key = match (&asked.identity, &asked.passphrase_file) {
        (Some(file), _) => Key::of_identity_file(file)?,
        (None, Some(file)) => Key::of_passphrase_file(file)?,
        (None, None) => Key::of_passphrase(passphrase::of_backup()?.expose())?,
    };
    let terms = app::Terms {
        data: asked.data.clone().filter(|_| !asked.dry_run),
        destroyed: asked.destroyed.clone(),
        accepts_older_keys: asked.accept_older_keys,
        root_key: asked.root_key.clone(),
        root_passphrase: asked.root_passphrase_file.as_deref().map(passphrase::of_file).transpose()?,
    };
    let restored = match app::restore(&asked.file, &key, &terms) {
        Ok(restored) => restored,
        Err(fault) => {
            let code = match &fault {
                Fault::Unfit(..) | Fault::Unsound(_) => FOUND_WRONG,
                Fault::Closed(..)
                | Fault::NotEmpty(_)
                | Fault::NeedsRootKey
                | Fault::NeedsPassphrase
                | Fault::List(..)
                | Fault::Broken(_) => COULD_NOT_RUN,
            };
            complain(&format!("sotto: {:#}", anyhow::Error::from(fault)));
            return Ok(ExitCode::from(code));
        }
    };
    if asked.json {
        say(&serde_json::to_string_pretty(&restored)?);
        return Ok(ExitCode::SUCCESS);
    }
    let records: u64 = restored.records.values().sum();
    say(&format!(
        "a backup of {} by sotto {}: {records} records, {} files, {} leaves of the log {}, root {}",
        restored.made, restored.version, restored.files, restored.audit_size, restored.origin, restored.audit_root
    ));
    if restored.damaged > 0 {
        complain(&format!("sotto: {} of its records were damaged before it was made", restored.damaged));
    }
    let Some(keys) = restored.keys else {
        say("nothing was written");
        return Ok(ExitCode::SUCCESS);
    };
    say(match keys {
        "destroyed" => "conversations were restored, without those deleted since by the list of destroyed keys",
        "older" => "conversations were restored, also those that were deleted after the backup: that is on record",
        _ => {
            "NO conversation was restored: nobody says which were deleted after the backup. Restore into another folder \
             with --destroyed and the newest list that was kept outside, or with --accept-older-keys"
        }
    });
    say(
        "Next: start the appliance on this folder. Nobody is signed in, each source answers once its permissions were read \
         again, and the identity provider must push everybody anew (a full provisioning cycle).",
    );
    Ok(ExitCode::SUCCESS)
}
