//! Non-interference: a person's results are the same bytes whether or not there are pages they may not read.

use super::*;

const WORDS: [&str; 40] = [
    "pager", "rota", "night", "answer", "server", "restart", "leave", "holiday", "payroll", "grade", "budget",
    "travel", "hotel", "receipt", "laptop", "badge", "office", "desk", "meeting", "agenda", "minutes", "project",
    "plan", "risk", "owner", "review", "design", "build", "release", "test", "branch", "merge", "database", "backup",
    "restore", "alarm", "metric", "graph", "ticket", "customer",
];

/// Numbers that are the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }

    /// A word; the first of the list are the most frequent, as in real text.
    fn word(&mut self) -> &'static str {
        let most = 1 + self.roll(WORDS.len());
        WORDS[self.roll(most)]
    }

    fn text(&mut self, words: usize) -> String {
        (0..words)
            .map(|n| if n % 9 == 8 { format!("{}. ", self.word()) } else { format!("{} ", self.word()) })
            .collect()
    }
}

fn random_pages(dice: &mut Dice, prefix: &str, group: &'static str, count: usize) -> Vec<Page> {
    (0..count)
        .map(|n| {
            let title = format!("{} {}", dice.word(), dice.word());
            let words = 20 + dice.roll(300);
            page(&format!("{prefix}{n}"), group, &title, &dice.text(words))
        })
        .collect()
}

pub(super) fn visible() -> Vec<Page> {
    let mut pages = random_pages(&mut Dice(7), "v", "staff", 30);
    // Two of the same words, so that there are ties to break.
    let twin = pages[3].clone();
    pages.push(Page { id: "twin".into(), ..twin });
    pages
}

fn queries() -> Vec<Query> {
    let mut dice = Dice(99);
    let mut words: Vec<String> = (0..8).map(|n| dice.text(1 + n)).collect();
    words.extend([
        "canary77".into(),
        "pager canary77 rota".into(),
        visible()[3].title.clone(),
        visible()[5].text.clone(),
    ]);
    let query = |words: String| {
        let vector = vector_of(&words);
        [Query { words: words.clone(), vector: None }, Query { words, vector: Some(vector) }]
    };
    words.into_iter().flat_map(query).collect()
}

/// Everything a person of `staff` can be shown, as text: results with their scores, bit for bit.
pub(super) fn shown(world: &World) -> Vec<String> {
    let sight = world.sight(&["staff"]);
    let mut lines = Vec::new();
    let narrow = Scope { spaces: vec!["ENG".into()], ..Scope::default() };
    for query in queries() {
        for (scope, most) in [(&Scope::default(), 100), (&Scope::default(), 4), (&narrow, 9)] {
            let found = world.index.search(&sight, &query, scope, most).unwrap();
            let line = |found: &Found| {
                let score = found.score.to_bits();
                if most < 9 {
                    format!("{:?} {:?} {score:08x}", found.passage, found.head)
                } else {
                    format!("{} {score:08x}", found.passage.id)
                }
            };
            lines.push(format!("{:?} {most}: {:?}", query.words, found.iter().map(line).collect::<Vec<_>>()));
        }
    }
    let queries = queries();
    for ways in queries.windows(4) {
        let ways: Vec<(&Query, f32)> = ways.iter().zip([1.0, 1.0, 0.5, -0.3]).collect();
        let found = world.index.search_together(&sight, &ways, &Scope::default(), 9).unwrap();
        let line = |found: &Found| format!("{} {:08x}", found.passage.id, found.score.to_bits());
        lines.push(format!("together: {:?}", found.iter().map(line).collect::<Vec<_>>()));
    }
    for page in visible().iter().map(|page| id_of(&page.id)).chain([id_of("h0"), id_of("nowhere")]) {
        let opened = world.index.open_document(&sight, &page).unwrap();
        lines.push(format!("{:?}", opened.map(|opened| (opened.document, opened.passages))));
        lines.push(format!("{:?}", world.index.head(&sight, &page).unwrap()));
        let passage = PassageId { document: page, revision: 1, place: 0 };
        lines.push(format!("{:?}", world.index.reread(&sight, &passage).unwrap().map(|found| found.passage)));
    }
    lines.push(format!("{:?}", world.index.newest(&sight, &Scope::default(), 12).unwrap()));
    lines.push(format!("{:?}", world.index.spaces(&sight, &Scope::default()).unwrap()));
    lines
}

