//! A page while it is read: what is open, and what each element writes on the sheet.

use super::lenient::{Attributes, Listener};
use super::macros::{Kind, kind};
use super::{Mention, Names};
use crate::corpus::Link;
use crate::extract::{Sheet, close_element, is_dropped, markdown, open_element, write_html};

/// Links that are kept of one page, and the bytes of an address that is.
pub(super) const LINKS_MAX: usize = 256;
const ADDRESS_BYTES_MAX: usize = 1024;

/// An open macro.
struct Macro {
    name: String,
    kind: Kind,
    /// Parameters met so far, by name.
    parameters: Vec<(String, String)>,
    /// Its plain body.
    plain: Option<String>,
    /// Whether its title was written.
    is_begun: bool,
}

impl Macro {
    fn parameter(&self, name: &str) -> Option<&str> {
        let value = self.parameters.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        value.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }
}

/// An open link or image.
#[derive(Default)]
struct Reference {
    /// What it points to, in words.
    target: Option<String>,
    /// An image's alternative text.
    alt: Option<String>,
    /// Whether words for it were written already.
    is_said: bool,
}

/// Where text goes while something other than the sheet takes it.
enum Capture {
    /// A macro's parameter, by name.
    Parameter(String),
    /// A macro's plain body.
    Plain,
    /// A link's own words.
    LinkText,
    /// Whether a task is done.
    TaskStatus,
    /// Preformatted text.
    Preformatted,
}

/// The state of reading.
pub(super) struct Page<'a> {
    sheet: &'a mut Sheet,
    names: &'a Names<'a>,
    macros: Vec<Macro>,
    references: Vec<Reference>,
    captures: Vec<(Capture, String)>,
    /// How many elements are open inside (and with) the one that is dropped.
    dropped: usize,
    /// Of each open element of the new editor: whether its content was met, which stands before what stands in for it.
    elements: Vec<bool>,
    links: Vec<Link>,
}

