//! Questions to Confluence and their answers: authentication, paging and its traps, and what a failure means.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use serde::de::DeserializeOwned;
use url::Url;
use url::form_urlencoded::byte_serialize;

use super::super::{Failure, Product, Secret, Settings};
use super::wire::{Rows, User};
use crate::outbound::{self, Outbound, Request, Response};

/// Times that an answer which must be a passing fault of the server (500, 400 in the middle of a listing) is asked again.
const AGAIN_MAX: u32 = 2;

/// The wait before it is asked again.
const AGAIN_WAIT: Duration = Duration::from_millis(250);

/// Rows asked for at once are halved down to this when the server breaks under them.
const ROWS_MIN: usize = 5;

/// Times that a listing goes back because rows moved up under it.
const AGAIN_ROWS_MAX: u32 = 100;

/// Pages of one listing; one that goes on longer goes round in circles.
const PAGES_MAX: usize = 100_000;

/// Speaks to one Confluence.
pub(super) struct Client {
    outbound: Outbound,
    /// The base address without a slash at its end.
    base: String,
    /// Where people open pages, where that is another address.
    opened_at: Option<String>,
    authorization: String,
    /// An administrator of Cloud reads what is restricted by a key that says so.
    has_admin_key: bool,
    pace: Pace,
    /// Confluence asks for a CAPTCHA: each further request would only make that last.
    is_locked_out: AtomicBool,
    /// Keys of users by their login names, as far as they were asked for.
    keys: Mutex<HashMap<String, Option<Box<str>>>>,
}

/// Why there is no answer. It never carries an answer's text: that may quote a page.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// Nothing came back.
    #[error(transparent)]
    Outbound(#[from] outbound::Error),
    /// A status that is no answer to the question; whether Confluence asks for a CAPTCHA.
    #[error("Confluence answered with status {0}")]
    Status(u16, bool),
    /// A web page where data was expected.
    #[error("a web page came back: a login, a proxy or a switched-off interface")]
    WebPage,
    /// Data that is not of its shape, or broken off.
    #[error("what came back is not what Confluence answers")]
    Garbage,
    /// A remote procedure call that was refused.
    #[error("Confluence refuses to tell it to the crawler's user")]
    Refused,
    /// A listing that does not end.
    #[error("the listing goes round in circles")]
    Circle,
}

impl Trouble {
    /// Whether the resource is not there, rather than closed or broken.
    pub(super) fn is_absent(&self) -> bool {
        matches!(self, Trouble::Status(404 | 405 | 410 | 501, _))
    }

    /// For an administrator: what happened to `what`, and what to do.
    pub(super) fn failure(&self, what: &str) -> Failure {
        let (code, remedy) = match self {
            Trouble::Outbound(outbound::Error::NotAllowed(_)) => {
                ("not_allowed", "if Confluence may send us there, add that address to the source's hosts")
            }
            Trouble::Outbound(outbound::Error::Untrusted(_)) => {
                ("untrusted", "add the root certificate of Confluence to [outbound] roots")
            }
            Trouble::Outbound(outbound::Error::TooLarge(..)) => {
                ("too_large", "raise [outbound] answer_bytes_max, or make the page smaller")
            }
            Trouble::Outbound(
                outbound::Error::Unreachable(..) | outbound::Error::Roots(..) | outbound::Error::Proxy(..),
            ) => ("unreachable", "look whether Confluence runs and can be reached from this machine"),
            Trouble::Status(401 | 403, true) => {
                ("captcha", "sign in to Confluence once in a browser as the crawler's user to answer the CAPTCHA")
            }
            Trouble::Status(401, false) => ("unauthorised", "renew the token or the password of the crawler's user"),
            Trouble::Status(403, false) => ("forbidden", "give the crawler's user the right to view this"),
            Trouble::Status(404, _) => ("not_found", "let the crawler's user view it; if it was deleted, sync again"),
            Trouble::Status(429, _) => {
                ("rate_limited", "exempt the crawler's user from rate limits, or sync less often")
            }
            Trouble::Status(500.., _) => {
                ("server_error", "look into Confluence's log; permissions need a Confluence administrator's account")
            }
            Trouble::Status(..) => ("refused", "look into Confluence's log for why it refused the request"),
            Trouble::WebPage => {
                ("web_page", "look whether a login page or a proxy stands before Confluence's REST API")
            }
            Trouble::Refused => ("refused", "make the crawler's user an administrator of Confluence"),
            Trouble::Garbage => ("garbage", "look whether a proxy cuts or changes Confluence's answers"),
            Trouble::Circle => ("circle", "sync again; if it stays, report the version of Confluence"),
        };
        Failure { what: what.to_owned(), code: code.to_owned(), cause: self.to_string(), remedy: remedy.to_owned() }
    }
}

