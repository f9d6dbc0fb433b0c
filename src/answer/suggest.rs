//! Questions a person could ask, made by rule from titles and headings they may read.

use std::collections::BTreeSet;

use super::Claim;
use super::words::{content, words};
use crate::index::{Found, Head};

/// A title longer than this makes no good question.
const TITLE_WORDS_MAX: usize = 7;

/// A title of more words is taken to be a sentence, unless its last word says otherwise.
const NOUN_WORDS_MAX: usize = 3;

/// Titles that say nothing about what stands below them.
const DULL: &[&str] = &[
    "home",
    "overview",
    "introduction",
    "summary",
    "contents",
    "index",
    "notes",
    "details",
    "background",
    "related pages",
    "see also",
    "links",
    "contact",
    "contacts",
    "changes",
    "history",
    "about",
    "more",
    "general",
    "welcome",
    "untitled",
];

/// Questions that a person could ask, made only from the titles they may read; at most `most`.
pub fn examples(heads: &[Head], most: usize) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let questions = heads.iter().filter_map(|head| ask_about(&head.title, Some(&head.space.name)));
    questions.filter(|question| seen.insert(question.to_lowercase())).take(most).collect()
}

/// Questions that the passages found but not cited can answer; at most `most`.
pub(super) fn follow_ups(found: &[Found], claims: &[Claim], most: usize) -> Vec<String> {
    let cited: BTreeSet<_> = claims.iter().flat_map(Claim::citations).map(|citation| &citation.passage).collect();
    let mut seen = BTreeSet::new();
    found
        .iter()
        .filter(|one| !cited.contains(&one.passage().id))
        .filter_map(|one| {
            let passage = one.passage();
            match passage.under.last().filter(|heading| **heading != passage.title) {
                Some(heading) => ask_about(heading, Some(&passage.title)),
                None => ask_about(&passage.title, None),
            }
        })
        .filter(|question| seen.insert(question.to_lowercase()))
        .take(most)
        .collect()
}

/// A question about a title, by its shape; `None` where it would be dull. `within` says where the title stands, for a
/// title that is too short to be understood alone.
fn ask_about(title: &str, within: Option<&str>) -> Option<String> {
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    let bare = title.trim_end_matches(['.', ':', '!']);
    let parts = words(bare);
    let is_file = bare.rsplit_once('.').is_some_and(|(_, end)| (2..=4).contains(&end.len()));
    let is_dull =
        DULL.contains(&bare.to_lowercase().as_str()) || bare.starts_with("Re: ") || is_file || content(bare).is_empty();
    if is_dull || parts.len() > TITLE_WORDS_MAX {
        return None;
    }
    if bare.ends_with('?') {
        return Some(bare.to_owned());
    }
    let rest_of = |opener: &str| {
        let opens = bare.get(..opener.len()).is_some_and(|start| start.eq_ignore_ascii_case(opener));
        opens.then(|| bare[opener.len()..].to_owned()).filter(|rest| !rest.is_empty())
    };
    if let Some(rest) = rest_of("how to ") {
        return Some(format!("How do I {rest}?"));
    }
    if let Some(rest) = rest_of("how we ") {
        return Some(format!("How do we {rest}?"));
    }
    let (first, last) = (parts.first()?.as_str(), parts.last()?.as_str());
    let plain = plain(bare);
    if ["what", "who", "when", "where", "why", "how", "which", "can", "do", "does", "is", "are"].contains(&first) {
        return Some(format!("{bare}?"));
    }
    if first.len() > 5 && first.ends_with("ing") && parts.len() > 1 {
        return Some(format!("What should I know about {plain}?"));
    }
    let place =
        within.filter(|place| parts.len() == 1 && content(place).iter().all(|word| !content(bare).contains(word)));
    let of = place.map(|place| format!(" in {place}")).unwrap_or_default();
    Some(match last {
        "team" | "members" | "people" => format!("Who is on {}{of}?", the(&plain)),
        "contacts" | "roles" | "responsibilities" => format!("Who does what in {}?", within.unwrap_or(bare)),
        "policy" | "rules" | "guidelines" => format!("What does {}{of} say?", the(&plain)),
        "eligibility" => format!("Who is covered by {}{of}?", the(&plain)),
        "plan" | "roadmap" | "schedule" | "calendar" => format!("What is in {}{of}?", the(&plain)),
        "checklist" | "steps" | "process" | "procedure" => format!("What are the steps of {}{of}?", the(&plain)),
        "week" | "day" => format!("What happens in {}{of}?", the(&plain)),
        "glossary" => "What do the terms in the glossary mean?".to_owned(),
        _ if last.ends_with('s') && !last.ends_with("ss") => format!("What are the rules on {plain}{of}?"),
        // A longer title is often a sentence of its own ("Open enrolment begins on 1 December"), and "how does it work" asked
        // of a sentence is no question.
        _ if parts.len() <= NOUN_WORDS_MAX && !bare.contains(':') && !bare.contains(|c: char| c.is_numeric()) => {
            format!("How does {plain}{of} work?")
        }
        _ => return None,
    })
}

