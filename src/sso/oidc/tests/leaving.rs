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