impl Client {
    /// From settings: the credential is read from its file now. The error says what is wrong with them.
    pub(super) fn open(settings: &Settings, outbound: &outbound::Settings) -> Result<Client, String> {
        let basic = |secret: String| {
            let pair = format!("{}:{secret}", settings.user);
            format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
        };
        let is_cloud = settings.kind == Product::ConfluenceCloud;
        if settings.has_secret(Secret::Token) && settings.has_secret(Secret::Password) {
            return Err("give a token or a password, not both".to_owned());
        }
        let authorization = match (settings.secret(Secret::Token)?, settings.secret(Secret::Password)?) {
            // Cloud takes an API token in the place of the password, beside the account's e-mail address.
            (Some(token), _) if is_cloud => basic(token),
            (None, Some(_)) if is_cloud => {
                return Err("Confluence Cloud takes no passwords; give an API token".to_owned());
            }
            (Some(token), _) => format!("Bearer {token}"),
            (None, Some(password)) => basic(password),
            (None, None) => return Err("a token (or user and password) is missing".to_owned()),
        };
        if settings.url.scheme() == "about" {
            return Err("url, its address, is missing".to_owned());
        }
        if !matches!(settings.url.scheme(), "http" | "https") || settings.url.host_str().is_none() {
            return Err(format!("{} is no http or https address", settings.url));
        }
        let origins: Vec<Url> = [&settings.url].into_iter().chain(&settings.hosts).cloned().collect();
        let mut own = outbound.clone();
        own.roots.extend(settings.roots.iter().cloned());
        own.proxy = settings.proxy.clone().or(own.proxy);
        let outbound = Outbound::open(&own, &origins).map_err(|error| error.to_string())?;
        let mut base = settings.url.clone();
        base.set_query(None);
        base.set_fragment(None);
        Ok(Client {
            outbound,
            base: base.as_str().trim_end_matches('/').to_owned(),
            opened_at: settings.pages_url.as_ref().map(|url| url.as_str().trim_end_matches('/').to_owned()),
            authorization,
            has_admin_key: settings.admin_key,
            pace: Pace::of(settings.requests_per_second),
            is_locked_out: AtomicBool::new(false),
            keys: Mutex::default(),
        })
    }

    /// The address of something below the base, for a person to open; `None` where it leads elsewhere.
    pub(super) fn address(&self, path: &str) -> Option<String> {
        let url = self.url(path).ok()?;
        match &self.opened_at {
            Some(base) => Some(format!("{base}{}", url.as_str().strip_prefix(&self.base)?)),
            None => Some(url.into()),
        }
    }

    fn url(&self, path: &str) -> Result<Url, Trouble> {
        // Always below our base: a path from an answer must not be able to name another host (`//host/…`).
        let url =
            Url::parse(&format!("{}/{}", self.base, path.trim_start_matches('/'))).map_err(|_| Trouble::Garbage)?;
        if url.as_str().starts_with(&self.base) { Ok(url) } else { Err(Trouble::Garbage) }
    }

    fn request(&self, method: &'static str, path: &str, accept: &str, body: Vec<u8>) -> Result<Request, Trouble> {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut headers = vec![header("authorization", &self.authorization), header("accept", accept)];
        if self.has_admin_key {
            headers.push(header("atl-confluence-with-admin-key", "true"));
        }
        if !body.is_empty() {
            headers.push(header("content-type", "application/json"));
        }
        Ok(Request { method, url: self.url(path)?, headers, body })
    }

    fn ask(&self, request: &Request) -> Result<Response, Trouble> {
        if self.is_locked_out.load(Ordering::Relaxed) {
            return Err(Trouble::Status(403, true));
        }
        let mut again = 0;
        loop {
            self.pace.wait();
            let response = self.outbound.send(request)?;
            match response.status {
                200..=299 => return Ok(response),
                // Data Center answers 400 now and then in the middle of a listing that is well asked.
                500 | 400 if again < AGAIN_MAX && request.method == "GET" => again += 1,
                status => {
                    let is_captcha = is_captcha(&response);
                    self.is_locked_out.fetch_or(is_captcha, Ordering::Relaxed);
                    return Err(Trouble::Status(status, is_captcha));
                }
            }
            std::thread::sleep(AGAIN_WAIT);
        }
    }

