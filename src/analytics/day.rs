//! One day: what each person adds to it while it lasts, and what is told of it when it is over.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::shown::shown;
use super::{Ended, Roll, Somebody};
use crate::store::json_record;

/// Upper bounds in milliseconds, each half as much again as the one before: from 50 ms to over two minutes.
const BOUNDS_MS: [u64; 20] = [
    50, 75, 112, 169, 253, 380, 570, 854, 1_281, 1_922, 2_883, 4_325, 6_487, 9_731, 14_596, 21_894, 32_842, 49_263,
    73_894, 110_841,
];

/// Answers that one person is counted to have rated on one day.
const RATINGS_MAX: usize = 200;

/// What one person adds to a day that lasts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Share {
    answered: u32,
    refused: u32,
    stopped: u32,
    failed: u32,
    /// What they thought of answers, by a mark of each answer: who thinks again is counted once.
    ratings: BTreeMap<u64, Rating>,
    /// How long first sentences took.
    pub first: Took,
    /// How long whole answers took.
    pub took: Took,
}

/// What one person thought of one answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Rating {
    is_up: bool,
    codes: BTreeSet<String>,
}

/// How long things took: how many up to each bound, the last without one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Took(Vec<u32>);

/// What is told of a day that is over.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Day {
    /// People who might have asked.
    pub seats: u32,
    /// People who asked; `None`, like every number below, where they are too few to be told of.
    pub people: Option<u32>,
    /// Their questions.
    pub questions: Option<u32>,
    /// Of them answered.
    pub answered: Option<u32>,
    /// Refused.
    pub refused: Option<u32>,
    /// Stopped.
    pub stopped: Option<u32>,
    /// Failed.
    pub failed: Option<u32>,
    /// Milliseconds within which half of the first sentences came, and 95 of a hundred.
    pub first_ms: Option<(u64, u64)>,
    /// The same of whole answers.
    pub took_ms: Option<(u64, u64)>,
    /// What was thought of answers.
    pub ratings: Ratings,
    /// The groups that may be told of, the largest first.
    pub groups: Vec<GroupCount>,
}

/// What was thought of a day's answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ratings {
    /// Ratings that were good.
    pub up: Option<u32>,
    /// Bad.
    pub down: Option<u32>,
    /// Codes that may be told of.
    pub codes: BTreeMap<String, u32>,
}

/// What one group asked on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupCount {
    /// Our id of the group.
    pub group: String,
    /// People of it who asked.
    pub people: u32,
    /// Their questions.
    pub questions: u32,
}

json_record!(Share, 1);
json_record!(Day, 1);

impl Took {
    pub(super) fn note(&mut self, took: Duration) {
        let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let place = BOUNDS_MS.partition_point(|bound| *bound < ms);
        self.0.resize(BOUNDS_MS.len() + 1, 0);
        self.0[place] += 1;
    }

    fn add(&mut self, other: &Took) {
        if !other.0.is_empty() {
            self.0.resize(BOUNDS_MS.len() + 1, 0);
            self.0.iter_mut().zip(&other.0).for_each(|(sum, more)| *sum = sum.saturating_add(*more));
        }
    }

    /// The bound within which so many of a hundred came; what was longer than every bound counts as the last.
    fn within(&self, of_hundred: u64) -> Option<u64> {
        let all: u64 = self.0.iter().map(|count| u64::from(*count)).sum();
        let wanted = (all * of_hundred).div_ceil(100).max(1);
        let mut sum = 0;
        let mut bounds = BOUNDS_MS.iter().chain(BOUNDS_MS.last());
        self.0.iter().find_map(|count| {
            sum += u64::from(*count);
            let bound = bounds.next();
            bound.filter(|_| sum >= wanted).copied()
        })
    }

    fn half_and_most(&self) -> Option<(u64, u64)> {
        self.within(50).zip(self.within(95))
    }
}

impl Share {
    pub(super) fn count(&mut self, ended: Ended) {
        *self.of_mut(ended) += 1;
    }

    pub(super) fn rate(&mut self, answer: u64, is_up: bool, codes: &[String]) {
        if self.ratings.contains_key(&answer) || self.ratings.len() < RATINGS_MAX {
            self.ratings.insert(answer, Rating { is_up, codes: codes.iter().cloned().collect() });
        }
    }

