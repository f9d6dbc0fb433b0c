//! The one shape of a message that we read, held against by a reader of our own before the library sees the message, and
//! again after it was decrypted.
//!
//! An attack by wrapping needs a message with more in it than an honest one has: a second assertion, a signature in an odd
//! place, an element of another namespace with a known name. So what is odd is refused as such, whatever its signature says;
//! who it names is then read twice, by the library and here, and must be the same.

use std::collections::BTreeSet;

use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;

use super::times;
use crate::sso::{Refusal, told};

/// The largest message, in bytes: real ones with 200 groups have some 40 KiB.
pub(super) const BYTES_MAX: usize = 512 * 1024;
/// Elements open at once; real messages nest twelve.
const DEPTH_MAX: usize = 40;
/// Elements in all.
const ELEMENTS_MAX: usize = 10_000;

const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
const SIGNATURE: &str = "http://www.w3.org/2000/09/xmldsig#";
const ENCRYPTION: &str = "http://www.w3.org/2001/04/xmlenc#";
const ENCRYPTION_11: &str = "http://www.w3.org/2009/xmlenc11#";
const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";

/// Algorithms of a signature that we take; the library has the same list, and this one gives the refusal its name.
const SIGNATURES: &[&str] = &[
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
];
const DIGESTS: &[&str] = &[
    "http://www.w3.org/2001/04/xmlenc#sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512",
];
/// How an assertion may be encrypted. Providers use CBC and SHA-1 in OAEP, which are sound with a signature around; PKCS #1
/// 1.5 tells whoever can ask often enough what is inside.
const KEY_WRAPS: &[&str] =
    &["http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p", "http://www.w3.org/2009/xmlenc11#rsa-oaep"];
const CIPHERS: &[&str] = &[
    "http://www.w3.org/2001/04/xmlenc#aes128-cbc",
    "http://www.w3.org/2001/04/xmlenc#aes192-cbc",
    "http://www.w3.org/2001/04/xmlenc#aes256-cbc",
    "http://www.w3.org/2009/xmlenc11#aes128-gcm",
    "http://www.w3.org/2009/xmlenc11#aes192-gcm",
    "http://www.w3.org/2009/xmlenc11#aes256-gcm",
];
const TRANSFORMS: &[&str] = &["http://www.w3.org/2000/09/xmldsig#enveloped-signature", EXCLUSIVE];

/// Attributes that decide something. One of another namespace with such a name is for a reader who looks at names alone.
const DECIDING: &[&str] = &[
    "id",
    "version",
    "issueinstant",
    "destination",
    "inresponseto",
    "recipient",
    "method",
    "notbefore",
    "notonorafter",
    "sessionnotonorafter",
    "sessionindex",
    "name",
    "format",
    "namequalifier",
    "spnamequalifier",
    "value",
    "algorithm",
    "uri",
];

/// Whether this algorithm may sign a message.
pub(super) fn may_sign(algorithm: &str) -> bool {
    SIGNATURES.contains(&algorithm)
}

/// Which message is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Response,
    LogoutRequest,
    LogoutResponse,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Response => "Response",
            Kind::LogoutRequest => "LogoutRequest",
            Kind::LogoutResponse => "LogoutResponse",
        }
    }
}

/// What was read on the way.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Shape {
    /// Whether the assertion is encrypted.
    pub is_encrypted: bool,
    /// Who sent the message, where it says so itself.
    pub issuer: Option<String>,
    /// Whom the assertion, or a logout request, names.
    pub name_id: Option<String>,
    /// Each attribute's name and values, in their order; one that stands twice stands here once, with all values.
    pub attributes: Vec<(String, Vec<String>)>,
}

impl Shape {
    /// The values of an attribute.
    pub(super) fn values(&self, name: &str) -> &[String] {
        self.attributes.iter().find(|(known, _)| known == name).map_or(&[], |(_, values)| values)
    }
}

/// Reads a message that has the shape; nothing of it is proven by that.
pub(super) fn read(xml: &str, kind: Kind) -> Result<Shape, Refusal> {
    if xml.len() > BYTES_MAX {
        return Err(Refusal::new("message_too_large", format!("the message is larger than {BYTES_MAX} bytes")));
    }
    check_markup(xml)?;
    let mut reader = NsReader::from_str(xml);
    let mut walk = Walk::new(kind);
    loop {
        let (namespace, event) = reader.read_resolved_event().map_err(|_| unreadable("it is no well-formed XML"))?;
        let namespace = space_of(&namespace);
        match event {
            Event::Start(start) => walk.open(namespace, &start)?,
            Event::Empty(start) => {
                walk.open(namespace, &start)?;
                walk.close()?;
            }
            Event::End(_) => walk.close()?,
            Event::Text(text) => walk.text(&text.xml10_content())?,
            Event::GeneralRef(reference) => {
                if let Ok(Some(c)) = reference.resolve_char_ref() {
                    walk.text(c.encode_utf8(&mut [0; 4]))?;
                } else if let Some(text) = resolve_predefined_entity(&reference.xml10_content()) {
                    walk.text(text)?;
                } else {
                    return Err(markup());
                }
            }
            Event::Decl(_) => {}
            Event::CData(_) | Event::Comment(_) | Event::PI(_) | Event::DocType(_) => return Err(markup()),
            Event::Eof => return walk.end(),
        }
    }
}

