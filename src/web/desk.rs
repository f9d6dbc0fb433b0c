//! The administrator's desk. For anybody else these routes are not there.

use actix_web::HttpResponse;
use actix_web::web::{Data, Json, Path, Query};

use super::body::Body;
use super::front::{Front, deed};
use super::guard::{Administrator, Support};
use super::reply::{Problem, Reply};
use super::wire;
use crate::app::Removal;
use crate::clock::Moment;
use crate::corpus::DocumentId;
use crate::names::SourceId;

/// Health and counts; no content, no conversation.
#[utoipa::path(get, path = "/api/v1/admin/overview", tag = "desk", responses(
    (status = 200, description = "Health and counts", body = wire::Overview),
    (status = 404, description = "The asker is neither administrator nor support", body = Problem)))]
pub async fn overview(front: Data<Front>, support: Support) -> Result<Json<wire::Overview>, Reply> {
    let overview = deed(&front, move |app| app.overview(&support.0)).await?;
    Ok(Json(wire::Overview::from(&overview)))
}

/// The sources and their runs.
#[utoipa::path(get, path = "/api/v1/admin/sources", tag = "desk", responses(
    (status = 200, description = "The sources", body = wire::Sources),
    (status = 404, description = "The asker is neither administrator nor support", body = Problem)))]
pub async fn sources(front: Data<Front>, support: Support) -> Result<Json<wire::Sources>, Reply> {
    let sources = deed(&front, move |app| app.sources(&support.0)).await?;
    Ok(Json(wire::Sources { sources: sources.iter().map(wire::SourceState::from).collect() }))
}

/// Begins a run in the background. Without a body it reads what changed.
#[utoipa::path(post, path = "/api/v1/admin/sources/{name}/sync", tag = "desk", params(("name" = String, Path)),
    request_body = Option<wire::Sync>, responses((status = 202, description = "It runs"),
    (status = 404, description = "No such source, or the asker is no administrator", body = Problem),
    (status = 409, description = "One is running", body = Problem)))]
pub async fn sync(
    front: Data<Front>,
    administrator: Administrator,
    name: Path<String>,
    body: Body,
) -> Result<HttpResponse, Reply> {
    let source = SourceId::parse(&name).ok_or_else(Reply::not_there)?;
    let sync = if body.is_empty() { wire::Sync::default() } else { body.json()? };
    let removal = if sync.allow_removal { Removal::Allowed } else { Removal::Guarded };
    let begun = deed(&front, move |app| app.refresh(&administrator.0, &source, sync.mode.into(), removal)).await;
    match begun {
        Ok(()) => Ok(HttpResponse::Accepted().finish()),
        Err(reply) if reply.is_busy() => Err(Reply::at_work("a sync of this source is running; wait for its end")),
        Err(reply) => Err(reply),
    }
}

/// Why a person, or two beside each other, may or may not read a document: ids, names of accounts and groups, keys of spaces;
/// no title, no words. Each look is put on record.
#[utoipa::path(get, path = "/api/v1/admin/access", tag = "desk", params(wire::Explain), responses(
    (status = 200, description = "The explanation, also where the person or the document is unknown", body = wire::Access),
    (status = 400, description = "What does not fit", body = Problem),
    (status = 404, description = "The asker is no administrator", body = Problem)))]
pub async fn explain(
    front: Data<Front>,
    administrator: Administrator,
    asked: Query<wire::Explain>,
) -> Result<Json<wire::Access>, Reply> {
    let wire::Explain { user, other, document, at } = asked.into_inner();
    let read = |at: String| {
        Moment::parse(&at).ok_or_else(|| Reply::unreadable("at is a moment like 2026-11-27T09:00:00Z (RFC 3339)"))
    };
    let at = at.filter(|at| !at.is_empty()).map(read).transpose()?;
    let document = DocumentId::parse(&document).ok_or_else(|| Reply::unreadable("document is an id like wiki:1234"))?;
    let people: Vec<String> = [user].into_iter().chain(other).collect();
    let access = deed(&front, move |app| app.explain(&administrator.0, &people, &document, at)).await?;
    Ok(Json(wire::Access::of(&access, wire::Told::Whole)))
}
