//! Whole sign-ins against a provider on a socket.

use serde_json::{Value, json};
use sha2::Digest as _;

use super::super::*;
use super::idp::Idp;
use super::keys::{Ed, NOW_S};

const SECOND: i64 = 1_000;

pub fn now() -> Moment {
    Moment::from_ms(NOW_S * SECOND)
}

pub fn settings(idp: &Idp) -> Settings {
    Settings {
        id: ProviderId::parse("company").unwrap(),
        name: "Company".to_owned(),
        issuer: idp.issuer().parse().unwrap(),
        client_id: "sotto".to_owned(),
        client_secret_file: None,
        scopes: vec!["profile".to_owned()],
        hosts: Vec::new(),
        trusted_audiences: Vec::new(),
        userinfo: false,
        groups_claim: None,
        skew_s: 60,
    }
}

pub fn open(settings: &Settings) -> Provider {
    let redirect = "https://sotto.example/auth/oidc/company/callback".parse().unwrap();
    let outbound = outbound::Settings { retries: 0, answer_s: 5, ..outbound::Settings::default() };
    Provider::open(settings, &redirect, &outbound).unwrap()
}

fn callback(pending: &Pending) -> Callback {
    Callback { code: Some("the-code".to_owned()), state: Some(pending.state.clone()), ..Callback::default() }
}

/// An honest provider, ourselves, and a sign-in under way whose code will be good.
fn under_way() -> (Idp, Provider, Pending) {
    let idp = Idp::start();
    let provider = open(&settings(&idp));
    let (_, pending) = provider.begin("/ask", now()).unwrap();
    idp.grants(&Ed::named("k1"), &pending.nonce, json!({ "sid": "s-1" }));
    (idp, provider, pending)
}

fn code_of(refused: Result<Login, Refusal>) -> &'static str {
    refused.unwrap_err().code
}

fn query(address: &url::Url, name: &str) -> Option<String> {
    address.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

#[test]
fn the_browser_is_sent_with_a_state_a_nonce_and_a_challenge_that_are_new_each_time() {
    let idp = Idp::start();
    let provider = open(&settings(&idp));

    let (address, pending) = provider.begin("/ask?q=1", now()).unwrap();
    let (_, other) = provider.begin("/", now()).unwrap();

    assert!(address.as_str().starts_with(&format!("{}/authorize?", idp.issuer())));
    assert_eq!(query(&address, "response_type").as_deref(), Some("code"));
    assert_eq!(query(&address, "scope").as_deref(), Some("openid profile"));
    assert_eq!(query(&address, "state"), Some(pending.state.clone()));
    assert_eq!(query(&address, "nonce"), Some(pending.nonce.clone()));
    assert_eq!(query(&address, "code_challenge_method").as_deref(), Some("S256"));
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(&pending.verifier));
    assert_eq!(query(&address, "code_challenge"), Some(challenge));
    assert_eq!(query(&address, "redirect_uri").as_deref(), Some("https://sotto.example/auth/oidc/company/callback"));
    assert!(pending.state.len() >= 43 && pending.verifier.len() >= 43);
    assert!(pending.state != other.state && pending.nonce != other.nonce && pending.verifier != other.verifier);
}

#[test]
fn a_good_code_becomes_a_login_and_the_verifier_goes_with_it() {
    let (idp, provider, pending) = under_way();
    let changes =
        json!({ "sid": "s-1", "preferred_username": "Mateo", "email": "m@x.example", "email_verified": "true" });
    idp.grants(&Ed::named("k1"), &pending.nonce, changes);

    let login = provider.accept(&callback(&pending), &pending, now()).unwrap();

    assert_eq!((login.subject.as_str(), login.provider_session.as_deref()), ("u-17", Some("s-1")));
    assert_eq!(login.name, UserName::parse("mateo").ok());
    assert_eq!((login.email.as_deref(), login.at), (Some("m@x.example"), now()));
    assert_eq!(login.id_token.unwrap().matches('.').count(), 2);
    let asked = &idp.script.lock().unwrap().asked;
    let (_, _, body) = asked.iter().find(|(line, ..)| line.starts_with("POST /token")).unwrap();
    assert!(body.contains(&format!("code_verifier={}", pending.verifier)) && body.contains("code=the-code"));
}

