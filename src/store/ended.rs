//! Keys of what is no longer so: the key it had, and when it ended.

use super::Key;

/// The key of a record that was changed or removed, with when that was. In a tree the endings of one key stand together, the
/// earliest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended<K> {
    /// The key it had.
    pub key: K,
    /// When it ended, milliseconds since the Unix epoch.
    pub at_ms: u64,
}

/// Bytes of a length, and of a moment.
const LENGTH: usize = 4;
const MOMENT: usize = 8;

impl<K: Key> Ended<K> {
    /// That of a moment; one before 1970 counts as 1970.
    pub fn new(key: K, at_ms: i64) -> Ended<K> {
        Ended { key, at_ms: u64::try_from(at_ms).unwrap_or(0) }
    }

    /// What the endings of one key begin with.
    pub fn prefix(key: &K) -> Vec<u8> {
        let mut bytes = Vec::new();
        key.write(&mut bytes);
        let length = u32::try_from(bytes.len()).expect("a key is short").to_be_bytes();
        [&length[..], &bytes].concat()
    }
}

impl<K: Key> Key for Ended<K> {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend(Ended::prefix(&self.key));
        out.extend_from_slice(&self.at_ms.to_be_bytes());
    }

    fn read(bytes: &[u8]) -> Option<Ended<K>> {
        let (length, rest) = bytes.split_at_checked(LENGTH)?;
        let length = u32::from_be_bytes(length.try_into().ok()?) as usize;
        let (key, at) = rest.split_at_checked(length).filter(|(_, at)| at.len() == MOMENT)?;
        Some(Ended { key: K::read(key)?, at_ms: u64::from_be_bytes(at.try_into().ok()?) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_of_one_key_stand_together_in_their_order_and_are_read_as_they_were_written() {
        let mut written: Vec<Vec<u8>> = Vec::new();
        for key in ["10", "1", "100"] {
            for at_ms in [300, 2, 70_000] {
                let mut bytes = Vec::new();
                Ended::new(key.to_owned(), at_ms).write(&mut bytes);
                written.push(bytes);
            }
        }
        written.sort();

        let read: Vec<(String, u64)> =
            written.iter().map(|bytes| Ended::<String>::read(bytes).unwrap()).map(|one| (one.key, one.at_ms)).collect();
        let of_ten: Vec<&(String, u64)> = read.iter().filter(|(key, _)| key == "10").collect();

        assert_eq!(of_ten.iter().map(|(_, at)| *at).collect::<Vec<_>>(), [2, 300, 70_000]);
        assert!(read.windows(2).filter(|two| two[0].0 != two[1].0).count() == 2, "{read:?}");
        assert_eq!(Ended::<String>::read(b"\0\0\0\x05abc"), None);
    }
}
