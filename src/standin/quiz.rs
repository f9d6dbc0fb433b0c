//! Puts a file of questions to the appliance as the demo's people, and holds each answer against what it must say.
//!
//! A file has JSON lines: `id`, `kind` (a name to count by), `by` (a user name), `question`, `has` (words that must all stand
//! in the answer), and where they matter `lacks` (words that must not) and `word` (`Yes` or `No`, with which it must begin).

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::Value;

use super::browser::Browser;
use super::play::Stage;

/// One question.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: String,
    kind: String,
    by: String,
    question: String,
    has: Vec<String>,
    #[serde(default)]
    lacks: Vec<String>,
    word: Option<String>,
}

/// How many questions of a kind were answered right, of how many.
pub type Marks = BTreeMap<String, (usize, usize)>;

/// Puts every question of a file, each in a conversation of its own, and says how each was answered.
pub fn put(stage: &Stage<'_>, file: &str) -> anyhow::Result<Marks> {
    let mut browsers: BTreeMap<String, Browser> = BTreeMap::new();
    let mut marks = Marks::new();
    for (number, line) in file.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let row: Row = serde_json::from_str(line).with_context(|| format!("line {}", number + 1))?;
        if !browsers.contains_key(&row.by) {
            let mut browser = Browser::open(stage.base, std::slice::from_ref(stage.issuer), stage.roots_pem)?;
            browser.sign_in(stage.provider, &row.by).with_context(|| format!("signing in as {}", row.by))?;
            browsers.insert(row.by.clone(), browser);
        }
        let browser = browsers.get_mut(&row.by).context("the browser was opened above")?;
        let answer = browser.answer(&row.question).with_context(|| format!("{} asked {:?}", row.by, row.question))?;
        let wrong = fault(&row, &answer);
        let (right, all) = marks.entry(row.kind.clone()).or_default();
        *right += usize::from(wrong.is_none());
        *all += 1;
        let mark = wrong.map_or_else(|| "right".to_owned(), |why| format!("WRONG: {why}"));
        (stage.say)(&format!("{} {}: {} -> {mark}", row.id, row.by, row.question));
        for text in texts(&answer) {
            (stage.say)(&format!("    {text}"));
        }
    }
    Ok(marks)
}

/// What is not as it must be in an answer, if anything.
fn fault(row: &Row, answer: &Value) -> Option<String> {
    if answer["outcome"] != "answered" {
        return Some(format!("it was {}", answer["outcome"].as_str().unwrap_or("nothing")));
    }
    let texts = texts(answer);
    let said = plain(&texts.join(" "));
    if let Some(missing) = row.has.iter().find(|words| !said.contains(&plain(words))) {
        return Some(format!("{missing:?} is not said"));
    }
    if let Some(strange) = row.lacks.iter().find(|words| said.contains(&plain(words))) {
        return Some(format!("{strange:?} is said"));
    }
    let begins = |word: &String| texts.first().is_some_and(|text| text.starts_with(&format!("{word}.")));
    row.word.as_ref().filter(|word| !begins(word)).map(|word| format!("it does not begin with {word}"))
}

fn texts(answer: &Value) -> Vec<String> {
    let claims = answer["claims"].as_array().into_iter().flatten();
    claims.filter_map(|claim| claim["text"].as_str().map(str::to_owned)).collect()
}

/// Lower-case words with a space around each, so that only whole words are found in it.
fn plain(text: &str) -> String {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    format!(" {} ", words.map(str::to_lowercase).collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(claims: &[&str]) -> Value {
        let claims: Vec<Value> = claims.iter().map(|text| json!({ "text": text })).collect();
        json!({ "outcome": "answered", "claims": claims })
    }

    fn row() -> Row {
        Row {
            id: "1".to_owned(),
            kind: "yes_no".to_owned(),
            by: "mary.major".to_owned(),
            question: "Is the doctor's note due?".to_owned(),
            has: vec!["doctor's note".to_owned(), "day four".to_owned()],
            lacks: vec!["Helena".to_owned()],
            word: Some("Yes".to_owned()),
        }
    }

    #[test]
    fn an_answer_is_right_that_says_all_it_must_after_the_word() {
        assert_eq!(fault(&row(), &told(&["Yes. The Doctor\u{2019}s note is due.", "From  day four on."])), None);
    }

    #[test]
    fn a_missing_fact_a_strange_one_a_missing_word_and_a_refusal_are_faults() {
        for wrong in [
            told(&["Yes. The doctor's note is due."]),
            told(&["Yes. The doctor's note is due from day four on, says Helena."]),
            told(&["The doctor's note is due from day four on. Yes."]),
            json!({ "outcome": "refused", "claims": [] }),
        ] {
            assert!(fault(&row(), &wrong).is_some(), "{wrong}");
        }
    }
}
