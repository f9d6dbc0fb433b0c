//! OpenID Connect: the code flow with PKCE (OpenID Connect Core 1.0 §3.1, RFC 7636, RFC 9207).

mod known;
mod leaving;
mod proof;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreClientAuthMethod, CoreErrorResponseType,
    CoreGenderClaim, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreRevocableToken,
    CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType, CoreUserInfoClaims,
};
use openidconnect::{
    AccessToken, AuthType, AuthorizationCode, Client, ClientId, ClientSecret, CsrfToken, EmptyExtraTokenFields,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, IdTokenFields, Nonce,
    OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope,
    StandardErrorResponse, StandardTokenResponse, SubjectIdentifier, TokenResponse as _, UserInfoError, http,
};
use serde::{Deserialize, Serialize};

use super::{Login, Names, Refusal, check_groups, is_secure, own_path, random_text, told};
use crate::clock::Moment;
use crate::names::{ProviderId, UserName};
use crate::outbound::{self, Outbound};
use known::{Knowledge, Known};
use proof::{Claims, Expected, Token, Unproven};

/// One OpenID Connect provider.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// A short word for addresses, for example `company`.
    pub id: ProviderId,
    /// What the sign-in button says.
    pub name: String,
    /// The issuer, as the provider announces it.
    pub issuer: url::Url,
    /// Our client id there.
    pub client_id: String,
    /// A file with our client secret; none for a public client.
    #[serde(default)]
    pub client_secret_file: Option<PathBuf>,
    /// Scopes asked for besides `openid`.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Addresses of other hosts where the provider has its token, key or userinfo endpoint. Its own host is allowed always.
    #[serde(default)]
    pub hosts: Vec<url::Url>,
    /// Audiences that may stand beside our client id in a token.
    #[serde(default)]
    pub trusted_audiences: Vec<String>,
    /// Whether the userinfo endpoint is asked where the token lacks the user name.
    #[serde(default)]
    pub userinfo: bool,
    /// The claim with the names of a person's groups. Where none is named, groups in a token count for nothing.
    #[serde(default)]
    pub groups_claim: Option<String>,
    /// Seconds by which the provider's clock may differ from ours.
    #[serde(default = "sixty")]
    pub skew_s: u64,
}

fn sixty() -> u64 {
    60
}

/// The most that a clock skew can be set to, in seconds: more would bring dead tokens back.
const SKEW_S_MAX: u64 = 600;

type Fields = IdTokenFields<
    proof::More,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;
type Tokens = StandardTokenResponse<Fields, CoreTokenType>;
type ConfiguredClient = Client<
    proof::More,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Tokens,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// A provider we can send people to. Discovery is done at first use, hourly, and its keys are fetched again when a token
/// names a new one.
pub struct Provider {
    settings: Settings,
    redirect: RedirectUrl,
    client_id: ClientId,
    secret: Option<ClientSecret>,
    outbound: Outbound,
    knowledge: Knowledge,
}

/// A sign-in under way in one browser: state, nonce and PKCE verifier. Kept on our side for ten minutes at most.
#[derive(Clone, Serialize, Deserialize)]
pub struct Pending {
    /// The provider it was begun with: no other one's answer ends it.
    pub provider: ProviderId,
    /// The `state` parameter; also the key it is found by.
    pub state: String,
    /// The nonce the ID token must carry.
    pub nonce: String,
    /// The PKCE verifier.
    pub verifier: String,
    /// The path to return to, one of ours.
    pub return_to: String,
    /// When it began.
    pub began: Moment,
}

impl std::fmt::Debug for Pending {
    /// Without the secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pending").field("provider", &self.provider).field("began", &self.began).finish_non_exhaustive()
    }
}

/// What the browser brought back.
#[derive(Clone, Default, Deserialize)]
pub struct Callback {
    /// The code.
    pub code: Option<String>,
    /// The state.
    pub state: Option<String>,
    /// RFC 9207: who issued it.
    pub iss: Option<String>,
    /// An error code instead.
    pub error: Option<String>,
    /// What the provider says of the error.
    pub error_description: Option<String>,
}

impl std::fmt::Debug for Callback {
    /// Without the code and the state.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Callback").field("iss", &self.iss).field("error", &self.error).finish_non_exhaustive()
    }
}

