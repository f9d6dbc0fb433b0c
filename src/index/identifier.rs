//! Which words of a query are names that somebody gave a thing (`ERR_CONN_RESET`, `v2.3.1`, `/etc/hosts`), and so mean the
//! page that has that very name, not pages that have its parts.
//!
//! "On-call", "and/or", "1,000", "10:30" and "e.g." have marks inside as well, and mean what their parts mean.

use super::words::{is_empty_word, stripped, words};

/// Marks that stand before a word and not for it.
const AROUND: &[char] = &['`', '"', '\'', '(', '[', '{', '<', '*', '\u{201c}', '\u{201e}', '\u{2018}', '\u{ab}'];

/// Whether what stands between two spaces is a name.
pub(super) fn is_identifier(token: &str) -> bool {
    let form = stripped(token);
    let parts = words(form);
    let is_plain = parts.len() == 1 && parts[0].to_lowercase() == form.to_lowercase();
    if is_plain || !form.chars().any(char::is_alphabetic) {
        return false;
    }
    let bare = token.trim_start_matches(AROUND);
    if ["/", "--", "@", "#", "~", "$", "."].iter().any(|mark| bare.starts_with(mark)) {
        return true;
    }
    let marks = || form.chars().filter(|c| !c.is_alphanumeric());
    let is_of_letters = parts.iter().all(|part| part.chars().count() == 1);
    if marks().all(|c| matches!(c, '.' | '&' | '/' | '-' | '\'' | '\u{2019}')) && is_of_letters {
        // "e.g.", "U.S.", "Q&A"
        return false;
    }
    if form.chars().any(|c| c.is_ascii_digit()) || marks().any(|c| !matches!(c, '-' | '/' | '&' | '\'' | '\u{2019}')) {
        return true;
    }
    // Words joined by hyphens are a name where they are no phrase: `kubectl-drain-node`, and not "day-to-day".
    marks().all(|c| c == '-') && parts.len() > 2 && !parts.iter().any(|part| is_empty_word(&part.to_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_things_are_told_from_words_with_marks() {
        for name in [
            "kubectl-drain-node",
            "ERR_CONN_RESET",
            "Foo::bar()",
            "v2.3.1",
            "/etc/hosts",
            "`/var`/log",
            "ada.lovelace@example.com",
            "(OPS-123),",
            "user_name",
            "net.ipv4.ip_forward",
            "\"--dry-run\"",
            "C++",
            "c#",
            ".NET",
            "@ops-team",
            "https://git.example.com/tools",
            "HTTP/2",
        ] {
            assert!(is_identifier(name), "{name}");
        }
        for word in [
            "on-call",
            "day-to-day",
            "and/or",
            "1,000",
            "10:30",
            "2.5",
            "24/7",
            "2026-11-24",
            "e.g.",
            "U.S.",
            "Q&A",
            "I'm",
            "employees'",
            "PTO",
            "leave?",
            "(sic)",
            "18F",
            "50%",
            "...",
            "",
            "--",
            "🎉",
            "client/server",
        ] {
            assert!(!is_identifier(word), "{word}");
        }
    }
}
