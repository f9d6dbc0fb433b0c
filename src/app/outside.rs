//! Checkpoints that leave the machine: with the list of destroyed keys, to a folder elsewhere, to a syslog server, to another
//! host. What is held there cannot be rewritten here.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError, TryLockError};
use std::thread::JoinHandle;

use serde_json::json;

use super::{App, Asker, Error, chain};
use crate::audit::{Checkpoint, Event, Place, Stand};
use crate::clock::Moment;
use crate::names::UserId;
use crate::outbound::{self, Message, Outbound, Request, Syslog, SyslogError};
use crate::store::durable;
use crate::vault;

/// Milliseconds after a failed attempt before the next one by itself.
const AGAIN_MS: i64 = 60_000;
/// Bytes of a note in one syslog message: RFC 5425 §4.3.1 promises 2,048 for the whole.
const PART_BYTES: usize = 1_024;
/// Seconds that another host may take for its answer: whoever closes the appliance waits as long.
const ANSWER_S_MAX: u64 = 20;

/// The thread that sends by itself, and who sends now.
#[derive(Default)]
pub(super) struct Sending {
    /// Held while something is sent, so that two do not send at once.
    turn: Mutex<()>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Sending {
    /// Waits for what is being sent.
    pub(super) fn stop(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("sending a checkpoint ended by a panic");
        }
    }
}

/// How a place outside stands.
#[derive(Debug, Clone)]
pub struct OutsidePlace {
    /// Of which kind it is.
    pub place: Place,
    /// What is known of it.
    pub stand: Stand,
}

/// What of the log is held outside.
#[derive(Debug, Clone)]
pub struct OutsideState {
    /// The places that the settings name.
    pub places: Vec<OutsidePlace>,
    /// The newest checkpoint that one of them took: when, and how many leaves were signed.
    pub newest: Option<(Moment, u64)>,
    /// Leaves that came after it.
    pub since: u64,
    /// Minutes between checkpoints sent by themselves; 0 for none.
    pub minutes: u64,
}

/// At whose word something is sent.
#[derive(Clone, Copy)]
enum By<'a> {
    Rounds,
    Owner,
    Administrator(&'a UserId),
}

/// Why a place did not take what was sent: the cause, and what to do.
type Refusal = (String, String);

/// What is sent.
struct Parcel {
    checkpoint: Checkpoint,
    /// The signed list of destroyed keys, and its digest.
    destroyed: (String, String),
}

impl App {
    /// Sends a fresh checkpoint to every place; the asker must be an administrator.
    pub fn send_checkpoint(&self, asker: &Asker) -> Result<OutsideState, Error> {
        self.administrators_only(asker)?;
        self.send(By::Administrator(asker.user()))
    }

    /// The same for the owner of the machine, at the machine itself.
    pub fn send_checkpoint_as_owner(&self) -> Result<OutsideState, Error> {
        self.send(By::Owner)
    }

    /// What of the log is held outside; an administrator's overview tells it too.
    pub fn outside(&self) -> Result<OutsideState, Error> {
        let mut places = Vec::new();
        for (place, address) in self.places_outside() {
            let stand = self.outside.stand(place)?;
            // What another address took is not held at this one.
            let stand = if stand.address == address { stand } else { Stand { address, ..Stand::default() } };
            places.push(OutsidePlace { place, stand });
        }
        let newest = places.iter().filter_map(|place| place.stand.taken).max_by_key(|(_, size)| *size);
        let since = self.audit.size().saturating_sub(newest.map_or(0, |(_, size)| size));
        Ok(OutsideState { places, newest, since, minutes: self.settings.audit.outside_minutes })
    }

    /// Begins to send, where something is due: in a thread of its own, for another host may keep us waiting.
    pub(super) fn send_what_is_due(&self) -> Result<(), Error> {
        let mut thread = self.sending.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.as_ref().is_some_and(|thread| !thread.is_finished()) || self.due_outside()?.is_empty() {
            return Ok(());
        }
        let Some(app) = self.me.upgrade() else { return Ok(()) };
        let send = move || {
            if let Err(error) = app.send(By::Rounds) {
                tracing::error!(error = &error as &dyn std::error::Error, "a checkpoint could not be sent outside");
            }
        };
        let spawned = std::thread::Builder::new().name("outside".to_owned()).spawn(send);
        *thread = Some(spawned.map_err(|error| Error::Broken(Box::new(error)))?);
        Ok(())
    }

