//! The embedder on its own thread: texts to vectors of unit length.
//!
//! Whoever waits for fewest texts is served first, group by group: a question does not wait for the hundreds of passages that
//! are embedded in the background.

use std::ops::Range;
use std::sync::mpsc::{self, Receiver, SyncSender};

use tokenizers::{Tokenizer, TruncationParams};

use super::encoder::{Encoder, Room};
use super::weights::Weights;
use super::{Embed, Error, Stop, Vector};

/// Tokens of a text that are read: what the model was trained with.
const TOKENS_MAX: usize = 256;
/// Tokens of texts read together: enough that unpacking the weights costs little, few enough to stay in the caches.
const TOGETHER: usize = 512;

/// The embedder on its own thread, which ends when this is dropped.
pub struct Embedder {
    jobs: SyncSender<Job>,
}

struct Job {
    texts: Vec<String>,
    stop: Stop,
    out: SyncSender<Result<Vec<Vector>, Error>>,
}

impl Embedder {
    /// Starts the thread over checked weights and tokenizer; so many threads work, 0 is one for each core.
    pub(super) fn start(weights: &Weights, tokenizer: &[u8], threads: usize) -> Result<Embedder, Error> {
        let reader = Reader::new(weights, tokenizer, threads)?;
        let (jobs, queue) = mpsc::sync_channel::<Job>(1);
        std::thread::Builder::new()
            .name("embedder".to_owned())
            .spawn(move || serve(&reader, &queue))
            .map_err(|error| Error::Broken(error.into()))?;
        Ok(Embedder { jobs })
    }
}

impl Embed for Embedder {
    fn embed(&self, texts: &[&str], stop: &Stop) -> Result<Vec<Vector>, Error> {
        let (out, vectors) = mpsc::sync_channel(1);
        let texts = texts.iter().map(|text| (*text).to_owned()).collect();
        self.jobs.send(Job { texts, stop: stop.clone(), out }).map_err(|_| gone())?;
        vectors.recv().map_err(|_| gone())?
    }
}

fn gone() -> Error {
    Error::Broken("the embedder's thread has ended".into())
}

fn serve(reader: &Reader, queue: &Receiver<Job>) {
    let (mut works, mut room) = (Vec::new(), Room::default());
    loop {
        if works.is_empty() {
            match queue.recv() {
                Ok(job) => works.push(reader.begin(job)),
                Err(_) => return,
            }
        }
        works.extend(queue.try_iter().map(|job| reader.begin(job)));
        let least = works.iter().enumerate().min_by_key(|(_, work)| work.left()).map(|(at, _)| at);
        let Some(mut work) = least.map(|at| works.swap_remove(at)) else { continue };
        match reader.go_on(&mut work, &mut room) {
            Ok(()) if work.left() > 0 => works.push(work),
            // A listener that has gone needs no vectors.
            Ok(()) => drop(work.out.send(Ok(work.vectors))),
            Err(error) => drop(work.out.send(Err(error))),
        }
    }
}

/// A job in work.
struct Work {
    /// Each text's tokens; an error is told when the work goes on.
    rows: Vec<Result<Vec<u32>, Error>>,
    /// The texts by the lengths of their rows.
    order: Vec<usize>,
    /// How many of these are done.
    done: usize,
    vectors: Vec<Vector>,
    stop: Stop,
    out: SyncSender<Result<Vec<Vector>, Error>>,
}

impl Work {
    fn left(&self) -> usize {
        self.order.len() - self.done
    }

    /// What is read next: as many texts as go together, one at least.
    fn next(&self) -> Range<usize> {
        let mut tokens = 0;
        let fit = self.order[self.done..].iter().take_while(|at| {
            tokens += self.rows[**at].as_ref().map_or(0, Vec::len);
            tokens <= TOGETHER
        });
        self.done..self.done + fit.count().max(1).min(self.left())
    }
}

struct Reader {
    encoder: Encoder,
    tokenizer: Tokenizer,
}

