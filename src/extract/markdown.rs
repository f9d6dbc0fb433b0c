//! Markdown to blocks.

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use super::grid::Shape;
use super::html;
use super::sheet::Sheet;
use crate::corpus::Block;

/// Reads Markdown with tables, tasks, footnotes and front matter; the title is the front matter's.
pub(super) fn read(text: &str) -> (Option<String>, Vec<Block>) {
    let (front, body) = front_matter(text);
    let title = front.and_then(title_of);
    let body = without_shortcodes(body);
    let mut page = Page { sheet: Sheet::new(), code: None, html: None, is_head: false };
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_HEADING_ATTRIBUTES;
    for event in Parser::new_ext(&body, options) {
        page.take(event);
    }
    (title, page.sheet.finish())
}

struct Page {
    sheet: Sheet,
    /// Inside a code block: its language and what was read of it.
    code: Option<(Option<String>, String)>,
    /// Inside a block of HTML: what was read of it.
    html: Option<String>,
    /// In the row that names a table's columns.
    is_head: bool,
}

impl Page {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.open(&tag),
            Event::End(tag) => self.close(tag),
            Event::Text(text) => match &mut self.code {
                Some((_, code)) => code.push_str(&text),
                None => self.sheet.words(&text),
            },
            Event::Code(text) | Event::InlineMath(text) | Event::DisplayMath(text) => self.sheet.words(&text),
            Event::Html(html) => match &mut self.html {
                Some(block) => block.push_str(&html),
                None => html::write(&html, &mut self.sheet),
            },
            // The tag alone: what stands between two inline tags comes as text of its own.
            Event::InlineHtml(tag) => {
                if tag.get(..3).is_some_and(|begin| begin.eq_ignore_ascii_case("<br")) {
                    self.sheet.line_break();
                }
            }
            Event::SoftBreak => self.sheet.words(" "),
            Event::HardBreak => self.sheet.line_break(),
            Event::Rule => self.sheet.end_line(),
            Event::TaskListMarker(is_done) => self.sheet.mark_task(is_done),
            Event::FootnoteReference(_) => {}
        }
    }

    fn open(&mut self, tag: &Tag<'_>) {
        match tag {
            Tag::Paragraph | Tag::FootnoteDefinition(_) | Tag::DefinitionListDefinition | Tag::DefinitionListTitle => {
                self.sheet.end_line();
            }
            Tag::Heading { level, .. } => self.sheet.open_heading(*level as u8),
            Tag::BlockQuote(_) => self.sheet.open_quote(),
            Tag::CodeBlock(kind) => {
                let language = match kind {
                    CodeBlockKind::Fenced(language) => language.split([' ', ',', '{']).next().map(str::to_owned),
                    CodeBlockKind::Indented => None,
                };
                self.code = Some((language, String::new()));
            }
            Tag::HtmlBlock => self.html = Some(String::new()),
            Tag::List(first) => {
                self.sheet.open_list(first.map(|n| u32::try_from(n).unwrap_or(u32::MAX)));
            }
            Tag::Item => self.sheet.open_item(None),
            Tag::Table(_) => self.sheet.open_table(),
            Tag::TableHead | Tag::TableRow => {
                self.is_head = matches!(tag, Tag::TableHead);
                self.sheet.open_row();
            }
            Tag::TableCell => self.sheet.open_cell(Shape { is_header: self.is_head, ..Shape::default() }),
            Tag::DefinitionList
            | Tag::Emphasis
            | Tag::Strong
            | Tag::Strikethrough
            | Tag::Superscript
            | Tag::Subscript
            | Tag::Link { .. }
            | Tag::Image { .. }
            | Tag::MetadataBlock(_) => {}
        }
    }

    fn close(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph
            | TagEnd::FootnoteDefinition
            | TagEnd::DefinitionListDefinition
            | TagEnd::DefinitionListTitle => self.sheet.end_line(),
            TagEnd::Heading(_) => self.sheet.close_heading(),
            TagEnd::BlockQuote(_) => self.sheet.close_quote(),
            TagEnd::CodeBlock => {
                if let Some((language, code)) = self.code.take() {
                    self.sheet.code(language.as_deref(), &code);
                }
            }
            TagEnd::HtmlBlock => {
                if let Some(block) = self.html.take() {
                    html::write(&block, &mut self.sheet);
                }
            }
            TagEnd::List(_) => self.sheet.close_list(),
            TagEnd::Item => self.sheet.close_item(),
            TagEnd::Table => self.sheet.close_table(),
            TagEnd::TableCell => self.sheet.close_cell(),
            TagEnd::TableHead
            | TagEnd::TableRow
            | TagEnd::DefinitionList
            | TagEnd::Emphasis
            | TagEnd::Strong
            | TagEnd::Strikethrough
            | TagEnd::Superscript
            | TagEnd::Subscript
            | TagEnd::Link
            | TagEnd::Image
            | TagEnd::MetadataBlock(_) => {}
        }
    }
}

/// Splits YAML front matter from the text below it.
fn front_matter(text: &str) -> (Option<&str>, &str) {
    let text = text.trim_start_matches('\u{feff}');
    let Some(rest) = text.strip_prefix("---\n").or_else(|| text.strip_prefix("---\r\n")) else {
        return (None, text);
    };
    let mut at = 0;
    for line in rest.split_inclusive('\n') {
        if matches!(line.trim_end(), "---" | "...") {
            return (Some(&rest[..at]), &rest[at + line.len()..]);
        }
        at += line.len();
    }
    (None, text)
}

