//! Words of pages that nobody wrote: bodies of about three kilobytes in storage format, each from its number.
//!
//! They read like a company's wiki and vary like one: common words often, names and numbers once, headings, lists, and now
//! and then a table, a piece of code, a panel or a link.

use std::fmt::Write as _;

use super::site::Content;

/// Bytes after which a body is ended at the next section.
const BYTES_WANTED: usize = 2_700;

const NOUNS: [&str; 96] = [
    "account",
    "agreement",
    "alert",
    "approval",
    "archive",
    "audit",
    "backup",
    "badge",
    "batch",
    "budget",
    "building",
    "cable",
    "calendar",
    "campaign",
    "canteen",
    "carrier",
    "catalogue",
    "certificate",
    "change",
    "checklist",
    "claim",
    "cluster",
    "complaint",
    "contract",
    "customer",
    "dashboard",
    "deadline",
    "delivery",
    "deployment",
    "desk",
    "discount",
    "document",
    "drawing",
    "engine",
    "estimate",
    "exception",
    "expense",
    "feature",
    "fixture",
    "forecast",
    "freezer",
    "gateway",
    "goods",
    "handover",
    "holiday",
    "incident",
    "invoice",
    "kitchen",
    "laptop",
    "lease",
    "ledger",
    "licence",
    "locker",
    "machine",
    "manual",
    "meeting",
    "migration",
    "mould",
    "notice",
    "offer",
    "order",
    "outage",
    "pallet",
    "parcel",
    "password",
    "patch",
    "payment",
    "payroll",
    "permit",
    "pipeline",
    "printer",
    "project",
    "prototype",
    "pump",
    "quotation",
    "record",
    "refund",
    "release",
    "renewal",
    "report",
    "request",
    "roadmap",
    "rota",
    "sample",
    "schedule",
    "sensor",
    "shipment",
    "shift",
    "supplier",
    "survey",
    "ticket",
    "training",
    "transfer",
    "valve",
    "vehicle",
    "visitor",
];

const VERBS: [&str; 48] = [
    "approve",
    "archive",
    "assign",
    "attach",
    "book",
    "calibrate",
    "cancel",
    "check",
    "clean",
    "close",
    "collect",
    "confirm",
    "copy",
    "correct",
    "deliver",
    "describe",
    "escalate",
    "estimate",
    "export",
    "file",
    "forward",
    "import",
    "inspect",
    "install",
    "label",
    "list",
    "measure",
    "merge",
    "move",
    "notify",
    "order",
    "pack",
    "plan",
    "print",
    "publish",
    "record",
    "reject",
    "release",
    "renew",
    "repair",
    "replace",
    "report",
    "review",
    "schedule",
    "sign",
    "test",
    "track",
    "update",
];

const ADJECTIVES: [&str; 48] = [
    "annual",
    "blue",
    "broken",
    "central",
    "clean",
    "cold",
    "critical",
    "daily",
    "damaged",
    "digital",
    "early",
    "empty",
    "external",
    "final",
    "fragile",
    "heavy",
    "internal",
    "late",
    "local",
    "manual",
    "missing",
    "mobile",
    "monthly",
    "narrow",
    "new",
    "noisy",
    "northern",
    "official",
    "old",
    "open",
    "overdue",
    "partial",
    "pending",
    "preferred",
    "private",
    "quarterly",
    "regional",
    "remote",
    "seasonal",
    "secondary",
    "shared",
    "signed",
    "small",
    "spare",
    "standard",
    "temporary",
    "urgent",
    "weekly",
];

const TEAMS: [&str; 24] = [
    "Accounts",
    "Assembly",
    "Building Services",
    "Compliance",
    "Customer Care",
    "Data Platform",
    "Design Studio",
    "Export Desk",
    "Field Service",
    "Finance",
    "Goods In",
    "Human Resources",
    "Identity Team",
    "Legal",
    "Logistics",
    "Network Operations",
    "People Team",
    "Procurement",
    "Quality",
    "Research",
    "Sales Support",
    "Site Reliability",
    "Tooling",
    "Workshop",
];

const PLACES: [&str; 32] = [
    "Aldermere",
    "Brackwater",
    "Calder Street",
    "Dunmore",
    "Eastfold",
    "Farrowgate",
    "Glenhaven",
    "Harrow Dock",
    "Inverleith",
    "Juniper House",
    "Kestrel Yard",
    "Larkfield",
    "Marlow Hall",
    "Northbank",
    "Oakham",
    "Pinewood",
    "Quarry Lane",
    "Ravensby",
    "Saltmarsh",
    "Thornbury",
    "Underhill",
    "Valeside",
    "Westmoor",
    "Yarrow",
    "Ashcombe",
    "Birchwood",
    "Cinder Hill",
    "Drayton",
    "Elmsworth",
    "Foxley",
    "Greystone",
    "Holloway",
];

