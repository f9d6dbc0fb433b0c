//! What an honest provider would send, in parts that a test can change before or after it is signed.

use std::sync::Arc;

use saml_rs::crypto::{construct_saml_signature, encrypt_assertion, keys::load_private_key};
use sha2::Digest as _;

use super::super::{Answer, Pending, Provider, Settings};
use super::keys::{Keys, metadata};
use crate::clock::Moment;
use crate::outbound;
use crate::sso::{Error, Login, Onward, Seen};
use crate::store::Store;

pub const IDP: &str = "https://idp.example/metadata";
pub const ENTITY: &str = "https://sotto.example/auth/saml/company/metadata";
pub const ACS: &str = "https://sotto.example/auth/saml/company/acs";
pub const SLO: &str = "https://sotto.example/auth/saml/company/slo";
pub const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
const MINUTE: i64 = 60_000;

/// One and the same moment for all tests; our own requests say the machine's time, which nobody here reads.
pub fn now() -> Moment {
    Moment::parse("2026-11-24T12:00:00Z").unwrap()
}

pub fn at(ms: i64) -> String {
    now().plus_ms(ms).rfc3339()
}

/// We, at a provider whose metadata name the keys `idp`, with a store of our own.
pub struct House {
    pub provider: Provider,
    pub folder: tempfile::TempDir,
    pub settings: Settings,
}

pub fn settings(folder: &std::path::Path) -> Settings {
    let file = folder.join("idp.xml");
    std::io::Write::write_all(
        &mut std::fs::File::create(&file).unwrap(),
        metadata(IDP, &[&Keys::of("idp")], "https://idp.example").as_bytes(),
    )
    .unwrap();
    let (key, certificate) = (folder.join("sp.key"), folder.join("sp.pem"));
    let keys = Keys::of("sp");
    for (path, text) in [(&key, &keys.key), (&certificate, &keys.certificate)] {
        std::io::Write::write_all(&mut std::fs::File::create(path).unwrap(), text.as_bytes()).unwrap();
    }
    let settings = serde_json::json!({
        "id": "company", "name": "Company", "metadata_file": file, "key_file": key, "certificate_file": certificate,
    });
    serde_json::from_value(settings).unwrap()
}

impl House {
    pub fn new() -> House {
        House::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut Settings)) -> House {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = settings(folder.path());
        change(&mut settings);
        let provider = open(&settings, folder.path());
        House { provider, folder, settings }
    }

    /// The same over the same store.
    pub fn again(self) -> House {
        drop(self.provider);
        House { provider: open(&self.settings, self.folder.path()), folder: self.folder, settings: self.settings }
    }

    pub fn begin(&self) -> Pending {
        self.provider.begin("/ask", now()).unwrap().1
    }

    pub fn accept(&self, xml: &str, pending: &Pending) -> Result<Login, Error> {
        self.accept_at(xml, pending, now())
    }

    pub fn accept_at(&self, xml: &str, pending: &Pending, at: Moment) -> Result<Login, Error> {
        self.provider.accept(&answer(xml, Some(&pending.state)), Some(pending), &mut None, at)
    }

    /// The code of the refusal that must come.
    pub fn refusal(&self, xml: &str, pending: &Pending) -> &'static str {
        code_of(self.accept(xml, pending))
    }
}

pub fn open(settings: &Settings, folder: &std::path::Path) -> Provider {
    let store = Store::open(&folder.join("store")).unwrap();
    let seen = Arc::new(Seen::open(&store).unwrap());
    let url = "https://sotto.example/".parse().unwrap();
    Provider::open(settings, &url, folder, &outbound::Settings::default(), seen, now()).unwrap()
}

pub fn code_of<T>(outcome: Result<T, Error>) -> &'static str {
    match outcome {
        Ok(_) => "accepted",
        Err(Error::Refused(refusal)) => refusal.code,
        Err(Error::Store(error)) => panic!("{error}"),
    }
}

pub fn answer(xml: &str, relay_state: Option<&str>) -> Answer {
    use base64::Engine as _;
    let response = base64::prelude::BASE64_STANDARD.encode(xml);
    Answer { response, relay_state: relay_state.map(str::to_owned) }
}

