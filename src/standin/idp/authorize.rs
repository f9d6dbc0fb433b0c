//! The authorization endpoint: what a client asks for, the form, and the way back with a code.

use std::sync::PoisonError;

use super::{CODE_MS, FORM_MS, Shared, form, random, token};
use crate::standin::server::{Call, Reply};

/// A checked request of a client, waiting for its person.
#[derive(Debug, Clone)]
pub(super) struct Request {
    /// The client's id.
    pub client: String,
    /// One of its registered addresses.
    pub redirect: String,
    /// What it asks for, `openid` among them.
    pub scopes: Vec<String>,
    /// Given back as it came.
    pub state: Option<String>,
    /// Written into the token.
    pub nonce: Option<String>,
    /// The S256 challenge of RFC 7636.
    pub challenge: String,
}

impl Shared {
    /// OpenID Connect Core 1.0 §3.1.2.1.
    pub(super) fn authorize(&self, call: &Call) -> Reply {
        let asked = |name: &str| {
            if call.method == "POST" { call.field(name) } else { call.parameter(name) }
        };
        let client = asked("client_id").and_then(|id| self.client(&id));
        let redirect = asked("redirect_uri");
        // RFC 6749 §4.1.2.1: without a known client and a registered address there is no way back that could be trusted.
        let Some(client) = client else {
            return Reply::html(400, form::notice("Sign-in cannot go on", "This client is not registered here."));
        };
        let Some(redirect) = redirect.filter(|redirect| client.redirects.contains(redirect)) else {
            let sentence = "The address to return to is not registered for this client.";
            return Reply::html(400, form::notice("Sign-in cannot go on", sentence));
        };
        let state = asked("state");
        let refuse = |error: &str, why: &str| {
            let mut pairs = vec![("error", error), ("error_description", why)];
            pairs.extend(state.as_deref().map(|state| ("state", state)));
            self.back(&redirect, &pairs)
        };
        let scopes: Vec<String> = asked("scope").unwrap_or_default().split_whitespace().map(str::to_owned).collect();
        let challenge = asked("code_challenge").unwrap_or_default();
        if asked("response_type").as_deref() != Some("code") {
            return refuse("unsupported_response_type", "only the code flow is offered");
        }
        if asked("request").is_some() || asked("request_uri").is_some() {
            return refuse("request_not_supported", "request objects are not read here");
        }
        if !scopes.iter().any(|scope| scope == "openid") {
            return refuse("invalid_scope", "the scope openid is missing");
        }
        // RFC 7636 §4.4.1; the length is that of a SHA-256 in base64url.
        if asked("code_challenge_method").as_deref() != Some("S256") || challenge.len() != 43 {
            return refuse("invalid_request", "PKCE with S256 is required");
        }
        if asked("prompt").is_some_and(|prompt| prompt.split_whitespace().any(|word| word == "none")) {
            return refuse("login_required", "the provider keeps no session");
        }
        let request =
            Request { client: client.id, redirect, scopes, state: state.clone(), nonce: asked("nonce"), challenge };
        let name = self.keep(&self.forms, request, FORM_MS);
        Reply::html(200, form::sign_in(&name, &self.people, ""))
    }

    /// The form comes back.
    pub(super) fn sign_in(&self, call: &Call) -> Reply {
        let name = call.field("request").unwrap_or_default();
        let now = self.clock.now();
        let waiting = {
            let forms = self.forms.lock().unwrap_or_else(PoisonError::into_inner);
            forms.get(&name).filter(|form| form.until > now).map(|form| form.thing.clone())
        };
        let Some(request) = waiting else {
            let sentence =
                "This form was used already, or waited for too long. Go back to where you came from and sign in again.";
            return Reply::html(400, form::notice("Sign-in cannot go on", sentence));
        };
        let password = call.field("password").unwrap_or_default();
        let person = self.person(&call.field("username").unwrap_or_default());
        let Some(person) = person.filter(|person| !password.is_empty() && person.password == password) else {
            let problem = "The user name or the password is not right.";
            return Reply::html(401, form::sign_in(&name, &self.people, problem));
        };
        self.forms.lock().unwrap_or_else(PoisonError::into_inner).remove(&name);
        let (redirect, state) = (request.redirect.clone(), request.state.clone());
        let grant =
            token::Grant { request, username: person.username.clone(), session: random(), at: now, redeemed: None };
        let code = self.keep(&self.codes, grant, CODE_MS);
        let mut pairs = vec![("code", code.as_str())];
        pairs.extend(state.as_deref().map(|state| ("state", state)));
        self.back(&redirect, &pairs)
    }

    /// Sends the browser back to the client, with the issuer named (RFC 9207).
    fn back(&self, redirect: &str, pairs: &[(&str, &str)]) -> Reply {
        let Ok(mut to) = url::Url::parse(redirect) else {
            return Reply::html(400, form::notice("Sign-in cannot go on", "The client's address is no URL."));
        };
        to.query_pairs_mut().extend_pairs(pairs).append_pair("iss", &self.issuer());
        Reply::see_other(to.as_str())
    }
}
