//! The auditor's desk on the wire: leaves, proofs, checkpoints, places outside.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::directory::Role;
use crate::{app, audit};

/// Which leaves are wanted.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// Names of events, with commas between them.
    pub event: String,
    /// Who did it: a user name, or our id.
    pub actor: String,
    /// Who did it or whom it was done to.
    pub person: String,
    /// An id that stands in it: of a document, a conversation, a message, a source, a group.
    pub object: String,
    /// From this moment on, RFC 3339.
    pub from: String,
    /// Before this moment, RFC 3339.
    pub until: String,
    /// Leaves at most; 50 where absent, 200 at most.
    pub limit: Option<usize>,
    /// `next_cursor` of the part before.
    pub cursor: Option<String>,
}

impl AuditQuery {
    /// Whether nothing narrows it.
    pub fn is_empty(&self) -> bool {
        let AuditQuery { event, actor, person, object, from, until, limit: _, cursor } = self;
        [event, actor, person, object, from, until].into_iter().all(|text| text.trim().is_empty()) && cursor.is_none()
    }
}

/// Which part of a report is wanted.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct ReportPart {
    /// From this moment on, RFC 3339.
    pub from: String,
    /// Before this moment, RFC 3339.
    pub until: String,
    /// Leaves at most; 50 where absent, 200 at most.
    pub limit: Option<usize>,
    /// `next_cursor` of the part before.
    pub cursor: Option<String>,
}

/// What is taken away, and in which form. What narrows it is what narrows a search.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditExport {
    /// `jsonl`, `csv`, `ocsf` or `values`.
    #[param(inline)]
    pub format: TakenForm,
    /// Names of events, with commas between them.
    #[serde(default)]
    pub event: String,
    /// Who did it: a user name, or our id.
    #[serde(default)]
    pub actor: String,
    /// Who did it or whom it was done to.
    #[serde(default)]
    pub person: String,
    /// An id that stands in it.
    #[serde(default)]
    pub object: String,
    /// From this moment on, RFC 3339.
    #[serde(default)]
    pub from: String,
    /// Before this moment, RFC 3339.
    #[serde(default)]
    pub until: String,
}

impl AuditExport {
    /// Its form, and what narrows it.
    pub fn parts(self) -> (TakenForm, AuditQuery) {
        let AuditExport { format, event, actor, person, object, from, until } = self;
        (format, AuditQuery { event, actor, person, object, from, until, limit: None, cursor: None })
    }
}

/// The form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TakenForm {
    /// JSON lines.
    Jsonl,
    /// A table.
    Csv,
    /// OCSF 1.5, a line each.
    Ocsf,
    /// Salts and values.
    Values,
}

impl TakenForm {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            TakenForm::Jsonl => "jsonl",
            TakenForm::Csv => "csv",
            TakenForm::Ocsf => "ocsf",
            TakenForm::Values => "values",
        }
    }
}

/// Which proof.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WhichProof {
    /// That this leaf is in the log.
    pub leaf: Option<u64>,
    /// That the log begins with its first so many leaves.
    pub old: Option<u64>,
}

/// A part of what was found.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditLeaves {
    /// The newest first.
    pub leaves: Vec<AuditLeaf>,
    /// Where the search goes on; there may be none yet that fits and still more to look at.
    pub next_cursor: Option<String>,
    /// Whether the asker is told whose leaves they are.
    pub names: bool,
}

/// A leaf.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditLeaf {
    /// Its number.
    pub index: u64,
    /// RFC 3339.
    pub at: String,
    /// The name of the event.
    pub event: String,
    /// Who did it, for who may be told.
    pub actor: Option<AuditPerson>,
    /// Whom it was done to, for who may be told.
    pub subject: Option<AuditPerson>,
    /// Its other fields; a person stands there as a commitment.
    #[schema(value_type = Object)]
    pub fields: serde_json::Value,
}

/// A person of a leaf.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditPerson {
    /// Our id.
    pub id: String,
    /// As they were provisioned; `null` for who is gone.
    pub user_name: Option<String>,
    /// What the page calls them; `null` for who is gone.
    pub display_name: Option<String>,
}

