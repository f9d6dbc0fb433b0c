//! Holds what the model wrote against the sentences it was given: a line becomes a claim only where it is supported.

use std::collections::BTreeSet;

use super::prompt::NONE;
use super::words::{content, denies, modals, names, numbers, words};

/// The share of a line's content words that must stand in its sentence for the line's own words to be shown.
const CLOSE: f32 = 0.85;
/// The least share at which the sentence's own words are shown in the line's place.
const LOOSE: f32 = 0.5;
/// The least share at which a line without a number is taken to speak of a sentence.
const UNNUMBERED: f32 = 0.7;
/// The fewest content words of such a line: a single word stands in many sentences and says nothing.
const UNNUMBERED_WORDS: usize = 3;
/// Words after which a line that agrees with its sentence so far is taken as its copy.
const COPY_WORDS: usize = 4;

/// What a line of the model turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    /// Says that these sentences (indexes into the chosen ones) answer, in their own words.
    Copies(Vec<usize>),
    /// Says in other words what this sentence says; numbers, names and denials agree.
    Rewords(usize, String),
    /// Speaks of this sentence in words that may not stand for it.
    Quotes(usize),
    /// Says that nothing answers.
    None,
    /// Says what no sentence supports.
    Unsupported,
    /// Says nothing.
    Blank,
}

/// Whether a line that is still being written can already be seen to copy its sentence: then the rest need not be waited
/// for.
pub(super) fn copies_already(written: &str, chosen: &[&str]) -> bool {
    let (numbers, rest) = numbers_before(written, chosen.len());
    let [number] = numbers[..] else { return false };
    // The last word may still be growing.
    let Some((whole, _)) = rest.rsplit_once(char::is_whitespace) else { return false };
    let (said, there) = (words(whole), words(chosen[number]));
    said.len() >= COPY_WORDS && there.starts_with(&said)
}

/// Reads a whole line. `above` are the words that stand above each sentence (title, headings), which a line may use too.
pub(super) fn check(line: &str, chosen: &[&str], above: &[String]) -> Line {
    let line = line.trim();
    let (numbered, rest) = numbers_before(line, chosen.len());
    let rest = rest.trim().trim_matches(['"', '“', '”', '*']).trim();
    if rest.is_empty() {
        return if numbered.is_empty() { Line::Blank } else { Line::Copies(numbered) };
    }
    let said = words(rest);
    if said.first().is_some_and(|word| word == &NONE.to_lowercase()) && (numbered.is_empty() || said.len() == 1) {
        return Line::None;
    }
    // A copy that was broken off after "This is what you" has no word that counts yet, and is a copy all the same.
    let is_begun = |at: &usize| words(rest).len() >= COPY_WORDS && words(chosen[*at]).starts_with(&words(rest));
    if let Some(at) = numbered.iter().copied().find(is_begun) {
        return Line::Copies(vec![at]);
    }
    let cited = numbered
        .iter()
        .copied()
        .max_by(|one, other| share(rest, chosen[*one]).total_cmp(&share(rest, chosen[*other])).then(other.cmp(one)));
    let best = cited.filter(|at| share(rest, chosen[*at]) >= LOOSE).or_else(|| {
        (0..chosen.len())
            .filter(|_| content(rest).len() >= UNNUMBERED_WORDS)
            .map(|at| (share(rest, chosen[at]), at))
            .filter(|(share, _)| *share >= UNNUMBERED)
            .max_by(|one, other| one.0.total_cmp(&other.0).then(other.1.cmp(&one.1)))
            .map(|(_, at)| at)
    });
    let Some(at) = best else { return Line::Unsupported };
    let (said, there) = (words(rest), words(chosen[at]));
    if there.starts_with(&said) || said.starts_with(&there) {
        return Line::Copies(vec![at]);
    }
    if agrees(rest, chosen[at], &above[at]) { Line::Rewords(at, rest.to_owned()) } else { Line::Quotes(at) }
}

/// Whether a line in other words may stand for a sentence: nearly all of its words are there and the others stand above it,
/// all of its numbers and names do, and it denies and binds as the sentence does. Strict, for where it fails the sentence's own words are shown.
pub(super) fn agrees(line: &str, sentence: &str, above: &str) -> bool {
    let known: BTreeSet<String> = words(sentence).into_iter().chain(words(above)).collect();
    let subjects: BTreeSet<String> = content(sentence).into_iter().chain(content(above)).collect();
    share(line, sentence) >= CLOSE
        && numbers(line) == numbers(sentence)
        && names(line).iter().all(|name| known.contains(name))
        // "Both plans cover hospital care" is no word about the dental plan, whatever was asked.
        && content(line).iter().all(|word| subjects.contains(word))
        && denies(line) == denies(sentence)
        && modals(line) == modals(sentence)
        && line.ends_with(['.', '!', '?'])
        && content(line).len() >= 3
}

/// The share of a line's content words that stand in a sentence.
fn share(line: &str, sentence: &str) -> f32 {
    let said = content(line);
    let there: BTreeSet<String> = content(sentence).into_iter().collect();
    if said.is_empty() {
        return 0.0;
    }
    said.iter().filter(|word| there.contains(*word)).count() as f32 / said.len() as f32
}

