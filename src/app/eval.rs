//! Measures how well pages are found: `sotto eval retrieval`.
//!
//! A folder of Markdown pages is cut, classed and indexed as the crawl does it, over a temporary data folder, and each
//! question is put to the same search as the server's, by a person who may see every page.

use std::collections::{HashMap, HashSet};
use std::error::Error as StdError;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Error, find};
use crate::acl::{AnyOf, Classes, Principal, PrincipalSet, Rule};
use crate::answer::{self, Question, Standing};
use crate::clock::Clock;
use crate::corpus::{self, Block, Document, DocumentId, Kind, Sizes, Space};
use crate::extract;
use crate::index::{self, Change, Found, Index, Scope};
use crate::model::{Embed, Generate, Stop};
use crate::names::{Ids, SourceId};
use crate::store::Store;

/// The source that a folder's pages are indexed under.
pub(super) const SOURCE: &str = "pages";
/// Passages embedded at once.
const EMBED_AT_ONCE: usize = 64;
/// Passages asked for at first; more are asked for while they are of fewer than [`RANKS`] documents.
const PASSAGES: usize = 20;
/// How far down a ranking is measured.
const RANKS: usize = 10;

/// What is measured, and on what.
pub struct Retrieval {
    /// A folder of Markdown files; a document's id is its path without `.md`.
    pub pages: PathBuf,
    /// Questions, JSON lines (contract §3).
    pub questions: PathBuf,
    /// Only rows whose field has this value.
    pub only: Vec<(String, String)>,
    /// Only so many answerable and so many unanswerable rows: those whose id has the smallest SHA-256.
    pub sample: Option<usize>,
    /// What becomes of a follow-up.
    pub follow_ups: FollowUps,
    /// What the order of what is found leans towards.
    pub index: index::Settings,
    /// Completes follow-ups; `None` leaves that to the rule.
    pub generate: Option<Arc<dyn Generate>>,
    /// Makes vectors; `None` searches by words alone.
    pub embed: Option<Arc<dyn Embed>>,
    /// Makes the passages' vectors in its place: one that keeps them for the next time.
    pub embed_passages: Option<Arc<dyn Embed>>,
}

/// What becomes of a question that leans on the turns before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FollowUps {
    /// It is rewritten, as the server does.
    Rewritten,
    /// It is searched for as it stands.
    AsTheyStand,
}

/// How well pages were found. Shares are 0 to 1, means over the questions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Retrieved {
    /// Rows that name a relevant document.
    pub questions: usize,
    /// Normalised discounted cumulative gain of the first ten documents.
    pub ndcg_at_10: f64,
    /// Share of the relevant documents among the first five.
    pub recall_at_5: f64,
    /// Share of the relevant documents among the first ten.
    pub recall_at_10: f64,
    /// Share of questions whose first document is relevant.
    pub precision_at_1: f64,
    /// Milliseconds from the question to its passages, the embedding of the question included.
    pub ms_p50: f64,
    /// The slowest twentieth took longer.
    pub ms_p95: f64,
}

/// One row of a file of questions.
#[derive(Debug, Clone, Deserialize)]
pub struct Row {
    /// Names the row.
    #[serde(default)]
    pub id: String,
    /// The words.
    #[serde(alias = "query")]
    pub question: String,
    /// Ids of the documents that are right.
    #[serde(default)]
    pub relevant: Vec<String>,
    /// Whether the pages answer it; when left out, whether a relevant document is named.
    pub answerable: Option<bool>,
    /// Ids of documents left out of the ranking.
    #[serde(default)]
    pub link_sources: Vec<String>,
    /// The turns before a follow-up, oldest first.
    #[serde(default)]
    pub history: Vec<Said>,
    /// All other fields.
    #[serde(flatten)]
    pub more: serde_json::Map<String, serde_json::Value>,
}

/// What somebody said in a turn before.
#[derive(Debug, Clone, Deserialize)]
pub struct Said {
    /// `user`, or anything else for the assistant.
    pub speaker: String,
    /// The words.
    pub text: String,
}

impl Row {
    /// Whether the pages answer it.
    pub fn is_answerable(&self) -> bool {
        self.answerable.unwrap_or(!self.relevant.is_empty())
    }

