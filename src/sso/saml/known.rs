//! What is known of a provider: its metadata, from a file at each use, or from an address, fetched hourly.

use std::path::PathBuf;
use std::sync::Mutex;

use saml_rs::constants::Binding;
use saml_rs::metadata::{Endpoint, IdpMetadataConfig, generate_idp_metadata};
use saml_rs::{IdpDescriptor, MetadataTrustPolicy};

use super::described::{self, Described};
use crate::clock::Moment;
use crate::outbound::{Outbound, Request};
use crate::sso::Refusal;

/// How long fetched metadata are used before they are fetched again, in milliseconds: a key that the provider withdraws is
/// trusted no longer than that.
const AGE_MS_MAX: i64 = 60 * 60 * 1_000;
/// The least time between two fetches because of an unknown key, in milliseconds: anybody can post us a response.
const REFETCH_MS_MIN: i64 = 30 * 1_000;

/// A provider, as the library is told of it.
#[derive(Clone)]
pub(super) struct Known {
    pub described: Described,
    /// For requests and their answers.
    pub peer: IdpDescriptor,
    /// The same with the addresses at which the provider takes our answers.
    pub answered: IdpDescriptor,
    fetched: Moment,
    refetched: Option<Moment>,
}

/// Where metadata come from.
pub(super) enum Origin {
    File(PathBuf),
    Address(url::Url, Box<Outbound>),
}

/// Keeps what is known of one provider.
pub(super) struct Knowledge {
    from: Origin,
    /// The provider's entity id, where the settings name it.
    entity_id: Option<String>,
    /// Whether our requests are signed.
    signs: bool,
    /// Held while fetching, so that many sign-ins at once fetch once.
    known: Mutex<Option<Known>>,
}

impl Knowledge {
    pub(super) fn new(from: Origin, entity_id: Option<String>, signs: bool) -> Knowledge {
        Knowledge { from, entity_id, signs, known: Mutex::new(None) }
    }

    /// What is known, read or fetched where it is not or is old. Where the provider is away, what is old is not used: its
    /// keys may have been withdrawn.
    pub(super) fn at(&self, now: Moment) -> Result<Known, Refusal> {
        let mut known = self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let is_young = |known: &&Known| (0..AGE_MS_MAX).contains(&now.since(known.fetched));
        let current = match known.as_ref().filter(is_young) {
            Some(current) if matches!(self.from, Origin::Address(..)) => current.clone(),
            Some(_) | None => {
                let refetched = known.as_ref().and_then(|known| known.refetched);
                let fetched = Known { refetched, ..self.learn(now)? };
                *known = Some(fetched.clone());
                fetched
            }
        };
        if current.described.valid_until.is_some_and(|until| until <= now) {
            let detail = "EntityDescriptor: the provider's metadata are past their validUntil; fetch them anew";
            return Err(Refusal::new("metadata_expired", detail));
        }
        Ok(current)
    }

    /// What is known now that a key of `stale` did not fit; `None` where it was fetched too recently to ask again.
    pub(super) fn newer(&self, stale: &Known, now: Moment) -> Result<Option<Known>, Refusal> {
        // A file was read a moment ago.
        if matches!(self.from, Origin::File(_)) {
            return Ok(None);
        }
        let mut known = self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let Some(current) = known.as_mut() else { return Ok(None) };
        if (current.fetched, current.refetched) != (stale.fetched, stale.refetched) {
            // Another sign-in has fetched them meanwhile.
            return Ok(Some(current.clone()));
        }
        if current.refetched.is_some_and(|before| (0..REFETCH_MS_MIN).contains(&now.since(before))) {
            return Ok(None);
        }
        // Noted before the attempt, so that a provider that fails is not asked in a tight loop either.
        current.refetched = Some(now);
        let newer = Known { refetched: Some(now), ..self.learn(now)? };
        *current = newer.clone();
        Ok(Some(newer))
    }

    fn learn(&self, now: Moment) -> Result<Known, Refusal> {
        let xml = self.text()?;
        let described = described::read(&xml, self.entity_id.as_deref()).map_err(invalid)?;
        if described.wants_signed && !self.signs {
            let detail = "IDPSSODescriptor: the provider wants signed requests; set sign_requests = true".to_owned();
            return Err(invalid(detail));
        }
        Ok(Known {
            peer: descriptor(&described, self.signs, |endpoint| endpoint.location.clone())?,
            answered: descriptor(&described, self.signs, |endpoint| {
                endpoint.response_location.clone().unwrap_or_else(|| endpoint.location.clone())
            })?,
            described,
            fetched: now,
            refetched: None,
        })
    }

    fn text(&self) -> Result<String, Refusal> {
        let bytes = match &self.from {
            Origin::File(path) => std::fs::read(path)
                .map_err(|error| invalid(format!("EntityDescriptor: {} cannot be read ({error})", path.display())))?,
            Origin::Address(address, outbound) => {
                let headers = vec![("Accept".to_owned(), "application/samlmetadata+xml, application/xml".to_owned())];
                let request = Request { method: "GET", url: address.clone(), headers, body: Vec::new() };
                let response =
                    outbound.send(&request).map_err(|error| Refusal::new("provider_away", error.to_string()))?;
                if response.status != 200 {
                    let detail = format!("the provider's metadata are answered with status {}", response.status);
                    return Err(Refusal::new("provider_away", detail));
                }
                response.body
            }
        };
        let text = String::from_utf8(bytes).map_err(|_| invalid("EntityDescriptor: it is not in UTF-8".to_owned()))?;
        Ok(text.trim_start_matches('\u{feff}').to_owned())
    }
}

fn invalid(complaint: String) -> Refusal {
    Refusal::new("metadata_invalid", format!("the provider's metadata cannot be used: {complaint}"))
}

/// The provider's metadata written anew: with its own role's keys and addresses and nothing else. The library compares
/// whether requests are to be signed with what we do, and knows only the word of the metadata for it.
fn descriptor(
    described: &Described,
    signs: bool,
    logout: impl Fn(&described::Endpoint) -> String,
) -> Result<IdpDescriptor, Refusal> {
    let binding = |is_post: bool| if is_post { Binding::Post } else { Binding::Redirect };
    let config = IdpMetadataConfig {
        entity_id: described.entity_id.clone(),
        signing_certs: described.certificates.clone(),
        want_authn_requests_signed: signs,
        single_sign_on_service: described
            .sign_on
            .iter()
            .map(|endpoint| Endpoint::new(binding(endpoint.is_post), endpoint.location.clone()))
            .collect(),
        single_logout_service: described
            .logout
            .iter()
            .map(|endpoint| Endpoint::new(binding(endpoint.is_post), logout(endpoint)))
            .collect(),
        ..IdpMetadataConfig::default()
    };
    // Trusted because an administrator gave us the file, or by TLS; a signature in it would be by a key that it brings itself.
    IdpDescriptor::from_metadata_xml(&generate_idp_metadata(&config), MetadataTrustPolicy::UnsignedForCompatibility)
        .map_err(|error| invalid(format!("EntityDescriptor: {error}")))
}
