//! Leaves as events of the Open Cybersecurity Schema Framework, version 1.5.0 (schema.ocsf.io), a JSON object each.
//!
//! A leaf becomes one of five classes: a sign-in is Authentication, a provisioned person Account Change and a group Group
//! Management, the life of the process Application Lifecycle, what somebody asked, read or looked up API Activity, and all else
//! Entity Management. The leaf as it is exported stands in `raw_data`, its hash in `metadata.uid`, what the class has no place
//! for in `unmapped`; nothing is made up.

use serde_json::{Map, Value, json};

use crate::app::{Named, TheLeaf};
use crate::audit::Leaf;
use crate::clock::Moment;

const VERSION: &str = "1.5.0";

/// `severity_id`: informational, low, high.
const INFORMATIONAL: u8 = 1;
const LOW: u8 = 2;
const HIGH: u8 = 4;
/// `activity_id`: what the class has no number for.
const OTHER: u8 = 99;

/// What an event is, before it is written down.
struct Class {
    uid: u32,
    name: &'static str,
    activity: u8,
    is_failure: bool,
    severity: u8,
    /// Attributes of the class.
    own: Map<String, Value>,
}

/// One leaf as an event.
pub fn event(told: &TheLeaf, origin: &str) -> Value {
    let leaf = &told.leaf;
    let Class { uid, name, activity, is_failure, severity, own } = class(told);
    let mut unmapped = leaf.fields.clone();
    unmapped.retain(|field, _| !["index", "at", "event", "previous"].contains(&field.as_str()));
    let mut event = json!({
        "activity_id": activity,
        "category_uid": uid / 1000,
        "class_uid": uid,
        "class_name": name,
        "type_uid": u64::from(uid) * 100 + u64::from(activity),
        "severity_id": severity,
        "status_id": if is_failure { 2 } else { 1 },
        "time": Moment::parse(leaf.at()).map_or(0, Moment::ms),
        "metadata": {
            "version": VERSION,
            "product": { "name": "Sotto", "vendor_name": "Sotto", "version": env!("CARGO_PKG_VERSION") },
            "uid": hex::encode(leaf.hash()),
            "event_code": leaf.event(),
            "log_name": origin,
            "sequence": leaf.index,
            "original_time": leaf.at(),
        },
        "raw_data": leaf.line,
        "unmapped": unmapped,
    });
    if activity == OTHER {
        // The schema wants a word where there is no number for it.
        event["activity_name"] = leaf.event().into();
    }
    if let Some(event) = event.as_object_mut() {
        event.extend(own);
    }
    event
}

fn class(told: &TheLeaf) -> Class {
    let leaf = &told.leaf;
    match leaf.event() {
        "signed_in" => authentication(told, 1, false),
        "sign_in_refused" => authentication(told, 1, true),
        "signed_out" => authentication(told, 2, false),
        "sign_out_refused" => authentication(told, 2, true),
        "provisioned" if leaf.text("change").starts_with("group_") => group(leaf),
        "provisioned" | "person_forgotten" | "person_erased" => account(told),
        "started" => life(3, INFORMATIONAL),
        "stopped" => life(4, INFORMATIONAL),
        "upgraded" => life(8, INFORMATIONAL),
        "settings_changed" => life(OTHER, LOW),
        "tail_cut" => life(OTHER, HIGH),
        "asked" | "answered" | "searched" | "opened" | "recalled" | "explained" | "tested" | "audit_read" | "desk" => {
            activity(told)
        }
        _ => entity(told),
    }
}

fn authentication(told: &TheLeaf, activity: u8, is_failure: bool) -> Class {
    let mut own = attributes(json!({
        "user": user(&told.actor, &told.leaf, "actor"),
        "service": { "name": some(told.leaf.text("provider"), "sotto") },
    }));
    if is_failure {
        own.insert("status_detail".to_owned(), told.leaf.text("code").into());
    }
    let severity = if is_failure { LOW } else { INFORMATIONAL };
    Class { uid: 3002, name: "Authentication", activity, is_failure, severity, own }
}

