//! Forgeries, each named for the attack, made from an honest response; each is refused, and the honest one beside it is not.
//! The names of wrapping attacks are those that testers use (XSW1 to XSW8, XSW10).

use super::super::{Pending, shape};
use super::idp::*;
use super::keys::Keys;

/// Makes a forgery that names Eve out of an honest message that names Ada.
type Forge = fn(&Parts) -> String;

/// An honest response in its parts.
struct Parts {
    /// The response with its assertion signed.
    honest: String,
    /// The response, itself signed.
    whole: String,
    /// The signed assertion in `honest`.
    signed: String,
    /// Its signature.
    signature: String,
    /// The assertion without its signature.
    bare: String,
    /// The same for Eve, by another id.
    evil: String,
    /// The signature of `whole`.
    outer: String,
    /// The ids of the assertion and of the response.
    id: String,
    response_id: String,
}

impl Parts {
    fn of(pending: &Pending) -> Parts {
        let honest = honest(pending);
        let signature = cut(&honest, "<ds:Signature", "</ds:Signature>");
        let signed = cut(&honest, "<saml:Assertion", "</saml:Assertion>");
        let bare = signed.replace(&signature, "");
        let whole = sign(&response(pending, &assertion(pending)), What::Response, &Keys::of("idp"));
        Parts {
            id: assertion_id(pending),
            response_id: response_id(pending),
            evil: evil(&bare, &assertion_id(pending)),
            outer: cut(&whole, "<ds:Signature", "</ds:Signature>"),
            whole,
            honest,
            signed,
            signature,
            bare,
        }
    }

    /// The honest response with something else in the place of its assertion.
    fn with(&self, inside: &str) -> String {
        self.honest.replace(&self.signed, inside)
    }
}

fn evil(assertion: &str, id: &str) -> String {
    assertion.replace(">u-17<", ">u-666<").replace(&format!("\"{id}\""), "\"_evil\"")
}

fn cut(xml: &str, from: &str, to: &str) -> String {
    let begin = xml.find(from).unwrap();
    let end = begin + xml[begin..].find(to).unwrap() + to.len();
    xml[begin..end].to_owned()
}

