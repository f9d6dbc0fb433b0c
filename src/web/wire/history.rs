//! Conversations on the wire.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Answer;
use crate::app;
use crate::history;

/// One conversation in the list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Listed {
    /// Which.
    pub conversation_id: String,
    /// The application it was begun in.
    pub application: String,
    /// Its title; `null` where the record is damaged.
    pub title: Option<String>,
    /// RFC 3339.
    pub began_at: String,
    /// When it was last added to, RFC 3339.
    pub changed_at: String,
    /// Questions in it.
    pub turns: u64,
}

/// A page of the asker's conversations, the last changed first.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConversationList {
    /// The conversations.
    pub conversations: Vec<Listed>,
    /// What to give as `cursor` for the next page; `null` on the last.
    pub next_cursor: Option<String>,
}

/// One conversation with its messages, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct Conversation {
    /// As in the list.
    #[serde(flatten)]
    pub listed: Listed,
    /// The messages.
    pub messages: Vec<Message>,
}

/// One question with its answer; where the record is damaged, only `is_unreadable` is there.
#[derive(Debug, Serialize, ToSchema)]
pub struct Message {
    /// The record is damaged and cannot be opened.
    pub is_unreadable: bool,
    /// Which.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// The message it follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_message_id: Option<String>,
    /// RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked_at: Option<String>,
    /// The question.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub question: Option<String>,
    /// The answer, as it may be shown now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
    /// What its owner thought of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feedback: Option<Feedback>,
}

/// What the owner of an answer thinks of it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Feedback {
    /// `up` or `down`.
    pub rating: Rating,
    /// Reason codes: lower-case letters and `_`; at most twelve.
    #[serde(default)]
    pub reasons: Vec<String>,
    /// In their own words; sealed like the rest. At most 4096 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// A thumb.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rating {
    /// It helped.
    Up,
    /// It did not.
    Down,
}

/// What is looked for in one's own history.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HistorySearch {
    /// Words, at most 1024 bytes; each must begin a word of the title, or of one turn: its question, the sentences of its
    /// answer that may be shown now, and one's own comment.
    pub query: String,
    /// 1 to 50; 20 where absent.
    #[serde(default)]
    pub limit: Option<usize>,
}

/// The conversations that have the words, the last changed first.
#[derive(Debug, Serialize, ToSchema)]
pub struct HistoryResults {
    /// The conversations.
    pub results: Vec<HistoryResult>,
}

/// A conversation that was found.
#[derive(Debug, Serialize, ToSchema)]
pub struct HistoryResult {
    /// As in the list.
    #[serde(flatten)]
    pub listed: Listed,
    /// Turns that have the words, the last first, at most three; none where the title alone has them.
    pub messages: Vec<FoundMessage>,
}

/// A turn that was found.
#[derive(Debug, Serialize, ToSchema)]
pub struct FoundMessage {
    /// Which.
    pub message_id: String,
    /// RFC 3339.
    pub asked_at: String,
    /// The question.
    pub question: String,
    /// The first sentence of the answer that has one of the words and may be shown now.
    pub sentence: Option<String>,
}

impl From<Vec<app::Remembered>> for HistoryResults {
    fn from(found: Vec<app::Remembered>) -> HistoryResults {
        let message = |turn: app::RememberedTurn| FoundMessage {
            message_id: turn.message.to_string(),
            asked_at: turn.asked.rfc3339(),
            question: turn.question,
            sentence: turn.sentence,
        };
        let result = |one: app::Remembered| HistoryResult {
            listed: Listed::from(&one.listed),
            messages: one.turns.into_iter().map(message).collect(),
        };
        HistoryResults { results: found.into_iter().map(result).collect() }
    }
}

/// Another title.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rename {
    /// 1 to 200 characters.
    pub title: String,
}

/// How many conversations were deleted.
#[derive(Debug, Serialize, ToSchema)]
pub struct Deleted {
    /// All the asker had.
    pub deleted: usize,
}

/// Reason codes that one rating may carry.
const REASONS_MAX: usize = 12;
/// Letters of a reason code.
const REASON_LETTERS_MAX: usize = 40;
/// Bytes of a comment.
const COMMENT_BYTES_MAX: usize = 4096;

impl Feedback {
    /// As the history keeps it, or what to mend. Reason codes are seen by administrators and are in the log, so nothing
    /// that could carry a sentence is taken for one.
    pub fn checked(self) -> Result<history::Feedback, String> {
        let is_code = |code: &String| {
            (1..=REASON_LETTERS_MAX).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
        };
        if self.reasons.len() > REASONS_MAX || !self.reasons.iter().all(is_code) {
            return Err("reasons are at most 12 codes of 1 to 40 lower-case letters and '_'".to_owned());
        }
        if self.comment.as_ref().is_some_and(|comment| comment.len() > COMMENT_BYTES_MAX) {
            return Err("a comment has at most 4096 bytes".to_owned());
        }
        let rating = match self.rating {
            Rating::Up => "up",
            Rating::Down => "down",
        };
        let comment = self.comment.filter(|comment| !comment.trim().is_empty());
        Ok(history::Feedback { rating: rating.to_owned(), reasons: self.reasons, comment })
    }
}

impl From<&history::Feedback> for Feedback {
    fn from(feedback: &history::Feedback) -> Feedback {
        let rating = if feedback.rating == "up" { Rating::Up } else { Rating::Down };
        Feedback { rating, reasons: feedback.reasons.clone(), comment: feedback.comment.clone() }
    }
}

impl From<&history::Listed> for Listed {
    fn from(listed: &history::Listed) -> Listed {
        Listed {
            conversation_id: listed.id.to_string(),
            application: listed.application.to_string(),
            title: listed.title.clone(),
            began_at: listed.began.rfc3339(),
            changed_at: listed.changed.rfc3339(),
            turns: listed.turns,
        }
    }
}

impl From<&app::Turn> for Message {
    fn from(turn: &app::Turn) -> Message {
        match turn {
            app::Turn::Read { parent, asked, question, reply, feedback } => Message {
                is_unreadable: false,
                message_id: Some(reply.message.to_string()),
                parent_message_id: parent.map(|parent| parent.to_string()),
                asked_at: Some(asked.rfc3339()),
                question: Some(question.clone()),
                answer: Some(Answer::from(&**reply)),
                feedback: feedback.as_ref().map(Feedback::from),
            },
            app::Turn::Unreadable => Message {
                is_unreadable: true,
                message_id: None,
                parent_message_id: None,
                asked_at: None,
                question: None,
                answer: None,
                feedback: None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feedback(reasons: &[&str], comment: Option<String>) -> Feedback {
        Feedback { rating: Rating::Down, reasons: reasons.iter().map(|&reason| reason.to_owned()).collect(), comment }
    }

    #[test]
    fn a_reason_that_is_a_sentence_is_refused() {
        assert!(feedback(&["not_true"], None).checked().is_ok());
        assert!(feedback(&["Mary told me otherwise"], None).checked().is_err());
        assert!(feedback(&["a"; 13], None).checked().is_err());
    }

    #[test]
    fn an_enormous_comment_is_refused_and_an_empty_one_dropped() {
        assert!(feedback(&[], Some("x".repeat(4097))).checked().is_err());
        assert_eq!(feedback(&[], Some(" ".to_owned())).checked().unwrap().comment, None);
    }
}
