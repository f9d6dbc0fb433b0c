//! Seats and receipts on the wire.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::people::{PersonName, person};
use crate::app;
use crate::application;
use crate::names::{ApplicationId, UserId};
use crate::web::reply::Reply;

/// What a seat lets its person do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// Ask and search; conversations are kept for seven days.
    Reader,
    /// Also export; conversations are kept as long as the application keeps them.
    #[default]
    Full,
}

impl From<application::Tier> for Tier {
    fn from(tier: application::Tier) -> Tier {
        match tier {
            application::Tier::Reader => Tier::Reader,
            application::Tier::Full => Tier::Full,
        }
    }
}

impl From<Tier> for application::Tier {
    fn from(tier: Tier) -> application::Tier {
        match tier {
            Tier::Reader => application::Tier::Reader,
            Tier::Full => application::Tier::Full,
        }
    }
}

/// That something is on record in the audit log.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OnRecord {
    /// SHA-256 of the leaf (RFC 6962 §2.1), in hex: held outside, it proves that the deed is in the log.
    pub leaf_hash: String,
    /// RFC 3339.
    pub at: String,
}

impl From<app::OnRecord> for OnRecord {
    fn from(receipt: app::OnRecord) -> OnRecord {
        OnRecord { leaf_hash: hex::encode(receipt.leaf_hash), at: receipt.at.rfc3339() }
    }
}

/// How somebody stands.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SeatState {
    /// They have a seat.
    #[default]
    Seated,
    /// It was taken; they are assigned still.
    Unsubscribed,
    /// No application is assigned to them.
    Unassigned,
    /// The provider has set them inactive.
    Inactive,
    /// Of a question: everybody.
    All,
}

/// Which people are wanted.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct WhichSeats {
    /// How they stand; those with a seat where absent.
    #[param(inline)]
    pub state: SeatState,
    /// With a seat of this tier alone.
    #[param(inline)]
    pub tier: Option<Tier>,
    /// Assigned to this application alone.
    pub application: Option<String>,
    /// In this group alone, by our id, directly or through groups in it.
    pub group: Option<String>,
    /// Words that a name must have, in any case.
    pub query: String,
    /// Rows at most; 50 where absent, 200 at most.
    pub limit: Option<usize>,
    /// `next_cursor` of the part before.
    pub cursor: Option<String>,
}

/// A part of the seats, and how many there are in all.
#[derive(Debug, Serialize, ToSchema)]
pub struct Seats {
    /// Seats, each person counted once across applications.
    pub seats: u64,
    /// Of them readers'.
    pub readers: u64,
    /// Of them full ones.
    pub full: u64,
    /// People whose seat was taken.
    pub unsubscribed: u64,
    /// By user name.
    pub people: Vec<Seat>,
    /// Where the next part begins.
    pub next_cursor: Option<String>,
}

/// Somebody and their seat.
#[derive(Debug, Serialize, ToSchema)]
pub struct Seat {
    /// Who.
    #[serde(flatten)]
    pub person: PersonName,
    /// How they stand.
    pub state: SeatState,
    /// What it lets them do; `null` where they have none.
    pub tier: Option<Tier>,
    /// `administrator` or `assignment`.
    pub by: &'static str,
    /// Since when they have it, or since when it is taken, RFC 3339.
    pub since_at: Option<String>,
    /// When they last asked or searched, to the hour, RFC 3339.
    pub used_at: Option<String>,
    /// The applications that are assigned to them.
    pub applications: Vec<ApplicationName>,
}

/// An application by id and title.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApplicationName {
    /// A short word.
    pub id: String,
    /// What the page is called.
    pub title: String,
}

/// Changes the seats of some people.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeSeats {
    /// What is done.
    pub deed: SeatDeed,
    /// Of `subscribe`: the tier; `full` where absent.
    #[serde(default)]
    pub tier: Option<Tier>,
    /// Whose, by our ids; 1 to 500.
    pub people: Vec<String>,
}

/// What is done with seats.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SeatDeed {
    /// They have a seat of the tier.
    Subscribe,
    /// They have none, and keep their assignments and conversations.
    Unsubscribe,
    /// They have none, and no application is assigned to them.
    Remove,
}

