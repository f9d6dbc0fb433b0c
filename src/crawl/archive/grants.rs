//! Who may view what, as an export tells it: `SpacePermission`s, and the sets of `ContentPermission`s that pages are left to.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::entity::{Object, Value};
use super::people::Known;
use crate::crawl::restriction::{Level, Subjects};

/// The types of the permissions to view a space and to use the site.
const VIEW_SPACE: &str = "VIEWSPACE";
const USE: &str = "USECONFLUENCE";

/// The type of the restriction of viewing.
const VIEW: &str = "View";

/// What a permission may say besides whom it is for. One that says more is for somebody we do not know.
const BESIDES: [&str; 11] = [
    "type",
    "space",
    "owningSet",
    "creator",
    "creatorName",
    "creationDate",
    "lastModifier",
    "lastModifierName",
    "lastModificationDate",
    "hibernateVersion",
    "version",
];

/// Whom a permission is for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Subject {
    /// An account by its key.
    Account(Box<str>),
    /// An account by its login name, as before accounts had keys.
    Name(Box<str>),
    Group(Box<str>),
    /// The anonymous grant.
    Anyone,
    /// It does not say it in words that we know.
    Unknown,
}

/// What is gathered of permissions.
#[derive(Default)]
pub(super) struct Grants {
    /// Who may view a space, by the space's id.
    views: HashMap<Box<str>, Vec<Subject>>,
    /// Spaces with any permission at all.
    told: HashSet<Box<str>>,
    /// Who may use the site, where permissions of the whole site are told.
    uses: Option<Vec<Subject>>,
    /// All sets, of viewing and of others.
    sets: HashMap<Box<str>, Set>,
    /// Sets of viewing, by what they are on.
    by_owner: BTreeMap<Box<str>, Vec<Box<str>>>,
    /// Whom each set names.
    named: HashMap<Box<str>, Vec<Subject>>,
}

struct Set {
    is_of_viewing: bool,
    /// Whether it says what it is on.
    has_owner: bool,
}

impl Grants {
    /// Takes a permission or a set in.
    pub(super) fn take(&mut self, object: &Object) {
        let kind = object.text("type").unwrap_or_default();
        let id: Box<str> = object.id.as_str().into();
        match object.class.as_str() {
            "SpacePermission" => match (object.object("space"), object.value("space")) {
                (Some(space), _) => {
                    let space: Box<str> = space.into();
                    self.told.insert(space.clone());
                    if kind == VIEW_SPACE {
                        self.views.entry(space).or_default().push(subject(object, "group"));
                    }
                }
                (None, None | Some(Value::Text(_))) if kind == USE => {
                    self.uses.get_or_insert_default().push(subject(object, "group"));
                }
                _ => {}
            },
            "ContentPermissionSet" => {
                // One that does not say of what it is may be of viewing.
                let is_of_viewing = kind.is_empty() || kind.eq_ignore_ascii_case(VIEW);
                let owner = object.object("owningContent");
                if let Some(owner) = owner.filter(|_| is_of_viewing) {
                    self.by_owner.entry(owner.into()).or_default().push(id.clone());
                }
                self.sets.insert(id, Set { is_of_viewing, has_owner: owner.is_some() });
            }
            // Of those that allow changing a page nothing hangs on.
            "ContentPermission" if kind.is_empty() || kind.eq_ignore_ascii_case(VIEW) => {
                let set = object.object("owningSet").unwrap_or_default();
                let named = match subject(object, "groupName") {
                    // There is no restriction to everybody: it has lost whom it names.
                    Subject::Anyone => Subject::Unknown,
                    named => named,
                };
                self.named.entry(set.into()).or_default().push(named);
            }
            _ => {}
        }
    }

    /// How many there are, for a limit on memory.
    pub(super) fn count(&self) -> usize {
        self.views.values().chain(self.named.values()).map(Vec::len).sum::<usize>() + self.sets.len()
    }

