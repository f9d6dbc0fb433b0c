//! Signing in and out. The proof is `sso`'s and the session `session`'s; here are only cookies and redirects.

use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_SECURITY_POLICY, LOCATION};
use actix_web::web::{Data, Json, Path, Query};
use actix_web::{FromRequest as _, HttpRequest, HttpResponse};
use serde::Deserialize;
use url::form_urlencoded;

use super::body::Body;
use super::edge::{id_of, policy_with_form_to};
use super::front::{Front, deed};
use super::guard::{Administrator, SAML_COOKIE, SESSION_COOKIE, SIGN_IN_COOKIE, cookie, from_our_pages};
use super::reply::{Problem, Reply};
use super::wire;
use crate::app::{Begun, Finished};
use crate::names::ProviderId;
use crate::sso::Onward;
use crate::sso::oidc::Callback;

/// As long as a sign-in may take; `sso` forgets it then too.
const SIGN_IN_MINUTES: i64 = 10;

/// Where a sign-in should lead.
#[derive(Deserialize)]
pub struct Return {
    return_to: Option<String>,
    /// Whether an administrator only tries the provider.
    #[serde(default)]
    test: Option<String>,
}

/// The ways to sign in.
#[utoipa::path(get, path = "/auth/providers", tag = "sign-in",
    responses((status = 200, description = "The ways to sign in", body = wire::Providers)))]
pub async fn providers(front: Data<Front>) -> Result<Json<wire::Providers>, Reply> {
    let providers = deed(&front, |app| Ok(app.providers())).await?;
    let providers = providers.into_iter().map(|(id, name)| wire::Provider {
        login: format!("/auth/{id}/login"),
        id: id.to_string(),
        name,
    });
    Ok(Json(wire::Providers { providers: providers.collect() }))
}

/// Sends the browser to the provider; with `test=1`, for an administrator, to try it without signing in.
#[utoipa::path(get, path = "/auth/{provider}/login", tag = "sign-in",
    params(("provider" = String, Path), ("return_to" = Option<String>, Query), ("test" = Option<String>, Query)), responses(
    (status = 302, description = "To the provider"), (status = 200, description = "A form that goes there by itself"),
    (status = 404, description = "No such provider", body = Problem)))]
pub async fn login(
    front: Data<Front>,
    request: HttpRequest,
    provider: Path<String>,
    to: Query<Return>,
) -> Result<HttpResponse, Reply> {
    let provider = ProviderId::parse(&provider).ok_or_else(Reply::not_there)?;
    let return_to = ours(to.return_to.as_deref());
    let tester = match to.test.as_deref() {
        Some("1") => Some(Administrator::extract(&request).await?.0),
        Some(_) | None => None,
    };
    let (is_trial, id) = (tester.is_some(), provider.clone());
    match deed(&front, move |app| app.begin_sign_in(&provider, &return_to, tester.as_ref())).await {
        Ok(Begun { onward, state, is_posted_back }) => {
            let mut response = go(&front, &onward)?;
            let cookie = match is_posted_back {
                true => posted_back(state, SIGN_IN_MINUTES),
                false => kept(SIGN_IN_COOKIE, state, Some(SIGN_IN_MINUTES)),
            };
            response.add_cookie(&cookie).map_err(Reply::broken)?;
            Ok(response)
        }
        Err(reply) if is_trial && reply.status() == StatusCode::FORBIDDEN => Ok(to_trial(&id)),
        Err(reply) => refused(&request, reply),
    }
}

/// The provider sends the browser back.
#[utoipa::path(get, path = "/auth/oidc/{provider}/callback", tag = "sign-in", params(("provider" = String, Path)), responses(
    (status = 303, description = "Signed in, to where it began; or refused, to the sign-in page"),
    (status = 404, description = "No such provider", body = Problem)))]
pub async fn callback(
    front: Data<Front>,
    request: HttpRequest,
    provider: Path<String>,
    came_back: Query<Callback>,
) -> Result<HttpResponse, Reply> {
    let provider = ProviderId::parse(&provider).ok_or_else(Reply::not_there)?;
    let (state, old) = (cookie(&request, SIGN_IN_COOKIE), cookie(&request, SESSION_COOKIE));
    let came_back = came_back.into_inner();
    let id = provider.clone();
    let done =
        deed(&front, move |app| app.finish_sign_in(&provider, &came_back, state.as_deref(), old.as_deref())).await;
    finished(&request, &id, done)
}

