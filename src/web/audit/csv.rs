//! Leaves as a table (RFC 4180) that a spreadsheet can open without doing what stands in it.

use crate::app::{Named, TheLeaf};
use crate::audit::Leaf;

/// The names of the columns.
pub const HEAD: &str = "\"index\",\"at\",\"event\",\"actor\",\"subject\",\"details\"\r\n";

/// Fields with columns of their own, and the one that only chains leaves.
const COLUMNS: [&str; 6] = ["index", "at", "event", "actor", "subject", "previous"];

/// One leaf as a row.
pub fn row(told: &TheLeaf) -> String {
    let leaf = &told.leaf;
    let mut details = leaf.fields.clone();
    details.retain(|name, _| !COLUMNS.contains(&name.as_str()));
    let details = serde_json::Value::Object(details).to_string();
    let index = leaf.index.to_string();
    let (actor, subject) = (who(&told.actor, leaf, "actor"), who(&told.subject, leaf, "subject"));
    let cells = [index.as_str(), leaf.at(), leaf.event(), &actor, &subject, &details];
    format!("{}\r\n", cells.map(cell).join(","))
}

/// A person by name for who may be told, else the commitment.
fn who(named: &Option<Named>, leaf: &Leaf, field: &str) -> String {
    match named {
        Some(Named { id, names: None }) => id.to_string(),
        Some(Named { names: Some((user_name, _)), .. }) => user_name.clone(),
        None => leaf.text(field).to_owned(),
    }
}

/// A quoted cell. What a spreadsheet would take for a formula begins with an apostrophe, which makes it text (OWASP, CSV
/// injection); white space before it does not help it.
fn cell(text: &str) -> String {
    let first = text.trim_start().chars().next();
    let begins = text.starts_with(['\t', '\r', '\n'])
        || first.is_some_and(|c| "=+-@\u{ff1d}\u{ff0b}\u{ff0d}\u{ff20}".contains(c));
    let mark = if begins { "'" } else { "" };
    format!("\"{mark}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_spreadsheet_would_do_is_text() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =cmd|'/c calc'!A0", "\u{ff1d}1"] {
            assert!(cell(text).starts_with("\"'"), "{text:?}");
        }
        assert_eq!(cell("2026-11-28"), "\"2026-11-28\"");
        assert_eq!(cell("say \"hi\", all\nof you"), "\"say \"\"hi\"\", all\nof you\"");
        assert_eq!(cell(""), "\"\"");
    }
}
