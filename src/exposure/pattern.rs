//! What looks like a secret. Pure.
//!
//! Each pattern is narrow: what fits is told to a person who has other things to do. Numbers are checked by their own check
//! digits, and what stands behind `password:` must look like one.

use regex::Regex;
use serde::{Deserialize, Serialize};

use super::Found;

/// Bytes of one text that are looked at; a page of more is looked at up to here.
const TEXT_BYTES_MAX: usize = 1 << 20;

/// Findings of one kind that are counted in one text.
const COUNT_MAX: u32 = 1_000;

/// What kind of secret something looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The beginning of a private key in PEM (RFC 7468) or of a PGP private key block.
    PrivateKey,
    /// The key of a cloud account (Amazon, Google).
    CloudKey,
    /// A token with the mark of who gives it (GitHub, GitLab, Slack, Stripe, Atlassian), or a signed JSON web token (RFC 7519).
    Token,
    /// A value behind a name like `api_key` or `client_secret`.
    Key,
    /// A value behind the word password, or inside an address (RFC 3986 §3.2.1).
    Password,
    /// The number of a bank account (ISO 13616), right by its check digits.
    Iban,
    /// The number of a payment card (ISO/IEC 7812), right by its check digit.
    Card,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 7] =
        [Kind::PrivateKey, Kind::CloudKey, Kind::Token, Kind::Key, Kind::Password, Kind::Iban, Kind::Card];

    /// Its word on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Kind::PrivateKey => "private_key",
            Kind::CloudKey => "cloud_key",
            Kind::Token => "token",
            Kind::Key => "key",
            Kind::Password => "password",
            Kind::Iban => "iban",
            Kind::Card => "card",
        }
    }
}

/// Whether what a pattern caught is meant.
type Check = fn(&str) -> bool;

/// The patterns, made ready.
pub struct Patterns(Vec<(Kind, Regex, Check)>);

impl Patterns {
    /// All of them.
    pub fn new() -> Patterns {
        let always: Check = |_| true;
        let all: [(Kind, &str, Check); 8] = [
            (
                Kind::PrivateKey,
                "-----BEGIN (?:(?:RSA|EC|DSA|OPENSSH|ENCRYPTED|PGP) )?PRIVATE KEY(?: BLOCK)?-----",
                always,
            ),
            (Kind::CloudKey, r"\b((?:AKIA|ASIA)[A-Z2-7]{16}|AIza[0-9A-Za-z_-]{35})(?:[^0-9A-Za-z_-]|$)", always),
            (
                Kind::Token,
                r"\b(gh[pousr]_[0-9A-Za-z]{36,}|github_pat_[0-9A-Za-z_]{60,}|glpat-[0-9A-Za-z_-]{20,}|xox[abprs]-[0-9A-Za-z-]{10,}|[rs]k_live_[0-9A-Za-z]{16,}|ATATT3[0-9A-Za-z_=-]{20,}|eyJ[0-9A-Za-z_-]{8,}\.eyJ[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]{8,})",
                always,
            ),
            (
                Kind::Key,
                r#"(?i)\b(?:api|access|secret|private|auth|client)[ _-]?(?:key|secret|token)["']?[ \t]{0,3}[:=][ \t]{0,3}["']?([0-9A-Za-z_+/=.-]{16,})"#,
                is_random,
            ),
            (
                Kind::Password,
                r#"(?i)\b(?:password|passwd|pwd|passphrase|passcode|passwort|kennwort|wachtwoord|contraseña|mot de passe|hasło)["']?(?:[ \t]{0,3}[:=]|[ \t]{1,3}(?:is|lautet|es|est|to)\b:?)[ \t]{0,3}["'`]?([^\s"'`<>{}|]{6,})"#,
                is_password,
            ),
            (Kind::Password, r"\b[A-Za-z][0-9A-Za-z+.-]{1,20}://[^\s:/@]+:([^\s:/@]{3,})@", is_no_placeholder),
            (Kind::Iban, r"\b([A-Z]{2}[0-9]{2}[ ]?[0-9A-Z][0-9A-Z ]{9,38})", is_iban),
            (Kind::Card, r"\b((?:[0-9][ -]?){12,18}[0-9])\b", is_card),
        ];
        let made = all
            .into_iter()
            .map(|(kind, pattern, check)| (kind, Regex::new(pattern).expect("a constant pattern is one"), check));
        Patterns(made.collect())
    }

    /// Adds what looks like a secret in a text. Nothing of the text is kept.
    pub fn look(&self, text: &str, found: &mut Found) {
        let text = &text[..text.floor_char_boundary(TEXT_BYTES_MAX)];
        for (kind, pattern, check) in &self.0 {
            let caught = pattern.captures_iter(text).filter_map(|caught| caught.get(1).or_else(|| caught.get(0)));
            let count = caught.filter(|caught| check(caught.as_str())).take(COUNT_MAX as usize).count();
            if count > 0 {
                found.add(*kind, u32::try_from(count).unwrap_or(COUNT_MAX));
            }
        }
    }
}

