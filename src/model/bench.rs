//! How fast the language model is on this machine: reading, writing, and how much memory it took.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::engine::Mind;
use super::manifest::Manifest;
use super::{Error, Settings};

/// Prompt lengths measured.
const LENGTHS: [usize; 3] = [128, 512, 1500];
/// Tokens written at each.
const WRITTEN: usize = 32;

/// What was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Measured {
    /// The model's name.
    pub model: String,
    /// Threads that worked.
    pub threads: usize,
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
}

/// Measures the language model of the settings, each speed once.
pub fn bench(settings: &Settings) -> Result<Measured, Error> {
    let begun = Instant::now();
    let (name, mut mind) = Manifest::open(settings)?.mind(settings)?;
    let ready = begun.elapsed();
    let mut at = Vec::new();
    for tokens in LENGTHS {
        let (read, written) = mind.pace(tokens, WRITTEN)?;
        let speed = |count: usize, time: Duration| count as f64 / time.as_secs_f64();
        at.push(MeasuredAt { tokens, read: speed(tokens, read), written: speed(WRITTEN, written) });
    }
    Ok(Measured { model: name, threads: mind.threads(), ready_ms: ready.as_millis() as u64, at, peak_mib: peak() })
}

impl Mind {
    /// How long it takes to read so many tokens, and to write so many after them.
    fn pace(&mut self, tokens: usize, written: usize) -> Result<(Duration, Duration), Error> {
        let text = "The pager number of the on-call engineer is 4417, and Ada has it on Mondays. ";
        let prompt = self.tokens_of(&text.repeat(tokens / 8), tokens)?;
        let begun = Instant::now();
        let mut token = self.read_plainly(&prompt)?;
        let read = begun.elapsed();
        let begun = Instant::now();
        for _ in 0..written {
            token = self.read_on(token)?;
        }
        Ok((read, begun.elapsed()))
    }
}

/// The process's peak, as Linux says it.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? / 1024)
}
