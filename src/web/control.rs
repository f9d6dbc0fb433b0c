//! The owner's socket: commands that need the running server come by a Unix socket in the data folder that only its owner
//! may open. Both ends are here.
//!
//! A line of JSON asks (`{"command":"status"}`); lines of JSON answer: any number of `{"line": text}`, then one
//! `{"done": value}` or `{"failed": text}`.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::wire;
use crate::app::{self, App, Removal};
use crate::clock::Moment;
use crate::corpus::DocumentId;
use crate::names::SourceId;

pub use crate::app::backup::RootKey;
pub use crate::crawl::Mode;

/// The socket's name in the data folder.
const SOCKET: &str = "control.sock";
/// A command is short; a longer line is a mistake.
const COMMAND_BYTES_MAX: u64 = 64 * 1024;
/// Seconds for which one end may stay silent while it should write.
const SILENCE_S: u64 = 60;

/// What the owner can ask of the running server. It may hold a password, so it does not print.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// Health and counts.
    Status,
    /// Begins a run of a source.
    Sync {
        /// Which.
        source: SourceId,
        /// How much it reads.
        mode: Mode,
        /// Whether it may remove more than the guard lets it.
        #[serde(default)]
        allow_removal: bool,
    },
    /// Counts what a source would give.
    Preview {
        /// Which.
        source: SourceId,
    },
    /// Why people may or may not read a document.
    Explain {
        /// One or two people, by user name or our id.
        people: Vec<String>,
        /// The document.
        document: DocumentId,
        /// The moment of the past; `None` for now.
        at: Option<Moment>,
    },
    /// Makes an administrator who signs in without a provider.
    AdminCreate {
        /// What they sign in by.
        name: String,
        /// The owner's own password; `None` makes one.
        password: Option<String>,
    },
    /// Lists them.
    AdminList,
    /// Removes one.
    AdminRemove {
        /// What they signed in by.
        name: String,
    },
    /// Writes the audit log, a line a leaf.
    AuditExport,
    /// Signs the head of the audit log.
    AuditCheckpoint,
    /// Sends a fresh checkpoint to every place outside.
    AuditPush,
    /// Proves that a leaf is in the log.
    AuditProve {
        /// Its number.
        index: u64,
    },
    /// Proves that the log begins with its first leaves as they were.
    AuditConsistency {
        /// How many.
        old: u64,
    },
    /// Replaces the root key.
    ReplaceRoot {
        /// Where the new one is written, for the owner to put in place.
        #[serde(default)]
        to: Option<PathBuf>,
    },
    /// Renews the keys of one person.
    RenewKeys {
        /// By user name.
        user: String,
    },
    /// Signs the list of destroyed keys.
    DestroyedKeys,
    /// Writes a backup, in clear: base64, a line for each piece. Whoever asks encrypts it.
    Backup {
        /// What becomes of the root key.
        root_key: RootKey,
    },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reply {
    Line(String),
    Done(Value),
    Failed(String),
}

/// The server's end.
pub(super) struct Listener {
    path: PathBuf,
    stopping: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

/// Opens the socket and answers on a thread of its own.
pub(super) fn listen(app: Arc<App>, folder: &Path) -> anyhow::Result<Listener> {
    let path = folder.join(SOCKET);
    let socket = bind(&path)?;
    let stopping = Arc::new(AtomicBool::new(false));
    let is_stopping = Arc::clone(&stopping);
    let thread = std::thread::Builder::new()
        .name("control".to_owned())
        .spawn(move || {
            for stream in socket.incoming() {
                if is_stopping.load(Ordering::SeqCst) {
                    break;
                }
                let app = Arc::clone(&app);
                // A thread for each, so that neither a long export nor a bug in one command ends the others.
                let begun = stream.and_then(|stream| {
                    std::thread::Builder::new().name("command".to_owned()).spawn(move || converse(&app, &stream))
                });
                if let Err(error) = begun {
                    tracing::warn!(cause = %error, "a command of the owner could not be taken");
                }
            }
        })
        .context("while starting the control thread")?;
    Ok(Listener { path, stopping, thread })
}

/// Binds the socket. The store's lock on the data folder says that no other server runs, so a socket that stands there was
/// left by a crash.
fn bind(path: &Path) -> anyhow::Result<UnixListener> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("cannot remove the old socket {}", path.display()));
        }
        Ok(()) | Err(_) => {}
    }
    let socket = UnixListener::bind(path).with_context(|| {
        format!("cannot make the socket {}; a path may have at most 107 bytes there", path.display())
    })?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))
        .with_context(|| format!("cannot keep others from {}", path.display()))?;
    Ok(socket)
}

impl Listener {
    /// Stops answering and removes the socket.
    pub(super) fn stop(self) {
        self.stopping.store(true, Ordering::SeqCst);
        // The thread waits for a caller: this one wakes it. Where it cannot be reached it ends with the process.
        let is_awake = UnixStream::connect(&self.path).is_ok();
        // A socket that stays behind is removed at the next start.
        let _ = fs::remove_file(&self.path);
        if is_awake && self.thread.join().is_err() {
            tracing::error!("the control thread had panicked");
        }
    }
}

