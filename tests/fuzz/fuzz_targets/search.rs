//! Any query and any filters, for a person of any groups: never a panic, never an error, never a page that may not be read
//! or that the filters leave out; and what is found is the same, score by score, as in an index that holds the readable
//! pages alone.

#![no_main]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use sotto::probe::{
    AnyOf, Block, Change, Classes, Document, DocumentId, Found, GroupId, Index, IndexSettings, Kind, Principal,
    PrincipalSet, Query, Rule, Scope, Sizes, SourceId, Space, Store, Visibility, cut,
};

/// Who may be a reader. Nobody here is ever in `board`.
const GROUPS: [&str; 3] = ["staff", "sales", "night"];
const SPACES: [&str; 3] = ["ENG", "HR", "Ärzte"];
const LABELS: [&str; 4] = ["howto", "Rota", "年假", ""];
const AUTHORS: [&str; 2] = ["Ada Lovelace", "Émile Zola"];
const DIMENSIONS: usize = 64;

/// What pages are made of, and what queries are likely to hit: plain words, forms of one word, other scripts and languages,
/// marks, and what is syntax elsewhere.
const WORDS: [&str; 48] = [
    "pager", "pagers", "rota", "night", "on-call", "leave", "Urlaub", "Urlaubstage", "läuft", "бег", "年假", "🎉", "IT",
    "it", "user_name", "v2.3.1", "C++", ".NET", "#general", "1,000", "1000", "the", "of", "who", "l'entreprise",
    "remboursées", "Straße", "ﬁle", "file", "e\u{301}", "é", "\u{202e}", "\u{feff}", "\u{0}", "\"", "(", "title:rota",
    "AND", "OR", "-leave", "*", "lift^9", "~", "[a TO b]", "{!x}", "\\", "a", "",
];

/// A word: one that pages have, or any text.
#[derive(Debug, Arbitrary)]
enum Word<'a> {
    Known(u8),
    Any(&'a str),
}

impl Word<'_> {
    fn of<'a>(&'a self, known: &[&'a str]) -> &'a str {
        match self {
            Word::Known(number) => known[usize::from(*number) % known.len()],
            Word::Any(text) => text,
        }
    }
}

/// What is meant, as a vector.
#[derive(Debug, Arbitrary)]
enum Meaning {
    Nothing,
    /// That of the words.
    Words,
    /// Any numbers, which need not be numbers, and may be too many.
    Any(Vec<f32>),
}

/// One case.
#[derive(Debug, Arbitrary)]
struct Case<'a> {
    /// Bit by bit, the groups that the person is in.
    groups: u8,
    words: Vec<Word<'a>>,
    /// Whether spaces stand between the words.
    is_spaced: bool,
    meaning: Meaning,
    sources: Vec<Word<'a>>,
    spaces: Vec<Word<'a>>,
    labels: Vec<Word<'a>>,
    authors: Vec<Word<'a>>,
    updated_after: Option<i64>,
    /// In days, so that it is sometimes between two pages.
    updated_before: Option<i8>,
    without: Vec<u8>,
    most: u8,
}

/// A page, and which group may read it.
struct Page {
    document: Document,
    group: &'static str,
}

struct World {
    classes: Classes,
    pages: Vec<Page>,
    /// All pages, hidden ones too; some were changed and some are gone again.
    whole: Index,
    /// For each set of groups, the pages that they may read and no others.
    alone: Vec<Index>,
    _folder: tempfile::TempDir,
}

fn dice(state: &mut u64, sides: usize) -> usize {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) as usize % sides
}

fn pages() -> Vec<Page> {
    let mut state = 11;
    let mut page = |number: usize| {
        let mut words = |most: usize| {
            let count = 1 + dice(&mut state, most);
            (0..count).map(|_| WORDS[dice(&mut state, WORDS.len())]).collect::<Vec<_>>().join(" ")
        };
        let (title, heading) = (words(3), words(2));
        // Some texts stand on several pages, so that there are ties and near copies.
        let text = if number % 5 == 4 { "Whoever is on call answers the pager.".to_owned() } else { words(60) };
        let space = SPACES[number % SPACES.len()];
        Page {
            group: GROUPS.get(number % 4).copied().unwrap_or("board"),
            document: Document {
                id: DocumentId::new(["wiki", "files"][number % 2], &number.to_string()).expect("an id"),
                kind: Kind::Page,
                title,
                space: Space { key: space.to_owned(), name: format!("The {space}") },
                url: String::new(),
                container: None,
                ancestors: Vec::new(),
                labels: vec![LABELS[number % LABELS.len()].to_owned()],
                author: AUTHORS[number % AUTHORS.len()].to_owned(),
                updated_ms: number as i64 * DAY_MS / 2,
                made: Default::default(),
                revision: 1,
                blocks: vec![Block::Heading { level: 2, text: heading }, Block::Paragraph { text }],
                links: Vec::new(),
            },
        }
    };
    (0..48).map(&mut page).collect()
}

const DAY_MS: i64 = 86_400_000;

fn group(name: &str) -> Principal {
    Principal::Group(GroupId::Of(SourceId::parse("wiki").expect("a word"), name.into()))
}

/// The groups of a set.
fn groups(set: usize) -> impl Iterator<Item = &'static str> {
    GROUPS.into_iter().enumerate().filter(move |(n, _)| set & (1 << n) != 0).map(|(_, name)| name)
}

