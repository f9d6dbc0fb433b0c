//! The stand-in identity provider: OpenID Connect code flow with PKCE and signed tokens.
//!
//! Always true here: nobody is signed in without a password that was checked; a code serves once, for the client, the
//! address and the verifier it was made for, within a minute. There is no session of the provider's own: each sign-in asks.
//!
//! Begin at [`Idp`].

mod authorize;
mod form;
mod key;
mod token;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::Digest as _;

use super::server::{Call, Reply, Server};
use crate::clock::{Clock, Moment};

/// Milliseconds in which a code must be redeemed (RFC 6749 §4.1.2 advises ten minutes at most).
const CODE_MS: i64 = 60_000;
/// Milliseconds in which a sign-in form must be filled in.
const FORM_MS: i64 = 600_000;
/// Milliseconds that a token is valid.
const TOKEN_MS: i64 = 300_000;
/// Forms, codes and tokens kept at once; what has expired goes when there are more, then everything.
const KEPT_MAX: usize = 10_000;

/// One person of the people file.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The login name.
    pub username: String,
    /// The password.
    pub password: String,
    /// The e-mail address.
    pub email: String,
    /// The display name.
    pub name: String,
    /// Names of their groups.
    #[serde(default)]
    pub groups: Vec<String>,
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Person").field("username", &self.username).field("groups", &self.groups).finish_non_exhaustive()
    }
}

/// A client that may send people here.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// Its id.
    pub id: String,
    /// Its secret.
    pub secret: String,
    /// Its callback addresses.
    pub redirects: Vec<String>,
}

/// A running provider; it stops when it is dropped.
pub struct Idp {
    server: Server,
    shared: Arc<Shared>,
}

impl Idp {
    /// Starts it on `listen` (port 0 for any).
    pub fn start(listen: SocketAddr, people: Vec<Person>, clients: Vec<Client>) -> anyhow::Result<Idp> {
        Idp::start_by(Clock::System, listen, people, clients)
    }

    /// The same by another clock: that of an appliance whose own stands still, or its tokens would be from another time.
    pub fn start_by(
        clock: Clock,
        listen: SocketAddr,
        people: Vec<Person>,
        clients: Vec<Client>,
    ) -> anyhow::Result<Idp> {
        let shared = Arc::new(Shared::new(people, clients, clock)?);
        let serving = shared.clone();
        let server = Server::start("standin-idp", listen, move |call| serving.serve(call))?;
        // Requests that come before this line find no issuer; nobody knows the address before `start` returns.
        *shared.issuer.write().unwrap_or_else(PoisonError::into_inner) = format!("http://{}", server.address());
        Ok(Idp { server, shared })
    }

    /// Starts it with a people file. Clients are given here, or put at `/_standin/clients` while it runs.
    pub fn open(listen: SocketAddr, file: &Path, clients: Vec<Client>) -> anyhow::Result<Idp> {
        let text = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        let people = serde_json::from_slice(&text).with_context(|| format!("{} is no people file", file.display()))?;
        Idp::start(listen, people, clients)
    }

    /// The issuer, for example `http://127.0.0.1:41235`.
    pub fn issuer(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// The `sub` a person has in this provider's tokens (and the `externalId` its pushes send).
    pub fn subject(&self, username: &str) -> Option<String> {
        self.shared.person(username).map(|person| subject(&person.username))
    }

    /// Replaces a client's callback addresses, for a service whose port is known only once it runs.
    pub fn set_callback(&self, client: &str, redirects: Vec<String>) {
        let mut clients = self.shared.clients.write().unwrap_or_else(PoisonError::into_inner);
        for known in clients.iter_mut().filter(|known| known.id == client) {
            known.redirects.clone_from(&redirects);
        }
    }
}

/// What the requests share.
struct Shared {
    issuer: RwLock<String>,
    people: Vec<Person>,
    clients: RwLock<Vec<Client>>,
    key: key::Key,
    clock: Clock,
    forms: Mutex<HashMap<String, Expiring<authorize::Request>>>,
    codes: Mutex<HashMap<String, Expiring<token::Grant>>>,
    /// Access tokens, to the person and the scopes they open.
    tokens: Mutex<HashMap<String, Expiring<token::Access>>>,
}

/// Something that is worth nothing after a moment.
struct Expiring<T> {
    until: Moment,
    thing: T,
}

impl Shared {
    fn new(people: Vec<Person>, clients: Vec<Client>, clock: Clock) -> anyhow::Result<Shared> {
        Ok(Shared {
            issuer: RwLock::default(),
            people,
            clients: RwLock::new(clients),
            key: key::Key::new()?,
            clock,
            forms: Mutex::default(),
            codes: Mutex::default(),
            tokens: Mutex::default(),
        })
    }

