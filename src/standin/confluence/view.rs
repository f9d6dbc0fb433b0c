//! Who may view what, by the product's rule: use AND space AND every restricted page on the way up.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};

use super::site::{Content, Grant, Site, Space, Subjects, User};

/// What one caller may see, at one moment of the site. Without a user it is the anonymous visitor's.
pub(super) struct Sight<'a> {
    site: &'a Site,
    user: Option<&'a User>,
    /// In lower case, those of nested groups included; worked out when they are first asked for.
    groups: OnceCell<HashSet<String>>,
    /// Whether restrictions and permissions hide nothing.
    sees_all: bool,
}

impl<'a> Sight<'a> {
    /// The sight of a user, or of the anonymous visitor.
    pub fn of(site: &'a Site, user: Option<&'a User>) -> Sight<'a> {
        let sees_all = user.is_some_and(|user| user.active && user.administrator);
        Sight { site, user, groups: OnceCell::new(), sees_all }
    }

    /// The same on Confluence Cloud, where an administrator sees everything with an admin key only.
    pub fn on_cloud(site: &'a Site, user: Option<&'a User>, has_key: bool) -> Sight<'a> {
        let sight = Sight::of(site, user);
        Sight { sees_all: sight.sees_all && has_key, ..sight }
    }

    /// Whether the site may be used at all.
    pub fn may_use(&self) -> bool {
        match self.user {
            Some(user) => user.active && (user.administrator || self.is_granted(&self.site.spec.global_use)),
            None => self.site.spec.global_use.anonymous,
        }
    }

    /// Whether restrictions and permissions hide nothing.
    pub fn sees_all(&self) -> bool {
        self.sees_all
    }

    /// Whether permissions and groups may be read.
    pub fn is_administrator(&self) -> bool {
        self.user.is_some_and(|user| user.active && user.administrator)
    }

    /// Whether a space may be viewed. The anonymous grant opens it to everybody, also to signed-in people.
    pub fn may_view_space(&self, space: &Space) -> bool {
        self.may_use() && (self.sees_all || self.is_granted(&space.view) || self.has_role(space))
    }

    /// Whether a page, a blog post, a comment or an attachment may be viewed.
    pub fn may_view(&self, content: &Content) -> bool {
        let holder = self.site.holder(content);
        let Some(space) = self.site.space(&holder.space) else { return false };
        if !self.may_view_space(space) {
            return false;
        }
        self.sees_all
            || (self.meets(&holder.read)
                && self.site.ancestors(holder).iter().all(|above| self.meets(&above.read))
                // A comment or an attachment cannot be restricted in the product; a site file that does so is obeyed.
                && self.meets(&content.read))
    }

    /// Whether a role lets the caller view a space.
    fn has_role(&self, space: &Space) -> bool {
        space.role_assignments.iter().any(|assignment| {
            let role = self.site.spec.space_roles.get(&assignment.role);
            let is_in = |class: &String| match class.as_str() {
                "anonymous-users" => true,
                "authenticated-users" | "all-licensed-users" => self.user.is_some(),
                "all-product-admins" => self.is_administrator(),
                _ => false,
            };
            role.is_some_and(|permissions| permissions.iter().any(|permission| permission == "read/space"))
                && (self.is_named(&assignment.users, &assignment.groups) || assignment.classes.iter().any(is_in))
        })
    }

    fn meets(&self, restriction: &Subjects) -> bool {
        restriction.is_empty() || self.is_named(&restriction.users, &restriction.groups)
    }

    fn is_granted(&self, grant: &Grant) -> bool {
        grant.anonymous || self.is_named(&grant.users, &grant.groups)
    }

    fn is_named(&self, users: &[String], groups: &[String]) -> bool {
        let Some(user) = self.user else { return false };
        let of = || self.groups.get_or_init(|| groups_of(self.site, &user.username));
        users.iter().any(|name| name.to_lowercase() == user.username.to_lowercase())
            || groups.iter().any(|name| of().contains(&name.to_lowercase()))
    }
}

/// Names, in lower case, of every group a user belongs to, directly or by nesting.
pub(super) fn groups_of(site: &Site, username: &str) -> HashSet<String> {
    let username = username.to_lowercase();
    let mut over: HashMap<String, Vec<String>> = HashMap::new();
    let mut next = Vec::new();
    for group in &site.spec.groups {
        let name = group.name.to_lowercase();
        for nested in &group.groups {
            over.entry(nested.to_lowercase()).or_default().push(name.clone());
        }
        if group.members.iter().any(|member| member.to_lowercase() == username) {
            next.push(name);
        }
    }
    let mut out = HashSet::new();
    while let Some(name) = next.pop() {
        if let Some(over) = over.get(&name) {
            next.extend(over.iter().filter(|name| !out.contains(*name)).cloned());
        }
        out.insert(name);
    }
    out
}

