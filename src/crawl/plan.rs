//! What must be done so that the index is true again. Pure: every decision of a crawl is tested here.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::Mode;
use crate::acl::AclClass;
use crate::corpus::DocumentId;

/// What is kept of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    /// Who may read it.
    pub class: AclClass,
    /// The version whose words are kept.
    pub revision: u64,
    /// A digest of everything else: title, place, labels.
    pub head: u64,
    /// The key of its space.
    pub space: String,
}

/// Everything kept of a source.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// By document.
    pub documents: BTreeMap<DocumentId, Held>,
    /// Documents that are withheld: an earlier run began to reclass them and did not end.
    pub withheld: BTreeSet<DocumentId>,
    /// Documents whose words this full run has read already, before it was broken off.
    pub fresh: HashSet<DocumentId>,
}

/// Everything seen in this run.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// By document.
    pub documents: BTreeMap<DocumentId, Held>,
    /// Keys of spaces whose listing is not whole.
    pub partial: BTreeSet<String>,
    /// Whether all spaces were listed.
    pub has_all_spaces: bool,
    /// Those of the documents that the settings leave out. They are known, or they would not be here.
    pub left_out: BTreeSet<DocumentId>,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// The words are the same but the readers are not. Done first, so that a tightened page is never searchable under its
    /// old readers for longer than one commit.
    Reclass(DocumentId, AclClass),
    /// It is gone.
    Remove(DocumentId),
    /// It is new: its words must be read.
    Add(DocumentId),
    /// It is known; its words must be read again, or are kept under a new title or place.
    Rewrite(DocumentId, Content),
}

/// Where the words of a rewritten document come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// They changed.
    Changed,
    /// They are the ones that are kept.
    Kept,
}

/// What must be done so that the index is true again: first who may read, then what is gone, then what is new.
pub(super) fn plan(known: &Known, seen: &Seen, mode: Mode) -> Vec<Step> {
    let mut steps = Vec::new();
    for (id, now) in &seen.documents {
        if let Some(held) = known.documents.get(id)
            && (held.class != now.class || known.withheld.contains(id))
        {
            steps.push(Step::Reclass(id.clone(), now.class));
        }
    }
    if mode == Mode::Permissions {
        return steps;
    }
    let is_missed = |id: &DocumentId| !seen.documents.contains_key(id) || seen.left_out.contains(id);
    let gone = known.documents.iter().filter(|(id, held)| is_missed(id) && is_gone(held, seen));
    steps.extend(gone.map(|(id, _)| Step::Remove(id.clone())));
    for (id, now) in seen.documents.iter().filter(|(id, _)| !seen.left_out.contains(id)) {
        match known.documents.get(id) {
            None => steps.push(Step::Add(id.clone())),
            Some(held) if held.revision != now.revision || (mode == Mode::Full && !known.fresh.contains(id)) => {
                steps.push(Step::Rewrite(id.clone(), Content::Changed));
            }
            Some(held) if held.head != now.head => steps.push(Step::Rewrite(id.clone(), Content::Kept)),
            Some(_) => {}
        }
    }
    steps
}

/// A document that was not seen is gone only where all spaces were listed, and its own (where it still exists) was seen
/// whole. One that moved into a space that broke off is taken out until that space is read: under its old readers it must
/// not stay.
fn is_gone(held: &Held, seen: &Seen) -> bool {
    seen.has_all_spaces && !seen.partial.contains(&held.space)
}

