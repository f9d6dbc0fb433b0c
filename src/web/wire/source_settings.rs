//! The settings of a source in words, each with the keys it stands under and whether somebody set them. Never a secret: of a
//! credential the name of its file is told.

use serde::Serialize;
use utoipa::ToSchema;

use crate::crawl::{Authors, Field, Mode, Narrows, Origin, Pattern, Product, Secret, Settings};

/// Settings of one part.
#[derive(Debug, Serialize, ToSchema)]
pub struct SettingPart {
    /// `connection`, `scope`, `schedule` or `care`.
    pub part: &'static str,
    /// Its settings.
    pub settings: Vec<SourceSetting>,
}

/// One setting, or a few that say one thing together.
#[derive(Debug, Serialize, ToSchema)]
pub struct SourceSetting {
    /// What it is called.
    pub label: &'static str,
    /// What it says, in words.
    pub text: String,
    /// The keys in the settings file.
    pub keys: Vec<&'static str>,
    /// `file` or `desk` where one of these is set there, else `default`.
    pub origin: &'static str,
}

/// One field of a source's pages.
#[derive(Debug, Serialize, ToSchema)]
pub struct SourceField {
    /// Our name of it.
    pub field: &'static str,
    /// What it is called in a page and where a search is narrowed by it: `fields.NAME`.
    pub name: String,
    /// Where in the source it comes from.
    pub from: &'static str,
    /// Whether it is kept.
    pub is_kept: bool,
    /// What a search may narrow by it with; empty where it may not.
    pub filters: Vec<String>,
    /// The key that decides whether it is kept; `null` where it always is.
    pub key: Option<&'static str>,
    /// Why it is always kept; `null` where it need not be.
    pub why: Option<&'static str>,
    /// `file`, `desk`, `default`, or `always` where it cannot be left out and has its own name.
    pub origin: &'static str,
}

/// Every setting of a source but its name.
pub fn parts(settings: &Settings) -> Vec<SettingPart> {
    let words = Words { settings };
    vec![
        SettingPart { part: "connection", settings: words.connection() },
        SettingPart { part: "scope", settings: words.scope() },
        SettingPart { part: "schedule", settings: words.schedule() },
        SettingPart { part: "care", settings: words.care() },
    ]
}

/// What becomes of each field of its pages.
pub fn fields(settings: &Settings) -> Vec<SourceField> {
    let kept = &settings.fields;
    let one = |field: Field| {
        let (key, why) = kept_by(field);
        let is_kept = kept.keeps(field);
        let (name, is_set) = (kept.name(field).to_owned(), settings.written.contains("fields"));
        let mut filters: Vec<String> = filters(field).iter().map(|filter| (*filter).to_owned()).collect();
        if field.narrows() != Narrows::Nothing {
            filters.push(format!("fields.{name}"));
        }
        SourceField {
            field: field.word(),
            from: from(field, kept.authors),
            is_kept,
            filters: if is_kept { filters } else { Vec::new() },
            key,
            why,
            origin: match (key, is_set) {
                (None, _) if name == field.word() => "always",
                (_, true) => origin_word(settings),
                (_, false) => "default",
            },
            name,
        }
    };
    Field::ALL.into_iter().map(one).collect()
}

fn from(field: Field, authors: Authors) -> &'static str {
    match (field, authors) {
        (Field::Authors, Authors::LastEditor) => "who changed it last",
        (Field::Authors, Authors::Creator) => "who made it",
        (Field::Authors, Authors::Both) => "who changed it last, and who made it",
        (Field::Authors, Authors::None) => "nobody: no names are kept",
        (Field::Title, _) => "the title; of a file its name",
        (Field::Created, _) => "the day it was made",
        (Field::Updated, _) => "the day of its last change",
        (Field::Labels, _) => "the labels",
        (Field::Space, _) => "the key and the name of its space",
        (Field::Type, _) => "page, blog post, comment or attachment",
        (Field::Version, _) => "the number of its version",
        (Field::Parent, _) => "what it hangs on, or the page above it",
        (Field::Url, _) => "the address that it is opened at",
    }
}

