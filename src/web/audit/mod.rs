//! The auditor's desk over HTTP: what happened, proofs, exports, reports; and what of it is an administrator's. For anybody
//! else these routes are not there.

mod csv;
mod ocsf;
mod taken;

use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, HttpResponse};

use super::asked::Asked;
use super::body::Body;
use super::front::{Front, deed};
use super::guard::{Administrator, Auditor, AuditorOrAdministrator};
use super::reply::{Problem, Reply};
use super::wire;
use crate::app::Sought;
use crate::audit::{EVENTS, Filter, SavedFilter};
use crate::clock::Moment;
use crate::corpus::DocumentId;
use crate::names::UserId;

/// What happened, the newest first. Whose a leaf is stands in it only for auditors who may be told names. Each look is a leaf.
#[utoipa::path(get, path = "/api/v1/admin/audit", tag = "audit", params(wire::AuditQuery), responses(
    (status = 200, description = "A part of what fits", body = wire::AuditLeaves),
    (status = 400, description = "What does not fit, or a person was asked for by who may not be told names", body = Problem),
    (status = 404, description = "The asker is no auditor", body = Problem)))]
pub async fn audit_search(
    front: Data<Front>,
    auditor: Auditor,
    asked: Asked<wire::AuditQuery>,
) -> Result<Json<wire::AuditLeaves>, Reply> {
    let sought = sought(asked.read()?)?;
    let found = deed(&front, move |app| app.audit_search(&auditor.0, &sought)).await?;
    Ok(Json(wire::AuditLeaves::from(&found)))
}

/// One leaf, with the proof that it is in the log.
#[utoipa::path(get, path = "/api/v1/admin/audit/leaves/{index}", tag = "audit", params(("index" = u64, Path)), responses(
    (status = 200, description = "The leaf and its proof", body = wire::ProvenLeaf),
    (status = 404, description = "No such leaf, or the asker is no auditor", body = Problem)))]
pub async fn audit_leaf(
    front: Data<Front>,
    auditor: Auditor,
    index: Path<String>,
) -> Result<Json<wire::ProvenLeaf>, Reply> {
    let index = number(&index).ok_or_else(Reply::not_there)?;
    let (leaf, proof, key) = deed(&front, move |app| {
        let (leaf, proof) = app.audit_leaf(&auditor.0, index)?;
        Ok((leaf, proof, app.audit_key()))
    })
    .await?;
    Ok(Json(wire::ProvenLeaf::of(&leaf, &proof, key)))
}

/// A proof as text: with `leaf`, that this leaf is in the log (c2sp.org/tlog-proof, the leaf as its extra data); with `old`, that
/// the log begins with its first `old` leaves as they were (in the form of c2sp.org/tlog-witness).
#[utoipa::path(get, path = "/api/v1/admin/proofs", tag = "audit", params(wire::WhichProof), responses(
    (status = 200, description = "The proof", content_type = "text/plain", body = String),
    (status = 400, description = "Neither or both were given, or there are not so many leaves", body = Problem),
    (status = 404, description = "The asker is no auditor", body = Problem)))]
pub async fn proof(
    front: Data<Front>,
    auditor: Auditor,
    which: Asked<wire::WhichProof>,
) -> Result<HttpResponse, Reply> {
    let which = which.read()?;
    let text = match (which.leaf, which.old) {
        (Some(leaf), None) => {
            let (line, proof) = deed(&front, move |app| app.audit_proof(&auditor.0, leaf)).await?;
            proof.text(&line)
        }
        (None, Some(old)) => deed(&front, move |app| app.audit_extension(&auditor.0, old)).await?.text(),
        (None, None) | (Some(_), Some(_)) => return Err(Reply::unreadable("give leaf=INDEX or old=SIZE")),
    };
    Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(text))
}

/// Reads every leaf from the disk again and checks it against a checkpoint.
#[utoipa::path(post, path = "/api/v1/admin/audit/verify", tag = "audit", responses(
    (status = 200, description = "What was found", body = wire::Verified),
    (status = 404, description = "The asker is no auditor", body = Problem)))]
pub async fn audit_verify(front: Data<Front>, auditor: Auditor) -> Result<Json<wire::Verified>, Reply> {
    let found = deed(&front, move |app| app.audit_check(&auditor.0)).await?;
    Ok(Json(wire::Verified::from(&found)))
}

