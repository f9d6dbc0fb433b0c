//! Takes changes and commits them.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use tantivy::indexer::IndexWriterOptions;
use tantivy::{IndexWriter, TantivyDocument};

use super::fields::{FORM, Fields};
use super::language::Language;
use super::snapshot::Snapshot;
use super::vector::Quantised;
use super::{Error, Head, Settings};
use crate::acl::AclClass;
use crate::corpus::{Document, DocumentId, Passage, PassageId};

/// The least memory that tantivy takes for its writer, in bytes.
const WRITER_BYTES_MIN: u64 = 15_000_000;
/// The most.
const WRITER_BYTES_MAX: u64 = 4_000_000_000;

/// What an uncommitted change did to a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Touch {
    /// Its words or its class are new: once committed it may be found again.
    Shown,
    /// It was added or changed and then withheld: once committed it stays withheld.
    Hidden,
    /// It is deleted.
    Removed,
    /// Only vectors were added.
    Vectors,
}

/// The writer and what it has not committed yet.
pub(super) struct Writing {
    writer: IndexWriter,
    folder: PathBuf,
    /// Documents changed since the last commit. Their committed form is not what will be committed, so a change that
    /// builds on the committed form must not be made to them before a commit: it would bring back an old class.
    pub(super) touched: HashMap<DocumentId, Touch>,
    /// The number of the last change that is durable.
    pub(super) reached: u64,
    /// How many more changes and commits are taken before all of them fail, as if the machine had lost its power.
    #[cfg(test)]
    pub(super) writes_left: u64,
}

impl Writing {
    pub(super) fn open(index: &tantivy::Index, folder: &Path, settings: &Settings) -> Result<Writing, Error> {
        let reached = match index.load_metas()?.payload {
            Some(payload) => reached_of(&payload)?,
            None if index.searchable_segments()?.is_empty() => 0,
            None => return Err(Error::Stale("it does not say which form it has".to_owned())),
        };
        let bytes = settings.writer_bytes.clamp(WRITER_BYTES_MIN, WRITER_BYTES_MAX) as usize;
        // One thread for writing and one for merging: answers have the other cores.
        let options =
            IndexWriterOptions::builder().num_worker_threads(1).num_merge_threads(1).memory_budget_per_thread(bytes);
        let writer: IndexWriter = index.writer_with_options(options.build())?;
        // A crash in the middle of a commit leaves files that no commit names. The next commit counts on from the last one that
        // came to its end, so it would give a file the name of one of those, and fail, and so at each start.
        let _removed = writer.garbage_collect_files().wait()?;
        Ok(Writing {
            writer,
            folder: folder.to_owned(),
            touched: HashMap::new(),
            reached,
            #[cfg(test)]
            writes_left: u64::MAX,
        })
    }

    /// Called before each change and commit. In tests it may be the one that fails.
    #[cfg(test)]
    pub(super) fn begin(&mut self) -> Result<(), Error> {
        if self.writes_left == 0 {
            return Err(Error::Broken("this test lets no more be written".into()));
        }
        self.writes_left -= u64::from(self.writes_left < u64::MAX);
        Ok(())
    }

    #[cfg(not(test))]
    pub(super) fn begin(&mut self) -> Result<(), Error> {
        Ok(())
    }

    /// Puts a document with its passages in the place of what was there.
    pub(super) fn replace(
        &mut self,
        fields: &Fields,
        document: &Document,
        class: AclClass,
        passages: &[Passage],
        vectors: Option<&[Box<[f32]>]>,
    ) -> Result<(), Error> {
        let (head, language) = (Head::of(document), Language::of(document));
        let mut entries = vec![fields.whole(document, class)?];
        for (n, passage) in passages.iter().enumerate() {
            let vector = vectors.and_then(|vectors| vectors.get(n)).and_then(|vector| Quantised::of(vector));
            entries.push(fields.passage(&head, passage, language, class, vector.as_ref())?);
        }
        self.put(fields, &document.id, entries)
    }