    fn due_outside(&self) -> Result<Vec<Place>, Error> {
        let every = i64::try_from(self.settings.audit.outside_minutes).unwrap_or(i64::MAX).saturating_mul(60_000);
        let (now, size) = (self.now(), self.audit.size());
        let is_due = |stand: &Stand| {
            let wait = if stand.failed.is_some() { AGAIN_MS.min(every) } else { every };
            // A clock that was set back makes nothing wait for it to come round again.
            let has_waited = stand.tried.is_none_or(|tried| !(0..wait).contains(&now.since(tried)));
            has_waited && stand.taken.is_none_or(|(_, taken)| taken < size)
        };
        if every == 0 {
            return Ok(Vec::new());
        }
        let state = self.outside()?;
        Ok(state.places.iter().filter(|place| is_due(&place.stand)).map(|place| place.place).collect())
    }

    fn send(&self, by: By<'_>) -> Result<OutsideState, Error> {
        let _turn = match self.sending.turn.try_lock() {
            Ok(turn) => turn,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Err(Error::Busy),
        };
        let before = self.outside()?;
        let due = match by {
            By::Rounds => self.due_outside()?,
            By::Owner | By::Administrator(_) if before.places.is_empty() => {
                return Err(Error::Unreadable(NOWHERE.to_owned()));
            }
            By::Owner | By::Administrator(_) => Place::ALL.to_vec(),
        };
        let destroyed = self.audit.sign_destroyed(&self.vault.destroyed()?);
        let digest = hex::encode(vault::sha256(destroyed.as_bytes()));
        let parcel = Parcel { checkpoint: self.audit.checkpoint()?, destroyed: (destroyed, digest) };
        for OutsidePlace { place, stand } in before.places.into_iter().filter(|known| due.contains(&known.place)) {
            self.send_to(place, stand, &parcel, by)?;
        }
        self.outside()
    }

    fn send_to(&self, place: Place, before: Stand, parcel: &Parcel, by: By<'_>) -> Result<(), Error> {
        let mut stand = Stand { tried: Some(self.now()), doubt: None, ..before.clone() };
        let size = parcel.checkpoint.size;
        // A list that is held there already is not sent again: it may be long.
        let list = (before.destroyed.as_ref() != Some(&parcel.destroyed.1)).then_some(parcel.destroyed.0.as_str());
        let sent = match place {
            Place::Folder => self.put_into_folder(parcel, list),
            Place::Syslog => self.send_by_syslog(parcel, list).map(|()| None),
            Place::Url => self.post(parcel, list).map(|()| None),
        };
        let outcome = match sent {
            Ok(doubt) => {
                stand.taken = Some((parcel.checkpoint.at, size));
                stand.destroyed = Some(parcel.destroyed.1.clone());
                (stand.failed, stand.doubt) = (None, doubt);
                "sent"
            }
            Err((cause, remedy)) => {
                tracing::warn!(place = place.word(), cause, remedy, "a checkpoint could not be sent outside");
                stand.failed = Some((cause, remedy));
                "failed"
            }
        };
        self.outside.keep(place, &stand)?;
        let (user, word) = match by {
            By::Rounds => (None, "rounds"),
            By::Owner => (None, "owner"),
            By::Administrator(user) => (Some(user), "administrator"),
        };
        // By itself it goes on for years: only what changed is worth a leaf, or the log would grow by being sent.
        let is_news = before.failed.is_some() != stand.failed.is_some() || before.tried.is_none();
        if is_news || !matches!(by, By::Rounds) {
            let event = Event::CheckpointSent { user, by: word, place: place.word(), size, outcome };
            let receipt = self.audit.append(&event)?;
            tracing::info!(leaf = receipt.leaf(), place = place.word(), size, outcome, "a checkpoint went outside");
        }
        Ok(())
    }

