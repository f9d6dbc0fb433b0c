//! Model folders for tests; and the engine and embedder on real weights, held against llama.cpp.

use std::io::{Cursor, Write as _};
use std::ops::ControlFlow;

use candle_core::quantized::gguf_file::Content;
use sha2::{Digest, Sha256};

use super::template::Template;
use super::tokens::Tokens;
use super::weights::Weights;
use super::*;

/// A folder with a manifest and these models of one file each: name, kind, file, bytes.
pub(super) fn folder_of(models: &[(&str, &str, &str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut manifest = String::new();
    for (name, kind, file, bytes) in models {
        let sha256 = hex::encode(Sha256::digest(bytes));
        manifest += &format!(
            "[[model]]\nname = \"{name}\"\nkind = \"{kind}\"\nlicence = \"Apache-2.0\"\n\
             [[model.file]]\nname = \"{file}\"\nbytes = {}\nsha256 = \"{sha256}\"\n",
            bytes.len()
        );
        if !file.contains('/') {
            std::fs::File::create(folder.path().join(file)).unwrap().write_all(bytes).unwrap();
        }
    }
    std::fs::File::create(folder.path().join("manifest.toml")).unwrap().write_all(manifest.as_bytes()).unwrap();
    folder
}

/// What llama.cpp made of the same weights, prompts and texts.
fn recorded() -> serde_json::Value {
    serde_json::from_str(include_str!("../../tests/data/model/smollm2_llama_cpp.json")).unwrap()
}

/// The folder with real weights; a test that needs it says SKIPPED and passes without, unless `SOTTO_NO_SKIP` is set.
#[expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test's own switches, and its word to the reader"
)]
fn real(file: &str) -> Option<Weights> {
    let folder = std::env::var("SOTTO_MODELS").unwrap_or_else(|_| "models".to_owned());
    let weights = Weights::map(&std::path::Path::new(&folder).join(file)).ok();
    // Qwen is too large for every machine that runs the tests: it is looked at where it is.
    let may_skip = std::env::var("SOTTO_NO_SKIP").is_err() || file == QWEN;
    assert!(weights.is_some() || may_skip, "{file} is not in {folder}; run models/fetch.sh");
    if weights.is_none() {
        println!("SKIPPED: {file} is not in {folder}");
    }
    weights
}

const SMOLLM2: &str = "smollm2-135m-instruct-q4_1.gguf";
const QWEN: &str = "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf";

fn ids(value: &serde_json::Value) -> Vec<u32> {
    serde_json::from_value(value.clone()).unwrap()
}

fn prompt(system: &str, user: &[&str], sharing: &Sharing) -> Prompt {
    Prompt {
        system: system.to_owned(),
        user: user.iter().map(|part| (*part).to_owned()).collect(),
        begin: Vec::new(),
        sharing: sharing.clone(),
    }
}

fn written(engine: &Engine, prompt: &Prompt, tokens_max: usize) -> String {
    let mut text = String::new();
    let mut each = |piece: &str| {
        text.push_str(piece);
        ControlFlow::Continue(())
    };
    engine.generate(prompt, Limits { tokens_max }, &Stop::default(), &mut each).unwrap();
    text
}

#[test]
fn tokens_are_those_of_llama_cpp() {
    for (file, name) in [(SMOLLM2, "smollm2"), (QWEN, "qwen2")] {
        let Some(weights) = real(file) else { continue };
        let content = Content::read(&mut Cursor::new(&*weights)).unwrap();
        let tokens = Tokens::from_gguf(&content).unwrap();
        let recorded = recorded();
        let text = recorded["awkward"].as_str().unwrap();
        let mut found = Vec::new();

        tokens.encode(text, &mut found).unwrap();

        assert_eq!(found, ids(&recorded[name]["awkward_ids"]), "{name}");
        let bytes: Vec<u8> = found.iter().flat_map(|token| tokens.bytes(*token).to_vec()).collect();
        assert_eq!(bytes, text.as_bytes());
        assert!(!found.contains(&tokens.special("<|im_end|>").unwrap()));
    }
}