    /// The turns before, as question and answer.
    pub fn turns(&self) -> Vec<(String, String)> {
        let mut turns: Vec<(String, String)> = Vec::new();
        for said in &self.history {
            if said.speaker == "user" {
                turns.push((said.text.clone(), String::new()));
            } else if let Some((_, answer)) = turns.last_mut() {
                answer.push_str(&said.text);
            }
        }
        turns
    }

    fn has(&self, field: &str, value: &str) -> bool {
        let answerable = self.is_answerable();
        match field {
            "id" => self.id == value,
            "answerable" => answerable.to_string() == value,
            _ => self
                .more
                .get(field)
                .map(|found| found.as_str().map_or_else(|| found.to_string(), str::to_owned))
                .is_some_and(|found| found == value),
        }
    }
}

/// Reads a file of questions: only the rows that have every field of `only`, and of these a `sample`.
pub fn read_rows(path: &Path, only: &[(String, String)], sample: Option<usize>) -> Result<Vec<Row>, Error> {
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
    let mut rows = Vec::new();
    for (n, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let row: Row = serde_json::from_str(line)
            .map_err(|error| Error::Unreadable(format!("{} line {}: {error}", path.display(), n + 1)))?;
        if only.iter().all(|(field, value)| row.has(field, value)) {
            rows.push(row);
        }
    }
    let Some(most) = sample else { return Ok(rows) };
    let mut order: Vec<(bool, [u8; 32], usize)> =
        rows.iter().enumerate().map(|(n, row)| (row.is_answerable(), Sha256::digest(&row.id).into(), n)).collect();
    order.sort();
    let of =
        |is_answerable: bool| order.iter().filter(move |(answerable, _, _)| *answerable == is_answerable).take(most);
    let kept: HashSet<usize> = of(true).chain(of(false)).map(|(_, _, n)| *n).collect();
    Ok(rows.into_iter().enumerate().filter(|(n, _)| kept.contains(n)).map(|(_, row)| row).collect())
}

/// Pages in rooms of their own, over a temporary data folder that goes with this value.
pub struct Shelf {
    index: Index,
    classes: Classes,
    everybody: PrincipalSet,
    /// Of pages that say the same, the first: by page.
    copies: HashMap<String, String>,
    embed: Option<Arc<dyn Embed>>,
    // Dropped after the rooms that have files in it.
    folder: Scratch,
}

/// A temporary folder.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    /// One of this name, below the machine's folder for such; whoever fills it makes it.
    pub(super) fn new(name: &str) -> Scratch {
        Scratch(std::env::temp_dir().join(name))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, folder = %self.0.display(), "a temporary folder is left behind");
        }
    }
}

impl Shelf {
    /// Indexes every page of a folder, with vectors where there is an embedder.
    pub fn fill(
        pages: &Path,
        settings: &index::Settings,
        embed: Option<Arc<dyn Embed>>,
        embed_passages: Option<&Arc<dyn Embed>>,
    ) -> Result<Shelf, Error> {
        Shelf::of(&read_pages(pages)?, settings, embed, embed_passages)
    }

    /// Indexes these documents, with vectors where there is an embedder.
    pub fn of(
        documents: &[Document],
        settings: &index::Settings,
        embed: Option<Arc<dyn Embed>>,
        embed_passages: Option<&Arc<dyn Embed>>,
    ) -> Result<Shelf, Error> {
        let name = format!("sotto-eval-{}", hex::encode(Ids::Random.next()));
        let folder = Scratch::new(&name);
        let store = Store::open(&folder.0).map_err(broken)?;
        let classes = Classes::open(&store).map_err(broken)?;
        let index = Index::open(&folder.0.join("index"), settings).map_err(broken)?;
        let index = index.with_clock(|| Clock::System.now().ms());

        let source = SourceId::parse(SOURCE).expect("the source of an evaluation is a plain word");
        let anyone = Principal::AnyoneOf(source);
        let class = classes.class_of(Rule::new(AnyOf::of([anyone.clone()]))).map_err(broken)?;
        let (mut copies, mut by_text) = (HashMap::new(), HashMap::new());
        for document in documents {
            let passages = corpus::cut(document, Sizes::default());
            let said = passages.iter().flat_map(|passage| passage.text.split_whitespace());
            let first = by_text.entry(said.collect::<Vec<_>>().join(" ")).or_insert_with(|| document.id.clone());
            if *first != document.id {
                copies.insert(document.id.local().to_owned(), first.local().to_owned());
            }
            index.change(Change::Replace(document, class, &passages, None)).map_err(broken)?;
        }
        index.commit(1).map_err(broken)?;

        let shelf = Shelf { index, classes, everybody: PrincipalSet::of(vec![anyone]), copies, embed, folder };
        if let Some(embed) = embed_passages.or(shelf.embed.as_ref()) {
            shelf.embed_passages(&**embed)?;
        }
        tracing::debug!(folder = %shelf.folder.0.display(), "the pages are indexed");
        Ok(shelf)
    }

