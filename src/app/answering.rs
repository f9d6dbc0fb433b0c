//! Making an answer: by the language model where it can, by quoting where it cannot.

use std::ops::ControlFlow;

use crate::answer::{self, Answer, Claim, Mode, Piece, Question, Settings, Without};
use crate::index::Found;
use crate::model::{self, Generate, Stop};

/// How often a prompt that does not fit the model's context is halved: after this it has some ten words left.
const HALVINGS: u32 = 5;

/// Makes an answer. Where the model fails, what it had shown stays, and the rest is quoted. `marked` is told before the first
/// sentence that is.
pub(super) fn make(
    model: Result<&dyn Generate, Without>,
    question: &Question,
    found: &[Found],
    settings: &Settings,
    stop: &Stop,
    marked: &mut dyn FnMut(Mode) -> ControlFlow<()>,
    each: &mut dyn FnMut(Piece<'_>) -> ControlFlow<()>,
) -> (Answer, Mode) {
    let mut shown: Vec<Claim> = Vec::new();
    let without = match model {
        Ok(model) => {
            let mut noted = |piece: Piece<'_>| {
                let claim = match piece {
                    Piece::Claim(claim) => Some(claim.clone()),
                    Piece::Phase(_) | Piece::Source(_) => None,
                };
                each(piece)?;
                shown.extend(claim);
                ControlFlow::Continue(())
            };
            match written(model, question, found, settings, stop, &mut noted) {
                Ok(answer) => return (answer, Mode::Written),
                Err(error) => without(&error),
            }
        }
        Err(without) => without,
    };
    let mode = Mode::Quoted(without);
    if marked(mode).is_break() {
        return (Answer::Stopped { claims: shown, by: answer::StoppedBy::Asker }, mode);
    }
    (answer::quote(question, found, settings, &shown, stop, each), mode)
}

/// Grounds an answer by the model. A prompt that does not fit its context is made shorter: a question and pages of a script
/// that the model's tokenizer lacks take a token or more for each byte.
pub(super) fn written(
    model: &dyn Generate,
    question: &Question,
    found: &[Found],
    settings: &Settings,
    stop: &Stop,
    each: &mut dyn FnMut(Piece<'_>) -> ControlFlow<()>,
) -> Result<Answer, model::Error> {
    let mut settings = settings.clone();
    for _ in 0..HALVINGS {
        match answer::ground(question, found, model, &settings, stop, each) {
            // It is met at the first prompt, before anything was shown: the later ones are no longer.
            Err(model::Error::TooLong) => settings.words_max /= 2,
            other => return other,
        }
    }
    answer::ground(question, found, model, &settings, stop, each)
}

/// Why the model could not be used, and a word to the log where someone should look.
pub(super) fn without(error: &model::Error) -> Without {
    match error {
        model::Error::Busy => Without::Busy,
        // A prompt that is too long at its shortest is nobody's to mend.
        model::Error::TooLong => Without::Failed,
        model::Error::Missing { .. }
        | model::Error::Wrong { .. }
        | model::Error::Unknown(..)
        | model::Error::Manifest { .. }
        | model::Error::Unfit(_)
        | model::Error::NoSpace { .. }
        | model::Error::Broken(_) => {
            tracing::error!(error = %super::error::chain(error), "the language model failed; pages are quoted instead");
            Without::Failed
        }
    }
}
