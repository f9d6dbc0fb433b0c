//! The files that a site names, read into it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use base64::Engine as _;

use super::site::Content;

/// The largest attachment that a site may hold.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// Reads the files that a content names into it.
pub(super) fn read_files(
    content: &mut Content,
    folder: &Path,
    files: &mut HashMap<String, Arc<[u8]>>,
) -> anyhow::Result<()> {
    if let Some(path) = content.body_file.take() {
        content.body = text(folder, &path)?;
    }
    if let Some(path) = content.markdown_file.take() {
        content.body = super::markdown::storage(&text(folder, &path)?);
    }
    if let Some(path) = content.file.take() {
        files.insert(content.id.clone(), bytes(folder, &path)?.into());
    }
    if let Some(encoded) = content.base64.take() {
        let decoded = base64::engine::general_purpose::STANDARD.decode(encoded).context("base64")?;
        files.insert(content.id.clone(), decoded.into());
    }
    Ok(())
}

fn bytes(folder: &Path, path: &str) -> anyhow::Result<Vec<u8>> {
    let path = folder.join(path);
    let size = std::fs::metadata(&path).with_context(|| format!("cannot read {}", path.display()))?.len();
    if size > FILE_BYTES_MAX {
        bail!("{} is larger than {FILE_BYTES_MAX} bytes", path.display());
    }
    std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
}

fn text(folder: &Path, path: &str) -> anyhow::Result<String> {
    String::from_utf8(bytes(folder, path)?).with_context(|| format!("{path} is not UTF-8"))
}
