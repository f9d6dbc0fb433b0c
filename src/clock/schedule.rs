//! Moments that come again: a cron expression, read on the clocks of a time zone.

use std::cmp::Ordering;

use croner::errors::CronError;
use croner::parser::{CronParser, Seconds};
use croner::{CivilDateTime, CronDateTime, Resolution, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp, ZonedDateTime};

use super::Moment;

/// A cron expression of five fields, or one of `@hourly`, `@daily`, `@weekly`, `@monthly`.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cron {
    written: String,
    made: Box<croner::Cron>,
}

impl Cron {
    /// Reads an expression; the error says what is wrong with it. One that never comes is refused too.
    pub fn parse(written: &str) -> Result<Cron, String> {
        let parser = CronParser::builder().seconds(Seconds::Disallowed).build();
        let made = parser.parse(written).map_err(|error| format!("{written:?} is no cron expression: {error}"))?;
        let cron = Cron { written: written.to_owned(), made: Box::new(made) };
        // Any moment will do: what comes at all comes within the years that are searched.
        match cron.next_after(Moment::from_ms(0), &Zone::utc()) {
            Some(_) => Ok(cron),
            None => Err(format!("{written:?} never comes")),
        }
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// It in English words, for example `At 03:00, only on Sunday`.
    pub fn in_words(&self) -> String {
        self.made.describe().trim_end_matches('.').to_owned()
    }

    /// The first moment that it names after this one, on the clocks of a zone.
    pub fn next_after(&self, moment: Moment, zone: &Zone) -> Option<Moment> {
        let at = Timestamp::from_millisecond(moment.ms()).ok()?;
        let next = self.made.find_next_occurrence(&Local(at.to_zoned_datetime(zone.0.clone())), false).ok()?;
        Some(Moment::from_ms(next.0.timestamp().as_millisecond()))
    }
}

impl TryFrom<String> for Cron {
    type Error = String;
    fn try_from(written: String) -> Result<Cron, String> {
        Cron::parse(&written)
    }
}

impl From<Cron> for String {
    fn from(cron: Cron) -> String {
        cron.written
    }
}

/// A time zone, by its name in the tz database.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone(TimeZone);

impl Zone {
    /// Universal time.
    pub fn utc() -> Zone {
        Zone(TimeZone::UTC)
    }

    /// Finds a zone by its name, for example `Europe/Berlin`, in the machine's own database.
    pub fn parse(name: &str) -> Result<Zone, String> {
        if name == "UTC" {
            return Ok(Zone::utc());
        }
        TimeZone::get(name).map(Zone).map_err(|_| {
            format!("{name:?} is no time zone that this machine knows (package tzdata); \"UTC\" is always known")
        })
    }
}

impl Zone {
    /// Its name.
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// The moment at which the clocks of this zone show a time such as `2023-04-12 19:16:58.357`; of two the earlier one.
    pub fn moment(&self, shown: &str) -> Option<Moment> {
        let shown: jiff::civil::DateTime = shown.parse().ok()?;
        let at = self.0.to_ambiguous_timestamp(shown).compatible().ok()?;
        Some(Moment::from_ms(at.as_millisecond()))
    }
}

impl TryFrom<String> for Zone {
    type Error = String;
    fn try_from(name: String) -> Result<Zone, String> {
        Zone::parse(&name)
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> String {
        zone.name().to_owned()
    }
}

/// A moment as the clocks of its zone show it, in the terms of the cron reader.
#[derive(Clone)]
struct Local(ZonedDateTime);

impl CronDateTime for Local {
    fn to_civil(&self) -> CivilDateTime {
        let at = self.0.datetime();
        let part = |part: i8| u32::from(part.unsigned_abs());
        let (year, month, day) = (i32::from(at.year()), part(at.month()), part(at.day()));
        CivilDateTime::from_ymd_hms(year, month, day, part(at.hour()), part(at.minute()), part(at.second()))
            .expect("a date of one calendar is a date of the other")
    }

