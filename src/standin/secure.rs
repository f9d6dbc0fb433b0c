//! A certificate that nobody signed but the stand-in itself.

use std::sync::Arc;

use anyhow::Context as _;
use rustls_pki_types::PrivateKeyDer;

/// What a server shows that signed its own certificate, and that certificate as PEM.
pub(super) fn self_signed() -> anyhow::Result<(rustls::ServerConfig, String)> {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).context("while making a certificate")?;
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der())
        .map_err(|why| anyhow::anyhow!("the key of the certificate cannot be used: {why}"))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("while choosing the versions of TLS")?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .context("while taking the certificate")?;
    Ok((config, made.cert.pem()))
}
