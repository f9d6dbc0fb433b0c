//! Who may see what.
//!
//! A wiki grants reading by space and restricts it by page, and a page's restrictions include those of every page above
//! it. We keep each page's answer as a [`Rule`]: *all* of these conditions must be met, each by *any* of these principals.
//! Wikis repeat themselves, so a hundred thousand pages come to a few hundred distinct rules; each gets a number, its
//! [`AclClass`], and the index keeps only that.
//!
//! Ada is an engineer, Bob is in sales. The space `ENG` may be viewed by `staff`, so the rule of its `Handbook` is
//! *staff*. `Runbook` is restricted to `engineers`: its rule is *staff and engineers*. `Payroll`, below `Runbook`, also asks
//! for `finance` or Bob himself: *staff and engineers and (finance or Bob)*. Ada answers to `staff` and `engineers`; her
//! [`Visibility`] has the classes of `Handbook` and `Runbook`. Bob answers to `staff` and to himself; being named on
//! `Payroll` does not help him, because `Runbook` above it leaves him out, so he sees the `Handbook` alone. When the
//! restriction on another page cannot be read, that page's rule is *nobody*, and neither sees it.
//!
//! Always true here:
//! - A rule begins with a first condition, so "all of nothing", which would admit everyone, cannot be written.
//! - Equal permissions are equal rules, and equal rules are one class. A class never changes its meaning, and its number is
//!   never given to another rule.
//! - A [`Visibility`] comes only from [`Classes::visible_to`], for one person, at one moment.
//! - A class's number depends on how many rules were met before it, hidden ones too: it stays inside, and no reply bears it.
//!
//! Uses: `names`, `store`. Begin at [`Rule`].

mod class;
mod principal;
mod rule;
mod sight;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub mod trial;
mod visibility;

pub use class::{AclClass, Classes, Error};
pub use principal::{Principal, PrincipalSet};
pub use rule::{AnyOf, Rule};
pub use visibility::Visibility;
