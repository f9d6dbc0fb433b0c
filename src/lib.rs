//! Sotto: private answers from a company's wiki, in one binary.
//!
//! The map. A room is a folder named for a thing in the world; its `mod.rs` is its door. A room uses only rooms below it
//! (`tests/house.rs` holds the list):
//!
//! | Floor | Rooms |
//! |---|---|
//! | 0 | `clock` the time · `names` names and ids · `corpus` documents and passages · `store` our state on disk · `outbound` the only door out · `model` a language model and an embedder |
//! | 1 | `vault` keys and sealing · `acl` who may see what · `sso` a proven login · `extract` files to blocks, in a child process · `exposure` what looks like a secret in a page · `analytics` how much is asked, in counters |
//! | 2 | `directory` people and groups · `index` the passages that a visibility admits · `audit` the log · `session` who is signed in |
//! | 3 | `scim` provisioning · `application` assistants · `answer` grounded answers · `crawl` the index, kept true |
//! | 4 | `history` past questions and answers, sealed |
//! | 5 | [`app`] the deeds |
//! | 6 | [`web`] HTTPS and the pages · [`standin`] a Confluence and an identity provider to try things on |
//! | 7 | [`config`] the settings; above it the command line in `src/main` |
//!
//! **The journey of a question:** `web::ask` → `app::ask`: who asks is looked up in the directory → `acl` works out what they
//! may see → `index` searches as if nothing else existed → `audit` puts it on record → `answer` grounds it, claim by claim →
//! `history` seals it → `audit` again.
//!
//! **The journey of a page:** `crawl::confluence` reads it with its restrictions → `crawl::restriction` makes a rule of them →
//! `crawl::plan` says what must be done → `crawl::apply` does it, tightened permissions first → `index` commits.
//!
//! What is absent matters most:
//! - `answer` cannot search: it is given what was found. `index` cannot decide who sees what: it is given a visibility.
//! - `web` knows HTTP and JSON; no other room does, save `scim`, whose subject they are.
//! - No room but `vault` touches a person's key or the root key; no room but `outbound` resolves a host name.
//! - A visibility, a set of principals and a conversation's key live for one request and are never stored; a person's key that
//!   is bound to them stays with `vault` alone, in memory, until they sign out or leave it unused.
//! - Nothing in the house calls home, updates itself, or loads a script from another origin.

mod acl;
mod analytics;
mod answer;
pub mod app;
mod application;
mod audit;
mod clock;
pub mod config;
mod corpus;
mod crawl;
mod directory;
mod exposure;
mod extract;
mod history;
mod index;
mod model;
mod names;
mod outbound;
#[cfg(feature = "probe")]
pub mod probe;
mod scim;
mod session;
mod sso;
pub mod standin;
mod store;
mod vault;
pub mod web;