    /// Gives a document another class. It must not have been touched since the last commit.
    pub(super) fn reclass(
        &mut self,
        fields: &Fields,
        snapshot: &Snapshot,
        id: &DocumentId,
        class: AclClass,
    ) -> Result<(), Error> {
        let mut entries = Vec::new();
        for (segment, doc) in snapshot.entries(&fields.of_document(id))? {
            let stored = snapshot.stored(segment, doc)?;
            entries.push(if snapshot.segments[segment].wholes.has(doc) {
                fields.whole(&fields.read_whole(&stored)?, class)?
            } else {
                let stored = fields.read_passage(&stored)?;
                let (language, vector) = (stored.language(), snapshot.segments[segment].vector(doc));
                fields.passage(&stored.head, &stored.passage, language, class, vector.as_ref())?
            });
        }
        if entries.is_empty() {
            return Ok(());
        }
        self.put(fields, id, entries)
    }

    /// Gives a passage its vector, in its committed form. Its document must not have been touched otherwise.
    pub(super) fn vector(
        &mut self,
        fields: &Fields,
        snapshot: &Snapshot,
        id: &PassageId,
        vector: &[f32],
    ) -> Result<(), Error> {
        let Some(vector) = Quantised::of(vector) else { return Ok(()) };
        let term = fields.of_passage(id);
        let Some((segment, doc)) = snapshot.entries(&term)?.pop() else { return Ok(()) };
        let stored = fields.read_passage(&snapshot.stored(segment, doc)?)?;
        let class = snapshot.segments[segment].class(doc);
        let entry = fields.passage(&stored.head, &stored.passage, stored.language(), class, Some(&vector))?;
        self.touched.insert(id.document.clone(), Touch::Vectors);
        self.writer.delete_term(term);
        self.writer.add_document(entry)?;
        Ok(())
    }

    pub(super) fn remove(&mut self, fields: &Fields, id: &DocumentId) {
        self.touched.insert(id.clone(), Touch::Removed);
        self.writer.delete_term(fields.of_document(id));
    }

    /// What was shown by an uncommitted change is not shown after all.
    pub(super) fn withhold(&mut self, id: &DocumentId) {
        if let Some(touch) = self.touched.get_mut(id)
            && *touch == Touch::Shown
        {
            *touch = Touch::Hidden;
        }
    }

    fn put(&mut self, fields: &Fields, id: &DocumentId, entries: Vec<TantivyDocument>) -> Result<(), Error> {
        // Said before it is done: should adding fail half way, no later change takes the committed form for the whole.
        self.touched.insert(id.clone(), Touch::Shown);
        self.writer.delete_term(fields.of_document(id));
        for entry in entries {
            self.writer.add_document(entry)?;
        }
        Ok(())
    }

    /// Commits, and gives what was touched. After an error nothing since the last commit is in the index.
    pub(super) fn commit(&mut self, reached: u64) -> Result<HashMap<DocumentId, Touch>, Error> {
        let payload = format!("{FORM} {reached}");
        let mut commit = || -> Result<(), Error> {
            let mut prepared = self.writer.prepare_commit()?;
            prepared.set_payload(&payload);
            prepared.commit()?;
            // tantivy renames its new meta file into place and does not sync the folder: without this a power cut may
            // bring the old commit back.
            File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(broken)
        };
        if let Err(error) = commit() {
            self.writer.rollback()?;
            self.touched.clear();
            return Err(error);
        }
        self.reached = reached;
        Ok(std::mem::take(&mut self.touched))
    }
}

pub(super) fn reached_of(payload: &str) -> Result<u64, Error> {
    let stale = || Error::Stale(format!("its form is {payload:?}, this binary's is {FORM:?}"));
    let (form, reached) = payload.split_once(' ').ok_or_else(stale)?;
    if form == FORM { reached.parse().map_err(|_| stale()) } else { Err(stale()) }
}

fn broken(error: std::io::Error) -> Error {
    Error::Broken(error.into())
}