    /// The login names that permissions use.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let all = self.views.values().chain(self.named.values()).chain(&self.uses).flatten();
        all.filter_map(|subject| match subject {
            Subject::Name(name) => Some(&**name),
            Subject::Account(_) | Subject::Group(_) | Subject::Anyone | Subject::Unknown => None,
        })
    }

    /// Whether groups are named at all.
    pub(super) fn names_groups(&self) -> bool {
        let mut all = self.views.values().chain(self.named.values()).chain(&self.uses).flatten();
        all.any(|subject| matches!(subject, Subject::Group(_)))
    }

    /// Who may use the site; `None` where the export does not say.
    pub(super) fn may_use(&self, known: &Known) -> Option<Subjects> {
        self.uses.as_ref().map(|uses| subjects(uses, known))
    }

    /// Who may view a space; `None` where the export has no permission of it at all.
    pub(super) fn may_view(&self, space: &str, known: &Known) -> Option<Subjects> {
        let is_told = self.told.contains(space);
        is_told.then(|| subjects(self.views.get(space).map(Vec::as_slice).unwrap_or_default(), known))
    }

    /// How many restrictions of viewing do not say which page they are of: permissions whose set is in the export neither by
    /// itself nor by the page that has it, and sets that name no page. `listed` are the sets that pages say they have.
    pub(super) fn strays<'a>(&self, listed: impl Iterator<Item = &'a str>) -> usize {
        let listed: HashSet<&str> = listed.collect();
        let is_stray = |set: &str| !self.sets.contains_key(set) && !listed.contains(set);
        let permissions = self.named.keys().filter(|set| is_stray(set)).count();
        let is_nowhere =
            |(id, set): &(&Box<str>, &Set)| set.is_of_viewing && !set.has_owner && !listed.contains(&***id);
        permissions + self.sets.iter().filter(is_nowhere).count()
    }

    /// The restriction of a page; `sets` are those that the page says it has.
    pub(super) fn level(&self, owner: &str, sets: &[Box<str>], known: &Known) -> Level {
        if sets.iter().any(|set| !self.sets.contains_key(set)) {
            return Level::Unknown;
        }
        let owned = self.by_owner.get(owner).into_iter().flatten();
        let mut all: Vec<&Box<str>> = owned.chain(sets.iter().filter(|set| self.sets[*set].is_of_viewing)).collect();
        all.sort_unstable();
        all.dedup();
        match all.as_slice() {
            [] => Level::Open,
            // A set that names nobody may have lost whom it named.
            [set] => self.named.get(*set).map_or(Level::Unknown, |named| Level::Only(subjects(named, known))),
            // Confluence keeps one. Of two nobody knows which counts.
            _ => Level::Unknown,
        }
    }
}

fn subject(object: &Object, group: &str) -> Subject {
    let is_known =
        |name: &str| BESIDES.contains(&name) || [group, "userSubject", "userName", "allUsersSubject"].contains(&name);
    if !object.names().all(is_known) {
        return Subject::Unknown;
    }
    let text = |name: &str| match object.value(name) {
        None => Some(""),
        Some(Value::Text(text)) => Some(text.trim()),
        Some(Value::Object(..) | Value::Objects(_) | Value::Left(_)) => None,
    };
    let account = match object.value("userSubject") {
        Some(Value::Object(_, key)) => Some(key.as_str()).filter(|key| !key.is_empty()),
        Some(Value::Text(text)) if text.trim().is_empty() => Some(""),
        None => Some(""),
        Some(Value::Text(_) | Value::Objects(_) | Value::Left(_)) => None,
    };
    // "All users" are those of a help desk, who have no licence: they are not ours.
    match (account, text("userName"), text(group), text("allUsersSubject")) {
        (Some(""), Some(""), Some(""), Some("")) => Subject::Anyone,
        (Some(key), Some(""), Some(""), Some("")) => Subject::Account(key.into()),
        (Some(""), Some(name), Some(""), Some("")) => Subject::Name(name.into()),
        (Some(""), Some(""), Some(name), Some("")) => Subject::Group(name.into()),
        _ => Subject::Unknown,
    }
}

fn subjects(all: &[Subject], known: &Known) -> Subjects {
    let mut subjects = Subjects::default();
    for subject in all {
        match subject {
            Subject::Account(key) => subjects.accounts.push(key.clone()),
            Subject::Name(name) => subjects.accounts.extend(known.account(name).map(Box::from)),
            Subject::Group(name) => subjects.groups.push(name.clone()),
            Subject::Anyone => subjects.anyone = true,
            Subject::Unknown => {}
        }
    }
    subjects
}
