//! How fast a search is, and what a passage costs, from ten thousand passages to a million.
//!
//! `SOTTO_EVAL_DATA=… SOTTO_MODELS=… cargo bench --features probe --bench search -- [PASSAGES …]`
//!
//! For a person who sees a tenth, a half and all of the passages: the twenty best by words and meaning, with the time the
//! question's embedding takes shown apart; and the twenty best by words alone, beside what tantivy itself takes for the same
//! words on the same index without permissions. Then how each number grows, and what the product must hold at the largest
//! size. `SOTTO_BENCH_FOLDER` keeps what was built for the next run.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

mod generate;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use generate::{CLASSES, Page, Real, Vectors};
use sotto::probe::{
    AclClass, AnyOf, Change, Classes, Embed, GroupId, Index, IndexSettings, Manifest, ModelSettings, Principal,
    PrincipalSet, Query, Rule, Scope, SourceId, Stop, Store, Visibility,
};

/// How many passages a search is asked for.
const MOST: usize = 20;
/// Questions asked of each index by each person.
const QUESTIONS: usize = 200;
/// Passages embedded at once, and to tell how many are embedded a second.
const RATED: usize = 64;
/// Passages between two commits while an index is built.
const COMMIT_AT: usize = 100_000;

fn main() -> anyhow::Result<()> {
    // Cargo gives `--bench` to every benchmark.
    let sizes: Vec<usize> = std::env::args().skip(1).filter_map(|word| word.replace('_', "").parse().ok()).collect();
    let sizes = if sizes.is_empty() { vec![10_000, 100_000, 1_000_000] } else { sizes };
    let folder = match std::env::var_os("SOTTO_BENCH_FOLDER") {
        Some(folder) => Folder::Kept(folder.into()),
        None => Folder::Temporary(tempfile::tempdir()?),
    };
    let real = Real::read()?;
    let (words, different) = real.counts();
    println!("# Search\n\nText: runs of words of {} ({words} words, {different} different).", real.name);
    let embedder = embedder()?;
    let (vectors, asked) = match &embedder {
        Some(embedder) => embedded(embedder.as_ref(), &real, &folder.path().join("places.f32"))?,
        None => {
            println!("Vectors: of random directions, for SOTTO_MODELS names no embedder.");
            let vectors = generate::random_vectors(real.places().len());
            let of = |n: usize| (vectors[n * 7 % vectors.len()].clone(), Duration::ZERO);
            (vectors.clone(), (0..QUESTIONS).map(of).collect())
        }
    };
    let embedding: Vec<Duration> = asked.iter().map(|(_, took)| *took).collect();
    println!("Embedding a question: {}.\n", percentiles(&embedding));

    let classes = Permissions::open(&folder.path().join("classes"))?;
    let measured = sizes.into_iter().map(|size| measure(size, &folder, &real, &vectors, &asked, &classes));
    report(&measured.collect::<anyhow::Result<Vec<_>>>()?);
    Ok(())
}

/// What was measured with so many passages.
struct Measured {
    size: usize,
    /// Passages a second, as the run that built the index said.
    built: f64,
    /// Bytes a passage.
    disk: f64,
    own: f64,
    mapped: f64,
    opened: Duration,
    first: Duration,
    people: Vec<Person>,
}

/// What was measured for one person; times at the 50th and the 95th percentile, in milliseconds.
struct Person {
    share: f32,
    viewed: Duration,
    hybrid: [f64; 2],
    /// With the question's embedding.
    whole: [f64; 2],
    words: [f64; 2],
    plain: [f64; 2],
}

impl Person {
    /// Words alone against tantivy alone.
    fn ratio(&self, at: usize) -> f64 {
        self.words[at] / self.plain[at]
    }
}

impl Measured {
    /// The worst of all people.
    fn worst(&self, of: impl Fn(&Person) -> f64) -> f64 {
        self.people.iter().map(of).fold(0.0, f64::max)
    }
}

/// One line of the report on what must be: what it is, how it is measured, what it must be and should be; `is_floor` where
/// more is better.
struct Must {
    what: &'static str,
    of: fn(&Measured) -> f64,
    must: f64,
    aim: Option<f64>,
    is_floor: bool,
}

