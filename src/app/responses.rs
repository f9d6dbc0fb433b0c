//! The application's response settings, as a question meets them: what is declined before anything is looked for, what is
//! held back of an answer, and how much an answer tells.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::ask::claims;
use super::{App, Asker, answering};
use crate::answer::{self, Answer, Claim, Mode, Phrases, Piece, Question, Subject, Tone, Why, Without};
use crate::application::{self, Application, Length, Responses};
use crate::index::Found;
use crate::model::{Embed, Generate, Stop, Vector};
use crate::names::ApplicationId;

/// Sentences of a short answer.
const SHORT_CLAIMS: usize = 3;
/// Sentences that match the question best and stand beside those of a detailed answer.
const BESIDE: usize = 3;

/// The response settings of each application, made ready when it is first asked.
#[derive(Default)]
pub(super) struct AllReady(Mutex<BTreeMap<ApplicationId, Arc<Ready>>>);

/// What the response settings of one application need to be met quickly.
pub(super) struct Ready {
    responses: Arc<Responses>,
    pub(super) phrases: Phrases,
    topics: Vec<Subject>,
    /// The vectors of each topic's examples, made for the first question.
    vectors: OnceLock<Vec<Vec<Vector>>>,
}

impl Ready {
    fn of(responses: &Arc<Responses>) -> Ready {
        let topics = responses.topics.iter().map(|topic| Subject::new(&topic.examples, topic.similarity)).collect();
        let phrases = Phrases::new(&responses.blocked_phrases);
        Ready { responses: Arc::clone(responses), phrases, topics, vectors: OnceLock::new() }
    }

    /// Whether a claim, what it quotes, or the page it is from says a blocked phrase. `found` are the passages it may cite.
    pub(super) fn blocks(&self, claim: &Claim, found: &[Found]) -> bool {
        !self.phrases.is_empty()
            && (self.phrases.is_in(claim.text())
                || claim.citations().any(|citation| {
                    let cited = found.iter().find(|found| found.passage().id == citation.passage);
                    cited.is_none_or(|found| {
                        let quote = citation.quote.start as usize..citation.quote.end as usize;
                        let text = found.passage().text.get(quote).unwrap_or_default();
                        self.phrases.is_in(text) || self.blocks_page(&found.head().title, &found.head().url)
                    })
                }))
    }

    /// Whether a page's title or address says one: the page is not named then.
    pub(super) fn blocks_page(&self, title: &str, url: &str) -> bool {
        let spaced = |url: &str| url.replace("%20", " ").replace('+', " ");
        !self.phrases.is_empty() && (self.phrases.is_in(title) || self.phrases.is_in(&spaced(url)))
    }

    /// An answer without what must not be said. An answer of which nothing is left is declined.
    fn withhold(&self, answer: Answer, found: &[Found]) -> Answer {
        if self.phrases.is_empty() {
            return answer;
        }
        match answer {
            Answer::Grounded { claims, withheld, follow_ups } => {
                let all = claims.len();
                let claims: Vec<Claim> = claims.into_iter().filter(|claim| !self.blocks(claim, found)).collect();
                if claims.is_empty() {
                    return Answer::Unanswered { why: Why::Blocked, related: Vec::new() };
                }
                let dropped = u32::try_from(all - claims.len()).unwrap_or(u32::MAX);
                let follow_ups = follow_ups.into_iter().filter(|question| !self.phrases.is_in(question)).collect();
                Answer::Grounded { claims, withheld: withheld.saturating_add(dropped), follow_ups }
            }
            Answer::Unanswered { why, mut related } => {
                related.retain(|page| !self.blocks_page(&page.title, &page.url));
                Answer::Unanswered { why, related }
            }
            Answer::Stopped { mut claims, by } => {
                claims.retain(|claim| !self.blocks(claim, found));
                Answer::Stopped { claims, by }
            }
        }
    }

    /// The vectors of the question and of every topic's examples; `None` where they cannot be made.
    fn vectors(&self, embed: &dyn Embed, asked: &[&Question], stop: &Stop) -> Option<Vec<Vector>> {
        let made = |texts: &[&str]| match embed.embed(texts, stop) {
            Ok(vectors) if vectors.len() == texts.len() => Some(vectors),
            Ok(_) => None,
            Err(error) => {
                tracing::warn!(%error, "a question cannot be compared with the topics by meaning; words decide");
                None
            }
        };
        if self.vectors.get().is_none() {
            let mut all = Vec::new();
            for topic in &self.responses.topics {
                all.push(made(&topic.examples.iter().map(String::as_str).collect::<Vec<_>>())?);
            }
            // Whoever was quicker made the same.
            let _ = self.vectors.set(all);
        }
        made(&asked.iter().map(|question| question.as_str()).collect::<Vec<_>>())
    }
}

impl Ready {
    /// The words of a refusal, in the tone of the settings.
    pub(super) fn refusal(&self, answer: &Answer) -> Option<String> {
        let tone = match self.responses.tone {
            application::Tone::Plain => Tone::Plain,
            application::Tone::Formal => Tone::Formal,
        };
        match answer {
            Answer::Unanswered { why, .. } => Some(answer::refusal(*why, tone).to_owned()),
            Answer::Grounded { .. } | Answer::Stopped { .. } => None,
        }
    }
}

