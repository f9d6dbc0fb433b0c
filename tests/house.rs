//! The floor plan, as a test: it reads the source text, and takes milliseconds.

#![expect(clippy::unwrap_used, reason = "builders and readers of tests stop where they cannot go on")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Which rooms each room may use, besides itself. A new line here needs a reason in the commit that adds it.
const FLOORS: &[(&str, &[&str])] = &[
    ("clock", &[]),
    ("names", &[]),
    ("corpus", &[]),
    ("store", &[]),
    ("outbound", &[]),
    ("model", &[]),
    ("vault", &["names", "store"]),
    ("acl", &["names", "store"]),
    // A local administrator's secrets are sealed.
    ("sso", &["clock", "names", "store", "outbound", "vault"]),
    ("extract", &["corpus"]),
    ("exposure", &["corpus", "store"]),
    ("analytics", &["clock", "names", "store"]),
    ("directory", &["names", "store", "acl"]),
    ("index", &["corpus", "acl"]),
    ("audit", &["clock", "names", "corpus", "store", "vault"]),
    ("session", &["clock", "names", "store", "vault"]),
    // Its senders' tokens are its own: kept in the store, and made and compared by what the vault has for that.
    ("scim", &["clock", "names", "store", "vault", "directory"]),
    ("application", &["names", "store", "directory"]),
    ("answer", &["clock", "corpus", "acl", "index", "model"]),
    ("crawl", &["clock", "names", "corpus", "extract", "store", "outbound", "acl", "directory", "index"]),
    ("history", &["clock", "names", "store", "vault", "acl", "audit", "answer"]),
    (
        "app",
        &[
            "clock",
            "names",
            "corpus",
            "store",
            "outbound",
            "model",
            "vault",
            "acl",
            "sso",
            "extract",
            "exposure",
            "analytics",
            "directory",
            "index",
            "audit",
            "session",
            "scim",
            "application",
            "answer",
            "crawl",
            "history",
        ],
    ),
    (
        "web",
        &[
            "app",
            "clock",
            "names",
            "corpus",
            "model",
            "acl",
            "sso",
            "exposure",
            "analytics",
            "directory",
            "index",
            "audit",
            "session",
            "scim",
            "application",
            "answer",
            "crawl",
            "history",
        ],
    ),
    ("standin", &["clock", "names", "outbound"]),
    (
        "config",
        &[
            "app",
            "web",
            "analytics",
            "answer",
            "application",
            "audit",
            "crawl",
            "directory",
            "extract",
            "history",
            "index",
            "model",
            "outbound",
            "session",
            "sso",
            "vault",
        ],
    ),
    // The side door for benchmarks and fuzz targets; in no release.
    (
        "probe",
        &[
            "acl",
            "answer",
            "audit",
            "clock",
            "corpus",
            "crawl",
            "directory",
            "extract",
            "history",
            "index",
            "model",
            "names",
            "outbound",
            "scim",
            "sso",
            "store",
            "vault",
        ],
    ),
    ("main", &["config", "app", "web", "standin"]),
];

/// Which rooms may name a crate of the outside.
const KEEPERS: &[(&str, &[&str])] = &[
    ("sled", &["store"]),
    ("crc32fast", &["store"]),
    ("tantivy", &["index"]),
    ("pulp", &["index"]),
    ("whatlang", &["index"]),
    ("candle_core", &["model"]),
    ("candle_nn", &["model"]),
    ("candle_transformers", &["model"]),
    ("tokenizers", &["model"]),
    ("memmap2", &["model"]),
    ("ureq", &["outbound"]),
    ("actix_web", &["web", "standin"]),
    ("tokio", &["web", "standin"]),
    ("rcgen", &["web", "standin", "sso"]),
    ("utoipa", &["web"]),
    ("x509_cert", &["web"]),
    ("prometheus_client", &["web"]),
    ("chacha20poly1305", &["vault"]),
    ("argon2", &["sso", "vault"]),
    ("blake2", &["vault"]),
    ("region", &["vault"]),
    ("secrecy", &["vault", "session", "audit"]),
    ("ed25519_dalek", &["audit"]),
    ("signed_note", &["audit"]),
    ("tlog_tiles", &["audit"]),
    ("openidconnect", &["sso", "standin"]),
    ("saml_rs", &["sso"]),
    ("totp_rs", &["sso"]),
    ("rsa", &["standin"]),
    ("scim_v2", &["scim"]),
    ("precis_profiles", &["names"]),
    ("jiff", &["clock"]),
    ("croner", &["clock"]),
    ("quick_xml", &["crawl", "extract", "sso", "standin"]),
    ("scraper", &["extract"]),
    ("pulldown_cmark", &["extract", "standin"]),
    ("pdf_extract", &["extract"]),
    ("docx_rs", &["extract"]),
    ("regex", &["crawl", "exposure"]),
    ("calamine", &["extract"]),
    ("zip", &["extract", "crawl", "standin"]),
    ("flate2", &["extract", "standin"]),
    ("age", &["app"]),
    ("fail", &["store", "audit", "vault", "history", "crawl", "app"]),
    ("clap", &["main"]),
    ("zeroizing_alloc", &["main"]),
    ("toml", &["config", "model"]),
    ("std::process::Command", &["extract"]),
];

