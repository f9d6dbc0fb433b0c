//! The embedder on real weights, held against candle's own forward over floats.

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};
use tokenizers::{Tokenizer, TruncationParams};

use super::*;

fn dot(one: &Vector, other: &Vector) -> f32 {
    one.0.iter().zip(&other.0).map(|(x, y)| x * y).sum()
}

/// What candle makes of the same texts, one by one, in floats.
fn in_floats(weights: &[u8], tokenizer: &[u8], texts: &[String]) -> Vec<Vector> {
    let mut tokenizer = Tokenizer::from_bytes(tokenizer).unwrap();
    tokenizer.with_truncation(Some(TruncationParams { max_length: 256, ..TruncationParams::default() })).unwrap();
    tokenizer.with_padding(None);
    let measures = Config {
        hidden_size: 384,
        num_hidden_layers: 6,
        num_attention_heads: 12,
        intermediate_size: 1536,
        ..Config::default()
    };
    let variables = VarBuilder::from_slice_safetensors(weights, DType::F32, &Device::Cpu).unwrap();
    let bert = BertModel::load(variables, &measures).unwrap();
    let read = |text: &String| {
        let tokens = Tensor::new(tokenizer.encode(text.as_str(), true).unwrap().get_ids(), &Device::Cpu).unwrap();
        let tokens = tokens.unsqueeze(0).unwrap();
        let states = bert.forward(&tokens, &tokens.zeros_like().unwrap(), None).unwrap();
        let mean: Vec<f32> = states.mean(1).unwrap().squeeze(0).unwrap().to_vec1().unwrap();
        let length = mean.iter().map(|x| x * x).sum::<f32>().sqrt();
        Vector(mean.into_iter().map(|x| x / length).collect())
    };
    texts.iter().map(read).collect()
}

#[test]
fn vectors_are_nearly_those_of_floats() {
    let Some((weights, tokenizer)) = minilm() else { return };
    // Sentences and passages of our own pages, some cut where no more tokens are read.
    let pages = include_str!("../../../README.md");
    let words: Vec<&str> = pages.split_whitespace().collect();
    let texts: Vec<String> = [1, 4, 12, 35, 150, 300]
        .into_iter()
        .flat_map(|count| words.chunks(words.len() / 12).map(move |part| part[..count.min(part.len())].join(" ")))
        .collect();

    let ours = Embedder::start(&weights, &tokenizer, 2).unwrap();
    let ours = ours.embed(&texts.iter().map(String::as_str).collect::<Vec<_>>(), &Stop::default()).unwrap();
    let theirs = in_floats(&weights, &tokenizer, &texts);

    for ((text, one), other) in texts.iter().zip(&ours).zip(&theirs) {
        assert!((dot(one, one) - 1.0).abs() < 1e-5, "{text}");
        assert!(dot(one, other) > 0.998, "{}: {text}", dot(one, other));
    }
    let mean = ours.iter().zip(&theirs).map(|(one, other)| dot(one, other)).sum::<f32>() / ours.len() as f32;
    assert!(mean > 0.999, "{mean}");
}

#[test]
fn like_sentences_have_like_vectors_in_any_company() {
    let Some((weights, tokenizer)) = minilm() else { return };
    let embedder = Embedder::start(&weights, &tokenizer, 2).unwrap();
    let embed = |texts: &[&str]| embedder.embed(texts, &Stop::default()).unwrap();
    let vectors = embed(&[
        "How long is parental leave?",
        "New parents get twelve weeks off, which they can take within a year.",
        "The pager is red.",
    ]);

    assert!((dot(&vectors[0], &vectors[0]) - 1.0).abs() < 1e-5);
    assert!(dot(&vectors[0], &vectors[1]) > dot(&vectors[0], &vectors[2]) + 0.2);

    // To the last bit, in company of the same length and of others, at any number of threads.
    let colours = ["red", "blue", "green", "white", "black", "brown", "grey", "pink", "gold", "silver"];
    let mut company: Vec<String> = colours.iter().map(|colour| format!("The pager is {colour}.")).collect();
    company.extend((1..12).map(|times| "The pager is red and loud. ".repeat(times)));
    let together = embed(&company.iter().map(String::as_str).collect::<Vec<_>>());
    let one_thread = Embedder::start(&weights, &tokenizer, 1).unwrap();
    for (text, vector) in company.iter().zip(&together) {
        assert_eq!(&one_thread.embed(&[text], &Stop::default()).unwrap()[0], vector, "{text}");
    }
}
