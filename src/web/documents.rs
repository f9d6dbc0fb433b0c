//! Searching, and opening a document.

use std::time::Instant;

use actix_web::HttpResponse;
use actix_web::web::{Data, Json, Path, Query};

use super::ask::question_body;
use super::body::Body;
use super::front::{Front, deed};
use super::guard::SignedIn;
use super::narrowing::Narrowing;
use super::reply::{Problem, Reply};
use super::wire;
use crate::answer::Question;
use crate::corpus::DocumentId;

/// Results where no limit was sent.
const RESULTS: usize = 10;
/// Results at most.
const RESULTS_MAX: usize = 50;

/// Finds passages that the asker may read.
#[utoipa::path(post, path = "/api/v1/search", tag = "answers", request_body = wire::Search, responses(
    (status = 200, description = "Passages, best first", body = wire::SearchResults),
    (status = 400, description = "What does not fit", body = Problem)))]
pub async fn search(front: Data<Front>, asker: SignedIn, body: Body) -> Result<HttpResponse, Reply> {
    let sent: wire::Search = question_body(body)?;
    let query = Question::parse(&sent.query).map_err(|error| Reply::unreadable(error.to_string()))?;
    let limit = sent.limit.unwrap_or(RESULTS);
    if !(1..=RESULTS_MAX).contains(&limit) {
        return Err(Reply::unreadable(format!("limit is a number from 1 to {RESULTS_MAX}")));
    }
    let scope = Narrowing {
        spaces: sent.spaces,
        labels: sent.labels,
        authors: sent.authors,
        kinds: sent.kinds,
        updated_after: sent.updated_after,
        updated_before: sent.updated_before,
        created_after: sent.created_after,
        created_before: sent.created_before,
        parents: sent.parents,
        fields: sent.fields,
    }
    .scope(&|name| front.app.meanings(name))?;
    let began = Instant::now();
    let results = deed(&front, move |app| {
        let found = app.search(&asker.0, sent.application.as_deref(), &query, &scope, limit)?;
        Ok(found.iter().map(|found| wire::SearchResult::of(found, query.as_str())).collect())
    })
    .await?;
    let timing = format!("search;dur={}", began.elapsed().as_millis());
    Ok(HttpResponse::Ok().insert_header(("server-timing", timing)).json(wire::SearchResults { results }))
}

/// A document as it was indexed, with the ancestors its reader may see.
#[utoipa::path(get, path = "/api/v1/documents/{id}", tag = "answers", params(("id" = String, Path), wire::InApplication), responses(
    (status = 200, description = "The document", body = wire::Document),
    (status = 404, description = "Missing, or not to be seen: the same body", body = Problem)))]
pub async fn document(
    front: Data<Front>,
    asker: SignedIn,
    id: Path<String>,
    of: Query<wire::InApplication>,
) -> Result<Json<wire::Document>, Reply> {
    let id = DocumentId::parse(&id).ok_or_else(Reply::not_there)?;
    let document = deed(&front, move |app| {
        let (opened, ancestors) = app.document(&asker.0, of.application.as_deref(), &id)?;
        let settings = app.settings_of(&id);
        Ok(wire::Document::of(&opened, &ancestors, settings.as_deref()))
    });
    Ok(Json(document.await?))
}

/// Why the asker may read a document. Who else may is not told.
#[utoipa::path(get, path = "/api/v1/documents/{id}/access", tag = "answers", params(("id" = String, Path), wire::InApplication), responses(
    (status = 200, description = "Each condition, and how the asker meets it", body = wire::Access),
    (status = 404, description = "Missing, or not to be seen: the same body", body = Problem)))]
pub async fn access(
    front: Data<Front>,
    asker: SignedIn,
    id: Path<String>,
    of: Query<wire::InApplication>,
) -> Result<Json<wire::Access>, Reply> {
    let id = DocumentId::parse(&id).ok_or_else(Reply::not_there)?;
    let access = deed(&front, move |app| app.explain_own(&asker.0, of.application.as_deref(), &id)).await?;
    Ok(Json(wire::Access::of(&access, wire::Told::OwnWays)))
}

/// Who is signed in, and what greets them.
#[utoipa::path(get, path = "/api/v1/me", tag = "answers", params(wire::InApplication), responses(
    (status = 200, description = "The person", body = wire::Me),
    (status = 401, description = "Nobody is signed in", body = Problem)))]
pub async fn me(front: Data<Front>, asker: SignedIn, of: Query<wire::InApplication>) -> Result<Json<wire::Me>, Reply> {
    let me = deed(&front, move |app| app.me(&asker.0, of.application.as_deref())).await?;
    Ok(Json(wire::Me::from(&me)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_narrowing_is_refused_rather_than_ignored() {
        assert!(serde_json::from_str::<wire::Search>(r#"{"query":"x","space":["HR"]}"#).is_err());
    }
}
