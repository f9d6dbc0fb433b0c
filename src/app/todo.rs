//! What waits for somebody: each thing that is wrong, since when, as a code and its numbers. The words and the next step are
//! made where it is shown. Pure, but for the gathering.

use super::{App, Error};
use crate::clock::Moment;
use crate::crawl::{Run, State};
use crate::names::SourceId;
use crate::sso;

/// Milliseconds of an hour.
const HOUR_MS: i64 = 60 * 60 * 1000;
/// How much a clock may be behind what was written down before it counts as set back, in milliseconds.
const CLOCK_SLACK_MS: i64 = 60 * 1000;

/// How much it presses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Presses {
    /// Something does not work, or soon will not: people are not answered, or nothing is kept.
    Now,
    /// Somebody should decide or mend it.
    Soon,
    /// Worth knowing.
    Someday,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wrong {
    /// The certificate of the page ends at that moment, or has ended.
    CertificateEnds(Moment),
    /// The file system of the data folder has so many bytes left, of so many.
    DiskFull { free: u64, total: u64 },
    /// The clock was set back behind what was written down at this moment.
    ClockSetBack(Moment),
    /// A source's permissions are older than its budget, in minutes: it answers nothing.
    PermissionsOld { source: SourceId, budget_minutes: u64 },
    /// A sync would have removed so many documents more than its guard lets it, and waits.
    RemovalHeld { source: SourceId },
    /// So many syncs of a source in a row have failed.
    SyncFailed { source: SourceId, times: usize },
    /// A source's last sync could not read so many things.
    SyncIncomplete { source: SourceId, failures: usize },
    /// A source was never synced.
    NeverSynced { source: SourceId },
    /// A provider could not be reached when somebody signed in, or its metadata can no longer be used.
    ProviderAway { provider: String },
    /// So many accounts could be two people's.
    Conflicts(usize),
    /// So many accounts of a source are nobody's.
    Unmatched { source: String, accounts: u64 },
    /// No checkpoint of the log was taken outside within so many hours; never, where there is no moment.
    NoCheckpointOutside { hours: u64 },
    /// No language model is set: every answer is quoted.
    ModelMissing,
    /// No embedder is set: search is by words alone.
    EmbedderMissing,
    /// Metrics are switched off.
    MetricsOff,
    /// Provisioning is set up, and the provider has not called since the start.
    ProvisioningSilent,
}

/// One thing that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// How much it presses.
    pub presses: Presses,
    /// What is wrong.
    pub wrong: Wrong,
    /// Since when; `None` where that is not known.
    pub since: Option<Moment>,
}

impl Item {
    /// One thing.
    pub fn new(presses: Presses, wrong: Wrong, since: Option<Moment>) -> Item {
        Item { presses, wrong, since }
    }
}

/// Puts what presses first.
pub fn in_order(mut items: Vec<Item>) -> Vec<Item> {
    items.sort_by(|a, b| (a.presses, &a.wrong).cmp(&(b.presses, &b.wrong)));
    items
}

impl App {
    /// Everything that waits here; what the server alone knows (its certificate, its metrics) is added there.
    pub fn todo(&self) -> Result<Vec<Item>, Error> {
        let now = self.now();
        let mut items = Vec::new();
        let stale = self.stale_sources()?;
        let mut newest = self.audit.last_checkpoint().map(|checkpoint| checkpoint.at);
        for state in self.source_states()? {
            let settings = self.settings.source.iter().find(|source| source.name == state.name);
            let budget_minutes = settings.map_or(0, |settings| settings.stale_minutes);
            if stale.iter().any(|name| name == state.name.as_str()) {
                let budget_ms = i64::try_from(budget_minutes.saturating_mul(60_000)).unwrap_or(i64::MAX);
                let since = state.status.permissions_as_of.map(|at| at.plus_ms(budget_ms)).filter(|at| *at <= now);
                let wrong = Wrong::PermissionsOld { source: state.name.clone(), budget_minutes };
                items.push(Item::new(Presses::Now, wrong, since));
            }
            items.extend(of_runs(&state.name, &state.status.runs));
            newest = newest.max(state.status.runs.iter().filter_map(|run| run.ended).max());
        }
        items.extend(
            newest
                .filter(|at| at.since(now) > CLOCK_SLACK_MS)
                .map(|at| Item::new(Presses::Now, Wrong::ClockSetBack(at), None)),
        );
        items.extend(disk(self.store.room(), self.settings.desk.disk_free_percent));
        items.extend(self.of_providers(now));
        items.extend(self.of_directory()?);
        items.extend(self.held_outside(now)?);
        if self.models.generate.is_none() {
            items.push(Item::new(Presses::Soon, Wrong::ModelMissing, None));
        }
        if self.models.embed.is_none() {
            items.push(Item::new(Presses::Someday, Wrong::EmbedderMissing, None));
        }
        Ok(in_order(items))
    }

    fn of_providers(&self, now: Moment) -> Vec<Item> {
        let away = self.providers.iter().filter_map(|provider| Some((provider.id().to_string(), provider.away()?)));
        let mut items: Vec<Item> = away
            .map(|(provider, since)| Item::new(Presses::Now, Wrong::ProviderAway { provider }, Some(since)))
            .collect();
        for provider in &self.settings.provider {
            if let sso::Settings::Saml(saml) = provider
                && let Some(Err(_)) = sso::saml::check_metadata(saml, now)
            {
                let wrong = Wrong::ProviderAway { provider: saml.id.to_string() };
                items.push(Item::new(Presses::Now, wrong, None));
            }
        }
        items
    }