#[test]
fn an_email_that_is_not_proven_is_not_told() {
    let (idp, provider, pending) = under_way();
    for verified in [json!(false), Value::Null] {
        let changes = json!({ "email": "ceo@x.example", "email_verified": verified });
        idp.grants(&Ed::named("k1"), &pending.nonce, changes);
        assert_eq!(provider.accept(&callback(&pending), &pending, now()).unwrap().email, None);
    }
}

#[test]
fn an_answer_of_another_sign_in_or_another_provider_is_refused_before_anything_is_asked() {
    let (idp, provider, pending) = under_way();
    let elsewhere = Pending { provider: ProviderId::parse("other").unwrap(), ..pending.clone() };
    let foreign = Callback { state: Some("another".to_owned()), ..callback(&pending) };
    let stateless = Callback { state: None, ..callback(&pending) };

    assert_eq!(code_of(provider.accept(&foreign, &pending, now())), "state_foreign");
    assert_eq!(code_of(provider.accept(&stateless, &pending, now())), "state_foreign");
    assert_eq!(code_of(provider.accept(&callback(&pending), &elsewhere, now())), "state_foreign");
    assert_eq!(idp.times("/token"), 0);
}

#[test]
fn an_answer_that_names_another_issuer_is_refused_and_one_that_must_name_it_does() {
    let (idp, provider, pending) = under_way();
    let naming = |iss: &str| Callback { iss: Some(iss.to_owned()), ..callback(&pending) };
    assert_eq!(code_of(provider.accept(&naming("https://evil.example"), &pending, now())), "issuer_foreign");
    assert!(provider.accept(&naming(&idp.issuer()), &pending, now()).is_ok());

    idp.announces("authorization_response_iss_parameter_supported", json!(true));
    let provider = open(&settings(&idp));

    assert_eq!(code_of(provider.accept(&callback(&pending), &pending, now())), "issuer_missing");
    assert!(provider.accept(&naming(&idp.issuer()), &pending, now()).is_ok());
}

#[test]
fn what_the_provider_says_of_an_error_is_told_on_one_short_line() {
    let (_idp, provider, pending) = under_way();
    let refused = Callback {
        error: Some("access_denied".to_owned()),
        error_description: Some(format!("no\r\nSet-Cookie: x{}", "y".repeat(5_000))),
        code: None,
        ..callback(&pending)
    };

    let refusal = provider.accept(&refused, &pending, now()).unwrap_err();

    assert_eq!(refusal.code, "provider_refused");
    assert!(refusal.detail.starts_with("access_denied: no  Set-Cookie") && refusal.detail.chars().count() <= 200);
    let empty = Callback { code: None, ..callback(&pending) };
    assert_eq!(code_of(provider.accept(&empty, &pending, now())), "code_missing");
}

#[test]
fn a_code_that_the_provider_refuses_is_a_refusal() {
    let (idp, provider, pending) = under_way();
    idp.answer("/token", 400, json!({ "error": "invalid_grant", "error_description": "used already" }));

    let refusal = provider.accept(&callback(&pending), &pending, now()).unwrap_err();

    assert_eq!((refusal.code, refusal.detail.as_str()), ("code_refused", "invalid_grant: used already"));
}

#[test]
fn a_token_that_cannot_be_read_is_refused_without_being_quoted() {
    let (idp, provider, pending) = under_way();
    idp.grants(&Ed::named("k1"), &pending.nonce, json!({ "sub": null, "secret": "quoted" }));

    let refusal = provider.accept(&callback(&pending), &pending, now()).unwrap_err();

    assert_eq!(refusal.code, "token_invalid");
    assert!(!refusal.detail.contains("eyJ") && !refusal.detail.contains("quoted"), "{}", refusal.detail);
    idp.answer("/token", 200, json!({ "access_token": "a", "token_type": "Bearer" }));
    assert_eq!(code_of(provider.accept(&callback(&pending), &pending, now())), "id_token_missing");
}