    fn embed_passages(&self, embed: &dyn Embed) -> Result<(), Error> {
        loop {
            let bare = self.index.without_vectors(EMBED_AT_ONCE).map_err(broken)?;
            if bare.is_empty() {
                return Ok(());
            }
            let texts: Vec<&str> = bare.iter().map(|(_, text)| text.as_str()).collect();
            let vectors = embed.embed(&texts, &Stop::default()).map_err(broken)?;
            let ids = bare.iter().map(|(id, _)| id.clone());
            let made: Vec<_> = ids.zip(vectors.into_iter().map(|vector| vector.0)).collect();
            self.index.change(Change::Vectors(&made)).map_err(broken)?;
            self.index.commit(1).map_err(broken)?;
        }
    }

    /// The document of a page, by its path without `.md`.
    pub fn id(&self, page: &str) -> Option<DocumentId> {
        DocumentId::new(SOURCE, page)
    }

    /// The page that stands for all that say the same: a search gives of copies one, and whichever it is, it is found.
    fn first_of<'p>(&'p self, page: &'p str) -> &'p str {
        self.copies.get(page).map_or(page, String::as_str)
    }

    /// Documents in the order of their best passages.
    fn documents<'f>(&'f self, found: &'f [Found]) -> Vec<&'f str> {
        let mut documents: Vec<&str> = Vec::new();
        for id in found.iter().map(|found| self.first_of(found.head().id.local())) {
            if !documents.contains(&id) {
                documents.push(id);
            }
        }
        documents
    }

    /// The best passages for a question, best first.
    pub fn find(&self, standing: &Standing, without: &[DocumentId], most: usize) -> Result<Vec<Found>, Error> {
        let scope = Scope { without: without.to_vec(), ..Scope::default() };
        let sight = self.classes.visible_to(&self.everybody);
        // Without its vector a question would be measured by words alone, and nobody would see it.
        let queries =
            |words: &[&Question]| find::queries(self.embed.as_deref(), words, &Stop::default()).map_err(broken);
        find::for_each_part(&self.index, &sight, standing, &queries, &scope, most)
    }
}

/// A question as its answer is looked for.
pub fn standing(
    question: &Question,
    row: &Row,
    follow_ups: FollowUps,
    generate: Option<&dyn Generate>,
) -> Result<Standing, Error> {
    match follow_ups {
        FollowUps::Rewritten => answer::rewrite(question, &row.turns(), generate, &Stop::default()).map_err(broken),
        FollowUps::AsTheyStand => Ok(Standing::alone(question)),
    }
}

/// Measures retrieval.
pub fn retrieval(options: &Retrieval) -> Result<Retrieved, Error> {
    let mut rows = read_rows(&options.questions, &options.only, options.sample)?;
    rows.retain(|row| !row.relevant.is_empty());
    if rows.is_empty() {
        return Err(Error::Unreadable(format!("{} has no row with a relevant document", options.questions.display())));
    }
    let shelf = Shelf::fill(&options.pages, &options.index, options.embed.clone(), options.embed_passages.as_ref())?;
    let mut measures = Vec::new();
    for row in &rows {
        measures.push(measure(&shelf, row, options)?);
    }
    Ok(Retrieved::of(&measures))
}

/// One question's outcome.
struct Measure {
    ndcg: f64,
    recall_at_5: f64,
    recall_at_10: f64,
    is_first: bool,
    ms: f64,
}