/// The last checkpoint, signed anew where something came after it, and what of the log is held outside.
#[utoipa::path(get, path = "/api/v1/admin/checkpoints", tag = "audit", responses(
    (status = 200, description = "The checkpoint and the places outside", body = wire::Checkpoints),
    (status = 404, description = "The asker is neither auditor nor administrator", body = Problem)))]
pub async fn checkpoints(front: Data<Front>, who: AuditorOrAdministrator) -> Result<Json<wire::Checkpoints>, Reply> {
    let roles = who.0.roles().to_vec();
    let (head, key, outside) =
        deed(&front, move |app| Ok((app.audit_head(&who.0)?, app.audit_key(), app.outside()?))).await?;
    Ok(Json(wire::Checkpoints::of(&head, key, &outside, &roles)))
}

/// Sends a fresh checkpoint, and the list of destroyed keys, to every place that the settings name.
#[utoipa::path(post, path = "/api/v1/admin/checkpoints", tag = "audit", responses(
    (status = 200, description = "How the places stand now; a place that did not take it says why", body = wire::Outside),
    (status = 400, description = "The settings name no place", body = Problem),
    (status = 404, description = "The asker is no administrator", body = Problem),
    (status = 409, description = "One is being sent", body = Problem)))]
pub async fn send_checkpoint(front: Data<Front>, administrator: Administrator) -> Result<Json<wire::Outside>, Reply> {
    let sent = deed(&front, move |app| app.send_checkpoint(&administrator.0)).await;
    let busy = |reply: Reply| {
        if reply.is_busy() { Reply::at_work("a checkpoint is being sent; wait for its end") } else { reply }
    };
    Ok(Json(wire::Outside::from(&sent.map_err(busy)?)))
}

/// The leaves as a file: `jsonl` (of all, with nothing to narrow by: the export that verifies offline), `csv`, `ocsf` (OCSF 1.5, a
/// line each), or `values` (what opens the commitments; for auditors who may be told names).
#[utoipa::path(get, path = "/api/v1/admin/audit/export", tag = "audit", params(wire::AuditExport), responses(
    (status = 200, description = "The file", content((String = "application/jsonl"), (String = "text/csv"))),
    (status = 400, description = "What does not fit", body = Problem),
    (status = 404, description = "The asker is no auditor", body = Problem)))]
pub async fn audit_export(
    front: Data<Front>,
    auditor: Auditor,
    request: HttpRequest,
    asked: Asked<wire::AuditExport>,
) -> Result<HttpResponse, Reply> {
    let (format, query) = asked.read()?.parts();
    let whole = query.is_empty();
    let sought = sought(query)?;
    let (taking, origin) = match format {
        wire::TakenForm::Values => {
            deed(&front, move |app| app.begin_taking_values(&auditor.0)).await?;
            (None, String::new())
        }
        form @ (wire::TakenForm::Jsonl | wire::TakenForm::Csv | wire::TakenForm::Ocsf) => {
            let begun = deed(&front, move |app| {
                Ok((app.begin_taking(&auditor.0, form.word(), &sought)?, app.audit_origin().to_owned()))
            });
            let (taking, origin) = begun.await?;
            (Some(taking), origin)
        }
    };
    let (media, name) = match format {
        wire::TakenForm::Jsonl => ("application/jsonl", "audit.jsonl"),
        wire::TakenForm::Csv => ("text/csv; charset=utf-8; header=present", "audit.csv"),
        wire::TakenForm::Ocsf => ("application/jsonl", "audit.ocsf.jsonl"),
        wire::TakenForm::Values => ("application/jsonl", "audit.values.jsonl"),
    };
    let body = taken::stream(&front, &request, move |app, out| match (format, &taking) {
        (wire::TakenForm::Jsonl, _) if whole => {
            app.export_audit(out).map(|_| ()).map_err(|error| taken::failed(&error))
        }
        (wire::TakenForm::Csv, Some(taking)) => {
            out.write_all(csv::HEAD.as_bytes())?;
            Ok(app.take(taking, &mut |leaf| Ok(out.write_all(csv::row(leaf).as_bytes())?))?)
        }
        (wire::TakenForm::Ocsf, Some(taking)) => {
            Ok(app.take(taking, &mut |leaf| Ok(writeln!(out, "{}", ocsf::event(leaf, &origin))?))?)
        }
        (wire::TakenForm::Jsonl, Some(taking)) => {
            Ok(app.take(taking, &mut |leaf| Ok(writeln!(out, "{}", leaf.leaf.line)?))?)
        }
        (_, None) => Ok(app.take_values(out)?),
        (wire::TakenForm::Values, Some(_)) => Ok(()),
    });
    let disposition = format!("attachment; filename=\"{name}\"");
    Ok(HttpResponse::Ok().content_type(media).insert_header((CONTENT_DISPOSITION, disposition)).streaming(body))
}