impl Provider {
    /// From settings. `redirect` is our callback address under the public URL of the settings, never from a request.
    pub fn open(settings: &Settings, redirect: &url::Url, outbound: &outbound::Settings) -> anyhow::Result<Provider> {
        let name = &settings.id;
        ensure!(is_secure(&settings.issuer), "the issuer of provider {name} must be https, or http on this machine");
        ensure!(settings.skew_s <= SKEW_S_MAX, "skew_s of provider {name} is more than {SKEW_S_MAX} seconds");
        ensure!(!settings.client_id.is_empty(), "client_id of provider {name} is empty");
        let secret = settings.client_secret_file.as_ref().map(|path| {
            let text = std::fs::read_to_string(path).with_context(|| {
                format!("while reading the client secret of provider {name} from {}", path.display())
            })?;
            let text = text.trim_end_matches(['\r', '\n']);
            ensure!(!text.is_empty(), "the client secret of provider {name} in {} is empty", path.display());
            Ok(ClientSecret::new(text.to_owned()))
        });
        let mut origins = vec![settings.issuer.clone()];
        origins.extend(settings.hosts.iter().cloned());
        Ok(Provider {
            redirect: RedirectUrl::from_url(redirect.clone()),
            client_id: ClientId::new(settings.client_id.clone()),
            secret: secret.transpose()?,
            outbound: Outbound::open(outbound, &origins)
                .with_context(|| format!("while opening the way to provider {name}"))?,
            knowledge: Knowledge::of(settings.issuer.clone()),
            settings: settings.clone(),
        })
    }

    /// Its id.
    pub fn id(&self) -> &ProviderId {
        &self.settings.id
    }

    /// Since when it could not be reached; `None` where it could when it was asked last, or nobody has signed in yet.
    pub fn away(&self) -> Option<Moment> {
        self.knowledge.away()
    }