const SYSTEMS: [&str; 24] = [
    "Ambit",
    "Beacon",
    "Cobalt",
    "Drift",
    "Ember",
    "Fathom",
    "Garnet",
    "Harbour",
    "Ibis",
    "Jetty",
    "Kiln",
    "Lumen",
    "Mosaic",
    "Nimbus",
    "Onyx",
    "Parcel Hub",
    "Quill",
    "Rudder",
    "Signal",
    "Tandem",
    "Umbra",
    "Vertex",
    "Willow",
    "Zephyr",
];

const DAYS: [&str; 5] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"];

/// Numbers that follow from a seed and look like chance.
pub(super) struct Dice(u64);

impl Dice {
    /// From a seed and what it is for: two uses of one seed are not alike.
    pub fn of(seed: u64, what: u64) -> Dice {
        let mut dice = Dice(seed ^ what.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        dice.next();
        dice
    }

    fn next(&mut self) -> u64 {
        // SplitMix64 (Steele, Lea and Flood 2014).
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `sides`, which is not 0.
    pub fn roll(&mut self, sides: usize) -> usize {
        (self.next() % sides as u64) as usize
    }

    /// True once in `sides` times.
    pub fn once_in(&mut self, sides: usize) -> bool {
        self.roll(sides) == 0
    }

    /// One of some; the first ones come more often, as common words do.
    pub fn pick<'a>(&mut self, some: &[&'a str]) -> &'a str {
        let first = self.roll(some.len());
        some[first.min(self.roll(some.len()))]
    }
}

/// A title; the number at its end makes it the only one of its space.
pub(super) fn title(number: u64, nth: usize) -> String {
    let mut dice = Dice::of(number, 1);
    let (adjective, noun, other) = (dice.pick(&ADJECTIVES), dice.pick(&NOUNS), dice.pick(&NOUNS));
    let (place, system) = (dice.pick(&PLACES), dice.pick(&SYSTEMS));
    let text = match dice.roll(4) {
        0 => format!("{adjective} {noun} at {place}"),
        1 => format!("{system}: {noun} and {other}"),
        2 => format!("how we {} a {noun}", dice.pick(&VERBS)),
        _ => format!("{noun} {other} in {system}"),
    };
    let mut text = text;
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    format!("{text} {nth}")
}

/// A label.
pub(super) fn label(dice: &mut Dice) -> String {
    dice.pick(&NOUNS).to_owned()
}

/// A name of a space.
pub(super) fn space_name(nth: usize) -> String {
    format!("{} {}", TEAMS[nth % TEAMS.len()], PLACES[nth / TEAMS.len() % PLACES.len()])
}

/// The body of a page, by its number. The same number and page always make the same one.
pub(super) fn body(number: u64, content: &Content) -> String {
    let mut dice = Dice::of(number, 2);
    let mut out = String::with_capacity(BYTES_WANTED + 1_500);
    out.push_str("<p>");
    sentences(&mut dice, &mut out, 3);
    out.push_str("</p>");
    let mut nth = 0;
    while out.len() < BYTES_WANTED {
        nth += 1;
        section(&mut dice, &mut out, nth);
    }
    if let Some(parent) = content.parent.as_deref().filter(|_| dice.once_in(3)) {
        let _ = write!(
            out,
            "<p>See also <ac:link><ri:content-entity ri:content-id=\"{parent}\" /><ac:plain-text-link-body>\
             <![CDATA[the page above]]></ac:plain-text-link-body></ac:link> &amp; what is below it.</p>"
        );
    }
    out
}

fn section(dice: &mut Dice, out: &mut String, nth: usize) {
    let level = if nth.is_multiple_of(3) { 3 } else { 2 };
    let _ = write!(out, "<h{level}>{} the {}</h{level}>", capital(dice.pick(&VERBS)), dice.pick(&NOUNS));
    match dice.roll(10) {
        0 | 1 => table(dice, out),
        2 => code(dice, out),
        3 | 4 => list(dice, out),
        5 => {
            out.push_str("<ac:structured-macro ac:name=\"note\"><ac:rich-text-body><p>");
            sentences(dice, out, 2);
            out.push_str("</p></ac:rich-text-body></ac:structured-macro>");
        }
        _ => {}
    }
    for _ in 0..=dice.roll(2) {
        out.push_str("<p>");
        let count = 2 + dice.roll(4);
        sentences(dice, out, count);
        out.push_str("</p>");
    }
}

fn sentences(dice: &mut Dice, out: &mut String, count: usize) {
    for nth in 0..count {
        if nth > 0 {
            out.push(' ');
        }
        sentence(dice, out);
    }
}

