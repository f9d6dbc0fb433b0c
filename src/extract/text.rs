//! Bytes to text, and plain text to blocks.

use super::sheet::Sheet;
use crate::corpus::Block;

/// Reads plain text: blank lines part paragraphs, dashes and bullets begin items.
pub(super) fn read(text: &str) -> Vec<Block> {
    let mut sheet = Sheet::new();
    for line in text.lines() {
        match bullet(line) {
            _ if line.trim().is_empty() => sheet.end_line(),
            Some(item) => {
                sheet.open_item(None);
                sheet.words(item);
            }
            None => {
                sheet.line_break();
                sheet.words(line);
            }
        }
    }
    sheet.finish()
}

/// What follows a list mark at the beginning of a line.
pub(super) fn bullet(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let mark = line
        .chars()
        .next()
        .filter(|c| matches!(c, '-' | '*' | '•' | '▪' | '◦' | '●' | '○' | '‣' | '–' | '\u{f0b7}'))?;
    let rest = &line[mark.len_utf8()..];
    let is_spaced = rest.starts_with([' ', '\t', '\u{a0}']);
    // A dash glued to a word is a word; a round bullet is a bullet either way.
    (is_spaced || !matches!(mark, '-' | '*' | '–')).then(|| rest.trim_start())
}

/// Decodes a file that does not say how it is written: a byte order mark decides, else UTF-8, else Windows-1252, which
/// gives every byte a meaning (WHATWG Encoding §windows-1252).
pub(super) fn decode(bytes: &[u8]) -> String {
    match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => decode(rest),
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => bytes.iter().map(|byte| windows_1252(*byte)).collect(),
        },
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

fn windows_1252(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘',
        '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9f => HIGH[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_and_items_are_told_apart() {
        let blocks = read("One line,\nand its next.\n\n- first\n* second\n-3 degrees");

        let item = |text: &str| Block::Item { depth: 0, number: None, done: None, text: text.to_owned() };
        let paragraph = Block::Paragraph { text: "One line,\nand its next.".to_owned() };
        assert_eq!(blocks, vec![paragraph, item("first"), item("second\n-3 degrees")]);
    }

    #[test]
    fn every_encoding_is_read() {
        assert_eq!(decode("grün".as_bytes()), "grün");
        assert_eq!(decode(b"gr\xfcn \x80"), "grün €");
        assert_eq!(decode(b"\xff\xfeg\0\xfc\0"), "gü");
        assert_eq!(decode(b"\xef\xbb\xbfa"), "a");
    }
}
