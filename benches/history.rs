//! How long a person waits for their own history, and what sealing costs.
//!
//! `cargo bench --features probe --bench history [-- SHARE]`; with `-- 0.1` a tenth of the turns, for a build without
//! optimisation.
//!
//! One person has 100 conversations of 50 turns, and one of 200. Measured are opening that one (every turn unsealed and read;
//! checking what may be shown today comes on top, by the visibility and the index, which have benchmarks of their own),
//! searching all of them, and keeping a turn, against keeping the same bytes in the same store without sealing them.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::path::Path;
use std::time::{Duration, Instant};

use sotto::probe::{
    Answer, AnswerMode, ApplicationId, AuditEvent, AuditLog, AuditSettings, Batch, Changes, Clock, ConversationId,
    Entry, History, HistorySettings, Ids, MessageId, Moment, Question, Store, Terms, Tree, UserId, Vault,
    VaultSettings,
};

const CONVERSATIONS: usize = 100;
const TURNS: usize = 50;
const LONG: usize = 200;
const ROUNDS: usize = 40;
/// What the promise says, in milliseconds.
const OPEN_MS: f64 = 20.0;
const SEARCH_MS: f64 = 50.0;

/// Words of which turns are made.
const WORDS: &[&str] = &[
    "annual", "leave", "pager", "rota", "heron", "bridge", "invoice", "approval", "kitchen", "laptop", "visitor",
    "parking", "travel", "expense", "holiday", "contract", "review", "mentor", "desk", "badge", "shift", "backup",
    "release", "incident", "budget", "training", "office", "canteen", "remote", "policy",
];

fn main() -> anyhow::Result<()> {
    let share: f64 = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(1.0);
    let (conversations, long) = (scaled(CONVERSATIONS, share), scaled(LONG, share));
    // In memory where the system has such a folder: what an fsync costs is the disk's, and the same with and without sealing.
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory)? } else { tempfile::tempdir()? };
    let store = Store::open(folder.path())?;
    let vault = Vault::open(&store, &VaultSettings::default())?;
    let log = AuditLog::open(&store, &vault, Clock::System, &AuditSettings::default())?;
    let history = History::open(&store, &HistorySettings::default())?;
    let (ids, mut dice) = (Ids::Random, Dice(7));
    let ada = UserId::new(&ids);
    let receipt = log.append(&AuditEvent::SignedIn { user: &ada, provider: "bench" })?;

    let mut keep = Vec::new();
    let mut kept = Vec::new();
    let mut fill = |turns: usize| -> anyhow::Result<ConversationId> {
        let conversation = ConversationId::new(&ids);
        for turn in 0..turns {
            let entry = entry(&ids, &mut dice, turn)?;
            let began = Instant::now();
            history.keep(&vault, &ada, &conversation, &receipt, &entry)?;
            keep.push(began.elapsed());
            kept.push(serde_json::to_vec(&entry)?);
        }
        Ok(conversation)
    };
    for _ in 0..conversations {
        fill(TURNS)?;
    }
    let long_one = fill(long)?;

    println!("# History\n\n{} turns in {} conversations of one person.\n", kept.len(), conversations + 1);
    println!("| | p50 | p95 | most | asked |\n|---|---|---|---|---|");
    let opened =
        timed(|| Ok(history.read(&vault, &ada, &long_one).map(|(_, turns)| assert_eq!(turns.len(), long))?))?;
    row(&format!("open a conversation of {long} turns"), opened, Some(OPEN_MS));
    for query in ["heron bridge incident", "annual", "no such words at all"] {
        let terms = Terms::parse(query).expect("it has letters");
        let searched = timed(|| Ok(history.search(&vault, &ada, &terms).map(drop)?))?;
        row(&format!("search {} turns for \"{query}\"", kept.len()), searched, Some(SEARCH_MS));
    }
    let plain = plain(&store, &kept)?;
    let ratio = ms(&sorted(keep.clone()), keep.len() / 2) / ms(&sorted(plain.clone()), plain.len() / 2);
    row("keep a turn, sealed", keep, None);
    row("keep the same bytes, plain", plain, None);
    println!(
        "\nSealing a turn, its words and its title costs {ratio:.2} times what it costs to keep the same bytes plain."
    );
    Ok(())
}

