//! How conversations stand in the store: five trees of ids, times and sealed bytes.

use serde::{Deserialize, Serialize};

use super::Entry;
use super::words::Words;
use crate::clock::Moment;
use crate::names::{ApplicationId, ConversationId, MessageId, UserId};
use crate::store::{Batch, Changes, Error, Key, Store, Tree, json_record};
use crate::vault::{ConversationKey, Label, Place, Sealed};

/// Where a turn stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) owner: UserId,
    pub(super) conversation: ConversationId,
    /// From 0, without gaps.
    pub(super) sequence: u64,
}

/// What the list needs of a conversation.
#[derive(Serialize, Deserialize)]
pub(super) struct Head {
    /// In which application it was begun. Records from before there were several are the default one's.
    #[serde(default)]
    pub(super) application: ApplicationId,
    pub(super) began: Moment,
    pub(super) changed: Moment,
    pub(super) turns: u64,
    /// Sealed; empty where it was lost with a damaged head.
    pub(super) title: Vec<u8>,
}
json_record!(Head, 1);

#[derive(Serialize, Deserialize)]
struct Deletion {
    at: Moment,
}
json_record!(Deletion, 1);

const ENTRY: Label = Label("history entry");
const WORDS: Label = Label("history words");

/// A conversation by its owner: all keys of a person begin alike, and nobody's conversation is found without them.
type Whose = [u8; 32];

pub(super) struct Kept {
    store: Store,
    entries: Tree<Spot, Vec<u8>>,
    /// The words of each turn, to find it by.
    words: Tree<Spot, Vec<u8>>,
    heads: Tree<Whose, Head>,
    /// When a conversation was deleted. Kept apart from the head: a deletion must not be lost with a damaged record.
    deleted: Tree<Whose, Deletion>,
    /// Owner and message: conversation and sequence.
    messages: Tree<Whose, Vec<u8>>,
}

/// A turn as it is stored: itself, and its words.
pub(super) struct Turn {
    entry: Sealed<Entry>,
    words: Sealed<Words>,
}

impl Turn {
    pub(super) fn seal(entry: &Entry, key: &ConversationKey, spot: &Spot) -> Turn {
        let words = Sealed::seal(&Words::of(entry), key, &spot.place_of_words());
        Turn { entry: Sealed::seal(entry, key, &spot.place()), words }
    }
}

impl Spot {
    /// What an entry is bound to.
    pub(super) fn place(&self) -> Place<'_> {
        Place { label: &ENTRY, owner: &self.owner, conversation: &self.conversation, sequence: self.sequence }
    }

    /// What its words are bound to.
    pub(super) fn place_of_words(&self) -> Place<'_> {
        Place { label: &WORDS, ..self.place() }
    }
}

impl Key for Spot {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&whose(&self.owner, &self.conversation));
        out.extend_from_slice(&self.sequence.to_be_bytes());
    }

    fn read(bytes: &[u8]) -> Option<Spot> {
        let (whose, sequence) = bytes.split_first_chunk::<32>()?;
        let (owner, conversation) = of_whose(whose);
        Some(Spot { owner, conversation, sequence: u64::read(sequence)? })
    }
}

impl Kept {
    pub(super) fn open(store: &Store) -> Result<Kept, Error> {
        Ok(Kept {
            store: store.clone(),
            entries: store.tree("history.entries")?,
            words: store.tree("history.words")?,
            heads: store.tree("history.heads")?,
            deleted: store.tree("history.deleted")?,
            messages: store.tree("history.messages")?,
        })
    }

    /// Adds a turn: all of it, or nothing.
    pub(super) fn add(&self, spot: &Spot, message: &MessageId, head: &Head, turn: &Turn) -> Result<(), Error> {
        let (mut heads, mut messages) = (Batch::new(), Batch::new());
        heads.put(&whose(&spot.owner, &spot.conversation), head);
        let place = [spot.conversation.as_bytes().as_slice(), &spot.sequence.to_be_bytes()].concat();
        messages.put(&joined(spot.owner.as_bytes(), message.as_bytes()), &place);
        let mut changes = self.turns_kept(std::iter::once((spot, turn)));
        changes.add(&self.heads, heads);
        changes.add(&self.messages, messages);
        self.store.make(changes)
    }

