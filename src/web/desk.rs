//! The administrator's desk. For anybody else these routes are not there.

use actix_web::HttpResponse;
use actix_web::web::{Data, Json, Path};

use super::asked::Asked;
use super::body::Body;
use super::front::{Front, deed};
use super::guard::{Administrator, Support};
use super::reply::{Problem, Reply};
use super::wire;
use crate::app::{DAYS_MAX, Item, Presses, Removal, Wrong, in_order};
use crate::clock::Moment;
use crate::corpus::DocumentId;
use crate::names::SourceId;

/// Days of counts that are told where nobody asks for more.
const DAYS: usize = 28;
/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Health and counts, and what waits for somebody; no content, no conversation.
#[utoipa::path(get, path = "/api/v1/admin/overview", tag = "desk", responses(
    (status = 200, description = "Health and counts", body = wire::Overview),
    (status = 404, description = "The asker is neither administrator nor support", body = Problem)))]
pub async fn overview(front: Data<Front>, support: Support) -> Result<Json<wire::Overview>, Reply> {
    let (overview, todo) = deed(&front, move |app| app.overview(&support.0)).await?;
    let todo = with_servers_own(&front, todo, overview.at);
    Ok(Json(wire::Overview::of(&overview, &todo)))
}

/// What support is told, and may pass on: health, versions, counts and codes; neither content nor a name.
#[utoipa::path(get, path = "/api/v1/admin/support", tag = "desk", responses(
    (status = 200, description = "The bundle", body = wire::Support),
    (status = 404, description = "The asker is neither of support nor an administrator", body = Problem)))]
pub async fn support(front: Data<Front>, support: Support) -> Result<Json<wire::Support>, Reply> {
    let bundle = deed(&front, move |app| app.support(&support.0)).await?;
    let todo = with_servers_own(&front, bundle.todo.clone(), bundle.overview.at);
    Ok(Json(wire::Support::of(&bundle, &todo)))
}

/// What waits, with what the server alone knows: its certificate and its metrics.
fn with_servers_own(front: &Front, mut todo: Vec<Item>, now: Moment) -> Vec<Item> {
    let days = i64::try_from(front.app.certificate_days()).unwrap_or(i64::MAX);
    let is_near = |ends: &Moment| ends.since(now) < days.saturating_mul(DAY_MS);
    todo.extend(front.certificate_ends.filter(is_near).map(|ends| {
        let has_ended = (ends <= now).then_some(ends);
        Item::new(Presses::Now, Wrong::CertificateEnds(ends), has_ended)
    }));
    if !front.has_metrics {
        todo.push(Item::new(Presses::Someday, Wrong::MetricsOff, None));
    }
    in_order(todo)
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
    asked: Asked<wire::Explain>,
) -> Result<Json<wire::Access>, Reply> {
    let wire::Explain { user, other, document, at } = asked.read()?;
    let at = moment(at)?;
    let document = DocumentId::parse(&document).ok_or_else(|| Reply::unreadable("document is an id like wiki:1234"))?;
    let people: Vec<String> = [user].into_iter().chain(other).collect();
    let access = deed(&front, move |app| app.explain(&administrator.0, &people, &document, at)).await?;
    Ok(Json(wire::Access::of(&access, wire::Told::Whole)))
}

/// What a person, or two beside each other, may open in a space, now or as it was known at a moment: counts, ids and why; titles
/// only of what the asker may open. Each look is put on record.
#[utoipa::path(get, path = "/api/v1/admin/access/space", tag = "desk", params(wire::ExplainSpace), responses(
    (status = 200, description = "The comparison, also where the person or the space is unknown", body = wire::SpaceAccess),
    (status = 400, description = "What does not fit", body = Problem),
    (status = 404, description = "The asker is no administrator", body = Problem)))]
pub async fn compare(
    front: Data<Front>,
    administrator: Administrator,
    asked: Asked<wire::ExplainSpace>,
) -> Result<Json<wire::SpaceAccess>, Reply> {
    let wire::ExplainSpace { user, other, space, at } = asked.read()?;
    let at = moment(at)?;
    let named = space.split_once(':').filter(|(_, key)| !key.is_empty());
    let named = named.and_then(|(source, key)| Some((SourceId::parse(source)?, key.to_owned())));
    let (source, key) = named.ok_or_else(|| Reply::unreadable("space is a source and a key like wiki:HR"))?;
    let people: Vec<String> = [user].into_iter().chain(other).collect();
    let access = deed(&front, move |app| app.compare(&administrator.0, &people, &source, &key, at)).await?;
    Ok(Json(wire::SpaceAccess::from(&access)))
}

/// What would change if a group were given a space, or lost it, or a person joined a group, or left it. Nothing is changed, here
/// or in the source. Counts for each space; titles only of what the asker may open.
#[utoipa::path(get, path = "/api/v1/admin/access/what-if", tag = "desk", params(wire::WhatIf), responses(
    (status = 200, description = "What would change", body = wire::Changes),
    (status = 400, description = "What does not fit, or is not known", body = Problem),
    (status = 404, description = "The asker is no administrator", body = Problem)))]
pub async fn what_if(
    front: Data<Front>,
    administrator: Administrator,
    asked: Asked<wire::WhatIf>,
) -> Result<Json<wire::Changes>, Reply> {
    let asked = asked.read()?;
    let source = SourceId::parse(&asked.source).ok_or_else(|| Reply::unreadable("source is no source's name"))?;
    let change = asked.read().map_err(Reply::unreadable)?;
    let changed = deed(&front, move |app| app.what_if(&administrator.0, &source, &change)).await?;
    Ok(Json(wire::Changes::from(&changed)))
}

/// What is open to more people than may have been meant: pages with what looks like a secret (kinds and counts, no value), groups
/// that nobody holds, spaces open to whoever has an account.
#[utoipa::path(get, path = "/api/v1/admin/exposure", tag = "desk", responses(
    (status = 200, description = "The report", body = wire::Exposure),
    (status = 404, description = "The asker is no administrator", body = Problem)))]
pub async fn exposure(front: Data<Front>, administrator: Administrator) -> Result<Json<wire::Exposure>, Reply> {
    let report = deed(&front, move |app| app.exposure(&administrator.0)).await?;
    Ok(Json(wire::Exposure::from(&report)))
}

/// How much is asked, by day and by group: numbers, none with fewer than five people behind it, and never a question.
#[utoipa::path(get, path = "/api/v1/admin/analytics", tag = "desk", params(wire::AnalyticsAsked), responses(
    (status = 200, description = "The counts", body = wire::Analytics),
    (status = 400, description = "What does not fit", body = Problem),
    (status = 404, description = "The asker is no administrator", body = Problem)))]
pub async fn analytics(
    front: Data<Front>,
    administrator: Administrator,
    asked: Asked<wire::AnalyticsAsked>,
) -> Result<Json<wire::Analytics>, Reply> {
    let days = asked.read()?.days.unwrap_or(DAYS);
    if !(1..=DAYS_MAX).contains(&days) {
        return Err(Reply::unreadable(format!("days is a number from 1 to {DAYS_MAX}")));
    }
    let usage = deed(&front, move |app| app.usage(&administrator.0, days)).await?;
    Ok(Json(wire::Analytics::from(&usage)))
}

/// A moment that was asked for; an empty field of a form is none.
fn moment(at: Option<String>) -> Result<Option<Moment>, Reply> {
    let read = |at: String| {
        Moment::parse(&at).ok_or_else(|| Reply::unreadable("at is a moment like 2026-11-27T09:00:00Z (RFC 3339)"))
    };
    at.filter(|at| !at.is_empty()).map(read).transpose()
}
