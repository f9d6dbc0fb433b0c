//! HTML to blocks.

use scraper::node::Element;
use scraper::{Html, Node};

use super::element::{close_element, is_dropped, open_element};
use super::sheet::Sheet;
use crate::corpus::Block;

/// Reads a whole HTML document.
pub(super) fn read(text: &str) -> Vec<Block> {
    let mut sheet = Sheet::new();
    write(text, &mut sheet);
    sheet.finish()
}

/// Writes HTML, whole or a part, on a sheet.
pub fn write(text: &str, sheet: &mut Sheet) {
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
        let attribute = |name: &str| element.attr(name).map(str::to_owned);
        if self.dropped > 0 || is_dropped(element.name(), &attribute) {
            self.dropped += 1;
            return;
        }
        match (&mut self.pre, element.name()) {
            (Some((depth, _)), "pre") => *depth += 1,
            (Some((_, code)), "br") => code.push('\n'),
            (Some(_), _) => {}
            (None, "pre") => self.pre = Some((1, String::new())),
            (None, name) => open_element(self.sheet, name, &attribute),
        }
    }

    fn close(&mut self, element: &Element) {
        if self.dropped > 0 {
            self.dropped -= 1;
            return;
        }
        match (&mut self.pre, element.name()) {
            (Some((depth, code)), "pre") => {
                *depth -= 1;
                if *depth == 0 {
                    let code = std::mem::take(code);
                    self.pre = None;
                    self.sheet.code(None, &code);
                }
            }
            (Some(_), _) => {}
            (None, name) => close_element(self.sheet, name),
        }
    }
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
