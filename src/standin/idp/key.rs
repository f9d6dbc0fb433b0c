//! The provider's signing key: RSA, made at start, published as a JSON Web Key.

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::core::{CoreJsonWebKey, CoreJwsSigningAlgorithm, CoreRsaPrivateSigningKey};
use openidconnect::{JsonWebKey as _, JsonWebKeyId, PrivateSigningKey as _};
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use rsa::traits::PublicKeyParts as _;
use serde_json::{Value, json};
use sha2::Digest as _;

/// Bits of the modulus: the least RFC 7518 §3.3 allows for RS256, and the quickest to make.
const BITS: usize = 2048;

/// The one algorithm the provider signs by.
const RS256: CoreJwsSigningAlgorithm = CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256;

/// The private key and its name.
pub(super) struct Key {
    private: CoreRsaPrivateSigningKey,
    public: CoreJsonWebKey,
    id: String,
}

impl Key {
    /// Makes a new key; its name is a digest of its modulus.
    pub fn new() -> anyhow::Result<Key> {
        let key = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, BITS).context("cannot make an RSA key")?;
        let id = hex::encode(&sha2::Sha256::digest(key.n().to_bytes_be())[..8]);
        let pem = key.to_pkcs1_pem(rsa::pkcs1::LineEnding::LF)?;
        let private = CoreRsaPrivateSigningKey::from_pem(&pem, Some(JsonWebKeyId::new(id.clone())))
            .map_err(|why| anyhow::anyhow!("cannot read the key just made: {why}"))?;
        Ok(Key { public: private.as_verification_key(), private, id })
    }

    /// RFC 7517 §5.
    pub fn jwks(&self) -> Value {
        let mut key = serde_json::to_value(&self.public).expect("a public key is plain JSON");
        key["alg"] = json!("RS256");
        key["use"] = json!("sig");
        json!({"keys": [key]})
    }

    /// Claims as a signed token in compact form (RFC 7515 §7.1).
    pub fn sign(&self, claims: &Value) -> anyhow::Result<String> {
        let header = json!({"alg": "RS256", "typ": "JWT", "kid": self.id}).to_string();
        let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature = self.private.sign(&RS256, text.as_bytes()).context("cannot sign")?;
        Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The `aud` of a token that this key signed, expired or not; `None` of any other text.
    pub fn audience(&self, token: &str) -> Option<String> {
        let (signed, signature) = token.rsplit_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        self.public.verify_signature(&RS256, signed.as_bytes(), &signature).ok()?;
        let claims = URL_SAFE_NO_PAD.decode(signed.split_once('.')?.1).ok()?;
        let claims: Value = serde_json::from_slice(&claims).ok()?;
        claims["aud"].as_str().map(str::to_owned)
    }
}
