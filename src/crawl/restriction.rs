//! Permissions of a source to a rule: an AND of ORs, and nobody where anything is unknown.
//!
//! Ada is in `engineers`, which may view the space. `Ops`, a page, is left to `ops-team`; `Keys`, below it, names Ada. To
//! read `Keys` somebody must be allowed to use the wiki, *and* view the space, *and* be in `ops-team`, *and* be Ada: being
//! named on the page opens none of the doors before it. Neither the union nor the nearest restriction nor an intersection of
//! names says that.

use serde::{Deserialize, Serialize};

use crate::acl::{AnyOf, Principal, Rule};
use crate::names::{AccountId, GroupId, GroupName, SourceId};

/// Whom a grant or a restriction names, in the source's own terms.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub(super) struct Subjects {
    /// Keys of accounts.
    pub accounts: Vec<Box<str>>,
    /// Names of groups, as written.
    pub groups: Vec<Box<str>>,
    /// The source's "anonymous" grant: whoever may use it.
    pub anyone: bool,
}

/// The restriction of one page, as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Level {
    /// No restriction here: Confluence says so with an empty list.
    Open,
    /// Left to these.
    Only(Subjects),
    /// It could not be read.
    Unknown,
}

/// The key of a group in its source: its name in lower case, for Confluence compares names so.
pub(super) fn group_key(name: &str) -> Option<Box<str>> {
    GroupName::parse(name).ok().map(|name| name.as_str().into())
}

/// Who may read a document: who may use the source, and may view the space, and meets the restriction of each level (its own
/// and those of all pages above it). `None` for a grant means that it could not be read, and admits nobody.
pub(super) fn rule_of<'a>(
    source: &SourceId,
    may_use: Option<&Subjects>,
    may_view: Option<&Subjects>,
    levels: impl IntoIterator<Item = &'a Level>,
) -> Rule {
    let granted = |subjects: Option<&Subjects>| subjects.map_or_else(AnyOf::nobody, |named| any_of(source, named));
    let mut rule = Rule::new(granted(may_use)).and(granted(may_view));
    for level in levels {
        rule = match level {
            Level::Open => rule,
            Level::Only(subjects) => rule.and(any_of(source, subjects)),
            Level::Unknown => rule.and(AnyOf::nobody()),
        };
    }
    rule
}

/// A grant to nobody admits nobody: an empty list of subjects is only open where [`Level::Open`] says so.
pub(super) fn any_of(source: &SourceId, subjects: &Subjects) -> AnyOf {
    let accounts =
        subjects.accounts.iter().map(|key| Principal::Account(AccountId { source: source.clone(), key: key.clone() }));
    // A name that is none is a group that nobody is in.
    let groups = subjects
        .groups
        .iter()
        .filter_map(|name| group_key(name))
        .map(|key| Principal::Group(GroupId::Of(source.clone(), key)));
    let anyone = subjects.anyone.then(|| Principal::AnyoneOf(source.clone()));
    AnyOf::of(accounts.chain(groups).chain(anyone))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acl::PrincipalSet;

    fn wiki() -> SourceId {
        SourceId::parse("wiki").unwrap()
    }

    fn only(accounts: &[&str], groups: &[&str]) -> Subjects {
        let list = |names: &[&str]| names.iter().map(|name| Box::from(*name)).collect();
        Subjects { accounts: list(accounts), groups: list(groups), anyone: false }
    }

    /// A person of the truth table: their account and groups.
    fn person(account: &str, groups: &[&str]) -> PrincipalSet {
        let mut all =
            vec![Principal::AnyoneOf(wiki()), Principal::Account(AccountId { source: wiki(), key: account.into() })];
        all.extend(groups.iter().map(|group| Principal::Group(GroupId::Of(wiki(), (*group).into()))));
        PrincipalSet::of(all)
    }

    fn admitted(rule: &Rule) -> Vec<&'static str> {
        let people = [
            ("u1", vec!["g1", "g3"]),
            ("u2", vec!["g1", "g2"]),
            ("u3", vec!["g1"]),
            ("u4", vec!["g1", "g2", "g3"]),
            ("u5", vec!["g1", "g3"]),
            ("u6", vec!["g1"]),
            ("u7", vec![]),
        ];
        people.into_iter().filter(|(name, groups)| rule.admits(&person(name, groups))).map(|(name, _)| name).collect()
    }

    #[test]
    fn the_truth_table_holds() {
        let all = Subjects { anyone: true, ..Subjects::default() };
        let space = only(&[], &["G1"]);
        let (a, b) = (Level::Only(only(&["u1"], &["G2"])), Level::Only(only(&["u2", "u7"], &["G3"])));
        let rule = |levels: &[&Level]| rule_of(&wiki(), Some(&all), Some(&space), levels.iter().copied());

        assert_eq!(admitted(&rule(&[&Level::Open])), ["u1", "u2", "u3", "u4", "u5", "u6"]);
        assert_eq!(admitted(&rule(&[&a, &Level::Open])), ["u1", "u2", "u4"]);
        assert_eq!(admitted(&rule(&[&b, &a, &Level::Open])), ["u1", "u2", "u4"]);
        assert_eq!(admitted(&rule(&[&Level::Open, &b, &a])), ["u1", "u2", "u4"]);
        assert_eq!(admitted(&rule(&[&Level::Only(only(&["u3"], &[]))])), ["u3"]);
    }

    #[test]
    fn whatever_is_unknown_admits_nobody() {
        let all = Subjects { anyone: true, ..Subjects::default() };

        for rule in [
            rule_of(&wiki(), None, Some(&all), []),
            rule_of(&wiki(), Some(&all), None, []),
            rule_of(&wiki(), Some(&all), Some(&all), [&Level::Unknown]),
            rule_of(&wiki(), Some(&all), Some(&Subjects::default()), []),
            rule_of(&wiki(), Some(&all), Some(&all), [&Level::Only(only(&[], &["\u{0}"]))]),
        ] {
            assert!(admitted(&rule).is_empty());
        }
    }
}
