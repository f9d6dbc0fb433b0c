//! Whole runs over a source made by hand, with the real store, rules, directory and index.

mod above;
mod broken;
mod facts;
mod news;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Mutex;

use super::apply::Applying;
use super::markup::Names;
use super::restriction::{Level, Subjects};

use super::source::{Changed, Item, Listing, Source, Words};
use super::*;
use crate::acl::{Principal, PrincipalSet};
use crate::corpus::{Block, DocumentId, Kind, Space};
use crate::directory::{Account, SourcePeople};
use crate::index::{self, Query, Scope};
use crate::names::{AccountId, GroupId, Ids};

/// Our side: every room a run works on, in a folder of its own.
struct World {
    folder: tempfile::TempDir,
    store: Store,
    classes: Classes,
    directory: Directory,
    index: RefCell<Option<Index>>,
    extractor: Extractor,
    clock: Clock,
}

impl World {
    fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store")).unwrap();
        let classes = Classes::open(&store).unwrap();
        let directory = Directory::open(&store, Ids::held(), &Default::default()).unwrap();
        let index = Index::open(&folder.path().join("index"), &Default::default()).unwrap();
        let extractor = Extractor::in_process(&Default::default());
        let clock = Clock::held(Moment::from_ms(1_000_000));
        World { folder, store, classes, directory, index: RefCell::new(Some(index)), extractor, clock }
    }

    fn with<T>(&self, work: impl FnOnce(&Rooms<'_>) -> T) -> T {
        let index = self.index.borrow();
        work(&Rooms {
            clock: &self.clock,
            store: &self.store,
            classes: &self.classes,
            directory: &self.directory,
            index: index.as_ref().unwrap(),
            extractor: &self.extractor,
        })
    }

    fn run(&self, site: &Site, mode: Mode) -> Run {
        self.run_with(&settings(), site, mode)
    }

    fn run_with(&self, settings: &Settings, site: &Site, mode: Mode) -> Run {
        self.run_having_heard(settings, site, mode, &Hint::default())
    }

    fn hear(&self, site: &Site, pages: &[&str]) -> Run {
        let pages = pages.iter().map(|page| (*page).to_owned()).collect();
        self.run_having_heard(&settings(), site, Mode::News, &Hint { pages, ..Hint::default() })
    }

    fn run_having_heard(&self, settings: &Settings, site: &Site, mode: Mode, heard: &Hint) -> Run {
        self.clock.advance(60_000);
        let run = self
            .with(|rooms| run::run(site, settings, mode, heard, rooms, &mut |_| ControlFlow::Continue(())).unwrap());
        if run.state != State::Failed {
            self.conditions_come_to_the_classes_in_force();
        }
        run
    }

    /// What is kept of permissions comes to the class of every document that the last run has listed.
    fn conditions_come_to_the_classes_in_force(&self) {
        for read in Kept::open(&self.store).unwrap().facts() {
            let (id, fact) = read.unwrap();
            let conditions = conditions(&self.store, &id).unwrap().unwrap();
            if conditions.missed.is_none() {
                assert_eq!(self.classes.known(&conditions.rule()), Some(fact.class), "{id}: {conditions:?}");
            }
        }
    }

    /// The process dies and comes back: what the index was told and did not commit is lost.
    fn crash(&self) -> u64 {
        *self.index.borrow_mut() = None;
        *self.index.borrow_mut() =
            Some(Index::open(&self.folder.path().join("index"), &index::Settings::default()).unwrap());
        let replayed = self.with(|rooms| replay(rooms).unwrap());
        end_broken_runs(&self.store, self.clock.now()).unwrap();
        replayed
    }

    /// Titles that somebody in these groups finds, sorted.
    fn found_by(&self, groups: &[&str]) -> Vec<String> {
        let mut all = vec![Principal::AnyoneOf(wiki())];
        all.extend(groups.iter().map(|group| Principal::Group(GroupId::Of(wiki(), (*group).into()))));
        let sight = self.classes.visible_to(&PrincipalSet::of(all));
        self.with(|rooms| {
            let mut titles: Vec<String> = rooms
                .index
                .newest(&sight, &crate::index::Scope::default(), 1_000)
                .unwrap()
                .into_iter()
                .map(|head| head.title)
                .collect();
            titles.sort();
            titles
        })
    }

    fn finds(&self, group: &str, words: &str) -> bool {
        let sight =
            self.classes.visible_to(&PrincipalSet::of(vec![Principal::Group(GroupId::Of(wiki(), group.into()))]));
        let query = Query { words: words.to_owned(), vector: None };
        self.with(|rooms| !rooms.index.search(&sight, &query, &Scope::default(), 5).unwrap().is_empty())
    }

    fn status(&self) -> Status {
        status(&self.store, &wiki()).unwrap()
    }
}

