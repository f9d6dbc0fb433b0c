//! Logout tokens, refused one by one (the names are those of the OpenID Foundation's tests, without their prefix).

use serde_json::{Value, json};

use super::super::*;
use super::flow::{now, open, settings};
use super::idp::Idp;
use super::keys::{Ed, NOW_S, sign_symmetric, unsigned};
use crate::sso::{Error, Seen};
use crate::store::Store;

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// What an honest provider says, with some claims changed; `null` takes one away.
fn claims(idp: &Idp, changes: &Value) -> Value {
    let mut claims = json!({
        "iss": idp.issuer(), "aud": "sotto", "iat": NOW_S, "exp": NOW_S + 120, "jti": "j-1", "sub": "u-17", "sid": "s-1",
        "events": { EVENT: {} },
    });
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims
}

fn signed(claims: &Value) -> String {
    Ed::named("k1").sign_with(&json!({ "alg": "EdDSA", "kid": "k1", "typ": "logout+jwt" }), claims)
}

struct House {
    idp: Idp,
    provider: Provider,
    seen: Seen,
    _folder: tempfile::TempDir,
}

fn house() -> House {
    let idp = Idp::start();
    let folder = tempfile::tempdir().unwrap();
    let seen = Seen::open(&Store::open(folder.path()).unwrap()).unwrap();
    House { provider: open(&settings(&idp)), idp, seen, _folder: folder }
}

impl House {
    fn code(&self, token: &str) -> &'static str {
        match self.provider.leave(token, &self.seen, now()) {
            Ok(_) => "followed",
            Err(Error::Refused(refusal)) => refusal.code,
            Err(Error::Store(error)) => panic!("{error}"),
        }
    }

    fn changed(&self, changes: Value) -> &'static str {
        self.code(&signed(&claims(&self.idp, &changes)))
    }
}

#[test]
fn a_logout_token_says_whose_sessions_end_once() {
    let house = house();
    let token = signed(&claims(&house.idp, &json!({})));

    let leaving = house.provider.leave(&token, &house.seen, now()).map_err(|error| error.to_string()).unwrap();

    assert_eq!((leaving.subject.as_deref(), leaving.session.as_deref()), (Some("u-17"), Some("s-1")));
    assert_eq!(house.code(&token), "replayed");
    assert_eq!(house.changed(json!({ "jti": "j-2", "sid": null })), "followed");
    assert_eq!(house.changed(json!({ "jti": "j-3", "sub": null, "aud": ["other", "sotto"] })), "followed");
}

#[test]
fn a_token_that_is_wrong_in_any_part_ends_nothing() {
    let house = house();
    let cases = [
        ("wrong-iss", json!({ "iss": "https://evil.example" }), "issuer_wrong"),
        ("wrong-aud", json!({ "aud": "other" }), "audience_wrong"),
        ("empty-aud", json!({ "aud": [] }), "audience_wrong"),
        ("no-event", json!({ "events": null }), "token_wrong"),
        ("wrong-event", json!({ "events": { "urn:other": {} } }), "event_wrong"),
        ("event-no-object", json!({ "events": { EVENT: true } }), "event_wrong"),
        ("with-nonce", json!({ "nonce": "n" }), "nonce_present"),
        ("no-jti", json!({ "jti": null }), "token_wrong"),
        ("no-iat", json!({ "iat": null }), "token_wrong"),
        ("no-exp", json!({ "exp": null }), "token_wrong"),
        ("expired", json!({ "exp": NOW_S - 60 }), "expired"),
        ("old", json!({ "iat": NOW_S - 661 }), "expired"),
        ("older-than-time", json!({ "iat": -1e300 }), "expired"),
        ("later-than-time", json!({ "iat": 1e300 }), "issued_in_future"),
        ("of-the-future", json!({ "iat": NOW_S + 61 }), "issued_in_future"),
        ("nobody", json!({ "sub": null, "sid": null }), "token_wrong"),
    ];
    for (name, changes, code) in cases {
        assert_eq!(house.changed(changes), code, "{name}");
    }
    assert_eq!(house.changed(json!({})), "followed");
}

