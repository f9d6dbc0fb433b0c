//! A site of any size that nobody wrote: `--generate pages=N,rules=M[,seed=S]`. The same numbers make the same site.
//!
//! Each space is viewed by another group, and each restriction names another pair of a group and a person. So a space makes
//! one rule, and a restricted page makes one more, which it shares with the pages below it: with the spaces there are
//! exactly M. A tenth of the pages stand in one tree below [`BIG_ROOT`], which is not restricted; the other spaces' trees
//! are of several depths, from a chain of twos to one of twenties.

use std::str::FromStr;

use super::flavour::Flavour;
use super::made::{self, Dice};
use super::site::{Content, Grant, Group, Kind, Space, Spec, Subjects, Token, User};
use crate::clock::Moment;

/// Pages of a site at most.
const PAGES_MAX: usize = 1_000_000;
/// Pages of a space, about, where there are rules enough for so many spaces.
const PAGES_A_SPACE: usize = 1_000;
/// Ids go up from here: that of the root of the big tree is the first.
const BIG_ROOT: usize = 1_000_000;
/// The account that may read everything, its token and its password.
const CRAWLER: &str = "crawler";
const TOKEN: &str = "generated-crawler-token";
/// The password of everybody else.
const PASSWORD: &str = "generated";
/// Milliseconds in a day.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

const FIRST_NAMES: [&str; 20] = [
    "Ada", "Bilal", "Carla", "Dario", "Elif", "Femi", "Greta", "Hugo", "Ines", "Jonas", "Kaya", "Lena", "Milan",
    "Nora", "Omar", "Priya", "Quentin", "Rosa", "Sven", "Tara",
];
const LAST_NAMES: [&str; 20] = [
    "Abel", "Brandt", "Costa", "Dubois", "Eriksen", "Fischer", "Grant", "Haas", "Ivanov", "Jensen", "Keller", "Lopez",
    "Meyer", "Novak", "Okafor", "Peters", "Quist", "Rossi", "Schmidt", "Turner",
];

/// How large a generated site is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pages: usize,
    rules: usize,
    seed: u64,
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Size, String> {
        let (mut pages, mut rules, mut seed) = (None, None, None);
        for part in text.split(',') {
            let (name, number) =
                part.split_once('=').ok_or_else(|| format!("{part:?} is not of the form NAME=NUMBER"))?;
            let number: u64 = number.parse().map_err(|_| format!("{number:?} in {part:?} is no number"))?;
            let slot = match name {
                "pages" => &mut pages,
                "rules" => &mut rules,
                "seed" => &mut seed,
                _ => return Err(format!("there is no {name:?} here; there are pages, rules and seed")),
            };
            if slot.replace(number).is_some() {
                return Err(format!("{name} is given twice"));
            }
        }
        let (Some(pages), Some(rules)) = (pages, rules) else {
            return Err("pages and rules must be given, as in pages=100000,rules=2000".to_owned());
        };
        if !(1..=PAGES_MAX as u64).contains(&pages) {
            return Err(format!("pages must be from 1 to {PAGES_MAX}"));
        }
        if !(1..=pages).contains(&rules) {
            return Err("rules must be from 1 to as many as there are pages: each has a page of its own".to_owned());
        }
        Ok(Size { pages: pages as usize, rules: rules as usize, seed: seed.unwrap_or(1) })
    }
}

impl Size {
    /// Who may read everything in it, in words: for whoever starts it.
    pub fn crawler(&self) -> String {
        format!("user {CRAWLER} (on Cloud {CRAWLER}@example.com) with token {TOKEN}, who is an administrator")
    }
}

