//! The built-in pages and the files they load.

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, LOCATION};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use url::form_urlencoded;

use super::assets::content_type;
use super::front::Front;
use super::guard::{Administrator, AuditorOrAdministrator, Registrar, Support, asker};
use super::reply::Reply;

/// RFC 8246: the path has the content's hash, so what it names never changes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// The page for asking.
#[utoipa::path(get, path = "/", tag = "pages", responses((status = 200, description = "The page", content_type = "text/html")))]
pub async fn front_page(front: Data<Front>, request: HttpRequest) -> Result<HttpResponse, Reply> {
    for_asker(&front, &request).await
}

/// The same page, at one conversation.
#[utoipa::path(get, path = "/conversations/{id}", tag = "pages", params(("id" = String, Path)),
    responses((status = 200, description = "The page", content_type = "text/html")))]
pub async fn conversation(front: Data<Front>, request: HttpRequest) -> Result<HttpResponse, Reply> {
    for_asker(&front, &request).await
}

/// The page for signing in.
#[utoipa::path(get, path = "/sign-in", tag = "pages", responses((status = 200, description = "The page", content_type = "text/html")))]
pub async fn sign_in(front: Data<Front>) -> Result<HttpResponse, Reply> {
    page(&front, "sign-in.html")
}

/// What is kept of whom, and who can read it.
#[utoipa::path(get, path = "/privacy", tag = "pages", responses((status = 200, description = "The page", content_type = "text/html")))]
pub async fn privacy(front: Data<Front>) -> Result<HttpResponse, Reply> {
    page(&front, "privacy.html")
}

/// The administrator's desk.
#[utoipa::path(get, path = "/admin", tag = "pages", responses((status = 200, description = "The page", content_type = "text/html"),
    (status = 404, description = "The asker is no administrator")))]
pub async fn admin(front: Data<Front>, _: Support) -> Result<HttpResponse, Reply> {
    page(&front, "admin.html")
}

/// Where the administrator asks why somebody may or may not read a document.
#[utoipa::path(get, path = "/admin/access", tag = "pages", responses((status = 200, description = "The page", content_type = "text/html"),
    (status = 404, description = "The asker is no administrator")))]
pub async fn admin_access(front: Data<Front>, _: Administrator) -> Result<HttpResponse, Reply> {
    page(&front, "access.html")
}

/// Where the administrator makes a source.
#[utoipa::path(get, path = "/admin/sources", tag = "pages", responses((status = 200, description = "The page", content_type = "text/html"),
    (status = 404, description = "The asker is no administrator")))]
pub async fn admin_new_source(front: Data<Front>, _: Administrator) -> Result<HttpResponse, Reply> {
    page(&front, "new-source.html")
}

/// One source on the desk. Which it is the page reads from its own address, and a source that is not there the interface
/// tells it.
#[utoipa::path(get, path = "/admin/sources/{name}", tag = "pages", params(("name" = String, Path)),
    responses((status = 200, description = "The page", content_type = "text/html"),
    (status = 404, description = "The asker is no administrator")))]
pub async fn admin_source(front: Data<Front>, _: Support) -> Result<HttpResponse, Reply> {
    page(&front, "source.html")
}

/// Where the administrator looks up people and groups, and says whose an account is.
#[utoipa::path(get, path = "/admin/people", tag = "pages", responses((status = 200, description = "The page", content_type = "text/html"),
    (status = 404, description = "The asker is no administrator")))]
pub async fn admin_people(front: Data<Front>, _: Registrar) -> Result<HttpResponse, Reply> {
    page(&front, "people.html")
}

/// Where auditors look into the log, and administrators at what of it is held outside. Each sees what is theirs.
#[utoipa::path(get, path = "/admin/audit", tag = "pages", responses((status = 200, description = "The page", content_type = "text/html"),
    (status = 404, description = "The asker is neither auditor nor administrator")))]
pub async fn admin_audit(front: Data<Front>, _: AuditorOrAdministrator) -> Result<HttpResponse, Reply> {
    page(&front, "audit.html")
}

