//! People, groups, aliases and conflicts on the desk. For anybody but an administrator, or who keeps the directory, these routes are not there.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, Path};

use super::asked::Asked;
use super::body::Body;
use super::front::{Front, deed};
use super::guard::Registrar;
use super::reply::{Problem, Reply};
use super::wire;
use crate::names::{AccountId, SourceId, UserId};

/// Everybody who was provisioned, by user name: what they are and hold, no right to read.
#[utoipa::path(get, path = "/api/v1/admin/users", tag = "desk", params(wire::Part), responses(
    (status = 200, description = "A part of the list", body = wire::Users),
    (status = 404, description = "The asker may not", body = Problem)))]
pub async fn users(
    front: Data<Front>,
    registrar: Registrar,
    part: Asked<wire::Part>,
) -> Result<Json<wire::Users>, Reply> {
    let part = part.read()?;
    let found = deed(&front, move |app| app.users(&registrar.0, &part.into())).await?;
    Ok(Json(wire::Users::from(&found)))
}

/// All provisioned groups, by name.
#[utoipa::path(get, path = "/api/v1/admin/groups", tag = "desk", params(wire::Part), responses(
    (status = 200, description = "A part of the list", body = wire::Groups),
    (status = 404, description = "The asker may not", body = Problem)))]
pub async fn groups(
    front: Data<Front>,
    registrar: Registrar,
    part: Asked<wire::Part>,
) -> Result<Json<wire::Groups>, Reply> {
    let part = part.read()?;
    let found = deed(&front, move |app| app.groups(&registrar.0, &part.into())).await?;
    Ok(Json(wire::Groups::from(&found)))
}

/// Everybody in a group, directly or through groups in it, by user name.
#[utoipa::path(get, path = "/api/v1/admin/groups/{id}/members", tag = "desk", params(("id" = String, Path), wire::Part),
    responses((status = 200, description = "A part of the list", body = wire::Members),
    (status = 404, description = "No such group, or the asker may not", body = Problem)))]
pub async fn members(
    front: Data<Front>,
    registrar: Registrar,
    id: Path<String>,
    part: Asked<wire::Part>,
) -> Result<Json<wire::Members>, Reply> {
    let part = part.read()?;
    let found = deed(&front, move |app| app.members(&registrar.0, &id, &part.into())).await?;
    Ok(Json(wire::Members::from(&found)))
}

/// The accounts of the sources, with who holds each and why.
#[utoipa::path(get, path = "/api/v1/admin/aliases", tag = "desk", params(wire::WhichAliases), responses(
    (status = 200, description = "A part of the list", body = wire::Aliases),
    (status = 404, description = "The asker may not", body = Problem)))]
pub async fn aliases(
    front: Data<Front>,
    registrar: Registrar,
    asked: Asked<wire::WhichAliases>,
) -> Result<Json<wire::Aliases>, Reply> {
    let wire::WhichAliases { source, state, query, limit, cursor } = asked.read()?;
    let read = |name: String| SourceId::parse(&name).ok_or_else(|| Reply::unreadable("source is no source's name"));
    let source = source.map(read).transpose()?;
    let part = wire::Part { query, limit, cursor };
    let found = deed(&front, move |app| app.aliases(&registrar.0, source.as_ref(), state.into(), &part.into())).await?;
    Ok(Json(wire::Aliases::from(&found)))
}

/// Gives an account to a person (`"user": ID`) or to nobody (`"user": null`). In force at the next request.
#[utoipa::path(put, path = "/api/v1/admin/aliases/{source}/{key}", tag = "desk",
    params(("source" = String, Path), ("key" = String, Path)), request_body = wire::GiveAccount, responses(
    (status = 204, description = "It is so"),
    (status = 400, description = "The person holds another account of that source by an administrator's word", body = Problem),
    (status = 404, description = "No such account or person, or the asker may not", body = Problem)))]
pub async fn give_account(
    front: Data<Front>,
    registrar: Registrar,
    place: Path<(String, String)>,
    body: Body,
) -> Result<HttpResponse, Reply> {
    let account = account(place.into_inner())?;
    let wire::GiveAccount { user } = body.json()?;
    let read = |id: String| UserId::parse(&id).ok_or_else(Reply::not_there);
    let user = user.map(read).transpose()?;
    deed(&front, move |app| app.give_account(&registrar.0, &account, user.as_ref())).await?;
    Ok(HttpResponse::new(StatusCode::NO_CONTENT))
}

/// Takes back what an administrator said of an account: what ties by itself ties again.
#[utoipa::path(delete, path = "/api/v1/admin/aliases/{source}/{key}", tag = "desk",
    params(("source" = String, Path), ("key" = String, Path)), responses(
    (status = 204, description = "It is so"),
    (status = 404, description = "Nothing was said of it, or the asker may not", body = Problem)))]
pub async fn clear_account(
    front: Data<Front>,
    registrar: Registrar,
    place: Path<(String, String)>,
) -> Result<HttpResponse, Reply> {
    let account = account(place.into_inner())?;
    deed(&front, move |app| app.clear_account(&registrar.0, &account)).await?;
    Ok(HttpResponse::new(StatusCode::NO_CONTENT))
}

/// What ties nobody because it could be two people's, and accounts that were given and are gone.
#[utoipa::path(get, path = "/api/v1/admin/conflicts", tag = "desk", responses(
    (status = 200, description = "All of them", body = wire::Conflicts),
    (status = 404, description = "The asker may not", body = Problem)))]
pub async fn conflicts(front: Data<Front>, registrar: Registrar) -> Result<Json<wire::Conflicts>, Reply> {
    let found = deed(&front, move |app| app.conflicts(&registrar.0)).await?;
    Ok(Json(wire::Conflicts::from(&found[..])))
}

fn account((source, key): (String, String)) -> Result<AccountId, Reply> {
    let source = SourceId::parse(&source).ok_or_else(Reply::not_there)?;
    Ok(AccountId { source, key: key.into() })
}
