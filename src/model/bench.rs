//! How fast the language model is on this machine: reading, writing, and how much memory it took.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::manifest::Manifest;
use super::mind::Mind;
use super::{Error, Settings, Space};

/// Prompt lengths measured.
const LENGTHS: [usize; 3] = [128, 512, 1500];
/// Tokens written at each.
const WRITTEN: usize = 32;
/// Times that the weights are read through; the fastest counts, for others can only have been in the way.
const PASSES: usize = 5;
/// What is read, over and over.
const TEXT: &str = "The pager number of the on-call engineer is 4417, and Ada has it on Mondays. ";

/// What was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Measured {
    /// The model's name.
    pub model: String,
    /// Threads that worked.
    pub threads: usize,
    /// Bytes of the weights that each token is multiplied with.
    pub weights_bytes: usize,
    /// What it may come to need of the machine's memory, as it is stated before it is loaded.
    pub space: Space,
    /// From the start until the first prompt could be read, the check of the weights included.
    pub ready_ms: u64,
    /// At each length.
    pub at: Vec<MeasuredAt>,
    /// The most memory the process has had resident, in MiB; `None` where the system does not say.
    pub peak_mib: Option<u64>,
}

/// What was measured at one length.
#[derive(Debug, Clone, Serialize)]
pub struct MeasuredAt {
    /// Tokens of the prompt.
    pub tokens: usize,
    /// Tokens read a second.
    pub read: f64,
    /// Tokens written a second after it, one by one: without guesses, whose worth depends on the text.
    pub written: f64,
    /// Bytes a second at which the same threads read the same weights then, and did nothing else: no token can be written
    /// one by one sooner than that allows.
    pub bandwidth: f64,
    /// What was written, as a share of what that bandwidth allows.
    pub of_limit: f64,
}

/// Measures the language model of the settings, each speed once.
pub fn bench(settings: &Settings) -> Result<Measured, Error> {
    let begun = Instant::now();
    let (name, mut mind) = Manifest::open(settings)?.mind(settings)?;
    let ready = begun.elapsed();
    let mut at = Vec::new();
    for tokens in LENGTHS {
        let prompt = mind.bench_prompt(tokens)?;
        let (read, written) = mind.pace(&prompt, WRITTEN)?;
        let bandwidth = mind.bandwidth();
        let speed = |count: usize, time: Duration| count as f64 / time.as_secs_f64();
        let (read, written) = (speed(tokens, read), speed(WRITTEN, written));
        let of_limit = written * mind.bytes_a_token() as f64 / bandwidth;
        at.push(MeasuredAt { tokens, read, written, bandwidth, of_limit });
    }
    let (threads, space, weights_bytes) = (mind.threads(), mind.space(), mind.bytes_a_token());
    let ready_ms = ready.as_millis() as u64;
    Ok(Measured { model: name, threads, weights_bytes, space, ready_ms, at, peak_mib: peak() })
}

impl Mind {
    /// So many tokens.
    fn bench_prompt(&self, tokens: usize) -> Result<Vec<u32>, Error> {
        self.tokens_of(&TEXT.repeat(tokens / 8 + 1), tokens)
    }

    /// How long it takes to read these tokens, and to write so many after them.
    fn pace(&mut self, prompt: &[u32], written: usize) -> Result<(Duration, Duration), Error> {
        let begun = Instant::now();
        let mut token = self.read_plainly(prompt)?;
        let read = begun.elapsed();
        let begun = Instant::now();
        for _ in 0..written {
            token = self.read_on(token)?;
        }
        Ok((read, begun.elapsed()))
    }
}

impl Mind {
    /// See [`MeasuredAt::bandwidth`].
    fn bandwidth(&self) -> f64 {
        let pass = || {
            let begun = Instant::now();
            self.read_through();
            self.bytes_a_token() as f64 / begun.elapsed().as_secs_f64()
        };
        (0..PASSES).map(|_| pass()).fold(0.0, f64::max)
    }
}

/// The process's peak, as Linux says it.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? / 1024)
}

#[cfg(feature = "probe")]
pub use stand::Stand;

#[cfg(feature = "probe")]
mod stand {
    //! What `benches/generate.rs` measures beside another engine.

    use std::sync::mpsc;

    use super::super::turn::{Job, Out, Task};
    use super::super::{Ending, Limits, Prompt, Stop};
    use super::*;

    /// A language model to be measured step by step, without a thread of its own.
    pub struct Stand(Mind);

    impl Stand {
        /// The language model of the settings.
        pub fn open(settings: &Settings) -> Result<Stand, Error> {
            Ok(Stand(Manifest::open(settings)?.mind(settings)?.1))
        }

