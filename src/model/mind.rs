//! The model and what it has read: several sequences, each in its seat, that are read together and do not see each other.
//!
//! What is computed for a token depends on the tokens before it in its own sequence and on nothing else, to the last bit; so
//! it may be read alone or in company, and what was read once may be taken over.

use super::network::{Memory, Network, Room, Share};
use super::template::Template;
use super::tokens::Tokens;
use super::turn::{Job, Out, Task, Turn};
use super::weights::Weights;
use super::{Error, Fault, Prompt, Sharing, Space, Stop, gguf, space};

/// Tokens of prompts read at once: enough to keep the cores busy, few enough for a stop to be felt.
const CHUNK: usize = 128;
/// The same while most of the others write, who wait for it at each token. While half of them read, what is read sooner
/// makes the company larger, in which all are done sooner.
const CHUNK_BESIDE: usize = 32;
/// Tokens of those who write, read at once, guesses among them: what a wrong guess costs grows with the company.
const WRITTEN: usize = 16;
/// Tokens of one who writes.
const WRITTEN_BY_ONE: usize = 8;

/// The model and what it has read.
pub(super) struct Mind {
    network: Network,
    tokens: Tokens,
    template: Template,
    room: Room,
    /// Seats that nobody is in, the one left last behind the others.
    seats: Vec<Seat>,
    /// How many there are, those in use among them.
    made: usize,
    seats_max: usize,
}

/// Where one sequence is read.
pub(super) struct Seat {
    memory: Memory,
    /// The tokens whose keys and values stand in `memory`.
    pub held: Vec<u32>,
    /// How many of its prompt's tokens, from the first on, are the fixed system text.
    fixed: usize,
    /// Whose the others are.
    sharing: Sharing,
}

impl Seat {
    /// What it holds of the fixed system text.
    fn fixed(&self) -> &[u32] {
        &self.held[..self.held.len().min(self.fixed)]
    }
}

