//! How text becomes terms: once by stem, for what it means, and once by exact form, for what it is called.
//!
//! The stems here are English; those of other languages are made in `language`. What is of no known language, and every
//! title, acronym and code identifier, is found by its exact form.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::mem;

use tantivy::tokenizer::{
    AsciiFoldingFilter, Language as Stemming, LowerCaser, RawTokenizer, Stemmer, StopWordFilter, TextAnalyzer, Token,
    TokenStream, Tokenizer,
};
use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfkc_quick};
use unicode_segmentation::UnicodeSegmentation as _;

use super::identifier::is_identifier;
use super::language::Language;

/// A longer run is no word that anybody looks for, in bytes.
const TERM_BYTES_MAX: usize = 80;

/// Different words whose stems are remembered while one segment is written.
const KNOWN_MAX: usize = 1 << 16;

/// A question's first so many distinct words are looked for; a question of 4 KiB has fewer than twice as many.
const TERMS_MAX: usize = 256;

/// Words that make a text a question or an order and say nothing of what it is about. They are left out of a query while
/// any other word is in it; the stop words of the stems are left out besides.
const ASKING: [&str; 50] = [
    "about", "am", "any", "been", "can", "could", "did", "do", "does", "doing", "from", "had", "has", "have", "having",
    "he", "her", "his", "how", "i", "i'm", "its", "just", "me", "might", "my", "our", "ours", "shall", "she", "should",
    "so", "some", "tell", "than", "them", "those", "us", "we", "were", "what", "when", "where", "which", "who", "whom",
    "why", "would", "you", "your",
];

/// Tantivy's English stop words: see its `StopWordFilter`.
const STOP: [&str; 33] = [
    "a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "if", "in", "into", "is", "it", "no", "not", "of",
    "on", "or", "such", "that", "the", "their", "then", "there", "these", "they", "this", "to", "was", "will", "with",
];

/// The terms of a query, each kind sorted and without repeats: the one order in which scores are summed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Terms {
    /// Stems.
    pub(super) stems: Vec<Stem>,
    /// Exact forms.
    pub(super) forms: Vec<Form>,
}

/// The stems that one word has in the languages there are. A passage has its own language's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stem {
    /// The English one and those of other languages, sorted.
    pub(super) forms: Vec<String>,
    /// It is a stop word of one of the languages: where it stands nowhere, nothing is missed.
    pub(super) is_stop: bool,
}

/// What a word is written like.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Form {
    pub(super) text: String,
    /// It is a name that somebody gave a thing: see [`is_identifier`].
    pub(super) is_identifier: bool,
}

/// Tokens made beforehand, one after the other.
#[derive(Default)]
pub(super) struct Ready {
    /// All of them.
    text: String,
    /// Where each ends.
    ends: Vec<usize>,
    next: usize,
    token: Token,
}

impl Ready {
    fn push(&mut self, word: &str) {
        self.text.push_str(word);
        self.ends.push(self.text.len());
    }
}

impl TokenStream for Ready {
    fn advance(&mut self) -> bool {
        let Some(end) = self.ends.get(self.next) else { return false };
        let begin = self.next.checked_sub(1).map_or(0, |last| self.ends[last]);
        self.token.text.clear();
        self.token.text.push_str(&self.text[begin..*end]);
        self.token.position = self.next;
        self.next += 1;
        true
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}

/// Tokens of these texts, one after the other.
pub(super) fn tokens(texts: Vec<String>) -> Vec<Token> {
    let token = |(position, text)| Token { position, text, ..Token::default() };
    texts.into_iter().enumerate().map(token).collect()
}

/// Splits text into words and makes English stems of them. A text is made of few different words, so what became of each
/// is remembered.
#[derive(Clone)]
struct Stems {
    english: TextAnalyzer,
    /// By the word as it is written; `None` for a stop word.
    known: HashMap<String, Option<String>>,
}

impl Tokenizer for Stems {
    type TokenStream<'a> = Ready;
    fn token_stream<'a>(&'a mut self, text: &'a str) -> Ready {
        let Stems { english, known } = self;
        let mut ready = Ready::default();
        each_word(text, &mut |word| {
            if !known.contains_key(word) {
                if known.len() >= KNOWN_MAX {
                    known.clear();
                }
                let mut stream = english.token_stream(word);
                let stem = stream.advance().then(|| stream.token().text.clone());
                known.insert(word.to_owned(), stem);
            }
            if let Some(Some(stem)) = known.get(word) {
                ready.push(stem);
            }
        });
        ready
    }
}