#[test]
fn a_provider_that_calls_itself_otherwise_is_refused() {
    // [discovery-issuer-mismatch]
    let idp = Idp::start();
    idp.announces("issuer", json!("https://evil.example"));

    assert_eq!(open(&settings(&idp)).begin("/", now()).unwrap_err().code, "discovery_issuer_mismatch");
}

#[test]
fn a_provider_that_announces_no_algorithm_of_ours_or_a_bad_address_is_refused() {
    let idp = Idp::start();
    idp.announces("id_token_signing_alg_values_supported", json!(["none", "HS256"]));
    assert_eq!(open(&settings(&idp)).begin("/", now()).unwrap_err().code, "discovery_invalid");

    idp.announces("id_token_signing_alg_values_supported", json!(["EdDSA"]));
    idp.announces("authorization_endpoint", json!("javascript:alert(1)"));
    assert_eq!(open(&settings(&idp)).begin("/", now()).unwrap_err().code, "discovery_invalid");
}

#[test]
fn keys_that_changed_just_before_signing_are_fetched_once() {
    // [signing-key-rotation-just-before-signing] [signing-key-rotation]
    let (idp, provider, pending) = under_way();
    idp.has_keys(&[&Ed::named("k2")]);
    idp.grants(&Ed::named("k2"), &pending.nonce, json!({}));

    assert!(provider.accept(&callback(&pending), &pending, now()).is_ok());
    assert_eq!(idp.times("/keys"), 2);

    idp.grants(&Ed::named("k1"), &pending.nonce, json!({}));
    assert_eq!(code_of(provider.accept(&callback(&pending), &pending, now())), "key_unknown");
}

#[test]
fn unknown_keys_do_not_make_us_ask_again_and_again() {
    let (idp, provider, pending) = under_way();
    let later = |seconds: i64| now().plus_ms(seconds * SECOND);
    idp.grants(&Ed::named("k9"), &pending.nonce, json!({}));

    for second in 0..10 {
        assert_eq!(code_of(provider.accept(&callback(&pending), &pending, later(second))), "key_unknown");
    }
    assert_eq!(idp.times("/keys"), 2);

    assert_eq!(code_of(provider.accept(&callback(&pending), &pending, later(31))), "key_unknown");
    assert_eq!(idp.times("/keys"), 3);
}

#[test]
fn a_withdrawn_key_is_trusted_for_an_hour_at_most() {
    let (idp, provider, pending) = under_way();
    idp.has_keys(&[&Ed::named("k2")]);
    let later = now().plus_ms(61 * 60 * SECOND);
    idp.grants(&Ed::named("k1"), &pending.nonce, json!({ "iat": NOW_S + 3_600, "exp": NOW_S + 7_200 }));

    assert_eq!(code_of(provider.accept(&callback(&pending), &pending, later)), "key_unknown");
}

#[test]
fn a_provider_that_is_away_is_named() {
    let (idp, settings) = {
        let idp = Idp::start();
        (idp.issuer(), settings(&idp))
    };

    let refusal = open(&settings).begin("/", now()).unwrap_err();

    assert_eq!(refusal.code, "provider_away");
    assert!(refusal.detail.contains(&idp), "{}", refusal.detail);
}

#[test]
fn an_endpoint_on_a_host_that_the_settings_do_not_name_is_not_asked() {
    let (idp, elsewhere) = (Idp::start(), Idp::start());
    idp.announces("jwks_uri", json!(format!("{}/keys", elsewhere.issuer())));

    let refusal = open(&settings(&idp)).begin("/", now()).unwrap_err();
    assert_eq!((refusal.code, elsewhere.times("/keys")), ("provider_away", 0));

    let hosts = vec![elsewhere.issuer().parse().unwrap()];
    assert!(open(&Settings { hosts, ..settings(&idp) }).begin("/", now()).is_ok());
}

