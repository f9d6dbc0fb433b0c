//! What a sentence must have to answer a question of some form, whatever words they share: a time where it asks when, an
//! amount where it asks how many. Only English forms are known.

use super::words::{numbers, words};

/// Words of time that are no numbers.
const TIMES: &str = "monday tuesday wednesday thursday friday saturday sunday weekday weekdays weekend \
    january february march april june july august september october november december spring summer autumn winter \
    today tomorrow noon midnight morning afternoon evening night hourly daily weekly monthly quarterly yearly annually \
    minute minutes hour hours day days week weeks month months quarter year years decade century \
    immediately once before after during until";
/// Words that open or mark a time, and are said of much else.
const TIME_MARKS: &str =
    "always as at beginning by end may never next since soon upon when whenever while whilst within";
/// Words that tell an amount without a number.
const AMOUNTS: &str = "a all an any billion billions both couple double dozen dozens each every few free full half hundred \
    hundreds indefinitely least lifetime many million millions most never no none nothing once pair per permanent \
    permanently quarter several single third thousand thousands triple twice unlimited until whole";

/// What a question asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// How many.
    Amount,
    /// When.
    Time,
    /// How long, how often.
    Span,
    /// Something else, of which nothing is known.
    Any,
}

impl Form {
    /// What a question asks for.
    pub(super) fn of(question: &str) -> Form {
        let words = words(question);
        let asks = |one: &str, other: &str| words.windows(2).any(|pair| pair[0] == one && is_among(&pair[1], other));
        if asks("how", "many much old far high tall") || asks("what", "percentage share number") {
            Form::Amount
        } else if asks("how", "long often soon late") {
            Form::Span
        } else if words.first().is_some_and(|first| first == "when") || asks("what", "time date day month year") {
            Form::Time
        } else {
            Form::Any
        }
    }

    /// Whether a sentence has a number or a word of time that the question does not have: for who cannot ask a model.
    pub(super) fn is_met(self, sentence: &str, question: &str) -> bool {
        let has_number = || !numbers(sentence).is_subset(&numbers(question));
        let has_time = || {
            let asked = words(question);
            words(sentence).iter().any(|word| is_among(word, TIMES) && !asked.contains(word))
        };
        match self {
            Form::Amount => has_number(),
            Form::Time | Form::Span => has_number() || has_time(),
            Form::Any => true,
        }
    }

    /// Whether a statement could have what is asked for, in any of its guises: what has none need not be judged.
    pub(super) fn may_be_met(self, statement: &str) -> bool {
        let has = |list: &str| words(statement).iter().any(|word| is_among(word, list));
        let has_number = || !numbers(statement).is_empty();
        match self {
            Form::Amount => has_number() || has(AMOUNTS),
            Form::Time => has_number() || has(TIMES) || has(TIME_MARKS),
            Form::Span => has_number() || has(TIMES) || has(TIME_MARKS) || has(AMOUNTS),
            Form::Any => true,
        }
    }
}

fn is_among(word: &str, list: &str) -> bool {
    list.split_whitespace().any(|one| one == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_asks_for_an_amount_a_time_a_span_or_something_else() {
        assert_eq!(Form::of("How many users are there?"), Form::Amount);
        assert_eq!(Form::of("In what year was it founded?"), Form::Time);
        assert_eq!(Form::of("How long does it last?"), Form::Span);
        assert_eq!(Form::of("Who says when it starts?"), Form::Any);
    }

    #[test]
    fn a_time_is_wanted_where_when_is_asked_and_an_amount_where_how_many() {
        let prompted = "Users with expiring passwords are prompted to change them.";

        assert!(!Form::Time.may_be_met(prompted) && !Form::Amount.may_be_met(prompted));
        assert!(Form::Time.may_be_met("They see it within two weeks of expiry."));
        assert!(Form::Amount.may_be_met("All users are prompted."));
        assert!(Form::Any.may_be_met(prompted));
    }

    #[test]
    fn without_a_model_a_word_of_the_question_is_no_answer_and_neither_is_one_that_only_marks_a_time() {
        let asked = "When on Monday does it open?";

        assert!(!Form::Time.is_met("It opens on Monday.", asked));
        assert!(!Form::Time.is_met("It opens as the staff arrive.", asked));
        assert!(Form::Time.is_met("It opens on Monday at noon.", asked));
        assert!(!Form::Amount.is_met("All users are prompted.", "How many users are prompted?"));
    }
}
