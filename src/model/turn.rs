//! One job of the language model: its prompt, how far it is read, and what was written.

use std::sync::mpsc::Sender;

use super::guess::guess;
use super::mind::Seat;
use super::network::Room;
use super::tokens::{Text, Tokens};
use super::{Ending, Error, Limits, Prompt, Stop};

/// What is asked of the model's thread.
pub(super) struct Job {
    pub prompt: Prompt,
    pub task: Task,
    pub stop: Stop,
    pub out: Sender<Out>,
}

pub(super) enum Task {
    Write(Limits),
    Lean { yes: String, no: String },
}

pub(super) enum Out {
    Piece(String),
    Ended(Result<Ending, Error>),
    Leans(Result<f32, Error>),
}

/// A job in work.
pub(super) struct Turn {
    pub seat: Seat,
    task: Task,
    pub stop: Stop,
    out: Sender<Out>,
    /// The prompt and what was written; of these the seat holds the first.
    all: Vec<u32>,
    /// How many of them are the prompt.
    prompt: usize,
    text: Text,
    /// What is read in this step: some of `all`, and then guesses.
    pub now: Vec<u32>,
    guesses: usize,
}

impl Turn {
    pub(super) fn new(job: Job, prompt: Vec<u32>, seat: Seat) -> Turn {
        let Job { task, stop, out, .. } = job;
        let (text, now) = (Text::default(), Vec::new());
        Turn { seat, task, stop, out, prompt: prompt.len(), all: prompt, text, now, guesses: 0 }
    }

    /// Whether its prompt is read.
    pub(super) fn is_writing(&self) -> bool {
        self.all.len() > self.prompt
    }

    /// What the seat is to hold.
    pub(super) fn all(&self) -> &[u32] {
        &self.all
    }

    /// Chooses what is read next: at most so many tokens, guesses among them.
    pub(super) fn plan(&mut self, most: usize) {
        let due = &self.all[self.seat.held.len()..];
        self.now.clear();
        self.now.extend(&due[..due.len().min(most)]);
        self.guesses = 0;
        if let Task::Write(limits) = &self.task
            && self.is_writing()
        {
            let left = limits.tokens_max - (self.all.len() - self.prompt);
            let guesses = guess(&self.all, left.min(most.saturating_sub(self.now.len())));
            self.guesses = guesses.len();
            self.now.extend(guesses);
        }
    }

    /// After how many of the tokens read now, from the last, the scores are wanted.
    pub(super) fn wanted(&self) -> usize {
        let is_last = self.seat.held.len() + self.now.len() - self.guesses == self.all.len();
        if is_last && !self.now.is_empty() { 1 + self.guesses } else { 0 }
    }

    /// Takes in what was read: `room` has the scores after each of the wanted, from place `first` on. Gives the last word where
    /// it is done.
    pub(super) fn take_in(&mut self, tokens: &Tokens, room: &Room, first: usize) -> Option<Out> {
        let (wanted, sure) = (self.wanted(), self.now.len() - self.guesses);
        self.seat.held.extend(&self.now[..sure]);
        if wanted == 0 {
            return None;
        }
        let limits = match &self.task {
            Task::Write(limits) => *limits,
            Task::Lean { yes, no } => return Some(Out::Leans(leaning(tokens, &room.scores(first), yes, no))),
        };
        for place in 0..wanted {
            let token = room.best(first + place);
            if tokens.ends(token) {
                return Some(Out::Ended(Ok(Ending::Done)));
            }
            self.all.push(token);
            let piece = self.text.push(tokens.bytes(token));
            if self.stop.is_set() || !piece.is_empty() && self.out.send(Out::Piece(piece)).is_err() {
                return Some(Out::Ended(Ok(Ending::Stopped)));
            }
            if self.all.len() - self.prompt >= limits.tokens_max {
                return Some(Out::Ended(Ok(Ending::Limit)));
            }
            // A right guess is read already; after a wrong one, nothing that was read counts.
            if self.now.get(sure + place) != Some(&token) {
                break;
            }
            self.seat.held.push(token);
        }
        None
    }

    /// The last word of one that is stopped.
    pub(super) fn stopped(&self) -> Out {
        match self.task {
            Task::Write(_) => Out::Ended(Ok(Ending::Stopped)),
            Task::Lean { .. } => Out::Leans(Ok(0.0)),
        }
    }

    /// Says the last word, and leaves the seat.
    pub(super) fn end(self, last: Out) -> Seat {
        // A listener that has gone needs no last word.
        let _ = self.out.send(last);
        self.seat
    }
}

/// See [`Generate::leaning`](super::Generate::leaning).
fn leaning(tokens: &Tokens, scores: &[f32], yes: &str, no: &str) -> Result<f32, Error> {
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weight = |word: &str| -> Result<f32, Error> {
        let mut firsts = Vec::new();
        for variant in [word.to_owned(), word.to_lowercase(), word.to_uppercase(), format!(" {word}")] {
            let mut all = Vec::new();
            tokens.encode(&variant, &mut all)?;
            firsts.extend(all.first().copied());
        }
        firsts.sort_unstable();
        firsts.dedup();
        Ok(firsts.iter().filter_map(|token| scores.get(*token as usize)).map(|score| (score - most).exp()).sum())
    };
    let (yes, no) = (weight(yes)?, weight(no)?);
    Ok(if yes + no > 0.0 { yes / (yes + no) } else { 0.0 })
}
