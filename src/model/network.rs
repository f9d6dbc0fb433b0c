//! The transformer of the families of [`family`](super::family) over quantised weights.
//!
//! The arithmetic is [`kernel`](super::kernel)'s; here is the order of it. Keys and values stand in memory that was taken
//! before; rows of the embedding are expanded as they are needed; scores are computed only where they are wanted; a stop is
//! read between layers.

use candle_core::quantized::gguf_file::Content;
use candle_core::{Result, bail};

use super::family::{Family, Shape};
use super::kernel::{
    Heads, Inputs, Machine, Past, Pool, Run, Scales, Seen, Sheet, Turns, attend, keep, multiply, multiply_gated,
    norm_row, read_through,
};
use super::space::Space;
use super::tensors::{Stored, Tensors};
use super::weights::Weights;

/// A model's weights, ready to run.
pub(super) struct Network {
    weights: Weights,
    embedding: Stored,
    layers: Vec<Layer>,
    norm: Vec<f32>,
    output: Option<Stored>,
    shape: Shape,
    machine: Machine,
    pool: Pool,
}

struct Layer {
    /// Which heads and turns of the shape are its own.
    kind: usize,
    attention_norm: Vec<f32>,
    query: Linear,
    key: Linear,
    value: Linear,
    query_norm: Option<Vec<f32>>,
    key_norm: Option<Vec<f32>>,
    out: Stored,
    /// Of what the heads have seen, before it is added; Gemma has it.
    out_norm: Option<Vec<f32>>,
    mlp_norm: Vec<f32>,
    gate: Stored,
    up: Stored,
    down: Stored,
    /// Likewise.
    down_norm: Option<Vec<f32>>,
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
    /// A product before it is normed and added.
    product: Sheet,
    turns: [Turns; 2],
}

impl Room {
    /// The scores of the next token after one of the positions whose scores were wanted, of all tokens. Positions are counted
    /// through all shares.
    pub(super) fn scores(&self, of: usize) -> Vec<f32> {
        let mut scores = vec![0.0; self.scores.features()];
        self.scores.row(of, 0, &mut scores);
        scores
    }

    /// The token with the highest of these scores; of equals the first.
    pub(super) fn best(&self, of: usize) -> u32 {
        self.scores.largest(of) as u32
    }
}

impl Network {
    /// Finds the weights in the bytes of a GGUF file; they are used where they lie.
    pub(super) fn from_gguf(content: &Content, weights: &Weights, threads: usize) -> Result<Network> {
        let tensors = Tensors::new(content, weights);
        let shape = Shape::of(&tensors)?;
        let embedding = tensors.matrix("token_embd.weight", None, shape.width)?;
        let output = match tensors.has("output.weight") {
            true => Some(tensors.matrix("output.weight", Some(embedding.rows()), shape.width)?),
            false => None,
        };
        Ok(Network {
            embedding,
            layers: (0..shape.layers).map(|at| Layer::of(&tensors, &shape, at)).collect::<Result<_>>()?,
            norm: tensors.plain("output_norm.weight", shape.width)?,
            output,
            shape,
            machine: Machine::best(),
            pool: Pool::new(threads)?,
            weights: weights.clone(),
        })
    }

    /// What the weights and so many sequences may come to need.
    pub(super) fn space(&self, sequences: usize) -> Space {
        Space { weights: self.weights.len() as u64, sequences: sequences as u64, each: self.shape.memory_bytes() }
    }

    /// Bytes of the weights that each token is multiplied with.
    pub(super) fn bytes_a_token(&self) -> usize {
        self.products().map(|weights| weights.matrix(&self.weights).bytes().len()).sum()
    }

    /// Reads all of them as they are read for a token, and nothing more is done.
    pub(super) fn read_through(&self) {
        self.products()
            .for_each(|weights| read_through(self.machine, &self.pool, weights.matrix(&self.weights).bytes()));
    }

    fn products(&self) -> impl Iterator<Item = &Stored> {
        let of_layers = self.layers.iter().flat_map(|layer| {
            let Layer { query, key, value, out, gate, up, down, .. } = layer;
            [&query.weight, &key.weight, &value.weight, out, gate, up, down]
        });
        of_layers.chain([self.output.as_ref().unwrap_or(&self.embedding)])
    }

