//! The people and groups of an export: all of them in that of a whole site, only the people that something names in that of a
//! single space, which says nothing of who is in which group. For that there is a table that an administrator keeps.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;

use super::entity::Object;
use crate::crawl::restriction::group_key;
use crate::directory::{Account, SourceGroup, SourcePeople};
use crate::names::{AccountId, GroupId, SourceId};

/// What is gathered of people.
#[derive(Default)]
pub(super) struct People {
    /// Everybody that anything names, by their immutable key.
    users: BTreeMap<Box<str>, User>,
    /// What the directories of the site say, by their own ids. Several may have one name.
    listed: HashMap<Box<str>, Listed>,
    groups: HashMap<Box<str>, Group>,
    /// Who is in a group: a listed user, or another group.
    members: Vec<(Box<str>, Member)>,
}

struct User {
    name: String,
    email: Option<String>,
    /// Their id on Cloud, by which pages there mention them.
    account_id: Option<Box<str>>,
}

struct Listed {
    name: String,
    display_name: Option<String>,
    email: Option<String>,
    is_active: bool,
    directory: Box<str>,
}

struct Group {
    name: String,
    is_active: bool,
    directory: Box<str>,
}

enum Member {
    User(Box<str>),
    Group(Box<str>),
}

impl People {
    /// Takes a user or a group in, or who is in one.
    pub(super) fn take(&mut self, object: &Object) {
        let text = |name: &str| object.text(name).map(str::to_owned);
        let directory = || object.object("directory").unwrap_or_default().into();
        let is_active = || object.text("active").is_none_or(|active| active.eq_ignore_ascii_case("true"));
        let id: Box<str> = object.id.as_str().into();
        match object.class.as_str() {
            "ConfluenceUserImpl" => {
                let name = text("name").or_else(|| text("lowerName")).unwrap_or_default();
                let account_id = object.text("atlassianAccountId").map(Box::from);
                self.users.insert(id, User { name, email: text("email"), account_id });
            }
            "InternalUser" => {
                let Some(name) = text("name").or_else(|| text("lowerName")) else { return };
                let (display_name, email) = (text("displayName"), text("emailAddress"));
                let listed = Listed { name, display_name, email, is_active: is_active(), directory: directory() };
                self.listed.insert(id, listed);
            }
            "InternalGroup" => {
                let Some(name) = text("name").or_else(|| text("lowerName")) else { return };
                self.groups.insert(id, Group { name, is_active: is_active(), directory: directory() });
            }
            "HibernateMembership" => {
                let Some(group) = object.object("parentGroup") else { return };
                let user = object.object("userMember").map(|id| Member::User(id.into()));
                let inner = object.object("groupMember").map(|id| Member::Group(id.into()));
                self.members.extend(user.or(inner).map(|member| (group.into(), member)));
            }
            _ => {}
        }
    }

    /// How many there are, for a limit on memory.
    pub(super) fn count(&self) -> usize {
        self.users.len() + self.listed.len() + self.groups.len() + self.members.len()
    }

