//! SAML 2.0: browser sign-on by Redirect or POST, the response by POST, and single logout (SAML Profiles 2.0 §4.1, §4.4).
//!
//! The library verifies signatures, what they cover, times, audience and recipient. Around it stand a reader of our own that
//! takes one shape of message and no other ([`shape`]), the ids that were seen ([`super::Seen`]), and what the library leaves open.

mod answer;
mod asking;
mod described;
mod keys;
mod known;
mod logout;
mod refused;
mod settings;
mod shape;
mod strict;
#[cfg(test)]
mod tests;
mod times;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use saml_rs::constants::{Binding as Carrier, name_id_format};
use saml_rs::metadata::{Endpoint, SpMetadataConfig, generate_sp_metadata};
use saml_rs::{
    BrowserInput, ClockSkew, FormField, NameIdFormat, Outbound as Sent, PendingAuthnRequest, RelayStateParam,
    ReplayPolicy, Saml, SamlError, SamlValidationContext, Sp, SsoResponse, SsoSession, StartSso,
};

use super::{Error, Login, Names, Onward, Refusal, Seen, check_groups, is_secure, own_path, random_text};
use crate::clock::Moment;
use crate::names::{ProviderId, UserName};
use crate::outbound::{self, Outbound};
use answer::single;
use asking::Asking;
use known::{Knowledge, Known, Origin};
use refused::{is_of_a_key, refusal_of};

pub use answer::Answer;
pub use logout::{Carried, PendingLogout};
pub use settings::{Binding, Settings, Signed};

/// The most that a clock skew can be set to, in seconds: more would bring dead assertions back.
const SKEW_S_MAX: u64 = 600;
/// The most characters of an immutable id; SAML Core §8.3.7 allows a persistent NameID 256.
const SUBJECT_CHARS_MAX: usize = 256;

/// The most characters of a name that a page shows.
const NAME_CHARS_MAX: usize = 200;
/// What Entra sends in the place of groups where there are too many: the address of a list.
const GROUPS_ELSEWHERE: &str = "http://schemas.microsoft.com/claims/groups.link";

/// A provider we can send people to.
pub struct Provider {
    settings: Settings,
    /// Our entity id: the address of our metadata.
    entity_id: String,
    acs: String,
    slo: String,
    keys: Vec<keys::Pair>,
    /// The library's service provider for plain assertions and logout.
    plain: Saml<Sp>,
    /// One for each of our keys, for encrypted assertions.
    sealed: Vec<Saml<Sp>>,
    knowledge: Knowledge,
    seen: Arc<Seen>,
}

/// A sign-in under way in one browser. Kept on our side for ten minutes at most.
#[derive(Clone)]
pub struct Pending {
    /// The provider it was begun with: no other one's answer ends it.
    pub provider: ProviderId,
    /// What the cookie holds, and our RelayState; also the key it is found by.
    pub state: String,
    /// The path to return to, one of ours.
    pub return_to: String,
    request: PendingAuthnRequest,
}

/// Reads a text as each of the messages and as metadata, for fuzzing; nothing is proven by it.
#[cfg(feature = "probe")]
pub fn read_any(text: &str) {
    for kind in [shape::Kind::Response, shape::Kind::LogoutRequest, shape::Kind::LogoutResponse] {
        drop(shape::read(text, kind));
    }
    drop(described::read(text, None));
}

/// Whether the provider's metadata can be used, where they are in a file; what is wrong is named by its element.
pub fn check_metadata(settings: &Settings, now: Moment) -> Option<Result<String, Refusal>> {
    let origin = Origin::File(settings.metadata_file.clone()?);
    let knowledge = Knowledge::new(origin, settings.entity_id.clone(), settings.sign_requests);
    Some(knowledge.at(now).map(|known| format!("describe {}", known.described.entity_id)))
}