/// A leaf with the proof that it is in the log.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProvenLeaf {
    /// The leaf.
    pub leaf: AuditLeaf,
    /// The line that is hashed.
    pub line: String,
    /// SHA-256(0x00 ‖ line), hex.
    pub hash: String,
    /// From the leaf's neighbour up to the root, hex (RFC 6962 §2.1.1).
    pub proof: Vec<String>,
    /// Leaves in the tree.
    pub size: u64,
    /// Its root, hex.
    pub root: String,
    /// The signed checkpoint.
    pub checkpoint: String,
    /// The key that it was signed with (C2SP).
    pub key: String,
    /// All of it as one text that verifies offline (c2sp.org/tlog-proof).
    pub text: String,
}

/// What came of reading every leaf again.
#[derive(Debug, Serialize, ToSchema)]
pub struct Verified {
    /// Whether all of it fits.
    pub ok: bool,
    /// Leaves that were read.
    pub size: Option<u64>,
    /// The root, hex.
    pub root: Option<String>,
    /// The first leaf that does not fit.
    pub leaf: Option<u64>,
    /// What is wrong.
    pub why: Option<String>,
}

/// The last checkpoint, and what of the log is held outside.
#[derive(Debug, Serialize, ToSchema)]
pub struct Checkpoints {
    /// Leaves that it signed.
    pub size: u64,
    /// Their root, hex.
    pub root: String,
    /// When it was signed, RFC 3339.
    pub at: String,
    /// The signed note.
    pub checkpoint: String,
    /// The key that it was signed with (C2SP).
    pub key: String,
    /// The places outside.
    pub outside: Outside,
    /// Whether the asker is an auditor, who reads the log.
    pub auditor: bool,
    /// Whether the asker is an administrator, who sends checkpoints and erases who is gone.
    pub administrator: bool,
}

/// What of the log is held outside this machine.
#[derive(Debug, Serialize, ToSchema)]
pub struct Outside {
    /// The places that the settings name.
    pub places: Vec<OutsidePlace>,
    /// When the newest checkpoint was signed that one of them took, RFC 3339.
    pub newest_at: Option<String>,
    /// Leaves that it signed.
    pub newest_size: Option<u64>,
    /// Leaves that came after it.
    pub leaves_since: u64,
    /// Minutes between checkpoints sent by themselves; 0 for none.
    pub every_minutes: u64,
}

/// One place outside.
#[derive(Debug, Serialize, ToSchema)]
pub struct OutsidePlace {
    /// `folder`, `syslog` or `url`.
    pub place: &'static str,
    /// Where it is.
    pub address: String,
    /// When the newest checkpoint was signed that it took, RFC 3339.
    pub taken_at: Option<String>,
    /// Leaves that it signed.
    pub taken_size: Option<u64>,
    /// When something was last sent there, RFC 3339.
    pub tried_at: Option<String>,
    /// Why the last attempt failed.
    pub cause: Option<String>,
    /// What to do about it.
    pub remedy: Option<String>,
    /// What is odd about a place that takes what is sent.
    pub doubt: Option<String>,
}

/// The filters of an auditor.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditFilters {
    /// By name.
    pub filters: Vec<AuditFilter>,
    /// The names of all events.
    pub events: &'static [&'static str],
    /// Whether the asker is told whose leaves they are.
    pub names: bool,
}

/// A filter.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditFilter {
    /// What it is called.
    pub name: String,
    /// The query of a search.
    pub query: String,
}

/// What a filter is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeepFilter {
    /// The query of a search.
    pub query: String,
}

/// Who is gone and still stands in the log.
#[derive(Debug, Serialize, ToSchema)]
pub struct Erasures {
    /// By id.
    pub people: Vec<GonePerson>,
}

/// Somebody who is gone.
#[derive(Debug, Serialize, ToSchema)]
pub struct GonePerson {
    /// Who.
    #[serde(flatten)]
    pub person: AuditPerson,
    /// The last leaf that is about them.
    pub last_leaf: Option<u64>,
    /// When it was written, RFC 3339.
    pub last_at: Option<String>,
}

/// Who is to be erased.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Erase {
    /// Our id of the person.
    pub user: String,
}

/// Fields that a leaf is told by on their own.
const OWN: [&str; 4] = ["index", "at", "event", "previous"];

impl From<&app::Named> for AuditPerson {
    fn from(named: &app::Named) -> AuditPerson {
        let (user_name, display_name) = named.names.clone().unzip();
        AuditPerson { id: named.id.to_string(), user_name, display_name }
    }
}

