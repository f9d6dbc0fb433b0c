//! The one cipher, the one hash, and randomness.

use std::ops::Deref;

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize as _, Zeroizing};

use super::Error;

/// Thirty-two secret bytes; wiped when dropped. They stand on the heap, so that moving the key copies none of them.
pub(super) struct KeyBytes(Box<[u8; 32]>);

/// Bytes of a nonce: long enough (192 bits) to be drawn at random for ever.
pub(super) const NONCE_BYTES: usize = 24;
/// Bytes that sealing adds at the end.
const TAG_BYTES: usize = 16;
/// A wrapped key: nonce, thirty-two bytes, tag.
pub(super) type Wrapped = [u8; NONCE_BYTES + 32 + TAG_BYTES];

/// Bytes of the stack that are written over after keys were handled: more than the ciphers, the MAC and Argon2id use.
const STACK_BYTES: usize = 16 * 1024;

impl KeyBytes {
    /// A random key.
    pub(super) fn random() -> KeyBytes {
        let mut key = KeyBytes(Box::new([0; 32]));
        fill(&mut *key.0);
        key
    }

    /// The key of these bytes; `None` where they are not thirty-two.
    pub(super) fn of(bytes: &[u8]) -> Option<KeyBytes> {
        if bytes.len() != 32 {
            return None;
        }
        let mut key = KeyBytes(Box::new([0; 32]));
        key.0.copy_from_slice(bytes);
        Some(key)
    }

    /// The same bytes again, for as long as a request takes.
    pub(super) fn again(&self) -> KeyBytes {
        KeyBytes::of(&*self.0).expect("a key has thirty-two bytes")
    }

    /// A key that `work` writes.
    pub(super) fn written(work: impl FnOnce(&mut [u8; 32])) -> KeyBytes {
        let mut key = KeyBytes(Box::new([0; 32]));
        work(&mut key.0);
        key
    }
}

impl Deref for KeyBytes {
    type Target = [u8; 32];

    fn deref(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Drop for KeyBytes {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Does something that handles keys, and then writes zeros over the part of the stack that it used: what the ciphers keep in
/// local variables would otherwise stand there until somebody happens to write over it.
pub(super) fn scrubbed<T>(work: impl FnOnce() -> T) -> T {
    #[inline(never)]
    fn below<T>(work: impl FnOnce() -> T) -> T {
        work()
    }
    #[inline(never)]
    fn wipe() {
        std::hint::black_box(&mut [0_u8; STACK_BYTES]);
    }
    let done = below(work);
    wipe();
    done
}

fn fill(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the operating system has random numbers: without them we must stop");
}

/// Random bytes of the operating system.
pub fn fresh<const N: usize>() -> Zeroizing<[u8; N]> {
    let mut bytes = Zeroizing::new([0; N]);
    fill(&mut *bytes);
    bytes
}

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// HMAC-SHA-256 (RFC 2104).
pub(super) fn hmac(key: &[u8; 32], parts: &[&[u8]]) -> KeyBytes {
    KeyBytes::written(|out| {
        scrubbed(|| {
            let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
            for part in parts {
                mac.update(part);
            }
            out.copy_from_slice(&mac.finalize().into_bytes());
        });
    })
}

/// HMAC-SHA-256 of several parts under a secret: a value that nobody without the secret can foresee.
pub fn digest_under(secret: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    *hmac(secret, parts)
}

/// A key of a purpose and a label below another. RFC 5869 §2.3, one block: the key is random already, so nothing needs
/// extracting.
pub(super) fn derive(key: &[u8; 32], purpose: &str, label: &str) -> KeyBytes {
    hmac(key, &[b"sotto/1/", purpose.as_bytes(), b"/", label.as_bytes(), &[1]])
}

/// Nonce, then what the cipher gives. `place` is bound in and must be the same to open.
pub(super) fn seal(key: &[u8; 32], place: &[u8], secret: &[u8]) -> Vec<u8> {
    let nonce = fresh::<NONCE_BYTES>();
    let closed = scrubbed(|| {
        XChaCha20Poly1305::new(key.into())
            .encrypt(&XNonce::from(*nonce), Payload { msg: secret, aad: place })
            .expect("a record is far shorter than the cipher's limit of 256 GiB")
    });
    [&nonce[..], &closed].concat()
}

/// Opens what [`seal`] made with the same key and place.
pub(super) fn open(key: &[u8; 32], place: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    let (nonce, closed) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or(Error::DoesNotOpen)?;
    scrubbed(|| {
        XChaCha20Poly1305::new(key.into())
            .decrypt(&XNonce::from(*nonce), Payload { msg: closed, aad: place })
            .map(Zeroizing::new)
            .map_err(|_| Error::DoesNotOpen)
    })
}

/// A key sealed by another.
pub(super) fn wrap(with: &[u8; 32], place: &[u8], key: &KeyBytes) -> Wrapped {
    seal(with, place, &**key).try_into().expect("a sealed key has the length of its parts")
}

/// Opens what [`wrap`] made with the same key and place.
pub(super) fn unwrap(with: &[u8; 32], place: &[u8], wrapped: &Wrapped) -> Result<KeyBytes, Error> {
    KeyBytes::of(&open(with, place, wrapped)?).ok_or(Error::DoesNotOpen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cipher_agrees_with_the_draft_that_defines_it() {
        // draft-irtf-cfrg-xchacha-03, appendix A.3.1.
        let key: [u8; 32] = std::array::from_fn(|i| 0x80 + i as u8);
        let nonce: [u8; 24] = std::array::from_fn(|i| 0x40 + i as u8);
        let place = hex::decode("50515253c0c1c2c3c4c5c6c7").unwrap();
        let tag = "c0875924c1c7987947deafd8780acf49";
        let start = "bd6d179d3e83d43b9576579493c0e939";
        let words = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, \
                      sunscreen would be it.";

        let closed = XChaCha20Poly1305::new((&key).into())
            .encrypt(&XNonce::from(nonce), Payload { msg: words, aad: &place })
            .unwrap();

        assert!(hex::encode(&closed).starts_with(start));
        assert!(hex::encode(&closed).ends_with(tag));
        assert_eq!(open(&key, &place, &[&nonce[..], &closed].concat()).unwrap().as_slice(), words);
    }

    #[test]
    fn the_mac_agrees_with_rfc_4231() {
        // RFC 4231 §4.3 (the key is shorter than a block, so zeros after it change nothing).
        let mut key = [0; 32];
        key[..4].copy_from_slice(b"Jefe");

        let mac = hmac(&key, &[b"what do ya want ", b"for nothing?"]);

        assert_eq!(hex::encode(*mac), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn the_same_secret_is_never_sealed_twice_alike() {
        assert_ne!(seal(&[7; 32], b"", b"secret"), seal(&[7; 32], b"", b"secret"));
    }
}