/// The `title` of front matter: a plain or quoted scalar on one line.
fn title_of(front: &str) -> Option<String> {
    let value = front.lines().find_map(|line| line.strip_prefix("title:"))?.trim();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
    let title = match quote {
        Some(quote) => value[1..].rsplit_once(quote).map_or(&value[1..], |(title, _)| title).to_owned(),
        // YAML 1.2 §6.6: a comment begins with `#` after white space.
        None => value.split(" #").next().unwrap_or(value).trim().to_owned(),
    };
    Some(title.replace("\\\"", "\"").replace("''", "'")).filter(|title| !title.trim().is_empty())
}

/// Leaves template shortcodes (`{% … %}`, `{{ … }}`) out: they are instructions to a site generator, not words of the page.
/// A comment goes with what it encloses; a channel's name stays, as `#name`. Fenced code is kept as it stands.
fn without_shortcodes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut is_fenced = false;
    let mut is_comment = false;
    for line in text.split_inclusive('\n') {
        let begin = line.trim_start();
        if !is_comment && (begin.starts_with("```") || begin.starts_with("~~~")) {
            is_fenced = !is_fenced;
        }
        if is_fenced {
            out.push_str(line);
        } else {
            strip_line(line, &mut is_comment, &mut out);
        }
    }
    out
}

fn strip_line(line: &str, is_comment: &mut bool, out: &mut String) {
    let mut rest = line;
    let before = out.len();
    let mut has_stripped = *is_comment;
    while let Some((at, close)) = next_shortcode(rest) {
        let Some(length) = rest[at..].find(close) else { break };
        has_stripped = true;
        if !*is_comment {
            out.push_str(&rest[..at]);
        }
        let inside = rest[at + 2..at + length].trim().trim_matches('-').trim();
        let name = inside.split_whitespace().next().unwrap_or_default();
        match name {
            "comment" => *is_comment = true,
            "endcomment" => *is_comment = false,
            channel if channel.ends_with("channel") && !*is_comment => {
                if let Some(name) = inside.split('"').nth(1) {
                    out.push('#');
                    out.push_str(name.trim_start_matches('#'));
                }
            }
            _ => {}
        }
        rest = &rest[at + length + close.len()..];
    }
    if !*is_comment {
        out.push_str(rest);
    } else if line.ends_with('\n') {
        out.push('\n');
    }
    // A line of nothing but instructions must not become a paragraph break inside a list or a table.
    if has_stripped && !line.trim().is_empty() && out[before..].trim().is_empty() {
        out.truncate(before);
    }
}

fn next_shortcode(text: &str) -> Option<(usize, &'static str)> {
    let tag = text.find("{%").map(|at| (at, "%}"));
    let value = text.find("{{").map(|at| (at, "}}"));
    [tag, value].into_iter().flatten().min()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paragraph(text: &str) -> Block {
        Block::Paragraph { text: text.to_owned() }
    }

    #[test]
    fn front_matter_gives_the_title_and_is_no_text() {
        let (title, blocks) = read("---\ntags: x\ntitle: \"Leave: an overview\"\n---\n\nWords.\n");

        assert_eq!(title.as_deref(), Some("Leave: an overview"));
        assert_eq!(blocks, vec![paragraph("Words.")]);
    }

    #[test]
    fn a_rule_at_the_top_without_an_end_is_no_front_matter() {
        let (title, blocks) = read("---\nWords below a rule.\n");

        assert_eq!(title, None);
        assert_eq!(blocks, vec![paragraph("Words below a rule.")]);
    }

    #[test]
    fn headings_lists_tasks_quotes_and_code_are_read() {
        let text = "## Two {#two}\n\n1. one\n   - deep\n2. [x] done\n\n> said\n> so\n\n```rust\nlet a = 1;\n```\n";

        let (_, blocks) = read(text);

        let item = |depth, number, done, text: &str| Block::Item { depth, number, done, text: text.to_owned() };
        let expected = vec![
            Block::Heading { level: 2, text: "Two".to_owned() },
            item(0, Some(1), None, "one"),
            item(1, None, None, "deep"),
            item(0, Some(2), Some(true), "done"),
            Block::Quote { text: "said so".to_owned() },
            Block::Code { language: Some("rust".to_owned()), text: "let a = 1;".to_owned() },
        ];
        assert_eq!(blocks, expected);
    }

    #[test]
    fn a_table_keeps_its_header() {
        let (_, blocks) = read("| Name | Role |\n|---|---|\n| Ana | Lead |\n");

        let header = vec!["Name".to_owned(), "Role".to_owned()];
        let rows = vec![vec!["Ana".to_owned(), "Lead".to_owned()]];
        assert_eq!(blocks, vec![Block::Table { header, rows }]);
    }

    #[test]
    fn shortcodes_leave_no_trace_but_a_channels_name() {
        let text = "{% comment %}hidden\nalso{% endcomment %}Ask in {% slack_channel \"travel\" %}, see \
                    [the guide]({% page \"a/b\" %}).\n{% include \"x\" steps:1 %}\n";

        let (_, blocks) = read(text);

        assert_eq!(blocks, vec![paragraph("Ask in #travel, see the guide.")]);
    }

    #[test]
    fn html_inside_is_read_as_html() {
        let text = "A<br>B <strong>bold</strong>\n\n<table><tr><th>K</th><th>V</th></tr><tr><td>a</td><td>b</td></tr></table>\n\n\
                    <script>alert(1)</script>\n";

        let (_, blocks) = read(text);

        let table = Block::Table {
            header: vec!["K".to_owned(), "V".to_owned()],
            rows: vec![vec!["a".to_owned(), "b".to_owned()]],
        };
        assert_eq!(blocks, vec![paragraph("A\nB bold"), table]);
    }

    #[test]
    fn quotes_nested_without_end_are_read() {
        let (_, blocks) = read(&format!("{} deep\n", ">".repeat(5_000)));

        assert!(!blocks.is_empty());
    }
}