/// The id of our request.
pub fn request_of(pending: &Pending) -> &str {
    pending.request.request_id().as_str()
}

/// Each sign-in's messages have ids of their own, as those of a provider do.
pub fn assertion_id(pending: &Pending) -> String {
    format!("_assertion{}", request_of(pending))
}

pub fn response_id(pending: &Pending) -> String {
    format!("_response{}", request_of(pending))
}

/// An assertion for this sign-in, not signed. It stands in its canonical form, so that a test can sign it by hand.
pub fn assertion(pending: &Pending) -> String {
    let (request, id) = (request_of(pending), assertion_id(pending));
    let (now, before, after, end) = (at(0), at(-MINUTE), at(5 * MINUTE), at(60 * MINUTE));
    format!(
        "<saml:Assertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"{id}\" IssueInstant=\"{now}\" Version=\"2.0\">\
         <saml:Issuer>{IDP}</saml:Issuer>\
         <saml:Subject><saml:NameID Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\">u-17</saml:NameID>\
         <saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\">\
         <saml:SubjectConfirmationData InResponseTo=\"{request}\" NotOnOrAfter=\"{after}\" Recipient=\"{ACS}\"></saml:SubjectConfirmationData>\
         </saml:SubjectConfirmation></saml:Subject>\
         <saml:Conditions NotBefore=\"{before}\" NotOnOrAfter=\"{after}\"><saml:AudienceRestriction>\
         <saml:Audience>{ENTITY}</saml:Audience></saml:AudienceRestriction></saml:Conditions>\
         <saml:AuthnStatement AuthnInstant=\"{now}\" SessionIndex=\"_session\" SessionNotOnOrAfter=\"{end}\"><saml:AuthnContext>\
         <saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef>\
         </saml:AuthnContext></saml:AuthnStatement>\
         <saml:AttributeStatement><saml:Attribute Name=\"mail\"><saml:AttributeValue>ada@example.com</saml:AttributeValue></saml:Attribute>\
         <saml:Attribute Name=\"urn:oid:0.9.2342.19200300.100.1.1\"><saml:AttributeValue>ada</saml:AttributeValue></saml:Attribute>\
         </saml:AttributeStatement></saml:Assertion>"
    )
}

/// A response around assertions, not signed.
pub fn response(pending: &Pending, inside: &str) -> String {
    let (request, id, now) = (request_of(pending), response_id(pending), at(0));
    format!(
        "<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" Destination=\"{ACS}\" ID=\"{id}\" \
         InResponseTo=\"{request}\" IssueInstant=\"{now}\" Version=\"2.0\">\
         <saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">{IDP}</saml:Issuer>\
         <samlp:Status><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"></samlp:StatusCode></samlp:Status>\
         {inside}</samlp:Response>"
    )
}

/// What is signed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum What {
    Response,
    Assertion,
}

/// Signs the response or the assertion in it, as the library does.
pub fn sign(xml: &str, what: What, keys: &Keys) -> String {
    let key = load_private_key(&keys.key, None).unwrap();
    let message = what == What::Response;
    construct_saml_signature(xml, message, &key, &keys.certificate, RSA_SHA256, &[], None).unwrap()
}

/// An honest response whose assertion is signed.
pub fn honest(pending: &Pending) -> String {
    sign(&response(pending, &assertion(pending)), What::Assertion, &Keys::of("idp"))
}

/// The same with a change to the assertion before it is signed.
pub fn signed_with(pending: &Pending, from: &str, to: &str) -> String {
    let plain = assertion(pending);
    assert!(plain.contains(from), "{from} is not there to be changed");
    sign(&response(pending, &plain.replace(from, to)), What::Assertion, &Keys::of("idp"))
}

/// The same with a change to the whole response before the response is signed.
pub fn response_signed_with(pending: &Pending, from: &str, to: &str) -> String {
    let plain = response(pending, &assertion(pending));
    assert!(plain.contains(from), "{from} is not there to be changed");
    sign(&plain.replace(from, to), What::Response, &Keys::of("idp"))
}

