//! Everything that an export holds, but words: gathered in one pass over its objects, which come in no order.

use std::collections::{BTreeMap, HashMap};

use super::entity::{self, Object, Value, Wanted};
use super::grants::Grants;
use super::package::{Package, Wrong};
use super::people::People;
use crate::clock::Zone;
use crate::corpus::Kind;

/// The classes that are read; there are dozens more.
const CLASSES: [&str; 16] = [
    "Space",
    "Page",
    "BlogPost",
    "Comment",
    "Attachment",
    "BodyContent",
    "ContentProperty",
    "Label",
    "Labelling",
    "SpacePermission",
    "ContentPermissionSet",
    "ContentPermission",
    "ConfluenceUserImpl",
    "InternalUser",
    "InternalGroup",
    "HibernateMembership",
];

/// The most things that are kept of one export: some hundred bytes each.
const KEPT_MAX: usize = 8_000_000;

/// Properties of contents that are kept: what an inline comment was made on, whether it is resolved, what a file is.
const PROPERTIES: [&str; 5] = ["inline-original-selection", "inline-comment", "status", "MEDIA_TYPE", "FILESIZE"];

/// What the descriptor says of an export.
#[derive(Debug, Clone)]
pub(super) struct Descriptor {
    /// The space that is exported; `None` for a whole site.
    pub space: Option<String>,
    /// Whether it comes from Cloud.
    pub is_cloud: bool,
    /// The version of Confluence, or its build.
    pub version: Option<String>,
    /// The zone of the times in it.
    pub zone: Zone,
}

impl Descriptor {
    pub(super) fn read(package: &Package) -> Result<Descriptor, Wrong> {
        let all = package.descriptor()?;
        let value = |name: &str| {
            let found = all.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
            found.filter(|value| !value.is_empty())
        };
        let space = value("spaceKey").map(str::to_owned);
        if space.is_none() && value("exportType").is_some_and(|kind| kind.eq_ignore_ascii_case("space")) {
            return Err(Wrong::Broken("its descriptor says that it is of one space, and not of which".to_owned()));
        }
        let build = || value("createdByBuildNumber").or(value("buildNumber")).map(|build| format!("build {build}"));
        Ok(Descriptor {
            space,
            is_cloud: value("source").is_some_and(|source| source.eq_ignore_ascii_case("cloud")),
            version: value("createdByVersionNumber").map(str::to_owned).or_else(build),
            // Before it was told, times are those of the server, wherever that stood.
            zone: value("timezoneId").and_then(|name| Zone::parse(name).ok()).unwrap_or_else(Zone::utc),
        })
    }
}

/// A space.
#[derive(Debug)]
pub(super) struct Space {
    pub key: String,
    pub name: String,
    pub is_personal: bool,
    pub is_archived: bool,
}

/// What is kept of anything that has versions.
#[derive(Debug, Default)]
pub(super) struct Version {
    pub number: u64,
    /// Who made it: the key of an account, or a login name.
    pub by: Option<Box<str>>,
    /// When, as the clocks of the export's zone showed it.
    pub when: Box<str>,
    /// Properties, by their ids.
    pub properties: Vec<Box<str>>,
}

/// A page or a blog post.
#[derive(Debug)]
pub(super) struct Page {
    pub kind: Kind,
    pub space: Box<str>,
    pub title: String,
    pub parent: Option<Box<str>>,
    pub is_archived: bool,
    /// The sets of permissions it says it has.
    pub sets: Vec<Box<str>>,
    pub labellings: Vec<Box<str>>,
    pub version: Version,
}

/// A comment, or an attached file.
#[derive(Debug)]
pub(super) struct Hanging {
    /// The page it hangs on.
    pub on: Box<str>,
    /// A file's name.
    pub title: String,
    pub media_type: Option<String>,
    pub bytes: Option<u64>,
    pub version: Version,
}

/// How a body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Markup {
    /// Storage format.
    Storage,
    /// What Confluence had before 4.0.
    Wiki,
}

/// What an export holds.
pub(super) struct Contents {
    pub descriptor: Descriptor,
    /// When it was written, as its root says.
    pub written: String,
    /// By id.
    pub spaces: BTreeMap<Box<str>, Space>,
    pub pages: BTreeMap<Box<str>, Page>,
    pub comments: BTreeMap<Box<str>, Hanging>,
    pub files: BTreeMap<Box<str>, Hanging>,
    /// How the body of each content is written; one without a body has no words.
    pub bodies: HashMap<Box<str>, Markup>,
    pub grants: Grants,
    pub people: People,
    labels: HashMap<Box<str>, String>,
    /// Labels by what they are on.
    labelled: HashMap<Box<str>, Vec<Box<str>>>,
    /// Labels by their labelling.
    labellings: HashMap<Box<str>, Box<str>>,
    /// Names and values of properties.
    properties: HashMap<Box<str>, (String, String)>,
    /// Properties by what they are of.
    of_content: HashMap<Box<str>, Vec<Box<str>>>,
}

