//! Attachments made to do harm: each costs the process that reads it and one line in the run's failures, and nothing else.

use std::io::{Cursor, Write as _};

use base64::Engine as _;
use serde_json::{Value, json};
use sotto::app::nouns::{Mode, State};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::support::{Appliance, Site, claims};

const WORD: &str = r#"<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>"#;
const NO_RELATIONS: &str =
    r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"></Relationships>"#;
/// More than a process may have in these tests.
const BOMB_BYTES: usize = 500 << 20;
const MEMORY_BYTES_MAX: u64 = 400 << 20;

/// An archive of these parts, each a text and how often it stands there.
fn archive(parts: &[(&str, &[(&str, usize)])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, texts) in parts {
        writer.start_file(*name, options).unwrap();
        for (text, times) in *texts {
            (0..*times).for_each(|_| writer.write_all(text.as_bytes()).unwrap());
        }
    }
    writer.finish().unwrap().into_inner()
}

/// A Word document whose text is this.
fn word(texts: &[(&str, usize)]) -> Vec<u8> {
    let types = r#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>"#;
    let top = r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>"#;
    archive(&[
        ("[Content_Types].xml", &[(types, 1)]),
        ("_rels/.rels", &[(top, 1)]),
        ("word/_rels/document.xml.rels", &[(NO_RELATIONS, 1)]),
        ("word/document.xml", texts),
    ])
}

/// An Excel workbook of one empty sheet, with these texts that its cells share.
fn excel(strings: &str) -> Vec<u8> {
    let kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let relations = |all: &[(&str, &str)]| {
        let one = |(n, (word, target)): (usize, &(&str, &str))| {
            format!(r#"<Relationship Id="rId{n}" Type="{kind}/{word}" Target="{target}"/>"#)
        };
        let all: String = all.iter().enumerate().map(one).collect();
        NO_RELATIONS.replace("></", &format!(">{all}</"))
    };
    let book =
        format!(r#"<workbook xmlns:r="{kind}"><sheets><sheet name="A" sheetId="1" r:id="rId0"/></sheets></workbook>"#);
    let below = [("worksheet", "worksheets/sheet1.xml"), ("sharedStrings", "sharedStrings.xml")];
    archive(&[
        ("_rels/.rels", &[(&relations(&[("officeDocument", "xl/workbook.xml")]), 1)]),
        ("xl/workbook.xml", &[(&book, 1)]),
        ("xl/_rels/workbook.xml.rels", &[(&relations(&below), 1)]),
        ("xl/worksheets/sheet1.xml", &[("<worksheet><sheetData></sheetData></worksheet>", 1)]),
        ("xl/sharedStrings.xml", &[(strings, 1)]),
    ])
}

/// The same archive, saying of each part that it unpacks to so many bytes.
fn saying(mut bytes: Vec<u8>, size: u32) -> Vec<u8> {
    // APPNOTE §4.3.7 and §4.3.12: where the size stands behind each signature.
    for (signature, offset) in [(b"PK\x03\x04", 22), (b"PK\x01\x02", 24)] {
        let places: Vec<usize> =
            bytes.windows(4).enumerate().filter(|(_, four)| four == signature).map(|(at, _)| at).collect();
        for at in places {
            bytes[at + offset..at + offset + 4].copy_from_slice(&size.to_le_bytes());
        }
    }
    bytes
}

/// A text that doubles with each of its entities: ten of ten of ten.
fn laughs(root: &str, inside: &str) -> String {
    let mut entities = "<!ENTITY a0 \"laughter \">".to_owned();
    for n in 1..12 {
        entities.push_str(&format!("<!ENTITY a{n} \"{}\">", format!("&a{};", n - 1).repeat(10)));
    }
    format!("<?xml version=\"1.0\"?><!DOCTYPE {root} [{entities}]>{}", inside.replace("LAUGH", "&a11;"))
}

/// A PDF of these objects, the first of which is its catalogue.
fn pdf(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut out = b"%PDF-1.7\n".to_vec();
    let mut places = Vec::new();
    for (number, object) in objects.iter().enumerate() {
        places.push(out.len());
        out.extend(format!("{} 0 obj\n", number + 1).bytes());
        out.extend_from_slice(object);
        out.extend(b"\nendobj\n");
    }
    let begin = out.len();
    out.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).bytes());
    places.iter().for_each(|place| out.extend(format!("{place:010} 00000 n \n").bytes()));
    out.extend(format!("trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{begin}\n%%EOF\n", objects.len() + 1).bytes());
    out
}

/// A PDF of one page that draws this stream; the stream may draw itself as `/F`.
fn page(stream: &[u8], says: &str) -> Vec<u8> {
    let stream = [
        format!("<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /F 4 0 R >> >> {says} >>\nstream\n")
            .as_bytes(),
        stream,
        b"\nendstream",
    ]
    .concat();
    pdf(&[
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_vec(),
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R /Resources << /XObject << /F 4 0 R >> >> >>"
            .to_vec(),
        stream,
    ])
}

fn deflated(text: &str, times: usize) -> Vec<u8> {
    // What an archive holds between its headers is raw; a PDF wants it with the head of RFC 1950.
    let bytes = archive(&[("x", &[(text, times)])]);
    let from = 30
        + usize::from(u16::from_le_bytes([bytes[26], bytes[27]]))
        + usize::from(u16::from_le_bytes([bytes[28], bytes[29]]));
    let size = u32::from_le_bytes(bytes[18..22].try_into().unwrap()) as usize;
    [&[0x78, 0x01], &bytes[from..from + size]].concat()
}

/// Whether a file must be listed as a failure, or may also be read as what little it holds.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Fails,
    MayBeRead,
}

