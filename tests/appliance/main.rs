//! The appliance, over HTTPS, by its public doors: a real one, with a stand-in Confluence and identity provider on real
//! sockets. Only the language model is by rule, save where a test says otherwise.

mod admin;
mod ask;
mod audit;
mod crawl;
mod front;
mod history;
mod login;
mod pages;
mod permissions;
mod scene;
mod scim;
mod support;
