//! The tokens of SCIM senders, as an administrator makes, changes and ends them. A token is shown once, to who made it.

use super::{App, Asker, Error};
use crate::audit::Event;
use crate::names::ProviderId;
use crate::scim::{Habits, Sender};

/// The longest time that an old token goes on beside a new one, in hours.
const OVERLAP_HOURS_MAX: u32 = 7 * 24;
const HOUR_MS: i64 = 3_600_000;

/// What is to be changed of how a sender is treated; what is not mentioned stays.
#[derive(Debug, Clone, Copy, Default)]
pub struct HabitChange {
    /// Whether versions are announced.
    pub etags: Option<bool>,
    /// Requests in a minute; 0 is no limit.
    pub requests_per_minute: Option<u32>,
}

impl HabitChange {
    fn of(self, habits: Habits) -> Habits {
        Habits {
            etags: self.etags.unwrap_or(habits.etags),
            requests_per_minute: self.requests_per_minute.unwrap_or(habits.requests_per_minute),
        }
    }
}

impl App {
    /// Every sender with its tokens, by name; the asker must be an administrator. Never a token.
    pub fn scim_senders(&self, asker: &Asker) -> Result<Vec<Sender>, Error> {
        self.administrators_only(asker)?;
        let receipt = self.audit.append(&Event::Desk { user: asker.user(), what: "scim_tokens", target: "" })?;
        tracing::debug!(leaf = receipt.leaf(), "the tokens of senders were looked at");
        Ok(self.scim_tokens.all(self.now()))
    }

    /// Makes a token for a new sender; the asker must be an administrator. It is given this once.
    pub fn make_scim_token(&self, asker: &Asker, name: &str, habits: HabitChange) -> Result<(Sender, String), Error> {
        self.administrators_only(asker)?;
        let name = ProviderId::parse(name).ok_or_else(|| {
            Error::Unreadable("name is 1 to 40 lower-case letters, digits, '-' and '_', for example entra".to_owned())
        })?;
        let made = self.scim_tokens.make(&name, habits.of(Habits::default()), self.now())?;
        self.token_on_record(asker, "made", &name)?;
        Ok(made)
    }

    /// Makes a sender's token anew, and lets the old one go on for so many hours; the asker must be an administrator. The new
    /// one is given this once.
    pub fn rotate_scim_token(&self, asker: &Asker, name: &str, overlap_hours: u32) -> Result<(Sender, String), Error> {
        let name = self.token_named(asker, name)?;
        if overlap_hours > OVERLAP_HOURS_MAX {
            return Err(Error::Unreadable(format!("overlap_hours is a number from 0 to {OVERLAP_HOURS_MAX}")));
        }
        let made = self.scim_tokens.rotate(&name, i64::from(overlap_hours) * HOUR_MS, self.now())?;
        self.token_on_record(asker, "rotated", &name)?;
        Ok(made)
    }

    /// Changes how a sender is treated; the asker must be an administrator. In force at its next request.
    pub fn change_scim_token(&self, asker: &Asker, name: &str, habits: HabitChange) -> Result<Sender, Error> {
        let name = self.token_named(asker, name)?;
        let habits = habits.of(self.scim_tokens.habits(&name)?);
        let sender = self.scim_tokens.change(&name, habits, self.now())?;
        self.token_on_record(asker, "changed", &name)?;
        Ok(sender)
    }

    /// Ends a sender's tokens; the asker must be an administrator. Its next request is refused.
    pub fn revoke_scim_token(&self, asker: &Asker, name: &str) -> Result<(), Error> {
        let name = self.token_named(asker, name)?;
        self.scim_tokens.revoke(&name)?;
        self.token_on_record(asker, "revoked", &name)
    }

    fn token_named(&self, asker: &Asker, name: &str) -> Result<ProviderId, Error> {
        self.administrators_only(asker)?;
        ProviderId::parse(name).ok_or(Error::NotThere)
    }

    fn token_on_record(&self, asker: &Asker, what: &str, token: &ProviderId) -> Result<(), Error> {
        let receipt = self.audit.append(&Event::ScimToken { user: asker.user(), what, token: token.as_str() })?;
        tracing::info!(leaf = receipt.leaf(), token = %token, what, "a token of a sender");
        Ok(())
    }
}