fn measure(shelf: &Shelf, row: &Row, options: &Retrieval) -> Result<Measure, Error> {
    let asked =
        Question::parse(&row.question).map_err(|error| Error::Unreadable(format!("question {}: {error}", row.id)))?;
    let without: Vec<DocumentId> = row.link_sources.iter().filter_map(|id| DocumentId::new(SOURCE, id)).collect();
    let began = Instant::now();
    let standing = standing(&asked, row, options.follow_ups, options.generate.as_deref())?;
    let mut found = shelf.find(&standing, &without, PASSAGES)?;
    let ms = began.elapsed().as_secs_f64() * 1000.0;

    let mut most = PASSAGES;
    while shelf.documents(&found).len() < RANKS && found.len() == most {
        most *= 4;
        found = shelf.find(&standing, &without, most)?;
    }
    let ranking = shelf.documents(&found);
    let relevant: HashSet<&str> = row.relevant.iter().map(|page| shelf.first_of(page)).collect();
    let is_right = |id: &&str| relevant.contains(*id);
    let among = |first: usize| ranking.iter().take(first).filter(|id| is_right(id)).count() as f64;
    let right = relevant.len();
    let gain = |rank: usize| 1.0 / (rank as f64 + 2.0).log2();
    let gained: f64 = (0..ranking.len().min(RANKS)).filter(|rank| is_right(&ranking[*rank])).map(gain).sum();
    Ok(Measure {
        ndcg: gained / (0..right.min(RANKS)).map(gain).sum::<f64>(),
        recall_at_5: among(5) / right as f64,
        recall_at_10: among(RANKS) / right as f64,
        is_first: ranking.first().is_some_and(is_right),
        ms,
    })
}

impl Retrieved {
    fn of(measures: &[Measure]) -> Retrieved {
        let mean = |of: &dyn Fn(&Measure) -> f64| measures.iter().map(of).sum::<f64>() / measures.len().max(1) as f64;
        let mut times: Vec<f64> = measures.iter().map(|measure| measure.ms).collect();
        times.sort_by(f64::total_cmp);
        let slower_than = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or_default();
        Retrieved {
            questions: measures.len(),
            ndcg_at_10: mean(&|measure| measure.ndcg),
            recall_at_5: mean(&|measure| measure.recall_at_5),
            recall_at_10: mean(&|measure| measure.recall_at_10),
            precision_at_1: mean(&|measure| f64::from(u8::from(measure.is_first))),
            ms_p50: slower_than(50),
            ms_p95: slower_than(95),
        }
    }
}

/// Every page of a folder, in the order of their paths.
pub(super) fn read_pages(pages: &Path) -> Result<Vec<Document>, Error> {
    let mut files = Vec::new();
    list(pages, &mut files).map_err(|error| unreadable(pages, &error))?;
    if files.is_empty() {
        return Err(Error::Unreadable(format!("{} has no Markdown files", pages.display())));
    }
    files.sort();
    files.iter().map(|file| read_page(pages, file)).collect()
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            list(&entry.path(), files)?;
        } else if entry.path().extension().is_some_and(|ending| ending == "md") {
            files.push(entry.path());
        }
    }
    Ok(())
}

fn read_page(pages: &Path, file: &Path) -> Result<Document, Error> {
    let text = std::fs::read_to_string(file).map_err(|error| unreadable(file, &error))?;
    let local = file.strip_prefix(pages).ok().and_then(Path::to_str).and_then(|path| path.strip_suffix(".md"));
    let id = local.and_then(|local| DocumentId::new(SOURCE, local));
    let Some((local, id)) = local.zip(id) else {
        let why = "its path is no document id: it is not UTF-8, is too long, or has '#' or '@' in it";
        return Err(Error::Unreadable(format!("{}: {why}", file.display())));
    };
    let (title, blocks) = extract::markdown(&text);
    let first_heading = blocks.iter().find_map(|block| match block {
        Block::Heading { text, .. } => Some(text.clone()),
        Block::Paragraph { .. }
        | Block::Item { .. }
        | Block::Table { .. }
        | Block::Code { .. }
        | Block::Quote { .. } => None,
    });
    let name = local.rsplit('/').next().unwrap_or(local);
    Ok(page(id, title.or(first_heading).unwrap_or_else(|| name.to_owned()), blocks))
}

/// A page of nobody's and no date.
pub(super) fn page(id: DocumentId, title: String, blocks: Vec<Block>) -> Document {
    Document {
        url: format!("file:{}", id.local()),
        id,
        kind: Kind::Page,
        title,
        space: Space { key: SOURCE.to_uppercase(), name: SOURCE.to_owned() },
        container: None,
        ancestors: Vec::new(),
        labels: Vec::new(),
        author: String::new(),
        updated_ms: 0,
        made: Default::default(),
        revision: 1,
        blocks,
        links: Vec::new(),
    }
}

pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    Error::Unreadable(format!("{}: {error}", path.display()))
}

