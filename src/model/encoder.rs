//! A BERT encoder over weights of eight bits: rows of tokens to vectors of unit length.
//!
//! Rows of any lengths are read together without padding: products go over the tokens of all, and each row attends to itself
//! alone. The arithmetic is [`kernel`](super::kernel)'s, so a vector is the same to the last bit alone and in any company; were
//! it not, it would tell what it was read beside, and that may be a page that nobody may know of.

use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::safetensors::SliceSafetensors;
use candle_core::{Device, Result, Tensor, bail};

use super::kernel::{
    Inputs, Kind, Machine, Matrix, Pool, Run, Scales, Seen, Sheet, attend_mutually, gelu_row, level_row, multiply,
};

/// The measures of all-MiniLM-L6-v2, the one embedder there is.
const WIDTH: usize = 384;
const LAYERS: usize = 6;
const HEAD_DIM: usize = 32;
const INNER: usize = 1536;
const PLACES: usize = 512;
const EPS: f32 = 1e-12;

/// Numbers of the words' table that share a scale.
const SHARING: usize = 32;
/// What the products ask of their inputs.
const SCALES: Scales = Scales { wide: false, narrow: true };

/// An encoder's weights, ready to run.
pub(super) struct Encoder {
    words: Table,
    /// Of each place in a row, what is added to the word there: of the place itself, and of a first sentence.
    places: Vec<f32>,
    norm: Norm,
    layers: Vec<Layer>,
    machine: Machine,
    pool: Pool,
}

struct Layer {
    query: Dense,
    key: Dense,
    value: Dense,
    out: Dense,
    out_norm: Norm,
    up: Dense,
    down: Dense,
    down_norm: Norm,
}

/// A matrix in blocks of [`Kind::Q80`], and what is added to its product.
struct Dense {
    rows: usize,
    columns: usize,
    bytes: Box<[u8]>,
    bias: Vec<f32>,
}

struct Norm {
    weights: Vec<f32>,
    biases: Vec<f32>,
}

/// Rows of numbers as bytes, 32 to a scale.
struct Table {
    bytes: Box<[i8]>,
    scales: Box<[f32]>,
}

/// Room to work in; kept between readings, for it is large.
#[derive(Default)]
pub(super) struct Room {
    /// Of each token in turn, its features.
    x: Vec<f32>,
    inputs: Inputs,
    query: Sheet,
    key: Sheet,
    value: Sheet,
    seen: Seen,
    product: Sheet,
    inner: Sheet,
}

impl Encoder {
    /// Reads the weights from the bytes of a safetensors file, which is not needed afterwards.
    pub(super) fn from_safetensors(bytes: &[u8], threads: usize) -> Result<Encoder> {
        let file = File(SliceSafetensors::new(bytes)?);
        let of_first = file.plain("embeddings.token_type_embeddings.weight", &[2, WIDTH])?;
        let mut places = file.plain("embeddings.position_embeddings.weight", &[PLACES, WIDTH])?;
        places.iter_mut().zip(of_first[..WIDTH].iter().cycle()).for_each(|(place, first)| *place += first);
        Ok(Encoder {
            words: file.table("embeddings.word_embeddings.weight")?,
            places,
            norm: file.norm("embeddings.LayerNorm")?,
            layers: (0..LAYERS).map(|at| Layer::of(&file, at)).collect::<Result<_>>()?,
            machine: Machine::best(),
            pool: Pool::new(threads)?,
        })
    }

