//! Keys made for a test, and tokens signed with them, however malformed.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ed25519_dalek::Signer as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use openidconnect::core::{CoreJwsSigningAlgorithm, CoreRsaPrivateSigningKey};
use openidconnect::{JsonWebKeyId, PrivateSigningKey as _};
use rsa::pkcs1::{EncodeRsaPrivateKey as _, LineEnding};
use rsa::traits::PublicKeyParts as _;
use serde_json::{Value, json};
use sha2::Sha256;

/// A moment in November 2026, in seconds.
pub const NOW_S: i64 = 1_795_510_800;
pub const NONCE: &str = "the-nonce";
pub const ISSUER: &str = "https://idp.example";

/// An Ed25519 key by its id; one id is always the same key.
pub struct Ed {
    kid: String,
    key: ed25519_dalek::SigningKey,
}

impl Ed {
    pub fn named(kid: &str) -> Ed {
        let mut seed = [7; 32];
        kid.bytes().zip(&mut seed).for_each(|(byte, seed)| *seed = byte);
        Ed { kid: kid.to_owned(), key: ed25519_dalek::SigningKey::from_bytes(&seed) }
    }

    pub fn jwk(&self) -> Value {
        let x = BASE64_URL_SAFE_NO_PAD.encode(self.key.verifying_key().as_bytes());
        json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": self.kid, "x": x })
    }

    pub fn sign(&self, claims: &Value) -> String {
        self.sign_with(&json!({ "alg": "EdDSA", "kid": self.kid }), claims)
    }

    pub fn sign_with(&self, header: &Value, claims: &Value) -> String {
        let message = message(header, claims);
        with_signature(&message, &self.key.sign(message.as_bytes()).to_bytes())
    }
}

/// An RSA key.
pub struct Rsa {
    key: rsa::RsaPrivateKey,
}

impl Rsa {
    pub fn new() -> Rsa {
        Rsa { key: rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2_048).unwrap() }
    }

    pub fn jwk(&self) -> Value {
        let (n, e) = (self.modulus(), BASE64_URL_SAFE_NO_PAD.encode(self.key.e().to_bytes_be()));
        json!({ "kty": "RSA", "use": "sig", "kid": "rsa", "n": n, "e": e })
    }

    fn modulus(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.key.n().to_bytes_be())
    }

    pub fn sign(&self, claims: &Value) -> String {
        let pem = self.key.to_pkcs1_pem(LineEnding::LF).unwrap();
        let key = CoreRsaPrivateSigningKey::from_pem(&pem, Some(JsonWebKeyId::new("rsa".to_owned()))).unwrap();
        let message = message(&json!({ "alg": "RS256", "kid": "rsa" }), claims);
        let signature = key.sign(&CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256, message.as_bytes()).unwrap();
        with_signature(&message, &signature)
    }

    /// HS256 with the public key as the secret: what a careless verifier takes.
    pub fn confuse(&self, claims: &Value) -> String {
        sign_symmetric("rsa", self.modulus().as_bytes(), claims)
    }
}

/// A key on the curve P-256, whose id is `ec`.
pub struct Ec {
    key: rcgen::KeyPair,
}

impl Ec {
    pub fn new() -> Ec {
        Ec { key: rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap() }
    }

    pub fn jwk(&self) -> Value {
        use rcgen::PublicKeyData as _;
        // SEC 1 §2.3.3: 4, then both coordinates.
        let point = self.key.der_bytes();
        let coordinate = |from: usize| BASE64_URL_SAFE_NO_PAD.encode(&point[from..from + 32]);
        json!({ "kty": "EC", "crv": "P-256", "use": "sig", "kid": "ec", "x": coordinate(1), "y": coordinate(33) })
    }

    pub fn sign(&self, claims: &Value) -> String {
        use rcgen::SigningKey as _;
        let message = message(&json!({ "alg": "ES256", "kid": "ec" }), claims);
        let der = self.key.sign(message.as_bytes()).unwrap();
        with_signature(&message, &both_numbers(&der))
    }
}

/// RFC 7518 §3.4: the two numbers of a signature at their full length, out of their DER (RFC 3279 §2.2.3).
fn both_numbers(der: &[u8]) -> Vec<u8> {
    let (mut out, mut at) = (Vec::new(), 2);
    for _ in 0..2 {
        let length = usize::from(der[at + 1]);
        let number = &der[at + 2..at + 2 + length];
        let number = &number[number.len().saturating_sub(32)..];
        out.resize(out.len() + 32 - number.len(), 0);
        out.extend_from_slice(number);
        at += 2 + length;
    }
    out
}

/// HS256 with a secret.
pub fn sign_symmetric(kid: &str, secret: &[u8], claims: &Value) -> String {
    let message = message(&json!({ "alg": "HS256", "kid": kid }), claims);
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
    mac.update(message.as_bytes());
    with_signature(&message, &mac.finalize().into_bytes())
}

/// `alg: none`, with no signature.
pub fn unsigned(claims: &Value) -> String {
    with_signature(&message(&json!({ "alg": "none" }), claims), &[])
}

/// What an honest provider says at [`NOW_S`].
pub fn claims() -> Value {
    json!({ "iss": ISSUER, "aud": "sotto", "sub": "u-17", "iat": NOW_S - 1, "exp": NOW_S + 300, "nonce": NONCE })
}

/// The same with some claims changed; `null` takes one away.
pub fn claims_with(changes: Value) -> Value {
    let mut claims = claims();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims
}

fn message(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(header), part(claims))
}

fn with_signature(message: &str, signature: &[u8]) -> String {
    format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}
