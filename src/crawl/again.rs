//! What a run asks beside its listing: pages that no listing gave, and who is meant where a page names somebody.

use std::collections::HashMap;

use super::listed::Listed;
use super::markup::{Mention, Names};
use super::plan::{Held, Known};
use super::run::Running;
use crate::corpus::DocumentId;
use crate::directory::SourcePeople;
use crate::names::AccountId;

/// Documents that no listing gave are looked for one by one where there are no more than so many.
const LOOKED_AGAIN_MAX: usize = 200;

impl<'a> Running<'a, '_> {
    /// Looks for what would be taken for gone, where that is little: it may have moved past the listing.
    pub(super) fn look_again(&self, listed: &mut Listed, known: &Known) {
        let is_missed =
            |id: &DocumentId, held: &Held| !listed.items.contains_key(id) && !listed.partial.contains(&held.space);
        let missed = known.documents.iter().filter(|(id, held)| is_missed(id, held)).map(|(id, _)| id.clone());
        let missed: Vec<DocumentId> = missed.take(LOOKED_AGAIN_MAX + 1).collect();
        if missed.is_empty() || missed.len() > LOOKED_AGAIN_MAX {
            return;
        }
        for (key, item) in self.source.look_again(&missed) {
            if let Some(place) = listed.spaces.iter().position(|space| space.key == key) {
                listed.space_of.insert(item.id.clone(), place);
                listed.items.insert(item.id.clone(), item);
            }
        }
    }

    /// Display names for mentions: from the people just read, else from those the directory has.
    pub(super) fn names(&self, people: Option<&SourcePeople>) -> Box<Names<'a>> {
        let mut by_key: HashMap<String, String> = HashMap::new();
        let mut by_name: HashMap<String, String> = HashMap::new();
        for account in people.into_iter().flat_map(|people| &people.accounts) {
            by_key.insert(account.id.key.to_string(), account.display_name.clone());
            by_name.insert(account.user_name.to_lowercase(), account.display_name.clone());
        }
        let (directory, source) = (self.rooms.directory, self.settings.name.clone());
        Box::new(move |mention| match mention {
            Mention::Key(key) => by_key.get(key).cloned().or_else(|| {
                let account = AccountId { source: source.clone(), key: key.into() };
                directory.account_name(&account).ok().flatten()
            }),
            Mention::Name(name) => by_name
                .get(&name.to_lowercase())
                .cloned()
                .or_else(|| directory.account_named(&source, name).map(|account| account.display_name)),
        })
    }
}