fn wiki() -> SourceId {
    SourceId::parse("wiki").unwrap()
}

fn settings() -> Settings {
    serde_json::from_value(serde_json::json!({
        "name": "wiki", "kind": "confluence", "url": "http://127.0.0.1:1", "user": "crawler",
    }))
    .unwrap()
}

fn id(local: &str) -> DocumentId {
    DocumentId::new("wiki", local).unwrap()
}

fn groups(names: &[&str]) -> Subjects {
    Subjects { groups: names.iter().map(|name| Box::from(*name)).collect(), ..Subjects::default() }
}

fn failure(code: &str) -> Failure {
    Failure { what: String::new(), code: code.to_owned(), cause: String::new(), remedy: String::new() }
}

/// The other side: one space `HR` that `staff` may view.
#[derive(Default)]
struct Site {
    pages: BTreeMap<DocumentId, (Item, String)>,
    /// Items whose words cannot be had.
    broken: Vec<DocumentId>,
    /// Items whose file cannot be read.
    broken_files: Vec<DocumentId>,
    is_listing_broken: bool,
    refuses: Option<Failure>,
    is_away: bool,
    hides_people: bool,
    /// Items that no listing gives, although they are there.
    in_between: Vec<DocumentId>,
    /// Pages in the bin: no listing gives them, and they stand above others all the same.
    bin: BTreeMap<DocumentId, (Item, String)>,
    /// Whether it tells whom those are left to.
    is_telling: bool,
    /// What it leaves out of that.
    untold: Vec<DocumentId>,
    /// Pages that it was asked about for that.
    asked: Mutex<Vec<DocumentId>>,
    fetched: Mutex<Vec<DocumentId>>,
    /// Spaces of items that are in another one than `HR`.
    elsewhere: BTreeMap<DocumentId, String>,
    /// Keys of spaces in the order they were listed.
    listed: Mutex<Vec<String>>,
    /// What its search says has changed; `None` where that fails.
    changed: Option<Vec<Changed>>,
    /// What its audit log says.
    audited: Option<(Hint, Moment)>,
}

impl Site {
    fn with(mut self, local: &str, above: &[&str], words: &str) -> Site {
        let item = Item {
            id: id(local),
            kind: Kind::Page,
            title: format!("Page {local}"),
            url: format!("http://127.0.0.1:1/{local}"),
            container: None,
            ancestors: above.iter().map(|local| id(local)).collect(),
            labels: Vec::new(),
            author: "Ana".to_owned(),
            updated_ms: 5,
            made: Default::default(),
            revision: 1,
            level: Level::Open,
            file: None,
            is_left_out: false,
        };
        self.pages.insert(item.id.clone(), (item, words.to_owned()));
        self
    }

    fn item(&mut self, local: &str) -> &mut Item {
        let page = self.pages.get_mut(&id(local)).or_else(|| self.bin.get_mut(&id(local)));
        &mut page.unwrap().0
    }

    fn restrict(&mut self, local: &str, names: &[&str]) {
        self.item(local).level = Level::Only(groups(names));
    }

    fn throw_away(&mut self, local: &str) {
        self.bin.extend(self.pages.remove(&id(local)).map(|page| (id(local), page)));
    }

    fn restore(&mut self, local: &str) {
        self.pages.extend(self.bin.remove(&id(local)).map(|page| (id(local), page)));
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap()).iter().map(|id| id.local().to_owned()).collect()
    }

    fn space(&self, id: &DocumentId) -> &str {
        self.elsewhere.get(id).map_or("HR", String::as_str)
    }

    fn move_to(&mut self, local: &str, space: &str) {
        self.elsewhere.insert(id(local), space.to_owned());
    }

    /// Its search says so of this page, with the version that it has now.
    fn say_changed(&mut self, local: &str) {
        let (revision, updated_ms) = (self.item(local).revision, self.item(local).updated_ms);
        let space = Some(self.space(&id(local)).to_owned());
        self.changed.get_or_insert_default().push(Changed { id: id(local), space, revision, updated_ms });
    }

    fn listed(&self) -> Vec<String> {
        std::mem::take(&mut *self.listed.lock().unwrap())
    }

    fn fetched(&self) -> Vec<String> {
        std::mem::take(&mut *self.fetched.lock().unwrap()).iter().map(|id| id.local().to_owned()).collect()
    }
}

