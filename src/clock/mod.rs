//! The time, as a value a test can hold still.
//!
//! Uses: nothing of ours. The only file in the house that reads the system's clock. Begin at [`Clock`].

mod schedule;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

pub use self::schedule::{Cron, Zone};

/// A moment: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Moment(i64);

impl Moment {
    /// Makes a moment from milliseconds since the Unix epoch.
    pub const fn from_ms(ms: i64) -> Moment {
        Moment(ms)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn ms(self) -> i64 {
        self.0
    }

    /// Reads RFC 3339 text, for example `2026-11-24T09:00:00.000+01:00`; `None` where it is not that.
    pub fn parse(text: &str) -> Option<Moment> {
        text.parse::<jiff::Timestamp>().ok().map(|at| Moment(at.as_millisecond()))
    }

    /// Writes RFC 3339 in UTC with milliseconds, for example `2026-11-24T08:00:00.000Z`.
    pub fn rfc3339(self) -> String {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(at) => format!("{at:.3}"),
            // Out of the calendar's range: only a damaged record has such a moment, and its text must still be one.
            Err(_) => "1970-01-01T00:00:00.000Z".to_owned(),
        }
    }

    /// This moment, so many milliseconds later (earlier, where negative); stops at the ends of the range.
    pub const fn plus_ms(self, ms: i64) -> Moment {
        Moment(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this moment; negative where `earlier` is later.
    pub const fn since(self, earlier: Moment) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Where moments come from: the machine, or a test's hand.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// A clock that moves only when told to.
    Held(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `at` until it is moved.
    pub fn held(at: Moment) -> Clock {
        Clock::Held(Arc::new(AtomicI64::new(at.ms())))
    }

    /// The moment now.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the system's clock")]
    pub fn now(&self) -> Moment {
        match self {
            Clock::System => {
                let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
                // A machine set before 1970 is treated as 1970: nothing in the house may underflow on it.
                Moment(since.map(|d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX)).unwrap_or(0))
            }
            Clock::Held(ms) => Moment(ms.load(Ordering::SeqCst)),
        }
    }

    /// Moves a held clock on by `ms`; a system clock is left alone.
    pub fn advance(&self, ms: i64) {
        if let Clock::Held(at) = self {
            at.fetch_add(ms, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_in_utc_and_read_back() {
        let moment = Moment::parse("2026-11-24T09:00:00.250+01:00").unwrap();

        assert_eq!(moment.rfc3339(), "2026-11-24T08:00:00.250Z");
        assert_eq!(Moment::parse(&moment.rfc3339()), Some(moment));
    }

    #[test]
    fn a_held_clock_moves_only_when_told() {
        let clock = Clock::held(Moment::from_ms(1_000));

        clock.advance(500);

        assert_eq!(clock.now(), Moment::from_ms(1_500));
    }
}
