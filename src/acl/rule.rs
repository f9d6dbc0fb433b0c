//! Rules: an AND of ORs over principals, in one canonical form.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Principal, PrincipalSet};

/// One condition: it is met by any of these. With none, it is met by nobody. Sorted, without repeats.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "Vec<Principal>")]
pub struct AnyOf(Box<[Principal]>);

/// Who may read a document: every condition must be met. Kept in one canonical form, so equal
/// permissions are equal rules.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Vec<AnyOf>", into = "Vec<AnyOf>")]
pub struct Rule {
    first: AnyOf,
    /// Sorted after `first`; none of all conditions holds every principal of another, and none is nobody.
    rest: Box<[AnyOf]>,
}

impl From<Vec<Principal>> for AnyOf {
    fn from(principals: Vec<Principal>) -> AnyOf {
        AnyOf::of(principals)
    }
}

impl AnyOf {
    /// From principals in any order, with or without repeats.
    pub fn of(principals: impl IntoIterator<Item = Principal>) -> AnyOf {
        let mut principals: Vec<Principal> = principals.into_iter().collect();
        principals.sort();
        principals.dedup();
        AnyOf(principals.into())
    }

    /// The condition nobody meets: what a permission that cannot be read becomes.
    pub fn nobody() -> AnyOf {
        AnyOf(Box::default())
    }

    /// The principals, sorted.
    pub fn principals(&self) -> &[Principal] {
        &self.0
    }

    /// Whether the person meets this condition.
    pub fn is_met_by(&self, who: &PrincipalSet) -> bool {
        self.0.iter().any(|principal| who.has(principal))
    }

    /// Whether everybody who meets this condition meets the other too, whoever holds the principals.
    fn implies(&self, other: &AnyOf) -> bool {
        self.0.iter().all(|principal| other.0.binary_search(principal).is_ok())
    }
}

impl TryFrom<Vec<AnyOf>> for Rule {
    type Error = &'static str;
    fn try_from(conditions: Vec<AnyOf>) -> Result<Rule, &'static str> {
        let mut conditions = conditions.into_iter();
        let first = conditions.next().ok_or("a rule has at least one condition")?;
        Ok(conditions.fold(Rule::new(first), Rule::and))
    }
}

impl From<Rule> for Vec<AnyOf> {
    fn from(rule: Rule) -> Vec<AnyOf> {
        let mut conditions = vec![rule.first];
        conditions.extend(rule.rest);
        conditions
    }
}

impl Rule {
    /// A rule of one condition.
    pub fn new(first: AnyOf) -> Rule {
        Rule { first, rest: Box::default() }
    }

    /// The same rule, with one more condition.
    pub fn and(self, also: AnyOf) -> Rule {
        let mut conditions: Vec<AnyOf> = self.into();
        // A condition that another implies takes nothing away. Nobody implies everything, so it is what remains of a rule
        // that has it.
        if conditions.iter().any(|condition| condition.implies(&also)) {
            return Rule::sorted(conditions);
        }
        conditions.retain(|condition| !also.implies(condition));
        conditions.push(also);
        Rule::sorted(conditions)
    }

    /// From at least one condition, none of which implies another.
    fn sorted(mut conditions: Vec<AnyOf>) -> Rule {
        conditions.sort();
        let rest = conditions.split_off(1);
        let first = conditions.pop().expect("a rule has a first condition: it is made from one, and `and` keeps one");
        Rule { first, rest: rest.into() }
    }

    /// The conditions, in canonical order.
    pub fn conditions(&self) -> impl Iterator<Item = &AnyOf> {
        std::iter::once(&self.first).chain(self.rest.iter())
    }

    /// Whether the person meets every condition.
    pub fn admits(&self, who: &PrincipalSet) -> bool {
        self.conditions().all(|condition| condition.is_met_by(who))
    }

    /// Whether everybody who satisfies this rule satisfies the other too, whoever holds the principals. Exact: for conditions
    /// that only ask for more, a rule implies a condition just where one of its own does.
    pub(super) fn implies(&self, other: &Rule) -> bool {
        other.conditions().all(|wanted| self.conditions().any(|condition| condition.implies(wanted)))
    }

