//! The document format of Cloud's new editor to blocks: a tree of nodes in JSON. Where a page has storage format, that is read
//! instead; a few have this alone.

use serde_json::Value;

use super::macros::{Kind, kind, label};
use super::page::{LINKS_MAX, address};
use super::{Mention, Names};
use crate::clock::Moment;
use crate::corpus::Link;
use crate::extract::{Sheet, close_element, open_element};

/// A document while it is read.
pub(super) struct Document<'a> {
    pub sheet: &'a mut Sheet,
    pub names: &'a Names<'a>,
    pub links: Vec<Link>,
}

impl Document<'_> {
    /// Reads a node and what is in it. The parser of JSON refuses what is nested too deep, so this ends.
    pub(super) fn node(&mut self, node: &Value) {
        let attribute = |name: &str| node["attrs"][name].as_str().map(str::trim).filter(|text| !text.is_empty());
        let number = |name: &str| node["attrs"][name].as_u64();
        match node["type"].as_str().unwrap_or_default() {
            "text" => self.text(node),
            "hardBreak" => self.sheet.line_break(),
            "heading" => self.element(&format!("h{}", number("level").unwrap_or(1).clamp(1, 6)), node),
            "paragraph" | "caption" | "layoutSection" | "layoutColumn" => self.element("p", node),
            "bulletList" | "decisionList" | "taskList" => self.element("ul", node),
            "orderedList" => self.element("ol", node),
            "listItem" | "decisionItem" => self.element("li", node),
            "taskItem" => {
                open_element(self.sheet, "li", &|_| None);
                self.sheet.mark_task(attribute("state") == Some("DONE"));
                self.content(node);
                close_element(self.sheet, "li");
            }
            "blockquote" => self.element("blockquote", node),
            "table" => self.element("table", node),
            "tableRow" => self.element("tr", node),
            "tableHeader" => self.element("th", node),
            "tableCell" => self.element("td", node),
            "codeBlock" => {
                let lines = node["content"].as_array().into_iter().flatten().filter_map(|node| node["text"].as_str());
                self.sheet.code(attribute("language"), &lines.collect::<String>());
            }
            "panel" => {
                let word = attribute("panelType").and_then(label);
                self.line(word.map(|word| format!("{word}:")).as_deref());
                self.content(node);
                self.sheet.end_line();
            }
            "expand" | "nestedExpand" => {
                self.line(attribute("title"));
                self.content(node);
                self.sheet.end_line();
            }
            "rule" => self.sheet.end_line(),
            "mention" => {
                let name = attribute("id").and_then(|id| (self.names)(Mention::Key(id)));
                let written = attribute("text").map(|text| text.trim_start_matches('@').to_owned());
                let name = name.or(written).unwrap_or_else(|| "unknown user".to_owned());
                self.sheet.words(&format!("@{name}"));
            }
            "emoji" => self.sheet.words(attribute("text").or(attribute("shortName")).unwrap_or_default()),
            "date" => {
                let at = attribute("timestamp").and_then(|at| at.parse().ok()).map(Moment::from_ms);
                let date = at.map(Moment::rfc3339).unwrap_or_default();
                self.sheet.words(date.get(..10).unwrap_or_default());
            }
            "status" => {
                if let Some(text) = attribute("text") {
                    self.sheet.words(&format!("[{text}]"));
                }
            }
            "inlineCard" | "blockCard" | "embedCard" => {
                let url = attribute("url").unwrap_or_default();
                self.sheet.words(&format!(" {url} "));
                self.keep(url);
            }
            "media" => {
                if let Some(alt) = attribute("alt") {
                    self.sheet.words(&format!(" [image: {alt}] "));
                }
            }
            "extension" | "inlineExtension" => self.extension(node),
            "bodiedExtension" => self.bodied(node),
            _ => self.content(node),
        }
    }

    fn content(&mut self, node: &Value) {
        node["content"].as_array().into_iter().flatten().for_each(|node| self.node(node));
    }

    /// A node that is an element of HTML under another name.
    fn element(&mut self, name: &str, node: &Value) {
        let attribute = |name: &str| -> Option<String> {
            let name = if name == "start" { "order" } else { name };
            node["attrs"][name].as_u64().map(|number| number.to_string())
        };
        open_element(self.sheet, name, &attribute);
        self.content(node);
        close_element(self.sheet, name);
    }

    fn text(&mut self, node: &Value) {
        self.sheet.words(node["text"].as_str().unwrap_or_default());
        for mark in node["marks"].as_array().into_iter().flatten().filter(|mark| mark["type"] == "link") {
            self.keep(mark["attrs"]["href"].as_str().unwrap_or_default());
        }
    }

    fn keep(&mut self, url: &str) {
        if let Some(link) = address(url).filter(|link| self.links.len() < LINKS_MAX && !self.links.contains(link)) {
            self.links.push(link);
        }
    }

    /// A line of its own, before what follows.
    fn line(&mut self, text: Option<&str>) {
        self.sheet.end_line();
        self.sheet.words(text.unwrap_or_default());
        self.sheet.end_line();
    }

    /// A macro without a body: what it shows of other pages is named and not read.
    fn extension(&mut self, node: &Value) {
        let parameter = |name: &str| node["attrs"]["parameters"]["macroParams"][name]["value"].as_str();
        let words = match kind(&key(node)) {
            Kind::Includes(words) => parameter("").map(|page| format!(" ({words}: {page}) ")),
            Kind::Issue => parameter("key")
                .map(str::to_owned)
                .or_else(|| parameter("jqlQuery").map(|query| format!("JQL: {query}")))
                .map(|issue| format!(" {issue} ")),
            Kind::Status => parameter("title").map(|title| format!("[{title}]")),
            Kind::Named(what, names) => {
                names.iter().find_map(|name| parameter(name)).map(|name| format!(" ({what}: {name}) "))
            }
            Kind::Code | Kind::Source => {
                let text = parameter("__bodyContent").unwrap_or_default().to_owned();
                return self.sheet.code(parameter("language"), &text);
            }
            Kind::Body
            | Kind::Panel(_)
            | Kind::Dropped
            | Kind::Bare
            | Kind::Person
            | Kind::Html
            | Kind::Markdown
            | Kind::Excerpt => None,
        };
        self.sheet.words(&words.unwrap_or_default());
    }

    /// A macro around other nodes.
    fn bodied(&mut self, node: &Value) {
        let parameter = |name: &str| node["attrs"]["parameters"]["macroParams"][name]["value"].as_str();
        let kind = kind(&key(node));
        let is_hidden = parameter("hidden") == Some("true") || matches!(kind, Kind::Dropped | Kind::Includes(_));
        if !is_hidden {
            self.line(parameter("title"));
            self.content(node);
            self.sheet.end_line();
        }
    }
}

/// The name of a macro.
fn key(node: &Value) -> String {
    node["attrs"]["extensionKey"].as_str().unwrap_or_default().to_ascii_lowercase()
}