impl Provider {
    /// From settings. The addresses are made of the public URL of the settings, never of a request; keys that are made are
    /// kept in `folder`.
    pub fn open(
        settings: &Settings,
        public_url: &url::Url,
        folder: &Path,
        outbound: &outbound::Settings,
        seen: Arc<Seen>,
        now: Moment,
    ) -> anyhow::Result<Provider> {
        let id = &settings.id;
        ensure!(settings.skew_s <= SKEW_S_MAX, "skew_s of provider {id} is more than {SKEW_S_MAX} seconds");
        saml_rs::initialize_crypto_provider().context("while making the cryptography of SAML ready")?;
        let address = |end: &str| -> anyhow::Result<String> {
            let address = public_url.join(&format!("/auth/saml/{id}/{end}"));
            Ok(address.context("server.public_url is no base for addresses")?.into())
        };
        let (entity_id, acs, slo) = (address("metadata")?, address("acs")?, address("slo")?);
        let from = match (&settings.metadata_file, &settings.metadata_url) {
            (Some(path), None) => Origin::File(path.clone()),
            (None, Some(url)) => {
                ensure!(is_secure(url), "metadata_url of provider {id} must be https, or http on this machine");
                let outbound = Outbound::open(outbound, std::slice::from_ref(url));
                Origin::Address(
                    url.clone(),
                    Box::new(outbound.with_context(|| format!("while opening the way to provider {id}"))?),
                )
            }
            _ => anyhow::bail!("provider {id} needs metadata_file or metadata_url, and not both"),
        };
        let is_file = matches!(from, Origin::File(_));
        let knowledge = Knowledge::new(from, settings.entity_id.clone(), settings.sign_requests);
        if is_file {
            knowledge.at(now)?;
        }
        let keys = keys::open(settings, folder, public_url.host_str().unwrap_or("sotto"), now)?;
        let sp = |pair: &keys::Pair, opens: bool| -> anyhow::Result<Saml<Sp>> {
            Ok(Saml::sp(strict::config(settings, (&entity_id, &acs, &slo), pair, opens)?)?)
        };
        let current = keys.first().context("there is always a current key")?;
        Ok(Provider {
            plain: sp(current, false)?,
            sealed: keys.iter().map(|pair| sp(pair, true)).collect::<anyhow::Result<_>>()?,
            settings: settings.clone(),
            entity_id,
            acs,
            slo,
            keys,
            knowledge,
            seen,
        })
    }

    /// Its id.
    pub fn id(&self) -> &ProviderId {
        &self.settings.id
    }

    /// What the button says.
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// Whether a response is taken that no request of ours asked for.
    pub fn takes_unasked(&self) -> bool {
        self.settings.idp_initiated
    }

    /// Our metadata for this provider, with the current and the next certificate.
    pub fn metadata(&self) -> String {
        let certificates: Vec<String> = self.keys.iter().map(|pair| pair.certificate.clone()).collect();
        generate_sp_metadata(&SpMetadataConfig {
            entity_id: self.entity_id.clone(),
            signing_certs: certificates.clone(),
            encrypt_certs: certificates,
            authn_requests_signed: self.settings.sign_requests,
            want_assertions_signed: true,
            name_id_format: vec![self.name_id_format().to_owned()],
            single_logout_service: [Carrier::Redirect, Carrier::Post]
                .map(|carrier| Endpoint::new(carrier, self.slo.clone()))
                .to_vec(),
            assertion_consumer_service: vec![Endpoint {
                is_default: true,
                index: Some(0),
                ..Endpoint::new(Carrier::Post, self.acs.clone())
            }],
            elements_order: None,
        })
    }