fn account(told: &TheLeaf) -> Class {
    let (activity, about) = match (told.leaf.event(), told.leaf.text("change")) {
        ("provisioned", "person_made") => (1, (&told.subject, "subject")),
        ("provisioned", "person_inactive") => (5, (&told.subject, "subject")),
        ("provisioned", "person_removed") => (6, (&told.subject, "subject")),
        ("person_forgotten", _) => (OTHER, (&told.actor, "actor")),
        _ => (OTHER, (&told.subject, "subject")),
    };
    let mut own = attributes(json!({ "user": user(about.0, &told.leaf, about.1) }));
    own.insert("actor".to_owned(), actor(told));
    Class { uid: 3001, name: "Account Change", activity, is_failure: false, severity: INFORMATIONAL, own }
}

fn group(leaf: &Leaf) -> Class {
    let activity = match leaf.text("change") {
        "group_made" => 6,
        "group_removed" => 5,
        _ => OTHER,
    };
    let own = attributes(json!({
        "group": { "uid": some(leaf.text("target"), "unknown") }, "actor": { "app_name": some(leaf.text("by"), "sotto") },
    }));
    Class { uid: 3006, name: "Group Management", activity, is_failure: false, severity: INFORMATIONAL, own }
}

fn life(activity: u8, severity: u8) -> Class {
    let own = attributes(json!({ "app": { "name": "Sotto", "version": env!("CARGO_PKG_VERSION") } }));
    Class { uid: 6002, name: "Application Lifecycle", activity, is_failure: false, severity, own }
}

fn activity(told: &TheLeaf) -> Class {
    let leaf = &told.leaf;
    let passages = ["shown", "cited"].into_iter().flat_map(|field| leaf.texts(field));
    let documents = passages.map(|passage| passage.split('@').next().unwrap_or_default());
    let mut documents: Vec<&str> =
        documents.chain([leaf.text("document")]).filter(|document| !document.is_empty()).collect();
    documents.sort_unstable();
    documents.dedup();
    let resources: Vec<Value> =
        documents.into_iter().map(|document| json!({ "uid": document, "type": "document" })).collect();
    let mut own = attributes(json!({
        "actor": actor(told),
        "api": { "operation": some(leaf.text("what"), leaf.event()), "service": { "name": "Sotto" } },
        // Addresses of people are not kept; the request came in at our own door.
        "src_endpoint": { "svc_name": "Sotto" },
    }));
    if !resources.is_empty() {
        own.insert("resources".to_owned(), resources.into());
    }
    // A question asks for something to be made, all else reads; what the desk changed is told by its operation alone.
    let activity = match leaf.event() {
        "desk" | "asked" => OTHER,
        _ => 2,
    };
    Class { uid: 6003, name: "API Activity", activity, is_failure: false, severity: INFORMATIONAL, own }
}

fn entity(told: &TheLeaf) -> Class {
    let leaf = &told.leaf;
    let about = ["conversation", "message", "source", "place", "target"].into_iter();
    let about = about.map(|field| (field, leaf.text(field))).find(|(_, id)| !id.is_empty());
    let (kind, id) = about.unwrap_or(("log", "audit"));
    let activity = if leaf.event() == "key_forgotten" { 4 } else { OTHER };
    let is_failure = matches!(leaf.text("outcome"), "failed" | "broken");
    let own = attributes(json!({ "entity": { "uid": id, "type": kind }, "actor": actor(told) }));
    Class { uid: 3004, name: "Entity Management", activity, is_failure, severity: INFORMATIONAL, own }
}

/// Who did it: a person, or the appliance and its owner by the word of the leaf.
fn actor(told: &TheLeaf) -> Value {
    match told.leaf.text("actor") {
        "" => json!({ "app_name": some(told.leaf.text("by"), "sotto") }),
        _ => json!({ "user": user(&told.actor, &told.leaf, "actor") }),
    }
}

/// A person by id and name for who may be told; else by the commitment, which is of this leaf alone.
fn user(named: &Option<Named>, leaf: &Leaf, field: &str) -> Value {
    match named {
        Some(Named { id, names: Some((user_name, display_name)) }) => {
            json!({ "uid": id.to_string(), "name": user_name, "full_name": display_name, "type_id": 1 })
        }
        Some(Named { id, names: None }) => json!({ "uid": id.to_string(), "type_id": 1 }),
        None => match leaf.text(field) {
            "" => json!({ "uid": "unknown", "type_id": 0 }),
            commitment => json!({ "uid": commitment, "type_id": 0 }),
        },
    }
}

fn some<'a>(text: &'a str, otherwise: &'a str) -> &'a str {
    if text.is_empty() { otherwise } else { text }
}

fn attributes(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    }
}
