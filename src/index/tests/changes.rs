//! Changes: what acts at once, what waits for a commit, and what no change brings back.

use std::fs::File;

use super::*;

const NOBODY: Vec<String> = Vec::new();

fn secret() -> Page {
    page("rota", "staff", "Rota", "The pager number is 4417.")
}

#[test]
fn what_is_withheld_is_gone_at_once_and_until_its_new_class_is_committed() {
    let world = World::with(&[secret()]);
    let id = id_of("rota");

    world.change(Change::Withhold(&id));
    assert_eq!(world.finds(&["staff"], "pager"), NOBODY);
    assert!(world.index.open_document(&world.sight(&["staff"]), &id).unwrap().is_none());

    world.commit();
    assert_eq!(world.finds(&["staff"], "pager"), NOBODY, "a commit of other things does not bring it back");

    world.change(Change::Reclass(&id, world.class("on-call")));
    world.commit();
    assert_eq!(world.finds(&["staff"], "pager"), NOBODY);
    assert_eq!(world.finds(&["on-call"], "pager"), ["rota"]);
}

#[test]
fn what_is_withheld_after_its_change_and_before_the_commit_stays_withheld() {
    let world = World::with(&[secret()]);

    world.add(&[secret()]);
    world.change(Change::Withhold(&id_of("rota")));
    world.commit();

    assert_eq!(world.finds(&["staff"], "pager"), NOBODY);
}

#[test]
fn what_is_removed_is_gone_at_once_and_may_come_back_as_new() {
    let world = World::with(&[secret()]);

    world.change(Change::Remove(&id_of("rota")));
    assert_eq!(world.finds(&["staff"], "pager"), NOBODY);
    world.commit();
    assert_eq!(world.finds(&["staff"], "pager"), NOBODY);
    assert_eq!(world.index.counts().unwrap(), (0, 0));

    world.add(&[secret()]);
    world.commit();
    assert_eq!(world.finds(&["staff"], "pager"), ["rota"]);
}

#[test]
fn a_replaced_page_is_found_by_its_new_words_alone() {
    let world = World::with(&[secret()]);

    let mut newer = secret();
    (newer.text, newer.revision) = ("The beeper number is 4418.".into(), 2);
    world.add(&[newer]);
    assert_eq!(world.finds(&["staff"], "pager"), ["rota"], "not before the commit");
    world.commit();

    assert_eq!(world.finds(&["staff"], "pager"), NOBODY);
    assert_eq!(world.finds(&["staff"], "beeper"), ["rota"]);
}

#[test]
fn a_late_vector_does_not_bring_an_old_class_or_old_words_back() {
    let world = World::with(&[secret()]);
    let passage = PassageId { document: id_of("rota"), revision: 1, place: 0 };
    let vectors = [(passage.clone(), vector_of("pager"))];

    let mut narrowed = secret();
    narrowed.group = "on-call";
    world.add(&[narrowed]);
    world.change(Change::Vectors(&vectors));
    world.commit();
    assert_eq!(world.finds(&["staff"], "pager"), NOBODY);
    assert_eq!(world.finds(&["on-call"], "pager"), ["rota"]);

    world.change(Change::Vectors(&vectors));
    world.change(Change::Reclass(&passage.document, world.class("board")));
    world.change(Change::Vectors(&vectors));
    world.commit();
    assert_eq!(world.finds(&["on-call"], "pager"), NOBODY);
    assert_eq!(world.finds(&["board"], "pager"), ["rota"]);
    assert_eq!(world.index.counts().unwrap(), (1, 1));
}

#[test]
fn a_class_changed_twice_before_a_commit_is_the_last_one() {
    let world = World::with(&[secret()]);
    let mut newer = secret();
    (newer.text, newer.revision) = ("The beeper number is 4418.".into(), 2);

    world.add(&[newer]);
    world.change(Change::Reclass(&id_of("rota"), world.class("board")));
    world.change(Change::Reclass(&id_of("rota"), world.class("on-call")));
    world.commit();

    assert_eq!(world.finds(&["on-call"], "beeper"), ["rota"]);
    assert_eq!(world.finds(&["staff", "board"], "beeper pager"), NOBODY);
}

