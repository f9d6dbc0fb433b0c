//! Leans the order of what was found towards pages that were changed lately, or that bear a label or stand in a space which
//! somebody named as the authority: only where a setting asks.
//!
//! A page gains a share of its score, never more than it has by words and meaning; and only among the best, so that no new
//! page comes first for its newness.

use std::collections::HashSet;

use serde::de::Error as _;
use serde::{Deserialize as _, Deserializer};

use super::{Head, Settings};

const DAY_MS: f64 = 86_400_000.0;

/// Hits that may change places, at least.
const AMONG_MIN: usize = 50;
/// For each that is wanted, so many may change places.
const AMONG_EACH: usize = 4;

/// What the order leans towards.
#[derive(Debug)]
pub(super) struct Leaning {
    half_life_ms: f64,
    recent: f32,
    labels: HashSet<String>,
    spaces: HashSet<String>,
    preferred: f32,
}

impl Leaning {
    /// `None` where no setting asks for any.
    pub(super) fn of(settings: &Settings) -> Option<Leaning> {
        let lower = |texts: &[String]| texts.iter().map(|text| text.to_lowercase()).collect::<HashSet<_>>();
        let leaning = Leaning {
            half_life_ms: f64::from(settings.recent_half_life_days) * DAY_MS,
            recent: settings.recent_gain,
            labels: lower(&settings.preferred_labels),
            spaces: lower(&settings.preferred_spaces),
            preferred: settings.preferred_gain,
        };
        let has_recent = leaning.half_life_ms > 0.0 && leaning.recent > 0.0;
        let has_preferred = leaning.preferred > 0.0 && !(leaning.labels.is_empty() && leaning.spaces.is_empty());
        (has_recent || has_preferred).then_some(leaning)
    }

    /// How many hits may change places where about so many are wanted.
    pub(super) fn among(wanted: usize) -> usize {
        wanted.saturating_mul(AMONG_EACH).max(AMONG_MIN)
    }

    /// What the score of a page's passage is multiplied with: 1 to 3.
    pub(super) fn factor(&self, head: &Head, now_ms: i64) -> f32 {
        let age_ms = now_ms.saturating_sub(head.updated_ms).max(0) as f64;
        let youth = if self.half_life_ms > 0.0 { (-age_ms / self.half_life_ms).exp2() as f32 } else { 0.0 };
        let is_preferred = self.spaces.contains(&head.space.key.to_lowercase())
            || head.labels.iter().any(|label| self.labels.contains(&label.to_lowercase()));
        1.0 + self.recent * youth + if is_preferred { self.preferred } else { 0.0 }
    }
}

/// Reads a gain; one that is no share is refused where it is read.
pub(super) fn share<'de, D: Deserializer<'de>>(from: D) -> Result<f32, D::Error> {
    let gain = f32::deserialize(from)?;
    if (0.0..=1.0).contains(&gain) { Ok(gain) } else { Err(D::Error::custom("a gain is a share, 0 to 1")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::{DocumentId, Kind, Space};

    fn head(updated_ms: i64, label: &str, space: &str) -> Head {
        Head {
            id: DocumentId::new("wiki", "1").unwrap(),
            kind: Kind::Page,
            title: "Leave".into(),
            space: Space { key: space.into(), name: "A space".into() },
            url: String::new(),
            updated_ms,
            labels: vec![label.into()],
            author: String::new(),
            made: Default::default(),
            parent: None,
        }
    }

    #[test]
    fn age_counts_half_after_each_half_life_and_nothing_gains_without_bound() {
        let days = |days: i64| days * DAY_MS as i64;
        let settings = Settings { recent_half_life_days: 100, recent_gain: 1.0, ..Settings::default() };
        let leaning = Leaning::of(&settings).unwrap();
        let now = days(1000);
        let factor = |updated_ms| leaning.factor(&head(updated_ms, "", ""), now);

        assert_eq!([factor(now), factor(days(900)), factor(days(800))], [2.0, 1.5, 1.25]);
        assert_eq!(factor(days(2000)), 2.0, "a page from the future is new and no more");
        assert!((1.0..1.0001).contains(&factor(i64::MIN)));
    }

    #[test]
    fn a_preferred_label_or_space_counts_once_in_any_case() {
        let settings = Settings {
            preferred_labels: vec!["Official".into()],
            preferred_spaces: vec!["hr".into()],
            preferred_gain: 0.5,
            ..Settings::default()
        };
        let leaning = Leaning::of(&settings).unwrap();

        for (label, space, wanted) in
            [("official", "ENG", 1.5), ("draft", "HR", 1.5), ("OFFICIAL", "HR", 1.5), ("draft", "ENG", 1.0)]
        {
            assert_eq!(leaning.factor(&head(0, label, space), 0), wanted, "{label} in {space}");
        }
    }

    #[test]
    fn by_default_nothing_leans() {
        assert!(Leaning::of(&Settings::default()).is_none());
        assert!(Leaning::of(&Settings { recent_gain: 0.0, recent_half_life_days: 9, ..Settings::default() }).is_none());
    }

    #[test]
    fn a_gain_that_is_no_share_is_refused_by_its_name() {
        for (gain, is_read) in [("0.0", true), ("1.0", true), ("1.5", false), ("-0.1", false), ("null", false)] {
            let read = serde_json::from_str::<Settings>(&format!("{{\"recent_gain\": {gain}}}"));
            assert_eq!(read.is_ok(), is_read, "{gain}");
        }
        let why = serde_json::from_str::<Settings>("{\"preferred_gain\": 7}").unwrap_err().to_string();
        assert!(why.contains("0 to 1"), "{why}");
    }
}