    /// The places that the settings name, each with its address.
    fn places_outside(&self) -> Vec<(Place, String)> {
        let settings = &self.settings.audit;
        let folder = settings.outside_folder.as_ref().map(|folder| folder.display().to_string());
        let (syslog, url) = (settings.outside_syslog.as_ref(), settings.outside_url.as_ref());
        let all = [(Place::Folder, folder), (Place::Syslog, syslog.map(shown)), (Place::Url, url.map(shown))];
        all.into_iter().filter_map(|(place, address)| Some((place, address?))).collect()
    }

    fn put_into_folder(&self, parcel: &Parcel, list: Option<&str>) -> Result<Option<String>, Refusal> {
        let folder = self.settings.audit.outside_folder.as_deref().unwrap_or(Path::new(""));
        let name = folder.display();
        let there = folder.metadata().ok().filter(std::fs::Metadata::is_dir).ok_or_else(|| {
            let remedy = "mount it again, or name another in audit.outside_folder; it is never made, so that what belongs \
                          elsewhere is not put on this machine's own disk";
            (format!("the folder {name} is not there"), remedy.to_owned())
        })?;
        let failed =
            |error: crate::store::Error| (format!("cannot write into {name}: {}", chain(&error)), WRITABLE.to_owned());
        let key = self.audit.public_key();
        let key_file = folder.join("verifier.key");
        match durable::read(&key_file).map_err(failed)? {
            Some(known) if known.trim_ascii() != key.as_bytes() => {
                let remedy = "name an empty folder in audit.outside_folder, or find out why this log has another key";
                return Err((format!("{name} holds the checkpoints of another log"), remedy.to_owned()));
            }
            Some(_) => {}
            None => durable::write(&key_file, format!("{key}\n").as_bytes()).map_err(failed)?,
        }
        let size = parcel.checkpoint.size;
        if let Some(list) = list {
            durable::write(&folder.join(format!("destroyed-{size:012}.txt")), list.as_bytes()).map_err(failed)?;
        }
        let file = folder.join(format!("checkpoint-{size:012}.txt"));
        durable::write(&file, parcel.checkpoint.note.as_bytes()).map_err(failed)?;
        let is_here = self.store.folder().metadata().is_ok_and(|ours| ours.dev() == there.dev());
        Ok(is_here.then(|| format!("{name} stands on the same file system as the data folder: name one elsewhere")))
    }

    fn send_by_syslog(&self, parcel: &Parcel, list: Option<&str>) -> Result<(), Refusal> {
        let settings = &self.settings.audit;
        let Some(url) = &settings.outside_syslog else { return Ok(()) };
        let client = settings.outside_certificate_file.as_deref().zip(settings.outside_key_file.as_deref());
        let (key, at) = (self.audit.public_key(), parcel.checkpoint.at.rfc3339());
        let size = parcel.checkpoint.size;
        let head = json!({ "size": size, "key": key, "checkpoint": parcel.checkpoint.note });
        let mut texts = vec![("checkpoint", ascii(&head))];
        let parts: Vec<&str> = list.map(in_parts).unwrap_or_default();
        for (number, part) in parts.iter().enumerate() {
            let whole = json!({ "size": size, "part": number + 1, "parts": parts.len(), "text": part });
            texts.push(("destroyed", ascii(&whole)));
        }
        let host = self.settings.public_url.host_str().unwrap_or_default();
        let messages: Vec<Message<'_>> =
            texts.iter().map(|(kind, text)| Message { at: &at, host, kind, text }).collect();
        Syslog::open(&self.settings.outbound, url, client).and_then(|syslog| syslog.send(&messages)).map_err(|error| {
            match error {
                SyslogError::Way(error) => refused(&error, SYSLOG),
                SyslogError::Address(_) => (error.to_string(), format!("mend {SYSLOG}")),
                SyslogError::Certificate(..) => (
                    error.to_string(),
                    "give audit.outside_certificate_file a PEM chain and audit.outside_key_file its key".to_owned(),
                ),
            }
        })
    }

