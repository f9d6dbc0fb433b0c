//! Chooses the few sentences that a model should read: prefill is most of the time an answer takes.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::sentence::Sentence;
use super::words::content;
use crate::index::Found;

/// What a heading or title counts beside the sentence's own words.
const ABOVE: f32 = 0.6;
/// What a sentence gains from the better of its two neighbours: answers often stand beside the words of the question.
const BESIDE: f32 = 0.4;
/// What a passage's rank is worth where no word tells sentences apart.
const RANK: f32 = 0.12;

/// What the model is given to read.
pub(super) struct Chosen {
    /// The sentences, as indexes in reading order.
    pub at: Vec<usize>,
    /// The same, those first that share most with the question.
    pub ranked: Vec<usize>,
}

/// Chooses at most `words_max` words of sentences; none longer than that is taken.
pub(super) fn choose(question: &str, found: &[Found], sentences: &[Sentence], words_max: usize) -> Chosen {
    let asked: BTreeSet<String> = content(question).into_iter().collect();
    let own: Vec<BTreeSet<String>> =
        sentences.iter().map(|sentence| content(&sentence.text).into_iter().collect()).collect();
    let above: Vec<BTreeSet<String>> =
        sentences.iter().map(|sentence| words_above(sentence, found, sentences)).collect();
    let weight = weights(&asked, &own, &above);
    let whole: f32 = weight.values().sum::<f32>().max(f32::EPSILON);

    let of = |words: &BTreeSet<String>| -> f32 {
        weight.iter().filter(|(word, _)| words.contains(**word)).map(|(_, weight)| weight).sum::<f32>() / whole
    };
    let by_own: Vec<f32> = own.iter().map(of).collect();
    let alone: Vec<f32> = (0..sentences.len())
        .map(|at| {
            let beyond: BTreeSet<String> = above[at].difference(&own[at]).cloned().collect();
            // A heading that has every word of the question is about it: what stands below has the words, too.
            let above = if of(&above[at]) > 0.999 { 1.0 } else { ABOVE };
            by_own[at] + above * of(&beyond)
        })
        .collect();
    let mut ranked: Vec<(f32, usize)> = (0..sentences.len())
        .map(|at| {
            let beside = |other: Option<usize>| {
                other
                    .filter(|o| sentences.get(*o).is_some_and(|s| s.from == sentences[at].from))
                    .map_or(0.0, |o| alone[o])
            };
            let neighbour = beside(at.checked_sub(1)).max(beside(at.checked_add(1)));
            let rank = 1.0 / (1.0 + sentences[at].from as f32);
            ((alone[at] + BESIDE * neighbour) * (1.0 + rank) + RANK * rank, at)
        })
        .collect();
    ranked.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1)));

    let mut taken = BTreeSet::new();
    let mut left = words_max;
    let cost = |at: usize| sentences[at].text.split_whitespace().count().max(sentences[at].text.len() / 12) + 2;
    for (_, at) in &ranked {
        let at = *at;
        // A list item is hard to read without the sentence that opens its list; and where it is the heading that answers,
        // the list is wanted whole or not at all.
        let list = if by_own[at] == 0.0 { lines_around(at, sentences) } else { at..at + 1 };
        let is_short =
            list.clone().filter(|at| !taken.contains(at)).map(cost).sum::<usize>() <= left.min(words_max / 2);
        let wanted = if is_short { list } else { at..at + 1 };
        for at in wanted.chain(sentences[at].lead_in) {
            let cost = cost(at);
            if cost <= left && taken.insert(at) {
                left -= cost;
            }
        }
    }
    let ranked = ranked.into_iter().map(|(_, at)| at).filter(|at| taken.contains(at)).collect();
    Chosen { at: taken.into_iter().collect(), ranked }
}

/// The list or table that a line stands in: the lines of its passage without a break.
fn lines_around(at: usize, sentences: &[Sentence]) -> Range<usize> {
    let belongs = |other: &Sentence| other.is_line && other.from == sentences[at].from;
    if !belongs(&sentences[at]) {
        return at..at + 1;
    }
    let before = sentences[..at].iter().rev().take_while(|other| belongs(other)).count();
    let after = sentences[at..].iter().take_while(|other| belongs(other)).count();
    at - before..at + after
}

/// The words that stand above a sentence: the title, the headings, the lead-in of its list.
fn words_above(sentence: &Sentence, found: &[Found], sentences: &[Sentence]) -> BTreeSet<String> {
    let passage = found[sentence.from].passage();
    let lead_in = sentence.lead_in.map(|at| sentences[at].text.as_str());
    std::iter::once(passage.title.as_str())
        .chain(passage.under.iter().map(String::as_str))
        .chain(lead_in)
        .flat_map(content)
        .collect()
}

/// What each word of the question is worth: the rarer among these sentences, the more. Only what was found is counted, so
/// nothing the asker cannot see has a say.
fn weights<'a>(
    asked: &'a BTreeSet<String>,
    own: &[BTreeSet<String>],
    above: &[BTreeSet<String>],
) -> BTreeMap<&'a str, f32> {
    let all = own.len() as f32;
    asked
        .iter()
        .map(|word| {
            let with =
                own.iter().zip(above).filter(|(own, above)| own.contains(word) || above.contains(word)).count() as f32;
            let weight = if with == 0.0 { 0.0 } else { (1.0 + (all - with + 0.5) / (with + 0.5)).ln() };
            (word.as_str(), weight)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::sentence::sentences;
    use super::super::tests::found;
    use super::*;

    #[test]
    fn the_sentence_that_shares_words_and_its_neighbour_are_taken_before_others() {
        let page = "Lunch is at noon. The dental plan covers two visits. It costs nothing. Parking is free. Bikes are welcome.";
        let found = [found("wiki:1", "Handbook", page)];
        let all = sentences(&found);

        let chosen = choose("What does the dental plan cover?", &found, &all, 16).at;

        assert!(chosen.contains(&1), "{chosen:?}");
        assert!(chosen.iter().all(|at| (0..=2).contains(at)), "{chosen:?}");
    }

    #[test]
    fn rows_below_a_heading_that_answers_are_taken_whole() {
        let rows = "Name: Ada; Role: lead\nName: Bob; Role: design\nName: Cleo; Role: test";
        let found = [found("wiki:1", "Team", rows), found("wiki:2", "Canteen", "Soup is served daily from noon on.")];
        let all = sentences(&found);

        assert_eq!(choose("Who is on my team?", &found, &all, 20).at, [0, 1, 2]);
    }

    #[test]
    fn a_list_below_a_heading_that_answers_comes_whole_before_sentences_that_only_share_a_word() {
        let team = "Ingrid leads the project.\nTomasz looks after access.\nYuki is the designer.";
        let meetings = "The stand-up is for the whole team. The retrospective is for the team only.";
        let found = [found("wiki:1", "AnyOrgApp team", team), found("wiki:2", "Meetings", meetings)];
        let all = sentences(&found);

        assert_eq!(choose("Who is on my team?", &found, &all, 20).at, [0, 1, 2]);
    }

    #[test]
    fn no_more_words_are_taken_than_allowed() {
        let found = [found("wiki:1", "Page", &"One short sentence stands here. ".repeat(50))];
        let all = sentences(&found);
        let chosen = choose("Which sentence is short?", &found, &all, 40).at;

        assert!(chosen.iter().map(|at| all[*at].text.split_whitespace().count()).sum::<usize>() <= 40);
        assert!(!chosen.is_empty());
    }
}
