//! Sources on the administrator's desk: making, changing and removing one, and looking into it. For anybody else these routes are not there.

use actix_web::HttpResponse;
use actix_web::http::header::LOCATION;
use actix_web::web::{Data, Json, Path};
use serde::Deserialize;

use super::asked::Asked;
use super::body::Body;
use super::front::{Front, deed};
use super::guard::{Administrator, Support};
use super::reply::{Problem, Reply};
use super::wire;
use crate::app::Stopping;
use crate::crawl::Run;
use crate::names::SourceId;

/// Runs on a page of the list where no limit was sent, and at most: no more are kept.
const PAGE: usize = 20;

/// What a look is refused with while another is taken.
const LOOKED_INTO: &str = "this source is being looked into; wait for its end";

/// Which part of the list.
#[derive(Deserialize)]
pub struct Paging {
    limit: Option<usize>,
    cursor: Option<String>,
}

/// One source: how it stands, how far its run has come, its next runs, and its settings as they are. Never a secret.
#[utoipa::path(get, path = "/api/v1/admin/sources/{name}", tag = "desk", params(("name" = String, Path)),
    responses((status = 200, description = "The source", body = wire::SourceDetail),
    (status = 404, description = "No such source, or the asker is no administrator", body = Problem)))]
pub async fn detail(
    front: Data<Front>,
    support: Support,
    name: Path<String>,
) -> Result<Json<wire::SourceDetail>, Reply> {
    let source = named(&name)?;
    let detail = deed(&front, move |app| app.source_detail(&support.0, &source)).await?;
    Ok(Json(wire::SourceDetail::from(&detail)))
}

/// Makes a source. It is read at once, where its settings have it read by themselves.
#[utoipa::path(post, path = "/api/v1/admin/sources", tag = "desk", request_body = wire::NewSource,
    responses((status = 201, description = "It is there"),
    (status = 400, description = "What does not fit, by its key", body = Problem),
    (status = 404, description = "The asker is no administrator", body = Problem),
    (status = 409, description = "There is a source of this name, or what is left of one", body = Problem)))]
pub async fn make(front: Data<Front>, administrator: Administrator, body: Body) -> Result<HttpResponse, Reply> {
    let sent: wire::NewSource = body.json()?;
    let wrong = "name is 1 to 40 lower-case letters, digits, '-' and '_'";
    let source = SourceId::parse(&sent.name).ok_or_else(|| Reply::unreadable(wrong))?;
    let (place, draft) = (format!("/api/v1/admin/sources/{source}"), sent.draft());
    deed(&front, move |app| app.make_source(&administrator.0, &source, &draft)).await?;
    Ok(HttpResponse::Created().insert_header((LOCATION, place)).finish())
}

/// Changes settings of a source that was made on the desk. They are in force when this returns; what they take in or leave out,
/// with the next run.
#[utoipa::path(patch, path = "/api/v1/admin/sources/{name}", tag = "desk", params(("name" = String, Path)),
    request_body = wire::SourceChanges, responses((status = 204, description = "It is so"),
    (status = 400, description = "What does not fit, by its key", body = Problem),
    (status = 404, description = "No such source, or the asker is no administrator", body = Problem),
    (status = 409, description = "It is set in the settings file", body = Problem)))]
pub async fn change(
    front: Data<Front>,
    administrator: Administrator,
    name: Path<String>,
    body: Body,
) -> Result<HttpResponse, Reply> {
    let source = named(&name)?;
    let draft = body.json::<wire::SourceChanges>()?.draft();
    deed(&front, move |app| app.change_source(&administrator.0, &source, &draft)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Removes a source that was made on the desk. It answers nothing from now on, and what is kept of it goes.
#[utoipa::path(delete, path = "/api/v1/admin/sources/{name}", tag = "desk", params(("name" = String, Path)),
    responses((status = 202, description = "It answers nothing any more; its documents go"),
    (status = 404, description = "No such source, or the asker is no administrator", body = Problem),
    (status = 409, description = "It is set in the settings file", body = Problem)))]
