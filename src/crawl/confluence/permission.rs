//! Who may use a Confluence and view its spaces, and whom a page's restriction names.

use std::collections::BTreeMap;

use super::client::{Client, Trouble, encoded};
use super::wire::{
    Anonymous, Content, Group, Links, Operation, Permission, RelevantRestrictions, Restriction, Subject, User,
};
use crate::corpus::DocumentId;
use crate::crawl::restriction::{Level, Subjects};
use crate::crawl::source::Item;

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

/// Levels that one answer lists at most.
const LEVELS_MAX: usize = 50;

/// Asks for every restriction on the way up to a page, its own among them, by the page it is of (Data Center from 9.4 on). They
/// must all be met: one that is missing here would be taken for open, so anything that is not whole is no answer.
pub(super) fn above(client: &Client, page: &Item) -> Result<BTreeMap<DocumentId, Level>, Trouble> {
    let path = format!(
        "/rest/api/content/{}/restriction/relevantViewRestrictions?expand=content,restrictions.user,restrictions.group&limit={LEVELS_MAX}",
        encoded(page.id.local())
    );
    let RelevantRestrictions { view_content_restrictions: list } = client.read(&path)?;
    let count = list.rows.results.len();
    let most = list.limit.unwrap_or(LEVELS_MAX).min(LEVELS_MAX);
    // A list that is as long as it may be may go on.
    let is_whole = count < most && list.start.unwrap_or(0) == 0 && list.size.is_none_or(|size| size == count);
    if !is_whole || list.rows.links.next.is_some() {
        return Err(Trouble::Garbage);
    }
    let mut levels = BTreeMap::new();
    for entry in list.rows.results {
        let of = page.ancestors.iter().chain([&page.id]);
        let of = entry.content.and_then(|content| of.into_iter().find(|id| id.local() == content.id));
        let level = whole_level_of(&entry.restriction).filter(|_| entry.operation == "read");
        let (Some(of), Some(level)) = (of, level) else { return Err(Trouble::Garbage) };
        // Of one page there is one restriction: which of two holds nobody knows.
        if levels.insert(of.clone(), level).is_some() {
            return Err(Trouble::Garbage);
        }
    }
    // Asked last: of a page that went elsewhere since it was listed, the answer is silent on what stood above it then.
    let now: Content = client.read(&format!("/rest/api/content/{}?expand=ancestors", encoded(page.id.local())))?;
    let above = now.ancestors.iter().flatten().map(|above| above.id.as_str());
    let is_where_it_was = now.id == page.id.local() && above.eq(page.ancestors.iter().map(DocumentId::local));
    if !is_where_it_was {
        return Err(Trouble::Garbage);
    }
    Ok(levels)
}

/// Whom a level is left to that is said to be restricted; `None` where it names nobody, or may name more than is listed.
fn whole_level_of(restriction: &Restriction) -> Option<Level> {
    let lists = restriction.restrictions.as_ref()?;
    let goes_on = |links: Option<&Links>| links.is_some_and(|links| links.next.is_some());
    let go_on = goes_on(lists.user.as_ref().map(|users| &users.links))
        || goes_on(lists.group.as_ref().map(|groups| &groups.links));
    let level = level_of(Some(restriction), KnownBy::Name);
    (matches!(level, Level::Only(_)) && !is_cut(&level) && !go_on).then_some(level)
}

/// Asks for one page's restriction by itself.
pub(super) fn ask(client: &Client, id: &str, known_by: KnownBy) -> Result<Level, Trouble> {
    let path = format!(
        "/rest/api/content/{}/restriction/byOperation/read?expand=restrictions.user,restrictions.group&limit={SUBJECTS_MAX}",
        encoded(id)
    );
    Ok(level_of(Some(&client.read(&path)?), known_by))
}
