//! The bodies of pages and comments, read as they are asked for. They stand in the file in no order and are packed as one
//! stream, so that none can be looked up: a pass over the whole gives those that are asked for, and as many of the next ones
//! as fit in a window. Words are fetched in the order of their ids, so a pass serves what is asked for next.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use super::contents::Markup;
use super::entity::{self, Value, Wanted};
use super::package::{Package, Wrong};

/// Bytes of bodies that are held for what is asked for next.
const WINDOW_BYTES_MAX: usize = 64 << 20;

/// What is known of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Body {
    /// Storage format; empty where there is none.
    Storage(String),
    /// So many bytes, which is more than is read.
    TooLong(usize),
    /// In the markup of Confluence before 4.0.
    Wiki,
}

/// Bodies that were read and not asked for yet.
#[derive(Default)]
pub(super) struct Bodies(Mutex<BTreeMap<Box<str>, Body>>);

impl Bodies {
    /// The bodies of some contents, in their order. What is given is not held any more.
    pub(super) fn of(
        &self,
        package: &Package,
        markups: &HashMap<Box<str>, Markup>,
        ids: &[&str],
    ) -> Result<Vec<Body>, Wrong> {
        self.within(package, markups, ids, WINDOW_BYTES_MAX)
    }

    fn within(
        &self,
        package: &Package,
        markups: &HashMap<Box<str>, Markup>,
        ids: &[&str],
        most: usize,
    ) -> Result<Vec<Body>, Wrong> {
        // Held for the pass: whoever waits finds what it brought.
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found: HashMap<&str, Body> = HashMap::new();
        loop {
            for id in ids.iter().filter(|id| markups.get(**id) == Some(&Markup::Storage)) {
                if let Some(body) = held.remove(*id) {
                    found.insert(id, body);
                }
            }
            let missing =
                ids.iter().filter(|id| markups.get(**id) == Some(&Markup::Storage) && !found.contains_key(**id));
            let Some(first) = missing.min() else { break };
            *held = pass(package, markups, first, most)?;
            if !held.contains_key(*first) {
                return Err(Wrong::Changed);
            }
        }
        let body = |id: &&str| match markups.get(*id) {
            Some(Markup::Wiki) => Body::Wiki,
            Some(Markup::Storage) | None => found.remove(*id).unwrap_or(Body::Storage(String::new())),
        };
        Ok(ids.iter().map(body).collect())
    }
}

/// Reads the bodies of the first contents from this id on that fit, and of that one in any case.
fn pass(
    package: &Package,
    markups: &HashMap<Box<str>, Markup>,
    first: &str,
    most: usize,
) -> Result<BTreeMap<Box<str>, Body>, Wrong> {
    let mut window: BTreeMap<Box<str>, Body> = BTreeMap::new();
    let mut bytes = 0;
    let length = |body: &Body| match body {
        Body::Storage(text) => text.len(),
        Body::TooLong(_) | Body::Wiki => 0,
    };
    package.entities(|text| {
        entity::read(text, Wanted { classes: &["BodyContent"], bodies: true }, &mut |mut object| {
            let Some(of) = object.object("content").map(Box::<str>::from) else { return Ok(()) };
            let is_wanted = &*of >= first && markups.contains_key(&of) && object.text("bodyType") == Some("2");
            if !is_wanted {
                return Ok(());
            }
            let body = match object.take("body") {
                Some(Value::Text(text)) => Body::Storage(text),
                Some(Value::Left(bytes)) => Body::TooLong(bytes),
                Some(Value::Object(..) | Value::Objects(_)) | None => Body::Storage(String::new()),
            };
            bytes += length(&body);
            if let Some(old) = window.insert(of, body) {
                bytes -= length(&old);
            }
            while bytes > most && window.len() > 1 {
                let last = window.pop_last();
                bytes -= last.map_or(0, |(_, body)| length(&body));
            }
            Ok(())
        })
    })?;
    Ok(window)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_bodies_come_in_their_order_whatever_fits_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let body = |id: u32| {
            format!(
                "<object class=\"BodyContent\"><id name=\"id\">9{id}</id><property name=\"body\"><![CDATA[{}]]></property>\
                 <property name=\"content\" class=\"Page\"><id name=\"id\">{id}</id></property><property name=\"bodyType\">2</property></object>",
                format!("words of {id} ").repeat(10)
            )
        };
        let all: String = [30, 10, 20, 50, 40].map(body).concat();
        let text = format!("<hibernate-generic datetime=\"x\">{all}</hibernate-generic>");
        std::io::Write::write_all(
            &mut std::fs::File::create(folder.path().join("entities.xml")).unwrap(),
            text.as_bytes(),
        )
        .unwrap();
        let package = Package::open(folder.path()).unwrap();
        let mut markups: HashMap<Box<str>, Markup> =
            ["10", "20", "30", "40", "50"].into_iter().map(|id| (id.into(), Markup::Storage)).collect();
        markups.insert("60".into(), Markup::Wiki);

        for most in [1, 200, 400, usize::MAX] {
            let bodies = Bodies::default();
            for ids in [&["10", "20", "30"][..], &["60", "40"], &["50", "70"]] {
                let read = bodies.within(&package, &markups, ids, most).unwrap();
                for (id, body) in ids.iter().zip(read) {
                    match body {
                        Body::Storage(text) if *id == "70" => assert_eq!(text, ""),
                        Body::Storage(text) => assert!(text.starts_with(&format!("words of {id} ")), "{id}: {text}"),
                        other => assert_eq!((*id, other), ("60", Body::Wiki)),
                    }
                }
            }
        }
    }
}