    fn of_directory(&self) -> Result<Vec<Item>, Error> {
        let mut items = Vec::new();
        let conflicts = self.directory.conflicts().len();
        if conflicts > 0 {
            items.push(Item::new(Presses::Soon, Wrong::Conflicts(conflicts), None));
        }
        for (source, accounts) in self.directory.counts()?.unmatched.into_iter().filter(|(_, accounts)| *accounts > 0) {
            items.push(Item::new(Presses::Someday, Wrong::Unmatched { source, accounts }, None));
        }
        if !self.settings.scim.is_empty() && self.scim_last().is_none() {
            items.push(Item::new(Presses::Someday, Wrong::ProvisioningSilent, None));
        }
        Ok(items)
    }

    /// Whether a checkpoint of the log stands outside that is young enough: what came after it can be cut off by whoever owns
    /// the machine, and nobody would notice.
    fn held_outside(&self, now: Moment) -> Result<Option<Item>, Error> {
        let hours = self.settings.desk.checkpoint_hours;
        if hours == 0 {
            return Ok(None);
        }
        let budget_ms = i64::try_from(hours).unwrap_or(i64::MAX).saturating_mul(HOUR_MS);
        // By hand, or sent to a place that took it.
        let sent = self.outside()?.newest.map(|(at, _)| at);
        let taken = self.checkpoint_taken()?.max(sent);
        let is_young = taken.is_some_and(|at| now.since(at) <= budget_ms);
        let since = taken.map(|at| at.plus_ms(budget_ms));
        Ok((!is_young).then(|| Item::new(Presses::Soon, Wrong::NoCheckpointOutside { hours }, since)))
    }
}

/// What a source's runs say, the newest first.
fn of_runs(source: &SourceId, runs: &[Run]) -> Vec<Item> {
    let source = source.clone();
    let Some(last) = runs.iter().find(|run| run.state != State::Running) else {
        let is_first_running = !runs.is_empty();
        return match is_first_running {
            true => Vec::new(),
            false => vec![Item::new(Presses::Soon, Wrong::NeverSynced { source }, None)],
        };
    };
    let ended = |run: &Run| run.ended.unwrap_or(run.began);
    match last.state {
        State::Held => vec![Item::new(Presses::Soon, Wrong::RemovalHeld { source }, Some(ended(last)))],
        State::Failed => {
            let in_a_row =
                runs.iter().filter(|run| run.state != State::Running).take_while(|run| run.state == State::Failed);
            let failed: Vec<&Run> = in_a_row.collect();
            let since = failed.last().map(|first| ended(first));
            vec![Item::new(Presses::Now, Wrong::SyncFailed { source, times: failed.len() }, since)]
        }
        State::Incomplete => {
            let wrong = Wrong::SyncIncomplete { source, failures: last.failures.len() };
            vec![Item::new(Presses::Someday, wrong, Some(ended(last)))]
        }
        State::Running | State::Succeeded | State::Stopped => Vec::new(),
    }
}

/// Whether little of the disk is left.
fn disk(room: Option<(u64, u64)>, free_percent: u8) -> Option<Item> {
    let (free, total) = room?;
    let is_low = u128::from(free) * 100 < u128::from(total) * u128::from(free_percent);
    is_low.then(|| Item::new(Presses::Now, Wrong::DiskFull { free, total }, None))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crawl::Mode;

    fn wiki() -> SourceId {
        SourceId::parse("wiki").unwrap()
    }

    fn run(number: u64, state: State) -> Run {
        let at = Moment::from_ms(i64::try_from(number).unwrap() * 1000);
        serde_json::from_value(serde_json::json!({
            "number": number, "began": at, "ended": at, "mode": Mode::Changes, "state": state, "phase": "done",
            "seen": 0, "added": 0, "changed": 0, "removed": 0, "reclassed": 0, "failures": []
        }))
        .unwrap()
    }

    #[test]
    fn syncs_that_fail_in_a_row_are_told_since_the_first_of_them() {
        let runs = [run(5, State::Failed), run(4, State::Failed), run(3, State::Succeeded), run(2, State::Failed)];

        let items = of_runs(&wiki(), &runs);

        assert_eq!(items.len(), 1);
        assert_eq!(items[0].wrong, Wrong::SyncFailed { source: wiki(), times: 2 });
        assert_eq!(items[0].since, Some(Moment::from_ms(4000)));
    }

    #[test]
    fn a_sync_that_runs_leaves_what_the_one_before_it_said() {
        let runs = [run(2, State::Running), run(1, State::Held)];

        assert_eq!(of_runs(&wiki(), &runs)[0].wrong, Wrong::RemovalHeld { source: wiki() });
        assert!(of_runs(&wiki(), &runs[..1]).is_empty(), "the first one runs");
        assert_eq!(of_runs(&wiki(), &[])[0].wrong, Wrong::NeverSynced { source: wiki() });
        assert!(of_runs(&wiki(), &[run(1, State::Succeeded)]).is_empty());
    }

    #[test]
    fn little_room_presses_and_enough_does_not() {
        assert!(disk(Some((9, 100)), 10).is_some());
        assert!(disk(Some((10, 100)), 10).is_none());
        assert!(disk(None, 10).is_none(), "a file system that cannot be asked is not said to be full");
    }

    #[test]
    fn what_presses_comes_first() {
        let items = in_order(vec![
            Item::new(Presses::Someday, Wrong::EmbedderMissing, None),
            Item::new(Presses::Now, Wrong::DiskFull { free: 1, total: 100 }, None),
            Item::new(Presses::Soon, Wrong::Conflicts(2), None),
        ]);

        let presses: Vec<Presses> = items.iter().map(|item| item.presses).collect();
        assert_eq!(presses, [Presses::Now, Presses::Soon, Presses::Someday]);
    }
}
