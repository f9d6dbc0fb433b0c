//! Leaning towards new and preferred pages: only where it is asked for, by so much and no more, and unfelt by the hidden.

use super::interference::{differences, hidden, shown, visible};
use super::*;

const DAY_MS: i64 = 86_400_000;
const NOW_MS: i64 = 20_000 * DAY_MS;

/// A world whose pages are a thousand days old, save those of the space NEW, and where the board's label is preferred.
fn world(settings: &Settings, pages: &[Page]) -> World {
    let world = World::under(settings);
    let index = world.index.with_clock(|| NOW_MS);
    let world = World { index, ..world };
    for page in pages {
        let mut document = page.document();
        document.updated_ms = if page.space == "NEW" { NOW_MS } else { NOW_MS - 1000 * DAY_MS };
        let passages = cut(&document, Sizes::default());
        let vectors: Vec<_> = passages.iter().map(|passage| vector_of(&passage.text)).collect();
        world.change(Change::Replace(&document, world.class(page.group), &passages, Some(&vectors)));
    }
    world.commit();
    world
}

fn pages() -> Vec<Page> {
    let text = |more: &str| format!("The badge opens the gate. Ask the desk for a badge{more}.");
    vec![
        page("old", "staff", "Badges", &text("")),
        Page { space: "NEW", ..page("new", "staff", "Badges", &text(" and bring a picture with you")) },
        page("official", "board", "Badges", &text(" and a picture and a pen and a form and some time too")),
        Page {
            space: "NEW",
            ..page("other", "staff", "Canteen", "The canteen opens at noon, and a badge pays for lunch.")
        },
    ]
}

fn order(settings: &Settings) -> Vec<String> {
    world(settings, &pages()).finds(&["staff", "board"], "badge gate")
}

#[test]
fn as_it_stands_neither_age_nor_label_counts() {
    assert_eq!(order(&Settings::default()), ["old", "new", "official", "other"]);
}

#[test]
fn where_a_setting_asks_the_newer_of_two_pages_comes_first_and_a_page_on_something_else_does_not() {
    let settings = Settings { recent_half_life_days: 90, ..Settings::default() };

    assert_eq!(order(&settings), ["new", "old", "official", "other"]);
}

#[test]
fn where_a_setting_asks_a_label_or_a_space_comes_first() {
    let labels = Settings { preferred_labels: vec!["BOARD".into()], preferred_gain: 0.5, ..Settings::default() };
    let spaces = Settings { preferred_spaces: vec!["new".into()], ..Settings::default() };

    assert_eq!(order(&labels), ["official", "old", "new", "other"]);
    assert_eq!(order(&spaces), ["new", "old", "official", "other"]);
}

#[test]
fn only_the_best_change_places_and_all_others_still_come_after_them() {
    let mut many: Vec<Page> = (0..300).map(|n| page(&format!("p{n:03}"), "staff", "Badges", "The badge.")).collect();
    many.iter_mut().enumerate().for_each(|(n, page)| page.text = format!("Badge number {n} opens gate {n}."));
    many.push(Page {
        space: "NEW",
        ..page("last", "staff", "Canteen", "Some badge or other pays for all of the lunch.")
    });
    let settings = Settings { recent_half_life_days: 90, recent_gain: 1.0, ..Settings::default() };
    let world = world(&settings, &many);
    let query = Query { words: "badge gate".into(), vector: None };
    let find = |most| {
        let found = world.index.search(&world.sight(&["staff"]), &query, &Scope::default(), most).unwrap();
        found.iter().map(|found| found.head().id.local().to_owned()).collect::<Vec<_>>()
    };

    assert!(!find(10).contains(&"last".to_owned()), "it is not among the best, new as it is");
    let all = find(1000);
    assert_eq!(all.len(), 301);
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), 301);
}

#[test]
fn hidden_pages_change_no_byte_of_an_order_that_leans() {
    let settings = Settings {
        recent_half_life_days: 300,
        recent_gain: 0.7,
        preferred_labels: vec!["board".into()],
        preferred_spaces: vec!["new".into()],
        ..Settings::default()
    };
    let mut pages = visible();
    pages.iter_mut().step_by(3).for_each(|page| page.space = "NEW");
    let alone = shown(&world(&settings, &pages));
    assert!(differences(&alone, &shown(&world(&Settings::default(), &pages))) > 0, "it does lean");

    for (family, hidden) in hidden() {
        let mixed: Vec<Page> = hidden.into_iter().chain(pages.iter().cloned()).collect();
        assert_eq!(differences(&alone, &shown(&world(&settings, &mixed))), 0, "{family}");
    }
}
