//! Measures answers: `sotto eval answers`.
//!
//! Each question is put to the same search and the same grounding as the server's, by a person who may see every page. What
//! is counted comes in pairs: right answers with right refusals, sentences with how many of them their quotes support.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;
use unicode_normalization::UnicodeNormalization as _;

use super::eval::{FollowUps, Row, Shelf, read_pages, read_rows, standing};
use super::{Error, answering};
use crate::answer::{self, Answer, Claim, Piece, Question, Standing};
use crate::corpus::{Document, DocumentId};
use crate::index::{self, Found};
use crate::model::{Embed, Generate, Stop};

/// The share of a sentence's words that its quotes must have to support it, beside all of its numbers.
const SUPPORTS: f64 = 0.85;

/// What is measured, and on what.
pub struct Answers {
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
    /// How answers are looked for and made.
    pub answering: Answering,
}

/// How answers are looked for and made.
#[derive(Clone)]
pub struct Answering {
    /// What the order of what is found leans towards.
    pub index: index::Settings,
    /// How answers are made.
    pub settings: answer::Settings,
    /// Writes; `None` measures the answers that are made by quoting.
    pub generate: Option<Arc<dyn Generate>>,
    /// Makes vectors; `None` searches by words alone.
    pub embed: Option<Arc<dyn Embed>>,
    /// Makes the passages' vectors in its place: one that keeps them for the next time.
    pub embed_passages: Option<Arc<dyn Embed>>,
}

/// How good the answers were.
#[derive(Debug, Clone, Serialize)]
pub struct Answered {
    /// Rows asked.
    pub questions: usize,
    /// Of them, those that the pages answer.
    pub answerable: usize,
    /// Of these, those whose expected words stand in a claim or in a quote.
    pub answered_right: usize,
    /// Of these, those that were declined.
    pub false_refusals: usize,
    /// Rows that the pages do not answer.
    pub unanswerable: usize,
    /// Of these, those that were declined.
    pub refused_right: usize,
    /// Claims shown.
    pub sentences: usize,
    /// Of them, those whose quotes have their numbers and nearly all of their words.
    pub supported: usize,
    /// Milliseconds to the first claim, where there was one: half were quicker.
    pub first_claim_ms_p50: f64,
    /// Milliseconds to the end: half were quicker.
    pub total_ms_p50: f64,
    /// Each row.
    pub items: Vec<Item>,
}

/// One row's outcome.
#[derive(Debug, Clone, Serialize)]
pub struct Item {
    /// The row's id.
    pub id: String,
    /// How it ended.
    pub outcome: Ended,
    /// What was shown.
    pub claims: Vec<String>,
    /// What each of these cites, word for word: who judges whether it supports the claim reads both.
    pub quotes: Vec<Vec<String>>,
    /// Ids of the documents cited.
    pub sources: Vec<String>,
    #[serde(skip)]
    is_answerable: bool,
    #[serde(skip)]
    is_right: bool,
    #[serde(skip)]
    supported: usize,
    #[serde(skip)]
    first_claim_ms: Option<f64>,
    #[serde(skip)]
    total_ms: f64,
}

/// How a row ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// With claims.
    Answered,
    /// Without.
    Refused,
}

/// Measures answers. `each` is told of every row as it ends.
pub fn answers(options: &Answers, each: &mut dyn FnMut(&Item)) -> Result<Answered, Error> {
    let rows = read_rows(&options.questions, &options.only, options.sample)?;
    if rows.is_empty() {
        return Err(Error::Unreadable(format!("{} has no row that fits", options.questions.display())));
    }
    let shelf = options.answering.shelf(&read_pages(&options.pages)?)?;
    let mut items = Vec::new();
    for row in &rows {
        let item = measure(options, &shelf, row)?;
        each(&item);
        items.push(item);
    }
    Ok(Answered::of(items))
}

