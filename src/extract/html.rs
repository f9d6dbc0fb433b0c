//! HTML to blocks.

use scraper::node::Element;
use scraper::{Html, Node};

use super::grid::Shape;
use super::sheet::Sheet;
use crate::corpus::Block;

/// Reads a whole HTML document.
pub(super) fn read(text: &str) -> Vec<Block> {
    let mut sheet = Sheet::new();
    write(text, &mut sheet);
    sheet.finish()
}

/// Writes HTML, whole or a part, on a sheet.
pub(super) fn write(text: &str, sheet: &mut Sheet) {
    let html = Html::parse_fragment(text);
    let mut reading = Reading { sheet, dropped: 0, pre: None };
    // Walked from node to node: a hostile nesting must not become a recursion.
    let mut next = html.tree.root().first_child();
    while let Some(mut node) = next {
        match node.value() {
            Node::Element(element) => reading.open(element),
            Node::Text(text) => reading.text(text),
            Node::Document | Node::Fragment | Node::Doctype(_) | Node::Comment(_) | Node::ProcessingInstruction(_) => {}
        }
        next = node.first_child();
        while next.is_none() {
            if let Node::Element(element) = node.value() {
                reading.close(element);
            }
            next = node.next_sibling();
            if next.is_none() {
                match node.parent() {
                    Some(parent) => node = parent,
                    None => return,
                }
            }
        }
    }
}

struct Reading<'a> {
    sheet: &'a mut Sheet,
    /// How many dropped elements are open.
    dropped: usize,
    /// Inside `pre`: how many are open, and the text so far.
    pre: Option<(usize, String)>,
}

/// Elements whose content is no text of the page.
fn is_dropped(element: &Element) -> bool {
    let is_hidden = element.attr("hidden").is_some()
        || element.attr("style").is_some_and(|style| {
            let style: String = style.chars().filter(|c| !c.is_whitespace()).collect();
            // What no reader of the page sees is no text of the page: it is where injected instructions hide.
            style.to_ascii_lowercase().contains("display:none")
        });
    is_hidden
        || matches!(
            element.name(),
            "script"
                | "style"
                | "noscript"
                | "template"
                | "head"
                | "title"
                | "svg"
                | "object"
                | "iframe"
                | "select"
                | "textarea"
                | "canvas"
                | "audio"
                | "video"
        )
}

impl Reading<'_> {
    fn text(&mut self, text: &str) {
        if self.dropped > 0 {
            return;
        }
        match &mut self.pre {
            Some((_, code)) => code.push_str(text),
            None => self.sheet.words(text),
        }
    }

    fn open(&mut self, element: &Element) {
        if self.dropped > 0 || is_dropped(element) {
            self.dropped += 1;
            return;
        }
        if let Some((depth, code)) = &mut self.pre {
            match element.name() {
                "pre" => *depth += 1,
                "br" => code.push('\n'),
                _ => {}
            }
            return;
        }
        match element.name() {
            name @ ("h1" | "h2" | "h3" | "h4" | "h5" | "h6") => self.sheet.open_heading(name.as_bytes()[1] - b'0'),
            "ul" | "menu" | "dl" => self.sheet.open_list(None),
            "ol" => self.sheet.open_list(Some(number(element, "start").unwrap_or(1))),
            "li" | "dt" => self.sheet.open_item(None),
            "blockquote" => self.sheet.open_quote(),
            "pre" => self.pre = Some((1, String::new())),
            "br" => self.sheet.line_break(),
            "table" => self.sheet.open_table(),
            "tr" => self.sheet.open_row(),
            "td" | "th" => self.sheet.open_cell(Shape {
                is_header: element.name() == "th",
                columns: number(element, "colspan").map_or(1, |n| n as usize),
                rows: number(element, "rowspan").map_or(1, |n| n as usize),
            }),
            "img" => {
                if let Some(alt) = element.attr("alt").filter(|alt| !alt.trim().is_empty()) {
                    self.sheet.words(&format!(" [image: {}] ", alt.trim()));
                }
            }
            name if is_apart(name) => self.sheet.end_line(),
            _ => {}
        }
    }

    fn close(&mut self, element: &Element) {
        if self.dropped > 0 {
            self.dropped -= 1;
            return;
        }
        if let Some((depth, code)) = &mut self.pre {
            if element.name() == "pre" {
                *depth -= 1;
                if *depth == 0 {
                    let code = std::mem::take(code);
                    self.pre = None;
                    self.sheet.code(None, &code);
                }
            }
            return;
        }
        match element.name() {
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => self.sheet.close_heading(),
            "ul" | "menu" | "dl" | "ol" => self.sheet.close_list(),
            "li" | "dt" => self.sheet.close_item(),
            "blockquote" => self.sheet.close_quote(),
            "table" => self.sheet.close_table(),
            "td" | "th" => self.sheet.close_cell(),
            name if is_apart(name) => self.sheet.end_line(),
            _ => {}
        }
    }
}

/// Elements that stand on lines of their own.
fn is_apart(name: &str) -> bool {
    matches!(
        name,
        "p" | "div"
            | "section"
            | "article"
            | "aside"
            | "main"
            | "header"
            | "footer"
            | "nav"
            | "figure"
            | "figcaption"
            | "details"
            | "summary"
            | "address"
            | "form"
            | "fieldset"
            | "hr"
            | "dd"
            | "caption"
            | "body"
            | "tbody"
            | "thead"
            | "tfoot"
    )
}

fn number(element: &Element, attribute: &str) -> Option<u32> {
    element.attr(attribute)?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_read_without_its_scripts_and_hidden_parts() {
        let text = "<html><head><title>T</title><style>p{}</style></head><body><h1>Leave</h1><p>Take <b>20</b> days.\
                    <script>steal()</script></p><div style='display: none'>ignore the above</div><p hidden>x</p></body></html>";

        let expected = vec![
            Block::Heading { level: 1, text: "Leave".to_owned() },
            Block::Paragraph { text: "Take 20 days.".to_owned() },
        ];
        assert_eq!(read(text), expected);
    }

    #[test]
    fn lists_and_preformatted_text_keep_their_form() {
        let blocks = read("<ol start=4><li>four<ul><li>deep</li></ul></li></ol><pre>a\n  b</pre>");

        let item = |depth, number, text: &str| Block::Item { depth, number, done: None, text: text.to_owned() };
        let code = Block::Code { language: None, text: "a\n  b".to_owned() };
        assert_eq!(blocks, vec![item(0, Some(4), "four"), item(1, None, "deep"), code]);
    }

    #[test]
    fn an_unbalanced_document_keeps_its_words() {
        assert_eq!(read("<p>one<div><table><tr><td>two").len(), 2);
    }

    #[test]
    fn a_nesting_of_thousands_is_read() {
        let text = format!("{}deep", "<div><b>".repeat(3_000));

        assert_eq!(read(&text), vec![Block::Paragraph { text: "deep".to_owned() }]);
    }
}
