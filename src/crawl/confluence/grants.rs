//! Who may view a space, by whichever way this Confluence tells it: REST, a remote procedure call, an add-on, or a table or an
//! XML export that the administrator keeps.
//!
//! REST tells it from 9.1 on. Before, the deprecated remote procedure calls do, where they are switched on and no form for the
//! administrator's password stands before them. Each way tells the whole truth or nothing: what one of them cannot tell is
//! asked of the next, never put together from two.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::client::{Client, Trouble, encoded};
use super::permission;
use super::wire::{Actors, Called, PermissionSet};
use crate::crawl::restriction::Subjects;
use crate::crawl::{Failure, Settings, archive};
use crate::names::SourceId;

/// A way to ask, and what an administrator calls it.
type Way = (&'static str, fn(&Client, &str) -> Result<Subjects, Trouble>);

/// The ways, the best first.
const WAYS: [Way; 3] =
    [("REST", permission::may_view), ("remote procedure calls", by_call), ("the Extender add-on", by_extender)];

/// The type of the permission to view, in the words of the versions before 9.1.
const VIEW: &str = "VIEWSPACE";

/// Asks who may view spaces.
pub(super) struct Grants {
    /// The way that told it last: the others are not asked before it.
    last: AtomicUsize,
    table: Option<Table>,
}

impl Grants {
    /// Reads the administrator's table, where there is one; the error says what is wrong with it.
    pub(super) fn open(settings: &Settings) -> Result<Grants, String> {
        let table = match (&settings.space_permissions_file, settings.space_permissions.as_slice()) {
            (Some(_), [_, ..]) => return Err("give space_permissions_file or space_permissions, not both".to_owned()),
            (Some(path), []) => Some(Table::open(path, &settings.name)?),
            (None, []) => None,
            (None, lines) => {
                let wrong = |(line, why)| format!("line {line} of space_permissions: {why}");
                Some(Table::parse(&lines.join("\n")).map_err(wrong)?)
            }
        };
        Ok(Grants { last: AtomicUsize::new(0), table })
    }

    /// Who may view a space.
    pub(super) fn of(&self, client: &Client, space: &str) -> Result<Subjects, Failure> {
        let first = self.last.load(Ordering::Relaxed);
        let order = [first].into_iter().chain((0..WAYS.len()).filter(|place| *place != first));
        let mut untold: Vec<(usize, Trouble)> = Vec::new();
        for place in order {
            match WAYS[place].1(client, space) {
                Ok(subjects) => {
                    self.last.store(place, Ordering::Relaxed);
                    return Ok(subjects);
                }
                // Nothing is answered at all: another way would wait for nothing once more.
                Err(trouble @ Trouble::Outbound(_)) => return Err(trouble.failure(space)),
                Err(trouble) => untold.push((place, trouble)),
            }
        }
        // A table is older than what Confluence says itself: it counts where that cannot be had, not where it fails to come.
        let is_passing = |trouble: &Trouble| match trouble {
            Trouble::Status(status, is_captcha) => *is_captcha || matches!(status, 429 | 502..),
            Trouble::Garbage | Trouble::Circle | Trouble::Outbound(_) => true,
            Trouble::WebPage | Trouble::Refused => false,
        };
        let table = self.table.as_ref().filter(|_| !untold.iter().any(|(_, trouble)| is_passing(trouble)));
        let from_table = table.and_then(|table| table.of(client, space));
        from_table.unwrap_or_else(|| Err(failure(space, untold))).map_err(|failure| Failure {
            code: "space_permissions_unknown".to_owned(),
            what: space.to_owned(),
            ..failure
        })
    }
}

/// For an administrator: what each way answered, and what to do.
fn failure(space: &str, mut untold: Vec<(usize, Trouble)>) -> Failure {
    const TABLE: &str = "or name who may view each space in space_permissions_file (a table, or an XML export)";
    untold.sort_by_key(|(place, _)| *place);
    let answers: Vec<String> = untold.iter().map(|(place, trouble)| format!("{}: {trouble}", WAYS[*place].0)).collect();
    let told = |place: usize| untold.iter().find(|(way, _)| *way == place).map(|(_, trouble)| trouble);
    let remedy = match (told(0), told(1)) {
        (Some(Trouble::Status(401 | 403 | 500.., _)), _) | (_, Some(Trouble::Refused)) => {
            "make the crawler's user an administrator of Confluence".to_owned()
        }
        (_, Some(Trouble::WebPage)) => {
            format!("switch off secure administrator sessions in Confluence's security configuration, {TABLE}")
        }
        _ => format!("switch on the remote API (XML-RPC & SOAP) in Confluence's further configuration, {TABLE}"),
    };
    Failure {
        what: space.to_owned(),
        code: "space_permissions_unknown".to_owned(),
        cause: format!("who may view this space cannot be read, so nobody finds its pages ({})", answers.join("; ")),
        remedy,
    }
}

/// By JSON-RPC, which names users by their login names.
fn by_call(client: &Client, space: &str) -> Result<Subjects, Trouble> {
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "getSpacePermissionSets", "params": [space]});
    let Called { result, error } = client.call("/rpc/json-rpc/confluenceservice-v2", &body)?;
    if error.is_some() {
        return Err(Trouble::Refused);
    }
    let sets: Vec<PermissionSet> = result.ok_or(Trouble::Garbage)?;
    let mut subjects = Subjects::default();
    for grant in sets.into_iter().filter(|set| set.r#type == VIEW).flat_map(|set| set.space_permissions) {
        match (grant.user_name, grant.group_name) {
            (Some(Some(name)), _) => subjects.accounts.extend(client.account_of(&name)?),
            (_, Some(Some(name))) => subjects.groups.push(name.into()),
            // Both are there and empty: the grant to everybody. Where one is missing, nobody knows whose it is.
            (Some(None), Some(None)) => subjects.anyone = true,
            _ => {}
        }
    }
    Ok(subjects)
}

