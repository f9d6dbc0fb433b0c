//! Asking: an event stream of whole sentences, or the answer at once.

use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use actix_web::http::header::ACCEPT;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::Stream;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::body::Body;
use super::edge::id_of;
use super::front::{Front, Running};
use super::guard::SignedIn;
use super::metrics::Metrics;
use super::narrowing::{Meanings, Narrowing};
use super::reply::{Problem, Reply};
use super::wire;
use crate::answer::{QUESTION_BYTES_MAX, Question};
use crate::app::{Ask, Asker, Outcome, Told};
use crate::model::Stop;
use crate::names::{ConversationId, MessageId};

/// How often an idle stream writes a comment. A closed HTTP/2 stream is only noticed when something is written to it, so
/// this is also how long an abandoned answer may go on.
const COMMENT_EVERY: Duration = Duration::from_secs(1);

/// What the deed tells the stream.
enum Event {
    /// One event of the contract.
    Told { name: &'static str, json: String },
    /// The answer, whole.
    Answered(Box<wire::Answer>),
    /// There is none.
    Failed(Reply),
}

/// Sets the stop when it is dropped: the browser closed the stream, or the answer is complete and it does not matter.
struct StopOnDrop(Stop);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.set();
    }
}

/// Answers from what the asker may read: as server-sent events (`Accept: text/event-stream`), or whole.
#[utoipa::path(post, path = "/api/v1/ask", tag = "answers", request_body = wire::Ask, responses(
    (status = 200, description = "The answer; as a stream its last event, after started, progress, source and claim",
     content((wire::Answer = "application/json"), (wire::Answer = "text/event-stream"))),
    (status = 400, description = "No question, or not one of 1 to 4096 bytes", body = Problem)))]
pub async fn ask(front: Data<Front>, asker: SignedIn, request: HttpRequest, body: Body) -> Result<HttpResponse, Reply> {
    let ask = asked(body, &|name| front.app.meanings(name))?;
    let (stop, began) = (Stop::default(), Instant::now());
    let on_drop = StopOnDrop(stop.clone());
    let mut events = begin(&front, asker.0, ask, stop);

    if !wants_stream(&request) {
        let answer = whole(&mut events).await?;
        let timing = format!("answer;dur={}", began.elapsed().as_millis());
        return Ok(HttpResponse::Ok().insert_header(("server-timing", timing)).json(answer));
    }
    // The status is settled by the first event, so an unknown conversation is a 404 and not a stream that fails.
    let first = match events.recv().await {
        Some(Event::Failed(reply)) => return Err(reply),
        Some(event @ (Event::Told { .. } | Event::Answered(_))) => event,
        None => return Err(Reply::broken("the answer ended before it began")),
    };
    let request_id = id_of(&request);
    let stream = Events {
        first: Some(first),
        events,
        comments: comments(),
        request_id,
        has_ended: false,
        _running: front.run(),
        _on_drop: on_drop,
    };
    Ok(HttpResponse::Ok().content_type("text/event-stream").streaming(stream))
}

/// What the body asks, with the limit named where it does not fit.
fn asked(body: Body, meanings: Meanings<'_>) -> Result<Ask, Reply> {
    let sent: wire::Ask = question_body(body)?;
    let narrowing = Narrowing {
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
    };
    Ok(Ask {
        question: Question::parse(&sent.question).map_err(|error| Reply::unreadable(error.to_string()))?,
        conversation: known(sent.conversation_id.as_deref(), ConversationId::parse)?,
        parent: known(sent.parent_message_id.as_deref(), MessageId::parse)?,
        scope: narrowing.scope(meanings)?,
        application: sent.application,
        temporary: sent.temporary,
    })
}

