//! What should be found is found, and by whom.

use super::*;

fn pages() -> Vec<Page> {
    vec![
        page("pager", "staff", "On-call rota", "The pager rings in the night. Whoever is on call answers it."),
        page("it", "staff", "IT desk", "The desk helps with laptops. Write to the desk."),
        page("poem", "staff", "A poem", "It was late and it was dark, and it was said that it would rain."),
        page("code", "staff", "Client settings", "Set retry_limit to three in client.toml, from v2.3.1 on."),
        page("pay", "board", "Salaries", "The pager of the board rings for pay questions."),
    ]
}

#[test]
fn only_what_may_be_read_is_found() {
    let world = World::with(&pages());

    assert_eq!(world.finds(&["staff"], "who answers the pager?"), ["pager"]);
    assert_eq!(world.finds(&["board"], "who answers the pager?"), ["pay"]);
    assert_eq!(world.finds(&["staff", "board"], "pager").len(), 2);
    assert_eq!(world.finds(&["sales"], "pager"), Vec::<String>::new());
}

#[test]
fn titles_acronyms_and_identifiers_are_found_by_their_form() {
    let world = World::with(&pages());

    assert_eq!(world.finds(&["staff"], "IT")[0], "it");
    assert_eq!(world.finds(&["staff"], "On-call rota")[0], "pager");
    for form in ["retry_limit", "client.toml", "v2.3.1"] {
        assert_eq!(world.finds(&["staff"], form), ["code"], "{form}");
    }
}

#[test]
fn a_page_that_is_called_what_is_asked_for_comes_before_pages_that_speak_of_it() {
    let speaks = "The travel guide says so. The travel guide is long. Read the travel guide before you travel.";
    let world = World::with(&[
        page("plain", "staff", "Travel guide", "Book trains early and keep every receipt."),
        page("speaks", "staff", "Travel guide for hotels in the capital", speaks),
        page("other", "staff", "Expenses", speaks),
    ]);

    assert_eq!(world.finds(&["staff"], "the travel guide"), ["plain", "speaks", "other"]);
}

#[test]
fn other_forms_of_a_word_are_found() {
    let world = World::with(&pages());

    assert_eq!(world.finds(&["staff"], "answering nights"), ["pager"]);
}

#[test]
fn a_page_is_found_by_meaning_where_it_shares_no_telling_word() {
    let world = World::with(&pages());
    let vector = Some(vector_of("the pager rings in the night, whoever answers"));

    let found =
        world.index.search(&world.sight(&["staff"]), &Query { words: "beeper".into(), vector }, &Scope::default(), 3);

    assert_eq!(found.unwrap()[0].head().id.local(), "pager");
}

#[test]
fn every_passage_is_found_by_its_own_words_by_those_who_may_read_it_and_by_nobody_else() {
    let groups = ["staff", "board", "sales"];
    let pages: Vec<Page> = (0..60)
        .map(|n| {
            let text: String =
                (0..40).map(|m| format!("The thing with number {m} of {n} is zq{n}x{m} here. ")).collect();
            page(&format!("p{n}"), groups[n % 3], &format!("Page {n}"), &text)
        })
        .collect();
    let world = World::with(&pages);

    for (n, page) in pages.iter().enumerate() {
        for m in [0, 20, 39] {
            for who in groups {
                let found = world.finds(&[who], &format!("zq{n}x{m}"));
                assert_eq!(found, if who == page.group { vec![page.id.clone()] } else { vec![] }, "zq{n}x{m} by {who}");
            }
        }
    }
}

