//! The asker's own conversations. Another person's, a deleted and a missing one are all the same 404.

use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::web::{Data, Json, Path, Query};
use serde::Deserialize;

use super::body::Body;
use super::export;
use super::front::{Front, deed};
use super::guard::SignedIn;
use super::reply::{Problem, Reply};
use super::wire;
use crate::app::Turn;
use crate::history::Listed;
use crate::names::{ConversationId, MessageId};

/// Conversations on a page of the list where no limit was sent.
const PAGE: usize = 50;
/// Conversations on a page at most.
const PAGE_MAX: usize = 200;
/// Conversations found where no limit was sent.
const FOUND: usize = 20;
/// Characters of a title.
const TITLE_LETTERS_MAX: usize = 200;

/// Which part of the list.
#[derive(Deserialize)]
pub struct Paging {
    limit: Option<usize>,
    cursor: Option<String>,
}

/// In which form a conversation leaves.
#[derive(Deserialize)]
pub struct Form {
    #[serde(default)]
    format: export::Format,
}

/// The asker's conversations, the last changed first.
#[utoipa::path(get, path = "/api/v1/conversations", tag = "history",
    params(("limit" = Option<usize>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, description = "A page of the list", body = wire::ConversationList)))]
pub async fn list(
    front: Data<Front>,
    asker: SignedIn,
    paging: Query<Paging>,
) -> Result<Json<wire::ConversationList>, Reply> {
    let listed = deed(&front, move |app| app.conversations(&asker.0)).await?;
    page(&listed, &paging).map(Json)
}

fn page(listed: &[Listed], paging: &Paging) -> Result<wire::ConversationList, Reply> {
    let limit = paging.limit.unwrap_or(PAGE);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(Reply::unreadable(format!("limit is a number from 1 to {PAGE_MAX}")));
    }
    let from = match &paging.cursor {
        None => 0,
        Some(cursor) => after(listed, cursor).ok_or_else(|| Reply::unreadable("cursor is none that this list gave"))?,
    };
    let shown = &listed[from..listed.len().min(from + limit)];
    let has_more = from + shown.len() < listed.len();
    Ok(wire::ConversationList {
        conversations: shown.iter().map(wire::Listed::from).collect(),
        next_cursor: shown.last().filter(|_| has_more).map(|last| format!("{}-{}", last.changed.ms(), last.id)),
    })
}

/// The place after a cursor: `MS-ID` of the last one shown. The time is there for a list that lost that one meanwhile.
fn after(listed: &[Listed], cursor: &str) -> Option<usize> {
    let (ms, id) = cursor.rsplit_once('-')?;
    let (ms, id) = (ms.parse::<i64>().ok()?, ConversationId::parse(id)?);
    let same = listed.iter().position(|one| one.id == id && one.changed.ms() == ms);
    Some(same.map_or_else(|| listed.partition_point(|one| one.changed.ms() >= ms), |at| at + 1))
}

/// Searches one's own conversations. The words come in the body: an address stands in logs.
#[utoipa::path(post, path = "/api/v1/conversations/search", operation_id = "search_history", tag = "history", request_body = wire::HistorySearch, responses(
    (status = 200, description = "The conversations that have the words", body = wire::HistoryResults),
    (status = 400, description = "What does not fit", body = Problem),
    (status = 423, description = "The history is locked", body = Problem)))]
pub async fn search(front: Data<Front>, asker: SignedIn, body: Body) -> Result<Json<wire::HistoryResults>, Reply> {
    let sent = body.json::<wire::HistorySearch>()?;
    let limit = sent.limit.unwrap_or(FOUND);
    let found = deed(&front, move |app| app.search_history(&asker.0, &sent.query, limit)).await?;
    Ok(Json(found.into()))
}

/// One conversation, checked again against what the asker may read now.
#[utoipa::path(get, path = "/api/v1/conversations/{id}", tag = "history", params(("id" = String, Path)), responses(
    (status = 200, description = "The conversation", body = wire::Conversation),
    (status = 404, description = "Missing, deleted or another's", body = Problem)))]
pub async fn read(front: Data<Front>, asker: SignedIn, id: Path<String>) -> Result<Json<wire::Conversation>, Reply> {
    let id = conversation(&id)?;
    let recalled = deed(&front, move |app| app.recall(&asker.0, &id)).await?;
    Ok(Json(whole(&recalled)))
}

