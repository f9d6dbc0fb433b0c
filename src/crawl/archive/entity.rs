//! The objects of `entities.xml`, one after another: the file may have gigabytes, and one object of it is held at a time.
//!
//! It is a dump of what Confluence keeps: `<object class="Page">` with an `<id>`, `<property>`s that are text or name another
//! object by its id, and `<collection>`s of other objects' ids. Up to Confluence 7 a property without a value is there and
//! empty; later ones leave it out.

use std::collections::HashMap;

use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesStart, Event};

use super::package::{Limited, Wrong};

/// Elements open at once; Confluence opens five.
const DEPTH_MAX: usize = 16;

/// Properties of one object, and ids of one collection.
const PROPERTIES_MAX: usize = 512;
const IDS_MAX: usize = 100_000;

/// The most bytes of one piece of text, and of what is kept of a property that is no body.
const BODY_BYTES_MAX: usize = 32 << 20;
const TEXT_BYTES_MAX: usize = 64 << 10;

/// What is between two tags, with some room for the next one.
const PIECE_BYTES_MAX: u64 = BODY_BYTES_MAX as u64 + (1 << 20);

/// Bytes of a place in an archive that a name may have.
const NAME_BYTES_MAX: usize = 256;

/// The value of a property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// Its text.
    Text(String),
    /// Another object, by its class and id.
    Object(String, String),
    /// Other objects, by their ids.
    Objects(Vec<String>),
    /// There is more of it than is kept, or it was not asked for; so many bytes.
    Left(usize),
}

/// One object.
#[derive(Debug, Default)]
pub(super) struct Object {
    /// The name of its class, without the package.
    pub class: String,
    /// Its id: a number, or the key of a user.
    pub id: String,
    values: HashMap<String, Value>,
}

impl Object {
    /// The text of a property; `None` where it is missing or empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        match self.values.get(name) {
            Some(Value::Text(text)) => Some(text.trim()).filter(|text| !text.is_empty()),
            Some(Value::Object(..) | Value::Objects(_) | Value::Left(_)) | None => None,
        }
    }

    /// The id of the object that a property names.
    pub(super) fn object(&self, name: &str) -> Option<&str> {
        match self.values.get(name) {
            Some(Value::Object(_, id)) => Some(id.as_str()).filter(|id| !id.is_empty()),
            Some(Value::Text(_) | Value::Objects(_) | Value::Left(_)) | None => None,
        }
    }

    /// The ids of a collection.
    pub(super) fn objects(&self, name: &str) -> &[String] {
        match self.values.get(name) {
            Some(Value::Objects(ids)) => ids,
            Some(Value::Text(_) | Value::Object(..) | Value::Left(_)) | None => &[],
        }
    }

    /// A property as it is.
    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// Takes a property out.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.values.remove(name)
    }

    /// The names of all properties and collections.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }
}

/// Which objects are given, and whether their bodies are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// Names of classes.
    pub classes: &'a [&'a str],
    /// Whether the property `body` is given.
    pub bodies: bool,
}

/// Where a tag stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    Object,
    ObjectId,
    Property,
    PropertyId,
    Collection,
    Element,
    ElementId,
    /// Something that is not read.
    Passed,
}

/// An object while it is read.
#[derive(Default)]
struct Reading {
    object: Object,
    /// The property or the collection that is open.
    name: String,
    class: String,
    text: String,
    /// Bytes of the text, also of what is not kept.
    text_bytes: usize,
    ids: Vec<String>,
    is_reference: bool,
}

