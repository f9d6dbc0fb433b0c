//! The addresses of SAML: our metadata, where responses are posted, and single logout. What is proven is `sso`'s.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use url::form_urlencoded;

use super::body::Body;
use super::front::{Front, deed};
use super::guard::{SAML_COOKIE, SESSION_COOKIE, cookie};
use super::reply::{Problem, Reply};
use super::sign_in::{finished, go, to_address};
use crate::names::ProviderId;
use crate::sso::saml::Carried;

/// The media type of SAML metadata (SAML Metadata 2.0, appendix A).
const METADATA_TYPE: &str = "application/samlmetadata+xml";

/// Our metadata, for the provider's administrator.
#[utoipa::path(get, path = "/auth/saml/{provider}/metadata", tag = "sign-in", params(("provider" = String, Path)), responses(
    (status = 200, description = "Our metadata for this provider", content_type = "application/samlmetadata+xml"),
    (status = 404, description = "No such provider", body = Problem)))]
pub async fn metadata(front: Data<Front>, provider: Path<String>) -> Result<HttpResponse, Reply> {
    let provider = ProviderId::parse(&provider).ok_or_else(Reply::not_there)?;
    let metadata = deed(&front, move |app| app.saml_metadata(&provider)).await?;
    Ok(HttpResponse::Ok().content_type(METADATA_TYPE).body(metadata))
}

/// The assertion consumer: the provider's page posts its response here. It proves itself, so no header of ours is asked for.
#[utoipa::path(post, path = "/auth/saml/{provider}/acs", tag = "sign-in", params(("provider" = String, Path)), responses(
    (status = 303, description = "Signed in, to where it began; or refused, to the sign-in page"),
    (status = 404, description = "No such provider", body = Problem)))]
pub async fn acs(
    front: Data<Front>,
    request: HttpRequest,
    provider: Path<String>,
    body: Body,
) -> Result<HttpResponse, Reply> {
    let provider = ProviderId::parse(&provider).ok_or_else(Reply::not_there)?;
    let fields = fields(body)?;
    let (state, old) = (cookie(&request, SAML_COOKIE), cookie(&request, SESSION_COOKIE));
    let id = provider.clone();
    let done = deed(&front, move |app| app.finish_saml(&provider, &fields, state.as_deref(), old.as_deref())).await;
    finished(&request, &id, done)
}

/// Single logout by an address: the provider's request, or its answer to ours.
#[utoipa::path(get, path = "/auth/saml/{provider}/slo", tag = "sign-in", params(("provider" = String, Path)), responses(
    (status = 302, description = "Back to the provider, with our answer"),
    (status = 303, description = "The provider has answered; to the sign-in page"),
    (status = 403, description = "Refused", body = Problem), (status = 404, description = "No such provider", body = Problem)))]
pub async fn single_logout(
    front: Data<Front>,
    request: HttpRequest,
    provider: Path<String>,
) -> Result<HttpResponse, Reply> {
    follow(&front, &provider, Carried::Query(request.query_string().to_owned())).await
}

/// Single logout by a form.
#[utoipa::path(post, path = "/auth/saml/{provider}/slo", tag = "sign-in", params(("provider" = String, Path)), responses(
    (status = 302, description = "Back to the provider, with our answer"),
    (status = 303, description = "The provider has answered; to the sign-in page"),
    (status = 403, description = "Refused", body = Problem), (status = 404, description = "No such provider", body = Problem)))]
pub async fn single_logout_by_form(
    front: Data<Front>,
    provider: Path<String>,
    body: Body,
) -> Result<HttpResponse, Reply> {
    follow(&front, &provider, Carried::Form(fields(body)?)).await
}

async fn follow(front: &Data<Front>, provider: &str, carried: Carried) -> Result<HttpResponse, Reply> {
    let provider = ProviderId::parse(provider).ok_or_else(Reply::not_there)?;
    match deed(front, move |app| app.saml_logout(&provider, &carried)).await? {
        Some(onward) => go(front, &onward),
        None => Ok(to_address(StatusCode::SEE_OTHER, "/sign-in", [])),
    }
}

fn fields(body: Body) -> Result<Vec<(String, String)>, Reply> {
    let bytes = body.bytes()?;
    Ok(form_urlencoded::parse(&bytes).map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
}
