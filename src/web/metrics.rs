//! Numbers for the operator, on a loopback listener of their own. No label carries a document, a person or a space: labels
//! are route templates, statuses, outcomes, and the names the settings give to sources.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use actix_web::web::{self, Data};
use actix_web::{HttpResponse, Responder};
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::app::chain;
use crate::app::{App, Overview};
use crate::crawl::State;

/// Upper bounds in seconds: from a page served from memory to a long answer on two cores.
const SECONDS: [f64; 12] = [0.005, 0.02, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SourceLabels {
    source: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabels {
    source: String,
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BuildLabels {
    version: &'static str,
}

type Seconds = Histogram;
type Whole = Gauge<i64>;

/// Everything that is counted.
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    request_s: Family<RouteLabels, Seconds, fn() -> Seconds>,
    answers: Family<OutcomeLabels, Counter>,
    first_claim_s: Seconds,
    answer_s: Seconds,
    documents: Whole,
    passages: Whole,
    without_vectors: Whole,
    people_active: Whole,
    audit_leaves: Whole,
    checkpoint_age_s: Gauge<f64, AtomicU64>,
    outside_age_s: Gauge<f64, AtomicU64>,
    outside_since: Whole,
    source_documents: Family<SourceLabels, Whole>,
    source_state: Family<StateLabels, Whole>,
    permission_age_s: Family<SourceLabels, Gauge<f64, AtomicU64>>,
}

fn seconds() -> Seconds {
    Histogram::new(SECONDS)
}

impl Metrics {
    /// Nothing counted yet.
    pub fn new() -> Metrics {
        let mut metrics = Metrics {
            registry: Registry::with_prefix("sotto"),
            requests: Family::default(),
            request_s: Family::new_with_constructor(seconds),
            answers: Family::default(),
            first_claim_s: seconds(),
            answer_s: seconds(),
            documents: Gauge::default(),
            passages: Gauge::default(),
            without_vectors: Gauge::default(),
            people_active: Gauge::default(),
            audit_leaves: Gauge::default(),
            checkpoint_age_s: Gauge::default(),
            outside_age_s: Gauge::default(),
            outside_since: Gauge::default(),
            source_documents: Family::default(),
            source_state: Family::default(),
            permission_age_s: Family::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let build: Family<BuildLabels, Whole> = Family::default();
        build.get_or_create(&BuildLabels { version: env!("CARGO_PKG_VERSION") }).set(1);
        let to = &mut self.registry;
        to.register("build", "The version that runs", build);
        to.register("requests", "Requests by route template and status", self.requests.clone());
        to.register("request_seconds", "Seconds until a reply began, by route template", self.request_s.clone());
        to.register("answers", "Questions by how their answer ended", self.answers.clone());
        to.register("first_claim_seconds", "Seconds until the first sentence", self.first_claim_s.clone());
        to.register("answer_seconds", "Seconds until the whole answer", self.answer_s.clone());
        to.register("documents", "Documents in the index", self.documents.clone());
        to.register("passages", "Passages in the index", self.passages.clone());
        to.register("passages_without_vector", "Passages not embedded yet", self.without_vectors.clone());
        to.register("people_active", "Active people in the directory", self.people_active.clone());
        to.register("audit_leaves", "Leaves in the audit log", self.audit_leaves.clone());
        to.register("checkpoint_age_seconds", "Age of the last signed checkpoint", self.checkpoint_age_s.clone());
        let (age, since) = (self.outside_age_s.clone(), self.outside_since.clone());
        to.register("outside_checkpoint_age_seconds", "Age of the newest checkpoint that a place outside took", age);
        to.register("outside_leaves_since", "Leaves in the audit log that no checkpoint held outside covers", since);
        to.register("source_documents", "Documents in the index by source", self.source_documents.clone());
        to.register("source_state", "1 for how a source's last sync stands", self.source_state.clone());
        let age = self.permission_age_s.clone();
        to.register("source_permission_age_seconds", "Seconds since a source's permissions were read whole", age);
    }

    /// Counts one reply.
    pub fn request(&self, method: &'static str, route: &str, status: u16, took: Duration) {
        self.requests.get_or_create(&RequestLabels { method, route: route.to_owned(), status }).inc();
        self.request_s.get_or_create(&RouteLabels { route: route.to_owned() }).observe(took.as_secs_f64());
    }

    /// Counts the end of one question: `answered`, `refused`, `stopped` or `failed`.
    pub fn answer(&self, outcome: &'static str, took: Duration) {
        self.answers.get_or_create(&OutcomeLabels { outcome }).inc();
        self.answer_s.observe(took.as_secs_f64());
    }

    /// Notes how long the first sentence took.
    pub fn first_claim(&self, took: Duration) {
        self.first_claim_s.observe(took.as_secs_f64());
    }

    /// Takes over what the appliance says of itself.
    fn note(&self, overview: &Overview) {
        let whole = |gauge: &Whole, value: u64| {
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        };
        let age_s = |since: crate::clock::Moment| overview.at.since(since) as f64 / 1000.0;
        whole(&self.documents, overview.documents);
        whole(&self.passages, overview.passages);
        whole(&self.without_vectors, overview.without_vectors);
        whole(&self.people_active, overview.directory.active);
        whole(&self.audit_leaves, overview.audit_size);
        if let Some(at) = overview.checkpoint_at {
            self.checkpoint_age_s.set(age_s(at));
        }
        if let Some((at, _)) = overview.outside.newest {
            self.outside_age_s.set(age_s(at));
        }
        whole(&self.outside_since, overview.outside.since);
        self.source_state.clear();
        for source in &overview.sources {
            let name = source.name.to_string();
            let labels = SourceLabels { source: name.clone() };
            whole(&self.source_documents.get_or_create(&labels), source.status.documents);
            if let Some(at) = source.status.permissions_as_of {
                self.permission_age_s.get_or_create(&labels).set(age_s(at));
            }
            let state = source.status.runs.first().map_or("never", |run| state_word(&run.state));
            self.source_state.get_or_create(&StateLabels { source: name, state }).set(1);
        }
    }
}

/// The word of a run's state.
pub fn state_word(state: &State) -> &'static str {
    match state {
        State::Running => "running",
        State::Succeeded => "succeeded",
        State::Incomplete => "incomplete",
        State::Failed => "failed",
        State::Held => "held",
        State::Stopped => "stopped",
    }
}

/// `GET /metrics` of the loopback listener, in the OpenMetrics text format.
pub async fn scrape(app: Data<Arc<App>>, metrics: Data<Arc<Metrics>>) -> impl Responder {
    let app = Arc::clone(&app);
    match web::block(move || app.overview_as_owner()).await {
        Ok(Ok(overview)) => metrics.note(&overview),
        // The counters are still true; a gauge that cannot be read keeps its last value.
        Ok(Err(error)) => tracing::error!(cause = %chain(&error), "the overview for the metrics failed"),
        Err(error) => tracing::error!(cause = %error, "the overview for the metrics failed"),
    }
    let mut out = String::new();
    match text::encode(&mut out, &metrics.registry) {
        Ok(()) => {
            HttpResponse::Ok().content_type("application/openmetrics-text; version=1.0.0; charset=utf-8").body(out)
        }
        Err(_) => HttpResponse::InternalServerError().finish(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_counted_under_its_template_and_status() {
        let metrics = Metrics::new();

        metrics.request("GET", "/api/v1/documents/{id}", 404, Duration::from_millis(7));

        let mut out = String::new();
        text::encode(&mut out, &metrics.registry).unwrap();
        let line = "sotto_requests_total{method=\"GET\",route=\"/api/v1/documents/{id}\",status=\"404\"} 1";
        assert!(out.lines().any(|found| found == line), "{out}");
        assert!(out.contains("sotto_build{version="), "{out}");
    }
}
