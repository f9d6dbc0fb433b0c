//! The language model on its own thread: several prompts together, others in a bounded queue.

use std::ops::ControlFlow;
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};

use super::mind::Mind;
use super::turn::{Job, Out, Task};
use super::{Ending, Error, Generate, Limits, Prompt, Stop};

/// The language model on its own thread. The thread ends when this is dropped.
pub struct Engine {
    name: String,
    /// SHA-256 of the weights, hexadecimal.
    sha256: String,
    jobs: SyncSender<Job>,
}

impl Engine {
    /// Starts the thread.
    pub(super) fn start(name: &str, sha256: &str, mut mind: Mind, queue_max: usize) -> Result<Engine, Error> {
        let (jobs, queue) = mpsc::sync_channel::<Job>(queue_max.max(1));
        std::thread::Builder::new()
            .name("model".to_owned())
            .spawn(move || serve(&mut mind, &queue))
            .map_err(|error| Error::Broken(error.into()))?;
        Ok(Engine { name: name.to_owned(), sha256: sha256.to_owned(), jobs })
    }

    fn send(&self, prompt: &Prompt, task: Task, stop: &Stop) -> Result<Receiver<Out>, Error> {
        // No bound but the limit of tokens: were the model to wait for a slow listener, all others would wait too.
        let (out, pieces) = mpsc::channel();
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

    fn sha256(&self) -> Option<&str> {
        Some(&self.sha256)
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
            Ok(Out::Ended(Err(error))) => Err(error),
            Ok(Out::Piece(_) | Out::Ended(Ok(_))) | Err(_) => Err(gone()),
        }
    }
}

fn gone() -> Error {
    Error::Broken("the model's thread has ended".into())
}

/// Takes jobs as there are seats for them, and goes on with all of them step by step; returns when nobody can send more.
fn serve(mind: &mut Mind, queue: &Receiver<Job>) {
    let mut turns = Vec::new();
    loop {
        while turns.len() < mind.seats_max() {
            let job = if turns.is_empty() { queue.recv().ok() } else { queue.try_recv().ok() };
            match job {
                Some(job) => turns.extend(mind.begin(job)),
                None if turns.is_empty() => return,
                None => break,
            }
        }
        mind.step(&mut turns);
    }
}