/// One command and its answer.
fn converse(app: &App, stream: &UnixStream) {
    let said = || -> io::Result<()> {
        stream.set_read_timeout(Some(Duration::from_secs(SILENCE_S)))?;
        stream.set_write_timeout(Some(Duration::from_secs(SILENCE_S)))?;
        let mut line = String::new();
        BufReader::new(stream.take(COMMAND_BYTES_MAX)).read_line(&mut line)?;
        let mut out = io::BufWriter::new(stream);
        let reply = match serde_json::from_str::<Command>(&line) {
            Ok(command) => match done(app, &command, &mut out) {
                Ok(value) => Reply::Done(value),
                Err(error) => Reply::Failed(crate::app::chain(&error)),
            },
            Err(error) => Reply::Failed(format!("this is no command: {error}")),
        };
        write_reply(&mut out, &reply)?;
        out.flush()
    };
    if let Err(error) = said() {
        tracing::debug!(cause = %error, "the owner's client left");
    }
}

fn done(app: &App, command: &Command, out: &mut dyn Write) -> Result<Value, app::Error> {
    let shape = |shape: Result<Value, serde_json::Error>| shape.map_err(|error| app::Error::Broken(Box::new(error)));
    match command {
        Command::Status => shape(serde_json::to_value(wire::Overview::of(&app.overview_as_owner()?, &app.todo()?))),
        Command::Sync { source, mode, allow_removal } => {
            let removal = if *allow_removal { Removal::Allowed } else { Removal::Guarded };
            app.refresh_as_owner(source, *mode, removal)?;
            Ok(json!({ "source": source, "state": "running" }))
        }
        Command::Preview { source } => shape(serde_json::to_value(wire::Preview::from(&app.preview_as_owner(source)?))),
        Command::Explain { people, document, at } => {
            let access = app.explain_as_owner(people, document, *at)?;
            shape(serde_json::to_value(wire::Access::of(&access, wire::Told::Whole)))
        }
        Command::AuditPush => shape(serde_json::to_value(wire::Outside::from(&app.send_checkpoint_as_owner()?))),
        Command::AuditProve { index } => {
            app.owner_reads_audit("proof", &index.to_string())?;
            let (line, proof) = app.proof_as_owner(*index)?;
            Ok(json!({
                "index": index, "line": line, "hashes": proof.hashes.iter().map(hex::encode).collect::<Vec<_>>(),
                "size": proof.checkpoint.size, "root": hex::encode(proof.checkpoint.root), "text": proof.text(&line),
                "key": app.audit_key(),
            }))
        }
        Command::AuditConsistency { old } => {
            app.owner_reads_audit("consistency", &old.to_string())?;
            let extension = app.extension_as_owner(*old)?;
            Ok(json!({
                "old": old, "old_root": hex::encode(extension.old_root),
                "hashes": extension.hashes.iter().map(hex::encode).collect::<Vec<_>>(),
                "size": extension.checkpoint.size, "root": hex::encode(extension.checkpoint.root),
                "text": extension.text(), "key": app.audit_key(),
            }))
        }
        Command::AdminCreate { name, password } => {
            let made = app.make_administrator(name, password.as_deref())?;
            Ok(json!({
                "name": made.administrator.name,
                "password": made.password.as_ref().map(|password| password.as_str()),
                "otpauth": made.otpauth.as_str(),
            }))
        }
        Command::AdminList => {
            let all = app.local_administrators()?.into_iter().map(|one| {
                json!({ "name": one.name, "made_at": one.made.rfc3339(), "last_at": one.used.map(|at| at.rfc3339()) })
            });
            Ok(json!({ "administrators": all.collect::<Vec<_>>() }))
        }
        Command::AdminRemove { name } => {
            app.remove_administrator(name)?;
            Ok(json!({ "removed": name }))
        }
        Command::AuditExport => {
            app.owner_reads_audit("export", "jsonl")?;
            let verified = app.export_audit(&mut Lines { out, waiting: Vec::new() })?;
            Ok(json!({ "size": verified.size, "root": hex::encode(verified.root) }))
        }
        Command::AuditCheckpoint => {
            let checkpoint = app.audit_checkpoint()?;
            Ok(json!({
                "size": checkpoint.size,
                "root": hex::encode(checkpoint.root),
                "note": checkpoint.note,
                "key": app.audit_key(),
                "at": checkpoint.at.rfc3339(),
            }))
        }
        Command::ReplaceRoot { to } => {
            let replaced = app.replace_root_as_owner(to.as_deref())?;
            Ok(json!({ "people": replaced.people, "damaged": replaced.damaged, "to": to }))
        }
        Command::RenewKeys { user } => Ok(json!({ "user": app.renew_keys_as_owner(user)?.to_string() })),
        Command::DestroyedKeys => Ok(json!({ "note": app.destroyed_keys()? })),
        Command::Backup { root_key } => {
            let mut pieces = Pieces { lines: Lines { out, waiting: Vec::new() }, waiting: Vec::new() };
            let written = app.back_up(*root_key, &mut pieces)?;
            pieces.end().map_err(|error| app::Error::Broken(Box::new(error)))?;
            shape(serde_json::to_value(written))
        }
    }
}

