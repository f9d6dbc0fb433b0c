//! Asking a question.

use std::ops::{ControlFlow, Range};

use super::responses::Ready;
use super::sight::Sight;
use super::told::{Ask, Outcome, Reply, Source, SourcePassage, Told, ToldClaim};
use super::turns::{Entered, Seat};
use super::{App, Asker, Error, answering, find};
use crate::answer::{self, Answer, Claim, Mode, Phase, Phrases, Piece, Question, Related, StoppedBy, Why, Without};
use crate::audit::Event;
use crate::clock::Moment;
use crate::corpus::{Passage, PassageId};
use crate::history::{Entry, Listed, Read};
use crate::index::{Found, Head};
use crate::model::{Generate, Stop};
use crate::names::{ApplicationId, ConversationId, MessageId};

/// Turns before a follow-up that are looked at.
const TURNS_BEFORE: usize = 4;

/// Where a question goes on: the conversation, the message it follows, and the turns before it that may still be read
/// (question and shown sentences, oldest first).
type Thread = (ConversationId, Option<MessageId>, Vec<(String, String)>);

impl App {
    /// Answers a question from what the asker may read, and keeps it in their history.
    pub fn ask(
        &self,
        asker: &Asker,
        ask: &Ask,
        stop: &Stop,
        each: &mut dyn FnMut(Told<'_>) -> ControlFlow<()>,
    ) -> Result<Reply, Error> {
        if !ask.temporary {
            self.may_keep(asker)?;
        }
        // Entered first: who loses their place while they wait for the model loses the answer, too.
        let running = self.running.enter(*asker.user(), stop);
        let seat = match self.models.generate {
            Some(_) => self.turns.take(stop),
            None => self.turns.take_beside(stop),
        };
        let seat = seat.ok_or(Error::Busy)?;
        let kept = match ask.conversation {
            Some(id) => Some(self.history.read(&self.vault, self.opened(asker)?, &id)?),
            None => None,
        };
        let id = self.application_asked(asker, ask, kept.as_ref().map(|(listed, _)| listed))?;
        running.uses(&id);
        let application = self.application_of(asker.user(), Some(id.as_str()))?;
        let ready = &*self.ready_of(&application);
        let sight = self.sight_in(asker, &application)?;
        let (conversation, parent, before) = match &kept {
            Some((listed, turns)) => self.thread(listed.id, turns, ask.parent, &sight)?,
            None => (ConversationId::new(&self.ids), None, Vec::new()),
        };
        let message = MessageId::new(&self.ids);
        let asked_at = self.now();
        let mut listens = each(Told::Started { conversation, message });

        if listens.is_continue() {
            listens = each(Told::Phase(Phase::Searching));
        }
        // Where nobody listens any more, the model is left to others.
        let model = self.model_at(&seat);
        let used = model.ok().filter(|_| listens.is_continue());
        let (standing, model) = match answer::rewrite(&ask.question, &before, used, stop) {
            Ok(standing) => (standing, model),
            Err(error) => (answer::rewrite(&ask.question, &before, None, stop)?, Err(answering::without(&error))),
        };
        let alone = &standing.question;
        let declined = self.declines(asker, ready, &[&ask.question, alone], stop);
        let found = match sight.narrow(&ask.scope).filter(|_| declined.is_none()) {
            Some(scope) => {
                let (embed, most) = (self.models.embed.as_deref(), self.settings.answer.passages);
                let queries = |words: &[&Question]| Ok(find::queries_or_words(embed, words, stop));
                find::for_each_part::<Error>(&self.index, &sight.visibility, &standing, &queries, &scope, most)?
            }
            None => Vec::new(),
        };

        // Before anything is shown: what is not on record is not shown.
        let shown: Vec<PassageId> = found.iter().map(|found| found.passage().id.clone()).collect();
        let commitments = self.commit(ready, &ask.question, alone, &found, model.ok());
        let receipt = self.audit.append(&Event::Asked {
            user: asker.user(),
            conversation: &conversation,
            question: commitments.of_question,
            inputs: commitments.of_inputs,
            visible: sight.visibility.digest(),
            shown: &shown,
        })?;

        fail::fail_point!("question recorded");
        let mut sources = Numbered::masking(&ready.phrases);
        let (answer, mode) = if listens.is_break() {
            (Answer::Stopped { claims: Vec::new(), by: StoppedBy::Asker }, Mode::Written)
        } else if let Some(why) = declined {
            (Answer::Unanswered { why, related: Vec::new() }, Mode::Written)
        } else {
            let told = std::cell::RefCell::new(each);
            let each = |told_now: Told<'_>| (told.borrow_mut())(told_now);
            let mut marked = |mode| each(Told::Mode(mode));
            self.respond(ready, model, (alone, &found[..]), stop, &mut marked, &mut |piece| {
                match piece {
                    Piece::Phase(phase) => each(Told::Phase(phase)),
                    // It is told with the claim that cites it, when its quoted words are known. Here it is only seen once
                    // more whether the asker may read it: a right lost while the model wrote is lost now (assurance §7).
                    Piece::Source(found) => self.still_reads(asker, &id, found, &running),
                    Piece::Claim(claim) => {
                        self.still_sees(asker, &id, claim, &running)?;
                        let (told, new) = sources.cite(claim, &|id| self.cited_now(&found, id));
                        for number in new {
                            each(Told::Source(sources.source(number)))?;
                        }
                        each(Told::Claim(&told))
                    }
                }
            })
        };
        let answer = match answer {
            Answer::Stopped { claims, by: _ } if running.is_stopped_by_rights() => {
                Answer::Stopped { claims: self.still_readable(asker, &id, claims)?, by: StoppedBy::Rights }
            }
            other @ (Answer::Grounded { .. } | Answer::Unanswered { .. } | Answer::Stopped { .. }) => other,
        };

        let reply = self.reply(ready, (conversation, message), mode, &answer, &found);
        if !ask.temporary {
            let entry = Entry {
                message,
                parent,
                application: id.clone(),
                asked: asked_at,
                question: ask.question.clone(),
                answer: answer.clone(),
                mode,
                feedback: None,
                evidence: Some(commitments.kept(&receipt)),
            };
            self.history.keep(&self.vault, asker.user(), &conversation, &receipt, &entry)?;
            if self.applications.is_ended(&id) {
                // It was deleted while this was written, perhaps after its conversations were looked for.
                self.forget_deleted_applications()?;
            }
        }
        fail::fail_point!("turn kept");
        let cited = cited(&answer);
        let answered = self.audit.append(&Event::Answered {
            user: asker.user(),
            message: &message,
            asked: receipt.leaf(),
            outcome: outcome_word(reply.outcome),
            mode: mode_word(mode),
            why: why_word(&answer),
            cited: &cited,
        })?;
        tracing::debug!(leaf = answered.leaf(), outcome = outcome_word(reply.outcome), "answered");
        self.note_use(asker);
        Ok(reply)
    }

    /// The model, where there is one and this question may use it.
    fn model_at(&self, seat: &Seat) -> Result<&dyn Generate, Without> {
        let model = self.models.generate.as_deref().ok_or(Without::Missing)?;
        match seat {
            Seat::Model(_) => Ok(model),
            Seat::Beside(_) => Err(Without::Busy),
        }
    }

    /// The application that a question is for: that of its conversation, where it goes on in one.
    fn application_asked(&self, asker: &Asker, ask: &Ask, kept: Option<&Listed>) -> Result<ApplicationId, Error> {
        let asked = ask.application.as_deref();
        match kept {
            None => Ok(self.application_of(asker.user(), asked)?.id.clone()),
            Some(kept) if asked.is_none_or(|asked| asked == kept.application.as_str()) => Ok(kept.application.clone()),
            Some(_) => {
                let why = "this conversation belongs to another application; leave application out, or begin a new one";
                Err(Error::Unreadable(why.to_owned()))
            }
        }
    }

    /// The conversation this goes on in, which message it follows, and the turns before it that may still be read.
    fn thread(
        &self,
        conversation: ConversationId,
        turns: &[Read],
        parent: Option<MessageId>,
        sight: &Sight,
    ) -> Result<Thread, Error> {
        let entries: Vec<&Entry> = turns
            .iter()
            .filter_map(|turn| match turn {
                Read::Entry(entry) => Some(&**entry),
                Read::Unreadable => None,
            })
            .collect();
        let parent = match parent {
            Some(parent) => Some(entries.iter().find(|e| e.message == parent).ok_or(Error::NotThere)?.message),
            None => entries.last().map(|entry| entry.message),
        };
        // From the parent up: a branch that was left is no context of this one.
        let mut before = Vec::new();
        let mut at = parent;
        while let Some(entry) = at.and_then(|id| entries.iter().find(|entry| entry.message == id)) {
            if before.len() == TURNS_BEFORE {
                break;
            }
            let mut words = Vec::new();
            for claim in claims(&entry.answer) {
                // What may not be read now serves no follow-up either (assurance §7).
                if self.admits_claim(sight, claim)? {
                    words.push(claim.text());
                }
            }
            before.push((entry.question.as_str().to_owned(), words.join(" ")));
            at = entry.parent.filter(|parent| *parent != entry.message);
        }
        before.reverse();
        Ok((conversation, parent, before))
    }

    /// Whether everything a claim cites may be read under this sight.
    pub(super) fn admits_claim(&self, sight: &Sight, claim: &Claim) -> Result<bool, Error> {
        for citation in claim.citations() {
            if self.head(sight, &citation.passage.document)?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// An answer as it is shown, from the passages it was made of.
    fn reply(
        &self,
        ready: &Ready,
        (conversation, message): (ConversationId, MessageId),
        mode: Mode,
        answer: &Answer,
        found: &[Found],
    ) -> Reply {
        let mut sources = Numbered::masking(&ready.phrases);
        let look_up = |id: &PassageId| self.cited_now(found, id);
        let told: Vec<ToldClaim> = claims(answer).iter().map(|claim| sources.cite(claim, &look_up).0).collect();
        let (outcome, withheld, related, follow_ups): (Outcome, u32, Vec<Related>, Vec<String>) = match answer {
            Answer::Grounded { withheld, follow_ups, .. } => {
                (Outcome::Answered, *withheld, Vec::new(), follow_ups.clone())
            }
            Answer::Unanswered { related, .. } => (Outcome::Refused, 0, related.clone(), Vec::new()),
            Answer::Stopped { .. } => (Outcome::Stopped, 0, Vec::new(), Vec::new()),
        };
        Reply {
            conversation,
            message,
            outcome,
            mode,
            claims: told,
            withheld,
            refusal: ready.refusal(answer),
            sources: sources.into_sources(),
            related,
            follow_ups,
        }
    }

    /// What a fresh answer cites: it stands among the passages that were found.
    fn cited_now(&self, found: &[Found], id: &PassageId) -> Option<Cited> {
        let found = found.iter().find(|found| found.passage().id == *id)?;
        Some(Cited {
            head: found.head().clone(),
            passage: Some(found.passage().clone()),
            permissions_as_of: self.permissions_as_of(&id.document).ok().flatten(),
        })
    }

    /// Goes on while the asker, as the directory has them now, may read all that a claim cites.
    fn still_sees(
        &self,
        asker: &Asker,
        application: &ApplicationId,
        claim: &Claim,
        running: &Entered,
    ) -> ControlFlow<()> {
        let sees = self.sight_now(asker.user(), application).and_then(|sight| match sight {
            Some(sight) => self.admits_claim(&sight, claim),
            None => Ok(false),
        });
        running.go_on_while(sees)
    }

    /// Goes on while the asker, as the directory has them now, may read this document.
    fn still_reads(
        &self,
        asker: &Asker,
        application: &ApplicationId,
        found: &Found,
        running: &Entered,
    ) -> ControlFlow<()> {
        let reads = self.sight_now(asker.user(), application).and_then(|sight| match sight {
            Some(sight) => Ok(self.head(&sight, &found.head().id)?.is_some()),
            None => Ok(false),
        });
        running.go_on_while(reads)
    }

    /// Of the claims of an answer that a lost right stopped, those that may still be read.
    fn still_readable(
        &self,
        asker: &Asker,
        application: &ApplicationId,
        claims: Vec<Claim>,
    ) -> Result<Vec<Claim>, Error> {
        let Some(sight) = self.sight_now(asker.user(), application)? else { return Ok(Vec::new()) };
        let mut readable = Vec::new();
        for claim in claims {
            if self.admits_claim(&sight, &claim)? {
                readable.push(claim);
            }
        }
        Ok(readable)
    }
}

/// The claims of an answer, however it ended.
pub(super) fn claims(answer: &Answer) -> &[Claim] {
    match answer {
        Answer::Grounded { claims, .. } | Answer::Stopped { claims, .. } => claims,
        Answer::Unanswered { .. } => &[],
    }
}

fn cited(answer: &Answer) -> Vec<PassageId> {
    let mut cited: Vec<PassageId> =
        claims(answer).iter().flat_map(Claim::citations).map(|citation| citation.passage.clone()).collect();
    cited.sort();
    cited.dedup();
    cited
}

fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Answered => "answered",
        Outcome::Refused => "refused",
        Outcome::Stopped => "stopped",
    }
}

fn mode_word(mode: Mode) -> &'static str {
    match mode {
        Mode::Written => "written",
        Mode::Quoted(_) => "extractive",
    }
}

