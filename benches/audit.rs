//! What the log costs: appending with a sync, by one writer and by eight who share it; verifying an export of a million leaves;
//! proving one leaf of them.
//!
//! `cargo bench --features probe --bench audit`; `SOTTO_LEAVES` makes it smaller. What sharing a sync gains depends on what one
//! costs: eight writers gain more than five times where it takes half a millisecond or more, and seven where it takes the four
//! of a common disk. Where it takes 0.2 ms, waking eight threads on two cores costs as much as the sync they save, and they gain
//! about three times. What another disk would give is seen with
//! `SOTTO_LEAVES=2000 strace -f --seccomp-bpf -e trace=fdatasync,fsync --inject=fdatasync,fsync:delay_exit=4000 -o /dev/null
//! target/release/deps/audit-… --bench`.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]
#![expect(clippy::disallowed_methods, reason = "the size of the benchmark comes from the environment")]

use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use sotto::probe::{
    AuditEvent, AuditLog, AuditSettings, Clock, Ids, Store, UserId, Vault, VaultSettings, verify_audit,
};

/// Leaves of the large log.
const LEAVES: u64 = 1_000_000;
/// Leaves that are appended for each measurement, each with its sync.
const APPENDED: u64 = 2_000;
const WRITERS: u64 = 8;
/// Syncs that are timed by themselves.
const SYNCS: usize = 200;
/// Leaves that are proved.
const PROVED: u64 = 1_000;

fn main() -> anyhow::Result<()> {
    let leaves = std::env::var("SOTTO_LEAVES").ok().and_then(|text| text.parse().ok()).unwrap_or(LEAVES);
    // On the disk that the data would be on: what is measured first are its syncs.
    let folder = tempfile::tempdir_in(".")?;
    println!("# Audit log\n");
    println!("A sync takes {:.2} ms here.\n", sync_takes(folder.path())?.as_secs_f64() * 1_000.0);
    append(folder.path(), APPENDED.min(leaves))?;
    verify_and_prove(folder.path(), leaves)
}

/// The median time in which this disk takes a line more of a growing file.
fn sync_takes(folder: &Path) -> anyhow::Result<Duration> {
    let mut file = std::fs::File::create(folder.join("grows"))?;
    let mut times = Vec::new();
    for _ in 0..SYNCS {
        file.write_all(&[b'x'; 300])?;
        let began = Instant::now();
        file.sync_data()?;
        times.push(began.elapsed());
    }
    times.sort();
    Ok(times[times.len() / 2])
}

fn open(folder: &Path) -> anyhow::Result<AuditLog> {
    std::fs::create_dir_all(folder)?;
    let store = Store::open(folder)?;
    let vault = Vault::open(&store, &VaultSettings::default())?;
    Ok(AuditLog::open(&store, &vault, Clock::System, &AuditSettings::default())?)
}

fn append(folder: &Path, count: u64) -> anyhow::Result<()> {
    let user = UserId::new(&Ids::Random);
    let event = AuditEvent::SignedIn { user: &user, provider: "company" };
    // Each event with a sync of its own: what a log without a shared one would do.
    let alone = open(&folder.join("alone"))?;
    let began = Instant::now();
    for _ in 0..count {
        std::hint::black_box(alone.append(&event)?.leaf());
    }
    let by_one = per_second(count, began.elapsed());
    let together = open(&folder.join("together"))?;
    let began = Instant::now();
    std::thread::scope(|scope| {
        let writer = || -> anyhow::Result<()> {
            for _ in 0..count / WRITERS {
                std::hint::black_box(together.append(&event)?.leaf());
            }
            Ok(())
        };
        let writers: Vec<_> = (0..WRITERS).map(|_| scope.spawn(writer)).collect();
        writers.into_iter().try_for_each(|writer| writer.join().expect("a writer does not panic"))
    })?;
    let by_eight = per_second(count / WRITERS * WRITERS, began.elapsed());
    println!("| appended, each on disk before the next step | events a second |\n|---|---|");
    println!("| one fsync each | {by_one:.0} |\n| {WRITERS} writers who share it | {by_eight:.0} |");
    println!("\n{:.1} times as many (promised: 5).\n", by_eight / by_one);
    Ok(())
}

fn verify_and_prove(folder: &Path, leaves: u64) -> anyhow::Result<()> {
    let log = open(&folder.join("large"))?;
    let user = UserId::new(&Ids::Random);
    log.fill(leaves, &AuditEvent::SignedIn { user: &user, provider: "company" })?;
    let export = folder.join("export.jsonl");
    log.export(&mut BufWriter::new(std::fs::File::create(&export)?))?;
    let began = Instant::now();
    let verified = verify_audit(&export, &log.public_key(), None)?;
    let took = began.elapsed();
    anyhow::ensure!(verified.size == leaves, "{} leaves were verified", verified.size);
    println!(
        "| of {leaves} leaves | |\n|---|---|\n| verify an export | {:.2} s (promised for 1,000,000: 5) |",
        took.as_secs_f64()
    );

    let mut times = Vec::new();
    for step in 0..PROVED.min(leaves) {
        let leaf = step * (leaves / PROVED.min(leaves));
        let began = Instant::now();
        let proof = log.prove(leaf)?;
        times.push(began.elapsed());
        anyhow::ensure!(proof.is_some_and(|proof| proof.leaf == leaf), "leaf {leaf} has no proof");
    }
    times.sort();
    let ms = |at: usize| times[at].as_secs_f64() * 1_000.0;
    println!(
        "| prove a leaf | p50 {:.3} ms, p95 {:.3} ms (promised: 1) |",
        ms(times.len() / 2),
        ms(times.len() * 95 / 100)
    );
    Ok(())
}

fn per_second(count: u64, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}
