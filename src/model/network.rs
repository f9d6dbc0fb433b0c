//! The transformer of the llama, qwen2 and qwen3 families over quantised weights.
//!
//! The matrix products are candle's. What is ours: keys and values stand in memory that was taken before and are written in
//! place; heads that share keys read them without copies; rows of the embedding are expanded as they are needed, not the
//! whole table; a stop is read between layers.

use std::io::Cursor;
use std::sync::Arc;

use candle_core::quantized::gguf_file::{Content, Value};
use candle_core::quantized::{QMatMul, QTensor};
use candle_core::{DType, Device, Module, Result, Tensor, bail};
use candle_nn::ops::{rms_norm, silu, softmax_last_dim};
use candle_nn::rotary_emb::{rope, rope_i};

use super::Stop;

/// Positions that are taken memory for at a time.
const GROWTH: usize = 512;
/// The longest context used, whatever the model could: it bounds the memory of keys and values.
const CONTEXT_MAX: usize = 8192;

/// A model's weights, ready to run.
pub(super) struct Network {
    embedding: Arc<QTensor>,
    layers: Vec<Layer>,
    norm: Tensor,
    output: QMatMul,
    shape: Shape,
    /// Cosines and sines of the positions' angles.
    angles: (Tensor, Tensor),
}

/// A model's measures.
#[derive(Debug, Clone, Copy)]
struct Shape {
    heads: usize,
    heads_kv: usize,
    head_dim: usize,
    eps: f32,
    context: usize,
    /// Whether position pairs stand beside each other (llama) or half a head apart (qwen).
    is_interleaved: bool,
}

struct Layer {
    attention_norm: Tensor,
    query: Linear,
    key: Linear,
    value: Linear,
    query_norm: Option<Tensor>,
    key_norm: Option<Tensor>,
    out: QMatMul,
    mlp_norm: Tensor,
    gate: QMatMul,
    up: QMatMul,
    down: QMatMul,
}

struct Linear {
    weight: QMatMul,
    bias: Option<Tensor>,
}

/// Keys and values of the positions read so far.
#[derive(Default)]
pub(super) struct Memory {
    layers: Vec<(Tensor, Tensor)>,
    capacity: usize,
}

impl Network {
    /// Reads the weights out of the bytes of a GGUF file.
    pub(super) fn from_gguf(content: &Content, bytes: &[u8]) -> Result<Network> {
        let family = text(content, "general.architecture")?;
        if !["llama", "qwen2", "qwen3"].contains(&family.as_str()) {
            bail!("models of the family {family:?} cannot be run here; llama, qwen2 and qwen3 can");
        }
        let number = |key: &str| whole(content, &format!("{family}.{key}"));
        let heads = number("attention.head_count")?;
        let width = number("embedding_length")?;
        if heads == 0 || width == 0 || !width.is_multiple_of(heads) {
            bail!("{heads} heads do not divide a width of {width}");
        }
        let shape = Shape {
            heads,
            heads_kv: number("attention.head_count_kv").unwrap_or(heads),
            head_dim: number("attention.key_length").unwrap_or(width / heads),
            eps: float(content, &format!("{family}.attention.layer_norm_rms_epsilon"))?,
            context: number("context_length")?.min(CONTEXT_MAX),
            is_interleaved: family == "llama",
        };
        if shape.heads_kv == 0 || !heads.is_multiple_of(shape.heads_kv) || !shape.head_dim.is_multiple_of(2) {
            bail!("{heads} heads cannot share {} of {}", shape.heads_kv, shape.head_dim);
        }
        let mut tensors = Tensors { content, bytes: Cursor::new(bytes) };
        let embedding = Arc::new(tensors.raw("token_embd.weight")?);
        let output = match tensors.has("output.weight") {
            true => tensors.matrix("output.weight")?,
            false => QMatMul::from_arc(Arc::clone(&embedding))?,
        };
        let base = float(content, &format!("{family}.rope.freq_base")).unwrap_or(10_000.0);
        let factors =
            if tensors.has("rope_freqs.weight") { Some(tensors.plain("rope_freqs.weight")?.to_vec1()?) } else { None };
        let layers = (0..number("block_count")?).map(|at| tensors.layer(at)).collect::<Result<Vec<_>>>()?;
        Ok(Network {
            embedding,
            layers,
            norm: tensors.plain("output_norm.weight")?,
            output,
            shape,
            angles: angles(shape, base, factors)?,
        })
    }

    /// How many positions a prompt and its answer may have together.
    pub(super) fn context(&self) -> usize {
        self.shape.context
    }