    /// Puts the people together. `named` are login names that permissions use, as they did before users had keys.
    pub(super) fn known<'a>(
        &self,
        source: &SourceId,
        is_cloud: bool,
        table: Option<&Table>,
        named: impl Iterator<Item = &'a str>,
    ) -> Known {
        let mut known = Known::new(source.clone());
        for (key, user) in &self.users {
            // What an account signs in by: on Cloud its e-mail address, which Atlassian has verified, and which was the name.
            let by_name = || Some(user.name.clone()).filter(|name| name.contains('@'));
            let name = match is_cloud {
                true => user.email.clone().or_else(by_name).unwrap_or_default(),
                false => user.name.clone(),
            };
            known.put(key.clone(), name, user.name.clone(), user.email.clone());
            if let Some(id) = &user.account_id {
                known.by_account_id.insert(id.clone(), key.clone());
            }
        }
        for listed in self.listed.values() {
            let key = known.key_of(&listed.name);
            if let Some(account) = known.accounts.get_mut(&key) {
                // Of two answers the one that closes counts.
                account.active &= listed.is_active;
                account.email = account.email.take().or_else(|| listed.email.clone());
                if let Some(name) = &listed.display_name {
                    account.display_name.clone_from(name);
                }
            }
        }
        named.for_each(|name| drop(known.key_of(name)));
        match table {
            Some(table) => table.put_into(&mut known),
            None => self.put_groups(&mut known),
        }
        known.are_memberships_told = table.is_some() || !self.groups.is_empty();
        known
    }

    fn put_groups(&self, known: &mut Known) {
        for group in self.groups.values() {
            known.group(&group.name);
        }
        let directories: BTreeSet<&str> = (self.listed.values().map(|user| &*user.directory))
            .chain(self.groups.values().map(|group| &*group.directory))
            .collect();
        match directories.len() {
            0 | 1 => self.put_nested(known),
            _ => self.put_flattened(known),
        }
    }

    /// One directory: groups are in groups as it says.
    fn put_nested(&self, known: &mut Known) {
        for (group, member) in &self.members {
            let Some(group) = self.groups.get(group).filter(|group| group.is_active) else { continue };
            match member {
                Member::User(id) => {
                    if let Some(user) = self.listed.get(id) {
                        let key = known.key_of(&user.name);
                        known.group(&group.name).map(|group| group.members.push(key));
                    }
                }
                Member::Group(id) => {
                    let inner = self.groups.get(id).and_then(|inner| group_key(&inner.name));
                    known.group(&group.name).map(|group| group.groups.extend(inner));
                }
            }
        }
    }

    /// Several directories: a group is in another in its own directory alone, and of a user whom several of them list one
    /// decides, which the export does not say: such a user is in the groups that all of them agree on.
    fn put_flattened(&self, known: &mut Known) {
        let mut direct: HashMap<&str, Vec<&str>> = HashMap::new();
        let mut above: HashMap<&str, Vec<&str>> = HashMap::new();
        for (group, member) in &self.members {
            match member {
                Member::User(id) => direct.entry(id).or_default().push(group),
                Member::Group(id) => above.entry(id).or_default().push(group),
            }
        }
        let mut agreed: HashMap<Box<str>, BTreeSet<Box<str>>> = HashMap::new();
        for (id, user) in &self.listed {
            let (mut seen, mut names) = (HashSet::new(), BTreeSet::new());
            let mut next: Vec<&str> = direct.get(&**id).cloned().unwrap_or_default();
            while let Some(at) = next.pop() {
                let Some(group) = self.groups.get(at).filter(|group| group.is_active && seen.insert(at)) else {
                    continue;
                };
                names.extend(group_key(&group.name));
                next.extend(above.get(at).into_iter().flatten());
            }
            let key = known.key_of(&user.name);
            agreed.entry(key).and_modify(|all| all.retain(|name| names.contains(name))).or_insert(names);
        }
        for (account, groups) in agreed {
            for group in groups {
                known.group(&group).map(|group| group.members.push(account.clone()));
            }
        }
    }
}

/// The people, put together.
pub(super) struct Known {
    source: SourceId,
    accounts: BTreeMap<Box<str>, Account>,
    groups: BTreeMap<Box<str>, SourceGroup>,
    by_name: HashMap<String, Box<str>>,
    by_account_id: HashMap<Box<str>, Box<str>>,
    /// Whether it is known who is in which group.
    pub are_memberships_told: bool,
}

impl Known {
    fn new(source: SourceId) -> Known {
        Known {
            source,
            accounts: BTreeMap::new(),
            groups: BTreeMap::new(),
            by_name: HashMap::new(),
            by_account_id: HashMap::new(),
            are_memberships_told: false,
        }
    }

    fn put(&mut self, key: Box<str>, user_name: String, login: String, email: Option<String>) {
        self.by_name.insert(login.to_lowercase(), key.clone());
        let id = AccountId { source: self.source.clone(), key: key.clone() };
        let display_name = login;
        self.accounts.insert(key, Account { id, user_name, display_name, email, active: true });
    }