impl From<&app::TheLeaf> for AuditLeaf {
    fn from(told: &app::TheLeaf) -> AuditLeaf {
        let leaf = &told.leaf;
        let mut fields = leaf.fields.clone();
        fields.retain(|name, _| !OWN.contains(&name.as_str()));
        AuditLeaf {
            index: leaf.index,
            at: leaf.at().to_owned(),
            event: leaf.event().to_owned(),
            actor: told.actor.as_ref().map(AuditPerson::from),
            subject: told.subject.as_ref().map(AuditPerson::from),
            fields: serde_json::Value::Object(fields),
        }
    }
}

impl From<&app::TheLeaves> for AuditLeaves {
    fn from(found: &app::TheLeaves) -> AuditLeaves {
        AuditLeaves {
            leaves: found.leaves.iter().map(AuditLeaf::from).collect(),
            next_cursor: found.next.map(|next| next.to_string()),
            names: found.names,
        }
    }
}

impl ProvenLeaf {
    /// Of a leaf, its proof, and the log's key.
    pub fn of(told: &app::TheLeaf, proof: &audit::Proof, key: String) -> ProvenLeaf {
        ProvenLeaf {
            leaf: AuditLeaf::from(told),
            line: told.leaf.line.clone(),
            hash: hex::encode(told.leaf.hash()),
            proof: proof.hashes.iter().map(hex::encode).collect(),
            size: proof.checkpoint.size,
            root: hex::encode(proof.checkpoint.root),
            checkpoint: proof.checkpoint.note.clone(),
            key,
            text: proof.text(&told.leaf.line),
        }
    }
}

impl From<&Result<audit::Verified, audit::Error>> for Verified {
    fn from(found: &Result<audit::Verified, audit::Error>) -> Verified {
        match found {
            Ok(verified) => Verified {
                ok: true,
                size: Some(verified.size),
                root: Some(hex::encode(verified.root)),
                leaf: None,
                why: None,
            },
            Err(error) => {
                let leaf = match error {
                    audit::Error::Broken { leaf, .. } => Some(*leaf),
                    audit::Error::Unfit(_) | audit::Error::Vault(_) | audit::Error::Store(_) => None,
                };
                Verified { ok: false, size: None, root: None, leaf, why: Some(error.to_string()) }
            }
        }
    }
}

impl Checkpoints {
    /// Of a checkpoint, the log's key, what is held outside, and the roles of the asker.
    pub fn of(head: &audit::Checkpoint, key: String, outside: &app::OutsideState, roles: &[Role]) -> Checkpoints {
        Checkpoints {
            auditor: roles.contains(&Role::Auditor),
            administrator: roles.contains(&Role::Administrator),
            size: head.size,
            root: hex::encode(head.root),
            at: head.at.rfc3339(),
            checkpoint: head.note.clone(),
            key,
            outside: Outside::from(outside),
        }
    }
}

impl From<&app::OutsideState> for Outside {
    fn from(state: &app::OutsideState) -> Outside {
        let place = |known: &app::OutsidePlace| {
            let (taken, failed) = (known.stand.taken, known.stand.failed.clone());
            let (cause, remedy) = failed.unzip();
            OutsidePlace {
                place: known.place.word(),
                address: known.stand.address.clone(),
                taken_at: taken.map(|(at, _)| at.rfc3339()),
                taken_size: taken.map(|(_, size)| size),
                tried_at: known.stand.tried.map(|at| at.rfc3339()),
                cause,
                remedy,
                doubt: known.stand.doubt.clone(),
            }
        };
        Outside {
            places: state.places.iter().map(place).collect(),
            newest_at: state.newest.map(|(at, _)| at.rfc3339()),
            newest_size: state.newest.map(|(_, size)| size),
            leaves_since: state.since,
            every_minutes: state.minutes,
        }
    }
}

impl From<&[app::Gone]> for Erasures {
    fn from(gone: &[app::Gone]) -> Erasures {
        let person = |gone: &app::Gone| {
            let (last_leaf, last_at) = gone.last.clone().unzip();
            GonePerson { person: AuditPerson::from(&gone.person), last_leaf, last_at }
        };
        Erasures { people: gone.iter().map(person).collect() }
    }
}
