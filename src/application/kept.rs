//! What the desk said of an application, as it is kept, and what becomes of it beside the settings file.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::assigned::{Assigned, Assignment};
use super::settings::{Locked, Settings, Wrong};
use super::{Application, Length, Origin, Responses, Tone, Topic};
use crate::names::{ApplicationId, SourceId, UserId};
use crate::store::json_record;

/// What was said of one application on the desk. `None` is: nothing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Said {
    pub(super) made_ms: i64,
    pub(super) title: Option<String>,
    pub(super) welcome: Option<String>,
    pub(super) questions: Option<Vec<String>>,
    pub(super) sources: Option<Vec<SourceId>>,
    pub(super) days: Option<u64>,
    pub(super) length: Option<Length>,
    pub(super) tone: Option<Tone>,
    pub(super) blocked_phrases: Option<Vec<String>>,
    pub(super) topics: Option<Vec<Topic>>,
    pub(super) assigned: Option<Vec<Assignment>>,
    pub(super) except: Vec<UserId>,
}
json_record!(Said, 1);

/// That an application was deleted: its id is not given again, and what is left of its conversations goes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Ended {
    pub(super) at_ms: i64,
}
json_record!(Ended, 1);

/// The application that comes of the settings and of what was said on the desk: what the settings have goes first.
pub(super) fn made_of(settings: &Settings, said: Option<&Said>, is_declared: bool) -> Result<Application, Wrong> {
    let nothing = Said::default();
    let said = said.unwrap_or(&nothing);
    let mut origins = BTreeMap::new();
    let mut whole = Settings { others: Vec::new(), written: BTreeMap::new(), ..settings.clone() };
    macro_rules! overlay {
        ($($key:literal: $field:ident = $said:ident),+ $(,)?) => {
            $(match (settings.written.get($key), &said.$said) {
                (Some(locked), _) => drop(origins.insert($key, Origin::from(*locked))),
                (None, Some(value)) => {
                    whole.$field = value.clone().into();
                    origins.insert($key, Origin::Desk);
                }
                (None, None) => drop(origins.insert($key, Origin::Default)),
            })+
        };
    }
    overlay! {
        "title": title = title,
        "welcome": welcome = welcome,
        "questions": questions = questions,
        "sources": sources = sources,
        "days": days = days,
        "length": length = length,
        "tone": tone = tone,
        "blocked_phrases": blocked_phrases = blocked_phrases,
        "topic": topic = topics,
    }
    whole.check()?;
    let named = Assigned::named(settings)?;
    let assignment = match (&named, &said.assigned) {
        (Some(_), _) => Origin::from(settings.assigning().unwrap_or(Locked::File)),
        (None, Some(_)) => Origin::Desk,
        (None, None) => Origin::Default,
    };
    origins.insert("assignment", assignment);
    let kept = |all: &Vec<Assignment>| Assigned::Kept { all: all.clone(), except: said.except.clone() };
    let at_first = || Assigned::at_first(whole.id == ApplicationId::default());
    let assigned = named.or_else(|| said.assigned.as_ref().map(kept)).unwrap_or_else(at_first);
    Ok(Application {
        responses: Arc::new(Responses::of(&whole)?),
        id: whole.id,
        title: whole.title,
        welcome: whole.welcome,
        questions: whole.questions,
        sources: (!whole.sources.is_empty()).then_some(whole.sources),
        days: whole.days,
        assigned,
        origins,
        is_declared,
    })
}

impl From<Locked> for Origin {
    fn from(locked: Locked) -> Origin {
        match locked {
            Locked::File => Origin::File,
            Locked::Environment => Origin::Environment,
        }
    }
}
