//! What one commit holds, opened for reading: the segments with their columns, and which entries make up which page.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tantivy::columnar::{Column, ColumnValues, StrColumn};
use tantivy::fieldnorm::FieldNormReader;
use tantivy::index::{InvertedIndexReader, SegmentId};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocAddress, DocSet as _, Searcher, SegmentReader, TERMINATED, TantivyDocument, Term};

use super::Error;
use super::bits::Bits;
use super::fields::Fields;
use super::vector::{Quantised, Vectors};
use crate::acl::AclClass;

/// The vectors of segments, by segment: a segment never changes, so they serve every commit that has it.
pub(super) type VectorsKept = Mutex<HashMap<SegmentId, Arc<Vectors>>>;

/// One searchable text field of a segment.
pub(super) struct Text {
    pub(super) terms: Arc<InvertedIndexReader>,
    lengths: FieldNormReader,
}

impl Text {
    /// How many terms a document has in this field, as exactly as a byte can tell. It depends on the document alone.
    pub(super) fn length(&self, doc: u32) -> u32 {
        self.lengths.fieldnorm(doc)
    }

    /// The lengths of all documents.
    pub(super) fn lengths(&self) -> &FieldNormReader {
        &self.lengths
    }
}

/// One segment.
pub(super) struct Segment {
    reader: SegmentReader,
    /// Passages that are not deleted.
    pub(super) passages: Bits,
    /// Whole documents that are not deleted.
    pub(super) wholes: Bits,
    /// First passages of their documents, among `passages`.
    pub(super) firsts: Bits,
    /// For each passage, the number of its page in this snapshot. It is given in the order of the segments, so it may
    /// group, and never rank.
    pub(super) pages: Vec<u32>,
    pub(super) title: Text,
    pub(super) headings: Text,
    pub(super) body: Text,
    pub(super) exact: Text,
    classes: Arc<dyn ColumnValues<u64>>,
    keys: Arc<dyn ColumnValues<u64>>,
    updated: Arc<dyn ColumnValues<i64>>,
    created: Column<i64>,
    spaces: Option<StrColumn>,
    vectors: Column<u64>,
}

/// One commit.
pub(super) struct Snapshot {
    searcher: Searcher,
    pub(super) segments: Vec<Segment>,
    /// The length of each page: its title three times, its headings and its body.
    pub(super) page_lengths: Vec<u32>,
    /// The length of each page's title.
    pub(super) title_lengths: Vec<u32>,
}

/// How often a title counts in its page.
pub(super) const TITLE_TIMES: u32 = 3;

impl Snapshot {
    pub(super) fn of(searcher: Searcher, fields: &Fields) -> Result<Snapshot, Error> {
        let readers = searcher.segment_readers().iter();
        let mut segments = readers.map(|reader| Segment::of(reader, fields)).collect::<Result<Vec<_>, Error>>()?;
        let mut pages: HashMap<u64, u32> = HashMap::new();
        let (mut page_lengths, mut title_lengths) = (Vec::new(), Vec::new());
        for segment in &mut segments {
            let numbers = segment.reader.fast_fields().column_first_or_default::<u64>("page")?;
            segment.pages = vec![u32::MAX; segment.count() as usize];
            for doc in segment.passages.iter() {
                let page = *pages.entry(numbers.get_val(doc)).or_insert(page_lengths.len() as u32);
                if page as usize == page_lengths.len() {
                    page_lengths.push(0);
                    title_lengths.push(segment.title.length(doc));
                }
                segment.pages[doc as usize] = page;
                page_lengths[page as usize] += segment.page_share(doc);
            }
        }
        // Last, for a document and its passages may stand in different segments. One without passages is no page.
        for segment in &mut segments {
            let numbers = segment.reader.fast_fields().column_first_or_default::<u64>("page")?;
            for doc in segment.wholes.iter() {
                segment.pages[doc as usize] = pages.get(&numbers.get_val(doc)).copied().unwrap_or(u32::MAX);
            }
        }
        Ok(Snapshot { searcher, segments, page_lengths, title_lengths })
    }

    /// The stored fields of an entry.
    pub(super) fn stored(&self, segment: usize, doc: u32) -> Result<TantivyDocument, Error> {
        Ok(self.searcher.doc(DocAddress::new(segment as u32, doc))?)
    }

    /// The entries that bear a term and are not deleted, by segment.
    pub(super) fn entries(&self, term: &Term) -> Result<Vec<(usize, u32)>, Error> {
        let mut entries = Vec::new();
        for (n, segment) in self.segments.iter().enumerate() {
            segment.each(term, |doc| {
                if segment.is_there(doc) {
                    entries.push((n, doc));
                }
            })?;
        }
        Ok(entries)
    }

    /// The vectors of each segment: those in memory, and the others read now. What no segment needs any more is let go.
    pub(super) fn vectors(&self, kept: &VectorsKept) -> Vec<Arc<Vectors>> {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|id, _| self.segments.iter().any(|segment| segment.reader.segment_id() == *id));
        let of = |segment: &Segment| {
            let vectors = kept.entry(segment.reader.segment_id());
            vectors.or_insert_with(|| Arc::new(segment.read_vectors())).clone()
        };
        self.segments.iter().map(of).collect()
    }
}