    fn issuer(&self) -> String {
        self.issuer.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn person(&self, username: &str) -> Option<&Person> {
        let username = username.trim().to_lowercase();
        self.people.iter().find(|person| person.username.to_lowercase() == username)
    }

    fn client(&self, id: &str) -> Option<Client> {
        let clients = self.clients.read().unwrap_or_else(PoisonError::into_inner);
        clients.iter().find(|client| client.id == id).cloned()
    }

    /// Keeps something for a time under a new random name.
    fn keep<T>(&self, kept: &Mutex<HashMap<String, Expiring<T>>>, thing: T, for_ms: i64) -> String {
        let now = self.clock.now();
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_MAX {
            kept.retain(|_, one| one.until > now);
        }
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        let name = random();
        kept.insert(name.clone(), Expiring { until: now.plus_ms(for_ms), thing });
        name
    }

    /// Answers one request.
    fn serve(&self, call: &Call) -> Reply {
        match (call.method.as_str(), call.path.as_str()) {
            ("GET", "/.well-known/openid-configuration") => Reply::json(200, &self.discovery()),
            ("GET", "/jwks") => Reply::json(200, &self.key.jwks()),
            ("GET" | "POST", "/authorize") => self.authorize(call),
            ("POST", "/sign-in") => self.sign_in(call),
            ("POST", "/token") => self.token(call),
            ("GET" | "POST", "/userinfo") => self.userinfo(call),
            ("GET" | "POST", "/end_session") => self.end_session(call),
            ("PUT", "/_standin/clients") => self.put_clients(call),
            ("GET", "/") => Reply::html(200, form::notice("Stand-in identity provider", "It is running.")),
            (_, "/token" | "/sign-in" | "/authorize" | "/userinfo" | "/end_session" | "/jwks") => {
                Reply::json(405, &json!({"error": "invalid_request"}))
            }
            _ => Reply::html(404, form::notice("Not here", "The provider has nothing at this address.")),
        }
    }

    /// Whoever directs the stand-in registers its clients: `[{"id", "secret", "redirects"}]` in place of all there were.
    fn put_clients(&self, call: &Call) -> Reply {
        match serde_json::from_slice(&call.body) {
            Ok(clients) => {
                *self.clients.write().unwrap_or_else(PoisonError::into_inner) = clients;
                Reply::json(200, &json!({"done": true}))
            }
            Err(error) => Reply::json(400, &json!({"error": error.to_string()})),
        }
    }

    /// OpenID Connect Discovery 1.0 §3.
    fn discovery(&self) -> serde_json::Value {
        let issuer = self.issuer();
        json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "userinfo_endpoint": format!("{issuer}/userinfo"),
            "jwks_uri": format!("{issuer}/jwks"),
            "end_session_endpoint": format!("{issuer}/end_session"),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "scopes_supported": ["openid", "profile", "email", "groups"],
            "claims_supported": ["sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "sid", "name",
                                 "preferred_username", "email", "email_verified", "groups"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": true,
            "request_parameter_supported": false,
            "request_uri_parameter_supported": false,
        })
    }

    /// OpenID Connect RP-Initiated Logout 1.0: back to the client where it proves who it is, else a plain notice.
    fn end_session(&self, call: &Call) -> Reply {
        let asked = |name: &str| call.parameter(name).or_else(|| call.field(name));
        let hinted = asked("id_token_hint").and_then(|hint| self.key.audience(&hint));
        let client = hinted.or_else(|| asked("client_id")).and_then(|id| self.client(&id));
        let back = asked("post_logout_redirect_uri").and_then(|to| url::Url::parse(&to).ok());
        if let (Some(client), Some(mut back)) = (client, back) {
            // A place is known where it is on the origin of one of the client's callbacks.
            let is_known = client
                .redirects
                .iter()
                .filter_map(|redirect| url::Url::parse(redirect).ok())
                .any(|redirect| redirect.origin() == back.origin());
            if is_known {
                if let Some(state) = asked("state") {
                    back.query_pairs_mut().append_pair("state", &state);
                }
                return Reply::see_other(back.as_str());
            }
        }
        Reply::html(200, form::notice("Signed out", "You are signed out at the provider."))
    }
}

/// A person's name in tokens: opaque, and the same at every start.
fn subject(username: &str) -> String {
    let digest = sha2::Sha256::digest(format!("sotto stand-in subject\n{}", username.to_lowercase()));
    hex::encode(&digest[..16])
}

/// 256 random bits as text.
fn random() -> String {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).expect("the operating system has random numbers: without them we must stop");
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests;
