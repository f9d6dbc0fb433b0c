//! Why a person may or may not read a document: each condition of its rule, with every way in which they meet it. Pure.
//!
//! Ada may read `Keys`. The proof names what that rests on: she is the one account of the wiki with her user name; that
//! account is in `ops-team`, which is in `engineers`; the space may be viewed by `engineers`; `Ops`, above, is left to
//! `ops-team`. Take away any of these and she may not, unless the proof names another way: so for each fact it says
//! whether the right would be lost with it, and it says so by taking it away and asking again.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::acl::Principal;
use crate::crawl::{About, Asks, Condition, Unknown};
use crate::directory::{Membership, Tie, Trace};
use crate::names::{GroupId, SourceId, SyncId};

/// Ways that are told of one condition; the rest is counted.
pub const WAYS_MAX: usize = 8;

/// One condition, and how the person meets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Met {
    /// What it is on.
    pub about: About,
    /// Whom it asks for; `Err` where that is not known.
    pub asks: Result<Vec<Principal>, Unknown>,
    /// The sync that first read it so.
    pub learned: Option<SyncId>,
    /// Each way in which the person meets it, the shortest first; with none they do not.
    pub ways: Vec<Vec<Fact>>,
    /// Ways beyond those that are told.
    pub more: usize,
}

/// One fact that was crawled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// What it says.
    pub what: What,
    /// The sync that first saw it.
    pub learned: Option<SyncId>,
    /// Whether the person, who may read the document, may not without it.
    pub is_needed: bool,
}

/// What a fact says.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum What {
    /// The person is this account.
    Alias(Principal),
    /// The one is in the other.
    Membership(Principal, Principal),
    /// A grant or a restriction names this principal.
    Named(About, Principal),
}

/// How somebody whose accounts and groups are those of the trace meets each condition.
pub fn prove(source: &SourceId, trace: &Trace, conditions: &[Condition]) -> Vec<Met> {
    let world = World { source, trace, conditions };
    let reached = world.reached();
    let may_read = world.admits(None);
    let mut needed: HashMap<What, bool> = HashMap::new();
    let mut fact = |what: What, learned: Option<SyncId>| {
        let is_needed = may_read && *needed.entry(what.clone()).or_insert_with(|| !world.admits(Some(&what)));
        Fact { what, learned, is_needed }
    };
    let mut proof = Vec::with_capacity(conditions.len());
    for condition in conditions {
        let asks = match &condition.asks {
            Asks::For(any_of) => Ok(any_of.principals().to_vec()),
            Asks::Unknown(why) => Err(*why),
        };
        let mut ways: Vec<Vec<&Membership>> = Vec::new();
        let mut named: Vec<Principal> = Vec::new();
        for principal in asks.iter().flatten() {
            if let Some(way) = world.way_to(principal, &reached) {
                let place = ways.partition_point(|other| other.len() <= way.len());
                ways.insert(place, way);
                named.insert(place, principal.clone());
            }
        }
        let more = ways.len().saturating_sub(WAYS_MAX);
        let told = ways.into_iter().zip(named).take(WAYS_MAX).map(|(way, principal)| {
            let alias = world.alias().map(|(account, learned)| fact(What::Alias(account), learned));
            let mut facts: Vec<Fact> = alias.into_iter().collect();
            for one in way {
                let what = What::Membership(one.member.clone(), Principal::Group(one.group.clone()));
                facts.push(fact(what, one.learned));
            }
            facts.push(fact(What::Named(condition.about.clone(), principal), condition.learned));
            facts
        });
        let ways = told.collect();
        proof.push(Met { about: condition.about.clone(), asks, learned: condition.learned, ways, more });
    }
    proof
}

struct World<'a> {
    source: &'a SourceId,
    trace: &'a Trace,
    conditions: &'a [Condition],
}

