//! The tokens of SCIM senders on the desk. For anybody but an administrator these routes are not there.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, Path};

use super::body::Body;
use super::front::{Front, deed};
use super::guard::Administrator;
use super::reply::{Problem, Reply};
use super::wire;

/// Every sender that may provision, by name, with when it was last used. Never a token.
#[utoipa::path(get, path = "/api/v1/admin/scim_tokens", tag = "desk", responses(
    (status = 200, description = "All of them", body = wire::ScimTokens),
    (status = 404, description = "The asker is no administrator", body = Problem)))]
pub async fn scim_tokens(front: Data<Front>, administrator: Administrator) -> Result<Json<wire::ScimTokens>, Reply> {
    let found = deed(&front, move |app| app.scim_senders(&administrator.0)).await?;
    Ok(Json(wire::ScimTokens::of(&found, &front.public)))
}

/// Makes a token for a new sender. This reply alone shows it.
#[utoipa::path(post, path = "/api/v1/admin/scim_tokens", tag = "desk", request_body = wire::NewScimToken, responses(
    (status = 201, description = "The token", body = wire::ShownScimToken),
    (status = 400, description = "The name is none, or is taken", body = Problem),
    (status = 404, description = "The asker is no administrator", body = Problem)))]
pub async fn make_scim_token(
    front: Data<Front>,
    administrator: Administrator,
    body: Body,
) -> Result<HttpResponse, Reply> {
    let wire::NewScimToken { name, etags, requests_per_minute } = body.json()?;
    let habits = wire::ScimHabits { etags, requests_per_minute }.into();
    let made = deed(&front, move |app| app.make_scim_token(&administrator.0, &name, habits)).await?;
    Ok(HttpResponse::build(StatusCode::CREATED).json(wire::ShownScimToken::from(made)))
}

/// Makes a sender's token anew, and lets the old one go on for a while. This reply alone shows the new one.
#[utoipa::path(post, path = "/api/v1/admin/scim_tokens/{name}/rotate", tag = "desk", params(("name" = String, Path)),
    request_body = wire::RotateScimToken, responses(
    (status = 200, description = "The new token", body = wire::ShownScimToken),
    (status = 400, description = "It stands in the settings' file, or the overlap is too long", body = Problem),
    (status = 404, description = "No such sender, or the asker is no administrator", body = Problem)))]
pub async fn rotate_scim_token(
    front: Data<Front>,
    administrator: Administrator,
    name: Path<String>,
    body: Body,
) -> Result<Json<wire::ShownScimToken>, Reply> {
    let wire::RotateScimToken { overlap_hours } = body.json()?;
    let made = deed(&front, move |app| app.rotate_scim_token(&administrator.0, &name, overlap_hours)).await?;
    Ok(Json(made.into()))
}

/// Changes how a sender is treated, from its next request on. What is not mentioned stays.
#[utoipa::path(patch, path = "/api/v1/admin/scim_tokens/{name}", tag = "desk", params(("name" = String, Path)),
    request_body = wire::ScimHabits, responses(
    (status = 200, description = "The sender as it is now", body = wire::ScimToken),
    (status = 400, description = "It stands in the settings' file", body = Problem),
    (status = 404, description = "No such sender, or the asker is no administrator", body = Problem)))]
pub async fn change_scim_token(
    front: Data<Front>,
    administrator: Administrator,
    name: Path<String>,
    body: Body,
) -> Result<Json<wire::ScimToken>, Reply> {
    let habits: wire::ScimHabits = body.json()?;
    let changed = deed(&front, move |app| app.change_scim_token(&administrator.0, &name, habits.into())).await?;
    Ok(Json(wire::ScimToken::from(&changed)))
}

/// Ends a sender's tokens: its next request is refused.
#[utoipa::path(delete, path = "/api/v1/admin/scim_tokens/{name}", tag = "desk", params(("name" = String, Path)), responses(
    (status = 204, description = "It is so"),
    (status = 400, description = "It stands in the settings' file", body = Problem),
    (status = 404, description = "No such sender, or the asker is no administrator", body = Problem)))]
pub async fn revoke_scim_token(
    front: Data<Front>,
    administrator: Administrator,
    name: Path<String>,
) -> Result<HttpResponse, Reply> {
    deed(&front, move |app| app.revoke_scim_token(&administrator.0, &name)).await?;
    Ok(HttpResponse::new(StatusCode::NO_CONTENT))
}
