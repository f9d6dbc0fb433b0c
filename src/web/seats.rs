//! Seats on the desk. For anybody but who keeps the directory these routes are not there.

use actix_web::HttpResponse;
use actix_web::web::{Data, Json};

use super::asked::Asked;
use super::body::Body;
use super::front::{Front, deed};
use super::guard::Registrar;
use super::pages::page;
use super::reply::{Problem, Reply};
use super::wire;

/// Where the administrator sees who has a seat, and gives and takes them.
#[utoipa::path(get, path = "/admin/seats", tag = "pages", responses((status = 200, description = "The page", content_type = "text/html"),
    (status = 404, description = "The asker may not")))]
pub async fn seats_page(front: Data<Front>, _: Registrar) -> Result<HttpResponse, Reply> {
    page(&front, "seats.html")
}

/// Who has a seat, of which tier and since when, and how many have.
#[utoipa::path(get, path = "/api/v1/admin/seats", tag = "desk", params(wire::WhichSeats), responses(
    (status = 200, description = "A part of the list, and the counts", body = wire::Seats),
    (status = 404, description = "The asker may not", body = Problem)))]
pub async fn seats(
    front: Data<Front>,
    registrar: Registrar,
    which: Asked<wire::WhichSeats>,
) -> Result<Json<wire::Seats>, Reply> {
    let (which, part) = which.read()?.read()?;
    let found = deed(&front, move |app| app.seats(&registrar.0, &which, &part)).await?;
    Ok(Json(wire::Seats::from(&found)))
}

/// Gives or takes the seats of some people: in force at once, with a receipt for each.
#[utoipa::path(post, path = "/api/v1/admin/seats", tag = "desk", request_body = wire::ChangeSeats, responses(
    (status = 200, description = "What became of each", body = wire::ChangedSeats),
    (status = 400, description = "What does not fit", body = Problem),
    (status = 404, description = "No such person, or the asker may not", body = Problem)))]
pub async fn change_seats(
    front: Data<Front>,
    registrar: Registrar,
    body: Body,
) -> Result<Json<wire::ChangedSeats>, Reply> {
    let (doing, people) = body.json::<wire::ChangeSeats>()?.read()?;
    let changed = deed(&front, move |app| app.change_seats(&registrar.0, &people, doing)).await?;
    Ok(Json(wire::ChangedSeats::from(&changed[..])))
}
