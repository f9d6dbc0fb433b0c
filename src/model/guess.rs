//! Guessing what comes next from what was read: answers copy from their pages.
//!
//! A guess costs little, for several tokens are read in hardly more time than one, and changes nothing: a guessed token is
//! kept only where the model itself has chosen it (prompt-lookup decoding, Saxena 2023; greedy, so confirmed exactly).

/// Tokens guessed at most.
const GUESSES_MAX: usize = 7;
/// Of how many tokens the likeness must be, tried in this order.
const LIKE: [usize; 2] = [3, 2];

/// What followed the last place where the newest tokens stood before; at most so many. Empty where they never did.
pub(super) fn guess(read: &[u32], most: usize) -> &[u32] {
    for length in LIKE {
        let Some(before) = read.len().checked_sub(length) else { continue };
        let newest = &read[before..];
        // Not the newest themselves: of what stands before them, the last.
        if let Some(found) = read[..read.len() - 1].windows(length).rposition(|tokens| tokens == newest) {
            let follows = &read[found + length..];
            return &follows[..follows.len().min(most).min(GUESSES_MAX)];
        }
    }
    &[]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_followed_the_same_words_before_is_guessed() {
        let read = [1, 2, 3, 4, 5, 9, 2, 3, 4];

        assert_eq!(guess(&read, 8), [5, 9, 2, 3, 4]);
        assert_eq!(guess(&read, 2), [5, 9]);
        assert_eq!(guess(&read, 0), [0; 0]);
    }

    #[test]
    fn words_that_never_stood_before_give_no_guess() {
        assert_eq!(guess(&[1, 2, 3], 8), [0; 0]);
        assert_eq!(guess(&[], 8), [0; 0]);
        assert_eq!(guess(&[7, 7, 7, 7], 8), [7]);
        assert_eq!(guess(&[1, 2, 8, 1, 2], 8), [8, 1, 2]);
    }
}