/// Reads to the end; gives what the root says of when it was written.
pub(super) fn read(
    text: &mut Limited<'_>,
    wanted: Wanted<'_>,
    each: &mut dyn FnMut(Object) -> Result<(), Wrong>,
) -> Result<String, Wrong> {
    let mut reader = Reader::from_reader(text);
    reader.config_mut().check_comments = false;
    let (mut open, mut reading, mut buffer) = (Vec::<Place>::new(), Reading::default(), Vec::new());
    let mut written = None;
    loop {
        buffer.clear();
        reader.get_mut().mark(PIECE_BYTES_MAX);
        let event = match reader.read_event_into(&mut buffer) {
            Ok(event) => event,
            Err(_) if reader.get_ref().is_over() => {
                return Err(Wrong::Hostile("it unpacks to far more than any wiki has".to_owned()));
            }
            Err(error) => return Err(Wrong::Broken(format!("byte {}: {error}", reader.error_position()))),
        };
        let is_empty = matches!(event, Event::Empty(_));
        match event {
            Event::Start(start) | Event::Empty(start) => {
                if open.is_empty() {
                    if written.is_some() || start.name().as_ref() != "hibernate-generic" {
                        return Err(Wrong::Other("its entities.xml is no list of Confluence's objects".to_owned()));
                    }
                    written = Some(attribute(&start, "datetime").unwrap_or_default());
                }
                if open.len() >= DEPTH_MAX {
                    return Err(Wrong::Hostile("its objects are nested without end".to_owned()));
                }
                open.push(reading.begin(open.last().copied(), &start, wanted));
                if is_empty && let Some(place) = open.pop() {
                    reading.end(place, each)?;
                }
            }
            Event::End(_) => match open.pop() {
                Some(place) => reading.end(place, each)?,
                None => return Err(Wrong::Broken("a tag ends that did not begin".to_owned())),
            },
            Event::Text(text) => reading.say(open.last(), &text.xml10_content(), wanted),
            Event::CData(text) => reading.say(open.last(), &text.xml10_content(), wanted),
            Event::GeneralRef(reference) => {
                if let Ok(Some(c)) = reference.resolve_char_ref() {
                    reading.say(open.last(), c.encode_utf8(&mut [0; 4]), wanted);
                } else if let Some(text) = resolve_xml_entity(&reference.xml10_content()) {
                    reading.say(open.last(), text, wanted);
                }
            }
            // It could declare entities that unfold to more than there is memory; Confluence writes none.
            Event::DocType(_) => return Err(Wrong::Hostile("its entities.xml declares a document type".to_owned())),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof if !open.is_empty() => return Err(Wrong::Broken("it ends in the middle".to_owned())),
            Event::Eof => {
                return written.ok_or_else(|| Wrong::Other("its entities.xml is empty".to_owned()));
            }
        }
    }
}

fn attribute(start: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut all = start.attributes();
    let found = all.with_checks(false).take(DEPTH_MAX).filter_map(Result::ok).find(|one| one.key.as_ref() == name)?;
    let value: &str = &found.value;
    (value.len() <= NAME_BYTES_MAX).then(|| value.to_owned())
}

impl Reading {
    fn begin(&mut self, inside: Option<Place>, start: &BytesStart<'_>, wanted: Wanted<'_>) -> Place {
        let tag = start.name();
        let named = |name: &str| attribute(start, name).unwrap_or_default();
        match (inside, tag.as_ref()) {
            (None, _) => Place::Root,
            (Some(Place::Root), "object") => {
                let class = named("class");
                if !wanted.classes.contains(&class.as_str()) {
                    return Place::Passed;
                }
                self.object = Object { class, ..Object::default() };
                Place::Object
            }
            (Some(Place::Object), "id") if matches!(named("name").as_str(), "id" | "key") => {
                self.clear();
                Place::ObjectId
            }
            (Some(Place::Object), "property" | "collection") => {
                self.clear();
                (self.name, self.class) = (named("name"), named("class"));
                if tag.as_ref() == "property" { Place::Property } else { Place::Collection }
            }
            (Some(Place::Property), "id") => {
                self.text.clear();
                self.is_reference = true;
                Place::PropertyId
            }
            (Some(Place::Collection), "element") => Place::Element,
            (Some(Place::Element), "id") => {
                self.text.clear();
                Place::ElementId
            }
            _ => Place::Passed,
        }
    }

    fn clear(&mut self) {
        (self.text_bytes, self.is_reference) = (0, false);
        self.text.clear();
        self.ids.clear();
    }

    fn say(&mut self, place: Option<&Place>, text: &str, wanted: Wanted<'_>) {
        let most = match place {
            Some(Place::Property) if self.is_reference => return,
            Some(Place::Property) if self.name == "body" => usize::from(wanted.bodies) * BODY_BYTES_MAX,
            Some(Place::Property) => TEXT_BYTES_MAX,
            Some(Place::ObjectId | Place::PropertyId | Place::ElementId) => NAME_BYTES_MAX,
            Some(Place::Root | Place::Object | Place::Collection | Place::Element | Place::Passed) | None => return,
        };
        self.text_bytes += text.len();
        if self.text.len() + text.len() <= most {
            self.text.push_str(text);
        }
    }

    fn end(&mut self, place: Place, each: &mut dyn FnMut(Object) -> Result<(), Wrong>) -> Result<(), Wrong> {
        match place {
            Place::ObjectId => self.object.id = self.text.trim().to_owned(),
            Place::PropertyId => {}
            Place::ElementId if self.ids.len() < IDS_MAX => self.ids.push(self.text.trim().to_owned()),
            Place::Property => {
                // One of a class that names no object has lost it: that is not the same as being empty.
                let is_lost = !self.class.is_empty() && self.text.trim().is_empty();
                let value = if self.is_reference || is_lost {
                    Value::Object(std::mem::take(&mut self.class), self.text.trim().to_owned())
                } else if self.text.len() == self.text_bytes {
                    Value::Text(unparted(std::mem::take(&mut self.text)))
                } else {
                    Value::Left(self.text_bytes)
                };
                self.put(value);
            }
            Place::Collection => {
                let ids = std::mem::take(&mut self.ids);
                self.put(Value::Objects(ids));
            }
            Place::Object => each(std::mem::take(&mut self.object))?,
            Place::Root | Place::Element | Place::ElementId | Place::Passed => {}
        }
        Ok(())
    }

