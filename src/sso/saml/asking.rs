//! What the library asks of the ids that were seen.

use std::time::{SystemTime, UNIX_EPOCH};

use saml_rs::{ReplayCache, ReplayKey, SamlError};

use crate::clock::Moment;
use crate::names::ProviderId;
use crate::sso::Seen;
use crate::store;

/// What the library asks in one deed.
pub(super) struct Asking<'a> {
    pub seen: &'a Seen,
    pub provider: &'a ProviderId,
    pub now: Moment,
    /// What went wrong in the store; the library knows no such error.
    pub failed: Option<store::Error>,
}

impl ReplayCache for Asking<'_> {
    fn check_and_store(&mut self, key: ReplayKey, expires_at: SystemTime) -> Result<(), SamlError> {
        let ends = expires_at.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        let ends = Moment::from_ms(i64::try_from(ends).unwrap_or(i64::MAX));
        match self.seen.keep(self.provider, &key.cache_key(), ends, self.now) {
            Ok(true) => Ok(()),
            Ok(false) => Err(SamlError::ReplayDetected { key: key.kind().to_owned() }),
            Err(error) => {
                self.failed = Some(error);
                Err(SamlError::Invalid("the ids that were seen cannot be kept".to_owned()))
            }
        }
    }
}