fn sentence(dice: &mut Dice, out: &mut String) {
    let (noun, other, verb) = (dice.pick(&NOUNS), dice.pick(&NOUNS), dice.pick(&VERBS));
    let (adjective, team, place) = (dice.pick(&ADJECTIVES), dice.pick(&TEAMS), dice.pick(&PLACES));
    let (system, day) = (dice.pick(&SYSTEMS), dice.pick(&DAYS));
    let (hours, number) = (1 + dice.roll(72), 1_000 + dice.roll(900_000));
    // Writing to a string does not fail.
    let _ = match dice.roll(10) {
        0 => write!(out, "{team} must {verb} the {adjective} {noun} within {hours} hours of the {other}."),
        1 => write!(out, "Every {noun} from {place} is kept in {system} under the number {number}."),
        2 => write!(out, "If the {noun} is {adjective}, ask {team} to {verb} the {other} before {day}."),
        3 => write!(out, "We {verb} each {noun} together with its {other}; the {adjective} ones go to {place}."),
        4 => write!(out, "The limit for a {adjective} {noun} is {number} euros, and {team} signs above it."),
        5 => write!(out, "{system} tells {team} when a {noun} was not {}.", past(verb)),
        6 => write!(out, "On {day} at {}:{:02} somebody in {place} has to {verb} the {noun}.", hours % 24, number % 60),
        7 => write!(
            out,
            "See <strong>{}-{number}</strong> for why the {noun} &ndash; and the {other} &ndash; changed.",
            system.split(' ').next().unwrap_or(system).to_uppercase()
        ),
        8 => write!(out, "Nobody may {verb} a {noun} without the {adjective} {other} that {team} keeps in {place}."),
        _ => write!(
            out,
            "The {adjective} {noun} was {} in {system}, so {team} will {verb} the {other} by {day}.",
            past(dice.pick(&VERBS))
        ),
    };
}

fn list(dice: &mut Dice, out: &mut String) {
    let tag = if dice.once_in(2) { "ol" } else { "ul" };
    let _ = write!(out, "<{tag}>");
    for _ in 0..3 + dice.roll(4) {
        let (verb, adjective, noun) = (dice.pick(&VERBS), dice.pick(&ADJECTIVES), dice.pick(&NOUNS));
        let _ = write!(out, "<li>{} the {adjective} {noun} in {}</li>", capital(verb), dice.pick(&SYSTEMS));
    }
    let _ = write!(out, "</{tag}>");
}

fn table(dice: &mut Dice, out: &mut String) {
    out.push_str("<table><tbody><tr><th>Item</th><th>Place</th><th>Kept by</th><th>Number</th></tr>");
    for _ in 0..3 + dice.roll(5) {
        let (noun, place, team) = (dice.pick(&NOUNS), dice.pick(&PLACES), dice.pick(&TEAMS));
        let number = dice.roll(1_000_000);
        let _ = write!(out, "<tr><td>{noun}</td><td>{place}</td><td>{team}</td><td>{number}</td></tr>");
    }
    out.push_str("</tbody></table>");
}

fn code(dice: &mut Dice, out: &mut String) {
    let (verb, noun, system) = (dice.pick(&VERBS), dice.pick(&NOUNS), dice.pick(&SYSTEMS).replace(' ', "-"));
    let _ = write!(
        out,
        "<ac:structured-macro ac:name=\"code\"><ac:parameter ac:name=\"language\">bash</ac:parameter>\
         <ac:plain-text-body><![CDATA[{} {verb} --{noun} {} && echo done]]></ac:plain-text-body></ac:structured-macro>",
        system.to_lowercase(),
        dice.roll(100_000)
    );
}

fn capital(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    format!("{}{rest}", first.to_uppercase())
}

fn past(verb: &str) -> String {
    match verb {
        "plan" => "planned".to_owned(),
        "copy" => "copied".to_owned(),
        _ if verb.ends_with('e') => format!("{verb}d"),
        _ => format!("{verb}ed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(parent: Option<&str>) -> Content {
        let page = serde_json::json!({"id": "1", "type": "page", "space": "S", "title": "t", "parent": parent});
        serde_json::from_value(page).unwrap()
    }

    #[test]
    fn bodies_are_about_three_kilobytes_well_formed_and_each_another() {
        let bodies: Vec<String> = (0..500).map(|number| body(number, &page(Some("7")))).collect();

        let bytes: usize = bodies.iter().map(String::len).sum();
        assert!((2_700..3_800).contains(&(bytes / bodies.len())), "{}", bytes / bodies.len());
        for body in &bodies {
            assert!(super::super::html::render(body, &|_| None).is_ok(), "{body}");
        }
        assert!(
            bodies.iter().any(|body| body.contains("<table>")) && !bodies.iter().all(|body| body.contains("<table>"))
        );
        assert_eq!(bodies.iter().collect::<std::collections::HashSet<_>>().len(), 500);
        assert_eq!(body(3, &page(Some("7"))), bodies[3]);
    }
}