    /// The threads that work, for what comes before.
    pub(super) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// The vector of each row: the mean of what its tokens come to, at length one. A row has from one to 512 tokens.
    pub(super) fn read(&self, rows: &[&[u32]], room: &mut Room) -> Result<Vec<Vec<f32>>> {
        let mut runs = Vec::with_capacity(rows.len());
        let mut tokens = Vec::new();
        for row in rows {
            if row.is_empty() || row.len() > PLACES {
                bail!("a row of {} tokens cannot be read; {PLACES} can", row.len());
            }
            runs.push(Run { first: tokens.len(), tokens: row.len(), at: 0 });
            tokens.extend(row.iter().copied().zip(0..));
        }
        if let Some((token, _)) = tokens.iter().find(|(token, _)| *token as usize >= self.words.rows()) {
            bail!("token {token} is not in a vocabulary of {}", self.words.rows());
        }
        room.x.resize(tokens.len() * WIDTH, 0.0);
        room.inputs.reset(tokens.len(), WIDTH, SCALES);
        let pieces = tokens.iter().zip(room.x.chunks_exact_mut(WIDTH)).zip(room.inputs.rows());
        self.pool.each(pieces, |(((token, place), x), to)| {
            self.words.row(*token as usize, x);
            add(x, &self.places[place * WIDTH..][..WIDTH]);
            self.norm.apply(self.machine, x);
            to.write(self.machine, x);
        });
        for layer in &self.layers {
            self.attend(layer, &runs, room);
            self.think(layer, room);
        }
        Ok(runs.iter().map(|run| unit(mean(&room.x[run.first * WIDTH..][..run.tokens * WIDTH]))).collect())
    }

    fn attend(&self, layer: &Layer, runs: &[Run], room: &mut Room) {
        let Room { x, inputs, query, key, value, seen, product, .. } = room;
        let (machine, pool, tokens) = (self.machine, &self.pool, x.len() / WIDTH);
        let mut products = [(&layer.query, &mut *query), (&layer.key, &mut *key), (&layer.value, &mut *value)]
            .map(|(dense, out)| (dense.begin(tokens, out), out));
        multiply(machine, pool, inputs, &mut products);
        attend_mutually(machine, pool, HEAD_DIM, [query, key, value], runs, seen);
        inputs.reset(tokens, WIDTH, SCALES);
        pool.each(inputs.rows().enumerate(), |(token, to)| {
            let mut row = [0.0; WIDTH];
            seen.row(token, &mut row);
            to.write(machine, &row);
        });
        multiply(machine, pool, inputs, &mut [(layer.out.begin(tokens, product), product)]);
        self.take_in(&layer.out_norm, product, x, inputs);
    }

    fn think(&self, layer: &Layer, room: &mut Room) {
        let Room { x, inputs, product, inner, .. } = room;
        let (machine, pool, tokens) = (self.machine, &self.pool, x.len() / WIDTH);
        multiply(machine, pool, inputs, &mut [(layer.up.begin(tokens, inner), inner)]);
        inputs.reset(tokens, INNER, SCALES);
        let inner = &*inner;
        pool.each(inputs.rows().enumerate(), |(token, to)| {
            let mut row = [0.0; INNER];
            inner.row(token, 0, &mut row);
            gelu_row(machine, &mut row);
            to.write(machine, &row);
        });
        multiply(machine, pool, inputs, &mut [(layer.down.begin(tokens, product), product)]);
        self.take_in(&layer.down_norm, product, x, inputs);
    }

    /// Adds a product to the tokens' features, levels them, and writes them as the next product's inputs.
    fn take_in(&self, norm: &Norm, product: &Sheet, x: &mut [f32], inputs: &mut Inputs) {
        inputs.reset(x.len() / WIDTH, WIDTH, SCALES);
        self.pool.each(x.chunks_exact_mut(WIDTH).zip(inputs.rows()).enumerate(), |(token, (x, to))| {
            let mut row = [0.0; WIDTH];
            product.row(token, 0, &mut row);
            add(x, &row);
            norm.apply(self.machine, x);
            to.write(self.machine, x);
        });
    }
}

impl Layer {
    fn of(file: &File<'_>, at: usize) -> Result<Layer> {
        let name = |part: &str| format!("encoder.layer.{at}.{part}");
        let dense = |part: &str, rows, columns| file.dense(&name(part), rows, columns);
        Ok(Layer {
            query: dense("attention.self.query", WIDTH, WIDTH)?,
            key: dense("attention.self.key", WIDTH, WIDTH)?,
            value: dense("attention.self.value", WIDTH, WIDTH)?,
            out: dense("attention.output.dense", WIDTH, WIDTH)?,
            out_norm: file.norm(&name("attention.output.LayerNorm"))?,
            up: dense("intermediate.dense", INNER, WIDTH)?,
            down: dense("output.dense", WIDTH, INNER)?,
            down_norm: file.norm(&name("output.LayerNorm"))?,
        })
    }
}

