//! Running a released answer again: with the same model file, over the same passages, compared byte for byte.

use std::ops::ControlFlow;
use std::path::Path;

use serde_json::Value;

use super::eval::Scratch;
use super::evidence::{FORM, Inputs, Output, Released, canonical, commitment, mode_of};
use super::release::bytes_of;
use super::{Settings, responses};
use crate::acl::{AnyOf, Classes, Principal, PrincipalSet, Rule};
use crate::answer::{self, Mode, Without};
use crate::corpus::{Document, Kind, Made, Passage};
use crate::index::{self, Change, Found, Index};
use crate::model::{self, Generate, Scripted, Stop};
use crate::names::{Ids, SourceId};
use crate::store::Store;
use crate::{acl, audit, store};

/// What a released answer is held against.
pub struct Against<'a> {
    /// An export of the audit log.
    pub export: &'a Path,
    /// The log's C2SP verifier key.
    pub key: &'a str,
    /// A checkpoint that was held outside.
    pub checkpoint: Option<&'a str>,
}

/// How a replay ended.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum Replayed {
    /// The same, byte for byte.
    Same {
        /// Whether the leaf was found in an export, and has the commitments.
        is_in_log: bool,
    },
    /// Something is not as it says.
    Differs {
        /// What, and where.
        what: String,
    },
}

/// Why a released answer cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum Cannot {
    /// It is no evidence of this form.
    #[error("this is no released answer that this sotto reads: {0}")]
    Foreign(String),
    /// The model is not here.
    #[error(
        "it was made with the model {name}, SHA-256 {sha256}, and no model here has that; bring its file and run this again"
    )]
    NoModel {
        /// The model's name where it was made.
        name: String,
        /// SHA-256 of its file.
        sha256: String,
    },
    /// The model, the disk, or the log's file.
    #[error("it cannot be run")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
}

macro_rules! broken_by {
    ($($error:ty),+ $(,)?) => {
        $(impl From<$error> for Cannot {
            fn from(cause: $error) -> Cannot {
                Cannot::Broken(Box::new(cause))
            }
        })+
    };
}

broken_by!(std::io::Error, store::Error, acl::Error, index::Error, model::Error);

/// Verifies a released answer against its commitments and the log, and runs it again.
pub fn replay(released: &[u8], against: Option<&Against<'_>>, settings: &Settings) -> Result<Replayed, Cannot> {
    let released: Released = serde_json::from_slice(released).map_err(|error| Cannot::Foreign(error.to_string()))?;
    if released.form != FORM {
        return Err(Cannot::Foreign(format!("its form is {:?}, not {FORM:?}", released.form)));
    }
    if let Some(what) = misfit(&released) {
        return Ok(Replayed::Differs { what });
    }
    if let Some(against) = against
        && let Some(what) = misfit_in_log(&released, against)?
    {
        return Ok(Replayed::Differs { what });
    }
    let model = model_of(&released.inputs, settings)?;
    let again = again(&released, model.as_deref())?;
    Ok(match difference(&released, &again) {
        Some(what) => Replayed::Differs { what },
        None => Replayed::Same { is_in_log: against.is_some() },
    })
}

/// Where the commitments are not those of what the file has.
fn misfit(released: &Released) -> Option<String> {
    let Some(salt) = bytes_of(&released.salt) else { return Some("its salt is not 32 bytes".to_owned()) };
    if hex::encode(commitment(&salt, released.question.as_str().as_bytes())) != released.question_commitment {
        return Some("its question is not the one that was committed to".to_owned());
    }
    if hex::encode(released.inputs.commitment(&salt)) != released.inputs_commitment {
        return Some("its passages, settings or model are not those that were committed to".to_owned());
    }
    None
}

/// Where the log does not say what the file says.
fn misfit_in_log(released: &Released, against: &Against<'_>) -> Result<Option<String>, Cannot> {
    let leaf = match audit::verified_leaf(against.export, against.key, against.checkpoint, &released.leaf) {
        Ok(Some(leaf)) => leaf,
        Ok(None) => return Ok(Some("the log has no such leaf".to_owned())),
        Err(audit::Error::Store(error)) => return Err(error.into()),
        Err(error) => return Ok(Some(super::chain(&error))),
    };
    let says = |field: &str| leaf[field].as_str().unwrap_or_default().to_owned();
    if says("question") != released.question_commitment || says("inputs") != released.inputs_commitment {
        let what = "the leaf commits to another question, or to other passages, settings or another model";
        return Ok(Some(what.to_owned()));
    }
    Ok(None)
}

/// The model that made it: found by the SHA-256 of its file, whatever it is called here.
fn model_of(inputs: &Inputs, settings: &Settings) -> Result<Option<Box<dyn Generate>>, Cannot> {
    let maker = &inputs.maker;
    match (maker.model.as_deref(), maker.model_sha256.as_deref()) {
        (None, _) => Ok(None),
        (Some("scripted"), None) => Ok(Some(Box::new(Scripted::default()))),
        (Some(name), sha256) => {
            let missing =
                || Cannot::NoModel { name: name.to_owned(), sha256: sha256.unwrap_or("(it has none)").to_owned() };
            let manifest = model::Manifest::open(&settings.model)?;
            let here = sha256.and_then(|sha256| manifest.named_by_sha256(sha256)).ok_or_else(missing)?;
            let settings = model::Settings { name: here.to_owned(), ..settings.model.clone() };
            match manifest.engine(&settings) {
                Ok(engine) => Ok(Some(Box::new(engine))),
                Err(model::Error::Missing { .. }) => Err(missing()),
                Err(error) => Err(error.into()),
            }
        }
    }
}