#[test]
fn a_token_that_the_provider_did_not_sign_ends_nothing() {
    let house = house();
    let honest = claims(&house.idp, &json!({}));
    let by = |header: Value| Ed::named("k1").sign_with(&header, &honest);

    assert_eq!(house.code(&unsigned(&honest)), "algorithm_refused", "alg-none");
    assert_eq!(house.code(&sign_symmetric("k1", b"secret", &honest)), "algorithm_refused", "wrong-alg");
    assert_eq!(house.code(&by(json!({ "alg": "RS256", "kid": "k1" }))), "algorithm_refused", "not announced");
    assert_eq!(
        house.code(&Ed::named("evil").sign_with(&json!({ "alg": "EdDSA", "kid": "k1" }), &honest)),
        "signature_invalid"
    );
    assert_eq!(house.code(&by(json!({ "alg": "EdDSA", "kid": "k1", "typ": "JWT" }))), "token_wrong", "another type");
    assert_eq!(house.code("a.b"), "token_wrong");
    assert_eq!(house.code(&by(json!({ "alg": "EdDSA", "kid": "k1" }))), "followed", "a provider that writes no type");
}

/// A sequence that is the same for the same seed (xorshift, Marsaglia 2003).
fn roll(state: &mut u64, end: usize) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    usize::try_from(*state % u64::try_from(end.max(1)).unwrap()).unwrap()
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a nightly run asks for more cases")]
fn however_a_logout_token_is_mutilated_only_what_the_provider_signed_for_us_is_followed() {
    let cases: u64 = std::env::var("SOTTO_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(2_000);
    let house = house();
    let values = [
        json!(null),
        json!(""),
        json!("sotto"),
        json!(["sotto"]),
        json!(["other"]),
        json!([]),
        json!({}),
        json!(true),
        json!(-1e300),
        json!(1e300),
        json!(NOW_S),
        json!(NOW_S as f64 + 0.5),
        json!({ EVENT: {} }),
        json!({ EVENT: 1 }),
        json!("https://evil.example"),
        json!(house.idp.issuer()),
        json!("j"),
    ];
    let names = ["iss", "aud", "iat", "exp", "jti", "sub", "sid", "events", "nonce", "other"];
    let (mut followed, mut refused) = (0, std::collections::BTreeMap::new());
    for seed in 1..=cases {
        let mut dice = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut said = claims(&house.idp, &json!({ "jti": format!("j-{seed}") }));
        for _ in 0..=roll(&mut dice, 3) {
            said[names[roll(&mut dice, names.len())]] = values[roll(&mut dice, values.len())].clone();
        }
        let mut token = signed(&said);
        let is_touched = roll(&mut dice, 2) == 0;
        if is_touched {
            let at = roll(&mut dice, token.len());
            token.replace_range(at..=at, ["A", "_", ".", "", "=", "z"][roll(&mut dice, 6)]);
        }
        match house.code(&token) {
            "followed" => {
                assert_eq!(said["iss"], house.idp.issuer().as_str(), "seed {seed}");
                let is_ours =
                    said["aud"] == "sotto" || said["aud"].as_array().is_some_and(|all| all.contains(&json!("sotto")));
                assert!(is_ours && said["events"][EVENT].is_object() && said["nonce"].is_null(), "seed {seed}: {said}");
                assert!(said["sub"].is_string() || said["sid"].is_string(), "seed {seed}: {said}");
                assert!(!is_touched || token == signed(&said), "seed {seed}: a changed token was followed");
                followed += 1;
            }
            code => *refused.entry(code).or_insert(0) += 1,
        }
    }
    eprintln!("{followed} followed; refused: {refused:?}");
    assert!(followed > 0 && refused.len() > 5, "{followed} {refused:?}");
}
