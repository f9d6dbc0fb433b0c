//! What was heard of a change before it was read: a webhook's word, an entry of the source's own audit log. Pure.
//!
//! A hint opens nothing and closes nothing. It says where to look next, and what is there is read again from the source: a
//! forged one costs a listing. One that never came costs nothing either, for the next whole run sees everything.

use std::collections::BTreeSet;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;

/// Pages of one hint that are remembered one by one; a hint of more is a hint of everything.
const PAGES_MAX: usize = 1_000;

/// What `X-Hub-Signature` begins with.
const SCHEME: &str = "sha256=";

/// The events of Data Center that are worth a look, by the names it gives them; of who is in which group it sends none.
pub const WEBHOOK_EVENTS: &[&str] = &[
    "page_created",
    "page_updated",
    "page_moved",
    "page_trashed",
    "page_restored",
    "page_removed",
    "blog_created",
    "blog_updated",
    "blog_moved",
    "blog_trashed",
    "blog_restored",
    "blog_removed",
    "comment_created",
    "comment_updated",
    "comment_removed",
    "attachment_created",
    "attachment_updated",
    "attachment_trashed",
    "attachment_restored",
    "attachment_removed",
    "content_permissions_updated",
    "label_added",
    "label_removed",
    "space_created",
    "space_updated",
    "space_removed",
    "space_permissions_updated",
    "group_created",
    "group_removed",
    "user_created",
    "user_deactivated",
    "user_reactivated",
    "user_removed",
];

/// Where something may have changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hint {
    /// Keys of spaces.
    pub spaces: BTreeSet<String>,
    /// The source's ids of pages and of what hangs on them.
    pub pages: BTreeSet<String>,
    /// Users, groups or who is in them.
    pub people: bool,
    /// It cannot be said where.
    pub everything: bool,
}

/// Why a webhook is not listened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unheard {
    /// The source has no secret, so that nobody can prove to be it.
    #[error("the source has no webhook_secret_file")]
    NoSecret,
    /// The body is not what was signed, or was signed with another secret.
    #[error("the signature does not fit: it must be that of the source's secret over the body")]
    Signature,
    /// The body is no event.
    #[error("the body is no event of Confluence")]
    Unreadable,
}

impl Hint {
    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        *self == Hint::default()
    }

    /// Takes in another one.
    pub fn add(&mut self, other: Hint) {
        self.spaces.extend(other.spaces);
        self.pages.extend(other.pages);
        self.people |= other.people;
        self.everything |= other.everything || self.pages.len() > PAGES_MAX;
        if self.everything {
            // Whoever reads everything needs no list.
            self.spaces.clear();
            self.pages.clear();
        }
    }
}

/// What a webhook of Data Center says, once its signature was proven: `X-Hub-Signature` is `sha256=` and the hexadecimal
/// HMAC-SHA-256 (RFC 2104) of the body with the secret.
pub(super) fn heard(secret: &[u8], signature: Option<&str>, body: &[u8]) -> Result<Hint, Unheard> {
    let given = signature.and_then(|signature| hex::decode(signature.trim().strip_prefix(SCHEME)?).ok());
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).map_err(|_| Unheard::NoSecret)?;
    mac.update(body);
    mac.verify_slice(&given.unwrap_or_default()).map_err(|_| Unheard::Signature)?;
    let event: Value = serde_json::from_slice(body).map_err(|_| Unheard::Unreadable)?;
    of_event(&event).ok_or(Unheard::Unreadable)
}

/// Reads an event. What it is about is read from the ids it carries, whatever its name: names differ between versions, and an
/// id too many costs a listing.
fn of_event(event: &Value) -> Option<Hint> {
    const CONTENTS: &[&str] =
        &["page", "blog", "blogpost", "content", "comment", "attachment", "attachedTo", "parent", "container"];
    let fields = event.as_object()?;
    let name = ["event", "webhookEvent", "eventType"].iter().find_map(|key| fields.get(*key)?.as_str());
    let mut hint = Hint::default();
    let mut waiting = vec![event];
    while let Some(value) = waiting.pop() {
        if let Value::Array(all) = value {
            waiting.extend(all);
            continue;
        }
        for (key, inner) in value.as_object().into_iter().flatten() {
            match key.as_str() {
                "spaceKey" => hint.spaces.extend(inner.as_str().map(str::to_owned)),
                "space" => {
                    let key = inner.get("key").unwrap_or(inner);
                    hint.spaces.extend(key.as_str().map(str::to_owned));
                }
                key if CONTENTS.contains(&key) => hint.pages.extend(id_of(inner)),
                _ => {}
            }
            waiting.push(inner);
        }
    }
    let name = name?.to_ascii_lowercase();
    hint.people = name.starts_with("group_") || name.starts_with("user_") || name.contains("membership");
    // Spaces come and go, and only a listing of them all tells which.
    hint.everything = matches!(name.as_str(), "space_created" | "space_removed" | "space_archived" | "space_restored");
    Some(hint)
}