/// Names that mean the idea is not yet found (house rules, naming 3).
const BANNED_FILES: &[&str] = &[
    "util",
    "utils",
    "helper",
    "helpers",
    "common",
    "misc",
    "manager",
    "service",
    "services",
    "handler",
    "handlers",
    "processor",
    "wrapper",
    "impl",
    "base",
    "data",
    "info",
    "types",
];
const BANNED_ENDINGS: &[&str] =
    &["Manager", "Service", "Handler", "Processor", "Wrapper", "Helper", "Impl", "Info", "Util"];

/// Lines of a file outside its tests.
const LINES_MAX: usize = 500;

struct File {
    path: PathBuf,
    room: String,
    text: String,
}

impl File {
    /// The text without comments and without the tests at its foot.
    fn code(&self) -> String {
        let mut code = String::new();
        for line in self.outside_tests().lines() {
            let line = line.split_once("//").map_or(line, |(before, _)| before);
            code.push_str(line);
            code.push('\n');
        }
        code
    }

    fn outside_tests(&self) -> &str {
        self.text.split("\n#[cfg(test)]\nmod ").next().unwrap_or(&self.text)
    }

    fn is_test(&self) -> bool {
        self.path.ends_with("tests.rs") || self.path.components().any(|part| part.as_os_str() == "tests")
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn below(folder: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| endings.iter().any(|known| ending == *known)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn sources() -> Vec<File> {
    let src = root().join("src");
    let mut files = Vec::new();
    for path in below(&src, &["rs"]) {
        let inside = path.strip_prefix(&src).unwrap().to_owned();
        let room = inside.components().next().unwrap().as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned();
        files.push(File { text: fs::read_to_string(&path).unwrap(), path: inside, room });
    }
    files
}

/// The words after each occurrence of `before`, up to what cannot stand in a name.
fn named_after<'a>(code: &'a str, before: &str) -> Vec<&'a str> {
    code.match_indices(before)
        .map(|(at, _)| {
            let rest = &code[at + before.len()..];
            &rest[..rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())]
        })
        .collect()
}

fn complain(wrong: Vec<String>) {
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn every_room_stands_on_a_floor_and_every_floor_has_its_room() {
    let rooms: std::collections::BTreeSet<String> =
        sources().into_iter().map(|file| file.room).filter(|room| room != "lib").collect();
    let floors: std::collections::BTreeSet<String> = FLOORS.iter().map(|(room, _)| (*room).to_owned()).collect();

    assert_eq!(rooms.difference(&floors).collect::<Vec<_>>(), Vec::<&String>::new(), "rooms without a floor");
    assert_eq!(floors.difference(&rooms).collect::<Vec<_>>(), Vec::<&String>::new(), "floors without a room");
}

#[test]
fn rooms_use_only_the_rooms_below_that_are_listed_for_them() {
    let floors: BTreeMap<&str, &[&str]> = FLOORS.iter().copied().collect();
    let mut wrong = Vec::new();
    // What a room's own tests bring along is no dependency of the room.
    for file in sources().iter().filter(|file| file.room != "lib" && !file.is_test()) {
        let code = file.code();
        let mut used = named_after(&code, "crate::");
        // `use crate::{a, b::C}`
        for (at, _) in code.match_indices("crate::{") {
            let list = &code[at + 8..at + 8 + code[at + 8..].find(';').unwrap_or(0)];
            let mut depth = 0;
            let mut start = 0;
            for (place, sign) in list.char_indices() {
                match sign {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    _ => {}
                }
                if (sign == ',' && depth == 0) || depth < 0 {
                    let piece = list[start..place].trim();
                    used.push(&piece[..piece.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(piece.len())]);
                    start = place + 1;
                }
            }
        }
        if file.room == "main" {
            used = named_after(&code, "sotto::");
        }
        for name in used {
            if floors.contains_key(name) && name != file.room && !floors[file.room.as_str()].contains(&name) {
                wrong.push(format!("src/{}: {} may not use {name}", file.path.display(), file.room));
            }
        }
    }
    wrong.dedup();
    complain(wrong);
}

#[test]
fn each_outside_power_has_its_keeper() {
    let mut wrong = Vec::new();
    for file in sources().iter().filter(|file| !file.is_test()) {
        let code = file.code();
        for (power, keepers) in KEEPERS {
            let is_named = code.contains(&format!("{power}::")) && {
                // Not as the end of another name, and not as a room of ours.
                code.match_indices(&format!("{power}::"))
                    .any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':'))
            };
            if is_named && !keepers.contains(&file.room.as_str()) {
                wrong.push(format!("src/{}: only {keepers:?} may say {power}", file.path.display()));
            }
        }
    }
    complain(wrong);
}

