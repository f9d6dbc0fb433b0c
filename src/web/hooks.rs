//! Webhooks of a source: they prove themselves by a signature over the body, and need neither session nor origin.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use super::body::Body;
use super::front::{Front, deed};
use super::reply::{Problem, Reply};
use crate::names::SourceId;

/// The HMAC of the body, as Confluence sends it.
const SIGNATURE: &str = "x-hub-signature";

/// Something changed at the source: where, is looked at soon. The body is an event of Confluence Data Center, and
/// `X-Hub-Signature` is `sha256=` with the hexadecimal HMAC-SHA-256 of the body.
#[utoipa::path(post, path = "/hooks/{source}", tag = "webhooks",
    params(("source" = String, Path, description = "The source's name")), request_body = serde_json::Value, responses(
    (status = 204, description = "It was heard"),
    (status = 401, description = "The signature does not fit", body = Problem),
    (status = 404, description = "There is no such source, or it has no secret", body = Problem),
    (status = 400, description = "The body is no event", body = Problem)))]
pub async fn heard(
    front: Data<Front>,
    source: Path<String>,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, Reply> {
    let source = SourceId::parse(&source).ok_or_else(Reply::not_there)?;
    let signature = request.headers().get(SIGNATURE).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let body = body.bytes()?;
    deed(&front, move |app| app.hear(&source, signature.as_deref(), &body)).await?;
    Ok(HttpResponse::new(StatusCode::NO_CONTENT))
}
