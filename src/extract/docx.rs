//! Word documents to blocks.
use crate::corpus::Block;
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Block>, String> {
    docx_rs::read_docx(bytes).map(|_| Vec::new()).map_err(|e| e.to_string())
}
