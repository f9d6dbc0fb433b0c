//! Finding the passages of a question: one way for the server and for `sotto eval`.

use crate::acl::Visibility;
use crate::answer::{self, Question, Standing};
use crate::index::{self, Found, Index, Query, Scope};
use crate::model::{self, Embed, Stop, Vector};

/// The best passages for a question, searched for in each of its ways, best first. `queries` are those of its words.
fn passages(
    index: &Index,
    sight: &Visibility,
    standing: &Standing,
    queries: &[Query],
    scope: &Scope,
    most: usize,
) -> Result<Vec<Found>, index::Error> {
    let weighed: Vec<(&Query, f32)> =
        queries.iter().zip(&standing.searches).map(|(query, (_, weight))| (query, *weight)).collect();
    index.search_together(sight, &weighed, scope, most)
}

/// Makes the queries of some words.
type QueriesOf<'q, E> = &'q dyn Fn(&[&Question]) -> Result<Vec<Query>, E>;

/// The best passages for a question, and where it asks two things, for each of them, too: taken in turn, so that those of each
/// come early.
pub(super) fn for_each_part<E: From<index::Error>>(
    index: &Index,
    sight: &Visibility,
    standing: &Standing,
    queries_of: QueriesOf<'_, E>,
    scope: &Scope,
    most: usize,
) -> Result<Vec<Found>, E> {
    let parts = answer::parts(&standing.question).iter().map(Standing::alone).collect::<Vec<_>>();
    let mut lists = Vec::new();
    for standing in parts.iter().chain([standing]) {
        let queries = queries_of(&standing.words())?;
        lists.push(passages(index, sight, standing, &queries, scope, most)?.into_iter());
    }
    let mut together: Vec<Found> = Vec::new();
    for _ in 0..most {
        for next in lists.iter_mut().filter_map(Iterator::next) {
            if together.iter().all(|found| found.passage().id != next.passage().id) {
                together.push(next);
            }
        }
    }
    Ok(together)
}

/// Words with their vectors, where an embedder is there.
pub(super) fn queries(embed: Option<&dyn Embed>, words: &[&Question], stop: &Stop) -> Result<Vec<Query>, model::Error> {
    let texts: Vec<&str> = words.iter().map(|words| words.as_str()).collect();
    let vectors = embed.map(|embed| embed.embed(&texts, stop)).transpose()?;
    Ok(with_vectors(words, vectors.unwrap_or_default()))
}

/// The same for somebody who waits: the embedder's failure costs the vectors, never the search.
pub(super) fn queries_or_words(embed: Option<&dyn Embed>, words: &[&Question], stop: &Stop) -> Vec<Query> {
    queries(embed, words, stop).unwrap_or_else(|error| {
        tracing::warn!(%error, "the question has no vector; searching by words alone");
        with_vectors(words, Vec::new())
    })
}

fn with_vectors(words: &[&Question], vectors: Vec<Vector>) -> Vec<Query> {
    let vectors = vectors.into_iter().map(|vector| Some(vector.0)).chain(std::iter::repeat_with(|| None));
    words.iter().zip(vectors).map(|(words, vector)| Query { words: words.as_str().to_owned(), vector }).collect()
}