/// With a million passages, on two cores that do nothing else.
const MUSTS: [Must; 5] = [
    Must {
        what: "words and meaning, p50, ms",
        of: |m| m.worst(|p| p.hybrid[0]),
        must: 40.0,
        aim: Some(15.0),
        is_floor: false,
    },
    Must {
        what: "words and meaning, p95, ms",
        of: |m| m.worst(|p| p.hybrid[1]),
        must: 90.0,
        aim: Some(35.0),
        is_floor: false,
    },
    Must {
        what: "words alone against tantivy alone, p50",
        of: |m| m.worst(|p| p.ratio(0)),
        must: 2.5,
        aim: Some(1.3),
        is_floor: false,
    },
    Must {
        what: "words alone against tantivy alone, p95",
        of: |m| m.worst(|p| p.ratio(1)),
        must: 2.5,
        aim: Some(1.3),
        is_floor: false,
    },
    Must { what: "passages built a second", of: |m| m.built, must: 5_000.0, aim: None, is_floor: true },
];

/// Three tables: each person, growth, and what must be.
fn report(measured: &[Measured]) {
    println!(
        "| passages | sees | view, first time | words and meaning p50 / p95, ms | with the question's embedding | words alone | tantivy alone | ratio of p50 / of p95 |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let two = |[one, other]: [f64; 2]| format!("{one:.1} / {other:.1}");
    for one in measured {
        for person in &one.people {
            let (size, share) = (one.size, person.share * 100.0);
            let times = [person.hybrid, person.whole, person.words, person.plain].map(two).join(" | ");
            let ratios = format!("{:.2} / {:.2}", person.ratio(0), person.ratio(1));
            println!("| {size} | {share:.0} % | {} | {times} | {ratios} |", ms(person.viewed));
        }
    }

    let row = |what: &str, of: &dyn Fn(&Measured) -> f64, digits: usize| {
        let cells: Vec<String> = measured.iter().map(|one| format!("{:.digits$}", of(one))).collect();
        let growth = match measured {
            [first, .., last] if of(first) > 0.0 => format!("x {:.2}", of(last) / of(first)),
            _ => String::new(),
        };
        println!("| {what} | {} | {growth} |", cells.join(" | "));
    };
    let sizes: Vec<String> = measured.iter().map(|one| one.size.to_string()).collect();
    println!("\n| growth, the worst person's times in ms | {} | last against first |", sizes.join(" | "));
    println!("|---|{}---|", "---|".repeat(sizes.len()));
    for must in &MUSTS {
        row(must.what, &must.of, 2);
    }
    row("words alone, p50", &|one| one.worst(|person| person.words[0]), 1);
    row("tantivy alone, p50", &|one| one.worst(|person| person.plain[0]), 1);
    row("disk, bytes a passage", &|one| one.disk, 0);
    row("memory that is ours, bytes a passage", &|one| one.own, 0);
    row("mapped files in memory, bytes a passage", &|one| one.mapped, 0);
    row("opened in, ms", &|one| one.opened.as_secs_f64() * 1000.0, 0);
    row("first search after opening, ms", &|one| one.first.as_secs_f64() * 1000.0, 0);

    let Some(most) = measured.last() else { return };
    println!("\n| with {} passages | measured | must | aim | |", most.size);
    println!("|---|---|---|---|---|");
    for Must { what, of, must, aim, is_floor } in &MUSTS {
        let value = of(most);
        let holds = |bound: f64| if *is_floor { value >= bound } else { value <= bound };
        let said = match (holds(*must), aim.is_some_and(holds)) {
            (false, _) => "MISSED",
            (true, false) => "holds",
            (true, true) => "holds, with its aim",
        };
        let sign = if *is_floor { "≥" } else { "≤" };
        let aim = aim.map_or(String::new(), |aim| format!("{sign} {aim}"));
        println!("| {what} | {value:.2} | {sign} {must} | {aim} | {said} |");
    }
}

enum Folder {
    Kept(PathBuf),
    Temporary(tempfile::TempDir),
}

impl Folder {
    fn path(&self) -> &Path {
        match self {
            Folder::Kept(path) => path,
            Folder::Temporary(folder) => folder.path(),
        }
    }
}

/// One rule for each class: that of a group of its own.
struct Permissions {
    classes: Classes,
    numbers: Vec<AclClass>,
}

impl Permissions {
    fn open(folder: &Path) -> anyhow::Result<Permissions> {
        std::fs::create_dir_all(folder)?;
        let classes = Classes::open(&Store::open(folder)?)?;
        let numbers = (0..CLASSES)
            .map(|n| Ok(classes.class_of(Rule::new(AnyOf::of([group(n)])))?))
            .collect::<anyhow::Result<Vec<_>>>()?;
        Ok(Permissions { classes, numbers })
    }

    /// Of a person who is in so many of the groups that they see about this share of the passages.
    fn sight(&self, share: f32, passages: &[usize; CLASSES]) -> Visibility {
        let all: usize = passages.iter().sum();
        let mut groups = Vec::new();
        let mut seen = 0;
        // The classes in an order that has nothing to do with their sizes.
        for n in (0..CLASSES).map(|n| n * 2_741 % CLASSES) {
            if share < 1.0 && seen as f32 >= share * all as f32 {
                break;
            }
            seen += passages[n];
            groups.push(group(n));
        }
        self.classes.visible_to(&PrincipalSet::of(groups))
    }
}

fn group(number: usize) -> Principal {
    let source = SourceId::parse("bench").expect("a short word");
    Principal::Group(GroupId::Of(source, number.to_string().into()))
}

fn embedder() -> anyhow::Result<Option<Box<dyn Embed>>> {
    let Some(folder) = std::env::var_os("SOTTO_MODELS") else { return Ok(None) };
    let settings = ModelSettings { folder: folder.into(), ..ModelSettings::default() };
    // The weights may lie elsewhere than the list of what they must be.
    let manifest = Manifest::open(&settings).context("while opening the models")?;
    Ok(Some(Box::new(manifest.embedder(&settings)?)))
}

type Asked = Vec<(Box<[f32]>, Duration)>;

/// The vectors of the places, from a file where it is of this text, and those of the questions with what each took.
fn embedded(embedder: &dyn Embed, real: &Real, file: &Path) -> anyhow::Result<(Vectors, Asked)> {
    let texts = real.places();
    let known = std::fs::read(file).unwrap_or_default();
    let vectors: Vectors = if known.len() == texts.len() * 384 * 4 {
        println!("Vectors: of {} places, embedded in a run before.", texts.len());
        let number = |bytes: &[u8]| f32::from_le_bytes(bytes.try_into().expect("four bytes"));
        known.chunks(384 * 4).map(|vector| vector.chunks(4).map(number).collect()).collect()
    } else {
        let mut vectors = Vec::new();
        for texts in texts.chunks(RATED) {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            vectors.extend(embedder.embed(&texts, &Stop::default())?.into_iter().map(|vector| vector.0));
        }
        println!("Vectors: of {} places of 120 words, embedded now.", texts.len());
        put(file, &vectors.iter().flat_map(|vector| vector.iter().flat_map(|x| x.to_le_bytes())).collect::<Vec<u8>>())?;
        vectors
    };
    let began = Instant::now();
    let few: Vec<&str> = texts.iter().take(RATED).map(String::as_str).collect();
    embedder.embed(&few, &Stop::default())?;
    println!("Embedding passages: {:.1} a second.", few.len() as f64 / began.elapsed().as_secs_f64());
    let asked = real.questions.iter().take(QUESTIONS).map(|question| {
        let began = Instant::now();
        let vector = embedder.embed(&[question], &Stop::default())?.remove(0).0;
        Ok((vector, began.elapsed()))
    });
    Ok((vectors, asked.collect::<anyhow::Result<_>>()?))
}

fn measure(
    size: usize,
    folder: &Folder,
    real: &Real,
    vectors: &Vectors,
    asked: &Asked,
    permissions: &Permissions,
) -> anyhow::Result<Measured> {
    let place = folder.path().join(size.to_string());
    let done = place.with_extension("done");
    let built = match std::fs::read_to_string(&done) {
        Ok(rate) => rate.parse()?,
        Err(_) => {
            let rate = build(&place, size, real, vectors, permissions)?;
            put(&done, format!("{rate:.0}").as_bytes())?;
            rate
        }
    };
    let passages = passages_of_classes(size);

    let before = Memory::now()?;
    let began = Instant::now();
    let index = Index::open(&place, &IndexSettings::default())?;
    let opened = began.elapsed();
    let all = permissions.sight(1.0, &passages);
    let question = |n: usize, (vector, _): &(Box<[f32]>, Duration)| Query {
        words: real.questions[n].clone(),
        vector: Some(vector.clone()),
    };
    let began = Instant::now();
    index.search(&all, &question(0, &asked[0]), &Scope::default(), MOST)?;
    let first = began.elapsed();

    let mut people = Vec::new();
    for share in [0.1, 0.5, 1.0] {
        let sight = permissions.sight(share, &passages);
        let began = Instant::now();
        index.search(&sight, &Query { words: "x".to_owned(), vector: None }, &Scope::default(), MOST)?;
        let viewed = began.elapsed();
        let (mut hybrid, mut whole, mut words, mut plain) = (vec![], vec![], vec![], vec![]);
        let mut found = 0;
        for round in 0..2 {
            for (n, (vector, embedding)) in asked.iter().enumerate() {
                let query = question(n, &(vector.clone(), *embedding));
                let both = timed(|| index.search(&sight, &query, &Scope::default(), MOST))?;
                let query = Query { vector: None, ..query };
                let alone = timed(|| index.search(&sight, &query, &Scope::default(), MOST))?;
                let theirs = timed(|| index.plain(&query.words, MOST))?;
                // The first round warms.
                if round == 1 {
                    hybrid.push(both.1);
                    whole.push(both.1 + *embedding);
                    words.push(alone.1);
                    plain.push(theirs.1);
                    found += both.0.len();
                }
            }
        }
        anyhow::ensure!(found > QUESTIONS * MOST / 2, "the questions find too little: {found}");
        let at = |times: &[Duration]| [percentile(times, 50), percentile(times, 95)];
        let (hybrid, whole, words, plain) = (at(&hybrid), at(&whole), at(&words), at(&plain));
        people.push(Person { share, viewed, hybrid, whole, words, plain });
    }
    let after = Memory::now()?;
    let a_passage = |bytes: u64| bytes as f64 / size as f64;
    Ok(Measured {
        size,
        built,
        disk: a_passage(bytes_below(&place)?),
        own: a_passage(after.own.saturating_sub(before.own)),
        mapped: a_passage(after.mapped.saturating_sub(before.mapped)),
        opened,
        first,
        people,
    })
}

/// Builds an index of so many passages; gives passages a second, the making of the text not counted.
fn build(place: &Path, size: usize, real: &Real, vectors: &Vectors, permissions: &Permissions) -> anyhow::Result<f64> {
    if place.exists() {
        std::fs::remove_dir_all(place)?;
    }
    let index = Index::open(place, &IndexSettings::default())?;
    let mut took = Duration::ZERO;
    let (mut number, mut passages, mut since) = (0, 0, 0);
    while passages < size {
        let mut pages = Vec::new();
        let mut made = 0;
        while made < 10_000.min(size - passages) {
            let mut page = Page::of(number, real, vectors);
            page.passages.truncate(size - passages - made);
            made += page.passages.len();
            number += 1;
            pages.push(page);
        }
        let began = Instant::now();
        for page in &pages {
            let class = permissions.numbers[page.class];
            index.change(Change::Replace(&page.document, class, &page.passages, Some(&page.vectors)))?;
        }
        passages += made;
        since += made;
        if since >= COMMIT_AT || passages >= size {
            index.commit(passages as u64)?;
            since = 0;
        }
        took += began.elapsed();
    }
    Ok(size as f64 / took.as_secs_f64())
}

/// How many passages each class has.
fn passages_of_classes(size: usize) -> [usize; CLASSES] {
    let mut passages = [0; CLASSES];
    let (mut number, mut made) = (0, 0);
    while made < size {
        let (class, count) = Page::class_and_count(number);
        passages[class] += count;
        made += count;
        number += 1;
    }
    passages
}

fn timed<T, E>(deed: impl FnOnce() -> Result<T, E>) -> Result<(T, Duration), E> {
    let began = Instant::now();
    let done = deed()?;
    Ok((done, began.elapsed()))
}

fn percentile(times: &[Duration], at: usize) -> f64 {
    let mut sorted: Vec<Duration> = times.to_vec();
    sorted.sort();
    sorted[(sorted.len() * at / 100).min(sorted.len() - 1)].as_secs_f64() * 1000.0
}

fn percentiles(times: &[Duration]) -> String {
    format!("{:.1} / {:.1} ms", percentile(times, 50), percentile(times, 95))
}

fn ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

/// Resident memory, in bytes.
struct Memory {
    own: u64,
    mapped: u64,
}

impl Memory {
    fn now() -> anyhow::Result<Memory> {
        let status = std::fs::read_to_string("/proc/self/status")?;
        let field = |name: &str| -> anyhow::Result<u64> {
            let line = status.lines().find(|line| line.starts_with(name)).context("the system does not say")?;
            Ok(line.split_whitespace().nth(1).context("no number")?.parse::<u64>()? * 1024)
        };
        Ok(Memory { own: field("RssAnon")?, mapped: field("RssFile")? })
    }
}

fn bytes_below(folder: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        bytes += entry?.metadata()?.len();
    }
    Ok(bytes)
}

fn put(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    Ok(std::io::Write::write_all(&mut std::fs::File::create(path)?, bytes)?)
}
