//! Searching: what was ranked is read from the best on, near copies are left out, until there is enough.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::PoisonError;

use super::fold::Folding;
use super::join::{Joined, Joining};
use super::lean::Leaning;
use super::rank::{Hit, Ranking, Sought, WEIGHTS};
use super::vector::Asked;
use super::{Error, Found, Index, Query, Scope, State, words};
use crate::acl::Visibility;

/// For how many searches at once memory is kept at hand. With a million passages one takes about ten megabytes.
const SCRATCH_MAX: usize = 2;
/// Hits ranked beyond the wanted ones, so that a few copies among them cost no second search.
const SPARE: usize = 8;
/// Hits of each way to look for one thing that are ranked by the sum, at least.
const TOGETHER_MIN: usize = 100;
/// How many times as many are ranked where those did not suffice.
const MORE: usize = 4;

impl Index {
    /// The best passages that `sight` admits, best first, at most `most`, of near copies the best alone; a function of the
    /// visible documents.
    #[cfg(any(test, feature = "probe"))]
    pub fn search(&self, sight: &Visibility, query: &Query, scope: &Scope, most: usize) -> Result<Vec<Found>, Error> {
        self.search_together(sight, &[(query, 1.0)], scope, most)
    }

    /// The same for several ways to look for one thing, and how much each counts: a passage's score is the sum. A way that
    /// counts less than nothing puts back what it finds.
    pub fn search_together(
        &self,
        sight: &Visibility,
        queries: &[(&Query, f32)],
        scope: &Scope,
        most: usize,
    ) -> Result<Vec<Found>, Error> {
        let mut found = Vec::new();
        if most > 0 {
            self.each_found(sight, queries, scope, most, &mut |one| {
                found.push(one);
                if found.len() < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })?;
        }
        Ok(found)
    }

    /// The same as results to be read: of one document, passages that stand beside each other are one. At most `most`.
    pub fn search_joined(
        &self,
        sight: &Visibility,
        query: &Query,
        scope: &Scope,
        most: usize,
    ) -> Result<Vec<Joined>, Error> {
        let mut joining = Joining::new(most);
        if most > 0 {
            self.each_found(sight, &[(query, 1.0)], scope, most + most / 2, &mut |one| match joining.take(one) {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            })?;
        }
        Ok(joining.into_joined())
    }

    /// Gives what is found to `take`, best first, until it has enough: about `likely`.
    fn each_found(
        &self,
        sight: &Visibility,
        queries: &[(&Query, f32)],
        scope: &Scope,
        likely: usize,
        take: &mut dyn FnMut(Found) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let state = self.state();
        let view = self.view(&state, sight)?;
        let within = view.narrowed(&state.snapshot, &self.fields, scope)?;
        let sought = |query: &Query| Sought {
            terms: words::terms(&query.words, &view.languages),
            meaning: query.vector.as_deref().and_then(Asked::of),
        };
        let sought: Vec<(Sought, f32)> = queries.iter().map(|(query, weight)| (sought(query), *weight)).collect();
        let has_meaning = sought.iter().any(|(sought, _)| sought.meaning.is_some());
        let vectors = if has_meaning { state.snapshot.vectors(&self.vectors) } else { Vec::new() };
        let ranking = Ranking { snapshot: &state.snapshot, view: &view, fields: &self.fields, weights: WEIGHTS };
        let rank = |most: usize| -> Result<Vec<Hit>, Error> {
            let mut scratch = std::mem::take(&mut *state.scratch.lock().unwrap_or_else(PoisonError::into_inner));
            let hits = match &sought[..] {
                [(sought, _)] => ranking.best(&within, sought, &vectors, most, &mut scratch)?,
                sought => ranking.best_together(&within, sought, &vectors, most.max(TOGETHER_MIN), &mut scratch)?,
            };
            scratch.truncate(SCRATCH_MAX);
            *state.scratch.lock().unwrap_or_else(PoisonError::into_inner) = scratch;
            Ok(hits)
        };

        let mut folding = Folding::of(sought.iter().flat_map(|(sought, _)| &sought.terms.stems));
        let mut seen = HashSet::new();
        let mut leaning = self.leaning.as_ref();
        let mut most = match leaning {
            Some(_) => Leaning::among(likely),
            None => likely.saturating_add(SPARE),
        };
        loop {
            let mut hits = rank(most)?;
            let is_all = hits.len() < most;
            hits.retain(|hit| seen.insert((hit.segment, hit.doc)));
            if let Some(leaning) = leaning.take() {
                for found in self.leant(&state, leaning, &std::mem::take(&mut hits))? {
                    if folding.keeps(&found) && take(found).is_break() {
                        return Ok(());
                    }
                }
            }
            // Two ids whose numbers are one would stand in the order of the segments, so the ids themselves decide.
            for alike in hits.chunk_by(|one, other| (one.score, one.key) == (other.score, other.key)) {
                let mut alike = alike.iter().map(|hit| self.found(&state, hit)).collect::<Result<Vec<_>, Error>>()?;
                alike.sort_by_cached_key(|found| found.passage.id.to_string());
                for found in alike {
                    if folding.keeps(&found) && take(found).is_break() {
                        return Ok(());
                    }
                }
            }
            if is_all {
                return Ok(());
            }
            most = most.saturating_mul(MORE);
        }
    }
    /// What was found, in the order that leans.
    fn leant(&self, state: &State, leaning: &Leaning, hits: &[Hit]) -> Result<Vec<Found>, Error> {
        let now_ms = (self.now_ms)();
        let read = |hit: &Hit| -> Result<_, Error> {
            let mut found = self.found(state, hit)?;
            found.score *= leaning.factor(&found.head, now_ms);
            Ok((hit.key, found))
        };
        let mut all = hits.iter().map(read).collect::<Result<Vec<_>, Error>>()?;
        all.sort_by_cached_key(|(key, found)| {
            // Scores are not negative: their bits are in the order of their values.
            (Reverse(found.score.to_bits()), *key, found.passage.id.to_string())
        });
        Ok(all.into_iter().map(|(_, found)| found).collect())
    }
}
