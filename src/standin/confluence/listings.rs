//! What listings under way have found, so that a further page begins where the last one ended.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::site::Site;

/// Listings that are remembered; the oldest goes first.
const LISTINGS_MAX: usize = 16;

/// Listings by what was asked. Of a large site each is worked out once, and its pages cost no more than their rows.
#[derive(Default)]
pub(super) struct Listings(Mutex<VecDeque<Listing>>);

struct Listing {
    site: Arc<Site>,
    key: String,
    places: Arc<[usize]>,
}

impl Listings {
    /// What `find` finds in this site for what is asked, or has found before. A site that was changed is another one.
    pub fn of<E>(
        &self,
        site: &Arc<Site>,
        key: String,
        find: impl FnOnce() -> Result<Vec<usize>, E>,
    ) -> Result<Arc<[usize]>, E> {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |listing: &&Listing| Arc::ptr_eq(&listing.site, site) && listing.key == key;
        if let Some(known) = lock().iter().find(is_it) {
            return Ok(known.places.clone());
        }
        let places: Arc<[usize]> = find()?.into();
        let mut listings = lock();
        listings.retain(|listing| Arc::ptr_eq(&listing.site, site));
        if listings.len() == LISTINGS_MAX {
            listings.pop_front();
        }
        listings.push_back(Listing { site: site.clone(), key, places: places.clone() });
        Ok(places)
    }
}
