//! Pages of rows, as Data Center cuts them.

use std::sync::PoisonError;

use serde_json::{Value, json};

use super::fault::Fault;
use super::routes::Ask;
use super::shape::Expand;
use crate::standin::server::{Reply, encode};

impl Ask<'_> {
    /// What is asked to be written out.
    pub(super) fn expand(&self, by_default: &str) -> Expand {
        Expand::parse(&self.call.parameter("expand").unwrap_or_else(|| by_default.to_owned()))
    }

    /// Every value of a query parameter.
    pub(super) fn call_all(&self, name: &str) -> Vec<String> {
        let pairs = url::form_urlencoded::parse(self.call.query.as_bytes());
        pairs.filter(|(key, _)| key == name).map(|(_, value)| value.into_owned()).collect()
    }

    /// The first row that is asked for, from 0.
    pub(super) fn start(&self) -> usize {
        self.call.parameter("start").and_then(|start| start.parse().ok()).unwrap_or(0)
    }

    /// How many rows are asked for.
    pub(super) fn limit(&self, by_default: usize) -> usize {
        let asked = self.call.parameter("limit").and_then(|limit| limit.parse().ok());
        asked.filter(|limit| *limit > 0).unwrap_or(by_default)
    }

    /// This request's address below the base, with some parameters changed.
    pub(super) fn address_with(&self, changed: &[(&str, &str)]) -> String {
        let mut query: Vec<(String, String)> =
            url::form_urlencoded::parse(self.call.query.as_bytes()).into_owned().collect();
        query.retain(|(key, _)| changed.iter().all(|(name, _)| key != name));
        query.extend(changed.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let query: Vec<String> =
            query.iter().map(|(key, value)| format!("{}={}", encode(key), encode(value))).collect();
        let path = self.call.path.strip_prefix(self.site.spec.context_path.as_str()).unwrap_or(&self.call.path);
        format!("{path}?{}", query.join("&"))
    }

    /// Rows that went from the head of this listing while it was read.
    fn gone(&self, start: usize) -> usize {
        if !self.faults.contains(&Fault::Shifting) {
            return 0;
        }
        let mut shifted = self.shared.shifted.lock().unwrap_or_else(PoisonError::into_inner);
        if start > 0 {
            shifted.insert(self.call.path.clone());
        }
        if shifted.contains(&self.call.path) { 2 } else { 0 }
    }

    /// A page of rows in the envelope of Data Center. The rows are cut to the cap without a word, and `next` advances by
    /// what was asked for, not by what was served: both are the product's own.
    pub(super) fn paged<T>(&self, all: &[T], by_default: usize, rows_max: usize, row: impl Fn(&T) -> Value) -> Reply {
        let (start, limit) = (self.start(), self.limit(by_default));
        let all = &all[self.gone(start).min(all.len())..];
        let served: Vec<Value> = all.iter().skip(start).take(limit.min(rows_max)).map(row).collect();
        let mut links = json!({"base": self.shapes.url, "context": self.site.spec.context_path,
                               "self": format!("{}{}", self.shapes.url, self.address_with(&[]))});
        if !served.is_empty() && start + served.len() < all.len() {
            let next = (start.saturating_add(limit)).to_string();
            links["next"] = json!(self.address_with(&[("limit", &limit.to_string()), ("start", &next)]));
        }
        let body = json!({"results": served, "start": start, "limit": limit.min(rows_max), "size": served.len(), "_links": links});
        Reply::json(200, &body)
    }
}
