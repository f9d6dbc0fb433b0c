//! The command line.

mod admin;
mod backup;
mod client;
mod command;
mod demo;
mod evaluate;
mod kept;
mod model;
mod passphrase;
mod replay;
mod serve;

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;

use sotto::standin::{confluence, idp};
use sotto::web;

/// What is freed is written over with zeros. A passphrase passes through buffers of the network that no room of ours can
/// wipe; left there, it would unlock a history long after its owner has signed out.
#[global_allocator]
static MEMORY: zeroizing_alloc::ZeroAlloc<std::alloc::System> = zeroizing_alloc::ZeroAlloc(std::alloc::System);

/// Something was found wrong.
const FOUND_WRONG: u8 = 1;
/// It could not run.
const COULD_NOT_RUN: u8 = 3;

fn main() -> ExitCode {
    // clap itself ends with 2 where the command line is used wrongly.
    let command = command::Sotto::parse();
    match run(command) {
        Ok(code) => code,
        Err(error) => {
            complain(&format!("sotto: {error:#}"));
            ExitCode::from(COULD_NOT_RUN)
        }
    }
}

fn run(sotto: command::Sotto) -> anyhow::Result<ExitCode> {
    use command::{Audit, Command, Config, Eval, SourceDeed, Standin};
    use kept::Keys;
    let done = |()| ExitCode::SUCCESS;
    match sotto.command {
        Command::Demo { listen, data, play, questions, model } => {
            demo::run(listen, data, play.then_some(demo::Playing { questions }), model.as_deref())
        }
        Command::Serve { passphrase_fd, config } => serve::run(config.config.as_deref(), passphrase_fd).map(done),
        Command::Check { config, json } => serve::check(config.config.as_deref(), json),
        Command::Config { deed: Config::Show { config, origin, json } } => {
            serve::show(config.config.as_deref(), origin, json).map(done)
        }
        Command::Source { deed: SourceDeed::Check { name, config, json } } => {
            serve::examine(config.config.as_deref(), &name, json)
        }
        Command::Source { deed: SourceDeed::Sync { name, full, permissions, allow_removal, config } } => {
            client::sync(config.config.as_deref(), &name, full, permissions, allow_removal).map(done)
        }
        Command::Source { deed: SourceDeed::Webhook { name, config, json } } => {
            serve::webhook(config.config.as_deref(), &name, json).map(done)
        }
        Command::Source { deed: SourceDeed::Preview { name, config, json } } => {
            client::preview(config.config.as_deref(), &name, json).map(done)
        }
        Command::Explain { user, other, document, at, config, json } => {
            client::explain(config.config.as_deref(), user, other, &document, at, json).map(done)
        }
        Command::Status { config, json } => client::status(config.config.as_deref(), json).map(done),
        Command::Admin { deed } => admin::run(deed).map(done),
        Command::Audit { deed } => match deed {
            Audit::Export { out, config } => client::export(config.config.as_deref(), &out).map(done),
            Audit::Destroyed { out, config } => client::destroyed(config.config.as_deref(), out.as_deref()).map(done),
            Audit::Checkpoint { push: true, config, json } => client::push(config.config.as_deref(), json),
            Audit::Checkpoint { push: false, config, json } => {
                client::checkpoint(config.config.as_deref(), json).map(done)
            }
            Audit::Prove { index, config, json } => client::prove(config.config.as_deref(), index, json).map(done),
            Audit::Consistency { old, config, json } => client::consistency(config.config.as_deref(), &old, json),
            Audit::Verify { file, key, checkpoint } => client::verify(&file, &key, checkpoint.as_deref()),
        },
        Command::Keys { deed: Keys::Rotate { root: _, to, user, config, json } } => {
            client::rotate(config.config.as_deref(), to, user, json).map(done)
        }
        Command::Model { deed } => model::run(deed),
        Command::Eval { deed: Eval::Retrieval(options) } => evaluate::retrieval(&options).map(done),
        Command::Eval { deed: Eval::Answers(options) } => evaluate::answers(&options).map(done),
        Command::Eval { deed: Eval::Attacks(options) } => evaluate::attacks(&options).map(done),
        Command::Standin { deed: Standin::Confluence { site: Some(site), export: Some(out), space, flavour, .. } } => {
            let bytes = confluence::Confluence::export(&site, &flavour, space.as_deref())?;
            std::fs::File::create(&out)
                .and_then(|mut file| file.write_all(&bytes))
                .with_context(|| format!("cannot write {}", out.display()))?;
            say(&format!("an export of {} is in {}", site.display(), out.display()));
            Ok(ExitCode::SUCCESS)
        }
        Command::Standin { deed: Standin::Confluence { site, generate, listen, flavour, fault, .. } } => {
            let listen = listen.context("an address to listen on is missing")?;
            let wiki = match (site, generate) {
                (Some(site), _) => confluence::Confluence::open(listen, &site, &flavour, &fault)?,
                (None, Some(size)) => {
                    let wiki = confluence::Confluence::generated(listen, &size, &flavour, &fault)?;
                    say(&format!("its pages are read by {}", size.crawler()));
                    wiki
                }
                // clap asks for one of the two.
                (None, None) => anyhow::bail!("give --site or --generate"),
            };
            say(&format!("a stand-in Confluence is at {}", wiki.url()));
            web::wait_for_signal().map(done)
        }
        Command::Standin { deed: Standin::Idp { people, listen, redirect } } => {
            // Whoever tries things on it brings a client of this name and secret, from any address of this machine.
            let client = idp::Client { id: "sotto".to_owned(), secret: "sotto-secret".to_owned(), redirects: redirect };
            let provider = idp::Idp::open(listen, &people, vec![client])?;
            say(&format!(
                "a stand-in identity provider is at {}, for client sotto with secret sotto-secret",
                provider.issuer()
            ));
            web::wait_for_signal().map(done)
        }
        Command::Backup(asked) => backup::back_up(&asked).map(done),
        Command::Restore(asked) => backup::restore(&asked),
        Command::Replay(asked) => replay::run(&asked),
        Command::Pack { models, out, config } => model::pack(config.config.as_deref(), &models, &out).map(done),
        Command::Version { json } => {
            version(json);
            Ok(ExitCode::SUCCESS)
        }
        Command::ExtractChild { .. } => Ok(ExitCode::from(sotto::app::extract_child())),
    }
}

fn version(json: bool) {
    let version = env!("CARGO_PKG_VERSION");
    match json {
        true => say(&serde_json::json!({ "version": version }).to_string()),
        false => say(&format!("sotto {version}")),
    }
}

#[expect(clippy::print_stdout, reason = "what a command found goes to standard output")]
fn say(line: &str) {
    println!("{line}");
}

#[expect(clippy::print_stderr, reason = "what went wrong goes to standard error")]
fn complain(line: &str) {
    eprintln!("{line}");
}
