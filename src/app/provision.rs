//! Provisioning: a provider's SCIM calls, who may send them, and what follows from them at once.

use anyhow::Context as _;

use super::{App, Error, ScimToken, chain};
use crate::audit::Event;
use crate::clock::Moment;
use crate::names::ProviderId;
use crate::scim::{self, Admission, Change, Habits, Tokens, Unfollowed, Written};
use crate::store::Store;

/// Who changed the directory, and so what is put on record.
pub(super) enum Changer<'a> {
    /// A provider, by a push or by a login.
    Provider(&'a str),
    /// Somebody at the desk: their deed.
    Desk(Event<'a>),
}

impl<'a> Changer<'a> {
    fn name(&self) -> &'a str {
        match self {
            Changer::Provider(name) => name,
            Changer::Desk(_) => "desk",
        }
    }

    fn event(&self, change: &'a str, target: &'a str) -> Event<'a> {
        match self {
            Changer::Provider(by) => Event::Provisioned { by, change, target },
            Changer::Desk(deed) => deed.clone(),
        }
    }
}

/// The shortest token we take: less could be guessed.
const TOKEN_CHARS_MIN: usize = 20;

/// A SCIM request as it came, before it is known whose it is.
#[derive(Debug, Clone)]
pub struct Sent<'a> {
    /// `GET`, `POST`, `PUT`, `PATCH`, `DELETE`.
    pub method: &'a str,
    /// The path below `/scim/v2`, percent-decoded.
    pub path: &'a str,
    /// The query's names and values, decoded.
    pub query: &'a [(String, String)],
    /// `If-Match`, where sent.
    pub if_match: Option<&'a str>,
    /// `If-None-Match`, where sent.
    pub if_none_match: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
    /// The address of `/scim/v2` under the public URL.
    pub base: &'a str,
}

/// Reads the tokens' files, and opens those that were made on the desk.
pub(super) fn open_tokens(store: &Store, settings: &[ScimToken]) -> anyhow::Result<Tokens> {
    let mut of_file: Vec<(ProviderId, String, Habits, Written)> = Vec::new();
    for setting in settings {
        let path = &setting.token_file;
        let name = setting.name.clone();
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("while reading the token of [[scim]] {name} from {}", path.display()))?;
        let token = text.trim();
        anyhow::ensure!(
            token.chars().count() >= TOKEN_CHARS_MIN,
            "the token in {} is too short; write at least {TOKEN_CHARS_MIN} random characters",
            path.display()
        );
        anyhow::ensure!(
            !of_file.iter().any(|(other, ..)| *other == name),
            "there are two [[scim]] of the name {name}; the log could not tell them apart"
        );
        let habits = Habits { etags: setting.etags, requests_per_minute: setting.requests_per_minute };
        let written = Written { token_file: path.clone(), keys: setting.written.clone() };
        of_file.push((name, token.to_owned(), habits, written));
    }
    Tokens::open(store, of_file).context(
        "while opening the tokens of SCIM senders; one that was made on the desk keeps its name until it is revoked there",
    )
}

impl App {
    /// Answers a SCIM request that bears this token; [`Error::SignedOut`] where the token is not good.
    pub fn provision(&self, bearer: &str, sent: &Sent<'_>) -> Result<scim::Reply, Error> {
        let now = self.now();
        let (name, habits) = match self.scim_tokens.admit(bearer, now)? {
            Admission::Unknown => return Err(Error::SignedOut),
            Admission::Later(seconds) => return Ok(scim::Reply::later(seconds)),
            Admission::Sender { name, habits } => (name, habits),
        };
        let request = scim::Request {
            method: sent.method,
            path: sent.path,
            query: sent.query,
            if_match: sent.if_match,
            if_none_match: sent.if_none_match,
            etags: habits.etags,
            body: sent.body,
            base: sent.base,
        };
        let reply = scim::serve(&self.directory, &request, now, &mut |change| {
            self.follow(name.as_str(), change).map_err(|error| {
                tracing::error!(cause = %chain(&error), "what follows from a provisioned change could not be done");
                let status = if matches!(error, Error::Full) { 507 } else { 500 };
                Unfollowed {
                    status,
                    detail: "it was changed, but what follows could not be done; send it again".to_owned(),
                }
            })
        });
        self.scim_tokens.owe(&name, reply.operations - 1);
        Ok(reply)
    }

    /// When a provisioning token was last used.
    pub(super) fn scim_last(&self) -> Option<Moment> {
        self.scim_tokens.last_used()
    }

    /// What follows from a provider's change.
    pub(super) fn follow(&self, by: &str, change: &Change) -> Result<(), Error> {
        self.follow_of(&Changer::Provider(by), change)
    }

    /// What follows from a change at once: who lost their place loses their sessions and the answer being made, before whoever
    /// made the change is told that it was taken.
    pub(super) fn follow_of(&self, changer: &Changer<'_>, change: &Change) -> Result<(), Error> {
        let by = changer.name();
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
        let receipt = self.audit.append(&changer.event(what, &target))?;
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