/// By the add-on that some old sites have. It has no word for the grant to everybody, so that one admits nobody.
fn by_extender(client: &Client, space: &str) -> Result<Subjects, Trouble> {
    let path = format!("/rest/extender/1.0/permission/space/{}/getSpacePermissionActors/{VIEW}", encoded(space));
    let Actors { mut permissions } = client.read(&path)?;
    let actors = permissions.remove(VIEW).ok_or(Trouble::Garbage)?;
    let mut subjects = Subjects { groups: actors.groups.into_iter().map(Box::from).collect(), ..Subjects::default() };
    for name in actors.users {
        subjects.accounts.extend(client.account_of(&name)?);
    }
    Ok(subjects)
}

/// Whom an administrator names for each space, or an export of the wiki does.
#[derive(Debug, Default)]
struct Table {
    named: HashMap<String, Vec<Named>>,
    exported: HashMap<String, Subjects>,
}

#[derive(Debug, PartialEq)]
enum Named {
    User(String),
    Group(String),
    Everyone,
}

impl Table {
    fn open(path: &Path, source: &SourceId) -> Result<Table, String> {
        if archive::is_export(path) {
            return Ok(Table { exported: archive::views(path, source)?, ..Table::default() });
        }
        let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        Table::parse(&text).map_err(|(line, why)| format!("line {line} of {}: {why}", path.display()))
    }

    /// Lines of `space_key,subject_type,subject`; the subject is the rest of its line, so a group's name may have commas.
    fn parse(text: &str) -> Result<Table, (usize, &'static str)> {
        let mut table = Table::default();
        for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') || line.eq_ignore_ascii_case("space_key,subject_type,subject") {
                continue;
            }
            let mut fields = line.splitn(3, ',').map(|field| field.trim().trim_matches('"').to_owned());
            let (Some(space), Some(kind)) = (fields.next().filter(|space| !space.is_empty()), fields.next()) else {
                return Err((number + 1, "space_key,subject_type,subject is expected"));
            };
            let subject = fields.next().unwrap_or_default();
            let named = match (kind.as_str(), subject.is_empty()) {
                ("user", false) => Named::User(subject),
                ("group", false) => Named::Group(subject),
                ("everyone", true) => Named::Everyone,
                ("user" | "group", true) => return Err((number + 1, "it names nobody")),
                ("everyone", false) => return Err((number + 1, "everyone has no subject")),
                _ => return Err((number + 1, "subject_type is user, group or everyone")),
            };
            table.named.entry(space).or_default().push(named);
        }
        Ok(table)
    }

    /// Whom it names for a space; `None` where it has no line for it.
    fn of(&self, client: &Client, space: &str) -> Option<Result<Subjects, Failure>> {
        if let Some(subjects) = self.exported.get(space) {
            return Some(Ok(subjects.clone()));
        }
        let mut subjects = Subjects::default();
        for named in self.named.get(space)? {
            match named {
                Named::Everyone => subjects.anyone = true,
                Named::Group(name) => subjects.groups.push(name.as_str().into()),
                Named::User(name) => match client.account_of(name) {
                    Ok(key) => subjects.accounts.extend(key),
                    Err(trouble) => return Some(Err(trouble.failure(space))),
                },
            }
        }
        Some(Ok(subjects))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_line_by_line_and_what_is_wrong_is_said_with_its_line() {
        let table = Table::parse(
            "\u{feff}space_key,subject_type,subject\n# old wiki\nENG,group,\"R&D, Hamburg\"\n\nENG,user,alice\nHR,everyone,\n",
        )
        .unwrap();

        assert_eq!(table.named["ENG"], [Named::Group("R&D, Hamburg".to_owned()), Named::User("alice".to_owned())]);
        assert_eq!(table.named["HR"], [Named::Everyone]);
        for (text, line) in [
            ("ENG", 1),
            ("HR,everyone,\nENG,group,", 2),
            ("ENG,everybody,", 1),
            ("ENG,everyone,staff", 1),
            (",group,staff", 1),
        ] {
            assert_eq!(Table::parse(text).unwrap_err().0, line, "{text}");
        }
    }
}
