//! Pages below one that no listing gives, because it is in the bin or a draft.

use super::*;

/// A home page; below it one in the bin, left to `payroll`; below that one, and one more below that, left to `board`.
fn thrown_away() -> Site {
    let mut site = site().with("4", &["1", "2", "3"], "bonuses");
    site.restrict("2", &["payroll"]);
    site.restrict("4", &["board"]);
    site.throw_away("2");
    site.is_telling = true;
    site
}

/// Whether `staff` with these groups finds pages 3 and 4.
fn finds(world: &World, more: &[&str]) -> (bool, bool) {
    let found = world.found_by(&[&["staff"], more].concat());
    let is_found = |title: &str| found.iter().any(|one| one == title);
    assert!(!is_found("Page 2"), "what is in the bin nobody finds");
    (is_found("Page 3"), is_found("Page 4"))
}

/// Who finds what where every restriction is told and holds.
fn assert_told_and_held(world: &World) {
    assert_eq!(finds(world, &[]), (false, false));
    assert_eq!(finds(world, &["board"]), (false, false), "the one in the bin asks for payroll");
    assert_eq!(finds(world, &["payroll"]), (true, false), "the page itself asks for the board");
    assert_eq!(finds(world, &["payroll", "board"]), (true, true));
}

fn place_of(world: &World, local: &str) -> Option<permissions::Place> {
    Kept::open(&world.store).unwrap().place(&id(local)).unwrap()
}

#[test]
fn below_a_page_in_the_bin_are_let_in_whom_every_restriction_told_leaves_in_and_nobody_else() {
    for mode in [Mode::Changes, Mode::Full] {
        let (world, site) = (World::new(), thrown_away());

        let run = world.run(&site, mode);

        assert_eq!((run.state, run.added, run.failures), (State::Succeeded, 3, vec![]));
        assert_told_and_held(&world);
        assert_eq!(world.status().permissions_as_of, Some(run.began));
        assert_eq!(world.run(&site, Mode::Permissions).reclassed, 0);
        assert_eq!(world.hear(&site, &["3"]).reclassed, 0);
        assert_told_and_held(&world);
    }
}

#[test]
fn where_the_source_does_not_tell_or_tells_less_than_it_lists_nobody_is_let_in() {
    let mut silent = thrown_away();
    silent.is_telling = false;
    let mut halved = thrown_away();
    halved.restrict("1", &["staff"]);
    halved.untold.push(id("1"));
    for site in [silent, halved] {
        let world = World::new();

        let run = world.run(&site, Mode::Changes);

        assert_eq!(
            run.failures.iter().map(|failure| failure.code.as_str()).collect::<Vec<_>>(),
            ["restriction_unknown"; 2]
        );
        assert_eq!(finds(&world, &["payroll", "board"]), (false, false));
        assert_eq!(place_of(&world, "2"), None);
    }
}

#[test]
fn a_page_that_goes_to_the_bin_goes_and_its_restriction_stays_until_nothing_stands_below_it() {
    let (world, mut site) = (World::new(), thrown_away());
    site.restore("2");
    world.run(&site, Mode::Full);
    assert_eq!(world.found_by(&["staff", "payroll", "board"]).len(), 4);
    site.throw_away("2");

    let heard = world.hear(&site, &["2"]);
    assert_eq!((heard.removed, heard.wants_whole), (0, true));
    assert_told_and_held(&world);
    assert_eq!(world.run(&site, Mode::Changes).removed, 1);
    assert_told_and_held(&world);
    world.crash();
    assert_told_and_held(&world);
    assert!(place_of(&world, "2").is_some_and(|place| place.is_told && place.missed.is_some()));

    site.item("3").ancestors = vec![id("1")];
    site.item("4").ancestors = vec![id("1"), id("3")];
    world.run(&site, Mode::Permissions);
    assert_eq!((finds(&world, &[]), finds(&world, &["board"])), ((true, false), (true, true)));
    assert_eq!(place_of(&world, "2"), None);
}

