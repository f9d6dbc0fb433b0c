//! Provisioning: a provider's SCIM calls, who may send them, and what follows from them at once.

use std::sync::atomic::{AtomicI64, Ordering};

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

use super::{App, Error, ScimToken};
use crate::audit::Event;
use crate::clock::Moment;
use crate::scim::{self, Change};

/// The shortest token we take: less could be guessed.
const TOKEN_CHARS_MIN: usize = 20;

/// One sender's token, by its digest.
pub(super) struct Token {
    name: String,
    digest: [u8; 32],
    /// Milliseconds since the Unix epoch; 0 for never.
    last_ms: AtomicI64,
}

/// Reads the tokens' files.
pub(super) fn read_tokens(settings: &[ScimToken]) -> anyhow::Result<Vec<Token>> {
    let read = |setting: &ScimToken| {
        let path = &setting.token_file;
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("while reading the token of [[scim]] {} from {}", setting.name, path.display()))?;
        let token = text.trim();
        anyhow::ensure!(
            token.chars().count() >= TOKEN_CHARS_MIN,
            "the token in {} is too short; write at least {TOKEN_CHARS_MIN} random characters",
            path.display()
        );
        let digest = Sha256::digest(token.as_bytes()).into();
        Ok(Token { name: setting.name.clone(), digest, last_ms: AtomicI64::new(0) })
    };
    settings.iter().map(read).collect()
}

impl App {
    /// Answers a SCIM request that bears this token; [`Error::SignedOut`] where the token is not good.
    pub fn provision(&self, bearer: &str, request: &scim::Request<'_>) -> Result<scim::Reply, Error> {
        let digest: [u8; 32] = Sha256::digest(bearer.as_bytes()).into();
        // Digests are compared, so how long the comparison takes says nothing of the token.
        let token = self.scim_tokens.iter().find(|token| token.digest == digest).ok_or(Error::SignedOut)?;
        let now = self.now();
        token.last_ms.store(now.ms(), Ordering::Relaxed);
        let (reply, changes) = scim::serve(&self.directory, request, now);
        for change in &changes {
            self.follow(&token.name, change)?;
        }
        Ok(reply)
    }

    /// When a provisioning token was last used.
    pub(super) fn scim_last(&self) -> Option<Moment> {
        let last = self.scim_tokens.iter().map(|token| token.last_ms.load(Ordering::Relaxed)).max()?;
        (last > 0).then(|| Moment::from_ms(last))
    }

    /// What follows from a change at once: who lost their place loses their sessions and the answer being made, before the
    /// provider is told that the change was taken.
    fn follow(&self, by: &str, change: &Change) -> Result<(), Error> {
        let (what, target) = match change {
            Change::PersonMade(id) => ("person_made", id.to_string()),
            Change::PersonChanged(id, is_active) => {
                if !is_active {
                    self.running.stop_of(id);
                    self.sessions.end_all(id)?;
                }
                (if *is_active { "person_changed" } else { "person_inactive" }, id.to_string())
            }
            Change::PersonRemoved(id) => {
                self.running.stop_of(id);
                self.sessions.end_all(id)?;
                ("person_removed", id.to_string())
            }
            Change::GroupMade(id) => ("group_made", id.clone()),
            Change::GroupChanged(id, left) => {
                self.leave_unassigned(left)?;
                ("group_changed", id.clone())
            }
            Change::GroupRemoved(id, left) => {
                self.leave_unassigned(left)?;
                ("group_removed", id.clone())
            }
        };
        let receipt = self.audit.append(&Event::Provisioned { by, change: what, target: &target })?;
        tracing::info!(leaf = receipt.leaf(), by, change = what, "provisioned");
        self.rounds.look_at_seats();
        if let Change::PersonRemoved(user) = change {
            self.applications.forget(user)?;
            // Assurance §5: deleting a person removes their keys; what a backup still holds of their history stays closed.
            self.history.forget(&self.vault, user)?;
            let forgotten = self.audit.append(&Event::PersonForgotten { user })?;
            tracing::info!(leaf = forgotten.leaf(), "a person's keys were destroyed");
        }
        Ok(())
    }

    /// Ends the sessions of those whom leaving a group leaves without an application, and the answers being made in one that
    /// they have lost. Their other running answers re-read their rights at each sentence in any case.
    fn leave_unassigned(&self, left: &[crate::names::UserId]) -> Result<(), Error> {
        if left.is_empty() { Ok(()) } else { self.end_what_was_lost() }
    }
}