impl Source for Site {
    fn connect(&self) -> Result<String, Failure> {
        self.refuses.clone().map_or(Ok("it takes us for the crawler".to_owned()), Err)
    }

    fn about(&self) -> Result<String, Failure> {
        Ok("a site of this test".to_owned())
    }

    fn try_rights(&self, _: &[Space]) -> Vec<Finding> {
        Vec::new()
    }

    fn people(&self) -> Result<SourcePeople, Failure> {
        if self.hides_people {
            return Err(failure("forbidden"));
        }
        let id = AccountId { source: wiki(), key: "k1".into() };
        let names = |name: &str| name.to_owned();
        let account = Account { id, user_name: names("ana"), display_name: names("Ana"), email: None, active: true };
        Ok(SourcePeople { accounts: vec![account], groups: Vec::new() })
    }

    fn may_use(&self) -> Result<Subjects, Failure> {
        Ok(groups(&["staff", "guests"]))
    }

    fn spaces(&self) -> Result<Vec<Space>, Failure> {
        if self.is_away {
            return Err(failure("server_error"));
        }
        let more: std::collections::BTreeSet<&String> = self.elsewhere.values().collect();
        let more = more.into_iter().map(|key| Space { key: key.clone(), name: key.clone() });
        Ok([Space { key: "HR".to_owned(), name: "Human Resources".to_owned() }].into_iter().chain(more).collect())
    }

    fn changed(&self, _: Moment) -> Result<Vec<Changed>, Failure> {
        self.changed.clone().ok_or_else(|| failure("server_error"))
    }

    fn audited(&self, _: Moment) -> Result<Option<(Hint, Moment)>, Failure> {
        Ok(self.audited.clone())
    }

    fn space_of(&self, local: &str) -> Result<Option<String>, Failure> {
        Ok(self.pages.contains_key(&id(local)).then(|| self.space(&id(local)).to_owned()))
    }

    fn may_view(&self, _: &Space) -> Result<Subjects, Failure> {
        Ok(groups(&["staff"]))
    }

    fn list(&self, space: &Space, seen: &mut dyn FnMut(u64) -> ControlFlow<()>) -> Listing {
        let _ = seen(self.pages.len() as u64);
        self.listed.lock().unwrap().push(space.key.clone());
        let failures = if self.is_listing_broken { vec![failure("server_error")] } else { Vec::new() };
        let items = self.pages.values().map(|(item, _)| item.clone());
        let items = items.filter(|item| !self.in_between.contains(&item.id));
        let items = items.filter(|item| self.space(&item.id) == space.key).collect();
        Listing { items, is_whole: !self.is_listing_broken, failures, files_left_out: 0 }
    }

    fn look_again(&self, ids: &[DocumentId]) -> Vec<(String, Item)> {
        ids.iter().filter_map(|id| Some((self.space(id).to_owned(), self.pages.get(id)?.0.clone()))).collect()
    }

    fn restricted_above(&self, pages: &[&Item]) -> Vec<Option<BTreeMap<DocumentId, Level>>> {
        self.asked.lock().unwrap().extend(pages.iter().map(|page| page.id.clone()));
        let told = |page: &&Item| {
            let way = page.ancestors.iter().chain([&page.id]).filter(|id| !self.untold.contains(id));
            let found = way.filter_map(|id| self.pages.get(id).or_else(|| self.bin.get(id)));
            let levels = found.map(|(item, _)| (item.id.clone(), item.level.clone()));
            self.is_telling.then(|| levels.filter(|(_, level)| *level != Level::Open).collect())
        };
        pages.iter().map(told).collect()
    }

