//! Seats on the desk: who has one, of which tier and since when; giving and taking them, one by one or many at once.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::applications::OnRecord;
use super::people::{Part, Rows};
use super::{App, Asker, Error};
use crate::application::{Removed, Standing, Tier};
use crate::audit::Event;
use crate::clock::Moment;
use crate::directory::Person;
use crate::names::{ApplicationId, UserId};

/// People whose seats one request changes.
const PEOPLE_MAX: usize = 500;

/// How somebody stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeatState {
    /// They have a seat.
    Seated,
    /// An administrator took it; they are assigned still.
    Unsubscribed,
    /// No application is assigned to them.
    Unassigned,
    /// The provider has set them inactive, and so they have none.
    Inactive,
}

/// Somebody and their seat.
#[derive(Debug, Clone)]
pub struct Seated {
    /// As the directory has them.
    pub person: Arc<Person>,
    /// How they stand.
    pub state: SeatState,
    /// What their seat lets them do.
    pub tier: Option<Tier>,
    /// Whether an administrator said so of them, and not their assignments.
    pub is_said: bool,
    /// Since when they have it without a break, or since when it is taken.
    pub since: Option<Moment>,
    /// When they last asked or searched, to the hour.
    pub used: Option<Moment>,
    /// The applications that are assigned to them, by id and title.
    pub applications: Vec<(ApplicationId, String)>,
}

/// Which people are wanted.
#[derive(Debug, Clone, Default)]
pub struct WhichSeats {
    /// Of this state alone.
    pub state: Option<SeatState>,
    /// With a seat of this tier alone.
    pub tier: Option<Tier>,
    /// Assigned to this application alone.
    pub application: Option<ApplicationId>,
    /// In this group alone, directly or through groups in it.
    pub group: Option<String>,
}

/// How many seats there are: a person has one, however many applications are theirs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SeatCounts {
    /// Readers' seats.
    pub readers: u64,
    /// Full seats.
    pub full: u64,
    /// People whose seat was taken.
    pub unsubscribed: u64,
}

/// What is done with seats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeatDeed {
    /// They have a seat of this tier.
    Subscribe(Tier),
    /// They have none, and keep their assignments and their conversations.
    Unsubscribe,
    /// They have none, and no application is assigned to them.
    Remove,
}

/// What became of one person's seat.
#[derive(Debug, Clone)]
pub struct Changed {
    /// Whose.
    pub user: UserId,
    /// The applications they were taken out of, and those that the settings file still assigns to them.
    pub removed: Removed,
    /// The receipt.
    pub receipt: OnRecord,
}

impl App {
    /// Who has a seat, by user name, and how many have; the asker must be an administrator.
    pub fn seats(&self, asker: &Asker, which: &WhichSeats, part: &Part) -> Result<(SeatCounts, Rows<Seated>), Error> {
        self.looked_at(asker, "seats")?;
        let mut counts = SeatCounts::default();
        let group = which.group.as_ref().map(|group| self.directory.people_in(group));
        let mut all = Vec::new();
        for person in self.directory.people() {
            let seated = self.seated(person)?;
            match (seated.state, seated.tier) {
                (SeatState::Seated, Some(Tier::Reader)) => counts.readers += 1,
                (SeatState::Seated, Some(Tier::Full)) => counts.full += 1,
                (SeatState::Unsubscribed, _) => counts.unsubscribed += 1,
                (SeatState::Seated | SeatState::Unassigned | SeatState::Inactive, _) => {}
            }
            let person = &seated.person;
            let is_wanted = which.state.is_none_or(|state| state == seated.state)
                && which.tier.is_none_or(|tier| seated.tier == Some(tier))
                && which.application.as_ref().is_none_or(|id| seated.applications.iter().any(|(one, _)| one == id))
                && group.as_ref().is_none_or(|group| group.contains(&person.id))
                && (part.fits(&person.user_name) || part.fits(&person.display_name));
            if is_wanted {
                all.push(seated);
            }
        }
        all.sort_by_key(|seated| (seated.person.user_name.to_lowercase(), seated.person.id));
        Ok((counts, part.of(all, |seated| seated.person.id.to_string())?))
    }

    /// Changes the seats of some people, in force at their next request; the asker must be an administrator. A receipt each.
    pub fn change_seats(&self, asker: &Asker, users: &[UserId], deed: SeatDeed) -> Result<Vec<Changed>, Error> {
        self.directory_only(asker)?;
        let users: Vec<UserId> = users.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
        if users.is_empty() || users.len() > PEOPLE_MAX {
            return Err(Error::Unreadable(format!("name 1 to {PEOPLE_MAX} people at once")));
        }
        for user in &users {
            self.directory.person(user)?.ok_or(Error::NotThere)?;
        }
        let (what, tier) = match deed {
            SeatDeed::Subscribe(tier) => ("subscribed", Some(tier)),
            SeatDeed::Unsubscribe => ("unsubscribed", None),
            SeatDeed::Remove => ("removed", None),
        };
        if tier.is_none() && users.contains(asker.user()) {
            // They would lock themselves out of the desk with it.
            let why = "nobody takes their own seat; another administrator can";
            return Err(Error::Unreadable(why.to_owned()));
        }
        // The seat first: whatever fails after it, nobody keeps a right they were to lose.
        self.applications.seats().say(&users, tier, self.now().ms())?;
        let removed = match deed {
            SeatDeed::Remove => self.applications.remove(&users, &self.directory),
            SeatDeed::Subscribe(_) | SeatDeed::Unsubscribe => Ok(vec![Removed::default(); users.len()]),
        };
        self.end_what_was_lost()?;
        self.rounds.look_at_seats();
        let mut changed = Vec::with_capacity(users.len());
        for (user, removed) in users.iter().zip(removed?) {
            let event = Event::Seat { user: asker.user(), what, whom: user, tier: tier.map(Tier::word) };
            let receipt = self.audit.append(&event)?;
            changed.push(Changed { user: *user, removed, receipt: self.on_record(receipt) });
        }
        tracing::info!(what, people = changed.len(), "seats were changed");
        Ok(changed)
    }

    /// Notes that the asker asked or searched. Losing it costs a date on the desk and nothing else.
    pub(super) fn note_use(&self, asker: &Asker) {
        if let Err(error) = self.applications.seats().note_use(asker.user(), self.now().ms()) {
            tracing::debug!(error = &error as &dyn std::error::Error, "a person's last use was not noted");
        }
    }

    fn seated(&self, person: Arc<Person>) -> Result<Seated, Error> {
        let known = self.applications.seats().known(&person.id);
        let standing = Standing::of(&self.directory, &person.id)?;
        let assigned = standing.as_ref().map(|standing| self.applications.assigned_to(standing)).unwrap_or_default();
        let tier = standing.as_ref().and_then(|standing| self.applications.seat(standing));
        let is_taken = known.word.is_some_and(|word| word.tier.is_none());
        let state = match (&standing, tier) {
            (None, _) => SeatState::Inactive,
            (Some(_), Some(_)) => SeatState::Seated,
            (Some(_), None) if is_taken && !assigned.is_empty() => SeatState::Unsubscribed,
            (Some(_), None) => SeatState::Unassigned,
        };
        let since = if is_taken { known.word.map(|word| word.at_ms) } else { known.since_ms };
        Ok(Seated {
            state,
            tier,
            is_said: known.word.is_some(),
            since: since.map(Moment::from_ms),
            used: known.used_ms.map(Moment::from_ms),
            applications: assigned.iter().map(|one| (one.id.clone(), one.title.clone())).collect(),
            person,
        })
    }
}