pub async fn remove(
    front: Data<Front>,
    administrator: Administrator,
    name: Path<String>,
) -> Result<HttpResponse, Reply> {
    let source = named(&name)?;
    deed(&front, move |app| app.remove_source(&administrator.0, &source)).await?;
    Ok(HttpResponse::Accepted().finish())
}

/// The runs that are kept of a source, the newest first.
#[utoipa::path(get, path = "/api/v1/admin/sources/{name}/runs", tag = "desk",
    params(("name" = String, Path), ("limit" = Option<usize>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, description = "A page of the list", body = wire::Runs),
    (status = 404, description = "No such source, or the asker is no administrator", body = Problem)))]
pub async fn runs(
    front: Data<Front>,
    support: Support,
    name: Path<String>,
    paging: Asked<Paging>,
) -> Result<Json<wire::Runs>, Reply> {
    let paging = paging.read()?;
    let source = named(&name)?;
    let runs = deed(&front, move |app| app.source_runs(&support.0, &source)).await?;
    page(&runs, &paging).map(Json)
}

fn page(runs: &[Run], paging: &Paging) -> Result<wire::Runs, Reply> {
    let limit = paging.limit.unwrap_or(PAGE);
    if !(1..=PAGE).contains(&limit) {
        return Err(Reply::unreadable(format!("limit is a number from 1 to {PAGE}")));
    }
    // A cursor is the time at which the last one shown began, for runs from before they were counted have no number.
    let from = match &paging.cursor {
        None => 0,
        Some(cursor) => {
            let ms: i64 = cursor.parse().map_err(|_| Reply::unreadable("cursor is none that this list gave"))?;
            runs.partition_point(|run| run.began.ms() >= ms)
        }
    };
    let shown = &runs[from..runs.len().min(from + limit)];
    let has_more = from + shown.len() < runs.len();
    Ok(wire::Runs {
        runs: shown.iter().map(wire::Run::from).collect(),
        next_cursor: shown.last().filter(|_| has_more).map(|last| last.began.ms().to_string()),
    })
}

/// Stops the run at its next step. What was read until then is kept.
#[utoipa::path(post, path = "/api/v1/admin/sources/{name}/stop", tag = "desk", params(("name" = String, Path)),
    responses((status = 202, description = "It stops"), (status = 204, description = "Nothing was at work"),
    (status = 404, description = "No such source, or the asker is no administrator", body = Problem)))]
pub async fn stop(front: Data<Front>, administrator: Administrator, name: Path<String>) -> Result<HttpResponse, Reply> {
    let source = named(&name)?;
    match deed(&front, move |app| app.stop_refresh(&administrator.0, &source)).await? {
        Stopping::Asked => Ok(HttpResponse::Accepted().finish()),
        Stopping::Idle => Ok(HttpResponse::NoContent().finish()),
    }
}

/// Looks whether the source can be relied on: each right that a sync needs, and what to do where one is missing. With a body: as
/// it would be with those changes, which are not kept; the source need not be there yet.
#[utoipa::path(post, path = "/api/v1/admin/sources/{name}/check", tag = "desk", params(("name" = String, Path)),
    request_body = Option<wire::SourceChanges>,
    responses((status = 200, description = "What was found", body = wire::Check),
    (status = 404, description = "No such source, or the asker is no administrator", body = Problem),
    (status = 409, description = "It is being looked into", body = Problem)))]
pub async fn check(
    front: Data<Front>,
    administrator: Administrator,
    name: Path<String>,
    body: Body,
) -> Result<Json<wire::Check>, Reply> {
    let source = named(&name)?;
    let draft = if body.is_empty() { None } else { Some(body.json::<wire::SourceChanges>()?.draft()) };
    let found = deed(&front, move |app| app.check_source(&administrator.0, &source, draft.as_ref())).await;
    let found = found.map_err(looked_into)?;
    Ok(Json(wire::Check::from(found.as_slice())))
}

/// Counts what a source would give with its settings as they are. It lists the whole source, so it may take minutes.
#[utoipa::path(get, path = "/api/v1/admin/sources/{name}/preview", tag = "desk", params(("name" = String, Path)),
    responses((status = 200, description = "The counts", body = wire::Preview),
    (status = 404, description = "No such source, or the asker is no administrator", body = Problem),
    (status = 409, description = "It is being looked into", body = Problem)))]