    fn fetch(&self, items: &[&Item], _: &Names<'_>) -> Vec<Result<Words, Failure>> {
        self.fetched.lock().unwrap().extend(items.iter().map(|item| item.id.clone()));
        let words = |item: &&Item| {
            if self.broken.contains(&item.id) {
                return Err(Failure { what: item.id.to_string(), ..failure("no_body") });
            }
            if self.broken_files.contains(&item.id) {
                return Err(Failure { what: item.id.to_string(), ..failure("file_ended") });
            }
            let text = self.pages[&item.id].1.clone();
            let blocks = vec![Block::Paragraph { text }];
            let (revision, updated_ms, author) = (item.revision, item.updated_ms, item.author.clone());
            Ok(Words { blocks, links: Vec::new(), revision, updated_ms, author })
        };
        items.iter().map(words).collect()
    }
}

/// A home page with two below it.
fn site() -> Site {
    Site { changed: Some(Vec::new()), ..Site::default() }.with("1", &[], "welcome").with("2", &["1"], "holidays").with(
        "3",
        &["1", "2"],
        "salaries",
    )
}

#[test]
fn a_file_that_cannot_be_read_is_tried_again_when_it_changed_or_the_next_day_or_in_full() {
    let mut site = site().with("9", &[], "cup");
    site.broken_files.push(id("9"));
    let world = World::new();
    let tried = |site: &Site, mode| {
        let run = world.run(site, mode);
        assert_eq!((run.failures.len(), run.failures[0].code.as_str()), (1, "file_ended"));
        site.fetched().contains(&"9".to_owned())
    };

    let (first, again) = (tried(&site, Mode::Changes), tried(&site, Mode::Changes));
    site.item("9").revision = 2;
    let changed = tried(&site, Mode::Changes);
    let full = tried(&site, Mode::Full);
    world.clock.advance(24 * 60 * 60 * 1000);
    let next_day = tried(&site, Mode::Changes);
    site.broken_files.clear();

    assert_eq!((first, again, changed, full, next_day), (true, false, true, true, true));
    assert!(world.run(&site, Mode::Full).failures.is_empty());
    assert_eq!(world.found_by(&["staff"]).last().unwrap(), "Page 9");
}

#[test]
fn what_the_settings_leave_out_goes_and_still_restricts_what_stands_below() {
    let mut site = site();
    site.restrict("2", &["board"]);
    let world = World::new();
    world.run(&site, Mode::Full);
    let without = |titles: &[&str]| -> Settings {
        let patterns = titles.iter().map(|title| Pattern::parse(title).unwrap()).collect();
        Settings { without_titles: patterns, removal_guard_percent: 100, ..settings() }
    };

    let run = world.run_with(&without(&["Page 2"]), &site, Mode::Changes);

    assert_eq!((run.state, run.removed), (State::Succeeded, 1));
    assert_eq!(world.found_by(&["staff", "board"]), ["Page 1", "Page 3"]);
    assert_eq!(world.found_by(&["staff"]), ["Page 1"]);
    // Readers of what is left out follow the source until it is gone: a run of permissions removes nothing.
    site.restrict("1", &["board"]);
    world.run_with(&without(&["Page 1"]), &site, Mode::Permissions);
    assert!(world.found_by(&["staff"]).is_empty());
    assert_eq!(world.found_by(&["staff", "board"]), ["Page 1", "Page 3"]);
}

#[test]
fn pages_are_found_by_their_readers_alone() {
    let (world, mut site) = (World::new(), site());
    site.restrict("2", &["payroll"]);

    let run = world.run(&site, Mode::Changes);

    assert_eq!((run.state, run.added, run.failures), (State::Succeeded, 3, vec![]));
    assert_eq!(world.found_by(&["staff"]), ["Page 1"]);
    assert_eq!(world.found_by(&["staff", "payroll"]), ["Page 1", "Page 2", "Page 3"]);
    assert!(world.found_by(&["payroll", "guests"]).is_empty(), "a page's restriction does not open the space");
    assert!(world.found_by(&[]).is_empty());
    assert_eq!(world.status().permissions_as_of, Some(run.began));
}

#[test]
fn a_restriction_set_later_is_in_force_without_reading_words_again() {
    let (world, mut site) = (World::new(), site());
    world.run(&site, Mode::Changes);
    site.fetched();

    site.restrict("2", &["payroll"]);
    let run = world.run(&site, Mode::Permissions);

    assert_eq!((run.state, run.reclassed), (State::Succeeded, 2));
    assert!(site.fetched().is_empty());
    assert_eq!(world.found_by(&["staff"]), ["Page 1"]);
    assert!(world.finds("staff", "welcome") || !world.finds("staff", "salaries"));
}

