//! What can be made to go wrong, each by name.

use serde_json::{Value, json};

use crate::standin::server::{Call, Reply};

/// Milliseconds that `slow` waits before each answer.
const SLOW_MS: u64 = 1_500;

/// A way to misbehave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Slow,
    Garbage,
    BrokenOff,
    Away,
    Restriction403,
    RestrictionPaging,
    RateLimit,
    RateLimitLong,
    PastEndRow,
}

/// Every fault: its name, what it does, and the place in `confluence.md` it stands for.
const FAULTS: [(Fault, &str, &str, &str); 9] = [
    (Fault::Slow, "slow", "every answer waits a second and a half", "§5.1 slow responses"),
    (
        Fault::Garbage,
        "garbage",
        "by turns an HTML page with status 200 and truncated JSON",
        "§1.2 treat text/html as a failure; §5.1",
    ),
    (Fault::BrokenOff, "broken-off", "every third connection is reset before the body is complete", "§5.1 resets"),
    (Fault::Away, "away", "every answer is 503 without a body that could be read", "§0 trap 10"),
    (Fault::Restriction403, "restriction-403", "the readers of a restricted page cannot be read", "§2.4 fail closed"),
    (
        Fault::RestrictionPaging,
        "restriction-paging",
        "byOperation returns the first rows again for start > 0",
        "§1.4 CONFSERVER-82460",
    ),
    (Fault::RateLimit, "rate-limit", "every fifth request gets 429 with Retry-After 0, 1 or a date", "§1.10"),
    (
        Fault::RateLimitLong,
        "rate-limit-long",
        "every twentieth request gets 429 with Retry-After 100000",
        "§1.10 cap it",
    ),
    (Fault::PastEndRow, "past-end-row", "a space listing past its end still has a row", "§0 trap 4, CONFSERVER-95272"),
];

/// Reads the names of faults; an unknown one is an error that lists those there are.
pub(super) fn parse(names: &[String]) -> anyhow::Result<Vec<Fault>> {
    let one = |name: &String| {
        let found = FAULTS.iter().find(|(_, known, _, _)| known == name).map(|(fault, ..)| *fault);
        found.ok_or_else(|| {
            let known: Vec<&str> = FAULTS.iter().map(|(_, name, _, _)| *name).collect();
            anyhow::anyhow!("there is no fault {name:?}; there are {}", known.join(", "))
        })
    };
    names.iter().map(one).collect()
}

/// The list that `GET /_standin/faults` gives.
pub(super) fn list(on: &[Fault]) -> Value {
    let one = |(fault, name, does, trap): &(Fault, &str, &str, &str)| json!({"name": name, "does": does, "trap": trap, "on": on.contains(fault)});
    Value::Array(FAULTS.iter().map(one).collect())
}

/// What the faults answer in place of the site to the request with this number (from 1); `None` where they let it pass.
pub(super) fn instead(faults: &[Fault], number: u64) -> Option<Reply> {
    let limited = |retry_after: &str| {
        Reply::json(429, &json!({"statusCode": 429, "message": "Rate limit exceeded"}))
            .with("retry-after", retry_after)
            .with("x-ratelimit-limit", "5")
            .with("x-ratelimit-remaining", "0")
            .with("x-ratelimit-interval-seconds", "1")
            .with("x-ratelimit-fillrate", "5")
    };
    faults.iter().find_map(|fault| match fault {
        Fault::Away => Some(Reply::of(503, "text/html", "").with("connection", "close")),
        Fault::Garbage if number % 2 == 1 => {
            Some(Reply::html(200, "<!doctype html><title>Log in</title><p>Please log in.</p>".to_owned()))
        }
        Fault::RateLimit if number.is_multiple_of(5) => Some(limited(match number / 5 % 3 {
            0 => "0",
            1 => "1",
            // A date in the past: wait no longer.
            _ => "Sun, 01 Nov 2026 08:00:00 GMT",
        })),
        Fault::RateLimitLong if number.is_multiple_of(20) => Some(limited("100000")),
        Fault::Slow
        | Fault::Garbage
        | Fault::BrokenOff
        | Fault::RateLimit
        | Fault::RateLimitLong
        | Fault::Restriction403
        | Fault::RestrictionPaging
        | Fault::PastEndRow => None,
    })
}

/// What the faults do to a good answer.
pub(super) fn spoil(faults: &[Fault], number: u64, call: &Call, mut reply: Reply) -> Reply {
    for fault in faults {
        match fault {
            Fault::Slow => reply.wait_ms += SLOW_MS,
            Fault::Garbage if call.path.contains("/rest/") => reply.body.truncate(reply.body.len() / 2),
            Fault::BrokenOff => reply.broken_off = number.is_multiple_of(3),
            Fault::Garbage
            | Fault::Away
            | Fault::Restriction403
            | Fault::RestrictionPaging
            | Fault::RateLimit
            | Fault::RateLimitLong
            | Fault::PastEndRow => {}
        }
    }
    reply
}
