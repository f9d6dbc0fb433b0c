//! What is known of a provider: its metadata and its keys, fetched when they are first needed and again when they are old.

use std::sync::Mutex;

use openidconnect::core::{
    CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClientAuthMethod, CoreGrantType, CoreJsonWebKey,
    CoreJsonWebKeySet, CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreJwsSigningAlgorithm,
    CoreResponseMode, CoreResponseType, CoreSubjectIdentifierType,
};
use openidconnect::{AdditionalProviderMetadata, ProviderMetadata};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::proof;
use crate::clock::Moment;
use crate::outbound::{Outbound, Request};
use crate::sso::{Refusal, is_secure};

/// How long metadata and keys are used before they are fetched again, in milliseconds: a key that the provider withdraws is
/// trusted no longer than that.
const AGE_MS_MAX: i64 = 60 * 60 * 1_000;
/// The least time between two fetches of keys because of an unknown one, in milliseconds: anybody can send us a token with a
/// made-up key id, and must not be able to make us call the provider each time.
const REFETCH_MS_MIN: i64 = 30 * 1_000;

/// Metadata that the library does not read.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct More {
    /// OpenID Connect RP-Initiated Logout 1.0 §2.1.
    pub end_session_endpoint: Option<url::Url>,
    /// RFC 9207 §3.
    pub authorization_response_iss_parameter_supported: Option<bool>,
}

impl AdditionalProviderMetadata for More {}

pub(super) type Metadata = ProviderMetadata<
    More,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// What a provider said of itself, with its keys.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub metadata: Metadata,
    pub keys: CoreJsonWebKeySet,
    /// The algorithms it announces and we take; never empty.
    pub algorithms: Vec<CoreJwsSigningAlgorithm>,
    fetched: Moment,
    /// When its keys were fetched again because of an unknown one. The first fetch does not count: a provider may change
    /// its keys between sending us the old ones and signing.
    refetched: Option<Moment>,
}

/// Keeps what is known of one provider.
pub(super) struct Knowledge {
    issuer: url::Url,
    /// Held while fetching, so that many sign-ins at once fetch once.
    known: Mutex<Option<Known>>,
    /// Since when it could not be reached; `None` where the last attempt succeeded, or none was made.
    away: Mutex<Option<Moment>>,
}

impl Knowledge {
    pub(super) fn of(issuer: url::Url) -> Knowledge {
        Knowledge { issuer, known: Mutex::new(None), away: Mutex::new(None) }
    }

    /// What is known, fetched where it is not or is old. Where the provider is away, what is old is not used: its keys may
    /// have been withdrawn.
    pub(super) fn at(&self, outbound: &Outbound, now: Moment) -> Result<Known, Refusal> {
        let mut known = self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(known) = known.as_ref().filter(|known| (0..AGE_MS_MAX).contains(&now.since(known.fetched))) {
            return Ok(known.clone());
        }
        let fetched = discover(outbound, &self.issuer, now);
        let mut away = self.away.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *away = if fetched.is_ok() { None } else { away.or(Some(now)) };
        drop(away);
        let fetched = fetched?;
        *known = Some(fetched.clone());
        Ok(fetched)
    }

    /// Since when the provider could not be reached; `None` where it could when it was asked last.
    pub(super) fn away(&self) -> Option<Moment> {
        *self.away.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// What is known with newer keys than `stale` has; `None` where they were fetched too recently to ask again.
    pub(super) fn with_newer_keys(
        &self,
        outbound: &Outbound,
        stale: &Known,
        now: Moment,
    ) -> Result<Option<Known>, Refusal> {
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
        current.keys = keys(outbound, &current.metadata)?;
        Ok(Some(current.clone()))
    }

    /// What is known, of whatever age, fetched only where nothing is.
    pub(super) fn whatever(&self, outbound: &Outbound) -> Result<Known, Refusal> {
        let known = self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        match known {
            Some(known) => Ok(known),
            // Counts as old at the next sign-in.
            None => discover(outbound, &self.issuer, Moment::from_ms(0)),
        }
    }
}

fn discover(outbound: &Outbound, issuer: &url::Url, now: Moment) -> Result<Known, Refusal> {
    // OpenID Connect Discovery 1.0 §4: the path is appended to the issuer's own, without doubling a slash.
    let address = format!("{}/.well-known/openid-configuration", issuer.as_str().trim_end_matches('/'));
    let address = address.parse().map_err(|_| Refusal::new("discovery_invalid", "the issuer is no address"))?;
    let metadata: Metadata = fetch(outbound, address, "the discovery document", "discovery_invalid")?;
    // §4.3: the issuer must be the one that was asked. It is compared as an address, because a bare host is written with
    // and without a slash at the end; tokens are then held against the exact spelling.
    if metadata.issuer().url() != issuer {
        let detail =
            format!("the provider announces the issuer {}, the settings name {issuer}", metadata.issuer().url());
        return Err(Refusal::new("discovery_issuer_mismatch", detail));
    }
    let browser_goes_to = metadata.authorization_endpoint().url();
    let ends_at = metadata.additional_metadata().end_session_endpoint.as_ref();
    if !is_secure(browser_goes_to) || ends_at.is_some_and(|ends_at| !is_secure(ends_at)) {
        return Err(Refusal::new("discovery_invalid", "an address for browsers is not https"));
    }
    let algorithms = proof::acceptable(metadata.id_token_signing_alg_values_supported());
    if algorithms.is_empty() {
        return Err(Refusal::new("discovery_invalid", "the provider announces no signing algorithm that we take"));
    }
    let keys = keys(outbound, &metadata)?;
    Ok(Known { metadata, keys, algorithms, fetched: now, refetched: None })
}

fn keys(outbound: &Outbound, metadata: &Metadata) -> Result<CoreJsonWebKeySet, Refusal> {
    fetch(outbound, metadata.jwks_uri().url().clone(), "the key set", "keys_invalid")
}

fn fetch<T: DeserializeOwned>(
    outbound: &Outbound,
    address: url::Url,
    what: &str,
    code: &'static str,
) -> Result<T, Refusal> {
    let headers = vec![("Accept".to_owned(), "application/json".to_owned())];
    let request = Request { method: "GET", url: address, headers, body: Vec::new() };
    let response = outbound.send(&request).map_err(|error| Refusal::new("provider_away", error.to_string()))?;
    if response.status != 200 {
        return Err(Refusal::new(code, format!("{what} is answered with status {}", response.status)));
    }
    serde_json::from_slice(&response.body)
        .map_err(|error| Refusal::new(code, format!("{what} cannot be read: {error}")))
}