    fn of_mut(&mut self, ended: Ended) -> &mut u32 {
        match ended {
            Ended::Answered => &mut self.answered,
            Ended::Refused => &mut self.refused,
            Ended::Stopped => &mut self.stopped,
            Ended::Failed => &mut self.failed,
        }
    }

    fn of(&self, ended: Ended) -> u32 {
        match ended {
            Ended::Answered => self.answered,
            Ended::Refused => self.refused,
            Ended::Stopped => self.stopped,
            Ended::Failed => self.failed,
        }
    }

    /// Both together; of what was thought the later holds.
    pub(super) fn with(mut self, more: &Share) -> Share {
        for ended in OUTCOMES {
            let sum = self.of(ended).saturating_add(more.of(ended));
            *self.of_mut(ended) = sum;
        }
        self.ratings.extend(more.ratings.iter().map(|(answer, rating)| (*answer, rating.clone())));
        self.first.add(&more.first);
        self.took.add(&more.took);
        self
    }
}

const OUTCOMES: [Ended; 4] = [Ended::Answered, Ended::Refused, Ended::Stopped, Ended::Failed];

/// One number that could be shown: the contributions it counts, and what they come to.
struct Cell {
    of: BTreeSet<usize>,
    people: u32,
    count: u32,
}

/// Contributions: whose each is, what it is, and how many.
struct Contributions<K>(Vec<(usize, K, u32)>);

impl<K> Contributions<K> {
    fn cell(&self, counts: impl Fn(usize, &K) -> bool) -> Cell {
        let is_in = |(_, (person, kind, _)): &(usize, &(usize, K, u32))| counts(*person, kind);
        let all: Vec<_> = self.0.iter().enumerate().filter(is_in).collect();
        let people: BTreeSet<usize> = all.iter().map(|(_, (person, _, _))| *person).collect();
        Cell {
            of: all.iter().map(|(at, _)| *at).collect(),
            people: u32::try_from(people.len()).unwrap_or(u32::MAX),
            count: all.iter().fold(0, |sum, (_, (_, _, count))| sum.saturating_add(*count)),
        }
    }

    fn shown(&self, cells: &[Cell]) -> Vec<bool> {
        let people: Vec<usize> = self.0.iter().map(|(person, _, _)| *person).collect();
        let cells: Vec<BTreeSet<usize>> = cells.iter().map(|cell| cell.of.clone()).collect();
        shown(&people, &cells)
    }
}

/// What is told of a day that is over.
pub(super) fn closed(shares: &BTreeMap<Somebody, Share>, roll: &Roll) -> Day {
    let people: Vec<(&Somebody, &Share)> = shares.iter().collect();
    let asked = |(person, (_, share)): (usize, &(&Somebody, &Share))| {
        OUTCOMES.map(|ended| (person, ended, share.of(ended))).into_iter().filter(|(_, _, count)| *count > 0)
    };
    let questions = Contributions(people.iter().enumerate().flat_map(asked).collect());

    // First the whole, then how it ended, then groups: each where what was shown before leaves room for it.
    let mut cells = vec![questions.cell(|_, _| true)];
    cells.extend(OUTCOMES.map(|ended| questions.cell(|_, kind| *kind == ended)));
    let mut groups: Vec<(&String, Cell)> = roll
        .groups
        .iter()
        .map(|(id, members)| (id, questions.cell(|person, _| members.contains(people[person].0))))
        .filter(|(_, cell)| cell.people > 0)
        .collect();
    groups.sort_by_key(|(id, cell)| (std::cmp::Reverse(cell.people), (*id).clone()));
    let ids: Vec<String> = groups.iter().map(|(id, _)| (*id).clone()).collect();
    cells.extend(groups.into_iter().map(|(_, cell)| cell));
    let is_shown = questions.shown(&cells);

    let told = |place: usize| is_shown[place].then_some(cells[place].count);
    let is_whole_shown = is_shown[0] && cells[0].people > 0;
    let (mut first, mut took) = (Took::default(), Took::default());
    for (_, share) in people.iter().filter(|_| is_whole_shown) {
        first.add(&share.first);
        took.add(&share.took);
    }
    let first_groups = 1 + OUTCOMES.len();
    let group = |(place, id): (usize, String)| {
        let cell = &cells[place];
        is_shown[place].then_some(GroupCount { group: id, people: cell.people, questions: cell.count })
    };
    Day {
        seats: roll.seats,
        people: is_shown[0].then(|| cells[0].people),
        questions: told(0),
        answered: told(1).filter(|_| is_shown[0]),
        refused: told(2).filter(|_| is_shown[0]),
        stopped: told(3).filter(|_| is_shown[0]),
        failed: told(4).filter(|_| is_shown[0]),
        first_ms: first.half_and_most(),
        took_ms: took.half_and_most(),
        ratings: ratings(&people),
        groups: ids.into_iter().enumerate().map(|(at, id)| (first_groups + at, id)).filter_map(group).collect(),
    }
}