#[test]
fn only_web_and_standin_are_async() {
    let sources = sources();
    let found = sources.iter().filter(|file| {
        let code = file.code();
        !matches!(file.room.as_str(), "web" | "standin") && (code.contains("async fn") || code.contains(".await"))
    });

    complain(found.map(|file| format!("src/{} is async", file.path.display())).collect());
}

#[test]
fn every_file_says_in_its_first_line_what_it_is_for() {
    let mut wrong = Vec::new();
    for folder in ["src", "tests", "benches"] {
        let folder = root().join(folder);
        if !folder.exists() {
            continue;
        }
        for path in below(&folder, &["rs"]) {
            let text = fs::read_to_string(&path).unwrap();
            let first = text.lines().next().unwrap_or_default();
            if !first.starts_with("//! ") || first.len() < 10 {
                wrong.push(format!("{} begins with {first:?}", path.display()));
            }
        }
    }
    complain(wrong);
}

#[test]
fn no_file_is_longer_than_a_person_reads_at_once() {
    let sources = sources();
    let long = sources.iter().filter(|file| !file.is_test()).filter_map(|file| {
        let lines = file.outside_tests().lines().count();
        (lines > LINES_MAX).then(|| format!("src/{} has {lines} lines; at most {LINES_MAX}", file.path.display()))
    });

    complain(long.collect());
}

#[test]
fn nothing_is_named_for_an_idea_not_yet_found() {
    let mut wrong = Vec::new();
    for file in sources() {
        let stem = file.path.file_stem().unwrap().to_str().unwrap().to_owned();
        if BANNED_FILES.contains(&stem.as_str()) {
            wrong.push(format!("src/{} is called {stem}", file.path.display()));
        }
        let code = file.code();
        for keyword in ["struct ", "enum ", "trait "] {
            for name in named_after(&code, keyword) {
                if BANNED_ENDINGS.iter().any(|ending| name.ends_with(ending)) {
                    wrong.push(format!("src/{} has {keyword}{name}", file.path.display()));
                }
            }
        }
    }
    complain(wrong);
}

#[test]
fn nothing_is_left_to_be_done_before_a_merge() {
    // Put together here, so that this file does not find itself.
    let marks =
        [format!("FIX{}", "ME"), format!("todo{}", "!("), format!("unimplemented{}", "!("), format!("#[ign{}", "ore")];
    let mut wrong = Vec::new();
    for folder in ["src", "tests", "static", "benches"] {
        let folder = root().join(folder);
        if !folder.exists() {
            continue;
        }
        for path in below(&folder, &["rs", "js", "mjs", "css", "html", "py"]) {
            if path.components().any(|part| part.as_os_str() == "node_modules") {
                continue;
            }
            let text = fs::read_to_string(&path).unwrap_or_default();
            for mark in marks.iter().filter(|mark| text.contains(mark.as_str())) {
                wrong.push(format!("{} has {mark}", path.display()));
            }
        }
    }
    complain(wrong);
}

#[test]
fn every_static_file_is_served_and_every_served_file_is_there() {
    let assets = sources().into_iter().filter(|file| file.room == "web").map(|file| file.text).collect::<String>();
    let there = below(&root().join("static"), &["html", "css", "js", "svg"]);
    assert!(there.len() > 5, "static/ holds the pages");
    let names = there.iter().map(|path| path.strip_prefix(root().join("static")).unwrap().display().to_string());

    complain(
        names.filter(|name| !assets.contains(name.as_str())).map(|name| format!("{name} is not served")).collect(),
    );
}

#[test]
fn every_page_of_the_desk_has_the_one_header() {
    let pages = below(&root().join("static"), &["html"]).into_iter().filter(|path| !path.ends_with("desk.html"));
    let texts = pages.map(|path| (fs::read_to_string(&path).unwrap(), path));
    let of_desk: Vec<_> = texts.filter(|(text, _)| text.contains("class=\"admin-main\"")).collect();
    assert!(of_desk.len() > 5, "the desk has pages");
    let wrong = of_desk.iter().filter(|(text, _)| text.matches("{{desk}}").count() != 1 || text.contains("<header"));

    complain(wrong.map(|(_, path)| format!("{} has not {{{{desk}}}} for its header", path.display())).collect());
}

