//! Confluence Cloud as a source.
//!
//! Content comes by version 2 of its interface, restrictions and groups by version 1, which alone tells them. Users and groups
//! are known by ids. There is no super group: what the crawler's account may not view is not there, unless an administrator of
//! the site lets it take an admin key. What a folder restricts is not told at all (CONFCLOUD-82920), so nobody passes one.

mod listing;
mod one;
mod people;
mod permission;
#[cfg(test)]
mod tests;
mod tree;
mod wire;

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};

use serde_json::json;

use self::listing::Lister;
use self::permission::all;
use super::changes;
use super::client::{Client, Trouble, encoded};
use super::file;
use super::permission::KnownBy;
use super::wire::User;
use crate::clock::Moment;
use crate::corpus::{DocumentId, Kind, Space};
use crate::crawl::examine::Finding;
use crate::crawl::hint::Hint;
use crate::crawl::markup::Names;
use crate::crawl::restriction::Subjects;
use crate::crawl::source::{Changed, Item, Listing, One, Source, Words};
use crate::crawl::words::{self, Read};
use crate::crawl::{Failure, Settings, Wanted, scope};
use crate::directory::SourcePeople;
use crate::extract::Extractor;
use crate::outbound;

/// Rows of version 2 asked for at once: it gives no more.
const ROWS: usize = 250;

/// Minutes for which an admin key is asked; it is taken anew for each space.
const KEY_MINUTES: u32 = 60;

/// Who is told how many more items were met.
type Seen<'a> = &'a mut dyn FnMut(u64) -> ControlFlow<()>;

/// One Confluence Cloud.
pub(in crate::crawl) struct Cloud<'a> {
    client: Client,
    settings: &'a Settings,
    extractor: &'a Extractor,
    /// Ids of spaces by their keys.
    spaces: Mutex<HashMap<String, String>>,
    /// Display names by account id.
    names: Mutex<HashMap<Box<str>, String>>,
}

