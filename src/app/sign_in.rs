//! Signing in and out, and who is asking.

use super::{App, Asker, Error};
use crate::audit::Event;
use crate::directory::{Matching, Person};
use crate::names::ProviderId;
use crate::session::{Session, Token};
use crate::sso::{Login, Refusal, oidc};

impl App {
    /// Who holds this session token, as the directory has them now.
    pub fn asker(&self, token: &str) -> Result<Asker, Error> {
        let session = self.sessions.find(token, self.now())?.ok_or(Error::SignedOut)?;
        // Asked at every request: a person who was deactivated a moment ago holds a token and nothing else.
        let (Some(person), Some(principals)) =
            (self.directory.person(&session.user)?, self.directory.principals_of(&session.user)?)
        else {
            return Err(Error::SignedOut);
        };
        let roles = self.directory.roles_of(&session.user)?;
        Ok(Asker { user: session.user, person, principals, roles })
    }

    /// The providers a person can sign in with: id and button text.
    pub fn providers(&self) -> Vec<(ProviderId, String)> {
        self.providers.iter().map(|provider| (provider.id().clone(), provider.name().to_owned())).collect()
    }

    /// Begins a sign-in: where to send the browser, and the state its cookie must hold.
    pub fn begin_sign_in(&self, provider: &ProviderId, return_to: &str) -> Result<(url::Url, String), Error> {
        let provider = self.provider(provider)?;
        let (address, pending) =
            provider.begin(return_to, self.now()).map_err(|refusal| self.refused(provider, refusal))?;
        let state = pending.state.clone();
        self.pendings.put(pending, self.now());
        Ok((address, state))
    }

    /// Ends a sign-in: the new session's token and the path to return to. `state_cookie` is what this browser holds;
    /// `old_token` is a session it had before, which ends (session fixation).
    pub fn finish_sign_in(
        &self,
        provider: &ProviderId,
        callback: &oidc::Callback,
        state_cookie: Option<&str>,
        old_token: Option<&str>,
    ) -> Result<(Token, String), Error> {
        let provider = self.provider(provider)?;
        let proven = self.prove(provider, callback, state_cookie);
        let (person, login, return_to) = match proven {
            Err(Error::Refused(refusal)) => return Err(self.refused(provider, refusal)),
            proven => proven?,
        };
        if let Some(old_token) = old_token {
            self.sessions.end(old_token)?;
        }
        let receipt = self.audit.append(&Event::SignedIn { user: &person.id, provider: provider.id().as_str() })?;
        tracing::info!(leaf = receipt.leaf(), provider = %provider.id(), "signed in");
        let token = self.sessions.start(Session {
            user: person.id,
            provider: login.provider,
            provider_session: login.provider_session,
            id_token: Some(login.id_token),
            began: login.at,
            used: login.at,
        })?;
        Ok((token, return_to))
    }

    /// Ends the session; where the browser should go to end the provider's own, if anywhere.
    pub fn sign_out(&self, token: &str) -> Result<Option<url::Url>, Error> {
        let Some(session) = self.sessions.end(token)? else { return Err(Error::SignedOut) };
        let receipt = self.audit.append(&Event::SignedOut { user: &session.user })?;
        tracing::info!(leaf = receipt.leaf(), "signed out");
        let after = self.settings.public_url.join("/sign-in").map_err(|error| Error::Broken(Box::new(error)))?;
        let provider = self.providers.iter().find(|provider| *provider.id() == session.provider);
        Ok(provider.zip(session.id_token).and_then(|(provider, id_token)| provider.logout(&id_token, &after)))
    }

    fn prove(
        &self,
        provider: &oidc::Provider,
        callback: &oidc::Callback,
        state_cookie: Option<&str>,
    ) -> Result<(Person, Login, String), Error> {
        let no = |code, detail: &str| Error::Refused(Refusal { code, detail: detail.to_owned() });
        let state = callback.state.as_deref().ok_or_else(|| no("state_missing", "the provider sent no state back"))?;
        // Login CSRF: an attacker's code may be brought by this browser, but not with the state this browser was given.
        if state_cookie != Some(state) {
            return Err(no("state_foreign", "this sign-in was not begun in this browser"));
        }
        let pending = self
            .pendings
            .take(state, self.now())
            .ok_or_else(|| no("state_unknown", "this sign-in has expired or was used already; begin again"))?;
        let login = provider.accept(callback, &pending, self.now())?;
        let matching = Matching { subject: &login.subject, user_name: login.name.as_ref() };
        let person = self
            .directory
            .person_of(&matching)?
            .ok_or_else(|| no("person_unknown", "nobody with this provider's id was provisioned here"))?;
        if !person.active {
            return Err(no("person_inactive", "this person was deactivated by the provider"));
        }
        if self.applications.of(&self.directory, &person.id, "default")?.is_none() {
            return Err(no("person_unassigned", "this person is assigned to no application"));
        }
        Ok((person, login, pending.return_to))
    }

    fn provider(&self, id: &ProviderId) -> Result<&oidc::Provider, Error> {
        self.providers.iter().find(|provider| provider.id() == id).ok_or(Error::NotThere)
    }

    /// Puts a refusal on record; where even that fails, the failure is what is told.
    fn refused(&self, provider: &oidc::Provider, refusal: Refusal) -> Error {
        let event = Event::SignInRefused { provider: provider.id().as_str(), code: refusal.code };
        match self.audit.append(&event) {
            Ok(receipt) => {
                tracing::info!(leaf = receipt.leaf(), provider = %provider.id(), code = refusal.code, "sign-in refused");
                Error::Refused(refusal)
            }
            Err(error) => Error::from(error),
        }
    }
}
