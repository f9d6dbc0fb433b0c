//! The stand-in identity provider: OpenID Connect code flow with PKCE and signed tokens.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// One person of the people file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The login name.
    pub username: String,
    /// The password.
    pub password: String,
    /// The e-mail address.
    pub email: String,
    /// The display name.
    pub name: String,
    /// Names of their groups.
    #[serde(default)]
    pub groups: Vec<String>,
}

/// A client that may send people here.
#[derive(Debug, Clone)]
pub struct Client {
    /// Its id.
    pub id: String,
    /// Its secret.
    pub secret: String,
    /// Its callback addresses.
    pub redirects: Vec<String>,
}

/// A running provider; it stops when it is dropped.
pub struct Idp {}

impl Idp {
    /// Starts it on `listen` (port 0 for any).
    pub fn start(listen: SocketAddr, people: Vec<Person>, clients: Vec<Client>) -> anyhow::Result<Idp> {
        let _ = clients;
        todo!("{listen} {people:?}")
    }

    /// The issuer, for example `http://127.0.0.1:41235`.
    pub fn issuer(&self) -> String {
        todo!()
    }

    /// The `sub` a person has in this provider's tokens (and the `externalId` its pushes send).
    pub fn subject(&self, username: &str) -> Option<String> {
        todo!("{username}")
    }

    /// A one-line note for the sign-in form.
    pub fn set_callback(&self, client: &str, redirects: Vec<String>) {
        todo!("{client} {redirects:?}")
    }
}
