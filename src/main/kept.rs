//! What can be said on the command line of backups, of keys and of released answers.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::command::WithConfig;

/// Where a backup goes, and who can open it.
#[derive(Debug, Args)]
pub struct Backup {
    /// The file to write.
    #[arg(long, value_name = "FILE")]
    pub to: PathBuf,
    /// Encrypt it to this public key (age1…); may be given again. Else to those of the settings; where there are none, a
    /// passphrase is made and printed once.
    #[arg(long = "recipient", value_name = "KEY", conflicts_with = "passphrase_file")]
    pub recipients: Vec<String>,
    /// Encrypt it to the passphrase in this file.
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// Leave the root key out of it: you keep that elsewhere, and without it nobody reads a conversation.
    #[arg(long)]
    pub without_root_key: bool,
    #[command(flatten)]
    pub config: WithConfig,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Which backup, and where to.
#[derive(Debug, Args)]
pub struct Restore {
    /// The backup.
    pub file: PathBuf,
    /// The data folder to make: empty, or not there yet.
    #[arg(long, value_name = "DIR", required_unless_present = "dry_run")]
    pub data: Option<PathBuf>,
    /// Read and check it whole, say what is in it, and write nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// A file with the passphrase; it is read from standard input where neither this nor --identity is given.
    #[arg(long, value_name = "FILE", conflicts_with = "identity")]
    pub passphrase_file: Option<PathBuf>,
    /// A file with a secret key (AGE-SECRET-KEY-1…).
    #[arg(long, value_name = "FILE")]
    pub identity: Option<PathBuf>,
    /// The newest list of destroyed keys that was kept outside: what was deleted since the backup stays deleted.
    #[arg(long, value_name = "FILE")]
    pub destroyed: Option<PathBuf>,
    /// Open conversations without such a list, also those that were deleted since the backup. It is put on record.
    #[arg(long)]
    pub accept_older_keys: bool,
    /// The root key, where the backup was made without it.
    #[arg(long, value_name = "FILE")]
    pub root_key: Option<PathBuf>,
    /// A file with the passphrase of the root key, where it is sealed under one.
    #[arg(long, value_name = "FILE", conflicts_with = "root_key")]
    pub root_passphrase_file: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Which answer, and what it is held against.
#[derive(Debug, Args)]
pub struct Replay {
    /// The released evidence.
    pub file: PathBuf,
    /// An export of the audit log, in which its leaf must stand.
    #[arg(long, value_name = "FILE", requires = "key")]
    pub audit: Option<PathBuf>,
    /// A file with the log's C2SP verifier key.
    #[arg(long, value_name = "FILE", requires = "audit")]
    pub key: Option<PathBuf>,
    /// A checkpoint that was held outside: the export must extend it.
    #[arg(long, value_name = "FILE", requires = "audit")]
    pub checkpoint: Option<PathBuf>,
    #[command(flatten)]
    pub config: WithConfig,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Deeds with keys.
#[derive(Debug, Subcommand)]
pub enum Keys {
    /// Replace a key in the running appliance, which goes on meanwhile. What a kill breaks off is finished after the next start.
    #[command(group = clap::ArgGroup::new("which").args(["root", "user"]).required(true))]
    Rotate {
        /// The root key: everything that it wraps is wrapped with a new one. Backups from before open with the old one alone.
        #[arg(long)]
        root: bool,
        /// Write the new root key to this file, and put it in the old one's place yourself: needed where it is a credential of
        /// systemd, or in a folder that the appliance may not write.
        #[arg(long, value_name = "FILE", requires = "root")]
        to: Option<PathBuf>,
        /// The keys of one person, by user name; everything of theirs is sealed again.
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
        #[command(flatten)]
        config: WithConfig,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}
