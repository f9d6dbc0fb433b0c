//! SCIM over HTTP: the protocol itself is `scim`'s; here are only headers.

use actix_web::http::header::{ETAG, IF_MATCH, IF_NONE_MATCH, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::http::{Method, StatusCode};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;
use url::form_urlencoded;

use super::body::Body;
use super::edge::id_of;
use super::front::{Front, deed};
use super::guard::Provisioning;
use super::reply::Reply;
use crate::app::Sent;
use crate::scim;

/// RFC 7644 §3.1.
const SCIM_TYPE: &str = "application/scim+json";

/// People and groups, provisioned by whoever bears a token (RFC 7644).
#[utoipa::path(method(get, post, put, patch, delete), path = "/scim/v2/{tail}", tag = "provisioning",
    params(("tail" = String, Path)), responses((status = 200, description = "As RFC 7644 has it", content_type = SCIM_TYPE),
    (status = 401, description = "The token is not good", content_type = SCIM_TYPE),
    (status = 429, description = "The token has sent too many requests; `Retry-After` says when to send again", content_type = SCIM_TYPE)))]
pub async fn scim(
    front: Data<Front>,
    bearer: Provisioning,
    request: HttpRequest,
    tail: Path<String>,
    body: Body,
) -> HttpResponse {
    let body = match body.bytes() {
        Ok(body) => body,
        Err(reply) => return refused(&reply, &request),
    };
    // RFC 9110 §9.3.2: the same as GET, and the server leaves the body out.
    let method = if request.method() == Method::HEAD { "GET".to_owned() } else { request.method().to_string() };
    let path = format!("/{tail}");
    let query: Vec<(String, String)> = form_urlencoded::parse(request.query_string().as_bytes()).into_owned().collect();
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (if_match, if_none_match) = (header(IF_MATCH), header(IF_NONE_MATCH));
    let location = format!("{}/scim/v2", front.public);
    let done = deed(&front, move |app| {
        let sent = Sent {
            method: &method,
            path: &path,
            query: &query,
            if_match: if_match.as_deref(),
            if_none_match: if_none_match.as_deref(),
            body: &body,
            base: &location,
        };
        app.provision(&bearer.0, &sent)
    });
    match done.await {
        Ok(reply) => response(&reply),
        Err(reply) => refused(&reply, &request),
    }
}

fn response(reply: &scim::Reply) -> HttpResponse {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    if let Some(etag) = &reply.etag {
        response.insert_header((ETAG, etag.as_str()));
    }
    if let Some(location) = &reply.location {
        response.insert_header((LOCATION, location.as_str()));
    }
    if let Some(seconds) = reply.retry_after_s {
        response.insert_header((RETRY_AFTER, seconds.to_string()));
    }
    match &reply.body {
        Some(body) => response.content_type(SCIM_TYPE).body(body.to_string()),
        None => response.finish(),
    }
}

/// RFC 7644 §3.12: an error has its schema, and its status as text.
fn refused(reply: &Reply, request: &HttpRequest) -> HttpResponse {
    reply.log(&id_of(request));
    let mut response = HttpResponse::build(reply.status());
    let detail = if reply.status() == StatusCode::UNAUTHORIZED {
        response.insert_header((WWW_AUTHENTICATE, "Bearer"));
        "the bearer token is missing or not good"
    } else {
        reply.detail()
    };
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "status": reply.status().as_u16().to_string(),
        "detail": detail,
    });
    response.content_type(SCIM_TYPE).body(body.to_string())
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;
    use actix_web::test::TestRequest;

    use super::*;

    #[actix_web::test]
    async fn a_bad_token_is_a_scim_error_with_a_challenge() {
        let response = refused(&Reply::signed_out(), &TestRequest::default().to_http_request());

        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(response.headers().get(WWW_AUTHENTICATE).unwrap(), "Bearer");
        let body: serde_json::Value = serde_json::from_slice(&to_bytes(response.into_body()).await.unwrap()).unwrap();
        assert_eq!(body["status"], "401");
        assert_eq!(body["schemas"][0], "urn:ietf:params:scim:api:messages:2.0:Error");
    }
}