impl Contents {
    /// Reads an export from its beginning to its end.
    pub(super) fn read(package: &Package) -> Result<Contents, Wrong> {
        let mut contents = Contents {
            descriptor: Descriptor::read(package)?,
            written: String::new(),
            spaces: BTreeMap::new(),
            pages: BTreeMap::new(),
            comments: BTreeMap::new(),
            files: BTreeMap::new(),
            bodies: HashMap::new(),
            grants: Grants::default(),
            people: People::default(),
            labels: HashMap::new(),
            labelled: HashMap::new(),
            labellings: HashMap::new(),
            properties: HashMap::new(),
            of_content: HashMap::new(),
        };
        let wanted = Wanted { classes: &CLASSES, bodies: false };
        let mut taken = 0usize;
        contents.written = package.entities(|text| {
            entity::read(text, wanted, &mut |object| {
                contents.take(object);
                taken += 1;
                // Looked at now and then: it counts what is kept.
                if taken.is_multiple_of(1 << 16) && contents.count() > KEPT_MAX {
                    return Err(Wrong::Hostile(format!("it holds more than {KEPT_MAX} things")));
                }
                Ok(())
            })
        })?;
        contents.leave_out_other_spaces()?;
        Ok(contents)
    }

    fn count(&self) -> usize {
        let contents = self.pages.len() + self.comments.len() + self.files.len() + self.bodies.len();
        let labels = self.labels.len() + self.labellings.len() + self.properties.len();
        contents + labels + self.grants.count() + self.people.count() + self.spaces.len()
    }

    /// An export of one space may bring bits of others along (CONFSERVER-16575): they are not it.
    fn leave_out_other_spaces(&mut self) -> Result<(), Wrong> {
        let Some(key) = &self.descriptor.space else { return Ok(()) };
        self.spaces.retain(|_, space| space.key.eq_ignore_ascii_case(key));
        match self.spaces.is_empty() {
            true => Err(Wrong::Broken(format!("it is of the space {key}, which is not in it"))),
            false => Ok(()),
        }
    }

    fn take(&mut self, mut object: Object) {
        match object.class.as_str() {
            "Space" => self.take_space(&object),
            "Page" | "BlogPost" => self.take_page(&object),
            "Comment" => self.take_comment(&object),
            "Attachment" => self.take_file(&object),
            "BodyContent" => self.take_body(&mut object),
            "ContentProperty" => self.take_property(&object),
            "Label" => self.take_label(&object),
            "Labelling" => self.take_labelling(&object),
            "SpacePermission" | "ContentPermissionSet" | "ContentPermission" => self.grants.take(&object),
            _ => self.people.take(&object),
        }
    }

    fn take_space(&mut self, object: &Object) {
        let Some(key) = object.text("key").map(str::to_owned) else { return };
        let is_personal = object.text("spaceType").is_some_and(|kind| kind.eq_ignore_ascii_case("personal"));
        let space = Space {
            name: object.text("name").unwrap_or(&key).to_owned(),
            is_personal: is_personal || key.starts_with('~'),
            is_archived: object.text("spaceStatus").is_some_and(|status| status.eq_ignore_ascii_case("archived")),
            key,
        };
        self.spaces.insert(object.id.as_str().into(), space);
    }

    fn take_page(&mut self, object: &Object) {
        let Some(is_archived) = standing(object) else { return };
        // Some drafts have no space.
        let Some(space) = object.object("space") else { return };
        let ids = |name: &str| object.objects(name).iter().map(|id| id.as_str().into()).collect();
        let page = Page {
            kind: if object.class == "Page" { Kind::Page } else { Kind::Blogpost },
            space: space.into(),
            title: object.text("title").unwrap_or_default().to_owned(),
            parent: object.value("parent").and_then(|parent| match parent {
                // A parent that it has lost is one that nobody passes.
                Value::Object(_, id) => Some(id.as_str().into()),
                Value::Text(_) | Value::Objects(_) | Value::Left(_) => None,
            }),
            is_archived,
            sets: ids("contentPermissionSets"),
            labellings: ids("labellings"),
            version: version(object),
        };
        self.pages.insert(object.id.as_str().into(), page);
    }

