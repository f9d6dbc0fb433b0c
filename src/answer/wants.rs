//! What form of answer a question wants: one thing, or all there are.

use super::words::{numbers, words};

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
    "what do i do",
    "what do we do",
    "what must i do",
    "what should i do",
    "what do i need",
    "what should i know",
    "what happens",
    "what is in",
    "what is on",
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

/// Words that tell a time without a number.
const TIMES: &[&str] = &[
    "after",
    "afternoon",
    "always",
    "annually",
    "april",
    "august",
    "autumn",
    "before",
    "beginning",
    "century",
    "daily",
    "day",
    "december",
    "decade",
    "during",
    "end",
    "evening",
    "february",
    "friday",
    "hourly",
    "immediately",
    "january",
    "july",
    "june",
    "march",
    "may",
    "midnight",
    "monday",
    "month",
    "monthly",
    "morning",
    "never",
    "next",
    "night",
    "noon",
    "november",
    "october",
    "once",
    "quarter",
    "quarterly",
    "saturday",
    "september",
    "soon",
    "spring",
    "summer",
    "sunday",
    "thursday",
    "today",
    "tomorrow",
    "tuesday",
    "until",
    "wednesday",
    "week",
    "weekday",
    "weekly",
    "when",
    "whenever",
    "while",
    "winter",
    "within",
    "year",
    "yearly",
    "as",
    "by",
    "upon",
    "whilst",
    "at",
    "since",
];
/// Words that tell an amount without a number.
const AMOUNTS: &[&str] = &[
    "a",
    "all",
    "an",
    "any",
    "both",
    "couple",
    "dozen",
    "double",
    "every",
    "each",
    "few",
    "full",
    "half",
    "hundred",
    "hundreds",
    "indefinitely",
    "least",
    "many",
    "million",
    "millions",
    "most",
    "no",
    "none",
    "nothing",
    "pair",
    "per",
    "quarter",
    "single",
    "third",
    "thousand",
    "thousands",
    "triple",
    "twice",
    "unlimited",
    "whole",
    "billion",
    "billions",
    "free",
    "dozens",
    "several",
    "once",
    "never",
    "lifetime",
    "permanent",
    "permanently",
    "until",
];

/// Whether a statement has the form of an answer to a question: a time where it asks when, an amount where it asks how
/// many. Nothing is known of other questions, and every statement has their form.
pub(super) fn has_form(question: &str, statement: &str) -> bool {
    let asked = words(question);
    let asks =
        |one: &str, other: &[&str]| asked.windows(2).any(|pair| pair[0] == one && other.contains(&pair[1].as_str()));
    let said = words(statement);
    let has = |list: &[&str]| said.iter().any(|word| list.contains(&word.as_str()));
    let has_number = !numbers(statement).is_empty();
    if asked.first().is_some_and(|word| word == "when") || asks("what", &["year", "date", "month", "day"]) {
        has_number || has(TIMES)
    } else if asks("how", &["many", "much", "long", "often", "old", "high", "far", "tall"]) {
        has_number || has(AMOUNTS) || asks("how", &["long", "often"]) && has(TIMES)
    } else {
        true
    }
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

    #[test]
    fn a_time_is_wanted_where_when_is_asked_and_an_amount_where_how_many() {
        let prompted = "Users with expiring passwords are prompted to change them.";

        assert!(!has_form("When do users see a prompt?", prompted));
        assert!(has_form("When do users see a prompt?", "They see it within two weeks of expiry."));
        assert!(!has_form("How many users are prompted?", prompted));
        assert!(has_form("How many users are prompted?", "All users are prompted."));
        assert!(has_form("Who is prompted?", prompted));
    }
}