/// The site of a size.
pub(super) fn site(size: &Size, flavour: Flavour) -> Spec {
    let spaces = (size.pages / PAGES_A_SPACE).clamp(1, size.rules);
    let restricted = size.rules - spaces;
    // As many pairs of a group and a person as there are restrictions, and enough people to look like a company.
    let people = (20..).find(|people| people * people >= restricted).unwrap_or(20).max(spaces.min(300));
    let (names, groups): (Vec<String>, Vec<String>) =
        (0..people).map(|nth| (format!("user{nth}"), format!("readers-{nth}"))).unzip();
    let mut out = Spec {
        users: (0..people).map(|nth| person(nth, &names[nth])).chain([crawler()]).collect(),
        context_path: if flavour == Flavour::Cloud { "/wiki".to_owned() } else { String::new() },
        time_zone: "UTC".to_owned(),
        add_ons: Vec::new(),
        groups: vec![group("confluence-users", names.clone())],
        global_use: Grant { groups: vec!["confluence-users".to_owned()], ..Grant::default() },
        space_roles: std::collections::BTreeMap::new(),
        spaces: Vec::with_capacity(spaces),
        content: Vec::with_capacity(size.pages),
    };
    let mut dice = Dice::of(size.seed, 3);
    out.groups.extend(groups.iter().map(|name| {
        let members = (0..3 + dice.roll(12)).map(|_| names[dice.roll(people)].clone());
        group(name, unique(members.collect()))
    }));
    for nth in 0..spaces {
        let viewers = format!("space-{nth}-viewers");
        let members = (0..people).filter(|_| dice.once_in(3)).map(|nth| names[nth].clone()).collect();
        out.groups.push(group(&viewers, members));
        let view = Grant { groups: vec![viewers], ..Grant::default() };
        let (key, name) = (format!("S{nth}"), made::space_name(nth));
        let (kind, status) = ("global".to_owned(), "current".to_owned());
        out.spaces.push(Space { key, name, kind, status, view, role_assignments: Vec::new() });
    }
    let mut pages = Pages { size, names: &names, groups: &groups, restricted: 0, made: 0 };
    // The big tree first; what is left is shared out evenly, and so are the restrictions, which no home page has.
    let big = if spaces == 1 { size.pages } else { (size.pages / 10).max(1) };
    let others = size.pages - big;
    let below_homes = (size.pages - spaces).max(1);
    let mut below = 0;
    for nth in 0..spaces {
        let count = match nth {
            0 => big,
            _ => others * nth / (spaces - 1) - others * (nth - 1) / (spaces - 1),
        };
        let branches = if nth == 0 { 8 } else { 2 + (nth * 7) % 19 };
        below += count - 1;
        let due = restricted * below / below_homes - pages.restricted;
        pages.tree(&out.spaces[nth].key, count, branches, due, &mut out.content);
    }
    out
}

/// Pages as they are made, in the order of their ids.
struct Pages<'a> {
    size: &'a Size,
    names: &'a [String],
    groups: &'a [String],
    /// Restrictions so far, and pages.
    restricted: usize,
    made: usize,
}

impl Pages<'_> {
    /// The pages of one space: a home page, and below it a tree in which each page has so many below it. `due` of them are
    /// restricted, about every other one of these with pages below it.
    fn tree(&mut self, space: &str, count: usize, branches: usize, due: usize, out: &mut Vec<Content>) {
        let first = BIG_ROOT + self.made;
        let above_others = count.saturating_sub(2) / branches + 1;
        let among = (2 * above_others).max(due).min(count - 1);
        for nth in 0..count {
            let before = nth.checked_sub(1);
            let parent = before.map(|before| (first + before / branches).to_string());
            let is_due = |before: usize| before < among && (before + 1) * due / among > before * due / among;
            let read = if before.is_some_and(is_due) { self.restriction() } else { Subjects::default() };
            let page = self.page(space, parent, read);
            out.push(page);
        }
    }

    fn page(&mut self, space: &str, parent: Option<String>, read: Subjects) -> Content {
        let nth = self.made;
        self.made += 1;
        let number = self.size.seed.wrapping_mul(0x1000_0000_01b3) ^ nth as u64;
        let mut dice = Dice::of(number, 4);
        let days = dice.roll(1_000) as i64;
        let start = Moment::parse("2024-01-01T08:00:00Z").unwrap_or(Moment::from_ms(0));
        let created = start.plus_ms(days * DAY_MS + dice.roll(9 * 3_600_000) as i64);
        let updated = created.plus_ms(dice.roll(60) as i64 * DAY_MS);
        let author = |dice: &mut Dice| self.names[dice.roll(self.names.len())].clone();
        let (created_by, updated_by) = (author(&mut dice), author(&mut dice));
        let labels = (0..dice.roll(3)).map(|_| made::label(&mut dice)).collect();
        Content {
            id: (BIG_ROOT + nth).to_string(),
            kind: Kind::Page,
            space: space.to_owned(),
            parent,
            container: None,
            title: made::title(number, nth),
            status: "current".to_owned(),
            version: 1 + dice.roll(12) as u32,
            created_by,
            updated_by,
            created_at: Some(created.rfc3339()),
            updated_at: updated.rfc3339(),
            labels: unique(labels),
            body: String::new(),
            made_body: Some(number),
            body_file: None,
            markdown_file: None,
            file: None,
            base64: None,
            media_type: None,
            location: None,
            original_selection: None,
            read,
            update: Subjects::default(),
        }
    }

    /// A group and a person that no other restriction names together.
    fn restriction(&mut self) -> Subjects {
        let nth = self.restricted;
        self.restricted += 1;
        let people = self.names.len();
        let (group, user) = (nth % people, (nth / people + nth) % people);
        Subjects { users: vec![self.names[user].clone()], groups: vec![self.groups[group].clone()] }
    }
}

