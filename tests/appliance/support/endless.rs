//! A model that goes on until it is told to stop, as a large one does on a small machine.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sotto::app::nouns::{Ending, Generate, Limits, ModelError, Prompt, Scripted, Stop};

use super::PATIENCE;

/// How long a token takes: the stop is looked at between two.
const TOKEN: Duration = Duration::from_millis(5);

/// The model, and how many answers it is writing.
#[derive(Default)]
pub struct Endless {
    writing: AtomicUsize,
    model: Scripted,
}

impl Endless {
    /// Waits until an answer is being written.
    pub fn wait(&self) {
        let began = Instant::now();
        while self.writing.load(Ordering::SeqCst) == 0 {
            assert!(began.elapsed() < PATIENCE, "nothing came to be written");
            std::thread::park_timeout(Duration::from_millis(1));
        }
    }
}

impl Generate for Endless {
    fn name(&self) -> &str {
        self.model.name()
    }

    fn generate(
        &self,
        _: &Prompt,
        _: Limits,
        stop: &Stop,
        _: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<Ending, ModelError> {
        self.writing.fetch_add(1, Ordering::SeqCst);
        let began = Instant::now();
        while !stop.is_set() {
            assert!(began.elapsed() < PATIENCE, "nobody stops it");
            std::thread::park_timeout(TOKEN);
        }
        self.writing.fetch_sub(1, Ordering::SeqCst);
        Ok(Ending::Stopped)
    }

    fn leaning(&self, prompt: &Prompt, yes: &str, no: &str, stop: &Stop) -> Result<f32, ModelError> {
        self.model.leaning(prompt, yes, no, stop)
    }
}