/// A vector of unit length made of the words: texts that share words are close.
fn vector_of(text: &str) -> Box<[f32]> {
    let mut sums = BTreeMap::<usize, f32>::new();
    for word in text.split_whitespace() {
        let number = word.bytes().fold(5381u64, |sum, byte| sum.wrapping_mul(33) ^ u64::from(byte));
        *sums.entry(number as usize % DIMENSIONS).or_default() += if number >> 20 & 1 == 0 { 1.0 } else { -1.0 };
    }
    let length = sums.values().map(|x| x * x).sum::<f32>().sqrt().max(1e-6);
    (0..DIMENSIONS).map(|n| sums.get(&n).copied().unwrap_or(0.0) / length).collect()
}

fn add(index: &Index, classes: &Classes, page: &Page) {
    let class = classes.class_of(Rule::new(AnyOf::of([group(page.group)]))).expect("a class");
    let passages = cut(&page.document, Sizes::default());
    let vectors: Vec<_> = passages.iter().map(|passage| vector_of(&passage.text)).collect();
    index.change(Change::Replace(&page.document, class, &passages, Some(&vectors))).expect("a change");
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    let classes = Classes::open(&Store::open(folder.path()).expect("a store")).expect("no classes yet");
    let open = |name: &str| Index::open(&folder.path().join(name), &IndexSettings::default()).expect("an empty index");
    let pages = pages();

    // In another order than elsewhere, in several commits, under other classes first.
    let whole = open("whole");
    for (n, page) in pages.iter().enumerate().rev() {
        add(&whole, &classes, &Page { group: "board", document: page.document.clone() });
        if n % 7 == 0 {
            whole.commit(1).expect("a commit");
        }
    }
    for page in &pages {
        add(&whole, &classes, page);
    }
    let gone: Vec<DocumentId> = (100..120).map(|n| DocumentId::new("wiki", &n.to_string()).expect("an id")).collect();
    for id in &gone {
        let document = Document { id: id.clone(), ..pages[5].document.clone() };
        add(&whole, &classes, &Page { document, group: "staff" });
    }
    whole.commit(2).expect("a commit");
    gone.iter().for_each(|id| whole.change(Change::Remove(id)).expect("a change"));
    whole.commit(3).expect("a commit");

    let of_set = |set: usize| {
        let index = open(&format!("alone-{set}"));
        let readable = pages.iter().filter(|page| groups(set).any(|name| name == page.group));
        readable.for_each(|page| add(&index, &classes, page));
        index.commit(1).expect("a commit");
        index
    };
    let alone = (0..1 << GROUPS.len()).map(of_set).collect();
    World { classes, pages, whole, alone, _folder: folder }
});

fn texts(words: &[Word<'_>], known: &[&str]) -> Vec<String> {
    words.iter().take(8).map(|word| word.of(known).to_owned()).collect()
}

/// Whether the filters admit a page, said once more and simply.
fn admits(scope: &Scope, document: &Document) -> bool {
    let has = |texts: &[String], own: &str| {
        texts.is_empty() || texts.iter().any(|text| text.to_lowercase() == own.to_lowercase())
    };
    (scope.sources.is_empty() || scope.sources.iter().any(|source| source == document.id.source()))
        && has(&scope.spaces, &document.space.key)
        && (scope.labels.is_empty() || document.labels.iter().any(|label| has(&scope.labels, label)))
        && has(&scope.authors, &document.author)
        && scope.updated_after.is_none_or(|after| document.updated_ms >= after)
        && scope.updated_before.is_none_or(|before| document.updated_ms < before)
        && !scope.without.contains(&document.id)
}

/// All that is told of what was found.
fn told(found: &[Found]) -> Vec<String> {
    found.iter().map(|one| format!("{:?} {:?} {:08x}", one.passage(), one.head(), one.score().to_bits())).collect()
}

fuzz_target!(|case: Case| {
    let world = &*WORLD;
    let set = usize::from(case.groups) % world.alone.len();
    let sight: Visibility = world.classes.visible_to(&PrincipalSet::of(groups(set).map(group).collect()));
    let of_query: Vec<&str> = case.words.iter().map(|word| word.of(&WORDS)).collect();
    let words = of_query.join(if case.is_spaced { " " } else { "" });
    let vector = match case.meaning {
        Meaning::Nothing => None,
        Meaning::Words => Some(vector_of(&words)),
        Meaning::Any(numbers) => Some(numbers.into()),
    };
    let scope = Scope {
        sources: texts(&case.sources, &["wiki", "files", "Wiki"]),
        spaces: texts(&case.spaces, &["eng", "HR", "ärzte", "ÄRZTE"]),
        labels: texts(&case.labels, &LABELS),
        authors: texts(&case.authors, &["ada lovelace", "ÉMILE ZOLA", "Ada"]),
        kinds: Vec::new(),
        updated_after: case.updated_after,
        updated_before: case.updated_before.map(|days| i64::from(days) * DAY_MS),
        without: case
            .without
            .iter()
            .map(|n| world.pages[usize::from(*n) % world.pages.len()].document.id.clone())
            .collect(),
    };
    let (query, most) = (Query { words, vector }, usize::from(case.most));

    let found = world.whole.search(&sight, &query, &scope, most).expect("a search is no error");

    assert!(found.len() <= most);
    for one in &found {
        let page = world.pages.iter().find(|page| page.document.id == one.head().id).expect("a page that is there");
        assert!(groups(set).any(|name| name == page.group), "a hidden page was found: {:?}", one.head());
        assert!(admits(&scope, &page.document), "the filters leave out what was found: {:?}", one.head());
        assert!(one.score().is_finite());
    }
    let alone = world.alone[set].search(&sight, &query, &scope, most).expect("a search is no error");
    assert_eq!(told(&found), told(&alone), "hidden pages are felt");
});