fn person(nth: usize, username: &str) -> User {
    let (first, last) = (FIRST_NAMES[nth % FIRST_NAMES.len()], LAST_NAMES[nth / FIRST_NAMES.len() % LAST_NAMES.len()]);
    User {
        key: format!("key-{nth}"),
        account_id: None,
        username: username.to_owned(),
        display_name: format!("{first} {last} {nth}"),
        email: format!("{username}@example.com"),
        email_visible: true,
        active: true,
        password: PASSWORD.to_owned(),
        tokens: Vec::new(),
        administrator: false,
    }
}

fn crawler() -> User {
    let token = Token { token: TOKEN.to_owned(), expires: None };
    let (key, email) = ("key-crawler".to_owned(), format!("{CRAWLER}@example.com"));
    User {
        key,
        email,
        display_name: "Crawler".to_owned(),
        tokens: vec![token],
        administrator: true,
        ..person(0, CRAWLER)
    }
}

fn group(name: &str, members: Vec<String>) -> Group {
    Group { id: None, name: name.to_owned(), members, groups: Vec::new() }
}

fn unique(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::standin::confluence::site::Site;
    use std::collections::{BTreeSet, HashMap};

    fn made(text: &str) -> Site {
        Site::of(site(&text.parse().unwrap(), Flavour::parse("dc-10").unwrap())).unwrap()
    }

    /// The rule of each page, as the space and the restrictions on the way.
    fn rules(site: &Site) -> HashMap<String, usize> {
        let mut rules = HashMap::new();
        for page in &site.spec.content {
            let way = site.ancestors(page).into_iter().chain([page]).filter(|above| !above.read.is_empty());
            let way: BTreeSet<String> = way.map(|above| format!("{:?}", above.read)).collect();
            *rules.entry(format!("{} {way:?}", page.space)).or_insert(0) += 1;
        }
        rules
    }

    #[test]
    fn a_site_has_as_many_pages_and_different_rules_as_were_asked_for() {
        for (pages, wanted) in [(1, 1), (7, 7), (100, 1), (100, 13), (3_000, 60), (3_000, 2_000), (5_000, 5_000)] {
            let site = made(&format!("pages={pages},rules={wanted}"));
            assert_eq!((site.spec.content.len(), rules(&site).len()), (pages, wanted));
        }
    }

    #[test]
    fn rules_are_inherited_and_trees_have_several_depths() {
        let site = made("pages=20000,rules=400");

        let rules = rules(&site);
        assert!(rules.values().filter(|pages| **pages > 1).count() > 100, "pages share the rule of one above");
        let depths: BTreeSet<usize> =
            site.spec.content.iter().filter(|page| page.space != "S0").map(|page| site.ancestors(page).len()).collect();
        assert!(*depths.last().unwrap() >= 8, "{depths:?}");
        let below = |page: &Content| site.ancestors(page).first().is_some_and(|root| root.id == BIG_ROOT.to_string());
        assert_eq!(site.spec.content.iter().filter(|page| below(page)).count(), 2_000 - 1);
        assert!(site.content(&BIG_ROOT.to_string()).unwrap().read.is_empty());
    }

    #[test]
    fn the_same_numbers_make_the_same_site_and_another_seed_another() {
        let text = |size: &str| serde_json::to_string(&made(size).spec).unwrap();

        assert_eq!(text("pages=300,rules=20"), text("rules=20,pages=300,seed=1"));
        assert_ne!(text("pages=300,rules=20"), text("pages=300,rules=20,seed=2"));
    }

    #[test]
    fn a_size_that_is_none_is_refused_with_the_reason() {
        for (text, why) in [
            ("", "NAME=NUMBER"),
            ("pages=10", "must be given"),
            ("pages=10,rules=2,pages=3", "twice"),
            ("pages=ten,rules=2", "no number"),
            ("pages=10,rules=2,depth=3", "no \"depth\""),
            ("pages=0,rules=0", "from 1"),
            ("pages=10,rules=11", "as many as there are pages"),
            ("pages=2000000,rules=1", "from 1 to 1000000"),
        ] {
            let error = text.parse::<Size>().unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
