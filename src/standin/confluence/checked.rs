//! A site that was read and checked, with the ways to find things in it.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};

use super::files::read_files;
use super::made;
use super::site::{Content, Group, Kind, Space, Spec, User};
use crate::clock::Moment;

/// A checked site. Always true here: ids and names are unique, every space, parent and container exists, and no page is
/// above itself; users and groups that permissions name may be missing, as in the product.
#[derive(Debug)]
pub(super) struct Site {
    /// The file as it was read, with its files' texts in place.
    pub spec: Spec,
    /// Minutes east of UTC of `time_zone`.
    pub offset_minutes: i64,
    by_id: HashMap<String, usize>,
    /// What lies directly below or hangs on an id, in the file's order.
    below: HashMap<String, Vec<usize>>,
    /// All content, in the order of ids as numbers.
    order: Vec<usize>,
    /// The same of each space, by its key.
    in_space: HashMap<String, Vec<usize>>,
    /// The first page without a parent, by the space's key.
    homes: HashMap<String, usize>,
    spaces: HashMap<String, usize>,
    /// By name in lower case.
    users: HashMap<String, usize>,
    /// By name in lower case.
    groups: HashMap<String, usize>,
    files: HashMap<String, Arc<[u8]>>,
}

impl Site {
    /// Reads a site; files are looked for in `folder`.
    pub fn read(site: serde_json::Value, folder: &Path) -> anyhow::Result<Site> {
        let mut spec: Spec = serde_json::from_value(site).context("this is no site file")?;
        let mut files = HashMap::new();
        for content in &mut spec.content {
            let id = content.id.clone();
            read_files(content, folder, &mut files).with_context(|| format!("content {id}"))?;
        }
        Site::check(spec, files)
    }

    /// A site that names no files.
    pub fn of(spec: Spec) -> anyhow::Result<Site> {
        Site::check(spec, HashMap::new())
    }

    /// The same site with a changed specification; attachments whose bytes are known keep them.
    pub fn changed(&self, spec: Spec, folder: &Path) -> anyhow::Result<Site> {
        let mut spec = spec;
        let mut files = self.files.clone();
        for content in &mut spec.content {
            read_files(content, folder, &mut files)?;
        }
        Site::check(spec, files)
    }

    fn check(mut spec: Spec, files: HashMap<String, Arc<[u8]>>) -> anyhow::Result<Site> {
        let offset_minutes = offset(&spec.time_zone)?;
        if !spec.context_path.is_empty() && (!spec.context_path.starts_with('/') || spec.context_path.ends_with('/')) {
            bail!("context_path {:?} must begin with '/' and not end with it", spec.context_path);
        }
        unique("user key", spec.users.iter().map(|user| user.key.clone()))?;
        unique("username", spec.users.iter().map(|user| user.username.to_lowercase()))?;
        unique("group", spec.groups.iter().map(|group| group.name.to_lowercase()))?;
        unique("space", spec.spaces.iter().map(|space| space.key.clone()))?;
        unique("content id", spec.content.iter().map(|content| content.id.clone()))?;
        let by_id: HashMap<String, usize> =
            spec.content.iter().enumerate().map(|(at, content)| (content.id.clone(), at)).collect();
        let mut below: HashMap<String, Vec<usize>> = HashMap::new();
        for at in 0..spec.content.len() {
            let content = &spec.content[at];
            for other in [&content.parent, &content.container].into_iter().flatten() {
                if !by_id.contains_key(other) {
                    bail!("content {} names {other}, which the site does not have", content.id);
                }
            }
            if matches!(content.kind, Kind::Comment | Kind::Attachment) && content.container.is_none() {
                bail!("content {} is a {} without a container", content.id, content.kind.as_str());
            }
            for time in [Some(&content.updated_at), content.created_at.as_ref()].into_iter().flatten() {
                if Moment::parse(time).is_none() {
                    bail!("content {}: {time:?} is no RFC 3339 time", content.id);
                }
            }
            if let Some(over) = content.container.as_ref().or(content.parent.as_ref()) {
                below.entry(over.clone()).or_default().push(at);
                if content.space.is_empty() {
                    spec.content[at].space = spec.content[by_id[over]].space.clone();
                }
            }
        }
        let lower = |name: &str| name.to_lowercase();
        let spaces: HashMap<String, usize> = numbered(spec.spaces.iter().map(|space| space.key.clone()));
        let users = numbered(spec.users.iter().map(|user| lower(&user.username)));
        let groups = numbered(spec.groups.iter().map(|group| lower(&group.name)));
        let mut order: Vec<usize> = (0..spec.content.len()).collect();
        order.sort_by(|a, b| by_number(&spec.content[*a].id, &spec.content[*b].id));
        let mut in_space: HashMap<String, Vec<usize>> = HashMap::new();
        for at in &order {
            let space = &spec.content[*at].space;
            match in_space.get_mut(space) {
                Some(places) => places.push(*at),
                None => drop(in_space.insert(space.clone(), vec![*at])),
            }
        }
        let mut homes = HashMap::new();
        let tops = spec.content.iter().enumerate().filter(|(_, one)| one.kind == Kind::Page && one.parent.is_none());
        for (at, home) in tops {
            homes.entry(home.space.clone()).or_insert(at);
        }
        let site = Site { spec, offset_minutes, by_id, below, order, in_space, homes, spaces, users, groups, files };
        for content in &site.spec.content {
            if site.space(&content.space).is_none() {
                bail!("content {} is in space {:?}, which the site does not have", content.id, content.space);
            }
            site.root_of(content)?;
        }
        Ok(site)
    }

