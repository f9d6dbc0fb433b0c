//! A model by rule that stands before a gate: what happens while an answer is being written, a test does meanwhile.

use std::ops::ControlFlow;
use std::sync::{Condvar, Mutex};

use sotto::app::nouns::{Ending, Generate, Limits, ModelError, Prompt, Scripted, Stop};

use super::PATIENCE;

/// The gate; it stands open at first.
#[derive(Default)]
pub struct Gate {
    state: Mutex<State>,
    changed: Condvar,
    model: Scripted,
}

#[derive(Default)]
struct State {
    is_shut: bool,
    waiting: usize,
}

impl Gate {
    /// From now on writing waits.
    pub fn shut(&self) {
        self.state.lock().unwrap().is_shut = true;
    }

    /// Waits until an answer stands before the gate.
    pub fn wait(&self) {
        let state = self.state.lock().unwrap();
        let (_state, waited) = self.changed.wait_timeout_while(state, PATIENCE, |state| state.waiting == 0).unwrap();
        assert!(!waited.timed_out(), "nothing came to be written");
    }

    /// Lets it be written.
    pub fn open(&self) {
        self.state.lock().unwrap().is_shut = false;
        self.changed.notify_all();
    }
}

impl Generate for Gate {
    fn name(&self) -> &str {
        self.model.name()
    }

    fn generate(
        &self,
        prompt: &Prompt,
        limits: Limits,
        stop: &Stop,
        each: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<Ending, ModelError> {
        let mut state = self.state.lock().unwrap();
        state.waiting += 1;
        self.changed.notify_all();
        let mut state = self.changed.wait_while(state, |state| state.is_shut).unwrap();
        state.waiting -= 1;
        drop(state);
        self.model.generate(prompt, limits, stop, each)
    }

    fn leaning(&self, prompt: &Prompt, yes: &str, no: &str, stop: &Stop) -> Result<f32, ModelError> {
        self.model.leaning(prompt, yes, no, stop)
    }
}
