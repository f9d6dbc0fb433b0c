//! Checkpoints: tree heads as C2SP signed notes (c2sp.org/tlog-checkpoint, c2sp.org/signed-note), signed with Ed25519.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::SigningKey;
use signed_note::{
    Note, StandardSigner, StandardVerifier, VerifierList, is_key_name_valid, key_id, new_ed25519_verifier_key,
};
use tlog_tiles::{Checkpoint as Head, Hash};
use zeroize::Zeroizing;

use super::Error;
use crate::names::{ConversationId, UserId};
use crate::store::durable;
use crate::vault::{self, ExposeSecret as _, Label, Vault};

/// The log's signing key, under the log's name.
pub(super) struct Signer {
    origin: String,
    signer: StandardSigner,
    /// As a C2SP verifier key.
    pub(super) public_key: String,
}

const LABEL: Label = Label("audit signing key");
/// c2sp.org/signed-note: the byte that says Ed25519.
const ED25519: u8 = 1;
/// The second line of a list of destroyed keys, and what stands for all keys of a person.
const DESTROYED: &str = "destroyed keys";
const EVERYTHING: &str = "*";

impl Signer {
    /// Reads the signing key, or makes it for a log that has no leaf yet.
    pub(super) fn open(folder: &Path, vault: &Vault, origin: &str, is_new: bool) -> Result<Signer, Error> {
        if !is_key_name_valid(origin) {
            return Err(Error::Unfit(format!("the origin {origin:?} must be one word without '+'")));
        }
        let path = folder.join("signing.key");
        let seed: Zeroizing<[u8; 32]> = match durable::read(&path)? {
            Some(sealed) => {
                let open = vault.open_own(&LABEL, &sealed)?;
                Zeroizing::new(open.expose_secret().as_slice().try_into().map_err(|_| vault::Error::DoesNotOpen)?)
            }
            None if is_new => {
                let seed = vault::fresh();
                durable::write(&path, &vault.seal_own(&LABEL, &*seed))?;
                seed
            }
            None => return Err(Error::Unfit(format!("{} is missing; put it back from a backup", path.display()))),
        };
        Ok(Signer::new(origin, &seed))
    }

    fn new(origin: &str, seed: &[u8; 32]) -> Signer {
        let key = SigningKey::from_bytes(seed);
        let public = [&[ED25519], key.verifying_key().as_bytes().as_slice()].concat();
        let secret = Zeroizing::new([&[ED25519], seed.as_slice()].concat());
        let encoded = Zeroizing::new(format!(
            "PRIVATE+KEY+{origin}+{:08x}+{}",
            key_id(origin, &public),
            *Zeroizing::new(STANDARD.encode(&*secret))
        ));
        let signer = StandardSigner::new(&encoded).expect("the key was encoded one line above, its name was checked");
        let public_key = new_ed25519_verifier_key(origin, &key.verifying_key());
        Signer { origin: origin.to_owned(), signer, public_key }
    }

    /// The log's name.
    pub(super) fn origin(&self) -> &str {
        &self.origin
    }

    /// Signs a tree head.
    pub(super) fn sign(&self, size: u64, root: [u8; 32]) -> String {
        let head = Head::new(&self.origin, size, Hash(root), "").expect("the origin is not empty");
        self.signed(&head.to_bytes())
    }

    /// Signs the list of destroyed keys. Its second line is no number, so neither it nor a tree head is ever taken for the other.
    pub(super) fn sign_destroyed(&self, destroyed: &[(UserId, Option<ConversationId>)]) -> String {
        let mut text = format!("{}\n{DESTROYED}\n{}\n", self.origin, destroyed.len());
        for (owner, conversation) in destroyed {
            let what = conversation.map_or_else(|| EVERYTHING.to_owned(), |conversation| conversation.to_string());
            text.push_str(&format!("{owner} {what}\n"));
        }
        self.signed(text.as_bytes())
    }

    fn signed(&self, text: &[u8]) -> String {
        let mut note = Note::new(text, &[]).expect("what is signed is text that ends in a line");
        note.add_sigs(&[&self.signer]).expect("Ed25519 signs any message, and the name was checked");
        String::from_utf8(note.to_bytes()).expect("a note is text")
    }
}

/// Whether text is a list of destroyed keys, signed or not.
pub fn is_destroyed(text: &str) -> bool {
    text.lines().nth(1) == Some(DESTROYED)
}

