//! What is kept of permissions: which sync learned each fact, and how it was at a moment of the past.

use super::*;

/// Whom each condition asks for, in short, with the number of the sync that learned it.
fn told(world: &World, local: &str) -> Vec<String> {
    let conditions = conditions(&world.store, &id(local)).unwrap().unwrap();
    let asks = |condition: &Condition| match &condition.asks {
        Asks::For(any_of) => any_of.principals().len().to_string(),
        Asks::Unknown(why) => format!("{why:?}"),
    };
    let of = |condition: &Condition| match &condition.about {
        About::Use(source) => source.to_string(),
        About::Space(key) => key.clone(),
        About::Restriction(id) => id.local().to_owned(),
    };
    let by = |condition: &Condition| condition.learned.map_or(0, |sync| sync.number);
    conditions.all.iter().map(|one| format!("{} {} by {}", of(one), asks(one), by(one))).collect()
}

#[test]
fn each_restriction_keeps_the_sync_that_learned_it_for_as_long_as_it_stands() {
    let (world, mut site) = (World::new(), site());
    world.run(&site, Mode::Changes);
    site.restrict("2", &["payroll"]);
    world.run(&site, Mode::Permissions);
    site.restrict("3", &["payroll", "board"]);
    world.run(&site, Mode::Changes);
    world.run(&site, Mode::Full);

    assert_eq!(told(&world, "3"), ["wiki 2 by 1", "HR 1 by 1", "2 1 by 2", "3 2 by 3"]);
    let placed = conditions(&world.store, &id("3")).unwrap().unwrap().placed;
    assert_eq!(placed.map(|sync| sync.number), Some(1));
    site.item("3").ancestors = vec![id("1")];
    world.run(&site, Mode::Permissions);
    assert_eq!(told(&world, "3"), ["wiki 2 by 1", "HR 1 by 1", "3 2 by 3"]);
    let placed = conditions(&world.store, &id("3")).unwrap().unwrap().placed;
    assert_eq!(placed.map(|sync| sync.number), Some(5));
}

#[test]
fn a_run_counts_what_of_permissions_it_met_new_changed_or_gone() {
    let (world, mut site) = (World::new(), site());
    let counts = |run: Run| {
        let Learned { grants, places, restrictions, people } = run.learned;
        let kept = Kept::open(&world.store).unwrap();
        let told = crate::crawl::learning::learned_by(&kept, &wiki(), run.id()).unwrap();
        assert_eq!(Learned { people, ..told }, run.learned, "where a crash broke it off, the facts tell it");
        (grants, places, restrictions, people > 0)
    };

    assert_eq!(counts(world.run(&site, Mode::Changes)), (2, 3, 0, true));
    assert!(world.run(&site, Mode::Full).learned.is_empty(), "nothing is otherwise");
    site.restrict("2", &["payroll"]);
    assert_eq!(counts(world.run(&site, Mode::Permissions)), (0, 0, 1, false));
    site.restrict("2", &["board"]);
    site.item("3").ancestors = vec![id("1")];
    assert_eq!(counts(world.run(&site, Mode::Permissions)), (0, 1, 1, false));
    site.item("2").level = Level::Open;
    site.pages.remove(&id("3"));
    assert_eq!(counts(world.run(&site, Mode::Changes)), (0, 1, 1, false));
}

#[test]
fn what_a_sync_could_not_read_or_did_not_list_is_kept_as_unknown() {
    let (world, mut site) = (World::new(), site());
    world.run(&site, Mode::Changes);

    site.item("1").level = Level::Unknown;
    site.pages.remove(&id("2"));
    site.is_listing_broken = true;
    world.run(&site, Mode::Changes);

    assert_eq!(told(&world, "3"), ["wiki 2 by 1", "HR 1 by 1", "1 Unreadable by 2", "2 NotListed by 2"]);
    let missed = conditions(&world.store, &id("2")).unwrap().unwrap().missed;
    assert_eq!(missed.map(|sync| sync.number), Some(2));
}