#[test]
fn the_first_tokens_are_those_of_llama_cpp() {
    let Some(weights) = real(SMOLLM2) else { return };
    let content = Content::read(&mut Cursor::new(&*weights)).unwrap();
    let tokens = Tokens::from_gguf(&content).unwrap();
    let engine = Engine::start("smollm2", &weights, None, &Settings::default()).unwrap();
    for case in recorded()["smollm2"]["prompts"].as_array().unwrap() {
        let prompt = prompt(case["system"].as_str().unwrap(), &[case["user"].as_str().unwrap()], &Sharing::new());

        let laid = Template::Chatml.lay(&prompt, &tokens).unwrap().concat();
        let text = written(&engine, &prompt, 16);

        let expected = ids(&case["greedy_ids"]);
        let bytes: Vec<u8> =
            expected.iter().filter(|id| !tokens.ends(**id)).flat_map(|id| tokens.bytes(*id).to_vec()).collect();
        assert_eq!(laid, ids(&case["prompt_ids"]));
        assert_eq!(text, String::from_utf8(bytes).unwrap());
    }
}

#[test]
fn what_was_asked_before_changes_no_token() {
    let Some(weights) = real(SMOLLM2) else { return };
    let sharing = Sharing::new();
    let long = "The pager number is 4417, and Ada has it on Mondays. ".repeat(12);
    let asked = prompt("You answer.", &[&long, "What is the pager number?"], &sharing);
    let engine = || Engine::start("smollm2", &weights, None, &Settings::default()).unwrap();
    let alone = written(&engine(), &asked, 12);

    let warm = engine();
    written(&warm, &prompt("You answer.", &[&long, "Who has it?"], &sharing), 8);
    let after_its_own = written(&warm, &asked, 12);
    written(&warm, &prompt("You answer.", &[&long, "What is the pager number?"], &Sharing::new()), 3);
    let after_another = written(&warm, &asked, 12);

    assert_eq!(alone, after_its_own);
    assert_eq!(alone, after_another);
}

#[test]
fn a_stop_and_a_listener_that_breaks_off_end_the_writing() {
    let Some(weights) = real(SMOLLM2) else { return };
    let engine = Engine::start("smollm2", &weights, None, &Settings::default()).unwrap();
    let asked = prompt("You answer.", &["Tell a long story."], &Sharing::new());
    let stop = Stop::default();
    stop.set();

    let stopped = engine.generate(&asked, Limits { tokens_max: 50 }, &stop, &mut |_| panic!("nothing is written"));
    let broken_off =
        engine.generate(&asked, Limits { tokens_max: 50 }, &Stop::default(), &mut |_| ControlFlow::Break(()));
    let too_long =
        engine.generate(&asked, Limits { tokens_max: 9000 }, &Stop::default(), &mut |_| ControlFlow::Continue(()));

    assert_eq!(stopped.unwrap(), Ending::Stopped);
    assert_eq!(broken_off.unwrap(), Ending::Stopped);
    assert!(matches!(too_long, Err(Error::TooLong)));
}

#[test]
fn a_file_that_is_no_model_is_an_error() {
    let folder = folder_of(&[(
        "tiny",
        "language",
        "tiny.gguf",
        b"GGUF\x03\0\0\0\xff\xff\xff\xff\xff\xff\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x7f",
    )]);
    let manifest = Manifest::open_folder(folder.path()).unwrap();
    let settings = Settings { name: "tiny".to_owned(), ..Settings::default() };

    assert!(matches!(manifest.engine(&settings), Err(Error::Broken(_))));
}

#[test]
fn like_sentences_have_like_vectors_in_any_company() {
    let (Some(weights), Some(tokenizer)) =
        (real("all-minilm-l6-v2.safetensors"), real("all-minilm-l6-v2.tokenizer.json"))
    else {
        return;
    };
    let embedder = Embedder::start(&weights, &tokenizer).unwrap();
    let embed = |texts: &[&str]| embedder.embed(texts, &Stop::default()).unwrap();
    let dot = |one: &Vector, other: &Vector| one.0.iter().zip(&other.0).map(|(x, y)| x * y).sum::<f32>();

    let vectors = embed(&[
        "How long is parental leave?",
        "New parents get twelve weeks off, which they can take within a year.",
        "The pager is red.",
    ]);

    assert!((dot(&vectors[0], &vectors[0]) - 1.0).abs() < 1e-5);
    assert!(dot(&vectors[0], &vectors[1]) > dot(&vectors[0], &vectors[2]) + 0.2);

    // To the last bit, in company of the same length and of others.
    let colours = ["red", "blue", "green", "white", "black", "brown", "grey", "pink", "gold", "silver"];
    let mut company: Vec<String> = colours.iter().map(|colour| format!("The pager is {colour}.")).collect();
    company.extend((1..12).map(|times| "The pager is red and loud. ".repeat(times)));
    let together = embed(&company.iter().map(String::as_str).collect::<Vec<_>>());
    for (text, vector) in company.iter().zip(&together) {
        assert_eq!(&embed(&[text])[0], vector, "{text}");
    }
}
