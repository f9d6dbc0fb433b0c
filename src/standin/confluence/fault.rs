//! What can be made to go wrong, each by name.

use std::io::Write as _;

use serde_json::{Value, json};

use crate::clock::Clock;
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
    RemoteApiOff,
    Websudo,
    DownloadElsewhere,
    BadRow,
    StorageBroken,
    AttachmentPaging,
    IndexLag,
    Shifting,
    Captcha,
    SelfSigned,
    HiddenMail,
    Moving,
    Gzip,
    DateGap,
}

/// Every fault: its name, what it does, and the place in `confluence.md` it stands for.
const FAULTS: [(Fault, &str, &str, &str); 23] = [
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
    (
        Fault::RateLimit,
        "rate-limit",
        "every fifth request gets 429 with Retry-After 0, 2, or a date to come or past",
        "§1.10",
    ),
    (
        Fault::RateLimitLong,
        "rate-limit-long",
        "every twentieth request gets 429 with Retry-After 100000",
        "§1.10 cap it",
    ),
    (Fault::PastEndRow, "past-end-row", "a space listing past its end still has a row", "§0 trap 4, CONFSERVER-95272"),
    (Fault::RemoteApiOff, "remote-api-off", "remote procedure calls are answered 401", "§0 trap 7, §1.5"),
    (
        Fault::Websudo,
        "websudo",
        "remote procedure calls are answered by a form for the administrator's password",
        "§0 trap 7",
    ),
    (
        Fault::DownloadElsewhere,
        "download-elsewhere",
        "attachments are kept at another origin, which refuses Confluence's credential",
        "§1.4 download; §5.1",
    ),
    (Fault::BadRow, "bad-row", "whatever holds a page titled Breaks is answered 500", "§1.4 walk one row at a time"),
    (
        Fault::StorageBroken,
        "storage-broken",
        "whatever asks for the storage format of a page titled Breaks is answered 500",
        "§3 fall back, CONFCLOUD-76433",
    ),
    (
        Fault::AttachmentPaging,
        "attachment-paging",
        "every other request for further attachments of a page is answered 400",
        "§1.4 retry, then fail the page",
    ),
    (Fault::IndexLag, "index-lag", "a search does not find content with an even id", "§1.8 CQL reads the search index"),
    (
        Fault::Shifting,
        "shifting",
        "two rows go from the head of each listing when its second page is asked for",
        "§5.1 mutation between two pages",
    ),
    (
        Fault::Captcha,
        "captcha",
        "every request is refused until somebody answers a CAPTCHA in a browser",
        "§1.2 stop at once",
    ),
    (
        Fault::SelfSigned,
        "self-signed",
        "it speaks TLS with a certificate that it signed itself; only from the start on",
        "§1.2 TLS; §5.1",
    ),
    (
        Fault::HiddenMail,
        "hidden-mail",
        "nobody's e-mail address is told, as where people hide it from everybody",
        "§1.6 CONFCLOUD-72205",
    ),
    (
        Fault::Moving,
        "moving",
        "when the second space is listed, a page titled Moves back goes to the first, and Moves on from the first to it",
        "§5.1 move; mutation between two pages",
    ),
    (Fault::Gzip, "gzip", "answers are compressed for whoever takes gzip", "§5.1 gzip"),
    (
        Fault::DateGap,
        "date-gap",
        "a search by a date in every second hour is refused with 400, as in the hour that summer time leaves out",
        "§1.8 DST",
    ),
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
        // Dates are counted from the server's own clock.
        Reply::json(429, &json!({"statusCode": 429, "message": "Rate limit exceeded"}))
            .with("retry-after", retry_after)
            .with("date", "Sun, 01 Nov 2026 08:00:00 GMT")
            .with("x-ratelimit-limit", "5")
            .with("x-ratelimit-remaining", "0")
            .with("x-ratelimit-interval-seconds", "1")
            .with("x-ratelimit-fillrate", "5")
    };
    faults.iter().find_map(|fault| match fault {
        Fault::Away => Some(Reply::of(503, "text/html", "").with("connection", "close")),
        Fault::Captcha => Some(
            Reply::json(403, &json!({"statusCode": 403, "message": "Basic Authentication Failure"}))
                .with("x-seraph-loginreason", "AUTHENTICATION_DENIED"),
        ),
        Fault::Garbage if number % 2 == 1 => {
            Some(Reply::html(200, "<!doctype html><title>Log in</title><p>Please log in.</p>".to_owned()))
        }
        Fault::RateLimit if number.is_multiple_of(5) => Some(limited(match number / 5 % 4 {
            0 => "0",
            1 => "2",
            2 => "Sun, 01 Nov 2026 08:00:01 GMT",
            // A date in the past: wait no longer.
            _ => "Sun, 01 Nov 2026 07:00:00 GMT",
        })),
        Fault::RateLimitLong if number.is_multiple_of(20) => Some(limited("100000")),
        Fault::Slow
        | Fault::Garbage
        | Fault::BrokenOff
        | Fault::RateLimit
        | Fault::RateLimitLong
        | Fault::Restriction403
        | Fault::RestrictionPaging
        | Fault::PastEndRow
        | Fault::RemoteApiOff
        | Fault::Websudo
        | Fault::DownloadElsewhere
        | Fault::BadRow
        | Fault::StorageBroken
        | Fault::AttachmentPaging
        | Fault::IndexLag
        | Fault::Shifting
        | Fault::SelfSigned
        | Fault::HiddenMail
        | Fault::Moving
        | Fault::Gzip
        | Fault::DateGap => None,
    })
}

