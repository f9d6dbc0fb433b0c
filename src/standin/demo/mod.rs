//! The demo's own site and people: the files beside this one, carried in the binary.
//!
//! Harbourline is an invented company with three spaces. `site.json` is an ordinary site file, so that
//! `sotto standin confluence --site src/standin/demo/site.json` serves the same site.

use base64::Engine as _;
use serde_json::{Value, json};

use super::idp::Person;

/// The crawler's personal access token in the demo's site.
pub const CRAWLER_TOKEN: &str = "demo-crawler-token";

/// Lists files beside this one, with their bytes.
macro_rules! carried {
    ($($path:literal),* $(,)?) => {
        [$(($path, include_bytes!($path).as_slice())),*]
    };
}

/// Every file that `site.json` names.
const FILES: [(&str, &[u8]); 58] = carried![
    "acme/agreements.xhtml",
    "acme/architecture.xhtml",
    "acme/change-process.xhtml",
    "acme/commercial.xhtml",
    "acme/data-migration.xhtml",
    "acme/decisions.xhtml",
    "acme/environments.xhtml",
    "acme/first-week.xhtml",
    "acme/glossary.xhtml",
    "acme/home.xhtml",
    "acme/invoices.xhtml",
    "acme/leith-site-visit-guide.docx",
    "acme/meetings.xhtml",
    "acme/plan.xhtml",
    "acme/risks.xhtml",
    "acme/support.xhtml",
    "acme/team.xhtml",
    "acme/wave-2-blog.xhtml",
    "acme/wave-3.xhtml",
    "anyorgapp/agreements.xhtml",
    "anyorgapp/architecture.xhtml",
    "anyorgapp/budget.xhtml",
    "anyorgapp/decisions.xhtml",
    "anyorgapp/definition-of-done.xhtml",
    "anyorgapp/environments.xhtml",
    "anyorgapp/first-week.xhtml",
    "anyorgapp/glossary.xhtml",
    "anyorgapp/home.xhtml",
    "anyorgapp/meetings.xhtml",
    "anyorgapp/on-call.xhtml",
    "anyorgapp/release-2-4.xhtml",
    "anyorgapp/release-checklist.md",
    "anyorgapp/release-process.xhtml",
    "anyorgapp/risks.xhtml",
    "anyorgapp/roadmap.xhtml",
    "anyorgapp/sprint-blog.xhtml",
    "anyorgapp/team.xhtml",
    "anyorgapp/vendor.xhtml",
    "hr/benefits-guide-2027.pdf",
    "hr/benefits-overview.xhtml",
    "hr/contacts.xhtml",
    "hr/dental-vision.xhtml",
    "hr/eligibility.xhtml",
    "hr/enrolment-blog.xhtml",
    "hr/equipment.xhtml",
    "hr/expenses.xhtml",
    "hr/first-day.xhtml",
    "hr/home.xhtml",
    "hr/learning-budget.xhtml",
    "hr/leave.xhtml",
    "hr/medical-plan.xhtml",
    "hr/parental-leave.xhtml",
    "hr/remote-work.xhtml",
    "hr/retirement.xhtml",
    "hr/salary-bands.xhtml",
    "hr/salary-review.xhtml",
    "hr/sick-leave.xhtml",
    "hr/travel.xhtml",
];

/// The site of three spaces, in the format of the contract's §4, with everything that its files hold written into it.
pub fn site() -> Value {
    let mut site: Value = serde_json::from_str(include_str!("site.json")).expect("the demo's site file is JSON");
    for content in site["content"].as_array_mut().into_iter().flatten() {
        let Some(content) = content.as_object_mut() else { continue };
        if let Some(bytes) = content.remove("body_file").and_then(|path| carried(&path)) {
            let body = std::str::from_utf8(bytes).expect("the demo's pages are UTF-8");
            content.insert("body".to_owned(), json!(body));
        }
        if let Some(bytes) = content.remove("file").and_then(|path| carried(&path)) {
            let text = base64::engine::general_purpose::STANDARD.encode(bytes);
            content.insert("base64".to_owned(), json!(text));
        }
    }
    site
}

fn carried(path: &Value) -> Option<&'static [u8]> {
    FILES.iter().find(|(known, _)| Some(*known) == path.as_str()).map(|(_, bytes)| *bytes)
}

/// Mateo, Mary, an administrator and an auditor.
pub fn people() -> Vec<Person> {
    serde_json::from_str(include_str!("people.json")).expect("the demo's people file is JSON")
}

#[cfg(test)]
mod tests;
