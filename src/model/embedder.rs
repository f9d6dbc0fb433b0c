//! The embedder on its own thread: sentences to vectors of unit length.

use std::sync::mpsc::{self, Receiver, SyncSender};

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};
use tokenizers::{Tokenizer, TruncationParams};

use super::weights::Weights;
use super::{Embed, Error, Stop, Vector};

/// Tokens of a text that are read: what the model was trained with.
const TOKENS_MAX: usize = 256;
/// Texts read at once.
const BATCH: usize = 16;

/// The embedder: candle on its own thread. The thread ends when this is dropped.
pub struct Embedder {
    jobs: SyncSender<Job>,
}

struct Job {
    texts: Vec<String>,
    stop: Stop,
    out: SyncSender<Result<Vec<Vector>, Error>>,
}

impl Embedder {
    /// Starts the thread over checked weights and tokenizer.
    pub(super) fn start(weights: &Weights, tokenizer: &[u8]) -> Result<Embedder, Error> {
        let reader = Reader::new(weights, tokenizer)?;
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
    for Job { texts, stop, out } in queue {
        // A listener that has gone needs no vectors.
        let _ = out.send(reader.embed(&texts, &stop));
    }
}

struct Reader {
    bert: BertModel,
    tokenizer: Tokenizer,
}

impl Reader {
    fn new(weights: &Weights, tokenizer: &[u8]) -> Result<Reader, Error> {
        let mut tokenizer = Tokenizer::from_bytes(tokenizer).map_err(Error::Broken)?;
        let truncation = TruncationParams { max_length: TOKENS_MAX, ..TruncationParams::default() };
        tokenizer.with_truncation(Some(truncation)).map_err(Error::Broken)?;
        tokenizer.with_padding(None);
        let variables = VarBuilder::from_slice_safetensors(weights, DType::F32, &Device::Cpu).map_err(broken)?;
        Ok(Reader { bert: BertModel::load(variables, &measures()).map_err(broken)?, tokenizer })
    }

    /// Vectors in the order of the texts. Only texts of one length are read together: padding changes the order of sums, so
    /// that a vector, in its last bits, would tell what it was read beside, and that may be a page nobody may know of.
    fn embed(&self, texts: &[String], stop: &Stop) -> Result<Vec<Vector>, Error> {
        let rows = texts
            .iter()
            .map(|text| {
                self.tokenizer.encode(text.as_str(), true).map(|row| row.get_ids().to_vec()).map_err(Error::Broken)
            })
            .collect::<Result<Vec<_>, Error>>()?;
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_by_key(|at| rows[*at].len());
        let mut vectors = vec![Vector(Box::default()); rows.len()];
        let alike = order.chunk_by(|one, other| rows[*one].len() == rows[*other].len());
        for batch in alike.flat_map(|alike| alike.chunks(BATCH)) {
            if stop.is_set() {
                return Err(Error::Broken("the embedding was stopped".into()));
            }
            let rows: Vec<&[u32]> = batch.iter().map(|at| rows[*at].as_slice()).collect();
            for (at, vector) in batch.iter().zip(self.read(&rows).map_err(broken)?) {
                vectors[*at] = vector;
            }
        }
        Ok(vectors)
    }

    /// Reads rows of one length.
    fn read(&self, rows: &[&[u32]]) -> candle_core::Result<Vec<Vector>> {
        let length = rows.first().map_or(0, |row| row.len());
        let tokens = Tensor::from_vec(rows.concat(), (rows.len(), length), &Device::Cpu)?;
        let states = self.bert.forward(&tokens, &tokens.zeros_like()?, None)?;
        let means: Vec<Vec<f32>> = states.mean(1)?.to_vec2()?;
        Ok(means.into_iter().map(unit).collect())
    }
}

/// The same direction at length one.
fn unit(mut vector: Vec<f32>) -> Vector {
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|x| *x /= length);
    }
    Vector(vector.into())
}

/// The measures of all-MiniLM-L6-v2, the one embedder there is.
fn measures() -> Config {
    Config {
        vocab_size: 30_522,
        hidden_size: 384,
        num_hidden_layers: 6,
        num_attention_heads: 12,
        intermediate_size: 1536,
        max_position_embeddings: 512,
        layer_norm_eps: 1e-12,
        ..Config::default()
    }
}

fn broken(error: candle_core::Error) -> Error {
    Error::Broken(error.into())
}
