//! Every case of the OpenID Foundation's tests of relying parties that applies to us, by its name and through the whole sign-in:
//! what the provider sends, and beside it the honest answer over the same keys, which must be taken. A vector whose honest
//! twin is refused proves nothing.

use serde_json::{Value, json};

use super::super::*;
use super::flow::{now, open, settings};
use super::idp::Idp;
use super::keys::{Ec, Ed, NOW_S, Rsa, claims_with, sign_symmetric, unsigned};

/// A provider with these keys that announces these algorithms, ourselves, and a sign-in under way.
struct House {
    idp: Idp,
    provider: Provider,
    pending: Pending,
}

impl House {
    fn with(keys: &[Value], change: impl FnOnce(&Idp, &mut Settings)) -> House {
        let idp = Idp::start();
        idp.answer("/keys", 200, json!({ "keys": keys }));
        idp.announces("id_token_signing_alg_values_supported", json!(["RS256", "ES256", "EdDSA", "HS256", "none"]));
        let mut settings = settings(&idp);
        change(&idp, &mut settings);
        let provider = open(&settings);
        let (_, pending) = provider.begin("/", now()).unwrap();
        House { idp, provider, pending }
    }

    /// What an honest provider says for this sign-in, with some claims changed; `null` takes one away.
    fn claims(&self, changes: &Value) -> Value {
        let mut claims = claims_with(json!({ "nonce": self.pending.nonce, "iss": self.idp.issuer() }));
        for (name, value) in changes.as_object().unwrap() {
            if value.is_null() {
                claims.as_object_mut().unwrap().remove(name);
            } else {
                claims[name] = value.clone();
            }
        }
        claims
    }

    /// What becomes of this ID token.
    fn answered(&self, token: String) -> &'static str {
        let tokens = json!({ "access_token": "the-access-token", "token_type": "Bearer", "id_token": token });
        self.idp.answer("/token", 200, tokens);
        let callback = Callback {
            code: Some("the-code".to_owned()),
            state: Some(self.pending.state.clone()),
            ..Callback::default()
        };
        match self.provider.accept(&callback, &self.pending, now()) {
            Ok(login) => {
                assert_eq!(login.subject, "u-17");
                "taken"
            }
            Err(refusal) => refusal.code,
        }
    }
}

#[test]
fn what_a_token_says_of_itself() {
    let key = Ed::named("k1");
    let cases = [
        ("invalid-iss", json!({ "iss": "https://evil.example" }), "issuer_wrong"),
        ("missing-sub", json!({ "sub": null }), "token_invalid"),
        ("empty-sub", json!({ "sub": "" }), "subject_invalid"),
        ("invalid-aud", json!({ "aud": "another" }), "audience_wrong"),
        ("missing-aud", json!({ "aud": null }), "audience_wrong"),
        ("empty-aud", json!({ "aud": [] }), "audience_wrong"),
        ("foreign-azp", json!({ "azp": "another" }), "azp_foreign"),
        ("missing-iat", json!({ "iat": null }), "token_invalid"),
        ("future-iat", json!({ "iat": NOW_S + 61 }), "issued_in_future"),
        ("future-nbf", json!({ "nbf": NOW_S + 61 }), "not_yet_valid"),
        ("missing-exp", json!({ "exp": null }), "token_invalid"),
        ("past-exp", json!({ "exp": NOW_S - 60 }), "expired"),
        ("nonce-invalid", json!({ "nonce": "another" }), "nonce_wrong"),
        ("nonce-missing", json!({ "nonce": null }), "nonce_wrong"),
    ];
    for (name, changes, code) in cases {
        let house = House::with(&[key.jwk()], |_, _| {});
        assert_eq!(house.answered(key.sign(&house.claims(&changes))), code, "{name}");
        assert_eq!(house.answered(key.sign(&house.claims(&json!({})))), "taken", "the honest one beside {name}");
    }
}

#[test]
fn how_a_token_is_signed() {
    let (rsa, ec, ed) = (Rsa::new(), Ec::new(), Ed::named("k1"));
    // The words of one token under the signature of another.
    let spliced = |words: String, signature: &str| {
        let (words, _) = words.rsplit_once('.').unwrap();
        format!("{words}.{}", signature.rsplit_once('.').unwrap().1)
    };
    let house = House::with(&[rsa.jwk(), ec.jwk(), ed.jwk()], |_, _| {});
    let (honest, forged) = (house.claims(&json!({})), house.claims(&json!({ "sub": "u-1" })));
    let cases = [
        ("idtoken-sig-none", unsigned(&forged), rsa.sign(&honest), "algorithm_refused"),
        ("invalid-sig-rs256", spliced(rsa.sign(&forged), &rsa.sign(&honest)), rsa.sign(&honest), "signature_invalid"),
        ("invalid-sig-es256", spliced(ec.sign(&forged), &ec.sign(&honest)), ec.sign(&honest), "signature_invalid"),
        ("invalid-sig-hs256", sign_symmetric("rsa", b"secret", &forged), rsa.sign(&honest), "algorithm_refused"),
        ("sig-hs256-by-public-key", rsa.confuse(&forged), rsa.sign(&honest), "algorithm_refused"),
        (
            "key-in-header",
            Ed::named("evil")
                .sign_with(&json!({ "alg": "EdDSA", "kid": "k1", "jwk": Ed::named("evil").jwk() }), &forged),
            ed.sign(&honest),
            "signature_invalid",
        ),
    ];
    for (name, attack, good, code) in cases {
        assert_eq!(house.answered(attack), code, "{name}");
        assert_eq!(house.answered(good), "taken", "the honest one beside {name}");
    }
}

