//! A few questions at once.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Questions under way at once. Confluence asks its clients for few.
const AT_ONCE: usize = 4;

/// Does `work` for each thing on a few threads; the answers come in the order of the things.
pub(super) fn abreast<T: Sync, R: Send>(things: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, R)>> = Mutex::new(Vec::with_capacity(things.len()));
    let one = || {
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(thing) = things.get(place) else { return };
            let answer = work(thing);
            done.lock().expect("no thread panics while it holds this").push((place, answer));
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..AT_ONCE.min(things.len()) {
            scope.spawn(one);
        }
        one();
    });
    let mut done = done.into_inner().expect("no thread panics while it holds this");
    done.sort_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, answer)| answer).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_in_order() {
        let things: Vec<u32> = (0..100).collect();

        assert_eq!(abreast(&things, |n| n * 2), (0..100).map(|n| n * 2).collect::<Vec<_>>());
        assert!(abreast(&Vec::<u32>::new(), |n| *n).is_empty());
    }
}