#[test]
fn a_scope_takes_away() {
    let mut pages = pages();
    pages[1].space = "HR";
    let world = World::with(&pages);
    let desk = |scope: Scope| world.finds_in(&["staff"], "desk pager rain", &scope);
    let all = Scope::default();

    assert_eq!(desk(all.clone()).len(), 3);
    assert_eq!(desk(Scope { spaces: vec!["hr".into()], ..all.clone() }), ["it"]);
    assert_eq!(desk(Scope { spaces: vec!["HR".into(), "ENG".into()], ..all.clone() }).len(), 3);
    assert_eq!(desk(Scope { labels: vec!["Staff".into()], ..all.clone() }).len(), 3);
    assert_eq!(desk(Scope { labels: vec!["board".into()], ..all.clone() }), Vec::<String>::new());
    assert_eq!(desk(Scope { authors: vec!["ada lovelace".into()], ..all.clone() }).len(), 3);
    assert_eq!(desk(Scope { authors: vec!["Bob".into()], ..all.clone() }), Vec::<String>::new());
    assert_eq!(desk(Scope { sources: vec!["wiki".into()], ..all.clone() }).len(), 3);
    assert_eq!(desk(Scope { sources: vec!["other".into()], ..all.clone() }), Vec::<String>::new());
    assert_eq!(desk(Scope { kinds: vec![Kind::Page, Kind::Comment], ..all.clone() }).len(), 3);
    assert_eq!(desk(Scope { kinds: vec![Kind::Attachment], ..all.clone() }), Vec::<String>::new());
    assert_eq!(desk(Scope { updated_after: Some(5000), ..all.clone() }), ["pager"]);
    assert_eq!(desk(Scope { updated_before: Some(3000), ..all.clone() }), ["it"]);
    assert_eq!(desk(Scope { authors: vec!["grace hopper".into()], ..all.clone() }).len(), 3, "who made it");
    assert_eq!(desk(Scope { created_after: Some(500), ..all.clone() }), ["pager"]);
    assert_eq!(desk(Scope { created_before: Some(300), ..all.clone() }), ["it"]);
    assert_eq!(desk(Scope { parents: vec![id_of("HR")], ..all.clone() }), ["it"]);
    assert_eq!(desk(Scope { parents: vec![id_of("root")], ..all.clone() }), Vec::<String>::new(), "not further above");
    assert!(!desk(Scope { without: vec![id_of("pager")], ..all }).contains(&"pager".to_owned()));
}

#[test]
fn a_page_of_which_it_is_not_known_when_it_was_made_is_in_no_span_of_time() {
    let world = World::with(&pages());
    let before = |scope: Scope| world.finds_in(&["staff"], "desk pager rain", &scope);
    let mut document = pages()[1].document();
    document.made = Made::default();
    let passages = cut(&document, Sizes::default());

    world.index.change(Change::Replace(&document, world.class("staff"), &passages, None)).unwrap();
    world.index.commit(9).unwrap();

    assert!(before(Scope::default()).contains(&"it".to_owned()));
    let any = Scope { created_after: Some(i64::MIN), created_before: Some(i64::MAX), ..Scope::default() };
    assert!(!before(any).contains(&"it".to_owned()));
    assert_eq!(before(Scope { authors: vec!["Ada Lovelace".into()], ..Scope::default() }).len(), 3);
}

#[test]
fn a_document_is_opened_and_a_passage_read_again_only_with_the_right_to() {
    let world = World::with(&pages());
    let id = PassageId { document: id_of("pay"), revision: 1, place: 0 };
    let (board, staff) = (world.sight(&["board"]), world.sight(&["staff"]));

    let opened = world.index.open_document(&board, &id.document).unwrap().unwrap();
    assert_eq!(opened.document().title, "Salaries");
    assert_eq!(opened.passages().len(), 1);
    assert_eq!(opened.class(), world.class("board"));
    assert_eq!(world.index.reread(&board, &id).unwrap().unwrap().passage(), &opened.passages()[0]);
    assert_eq!(world.index.head(&board, &id.document).unwrap().unwrap().title, "Salaries");

    assert!(world.index.open_document(&staff, &id.document).unwrap().is_none());
    assert!(world.index.reread(&staff, &id).unwrap().is_none());
    assert!(world.index.head(&staff, &id.document).unwrap().is_none());
    let older = PassageId { revision: 0, ..id };
    assert!(world.index.reread(&board, &older).unwrap().is_none(), "another revision is not there");
}

