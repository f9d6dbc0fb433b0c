//! Keys of trees, in byte forms that keep their order.

/// A key of a tree, in an order-keeping byte form.
pub trait Key: Sized {
    /// Appends the bytes; their order is the keys' order.
    fn write(&self, out: &mut Vec<u8>);
    /// Reads the bytes back; `None` where they are no such key.
    fn read(bytes: &[u8]) -> Option<Self>;
}

impl Key for String {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_bytes());
    }
    fn read(bytes: &[u8]) -> Option<String> {
        String::from_utf8(bytes.to_vec()).ok()
    }
}

impl Key for Box<str> {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_bytes());
    }
    fn read(bytes: &[u8]) -> Option<Box<str>> {
        std::str::from_utf8(bytes).ok().map(Box::from)
    }
}

impl Key for u64 {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_be_bytes());
    }
    fn read(bytes: &[u8]) -> Option<u64> {
        bytes.try_into().ok().map(u64::from_be_bytes)
    }
}

impl<const N: usize> Key for [u8; N] {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }
    fn read(bytes: &[u8]) -> Option<[u8; N]> {
        bytes.try_into().ok()
    }
}

/// A pair is ordered by its first part, then by its second. The first part's zero bytes are written as `00 FF` and its end
/// as `00 00`, so that no first part runs into the second, whatever their lengths.
impl<A: Key, B: Key> Key for (A, B) {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&first_of(&self.0));
        self.1.write(out);
    }

    fn read(bytes: &[u8]) -> Option<(A, B)> {
        let mut first = Vec::new();
        let mut rest = bytes;
        loop {
            match rest {
                [0, 0, second @ ..] => return Some((A::read(&first)?, B::read(second)?)),
                [0, 0xFF, after @ ..] => {
                    first.push(0);
                    rest = after;
                }
                [byte, after @ ..] if *byte != 0 => {
                    first.push(*byte);
                    rest = after;
                }
                _ => return None,
            }
        }
    }
}

/// The bytes with which every pair of this first part begins, and no other: for [`super::Tree::under`].
pub fn first_of<A: Key>(first: &A) -> Vec<u8> {
    let mut plain = Vec::new();
    first.write(&mut plain);
    let mut out = Vec::with_capacity(plain.len() + 2);
    for byte in plain {
        out.push(byte);
        if byte == 0 {
            out.push(0xFF);
        }
    }
    out.extend_from_slice(&[0, 0]);
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes_of<K: Key>(key: &K) -> Vec<u8> {
        let mut out = Vec::new();
        key.write(&mut out);
        out
    }

    proptest! {
        #[test]
        fn pairs_are_ordered_as_their_bytes(
            a in ("[\u{0}-\u{2}]{0,3}", any::<u64>()), b in ("[\u{0}-\u{2}]{0,3}", any::<u64>()),
        ) {
            prop_assert_eq!(a.cmp(&b), bytes_of(&a).cmp(&bytes_of(&b)));
        }

        #[test]
        fn a_pair_of_pairs_is_read_as_it_was_written(a in any::<String>(), b in any::<[u8; 4]>(), c in any::<u64>()) {
            let key = ((a, b), c);
            prop_assert_eq!(<((String, [u8; 4]), u64)>::read(&bytes_of(&key)), Some(key));
        }
    }

    #[test]
    fn one_first_part_is_no_prefix_of_a_longer_one() {
        let longer = bytes_of(&("ab".to_owned(), 1));

        assert!(!longer.starts_with(&first_of(&"a".to_owned())));
    }

    #[test]
    fn a_pair_without_an_end_of_its_first_part_is_no_key() {
        assert_eq!(<(String, u64)>::read(b"abc"), None);
        assert_eq!(<(String, u64)>::read(&[b'a', 0, 7]), None);
    }
}
