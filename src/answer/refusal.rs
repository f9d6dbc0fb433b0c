//! The fixed words of refusals. They hold nothing of the question, of a page or of the settings.

use super::Why;

/// The fixed words where the pages do not answer.
pub const REFUSAL: &str = "I did not find this in pages you can open.";

/// In which tone they are said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// As one colleague to another.
    Plain,
    /// As a letter.
    Formal,
}

/// The words of a refusal.
pub fn refusal(why: Why, tone: Tone) -> &'static str {
    match (why, tone) {
        (Why::NothingFound | Why::NotThere | Why::NotSupported, Tone::Plain) => REFUSAL,
        (Why::NothingFound | Why::NotThere | Why::NotSupported, Tone::Formal) => {
            "No answer to this question was found in the pages that you may open."
        }
        (Why::Blocked, Tone::Plain) => {
            "I do not answer this: it has words that your company does not want in answers here."
        }
        (Why::Blocked, Tone::Formal) => {
            "This question is not answered here, because it concerns words that the company has excluded from answers."
        }
        (Why::Topic, Tone::Plain) => "I do not answer questions on this topic for you.",
        (Why::Topic, Tone::Formal) => "Questions on this topic are not answered here for you.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_do_not_tell_whether_nothing_was_found_or_nothing_held() {
        for tone in [Tone::Plain, Tone::Formal] {
            assert_eq!(refusal(Why::NothingFound, tone), refusal(Why::NotThere, tone));
            assert_eq!(refusal(Why::NothingFound, tone), refusal(Why::NotSupported, tone));
        }
        assert_eq!(refusal(Why::NotThere, Tone::Plain), REFUSAL);
    }
}
