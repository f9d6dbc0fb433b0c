//! The root key's passphrase, typed unseen on the terminal or read from a file descriptor.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;

use anyhow::{Context as _, bail};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use sotto::app::nouns::Passphrase;

/// A line that is longer is no passphrase.
const LINE_BYTES_MAX: u64 = 4096;

/// Reads it; where it is chosen now it is typed twice, so that a slip does not lock everything away.
pub fn read(descriptor: Option<u32>, is_first: bool) -> anyhow::Result<Passphrase> {
    if let Some(descriptor) = descriptor {
        let path = format!("/dev/fd/{descriptor}");
        let file =
            File::open(&path).with_context(|| format!("no passphrase can be read from descriptor {descriptor}"))?;
        return line(file);
    }
    let terminal = || File::options().read(true).write(true).open("/dev/tty");
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
