//! Sessions that end at the provider's word, and the provider's that ends at ours.

use super::{App, Error};
use crate::audit::Event;
use crate::names::ProviderId;
use crate::session::Session;
use crate::sso::{self, Onward, Provider, Refusal, saml};

impl App {
    /// Our metadata for a SAML provider.
    pub fn saml_metadata(&self, provider: &ProviderId) -> Result<String, Error> {
        match self.provider(provider)? {
            Provider::Saml(saml) => Ok(saml.metadata()),
            Provider::Oidc(_) => Err(Error::NotThere),
        }
    }

    /// Follows a logout message: a provider's request ends the sessions it names, and is answered; its answer to ours ends a
    /// sign-out, after which the browser has nowhere else to go.
    pub fn saml_logout(&self, provider: &ProviderId, carried: &saml::Carried) -> Result<Option<Onward>, Error> {
        let Provider::Saml(saml) = self.provider(provider)? else { return Err(Error::NotThere) };
        let no = |error| match error {
            sso::Error::Refused(refusal) => self.sign_out_refused(provider, refusal),
            error @ sso::Error::Store(_) => Error::from(error),
        };
        if !carried.is_request().map_err(|refusal| self.sign_out_refused(provider, refusal))? {
            let pending = carried.relay_state().and_then(|state| self.logouts.take(&state, self.now()));
            // Nothing of ours hangs on it: the session here ended before the provider was asked. So an answer that is not
            // good goes on record, and the person to the sign-in page.
            if let Some(Err(error)) = pending.map(|pending| saml.signed_out(carried, &pending, self.now()))
                && !matches!(no(error), Error::Refused(_))
            {
                tracing::warn!(%provider, "the provider's answer to a sign-out could not be put on record");
            }
            return Ok(None);
        }
        let leaving = saml.leave(carried, self.now()).map_err(no)?;
        self.end_named(provider, Some(&leaving.called), &leaving.provider_sessions)?;
        saml.left(&leaving).map(Some).map_err(|refusal| self.sign_out_refused(provider, refusal))
    }

    /// Follows a logout token that the provider sent without a browser.
    pub fn backchannel_logout(&self, provider: &ProviderId, token: &str) -> Result<(), Error> {
        let Provider::Oidc(oidc) = self.provider(provider)? else { return Err(Error::NotThere) };
        let leaving = oidc.leave(token, &self.seen, self.now()).map_err(|error| match error {
            sso::Error::Refused(refusal) => self.sign_out_refused(provider, refusal),
            error @ sso::Error::Store(_) => Error::from(error),
        })?;
        let sessions: Vec<String> = leaving.session.into_iter().collect();
        self.end_named(provider, leaving.subject.as_deref(), &sessions)
    }

    fn end_named(&self, provider: &ProviderId, called: Option<&str>, sessions: &[String]) -> Result<(), Error> {
        for user in self.sessions.end_named(provider, called, sessions)? {
            let receipt = self.audit.append(&Event::SignedOut { user: &user })?;
            tracing::info!(leaf = receipt.leaf(), %provider, "signed out by the provider");
        }
        Ok(())
    }

    /// Puts a refusal on record; where even that fails, the failure is what is told.
    pub(super) fn sign_out_refused(&self, provider: &ProviderId, refusal: Refusal) -> Error {
        match self.audit.append(&Event::SignOutRefused { provider: provider.as_str(), code: refusal.code }) {
            Ok(receipt) => {
                tracing::info!(leaf = receipt.leaf(), %provider, code = refusal.code, "a provider's sign-out refused");
                Error::Refused(refusal)
            }
            Err(error) => Error::from(error),
        }
    }

    /// Where the browser should go to end the provider's own session.
    pub(super) fn saml_sign_out(&self, saml: &saml::Provider, session: &Session) -> Option<url::Url> {
        let called = session.called.as_deref()?;
        match saml.sign_out(called, session.provider_session.as_deref(), self.now()) {
            Ok(Some((address, state, pending))) => {
                self.logouts.put(state, pending, self.now());
                Some(address)
            }
            Ok(None) => None,
            // Here the person is signed out; the provider's own session ends by itself.
            Err(refusal) => {
                tracing::info!(provider = %saml.id(), code = refusal.code, "the provider could not be told of a sign-out");
                None
            }
        }
    }
}