    fn name_id_format(&self) -> &'static str {
        match self.settings.subject_attribute {
            None => name_id_format::PERSISTENT,
            Some(_) => name_id_format::UNSPECIFIED,
        }
    }

    /// Where to send the browser, and what to remember of it.
    pub fn begin(&self, return_to: &str, now: Moment) -> Result<(Onward, Pending), Refusal> {
        own_path::check(return_to)?;
        let known = self.knowledge.at(now)?;
        let is_post = self.settings.binding == Binding::Post;
        if known.described.sign_on_by(is_post).is_none() {
            let detail = "SingleSignOnService: the provider announces none for the binding of the settings";
            return Err(Refusal::new("metadata_invalid", detail));
        }
        let state = random_text();
        let start = if is_post { StartSso::post() } else { StartSso::redirect() };
        let relay = RelayStateParam::try_from_option(Some(state.clone())).map_err(|error| refusal_of(&error))?;
        let start = start.relay_state(relay).apply_web_browser_sso_generation_rules();
        let started = self.plain.start_sso(&known.peer, start).map_err(|error| refusal_of(&error))?;
        let pending = Pending {
            provider: self.settings.id.clone(),
            state,
            return_to: return_to.to_owned(),
            request: started.pending,
        };
        Ok((onward(&started.outbound)?, pending))
    }

    /// Turns what came back into a login, or refuses it. `pending` is the sign-in of this browser, where it has one; `shown`
    /// becomes the message as far as it was read, for a person who tests.
    pub fn accept(
        &self,
        answer: &Answer,
        pending: Option<&Pending>,
        shown: &mut Option<String>,
        now: Moment,
    ) -> Result<Login, Error> {
        let xml = answer.xml()?;
        *shown = Some(xml.clone());
        if pending.is_none() && !self.settings.idp_initiated {
            // Login CSRF: a response that this browser did not ask for.
            return Err(Refusal::new(
                "request_missing",
                "this sign-in was not begun in this browser, or took too long",
            )
            .into());
        }
        if pending.is_some_and(|pending| pending.provider != self.settings.id) {
            return Err(Refusal::new(
                "state_foreign",
                "this answer belongs to another provider's sign-in; begin again",
            )
            .into());
        }
        let read = shape::read(&xml, shape::Kind::Response)?;
        if self.settings.want_encrypted && !read.is_encrypted {
            return Err(
                Refusal::new("not_encrypted", "the assertion is not encrypted, and the settings ask for that").into()
            );
        }
        let known = self.knowledge.at(now)?;
        let session = match self.verify(&known, &xml, &read, answer, pending, now) {
            // An unknown key is how a rotation shows.
            Err(Error::Refused(refusal)) if is_of_a_key(&refusal) => match self.knowledge.newer(&known, now)? {
                None => return Err(refusal.into()),
                Some(newer) => self.verify(&newer, &xml, &read, answer, pending, now)?,
            },
            session => session?,
        };
        // Once more, with what was encrypted in its place.
        let opened = &session.raw_flow().saml_content;
        *shown = Some(opened.clone());
        let read = shape::read(opened, shape::Kind::Response)?;
        Ok(self.login(&session, &read, now)?)
    }

    /// The path to return to after an answer that no request of ours asked for: `RelayState`, where it is one of ours.
    pub fn unasked_path(answer: &Answer) -> Result<String, Refusal> {
        let path = answer.relay_state.as_deref().unwrap_or("/");
        own_path::check(path)?;
        Ok(path.to_owned())
    }

    fn verify(
        &self,
        known: &Known,
        xml: &str,
        read: &shape::Shape,
        answer: &Answer,
        pending: Option<&Pending>,
        now: Moment,
    ) -> Result<SsoSession, Error> {
        if read.issuer.as_ref().is_some_and(|issuer| *issuer != known.described.entity_id) {
            return Err(Refusal::new(
                "issuer_wrong",
                "the response was issued by another provider than the metadata name",
            )
            .into());
        }
        let sps = if read.is_encrypted { self.sealed.as_slice() } else { std::slice::from_ref(&self.plain) };
        let mut last = None;
        for sp in sps {
            let mut fields = vec![FormField::new("SAMLResponse", BASE64_STANDARD.encode(xml))];
            fields.extend(answer.relay_state.as_ref().map(|state| FormField::new("RelayState", state.clone())));
            let input = BrowserInput::<SsoResponse>::post(fields);
            let mut asking = self.asking(now);
            let context = self.context(ReplayPolicy::RequireCache(&mut asking), now);
            let outcome = match pending {
                Some(pending) => sp.finish_sso(&known.peer, &pending.request, input, context),
                None => sp.accept_unsolicited_sso(&known.peer, input, context),
            };
            if let Some(error) = asking.failed {
                return Err(error.into());
            }
            match outcome {
                Ok(session) => return Ok(session),
                // What one of our keys does not open, the next one may.
                Err(error @ SamlError::Crypto(_)) => last = Some(error),
                Err(error) => return Err(refusal_of(&error).into()),
            }
        }
        Err(last
            .map_or_else(|| Refusal::new("message_unreadable", "there is no key"), |error| refusal_of(&error))
            .into())
    }

    /// What the library leaves open, and who it is.
    fn login(&self, session: &SsoSession, read: &shape::Shape, now: Moment) -> Result<Login, Refusal> {
        if session.verified_xml_signatures().is_empty() {
            return Err(Refusal::new("unsigned", "neither the response nor the assertion is signed"));
        }
        let name_id = session.name_id().value().trim();
        if read.name_id.as_deref().map(str::trim) != Some(name_id) || name_id.is_empty() {
            return Err(Refusal::new(
                "readers_disagree",
                "two readers of the assertion find two different names in it",
            ));
        }
        let latest = now.plus_ms(self.skew_ms());
        for issued in [session.response_issue_instant(), session.assertion_issue_instant()] {
            if Moment::parse(issued.as_str()).is_none_or(|issued| issued > latest) {
                return Err(Refusal::new(
                    "issued_in_future",
                    "the message was issued later than now; compare the two clocks",
                ));
            }
        }
        // SAML Profiles §4.1.4.2: without a statement of authentication nobody was authenticated.
        let statements = session.authn_sessions();
        if statements.is_empty() || statements.iter().any(|statement| statement.authn_instant().is_none()) {
            let detail = "the assertion does not say when the person was authenticated (AuthnStatement)";
            return Err(Refusal::new("statement_missing", detail));
        }
        let ends = statements.iter().filter_map(|statement| statement.not_on_or_after());
        let ends: Option<Vec<Moment>> = ends.map(|end| Moment::parse(end.as_str())).collect();
        let ends = ends.ok_or_else(|| Refusal::new("session_expired", "SessionNotOnOrAfter is no time"))?;
        Ok(Login {
            provider: self.settings.id.clone(),
            subject: self.subject(session, read)?,
            name: self
                .value(session, read, self.settings.user_name_attribute.as_deref())?
                .and_then(|name| UserName::parse(&name).ok()),
            email: self.value(session, read, self.settings.email_attribute.as_deref())?,
            names: Names {
                display: self.shown_name(session, read, self.settings.display_name_attribute.as_deref())?,
                given: self.shown_name(session, read, self.settings.given_name_attribute.as_deref())?,
                family: self.shown_name(session, read, self.settings.family_name_attribute.as_deref())?,
            },
            groups: self.groups(session, read)?,
            called: name_id.to_owned(),
            provider_session: statements
                .iter()
                .find_map(|statement| statement.session_index())
                .map(|index| index.as_str().to_owned()),
            not_after: ends.into_iter().min(),
            id_token: None,
            at: now,
        })
    }

    fn subject(&self, session: &SsoSession, read: &shape::Shape) -> Result<String, Refusal> {
        let subject = match &self.settings.subject_attribute {
            Some(name) => self
                .value(session, read, Some(name))?
                .ok_or_else(|| Refusal::new("subject_missing", format!("the assertion has no attribute {name}")))?,
            // An e-mail address or a name can be given to somebody else; a transient one is new each time.
            None if session.name_id().format() != Some(&NameIdFormat::Persistent) => {
                let detail =
                    "the NameID is not persistent; let the provider send a persistent one, or set subject_attribute";
                return Err(Refusal::new("subject_not_immutable", detail));
            }
            None => session.name_id().value().trim().to_owned(),
        };
        if subject.trim().is_empty() || subject.chars().count() > SUBJECT_CHARS_MAX {
            return Err(Refusal::new("subject_invalid", "the immutable id is empty or longer than 256 characters"));
        }
        Ok(subject)
    }

    /// The one value of an attribute, by both readers.
    fn value(&self, session: &SsoSession, read: &shape::Shape, name: Option<&str>) -> Result<Option<String>, Refusal> {
        let Some(name) = name else { return Ok(None) };
        let by_library = session.attributes().get(name).map_or(&[][..], |attribute| attribute.values());
        match read.values(name) {
            [] if by_library.is_empty() => Ok(None),
            [value] if by_library.len() == 1 && by_library[0].as_str().trim() == value.trim() => {
                Ok(Some(value.trim().to_owned()).filter(|value| !value.is_empty()))
            }
            [_, _, ..] => {
                Err(Refusal::new("attribute_ambiguous", format!("the attribute {name} has more than one value")))
            }
            _ => Err(Refusal::new("readers_disagree", format!("two readers find two different values of {name}"))),
        }
    }

    /// A name that a page may show.
    fn shown_name(
        &self,
        session: &SsoSession,
        read: &shape::Shape,
        name: Option<&str>,
    ) -> Result<Option<String>, Refusal> {
        let value = self.value(session, read, name)?;
        Ok(value.filter(|value| value.chars().count() <= NAME_CHARS_MAX && !value.chars().any(char::is_control)))
    }

    /// The groups that the assertion names, where the settings say that they count; none where it has no such attribute.
    fn groups(&self, session: &SsoSession, read: &shape::Shape) -> Result<Option<Vec<String>>, Refusal> {
        let Some(name) = self.settings.groups_attribute.as_deref() else { return Ok(None) };
        if !read.values(GROUPS_ELSEWHERE).is_empty() {
            let detail = "the person is in more groups than the provider sends; provision them by SCIM";
            return Err(Refusal::new("groups_too_many", detail));
        }
        let by_library = session.attributes().get(name).map_or(&[][..], |attribute| attribute.values());
        let by_library: Vec<&str> = by_library.iter().map(|value| value.as_str().trim()).collect();
        let values: Vec<String> = read.values(name).iter().map(|value| value.trim().to_owned()).collect();
        if by_library != values {
            return Err(Refusal::new("readers_disagree", format!("two readers find two different values of {name}")));
        }
        let groups: Vec<String> = values.into_iter().filter(|value| !value.is_empty()).collect();
        check_groups(&groups)?;
        Ok(Some(groups))
    }

    fn asking(&self, now: Moment) -> Asking<'_> {
        Asking { seen: &self.seen, provider: &self.settings.id, now, failed: None }
    }

    fn skew_ms(&self) -> i64 {
        i64::try_from(self.settings.skew_s * 1_000).unwrap_or(0)
    }

    fn context<'a>(&self, replay: ReplayPolicy<'a>, now: Moment) -> SamlValidationContext<'a> {
        let skew = ClockSkew::from_millis(-self.skew_ms(), self.skew_ms());
        let retention =
            Duration::from_millis(logout::AGE_MS_MAX.unsigned_abs()) + Duration::from_secs(self.settings.skew_s * 2);
        SamlValidationContext::new(time_of(now), replay).with_clock_skew(skew).with_replay_retention(retention)
    }
}

/// What the library made, as something a browser can be sent with.
fn onward<M>(sent: &Sent<M>) -> Result<Onward, Refusal> {
    let broken = || Refusal::new("metadata_invalid", "SingleSignOnService: its Location is no address");
    if let Ok(address) = sent.redirect_url() {
        return Ok(Onward::Redirect(address.parse().map_err(|_| broken())?));
    }
    let form = sent.post_form().map_err(|error| refusal_of(&error))?;
    Ok(Onward::Post {
        action: form.action().as_str().parse().map_err(|_| broken())?,
        fields: form.fields().iter().map(|field| (field.name().to_owned(), field.value().to_owned())).collect(),
    })
}

fn time_of(now: Moment) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(now.ms().max(0).unsigned_abs())
}
