//! The XML of office files, told element by element: nothing is declared, fetched or expanded.

use quick_xml::Reader;
use quick_xml::escape::{resolve_predefined_entity, unescape};
use quick_xml::events::{BytesStart, Event};

/// Elements open at once. Programs nest a few dozen; readers may keep something for each.
const DEPTH_MAX: usize = 400;

/// An element's attributes, by their names as written (prefixes are the usual ones in every program's files).
#[derive(Default)]
pub(super) struct Attributes(Vec<(String, String)>);

impl Attributes {
    /// The value of an attribute.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The value of an attribute that is a number.
    pub(super) fn number(&self, name: &str) -> Option<usize> {
        self.value(name)?.trim().parse().ok()
    }

    /// Whether an attribute is `true` or `1`.
    pub(super) fn is(&self, name: &str) -> bool {
        matches!(self.value(name), Some("1" | "true"))
    }
}

/// What is told of a part, in its order. Every `open` is followed by its `close`.
pub(super) trait Listener {
    /// An element begins.
    fn open(&mut self, name: &str, attributes: &Attributes);
    /// Text, its entities resolved.
    fn text(&mut self, text: &str);
    /// An element ends.
    fn close(&mut self, name: &str);
}

/// Reads a part to its end. What is no XML ends it there: the error says so, and what came before was told.
pub(super) fn read(text: &str, listener: &mut impl Listener) -> Result<(), String> {
    let mut reader = Reader::from_str(text);
    let mut open: Vec<String> = Vec::new();
    let outcome = loop {
        match reader.read_event() {
            Ok(Event::Start(start)) if open.len() < DEPTH_MAX => {
                listener.open(start.name().as_ref(), &attributes(&start));
                open.push(start.name().as_ref().to_owned());
            }
            Ok(Event::Start(_)) => break Err(format!("its elements stand more than {DEPTH_MAX} deep in each other")),
            Ok(Event::Empty(start)) => {
                listener.open(start.name().as_ref(), &attributes(&start));
                listener.close(start.name().as_ref());
            }
            Ok(Event::End(_)) => {
                if let Some(name) = open.pop() {
                    listener.close(&name);
                }
            }
            Ok(Event::Text(text)) => listener.text(&text.xml10_content()),
            Ok(Event::CData(text)) => listener.text(&text.xml10_content()),
            Ok(Event::GeneralRef(reference)) => {
                if let Ok(Some(c)) = reference.resolve_char_ref() {
                    listener.text(c.encode_utf8(&mut [0; 4]));
                } else if let Some(text) = resolve_predefined_entity(&reference.xml10_content()) {
                    listener.text(text);
                }
            }
            // A document type could declare entities that grow; none is ever known here.
            Ok(Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_)) => {}
            Ok(Event::Eof) => break Ok(()),
            Err(_) => break Err("a part of it is no XML".to_owned()),
        }
    };
    while let Some(name) = open.pop() {
        listener.close(&name);
    }
    outcome
}

fn attributes(start: &BytesStart<'_>) -> Attributes {
    let mut all = start.attributes();
    let read = all.with_checks(false).filter_map(Result::ok).map(|attribute| {
        let raw: &str = &attribute.value;
        (attribute.key.as_ref().to_owned(), unescape(raw).map_or_else(|_| raw.to_owned(), |value| value.into_owned()))
    });
    Attributes(read.collect())
}
