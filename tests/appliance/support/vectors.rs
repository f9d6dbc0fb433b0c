//! An embedder by rule: a vector is made of a text's words, so texts that share words are close.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use sotto::app::nouns::{Embed, ModelError, Stop, Vector};

const DIMENSIONS: usize = 48;

pub struct WordVectors;

impl Embed for WordVectors {
    fn embed(&self, texts: &[&str], _: &Stop) -> Result<Vec<Vector>, ModelError> {
        Ok(texts.iter().map(|text| vector(text)).collect())
    }
}

fn vector(text: &str) -> Vector {
    // Whole numbers until the end, so that the order of the words is not felt.
    let mut sums = [0i32; DIMENSIONS];
    for word in text.to_lowercase().split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let mut hasher = DefaultHasher::new();
        word.hash(&mut hasher);
        let number = hasher.finish();
        sums[number as usize % DIMENSIONS] += if number >> 40 & 1 == 0 { 1 } else { -1 };
    }
    let length = sums.iter().map(|x| (x * x) as f32).sum::<f32>().sqrt().max(1.0);
    Vector(sums.iter().map(|x| *x as f32 / length).collect())
}
