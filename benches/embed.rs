//! How fast the embedder reads single sentences and passages.
//!
//! Beside onnxruntime, in turn with it on the same texts: `benches/onnx.sh`, to whose script this answers. A line of the input
//! is a list of texts in JSON; the answer is how many seconds their vectors took, and with them the vectors where the texts
//! are few. Two threads.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::io::BufRead as _;
use std::path::PathBuf;
use std::time::Instant;

use serde_json::json;
use sotto::probe::{Embed as _, Manifest, ModelSettings, Stop};

/// Texts whose vectors are told too.
const FEW: usize = 100;

fn main() -> anyhow::Result<()> {
    let folder = std::env::var_os("SOTTO_MODELS").map_or_else(|| PathBuf::from("models"), PathBuf::from);
    let settings = ModelSettings { folder, threads: 2, ..ModelSettings::default() };
    let embedder = Manifest::open(&settings)?.embedder(&settings)?;
    for line in std::io::stdin().lock().lines() {
        let texts: Vec<String> = serde_json::from_str(&line?)?;
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let begun = Instant::now();
        let vectors = embedder.embed(&texts, &Stop::default())?;
        let seconds = begun.elapsed().as_secs_f64();
        let told: Vec<&[f32]> = vectors.iter().take_while(|_| texts.len() <= FEW).map(|vector| &*vector.0).collect();
        println!("{}", json!({ "seconds": seconds, "vectors": told, "mib": resident() }));
    }
    Ok(())
}

/// Memory that the process has resident, in MiB, as Linux says it: all, and what is no file's.
fn resident() -> Option<[u64; 2]> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let number = |name: &str| -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? / 1024)
    };
    Some([number("VmRSS:")?, number("RssAnon:")?])
}
