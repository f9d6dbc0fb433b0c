//! Times in a message: each has the form of one before the library reads it.

/// Attributes that are times.
const TIMES: &[&str] = &["issueinstant", "authninstant", "notbefore", "notonorafter", "sessionnotonorafter"];

/// Whether an attribute of this name, in small letters, is a time.
pub(super) fn is_one(name: &str) -> bool {
    TIMES.contains(&name)
}

/// Whether this has the form of a moment in UTC (SAML Core §1.3.3, XML Schema Part 2 §3.2.7): the library's reader takes the
/// digits for digits before it looks whether they are.
pub(super) fn reads(text: &str) -> bool {
    let Some(text) = text.trim_matches([' ', '\t', '\n', '\r']).strip_suffix('Z') else { return false };
    let (text, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let form =
        |text: &str| text.bytes().map(|byte| if byte.is_ascii_digit() { b'0' } else { byte }).collect::<Vec<u8>>();
    let year = text.find('-').unwrap_or(0);
    is_number(fraction) && year >= 4 && is_number(&text[..year]) && form(&text[year..]) == b"-00-00T00:00:00"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_digits_where_the_library_takes_them_for_granted() {
        for time in ["2026-11-28T09:53:27Z", "2026-11-28T09:53:27.123456Z", " 12026-01-01T00:00:00Z\n"] {
            assert!(reads(time), "{time}");
        }
        for none in [
            "2026-11-28T09:53:27",
            "2026-11-28T09:53:27+01:00",
            "2026-zT-28T09:53:27Z",
            "2026-11-28T09:53:27.Z",
            "26-11-28T09:53:27Z",
            "-2026-11-28T09:53:27Z",
            "\u{a0}2026-11-28T09:53:27Z",
            "2026-11-28",
            "Z",
            "",
        ] {
            assert!(!reads(none), "{none}");
        }
    }
}
