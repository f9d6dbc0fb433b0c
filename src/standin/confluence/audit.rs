//! The audit log, as administrators read it: what whoever directs the stand-in has changed, in the product's own categories.

use serde_json::{Value, json};

use super::site::Site;
use crate::clock::Moment;
use crate::standin::server::{Call, Reply};

/// Entries that are remembered; the oldest go first.
const ENTRIES_MAX: usize = 10_000;
/// Entries given at once at most.
const ROWS_MAX: usize = 1_000;

/// What was changed, when.
#[derive(Debug, Default)]
pub(super) struct Audit {
    entries: std::collections::VecDeque<(Moment, Value)>,
}

impl Audit {
    /// Notes a change that was made to the site: what was patched, by the control's own words for it.
    pub(super) fn note(&mut self, at: Moment, parts: &[&str], patch: &Value, site: &Site) {
        let has = |key: &str| patch.get(key).is_some();
        let (category, action, objects) = match parts {
            ["content", id] => {
                let objects = json!([{ "name": "a page", "type": "Page", "id": id }]);
                match has("read") || has("update") {
                    true => ("Pages and blogs", "Content restriction changed", objects),
                    false => ("Pages and blogs", "Page changed", objects),
                }
            }
            ["spaces", key] => {
                let number = site.space_number(key).to_string();
                ("Permissions", "Space permission changed", json!([{ "name": key, "type": "Space", "id": number }]))
            }
            ["groups", name] => {
                ("Users and groups", "Group membership changed", json!([{ "name": name, "type": "Group", "id": "" }]))
            }
            ["users", name] => {
                ("Users and groups", "User changed", json!([{ "name": name, "type": "User", "id": "" }]))
            }
            _ => return,
        };
        let entry = json!({ "timestamp": at.rfc3339(), "type": { "category": category, "action": action },
                            "affectedObjects": objects, "changedValues": [] });
        if self.entries.len() == ENTRIES_MAX {
            self.entries.pop_front();
        }
        self.entries.push_back((at, entry));
    }

    /// `GET /rest/auditing/1.0/events`: newest first, a page at a time.
    pub(super) fn events(&self, call: &Call) -> Reply {
        let moment = |name: &str| call.parameter(name).and_then(|text| Moment::parse(&text));
        let number = |name: &str| call.parameter(name).and_then(|text| text.parse::<usize>().ok());
        let (from, to) = (moment("from"), moment("to"));
        let (limit, skip) = (number("limit").unwrap_or(200).clamp(1, ROWS_MAX), number("pageCursor").unwrap_or(0));
        let is_asked = |at: Moment| from.is_none_or(|from| at >= from) && to.is_none_or(|to| at <= to);
        let asked: Vec<&Value> =
            self.entries.iter().rev().filter(|(at, _)| is_asked(*at)).map(|(_, one)| one).collect();
        let page: Vec<&Value> = asked.iter().copied().skip(skip).take(limit).collect();
        let is_last = skip + page.len() >= asked.len();
        let mut paging = json!({ "lastPage": is_last });
        if !is_last {
            paging["nextPageCursor"] = json!((skip + page.len()).to_string());
        }
        Reply::json(200, &json!({ "entities": page, "pagingInfo": paging }))
    }
}
