//! What a browser posts to us.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::shape;
use crate::sso::Refusal;

/// What the browser brought back.
#[derive(Clone, Default)]
pub struct Answer {
    /// `SAMLResponse`, base64.
    pub response: String,
    /// `RelayState`.
    pub relay_state: Option<String>,
}

impl Answer {
    /// From the fields of the form. One that stands twice is refused: two readers could take two.
    pub fn of(fields: &[(String, String)]) -> Result<Answer, Refusal> {
        let response = single(fields, "SAMLResponse")?
            .ok_or_else(|| Refusal::new("message_unreadable", "the form has no SAMLResponse"))?;
        Ok(Answer { response, relay_state: single(fields, "RelayState")?.filter(|state| !state.is_empty()) })
    }

    /// The message as text.
    pub(super) fn xml(&self) -> Result<String, Refusal> {
        let no = || Refusal::new("message_unreadable", "the SAMLResponse is no base64 of UTF-8 text");
        if self.response.len() > shape::BYTES_MAX * 2 {
            return Err(Refusal::new("message_too_large", "the SAMLResponse is too large"));
        }
        // Some providers break the lines of base64.
        let packed: String = self.response.split_ascii_whitespace().collect();
        String::from_utf8(BASE64_STANDARD.decode(packed).map_err(|_| no())?).map_err(|_| no())
    }
}

#[cfg(feature = "probe")]
impl Answer {
    /// A response that is not yet encoded.
    pub fn of_xml(xml: &str) -> Answer {
        Answer { response: BASE64_STANDARD.encode(xml), relay_state: None }
    }
}

/// The value of a field; one that stands twice is refused.
pub(super) fn single(fields: &[(String, String)], name: &str) -> Result<Option<String>, Refusal> {
    let mut all = fields.iter().filter(|(known, _)| known == name).map(|(_, value)| value.clone());
    match (all.next(), all.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(Refusal::new("message_unreadable", format!("{name} stands twice"))),
    }
}