#[test]
fn no_page_names_another_origin() {
    let mut wrong = Vec::new();
    for path in below(&root().join("static"), &["html", "css", "js", "svg"]) {
        let text = fs::read_to_string(&path).unwrap();
        for (at, _) in text.match_indices("://") {
            // The names of XML vocabularies are no addresses.
            if !text[at..].starts_with("://www.w3.org/") {
                let from = text[..at].rfind(char::is_whitespace).map_or(0, |space| space + 1);
                wrong.push(format!("{} names {}", path.display(), &text[from..(at + 20).min(text.len())]));
            }
        }
        let words = [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "Function(",
            "javascript:",
            " style=",
        ];
        for word in words.into_iter().filter(|word| text.contains(*word)) {
            wrong.push(format!("{} has {word}", path.display()));
        }
        // Any handler of an element (`onclick=`, `onload=`), with or without quotes.
        for attribute in text.split_whitespace().filter_map(|word| word.split_once('=')).map(|(name, _)| name) {
            if attribute.len() > 2 && attribute.starts_with("on") && attribute.chars().all(|c| c.is_ascii_lowercase()) {
                wrong.push(format!("{} has the handler {attribute}", path.display()));
            }
        }
    }
    complain(wrong);
}

#[test]
fn the_settings_file_mentions_every_setting() {
    let shipped = fs::read_to_string(root().join("config/sotto.toml")).unwrap();
    let mut wrong = Vec::new();
    for file in sources().iter().filter(|file| !matches!(file.room.as_str(), "app" | "standin" | "main")) {
        for (at, _) in file.text.match_indices("pub struct Settings {") {
            let body = &file.text[at..at + file.text[at..].find("\n}").unwrap_or(0)];
            // What is skipped comes from elsewhere than the file.
            let body = body.replace("#[serde(skip)]\n    pub ", "");
            for field in named_after(&body, "\n    pub ") {
                let is_section = file.room == "config";
                let is_there = match is_section {
                    true => shipped.contains(&format!("[{field}]")),
                    false => shipped
                        .lines()
                        .any(|line| line.trim_start_matches(['#', ':', ' ']).starts_with(&format!("{field} = "))),
                };
                if !is_there {
                    wrong.push(format!("config/sotto.toml has no {field} (src/{})", file.path.display()));
                }
            }
        }
    }
    complain(wrong);
}

#[test]
fn every_mutant_finds_the_lines_it_takes_out_and_the_test_that_is_to_fail() {
    let read = |name: &str| fs::read_to_string(root().join("tests/mutants").join(name)).unwrap();
    let list = ["traps.txt", "durability.txt"].map(read).concat();
    let tests: String = sources().into_iter().map(|file| file.text).collect();
    let mut wrong = Vec::new();
    for part in list.split("\n# ").skip(1) {
        let title = part.lines().next().unwrap_or_default();
        let field = |name: &str| {
            let lines = part.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            lines.collect::<Vec<_>>().join("\n")
        };
        let (file, old, test) = (field("file"), field("old"), field("test"));
        let text = fs::read_to_string(root().join(&file)).unwrap_or_default();
        let name = test.rsplit("::").next().unwrap_or_default();
        if text.matches(&old).count() != 1 {
            wrong.push(format!("{title}: its lines do not stand once in {file}"));
        }
        if name.is_empty() || !tests.contains(&format!("fn {name}()")) {
            wrong.push(format!("{title}: there is no test {test}"));
        }
    }
    complain(wrong);
}

#[test]
fn each_trap_and_each_fault_of_the_stand_in_has_a_mutant() {
    let list = fs::read_to_string(root().join("tests/mutants/traps.txt")).unwrap();
    let titles: Vec<&str> = list.split("\n# ").skip(1).filter_map(|part| part.lines().next()).collect();
    let faults = fs::read_to_string(root().join("src/standin/confluence/fault.rs")).unwrap();
    let table = faults.split("const FAULTS").nth(1).unwrap().split("];").next().unwrap();
    // An entry is the fault, its name, what it does, and the place it stands for.
    let names: Vec<&str> = table.split("Fault::").skip(1).filter_map(|entry| entry.split('"').nth(1)).collect();
    let names: Vec<&str> = names.into_iter().filter(|name| !name.contains(' ')).collect();
    assert!(names.len() > 20, "the faults are read from their table: {names:?}");
    let is_named = |name: &str| {
        let of_faults = titles.iter().filter_map(|title| title.strip_prefix("fault ")?.split(':').next());
        of_faults.flat_map(|names| names.split(", ")).any(|one| one == name)
    };

    let traps = (1..=10).filter(|trap| !titles.iter().any(|title| title.starts_with(&format!("{trap} "))));
    let mut wrong: Vec<String> = traps.map(|trap| format!("no mutant of trap {trap}")).collect();
    wrong.extend(names.iter().filter(|name| !is_named(name)).map(|name| format!("no mutant of the fault {name}")));

    complain(wrong);
}
