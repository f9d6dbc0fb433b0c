//! Text to tokens and back, from the vocabulary and merges in the weights themselves.

use std::collections::HashMap;

use candle_core::quantized::gguf_file::{Content, Value};
use tokenizers::models::bpe::{BPE, BpeBuilder, Vocab};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::tokenizer::SplitDelimiterBehavior;
use tokenizers::{
    Model as _, OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer as _, PreTokenizerWrapper,
};

use super::{Error, Fault};

/// How Qwen 2 and 3 cut text before merging: each digit alone.
const QWEN2: &str = r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// How Llama 3 does: digits by threes.
const LLAMA3: &str = r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// How GPT-4o does, and Phi 4 mini after it: small letters end what capitals begin, and a word keeps its ending in it.
const GPT4O: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// Tokens that end a turn in one of the families we know.
const ENDS: &[&str] = &["<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|end_of_text|>", "<|end|>", "<end_of_turn>"];

/// How sentencepiece writes a space.
const SPACE: &str = "\u{2581}";
/// Its kinds of tokens, by their numbers in the file.
const NORMAL: u32 = 1;
const UNKNOWN: u32 = 2;
const WHOLE: u32 = 4;
const BYTE: u32 = 6;

/// A byte-pair tokenizer. It has no special tokens: what looks like one in a text is text.
pub(super) struct Tokens {
    bpe: BPE,
    cut: Cut,
    /// Each token's bytes.
    bytes: Vec<Box<[u8]>>,
    ids: HashMap<String, u32>,
    ends: Vec<u32>,
    /// What a prompt begins with.
    begin: Option<u32>,
}

/// How a text is laid out before its pieces are merged.
enum Cut {
    /// Into words, whose bytes are written as characters.
    Words(PreTokenizerWrapper),
    /// Not at all; spaces are written as [`SPACE`], and what has no token is written in bytes (sentencepiece).
    Pieces(Pieces),
}

struct Pieces {
    /// Whether a text that begins, or follows a special token, has a space before it.
    has_space_before: bool,
    /// Runs of characters that are one token wherever they stand, the longest first.
    whole: Vec<(String, u32)>,
}

impl Tokens {
    /// Reads the vocabulary and merges of a model file.
    pub(super) fn from_gguf(content: &Content) -> Result<Tokens, Error> {
        let text = |key: &str| content.metadata.get(key).and_then(|value| value.to_string().ok()).map(String::as_str);
        let model = text("tokenizer.ggml.model").unwrap_or_default();
        let words = match (model, text("tokenizer.ggml.pre").unwrap_or("gpt-2")) {
            ("gpt2", "qwen2") => Some(by_pattern(QWEN2)?),
            ("gpt2", "llama-bpe" | "llama3" | "llama-v3" | "smaug-bpe") => Some(by_pattern(LLAMA3)?),
            ("gpt2", "gpt-4o") => Some(by_pattern(GPT4O)?),
            ("gpt2", "smollm") => {
                Some(Sequence::new(vec![Digits::new(true).into(), ByteLevel::new(false, true, true).into()]).into())
            }
            ("gpt2", "gpt-2" | "gpt2" | "default") => Some(ByteLevel::new(false, true, true).into()),
            ("llama", _) => None,
            (model, pre) => return Err(unfit(format!("the tokenizer {model:?} with {pre:?} is not known here"))),
        };
        let pieces = strings(content, "tokenizer.ggml.tokens")?;
        let ids: HashMap<String, u32> = pieces.iter().cloned().zip(0..).collect();
        let id = |key: &str| match content.metadata.get(key) {
            Some(Value::U32(id)) => Some(*id),
            _ => None,
        };
        let mut ends: Vec<u32> = ENDS.iter().filter_map(|end| ids.get(*end).copied()).collect();
        ends.extend(id("tokenizer.ggml.eos_token_id"));
        let is_told = |key: &str, usual: bool| match content.metadata.get(key) {
            Some(Value::Bool(is_so)) => *is_so,
            _ => usual,
        };
        let is_begun = is_told("tokenizer.ggml.add_bos_token", words.is_none());
        let begin = id("tokenizer.ggml.bos_token_id").filter(|_| is_begun);
        let (bpe, cut, bytes) = match words {
            Some(words) => {
                let merges = strings(content, "tokenizer.ggml.merges")?
                    .into_iter()
                    .map(|merge| merge.split_once(' ').map(|(one, other)| (one.to_owned(), other.to_owned())))
                    .collect::<Option<Vec<_>>>()
                    .ok_or_else(|| unfit("a merge of the tokenizer is not a pair".to_owned()))?;
                let vocabulary: Vocab = ids.iter().map(|(piece, id)| (piece.clone(), *id)).collect();
                let table = byte_of_char();
                let bytes = pieces.iter().map(|piece| bytes_of(piece, &table)).collect();
                (BPE::builder().vocab_and_merges(vocabulary, merges), Cut::Words(words), bytes)
            }
            None => {
                let space = is_told("tokenizer.ggml.add_space_prefix", true);
                sentencepiece(content, pieces, space)?
            }
        };
        // Without a cache: it would keep words of pages.
        let bpe = bpe.cache_capacity(0).build();
        let bpe = bpe.map_err(|error| unfit(format!("the vocabulary and its merges do not fit: {error}")))?;
        Ok(Tokens { bpe, cut, bytes, ids, ends, begin })
    }

