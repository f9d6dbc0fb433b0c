//! The language model on its own thread: one prompt after another, from a bounded queue.

use std::io::Cursor;
use std::ops::ControlFlow;
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};

use candle_core::quantized::gguf_file::Content;

use super::guess::guess;
use super::network::{Memory, Network};
use super::template::Template;
use super::tokens::{Text, Tokens};
use super::weights::Weights;
use super::{Ending, Error, Generate, Limits, Prompt, Sharing, Stop};

/// Tokens read at once: enough to keep the cores busy, few enough for a stop to be felt.
const CHUNK: usize = 128;
/// Pieces that may wait for a slow listener before the model waits for it.
const PIECES_MAX: usize = 64;

/// The language model on its own thread. The thread ends when this is dropped.
pub struct Engine {
    name: String,
    jobs: SyncSender<Job>,
}

struct Job {
    prompt: Prompt,
    task: Task,
    stop: Stop,
    out: SyncSender<Out>,
}

enum Task {
    Write(Limits),
    Lean { yes: String, no: String },
}

enum Out {
    Piece(String),
    Ended(Result<Ending, Error>),
    Leans(Result<f32, Error>),
}

impl Engine {
    /// Starts the thread.
    pub(super) fn start(name: &str, mut mind: Mind, queue_max: usize) -> Result<Engine, Error> {
        let (jobs, queue) = mpsc::sync_channel::<Job>(queue_max.max(1));
        std::thread::Builder::new()
            .name("model".to_owned())
            .spawn(move || serve(&mut mind, &queue))
            .map_err(|error| Error::Broken(error.into()))?;
        Ok(Engine { name: name.to_owned(), jobs })
    }

    fn send(&self, prompt: &Prompt, task: Task, stop: &Stop) -> Result<Receiver<Out>, Error> {
        let (out, pieces) = mpsc::sync_channel(PIECES_MAX);
        let job = Job { prompt: prompt.clone(), task, stop: stop.clone(), out };
        self.jobs.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => Error::Busy,
            TrySendError::Disconnected(_) => gone(),
        })?;
        Ok(pieces)
    }
}

impl Generate for Engine {
    fn name(&self) -> &str {
        &self.name
    }

    fn generate(
        &self,
        prompt: &Prompt,
        limits: Limits,
        stop: &Stop,
        each: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<Ending, Error> {
        for out in self.send(prompt, Task::Write(limits), stop)? {
            match out {
                // Leaving the loop closes the channel, at which the thread stops writing.
                Out::Piece(piece) if each(&piece).is_break() => return Ok(Ending::Stopped),
                Out::Piece(_) => {}
                Out::Ended(ending) => return ending,
                Out::Leans(_) => break,
            }
        }
        Err(gone())
    }

    fn leaning(&self, prompt: &Prompt, yes: &str, no: &str, stop: &Stop) -> Result<f32, Error> {
        let task = Task::Lean { yes: yes.to_owned(), no: no.to_owned() };
        match self.send(prompt, task, stop)?.recv() {
            Ok(Out::Leans(leaning)) => leaning,
            Ok(Out::Piece(_) | Out::Ended(_)) | Err(_) => Err(gone()),
        }
    }
}

fn gone() -> Error {
    Error::Broken("the model's thread has ended".into())
}

fn serve(mind: &mut Mind, queue: &Receiver<Job>) {
    for Job { prompt, task, stop, out } in queue {
        let last = match task {
            Task::Write(limits) => {
                Out::Ended(mind.write(&prompt, limits, &stop, &mut |piece| match out.send(Out::Piece(piece)) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(_) => ControlFlow::Break(()),
                }))
            }
            Task::Lean { yes, no } => Out::Leans(mind.lean(&prompt, &yes, &no, &stop)),
        };
        // A listener that has gone needs no last word.
        let _ = out.send(last);
    }
}

