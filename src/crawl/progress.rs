//! How far a run has come, and how long it may still take, as far as that can be known. Pure: the time is given.
//!
//! Nothing is guessed. What is left of a listing is told from what the last whole run listed, and what is left of the words
//! from how many are to be read, both at the rate of this run; where this run is too young to have one, from the times of the
//! last. How many words a run of changes will read is known to nobody before it has listed everything, so until then only the
//! rest of the phase is told.

use serde::{Deserialize, Serialize};

use super::{Mode, Run, State};
use crate::clock::Moment;

/// Every phase of a run, in its order.
const PHASES: [&str; 6] = ["connecting", "people", "permissions", "listing", "index", "content"];

/// A phase that reads words.
const CONTENT: &str = "content";

/// A phase whose length hangs on how many documents there are.
const LISTING: &str = "listing";

/// A rate is told from no fewer documents than these, and from no shorter time, in milliseconds.
const RATE_COUNT_MIN: u64 = 20;
const RATE_MS_MIN: i64 = 2_000;

/// How far a run has come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The phases it has begun, in order.
    #[serde(default)]
    pub phases: Vec<Begun>,
    /// Documents whose words are to be read; 0 before that is known.
    #[serde(default)]
    pub to_read: u64,
    /// Of them those that were read, or could not be.
    #[serde(default)]
    pub read: u64,
}

/// A phase that has begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// Which.
    pub phase: String,
    /// When.
    pub at: Moment,
}

/// How long a run may still take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// Milliseconds left of the phase it is in; `None` where that is not known.
    pub phase_ms: Option<i64>,
    /// Milliseconds left of the run; `None` where that is not known.
    pub whole_ms: Option<i64>,
    /// What the time of the phase rests on.
    pub by: Basis,
}

/// What an estimate rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// The rate of this run so far.
    Rate,
    /// The times of an earlier run.
    EarlierRun,
}

impl Run {
    /// Notes that a phase begins.
    pub(super) fn enter(&mut self, phase: &str, at: Moment) {
        phase.clone_into(&mut self.phase);
        self.progress.phases.push(Begun { phase: phase.to_owned(), at });
    }

    /// Milliseconds that a phase took; `None` where it was not gone through to its end.
    pub fn took_ms(&self, phase: &str) -> Option<i64> {
        let place = self.progress.phases.iter().position(|begun| begun.phase == phase)?;
        let end = match self.progress.phases.get(place + 1) {
            Some(next) => next.at,
            None => self.ended.filter(|_| self.is_whole())?,
        };
        Some(end.since(self.progress.phases[place].at).max(0))
    }

    /// Whether it came to its end by itself.
    fn is_whole(&self) -> bool {
        matches!(self.state, State::Succeeded | State::Incomplete | State::Held)
    }
}

/// How long a run may still take, by itself and by the source's earlier ones, newest first. `None` where nothing is known.
pub fn estimate(run: &Run, earlier: &[Run], now: Moment) -> Option<Estimate> {
    let begun = run.progress.phases.last()?;
    let place = PHASES.iter().position(|phase| *phase == begun.phase)?;
    // A run of what is new lists what it must and no more: it is no measure for others, nor are they for it.
    let earlier: &[&Run] = &earlier.iter().filter(|one| one.mode != Mode::News).collect::<Vec<_>>();
    if run.mode == Mode::News && begun.phase != CONTENT {
        return None;
    }
    let elapsed_ms = now.since(begun.at).max(0);
    let of_phase = match begun.phase.as_str() {
        LISTING => left_of_listing(run, earlier, elapsed_ms),
        CONTENT => left_of_content(run, earlier, elapsed_ms),
        phase => left_by_earlier(phase, earlier, elapsed_ms),
    };
    let (phase_ms, by) = of_phase.map_or((None, Basis::EarlierRun), |(left, by)| (Some(left), by));
    let rest = PHASES[place + 1..].iter().map(|phase| match *phase {
        CONTENT => content_to_come(run, earlier),
        phase => last(earlier, phase),
    });
    let whole_ms = phase_ms.zip(rest.sum::<Option<i64>>()).map(|(phase, rest)| phase + rest);
    phase_ms.map(|_| Estimate { phase_ms, whole_ms, by })
}

