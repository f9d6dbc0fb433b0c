//! The ID token alone.

use openidconnect::core::CoreJsonWebKeySet;
use openidconnect::{AccessToken, ClientId, IssuerUrl, Nonce};
use serde_json::{Value, json};

use super::super::proof::{Expected, Token, Unproven, acceptable, verify};
use super::keys::*;
use crate::clock::Moment;
use crate::sso::Refusal;

/// Made once with another library (Python's cryptography), for [`claims`]: its key and its two parts.
const ES256_JWK: &str = r#"{"kty": "EC", "crv": "P-256", "use": "sig", "kid": "ec", "x": "UcnZ2Acz8lDqve_51sVoJzu7n3MELU95-uTYlnrGGjk", "y": "WH8Wu2qMkF3A_gIojZzRFWfbUOEBAcCeNenBG06b_i8"}"#;
const ES256_MESSAGE: &str = "eyJhbGciOiJFUzI1NiIsImtpZCI6ImVjIn0.eyJpc3MiOiJodHRwczovL2lkcC5leGFtcGxlIiwiYXVkIjoic290dG8iLCJzdWIiOiJ1LTE3IiwiaWF0IjoxNzk1NTEwNzk5LCJleHAiOjE3OTU1MTExMDAsIm5vbmNlIjoidGhlLW5vbmNlIn0";
const ES256_SIGNATURE: &str = "yhZNvCXzFE_lqqKmpUBYxEYVgacZYw4EgjrgQpxCCiVLOSzq5lFc4TKSupYGrH536W00cviY3hjbgmUFfjZJdg";

/// What the provider announces and has.
struct Provider {
    keys: Vec<Value>,
    algorithms: Value,
    trusted: Vec<String>,
}

impl Provider {
    fn with(keys: Vec<Value>) -> Provider {
        let algorithms = json!(["none", "HS256", "RS256", "ES256", "EdDSA"]);
        Provider { keys, algorithms, trusted: Vec::new() }
    }

    /// The subject a token proves, or the code of the refusal; `unreadable` where it is no token at all.
    fn judge(&self, token: &str) -> Result<String, &'static str> {
        let Ok(token) = token.parse::<Token>() else { return Err("unreadable") };
        let keys: CoreJsonWebKeySet = serde_json::from_value(json!({ "keys": self.keys })).unwrap();
        let expected = Expected {
            issuer: &IssuerUrl::new(ISSUER.to_owned()).unwrap(),
            client: &ClientId::new("sotto".to_owned()),
            trusted_audiences: &self.trusted,
            keys: &keys,
            algorithms: &acceptable(&serde_json::from_value::<Vec<_>>(self.algorithms.clone()).unwrap()),
            nonce: &Nonce::new(NONCE.to_owned()),
            access_token: Some(&AccessToken::new("the-access-token".to_owned())),
            skew_ms: 60_000,
            now: Moment::from_ms(NOW_S * 1_000),
        };
        match verify(&token, &expected) {
            Ok(claims) => Ok(claims.subject().to_string()),
            Err(Unproven::Key(Refusal { code, .. }) | Unproven::Other(Refusal { code, .. })) => Err(code),
        }
    }
}

/// What becomes of the honest token with some claims changed.
fn with(changes: Value) -> Result<String, &'static str> {
    let key = Ed::named("k1");
    Provider::with(vec![key.jwk()]).judge(&key.sign(&claims_with(changes)))
}

fn proven() -> Result<String, &'static str> {
    Ok("u-17".to_owned())
}

#[test]
fn an_honest_token_proves_its_subject() {
    assert_eq!(with(json!({})), proven());
    assert_eq!(
        with(json!({ "auth_time": NOW_S as f64 - 0.5, "azp": "sotto", "aud": ["sotto"], "nbf": NOW_S })),
        proven()
    );
}

