//! A Confluence and an identity provider small enough to carry, and the demo's own site and people: everything talks to them
//! over real sockets.
//!
//! They are test doubles with honest manners: real HTTP, real rights, real signatures. What a request may see is decided
//! here by a rule written afresh from the product's documentation, so that it can disagree with ours.
//!
//! Uses: `clock`, `names`, `outbound`; keeps `actix` (with `web`). Begin at [`confluence`].

pub mod browser;
pub mod confluence;
pub mod demo;
pub mod idp;
pub mod play;
pub mod push;
pub mod quiz;
mod secure;
mod server;
