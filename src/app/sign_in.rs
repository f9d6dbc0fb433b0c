//! Signing in and out, and who is asking.

use super::{App, Asker, Error};
use crate::application::Standing;
use crate::audit::Event;
use crate::directory::{Matching, Person};
use crate::names::{ProviderId, UserId};
use crate::session::{Session, Token};
use crate::sso::{Login, Onward, Provider, Refusal, local, oidc, saml};
use crate::vault;

/// A sign-in that was begun.
pub struct Begun {
    /// Where to send the browser.
    pub onward: Onward,
    /// What its cookie must hold.
    pub state: String,
    /// Whether the answer is posted by a page of the provider's (SAML), so that the cookie must come along from there.
    pub is_posted_back: bool,
}

/// How a sign-in ended that was not refused.
pub enum Finished {
    /// The new session's token and the path to return to.
    SignedIn(Token, String),
    /// It was a trial, which signs nobody in: see [`App::trial`].
    Tried,
}

/// A sign-in under way, and the administrator whose trial it is.
pub(super) struct UnderWay<P> {
    pending: P,
    tester: Option<UserId>,
}

impl App {
    /// Who holds this session token, as the directory has them now.
    pub fn asker(&self, token: &str) -> Result<Asker, Error> {
        let session = self.sessions.find(token, self.now())?.ok_or(Error::SignedOut)?;
        if session.provider == local::provider() {
            return self.emergency_asker(&session);
        }
        // Asked at every request: a person who was deactivated a moment ago holds a token and nothing else.
        let (Some(person), Some(principals)) =
            (self.directory.person(&session.user)?, self.directory.principals_of(&session.user)?)
        else {
            return Err(Error::SignedOut);
        };
        let roles = self.directory.roles_of(&session.user)?;
        Ok(Asker {
            user: session.user,
            person,
            principals,
            roles,
            ends: None,
            session: vault::sha256(token.as_bytes()),
        })
    }

    /// The providers a person can sign in with: id and button text.
    pub fn providers(&self) -> Vec<(ProviderId, String)> {
        self.providers.iter().map(|provider| (provider.id().clone(), provider.name().to_owned())).collect()
    }

    /// Begins a sign-in, or a trial of one by an administrator.
    pub fn begin_sign_in(
        &self,
        provider: &ProviderId,
        return_to: &str,
        tester: Option<&Asker>,
    ) -> Result<Begun, Error> {
        if let Some(tester) = tester {
            self.administrators_only(tester)?;
        }
        let tester = tester.map(|tester| *tester.user());
        // A trial that ends before it has begun is a trial all the same.
        let refused = |refusal: Refusal| match tester {
            None => self.refused(provider, refusal),
            Some(tester) => {
                let kept = self.keep_trial(provider, tester, Err(Error::Refused(refusal.clone())), None);
                kept.err().unwrap_or(Error::Refused(refusal))
            }
        };
        match self.provider(provider)? {
            Provider::Oidc(oidc) => {
                let (address, pending) = oidc.begin(return_to, self.now()).map_err(refused)?;
                let state = pending.state.clone();
                self.pendings.put(state.clone(), UnderWay { pending, tester }, self.now());
                Ok(Begun { onward: Onward::Redirect(address), state, is_posted_back: false })
            }
            Provider::Saml(saml) => {
                let (onward, pending) = saml.begin(return_to, self.now()).map_err(refused)?;
                let state = pending.state.clone();
                self.saml_pendings.put(state.clone(), UnderWay { pending, tester }, self.now());
                Ok(Begun { onward, state, is_posted_back: true })
            }
        }
    }

    /// Ends a sign-in by OpenID Connect. `state_cookie` is what this browser holds; `old_token` is a session it had before,
    /// which ends (session fixation).
    pub fn finish_sign_in(
        &self,
        provider: &ProviderId,
        callback: &oidc::Callback,
        state_cookie: Option<&str>,
        old_token: Option<&str>,
    ) -> Result<Finished, Error> {
        let Provider::Oidc(oidc) = self.provider(provider)? else { return Err(Error::NotThere) };
        let under_way = self.taken(callback, state_cookie).map_err(|refusal| self.refused(provider, refusal))?;
        let mut shown = None;
        let login = oidc.accept_showing(callback, &under_way.pending, &mut shown, self.now()).map_err(Error::from);
        self.conclude(provider, login, shown, under_way.tester, under_way.pending.return_to, old_token)
    }

    /// Ends a sign-in by SAML; the parts are as for OpenID Connect.
    pub fn finish_saml(
        &self,
        provider: &ProviderId,
        fields: &[(String, String)],
        state_cookie: Option<&str>,
        old_token: Option<&str>,
    ) -> Result<Finished, Error> {
        let Provider::Saml(saml) = self.provider(provider)? else { return Err(Error::NotThere) };
        let refused = |refusal| self.refused(provider, refusal);
        let answer = saml::Answer::of(fields).map_err(refused)?;
        let under_way = state_cookie.and_then(|state| self.saml_pendings.take(state, self.now()));
        // Where the settings take what nobody asked for, a sign-in that lies about in this browser is not what it answers.
        let under_way =
            under_way.filter(|one| !saml.takes_unasked() || answer.relay_state.as_deref() == Some(&*one.pending.state));
        let (pending, tester) = match under_way {
            Some(under_way) => (Some(under_way.pending), under_way.tester),
            None => (None, None),
        };
        let mut shown = None;
        let login = saml.accept(&answer, pending.as_ref(), &mut shown, self.now()).map_err(Error::from);
        let return_to = match pending {
            Some(pending) => pending.return_to,
            None if login.is_ok() => saml::Provider::unasked_path(&answer).map_err(refused)?,
            // Where to go is of no account to a sign-in that was refused, and would hide why it was.
            None => "/".to_owned(),
        };
        self.conclude(provider, login, shown, tester, return_to, old_token)
    }