/// Reads a body that carries a question or a search: whatever is wrong with its size or encoding names the limit.
pub fn question_body<T: serde::de::DeserializeOwned>(body: Body) -> Result<T, Reply> {
    if body.is_too_large() {
        return Err(Reply::unreadable(format!(
            "the question is too long; at most {QUESTION_BYTES_MAX} bytes are taken"
        )));
    }
    if body.is_no_text() {
        let detail = format!("the question is not UTF-8; it is text of 1 to {QUESTION_BYTES_MAX} bytes");
        return Err(Reply::unreadable(detail));
    }
    body.json()
}

/// An id, where one was sent. What is no id is answered like one that nothing has.
fn known<T>(text: Option<&str>, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Reply> {
    text.map(|text| parse(text).ok_or_else(Reply::not_there)).transpose()
}

fn wants_stream(request: &HttpRequest) -> bool {
    let accepted = request.headers().get_all(ACCEPT).filter_map(|value| value.to_str().ok());
    accepted.flat_map(|header| header.split(',')).any(|kind| {
        let kind = kind.split(';').next().unwrap_or("").trim();
        kind.eq_ignore_ascii_case("text/event-stream")
    })
}

/// Begins the deed on the blocking pool. The channel has no bound: what it can hold is one answer, and a bound would let a
/// slow reader keep the model's turn.
fn begin(front: &Data<Front>, asker: Asker, ask: Ask, stop: Stop) -> UnboundedReceiver<Event> {
    let (send, events) = mpsc::unbounded_channel();
    let (app, metrics) = (Arc::clone(&front.app), Arc::clone(&front.metrics));
    let running = front.run();
    tokio::task::spawn_blocking(move || {
        let began = Instant::now();
        let mut first = None;
        let mut each = |told: Told<'_>| {
            if matches!(told, Told::Claim(_)) && first.is_none() {
                metrics.first_claim(*first.insert(began.elapsed()));
            }
            if stop.is_set() || !tell(&send, &told) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let outcome = app.ask(&asker, &ask, &stop, &mut each);
        let ended = outcome.as_ref().ok().map(|reply| reply.outcome);
        count(&metrics, ended, began.elapsed());
        app.count_question(asker.user(), ended, first, began.elapsed());
        let last = match outcome {
            Ok(reply) => Event::Answered(Box::new(wire::Answer::from(&reply))),
            Err(error) => Event::Failed(Reply::from(error)),
        };
        // Nobody listens where the browser left; the answer is kept in the history all the same.
        let _ = send.send(last);
        drop(running);
    });
    events
}

fn count(metrics: &Metrics, outcome: Option<Outcome>, took: Duration) {
    let word = match outcome {
        Some(Outcome::Answered) => "answered",
        Some(Outcome::Refused) => "refused",
        Some(Outcome::Stopped) => "stopped",
        None => "failed",
    };
    metrics.answer(word, took);
}

/// Passes one thing on; `false` where nobody listens any more.
fn tell(send: &UnboundedSender<Event>, told: &Told<'_>) -> bool {
    let (name, json) = match told {
        Told::Started { conversation, message } => {
            let started = wire::Started { conversation_id: conversation.to_string(), message_id: message.to_string() };
            ("started", to_json(&started))
        }
        Told::Phase(phase) => ("progress", to_json(&wire::Progress { phase: (*phase).into() })),
        Told::Mode(mode) => ("mode", to_json(&wire::Made::from(*mode))),
        Told::Source(source) => ("source", to_json(&wire::Source::from(*source))),
        Told::Claim(claim) => ("claim", to_json(&wire::Claim::from(*claim))),
    };
    send.send(Event::Told { name, json }).is_ok()
}

fn to_json(shape: &impl serde::Serialize) -> String {
    serde_json::to_string(shape).expect("a wire shape is text, numbers and lists of them")
}

/// The answer without its story.
async fn whole(events: &mut UnboundedReceiver<Event>) -> Result<wire::Answer, Reply> {
    while let Some(event) = events.recv().await {
        match event {
            Event::Told { .. } => {}
            Event::Answered(answer) => return Ok(*answer),
            Event::Failed(reply) => return Err(reply),
        }
    }
    Err(Reply::broken("the answer broke off"))
}

fn comments() -> Interval {
    let mut comments = interval(COMMENT_EVERY);
    comments.set_missed_tick_behavior(MissedTickBehavior::Delay);
    comments
}

/// The body of an event stream (HTML Living Standard §9.2). Dropping it stops the answer.
struct Events {
    first: Option<Event>,
    events: UnboundedReceiver<Event>,
    comments: Interval,
    request_id: String,
    has_ended: bool,
    _running: Running,
    _on_drop: StopOnDrop,
}

impl Events {
    fn written(&mut self, event: Option<Event>) -> Bytes {
        let (name, json) = match event {
            Some(Event::Told { name, json }) => (name, json),
            Some(Event::Answered(answer)) => ("answer", to_json(&*answer)),
            Some(Event::Failed(reply)) => self.failed(&reply),
            // The deed panicked: its end of the channel is gone and it said nothing.
            None => self.failed(&Reply::broken("the answer broke off")),
        };
        self.has_ended = matches!(name, "answer" | "error");
        Bytes::from(format!("event: {name}\ndata: {json}\n\n"))
    }

    fn failed(&self, reply: &Reply) -> (&'static str, String) {
        reply.log(&self.request_id);
        ("error", to_json(&reply.problem(&self.request_id)))
    }
}

impl Stream for Events {
    type Item = Result<Bytes, std::convert::Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.has_ended {
            return Poll::Ready(None);
        }
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(self.written(Some(first)))));
        }
        if let Poll::Ready(event) = self.events.poll_recv(context) {
            return Poll::Ready(Some(Ok(self.written(event))));
        }
        if self.comments.poll_tick(context).is_ready() {
            return Poll::Ready(Some(Ok(Bytes::from_static(b":\n\n"))));
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use futures_util::StreamExt as _;

    use super::*;

    fn stream(events: UnboundedReceiver<Event>, stop: &Stop, running: Running) -> Events {
        Events {
            first: None,
            events,
            comments: comments(),
            request_id: "r1".to_owned(),
            has_ended: false,
            _running: running,
            _on_drop: StopOnDrop(stop.clone()),
        }
    }

    #[test]
    fn a_stream_is_given_only_to_who_asks_for_one() {
        let wants =
            |accept: &str| wants_stream(&TestRequest::default().insert_header((ACCEPT, accept)).to_http_request());

        assert!(wants("text/event-stream"));
        assert!(wants("application/json;q=0.5, Text/Event-Stream;q=1"));
        assert!(!wants("application/json"));
        assert!(!wants("*/*"));
    }

    #[actix_web::test]
    async fn a_claim_is_one_event_however_many_lines_it_has() {
        let (send, events) = mpsc::unbounded_channel();
        let claim = crate::app::ToldClaim { text: "one\n\ntwo".to_owned(), citations: vec![1], is_withheld: false };
        tell(&send, &Told::Claim(&claim));
        let mut stream = stream(events, &Stop::default(), Running::default());

        let written = stream.next().await.unwrap().unwrap();

        assert_eq!(written, "event: claim\ndata: {\"text\":\"one\\n\\ntwo\",\"citations\":[1]}\n\n");
    }

    #[actix_web::test]
    async fn a_deed_that_breaks_off_ends_the_stream_with_a_problem() {
        let (send, events) = mpsc::unbounded_channel::<Event>();
        drop(send);
        let mut stream = stream(events, &Stop::default(), Running::default());

        let written = stream.next().await.unwrap().unwrap();

        assert!(written.starts_with(b"event: error\ndata: {\"type\":\"about:blank\""), "{written:?}");
        assert!(stream.next().await.is_none());
    }

    #[actix_web::test]
    async fn closing_the_stream_sets_the_stop() {
        let (_send, events) = mpsc::unbounded_channel();
        let stop = Stop::default();
        let stream = stream(events, &stop, Running::default());

        drop(stream);

        assert!(stop.is_set());
    }
}