    /// The tokens of a text that goes on; nothing in it becomes a special token.
    pub(super) fn encode(&self, text: &str, out: &mut Vec<u32>) -> Result<(), Error> {
        match &self.cut {
            Cut::Words(words) => {
                let mut cut = PreTokenizedString::from(text);
                words.pre_tokenize(&mut cut).map_err(Error::Broken)?;
                for (piece, _, _) in cut.get_splits(OffsetReferential::Normalized, OffsetType::Byte) {
                    // The merges never build a special token, for its characters are cut apart before; a whole piece that
                    // is one would need `ignore_merges`, which is left off.
                    self.merge(piece, out)?;
                }
                Ok(())
            }
            Cut::Pieces(pieces) => {
                let text = text.replace(' ', SPACE);
                let (mut rest, mut at) = (text.as_str(), 0);
                while let Some(next) = rest[at..].chars().next() {
                    match pieces.whole.iter().find(|(piece, _)| rest[at..].starts_with(piece.as_str())) {
                        Some((piece, id)) => {
                            self.merge(&rest[..at], out)?;
                            out.push(*id);
                            (rest, at) = (&rest[at + piece.len()..], 0);
                        }
                        None => at += next.len_utf8(),
                    }
                }
                self.merge(rest, out)
            }
        }
    }

    /// The tokens of a text at the beginning, or behind a special token.
    pub(super) fn encode_first(&self, text: &str, out: &mut Vec<u32>) -> Result<(), Error> {
        match &self.cut {
            Cut::Pieces(Pieces { has_space_before: true, .. }) if !text.is_empty() => {
                self.encode(&format!(" {text}"), out)
            }
            Cut::Pieces(_) | Cut::Words(_) => self.encode(text, out),
        }
    }

    fn merge(&self, piece: &str, out: &mut Vec<u32>) -> Result<(), Error> {
        if !piece.is_empty() {
            out.extend(self.bpe.tokenize(piece).map_err(Error::Broken)?.into_iter().map(|token| token.id));
        }
        Ok(())
    }

    /// What a prompt begins with, where the file says that it begins with something.
    pub(super) fn begin(&self) -> Option<u32> {
        self.begin
    }

