//! The appliance, over HTTPS, by its public doors: a real one, with a stand-in Confluence and identity provider on real
//! sockets. Only the language model is by rule, save where a test says otherwise.

#![expect(clippy::unwrap_used, reason = "builders and readers of tests stop where they cannot go on")]
#![expect(
    clippy::disallowed_methods,
    reason = "a nightly run asks for more cases; what a program said is shown as it is"
)]

mod admin;
mod analytics;
mod applications;
mod ask;
mod audit;
mod backup;
mod bad_input;
mod crash;
mod crawl;
mod desk;
mod emergency;
mod explain;
mod exposure;
mod faults;
mod front;
mod full_disk;
mod history;
mod hooks;
mod hostile_files;
mod interference;
mod kills;
mod login;
mod made_sources;
mod managing;
mod oidc;
mod pages;
mod people;
mod permissions;
mod private;
mod quoting;
mod replay;
mod responses;
mod revocation;
mod roles;
mod saml;
mod scene;
mod scim;
mod scim_tokens;
mod senders;
mod sources;
mod support;
mod what_if;