#[test]
fn which_key_it_names() {
    let (one, two) = (Ed::named("k1"), Ed::named("k2"));
    let nameless = |house: &House| one.sign_with(&json!({ "alg": "EdDSA" }), &house.claims(&json!({})));

    let house = House::with(&[one.jwk()], |_, _| {});
    assert_eq!(house.answered(nameless(&house)), "taken", "kid-absent-single-jwks");

    let house = House::with(&[one.jwk(), two.jwk()], |_, _| {});
    assert_eq!(house.answered(nameless(&house)), "key_ambiguous", "kid-absent-multiple-jwks");
    assert_eq!(house.answered(one.sign(&house.claims(&json!({})))), "taken", "the honest one beside it");

    // The keys that we have were fetched when the sign-in began.
    for (name, before, after) in [
        ("signing-key-rotation", vec![one.jwk()], vec![two.jwk(), one.jwk()]),
        ("signing-key-rotation-just-before-signing", vec![one.jwk()], vec![two.jwk()]),
        (
            "a new key under the old name",
            vec![one.jwk()],
            vec![{
                let mut key = two.jwk();
                key["kid"] = json!("k1");
                key
            }],
        ),
    ] {
        let house = House::with(&before, |_, _| {});
        house.idp.answer("/keys", 200, json!({ "keys": after }));
        let kid = after[0]["kid"].clone();
        let token = two.sign_with(&json!({ "alg": "EdDSA", "kid": kid }), &house.claims(&json!({})));
        assert_eq!(house.answered(token), "taken", "{name}");
    }
}

#[test]
fn what_else_a_provider_says() {
    let key = Ed::named("k1");

    let userinfo = House::with(&[key.jwk()], |_, settings| settings.userinfo = true);
    for (sub, expected) in [("u-1", "userinfo_subject_wrong"), ("u-17", "taken")] {
        userinfo.idp.answer("/userinfo", 200, json!({ "sub": sub, "preferred_username": "ceo" }));
        let token = key.sign(&userinfo.claims(&json!({})));
        assert_eq!(userinfo.answered(token), expected, "userinfo-invalid-sub: {sub}");
    }

    // refresh-token-invalid-issuer, refresh-token-invalid-sub: one that is sent is neither kept nor used, so that nothing it
    // would be exchanged for is ever believed.
    let house = House::with(&[key.jwk()], |_, settings| settings.scopes = Vec::new());
    let (address, _) = house.provider.begin("/", now()).unwrap();
    assert!(!address.as_str().contains("offline_access"), "none is asked for: {address}");
    let tokens = json!({ "access_token": "a", "token_type": "Bearer", "refresh_token": "r",
                         "id_token": key.sign(&house.claims(&json!({}))) });
    house.idp.answer("/token", 200, tokens);
    let callback =
        Callback { code: Some("c".to_owned()), state: Some(house.pending.state.clone()), ..Callback::default() };
    assert!(house.provider.accept(&callback, &house.pending, now()).is_ok());
    assert_eq!(house.idp.times("/token"), 1);
    let asked = &house.idp.script.lock().unwrap().asked;
    assert!(asked.iter().all(|(_, _, body)| !body.contains("refresh_token")), "{asked:?}");
}

#[test]
fn the_discovery_document_names_the_issuer_that_was_asked() {
    // discovery-issuer-mismatch
    let idp = Idp::start();
    let honest = settings(&idp);
    assert!(open(&honest).begin("/", now()).is_ok());
    idp.announces("issuer", json!("https://evil.example"));

    assert_eq!(open(&honest).begin("/", now()).unwrap_err().code, "discovery_issuer_mismatch");
}

#[test]
fn groups_count_only_by_the_claim_of_the_settings_and_never_in_part() {
    let key = Ed::named("k1");
    let groups = |settings: Option<&str>, claims: Value| {
        let house = House::with(&[key.jwk()], |_, all| all.groups_claim = settings.map(str::to_owned));
        let tokens = json!({ "access_token": "a", "token_type": "Bearer",
                             "id_token": key.sign(&house.claims(&claims)) });
        house.idp.answer("/token", 200, tokens);
        let callback =
            Callback { code: Some("c".to_owned()), state: Some(house.pending.state.clone()), ..Callback::default() };
        house.provider.accept(&callback, &house.pending, now()).map(|login| login.groups).map_err(|no| no.code)
    };
    let named = |names: &[&str]| Ok(Some(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()));
    let many: Vec<String> = (0..201).map(|number| format!("g{number}")).collect();

    assert_eq!(groups(None, json!({ "groups": ["staff"] })), Ok(None));
    assert_eq!(groups(Some("groups"), json!({ "groups": ["staff", "eng"] })), named(&["staff", "eng"]));
    assert_eq!(groups(Some("groups"), json!({})), named(&[]), "an absent claim names none");
    assert_eq!(groups(Some("https://x.example/roles"), json!({ "https://x.example/roles": ["a"] })), named(&["a"]));
    assert_eq!(groups(Some("groups"), json!({ "groups": "staff" })), Err("groups_invalid"));
    assert_eq!(groups(Some("groups"), json!({ "groups": many })), Err("groups_too_many"));
    let elsewhere = json!({ "_claim_names": { "groups": "src1" }, "_claim_sources": { "src1": {} } });
    assert_eq!(groups(Some("groups"), elsewhere), Err("groups_too_many"), "a list that is elsewhere is no empty one");
}
