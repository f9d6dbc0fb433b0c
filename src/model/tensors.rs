//! The tensors of a GGUF file: matrices used where they lie, small ones read as floats.

use std::ops::Range;

use candle_core::quantized::gguf_file::{Content, TensorInfo, Value};
use candle_core::quantized::{GgmlDType, QStorage, QTensor};
use candle_core::{Device, Result, bail};

use super::kernel::{Kind, Matrix};
use super::weights::Weights;

/// No measure of a model we could run is larger; a hostile file must not make us reserve by its word.
const MEASURE_MAX: u64 = 1 << 24;

/// Reads tensors and measures by name.
pub(super) struct Tensors<'b> {
    content: &'b Content,
    weights: &'b Weights,
}

/// A matrix of the file.
#[derive(Clone)]
pub(super) struct Stored {
    kind: Kind,
    rows: usize,
    columns: usize,
    place: Place,
}

#[derive(Clone)]
enum Place {
    /// Bytes of the weights.
    Mapped(Range<usize>),
    /// Written anew, for the file's own way cannot be multiplied.
    Own(Box<[u8]>),
}

impl Stored {
    /// The matrix to be multiplied with.
    pub(super) fn matrix<'w>(&'w self, weights: &'w [u8]) -> Matrix<'w> {
        let bytes = match &self.place {
            Place::Mapped(range) => &weights[range.clone()],
            Place::Own(bytes) => bytes,
        };
        Matrix::new(self.kind, self.rows, self.columns, bytes).expect("its length was checked when it was found")
    }

    /// Rows: features that come out.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Columns: features that go in.
    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    /// Some of its rows.
    pub(super) fn part(&self, rows: Range<usize>) -> Stored {
        let each = self.kind.row_bytes(self.columns).expect("it was looked at when it was found");
        let (count, bytes) = (rows.len(), rows.start * each..rows.end * each);
        let place = match &self.place {
            Place::Mapped(range) => Place::Mapped(range.start + bytes.start..range.start + bytes.end),
            Place::Own(all) => Place::Own(all[bytes].into()),
        };
        Stored { kind: self.kind, rows: count, columns: self.columns, place }
    }

    /// Whether its inputs need one scale for 256 columns, or else one for 32.
    pub(super) fn is_wide(&self) -> bool {
        self.kind.weights() == 256
    }
}