/// Reads a signed list of destroyed keys, where `key` (a C2SP verifier key) signed it.
pub fn read_destroyed(note: &str, key: &str) -> Result<Vec<(UserId, Option<ConversationId>)>, Error> {
    let refuse = |why: &str| Error::Unfit(format!("the list of destroyed keys {why}"));
    let note = Note::from_bytes(note.as_bytes()).map_err(|_| refuse("is no signed note: was it cut short?"))?;
    note.verify(&VerifierList::new(vec![Box::new(verifier(key)?)]))
        .map_err(|_| refuse("is not signed by the key given"))?;
    let text = std::str::from_utf8(note.text()).map_err(|_| refuse("is no text"))?;
    let mut lines = text.lines();
    let head = [lines.next(), lines.next()];
    if head != [key.split('+').next(), Some(DESTROYED)] {
        return Err(refuse("is none: it is something else that the log signed"));
    }
    let count = lines.next().and_then(|line| line.parse::<usize>().ok());
    let read = |line: &str| {
        let (owner, what) = line.split_once(' ')?;
        let conversation = if what == EVERYTHING { None } else { Some(ConversationId::parse(what)?) };
        Some((UserId::parse(owner)?, conversation))
    };
    let destroyed: Vec<_> = lines.map(read).collect::<Option<_>>().ok_or_else(|| refuse("does not read"))?;
    if count != Some(destroyed.len()) {
        return Err(refuse("does not have as many lines as it says"));
    }
    Ok(destroyed)
}

/// Reads a signed tree head: its size and root, where `key` (a C2SP verifier key) signed it.
pub(super) fn check(note: &str, key: &str) -> Result<(u64, [u8; 32]), Error> {
    let refuse = |why: &str| Error::Unfit(why.to_owned());
    let verifier = verifier(key)?;
    let origin = key.split('+').next().unwrap_or_default();
    let note = Note::from_bytes(note.as_bytes()).map_err(|_| refuse("the checkpoint is no signed note"))?;
    note.verify(&VerifierList::new(vec![Box::new(verifier)]))
        .map_err(|_| refuse("the checkpoint is not signed by the key given"))?;
    let head = Head::from_bytes(note.text()).map_err(|_| refuse("the checkpoint is no tree head"))?;
    if head.origin() != origin {
        return Err(refuse("the checkpoint is of another log"));
    }
    Ok((head.size(), head.hash().0))
}

fn verifier(key: &str) -> Result<StandardVerifier, Error> {
    let why = "the key given is no C2SP verifier key; \"sotto audit checkpoint\" prints it, and an export's first line has it";
    StandardVerifier::new(key).map_err(|_| Error::Unfit(why.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signed_head_is_read_back_and_any_change_is_refused() {
        let signer = Signer::new("sotto.test/log", &[7; 32]);
        let note = signer.sign(12, [9; 32]);

        assert_eq!(check(&note, &signer.public_key).unwrap(), (12, [9; 32]));

        for changed in [note.replace("\n12\n", "\n13\n"), note.replace("sotto.test", "other.test"), String::new()] {
            assert!(check(&changed, &signer.public_key).is_err(), "{changed}");
        }
        let other = Signer::new("sotto.test/log", &[8; 32]);
        assert!(check(&note, &other.public_key).is_err());
        assert!(check(&note, "no key").is_err());
    }

    #[test]
    fn a_list_of_destroyed_keys_is_read_back_and_is_never_taken_for_a_head() {
        let (signer, ids) = (Signer::new("sotto.test/log", &[7; 32]), crate::names::Ids::Random);
        let (ada, bob) = (UserId::new(&ids), UserId::new(&ids));
        let list = vec![(ada, Some(ConversationId::new(&ids))), (bob, None)];

        let note = signer.sign_destroyed(&list);

        assert_eq!(read_destroyed(&note, &signer.public_key).unwrap(), list);
        assert_eq!(read_destroyed(&signer.sign_destroyed(&[]), &signer.public_key).unwrap(), []);
        assert!(check(&note, &signer.public_key).is_err());
        assert!(read_destroyed(&signer.sign(1, [0; 32]), &signer.public_key).is_err());
        let without_bob = note.replace(&format!("{bob} *\n"), "").replace("\n2\n", "\n1\n");
        assert!(read_destroyed(&without_bob, &signer.public_key).is_err());
    }
}