impl<'a> Page<'a> {
    pub(super) fn new(sheet: &'a mut Sheet, names: &'a Names<'a>) -> Page<'a> {
        Page {
            sheet,
            names,
            macros: Vec::new(),
            references: Vec::new(),
            captures: Vec::new(),
            dropped: 0,
            elements: Vec::new(),
            links: Vec::new(),
        }
    }

    /// Ends the open line; gives what the page points to.
    pub(super) fn end(self) -> Vec<Link> {
        self.sheet.end_line();
        self.links
    }

    fn keep(&mut self, link: Link) {
        if self.links.len() < LINKS_MAX && !self.links.contains(&link) {
            self.links.push(link);
        }
    }

    /// Keeps what an element points to, also where it is said in other words or, in a setting of a macro, not at all.
    fn keep_target(&mut self, name: &str, attributes: &Attributes) {
        let value = |name: &str| attributes.value(name).map(str::trim).filter(|value| !value.is_empty());
        let link = match name {
            "ri:page" | "ri:blog-post" => value("ri:content-title")
                .map(|title| Link::Page { space: value("ri:space-key").map(str::to_owned), title: title.to_owned() }),
            "ri:url" => value("ri:value").and_then(address),
            "a" => value("href").and_then(address),
            _ => None,
        };
        if let Some(link) = link {
            self.keep(link);
        }
    }

    /// Words that belong to the page: to whatever takes them at this place.
    fn say(&mut self, text: &str) {
        match self.captures.last_mut() {
            Some((_, taken)) => taken.push_str(text),
            None => {
                if !text.trim().is_empty()
                    && let Some(reference) = self.references.last_mut()
                {
                    reference.is_said = true;
                }
                self.sheet.words(text);
            }
        }
    }

    fn mention(&self, attributes: &Attributes) -> String {
        let key = attributes.value("ri:userkey").or_else(|| attributes.value("ri:account-id"));
        let mention = key.map(Mention::Key).or_else(|| attributes.value("ri:username").map(Mention::Name));
        let name = mention.and_then(|mention| (self.names)(mention));
        format!("@{}", name.as_deref().unwrap_or("unknown user"))
    }

    /// What a `ri:` element points to, in words; `None` where it has none.
    fn target(&self, name: &str, attributes: &Attributes) -> Option<String> {
        let value = |name: &str| attributes.value(name).filter(|value| !value.trim().is_empty()).map(str::to_owned);
        match name {
            "ri:page" | "ri:blog-post" => {
                let title = value("ri:content-title")?;
                let is_included = self.macros.last().is_some_and(|open| matches!(open.kind, Kind::Includes(_)));
                match value("ri:space-key").filter(|_| is_included) {
                    Some(space) => Some(format!("{space}:{title}")),
                    None => Some(title),
                }
            }
            "ri:attachment" => value("ri:filename"),
            "ri:url" => value("ri:value"),
            "ri:space" => value("ri:space-key"),
            "ri:user" => Some(self.mention(attributes)),
            "ri:shortcut" => value("ri:parameter"),
            _ => None,
        }
    }

    fn open_macro(&mut self, attributes: &Attributes) {
        let name = attributes.value("ac:name").unwrap_or_default().to_ascii_lowercase();
        let kind = kind(&name);
        if kind == Kind::Dropped {
            self.dropped = 1;
            return;
        }
        self.macros.push(Macro { name, kind, parameters: Vec::new(), plain: None, is_begun: false });
    }

    /// Writes a macro's title line, once, before what it encloses.
    fn begin_macro(&mut self) {
        let Some(open) = self.macros.last_mut().filter(|open| !open.is_begun) else { return };
        open.is_begun = true;
        let title = open.parameter("title");
        let line = match open.kind {
            Kind::Panel(word) => Some(format!("{word}: {}", title.unwrap_or_default()).trim_end().to_owned()),
            Kind::Body | Kind::Code | Kind::Source => title.map(str::to_owned),
            Kind::Dropped
            | Kind::Bare
            | Kind::Status
            | Kind::Includes(_)
            | Kind::Issue
            | Kind::Named(..)
            | Kind::Person
            | Kind::Html
            | Kind::Markdown
            | Kind::Excerpt => None,
        };
        if let Some(line) = line {
            self.sheet.end_line();
            self.sheet.words(&line);
            self.sheet.end_line();
        }
    }

    fn close_macro(&mut self) {
        if self.captures.is_empty() {
            // Without a rich body nothing was written yet; a title may be all that a reader sees of it.
            self.begin_macro();
        }
        let Some(open) = self.macros.pop() else { return };
        let plain = open.plain.as_deref().unwrap_or_default();
        match open.kind {
            Kind::Code => self.sheet.code(open.parameter("language").or_else(|| open.parameter("lang")), plain),
            Kind::Source => self.sheet.code(Some(&open.name), plain),
            Kind::Html => write_html(plain, self.sheet),
            Kind::Markdown => self.sheet.blocks(markdown(plain).1),
            Kind::Status => self.say(&open.parameter("title").map(|title| format!("[{title}]")).unwrap_or_default()),
            Kind::Issue => {
                let query = open.parameter("jqlQuery").or_else(|| open.parameter("jql"));
                let issue = open.parameter("key").map(str::to_owned);
                self.say(&issue.or_else(|| query.map(|query| format!("JQL: {query}"))).unwrap_or_default());
            }
            Kind::Person => self.say(open.parameter("user").unwrap_or_default()),
            Kind::Includes(words) => {
                let page = open
                    .parameter("")
                    .or_else(|| open.parameter("default-parameter"))
                    .or_else(|| open.parameter("pageTitle"))
                    .or_else(|| open.parameter("PageWithExcerpt"));
                self.say_word(page.map(|page| format!("({words}: {page})")));
            }
            Kind::Named(what, parameters) => {
                let name = parameters.iter().find_map(|name| open.parameter(name)).or_else(|| open.parameter(""));
                self.say_word(name.map(|name| format!("({what}: {name})")));
            }
            Kind::Body | Kind::Panel(_) | Kind::Bare | Kind::Excerpt => {
                if !plain.trim().is_empty() {
                    self.sheet.code(None, plain);
                }
                self.sheet.end_line();
            }
            Kind::Dropped => {}
        }
    }

    /// A word that is parted from its neighbours.
    fn say_word(&mut self, word: Option<String>) {
        if let Some(word) = word {
            self.say(&format!(" {word} "));
        }
    }

    fn open_rich_body(&mut self) {
        let is_hidden = self.macros.last().is_some_and(|open| {
            (open.kind == Kind::Excerpt || open.name == "details")
                && open.parameter("hidden").is_some_and(|hidden| hidden.eq_ignore_ascii_case("true"))
        });
        let is_nothing = self
            .macros
            .last()
            .is_some_and(|open| matches!(open.kind, Kind::Includes(_) | Kind::Issue | Kind::Status | Kind::Person));
        if is_hidden || is_nothing {
            self.dropped = 1;
            return;
        }
        self.begin_macro();
        let is_inline = self.macros.last().is_some_and(|open| open.kind == Kind::Excerpt);
        if !is_inline {
            self.sheet.end_line();
        }
    }

    fn close_link(&mut self) {
        let Some(reference) = self.references.pop() else { return };
        if !reference.is_said
            && let Some(target) = reference.target
        {
            self.say(&target);
        }
    }

    fn say_image(&mut self) {
        let Some(reference) = self.references.last_mut().filter(|reference| !reference.is_said) else { return };
        reference.is_said = true;
        let file = reference.target.take().filter(|target| !target.contains("://"));
        if let Some(words) = reference.alt.take().or(file) {
            self.say(&format!(" [image: {words}] "));
        }
    }

    fn close_capture(&mut self) {
        let Some((capture, text)) = self.captures.pop() else { return };
        match capture {
            Capture::Parameter(name) => {
                if let Some(open) = self.macros.last_mut() {
                    open.parameters.push((name, text));
                }
            }
            Capture::Plain => {
                if let Some(open) = self.macros.last_mut() {
                    open.plain = Some(text);
                }
            }
            Capture::LinkText => self.say(&text),
            Capture::TaskStatus => self.sheet.mark_task(text.trim() == "complete"),
            Capture::Preformatted => self.sheet.code(None, &text),
        }
    }

    fn capture(&mut self, capture: Capture) {
        self.captures.push((capture, String::new()));
    }
}

/// An address of the web, without what leads to a place inside the page.
pub(super) fn address(text: &str) -> Option<Link> {
    let text = text.split('#').next().unwrap_or_default();
    let is_kept = (text.starts_with("https://") || text.starts_with("http://")) && text.len() <= ADDRESS_BYTES_MAX;
    is_kept.then(|| Link::Address(text.to_owned()))
}

impl Listener for Page<'_> {
    fn open(&mut self, name: &str, attributes: &Attributes) {
        let attribute = |name: &str| attributes.value(name).map(str::to_owned);
        if self.dropped > 0 || is_dropped(name, &attribute) {
            self.dropped += 1;
            return;
        }
        self.keep_target(name, attributes);
        match name {
            "ac:structured-macro" | "ac:macro" => self.open_macro(attributes),
            "ac:parameter" | "ac:default-parameter" => {
                self.capture(Capture::Parameter(attributes.value("ac:name").unwrap_or_default().to_owned()));
            }
            "ac:plain-text-body" => self.capture(Capture::Plain),
            "ac:rich-text-body" => self.open_rich_body(),
            // A link to a place of this page has nothing but that.
            "ac:link" => {
                let anchor = attributes.value("ac:anchor").filter(|anchor| !anchor.trim().is_empty());
                self.references.push(Reference { target: anchor.map(str::to_owned), ..Reference::default() });
            }
            "ac:plain-text-link-body" => self.capture(Capture::LinkText),
            "ac:image" => {
                let alt = attributes.value("ac:alt").or_else(|| attributes.value("ac:title"));
                let alt = alt.filter(|alt| !alt.trim().is_empty()).map(str::to_owned);
                self.references.push(Reference { alt, ..Reference::default() });
            }
            "ac:caption" => {
                self.say_image();
                self.sheet.line_break();
            }
            "ac:task-list" => self.sheet.open_list(None),
            "ac:task" => self.sheet.open_item(None),
            "ac:task-status" => self.capture(Capture::TaskStatus),
            // Ids, settings, and prompts to an author.
            "ac:task-id" | "ac:task-uuid" | "ac:placeholder" | "ac:adf-attribute" => self.dropped = 1,
            "ac:adf-extension" => self.elements.push(false),
            "ac:adf-content" => self.elements.iter_mut().for_each(|is_met| *is_met = true),
            "ac:adf-fallback" if self.elements.last() == Some(&true) => self.dropped = 1,
            "ac:layout" | "ac:layout-section" | "ac:layout-cell" => self.sheet.end_line(),
            "ac:emoticon" => {
                let sign = attributes.value("ac:emoji-fallback").map(str::to_owned);
                let word = attributes.value("ac:name").map(|name| format!(":{name}:"));
                if let Some(sign) = sign.or(word) {
                    self.say(&sign);
                }
            }
            "time" => self.say(attributes.value("datetime").unwrap_or_default()),
            "pre" if self.captures.is_empty() => self.capture(Capture::Preformatted),
            "br" if !self.captures.is_empty() => self.say("\n"),
            name if name.starts_with("ri:") => {
                if let Some(target) = self.target(name, attributes) {
                    match (self.captures.last_mut(), self.references.last_mut()) {
                        // In a link inside a parameter the link says it when it closes.
                        (_, Some(reference)) => reference.target = Some(target),
                        (Some((_, taken)), None) => taken.push_str(&target),
                        (None, None) => self.say_word(Some(target)),
                    }
                }
            }
            name if self.captures.is_empty() => open_element(self.sheet, name, &attribute),
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if self.dropped == 0 {
            self.say(text);
        }
    }

    fn close(&mut self, name: &str) {
        if self.dropped > 0 {
            self.dropped -= 1;
            return;
        }
        match name {
            "ac:structured-macro" | "ac:macro" => self.close_macro(),
            "ac:parameter"
            | "ac:default-parameter"
            | "ac:plain-text-body"
            | "ac:plain-text-link-body"
            | "ac:task-status" => {
                self.close_capture();
            }
            // An excerpt may stand inside a sentence.
            "ac:rich-text-body" if self.macros.last().is_some_and(|open| open.kind == Kind::Excerpt) => {}
            "ac:rich-text-body" => self.sheet.end_line(),
            "ac:link" => self.close_link(),
            "ac:image" => {
                self.say_image();
                self.references.pop();
            }
            "ac:caption" | "ac:layout" | "ac:layout-section" | "ac:layout-cell" => self.sheet.end_line(),
            "ac:adf-extension" => drop(self.elements.pop()),
            "ac:task-list" => self.sheet.close_list(),
            "ac:task" => self.sheet.close_item(),
            "pre" if matches!(self.captures.last(), Some((Capture::Preformatted, _))) => self.close_capture(),
            name if self.captures.is_empty() => close_element(self.sheet, name),
            _ => {}
        }
    }
}
