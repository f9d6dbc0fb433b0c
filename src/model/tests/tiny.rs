//! Models of two layers with weights of the dice: they say nothing sensible, quickly and always the same.

use std::io::Write as _;

use candle_core::quantized::gguf_file::{self, Value};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};

use super::super::tokens::byte_of_char;
use super::super::weights::Weights;

const WIDTH: usize = 256;
const HEADS: usize = 4;
const HEADS_KV: usize = 2;
const HEAD_DIM: usize = 64;
const INNER: usize = 512;
const LAYERS: usize = 2;
const CONTEXT: u32 = 2048;

/// A tiny model of a family: llama over blocks of 32, qwen2 and qwen3 over blocks of 256.
pub(super) fn tiny(family: &str) -> Weights {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let tokens = vocabulary();
    let metadata = metadata(family, &tokens);
    let metadata: Vec<(&str, &Value)> = metadata.iter().map(|(key, value)| (key.as_str(), value)).collect();
    let tensors = tensors(family, tokens.len());
    let tensors: Vec<(&str, &QTensor)> = tensors.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
    let mut bytes = std::io::Cursor::new(Vec::new());
    gguf_file::write(&mut bytes, &metadata, &tensors).unwrap();
    file.write_all(bytes.get_ref()).unwrap();
    Weights::map(file.path()).unwrap()
}

/// Each byte, one merged pair, and what the template needs.
fn vocabulary() -> Vec<String> {
    let mut bytes: Vec<(char, u8)> = byte_of_char().into_iter().collect();
    bytes.sort_by_key(|(_, byte)| *byte);
    let mut tokens: Vec<String> = bytes.into_iter().map(|(c, _)| c.to_string()).collect();
    tokens.extend(["th", "<|im_start|>", "<|im_end|>"].map(str::to_owned));
    tokens
}

fn metadata(family: &str, tokens: &[String]) -> Vec<(String, Value)> {
    let text = |text: &str| Value::String(text.to_owned());
    let whole = |value: usize| Value::U32(value as u32);
    let mut all = vec![
        ("general.architecture".to_owned(), text(family)),
        ("tokenizer.ggml.model".to_owned(), text("gpt2")),
        ("tokenizer.ggml.pre".to_owned(), text("gpt-2")),
        ("tokenizer.ggml.tokens".to_owned(), Value::Array(tokens.iter().map(|token| text(token)).collect())),
        ("tokenizer.ggml.merges".to_owned(), Value::Array(vec![text("t h")])),
        ("tokenizer.chat_template".to_owned(), text("<|im_start|>")),
    ];
    let measures = [
        ("embedding_length", whole(WIDTH)),
        ("block_count", whole(LAYERS)),
        ("context_length", Value::U32(CONTEXT)),
        ("feed_forward_length", whole(INNER)),
        ("attention.head_count", whole(HEADS)),
        ("attention.head_count_kv", whole(HEADS_KV)),
        ("rope.dimension_count", whole(HEAD_DIM)),
        ("rope.freq_base", Value::F32(10_000.0)),
        ("attention.layer_norm_rms_epsilon", Value::F32(1e-6)),
    ];
    all.extend(measures.map(|(key, value)| (format!("{family}.{key}"), value)));
    all
}

fn tensors(family: &str, tokens: usize) -> Vec<(String, QTensor)> {
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
    let (most, some) = match family {
        "llama" => (GgmlDType::Q4_1, GgmlDType::Q8_0),
        _ => (GgmlDType::Q4K, GgmlDType::Q6K),
    };
    let (queries, keys) = (HEADS * HEAD_DIM, HEADS_KV * HEAD_DIM);
    let mut all = vec![
        tensor("token_embd.weight".to_owned(), &[tokens, WIDTH], most, 0.0, 1.0),
        tensor("output.weight".to_owned(), &[tokens, WIDTH], some, 0.0, 0.2),
        tensor("output_norm.weight".to_owned(), &[WIDTH], GgmlDType::F32, 1.0, 0.1),
    ];
    for layer in 0..LAYERS {
        let name = |part: &str| format!("blk.{layer}.{part}");
        for (part, rows, columns, dtype) in [
            ("attn_q.weight", queries, WIDTH, most),
            ("attn_k.weight", keys, WIDTH, most),
            ("attn_v.weight", keys, WIDTH, some),
            ("attn_output.weight", WIDTH, queries, most),
            ("ffn_gate.weight", INNER, WIDTH, most),
            ("ffn_up.weight", INNER, WIDTH, most),
            ("ffn_down.weight", WIDTH, INNER, some),
        ] {
            all.push(tensor(name(part), &[rows, columns], dtype, 0.0, 0.15));
        }
        let norms = [("attn_norm.weight", WIDTH), ("ffn_norm.weight", WIDTH)];
        let heads = [("attn_q_norm.weight", HEAD_DIM), ("attn_k_norm.weight", HEAD_DIM)];
        let biases = [("attn_q.bias", queries), ("attn_k.bias", keys), ("attn_v.bias", keys)];
        for (part, count) in norms.into_iter().chain(heads.into_iter().filter(|_| family == "qwen3")) {
            all.push(tensor(name(part), &[count], GgmlDType::F32, 1.0, 0.1));
        }
        for (part, count) in biases.into_iter().filter(|_| family == "qwen2") {
            all.push(tensor(name(part), &[count], GgmlDType::F32, 0.0, 0.5));
        }
    }
    all
}