#[test]
fn a_token_of_another_issuer_or_for_another_client_is_refused() {
    // [invalid-iss] [invalid-aud] [missing-aud]
    assert_eq!(with(json!({ "iss": "https://evil.example" })), Err("issuer_wrong"));
    assert_eq!(with(json!({ "iss": "https://idp.example/" })), Err("issuer_wrong"));
    assert_eq!(with(json!({ "aud": "another" })), Err("audience_wrong"));
    assert_eq!(with(json!({ "aud": ["sotto", "another"] })), Err("audience_wrong"));
    assert_eq!(with(json!({ "aud": [] })), Err("audience_wrong"));
    assert_eq!(with(json!({ "aud": null })), Err("audience_wrong"));
    assert_eq!(with(json!({ "azp": "another" })), Err("azp_foreign"));
}

#[test]
fn a_trusted_audience_may_stand_beside_us_when_the_token_says_it_is_for_us() {
    let key = Ed::named("k1");
    let provider = Provider { trusted: vec!["portal".to_owned()], ..Provider::with(vec![key.jwk()]) };
    let judge = |changes| provider.judge(&key.sign(&claims_with(changes)));

    assert_eq!(judge(json!({ "aud": ["sotto", "portal"], "azp": "sotto" })), proven());
    assert_eq!(judge(json!({ "aud": ["sotto", "portal"] })), Err("azp_missing"));
    assert_eq!(judge(json!({ "aud": ["sotto", "portal"], "azp": "portal" })), Err("azp_foreign"));
    assert_eq!(judge(json!({ "aud": "portal", "azp": "sotto" })), Err("audience_wrong"));
}

#[test]
fn a_token_without_a_subject_or_a_time_is_refused() {
    // [missing-sub] [missing-iat]
    assert_eq!(with(json!({ "sub": null })), Err("unreadable"));
    assert_eq!(with(json!({ "sub": "" })), Err("subject_invalid"));
    assert_eq!(with(json!({ "sub": " " })), Err("subject_invalid"));
    assert_eq!(with(json!({ "sub": "x".repeat(256) })), Err("subject_invalid"));
    assert_eq!(with(json!({ "iat": null })), Err("unreadable"));
    assert_eq!(with(json!({ "exp": null })), Err("unreadable"));
}

#[test]
fn a_token_of_another_sign_in_is_refused() {
    // [nonce-invalid]
    assert_eq!(with(json!({ "nonce": "another" })), Err("nonce_wrong"));
    assert_eq!(with(json!({ "nonce": null })), Err("nonce_wrong"));
}

#[test]
fn the_clock_skew_is_applied_in_both_directions_and_no_further() {
    assert_eq!(with(json!({ "exp": NOW_S - 59 })), proven());
    assert_eq!(with(json!({ "exp": NOW_S - 60 })), Err("expired"));
    assert_eq!(with(json!({ "iat": NOW_S + 60 })), proven());
    assert_eq!(with(json!({ "iat": NOW_S + 61 })), Err("issued_in_future"));
    assert_eq!(with(json!({ "nbf": NOW_S + 60 })), proven());
    assert_eq!(with(json!({ "nbf": NOW_S + 61 })), Err("not_yet_valid"));
    assert_eq!(with(json!({ "exp": i64::MAX })), Err("unreadable"));
}

#[test]
fn the_hash_of_the_access_token_is_checked_where_it_is_there() {
    use base64::Engine as _;
    use sha2::Digest as _;
    let hash = sha2::Sha512::digest("the-access-token");
    let half = base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(&hash[..32]);

    assert_eq!(with(json!({ "at_hash": half })), proven());
    assert_eq!(with(json!({ "at_hash": "bm90IHRoZSBoYXNo" })), Err("at_hash_wrong"));
}

