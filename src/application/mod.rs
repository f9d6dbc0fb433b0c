//! Which assistants exist, what each may use and say, who is assigned.
//!
//! One exists by default, from the settings, so that nobody has to learn the word. Mateo is active and no groups are set, so
//! it is his to use; once the administrator names `anyorg-team` there, it is his for as long as he is in that group, also
//! through another group in it. Who is assigned is asked of the directory at every request.
//!
//! How it responds ([`Responses`]) is set beside: how much it tells, what it does not say, of what it speaks with whom. Answers
//! come from the company's pages in any case; there is no other way.
//!
//! Uses: `names`, `directory`. Begin at [`Applications`].

mod response;

pub use response::{Length, Responses, Tone, Topic};

use serde::{Deserialize, Serialize};

use crate::directory::{self, Directory};
use crate::names::{GroupName, SourceId, Unacceptable, UserId};

/// The id of the application that always exists.
pub const DEFAULT: &str = "default";

/// The default application: its looks, who may use it, and how it responds.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// What the page is called.
    pub title: String,
    /// One line under the greeting.
    pub welcome: String,
    /// Provisioned groups (display names) whose members may use it; empty: everybody in the directory.
    pub groups: Vec<String>,
    /// How much an answer tells: `short`, `normal` or `detailed`.
    pub length: Length,
    /// The tone of what it says itself: `plain` or `formal`. The sentences of an answer are the pages' own.
    pub tone: Tone,
    /// Phrases that neither a question nor an answer may have, however they are written.
    pub blocked_phrases: Vec<String>,
    /// Topics, each shown by example questions, and who may ask about them.
    pub topic: Vec<Topic>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            title: "Sotto".to_owned(),
            welcome: "Answers come from the pages you can open.".to_owned(),
            groups: Vec::new(),
            length: Length::default(),
            tone: Tone::default(),
            blocked_phrases: Vec::new(),
            topic: Vec::new(),
        }
    }
}

/// Settings that cannot be taken, and how they are mended.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A group that is no name.
    #[error("application.{0}: {1}; name groups as the provider displays them")]
    Group(String, #[source] Unacceptable),
    /// More entries than a list may have.
    #[error("application.{0} has too many entries; at most 500 are taken")]
    TooMany(String),
    /// A phrase by its number.
    #[error(
        "application.blocked_phrases: phrase {0} has no letter or digit, or over 1000 bytes; write some words of it"
    )]
    Phrase(usize),
    /// A topic by its number.
    #[error("application.topic {0} has no name of its own; give each topic a short name that no other has")]
    TopicName(usize),
    /// A topic by its name.
    #[error("application.topic {0:?} needs examples; give it questions that are about it, each of 1 to 1000 bytes")]
    TopicExamples(String),
    /// The same.
    #[error(
        "application.topic {0:?} is denied to nobody; name groups, or deny it to all by rule = \"allow\" without groups"
    )]
    TopicOfNobody(String),
    /// The same.
    #[error("application.topic {0:?} similarity is not between 0.2 and 1; leave it out for 0.5")]
    TopicSimilarity(String),
}

/// Groups by their names; `place` says where one that is no name stands.
fn group_names(names: &[String], place: impl Fn() -> String) -> Result<Vec<GroupName>, Error> {
    let parse = |name: &String| GroupName::parse(name).map_err(|why| Error::Group(place(), why));
    names.iter().map(parse).collect()
}

/// One assistant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    /// A short word; `default` for the one that always exists.
    pub id: String,
    /// What the page is called.
    pub title: String,
    /// One line under the greeting.
    pub welcome: String,
    /// The sources it may use; `None` for all.
    pub sources: Option<Vec<SourceId>>,
}

/// The assistants.
pub struct Applications {
    default: Application,
    /// Members of these may use it; with none, everybody in the directory may.
    groups: Vec<GroupName>,
    responses: Responses,
}

impl Applications {
    /// Opens them; the default one is made from the settings. Refused where these cannot be taken.
    pub fn open(settings: &Settings) -> Result<Applications, Error> {
        let default = Application {
            id: DEFAULT.to_owned(),
            title: settings.title.clone(),
            welcome: settings.welcome.clone(),
            sources: None,
        };
        let groups = group_names(&settings.groups, || "groups".to_owned())?;
        Ok(Applications { default, groups, responses: Responses::of(settings)? })
    }

