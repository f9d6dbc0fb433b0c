//! How the assistant responds: how much, in which tone, what it does not say, and of what it speaks with whom.
//!
//! Salaries are a topic: two questions show what it is about, and only `hr-team` may ask. Mary, who is in it, is answered
//! from the pages she may open; Mateo is told, in fixed words, that the assistant does not answer this. What decides is his
//! question, the settings and his groups, never a page, so the refusal tells nothing of what the pages say.

use serde::{Deserialize, Serialize};

use super::settings::{LIST_MAX, Settings, Wrong, group_names};
use crate::directory::Directory;
use crate::names::{GroupName, UserId};

/// Bytes of a phrase, a topic's name or an example.
const TEXT_BYTES_MAX: usize = 1000;
/// Below this similarity nearly every question would be about the topic.
const SIMILARITY_MIN: f32 = 0.2;

/// How much an answer tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Length {
    /// Three sentences at most, from half of the words.
    Short,
    /// As the settings of answers have it.
    #[default]
    Normal,
    /// Twice as many sentences, from half as many words again, and beside them the sentences that match the question best.
    Detailed,
}

/// The tone of what the assistant says itself. The sentences of an answer are the pages' own and have theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// "I did not find this in pages you can open."
    #[default]
    Plain,
    /// "No answer was found in the pages that are open to you."
    Formal,
}

/// Whom a topic is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TopicRule {
    /// Only for members of its groups; with none, for nobody.
    Allow,
    /// For everybody but members of its groups.
    Deny,
}

/// Questions of one kind, and who may ask them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topic {
    /// What administrators call it; nobody else is shown it.
    pub name: String,
    /// Questions that are about it.
    pub examples: Vec<String>,
    /// Whom it is for.
    pub rule: TopicRule,
    /// Provisioned groups, by display name.
    #[serde(default)]
    pub groups: Vec<String>,
    /// How near a question must be to one of the examples, as the cosine of their vectors; 0.2 to 1.
    #[serde(default = "similarity")]
    pub similarity: f32,
}

/// Questions on a topic in other words than its three examples came to 0.28 to 0.54, and some beside it ("Who is my manager?"
/// beside pay) to 0.52: no share parts them, and more examples help more than another share.
fn similarity() -> f32 {
    0.5
}

/// How the assistant responds: the settings, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Responses {
    /// How much an answer tells.
    pub length: Length,
    /// In which tone.
    pub tone: Tone,
    /// What neither a question nor an answer may say.
    pub blocked_phrases: Vec<String>,
    /// Of what it speaks with whom.
    pub topics: Vec<Topic>,
    /// The groups of each topic.
    groups: Vec<Vec<GroupName>>,
}

impl Responses {
    /// Checks the settings; the error says which of them is wrong and how it is mended.
    pub(super) fn of(settings: &Settings) -> Result<Responses, Wrong> {
        let is_text = |text: &String| text.len() <= TEXT_BYTES_MAX && text.chars().any(char::is_alphanumeric);
        let fits =
            |place: String, list: usize| if list > LIST_MAX { Err(Wrong::TooMany(place, LIST_MAX)) } else { Ok(()) };
        fits("blocked_phrases".to_owned(), settings.blocked_phrases.len())?;
        if let Some(at) = settings.blocked_phrases.iter().position(|phrase| !is_text(phrase)) {
            return Err(Wrong::Phrase(at + 1));
        }
        fits("topic".to_owned(), settings.topic.len())?;
        let mut groups = Vec::new();
        for (at, topic) in settings.topic.iter().enumerate() {
            let is_taken = settings.topic[..at].iter().any(|other| other.name.trim() == topic.name.trim());
            if !is_text(&topic.name) || is_taken {
                return Err(Wrong::TopicName(at + 1));
            }
            let named = |place: &str| format!("topic {:?} {place}", topic.name);
            fits(named("examples"), topic.examples.len())?;
            fits(named("groups"), topic.groups.len())?;
            if topic.examples.is_empty() || !topic.examples.iter().all(is_text) {
                let why = "needs examples; give it questions that are about it, each of 1 to 1000 bytes";
                return Err(Wrong::Topic(topic.name.clone(), why));
            }
            if topic.rule == TopicRule::Deny && topic.groups.is_empty() {
                let why = "is denied to nobody; name groups, or deny it to all by rule = \"allow\" without groups";
                return Err(Wrong::Topic(topic.name.clone(), why));
            }
            if !(SIMILARITY_MIN..=1.0).contains(&topic.similarity) {
                let why = "similarity is not between 0.2 and 1; leave it out for 0.5";
                return Err(Wrong::Topic(topic.name.clone(), why));
            }
            groups.push(group_names(&topic.groups, || named("groups"))?);
        }
        Ok(Responses {
            length: settings.length,
            tone: settings.tone,
            blocked_phrases: settings.blocked_phrases.clone(),
            topics: settings.topic.clone(),
            groups,
        })
    }

    /// Whether this person may ask about the topic of this number, by their groups now. A topic that is denied to a group
    /// which the directory does not have is denied to everybody: a misspelt name must not open it.
    pub fn may_ask(&self, directory: &Directory, user: &UserId, topic: usize) -> bool {
        let groups = &self.groups[topic];
        match self.topics[topic].rule {
            TopicRule::Allow => directory.is_in_any(user, groups),
            TopicRule::Deny => {
                let known = directory.groups();
                let is_known = |name: &GroupName| {
                    known.iter().any(|group| GroupName::parse(&group.display_name).is_ok_and(|known| known == *name))
                };
                groups.iter().all(is_known) && !directory.is_in_any(user, groups)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Settings {
        toml::from_str(text).unwrap()
    }

    fn wrong(text: &str) -> String {
        Responses::of(&settings(text)).unwrap_err().to_string()
    }

    #[test]
    fn what_is_wrong_with_the_settings_is_said_with_how_to_mend_it() {
        let topic = "[[topic]]\nname = \"pay\"\n";
        for (text, said) in [
            ("blocked_phrases = [\"x\", \"--\"]".to_owned(), "blocked_phrases: phrase 2 "),
            (format!("{topic}examples = []\nrule = \"allow\""), "topic \"pay\" needs examples"),
            (format!("{topic}examples = [\"?\"]\nrule = \"allow\""), "topic \"pay\" needs examples"),
            (format!("{topic}examples = [\"Who earns what?\"]\nrule = \"deny\""), "topic \"pay\" is denied to nobody"),
            (
                format!("{topic}examples = [\"Who earns what?\"]\nrule = \"allow\"\nsimilarity = 0.0"),
                "topic \"pay\" similarity",
            ),
            (
                format!("{topic}examples = [\"Who earns what?\"]\nrule = \"allow\"\ngroups = [\" \"]"),
                "topic \"pay\" groups",
            ),
            (
                format!("{0}{0}", format_args!("{topic}examples = [\"Who earns what?\"]\nrule = \"allow\"\n")),
                "topic 2 has no name of its own",
            ),
        ] {
            let error = wrong(&text);
            assert!(error.starts_with(&format!("application.{said}")) && error.contains("; "), "{text}: {error}");
        }
    }
}
