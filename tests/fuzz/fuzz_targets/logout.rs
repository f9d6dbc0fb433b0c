//! Whatever is posted as a logout token is read to an end. A text of one line is posted as it is, and signs nobody out, for nobody
//! has the provider's key. One of two lines is a header and claims that the provider itself signs: it signs out only whom it
//! may.

#![no_main]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer as _, SigningKey};
use libfuzzer_sys::fuzz_target;
use serde_json::json;
use sotto::probe::{Moment, OidcProvider, OidcSettings, OutboundSettings, Seen, Store};

const NOW: Moment = Moment::from_ms(1_795_521_600_000);

struct House {
    issuer: String,
    provider: OidcProvider,
    seen: Seen,
    _folder: tempfile::TempDir,
}

static HOUSE: LazyLock<House> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let store = Store::open(folder.path()).expect("a new store opens");
    let issuer = discovery();
    let settings: OidcSettings = serde_json::from_value(json!({
        "id": "company", "name": "Company", "issuer": issuer, "client_id": "sotto",
    }))
    .expect("these are settings");
    let callback = "https://sotto.example/auth/oidc/company/callback".parse().expect("this is an address");
    let provider =
        OidcProvider::open(&settings, &callback, &OutboundSettings::default()).expect("good settings open");
    House { issuer, provider, seen: Seen::open(&store).expect("a new store opens"), _folder: folder }
});

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

/// A provider that says who it is and which keys it has, on a socket of this machine; its address.
fn discovery() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a socket can be had");
    let issuer = format!("http://{}", listener.local_addr().expect("it is bound"));
    let metadata = json!({
        "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"), "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"), "response_types_supported": ["code"], "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["EdDSA", "ES256", "RS256", "HS256", "none"],
    });
    let public = BASE64_URL_SAFE_NO_PAD.encode(key().verifying_key().to_bytes());
    let keys = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": "k1", "use": "sig", "x": public }] });
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut reader = BufReader::new(stream);
            let mut line = String::new();
            let mut asked = String::new();
            while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                if asked.is_empty() {
                    asked.clone_from(&line);
                }
                line.clear();
            }
            let body = if asked.contains("/keys") { keys.to_string() } else { metadata.to_string() };
            let head = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            // Who went away is not answered.
            drop(reader.into_inner().write_all((head + &body).as_bytes()));
        }
    });
    issuer
}

fuzz_target!(|text: &str| {
    if text.contains('\n') {
        signed(text);
    } else {
        assert!(HOUSE.provider.leave(text, &HOUSE.seen, NOW).is_err(), "nobody has the provider's key");
    }
});

/// A header and claims, a line each, with the provider's own signature: what it says decides.
fn signed(text: &str) {
    let text = text.replace("ISSUER", &HOUSE.issuer);
    let (header, claims) = text.split_once('\n').unwrap_or((&text, ""));
    let message = format!("{}.{}", BASE64_URL_SAFE_NO_PAD.encode(header), BASE64_URL_SAFE_NO_PAD.encode(claims));
    let signature = key().sign(message.as_bytes());
    let token = format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature.to_bytes()));
    if HOUSE.provider.leave(&token, &HOUSE.seen, NOW).is_ok() {
        let claims: serde_json::Value = serde_json::from_str(claims).expect("what was followed is JSON");
        assert_eq!(claims["iss"], HOUSE.issuer.as_str(), "of the provider");
        assert!(claims["aud"] == "sotto" || claims["aud"].as_array().is_some_and(|all| all.contains(&json!("sotto"))));
        assert!(claims["sub"].is_string() || claims["sid"].is_string(), "of somebody");
        assert!(claims.get("nonce").is_none_or(serde_json::Value::is_null), "of no sign-in");
    }
}
