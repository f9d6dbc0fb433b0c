//! A Confluence and an identity provider small enough to carry, and the demo's own site and people: everything talks to them
//! over real sockets.
//!
//! Uses: `clock`, `names`, `outbound`. Begin at [`confluence`].

pub mod confluence;
pub mod demo;
pub mod idp;
pub mod push;
