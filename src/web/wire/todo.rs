//! What waits for somebody, on the wire: what is wrong, since when, and the next step, in words that are made here.

use serde::Serialize;
use utoipa::ToSchema;

use crate::app::{Item, Presses, Wrong};

/// One thing that waits.
#[derive(Debug, Serialize, ToSchema)]
pub struct TodoItem {
    /// A stable word.
    pub code: &'static str,
    /// `now`: something does not work, or soon will not; `soon`: somebody should mend or decide it; `someday`: worth knowing.
    pub presses: &'static str,
    /// The source or provider it is about; `null` for the appliance itself.
    pub about: Option<String>,
    /// What is wrong, as a sentence.
    pub text: String,
    /// The next step, as a sentence.
    pub next: String,
    /// Where the next step is taken; `null` where that is not here.
    pub link: Option<String>,
    /// Since when, RFC 3339; `null` where that is not known.
    pub since: Option<String>,
}

impl From<&Item> for TodoItem {
    fn from(item: &Item) -> TodoItem {
        let Words { code, about, text, next, link } = words(&item.wrong);
        TodoItem {
            code,
            presses: presses(item.presses),
            about,
            text,
            next: next.to_owned(),
            link,
            since: item.since.map(|at| at.rfc3339()),
        }
    }
}

/// The word of how much something presses.
pub(super) fn presses(presses: Presses) -> &'static str {
    match presses {
        Presses::Now => "now",
        Presses::Soon => "soon",
        Presses::Someday => "someday",
    }
}

/// The stable word of what is wrong: what support is told, without a name.
pub(super) fn code(wrong: &Wrong) -> &'static str {
    words(wrong).code
}

struct Words {
    code: &'static str,
    about: Option<String>,
    text: String,
    next: &'static str,
    link: Option<String>,
}

fn words(wrong: &Wrong) -> Words {
    let plain = |code, text: String, next, link: Option<&str>| Words {
        code,
        about: None,
        text,
        next,
        link: link.map(str::to_owned),
    };
    let of_source = |code, source: &str, text: String, next| Words {
        code,
        about: Some(source.to_owned()),
        text,
        next,
        link: Some(format!("/admin/sources/{source}")),
    };
    match wrong {
        Wrong::CertificateEnds(at) => plain(
            "certificate_ends",
            format!("The certificate of this page ends on {}.", at.rfc3339().split('T').next().unwrap_or_default()),
            "Put a new one in the place of certificate_file and start the appliance again; one that it made itself is renewed by a restart.",
            None,
        ),
        Wrong::DiskFull { free, total } => plain(
            "disk_full",
            format!("{} of {} are left in the data folder's file system.", bytes(*free), bytes(*total)),
            "Free some space, or move the data folder to a larger disk. Nothing is lost before then; when it is full, nothing new is kept.",
            None,
        ),
        Wrong::ClockSetBack(at) => plain(
            "clock_set_back",
            format!("The clock was set back: something was written down at {}, which has not come yet.", at.rfc3339()),
            "Set the machine's clock. Until then sessions, syncs and permissions' ages are judged by a wrong time.",
            None,
        ),
        Wrong::PermissionsOld { source, budget_minutes } => of_source(
            "permissions_old",
            source.as_str(),
            format!("The permissions of {source} are older than {budget_minutes} minutes, so it answers nothing."),
            "Look why its syncs do not come to their end, then sync it.",
        ),
        Wrong::RemovalHeld { source } => of_source(
            "removal_held",
            source.as_str(),
            format!("A sync of {source} would have removed more than its guard allows, and waits."),
            "Look in the wiki whether the pages are really gone. If they are, press \"Remove and sync\".",
        ),
        Wrong::SyncFailed { source, times } => of_source(
            "sync_failed",
            source.as_str(),
            match times {
                1 => format!("The last sync of {source} failed."),
                times => format!("The last {times} syncs of {source} failed."),
            },
            "Its page says what failed and what mends it.",
        ),
        Wrong::SyncIncomplete { source, failures } => of_source(
            "sync_incomplete",
            source.as_str(),
            format!("The last sync of {source} could not read {}.", counted(*failures, "thing")),
            "Its page lists each with what mends it. What could not be read is shown to nobody.",
        ),
        Wrong::NeverSynced { source } => {
            of_source("never_synced", source.as_str(), format!("{source} was never synced."), "Begin its first sync.")
        }
        Wrong::ProviderAway { provider } => Words {
            code: "provider_away",
            about: Some(provider.clone()),
            text: format!(
                "The provider {provider} could not be reached, or what is known of it can no longer be used."
            ),
            next: "Test it: the test says what goes wrong.",
            link: Some(format!("/admin/providers/{provider}/test")),
        },
        Wrong::Conflicts(count) => plain(
            "conflicts",
            match count {
                1 => "One account could be two people's, and is nobody's until you decide.".to_owned(),
                count => format!("{count} accounts could be two people's, and are nobody's until you decide."),
            },
            "Say whose each is.",
            Some("/admin/people#conflicts"),
        ),
        Wrong::Unmatched { source, accounts } => Words {
            code: "unmatched",
            about: Some(source.clone()),
            text: match accounts {
                1 => format!("One account of {source} belongs to no person, and opens nothing."),
                accounts => format!("{accounts} accounts of {source} belong to no person, and open nothing."),
            },
            next: "Look whether a person of the directory should hold it.",
            link: Some("/admin/people?state=unmatched#accounts".to_owned()),
        },
        Wrong::NoCheckpointOutside { hours } => plain(
            "no_checkpoint_outside",
            format!("No checkpoint of the audit log was taken outside within {}.", counted_u64(*hours, "hour")),
            "Run \"sotto audit checkpoint\" on the machine and keep what it prints elsewhere: what came after the last one could be cut off unnoticed.",
            None,
        ),
        Wrong::ModelMissing => plain(
            "model_missing",
            "There is no language model: answers are made of sentences quoted from pages.".to_owned(),
            "Name one under [model] in the settings. \"sotto model list\" says which are there.",
            None,
        ),
        Wrong::EmbedderMissing => plain(
            "embedder_missing",
            "There is no embedder: pages are found by their words alone, not by their meaning.".to_owned(),
            "Name one under [model] in the settings.",
            None,
        ),
        Wrong::MetricsOff => plain(
            "metrics_off",
            "Metrics are switched off: no monitoring sees when something goes wrong.".to_owned(),
            "Set metrics_listen under [server] in the settings.",
            None,
        ),
        Wrong::ProvisioningSilent => plain(
            "provisioning_silent",
            "The identity provider has not called since the appliance was started.".to_owned(),
            "Look at the provider whether provisioning is on: people who leave are not known to have left.",
            None,
        ),
    }
}

