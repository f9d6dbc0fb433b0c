//! Drawings of draw.io (diagrams.net) to blocks: the name of each page and the words on it.

use std::io::Read as _;

use base64::Engine as _;
use flate2::read::DeflateDecoder;

use super::html;
use super::sheet::Sheet;
use super::xml::{self, Attributes, Listener};
use crate::corpus::Block;

/// The most that one page of a drawing unpacks to, in bytes.
const PAGE_BYTES_MAX: u64 = 32 << 20;

/// Reads a drawing, whose pages stand in it as they are or packed.
pub(super) fn read(text: &str) -> Result<Vec<Block>, String> {
    let mut drawing = Drawing::default();
    let outcome = xml::read(text, &mut drawing);
    if !drawing.is_found {
        return Err("it is no drawing of draw.io, or damaged".to_owned());
    }
    // What was read before a damaged place is kept.
    drop(outcome);
    Ok(drawing.sheet.finish())
}

#[derive(Default)]
struct Drawing {
    sheet: Sheet,
    is_found: bool,
    /// The text of an open page, which is one only where it is packed.
    packed: Option<String>,
    /// A page is being unpacked: what is packed in it again is left alone.
    is_unpacking: bool,
}

impl Drawing {
    fn say(&mut self, words: &str) {
        // What a cell shows is HTML, in an attribute.
        html::write(words, &mut self.sheet);
        self.sheet.end_line();
    }
}

impl Listener for Drawing {
    fn open(&mut self, name: &str, attributes: &Attributes) {
        let value = |name: &str| attributes.value(name).map(str::trim).filter(|value| !value.is_empty());
        match name {
            "mxfile" | "mxGraphModel" => self.is_found = true,
            "diagram" => {
                self.is_found = true;
                self.packed = Some(String::new());
                if let Some(name) = value("name") {
                    self.sheet.open_heading(1);
                    self.sheet.words(name);
                    self.sheet.close_heading();
                }
            }
            "mxCell" => value("value").into_iter().for_each(|words| self.say(words)),
            "object" | "UserObject" => value("label").into_iter().for_each(|words| self.say(words)),
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if let Some(packed) = &mut self.packed {
            packed.push_str(text);
        }
    }

    fn close(&mut self, name: &str) {
        let packed = if name == "diagram" { self.packed.take() } else { None };
        if let Some(page) = packed.filter(|_| !self.is_unpacking).as_deref().and_then(unpacked) {
            self.is_unpacking = true;
            drop(xml::read(&page, self));
            self.is_unpacking = false;
        }
    }
}

/// A packed page: base64 of raw DEFLATE (RFC 1951) of percent-encoded XML.
fn unpacked(text: &str) -> Option<String> {
    let text: String = text.split_whitespace().collect();
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).ok().filter(|bytes| !bytes.is_empty())?;
    let mut encoded = Vec::new();
    DeflateDecoder::new(bytes.as_slice()).take(PAGE_BYTES_MAX).read_to_end(&mut encoded).ok()?;
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut rest = encoded.as_slice();
    while let [first, more @ ..] = rest {
        let escaped = (*first == b'%').then(|| hex_pair(more)).flatten();
        decoded.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &more[2..] } else { more };
    }
    String::from_utf8(decoded).ok()
}

fn hex_pair(bytes: &[u8]) -> Option<u8> {
    let pair = std::str::from_utf8(bytes.get(..2)?).ok()?;
    u8::from_str_radix(pair, 16).ok()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    const MODEL: &str = r#"<mxGraphModel><root><mxCell id="0"/><mxCell id="2" value="&lt;b&gt;Order&lt;/b&gt; desk"/><object label="Store &amp;amp; ship"><mxCell/></object></root></mxGraphModel>"#;

    fn expected() -> Vec<Block> {
        let paragraph = |text: &str| Block::Paragraph { text: text.to_owned() };
        let heading = Block::Heading { level: 1, text: "Flow".to_owned() };
        vec![heading, paragraph("Order desk"), paragraph("Store & ship")]
    }

    #[test]
    fn a_drawing_is_read_as_it_is() {
        let text = format!(r#"<mxfile><diagram name="Flow">{MODEL}</diagram></mxfile>"#);

        assert_eq!(read(&text).unwrap(), expected());
    }

    #[test]
    fn a_packed_drawing_is_unpacked() {
        let encoded: String = MODEL.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let mut writer = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        writer.write_all(encoded.as_bytes()).unwrap();
        let packed = base64::engine::general_purpose::STANDARD.encode(writer.finish().unwrap());
        let text = format!(r#"<mxfile compressed="true"><diagram id="a" name="Flow">{packed}</diagram></mxfile>"#);

        assert_eq!(read(&text).unwrap(), expected());
    }

    #[test]
    fn something_else_is_no_drawing_and_a_damaged_page_is_left_out() {
        assert!(read("<svg/>").is_err());
        assert!(read("<mxfile><diagram>!!! no base64</diagram></mxfile>").unwrap().is_empty());
    }
}
