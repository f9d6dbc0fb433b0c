//! Files that lie, each in one way, made from a small one that is true.

use proptest::prelude::*;

use super::super::mind::Mind;
use super::super::tests::{Edit, cases, smallest};
use super::super::weights::Weights;
use super::*;

/// Writes a file as it likes.
#[derive(Clone)]
struct Forge {
    head: Vec<u8>,
}

impl Forge {
    /// With these counts of tensors and entries.
    fn counting(tensors: u64, entries: u64) -> Forge {
        let mut forge = Forge { head: b"GGUF\x03\0\0\0".to_vec() };
        forge.whole(tensors).whole(entries);
        forge
    }

    fn whole(&mut self, value: u64) -> &mut Forge {
        self.head.extend(value.to_le_bytes());
        self
    }

    fn short(&mut self, value: u32) -> &mut Forge {
        self.head.extend(value.to_le_bytes());
        self
    }

    fn name(&mut self, name: &str) -> &mut Forge {
        self.whole(name.len() as u64);
        self.head.extend(name.as_bytes());
        self
    }

    fn tensor(&mut self, name: &str, measures: &[u64], kind: u32, offset: u64) -> &mut Forge {
        self.name(name).short(measures.len() as u32);
        measures.iter().for_each(|measure| _ = self.whole(*measure));
        self.short(kind).whole(offset)
    }

    /// What is said of it, with so many bytes behind the head.
    fn said(&self, behind: usize) -> String {
        let mut bytes = self.head.clone();
        bytes.resize(bytes.len().next_multiple_of(32) + behind, 0);
        match check(&bytes) {
            Ok(()) => "sound".to_owned(),
            Err(fault) => fault.to_string(),
        }
    }
}

/// What is said of a file with one entry of metadata.
fn entry(kind: u32, write: impl FnOnce(&mut Forge)) -> String {
    let mut forge = Forge::counting(0, 1);
    forge.name("key").short(kind);
    write(&mut forge);
    match check(&forge.head) {
        Ok(()) => "sound".to_owned(),
        Err(fault) => fault.to_string(),
    }
}

/// What is said of a file with these tensors of 64 floats each, by place.
fn tensors(all: &[(&str, &[u64], u32, u64)], behind: usize) -> String {
    let mut forge = Forge::counting(all.len() as u64, 0);
    all.iter().for_each(|(name, measures, kind, offset)| _ = forge.tensor(name, measures, *kind, *offset));
    forge.said(behind)
}

#[track_caller]
fn says(said: &str, wanted: &str) {
    assert!(said.contains(wanted), "{said}");
}

#[test]
fn a_file_of_another_kind_or_version_is_named() {
    says(&check(b"PK\x03\x04 a zip").unwrap_err().to_string(), "no GGUF file");
    says(&check(b"").unwrap_err().to_string(), "ends at byte 0");
    says(&check(b"GGUF\x01\0\0\0").unwrap_err().to_string(), "version 1");
    says(&check(b"GGUF\x00\0\0\x03").unwrap_err().to_string(), "version 50331648");
    assert_eq!(Forge::counting(0, 0).said(0), "sound");
}

#[test]
fn a_file_that_is_cut_anywhere_is_refused() {
    let bytes = smallest(Edit::None);
    content(&bytes).unwrap();

    for length in (0..bytes.len()).step_by(7) {
        assert!(content(&bytes[..length]).is_err(), "{length}");
    }
}

#[test]
fn counts_that_do_not_fit_the_bytes_left_are_not_believed() {
    says(&Forge::counting(u64::MAX, 0).said(0), "18446744073709551615 tensors");
    says(&Forge::counting(0, 1 << 40).said(0), "1099511627776 entries of metadata");
    says(&Forge::counting(60_000, 0).said(0), "ends at byte");
    says(&entry(STRING, |forge| _ = forge.whole(u64::MAX)), "a text of 18446744073709551615 bytes");
    says(&entry(ARRAY, |forge| _ = forge.short(0).whole(u64::MAX)), "elements of arrays");
    says(&entry(ARRAY, |forge| _ = forge.short(0).whole(1 << 22)), "ends at byte");
    says(&entry(ARRAY, |forge| _ = forge.short(ARRAY).whole(1 << 22)), "ends at byte");
    let mut long_name = Forge::counting(0, 1);
    long_name.whole(1 << 30);
    says(&long_name.said(0), "bytes of a name");
}

