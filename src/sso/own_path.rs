//! Where a browser may be sent after a sign-in: to a path of ours.

use super::Refusal;

/// The longest path that is kept, in bytes.
const PATH_BYTES_MAX: usize = 2_048;

/// Refuses what a browser could read as an address elsewhere (an open redirect makes our sign-in page a phisher's).
pub(super) fn check(path: &str) -> Result<(), Refusal> {
    let bytes = path.as_bytes();
    let is_own = bytes.first() == Some(&b'/')
        // `//host` is another host; browsers read a backslash as a slash, and drop tabs and line ends.
        && bytes.get(1) != Some(&b'/')
        && !path.contains('\\')
        && !path.chars().any(char::is_control)
        && bytes.len() <= PATH_BYTES_MAX;
    if is_own { Ok(()) } else { Err(Refusal::new("return_to_refused", "the path to return to is not one of ours")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_paths_are_taken_with_their_queries() {
        for path in ["/", "/conversations/12", "/ask?q=a%20b#x", "/a//b"] {
            assert_eq!(check(path), Ok(()), "{path}");
        }
    }

    #[test]
    fn what_leads_elsewhere_is_refused() {
        let elsewhere = [
            "",
            "ask",
            "https://evil.example/",
            "//evil.example",
            "/\\evil.example",
            "\\/evil.example",
            "/a\\b",
            "/\t/evil.example",
            "/\n/evil.example",
            "javascript:alert(1)",
            "/a\u{0}b",
            "/\u{85}",
        ];
        for path in elsewhere {
            assert_eq!(check(path).unwrap_err().code, "return_to_refused", "{path:?}");
        }
        assert!(check(&format!("/{}", "a".repeat(PATH_BYTES_MAX))).is_err());
    }
}
