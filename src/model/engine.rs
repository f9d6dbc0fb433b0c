//! The language model on its own thread: one prompt after another, from a bounded queue.

use std::io::Cursor;
use std::ops::ControlFlow;
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};

use candle_core::quantized::gguf_file::Content;

use super::network::{Memory, Network, Scores};
use super::template::Template;
use super::tokens::{Text, Tokens};
use super::weights::Weights;
use super::{Ending, Error, Generate, Limits, Prompt, Sharing, Stop};

/// Tokens read at once: enough to keep the cores busy, few enough for a stop to be felt.
const CHUNK: usize = 128;
/// Pieces that may wait for a slow listener before the model waits for it.
const PIECES_MAX: usize = 64;

/// The language model: candle on its own thread. The thread ends when this is dropped.
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
    /// Starts the thread over checked weights. `template` is the manifest's, where the weights' own is not to be used.
    pub(super) fn start(
        name: &str,
        weights: &Weights,
        template: Option<Template>,
        queue_max: usize,
    ) -> Result<Engine, Error> {
        let mut mind = Mind::from_gguf(weights, template)?;
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
    /// The segments whose keys and values stand in `memory`, each read as a whole.
    warm: Vec<Vec<u32>>,
    /// Whose the segments after the first are.
    sharing: Sharing,
}

impl Mind {
    pub(super) fn from_gguf(weights: &Weights, template: Option<Template>) -> Result<Mind, Error> {
        let content = Content::read(&mut Cursor::new(&**weights)).map_err(broken)?;
        let template = template.map_or_else(|| Template::of(&content), Ok)?;
        let tokens = Tokens::from_gguf(&content)?;
        let network = Network::from_gguf(&content, weights).map_err(broken)?;
        Ok(Mind { network, tokens, template, memory: Memory::default(), warm: Vec::new(), sharing: Sharing::new() })
    }

    fn write(
        &mut self,
        prompt: &Prompt,
        limits: Limits,
        stop: &Stop,
        each: &mut dyn FnMut(String) -> ControlFlow<()>,
    ) -> Result<Ending, Error> {
        let Some((mut scores, mut at)) = self.read(prompt, limits.tokens_max, stop)? else {
            return Ok(Ending::Stopped);
        };
        let mut text = Text::default();
        for written in 1..=limits.tokens_max {
            let token = best(&scores);
            if self.tokens.ends(token) {
                return Ok(Ending::Done);
            }
            let piece = text.push(self.tokens.bytes(token));
            if stop.is_set() || !piece.is_empty() && each(piece).is_break() {
                return Ok(Ending::Stopped);
            }
            if written == limits.tokens_max {
                break;
            }
            match self.network.read(&[token], at, &mut self.memory, stop, Scores::Last).map_err(broken)? {
                Some(next) => scores = next,
                None => return Ok(Ending::Stopped),
            }
            at += 1;
        }
        Ok(Ending::Limit)
    }

    fn lean(&mut self, prompt: &Prompt, yes: &str, no: &str, stop: &Stop) -> Result<f32, Error> {
        let Some((scores, _)) = self.read(prompt, 1, stop)? else { return Ok(0.0) };
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

    /// Reads a prompt; gives the scores of the first token of the answer and its position, or `None` where it was stopped.
    ///
    /// Segments that stand in memory already are not read again. Each segment is always read in chunks counted from its own
    /// beginning, so what is reused is bit for bit what would have been computed: an answer cannot tell what was asked before.
    fn read(&mut self, prompt: &Prompt, tokens_max: usize, stop: &Stop) -> Result<Option<(Vec<f32>, usize)>, Error> {
        let segments = self.template.lay(prompt, &self.tokens)?;
        let length: usize = segments.iter().map(Vec::len).sum();
        if length + tokens_max > self.network.context() {
            return Err(Error::TooLong);
        }
        let is_ours = self.sharing.is(&prompt.sharing);
        let alike = segments.iter().zip(&self.warm).take_while(|(one, other)| one == other).count();
        // The last segment is always read, for its scores are wanted.
        let kept = alike.min(if is_ours { alike } else { 1 }).min(segments.len() - 1);
        self.warm.truncate(kept);
        self.sharing = prompt.sharing.clone();
        let mut at: usize = self.warm.iter().map(Vec::len).sum();
        let mut last = None;
        for (number, segment) in segments.iter().enumerate().skip(kept) {
            for chunk in segment.chunks(CHUNK) {
                at += chunk.len();
                let wanted = if at == length { Scores::Last } else { Scores::Skipped };
                last = self.network.read(chunk, at - chunk.len(), &mut self.memory, stop, wanted).map_err(broken)?;
                if stop.is_set() {
                    return Ok(None);
                }
            }
            debug_assert_eq!(self.warm.len(), number, "segments are kept in order");
            self.warm.push(segment.clone());
        }
        Ok(last.map(|scores| (scores, length)))
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
