//! Applications on the wire.

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::assignment::Assignment;
use super::people::{PersonName, person};
use super::seat::OnRecord;
use crate::app::{self, Who};
use crate::application::{self, Origin};
use crate::names::{ApplicationId, SourceId};
use crate::web::reply::Reply;

/// All applications.
#[derive(Debug, Serialize, ToSchema)]
pub struct Applications {
    /// The default one first, then by id.
    pub applications: Vec<ApplicationRow>,
}

/// One application in the list.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApplicationRow {
    /// A short word.
    pub id: String,
    /// What the page is called.
    pub title: String,
    /// `null` for all.
    pub sources: Option<Vec<String>>,
    /// People who may use it now.
    pub members: usize,
    /// Whether it is everybody's in the directory.
    pub everybody: bool,
    /// Whether it can be deleted here.
    pub deletable: bool,
}

/// One application with all its settings.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApplicationDetail {
    /// As in the list.
    #[serde(flatten)]
    pub row: ApplicationRow,
    /// One line under the greeting.
    pub welcome: String,
    /// Questions to begin with.
    pub questions: Vec<String>,
    /// Days after its last message at which a conversation is destroyed, as it was said here: 0 until deleted, `null` where the
    /// general setting counts.
    pub days: Option<u64>,
    /// The days that count for a full seat; a reader's conversations are kept seven at most.
    pub days_kept: u64,
    /// How much an answer tells.
    pub length: Length,
    /// The tone of what the assistant says itself.
    pub tone: Tone,
    /// What neither a question nor an answer may say.
    pub blocked_phrases: Vec<String>,
    /// Of what it speaks with whom.
    pub topics: Vec<Topic>,
    /// Who is assigned.
    pub assignments: Vec<Assignment>,
    /// People who were removed, whatever group they are in.
    pub except: Vec<PersonName>,
    /// Where each setting comes from.
    pub origins: Vec<SettingOrigin>,
    /// The sources there are to choose from.
    pub sources_there: Vec<String>,
}

/// Where a setting comes from.
#[derive(Debug, Serialize, ToSchema)]
pub struct SettingOrigin {
    /// `title`, `welcome`, `questions`, `sources`, `days`, `length`, `tone`, `blocked_phrases`, `topic` or `assignment`.
    pub key: &'static str,
    /// `default`, `desk`, `file` or `environment`; the last two are not changed here.
    pub origin: &'static str,
}

/// How much an answer tells.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Length {
    /// Three sentences at most.
    Short,
    /// As the settings of answers have it.
    Normal,
    /// Up to twice the sentences, and those that stand beside them.
    Detailed,
}

/// The tone of what the assistant says itself.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// As one speaks.
    Plain,
    /// As one writes.
    Formal,
}

/// Whom a topic is for.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TopicRule {
    /// Only for members of its groups; with none, for nobody.
    Allow,
    /// For everybody but members of its groups.
    Deny,
}

/// Questions of one kind, and who may ask them.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Topic {
    /// What administrators call it.
    pub name: String,
    /// Questions that are about it.
    pub examples: Vec<String>,
    /// Whom it is for.
    pub rule: TopicRule,
    /// Provisioned groups, by display name.
    #[serde(default)]
    pub groups: Vec<String>,
    /// How near a question must be to one of the examples, 0.2 to 1; 0.5 where absent.
    #[serde(default = "half")]
    pub similarity: f32,
}

fn half() -> f32 {
    0.5
}

/// Makes an application.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MakeApplication {
    /// A short word; made of the title where absent. It is never given again.
    #[serde(default)]
    pub id: Option<String>,
    /// What the page is called: one line of 1 to 100 characters.
    pub title: String,
}

/// Changes an application; what is absent stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ChangeApplication {
    /// What the page is called: one line of 1 to 100 characters.
    pub title: Option<String>,
    /// One line under the greeting, of 1 to 500 characters.
    pub welcome: Option<String>,
    /// Questions to begin with, at most 20.
    pub questions: Option<Vec<String>>,
    /// Names of sources; an empty list for all.
    pub sources: Option<Vec<String>>,
    /// Days; 0 until deleted, `null` as the general setting says.
    #[serde(deserialize_with = "said")]
    #[schema(value_type = Option<u64>)]
    pub days: Option<Option<u64>>,
    /// How much an answer tells.
    pub length: Option<Length>,
    /// The tone of what the assistant says itself.
    pub tone: Option<Tone>,
    /// Phrases that neither a question nor an answer may have.
    pub blocked_phrases: Option<Vec<String>>,
    /// Topics, all of them anew.
    pub topics: Option<Vec<Topic>>,
}

/// What stands there, also where it is `null`.
fn said<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<u64>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// The receipt of a deletion.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeletedApplication {
    /// Which.
    pub id: String,
    /// What it was called.
    pub title: String,
    /// Assignments that went with it.
    pub assignments: u64,
    /// Conversations whose keys were destroyed.
    pub conversations: u64,
    /// What proves it.
    pub receipt: OnRecord,
}

