//! Reads one page now, for an administrator who wants to know what becomes of it. It changes nothing.
//!
//! The page comes with everything that decides who may read it: what it hangs on, the pages above, its space, the source. The
//! rule is made of these by the same functions as in a run. Whoever shows the words to somebody must hold that rule against
//! them first: here nobody knows who asks.

use super::kept::Kept;
use super::listed::{Listed, document, levels};
use super::markup::{MacroUse, Mention};
use super::permissions::{About, Asks, Condition, Conditions, Unknown};
use super::restriction::{Level, any_of, rule_of};
use super::source::{One, Source};
use super::{Error, Failure, Rooms, Settings, Wanted, above, scope, with_source};
use crate::acl::Rule;
use crate::corpus::{Document, DocumentId, Passage, Sizes, cut};
use crate::names::AccountId;
use crate::outbound;

/// What reading one page gave.
#[derive(Debug, Clone)]
pub struct Tried {
    /// The document, as it would be kept; without words where they could not be read.
    pub document: Document,
    /// The passages that it is cut into.
    pub passages: Vec<Passage>,
    /// The macros it has, and what becomes of each.
    pub macros: Vec<MacroUse>,
    /// Who may read it, as it was read just now.
    pub rule: Rule,
    /// The same, condition by condition, from the source down to the page.
    pub conditions: Conditions,
    /// Why the settings leave it out; `None` where they take it in.
    pub left_out: Option<&'static str>,
    /// The version whose words are kept; `None` where none are.
    pub kept_revision: Option<u64>,
    /// What could not be read.
    pub failures: Vec<Failure>,
}

/// Reads one page now, and changes nothing. The inner error is why it could not be read.
pub fn try_page(
    settings: &Settings,
    outbound: &outbound::Settings,
    rooms: &Rooms<'_>,
    wanted: &Wanted,
) -> Result<Result<Tried, Failure>, Error> {
    let tried = with_source(settings, outbound, rooms.extractor, |source| read(source, settings, rooms, wanted))?;
    let Ok(mut tried) = tried else { return Ok(tried) };
    tried.kept_revision = Kept::open(rooms.store)?.fact(&tried.document.id)?.map(|fact| fact.revision);
    Ok(Ok(tried))
}

/// Reads one page. The error is why it could not be read at all.
fn read(source: &dyn Source, settings: &Settings, rooms: &Rooms<'_>, wanted: &Wanted) -> Result<Tried, Failure> {
    source.connect()?;
    let names = |mention: Mention<'_>| match mention {
        Mention::Key(key) => {
            let account = AccountId { source: settings.name.clone(), key: key.into() };
            rooms.directory.account_name(&account).ok().flatten()
        }
        Mention::Name(_) => None,
    };
    let One { items, space, is_personal, is_archived, words, macros, mut failures } = source.one(wanted, &names)?;
    let Some(item) = items.first().cloned() else {
        return Err(Failure {
            what: String::new(),
            code: "not_taken".to_owned(),
            cause: "it is of a kind that is not read, or no current version of it is there".to_owned(),
            remedy: "look at it in Confluence; of files, those that can be read are listed in the settings".to_owned(),
        });
    };
    let mut listed =
        Listed { may_use: noted(source.may_use(), &mut failures), spaces: vec![space.clone()], ..Listed::default() };
    listed.views = vec![noted(source.may_view(&space), &mut failures)];
    for item in items {
        listed.space_of.insert(item.id.clone(), 0);
        listed.items.insert(item.id.clone(), item);
    }
    above::ask(source, &mut listed);
    // That no listing gives them matters no longer.
    failures.retain(|failure| !listed.told.keys().any(|id| id.as_str() == failure.what));
    let words = noted(words, &mut failures);
    let holder = item.container.as_ref().and_then(|id| listed.items.get(id));
    let left_out = if !scope::takes_space(settings, &space.key, is_personal) {
        Some("the settings do not take its space in")
    } else if is_archived && !settings.archived_spaces {
        Some("its space is archived, and the settings take no archived spaces in")
    } else {
        scope::why_left_out(settings, &item, holder)
    };
    let of_item = levels(&item, &listed);
    let rule = rule_of(&settings.name, listed.may_use.as_ref(), listed.views[0].as_ref(), of_item);
    let conditions = conditions(settings, &item.id, &listed);
    let document = document(&item, words.unwrap_or_else(|| item.without_words()), &listed, &settings.fields);
    let passages = cut(&document, Sizes::default());
    Ok(Tried { document, passages, macros, rule, conditions, left_out, kept_revision: None, failures })
}

fn noted<T>(outcome: Result<T, Failure>, failures: &mut Vec<Failure>) -> Option<T> {
    outcome.map_err(|failure| failures.push(failure)).ok()
}

/// What decides who may read the item, in the terms it came in.
fn conditions(settings: &Settings, id: &DocumentId, listed: &Listed) -> Conditions {
    let source = &settings.name;
    let condition = |about, asks| Condition { about, asks, learned: None };
    let unknown = || Asks::Unknown(Unknown::Unreadable);
    let granted =
        |to: Option<&super::restriction::Subjects>| to.map_or_else(unknown, |to| Asks::For(any_of(source, to)));
    let mut all = vec![condition(About::Use(source.clone()), granted(listed.may_use.as_ref()))];
    let space = About::Space(listed.spaces[0].key.clone());
    all.push(condition(space, granted(listed.views.first().and_then(Option::as_ref))));
    let item = listed.items.get(id);
    let container = item.and_then(|item| item.container.as_ref());
    let holder = container.map_or(item, |id| listed.items.get(id));
    let above = holder.map(|holder| holder.ancestors.as_slice()).unwrap_or_default();
    for id in above.iter().chain(container).chain([id]) {
        let about = About::Restriction(id.clone());
        // What hangs on a page that is missing goes with it, whoever may read what stands below.
        let level = listed.level(id).filter(|_| listed.items.contains_key(id) || Some(id) != container);
        match level {
            Some(Level::Open) => {}
            Some(Level::Only(subjects)) => all.push(condition(about, Asks::For(any_of(source, subjects)))),
            Some(Level::Unknown) | None => all.push(condition(about, unknown())),
        }
    }
    Conditions { all, placed: None, missed: None, class: None, is_withheld: false }
}
