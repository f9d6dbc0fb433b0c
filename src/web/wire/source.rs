//! One source of the desk on the wire: how it stands, its runs, what a look at it found, and one page that was tested.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Space;
use super::access::{Access, Condition};
use super::desk::{Failure, Mode, Run};
use super::page::Block;
use super::source_settings::{SettingPart, SourceField, fields, parts};
use crate::app::{self, AtWork};
use crate::crawl::{self, Basis, Estimate, MacroFate, Origin, Secret};

/// One source.
#[derive(Debug, Serialize, ToSchema)]
pub struct SourceDetail {
    /// When it was taken, RFC 3339.
    pub at: String,
    /// Which.
    pub name: String,
    /// Its address.
    pub url: String,
    /// Documents in the index.
    pub documents: u64,
    /// When its permissions were last read whole, RFC 3339.
    pub permissions_as_of: Option<String>,
    /// Whether they are older than its settings allow, so that it answers nothing.
    pub is_stale: bool,
    /// Its newest run: the one at work, or the last.
    pub run: Option<Run>,
    /// Where its sync stands: `no`, `waiting`, `running` or `stopping`.
    pub at_work: &'static str,
    /// How long the run at work may still take; `null` where nothing is known of that.
    pub estimate: Option<RunEstimate>,
    /// The next runs; none for on demand only.
    pub upcoming: Vec<UpcomingRun>,
    /// Whether its connection is tried, what it would give is counted, or a page of it is tested just now.
    pub is_looked_into: bool,
    /// What fixes its settings: `file`, and they cannot be changed on the desk. `null` where they can.
    pub locked_by: Option<&'static str>,
    /// Its settings by their keys, for whoever may change them; `null` where they are fixed. No secret is among them.
    #[schema(value_type = Option<Object>)]
    pub values: Option<serde_json::Value>,
    /// Secrets that were entered on the desk: `token`, `password`, `webhook_secret`.
    pub entered: Vec<&'static str>,
    /// Its settings in words, part by part.
    pub settings: Vec<SettingPart>,
    /// What becomes of each field of its pages.
    pub fields: Vec<SourceField>,
}

/// How long a run may still take.
#[derive(Debug, Serialize, ToSchema)]
pub struct RunEstimate {
    /// Seconds left of the phase it is in; `null` where that is not known.
    pub phase_s: Option<i64>,
    /// Seconds left of the run; `null` where that is not known.
    pub run_s: Option<i64>,
    /// What it rests on: `rate` (of this run so far) or `earlier_run`.
    pub by: &'static str,
    /// It, as a sentence.
    pub text: String,
}

/// A run to come.
#[derive(Debug, Serialize, ToSchema)]
pub struct UpcomingRun {
    /// RFC 3339; the time of the answer where it is due now.
    pub at: String,
    /// How much it reads.
    pub mode: Mode,
}

/// Some runs of a source.
#[derive(Debug, Serialize, ToSchema)]
pub struct Runs {
    /// The newest first.
    pub runs: Vec<Run>,
    /// Give it as `cursor` for what follows; `null` at the end.
    pub next_cursor: Option<String>,
}

/// What a look at a source found.
#[derive(Debug, Serialize, ToSchema)]
pub struct Check {
    /// Whether everything is right.
    pub ok: bool,
    /// Each thing that a sync needs, in its order.
    pub findings: Vec<Finding>,
}

/// One thing that a sync needs.
#[derive(Debug, Serialize, ToSchema)]
pub struct Finding {
    /// Which, in one or two words.
    pub what: &'static str,
    /// Whether it is right.
    pub ok: bool,
    /// What was found, in plain words.
    pub text: String,
    /// What to do about it, where it is not right.
    pub remedy: Option<String>,
    /// A stable word, where it is not right.
    pub code: Option<String>,
}

/// Which page is to be tested.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TestPage {
    /// The address that the page is opened at, in any of Confluence's forms, or its id.
    pub url: String,
}

/// One page as it was read just now.
#[derive(Debug, Serialize, ToSchema)]
pub struct PageTest {
    /// When, RFC 3339.
    pub at: String,
    /// What was read; `null` where nothing was.
    pub page: Option<TestedPage>,
    /// Why nothing was.
    pub failure: Option<Failure>,
}

