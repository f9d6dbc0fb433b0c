//! What each element of HTML does to a sheet; Confluence's storage format has the same elements.

use super::grid::Shape;
use super::sheet::Sheet;

/// Begins an element. `attribute` gives the value of an attribute by its name.
pub fn open_element(sheet: &mut Sheet, name: &str, attribute: &dyn Fn(&str) -> Option<String>) {
    let number = |name: &str| attribute(name).and_then(|text| text.trim().parse::<u32>().ok());
    match name {
        "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => sheet.open_heading(name.as_bytes()[1] - b'0'),
        "ul" | "menu" | "dl" => sheet.open_list(None),
        "ol" => sheet.open_list(Some(number("start").unwrap_or(1))),
        "li" | "dt" => sheet.open_item(None),
        "blockquote" => sheet.open_quote(),
        "br" => sheet.line_break(),
        "table" => sheet.open_table(),
        "tr" => sheet.open_row(),
        "td" | "th" => sheet.open_cell(Shape {
            is_header: name == "th",
            columns: number("colspan").map_or(1, |n| n as usize),
            rows: number("rowspan").map_or(1, |n| n as usize),
        }),
        "img" => {
            if let Some(alt) = attribute("alt").filter(|alt| !alt.trim().is_empty()) {
                sheet.words(&format!(" [image: {}] ", alt.trim()));
            }
        }
        name if is_apart(name) => sheet.end_line(),
        _ => {}
    }
}

/// Ends an element.
pub fn close_element(sheet: &mut Sheet, name: &str) {
    match name {
        "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => sheet.close_heading(),
        "ul" | "menu" | "dl" | "ol" => sheet.close_list(),
        "li" | "dt" => sheet.close_item(),
        "blockquote" => sheet.close_quote(),
        "table" => sheet.close_table(),
        "td" | "th" => sheet.close_cell(),
        name if is_apart(name) => sheet.end_line(),
        _ => {}
    }
}

/// Whether an element's content is no text of the page. What no reader of the page sees is where injected instructions
/// hide, so that hidden elements are among them.
pub fn is_dropped(name: &str, attribute: &dyn Fn(&str) -> Option<String>) -> bool {
    let is_hidden = attribute("hidden").is_some()
        || attribute("style").is_some_and(|style| {
            let style: String = style.chars().filter(|c| !c.is_whitespace()).collect();
            style.to_ascii_lowercase().contains("display:none")
        });
    is_hidden
        || matches!(
            name,
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
