//! Who may use a Confluence and view its spaces, and whom a page's restriction names.

use super::client::{Client, Trouble, encoded};
use super::wire::{Anonymous, Group, Operation, Permission, Restriction, Subject, User};
use crate::crawl::restriction::{Level, Subjects};

/// What a product knows users and groups by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KnownBy {
    /// Data Center: users by their key, groups by their name.
    Name,
    /// Cloud: users by their account id, groups by an id that a rename does not change.
    Id,
}

impl KnownBy {
    fn user(self, user: &User) -> Option<&str> {
        let id = match self {
            KnownBy::Name => &user.user_key,
            KnownBy::Id => &user.account_id,
        };
        id.as_deref().filter(|id| !id.is_empty())
    }

    fn group(self, group: &Group) -> Option<&str> {
        match self {
            KnownBy::Name => Some(&group.name),
            KnownBy::Id => group.id.as_deref(),
        }
    }
}

/// Subjects that one restriction lists at most; a list of just so many may go on (CONFSERVER-82460 forbids asking for more).
pub(super) const SUBJECTS_MAX: usize = 200;

/// Who may use it at all: application/use.
pub(super) fn may_use(client: &Client) -> Result<Subjects, Trouble> {
    granted(client, "/rest/api/permissions", ("application", "use"))
}

/// Who may view a space: space/read.
pub(super) fn may_view(client: &Client, space: &str) -> Result<Subjects, Trouble> {
    granted(client, &format!("/rest/api/space/{}/permissions", encoded(space)), ("space", "read"))
}

fn granted(client: &Client, path: &str, what: (&str, &str)) -> Result<Subjects, Trouble> {
    let grants = |operation: &Operation| operation.target_type == what.0 && operation.operation_key == what.1;
    let entries: Vec<Permission> = client.read(path)?;
    let mut subjects = Subjects::default();
    for Permission { operation, subject } in entries {
        // Without a subject it would be the anonymous grant; that one is asked for on its own, below.
        if let Some(subject) = subject.filter(|_| grants(&operation)) {
            add(&mut subjects, subject);
        }
    }
    subjects.anyone = match client.read(&format!("{path}/anonymous")) {
        Ok(Anonymous::Entries(entries)) => entries.iter().any(|entry| grants(&entry.operation)),
        Ok(Anonymous::Operations { operations }) => operations.iter().any(grants),
        // No such grant.
        Err(trouble) if trouble.is_absent() => false,
        Err(trouble) => return Err(trouble),
    };
    Ok(subjects)
}

fn add(subjects: &mut Subjects, subject: Subject) {
    match (subject.r#type.as_str(), subject.user_key, subject.name) {
        ("user", Some(key), _) => subjects.accounts.push(key.into()),
        ("group", _, Some(name)) => subjects.groups.push(name.into()),
        // Of a kind we do not know, or without an id that stays: it admits nobody.
        _ => {}
    }
}

/// What a restriction says; `Unknown` where any part of it is missing, because a list that was not read is not an empty one.
pub(super) fn level_of(restriction: Option<&Restriction>, known_by: KnownBy) -> Level {
    let lists = restriction.and_then(|restriction| restriction.restrictions.as_ref());
    let (Some(users), Some(groups)) =
        (lists.and_then(|lists| lists.user.as_ref()), lists.and_then(|lists| lists.group.as_ref()))
    else {
        return Level::Unknown;
    };
    if users.results.is_empty() && groups.results.is_empty() {
        return Level::Open;
    }
    // A user or a group without an id is nobody we can tell from others; the restriction stands all the same.
    let accounts = users.results.iter().filter_map(|user| known_by.user(user)).map(Box::from).collect();
    let groups = groups.results.iter().filter_map(|group| known_by.group(group)).map(Box::from).collect();
    Level::Only(Subjects { accounts, groups, anyone: false })
}

/// Whether a restriction may name more than was listed.
pub(super) fn is_cut(level: &Level) -> bool {
    match level {
        Level::Only(subjects) => subjects.accounts.len() >= SUBJECTS_MAX || subjects.groups.len() >= SUBJECTS_MAX,
        Level::Open | Level::Unknown => false,
    }
}

/// Asks for one page's restriction by itself.
pub(super) fn ask(client: &Client, id: &str, known_by: KnownBy) -> Result<Level, Trouble> {
    let path = format!(
        "/rest/api/content/{}/restriction/byOperation/read?expand=restrictions.user,restrictions.group&limit={SUBJECTS_MAX}",
        encoded(id)
    );
    Ok(level_of(Some(&client.read(&path)?), known_by))
}