impl Dense {
    /// Makes room for the product, to which the bias is put first; gives what is to be multiplied.
    fn begin(&self, tokens: usize, out: &mut Sheet) -> Matrix<'_> {
        out.reset_to(tokens, &self.bias);
        Matrix::new(Kind::Q80, self.rows, self.columns, &self.bytes).expect("its length was checked when it was read")
    }
}

impl Norm {
    fn apply(&self, machine: Machine, row: &mut [f32]) {
        level_row(machine, row, &self.weights, &self.biases, EPS);
    }
}

impl Table {
    fn of(numbers: &[f32]) -> Table {
        let most = |some: &[f32]| some.iter().fold(0.0, |most: f32, x| most.max(x.abs()));
        let scales: Box<[f32]> = numbers.chunks(SHARING).map(|some| most(some) / 127.0).collect();
        let byte = |(at, x): (usize, &f32)| match scales[at / SHARING] {
            0.0 => 0,
            scale => (x / scale).round_ties_even() as i8,
        };
        Table { bytes: numbers.iter().enumerate().map(byte).collect(), scales }
    }

    fn rows(&self) -> usize {
        self.bytes.len() / WIDTH
    }

    fn row(&self, at: usize, to: &mut [f32]) {
        let scales = &self.scales[at * WIDTH / SHARING..];
        for ((to, from), scale) in to.chunks_mut(SHARING).zip(self.bytes[at * WIDTH..].chunks(SHARING)).zip(scales) {
            to.iter_mut().zip(from).for_each(|(to, from)| *to = f32::from(*from) * scale);
        }
    }
}

/// A safetensors file.
struct File<'b>(SliceSafetensors<'b>);

impl File<'_> {
    /// A tensor, where it has these measures.
    fn tensor(&self, name: &str, measures: &[usize]) -> Result<Tensor> {
        let tensor = self.0.load(name, &Device::Cpu)?;
        if tensor.dims() != measures {
            bail!("{name} is {:?}, which does not fit the model's measures {measures:?}", tensor.dims());
        }
        tensor.to_dtype(candle_core::DType::F32)
    }

    fn plain(&self, name: &str, measures: &[usize]) -> Result<Vec<f32>> {
        self.tensor(name, measures)?.flatten_all()?.to_vec1()
    }

    fn table(&self, name: &str) -> Result<Table> {
        let words = self.0.get(name)?.shape().first().copied().unwrap_or(0);
        Ok(Table::of(&self.plain(name, &[words, WIDTH])?))
    }

    fn norm(&self, name: &str) -> Result<Norm> {
        let numbers = |part: &str| self.plain(&format!("{name}.{part}"), &[WIDTH]);
        Ok(Norm { weights: numbers("weight")?, biases: numbers("bias")? })
    }

    fn dense(&self, name: &str, rows: usize, columns: usize) -> Result<Dense> {
        let weights = self.tensor(&format!("{name}.weight"), &[rows, columns])?;
        let bytes: Box<[u8]> = QTensor::quantize(&weights, GgmlDType::Q8_0)?.data()?.into();
        if Matrix::new(Kind::Q80, rows, columns, &bytes).is_none() {
            bail!("{name} does not fill its blocks");
        }
        Ok(Dense { rows, columns, bytes, bias: self.plain(&format!("{name}.bias"), &[rows])? })
    }
}

fn add(to: &mut [f32], other: &[f32]) {
    to.iter_mut().zip(other).for_each(|(to, other)| *to += other);
}

/// The mean of some tokens' features.
fn mean(tokens: &[f32]) -> Vec<f32> {
    let mut sum = vec![0.0; WIDTH];
    tokens.chunks_exact(WIDTH).for_each(|token| add(&mut sum, token));
    let count = (tokens.len() / WIDTH) as f32;
    sum.into_iter().map(|x| x / count).collect()
}

/// The same direction at length one.
fn unit(mut vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|x| *x /= length);
    }
    vector
}
