//! What can be said on the command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use sotto::app::nouns::Moment;
use sotto::standin::confluence::Size;

use crate::kept::{Backup, Keys, Replay, Restore};

/// Private answers from a company's wiki, in one binary.
#[derive(Debug, Parser)]
#[command(name = "sotto", version, disable_help_subcommand = true)]
pub struct Sotto {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Which settings file.
#[derive(Debug, Args)]
pub struct WithConfig {
    /// The settings file; /etc/sotto/sotto.toml where it is not given.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The whole scene on one machine, nothing to configure, at https://localhost:8443.
    Demo {
        /// Address and port of the page.
        #[arg(long, default_value = "127.0.0.1:8443")]
        listen: SocketAddr,
        /// Where to keep the state; a fresh folder that is removed at the end where it is not given.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        /// Act the scene out over HTTPS without a browser, and exit 0 or 1.
        #[arg(long)]
        play: bool,
        /// Then put these questions as the demo's people and say how many were answered right; JSON lines, see
        /// tests/data/demo/questions.jsonl.
        #[arg(long, value_name = "FILE", requires = "play")]
        questions: Option<PathBuf>,
        /// Another language model of models/manifest.toml; `scripted` copies sentences by rule, without a model (for tests).
        #[arg(long, value_name = "NAME")]
        model: Option<String>,
    },
    /// Run the appliance.
    Serve {
        /// Read the root key's passphrase from this file descriptor, up to a line's end; otherwise it is asked for on the
        /// terminal, where the settings say that there is one.
        #[arg(long, value_name = "N")]
        passphrase_fd: Option<u32>,
        #[command(flatten)]
        config: WithConfig,
    },
    /// Say what is wrong with the settings, keys, certificates and model.
    Check {
        #[command(flatten)]
        config: WithConfig,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// The settings.
    Config {
        #[command(subcommand)]
        deed: Config,
    },
    /// The sources of pages.
    Source {
        #[command(subcommand)]
        deed: SourceDeed,
    },
    /// Why a person may or may not read a document, as things stand now, with the sync that learned each fact.
    Explain {
        /// The person's user name.
        #[arg(long, value_name = "NAME")]
        user: String,
        /// Another person, to compare.
        #[arg(long, value_name = "NAME")]
        other: Option<String>,
        /// The document, as SOURCE:ID.
        #[arg(long, value_name = "ID")]
        document: String,
        /// As it was known at a moment of the past, for example 2026-11-27T09:00:00Z.
        #[arg(long, value_name = "RFC3339", value_parser = moment)]
        at: Option<Moment>,
        #[command(flatten)]
        config: WithConfig,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Health and counts of the running appliance.
    Status {
        #[command(flatten)]
        config: WithConfig,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Administrators who sign in without a provider, for the day on which none answers.
    Admin {
        #[command(subcommand)]
        deed: Admin,
    },
    /// The audit log.
    Audit {
        #[command(subcommand)]
        deed: Audit,
    },
    /// The keys of what is kept.
    Keys {
        #[command(subcommand)]
        deed: Keys,
    },
    /// The models.
    Model {
        #[command(subcommand)]
        deed: Model,
    },
    /// Measure retrieval and answers on a set of pages and questions.
    Eval {
        #[command(subcommand)]
        deed: Eval,
    },
    /// A Confluence and an identity provider to try things on.
    Standin {
        #[command(subcommand)]
        deed: Standin,
    },
    /// Write everything the running appliance keeps, as it is at one moment, into one encrypted file.
    Backup(Backup),
    /// Make a data folder of a backup, and check it whole; the appliance is not running there yet.
    Restore(Restore),
    /// Run a released answer again and compare it byte for byte: exit code 0 the same, 1 it differs, 3 it cannot be run.
    Replay(Replay),
    /// Write one file: this binary with models behind it, which runs by itself.
    Pack {
        /// A model of models/manifest.toml, by name; may be given again. The default language model and the embedder where none is given.
        #[arg(long = "model", value_name = "NAME")]
        models: Vec<String>,
        /// The file to write.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        config: WithConfig,
    },
    /// The version of this binary.
    Version {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Read one attachment from standard input (started by the appliance itself).
    #[command(hide = true)]
    ExtractChild {
        /// What kind of file it is, and the limits: seconds and bytes of memory.
        limits: Vec<String>,
    },
}

/// Deeds with settings.
#[derive(Debug, Subcommand)]
pub enum Config {
    /// Print every setting.
    Show {
        #[command(flatten)]
        config: WithConfig,
        /// Say where each value came from.
        #[arg(long)]
        origin: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Deeds with sources.
#[derive(Debug, Subcommand)]
pub enum SourceDeed {
    /// Ask a source, without the running appliance, whether it can be relied on: each right that a sync needs, and what to do
    /// where one is missing.
    Check {
        /// The source's name in the settings.
        name: String,
        #[command(flatten)]
        config: WithConfig,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Begin a sync in the running appliance.
    Sync {
        /// The source's name in the settings.
        name: String,
        /// Read every page, whether it changed or not.
        #[arg(long, conflicts_with = "permissions")]
        full: bool,
        /// Read permissions and groups only.
        #[arg(long)]
        permissions: bool,
        /// Let this run remove more documents than the source's guard lets it: you looked, and they are really gone.
        #[arg(long)]
        allow_removal: bool,
        #[command(flatten)]
        config: WithConfig,
    },
    /// Print what to enter in Confluence's administration, under webhooks, so that changes are looked at within seconds: the
    /// address, the secret, and the events.
    Webhook {
        /// The source's name in the settings.
        name: String,
        #[command(flatten)]
        config: WithConfig,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Count what a source would give with the settings of the running appliance, and change nothing.
    Preview {
        /// The source's name in the settings.
        name: String,
        #[command(flatten)]
        config: WithConfig,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Deeds with administrators who sign in without a provider.
#[derive(Debug, Subcommand)]
pub enum Admin {
    /// Make one in the running appliance. The password, and the otpauth address for an authenticator, are printed once.
    Create {
        /// What they sign in by.
        name: String,
        /// Read the password, at least 14 characters, from standard input in the place of one that is made.
        #[arg(long)]
        password_stdin: bool,
        #[command(flatten)]
        config: WithConfig,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// List them, with when each signed in last.
    List {
        #[command(flatten)]
        config: WithConfig,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Remove one and end their sessions.
    Remove {
        /// What they sign in by.
        name: String,
        #[command(flatten)]
        config: WithConfig,
    },
}

/// Deeds with the audit log.
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Write all leaves, with a signed checkpoint, from the running appliance.
    Export {
        /// The file to write.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        config: WithConfig,
    },
    /// Print a freshly signed checkpoint of the running appliance and the key that verifies it.
    Checkpoint {
        /// Send it, and the list of destroyed keys, to every place that [audit] names, and say how each stands.
        #[arg(long)]
        push: bool,
        #[command(flatten)]
        config: WithConfig,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Write the signed list of destroyed keys, of the running appliance, to keep outside beside a checkpoint: a restore asks
    /// for the newest one.
    Destroyed {
        /// The file to write, instead of printing it.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        #[command(flatten)]
        config: WithConfig,
    },
    /// Prove that a leaf is in the log of the running appliance: a text that verifies offline.
    Prove {
        /// The leaf's number.
        index: u64,
        #[command(flatten)]
        config: WithConfig,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Prove that the log of the running appliance still begins with the leaves that an older checkpoint signed.
    Consistency {
        /// The older checkpoint, a file that was held outside (then the proof is checked too), or a number of leaves.
        #[arg(value_name = "OLD")]
        old: String,
        #[command(flatten)]
        config: WithConfig,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Verify an export, or a proof, offline.
    Verify {
        /// The export or the proof.
        file: PathBuf,
        /// A file with the C2SP verifier key.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// An older checkpoint that was held outside: the export, or the proof, must extend it.
        #[arg(long, value_name = "FILE")]
        checkpoint: Option<PathBuf>,
    },
}

/// Deeds with models.
#[derive(Debug, Subcommand)]
pub enum Model {
    /// List the models of the manifest and which are here.
    List {
        #[command(flatten)]
        config: WithConfig,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Check the bytes of the models that the settings name.
    Verify {
        #[command(flatten)]
        config: WithConfig,
    },
    /// Measure the language model on this machine: start, reading and writing at three lengths, peak memory.
    Bench {
        #[command(flatten)]
        config: WithConfig,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// What is measured, on what.
#[derive(Debug, Args)]
pub struct EvalOptions {
    /// A folder of Markdown pages.
    #[arg(long, value_name = "DIR")]
    pub pages: PathBuf,
    /// Questions, JSON lines.
    #[arg(long, value_name = "FILE")]
    pub questions: PathBuf,
    /// The language model (answers) by its name in the manifest.
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// Keep rows whose field has the value, for example same_as_title=false; may be given again.
    #[arg(long = "where", value_name = "FIELD=VALUE")]
    pub wheres: Vec<String>,
    /// Keep the N answerable and the N unanswerable rows with the smallest SHA-256 of their id.
    #[arg(long, value_name = "N")]
    pub sample: Option<usize>,
    /// Keep the passages' vectors in this file and take them from it: a second run begins at once.
    #[arg(long, value_name = "FILE")]
    pub vectors: Option<PathBuf>,
    /// Leave follow-up questions as they stand.
    #[arg(long)]
    pub no_rewrite: bool,
    /// Measure the answers that are quoted without the language model (answers).
    #[arg(long, conflicts_with = "model")]
    pub extractive: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub config: WithConfig,
}

/// What attacks are tried, on what.
#[derive(Debug, Args)]
#[command(
    group = clap::ArgGroup::new("tried").args(["attacks", "poison"]).required(true).multiple(true),
    after_help = "--json prints {\"planted\": {\"attacks\", \"questions\", \"plantings\", \"read\", \"followed\", \"shown\", \"changed\", \
\"told_otherwise\", \"items\"} or null, \"poisoned\": {\"questions\", \"right\", \"refused\", \"false\", \"false_told\", \
\"items\"} or null}."
)]
pub struct AttackOptions {
    /// Instructions to plant in the body, a comment and the title of a page, JSON, {category: [text, …]}; may be given again.
    #[arg(long, value_name = "FILE", requires_all = ["pages", "questions"])]
    pub attacks: Vec<PathBuf>,
    /// A folder of Markdown pages, to plant them in.
    #[arg(long, value_name = "DIR", requires = "attacks")]
    pub pages: Option<PathBuf>,
    /// Questions, JSON lines, that the pages answer.
    #[arg(long, value_name = "FILE", requires = "attacks")]
    pub questions: Option<PathBuf>,
    /// Questions with false passages, JSON, {id: {"question", "correct answer", "incorrect answer", "adv_texts"}}.
    #[arg(long, value_name = "FILE")]
    pub poison: Option<PathBuf>,
    /// The language model by its name in the manifest.
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// Keep the N attacks and the N questions with false passages with the smallest SHA-256 of their id.
    #[arg(long, value_name = "N")]
    pub sample: Option<usize>,
    /// Keep the passages' vectors in this file and take them from it: a second run begins at once.
    #[arg(long, value_name = "FILE")]
    pub vectors: Option<PathBuf>,
    /// Measure the answers that are quoted without the language model.
    #[arg(long, conflicts_with = "model")]
    pub extractive: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub config: WithConfig,
}

/// Evaluations.
#[derive(Debug, Subcommand)]
pub enum Eval {
    /// Whether the right pages are found.
    Retrieval(EvalOptions),
    /// Whether the right answers are given, and wrong ones refused.
    Answers(EvalOptions),
    /// Whether instructions and falsehoods in pages change answers.
    Attacks(AttackOptions),
}

/// Stand-ins.
#[derive(Debug, Subcommand)]
pub enum Standin {
    /// A Confluence with the pages, people and permissions of a site file.
    Confluence {
        /// The site file.
        #[arg(long, value_name = "FILE", required_unless_present = "generate", conflicts_with = "generate")]
        site: Option<PathBuf>,
        /// A site that is made up, of so many pages under so many different rules of who may view them; the same numbers make
        /// the same site.
        #[arg(long, value_name = "pages=N,rules=M[,seed=S]")]
        generate: Option<Size>,
        /// Address and port.
        #[arg(long, value_name = "ADDR", required_unless_present = "export", conflicts_with = "export")]
        listen: Option<SocketAddr>,
        /// Write an XML export of the site to this file, as Confluence would make it, and end.
        #[arg(long, value_name = "FILE")]
        export: Option<PathBuf>,
        /// Export the space of this key alone.
        #[arg(long, value_name = "KEY", requires = "export")]
        space: Option<String>,
        /// Which product and version it behaves like.
        #[arg(long, default_value = "dc-10")]
        flavour: String,
        /// A named misbehaviour; may be given again. GET /_standin/faults lists them.
        #[arg(long, value_name = "NAME")]
        fault: Vec<String>,
    },
    /// An OpenID Connect provider with the people of a file.
    Idp {
        /// The people file.
        #[arg(long, value_name = "FILE")]
        people: PathBuf,
        /// Address and port.
        #[arg(long, value_name = "ADDR")]
        listen: SocketAddr,
        /// An address that the client `sotto` may return to; may be given again.
        #[arg(long, value_name = "URL")]
        redirect: Vec<String>,
    },
}

/// Reads a moment of the command line.
fn moment(text: &str) -> Result<Moment, String> {
    Moment::parse(text).ok_or_else(|| "write a moment like 2026-11-27T09:00:00Z (RFC 3339)".to_owned())
}
