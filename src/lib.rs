//! Sotto: private answers from a company's wiki, in one binary.

// While the rooms are being built; the last of these goes with the last room.
#![allow(dead_code, clippy::allow_attributes, clippy::allow_attributes_without_reason, clippy::todo)]

mod acl;
mod answer;
pub mod app;
mod application;
mod audit;
mod clock;
pub mod config;
mod corpus;
mod crawl;
mod directory;
mod extract;
mod history;
mod index;
mod model;
mod names;
mod outbound;
mod scim;
mod session;
mod sso;
pub mod standin;
mod store;
mod vault;
pub mod web;
