//! Single logout (SAML Profiles 2.0 §4.4): the provider ends our sessions, or we tell it that one of ours has ended.

use saml_rs::{
    BrowserInput, FormField, LogoutBinding, LogoutRequest, LogoutResponse, LogoutSigning, LogoutSubject, NameId,
    PendingLogoutRequest, Received, RelayStateParam, ReplayPolicy, RespondSlo, SessionIndex, StartSlo,
};
use url::form_urlencoded;

use super::{Provider, known::Known, onward, refusal_of, shape, single};
use crate::clock::Moment;
use crate::names::ProviderId;
use crate::sso::{Error, Onward, Refusal, random_text};

/// How old a logout request may be, in milliseconds: as long as its id is remembered.
pub(super) const AGE_MS_MAX: i64 = 15 * 60 * 1_000;

/// How a message came.
#[derive(Debug, Clone)]
pub enum Carried {
    /// In the query of an address, as it stood there.
    Query(String),
    /// In the fields of a form.
    Form(Vec<(String, String)>),
}

impl Carried {
    fn fields(&self) -> Vec<(String, String)> {
        match self {
            Carried::Query(query) => form_urlencoded::parse(query.as_bytes())
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect(),
            Carried::Form(fields) => fields.clone(),
        }
    }

    /// Whether it is a request to end sessions, and not an answer to ours.
    pub fn is_request(&self) -> Result<bool, Refusal> {
        let fields = self.fields();
        match (single(&fields, "SAMLRequest")?, single(&fields, "SAMLResponse")?) {
            (Some(_), None) => Ok(true),
            (None, Some(_)) => Ok(false),
            _ => Err(Refusal::new("message_unreadable", "there is no logout message, or more than one")),
        }
    }

    /// `RelayState`.
    pub fn relay_state(&self) -> Option<String> {
        single(&self.fields(), "RelayState").ok().flatten()
    }

    /// SAML Bindings §3.4.4.1: what is signed is message, RelayState and SigAlg, in this order. The order of the address is
    /// held to the same, so that what is verified is what stands there; and SHA-1 signs nothing.
    fn check_query(&self) -> Result<(), Refusal> {
        let Carried::Query(query) = self else { return Ok(()) };
        const ORDER: [&str; 5] = ["SAMLRequest", "SAMLResponse", "RelayState", "SigAlg", "Signature"];
        let places = form_urlencoded::parse(query.as_bytes())
            .filter_map(|(name, _)| ORDER.iter().position(|known| *known == name));
        if !places.collect::<Vec<_>>().is_sorted_by(|a, b| a < b) {
            return Err(Refusal::new(
                "signature_invalid",
                "the parameters of the signed address are not in their order",
            ));
        }
        match single(&self.fields(), "SigAlg")? {
            None => Err(Refusal::new("unsigned", "the logout message is not signed")),
            Some(algorithm) if shape::may_sign(&algorithm) => Ok(()),
            Some(_) => {
                Err(Refusal::new("algorithm_refused", "the message is signed by an algorithm that is not taken here"))
            }
        }
    }

    fn form(&self) -> Vec<FormField> {
        self.fields().into_iter().map(|(name, value)| FormField::new(name, value)).collect()
    }
}

/// Whose sessions the provider ends, and what its request is answered by.
pub struct Leaving {
    /// What the provider calls the person.
    pub called: String,
    /// The provider's sessions that end; all of the person's where it names none.
    pub provider_sessions: Vec<String>,
    request: Received<LogoutRequest>,
    known: Known,
}

/// A sign-out at the provider under way.
pub struct PendingLogout {
    /// The provider that was asked.
    pub provider: ProviderId,
    pub(super) request: PendingLogoutRequest,
}