/// To whom something of a document was shown: questions that it was found for, answers that cite it, searches, openings,
/// recalls, and looks of administrators; the newest first.
#[utoipa::path(get, path = "/api/v1/admin/audit/documents/{id}", tag = "audit",
    params(("id" = String, Path), wire::ReportPart), responses(
    (status = 200, description = "A part of the report", body = wire::AuditLeaves),
    (status = 400, description = "It is no id of a document", body = Problem),
    (status = 404, description = "The asker is no auditor", body = Problem)))]
pub async fn shown_document(
    front: Data<Front>,
    auditor: Auditor,
    id: Path<String>,
    part: Asked<wire::ReportPart>,
) -> Result<Json<wire::AuditLeaves>, Reply> {
    let part = part.read()?;
    let document = DocumentId::parse(&id).ok_or_else(|| Reply::unreadable("a document is an id like wiki:1234"))?;
    let sought = report(part)?;
    let found = deed(&front, move |app| app.shown_document(&auditor.0, &document, &sought)).await?;
    Ok(Json(wire::AuditLeaves::from(&found)))
}

/// What a person (a user name, or our id) was shown, the newest first; for auditors who may be told names.
#[utoipa::path(get, path = "/api/v1/admin/audit/people/{person}", tag = "audit",
    params(("person" = String, Path), wire::ReportPart), responses(
    (status = 200, description = "A part of the report", body = wire::AuditLeaves),
    (status = 400, description = "Nobody has this name, or the asker may not be told names", body = Problem),
    (status = 404, description = "The asker is no auditor", body = Problem)))]
pub async fn shown_person(
    front: Data<Front>,
    auditor: Auditor,
    person: Path<String>,
    part: Asked<wire::ReportPart>,
) -> Result<Json<wire::AuditLeaves>, Reply> {
    let sought = report(part.read()?)?;
    let found = deed(&front, move |app| app.shown_person(&auditor.0, &person, &sought)).await?;
    Ok(Json(wire::AuditLeaves::from(&found)))
}

/// The asker's own filters, and the names of all events.
#[utoipa::path(get, path = "/api/v1/admin/audit/filters", tag = "audit", responses(
    (status = 200, description = "All of them", body = wire::AuditFilters),
    (status = 404, description = "The asker is no auditor", body = Problem)))]
pub async fn audit_filters(front: Data<Front>, auditor: Auditor) -> Result<Json<wire::AuditFilters>, Reply> {
    let (filters, names) =
        deed(&front, move |app| Ok((app.audit_filters(&auditor.0)?, app.may_name(&auditor.0)?))).await?;
    let filters = filters.into_iter().map(|SavedFilter { name, query }| wire::AuditFilter { name, query }).collect();
    Ok(Json(wire::AuditFilters { filters, events: EVENTS, names }))
}

/// Keeps a filter under a name of the asker's own.
#[utoipa::path(put, path = "/api/v1/admin/audit/filters/{name}", tag = "audit", params(("name" = String, Path)),
    request_body = wire::KeepFilter, responses((status = 204, description = "It is kept"),
    (status = 400, description = "What does not fit", body = Problem),
    (status = 404, description = "The asker is no auditor", body = Problem)))]
