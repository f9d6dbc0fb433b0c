//! The log: appending with a shared sync, checkpoints, exports.

use std::io::{BufReader, Read as _, Seek as _, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tlog_tiles::tree_hash;

use super::chain::{Chain, Misfit};
use super::files::{self, Handles, Stored};
use super::note::{self, Signer};
use super::people::People;
use super::{CHECKPOINT_DUE, CHECKPOINT_LEAVES, Checkpoint, Error, Event, Receipt, Settings, Verified};
use crate::clock::{Clock, Moment};
use crate::names::{ConversationId, UserId};
use crate::store::durable::{self, Growing, Syncer};
use crate::store::{Commit, Store};
use crate::vault::Vault;

/// The log.
pub struct Log {
    folder: PathBuf,
    clock: Clock,
    signer: Signer,
    pub(super) people: People,
    /// Held while a leaf is numbered, hashed and written, so numbers and the order on disk agree. Never during a sync.
    writer: Mutex<Writer>,
    /// Leaves that were written; moved by the writer, and read without waiting for it.
    written: AtomicU64,
    syncer: Syncer,
    /// What a power cut cannot undo. It trails the writer by what is waiting for a sync.
    commit: Commit,
    pub(super) hashes: Stored,
    /// The last checkpoint. Held while one is signed; taken before the other two.
    last: Mutex<Option<Checkpoint>>,
    /// Leaves that it signs, for who only asks whether it is time for another one.
    signed: AtomicU64,
}

/// Bytes of hashes that wait to be written at most, where the disk takes them.
const HASHES_WAITING: usize = 64 * 1024;

struct Writer {
    leaves: Growing,
    hashes: Growing,
    /// Hashes that are not in their file yet. A checkpoint writes them, and nothing is proved of leaves that it does not sign;
    /// after a crash they follow from the leaves.
    waiting: Vec<u8>,
    chain: Chain,
    /// Where each line begins, and where the next one will.
    starts: Vec<u64>,
}

impl Log {
    /// Opens the log, verifies it, and recovers a tail torn by a crash (said in the log of the process).
    pub fn open(store: &Store, vault: &Vault, clock: Clock, settings: &Settings) -> Result<Log, Error> {
        let folder = store.folder().join("audit");
        durable::make_folder(&folder)?;
        let mut leaves = Growing::open(&folder.join("leaves"))?;
        let mut hashes = Growing::open(&folder.join("hashes"))?;
        let signer = Signer::open(&folder, vault, &settings.origin, leaves.len() == 0)?;
        let last = read_checkpoint(&folder, &signer)?;
        let found = files::recover(&mut leaves, &mut hashes, last.as_ref())?;
        let log = Log {
            people: People::open(&folder, vault)?,
            syncer: leaves.syncer()?,
            commit: Commit::of(found.chain.size()),
            hashes: Stored(hashes.reader()?),
            signed: AtomicU64::new(last.as_ref().map_or(0, |last| last.size)),
            last: Mutex::new(last),
            written: AtomicU64::new(found.chain.size()),
            writer: Mutex::new(Writer {
                leaves,
                hashes,
                waiting: Vec::new(),
                chain: found.chain,
                starts: found.starts,
            }),
            folder,
            clock,
            signer,
        };
        // What a crash left unsynced, and is whole, counts from now on: so it must be on disk.
        log.syncer.sync()?;
        if found.torn > 0 {
            tracing::warn!(bytes = found.torn, "a crash had torn the end of the audit log; it was cut off");
            let _receipt = log.append(&Event::TailCut { bytes: found.torn })?;
        }
        Ok(log)
    }

    /// Appends an event and syncs it. When this returns, a power cut cannot undo it. Concurrent appends share one fsync.
    pub fn append(&self, event: &Event<'_>) -> Result<Receipt, Error> {
        self.commit.check()?;
        let receipt = self.write(event)?;
        fail::fail_point!("audit written");
        let size = self.settle(receipt.leaf + 1)?;
        fail::fail_point!("audit synced");
        let unsigned = size.saturating_sub(self.signed.load(Ordering::Acquire));
        // One signs while the others go on; only where they are far ahead of it they wait.
        let turn = match unsigned {
            ..CHECKPOINT_DUE => None,
            CHECKPOINT_DUE..CHECKPOINT_LEAVES => self.last.try_lock().ok(),
            CHECKPOINT_LEAVES.. => Some(self.last()),
        };
        // The leaf is on disk whatever becomes of this; the next append tries again.
        if let Some(Err(error)) = turn.map(|mut last| self.sign(&mut last)) {
            tracing::warn!(%error, "a checkpoint of the audit log could not be kept");
        }
        Ok(receipt)
    }

    /// Writes an event as the next leaf, not yet synced.
    fn write(&self, event: &Event<'_>) -> Result<Receipt, Error> {
        let parts = event.parts();
        let people = [parts.actor, parts.subject]
            .map(|user| user.map(|user| Ok::<_, Error>((self.people.of(&user)?, user))).transpose());
        let [actor, subject] = people;
        let people = [("actor", actor?), ("subject", subject?)];

        let mut writer = self.writer();
        let leaf = writer.chain.size();
        let mut fields = parts.fields;
        let mut handles: Handles = [None; 2];
        for ((field, person), handle) in people.iter().zip(&mut handles) {
            if let Some((person, user)) = person {
                let commitment = person.commit(leaf, field, &user.to_string());
                fields.insert((*field).to_owned(), hex::encode(commitment.hash).into());
                *handle = Some(person.handle);
            }
        }
        let receipt = writer.write(fields, &handles, self.clock.now())?;
        self.written.store(leaf + 1, Ordering::Release);
        Ok(receipt)
    }

    /// Appends an event so many times and syncs once: a benchmark has no hours to make a large log.
    #[cfg(feature = "probe")]
    pub fn fill(&self, count: u64, event: &Event<'_>) -> Result<(), Error> {
        let mut last = None;
        for _ in 0..count {
            last = Some(self.write(event)?);
        }
        last.map_or(Ok(()), |last| self.settle(last.leaf + 1).map(|_| ()))
    }

    /// Waits until so many leaves are on disk, syncing where nobody else does; gives how many there are.
    fn settle(&self, size: u64) -> Result<u64, Error> {
        self.commit.settle(size, &|| self.written.load(Ordering::Acquire), &|| Ok(self.syncer.sync()?))
    }

    /// Signs the head as it is now.
    pub fn checkpoint(&self) -> Result<Checkpoint, Error> {
        self.sign(&mut self.last())
    }

    fn sign(&self, last: &mut Option<Checkpoint>) -> Result<Checkpoint, Error> {
        let size = self.commit.on_disk();
        if let Some(last) = last.as_ref().filter(|last| last.size == size) {
            return Ok(last.clone());
        }
        self.writer().write_hashes()?;
        let root = tree_hash(size, &self.hashes).map_err(|_| Error::broken(size, "the tree's hashes do not read"))?.0;
        let signed = Checkpoint { size, root, note: self.signer.sign(size, root), at: self.clock.now() };
        let bytes = serde_json::to_vec(&signed).expect("a checkpoint is plain JSON");
        fail::fail_point!("audit signed");
        durable::write(&self.folder.join("checkpoint"), &bytes)?;
        *last = Some(signed.clone());
        self.signed.store(size, Ordering::Release);
        Ok(signed)
    }

    /// Where a copy of the log's files may end: a checkpoint of now, and the length in bytes of the `leaves` that it signs.
    pub fn end_for_copy(&self) -> Result<(Checkpoint, u64), Error> {
        let checkpoint = self.checkpoint()?;
        let starts = &self.writer().starts;
        let at = usize::try_from(checkpoint.size).ok().and_then(|size| starts.get(size));
        let end = at.copied().ok_or_else(|| Error::broken(checkpoint.size, "it is signed and not there"))?;
        Ok((checkpoint, end))
    }

    /// How many leaves there are.
    pub fn size(&self) -> u64 {
        self.commit.on_disk()
    }

    /// The last signed head.
    pub fn last_checkpoint(&self) -> Option<Checkpoint> {
        self.last().clone()
    }

    /// Signs the list of destroyed keys, by owner and conversation (`None` for all of the owner's), as it leaves the machine beside a checkpoint.
    pub fn sign_destroyed(&self, destroyed: &[(UserId, Option<ConversationId>)]) -> String {
        self.signer.sign_destroyed(destroyed)
    }

    /// The log's name.
    pub fn origin(&self) -> &str {
        self.signer.origin()
    }

    /// The public key, as a C2SP verifier key.
    pub fn public_key(&self) -> String {
        self.signer.public_key.clone()
    }

    /// Writes the export of `contract.md` §5: a header line, then a leaf a line. The leaves are checked against the
    /// checkpoint on the way, so an export that was written whole verifies.
    pub fn export(&self, out: &mut dyn Write) -> Result<Verified, Error> {
        let checkpoint = self.checkpoint()?;
        let header = json!({
            "origin": self.signer.origin(), "public_key": self.signer.public_key, "size": checkpoint.size,
            "root": hex::encode(checkpoint.root), "checkpoint": checkpoint.note,
        });
        out.write_all(&canonical(&header))?;
        out.write_all(b"\n")?;
        let mut chain = Chain::default();
        self.between(0, checkpoint.size, |leaf, _, json| {
            chain.add(json).map_err(|misfit| match misfit {
                Misfit::Line(why) => Error::broken(leaf, why),
                Misfit::Neighbours { .. } => Error::broken(leaf, "it, or the leaf before it, was changed"),
            })?;
            out.write_all(json)?;
            Ok(out.write_all(b"\n")?)
        })?;
        if chain.climb.root() != checkpoint.root {
            return Err(Error::broken(checkpoint.size.saturating_sub(1), "the leaves are not those that were signed"));
        }
        out.flush()?;
        Ok(Verified { size: checkpoint.size, root: checkpoint.root })
    }

    /// Writes what opens the commitments, for an auditor entitled to it: a line for each, with `index`, `field`, `salt` and
    /// `value`. Who was erased is not among them.
    pub fn export_values(&self, out: &mut dyn Write) -> Result<(), Error> {
        let size = self.checkpoint()?.size;
        let people = self.people.by_handle()?;
        self.between(0, size, |leaf, handles, _| {
            for (field, handle) in ["actor", "subject"].into_iter().zip(handles) {
                if let Some((user, person)) = handle.and_then(|handle| people.get(&handle)) {
                    let value = user.to_string();
                    let salt = hex::encode(person.commit(leaf, field, &value).salt);
                    let opening = json!({ "index": leaf, "field": field, "salt": salt, "value": value });
                    out.write_all(&canonical(&opening))?;
                    out.write_all(b"\n")?;
                }
            }
            Ok(())
        })?;
        Ok(out.flush()?)
    }

    /// Reads leaves from the disk again, without keeping others from appending.
    pub(super) fn between(
        &self,
        start: u64,
        end: u64,
        mut what: impl FnMut(u64, Handles, &[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (mut file, from, to) = {
            let writer = self.writer();
            let at =
                |leaf: u64| writer.starts[usize::try_from(leaf).unwrap_or(usize::MAX).min(writer.starts.len() - 1)];
            (writer.leaves.reader()?, at(start), at(end))
        };
        file.seek(SeekFrom::Start(from))?;
        let mut lines = BufReader::new(file.take(to.saturating_sub(from)));
        for leaf in start..end {
            let line = files::read_line(&mut lines)?.ok_or_else(|| Error::broken(leaf, "it is missing"))?;
            let (handles, json) = line
                .strip_suffix(b"\n")
                .and_then(files::parse)
                .ok_or_else(|| Error::broken(leaf, "it does not read"))?;
            what(leaf, handles, json)?;
        }
        Ok(())
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn last(&self) -> MutexGuard<'_, Option<Checkpoint>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writer {
    /// Writes the next leaf, not yet synced. Where that fails the file is as it was.
    fn write(
        &mut self,
        mut fields: serde_json::Map<String, Value>,
        handles: &Handles,
        now: Moment,
    ) -> Result<Receipt, Error> {
        let leaf = self.chain.size();
        let at = self.chain.last_at().map_or(now, |last| last.max(now));
        if at > now {
            fields.insert("clock_behind_ms".to_owned(), at.since(now).into());
        }
        fields.insert("index".to_owned(), leaf.into());
        fields.insert("at".to_owned(), at.rfc3339().into());
        if let Some(previous) = self.chain.last_hash() {
            fields.insert("previous".to_owned(), hex::encode(previous).into());
        }
        let json = canonical(&Value::Object(fields));
        let line = files::line(handles, &json);
        if line.len() as u64 >= files::LINE_BYTES_MAX {
            return Err(Error::Unfit(format!("an event of {} bytes is too long for a leaf", line.len())));
        }
        self.leaves.append(&line)?;
        let complete = self.chain.push(&json, at);
        self.starts.push(self.leaves.len());
        complete.iter().for_each(|hash| self.waiting.extend_from_slice(hash));
        if self.waiting.len() >= HASHES_WAITING
            && let Err(error) = self.write_hashes()
        {
            // The leaf stands without them; the checkpoint that needs them tries again and tells.
            tracing::warn!(%error, "the hashes of the audit log could not be written");
        }
        Ok(Receipt { leaf, hash: complete[0] })
    }

    /// Writes the hashes that wait. Where that fails they go on waiting, and their file is as it was.
    fn write_hashes(&mut self) -> Result<(), Error> {
        if !self.waiting.is_empty() {
            self.hashes.append(&self.waiting)?;
            self.waiting.clear();
        }
        Ok(())
    }
}

/// RFC 8785.
fn canonical(value: &Value) -> Vec<u8> {
    serde_json_canonicalizer::to_vec(value).expect("our JSON has text keys and whole numbers below 2^53")
}

fn read_checkpoint(folder: &std::path::Path, signer: &Signer) -> Result<Option<Checkpoint>, Error> {
    let path = folder.join("checkpoint");
    let Some(bytes) = durable::read(&path)? else {
        return Ok(None);
    };
    let unfit = |why: &str| Error::Unfit(format!("{} {why}", path.display()));
    let last: Checkpoint = serde_json::from_slice(&bytes).map_err(|_| unfit("does not read"))?;
    let (size, root) = note::check(&last.note, &signer.public_key)
        .map_err(|_| unfit("is not signed by this log's key; was the origin changed in the settings?"))?;
    if (size, root) != (last.size, last.root) {
        return Err(unfit("does not say what was signed"));
    }
    Ok(Some(last))
}
