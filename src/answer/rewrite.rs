//! A follow-up question made to stand alone: by rule, and by the model where one is there.
//!
//! "And for part-time staff?" is looked for as it stands, as the model completes it, and together with the question before
//! it. No single way is best: the model may complete a question wrongly, and the question before may be about something
//! else. What the last answer said already counts a little against a passage: whoever asks on wants more.

use std::fmt::Write as _;
use std::ops::ControlFlow;

use super::Question;
use super::prompt::NONE;
use super::words::{content, words};
use crate::model::{self, Generate, Limits, Prompt, Sharing, Stop};

/// What the model is told. It is given questions alone: an answer holds words of pages, and a page has no say in what is
/// looked for.
const SYSTEM: &str = "You make search queries. You are given the questions a person asked before and their newest message. \
    Write what the person is looking for now as one complete question that can be understood alone: put in the names and \
    things that words like it, that, they or there stand for, and what is left unsaid. Add nothing else.";
/// Questions before the newest that the model is given.
const TURNS: usize = 4;
/// Bytes of each of them: its beginning says what it is about, and reading costs time.
const BEFORE_BYTES_MAX: usize = 400;
/// A longer question, in bytes, says what it is about by itself.
const QUESTION_BYTES_MAX: usize = 1024;
/// Tokens of a completed question.
const TOKENS_MAX: usize = 48;
/// How much what the last answer said counts against a passage.
const TOLD: f32 = -0.3;
/// Bytes of the last answer that are looked at.
const TOLD_BYTES_MAX: usize = 1024;

/// A question that can be understood alone, and how its answer is looked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// It, with what it leans on put in.
    pub question: Question,
    /// What to search for, and how much each way counts.
    pub searches: Vec<(Question, f32)>,
}

impl Standing {
    /// A question as it stands.
    pub fn alone(question: &Question) -> Standing {
        Standing { question: question.clone(), searches: vec![(question.clone(), 1.0)] }
    }

    /// The words of each search.
    pub fn words(&self) -> Vec<&Question> {
        self.searches.iter().map(|(words, _)| words).collect()
    }
}

/// Makes a question stand alone after the turns before it (question and shown claims, oldest first). Without turns it stays
/// as it is. Errors are those of the model.
pub fn rewrite(
    question: &Question,
    turns: &[(String, String)],
    model: Option<&dyn Generate>,
    stop: &Stop,
) -> Result<Standing, model::Error> {
    let mut standing = Standing::alone(question);
    let Some((before, told)) = turns.last() else { return Ok(standing) };
    standing.question = by_rule(question, turns);
    let completed = match model.filter(|_| question.as_str().len() <= QUESTION_BYTES_MAX) {
        Some(model) => complete(question, turns, model, stop)?,
        None => None,
    };
    if let Some(completed) = completed {
        if keeps(question, before, &completed) {
            standing.question = completed.clone();
        }
        standing.searches.push((completed, 1.0));
    }
    // Where it is too long together, the other ways have to do.
    standing.searches.extend(Question::parse(&format!("{before} {}", question.as_str())).ok().map(|both| (both, 1.0)));
    standing.searches.extend(Question::parse(beginning(told, TOLD_BYTES_MAX)).ok().map(|told| (told, TOLD)));
    Ok(standing)
}

