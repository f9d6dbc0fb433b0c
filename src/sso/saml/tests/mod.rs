//! SAML, against a provider of a few lines whose keys are made for the tests.

mod attacks;
mod idp;
pub mod keys;
mod logouts;
mod mutated;
mod requests;
mod responses;