    fn post(&self, parcel: &Parcel, list: Option<&str>) -> Result<(), Refusal> {
        let settings = &self.settings.audit;
        let Some(url) = &settings.outside_url else { return Ok(()) };
        if url.scheme() != "https" {
            let remedy = "write an https address in audit.outside_url";
            return Err((format!("{} is not spoken to in clear", shown(url)), remedy.to_owned()));
        }
        let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        if let Some(file) = &settings.outside_token_file {
            let read = std::fs::read_to_string(file);
            let token = read.map_err(|error| {
                let remedy = "put the token there, or name another file in audit.outside_token_file";
                (format!("cannot read {}: {error}", file.display()), remedy.to_owned())
            })?;
            headers.push(("authorization".to_owned(), format!("Bearer {}", token.trim())));
        }
        let body = json!({
            "origin": self.audit.origin(), "key": self.audit.public_key(), "checkpoint": parcel.checkpoint.note,
            "destroyed": list,
        });
        let request = Request { method: "POST", url: url.clone(), headers, body: body.to_string().into_bytes() };
        let mut patience = self.settings.outbound.clone();
        patience.answer_s = patience.answer_s.min(ANSWER_S_MAX);
        let response = Outbound::open_without_reuse(&patience, std::slice::from_ref(url), "")
            .and_then(|outbound| outbound.step(&request))
            .map_err(|error| refused(&error, "audit.outside_url"))?;
        match response.status {
            200..=299 => Ok(()),
            401 | 403 => Err((
                format!("{} refused us with status {}", shown(url), response.status),
                "give it the token it expects, in audit.outside_token_file".to_owned(),
            )),
            status => Err((
                format!("{} answered with status {status}", shown(url)),
                "look why in its log; it must answer 2xx once the checkpoint is kept".to_owned(),
            )),
        }
    }
}

/// The setting of the syslog server.
const SYSLOG: &str = "audit.outside_syslog";
/// Said to who wants to send and has named no place.
const NOWHERE: &str =
    "the settings name no place outside; set outside_folder, outside_syslog or outside_url under [audit]";
/// What to do about a folder that cannot be written to.
const WRITABLE: &str = "let the account that Sotto runs as write into it, and look whether it is full";

/// An address without what belongs in no log.
fn shown(url: &url::Url) -> String {
    let mut url = url.clone();
    // Both refuse only addresses that cannot have a user, and those have none.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.to_string()
}

/// What an error of the way out means for who set it up.
fn refused(error: &outbound::Error, setting: &str) -> Refusal {
    let remedy = match error {
        outbound::Error::Untrusted(_) => "add the root certificate of its authority to outbound.roots".to_owned(),
        outbound::Error::NotAllowed(_) => format!("write its address in {setting} as config/sotto.toml shows it"),
        outbound::Error::Roots(..) => "give outbound.roots files with PEM certificates".to_owned(),
        outbound::Error::Proxy(..) => "mend outbound.proxy".to_owned(),
        outbound::Error::TooLarge(..) | outbound::Error::Unreachable(..) => {
            format!("see that it runs and that no firewall stands between; its address is {setting}")
        }
    };
    (chain(error), remedy)
}

/// JSON in ASCII alone: every syslog server takes that as it is.
fn ascii(value: &serde_json::Value) -> String {
    let mut out = String::new();
    for c in value.to_string().chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out
}

/// A text in parts that a message has room for, broken between lines.
fn in_parts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut begin, mut end) = (0, 0);
    for line in text.split_inclusive('\n') {
        if end > begin && end + line.len() - begin > PART_BYTES {
            parts.push(&text[begin..end]);
            begin = end;
        }
        end += line.len();
    }
    parts.push(&text[begin..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_broken_between_lines_and_nothing_is_lost() {
        let text: String = (0..100).map(|number| format!("{number:060}\n")).collect();

        let parts = in_parts(&text);

        assert_eq!(parts.concat(), text);
        assert!(parts.len() > 1 && parts.iter().all(|part| part.len() <= PART_BYTES && part.ends_with('\n')));
    }

    #[test]
    fn what_is_sent_by_syslog_is_ascii_and_reads_back() {
        let value = json!({ "note": "— log\n🎉" });

        let text = ascii(&value);

        assert!(text.is_ascii(), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }
}
