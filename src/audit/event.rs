//! What happened, in words that an auditor knows, and how it is written down.

use serde_json::{Map, Value, json};

use crate::corpus::PassageId;
use crate::names::{ApplicationId, ConversationId, MessageId, SourceId, UserId};

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
    /// On the console an administrator who needs no provider was `made` or `removed`; who.
    LocalAdministrator { what: &'a str, whom: &'a UserId },
    /// On the desk somebody was `disabled`, `enabled`, `removed`, `taken_out_of_group`, `signed_out` of one session or
    /// `signed_out_everywhere`; of which group.
    Managed { user: &'a UserId, what: &'a str, whom: &'a UserId, group: Option<&'a str> },
    /// A provider changed the directory. The target is an id of ours (a person's stands as a commitment), never a name.
    Provisioned { by: &'a str, change: &'a str, target: &'a str },
    /// An administrator did something to the token of a SCIM sender, known by its name: `made`, `rotated`, `changed` (how it is
    /// treated) or `revoked`.
    ScimToken { user: &'a UserId, what: &'a str, token: &'a str },
    /// A person asked: a commitment to the question and one to all that the answer is made of, under a salt that is sealed with
    /// the answer; a digest of what is visible, the passages found.
    Asked {
        user: &'a UserId,
        conversation: &'a ConversationId,
        question: [u8; 32],
        inputs: [u8; 32],
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
    /// A person searched their own history: keyed digest of the query, and how many conversations were found.
    Remembered { user: &'a UserId, query: [u8; 32], found: u32 },
    /// A person changed how their history is protected, or unlocked or locked it: `bound`, `released`, `unlocked`, `refused`
    /// (it was not unlocked), `locked`, `lock_added`, `lock_removed`; with a `passphrase`, `passkey` or `recovery` code.
    Protection { user: &'a UserId, what: &'a str, with: &'a str },
    /// The root key: `replacement_begun`, `replaced`.
    RootKey { step: &'a str },
    /// A person's keys are renewed, by the `owner` of the machine.
    KeysRenewed { by: &'a str, whom: &'a UserId },
    /// A conversation's key was destroyed.
    KeyForgotten { user: &'a UserId, conversation: &'a ConversationId },
    /// A person left for good: all their keys were destroyed. What tells their leaves stays: see [`super::Log::erase`].
    PersonForgotten { user: &'a UserId },
    /// An administrator had the salts of a person who is gone destroyed: no leaf tells of them any more, this one neither.
    PersonErased { user: &'a UserId, whom: &'a UserId },
    /// A sync began.
    SyncStarted { source: &'a SourceId, mode: &'a str },
    /// A sync met permissions otherwise than they were kept: so many grants, places, restrictions, and accounts and groups. What
    /// they were and are is told by the explanations, with the run's number.
    PermissionsChanged { source: &'a SourceId, run: u64, grants: u64, places: u64, restrictions: u64, people: u64 },
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
    /// An administrator made, changed or removed a source on the desk: which keys of its settings were set, never to what.
    SourceSet { user: &'a UserId, source: &'a SourceId, what: &'a str, keys: &'a [String] },
    /// What was kept of a removed source has gone; how many documents.
    SourceGone { source: &'a SourceId, documents: u64 },
    /// An administrator made an application (`application_made`) or changed it (`application_changed`), with the keys of what
    /// was said; never what was said.
    Application { user: &'a UserId, what: &'a str, application: &'a ApplicationId, keys: &'a [&'a str] },
    /// An administrator deleted an application: with it went so many assignments and the keys of so many conversations.
    ApplicationDeleted { user: &'a UserId, application: &'a ApplicationId, assignments: u64, conversations: u64 },
    /// An administrator assigned an application (`assigned`) or took it back (`unassigned`): a leaf for each person or group;
    /// neither of them for everybody.
    Assigned {
        user: &'a UserId,
        what: &'a str,
        application: &'a ApplicationId,
        whom: Option<&'a UserId>,
        group: Option<&'a str>,
        tier: Option<&'a str>,
    },
    /// An administrator gave a person a seat (`subscribed`), took it (`unsubscribed`), or took it with every assignment
    /// (`removed`): a leaf for each person.
    Seat { user: &'a UserId, what: &'a str, whom: &'a UserId, tier: Option<&'a str> },
    /// A backup was made, with so many records.
    BackedUp { records: u64 },
    /// This data folder was made from a backup whose log ended at `size` with `root`. `keys` says by which list of destroyed
    /// keys conversations were opened: `destroyed` (by a list from outside, of `listed` keys), `older` (by the operator's word
    /// alone) or `none` (no conversation was restored). What the log had beyond `size` is not here.
    Restored { size: u64, root: [u8; 32], keys: &'a str, listed: Option<u64> },
    /// A person let the evidence of one of their answers out of the house.
    Released { user: &'a UserId, message: &'a MessageId },
    /// An administrator read or did something on the desk. A target that is a person's id stands as a commitment.
    Desk { user: &'a UserId, what: &'a str, target: &'a str },
}

/// The names of events, in their order: what a search offers. One that is missing here is found all the same.
pub const EVENTS: &[&str] = &[
    "aliased",
    "answered",
    "application_changed",
    "application_deleted",
    "application_made",
    "asked",
    "assigned",
    "audit_read",
    "backed_up",
    "checkpoint_sent",
    "desk",
    "explained",
    "key_forgotten",
    "keys_renewed",
    "local_administrator",
    "managed",
    "opened",
    "permissions_changed",
    "person_erased",
    "person_forgotten",
    "protection",
    "provisioned",
    "rated",
    "recalled",
    "released",
    "remembered",
    "removed",
    "restored",
    "root_key",
    "scim_token",
    "searched",
    "settings_changed",
    "sign_in_refused",
    "sign_out_refused",
    "signed_in",
    "signed_out",
    "source_gone",
    "source_set",
    "started",
    "stopped",
    "subscribed",
    "sync_ended",
    "sync_started",
    "tail_cut",
    "tested",
    "unassigned",
    "unsubscribed",
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
            Event::LocalAdministrator { what, whom } => {
                ("local_administrator", None, json!({ "what": what, "target": whom }))
            }
            Event::Managed { user, what, whom, group } => {
                let mut fields = json!({ "what": what, "target": whom });
                if let Some(group) = group {
                    fields["group"] = json!(group);
                }
                ("managed", Some(*user), fields)
            }
            Event::Provisioned { by, change, target } => {
                ("provisioned", None, json!({ "by": by, "change": change, "target": target }))
            }
            Event::ScimToken { user, what, token } => {
                ("scim_token", Some(*user), json!({ "what": what, "token": token }))
            }
            Event::Asked { user, conversation, question, inputs, visible, shown } => {
                let fields = json!({
                    "conversation": conversation, "question": hex::encode(question), "inputs": hex::encode(inputs),
                    "visible": hex::encode(visible), "shown": ids(shown),
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
            Event::Remembered { user, query, found } => {
                ("remembered", Some(*user), json!({ "query": hex::encode(query), "found": found }))
            }
            Event::Protection { user, what, with } => {
                ("protection", Some(*user), json!({ "what": what, "with": with }))
            }
            Event::RootKey { step } => ("root_key", None, json!({ "step": step })),
            Event::KeysRenewed { by, whom } => ("keys_renewed", None, json!({ "by": by, "target": whom })),
            Event::KeyForgotten { user, conversation } => {
                ("key_forgotten", Some(*user), json!({ "conversation": conversation }))
            }
            Event::PersonForgotten { user } => ("person_forgotten", Some(*user), json!({})),
            Event::PersonErased { user, whom } => ("person_erased", Some(*user), json!({ "target": whom })),
            Event::SyncStarted { source, mode } => ("sync_started", None, json!({ "source": source, "mode": mode })),
            Event::PermissionsChanged { source, run, grants, places, restrictions, people } => {
                let fields = json!({
                    "source": source, "run": run, "grants": grants, "places": places, "restrictions": restrictions,
                    "people": people,
                });
                ("permissions_changed", None, fields)
            }
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
            Event::SourceSet { user, source, what, keys } => {
                ("source_set", Some(*user), json!({ "source": source, "what": what, "keys": keys }))
            }
            Event::SourceGone { source, documents } => {
                ("source_gone", None, json!({ "source": source, "documents": documents }))
            }
            Event::Application { user, what, application, keys } => {
                (*what, Some(*user), json!({ "application": application, "keys": keys }))
            }
            Event::ApplicationDeleted { user, application, assignments, conversations } => {
                let fields = json!({
                    "application": application, "assignments": assignments, "conversations": conversations,
                });
                ("application_deleted", Some(*user), fields)
            }
            Event::Assigned { user, what, application, whom, group, tier } => {
                let mut fields = json!({ "application": application });
                if let Some(tier) = tier {
                    fields["tier"] = json!(tier);
                }
                match (whom, group) {
                    (Some(whom), _) => fields["target"] = json!(whom),
                    (None, Some(group)) => fields["group"] = json!(group),
                    (None, None) => {}
                }
                (*what, Some(*user), fields)
            }
            Event::Seat { user, what, whom, tier } => {
                let mut fields = json!({ "target": whom });
                if let Some(tier) = tier {
                    fields["tier"] = json!(tier);
                }
                (*what, Some(*user), fields)
            }
            Event::BackedUp { records } => ("backed_up", None, json!({ "records": records })),
            Event::Restored { size, root, keys, listed } => {
                let mut fields = json!({ "backup_size": size, "backup_root": hex::encode(root), "keys": keys });
                if let Some(listed) = listed {
                    fields["listed"] = json!(listed);
                }
                ("restored", None, fields)
            }
            Event::Released { user, message } => ("released", Some(*user), json!({ "message": message })),
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
    fn a_search_offers_the_name_of_every_event() {
        let text = include_str!("event.rs");
        let taken_apart = &text[text.find("pub(super) fn parts").unwrap()..text.find("let Value::Object").unwrap()];
        let names = taken_apart.match_indices("(\"").map(|(at, _)| {
            let rest = &taken_apart[at + 2..];
            &rest[..rest.find('"').unwrap()]
        });
        let names: Vec<&str> = names.filter(|name| taken_apart.contains(&format!("(\"{name}\", "))).collect();

        assert!(names.len() > 20 && EVENTS.is_sorted());
        let missing: Vec<&&str> = names.iter().filter(|name| !EVENTS.contains(name)).collect();
        assert!(missing.is_empty(), "EVENTS lacks {missing:?}");
    }
}