/// Where a browser goes after the provider's answer.
pub(super) fn finished(
    request: &HttpRequest,
    provider: &ProviderId,
    done: Result<Finished, Reply>,
) -> Result<HttpResponse, Reply> {
    match done {
        Ok(Finished::SignedIn(token, return_to)) => {
            let session = kept(SESSION_COOKIE, token.expose().to_owned(), None);
            let cookies = [session, gone(SIGN_IN_COOKIE), posted_back(String::new(), 0)];
            Ok(to_address(StatusCode::SEE_OTHER, &ours(Some(&return_to)), cookies))
        }
        Ok(Finished::Tried) => Ok(to_trial(provider)),
        Err(reply) => refused(request, reply),
    }
}

fn to_trial(provider: &ProviderId) -> HttpResponse {
    let cookies = [gone(SIGN_IN_COOKIE), posted_back(String::new(), 0)];
    to_address(StatusCode::SEE_OTHER, &format!("/admin/providers/{provider}/test"), cookies)
}

/// Sends a browser onward, by a redirect or by a page whose one form goes there by itself.
pub(super) fn go(front: &Front, onward: &Onward) -> Result<HttpResponse, Reply> {
    match onward {
        Onward::Redirect(address) => Ok(to_address(StatusCode::FOUND, address.as_str(), [])),
        Onward::Post { action, fields } => {
            let page = front.assets.page("onward.html").ok_or_else(Reply::not_there)?;
            let page = std::str::from_utf8(&page).map_err(Reply::broken)?;
            let fields = fields.iter().map(|(name, value)| {
                format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">", escaped(name), escaped(value))
            });
            let page = page
                .replace("{{action}}", &escaped(action.as_str()))
                .replace("{{fields}}", &fields.collect::<String>());
            let policy = policy_with_form_to(&action.origin().ascii_serialization());
            let mut response = HttpResponse::Ok();
            response.content_type("text/html; charset=utf-8").insert_header((CONTENT_SECURITY_POLICY, policy));
            Ok(response.body(page))
        }
    }
}

/// Text as it may stand in the value of an attribute.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Signs an emergency administrator in, without a provider. Every refusal reads alike: it tells neither whether there is such a
/// name nor which part was wrong.
#[utoipa::path(post, path = "/auth/emergency", tag = "sign-in", request_body = wire::EmergencySignIn, responses(
    (status = 200, description = "Signed in, for an hour at most", body = wire::EmergencySignedIn),
    (status = 400, description = "The body does not fit", body = Problem),
    (status = 403, description = "Refused, or to be tried again later, or not sent by our own pages", body = Problem)))]
pub async fn emergency(front: Data<Front>, request: HttpRequest, body: Body) -> Result<HttpResponse, Reply> {
    from_our_pages(&request)?;
    let wire::EmergencySignIn { name, password, code } = body.json()?;
    let old = cookie(&request, SESSION_COOKIE);
    let token = deed(&front, move |app| app.sign_in_locally(&name, &password, &code, old.as_deref())).await?;
    let session = kept(SESSION_COOKIE, token.expose().to_owned(), None);
    Ok(HttpResponse::Ok().cookie(session).json(wire::EmergencySignedIn { to: "/admin" }))
}

/// Ends the session, also one that has ended already.
#[utoipa::path(post, path = "/auth/logout", tag = "sign-in", responses(
    (status = 200, description = "Nobody is signed in here now", body = wire::SignedOut),
    (status = 403, description = "Not sent by our own pages", body = Problem)))]
pub async fn logout(front: Data<Front>, request: HttpRequest) -> Result<HttpResponse, Reply> {
    from_our_pages(&request)?;
    let provider_logout = match cookie(&request, SESSION_COOKIE) {
        Some(token) => match deed(&front, move |app| app.sign_out(&token)).await {
            Ok(address) => address.map(String::from),
            Err(reply) if reply.status() == StatusCode::UNAUTHORIZED => None,
            Err(reply) => return Err(reply),
        },
        None => None,
    };
    Ok(HttpResponse::Ok().cookie(gone(SESSION_COOKIE)).json(wire::SignedOut { provider_logout }))
}

/// The provider ends sessions without a browser. Its token proves itself, so no header of ours is asked for.
#[utoipa::path(post, path = "/auth/oidc/{provider}/backchannel-logout", tag = "sign-in", params(("provider" = String, Path)),
    responses((status = 200, description = "The sessions have ended"), (status = 400, description = "Refused", body = Problem),
    (status = 404, description = "No such provider", body = Problem)))]
