//! Whether a question is about a topic that is shown by example questions.
//!
//! With vectors, a question is about a topic where it is near enough to one of the examples, or has all the words of one.
//! Without them, or where the embedder fails, it is where it shares half of the words of the shorter of the two: that takes
//! in more questions than the vectors would, so that a failure never opens a topic that is denied.

use std::collections::BTreeSet;

use super::Question;
use super::words::content;
use crate::model::Vector;

/// The share of the words of the shorter of question and example that both must have, where nothing tells their nearness.
const SHARES: f32 = 0.5;

/// A topic, as far as a question is compared with it.
#[derive(Debug, Clone)]
pub struct Subject {
    examples: Vec<BTreeSet<String>>,
    similarity: f32,
}

impl Subject {
    /// One that these questions are about; `similarity` is the cosine from which on another is, too.
    pub fn new(examples: &[String], similarity: f32) -> Subject {
        let words = examples.iter().map(|example| content(example).into_iter().collect());
        Subject { examples: words.collect(), similarity }
    }

    /// Whether a question is about it. `vectors` are the question's and those of the examples, in their order.
    pub fn has(&self, question: &Question, vectors: Option<(&Vector, &[Vector])>) -> bool {
        let asked: BTreeSet<String> = content(question.as_str()).into_iter().collect();
        let shares = |example: &BTreeSet<String>, least: f32| {
            let shorter = example.len().min(asked.len());
            let shared = example.intersection(&asked).count();
            shorter > 0 && shared as f32 >= least * shorter as f32
        };
        match vectors {
            Some((of_question, of_examples)) => {
                let is_near = |vector: &Vector| cosine(of_question, vector) >= self.similarity;
                // Two words at least: "Who is Priya?" has all the words of itself that an example on her pay has.
                let is_said = |example: &BTreeSet<String>| asked.len() >= example.len().max(2) && shares(example, 1.0);
                of_examples.iter().any(is_near) || self.examples.iter().any(is_said)
            }
            None => self.examples.iter().any(|example| shares(example, SHARES)),
        }
    }
}

/// Vectors have unit length.
fn cosine(one: &Vector, other: &Vector) -> f32 {
    one.0.iter().zip(&*other.0).map(|(one, other)| one * other).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(text: &str) -> Question {
        Question::parse(text).unwrap()
    }

    fn pay() -> Subject {
        Subject::new(&["What are the salary bands?".to_owned(), "How much does a manager earn?".to_owned()], 0.5)
    }

    #[test]
    fn without_vectors_half_of_the_words_of_the_shorter_are_enough() {
        for asked in ["salary", "Which bands of salary are there for designers?", "What do managers earn a year?"] {
            assert!(pay().has(&question(asked), None), "{asked}");
        }
        for asked in ["How do I book travel?", "Who is on my team?", "🎉", "?"] {
            assert!(!pay().has(&question(asked), None), "{asked}");
        }
    }

    #[test]
    fn with_vectors_nearness_decides_and_an_example_said_again_is_about_it_whatever_its_vector() {
        let (near, far) = (Vector(Box::new([0.6, 0.8])), Vector(Box::new([0.0, 1.0])));
        let examples = [Vector(Box::new([1.0, 0.0])), Vector(Box::new([1.0, 0.0]))];

        assert!(pay().has(&question("What does Priya make?"), Some((&near, &examples))));
        assert!(!pay().has(&question("Where is the manager?"), Some((&far, &examples))));
        assert!(pay().has(&question("So how much does a manager earn here?"), Some((&far, &examples))));
    }
}