/// What of a rating is counted.
#[derive(PartialEq, Eq)]
enum Thought<'a> {
    Up,
    Down,
    Code(&'a str),
}

fn ratings(people: &[(&Somebody, &Share)]) -> Ratings {
    let mut all = Vec::new();
    for (person, (_, share)) in people.iter().enumerate() {
        for rating in share.ratings.values() {
            all.push((person, if rating.is_up { Thought::Up } else { Thought::Down }, 1));
            all.extend(rating.codes.iter().map(|code| (person, Thought::Code(code), 1)));
        }
    }
    let thoughts = Contributions(all);
    let given = people.iter().flat_map(|(_, share)| share.ratings.values());
    let codes: BTreeSet<&str> = given.flat_map(|rating| rating.codes.iter().map(String::as_str)).collect();
    let mut cells = vec![
        thoughts.cell(|_, thought| *thought == Thought::Up),
        thoughts.cell(|_, thought| *thought == Thought::Down),
    ];
    cells.extend(codes.iter().map(|code| thoughts.cell(|_, thought| *thought == Thought::Code(code))));
    let is_shown = thoughts.shown(&cells);
    let told = |place: usize| (is_shown[place] && cells[place].people > 0).then(|| cells[place].count);
    let codes = codes.iter().enumerate().filter_map(|(at, code)| Some(((*code).to_owned(), told(2 + at)?)));
    Ratings { up: told(0), down: told(1), codes: codes.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roll() -> Roll {
        Roll { groups: BTreeMap::new(), seats: 0 }
    }

    fn day_of(shares: impl IntoIterator<Item = Share>) -> Day {
        let shares = shares.into_iter().zip(0u8..).map(|(share, number)| (Somebody([number; 16]), share)).collect();
        closed(&shares, &roll())
    }

    #[test]
    fn an_ending_that_few_met_is_not_told_and_not_left_over_either() {
        let share = |answered, refused| Share { answered, refused, ..Share::default() };

        let few = day_of((0..20).map(|n| share(3, u32::from(n < 2))));
        let many = day_of((0..20).map(|n| share(3, u32::from(n < 6))));

        assert_eq!((few.questions, few.answered, few.refused), (Some(62), None, None));
        assert_eq!((many.questions, many.answered, many.refused, many.stopped), (Some(66), Some(60), Some(6), Some(0)));
    }

    #[test]
    fn a_code_is_told_where_five_people_gave_it() {
        let share = |codes: &[&str]| {
            let codes: Vec<String> = codes.iter().map(|code| (*code).to_owned()).collect();
            let mut share = Share { answered: 1, ..Share::default() };
            share.rate(1, true, &[]);
            // They thought again.
            share.rate(1, false, &codes);
            share
        };

        let day = day_of((0..6).map(|n| share(if n == 0 { &["wrong", "ada_is_wrong"] } else { &["wrong"] })));

        assert_eq!((day.ratings.up, day.ratings.down), (None, Some(6)));
        assert_eq!(day.ratings.codes, BTreeMap::from([("wrong".to_owned(), 6)]));
    }

    #[test]
    fn half_and_most_of_what_took_long_are_told_by_their_bounds() {
        let mut took = Took::default();
        for ms in
            std::iter::repeat_n(40, 50).chain(std::iter::repeat_n(1_000, 44)).chain(std::iter::repeat_n(500_000, 6))
        {
            took.note(Duration::from_millis(ms));
        }

        assert_eq!(took.half_and_most(), Some((50, 110_841)));
        assert_eq!(took.within(94), Some(1_281));
        assert_eq!(Took::default().half_and_most(), None);
    }
}