    /// Goes on at another level of this machine.
    #[cfg(test)]
    pub(super) fn at_level(&mut self, machine: Machine) {
        self.machine = machine;
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
        Memory { layers: self.layers.iter().map(|_| Past::new(self.shape.heads[0], self.shape.context)).collect() }
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
        for (turns, rope) in room.turns.iter_mut().zip(&self.shape.ropes) {
            turns.reset(runs.iter().flat_map(|run| run.at..run.at + run.tokens), rope);
        }
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
            if self.shape.embedding != 1.0 {
                row.iter_mut().for_each(|x| *x *= self.shape.embedding);
            }
            x.put_row(at, &row);
        }
        Ok(())
    }

    fn attend(&self, layer: &Layer, runs: &mut [(Run, &mut Past)], room: &mut Room) {
        let Room { x, inputs, query, key, value, seen, product, turns, .. } = room;
        let (machine, pool, heads) = (self.machine, &self.pool, self.shape.heads[layer.kind]);
        let turns = &turns[layer.kind];
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
        self.add(&layer.out, layer.out_norm.as_deref(), inputs, product, x);
    }

    fn think(&self, layer: &Layer, room: &mut Room) {
        let Room { x, inputs, gate, up, product, .. } = room;
        let (machine, pool, tokens) = (self.machine, &self.pool, x.tokens());
        self.write_normed(inputs, x, &layer.mlp_norm, 0..tokens, scales(&[&layer.gate, &layer.up]));
        gate.reset(tokens, layer.gate.rows());
        up.reset(tokens, layer.up.rows());
        let pair = [layer.gate.matrix(&self.weights), layer.up.matrix(&self.weights)];
        multiply_gated(machine, pool, inputs, self.shape.gating, pair, gate, up);
        inputs.reset(tokens, layer.down.columns(), scales(&[&layer.down]));
        let gate = &*gate;
        pool.each(inputs.rows().enumerate(), |(token, to)| {
            let mut row = vec![0.0; layer.down.columns()];
            gate.row(token, 0, &mut row);
            to.write(machine, &row);
        });
        self.add(&layer.down, layer.down_norm.as_deref(), inputs, product, x);
    }

    /// Adds a product to the tokens' features, normed first where the family does.
    fn add(&self, weights: &Stored, norm: Option<&[f32]>, inputs: &Inputs, product: &mut Sheet, x: &mut Sheet) {
        let matrix = weights.matrix(&self.weights);
        let Some(norm) = norm else { return multiply(self.machine, &self.pool, inputs, &mut [(matrix, x)]) };
        product.reset(x.tokens(), self.shape.width);
        multiply(self.machine, &self.pool, inputs, &mut [(matrix, product)]);
        let (mut row, mut sum) = (vec![0.0; self.shape.width], vec![0.0; self.shape.width]);
        for token in 0..x.tokens() {
            product.row(token, 0, &mut row);
            norm_row(self.machine, &mut row, norm, self.shape.eps);
            x.row(token, 0, &mut sum);
            sum.iter_mut().zip(&row).for_each(|(sum, row)| *sum += row);
            x.put_row(token, &sum);
        }
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

impl Layer {
    fn of(tensors: &Tensors<'_>, shape: &Shape, at: usize) -> Result<Layer> {
        let name = |part: &str| format!("blk.{at}.{part}");
        let Heads { queries, keys, dim, .. } = shape.heads[0];
        let linear = |part: &str, rows: usize| -> Result<Linear> {
            let weight = tensors.matrix(&name(&format!("{part}.weight")), Some(rows), shape.width)?;
            Ok(Linear { weight, bias: tensors.plain_if(&name(&format!("{part}.bias")), rows)? })
        };
        let norm = |part: &str, count: usize| tensors.plain(&name(part), count);
        let (queries, keys) = (queries * dim, keys * dim);
        let [query, key, value] = match shape.family {
            // Written as one matrix.
            Family::Phi3 => {
                let all = tensors.matrix(&name("attn_qkv.weight"), Some(queries + 2 * keys), shape.width)?;
                [0..queries, queries..queries + keys, queries + keys..queries + 2 * keys]
                    .map(|rows| Linear { weight: all.part(rows), bias: None })
            }
            Family::Llama | Family::Qwen2 | Family::Qwen3 | Family::Gemma3 => {
                [linear("attn_q", queries)?, linear("attn_k", keys)?, linear("attn_v", keys)?]
            }
        };
        let up = tensors.matrix(&name("ffn_up.weight"), None, shape.width)?;
        let (gate, up) = match shape.family {
            Family::Phi3 if !up.rows().is_multiple_of(2) => bail!("{} cannot be halved", name("ffn_up.weight")),
            Family::Phi3 => (up.part(0..up.rows() / 2), up.part(up.rows() / 2..up.rows())),
            Family::Llama | Family::Qwen2 | Family::Qwen3 | Family::Gemma3 => {
                (tensors.matrix(&name("ffn_gate.weight"), Some(up.rows()), shape.width)?, up)
            }
        };
        let is_normed = matches!(shape.family, Family::Qwen3 | Family::Gemma3);
        let head_norm = |part: &str| if is_normed { norm(part, dim).map(Some) } else { Ok(None) };
        let late_norm =
            |part: &str| if shape.family == Family::Gemma3 { norm(part, shape.width).map(Some) } else { Ok(None) };
        let query_norm = head_norm("attn_q_norm.weight")?;
        Ok(Layer {
            kind: shape.kind(at),
            attention_norm: norm("attn_norm.weight", shape.width)?,
            query,
            key,
            value,
            query_norm: query_norm.map(|norm| norm.into_iter().map(|x| x * shape.asking).collect()),
            key_norm: head_norm("attn_k_norm.weight")?,
            out: tensors.matrix(&name("attn_output.weight"), Some(shape.width), queries)?,
            out_norm: late_norm("post_attention_norm.weight")?,
            mlp_norm: norm("ffn_norm.weight", shape.width)?,
            down: tensors.matrix(&name("ffn_down.weight"), Some(shape.width), gate.rows())?,
            gate,
            up,
            down_norm: late_norm("post_ffw_norm.weight")?,
        })
    }
}
