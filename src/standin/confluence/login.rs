//! Who calls: a personal access token, a password, or a browser that signed in at the stand-in's own form.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use serde_json::json;

use super::flavour::Flavour;
use super::site::{Site, User};
use crate::clock::Moment;
use crate::standin::server::{Call, Reply};

/// The cookie of a browser that signed in.
pub(super) const COOKIE: &str = "JSESSIONID";
/// Browsers that may be signed in at once; the stand-in forgets them all when there are more.
const BROWSERS_MAX: usize = 1_000;

/// Browsers that are signed in: cookie to user name.
#[derive(Default)]
pub(super) struct Logins(Mutex<HashMap<String, String>>);

impl Logins {
    /// The caller: `None` for an anonymous visitor, an error reply for one who is turned away at the gate.
    pub fn caller<'a>(
        &self,
        flavour: Flavour,
        site: &'a Site,
        call: &Call,
        now: Moment,
    ) -> Result<Option<&'a User>, Reply> {
        let Some(header) = call.header("authorization") else {
            let known = call.cookie(COOKIE).and_then(|cookie| {
                let logins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                logins.get(cookie).cloned()
            });
            return Ok(known.and_then(|name| site.user(&name)).filter(|user| user.active));
        };
        let (scheme, secret) = header.split_once(' ').unwrap_or((header, ""));
        if flavour == Flavour::Cloud {
            // An e-mail address and an API token; there are neither passwords nor bare tokens.
            let pair = basic(secret).filter(|_| scheme.eq_ignore_ascii_case("basic"));
            let found = pair.and_then(|(email, token)| {
                owner(site, &token, now).filter(|user| user.email.eq_ignore_ascii_case(&email))
            });
            return found.map(Some).ok_or_else(unauthorised);
        }
        if scheme.eq_ignore_ascii_case("bearer") {
            // CONFSERVER-98199: a wrong or expired token is no refusal; the call goes on as the anonymous visitor's.
            return Ok(owner(site, secret.trim(), now));
        }
        let found = basic(secret).and_then(|(name, password)| by_password(site, &name, &password));
        match found {
            Some(user) => Ok(Some(user)),
            None => Err(unauthorised().with("x-seraph-loginreason", "AUTHENTICATED_FAILED")),
        }
    }

    /// Signs a browser in; the value of its cookie.
    pub fn sign_in(&self, user: &User) -> String {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).expect("the operating system has random numbers: without them we must stop");
        let cookie = hex::encode(bytes);
        let mut logins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if logins.len() >= BROWSERS_MAX {
            logins.clear();
        }
        logins.insert(cookie.clone(), user.username.clone());
        cookie
    }
}

/// The active user with this name and password.
pub(super) fn by_password<'a>(site: &'a Site, name: &str, password: &str) -> Option<&'a User> {
    site.user(name).filter(|user| user.active && !user.password.is_empty() && user.password == password)
}

/// The active user whose token this is.
fn owner<'a>(site: &'a Site, secret: &str, now: Moment) -> Option<&'a User> {
    let holds = |user: &&User| {
        user.tokens.iter().any(|token| {
            // An expiry that cannot be read is one that has passed.
            let lives = token.expires.as_ref().is_none_or(|at| Moment::parse(at).is_some_and(|at| at > now));
            token.token == secret && lives
        })
    };
    site.spec.users.iter().filter(|user| user.active).find(holds)
}

fn basic(secret: &str) -> Option<(String, String)> {
    let decoded = base64::engine::general_purpose::STANDARD.decode(secret.trim()).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    text.split_once(':').map(|(name, password)| (name.to_owned(), password.to_owned()))
}

/// The answer to a caller without valid credentials where there is no anonymous access.
pub(super) fn unauthorised() -> Reply {
    Reply::json(401, &json!({"statusCode": 401, "message": "Client must be authenticated to access this resource.", "reason": "Unauthorized"}))
        .with("www-authenticate", "Basic realm=\"Confluence (stand-in)\"")
}
