//! The code flow, from the client's side and from the thief's.

use super::*;
use openidconnect::core::{CoreIdToken, CoreIdTokenVerifier, CoreJsonWebKeySet};

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// The challenge of RFC 7636, appendix B.
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const BACK: &str = "https://localhost:8443/auth/oidc/demo/callback";

fn provider() -> (Shared, Clock) {
    let person = |name: &str| Person {
        username: name.to_owned(),
        password: format!("{name}-secret"),
        email: format!("{name}@example.com"),
        name: name.to_uppercase(),
        groups: vec!["team".to_owned()],
    };
    let client =
        |id: &str| Client { id: id.to_owned(), secret: format!("{id} secret%"), redirects: vec![BACK.to_owned()] };
    let clock = Clock::held(Moment::parse("2026-11-24T08:00:00Z").unwrap());
    let shared =
        Shared::new(vec![person("mateo"), person("mary")], vec![client("sotto"), client("other")], clock.clone())
            .unwrap();
    *shared.issuer.write().unwrap() = "http://127.0.0.1:9".to_owned();
    (shared, clock)
}

fn form(pairs: &[(&str, &str)]) -> Vec<u8> {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish().into_bytes()
}

fn get(shared: &Shared, path: &str, pairs: &[(&str, &str)]) -> Reply {
    let query = String::from_utf8(form(pairs)).unwrap();
    shared.serve(&Call { method: "GET".into(), path: path.into(), query, ..Call::default() })
}

fn post(shared: &Shared, path: &str, pairs: &[(&str, &str)]) -> Reply {
    shared.serve(&Call { method: "POST".into(), path: path.into(), body: form(pairs), ..Call::default() })
}

fn location(reply: &Reply) -> HashMap<String, String> {
    let location = &reply.headers.iter().find(|(name, _)| *name == "location").expect("a redirect").1;
    url::Url::parse(location).unwrap().query_pairs().into_owned().collect()
}

const ASKED: [(&str, &str); 8] = [
    ("client_id", "sotto"),
    ("redirect_uri", BACK),
    ("response_type", "code"),
    ("scope", "openid profile email"),
    ("state", "s&1"),
    ("nonce", "n1"),
    ("code_challenge", CHALLENGE),
    ("code_challenge_method", "S256"),
];

/// The parameters of a good request with one changed.
fn asked<'a>(name: &'a str, value: &'a str) -> Vec<(&'a str, &'a str)> {
    ASKED.iter().filter(|(key, _)| *key != name).copied().chain([(name, value)]).collect()
}

/// Signs Mateo in by the form; the code that comes back.
fn code(shared: &Shared) -> String {
    let page = String::from_utf8(get(shared, "/authorize", &ASKED).body).unwrap();
    let request = page.split("name=\"request\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let wrong = post(shared, "/sign-in", &[("request", &request), ("username", "mateo"), ("password", "mary-secret")]);
    assert_eq!(wrong.status, 401);
    let pairs = [("request", request.as_str()), ("username", "Mateo"), ("password", "mateo-secret")];
    let back = location(&post(shared, "/sign-in", &pairs));
    assert_eq!((back["state"].as_str(), back["iss"].as_str()), ("s&1", "http://127.0.0.1:9"));
    assert_eq!(post(shared, "/sign-in", &pairs).status, 400);
    back["code"].clone()
}

fn redeem(shared: &Shared, code: &str, changed: (&str, &str)) -> (u16, serde_json::Value) {
    let mut pairs = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", BACK),
        ("code_verifier", VERIFIER),
        ("client_id", "sotto"),
        ("client_secret", "sotto secret%"),
    ];
    pairs.retain(|(name, _)| *name != changed.0);
    pairs.push(changed);
    let reply = post(shared, "/token", &pairs);
    (reply.status, serde_json::from_slice(&reply.body).unwrap())
}