    /// A digest of the rule: equal digests are equal rules.
    pub(super) fn digest(&self) -> [u8; 32] {
        let mut bytes = Vec::new();
        for condition in self.conditions() {
            bytes.extend((condition.0.len() as u64).to_be_bytes());
            for principal in &condition.0 {
                principal.write(&mut bytes);
            }
        }
        Sha256::digest(&bytes).into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::acl::trial::{group, user};

    /// Conditions over a few groups, so that they often overlap, repeat and are empty.
    fn conditions() -> impl Strategy<Value = Vec<Vec<u8>>> {
        proptest::collection::vec(proptest::collection::vec(0u8..5, 0..4), 1..6)
    }

    fn rule_of(conditions: &[Vec<u8>]) -> Rule {
        let condition = |numbers: &Vec<u8>| AnyOf::of(numbers.iter().map(|n| group(&n.to_string())));
        conditions[1..].iter().fold(Rule::new(condition(&conditions[0])), |rule, more| rule.and(condition(more)))
    }

    #[test]
    fn the_order_and_the_repeats_of_conditions_do_not_matter() {
        let staff = || AnyOf::of([group("staff"), user("bob")]);
        let finance = || AnyOf::of([group("finance")]);

        let rule = Rule::new(staff()).and(finance());

        assert_eq!(rule, Rule::new(finance()).and(staff()).and(finance()));
        assert_eq!(AnyOf::of([user("bob"), group("staff"), user("bob")]), staff());
    }

    #[test]
    fn a_wider_condition_is_dropped() {
        let narrow = AnyOf::of([group("finance")]);
        let wide = AnyOf::of([group("finance"), group("staff")]);

        assert_eq!(Rule::new(wide).and(narrow.clone()), Rule::new(narrow));
    }

    #[test]
    fn a_condition_that_nobody_meets_is_all_that_remains() {
        let rule = Rule::new(AnyOf::of([group("staff")])).and(AnyOf::nobody()).and(AnyOf::of([user("bob")]));

        assert_eq!(rule, Rule::new(AnyOf::nobody()));
        assert!(!rule.admits(&PrincipalSet::of(vec![group("staff"), user("bob")])));
    }

    #[test]
    fn a_stored_rule_without_conditions_is_refused_and_a_disordered_one_is_put_in_order() {
        assert!(serde_json::from_str::<Rule>("[]").is_err());

        let rule = Rule::new(AnyOf::of([group("a"), group("b")])).and(AnyOf::of([group("c")]));
        let text = serde_json::to_string(&rule).unwrap();
        assert_eq!(serde_json::from_str::<Rule>(&text).unwrap(), rule);

        let disordered = format!("[{},{},[]]", serde_json::json!([group("b"), group("a")]), serde_json::json!([]));
        assert_eq!(serde_json::from_str::<Rule>(&disordered).unwrap(), Rule::new(AnyOf::nobody()));
    }

    proptest! {
        #[test]
        fn a_rule_admits_whom_its_conditions_admit(conditions in conditions(), holds in proptest::collection::vec(0u8..5, 0..5)) {
            let who = PrincipalSet::of(holds.iter().map(|n| group(&n.to_string())).collect());

            let naive = conditions.iter().all(|condition| condition.iter().any(|n| holds.contains(n)));

            prop_assert_eq!(rule_of(&conditions).admits(&who), naive);
        }

        #[test]
        fn a_rule_implies_another_just_where_nobody_satisfies_it_alone(one in conditions(), other in conditions()) {
            let rules = [rule_of(&one), rule_of(&other)];

            let naive = (0u8..32).all(|held| {
                let holds = (0..5).filter(|n| held & (1 << n) != 0).map(|n| group(&n.to_string())).collect();
                let who = PrincipalSet::of(holds);
                !rules[0].admits(&who) || rules[1].admits(&who)
            });

            prop_assert_eq!(rules[0].implies(&rules[1]), naive);
        }

        #[test]
        fn rules_that_admit_the_same_people_are_equal(one in conditions(), other in conditions()) {
            let rules = [rule_of(&one), rule_of(&other)];

            let same = (0u8..32).all(|held| {
                let holds = (0..5).filter(|n| held & (1 << n) != 0).map(|n| group(&n.to_string())).collect();
                let who = PrincipalSet::of(holds);
                rules[0].admits(&who) == rules[1].admits(&who)
            });

            prop_assert_eq!(rules[0] == rules[1], same);
            prop_assert_eq!(rules[0].digest() == rules[1].digest(), same);
        }
    }
}