    /// Ends the session; where the browser should go to end the provider's own, if anywhere.
    pub fn sign_out(&self, token: &str) -> Result<Option<url::Url>, Error> {
        let Some(session) = self.sessions.end(token)? else { return Err(Error::SignedOut) };
        // At once, and not at the next round: nothing of theirs opens when this returns.
        let mark = vault::sha256(token.as_bytes());
        self.vault.lock_where(|_, session, _| *session == mark);
        let receipt = self.audit.append(&Event::SignedOut { user: &session.user })?;
        tracing::info!(leaf = receipt.leaf(), "signed out");
        let after = self.settings.public_url.join("/sign-in").map_err(|error| Error::Broken(Box::new(error)))?;
        match self.provider(&session.provider) {
            Ok(Provider::Oidc(oidc)) => Ok(session.id_token.and_then(|id_token| oidc.logout(&id_token, &after))),
            Ok(Provider::Saml(saml)) => Ok(self.saml_sign_out(saml, &session)),
            // It was taken out of the settings since.
            Err(_) => Ok(None),
        }
    }

    /// The sign-in of this browser that an answer belongs to.
    fn taken(&self, callback: &oidc::Callback, state_cookie: Option<&str>) -> Result<UnderWay<oidc::Pending>, Refusal> {
        let state = callback.state.as_deref();
        let state = state.ok_or_else(|| Refusal::new("state_missing", "the provider sent no state back"))?;
        // Login CSRF: an attacker's code may be brought by this browser, but not with the state this browser was given.
        if state_cookie != Some(state) {
            return Err(Refusal::new("state_foreign", "this sign-in was not begun in this browser"));
        }
        self.pendings
            .take(state, self.now())
            .ok_or_else(|| Refusal::new("state_unknown", "this sign-in has expired or was used already; begin again"))
    }

    /// Starts the session of whom a login proves, or keeps what came of a trial.
    fn conclude(
        &self,
        provider: &ProviderId,
        login: Result<Login, Error>,
        shown: Option<String>,
        tester: Option<UserId>,
        return_to: String,
        old_token: Option<&str>,
    ) -> Result<Finished, Error> {
        if let Some(tester) = tester {
            self.keep_trial(provider, tester, login, shown)?;
            return Ok(Finished::Tried);
        }
        let admitted = login.and_then(|login| {
            self.learn(&login)?;
            Ok((self.admit(&login)?, login))
        });
        let (person, login) = match admitted {
            Err(Error::Refused(refusal)) => return Err(self.refused(provider, refusal)),
            admitted => admitted?,
        };
        if let Some(old_token) = old_token {
            self.sessions.end(old_token)?;
        }
        let receipt = self.audit.append(&Event::SignedIn { user: &person.id, provider: provider.as_str() })?;
        tracing::info!(leaf = receipt.leaf(), %provider, "signed in");
        let token = self.sessions.start(Session {
            user: person.id,
            provider: login.provider,
            provider_session: login.provider_session,
            called: Some(login.called),
            not_after: login.not_after,
            id_token: login.id_token,
            began: login.at,
            used: login.at,
        })?;
        Ok(Finished::SignedIn(token, return_to))
    }

    /// The person in the directory whom a login names, active or not.
    pub(super) fn named_by(&self, login: &Login) -> Result<Option<Person>, Error> {
        let matching = Matching { subject: &login.subject, user_name: login.name.as_ref() };
        Ok(self.directory.person_of(&matching)?)
    }

    /// The person whom a login names, where they may come in.
    pub(super) fn admit(&self, login: &Login) -> Result<Person, Error> {
        let no = |code, detail: &str| Error::Refused(Refusal::new(code, detail));
        let person = self
            .named_by(login)?
            .ok_or_else(|| no("person_unknown", "nobody with this provider's id was provisioned here"))?;
        if !person.active {
            return Err(no("person_inactive", "this person was deactivated by the provider"));
        }
        if self.applications.of(&self.directory, &person.id)?.is_empty() {
            let is_assigned = Standing::of(&self.directory, &person.id)?
                .is_some_and(|standing| !self.applications.assigned_to(&standing).is_empty());
            return Err(match is_assigned {
                true => no("person_unsubscribed", "this person's seat was taken by an administrator"),
                false => no("person_unassigned", "this person is assigned to no application"),
            });
        }
        Ok(person)
    }

    pub(super) fn provider(&self, id: &ProviderId) -> Result<&Provider, Error> {
        self.providers.iter().find(|provider| provider.id() == id).ok_or(Error::NotThere)
    }

    /// Puts a refusal on record; where even that fails, the failure is what is told.
    pub(super) fn refused(&self, provider: &ProviderId, refusal: Refusal) -> Error {
        let event = Event::SignInRefused { provider: provider.as_str(), code: refusal.code };
        match self.audit.append(&event) {
            Ok(receipt) => {
                tracing::info!(leaf = receipt.leaf(), %provider, code = refusal.code, "sign-in refused");
                Error::Refused(refusal)
            }
            Err(error) => Error::from(error),
        }
    }
}