#[test]
fn the_newest_pages_and_the_spaces_are_those_that_may_be_read() {
    let mut pages = pages();
    pages[4].space = "BOARD";
    let world = World::with(&pages);
    let staff = world.sight(&["staff"]);

    let newest: Vec<_> =
        world.index.newest(&staff, &Scope::default(), 2).unwrap().into_iter().map(|head| head.title).collect();
    assert_eq!(newest[0], "On-call rota");
    let other = Scope { sources: vec!["other".to_owned()], ..Scope::default() };
    let own = Scope { sources: vec!["wiki".to_owned()], ..Scope::default() };
    assert_eq!(world.index.newest(&staff, &own, 2).unwrap().len(), newest.len());
    assert!(world.index.newest(&staff, &other, 2).unwrap().is_empty());
    assert!(world.index.spaces(&staff, &other).unwrap().is_empty());
    let spaces: Vec<_> =
        world.index.spaces(&staff, &Scope::default()).unwrap().into_iter().map(|space| space.key).collect();
    assert_eq!(spaces, ["ENG"]);
    assert_eq!(world.index.spaces(&world.sight(&["board"]), &Scope::default()).unwrap()[0].name, "The BOARD space");
    assert_eq!(world.index.counts().unwrap(), (5, 5));
}

#[test]
fn of_a_page_copied_to_another_space_the_best_copy_is_found_and_as_many_others_as_are_wanted() {
    let text = "Hang the badge on the hook. The office is open from 9 to 5 on each day of the week, and closed on the \
        last Friday of June.";
    let copy = |n: usize| Page { space: "HR", ..page(&format!("copy{n:02}"), "staff", "Office", text) };
    let mut pages: Vec<Page> = (0..70).map(copy).collect();
    pages.push(page("berlin", "staff", "Office", &text.replace("9 to 5", "8 to 4")));
    pages.push(page("walk", "staff", "Walk", "The way to the office leads through the park."));
    let world = World::with(&pages);

    let found = world.finds(&["staff"], "office open");
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[0].starts_with("copy") || found[1].starts_with("copy"), "{found:?}");
    assert!(found.contains(&"berlin".to_owned()) && found[2] == "walk", "{found:?}");
    // More are looked for than the seventy copies take.
    let query = Query { words: "office open".into(), vector: None };
    let best = world.index.search(&world.sight(&["staff"]), &query, &Scope::default(), 3).unwrap();
    assert_eq!(best.len(), 3);

    let narrow = Scope { spaces: vec!["HR".into()], ..Scope::default() };
    assert_eq!(world.finds_in(&["staff"], "office open", &narrow).len(), 1);
}

#[test]
fn a_hidden_copy_folds_nothing() {
    let text = "The board's pager rings at night, and whoever hears it first answers it within ten minutes or calls the \
        next one on the list.";
    let world = World::with(&[page("open", "staff", "Pager", text), page("shut", "board", "Pager", text)]);

    assert_eq!(world.finds(&["staff"], "pager"), ["open"]);
    assert_eq!(world.finds(&["board"], "pager"), ["shut"]);
    assert_eq!(world.finds(&["staff", "board"], "pager").len(), 1);
}

#[test]
fn what_is_looked_for_in_several_ways_is_ranked_by_the_sum() {
    let world = World::with(&[
        page("plan", "staff", "Dental plan", "The dental plan is open to everybody."),
        page("cost", "staff", "What the dental plan costs", "It costs nothing to you."),
        page("lunch", "staff", "Canteen", "Lunch costs little, and it costs less on Fridays."),
    ]);
    let query = |words: &str| Query { words: words.into(), vector: Some(vector_of(words)) };
    let (asked, both) = (query("what does it cost"), query("am I eligible for the dental plan, what does it cost"));
    let sight = world.sight(&["staff"]);
    let scores = |queries: &[(&Query, f32)]| -> BTreeMap<String, f32> {
        let found = world.index.search_together(&sight, queries, &Scope::default(), 9).unwrap();
        found.iter().map(|found| (found.head().id.local().to_owned(), found.score())).collect()
    };

    let (one, other) = (scores(&[(&asked, 1.0)]), scores(&[(&both, 1.0)]));
    let together = scores(&[(&asked, 1.0), (&both, -0.5)]);

    assert_eq!(together.len(), 2, "the plan is found only by what counts against it");
    for (id, score) in together {
        let sum = (one.get(&id).unwrap_or(&0.0) - 0.5 * other.get(&id).unwrap_or(&0.0)).max(0.0);
        assert!((score - sum).abs() < 1e-5, "{id}: {score} is not {sum}");
    }
    let best = world.index.search_together(&sight, &[(&asked, 1.0), (&both, 1.0)], &Scope::default(), 1).unwrap();
    assert_eq!(best[0].head().id.local(), "cost");
}