impl<'b> Tensors<'b> {
    pub(super) fn new(content: &'b Content, weights: &'b Weights) -> Tensors<'b> {
        Tensors { content, weights }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.content.tensor_infos.contains_key(name)
    }

    /// A matrix of these measures, or of any where they are not known: rows, then columns.
    pub(super) fn matrix(&self, name: &str, rows: Option<usize>, columns: usize) -> Result<Stored> {
        let (info, range) = self.find(name)?;
        let &[found_rows, found_columns] = info.shape.dims() else { bail!("{name} is no matrix: {:?}", info.shape) };
        if rows.is_some_and(|rows| rows != found_rows) || columns != found_columns || found_rows == 0 {
            bail!("{name} is {found_rows} by {found_columns}, which does not fit the model's measures");
        }
        let kind = match info.ggml_dtype {
            GgmlDType::Q4K => Some(Kind::Q4K),
            GgmlDType::Q5K => Some(Kind::Q5K),
            GgmlDType::Q6K => Some(Kind::Q6K),
            GgmlDType::Q4_0 => Some(Kind::Q40),
            GgmlDType::Q4_1 => Some(Kind::Q41),
            GgmlDType::Q5_0 => Some(Kind::Q50),
            GgmlDType::Q5_1 => Some(Kind::Q51),
            GgmlDType::Q8_0 => Some(Kind::Q80),
            GgmlDType::F32
            | GgmlDType::F16
            | GgmlDType::BF16
            | GgmlDType::Q8_1
            | GgmlDType::Q2K
            | GgmlDType::Q3K
            | GgmlDType::Q8K => None,
        };
        let place = match kind {
            Some(_) => Place::Mapped(range),
            None => Place::Own(QTensor::quantize(&self.tensor(name)?, GgmlDType::Q8_0)?.data()?.into()),
        };
        let stored = Stored { kind: kind.unwrap_or(Kind::Q80), rows: found_rows, columns, place };
        let bytes = match &stored.place {
            Place::Mapped(range) => &self.weights[range.clone()],
            Place::Own(bytes) => bytes,
        };
        if Matrix::new(stored.kind, stored.rows, columns, bytes).is_none() {
            bail!("{name} does not fill its blocks");
        }
        Ok(stored)
    }

    /// Small numbers, as many as there must be.
    pub(super) fn plain(&self, name: &str, count: usize) -> Result<Vec<f32>> {
        // Counted before they are read, which may take eight times the room.
        let found = self.find(name)?.0.shape.elem_count();
        if found != count {
            bail!("{name} has {found} numbers, not {count}");
        }
        let numbers: Vec<f32> = self.tensor(name)?.flatten_all()?.to_vec1()?;
        if numbers.iter().all(|number| number.is_finite()) {
            Ok(numbers)
        } else {
            bail!("{name} has numbers that are none")
        }
    }

    /// The same, where there are any.
    pub(super) fn plain_if(&self, name: &str, count: usize) -> Result<Option<Vec<f32>>> {
        if self.has(name) { self.plain(name, count).map(Some) } else { Ok(None) }
    }

    /// Any tensor as floats.
    fn tensor(&self, name: &str) -> Result<candle_core::Tensor> {
        let (info, range) = self.find(name)?;
        let storage = QStorage::from_data(self.weights[range].into(), &Device::Cpu, info.ggml_dtype)?;
        QTensor::new(storage, info.shape.clone())?.dequantize(&Device::Cpu)
    }

    /// A tensor and where its bytes lie, after they were found to be there.
    fn find(&self, name: &str) -> Result<(&TensorInfo, Range<usize>)> {
        let Some(info) = self.content.tensor_infos.get(name) else { bail!("the weights have no {name}") };
        let blocks = info.shape.elem_count() / info.ggml_dtype.block_size();
        let range = self
            .content
            .tensor_data_offset
            .checked_add(info.offset)
            .and_then(|start| usize::try_from(start).ok())
            .and_then(|start| Some(start..start.checked_add(blocks.checked_mul(info.ggml_dtype.type_size())?)?));
        match range {
            Some(range) if range.end <= self.weights.len() => Ok((info, range)),
            _ => bail!("{name} lies beyond the end of the file"),
        }
    }

    /// Whether the file says something under this key.
    pub(super) fn says(&self, key: &str) -> bool {
        self.content.metadata.contains_key(key)
    }

    /// A word, or what it is where the file says nothing.
    pub(super) fn text_or(&self, key: &str, usual: &str) -> Result<String> {
        if self.says(key) { self.text(key) } else { Ok(usual.to_owned()) }
    }

    pub(super) fn text(&self, key: &str) -> Result<String> {
        self.value(key)?.to_string().cloned()
    }

    pub(super) fn whole(&self, key: &str) -> Result<usize> {
        let value = self.value(key)?.to_u64()?;
        if value > MEASURE_MAX { bail!("{key} is {value}") } else { Ok(value as usize) }
    }

    /// A number that is not negative.
    pub(super) fn float(&self, key: &str) -> Result<f32> {
        let value = self.value(key)?.to_f32()?;
        if value.is_finite() && value >= 0.0 { Ok(value) } else { bail!("{key} is {value}") }
    }

    /// A number above zero, or what it is where the file says nothing.
    pub(super) fn positive_or(&self, key: &str, usual: f32) -> Result<f32> {
        if !self.says(key) {
            return Ok(usual);
        }
        let value = self.float(key)?;
        if value > 0.0 { Ok(value) } else { bail!("{key} is {value}") }
    }

    /// A measure, or what it is where the file says nothing.
    pub(super) fn whole_or(&self, key: &str, usual: usize) -> Result<usize> {
        if self.says(key) { self.whole(key) } else { Ok(usual) }
    }

    fn value(&self, key: &str) -> Result<&Value> {
        self.content.metadata.get(key).map_or_else(|| bail!("the weights have no {key}"), Ok)
    }
}