#[test]
fn arrays_in_arrays_without_end_are_refused() {
    let nested = |depth: usize| {
        entry(ARRAY, |forge| {
            (0..depth).for_each(|_| _ = forge.short(ARRAY).whole(1));
            forge.short(0).whole(1).head.push(7);
        })
    };

    assert_eq!(nested(DEPTH_MAX - 1), "sound");
    says(&nested(DEPTH_MAX), "deeper than 4");
    says(&nested(1 << 18), "deeper than 4");
}

#[test]
fn values_of_no_known_kind_are_refused() {
    says(&entry(13, |_| ()), "kind 13");
    says(&entry(7, |forge| forge.head.push(2)), "kind 7");
    says(&entry(ARRAY, |forge| _ = forge.short(99).whole(1)), "kind 99");
}

#[test]
fn an_alignment_that_is_none_is_refused() {
    let aligned = |kind: u32, value: u32| {
        let mut forge = Forge::counting(0, 1);
        forge.name("general.alignment").short(kind).short(value);
        forge.said(0)
    };

    assert_eq!(aligned(UINT32, 64), "sound");
    says(&aligned(UINT32, 0), "alignment is 0");
    says(&aligned(UINT32, 24), "alignment is 24");
    says(&aligned(6, 32), "alignment is 0");
}

#[test]
fn tensors_of_impossible_measures_or_kinds_are_refused() {
    assert_eq!(tensors(&[("a", &[8, 8], 0, 0)], 256), "sound");
    says(&tensors(&[("a", &[1 << 40, 1 << 40], 0, 0)], 256), "a has the measures [1099511627776, 1099511627776]");
    says(&tensors(&[("a", &[1 << 62, 4], 0, 0)], 256), "measures");
    says(&tensors(&[("a", &[0, 8], 0, 0)], 256), "measures");
    says(&tensors(&[("a", &[16, 2], 8, 0)], 256), "measures");
    says(&tensors(&[("a", &[], 0, 0)], 256), "0 measures of a tensor");
    says(&tensors(&[("a", &[1; 5], 0, 0)], 256), "5 measures of a tensor");
    says(&tensors(&[("a", &[256], 10, 0)], 256), "of kind 10");
    says(&tensors(&[("a", &[256], 4_000_000_000, 0)], 256), "of kind 4000000000");
}

#[test]
fn tensors_beyond_the_end_on_each_other_or_out_of_line_are_refused() {
    let one: &[u64] = &[64];
    assert_eq!(tensors(&[("b", one, 0, 256), ("a", one, 0, 0)], 512), "sound");
    says(&tensors(&[("a", one, 0, 0)], 255), "a reaches beyond the end");
    says(&tensors(&[("a", one, 0, 1 << 40)], 256), "a reaches beyond the end");
    says(&tensors(&[("a", one, 0, u64::MAX - 31)], 256), "a reaches beyond the end");
    says(&tensors(&[("a", one, 0, 0), ("b", one, 0, 224)], 512), "b overlaps another");
    says(&tensors(&[("a", one, 0, 0), ("b", one, 0, 0)], 512), "overlaps another");
    says(&tensors(&[("a", one, 0, 4)], 512), "alignment");
    says(&tensors(&[("a", one, 0, 0), ("a", one, 0, 256)], 512), "a stands in it twice");
}

