//! The token and userinfo endpoints.

use std::sync::PoisonError;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};
use sha2::Digest as _;

use super::{Client, Person, Shared, TOKEN_MS, authorize, subject};
use crate::clock::Moment;
use crate::standin::server::{Call, Reply};

/// What a code stands for.
pub(super) struct Grant {
    /// What the client asked for.
    pub request: authorize::Request,
    /// Who signed in.
    pub username: String,
    /// The `sid` of this sign-in.
    pub session: String,
    /// When the password was checked.
    pub at: Moment,
    /// The access token it was redeemed for; a code that comes again takes it back.
    pub redeemed: Option<String>,
}

/// What an access token opens.
#[derive(Clone)]
pub(super) struct Access {
    /// Whose it is.
    pub username: String,
    /// What may be told.
    pub scopes: Vec<String>,
}

/// An error of RFC 6749 §5.2.
struct Refused(u16, &'static str, &'static str);

impl Shared {
    /// RFC 6749 §4.1.3, with RFC 7636 §4.6.
    pub(super) fn token(&self, call: &Call) -> Reply {
        match self.redeem(call) {
            Ok(body) => Reply::json(200, &body).with("cache-control", "no-store"),
            Err(Refused(status, error, why)) => {
                let reply = Reply::json(status, &json!({"error": error, "error_description": why}));
                let reply = reply.with("cache-control", "no-store");
                if status == 401 { reply.with("www-authenticate", "Basic realm=\"token\"") } else { reply }
            }
        }
    }

    fn redeem(&self, call: &Call) -> Result<Value, Refused> {
        let client = self.proven_client(call)?;
        if call.field("grant_type").as_deref() != Some("authorization_code") {
            return Err(Refused(400, "unsupported_grant_type", "only authorization_code is offered"));
        }
        let code = call.field("code").ok_or(Refused(400, "invalid_request", "the code is missing"))?;
        let verifier = call.field("code_verifier").unwrap_or_default();
        let now = self.clock.now();
        let wrong = |why| Refused(400, "invalid_grant", why);
        let mut codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = codes.get_mut(&code).ok_or(wrong("there is no such code"))?;
        let grant = &mut kept.thing;
        if grant.request.client != client.id {
            return Err(wrong("the code was made for another client"));
        }
        if let Some(token) = &grant.redeemed {
            // RFC 6749 §4.1.2: a code that comes twice was stolen once; what it gave is taken back.
            self.tokens.lock().unwrap_or_else(PoisonError::into_inner).remove(token);
            return Err(wrong("the code was used already"));
        }
        if kept.until <= now {
            return Err(wrong("the code has expired"));
        }
        if call.field("redirect_uri").as_deref() != Some(grant.request.redirect.as_str()) {
            return Err(wrong("the redirect_uri is not the one the code was made for"));
        }
        let challenge = URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(&verifier));
        if !(43..=128).contains(&verifier.len()) || challenge != grant.request.challenge {
            return Err(wrong("the code_verifier does not fit the challenge"));
        }
        let person = self.person(&grant.username).ok_or(wrong("the person is gone"))?;
        let scopes = grant.request.scopes.clone();
        let access = Access { username: grant.username.clone(), scopes: scopes.clone() };
        let access = self.keep(&self.tokens, access, TOKEN_MS);
        grant.redeemed = Some(access.clone());
        let mut claims = claims(person, &scopes);
        claims.insert("iss".to_owned(), json!(self.issuer()));
        claims.insert("aud".to_owned(), json!(client.id));
        claims.insert("iat".to_owned(), json!(now.ms() / 1000));
        claims.insert("exp".to_owned(), json!(now.plus_ms(TOKEN_MS).ms() / 1000));
        claims.insert("auth_time".to_owned(), json!(grant.at.ms() / 1000));
        claims.insert("sid".to_owned(), json!(grant.session));
        // OpenID Connect Core 1.0 §3.1.3.6: the left half of the digest.
        let half = &sha2::Sha256::digest(&access)[..16];
        claims.insert("at_hash".to_owned(), json!(URL_SAFE_NO_PAD.encode(half)));
        if let Some(nonce) = &grant.request.nonce {
            claims.insert("nonce".to_owned(), json!(nonce));
        }
        let id_token =
            self.key.sign(&Value::Object(claims)).map_err(|_| Refused(500, "server_error", "cannot sign"))?;
        Ok(json!({"access_token": access, "token_type": "Bearer", "expires_in": TOKEN_MS / 1000,
                  "id_token": id_token, "scope": scopes.join(" ")}))
    }

    /// The client, by `client_secret_basic` or `client_secret_post`, not by both (RFC 6749 §2.3).
    fn proven_client(&self, call: &Call) -> Result<Client, Refused> {
        let unknown = Refused(401, "invalid_client", "the client is unknown or its secret is wrong");
        let (id, secret) = match call.header("authorization") {
            Some(_) if call.field("client_secret").is_some() => {
                return Err(Refused(400, "invalid_request", "two ways of proving the client at once"));
            }
            Some(header) => match basic(header) {
                Some(pair) => pair,
                None => return Err(unknown),
            },
            None => (call.field("client_id").unwrap_or_default(), call.field("client_secret").unwrap_or_default()),
        };
        self.client(&id).filter(|client| !client.secret.is_empty() && client.secret == secret).ok_or(unknown)
    }

    /// OpenID Connect Core 1.0 §5.3.
    pub(super) fn userinfo(&self, call: &Call) -> Reply {
        let token = call.header("authorization").and_then(|header| header.strip_prefix("Bearer ")).unwrap_or_default();
        let now = self.clock.now();
        let access = {
            let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
            tokens.get(token.trim()).filter(|kept| kept.until > now).map(|kept| kept.thing.clone())
        };
        let found = access.as_ref().and_then(|access| Some((access, self.person(&access.username)?)));
        match found {
            Some((access, person)) => Reply::json(200, &Value::Object(claims(person, &access.scopes))),
            None => Reply::json(401, &json!({"error": "invalid_token"}))
                .with("www-authenticate", "Bearer error=\"invalid_token\""),
        }
    }
}

/// What the scopes say about a person (OpenID Connect Core 1.0 §5.4).
fn claims(person: &Person, scopes: &[String]) -> Map<String, Value> {
    let has = |scope: &str| scopes.iter().any(|asked| asked == scope);
    let mut out = Map::new();
    out.insert("sub".to_owned(), json!(subject(&person.username)));
    if has("profile") {
        out.insert("name".to_owned(), json!(person.name));
        out.insert("preferred_username".to_owned(), json!(person.username));
    }
    if has("email") {
        out.insert("email".to_owned(), json!(person.email));
        out.insert("email_verified".to_owned(), json!(true));
    }
    if has("groups") {
        out.insert("groups".to_owned(), json!(person.groups));
    }
    out
}

/// Name and secret of a Basic header; both are form-encoded inside it (RFC 6749 §2.3.1).
fn basic(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let plain = |part: &str| {
        let whole = format!("x={part}");
        let found = url::form_urlencoded::parse(whole.as_bytes()).next().map(|(_, value)| value.into_owned());
        found.unwrap_or_default()
    };
    Some((plain(id), plain(secret)))
}
