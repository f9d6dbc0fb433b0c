//! Storage format to plain HTML, for a person to look at. Only elements on the list come through, without attributes.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::standin::server::escape;

/// Elements that pass as they are.
const PASS: [&str; 30] = [
    "p",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "ul",
    "ol",
    "li",
    "table",
    "tbody",
    "thead",
    "tr",
    "th",
    "td",
    "strong",
    "em",
    "b",
    "i",
    "u",
    "code",
    "pre",
    "blockquote",
    "br",
    "hr",
    "sub",
    "sup",
    "s",
    "div",
];

/// Renders a storage-format fragment; an error where it is not well-formed. `name` gives a person's name by key or user name.
pub(super) fn render(storage: &str, name: &dyn Fn(&str) -> Option<String>) -> Result<String, quick_xml::Error> {
    let mut reader = Reader::from_str(storage);
    let mut out = String::new();
    // What to write at the end of each open element.
    let mut ends: Vec<String> = Vec::new();
    // Inside a parameter that is not shown, text is left out.
    let mut hidden: Option<usize> = None;
    let mut link_title = String::new();
    loop {
        match reader.read_event()? {
            Event::Start(tag) => {
                let (start, end, is_hidden) = open(&tag, &mut link_title, name);
                out.push_str(&start);
                ends.push(end);
                if is_hidden && hidden.is_none() {
                    hidden = Some(ends.len());
                }
            }
            Event::Empty(tag) => {
                let (start, end, _) = open(&tag, &mut link_title, name);
                out.push_str(&start);
                out.push_str(&end);
            }
            Event::End(tag) => {
                if hidden == Some(ends.len()) {
                    hidden = None;
                }
                let tag = tag.name();
                if matches!(tag.as_ref(), "ac:link-body" | "ac:plain-text-link-body") {
                    link_title.clear();
                }
                if tag.as_ref() == "ac:link" {
                    // A link without words of its own has those of its target.
                    out.push_str(&escape(&std::mem::take(&mut link_title)));
                }
                out.push_str(&ends.pop().unwrap_or_default());
            }
            Event::Text(text) if hidden.is_none() => out.push_str(&escape(&text)),
            Event::CData(text) if hidden.is_none() => out.push_str(&escape(&text)),
            // An entity is an entity in HTML too.
            Event::GeneralRef(entity) if hidden.is_none() => out.push_str(&format!("&{};", escape(&entity))),
            Event::Eof => return Ok(out),
            Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) => {}
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
}

/// What an element begins and ends with, and whether its text is left out.
fn open(
    tag: &BytesStart<'_>,
    link_title: &mut String,
    person: &dyn Fn(&str) -> Option<String>,
) -> (String, String, bool) {
    let attribute = |name: &str| {
        let found = tag.attributes().flatten().find(|attribute| attribute.key.as_ref() == name);
        found.and_then(|attribute| {
            attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0).ok().map(|value| value.into_owned())
        })
    };
    let raw = tag.name();
    let name = raw.as_ref();
    if PASS.contains(&name) {
        // Two elements of the list are void: HTML has no end tag for them.
        let end = if matches!(name, "br" | "hr") { String::new() } else { format!("</{name}>") };
        return (format!("<{name}>"), end, false);
    }
    let (start, end, is_hidden) = match name {
        "a" => {
            let to = attribute("href").filter(|to| to.starts_with("https://") || to.starts_with("http://"));
            (format!("<a rel=\"noopener noreferrer\" href=\"{}\">", escape(&to.unwrap_or_default())), "</a>", false)
        }
        "ac:structured-macro" => match attribute("ac:name").as_deref() {
            Some("code" | "noformat") => ("<pre>".to_owned(), "</pre>", false),
            Some("status") => ("<strong>[".to_owned(), "]</strong>", false),
            Some("info" | "note" | "tip" | "warning" | "panel" | "expand") => {
                ("<div class=\"panel\">".to_owned(), "</div>", false)
            }
            Some("include" | "excerpt-include") => ("<p>(includes the page ".to_owned(), ")</p>", false),
            _ => ("<div>".to_owned(), "</div>", false),
        },
        "ac:parameter" => match attribute("ac:name").as_deref() {
            Some("title") => ("<strong>".to_owned(), "</strong> ", false),
            // The unnamed parameter of an include holds the link to its page.
            Some("") => (String::new(), "", false),
            _ => (String::new(), "", true),
        },
        "ac:task" => ("<li>".to_owned(), "</li>", false),
        "ac:task-list" => ("<ul>".to_owned(), "</ul>", false),
        "ac:task-id" | "ac:task-uuid" | "ac:placeholder" => (String::new(), "", true),
        "ac:task-status" => ("(".to_owned(), ") ", false),
        "ri:page" | "ri:blog-post" => {
            *link_title = attribute("ri:content-title").unwrap_or_default();
            (String::new(), "", false)
        }
        "ri:user" => {
            let user = attribute("ri:userkey").or_else(|| attribute("ri:username"));
            let known = user.and_then(|user| person(&user));
            *link_title = format!("@{}", known.as_deref().unwrap_or("unknown user"));
            (String::new(), "", false)
        }
        "ri:attachment" => {
            *link_title = attribute("ri:filename").unwrap_or_default();
            (String::new(), "", false)
        }
        "time" => (escape(&attribute("datetime").unwrap_or_default()), "", false),
        _ => (String::new(), "", false),
    };
    (start, end.to_owned(), is_hidden)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_could_run_comes_through() {
        let html = render(
            "<p onclick=\"x()\">a &amp; b</p><script>alert(1)</script><a href=\"javascript:x()\">c</a>",
            &|_| None,
        )
        .unwrap();

        assert_eq!(html, "<p>a &amp; b</p>alert(1)<a rel=\"noopener noreferrer\" href=\"\">c</a>");
    }

    #[test]
    fn macros_and_links_are_readable() {
        let html = render(
            "<ac:structured-macro ac:name=\"status\"><ac:parameter ac:name=\"colour\">Green</ac:parameter>\
             <ac:parameter ac:name=\"title\">DONE</ac:parameter></ac:structured-macro>\
             <ac:link><ri:page ri:content-title=\"Team\" /></ac:link>\
             <ac:structured-macro ac:name=\"code\"><ac:plain-text-body><![CDATA[a < b]]></ac:plain-text-body></ac:structured-macro>\
             <ac:link><ri:user ri:userkey=\"k1\" /></ac:link>",
            &|key| (key == "k1").then(|| "Ada".to_owned()),
        );

        assert_eq!(html.unwrap(), "<strong>[<strong>DONE</strong> ]</strong>Team<pre>a &lt; b</pre>@Ada");
        assert!(render("<p></b>", &|_| None).is_err());
    }
}