fn whole((listed, turns): &(Listed, Vec<Turn>)) -> wire::Conversation {
    wire::Conversation { listed: wire::Listed::from(listed), messages: turns.iter().map(wire::Message::from).collect() }
}

/// Gives it another title.
#[utoipa::path(patch, path = "/api/v1/conversations/{id}", tag = "history", params(("id" = String, Path)),
    request_body = wire::Rename, responses((status = 204, description = "Renamed"),
    (status = 404, description = "Missing, deleted or another's", body = Problem)))]
pub async fn rename(front: Data<Front>, asker: SignedIn, id: Path<String>, body: Body) -> Result<HttpResponse, Reply> {
    let id = conversation(&id)?;
    let title = title(&body.json::<wire::Rename>()?.title)?;
    deed(&front, move |app| app.rename(&asker.0, &id, &title)).await?;
    Ok(HttpResponse::NoContent().finish())
}

fn title(sent: &str) -> Result<String, Reply> {
    let title = sent.trim();
    if title.is_empty() || title.chars().count() > TITLE_LETTERS_MAX || title.chars().any(char::is_control) {
        return Err(Reply::unreadable(format!("a title is one line of 1 to {TITLE_LETTERS_MAX} characters")));
    }
    Ok(title.to_owned())
}

/// Deletes it; for ten seconds it can be brought back.
#[utoipa::path(delete, path = "/api/v1/conversations/{id}", tag = "history", params(("id" = String, Path)), responses(
    (status = 204, description = "Deleted"), (status = 404, description = "Missing, deleted or another's", body = Problem)))]
pub async fn delete(front: Data<Front>, asker: SignedIn, id: Path<String>) -> Result<HttpResponse, Reply> {
    let id = conversation(&id)?;
    deed(&front, move |app| app.delete(&asker.0, &id)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Deletes all of them.
#[utoipa::path(delete, path = "/api/v1/conversations", tag = "history",
    responses((status = 200, description = "How many there were", body = wire::Deleted)))]
pub async fn delete_all(front: Data<Front>, asker: SignedIn) -> Result<Json<wire::Deleted>, Reply> {
    let deleted = deed(&front, move |app| app.delete_all(&asker.0)).await?;
    Ok(Json(wire::Deleted { deleted }))
}

/// Brings a deleted one back, in time.
#[utoipa::path(post, path = "/api/v1/conversations/{id}/undo", tag = "history", params(("id" = String, Path)), responses(
    (status = 204, description = "It is back"), (status = 404, description = "Too late, or never there", body = Problem)))]
pub async fn undo(front: Data<Front>, asker: SignedIn, id: Path<String>) -> Result<HttpResponse, Reply> {
    let id = conversation(&id)?;
    deed(&front, move |app| app.undo(&asker.0, &id)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// One conversation as a file.
#[utoipa::path(get, path = "/api/v1/conversations/{id}/export", tag = "history",
    params(("id" = String, Path), ("format" = Option<String>, Query, description = "md or json")), responses(
    (status = 200, description = "Markdown, or JSON as the conversation itself",
     content((String = "text/markdown"), (wire::Conversation = "application/json"))),
    (status = 403, description = "The asker has a reader's seat", body = Problem),
    (status = 404, description = "Missing, deleted or another's", body = Problem)))]
pub async fn save(
    front: Data<Front>,
    asker: SignedIn,
    id: Path<String>,
    form: Query<Form>,
) -> Result<HttpResponse, Reply> {
    let id = conversation(&id)?;
    let conversation = whole(&deed(&front, move |app| app.export(&asker.0, &id)).await?);
    let (kind, text) = export::written(&conversation, form.format);
    // The file is named by the id: a title in a header would stand in proxies' logs.
    let name = format!(
        "attachment; filename=\"conversation-{}.{}\"",
        conversation.listed.conversation_id,
        form.format.ending()
    );
    Ok(HttpResponse::Ok().content_type(kind).insert_header((CONTENT_DISPOSITION, name)).body(text))
}

