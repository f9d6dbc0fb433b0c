//! What every request passes on its way in and out: its id, its place in the count, security headers, problem details, one
//! log line.

use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage as _, HttpRequest, HttpResponse};

use super::front::Front;
use super::reply::Reply;

/// The id of a request: in its reply's header, in a problem's body, in the log.
#[derive(Clone)]
pub struct RequestId(pub String);

/// Nothing may be loaded from elsewhere, run inline, or frame us; text never becomes markup (Trusted Types).
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

/// The policy of a page whose one form goes to another origin: a sign-in that the provider wants posted.
pub fn policy_with_form_to(origin: &str) -> String {
    POLICY.replace("form-action 'self'", &format!("form-action {origin}"))
}

/// Said with every response.
const HEADERS: &[(&str, &str)] = &[
    // An answer is never taken for a script or a page because of what it holds.
    ("x-content-type-options", "nosniff"),
    // Addresses name conversations and documents: no link tells them to another site.
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("strict-transport-security", "max-age=31536000"),
];

/// Methods that may name a time series; a client can send any other word.
const METHODS: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

/// The middleware.
pub async fn edge(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let began = Instant::now();
    let front = request.app_data::<Data<Front>>().expect("the server gives every route its front").clone();
    let id = RequestId(hex::encode(front.ids.next()));
    request.extensions_mut().insert(id.clone());
    let running = front.run();
    let method = METHODS.iter().find(|known| **known == request.method().as_str()).copied().unwrap_or("OTHER");

    let response = if front.is_stopping() {
        request.error_response(Reply::not_ready("the appliance is stopping"))
    } else {
        next.call(request).await?.map_into_boxed_body()
    };
    let mut response = explained(response, &id.0, &front);
    put_headers(response.headers_mut(), &id.0);
    drop(running);

    let route = response.request().match_pattern().unwrap_or_else(|| "unmatched".to_owned());
    let (status, took) = (response.status().as_u16(), began.elapsed());
    front.metrics.request(method, &route, status, took);
    // The template and never the path: a path holds ids, a query holds words.
    tracing::info!(request_id = %id.0, method, route, status, ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX), "request");
    Ok(response)
}

/// The response with the body its error deserves: a page for a browser that opens an address, problem details for all else.
/// A body that a route wrote itself (SCIM's errors) stays.
fn explained(response: ServiceResponse<BoxBody>, id: &str, front: &Front) -> ServiceResponse<BoxBody> {
    if let Some(reply) = response.response().error().and_then(|error| error.as_error::<Reply>()) {
        reply.log(id);
        let page = if opens_an_address(response.request()) { page(reply, id, front) } else { None };
        let explained = page.unwrap_or_else(|| reply.response(id));
        return response.into_response(explained);
    }
    let status = response.status();
    let is_ours = response.headers().get(CONTENT_TYPE).is_some_and(|kind| !kind.as_bytes().starts_with(b"text/plain"));
    if status.as_u16() < 400 || is_ours {
        return response;
    }
    let reply = Reply::bare(status);
    reply.log(id);
    response.into_response(reply.response(id))
}

/// Whether a person's browser asks for something to look at, and not a program for data.
fn opens_an_address(request: &HttpRequest) -> bool {
    let is_for_programs = ["/api/", "/scim/", "/static/"].iter().any(|start| request.path().starts_with(start));
    let accepts = request.headers().get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    request.method() == Method::GET && !is_for_programs && accepts.contains("text/html")
}

/// The reply as a page. `None` where its file is missing, as it can be while somebody works on the pages.
fn page(reply: &Reply, id: &str, front: &Front) -> Option<HttpResponse> {
    let html = front.assets.page("problem.html")?;
    let (title, advice) = reply.page_words();
    let html = std::str::from_utf8(&html).ok()?;
    let html = html.replace("{{title}}", title).replace("{{advice}}", advice).replace("{{request}}", id);
    let mut response = reply.response(id);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    Some(response.set_body(BoxBody::new(html)))
}

fn put_headers(headers: &mut HeaderMap, id: &str) {
    for (name, value) in HEADERS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    headers.insert(
        HeaderName::from_static("x-request-id"),
        HeaderValue::from_str(id).expect("an id is hexadecimal digits"),
    );
    if !headers.contains_key(CONTENT_SECURITY_POLICY) {
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    }
    // Only a file under a hashed path says otherwise.
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// The id of a request, for a problem told inside an event stream.
pub fn id_of(request: &HttpRequest) -> String {
    request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_header_has_a_form_that_http_takes() {
        let mut headers = HeaderMap::new();

        put_headers(&mut headers, "0f");

        assert_eq!(headers.get("x-request-id").unwrap(), "0f");
        assert_eq!(headers.get("cache-control").unwrap(), "no-store");
        let policy = headers.get("content-security-policy").unwrap().to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'; "), "{policy}");
        assert!(!policy.contains("unsafe"));
    }

    #[test]
    fn a_file_that_may_be_kept_keeps_its_own_word_on_caching() {
        let mut headers = HeaderMap::new();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));

        put_headers(&mut headers, "0f");

        assert!(headers.get("cache-control").unwrap().to_str().unwrap().contains("immutable"));
    }
}