/// The model and what it has read.
pub(super) struct Mind {
    network: Network,
    tokens: Tokens,
    template: Template,
    memory: Memory,
    /// The tokens whose keys and values stand in `memory`.
    held: Vec<u32>,
    /// How many of them, from the first on, are the fixed system text.
    fixed: usize,
    /// Whose the others are.
    sharing: Sharing,
}

impl Mind {
    /// Over checked weights. `template` is the manifest's, where the weights' own is not to be used; `threads` work on it, 0
    /// is one for each core.
    pub(super) fn from_gguf(weights: &Weights, template: Option<Template>, threads: usize) -> Result<Mind, Error> {
        let content = Content::read(&mut Cursor::new(&**weights)).map_err(broken)?;
        let template = template.map_or_else(|| Template::of(&content), Ok)?;
        let tokens = Tokens::from_gguf(&content)?;
        let threads = match threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            some => some,
        };
        let network = Network::from_gguf(&content, weights, threads).map_err(broken)?;
        let memory = network.memory();
        Ok(Mind { network, tokens, template, memory, held: Vec::new(), fixed: 0, sharing: Sharing::new() })
    }

    /// How many threads work.
    pub(super) fn threads(&self) -> usize {
        self.network.threads()
    }

    /// The first tokens of a text, so many.
    pub(super) fn tokens_of(&self, text: &str, count: usize) -> Result<Vec<u32>, Error> {
        let mut tokens = Vec::new();
        self.tokens.encode(text, &mut tokens)?;
        tokens.truncate(count);
        Ok(tokens)
    }

    /// Forgets what is held and reads these tokens; gives the one that follows.
    pub(super) fn read_plainly(&mut self, tokens: &[u32]) -> Result<u32, Error> {
        self.held.clear();
        match self.read_to_end(tokens, &Stop::default())? {
            Some(scores) => Ok(best(&scores)),
            None => Err(Error::Broken("nothing was read".into())),
        }
    }

    /// Reads one token more; gives the one that follows.
    pub(super) fn read_on(&mut self, token: u32) -> Result<u32, Error> {
        let at = self.held.len();
        self.network.read(&[token], at, &mut self.memory, &Stop::default(), 1).map_err(broken)?;
        self.held.push(token);
        Ok(best(&self.memory.scores(0)))
    }

    fn write(
        &mut self,
        prompt: &Prompt,
        limits: Limits,
        stop: &Stop,
        each: &mut dyn FnMut(String) -> ControlFlow<()>,
    ) -> Result<Ending, Error> {
        let Some(scores) = self.read(prompt, limits.tokens_max, stop)? else { return Ok(Ending::Stopped) };
        let mut text = Text::default();
        let mut written = 0;
        // What the model has chosen; all but the last are read already.
        let mut chosen = vec![best(&scores)];
        loop {
            for token in &chosen {
                if self.tokens.ends(*token) {
                    return Ok(Ending::Done);
                }
                let piece = text.push(self.tokens.bytes(*token));
                if stop.is_set() || !piece.is_empty() && each(piece).is_break() {
                    return Ok(Ending::Stopped);
                }
                written += 1;
                if written >= limits.tokens_max {
                    return Ok(Ending::Limit);
                }
            }
            let at = self.held.len();
            self.held.extend(chosen.pop());
            let guesses = guess(&self.held, limits.tokens_max - written).to_vec();
            self.held.extend(&guesses);
            let count = guesses.len() + 1;
            let is_read = self.network.read(&self.held[at..], at, &mut self.memory, stop, count).map_err(broken);
            self.held.truncate(at + 1);
            if !is_read.inspect_err(|_| self.held.truncate(at))? {
                self.held.truncate(at);
                return Ok(Ending::Stopped);
            }
            chosen.clear();
            for place in 0..count {
                let token = best(&self.memory.scores(place));
                chosen.push(token);
                if guesses.get(place) != Some(&token) {
                    break;
                }
                self.held.push(token);
            }
        }
    }

    fn lean(&mut self, prompt: &Prompt, yes: &str, no: &str, stop: &Stop) -> Result<f32, Error> {
        let Some(scores) = self.read(prompt, 1, stop)? else { return Ok(0.0) };
        let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let weight = |word: &str| -> Result<f32, Error> {
            let mut firsts = Vec::new();
            for variant in [word.to_owned(), word.to_lowercase(), word.to_uppercase(), format!(" {word}")] {
                let mut tokens = Vec::new();
                self.tokens.encode(&variant, &mut tokens)?;
                firsts.extend(tokens.first().copied());
            }
            firsts.sort_unstable();
            firsts.dedup();
            Ok(firsts.iter().filter_map(|token| scores.get(*token as usize)).map(|score| (score - most).exp()).sum())
        };
        let (yes, no) = (weight(yes)?, weight(no)?);
        Ok(if yes + no > 0.0 { yes / (yes + no) } else { 0.0 })
    }

    /// Reads a prompt; gives the scores of the first token of the answer, or `None` where it was stopped.
    ///
    /// Tokens that stand in memory already are not read again. What was computed for them does not depend on what was read
    /// beside them or after, so an answer cannot tell what was asked before.
    fn read(&mut self, prompt: &Prompt, tokens_max: usize, stop: &Stop) -> Result<Option<Vec<f32>>, Error> {
        let segments = self.template.lay(prompt, &self.tokens)?;
        let tokens = segments.concat();
        if tokens.len() + tokens_max > self.network.context() {
            return Err(Error::TooLong);
        }
        let fixed = segments.first().map_or(0, Vec::len);
        let alike = tokens.iter().zip(&self.held).take_while(|(one, other)| one == other).count();
        let ours = if self.sharing.is(&prompt.sharing) { alike } else { alike.min(fixed).min(self.fixed) };
        // The last token is always read, for its scores are wanted.
        self.held.truncate(ours.min(tokens.len() - 1));
        (self.fixed, self.sharing) = (fixed, prompt.sharing.clone());
        self.read_to_end(&tokens, stop)
    }

    /// Reads what of these tokens is not held, and gives the scores after the last; `None` where it was stopped.
    fn read_to_end(&mut self, tokens: &[u32], stop: &Stop) -> Result<Option<Vec<f32>>, Error> {
        while self.held.len() < tokens.len() {
            let at = self.held.len();
            let end = tokens.len().min(at + CHUNK);
            let wanted = usize::from(end == tokens.len());
            if !self.network.read(&tokens[at..end], at, &mut self.memory, stop, wanted).map_err(broken)?
                || stop.is_set()
            {
                return Ok(None);
            }
            self.held.extend(&tokens[at..end]);
        }
        Ok(Some(self.memory.scores(0)))
    }
}

/// The token with the highest score; of equals the first, so that it is always the same.
fn best(scores: &[f32]) -> u32 {
    let mut best = 0;
    for (at, score) in scores.iter().enumerate() {
        if *score > scores[best] {
            best = at;
        }
    }
    best as u32
}

fn broken(error: candle_core::Error) -> Error {
    Error::Broken(error.into())
}

#[cfg(test)]
mod steps {
    //! Steps that tests take one by one.

    use super::*;

    impl Mind {
        /// A prompt's tokens.
        pub(in super::super) fn lay(&self, prompt: &Prompt) -> Result<Vec<u32>, Error> {
            Ok(self.template.lay(prompt, &self.tokens)?.concat())
        }

        /// The scores after what was read last.
        pub(in super::super) fn scores(&self) -> Vec<f32> {
            self.memory.scores(0)
        }

        /// Whether a token ends the turn.
        pub(in super::super) fn ends(&self, token: u32) -> bool {
            self.tokens.ends(token)
        }

        /// The text of tokens; what is cut off inside a character at the end is left out.
        pub(in super::super) fn text(&self, tokens: &[u32]) -> String {
            let mut text = Text::default();
            tokens.iter().map(|token| text.push(self.tokens.bytes(*token))).collect()
        }
    }
}
