//! What form of answer a question wants: one thing, or all there are.

use super::words::words;

/// What a question wants to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wants {
    /// One thing: a number, a date, a name, a rule.
    One,
    /// All of several: people, steps, items.
    All,
}

/// How questions begin that want all of several.
const BEGINS: &[&str] = &[
    "who is on",
    "who is in",
    "who are",
    "who works",
    "who belongs",
    "what are",
    "which are",
    "who is involved",
    "what do i",
    "what do we",
    "what must i",
    "what should i",
    "what happens",
    "what is in",
    "what is on",
    "how does",
    "how do i",
    "how do we",
    "how do you",
    "how can i",
    "how can we",
    "how should",
    "how to",
    "list",
    "name the",
    "name all",
    "show me",
    "tell me about",
];

/// Reads the form of a question. Only English forms are known; of all others one thing is taken to be wanted.
pub(super) fn wants(question: &str) -> Wants {
    let words = words(question);
    let text = words.join(" ");
    let begins = BEGINS
        .iter()
        .any(|begin| text.strip_prefix(begin).is_some_and(|rest| rest.is_empty() || rest.starts_with(' ')));
    let has_steps = words.iter().any(|word| word == "steps" || word == "checklist");
    if begins || has_steps || asks_for_several(&words) { Wants::All } else { Wants::One }
}

/// "Which tools", "what holidays are": an asking word before a plural; after "what" a verb must follow, or the word that
/// looks like a plural is the verb itself ("what marks the start").
fn asks_for_several(words: &[String]) -> bool {
    let [first, second, rest @ ..] = words else { return false };
    let is_plural =
        second.len() > 3 && second.ends_with('s') && !["ss", "us", "is"].iter().any(|end| second.ends_with(end));
    let has_verb = rest.first().is_some_and(|word| {
        ["are", "were", "do", "did", "can", "could", "should", "must", "may", "will", "have"].contains(&word.as_str())
    });
    is_plural && (first == "which" || first == "what" && has_verb)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_on_a_team_and_steps_and_plurals_want_all() {
        for question in [
            "Who is on my team?",
            "What do I do in my first week?",
            "How do I book a trip?",
            "Which holidays are there?",
            "What forms do I hand in?",
            "What are the steps to enrol?",
        ] {
            assert_eq!(wants(question), Wants::All, "{question}");
        }
    }

    #[test]
    fn a_number_a_name_or_a_rule_is_one_thing() {
        for question in [
            "How many days of annual leave do I get?",
            "Who leads the project?",
            "What is the pager number?",
            "Which bus goes there?",
            "What marks the end of a page?",
            "When is the office open?",
            "Does everyone get dental cover?",
            "Listening hours?",
        ] {
            assert_eq!(wants(question), Wants::One, "{question}");
        }
    }
}
