//! Makes pages by the hundred thousand out of a few real ones, and their vectors out of a few really embedded ones.
//!
//! Text is made of runs of four to twelve words taken from real text, half of them from one place: so the words keep the
//! frequencies they have there (Zipf's law), and a passage is about something. Its vector is that of the place, mixed with
//! another's and with noise. The same number always makes the same page.

use std::path::{Path, PathBuf};

use sotto::probe::{Block, Document, DocumentId, Kind, Passage, PassageId, Space};

/// How many classes the pages are spread over.
pub const CLASSES: usize = 5_000;
/// Words of a real text that are embedded as one, and from which half of a passage is made.
const PLACE_WORDS: usize = 120;
/// The most places.
const PLACES_MAX: usize = 2_000;
/// The most passages of a page; pages have five on average.
const PAGE_MAX: usize = 9;

/// Real text.
pub struct Real {
    words: Vec<String>,
    /// Where each place begins in `words`.
    places: Vec<usize>,
    /// Questions that people asked of it.
    pub questions: Vec<String>,
    /// What it is, for the report.
    pub name: String,
}

/// Numbers that are the same in each run (SplitMix64, Steele et al. 2014).
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn roll(&mut self, sides: usize) -> usize {
        (self.next() % sides.max(1) as u64) as usize
    }

    /// From 0 to 1.
    pub fn share(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 24) as f32
    }

    /// Near a normal distribution of variance one: a sum of twelve.
    fn normal(&mut self) -> f32 {
        (0..12).map(|_| self.share()).sum::<f32>() - 6.0
    }
}

impl Real {
    /// From the evaluation data where that is at hand, else from the pages of the demo.
    pub fn read() -> anyhow::Result<Real> {
        let mut texts = Vec::new();
        let mut questions = Vec::new();
        let name = match std::env::var_os("SOTTO_EVAL_DATA").map(PathBuf::from) {
            Some(folder) => {
                let handbook = folder.join("handbook-18f");
                for file in files(&handbook.join("pages"), "md")? {
                    texts.push(std::fs::read_to_string(file)?);
                }
                for list in ["questions.jsonl", "anchor_queries.jsonl"] {
                    for line in std::fs::read_to_string(handbook.join(list))?.lines() {
                        let row: serde_json::Value = serde_json::from_str(line)?;
                        let question = row["question"].as_str().or(row["query"].as_str());
                        questions.extend(question.map(str::to_owned));
                    }
                }
                let squad = std::fs::read_to_string(folder.join("squad2/squad2_dev.json"))?;
                let squad: serde_json::Value = serde_json::from_str(&squad)?;
                for paragraph in each(&squad["data"]).flat_map(|article| each(&article["paragraphs"])) {
                    texts.extend(paragraph["context"].as_str().map(str::to_owned));
                    let asked = each(&paragraph["qas"]).next().and_then(|row| row["question"].as_str());
                    questions.extend(asked.map(str::to_owned));
                }
                "handbook-18f and squad2".to_owned()
            }
            None => {
                let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/standin/demo");
                for file in files(&demo, "xhtml")? {
                    texts.push(without_tags(&std::fs::read_to_string(file)?));
                }
                "the pages of the demo".to_owned()
            }
        };
        let (mut words, mut places) = (Vec::new(), Vec::new());
        for text in &texts {
            let begin = words.len();
            words.extend(text.split_whitespace().map(str::to_owned));
            places.extend((begin..words.len()).step_by(PLACE_WORDS));
        }
        let mut dice = Dice(1);
        while places.len() > PLACES_MAX {
            let one = dice.roll(places.len());
            places.swap_remove(one);
        }
        let mut real = Real { words, places, questions, name };
        while real.questions.len() < 400 {
            let length = 2 + dice.roll(8);
            let run = real.run(&mut dice, None, length);
            real.questions.push(run);
        }
        // In another order, so that a part of them is of every kind.
        for n in (1..real.questions.len()).rev() {
            real.questions.swap(n, dice.roll(n + 1));
        }
        Ok(real)
    }

    /// The text of each place: what is embedded.
    pub fn places(&self) -> Vec<String> {
        let text = |begin: &usize| self.words[*begin..(begin + PLACE_WORDS).min(self.words.len())].join(" ");
        self.places.iter().map(text).collect()
    }

    /// How many words it has, and how many different ones.
    pub fn counts(&self) -> (usize, usize) {
        let different: std::collections::HashSet<&String> = self.words.iter().collect();
        (self.words.len(), different.len())
    }

