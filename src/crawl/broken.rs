//! Runs that a crash broke off: what they had learned by then is in force, and is still to be put on record.

use super::kept::Kept;
use super::{Error, Learned, Run, State, Status, learning};
use crate::clock::Moment;
use crate::names::SourceId;
use crate::store::Store;

/// The newest run of each source; one that a crash broke off, with what it had learned of permissions by then.
pub fn newest_runs(store: &Store) -> Result<Vec<(SourceId, Run)>, Error> {
    let kept = Kept::open(store)?;
    let mut runs = Vec::new();
    for (source, status) in kept.statuses()? {
        let Some(mut run) = status.runs.into_iter().next() else { continue };
        if is_open(&run) {
            run.learned = Learned { people: run.learned.people, ..learning::learned_by(&kept, &source, run.id())? };
        }
        runs.push((source, run));
    }
    Ok(runs)
}

/// Says of runs that a crash broke off that they were stopped. At start-up, once they are on record.
pub fn end_broken_runs(store: &Store, now: Moment) -> Result<(), Error> {
    let kept = Kept::open(store)?;
    let has_open = |status: &Status| status.runs.iter().any(is_open);
    for (source, mut status) in kept.statuses()?.into_iter().filter(|(_, status)| has_open(status)) {
        for run in status.runs.iter_mut().filter(|run| is_open(run)) {
            (run.state, run.ended) = (State::Stopped, Some(now));
        }
        kept.put_status(&source, &status)?;
    }
    Ok(())
}

fn is_open(run: &Run) -> bool {
    run.state == State::Running
}
