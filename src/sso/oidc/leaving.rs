//! Whether a logout token ends sessions (OpenID Connect Back-Channel Logout 1.0 §2.6).

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use openidconnect::JsonWebKey as _;
use openidconnect::core::CoreJwsSigningAlgorithm;
use serde::Deserialize;
use serde_json::Value;

use super::Provider;
use super::known::Known;
use crate::clock::Moment;
use crate::sso::{Error, Refusal, Seen};

/// The largest token, in bytes: real ones have less than two thousand.
const TOKEN_BYTES_MAX: usize = 16 * 1024;
/// How old a token may be, in milliseconds; its id is remembered as long.
const AGE_MS_MAX: i64 = 10 * 60 * 1_000;
/// The event that makes a token one for logging out (§2.4).
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Whose sessions end: at least one of the two is there.
#[derive(Debug, PartialEq, Eq)]
pub struct Leaving {
    /// `sub`: all of the person's sessions, where no session is named.
    pub subject: Option<String>,
    /// `sid`: this session.
    pub session: Option<String>,
}

#[derive(Deserialize)]
struct Header {
    alg: CoreJwsSigningAlgorithm,
    typ: Option<String>,
    kid: Option<String>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    iat: f64,
    exp: f64,
    jti: String,
    events: Value,
    sub: Option<String>,
    sid: Option<String>,
    nonce: Option<Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Provider {
    /// Reads a logout token: signed by the provider, for us, new, and of no other kind.
    pub fn leave(&self, token: &str, seen: &Seen, now: Moment) -> Result<Leaving, Error> {
        let (signed, header, claims, signature) = parts(token)?;
        // RFC 8725 §3.11: a token of another kind must not be taken for this one.
        let kind = header.typ.as_deref().map(|kind| kind.to_ascii_lowercase().replace("application/", ""));
        if kind.is_some_and(|kind| kind != "logout+jwt") {
            return Err(no("token_wrong", "the token is not of the type logout+jwt"));
        }
        let known = self.knowledge.at(&self.outbound, now)?;
        if !known.algorithms.contains(&header.alg) {
            return Err(no(
                "algorithm_refused",
                "the token is signed by an algorithm that is not taken here, or not at all",
            ));
        }
        if !is_signed(&known, &header, signed, &signature) {
            let newer = self.knowledge.with_newer_keys(&self.outbound, &known, now)?;
            if !newer.is_some_and(|newer| is_signed(&newer, &header, signed, &signature)) {
                return Err(no("signature_invalid", "the token is signed by none of the provider's keys"));
            }
        }
        self.check(&claims, &known, now)?;
        // What could be sent again is kept as long as it could be.
        let ends = now.plus_ms(AGE_MS_MAX + 2 * self.skew_ms());
        if !seen.keep(&self.settings.id, &format!("logout:{}", claims.jti), ends, now)? {
            return Err(no("replayed", "this token was used before"));
        }
        Ok(Leaving { subject: claims.sub, session: claims.sid })
    }

    fn check(&self, claims: &Claims, known: &Known, now: Moment) -> Result<(), Error> {
        let is_ours = match &claims.aud {
            Audience::One(one) => *one == self.settings.client_id,
            Audience::Many(many) => many.contains(&self.settings.client_id),
        };
        // A fraction of a second is within any clock skew.
        let (issued, expires) = ((claims.iat * 1_000.0) as i64, (claims.exp * 1_000.0) as i64);
        let skew = self.skew_ms();
        let checks = [
            (claims.iss == known.metadata.issuer().as_str(), "issuer_wrong", "the token was issued by another issuer"),
            (is_ours, "audience_wrong", "the token is not for our client id"),
            (
                issued <= now.ms() + skew,
                "issued_in_future",
                "the token was issued later than now; compare the two clocks",
            ),
            (
                now.ms().saturating_sub(issued) <= AGE_MS_MAX + skew,
                "expired",
                "the token is too old; compare the two clocks",
            ),
            (now.ms() < expires.saturating_add(skew), "expired", "the token has expired; compare the two clocks"),
            (claims.events.get(EVENT).is_some_and(Value::is_object), "event_wrong", "the token is not about a logout"),
            (claims.nonce.is_none(), "nonce_present", "the token has a nonce, so it is of another kind"),
            (!claims.jti.is_empty(), "token_wrong", "the token has no id"),
            (
                claims.sub.is_some() || claims.sid.is_some(),
                "token_wrong",
                "the token names neither a person nor a session",
            ),
        ];
        match checks.into_iter().find(|(is_so, ..)| !is_so) {
            Some((_, code, detail)) => Err(no(code, detail)),
            None => Ok(()),
        }
    }

    fn skew_ms(&self) -> i64 {
        i64::try_from(self.settings.skew_s * 1_000).unwrap_or(0)
    }
}

fn parts(token: &str) -> Result<(&str, Header, Claims, Vec<u8>), Error> {
    let unreadable = || no("token_wrong", "the token is no signed token with the claims of a logout");
    if token.len() > TOKEN_BYTES_MAX {
        return Err(unreadable());
    }
    let (signed, signature) = token.rsplit_once('.').ok_or_else(unreadable)?;
    let (header, claims) = signed.split_once('.').ok_or_else(unreadable)?;
    let decoded = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| unreadable());
    let header = serde_json::from_slice(&decoded(header)?).map_err(|_| unreadable())?;
    let claims = serde_json::from_slice(&decoded(claims)?).map_err(|_| unreadable())?;
    Ok((signed, header, claims, decoded(signature)?))
}

fn is_signed(known: &Known, header: &Header, signed: &str, signature: &[u8]) -> bool {
    known.keys.keys().iter().any(|key| {
        let is_meant = header.kid.as_ref().is_none_or(|kid| key.key_id().is_some_and(|id| id.as_str() == kid));
        is_meant && key.verify_signature(&header.alg, signed.as_bytes(), signature).is_ok()
    })
}

fn no(code: &'static str, detail: &str) -> Error {
    Refusal::new(code, detail).into()
}
