//! Applications on the desk, and who is assigned. For anybody but who keeps the directory these routes are not there.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, Path};

use super::asked::Asked;
use super::body::Body;
use super::front::{Front, deed};
use super::guard::Registrar;
use super::pages::page;
use super::reply::{Problem, Reply};
use super::wire;
use crate::names::ApplicationId;

/// Where the administrator sees all applications, and makes another.
#[utoipa::path(get, path = "/admin/applications", tag = "pages", responses((status = 200, description = "The page", content_type = "text/html"),
    (status = 404, description = "The asker may not")))]
pub async fn applications_page(front: Data<Front>, _: Registrar) -> Result<HttpResponse, Reply> {
    page(&front, "applications.html")
}

/// One application on the desk. Which it is the page reads from its own address.
#[utoipa::path(get, path = "/admin/applications/{id}", tag = "pages", params(("id" = String, Path)),
    responses((status = 200, description = "The page", content_type = "text/html"),
    (status = 404, description = "The asker may not")))]
pub async fn application_page(front: Data<Front>, _: Registrar) -> Result<HttpResponse, Reply> {
    page(&front, "application.html")
}

/// All applications: what each is called, and how many may use it.
#[utoipa::path(get, path = "/api/v1/admin/applications", tag = "desk", responses(
    (status = 200, description = "All of them", body = wire::Applications),
    (status = 404, description = "The asker may not", body = Problem)))]
pub async fn applications(front: Data<Front>, registrar: Registrar) -> Result<Json<wire::Applications>, Reply> {
    let found = deed(&front, move |app| app.applications(&registrar.0)).await?;
    Ok(Json(wire::Applications { applications: found.iter().map(wire::ApplicationRow::from).collect() }))
}

/// Makes an application, which is nobody's yet.
#[utoipa::path(post, path = "/api/v1/admin/applications", tag = "desk", request_body = wire::MakeApplication, responses(
    (status = 201, description = "It is there", body = wire::ApplicationDetail),
    (status = 400, description = "What does not fit, or an id that is or was another's", body = Problem),
    (status = 404, description = "The asker may not", body = Problem)))]
pub async fn make_application(front: Data<Front>, registrar: Registrar, body: Body) -> Result<HttpResponse, Reply> {
    let (id, change) = body.json::<wire::MakeApplication>()?.read()?;
    let made = deed(&front, move |app| app.make_application(&registrar.0, id, &change)).await?;
    Ok(HttpResponse::build(StatusCode::CREATED).json(wire::ApplicationDetail::from(&made)))
}

/// One application with all its settings, where each comes from, and who is assigned.
#[utoipa::path(get, path = "/api/v1/admin/applications/{id}", tag = "desk", params(("id" = String, Path)), responses(
    (status = 200, description = "The application", body = wire::ApplicationDetail),
    (status = 404, description = "No such application, or the asker may not", body = Problem)))]
pub async fn application(
    front: Data<Front>,
    registrar: Registrar,
    id: Path<String>,
) -> Result<Json<wire::ApplicationDetail>, Reply> {
    let id = id_of(&id)?;
    let found = deed(&front, move |app| app.application(&registrar.0, &id)).await?;
    Ok(Json(wire::ApplicationDetail::from(&found)))
}

/// Changes some settings of an application, in force at the next request.
#[utoipa::path(patch, path = "/api/v1/admin/applications/{id}", tag = "desk", params(("id" = String, Path)),
    request_body = wire::ChangeApplication, responses(
    (status = 200, description = "As it is now", body = wire::ApplicationDetail),
    (status = 400, description = "What does not fit, or what stands in the settings file", body = Problem),
    (status = 404, description = "No such application, or the asker may not", body = Problem)))]
pub async fn change_application(
    front: Data<Front>,
    registrar: Registrar,
    id: Path<String>,
    body: Body,
) -> Result<Json<wire::ApplicationDetail>, Reply> {
    let id = id_of(&id)?;
    let change = body.json::<wire::ChangeApplication>()?.read()?;
    let changed = deed(&front, move |app| app.change_application(&registrar.0, &id, &change)).await?;
    Ok(Json(wire::ApplicationDetail::from(&changed)))
}

/// Deletes an application with its settings, its assignments and the keys of its conversations.
#[utoipa::path(delete, path = "/api/v1/admin/applications/{id}", tag = "desk", params(("id" = String, Path)), responses(
    (status = 200, description = "The receipt", body = wire::DeletedApplication),
    (status = 400, description = "It is the default one, or stands in the settings file", body = Problem),
    (status = 404, description = "No such application, or the asker may not", body = Problem)))]
pub async fn delete_application(
    front: Data<Front>,
    registrar: Registrar,
    id: Path<String>,
) -> Result<Json<wire::DeletedApplication>, Reply> {
    let id = id_of(&id)?;
    let deleted = deed(&front, move |app| app.delete_application(&registrar.0, &id)).await?;
    Ok(Json(wire::DeletedApplication::from(&deleted)))
}

/// Everybody who may use an application now, by user name.
#[utoipa::path(get, path = "/api/v1/admin/applications/{id}/members", tag = "desk",
    params(("id" = String, Path), wire::Part), responses(
    (status = 200, description = "A part of the list", body = wire::ApplicationMembers),
    (status = 404, description = "No such application, or the asker may not", body = Problem)))]
pub async fn application_members(
    front: Data<Front>,
    registrar: Registrar,
    id: Path<String>,
    part: Asked<wire::Part>,
) -> Result<Json<wire::ApplicationMembers>, Reply> {
    let part = part.read()?;
    let id = id_of(&id)?;
    let part = part.into();
    let found = deed(&front, move |app| app.application_members(&registrar.0, &id, &part)).await?;
    Ok(Json(wire::ApplicationMembers::from(&found)))
}

/// To whom an application is assigned.
#[utoipa::path(get, path = "/api/v1/admin/assignments", tag = "desk", params(wire::WhichApplication), responses(
    (status = 200, description = "All of them", body = wire::Assignments),
    (status = 404, description = "No such application, or the asker may not", body = Problem)))]
pub async fn assignments(
    front: Data<Front>,
    registrar: Registrar,
    which: Asked<wire::WhichApplication>,
) -> Result<Json<wire::Assignments>, Reply> {
    let which = which.read()?;
    let id = id_of(&which.application)?;
    let found = deed(&front, move |app| app.application(&registrar.0, &id)).await?;
    Ok(Json(wire::Assignments::from(&found)))
}

/// Assigns an application to people and groups, or takes it back from them: in force at once, with a receipt for each.
#[utoipa::path(post, path = "/api/v1/admin/assignments", tag = "desk", request_body = wire::Assign, responses(
    (status = 200, description = "What was new, each with its receipt", body = wire::Reassigned),
    (status = 400, description = "What does not fit, or what stands in the settings file", body = Problem),
    (status = 404, description = "No such application or person, or the asker may not", body = Problem)))]
pub async fn assign(front: Data<Front>, registrar: Registrar, body: Body) -> Result<Json<wire::Reassigned>, Reply> {
    let sent: wire::Assign = body.json()?;
    let (id, whom) = sent.read()?;
    let changed = deed(&front, move |app| match sent.remove {
        true => app.unassign(&registrar.0, &id, &whom),
        false => app.assign(&registrar.0, &id, &whom, sent.tier.into()),
    })
    .await?;
    Ok(Json(wire::Reassigned::from(&changed[..])))
}

/// What is no id is answered like one that nothing has.
fn id_of(id: &str) -> Result<ApplicationId, Reply> {
    ApplicationId::parse(id).ok_or_else(Reply::not_there)
}