/// Splits text into exact forms.
#[derive(Clone)]
struct Forms;

impl Tokenizer for Forms {
    type TokenStream<'a> = Ready;
    fn token_stream<'a>(&'a mut self, text: &'a str) -> Ready {
        let mut ready = Ready::default();
        each_form(text, &mut |form| ready.push(form));
        ready
    }
}

/// Makes stems.
pub(super) fn stems() -> TextAnalyzer {
    let english = TextAnalyzer::builder(RawTokenizer::default())
        .filter(LowerCaser)
        .filter(AsciiFoldingFilter)
        .filter(StopWordFilter::remove(STOP.map(str::to_owned)))
        .filter(Stemmer::new(Stemming::English))
        .build();
    TextAnalyzer::builder(Stems { english, known: HashMap::new() }).build()
}

/// Makes exact forms.
pub(super) fn exact() -> TextAnalyzer {
    TextAnalyzer::builder(Forms).build()
}

/// The terms of a query over pages in English and in these other languages. Nothing in it is syntax.
pub(super) fn terms(query: &str, languages: &[Language]) -> Terms {
    let all: Vec<String> = words(query);
    let telling: Vec<&str> =
        all.iter().map(String::as_str).filter(|word| !is_empty_word(&word.to_lowercase())).collect();
    let asked = if telling.is_empty() { all.iter().map(String::as_str).collect() } else { telling };

    let mut analyzer = stems();
    let mut stems: BTreeSet<Stem> = BTreeSet::new();
    for word in asked.iter().flat_map(|word| words(word)) {
        if stems.len() >= TERMS_MAX {
            break;
        }
        let mut stream = analyzer.token_stream(&word);
        let english = stream.advance().then(|| stream.token().text.clone());
        let others: Vec<String> = languages.iter().filter_map(|language| language.stem(&word)).collect();
        let is_stop = others.len() < languages.len();
        let mut forms: Vec<String> = english.into_iter().chain(others).collect();
        forms.sort();
        if !forms.is_empty() {
            add(&mut stems, Stem { forms, is_stop });
        }
    }

    let all = forms(query);
    let is_telling = |form: &&String| !is_empty_word(form);
    let any_telling = all.iter().any(|form| is_telling(&form));
    let texts: BTreeSet<String> =
        all.iter().filter(|form| !any_telling || is_telling(form)).take(TERMS_MAX).cloned().collect();
    let identifiers: BTreeSet<String> = composed(query)
        .split_whitespace()
        .filter(|token| is_identifier(token))
        .map(|token| stripped(token).to_lowercase())
        .collect();
    let form = |text| Form { is_identifier: identifiers.contains(&text), text };
    Terms { stems: stems.into_iter().collect(), forms: texts.into_iter().map(form).collect() }
}

/// Whether a word in lower case says nothing of what a question is about.
pub(super) fn is_empty_word(word: &str) -> bool {
    STOP.contains(&word) || ASKING.contains(&word)
}

/// Adds a stem, and makes one of those that have a form in common: no form counts twice.
fn add(stems: &mut BTreeSet<Stem>, mut stem: Stem) {
    let shares = |one: &Stem, other: &Stem| one.forms.iter().any(|form| other.forms.contains(form));
    while let Some(other) = stems.iter().find(|other| shares(other, &stem)).cloned() {
        stems.remove(&other);
        let mut forms = mem::take(&mut stem.forms);
        forms.extend(other.forms);
        forms.sort();
        forms.dedup();
        stem = Stem { forms, is_stop: stem.is_stop && other.is_stop };
    }
    stems.insert(stem);
}

/// Marks that part things without a space.
const PARTING: &[char] = &['(', ')', '[', ']', '{', '}', '<', '>', '=', ',', ';', '|', '"', '`', '\u{2014}'];