#[test]
fn only_what_changed_is_read_again() {
    let (world, mut site) = (World::new(), site());
    world.run(&site, Mode::Changes);
    site.fetched();

    site.item("2").revision = 2;
    site.pages.get_mut(&id("2")).unwrap().1 = "vacations".to_owned();
    site.item("3").title = "Pay".to_owned();
    let run = world.run(&site, Mode::Changes);

    assert_eq!(site.fetched(), ["2"]);
    assert_eq!((run.added, run.changed), (0, 2));
    assert_eq!(world.found_by(&["staff"]), ["Page 1", "Page 2", "Pay"]);
}

#[test]
fn a_run_without_a_change_does_nothing() {
    let (world, site) = (World::new(), site());
    world.run(&site, Mode::Changes);

    let run = world.run(&site, Mode::Changes);

    assert_eq!((run.added, run.changed, run.removed, run.reclassed), (0, 0, 0, 0));
    assert_eq!((run.state, world.status().documents), (State::Succeeded, 3));
}

#[test]
fn a_deleted_page_goes_and_a_broken_listing_deletes_nothing() {
    let (world, mut site) = (World::new(), site());
    world.run(&site, Mode::Changes);
    site.pages.remove(&id("3"));

    site.is_listing_broken = true;
    let broken = world.run(&site, Mode::Changes);
    assert_eq!((broken.state, broken.removed), (State::Incomplete, 0));
    assert_eq!(world.found_by(&["staff"]).len(), 3);
    assert!(world.status().permissions_as_of < Some(broken.began), "permissions were not read whole");

    site.is_listing_broken = false;
    assert_eq!(world.run(&site, Mode::Changes).removed, 1);
    assert_eq!(world.found_by(&["staff"]), ["Page 1", "Page 2"]);
}

#[test]
fn a_page_that_moved_past_the_listing_is_looked_for_before_it_is_taken_for_gone() {
    let (world, mut site) = (World::new(), site());
    world.run(&site, Mode::Changes);
    site.fetched();

    site.in_between.push(id("2"));
    site.restrict("2", &["payroll"]);
    let run = world.run(&site, Mode::Changes);

    assert_eq!((run.state, run.removed, site.fetched().len()), (State::Succeeded, 0, 0));
    assert_eq!(world.found_by(&["staff"]), ["Page 1"]);
    assert_eq!(world.found_by(&["staff", "payroll"]), ["Page 1", "Page 2", "Page 3"]);
    site.pages.remove(&id("2"));
    world.run(&site, Mode::Changes);
    assert_eq!(world.found_by(&["staff", "payroll"]), ["Page 1"], "what stood below it has lost its way up");
}

#[test]
fn a_source_that_takes_us_for_somebody_else_changes_nothing() {
    let (world, site) = (World::new(), site());
    world.run(&site, Mode::Changes);

    let refused = Site { refuses: Some(failure("anonymous")), ..Site::default() };
    let run = world.run(&refused, Mode::Changes);

    assert_eq!((run.state, run.removed), (State::Failed, 0));
    assert_eq!(run.failures[0].code, "anonymous");
    assert_eq!(world.found_by(&["staff"]).len(), 3);
}

#[test]
fn a_source_that_cannot_tell_its_spaces_changes_nothing() {
    let (world, mut site) = (World::new(), site());
    world.run(&site, Mode::Changes);

    site.is_away = true;
    let run = world.run(&site, Mode::Full);

    assert_eq!((run.state, run.removed, world.found_by(&["staff"]).len()), (State::Failed, 0, 3));
}

#[test]
fn an_unknown_restriction_admits_nobody_and_is_said() {
    let (world, mut site) = (World::new(), site());
    world.run(&site, Mode::Changes);

    site.item("2").level = Level::Unknown;
    let run = world.run(&site, Mode::Changes);

    assert_eq!(world.found_by(&["staff", "guests"]), ["Page 1"]);
    let whats: Vec<&str> = run.failures.iter().map(|failure| failure.what.as_str()).collect();
    assert_eq!((run.state, whats), (State::Incomplete, vec!["wiki:2", "wiki:3"]));
}

