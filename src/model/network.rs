//! The transformer of the llama, qwen2 and qwen3 families over quantised weights.
//!
//! The arithmetic is [`kernel`](super::kernel)'s; here is the order of it. Keys and values stand in memory that was taken
//! before; rows of the embedding are expanded as they are needed; scores are computed only where they are wanted; a stop is
//! read between layers.

use candle_core::quantized::gguf_file::Content;
use candle_core::{Result, bail};

use super::kernel::{
    Heads, Inputs, Machine, Past, Pool, Run, Scales, Seen, Sheet, Turns, attend, keep, multiply, multiply_gated,
    norm_row,
};
use super::tensors::{Stored, Tensors};
use super::weights::Weights;

/// The longest context used, whatever the model could: it bounds the memory of keys and values.
const CONTEXT_MAX: usize = 8192;

/// A model's weights, ready to run.
pub(super) struct Network {
    weights: Weights,
    embedding: Stored,
    layers: Vec<Layer>,
    norm: Vec<f32>,
    output: Option<Stored>,
    shape: Shape,
    /// By how much each pair of dimensions turns from one position to the next.
    speeds: Vec<f32>,
    machine: Machine,
    pool: Pool,
}

/// A model's measures.
#[derive(Debug, Clone, Copy)]
struct Shape {
    width: usize,
    heads: Heads,
    eps: f32,
    context: usize,
    /// Whether position pairs stand beside each other (llama) or half a head apart (qwen).
    is_interleaved: bool,
}

struct Layer {
    attention_norm: Vec<f32>,
    query: Linear,
    key: Linear,
    value: Linear,
    query_norm: Option<Vec<f32>>,
    key_norm: Option<Vec<f32>>,
    out: Stored,
    mlp_norm: Vec<f32>,
    gate: Stored,
    up: Stored,
    down: Stored,
}

struct Linear {
    weight: Stored,
    bias: Option<Vec<f32>>,
}

/// Keys and values of the positions that one sequence has read so far.
pub(super) struct Memory {
    layers: Vec<Past>,
}

impl Memory {
    /// Takes over the first positions of another sequence of the same network.
    pub(super) fn take_over(&mut self, from: &Memory, positions: usize) {
        self.layers.iter_mut().zip(&from.layers).for_each(|(to, from)| to.take_over(from, positions));
    }
}

/// One sequence's share in a reading.
pub(super) struct Share<'s> {
    /// Tokens to be read.
    pub tokens: &'s [u32],
    /// The first's position: so many stand in the memory already.
    pub at: usize,
    /// After how many of them, from the last, the scores of the next token are wanted.
    pub wanted: usize,
    /// What the sequence has read.
    pub memory: &'s mut Memory,
}

/// Room to work in, and what was computed last.
#[derive(Default)]
pub(super) struct Room {
    x: Sheet,
    inputs: Inputs,
    query: Sheet,
    key: Sheet,
    value: Sheet,
    seen: Seen,
    gate: Sheet,
    up: Sheet,
    scores: Sheet,
    turns: Turns,
}

impl Room {
    /// The scores of the next token after one of the positions whose scores were wanted, of all tokens. Positions are counted
    /// through all shares.
    pub(super) fn scores(&self, of: usize) -> Vec<f32> {
        let mut scores = vec![0.0; self.scores.features()];
        self.scores.row(of, 0, &mut scores);
        scores
    }
}

impl Network {
    /// Finds the weights in the bytes of a GGUF file; they are used where they lie.
    pub(super) fn from_gguf(content: &Content, weights: &Weights, threads: usize) -> Result<Network> {
        let tensors = Tensors::new(content, weights);
        let family = tensors.text("general.architecture")?;
        if !["llama", "qwen2", "qwen3"].contains(&family.as_str()) {
            bail!("models of the family {family:?} cannot be run here; llama, qwen2 and qwen3 can");
        }
        let shape = Shape::of(&tensors, &family)?;
        let Heads { dim, .. } = shape.heads;
        let base = tensors.float(&format!("{family}.rope.freq_base")).unwrap_or(10_000.0);
        let turned = tensors.whole(&format!("{family}.rope.dimension_count")).unwrap_or(dim);
        if turned > dim || !turned.is_multiple_of(2) {
            bail!("{turned} dimensions of {dim} cannot be turned");
        }
        let factors = tensors.plain_if("rope_freqs.weight", turned / 2)?;
        let speed = |at: usize| 1.0 / base.powf(2.0 * at as f32 / turned as f32);
        let speeds =
            (0..turned / 2).map(|at| speed(at) / factors.as_ref().map_or(1.0, |factors| factors[at])).collect();
        let embedding = tensors.matrix("token_embd.weight", None, shape.width)?;
        let output = match tensors.has("output.weight") {
            true => Some(tensors.matrix("output.weight", Some(embedding.rows()), shape.width)?),
            false => None,
        };
        let layers = tensors.whole(&format!("{family}.block_count"))?;
        Ok(Network {
            embedding,
            layers: (0..layers).map(|at| Layer::of(&tensors, &shape, at)).collect::<Result<_>>()?,
            norm: tensors.plain("output_norm.weight", shape.width)?,
            output,
            shape,
            speeds,
            machine: Machine::best(),
            pool: Pool::new(threads)?,
            weights: weights.clone(),
        })
    }