impl<'a> Cloud<'a> {
    /// From settings; the error says what is wrong with them.
    pub(in crate::crawl) fn open(
        settings: &'a Settings,
        outbound: &outbound::Settings,
        extractor: &'a Extractor,
    ) -> Result<Cloud<'a>, String> {
        let client = Client::open(settings, outbound)?;
        Ok(Cloud { client, settings, extractor, spaces: Mutex::default(), names: Mutex::default() })
    }

    fn space_id(&self, key: &str) -> Result<String, Trouble> {
        let known = self.spaces.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned();
        known.ok_or(Trouble::Status(404, false))
    }

    /// Takes an admin key, where the settings say so.
    fn take_key(&self) -> Result<(), Failure> {
        if !self.settings.admin_key {
            return Ok(());
        }
        let taken: Result<serde_json::Value, Trouble> =
            self.client.call("/api/v2/admin-key", &json!({"durationInMinutes": KEY_MINUTES}));
        taken.map(|_| ()).map_err(|trouble| Failure {
            code: "admin_key".to_owned(),
            cause: format!("no admin key is given to the crawler's account: {trouble}"),
            remedy: "make it an administrator of a site with Premium or Enterprise, or switch admin_key off".to_owned(),
            ..trouble.failure("")
        })
    }

    /// Whether the key still opens, where one was taken: without it restricted pages are not there, as if they were deleted.
    fn has_key(&self) -> bool {
        !self.settings.admin_key || self.client.read::<serde_json::Value>("/api/v2/admin-key").is_ok()
    }

    fn try_groups(&self) -> Result<String, Failure> {
        let groups = people::groups(&self.client, "").map_err(|trouble| trouble.failure("groups"))?;
        let Some((id, _)) = groups.first() else {
            return Err(Failure {
                what: "groups".to_owned(),
                code: "no_groups".to_owned(),
                cause: "Confluence lists no groups to the crawler's account".to_owned(),
                remedy: "give the account access to Confluence, not only to one space".to_owned(),
            });
        };
        let members = people::members(&self.client, id).map_err(|trouble| trouble.failure("groups"))?;
        let without = members.iter().filter(|user| user.email.as_ref().is_none_or(String::is_empty)).count();
        let hidden = match without {
            0 => String::new(),
            _ => format!(
                "; {without} of the first one's {} members hide their e-mail address and are tied to nobody",
                members.len()
            ),
        };
        Ok(format!("{} groups and their members are told{hidden}", groups.len()))
    }

    /// Reads the restriction of the first page there is.
    fn try_restriction(&self, spaces: &[Space]) -> Result<String, Failure> {
        for space in spaces {
            let id = self.space_id(&space.key).map_err(|trouble| trouble.failure(&space.key))?;
            let path = format!("/api/v2/spaces/{}/pages?status=current&limit=1", encoded(&id));
            let page: Result<super::wire::Rows<wire::Content>, Trouble> = self.client.read(&path);
            if let Some(page) = page.map_err(|trouble| trouble.failure(&space.key))?.results.first() {
                return super::rights::restriction(&self.client, &page.id, KnownBy::Id);
            }
        }
        Ok("there is no page yet to try one on".to_owned())
    }

    fn try_sight(&self) -> Result<String, Failure> {
        match self.settings.admin_key {
            true if self.has_key() => Ok("an admin key opens what restrictions would hide".to_owned()),
            true => self.take_key().map(|()| "an admin key was taken".to_owned()),
            false => {
                Ok("pages that the crawler's account may not view are not there; admin_key would open them".to_owned())
            }
        }
    }

    /// Bodies of pages or of blog posts, by their ids; what is missing was not given.
    fn bodies(&self, items: &[&Item], kind: Kind) -> Result<HashMap<String, wire::Content>, Trouble> {
        let ids: Vec<&str> = items.iter().filter(|item| item.kind == kind).map(|item| item.id.local()).collect();
        if ids.len() < 2 {
            return Ok(HashMap::new());
        }
        let word = if kind == Kind::Blogpost { "blogposts" } else { "pages" };
        let path = format!("/api/v2/{word}?id={}&body-format=storage", encoded(&ids.join(",")));
        let rows: Vec<wire::Content> = all(&self.client, &path)?;
        // One without it is asked for by itself, in whatever format it has.
        Ok(rows.into_iter().filter(has_storage).map(|row| (row.id.clone(), row)).collect())
    }

    fn body(&self, item: &Item) -> Result<wire::Content, Trouble> {
        let id = encoded(item.id.local());
        let read = |word: &str| -> Result<wire::Content, Trouble> {
            let written = |format: &str| self.client.read(&format!("/api/v2/{word}/{id}?body-format={format}"));
            match written("storage") {
                Ok(content) if has_storage(&content) => Ok(content),
                // Some pages of the new editor cannot be written in storage format (CONFCLOUD-76433).
                Ok(_) | Err(Trouble::Status(400 | 500, _)) => written("atlas_doc_format"),
                Err(trouble) => Err(trouble),
            }
        };
        match item.kind {
            Kind::Blogpost => read("blogposts"),
            Kind::Comment => match read("footer-comments") {
                Err(trouble) if trouble.is_absent() => read("inline-comments"),
                comment => comment,
            },
            Kind::Page | Kind::Attachment => read("pages"),
        }
    }

    fn words(&self, content: wire::Content, item: &Item, names: &Names<'_>) -> Result<Words, Failure> {
        let version = content.version.unwrap_or_default();
        let known = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let body = content.body.unwrap_or_default();
        let read = Read {
            storage: body.storage.map(|storage| storage.value),
            document: body.atlas_doc_format.map(|document| document.value),
            view: None,
            selection: content.properties.and_then(|properties| properties.inline_original_selection),
            revision: version.number,
            when: version.created_at,
            author: version.author_id.and_then(|id| known.get(id.as_str()).cloned()),
        };
        drop(known);
        words::of(read, item, names)
    }
}

