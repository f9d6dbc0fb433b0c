//! A conversation as a file its owner takes away.

use std::fmt::Write as _;

use serde::Deserialize;

use super::wire;

/// In which form.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Markdown, to read.
    #[default]
    Md,
    /// JSON, to keep.
    Json,
}

impl Format {
    /// How a file of it ends.
    pub fn ending(self) -> &'static str {
        match self {
            Format::Md => "md",
            Format::Json => "json",
        }
    }
}

/// The media type and the text.
pub fn written(conversation: &wire::Conversation, format: Format) -> (&'static str, String) {
    match format {
        Format::Md => ("text/markdown; charset=utf-8", markdown(conversation)),
        Format::Json => (
            "application/json",
            serde_json::to_string_pretty(conversation).expect("a wire shape is text, numbers and lists of them"),
        ),
    }
}

fn markdown(conversation: &wire::Conversation) -> String {
    let mut out = String::new();
    let title = conversation.listed.title.as_deref().unwrap_or("Conversation");
    // Writing to a String cannot fail.
    let _ = writeln!(out, "# {}\n\nBegan {}.", escaped(title), conversation.listed.began_at);
    for message in &conversation.messages {
        turn(&mut out, message);
    }
    out
}

fn turn(out: &mut String, message: &wire::Message) {
    let (Some(question), Some(answer)) = (&message.question, &message.answer) else {
        out.push_str("\n## A turn that cannot be read\n\nThe record is damaged.\n");
        return;
    };
    let _ = writeln!(out, "\n## {}\n", escaped(question));
    if let Some(because) = answer.made.because {
        let _ = writeln!(out, "_{}_\n", quoted(because));
    }
    if let Some(refusal) = &answer.refusal {
        let _ = writeln!(out, "{}\n", escaped(refusal));
    }
    for claim in &answer.claims {
        let marks: String = claim.citations.iter().map(|number| format!("[{number}]")).collect();
        let _ = writeln!(out, "{}{}{}", escaped(&claim.text), if marks.is_empty() { "" } else { " " }, marks);
    }
    if !answer.sources.is_empty() {
        out.push_str("\nSources:\n\n");
    }
    for source in &answer.sources {
        let (number, title, space) = (source.number, escaped(&source.title), escaped(&source.space.name));
        let _ = writeln!(out, "{number}. {title} ({space}), <{}>, updated {}", source.url, source.updated_at);
    }
}

/// What stands above an answer that no language model had a part in; the page says the same.
fn quoted(because: wire::Because) -> &'static str {
    match because {
        wire::Because::Busy => "Quoted from pages: the language model was busy.",
        wire::Because::Missing => "Quoted from pages: there was no language model.",
        wire::Because::Failed => "Quoted from pages: the language model could not finish.",
    }
}

/// Text with the characters that Markdown reads as marks escaped, on one line: words of a page stay words.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' => out.push(' '),
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '!' | '~' | '&' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conversation(messages: Vec<wire::Message>) -> wire::Conversation {
        let listed = wire::Listed {
            conversation_id: "0a".to_owned(),
            application: "default".to_owned(),
            title: Some("Team".to_owned()),
            began_at: "2026-11-24T08:00:00.000Z".to_owned(),
            changed_at: "2026-11-24T08:00:00.000Z".to_owned(),
            turns: 1,
        };
        wire::Conversation { listed, messages }
    }

    #[test]
    fn words_of_a_page_do_not_become_markup() {
        assert_eq!(escaped("![x](http://e)\n<b>"), "\\!\\[x\\](http://e) \\<b\\>");
    }

    #[test]
    fn a_damaged_turn_is_said_to_be_one() {
        let damaged = wire::Message::from(&crate::app::Turn::Unreadable);

        let (kind, text) = written(&conversation(vec![damaged]), Format::Md);

        assert!(kind.starts_with("text/markdown"));
        assert!(text.contains("The record is damaged."), "{text}");
    }

    #[test]
    fn json_keeps_the_shape_of_the_conversation() {
        let (_, text) = written(&conversation(Vec::new()), Format::Json);

        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["conversation_id"], "0a");
        assert_eq!(value["messages"], serde_json::json!([]));
    }
}
