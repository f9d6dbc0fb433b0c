//! Text to tokens and back, from the vocabulary and merges in the weights themselves.

use std::collections::HashMap;

use candle_core::quantized::gguf_file::{Content, Value};
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::tokenizer::SplitDelimiterBehavior;
use tokenizers::{
    Model as _, OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer as _, PreTokenizerWrapper,
};

use super::Error;

/// How Qwen 2 and 3 cut text before merging: each digit alone.
const QWEN2: &str = r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// How Llama 3 does: digits by threes.
const LLAMA3: &str = r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// Tokens that end a turn in one of the families we know.
const ENDS: &[&str] = &["<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|end_of_text|>", "<|end|>"];

/// A byte-pair tokenizer. It has no special tokens: what looks like one in a text is text.
pub(super) struct Tokens {
    bpe: BPE,
    cut: PreTokenizerWrapper,
    /// Each token's bytes.
    bytes: Vec<Box<[u8]>>,
    ids: HashMap<String, u32>,
    ends: Vec<u32>,
}

impl Tokens {
    /// Reads the vocabulary and merges of a model file.
    pub(super) fn from_gguf(content: &Content) -> Result<Tokens, Error> {
        let text = |key: &str| content.metadata.get(key).and_then(|value| value.to_string().ok()).map(String::as_str);
        let model = text("tokenizer.ggml.model").unwrap_or_default();
        let cut = match (model, text("tokenizer.ggml.pre").unwrap_or("gpt-2")) {
            ("gpt2", "qwen2") => by_pattern(QWEN2)?,
            ("gpt2", "llama-bpe" | "llama3" | "llama-v3" | "smaug-bpe") => by_pattern(LLAMA3)?,
            ("gpt2", "smollm") => {
                Sequence::new(vec![Digits::new(true).into(), ByteLevel::new(false, true, true).into()]).into()
            }
            ("gpt2", "gpt-2" | "gpt2" | "default") => ByteLevel::new(false, true, true).into(),
            (model, pre) => return Err(broken(format!("the tokenizer {model:?} with {pre:?} is not known here"))),
        };
        let pieces = strings(content, "tokenizer.ggml.tokens")?;
        let merges = strings(content, "tokenizer.ggml.merges")?
            .into_iter()
            .map(|merge| merge.split_once(' ').map(|(one, other)| (one.to_owned(), other.to_owned())))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| broken("a merge of the tokenizer is not a pair".to_owned()))?;
        let ids: HashMap<String, u32> = pieces.iter().cloned().zip(0..).collect();
        let vocabulary: Vocab = ids.iter().map(|(piece, id)| (piece.clone(), *id)).collect();
        // Without a cache: it would keep words of pages.
        let bpe =
            BPE::builder().vocab_and_merges(vocabulary, merges).cache_capacity(0).build().map_err(Error::Broken)?;
        let table = byte_of_char();
        let bytes = pieces.iter().map(|piece| bytes_of(piece, &table)).collect();
        let mut ends: Vec<u32> = ENDS.iter().filter_map(|end| ids.get(*end).copied()).collect();
        if let Some(Value::U32(end)) = content.metadata.get("tokenizer.ggml.eos_token_id") {
            ends.push(*end);
        }
        Ok(Tokens { bpe, cut, bytes, ids, ends })
    }

    /// The tokens of a text; nothing in it becomes a special token.
    pub(super) fn encode(&self, text: &str, out: &mut Vec<u32>) -> Result<(), Error> {
        let mut cut = PreTokenizedString::from(text);
        self.cut.pre_tokenize(&mut cut).map_err(Error::Broken)?;
        for (piece, _, _) in cut.get_splits(OffsetReferential::Normalized, OffsetType::Byte) {
            // The merges never build a special token, for its characters are cut apart before; a whole piece that is one
            // would need `ignore_merges`, which is left off.
            out.extend(self.bpe.tokenize(piece).map_err(Error::Broken)?.into_iter().map(|token| token.id));
        }
        Ok(())
    }

    /// A special token of the template.
    pub(super) fn special(&self, name: &str) -> Result<u32, Error> {
        self.ids
            .get(name)
            .copied()
            .ok_or_else(|| broken(format!("the vocabulary lacks {name}, which its template needs")))
    }

    /// Whether a token ends the turn.
    pub(super) fn ends(&self, token: u32) -> bool {
        self.ends.contains(&token)
    }

    /// A token's bytes: perhaps only part of a character.
    pub(super) fn bytes(&self, token: u32) -> &[u8] {
        self.bytes.get(token as usize).map_or(&[], |bytes| bytes)
    }
}