/// User names of a group's members, those of nested groups included, in the order they are found.
pub(super) fn members_of<'a>(site: &'a Site, name: &str) -> Vec<&'a User> {
    let mut seen_groups = HashSet::new();
    let mut seen_users = HashSet::new();
    let mut out = Vec::new();
    let mut next = vec![name.to_lowercase()];
    while let Some(name) = next.pop() {
        let Some(group) = site.group(&name) else { continue };
        if !seen_groups.insert(name) {
            continue;
        }
        for user in group.members.iter().filter_map(|member| site.user(member)) {
            if seen_users.insert(&user.key) {
                out.push(user);
            }
        }
        next.extend(group.groups.iter().map(|nested| nested.to_lowercase()));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// The site of the truth table in confluence.md §2.5.
    fn site() -> Site {
        let user = |n: u8| serde_json::json!({"key": format!("k{n}"), "username": format!("u{n}"), "display_name": format!("U {n}"), "administrator": n == 8});
        let page = |id: &str, parent: Option<&str>, read: serde_json::Value| serde_json::json!({"id": id, "type": "page", "space": "S", "parent": parent, "title": id, "read": read});
        let open = serde_json::json!({});
        let site = serde_json::json!({
            "users": (1..=8).map(user).collect::<Vec<_>>(),
            "groups": [
                {"name": "G1", "members": ["u1", "u2", "u3", "u4", "u5", "u6"]},
                {"name": "g2", "members": ["u2", "u4"]},
                {"name": "g3", "members": ["u1", "u4", "u5"]},
                {"name": "all", "groups": ["g1"], "members": ["u7"]}],
            "global_use": {"groups": ["all"]},
            "spaces": [{"key": "S", "name": "S", "view": {"groups": ["g1"]}}],
            "content": [
                page("H", None, open.clone()),
                page("A", Some("H"), serde_json::json!({"users": ["u1"], "groups": ["G2"]})),
                page("B", Some("A"), serde_json::json!({"users": ["u2", "u7"], "groups": ["g3"]})),
                page("C", Some("B"), open),
                {"id": "P", "type": "blogpost", "space": "S", "title": "P", "read": {"users": ["U3"]}},
                {"id": "att", "type": "attachment", "container": "C", "title": "a.txt"},
                {"id": "cm", "type": "comment", "container": "B", "title": "Re: B"}]
        });
        Site::read(site, Path::new(".")).unwrap()
    }

    fn who(site: &Site, id: &str) -> Vec<u8> {
        let content = site.content(id).unwrap();
        (1..=8).filter(|n| Sight::of(site, site.user(&format!("u{n}"))).may_view(content)).collect()
    }

    #[test]
    fn each_level_must_be_met_by_name_or_by_group() {
        let site = site();

        assert_eq!(who(&site, "H"), [1, 2, 3, 4, 5, 6, 8]);
        assert_eq!(who(&site, "A"), [1, 2, 4, 8]);
        for id in ["B", "C", "att", "cm"] {
            assert_eq!(who(&site, id), [1, 2, 4, 8], "{id}");
        }
        assert_eq!(who(&site, "P"), [3, 8]);
    }

    #[test]
    fn an_anonymous_visitor_needs_both_grants() {
        let mut site = site();
        site.spec.spaces[0].view.anonymous = true;
        assert!(!Sight::of(&site, None).may_view(site.content("H").unwrap()));

        site.spec.global_use.anonymous = true;

        assert!(Sight::of(&site, None).may_view(site.content("H").unwrap()));
        assert!(!Sight::of(&site, None).may_view(site.content("A").unwrap()));
    }

    #[test]
    fn an_inactive_user_sees_nothing_and_nested_groups_end() {
        let mut site = site();
        site.spec.groups[0].groups = vec!["all".to_owned()];
        site.spec.users[0].active = false;

        assert_eq!(who(&site, "A"), [2, 4, 8]);
        assert_eq!(members_of(&site, "G1").len(), 7);
        assert_eq!(who(&site, "H"), [2, 3, 4, 5, 6, 7, 8]);
    }
}