/// The time that a phase took in the newest run that went through it.
fn last(earlier: &[&Run], phase: &str) -> Option<i64> {
    earlier.iter().find_map(|run| run.took_ms(phase))
}

/// By the last time alone. A phase that takes longer than it did leaves nothing to be said.
fn left_by_earlier(phase: &str, earlier: &[&Run], elapsed_ms: i64) -> Option<(i64, Basis)> {
    let left = last(earlier, phase)? - elapsed_ms;
    (left >= 0).then_some((left, Basis::EarlierRun))
}

fn left_of_listing(run: &Run, earlier: &[&Run], elapsed_ms: i64) -> Option<(i64, Basis)> {
    let before = earlier.iter().find(|run| run.is_whole())?;
    match rate(run.seen, elapsed_ms) {
        // What is met is more than there was: how much more, nobody knows.
        Some(_) if run.seen > before.seen => None,
        Some(of_one) => Some((of_one.times(before.seen - run.seen), Basis::Rate)),
        None => left_by_earlier(LISTING, earlier, elapsed_ms),
    }
}

fn left_of_content(run: &Run, earlier: &[&Run], elapsed_ms: i64) -> Option<(i64, Basis)> {
    let left = run.progress.to_read.saturating_sub(run.progress.read);
    match rate(run.progress.read, elapsed_ms) {
        Some(of_one) => Some((of_one.times(left), Basis::Rate)),
        None if left == 0 => Some((0, Basis::Rate)),
        None => Some((earlier_rate(earlier)?.times(left), Basis::EarlierRun)),
    }
}

/// How long the words of a run will take that has not come to them.
fn content_to_come(run: &Run, earlier: &[&Run]) -> Option<i64> {
    match run.mode {
        Mode::Permissions => Some(0),
        // It reads everything that is there.
        Mode::Full => {
            let count = earlier.iter().find(|run| run.is_whole() && run.mode == Mode::Full)?.progress.to_read;
            Some(earlier_rate(earlier)?.times(count))
        }
        Mode::Changes | Mode::News => None,
    }
}

/// The time of one document: so many milliseconds for so many.
#[derive(Clone, Copy)]
struct OfOne {
    ms: i64,
    count: u64,
}

impl OfOne {
    fn times(self, count: u64) -> i64 {
        let ms = i128::from(self.ms) * i128::from(count) / i128::from(self.count.max(1));
        i64::try_from(ms).unwrap_or(i64::MAX)
    }
}

fn rate(count: u64, ms: i64) -> Option<OfOne> {
    (count >= RATE_COUNT_MIN && ms >= RATE_MS_MIN).then_some(OfOne { ms, count })
}

