//! Questions that ask two things: taken apart, so that each is looked for and answered by itself.
//!
//! "What is the difference between annual leave and parental leave?" is answered by no sentence of any page, and by one of
//! each of two. Only English forms are known, and only those where both things can be told by the words alone; of all others
//! the question is one.

use std::ops::Range;

use super::Question;
use super::words::{content, words};

/// How a question begins that sets "A and B" side by side.
const BETWEEN: &[&str] = &[
    "what is the difference between ",
    "what's the difference between ",
    "what are the differences between ",
    "what is different between ",
    "difference between ",
    "compare ",
];
/// What stands between the two elsewhere: the beginning, and the words between.
const ACROSS: &[(&str, &[&str])] = &[
    ("compare ", &[" with ", " to "]),
    ("how does ", &[" compare with ", " compare to ", " differ from "]),
    ("how do ", &[" compare with ", " compare to ", " differ from "]),
    ("how is ", &[" different from "]),
    ("how are ", &[" different from "]),
];
/// How a question ends that begins with "how do" and sets "A and B" side by side.
const SIDE_BY_SIDE: &[&str] = &[" compare", " differ"];
/// Words that compare times, amounts and spans, and what is asked of each side for them.
const COMPARED: &[(&str, &str)] = &[
    ("earlier sooner later first last before after newer older", "When is"),
    (
        "higher lower more less larger smaller bigger cheaper dearer greater fewer most least highest lowest",
        "How much is",
    ),
    ("longer shorter longest shortest", "How long is"),
];
/// Words with which a second question begins.
const ASKS: &[&str] = &["who", "whom", "what", "when", "where", "which", "how", "why"];
/// Words by which a second question leans on the first: taken from it, nobody would know what they mean.
const LEANS: &[&str] = &[
    "they", "them", "their", "it", "its", "he", "him", "his", "she", "her", "this", "that", "these", "those", "each",
    "one", "ones", "there", "both", "else", "so", "then",
];
/// Words before each of two things of which the same is asked.
const BEFORE: &[&str] = &["for", "in", "at", "on", "of", "to", "from", "by", "with", "during"];
/// The longest of two things, in words.
const WORDS_MAX: usize = 12;

/// The two questions in one, in the order in which they stand; none where it asks one thing, or cannot be taken apart.
pub fn parts(question: &Question) -> Vec<Question> {
    let text = question.as_str().trim_end_matches(['?', '.', '!', ' ']);
    let lower = text.to_ascii_lowercase();
    let sides =
        side_by_side(text, &lower).or_else(|| two_questions(text, &lower)).or_else(|| same_of_two(text, &lower));
    let Some((one, other)) = sides else { return Vec::new() };
    let says = |part: &String| !content(part).is_empty() && part.split_whitespace().count() <= WORDS_MAX + 8;
    let parsed = |part: String| Question::parse(&part).ok();
    match (says(&one) && says(&other)).then(|| (parsed(one), parsed(other))) {
        Some((Some(one), Some(other))) => vec![one, other],
        Some(_) | None => Vec::new(),
    }
}

/// Two things that are compared.
fn side_by_side(text: &str, lower: &str) -> Option<(String, String)> {
    let about = |of: Range<usize>, with: Range<usize>| {
        let side = |range: Range<usize>| -> Option<String> {
            let thing = text.get(range)?.trim().trim_end_matches(',').trim();
            (1..=WORDS_MAX).contains(&thing.split_whitespace().count()).then(|| format!("What about {thing}?"))
        };
        Some((side(of)?, side(with)?))
    };
    for begin in BETWEEN.iter().filter(|begin| lower.starts_with(*begin)) {
        if let Some((at, after)) = only(lower, begin.len(), " and ") {
            return about(begin.len()..at, after..text.len());
        }
    }
    for (begin, across) in ACROSS.iter().filter(|(begin, _)| lower.starts_with(begin)) {
        for between in *across {
            if let Some((at, after)) = only(lower, begin.len(), between) {
                return about(begin.len()..at, after..text.len());
            }
        }
    }
    for end in SIDE_BY_SIDE.iter().filter(|end| lower.starts_with("how do ") && lower.ends_with(*end)) {
        let whole = &lower[..lower.len() - end.len()];
        if let Some((at, after)) = only(whole, "how do ".len(), " and ") {
            return about("how do ".len()..at, after..whole.len());
        }
    }
    more_than(text, lower)
}

/// "Which is earlier, A or B" and "is A longer than B".
fn more_than(text: &str, lower: &str) -> Option<(String, String)> {
    let asked = |range: &str| {
        let said = words(range);
        COMPARED
            .iter()
            .find(|(list, _)| said.iter().any(|word| list.split_whitespace().any(|one| one == word)))
            .map(|(_, asks)| *asks)
    };
    let side = |asks: &str, thing: &str| -> Option<String> {
        let thing = thing.trim();
        (1..=WORDS_MAX).contains(&thing.split_whitespace().count()).then(|| format!("{asks} {thing}?"))
    };
    if lower.starts_with("which ") || lower.starts_with("what ") {
        let comma = lower.rfind(", ")?;
        let asks = asked(&lower[..comma])?;
        let (at, after) = only(lower, comma + 2, " or ")?;
        return Some((side(asks, &text[comma + 2..at])?, side(asks, &text[after..])?));
    }
    let begin = ["is ", "are ", "does ", "do "].into_iter().find(|begin| lower.starts_with(begin))?;
    let (at, after) = only(lower, begin.len(), " than ")?;
    let (first, compared) = lower[begin.len()..at].rsplit_once(' ')?;
    let asks = asked(compared)?;
    Some((side(asks, &text[begin.len()..begin.len() + first.len()])?, side(asks, &text[after..])?))
}

