//! Finding the passages of a question: one way for the server and for `sotto eval`.

use crate::acl::Visibility;
use crate::answer::{Question, Standing};
use crate::index::{self, Found, Index, Query, Scope};
use crate::model::{Embed, Stop};

/// The best passages for a question, searched for in each of its ways, best first.
pub(super) fn passages(
    index: &Index,
    embed: Option<&dyn Embed>,
    sight: &Visibility,
    standing: &Standing,
    scope: &Scope,
    most: usize,
    stop: &Stop,
) -> Result<Vec<Found>, index::Error> {
    let words: Vec<&Question> = standing.searches.iter().map(|(words, _)| words).collect();
    let queries = queries(embed, &words, stop);
    let weighed: Vec<(&Query, f32)> =
        queries.iter().zip(&standing.searches).map(|(query, (_, weight))| (query, *weight)).collect();
    index.search_together(sight, &weighed, scope, most)
}

/// Words with their vectors, where an embedder is there; its failure costs the vectors, never the search.
pub(super) fn queries(embed: Option<&dyn Embed>, words: &[&Question], stop: &Stop) -> Vec<Query> {
    let texts: Vec<&str> = words.iter().map(|words| words.as_str()).collect();
    let vectors = embed.map(|embed| embed.embed(&texts, stop));
    let mut vectors = match vectors {
        Some(Ok(vectors)) => vectors.into_iter(),
        Some(Err(error)) => {
            tracing::warn!(%error, "the question has no vector; searching by words alone");
            Vec::new().into_iter()
        }
        None => Vec::new().into_iter(),
    };
    texts
        .into_iter()
        .map(|text| Query { words: text.to_owned(), vector: vectors.next().map(|vector| vector.0) })
        .collect()
}