fn counted(count: usize, one: &str) -> String {
    counted_u64(count as u64, one)
}

fn counted_u64(count: u64, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}

/// `3.4 GB`: one digit after the point, by thousands.
fn bytes(count: u64) -> String {
    let mut size = count as f64;
    let mut units = ["bytes", "kB", "MB", "GB", "TB"].into_iter();
    let mut unit = units.next().unwrap_or_default();
    for larger in units {
        if size < 1_000.0 {
            break;
        }
        (size, unit) = (size / 1_000.0, larger);
    }
    if unit == "bytes" { format!("{count} bytes") } else { format!("{size:.1} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Moment;
    use crate::names::SourceId;

    #[test]
    fn each_thing_has_a_code_of_its_own_words_and_a_next_step() {
        let source = || SourceId::parse("wiki").unwrap();
        let all = [
            Wrong::CertificateEnds(Moment::from_ms(0)),
            Wrong::DiskFull { free: 3_400_000_000, total: 100_000_000_000 },
            Wrong::ClockSetBack(Moment::from_ms(0)),
            Wrong::PermissionsOld { source: source(), budget_minutes: 60 },
            Wrong::RemovalHeld { source: source() },
            Wrong::SyncFailed { source: source(), times: 3 },
            Wrong::SyncIncomplete { source: source(), failures: 1 },
            Wrong::NeverSynced { source: source() },
            Wrong::ProviderAway { provider: "company".to_owned() },
            Wrong::Conflicts(2),
            Wrong::Unmatched { source: "wiki".to_owned(), accounts: 4 },
            Wrong::NoCheckpointOutside { hours: 24 },
            Wrong::ModelMissing,
            Wrong::EmbedderMissing,
            Wrong::MetricsOff,
            Wrong::ProvisioningSilent,
        ];
        let mut codes: Vec<&str> = all.iter().map(code).collect();

        for wrong in &all {
            let item = TodoItem::from(&Item::new(Presses::Now, wrong.clone(), None));
            assert!(item.text.ends_with('.') && item.next.ends_with('.'), "{item:?}");
            assert!(item.link.is_none_or(|link| link.starts_with("/admin/")), "{wrong:?}");
        }
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), all.len());
    }

    #[test]
    fn sizes_are_told_as_people_say_them() {
        assert_eq!([bytes(999), bytes(3_400_000_000), bytes(0)], ["999 bytes", "3.4 GB", "0 bytes"]);
    }
}
