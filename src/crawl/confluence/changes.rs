//! Where Confluence itself says that something changed: its search by date, and its audit log.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::client::{Client, Trouble, encoded};
use super::wire::{self, Rows};
use crate::clock::Moment;
use crate::corpus::{DocumentId, Kind};
use crate::crawl::hint::Hint;
use crate::crawl::source::Changed;
use crate::crawl::{Product, Settings, scope};

/// Rows asked for at once: Data Center gives at most so many with an expansion that is no body.
const ROWS: usize = 200;
/// What is expanded.
const EXPANDED: &str = "version,space";
/// Entries of an audit log asked for at once.
const ENTRIES: usize = 200;
/// Pages of an audit log that are read; behind more of them it cannot be said where something changed.
const AUDIT_PAGES_MAX: usize = 25;
/// In a gap of summer time a date is refused (`confluence.md` §1.8): one an hour before is asked for, twice at most.
const SHIFTS: [i64; 3] = [0, 3_600_000, 7_200_000];

/// What changed since then, by the search. Its dates have no zone and end at the minute, so whoever asks looks back a day.
pub(super) fn changed(client: &Client, settings: &Settings, since: Moment) -> Result<Vec<Changed>, Trouble> {
    let mut changed = Err(Trouble::Status(400, false));
    for shift in SHIFTS {
        changed = asked(client, settings, since.plus_ms(-shift));
        if !matches!(changed, Err(Trouble::Status(400, _))) {
            break;
        }
    }
    changed
}

fn asked(client: &Client, settings: &Settings, since: Moment) -> Result<Vec<Changed>, Trouble> {
    let mut kinds = vec!["page", "blogpost"];
    kinds.extend(scope::takes_kind(settings, Kind::Comment).then_some("comment"));
    kinds.extend(scope::takes_kind(settings, Kind::Attachment).then_some("attachment"));
    let query =
        format!("type in ({}) and lastmodified >= \"{}\" order by lastmodified desc", kinds.join(","), literal(since));
    let path = format!("/rest/api/content/search?cql={}&expand={EXPANDED}", encoded(&query));
    let (mut changed, mut met) = (Vec::new(), BTreeSet::new());
    let mut take = |rows: Vec<wire::Content>| {
        let before = met.len();
        for row in rows {
            let space = row.space.map(|space| space.key).filter(|key| !key.is_empty());
            let is_taken = space.as_deref().is_none_or(|key| scope::takes_space(settings, key, key.starts_with('~')));
            let Some(id) = DocumentId::new(settings.name.as_str(), &row.id) else { continue };
            if met.insert(id.clone()) && is_taken {
                let version = row.version.unwrap_or_default();
                let updated_ms = Moment::parse(&version.when).map_or(0, Moment::ms);
                changed.push(Changed { id, space, revision: version.number, updated_ms });
            }
        }
        met.len() - before
    };
    match settings.kind {
        // Cloud pages by a cursor alone.
        Product::ConfluenceCloud => client.scan(&path, ROWS, &mut |rows| {
            take(rows);
            std::ops::ControlFlow::Continue(())
        })?,
        Product::Confluence | Product::ConfluenceArchive => client.rows(&path, ROWS, &mut take)?,
    }
    Ok(changed)
}

/// `yyyy-MM-dd HH:mm`, the minute floored.
fn literal(at: Moment) -> String {
    at.rfc3339().replace('T', " ").chars().take(16).collect()
}

/// The key of the space that a content is in now; `None` where it is not there for us.
pub(super) fn space_of(client: &Client, local: &str) -> Result<Option<String>, Trouble> {
    let path = format!("/rest/api/content/{}?expand=space", encoded(local));
    match client.read::<wire::Content>(&path) {
        Ok(content) => Ok(content.space.map(|space| space.key).filter(|key| !key.is_empty())),
        Err(trouble) if trouble.is_absent() || matches!(trouble, Trouble::Status(403, _)) => Ok(None),
        Err(trouble) => Err(trouble),
    }
}

