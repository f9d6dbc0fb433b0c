//! PDF to blocks: characters with places become lines, lines become paragraphs.
use crate::corpus::Block;
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Block>, String> {
    pdf_extract::extract_text_from_mem(bytes).map(|text| super::text::read(&text)).map_err(|e| e.to_string())
}