impl Reader {
    fn new(weights: &Weights, tokenizer: &[u8], threads: usize) -> Result<Reader, Error> {
        let mut tokenizer = Tokenizer::from_bytes(tokenizer).map_err(Error::Broken)?;
        let truncation = TruncationParams { max_length: TOKENS_MAX, ..TruncationParams::default() };
        tokenizer.with_truncation(Some(truncation)).map_err(Error::Broken)?;
        tokenizer.with_padding(None);
        let threads = match threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            some => some,
        };
        Ok(Reader { encoder: Encoder::from_safetensors(weights, threads).map_err(broken)?, tokenizer })
    }

    fn begin(&self, job: Job) -> Work {
        let Job { texts, stop, out } = job;
        let mut rows: Vec<Result<Vec<u32>, Error>> = texts.iter().map(|_| Ok(Vec::new())).collect();
        self.encoder.pool().each(texts.iter().zip(&mut rows), |(text, to)| {
            let row = self.tokenizer.encode_fast(text.as_str(), true);
            *to = row.map(|row| row.get_ids().to_vec()).map_err(Error::Broken);
        });
        let mut order: Vec<usize> = (0..rows.len()).collect();
        // Rows of like lengths beside each other: a group of them is as full as it can be.
        order.sort_by_key(|at| rows[*at].as_ref().map_or(0, Vec::len));
        let vectors = vec![Vector(Box::default()); rows.len()];
        Work { rows, order, done: 0, vectors, stop, out }
    }

    /// Reads some more of a work's texts.
    fn go_on(&self, work: &mut Work, room: &mut Room) -> Result<(), Error> {
        if work.stop.is_set() {
            return Err(Error::Broken("the embedding was stopped".into()));
        }
        let next = work.next();
        if next.is_empty() {
            return Ok(());
        }
        let mut rows = Vec::with_capacity(next.len());
        for at in &work.order[next.clone()] {
            rows.push(std::mem::replace(&mut work.rows[*at], Ok(Vec::new()))?);
        }
        let rows: Vec<&[u32]> = rows.iter().map(Vec::as_slice).collect();
        let vectors = self.encoder.read(&rows, room).map_err(broken)?;
        for (at, vector) in work.order[next.clone()].iter().zip(vectors) {
            work.vectors[*at] = Vector(vector.into());
        }
        work.done = next.end;
        Ok(())
    }
}

fn broken(error: candle_core::Error) -> Error {
    Error::Broken(error.into())
}

#[cfg(test)]
mod tests {
    use super::super::tests::minilm;
    use super::*;

    #[test]
    fn a_question_does_not_wait_for_the_passages_that_came_before_it() {
        let Some((weights, tokenizer)) = minilm() else { return };
        let reader = Reader::new(&weights, &tokenizer, 1).unwrap();
        let (jobs, queue) = mpsc::sync_channel(2);
        let (out, vectors) = mpsc::sync_channel(2);
        let job = |texts| Job { texts, stop: Stop::default(), out: out.clone() };
        jobs.send(job(vec!["The pager is red and loud. ".repeat(40); 4])).unwrap();
        jobs.send(job(vec!["Who has the pager?".to_owned()])).unwrap();
        drop(jobs);

        serve(&reader, &queue);

        assert_eq!(vectors.recv().unwrap().unwrap().len(), 1);
        assert_eq!(vectors.recv().unwrap().unwrap().len(), 4);
    }

    #[test]
    fn a_stop_ends_the_work_and_no_texts_are_no_vectors() {
        let Some((weights, tokenizer)) = minilm() else { return };
        let embedder = Embedder::start(&weights, &tokenizer, 1).unwrap();
        let stop = Stop::default();
        stop.set();

        assert!(embedder.embed(&["Who has the pager?"], &stop).is_err());
        assert!(embedder.embed(&[], &Stop::default()).unwrap().is_empty());
        assert_eq!(embedder.embed(&["", "a"], &Stop::default()).unwrap().len(), 2);
    }
}
