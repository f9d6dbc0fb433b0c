//! A request's question, the part of the address after `?`: read by whoever was let in, so that who may call is settled before
//! what was asked is judged. To everybody else a route of the desk is not there, whatever they ask it.

use std::marker::PhantomData;

use actix_web::web::Query;
use actix_web::{FromRequest, HttpRequest, dev::Payload};
use futures_util::future::{Ready, ok};
use serde::de::DeserializeOwned;

use super::reply::Reply;

/// A question that is not read yet.
pub struct Asked<T> {
    text: String,
    of: PhantomData<fn() -> T>,
}

impl<T> FromRequest for Asked<T> {
    type Error = Reply;
    type Future = Ready<Result<Asked<T>, Reply>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ok(Asked { text: request.query_string().to_owned(), of: PhantomData })
    }
}

impl<T: DeserializeOwned> Asked<T> {
    /// What was asked; 400 where it does not fit.
    pub fn read(self) -> Result<T, Reply> {
        Query::from_query(&self.text).map(Query::into_inner).map_err(|error| misfit(&error))
    }
}

/// What is said of a question that does not fit.
pub fn misfit(error: &actix_web::error::QueryPayloadError) -> Reply {
    Reply::unreadable(format!("the query does not fit: {error}"))
}
