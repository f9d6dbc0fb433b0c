//! Titles of conversations: made from the first question, or given by the owner; sealed either way.

use serde::{Deserialize, Serialize};

use crate::names::{ConversationId, UserId};
use crate::store::json_record;
use crate::vault::{ConversationKey, Label, Place, Sealed};

#[derive(Serialize, Deserialize)]
struct Title(String);
json_record!(Title, 1);

const LABEL: Label = Label("history title");

/// Characters of a title made from a question: about a line of the list.
const MADE_CHARS_MAX: usize = 80;
/// Characters of a title that its owner gives.
const GIVEN_CHARS_MAX: usize = 200;

/// The question, cut at a word where it is long.
pub(super) fn of_question(question: &str) -> String {
    let line = one_line(question);
    if line.chars().count() <= MADE_CHARS_MAX {
        return line;
    }
    let cut: String = line.chars().take(MADE_CHARS_MAX - 1).collect();
    let words = cut.rsplit_once(' ').map_or(cut.as_str(), |(words, _)| words);
    format!("{words}…")
}

/// What its owner wrote, on one line; `None` where nothing of it can be seen.
pub(super) fn given(title: &str) -> Option<String> {
    let line: String = one_line(title).chars().take(GIVEN_CHARS_MAX).collect();
    let line = line.trim_end().to_owned();
    line.chars().any(|c| c.is_alphanumeric() || !is_unseen(c)).then_some(line)
}

pub(super) fn seal(title: String, key: &ConversationKey, owner: &UserId, conversation: &ConversationId) -> Vec<u8> {
    Sealed::seal(&Title(title), key, &place(owner, conversation)).as_bytes().to_vec()
}

pub(super) fn open(
    sealed: &[u8],
    key: &ConversationKey,
    owner: &UserId,
    conversation: &ConversationId,
) -> Option<String> {
    Sealed::<Title>::from_bytes(sealed).open(key, &place(owner, conversation)).ok().map(|title| title.0)
}

fn place<'a>(owner: &'a UserId, conversation: &'a ConversationId) -> Place<'a> {
    Place { label: &LABEL, owner, conversation, sequence: 0 }
}

fn one_line(text: &str) -> String {
    let visible: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// White space, and marks that draw nothing: joiners, direction marks, the soft hyphen, the byte order mark.
fn is_unseen(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_question_is_cut_at_a_word() {
        let question =
            "How many days of parental leave do I have when my child is born in the middle of the second year?";

        let title = of_question(question);

        assert_eq!(title, "How many days of parental leave do I have when my child is born in the middle…");
        assert!(title.chars().count() <= MADE_CHARS_MAX);
        assert_eq!(of_question("Who is\non my team?"), "Who is on my team?");
        assert_eq!(of_question(&"ü".repeat(100)).chars().count(), MADE_CHARS_MAX);
    }

    #[test]
    fn a_given_title_is_one_line_and_can_be_seen() {
        assert_eq!(given("  My\u{7} team\r\n plans ").as_deref(), Some("My team plans"));
        assert_eq!(given(&"ab ".repeat(200)).map(|title| title.chars().count()), Some(200));
        assert_eq!(given(" \u{200b}\u{202e}\n"), None);
    }
}