impl Mind {
    /// Over checked weights. `template` is the manifest's, where the weights' own is not to be used; `threads` work on it, 0
    /// is one for each core; at most so many sequences are kept.
    pub(super) fn from_gguf(
        weights: &Weights,
        template: Option<Template>,
        threads: usize,
        seats_max: usize,
    ) -> Result<Mind, Error> {
        let content = gguf::content(weights)?;
        let template = template.map_or_else(|| Template::of(&content), Ok)?;
        let tokens = Tokens::from_gguf(&content)?;
        let threads = match threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            some => some,
        };
        let seats_max = seats_max.max(1);
        let network = Network::from_gguf(&content, weights, threads)
            .map_err(|error| Error::Unfit(Fault::Model(error.to_string())))?;
        // The weights are mapped, and nothing is read of them until a prompt is: what the file says of its measures was held
        // against what is in it.
        network.space(seats_max).state(space::available())?;
        let room = Room::default();
        Ok(Mind { network, tokens, template, room, seats: Vec::new(), made: 0, seats_max })
    }

    /// How many threads work.
    pub(super) fn threads(&self) -> usize {
        self.network.threads()
    }

    /// What it may come to need.
    pub(super) fn space(&self) -> Space {
        self.network.space(self.seats_max)
    }

    /// See [`Network::bytes_a_token`].
    pub(super) fn bytes_a_token(&self) -> usize {
        self.network.bytes_a_token()
    }

    /// See [`Network::read_through`].
    pub(super) fn read_through(&self) {
        self.network.read_through();
    }

    /// How many jobs may be in work at once.
    pub(super) fn seats_max(&self) -> usize {
        self.seats_max
    }

    /// Takes a job in; where that cannot be, its listener is told. There must be fewer in work than seats.
    pub(super) fn begin(&mut self, job: Job) -> Option<Turn> {
        let tokens_max = match &job.task {
            Task::Write(limits) => limits.tokens_max,
            Task::Lean { .. } => 1,
        };
        let laid = self.template.lay(&job.prompt, &self.tokens).and_then(|segments| {
            let tokens = segments.concat();
            let is_too_long = tokens.len() + tokens_max > self.network.context();
            if is_too_long { Err(Error::TooLong) } else { Ok((segments.first().map_or(0, Vec::len), tokens)) }
        });
        match laid {
            Ok((fixed, tokens)) => {
                let seat = self.seat(&job.prompt, fixed, &tokens);
                Some(Turn::new(job, tokens, seat))
            }
            Err(error) => {
                // A listener that has gone needs no word.
                let _ = job.out.send(Out::Ended(Err(error)));
                None
            }
        }
    }

    /// A seat for a prompt: the one where an earlier prompt of the same answer was read, one whose answer is over (of these the
    /// one that holds most of the prompt's system text), a new one, or the one that was left first. What in it is not the
    /// prompt's own, or everybody's, is forgotten.
    fn seat(&mut self, prompt: &Prompt, fixed: usize, tokens: &[u32]) -> Seat {
        let own = self.seats.iter().position(|seat| seat.sharing.is(&prompt.sharing));
        let holds =
            |seat: &Seat| tokens[..fixed].iter().zip(seat.fixed()).take_while(|(one, other)| one == other).count();
        let over = self.seats.iter().enumerate().filter(|(_, seat)| seat.sharing.is_over());
        let place = own.or_else(|| over.max_by_key(|(_, seat)| holds(seat)).map(|(place, _)| place));
        let mut seat = match place {
            Some(place) => self.seats.remove(place),
            None if self.made < self.seats_max || self.seats.is_empty() => self.new_seat(),
            None => self.seats.remove(0),
        };
        let mut alike = tokens.iter().zip(&seat.held).take_while(|(one, other)| one == other).count();
        if own.is_none() {
            alike = alike.min(fixed).min(seat.fixed);
        }
        // The last token is always read, for its scores are wanted.
        seat.held.truncate(alike.min(tokens.len().saturating_sub(1)));
        (seat.fixed, seat.sharing) = (fixed, prompt.sharing.clone());
        seat
    }

    fn new_seat(&mut self) -> Seat {
        self.made += 1;
        Seat { memory: self.network.memory(), held: Vec::new(), fixed: 0, sharing: Sharing::new() }
    }

    /// Goes one step on with every turn: those who write read their newest token and guesses, of the others the first read
    /// some of their prompts. Those that are done are told and taken out.
    pub(super) fn step(&mut self, turns: &mut Vec<Turn>) {
        self.dismiss(turns, |turn| turn.stop.is_set().then(|| turn.stopped()));
        self.share_fixed(turns);
        plan(turns);
        let stops: Vec<_> = turns.iter().map(|turn| turn.stop.clone()).collect();
        let mut shares: Vec<Share<'_>> = turns
            .iter_mut()
            .filter(|turn| !turn.now.is_empty())
            .map(|turn| {
                let wanted = turn.wanted();
                let Turn { seat, now, .. } = turn;
                Share { tokens: now, at: seat.held.len(), wanted, memory: &mut seat.memory }
            })
            .collect();
        if shares.is_empty() {
            return;
        }
        let is_stopped = || stops.iter().any(Stop::is_set);
        match self.network.read(&mut shares, &mut self.room, &is_stopped) {
            Ok(true) => {
                let mut last = Vec::new();
                let mut first = 0;
                for turn in turns.iter_mut() {
                    let wanted = turn.wanted();
                    last.push(turn.take_in(&self.tokens, &self.room, first));
                    first += wanted;
                }
                let mut last = last.into_iter();
                self.dismiss(turns, |_| last.next().flatten());
            }
            // Whoever stopped is dismissed in the next step; the others read again.
            Ok(false) => {}
            Err(error) => {
                let why = error.to_string();
                self.dismiss(turns, |_| Some(Out::Ended(Err(Error::Broken(why.clone().into())))));
            }
        }
    }

    /// Takes out those that have a last word, and says it.
    fn dismiss(&mut self, turns: &mut Vec<Turn>, mut last: impl FnMut(&Turn) -> Option<Out>) {
        for turn in std::mem::take(turns) {
            match last(&turn) {
                Some(last) => self.seats.push(turn.end(last)),
                None => turns.push(turn),
            }
        }
    }

    /// Where somebody else has read more of a turn's fixed system text, it is taken over.
    fn share_fixed(&self, turns: &mut [Turn]) {
        for at in 0..turns.len() {
            let (before, rest) = turns.split_at_mut(at);
            let Some((turn, after)) = rest.split_first_mut() else { return };
            // The last token is always read, for its scores are wanted.
            let most = turn.seat.fixed.min(turn.all().len().saturating_sub(1));
            if turn.seat.held.len() >= most {
                continue;
            }
            let others = before.iter().chain(&*after).map(|turn| &turn.seat).chain(&self.seats);
            let fixed = &turn.all()[..most];
            let alike = |seat: &Seat| fixed.iter().zip(seat.fixed()).take_while(|(one, other)| one == other).count();
            if let Some((count, other)) = others.map(|seat| (alike(seat), seat)).max_by_key(|(alike, _)| *alike)
                && count > turn.seat.held.len()
            {
                turn.seat.memory.take_over(&other.memory, count);
                turn.seat.held.clear();
                turn.seat.held.extend_from_slice(&other.held[..count]);
            }
        }
    }

    /// The first tokens of a text, so many.
    pub(super) fn tokens_of(&self, text: &str, count: usize) -> Result<Vec<u32>, Error> {
        let mut tokens = Vec::new();
        self.tokens.encode(text, &mut tokens)?;
        tokens.truncate(count);
        Ok(tokens)
    }

    /// Forgets what one seat holds and reads these tokens there; gives the one that follows.
    pub(super) fn read_plainly(&mut self, tokens: &[u32]) -> Result<u32, Error> {
        if let Some(seat) = self.seats.last_mut() {
            seat.held.clear();
        } else {
            let seat = self.new_seat();
            self.seats.push(seat);
        }
        let mut last = None;
        for chunk in tokens.chunks(CHUNK) {
            last = Some(self.read_some(chunk)?);
        }
        last.ok_or_else(|| Error::Broken("nothing was read".into()))
    }

    /// Reads one token more; gives the one that follows.
    pub(super) fn read_on(&mut self, token: u32) -> Result<u32, Error> {
        self.read_some(&[token])
    }

    fn read_some(&mut self, tokens: &[u32]) -> Result<u32, Error> {
        let Some(seat) = self.seats.last_mut() else { return Err(Error::Broken("nothing was read before".into())) };
        let share = Share { tokens, at: seat.held.len(), wanted: 1, memory: &mut seat.memory };
        self.network.read(&mut [share], &mut self.room, &|| false).map_err(broken)?;
        seat.held.extend_from_slice(tokens);
        Ok(self.room.best(0))
    }
}