/// Whether removing `removed` of `known` documents is more than `percent` of them. A handful is always allowed: in a small
/// site one page with its attachments is already a large share.
pub(super) fn is_too_much(removed: usize, known: usize, percent: u64) -> bool {
    const HANDFUL: usize = 5;
    removed > HANDFUL && (removed as u64).saturating_mul(100) > percent.saturating_mul(known as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(local: &str) -> DocumentId {
        DocumentId::new("wiki", local).unwrap()
    }

    fn held(class: u32, revision: u64, head: u64) -> Held {
        Held { class: AclClass::from_number(class), revision, head, space: "HR".to_owned() }
    }

    fn known(documents: &[(&str, Held)]) -> Known {
        let documents = documents.iter().map(|(local, held)| (id(local), held.clone())).collect();
        Known { documents, ..Known::default() }
    }

    fn seen(documents: &[(&str, Held)]) -> Seen {
        Seen { documents: known(documents).documents, has_all_spaces: true, ..Seen::default() }
    }

    #[test]
    fn nothing_changed_is_nothing_to_do() {
        assert!(plan(&known(&[("1", held(1, 1, 1))]), &seen(&[("1", held(1, 1, 1))]), Mode::Changes).is_empty());
    }

    #[test]
    fn readers_come_before_words_and_removals_between() {
        let known = known(&[("1", held(1, 1, 1)), ("2", held(1, 1, 1)), ("3", held(1, 1, 1))]);
        let seen = seen(&[("1", held(2, 2, 1)), ("3", held(1, 1, 9)), ("4", held(1, 1, 1))]);

        let expected = vec![
            Step::Reclass(id("1"), AclClass::from_number(2)),
            Step::Remove(id("2")),
            Step::Rewrite(id("1"), Content::Changed),
            Step::Rewrite(id("3"), Content::Kept),
            Step::Add(id("4")),
        ];
        assert_eq!(plan(&known, &seen, Mode::Changes), expected);
    }

    #[test]
    fn a_listing_that_broke_off_removes_nothing() {
        let known = known(&[("1", held(1, 1, 1))]);
        let mut partial = seen(&[]);
        partial.partial.insert("HR".to_owned());
        let mut without_spaces = seen(&[]);
        without_spaces.has_all_spaces = false;

        assert!(plan(&known, &partial, Mode::Changes).is_empty());
        assert!(plan(&known, &without_spaces, Mode::Changes).is_empty());
        assert_eq!(plan(&known, &seen(&[]), Mode::Changes), vec![Step::Remove(id("1"))]);
    }

    #[test]
    fn one_broken_space_keeps_no_deleted_page_of_another_alive() {
        let known = known(&[("1", held(1, 1, 1))]);
        let mut seen = seen(&[]);
        seen.partial.insert("ENG".to_owned());

        assert_eq!(plan(&known, &seen, Mode::Full), vec![Step::Remove(id("1"))]);
    }

    #[test]
    fn what_the_settings_leave_out_goes_and_has_its_new_readers_until_it_is_gone() {
        let known = known(&[("1", held(1, 1, 1))]);
        let mut seen = seen(&[("1", held(2, 9, 9))]);
        seen.left_out.insert(id("1"));
        let reclass = Step::Reclass(id("1"), AclClass::from_number(2));

        assert_eq!(plan(&known, &seen, Mode::Changes), vec![reclass.clone(), Step::Remove(id("1"))]);
        assert_eq!(plan(&known, &seen, Mode::Permissions), vec![reclass.clone()]);
        // Where the listing broke off, whether it is left out may not be known.
        seen.partial.insert("HR".to_owned());
        assert_eq!(plan(&known, &seen, Mode::Full), vec![reclass]);
    }

    #[test]
    fn what_an_earlier_run_withheld_is_reclassed_again() {
        let mut known = known(&[("1", held(1, 1, 1))]);
        known.withheld.insert(id("1"));

        let steps = plan(&known, &seen(&[("1", held(1, 1, 1))]), Mode::Permissions);

        assert_eq!(steps, vec![Step::Reclass(id("1"), AclClass::from_number(1))]);
    }

    #[test]
    fn a_permissions_run_touches_no_words_and_a_full_one_all() {
        let known = known(&[("1", held(1, 1, 1)), ("2", held(1, 1, 1))]);
        let seen = seen(&[("1", held(1, 2, 2)), ("3", held(1, 1, 1))]);

        assert!(plan(&known, &seen, Mode::Permissions).is_empty());
        assert!(plan(&known, &seen, Mode::Full).contains(&Step::Rewrite(id("1"), Content::Changed)));
    }

    #[test]
    fn a_full_run_that_was_broken_off_reads_no_words_again_save_those_that_changed_since() {
        let mut known =
            known(&[("1", held(1, 1, 1)), ("2", held(1, 1, 1)), ("3", held(1, 1, 1)), ("4", held(1, 1, 1))]);
        known.fresh = [id("1"), id("2"), id("4")].into();
        let seen = seen(&[("1", held(1, 1, 1)), ("2", held(1, 2, 2)), ("3", held(1, 1, 1)), ("4", held(1, 1, 2))]);

        let rewrite = |local: &str, content| Step::Rewrite(id(local), content);
        assert_eq!(
            plan(&known, &seen, Mode::Full),
            [rewrite("2", Content::Changed), rewrite("3", Content::Changed), rewrite("4", Content::Kept)]
        );
    }

    #[test]
    fn the_guard_holds_a_large_share_and_lets_a_handful_pass() {
        assert!(is_too_much(20, 100, 15));
        assert!(!is_too_much(15, 100, 15));
        assert!(!is_too_much(5, 6, 15));
        assert!(!is_too_much(100, 100, 100));
    }
}