    /// How the default application responds.
    pub fn responses(&self) -> &Responses {
        &self.responses
    }

    /// The application of that id, where this person is active and assigned to it.
    pub fn of(&self, directory: &Directory, user: &UserId, id: &str) -> Result<Option<Application>, directory::Error> {
        if id != self.default.id || !directory.person(user)?.is_some_and(|person| person.active) {
            return Ok(None);
        }
        let is_assigned = self.groups.is_empty() || directory.is_in_any(user, &self.groups);
        Ok(is_assigned.then(|| self.default.clone()))
    }

    /// Why the application of that id is this person's to use: the names of the groups from one that lists them to one that
    /// is assigned, and none where everybody is. `None` where it is not theirs.
    pub fn way_into(
        &self,
        directory: &Directory,
        user: &UserId,
        id: &str,
    ) -> Result<Option<Vec<String>>, directory::Error> {
        if self.of(directory, user, id)?.is_none() {
            return Ok(None);
        }
        let way = directory.way_into(user, &self.groups).unwrap_or_default();
        Ok(Some(way.iter().map(|group| group.display_name.clone()).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::{GroupProfile, Profile};
    use crate::names::Ids;
    use crate::store::Store;

    /// A directory with one person in one group, and somebody who left the company.
    fn house() -> (tempfile::TempDir, Directory, UserId, UserId) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let directory = Directory::open(&store, Ids::held(), &directory::Settings::default()).unwrap();
        let person = |name: &str, active| Profile {
            user_name: name.to_owned(),
            external_id: None,
            display_name: String::new(),
            given_name: None,
            family_name: None,
            emails: Vec::new(),
            active,
            extra: serde_json::Map::new(),
        };
        let mateo = directory.add_person(person("mateo", true), 1).unwrap().id;
        let gone = directory.add_person(person("gone", false), 1).unwrap().id;
        let team = GroupProfile {
            display_name: "AnyOrg Team".to_owned(),
            external_id: None,
            members: vec![mateo, gone],
            groups: Vec::new(),
            extra: serde_json::Map::new(),
        };
        directory.add_group(team, 1).unwrap();
        (folder, directory, mateo, gone)
    }

    fn with_groups(groups: &[&str]) -> Applications {
        let groups = groups.iter().map(|name| (*name).to_owned()).collect();
        Applications::open(&Settings { groups, ..Settings::default() }).unwrap()
    }

    #[test]
    fn without_groups_every_active_person_is_assigned() {
        let (_folder, directory, mateo, gone) = house();
        let applications = with_groups(&[]);

        assert_eq!(applications.of(&directory, &mateo, DEFAULT).unwrap().unwrap().title, "Sotto");
        assert_eq!(applications.of(&directory, &gone, DEFAULT).unwrap(), None);
        assert_eq!(applications.of(&directory, &UserId::from_bytes([9; 16]), DEFAULT).unwrap(), None);
    }

    #[test]
    fn with_groups_only_their_members_are_assigned() {
        let (_folder, directory, mateo, gone) = house();

        assert!(with_groups(&["anyorg team"]).of(&directory, &mateo, DEFAULT).unwrap().is_some());
        let way = with_groups(&["anyorg team"]).way_into(&directory, &mateo, DEFAULT).unwrap();
        assert_eq!(way, Some(vec!["AnyOrg Team".to_owned()]));
        assert_eq!(with_groups(&["acme team"]).way_into(&directory, &mateo, DEFAULT).unwrap(), None);
        assert_eq!(with_groups(&[]).way_into(&directory, &mateo, DEFAULT).unwrap(), Some(vec![]));
        assert!(with_groups(&["anyorg team"]).of(&directory, &gone, DEFAULT).unwrap().is_none());
        assert!(with_groups(&["acme team"]).of(&directory, &mateo, DEFAULT).unwrap().is_none());
        assert!(with_groups(&[]).of(&directory, &mateo, "another").unwrap().is_none());
    }
}
