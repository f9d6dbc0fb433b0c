//! What a search or a question is narrowed to: sent alike, and held to the same limits.

use std::collections::BTreeMap;

use super::reply::Reply;
use super::wire::FieldFilter;
use crate::clock::Moment;
use crate::corpus::{DocumentId, Kind};
use crate::crawl::Field;
use crate::index::Scope;
use crate::names::SourceId;

/// Values in one list.
const VALUES_MAX: usize = 100;

/// As it was sent. What is absent narrows nothing.
#[derive(Debug, Default)]
pub struct Narrowing {
    pub spaces: Option<Vec<String>>,
    pub labels: Option<Vec<String>>,
    pub authors: Option<Vec<String>>,
    pub kinds: Option<Vec<String>>,
    pub updated_after: Option<String>,
    pub updated_before: Option<String>,
    pub created_after: Option<String>,
    pub created_before: Option<String>,
    pub parents: Option<Vec<String>>,
    /// By the names that sources give their fields.
    pub fields: Option<BTreeMap<String, FieldFilter>>,
}

/// What a name means: the field, and the sources that keep it under this name.
pub type Meanings<'m> = &'m dyn Fn(&str) -> BTreeMap<Field, Vec<SourceId>>;

impl Narrowing {
    /// The scope, or what to mend.
    pub fn scope(mut self, meanings: Meanings<'_>) -> Result<Scope, Reply> {
        let sources = self.named(meanings)?;
        Ok(Scope {
            sources,
            spaces: list("spaces", self.spaces)?,
            labels: list("labels", self.labels)?,
            authors: list("authors", self.authors)?,
            kinds: list("kinds", self.kinds)?.iter().map(|word| kind(word)).collect::<Result<_, Reply>>()?,
            updated_after: moment("updated_after", self.updated_after)?,
            updated_before: moment("updated_before", self.updated_before)?,
            created_after: moment("created_after", self.created_after)?,
            created_before: moment("created_before", self.created_before)?,
            parents: list("parents", self.parents)?.iter().map(|id| document(id)).collect::<Result<_, Reply>>()?,
            ..Scope::default()
        })
    }

    /// Puts what is said of fields by their names into their own places, and gives the sources that have all of these fields: by
    /// a name that a source does not have, it is narrowed to nothing. All sources where nothing is said by name.
    fn named(&mut self, meanings: Meanings<'_>) -> Result<Vec<String>, Reply> {
        let fields = self.fields.take().unwrap_or_default();
        if fields.len() > VALUES_MAX {
            return Err(Reply::unreadable(format!("fields has at most {VALUES_MAX} names")));
        }
        let mut all: Option<Vec<SourceId>> = None;
        for (name, filter) in fields {
            let mut meanings = meanings(&name).into_iter();
            let (field, sources) = match (meanings.next(), meanings.next()) {
                (Some(meaning), None) => meaning,
                (None, _) => return Err(Reply::unreadable(format!("no source keeps a field called {name:?}"))),
                (Some(_), Some(_)) => {
                    let why = format!("fields: {name:?} is one field in one source and another in another");
                    return Err(Reply::unreadable(why));
                }
            };
            self.put(&name, field, filter)?;
            all = Some(match all {
                None => sources,
                Some(before) => before.into_iter().filter(|source| sources.contains(source)).collect(),
            });
        }
        match all {
            None => Ok(Vec::new()),
            Some(none) if none.is_empty() => {
                Err(Reply::unreadable("no source keeps all of these fields under these names"))
            }
            Some(all) => Ok(all.iter().map(ToString::to_string).collect()),
        }
    }

    fn put(&mut self, name: &str, field: Field, filter: FieldFilter) -> Result<(), Reply> {
        let wrong = |what: &str| Reply::unreadable(format!("fields: {name:?} {what}"));
        let twice = || wrong("is narrowed by already; say it once");
        let list = match field {
            Field::Authors => Some(&mut self.authors),
            Field::Labels => Some(&mut self.labels),
            Field::Space => Some(&mut self.spaces),
            Field::Type => Some(&mut self.kinds),
            Field::Parent => Some(&mut self.parents),
            Field::Title | Field::Created | Field::Updated | Field::Version | Field::Url => None,
        };
        if let Some(list) = list {
            let FieldFilter::Values(values) = filter else { return Err(wrong("is narrowed to a list of values")) };
            return if list.replace(values).is_some() { Err(twice()) } else { Ok(()) };
        }
        let (from, until) = match field {
            Field::Created => (&mut self.created_after, &mut self.created_before),
            Field::Updated => (&mut self.updated_after, &mut self.updated_before),
            Field::Title
            | Field::Authors
            | Field::Labels
            | Field::Space
            | Field::Type
            | Field::Version
            | Field::Parent
            | Field::Url => return Err(wrong("narrows no search")),
        };
        let FieldFilter::Times { after, before } = filter else {
            return Err(wrong("is narrowed to a time after, or before, or both"));
        };
        if from.is_some() || until.is_some() {
            return Err(twice());
        }
        (*from, *until) = (after, before);
        Ok(())
    }
}

fn list(name: &str, values: Option<Vec<String>>) -> Result<Vec<String>, Reply> {
    let values = values.unwrap_or_default();
    if values.len() > VALUES_MAX {
        return Err(Reply::unreadable(format!("{name} has at most {VALUES_MAX} values")));
    }
    Ok(values)
}

fn kind(word: &str) -> Result<Kind, Reply> {
    let words = Kind::ALL.map(Kind::word).join(", ");
    Kind::parse(word).ok_or_else(|| Reply::unreadable(format!("kinds has words of these: {words}")))
}

