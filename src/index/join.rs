//! Passages of one document that stand beside each other, as one result.

use super::Found;

/// Passages that one result has at most: more is the page, not a result.
const PASSAGES_MAX: usize = 4;

/// One result: a passage, with those of its neighbours that were found too.
#[derive(Debug, Clone)]
pub struct Joined {
    /// In reading order, without a gap.
    passages: Vec<Found>,
    /// Which of them was found first.
    best: usize,
}

impl Joined {
    fn of(found: Found) -> Joined {
        Joined { passages: vec![found], best: 0 }
    }

    /// The passage that was found first.
    pub fn best(&self) -> &Found {
        &self.passages[self.best]
    }

    /// All of them, in reading order.
    pub fn passages(&self) -> &[Found] {
        &self.passages
    }

    /// What they say, one after the other. Where the headings change, those that are new stand on lines of their own, as
    /// they do inside a passage.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut above: Option<&[String]> = None;
        for found in &self.passages {
            let under = found.passage().under.as_slice();
            if let Some(above) = above {
                let shared = above.iter().zip(under).take_while(|(one, other)| one == other).count();
                for heading in &under[shared..] {
                    text.push('\n');
                    text.push_str(heading);
                }
                text.push('\n');
            }
            text.push_str(&found.passage().text);
            above = Some(under);
        }
        text
    }

    /// Whether the other one follows in the same document.
    fn is_before(&self, other: &Joined) -> bool {
        let (Some(last), Some(next)) = (self.passages.last(), other.passages.first()) else { return false };
        let (last, next) = (&last.passage().id, &next.passage().id);
        last.document == next.document && last.revision == next.revision && last.place + 1 == next.place
    }

    fn has_room_for(&self, other: &Joined) -> bool {
        self.passages.len() + other.passages.len() <= PASSAGES_MAX
    }

    /// Takes another in that stands beside it; the best stays the best.
    fn take(&mut self, mut other: Joined) {
        if other.is_before(self) {
            self.best += other.passages.len();
            std::mem::swap(&mut self.passages, &mut other.passages);
        }
        self.passages.append(&mut other.passages);
    }
}

/// Results in the making, best first.
pub(super) struct Joining {
    most: usize,
    joined: Vec<Joined>,
}

impl Joining {
    pub(super) fn new(most: usize) -> Joining {
        Joining { most, joined: Vec::new() }
    }

    /// Takes the next best passage; `false` where it would be one result too many.
    pub(super) fn take(&mut self, found: Found) -> bool {
        let mut found = Joined::of(found);
        // It may stand between two results: then the three are one, in the place of the better.
        let mut at = None;
        for n in (0..self.joined.len()).rev() {
            let one = &self.joined[n];
            if (one.is_before(&found) || found.is_before(one)) && one.has_room_for(&found) {
                let mut better = self.joined.remove(n);
                better.take(found);
                (found, at) = (better, Some(n));
            }
        }
        match at {
            Some(at) => self.joined.insert(at, found),
            None if self.joined.len() < self.most => self.joined.push(found),
            None => return false,
        }
        true
    }

    pub(super) fn into_joined(self) -> Vec<Joined> {
        self.joined
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acl::AclClass;
    use crate::corpus::{DocumentId, Kind, Passage, PassageId, Space};

    fn found(page: &str, place: u32, under: &[&str]) -> Found {
        let document = DocumentId::new("wiki", page).unwrap();
        let head = super::super::Head {
            id: document.clone(),
            kind: Kind::Page,
            title: page.to_owned(),
            space: Space { key: "HR".into(), name: "People".into() },
            url: String::new(),
            updated_ms: 0,
            labels: Vec::new(),
            author: String::new(),
            made: Default::default(),
            parent: None,
        };
        let passage = Passage {
            id: PassageId { document, revision: 1, place },
            title: page.to_owned(),
            under: under.iter().map(|heading| (*heading).to_owned()).collect(),
            text: format!("Text {place}."),
        };
        Found::from_parts(passage, head, AclClass::from_number(0), 0.0)
    }

    /// The places of each result, and of its best passage, for passages found in this order.
    fn joined(most: usize, passages: &[(&str, u32)]) -> Vec<(String, Vec<u32>, u32)> {
        let mut joining = Joining::new(most);
        for (page, place) in passages {
            if !joining.take(found(page, *place, &[])) {
                break;
            }
        }
        let place = |found: &Found| found.passage().id.place;
        let of = |one: &Joined| {
            let best = one.best();
            (best.head().title.clone(), one.passages().iter().map(place).collect(), place(best))
        };
        joining.into_joined().iter().map(of).collect()
    }

    #[test]
    fn neighbours_are_one_result_in_the_place_of_the_better() {
        let found = joined(9, &[("a", 5), ("b", 2), ("a", 7), ("b", 1), ("c", 3)]);

        let wanted: [(&str, &[u32], u32); 4] = [("a", &[5], 5), ("b", &[1, 2], 2), ("a", &[7], 7), ("c", &[3], 3)];
        assert_eq!(found, wanted.map(|(page, places, best)| (page.to_owned(), places.to_vec(), best)));
    }

    #[test]
    fn what_stands_between_two_results_joins_them() {
        let found = joined(9, &[("a", 5), ("b", 2), ("a", 3), ("a", 4)]);

        assert_eq!(found, [("a".to_owned(), vec![3, 4, 5], 5), ("b".to_owned(), vec![2], 2)]);
    }

    #[test]
    fn a_result_does_not_become_the_whole_page() {
        let all: Vec<(&str, u32)> = (0..6).map(|place| ("a", place)).collect();

        assert_eq!(joined(9, &all), [("a".to_owned(), vec![0, 1, 2, 3], 0), ("a".to_owned(), vec![4, 5], 4)]);
    }

    #[test]
    fn neighbours_join_the_last_result_until_another_would_begin() {
        let found = joined(2, &[("a", 1), ("b", 1), ("b", 2), ("c", 1), ("a", 2)]);

        assert_eq!(found, [("a".to_owned(), vec![1], 1), ("b".to_owned(), vec![1, 2], 1)]);
    }

    #[test]
    fn headings_that_are_new_are_written_between_the_texts() {
        let mut joining = Joining::new(1);
        for (place, under) in [(2, &["Leave", "Sick"][..]), (1, &["Leave", "Sick"]), (3, &["Leave", "Paid", "How"])] {
            assert!(joining.take(found("a", place, under)));
        }

        assert_eq!(joining.into_joined()[0].text(), "Text 1.\nText 2.\nPaid\nHow\nText 3.");
    }
}
