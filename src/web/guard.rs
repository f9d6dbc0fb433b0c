//! Who may call a route, as the type of its argument: a route without the right person does not compile.

use actix_web::http::Method;
use actix_web::http::header::{AUTHORIZATION, COOKIE, ORIGIN};
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest, dev::Payload};
use futures_util::future::{LocalBoxFuture, Ready, ready};

use super::front::{Front, deed};
use super::reply::Reply;
use crate::app::Asker;
use crate::directory::Role;

/// The cookie of a session. RFC 6265bis §4.1.3.2: with this prefix no other host and no plain connection can set it.
pub const SESSION_COOKIE: &str = "__Host-sotto";

/// The cookie that binds a sign-in under way to the browser that began it (login CSRF).
pub const SIGN_IN_COOKIE: &str = "__Host-sotto-signin";

/// The same for a provider that posts its answer from a page of its own: the only cookie of ours that another site's request
/// brings along, and good for nothing but this.
pub const SAML_COOKIE: &str = "__Host-sotto-saml";

/// A person of the directory with a session; a changing request was sent by our own pages.
pub struct SignedIn(pub Asker);

/// A signed-in administrator. For anybody else the route is not there.
pub struct Administrator(pub Asker);

/// A signed-in auditor. For anybody else the route is not there.
pub struct Auditor(pub Asker);

/// A signed-in auditor or administrator. For anybody else the route is not there.
pub struct AuditorOrAdministrator(pub Asker);

/// Who keeps the directory (people, groups, accounts, sessions, assistants), or an administrator.
pub struct Registrar(pub Asker);

/// Support, which sees health and how the sources stand, or an administrator.
pub struct Support(pub Asker);

/// Whoever has a role on the desk, of whatever kind.
pub struct DeskKeeper(pub Asker);

/// The bearer token of a provisioning request, not yet checked: `app` knows which tokens are good.
pub struct Provisioning(pub String);

impl FromRequest for SignedIn {
    type Error = Reply;
    type Future = LocalBoxFuture<'static, Result<SignedIn, Reply>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            match asker(&request).await? {
                // Who signed in without a provider administers, and has no page, no question and no history.
                asker if asker.emergency_ends().is_some() => Err(Reply::not_there()),
                asker => Ok(SignedIn(asker)),
            }
        })
    }
}

/// A guard of the desk, and the roles of which one opens it.
macro_rules! desk_guard {
    ($guard:ident opens to $($role:ident)|+) => {
        impl FromRequest for $guard {
            type Error = Reply;
            type Future = LocalBoxFuture<'static, Result<$guard, Reply>>;

            fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
                let request = request.clone();
                Box::pin(async move { at_desk(&request, &[$(Role::$role),+]).await.map($guard) })
            }
        }
    };
}

desk_guard!(Administrator opens to Administrator);
desk_guard!(Registrar opens to Administrator | Directory);
desk_guard!(Support opens to Administrator | Support);
desk_guard!(Auditor opens to Auditor);
desk_guard!(AuditorOrAdministrator opens to Administrator | Auditor);
desk_guard!(DeskKeeper opens to Administrator | Directory | Auditor | Support);

/// Signed out, signed in without the role, or sent by another site: to all of them the desk is not there.
async fn at_desk(request: &HttpRequest, roles: &[Role]) -> Result<Asker, Reply> {
    match asker(request).await {
        Ok(asker) if roles.iter().any(|role| asker.has(*role)) => Ok(asker),
        Err(reply) if reply.status().is_server_error() => Err(reply),
        Ok(_) | Err(_) => Err(Reply::not_there()),
    }
}

impl FromRequest for Provisioning {
    type Error = Reply;
    type Future = Ready<Result<Provisioning, Reply>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        // An absent token is an empty one: `app` refuses both by one path.
        ready(Ok(Provisioning(header.and_then(bearer).unwrap_or_default().to_owned())))
    }
}

/// Who holds the session of this request's cookie.
pub async fn asker(request: &HttpRequest) -> Result<Asker, Reply> {
    let token = cookie(request, SESSION_COOKIE).ok_or_else(Reply::signed_out)?;
    from_our_pages(request)?;
    let front = request.app_data::<Data<Front>>().expect("the server gives every route its front");
    deed(front, move |app| app.asker(&token)).await
}

/// Refuses a changing request that a page of another site could have sent (cross-site request forgery): such a page can
/// neither set our header nor our origin.
pub fn from_our_pages(request: &HttpRequest) -> Result<(), Reply> {
    if [Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method()) {
        return Ok(());
    }
    let front = request.app_data::<Data<Front>>().expect("the server gives every route its front");
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    same_origin(header("x-sotto"), header(ORIGIN.as_str()), &front.origin).map_err(Reply::foreign)
}

fn same_origin(mark: Option<&str>, origin: Option<&str>, ours: &str) -> Result<(), &'static str> {
    if mark != Some("1") {
        return Err("a changing request needs the header X-Sotto: 1");
    }
    // Compared byte for byte: browsers write an origin in its one form (RFC 6454 §6.2), and "null" is nobody's.
    if origin != Some(ours) {
        return Err("a changing request needs the Origin of the appliance's public address");
    }
    Ok(())
}

/// The token of an `Authorization` header (RFC 6750 §2.1; the scheme in any case, RFC 9110 §11.1).
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// A cookie's value. Read by hand: a neighbour on the same host may have set cookies that no strict parser takes.
pub fn cookie(request: &HttpRequest, name: &str) -> Option<String> {
    let headers = request.headers().get_all(COOKIE).filter_map(|value| value.to_str().ok());
    headers.flat_map(|header| header.split(';')).find_map(|pair| value_of(pair, name)).map(str::to_owned)
}

fn value_of<'a>(pair: &'a str, name: &str) -> Option<&'a str> {
    let (key, value) = pair.trim().split_once('=')?;
    (key == name && !value.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "https://sotto.example:8443";

    #[test]
    fn a_changing_request_needs_our_header_and_our_origin() {
        assert_eq!(same_origin(Some("1"), Some(OURS), OURS), Ok(()));
        assert!(same_origin(None, Some(OURS), OURS).is_err());
        assert!(same_origin(Some("1"), None, OURS).is_err());
    }

    #[test]
    fn an_origin_that_only_resembles_ours_is_refused() {
        for origin in [
            "null",
            "http://sotto.example:8443",
            "https://sotto.example",
            "https://sotto.example:8443.evil.example",
            "https://evil.example",
            "https://sotto.example:8443/",
        ] {
            assert!(same_origin(Some("1"), Some(origin), OURS).is_err(), "{origin}");
        }
    }

    #[test]
    fn a_bearer_token_is_read_whatever_the_case_of_its_scheme() {
        assert_eq!(bearer("Bearer t0k"), Some("t0k"));
        assert_eq!(bearer("bearer t0k"), Some("t0k"));
        assert_eq!(bearer("Basic t0k"), None);
        assert_eq!(bearer("Bearer"), None);
    }

    #[test]
    fn a_cookie_is_found_between_odd_neighbours() {
        let request = actix_web::test::TestRequest::default()
            .insert_header(("cookie", "a={\"x\":1}; bad; __Host-sotto=t0k; __Host-sotto-signin=s"))
            .to_http_request();

        assert_eq!(cookie(&request, SESSION_COOKIE).as_deref(), Some("t0k"));
        assert_eq!(cookie(&request, SIGN_IN_COOKIE).as_deref(), Some("s"));
        assert_eq!(cookie(&request, "sotto"), None);
    }
}
