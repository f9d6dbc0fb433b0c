//! What one visibility admits of a snapshot, with the statistics that ranking needs: over these passages and no others.

use std::borrow::Cow;
use std::collections::HashSet;

use super::bits::Bits;
use super::fields::Fields;
use super::language::Language;
use super::snapshot::{Segment, Snapshot};
use super::{Error, Scope};
use crate::acl::Visibility;
use crate::corpus::DocumentId;
use tantivy::Term;
use tantivy::schema::Field;

/// The entries that one visibility admits.
pub(super) struct View {
    /// Passages, by segment.
    pub(super) passages: Vec<Bits>,
    /// Whole documents, by segment.
    pub(super) wholes: Vec<Bits>,
    pub(super) statistics: Statistics,
    /// The languages besides English that these passages are in.
    pub(super) languages: Vec<Language>,
    #[cfg(any(test, debug_assertions))]
    pub(super) is_stock: bool,
}

/// Counts over the passages of a view. Sums of whole numbers, so the order of the segments is not felt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Statistics {
    pub(super) passages: u64,
    pub(super) title: u64,
    pub(super) headings: u64,
    pub(super) body: u64,
    pub(super) exact: u64,
    pub(super) pages: u64,
    pub(super) page: u64,
}

impl Statistics {
    fn of(snapshot: &Snapshot, passages: &[Bits]) -> Statistics {
        let mut sums = Statistics::default();
        let mut pages = Bits::none(snapshot.page_lengths.len() as u32);
        for (segment, bits) in snapshot.segments.iter().zip(passages) {
            for doc in bits.iter() {
                sums.passages += 1;
                sums.title += u64::from(segment.title.length(doc));
                sums.headings += u64::from(segment.headings.length(doc));
                sums.body += u64::from(segment.body.length(doc));
                sums.exact += u64::from(segment.exact.length(doc));
                pages.set(segment.pages[doc as usize]);
            }
        }
        sums.pages = pages.count();
        sums.page = pages.iter().map(|page| u64::from(snapshot.page_lengths[page as usize])).sum();
        sums
    }
}

impl View {
    pub(super) fn of(
        snapshot: &Snapshot,
        fields: &Fields,
        sight: &Visibility,
        denied: &HashSet<DocumentId>,
    ) -> Result<View, Error> {
        let (mut passages, mut wholes) = (Vec::new(), Vec::new());
        for segment in &snapshot.segments {
            let mut bits = Bits::none(segment.count());
            segment.each_of_classes(fields.class, |class| sight.admits(class), |doc| bits.set(doc))?;
            for id in denied {
                segment.each(&fields.of_document(id), |doc| bits.unset(doc))?;
            }
            let mut of_wholes = bits.clone();
            of_wholes.keep_only(&segment.wholes);
            wholes.push(of_wholes);
            bits.keep_only(&segment.passages);
            passages.push(bits);
        }
        Ok(View {
            statistics: Statistics::of(snapshot, &passages),
            languages: languages(snapshot, fields, &passages)?,
            passages,
            wholes,
            #[cfg(any(test, debug_assertions))]
            is_stock: false,
        })
    }

    /// Whether a passage counts when terms are counted: when it may be read.
    pub(super) fn counts(&self, segment: usize, doc: u32) -> bool {
        #[cfg(any(test, debug_assertions))]
        if self.is_stock {
            return true;
        }
        self.passages[segment].has(doc)
    }

    /// The same entries with the statistics of all others too, deleted ones not excepted, as a search engine has them that
    /// filters what it found: the control that a test of non-interference needs.
    #[cfg(any(test, debug_assertions))]
    pub(super) fn with_stock_statistics(mut self, snapshot: &Snapshot) -> View {
        let all: Vec<Bits> = snapshot.segments.iter().map(|segment| segment.passages.clone()).collect();
        self.statistics = Statistics::of(snapshot, &all);
        self.is_stock = true;
        self
    }