    /// Reads tokens that stand from position `at` on, and gives the scores of the token after the last, if they are wanted.
    /// `None` also where the stop was set: then `memory` is good only up to `at`.
    pub(super) fn read(
        &self,
        tokens: &[u32],
        at: usize,
        memory: &mut Memory,
        stop: &Stop,
        scores: Scores,
    ) -> Result<Option<Vec<f32>>> {
        self.reserve(memory, at + tokens.len())?;
        let count = tokens.len();
        let mask = if count > 1 { Some(mask(count, at)?) } else { None };
        let mut x = self.embedding.embedding(&Tensor::new(tokens, &Device::Cpu)?)?;
        for (layer, (keys, values)) in self.layers.iter().zip(&memory.layers) {
            if stop.is_set() {
                return Ok(None);
            }
            let inner = rms_norm(&x, &layer.attention_norm, self.shape.eps)?;
            x = (x + self.attend(layer, &inner, at, mask.as_ref(), keys, values)?)?;
            let inner = rms_norm(&x, &layer.mlp_norm, self.shape.eps)?;
            let (gate, up) = match fused([&layer.gate, &layer.up], &inner)? {
                Some([gate, up]) => (gate, up),
                None => (layer.gate.forward(&inner)?, layer.up.forward(&inner)?),
            };
            x = (x + layer.down.forward(&(silu(&gate)? * up)?)?)?;
        }
        match scores {
            Scores::Skipped => Ok(None),
            Scores::Last => {
                let last = rms_norm(&x.narrow(0, count - 1, 1)?.contiguous()?, &self.norm, self.shape.eps)?;
                self.output.forward(&last)?.flatten_all()?.to_vec1().map(Some)
            }
        }
    }

    fn attend(
        &self,
        layer: &Layer,
        x: &Tensor,
        at: usize,
        mask: Option<&Tensor>,
        keys: &Tensor,
        values: &Tensor,
    ) -> Result<Tensor> {
        let Shape { heads, heads_kv, head_dim, .. } = self.shape;
        let (count, seen) = (x.dim(0)?, at + x.dim(0)?);
        let (query, key, value) = match fused([&layer.query.weight, &layer.key.weight, &layer.value.weight], x)? {
            Some([query, key, value]) => {
                (layer.query.biased(query)?, layer.key.biased(key)?, layer.value.biased(value)?)
            }
            None => (layer.query.forward(x)?, layer.key.forward(x)?, layer.value.forward(x)?),
        };
        let query = self.turned(&query, heads, at, layer.query_norm.as_ref())?;
        keys.slice_set(&self.turned(&key, heads_kv, at, layer.key_norm.as_ref())?, 1, at)?;
        values.slice_set(&value.reshape((count, heads_kv, head_dim))?.transpose(0, 1)?.contiguous()?, 1, at)?;

        // The heads that share a key stand beside each other: as rows of one product they read it without a copy.
        let group = heads / heads_kv;
        let query = (query * (1.0 / (head_dim as f64).sqrt()))?.reshape((heads_kv, group * count, head_dim))?;
        let scores = query.matmul(&keys.narrow(1, 0, seen)?.t()?)?;
        let scores = match mask {
            Some(mask) => scores.reshape((heads_kv * group, count, seen))?.broadcast_add(mask)?.reshape((
                heads_kv,
                group * count,
                seen,
            ))?,
            None => scores,
        };
        let seen_values = softmax_last_dim(&scores)?.matmul(&values.narrow(1, 0, seen)?)?;
        let joined =
            seen_values.reshape((heads, count, head_dim))?.transpose(0, 1)?.reshape((count, heads * head_dim))?;
        layer.out.forward(&joined.contiguous()?)
    }

    /// Heads apart, normed where the family does so, turned by their positions.
    fn turned(&self, x: &Tensor, heads: usize, at: usize, norm: Option<&Tensor>) -> Result<Tensor> {
        let count = x.dim(0)?;
        let x = x.reshape((count, heads, self.shape.head_dim))?;
        let x = match norm {
            Some(norm) => rms_norm(&x.contiguous()?, norm, self.shape.eps)?,
            None => x,
        };
        let x = x.transpose(0, 1)?.contiguous()?.unsqueeze(0)?;
        let (cos, sin) = (self.angles.0.narrow(0, at, count)?, self.angles.1.narrow(0, at, count)?);
        let x = if self.shape.is_interleaved { rope_i(&x, &cos, &sin)? } else { rope(&x, &cos, &sin)? };
        x.squeeze(0)
    }

    /// Takes memory for so many positions.
    fn reserve(&self, memory: &mut Memory, positions: usize) -> Result<()> {
        if positions > self.shape.context {
            bail!("{positions} positions do not fit a context of {}", self.shape.context);
        }
        if positions <= memory.capacity {
            return Ok(());
        }
        let capacity = positions.next_multiple_of(GROWTH).min(self.shape.context);
        let room = || Tensor::zeros((self.shape.heads_kv, capacity, self.shape.head_dim), DType::F32, &Device::Cpu);
        let mut layers = Vec::with_capacity(self.layers.len());
        for at in 0..self.layers.len() {
            let (keys, values) = (room()?, room()?);
            if let Some((old_keys, old_values)) = memory.layers.get(at) {
                keys.slice_set(old_keys, 1, 0)?;
                values.slice_set(old_values, 1, 0)?;
            }
            layers.push((keys, values));
        }
        *memory = Memory { layers, capacity };
        Ok(())
    }
}

