//! Sealing everything of a person again, after their keys were renewed.

use super::kept::{Head, Spot, Turn};
use super::{Error, History, title};
use crate::names::{ConversationId, UserId};
use crate::store;
use crate::vault::{ConversationKey, Vault};

impl History {
    /// Seals everything of a person again with their newest keys, and then lets the older ones go. A conversation is sealed
    /// again whole or not at all; what a crash left is done by the next call.
    pub fn reseal(&self, vault: &Vault, owner: &UserId) -> Result<(), Error> {
        // Under the turn: a turn that is being kept with a key from before is in the list, or is kept with the new one.
        let turn = self.turn();
        let (keys, conversations) = (vault.keyring(owner)?, self.kept.all_of(owner)?);
        drop(turn);
        for conversation in conversations {
            // A key that is missing was destroyed, or is damaged: either way nothing opens that could be sealed again.
            if let Ok(key) = keys.key(&conversation) {
                self.reseal_one(owner, &conversation, &key)?;
            }
        }
        Ok(vault.settle(owner)?)
    }

    pub(super) fn reseal_one(
        &self,
        owner: &UserId,
        conversation: &ConversationId,
        key: &ConversationKey,
    ) -> Result<(), Error> {
        let _turn = self.turn();
        let head = match self.kept.head(owner, conversation) {
            // It stays damaged: its title is lost, and the rest is made of the turns whenever it is needed.
            Err(store::Error::Unreadable { .. }) => None,
            head => head?,
        };
        let head = head.map(|head| {
            let title = title::open(&head.title, key, owner, conversation);
            let title = title.map_or_else(Vec::new, |title| title::seal(title, key, owner, conversation));
            Head { title, ..head }
        });
        let mut turns = Vec::new();
        for sequence in 0..self.kept.turns(owner, conversation)? {
            let spot = Spot { owner: *owner, conversation: *conversation, sequence };
            if let Some(entry) = self.open_entry(&spot, Some(key))? {
                turns.push((spot, Turn::seal(&entry, key, &spot)));
            }
        }
        Ok(self.kept.replace(owner, conversation, head.as_ref(), &turns)?)
    }
}
