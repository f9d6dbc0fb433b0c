//! The auditor's desk: what happened, found, proved and exported. Ids, counts and digests; whose a leaf is only for who may be
//! told it. Each look is itself a leaf.

use std::io::Write;

use super::{App, Asker, Error};
use crate::audit::{self, Event, Extension, Filter, Leaf, Proof, SavedFilter, Verified};
use crate::corpus::DocumentId;
use crate::directory::Role;
use crate::names::{UserId, UserName};

/// Leaves given at once at most, and where nothing else was asked for.
const ROWS_MAX: usize = 200;
const ROWS: usize = 50;

/// Events in which something of a document was shown to somebody, or was looked at for them.
pub const SHOWING: [&str; 7] = ["asked", "answered", "searched", "opened", "recalled", "tested", "explained"];

/// Which leaves an auditor looks for, in their own words.
#[derive(Debug, Clone, Default)]
pub struct Sought {
    /// What does not name a person.
    pub filter: Filter,
    /// Who did it: a user name or our id.
    pub actor: String,
    /// Who did it or whom it was done to.
    pub person: String,
    /// The leaf before which the search goes on.
    pub before: Option<u64>,
    /// Leaves at most.
    pub limit: Option<usize>,
}

/// A person of a leaf, for who may be told.
#[derive(Debug, Clone)]
pub struct Named {
    /// Our id.
    pub id: UserId,
    /// As the directory has them; `None` where they are gone from it.
    pub names: Option<(String, String)>,
}

/// A leaf as an auditor is told it.
#[derive(Debug, Clone)]
pub struct TheLeaf {
    /// The leaf. Whose it is stands in it only for who may be told.
    pub leaf: Leaf,
    /// Who did it.
    pub actor: Option<Named>,
    /// Whom it was done to.
    pub subject: Option<Named>,
}

/// A part of what was found.
#[derive(Debug, Clone)]
pub struct TheLeaves {
    /// The newest first.
    pub leaves: Vec<TheLeaf>,
    /// The leaf before which the search goes on; `None` at its end.
    pub next: Option<u64>,
    /// Whether the asker is told whose leaves they are.
    pub names: bool,
}

/// What an auditor takes away.
#[derive(Debug, Clone)]
pub struct Taking {
    /// Which leaves.
    pub filter: Filter,
    /// Whether the asker is told whose they are.
    pub names: bool,
}

/// Somebody who is gone and still stands in the log.
#[derive(Debug, Clone)]
pub struct Gone {
    /// Who.
    pub person: Named,
    /// The last leaf that is about them, and when it was written, RFC 3339.
    pub last: Option<(u64, String)>,
}

impl App {
    /// What happened, the newest first; the asker must be an auditor, and one who may be told names where they ask for a person.
    pub fn audit_search(&self, asker: &Asker, sought: &Sought) -> Result<TheLeaves, Error> {
        let names = self.auditors_only(asker)?;
        let filter = self.filter(sought, names)?;
        let subject = filter.person.or(filter.actor).map(|user| user.to_string()).unwrap_or_default();
        self.audit_looked_at(asker, "search", &subject, names)?;
        self.found(&filter, sought, names)
    }

    /// To whom something of a document was shown, the newest first.
    pub fn shown_document(&self, asker: &Asker, document: &DocumentId, sought: &Sought) -> Result<TheLeaves, Error> {
        let names = self.auditors_only(asker)?;
        self.audit_looked_at(asker, "shown_document", document.as_str(), names)?;
        let filter = Filter { events: showing(), object: document.to_string(), ..sought.filter.clone() };
        self.found(&filter, sought, names)
    }

    /// What a person was shown, the newest first; only for an auditor who may be told names.
    pub fn shown_person(&self, asker: &Asker, person: &str, sought: &Sought) -> Result<TheLeaves, Error> {
        let names = self.auditors_only(asker)?;
        let user = self.sought_person(person, names)?;
        self.audit_looked_at(asker, "shown_person", &user.to_string(), names)?;
        let filter = Filter { events: showing(), actor: Some(user), ..sought.filter.clone() };
        self.found(&filter, sought, names)
    }