fn write_reply(out: &mut dyn Write, reply: &Reply) -> io::Result<()> {
    serde_json::to_writer(&mut *out, reply)?;
    out.write_all(b"\n")
}

/// Passes on what is written to it, a line at a time.
struct Lines<'a> {
    out: &'a mut dyn Write,
    waiting: Vec<u8>,
}

impl Write for Lines<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.waiting.extend_from_slice(bytes);
        while let Some(end) = self.waiting.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = self.waiting.drain(..=end).take(end).collect();
            let line = String::from_utf8(line).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            write_reply(self.out, &Reply::Line(line))?;
        }
        Ok(bytes.len())
    }

    /// What does not end in a line's end waits for it: half a leaf is no leaf.
    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Passes on bytes as lines of base64.
struct Pieces<'a> {
    lines: Lines<'a>,
    waiting: Vec<u8>,
}

/// Bytes of one line, before they are encoded.
const PIECE: usize = 48 * 1024;

impl Pieces<'_> {
    fn pass(&mut self, length: usize) -> io::Result<()> {
        let piece: Vec<u8> = self.waiting.drain(..length).collect();
        self.lines.write_all(STANDARD.encode(piece).as_bytes())?;
        self.lines.write_all(b"\n")
    }

    fn end(mut self) -> io::Result<()> {
        self.pass(self.waiting.len())?;
        self.lines.flush()
    }
}

impl Write for Pieces<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.waiting.extend_from_slice(bytes);
        while self.waiting.len() >= PIECE {
            self.pass(PIECE)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Asks the server that runs on this data folder for bytes.
pub fn receive(folder: &Path, command: &Command, out: &mut dyn Write) -> anyhow::Result<Value> {
    ask(folder, command, &mut |line| {
        let piece = STANDARD.decode(line).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        out.write_all(&piece)
    })
}

/// Asks the server that runs on this data folder. `line` is given each line of a longer answer. The error says what to do
/// where no server runs.
pub fn ask(folder: &Path, command: &Command, line: &mut dyn FnMut(&str) -> io::Result<()>) -> anyhow::Result<Value> {
    let path = folder.join(SOCKET);
    let stream = UnixStream::connect(&path)
        .with_context(|| format!("no sotto answers at {}; start it, and run this as the same user", path.display()))?;
    let mut out = &stream;
    serde_json::to_writer(&mut out, command)?;
    out.write_all(b"\n").context("while sending the command")?;
    for reply in BufReader::new(&stream).lines() {
        let reply = reply.context("while reading the answer")?;
        match serde_json::from_str(&reply).context("the answer is none that this version knows")? {
            Reply::Line(text) => line(&text).context("while writing the answer")?,
            Reply::Done(value) => return Ok(value),
            Reply::Failed(what) => bail!(what),
        }
    }
    Err(anyhow!("the server left before it had answered"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_read_as_it_was_written() {
        let command =
            Command::Sync { source: SourceId::parse("wiki").unwrap(), mode: Mode::Full, allow_removal: false };

        let line = serde_json::to_string(&command).unwrap();

        assert_eq!(line, r#"{"command":"sync","source":"wiki","mode":"full","allow_removal":false}"#);
        assert!(serde_json::from_str::<Command>(&line).unwrap() == command);
    }

    #[test]
    fn lines_are_passed_on_whole_however_they_are_written() {
        let mut out = Vec::new();
        let mut lines = Lines { out: &mut out, waiting: Vec::new() };

        for piece in ["{\"index\"", ":0}\n{\"in", "dex\":1}\n"] {
            lines.write_all(piece.as_bytes()).unwrap();
        }

        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "{\"line\":\"{\\\"index\\\":0}\"}\n{\"line\":\"{\\\"index\\\":1}\"}\n");
    }

    #[test]
    fn bytes_are_passed_on_in_pieces_and_come_out_as_they_were() {
        let bytes: Vec<u8> = (0..3 * PIECE + 7).map(|at| (at % 251) as u8).collect();
        let mut out = Vec::new();
        let mut pieces = Pieces { lines: Lines { out: &mut out, waiting: Vec::new() }, waiting: Vec::new() };

        bytes.chunks(1_000).for_each(|chunk| pieces.write_all(chunk).unwrap());
        pieces.end().unwrap();

        let lines = String::from_utf8(out).unwrap();
        let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let back: Vec<u8> =
            lines.iter().flat_map(|line| STANDARD.decode(line["line"].as_str().unwrap()).unwrap()).collect();
        assert_eq!((lines.len(), back), (4, bytes));
    }

    #[test]
    fn only_the_owner_may_open_the_socket_and_an_old_one_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(SOCKET);
        drop(bind(&path).unwrap());

        let _socket = bind(&path).unwrap();

        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn where_no_server_runs_the_error_says_so() {
        let folder = tempfile::tempdir().unwrap();

        let error = ask(folder.path(), &Command::Status, &mut |_| Ok(())).unwrap_err();

        assert!(error.to_string().contains("start it"), "{error}");
    }
}