fn why_word(answer: &Answer) -> Option<&'static str> {
    match answer {
        Answer::Unanswered { why, .. } => Some(match why {
            Why::NothingFound | Why::NotThere | Why::NotSupported => "not_found",
            Why::Blocked => "blocked",
            Why::Topic => "topic",
        }),
        Answer::Grounded { .. } | Answer::Stopped { .. } => None,
    }
}

/// What a citation points to, as it may be read now.
pub(super) struct Cited {
    /// Its document.
    pub(super) head: Head,
    /// Its words; `None` where the page was changed since and this passage of it is no more.
    pub(super) passage: Option<Passage>,
    /// When the permissions of its source were last read whole.
    pub(super) permissions_as_of: Option<Moment>,
}

impl Cited {
    fn source(&self, number: u32) -> Source {
        Source {
            number,
            document: self.head.id.clone(),
            title: self.head.title.clone(),
            space: self.head.space.clone(),
            url: self.head.url.clone(),
            updated: Moment::from_ms(self.head.updated_ms),
            permissions_as_of: self.permissions_as_of,
            passages: Vec::new(),
        }
    }
}

/// Marks the quoted bytes in their passage, which is added where it is new, without what must not be read in it.
fn quote(passages: &mut Vec<SourcePassage>, phrases: &Phrases, passage: Passage, quote: &Range<u32>) {
    let at = passages.iter().position(|known| known.id == passage.id).unwrap_or_else(|| {
        let (id, text) = (passage.id, phrases.mask(&passage.text));
        let under = passage.under.iter().map(|heading| phrases.mask(heading)).collect();
        passages.push(SourcePassage { id, under, text, quotes: Vec::new() });
        passages.len() - 1
    });
    let passage = &mut passages[at];
    let (start, end) = (quote.start as usize, quote.end as usize);
    if start < end && passage.text.is_char_boundary(start) && passage.text.is_char_boundary(end) {
        passage.quotes.push(quote.clone());
        merge(&mut passage.quotes);
    }
}

