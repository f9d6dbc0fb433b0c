//! Strips of products, shared out so that each thread reads memory in order.
//!
//! Each thread begins with a run of strips of its own and takes pieces of it from the front: so what was asked for at the end
//! of one piece is read in the next. Who is done takes half of what somebody else has left, from the back. What a strip comes
//! to does not depend on who takes it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::pool::Pool;

/// Strips of a piece at most: few enough for one that is held up to hold up little.
const PIECE_MAX: usize = 16;

/// Strips behind each other.
pub(super) trait Strips: Send + Sized {
    /// How many there are.
    fn count(&self) -> usize;
    /// The first of them, at most all, and the others.
    fn split(self, first: usize) -> (Self, Self);
}

/// Does the work on all strips. It is told whether the piece begins where the last one of the same thread ended.
pub(super) fn share<S: Strips>(pool: &Pool, strips: impl Iterator<Item = S>, work: impl Fn(S, bool) + Sync) {
    let threads = pool.threads();
    if threads == 1 {
        return strips.for_each(|strips| work(strips, false));
    }
    let strips: Vec<S> = strips.collect();
    let all: usize = strips.iter().map(S::count).sum();
    let mut runs: Vec<Vec<S>> = (0..threads).map(|_| Vec::new()).collect();
    let mut before = 0;
    for mut strips in strips {
        while strips.count() > 0 {
            let of = before * threads / all;
            let end = (all * (of + 1)).div_ceil(threads);
            let (part, rest) = strips.split((end - before).max(1));
            before += part.count();
            runs[of].push(part);
            strips = rest;
        }
    }
    // The next of a run stands at its end.
    runs.iter_mut().for_each(|run| run.reverse());
    let (runs, entered) = (Mutex::new(runs), AtomicUsize::new(0));
    pool.together(&|| {
        let own = entered.fetch_add(1, Ordering::Relaxed) % threads;
        loop {
            let taken = take(&mut runs.lock().unwrap_or_else(PoisonError::into_inner), own);
            match taken {
                Some((piece, follows)) => work(piece, follows),
                None => return,
            }
        }
    });
}

/// The next piece for who began with a run, and whether it follows the last.
fn take<S: Strips>(runs: &mut [Vec<S>], own: usize) -> Option<(S, bool)> {
    let left = |run: &Vec<S>| run.iter().map(S::count).sum::<usize>();
    let follows = !runs[own].is_empty();
    if !follows {
        let from = (0..runs.len()).max_by_key(|at| left(&runs[*at]))?;
        let mut keeps = left(&runs[from]) / 2;
        let mut stays = Vec::new();
        while let Some(strips) = runs[from].pop() {
            let (kept, gone) = strips.split(keeps);
            keeps -= kept.count();
            stays.extend((kept.count() > 0).then_some(kept));
            runs[own].extend((gone.count() > 0).then_some(gone));
        }
        stays.reverse();
        runs[own].reverse();
        runs[from] = stays;
    }
    let most = (left(&runs[own]) / 4).clamp(1, PIECE_MAX);
    let (piece, rest) = runs[own].pop()?.split(most);
    runs[own].extend((rest.count() > 0).then_some(rest));
    Some((piece, follows))
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Strips for &mut [u32] {
        fn count(&self) -> usize {
            self.len()
        }

        fn split(self, first: usize) -> (Self, Self) {
            let first = first.min(self.len());
            self.split_at_mut(first)
        }
    }

    #[test]
    fn every_strip_is_worked_on_once_by_any_number_of_threads() {
        for threads in [1, 2, 5] {
            let pool = Pool::new(threads).unwrap();
            for lengths in [vec![], vec![1], vec![3, 1], vec![48, 8, 8], vec![0, 1000, 2]] {
                let mut cells: Vec<Vec<u32>> = lengths.iter().map(|length| vec![0; *length]).collect();
                share(&pool, cells.iter_mut().map(Vec::as_mut_slice), |piece, _| {
                    piece.iter_mut().for_each(|cell| *cell += 1);
                });

                assert!(cells.iter().flatten().all(|cell| *cell == 1), "{threads} threads, {lengths:?}");
            }
        }
    }

    #[test]
    fn who_comes_alone_takes_all_in_order_and_is_told_where_it_goes_on() {
        let mut cells: Vec<u32> = (0..40).collect();
        let (one, other) = cells.split_at_mut(20);
        let mut runs = vec![vec![one], vec![other]];
        let (mut seen, mut begun) = (Vec::new(), Vec::new());
        while let Some((piece, follows)) = take(&mut runs, 1) {
            if !follows {
                begun.push(piece[0]);
            }
            seen.extend_from_slice(piece);
        }

        assert_eq!(seen[..20], (20..40).collect::<Vec<_>>());
        assert_eq!(begun[0], 10);
        seen.sort_unstable();
        assert_eq!(seen, (0..40).collect::<Vec<_>>());
    }
}