pub async fn backchannel_logout(front: Data<Front>, provider: Path<String>, body: Body) -> Result<HttpResponse, Reply> {
    let provider = ProviderId::parse(&provider).ok_or_else(Reply::not_there)?;
    let bytes = body.bytes()?;
    let token =
        form_urlencoded::parse(&bytes).find(|(name, _)| name == "logout_token").map(|(_, value)| value.into_owned());
    let token = token.ok_or_else(|| Reply::unreadable("the form has no logout_token"))?;
    match deed(&front, move |app| app.backchannel_logout(&provider, &token)).await {
        Ok(()) => Ok(HttpResponse::Ok().finish()),
        // OpenID Connect Back-Channel Logout 1.0 §2.8.
        Err(reply) if reply.status() == StatusCode::FORBIDDEN => Err(Reply::unreadable(reply.detail())),
        Err(reply) => Err(reply),
    }
}

/// A refused sign-in is one calm sentence on the sign-in page, with a code and the request's id for the administrator; what
/// is broken or missing stays what it is.
fn refused(request: &HttpRequest, reply: Reply) -> Result<HttpResponse, Reply> {
    if reply.status() != StatusCode::FORBIDDEN && reply.status() != StatusCode::UNAUTHORIZED {
        return Err(reply);
    }
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("refused", reply.code())
        .append_pair("id", &id_of(request))
        .finish();
    let cookies = [gone(SIGN_IN_COOKIE), posted_back(String::new(), 0)];
    Ok(to_address(StatusCode::SEE_OTHER, &format!("/sign-in?{query}"), cookies))
}

pub(super) fn to_address<const N: usize>(
    status: StatusCode,
    address: &str,
    cookies: [Cookie<'static>; N],
) -> HttpResponse {
    let mut response = HttpResponse::build(status);
    response.insert_header((LOCATION, address));
    for cookie in cookies {
        response.cookie(cookie);
    }
    response.finish()
}

/// The path a sign-in leads to: one of ours, else the front page (an open redirect would lend our name to a lure).
fn ours(path: Option<&str>) -> String {
    // A browser reads `\` as `/` and drops control characters, so `/\evil.example` and `/<tab>/evil.example` leave us.
    let is_ours = |path: &&str| {
        path.starts_with('/')
            && !path.starts_with("//")
            && !path.starts_with("/auth/")
            && path.bytes().all(|b| b.is_ascii_graphic() && b != b'\\')
            && path.len() <= 2048
    };
    path.filter(is_ours).unwrap_or("/").to_owned()
}

/// RFC 6265bis §4.1.3.2: `__Host-` asks for `Secure`, `Path=/` and no `Domain`. Lax, because the provider's redirect back
/// comes from another site.
fn kept(name: &'static str, value: String, minutes: Option<i64>) -> Cookie<'static> {
    let cookie = Cookie::build(name, value).path("/").secure(true).http_only(true).same_site(SameSite::Lax);
    match minutes {
        Some(minutes) => cookie.max_age(Duration::minutes(minutes)).finish(),
        None => cookie.finish(),
    }
}

/// The cookie that comes along when the provider's page posts to us: for a sign-in under way and nothing else, so that it
/// need not be kept from other sites' requests as the session's is.
fn posted_back(state: String, minutes: i64) -> Cookie<'static> {
    let cookie = Cookie::build(SAML_COOKIE, state).path("/").secure(true).http_only(true).same_site(SameSite::None);
    cookie.max_age(Duration::minutes(minutes)).finish()
}

fn gone(name: &'static str) -> Cookie<'static> {
    kept(name, String::new(), Some(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_leads_only_to_our_own_paths() {
        assert_eq!(ours(Some("/conversations/0a?x=1")), "/conversations/0a?x=1");
        for lure in [
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "evil",
            "",
            "/auth/x/login",
        ] {
            assert_eq!(ours(Some(lure)), "/", "{lure:?}");
        }
    }

    #[test]
    fn the_session_cookie_can_be_read_by_no_script_and_no_other_host() {
        let cookie = kept(SESSION_COOKIE, "t0k".to_owned(), None).to_string();

        assert_eq!(cookie, "__Host-sotto=t0k; HttpOnly; SameSite=Lax; Secure; Path=/");
    }

    #[test]
    fn only_the_cookie_of_a_sign_in_that_is_posted_back_comes_along_from_another_site() {
        let cookie = posted_back("s".to_owned(), 10).to_string();

        assert_eq!(cookie, "__Host-sotto-saml=s; HttpOnly; SameSite=None; Secure; Path=/; Max-Age=600");
    }

    #[test]
    fn what_a_form_carries_never_becomes_markup() {
        assert_eq!(escaped("\"><script>&"), "&quot;&gt;&lt;script&gt;&amp;");
    }

    #[test]
    fn a_cookie_that_goes_keeps_the_attributes_its_prefix_needs() {
        let cookie = gone(SESSION_COOKIE).to_string();

        assert!(cookie.contains("Max-Age=0") && cookie.contains("Secure") && cookie.contains("Path=/"), "{cookie}");
    }
}
