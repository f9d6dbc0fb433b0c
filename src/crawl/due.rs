//! When a source's next run is due, and how much it reads. Pure: the time is given.

use serde::{Deserialize, Serialize};

use super::{Mode, Product, Run, Settings, State, Status};
use crate::clock::{Cron, Moment};

/// A time at which a source is read.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timed {
    /// When: five fields of cron, or `@hourly`, `@daily`, `@weekly`, `@monthly`.
    pub cron: Cron,
    /// How much the run reads.
    pub mode: Mode,
}

/// A run that is to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Next {
    /// When it is due; the past where it is due now.
    pub at: Moment,
    /// How much it will read.
    pub mode: Mode,
}

impl Mode {
    /// Whether a run of this mode has done all that one of the other would do.
    fn covers(self, other: Mode) -> bool {
        match self {
            Mode::Full => true,
            Mode::Changes => other != Mode::Full,
            Mode::Permissions | Mode::News => other == self,
        }
    }
}

/// The next run of a source, by its settings and what is known of its runs; `None` for on demand only. Of several that are due
/// the one that reads most is given: it does what the others would.
pub fn next(settings: &Settings, status: &Status, now: Moment) -> Option<Next> {
    if settings.every_minutes == 0 && settings.schedule.is_empty() {
        return None;
    }
    let Some(last) = status.runs.first() else { return Some(Next { at: now, mode: Mode::Full }) };
    let every_ms = i64::try_from(settings.every_minutes.saturating_mul(60_000)).unwrap_or(i64::MAX);
    let ended = |run: &Run| run.ended.unwrap_or(run.began);
    // Where the runs of what is new have pushed the last whole one out, when it began is still known.
    let last_whole = status.runs.iter().find(|run| run.mode != Mode::News).map(ended);
    let last_whole = last_whole.or_else(|| last_of(status, Mode::Changes)).unwrap_or(ended(last));
    let by_minutes =
        (settings.every_minutes > 0).then(|| Next { at: last_whole.plus_ms(every_ms), mode: Mode::Changes });
    let news_ms = i64::try_from(settings.news_minutes.saturating_mul(60_000)).unwrap_or(i64::MAX);
    let last_news = status.runs.iter().find(|run| run.mode != Mode::Permissions).map_or(ended(last), ended);
    // An archive says of nothing that it is new, and to ask it would read all of it.
    let tells_news = settings.news_minutes > 0 && settings.kind != Product::ConfluenceArchive;
    let by_news = tells_news.then(|| Next { at: last_news.plus_ms(news_ms), mode: Mode::News });
    let timed = settings.schedule.iter().filter_map(|timed| {
        let at = timed.cron.next_after(last_of(status, timed.mode)?, &settings.time_zone)?;
        Some(Next { at, mode: timed.mode })
    });
    let all: Vec<Next> = by_minutes.into_iter().chain(by_news).chain(timed).collect();
    let widest = all.iter().filter(|next| next.at <= now).reduce(|a, b| if b.mode.covers(a.mode) { b } else { a });
    widest.or_else(|| all.iter().min_by_key(|next| next.at)).copied()
}

/// The next runs of a source, at most so many, as if each ended in the moment it began.
pub fn upcoming(settings: &Settings, status: &Status, now: Moment, most: usize) -> Vec<Next> {
    let (mut status, mut now) = (status.clone(), now);
    let mut runs = Vec::new();
    while runs.len() < most {
        let Some(Next { at, .. }) = next(settings, &status, now) else { break };
        now = at.max(now);
        // Asked again at its time, when all that is due then counts.
        let Some(Next { mode, .. }) = next(settings, &status, now) else { break };
        runs.push(Next { at: now, mode });
        let run = Run { ended: Some(now), state: State::Succeeded, ..Run::beginning(0, now, mode) };
        status.runs.insert(0, run);
        note(&mut status, mode, now);
    }
    runs
}

/// When a run that did all of this mode began last. Where none is remembered, the time counts from the oldest run that is.
fn last_of(status: &Status, mode: Mode) -> Option<Moment> {
    let remembered = status.began.iter().filter(|(done, _)| done.covers(mode)).map(|(_, at)| *at).max();
    remembered.or_else(|| status.runs.last().map(|run| run.began))
}

