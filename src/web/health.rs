//! Whether it lives, whether it is ready, and what it can be asked.

use actix_web::HttpResponse;
use actix_web::web::{Data, Json};
use serde::Serialize;
use utoipa::ToSchema;

use super::front::{Front, deed};
use super::reply::{Problem, Reply};
use super::router;

/// How it is.
#[derive(Serialize, ToSchema)]
pub struct Health {
    status: &'static str,
}

/// The process answers.
#[utoipa::path(get, path = "/livez", tag = "health", responses((status = 200, description = "It lives", body = Health)))]
pub async fn livez() -> Json<Health> {
    Json(Health { status: "live" })
}

/// Questions can be answered: model loaded, index open, store writable.
#[utoipa::path(get, path = "/readyz", tag = "health", responses(
    (status = 200, description = "It is ready", body = Health),
    (status = 503, description = "What is not", body = Problem)))]
pub async fn readyz(front: Data<Front>) -> Result<Json<Health>, Reply> {
    match deed(&front, |app| Ok(app.ready())).await? {
        Ok(()) => Ok(Json(Health { status: "ready" })),
        Err(what) => Err(Reply::not_ready(what)),
    }
}

/// This document.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "health",
    responses((status = 200, description = "OpenAPI 3.1", content_type = "application/json")))]
pub async fn openapi() -> HttpResponse {
    HttpResponse::Ok().json(router::document())
}
