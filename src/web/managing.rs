//! What is done with people and their sessions on the desk, and which part of the desk is whose.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, Path};

use super::asked::Asked;
use super::body::Body;
use super::front::{Front, deed};
use super::guard::{DeskKeeper, Registrar};
use super::reply::{Problem, Reply};
use super::wire;
use crate::names::UserId;
use crate::session::SessionId;

/// Who is at the desk, and what is theirs there.
#[utoipa::path(get, path = "/api/v1/admin/standing", tag = "desk", responses(
    (status = 200, description = "Their roles", body = wire::Standing),
    (status = 404, description = "The asker has no role", body = Problem)))]
pub async fn standing(asker: DeskKeeper) -> Json<wire::Standing> {
    Json(wire::Standing::from(&asker.0))
}

/// Switches a person off, or on again. In force when it is answered: their sessions have ended and what they were being
/// answered has stopped. Their provider may bring them back.
#[utoipa::path(patch, path = "/api/v1/admin/users/{id}", tag = "desk", params(("id" = String, Path)),
    request_body = wire::ChangeUser, responses((status = 204, description = "It is so"),
    (status = 400, description = "The asker themselves, or an administrator and the asker is none", body = Problem),
    (status = 404, description = "No such person, or the asker may not", body = Problem)))]
pub async fn change_user(
    front: Data<Front>,
    asker: Registrar,
    id: Path<String>,
    body: Body,
) -> Result<HttpResponse, Reply> {
    let user = user(&id)?;
    let wire::ChangeUser { active } = body.json()?;
    deed(&front, move |app| app.set_active(&asker.0, &user, active)).await?;
    Ok(HttpResponse::new(StatusCode::NO_CONTENT))
}

/// Removes a person and destroys the keys of their conversations. Their provider may bring somebody of the same name, who is
/// then somebody else.
#[utoipa::path(delete, path = "/api/v1/admin/users/{id}", tag = "desk", params(("id" = String, Path)), responses(
    (status = 204, description = "It is so"),
    (status = 400, description = "The asker themselves, or an administrator and the asker is none", body = Problem),
    (status = 404, description = "No such person, or the asker may not", body = Problem)))]
pub async fn remove_user(front: Data<Front>, asker: Registrar, id: Path<String>) -> Result<HttpResponse, Reply> {
    let user = user(&id)?;
    deed(&front, move |app| app.remove_person(&asker.0, &user)).await?;
    Ok(HttpResponse::new(StatusCode::NO_CONTENT))
}

/// Takes a person out of a group that lists them. Their provider may put them back.
#[utoipa::path(delete, path = "/api/v1/admin/groups/{id}/members/{user}", tag = "desk",
    params(("id" = String, Path), ("user" = String, Path)), responses((status = 204, description = "It is so"),
    (status = 400, description = "The asker themselves, or an administrator and the asker is none", body = Problem),
    (status = 404, description = "No such group or member, or the asker may not", body = Problem)))]
pub async fn remove_member(
    front: Data<Front>,
    asker: Registrar,
    place: Path<(String, String)>,
) -> Result<HttpResponse, Reply> {
    let (group, member) = place.into_inner();
    let member = user(&member)?;
    deed(&front, move |app| app.take_out_of_group(&asker.0, &group, &member)).await?;
    Ok(HttpResponse::new(StatusCode::NO_CONTENT))
}

/// Who is signed in, the last seen first.
#[utoipa::path(get, path = "/api/v1/admin/sessions", tag = "desk", params(wire::Part), responses(
    (status = 200, description = "A part of the list", body = wire::Sessions),
    (status = 404, description = "The asker may not", body = Problem)))]
pub async fn sessions(
    front: Data<Front>,
    asker: Registrar,
    part: Asked<wire::Part>,
) -> Result<Json<wire::Sessions>, Reply> {
    let part = part.read()?;
    let found = deed(&front, move |app| app.visits(&asker.0, &part.into())).await?;
    Ok(Json(wire::Sessions::from(&found)))
}

/// Ends one session.
#[utoipa::path(delete, path = "/api/v1/admin/sessions/{id}", tag = "desk", params(("id" = String, Path)), responses(
    (status = 204, description = "It has ended"),
    (status = 400, description = "An administrator's, and the asker is none", body = Problem),
    (status = 404, description = "No such session, or the asker may not", body = Problem)))]
pub async fn end_session(front: Data<Front>, asker: Registrar, id: Path<String>) -> Result<HttpResponse, Reply> {
    let id = SessionId::parse(&id).ok_or_else(Reply::not_there)?;
    deed(&front, move |app| app.end_visit(&asker.0, &id)).await?;
    Ok(HttpResponse::new(StatusCode::NO_CONTENT))
}

/// Ends every session of a person.
#[utoipa::path(delete, path = "/api/v1/admin/users/{id}/sessions", tag = "desk", params(("id" = String, Path)), responses(
    (status = 204, description = "They have ended"),
    (status = 400, description = "An administrator's, and the asker is none", body = Problem),
    (status = 404, description = "No such person, or the asker may not", body = Problem)))]
pub async fn end_sessions_of(front: Data<Front>, asker: Registrar, id: Path<String>) -> Result<HttpResponse, Reply> {
    let user = user(&id)?;
    deed(&front, move |app| app.end_visits_of(&asker.0, &user)).await?;
    Ok(HttpResponse::new(StatusCode::NO_CONTENT))
}

fn user(id: &str) -> Result<UserId, Reply> {
    UserId::parse(id).ok_or_else(Reply::not_there)
}
