//! Where an administrator sees what a provider sent when it was tried.

use actix_web::HttpResponse;
use actix_web::web::{Data, Json, Path};

use super::front::{Front, deed};
use super::guard::Administrator;
use super::pages;
use super::reply::{Problem, Reply};
use super::wire;
use crate::names::ProviderId;

/// The page.
#[utoipa::path(get, path = "/admin/providers/{id}/test", tag = "pages", params(("id" = String, Path)), responses(
    (status = 200, description = "The page", content_type = "text/html"),
    (status = 404, description = "The asker is no administrator, or there is no such provider", body = Problem)))]
pub async fn provider_test(front: Data<Front>, asker: Administrator, id: Path<String>) -> Result<HttpResponse, Reply> {
    let provider = ProviderId::parse(&id).ok_or_else(Reply::not_there)?;
    deed(&front, move |app| app.trial(&asker.0, &provider)).await?;
    pages::page(&front, "provider.html")
}

/// What came of the asker's last trial of this provider, within ten minutes.
#[utoipa::path(get, path = "/api/v1/admin/providers/{id}/trial", tag = "desk", params(("id" = String, Path)), responses(
    (status = 200, description = "What came of it; null where nothing was tried", body = Option<wire::Trial>),
    (status = 404, description = "The asker is no administrator, or there is no such provider", body = Problem)))]
pub async fn provider_trial(
    front: Data<Front>,
    asker: Administrator,
    id: Path<String>,
) -> Result<Json<Option<wire::Trial>>, Reply> {
    let provider = ProviderId::parse(&id).ok_or_else(Reply::not_there)?;
    let trial = deed(&front, move |app| app.trial(&asker.0, &provider)).await?;
    Ok(Json(trial.as_ref().map(wire::Trial::from)))
}