    /// One answer.
    pub(super) fn read<T: DeserializeOwned>(&self, path: &str) -> Result<T, Trouble> {
        answer(&self.ask(&self.request("GET", path, "application/json", Vec::new())?)?)
    }

    /// An answer that is no JSON.
    pub(super) fn text(&self, path: &str) -> Result<String, Trouble> {
        let response = self.ask(&self.request("GET", path, "*/*", Vec::new())?)?;
        String::from_utf8(response.body).map_err(|_| Trouble::Garbage)
    }

    /// The answer to a question that is posted.
    pub(super) fn call<T: DeserializeOwned>(&self, path: &str, body: &serde_json::Value) -> Result<T, Trouble> {
        answer(&self.ask(&self.request("POST", path, "application/json", body.to_string().into_bytes())?)?)
    }

    /// The key of a user by login name; `None` where there is no such user, or one without a key.
    pub(super) fn account_of(&self, name: &str) -> Result<Option<Box<str>>, Trouble> {
        let keys = || self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = keys().get(name) {
            return Ok(key.clone());
        }
        let key = match self.read::<User>(&format!("/rest/api/user?username={}", encoded(name))) {
            Ok(user) => user.user_key.filter(|key| !key.is_empty()).map(Box::from),
            Err(trouble) if trouble.is_absent() => None,
            Err(trouble) => return Err(trouble),
        };
        keys().insert(name.to_owned(), key.clone());
        Ok(key)
    }

    /// A file's bytes. `is_page` where a web page is what is wanted.
    pub(super) fn download(&self, path: &str, wanted: Wanted) -> Result<Vec<u8>, Trouble> {
        let response = self.ask(&self.request("GET", path, "*/*", Vec::new())?)?;
        if wanted == Wanted::Data && is_web_page(&response) {
            return Err(Trouble::WebPage);
        }
        Ok(response.body)
    }

    /// All rows of a listing that pages by `start`. `path` has its query, without `start` and `limit`. `each` is given the
    /// rows of each page and says how many of them it had not met before.
    pub(super) fn rows<T: DeserializeOwned>(
        &self,
        path: &str,
        limit: usize,
        each: &mut dyn FnMut(Vec<T>) -> usize,
    ) -> Result<(), Trouble> {
        match self.rows_but_bad(path, limit, each)? {
            0 => Ok(()),
            _ => Err(Trouble::Status(500, false)),
        }
    }

    /// The same, without rows that the server breaks under; gives how many those are.
    ///
    /// Data Center cuts a page without a word, and its `next` advances by what was asked for, not by what was served. So the
    /// next page begins where the served one ended, and the listing ends where there is no `next`, or nothing new. It begins
    /// with the last row of the page before: what was deleted meanwhile moves rows up, and a page that does not join the one
    /// before has lost some between them.
    pub(super) fn rows_but_bad<T: DeserializeOwned>(
        &self,
        path: &str,
        most: usize,
        each: &mut dyn FnMut(Vec<T>) -> usize,
    ) -> Result<usize, Trouble> {
        let (mut start, mut limit, mut bad) = (0, most, 0);
        let (mut is_joined, mut again, mut furthest) = (false, 0, 0);
        for _ in 0..PAGES_MAX {
            let at = |start: usize, limit: usize| format!("{path}&start={start}&limit={limit}");
            let page: Result<Rows<T>, Trouble> = self.shrinking(&mut limit, |limit| at(start, limit));
            let Rows { results, links } = match page {
                Err(Trouble::Status(500, _)) => {
                    // One row is bad, and the others of this window are had one by one. Where all are, the server is.
                    let mut broken = 0;
                    for place in start..start + ROWS_MIN {
                        match self.read::<Rows<T>>(&at(place, 1)) {
                            Ok(row) => drop(each(row.results)),
                            Err(Trouble::Status(500, _)) if broken + 1 < ROWS_MIN => broken += 1,
                            Err(trouble) => return Err(trouble),
                        }
                    }
                    (bad, start, limit, is_joined) = (bad + broken, start + ROWS_MIN, most, false);
                    continue;
                }
                page => page?,
            };
            let (served, asked) = (results.len(), start);
            let new = if results.is_empty() { 0 } else { each(results) };
            if is_joined && new > 0 && new == served && again < AGAIN_ROWS_MAX {
                (start, is_joined, again) = (asked.saturating_sub(limit), false, again + 1);
                continue;
            }
            // Of a page that is read once more, nothing need be new.
            let is_again = asked + 1 < furthest;
            if served == 0 || links.next.is_none() || (new == 0 && !is_again) {
                return Ok(bad);
            }
            furthest = furthest.max(asked + served);
            is_joined = served > 1;
            start = asked + served - usize::from(is_joined);
            limit = most.min(limit * 2);
        }
        Err(Trouble::Circle)
    }

