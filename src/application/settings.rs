//! Applications as the settings file has them: `[application]` for the default one, or an `[[application]]` for each.

use std::collections::BTreeMap;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use super::{Length, Tier, Tone, Topic};
use crate::names::{ApplicationId, GroupName, SourceId, Unacceptable, UserName};

/// Entries of a list in these settings.
pub const LIST_MAX: usize = 500;
/// Characters of a title, and of a welcome or a sample question.
const TITLE_CHARS_MAX: usize = 100;
const LINE_CHARS_MAX: usize = 500;
/// Sample questions.
const QUESTIONS_MAX: usize = 20;

/// Which file or variable a setting stands in, which therefore is not changed on the desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Locked {
    /// The settings file.
    File,
    /// A variable of the environment.
    Environment,
}

/// One application: its looks, who may use it, and how it responds.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// A short word; `default` for the one that always exists.
    pub id: ApplicationId,
    /// What the page is called.
    pub title: String,
    /// One line under the greeting.
    pub welcome: String,
    /// Questions to begin with, shown before those made from titles.
    pub questions: Vec<String>,
    /// Sources it may use; none named: all. It only takes away.
    pub sources: Vec<SourceId>,
    /// Whether everybody in the directory may use it. Where it is not said: for the default one, unless groups or people are
    /// named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub everybody: Option<bool>,
    /// Provisioned groups (display names) whose members may use it.
    pub groups: Vec<String>,
    /// People (user names) who may use it.
    pub people: Vec<String>,
    /// The seat of those named here: `reader` or `full`.
    pub tier: Tier,
    /// Days after its last message at which a conversation's key is destroyed; 0 keeps it until its owner deletes it. Where it
    /// is not said, `history.days` counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<u64>,
    /// How much an answer tells: `short`, `normal` or `detailed`.
    pub length: Length,
    /// The tone of what it says itself: `plain` or `formal`. The sentences of an answer are the pages' own.
    pub tone: Tone,
    /// Phrases that neither a question nor an answer may have, however they are written.
    pub blocked_phrases: Vec<String>,
    /// Topics, each shown by example questions, and who may ask about them.
    pub topic: Vec<Topic>,
    /// The settings that the file or the environment has: they are not the desk's to change.
    #[serde(skip)]
    pub(crate) written: BTreeMap<String, Locked>,
    /// Of the default one: the others.
    #[serde(skip)]
    pub(crate) others: Vec<Settings>,
    #[serde(skip)]
    pub(super) form: Form,
}

/// How the file has the default application.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Form {
    /// As `[application]`, or not at all.
    #[default]
    Table,
    /// As the entry of this number among several, or as none of them.
    Entry(Option<usize>),
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            id: ApplicationId::default(),
            title: "Sotto".to_owned(),
            welcome: "Answers come from the pages you can open.".to_owned(),
            questions: Vec::new(),
            sources: Vec::new(),
            everybody: None,
            groups: Vec::new(),
            people: Vec::new(),
            tier: Tier::default(),
            days: None,
            length: Length::default(),
            tone: Tone::default(),
            blocked_phrases: Vec::new(),
            topic: Vec::new(),
            written: BTreeMap::new(),
            others: Vec::new(),
            form: Form::default(),
        }
    }
}

/// Settings that cannot be taken, and how they are mended.
#[derive(Debug, thiserror::Error)]
pub enum Wrong {
    /// Two of one id.
    #[error("application.id {0} stands twice; give each [[application]] an id of its own")]
    Twice(ApplicationId),
    /// A text that cannot be shown.
    #[error("application.{0} is empty, of several lines or too long; write one line of 1 to {1} characters")]
    Text(&'static str, usize),
    /// A source there is none of.
    #[error("application.sources: there is no source {0}; name sources as [[source]] does")]
    Source(SourceId),
    /// A group or a person that is no name.
    #[error("application.{0}: {1}; name groups as the provider displays them, and people by their user names")]
    Name(String, #[source] Unacceptable),
    /// More entries than a list may have.
    #[error("application.{0} has too many entries; at most {1} are taken")]
    TooMany(String, usize),
    /// A phrase by its number.
    #[error(
        "application.blocked_phrases: phrase {0} has no letter or digit, or over 1000 bytes; write some words of it"
    )]
    Phrase(usize),
    /// A topic by its number.
    #[error("application.topic {0} has no name of its own; give each topic a short name that no other has")]
    TopicName(usize),
    /// A topic by its name, and what it lacks with how to mend it.
    #[error("application.topic {0:?} {1}")]
    Topic(String, &'static str),
}

impl Settings {
    /// This one and the others.
    pub fn all(&self) -> impl Iterator<Item = &Settings> {
        std::iter::once(self).chain(&self.others)
    }

