//! Our own keys at a provider: the one that signs requests and opens what is encrypted for us, and the next one, while a
//! provider that knows both is moved from the one to the other.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_RSA_SHA256, RsaKeySize, date_time_ymd};

use super::Settings;
use crate::clock::Moment;
use crate::store::durable;

/// Years for which a certificate that we make is good: providers warn of one that has ended, and nothing else depends on it.
const YEARS: i32 = 10;

/// A key and its certificate, PEM.
#[derive(Clone)]
pub(super) struct Pair {
    pub key: String,
    pub certificate: String,
}

/// The current pair, and the next where there is one.
pub(super) fn open(settings: &Settings, folder: &Path, host: &str, now: Moment) -> anyhow::Result<Vec<Pair>> {
    let current = match (&settings.key_file, &settings.certificate_file) {
        (Some(key), Some(certificate)) => read(key, certificate)?,
        (None, None) => made(settings, folder, host, now)?,
        (Some(_), None) => bail!("key_file is set and certificate_file is not; set both or neither"),
        (None, Some(_)) => bail!("certificate_file is set and key_file is not; set both or neither"),
    };
    let next = match (&settings.next_key_file, &settings.next_certificate_file) {
        (Some(key), Some(certificate)) => Some(read(key, certificate)?),
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => {
            bail!("of next_key_file and next_certificate_file one is set; set both or neither")
        }
    };
    Ok([Some(current), next].into_iter().flatten().collect())
}

fn read(key: &PathBuf, certificate: &PathBuf) -> anyhow::Result<Pair> {
    let text =
        |path: &PathBuf| std::fs::read_to_string(path).with_context(|| format!("while reading {}", path.display()));
    let pair = Pair { key: text(key)?, certificate: text(certificate)? };
    check(&pair).with_context(|| format!("while trying {} with {}", key.display(), certificate.display()))?;
    Ok(pair)
}

/// Signs with the one and verifies with the other: a pair that does not fit would show only at the provider.
fn check(pair: &Pair) -> anyhow::Result<()> {
    const WORDS: &str = "do these two belong together";
    const ALGORITHM: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
    let key = saml_rs::crypto::keys::load_private_key(&pair.key, None)
        .context("the key must be an RSA key as PEM without a passphrase")?;
    let signed = saml_rs::crypto::construct_message_signature(WORDS, &key, ALGORITHM)
        .context("the key must be an RSA key as PEM without a passphrase")?;
    let fits = saml_rs::crypto::verify_message_signature(WORDS, &signed, &pair.certificate, ALGORITHM)
        .context("the certificate must be one certificate as PEM")?;
    ensure!(fits, "the key and the certificate do not belong together");
    Ok(())
}

/// The pair in the data folder, made where it is not there.
fn made(settings: &Settings, folder: &Path, host: &str, now: Moment) -> anyhow::Result<Pair> {
    let folder = folder.join("saml");
    let path = folder.join(format!("{}.pem", settings.id));
    durable::make_folder(&folder).with_context(|| format!("while making {}", folder.display()))?;
    let bytes = match durable::read(&path).with_context(|| format!("while reading {}", path.display()))? {
        Some(bytes) => bytes,
        None => {
            let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_3072)?;
            let mut params = CertificateParams::new(Vec::new())?;
            params.distinguished_name.push(DnType::CommonName, host);
            let year = now.rfc3339().get(..4).and_then(|year| year.parse().ok()).unwrap_or(2026);
            (params.not_before, params.not_after) = (date_time_ymd(year, 1, 1), date_time_ymd(year + YEARS, 12, 31));
            let certificate = params.self_signed(&key)?;
            // Both in one file: it is written whole or not at all.
            let bytes = format!("{}{}", key.serialize_pem(), certificate.pem()).into_bytes();
            durable::write(&path, &bytes).with_context(|| format!("while writing {}", path.display()))?;
            bytes
        }
    };
    let text = String::from_utf8(bytes).with_context(|| format!("{} is damaged", path.display()))?;
    let (key, certificate) = text
        .split_once("-----BEGIN CERTIFICATE-----")
        .with_context(|| format!("{} is damaged: it holds no certificate", path.display()))?;
    let pair = Pair { key: key.to_owned(), certificate: format!("-----BEGIN CERTIFICATE-----{certificate}") };
    check(&pair).with_context(|| format!("{} is damaged; remove it to have one made anew", path.display()))?;
    Ok(pair)
}