    /// All rows of a listing that pages by a cursor, until `each` breaks off.
    pub(super) fn scan<T: DeserializeOwned>(
        &self,
        path: &str,
        limit: usize,
        each: &mut dyn FnMut(Vec<T>) -> ControlFlow<()>,
    ) -> Result<(), Trouble> {
        let mut cursor: Option<String> = None;
        let mut met: HashSet<String> = HashSet::new();
        let mut limit = limit;
        for _ in 0..PAGES_MAX {
            let at = cursor.as_deref().map(|cursor| format!("&cursor={}", encoded(cursor))).unwrap_or_default();
            let page = self.shrinking(&mut limit, |limit| format!("{path}&limit={limit}{at}"))?;
            let Rows { results, links } = page;
            if each(results).is_break() {
                return Ok(());
            }
            // Only the cursor is taken from the link: the rest of it could lead anywhere.
            match links.next.as_deref().map(cursor_of) {
                None => return Ok(()),
                Some(None) => return Err(Trouble::Garbage),
                Some(Some(next)) if !met.insert(next.clone()) => return Err(Trouble::Circle),
                Some(next) => cursor = next,
            }
        }
        Err(Trouble::Circle)
    }

    /// One page of rows; where the server breaks under it, a smaller one.
    fn shrinking<T: DeserializeOwned>(
        &self,
        limit: &mut usize,
        path: impl Fn(usize) -> String,
    ) -> Result<Rows<T>, Trouble> {
        loop {
            match self.read(&path(*limit)) {
                Err(Trouble::Status(500..=599, _)) if *limit > ROWS_MIN => *limit = (*limit / 2).max(ROWS_MIN),
                answer => return answer,
            }
        }
    }
}

/// How often Confluence is asked at most, by all threads together.
struct Pace {
    /// Between two requests.
    gap: Duration,
    /// When the next one may go.
    next: Mutex<Option<Instant>>,
}

impl Pace {
    fn of(per_second: u32) -> Pace {
        let gap = if per_second == 0 { Duration::ZERO } else { Duration::from_secs(1) / per_second };
        Pace { gap, next: Mutex::new(None) }
    }

    /// Waits until this request's turn.
    fn wait(&self) {
        if self.gap.is_zero() {
            return;
        }
        let now = Instant::now();
        let turn = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let turn = next.map_or(now, |next| next.max(now));
            *next = Some(turn + self.gap);
            turn
        };
        std::thread::sleep(turn - now);
    }
}

/// What a download is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// A web page that somebody attached.
    WebPage,
    /// Anything else: a web page in its place is a login or a proxy.
    Data,
}

/// A text as part of an address.
pub(super) fn encoded(text: &str) -> String {
    // `+` for a space is right in a query only; `%20` is right everywhere.
    byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

fn cursor_of(next: &str) -> Option<String> {
    let query = next.split_once('?')?.1;
    url::form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "cursor")
        .map(|(_, value)| value.into_owned())
}

fn answer<T: DeserializeOwned>(response: &Response) -> Result<T, Trouble> {
    if is_web_page(response) {
        return Err(Trouble::WebPage);
    }
    serde_json::from_slice(&response.body).map_err(|_| Trouble::Garbage)
}

fn is_web_page(response: &Response) -> bool {
    response.header("content-type").is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with("text/html"))
}

/// Confluence refuses even a good password until somebody answers a CAPTCHA; asking again only makes it last.
fn is_captcha(response: &Response) -> bool {
    response.header("x-seraph-loginreason").is_some_and(|reason| reason.contains("AUTHENTICATION_DENIED"))
}
