//! A passphrase: typed unseen on the terminal, or read from a file, a file descriptor or what is piped in.

use std::fs::File;
use std::io::{BufRead as _, BufReader, IsTerminal as _, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use sotto::app::nouns::Passphrase;

/// A line that is longer is no passphrase.
const LINE_BYTES_MAX: u64 = 4096;

/// Reads that of the root key; where it is chosen now it is typed twice, so that a slip does not lock everything away.
pub fn read(descriptor: Option<u32>, is_first: bool) -> anyhow::Result<Passphrase> {
    if let Some(descriptor) = descriptor {
        let path = format!("/dev/fd/{descriptor}");
        let file =
            File::open(&path).with_context(|| format!("no passphrase can be read from descriptor {descriptor}"))?;
        return line(file);
    }
    let open =
        terminal().context("the root key needs its passphrase, and there is no terminal; give --passphrase-fd N")?;
    let unseen = Unseen::begin(&open)?;
    let passphrase =
        asked(&open, if is_first { "Choose a passphrase for the root key: " } else { "Passphrase of the root key: " })?;
    if is_first && asked(&open, "The same again: ")?.expose() != passphrase.expose() {
        bail!("the two are not the same; start again");
    }
    drop(unseen);
    Ok(passphrase)
}

/// Reads that of a backup: asked for where a person sits there, else the first line of what is piped in.
pub fn of_backup() -> anyhow::Result<Passphrase> {
    let input = std::io::stdin();
    if !input.is_terminal() {
        return line(input.as_fd().try_clone_to_owned().context("the passphrase does not read")?.into());
    }
    let open = terminal().context("there is no terminal; give --passphrase-file or --identity")?;
    let _unseen = Unseen::begin(&open)?;
    asked(&open, "Passphrase of the backup: ")
}

fn terminal() -> std::io::Result<File> {
    File::options().read(true).write(true).open("/dev/tty")
}

/// The first line of a file.
pub fn of_file(path: &Path) -> anyhow::Result<Passphrase> {
    line(File::open(path).with_context(|| format!("{} does not read", path.display()))?)
}

fn asked(mut terminal: &File, words: &str) -> anyhow::Result<Passphrase> {
    terminal.write_all(words.as_bytes()).context("while asking for the passphrase")?;
    let passphrase = line(terminal.try_clone()?);
    terminal.write_all(b"\n").context("while asking for the passphrase")?;
    passphrase
}

fn line(file: File) -> anyhow::Result<Passphrase> {
    let mut words = String::with_capacity(LINE_BYTES_MAX as usize);
    BufReader::new(file.take(LINE_BYTES_MAX)).read_line(&mut words).context("the passphrase does not read")?;
    let typed = words.trim_end_matches(['\r', '\n']).len();
    words.truncate(typed);
    if words.is_empty() {
        bail!("the passphrase is empty");
    }
    Ok(Passphrase::new(words))
}

/// While it lives, what is typed is not shown.
struct Unseen<'a> {
    terminal: &'a File,
    before: rustix::termios::Termios,
}

impl<'a> Unseen<'a> {
    fn begin(terminal: &'a File) -> anyhow::Result<Unseen<'a>> {
        let before = tcgetattr(terminal).context("this is no terminal")?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(terminal, OptionalActions::Flush, &silent)
            .context("the terminal cannot be kept from showing what is typed")?;
        Ok(Unseen { terminal, before })
    }
}

impl Drop for Unseen<'_> {
    fn drop(&mut self) {
        // A terminal that is gone shows nothing any more.
        let _ = tcsetattr(self.terminal, OptionalActions::Flush, &self.before);
    }
}
