//! Runs whose store or index fails at each of their writes in turn, and what is tightened while the rest is still listed.

use super::*;

/// What each of two kinds of readers finds, and who may read what is kept.
fn seen_by_all(world: &World) -> [Vec<String>; 3] {
    [world.found_by(&["staff"]), world.found_by(&["staff", "payroll"]), world.found_by(&["guests"])]
}

/// The wiki as it was, and as it is after somebody tightened, opened, rewrote, renamed, moved, removed, added and threw away a page.
fn before() -> Site {
    let mut site = site().with("4", &[], "minutes").with("5", &["4"], "old news").with("6", &["4"], "open soon").with(
        "7",
        &["1"],
        "rota",
    );
    site = site.with("9", &[], "a plan").with("10", &["9"], "its first step");
    site.is_telling = true;
    site.restrict("6", &["payroll"]);
    site
}

fn after() -> Site {
    let mut site = before().with("8", &["1"], "a new page");
    site.restrict("2", &["payroll"]);
    site.item("6").level = Level::Open;
    site.item("4").revision = 2;
    site.item("4").title = "Minutes".to_owned();
    site.pages.remove(&id("5"));
    site.item("7").ancestors = vec![id("1"), id("2")];
    site.restrict("9", &["payroll"]);
    site.throw_away("9");
    site
}

fn guarded(settings: Settings) -> Settings {
    Settings { removal_guard_percent: 100, ..settings }
}

fn run_of(world: &World, site: &Site, mode: Mode) -> Result<Run, Error> {
    world.clock.advance(60_000);
    let (settings, go_on) = (guarded(settings()), &mut |_: &Run| ControlFlow::Continue(()));
    world.with(|rooms| run::run(site, &settings, mode, &Hint::default(), rooms, go_on))
}

/// Runs with a machine that fails at each write in turn: `fail` sets after how many, and the process dies at that point.
fn fails_at_each_write(fail: impl Fn(&World, u64)) {
    let whole = World::new();
    run_of(&whole, &before(), Mode::Full).unwrap();
    let old = seen_by_all(&whole);
    run_of(&whole, &after(), Mode::Changes).unwrap();
    let wanted = seen_by_all(&whole);
    assert_ne!(old, wanted);

    for (first, then, mode) in [(None, after(), Mode::Full), (Some(before()), after(), Mode::Changes)] {
        for writes in 0.. {
            let world = World::new();
            if let Some(first) = &first {
                run_of(&world, first, Mode::Full).unwrap();
            }
            let number = world.status().runs.first().map_or(0, |run| run.number);
            fail(&world, writes);
            let ended = run_of(&world, &then, mode);
            fail(&world, u64::MAX);
            if ended.as_ref().is_ok_and(|run| run.state == State::Succeeded) {
                assert!(writes > 6, "each of the writes failed once, and there were {writes}");
                assert_eq!(seen_by_all(&world), wanted);
                break;
            }

            world.crash();
            // Nobody finds what they could neither find before nor may find now; and nothing else is asked of half a run.
            for (seen, (old, wanted)) in seen_by_all(&world).iter().zip(old.iter().zip(&wanted)) {
                let may = |title: &String| wanted.contains(title) || (first.is_some() && old.contains(title));
                assert!(seen.iter().all(may), "{seen:?} after {writes} writes");
            }
            let kept = Kept::open(&world.store).unwrap();
            let is_withheld = kept.is_withheld(&id("3")).unwrap();
            assert!(
                !is_withheld || !world.found_by(&["staff"]).contains(&"Page 3".to_owned()),
                "after {writes} writes"
            );

            let again = run_of(&world, &then, Mode::Changes).unwrap();
            assert_eq!((again.state, seen_by_all(&world)), (State::Succeeded, wanted.clone()), "after {writes} writes");
            assert!(again.number > number, "the run that broke off is counted, or never began");
            assert_eq!(kept.withheld().count(), 0, "after {writes} writes");
            world.conditions_come_to_the_classes_in_force();
        }
    }
}

#[test]
fn a_run_whose_store_fails_at_any_write_leaks_nothing_and_the_next_one_makes_it_whole() {
    fails_at_each_write(|world, writes| world.store.fail_after(writes));
}

#[test]
fn a_run_whose_index_fails_at_any_write_leaks_nothing_and_the_next_one_makes_it_whole() {
    fails_at_each_write(|world, writes| world.with(|rooms| rooms.index.fail_after(writes)));
}

#[test]
fn what_a_look_at_what_is_new_meets_no_more_stays_withheld_when_the_index_fails_at_any_write() {
    for writes in 0.. {
        let (world, mut site) = (World::new(), site());
        world.run(&site, Mode::Changes);
        site.pages.remove(&id("3"));
        let (settings, heard) = (settings(), Hint { pages: ["3".to_owned()].into(), ..Hint::default() });

        let ended = world.with(|rooms| {
            rooms.index.fail_after(writes);
            run::run(&site, &settings, Mode::News, &heard, rooms, &mut |_| ControlFlow::Continue(()))
        });
        world.with(|rooms| rooms.index.fail_after(u64::MAX));

        world.crash();
        assert_eq!(world.found_by(&["staff"]), ["Page 1", "Page 2"], "after {writes} writes");
        if ended.is_ok_and(|run| run.state == State::Succeeded) {
            assert!(writes > 1, "each of the writes failed once, and there were {writes}");
            break;
        }
    }
}