#[test]
fn unsigned_and_symmetric_tokens_are_refused_whatever_the_provider_announces() {
    // [idtoken-sig-none] [invalid-sig-hs256], and the public key used as a secret
    let rsa = Rsa::new();
    let provider = Provider::with(vec![rsa.jwk()]);

    assert_eq!(provider.judge(&rsa.sign(&claims())), proven());
    assert_eq!(provider.judge(&unsigned(&claims())), Err("algorithm_refused"));
    assert_eq!(provider.judge(&rsa.confuse(&claims())), Err("algorithm_refused"));
    assert_eq!(provider.judge(&sign_symmetric("rsa", b"the-client-secret", &claims())), Err("algorithm_refused"));
}

#[test]
fn an_rsa_signature_over_other_words_is_refused() {
    // [invalid-sig-rs256]
    let rsa = Rsa::new();
    let (honest, forged) = (rsa.sign(&claims()), rsa.sign(&claims_with(json!({ "sub": "u-1" }))));
    let (words, _) = forged.rsplit_once('.').unwrap();
    let (_, signature) = honest.rsplit_once('.').unwrap();
    let provider = Provider::with(vec![rsa.jwk()]);

    assert_eq!(provider.judge(&format!("{words}.{signature}")), Err("signature_invalid"));
    assert_eq!(provider.judge(&format!("{words}.")), Err("signature_invalid"));
}

#[test]
fn an_elliptic_curve_signature_is_verified() {
    // [invalid-sig-es256]
    let provider = Provider::with(vec![serde_json::from_str(ES256_JWK).unwrap()]);
    let mut damaged = ES256_SIGNATURE.to_owned();
    damaged.replace_range(4..5, if &damaged[4..5] == "A" { "B" } else { "A" });

    assert_eq!(provider.judge(&format!("{ES256_MESSAGE}.{ES256_SIGNATURE}")), proven());
    assert_eq!(provider.judge(&format!("{ES256_MESSAGE}.{damaged}")), Err("signature_invalid"));
}

#[test]
fn an_algorithm_that_is_not_announced_is_refused() {
    let key = Ed::named("k1");
    let provider = Provider { algorithms: json!(["RS256"]), ..Provider::with(vec![key.jwk()]) };

    assert_eq!(provider.judge(&key.sign(&claims())), Err("algorithm_refused"));
}

#[test]
fn the_key_is_the_providers_and_never_the_tokens() {
    // [kid-absent-single-jwks] is taken, [kid-absent-multiple-jwks] is refused
    let (key, other) = (Ed::named("k1"), Ed::named("k2"));
    let nameless = key.sign_with(&json!({ "alg": "EdDSA" }), &claims());
    let brought = other.sign_with(&json!({ "alg": "EdDSA", "jwk": other.jwk() }), &claims());

    assert_eq!(Provider::with(vec![key.jwk()]).judge(&nameless), proven());
    assert_eq!(Provider::with(vec![key.jwk(), other.jwk()]).judge(&nameless), Err("key_ambiguous"));
    assert_eq!(Provider::with(vec![key.jwk()]).judge(&other.sign(&claims())), Err("key_unknown"));
    assert_eq!(Provider::with(vec![key.jwk()]).judge(&brought), Err("signature_invalid"));
}

#[test]
fn a_token_of_another_kind_is_refused() {
    let key = Ed::named("k1");
    let provider = Provider::with(vec![key.jwk()]);
    let of_type = |kind: &str| key.sign_with(&json!({ "alg": "EdDSA", "kid": "k1", "typ": kind }), &claims());
    let critical = key.sign_with(&json!({ "alg": "EdDSA", "kid": "k1", "crit": ["x"] }), &claims());

    assert_eq!(provider.judge(&of_type("JWT")), proven());
    assert_eq!(provider.judge(&of_type("logout+jwt")), Err("token_invalid"));
    assert_eq!(provider.judge(&critical), Err("token_invalid"));
    for text in ["", "a.b", "a.b.c", "....", "\u{0}"] {
        assert_eq!(provider.judge(text), Err("unreadable"), "{text:?}");
    }
}