pub async fn keep_audit_filter(
    front: Data<Front>,
    auditor: Auditor,
    name: Path<String>,
    body: Body,
) -> Result<HttpResponse, Reply> {
    let wire::KeepFilter { query } = body.json()?;
    let filter = SavedFilter { name: name.into_inner(), query };
    deed(&front, move |app| app.keep_audit_filter(&auditor.0, &filter)).await?;
    Ok(HttpResponse::new(StatusCode::NO_CONTENT))
}

/// Drops one of the asker's filters.
#[utoipa::path(delete, path = "/api/v1/admin/audit/filters/{name}", tag = "audit", params(("name" = String, Path)), responses(
    (status = 204, description = "It is gone"),
    (status = 404, description = "There is none of this name, or the asker is no auditor", body = Problem)))]
pub async fn drop_audit_filter(
    front: Data<Front>,
    auditor: Auditor,
    name: Path<String>,
) -> Result<HttpResponse, Reply> {
    deed(&front, move |app| app.drop_audit_filter(&auditor.0, &name)).await?;
    Ok(HttpResponse::new(StatusCode::NO_CONTENT))
}

/// Everybody who is gone and still stands in the log.
#[utoipa::path(get, path = "/api/v1/admin/audit/erasures", tag = "audit", responses(
    (status = 200, description = "All of them", body = wire::Erasures),
    (status = 404, description = "The asker is no administrator", body = Problem)))]
pub async fn erasures(front: Data<Front>, administrator: Administrator) -> Result<Json<wire::Erasures>, Reply> {
    let gone = deed(&front, move |app| app.gone(&administrator.0)).await?;
    Ok(Json(wire::Erasures::from(&gone[..])))
}

/// Destroys the salts of a person who is gone: their leaves stay and stay provable, and nobody can tell whose they were.
#[utoipa::path(post, path = "/api/v1/admin/audit/erasures", tag = "audit", request_body = wire::Erase, responses(
    (status = 204, description = "It is done, and cannot be undone"),
    (status = 400, description = "They are not gone", body = Problem),
    (status = 404, description = "Nobody of this id stands in the log, or the asker is no administrator", body = Problem)))]
pub async fn erase(front: Data<Front>, administrator: Administrator, body: Body) -> Result<HttpResponse, Reply> {
    let wire::Erase { user } = body.json()?;
    let user = UserId::parse(&user).ok_or_else(Reply::not_there)?;
    deed(&front, move |app| app.erase_person(&administrator.0, &user)).await?;
    Ok(HttpResponse::new(StatusCode::NO_CONTENT))
}

fn sought(asked: wire::AuditQuery) -> Result<Sought, Reply> {
    let wire::AuditQuery { event, actor, person, object, from, until, limit, cursor } = asked;
    let events: Vec<String> =
        event.split(',').map(str::trim).filter(|event| !event.is_empty()).map(str::to_owned).collect();
    let is_word = |event: &String| event.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    if let Some(unknown) = events.iter().find(|event| !is_word(event)) {
        return Err(Reply::unreadable(format!("{unknown:?} is no event; there are: {}", EVENTS.join(", "))));
    }
    let filter = Filter {
        events,
        object: object.trim().to_owned(),
        from: moment("from", &from)?,
        until: moment("until", &until)?,
        ..Filter::default()
    };
    Ok(Sought { filter, actor, person, before: cursor_of(cursor)?, limit })
}

fn report(part: wire::ReportPart) -> Result<Sought, Reply> {
    let wire::ReportPart { from, until, limit, cursor } = part;
    let filter = Filter { from: moment("from", &from)?, until: moment("until", &until)?, ..Filter::default() };
    Ok(Sought { filter, before: cursor_of(cursor)?, limit, ..Sought::default() })
}

fn moment(what: &str, text: &str) -> Result<Option<Moment>, Reply> {
    let read = |text: &str| {
        let wrong = || Reply::unreadable(format!("{what} is a moment like 2026-11-27T09:00:00Z (RFC 3339)"));
        Moment::parse(text).ok_or_else(wrong)
    };
    Some(text.trim()).filter(|text| !text.is_empty()).map(read).transpose()
}

fn cursor_of(cursor: Option<String>) -> Result<Option<u64>, Reply> {
    let read = |text: String| number(&text).ok_or_else(|| Reply::unreadable("cursor is none that this list gave"));
    cursor.map(read).transpose()
}

/// A leaf's number as it is written: digits alone.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}