/// "Who approves leave and who approves trips": two whole questions.
fn two_questions(text: &str, lower: &str) -> Option<(String, String)> {
    let first = words(lower);
    if !first.first().is_some_and(|word| ASKS.contains(&word.as_str())) {
        return None;
    }
    let (at, after) = only(lower, 0, " and ")?;
    let second = words(&lower[after..]);
    let asks = second.first().is_some_and(|word| ASKS.contains(&word.as_str()));
    let leans = second.iter().any(|word| LEANS.contains(&word.as_str()));
    // "How and when": the first is no question yet.
    let is_whole = words(&lower[..at]).len() >= 3 && second.len() >= 3;
    let one = text[..at].trim_end_matches([',', ' ']);
    let mut rest = text[after..].chars();
    let second = rest.next().map(|first| format!("{}{}?", first.to_uppercase(), rest.as_str()))?;
    (asks && !leans && is_whole).then(|| (format!("{one}?"), second))
}

/// "How much notice do I give for annual leave and for parental leave": one question of two things.
fn same_of_two(text: &str, lower: &str) -> Option<(String, String)> {
    if !words(lower).first().is_some_and(|word| ASKS.contains(&word.as_str())) {
        return None;
    }
    let (at, after) = only(lower, 0, " and ")?;
    let before = lower[after..].split(' ').next().filter(|word| BEFORE.contains(word))?;
    let begins = lower[..at].rfind(&format!(" {before} "))?;
    let is_short = |range: &str| (1..=WORDS_MAX).contains(&range.split_whitespace().count());
    let (of, with) = (&lower[begins + before.len() + 2..at], &lower[after + before.len()..]);
    let is_asked = words(&lower[..begins]).len() >= 2 && is_short(of) && is_short(with);
    is_asked.then(|| (format!("{}?", &text[..at]), format!("{} {}?", &text[..begins], &text[after..])))
}

/// Where words stand that stand there once: the bytes where they begin and end. Where they stand twice, nobody knows which
/// of them parts the two things.
fn only(lower: &str, from: usize, words: &str) -> Option<(usize, usize)> {
    let rest = lower.get(from..)?;
    let at = rest.find(words)?;
    let after = at + words.len();
    (!rest[after..].contains(words)).then_some((from + at, from + after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(question: &str) -> Vec<String> {
        let parts = parts(&Question::parse(question).unwrap());
        parts.iter().map(|part| part.as_str().to_owned()).collect()
    }

    #[test]
    fn things_that_are_set_side_by_side_are_asked_about_one_by_one() {
        let both = ["What about the red plan?", "What about the blue plan?"];

        for question in [
            "What is the difference between the red plan and the blue plan?",
            "Compare the red plan with the blue plan.",
            "Compare the red plan and the blue plan",
            "How does the red plan compare to the blue plan?",
            "How do the red plan and the blue plan differ?",
            "How is the red plan different from the blue plan?",
        ] {
            assert_eq!(of(question), both, "{question}");
        }
    }

    #[test]
    fn what_is_compared_is_asked_of_each() {
        let freeze = ["When is the freeze?", "When is the open day?"];
        assert_eq!(of("Which is earlier, the freeze or the open day?"), freeze);
        assert_eq!(of("Which comes first, the freeze or the open day?"), freeze);
        assert_eq!(of("Is the freeze later than the open day?"), freeze);
        assert_eq!(of("Is a tram longer than a bus?"), ["How long is a tram?", "How long is a bus?"]);
        assert_eq!(of("Which is higher, the limit or the fee?"), ["How much is the limit?", "How much is the fee?"]);
    }

    #[test]
    fn two_questions_in_one_are_two() {
        assert_eq!(of("Who approves leave and who approves trips?"), ["Who approves leave?", "Who approves trips?"]);
        assert_eq!(
            of("How much notice do I give for annual leave and for parental leave?"),
            ["How much notice do I give for annual leave?", "How much notice do I give for parental leave?"]
        );
    }

    #[test]
    fn letters_of_several_bytes_are_no_harm_where_a_question_is_taken_apart() {
        assert_eq!(
            of("Who approves leave and “who approves trips”?"),
            ["Who approves leave?", "“who approves trips”?"]
        );
        assert_eq!(of("Compare Ärger and Œuvre"), ["What about Ärger?", "What about Œuvre?"]);
        for cut in "Which is earlier, Čas or Übergabe, and İzmir and “wer” than Ω?".char_indices() {
            of(&format!("x{}", &"Which is earlier, Čas or Übergabe, and İzmir and “wer” than Ω?"[..cut.0]));
        }
    }

    #[test]
    fn one_question_stays_one() {
        for question in [
            "Who is on the team and what do they do?",
            "Who approves leave?",
            "How and when do I enrol?",
            "Is it the red or the blue plan?",
            "What is the difference between red and blue and green?",
            "What are the rules for red and blue pens?",
            "Are more than five days possible?",
            "What is the distance between Leith and Hull?",
            "Und was ist der Unterschied?",
        ] {
            assert!(of(question).is_empty(), "{question}");
        }
    }
}