    fn civil_weekday(&self) -> Weekday {
        Weekday::from_days_from_sunday(u32::from(self.0.weekday().to_sunday_zero_offset().unsigned_abs()))
    }

    fn resolve_civil(&self, civil: CivilDateTime) -> Result<Resolution<Local>, CronError> {
        let year = i16::try_from(civil.year()).map_err(|_| CronError::InvalidDate)?;
        let part = |part: u32| i8::try_from(part).map_err(|_| CronError::InvalidDate);
        let (month, day) = (part(civil.month())?, part(civil.day())?);
        let (hour, minute, second) = (part(civil.hour())?, part(civil.minute())?, part(civil.second())?);
        let at = jiff::civil::DateTime::new(year, month, day, hour, minute, second, 0);
        let at = self.0.time_zone().to_ambiguous_zoned_datetime(at.map_err(|_| CronError::InvalidDate)?);
        let local = |at: Result<ZonedDateTime, jiff::Error>| at.map(Local).map_err(|_| CronError::InvalidTime);
        Ok(match at.offset() {
            AmbiguousOffset::Unambiguous { .. } => Resolution::Single(local(at.unambiguous())?),
            AmbiguousOffset::Fold { .. } => Resolution::Ambiguous(local(at.clone().earlier())?, local(at.later())?),
            AmbiguousOffset::Gap { .. } => Resolution::Gap,
        })
    }

    fn checked_add_seconds(&self, seconds: i64) -> Option<Local> {
        self.0.checked_add(SignedDuration::from_secs(seconds)).ok().map(Local)
    }

    fn cmp_instant(&self, other: &Local) -> Ordering {
        self.0.timestamp().cmp(&other.0.timestamp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(cron: &str, after: &str, zone: &Zone) -> String {
        Cron::parse(cron).unwrap().next_after(Moment::parse(after).unwrap(), zone).unwrap().rfc3339()
    }

    #[test]
    fn the_next_moment_is_after_the_last_one_and_never_it() {
        let utc = Zone::utc();

        assert_eq!(next("*/15 * * * *", "2026-11-27T09:15:00Z", &utc), "2026-11-27T09:30:00.000Z");
        assert_eq!(next("0 3 * * sun", "2026-11-27T09:15:00Z", &utc), "2026-11-29T03:00:00.000Z");
        assert_eq!(next("@daily", "2026-11-27T00:00:00Z", &utc), "2026-11-28T00:00:00.000Z");
    }

    #[test]
    fn a_time_of_night_keeps_its_place_over_the_change_of_the_clocks() {
        // A zone by its rule (POSIX), so that the test asks no database of the machine.
        let berlin = Zone(TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap());

        assert_eq!(next("30 2 * * *", "2026-03-28T12:00:00Z", &berlin)[..10], *"2026-03-29");
        assert_eq!(next("0 4 * * *", "2026-03-29T12:00:00Z", &berlin), "2026-03-30T02:00:00.000Z");
        assert_eq!(next("0 4 * * *", "2026-10-25T12:00:00Z", &berlin), "2026-10-26T03:00:00.000Z");
    }

    #[test]
    fn an_expression_is_told_in_words() {
        let words = |cron: &str| Cron::parse(cron).unwrap().in_words();

        for (cron, part) in [("0 3 * * sun", "Sunday"), ("*/5 6-20 * * mon-fri", "5"), ("@daily", "00:00")] {
            assert!(words(cron).contains(part), "{cron}: {}", words(cron));
        }
    }

    #[test]
    fn what_is_no_expression_or_never_comes_is_refused() {
        for wrong in ["", "every day", "* * * *", "0 0 * * * *", "61 * * * *", "0 0 31 2 *"] {
            assert!(Cron::parse(wrong).is_err(), "{wrong}");
        }
        assert!(Zone::parse("Mars/Olympus").unwrap_err().contains("tzdata"));
    }
}
