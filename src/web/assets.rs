//! The files of `static/`, carried in the binary: one hash of all of them makes the path they are served under, so that a
//! browser may keep each for ever and still never mixes two versions.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use actix_web::web::Bytes;
use sha2::{Digest as _, Sha256};

use super::router::has_page;

/// What a page writes where the path of its files belongs.
const PREFIX: &str = "{{static}}";
/// What a page of the desk writes where its header belongs, and the file that has it: one for all of them.
const HEADER: &str = "{{desk}}";
const HEADER_FILE: &str = "desk.html";

struct File {
    name: &'static str,
    bytes: &'static [u8],
}

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(File { name: $name, bytes: include_bytes!(concat!("../../static/", $name)) }),*]
    };
}

/// Every file of `static/`; a test compares the list with the folder.
const FILES: &[File] = files![
    "access.html",
    "admin.html",
    "analytics.html",
    "application.html",
    "applications.html",
    "audit.html",
    "css/base.css",
    "css/layout.css",
    "css/parts.css",
    "css/tokens.css",
    "desk.html",
    "exposure.html",
    "icons.svg",
    "index.html",
    "js/access.js",
    "js/admin.js",
    "js/analytics.js",
    "js/api.js",
    "js/application.js",
    "js/applications.js",
    "js/ask.js",
    "js/assigning.js",
    "js/audit.js",
    "js/blocks.js",
    "js/claims.js",
    "js/copy.js",
    "js/desk.js",
    "js/dialogs.js",
    "js/dom.js",
    "js/early.js",
    "js/exposure.js",
    "js/feedback.js",
    "js/history.js",
    "js/leaf.js",
    "js/keys.js",
    "js/lists.js",
    "js/me.js",
    "js/menu.js",
    "js/new-source.js",
    "js/onward.js",
    "js/outside.js",
    "js/page.js",
    "js/passkeys.js",
    "js/people.js",
    "js/privacy.js",
    "js/proof.js",
    "js/provider.js",
    "js/quotes.js",
    "js/reader.js",
    "js/receipts.js",
    "js/release.js",
    "js/runs.js",
    "js/scim.js",
    "js/seats.js",
    "js/sessions.js",
    "js/settings.js",
    "js/signin.js",
    "js/source-edit.js",
    "js/source-form.js",
    "js/source.js",
    "js/sources.js",
    "js/standing.js",
    "js/status.js",
    "js/support.js",
    "js/tables.js",
    "js/tested.js",
    "js/theme.js",
    "js/todo.js",
    "js/topics.js",
    "js/trouble.js",
    "js/turn.js",
    "js/unlock.js",
    "js/what-if.js",
    "js/when.js",
    "mark.svg",
    "new-source.html",
    "onward.html",
    "people.html",
    "privacy.html",
    "problem.html",
    "provider.html",
    "scim.html",
    "seats.html",
    "sessions.html",
    "sign-in.html",
    "source.html",
    "support.html",
];

/// The files and the pages that name them.
pub struct Assets {
    hash: String,
    /// The pages with the path of their files filled in.
    pages: BTreeMap<&'static str, Bytes>,
    /// Where files are read instead, while somebody works on them.
    folder: Option<PathBuf>,
}

impl Assets {
    /// The binary's own, or those of a folder.
    pub fn open(folder: Option<&Path>) -> Assets {
        let hash = if folder.is_some() { "folder".to_owned() } else { hash_of(FILES) };
        let pages = FILES.iter().filter(|file| file.name.ends_with(".html"));
        let header = FILES.iter().find(|file| file.name == HEADER_FILE).map_or(&[][..], |file| file.bytes);
        let pages = pages.map(|file| (file.name, filled(file.bytes, header, &hash))).collect();
        Assets { hash, pages, folder: folder.map(Path::to_owned) }
    }

    /// The part of the path that changes whenever any file does.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Whether the files are the binary's own.
    pub fn is_embedded(&self) -> bool {
        self.folder.is_none()
    }

    /// A page, ready to send.
    pub fn page(&self, name: &str) -> Option<Bytes> {
        match &self.folder {
            None => self.pages.get(name).cloned(),
            Some(folder) => {
                let header = read(folder, HEADER_FILE).unwrap_or_default();
                Some(filled(&read(folder, name)?, &header, &self.hash))
            }
        }
    }

