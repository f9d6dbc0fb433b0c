//! Who may see what.
//!
//! Uses: `names`, `store`. Begin at [`Rule`].

mod class;
mod principal;
mod rule;
mod visibility;

pub use class::{AclClass, Classes, Error};
pub use principal::{Principal, PrincipalSet};
pub use rule::{AnyOf, Rule};
pub use visibility::{Generation, Visibility};
