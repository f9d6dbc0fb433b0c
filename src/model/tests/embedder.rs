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

/// Words that come out worst of some thousand: they say next to nothing by themselves.
const FAINT: [&str; 4] = ["not", "this?\"", "true,", "that"];

/// What pages of a company say, and of what kinds.
const PAGES: &str = "On-call engineers carry the pager for one week, from Monday at 10:00 until the next Monday; whoever \
    cannot do so swaps with a colleague and says so in #on-call. New parents get twelve weeks of leave, paid in full, which \
    they may take at once or in parts within a year of the birth. Is production access granted to contractors? No: only \
    after a review by the platform team, and never for longer than ninety days. Travel above 1,500 EUR needs the approval of \
    a director; book trains in second class, and flights only where a train takes more than six hours. To reset a badge: 1. \
    go to the front desk; 2. show an identity card; 3. wait for the green light. `kubectl rollout undo deployment/billing` \
    takes the service back to the release before; tell #incidents what you did and why. Die Kantine öffnet um 11:30 Uhr, am \
    Freitag gibt es Fisch. Passwords are at least 14 characters long, are kept in the vault, and are changed when somebody \
    leaves. Ada Lovelace (Engineering, Berlin) looks after the ledger; Bob Martin <bob@example.com> is her deputy until \
    2027-03-31. The backup of the customer database runs at 02:15 UTC and is restored on trial every quarter; the last time \
    it took 47 minutes. Nothing on this page is legal advice.";

#[test]
fn vectors_are_nearly_those_of_floats() {
    let Some((weights, tokenizer)) = minilm() else { return };
    let words: Vec<&str> = PAGES.split_whitespace().collect();
    // So many words from every so many on, round and round; of the longest, the end is cut where no more tokens are read.
    let taken = |count: usize, each: usize| {
        let text = |at: usize| words.iter().cycle().skip(at).take(count).copied().collect::<Vec<_>>().join(" ");
        (0..words.len()).step_by(each).map(text).collect::<Vec<_>>()
    };
    // Rounding to bytes costs a vector the more of its direction the less its text says: the bounds lie a little below what
    // was measured of these, and of all words, pairs and threes of a long page.
    let mut singles = taken(1, 1);
    singles.extend(FAINT.map(str::to_owned));
    let kinds = [
        (singles, 0.997),
        (taken(2, 1), 0.9975),
        (taken(3, 2), 0.998),
        (taken(4, 10), 0.998),
        (taken(12, 15), 0.999),
        (taken(35, 15), 0.999),
        (taken(150, 30), 0.999),
        (taken(300, 60), 0.999),
    ];
    let ours = Embedder::start(&weights, &tokenizer, 2).unwrap();
    let (mut sum, mut count) = (0.0, 0.0);
    for (texts, least) in kinds {
        let ours = ours.embed(&texts.iter().map(String::as_str).collect::<Vec<_>>(), &Stop::default()).unwrap();
        let theirs = in_floats(&weights, &tokenizer, &texts);
        for ((text, one), other) in texts.iter().zip(&ours).zip(&theirs) {
            assert!((dot(one, one) - 1.0).abs() < 1e-5, "{text}");
            assert!(dot(one, other) > least, "{}, not {least}: {text}", dot(one, other));
            (sum, count) = (sum + dot(one, other), count + 1.0);
        }
    }
    assert!(sum / count > 0.999, "{}", sum / count);
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