    /// How many positions a prompt and its answer may have together.
    pub(super) fn context(&self) -> usize {
        self.shape.context
    }

    /// How many threads work.
    pub(super) fn threads(&self) -> usize {
        self.pool.threads()
    }

    /// Memory for every position of the context.
    pub(super) fn memory(&self) -> Memory {
        Memory { layers: self.layers.iter().map(|_| Past::new(self.shape.heads, self.shape.context)).collect() }
    }

    /// Reads tokens of several sequences, which do not see each other, and computes the scores that are wanted: see
    /// [`Room::scores`]. `false` where it was stopped: then the memories are good only up to `at`.
    pub(super) fn read(
        &self,
        shares: &mut [Share<'_>],
        room: &mut Room,
        is_stopped: &dyn Fn() -> bool,
    ) -> Result<bool> {
        let (mut runs, mut tokens, mut wanted) = (Vec::new(), Vec::new(), Vec::new());
        for Share { tokens: share, at, wanted: last, .. } in &*shares {
            let count = share.len();
            if at + count > self.shape.context || *last > count {
                bail!("{count} tokens at {at} do not fit a context of {}", self.shape.context);
            }
            runs.push(Run { first: tokens.len(), tokens: count, at: *at });
            tokens.extend_from_slice(share);
            wanted.extend(tokens.len() - last..tokens.len());
        }
        self.embed(&tokens, &mut room.x)?;
        let positions = runs.iter().flat_map(|run| run.at..run.at + run.tokens);
        room.turns.reset(positions, &self.speeds, self.shape.is_interleaved);
        for (at, layer) in self.layers.iter().enumerate() {
            if is_stopped() {
                return Ok(false);
            }
            let pasts = shares.iter_mut().map(|share| &mut share.memory.layers[at]);
            self.attend(layer, &mut runs.iter().copied().zip(pasts).collect::<Vec<_>>(), room);
            self.think(layer, room);
        }
        if !wanted.is_empty() {
            self.score(&wanted, room);
        }
        Ok(true)
    }

    fn embed(&self, tokens: &[u32], x: &mut Sheet) -> Result<()> {
        let table = self.embedding.matrix(&self.weights);
        let mut row = vec![0.0; self.shape.width];
        x.reset(tokens.len(), self.shape.width);
        for (at, token) in tokens.iter().enumerate() {
            if *token as usize >= table.rows() {
                bail!("token {token} is not in a vocabulary of {}", table.rows());
            }
            table.expand(self.machine, *token as usize, &mut row);
            x.put_row(at, &row);
        }
        Ok(())
    }

    fn attend(&self, layer: &Layer, runs: &mut [(Run, &mut Past)], room: &mut Room) {
        let Room { x, inputs, query, key, value, seen, turns, .. } = room;
        let (machine, pool, heads) = (self.machine, &self.pool, self.shape.heads);
        let weights = [&layer.query.weight, &layer.key.weight, &layer.value.weight];
        self.write_normed(inputs, x, &layer.attention_norm, 0..x.tokens(), scales(&weights));
        let mut products =
            [(&layer.query, &mut *query), (&layer.key, &mut *key), (&layer.value, &mut *value)].map(|(linear, out)| {
                match &linear.bias {
                    Some(bias) => out.reset_to(x.tokens(), bias),
                    None => out.reset(x.tokens(), linear.weight.rows()),
                }
                (linear.weight.matrix(&self.weights), out)
            });
        multiply(machine, pool, inputs, &mut products);
        let key_norm = layer.key_norm.as_deref().map(|norm| (norm, self.shape.eps));
        keep(machine, pool, [key, value], runs, turns, key_norm);
        attend(machine, pool, heads, query, runs, turns, layer.query_norm.as_deref(), seen);
        inputs.reset(x.tokens(), layer.out.columns(), scales(&[&layer.out]));
        pool.each(inputs.rows().enumerate(), |(token, to)| {
            let mut row = vec![0.0; layer.out.columns()];
            seen.row(token, &mut row);
            to.write(machine, &row);
        });
        multiply(machine, pool, inputs, &mut [(layer.out.matrix(&self.weights), x)]);
    }

    fn think(&self, layer: &Layer, room: &mut Room) {
        let Room { x, inputs, gate, up, .. } = room;
        let (machine, pool, tokens) = (self.machine, &self.pool, x.tokens());
        self.write_normed(inputs, x, &layer.mlp_norm, 0..tokens, scales(&[&layer.gate, &layer.up]));
        gate.reset(tokens, layer.gate.rows());
        up.reset(tokens, layer.up.rows());
        let pair = [layer.gate.matrix(&self.weights), layer.up.matrix(&self.weights)];
        multiply_gated(machine, pool, inputs, pair, gate, up);
        inputs.reset(tokens, layer.down.columns(), scales(&[&layer.down]));
        let gate = &*gate;
        pool.each(inputs.rows().enumerate(), |(token, to)| {
            let mut row = vec![0.0; layer.down.columns()];
            gate.row(token, 0, &mut row);
            to.write(machine, &row);
        });
        multiply(machine, pool, inputs, &mut [(layer.down.matrix(&self.weights), x)]);
    }

    fn score(&self, of: &[usize], room: &mut Room) {
        let output = self.output.as_ref().unwrap_or(&self.embedding);
        let Room { x, inputs, scores, .. } = room;
        let tokens = of.len();
        self.write_normed(inputs, x, &self.norm, of.iter().copied(), scales(&[output]));
        scores.reset(tokens, output.rows());
        multiply(self.machine, &self.pool, inputs, &mut [(output.matrix(&self.weights), scores)]);
    }

    /// Writes the normed rows of some tokens as inputs.
    fn write_normed(
        &self,
        inputs: &mut Inputs,
        x: &Sheet,
        norm: &[f32],
        of: impl ExactSizeIterator<Item = usize> + Send,
        scales: Scales,
    ) {
        inputs.reset(of.len(), self.shape.width, scales);
        self.pool.each(inputs.rows().zip(of), |(to, token)| {
            let mut row = vec![0.0; self.shape.width];
            x.row(token, 0, &mut row);
            norm_row(self.machine, &mut row, norm, self.shape.eps);
            to.write(self.machine, &row);
        });
    }
}

fn scales(weights: &[&Stored]) -> Scales {
    Scales { wide: weights.iter().any(|one| one.is_wide()), narrow: weights.iter().any(|one| !one.is_wide()) }
}

impl Shape {
    fn of(tensors: &Tensors<'_>, family: &str) -> Result<Shape> {
        let number = |key: &str| tensors.whole(&format!("{family}.{key}"));
        let heads = number("attention.head_count")?;
        let width = number("embedding_length")?;
        if heads == 0 || width == 0 || !width.is_multiple_of(heads) {
            bail!("{heads} heads do not divide a width of {width}");
        }
        let eps = tensors.float(&format!("{family}.attention.layer_norm_rms_epsilon"))?;
        let heads = Heads {
            queries: heads,
            keys: number("attention.head_count_kv").unwrap_or(heads),
            dim: number("attention.key_length").unwrap_or(width / heads),
            eps,
        };
        // What the kernels take: whole vectors of a head, whole blocks of a row.
        let is_fit = heads.keys > 0 && heads.queries.is_multiple_of(heads.keys) && heads.dim > 0;
        if !is_fit || !heads.dim.is_multiple_of(16) || !width.is_multiple_of(32) {
            bail!("{} heads cannot share {} of {} in a width of {width}", heads.queries, heads.keys, heads.dim);
        }
        let context = number("context_length")?.min(CONTEXT_MAX);
        Ok(Shape { width, heads, eps, context, is_interleaved: family == "llama" })
    }
}

impl Layer {
    fn of(tensors: &Tensors<'_>, shape: &Shape, at: usize) -> Result<Layer> {
        let name = |part: &str| format!("blk.{at}.{part}");
        let Heads { queries, keys, dim, .. } = shape.heads;
        let linear = |part: &str, rows: usize| -> Result<Linear> {
            let weight = tensors.matrix(&name(&format!("{part}.weight")), Some(rows), shape.width)?;
            Ok(Linear { weight, bias: tensors.plain_if(&name(&format!("{part}.bias")), rows)? })
        };
        let gate = tensors.matrix(&name("ffn_gate.weight"), None, shape.width)?;
        Ok(Layer {
            attention_norm: tensors.plain(&name("attn_norm.weight"), shape.width)?,
            query: linear("attn_q", queries * dim)?,
            key: linear("attn_k", keys * dim)?,
            value: linear("attn_v", keys * dim)?,
            query_norm: tensors.plain_if(&name("attn_q_norm.weight"), dim)?,
            key_norm: tensors.plain_if(&name("attn_k_norm.weight"), dim)?,
            out: tensors.matrix(&name("attn_output.weight"), Some(shape.width), queries * dim)?,
            mlp_norm: tensors.plain(&name("ffn_norm.weight"), shape.width)?,
            up: tensors.matrix(&name("ffn_up.weight"), Some(gate.rows()), shape.width)?,
            down: tensors.matrix(&name("ffn_down.weight"), Some(shape.width), gate.rows())?,
            gate,
        })
    }
}