/// Says what each turn reads next.
fn plan(turns: &mut [Turn]) {
    let writing = turns.iter().filter(|turn| turn.is_writing()).count();
    let each = WRITTEN.checked_div(writing).unwrap_or(0).clamp(1, WRITTEN_BY_ONE);
    let mut left = if 2 * writing <= turns.len() { CHUNK } else { CHUNK_BESIDE };
    for turn in turns {
        turn.plan(if turn.is_writing() { each } else { left });
        if !turn.is_writing() {
            left -= turn.now.len();
        }
    }
}

fn broken(error: candle_core::Error) -> Error {
    Error::Broken(error.into())
}

#[cfg(feature = "probe")]
impl Mind {
    /// A prompt's tokens, and how many of them are the fixed system text.
    pub(super) fn lay_in_two(&self, prompt: &Prompt) -> Result<(Vec<u32>, usize), Error> {
        let segments = self.template.lay(prompt, &self.tokens)?;
        Ok((segments.concat(), segments.first().map_or(0, Vec::len)))
    }

    /// Forgets what one seat holds and reads these tokens there; shows the scores after each from one of them on, a row at a
    /// time, with the token's place. A table of them all is never made.
    pub(super) fn read_for_scores(
        &mut self,
        tokens: &[u32],
        from: usize,
        mut each: impl FnMut(usize, &[f32]),
    ) -> Result<(), Error> {
        self.read_plainly(&tokens[..1])?;
        let Some(seat) = self.seats.last_mut() else { return Ok(()) };
        for chunk in tokens[1..].chunks(CHUNK) {
            let at = seat.held.len();
            let wanted = (at + chunk.len()).saturating_sub(from.max(at));
            let share = Share { tokens: chunk, at, wanted, memory: &mut seat.memory };
            self.network.read(&mut [share], &mut self.room, &|| false).map_err(broken)?;
            seat.held.extend_from_slice(chunk);
            for place in 0..wanted {
                each(seat.held.len() - wanted + place, &self.room.scores(place));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod steps {
    //! Steps that tests take one by one.

    use super::super::tokens::Text;
    use super::*;

    impl Mind {
        /// A prompt's tokens.
        pub(in super::super) fn lay(&self, prompt: &Prompt) -> Result<Vec<u32>, Error> {
            Ok(self.template.lay(prompt, &self.tokens)?.concat())
        }

        /// Goes on at another level of this machine.
        pub(in super::super) fn at_level(&mut self, machine: super::super::kernel::Machine) {
            self.network.at_level(machine);
        }

        /// The scores after what was read last.
        pub(in super::super) fn scores(&self) -> Vec<f32> {
            self.room.scores(0)
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
