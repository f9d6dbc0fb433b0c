//! XML read in the lenient way: whatever does not fit is skipped, and reading goes on behind it.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::escape::resolve_html5_entity;
use quick_xml::events::{BytesStart, Event};

/// Elements open at once; those nested deeper are read as if their tags were not there.
const DEPTH_MAX: usize = 512;

/// How far up an end tag looks for its beginning: a page of nothing but unmatched ends must not cost its square.
const MATCH_MAX: usize = 64;

/// Attributes of one element that are looked at.
const ATTRIBUTES_MAX: usize = 32;

/// Bytes of an attribute's value that are kept.
const VALUE_BYTES_MAX: usize = 4096;

/// Places that are no XML before the rest is read as text alone: finding each may cost a look at all that follows.
const ERRORS_MAX: usize = 64;

/// An element's attributes, by their names as written.
#[derive(Debug, Default)]
pub(super) struct Attributes(Vec<(String, String)>);

impl Attributes {
    /// The value of an attribute.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// What is told of a document, in its order. Every `open` is followed by its `close`.
pub(super) trait Listener {
    /// An element begins.
    fn open(&mut self, name: &str, attributes: &Attributes);
    /// Text, its entities resolved.
    fn text(&mut self, text: &str);
    /// An element ends.
    fn close(&mut self, name: &str);
}

/// Reads a document to its end.
pub(super) fn read(text: &str, listener: &mut impl Listener) {
    let mut open: Vec<String> = Vec::new();
    let text = with_bare_signs_escaped(text);
    let mut rest = text.as_ref();
    let mut errors = 0;
    while !rest.is_empty() {
        if errors == ERRORS_MAX {
            plain(rest, listener);
            break;
        }
        errors += 1;
        let read = read_some(rest, &mut open, listener);
        // Behind what could not be read; at least one character on, so that this ends.
        let mut from = read.clamp(1, rest.len());
        while !rest.is_char_boundary(from) {
            from += 1;
        }
        rest = &rest[from..];
    }
    while let Some(name) = open.pop() {
        listener.close(&name);
    }
}

/// A `<` that begins no tag is a sign somebody wrote: `three < four`. In CDATA it is one anyway.
fn with_bare_signs_escaped(text: &str) -> Cow<'_, str> {
    let begins_tag =
        |rest: &str| rest.starts_with(|c: char| c.is_alphabetic() || matches!(c, '/' | '!' | '?' | '_' | ':'));
    if text.split('<').skip(1).all(begins_tag) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut is_cdata = false;
    for (place, piece) in text.split('<').enumerate() {
        if place > 0 {
            out.push_str(if is_cdata || begins_tag(piece) { "<" } else { "&lt;" });
        }
        is_cdata = (is_cdata || piece.starts_with("![CDATA[")) && !piece.contains("]]>");
        out.push_str(piece);
    }
    Cow::Owned(out)
}

/// Reads until the end or the first thing that is no XML; gives the place behind it.
fn read_some(text: &str, open: &mut Vec<String>, listener: &mut impl Listener) -> usize {
    let mut reader = Reader::from_str(text);
    let config = reader.config_mut();
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    config.allow_dangling_amp = true;
    config.check_comments = false;
    loop {
        let begun = usize::try_from(reader.buffer_position()).unwrap_or(text.len());
        match reader.read_event() {
            Ok(Event::Start(start)) => {
                let name = start.name().as_ref().to_owned();
                if open.len() < DEPTH_MAX {
                    listener.open(&name, &attributes(&start));
                    open.push(name);
                }
            }
            Ok(Event::Empty(start)) => {
                let name = start.name().as_ref().to_owned();
                listener.open(&name, &attributes(&start));
                listener.close(&name);
            }
            Ok(Event::End(end)) => close(end.name().as_ref(), open, listener),
            Ok(Event::Text(text)) => listener.text(&text.html_content()),
            Ok(Event::CData(text)) => listener.text(&text.html_content()),
            Ok(Event::GeneralRef(reference)) => {
                if let Ok(Some(c)) = reference.resolve_char_ref() {
                    listener.text(c.encode_utf8(&mut [0; 4]));
                } else if let Some(text) = resolve_html5_entity(&reference.html_content()) {
                    listener.text(text);
                }
            }
            // A document type could declare entities; it is not read, so that none is ever expanded.
            Ok(Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_)) => {}
            Ok(Event::Eof) => return text.len(),
            Err(_) => return behind(text, begun),
        }
    }
}

/// Text with everything that looks like a tag left out.
fn plain(text: &str, listener: &mut impl Listener) {
    for piece in text.split('<').skip(1) {
        listener.text(" ");
        listener.text(piece.split_once('>').map_or(piece, |(_, words)| words));
    }
}

/// The place to go on from after a syntax error in what begins at `begun`: the next tag behind it.
fn behind(text: &str, begun: usize) -> usize {
    let skipped = text.get(begun..).and_then(|rest| rest.get(1..)).and_then(|rest| rest.find('<'));
    skipped.map_or(text.len(), |at| begun + 1 + at)
}

fn close(name: &str, open: &mut Vec<String>, listener: &mut impl Listener) {
    let Some(up) = open.iter().rev().take(MATCH_MAX).position(|known| known == name) else { return };
    for _ in 0..=up {
        if let Some(name) = open.pop() {
            listener.close(&name);
        }
    }
}

fn attributes(start: &BytesStart<'_>) -> Attributes {
    let mut all = start.attributes();
    let read = all.with_checks(false).take(ATTRIBUTES_MAX).filter_map(Result::ok).map(|attribute| {
        let raw: &str = &attribute.value;
        let mut end = raw.len().min(VALUE_BYTES_MAX);
        while !raw.is_char_boundary(end) {
            end -= 1;
        }
        let value = quick_xml::escape::unescape_with(&raw[..end], resolve_html5_entity)
            .map_or_else(|_| raw[..end].to_owned(), Cow::into_owned);
        (attribute.key.as_ref().to_owned(), value)
    });
    Attributes(read.collect())
}