/// What became of the seats, a receipt for each person.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangedSeats {
    /// One for each person.
    pub changed: Vec<ChangedSeat>,
}

/// What became of one person's seat.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangedSeat {
    /// Whose.
    pub id: String,
    /// Applications they were taken out of.
    pub removed_from: Vec<String>,
    /// Applications that the settings file still assigns to them; without a seat they cannot use them.
    pub still_assigned: Vec<String>,
    /// What proves it.
    pub receipt: OnRecord,
}

impl WhichSeats {
    /// As the rooms below have it; what is no id names nothing.
    pub fn read(self) -> Result<(app::WhichSeats, app::Part), Reply> {
        let parse = |id: String| ApplicationId::parse(&id).ok_or_else(Reply::not_there);
        let which = app::WhichSeats {
            state: match self.state {
                SeatState::Seated => Some(app::SeatState::Seated),
                SeatState::Unsubscribed => Some(app::SeatState::Unsubscribed),
                SeatState::Unassigned => Some(app::SeatState::Unassigned),
                SeatState::Inactive => Some(app::SeatState::Inactive),
                SeatState::All => None,
            },
            tier: self.tier.map(Into::into),
            application: self.application.filter(|id| !id.is_empty()).map(parse).transpose()?,
            group: self.group.filter(|id| !id.is_empty()),
        };
        Ok((which, app::Part { query: self.query, limit: self.limit, after: self.cursor }))
    }
}

impl ChangeSeats {
    /// What is done, and whose seats.
    pub fn read(self) -> Result<(app::SeatDeed, Vec<UserId>), Reply> {
        let deed = match (self.deed, self.tier) {
            (SeatDeed::Subscribe, tier) => app::SeatDeed::Subscribe(tier.unwrap_or_default().into()),
            (SeatDeed::Unsubscribe, None) => app::SeatDeed::Unsubscribe,
            (SeatDeed::Remove, None) => app::SeatDeed::Remove,
            (SeatDeed::Unsubscribe | SeatDeed::Remove, Some(_)) => {
                return Err(Reply::unreadable("tier goes with \"subscribe\" alone; leave it out"));
            }
        };
        let parse = |id: &String| UserId::parse(id).ok_or_else(Reply::not_there);
        Ok((deed, self.people.iter().map(parse).collect::<Result<_, _>>()?))
    }
}

impl From<&(app::SeatCounts, app::Rows<app::Seated>)> for Seats {
    fn from((counts, found): &(app::SeatCounts, app::Rows<app::Seated>)) -> Seats {
        Seats {
            seats: counts.readers + counts.full,
            readers: counts.readers,
            full: counts.full,
            unsubscribed: counts.unsubscribed,
            people: found.rows.iter().map(Seat::from).collect(),
            next_cursor: found.next.clone(),
        }
    }
}

impl From<&app::Seated> for Seat {
    fn from(seated: &app::Seated) -> Seat {
        Seat {
            person: person(&seated.person),
            state: match seated.state {
                app::SeatState::Seated => SeatState::Seated,
                app::SeatState::Unsubscribed => SeatState::Unsubscribed,
                app::SeatState::Unassigned => SeatState::Unassigned,
                app::SeatState::Inactive => SeatState::Inactive,
            },
            tier: seated.tier.map(Tier::from),
            by: if seated.is_said { "administrator" } else { "assignment" },
            since_at: seated.since.map(|at| at.rfc3339()),
            used_at: seated.used.map(|at| at.rfc3339()),
            applications: seated
                .applications
                .iter()
                .map(|(id, title)| ApplicationName { id: id.to_string(), title: title.clone() })
                .collect(),
        }
    }
}

impl From<&[app::Changed]> for ChangedSeats {
    fn from(changed: &[app::Changed]) -> ChangedSeats {
        let words = |ids: &[ApplicationId]| ids.iter().map(ToString::to_string).collect();
        let one = |one: &app::Changed| ChangedSeat {
            id: one.user.to_string(),
            removed_from: words(&one.removed.from),
            still_assigned: words(&one.removed.still),
            receipt: OnRecord::from(one.receipt),
        };
        ChangedSeats { changed: changed.iter().map(one).collect() }
    }
}
