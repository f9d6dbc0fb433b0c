//! Classes and visibilities, against a naive evaluator and the truth table of a small wiki.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::sight::Table;
use super::trial::{Trial, group, user};
use super::*;

/// The wiki of the truth table: groups (with nested ones) and what each page asks for.
struct Wiki {
    members: BTreeMap<&'static str, Vec<&'static str>>,
    /// A group's members are also members of these.
    within: BTreeMap<&'static str, Vec<&'static str>>,
    /// The restrictions from the space down to the page; a level without any is left out.
    pages: BTreeMap<&'static str, Vec<AnyOf>>,
}

impl Wiki {
    fn new() -> Wiki {
        let view = AnyOf::of([group("g1")]);
        let a = AnyOf::of([user("u1"), group("g2")]);
        let b = AnyOf::of([user("u2"), user("u7"), group("g3")]);
        let p = AnyOf::of([user("u3")]);
        Wiki {
            members: BTreeMap::from([
                ("g1", vec!["u1", "u2", "u3", "u4", "u5", "u6"]),
                ("g2", vec!["u2", "u4"]),
                ("g3", vec!["u1", "u4", "u5"]),
                ("confluence-administrators", vec!["u8"]),
            ]),
            within: BTreeMap::new(),
            pages: BTreeMap::from([
                ("H", vec![view.clone()]),
                ("A", vec![view.clone(), a.clone()]),
                ("B", vec![view.clone(), a.clone(), b.clone()]),
                ("C", vec![view.clone(), a.clone(), b.clone()]),
                ("attachment of C", vec![view.clone(), a.clone(), b.clone()]),
                ("comment of B", vec![view.clone(), a, b]),
                ("P", vec![view, p]),
            ]),
        }
    }

    fn principals_of(&self, who: &str) -> PrincipalSet {
        let mut groups: BTreeSet<&str> =
            self.members.iter().filter(|(_, members)| members.contains(&who)).map(|(name, _)| *name).collect();
        for name in groups.clone() {
            groups.extend(self.within.get(name).into_iter().flatten());
        }
        PrincipalSet::of(groups.into_iter().map(group).chain([user(who)]).collect())
    }

    /// Who sees a page, by way of classes and visibilities.
    fn who_sees(&self, page: &str) -> Vec<&'static str> {
        let trial = Trial::new();
        let classes = &trial.classes;
        let mut levels = self.pages[page].iter().cloned();
        let rule = levels.next().map(Rule::new).unwrap();
        let class = classes.class_of(levels.fold(rule, Rule::and)).unwrap();
        let everybody = ["u1", "u2", "u3", "u4", "u5", "u6", "u7", "u8"];
        everybody.into_iter().filter(|who| classes.visible_to(&self.principals_of(who)).admits(class)).collect()
    }
}

#[test]
fn the_truth_table_holds() {
    let wiki = Wiki::new();

    assert_eq!(wiki.who_sees("H"), ["u1", "u2", "u3", "u4", "u5", "u6"]);
    assert_eq!(wiki.who_sees("A"), ["u1", "u2", "u4"]);
    for page in ["B", "C", "attachment of C", "comment of B"] {
        assert_eq!(wiki.who_sees(page), ["u1", "u2", "u4"], "{page}");
    }
    assert_eq!(wiki.who_sees("P"), ["u3"]);
}

#[test]
fn who_leaves_a_group_loses_what_it_gave_without_any_change_of_a_page() {
    let mut wiki = Wiki::new();

    wiki.members.insert("g2", vec!["u4"]);

    for page in ["A", "B", "C"] {
        assert_eq!(wiki.who_sees(page), ["u1", "u4"], "{page}");
    }
}

#[test]
fn a_page_moved_under_the_open_home_follows_the_home() {
    let mut wiki = Wiki::new();

    wiki.pages.insert("C", wiki.pages["H"].clone());

    assert_eq!(wiki.who_sees("C"), ["u1", "u2", "u3", "u4", "u5", "u6"]);
}

#[test]
fn a_page_whose_list_is_emptied_follows_the_page_above() {
    let mut wiki = Wiki::new();

    wiki.pages.insert("B", wiki.pages["A"].clone());

    assert_eq!(wiki.who_sees("B"), ["u1", "u2", "u4"]);
}