/// Makes the answer again.
fn again(released: &Released, model: Option<&dyn Generate>) -> Result<Output, Cannot> {
    let shelf = Shelf::of(&released.inputs)?;
    let found = shelf.found(&released.inputs)?;
    let maker = &released.inputs.maker;
    let (model, asked_mode) = (model.ok_or(Without::Missing), mode_of(&released.output.mode));
    // What was quoted because the model was busy is quoted again.
    let model = match asked_mode {
        Some(Mode::Quoted(why)) => Err(why),
        Some(Mode::Written) | None => model,
    };
    let (answer, mode) = responses::made(
        model,
        &released.inputs.question,
        &found,
        &maker.settings,
        maker.is_detailed,
        &Stop::default(),
        &mut |_| ControlFlow::Continue(()),
        &mut |_| ControlFlow::Continue(()),
    );
    Ok(Output::of(&answer, mode))
}

/// The first place in which an answer that was made again is another; `None` where there is none.
fn difference(released: &Released, again: &Output) -> Option<String> {
    let (then, maker) = (&released.output, &released.inputs.maker);
    let is_part = then.outcome == "stopped" || maker.has_blocked_phrases;
    let same = if is_part {
        // It was broken off, or sentences with blocked phrases were taken out: what is left must be there, in its order.
        let mut rest = again.claims.iter();
        then.claims.iter().all(|claim| rest.any(|other| other == claim))
    } else {
        canonical(then) == canonical(again)
    };
    if same {
        return None;
    }
    let place = first_difference(&value(then), &value(again), "answer").unwrap_or_else(|| "answer".to_owned());
    let mut what = format!("the answer is another at {place}");
    for (name, was, is) in [
        ("version of sotto", maker.version.as_str(), env!("CARGO_PKG_VERSION")),
        ("kind of processor", maker.machine.as_str(), model::machine()),
        ("prompts", maker.prompts.as_str(), &hex::encode(answer::prompts_digest())),
    ] {
        if was != is {
            what.push_str(&format!("; the {name} then was {was}, and is {is} here"));
        }
    }
    Some(what)
}

fn value(output: &Output) -> Value {
    serde_json::to_value(output).expect("an output is plain JSON")
}

/// The path of the first value that is another.
fn first_difference(one: &Value, other: &Value, path: &str) -> Option<String> {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => one.iter().find_map(|(key, value)| {
            first_difference(value, other.get(key).unwrap_or(&Value::Null), &format!("{path}.{key}"))
        }),
        (Value::Array(one), Value::Array(other)) => {
            let pairs = one.iter().zip(other).enumerate();
            let inside =
                pairs.into_iter().find_map(|(at, (one, other))| first_difference(one, other, &format!("{path}[{at}]")));
            inside.or_else(|| (one.len() != other.len()).then(|| format!("{path}[{}]", one.len().min(other.len()))))
        }
        (one, other) if one == other => None,
        _ => Some(path.to_owned()),
    }
}

/// The passages in an index of their own: nothing gives a passage to an answer but an index.
struct Shelf {
    index: Index,
    classes: Classes,
    everybody: PrincipalSet,
    /// Last, so that it is removed when nothing holds it.
    _folder: Scratch,
}

impl Shelf {
    fn of(inputs: &Inputs) -> Result<Shelf, Cannot> {
        let folder = Scratch::new(&format!("sotto-replay-{}", hex::encode(Ids::Random.next())));
        let store = Store::open(folder.path())?;
        let classes = Classes::open(&store)?;
        let index = Index::open(&folder.path().join("index"), &index::Settings::default())?;
        let source = SourceId::parse("released").expect("it is a plain word");
        let anyone = Principal::AnyoneOf(source);
        let class = classes.class_of(Rule::new(AnyOf::of([anyone.clone()])))?;
        let mut ids: Vec<_> = inputs.passages.iter().map(|shown| &shown.id.document).collect();
        ids.sort_unstable();
        ids.dedup();
        for id in ids {
            let of_it: Vec<_> = inputs.passages.iter().filter(|shown| shown.id.document == *id).collect();
            let first = of_it[0];
            let document = Document {
                id: id.clone(),
                kind: Kind::Page,
                title: first.title.clone(),
                space: first.space.clone(),
                url: first.url.clone(),
                container: None,
                ancestors: Vec::new(),
                labels: Vec::new(),
                author: String::new(),
                updated_ms: first.updated_ms,
                made: Made::default(),
                revision: first.id.revision,
                blocks: Vec::new(),
                links: Vec::new(),
            };
            let passages: Vec<Passage> = of_it.iter().map(|shown| passage(shown)).collect();
            index.change(Change::Replace(&document, class, &passages, None))?;
        }
        index.commit(1)?;
        Ok(Shelf { index, classes, everybody: PrincipalSet::of(vec![anyone]), _folder: folder })
    }

    fn found(&self, inputs: &Inputs) -> Result<Vec<Found>, Cannot> {
        let sight = self.classes.visible_to(&self.everybody);
        let read = |id| {
            let missing = || Cannot::Foreign(format!("its passage {id} stands there twice, or has no words"));
            self.index.reread(&sight, id)?.ok_or_else(missing)
        };
        inputs.passages.iter().map(|shown| read(&shown.id)).collect()
    }
}

fn passage(shown: &super::evidence::Shown) -> Passage {
    Passage { id: shown.id.clone(), title: shown.title.clone(), under: shown.under.clone(), text: shown.text.clone() }
}
