//! What tantivy itself finds for the same words, whoever may read it: what a benchmark compares our searches with.

use tantivy::collector::TopDocs;
use tantivy::query::{BooleanQuery, Query, TermQuery};
use tantivy::schema::IndexRecordOption;
use tantivy::{TantivyDocument, Term};

use super::{Error, Index, words};

impl Index {
    /// The best `most` entries by tantivy's own BM25, over the same terms in the same fields, and their stored bytes read;
    /// gives how many there are. No permissions, no pages, no stable ties.
    pub fn plain(&self, query: &str, most: usize) -> Result<usize, Error> {
        let terms = words::terms(query, &[]);
        let fields = &self.fields;
        let stems = terms.stems.iter().flat_map(|stem| &stem.forms).flat_map(|stem| {
            [fields.title, fields.headings, fields.body].map(|field| Term::from_field_text(field, stem))
        });
        let forms = terms.forms.iter().map(|form| Term::from_field_text(fields.exact, &form.text));
        let of = |term: Term| -> Box<dyn Query> { Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs)) };
        let query = BooleanQuery::union(stems.chain(forms).map(of).collect());
        let searcher = self.reader.searcher();
        let best = searcher.search(&query, &TopDocs::with_limit(most).order_by_score())?;
        for (_, address) in &best {
            searcher.doc::<TantivyDocument>(*address)?;
        }
        Ok(best.len())
    }
}
