//! Which spaces and documents of a source are taken in. Pure: what is left out here is never fetched.
//!
//! A page that is left out still restricts what stands below it, so it is listed all the same, without its words.

use serde::{Deserialize, Serialize};

use super::Settings;
use super::source::Item;
use crate::corpus::Kind;

/// The most bytes a pattern may take when it is made ready: a setting must not fill the memory.
const PATTERN_BYTES_MAX: usize = 1 << 20;

/// A regular expression that must match the whole of a text, in any case.
#[derive(Debug, Clone)]
pub struct Pattern {
    written: String,
    made: regex::Regex,
}

impl Pattern {
    /// Reads an expression; the error says what is wrong with it.
    pub fn parse(written: &str) -> Result<Pattern, String> {
        let made = regex::RegexBuilder::new(&format!("^(?:{written})$"))
            .case_insensitive(true)
            .size_limit(PATTERN_BYTES_MAX)
            .build()
            .map_err(|error| format!("{written:?} is no regular expression: {error}"))?;
        Ok(Pattern { written: written.to_owned(), made })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.written
    }

    fn fits(&self, text: &str) -> bool {
        self.made.is_match(text)
    }
}

impl Serialize for Pattern {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.written)
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Pattern, D::Error> {
        Pattern::parse(&String::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

/// Every kind of content.
pub(super) fn every_kind() -> Vec<Kind> {
    Kind::ALL.to_vec()
}

/// Whether a space is taken in. One that is named by its key is, whatever it is; being left out goes before everything.
pub(super) fn takes_space(settings: &Settings, key: &str, is_personal: bool) -> bool {
    if any(&settings.without_spaces, key) {
        return false;
    }
    let is_named = settings.spaces.iter().any(|wanted| wanted == key) || any(&settings.space_patterns, key);
    let are_all = settings.spaces.is_empty() && settings.space_patterns.is_empty();
    is_named || (are_all && (settings.personal_spaces || !is_personal))
}

/// Whether comments, or attachments, are listed at all.
pub(super) fn takes_kind(settings: &Settings, kind: Kind) -> bool {
    settings.kinds.contains(&kind)
}

/// Whether something in this state is taken in; where none is told it stands. Drafts and what is in the bin never are.
pub(super) fn takes_status(settings: &Settings, kind: Kind, status: Option<&str>) -> bool {
    match status {
        None | Some("current") => true,
        Some("archived") => settings.archived_pages && kind == Kind::Page,
        Some(_) => false,
    }
}

/// Whether an attached file is taken in, by what the source says of it.
pub(super) fn takes_file(settings: &Settings, media_type: &str, bytes: u64) -> bool {
    let is_typed = settings.media_types.is_empty() || any(&settings.media_types, media_type);
    is_typed
        && !any(&settings.without_media_types, media_type)
        && settings.attachment_bytes_max.is_none_or(|max| bytes <= max)
}

/// Whether a document is taken in.
pub(super) fn takes(settings: &Settings, item: &Item, holder: Option<&Item>) -> bool {
    why_left_out(settings, item, holder).is_none()
}

/// Why a document is left out; `None` where it is taken in. Comments and attachments go with the page they hang on, `holder`,
/// whatever is wanted of pages by kind.
pub(super) fn why_left_out(settings: &Settings, item: &Item, holder: Option<&Item>) -> Option<&'static str> {
    let page = holder.unwrap_or(item);
    let is_titled = settings.titles.is_empty() || any(&settings.titles, &page.title);
    let is_labelled = settings.labels.is_empty() || any_of(&settings.labels, &page.labels);
    let is_unwanted = any_of(&settings.without_labels, &page.labels) || any_of(&settings.without_labels, &item.labels);
    match () {
        () if !takes_kind(settings, item.kind) => Some("the settings take none of its kind in (kinds)"),
        () if page.is_left_out => Some("the condition of the settings does not find it (cql), or could not be asked"),
        () if !is_titled => Some("its title is none of those that the settings take in (titles)"),
        () if any(&settings.without_titles, &page.title) => Some("the settings leave its title out (without_titles)"),
        () if !is_labelled => Some("it has no label that the settings take in (labels)"),
        () if is_unwanted => Some("the settings leave a label of it out (without_labels)"),
        () => None,
    }
}

fn any(patterns: &[Pattern], text: &str) -> bool {
    patterns.iter().any(|pattern| pattern.fits(text))
}

fn any_of(patterns: &[Pattern], texts: &[String]) -> bool {
    texts.iter().any(|text| any(patterns, text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::DocumentId;
    use crate::crawl::restriction::Level;

    fn settings(more: serde_json::Value) -> Settings {
        let mut all =
            serde_json::json!({"name": "wiki", "kind": "confluence", "url": "http://127.0.0.1:1", "user": "u"});
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(all).unwrap()
    }

    fn item(kind: Kind, title: &str, labels: &[&str]) -> Item {
        Item {
            id: DocumentId::new("wiki", "1").unwrap(),
            kind,
            title: title.to_owned(),
            url: String::new(),
            container: None,
            ancestors: Vec::new(),
            labels: labels.iter().map(|label| (*label).to_owned()).collect(),
            author: String::new(),
            updated_ms: 0,
            made: Default::default(),
            revision: 1,
            level: Level::Open,
            file: None,
            is_left_out: false,
        }
    }

    #[test]
    fn everything_is_taken_where_nothing_is_said() {
        let settings = settings(serde_json::json!({}));

        assert!(takes_space(&settings, "ENG", false) && takes_space(&settings, "~ana", true));
        assert!(takes(&settings, &item(Kind::Page, "Leave", &[]), None));
        assert!(takes_file(&settings, "application/pdf", u64::MAX));
    }

    #[test]
    fn a_space_is_taken_by_its_key_or_a_pattern_of_the_whole_key() {
        let settings = settings(serde_json::json!({
            "spaces": ["~ana"], "space_patterns": ["eng.*"], "without_spaces": [".*-old"], "personal_spaces": false}));
        let takes = |key: &str| takes_space(&settings, key, key.starts_with('~'));

        assert!(takes("ENG") && takes("engine") && takes("~ana"));
        assert!(!takes("SENG") && !takes("ENG-OLD") && !takes("~bo") && !takes("HR"));
    }

    #[test]
    fn personal_spaces_can_be_left_out_where_no_space_is_named() {
        let settings = settings(serde_json::json!({"personal_spaces": false}));

        assert!(takes_space(&settings, "ENG", false) && !takes_space(&settings, "~bo", true));
    }

    #[test]
    fn a_comment_goes_with_its_page() {
        let settings = settings(serde_json::json!({
            "kinds": ["comment"], "titles": ["Leave.*"], "labels": ["policy|rule"], "without_labels": ["draft"]}));
        let comment = item(Kind::Comment, "Re", &[]);
        let takes = |title: &str, labels: &[&str]| takes(&settings, &comment, Some(&item(Kind::Page, title, labels)));

        assert!(takes("Leave of absence", &["rule"]));
        assert!(!takes("Leave", &[]) && !takes("Pay", &["rule"]) && !takes("Leave", &["rule", "draft"]));
        assert!(!super::takes(&settings, &item(Kind::Page, "Leave", &["rule"]), None), "pages are not wanted");
    }

    #[test]
    fn a_file_is_taken_by_its_type_and_size() {
        let settings = settings(serde_json::json!({
            "media_types": ["application/.*"], "without_media_types": [".*/pdf"], "attachment_bytes_max": 1000}));

        assert!(takes_file(&settings, "application/msword", 1000));
        assert!(!takes_file(&settings, "application/msword", 1001));
        assert!(!takes_file(&settings, "application/pdf", 1) && !takes_file(&settings, "text/plain", 1));
    }

    #[test]
    fn a_pattern_that_is_none_or_too_large_is_refused() {
        assert!(Pattern::parse("(").is_err());
        assert!(Pattern::parse("(a{1000}){1000}").is_err());
    }
}
