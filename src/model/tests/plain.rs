//! The forward of every family in plain floats, straight from what the families' papers and their makers' code say: what ours
//! is held against. It is slow and knows no past.

use std::io::Cursor;

use candle_core::Device;
use candle_core::quantized::gguf_file::Content;

/// One thing done wrongly on purpose, to see that a test would notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Twist {
    None,
    NoWindow,
    OtherGate,
    NoTurns,
    OneKindOfTurns,
    NoFactors,
    NoHeadNorm,
    NoLateNorm,
}

/// The scores after the last of these tokens.
pub(super) fn scores(bytes: &[u8], tokens: &[u32], twist: Twist) -> Vec<f32> {
    let mut cursor = Cursor::new(bytes);
    let content = Content::read(&mut cursor).unwrap();
    let family = content.metadata["general.architecture"].to_string().unwrap().clone();
    let find = |key: &str| content.metadata.get(&format!("{family}.{key}"));
    let whole = |key: &str| find(key).unwrap().to_u64().unwrap() as usize;
    let float = |key: &str, usual: f32| f64::from(find(key).map_or(usual, |value| value.to_f32().unwrap()));
    let mut tensor = |name: &str| -> Option<Vec<f32>> {
        content.tensor_infos.contains_key(name).then(|| {
            let tensor = content.tensor(&mut cursor, name, &Device::Cpu).unwrap();
            tensor.dequantize(&Device::Cpu).unwrap().flatten_all().unwrap().to_vec1().unwrap()
        })
    };
    let (width, inner, layers) = (whole("embedding_length"), whole("feed_forward_length"), whole("block_count"));
    let (heads, shared) = (whole("attention.head_count"), whole("attention.head_count_kv"));
    let dim = find("attention.key_length").map_or(width / heads, |value| value.to_u64().unwrap() as usize);
    let eps = float("attention.layer_norm_rms_epsilon", 0.0);
    let is_gemma = family == "gemma3";

    let table = tensor("token_embd.weight").unwrap();
    let size = if is_gemma { (width as f64).sqrt() } else { 1.0 };
    let mut x: Vec<Vec<f64>> = tokens
        .iter()
        .map(|token| table[*token as usize * width..][..width].iter().map(|x| f64::from(*x) * size).collect())
        .collect();

    let long = tensor("rope_factors_long.weight").or_else(|| tensor("rope_freqs.weight"));
    let long = long.filter(|_| twist != Twist::NoFactors);
    for layer in 0..layers {
        let mut part = |name: &str| tensor(&format!("blk.{layer}.{name}"));
        let sees_all = !is_gemma || (layer + 1).is_multiple_of(6);
        let window = match find("attention.sliding_window") {
            Some(most) if twist != Twist::NoWindow && (family == "phi3" || !sees_all) => {
                most.to_u64().unwrap() as usize
            }
            _ => usize::MAX,
        };
        let (base, stretch) = match sees_all || twist == Twist::OneKindOfTurns {
            true => (float("rope.freq_base", 10_000.0), float("rope.scaling.factor", 1.0)),
            false => (10_000.0, 1.0),
        };
        let turn = |head: &mut [f64], position: usize| {
            if twist == Twist::NoTurns {
                return;
            }
            let grown = float("rope.scaling.attn_factor", 1.0);
            for at in 0..dim / 2 {
                let factor = long.as_ref().map_or(1.0, |long| f64::from(long[at]));
                let angle = position as f64 / base.powf(2.0 * at as f64 / dim as f64) / factor / stretch;
                let (one, other) = if family == "llama" { (2 * at, 2 * at + 1) } else { (at, at + dim / 2) };
                let (low, high) = (head[one], head[other]);
                head[one] = (low * angle.cos() - high * angle.sin()) * grown;
                head[other] = (low * angle.sin() + high * angle.cos()) * grown;
            }
        };
        let (queries, keys) = (heads * dim, shared * dim);
        let matrices = match part("attn_qkv.weight") {
            Some(all) => [0..queries, queries..queries + keys, queries + keys..queries + 2 * keys]
                .map(|rows| all[rows.start * width..rows.end * width].to_vec()),
            None => ["attn_q.weight", "attn_k.weight", "attn_v.weight"].map(|name| part(name).unwrap()),
        };
        let biases = ["attn_q.bias", "attn_k.bias", "attn_v.bias"].map(&mut part);
        let head_norms = ["attn_q_norm.weight", "attn_k_norm.weight"].map(&mut part);
        let norm = part("attn_norm.weight").unwrap();
        let mut all: Vec<[Vec<f64>; 3]> = Vec::new();
        for (position, x) in x.iter().enumerate() {
            let normed = normed(x, Some(&norm), eps);
            let mut rows = [0, 1, 2].map(|at| times(&matrices[at], &normed));
            for (row, bias) in rows.iter_mut().zip(&biases) {
                row.iter_mut().zip(bias.iter().flatten()).for_each(|(row, bias)| *row += f64::from(*bias));
            }
            for (row, head_norm) in rows.iter_mut().zip(&head_norms) {
                for head in row.chunks_mut(dim) {
                    if let Some(head_norm) = head_norm.as_deref().filter(|_| twist != Twist::NoHeadNorm) {
                        let even = self::normed(head, Some(head_norm), eps);
                        head.copy_from_slice(&even);
                    }
                    turn(head, position);
                }
            }
            all.push(rows);
        }
        let (out, late) = (part("attn_output.weight").unwrap(), part("post_attention_norm.weight"));
        let late = late.filter(|_| twist != Twist::NoLateNorm);
        for (position, x) in x.iter_mut().enumerate() {
            let mut seen = vec![0.0; queries];
            let first = (position + 1).saturating_sub(window);
            for (head, seen) in seen.chunks_mut(dim).enumerate() {
                let (own, other) = (head * dim..(head + 1) * dim, head / (heads / shared) * dim);
                let weight = |at: usize| {
                    let pairs = all[position][0][own.clone()].iter().zip(&all[at][1][other..other + dim]);
                    (pairs.map(|(query, key)| query * key).sum::<f64>() / (dim as f64).sqrt()).exp()
                };
                let weights: Vec<f64> = (first..=position).map(weight).collect();
                let sum: f64 = weights.iter().sum();
                for (weight, rows) in weights.iter().zip(&all[first..]) {
                    seen.iter_mut().zip(&rows[2][other..]).for_each(|(seen, value)| *seen += weight / sum * value);
                }
            }
            add(x, times(&out, &seen), late.as_deref(), eps);
        }
        let norm = part("ffn_norm.weight").unwrap();
        let (gate, up) = match part("ffn_gate.weight") {
            Some(gate) => (gate, part("ffn_up.weight").unwrap()),
            None => {
                let mut gate = part("ffn_up.weight").unwrap();
                let up = gate.split_off(inner * width);
                (gate, up)
            }
        };
        let (down, late) = (part("ffn_down.weight").unwrap(), part("post_ffw_norm.weight"));
        let late = late.filter(|_| twist != Twist::NoLateNorm);
        for x in &mut x {
            let normed = normed(x, Some(&norm), eps);
            let gated = times(&gate, &normed).into_iter().zip(times(&up, &normed)).map(|(gate, up)| {
                let open = match is_gemma ^ (twist == Twist::OtherGate) {
                    true => {
                        let inner = (2.0 / std::f64::consts::PI).sqrt() * (gate + 0.044715 * gate.powi(3));
                        gate / 2.0 * (1.0 + inner.tanh())
                    }
                    false => gate / (1.0 + (-gate).exp()),
                };
                open * up
            });
            let product = times(&down, &gated.collect::<Vec<_>>());
            add(x, product, late.as_deref(), eps);
        }
    }
    let last = normed(x.last().unwrap(), tensor("output_norm.weight").as_deref(), eps);
    times(&tensor("output.weight").unwrap(), &last).into_iter().map(|score| score as f32).collect()
}

fn add(x: &mut [f64], product: Vec<f64>, norm: Option<&[f32]>, eps: f64) {
    let product = if norm.is_some() { normed(&product, norm, eps) } else { product };
    x.iter_mut().zip(product).for_each(|(x, product)| *x += product);
}

fn normed(x: &[f64], weights: Option<&[f32]>, eps: f64) -> Vec<f64> {
    let scale = 1.0 / (x.iter().map(|x| x * x).sum::<f64>() / x.len() as f64 + eps).sqrt();
    let weight = |at: usize| weights.map_or(1.0, |weights| f64::from(weights[at]));
    x.iter().enumerate().map(|(at, x)| x * scale * weight(at)).collect()
}

fn times(matrix: &[f32], x: &[f64]) -> Vec<f64> {
    let dot = |row: &[f32]| row.iter().zip(x).map(|(weight, x)| f64::from(*weight) * x).sum();
    matrix.chunks(x.len()).map(dot).collect()
}
