//! Sign-ins as attackers and honest providers bring them. Names in brackets are those of the OpenID Foundation's tests of
//! relying parties, without their prefix.

mod flow;
mod idp;
mod keys;
mod leaving;
mod tokens;
mod vectors;
