//! Confluence as a source: Data Center and Server here, Cloud in [`cloud`].
//!
//! Spaces, pages, blog posts, comments and attachments are listed over REST without their words, with each one's version and
//! read restriction; words are fetched only for what is new or changed. Permissions are three: who may use Confluence, who
//! may view the space, and whom each page on the way is left to. What cannot be read is never taken for open.
//!
//! Begin at [`Confluence`]; [`client`] knows the traps of paging, [`permission`] and [`grants`] those of permissions.

mod abreast;
mod changes;
mod client;
mod cloud;
mod file;
mod grants;
mod listing;
mod one;
mod people;
mod permission;
mod rights;
mod wire;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};

use self::abreast::abreast;
use self::client::{Client, Trouble, encoded};
use self::grants::Grants;
use self::listing::Lister;
use super::examine::Finding;
use super::hint::Hint;
use super::markup::Names;
use super::restriction::{Level, Subjects};
use super::source::{Changed, Item, Listing, One, Source, Words};
use super::{Failure, Settings, Wanted, scope, words};
use crate::clock::Moment;
use crate::corpus::{DocumentId, Space};
use crate::directory::SourcePeople;
use crate::extract::Extractor;
use crate::outbound;

pub(super) use self::cloud::Cloud;

/// Spaces asked for at once.
const SPACE_ROWS: usize = 200;

/// What is expanded when words are fetched.
const WORDS_EXPANDED: &str = "body.storage,version,extensions.inlineProperties";

/// The same where storage format cannot be had, and the settings take what is shown.
const SHOWN_EXPANDED: &str = "body.view,version,extensions.inlineProperties";

/// Bodies given at once by Data Center.
const BODY_ROWS: usize = 50;

/// One Confluence.
pub(super) struct Confluence<'a> {
    client: Client,
    grants: Grants,
    settings: &'a Settings,
    extractor: &'a Extractor,
    /// Keys of spaces by their numbers, as they were listed last.
    numbers: Mutex<HashMap<String, String>>,
}

impl<'a> Confluence<'a> {
    /// From settings; the error says what is wrong with them.
    pub(super) fn open(
        settings: &'a Settings,
        outbound: &outbound::Settings,
        extractor: &'a Extractor,
    ) -> Result<Confluence<'a>, String> {
        let grants = Grants::open(settings)?;
        let client = Client::open(settings, outbound)?;
        Ok(Confluence { client, grants, settings, extractor, numbers: Mutex::default() })
    }

    /// Bodies of several items, by their ids; what is missing was not given.
    fn bodies(&self, items: &[&Item]) -> Result<HashMap<String, wire::Content>, Trouble> {
        let ids: Vec<&str> = items.iter().map(|item| item.id.local()).filter(|id| is_number(id)).collect();
        if ids.len() < 2 {
            return Ok(HashMap::new());
        }
        let cql = encoded(&format!("id in ({})", ids.join(",")));
        let mut bodies = HashMap::new();
        let path = format!("/rest/api/content/search?cql={cql}&expand={WORDS_EXPANDED}");
        self.client.rows(&path, BODY_ROWS, &mut |rows: Vec<wire::Content>| {
            let before = bodies.len();
            bodies.extend(rows.into_iter().map(|row| (row.id.clone(), row)));
            bodies.len() - before
        })?;
        Ok(bodies)
    }

    fn body(&self, item: &Item) -> Result<wire::Content, Trouble> {
        let id = encoded(item.id.local());
        // What is archived is not given without being asked for, and what is in the bin is not taken.
        let any = if self.settings.archived_pages { "status=any&" } else { "" };
        let written = |expanded: &str| -> Result<wire::Content, Trouble> {
            let content: wire::Content = self.client.read(&format!("/rest/api/content/{id}?{any}expand={expanded}"))?;
            match scope::takes_status(self.settings, item.kind, content.status.as_deref()) {
                true => Ok(content),
                false => Err(Trouble::Status(404, false)),
            }
        };
        match written(WORDS_EXPANDED) {
            Err(Trouble::Status(500, _)) if self.settings.take_shown => written(SHOWN_EXPANDED),
            content => content,
        }
    }
}

