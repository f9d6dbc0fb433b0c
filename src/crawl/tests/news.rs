//! Runs of what is new: they list only where something is said to be, and lose nothing that is elsewhere.

use super::*;

/// The site with a page in a second space, read whole.
fn two_spaces() -> (World, Site) {
    let (world, mut site) = (World::new(), site().with("7", &[], "sprints"));
    site.move_to("7", "ENG");
    world.run(&site, Mode::Changes);
    site.listed();
    site.fetched();
    (world, site)
}

#[test]
fn a_look_at_what_is_new_lists_only_the_spaces_in_which_something_is() {
    let (world, mut site) = two_spaces();
    assert_eq!((world.run(&site, Mode::News).state, site.listed().len()), (State::Succeeded, 0));

    site.item("7").revision = 2;
    site.say_changed("7");
    let run = world.run(&site, Mode::News);

    assert_eq!((run.state, run.changed, &run.only[..]), (State::Succeeded, 1, &["ENG".to_owned()][..]));
    assert_eq!((site.listed(), site.fetched()), (vec!["ENG".to_owned()], vec!["7".to_owned()]));
    assert_eq!(world.found_by(&["staff"]).len(), 4, "nothing of the space that was not listed is gone");
    assert_eq!((world.run(&site, Mode::News).changed, site.listed().len()), (0, 0), "it is not new a second time");
}

#[test]
fn what_the_settings_leave_out_is_not_new_for_ever() {
    let (world, mut site) = two_spaces();
    let without = Settings { without_titles: vec![Pattern::parse("Page 7").unwrap()], ..settings() };
    site.item("7").revision = 2;
    site.say_changed("7");

    world.run_with(&without, &site, Mode::News);
    site.listed();
    world.run_with(&without, &site, Mode::News);

    assert!(site.listed().is_empty());
}

#[test]
fn a_restriction_that_was_only_heard_of_is_in_force_for_all_below() {
    let (world, mut site) = two_spaces();
    site.restrict("2", &["managers"]);

    let run = world.hear(&site, &["2"]);

    assert_eq!((run.state, run.reclassed, site.listed()), (State::Succeeded, 2, vec!["HR".to_owned()]));
    assert_eq!(world.found_by(&["staff"]), ["Page 1", "Page 7"]);
    assert_eq!(world.found_by(&["staff", "managers"]).len(), 4);
    assert!(site.fetched().is_empty(), "no words changed");
}

#[test]
fn what_is_no_longer_where_it_was_is_found_by_nobody_until_a_whole_run_says_where_it_went() {
    let (world, mut site) = two_spaces();
    let moved = site.pages.get(&id("3")).unwrap().clone();
    let heard_of_old_space = Hint { spaces: ["HR".to_owned()].into(), ..Hint::default() };
    site.item("3").ancestors = Vec::new();
    site.move_to("3", "ENG");

    let run = world.run_having_heard(&settings(), &site, Mode::News, &heard_of_old_space);
    assert_eq!((run.state, run.removed, run.wants_whole), (State::Succeeded, 0, true));
    assert_eq!(world.found_by(&["staff"]), ["Page 1", "Page 2", "Page 7"]);
    world.crash();
    assert_eq!(world.found_by(&["staff"]), ["Page 1", "Page 2", "Page 7"], "also after a crash");
    assert!(!world.run_having_heard(&settings(), &site, Mode::News, &heard_of_old_space).wants_whole);

    assert_eq!(world.run(&site, Mode::Changes).state, State::Succeeded);
    assert_eq!(world.found_by(&["staff"]).len(), 4);

    site.pages.remove(&moved.0.id);
    world.hear(&site, &["3"]);
    assert_eq!(world.found_by(&["staff"]).len(), 3, "one that is gone is not found from the first word of it");
    assert_eq!(world.run(&site, Mode::Changes).removed, 1);
}

#[test]
fn a_page_that_moved_into_a_space_that_was_heard_of_has_its_readers_there_at_once() {
    let (world, mut site) = two_spaces();
    site.restrict("7", &["managers"]);
    site.item("3").ancestors = vec![id("7")];
    site.move_to("3", "ENG");

    // Confluence tells the space it is in now; the one it was in is known.
    let run = world.hear(&site, &["3"]);

    assert_eq!((run.only.len(), run.wants_whole), (2, false));
    assert_eq!(world.found_by(&["staff"]), ["Page 1", "Page 2"]);
    assert_eq!(world.found_by(&["staff", "managers"]).len(), 4);
}

#[test]
fn a_search_that_fails_is_said_and_what_was_heard_is_looked_at_all_the_same() {
    let (world, mut site) = two_spaces();
    site.changed = None;
    site.restrict("1", &["managers"]);

    let run = world.hear(&site, &["1"]);

    assert_eq!((run.state, run.failures.len()), (State::Incomplete, 1));
    assert_eq!(world.found_by(&["staff"]), ["Page 7"]);
}

#[test]
fn an_audit_log_that_names_people_has_them_read_and_one_that_names_no_place_wants_everything() {
    let (world, mut site) = two_spaces();
    let said = |hint: Hint| Some((hint, Moment::from_ms(9_000_000)));

    site.audited = said(Hint { people: true, ..Hint::default() });
    site.hides_people = true;
    assert_eq!(world.run(&site, Mode::News).failures[0].code, "forbidden", "they were asked for");
    site.hides_people = false;
    site.audited = said(Hint { everything: true, ..Hint::default() });
    assert!(world.run(&site, Mode::News).wants_whole);
    assert_eq!(world.status().audit_as_of, Some(Moment::from_ms(9_000_000)));
}

#[test]
fn a_source_that_was_never_read_is_read_whole_before_anything_is_new() {
    let (world, site) = (World::new(), site());

    let run = world.run(&site, Mode::News);

    assert_eq!((run.mode, run.added), (Mode::Changes, 3));
}

#[test]
fn looks_that_found_nothing_do_not_push_the_others_out_of_what_is_remembered() {
    let (world, mut site) = two_spaces();
    for _ in 0..30 {
        world.run(&site, Mode::News);
    }
    assert_eq!(world.status().runs.len(), 2);

    site.item("7").revision = 2;
    site.say_changed("7");
    world.run(&site, Mode::News);
    world.run(&site, Mode::News);

    let modes: Vec<(Mode, u64)> = world.status().runs.iter().map(|run| (run.mode, run.changed)).collect();
    assert_eq!(modes, [(Mode::News, 0), (Mode::News, 1), (Mode::News, 0), (Mode::Changes, 0)]);
}