#[test]
fn the_secret_goes_in_the_way_the_provider_announces() {
    // [client-secret-basic]
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    crate::store::durable::write(&file, b"a secret:with/signs\n").unwrap();
    for (methods, is_basic) in [(json!(["client_secret_basic"]), true), (json!(["client_secret_post"]), false)] {
        let idp = Idp::start();
        idp.announces("token_endpoint_auth_methods_supported", methods);
        let provider = open(&Settings { client_secret_file: Some(file.clone()), ..settings(&idp) });
        let (_, pending) = provider.begin("/", now()).unwrap();
        idp.grants(&Ed::named("k1"), &pending.nonce, json!({}));

        provider.accept(&callback(&pending), &pending, now()).unwrap();

        let script = idp.script.lock().unwrap();
        let (_, head, body) = script.asked.iter().find(|(line, ..)| line.starts_with("POST /token")).unwrap();
        assert_eq!(head.contains("authorization: basic"), is_basic);
        assert_eq!(body.contains("client_secret=a+secret%3Awith%2Fsigns"), !is_basic);
    }
}

#[test]
fn userinfo_about_somebody_else_is_refused() {
    // [userinfo-invalid-sub]
    let idp = Idp::start();
    let provider = open(&Settings { userinfo: true, ..settings(&idp) });
    let (_, pending) = provider.begin("/", now()).unwrap();
    idp.grants(&Ed::named("k1"), &pending.nonce, json!({}));

    idp.answer("/userinfo", 200, json!({ "sub": "u-17", "preferred_username": "mateo" }));
    let login = provider.accept(&callback(&pending), &pending, now()).unwrap();
    assert_eq!(login.name, UserName::parse("mateo").ok());

    idp.answer("/userinfo", 200, json!({ "sub": "u-1", "preferred_username": "ceo" }));
    assert_eq!(code_of(provider.accept(&callback(&pending), &pending, now())), "userinfo_subject_wrong");
}

#[test]
fn the_providers_own_session_is_ended_where_it_announces_how() {
    let (idp, provider, _) = under_way();
    let after = "https://sotto.example/sign-in".parse().unwrap();

    let address = provider.logout("the.id.token", &after).unwrap();

    assert!(address.as_str().starts_with(&format!("{}/end?a=b&", idp.issuer())));
    assert_eq!(query(&address, "id_token_hint").as_deref(), Some("the.id.token"));
    assert_eq!(query(&address, "client_id").as_deref(), Some("sotto"));
    assert_eq!(query(&address, "post_logout_redirect_uri").as_deref(), Some("https://sotto.example/sign-in"));
    idp.announces("end_session_endpoint", Value::Null);
    assert_eq!(open(&settings(&idp)).logout("t", &after), None);
}

#[test]
fn a_path_elsewhere_begins_nothing() {
    let idp = Idp::start();

    assert_eq!(open(&settings(&idp)).begin("//evil.example", now()).unwrap_err().code, "return_to_refused");
    assert_eq!(idp.times("/.well-known/openid-configuration"), 0);
}

#[test]
fn settings_that_cannot_be_safe_are_refused() {
    let idp = Idp::start();
    let redirect: url::Url = "https://sotto.example/cb".parse().unwrap();
    let opens = |settings| Provider::open(&settings, &redirect, &outbound::Settings::default()).is_ok();

    assert!(opens(settings(&idp)));
    assert!(!opens(Settings { issuer: "http://idp.example".parse().unwrap(), ..settings(&idp) }));
    assert!(!opens(Settings { skew_s: 86_400, ..settings(&idp) }));
    assert!(!opens(Settings { client_secret_file: Some("/nowhere/secret".into()), ..settings(&idp) }));
}

#[test]
fn what_is_logged_of_a_sign_in_has_no_secret() {
    let (_idp, provider, pending) = under_way();
    let login = provider.accept(&callback(&pending), &pending, now()).unwrap();

    let logged = format!("{pending:?} {:?} {login:?}", callback(&pending));

    for secret in [&*pending.state, &pending.nonce, &pending.verifier, login.id_token.as_deref().unwrap(), "the-code"] {
        assert!(!logged.contains(secret), "{logged}");
    }
}
