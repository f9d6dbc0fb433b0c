//! A wiki in the site format of the contract's §4, one thing a line.

use serde_json::{Value, json};

/// The token of the crawler's account.
pub const CRAWLER_TOKEN: &str = "crawler-token-of-this-test";

/// A site under construction.
#[derive(Clone)]
pub struct Site {
    users: Vec<Value>,
    groups: Vec<Value>,
    spaces: Vec<Value>,
    content: Vec<Value>,
    use_groups: Vec<String>,
}

impl Site {
    /// An empty site with the crawler's account and the group of all who may use it.
    pub fn new() -> Site {
        let mut site = Site {
            users: Vec::new(),
            groups: Vec::new(),
            spaces: Vec::new(),
            content: Vec::new(),
            use_groups: vec!["confluence-users".to_owned()],
        };
        site.users.push(json!({
            "key": "key-sotto-crawler", "username": "sotto-crawler", "display_name": "Sotto crawler",
            "email": "sotto-crawler@example.com", "email_visible": true, "active": true, "password": "unused",
            "tokens": [{"token": CRAWLER_TOKEN}], "administrator": true
        }));
        site.group("confluence-users", &["sotto-crawler"], &[])
    }

    /// A user of the wiki, in the group of all who may use it.
    pub fn user(mut self, username: &str) -> Site {
        self.users.push(json!({
            "key": format!("key-{username}"), "username": username, "display_name": username,
            "email": format!("{username}@example.com"), "email_visible": true, "active": true, "password": "unused",
            "tokens": [], "administrator": false
        }));
        let all = self.groups[0]["members"].as_array_mut().expect("members");
        all.push(json!(username));
        self
    }

    /// A group with its members and the groups in it.
    pub fn group(mut self, name: &str, members: &[&str], groups: &[&str]) -> Site {
        self.groups.push(json!({ "name": name, "members": members, "groups": groups }));
        self
    }

    /// A space that these groups may view.
    pub fn space(self, key: &str, groups: &[&str]) -> Site {
        self.space_of(key, groups, "global", "current")
    }

    /// The same, `global` or `personal`, `current` or `archived`.
    pub fn space_of(mut self, key: &str, groups: &[&str], kind: &str, status: &str) -> Site {
        self.spaces.push(json!({
            "key": key, "name": format!("{key} space"), "type": kind, "status": status,
            "view": { "users": [], "groups": groups, "anonymous": false }
        }));
        self
    }

    /// A page under another or none; `body` is storage format.
    pub fn page(self, space: &str, id: &str, parent: Option<&str>, title: &str, body: &str) -> Site {
        self.content(
            json!({ "id": id, "type": "page", "space": space, "parent": parent, "title": title, "body": body }),
        )
    }

    /// Anything else, with defaults for what is not given.
    pub fn content(mut self, mut given: Value) -> Site {
        let defaults = json!({
            "parent": null, "status": "current", "version": 1, "created_by": "sotto-crawler",
            "updated_by": "sotto-crawler", "updated_at": "2026-11-02T09:00:00.000Z", "labels": [], "body": "",
            "read": { "users": [], "groups": [] }, "update": { "users": [], "groups": [] }
        });
        let fields = given.as_object_mut().expect("an object");
        for (key, value) in defaults.as_object().expect("an object") {
            fields.entry(key.clone()).or_insert_with(|| value.clone());
        }
        self.content.push(given);
        self
    }

    /// Restricts the reading of something there is already.
    pub fn restrict(mut self, id: &str, users: &[&str], groups: &[&str]) -> Site {
        let content = self.content.iter_mut().find(|content| content["id"] == id).expect("it is there");
        content["read"] = json!({ "users": users, "groups": groups });
        self
    }

    /// The site as JSON.
    pub fn json(&self) -> Value {
        json!({
            "users": self.users, "context_path": "", "time_zone": "UTC", "groups": self.groups,
            "global_use": { "users": [], "groups": self.use_groups, "anonymous": false },
            "spaces": self.spaces, "content": self.content
        })
    }

    /// Two projects and a space for all, each with a page that answers the same question.
    pub fn two_projects() -> Site {
        Site::new()
            .user("mateo")
            .user("mary")
            .user("ana")
            .group("anyorg-team", &["mateo"], &[])
            .group("acme-team", &["mary"], &[])
            .space("HR", &["confluence-users"])
            .space("ANY", &["anyorg-team"])
            .space("ACME", &["acme-team"])
            .page("HR", "101", None, "Annual leave", "<p>Every employee has 28 days of annual leave in a year.</p>")
            .page("ANY", "201", None, "The AnyOrg team", "<p>The AnyOrg team is led by Rosa Quintana.</p>")
            .page("ACME", "301", None, "The ACME team", "<p>The ACME team is led by Viktor Lindqvist.</p>")
    }
}