    /// A file that a page loads. Pages themselves are not among them: they have addresses of their own.
    pub fn file(&self, name: &str) -> Option<Bytes> {
        if name.ends_with(".html") {
            return None;
        }
        match &self.folder {
            None => FILES.iter().find(|file| file.name == name).map(|file| Bytes::from_static(file.bytes)),
            Some(folder) => read(folder, name).map(Bytes::from),
        }
    }
}

/// The media type of a file, by its ending.
pub fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("html") => "text/html; charset=utf-8",
        _ => "application/octet-stream",
    }
}

fn hash_of(files: &[File]) -> String {
    let mut hash = Sha256::new();
    for file in files {
        // Lengths keep the border between a name and its bytes.
        hash.update((file.name.len() as u64).to_be_bytes());
        hash.update(file.name);
        hash.update((file.bytes.len() as u64).to_be_bytes());
        hash.update(file.bytes);
    }
    hex::encode(&hash.finalize()[..8])
}

/// A page with its header and the path of its files in their places.
fn filled(html: &[u8], header: &[u8], hash: &str) -> Bytes {
    match (std::str::from_utf8(html), std::str::from_utf8(header)) {
        (Ok(html), Ok(header)) => {
            let whole = html.replace(HEADER, leading_somewhere(header).trim_end());
            Bytes::from(whole.replace(PREFIX, &format!("/static/{hash}")))
        }
        (Ok(_) | Err(_), _) => Bytes::copy_from_slice(html),
    }
}

/// The header without links to pages that are not there.
fn leading_somewhere(header: &str) -> String {
    let leads = |line: &&str| match line.split_once("href=\"/admin") {
        Some((_, rest)) => rest.split_once('"').is_some_and(|(rest, _)| has_page(&format!("/admin{rest}"))),
        None => true,
    };
    header.lines().filter(leads).flat_map(|line| [line, "\n"]).collect()
}

/// Reads a file below the folder; a name that leads out of it names nothing.
fn read(folder: &Path, name: &str) -> Option<Vec<u8>> {
    let name = Path::new(name);
    let stays = name.components().all(|part| matches!(part, Component::Normal(_)));
    if !stays {
        return None;
    }
    std::fs::read(folder.join(name)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(folder: &Path, root: &Path, into: &mut Vec<String>) {
        let Ok(entries) = std::fs::read_dir(folder) else { return };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, root, into);
            } else {
                into.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
            }
        }
    }

    #[test]
    fn every_file_of_the_folder_is_carried_and_none_else() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("static");
        let mut there = Vec::new();
        walk(&root, &root, &mut there);
        there.sort();

        let mut carried: Vec<&str> = FILES.iter().map(|file| file.name).collect();
        carried.sort_unstable();

        assert_eq!(carried, there);
    }

    #[test]
    fn a_page_names_its_files_under_the_hash() {
        let html = filled(b"<script src=\"{{static}}/js/page.js\">", b"", "0f");

        assert_eq!(html, "<script src=\"/static/0f/js/page.js\">");
    }

    #[test]
    fn the_header_of_the_desk_has_no_link_that_leads_nowhere() {
        let header = b"<nav>\n<a href=\"/admin\">A</a>\n<a href=\"/admin/nowhere\">B</a>\n</nav>\n";

        let html = filled(b"<body>{{desk}}</body>", header, "0f");

        assert_eq!(html, "<body><nav>\n<a href=\"/admin\">A</a>\n</nav></body>");
    }

    #[test]
    fn the_hash_changes_with_any_byte_or_name() {
        let one = |name, bytes| hash_of(&[File { name, bytes }]);

        assert_ne!(one("a", b"x"), one("a", b"y"));
        assert_ne!(one("a", b"x"), one("b", b"x"));
        assert_ne!(one("ab", b"x"), one("a", b"bx"));
    }

    #[test]
    fn no_name_leads_out_of_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("static");
        std::fs::create_dir(&inside).unwrap();
        std::fs::File::create(folder.path().join("secret.css")).unwrap();
        let assets = Assets::open(Some(&inside));

        assert_eq!(assets.file("../secret.css"), None);
        assert_eq!(assets.file(folder.path().join("secret.css").to_str().unwrap()), None);
    }
}