fn has_storage(content: &wire::Content) -> bool {
    content.body.as_ref().is_some_and(|body| body.storage.is_some())
}

impl Source for Cloud<'_> {
    fn connect(&self) -> Result<String, Failure> {
        let user: User = self.client.read("/rest/api/user/current").map_err(|trouble| trouble.failure(""))?;
        let failure = |code: &str, cause: String, remedy: &str| Failure {
            what: String::new(),
            code: code.to_owned(),
            cause,
            remedy: remedy.to_owned(),
        };
        if user.r#type != "known" || user.account_id.as_deref().is_none_or(str::is_empty) {
            return Err(failure(
                "anonymous",
                "Confluence takes us for an anonymous visitor: the token is wrong or has expired".to_owned(),
                "make a new API token for the crawler's account",
            ));
        }
        // The token is taken with the address beside it; where the account hides that address, its being known is enough.
        let is_ours = |email: &String| email.is_empty() || email.eq_ignore_ascii_case(&self.settings.user);
        if !user.email.as_ref().is_none_or(is_ours) {
            return Err(failure(
                "other_user",
                format!(
                    "Confluence takes us for {:?}, not for {:?}",
                    user.email.unwrap_or_default(),
                    self.settings.user
                ),
                "set user to the e-mail address of the account that the token belongs to",
            ));
        }
        self.take_key()?;
        Ok(format!("Confluence takes us for {}", self.settings.user))
    }

    fn about(&self) -> Result<String, Failure> {
        Ok("Confluence Cloud".to_owned())
    }

    fn try_rights(&self, spaces: &[Space]) -> Vec<Finding> {
        vec![
            Finding { what: "groups", outcome: self.try_groups() },
            Finding { what: "restrictions", outcome: self.try_restriction(spaces) },
            Finding { what: "hidden pages", outcome: self.try_sight() },
        ]
    }

    fn people(&self) -> Result<SourcePeople, Failure> {
        let people = people::read(&self.client, &self.settings.name).map_err(|trouble| trouble.failure("groups"))?;
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        *names = people.accounts.iter().map(|account| (account.id.key.clone(), account.display_name.clone())).collect();
        Ok(people)
    }

    fn may_use(&self) -> Result<Subjects, Failure> {
        let groups = people::groups(&self.client, "").map_err(|trouble| trouble.failure("groups"))?;
        let wanted = &self.settings.use_groups;
        let is_wanted = |id: &str, name: &str| {
            wanted.iter().any(|wanted| wanted == id || wanted.to_lowercase() == name.to_lowercase())
        };
        let found: Vec<Box<str>> =
            groups.iter().filter(|(id, name)| is_wanted(id, name)).map(|(id, _)| id.as_str().into()).collect();
        if !found.is_empty() {
            return Ok(Subjects { groups: found, ..Subjects::default() });
        }
        // Who has the product is asked for the remedy alone: nothing is opened by it.
        let giving = people::groups(&self.client, "accessType=user").unwrap_or_default();
        let giving: Vec<String> = giving.into_iter().map(|(_, name)| format!("{name:?}")).take(10).collect();
        let which = if giving.is_empty() { "with access to Confluence".to_owned() } else { giving.join(", ") };
        Err(Failure {
            what: String::new(),
            code: "use_unknown".to_owned(),
            cause: "Confluence Cloud does not tell who may use it, so nobody finds its pages".to_owned(),
            remedy: format!("name the groups {which} in use_groups, if their members may"),
        })
    }

    fn spaces(&self) -> Result<Vec<Space>, Failure> {
        let statuses = if self.settings.archived_spaces { &["current", "archived"][..] } else { &["current"] };
        let mut listed: Vec<wire::Space> = Vec::new();
        for status in statuses {
            let path = format!("/api/v2/spaces?status={status}");
            listed.extend(all::<wire::Space>(&self.client, &path).map_err(|trouble| trouble.failure(""))?);
        }
        let mut met: HashSet<String> = HashSet::new();
        let mut ids = self.spaces.lock().unwrap_or_else(PoisonError::into_inner);
        let mut spaces = Vec::new();
        for wire::Space { id, key, name, r#type, .. } in listed {
            let is_personal = r#type == "personal" || key.starts_with('~');
            if met.insert(key.clone()) && scope::takes_space(self.settings, &key, is_personal) {
                ids.insert(key.clone(), id);
                spaces.push(Space { name: if name.is_empty() { key.clone() } else { name }, key });
            }
        }
        Ok(spaces)
    }

    fn may_view(&self, space: &Space) -> Result<Subjects, Failure> {
        let told = self.space_id(&space.key).and_then(|id| permission::may_view(&self.client, &id, &space.key));
        told.map_err(|trouble| Failure {
            code: "space_permissions_unknown".to_owned(),
            cause: format!("who may view this space cannot be read, so nobody finds its pages: {trouble}"),
            remedy: "let the crawler's account view the space".to_owned(),
            ..trouble.failure(&space.key)
        })
    }

    fn list(&self, space: &Space, seen: &mut dyn FnMut(u64) -> ControlFlow<()>) -> Listing {
        let broken = |failure| Listing { failures: vec![failure], ..Listing::default() };
        let id = match self.space_id(&space.key) {
            Ok(id) => id,
            Err(trouble) => return broken(trouble.failure(&space.key)),
        };
        if let Err(failure) = self.take_key() {
            return broken(failure);
        }
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let lister = Lister::new(&self.client, self.settings, &names, self.extractor.file_bytes_max());
        let mut listing = lister.list(&id, &space.key, seen);
        if !self.has_key() {
            listing.is_whole = false;
            listing.failures.push(Failure {
                what: space.key.clone(),
                code: "admin_key".to_owned(),
                cause: "the admin key ended while the space was listed, so restricted pages may be missing".to_owned(),
                remedy: "sync again; if it stays, look whether somebody withdraws the key".to_owned(),
            });
        }
        listing
    }

    fn changed(&self, since: Moment) -> Result<Vec<Changed>, Failure> {
        changes::changed(&self.client, self.settings, since).map_err(|trouble| trouble.failure("changes"))
    }

    fn audited(&self, since: Moment) -> Result<Option<(Hint, Moment)>, Failure> {
        changes::audited_on_cloud(&self.client, since).map_err(|trouble| trouble.failure("audit log"))
    }

    fn space_of(&self, local: &str) -> Result<Option<String>, Failure> {
        changes::space_of(&self.client, local).map_err(|trouble| trouble.failure(local))
    }

    fn look_again(&self, ids: &[DocumentId]) -> Vec<(String, Item)> {
        if !self.settings.cql.trim().is_empty() {
            // Whether the condition of the settings still finds them is for the next listing to say.
            return Vec::new();
        }
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let spaces = self.spaces.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Lister::new(&self.client, self.settings, &names, self.extractor.file_bytes_max()).look_again(ids, &spaces)
    }

    fn fetch(&self, items: &[&Item], names: &Names<'_>) -> Vec<Result<Words, Failure>> {
        let pages: Vec<&Item> = items.iter().copied().filter(|item| item.file.is_none()).collect();
        // Where the batch cannot be had, each is asked for by itself: one bad page never stops the rest.
        let mut bodies = self.bodies(&pages, Kind::Page).unwrap_or_default();
        bodies.extend(self.bodies(&pages, Kind::Blogpost).unwrap_or_default());
        let one = |item: &&Item| {
            if let Some(file) = &item.file {
                return file::words(&self.client, self.extractor, item, file);
            }
            let content = match bodies.remove(item.id.local()) {
                Some(content) => content,
                None => self.body(item).map_err(|trouble| trouble.failure(item.id.as_str()))?,
            };
            self.words(content, item, names)
        };
        items.iter().map(one).collect()
    }

    fn one(&self, wanted: &Wanted, names: &Names<'_>) -> Result<One, Failure> {
        self.read_one(wanted, names)
    }
}
