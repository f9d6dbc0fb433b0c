//! Views of the desk that are open: a page that asks again every few seconds is one view, and stands in the log once.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::clock::Moment;
use crate::names::UserId;

/// A page that does not ask again within this time is closed: the next time is another view.
const PAUSE_MS: i64 = 60 * 1000;
/// A view that stays open longer stands in the log again.
const AGAIN_MS: i64 = 60 * 60 * 1000;

/// Whose view of what.
type View = (UserId, &'static str, String);

#[derive(Clone, Copy)]
struct Seen {
    recorded: Moment,
    last: Moment,
}

/// Views that are open. They do not outlive the process: after a restart each is on record anew.
#[derive(Default)]
pub(super) struct Views(Mutex<HashMap<View, Seen>>);

impl Views {
    /// Puts a look on record where it begins a view. While that is done nobody else's look goes on with the view: what is not on
    /// record is not shown.
    pub(super) fn record<E>(
        &self,
        (user, what, target): (&UserId, &'static str, &str),
        now: Moment,
        record: impl FnOnce() -> Result<(), E>,
    ) -> Result<(), E> {
        let mut views = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock set back ends all of them: rather one leaf too many.
        let is_open = |seen: &Seen| {
            (0..PAUSE_MS).contains(&now.since(seen.last)) && (0..AGAIN_MS).contains(&now.since(seen.recorded))
        };
        views.retain(|_, seen| is_open(seen));
        match views.get_mut(&(*user, what, target.to_owned())) {
            Some(seen) => seen.last = now,
            None => {
                record()?;
                views.insert((*user, what, target.to_owned()), Seen { recorded: now, last: now });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_asks_again_is_one_view_until_it_pauses_or_an_hour_is_over() {
        let (views, ana, bo) = (Views::default(), UserId::from_bytes([1; 16]), UserId::from_bytes([2; 16]));
        let at = |seconds: i64| Moment::from_ms(seconds * 1000);
        let begins = |user: &UserId, what, target: &str, seconds| {
            let mut begins = false;
            let recorded = views.record((user, what, target), at(seconds), || {
                begins = true;
                Ok::<(), ()>(())
            });
            recorded.unwrap();
            begins
        };

        assert!(begins(&ana, "source", "wiki", 0));
        assert!(!begins(&ana, "source", "wiki", 2));
        assert!(begins(&bo, "source", "wiki", 2), "another's view is another");
        assert!(begins(&ana, "runs", "wiki", 2) && begins(&ana, "source", "old", 2), "so is one of something else");
        assert!((1..120).all(|times| !begins(&ana, "source", "wiki", 1 + times * 30)), "within the hour");
        assert!(begins(&ana, "source", "wiki", 3_601), "after an hour it is on record again");
        assert!(begins(&ana, "source", "wiki", 3_601 + 60), "and after a pause");
        assert!(begins(&ana, "source", "wiki", 10), "and where the clock was set back");
    }

    #[test]
    fn a_look_that_could_not_be_put_on_record_begins_no_view() {
        let (views, ana, now) = (Views::default(), UserId::from_bytes([1; 16]), Moment::from_ms(0));

        assert_eq!(views.record((&ana, "source", "wiki"), now, || Err("the disk is full")), Err("the disk is full"));
        assert_eq!(views.record((&ana, "source", "wiki"), now, || Err("still")), Err("still"));
    }
}
