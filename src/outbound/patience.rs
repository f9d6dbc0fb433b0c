//! How long to wait before a request is tried again.

use std::time::Duration;

use super::Response;

/// The longest wait we choose ourselves.
const CHOSEN_MAX: Duration = Duration::from_secs(10);

/// The first wait we choose ourselves; it doubles with each attempt.
const CHOSEN_FIRST: Duration = Duration::from_millis(200);

/// Whether a status says that the next attempt may succeed.
pub(super) fn is_passing(status: u16) -> bool {
    matches!(status, 429 | 502 | 503 | 504)
}

/// What the peer asks for (RFC 9110 §10.2.3), at most `most`, and never less than our own backoff. An uncapped `Retry-After` has
/// frozen other crawlers for days.
pub(super) fn wait(response: &Response, tried: u32, most: Duration) -> Duration {
    let asked = response.header("retry-after").and_then(|text| asked(text, response.header("date")));
    asked.map_or(Duration::ZERO, |asked| asked.min(most)).max(backoff(tried))
}

/// Our own wait: doubling, capped, and spread so that several clients do not return at the same moment.
pub(super) fn backoff(tried: u32) -> Duration {
    let whole = CHOSEN_FIRST.saturating_mul(1 << tried.min(16)).min(CHOSEN_MAX);
    let spread = getrandom::u32().map_or(1.0, |random| f64::from(random) / f64::from(u32::MAX));
    whole.mul_f64(0.5 + spread / 2.0)
}

/// Reads `Retry-After`: seconds, or an HTTP date, which is counted from the peer's own `Date`, so that a difference between
/// the clocks does not matter.
fn asked(text: &str, date: Option<&str>) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let (until, from) = (http_date(text)?, http_date(date?)?);
    Some(Duration::from_secs(u64::try_from(until.saturating_sub(from)).unwrap_or(0)))
}

/// Seconds since the Unix epoch of an IMF-fixdate (RFC 9110 §5.6.7), for example `Sun, 06 Nov 1994 08:49:37 GMT`. The two
/// obsolete forms are not read: what is not understood leaves our own wait.
fn http_date(text: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (_, date) = text.trim().split_once(", ")?;
    let [day, month, year, time, "GMT"] = date.split(' ').collect::<Vec<_>>()[..] else { return None };
    let month = MONTHS.iter().position(|name| *name == month)?;
    let (day, year) =
        (day.parse::<i64>().ok()?, year.parse::<i64>().ok().filter(|year| (1970..10_000).contains(year))?);
    let time: Vec<i64> = time.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let [hours, minutes, seconds] = time[..] else { return None };
    // Years counted from March, so that the leap day is the last of its year: 153 days are five such months.
    let (year, months) = if month < 2 { (year - 1, month + 10) } else { (year, month - 2) };
    let days_of_year = (153 * i64::try_from(months).ok()? + 2) / 5 + day - 1;
    let days = 365 * year + year / 4 - year / 100 + year / 400 + days_of_year - 719_468;
    Some(days * 86_400 + hours * 3_600 + minutes * 60 + seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn response(headers: &[(&str, &str)]) -> Response {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Response { status: 429, headers, body: Vec::new() }
    }

    #[test]
    fn seconds_are_obeyed_up_to_a_minute() {
        assert_eq!(wait(&response(&[("retry-after", "2")]), 0, MINUTE), Duration::from_secs(2));
        assert_eq!(wait(&response(&[("retry-after", "100000")]), 0, MINUTE), Duration::from_secs(60));
        assert_eq!(wait(&response(&[("retry-after", "99999999999999999999")]), 20, MINUTE).max(CHOSEN_MAX), CHOSEN_MAX);
    }

    #[test]
    fn an_http_date_is_read() {
        assert_eq!(http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(http_date("Thu, 29 Feb 2024 00:00:00 GMT"), Some(1_709_164_800));
        assert_eq!(http_date("Sunday, 06-Nov-94 08:49:37 GMT"), None);
    }

    #[test]
    fn a_date_counts_from_the_peers_own_clock() {
        let headers = [("retry-after", "Sun, 06 Nov 1994 08:49:40 GMT"), ("date", "Sun, 06 Nov 1994 08:49:37 GMT")];

        assert_eq!(wait(&response(&headers), 0, MINUTE), Duration::from_secs(3));
    }

    #[test]
    fn a_date_in_the_past_and_nonsense_leave_our_own_wait() {
        for text in ["Sun, 06 Nov 1994 08:49:37 GMT", "soon", "-5", "0", ""] {
            let wait = wait(&response(&[("retry-after", text), ("date", "Sun, 06 Nov 1994 09:00:00 GMT")]), 0, MINUTE);

            assert!(wait >= CHOSEN_FIRST / 2 && wait <= CHOSEN_FIRST, "{text}: {wait:?}");
        }
    }

    #[test]
    fn our_own_wait_doubles_and_stays_capped() {
        assert!(backoff(3) >= CHOSEN_FIRST * 4);
        assert!(backoff(40) <= CHOSEN_MAX);
    }
}