/// Keeps what the asker thinks of an answer.
#[utoipa::path(post, path = "/api/v1/messages/{id}/feedback", tag = "history", params(("id" = String, Path)),
    request_body = wire::Feedback, responses((status = 204, description = "Kept"),
    (status = 404, description = "Missing, deleted or another's", body = Problem)))]
pub async fn feedback(
    front: Data<Front>,
    asker: SignedIn,
    id: Path<String>,
    body: Body,
) -> Result<HttpResponse, Reply> {
    let message = MessageId::parse(&id).ok_or_else(Reply::not_there)?;
    let feedback = body.json::<wire::Feedback>()?.checked().map_err(Reply::unreadable)?;
    deed(&front, move |app| app.rate(&asker.0, &message, feedback)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Releases the evidence of one answer: a file with the question, the answer, the passages it was made of, the model's
/// SHA-256, and the salt that opens the log's commitments to them, for `sotto replay`.
#[utoipa::path(post, path = "/api/v1/messages/{id}/release", tag = "history", params(("id" = String, Path)), responses(
    (status = 200, description = "The evidence, JSON", content((String = "application/json"))),
    (status = 400, description = "It can no longer be released: a page was changed, or may not be opened now", body = Problem),
    (status = 404, description = "Missing, deleted or another's", body = Problem)))]
pub async fn release(front: Data<Front>, asker: SignedIn, id: Path<String>) -> Result<HttpResponse, Reply> {
    let message = MessageId::parse(&id).ok_or_else(Reply::not_there)?;
    let released = deed(&front, move |app| app.release(&asker.0, &message)).await?;
    let value = serde_json::to_value(&released).map_err(Reply::broken)?;
    let name = format!("attachment; filename=\"evidence-{message}.json\"");
    Ok(HttpResponse::Ok().insert_header((CONTENT_DISPOSITION, name)).json(value))
}

/// What is no id is answered like one that nothing has.
fn conversation(id: &str) -> Result<ConversationId, Reply> {
    ConversationId::parse(id).ok_or_else(Reply::not_there)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Moment;
    use crate::names::Ids;

    fn listed(times: &[i64]) -> Vec<Listed> {
        let ids = Ids::held();
        let one = |&ms: &i64| Listed {
            id: ConversationId::new(&ids),
            application: crate::names::ApplicationId::default(),
            title: None,
            began: Moment::from_ms(0),
            changed: Moment::from_ms(ms),
            turns: 1,
        };
        times.iter().map(one).collect()
    }

    fn paging(limit: usize, cursor: Option<String>) -> Paging {
        Paging { limit: Some(limit), cursor }
    }

    #[test]
    fn pages_follow_each_other_without_gap_or_repeat() {
        let all = listed(&[50, 40, 40, 30]);

        let first = page(&all, &paging(2, None)).unwrap();
        let second = page(&all, &paging(2, first.next_cursor.clone())).unwrap();

        let ids = |list: &wire::ConversationList| -> Vec<String> {
            list.conversations.iter().map(|one| one.conversation_id.clone()).collect()
        };
        let shown: Vec<String> = [ids(&first), ids(&second)].concat();
        assert_eq!(shown, all.iter().map(|one| one.id.to_string()).collect::<Vec<_>>());
        assert_eq!(second.next_cursor, None);
    }

    #[test]
    fn a_page_goes_on_where_the_last_one_shown_was_deleted_meanwhile() {
        let mut all = listed(&[50, 40, 30]);
        let cursor = page(&all, &paging(2, None)).unwrap().next_cursor;
        all.remove(1);

        let rest = page(&all, &paging(2, cursor)).unwrap();

        assert_eq!(rest.conversations.len(), 1);
        assert_eq!(rest.conversations[0].conversation_id, all[1].id.to_string());
    }

    #[test]
    fn a_made_up_cursor_and_an_impossible_limit_are_refused() {
        assert!(page(&[], &paging(2, Some("x".to_owned()))).is_err());
        assert!(page(&[], &paging(0, None)).is_err());
        assert!(page(&[], &paging(201, None)).is_err());
    }

    #[test]
    fn a_title_is_one_line_of_sensible_length() {
        assert_eq!(title("  Team ").unwrap(), "Team");
        assert!(title(" ").is_err());
        assert!(title("a\nb").is_err());
        assert!(title(&"é".repeat(201)).is_err());
    }
}