        /// The language model of a file, whatever it is: nobody has checked it.
        pub fn of_file(path: &std::path::Path) -> Result<Stand, Error> {
            let weights = super::super::weights::Weights::map(path).map_err(|error| Error::Broken(error.into()))?;
            Ok(Stand(Mind::from_gguf(&weights, None, 1, 1)?))
        }

        /// So many tokens to be read.
        pub fn prompt(&self, tokens: usize) -> Result<Vec<u32>, Error> {
            self.0.bench_prompt(tokens)
        }

        /// A text's tokens.
        pub fn tokens(&self, text: &str) -> Result<Vec<u32>, Error> {
            self.0.tokens_of(text, usize::MAX)
        }

        /// A prompt's tokens, and how many of them are the fixed system text.
        pub fn lay(&self, prompt: &Prompt) -> Result<(Vec<u32>, usize), Error> {
            self.0.lay_in_two(prompt)
        }

        /// How long it takes to read these tokens, and to write so many after them, one by one.
        pub fn pace(&mut self, prompt: &[u32], written: usize) -> Result<(Duration, Duration), Error> {
            self.0.pace(prompt, written)
        }

        /// Bytes of the weights that each token is multiplied with, and how many a second the same threads read now.
        pub fn bandwidth(&self) -> (usize, f64) {
            (self.0.bytes_a_token(), self.0.bandwidth())
        }

        /// How long it takes from the moment the stop of a prompt is set, so long after its reading began, until nothing is
        /// worked on any more.
        pub fn stopped(&mut self, prompt: &Prompt, after: Duration) -> Result<Duration, Error> {
            let stop = Stop::default();
            let (out, pieces) = mpsc::channel();
            let task = Task::Write(Limits { tokens_max: 200 });
            let job = Job { prompt: prompt.clone(), task, stop: stop.clone(), out };
            std::thread::scope(|scope| {
                let setting = scope.spawn(move || {
                    std::thread::sleep(after);
                    stop.set();
                    Instant::now()
                });
                let mut turns: Vec<_> = self.0.begin(job).into_iter().collect();
                while !turns.is_empty() {
                    self.0.step(&mut turns);
                }
                let ended = Instant::now();
                for out in pieces {
                    if let Out::Ended(ending) = out
                        && ending? != Ending::Stopped
                    {
                        return Err(Error::Broken("it was done before it was stopped".into()));
                    }
                }
                let set = setting.join().map_err(|_| Error::Broken("the stop was not set".into()))?;
                Ok(ended.saturating_duration_since(set))
            })
        }

        /// Answers prompts, all at once as far as there are seats, as the server does: the texts and how long it took.
        pub fn write(&mut self, prompts: &[Prompt], tokens_max: usize) -> Result<(Vec<String>, Duration), Error> {
            let begun = Instant::now();
            let (mut turns, mut listeners, mut waiting) = (Vec::new(), Vec::new(), prompts.iter());
            loop {
                while turns.len() < self.0.seats_max()
                    && let Some(prompt) = waiting.next()
                {
                    let (out, pieces) = mpsc::channel();
                    listeners.push(pieces);
                    let task = Task::Write(Limits { tokens_max });
                    turns.extend(self.0.begin(Job { prompt: prompt.clone(), task, stop: Stop::default(), out }));
                }
                if turns.is_empty() {
                    break;
                }
                self.0.step(&mut turns);
            }
            let took = begun.elapsed();
            let mut texts = Vec::new();
            for pieces in listeners {
                let mut text = String::new();
                for out in pieces {
                    match out {
                        Out::Piece(piece) => text.push_str(&piece),
                        Out::Ended(ending) => drop(ending?),
                        Out::Leans(leaning) => drop(leaning?),
                    }
                }
                texts.push(text);
            }
            Ok((texts, took))
        }

        /// The perplexity of a text: in each window the model reads all, and what it made of the second half counts.
        pub fn perplexity(&mut self, tokens: &[u32], window: usize) -> Result<f64, Error> {
            let (mut sum, mut count) = (0.0, 0);
            for window in tokens.chunks_exact(window) {
                self.0.read_for_scores(window, window.len() / 2 - 1, |at, scores| {
                    // After the last token nothing is known to follow.
                    let Some(token) = window.get(at + 1) else { return };
                    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                    let all: f64 = scores.iter().map(|score| f64::from(score - most).exp()).sum();
                    let score = scores.get(*token as usize).copied().unwrap_or(f32::NEG_INFINITY);
                    sum += all.ln() - f64::from(score - most);
                    count += 1;
                })?;
            }
            Ok((sum / f64::from(count)).exp())
        }

        /// The most memory the process has had resident, in MiB.
        pub fn peak(&self) -> Option<u64> {
            peak()
        }
    }
}