/// The key that decides whether a field is kept, or why it always is.
fn kept_by(field: Field) -> (Option<&'static str>, Option<&'static str>) {
    match field {
        Field::Authors => (Some("fields.authors"), None),
        Field::Created => (Some("fields.created"), None),
        Field::Labels => (Some("fields.labels"), None),
        Field::Parent => (Some("fields.parent"), None),
        Field::Title => (None, Some("an answer names its sources by it")),
        Field::Updated => (None, Some("an answer says how old its sources are")),
        Field::Space => (None, Some("an answer names it, and permissions go by it")),
        Field::Type => (None, Some("what hangs on a page is told from pages by it")),
        Field::Version => (None, Some("what changed is told by it")),
        Field::Url => (None, Some("a source is opened at it")),
    }
}

/// Keys of a search that narrow by a field, whatever it is called.
fn filters(field: Field) -> &'static [&'static str] {
    match field {
        Field::Authors => &["authors"],
        Field::Created => &["created_after", "created_before"],
        Field::Updated => &["updated_after", "updated_before"],
        Field::Labels => &["labels"],
        Field::Space => &["spaces"],
        Field::Type => &["kinds"],
        Field::Parent => &["parents"],
        Field::Title | Field::Version | Field::Url => &[],
    }
}

fn origin_word(settings: &Settings) -> &'static str {
    match settings.origin {
        Origin::File => "file",
        Origin::Desk => "desk",
    }
}

/// The settings by their keys, as a form shows them. They have no secret: those are entered by themselves, and an address of the
/// desk has none in it.
pub fn values(settings: &Settings) -> serde_json::Value {
    serde_json::to_value(settings).unwrap_or_default()
}

/// An address without a name and a password in it, should somebody have written them there.
pub fn without_secret(url: &url::Url) -> String {
    let mut url = url.clone();
    // They fail for addresses that can have neither.
    let _ = (url.set_username(""), url.set_password(None));
    url.to_string()
}

/// Where it is: an address, or the file of an archive.
pub fn place(settings: &Settings) -> String {
    match settings.kind {
        Product::ConfluenceArchive => settings.place(),
        Product::Confluence | Product::ConfluenceCloud => without_secret(&settings.url),
    }
}

struct Words<'a> {
    settings: &'a Settings,
}

