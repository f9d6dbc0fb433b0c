//! How much is asked, on the wire: numbers, and none with fewer than five people behind it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::analytics::{self, PEOPLE_MIN};
use crate::app;
use crate::clock::Moment;

/// How many days are wanted.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AnalyticsAsked {
    /// The last so many days that are told of, 1 to 400; 28 where absent.
    pub days: Option<usize>,
}

/// How much was asked.
#[derive(Debug, Serialize, ToSchema)]
pub struct Analytics {
    /// When it was taken, RFC 3339.
    pub at: String,
    /// Whether anything is counted.
    pub is_on: bool,
    /// Days for which counts are kept.
    pub keep_days: u64,
    /// The fewest people behind a number that is told; where there are fewer it is `null`, and so is any number from which it
    /// could be worked out.
    pub people_min: usize,
    /// Days that are over, the newest first. A day appears when it is over (UTC), and never changes.
    pub days: Vec<Day>,
    /// Groups that are told of on any of them.
    pub groups: Vec<Group>,
}

/// One day.
#[derive(Debug, Serialize, ToSchema)]
pub struct Day {
    /// `2026-11-27`, in UTC.
    pub day: String,
    /// People who might have asked.
    pub seats: u32,
    /// People who asked: seats in use.
    pub people: Option<u32>,
    /// Questions.
    pub questions: Option<u32>,
    /// Of them answered.
    pub answered: Option<u32>,
    /// Refused: nothing the asker may read supported an answer.
    pub refused: Option<u32>,
    /// Stopped.
    pub stopped: Option<u32>,
    /// Failed.
    pub failed: Option<u32>,
    /// How long first sentences took.
    pub first_sentence: Option<Took>,
    /// How long whole answers took.
    pub answer: Option<Took>,
    /// Good ratings.
    pub rated_up: Option<u32>,
    /// Bad ones.
    pub rated_down: Option<u32>,
    /// Feedback by its codes.
    pub codes: BTreeMap<String, u32>,
}

/// How long something took, in milliseconds; each is the upper bound of a step.
#[derive(Debug, Serialize, ToSchema)]
pub struct Took {
    /// Half were as quick.
    pub p50_ms: u64,
    /// 95 of a hundred were.
    pub p95_ms: u64,
}

/// How much one group asked.
#[derive(Debug, Serialize, ToSchema)]
pub struct Group {
    /// Our id of it.
    pub id: String,
    /// Its name; `null` where it is gone.
    pub name: Option<String>,
    /// Its questions on the days it is told of.
    pub questions: u64,
    /// Those days.
    pub days: Vec<GroupDay>,
}

/// How much one group asked on one day.
#[derive(Debug, Serialize, ToSchema)]
pub struct GroupDay {
    /// As above.
    pub day: String,
    /// People of it who asked.
    pub people: u32,
    /// Their questions.
    pub questions: u32,
}

impl From<&app::Usage> for Analytics {
    fn from(usage: &app::Usage) -> Analytics {
        Analytics {
            at: usage.at.rfc3339(),
            is_on: usage.is_on,
            keep_days: usage.keep_days,
            people_min: PEOPLE_MIN,
            days: usage.days.iter().map(|(begin, day)| Day::of(*begin, day)).collect(),
            groups: usage.groups.iter().map(Group::from).collect(),
        }
    }
}

impl Day {
    fn of(begin: Moment, day: &analytics::Day) -> Day {
        let took = |took: Option<(u64, u64)>| took.map(|(p50_ms, p95_ms)| Took { p50_ms, p95_ms });
        Day {
            day: date(begin),
            seats: day.seats,
            people: day.people,
            questions: day.questions,
            answered: day.answered,
            refused: day.refused,
            stopped: day.stopped,
            failed: day.failed,
            first_sentence: took(day.first_ms),
            answer: took(day.took_ms),
            rated_up: day.ratings.up,
            rated_down: day.ratings.down,
            codes: day.ratings.codes.clone(),
        }
    }
}

impl From<&app::GroupUsage> for Group {
    fn from(group: &app::GroupUsage) -> Group {
        let day = |(begin, people, questions): &(Moment, u32, u32)| GroupDay {
            day: date(*begin),
            people: *people,
            questions: *questions,
        };
        Group {
            id: group.group.clone(),
            name: group.name.clone(),
            questions: group.days.iter().map(|(_, _, questions)| u64::from(*questions)).sum(),
            days: group.days.iter().map(day).collect(),
        }
    }
}

/// The date that a day's first moment has.
fn date(begin: Moment) -> String {
    begin.rfc3339().split('T').next().unwrap_or_default().to_owned()
}