/// What was read of one page.
#[derive(Debug, Serialize, ToSchema)]
pub struct TestedPage {
    /// `SOURCE:ID`.
    pub document_id: String,
    /// `page`, `blogpost`, `comment` or `attachment`.
    pub kind: &'static str,
    /// The key of its space.
    pub space: String,
    /// Its version in the source.
    pub version: u64,
    /// The version whose words are in the index; `null` where none is.
    pub kept_version: Option<u64>,
    /// When it was changed last, RFC 3339.
    pub updated_at: String,
    /// When it was made, RFC 3339; `null` where that is not known or not kept.
    pub created_at: Option<String>,
    /// How many pages are above it.
    pub above: usize,
    /// How many labels are kept.
    pub labels: usize,
    /// How many links to other pages and addresses.
    pub links: usize,
    /// How many blocks were extracted.
    pub blocks: usize,
    /// How many passages it is cut into.
    pub passages: usize,
    /// How many words are in these.
    pub words: usize,
    /// Its macros.
    pub macros: Vec<TestedMacro>,
    /// Why the settings leave it out; `null` where they take it in.
    pub left_out: Option<&'static str>,
    /// What could not be read.
    pub failures: Vec<Failure>,
    /// Who may read it: all of these must hold.
    pub rule: Vec<Condition>,
    /// Whether the administrator who asked may read it.
    pub may_read: bool,
    /// That, as a sentence.
    pub summary: String,
    /// The page itself; `null` where the administrator who asked may not read it.
    pub shown: Option<ShownPage>,
}

/// The uses of one macro.
#[derive(Debug, Serialize, ToSchema)]
pub struct TestedMacro {
    /// Its name; `null` for one that is not known here, where the page is not shown.
    pub name: Option<String>,
    /// `read`, `named` (what it shows is not read) or `dropped`.
    pub fate: &'static str,
    /// How often it stands there.
    pub count: u64,
}

/// A page, as it would be kept.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShownPage {
    /// Its title.
    pub title: String,
    /// Its space.
    pub space: Space,
    /// Where a person opens it.
    pub url: String,
    /// Who changed it last; empty where that is not kept.
    pub author: String,
    /// Who made it; empty where that is not kept.
    pub creator: String,
    /// Its labels, as far as they are kept.
    pub labels: Vec<String>,
    /// The content, in reading order.
    pub content: Vec<Block>,
}

impl From<&app::SourceDetail> for SourceDetail {
    fn from(detail: &app::SourceDetail) -> SourceDetail {
        let (settings, status) = (&*detail.settings, &detail.state.status);
        SourceDetail {
            at: detail.at.rfc3339(),
            name: settings.name.to_string(),
            url: super::source_settings::place(settings),
            documents: status.documents,
            permissions_as_of: status.permissions_as_of.map(|at| at.rfc3339()),
            is_stale: detail.is_stale,
            run: status.runs.first().map(Run::from),
            at_work: match detail.at_work {
                AtWork::No => "no",
                AtWork::Waiting => "waiting",
                AtWork::Running => "running",
                AtWork::Stopping => "stopping",
            },
            estimate: detail.estimate.map(|estimate| {
                let phase = status.runs.first().map_or("", |run| run.phase.as_str());
                RunEstimate::of(&estimate, phase)
            }),
            upcoming: detail
                .upcoming
                .iter()
                .map(|next| UpcomingRun { at: next.at.rfc3339(), mode: next.mode.into() })
                .collect(),
            is_looked_into: detail.is_looked_into,
            locked_by: (settings.origin == Origin::File).then_some("file"),
            values: (settings.origin == Origin::Desk).then(|| super::source_settings::values(settings)),
            entered: Secret::ALL.into_iter().filter(|one| settings.entered.has(*one)).map(Secret::word).collect(),
            settings: parts(settings),
            fields: fields(settings),
        }
    }
}

impl RunEstimate {
    fn of(estimate: &Estimate, phase: &str) -> RunEstimate {
        let (by, rests_on) = match estimate.by {
            Basis::Rate => ("rate", "at the rate so far"),
            Basis::EarlierRun => ("earlier_run", "by the times of an earlier run"),
        };
        let seconds = |ms: i64| ms.max(0) / 1000;
        let text = match (estimate.whole_ms, estimate.phase_ms, phase) {
            (Some(whole), _, _) => format!("{} left, {rests_on}.", about(seconds(whole))),
            (None, Some(left), "listing") => format!(
                "{} until everything is listed, {rests_on}. How much must be read then is not known before.",
                about(seconds(left))
            ),
            (None, Some(left), _) => {
                format!(
                    "{} left of this phase, {rests_on}. What comes after it is not known yet.",
                    about(seconds(left))
                )
            }
            (None, None, _) => String::new(),
        };
        RunEstimate { phase_s: estimate.phase_ms.map(seconds), run_s: estimate.whole_ms.map(seconds), by, text }
    }
}