/// Whether the scores of the next token are wanted: over a whole vocabulary they cost as much as several layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scores {
    /// Of the token after the last.
    Last,
    /// None.
    Skipped,
}

impl Linear {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.biased(self.weight.forward(x)?)
    }

    fn biased(&self, y: Tensor) -> Result<Tensor> {
        match &self.bias {
            Some(bias) => y.broadcast_add(bias),
            None => Ok(y),
        }
    }
}

/// Several products of the same input in one pass, where the weights are of one kind and the machine has the kernel.
fn fused<const N: usize>(weights: [&QMatMul; N], x: &Tensor) -> Result<Option<[Tensor; N]>> {
    let mut tensors = Vec::with_capacity(N);
    for weight in weights {
        let QMatMul::QTensor(tensor) = weight else { return Ok(None) };
        tensors.push(&**tensor);
    }
    Ok(QTensor::gemv_fused_shared_lhs(&tensors, x)?.and_then(|products| products.try_into().ok()))
}

/// Zero where a position may be seen, minus infinity after it.
fn mask(count: usize, at: usize) -> Result<Tensor> {
    let seen = at + count;
    let cells = (0..count)
        .flat_map(|row| (0..seen).map(move |column| if column <= at + row { 0.0 } else { f32::NEG_INFINITY }));
    Tensor::from_vec(cells.collect::<Vec<f32>>(), (1, count, seen), &Device::Cpu)
}

fn angles(shape: Shape, base: f32, factors: Option<Vec<f32>>) -> Result<(Tensor, Tensor)> {
    let turns: Vec<f32> = (0..shape.head_dim / 2)
        .map(|at| {
            let factor = factors.as_ref().and_then(|factors| factors.get(at)).copied().unwrap_or(1.0);
            1.0 / base.powf(2.0 * at as f32 / shape.head_dim as f32) / factor
        })
        .collect();
    let turns = Tensor::new(turns, &Device::Cpu)?.unsqueeze(0)?;
    let positions = Tensor::arange(0, shape.context as u32, &Device::Cpu)?.to_dtype(DType::F32)?.unsqueeze(1)?;
    let angles = positions.matmul(&turns)?;
    Ok((angles.cos()?, angles.sin()?))
}

/// Reads tensors by name.
struct Tensors<'b> {
    content: &'b Content,
    bytes: Cursor<&'b [u8]>,
}

impl Tensors<'_> {
    fn has(&self, name: &str) -> bool {
        self.content.tensor_infos.contains_key(name)
    }

    fn raw(&mut self, name: &str) -> Result<QTensor> {
        self.content.tensor(&mut self.bytes, name, &Device::Cpu)
    }

    fn matrix(&mut self, name: &str) -> Result<QMatMul> {
        QMatMul::from_qtensor(self.raw(name)?)
    }

    fn plain(&mut self, name: &str) -> Result<Tensor> {
        self.raw(name)?.dequantize(&Device::Cpu)?.to_dtype(DType::F32)
    }

    fn plain_if(&mut self, name: &str) -> Result<Option<Tensor>> {
        if self.has(name) { self.plain(name).map(Some) } else { Ok(None) }
    }

    fn linear(&mut self, name: &str) -> Result<Linear> {
        Ok(Linear { weight: self.matrix(&format!("{name}.weight"))?, bias: self.plain_if(&format!("{name}.bias"))? })
    }

    fn layer(&mut self, at: usize) -> Result<Layer> {
        let name = |part: &str| format!("blk.{at}.{part}");
        Ok(Layer {
            attention_norm: self.plain(&name("attn_norm.weight"))?,
            query: self.linear(&name("attn_q"))?,
            key: self.linear(&name("attn_k"))?,
            value: self.linear(&name("attn_v"))?,
            query_norm: self.plain_if(&name("attn_q_norm.weight"))?,
            key_norm: self.plain_if(&name("attn_k_norm.weight"))?,
            out: self.matrix(&name("attn_output.weight"))?,
            mlp_norm: self.plain(&name("ffn_norm.weight"))?,
            gate: self.matrix(&name("ffn_gate.weight"))?,
            up: self.matrix(&name("ffn_up.weight"))?,
            down: self.matrix(&name("ffn_down.weight"))?,
        })
    }
}

fn text(content: &Content, key: &str) -> Result<String> {
    content.metadata.get(key).map_or_else(|| bail!("the weights have no {key}"), |value| value.to_string().cloned())
}

fn whole(content: &Content, key: &str) -> Result<usize> {
    let value = content.metadata.get(key).map_or_else(|| bail!("the weights have no {key}"), Value::to_u64)?;
    // No measure of a model we could run is larger; a hostile file must not make us reserve by its word.
    if value > 1 << 24 { bail!("{key} is {value}") } else { Ok(value as usize) }
}

fn float(content: &Content, key: &str) -> Result<f32> {
    content.metadata.get(key).map_or_else(|| bail!("the weights have no {key}"), Value::to_f32)
}