fn id_of(content: &Value) -> Option<String> {
    match content.get("id").unwrap_or(content) {
        Value::Number(number) => number.as_u64().map(|number| number.to_string()),
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"a secret of the administrator";

    fn signed(body: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(SECRET).unwrap();
        mac.update(body);
        format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
    }

    fn hear(body: &str) -> Hint {
        heard(SECRET, Some(&signed(body.as_bytes())), body.as_bytes()).unwrap()
    }

    fn texts(all: &BTreeSet<String>) -> Vec<&str> {
        all.iter().map(String::as_str).collect()
    }

    #[test]
    fn an_event_names_its_page_and_its_space() {
        let hint = hear(
            r#"{"timestamp": 1, "event": "page_trashed", "userKey": "4f", "page": {"id": 131103, "spaceKey": "ENG"}}"#,
        );

        assert_eq!((texts(&hint.pages), texts(&hint.spaces)), (vec!["131103"], vec!["ENG"]));
        assert!(!hint.people && !hint.everything);
    }

    #[test]
    fn an_attachment_names_itself_and_what_it_hangs_on() {
        let hint =
            hear(r#"{"event": "attachment_created", "attachments": [{"id": "att7"}], "attachedTo": {"id": 42}}"#);

        assert_eq!(texts(&hint.pages), ["42"], "a list of attachments is found by its page");
        assert_eq!(texts(&hear(r#"{"event": "attachment_removed", "attachment": {"id": "att7"}}"#).pages), ["att7"]);
    }

    #[test]
    fn groups_users_and_spaces_that_come_or_go_are_told_apart() {
        assert!(hear(r#"{"event": "group_removed", "group": {"name": "staff"}}"#).people);
        assert!(hear(r#"{"event": "user_deactivated", "userProfile": {"userKey": "4f"}}"#).people);
        assert!(hear(r#"{"event": "space_removed", "space": {"key": "HR"}}"#).everything);
        let permissions = hear(r#"{"event": "space_permissions_updated", "space": {"key": "HR"}}"#);
        assert_eq!((texts(&permissions.spaces), permissions.everything), (vec!["HR"], false));
    }

    #[test]
    fn what_is_not_signed_with_the_secret_is_not_heard() {
        let body = br#"{"event": "page_updated", "page": {"id": 1}}"#;
        let good = signed(body);
        let other = signed(br#"{"event": "page_updated", "page": {"id": 2}}"#);
        let upper = good.to_ascii_uppercase().replace("SHA256", "sha256");

        assert!(heard(SECRET, Some(&upper), body).is_ok(), "hexadecimal is hexadecimal");
        for bad in [None, Some(""), Some("sha256="), Some(&good[..good.len() - 2]), Some(&good[7..]), Some(&other)] {
            assert_eq!(heard(SECRET, bad, body), Err(Unheard::Signature), "{bad:?}");
        }
        assert_eq!(heard(b"another", Some(&good), body), Err(Unheard::Signature));
    }

    #[test]
    fn what_is_no_event_is_refused_and_an_unknown_one_is_listened_to() {
        for body in ["[]", "7", "{}", "{\"page\": {\"id\": 1}}", "not JSON"] {
            assert_eq!(
                heard(SECRET, Some(&signed(body.as_bytes())), body.as_bytes()),
                Err(Unheard::Unreadable),
                "{body}"
            );
        }
        assert_eq!(texts(&hear(r#"{"event": "page_sparkled", "page": {"id": "9"}}"#).pages), ["9"]);
    }

    #[test]
    fn more_pages_than_can_be_looked_at_one_by_one_are_everything() {
        let mut hint = Hint::default();
        for page in 0..=PAGES_MAX {
            hint.add(Hint { pages: [page.to_string()].into(), ..Hint::default() });
        }

        assert_eq!(hint, Hint { everything: true, ..Hint::default() });
    }
}