    /// What the button says.
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// Where to send the browser, and what to remember of it.
    pub fn begin(&self, return_to: &str, now: Moment) -> Result<(url::Url, Pending), Refusal> {
        own_path::check(return_to)?;
        let known = self.knowledge.at(&self.outbound, now)?;
        let pending = Pending {
            provider: self.settings.id.clone(),
            state: random_text(),
            nonce: random_text(),
            verifier: random_text(),
            return_to: return_to.to_owned(),
            began: now,
        };
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(pending.verifier.clone()));
        let (state, nonce) = (CsrfToken::new(pending.state.clone()), Nonce::new(pending.nonce.clone()));
        let client = self.client(&known);
        let request = client
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, || state, || nonce)
            .add_scopes(self.settings.scopes.iter().filter(|scope| *scope != "openid").cloned().map(Scope::new))
            .set_pkce_challenge(challenge);
        let (address, _, _) = request.url();
        Ok((address, pending))
    }

    #[cfg(test)]
    fn accept(&self, callback: &Callback, pending: &Pending, now: Moment) -> Result<Login, Refusal> {
        self.accept_showing(callback, pending, &mut None, now)
    }

    /// Turns what came back into a login, or refuses it; `shown` becomes the claims of the ID token, whether they prove
    /// something or not, for a person who tests.
    pub fn accept_showing(
        &self,
        callback: &Callback,
        pending: &Pending,
        shown: &mut Option<String>,
        now: Moment,
    ) -> Result<Login, Refusal> {
        if pending.provider != self.settings.id || callback.state.as_deref() != Some(&pending.state) {
            // Login CSRF: somebody else's code in this browser.
            return Err(Refusal::new("state_foreign", "this answer belongs to another sign-in; begin again"));
        }
        let known = self.knowledge.at(&self.outbound, now)?;
        self.check_issuer(callback, &known)?;
        if let Some(error) = &callback.error {
            return Err(Refusal::new("provider_refused", told(error, callback.error_description.as_deref())));
        }
        let code = callback.code.as_ref().filter(|code| !code.is_empty());
        let code = code.ok_or_else(|| Refusal::new("code_missing", "the provider sent neither a code nor an error"))?;
        let tokens = self.exchange(&known, code, pending)?;
        let id_token = tokens
            .id_token()
            .ok_or_else(|| Refusal::new("id_token_missing", "the provider's answer has no ID token"))?;
        *shown = claims_of(&id_token.to_string());
        let claims = self.prove(known, id_token, tokens.access_token(), pending, now)?;
        let mut login = Login {
            provider: self.settings.id.clone(),
            subject: claims.subject().as_str().to_owned(),
            name: claims.preferred_username().and_then(|name| UserName::parse(name.as_str()).ok()),
            email: claims
                .email()
                .filter(|_| claims.email_verified() == Some(true))
                .map(|email| email.as_str().to_owned()),
            names: Names::default(),
            groups: self.settings.groups_claim.as_deref().map(|name| groups_of(&claims, name)).transpose()?,
            called: claims.subject().as_str().to_owned(),
            provider_session: claims.additional_claims().sid.clone(),
            not_after: None,
            id_token: Some(id_token.to_string()),
            at: now,
        };
        if self.settings.userinfo && login.name.is_none() {
            self.ask_userinfo(&mut login, tokens.access_token(), now)?;
        }
        Ok(login)
    }

    /// Where to send the browser to end the provider's own session (RP-initiated logout), where it announces that.
    pub fn logout(&self, id_token: &str, after: &url::Url) -> Option<url::Url> {
        let known = self.knowledge.whatever(&self.outbound).ok()?;
        let mut address = known.metadata.additional_metadata().end_session_endpoint.clone()?;
        address
            .query_pairs_mut()
            .append_pair("id_token_hint", id_token)
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("post_logout_redirect_uri", after.as_str());
        Some(address)
    }

    /// RFC 9207 §2.4: the answer must come from the provider that was asked (mix-up).
    fn check_issuer(&self, callback: &Callback, known: &Known) -> Result<(), Refusal> {
        let announces =
            known.metadata.additional_metadata().authorization_response_iss_parameter_supported == Some(true);
        match callback.iss.as_deref() {
            Some(iss) if iss != known.metadata.issuer().as_str() => {
                Err(Refusal::new("issuer_foreign", "the answer names another issuer (RFC 9207)"))
            }
            None if announces => {
                Err(Refusal::new("issuer_missing", "the provider announces iss in its answers, and this one has none"))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn exchange(&self, known: &Known, code: &str, pending: &Pending) -> Result<Tokens, Refusal> {
        let client = self.client(known);
        let request = client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .map_err(|_| Refusal::new("discovery_invalid", "the provider announces no token endpoint"))?
            .set_pkce_verifier(PkceCodeVerifier::new(pending.verifier.clone()));
        request.request(&|request| self.send(request)).map_err(|error| match error {
            RequestTokenError::ServerResponse(answer) => {
                let description = answer.error_description().map(String::as_str);
                Refusal::new("code_refused", told(answer.error().as_ref(), description))
            }
            RequestTokenError::Request(error) => Refusal::new("provider_away", error.to_string()),
            // Not the body, which may hold tokens.
            RequestTokenError::Parse(error, _) => {
                Refusal::new("token_invalid", format!("the provider's answer cannot be read at {}", error.path()))
            }
            RequestTokenError::Other(_) => {
                Refusal::new("token_invalid", "the provider's answer is not a token response")
            }
        })
    }

    /// Verifies the ID token, with newer keys where it names one we do not know.
    fn prove(
        &self,
        known: Known,
        token: &Token,
        access_token: &AccessToken,
        pending: &Pending,
        now: Moment,
    ) -> Result<Claims, Refusal> {
        let nonce = Nonce::new(pending.nonce.clone());
        let verify = |known: &Known| {
            let expected = Expected {
                issuer: known.metadata.issuer(),
                client: &self.client_id,
                trusted_audiences: &self.settings.trusted_audiences,
                keys: &known.keys,
                algorithms: &known.algorithms,
                nonce: &nonce,
                access_token: Some(access_token),
                skew_ms: i64::try_from(self.settings.skew_s * 1_000).unwrap_or(0),
                now,
            };
            proof::verify(token, &expected).cloned()
        };
        match verify(&known) {
            Ok(claims) => Ok(claims),
            Err(Unproven::Other(refusal)) => Err(refusal),
            // Core §10.1.1: an unknown key is how a rotation shows.
            Err(Unproven::Key(refusal)) => match self.knowledge.with_newer_keys(&self.outbound, &known, now)? {
                None => Err(refusal),
                Some(newer) => verify(&newer).map_err(|unproven| match unproven {
                    Unproven::Key(refusal) | Unproven::Other(refusal) => refusal,
                }),
            },
        }
    }

    /// Core §5.3: the name and the proven e-mail, where userinfo is about the same subject.
    fn ask_userinfo(&self, login: &mut Login, access_token: &AccessToken, now: Moment) -> Result<(), Refusal> {
        let known = self.knowledge.at(&self.outbound, now)?;
        let client = self.client(&known);
        let subject = SubjectIdentifier::new(login.subject.clone());
        let request = client
            .user_info(access_token.clone(), Some(subject))
            .map_err(|_| Refusal::new("discovery_invalid", "the provider announces no userinfo endpoint"))?;
        let claims: CoreUserInfoClaims =
            request.request(&|request| self.send(request)).map_err(|error| match error {
                // §5.3.2: an access token of somebody else.
                UserInfoError::ClaimsVerification(_) => {
                    Refusal::new("userinfo_subject_wrong", "the userinfo endpoint answers for another subject")
                }
                UserInfoError::Request(error) => Refusal::new("provider_away", error.to_string()),
                UserInfoError::Parse(_) | UserInfoError::Response(..) | UserInfoError::Other(_) | _ => {
                    Refusal::new("userinfo_invalid", "the userinfo endpoint's answer cannot be read")
                }
            })?;
        login.name = claims.preferred_username().and_then(|name| UserName::parse(name.as_str()).ok());
        let email = claims.email().filter(|_| claims.email_verified() == Some(true));
        login.email = login.email.take().or(email.map(|email| email.as_str().to_owned()));
        Ok(())
    }

    fn client(&self, known: &Known) -> ConfiguredClient {
        let client: ConfiguredClient =
            Client::from_provider_metadata(known.metadata.clone(), self.client_id.clone(), self.secret.clone())
                .set_redirect_uri(self.redirect.clone());
        // Discovery 1.0 §3: without a list, client_secret_basic is meant.
        let takes = known.metadata.token_endpoint_auth_methods_supported();
        let takes_basic = takes.is_none_or(|methods| methods.contains(&CoreClientAuthMethod::ClientSecretBasic));
        client.set_auth_type(if takes_basic { AuthType::BasicAuth } else { AuthType::RequestBody })
    }

    /// The library's requests go out by our own door.
    fn send(&self, request: HttpRequest) -> Result<HttpResponse, Away> {
        let method = if *request.method() == http::Method::POST { "POST" } else { "GET" };
        let url = request.uri().to_string().parse().map_err(|_| Away("an endpoint is no address".to_owned()))?;
        let headers = request
            .headers()
            .iter()
            .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())));
        let request = outbound::Request { method, url, headers: headers.collect(), body: request.body().clone() };
        let response = self.outbound.send(&request).map_err(|error| Away(error.to_string()))?;
        let mut builder = http::Response::builder().status(response.status);
        for (name, value) in &response.headers {
            builder = builder.header(name, value);
        }
        builder.body(response.body).map_err(|_| Away("the provider's answer has a damaged head".to_owned()))
    }
}

/// The provider could not be asked.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Away(String);

/// The groups that a token names; none where it has no such claim.
fn groups_of(claims: &Claims, name: &str) -> Result<Vec<String>, Refusal> {
    let rest = &claims.additional_claims().rest;
    // Core §5.6.2: a claim that is to be fetched elsewhere, which is what providers send in the place of a long list.
    if rest.get("_claim_names").is_some_and(|names| names.get(name).is_some()) || rest.contains_key("hasgroups") {
        let detail = "the person is in more groups than the provider sends; provision them by SCIM";
        return Err(Refusal::new("groups_too_many", detail));
    }
    let groups = match rest.get(name) {
        None | Some(serde_json::Value::Null) => Vec::new(),
        Some(groups) => serde_json::from_value(groups.clone())
            .map_err(|_| Refusal::new("groups_invalid", format!("the claim {name} is no list of names")))?,
    };
    check_groups(&groups)?;
    Ok(groups)
}

/// The middle part of a token, as readable JSON; nothing of it is proven.
fn claims_of(token: &str) -> Option<String> {
    let payload = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&payload).ok()?;
    serde_json::to_string_pretty(&claims).ok()
}
