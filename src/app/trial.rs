//! Trying a provider without signing anybody in: an administrator sees what it sends, and why a login would be refused.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::{App, Asker, Error};
use crate::audit::Event;
use crate::clock::Moment;
use crate::names::{ProviderId, UserId};
use crate::sso::{Login, Refusal};

/// How long an outcome is kept, in milliseconds.
const AGE_MS_MAX: i64 = 10 * 60 * 1_000;

/// What came of a trial.
#[derive(Debug, Clone)]
pub struct Trial {
    /// The provider that was tried.
    pub provider: ProviderId,
    /// When.
    pub at: Moment,
    /// Why a login would be refused; `None` where it would not be.
    pub refused: Option<Refusal>,
    /// Whom the provider proved, where it proved anybody.
    pub login: Option<Login>,
    /// The user name of the person in the directory whom that is.
    pub person: Option<String>,
    /// The assertion or the claims as they came; proven only where there is a login.
    pub shown: Option<String>,
}

/// The last trial of each administrator.
#[derive(Default)]
pub(super) struct Trials(Mutex<HashMap<UserId, Trial>>);

impl App {
    /// What came of the asker's last trial of a provider; the asker must be an administrator.
    pub fn trial(&self, asker: &Asker, provider: &ProviderId) -> Result<Option<Trial>, Error> {
        self.administrators_only(asker)?;
        self.provider(provider)?;
        let trials = self.trials.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_fresh =
            |trial: &&Trial| trial.provider == *provider && (0..AGE_MS_MAX).contains(&self.now().since(trial.at));
        Ok(trials.get(asker.user()).filter(is_fresh).cloned())
    }

    /// Keeps what came of a trial; only what is broken here is an error.
    pub(super) fn keep_trial(
        &self,
        provider: &ProviderId,
        tester: UserId,
        login: Result<Login, Error>,
        shown: Option<String>,
    ) -> Result<(), Error> {
        let (login, refused) = match login {
            Ok(login) => (Some(login), None),
            Err(Error::Refused(refusal)) => (None, Some(refusal)),
            Err(error) => return Err(error),
        };
        let (person, refused) = match login.as_ref().map(|login| self.admit(login)) {
            None => (None, refused),
            Some(Ok(person)) => (Some(person.user_name.to_string()), None),
            Some(Err(Error::Refused(refusal))) => (None, Some(refusal)),
            Some(Err(error)) => return Err(error),
        };
        let receipt =
            self.audit.append(&Event::Desk { user: &tester, what: "provider_tried", target: provider.as_str() })?;
        tracing::info!(leaf = receipt.leaf(), %provider, "a provider was tried");
        let trial = Trial { provider: provider.clone(), at: self.now(), refused, login, person, shown };
        let mut trials = self.trials.0.lock().unwrap_or_else(PoisonError::into_inner);
        trials.retain(|_, kept| (0..AGE_MS_MAX).contains(&trial.at.since(kept.at)));
        trials.insert(tester, trial);
        Ok(())
    }
}