/// Where the administrator makes, changes and ends the tokens of those who provision.
#[utoipa::path(get, path = "/admin/scim", tag = "pages", responses((status = 200, description = "The page", content_type = "text/html"),
    (status = 404, description = "The asker is no administrator")))]
pub async fn admin_scim(front: Data<Front>, _: Administrator) -> Result<HttpResponse, Reply> {
    page(&front, "scim.html")
}

/// Who is signed in, and where they are signed out.
#[utoipa::path(get, path = "/admin/sessions", tag = "pages", responses((status = 200, description = "The page", content_type = "text/html"),
    (status = 404, description = "The asker may not")))]
pub async fn admin_sessions(front: Data<Front>, _: Registrar) -> Result<HttpResponse, Reply> {
    page(&front, "sessions.html")
}

/// Where the administrator sees what is open to more people than may have been meant.
#[utoipa::path(get, path = "/admin/exposure", tag = "pages", responses((status = 200, description = "The page", content_type = "text/html"),
    (status = 404, description = "The asker is no administrator")))]
pub async fn admin_exposure(front: Data<Front>, _: Administrator) -> Result<HttpResponse, Reply> {
    page(&front, "exposure.html")
}

/// Where the administrator sees how much is asked, in numbers.
#[utoipa::path(get, path = "/admin/analytics", tag = "pages", responses((status = 200, description = "The page", content_type = "text/html"),
    (status = 404, description = "The asker is no administrator")))]
pub async fn admin_analytics(front: Data<Front>, _: Administrator) -> Result<HttpResponse, Reply> {
    page(&front, "analytics.html")
}

/// What support sees.
#[utoipa::path(get, path = "/admin/support", tag = "pages", responses((status = 200, description = "The page", content_type = "text/html"),
    (status = 404, description = "The asker is neither of support nor an administrator")))]
pub async fn admin_support(front: Data<Front>, _: Support) -> Result<HttpResponse, Reply> {
    page(&front, "support.html")
}

/// A file of the pages, under the hash of all of them.
#[utoipa::path(get, path = "/static/{hash}/{path}", tag = "pages", params(("hash" = String, Path), ("path" = String, Path)),
    responses((status = 200, description = "The file"), (status = 404, description = "No such file")))]
pub async fn file(front: Data<Front>, place: Path<(String, String)>) -> Result<HttpResponse, Reply> {
    let (hash, name) = place.into_inner();
    if hash != front.assets.hash() {
        return Err(Reply::not_there());
    }
    let bytes = front.assets.file(&name).ok_or_else(Reply::not_there)?;
    let caching = if front.assets.is_embedded() { FOR_EVER } else { "no-store" };
    Ok(HttpResponse::Ok().content_type(content_type(&name)).insert_header((CACHE_CONTROL, caching)).body(bytes))
}

/// The page for asking, or the way to the sign-in page and back.
async fn for_asker(front: &Data<Front>, request: &HttpRequest) -> Result<HttpResponse, Reply> {
    match asker(request).await {
        // Who signed in without a provider has nothing to ask.
        Ok(asker) if asker.emergency_ends().is_some() => {
            Ok(HttpResponse::SeeOther().insert_header((LOCATION, "/admin")).finish())
        }
        Ok(_) => page(front, "index.html"),
        Err(reply) if reply.status() == StatusCode::UNAUTHORIZED => {
            let query =
                form_urlencoded::Serializer::new(String::new()).append_pair("return_to", request.path()).finish();
            Ok(HttpResponse::SeeOther().insert_header((LOCATION, format!("/sign-in?{query}"))).finish())
        }
        Err(reply) => Err(reply),
    }
}

pub(super) fn page(front: &Front, name: &str) -> Result<HttpResponse, Reply> {
    let html = front.assets.page(name).ok_or_else(Reply::not_there)?;
    Ok(HttpResponse::Ok().content_type("text/html; charset=utf-8").body(html))
}