impl MakeApplication {
    /// The id that was asked for, and the change that makes it.
    pub fn read(self) -> Result<(Option<ApplicationId>, application::Change), Reply> {
        let parse = |id: String| {
            ApplicationId::parse(&id).ok_or_else(|| {
                Reply::unreadable("id is a word of 1 to 40 lower-case letters, digits, '-' and '_'".to_owned())
            })
        };
        let id = self.id.map(parse).transpose()?;
        let title = Some(self.title.trim().to_owned());
        Ok((id, application::Change { title, ..application::Change::default() }))
    }
}

impl ChangeApplication {
    /// As the rooms below have it.
    pub fn read(self) -> Result<application::Change, Reply> {
        let trimmed = |text: String| text.trim().to_owned();
        let all = |texts: Vec<String>| texts.into_iter().map(trimmed).collect::<Vec<_>>();
        let source = |name: String| {
            let why = || Reply::unreadable(format!("sources: {name:?} is no name of a source"));
            SourceId::parse(&name).ok_or_else(why)
        };
        let sources = self.sources.map(|names| names.into_iter().map(source).collect()).transpose()?;
        Ok(application::Change {
            title: self.title.map(trimmed),
            welcome: self.welcome.map(trimmed),
            questions: self.questions.map(all),
            sources,
            days: self.days,
            length: self.length.map(|length| match length {
                Length::Short => application::Length::Short,
                Length::Normal => application::Length::Normal,
                Length::Detailed => application::Length::Detailed,
            }),
            tone: self.tone.map(|tone| match tone {
                Tone::Plain => application::Tone::Plain,
                Tone::Formal => application::Tone::Formal,
            }),
            blocked_phrases: self.blocked_phrases.map(all),
            topics: self.topics.map(|topics| topics.into_iter().map(application::Topic::from).collect()),
        })
    }
}

impl From<Topic> for application::Topic {
    fn from(topic: Topic) -> application::Topic {
        application::Topic {
            name: topic.name.trim().to_owned(),
            examples: topic.examples,
            rule: match topic.rule {
                TopicRule::Allow => application::TopicRule::Allow,
                TopicRule::Deny => application::TopicRule::Deny,
            },
            groups: topic.groups,
            similarity: topic.similarity,
        }
    }
}

impl From<&application::Topic> for Topic {
    fn from(topic: &application::Topic) -> Topic {
        Topic {
            name: topic.name.clone(),
            examples: topic.examples.clone(),
            rule: match topic.rule {
                application::TopicRule::Allow => TopicRule::Allow,
                application::TopicRule::Deny => TopicRule::Deny,
            },
            groups: topic.groups.clone(),
            similarity: topic.similarity,
        }
    }
}

impl From<&app::ApplicationState> for ApplicationRow {
    fn from(state: &app::ApplicationState) -> ApplicationRow {
        let application = &state.application;
        ApplicationRow {
            id: application.id.to_string(),
            title: application.title.clone(),
            sources: application.sources.as_ref().map(|sources| sources.iter().map(ToString::to_string).collect()),
            members: state.members,
            everybody: state.targets.iter().any(|target| matches!(target.who, Who::Everybody)),
            deletable: !application.is_declared && application.id != ApplicationId::default(),
        }
    }
}

impl From<&app::ApplicationState> for ApplicationDetail {
    fn from(state: &app::ApplicationState) -> ApplicationDetail {
        let application = &state.application;
        let responses = &application.responses;
        let origin = |(key, origin): (&&'static str, &Origin)| SettingOrigin { key, origin: origin_word(*origin) };
        ApplicationDetail {
            row: ApplicationRow::from(state),
            welcome: application.welcome.clone(),
            questions: application.questions.clone(),
            days: application.days,
            days_kept: state.days,
            length: match responses.length {
                application::Length::Short => Length::Short,
                application::Length::Normal => Length::Normal,
                application::Length::Detailed => Length::Detailed,
            },
            tone: match responses.tone {
                application::Tone::Plain => Tone::Plain,
                application::Tone::Formal => Tone::Formal,
            },
            blocked_phrases: responses.blocked_phrases.clone(),
            topics: responses.topics.iter().map(Topic::from).collect(),
            assignments: state.targets.iter().map(Assignment::from).collect(),
            except: state.except.iter().map(person).collect(),
            origins: application.origins.iter().map(origin).collect(),
            sources_there: state.sources.iter().map(ToString::to_string).collect(),
        }
    }
}

fn origin_word(origin: Origin) -> &'static str {
    match origin {
        Origin::Default => "default",
        Origin::Desk => "desk",
        Origin::File => "file",
        Origin::Environment => "environment",
    }
}

impl From<&app::Deleted> for DeletedApplication {
    fn from(deleted: &app::Deleted) -> DeletedApplication {
        DeletedApplication {
            id: deleted.application.id.to_string(),
            title: deleted.application.title.clone(),
            assignments: deleted.assignments,
            conversations: deleted.conversations,
            receipt: OnRecord::from(deleted.receipt),
        }
    }
}
