//! `/_standin/…`: changing the site while it runs, and looking at what was asked of it.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError};

use anyhow::Context as _;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::site::{Content, Kind, Site, Spec};
use super::{Shared, export, fault};
use crate::clock::Moment;
use crate::standin::server::{Call, Reply, decode};

impl Shared {
    /// Answers a request of whoever directs the stand-in; it needs no credentials and is not logged.
    pub(super) fn direct(&self, call: &Call, what: &str) -> Reply {
        let parts: Option<Vec<String>> = what.split('/').map(decode).collect();
        let parts = parts.unwrap_or_default();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let body = || serde_json::from_slice::<Value>(&call.body).context("the body is not JSON");
        let done = match (call.method.as_str(), parts.as_slice()) {
            ("GET", ["log"]) => {
                let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
                return Reply::json(200, &Value::Array(log.lines.iter().cloned().collect()));
            }
            ("DELETE", ["log"]) => {
                self.log.lock().unwrap_or_else(PoisonError::into_inner).lines.clear();
                Ok(())
            }
            ("GET", ["faults"]) => {
                return Reply::json(200, &fault::list(&self.faults.read().unwrap_or_else(PoisonError::into_inner)));
            }
            ("PUT", ["faults"]) => body().and_then(|names| {
                let names: Vec<String> = serde_json::from_value(names).context("the body is no list of names")?;
                *self.faults.write().unwrap_or_else(PoisonError::into_inner) = fault::parse(&names)?;
                Ok(())
            }),
            ("GET", ["export"]) => {
                return match export::packed(&self.site(), self.flavour, call.parameter("space").as_deref()) {
                    Ok(bytes) => Reply::of(200, "application/zip", bytes),
                    Err(error) => Reply::json(400, &json!({"error": format!("{error:#}")})),
                };
            }
            ("PUT", ["site"]) => body().and_then(|site| {
                self.put(Site::read(self.flavour.of(site), &self.folder)?);
                Ok(())
            }),
            ("PATCH", ["content", id]) => {
                body().and_then(|patch| self.change(|spec| content(spec, id, &patch, self.clock.now())))
            }
            ("DELETE", ["content", id]) => self.change(|spec| purge(spec, id)),
            ("PATCH", ["groups", name]) => body().and_then(|patch| {
                self.change(|spec| merge(&mut spec.groups, &patch, |group| group.name.eq_ignore_ascii_case(name)))
            }),
            ("PATCH", ["spaces", key]) => {
                body().and_then(|patch| self.change(|spec| merge(&mut spec.spaces, &patch, |space| space.key == *key)))
            }
            ("PATCH", ["users", name]) => body().and_then(|patch| {
                self.change(|spec| merge(&mut spec.users, &patch, |user| user.username.eq_ignore_ascii_case(name)))
            }),
            _ => return Reply::json(404, &json!({"error": "the stand-in has no such control; see the contract's §4"})),
        };
        if done.is_ok() && matches!(call.method.as_str(), "PATCH" | "DELETE") {
            let patch = body().unwrap_or_default();
            let mut audit = self.audit.lock().unwrap_or_else(PoisonError::into_inner);
            audit.note(self.clock.now(), &parts, &patch, &self.site());
        }
        match done {
            Ok(()) => Reply::json(200, &json!({"done": true})),
            Err(error) => Reply::json(400, &json!({"error": format!("{error:#}")})),
        }
    }

    fn put(&self, site: Site) {
        *self.site.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(site);
    }

    /// Changes the site as a whole or not at all.
    fn change(&self, how: impl FnOnce(&mut Spec) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let mut site = self.site.write().unwrap_or_else(PoisonError::into_inner);
        let mut spec = site.spec.clone();
        how(&mut spec)?;
        *site = Arc::new(site.changed(spec, &self.folder)?);
        Ok(())
    }
}

/// Lays a patch over the one thing that fits: a name given replaces, `null` goes back to the default.
fn merge<T: Serialize + DeserializeOwned>(
    all: &mut [T],
    patch: &Value,
    fits: impl Fn(&T) -> bool,
) -> anyhow::Result<()> {
    let old = all.iter_mut().find(|one| fits(one)).context("the site has no such thing")?;
    let mut value = serde_json::to_value(&*old)?;
    let (Some(fields), Some(patch)) = (value.as_object_mut(), patch.as_object()) else {
        anyhow::bail!("a patch is a JSON object");
    };
    for (name, new) in patch {
        if new.is_null() {
            fields.remove(name);
        } else {
            fields.insert(name.clone(), new.clone());
        }
    }
    *old = serde_json::from_value(value).context("the patch does not fit")?;
    Ok(())
}

/// Changes a content. New words make a new version of today; new readers, labels and places do not, as in the product.
fn content(spec: &mut Spec, id: &str, patch: &Value, now: Moment) -> anyhow::Result<()> {
    let words = |content: &Content| (content.title.clone(), content.body.clone());
    let find = |spec: &Spec| spec.content.iter().position(|content| content.id == id);
    let at = find(spec).with_context(|| format!("the site has no content {id}"))?;
    let before = words(&spec.content[at]);
    merge(&mut spec.content, patch, |content| content.id == id)?;
    let new = &mut spec.content[at];
    let has_new_file = ["body_file", "markdown_file", "file", "base64"].iter().any(|key| patch.get(key).is_some());
    if words(new) != before || has_new_file {
        if patch.get("version").is_none() {
            new.version += 1;
        }
        if patch.get("updated_at").is_none() {
            new.updated_at = now.rfc3339();
        }
    }
    if patch.get("space").is_some() && new.kind == Kind::Page {
        // A page that moves to another space takes what is below it along.
        let space = new.space.clone();
        let mut moved = HashSet::from([id.to_owned()]);
        while let Some(next) = spec.content.iter_mut().find(|content| {
            let over = content.container.as_ref().or(content.parent.as_ref());
            over.is_some_and(|over| moved.contains(over)) && !moved.contains(&content.id)
        }) {
            next.space.clone_from(&space);
            moved.insert(next.id.clone());
        }
    }
    Ok(())
}

/// Removes a content for good: its comments and attachments go, the pages below it move up.
fn purge(spec: &mut Spec, id: &str) -> anyhow::Result<()> {
    let gone = spec.content.iter().find(|content| content.id == id).cloned();
    let gone = gone.with_context(|| format!("the site has no content {id}"))?;
    let mut dead = HashSet::from([id.to_owned()]);
    loop {
        let hangs_on_dead = |content: &&Content| {
            !dead.contains(&content.id) && content.container.as_ref().is_some_and(|on| dead.contains(on))
        };
        match spec.content.iter().find(hangs_on_dead).map(|content| content.id.clone()) {
            Some(next) => dead.insert(next),
            None => break,
        };
    }
    spec.content.retain(|content| !dead.contains(&content.id));
    for content in &mut spec.content {
        if content.parent.as_ref().is_some_and(|parent| dead.contains(parent)) {
            content.parent.clone_from(&gone.parent);
        }
    }
    Ok(())
}
