//! The encryption of a backup: age (age-encryption.org/v1), to a passphrase or to public keys.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use age::secrecy::SecretString;
use age::x25519;
use anyhow::{Context as _, bail, ensure};

use crate::store::durable;
use crate::vault;

/// The hardest passphrase work that is done to open a file, as the power of two of scrypt's N: 16 GiB of memory. Our own
/// files take about a second where they are made.
const WORK_MAX: u8 = 24;
/// Characters of a passphrase that we make: 32 signs, five bits each, none of which is mistaken for another.
const SIGNS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Groups, and signs in one: 130 bits in all.
const GROUPS: usize = 5;
const GROUP: usize = 5;

/// What opens, or shuts, a backup. No `Debug`.
pub enum Key {
    /// A passphrase.
    Passphrase(SecretString),
    /// Public keys: they shut.
    Recipients(Vec<x25519::Recipient>),
    /// Secret keys: they open.
    Identities(Vec<x25519::Identity>),
}

impl Key {
    /// A passphrase from a file; a line's end after it does not count.
    pub fn of_passphrase_file(path: &Path) -> anyhow::Result<Key> {
        let text = read(path)?;
        Key::of_passphrase(text.trim_end_matches(['\r', '\n'])).with_context(|| format!("in {}", path.display()))
    }

    /// A passphrase.
    pub fn of_passphrase(text: &str) -> anyhow::Result<Key> {
        ensure!(!text.is_empty(), "the passphrase is empty");
        Ok(Key::Passphrase(SecretString::from(text.to_owned())))
    }

    /// A new passphrase, and its words for the person who must keep it.
    pub fn fresh_passphrase() -> (Key, String) {
        let bytes = vault::fresh::<{ GROUPS * GROUP }>();
        let signs: Vec<char> = bytes.iter().map(|byte| char::from(SIGNS[usize::from(byte & 31)])).collect();
        let words = signs.chunks(GROUP).map(|group| group.iter().collect()).collect::<Vec<String>>().join("-");
        (Key::Passphrase(SecretString::from(words.clone())), words)
    }

    /// Public keys.
    pub fn of_recipients(texts: &[String]) -> anyhow::Result<Key> {
        let parse = |text: &String| {
            let key = text.trim().parse::<x25519::Recipient>();
            key.map_err(|why| anyhow::anyhow!("{text:?} is no public key like age1…: {why}"))
        };
        Ok(Key::Recipients(texts.iter().map(parse).collect::<anyhow::Result<_>>()?))
    }

    /// Secret keys, a line each, from a file as `age-keygen` makes it.
    pub fn of_identity_file(path: &Path) -> anyhow::Result<Key> {
        let text = read(path)?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let parse = |line: &str| line.parse::<x25519::Identity>().map_err(|why| anyhow::anyhow!(why));
        let keys: Vec<_> = lines
            .map(parse)
            .collect::<anyhow::Result<_>>()
            .with_context(|| format!("{} has a line that is no secret key like AGE-SECRET-KEY-1…", path.display()))?;
        ensure!(!keys.is_empty(), "{} has no secret key", path.display());
        Ok(Key::Identities(keys))
    }
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// A backup that is being written. Under its name stands nothing before it is whole.
pub struct Shut {
    to: PathBuf,
    part: PathBuf,
    file: Option<age::stream::StreamWriter<BufWriter<File>>>,
}

impl Shut {
    /// Begins a backup at a path where nothing stands.
    pub fn begin(to: &Path, key: &Key) -> anyhow::Result<Shut> {
        ensure!(!to.exists(), "{} is there already; a backup is never written over another", to.display());
        let encryptor = match key {
            Key::Passphrase(passphrase) => age::Encryptor::with_user_passphrase(passphrase.clone()),
            Key::Recipients(keys) => age::Encryptor::with_recipients(keys.iter().map(|key| key as &dyn age::Recipient))
                .context("no public key is named")?,
            Key::Identities(_) => bail!("a backup is encrypted to a public key, not to a secret one"),
        };
        let mut part = to.file_name().with_context(|| format!("{} names no file", to.display()))?.to_owned();
        part.push(".part");
        let part = to.with_file_name(part);
        let file = File::options()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&part)
            .with_context(|| format!("cannot make {}", part.display()))?;
        let file = encryptor.wrap_output(BufWriter::new(file)).context("cannot begin to encrypt")?;
        Ok(Shut { to: to.to_owned(), part, file: Some(file) })
    }

    /// Ends it: now it is on disk, under its name.
    pub fn finish(mut self) -> anyhow::Result<()> {
        let file = self.file.take().context("the backup was ended already")?;
        let end = || -> anyhow::Result<()> {
            let file = file.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.sync_all()?;
            Ok(durable::put_in_place(&self.part, &self.to)?)
        };
        end().with_context(|| format!("cannot write {}", self.to.display()))
    }
}

impl Write for Shut {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.file {
            Some(file) => file.write(bytes),
            None => Err(io::Error::other("the backup was ended already")),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for Shut {
    fn drop(&mut self) {
        // Half a backup is of no use; where it was ended, nothing stands there any more.
        let _ = std::fs::remove_file(&self.part);
    }
}

/// Why an encrypted file does not open.
#[derive(Debug)]
pub(super) enum Closed {
    Foreign,
    WrongKey(&'static str),
    CutOff,
    Damaged,
    Io(io::Error),
}

/// Opens an encrypted file; what it gives is checked piece by piece.
pub(super) fn open(path: &Path, key: &Key) -> Result<impl Read + use<>, Closed> {
    let file = File::open(path).map_err(Closed::Io)?;
    let decryptor = age::Decryptor::new_buffered(BufReader::new(file)).map_err(closed)?;
    match key {
        Key::Passphrase(passphrase) if decryptor.is_scrypt() => {
            let mut identity = age::scrypt::Identity::new(passphrase.clone());
            identity.set_max_work_factor(WORK_MAX);
            decryptor.decrypt(std::iter::once(&identity as &dyn age::Identity)).map_err(closed)
        }
        Key::Identities(keys) if !decryptor.is_scrypt() => {
            decryptor.decrypt(keys.iter().map(|key| key as &dyn age::Identity)).map_err(closed)
        }
        Key::Passphrase(_) => {
            Err(Closed::WrongKey("it is encrypted to a public key: give its secret key with --identity"))
        }
        Key::Identities(_) | Key::Recipients(_) => {
            Err(Closed::WrongKey("it is encrypted to a passphrase: give that with --passphrase-file"))
        }
    }
}

fn closed(error: age::DecryptError) -> Closed {
    use age::DecryptError as E;
    match error {
        E::NoMatchingKeys | E::KeyDecryptionFailed | E::DecryptionFailed => {
            Closed::WrongKey("this passphrase or key does not open it")
        }
        E::ExcessiveWork { .. } => Closed::WrongKey("its passphrase would take more work than is reasonable"),
        E::InvalidMac => Closed::Damaged,
        E::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => Closed::CutOff,
        E::Io(error) => Closed::Io(error),
        E::InvalidHeader | E::UnknownFormat => Closed::Foreign,
    }
}
