//! Whether an ID token proves a login (OpenID Connect Core 1.0 §3.1.3.7). Pure: keys and the time are given.

use std::time::{Duration, UNIX_EPOCH};

use openidconnect::core::{
    CoreGenderClaim, CoreJsonWebKey, CoreJsonWebKeySet, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm,
};
use openidconnect::{
    AccessToken, AccessTokenHash, AdditionalClaims, ClaimsVerificationError, ClientId, IdToken, IdTokenClaims,
    IdTokenVerifier, IssuerUrl, Nonce, SignatureVerificationError,
};
use serde::{Deserialize, Serialize};

use crate::clock::Moment;
use crate::sso::Refusal;

/// OpenID Connect Core 1.0 §2: a `sub` has at most 255 characters.
const SUBJECT_CHARS_MAX: usize = 255;

/// Claims that the library does not read.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct More {
    /// The provider's session.
    pub sid: Option<String>,
    /// RFC 7519 §4.1.5, in seconds; a float where a provider writes one.
    pub nbf: Option<f64>,
    /// The rest, for the claim that the settings name.
    #[serde(flatten)]
    pub rest: serde_json::Map<String, serde_json::Value>,
}

impl AdditionalClaims for More {}

pub(super) type Token = IdToken<More, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;
pub(super) type Claims = IdTokenClaims<More, CoreGenderClaim>;

/// What a token is held against.
pub(super) struct Expected<'a> {
    /// Exactly as the provider announces it.
    pub issuer: &'a IssuerUrl,
    pub client: &'a ClientId,
    /// Other audiences that may stand beside us in a token.
    pub trusted_audiences: &'a [String],
    /// The provider's keys.
    pub keys: &'a CoreJsonWebKeySet,
    /// The algorithms it announces and we take.
    pub algorithms: &'a [CoreJwsSigningAlgorithm],
    pub nonce: &'a Nonce,
    /// The access token that came along, whose hash the ID token may hold.
    pub access_token: Option<&'a AccessToken>,
    /// By how much the provider's clock may differ from ours.
    pub skew_ms: i64,
    pub now: Moment,
}

/// Why a token proves nothing.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unproven {
    /// No key of the set fits: perhaps the provider has new ones.
    Key(Refusal),
    Other(Refusal),
}

/// The algorithms we take: those that need a private key. `none` and the symmetric ones can never be among them, whatever a
/// provider announces: with them a public key or a shared secret is all that a forger needs.
pub(super) fn acceptable(announced: &[CoreJwsSigningAlgorithm]) -> Vec<CoreJwsSigningAlgorithm> {
    use CoreJwsSigningAlgorithm as Alg;
    let is_asymmetric = |alg: &&Alg| match alg {
        Alg::RsaSsaPkcs1V15Sha256
        | Alg::RsaSsaPkcs1V15Sha384
        | Alg::RsaSsaPkcs1V15Sha512
        | Alg::RsaSsaPssSha256
        | Alg::RsaSsaPssSha384
        | Alg::RsaSsaPssSha512
        | Alg::EcdsaP256Sha256
        | Alg::EcdsaP384Sha384
        | Alg::EdDsa => true,
        Alg::HmacSha256 | Alg::HmacSha384 | Alg::HmacSha512 | Alg::EcdsaP521Sha512 | Alg::None => false,
        _ => false,
    };
    announced.iter().filter(is_asymmetric).cloned().collect()
}