/// Encrypts the assertion of a response for us.
pub fn encrypt(xml: &str, keys: &Keys, data: &str, key: &str) -> String {
    encrypt_assertion(xml, &keys.certificate, data, key, "saml").unwrap()
}

/// How a signature is made by hand: what the library does not sign itself.
pub struct ByHand<'a> {
    pub signature: &'a str,
    pub digest: &'a str,
    pub transforms: &'a [&'a str],
    pub canonical: &'a str,
    pub keys: Arc<Keys>,
}

pub const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
pub const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
pub const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
pub const SHA1: &str = "http://www.w3.org/2000/09/xmldsig#sha1";
pub const RSA_SHA1: &str = "http://www.w3.org/2000/09/xmldsig#rsa-sha1";

impl ByHand<'_> {
    pub fn good() -> ByHand<'static> {
        ByHand {
            signature: RSA_SHA256,
            digest: SHA256,
            transforms: &[ENVELOPED, EXCLUSIVE],
            canonical: EXCLUSIVE,
            keys: Keys::of("idp"),
        }
    }

    /// Signs an assertion that stands in its canonical form.
    pub fn sign(&self, assertion: &str) -> String {
        use base64::Engine as _;
        let base64 = |bytes: &[u8]| base64::prelude::BASE64_STANDARD.encode(bytes);
        let digest = |uri: &str, bytes: &[u8]| -> Vec<u8> {
            if uri.ends_with("sha1") {
                sha1::Sha1::digest(bytes).to_vec()
            } else {
                sha2::Sha256::digest(bytes).to_vec()
            }
        };
        let transforms = self.transforms.iter().map(|transform| {
            // A transform with something inside is given whole.
            match transform.strip_prefix('<') {
                Some(_) => (*transform).to_owned(),
                None => format!("<ds:Transform Algorithm=\"{transform}\"></ds:Transform>"),
            }
        });
        let info = format!(
            "<ds:CanonicalizationMethod Algorithm=\"{}\"></ds:CanonicalizationMethod><ds:SignatureMethod Algorithm=\"{}\"></ds:SignatureMethod>\
             <ds:Reference URI=\"#{}\"><ds:Transforms>{}</ds:Transforms><ds:DigestMethod Algorithm=\"{}\"></ds:DigestMethod>\
             <ds:DigestValue>{}</ds:DigestValue></ds:Reference>",
            self.canonical,
            self.signature,
            assertion.split(" ID=\"").nth(1).unwrap().split('"').next().unwrap(),
            transforms.collect::<String>(),
            self.digest,
            base64(&digest(self.digest, assertion.as_bytes())),
        );
        let dsig = "http://www.w3.org/2000/09/xmldsig#";
        let canonical = format!("<ds:SignedInfo xmlns:ds=\"{dsig}\">{info}</ds:SignedInfo>");
        // RFC 8017 §9.2, note 1: the prefixes of the two digests.
        let prefix: &[u8] = match self.signature {
            RSA_SHA1 => &[0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14],
            _ => &[
                0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
                0x04, 0x20,
            ],
        };
        let hash = digest(self.signature, canonical.as_bytes());
        let scheme = rsa::Pkcs1v15Sign { hash_len: Some(hash.len()), prefix: prefix.into() };
        let value = self.keys.rsa().sign(scheme, &hash).unwrap();
        let signature = format!(
            "<ds:Signature xmlns:ds=\"{dsig}\"><ds:SignedInfo>{info}</ds:SignedInfo><ds:SignatureValue>{}</ds:SignatureValue>\
             <ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>",
            base64(&value),
            self.keys.certificate_base64(),
        );
        assertion.replacen("</saml:Issuer>", &format!("</saml:Issuer>{signature}"), 1)
    }
}

/// The address that a browser is redirected to.
pub fn address(onward: &Onward) -> url::Url {
    match onward {
        Onward::Redirect(address) => address.clone(),
        Onward::Post { .. } => panic!("it is a form"),
    }
}
