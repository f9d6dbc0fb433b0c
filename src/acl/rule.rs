//! Rules: an AND of ORs over principals, in one canonical form.

use serde::{Deserialize, Serialize};

use super::{Principal, PrincipalSet};

/// One condition: it is met by any of these. With none, it is met by nobody. Sorted, without repeats.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AnyOf(Box<[Principal]>);

/// Who may read a document: every condition must be met. Kept in one canonical form, so equal
/// permissions are equal rules.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Rule {
    first: AnyOf,
    rest: Box<[AnyOf]>,
}

impl AnyOf {
    /// From principals in any order, with or without repeats.
    pub fn of(principals: impl IntoIterator<Item = Principal>) -> AnyOf {
        todo!("{}", principals.into_iter().count())
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
        todo!("{who:?}")
    }
}

impl Rule {
    /// A rule of one condition.
    pub fn new(first: AnyOf) -> Rule {
        Rule { first, rest: Box::default() }
    }

    /// The same rule, with one more condition.
    pub fn and(self, also: AnyOf) -> Rule {
        todo!("{also:?}")
    }

    /// The conditions, in canonical order.
    pub fn conditions(&self) -> impl Iterator<Item = &AnyOf> {
        std::iter::once(&self.first).chain(self.rest.iter())
    }

    /// Whether the person meets every condition.
    pub fn admits(&self, who: &PrincipalSet) -> bool {
        self.conditions().all(|condition| condition.is_met_by(who))
    }
}