    fn take_comment(&mut self, object: &Object) {
        let on = ["containerContent", "owner", "page", "content"].iter().find_map(|name| object.object(name));
        let (Some(_), Some(on)) = (standing(object), on) else { return };
        let comment = Hanging {
            on: on.into(),
            title: object.text("title").unwrap_or_default().to_owned(),
            media_type: None,
            bytes: None,
            version: version(object),
        };
        self.comments.insert(object.id.as_str().into(), comment);
    }

    fn take_file(&mut self, object: &Object) {
        let on = object.object("containerContent").or_else(|| object.object("content"));
        let title = object.text("title").or_else(|| object.text("fileName"));
        let (Some(_), Some(on), Some(title)) = (standing(object), on, title) else { return };
        let file = Hanging {
            on: on.into(),
            title: title.to_owned(),
            media_type: object.text("contentType").map(str::to_owned),
            bytes: object.text("fileSize").and_then(|bytes| bytes.parse().ok()),
            version: version(object),
        };
        self.files.insert(object.id.as_str().into(), file);
    }

    fn take_body(&mut self, object: &mut Object) {
        let Some(of) = object.object("content").map(Box::from) else { return };
        let is_empty = matches!(object.take("body"), None | Some(Value::Text(_)));
        match object.text("bodyType") {
            Some("2") => drop(self.bodies.insert(of, Markup::Storage)),
            Some("1") => {}
            _ if is_empty => {}
            _ => drop(self.bodies.entry(of).or_insert(Markup::Wiki)),
        }
    }

    fn take_property(&mut self, object: &Object) {
        let Some(name) = object.text("name").filter(|name| PROPERTIES.contains(name)) else { return };
        let value = object.text("stringValue").or_else(|| object.text("longValue")).unwrap_or_default();
        let id: Box<str> = object.id.as_str().into();
        if let Some(of) = object.object("content") {
            self.of_content.entry(of.into()).or_default().push(id.clone());
        }
        self.properties.insert(id, (name.to_owned(), value.to_owned()));
    }

    fn take_label(&mut self, object: &Object) {
        // A person's own labels are not the page's.
        let is_shared = object.text("namespace").is_none_or(|space| matches!(space, "global" | "team"));
        if let Some(name) = object.text("name").filter(|_| is_shared) {
            self.labels.insert(object.id.as_str().into(), name.to_lowercase());
        }
    }

    fn take_labelling(&mut self, object: &Object) {
        let Some(label) = object.object("label").map(Box::<str>::from) else { return };
        if let Some(of) = object.object("content") {
            self.labelled.entry(of.into()).or_default().push(label.clone());
        }
        self.labellings.insert(object.id.as_str().into(), label);
    }

    /// The labels of a page, lower case, sorted.
    pub(super) fn labels(&self, id: &str, page: &Page) -> Vec<String> {
        let by_page = page.labellings.iter().filter_map(|labelling| self.labellings.get(labelling));
        let all = self.labelled.get(id).into_iter().flatten().chain(by_page);
        let mut labels: Vec<String> = all.filter_map(|label| self.labels.get(label)).cloned().collect();
        labels.sort();
        labels.dedup();
        labels
    }

    /// A property of a content.
    pub(super) fn property(&self, id: &str, version: &Version, name: &str) -> Option<&str> {
        let mut all = self.of_content.get(id).into_iter().flatten().chain(&version.properties);
        let found = all.find_map(|property| self.properties.get(property).filter(|(known, _)| known == name))?;
        Some(found.1.as_str()).filter(|value| !value.is_empty())
    }
}

/// Whether something that stands is archived; `None` for what does not stand: an old version, a draft, what is in the bin, or
/// in a state that we do not know.
fn standing(object: &Object) -> Option<bool> {
    let is_old = object.value("originalVersion").is_some_and(|value| *value != Value::Text(String::new()))
        || object.text("originalVersionId").is_some();
    match object.text("contentStatus") {
        _ if is_old => None,
        None => Some(false),
        Some(status) if status.eq_ignore_ascii_case("current") => Some(false),
        Some(status) if status.eq_ignore_ascii_case("archived") => Some(true),
        Some(_) => None,
    }
}

fn version(object: &Object) -> Version {
    let number = object.text("version").or_else(|| object.text("attachmentVersion"));
    let by = ["lastModifier", "creator"].iter().find_map(|name| object.object(name));
    let by = by.or_else(|| ["lastModifierName", "creatorName"].iter().find_map(|name| object.text(name)));
    let when = object.text("lastModificationDate").or_else(|| object.text("creationDate"));
    Version {
        number: number.and_then(|number| number.parse().ok()).unwrap_or(1),
        by: by.map(Box::from),
        when: when.unwrap_or_default().into(),
        properties: object.objects("contentProperties").iter().map(|id| id.as_str().into()).collect(),
    }
}