/// Whether a value is made by a machine: letters and digits mixed, and not one sign over and over.
fn is_random(value: &str) -> bool {
    let distinct: std::collections::BTreeSet<char> = value.chars().collect();
    let has = |is: fn(&char) -> bool| value.chars().any(|sign| is(&sign));
    has(char::is_ascii_digit) && has(char::is_ascii_alphabetic) && distinct.len() >= 8 && is_no_placeholder(value)
}

/// Whether a value is a password somebody uses: more than one kind of sign, and no stand-in for one.
fn is_password(value: &str) -> bool {
    let value = value.trim_end_matches(['.', ',', ';', ')', ']']);
    let is_letter = |sign: char| sign.is_alphabetic();
    let mixed = value.chars().any(is_letter) && value.chars().any(|sign| !is_letter(sign) && sign != '-');
    value.chars().count() >= 6 && mixed && !value.contains("://") && is_no_placeholder(value)
}

/// Whether a value does not say itself that it stands for another.
fn is_no_placeholder(value: &str) -> bool {
    let first = value.chars().next();
    let is_one_sign = value.chars().all(|sign| Some(sign) == first);
    let lower = value.to_lowercase();
    let words = ["xxxx", "****", "....", "example", "placeholder", "changeme", "redacted", "your", "secret:", "vault:"];
    let is_variable = value.starts_with(['$', '%', '[', '(', '#']) || value.ends_with("()");
    !is_one_sign && !is_variable && !words.iter().any(|word| lower.contains(word))
}

/// The length of an account number by country, of the ISO 13616 registry.
const IBAN_LENGTHS: &[(&str, usize)] = &[
    ("AD", 24),
    ("AE", 23),
    ("AT", 20),
    ("BE", 16),
    ("BG", 22),
    ("BR", 29),
    ("CH", 21),
    ("CY", 28),
    ("CZ", 24),
    ("DE", 22),
    ("DK", 18),
    ("EE", 20),
    ("ES", 24),
    ("FI", 18),
    ("FR", 27),
    ("GB", 22),
    ("GR", 27),
    ("HR", 21),
    ("HU", 28),
    ("IE", 22),
    ("IL", 23),
    ("IS", 26),
    ("IT", 27),
    ("LI", 21),
    ("LT", 20),
    ("LU", 20),
    ("LV", 21),
    ("MC", 27),
    ("MT", 31),
    ("NL", 18),
    ("NO", 15),
    ("PL", 28),
    ("PT", 25),
    ("RO", 24),
    ("RS", 22),
    ("SA", 24),
    ("SE", 24),
    ("SI", 19),
    ("SK", 24),
    ("SM", 27),
    ("TR", 26),
    ("UA", 29),
];

/// Whether a text begins with an account number: of its country's length, and right modulo 97 (ISO 7064).
fn is_iban(text: &str) -> bool {
    let signs: Vec<char> = text.chars().filter(|sign| *sign != ' ').collect();
    let country: String = signs.iter().take(2).collect();
    let Some((_, length)) = IBAN_LENGTHS.iter().find(|(known, _)| *known == country) else { return false };
    let Some(signs) = signs.get(..*length) else { return false };
    let (front, back) = signs.split_at(4);
    let digits = back.iter().chain(front).filter_map(|sign| sign.to_digit(36));
    let rest = digits.fold(0u32, |rest, digit| if digit < 10 { rest * 10 + digit } else { rest * 100 + digit } % 97);
    rest == 1
}

/// Whether digits are the number of a card: of a network that gives such numbers, and right by the check of Luhn (ISO/IEC
/// 7812-1, annex B).
fn is_card(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter_map(|sign| sign.to_digit(10)).collect();
    let begin = |count: usize| digits.iter().take(count).fold(0, |number, digit| number * 10 + digit);
    let is_of_network = match digits.len() {
        13 | 19 => begin(1) == 4,
        14 => matches!(begin(2), 36 | 38 | 39) || matches!(begin(3), 300..=305),
        15 => matches!(begin(2), 34 | 37),
        16 => {
            begin(1) == 4
                || matches!(begin(2), 51..=55 | 35 | 65)
                || matches!(begin(4), 2221..=2720 | 6011)
                || matches!(begin(3), 644..=649)
        }
        _ => false,
    };
    let is_one_digit = digits.iter().all(|digit| Some(digit) == digits.first());
    is_of_network && !is_one_digit && luhn(&digits)
}