    /// A special token of the template.
    pub(super) fn special(&self, name: &str) -> Result<u32, Error> {
        self.ids
            .get(name)
            .copied()
            .ok_or_else(|| unfit(format!("the vocabulary lacks {name}, which its template needs")))
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

/// The merges of a sentencepiece vocabulary are its tokens, the best score first: whatever two tokens make a third may be
/// merged.
#[expect(clippy::type_complexity, reason = "what the caller takes apart at once")]
fn sentencepiece(
    content: &Content,
    pieces: Vec<String>,
    has_space_before: bool,
) -> Result<(BpeBuilder, Cut, Vec<Box<[u8]>>), Error> {
    let scores: Vec<f32> = list(content, "tokenizer.ggml.scores", |value| value.to_f32().ok())?;
    let kinds: Vec<u32> = list(content, "tokenizer.ggml.token_type", |value| {
        value.to_i32().ok().and_then(|kind| u32::try_from(kind).ok()).or(value.to_u32().ok())
    })?;
    if scores.len() != pieces.len() || kinds.len() != pieces.len() {
        return Err(unfit(format!("{} tokens have {} scores and {} kinds", pieces.len(), scores.len(), kinds.len())));
    }
    if scores.iter().any(|score| score.is_nan()) {
        return Err(unfit("a token's score is none".to_owned()));
    }
    let (mut vocabulary, mut whole, mut bytes) = (Vocab::default(), Vec::new(), Vec::new());
    for ((id, piece), kind) in (0..).zip(&pieces).zip(&kinds) {
        let byte = piece.strip_prefix("<0x").and_then(|piece| u8::from_str_radix(piece.strip_suffix('>')?, 16).ok());
        // Bytes, as written by their numbers, are what is left of characters that have no token.
        let is_merged = *kind == NORMAL || *kind == BYTE && byte.is_some() || *kind == UNKNOWN;
        if is_merged {
            vocabulary.insert(piece.clone(), id);
        }
        // Some files count marks of turns among the whole ones; a page must not be able to write them.
        if *kind == WHOLE && !piece.is_empty() && !piece.starts_with(['<', '[']) {
            whole.push((piece.clone(), id));
        }
        bytes.push(match (kind, byte) {
            (&BYTE, Some(byte)) => Box::from([byte]),
            _ => piece.replace(SPACE, " ").into_bytes().into(),
        });
    }
    whole.sort_by_key(|(piece, _)| std::cmp::Reverse(piece.len()));
    let mut merges = Vec::new();
    for (id, piece) in pieces.iter().enumerate().filter(|(id, _)| kinds[*id] == NORMAL) {
        for (at, _) in piece.char_indices().skip(1) {
            let (one, other) = piece.split_at(at);
            let part = |part: &str| vocabulary.get(part).filter(|id| kinds[**id as usize] == NORMAL);
            if let (Some(first), Some(second)) = (part(one), part(other)) {
                merges.push((id, *first, *second, one.to_owned(), other.to_owned()));
            }
        }
    }
    merges.sort_by(|one, other| {
        let better = scores[other.0].total_cmp(&scores[one.0]);
        better.then_with(|| (one.0, one.1, one.2).cmp(&(other.0, other.1, other.2)))
    });
    let merges = merges.into_iter().map(|(_, _, _, one, other)| (one, other)).collect();
    let unknown = pieces.iter().zip(&kinds).find(|(_, kind)| **kind == UNKNOWN).map(|(piece, _)| piece.clone());
    let mut builder = BPE::builder().vocab_and_merges(vocabulary, merges).byte_fallback(true).fuse_unk(true);
    if let Some(unknown) = unknown {
        builder = builder.unk_token(unknown);
    }
    Ok((builder, Cut::Pieces(Pieces { has_space_before, whole }), bytes))
}

/// A list of the file, each of whose elements is what it should be.
fn list<T>(content: &Content, key: &str, read: impl Fn(&Value) -> Option<T>) -> Result<Vec<T>, Error> {
    let all = content.metadata.get(key).and_then(|value| value.to_vec().ok());
    all.and_then(|all| all.iter().map(read).collect()).ok_or_else(|| unfit(format!("the weights have no {key}")))
}

fn strings(content: &Content, key: &str) -> Result<Vec<String>, Error> {
    list(content, key, |value| value.to_string().ok().cloned())
}

fn unfit(what: String) -> Error {
    Error::Unfit(Fault::Model(what))
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

    /// A sentencepiece vocabulary: bytes, letters, and these pieces, the first with the best score.
    fn pieces(begins: bool, has_space_before: bool) -> Content {
        let mut all: Vec<(String, f32, i32)> =
            [("<unk>", 2), ("<bos>", 3), ("<eos>", 3), ("<start_of_turn>", 4), ("<end_of_turn>", 3), ("\n\n", 4)]
                .map(|(piece, kind)| (piece.to_owned(), 0.0, kind))
                .into();
        all.extend(["<|system|>", "<|user|>", "<|assistant|>", "<|end|>"].map(|piece| (piece.to_owned(), 0.0, 3)));
        all.extend((0..=255_u8).map(|byte| (format!("<0x{byte:02X}>"), 0.0, 6)));
        let letters = "▁helowrd".chars().map(|c| c.to_string());
        let merged =
            ["he", "ll", "▁w", "lo", "hel", "hell", "▁wo", "▁h", "or", "ell", "rld", "ld", "▁▁", "▁hello", "hello"];
        let merged = merged.into_iter().map(str::to_owned);
        all.extend(merged.chain(letters).zip(0..).map(|(piece, rank)| (piece, -(rank as f32), 1)));
        let text = |text: &str| Value::String(text.to_owned());
        let metadata = [
            ("tokenizer.ggml.model", text("llama")),
            ("tokenizer.ggml.tokens", Value::Array(all.iter().map(|(piece, ..)| text(piece)).collect())),
            ("tokenizer.ggml.scores", Value::Array(all.iter().map(|(_, score, _)| Value::F32(*score)).collect())),
            ("tokenizer.ggml.token_type", Value::Array(all.iter().map(|(.., kind)| Value::I32(*kind)).collect())),
            ("tokenizer.ggml.bos_token_id", Value::U32(1)),
            ("tokenizer.ggml.eos_token_id", Value::U32(2)),
            ("tokenizer.ggml.add_bos_token", Value::Bool(begins)),
            ("tokenizer.ggml.add_space_prefix", Value::Bool(has_space_before)),
        ];
        Content {
            magic: candle_core::quantized::gguf_file::VersionedMagic::GgufV3,
            metadata: metadata.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
            tensor_infos: HashMap::new(),
            tensor_data_offset: 0,
        }
    }

    fn names(content: &Content, ids: &[u32]) -> String {
        let all = strings(content, "tokenizer.ggml.tokens").unwrap();
        ids.iter().map(|id| all[*id as usize].as_str()).collect::<Vec<_>>().join("|")
    }

    /// Of the pairs beside each other that make a token, the one with the best score first; of equals the leftmost.
    fn merged_by_score(content: &Content, text: &str) -> Vec<u32> {
        let all = strings(content, "tokenizer.ggml.tokens").unwrap();
        let scores = list(content, "tokenizer.ggml.scores", |value| value.to_f32().ok()).unwrap();
        let id = |piece: &str| all.iter().position(|one| one == piece);
        let mut parts: Vec<String> = text.replace(' ', "▁").chars().map(String::from).collect();
        loop {
            let pairs = (1..parts.len()).filter_map(|at| Some((at, id(&parts[at - 1..=at].concat())?)));
            let Some((at, _)) = pairs.min_by(|one, other| scores[other.1].total_cmp(&scores[one.1])) else { break };
            let second = parts.remove(at);
            parts[at - 1] += &second;
        }
        let ids = |part: &String| match id(part) {
            Some(id) => vec![id as u32],
            None => part.bytes().map(|byte| id(&format!("<0x{byte:02X}>")).unwrap() as u32).collect(),
        };
        parts.iter().flat_map(ids).collect()
    }

    #[test]
    fn pieces_are_merged_by_their_scores_and_what_has_none_is_written_in_bytes() {
        let content = pieces(true, false);
        let tokens = Tokens::from_gguf(&content).unwrap();
        let mut seed = 88_172_645_463_325_252_u64;
        let letters: Vec<char> = "  helloworldé🎉".chars().collect();
        for length in (0..40).cycle().take(400) {
            let text: String = (0..length)
                .map(|_| {
                    seed ^= seed << 13;
                    seed ^= seed >> 7;
                    seed ^= seed << 17;
                    letters[seed as usize % letters.len()]
                })
                .collect();
            let mut ids = Vec::new();
            tokens.encode(&text, &mut ids).unwrap();

            assert_eq!(names(&content, &ids), names(&content, &merged_by_score(&content, &text)), "{text}");
            let bytes: Vec<u8> = ids.iter().flat_map(|id| tokens.bytes(*id).to_vec()).collect();
            assert_eq!(bytes, text.as_bytes());
        }
    }

    #[test]
    fn marks_of_turns_in_a_page_are_text_and_lines_that_are_one_token_are_one() {
        let content = pieces(true, false);
        let tokens = Tokens::from_gguf(&content).unwrap();
        let marks = ["<start_of_turn>", "<end_of_turn>", "<eos>", "<unk>", "<0x41>"];
        for mark in marks {
            let mut ids = Vec::new();
            tokens.encode(&format!("hello {mark}"), &mut ids).unwrap();

            assert!(marks[..4].iter().all(|mark| !ids.contains(&tokens.special(mark).unwrap())), "{mark}");
        }
        let mut ids = Vec::new();
        tokens.encode("hello\n\nworld", &mut ids).unwrap();

        assert_eq!(names(&content, &ids), "hello|\n\n|w|or|ld");
        assert!(tokens.ends(tokens.special("<end_of_turn>").unwrap()));
        assert!(tokens.ends(tokens.special("<eos>").unwrap()));
    }

    #[test]
    fn gemma_and_phi_are_spoken_to_as_their_templates_say() {
        use super::super::template::Template;
        use super::super::{Prompt, Sharing};

        let prompt = Prompt {
            system: "he".to_owned(),
            user: vec!["hello".to_owned(), " world".to_owned()],
            begin: vec!["lo".to_owned()],
            sharing: Sharing::new(),
        };
        let laid = |template: Template, content: &Content| {
            let segments = template.lay(&prompt, &Tokens::from_gguf(content).unwrap()).unwrap();
            segments
                .iter()
                .map(|segment| names(content, segment))
                .collect::<Vec<_>>()
                .join(" ; ")
                .replace("<0x0A>", "/")
        };
        let turn = |role: &str| role.bytes().map(|byte| format!("<0x{byte:02X}>")).collect::<Vec<_>>().join("|");
        let found = laid(Template::Gemma, &pieces(true, false));

        // The vocabulary has no u, s, m: such letters are bytes.
        let user = format!("<start_of_turn>|{}|e|r|/", turn("us"));
        let model = format!("<start_of_turn>|{}|o|d|e|l|/", turn("m"));
        assert_eq!(found, format!("<bos>|{user}|he|\n\n ; hello ; ▁wo|rld|<end_of_turn>|/|{model} ; lo"));
        assert_eq!(
            laid(Template::Phi3, &pieces(false, true)),
            "<|system|>|▁|he|<|end|> ; <|user|>|▁hello ; ▁wo|rld|<|end|>|<|assistant|> ; ▁|lo"
        );
    }

    #[test]
    fn words_are_cut_as_gpt_4o_cuts_them() {
        use super::super::tests::{Edit, smallest};

        // As Python's `regex` cuts it by tiktoken's pattern for o200k_base.
        let expected = [
            "The",
            " Hello",
            "World'S",
            " DON'T",
            " we'Re",
            " (",
            "123",
            "456",
            "7",
            ")",
            " naïve",
            " e\u{301}te\u{301}",
            " ÉTÉ",
            " 東京",
            " key",
            "=pager",
            "ID",
            " //",
            "path",
            "/\n/",
            "x",
            "\r\n\n",
            "  ",
            " end",
            "  ",
        ];
        let text = expected.concat();
        let weights = smallest(Edit::Text("tokenizer.ggml.pre", "gpt-4o"));
        let content = Content::read(&mut std::io::Cursor::new(weights)).unwrap();
        let Cut::Words(words) = Tokens::from_gguf(&content).unwrap().cut else { panic!("it is no sentencepiece") };
        let mut cut = PreTokenizedString::from(text.as_str());

        words.pre_tokenize(&mut cut).unwrap();

        let splits = cut.get_splits(OffsetReferential::Original, OffsetType::Byte);
        let found: Vec<&str> = splits.into_iter().map(|(_, (from, to), _)| &text[from..to]).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_sentencepiece_vocabulary_without_scores_or_kinds_is_refused() {
        for key in ["tokenizer.ggml.scores", "tokenizer.ggml.token_type"] {
            let mut content = pieces(true, true);
            content.metadata.remove(key);
            assert!(matches!(Tokens::from_gguf(&content), Err(Error::Unfit(_))), "{key}");
            content.metadata.insert(key.to_owned(), Value::Array(vec![Value::F32(0.0)]));
            assert!(matches!(Tokens::from_gguf(&content), Err(Error::Unfit(_))), "{key}");
        }
    }

    #[test]
    fn every_byte_has_one_character_of_its_own() {
        let table = byte_of_char();

        assert_eq!(table.len(), 256);
        assert_eq!(table[&'Ġ'], b' ');
        assert_eq!(table[&'Ċ'], b'\n');
    }
}