    /// Turns in the place of those that stand there.
    fn turns_kept<'a>(&self, turns: impl Iterator<Item = (&'a Spot, &'a Turn)>) -> Changes {
        let (mut entries, mut words) = (Batch::new(), Batch::new());
        for (spot, turn) in turns {
            entries.put(spot, &turn.entry.as_bytes().to_vec());
            words.put(spot, &turn.words.as_bytes().to_vec());
        }
        let mut changes = Changes::new();
        changes.add(&self.entries, entries);
        changes.add(&self.words, words);
        changes
    }

    /// Puts turns, and the head where it is given, in the place of those that stand there: all of them, or none.
    pub(super) fn replace(
        &self,
        owner: &UserId,
        conversation: &ConversationId,
        head: Option<&Head>,
        turns: &[(Spot, Turn)],
    ) -> Result<(), Error> {
        let mut changes = self.turns_kept(turns.iter().map(|(spot, turn)| (spot, turn)));
        let mut heads = Batch::new();
        if let Some(head) = head {
            heads.put(&whose(owner, conversation), head);
        }
        changes.add(&self.heads, heads);
        self.store.make(changes)
    }

    /// The words of a turn; `None` where they are missing or damaged.
    pub(super) fn words(&self, spot: &Spot) -> Result<Option<Sealed<Words>>, Error> {
        match self.words.get(spot) {
            Err(Error::Unreadable { .. }) => Ok(None),
            words => Ok(words?.map(|bytes| Sealed::from_bytes(&bytes))),
        }
    }

    pub(super) fn entry(&self, spot: &Spot) -> Result<Option<Sealed<Entry>>, Error> {
        Ok(self.entries.get(spot)?.map(|bytes| Sealed::from_bytes(&bytes)))
    }

    /// Puts a sealed entry where it was not sealed for, as somebody with the disk would.
    #[cfg(test)]
    pub(super) fn put_entry(&self, spot: &Spot, entry: &Sealed<Entry>) -> Result<(), Error> {
        self.entries.put(spot, &entry.as_bytes().to_vec())
    }

    /// Where a message of this person stands; `None` where there is none, or where the note of it is damaged.
    pub(super) fn spot_of(&self, owner: &UserId, message: &MessageId) -> Result<Option<Spot>, Error> {
        let place = match self.messages.get(&joined(owner.as_bytes(), message.as_bytes())) {
            Err(Error::Unreadable { .. }) => return Ok(None),
            place => place?,
        };
        Ok(place.and_then(|place| {
            let (conversation, sequence) = place.split_first_chunk::<16>()?;
            let conversation = ConversationId::from_bytes(*conversation);
            Some(Spot { owner: *owner, conversation, sequence: u64::read(sequence)? })
        }))
    }

    pub(super) fn head(&self, owner: &UserId, conversation: &ConversationId) -> Result<Option<Head>, Error> {
        self.heads.get(&whose(owner, conversation))
    }

    pub(super) fn put_head(&self, owner: &UserId, conversation: &ConversationId, head: &Head) -> Result<(), Error> {
        self.heads.put(&whose(owner, conversation), head)
    }

    /// How many turns there are, counted where the head cannot say.
    pub(super) fn turns(&self, owner: &UserId, conversation: &ConversationId) -> Result<u64, Error> {
        let last = self.entries.keys_under(&whose(owner, conversation)).next_back().transpose()?;
        Ok(last.map_or(0, |spot| spot.sequence + 1))
    }

    pub(super) fn is_there(&self, owner: &UserId, conversation: &ConversationId) -> Result<bool, Error> {
        Ok(self.heads.keys_under(&whose(owner, conversation)).next().transpose()?.is_some())
    }

    /// A person's conversations that are not deleted.
    pub(super) fn conversations_of(&self, owner: &UserId) -> Result<Vec<ConversationId>, Error> {
        let mut visible = Vec::new();
        for conversation in self.all_of(owner)? {
            if !self.is_deleted(owner, &conversation)? {
                visible.push(conversation);
            }
        }
        Ok(visible)
    }

    /// A person's conversations, deleted ones too.
    pub(super) fn all_of(&self, owner: &UserId) -> Result<Vec<ConversationId>, Error> {
        self.heads.keys_under(owner.as_bytes()).map(|key| Ok(of_whose(&key?).1)).collect()
    }

    /// Everybody's conversations.
    pub(super) fn conversations(&self) -> Result<Vec<(UserId, ConversationId)>, Error> {
        self.heads.keys_under(b"").map(|key| Ok(of_whose(&key?))).collect()
    }

    pub(super) fn is_deleted(&self, owner: &UserId, conversation: &ConversationId) -> Result<bool, Error> {
        match self.deleted_at(owner, conversation) {
            // That it was ever put there is enough.
            Err(Error::Unreadable { .. }) => Ok(true),
            at => Ok(at?.is_some()),
        }
    }

    pub(super) fn deleted_at(&self, owner: &UserId, conversation: &ConversationId) -> Result<Option<Moment>, Error> {
        Ok(self.deleted.get(&whose(owner, conversation))?.map(|deletion| deletion.at))
    }

    pub(super) fn put_deleted(&self, owner: &UserId, conversation: &ConversationId, at: Moment) -> Result<(), Error> {
        self.deleted.put_on_reserve(&whose(owner, conversation), &Deletion { at })
    }

    pub(super) fn remove_deleted(&self, owner: &UserId, conversation: &ConversationId) -> Result<(), Error> {
        self.deleted.remove(&whose(owner, conversation))?;
        Ok(())
    }

    /// Everybody's deleted conversations.
    pub(super) fn deleted(&self) -> Result<Vec<(UserId, ConversationId)>, Error> {
        self.deleted.keys_under(b"").map(|key| Ok(of_whose(&key?))).collect()
    }

    /// Removes every record of a conversation, its deletion with them: all, or nothing.
    pub(super) fn destroy(&self, owner: &UserId, conversation: &ConversationId) -> Result<(), Error> {
        let whose = whose(owner, conversation);
        let (mut entries, mut words, mut heads) = (Batch::new(), Batch::new(), Batch::new());
        let (mut deleted, mut messages) = (Batch::new(), Batch::new());
        for spot in self.entries.keys_under(&whose) {
            entries.remove(&spot?);
        }
        for spot in self.words.keys_under(&whose) {
            words.remove(&spot?);
        }
        for key in self.messages.keys_under(owner.as_bytes()) {
            let key = key?;
            let message = MessageId::from_bytes(second_of(&key));
            if self.spot_of(owner, &message)?.is_none_or(|spot| spot.conversation == *conversation) {
                messages.remove(&key);
            }
        }
        heads.remove(&whose);
        deleted.remove(&whose);
        let mut changes = Changes::new();
        changes.add(&self.entries, entries);
        changes.add(&self.words, words);
        changes.add(&self.heads, heads);
        changes.add(&self.deleted, deleted);
        changes.add(&self.messages, messages);
        self.store.make(changes)
    }

    /// Damages an entry, as a bad disk would.
    #[cfg(test)]
    pub(super) fn damage(&self, spot: &Spot) {
        self.entries.damage(spot, |bytes| bytes[40] ^= 1);
    }

    /// Loses the words of a turn, as a folder of before they were kept has none.
    #[cfg(test)]
    pub(super) fn lose_words(&self, spot: &Spot) {
        self.words.remove(spot).unwrap();
    }

    /// Whether words of a conversation are left.
    #[cfg(test)]
    pub(super) fn has_words(&self, conversation: &ConversationId, owner: &UserId) -> bool {
        self.words.keys_under(&whose(owner, conversation)).next().is_some()
    }

    /// Damages a head, as a bad disk would.
    #[cfg(test)]
    pub(super) fn damage_head(&self, owner: &UserId, conversation: &ConversationId) {
        self.heads.damage(&whose(owner, conversation), |bytes| bytes[10] ^= 1);
    }

    /// Damages a deletion, as a bad disk would.
    #[cfg(test)]
    pub(super) fn damage_deletion(&self, owner: &UserId, conversation: &ConversationId) {
        self.deleted.damage(&whose(owner, conversation), |bytes| bytes[6] ^= 1);
    }
}

fn whose(owner: &UserId, conversation: &ConversationId) -> Whose {
    joined(owner.as_bytes(), conversation.as_bytes())
}

fn joined(first: &[u8; 16], second: &[u8; 16]) -> Whose {
    let mut whole = [0; 32];
    whole[..16].copy_from_slice(first);
    whole[16..].copy_from_slice(second);
    whole
}

fn of_whose(whose: &Whose) -> (UserId, ConversationId) {
    let (owner, _) = whose.split_first_chunk::<16>().expect("it has 32 bytes");
    (UserId::from_bytes(*owner), ConversationId::from_bytes(second_of(whose)))
}

fn second_of(whole: &Whose) -> [u8; 16] {
    let (_, second) = whole.split_last_chunk::<16>().expect("it has 32 bytes");
    *second
}