#[test]
fn a_code_gives_a_token_that_verifies_once() {
    let (shared, _) = provider();
    let code = code(&shared);

    let (status, body) = redeem(&shared, &code, ("x", ""));

    assert_eq!(status, 200, "{body}");
    let keys: CoreJsonWebKeySet = serde_json::from_value(shared.key.jwks()).unwrap();
    let verifier = CoreIdTokenVerifier::new_confidential_client(
        openidconnect::ClientId::new("sotto".into()),
        openidconnect::ClientSecret::new("sotto secret%".into()),
        openidconnect::IssuerUrl::new("http://127.0.0.1:9".into()).unwrap(),
        keys,
    );
    let now = shared.clock.now();
    let verifier = verifier.set_time_fn(move || in_their_type(now));
    let token: CoreIdToken = body["id_token"].as_str().unwrap().parse().unwrap();
    let claims = token.claims(&verifier, &openidconnect::Nonce::new("n1".into())).unwrap();
    assert_eq!(claims.subject().as_str(), subject("MATEO"));
    assert!(token.claims(&verifier, &openidconnect::Nonce::new("n2".into())).is_err());

    let bearer = format!("Bearer {}", body["access_token"].as_str().unwrap());
    let ask = Call {
        method: "GET".into(),
        path: "/userinfo".into(),
        headers: vec![("authorization".into(), bearer)],
        ..Call::default()
    };
    assert_eq!(shared.serve(&ask).status, 200);
    let (status, body) = redeem(&shared, &code, ("x", ""));
    assert_eq!((status, body["error"].as_str()), (400, Some("invalid_grant")));
    // A stolen code's token is taken back with it.
    assert_eq!(shared.serve(&ask).status, 401);
}

/// The moment in the type that the verifier's clock gives.
fn in_their_type<T: std::ops::Add<std::time::Duration, Output = T> + Default>(now: Moment) -> T {
    T::default() + std::time::Duration::from_millis(now.ms().unsigned_abs())
}

#[test]
fn a_code_is_refused_with_another_client_address_verifier_or_time() {
    let (shared, clock) = provider();
    let code = code(&shared);

    for changed in
        [("redirect_uri", "https://localhost:8443/other"), ("code_verifier", "x"), ("code_verifier", CHALLENGE)]
    {
        let (status, body) = redeem(&shared, &code, changed);
        assert_eq!((status, body["error"].as_str()), (400, Some("invalid_grant")), "{changed:?}");
    }
    let (status, body) = redeem(&shared, &code, ("client_secret", "other secret%"));
    assert_eq!((status, body["error"].as_str()), (401, Some("invalid_client")));
    let encoded = base64::engine::general_purpose::STANDARD.encode("other:other+secret%25");
    let stolen = Call {
        method: "POST".into(),
        path: "/token".into(),
        headers: vec![("authorization".into(), format!("Basic {encoded}"))],
        body: form(&[
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", BACK),
            ("code_verifier", VERIFIER),
        ]),
        ..Call::default()
    };
    assert_eq!(shared.serve(&stolen).status, 400);
    clock.advance(CODE_MS);
    assert_eq!(redeem(&shared, &code, ("x", "")).1["error_description"], "the code has expired");
}

#[test]
fn a_request_without_pkce_or_with_a_foreign_address_gets_no_form() {
    let (shared, _) = provider();

    for (name, value, error) in [
        ("code_challenge", "", "invalid_request"),
        ("code_challenge_method", "plain", "invalid_request"),
        ("response_type", "token", "unsupported_response_type"),
        ("scope", "profile", "invalid_scope"),
        ("prompt", "none", "login_required"),
    ] {
        let back = location(&get(&shared, "/authorize", &asked(name, value)));
        assert_eq!(back["error"], error, "{name}");
        assert_eq!(back["state"], "s&1");
    }
    for (name, value) in [("client_id", "nobody"), ("redirect_uri", "https://evil.example/")] {
        let reply = get(&shared, "/authorize", &asked(name, value));
        assert_eq!((reply.status, reply.headers.iter().any(|(name, _)| *name == "location")), (400, false), "{name}");
    }
}

#[test]
fn signing_out_returns_only_to_the_clients_own_origin() {
    let (shared, _) = provider();
    let hint = redeem(&shared, &code(&shared), ("x", "")).1["id_token"].as_str().unwrap().to_owned();
    let end = |hint: &str, to: &str| {
        get(&shared, "/end_session", &[("id_token_hint", hint), ("post_logout_redirect_uri", to), ("state", "z")])
            .status
    };

    assert_eq!(end(&hint, "https://localhost:8443/sign-in"), 303);
    assert_eq!(end(&hint, "https://evil.example/"), 200);
    assert_eq!(end(&format!("{hint}x"), "https://localhost:8443/sign-in"), 200);
}