/// Before any parser: after the declaration there is neither `<!` nor `<?`. So no entity is declared or fetched, and no
/// comment, processing instruction or CDATA section can part a name for one reader and not for another.
fn check_markup(xml: &str) -> Result<(), Refusal> {
    let body = match xml.strip_prefix("<?xml ") {
        Some(rest) => {
            let (declaration, body) = rest.split_once("?>").ok_or_else(markup)?;
            let encoding = declaration.split_once("encoding").map(|(_, value)| value.to_ascii_lowercase());
            if encoding.is_some_and(|value| !value.contains("utf-8") && !value.contains("us-ascii")) {
                return Err(unreadable("it is not in UTF-8"));
            }
            body
        }
        None => xml,
    };
    if body.contains("<!") || body.contains("<?") { Err(markup()) } else { Ok(()) }
}

fn markup() -> Refusal {
    Refusal::new(
        "markup_refused",
        "the message has a document type, an entity, a comment, a processing instruction or a CDATA section",
    )
}

fn unreadable(why: &str) -> Refusal {
    Refusal::new("message_unreadable", format!("the message cannot be read: {why}"))
}

fn misplaced(what: &str) -> Refusal {
    Refusal::new("message_wrapped", format!("the message has {what} where none belongs"))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Space {
    Protocol,
    Assertion,
    Signature,
    Encryption,
    Exclusive,
    Foreign,
}

fn space_of(namespace: &ResolveResult<'_>) -> Space {
    let ResolveResult::Bound(namespace) = namespace else { return Space::Foreign };
    match namespace.into_inner() {
        PROTOCOL => Space::Protocol,
        ASSERTION => Space::Assertion,
        SIGNATURE => Space::Signature,
        ENCRYPTION | ENCRYPTION_11 => Space::Encryption,
        EXCLUSIVE => Space::Exclusive,
        _ => Space::Foreign,
    }
}

struct Open {
    space: Space,
    name: String,
    text: String,
    /// Whether anything may stand here: the value of an attribute, an extension.
    is_free: bool,
    /// Names that stand once below one parent and have stood already.
    seen: BTreeSet<&'static str>,
}

struct Walk {
    kind: Kind,
    open: Vec<Open>,
    elements: usize,
    ids: BTreeSet<String>,
    assertions: usize,
    status: Option<String>,
    shape: Shape,
}

impl Walk {
    fn new(kind: Kind) -> Walk {
        let (open, ids) = (Vec::new(), BTreeSet::new());
        Walk { kind, open, elements: 0, ids, assertions: 0, status: None, shape: Shape::default() }
    }

    fn open(&mut self, space: Space, start: &BytesStart<'_>) -> Result<(), Refusal> {
        self.elements += 1;
        if self.open.len() >= DEPTH_MAX || self.elements > ELEMENTS_MAX {
            return Err(unreadable("it has too many elements, or they stand too deep in each other"));
        }
        let name = start.local_name().into_inner().to_owned();
        let attributes = self.attributes(start)?;
        let is_free = match self.open.last() {
            None => {
                self.check_root(space, &name, &attributes)?;
                false
            }
            Some(parent) => parent.is_free || has_free_content(parent),
        };
        if is_free {
            check_free(space, &name)?;
        } else if !self.open.is_empty() {
            self.check_place(space, &name, &attributes)?;
        }
        self.open.push(Open { space, name, text: String::new(), is_free, seen: BTreeSet::new() });
        Ok(())
    }

    /// The plain attributes. An id stands once in a message; a namespace is an absolute name.
    fn attributes(&mut self, start: &BytesStart<'_>) -> Result<Vec<(String, String)>, Refusal> {
        let mut plain = Vec::new();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|_| unreadable("an attribute stands twice, or is none"))?;
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|_| unreadable("the value of an attribute is none"))?
                .into_owned();
            let local = attribute.key.local_name().into_inner().to_ascii_lowercase();
            if attribute.key.as_namespace_binding().is_some() {
                // Canonical XML 1.0 §2.1 is undefined for a relative namespace: one reader fails, and digests nothing.
                if !value.is_empty() && !value.contains(':') {
                    return Err(Refusal::new(
                        "namespace_relative",
                        "the message declares a namespace that is no address",
                    ));
                }
            } else if attribute.key.prefix().is_some() {
                if DECIDING.contains(&local.as_str()) {
                    return Err(Refusal::new(
                        "attribute_ambiguous",
                        "the message has an attribute of another namespace that could be taken for one of its own",
                    ));
                }
            } else {
                if times::is_one(&local) && !times::reads(&value) {
                    return Err(unreadable("a time is none, or is not in UTC"));
                }
                if local == "id" && !self.ids.insert(value.clone()) {
                    return Err(Refusal::new("id_duplicate", "two elements of the message have the same ID"));
                }
                plain.push((attribute.key.local_name().into_inner().to_owned(), value));
            }
        }
        Ok(plain)
    }

    fn check_root(&self, space: Space, name: &str, attributes: &[(String, String)]) -> Result<(), Refusal> {
        if self.elements != 1 || space != Space::Protocol || name != self.kind.name() {
            return Err(misplaced(&format!("another element than a {} at its root", self.kind.name())));
        }
        check_version(attributes)?;
        if value_of(attributes, "Destination").is_none_or(str::is_empty) {
            // SAML Bindings §3.5.5.2 asks for it only in a signed message; every provider sends it in each.
            return Err(Refusal::new("destination_missing", "the message does not say to which address it goes"));
        }
        Ok(())
    }

    fn check_place(&mut self, space: Space, name: &str, attributes: &[(String, String)]) -> Result<(), Refusal> {
        let depth = self.open.len();
        let kind = self.kind;
        let in_assertion = depth >= 2 && self.open[1].space == Space::Assertion && self.open[1].name == "Assertion";
        let parent = self.open.last_mut().expect("a place is checked below the root only");
        match (space, name) {
            (Space::Foreign, _) => return Err(misplaced("an element of another namespace")),
            (Space::Assertion, "Assertion" | "EncryptedAssertion") => {
                if depth != 1 || kind != Kind::Response {
                    return Err(misplaced("an assertion"));
                }
                self.assertions += 1;
                if self.assertions > 1 {
                    return Err(Refusal::new("assertions_several", "the response has more than one assertion"));
                }
                self.shape.is_encrypted = name == "EncryptedAssertion";
                if name == "Assertion" {
                    check_version(attributes)?;
                }
            }
            (Space::Assertion, "EncryptedID" | "EncryptedAttribute" | "BaseID") => {
                let detail = "the assertion names its subject or an attribute in a way that is not read here (encrypted by itself)";
                return Err(Refusal::new("subject_unreadable", detail));
            }
            (Space::Assertion, "Issuer") => once(parent, "Issuer")?,
            (Space::Assertion, "NameID") => once(parent, "NameID")?,
            (Space::Assertion, "Subject") => {
                if !(in_assertion && depth == 2) {
                    return Err(misplaced("a subject"));
                }
                once(parent, "Subject")?;
            }
            (Space::Assertion, "Conditions") => once(parent, "Conditions")?,
            (Space::Signature, "Signature") => {
                if !(depth == 1 || (depth == 2 && in_assertion)) {
                    return Err(misplaced("a signature"));
                }
                once(parent, "Signature")?;
            }
            (Space::Signature, "Object" | "Manifest") => return Err(misplaced("an object inside a signature")),
            (Space::Signature, "Reference") => once(parent, "Reference")?,
            (Space::Signature, "SignatureMethod") => check_algorithm(attributes, SIGNATURES, "a signature")?,
            (Space::Signature, "DigestMethod") if parent.name == "Reference" => {
                check_algorithm(attributes, DIGESTS, "a digest")?;
            }
            (Space::Signature, "Transform") => check_algorithm(attributes, TRANSFORMS, "a transform")?,
            (Space::Signature, "CanonicalizationMethod") => {
                check_algorithm(attributes, &[EXCLUSIVE], "a canonical form")?;
            }
            (Space::Encryption, "EncryptedData") if parent.name != "EncryptedAssertion" => {
                return Err(misplaced("something encrypted"));
            }
            (Space::Encryption, "EncryptionMethod") => {
                let taken = if parent.name == "EncryptedKey" { KEY_WRAPS } else { CIPHERS };
                check_algorithm(attributes, taken, "an encryption")?;
            }
            (Space::Protocol, "StatusCode") if depth == 2 => {
                self.status = value_of(attributes, "Value").map(str::to_owned);
            }
            (Space::Protocol, "Response" | "LogoutRequest" | "LogoutResponse" | "ArtifactResponse") => {
                return Err(misplaced("another message"));
            }
            (Space::Assertion, "Attribute") => {
                let name = value_of(attributes, "Name").unwrap_or_default();
                if self.shape.attributes.iter().all(|(known, _)| known != name) {
                    self.shape.attributes.push((name.to_owned(), Vec::new()));
                }
                // Its values go to the one that was begun last, wherever it stands in the list.
                parent.text = name.to_owned();
            }
            _ => {}
        }
        let is_text_alone = parent.space == Space::Assertion && matches!(parent.name.as_str(), "NameID" | "Issuer");
        if is_text_alone { Err(misplaced("an element inside a name")) } else { Ok(()) }
    }

    fn text(&mut self, text: &str) -> Result<(), Refusal> {
        match self.open.last_mut() {
            Some(open) if matches!(open.name.as_str(), "NameID" | "Issuer" | "AttributeValue") => {
                open.text.push_str(text);
                Ok(())
            }
            Some(_) => Ok(()),
            None if text.trim_matches(['\u{feff}', ' ', '\t', '\r', '\n']).is_empty() => Ok(()),
            None => Err(unreadable("it has text outside its root")),
        }
    }

    fn close(&mut self) -> Result<(), Refusal> {
        let closed = self.open.pop().ok_or_else(|| unreadable("an element ends that did not begin"))?;
        if closed.is_free || closed.space != Space::Assertion {
            return Ok(());
        }
        let above = |back: usize| self.open.len().checked_sub(back).map(|at| self.open[at].name.as_str());
        let is_subject = match self.kind {
            Kind::Response => above(1) == Some("Subject") && self.open.len() == 3,
            Kind::LogoutRequest | Kind::LogoutResponse => self.open.len() == 1,
        };
        match closed.name.as_str() {
            "NameID" if is_subject => self.shape.name_id = Some(closed.text),
            "Issuer" if self.open.len() == 1 => self.shape.issuer = Some(closed.text.trim().to_owned()),
            "AttributeValue" if above(1) == Some("Attribute") => {
                let name = self.open.iter().rev().nth(1).map(|statement| statement.text.clone()).unwrap_or_default();
                if let Some((_, values)) = self.shape.attributes.iter_mut().find(|(known, _)| *known == name) {
                    values.push(closed.text);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn end(self) -> Result<Shape, Refusal> {
        if self.elements == 0 || !self.open.is_empty() {
            return Err(unreadable("it ends too early"));
        }
        if self.kind == Kind::Response {
            if self.status.as_deref() != Some(SUCCESS) {
                let status = self.status.as_deref().and_then(|status| status.rsplit(':').next()).unwrap_or("none");
                let detail = told("the provider's answer has the status", Some(status));
                return Err(Refusal::new("provider_refused", detail));
            }
            if self.assertions == 0 {
                return Err(Refusal::new("assertion_missing", "the response has no assertion"));
            }
        }
        Ok(self.shape)
    }
}

/// SAML Core §2.7.3.1.1, §3.2.4 and the like: what is inside is not ours to know.
fn has_free_content(parent: &Open) -> bool {
    matches!(
        (parent.space, parent.name.as_str()),
        (Space::Assertion, "AttributeValue" | "Advice" | "AuthnContextDecl")
            | (Space::Protocol, "Extensions" | "StatusDetail")
    )
}

/// Anything but what could be taken for a part of the message itself.
fn check_free(space: Space, name: &str) -> Result<(), Refusal> {
    let is_part = matches!(space, Space::Protocol | Space::Signature | Space::Encryption)
        || matches!(
            name,
            "Response"
                | "Assertion"
                | "EncryptedAssertion"
                | "Signature"
                | "EncryptedData"
                | "Subject"
                | "Conditions"
                | "AuthnStatement"
                | "AttributeStatement"
                | "Attribute"
                | "SubjectConfirmation"
                | "LogoutRequest"
                | "LogoutResponse"
        );
    if is_part { Err(misplaced(&format!("an element {name} inside a value or an extension"))) } else { Ok(()) }
}

fn once(parent: &mut Open, name: &'static str) -> Result<(), Refusal> {
    if parent.seen.insert(name) { Ok(()) } else { Err(misplaced(&format!("a second {name}"))) }
}

fn check_version(attributes: &[(String, String)]) -> Result<(), Refusal> {
    if value_of(attributes, "Version") == Some("2.0") {
        return Ok(());
    }
    Err(Refusal::new("version_wrong", "the message or its assertion is of another version than 2.0"))
}

fn check_algorithm(attributes: &[(String, String)], taken: &[&str], what: &str) -> Result<(), Refusal> {
    if value_of(attributes, "Algorithm").is_some_and(|algorithm| taken.contains(&algorithm)) {
        return Ok(());
    }
    Err(Refusal::new("algorithm_refused", format!("the message has {what} by an algorithm that is not taken here")))
}

fn value_of<'a>(attributes: &'a [(String, String)], name: &str) -> Option<&'a str> {
    attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}
