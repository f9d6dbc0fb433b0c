//! How the asker's own history is protected: told, unlocked, locked and changed.

use actix_web::HttpResponse;
use actix_web::web::{Data, Json, Path};

use super::body::Body;
use super::front::{Front, deed};
use super::guard::SignedIn;
use super::reply::{Problem, Reply};
use super::wire;
use crate::app::nouns;

/// How it is protected.
#[utoipa::path(get, path = "/api/v1/protection", tag = "protection",
    responses((status = 200, description = "How it is protected", body = wire::Protection)))]
pub async fn protection(front: Data<Front>, asker: SignedIn) -> Result<Json<wire::Protection>, Reply> {
    let protected = deed(&front, move |app| app.protection(&asker.0)).await?;
    Ok(Json(wire::Protection::from(&protected)))
}

/// Binds it to a passphrase or a passkey, or to another one than until now; all of it is sealed again with new keys.
#[utoipa::path(post, path = "/api/v1/protection", tag = "protection", request_body = wire::Proof, responses(
    (status = 200, description = "A recovery code, told this once", body = wire::RecoveryCode),
    (status = 400, description = "What does not fit", body = Problem),
    (status = 423, description = "It is locked", body = Problem)))]
pub async fn bind(front: Data<Front>, asker: SignedIn, body: Body) -> Result<Json<wire::RecoveryCode>, Reply> {
    let (proof, name) = read(body)?;
    if matches!(proof, nouns::Proof::Recovery(_)) {
        return Err(Reply::unreadable("a history is bound to a passphrase or a passkey; the code is made with it"));
    }
    let code = deed(&front, move |app| app.bind(&asker.0, &proof, &name)).await?;
    Ok(Json(wire::RecoveryCode { recovery_code: code.expose().to_owned() }))
}

/// Gives it back to the server's key; all of it is sealed again with new keys.
#[utoipa::path(delete, path = "/api/v1/protection", tag = "protection", responses(
    (status = 204, description = "The server's key opens it"), (status = 400, description = "The settings do not allow it", body = Problem),
    (status = 423, description = "It is locked", body = Problem)))]
pub async fn unbind(front: Data<Front>, asker: SignedIn) -> Result<HttpResponse, Reply> {
    deed(&front, move |app| app.unbind(&asker.0)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Unlocks it for this session.
#[utoipa::path(post, path = "/api/v1/protection/unlock", tag = "protection", request_body = wire::Proof, responses(
    (status = 204, description = "It is open"), (status = 403, description = "This does not unlock it", body = Problem)))]
pub async fn unlock(front: Data<Front>, asker: SignedIn, body: Body) -> Result<HttpResponse, Reply> {
    let (proof, _) = read(body)?;
    deed(&front, move |app| app.unlock(&asker.0, &proof)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Locks it in this session.
#[utoipa::path(post, path = "/api/v1/protection/lock", tag = "protection",
    responses((status = 204, description = "It is locked, where it is bound")))]
pub async fn lock(front: Data<Front>, asker: SignedIn) -> Result<HttpResponse, Reply> {
    deed(&front, move |app| app.lock(&asker.0)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Adds another way to unlock it; a second passphrase takes the place of the first.
#[utoipa::path(post, path = "/api/v1/protection/locks", tag = "protection", request_body = wire::Proof, responses(
    (status = 204, description = "It unlocks too"), (status = 400, description = "What does not fit", body = Problem),
    (status = 423, description = "It is locked", body = Problem)))]
pub async fn add_lock(front: Data<Front>, asker: SignedIn, body: Body) -> Result<HttpResponse, Reply> {
    let (proof, name) = read(body)?;
    if matches!(proof, nouns::Proof::Recovery(_)) {
        return Err(Reply::unreadable("a recovery code is made here, not chosen"));
    }
    deed(&front, move |app| app.add_lock(&asker.0, &proof, &name)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Takes a way to unlock it away.
#[utoipa::path(delete, path = "/api/v1/protection/locks/{id}", tag = "protection", params(("id" = String, Path)), responses(
    (status = 204, description = "It unlocks no more"), (status = 400, description = "It is the last one", body = Problem),
    (status = 404, description = "There is none such", body = Problem),
    (status = 423, description = "It is locked", body = Problem)))]
pub async fn remove_lock(front: Data<Front>, asker: SignedIn, id: Path<String>) -> Result<HttpResponse, Reply> {
    deed(&front, move |app| app.remove_lock(&asker.0, &id)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Makes a new recovery code; the old one unlocks nothing from then on.
#[utoipa::path(post, path = "/api/v1/protection/recovery", tag = "protection", responses(
    (status = 200, description = "The code, told this once", body = wire::RecoveryCode),
    (status = 423, description = "It is locked", body = Problem)))]
pub async fn renew_code(front: Data<Front>, asker: SignedIn) -> Result<Json<wire::RecoveryCode>, Reply> {
    let code = deed(&front, move |app| app.renew_code(&asker.0)).await?;
    Ok(Json(wire::RecoveryCode { recovery_code: code.expose().to_owned() }))
}

/// What people with a role, and the owner of the machine, last did that concerned the asker.
#[utoipa::path(get, path = "/api/v1/protection/acts", tag = "protection",
    responses((status = 200, description = "The last first", body = wire::Acts)))]
pub async fn acts(front: Data<Front>, asker: SignedIn) -> Result<Json<wire::Acts>, Reply> {
    let acts = deed(&front, move |app| app.acts_about(&asker.0)).await?;
    Ok(Json(acts.into()))
}

fn read(body: Body) -> Result<(nouns::Proof, String), Reply> {
    body.json::<wire::Proof>()?.read().map_err(Reply::unreadable)
}