    fn found(&self, filter: &Filter, sought: &Sought, names: bool) -> Result<TheLeaves, Error> {
        let most = sought.limit.unwrap_or(ROWS).clamp(1, ROWS_MAX);
        let found = self.audit.search(filter, sought.before, most)?;
        let leaves = found.leaves.into_iter().map(|leaf| self.told(leaf, names)).collect::<Result<_, _>>()?;
        Ok(TheLeaves { leaves, next: found.next, names })
    }

    /// One leaf, with the proof that it is in the log.
    pub fn audit_leaf(&self, asker: &Asker, index: u64) -> Result<(TheLeaf, Proof), Error> {
        let names = self.auditors_only(asker)?;
        self.audit_looked_at(asker, "leaf", &index.to_string(), names)?;
        let leaf = self.audit.leaf(index)?.ok_or(Error::NotThere)?;
        let proof = self.audit.prove(index)?.ok_or(Error::NotThere)?;
        Ok((self.told(leaf, names)?, proof))
    }

    /// The proof that a leaf is in the log, and the leaf as it is exported; the asker must be an auditor.
    pub fn audit_proof(&self, asker: &Asker, index: u64) -> Result<(String, Proof), Error> {
        let names = self.auditors_only(asker)?;
        self.audit_looked_at(asker, "proof", &index.to_string(), names)?;
        self.proof_as_owner(index)
    }

    /// The proof that the log begins with its first `old` leaves as they were; the asker must be an auditor.
    pub fn audit_extension(&self, asker: &Asker, old: u64) -> Result<Extension, Error> {
        let names = self.auditors_only(asker)?;
        self.audit_looked_at(asker, "consistency", &old.to_string(), names)?;
        self.extension_as_owner(old)
    }

    /// The same for the owner of the machine.
    pub fn proof_as_owner(&self, index: u64) -> Result<(String, Proof), Error> {
        let none = || Error::Unreadable(format!("there is no leaf {index}; the log has {}", self.audit.size()));
        let leaf = self.audit.leaf(index)?.ok_or_else(none)?;
        let proof = self.audit.prove(index)?.ok_or_else(none)?;
        Ok((leaf.line, proof))
    }

    /// Puts on record that the owner of the machine read the log, at the machine itself.
    pub fn owner_reads_audit(&self, what: &str, target: &str) -> Result<(), Error> {
        let event = Event::AuditRead { user: None, by: "owner", what, target, names: false };
        let receipt = self.audit.append(&event)?;
        tracing::debug!(leaf = receipt.leaf(), what, "the audit log was read by the owner");
        Ok(())
    }

    /// The log's name in its checkpoints.
    pub fn audit_origin(&self) -> &str {
        self.audit.origin()
    }

    /// The same for the owner of the machine.
    pub fn extension_as_owner(&self, old: u64) -> Result<Extension, Error> {
        let fewer = || {
            Error::Unreadable(format!(
                "the log has {} leaves and not {old}: what came after was cut off, or that checkpoint is of another log",
                self.audit.size()
            ))
        };
        self.audit.extension(old)?.ok_or_else(fewer)
    }

    /// Reads every leaf from the disk again and checks it; the asker must be an auditor.
    pub fn audit_check(&self, asker: &Asker) -> Result<Result<Verified, audit::Error>, Error> {
        let names = self.auditors_only(asker)?;
        self.audit_looked_at(asker, "verify", "", names)?;
        match self.audit.check() {
            Ok(verified) => Ok(Ok(verified)),
            Err(error @ (audit::Error::Broken { .. } | audit::Error::Unfit(_))) => {
                tracing::error!(error = &error as &dyn std::error::Error, "the audit log does not fit");
                Ok(Err(error))
            }
            Err(error @ (audit::Error::Vault(_) | audit::Error::Store(_))) => Err(error.into()),
        }
    }