pub(super) fn broken(error: impl StdError + Send + Sync + 'static) -> Error {
    Error::Broken(Box::new(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::durable;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            durable::write(&path, text.as_bytes()).unwrap();
        }
        folder
    }

    fn options(folder: &tempfile::TempDir) -> Retrieval {
        Retrieval {
            pages: folder.path().join("pages"),
            questions: folder.path().join("questions.jsonl"),
            only: vec![],
            sample: None,
            follow_ups: FollowUps::Rewritten,
            index: index::Settings::default(),
            generate: None,
            embed: None,
            embed_passages: None,
        }
    }

    const PAGES: [(&str, &str); 3] = [
        ("pages/leave/parental.md", "---\ntitle: Parental leave\n---\nTwelve weeks are paid after a birth."),
        ("pages/leave/sick.md", "# Sick leave\nTell your manager by nine."),
        ("pages/pager.md", "The pager rings at night."),
    ];

    #[test]
    fn a_ranking_is_measured_by_documents_and_leaves_link_sources_out() {
        let questions = r#"{"id": "1", "query": "paid birth weeks", "relevant": ["leave/parental"]}
            {"id": "2", "question": "pager at night", "relevant": ["leave/sick", "pager"]}
            {"id": "3", "question": "leave", "relevant": ["leave/sick"], "link_sources": ["leave/parental"]}
            {"id": "4", "question": "nothing", "relevant": []}"#;
        let folder = folder(&[PAGES[0], PAGES[1], PAGES[2], ("questions.jsonl", questions)]);

        let report = retrieval(&options(&folder)).unwrap();

        assert_eq!((report.questions, report.precision_at_1), (3, 1.0));
        assert!((report.recall_at_5 - 2.5 / 3.0).abs() < 1e-9, "{report:?}");
        let half = 1.0 / (1.0 + 1.0 / 3f64.log2());
        assert!((report.ndcg_at_10 - (2.0 + half) / 3.0).abs() < 1e-9, "{report:?}");
    }

    #[test]
    fn of_pages_that_say_the_same_either_is_found() {
        let text = "# Sick leave\nTell your manager by nine.";
        let questions = r#"{"question": "sick leave manager", "relevant": ["b"]}
            {"question": "sick leave manager", "relevant": ["a", "b"]}"#;
        let folder = folder(&[("pages/a.md", text), ("pages/b.md", text), ("questions.jsonl", questions)]);

        let report = retrieval(&options(&folder)).unwrap();

        assert_eq!((report.recall_at_5, report.precision_at_1), (1.0, 1.0));
    }

    #[test]
    fn a_sample_keeps_as_many_of_each_kind_and_where_keeps_what_fits() {
        let line = |n: usize| {
            format!(
                "{{\"id\": \"q{n}\", \"question\": \"q\", \"answerable\": {}, \"kind\": {}}}",
                n.is_multiple_of(3),
                n % 2
            )
        };
        let lines: Vec<String> = (0..30).map(line).collect();
        let folder = folder(&[("questions.jsonl", &lines.join("\n"))]);
        let path = folder.path().join("questions.jsonl");

        let sample = read_rows(&path, &[], Some(4)).unwrap();
        assert_eq!(sample.iter().filter(|row| row.is_answerable()).count(), 4);
        assert_eq!(sample.len(), 8);
        let odd = read_rows(&path, &[("kind".into(), "1".into()), ("answerable".into(), "true".into())], None).unwrap();
        assert_eq!(odd.len(), 5);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let folder = folder(&[PAGES[0], ("questions.jsonl", "{\"question\": 7}")]);

        let error = retrieval(&options(&folder)).unwrap_err().to_string();
        assert!(error.contains("questions.jsonl line 1"), "{error}");

        let missing = Retrieval { pages: folder.path().join("nowhere"), ..options(&folder) };
        assert!(Shelf::fill(&missing.pages, &missing.index, None, None).is_err());
    }

    #[test]
    fn a_follow_up_is_given_its_turns() {
        let said = |speaker: &str, text: &str| Said { speaker: speaker.into(), text: text.into() };
        let row: Row = serde_json::from_str("{\"question\": \"and after a birth?\"}").unwrap();
        let row = Row { history: vec![said("user", "How long is leave?"), said("agent", "Long.")], ..row };

        assert_eq!(row.turns(), [("How long is leave?".to_owned(), "Long.".to_owned())]);
    }
}