/// The pages nobody of `staff` may read, by family.
pub(super) fn hidden() -> Vec<(&'static str, Vec<Page>)> {
    let mut dice = Dice(1234);
    let near = |page: &Page| Page {
        id: format!("h{}", page.id),
        group: "board",
        text: format!("{} pager.", page.text),
        ..page.clone()
    };
    let copy = |page: &Page| Page { id: format!("h{}", page.id), group: "board", ..page.clone() };
    let mut spaced = random_pages(&mut dice, "h", "board", 3);
    spaced.iter_mut().for_each(|page| page.space = "SECRET");
    vec![
        ("one page", random_pages(&mut dice, "h", "board", 1)),
        ("ten times as many", random_pages(&mut dice, "h", "board", 310)),
        (
            "canary terms",
            (0..5).map(|n| page(&format!("h{n}"), "board", "canary77", &"canary77 ".repeat(90))).collect(),
        ),
        ("near duplicates", visible().iter().map(near).collect()),
        ("copies", visible().iter().map(copy).collect()),
        ("the queries themselves", {
            let page_of = |(n, query): (usize, &Query)| page(&format!("h{n}"), "board", &query.words, &query.words);
            queries().iter().enumerate().map(page_of).collect()
        }),
        ("another space", spaced),
        ("another language", {
            let german = "Der Bereitschaftsdienst hat in dieser Nacht den Server und das Backup, und wer den Alarm \
                hört, nimmt ihn an. Pager, Rota, Night, Answer, Release: so heißen die Seiten, auf denen das steht. ";
            (0..5).map(|n| page(&format!("h{n}"), "board", "Die Nacht", &german.repeat(3))).collect()
        }),
        (
            "very long and empty pages",
            vec![
                page("h0", "board", "pager", &dice.text(20_000)),
                page("h1", "board", "rota", ""),
                page("h2", "board", "", ""),
            ],
        ),
    ]
}

/// A world with hidden pages, which came before, between and after the others and in commits of their own.
fn mixed(hidden: &[Page]) -> World {
    let world = World::new();
    let visible = visible();
    let (before, after) = hidden.split_at(hidden.len() / 2);
    world.add(before);
    world.add(&visible[..10]);
    world.commit();
    world.add(&visible[10..20]);
    world.add(after);
    world.commit();
    world.add(&visible[20..]);
    world.commit();
    world
}

pub(super) fn differences(one: &[String], other: &[String]) -> usize {
    assert_eq!(one.len(), other.len());
    one.iter().zip(other).filter(|(a, b)| a != b).count()
}

#[test]
fn hidden_pages_of_every_family_change_no_byte() {
    let alone = shown(&World::with(&visible()));
    assert!(alone.iter().filter(|line| line.contains("wiki:v")).count() > 60, "the queries find something");

    for (family, pages) in hidden() {
        let world = mixed(&pages);
        assert_eq!(differences(&alone, &shown(&world)), 0, "{family}");
    }
}

#[test]
fn the_best_few_are_the_first_of_all_of_them() {
    // What is skipped because it cannot be among the best is not skipped when all are asked for.
    let world = mixed(&random_pages(&mut Dice(11), "h", "board", 40));
    for sight in [world.sight(&["staff"]), world.sight(&["staff", "board"])] {
        for query in queries() {
            let best = |most: usize| {
                let found = world.index.search(&sight, &query, &Scope::default(), most).unwrap();
                found.iter().map(|found| (found.passage.id.clone(), found.score.to_bits())).collect::<Vec<_>>()
            };
            let all = best(100_000);
            for most in [1, 2, 5, 20] {
                assert_eq!(best(most), all[..most.min(all.len())], "{:?}", query.words);
            }
        }
    }
}

