//! A set of document numbers of one segment.

/// One bit for each document of a segment.
#[derive(Debug, Clone, Default)]
pub(super) struct Bits(Vec<u64>);

impl Bits {
    /// An empty set over `count` documents.
    pub(super) fn none(count: u32) -> Bits {
        Bits(vec![0; (count as usize).div_ceil(64)])
    }

    pub(super) fn set(&mut self, doc: u32) {
        self.0[doc as usize / 64] |= 1 << (doc % 64);
    }

    pub(super) fn unset(&mut self, doc: u32) {
        self.0[doc as usize / 64] &= !(1 << (doc % 64));
    }

    pub(super) fn has(&self, doc: u32) -> bool {
        self.0.get(doc as usize / 64).is_some_and(|word| word >> (doc % 64) & 1 == 1)
    }

    pub(super) fn keep_only(&mut self, other: &Bits) {
        for (word, of_other) in self.0.iter_mut().zip(&other.0) {
            *word &= of_other;
        }
    }

    pub(super) fn retain(&mut self, is_kept: impl Fn(u32) -> bool) {
        for n in 0..self.0.len() {
            let mut left = self.0[n];
            while left != 0 {
                let doc = n as u32 * 64 + left.trailing_zeros();
                left &= left - 1;
                if !is_kept(doc) {
                    self.unset(doc);
                }
            }
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.0.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    /// How many words of 64 documents it has.
    pub(super) fn words_count(&self) -> usize {
        self.0.len()
    }

    /// Some of its words, each with its number.
    #[inline(always)]
    pub(super) fn words(&self, of: std::ops::Range<usize>) -> impl Iterator<Item = (usize, u64)> {
        let begin = of.start;
        self.0[of].iter().enumerate().map(move |(n, word)| (begin + n, *word))
    }

    /// The documents, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = u32> {
        self.0.iter().enumerate().flat_map(|(n, word)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros())?;
                left &= left - 1;
                Some(n as u32 * 64 + bit)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_there_in_order_until_it_is_unset() {
        let mut bits = Bits::none(130);
        for doc in [129, 0, 63, 64] {
            bits.set(doc);
        }
        bits.unset(63);
        bits.retain(|doc| doc != 64);

        assert_eq!(bits.iter().collect::<Vec<_>>(), [0, 129]);
        assert_eq!(bits.count(), 2);
        assert!(bits.has(129) && !bits.has(64) && !bits.has(5000));
    }
}