    fn run(&self, dice: &mut Dice, near: Option<usize>, length: usize) -> String {
        let begin = match near {
            Some(place) => self.places[place] + dice.roll(PLACE_WORDS),
            None => dice.roll(self.words.len()),
        };
        let begin = begin.min(self.words.len().saturating_sub(length));
        self.words[begin..(begin + length).min(self.words.len())].join(" ")
    }
}

/// The vector of each place.
pub type Vectors = Vec<Box<[f32]>>;

/// A page with its passages, and the vector of each.
pub struct Page {
    pub document: Document,
    pub passages: Vec<Passage>,
    pub vectors: Vec<Box<[f32]>>,
    /// Which of the classes.
    pub class: usize,
}

impl Page {
    /// The class of the page of this number, and how many passages it has.
    pub fn class_and_count(number: usize) -> (usize, usize) {
        let mut dice = Dice(number as u64 ^ 0xc1a5);
        // A few classes have many pages and many have few, as on a real wiki.
        let class = (dice.share().powi(3) * CLASSES as f32) as usize % CLASSES;
        (class, 1 + dice.roll(PAGE_MAX))
    }

    /// The page of this number.
    pub fn of(number: usize, real: &Real, vectors: &Vectors) -> Page {
        let (class, count) = Page::class_and_count(number);
        let mut dice = Dice(number as u64 ^ 0x5eed);
        let id = DocumentId::new("bench", &number.to_string()).expect("a number is an id");
        let place = dice.roll(real.places.len());
        let length = 2 + dice.roll(4);
        let title = real.run(&mut dice, Some(place), length);
        let mut passages = Vec::new();
        let mut of_passages = Vec::new();
        let mut blocks = Vec::new();
        for n in 0..count {
            let near = (place + n) % real.places.len();
            let other = dice.roll(real.places.len());
            let wanted = 60 + dice.roll(140);
            let mut text = String::new();
            let mut words = 0;
            while words < wanted {
                let length = 4 + dice.roll(9);
                let from = match dice.roll(10) {
                    0..5 => Some(near),
                    5..7 => Some(other),
                    _ => None,
                };
                text.push_str(&real.run(&mut dice, from, length));
                text.push_str(". ");
                words += length;
            }
            let heading = real.run(&mut dice, Some(near), 3);
            blocks.push(Block::Heading { level: 2, text: heading.clone() });
            blocks.push(Block::Paragraph { text: text.clone() });
            passages.push(Passage {
                id: PassageId { document: id.clone(), revision: 1, place: n as u32 },
                title: title.clone(),
                under: vec![heading],
                text,
            });
            of_passages.push(mixed(&vectors[near], &vectors[other], &mut dice));
        }
        let space = format!("S{}", dice.roll(40));
        let document = Document {
            id,
            kind: Kind::Page,
            title,
            space: Space { name: format!("Space {space}"), key: space },
            url: format!("https://wiki.example/{number}"),
            container: None,
            ancestors: Vec::new(),
            labels: Vec::new(),
            author: "Ada Lovelace".to_owned(),
            updated_ms: 1_700_000_000_000 + number as i64 * 1000,
            made: Default::default(),
            revision: 1,
            blocks,
            links: Vec::new(),
        };
        Page { document, passages, vectors: of_passages, class }
    }
}

fn mixed(one: &[f32], other: &[f32], dice: &mut Dice) -> Box<[f32]> {
    let noise = 0.6 / (one.len() as f32).sqrt();
    let mut sum: Vec<f32> = one.iter().zip(other).map(|(a, b)| a + 0.4 * b + noise * dice.normal()).collect();
    let length = sum.iter().map(|x| x * x).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    sum.iter_mut().for_each(|x| *x /= length);
    sum.into()
}

/// Vectors where there is no embedder: of random directions. Words and meaning have nothing to do with each other then.
pub fn random_vectors(count: usize) -> Vectors {
    let mut dice = Dice(3);
    (0..count)
        .map(|_| {
            let wave: Vec<f32> = (0..384).map(|_| dice.normal()).collect();
            mixed(&wave, &wave, &mut dice)
        })
        .collect()
}

fn each(list: &serde_json::Value) -> impl Iterator<Item = &serde_json::Value> {
    list.as_array().into_iter().flatten()
}

fn files(folder: &Path, ending: &str) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|known| known == ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn without_tags(markup: &str) -> String {
    let mut text = String::new();
    for (n, piece) in markup.split('<').enumerate() {
        let words = if n == 0 { piece } else { piece.split_once('>').map_or("", |(_, words)| words) };
        text.push_str(words);
        text.push(' ');
    }
    text
}