impl Provider {
    /// Reads a provider's request to end sessions. Only one that is signed by the provider, for us, and new.
    pub fn leave(&self, carried: &Carried, now: Moment) -> Result<Leaving, Error> {
        carried.check_query()?;
        let known = self.knowledge.at(now)?;
        let mut asking = self.asking(now);
        let input = match carried {
            Carried::Query(query) => BrowserInput::<LogoutRequest>::redirect(query.clone()),
            Carried::Form(_) => BrowserInput::<LogoutRequest>::post(carried.form()),
        };
        let context = self.context(ReplayPolicy::RequireCache(&mut asking), now);
        let outcome = self.plain.receive_slo(&known.peer, input, context);
        if let Some(error) = asking.failed {
            return Err(error.into());
        }
        let request = outcome.map_err(|error| refusal_of(&error))?;
        let message = request.message();
        let read = shape::read(&message.raw_flow().saml_content, shape::Kind::LogoutRequest)?;
        let called = message.name_id().map(|name| name.value().trim().to_owned()).unwrap_or_default();
        if called.is_empty() || read.name_id.as_deref().map(str::trim) != Some(called.as_str()) {
            return Err(Refusal::new(
                "readers_disagree",
                "the logout request names nobody, or two readers find two names",
            )
            .into());
        }
        let age = Moment::parse(message.issue_instant().as_str()).map(|issued| now.since(issued));
        if age.is_none_or(|age| age > AGE_MS_MAX + self.skew_ms() || age < -self.skew_ms()) {
            return Err(Refusal::new("outside_time", "the logout request is too old, or of later than now").into());
        }
        let provider_sessions = message.session_indexes().iter().map(|index| index.as_str().to_owned()).collect();
        Ok(Leaving { called, provider_sessions, request, known })
    }

    /// The answer to a request that was followed.
    pub fn left(&self, leaving: &Leaving) -> Result<Onward, Refusal> {
        let logout = &leaving.known.described.logout;
        let answer = match (logout.iter().any(|one| !one.is_post), logout.iter().any(|one| one.is_post)) {
            (true, _) => RespondSlo::redirect(),
            (false, true) => RespondSlo::post(),
            (false, false) => {
                let detail =
                    "SingleLogoutService: the provider's metadata have none, so its request cannot be answered";
                return Err(Refusal::new("metadata_invalid", detail));
            }
        };
        let sent = self.plain.respond_slo(&leaving.known.answered, &leaving.request, answer);
        onward(&sent.map_err(|error| refusal_of(&error))?)
    }

    /// Where to send the browser to end the provider's own session, where it takes that by an address; and what to remember
    /// of it, with its state.
    pub fn sign_out(
        &self,
        called: &str,
        provider_session: Option<&str>,
        now: Moment,
    ) -> Result<Option<(url::Url, String, PendingLogout)>, Refusal> {
        let known = self.knowledge.at(now)?;
        if known.described.logout.iter().all(|endpoint| endpoint.is_post) {
            return Ok(None);
        }
        let no = |error| refusal_of(&error);
        let indexes = provider_session.map(SessionIndex::try_new).transpose().map_err(no)?;
        let format = self.settings.subject_attribute.is_none().then_some(saml_rs::NameIdFormat::Persistent);
        let subject = LogoutSubject::new(NameId::new(called, format), indexes.into_iter().collect());
        let state = random_text();
        let relay = RelayStateParam::try_from_option(Some(state.clone())).map_err(no)?;
        let start = StartSlo::redirect().relay_state(relay).signing(LogoutSigning::Sign);
        let started = self.plain.start_slo(&known.peer, subject, start).map_err(no)?;
        let Onward::Redirect(address) = onward(&started.outbound)? else { return Ok(None) };
        Ok(Some((address, state, PendingLogout { provider: self.settings.id.clone(), request: started.pending })))
    }

    /// Whether the provider says that its own session has ended.
    pub fn signed_out(&self, carried: &Carried, pending: &PendingLogout, now: Moment) -> Result<(), Error> {
        carried.check_query()?;
        if pending.provider != self.settings.id || pending.request.response_binding() != LogoutBinding::Redirect {
            return Err(Refusal::new("state_foreign", "this answer belongs to another provider's sign-out").into());
        }
        let known = self.knowledge.at(now)?;
        let mut asking = self.asking(now);
        let input = match carried {
            Carried::Query(query) => BrowserInput::<LogoutResponse>::redirect(query.clone()),
            Carried::Form(_) => BrowserInput::<LogoutResponse>::post(carried.form()),
        };
        let context = self.context(ReplayPolicy::RequireCache(&mut asking), now);
        let outcome = self.plain.finish_slo(&known.peer, &pending.request, input, context);
        if let Some(error) = asking.failed {
            return Err(error.into());
        }
        let completed = outcome.map_err(|error| refusal_of(&error))?;
        let read = completed.raw_flow().map_or("", |flow| &flow.saml_content);
        shape::read(read, shape::Kind::LogoutResponse)?;
        Ok(())
    }
}