fn hostile_files() -> Vec<(&'static str, Vec<u8>, Fate)> {
    let million = " ".repeat(1 << 20);
    let bomb = word(&[(WORD, 1), (&million, BOMB_BYTES >> 20), ("</w:body></w:document>", 1)]);
    let inside = "<w:tbl><w:tr><w:tc>";
    let strings = r#"<sst uniqueCount="9223372036854775807"><si><t>x</t></si></sst>"#;
    let odt = |content: &str| archive(&[("content.xml", &[(content, 1)])]);
    let slides = r#"<Relationships><Relationship Id="r" Type="x/slide" Target="presentation.xml"/></Relationships>"#;
    let presentation =
        r#"<p:presentation><p:sldIdLst><p:sldId r:id="r"/><p:sldId r:id="r"/></p:sldIdLst></p:presentation>"#;
    let text = format!("{WORD}<w:p><w:r><w:t>LAUGH</w:t></w:r></w:p></w:body></w:document>");
    let cycle = pdf(&[
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 2000000000 >>".to_vec(),
    ]);
    let deep = pdf(&[
        [b"<< /Type /Catalog /Pages 2 0 R /X ".to_vec(), b"[".repeat(300_000), b"]".repeat(300_000), b">>".to_vec()]
            .concat(),
        b"<< /Type /Pages /Kids [] /Count 0 >>".to_vec(),
    ]);
    let small = word(&[(WORD, 1), ("<w:p/></w:body></w:document>", 1)]);
    vec![
        ("liar.docx", saying(bomb.clone(), 100), Fate::Fails),
        ("bomb.docx", bomb, Fate::Fails),
        ("two-gigabytes.docx", saying(small, 2 << 30), Fate::Fails),
        ("nested.docx", word(&[(WORD, 1), (inside, 60_000)]), Fate::Fails),
        ("laughs.docx", word(&[(&laughs("w:document", &text), 1)]), Fate::MayBeRead),
        ("strings.xlsx", excel(strings), Fate::Fails),
        ("laughs.odt", odt(&laughs("x", "<office:body><text:p>LAUGH</text:p></office:body>")), Fate::MayBeRead),
        ("nested.odt", odt(&format!("<office:body>{}", "<text:section>".repeat(200_000))), Fate::Fails),
        (
            "itself.pptx",
            archive(&[
                ("ppt/presentation.xml", &[(presentation, 1)]),
                ("ppt/_rels/presentation.xml.rels", &[(slides, 1)]),
            ]),
            Fate::MayBeRead,
        ),
        ("laughs.html", laughs("html", "<html><body>LAUGH</body></html>").into_bytes(), Fate::MayBeRead),
        ("nested.html", "<div>".repeat(400_000).into_bytes(), Fate::MayBeRead),
        ("broken.pdf", b"%PDF-1.7\n1 0 obj << /Type /Catalog".to_vec(), Fate::Fails),
        ("cycle.pdf", cycle, Fate::MayBeRead),
        ("itself.pdf", page(b"/F Do /F Do", "/Length 11"), Fate::MayBeRead),
        ("two-gigabytes.pdf", page(b"BT ET", "/Length 2147483647"), Fate::MayBeRead),
        (
            "bomb.pdf",
            {
                let stream = deflated(&million, BOMB_BYTES >> 20);
                page(&stream, &format!("/Filter /FlateDecode /Length {}", stream.len()))
            },
            Fate::Fails,
        ),
        ("nested.pdf", deep, Fate::MayBeRead),
    ]
}

fn attachment(number: usize, name: &str, bytes: &[u8]) -> Value {
    json!({ "id": format!("att{number}"), "type": "attachment", "space": "HR", "container": "101", "title": name,
            "media_type": "application/octet-stream", "base64": base64::engine::general_purpose::STANDARD.encode(bytes) })
}

#[test]
fn a_hostile_file_costs_its_own_process_and_nothing_else() {
    let files = hostile_files();
    let mut site = Site::two_projects();
    for (number, (name, bytes, _)) in files.iter().enumerate() {
        site = site.content(attachment(number, name, bytes));
    }
    let good = word(&[
        (WORD, 1),
        ("<w:p><w:r><w:t>The orchid wants water on Tuesdays.</w:t></w:r></w:p></w:body></w:document>", 1),
    ]);
    site = site.content(attachment(900, "good.docx", &good));
    let house = Appliance::without_sync(&site, |settings| {
        settings.extract.memory_bytes_max = MEMORY_BYTES_MAX;
        settings.extract.seconds_max = 4;
    });

    let state = house.sync(Mode::Full);

    assert_eq!(state, State::Incomplete);
    let failures = house.app().overview_as_owner().unwrap().sources[0].status.runs[0].failures.clone();
    for (number, (name, _, fate)) in files.iter().enumerate() {
        let failure = failures.iter().find(|failure| failure.what == format!("wiki:att{number}"));
        match failure {
            Some(failure) => {
                assert!(matches!(failure.code.as_str(), "file_unreadable" | "file_ended"), "{name}: {failure:?}")
            }
            None => assert!(*fate == Fate::MayBeRead, "{name} was read"),
        }
    }
    assert!(failures.iter().all(|failure| !failure.remedy.is_empty() && failure.what != "wiki:att900"), "{failures:?}");
    let mut mateo = house.sign_in("mateo");
    let leave = house.ask(&mut mateo, "How many days of annual leave does an employee have?");
    assert!(claims(&leave).concat().contains("28 days"), "{leave}");
    let mut found =
        |query: &str| mateo.send("POST", "/api/v1/search", Some(&json!({ "query": query }))).unwrap().json();
    assert_eq!(found("orchid water Tuesdays")["results"][0]["document_id"], "wiki:att900");
    assert_eq!(found("laughter")["results"], json!([]), "no entity was expanded");
}