fn document(id: &str) -> Result<DocumentId, Reply> {
    DocumentId::parse(id).ok_or_else(|| Reply::unreadable("parents has ids like wiki:1234"))
}

fn moment(name: &str, text: Option<String>) -> Result<Option<i64>, Reply> {
    let read = |text: String| {
        let at = Moment::parse(&text).map(Moment::ms);
        at.ok_or_else(|| Reply::unreadable(format!("{name} is a time like 2026-11-24T09:00:00Z")))
    };
    text.map(read).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none(_: &str) -> BTreeMap<Field, Vec<SourceId>> {
        BTreeMap::new()
    }

    /// `tags` are the labels of two sources, `owner` the authors of one, `made` the time of the other.
    fn some(name: &str) -> BTreeMap<Field, Vec<SourceId>> {
        let source = |name: &str| SourceId::parse(name).unwrap();
        match name {
            "tags" => [(Field::Labels, vec![source("wiki"), source("old")])].into(),
            "owner" => [(Field::Authors, vec![source("wiki")])].into(),
            "made" => [(Field::Created, vec![source("old")])].into(),
            "heading" => [(Field::Title, vec![source("wiki")])].into(),
            "odd" => [(Field::Labels, vec![source("wiki")]), (Field::Authors, vec![source("old")])].into(),
            _ => BTreeMap::new(),
        }
    }

    fn by(fields: serde_json::Value) -> Result<Scope, Reply> {
        let fields = serde_json::from_value(fields).unwrap();
        Narrowing { fields: Some(fields), ..Narrowing::default() }.scope(&some)
    }

    #[test]
    fn fields_narrow_by_the_names_they_were_given_in_the_sources_that_have_them() {
        let both = by(serde_json::json!({"tags": ["a"], "owner": ["Ada"]})).unwrap();
        let made = by(serde_json::json!({"made": {"after": "2026-01-01T00:00:00Z"}})).unwrap();

        assert_eq!(
            (both.labels, both.authors, both.sources),
            (vec!["a".to_owned()], vec!["Ada".to_owned()], vec!["wiki".to_owned()])
        );
        assert_eq!(
            (made.created_after, made.created_before, made.sources),
            (Some(1_767_225_600_000), None, vec!["old".to_owned()])
        );
    }

    #[test]
    fn a_name_that_narrows_nothing_or_several_things_is_refused_and_never_left_out() {
        let why = |fields: serde_json::Value| by(fields).unwrap_err().detail().to_owned();

        assert!(why(serde_json::json!({"colour": ["red"]})).contains("colour"));
        assert!(why(serde_json::json!({"odd": ["x"]})).contains("another"));
        assert!(why(serde_json::json!({"heading": ["x"]})).contains("narrows no search"));
        assert!(
            why(serde_json::json!({"owner": ["Ada"], "made": {"after": "2026-01-01T00:00:00Z"}}))
                .contains("all of these")
        );
        assert!(why(serde_json::json!({"tags": {"after": "2026-01-01T00:00:00Z"}})).contains("list of values"));
        assert!(why(serde_json::json!({"made": ["2026"]})).contains("time after"));
        assert!(why(serde_json::json!({"made": {"after": "today"}})).contains("created_after"));
        let twice = Narrowing {
            labels: Some(vec!["b".to_owned()]),
            fields: serde_json::from_value(serde_json::json!({"tags": ["a"]})).unwrap(),
            ..Narrowing::default()
        };
        assert!(twice.scope(&some).unwrap_err().detail().contains("once"));
    }

    #[test]
    fn times_are_read_and_a_wrong_one_is_named() {
        let sent = |before: &str| Narrowing {
            labels: Some(vec!["a".to_owned()]),
            updated_after: Some("2026-01-01T00:00:00Z".to_owned()),
            updated_before: Some(before.to_owned()),
            ..Narrowing::default()
        };

        let fits = sent("2026-01-02T00:00:00+01:00").scope(&none).unwrap();
        assert_eq!((fits.updated_after, fits.updated_before), (Some(1_767_225_600_000), Some(1_767_308_400_000)));
        assert_eq!(fits.labels, ["a"]);
        assert!(sent("yesterday").scope(&none).unwrap_err().detail().contains("updated_before"));
    }

    #[test]
    fn kinds_are_read_and_a_wrong_one_is_answered_with_those_there_are() {
        let kinds = |word: &str| Narrowing { kinds: Some(vec![word.to_owned()]), ..Narrowing::default() }.scope(&none);

        assert_eq!(kinds("attachment").unwrap().kinds, [Kind::Attachment]);
        assert!(kinds("file").unwrap_err().detail().contains("attachment"));
    }

    #[test]
    fn parents_are_ids_of_documents() {
        let parents = |id: &str| Narrowing { parents: Some(vec![id.to_owned()]), ..Narrowing::default() }.scope(&none);

        assert_eq!(parents("wiki:12").unwrap().parents, [DocumentId::parse("wiki:12").unwrap()]);
        assert!(parents("12").unwrap_err().detail().contains("parents"));
    }

    #[test]
    fn a_list_without_end_is_refused_by_its_name() {
        let authors = |count: usize| Narrowing { authors: Some(vec!["Ada".to_owned(); count]), ..Narrowing::default() };

        assert_eq!(authors(VALUES_MAX).scope(&none).unwrap().authors.len(), VALUES_MAX);
        assert!(authors(VALUES_MAX + 1).scope(&none).unwrap_err().detail().contains("authors"));
    }
}