const WRAPPINGS: &[(&str, Forge)] = &[
    // A response for Eve, with the signed response inside the signature.
    ("XSW1", |parts| {
        let original = parts.whole.replace(&parts.outer, "");
        let signature = parts.outer.replace("</ds:Signature>", &format!("{original}</ds:Signature>"));
        let evil = parts.whole.replacen(&parts.response_id, "_evil_response", 1).replace(">u-17<", ">u-666<");
        evil.replace(&parts.outer, &signature)
    }),
    // A response for Eve, with the signed response before its signature.
    ("XSW2", |parts| {
        let original = parts.whole.replace(&parts.outer, "");
        let evil = parts.whole.replacen(&parts.response_id, "_evil_response", 1).replace(">u-17<", ">u-666<");
        evil.replace(&parts.outer, &format!("{original}{}", parts.outer))
    }),
    // An assertion for Eve before the signed one.
    ("XSW3", |parts| parts.with(&format!("{}{}", parts.evil, parts.signed))),
    // An assertion for Eve around the signed one.
    ("XSW4", |parts| {
        parts.with(&parts.evil.replace("</saml:Assertion>", &format!("{}</saml:Assertion>", parts.signed)))
    }),
    // The signed assertion changed for Eve, and the original without its signature at the end.
    ("XSW5", |parts| parts.with(&format!("{}{}", evil(&parts.signed, &parts.id), parts.bare))),
    // The same, the original inside the signature.
    ("XSW6", |parts| {
        let signature = parts.signature.replace("</ds:Signature>", &format!("{}</ds:Signature>", parts.bare));
        parts.with(&evil(&parts.signed, &parts.id).replace(&parts.signature, &signature))
    }),
    // An assertion for Eve, by the same id, in an extension before the signed one.
    ("XSW7", |parts| {
        let evil = parts.bare.replace(">u-17<", ">u-666<");
        parts.with(&format!("<samlp:Extensions>{evil}</samlp:Extensions>{}", parts.signed))
    }),
    // The signed assertion changed for Eve, the original in an object of the signature.
    ("XSW8", |parts| {
        let object = format!("<ds:Object>{}</ds:Object></ds:Signature>", parts.bare);
        let signature = parts.signature.replace("</ds:Signature>", &object);
        parts.with(&parts.signed.replace(">u-17<", ">u-666<").replace(&parts.signature, &signature))
    }),
    // The assertion's signature at the response, whose id it names by an entity, the original in an object of it under an id
    // that an entity makes another one.
    ("XSW10", |parts| {
        let hidden = parts.signed.replacen(&parts.id, &format!("&other;{}", parts.id), 1);
        let object = format!("<ds:Object>{hidden}</ds:Object></ds:Signature>");
        let signature = parts.signature.replace("</ds:Signature>", &object);
        let xml =
            parts.with(&format!("{signature}{}", parts.bare.replace(">u-17<", ">u-666<").replace(&parts.id, "_evil")));
        let xml = xml.replace(&parts.response_id, "&same;");
        format!("<!DOCTYPE r [<!ENTITY same \"{}\"><!ENTITY other \"P\">]>{xml}", parts.id)
    }),
    // Two assertions, each of which is signed in its own name.
    ("assertions_several_signed", |parts| {
        let second = ByHand::good().sign(&parts.bare.replace(&parts.id, "_second"));
        parts.with(&format!("{}{}", parts.signed, second))
    }),
    ("assertion_beside_an_encrypted_one", |parts| {
        let sealed = encrypt(
            &parts.honest,
            &Keys::of("sp"),
            "http://www.w3.org/2009/xmlenc11#aes256-gcm",
            "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
        );
        let sealed = cut(&sealed, "<saml:EncryptedAssertion", "</saml:EncryptedAssertion>");
        parts.with(&format!("{}{sealed}", parts.evil))
    }),
    ("subject_second", |parts| {
        let subject = cut(&parts.evil, "<saml:Subject>", "</saml:Subject>");
        parts.honest.replace("<saml:Conditions", &format!("{subject}<saml:Conditions"))
    }),
    ("name_id_second", |parts| {
        parts.honest.replace("</saml:NameID>", "</saml:NameID><saml:NameID>u-666</saml:NameID>")
    }),
    ("assertion_in_advice", |parts| {
        parts.with(&parts.signed.replace(
            "</saml:AuthnStatement>",
            &format!("</saml:AuthnStatement><saml:Advice>{}</saml:Advice>", parts.evil),
        ))
    }),
    ("assertion_in_an_attribute", |parts| parts.with(&parts.signed.replace("ada@example.com", &parts.evil))),
];

