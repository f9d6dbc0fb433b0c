//! How long it takes to work out what a person may see: 100,000 classes, a thousand principals a person.
//!
//! `cargo bench --features probe --bench visibility`

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::time::{Duration, Instant};

use sotto::probe::{AnyOf, Classes, GroupId, Principal, PrincipalSet, Rule, SourceId, Store};

const CLASSES: usize = 100_000;
const PRINCIPALS: usize = 1_000;
/// Groups of the whole company.
const GROUPS: usize = 20_000;
const PEOPLE: usize = 200;

fn main() -> anyhow::Result<()> {
    // In memory where the system has such a folder: each class is made durable before its number is given out, and here
    // only what comes after is measured.
    let memory = std::path::Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory)? } else { tempfile::tempdir()? };
    let classes = Classes::open(&Store::open(folder.path())?)?;
    let mut dice = 1u64;
    let mut roll = |sides: usize| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) as usize % sides
    };
    for n in 0..CLASSES {
        // A space's view grant of three groups, and up to two restrictions of a few groups below it; one of them is the
        // page's own, so that each class is another.
        let mut rule = Rule::new(AnyOf::of((0..3).map(|_| group(roll(GROUPS / 100)))));
        rule = rule.and(AnyOf::of([group(n % GROUPS), group(roll(GROUPS)), group(n / GROUPS + roll(3) * 7)]));
        if n % 3 == 0 {
            rule = rule.and(AnyOf::of([group(roll(GROUPS)), group(roll(GROUPS))]));
        }
        classes.class_of(rule)?;
    }

    let people: Vec<PrincipalSet> = (0..PEOPLE)
        .map(|_| {
            let groups = (0..PRINCIPALS).map(|n| group(if n < 100 { roll(GROUPS / 100) } else { roll(GROUPS) }));
            PrincipalSet::of(groups.collect())
        })
        .collect();
    let mut again = Vec::new();
    let first: Vec<Duration> = people.iter().map(|person| timed(&classes, person)).collect();
    for _ in 0..10 {
        again.extend(people.iter().map(|person| timed(&classes, person)));
    }

    println!("# Visibility\n\n{CLASSES} classes, {PRINCIPALS} principals a person, {PEOPLE} people.\n");
    println!("| | p50 | p95 | most |\n|---|---|---|---|");
    for (what, times) in [("worked out", first), ("asked again", again)] {
        let at = |share: usize| ms(&times, times.len() * share / 100);
        println!("| {what} | {} | {} | {} |", at(50), at(95), ms(&times, times.len() - 1));
    }
    Ok(())
}

fn timed(classes: &Classes, person: &PrincipalSet) -> Duration {
    let began = Instant::now();
    std::hint::black_box(classes.visible_to(person));
    began.elapsed()
}

fn ms(times: &[Duration], at: usize) -> String {
    let mut sorted = times.to_vec();
    sorted.sort();
    format!("{:.3} ms", sorted[at].as_secs_f64() * 1000.0)
}

fn group(number: usize) -> Principal {
    let source = SourceId::parse("bench").expect("a short word");
    Principal::Group(GroupId::Of(source, number.to_string().into()))
}