/// What is said of the small true file after an edit.
fn said_of(edit: Edit) -> String {
    let bytes = smallest(edit);
    match Mind::from_gguf(&Weights::of(&bytes), None, 1, 1) {
        Ok(_) => "sound".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn measures_that_cannot_be_are_refused_before_anything_is_made_by_them() {
    use Edit::{Float, Whole};
    assert_eq!(said_of(Edit::None), "sound");
    says(&said_of(Whole("llama.attention.head_count", 0)), "0 heads");
    says(&said_of(Whole("llama.attention.head_count", 3)), "3 heads");
    says(&said_of(Whole("llama.attention.head_count_kv", 0)), "cannot share 0");
    says(&said_of(Whole("llama.attention.head_count_kv", 64)), "cannot share 64");
    says(&said_of(Whole("llama.attention.key_length", 1 << 60)), "llama.attention.key_length is 1152921504606846976");
    says(&said_of(Whole("llama.embedding_length", 0)), "width of 0");
    says(&said_of(Whole("llama.embedding_length", 64)), "does not fit");
    says(&said_of(Whole("llama.context_length", 1 << 60)), "llama.context_length is 1152921504606846976");
    says(&said_of(Whole("llama.context_length", 0)), "context of 0");
    says(&said_of(Whole("llama.block_count", 0)), "no layers");
    says(&said_of(Whole("llama.block_count", 1 << 20)), "the weights have no blk.1.");
    says(&said_of(Whole("llama.rope.dimension_count", 1 << 10)), "1024 dimensions");
    for base in [0.0, -1.0, f32::NAN, f32::INFINITY] {
        says(&said_of(Float("llama.rope.freq_base", base)), "llama.rope.freq_base");
    }
    for eps in [-1.0, f32::NAN] {
        says(&said_of(Float("llama.attention.layer_norm_rms_epsilon", eps)), "layer_norm_rms_epsilon");
    }
}

#[test]
fn what_is_missing_or_of_another_shape_is_named() {
    says(&said_of(Edit::Without("blk.0.ffn_up.weight")), "the weights have no blk.0.ffn_up.weight");
    says(&said_of(Edit::Without("output_norm.weight")), "the weights have no output_norm.weight");
    says(&said_of(Edit::Without("tokenizer.ggml.merges")), "the weights have no tokenizer.ggml.merges");
    says(&said_of(Edit::Without("tokenizer.ggml.tokens")), "the weights have no tokenizer.ggml.tokens");
    says(&said_of(Edit::Without("general.architecture")), "the weights have no general.architecture");
    says(&said_of(Edit::Shaped("blk.0.attn_q.weight", &[32, 64])), "blk.0.attn_q.weight is 32 by 64");
    says(&said_of(Edit::Shaped("output_norm.weight", &[64])), "output_norm.weight has 64 numbers");
    says(&said_of(Edit::Text("general.architecture", "mamba")), "\"mamba\" cannot be run here");
    says(&said_of(Edit::Text("tokenizer.ggml.model", "wordpiece")), "\"wordpiece\"");
}

#[test]
fn every_fault_says_what_to_do() {
    let error = content(b"PK\x03\x04 a zip").unwrap_err().to_string();

    says(&error, "the weights cannot be used");
    says(&error, "fetch");
}

#[test]
fn what_the_fuzzer_begins_with_is_a_model() {
    let bytes = include_bytes!("../../../tests/fuzz/seeds/gguf/smallest.gguf");

    assert!(Mind::from_gguf(&Weights::of(bytes), None, 1, 1).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200 * cases() as u32))]

    #[test]
    fn no_change_of_bytes_crashes_the_reader(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_usize..3), 1..12),
        cut in prop::option::weighted(0.1, any::<prop::sample::Index>()),
    ) {
        let mut bytes = smallest(Edit::None);
        // What stands before the tensors is where the words are that could be believed.
        let head = bytes.len() / 3;
        for (place, value, how) in changes {
            let at = place.index(if how == 2 { bytes.len() } else { head });
            bytes[at] = if how == 0 { value } else { bytes[at] ^ 1 << (value % 8) };
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        // Whatever can be loaded can also be read with.
        if let Ok(mut mind) = Mind::from_gguf(&Weights::of(&bytes), None, 1, 1) {
            let _ = mind.read_plainly(&[1, 2, 3]);
        }
    }
}