    /// The account of a login name; one that has no key yet is known by its name.
    fn key_of(&mut self, name: &str) -> Box<str> {
        if let Some(key) = self.by_name.get(&name.to_lowercase()) {
            return key.clone();
        }
        let key: Box<str> = format!("name:{}", name.to_lowercase()).into();
        self.put(key.clone(), name.to_owned(), name.to_owned(), None);
        key
    }

    /// The account of a login name, where there is one.
    pub(super) fn account(&self, name: &str) -> Option<&str> {
        self.by_name.get(&name.to_lowercase()).map(|key| &**key)
    }

    /// The display name of an account, by its key or its login name.
    pub(super) fn display_name(&self, account: &str) -> Option<&str> {
        let key = self.accounts.get_key_value(account).map(|(key, _)| &**key).or_else(|| self.account(account));
        key.and_then(|key| self.accounts.get(key)).map(|account| account.display_name.as_str())
    }

    /// The display name of whom a page of Cloud mentions.
    pub(super) fn mentioned(&self, account_id: &str) -> Option<String> {
        let key = self.by_account_id.get(account_id)?;
        self.display_name(key).map(str::to_owned)
    }

    fn group(&mut self, name: &str) -> Option<&mut SourceGroup> {
        let key = group_key(name)?;
        let id = GroupId::Of(self.source.clone(), key.clone());
        let made = || SourceGroup { id, name: name.to_owned(), members: Vec::new(), groups: Vec::new() };
        Some(self.groups.entry(key).or_insert_with(made))
    }

    /// How many accounts and groups there are.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.accounts.len(), self.groups.len())
    }

    /// As the directory takes them.
    pub(super) fn people(&self) -> SourcePeople {
        SourcePeople {
            accounts: self.accounts.values().cloned().collect(),
            groups: self.groups.values().cloned().collect(),
        }
    }
}

/// Who is in which group, as an administrator keeps it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Table(Vec<(String, Kind, String)>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    User,
    Group,
}

impl Table {
    /// Reads the table; the error says what is wrong with it.
    pub(super) fn open(path: &Path) -> Result<Table, String> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        Table::parse(&text).map_err(|(line, why)| format!("line {line} of {}: {why}", path.display()))
    }

    /// Lines of `group,member_type,member`. A name may have commas: what stands around the type is one name each.
    fn parse(text: &str) -> Result<Table, (usize, &'static str)> {
        let mut table = Table::default();
        for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') || line.eq_ignore_ascii_case("group,member_type,member") {
                continue;
            }
            let parts = line
                .split_once(",user,")
                .map(|(group, member)| (group, Kind::User, member))
                .or_else(|| line.split_once(",group,").map(|(group, member)| (group, Kind::Group, member)));
            let Some((group, kind, member)) = parts else {
                return Err((number + 1, "group,member_type,member is expected, where member_type is user or group"));
            };
            let plain = |name: &str| name.trim().trim_matches('"').to_owned();
            let (group, member) = (plain(group), plain(member));
            if group.is_empty() || member.is_empty() {
                return Err((number + 1, "it names nobody"));
            }
            table.0.push((group, kind, member));
        }
        Ok(table)
    }

    fn put_into(&self, known: &mut Known) {
        for (group, kind, member) in &self.0 {
            match kind {
                Kind::User => {
                    let key = known.key_of(member);
                    known.group(group).map(|group| group.members.push(key));
                }
                Kind::Group => {
                    let inner = known.group(member).map(|_| ()).and_then(|()| group_key(member));
                    known.group(group).map(|group| group.groups.extend(inner));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_whatever_commas_its_names_have() {
        let table = Table::parse("group,member_type,member\n# x\n\"Rome, Italy\",user,ada\nstaff,group,Rome, Italy\n");

        let row = |group: &str, kind, member: &str| (group.to_owned(), kind, member.to_owned());
        let rows = vec![row("Rome, Italy", Kind::User, "ada"), row("staff", Kind::Group, "Rome, Italy")];
        assert_eq!(table, Ok(Table(rows)));
        for wrong in ["staff", "staff,ada", "staff,person,ada", ",user,ada", "staff,user,"] {
            assert_eq!(Table::parse(wrong).unwrap_err().0, 1, "{wrong}");
        }
    }
}