#[test]
fn vectors_come_later_and_stay_with_a_new_class() {
    let world = World::new();
    let document = secret().document();
    let passages = cut(&document, Sizes::default());
    world.change(Change::Replace(&document, world.class("staff"), &passages, None));
    assert_eq!(world.index.without_vectors(10).unwrap(), []);
    world.commit();

    let bare = world.index.without_vectors(10).unwrap();
    assert_eq!(bare, [(passages[0].id.clone(), "Rota\nThe pager number is 4417.".to_owned())]);
    world.change(Change::Vectors(&[(bare[0].0.clone(), vector_of("beeper"))]));
    world.commit();
    assert_eq!(world.index.without_vectors(10).unwrap(), []);

    world.change(Change::Reclass(&document.id, world.class("board")));
    world.commit();
    let query = Query { words: "nothing".into(), vector: Some(vector_of("beeper")) };
    let found = world.index.search(&world.sight(&["board"]), &query, &Scope::default(), 5).unwrap();
    assert_eq!(found.len(), 1);
}

#[test]
fn what_is_committed_is_there_after_opening_again_and_nothing_else() {
    let world = World::with(&[secret()]);
    world.index.commit(41).unwrap();
    world.add(&[page("late", "staff", "Late", "The pager that was not committed.")]);

    let sight = world.sight(&["staff"]);
    let World { folder, index, .. } = world;
    drop(index);
    let index = Index::open(folder.path(), &Settings::default()).unwrap();

    assert_eq!(index.reached(), 41);
    let query = Query { words: "pager".into(), vector: None };
    let found = index.search(&sight, &query, &Scope::default(), 9).unwrap();
    assert_eq!(found.iter().map(|found| found.head().id.local()).collect::<Vec<_>>(), ["rota"]);
}

#[test]
fn an_index_of_another_form_or_a_damaged_one_is_stale() {
    assert!(matches!(writing::reached_of("sotto-0 12"), Err(Error::Stale(_))));
    assert!(matches!(writing::reached_of("12"), Err(Error::Stale(_))));

    let world = World::with(&[secret()]);
    let World { folder, index, .. } = world;
    drop(index);
    let folder = folder.path();
    let is_text = |path: &Path| path.extension().is_some_and(|ending| ending == "store");
    let text =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).find(|path| is_text(path)).unwrap();
    let mut bytes = std::fs::read(&text).unwrap();
    bytes[20] ^= 1;
    std::io::Write::write_all(&mut File::create(&text).unwrap(), &bytes).unwrap();

    assert!(matches!(Index::open(folder, &Settings::default()), Err(Error::Stale(_))));
}

#[test]
fn a_commit_that_a_crash_broke_off_does_not_keep_the_one_after_the_next_start_from_being_made() {
    let World { folder, trial, index } =
        World::with(&[secret(), page("leave", "staff", "Leave", "There are 28 days.")]);
    let meta = folder.path().join("meta.json");
    let before = std::fs::read(&meta).unwrap();
    index.change(Change::Remove(&id_of("rota"))).unwrap();
    index.commit(index.reached() + 1).unwrap();
    drop(index);
    // The process died before the commit had its name; what it had written for it is there.
    std::io::Write::write_all(&mut File::create(&meta).unwrap(), &before).unwrap();
    let path = folder.path().to_owned();
    let left = || -> usize {
        let names = std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_str().unwrap().ends_with(".del")).count()
    };
    assert_eq!(left(), 1);

    let index = Index::open(folder.path(), &Settings::default()).unwrap();

    assert_eq!(left(), 0);
    let world = World { folder, trial, index };
    assert_eq!(world.finds(&["staff"], "pager"), ["rota"], "it was never acknowledged as removed");
    world.change(Change::Remove(&id_of("rota")));
    world.commit();
    assert_eq!(world.finds(&["staff"], "pager"), NOBODY);
    assert_eq!(world.finds(&["staff"], "days"), ["leave"]);
}