/// Words by UAX #29, parted further at marks inside (`user_name`, `a.b`), save numbers (`1,000`), which lose their commas.
/// Signs of scripts without spaces come singly and in pairs.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    each_word(text, &mut |word| words.push(word.to_owned()));
    words
}

/// Gives each word, in order.
fn each_word(text: &str, each: &mut dyn FnMut(&str)) {
    // No word goes over a space, and a run in ASCII is far quicker to part: one dash must not make a whole text slow.
    composed(text).split_ascii_whitespace().for_each(|run| each_word_of_run(run, each));
}

fn each_word_of_run(run: &str, each: &mut dyn FnMut(&str)) {
    if is_plain(run) {
        if run.len() <= TERM_BYTES_MAX {
            each(run);
        }
        return;
    }
    let mut last_sign: Option<(usize, &str)> = None;
    for (begin, word) in run.unicode_word_indices() {
        if word.len() > TERM_BYTES_MAX {
            continue;
        }
        if is_sign(word) {
            if let Some((end, last)) = last_sign
                && end == begin
            {
                each(&format!("{last}{word}"));
            }
            each(word);
            last_sign = Some((begin + word.len(), word));
        } else if word.bytes().all(|b| b.is_ascii_digit() || b == b',' || b == b'.') {
            each(&word.replace(',', ""));
        } else {
            let is_border = |c: char| !(c.is_alphanumeric() || c == '\'' || c == '\u{2019}' || !c.is_ascii());
            word.split(is_border).filter(|part| !part.is_empty()).for_each(&mut *each);
        }
    }
}

/// One word by every rule here, with nothing to part.
fn is_plain(run: &str) -> bool {
    run.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// A text in one form of letters (NFKC); nearly every text is in it already.
fn composed(text: &str) -> Cow<'_, str> {
    match is_nfkc_quick(text.chars()) {
        IsNormalized::Yes => Cow::Borrowed(text),
        IsNormalized::No | IsNormalized::Maybe => Cow::Owned(text.nfkc().collect()),
    }
}

/// One letter of a script that writes without spaces.
fn is_sign(word: &str) -> bool {
    let mut chars = word.chars();
    let first = chars.next().unwrap_or(' ');
    chars.next().is_none() && first >= '\u{e00}' && first.is_alphabetic()
}

/// Exact forms in lower case: what stands between spaces without the marks around it (`v2.3.1`, `user_name`, `c++`), the
/// words inside it, and once more as written where it is all capitals, so that `IT` is not `it`.
fn forms(text: &str) -> Vec<String> {
    let mut forms = Vec::new();
    each_form(text, &mut |form| forms.push(form.to_owned()));
    forms
}

/// Gives each exact form, in order.
fn each_form(text: &str, each: &mut dyn FnMut(&str)) {
    let mut lower = String::new();
    for token in composed(text).split_whitespace() {
        let form = stripped(token);
        if form.is_empty() || form.len() > TERM_BYTES_MAX {
            each_word(token, &mut |word| each(&word.to_lowercase()));
            continue;
        }
        let capitals = form.chars().filter(|c| c.is_uppercase()).count();
        if capitals >= 2 && form.chars().all(|c| c.is_uppercase() || c.is_numeric()) {
            each(form);
        }
        lower.clear();
        if is_plain(form) {
            lower.push_str(form);
            lower.make_ascii_lowercase();
        } else {
            lower.push_str(&form.to_lowercase());
            let parts = words(form);
            if parts.len() != 1 || parts[0].to_lowercase() != lower {
                parts.iter().for_each(|word| each(&word.to_lowercase()));
            }
        }
        each(&lower);
        if !is_plain(form) {
            each_form_within(form, each);
        }
    }
}

/// Gives the names of which several stand in one run: `Foo::bar(x)` and `path=/etc/hosts` are two things each, though no
/// space parts them.
fn each_form_within(run: &str, each: &mut dyn FnMut(&str)) {
    if run.contains(PARTING) {
        let names = run.split(PARTING).map(stripped).filter(|piece| !is_plain(piece) && words(piece).len() > 1);
        names.for_each(|name| each(&name.to_lowercase()));
    }
}

