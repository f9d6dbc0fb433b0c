//! `serve`, `check` and `config show`.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use sotto::app::nouns::{Clock, Ids, SourceId};
use sotto::app::{self, App};
use sotto::config::{Format, Level, Logging, Origin, Settings};
use sotto::web;

use crate::{FOUND_WRONG, passphrase, say};

/// Runs the appliance until it is asked to stop (SIGTERM, SIGINT).
pub fn run(config: Option<&Path>, passphrase_fd: Option<u32>) -> anyhow::Result<()> {
    let (settings, _) = Settings::read(config)?;
    log(&settings.log);
    let (mut below, server) = settings.hand_down();
    if app::asks_passphrase(&below) {
        below.vault.passphrase = Some(passphrase::read(passphrase_fd, app::is_first_passphrase(&below))?);
    }
    let models = app::open_models(&below)?;
    let data = below.data.clone();
    let app = App::open(below, Clock::System, Ids::Random, models)?;
    let server = web::serve(app.clone(), &server, &data)?;
    tracing::info!(address = %server.address(), "ready");
    web::wait_for_signal()?;
    tracing::info!("stopping");
    // First what takes new requests, then what answers them: nobody is cut off in the middle of a kept answer.
    server.stop();
    app.close();
    Ok(())
}

/// Says what is wrong, a line for each thing.
pub fn check(config: Option<&Path>, json: bool) -> anyhow::Result<ExitCode> {
    let (settings, _) = match Settings::read(config) {
        Ok(read) => read,
        Err(error) => {
            report(&[("settings".to_owned(), Err(format!("{error:#}")))], json)?;
            return Ok(ExitCode::from(FOUND_WRONG));
        }
    };
    let (below, server) = settings.hand_down();
    let mut found = vec![("settings".to_owned(), Ok("every key is known".to_owned()))];
    found.extend(app::check(&below));
    found.extend(web::check(&server, &below.data));
    report(&found, json)?;
    let all_right = found.iter().all(|(_, outcome)| outcome.is_ok());
    Ok(if all_right { ExitCode::SUCCESS } else { ExitCode::from(FOUND_WRONG) })
}

/// Asks a source whether it can be relied on, a line for each thing.
pub fn examine(config: Option<&Path>, name: &str, json: bool) -> anyhow::Result<ExitCode> {
    let source = SourceId::parse(name).with_context(|| format!("{name:?} is no name of a source"))?;
    let (below, _) = Settings::read(config)?.0.hand_down();
    let found = app::examine(&below, &source)?;
    report(&found, json)?;
    let all_right = found.iter().all(|(_, outcome)| outcome.is_ok());
    Ok(if all_right { ExitCode::SUCCESS } else { ExitCode::from(FOUND_WRONG) })
}

/// Prints what to enter in Confluence so that its webhooks are heard.
pub fn webhook(config: Option<&Path>, name: &str, json: bool) -> anyhow::Result<()> {
    let source = SourceId::parse(name).with_context(|| format!("{name:?} is no name of a source"))?;
    let (below, _) = Settings::read(config)?.0.hand_down();
    let app::Webhook { url, secret, events } = app::webhook(&below, &source)?;
    if json {
        let words = serde_json::json!({ "url": url, "secret": secret, "events": events });
        say(&serde_json::to_string_pretty(&words)?);
        return Ok(());
    }
    say(&format!("URL:    {url}\nSecret: {secret}\nEvents: {}", events.join(", ")));
    Ok(())
}

fn report(found: &[(String, Result<String, String>)], json: bool) -> anyhow::Result<()> {
    if json {
        let rows: Vec<_> = found
            .iter()
            .map(|(what, outcome)| match outcome {
                Ok(detail) => serde_json::json!({ "what": what, "ok": true, "detail": detail }),
                Err(detail) => serde_json::json!({ "what": what, "ok": false, "detail": detail }),
            })
            .collect();
        say(&serde_json::to_string_pretty(&rows)?);
        return Ok(());
    }
    for (what, outcome) in found {
        match outcome {
            Ok(detail) => say(&format!("ok     {what}: {detail}")),
            Err(detail) => say(&format!("WRONG  {what}: {detail}")),
        }
    }
    Ok(())
}

/// Prints every setting, with where it came from if asked.
pub fn show(config: Option<&Path>, origin: bool, json: bool) -> anyhow::Result<()> {
    let (_, shown) = Settings::read(config)?;
    if json {
        say(&serde_json::to_string_pretty(&shown)?);
        return Ok(());
    }
    for shown in shown {
        let line = format!("{} = {}", shown.key, shown.value);
        match (origin, shown.origin) {
            (false, _) => say(&line),
            (true, Origin::Default) => say(&format!("{line}    # default")),
            (true, Origin::File) => say(&format!("{line}    # file")),
            (true, Origin::Environment) => say(&format!("{line}    # environment")),
        }
    }
    Ok(())
}

/// Sets up the log of the process, on standard error.
pub fn log(logging: &Logging) {
    use tracing_subscriber::filter::{LevelFilter, Targets};
    use tracing_subscriber::prelude::*;
    let level = match logging.level {
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
    };
    // Libraries are heard only when something is wrong: what they say of requests and files is not ours to vouch for.
    let targets = Targets::new().with_default(LevelFilter::WARN.min(level)).with_target("sotto", level);
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let registry = tracing_subscriber::registry();
    match logging.format {
        Format::Json => registry.with(layer.json().flatten_event(true).with_filter(targets)).init(),
        Format::Text => registry.with(layer.without_time().with_target(false).with_filter(targets)).init(),
    }
}

/// The settings, for the commands that read them without running anything.
pub fn settings(config: Option<&Path>) -> anyhow::Result<app::Settings> {
    let (settings, _) = Settings::read(config).context("while reading the settings")?;
    Ok(settings.hand_down().0)
}