/// The rate at which words were read by the newest run that read enough of them.
fn earlier_rate(earlier: &[&Run]) -> Option<OfOne> {
    earlier.iter().find_map(|run| {
        let count = run.progress.read;
        (count >= RATE_COUNT_MIN).then_some(OfOne { ms: run.took_ms(CONTENT)?, count })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGAN: Moment = Moment::from_ms(1_000_000);

    /// A run that entered these phases at these seconds.
    fn run(mode: Mode, phases: &[(&str, i64)]) -> Run {
        let mut run = Run::beginning(1, BEGAN, mode);
        run.progress.phases.clear();
        for (phase, seconds) in phases {
            run.enter(phase, after(*seconds));
        }
        run
    }

    fn after(seconds: i64) -> Moment {
        BEGAN.plus_ms(seconds * 1000)
    }

    /// One that ended well: two seconds before listing, a minute of it, ten seconds of indexing, two minutes of words.
    fn whole(mode: Mode) -> Run {
        let phases =
            [("connecting", 0), ("people", 1), ("permissions", 1), ("listing", 2), ("index", 62), ("content", 72)];
        let progress = Progress { to_read: 600, read: 600, ..run(mode, &phases).progress };
        Run { state: State::Succeeded, ended: Some(after(192)), seen: 6_000, progress, ..run(mode, &phases) }
    }

    #[test]
    fn of_a_first_run_nothing_is_said_until_its_own_rate_tells_it() {
        let listing = Run { seen: 500, ..run(Mode::Full, &[("connecting", 0), ("listing", 2)]) };
        let mut reading = run(Mode::Full, &[("connecting", 0), ("listing", 2), ("index", 60), ("content", 61)]);
        reading.progress.to_read = 1_000;

        assert_eq!(estimate(&listing, &[], after(30)), None);
        assert_eq!(estimate(&reading, &[], after(62)), None, "too young to have a rate");
        reading.progress.read = 250;
        let told = estimate(&reading, &[], after(71)).unwrap();
        assert_eq!((told.phase_ms, told.whole_ms, told.by), (Some(30_000), Some(30_000), Basis::Rate));
    }

    #[test]
    fn a_run_of_changes_tells_the_rest_of_the_listing_and_not_what_comes_after() {
        let listing = Run { seen: 3_000, ..run(Mode::Changes, &[("connecting", 0), ("listing", 2)]) };

        let told = estimate(&listing, &[whole(Mode::Changes)], after(22)).unwrap();

        assert_eq!((told.phase_ms, told.whole_ms, told.by), (Some(20_000), None, Basis::Rate));
    }

    #[test]
    fn a_full_run_counts_on_everything_and_one_of_permissions_on_nothing() {
        let at_people = |mode| run(mode, &[("connecting", 0), ("people", 1)]);
        let earlier = [whole(Mode::Full)];

        let full = estimate(&at_people(Mode::Full), &earlier, after(1)).unwrap();
        let permissions = estimate(&at_people(Mode::Permissions), &earlier, after(1)).unwrap();

        assert_eq!(full.whole_ms, Some((1 + 60 + 10 + 120) * 1000));
        assert_eq!(permissions.whole_ms, Some((1 + 60 + 10) * 1000));
        assert_eq!(full.by, Basis::EarlierRun);
    }

    #[test]
    fn what_takes_longer_than_it_did_or_is_more_than_there_was_is_not_told() {
        let people = run(Mode::Full, &[("connecting", 0), ("people", 1)]);
        let more = Run { seen: 6_001, ..run(Mode::Full, &[("connecting", 0), ("listing", 2)]) };
        let earlier = [whole(Mode::Full)];

        assert_eq!(estimate(&people, &earlier, after(9)), None);
        assert_eq!(estimate(&more, &earlier, after(50)), None);
    }

    #[test]
    fn a_run_of_what_is_new_is_measured_by_itself_alone() {
        let listing = Run { seen: 40, ..run(Mode::News, &[("connecting", 0), ("news", 1), ("listing", 2)]) };
        let mut reading = run(Mode::News, &[("connecting", 0), ("news", 1), ("listing", 2), ("content", 3)]);
        (reading.progress.to_read, reading.progress.read) = (40, 20);
        let short = Run { seen: 40, ..whole(Mode::News) };
        let changes = Run { seen: 3_000, ..run(Mode::Changes, &[("connecting", 0), ("listing", 2)]) };

        assert_eq!(estimate(&listing, &[whole(Mode::Changes)], after(9)), None);
        assert_eq!(estimate(&reading, &[], after(13)).unwrap().phase_ms, Some(10_000));
        assert_eq!(estimate(&changes, &[short, whole(Mode::Changes)], after(22)).unwrap().phase_ms, Some(20_000));
    }

    #[test]
    fn a_run_that_was_broken_off_is_no_measure_of_what_it_did_not_end() {
        let broken = Run {
            state: State::Stopped,
            ended: Some(after(5)),
            ..run(Mode::Full, &[("connecting", 0), ("people", 1)])
        };
        let people = run(Mode::Full, &[("connecting", 0), ("people", 1)]);

        assert_eq!(broken.took_ms("connecting"), Some(1_000));
        assert_eq!(broken.took_ms("people"), None);
        assert_eq!(estimate(&people, &[broken], after(2)), None);
    }
}
