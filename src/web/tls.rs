//! The certificate: the operator's own, or one made at the first run under a local authority that clients on the same
//! machine can trust.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde::{Deserialize, Serialize};
use x509_cert::der::Decode as _;

use super::Settings;
use crate::clock::{Clock, Moment};

/// A day.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Some clients take no certificate that is good for longer than this.
const LEAF_DAYS: i64 = 825;
/// As long as an authority that was once trusted by hand should last.
const AUTHORITY_DAYS: i64 = 3650;
/// A certificate that ends sooner than this is made anew at the start.
const RENEW_DAYS: i64 = 30;

/// What the server shows, and who signed it where that was us.
pub struct Identity {
    /// For the listener.
    pub config: ServerConfig,
    /// PEM of our own authority, where it signed.
    pub authority: Option<String>,
    /// When the certificate ends; `None` where that cannot be read from it.
    pub ends: Option<Moment>,
}

/// What the kept certificate was made for.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Made {
    names: Vec<String>,
    until: Moment,
}

/// The certificate of the settings, else the kept one, else a new one.
pub fn identity(settings: &Settings, folder: &Path, clock: &Clock) -> anyhow::Result<Identity> {
    match own(settings)? {
        Some((certificate, key)) => {
            Ok(Identity { config: config(certificate, key)?, authority: None, ends: ends(certificate) })
        }
        None => made(settings, folder, clock.now()),
    }
}

/// What can be said of the certificate without making one.
pub fn look(settings: &Settings, folder: &Path) -> anyhow::Result<String> {
    match own(settings)? {
        Some((certificate, key)) => config(certificate, key).map(|_| certificate.display().to_string()),
        None => Ok(format!("made and kept in {}", folder.display())),
    }
}

/// The operator's own certificate and key.
fn own(settings: &Settings) -> anyhow::Result<Option<(&Path, &Path)>> {
    match (&settings.certificate_file, &settings.key_file) {
        (Some(certificate), Some(key)) => Ok(Some((certificate, key))),
        (None, None) => Ok(None),
        (Some(_), None) => bail!("certificate_file is set and key_file is not; set both or neither"),
        (None, Some(_)) => bail!("key_file is set and certificate_file is not; set both or neither"),
    }
}

fn config(certificate: &Path, key: &Path) -> anyhow::Result<ServerConfig> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|error| anyhow!("cannot read the certificate {}: {error}", certificate.display()))?;
    if chain.is_empty() {
        bail!("{} holds no certificate; it must be a PEM chain, the server's own first", certificate.display());
    }
    let key_der = PrivateKeyDer::from_pem_file(key).map_err(|error| {
        anyhow!("cannot read the key {}: {error}; it must be PEM without a passphrase", key.display())
    })?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("while choosing the versions of TLS")?
        .with_no_client_auth()
        .with_single_cert(chain, key_der)
        .with_context(|| format!("{} and {} do not fit each other", certificate.display(), key.display()))
}

/// When the server's own certificate of a chain ends (RFC 5280 §4.1.2.5).
fn ends(chain: &Path) -> Option<Moment> {
    let first = CertificateDer::pem_file_iter(chain).ok()?.next()?.ok()?;
    let certificate = x509_cert::Certificate::from_der(&first).ok()?;
    let ends = certificate.tbs_certificate.validity.not_after.to_unix_duration();
    Some(Moment::from_ms(i64::try_from(ends.as_millis()).ok()?))
}

fn made(settings: &Settings, folder: &Path, now: Moment) -> anyhow::Result<Identity> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("while making {}", folder.display()))?;
    let names = names(settings);
    if !is_good(folder, &names, now) {
        make(folder, &names, now).with_context(|| format!("while making a certificate in {}", folder.display()))?;
    }
    let authority = folder.join("authority.pem");
    Ok(Identity {
        config: config(&folder.join("server.pem"), &folder.join("server.key"))?,
        ends: ends(&folder.join("server.pem")),
        authority: Some(
            fs::read_to_string(&authority).with_context(|| format!("while reading {}", authority.display()))?,
        ),
    })
}