/// Sources by number, in the order in which claims first cite them.
pub(super) struct Numbered<'p> {
    sources: Vec<Source>,
    phrases: &'p Phrases,
}

impl<'p> Numbered<'p> {
    /// None yet; in their passages these phrases cannot be read.
    pub(super) fn masking(phrases: &'p Phrases) -> Numbered<'p> {
        Numbered { sources: Vec::new(), phrases }
    }

    /// The claim with the numbers of its sources, and the numbers that are new with it.
    pub(super) fn cite(
        &mut self,
        claim: &Claim,
        look_up: &dyn Fn(&PassageId) -> Option<Cited>,
    ) -> (ToldClaim, Vec<u32>) {
        let mut citations = Vec::new();
        let mut new = Vec::new();
        for citation in claim.citations() {
            let Some(cited) = look_up(&citation.passage) else { continue };
            let place = self.sources.iter().position(|source| source.document == cited.head.id).unwrap_or_else(|| {
                let number = u32::try_from(self.sources.len() + 1).unwrap_or(u32::MAX);
                new.push(number);
                self.sources.push(cited.source(number));
                self.sources.len() - 1
            });
            let source = &mut self.sources[place];
            if !citations.contains(&source.number) {
                citations.push(source.number);
            }
            if let Some(passage) = cited.passage {
                quote(&mut source.passages, self.phrases, passage, &citation.quote);
            }
        }
        citations.sort_unstable();
        (ToldClaim { text: claim.text().to_owned(), citations, is_withheld: false }, new)
    }

    /// A source by its number.
    fn source(&self, number: u32) -> &Source {
        &self.sources[number as usize - 1]
    }

    /// All of them.
    pub(super) fn into_sources(self) -> Vec<Source> {
        self.sources
    }
}

/// Sorts ranges and joins those that touch.
fn merge(ranges: &mut Vec<Range<u32>>) {
    ranges.sort_by_key(|range| (range.start, range.end));
    let mut merged: Vec<Range<u32>> = Vec::with_capacity(ranges.len());
    for range in ranges.drain(..) {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            Some(_) | None => merged.push(range),
        }
    }
    *ranges = merged;
}

#[cfg(test)]
mod tests {
    use super::merge;

    #[test]
    fn quotes_that_touch_become_one() {
        let mut quotes = vec![20..30, 0..5, 4..9, 9..12];

        merge(&mut quotes);

        assert_eq!(quotes, vec![0..12, 20..30]);
    }
}
