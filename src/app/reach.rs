//! What somebody answers to in one source, for working out what they may read and never for searching: no visibility is made
//! of it, so whoever computes with it holds no right.

use std::collections::HashSet;

use super::App;
use crate::acl::{Principal, Rule};
use crate::directory::{Person, Tie, Trace};
use crate::names::{GroupId, SourceId, UserId};

/// The principals of somebody in one source.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Reach(HashSet<Principal>);

impl Reach {
    /// What a trace leads to, with further memberships of the account; nothing where the account is not active.
    pub(super) fn of_trace(source: &SourceId, trace: &Trace, joined: &[GroupId], left: Option<&GroupId>) -> Reach {
        let Tie::Account { account, .. } = &trace.tie else { return Reach::default() };
        if !account.active {
            return Reach::default();
        }
        let own = Principal::Account(account.id.clone());
        let mut holds = HashSet::from([Principal::AnyoneOf(source.clone()), own.clone()]);
        holds.extend(joined.iter().cloned().map(Principal::Group));
        let mut has_grown = true;
        while has_grown {
            has_grown = false;
            for one in &trace.memberships {
                let is_left = one.member == own && left == Some(&one.group);
                let is_in = !is_left && holds.contains(&one.member);
                has_grown |= is_in && holds.insert(Principal::Group(one.group.clone()));
            }
        }
        Reach(holds)
    }

    /// Whether they answer to this principal.
    pub(super) fn has(&self, principal: &Principal) -> bool {
        self.0.contains(principal)
    }

    /// Whether they meet every condition of a rule.
    pub(super) fn meets(&self, rule: &Rule) -> bool {
        rule.conditions().all(|condition| condition.principals().iter().any(|principal| self.has(principal)))
    }
}

impl App {
    /// Everybody who is active and has an active account of a source, with what they answer to there.
    pub(super) fn reaches(&self, source: &SourceId) -> Vec<(UserId, Reach)> {
        let is_active = |person: &&std::sync::Arc<Person>| person.active;
        let people = self.directory.people();
        let reach = |person: &std::sync::Arc<Person>| {
            let trace = self.directory.trace(&person.id, source)?;
            Some((person.id, Reach::of_trace(source, &trace, &[], None)))
        };
        people.iter().filter(is_active).filter_map(reach).filter(|(_, reach)| *reach != Reach::default()).collect()
    }
}