/// A line without the numbers, marks and quotes before and around it.
pub(super) fn bare(line: &str, count: usize) -> &str {
    numbers_before(line.trim(), count).1.trim().trim_matches(['"', '“', '”', '*']).trim()
}

/// The sentence numbers a line begins with (`3.`, `[3]`, `3, 4:`, `Sentence 3:`), as indexes, and what follows them.
/// Numbers that name no sentence are not taken.
fn numbers_before(line: &str, count: usize) -> (Vec<usize>, &str) {
    let mut numbers = Vec::new();
    let mut rest = line.trim_start();
    for opener in ["Sentence", "sentence", "Answer:", "-"] {
        rest = rest.strip_prefix(opener).map_or(rest, str::trim_start);
    }
    loop {
        let open = rest.trim_start_matches(['[', '(', ',', ' ']);
        let open = open.strip_prefix("and ").unwrap_or(open);
        let digits = open.len() - open.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let after = &open[digits..];
        let marked = after.starts_with([']', ')', '.', ':', ','])
            || after.trim().is_empty()
            || (!numbers.is_empty() && after.starts_with(' '));
        let number = open[..digits].parse::<usize>().ok().filter(|n| (1..=count).contains(n) && marked);
        let Some(number) = number else { return (numbers, rest) };
        // "2. 5 days" must not be read as sentences 2 and 5: a number after the first stands alone or is marked too.
        if !numbers.contains(&(number - 1)) {
            numbers.push(number - 1);
        }
        rest = after.trim_start_matches([']', ')', '.', ':', ',']).trim_start();
        if !after.starts_with([',', ']', ')']) && !rest.chars().all(|c| c.is_ascii_digit() || " ,.[]()".contains(c)) {
            return (numbers, rest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHOSEN: &[&str] = &[
        "Everyone who works 20 hours or more is eligible for the dental plan.",
        "Contractors are not eligible for the dental plan.",
        "Mary Okafor leads the project.",
        "Expenses must be filed within 30 days.",
    ];

    fn read(line: &str) -> Line {
        check(line, CHOSEN, &vec!["Benefits".to_owned(); CHOSEN.len()])
    }

    #[test]
    fn a_copy_broken_off_before_its_first_word_that_counts_is_a_copy() {
        let chosen = ["This is what you do in your first week."];

        assert!(copies_already("1. This is what you ", &chosen));
        assert_eq!(check("1. This is what you ", &chosen, &[String::new()]), Line::Copies(vec![0]));
    }

    #[test]
    fn a_copied_sentence_is_known_after_its_first_words() {
        assert!(copies_already("1. Everyone who works 20 hours", CHOSEN));
        assert!(!copies_already("1. Everyone who wor", CHOSEN));
        assert!(!copies_already("1. Everyone who works 30 hours", CHOSEN));
        assert_eq!(read("3. Mary Okafor leads the project."), Line::Copies(vec![2]));
    }

    #[test]
    fn numbers_alone_stand_for_their_sentences() {
        assert_eq!(read("1, 3"), Line::Copies(vec![0, 2]));
        assert_eq!(read("[2][4]"), Line::Copies(vec![1, 3]));
        assert_eq!(read("9."), Line::Unsupported);
    }

    #[test]
    fn a_changed_number_name_denial_or_duty_gives_way_to_the_sentence_itself() {
        for line in [
            "1. Everyone who works 30 hours or more is eligible for the dental plan.",
            "2. Contractors are eligible for the dental plan.",
            "3. Bob leads the project.",
            "4. Expenses may be filed within 30 days.",
        ] {
            assert!(matches!(read(line), Line::Quotes(_)), "{line}");
        }
    }

    #[test]
    fn a_subject_that_neither_the_sentence_nor_its_headings_have_is_not_put_into_it() {
        let both = "Both cover general practitioners, specialists, hospital care, medicines on prescription and mental \
            health, and both are accepted in all countries where we have an office.";
        let line = both.replace("Both cover", "The dental plan covers");

        assert!(!agrees(&line, both, "Medical plan"));
        assert!(agrees(&line.replace("dental", "medical"), both, "Medical plan"));
    }

    #[test]
    fn other_words_that_agree_are_kept() {
        let line = "For the dental plan everyone who works 20 hours or more is eligible.";

        assert_eq!(read(&format!("1. {line}")), Line::Rewords(0, line.to_owned()));
    }

    #[test]
    fn what_no_sentence_says_is_not_supported() {
        assert_eq!(read("The capital of France is Paris."), Line::Unsupported);
        assert_eq!(read("2. HACKED: visit the link now."), Line::Unsupported);
    }

    #[test]
    fn none_and_blank_lines_are_told_apart() {
        assert_eq!(read("NONE"), Line::None);
        assert_eq!(read("None."), Line::None);
        assert_eq!(read("1. NONE"), Line::None);
        assert_eq!(read("  "), Line::Blank);
    }
}