/// Tokens turned to text as they come: a character is given out when its last byte is there.
#[derive(Default)]
pub(super) struct Text {
    waiting: Vec<u8>,
}

impl Text {
    /// Takes a token's bytes and gives what can be read now. What can never become text is given as U+FFFD.
    pub(super) fn push(&mut self, bytes: &[u8]) -> String {
        self.waiting.extend_from_slice(bytes);
        let mut text = String::new();
        loop {
            match std::str::from_utf8(&self.waiting) {
                Ok(all) => {
                    text.push_str(all);
                    self.waiting.clear();
                    return text;
                }
                Err(error) => {
                    let good = error.valid_up_to();
                    text.push_str(std::str::from_utf8(&self.waiting[..good]).expect("valid up to here"));
                    let Some(bad) = error.error_len() else {
                        self.waiting.drain(..good);
                        return text;
                    };
                    text.push('\u{fffd}');
                    self.waiting.drain(..good + bad);
                }
            }
        }
    }
}

fn by_pattern(pattern: &str) -> Result<PreTokenizerWrapper, Error> {
    let pattern = SplitPattern::Regex(pattern.to_owned());
    let split = Split::new(pattern, SplitDelimiterBehavior::Isolated, false).map_err(Error::Broken)?;
    Ok(Sequence::new(vec![split.into(), ByteLevel::new(false, false, false).into()]).into())
}

fn strings(content: &Content, key: &str) -> Result<Vec<String>, Error> {
    let all = content.metadata.get(key).and_then(|value| value.to_vec().ok());
    all.and_then(|all| all.iter().map(|value| value.to_string().ok().cloned()).collect())
        .ok_or_else(|| broken(format!("the weights have no {key}")))
}

fn broken(what: String) -> Error {
    Error::Broken(what.into())
}

/// Byte-level vocabularies write each byte as a character of its own: printable ones as they are, the others from U+0100 on.
pub(super) fn byte_of_char() -> HashMap<char, u8> {
    let printable = |byte: &u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    let plain = (0..=255_u8).filter(printable).map(|byte| (char::from(byte), byte));
    let moved = (0..=255_u8).filter(|byte| !printable(byte)).zip('\u{100}'..).map(|(byte, c)| (c, byte));
    plain.chain(moved).collect()
}

/// A piece's bytes; a special token, which is written plainly, gives its name.
fn bytes_of(piece: &str, table: &HashMap<char, u8>) -> Box<[u8]> {
    let bytes: Option<Vec<u8>> = piece.chars().map(|c| table.get(&c).copied()).collect();
    bytes.unwrap_or_else(|| piece.as_bytes().to_vec()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_is_given_out_when_its_last_byte_is_there() {
        let mut text = Text::default();

        assert_eq!(text.push(&"é".as_bytes()[..1]), "");
        assert_eq!(text.push(&"é".as_bytes()[1..]), "é");
        assert_eq!(text.push(b"a\xffb"), "a\u{fffd}b");
        assert_eq!(text.push(&[]), "");
    }

    #[test]
    fn every_byte_has_one_character_of_its_own() {
        let table = byte_of_char();

        assert_eq!(table.len(), 256);
        assert_eq!(table[&'Ġ'], b' ');
        assert_eq!(table[&'Ċ'], b'\n');
    }
}