/// A token without the marks around it, save those that belong to names: `.NET`, `#general`, `C++`, `C#`. A token of marks
/// alone counts only where they are no ASCII (an emoji).
pub(super) fn stripped(token: &str) -> &str {
    if !token.chars().any(char::is_alphanumeric) {
        return if token.is_ascii() { "" } else { token };
    }
    let end = token.trim_end_matches(|c: char| !(c.is_alphanumeric() || c == '+' || c == '#'));
    let begin = end.trim_start_matches(|c: char| !c.is_alphanumeric());
    let mark = end[..end.len() - begin.len()].chars().next_back();
    match mark {
        Some('.' | '#' | '@' | '~') => &end[end.len() - begin.len() - 1..],
        Some(_) | None => begin,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_normalization::char::is_combining_mark;

    use super::*;

    fn forms_of(text: &str) -> Vec<String> {
        terms(text, &[]).forms.into_iter().map(|form| form.text).collect()
    }

    fn stems_of(text: &str) -> Vec<String> {
        terms(text, &[]).stems.into_iter().flat_map(|stem| stem.forms).collect()
    }

    #[test]
    fn a_question_keeps_the_words_it_is_about() {
        assert_eq!(stems_of("What are the employees' benefits?"), ["benefit", "employe"]);
        assert_eq!(forms_of("How do I get on-call?"), ["call", "get", "on-call"]);
    }

    #[test]
    fn a_question_of_empty_words_is_looked_for_by_all_of_them() {
        assert_eq!(forms_of("who are you"), ["are", "who", "you"]);
        assert_eq!(forms_of("to be or not to be"), ["be", "not", "or", "to"]);
    }

    #[test]
    fn an_acronym_is_not_the_word_it_looks_like() {
        assert_eq!(forms_of("the IT desk"), ["IT", "desk"]);
        assert!(!forms_of("it is a desk").contains(&"IT".to_owned()));
    }

    #[test]
    fn identifiers_and_versions_are_one_form_and_their_parts() {
        let forms = forms_of("set user_name in (v2.3.1), C++ or .NET");

        for form in ["user_name", "user", "name", "v2.3.1", "c++", ".net", "net"] {
            assert!(forms.contains(&form.to_owned()), "{form} in {forms:?}");
        }
    }

    #[test]
    fn query_syntax_is_words() {
        assert_eq!(stems_of("title:pager AND (\"on call\" OR -x^2~"), ["2", "call", "pager", "titl", "x"]);
    }

    #[test]
    fn odd_queries_give_few_terms_and_no_panic() {
        let long = "wörter ".repeat(600) + &"x".repeat(4096);
        for query in ["", " ", "?", "\u{0}\u{7f}", "\"((", "🎉", "a", "\u{202e}abc", "'’'", "...", "# @ ~", &long] {
            let terms = terms(query, &[]);
            assert!(terms.stems.len() + terms.forms.len() < 10, "{terms:?}");
        }
        assert_eq!(forms_of("🎉"), ["🎉"]);
    }

    #[test]
    fn scripts_without_spaces_and_accents_are_found() {
        assert_eq!(forms_of("年假"), ["假", "年", "年假"]);
        assert_eq!(stems_of("Café ＡＢＣ"), ["abc", "cafe"]);
        assert!(forms_of("Überstundenzuschlag").contains(&"überstundenzuschlag".to_owned()));
    }

    #[test]
    fn numbers_are_found_with_and_without_commas() {
        assert_eq!(stems_of("191,900 dollars"), stems_of("191900 dollars"));
    }

    #[test]
    fn a_word_is_looked_for_by_its_stem_in_each_language_there_is() {
        let german = Language::parse("de").unwrap();
        let stem =
            |forms: &[&str], is_stop| Stem { forms: forms.iter().map(|form| (*form).to_owned()).collect(), is_stop };

        let found = terms("die Richtlinien", &[german]).stems;

        assert_eq!(found, [stem(&["de:richtlini", "richtlinien"], false), stem(&["die"], true)]);
        assert_eq!(terms("die Richtlinien", &[]).stems, [stem(&["die"], false), stem(&["richtlinien"], false)]);
    }

    #[test]
    fn words_with_one_stem_in_any_language_count_once() {
        let german = Language::parse("de").unwrap();

        // "Guides" and "guide" are one word in English and, to a German, two.
        let found = terms("guide guides guiding", &[german]).stems;

        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].forms.contains(&"guid".to_owned()) && found[0].forms.len() > 2, "{found:?}");
    }

    #[test]
    fn what_marks_part_has_forms_of_its_own() {
        let forms = forms_of("call Foo::bar(user_id) with path=/etc/hosts");

        for form in ["foo::bar", "user_id", "etc/hosts", "path", "call"] {
            assert!(forms.contains(&form.to_owned()), "{form} in {forms:?}");
        }
    }

    #[test]
    fn a_name_among_the_words_is_known_for_one() {
        let names: Vec<String> = terms("why does ERR_CONN_RESET, or v2.3.1, end an on-call day?", &[])
            .forms
            .into_iter()
            .filter(|form| form.is_identifier)
            .map(|form| form.text)
            .collect();

        assert_eq!(names, ["err_conn_reset", "v2.3.1"]);
    }

    /// The words of a text by the standard alone, the whole text at once.
    fn words_slowly(text: &str) -> Vec<String> {
        let text: String = text.nfkc().collect();
        let mut words: Vec<String> = Vec::new();
        let mut last_sign: Option<(usize, &str)> = None;
        for (begin, word) in text.unicode_word_indices().filter(|(_, word)| word.len() <= TERM_BYTES_MAX) {
            if is_sign(word) {
                words.extend(last_sign.filter(|(end, _)| *end == begin).map(|(_, last)| format!("{last}{word}")));
                words.push(word.to_owned());
                last_sign = Some((begin + word.len(), word));
            } else if word.chars().all(|c| c.is_ascii_digit() || c == ',' || c == '.') {
                words.push(word.replace(',', ""));
            } else {
                let is_border = |c: char| c.is_ascii() && !c.is_ascii_alphanumeric() && c != '\'';
                words.extend(word.split(is_border).filter(|part| !part.is_empty()).map(str::to_owned));
            }
        }
        words
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_text_has_the_same_words_run_by_run_and_as_a_whole(pieces in proptest::collection::vec(piece(), 0..12)) {
            let text = pieces.concat();
            let composed: String = text.nfkc().collect();
            let run_by_run: Vec<String> = composed.split_ascii_whitespace().flat_map(words_slowly).collect();
            prop_assert_eq!(words(&text), run_by_run);
            // A mark that stands after a space belongs to the space in the standard, and alone to nobody who looks for it.
            let begins_a_word = |c: char| c.is_ascii() || c.is_alphanumeric() && !is_combining_mark(c);
            if composed.split_ascii_whitespace().all(|run| run.starts_with(begins_a_word)) {
                prop_assert_eq!(words(&text), words_slowly(&text));
            }
            let forms_alone: Vec<String> = text.split(' ').flat_map(forms).collect();
            prop_assert_eq!(forms(&text), forms_alone);
        }

        #[test]
        fn a_word_that_is_remembered_has_the_stem_it_had_at_first(text in "([a-zA-Zéß]{1,9} ?){0,9}") {
            let stems_by = |analyzer: &mut TextAnalyzer| {
                let mut stream = analyzer.token_stream(&text);
                let mut stems = Vec::new();
                stream.process(&mut |token| stems.push(token.text.clone()));
                stems
            };
            let mut analyzer = stems();

            prop_assert_eq!(stems_by(&mut analyzer), stems_by(&mut analyzer));
            prop_assert_eq!(stems_by(&mut analyzer), stems_by(&mut stems()));
        }
    }

    /// A bit of text, often one at which words part or do not.
    fn piece() -> impl Strategy<Value = String> {
        prop_oneof![
            "[a-z]{1,6}",
            "[A-Z0-9]{1,4}",
            any::<String>(),
            any::<char>().prop_map(String::from),
            prop::sample::select(vec![
                " ", " ", "\n", "\t", "\u{b}", "\u{a0}", "\u{3000}", "'", "\u{2019}", "_", "-", ".", ",", ":", ";",
                "/", "\"", "1,000", "年", "假", "e\u{301}", "\u{301}", "\u{200d}", "\u{fe0f}", "🎉", "ﬁ", "´", "ß",
                "א", "ก", "\r\n",
            ])
            .prop_map(str::to_owned),
        ]
    }
}