#[test]
fn pages_in_another_order_and_in_other_segments_change_no_byte() {
    let alone = shown(&World::with(&visible()));

    let mut backwards = visible();
    backwards.reverse();
    let world = World::new();
    for page in &backwards {
        world.add(std::slice::from_ref(page));
        world.commit();
    }

    assert_eq!(differences(&alone, &shown(&world)), 0);
}

#[test]
fn deleted_replaced_and_withheld_pages_change_no_byte() {
    let alone = shown(&World::with(&visible()));
    let passing = random_pages(&mut Dice(5), "gone", "staff", 40);
    let world = World::new();
    world.add(&passing);
    let old: Vec<Page> = visible().into_iter().map(|page| Page { text: "pager ".repeat(50), ..page }).collect();
    world.add(&old);
    world.commit();

    world.add(&visible());
    for (n, page) in passing.iter().enumerate() {
        let id = id_of(&page.id);
        world.change(if n % 2 == 0 { Change::Remove(&id) } else { Change::Withhold(&id) });
    }
    world.commit();
    assert_eq!(differences(&alone, &shown(&world)), 0);

    // Withheld after the commit, when views with the page are at hand.
    world.add(&random_pages(&mut Dice(6), "late", "staff", 1));
    world.commit();
    assert!(differences(&alone, &shown(&world)) > 0, "a page that may be read does change something");
    world.change(Change::Withhold(&id_of("late0")));
    assert_eq!(differences(&alone, &shown(&world)), 0);
}

#[test]
fn hidden_pages_change_no_byte_while_some_vectors_are_missing() {
    let build = |hidden: &[Page]| {
        let world = World::new();
        let visible = visible();
        for (n, page) in visible.iter().enumerate() {
            let document = page.document();
            let passages = cut(&document, Sizes::default());
            let vectors: Vec<_> = passages.iter().map(|passage| vector_of(&passage.text)).collect();
            let vectors = (n % 3 == 0).then_some(vectors.as_slice());
            world.change(Change::Replace(&document, world.class("staff"), &passages, vectors));
        }
        world.add(hidden);
        world.commit();
        world
    };
    // A hub: close to everything that is asked.
    let hub = page("hub", "board", "hub", &WORDS.join(" "));

    let alone = shown(&build(&[]));

    assert_eq!(differences(&alone, &shown(&build(&[hub]))), 0);
}

#[test]
fn hidden_pages_do_not_choose_which_pages_are_embedded_first_and_in_the_end_change_no_byte() {
    /// The passages of `staff` in the order in which they are embedded, two at a time.
    fn order(world: &World) -> Vec<PassageId> {
        let sight = world.sight(&["staff"]);
        let mut order = Vec::new();
        loop {
            let bare = world.index.without_vectors(2).unwrap();
            if bare.is_empty() {
                return order;
            }
            let seen = |id: &PassageId| world.index.reread(&sight, id).unwrap();
            let made: Vec<_> = bare.into_iter().map(|(id, text)| (id, vector_of(&text))).collect();
            order.extend(made.iter().filter_map(|(id, _)| Some(seen(id)?.passage.id)));
            world.change(Change::Vectors(&made));
            world.commit();
        }
    }
    let bare = |hidden: &[Page]| {
        let world = World::new();
        for page in hidden.iter().chain(&visible()[..8]) {
            let document = page.document();
            world.change(Change::Replace(&document, world.class(page.group), &cut(&document, Sizes::default()), None));
        }
        world.commit();
        world
    };
    let (alone, crowded) = (bare(&[]), bare(&random_pages(&mut Dice(3), "h", "board", 5)));

    assert_eq!(order(&alone), order(&crowded));
    assert_eq!(differences(&shown(&alone), &shown(&crowded)), 0);
}

#[test]
fn with_the_statistics_of_all_pages_hidden_pages_are_felt() {
    let stock = |world: World| {
        world.index.count_like_a_stock_engine();
        shown(&world)
    };
    let alone = stock(World::with(&visible()));

    for (family, pages) in hidden() {
        let count = differences(&alone, &stock(mixed(&pages)));
        assert!(count > 0, "the test of non-interference has no teeth for: {family}");
    }
    assert_eq!(differences(&alone, &stock(World::with(&visible()))), 0);
}