/// A turn of about the size that turns have: four sentences, each with a citation.
fn entry(ids: &Ids, dice: &mut Dice, turn: usize) -> anyhow::Result<Entry> {
    let sentence = |dice: &mut Dice| (0..18).map(|_| dice.word()).collect::<Vec<_>>().join(" ");
    let claims: Vec<serde_json::Value> = (0..4)
        .map(|n| {
            let first = serde_json::json!({
                "passage": format!("wiki:{}@1#0", dice.roll(10_000)), "class": n, "quote": { "start": 0, "end": 90 },
            });
            serde_json::json!({ "text": format!("{}.", sentence(dice)), "first": first, "more": [] })
        })
        .collect();
    let answer = serde_json::json!({ "Grounded": { "claims": claims, "withheld": 0, "follow_ups": [] } });
    let answer: Answer = serde_json::from_value(answer)?;
    Ok(Entry {
        application: ApplicationId::default(),
        evidence: None,
        message: MessageId::new(ids),
        parent: None,
        asked: Moment::from_ms(1_795_000_000_000 + turn as i64),
        question: Question::parse(&format!("{}?", sentence(dice)))?,
        answer,
        mode: AnswerMode::Written,
        feedback: None,
    })
}

/// The same bytes, each kept with a head and a note of its place, as the history does it but for the sealing.
fn plain(store: &Store, kept: &[Vec<u8>]) -> anyhow::Result<Vec<Duration>> {
    let entries: Tree<u64, Vec<u8>> = store.tree("bench.entries")?;
    let heads: Tree<u64, Vec<u8>> = store.tree("bench.heads")?;
    let notes: Tree<u64, Vec<u8>> = store.tree("bench.notes")?;
    let mut times = Vec::new();
    for (at, bytes) in kept.iter().enumerate() {
        let (mut entry, mut head, mut note) = (Batch::new(), Batch::new(), Batch::new());
        let began = Instant::now();
        entry.put(&(at as u64), bytes);
        head.put(&(at as u64 / 50), &vec![0; 160]);
        note.put(&(at as u64), &vec![0; 24]);
        let mut changes = Changes::new();
        changes.add(&entries, entry);
        changes.add(&heads, head);
        changes.add(&notes, note);
        store.make(changes)?;
        times.push(began.elapsed());
    }
    Ok(times)
}

fn timed(mut work: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<Vec<Duration>> {
    let mut times = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let began = Instant::now();
        work()?;
        times.push(began.elapsed());
    }
    Ok(times)
}

fn row(what: &str, times: Vec<Duration>, promised: Option<f64>) {
    let times = sorted(times);
    let at = |share: usize| ms(&times, (times.len() * share / 100).min(times.len() - 1));
    let promised = promised.map_or_else(String::new, |promised| format!("≤ {promised} ms"));
    println!("| {what} | {:.2} ms | {:.2} ms | {:.2} ms | {promised} |", at(50), at(95), at(100));
}

fn sorted(mut times: Vec<Duration>) -> Vec<Duration> {
    times.sort();
    times
}

fn ms(times: &[Duration], at: usize) -> f64 {
    times[at].as_secs_f64() * 1_000.0
}

fn scaled(count: usize, share: f64) -> usize {
    ((count as f64 * share) as usize).max(1)
}

/// Numbers that are the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }

    fn word(&mut self) -> String {
        let word = WORDS[self.roll(WORDS.len())];
        // Most words of real turns are rare.
        if self.roll(3) == 0 { word.to_owned() } else { format!("{word}{}", self.roll(400)) }
    }
}
