//! A request's body: raw, so that who may call is settled before what was sent is judged.

use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest, dev::Payload};
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use serde::de::DeserializeOwned;

use super::reply::Reply;

/// The largest body taken, as the server was told.
#[derive(Clone, Copy)]
pub struct LimitBytes(pub usize);

/// A body that was received, or why it was not.
pub struct Body {
    received: Result<Bytes, Reply>,
    is_json: bool,
}

impl FromRequest for Body {
    type Error = Reply;
    type Future = LocalBoxFuture<'static, Result<Body, Reply>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let limit = request.app_data::<LimitBytes>().map_or(0, |limit| limit.0);
        let media = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
        let is_json = is_json(media);
        let received = Bytes::from_request(request, payload);
        received
            .map(move |received| {
                let received = received.map_err(|error| {
                    if error.as_response_error().status_code().as_u16() == 413 {
                        Reply::too_large(limit)
                    } else {
                        Reply::unreadable("the request's body did not arrive whole")
                    }
                });
                Ok(Body { received, is_json })
            })
            .boxed_local()
    }
}

impl Body {
    /// The bytes as they came.
    pub fn bytes(self) -> Result<Bytes, Reply> {
        self.received
    }

    /// Whether nothing was sent.
    pub fn is_empty(&self) -> bool {
        self.received.as_ref().is_ok_and(|bytes| bytes.is_empty())
    }

    /// Whether it was larger than is taken at all.
    pub fn is_too_large(&self) -> bool {
        self.received.as_ref().is_err_and(|reply| reply.status().as_u16() == 413)
    }

    /// Whether it arrived and is no text at all.
    pub fn is_no_text(&self) -> bool {
        self.received.as_ref().is_ok_and(|bytes| std::str::from_utf8(bytes).is_err())
    }

    /// Reads JSON into a wire shape; the error says where it does not fit.
    pub fn json<T: DeserializeOwned>(self) -> Result<T, Reply> {
        let bytes = self.received?;
        if !self.is_json {
            // Also a wall against forgery: a form of another site can send text/plain, but not this without a preflight.
            return Err(Reply::not_json());
        }
        let text = std::str::from_utf8(&bytes).map_err(|_| Reply::unreadable("the body is not UTF-8"))?;
        serde_json::from_str(text).map_err(|error| Reply::unreadable(format!("the body does not fit: {error}")))
    }
}

fn is_json(media: &str) -> bool {
    let kind = media.split(';').next().unwrap_or("").trim();
    kind.eq_ignore_ascii_case("application/json")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(bytes: &'static [u8], media: &str) -> Body {
        Body { received: Ok(Bytes::from_static(bytes)), is_json: is_json(media) }
    }

    #[test]
    fn json_is_read_with_or_without_a_charset() {
        assert_eq!(body(b"[1]", "application/json").json::<Vec<u8>>().unwrap(), [1]);
        assert_eq!(body(b"[1]", "Application/JSON; charset=utf-8").json::<Vec<u8>>().unwrap(), [1]);
    }

    #[test]
    fn a_form_of_another_site_is_not_taken_for_json() {
        assert_eq!(body(b"[1]", "text/plain").json::<Vec<u8>>().unwrap_err().status().as_u16(), 415);
        assert_eq!(body(b"[1]", "application/jsonx").json::<Vec<u8>>().unwrap_err().status().as_u16(), 415);
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_refused_in_words() {
        let reply = body(b"\"\xff\"", "application/json").json::<String>().unwrap_err();

        assert_eq!(reply.status().as_u16(), 400);
        assert!(reply.detail().contains("UTF-8"));
    }
}