/// The question as the model completes it; `None` where it wrote nothing of use.
fn complete(
    question: &Question,
    turns: &[(String, String)],
    model: &dyn Generate,
    stop: &Stop,
) -> Result<Option<Question>, model::Error> {
    let mut given = String::from("Questions before:\n");
    for (before, _) in &turns[turns.len().saturating_sub(TURNS)..] {
        // On one line: a question with a line break could pretend to be another.
        let before = beginning(before, BEFORE_BYTES_MAX).split_whitespace();
        let _ = writeln!(given, "- {}", before.collect::<Vec<_>>().join(" "));
    }
    let _ = write!(given, "\nNewest message: {}\n\nComplete question:", question.as_str());
    let prompt = Prompt { system: SYSTEM.to_owned(), user: vec![given], begin: Vec::new(), sharing: Sharing::new() };
    let mut written = String::new();
    let ended = model.generate(&prompt, Limits { tokens_max: TOKENS_MAX }, stop, &mut |piece| {
        written.push_str(piece);
        if written.trim_start().contains('\n') { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    match ended {
        // A model with a small context may still have room for the answer.
        Err(model::Error::TooLong) => return Ok(None),
        ended => ended?,
    };
    let line = written.trim_start().lines().next().unwrap_or_default();
    let is_of_use = !stop.is_set() && !content(line).is_empty() && line.trim() != NONE;
    Ok(Question::parse(line).ok().filter(|_| is_of_use))
}

fn beginning(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}

/// Whether a completed question asks what was asked: it has half of the question's own words or more, and is not the
/// question before it with something added ("How many days of annual leave do I get if I need sick leave?").
fn keeps(question: &Question, before: &str, completed: &Question) -> bool {
    let (own, before, now) = (content(question.as_str()), content(before), content(completed.as_str()));
    let has_own = own.iter().filter(|word| now.contains(word)).count() * 2 >= own.len();
    let is_before = !before.is_empty() && before.iter().all(|word| now.contains(word));
    has_own && !is_before
}

/// Openers of a question that leans on the one before.
const OPENERS: &[&str] =
    &["and ", "what about ", "how about ", "and what about ", "or ", "but ", "also ", "what if ", "then "];
/// Words that point back to something said before.
const POINTERS: &[&str] = &[
    "it", "its", "they", "them", "their", "theirs", "that", "those", "these", "this", "he", "she", "him", "her", "his",
    "there", "then", "one", "ones", "same",
];
/// A question with this many content words says its own subject.
const OWN_WORDS: usize = 4;
/// Words that are put in at most: the newest subject, not the whole conversation.
const WORDS_MAX: usize = 8;

/// A follow-up question with what it leans on put in from the question before it. A question that stands alone comes back as
/// it is.
fn by_rule(question: &Question, turns: &[(String, String)]) -> Question {
    let Some(((before, _), earlier)) = turns.split_last() else { return question.clone() };
    if stands_alone(question.as_str()) {
        return question.clone();
    }
    // The question before may lean on an earlier one itself.
    let before = Question::parse(before).map(|before| by_rule(&before, earlier));
    let Ok(before) = before else { return question.clone() };
    let own = content(question.as_str());
    let mut said: Vec<&str> = Vec::new();
    for word in before.as_str().split(|c: char| !c.is_alphanumeric() && c != '-' && c != '\'' && c != '’') {
        let [stem] = &content(word)[..] else { continue };
        if !own.contains(stem) && !said.iter().any(|other| other.eq_ignore_ascii_case(word)) {
            said.push(word);
        }
    }
    if said.is_empty() {
        return question.clone();
    }
    let subject = said[said.len().saturating_sub(WORDS_MAX)..].join(" ");
    // Too long together: the question as it stands is better than half of it.
    Question::parse(&format!("{} (about: {subject})", question.as_str())).unwrap_or_else(|_| question.clone())
}

/// Whether a question says its own subject.
fn stands_alone(question: &str) -> bool {
    let lower = format!("{} ", question.to_lowercase());
    let leans = OPENERS.iter().any(|opener| lower.starts_with(opener));
    let words = words(question);
    let points =
        words.iter().enumerate().any(|(at, word)| POINTERS.contains(&word.as_str()) && !is_expletive(&words, at));
    let own = content(question).len();
    !(leans || points && own < OWN_WORDS || own == 0 || own == 1 && words.len() <= 2)
}

/// Whether a pointer points at nothing: "is there a …", "is it true that …", "does that mean" keeps pointing.
fn is_expletive(words: &[String], at: usize) -> bool {
    let next = words.get(at + 1).map(String::as_str);
    match words[at].as_str() {
        "there" => {
            at > 0 && ["is", "are", "was", "were", "will"].contains(&words[at - 1].as_str())
                || next.is_some_and(|next| ["is", "are"].contains(&next))
        }
        "this" | "that" | "these" | "those" => {
            next.is_some_and(|next| ["week", "month", "year", "company"].contains(&next))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::Says;
    use super::*;

    const TURN: (&str, &str) = ("Am I eligible for the\ndental plan?", "Everybody is, says the page.");

    /// The question as it stands alone, what is searched for, and what the model was given.
    fn standing(question: &str, writes: &'static str) -> (String, Vec<(String, f32)>, String) {
        let model = Says::new(0.0, writes);
        let turns = [(TURN.0.to_owned(), TURN.1.to_owned())];
        let question = Question::parse(question).unwrap();
        let standing = rewrite(&question, &turns, Some(&model), &Stop::default()).unwrap();
        let searches = standing.searches.iter().map(|(words, weight)| (words.as_str().to_owned(), *weight)).collect();
        (standing.question.as_str().to_owned(), searches, model.given())
    }

    #[test]
    fn a_follow_up_is_looked_for_as_it_stands_completed_and_with_the_question_before() {
        let (question, searches, _) = standing("What does it cost?", "What does the dental plan cost?\nIt costs");

        assert_eq!(question, "What does the dental plan cost?");
        let wanted = [
            ("What does it cost?", 1.0),
            ("What does the dental plan cost?", 1.0),
            ("Am I eligible for the dental plan? What does it cost?", 1.0),
            (TURN.1, TOLD),
        ];
        assert_eq!(searches, wanted.map(|(words, weight)| (words.to_owned(), weight)));
    }

    #[test]
    fn a_completion_that_asks_something_else_is_looked_for_and_never_answered() {
        let (question, searches, _) = standing("Do children pay for glasses?", "Am I eligible for the dental plan?");

        assert_eq!(question, "Do children pay for glasses?");
        assert_eq!(searches[1].0, "Am I eligible for the dental plan?");
    }

    #[test]
    fn a_completion_that_asks_the_question_before_again_is_looked_for_and_never_answered() {
        let (question, searches, _) =
            standing("And the eye plan?", "Am I eligible for the dental plan if I have the eye plan?");

        assert!(question.starts_with("And the eye plan?"), "{question}");
        assert_eq!(searches.len(), 4);
    }

    #[test]
    fn a_model_that_writes_nothing_of_use_leaves_it_to_the_rule() {
        for writes in ["", "NONE\n", "\n\n", "what is it", "\u{200b}"] {
            let (question, searches, _) = standing("What does it cost?", writes);

            assert!(question.contains("dental"), "{question}");
            assert_eq!(searches.len(), 3, "{writes:?}: {searches:?}");
        }
    }

    #[test]
    fn the_model_is_given_each_question_on_a_line_and_no_word_of_a_page() {
        let (_, _, given) = standing("What does it cost?", "");

        assert!(given.contains("- Am I eligible for the dental plan?\n"), "{given}");
        assert!(!given.contains("Everybody"), "{given}");
    }

    #[test]
    fn a_first_question_asks_no_model() {
        let model = Says::new(0.0, "What else?");
        let question = Question::parse("What does it cost?").unwrap();

        let standing = rewrite(&question, &[], Some(&model), &Stop::default()).unwrap();

        assert_eq!(standing, Standing::alone(&question));
        assert_eq!(model.given(), "");
    }

    #[test]
    fn a_long_question_asks_no_model_and_long_ones_before_are_not_read_whole() {
        let long = "What does the dental plan cost for children? ".repeat(30);

        let (_, searches, given) = standing(&long, "What else?");
        assert_eq!((searches.len(), given.as_str()), (3, ""));

        let model = Says::new(0.0, "What does it cost?");
        let question = Question::parse("What does it cost?").unwrap();
        rewrite(&question, &vec![(long, String::new()); 9], Some(&model), &Stop::default()).unwrap();
        assert!(model.given().len() < TURNS * (BEFORE_BYTES_MAX + 4) + 200, "{}", model.given());
    }

    #[test]
    fn a_model_without_room_leaves_it_to_the_rule() {
        let mut model = Says::new(0.0, "");
        model.is_full = true;
        let question = Question::parse("What does it cost?").unwrap();

        let standing = rewrite(&question, &[(TURN.0.into(), TURN.1.into())], Some(&model), &Stop::default()).unwrap();

        assert!(standing.question.as_str().contains("dental"), "{standing:?}");
    }

    fn after(before: &[&str], question: &str) -> String {
        let turns: Vec<(String, String)> = before.iter().map(|q| ((*q).to_owned(), String::new())).collect();
        by_rule(&Question::parse(question).unwrap(), &turns).as_str().to_owned()
    }

    #[test]
    fn a_follow_up_takes_the_subject_of_the_question_before() {
        let rewritten = after(&["How many days of annual leave do I have?"], "And for part-time staff?");

        assert_eq!(rewritten, "And for part-time staff? (about: days annual leave)");
    }

    #[test]
    fn a_follow_up_to_a_follow_up_still_knows_the_subject() {
        let rewritten = after(&["Am I eligible for the dental plan?", "What does it cost?"], "And for my children?");

        assert!(rewritten.contains("dental"), "{rewritten}");
    }

    #[test]
    fn a_question_that_stands_alone_comes_back_as_it_is() {
        for question in ["Who is on my team?", "Is there a canteen in Leipzig?", "What benefits do I have?"] {
            assert_eq!(after(&["How do I book travel?"], question), question);
        }
        assert_eq!(after(&[], "And then?"), "And then?");
    }

    #[test]
    fn a_rewritten_question_is_never_too_long() {
        let long = format!("and it {}?", "x".repeat(4080));

        assert_eq!(after(&["How do I book travel to Leipzig?"], &long), long);
    }
}