fn measure(options: &Answers, shelf: &Shelf, row: &Row) -> Result<Item, Error> {
    let asked =
        Question::parse(&row.question).map_err(|error| Error::Unreadable(format!("question {}: {error}", row.id)))?;
    let without: Vec<DocumentId> = row.link_sources.iter().filter_map(|id| shelf.id(id)).collect();
    let began = Instant::now();
    let answering = &options.answering;
    let standing = standing(&asked, row, options.follow_ups, answering.generate.as_deref())?;
    let mut first_claim_ms = None;
    let mut each = |piece: Piece<'_>| {
        if matches!(piece, Piece::Claim(_)) && first_claim_ms.is_none() {
            first_claim_ms = Some(ms_since(began));
        }
        ControlFlow::Continue(())
    };
    let (found, claims) = answering.answer(shelf, &standing, &without, &mut each)?;
    let shown: Vec<(&Claim, Vec<&str>)> = claims.iter().map(|claim| (claim, quotes(claim, &found))).collect();
    let expected = expected(row);
    let stands = |text: &str| expected.iter().any(|span| normalised(text).contains(span));
    let sources: BTreeSet<&str> =
        claims.iter().flat_map(Claim::citations).map(|citation| citation.passage.document.local()).collect();
    Ok(Item {
        id: row.id.clone(),
        outcome: if claims.is_empty() { Ended::Refused } else { Ended::Answered },
        sources: sources.into_iter().map(str::to_owned).collect(),
        is_answerable: row.is_answerable(),
        is_right: shown.iter().any(|(claim, quotes)| stands(claim.text()) || quotes.iter().any(|quote| stands(quote))),
        supported: shown.iter().filter(|(claim, quotes)| is_supported(claim.text(), quotes)).count(),
        claims: claims.iter().map(|claim| claim.text().to_owned()).collect(),
        quotes: shown.iter().map(|(_, quotes)| quotes.iter().map(|quote| (*quote).to_owned()).collect()).collect(),
        first_claim_ms,
        total_ms: ms_since(began),
    })
}

impl Answering {
    /// A shelf of these documents.
    pub(super) fn shelf(&self, documents: &[Document]) -> Result<Shelf, Error> {
        Shelf::of(documents, &self.index, self.embed.clone(), self.embed_passages.as_ref())
    }

    /// What is found for a question, and what is claimed from it: written by the model, or quoted where there is none; nothing
    /// where it is declined.
    pub(super) fn answer(
        &self,
        shelf: &Shelf,
        standing: &Standing,
        without: &[DocumentId],
        each: &mut dyn FnMut(Piece<'_>) -> ControlFlow<()>,
    ) -> Result<(Vec<Found>, Vec<Claim>), Error> {
        let found = shelf.find(standing, without, self.settings.passages)?;
        let (question, settings, stop) = (&standing.question, &self.settings, Stop::default());
        let answer = match self.generate.as_deref() {
            // A model that fails is not made up for here: what would be measured then is something else.
            Some(model) => answering::written(model, question, &found, settings, &stop, each)
                .map_err(|error| Error::Broken(Box::new(error)))?,
            None => answer::quote(question, &found, settings, &[], &stop, each),
        };
        let claims = match answer {
            Answer::Grounded { claims, .. } | Answer::Stopped { claims, .. } => claims,
            Answer::Unanswered { .. } => Vec::new(),
        };
        Ok((found, claims))
    }
}

/// Listens to an answer and says nothing.
pub(super) fn hush(_: Piece<'_>) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn ms_since(began: Instant) -> f64 {
    began.elapsed().as_secs_f64() * 1000.0
}

/// The quoted words of a claim's citations.
pub(super) fn quotes<'f>(claim: &Claim, found: &'f [Found]) -> Vec<&'f str> {
    let quote = |citation: &answer::Citation| {
        let passage = found.iter().map(Found::passage).find(|passage| passage.id == citation.passage)?;
        passage.text.get(citation.quote.start as usize..citation.quote.end as usize)
    };
    claim.citations().filter_map(quote).collect()
}

/// The words that a right answer has, normalised: `answer_span`, or any of `answer_spans`.
pub(super) fn expected(row: &Row) -> Vec<String> {
    let one = row.more.get("answer_span").and_then(|span| span.as_str());
    let more = row.more.get("answer_spans").and_then(|spans| spans.as_array()).into_iter().flatten();
    let spans = one.into_iter().chain(more.filter_map(|span| span.as_str()));
    spans.map(normalised).filter(|span| !span.trim().is_empty()).collect()
}

/// NFKC, lower case, without punctuation and articles, white space folded; a space at either end, so that only whole words
/// are found in it.
pub(super) fn normalised(text: &str) -> String {
    let plain: String = text
        .nfkc()
        .flat_map(char::to_lowercase)
        .filter(|c| c.is_alphanumeric() || c.is_whitespace() || !is_punctuation(*c))
        .collect();
    let words = plain.split_whitespace().filter(|word| !["a", "an", "the"].contains(word));
    format!(" {} ", words.collect::<Vec<_>>().join(" "))
}

fn is_punctuation(c: char) -> bool {
    c.is_ascii_punctuation()
        || matches!(c, '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205e}' | '«' | '»' | '¡' | '¿' | '·' | '§' | '¶')
}

/// Whether its quotes support a claim; one that sets two pages side by side says all of both.
pub(super) fn is_supported(claim: &str, quotes: &[&str]) -> bool {
    match claim.strip_prefix(answer::DIFFER) {
        Some(told) => quotes.len() == 2 && quotes.iter().all(|quote| normalised(told).contains(&normalised(quote))),
        None => supports(claim, &quotes.join(" ")),
    }
}

