//! Which language a document is in, and how the words of that language become stems.
//!
//! A document has one language, told from its whole text; whatever is not surely another is English. The stems of another
//! language bear its code (`de:urlaub`), so no word of one language is taken for that of another ("die", "war", "pain").
//! English stems bear none: where all is English, nothing here is felt.

use std::fmt::Write as _;
use std::sync::LazyLock;

use tantivy::tokenizer::{
    AsciiFoldingFilter, Language as Stemming, LowerCaser, PreTokenizedString, RawTokenizer, Stemmer, StopWordFilter,
    TextAnalyzer, TokenStream as _,
};
use whatlang::Lang;

use super::words::{self, words};
use crate::corpus::{Block, Document};

/// The languages besides English that we have stems for, with their codes (ISO 639-1). Codes stand in every index.
const KNOWN: [(&str, Lang, Stemming); 17] = [
    ("ar", Lang::Ara, Stemming::Arabic),
    ("da", Lang::Dan, Stemming::Danish),
    ("de", Lang::Deu, Stemming::German),
    ("el", Lang::Ell, Stemming::Greek),
    ("es", Lang::Spa, Stemming::Spanish),
    ("fi", Lang::Fin, Stemming::Finnish),
    ("fr", Lang::Fra, Stemming::French),
    ("hu", Lang::Hun, Stemming::Hungarian),
    ("it", Lang::Ita, Stemming::Italian),
    ("nl", Lang::Nld, Stemming::Dutch),
    ("no", Lang::Nob, Stemming::Norwegian),
    ("pt", Lang::Por, Stemming::Portuguese),
    ("ro", Lang::Ron, Stemming::Romanian),
    ("ru", Lang::Rus, Stemming::Russian),
    ("sv", Lang::Swe, Stemming::Swedish),
    ("ta", Lang::Tam, Stemming::Tamil),
    ("tr", Lang::Tur, Stemming::Turkish),
];

/// One analyzer for a word of each known language. Stop words go by their own spelling; accents go last, for a stemmer knows
/// endings by them.
static STEMMERS: LazyLock<Vec<TextAnalyzer>> = LazyLock::new(|| {
    let of = |(_, _, stemming): &(&str, Lang, Stemming)| {
        let stops = StopWordFilter::new(*stemming).unwrap_or_else(|| StopWordFilter::remove([]));
        TextAnalyzer::builder(RawTokenizer::default())
            .filter(LowerCaser)
            .filter(stops)
            .filter(Stemmer::new(*stemming))
            .filter(AsciiFoldingFilter)
            .build()
    };
    KNOWN.iter().map(of).collect()
});

/// A text shorter than this, in bytes, does not say which language it is in.
const TEXT_MIN: usize = 200;
/// So much of a text, in bytes, says it.
const TEXT_ENOUGH: usize = 4_000;
/// Words that English prose is full of, and no other language we know has.
const ENGLISH: [&str; 8] = ["the", "and", "of", "to", "this", "that", "with", "are"];
/// The share of these words, in percent, from which on a text is English without a closer look. It has 15 and more.
const ENGLISH_PERCENT: usize = 8;

/// One of the languages besides English that we have stems for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Language(u8);

impl Language {
    /// All of them, in the order of their codes.
    pub(super) fn all() -> impl Iterator<Item = Language> {
        (0..KNOWN.len()).map(|n| Language(n as u8))
    }

    /// The language of a document; `None` for English, and for whatever is not surely another that we know.
    pub(super) fn of(document: &Document) -> Option<Language> {
        let text = prose(document);
        if text.len() < TEXT_MIN || is_plainly_english(&text) {
            return None;
        }
        let told = whatlang::detect(&text).filter(whatlang::Info::is_reliable)?;
        Language::all().find(|language| KNOWN[language.0 as usize].1 == told.lang())
    }

    pub(super) fn code(self) -> &'static str {
        KNOWN[self.0 as usize].0
    }

    /// The language of a code.
    pub(super) fn parse(code: &str) -> Option<Language> {
        Language::all().find(|language| language.code() == code)
    }

    /// The stems of a text, in order, without stop words.
    pub(super) fn stems(self, text: &str) -> Vec<String> {
        let mut stemmer = STEMMERS[self.0 as usize].clone();
        words(text).iter().filter_map(|word| self.stem_by(&mut stemmer, word)).collect()
    }

    /// The stem of one word; `None` for a stop word.
    pub(super) fn stem(self, word: &str) -> Option<String> {
        self.stem_by(&mut STEMMERS[self.0 as usize].clone(), word)
    }

    fn stem_by(self, stemmer: &mut TextAnalyzer, word: &str) -> Option<String> {
        // French and Italian write the article and its noun as one word: l'entreprise, dell'azienda.
        let word = match self.code() {
            "fr" | "it" => word.split_once(['\'', '\u{2019}']).map_or(word, |(_, noun)| noun),
            _ => word,
        };
        let mut stream = stemmer.token_stream(word);
        stream.advance().then(|| format!("{}:{}", self.code(), stream.token().text))
    }

    /// A text ready to be put into a field of stems.
    pub(super) fn tokens(self, text: &str) -> PreTokenizedString {
        PreTokenizedString { text: String::new(), tokens: words::tokens(self.stems(text)) }
    }
}