impl Words<'_> {
    fn setting(&self, label: &'static str, keys: &[&'static str], text: impl Into<String>) -> SourceSetting {
        let is_set = keys.iter().any(|key| self.settings.written.contains(*key));
        let origin = if is_set { origin_word(self.settings) } else { "default" };
        SourceSetting { label, text: text.into(), keys: keys.to_vec(), origin }
    }

    fn connection(&self) -> Vec<SourceSetting> {
        let settings = self.settings;
        let is_cloud = settings.kind == Product::ConfluenceCloud;
        let path = |path: &Option<std::path::PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let was_entered = settings.entered.has(Secret::Token) || settings.entered.has(Secret::Password);
        let files = (path(&settings.token_file), path(&settings.password_file));
        let credential = match files {
            (Some(file), _) if is_cloud => format!("An API token, from {file}"),
            (Some(file), _) => format!("A personal access token, from {file}"),
            (None, Some(file)) => format!("A password, from {file}"),
            (None, None) if settings.entered.has(Secret::Token) => "A token that was entered, sealed".to_owned(),
            (None, None) if settings.entered.has(Secret::Password) => "A password that was entered, sealed".to_owned(),
            (None, None) => "None is set, so nothing is read".to_owned(),
        };
        let mut all = vec![
            self.setting(
                "Product",
                &["kind"],
                match settings.kind {
                    Product::Confluence => "Confluence Data Center or Server",
                    Product::ConfluenceCloud => "Confluence Cloud",
                    Product::ConfluenceArchive => "An XML export of a Confluence",
                },
            ),
            self.setting("Address", &["url"], without_secret(&settings.url)),
        ];
        if let Some(file) = path(&settings.file) {
            all.push(self.setting("The export", &["file"], file));
        }
        if let Some(file) = path(&settings.memberships_file) {
            all.push(self.setting("Who is in which group", &["memberships_file"], format!("From the table {file}")));
        }
        if let Some(pages) = &settings.pages_url {
            all.push(self.setting("Where people open pages", &["pages_url"], without_secret(pages)));
        }
        if !settings.hosts.is_empty() {
            let hosts: Vec<String> = settings.hosts.iter().map(without_secret).collect();
            all.push(self.setting("Other hosts it may send us to", &["hosts"], list(&hosts)));
        }
        if settings.kind != Product::ConfluenceArchive {
            all.push(self.setting("Account", &["user"], settings.user.clone()));
            let setting = self.setting("Credential", &["token_file", "password_file"], credential);
            all.push(if was_entered { SourceSetting { origin: "desk", ..setting } } else { setting });
        }
        if !settings.roots.is_empty() {
            let roots: Vec<String> = settings.roots.iter().map(|path| path.display().to_string()).collect();
            all.push(self.setting("Root certificates of its own", &["roots"], list(&roots)));
        }
        if let Some(proxy) = &settings.proxy {
            all.push(self.setting("Proxy", &["proxy"], without_secret(proxy)));
        }
        all.push(self.setting(
            "Rate limit",
            &["requests_per_second"],
            match settings.requests_per_second {
                0 => "None of ours; what Confluence asks for is obeyed".to_owned(),
                most => format!("At most {most} requests a second"),
            },
        ));
        if !settings.use_groups.is_empty() {
            let text = format!("Members of {}, where Confluence cannot be asked", list(&settings.use_groups));
            all.push(self.setting("Who may use Confluence", &["use_groups"], text));
        }
        if !settings.space_permissions.is_empty() {
            let text =
                format!("From a table of {} lines, where Confluence cannot be asked", settings.space_permissions.len());
            all.push(self.setting("Who may view which space", &["space_permissions"], text));
        }
        if let Some(file) = path(&settings.space_permissions_file) {
            let text = format!("From {file}, where Confluence cannot be asked");
            all.push(self.setting("Who may view which space", &["space_permissions_file"], text));
        }
        if is_cloud {
            all.push(self.setting(
                "Admin key",
                &["admin_key"],
                match settings.admin_key {
                    true => "Taken for each sync, so that restricted pages are read",
                    false => "Not taken: pages that the account may not view are not there",
                },
            ));
            all.push(self.setting(
                "Folders",
                &["folders_are_open"],
                match settings.folders_are_open {
                    true => "Taken for open: Confluence does not tell what they restrict",
                    false => "Nobody finds the pages in them: Confluence does not tell what they restrict",
                },
            ));
        }
        all
    }

    fn scope(&self) -> Vec<SourceSetting> {
        let settings = self.settings;
        let are_all_spaces = settings.spaces.is_empty() && settings.space_patterns.is_empty();
        let spaces = match (settings.spaces.is_empty(), settings.space_patterns.is_empty()) {
            (true, true) => "All".to_owned(),
            (false, true) => list(&settings.spaces),
            (true, false) => format!("Those whose key matches {}", any(&settings.space_patterns)),
            (false, false) => {
                format!("{}, and those whose key matches {}", list(&settings.spaces), any(&settings.space_patterns))
            }
        };
        let wanted = |what: &[Pattern], all: &str, such: &str| match what.is_empty() {
            true => all.to_owned(),
            false => format!("{such} {}", any(what)),
        };
        let kinds: Vec<String> = settings.kinds.iter().map(|kind| many(kind.word()).to_owned()).collect();
        vec![
            self.setting("Spaces", &["spaces", "space_patterns"], spaces),
            self.setting(
                "Spaces left out",
                &["without_spaces"],
                wanted(&settings.without_spaces, "None", "Those whose key matches"),
            ),
            self.setting(
                "Personal spaces",
                &["personal_spaces"],
                match (settings.personal_spaces, are_all_spaces) {
                    (true, true) => "Taken in",
                    (false, true) => "Left out",
                    (_, false) => "Those alone that are named above",
                },
            ),
            self.setting(
                "Archived spaces",
                &["archived_spaces"],
                match settings.archived_spaces {
                    true => "Taken in",
                    false => "Left out",
                },
            ),
            self.setting(
                "Pages whose storage form cannot be read",
                &["take_shown"],
                match settings.take_shown {
                    true => "Taken as Confluence shows them to its crawler, and marked",
                    false => "Left out, and listed among the failures",
                },
            ),
            self.setting(
                "Archived pages",
                &["archived_pages"],
                match settings.archived_pages {
                    true => "Taken in",
                    false => "Left out",
                },
            ),
            self.setting(
                "Kinds",
                &["kinds"],
                if kinds.is_empty() { "None".to_owned() } else { capital(&list(&kinds)) },
            ),
            self.setting(
                "Resolved inline comments",
                &["resolved_comments"],
                match settings.resolved_comments {
                    true => "Taken in",
                    false => "Left out",
                },
            ),
            self.setting("Titles", &["titles"], wanted(&settings.titles, "All", "Those that match")),
            self.setting(
                "Titles left out",
                &["without_titles"],
                wanted(&settings.without_titles, "None", "Those that match"),
            ),
            self.setting("Labels", &["labels"], wanted(&settings.labels, "With any or none", "With one that matches")),
            self.setting(
                "Labels left out",
                &["without_labels"],
                wanted(&settings.without_labels, "None", "With one that matches"),
            ),
            self.setting(
                "Media types of attachments",
                &["media_types"],
                wanted(&settings.media_types, "All that can be read", "Those that match"),
            ),
            self.setting(
                "Media types left out",
                &["without_media_types"],
                wanted(&settings.without_media_types, "None", "Those that match"),
            ),
            self.setting(
                "Size of attachments",
                &["attachment_bytes_max"],
                match settings.attachment_bytes_max {
                    Some(most) => format!("Up to {}", bytes(most)),
                    None => "Whatever can be read".to_owned(),
                },
            ),
            self.setting(
                "Condition (CQL)",
                &["cql"],
                match settings.cql.trim() {
                    "" => "None".to_owned(),
                    condition => condition.to_owned(),
                },
            ),
        ]
    }

    fn schedule(&self) -> Vec<SourceSetting> {
        let settings = self.settings;
        let every = match settings.every_minutes {
            0 => "Never by itself".to_owned(),
            1 => "Every minute, what changed".to_owned(),
            minutes => format!("Every {minutes} minutes, what changed"),
        };
        let news = match settings.news_minutes {
            0 => "None".to_owned(),
            minutes => format!("Every {minutes} minutes, only where Confluence says that something is new"),
        };
        let webhooks = match &settings.webhook_secret_file {
            Some(file) => format!(
                "Listened to at /hooks/{} of the public address, where they are signed with the secret in {}",
                settings.name,
                file.display()
            ),
            None if settings.entered.has(Secret::Webhook) => format!(
                "Listened to at /hooks/{} of the public address, where they are signed with the secret that was entered",
                settings.name
            ),
            None => "Not listened to: there is no secret".to_owned(),
        };
        let mut all = vec![
            self.setting("Between two runs", &["every_minutes"], every),
            self.setting("Looks between them", &["news_minutes"], news),
            self.setting("Webhooks", &["webhook_secret_file"], webhooks),
        ];
        for timed in &settings.schedule {
            let text = format!("{}: {} ({})", timed.cron.in_words(), much(timed.mode), timed.cron.as_str());
            all.push(self.setting("At set times", &["schedule"], text));
        }
        if settings.schedule.is_empty() {
            all.push(self.setting("At set times", &["schedule"], "None"));
        } else {
            all.push(self.setting("Time zone of these", &["time_zone"], settings.time_zone.name()));
        }
        all
    }

    fn care(&self) -> Vec<SourceSetting> {
        let settings = self.settings;
        vec![
            self.setting(
                "Removal guard",
                &["removal_guard_percent"],
                format!(
                    "A run that would remove more than {} % of the documents, and more than five of them, waits for your word",
                    settings.removal_guard_percent
                ),
            ),
            self.setting("Age of permissions", &["stale_minutes"], match settings.stale_minutes {
                0 => "It answers however old they are".to_owned(),
                minutes => format!("It answers nothing once they are older than {minutes} minutes"),
            }),
        ]
    }
}