pub async fn preview(
    front: Data<Front>,
    administrator: Administrator,
    name: Path<String>,
) -> Result<Json<wire::Preview>, Reply> {
    let source = named(&name)?;
    let preview = deed(&front, move |app| app.preview(&administrator.0, &source, None)).await.map_err(looked_into)?;
    Ok(Json(wire::Preview::from(&preview)))
}

/// Counts what a source would give with some changes, before they are kept. The source need not be there yet.
#[utoipa::path(post, path = "/api/v1/admin/sources/{name}/preview", tag = "desk", params(("name" = String, Path)),
    request_body = wire::SourceChanges,
    responses((status = 200, description = "The counts", body = wire::Preview),
    (status = 400, description = "What does not fit, by its key", body = Problem),
    (status = 404, description = "The asker is no administrator", body = Problem),
    (status = 409, description = "It is set in the settings file, or is being looked into", body = Problem)))]
pub async fn preview_draft(
    front: Data<Front>,
    administrator: Administrator,
    name: Path<String>,
    body: Body,
) -> Result<Json<wire::Preview>, Reply> {
    let source = named(&name)?;
    let draft = body.json::<wire::SourceChanges>()?.draft();
    let preview = deed(&front, move |app| app.preview(&administrator.0, &source, Some(&draft))).await;
    Ok(Json(wire::Preview::from(&preview.map_err(looked_into)?)))
}

/// Reads one page now, by its address or id: what is extracted of it, and who may read it. The page itself is told only to an
/// administrator who may read it by that rule; to others counts are.
#[utoipa::path(post, path = "/api/v1/admin/sources/{name}/test", tag = "desk", params(("name" = String, Path)),
    request_body = wire::TestPage,
    responses((status = 200, description = "What was read, or why nothing was", body = wire::PageTest),
    (status = 400, description = "It is no address of a page of this source", body = Problem),
    (status = 404, description = "No such source, or the asker is no administrator", body = Problem),
    (status = 409, description = "It is being looked into", body = Problem)))]
pub async fn test_page(
    front: Data<Front>,
    administrator: Administrator,
    name: Path<String>,
    body: Body,
) -> Result<Json<wire::PageTest>, Reply> {
    let source = named(&name)?;
    let sent: wire::TestPage = body.json()?;
    let tested = deed(&front, move |app| app.test_page(&administrator.0, &source, &sent.url)).await;
    Ok(Json(wire::PageTest::from(&tested.map_err(looked_into)?)))
}

fn named(name: &str) -> Result<SourceId, Reply> {
    SourceId::parse(name).ok_or_else(Reply::not_there)
}

fn looked_into(reply: Reply) -> Reply {
    if reply.is_busy() { Reply::at_work(LOOKED_INTO) } else { reply }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crawl;

    fn runs(count: i64) -> Vec<Run> {
        let run = |number: i64| -> Run {
            serde_json::from_value(serde_json::json!({
                "began": 1_000 - number, "ended": null, "mode": "full", "state": "succeeded", "phase": "done", "seen": 0,
                "added": 0, "changed": 0, "removed": 0, "reclassed": 0, "failures": []}))
            .unwrap()
        };
        (0..count).map(run).collect()
    }

    #[test]
    fn runs_page_by_the_time_they_began_and_none_is_told_twice() {
        let all = runs(5);
        let mut told = Vec::new();
        let mut cursor = None;
        loop {
            let page = page(&all, &Paging { limit: Some(2), cursor }).unwrap();
            told.extend(page.runs.iter().map(|run| run.began_at.clone()));
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }

        assert_eq!(told, all.iter().map(|run: &crawl::Run| run.began.rfc3339()).collect::<Vec<_>>());
        assert!(page(&all, &Paging { limit: Some(0), cursor: None }).is_err());
        assert!(page(&all, &Paging { limit: None, cursor: Some("x".to_owned()) }).is_err());
    }
}
