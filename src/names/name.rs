//! User and group names in their one normal form.

use std::fmt;

use precis_profiles::UsernameCaseMapped;
use precis_profiles::precis_core::profile::PrecisFastInvocation as _;

/// The longest name we take, in bytes of its normal form.
const NAME_BYTES_MAX: usize = 512;

/// Why a text is no name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not acceptable as a name: {1}")]
pub struct Unacceptable(String, &'static str);

/// A person's name as every source must spell it: RFC 8265 §3.3 UsernameCaseMapped. Made only by parsing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserName(Box<str>);

impl UserName {
    /// Normalises a name, or refuses it.
    pub fn parse(text: &str) -> Result<UserName, Unacceptable> {
        // RFC 8265 §3.1: a username is one word; spaces belong to display names.
        let normal = UsernameCaseMapped::enforce(text)
            .map_err(|_| Unacceptable(text.to_owned(), "RFC 8265 UsernameCaseMapped disallows it"))?;
        if normal.len() > NAME_BYTES_MAX {
            return Err(Unacceptable(text.chars().take(40).collect(), "it is longer than 512 bytes"));
        }
        Ok(UserName(normal.into()))
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A group's name: trimmed, NFC through lower case, compared without regard to case (Confluence and Crowd do the same).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupName(Box<str>);

impl GroupName {
    /// Normalises a name, or refuses an empty or enormous one, or one with control characters.
    pub fn parse(text: &str) -> Result<GroupName, Unacceptable> {
        use unicode_normalization::UnicodeNormalization as _;
        let normal: String = text.trim().nfc().collect::<String>().to_lowercase();
        if normal.is_empty() {
            return Err(Unacceptable(text.to_owned(), "it is empty"));
        }
        if normal.len() > NAME_BYTES_MAX {
            return Err(Unacceptable(text.chars().take(40).collect(), "it is longer than 512 bytes"));
        }
        if normal.chars().any(char::is_control) {
            return Err(Unacceptable(text.to_owned(), "it has control characters"));
        }
        Ok(GroupName(normal.into()))
    }

    /// The normal form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_only_by_case_are_one() {
        assert_eq!(UserName::parse("Mateo@Example.com"), UserName::parse("mateo@example.com"));
    }

    #[test]
    fn a_cyrillic_look_alike_is_another_name() {
        assert_ne!(UserName::parse("mаry").unwrap(), UserName::parse("mary").unwrap());
    }

    #[test]
    fn a_name_with_a_space_or_nothing_in_it_is_refused() {
        assert!(UserName::parse("mary jones").is_err());
        assert!(UserName::parse("").is_err());
    }
}