/// Whether quotes support a sentence: all of its numbers stand there, and nearly all of its words.
fn supports(sentence: &str, quotes: &str) -> bool {
    let there = normalised(quotes);
    let there: BTreeSet<&str> = there.split_whitespace().collect();
    // The word before a sentence that answers by yes or no is judged, not quoted.
    let said = normalised(sentence.strip_prefix("Yes. ").or(sentence.strip_prefix("No. ")).unwrap_or(sentence));
    let said: Vec<&str> = said.split_whitespace().collect();
    let has_numbers =
        said.iter().filter(|word| word.contains(|c: char| c.is_ascii_digit())).all(|word| there.contains(word));
    let shared = said.iter().filter(|word| there.contains(*word)).count() as f64;
    has_numbers && shared >= SUPPORTS * said.len() as f64
}

impl Answered {
    fn of(items: Vec<Item>) -> Answered {
        let count = |of: &dyn Fn(&Item) -> bool| items.iter().filter(|item| of(item)).count();
        let is_refused = |item: &Item| item.outcome == Ended::Refused;
        Answered {
            questions: items.len(),
            answerable: count(&|item| item.is_answerable),
            answered_right: count(&|item| item.is_answerable && item.is_right),
            false_refusals: count(&|item| item.is_answerable && is_refused(item)),
            unanswerable: count(&|item| !item.is_answerable),
            refused_right: count(&|item| !item.is_answerable && is_refused(item)),
            sentences: items.iter().map(|item| item.claims.len()).sum(),
            supported: items.iter().map(|item| item.supported).sum(),
            first_claim_ms_p50: half(items.iter().filter_map(|item| item.first_claim_ms).collect()),
            total_ms_p50: half(items.iter().map(|item| item.total_ms).collect()),
            items,
        }
    }
}

/// The middle value; of two, the larger. 0 of none.
fn half(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Scripted;
    use crate::store::durable;

    #[test]
    fn expected_words_are_found_whatever_their_dress() {
        let stands = |text: &str, span: &str| normalised(text).contains(&normalised(span));

        assert!(stands("You are paid “the ceiling” of $191,900.", "$191,900"));
        assert!(stands("It takes at least  24 Hours.", "the at least 24 hours"));
        assert!(!stands("It takes 124 hours.", "24 hours"));
    }

    #[test]
    fn a_sentence_whose_number_is_not_quoted_is_not_supported() {
        assert!(supports("The pager number is 4417.", "the pager number is 4417"));
        assert!(!supports("The pager number is 4418.", "the pager number is 4417"));
        assert!(!supports("Ada leads all the teams in Berlin.", "Ada leads."));
    }

    #[test]
    fn pages_set_side_by_side_are_supported_where_both_are_told_in_full() {
        let told = "Two pages differ. “Leave” (changed 2026-11-01): You get 27 days. “Rules”: You get 25 days.";

        assert!(is_supported(told, &["You get 27 days.", "You get 25 days."]));
        assert!(!is_supported(told, &["You get 27 days.", "You get 24 days."]));
        assert!(!is_supported(told, &["You get 27 days."]));
    }

    #[test]
    fn answers_and_refusals_are_counted_in_pairs() {
        let folder = tempfile::tempdir().unwrap();
        let rows = r#"{"id": "1", "question": "What is the pager number?", "answerable": true, "answer_span": "4417"}
            {"id": "2", "question": "Where does France keep its capital?", "answerable": false}
            {"id": "3", "question": "Which colour has the gate?", "answerable": true, "answer_span": "green"}"#;
        std::fs::create_dir(folder.path().join("pages")).unwrap();
        durable::write(&folder.path().join("pages/pager.md"), b"# Pager\nThe pager number is 4417.").unwrap();
        durable::write(&folder.path().join("rows.jsonl"), rows.as_bytes()).unwrap();
        let options = Answers {
            pages: folder.path().join("pages"),
            questions: folder.path().join("rows.jsonl"),
            only: Vec::new(),
            sample: None,
            follow_ups: FollowUps::Rewritten,
            answering: Answering {
                index: index::Settings::default(),
                settings: answer::Settings::default(),
                generate: Some(Arc::new(Scripted {})),
                embed: None,
                embed_passages: None,
            },
        };

        let report = answers(&options, &mut |_| ()).unwrap();

        assert_eq!((report.answerable, report.answered_right, report.false_refusals), (2, 1, 1));
        assert_eq!((report.unanswerable, report.refused_right), (1, 1));
        assert_eq!((report.sentences, report.supported), (1, 1));
        assert_eq!(report.items[0].sources, ["pager"]);
    }
}