/// Notes that a run of this mode began.
pub(super) fn note(status: &mut Status, mode: Mode, at: Moment) {
    status.began.retain(|(known, _)| *known != mode);
    status.began.push((mode, at));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(every_minutes: u64, schedule: &[(&str, &str)]) -> Settings {
        let schedule: Vec<_> =
            schedule.iter().map(|(cron, mode)| serde_json::json!({ "cron": cron, "mode": mode })).collect();
        serde_json::from_value(serde_json::json!({
            "name": "wiki", "kind": "confluence", "url": "http://127.0.0.1:1", "user": "u",
            "every_minutes": every_minutes, "news_minutes": 0, "schedule": schedule}))
        .unwrap()
    }

    fn at(text: &str) -> Moment {
        Moment::parse(text).unwrap()
    }

    fn ran(runs: &[(Mode, &str)]) -> Status {
        let mut status = Status::default();
        for (mode, began) in runs {
            let began = at(began);
            let run = Run { began, ended: Some(began.plus_ms(60_000)), ..Run::beginning(1, began, *mode) };
            status.runs.insert(0, Run { state: State::Succeeded, ..run });
            note(&mut status, *mode, began);
        }
        status
    }

    const NIGHTLY: (&str, &str) = ("0 3 * * *", "full");
    const HOURLY: (&str, &str) = ("@hourly", "changes");

    #[test]
    fn on_demand_is_never_due_and_what_never_ran_is_due_at_once() {
        let now = at("2026-11-27T09:10:00Z");

        assert_eq!(next(&settings(0, &[]), &Status::default(), now), None);
        assert_eq!(next(&settings(0, &[NIGHTLY]), &Status::default(), now), Some(Next { at: now, mode: Mode::Full }));
    }

    #[test]
    fn minutes_count_from_the_end_of_the_last_run() {
        let status = ran(&[(Mode::Full, "2026-11-27T09:00:00Z")]);

        let due = next(&settings(15, &[]), &status, at("2026-11-27T09:10:00Z")).unwrap();

        assert_eq!(due, Next { at: at("2026-11-27T09:16:00Z"), mode: Mode::Changes });
    }

    #[test]
    fn what_is_new_is_looked_at_between_the_syncs_and_puts_none_of_them_off() {
        let settings = Settings { news_minutes: 3, ..settings(15, &[]) };
        let mut status = ran(&[(Mode::Changes, "2026-11-27T09:00:00Z")]);
        let due = |status: &Status, now: &str| next(&settings, status, at(now)).unwrap();

        assert_eq!(due(&status, "2026-11-27T09:02:00Z"), Next { at: at("2026-11-27T09:04:00Z"), mode: Mode::News });

        for minute in [4, 8, 12] {
            let news = ran(&[(Mode::News, &format!("2026-11-27T09:{minute:02}:00Z"))]);
            status.runs.insert(0, news.runs[0].clone());
        }
        assert_eq!(due(&status, "2026-11-27T09:13:30Z"), Next { at: at("2026-11-27T09:16:00Z"), mode: Mode::Changes });
        assert_eq!(due(&status, "2026-11-27T09:16:30Z"), Next { at: at("2026-11-27T09:16:00Z"), mode: Mode::Changes });

        let archive = Settings { kind: Product::ConfluenceArchive, ..settings.clone() };
        assert_eq!(next(&archive, &status, at("2026-11-27T09:02:00Z")).unwrap().mode, Mode::Changes);
        let on_demand = Settings { every_minutes: 0, ..settings.clone() };
        assert_eq!(next(&on_demand, &status, at("2026-11-27T10:00:00Z")), None);
    }

    #[test]
    fn each_time_waits_for_a_run_that_did_as_much() {
        let settings = settings(0, &[HOURLY, NIGHTLY]);
        let status = ran(&[(Mode::Full, "2026-11-26T03:00:05Z"), (Mode::Changes, "2026-11-27T02:00:03Z")]);

        let before = next(&settings, &status, at("2026-11-27T02:30:00Z")).unwrap();
        let after = next(&settings, &status, at("2026-11-27T03:00:01Z")).unwrap();
        let done = ran(&[(Mode::Changes, "2026-11-27T02:00:03Z"), (Mode::Full, "2026-11-27T03:00:02Z")]);

        assert_eq!(before.at, at("2026-11-27T03:00:00Z"));
        assert_eq!(after.mode, Mode::Full, "it does what the hourly one would");
        let then = next(&settings, &done, at("2026-11-27T03:05:00Z")).unwrap();
        assert_eq!(then, Next { at: at("2026-11-27T04:00:00Z"), mode: Mode::Changes });
    }

    #[test]
    fn the_next_runs_are_told_in_their_order_each_with_the_most_that_is_due() {
        let settings = settings(0, &[HOURLY, NIGHTLY]);
        let status = ran(&[(Mode::Full, "2026-11-26T03:00:05Z"), (Mode::Changes, "2026-11-27T01:00:03Z")]);

        let runs = upcoming(&settings, &status, at("2026-11-27T01:30:00Z"), 3);

        let told: Vec<(String, Mode)> =
            runs.iter().map(|next| (next.at.rfc3339()[11..16].to_owned(), next.mode)).collect();
        let expected = [("02:00", Mode::Changes), ("03:00", Mode::Full), ("04:00", Mode::Changes)];
        assert_eq!(told, expected.map(|(at, mode)| (at.to_owned(), mode)));
        assert!(upcoming(&super::tests::settings(0, &[]), &status, at("2026-11-27T01:30:00Z"), 3).is_empty());
    }

    #[test]
    fn a_full_run_that_is_long_forgotten_among_the_runs_is_still_known() {
        let settings = settings(0, &[HOURLY, ("0 3 * * sun", "full")]);
        let mut status = ran(&[(Mode::Full, "2026-11-22T03:00:01Z"), (Mode::Changes, "2026-11-27T09:00:01Z")]);
        status.runs.truncate(1);

        let next = next(&settings, &status, at("2026-11-27T09:30:00Z")).unwrap();

        assert_eq!(next, Next { at: at("2026-11-27T10:00:00Z"), mode: Mode::Changes });
    }
}