fn luhn(digits: &[u32]) -> bool {
    let doubled = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let each = digits.iter().rev().enumerate();
    let sum: u32 = each.map(|(place, digit)| if place % 2 == 1 { doubled(*digit) } else { *digit }).sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use proptest::prelude::*;

    use super::*;

    fn found(text: &str) -> Vec<(Kind, u32)> {
        let mut found = Found::default();
        Patterns::new().look(text, &mut found);
        found.kinds().collect()
    }

    /// Put together here, so that no scanner of a repository takes a test for a leak.
    fn of(parts: &[&str]) -> String {
        parts.concat()
    }

    #[test]
    fn each_kind_is_found_where_it_stands_in_a_sentence() {
        let jwt = of(&["eyJhbGciOiJIUzI1NiJ9", ".eyJzdWIiOiJhZGEifQ", ".c2lnbmF0dXJlLWhlcmU"]);
        let key = of(&["-----BEGIN ", "OPENSSH PRIVATE KEY-----\nb3Blb"]);
        for (text, kind) in [
            (key, Kind::PrivateKey),
            (of(&["-----BEGIN ", "PRIVATE KEY-----"]), Kind::PrivateKey),
            (of(&["use AKIA", "IOSFODNN7ABCDEFG."]), Kind::CloudKey),
            (of(&["ghp_", "abcdefghijklmnopqrstuvwxyz0123456789"]), Kind::Token),
            (of(&["glpat-", "x8Z2kq91LmN4pQrS7tUv"]), Kind::Token),
            (of(&["xoxb-", "123456789012-abcdefghij"]), Kind::Token),
            (jwt, Kind::Token),
            ("api_key = \"9f8e7d6c5b4a39281706aa\"".to_owned(), Kind::Key),
            ("The password is Hunter2!boat".to_owned(), Kind::Password),
            ("Passwort: Sommer2026".to_owned(), Kind::Password),
            ("contraseña: verano_26".to_owned(), Kind::Password),
            ("postgres://app:s3cretpw@db.internal/app".to_owned(), Kind::Password),
            ("Pay to DE89 3704 0044 0532 0130 00 by Friday".to_owned(), Kind::Iban),
            ("GB82WEST12345698765432".to_owned(), Kind::Iban),
            ("4111 1111 1111 1111".to_owned(), Kind::Card),
            ("5555-5555-5555-4444, exp 12/30".to_owned(), Kind::Card),
            ("378282246310005".to_owned(), Kind::Card),
        ] {
            assert_eq!(found(&text), [(kind, 1)], "{text}");
        }
    }

    #[test]
    fn what_only_resembles_a_secret_is_left_alone() {
        for text in [
            "The password is required.",
            "Password: see the vault",
            "password = ${DB_PASSWORD}",
            "password: ************",
            "password: <your password>",
            "api_key = YOUR_API_KEY_GOES_HERE_1",
            "api_key: aaaaaaaaaaaaaaaaaaaa",
            "Choose a password that is at least 12 characters long.",
            "https://wiki.example.com:8443/path@v2",
            "DE89 3704 0044 0532 0130 01",
            "Order 4111 1111 1111 1112 was shipped",
            "1234 5678 9012 3456",
            "Call 00442071838750123",
            "4444 4444 4444 4444",
            "-----BEGIN CERTIFICATE-----",
            "-----BEGIN PUBLIC KEY-----",
            "The AKIA prefix marks a key.",
            "revision 20261102090000000",
            "",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }

    #[test]
    fn what_is_found_twice_is_counted_twice_and_a_flood_is_bounded() {
        assert_eq!(found("4111111111111111 and 5555555555554444"), [(Kind::Card, 2)]);
        assert_eq!(found(&"4111111111111111, ".repeat(5_000)), [(Kind::Card, COUNT_MAX)]);
    }

    #[test]
    fn a_page_cannot_make_the_search_slow() {
        for piece in ["password: a1", "1 ", "eyJaaaaaaaaaaaa.", "DE89 ", "a://b:", "-----BEGIN ", "AKIA"] {
            let began = Instant::now();
            found(&piece.repeat(TEXT_BYTES_MAX / piece.len()));
            assert!(began.elapsed().as_secs() < 30, "{piece:?} took {:?}", began.elapsed());
        }
    }

    proptest! {
        #[test]
        fn a_number_with_one_wrong_digit_is_no_card_and_no_account(place in 0usize..16, by in 1u32..10) {
            let wrong = |number: &str| -> String {
                let digit = |(at, sign): (usize, char)| match sign.to_digit(10).filter(|_| at == place + 2) {
                    Some(digit) => char::from_digit((digit + by) % 10, 10).unwrap(),
                    None => sign,
                };
                number.chars().enumerate().map(digit).collect()
            };
            let (account, card) = ("DE89370400440532013000", "4012888888881881");
            prop_assert!(is_iban(account) && is_card(card));
            prop_assert!(!is_iban(&wrong(account)));
            prop_assert!(wrong(card) == card || !is_card(&wrong(card)));
        }

        #[test]
        fn whatever_the_text_it_is_looked_through_without_a_panic(text in "\\PC{0,400}") {
            found(&text);
        }
    }
}