impl Segment {
    fn of(reader: &SegmentReader, fields: &Fields) -> Result<Segment, Error> {
        let text = |field: Field| -> Result<Text, Error> {
            Ok(Text { terms: reader.inverted_index(field)?, lengths: reader.get_fieldnorms_reader(field)? })
        };
        let columns = reader.fast_fields();
        let places = columns.column_first_or_default::<u64>("place")?;
        let count = reader.max_doc();
        let (mut passages, mut wholes, mut firsts) = (Bits::none(count), Bits::none(count), Bits::none(count));
        for doc in reader.doc_ids_alive() {
            match places.get_val(doc) {
                0 => wholes.set(doc),
                1 => {
                    firsts.set(doc);
                    passages.set(doc);
                }
                2.. => passages.set(doc),
            }
        }
        Ok(Segment {
            passages,
            wholes,
            firsts,
            pages: Vec::new(),
            title: text(fields.title)?,
            headings: text(fields.headings)?,
            body: text(fields.body)?,
            exact: text(fields.exact)?,
            classes: columns.column_first_or_default("class")?,
            keys: columns.column_first_or_default("key")?,
            updated: columns.column_first_or_default("updated")?,
            created: columns.column_opt("created")?.unwrap_or_else(|| Column::build_empty_column(count)),
            spaces: columns.str("space_name")?,
            vectors: columns.column_opt("vector")?.unwrap_or_else(|| Column::build_empty_column(count)),
            reader: reader.clone(),
        })
    }

    /// How many entries it has, deleted ones too.
    pub(super) fn count(&self) -> u32 {
        self.reader.max_doc()
    }

    /// Each entry that bears a term, deleted ones too.
    pub(super) fn each(&self, term: &Term, mut each: impl FnMut(u32)) -> Result<(), Error> {
        let terms = self.reader.inverted_index(term.field())?;
        let Some(mut postings) = terms.read_postings(term, IndexRecordOption::Basic)? else { return Ok(()) };
        while postings.doc() != TERMINATED {
            each(postings.doc());
            postings.advance();
        }
        Ok(())
    }

    /// Each entry of each class that is admitted, deleted ones too.
    pub(super) fn each_of_classes(
        &self,
        field: Field,
        admits: impl Fn(AclClass) -> bool,
        mut each: impl FnMut(u32),
    ) -> Result<(), Error> {
        let terms = self.reader.inverted_index(field)?;
        let mut classes = terms.terms().stream()?;
        while let Some((number, place)) = classes.next() {
            // An entry whose class does not read is admitted to nobody.
            let number = number.try_into().map(u64::from_be_bytes).ok().and_then(|number| u32::try_from(number).ok());
            if !number.is_some_and(|number| admits(AclClass::from_number(number))) {
                continue;
            }
            let mut postings = terms.read_postings_from_terminfo(place, IndexRecordOption::Basic)?;
            while postings.doc() != TERMINATED {
                each(postings.doc());
                postings.advance();
            }
        }
        Ok(())
    }

    /// What a passage adds to its page's length.
    pub(super) fn page_share(&self, doc: u32) -> u32 {
        let title = if self.firsts.has(doc) { TITLE_TIMES * self.title.length(doc) } else { 0 };
        title + self.headings.length(doc) + self.body.length(doc)
    }

    pub(super) fn is_there(&self, doc: u32) -> bool {
        self.passages.has(doc) || self.wholes.has(doc)
    }

    pub(super) fn class(&self, doc: u32) -> AclClass {
        AclClass::from_number(self.classes.get_val(doc) as u32)
    }

    pub(super) fn key(&self, doc: u32) -> u64 {
        self.keys.get_val(doc)
    }

    pub(super) fn updated(&self, doc: u32) -> i64 {
        self.updated.get_val(doc)
    }

    /// When its document was made; `None` where that is not known.
    pub(super) fn created(&self, doc: u32) -> Option<i64> {
        self.created.first(doc)
    }

    /// The space column of a whole document.
    pub(super) fn space(&self, doc: u32) -> Result<Option<String>, Error> {
        let Some(spaces) = &self.spaces else { return Ok(None) };
        let Some(number) = spaces.ords().first(doc) else { return Ok(None) };
        let mut text = String::new();
        Ok(spaces.ord_to_str(number, &mut text)?.then_some(text))
    }

    pub(super) fn vector(&self, doc: u32) -> Option<Quantised> {
        Quantised::from_column(self.vectors.values_for_doc(doc))
    }

    fn read_vectors(&self) -> Vectors {
        Vectors::of((0..self.count()).map(|doc| self.vector(doc)))
    }
}

/// Each entry of a field that bears a term, deleted ones too, with how often it does: ascending, many at once.
pub(super) fn each_block(text: &Text, term: &Term, mut each: impl FnMut(&[u32], &[u32])) -> Result<(), Error> {
    let Some(mut postings) = text.terms.read_block_postings(term, IndexRecordOption::WithFreqs)? else { return Ok(()) };
    while postings.block_len() > 0 {
        each(postings.docs(), postings.freqs());
        postings.advance();
    }
    Ok(())
}