impl Source for Confluence<'_> {
    fn connect(&self) -> Result<String, Failure> {
        // An expired token is no error where anonymous access is on: the call runs as nobody (CONFSERVER-98199). Going on
        // would list less, and delete the rest.
        let user: wire::User = self.client.read("/rest/api/user/current").map_err(|trouble| trouble.failure(""))?;
        let names = [user.username.as_deref(), user.user_key.as_deref()];
        let is_ours = names.into_iter().flatten().any(|name| name.eq_ignore_ascii_case(&self.settings.user));
        match user.r#type.as_str() {
            "known" if is_ours => Ok(format!("Confluence takes us for {}", self.settings.user)),
            "known" => Err(Failure {
                what: String::new(),
                code: "other_user".to_owned(),
                cause: format!(
                    "Confluence takes us for {:?}, not for {:?}",
                    user.username.unwrap_or_default(),
                    self.settings.user
                ),
                remedy: "set user to the account that the token belongs to".to_owned(),
            }),
            _ => Err(Failure {
                what: String::new(),
                code: "anonymous".to_owned(),
                cause: "Confluence takes us for an anonymous visitor: the credential is wrong or has expired"
                    .to_owned(),
                remedy: "renew the token or the password of the crawler's user".to_owned(),
            }),
        }
    }

    fn about(&self) -> Result<String, Failure> {
        Ok(rights::about(&self.client))
    }

    fn try_rights(&self, spaces: &[Space]) -> Vec<Finding> {
        rights::try_all(&self.client, &self.settings.user, spaces)
    }

    fn people(&self) -> Result<SourcePeople, Failure> {
        people::read(&self.client, &self.settings.name).map_err(|trouble| trouble.failure("groups"))
    }

    fn may_use(&self) -> Result<Subjects, Failure> {
        let named: Vec<Box<str>> = self.settings.use_groups.iter().map(|name| name.as_str().into()).collect();
        match permission::may_use(&self.client) {
            Ok(subjects) => Ok(subjects),
            // Before 9.2.18 and 9.3 there is no such question, and only an administrator may ask it.
            Err(Trouble::Status(..)) if !named.is_empty() => Ok(Subjects { groups: named, ..Subjects::default() }),
            Err(trouble) => Err(Failure {
                code: "use_unknown".to_owned(),
                cause: format!("who may use Confluence cannot be read, so nobody finds its pages: {trouble}"),
                remedy: "use a Confluence administrator's account on 9.2.18 or later, or name the groups in use_groups"
                    .to_owned(),
                ..trouble.failure("")
            }),
        }
    }

    fn spaces(&self) -> Result<Vec<Space>, Failure> {
        let mut met: HashSet<String> = HashSet::new();
        let mut spaces = Vec::new();
        let mut numbers = HashMap::new();
        let mut take = |rows: Vec<wire::Space>| {
            let before = met.len();
            for wire::Space { id, key, name, r#type, .. } in rows {
                let is_personal = r#type == "personal" || key.starts_with('~');
                numbers.insert(id, key.clone());
                // Past its end this listing may give a row again (CONFSERVER-95272).
                if !key.is_empty() && met.insert(key.clone()) && scope::takes_space(self.settings, &key, is_personal) {
                    let name = if name.is_empty() { key.clone() } else { name };
                    spaces.push(Space { key, name });
                }
            }
            met.len() - before
        };
        let statuses = if self.settings.archived_spaces { &["current", "archived"][..] } else { &["current"] };
        for status in statuses {
            let path = format!("/rest/api/space?status={status}");
            self.client.rows(&path, SPACE_ROWS, &mut take).map_err(|trouble| trouble.failure(""))?;
        }
        *self.numbers.lock().unwrap_or_else(PoisonError::into_inner) = numbers;
        Ok(spaces)
    }

    fn may_view(&self, space: &Space) -> Result<Subjects, Failure> {
        self.grants.of(&self.client, &space.key)
    }

    fn list(&self, space: &Space, seen: &mut dyn FnMut(u64) -> ControlFlow<()>) -> Listing {
        Lister::new(&self.client, self.settings, self.extractor.file_bytes_max()).list(&space.key, seen)
    }

    fn changed(&self, since: Moment) -> Result<Vec<Changed>, Failure> {
        changes::changed(&self.client, self.settings, since).map_err(|trouble| trouble.failure("changes"))
    }

    fn audited(&self, since: Moment) -> Result<Option<(Hint, Moment)>, Failure> {
        let key_of = |number: &str| {
            let known = |number: &str| self.numbers.lock().unwrap_or_else(PoisonError::into_inner).get(number).cloned();
            // The log names spaces by number, and only a listing of them tells the keys.
            known(number).or_else(|| self.spaces().ok().and_then(|_| known(number)))
        };
        changes::audited(&self.client, since, &key_of).map_err(|trouble| trouble.failure("audit log"))
    }

    fn space_of(&self, local: &str) -> Result<Option<String>, Failure> {
        changes::space_of(&self.client, local).map_err(|trouble| trouble.failure(local))
    }

    fn look_again(&self, ids: &[DocumentId]) -> Vec<(String, Item)> {
        if !self.settings.cql.trim().is_empty() {
            // Whether the condition of the settings still finds them is for the next listing to say.
            return Vec::new();
        }
        Lister::new(&self.client, self.settings, self.extractor.file_bytes_max()).look_again(ids)
    }

    fn restricted_above(&self, pages: &[&Item]) -> Vec<Option<BTreeMap<DocumentId, Level>>> {
        abreast(pages, |page| permission::above(&self.client, page).ok())
    }

    fn fetch(&self, items: &[&Item], names: &Names<'_>) -> Vec<Result<Words, Failure>> {
        let pages: Vec<&Item> = items.iter().copied().filter(|item| item.file.is_none()).collect();
        // Where the batch cannot be had, each is asked for by itself: one bad page never stops the rest.
        let mut bodies = self.bodies(&pages).unwrap_or_default();
        let one = |item: &&Item| {
            if let Some(file) = &item.file {
                return file::words(&self.client, self.extractor, item, file);
            }
            let content = match bodies.remove(item.id.local()) {
                Some(content) => content,
                None => self.body(item).map_err(|trouble| trouble.failure(item.id.as_str()))?,
            };
            words::of(read(content), item, names)
        };
        items.iter().map(one).collect()
    }

    fn one(&self, wanted: &Wanted, names: &Names<'_>) -> Result<One, Failure> {
        self.read_one(wanted, names)
    }
}

fn is_number(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit())
}

fn read(content: wire::Content) -> words::Read {
    let version = content.version.unwrap_or_default();
    let body = content.body.unwrap_or_default();
    words::Read {
        storage: body.storage.map(|storage| storage.value),
        document: None,
        view: body.view.map(|view| view.value),
        selection: content.extensions.inline_properties.and_then(|inline| inline.original_selection),
        revision: version.number,
        when: version.when,
        author: version.by.and_then(|by| by.display_name),
    }
}
