//! How much the appliance is used: counters by day and by group. What few people stand behind is not told; see
//! [`crate::analytics`].

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{App, Asker, Error, Outcome};
use crate::analytics::{Day, Ended, Roll, Somebody, begin_of, day_of, digested};
use crate::audit::Event;
use crate::clock::Moment;
use crate::names::{MessageId, UserId};
use crate::vault::Label;

/// People stand in a day's counts only as a digest under this label.
const SOMEBODY: Label = Label("somebody of a day");

/// Answers that were rated stand in a day's counts only as a digest under this label.
const ANSWER: Label = Label("answer of a day");

/// Days that are told at once at most.
pub const DAYS_MAX: usize = 400;

/// How much the appliance was used.
#[derive(Debug, Clone)]
pub struct Usage {
    /// When it was taken.
    pub at: Moment,
    /// Whether anything is counted.
    pub is_on: bool,
    /// For how many days counts are kept.
    pub keep_days: u64,
    /// The days that are over, the newest first, each by the moment it begins at.
    pub days: Vec<(Moment, Day)>,
    /// The groups that are told of on any of them, by name.
    pub groups: Vec<GroupUsage>,
}

/// How much one group asked.
#[derive(Debug, Clone)]
pub struct GroupUsage {
    /// Our id of it.
    pub group: String,
    /// Its name; `None` where it is gone.
    pub name: Option<String>,
    /// Days on which it may be told of: when each begins, people who asked, questions.
    pub days: Vec<(Moment, u32, u32)>,
}

impl App {
    /// Counts the end of one question: nothing of it, and of the asker what tells people apart on this day.
    pub fn count_question(&self, asker: &UserId, outcome: Option<Outcome>, first: Option<Duration>, took: Duration) {
        let ended = match outcome {
            Some(Outcome::Answered) => Ended::Answered,
            Some(Outcome::Refused) => Ended::Refused,
            Some(Outcome::Stopped) => Ended::Stopped,
            None => Ended::Failed,
        };
        let day = day_of(self.now());
        self.analytics.asked(day, self.somebody(day, asker), ended, first, took);
    }

    /// Counts one rating: of the answer what tells it apart on this day.
    pub(super) fn count_rating(&self, asker: &UserId, message: &MessageId, is_up: bool, codes: &[String]) {
        let day = day_of(self.now());
        let marked = [&day.to_be_bytes()[..], message.as_bytes()].concat();
        let digest = self.vault.keyed_digest(&ANSWER, &marked);
        let mark = u64::from_be_bytes(digest[..8].try_into().expect("eight of thirty-two bytes are eight"));
        self.analytics.rated(day, self.somebody(day, asker), mark, is_up, codes);
    }

    /// How much the appliance was used on the last days; the asker must be an administrator.
    pub fn usage(&self, asker: &Asker, days: usize) -> Result<Usage, Error> {
        self.administrators_only(asker)?;
        let receipt = self.audit.append(&Event::Desk { user: asker.user(), what: "analytics", target: "" })?;
        tracing::debug!(leaf = receipt.leaf(), "the counts were read");
        let days = self.analytics.days(days.clamp(1, DAYS_MAX))?;
        let mut groups: BTreeMap<String, Vec<(Moment, u32, u32)>> = BTreeMap::new();
        for (day, told) in &days {
            for one in &told.groups {
                groups.entry(one.group.clone()).or_default().push((begin_of(*day), one.people, one.questions));
            }
        }
        let name = |id: &str| self.directory.group(id).map(|group| group.display_name.clone());
        let mut groups: Vec<GroupUsage> =
            groups.into_iter().map(|(group, days)| GroupUsage { name: name(&group), group, days }).collect();
        groups.sort_by_key(|one| (one.name.is_none(), one.name.clone().unwrap_or_default().to_lowercase()));
        Ok(Usage {
            at: self.now(),
            is_on: self.analytics.is_on(),
            keep_days: self.settings.analytics.keep_days,
            days: days.into_iter().map(|(day, told)| (begin_of(day), told)).collect(),
            groups,
        })
    }

    /// Writes what was counted, closes days that are over, and forgets old ones.
    pub(super) fn count_what_was_asked(&self) -> Result<(), Error> {
        if !self.analytics.is_on() {
            return Ok(());
        }
        self.analytics.keep()?;
        let over = self.analytics.over(self.now())?;
        for day in &over {
            self.analytics.close(*day, &self.roll(*day)?)?;
        }
        if !over.is_empty() {
            self.analytics.sweep(self.now())?;
        }
        Ok(())
    }

    /// Who was who on a day, as the directory has people and groups now.
    fn roll(&self, day: u64) -> Result<Roll, Error> {
        let mut seats = 0;
        for person in self.directory.people() {
            let may_ask = self.applications.tier(&self.directory, &person.id)?.is_some();
            seats += u32::from(may_ask);
        }
        let mut groups = BTreeMap::new();
        for group in self.directory.groups() {
            let people = self.directory.people_in(&group.id);
            let somebodies: BTreeSet<Somebody> = people.iter().map(|user| self.somebody(day, user)).collect();
            groups.insert(group.id.clone(), somebodies);
        }
        Ok(Roll { groups, seats })
    }

    fn somebody(&self, day: u64, user: &UserId) -> Somebody {
        let digest = self.vault.keyed_digest(&SOMEBODY, &digested(day, user));
        let (half, _) = digest.split_at(16);
        Somebody(half.try_into().expect("a half of thirty-two bytes is sixteen"))
    }
}