    /// The last checkpoint, signed anew where something came after it; an auditor's or an administrator's to see.
    pub fn audit_head(&self, asker: &Asker) -> Result<audit::Checkpoint, Error> {
        if !asker.has(Role::Auditor) && !asker.has(Role::Administrator) {
            return Err(Error::NotThere);
        }
        self.audit_looked_at(asker, "checkpoints", "", false)?;
        Ok(self.audit.checkpoint()?)
    }

    /// Begins to take leaves away; the asker must be an auditor.
    pub fn begin_taking(&self, asker: &Asker, form: &str, sought: &Sought) -> Result<Taking, Error> {
        let names = self.auditors_only(asker)?;
        let filter = self.filter(sought, names)?;
        self.audit_looked_at(asker, "export", form, names)?;
        Ok(Taking { filter, names })
    }

    /// The same for what opens the commitments: only for an auditor who may be told names.
    pub fn begin_taking_values(&self, asker: &Asker) -> Result<(), Error> {
        if !self.auditors_only(asker)? {
            return Err(Error::Unreadable(NO_NAMES.to_owned()));
        }
        self.audit_looked_at(asker, "export", "values", true)
    }

    /// Gives the leaves that are taken, the oldest first.
    pub fn take(
        &self,
        taking: &Taking,
        each: &mut dyn FnMut(&TheLeaf) -> Result<(), audit::Error>,
    ) -> Result<(), audit::Error> {
        self.audit.walk(&taking.filter, &mut |leaf| {
            let told = self.told(leaf, taking.names).map_err(|error| audit::Error::Unfit(super::chain(&error)))?;
            each(&told)
        })
    }

    /// Writes the salts and values of contract §5's second file.
    pub fn take_values(&self, out: &mut dyn Write) -> Result<(), audit::Error> {
        self.audit.export_values(out)
    }

    /// The asker's own filters.
    pub fn audit_filters(&self, asker: &Asker) -> Result<Vec<SavedFilter>, Error> {
        self.auditors_only(asker)?;
        Ok(self.saved.of(asker.user())?)
    }

    /// Keeps one of the asker's filters under its name.
    pub fn keep_audit_filter(&self, asker: &Asker, filter: &SavedFilter) -> Result<(), Error> {
        let names = self.auditors_only(asker)?;
        match self.saved.keep(asker.user(), filter) {
            Err(audit::Error::Unfit(why)) => return Err(Error::Unreadable(why)),
            kept => kept?,
        }
        self.audit_looked_at(asker, "filter_kept", "", names)
    }

    /// Drops one of the asker's filters.
    pub fn drop_audit_filter(&self, asker: &Asker, name: &str) -> Result<(), Error> {
        let names = self.auditors_only(asker)?;
        if !self.saved.remove(asker.user(), name)? {
            return Err(Error::NotThere);
        }
        self.audit_looked_at(asker, "filter_dropped", "", names)
    }

    /// Everybody who is gone, from the directory or only from use, and still stands in the log; the asker must be an
    /// administrator.
    pub fn gone(&self, asker: &Asker) -> Result<Vec<Gone>, Error> {
        self.administrators_only(asker)?;
        let receipt = self.audit.append(&Event::Desk { user: asker.user(), what: "erasures", target: "" })?;
        tracing::debug!(leaf = receipt.leaf(), "who is gone was read");
        let last = self.audit.last_leaves()?;
        let mut gone = Vec::new();
        for user in self.audit.people()? {
            if self.is_here(&user)? {
                continue;
            }
            let leaf = last.get(&user).map_or(Ok(None), |index| self.audit.leaf(*index))?;
            let last = leaf.map(|leaf| (leaf.index, leaf.at().to_owned()));
            gone.push(Gone { person: self.named(user)?, last });
        }
        Ok(gone)
    }