    /// The passages that a scope leaves, by segment.
    pub(super) fn narrowed(
        &self,
        snapshot: &Snapshot,
        fields: &Fields,
        scope: &Scope,
    ) -> Result<Cow<'_, [Bits]>, Error> {
        if *scope == Scope::default() {
            return Ok(Cow::Borrowed(&self.passages));
        }
        let narrow = |(segment, bits): (&Segment, &Bits)| narrowed(segment, bits.clone(), fields, scope);
        Ok(Cow::Owned(snapshot.segments.iter().zip(&self.passages).map(narrow).collect::<Result<_, Error>>()?))
    }

    /// The whole documents of which a scope leaves a passage, by segment: what a scope narrows by stands beside passages alone.
    pub(super) fn narrowed_wholes(
        &self,
        snapshot: &Snapshot,
        fields: &Fields,
        scope: &Scope,
    ) -> Result<Cow<'_, [Bits]>, Error> {
        if *scope == Scope::default() {
            return Ok(Cow::Borrowed(&self.wholes));
        }
        let mut pages = Bits::none(snapshot.page_lengths.len() as u32);
        for (segment, bits) in snapshot.segments.iter().zip(&*self.narrowed(snapshot, fields, scope)?) {
            bits.iter().for_each(|doc| pages.set(segment.pages[doc as usize]));
        }
        let mut wholes = self.wholes.clone();
        for (segment, bits) in snapshot.segments.iter().zip(&mut wholes) {
            bits.retain(|doc| pages.has(segment.pages[doc as usize]));
        }
        Ok(Cow::Owned(wholes))
    }
}

fn languages(snapshot: &Snapshot, fields: &Fields, passages: &[Bits]) -> Result<Vec<Language>, Error> {
    let mut languages = Vec::new();
    for language in Language::all() {
        let term = Term::from_field_text(fields.language, language.code());
        let mut is_there = false;
        for (segment, bits) in snapshot.segments.iter().zip(passages) {
            segment.each(&term, |doc| is_there |= bits.has(doc))?;
        }
        if is_there {
            languages.push(language);
        }
    }
    Ok(languages)
}

fn narrowed(segment: &Segment, mut bits: Bits, fields: &Fields, scope: &Scope) -> Result<Bits, Error> {
    let any_of = |field: Field, texts: &mut dyn Iterator<Item = String>, bits: &mut Bits| -> Result<(), Error> {
        let mut named = Bits::none(segment.count());
        for text in texts {
            segment.each(&Term::from_field_text(field, &text), |doc| named.set(doc))?;
        }
        bits.keep_only(&named);
        Ok(())
    };
    if !scope.sources.is_empty() {
        any_of(fields.source, &mut scope.sources.iter().cloned(), &mut bits)?;
    }
    for (field, texts) in
        [(fields.space, &scope.spaces), (fields.label, &scope.labels), (fields.author, &scope.authors)]
    {
        if !texts.is_empty() {
            any_of(field, &mut texts.iter().map(|text| text.to_lowercase()), &mut bits)?;
        }
    }
    if !scope.kinds.is_empty() {
        any_of(fields.kind, &mut scope.kinds.iter().map(|kind| kind.word().to_owned()), &mut bits)?;
    }
    if let Some(after) = scope.updated_after {
        bits.retain(|doc| segment.updated(doc) >= after);
    }
    if let Some(before) = scope.updated_before {
        bits.retain(|doc| segment.updated(doc) < before);
    }
    if scope.created_after.is_some() || scope.created_before.is_some() {
        bits.retain(|doc| {
            segment.created(doc).is_some_and(|at| {
                scope.created_after.is_none_or(|after| at >= after)
                    && scope.created_before.is_none_or(|before| at < before)
            })
        });
    }
    if !scope.parents.is_empty() {
        any_of(fields.parent, &mut scope.parents.iter().map(ToString::to_string), &mut bits)?;
    }
    for id in &scope.without {
        segment.each(&fields.of_document(id), |doc| bits.unset(doc))?;
    }
    Ok(bits)
}