const DECEPTIONS: &[(&str, Forge)] = &[
    ("tampered_name", |parts| parts.honest.replace(">u-17<", ">u-666<")),
    ("tampered_response", |parts| parts.whole.replace(">u-17<", ">u-666<")),
    ("tampered_attribute", |parts| parts.honest.replace("ada@example.com", "eve@example.com")),
    ("tampered_digest", |parts| {
        parts.honest.replace(
            &cut(&parts.honest, "<ds:DigestValue>", "</ds:DigestValue>"),
            "<ds:DigestValue>AAAA</ds:DigestValue>",
        )
    }),
    ("unsigned", |parts| parts.with(&parts.bare)),
    ("signature_stripped", |parts| parts.whole.replace(&parts.outer, "").replace(">u-17<", ">u-666<")),
    ("signature_empty", |parts| {
        parts
            .honest
            .replace(&parts.signature, "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"></ds:Signature>")
    }),
    ("signature_value_empty", |parts| {
        let value = cut(&parts.honest, "<ds:SignatureValue>", "</ds:SignatureValue>");
        parts.honest.replace(&value, "<ds:SignatureValue></ds:SignatureValue>")
    }),
    ("signature_without_references", |parts| {
        let reference = cut(&parts.honest, "<ds:Reference", "</ds:Reference>");
        parts.honest.replace(&reference, "")
    }),
    ("signature_of_another_element", |parts| {
        parts.honest.replace(&format!("#{}", parts.id), &format!("#{}", parts.response_id))
    }),
    ("signature_of_an_address", |parts| parts.honest.replace(&format!("#{}", parts.id), "https://evil.example/a")),
    // An attacker's key, in KeyInfo with its certificate.
    ("key_info_key", |parts| ByHandForger::sign(parts, "evil")),
    // The attacker's signature with the honest certificate beside it.
    ("key_info_lies", |parts| {
        let forged = ByHandForger::sign(parts, "evil");
        forged.replace(&Keys::of("evil").certificate_base64(), &Keys::of("idp").certificate_base64())
    }),
    ("signed_by_our_own_key", |parts| ByHandForger::sign(parts, "sp")),
    ("id_duplicate", |parts| parts.honest.replace(&parts.response_id, &parts.id)),
    ("hmac_with_the_public_key", |parts| {
        parts.honest.replace(RSA_SHA256, "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256")
    }),
];

struct ByHandForger;

impl ByHandForger {
    fn sign(parts: &Parts, keys: &str) -> String {
        let forged = ByHand { keys: Keys::of(keys), ..ByHand::good() };
        parts.with(&forged.sign(&parts.bare.replace(">u-17<", ">u-666<")))
    }
}

/// Not one of these may be taken by two readers in two ways. What is refused before its signature is looked at is refused
/// for its form, so the signature is left as it was.
const CONFUSIONS: &[(&str, Forge)] = &[
    ("comment_in_name_id", |parts| parts.honest.replace(">u-17<", ">u-17<!-- -->.evil<")),
    ("comment_before_a_suffix", |parts| parts.honest.replace(">u-17<", ">u-<!---->17<")),
    ("processing_instruction_in_name_id", |parts| parts.honest.replace(">u-17<", ">u-<?x y?>17<")),
    ("cdata_in_name_id", |parts| parts.honest.replace(">u-17<", "><![CDATA[u-666]]><")),
    ("element_in_name_id", |parts| parts.honest.replace(">u-17<", ">u-17<saml:Audience>x</saml:Audience><")),
    ("dtd", |parts| format!("<!DOCTYPE r>{}", parts.honest)),
    ("xxe_file", |parts| {
        let xml = parts.honest.replace(">u-17<", ">&x;<");
        format!("<!DOCTYPE r [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>{xml}")
    }),
    ("xxe_parameter", |parts| {
        format!("<!DOCTYPE r [<!ENTITY % x SYSTEM \"http://127.0.0.1:9/\"> %x;]>{}", parts.honest)
    }),
    ("entity_bomb", |parts| {
        let bomb: String =
            (1..12).map(|n| format!("<!ENTITY a{n} \"{}\">", format!("&a{};", n - 1).repeat(10))).collect();
        format!("<!DOCTYPE r [<!ENTITY a0 \"ha\">{bomb}]>{}", parts.honest.replace(">u-17<", ">&a11;<"))
    }),
    ("entity_undeclared", |parts| parts.honest.replace(">u-17<", ">&eve;<")),
    ("attribute_pollution_id", |parts| parts.honest.replace("<saml:Assertion ", "<saml:Assertion saml:ID=\"_evil\" ")),
    ("attribute_pollution_xml_id", |parts| {
        parts.honest.replace("<saml:Assertion ", "<saml:Assertion xml:id=\"_evil\" ")
    }),
    ("attribute_pollution_destination", |parts| {
        parts.honest.replace("<samlp:Response ", "<samlp:Response samlp:Destination=\"https://evil.example\" ")
    }),
    ("attribute_pollution_twice", |parts| parts.honest.replace("<saml:Assertion ", "<saml:Assertion ID=\"_evil\" ")),
    ("namespace_confusion_assertion", |parts| {
        let evil = parts.evil.replace("urn:oasis:names:tc:SAML:2.0:assertion", "urn:evil");
        parts.with(&format!("{evil}{}", parts.signed))
    }),
    ("namespace_confusion_name_id", |parts| {
        parts.honest.replace("<saml:NameID ", "<e:NameID xmlns:e=\"urn:evil\">u-666</e:NameID><saml:NameID ")
    }),
    ("namespace_confusion_signature", |parts| {
        let other = parts.signature.replace("http://www.w3.org/2000/09/xmldsig#\"", "urn:evil\"");
        parts.honest.replace(&parts.signature, &format!("{other}{}", parts.signature))
    }),
    ("namespace_of_the_root", |parts| {
        parts.honest.replace("urn:oasis:names:tc:SAML:2.0:protocol", "urn:oasis:names:tc:SAML:1.0:protocol")
    }),
    // A relative namespace makes some canonicalisers return nothing, and the digest of nothing is known beforehand.
    ("void_canonicalisation", |parts| parts.honest.replace("<saml:Assertion ", "<saml:Assertion xmlns:v=\"1\" ")),
    ("void_canonicalisation_signed_info", |parts| {
        parts.honest.replace("<ds:SignedInfo>", "<ds:SignedInfo xmlns:v=\"../v\">")
    }),
    ("text_outside_the_root", |parts| format!("{}x", parts.honest)),
    ("second_root", |parts| {
        format!("{}{}", parts.honest, parts.honest.replace("_response", "_r").replace("_assertion", "_a"))
    }),
    ("another_encoding", |parts| format!("<?xml version=\"1.0\" encoding=\"UTF-7\"?>{}", parts.honest)),
    ("elements_too_deep", |parts| {
        let deep = format!("{}{}", "<e:e xmlns:e=\"urn:e\">".repeat(2_000), "</e:e>".repeat(2_000));
        parts.honest.replace("ada@example.com", &deep)
    }),
    ("elements_too_many", |parts| {
        parts.honest.replace("ada@example.com", &"<e:e xmlns:e=\"urn:e\"></e:e>".repeat(20_000))
    }),
    ("message_too_large", |parts| parts.honest.replace("ada@example.com", &"a".repeat(600_000))),
    ("signature_object", |parts| parts.honest.replace("</ds:Signature>", "<ds:Object></ds:Object></ds:Signature>")),
];

fn refuse_all(forgeries: &[(&str, Forge)], codes: &[&str]) {
    let house = House::new();
    for (name, forge) in forgeries {
        let pending = house.begin();
        let parts = Parts::of(&pending);
        let forged = forge(&parts);
        assert_ne!(forged, parts.honest, "{name} changes nothing");
        let code = house.refusal(&forged, &pending);
        assert!(codes.contains(&code), "{name} is answered with {code}");
        // A refusal costs the person nothing: the honest answer to the same request is still good.
        assert_eq!(house.refusal(&parts.honest, &pending), "accepted", "beside {name}");
    }
}

#[test]
fn what_wraps_a_signed_message_is_refused() {
    refuse_all(WRAPPINGS, &["message_wrapped", "assertions_several", "markup_refused", "id_duplicate"]);
}

#[test]
fn what_is_not_signed_by_the_provider_is_refused() {
    let codes = [
        "signature_invalid",
        "unsigned",
        "key_unknown",
        "message_wrapped",
        "id_duplicate",
        "algorithm_refused",
        "message_unreadable",
    ];
    refuse_all(DECEPTIONS, &codes);
}

#[test]
fn what_two_readers_could_read_in_two_ways_is_refused() {
    let codes = [
        "markup_refused",
        "message_wrapped",
        "attribute_ambiguous",
        "message_unreadable",
        "namespace_relative",
        "message_too_large",
        "assertions_several",
    ];
    refuse_all(CONFUSIONS, &codes);
}

#[test]
fn the_library_by_itself_takes_none_of_them_for_somebody_else() {
    let house = House::new();
    let known = house.provider.knowledge.at(now()).unwrap();
    for (name, forge) in WRAPPINGS.iter().chain(DECEPTIONS).chain(CONFUSIONS) {
        let pending = house.begin();
        let forged = forge(&Parts::of(&pending));
        // As if our own reader had found nothing to say against it.
        let read = shape::Shape { is_encrypted: forged.contains("EncryptedAssertion"), ..shape::Shape::default() };
        let answer = answer(&forged, Some(&pending.state));
        if let Ok(session) = house.provider.verify(&known, &forged, &read, &answer, Some(&pending), now()) {
            assert_eq!(session.name_id().value(), "u-17", "{name}");
        }
    }
}

#[test]
fn sha_1_and_transforms_that_change_what_is_signed_are_refused() {
    let house = House::new();
    let xpath = "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\"><ds:XPath>not(self::x)</ds:XPath></ds:Transform>";
    let xslt = "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xslt-19991116\"><xsl:stylesheet xmlns:xsl=\"http://www.w3.org/1999/XSL/Transform\" version=\"1.0\"></xsl:stylesheet></ds:Transform>";
    let base64 = "http://www.w3.org/2000/09/xmldsig#base64";
    let comments = "http://www.w3.org/2001/10/xml-exc-c14n#WithComments";
    let inclusive = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
    let cases: [(&str, ByHand<'_>); 8] = [
        ("sha1_signature", ByHand { signature: RSA_SHA1, ..ByHand::good() }),
        ("sha1_digest", ByHand { digest: SHA1, ..ByHand::good() }),
        ("sha1_both", ByHand { signature: RSA_SHA1, digest: SHA1, ..ByHand::good() }),
        ("transform_xpath", ByHand { transforms: &[ENVELOPED, xpath, EXCLUSIVE], ..ByHand::good() }),
        ("transform_xslt", ByHand { transforms: &[ENVELOPED, xslt], ..ByHand::good() }),
        ("transform_base64", ByHand { transforms: &[base64], ..ByHand::good() }),
        ("transform_with_comments", ByHand { transforms: &[ENVELOPED, comments], ..ByHand::good() }),
        ("canonical_form_inclusive", ByHand { canonical: inclusive, ..ByHand::good() }),
    ];
    for (name, by_hand) in cases {
        let pending = house.begin();
        let xml = response(&pending, &by_hand.sign(&assertion(&pending)));
        let code = house.refusal(&xml, &pending);
        assert!(["algorithm_refused", "message_wrapped"].contains(&code), "{name} is answered with {code}");
        let known = house.provider.knowledge.at(now()).unwrap();
        let read = shape::Shape::default();
        let answer = answer(&xml, Some(&pending.state));
        let by_library = house.provider.verify(&known, &xml, &read, &answer, Some(&pending), now());
        assert!(by_library.is_err(), "{name} is taken by the library alone");
    }
    let pending = house.begin();
    let good = response(&pending, &ByHand::good().sign(&assertion(&pending)));
    assert_eq!(house.refusal(&good, &pending), "accepted", "the same hand, with what is taken");
}

#[test]
fn every_honest_form_that_providers_write_is_read() {
    let house = House::new();
    let typed = "<saml:AttributeValue xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"xs:string\">";
    let pairwise = "<saml:AttributeValue><saml:NameID Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\">x</saml:NameID></saml:AttributeValue>";
    let forms: &[(&str, &str, &str)] = &[
        ("typed values", "<saml:AttributeValue>", typed),
        ("a name as a value", "<saml:AttributeValue>ada@example.com</saml:AttributeValue>", pairwise),
        (
            "attributes of others",
            "<saml:Attribute ",
            "<saml:Attribute xmlns:x=\"urn:x\" x:OriginalIssuer=\"urn:y\" FriendlyName=\"m\" ",
        ),
        ("entities", "ada@example.com", "a&amp;b &lt;ada&#64;example.com&gt;"),
        ("white space", "<saml:Subject>", "\n  <saml:Subject>\n    "),
        ("one time", "</saml:AudienceRestriction>", "</saml:AudienceRestriction><saml:OneTimeUse></saml:OneTimeUse>"),
    ];
    for (name, from, to) in forms {
        let pending = house.begin();
        assert_eq!(house.refusal(&signed_with(&pending, from, to), &pending), "accepted", "{name}");
    }
    let pending = house.begin();
    let declared = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}", honest(&pending));
    assert_eq!(house.refusal(&declared, &pending), "accepted");
}