impl<'a> World<'a> {
    /// The person's account, where it is theirs and active.
    fn alias(&self) -> Option<(Principal, Option<SyncId>)> {
        match &self.trace.tie {
            Tie::Account { account, learned, .. } if account.active => {
                Some((Principal::Account(account.id.clone()), *learned))
            }
            Tie::Account { .. } | Tie::Shared(_) | Tie::None => None,
        }
    }

    /// For each group that the account leads to, the membership that led there first: no way to it is shorter.
    fn reached(&self) -> HashMap<&'a GroupId, &'a Membership> {
        let mut by_member: HashMap<&Principal, Vec<&Membership>> = HashMap::new();
        for one in &self.trace.memberships {
            by_member.entry(&one.member).or_default().push(one);
        }
        let mut reached = HashMap::new();
        let mut next: VecDeque<Principal> = self.alias().map(|(account, _)| account).into_iter().collect();
        while let Some(member) = next.pop_front() {
            for one in by_member.get(&member).into_iter().flatten() {
                if !reached.contains_key(&one.group) {
                    reached.insert(&one.group, *one);
                    next.push_back(Principal::Group(one.group.clone()));
                }
            }
        }
        reached
    }

    /// The memberships from the account to a principal; `None` where it does not lead there.
    fn way_to(&self, to: &Principal, reached: &HashMap<&'a GroupId, &'a Membership>) -> Option<Vec<&'a Membership>> {
        let (account, _) = self.alias()?;
        let mut way = Vec::new();
        match to {
            Principal::Account(_) => return (*to == account).then_some(way),
            Principal::AnyoneOf(source) => return (source == self.source).then_some(way),
            Principal::Person(_) => return None,
            Principal::Group(group) => {
                let mut at = group;
                loop {
                    let one = reached.get(at)?;
                    way.push(*one);
                    match &one.member {
                        Principal::Group(below) => at = below,
                        Principal::Account(_) | Principal::Person(_) | Principal::AnyoneOf(_) => break,
                    }
                }
            }
        }
        way.reverse();
        Some(way)
    }

    /// Whether every condition is met once one fact is taken away.
    fn admits(&self, without: Option<&What>) -> bool {
        let holds = self.holds(without);
        !self.conditions.is_empty()
            && self.conditions.iter().all(|condition| match &condition.asks {
                Asks::Unknown(_) => false,
                Asks::For(any_of) => any_of.principals().iter().any(|principal| {
                    let is_named = !matches!(without, Some(What::Named(about, gone))
                        if *about == condition.about && gone == principal);
                    is_named && holds.contains(principal)
                }),
            })
    }

    /// Everything the person answers to in the source once one fact is taken away.
    fn holds(&self, without: Option<&What>) -> HashSet<Principal> {
        let Some((account, _)) = self.alias() else { return HashSet::new() };
        if matches!(without, Some(What::Alias(_))) {
            return HashSet::new();
        }
        let mut holds = HashSet::from([account, Principal::AnyoneOf(self.source.clone())]);
        let mut has_grown = true;
        while has_grown {
            has_grown = false;
            for one in &self.trace.memberships {
                let group = Principal::Group(one.group.clone());
                let is_gone =
                    matches!(without, Some(What::Membership(member, of)) if *member == one.member && *of == group);
                has_grown |= !is_gone && holds.contains(&one.member) && holds.insert(group);
            }
        }
        holds
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::acl::{AnyOf, PrincipalSet, Rule};
    use crate::corpus::DocumentId;
    use crate::directory::{Account, TiedBy};
    use crate::names::AccountId;

    /// Whether every condition is met; of none, nobody is said to meet all.
    fn is_whole(proof: &[Met]) -> bool {
        !proof.is_empty() && proof.iter().all(|met| !met.ways.is_empty())
    }

    fn wiki() -> SourceId {
        SourceId::parse("wiki").unwrap()
    }

    fn group(number: u8) -> Principal {
        Principal::Group(GroupId::Of(wiki(), number.to_string().into()))
    }

    fn id_of(group: &Principal) -> GroupId {
        match group {
            Principal::Group(id) => id.clone(),
            Principal::Account(_) | Principal::Person(_) | Principal::AnyoneOf(_) => panic!("{group:?} is no group"),
        }
    }

    fn account() -> AccountId {
        AccountId { source: wiki(), key: "a".into() }
    }

    fn sync(number: u64) -> Option<SyncId> {
        Some(SyncId { number, began_ms: 0 })
    }

    /// Who is in what: `(None, 1)` is the account in group 1, `(Some(1), 2)` group 1 in group 2.
    fn trace(memberships: &[(Option<u8>, u8)]) -> Trace {
        let account = Account {
            id: account(),
            user_name: "ada".to_owned(),
            display_name: "Ada".to_owned(),
            email: None,
            active: true,
        };
        let membership = |(member, of): &(Option<u8>, u8)| Membership {
            member: member.map_or_else(|| Principal::Account(account.id.clone()), group),
            group: id_of(&group(*of)),
            learned: sync(u64::from(*of)),
        };
        let memberships = memberships.iter().map(membership).collect();
        Trace { tie: Tie::Account { account, learned: sync(9), by: TiedBy::Name }, memberships }
    }

    fn condition(number: usize, asks: Asks) -> Condition {
        let id = DocumentId::new("wiki", &number.to_string()).unwrap();
        Condition { about: About::Restriction(id), asks, learned: sync(number as u64) }
    }

    fn asks_for(principals: impl IntoIterator<Item = Principal>) -> Asks {
        Asks::For(AnyOf::of(principals))
    }

    #[test]
    fn a_nested_group_is_told_as_the_way_it_is() {
        let trace = trace(&[(None, 1), (Some(1), 2), (Some(2), 3), (Some(3), 1)]);

        let proof = prove(&wiki(), &trace, &[condition(1, asks_for([group(3)]))]);

        let what: Vec<What> = proof[0].ways[0].iter().map(|fact| fact.what.clone()).collect();
        let account = Principal::Account(account());
        assert_eq!(
            what[..4],
            [
                What::Alias(account.clone()),
                What::Membership(account, group(1)),
                What::Membership(group(1), group(2)),
                What::Membership(group(2), group(3)),
            ]
        );
        assert!(is_whole(&proof) && proof[0].ways[0].iter().all(|fact| fact.is_needed && fact.learned.is_some()));
    }

    #[test]
    fn of_two_ways_neither_is_needed_and_the_shorter_comes_first() {
        let trace = trace(&[(None, 1), (Some(1), 2)]);
        let proof = prove(&wiki(), &trace, &[condition(1, asks_for([group(2), Principal::Account(account())]))]);

        let needed: Vec<Vec<bool>> =
            proof[0].ways.iter().map(|way| way.iter().map(|fact| fact.is_needed).collect()).collect();

        assert_eq!(needed, [vec![true, false], vec![true, false, false, false]]);
    }

    #[test]
    fn what_is_unknown_is_met_by_nobody_and_nothing_is_needed_for_it() {
        let known = condition(1, asks_for([Principal::AnyoneOf(wiki())]));
        let unknown = condition(2, Asks::Unknown(Unknown::Unreadable));

        let proof = prove(&wiki(), &trace(&[]), &[known, unknown]);

        assert!(!is_whole(&proof) && !proof[0].ways.is_empty());
        assert_eq!((proof[1].asks.clone(), proof[1].ways.len()), (Err(Unknown::Unreadable), 0));
        assert!(proof[0].ways[0].iter().all(|fact| !fact.is_needed));
    }

    #[test]
    fn whoever_is_no_one_account_meets_nothing() {
        let anyone = [condition(1, asks_for([Principal::AnyoneOf(wiki())]))];
        let mut inactive = trace(&[]);
        if let Tie::Account { account, .. } = &mut inactive.tie {
            account.active = false;
        }
        for tie in [Tie::None, Tie::Shared(vec![account()]), inactive.tie] {
            assert!(!is_whole(&prove(&wiki(), &Trace { tie, memberships: vec![] }, &anyone)));
        }
        assert!(!is_whole(&prove(&wiki(), &trace(&[]), &[])), "a document without any condition is nobody's");
    }

    /// What one fact being taken away makes of a world.
    fn without(trace: &Trace, conditions: &[Condition], gone: &What) -> (Trace, Vec<Condition>) {
        let (mut trace, mut conditions) = (trace.clone(), conditions.to_vec());
        match gone {
            What::Alias(_) => trace = Trace { tie: Tie::None, memberships: vec![] },
            What::Membership(member, of) => {
                trace.memberships.retain(|one| one.member != *member || Principal::Group(one.group.clone()) != *of);
            }
            What::Named(about, principal) => {
                for condition in conditions.iter_mut().filter(|condition| condition.about == *about) {
                    if let Asks::For(any_of) = &condition.asks {
                        let left = any_of.principals().iter().filter(|other| *other != principal).cloned();
                        condition.asks = asks_for(left.collect::<Vec<_>>());
                    }
                }
            }
        }
        (trace, conditions)
    }

    /// The verdict by the rule alone, as the product decides it.
    fn may_read(trace: &Trace, conditions: &[Condition]) -> bool {
        let mut holds = match &trace.tie {
            Tie::Account { account, .. } => vec![Principal::AnyoneOf(wiki()), Principal::Account(account.id.clone())],
            Tie::Shared(_) | Tie::None => vec![],
        };
        for _ in 0..trace.memberships.len() {
            for one in &trace.memberships {
                if holds.contains(&one.member) {
                    holds.push(Principal::Group(one.group.clone()));
                }
            }
        }
        let who = PrincipalSet::of(holds);
        let rule = conditions.iter().map(|condition| match &condition.asks {
            Asks::For(any_of) => any_of.clone(),
            Asks::Unknown(_) => AnyOf::nobody(),
        });
        rule.map(Rule::new).all(|rule| rule.admits(&who))
    }

    proptest! {
        #[test]
        fn a_proof_decides_as_the_rule_does_and_each_fact_it_calls_needed_is_and_no_other(
            memberships in proptest::collection::vec((proptest::option::of(0u8..5), 0u8..5), 0..8),
            asked in proptest::collection::vec(proptest::collection::vec(0u8..8, 0..4), 1..4),
        ) {
            let principal = |number: &u8| match number {
                0..5 => group(*number),
                5 => Principal::Account(account()),
                6 => Principal::AnyoneOf(wiki()),
                _ => group(99),
            };
            let trace = trace(&memberships);
            let asked = asked.iter().enumerate();
            let conditions: Vec<Condition> =
                asked.map(|(number, asks)| condition(number, asks_for(asks.iter().map(principal)))).collect();

            let proof = prove(&wiki(), &trace, &conditions);

            let verdict = is_whole(&proof);
            prop_assert_eq!(verdict, may_read(&trace, &conditions));
            for fact in proof.iter().flat_map(|met| met.ways.iter().flatten()) {
                let (trace, conditions) = without(&trace, &conditions, &fact.what);
                prop_assert_eq!(fact.is_needed, verdict && !may_read(&trace, &conditions), "{:?}", fact);
            }
            for met in proof.iter().filter(|_| verdict) {
                // A condition stands on its ways: with one fact of each gone, it falls.
                let (mut trace, mut conditions) = (trace.clone(), conditions.clone());
                for gone in met.ways.iter().filter_map(|way| way.last()) {
                    (trace, conditions) = without(&trace, &conditions, &gone.what);
                }
                prop_assert!(!may_read(&trace, &conditions));
            }
        }
    }
}
