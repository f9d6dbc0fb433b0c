//! One page, blog post, comment or file of Data Center read by itself, with everything that decides who may read it.

use super::Confluence;
use super::abreast::abreast;
use super::client::{Trouble, encoded};
use super::listing::{Lister, PAGE_EXPANDED};
use super::wire::{Content, Rows};
use crate::corpus::{Kind, Space};
use crate::crawl::markup::{self, Names};
use crate::crawl::source::{Item, Listing, One, Words};
use crate::crawl::{Failure, Wanted, words};

impl Confluence<'_> {
    pub(super) fn read_one(&self, wanted: &Wanted, names: &Names<'_>) -> Result<One, Failure> {
        let id = match wanted {
            Wanted::Id(id) => id.clone(),
            Wanted::Titled { space, title } => self.id_of(space, title)?,
        };
        let row = self.row(&id, "space,container,extensions.resolution")?;
        let container = row.container.as_ref().map(|container| container.id.clone());
        let kind = row.r#type.as_deref().and_then(Kind::parse);
        let space = row.space.as_ref().map(|space| {
            let name = if space.name.is_empty() { space.key.clone() } else { space.name.clone() };
            let is_personal = space.r#type == "personal" || space.key.starts_with('~');
            (Space { key: space.key.clone(), name }, is_personal, space.status == "archived")
        });
        let (Some(kind), Some((space, is_personal, is_archived))) = (kind, space) else {
            return Err(Trouble::Garbage.failure(&self.named(&id)));
        };
        let mut listing = self.lister().take_one(row, kind, container.as_deref());
        if listing.files_left_out > 0 {
            listing.items.clear();
        }
        let Some(item) = listing.items.first().cloned() else {
            let words = Err(Trouble::Garbage.failure(&self.named(&id)));
            let (items, macros, failures) = (Vec::new(), Vec::new(), listing.failures);
            return Ok(One { items, space, is_personal, is_archived, words, macros, failures });
        };
        if matches!(kind, Kind::Comment | Kind::Attachment)
            && let Some(container) = &container
        {
            self.add(container, &mut listing);
        }
        // What is not read here is missing from the items, so that nobody passes it.
        let holder = listing.items.last().unwrap_or(&item);
        let above: Vec<String> = holder.ancestors.iter().map(|id| id.local().to_owned()).collect();
        let page = holder.id.local().to_owned();
        for (id, row) in above.iter().zip(abreast(&above, |id| self.row(id, ""))) {
            self.take(id, row, &mut listing);
        }
        self.choose(&page, &mut listing);
        let (words, macros) = self.words_of(&item, names);
        let Listing { items, failures, .. } = listing;
        Ok(One { items, space, is_personal, is_archived, words, macros, failures })
    }

    fn named(&self, id: &str) -> String {
        format!("{}:{id}", self.settings.name)
    }

    fn lister(&self) -> Lister<'_> {
        Lister::new(&self.client, self.settings, self.extractor.file_bytes_max())
    }

    fn row(&self, id: &str, besides: &str) -> Result<Content, Failure> {
        let path = format!("/rest/api/content/{}?expand={PAGE_EXPANDED},{besides}", encoded(id));
        self.client.read(path.trim_end_matches(',')).map_err(|trouble| trouble.failure(&self.named(id)))
    }

    fn id_of(&self, space: &str, title: &str) -> Result<String, Failure> {
        for kind in ["page", "blogpost"] {
            let path = format!(
                "/rest/api/content?spaceKey={}&title={}&type={kind}&status=current&limit=1",
                encoded(space),
                encoded(title)
            );
            let rows: Rows<Content> = self.client.read(&path).map_err(|trouble| trouble.failure(space))?;
            if let Some(row) = rows.results.into_iter().next() {
                return Ok(row.id);
            }
        }
        Err(Trouble::Status(404, false).failure(space))
    }

    fn add(&self, id: &str, listing: &mut Listing) {
        self.take(id, self.row(id, ""), listing);
    }

    fn take(&self, id: &str, row: Result<Content, Failure>, listing: &mut Listing) {
        match row {
            Ok(row) => {
                let kind = row.r#type.as_deref().and_then(Kind::parse);
                let is_same = row.id == id;
                if let Some(kind) = kind.filter(|_| is_same) {
                    let more = self.lister().take_one(row, kind, None);
                    listing.items.extend(more.items);
                    listing.failures.extend(more.failures);
                }
            }
            Err(failure) => listing.failures.push(failure),
        }
    }

    /// Asks whether the condition of the settings finds the page.
    fn choose(&self, page: &str, listing: &mut Listing) {
        let condition = self.settings.cql.trim();
        if condition.is_empty() {
            return;
        }
        let query = encoded(&format!("id = {page} and ({condition})"));
        let found: Result<Rows<Content>, Trouble> =
            self.client.read(&format!("/rest/api/content/search?cql={query}&limit=1"));
        let is_found = found.as_ref().is_ok_and(|found| found.results.iter().any(|row| row.id == page));
        if let Err(trouble) = found {
            listing.failures.push(trouble.failure(&self.named(page)));
        }
        for item in listing.items.iter_mut().filter(|item| item.id.local() == page) {
            item.is_left_out = !is_found;
        }
    }

    fn words_of(&self, item: &Item, names: &Names<'_>) -> (Result<Words, Failure>, Vec<markup::MacroUse>) {
        if let Some(file) = &item.file {
            return (super::file::words(&self.client, self.extractor, item, file), Vec::new());
        }
        match self.body(item).map_err(|trouble| trouble.failure(item.id.as_str())) {
            Ok(content) => {
                let read = super::read(content);
                let macros = read.storage.as_deref().map(markup::macros).unwrap_or_default();
                (words::of(read, item, names), macros)
            }
            Err(failure) => (Err(failure), Vec::new()),
        }
    }
}