/// A page of Data Center's audit log.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Audit {
    #[serde(default)]
    entities: Vec<Entry>,
    #[serde(default)]
    paging_info: Paging,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Paging {
    last_page: bool,
    next_page_cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    timestamp: String,
    #[serde(rename = "type", default)]
    kind: EntryKind,
    #[serde(default)]
    affected_objects: Vec<Affected>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct EntryKind {
    category: String,
    action: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Affected {
    r#type: String,
    #[serde(deserialize_with = "wire::text_or_number")]
    id: String,
}

/// What Data Center's audit log says since then, and the time of its newest entry; `None` where it may not be read. `key_of`
/// gives a space's key by its number.
pub(super) fn audited(
    client: &Client,
    since: Moment,
    key_of: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<(Hint, Moment)>, Trouble> {
    let from = encoded(&since.rfc3339());
    let (mut hint, mut newest, mut cursor) = (Hint::default(), since, String::new());
    for _ in 0..AUDIT_PAGES_MAX {
        let path = format!("/rest/auditing/1.0/events?from={from}&limit={ENTRIES}{cursor}");
        let page: Audit = match client.read(&path) {
            Ok(page) => page,
            Err(trouble) if is_closed(&trouble) => return Ok(None),
            Err(trouble) => return Err(trouble),
        };
        for entry in &page.entities {
            let at = Moment::parse(&entry.timestamp).unwrap_or(since);
            if at > since {
                hint.add(said_by(entry, key_of));
                newest = newest.max(at);
            }
        }
        match page.paging_info.next_page_cursor.filter(|_| !page.paging_info.last_page) {
            Some(next) => cursor = format!("&pageCursor={}", encoded(&next)),
            None => return Ok(Some((hint, newest))),
        }
    }
    hint.add(Hint { everything: true, ..Hint::default() });
    Ok(Some((hint, newest)))
}

fn is_closed(trouble: &Trouble) -> bool {
    trouble.is_absent() || matches!(trouble, Trouble::Status(401 | 403, _) | Trouble::WebPage)
}

/// Where an entry says that something changed. One on permissions that names no place is about all of them.
fn said_by(entry: &Entry, key_of: &dyn Fn(&str) -> Option<String>) -> Hint {
    let category = entry.kind.category.to_lowercase();
    let mut hint = Hint { people: category.contains("users and groups"), ..Hint::default() };
    let is_of_rights = category.contains("permission") || entry.kind.action.to_lowercase().contains("restriction");
    let is_of_content = category.contains("pages") || category.contains("blog") || category.contains("space");
    if !is_of_rights && !is_of_content {
        return hint;
    }
    let mut is_unplaced = is_of_rights;
    for object in &entry.affected_objects {
        match object.r#type.to_lowercase().as_str() {
            "page" | "blog" | "blog post" | "blogpost" | "comment" | "attachment" if !object.id.is_empty() => {
                hint.pages.insert(object.id.clone());
                is_unplaced = false;
            }
            "space" => match key_of(&object.id) {
                Some(key) => {
                    hint.spaces.insert(key);
                    is_unplaced = false;
                }
                None => hint.everything = true,
            },
            _ => {}
        }
    }
    hint.everything |= is_unplaced;
    hint
}

/// A page of Cloud's audit log. It names no ids, so that what it says of rights is said of everything.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CloudEntry {
    #[serde(default)]
    creation_date: i64,
    #[serde(default)]
    category: String,
}

/// What Cloud's audit log says since then; `None` where it may not be read.
pub(super) fn audited_on_cloud(client: &Client, since: Moment) -> Result<Option<(Hint, Moment)>, Trouble> {
    let path = format!("/rest/api/audit?startDate={}&limit={ENTRIES}", since.ms().saturating_add(1));
    let page: Rows<CloudEntry> = match client.read(&path) {
        Ok(page) => page,
        Err(trouble) if is_closed(&trouble) => return Ok(None),
        Err(trouble) => return Err(trouble),
    };
    let (mut hint, mut newest) = (Hint::default(), since);
    for entry in page.results {
        let category = entry.category.to_lowercase();
        hint.people |= category.contains("users and groups") || category.contains("user management");
        hint.everything |= category.contains("permission");
        newest = newest.max(Moment::from_ms(entry.creation_date));
    }
    // Beyond one page of entries it is not said where.
    hint.everything |= page.links.next.is_some();
    Ok(Some((hint, newest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(category: &str, action: &str, objects: serde_json::Value) -> Entry {
        serde_json::from_value(serde_json::json!({
            "timestamp": "2026-06-09T14:04:28.902Z", "type": {"category": category, "action": action},
            "affectedObjects": objects}))
        .unwrap()
    }

    fn said(category: &str, action: &str, objects: serde_json::Value) -> Hint {
        said_by(&entry(category, action, objects), &|id| (id == "65547").then(|| "DEV".to_owned()))
    }

    #[test]
    fn an_entry_says_which_page_or_space_is_to_be_looked_at() {
        let objects =
            serde_json::json!([{"name": "My page", "type": "Page", "id": "131103"}, {"type": "Space", "id": 65547}]);

        let hint = said("Pages and blogs", "Content restriction added", objects);

        assert_eq!((hint.pages.len(), hint.everything), (1, false));
        assert_eq!(hint.spaces.into_iter().collect::<Vec<_>>(), ["DEV"]);
    }

    #[test]
    fn a_right_that_changed_nobody_says_where_is_looked_for_everywhere() {
        assert!(said("Permissions", "Global permission added", serde_json::json!([])).everything);
        assert!(
            said("Permissions", "Space permission added", serde_json::json!([{"type": "Space", "id": "7"}])).everything
        );
        let settings =
            said("Global administration", "Colour changed", serde_json::json!([{"type": "Theme", "id": "1"}]));
        assert!(settings.is_empty());
    }

    #[test]
    fn who_is_in_a_group_is_read_again_and_no_space_is() {
        let hint = said("Users and groups", "User added to group", serde_json::json!([{"type": "Group", "id": ""}]));

        assert_eq!(hint, Hint { people: true, ..Hint::default() });
    }

    #[test]
    fn a_date_is_written_to_the_minute() {
        assert_eq!(literal(Moment::parse("2026-03-01T08:15:59.9Z").unwrap()), "2026-03-01 08:15");
    }
}
