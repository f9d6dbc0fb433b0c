//! `model` and `pack`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use sotto::app;

use crate::command::Model;
use crate::{FOUND_WRONG, complain, say, serve};

/// Lists, verifies or measures.
pub fn run(deed: Model) -> anyhow::Result<ExitCode> {
    match deed {
        Model::List { config, json } => {
            let listed = app::list_models(&settings(config.config.as_deref())?)?;
            if json {
                say(&serde_json::to_string_pretty(&listed)?);
                return Ok(ExitCode::SUCCESS);
            }
            for model in listed {
                let state = model.wrong.as_deref().unwrap_or("verified");
                say(&format!("{}  {}  {}  {state}", model.name, model.kind, model.licence));
            }
            Ok(ExitCode::SUCCESS)
        }
        Model::Bench { config, json } => {
            let measured = app::bench_model(&settings(config.config.as_deref())?)?;
            if json {
                say(&serde_json::to_string_pretty(&measured)?);
                return Ok(ExitCode::SUCCESS);
            }
            say(&format!("{}, threads {}, ready in {} ms", measured.model, measured.threads, measured.ready_ms));
            say(&measured.space.to_string());
            for at in &measured.at {
                let (read, written, gigabytes) = (at.read, at.written, at.bandwidth / 1e9);
                say(&format!(
                    "after {:>4} tokens: {read:.1} read, {written:.1} written a second, {:.0} % of what {gigabytes:.1} GB/s \
                     of memory allow",
                    at.tokens,
                    100.0 * at.of_limit
                ));
            }
            say(&format!("{} MiB of weights for each token written", measured.weights_bytes >> 20));
            if let Some(peak) = measured.peak_mib {
                say(&format!("peak memory {peak} MiB"));
            }
            Ok(ExitCode::SUCCESS)
        }
        Model::Verify { config } => match app::verify_models(&settings(config.config.as_deref())?) {
            Ok(names) => {
                say(&format!("verified {}", names.join(", ")));
                Ok(ExitCode::SUCCESS)
            }
            Err(error) => {
                complain(&format!("sotto: {error:#}"));
                Ok(ExitCode::from(FOUND_WRONG))
            }
        },
    }
}

/// Writes the packed binary.
pub fn pack(config: Option<&Path>, models: &[String], out: &Path) -> anyhow::Result<()> {
    let settings = settings(config)?;
    let models = match models {
        [] => vec![settings.model.name.clone(), settings.model.embedder.clone()],
        named => named.to_vec(),
    };
    app::pack(&settings, &models, out)?;
    say(&format!("{} holds {} and {}", out.display(), "this binary", models.join(", ")));
    Ok(())
}

/// The settings, with the models of the checkout where they name a folder that is not there: so that a newcomer's
/// `cargo run` finds what `models/fetch.sh` fetched.
pub fn settings(config: Option<&Path>) -> anyhow::Result<app::Settings> {
    let mut settings = serve::settings(config)?;
    find_models(&mut settings);
    Ok(settings)
}

/// See [`settings`].
pub fn find_models(settings: &mut app::Settings) {
    let checkout = PathBuf::from("models");
    if !settings.model.folder.join("manifest.toml").exists() && checkout.join("manifest.toml").exists() {
        settings.model.folder = checkout;
    }
}
