//! What a search or a question is narrowed to: sent alike, and held to the same limits.

use super::reply::Reply;
use crate::clock::Moment;
use crate::corpus::{DocumentId, Kind};
use crate::index::Scope;

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
}

impl Narrowing {
    /// The scope, or what to mend.
    pub fn scope(self) -> Result<Scope, Reply> {
        Ok(Scope {
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

    #[test]
    fn times_are_read_and_a_wrong_one_is_named() {
        let sent = |before: &str| Narrowing {
            labels: Some(vec!["a".to_owned()]),
            updated_after: Some("2026-01-01T00:00:00Z".to_owned()),
            updated_before: Some(before.to_owned()),
            ..Narrowing::default()
        };

        let fits = sent("2026-01-02T00:00:00+01:00").scope().unwrap();
        assert_eq!((fits.updated_after, fits.updated_before), (Some(1_767_225_600_000), Some(1_767_308_400_000)));
        assert_eq!(fits.labels, ["a"]);
        assert!(sent("yesterday").scope().unwrap_err().detail().contains("updated_before"));
    }

    #[test]
    fn kinds_are_read_and_a_wrong_one_is_answered_with_those_there_are() {
        let kinds = |word: &str| Narrowing { kinds: Some(vec![word.to_owned()]), ..Narrowing::default() }.scope();

        assert_eq!(kinds("attachment").unwrap().kinds, [Kind::Attachment]);
        assert!(kinds("file").unwrap_err().detail().contains("attachment"));
    }

    #[test]
    fn parents_are_ids_of_documents() {
        let parents = |id: &str| Narrowing { parents: Some(vec![id.to_owned()]), ..Narrowing::default() }.scope();

        assert_eq!(parents("wiki:12").unwrap().parents, [DocumentId::parse("wiki:12").unwrap()]);
        assert!(parents("12").unwrap_err().detail().contains("parents"));
    }

    #[test]
    fn a_list_without_end_is_refused_by_its_name() {
        let authors = |count: usize| Narrowing { authors: Some(vec!["Ada".to_owned(); count]), ..Narrowing::default() };

        assert_eq!(authors(VALUES_MAX).scope().unwrap().authors.len(), VALUES_MAX);
        assert!(authors(VALUES_MAX + 1).scope().unwrap_err().detail().contains("authors"));
    }
}
