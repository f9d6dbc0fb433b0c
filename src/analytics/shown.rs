//! Which counts may be shown beside each other. Pure.
//!
//! Two hundred questions by forty people, and `sales` asked all but one of them: whoever sees both numbers knows what the one
//! person outside of `sales` asked for, though nobody showed it. So counts are let out one after the other, and each only while
//! every part into which the counts shown so far cut the people has at least five of them, or nobody.
//!
//! Why that is enough: a sum or difference of counts that are shown gives each of these parts one factor. If the result says
//! anything, some part has a factor that is not zero, and that part alone has five people.

use std::collections::{BTreeMap, BTreeSet};

/// The fewest people that may stand behind a number.
pub const PEOPLE_MIN: usize = 5;

/// For each cell in its order whether it is shown. `people` names the person behind each contribution, a cell the contributions
/// that it counts. A cell of nobody is shown: it says zero.
pub(super) fn shown(people: &[usize], cells: &[BTreeSet<usize>]) -> Vec<bool> {
    // The part of each contribution; the first is what no cell that is shown counts, and is free.
    let mut part_of = vec![0usize; people.len()];
    let mut parts = 1;
    cells
        .iter()
        .map(|cell| {
            let mut people_of: BTreeMap<(usize, bool), BTreeSet<usize>> = BTreeMap::new();
            for (contribution, person) in people.iter().enumerate() {
                let place = (part_of[contribution], cell.contains(&contribution));
                people_of.entry(place).or_default().insert(*person);
            }
            let is_free = |place: &(usize, bool)| *place == (0, false);
            let may = people_of.iter().all(|(place, people)| is_free(place) || people.len() >= PEOPLE_MIN);
            if may {
                let numbers: BTreeMap<usize, usize> =
                    people_of.keys().filter(|(_, is_in)| *is_in).map(|(part, _)| *part).zip(parts..).collect();
                parts += numbers.len();
                for contribution in cell {
                    part_of[*contribution] = numbers[&part_of[*contribution]];
                }
            }
            may
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cell(contributions: impl IntoIterator<Item = usize>) -> BTreeSet<usize> {
        contributions.into_iter().collect()
    }

    #[test]
    fn a_group_is_not_shown_where_the_few_outside_of_it_would_be() {
        let people: Vec<usize> = (0..20).collect();

        assert_eq!(shown(&people, &[cell(0..20), cell(0..17)]), [true, false], "three are left over");
        assert_eq!(shown(&people, &[cell(0..20), cell(0..15)]), [true, true]);
        assert_eq!(shown(&people, &[cell(0..20), cell(0..20)]), [true, true], "nobody is left over");
        assert_eq!(shown(&people, &[cell(0..20), cell(0..4)]), [true, false], "four are few");
        assert_eq!(
            shown(&people, &[cell(0..10), cell(4..14)]),
            [true, false],
            "of the first, four are not in the second"
        );
    }

    #[test]
    fn five_questions_of_one_person_are_one_person() {
        assert_eq!(shown(&[7, 7, 7, 7, 7], &[cell(0..5)]), [false]);
        assert_eq!(shown(&[], &[cell([])]), [true], "zero is told");
    }

    proptest! {
        #[test]
        fn no_sum_or_difference_of_what_is_shown_has_one_to_four_people_behind_it(
            people in proptest::collection::vec(0usize..24, 0..60),
            cut in proptest::collection::vec(proptest::collection::vec(any::<bool>(), 60), 1..6),
        ) {
            let mut cells: Vec<BTreeSet<usize>> =
                cut.iter().map(|ins| cell((0..people.len()).filter(|at| ins[*at]))).collect();
            cells.insert(0, cell(0..people.len()));

            let is_shown = shown(&people, &cells);

            let told: Vec<&BTreeSet<usize>> =
                cells.iter().zip(&is_shown).filter(|(_, shown)| **shown).map(|(cell, _)| cell).collect();
            // Every combination with factors from -2 to 2.
            for number in 0..5usize.pow(u32::try_from(told.len()).unwrap()) {
                let factor = |place: usize| (number / 5usize.pow(u32::try_from(place).unwrap()) % 5) as i64 - 2;
                let behind: BTreeSet<usize> = (0..people.len())
                    .filter(|at| {
                        let sum: i64 =
                            told.iter().enumerate().filter(|(_, cell)| cell.contains(at)).map(|(place, _)| factor(place)).sum();
                        sum != 0
                    })
                    .map(|at| people[at])
                    .collect();
                prop_assert!(behind.is_empty() || behind.len() >= PEOPLE_MIN, "{behind:?} stand behind {number}");
            }
        }
    }
}