/// The public address's host, and those by which the machine reaches itself.
fn names(settings: &Settings) -> Vec<String> {
    let host = settings.public_url.host_str().unwrap_or("localhost").trim_matches(['[', ']']).to_owned();
    let mut names = vec![host, "localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

/// Whether the kept certificate is whole (its note is written last), for these names, and not about to end.
fn is_good(folder: &Path, names: &[String], now: Moment) -> bool {
    let note = fs::read(folder.join("made.json")).ok();
    let made: Option<Made> = note.and_then(|note| serde_json::from_slice(&note).ok());
    made.is_some_and(|made| made.names == names && made.until.since(now) > RENEW_DAYS * DAY_MS)
}

fn make(folder: &Path, names: &[String], now: Moment) -> anyhow::Result<()> {
    let authority = authority(folder, now)?;
    let key = KeyPair::generate()?;
    let until = now.plus_ms(LEAF_DAYS * DAY_MS);
    let mut leaf = CertificateParams::new(names)?;
    leaf.distinguished_name.push(DnType::CommonName, names.first().map_or("localhost", String::as_str));
    leaf.use_authority_key_identifier_extension = true;
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // A day back: clients whose clock is a little behind ours.
    (leaf.not_before, leaf.not_after) = (date(now.plus_ms(-DAY_MS))?, date(until)?);
    let certificate = leaf.signed_by(&key, &authority)?;
    keep(&folder.join("server.key"), key.serialize_pem().as_bytes())?;
    keep(&folder.join("server.pem"), certificate.pem().as_bytes())?;
    keep(&folder.join("made.json"), &serde_json::to_vec(&Made { names: names.to_owned(), until })?)?;
    Ok(())
}

/// The kept authority, else a new one: a certificate made anew is then trusted wherever the first one was.
fn authority(folder: &Path, now: Moment) -> anyhow::Result<Issuer<'static, KeyPair>> {
    let (key_file, certificate_file) = (folder.join("authority.key"), folder.join("authority.pem"));
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, "Sotto local authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    if certificate_file.exists() {
        let pem = fs::read_to_string(&key_file)
            .with_context(|| format!("while reading {}; remove the folder to begin anew", key_file.display()))?;
        let key = KeyPair::from_pem(&pem)
            .with_context(|| format!("{} is damaged; remove the folder to begin anew", key_file.display()))?;
        return Ok(Issuer::new(params, key));
    }
    let key = KeyPair::generate()?;
    (params.not_before, params.not_after) = (date(now.plus_ms(-DAY_MS))?, date(now.plus_ms(AUTHORITY_DAYS * DAY_MS))?);
    let certificate = params.self_signed(&key)?;
    keep(&key_file, key.serialize_pem().as_bytes())?;
    keep(&certificate_file, certificate.pem().as_bytes())?;
    Ok(Issuer::new(params, key))
}

/// Writes a file that only its owner reads; it is on disk when this returns. A crash between two files is mended at the
/// next start, because the note of what was made comes last.
fn keep(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("while making {}", path.display()))?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .with_context(|| format!("while writing {}", path.display()))?;
    if let Some(folder) = path.parent() {
        fs::File::open(folder)
            .and_then(|folder| folder.sync_all())
            .with_context(|| format!("while keeping {}", path.display()))?;
    }
    Ok(())
}

/// The day of a moment, as X.509 libraries spell it.
fn date(at: Moment) -> anyhow::Result<actix_web::cookie::time::OffsetDateTime> {
    Ok(actix_web::cookie::time::OffsetDateTime::from_unix_timestamp(at.ms() / 1000)?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn noon() -> Clock {
        Clock::held(Moment::parse("2026-11-24T12:00:00Z").unwrap())
    }

    #[test]
    fn a_certificate_is_made_once_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("tls");
        let first = identity(&Settings::default(), &folder, &noon()).unwrap();
        let leaf = fs::read(folder.join("server.pem")).unwrap();

        let second = identity(&Settings::default(), &folder, &noon()).unwrap();

        assert_eq!(first.authority, second.authority);
        assert_eq!(fs::read(folder.join("server.pem")).unwrap(), leaf);
        for key in ["server.key", "authority.key"] {
            assert_eq!(fs::metadata(folder.join(key)).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn the_end_of_a_certificate_is_read_from_it() {
        let folder = tempfile::tempdir().unwrap();

        let identity = identity(&Settings::default(), folder.path(), &noon()).unwrap();

        assert_eq!(identity.ends, Some(noon().now().plus_ms(LEAF_DAYS * DAY_MS)));
        assert_eq!(ends(&folder.path().join("server.key")), None, "a key is no certificate");
    }

    #[test]
    fn another_name_or_a_near_end_makes_it_anew_under_the_same_authority() {
        let folder = tempfile::tempdir().unwrap();
        let clock = noon();
        let first = identity(&Settings::default(), folder.path(), &clock).unwrap();
        let renamed = Settings { public_url: "https://wiki.example".parse().unwrap(), ..Settings::default() };
        let leaf = || fs::read(folder.path().join("server.pem")).unwrap();
        let before = leaf();

        let second = identity(&renamed, folder.path(), &clock).unwrap();
        let between = leaf();
        clock.advance((LEAF_DAYS - RENEW_DAYS + 1) * DAY_MS);
        identity(&renamed, folder.path(), &clock).unwrap();

        assert_eq!(first.authority, second.authority);
        assert_ne!(before, between);
        assert_ne!(between, leaf());
    }

    #[test]
    fn a_key_without_its_certificate_is_refused_in_words() {
        let settings = Settings { key_file: Some("/nowhere/key.pem".into()), ..Settings::default() };

        let error = identity(&settings, Path::new("/nowhere"), &noon()).err().unwrap();

        assert!(error.to_string().contains("set both or neither"), "{error}");
    }

    #[test]
    fn a_missing_certificate_is_named() {
        let file = Some("/nowhere/chain.pem".into());
        let settings = Settings { certificate_file: file.clone(), key_file: file, ..Settings::default() };

        let error = identity(&settings, Path::new("/nowhere"), &noon()).err().unwrap();

        assert!(error.to_string().contains("/nowhere/chain.pem"), "{error}");
    }
}
