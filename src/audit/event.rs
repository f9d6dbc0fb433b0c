//! What happened, in words that an auditor knows, and how it is written down.

use serde_json::{Map, Value, json};

use crate::corpus::PassageId;
use crate::names::{ConversationId, MessageId, SourceId, UserId};

/// What happened, in words that `audit` owns and an auditor knows. Never a question's words, a title, a page's words.
#[derive(Debug, Clone)]
pub enum Event<'a> {
    /// The process began; `version` of the binary.
    Started { version: &'a str },
    /// The process was asked to stop.
    Stopped,
    /// The process began with another version than the one before it.
    Upgraded { from: &'a str, to: &'a str },
    /// The process began with other settings than before: the names of the sections that differ, never what stands in them.
    SettingsChanged { sections: &'a [&'a str] },
    /// A crash had torn the end of the log: so many bytes, never acknowledged, were cut off.
    TailCut { bytes: u64 },
    /// A person signed in.
    SignedIn { user: &'a UserId, provider: &'a str },
    /// A login was refused; `code` of the refusal.
    SignInRefused { provider: &'a str, code: &'a str },
    /// A person signed out, here or at the provider.
    SignedOut { user: &'a UserId },
    /// A provider's word that somebody signed out there was refused; `code` of the refusal.
    SignOutRefused { provider: &'a str, code: &'a str },
    /// A provider changed the directory. The target is an id of ours (a person's stands as a commitment), never a name.
    Provisioned { by: &'a str, change: &'a str, target: &'a str },
    /// A person asked: keyed digest of the question, digest of what is visible, the passages found.
    Asked {
        user: &'a UserId,
        conversation: &'a ConversationId,
        question: [u8; 32],
        visible: [u8; 32],
        shown: &'a [PassageId],
    },
    /// The answer ended: `answered`, `refused` or `stopped`; the leaf of the question; whether it was `written` by the model
    /// or is `extractive`; of a refusal, why (never on which topic or phrase: that would tell the question); the passages cited.
    Answered {
        user: &'a UserId,
        message: &'a MessageId,
        asked: u64,
        outcome: &'a str,
        mode: &'a str,
        why: Option<&'a str>,
        cited: &'a [PassageId],
    },
    /// A person searched.
    Searched { user: &'a UserId, query: [u8; 32], visible: [u8; 32], shown: &'a [PassageId] },
    /// A person opened a document.
    Opened { user: &'a UserId, document: &'a str },
    /// A person read an old conversation; how many claims were withheld, and the passages shown again.
    Recalled { user: &'a UserId, conversation: &'a ConversationId, withheld: u32, shown: &'a [PassageId] },
    /// A person rated an answer, by reason codes only.
    Rated { user: &'a UserId, message: &'a MessageId, rating: &'a str, reasons: &'a [String] },
    /// A conversation's key was destroyed.
    KeyForgotten { user: &'a UserId, conversation: &'a ConversationId },
    /// A person left for good: all their keys were destroyed. What tells their leaves stays: see [`super::Log::erase`].
    PersonForgotten { user: &'a UserId },
    /// An administrator had the salts of a person who is gone destroyed: no leaf tells of them any more, this one neither.
    PersonErased { user: &'a UserId, whom: &'a UserId },
    /// A sync began.
    SyncStarted { source: &'a SourceId, mode: &'a str },
    /// A sync ended.
    SyncEnded {
        source: &'a SourceId,
        /// The run's number, by which an explanation names the facts that were learned in it.
        run: u64,
        outcome: &'a str,
        added: u64,
        changed: u64,
        removed: u64,
        reclassed: u64,
        failed: u64,
    },
    /// Somebody was told why a person may or may not read a document: `administrator`, `owner` (of the machine) or
    /// `themselves`. No person and no document where none such is known.
    Explained { user: Option<&'a UserId>, by: &'a str, whom: Option<&'a UserId>, document: &'a str },
    /// An administrator had one page read from its source: `words` where they were shown it, for they may read it, or `counts`.
    Tested { user: &'a UserId, document: &'a str, told: &'a str },
    /// An administrator gave an account of a source to somebody (`alias_given`), or to nobody (`alias_set_aside`), or took that
    /// back (`alias_cleared`): a leaf for each person whose rights it changed.
    Aliased { user: &'a UserId, what: &'a str, source: &'a SourceId, whom: Option<&'a UserId> },
    /// The log itself was read: by an `auditor` or by the `owner` of the machine; what, of what or whom, and whether whose
    /// leaves they are was told.
    AuditRead { user: Option<&'a UserId>, by: &'a str, what: &'a str, target: &'a str, names: bool },
    /// A checkpoint was sent outside, at the word of an `administrator` or the `owner`, or by itself (`rounds`): to which
    /// place, and whether it was taken (`sent`) or not (`failed`). By itself only where that is another outcome than before.
    CheckpointSent { user: Option<&'a UserId>, by: &'a str, place: &'a str, size: u64, outcome: &'a str },
    /// An administrator read or did something on the desk. A target that is a person's id stands as a commitment.
    Desk { user: &'a UserId, what: &'a str, target: &'a str },
}

/// The name of every event, in their order.
pub const EVENTS: &[&str] = &[
    "aliased",
    "answered",
    "asked",
    "audit_read",
    "checkpoint_sent",
    "desk",
    "explained",
    "key_forgotten",
    "opened",
    "person_erased",
    "person_forgotten",
    "provisioned",
    "rated",
    "recalled",
    "searched",
    "settings_changed",
    "sign_in_refused",
    "sign_out_refused",
    "signed_in",
    "signed_out",
    "started",
    "stopped",
    "sync_ended",
    "sync_started",
    "tail_cut",
    "tested",
    "upgraded",
];

/// An event taken apart: what stands in the leaf as it is, and whose ids stand there as commitments.
pub(super) struct Parts {
    pub(super) actor: Option<UserId>,
    pub(super) subject: Option<UserId>,
    pub(super) fields: Map<String, Value>,
}

impl Event<'_> {
    /// Takes the event apart.
    pub(super) fn parts(&self) -> Parts {
        let (name, actor, fields) = match self {
            Event::Started { version } => ("started", None, json!({ "version": version })),
            Event::Stopped => ("stopped", None, json!({})),
            Event::Upgraded { from, to } => ("upgraded", None, json!({ "from": from, "to": to })),
            Event::SettingsChanged { sections } => ("settings_changed", None, json!({ "sections": sections })),
            Event::TailCut { bytes } => ("tail_cut", None, json!({ "bytes": bytes })),
            Event::SignedIn { user, provider } => ("signed_in", Some(*user), json!({ "provider": provider })),
            Event::SignInRefused { provider, code } => {
                ("sign_in_refused", None, json!({ "provider": provider, "code": code }))
            }
            Event::SignedOut { user } => ("signed_out", Some(*user), json!({})),
            Event::SignOutRefused { provider, code } => {
                ("sign_out_refused", None, json!({ "provider": provider, "code": code }))
            }
            Event::Provisioned { by, change, target } => {
                ("provisioned", None, json!({ "by": by, "change": change, "target": target }))
            }
            Event::Asked { user, conversation, question, visible, shown } => {
                let fields = json!({
                    "conversation": conversation, "question": hex::encode(question), "visible": hex::encode(visible),
                    "shown": ids(shown),
                });
                ("asked", Some(*user), fields)
            }
            Event::Answered { user, message, asked, outcome, mode, why, cited } => {
                let mut fields = json!({
                    "message": message, "asked": asked, "outcome": outcome, "mode": mode, "cited": ids(cited),
                });
                if let Some(why) = why {
                    fields["why"] = json!(why);
                }
                ("answered", Some(*user), fields)
            }
            Event::Searched { user, query, visible, shown } => {
                let fields =
                    json!({ "query": hex::encode(query), "visible": hex::encode(visible), "shown": ids(shown) });
                ("searched", Some(*user), fields)
            }
            Event::Opened { user, document } => ("opened", Some(*user), json!({ "document": document })),
            Event::Recalled { user, conversation, withheld, shown } => {
                let fields = json!({ "conversation": conversation, "withheld": withheld, "shown": ids(shown) });
                ("recalled", Some(*user), fields)
            }
            Event::Rated { user, message, rating, reasons } => {
                ("rated", Some(*user), json!({ "message": message, "rating": rating, "reasons": reasons }))
            }
            Event::KeyForgotten { user, conversation } => {
                ("key_forgotten", Some(*user), json!({ "conversation": conversation }))
            }
            Event::PersonForgotten { user } => ("person_forgotten", Some(*user), json!({})),
            Event::PersonErased { user, whom } => ("person_erased", Some(*user), json!({ "target": whom })),
            Event::SyncStarted { source, mode } => ("sync_started", None, json!({ "source": source, "mode": mode })),
            Event::SyncEnded { source, run, outcome, added, changed, removed, reclassed, failed } => {
                let fields = json!({
                    "source": source, "run": run, "outcome": outcome, "added": added, "changed": changed, "removed": removed,
                    "reclassed": reclassed, "failed": failed,
                });
                ("sync_ended", None, fields)
            }
            Event::Explained { user, by, whom, document } => {
                let mut fields = json!({ "by": by, "document": document });
                if let Some(whom) = whom {
                    fields["target"] = json!(whom);
                }
                ("explained", *user, fields)
            }
            Event::Tested { user, document, told } => {
                ("tested", Some(*user), json!({ "document": document, "told": told }))
            }
            Event::Aliased { user, what, source, whom } => {
                let mut fields = json!({ "what": what, "source": source });
                if let Some(whom) = whom {
                    fields["target"] = json!(whom);
                }
                ("aliased", Some(*user), fields)
            }
            Event::AuditRead { user, by, what, target, names } => {
                let fields = json!({ "by": by, "what": what, "target": target, "names": names });
                ("audit_read", *user, fields)
            }
            Event::CheckpointSent { user, by, place, size, outcome } => {
                let fields = json!({ "by": by, "place": place, "size": size, "outcome": outcome });
                ("checkpoint_sent", *user, fields)
            }
            Event::Desk { user, what, target } => ("desk", Some(*user), json!({ "what": what, "target": target })),
        };
        let Value::Object(mut fields) = fields else { unreachable!("each event's fields are an object") };
        fields.insert("event".to_owned(), name.into());
        // Whoever is acted upon is a person too: their id must be erasable. A group's has the same form and is nobody's.
        let is_group = fields.get("change").and_then(Value::as_str).is_some_and(|change| change.starts_with("group_"));
        let target = fields.get("target").and_then(Value::as_str).filter(|_| !is_group);
        let subject = target.and_then(UserId::parse);
        if subject.is_some() {
            fields.remove("target");
        }
        Parts { actor: actor.copied(), subject, fields }
    }
}

fn ids(passages: &[PassageId]) -> Vec<String> {
    passages.iter().map(PassageId::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_events_has_every_name_that_stands_in_a_leaf_and_no_other() {
        let text = include_str!("event.rs");
        let taken_apart = &text[text.find("pub(super) fn parts").unwrap()..text.find("let Value::Object").unwrap()];
        let names = taken_apart.match_indices("(\"").map(|(at, _)| {
            let rest = &taken_apart[at + 2..];
            &rest[..rest.find('"').unwrap()]
        });
        let mut names: Vec<&str> = names.filter(|name| taken_apart.contains(&format!("(\"{name}\", "))).collect();
        names.sort_unstable();

        assert_eq!(names, EVENTS);
    }
}