    /// Fails where the way up from a content does not end.
    fn root_of(&self, content: &Content) -> anyhow::Result<()> {
        let mut at = content;
        // A way without a circle passes nothing twice, so it is not longer than there is content.
        for _ in 0..=self.spec.content.len() {
            let Some(over) = at.container.as_ref().or(at.parent.as_ref()) else { return Ok(()) };
            at = &self.spec.content[self.by_id[over]];
            if at.id == content.id {
                break;
            }
        }
        bail!("content {} is above itself", content.id)
    }

    /// A content by id, whatever its status.
    pub fn content(&self, id: &str) -> Option<&Content> {
        self.by_id.get(id).map(|at| &self.spec.content[*at])
    }

    /// A content by its place in the file.
    pub fn at(&self, place: usize) -> &Content {
        &self.spec.content[place]
    }

    /// The place of a content in the file.
    pub fn place(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// The places of all content, or of a space's, in the order of ids as numbers.
    pub fn places(&self, space: Option<&str>) -> &[usize] {
        match space {
            Some(key) => self.in_space.get(key).map(Vec::as_slice).unwrap_or_default(),
            None => &self.order,
        }
    }

    /// Puts places into the order of ids as numbers.
    pub fn sort(&self, places: &mut [usize]) {
        places.sort_by(|a, b| by_number(&self.at(*a).id, &self.at(*b).id));
    }

    /// How many of some places, in the order of ids, stand before what follows an id.
    pub fn behind(&self, places: &[usize], after: Option<&str>) -> usize {
        after.map_or(0, |id| places.partition_point(|place| by_number(&self.at(*place).id, id).is_le()))
    }

    /// The storage format of a content: as it is written, or made now.
    pub fn body<'a>(&self, content: &'a Content) -> Cow<'a, str> {
        match content.made_body {
            Some(number) => Cow::Owned(made::body(number, content)),
            None => Cow::Borrowed(&content.body),
        }
    }

    /// A space's home page.
    pub fn home(&self, key: &str) -> Option<&Content> {
        self.homes.get(key).map(|at| &self.spec.content[*at])
    }

    /// What hangs on or lies directly below an id, of one kind.
    pub fn below(&self, id: &str, kind: Kind) -> impl Iterator<Item = &Content> {
        let places = self.below.get(id).map(Vec::as_slice).unwrap_or_default();
        places.iter().map(|at| &self.spec.content[*at]).filter(move |content| content.kind == kind)
    }

    /// The pages and folders above a page or a folder, root first; of others: nothing.
    pub fn ancestors(&self, content: &Content) -> Vec<&Content> {
        let mut out = Vec::new();
        let mut at = content;
        while let (Kind::Page | Kind::Folder, Some(parent)) =
            (at.kind, at.parent.as_deref().and_then(|id| self.content(id)))
        {
            out.push(parent);
            at = parent;
        }
        out.reverse();
        out
    }

    /// The page or blog post whose rights a comment or an attachment has; a page's own self.
    pub fn holder<'a>(&'a self, content: &'a Content) -> &'a Content {
        let mut at = content;
        while let Some(container) = at.container.as_deref().and_then(|id| self.content(id)) {
            at = container;
        }
        at
    }

    /// A space by key.
    pub fn space(&self, key: &str) -> Option<&Space> {
        self.spaces.get(key).map(|at| &self.spec.spaces[*at])
    }

    /// The number the product would have given a space.
    pub fn space_number(&self, key: &str) -> usize {
        98_305 + self.spaces.get(key).copied().unwrap_or_default()
    }

    /// A user by name; names are compared without regard to case.
    pub fn user(&self, username: &str) -> Option<&User> {
        self.users.get(&username.to_lowercase()).map(|at| &self.spec.users[*at])
    }

    /// A person's display name, by key or user name.
    pub fn name_of(&self, user: &str) -> Option<String> {
        let found = self.spec.users.iter().find(|known| known.key == user).or_else(|| self.user(user));
        found.map(|user| user.display_name.clone())
    }

    /// A group by name; names are compared without regard to case.
    pub fn group(&self, name: &str) -> Option<&Group> {
        self.groups.get(&name.to_lowercase()).map(|at| &self.spec.groups[*at])
    }

    /// An attachment's bytes.
    pub fn file(&self, id: &str) -> Option<&Arc<[u8]>> {
        self.files.get(id)
    }
}

/// The order of ids as numbers.
fn by_number(a: &str, b: &str) -> std::cmp::Ordering {
    (a.len(), a).cmp(&(b.len(), b))
}

/// Each name with its place.
fn numbered(names: impl Iterator<Item = String>) -> HashMap<String, usize> {
    names.enumerate().map(|(at, name)| (name, at)).collect()
}

fn unique(what: &str, names: impl Iterator<Item = String>) -> anyhow::Result<()> {
    let mut seen = HashSet::new();
    for name in names {
        if seen.contains(&name) {
            bail!("{what} {name:?} is there twice");
        }
        seen.insert(name);
    }
    Ok(())
}

/// Minutes east of UTC.
fn offset(zone: &str) -> anyhow::Result<i64> {
    if zone == "UTC" {
        return Ok(0);
    }
    let (sign, rest) = match zone.split_at_checked(1) {
        Some(("+", rest)) => (1, rest),
        Some(("-", rest)) => (-1, rest),
        _ => bail!("time_zone {zone:?} must be UTC or an offset such as +01:00"),
    };
    let parsed = rest.split_once(':').and_then(|(h, m)| Some((h.parse::<i64>().ok()?, m.parse::<i64>().ok()?)));
    match parsed {
        Some((hours @ 0..=14, minutes @ 0..=59)) => Ok(sign * (hours * 60 + minutes)),
        _ => bail!("time_zone {zone:?} must be UTC or an offset such as +01:00"),
    }
}
