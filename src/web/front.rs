//! What every route is given: the appliance and the few things that belong to its front.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use actix_web::web::{self, Data};

use super::Settings;
use super::assets::Assets;
use super::metrics::Metrics;
use super::reply::Reply;
use crate::app::{self, App};
use crate::clock::Moment;
use crate::names::Ids;

/// What every route is given.
pub struct Front {
    /// The appliance.
    pub app: Arc<App>,
    /// The origin people use (RFC 6454 §6.2), from the settings and never from a request.
    pub origin: String,
    /// The public address without a trailing slash.
    pub public: String,
    /// The pages and their files.
    pub assets: Assets,
    /// When the certificate that is shown ends; `None` where that cannot be read from it.
    pub certificate_ends: Option<Moment>,
    /// Whether metrics are listened for.
    pub has_metrics: bool,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Where request ids come from: always random, also where a test holds the ids of the rooms.
    pub ids: Ids,
    /// Requests that run now, event streams until their last event included.
    running: Arc<AtomicUsize>,
    /// Set once the server was told to stop.
    stopping: AtomicBool,
}

/// One running request; it counts until it is dropped.
pub struct Running(Arc<AtomicUsize>);

impl Running {
    fn new(count: &Arc<AtomicUsize>) -> Running {
        count.fetch_add(1, Ordering::SeqCst);
        Running(Arc::clone(count))
    }
}

#[cfg(test)]
impl Default for Running {
    fn default() -> Running {
        Running::new(&Arc::default())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Front {
    /// From the settings.
    pub fn new(app: Arc<App>, settings: &Settings, certificate_ends: Option<Moment>, metrics: Arc<Metrics>) -> Front {
        Front {
            app,
            origin: settings.public_url.origin().ascii_serialization(),
            public: settings.public_url.as_str().trim_end_matches('/').to_owned(),
            assets: Assets::open(settings.static_dir.as_deref()),
            certificate_ends,
            has_metrics: settings.metrics_listen.is_some(),
            metrics,
            ids: Ids::Random,
            running: Arc::default(),
            stopping: AtomicBool::new(false),
        }
    }

    /// Counts a request until the value is dropped.
    pub fn run(&self) -> Running {
        Running::new(&self.running)
    }

    /// How many requests run now.
    pub fn running(&self) -> usize {
        self.running.load(Ordering::SeqCst)
    }

    /// From now on new requests are turned away.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
    }

    /// Whether new requests are turned away.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }
}

/// Does one deed of the appliance on the blocking pool, so that no other request waits for it.
pub async fn deed<T: Send + 'static>(
    front: &Data<Front>,
    deed: impl FnOnce(&App) -> Result<T, app::Error> + Send + 'static,
) -> Result<T, Reply> {
    let app = Arc::clone(&front.app);
    // The outer error is a panic in the deed: a bug, reported as such.
    web::block(move || deed(&app)).await.map_err(Reply::broken)?.map_err(Reply::from)
}