/// Two spaces: `HR` and `ZZ`, which is listed after it.
fn two_spaces() -> Site {
    let mut site = site().with("9", &[], "elsewhere");
    site.move_to("9", "ZZ");
    site
}

#[test]
fn what_was_tightened_is_withheld_before_the_next_space_is_listed_and_what_was_opened_is_not() {
    let world = World::new();
    let mut site = two_spaces().with("6", &["1"], "bonus");
    site.restrict("6", &["payroll"]);
    world.run(&site, Mode::Changes);
    site.restrict("2", &["payroll"]);
    site.item("6").level = Level::Open;
    let mut met = Vec::new();

    let settings = settings();
    world.with(|rooms| {
        let mut watch = |run: &Run| {
            if run.phase == "listing" {
                met.push((world.found_by(&["staff"]), world.found_by(&["staff", "payroll"])));
            }
            ControlFlow::Continue(())
        };
        run::run(&site, &settings, Mode::Changes, &Hint::default(), rooms, &mut watch).unwrap()
    });

    let titles = |numbers: &[u32]| numbers.iter().map(|n| format!("Page {n}")).collect::<Vec<_>>();
    let (first, last) = (met.first().unwrap(), met.last().unwrap());
    assert_eq!(first, &(titles(&[1, 2, 3, 9]), titles(&[1, 2, 3, 6, 9])), "nothing was listed yet");
    assert_eq!(last, &(titles(&[1, 9]), titles(&[1, 6, 9])), "the second space is being listed");
    assert_eq!(world.found_by(&["staff"]), titles(&[1, 6, 9]));
    assert_eq!(world.found_by(&["staff", "payroll"]), titles(&[1, 2, 3, 6, 9]));
}

#[test]
fn what_was_withheld_stays_so_when_the_run_that_saw_it_is_stopped_or_the_wiki_goes_away() {
    let world = World::new();
    let mut site = two_spaces();
    world.run(&site, Mode::Changes);
    site.restrict("2", &["payroll"]);
    let mut listings = 0;
    let settings = settings();

    let stopped = world.with(|rooms| {
        let mut watch = |run: &Run| {
            listings += u32::from(run.phase == "listing");
            // Once before the first space, once in each.
            if listings == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        run::run(&site, &settings, Mode::Changes, &Hint::default(), rooms, &mut watch).unwrap()
    });

    assert_eq!(stopped.state, State::Stopped);
    assert_eq!(world.found_by(&["staff"]), ["Page 1", "Page 9"]);
    world.crash();
    assert_eq!(
        world.found_by(&["staff", "payroll"]),
        ["Page 1", "Page 9"],
        "until a run gives it its class, to nobody"
    );
    world.run(&site, Mode::Permissions);
    assert_eq!(world.found_by(&["staff"]), ["Page 1", "Page 9"]);
    assert_eq!(world.found_by(&["staff", "payroll"]), ["Page 1", "Page 2", "Page 3", "Page 9"]);
}

#[test]
fn a_listing_that_is_not_whole_withholds_nothing_by_itself() {
    let world = World::new();
    let mut site = two_spaces();
    world.run(&site, Mode::Changes);
    site.is_listing_broken = true;
    site.in_between.push(id("1"));

    let run = world.run(&site, Mode::Changes);

    // What stands below a page that was not listed is left to nobody by the plan, as it always was.
    assert_eq!(run.state, State::Incomplete);
    assert_eq!(Kept::open(&world.store).unwrap().withheld().count(), 0);
}

#[test]
fn a_source_that_went_leaves_no_document_no_account_and_no_fact_that_holds() {
    let world = World::new();
    let mut site = site();
    site.restrict("2", &["payroll"]);
    let run = world.run(&site, Mode::Full);
    world.clock.advance(60_000);

    let gone = world.with(|rooms| forget(&wiki(), rooms).unwrap());

    let account = AccountId { source: wiki(), key: "k1".into() };
    assert_eq!((gone, world.status()), (3, Status::default()));
    assert_eq!(world.found_by(&["staff", "payroll"]), Vec::<String>::new());
    assert_eq!(world.directory.account_name(&account).unwrap(), None);
    assert_eq!(conditions(&world.store, &id("2")).unwrap(), None);
    let then = conditions_at(&world.store, &id("2"), run.began.plus_ms(1_000)).unwrap().unwrap();
    assert_eq!(then.all.len(), 3, "how it was is still told: {then:?}");
    assert_eq!(world.crash(), 0);
    assert_eq!(world.found_by(&["staff", "payroll"]), Vec::<String>::new(), "nor does a crash bring it back");
    world.run(&site, Mode::Full);
    assert_eq!(world.found_by(&["staff"]), ["Page 1"], "and it can be made again");
}