fn much(mode: Mode) -> &'static str {
    match mode {
        Mode::Full => "everything again",
        Mode::Changes => "what changed",
        Mode::Permissions => "who may read what",
        Mode::News => "what is new",
    }
}

fn many(kind: &str) -> &str {
    match kind {
        "page" => "pages",
        "blogpost" => "blog posts",
        "comment" => "comments",
        "attachment" => "attachments",
        other => other,
    }
}

fn any(patterns: &[Pattern]) -> String {
    patterns.iter().map(Pattern::as_str).collect::<Vec<_>>().join(" or ")
}

fn list(texts: &[String]) -> String {
    match texts {
        [] => String::new(),
        [one] => one.clone(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn bytes(count: u64) -> String {
    const KIB: u64 = 1 << 10;
    const MIB: u64 = 1 << 20;
    match count {
        ..KIB => format!("{count} bytes"),
        KIB..MIB => format!("{} KiB", count / KIB),
        _ => format!("{} MiB", count / MIB),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(more: serde_json::Value) -> Settings {
        let mut all = serde_json::json!({
            "name": "wiki", "kind": "confluence", "url": "https://robot:hush@wiki.example.com/w", "user": "robot",
            "token_file": "/etc/sotto/wiki.token"});
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let mut settings: Settings = serde_json::from_value(all.clone()).unwrap();
        settings.written = all.as_object().unwrap().keys().cloned().collect();
        settings
    }

    fn text<'a>(parts: &'a [SettingPart], key: &str) -> &'a SourceSetting {
        let mut all = parts.iter().flat_map(|part| &part.settings);
        all.find(|setting| setting.keys.contains(&key)).unwrap_or_else(|| panic!("nothing of {key}"))
    }

    #[test]
    fn no_secret_is_told_and_what_the_file_sets_is_told_from_what_it_leaves() {
        let parts = parts(&settings(serde_json::json!({"proxy": "http://me:hush@proxy:3128", "kinds": ["page"]})));

        assert!(!serde_json::to_string(&parts).unwrap().contains("hush"));
        assert_eq!((text(&parts, "kinds").text.as_str(), text(&parts, "kinds").origin), ("Pages", "file"));
        assert_eq!((text(&parts, "cql").text.as_str(), text(&parts, "cql").origin), ("None", "default"));
        assert!(text(&parts, "token_file").text.ends_with("/etc/sotto/wiki.token"));
    }

    #[test]
    fn every_setting_but_the_name_and_the_fields_is_told() {
        let all = settings(serde_json::json!({
            "kind": "confluence_cloud", "pages_url": "https://a.example", "hosts": ["https://b.example"], "roots": ["/r"],
            "proxy": "http://p:1", "use_groups": ["g"], "file": "/f.zip", "memberships_file": "/m", "space_permissions_file": "/t", "space_permissions": ["ENG,everyone,"], "schedule":
            [{"cron": "@daily", "mode": "full"}]}));
        let written = serde_json::to_value(&all).unwrap();
        let parts = parts(&all);

        for key in written.as_object().unwrap().keys().filter(|key| !["name", "fields"].contains(&key.as_str())) {
            assert!(!text(&parts, key).text.is_empty(), "{key}");
        }
    }

    #[test]
    fn what_is_taken_in_is_told_in_words() {
        let parts = parts(&settings(serde_json::json!({
            "spaces": ["HR", "IT"], "space_patterns": ["ENG.*"], "without_labels": ["draft", "old"],
            "attachment_bytes_max": 10_485_760, "every_minutes": 0,
            "schedule": [{"cron": "0 3 * * sun", "mode": "full"}]})));

        assert_eq!(text(&parts, "spaces").text, "HR and IT, and those whose key matches ENG.*");
        assert_eq!(text(&parts, "without_labels").text, "With one that matches draft or old");
        assert_eq!(text(&parts, "attachment_bytes_max").text, "Up to 10 MiB");
        assert_eq!(text(&parts, "every_minutes").text, "Never by itself");
        let timed = &text(&parts, "schedule").text;
        assert!(timed.contains("Sunday") && timed.ends_with("everything again (0 3 * * sun)"), "{timed}");
    }

    #[test]
    fn a_field_is_told_by_the_name_it_was_given() {
        let settings = settings(serde_json::json!({"fields": {"names": {"labels": "tags", "title": "heading"}}}));
        let of = |name: &str| fields(&settings).into_iter().find(|field| field.field == name).unwrap();

        assert_eq!(
            (of("labels").name.as_str(), of("labels").filters),
            ("tags", vec!["labels".to_owned(), "fields.tags".to_owned()])
        );
        assert_eq!((of("title").name.as_str(), of("title").origin, of("url").origin), ("heading", "file", "always"));
    }

    #[test]
    fn a_field_that_is_not_kept_narrows_nothing() {
        let settings = settings(serde_json::json!({"fields": {"authors": "none", "created": false}}));
        let of = |name: &str| fields(&settings).into_iter().find(|field| field.field == name).unwrap();

        assert!(!of("authors").is_kept && of("authors").filters.is_empty() && of("authors").origin == "file");
        assert!(!of("created").is_kept && of("labels").is_kept);
        assert_eq!(
            (of("title").origin, of("parent").filters),
            ("always", vec!["parents".to_owned(), "fields.parent".to_owned()])
        );
        assert!(fields(&settings).iter().all(|field| field.key.is_some() != field.why.is_some()));
    }
}