/// What the faults do to a good answer.
pub(super) fn spoil(faults: &[Fault], number: u64, call: &Call, mut reply: Reply) -> Reply {
    for fault in faults {
        match fault {
            Fault::Slow => reply.wait_ms += SLOW_MS,
            Fault::Garbage if call.path.contains("/rest/") || call.path.contains("/api/") => {
                reply.body.truncate(reply.body.len() / 2)
            }
            Fault::BrokenOff => reply.broken_off = number.is_multiple_of(3),
            Fault::Gzip => reply = compressed(call, reply),
            Fault::DateGap if asks_for_the_gap(call) => {
                reply = Reply::json(400, &json!({"statusCode": 400, "message": "Could not parse cql"}));
            }
            Fault::BadRow if call.path.contains("/rest/") && holds_the_broken_page(&reply) => reply = broken(),
            Fault::StorageBroken if asks_for_storage(call) && holds_the_broken_page(&reply) => reply = broken(),
            Fault::AttachmentPaging => {
                let is_further = call.parameter("start").is_some_and(|start| start != "0");
                if call.path.ends_with("/child/attachment") && is_further && number.is_multiple_of(2) {
                    reply = Reply::json(400, &json!({"statusCode": 400, "message": "Bad request"}));
                }
            }
            Fault::Garbage
            | Fault::Away
            | Fault::Restriction403
            | Fault::RestrictionPaging
            | Fault::RateLimit
            | Fault::RateLimitLong
            | Fault::PastEndRow
            | Fault::RemoteApiOff
            | Fault::Websudo
            | Fault::DownloadElsewhere
            | Fault::IndexLag
            | Fault::Shifting
            | Fault::BadRow
            | Fault::StorageBroken
            | Fault::Captcha
            | Fault::SelfSigned
            | Fault::HiddenMail
            | Fault::Moving
            | Fault::DateGap => {}
        }
    }
    reply
}

/// The answer packed by gzip, where whoever asks takes that.
fn compressed(call: &Call, mut reply: Reply) -> Reply {
    if call.header("accept-encoding").is_some_and(|takes| takes.contains("gzip")) {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        let packed = packer.write_all(&reply.body).and_then(|()| packer.finish());
        reply.body = packed.expect("a list of bytes takes all that is written");
        reply = reply.with("content-encoding", "gzip");
    }
    reply
}

/// Whether a search asks for what changed since a moment in an hour that there was not: whoever looks back a day and two hours
/// from now meets one, and no other within the hour before it.
fn asks_for_the_gap(call: &Call) -> bool {
    let query = call.parameter("cql").unwrap_or_default();
    let hour_of = |text: &str| text.get(11..13).and_then(|hour| hour.parse::<u32>().ok());
    let literal = query.split_once("lastmodified >= \"").and_then(|(_, rest)| hour_of(rest));
    literal.zip(hour_of(&Clock::System.now().rfc3339())).is_some_and(|(asked, now)| asked % 2 == now % 2)
}

fn holds_the_broken_page(reply: &Reply) -> bool {
    let mark = b"\"title\":\"Breaks\"";
    reply.body.windows(mark.len()).any(|part| part == mark)
}

fn asks_for_storage(call: &Call) -> bool {
    let asked = |name: &str, what: &str| call.parameter(name).is_some_and(|asked| asked.contains(what));
    asked("expand", "body.storage") || asked("body-format", "storage")
}

fn broken() -> Reply {
    Reply::json(500, &json!({"statusCode": 500, "message": "Internal server error"}))
}