    /// Notes of each which of its settings the file or the environment has.
    pub(crate) fn note_written(&mut self, written: impl Fn(&ApplicationId) -> BTreeMap<String, Locked>) {
        self.written = written(&self.id);
        for other in &mut self.others {
            other.written = written(&other.id);
        }
    }

    /// Whether the settings say who may use it.
    pub(super) fn assigns(&self) -> bool {
        let names = self.everybody.is_some() || !self.groups.is_empty() || !self.people.is_empty();
        names || self.assigning().is_some()
    }

    /// Where they say it.
    pub(super) fn assigning(&self) -> Option<Locked> {
        ["everybody", "groups", "people", "tier"].iter().find_map(|key| self.written.get(*key).copied())
    }

    /// Refuses what cannot be shown or kept.
    pub(super) fn check(&self) -> Result<(), Wrong> {
        let fits = |key: &str, list: usize, most: usize| {
            if list > most { Err(Wrong::TooMany(key.to_owned(), most)) } else { Ok(()) }
        };
        line("title", &self.title, TITLE_CHARS_MAX)?;
        line("welcome", &self.welcome, LINE_CHARS_MAX)?;
        fits("questions", self.questions.len(), QUESTIONS_MAX)?;
        self.questions.iter().try_for_each(|question| line("questions", question, LINE_CHARS_MAX))?;
        fits("sources", self.sources.len(), LIST_MAX)?;
        fits("groups", self.groups.len(), LIST_MAX)?;
        fits("people", self.people.len(), LIST_MAX)
    }

    /// Refuses a source that is none of these: a misspelt name would leave the application without its pages.
    pub(super) fn check_sources(&self, there: &[SourceId]) -> Result<(), Wrong> {
        match self.sources.iter().find(|source| !there.contains(source)) {
            Some(unknown) => Err(Wrong::Source(unknown.clone())),
            None => Ok(()),
        }
    }

    pub(super) fn group_names(&self) -> Result<Vec<GroupName>, Wrong> {
        group_names(&self.groups, || "groups".to_owned())
    }

    pub(super) fn user_names(&self) -> Result<Vec<UserName>, Wrong> {
        let parse = |name: &String| UserName::parse(name).map_err(|why| Wrong::Name("people".to_owned(), why));
        self.people.iter().map(parse).collect()
    }
}

/// Groups by their names; `place` says where one that is no name stands.
pub(super) fn group_names(names: &[String], place: impl Fn() -> String) -> Result<Vec<GroupName>, Wrong> {
    let parse = |name: &String| GroupName::parse(name).map_err(|why| Wrong::Name(place(), why));
    names.iter().map(parse).collect()
}

fn line(key: &'static str, text: &str, most: usize) -> Result<(), Wrong> {
    let is_line = !text.trim().is_empty() && !text.chars().any(char::is_control) && text.chars().count() <= most;
    if is_line { Ok(()) } else { Err(Wrong::Text(key, most)) }
}

/// Reads `[application]`, or `[[application]]` for several: the default one, with the others in it.
pub fn read_declared<'de, D: Deserializer<'de>>(from: D) -> Result<Settings, D::Error> {
    struct Either;
    impl<'de> Visitor<'de> for Either {
        type Value = Settings;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a section [application], or an [[application]] for each")
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Settings, A::Error> {
            Settings::deserialize(MapAccessDeserializer::new(map))
        }

        fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Settings, A::Error> {
            let mut others = Vec::<Settings>::deserialize(SeqAccessDeserializer::new(list))?;
            let at = others.iter().position(|one| one.id == ApplicationId::default());
            let default = at.map(|at| others.remove(at)).unwrap_or_default();
            Ok(Settings { others, form: Form::Entry(at), ..default })
        }
    }
    from.deserialize_any(Either)
}

/// Writes them in the form in which they were read.
pub fn write_declared<S: Serializer>(settings: &Settings, to: S) -> Result<S::Ok, S::Error> {
    match settings.form {
        Form::Table if settings.others.is_empty() => settings.serialize(to),
        Form::Table => settings.all().collect::<Vec<_>>().serialize(to),
        Form::Entry(at) => {
            let mut all: Vec<&Settings> = settings.others.iter().collect();
            if let Some(at) = at {
                all.insert(at.min(all.len()), settings);
            }
            all.serialize(to)
        }
    }
}