#[test]
fn a_page_below_one_that_was_not_listed_admits_nobody() {
    let (world, site) = (World::new(), Site::default().with("3", &["gone"], "orphan"));

    world.run(&site, Mode::Changes);

    assert!(world.found_by(&["staff"]).is_empty());
}

#[test]
fn a_comment_has_its_pages_readers_and_title() {
    let (world, mut site) = (World::new(), site().with("9", &[], "a remark"));
    site.restrict("2", &["payroll"]);
    let comment = site.item("9");
    (comment.kind, comment.container) = (Kind::Comment, Some(id("3")));

    world.run(&site, Mode::Changes);

    assert_eq!(world.found_by(&["staff"]), ["Page 1"]);
    assert!(world.found_by(&["staff", "payroll"]).contains(&"Re: Page 3".to_owned()));
}

#[test]
fn one_bad_page_does_not_stop_the_rest() {
    let (world, mut site) = (World::new(), site());
    site.broken.push(id("2"));

    let run = world.run(&site, Mode::Changes);

    assert_eq!((run.state, run.added), (State::Incomplete, 2));
    assert_eq!(run.failures[0].what, "wiki:2");
    site.broken.clear();
    assert_eq!(world.run(&site, Mode::Changes).added, 1);
}

#[test]
fn people_that_cannot_be_read_are_kept() {
    let (world, mut site) = (World::new(), site());
    world.run(&site, Mode::Changes);

    site.hides_people = true;
    let run = world.run(&site, Mode::Changes);

    let account = AccountId { source: wiki(), key: "k1".into() };
    assert_eq!(run.state, State::Incomplete);
    assert_eq!(world.directory.account_name(&account).unwrap().as_deref(), Some("Ana"));
}

#[test]
fn a_large_removal_waits_for_an_administrators_word() {
    let (world, mut site) = (World::new(), Site::default());
    for n in 0..20 {
        site = site.with(&format!("p{n}"), &[], "words");
    }
    world.run(&site, Mode::Changes);
    site.pages.retain(|id, _| id.local() < "p13");

    let held = world.run(&site, Mode::Changes);
    assert_eq!((held.state, held.removed, world.found_by(&["staff"]).len()), (State::Held, 0, 20));

    allow_removal(&world.store, &wiki()).unwrap();
    let run = world.run(&site, Mode::Changes);
    assert_eq!((run.state, world.found_by(&["staff"]).len()), (State::Succeeded, site.pages.len()));
    assert!(!world.status().may_remove, "the word was for one run");
}

#[test]
fn a_run_that_is_broken_off_keeps_what_it_did() {
    let (world, mut site) = (World::new(), Site::default());
    for n in 0..200 {
        site = site.with(&format!("p{n}"), &[], "words");
    }

    let stopped = world.with(|rooms| {
        let mut watch = |run: &Run| if run.added > 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        run::run(&site, &settings(), Mode::Changes, &Hint::default(), rooms, &mut watch).unwrap()
    });

    assert_eq!((stopped.state, stopped.added), (State::Stopped, 50));
    assert_eq!(world.found_by(&["staff"]).len(), 50);
    assert_eq!(world.run(&site, Mode::Changes).added, 150);
}

/// A site of some pages in a tree, some of them restricted.
fn many() -> Site {
    let mut site = Site::default().with("0", &[], "welcome");
    for n in 1..260 {
        site = site.with(&n.to_string(), &["0"], &format!("words of {n}"));
    }
    (1..260).step_by(7).for_each(|n| site.restrict(&n.to_string(), &["payroll"]));
    site
}

/// What each of two kinds of readers finds, and who may read what is kept.
fn outcome(world: &World) -> (Vec<String>, Vec<String>, Vec<(DocumentId, crate::acl::Rule)>) {
    let kept = Kept::open(&world.store).unwrap();
    let facts = kept.facts().map(|read| {
        let (id, _) = read.unwrap();
        let rule = conditions(&world.store, &id).unwrap().unwrap().rule();
        (id, rule)
    });
    (world.found_by(&["staff"]), world.found_by(&["staff", "payroll"]), facts.collect())
}