#[test]
fn what_hangs_on_a_page_in_the_bin_nobody_finds_whoever_may_read_what_stands_below() {
    let mut site = thrown_away().with("9", &[], "a remark").with("8", &[], "another");
    for (comment, page) in [("9", "2"), ("8", "3")] {
        let comment = site.item(comment);
        (comment.kind, comment.container) = (Kind::Comment, Some(id(page)));
    }
    let world = World::new();

    world.run(&site, Mode::Changes);

    assert_eq!(world.found_by(&["staff", "payroll"]), ["Page 1", "Page 3", "Re: Page 3"]);
}

#[test]
fn a_page_that_comes_back_from_the_bin_restricts_as_it_did() {
    for mode in [Mode::Changes, Mode::Full] {
        let (world, mut site) = (World::new(), thrown_away());
        world.run(&site, Mode::Changes);
        site.restore("2");

        let run = world.run(&site, mode);

        assert_eq!((run.state, run.added, run.reclassed), (State::Succeeded, 1, 0));
        assert_eq!(world.found_by(&["staff", "payroll"]), ["Page 1", "Page 2", "Page 3"]);
        assert_eq!(world.found_by(&["staff", "board"]), ["Page 1"]);
        assert!(place_of(&world, "2").is_some_and(|place| !place.is_told && place.missed.is_none()));
        assert!(site.asked().len() == 1, "nothing is missing any more");
    }
}

#[test]
fn a_restriction_set_later_on_a_page_in_the_bin_is_in_force_after_a_run_of_any_kind() {
    for mode in [Mode::Permissions, Mode::Changes, Mode::Full, Mode::News] {
        let (world, mut site) = (World::new(), thrown_away());
        site.item("2").level = Level::Open;
        world.run(&site, Mode::Changes);
        assert_eq!((finds(&world, &[]), finds(&world, &["board"])), ((true, false), (true, true)));

        site.restrict("2", &["payroll"]);
        let run = match mode {
            Mode::News => world.hear(&site, &["3"]),
            Mode::Permissions | Mode::Changes | Mode::Full => world.run(&site, mode),
        };

        assert_eq!((run.state, run.reclassed), (State::Succeeded, 2), "{mode:?}");
        assert_told_and_held(&world);
        site.is_telling = false;
        world.run(&site, Mode::Permissions);
        assert_eq!(finds(&world, &["payroll", "board"]), (false, false), "{mode:?}: it tells no longer");
    }
}

#[test]
fn what_was_tightened_around_a_page_in_the_bin_is_withheld_before_the_next_space_is_listed() {
    let (world, mut site) = (World::new(), thrown_away().with("9", &[], "elsewhere"));
    site.move_to("9", "ZZ");
    world.run(&site, Mode::Changes);
    assert_eq!(finds(&world, &["payroll"]), (true, false));
    site.restrict("1", &["managers"]);
    let mut met = Vec::new();

    world.with(|rooms| {
        let mut watch = |run: &Run| {
            met.extend((run.phase == "listing").then(|| finds(&world, &["payroll"])));
            ControlFlow::Continue(())
        };
        run::run(&site, &settings(), Mode::Changes, &Hint::default(), rooms, &mut watch).unwrap()
    });

    assert_eq!((met.first(), met.last()), (Some(&(true, false)), Some(&(false, false))));
    assert_eq!(finds(&world, &["payroll", "managers"]), (true, false));
}

#[test]
fn one_page_is_asked_about_for_each_that_is_missing_and_none_where_the_listing_broke_off() {
    let mut site = thrown_away().with("5", &["1", "2"], "plan").with("6", &["1", "2", "5", "7", "8"], "step");
    site = site.with("7", &["1", "2", "5"], "way").with("8", &["1", "2", "5", "7"], "stone");
    site.throw_away("7");
    site.throw_away("8");
    let world = World::new();

    world.run(&site, Mode::Changes);
    assert_eq!(site.asked(), ["3", "6"]);

    site.is_listing_broken = true;
    world.run(&site, Mode::Changes);
    assert_eq!((site.asked().len(), finds(&world, &["payroll", "board"])), (0, (false, false)));
    site.is_listing_broken = false;
    world.run(&site, Mode::Permissions);
    assert_told_and_held(&world);
}
