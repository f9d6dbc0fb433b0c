//! A language model and an embedder, each on its own thread: a prompt goes in, text comes out.
//!
//! Always true here:
//! - Weights are used only after their SHA-256 was found to be the manifest's.
//! - The same file and the same prompt give the same text, whoever else asks and whatever was asked before: what is computed
//!   for a token does not depend on what is computed beside it ([`kernel`]).
//! - State of one answer's prompts is never used for another answer; only the fixed system text is everybody's.
//! - Text of a page or a person can never become a special token.
//!
//! Uses: nothing of ours; keeps `candle` and `tokenizers`. Begin at [`Generate`].

mod bench;
mod embedder;
mod encoder;
mod engine;
mod family;
mod fault;
mod gguf;
mod guess;
mod kernel;
mod manifest;
mod mind;
mod network;
mod pack;
mod scripted;
mod space;
mod template;
mod tensors;
mod tokens;
mod turn;
mod weights;

#[cfg(feature = "probe")]
pub use bench::Stand;
pub use bench::{Measured, bench};
pub use embedder::Embedder;
pub use engine::Engine;
pub use fault::Fault;
pub use manifest::{Kind, Manifest};
pub use pack::pack;
pub use scripted::Scripted;
pub use space::Space;

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

/// Which models are used and how much of the machine they take.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The folder of the weights and their manifest; a packed binary carries its own and needs none.
    pub folder: PathBuf,
    /// The language model, by its name in the manifest.
    pub name: String,
    /// The embedder, by its name in the manifest.
    pub embedder: String,
    /// Threads that work on each of the two; 0 is one for each core. No word depends on it.
    pub threads: usize,
    /// Prompts worked on together: each is slower in company and all are done sooner. No word depends on it. Each keeps the
    /// keys and values of what it has read.
    pub together: usize,
    /// Prompts that may wait; more are told that the model is busy.
    pub queue_max: usize,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            folder: PathBuf::from("/usr/share/sotto/models"),
            name: "qwen2.5-coder-1.5b-instruct-q4_k_m".to_owned(),
            embedder: "all-minilm-l6-v2".to_owned(),
            threads: 0,
            together: 8,
            queue_max: 8,
        }
    }
}

/// What a model is asked: a fixed system text, which is kept warm, and one turn after it.
#[derive(Debug, Clone)]
pub struct Prompt {
    /// The fixed instruction: it holds nothing of anybody's, so its state may be shared.
    pub system: String,
    /// What the user says, in parts that follow each other. What two prompts of one answer have alike at the beginning is
    /// read once. Special tokens inside are plain text.
    pub user: Vec<String>,
    /// How the answer begins, in parts; empty for none.
    pub begin: Vec<String>,
    /// Which other prompts may find this one's state warm.
    pub sharing: Sharing,
}

/// Joins the prompts of one answer. State is shared among the clones of one `Sharing` only: were it shared by likeness, the
/// time of an answer would tell what somebody else has asked.
#[derive(Debug, Clone, Default)]
pub struct Sharing(Arc<()>);

impl Sharing {
    /// One that no other prompt has.
    pub fn new() -> Sharing {
        Sharing::default()
    }

    /// Whether two are clones of one. An engine keeps its clone while it keeps the state, so no later one can have its
    /// address.
    pub fn is(&self, other: &Sharing) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Whether nobody else has a clone of it, so that no prompt of its answer can come any more.
    fn is_over(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }
}

/// How much a model may write.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Tokens written at most.
    pub tokens_max: usize,
}

/// How a generation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The model said it was done.
    Done,
    /// A limit was met.
    Limit,
    /// The listener broke off, or the stop was set.
    Stopped,
}

/// A stop that the asker can set from another thread.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Sets it.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it is set.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A vector of unit length.
#[derive(Debug, Clone, PartialEq)]
pub struct Vector(pub Box<[f32]>);

/// Writes text. Two makers exist: [`Engine`] (on its own thread) and [`Scripted`] (tests).
pub trait Generate: Send + Sync {
    /// The model's name, as the manifest has it.
    fn name(&self) -> &str;

    /// SHA-256 of its weights, hexadecimal; `None` where it has none.
    fn sha256(&self) -> Option<&str> {
        None
    }

    /// Writes until the model stops, a limit is met, or `each` breaks off. Greedy: the same prompt gives the same text.
    fn generate(
        &self,
        prompt: &Prompt,
        limits: Limits,
        stop: &Stop,
        each: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<Ending, Error>;

    /// The probability, 0 to 1, that the model would answer the prompt with `yes` rather than `no`, read from the logits of
    /// the first token of each. 0 where the stop was set.
    fn leaning(&self, prompt: &Prompt, yes: &str, no: &str, stop: &Stop) -> Result<f32, Error>;
}

/// Turns text into vectors, in batches.
pub trait Embed: Send + Sync {
    /// One vector for each text, in order.
    fn embed(&self, texts: &[&str], stop: &Stop) -> Result<Vec<Vector>, Error>;
}

/// The level of this machine's arithmetic, in a word: on another level last bits may differ, and so may a token.
pub fn machine() -> &'static str {
    kernel::Machine::best().word()
}

/// What can go wrong with a model.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The weights are not where they should be.
    #[error("the weights of {name} are missing at {path}; run models/fetch.sh")]
    Missing {
        /// The model's name in the manifest.
        name: String,
        /// Where they should be.
        path: PathBuf,
    },
    /// The weights are not those the manifest names.
    #[error("{path} is not {name}: its SHA-256 is {found}, the manifest has {wanted}; fetch it again")]
    Wrong {
        /// The model's name in the manifest.
        name: String,
        /// The file.
        path: PathBuf,
        /// SHA-256 of the file, hexadecimal.
        found: String,
        /// SHA-256 in the manifest, hexadecimal.
        wanted: String,
    },
    /// The manifest names no such model.
    #[error("models/manifest.toml has no model {0:?}; it has {1}")]
    Unknown(String, String),
    /// Too many prompts are waiting.
    #[error("the model is busy")]
    Busy,
    /// The manifest cannot be read, or is not one.
    #[error("cannot read {path}: {why}; run \"sotto check\"")]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The weights are no file that can be run: damaged, hostile, or of another kind.
    #[error("the weights cannot be used: {fault}; {mend}", fault = .0, mend = .0.mend())]
    Unfit(Fault),
    /// The model would need more memory than there is.
    #[error("{space}, but {available} MiB of memory are available; set fewer prompts \"together\" in [model], or a smaller model", available = .available >> 20)]
    NoSpace {
        /// What it may come to need.
        space: Space,
        /// Bytes that the machine, and the limits it is under, leave.
        available: u64,
    },
    /// The prompt and the answer do not fit the model's context.
    #[error("the prompt is longer than the model's context")]
    TooLong,
    /// Anything else.
    #[error("the model failed")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
}

#[cfg(test)]
mod tests;