/// The beginning of a document's text, as much as tells its language. Code is in no language.
fn prose(document: &Document) -> String {
    let mut text = document.title.clone();
    for block in &document.blocks {
        if text.len() >= TEXT_ENOUGH {
            break;
        }
        let _ = match block {
            Block::Heading { text: more, .. }
            | Block::Paragraph { text: more }
            | Block::Item { text: more, .. }
            | Block::Quote { text: more } => write!(text, "\n{more}"),
            Block::Table { rows, .. } => rows.iter().flatten().try_for_each(|cell| write!(text, "\n{cell}")),
            Block::Code { .. } => Ok(()),
        };
    }
    text.truncate(text.floor_char_boundary(TEXT_ENOUGH));
    text
}

fn is_plainly_english(text: &str) -> bool {
    let (mut all, mut english) = (0, 0);
    for word in text.split_whitespace() {
        all += 1;
        english += usize::from(ENGLISH.contains(&word));
    }
    english * 100 >= all * ENGLISH_PERCENT
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::{DocumentId, Kind, Space};

    fn language_of(blocks: Vec<Block>) -> Option<&'static str> {
        let document = Document {
            id: DocumentId::new("wiki", "1").unwrap(),
            kind: Kind::Page,
            title: "Page".into(),
            space: Space { key: "HR".into(), name: "People".into() },
            url: String::new(),
            container: None,
            ancestors: vec![],
            labels: vec![],
            author: String::new(),
            updated_ms: 0,
            made: Default::default(),
            revision: 1,
            blocks,
            links: vec![],
        };
        Language::of(&document).map(Language::code)
    }

    fn paragraph(text: &str) -> Block {
        Block::Paragraph { text: text.into() }
    }

    const GERMAN: &str = "Mitarbeiterinnen und Mitarbeiter haben Anspruch auf dreißig Urlaubstage im Jahr. Der Antrag ist \
        spätestens zwei Wochen vor dem Beginn bei der Führungskraft zu stellen. Reisen werden nach der Rückkehr abgerechnet.";

    #[test]
    fn a_document_is_in_the_language_of_its_prose() {
        let of = |text: &str| language_of(vec![paragraph(text)]);

        assert_eq!(of(GERMAN), Some("de"));
        assert_eq!(
            of(
                "Les salariés ont droit à vingt-cinq jours de congés payés par an. La demande est à adresser au responsable \
                au moins deux semaines avant le début des congés. Les frais de déplacement sont remboursés."
            ),
            Some("fr")
        );
        assert_eq!(
            of("Los empleados tienen derecho a veintitrés días de vacaciones al año. La solicitud se presenta al \
                responsable al menos dos semanas antes. Los gastos de viaje se reembolsan después del regreso."),
            Some("es")
        );
        assert_eq!(
            of(
                "Сотрудники имеют право на двадцать восемь дней отпуска в году. Заявление подаётся руководителю не позднее \
                чем за две недели до начала отпуска."
            ),
            Some("ru")
        );
    }

    #[test]
    fn what_is_not_surely_another_language_is_english() {
        let code = |text: &str| Block::Code { language: None, text: text.into() };
        let english =
            "Employees have thirty days of leave a year. The request goes to the manager two weeks before it begins.";
        let polish = "Pracownicy mają prawo do dwudziestu sześciu dni urlopu w roku. Wniosek należy złożyć u przełożonego \
            najpóźniej dwa tygodnie przed rozpoczęciem urlopu. Podróże rozlicza się po powrocie do firmy.";

        assert_eq!(language_of(vec![paragraph(&english.repeat(3))]), None);
        assert_eq!(language_of(vec![paragraph("Der Urlaub ist lang.")]), None, "too short to tell");
        assert_eq!(language_of(vec![paragraph(polish)]), None, "no stems for it");
        assert_eq!(language_of(vec![code(GERMAN)]), None);
        assert_eq!(language_of(vec![paragraph(&english.repeat(3)), paragraph(GERMAN)]), None, "mostly English");
        assert_eq!(language_of(vec![]), None);
        let listing =
            "kubectl drain node-7 --force; systemctl restart nginx.service; export PATH=/usr/local/bin:/usr/bin\n";
        assert_eq!(language_of(vec![paragraph(&listing.repeat(5))]), None);
    }

    #[test]
    fn forms_of_a_word_have_one_stem_in_their_language() {
        for (code, one, other) in [
            ("de", "Urlaubstage", "Urlaubstagen"),
            ("de", "Straße", "Strassen"),
            ("fr", "l'entreprise", "entreprises"),
            ("fr", "remboursé", "remboursées"),
            ("it", "dell\u{2019}azienda", "aziende"),
            ("es", "vacación", "vacaciones"),
            ("ru", "отпуск", "отпуска"),
        ] {
            let language = Language::parse(code).unwrap();
            assert_eq!(language.stem(one), language.stem(other), "{one} and {other}");
            assert!(language.stem(one).unwrap().starts_with(code));
        }
    }

    #[test]
    fn stop_words_have_no_stem_and_each_language_has_its_own() {
        let german = Language::parse("de").unwrap();

        assert_eq!(german.stems("Die Führung ist für alle Tage da"), ["de:fuhrung", "de:tag"]);
        assert_eq!(Language::parse("en"), None);
        assert!(Language::all().all(|language| language.stem("Kubernetes").is_some()));
    }
}
