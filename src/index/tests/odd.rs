//! Odd queries and odd scopes: never an error, never a panic, and what is found is what may be read.

use proptest::prelude::*;

use super::*;

fn pages() -> Vec<Page> {
    vec![
        page("pager", "staff", "On-call rota", "The pager rings in the night. Whoever is on call answers it."),
        page("party", "staff", "Party 🎉", "The party 🎉 is on the roof. Läuft am Dach, бег по кругу, 年假 too."),
        page("quote", "staff", "Quotes", "She said \"the lift is out\" and title:lift was found nowhere."),
        page("letter", "staff", "Letters", "Plan Q is next to plan R."),
        page("pay", "board", "Salaries", "The pager of the board rings for pay questions."),
    ]
}

#[test]
fn odd_queries_find_what_they_can_and_are_no_errors() {
    let world = World::with(&pages());
    let long = "pager ".repeat(683);
    let cases: [(&str, &[&str]); 22] = [
        ("", &[]),
        (" \t\n", &[]),
        ("?", &[]),
        ("-", &[]),
        ("*", &[]),
        ("q", &["letter"]),
        ("Q", &["letter"]),
        ("🎉", &["party"]),
        ("🎉🎉🎉", &[]),
        ("\"the lift", &["quote"]),
        ("lift\"", &["quote"]),
        ("((((lift", &["quote"]),
        ("title:lift AND (\"", &["quote"]),
        ("lift OR 1=1; DROP TABLE pages --", &["quote"]),
        ("*:* lift^9 ~lift lift* +lift -lift", &["quote"]),
        ("[lift TO zebra} {!lucene}", &["quote"]),
        ("läuft бег 年假", &["party"]),
        ("LÄUFT", &["party"]),
        ("年假", &["party"]),
        ("\u{0}\u{1}lift\u{7f}", &["quote"]),
        ("\u{202e}lift\u{feff}", &["quote"]),
        (&long, &["pager"]),
    ];
    for (words, wanted) in cases {
        let found = world.finds(&["staff"], words);
        match wanted.first() {
            Some(wanted) => assert_eq!(found.first().map(String::as_str), Some(*wanted), "{words:?}"),
            None => assert_eq!(found, Vec::<String>::new(), "{words:?}"),
        }
        for vector in [vec![], vec![f32::NAN; 64], vec![f32::INFINITY; 64], vec![0.0; 64], vec![1.0; 5000]] {
            let query = Query { words: words.into(), vector: Some(vector.into()) };
            world.index.search(&world.sight(&["staff"]), &query, &Scope::default(), 10).unwrap();
        }
    }
}

#[test]
fn a_question_of_stop_words_alone_finds_the_pages_that_have_them() {
    let world = World::with(&pages());

    assert!(!world.finds(&["staff"], "the of and").is_empty());
    assert!(!world.finds(&["staff"], "who is it").is_empty());
}

#[test]
fn a_query_of_four_thousand_bytes_of_anything_is_answered() {
    let world = World::with(&pages());
    for piece in ["a", "ab ", "🎉", "\"", "(", "年", "é", "a_b.c-", "\u{301}", "1,000 ", "x:y ", "\u{0}"] {
        let words = piece.repeat(4096 / piece.len());
        world.finds(&["staff"], &words);
    }
}

/// Text with what breaks parsers in it.
fn odd_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<String>(),
        "[a-z]{1,8}",
        Just("pager".to_owned()),
        Just("\"".to_owned()),
        Just(" AND ( ".to_owned()),
        Just("\u{0}".to_owned()),
        Just("🎉".to_owned()),
        Just("年假".to_owned()),
    ];
    proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

fn odd_scope() -> impl Strategy<Value = Scope> {
    let texts = || proptest::collection::vec(prop_oneof![odd_text(), Just("eng".to_owned())], 0..3);
    let moment = || proptest::option::of(prop_oneof![any::<i64>(), 0i64..9000]);
    let created = (moment(), moment());
    (texts(), texts(), texts(), texts(), moment(), moment(), created).prop_map(
        |(sources, spaces, labels, authors, updated_after, updated_before, (created_after, created_before))| Scope {
            sources,
            spaces,
            labels,
            authors,
            kinds: Vec::new(),
            updated_after,
            updated_before,
            created_after,
            created_before,
            parents: Vec::new(),
            without: vec![id_of("quote")],
        },
    )
}

#[test]
fn whatever_the_query_and_the_scope_only_what_may_be_read_is_found_and_always_the_same() {
    let cases = std::env::var_os("SOTTO_CASES").and_then(|text| text.to_str()?.parse().ok()).unwrap_or(200);
    let world = World::with(&pages());
    let sight = world.sight(&["staff"]);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let numbers = |count| proptest::collection::vec(-1f32..=1f32, count);
    let numbers = proptest::option::of(prop_oneof![numbers(64..65), numbers(0..70)]);
    runner
        .run(&(odd_text(), odd_scope(), numbers, 0..9usize), |(words, scope, vector, most)| {
            let query = Query { words, vector: vector.map(Into::into) };
            let found = world.index.search(&sight, &query, &scope, most).unwrap();
            let ids = |found: &[Found]| found.iter().map(|found| found.passage().id.clone()).collect::<Vec<_>>();
            prop_assert!(found.len() <= most);
            for found in &found {
                prop_assert!(!["pay", "quote"].contains(&found.head().id.local()), "{:?}", found.head().id);
                prop_assert!(found.score().is_finite());
            }
            prop_assert_eq!(ids(&world.index.search(&sight, &query, &scope, most).unwrap()), ids(&found));
            Ok(())
        })
        .unwrap();
}