/// The claims of a token that proves a login.
pub(super) fn verify<'t>(token: &'t Token, expected: &Expected<'_>) -> Result<&'t Claims, Unproven> {
    let skewed = UNIX_EPOCH + Duration::from_millis(expected.now.plus_ms(-expected.skew_ms).ms().max(0).unsigned_abs());
    let trusted = expected.trusted_audiences;
    // A public client's verifier has no secret, so that a token "signed" with one is refused before anything else.
    let verifier: IdTokenVerifier<'_, CoreJsonWebKey> =
        IdTokenVerifier::new_public_client(expected.client.clone(), expected.issuer.clone(), expected.keys.clone())
            .set_allowed_algs(expected.algorithms.iter().cloned())
            .set_other_audience_verifier_fn(|audience| trusted.iter().any(|trusted| trusted == audience.as_str()))
            .set_time_fn(move || skewed.into());
    let claims = token.claims(&verifier, expected.nonce).map_err(refusal_of)?;
    check_times(claims, expected)?;
    check_parties(claims, expected)?;
    let subject = claims.subject().as_str();
    if subject.trim().is_empty() || subject.chars().count() > SUBJECT_CHARS_MAX {
        return Err(other("subject_invalid", "the token's sub is empty or longer than 255 characters"));
    }
    if let (Some(hash), Some(access_token)) = (claims.access_token_hash(), expected.access_token) {
        // §3.1.3.8: an access token of somebody else beside this ID token.
        let computed = token
            .signing_alg()
            .and_then(|alg| Ok((alg, token.signing_key(&verifier)?)))
            .ok()
            .and_then(|(alg, key)| AccessTokenHash::from_token(access_token, alg, key).ok());
        if computed.as_ref() != Some(hash) {
            return Err(other("at_hash_wrong", "the token's at_hash is not that of the access token"));
        }
    }
    Ok(claims)
}

/// The library checks `exp`; a token of the future is ours to refuse.
fn check_times(claims: &Claims, expected: &Expected<'_>) -> Result<(), Unproven> {
    let latest = expected.now.plus_ms(expected.skew_ms);
    if claims.issue_time().timestamp_millis() > latest.ms() {
        return Err(other("issued_in_future", "the token was issued later than now; compare the two clocks"));
    }
    // Rounding towards the past by less than a second is within any clock skew.
    if claims.additional_claims().nbf.is_some_and(|nbf| nbf * 1_000.0 > latest.ms() as f64) {
        return Err(other("not_yet_valid", "the token is not valid yet; compare the two clocks"));
    }
    Ok(())
}

/// §3.1.3.7, points 4 and 5: a token that was made for another client proves nothing to us.
fn check_parties(claims: &Claims, expected: &Expected<'_>) -> Result<(), Unproven> {
    match claims.authorized_party() {
        Some(party) if party != expected.client => {
            Err(other("azp_foreign", "the token was made for another client (azp)"))
        }
        None if claims.audiences().len() > 1 => {
            Err(other("azp_missing", "the token has several audiences and does not say for whom it was made (azp)"))
        }
        Some(_) | None => Ok(()),
    }
}

fn other(code: &'static str, detail: &str) -> Unproven {
    Unproven::Other(Refusal::new(code, detail))
}

/// The library's messages may quote claims, so ours are written here.
fn refusal_of(error: ClaimsVerificationError) -> Unproven {
    use ClaimsVerificationError as E;
    use SignatureVerificationError as S;
    let (code, detail) = match error {
        E::Expired(_) => ("expired", "the token has expired; compare the two clocks"),
        E::InvalidAudience(_) => {
            ("audience_wrong", "the token is not for our client id, or also for somebody we do not know")
        }
        E::InvalidIssuer(_) => ("issuer_wrong", "the token was issued by another issuer"),
        E::InvalidNonce(_) => ("nonce_wrong", "the token belongs to another sign-in"),
        E::InvalidSubject(_) => ("subject_invalid", "the token's sub is not acceptable"),
        E::SignatureVerification(S::NoMatchingKey) => {
            let detail = "the token names a key that is not in the provider's key set";
            return Unproven::Key(Refusal::new("key_unknown", detail));
        }
        E::SignatureVerification(S::CryptoError(_)) => {
            let detail = "the token's signature does not fit the provider's key";
            return Unproven::Key(Refusal::new("signature_invalid", detail));
        }
        E::SignatureVerification(S::NoSignature) => ("algorithm_refused", "the token is not signed"),
        E::SignatureVerification(S::DisallowedAlg(_) | S::UnsupportedAlg(_)) => (
            "algorithm_refused",
            "the token is signed with an algorithm that the provider does not announce or we do not take",
        ),
        E::SignatureVerification(S::AmbiguousKeyId(_)) => {
            ("key_ambiguous", "the token names no key, and several of the provider's keys could be meant")
        }
        E::SignatureVerification(_) => ("signature_invalid", "the token's signature cannot be verified"),
        E::Unsupported(_) => ("token_invalid", "the token is encrypted, nested or of a type that is no ID token"),
        E::InvalidAuthContext(_) | E::InvalidAuthTime(_) | E::Other(_) | _ => {
            ("token_invalid", "the token cannot be verified")
        }
    };
    other(code, detail)
}
