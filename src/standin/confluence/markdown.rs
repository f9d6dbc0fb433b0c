//! Markdown to storage format, for sites whose pages are Markdown files.

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use crate::standin::server::escape;

/// Converts a Markdown text; a front matter block is left out.
pub(super) fn storage(markdown: &str) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let mut out = String::with_capacity(markdown.len() * 2);
    let mut in_code = false;
    let mut in_head = false;
    let mut is_hidden = false;
    for event in Parser::new_ext(markdown, options) {
        match event {
            Event::Start(Tag::MetadataBlock(_)) => is_hidden = true,
            Event::End(TagEnd::MetadataBlock(_)) => is_hidden = false,
            _ if is_hidden => {}
            Event::Start(tag) => {
                in_code |= matches!(tag, Tag::CodeBlock(_));
                in_head |= matches!(tag, Tag::TableHead);
                start(&tag, in_head, &mut out);
            }
            Event::End(tag) => {
                end(tag, in_head, &mut out);
                in_code &= tag != TagEnd::CodeBlock;
                in_head &= tag != TagEnd::TableHead;
            }
            // A CDATA section cannot hold its own end: it is split in two there.
            Event::Text(text) if in_code => out.push_str(&text.replace("]]>", "]]]]><![CDATA[>")),
            // HTML inside Markdown would have to be well-formed; its text is kept, its marks are not trusted.
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => out.push_str(&escape(&text)),
            Event::Code(text) => out.push_str(&format!("<code>{}</code>", escape(&text))),
            Event::SoftBreak => out.push(' '),
            Event::HardBreak => out.push_str("<br />"),
            Event::Rule => out.push_str("<hr />"),
            Event::FootnoteReference(_) | Event::TaskListMarker(_) | Event::InlineMath(_) | Event::DisplayMath(_) => {}
        }
    }
    out
}

fn level(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

fn start(tag: &Tag<'_>, in_head: bool, out: &mut String) {
    match tag {
        Tag::Heading { level: at, .. } => out.push_str(&format!("<h{}>", level(*at))),
        Tag::CodeBlock(kind) => {
            out.push_str("<ac:structured-macro ac:name=\"code\">");
            if let CodeBlockKind::Fenced(language) = kind
                && !language.is_empty()
            {
                out.push_str(&format!("<ac:parameter ac:name=\"language\">{}</ac:parameter>", escape(language)));
            }
            out.push_str("<ac:plain-text-body><![CDATA[");
        }
        Tag::Link { dest_url, .. } => out.push_str(&format!("<a href=\"{}\">", escape(dest_url))),
        Tag::Image { dest_url, .. } => {
            out.push_str(&format!("<ac:image><ri:url ri:value=\"{}\" /><ac:caption>", escape(dest_url)));
        }
        Tag::Table(_) => out.push_str("<table><tbody>"),
        Tag::TableHead => out.push_str("<tr>"),
        Tag::Paragraph
        | Tag::BlockQuote(_)
        | Tag::HtmlBlock
        | Tag::List(_)
        | Tag::Item
        | Tag::FootnoteDefinition(_)
        | Tag::DefinitionList
        | Tag::DefinitionListTitle
        | Tag::DefinitionListDefinition
        | Tag::TableRow
        | Tag::TableCell
        | Tag::Emphasis
        | Tag::Strong
        | Tag::Strikethrough
        | Tag::Superscript
        | Tag::Subscript
        | Tag::MetadataBlock(_) => {
            if let Some(name) = name(tag.to_end(), in_head) {
                out.push_str(&format!("<{name}>"));
            }
        }
    }
}

fn end(tag: TagEnd, in_head: bool, out: &mut String) {
    match tag {
        TagEnd::Heading(at) => out.push_str(&format!("</h{}>", level(at))),
        TagEnd::CodeBlock => out.push_str("]]></ac:plain-text-body></ac:structured-macro>"),
        TagEnd::Link => out.push_str("</a>"),
        TagEnd::Image => out.push_str("</ac:caption></ac:image>"),
        TagEnd::Table => out.push_str("</tbody></table>"),
        TagEnd::TableHead => out.push_str("</tr>"),
        TagEnd::Paragraph
        | TagEnd::BlockQuote(_)
        | TagEnd::HtmlBlock
        | TagEnd::List(_)
        | TagEnd::Item
        | TagEnd::FootnoteDefinition
        | TagEnd::DefinitionList
        | TagEnd::DefinitionListTitle
        | TagEnd::DefinitionListDefinition
        | TagEnd::TableRow
        | TagEnd::TableCell
        | TagEnd::Emphasis
        | TagEnd::Strong
        | TagEnd::Strikethrough
        | TagEnd::Superscript
        | TagEnd::Subscript
        | TagEnd::MetadataBlock(_) => {
            if let Some(name) = name(tag, in_head) {
                out.push_str(&format!("</{name}>"));
            }
        }
    }
}

/// The element that stands for a part of Markdown and has nothing but a name; `None` for what has none.
fn name(tag: TagEnd, in_head: bool) -> Option<&'static str> {
    match tag {
        TagEnd::Paragraph => Some("p"),
        TagEnd::BlockQuote(_) => Some("blockquote"),
        TagEnd::List(true) => Some("ol"),
        TagEnd::List(false) => Some("ul"),
        TagEnd::Item => Some("li"),
        TagEnd::TableRow => Some("tr"),
        TagEnd::TableCell if in_head => Some("th"),
        TagEnd::TableCell => Some("td"),
        TagEnd::Emphasis => Some("em"),
        TagEnd::Strong => Some("strong"),
        TagEnd::Strikethrough => Some("s"),
        TagEnd::Superscript => Some("sup"),
        TagEnd::Subscript => Some("sub"),
        TagEnd::Heading(_)
        | TagEnd::CodeBlock
        | TagEnd::HtmlBlock
        | TagEnd::FootnoteDefinition
        | TagEnd::DefinitionList
        | TagEnd::DefinitionListTitle
        | TagEnd::DefinitionListDefinition
        | TagEnd::Table
        | TagEnd::TableHead
        | TagEnd::Link
        | TagEnd::Image
        | TagEnd::MetadataBlock(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_becomes_storage_format_that_is_well_formed() {
        let storage = storage(
            "---\ntitle: X\n---\n# On *call*\n\n- a & b\n- [c](https://x.example/?a=1&b=2)\n\n```sh\nif [[ a ]]>b; then\n```\n\n|A|B|\n|-|-|\n|1|<x>|\n",
        );

        assert!(storage.starts_with("<h1>On <em>call</em></h1><ul><li>a &amp; b</li>"), "{storage}");
        assert!(storage.contains("<tr><th>A</th><th>B</th></tr><tr><td>1</td><td>&lt;x&gt;</td></tr>"), "{storage}");
        assert!(
            crate::standin::confluence::html::render(&storage, &|_| None).unwrap().contains("if [[ a ]]&gt;b; then")
        );
    }
}