#[test]
fn a_run_that_is_broken_off_at_any_step_is_gone_on_with_and_reads_nothing_twice() {
    let whole = World::new();
    whole.run(&many(), Mode::Full);
    let wanted = outcome(&whole);
    assert_eq!((wanted.0.len(), wanted.1.len()), (260 - 37, 260));
    for crashes in [false, true] {
        for after in 1.. {
            let (world, site) = (World::new(), many());
            let mut ticks = 0;
            let first = world.with(|rooms| {
                let mut watch = |_: &Run| {
                    ticks += 1;
                    if ticks >= after { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                };
                run::run(&site, &settings(), Mode::Full, &Hint::default(), rooms, &mut watch).unwrap()
            });
            if first.state == State::Succeeded {
                break;
            }
            site.fetched();
            if crashes {
                world.crash();
            }

            // A run of changes is a matter of its own, and must not make the full one think that its words were read.
            let second = world.run(&site, if after % 2 == 0 { Mode::Full } else { Mode::Changes });

            assert_eq!(second.state, State::Succeeded);
            assert_eq!(outcome(&world), wanted, "broken off at step {after}, in {}", first.phase);
            let again = site.fetched();
            assert_eq!(first.added + again.len() as u64, 260, "what was kept was read again at step {after}");
        }
    }
}

#[test]
fn a_full_run_that_was_broken_off_goes_on_for_a_day_and_then_begins_anew() {
    let (world, site) = (World::new(), many());
    world.run(&site, Mode::Full);
    site.fetched();
    let broken_off = || {
        world.clock.advance(60_000);
        world.with(|rooms| {
            let mut watch =
                |run: &Run| if run.changed > 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
            run::run(&site, &settings(), Mode::Full, &Hint::default(), rooms, &mut watch).unwrap()
        });
        site.fetched();
    };
    let read = || {
        world.run(&site, Mode::Full);
        site.fetched().len()
    };

    broken_off();
    assert_eq!(read(), 260 - 50);
    assert_eq!(read(), 260, "the one that was broken off came to its end");
    broken_off();
    world.clock.advance(24 * 60 * 60 * 1000);
    assert_eq!(read(), 260);
}

#[test]
fn what_the_index_had_not_committed_is_told_again_after_a_crash() {
    let (world, site) = (World::new(), site());
    world.run(&site, Mode::Changes);
    let kept = Kept::open(&world.store).unwrap();
    world.with(|rooms| {
        let mut applying = Applying::new(&kept, rooms);
        applying.remove(&[id("1")], &Default::default(), SyncId { number: 9, began_ms: 9 }).unwrap();
        let document = kept.page(&id("2")).unwrap().unwrap();
        let fact = kept.fact(&id("2")).unwrap().unwrap();
        let document = crate::corpus::Document { title: "New title".to_owned(), ..document };
        applying.put(&[apply::Ready { document, class: fact.class, head: 7, words: plan::Content::Kept }]).unwrap();
    });

    assert_eq!(world.crash(), 2);
    assert_eq!(world.found_by(&["staff"]), ["New title", "Page 3"]);
    assert_eq!(world.crash(), 0);
}

#[test]
fn a_document_being_reclassed_when_the_process_dies_stays_withheld() {
    let (world, site) = (World::new(), site());
    world.run(&site, Mode::Changes);
    let nobody = world.classes.class_of(crate::acl::Rule::new(crate::acl::AnyOf::nobody())).unwrap();
    let kept = Kept::open(&world.store).unwrap();
    kept.withhold(&[(id("2"), nobody)]).unwrap();

    world.crash();
    assert_eq!(world.found_by(&["staff"]), ["Page 1", "Page 3"]);

    world.run(&site, Mode::Permissions);
    assert_eq!(world.found_by(&["staff"]), ["Page 1", "Page 2", "Page 3"]);
    assert_eq!(kept.withheld().count(), 0);
}

#[test]
fn a_run_that_a_crash_broke_off_is_said_to_have_stopped() {
    let (world, site) = (World::new(), site());
    let mut run = world.run(&site, Mode::Changes);
    (run.began, run.ended, run.state) = (Moment::from_ms(9_000_000), None, State::Running);
    Kept::open(&world.store).unwrap().put_run(&wiki(), &run, None).unwrap();

    world.crash();

    assert_eq!(world.status().runs[0].state, State::Stopped);
    assert_eq!(world.status().runs.len(), 2);
}