impl App {
    /// How an application responds, made ready. What is changed on the desk is made anew for the next question.
    pub(super) fn ready_of(&self, application: &Application) -> Arc<Ready> {
        let mut all = self.responses.0.lock().unwrap_or_else(PoisonError::into_inner);
        match all.get(&application.id) {
            Some(ready) if Arc::ptr_eq(&ready.responses, &application.responses) => Arc::clone(ready),
            Some(_) | None => {
                let ready = Arc::new(Ready::of(&application.responses));
                all.insert(application.id.clone(), Arc::clone(&ready));
                ready
            }
        }
    }

    /// Why a question is declined before anything is looked for; `None` where it is not. `asked` are the question and, where
    /// it goes on from others, what it was completed to. It depends on these, the settings and the asker's groups alone.
    pub(super) fn declines(&self, asker: &Asker, ready: &Ready, asked: &[&Question], stop: &Stop) -> Option<Why> {
        if asked.iter().any(|question| ready.phrases.is_in(question.as_str())) {
            return Some(Why::Blocked);
        }
        if ready.topics.is_empty() {
            return None;
        }
        let of_asked = self.models.embed.as_deref().and_then(|embed| ready.vectors(embed, asked, stop));
        let is_about = |at: usize, subject: &Subject| {
            asked.iter().enumerate().any(|(number, question)| {
                let of_question = of_asked.as_ref().map(|vectors| &vectors[number]);
                let vectors = of_question.zip(ready.vectors.get().map(|all| &*all[at]));
                subject.has(question, vectors)
            })
        };
        let is_denied =
            |(at, subject)| is_about(at, subject) && !ready.responses.may_ask(&self.directory, asker.user(), at);
        ready.topics.iter().enumerate().any(is_denied).then_some(Why::Topic)
    }

    /// Makes an answer as the response settings want it: as [`answering::make`].
    pub(super) fn respond(
        &self,
        ready: &Ready,
        model: Result<&dyn Generate, Without>,
        (question, found): (&Question, &[Found]),
        stop: &Stop,
        marked: &mut dyn FnMut(Mode) -> ControlFlow<()>,
        each: &mut dyn FnMut(Piece<'_>) -> ControlFlow<()>,
    ) -> (Answer, Mode) {
        let (settings, is_detailed) = self.answer_settings(ready);
        let mut allowed = |piece: Piece<'_>| match piece {
            Piece::Claim(claim) if ready.blocks(claim, found) => ControlFlow::Continue(()),
            Piece::Claim(_) | Piece::Phase(_) | Piece::Source(_) => each(piece),
        };
        let (answer, mode) = made(model, question, found, &settings, is_detailed, stop, marked, &mut allowed);
        (ready.withhold(answer, found), mode)
    }

    /// How answers are made in the length that is set, and whether sentences beside the answer are added.
    pub(super) fn answer_settings(&self, ready: &Ready) -> (answer::Settings, bool) {
        let mut settings = self.settings.answer.clone();
        let length = ready.responses.length;
        match length {
            Length::Short => {
                settings.claims_max = settings.claims_max.min(SHORT_CLAIMS);
                settings.words_max /= 2;
            }
            Length::Normal => {}
            Length::Detailed => {
                settings.claims_max *= 2;
                settings.words_max += settings.words_max / 2;
            }
        }
        (settings, length == Length::Detailed)
    }
}

/// Makes an answer, with the sentences beside it where it is to be detailed: a function of its arguments and of nothing else.
#[expect(clippy::too_many_arguments, reason = "all that an answer depends on stands in its signature")]
pub(super) fn made(
    model: Result<&dyn Generate, Without>,
    question: &Question,
    found: &[Found],
    settings: &answer::Settings,
    is_detailed: bool,
    stop: &Stop,
    marked: &mut dyn FnMut(Mode) -> ControlFlow<()>,
    each: &mut dyn FnMut(Piece<'_>) -> ControlFlow<()>,
) -> (Answer, Mode) {
    let (answer, mode) = answering::make(model, question, found, settings, stop, marked, each);
    let answer = match mode {
        Mode::Written if is_detailed => more(answer, question, found, settings, stop, each),
        Mode::Written | Mode::Quoted(_) => answer,
    };
    (answer, mode)
}

/// A detailed answer: what the model found, and the sentences beside it that match the question best.
fn more(
    answer: Answer,
    question: &Question,
    found: &[Found],
    settings: &answer::Settings,
    stop: &Stop,
    each: &mut dyn FnMut(Piece<'_>) -> ControlFlow<()>,
) -> Answer {
    let Answer::Grounded { withheld, .. } = answer else { return answer };
    let shown = claims(&answer);
    let claims_max = settings.claims_max.min(shown.len() + BESIDE);
    let settings = answer::Settings { claims_max, ..settings.clone() };
    match answer::quote(question, found, &settings, shown, stop, each) {
        Answer::Grounded { claims, follow_ups, .. } => Answer::Grounded { claims, withheld, follow_ups },
        other @ (Answer::Unanswered { .. } | Answer::Stopped { .. }) => other,
    }
}