#[test]
fn a_nested_group_opens_what_the_outer_group_opens() {
    let mut wiki = Wiki::new();

    wiki.members.insert("g2", vec!["u2", "u4", "u6"]);
    wiki.members.insert("g4", vec!["u6"]);
    wiki.within.insert("g4", vec!["g3"]);

    for page in ["A", "B", "C"] {
        assert_eq!(wiki.who_sees(page), ["u1", "u2", "u4", "u6"], "{page}");
    }
}

#[test]
fn equal_permissions_are_one_class_also_after_opening_again() {
    let trial = Trial::new();
    let classes = &trial.classes;
    let staff = Rule::new(AnyOf::of([group("staff")]));
    let engineers = staff.clone().and(AnyOf::of([group("engineers")]));

    let given = [classes.class_of(staff.clone()).unwrap(), classes.class_of(engineers.clone()).unwrap()];
    let classes = Classes::open(&trial.store).unwrap();

    assert_eq!(given, [classes.class_of(staff).unwrap(), classes.class_of(engineers).unwrap()]);
}

#[test]
fn a_rule_that_names_nobody_is_seen_by_nobody() {
    let trial = Trial::new();
    let classes = &trial.classes;

    let class = classes.class_of(Rule::new(AnyOf::nobody())).unwrap();

    assert!(!classes.visible_to(&PrincipalSet::of(vec![])).admits(class));
    assert!(!classes.visible_to(&PrincipalSet::of(vec![group("staff"), user("ada")])).admits(class));
    assert!(!classes.visible_to(&PrincipalSet::of(vec![user("ada")])).admits(AclClass::from_number(u32::MAX)));
}

#[test]
fn a_class_made_after_a_visibility_was_kept_is_seen_by_the_next_one() {
    let trial = Trial::new();
    let classes = &trial.classes;
    let ada = PrincipalSet::of(vec![group("staff"), group("engineers")]);
    classes.class_of(Rule::new(AnyOf::of([group("staff")]))).unwrap();
    assert_eq!(classes.visible_to(&ada).classes().count(), 1);

    let class = classes.class_of(Rule::new(AnyOf::of([group("engineers")]))).unwrap();

    assert!(classes.visible_to(&ada).admits(class));
}

#[test]
fn a_digest_is_of_the_rules_seen_whatever_else_there_is_and_in_whatever_order_it_came() {
    let rules = ["staff", "engineers", "secret", "board"].map(|name| Rule::new(AnyOf::of([group(name)])));
    let ada = PrincipalSet::of(vec![group("staff"), group("engineers")]);
    let digest_with = |order: &[usize]| {
        let trial = Trial::new();
        let classes = &trial.classes;
        for n in order {
            classes.class_of(rules[*n].clone()).unwrap();
        }
        classes.visible_to(&ada).digest()
    };

    let digest = digest_with(&[0, 1]);

    assert_eq!(digest_with(&[2, 1, 3, 0]), digest);
    assert_ne!(digest_with(&[0, 2]), digest);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_visibility_has_exactly_the_classes_whose_rules_admit(
        rules in proptest::collection::vec(proptest::collection::vec(proptest::collection::vec(0u8..8, 0..4), 1..4), 1..80),
        holds in proptest::collection::vec(0u8..8, 0..6),
    ) {
        let mut table = Table::default();
        let mut given = Vec::new();
        for conditions in &rules {
            let condition = |numbers: &Vec<u8>| AnyOf::of(numbers.iter().map(|n| group(&n.to_string())));
            let rule = conditions[1..].iter().fold(Rule::new(condition(&conditions[0])), |rule, more| rule.and(condition(more)));
            if table.number(&rule).is_none() {
                table.push(rule.clone());
                given.push(rule);
            }
        }
        let who = PrincipalSet::of(holds.iter().map(|n| group(&n.to_string())).collect());

        let bits = table.bits(&who);
        let visibility = Visibility { bits: bits.into(), digest: [0; 32] };

        let seen: Vec<u32> = visibility.classes().map(AclClass::number).collect();
        let naive: Vec<u32> = (0..given.len() as u32).filter(|n| given[*n as usize].admits(&who)).collect();
        prop_assert_eq!(&seen, &naive);
        let one_by_one: Vec<u32> = (0..given.len() as u32 + 1).filter(|n| table.admits(*n, &who)).collect();
        prop_assert_eq!(one_by_one, naive);
    }
}