    /// Whether somebody may still act here: active in the directory, or an administrator of emergencies, who is in none.
    fn is_here(&self, user: &UserId) -> Result<bool, Error> {
        let is_active = self.directory.person(user)?.is_some_and(|person| person.active);
        Ok(is_active || self.administrators.find(user)?.is_some())
    }

    /// Destroys what tells which leaves are a person's who is gone; the asker must be an administrator. It cannot be undone.
    pub fn erase_person(&self, asker: &Asker, user: &UserId) -> Result<(), Error> {
        self.administrators_only(asker)?;
        if !self.audit.people()?.contains(user) {
            return Err(Error::NotThere);
        }
        if self.is_here(user)? {
            let why = "only who is gone can be erased: let the identity provider remove or deactivate them first";
            return Err(Error::Unreadable(why.to_owned()));
        }
        // First on record, while it can still say of whom; then this leaf too is nobody's.
        let receipt = self.audit.append(&Event::PersonErased { user: asker.user(), whom: user })?;
        self.audit.erase(user)?;
        tracing::info!(leaf = receipt.leaf(), "a person was erased from the audit log");
        Ok(())
    }

    /// Whether the asker, who must be an auditor, is told whose leaves they are.
    pub fn may_name(&self, asker: &Asker) -> Result<bool, Error> {
        self.auditors_only(asker)
    }

    fn auditors_only(&self, asker: &Asker) -> Result<bool, Error> {
        if !asker.has(Role::Auditor) {
            return Err(Error::NotThere);
        }
        Ok(self.directory.is_in_any(asker.user(), &self.audit_names))
    }

    fn audit_looked_at(&self, asker: &Asker, what: &str, target: &str, names: bool) -> Result<(), Error> {
        let by = if asker.has(Role::Auditor) { "auditor" } else { "administrator" };
        let event = Event::AuditRead { user: Some(asker.user()), by, what, target, names };
        let receipt = self.audit.append(&event)?;
        tracing::debug!(leaf = receipt.leaf(), what, "the audit log was read");
        Ok(())
    }

    fn filter(&self, sought: &Sought, names: bool) -> Result<Filter, Error> {
        let person = |text: &str| match text.trim() {
            "" => Ok(None),
            text => self.sought_person(text, names).map(Some),
        };
        Ok(Filter { actor: person(&sought.actor)?, person: person(&sought.person)?, ..sought.filter.clone() })
    }

    /// A person by user name or by our id, also one who is gone. Asking for one tells whose leaves are found.
    fn sought_person(&self, text: &str, names: bool) -> Result<UserId, Error> {
        if !names {
            return Err(Error::Unreadable(NO_NAMES.to_owned()));
        }
        let nobody = || Error::Unreadable("nobody has this user name; of who is gone, give the id".to_owned());
        if let Some(id) = UserId::parse(text.trim()) {
            return Ok(id);
        }
        let name = UserName::parse(text.trim()).map_err(|_| nobody())?;
        self.directory.person_named(&name).map(|person| person.id).ok_or_else(nobody)
    }

    fn told(&self, mut leaf: Leaf, names: bool) -> Result<TheLeaf, Error> {
        if !names {
            (leaf.actor, leaf.subject) = (None, None);
        }
        let named = |user: Option<UserId>| user.map(|user| self.named(user)).transpose();
        Ok(TheLeaf { actor: named(leaf.actor)?, subject: named(leaf.subject)?, leaf })
    }

    fn named(&self, id: UserId) -> Result<Named, Error> {
        let person = self.directory.person(&id)?;
        Ok(Named { id, names: person.map(|person| (person.user_name.to_string(), person.display_name.clone())) })
    }
}

/// Said to an auditor who looks for a person and may not be told names.
const NO_NAMES: &str =
    "to you a person stands in the log as a commitment; who may look for one is said by names under [audit]";

fn showing() -> Vec<String> {
    SHOWING.iter().map(|event| (*event).to_owned()).collect()
}