/// A time that is not known to the second, and must not read as if it were.
fn about(seconds: i64) -> String {
    const MINUTE: i64 = 60;
    const HOUR: i64 = 60 * MINUTE;
    match seconds {
        ..5 => "A few seconds".to_owned(),
        5..90 => format!("About {} s", (seconds + 9) / 10 * 10),
        90..5400 => format!("About {} min", (seconds + MINUTE - 1) / MINUTE),
        _ => format!("About {} h", (seconds + HOUR / 2) / HOUR),
    }
}

impl From<&[crawl::Finding]> for Check {
    fn from(found: &[crawl::Finding]) -> Check {
        let findings: Vec<Finding> = found.iter().map(Finding::from).collect();
        Check { ok: findings.iter().all(|finding| finding.ok), findings }
    }
}

impl From<&crawl::Finding> for Finding {
    fn from(finding: &crawl::Finding) -> Finding {
        match &finding.outcome {
            Ok(text) => Finding { what: finding.what, ok: true, text: text.clone(), remedy: None, code: None },
            Err(failure) => Finding {
                what: finding.what,
                ok: false,
                text: failure.cause.clone(),
                remedy: Some(failure.remedy.clone()),
                code: Some(failure.code.clone()),
            },
        }
    }
}

impl From<&app::PageTest> for PageTest {
    fn from(test: &app::PageTest) -> PageTest {
        let (page, failure) = match &test.outcome {
            Ok(tested) => (Some(TestedPage::from(&**tested)), None),
            Err(failure) => (None, Some(Failure::from(failure))),
        };
        PageTest { at: test.at.rfc3339(), page, failure }
    }
}

impl From<&app::Tested> for TestedPage {
    fn from(tested: &app::Tested) -> TestedPage {
        let may_read = tested.shown.is_some();
        let name = |one: &crawl::MacroUse| (may_read || one.is_known).then(|| one.name.clone());
        TestedPage {
            document_id: tested.document.to_string(),
            kind: tested.kind.word(),
            space: tested.space.clone(),
            version: tested.revision,
            kept_version: tested.kept_revision,
            updated_at: tested.updated.rfc3339(),
            created_at: tested.created.map(|at| at.rfc3339()),
            above: tested.above,
            labels: tested.labels,
            links: tested.links,
            blocks: tested.blocks,
            passages: tested.passages,
            words: tested.words,
            macros: tested
                .macros
                .iter()
                .map(|one| TestedMacro { name: name(one), fate: fate(one.fate), count: one.count })
                .collect(),
            left_out: tested.left_out,
            failures: tested.failures.iter().map(Failure::from).collect(),
            rule: Access::rule(&tested.access),
            may_read,
            summary: match may_read {
                true => "You may read this page, so it is shown.".to_owned(),
                false => "You may not read this page, so its title and its words are not shown.".to_owned(),
            },
            shown: tested.shown.as_deref().map(|page| ShownPage {
                title: page.title.clone(),
                space: Space::from(&page.space),
                url: page.url.clone(),
                author: page.author.clone(),
                creator: page.made.by.clone(),
                labels: page.labels.clone(),
                content: page.blocks.iter().map(Block::from).collect(),
            }),
        }
    }
}

fn fate(fate: MacroFate) -> &'static str {
    match fate {
        MacroFate::Read => "read",
        MacroFate::Named => "named",
        MacroFate::Dropped => "dropped",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_says_what_it_rests_on_and_what_is_not_known() {
        let told =
            |phase_ms, whole_ms, phase| RunEstimate::of(&Estimate { phase_ms, whole_ms, by: Basis::Rate }, phase).text;

        assert_eq!(told(Some(61_000), Some(61_000), "content"), "About 70 s left, at the rate so far.");
        assert!(told(Some(200_000), None, "listing").starts_with("About 4 min until everything is listed"));
        assert!(told(Some(200), None, "people").starts_with("A few seconds left of this phase"));
        assert_eq!(about(3 * 3600), "About 3 h");
    }
}