#[test]
fn nothing_is_kept_of_a_document_that_went_and_nothing_is_known_of_one_that_never_came() {
    let (world, mut site) = (World::new(), site());
    site.broken.push(id("3"));
    world.run(&site, Mode::Changes);
    assert_eq!(conditions(&world.store, &id("3")).unwrap().unwrap().class, None, "it was listed and not read");

    site.pages.remove(&id("2"));
    site.pages.remove(&id("3"));
    world.run(&site, Mode::Changes);

    for local in ["2", "3", "4711"] {
        assert_eq!(conditions(&world.store, &id(local)).unwrap(), None, "{local}");
    }
}

#[test]
fn of_documents_kept_before_their_facts_were_the_readers_are_said_to_be_unknown_until_the_next_sync() {
    let (world, site) = (World::new(), site());
    world.run(&site, Mode::Changes);
    let kept = Kept::open(&world.store).unwrap();
    let mut forget = crate::store::Batch::new();
    kept.permissions(&wiki()).unwrap().keys().for_each(|key| forget.remove(key));
    kept.put_permissions(forget, crate::store::Batch::new()).unwrap();

    assert_eq!(told(&world, "3"), ["3 NotKept by 0"]);
    assert_eq!(world.found_by(&["staff"]).len(), 3, "what was in force stays");

    world.run(&site, Mode::Permissions);
    assert_eq!(told(&world, "3"), ["wiki 2 by 2", "HR 1 by 2"]);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]

    #[test]
    fn what_is_told_of_a_moment_is_what_was_told_at_it(
        steps in proptest::collection::vec((0..8u8, 1..5u8, 0..3u8), 1..12),
    ) {
        let (world, mut site) = (World::new(), site().with("4", &["1"], "snacks"));
        site.is_telling = true;
        let ids: Vec<DocumentId> = ["1", "2", "3", "4"].map(id).into();
        let told = |at: Option<Moment>| -> Vec<_> {
            let of = |id: &DocumentId| match at {
                Some(at) => conditions_at(&world.store, id, at).unwrap(),
                None => conditions(&world.store, id).unwrap(),
            };
            ids.iter().map(|id| of(id).map(|found| (found.all, found.placed, found.missed))).collect()
        };
        let mut history = Vec::new();
        for (deed, page, group) in steps {
            let local = page.to_string();
            let group = ["managers", "staff", "guests"][usize::from(group)];
            match deed {
                0 if site.pages.contains_key(&id(&local)) => site.restrict(&local, &[group]),
                1 if site.pages.contains_key(&id(&local)) => site.item(&local).level = Level::Open,
                2 if site.pages.contains_key(&id(&local)) && page > 1 => site.item(&local).ancestors = vec![id("1")],
                3 => drop(site.pages.remove(&id(&local))),
                5 => site.throw_away(&local),
                6 => site.is_telling = !site.is_telling,
                4 if site.bin.contains_key(&id(&local)) => site.restore(&local),
                4 if !site.pages.contains_key(&id(&local)) => site = std::mem::take(&mut site).with(&local, &[], "back"),
                _ => site.is_listing_broken = !site.is_listing_broken,
            }
            let settings = Settings { removal_guard_percent: 100, ..settings() };
            world.run_with(&settings, &site, Mode::Changes);
            history.push((world.clock.now(), told(None)));
        }
        for (at, then) in history {
            proptest::prop_assert_eq!(told(Some(at)), then);
        }
        proptest::prop_assert!(told(Some(Moment::from_ms(1))).iter().all(Option::is_none), "of before the first run nothing");
    }
}

#[test]
fn what_ended_too_long_ago_is_forgotten() {
    let (world, mut site) = (World::new(), site());
    world.run(&site, Mode::Changes);
    let first = world.clock.now();
    site.restrict("3", &["managers"]);
    world.run(&site, Mode::Changes);
    let restriction = |at| conditions_at(&world.store, &id("3"), at).unwrap().map(|found| found.all.len());
    assert_eq!((restriction(first), restriction(world.clock.now())), (Some(2), Some(3)));

    forget_past(&world.store, world.clock.now().plus_ms(1)).unwrap();

    assert_eq!((restriction(first), restriction(world.clock.now())), (None, Some(3)));
}
