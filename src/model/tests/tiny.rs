//! Models of few layers with weights of the dice: they say nothing sensible, quickly and always the same.

use candle_core::quantized::gguf_file::{self, Value};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};

use super::super::tokens::byte_of_char;
use super::super::weights::Weights;

/// The measures of a tiny model.
struct Tiny {
    family: &'static str,
    width: usize,
    heads: usize,
    heads_kv: usize,
    head_dim: usize,
    inner: usize,
    layers: usize,
    /// How most of the matrices are written, and how some are.
    most: GgmlDType,
    some: GgmlDType,
}

/// The tiny models there are: each family once, llama (as llama 3 is) and phi3 also with factors of their turns.
pub(super) const FAMILIES: [&str; 7] = ["llama", "qwen2", "qwen3", "gemma3", "phi3", "llama long", "phi3 long"];

/// One change of a sound file.
#[derive(Debug, Clone, Copy)]
pub(in super::super) enum Edit {
    None,
    Whole(&'static str, u64),
    Float(&'static str, f32),
    Text(&'static str, &'static str),
    /// Of an entry or a tensor.
    Without(&'static str),
    Shaped(&'static str, &'static [usize]),
}

/// A tiny model of a family, or of one of [`FAMILIES`].
pub(super) fn tiny(family: &str) -> Weights {
    let (most, some, layers) = match family {
        "llama" | "llama long" => (GgmlDType::Q4_1, GgmlDType::Q8_0, 2),
        "gemma3" => (GgmlDType::Q5K, GgmlDType::Q6K, 7),
        "phi3" | "phi3 long" => (GgmlDType::Q4_0, GgmlDType::Q5_0, 2),
        _ => (GgmlDType::Q4K, GgmlDType::Q6K, 2),
    };
    let is_long = family.ends_with(" long");
    let family = FAMILIES.into_iter().find(|one| Some(*one) == family.split(' ').next()).unwrap();
    let tiny = Tiny { family, width: 256, heads: 4, heads_kv: 2, head_dim: 64, inner: 512, layers, most, some };
    Weights::of(&tiny.write(Edit::None, is_long))
}

/// The smallest llama there can be, changed in one way.
pub(in super::super) fn smallest(edit: Edit) -> Vec<u8> {
    let eight = GgmlDType::Q8_0;
    let measures = Tiny {
        family: "llama",
        width: 32,
        heads: 2,
        heads_kv: 1,
        head_dim: 16,
        inner: 32,
        layers: 1,
        most: eight,
        some: eight,
    };
    measures.write(edit, false)
}

/// Each byte, one merged pair, and what the template needs.
fn vocabulary() -> Vec<String> {
    let mut bytes: Vec<(char, u8)> = byte_of_char().into_iter().collect();
    bytes.sort_by_key(|(_, byte)| *byte);
    let mut tokens: Vec<String> = bytes.into_iter().map(|(c, _)| c.to_string()).collect();
    tokens.extend(["th", "<|im_start|>", "<|im_end|>"].map(str::to_owned));
    tokens
}

impl Tiny {
    fn write(&self, edit: Edit, is_long: bool) -> Vec<u8> {
        let tokens = vocabulary();
        let (mut metadata, mut tensors) = (self.metadata(&tokens), self.tensors(tokens.len()));
        let factors = |size: f32| {
            let all: Vec<f32> = (0..self.head_dim / 2).map(|at| 1.0 + size * at as f32).collect();
            QTensor::quantize(&Tensor::new(all, &Device::Cpu).unwrap(), GgmlDType::F32).unwrap()
        };
        if is_long && self.family == "llama" {
            tensors.push(("rope_freqs.weight".to_owned(), factors(0.2)));
        }
        if is_long && self.family == "phi3" {
            tensors.push(("rope_factors_short.weight".to_owned(), factors(0.01)));
            tensors.push(("rope_factors_long.weight".to_owned(), factors(0.3)));
            metadata.push(("phi3.rope.scaling.original_context_length".to_owned(), Value::U32(1024)));
            metadata.push(("phi3.rope.scaling.type".to_owned(), Value::String("longrope".to_owned())));
            metadata.push(("phi3.rope.scaling.attn_factor".to_owned(), Value::F32(1.2)));
            metadata.push(("phi3.attention.sliding_window".to_owned(), Value::U32(20)));
        }
        let mut put = |key: &str, value: Value| {
            metadata.retain(|(name, _)| name != key);
            metadata.push((key.to_owned(), value));
        };
        match edit {
            Edit::None => {}
            Edit::Whole(key, value) => put(key, Value::U64(value)),
            Edit::Float(key, value) => put(key, Value::F32(value)),
            Edit::Text(key, value) => put(key, Value::String(value.to_owned())),
            Edit::Without(name) => {
                metadata.retain(|(key, _)| key != name);
                tensors.retain(|(tensor, _)| tensor != name);
            }
            Edit::Shaped(name, shape) => {
                let zeros = Tensor::zeros(shape, candle_core::DType::F32, &Device::Cpu).unwrap();
                let tensor = tensors.iter_mut().find(|(tensor, _)| tensor == name).unwrap();
                tensor.1 = QTensor::quantize(&zeros, tensor.1.dtype()).unwrap();
            }
        }
        let metadata: Vec<(&str, &Value)> = metadata.iter().map(|(key, value)| (key.as_str(), value)).collect();
        let tensors: Vec<(&str, &QTensor)> = tensors.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
        let mut bytes = std::io::Cursor::new(Vec::new());
        gguf_file::write(&mut bytes, &metadata, &tensors).unwrap();
        bytes.into_inner()
    }

    fn metadata(&self, tokens: &[String]) -> Vec<(String, Value)> {
        let text = |text: &str| Value::String(text.to_owned());
        let whole = |value: usize| Value::U32(value as u32);
        let mut all = vec![
            ("general.architecture".to_owned(), text(self.family)),
            ("tokenizer.ggml.model".to_owned(), text("gpt2")),
            ("tokenizer.ggml.pre".to_owned(), text("gpt-2")),
            ("tokenizer.ggml.tokens".to_owned(), Value::Array(tokens.iter().map(|token| text(token)).collect())),
            ("tokenizer.ggml.merges".to_owned(), Value::Array(vec![text("t h")])),
            ("tokenizer.chat_template".to_owned(), text("<|im_start|>")),
        ];
        let mut measures = vec![
            ("embedding_length", whole(self.width)),
            ("block_count", whole(self.layers)),
            ("context_length", Value::U32(2048)),
            ("feed_forward_length", whole(self.inner)),
            ("attention.head_count", whole(self.heads)),
            ("attention.head_count_kv", whole(self.heads_kv)),
            ("rope.dimension_count", whole(self.head_dim)),
            ("rope.freq_base", Value::F32(10_000.0)),
            ("attention.layer_norm_rms_epsilon", Value::F32(1e-6)),
        ];
        if self.family != "llama" {
            measures.push(("attention.key_length", whole(self.head_dim)));
            measures.push(("attention.value_length", whole(self.head_dim)));
        }
        if self.family == "gemma3" {
            measures.retain(|(key, _)| *key != "rope.freq_base");
            measures.push(("rope.freq_base", Value::F32(1_000_000.0)));
            measures.push(("rope.scaling.type", text("linear")));
            measures.push(("rope.scaling.factor", Value::F32(8.0)));
            measures.push(("attention.sliding_window", whole(16)));
        }
        all.extend(measures.into_iter().map(|(key, value)| (format!("{}.{key}", self.family), value)));
        all
    }

    fn tensors(&self, tokens: usize) -> Vec<(String, QTensor)> {
        let mut seed = 2_463_534_242_u32;
        let mut tensor = |name: String, shape: &[usize], dtype: GgmlDType, middle: f32, size: f32| {
            let numbers = (0..shape.iter().product::<usize>())
                .map(|_| {
                    seed ^= seed << 13;
                    seed ^= seed >> 17;
                    seed ^= seed << 5;
                    middle + size * (seed as f32 / u32::MAX as f32 * 2.0 - 1.0)
                })
                .collect::<Vec<f32>>();
            let plain = Tensor::from_vec(numbers, shape, &Device::Cpu).unwrap();
            (name, QTensor::quantize(&plain, dtype).unwrap())
        };
        let (family, width, inner) = (self.family, self.width, self.inner);
        let (queries, keys) = (self.heads * self.head_dim, self.heads_kv * self.head_dim);
        let (most, some) = (self.most, self.some);
        let mut all = vec![
            tensor("token_embd.weight".to_owned(), &[tokens, width], most, 0.0, 1.0),
            tensor("output.weight".to_owned(), &[tokens, width], some, 0.0, 0.2),
            tensor("output_norm.weight".to_owned(), &[width], GgmlDType::F32, 1.0, 0.1),
        ];
        for layer in 0..self.layers {
            let name = |part: &str| format!("blk.{layer}.{part}");
            let apart = [
                ("attn_q.weight", queries, width, most),
                ("attn_k.weight", keys, width, most),
                ("attn_v.weight", keys, width, some),
                ("ffn_gate.weight", inner, width, most),
                ("ffn_up.weight", inner, width, most),
            ];
            let joined =
                [("attn_qkv.weight", queries + 2 * keys, width, most), ("ffn_up.weight", 2 * inner, width, most)];
            let shared = [("attn_output.weight", width, queries, most), ("ffn_down.weight", width, inner, some)];
            let own: &[_] = if family == "phi3" { &joined } else { &apart };
            for (part, rows, columns, dtype) in own.iter().copied().chain(shared) {
                all.push(tensor(name(part), &[rows, columns], dtype, 0.0, 0.15));
            }
            let norms = [("attn_norm.weight", width), ("ffn_norm.weight", width)];
            let heads = [("attn_q_norm.weight", self.head_dim), ("attn_k_norm.weight", self.head_dim)];
            let late = [("post_attention_norm.weight", width), ("post_ffw_norm.weight", width)];
            let biases = [("attn_q.bias", queries), ("attn_k.bias", keys), ("attn_v.bias", keys)];
            let heads = heads.into_iter().filter(|_| matches!(family, "qwen3" | "gemma3"));
            for (part, count) in norms.into_iter().chain(heads).chain(late.into_iter().filter(|_| family == "gemma3")) {
                all.push(tensor(name(part), &[count], GgmlDType::F32, 1.0, 0.1));
            }
            for (part, count) in biases.into_iter().filter(|_| family == "qwen2") {
                all.push(tensor(name(part), &[count], GgmlDType::F32, 0.0, 0.5));
            }
        }
        all
    }
}