    fn put(&mut self, value: Value) {
        if self.object.values.len() < PROPERTIES_MAX {
            self.object.values.insert(std::mem::take(&mut self.name), value);
        }
    }
}

/// Confluence writes a space behind each `]]`, so that no text ends the section it stands in; here it goes again.
fn unparted(text: String) -> String {
    if text.contains("]] ") { text.replace("]] ", "]]") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WANTED: Wanted<'static> = Wanted { classes: &["Page", "BodyContent"], bodies: true };

    fn objects(text: &str, wanted: Wanted<'_>) -> Result<Vec<Object>, Wrong> {
        let mut all = Vec::new();
        let mut bytes = text.as_bytes();
        read(&mut Limited::of_text(&mut bytes), wanted, &mut |object| {
            all.push(object);
            Ok(())
        })?;
        Ok(all)
    }

    fn export(inside: &str) -> String {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<hibernate-generic datetime=\"2026-01-02 03:04:05\">\n{inside}</hibernate-generic>"
        )
    }

    #[test]
    fn text_references_and_collections_are_told_apart() {
        let text = export(
            r#"<object class="Page" package="x"><id name="id">7</id><property name="title"><![CDATA[A & B]]></property><property name="position"/><property name="parent" class="Page" package="x"><id name="id">3</id>
</property><collection name="labellings" class="java.util.Collection"><element class="Labelling" package="x"><id name="id">11</id></element>
<element class="Labelling" package="x"><id name="id">12</id></element></collection><property name="lowerTitle">a &amp; b&#33;</property></object>
<object class="Other" package="x"><id name="id">8</id></object>"#,
        );

        let all = objects(&text, WANTED).unwrap();

        let [page] = all.as_slice() else { panic!("{all:?}") };
        assert_eq!((page.class.as_str(), page.id.as_str(), page.text("title")), ("Page", "7", Some("A & B")));
        assert_eq!((page.text("position"), page.value("position")), (None, Some(&Value::Text(String::new()))));
        assert_eq!((page.object("parent"), page.text("lowerTitle")), (Some("3"), Some("a & b!")));
        assert_eq!(page.objects("labellings"), ["11", "12"]);
    }

    #[test]
    fn the_end_of_a_section_that_a_body_holds_is_put_together_again() {
        let text = export(
            r#"<object class="BodyContent"><id name="id">1</id><property name="body"><![CDATA[<ac:plain-text-body><![CDATA[x]] ></ac:plain-text-body> [[a]] b]]></property></object>"#,
        );

        let all = objects(&text, WANTED).unwrap();

        let body = all[0].text("body").unwrap();
        assert_eq!(body, "<ac:plain-text-body><![CDATA[x]]></ac:plain-text-body> [[a]]b");
        assert_eq!(
            objects(&text, Wanted { bodies: false, ..WANTED }).unwrap()[0].value("body"),
            Some(&Value::Left(63))
        );
    }

    #[test]
    fn what_is_cut_off_damaged_or_something_else_is_said() {
        let code = |text: &str| objects(text, WANTED).unwrap_err().failure().code;
        let whole = export("<object class=\"Page\"><id name=\"id\">1</id></object>");

        for at in [60, 120, whole.len() - 4] {
            assert_eq!(code(&whole[..at]), "archive_broken", "{at}");
        }
        assert_eq!(code("<rss/>"), "archive_unknown");
        assert_eq!(code(""), "archive_unknown");
        assert_eq!(code(&export("<object class=\"Page\"></property></object>")), "archive_broken");
    }

    #[test]
    fn a_document_type_and_bottomless_nesting_are_refused() {
        let code = |text: &str| objects(text, WANTED).unwrap_err().failure().code;
        let laughs = format!("<!DOCTYPE x [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;\">]>{}", export("&b;"));

        assert_eq!(code(&laughs), "archive_hostile");
        assert_eq!(code(&export(&"<a>".repeat(100_000))), "archive_hostile");
    }

    #[test]
    fn a_text_without_end_is_not_held() {
        let long = "x".repeat(usize::try_from(PIECE_BYTES_MAX).unwrap() + 10);
        let text =
            export(&format!("<object class=\"Page\"><property name=\"title\"><![CDATA[{long}]]></property></object>"));

        assert_eq!(objects(&text, WANTED).unwrap_err().failure().code, "archive_hostile");
        let larger = export(&format!(
            "<object class=\"Page\"><property name=\"title\">{}</property></object>",
            "x".repeat(TEXT_BYTES_MAX + 1)
        ));
        assert_eq!(objects(&larger, WANTED).unwrap()[0].value("title"), Some(&Value::Left(TEXT_BYTES_MAX + 1)));
    }
}