/// A title inside a sentence: its first letter small, unless the word is a name or an abbreviation.
fn plain(title: &str) -> String {
    let first = title.split_whitespace().next().unwrap_or(title);
    let second = title.split_whitespace().nth(1);
    let is_name = first.chars().skip(1).any(|c| c.is_uppercase() || c.is_numeric())
        || first.chars().count() == 1
        || second.is_some_and(|word| word.starts_with(char::is_uppercase));
    let mut letters = title.chars();
    match letters.next().filter(|_| !is_name) {
        Some(letter) => letter.to_lowercase().chain(letters).collect(),
        None => title.to_owned(),
    }
}

/// With an article, unless it has one.
fn the(plain: &str) -> String {
    let has =
        ["the ", "a ", "an ", "our ", "your ", "my "].iter().any(|article| plain.to_lowercase().starts_with(article));
    if has { plain.to_owned() } else { format!("the {plain}") }
}

#[cfg(test)]
mod tests {
    use super::super::Citation;
    use super::super::tests::{found, head};
    use super::*;

    #[test]
    fn a_title_that_is_a_sentence_makes_no_question() {
        let titles = ["Open enrolment begins on 1 December", "Sprint 22: a search that finds Yuki", "Annual leave"];
        let heads: Vec<Head> =
            titles.iter().enumerate().map(|(at, title)| head(&format!("wiki:{at}"), title)).collect();

        assert_eq!(examples(&heads, 4), ["How does annual leave work?"]);
    }

    #[test]
    fn a_title_becomes_a_question_of_its_own_shape() {
        for (title, question) in [
            ("How to book travel", "How do I book travel?"),
            ("Who approves leave?", "Who approves leave?"),
            ("AnyOrgApp team", "Who is on the AnyOrgApp team?"),
            ("Remote work policy", "What does the remote work policy say?"),
            ("Travel expenses", "What are the rules on travel expenses?"),
            ("Your first week", "What happens in your first week?"),
            ("Parental leave", "How does parental leave work?"),
        ] {
            assert_eq!(ask_about(title, None).as_deref(), Some(question));
        }
    }

    #[test]
    fn dull_titles_files_and_comments_make_no_question() {
        for title in ["Overview", "Re: Travel expenses", "form-630.pdf", "", "…"] {
            assert_eq!(ask_about(title, None), None, "{title}");
        }
    }

    #[test]
    fn examples_are_bounded_and_never_twice_the_same() {
        let heads = [head("wiki:1", "Parental leave"), head("wiki:2", "Parental leave"), head("wiki:3", "Expenses")];

        assert_eq!(examples(&heads, 5).len(), 2);
        assert_eq!(examples(&heads, 1).len(), 1);
    }

    #[test]
    fn follow_ups_come_from_passages_that_were_not_cited() {
        let found =
            [found("wiki:1", "Sick leave", "You have ten days."), found("wiki:2", "Parental leave", "You have more.")];
        let citation = Citation { passage: found[0].passage().id.clone(), class: found[0].class(), quote: 0..18 };
        let claim = Claim::new("You have ten days.".to_owned(), citation, Vec::new());

        assert_eq!(follow_ups(&found, &[claim], 3), ["How does parental leave work?"]);
    }
}
