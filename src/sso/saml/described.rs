//! What a provider's metadata say of it (SAML Metadata 2.0), read element by element, so that what is wrong can be named.

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;

use crate::clock::Moment;
use crate::sso::is_secure;

const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
const SIGNATURE: &str = "http://www.w3.org/2000/09/xmldsig#";
const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
const REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
const POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";

/// The largest file of metadata, in bytes; a whole federation's is not for us.
const BYTES_MAX: usize = 8 << 20;
/// Elements open at once.
const DEPTH_MAX: usize = 60;

/// An address, and by which of the two bindings it is spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    pub is_post: bool,
    pub location: String,
    /// Where answers go, where that is another address.
    pub response_location: Option<String>,
}

/// One provider.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Described {
    pub entity_id: String,
    /// Base64 of each certificate that may sign.
    pub certificates: Vec<String>,
    pub sign_on: Vec<Endpoint>,
    pub logout: Vec<Endpoint>,
    /// Whether it takes only requests that are signed.
    pub wants_signed: bool,
    pub valid_until: Option<Moment>,
}

impl Described {
    /// The address of a binding.
    pub(super) fn sign_on_by(&self, is_post: bool) -> Option<&Endpoint> {
        self.sign_on.iter().find(|endpoint| endpoint.is_post == is_post)
    }
}

/// Reads the provider `expected` (or the only one there is) out of metadata; the error begins with the element it is about.
pub(super) fn read(xml: &str, expected: Option<&str>) -> Result<Described, String> {
    if xml.len() > BYTES_MAX {
        return Err(format!("EntityDescriptor: the document is larger than {BYTES_MAX} bytes"));
    }
    let mut reader = NsReader::from_str(xml);
    let mut walk = Walk::default();
    loop {
        let place = walk.place();
        let (namespace, event) =
            reader.read_resolved_event().map_err(|error| format!("{place}: it is no well-formed XML ({error})"))?;
        let space = match &namespace {
            ResolveResult::Bound(namespace) => match namespace.into_inner() {
                METADATA => Space::Metadata,
                SIGNATURE => Space::Signature,
                _ => Space::Other,
            },
            ResolveResult::Unbound | ResolveResult::Unknown(_) => Space::Other,
        };
        match event {
            Event::Start(start) => walk.open(space, &start)?,
            Event::Empty(start) => {
                walk.open(space, &start)?;
                walk.close();
            }
            Event::End(_) => walk.close(),
            Event::Text(text) => walk.text.push_str(&text.xml10_content()),
            // An entity that a document type declares can grow, and fetch.
            Event::DocType(_) => return Err(format!("{place}: the document has a document type, which is not read")),
            Event::GeneralRef(_) | Event::CData(_) | Event::Comment(_) | Event::PI(_) | Event::Decl(_) => {}
            Event::Eof => break,
        }
    }
    if let Some(open) = walk.names.last() {
        return Err(format!("{open}: the element does not end"));
    }
    chosen(walk.found, expected).and_then(checked)
}

fn chosen(mut found: Vec<Described>, expected: Option<&str>) -> Result<Described, String> {
    if let Some(expected) = expected {
        found.retain(|one| one.entity_id == expected);
        return found.pop().ok_or_else(|| {
            format!("EntityDescriptor: none has the entityID {expected:?} and an IDPSSODescriptor for SAML 2.0")
        });
    }
    match found.len() {
        0 => Err("EntityDescriptor: there is none with an IDPSSODescriptor for SAML 2.0".to_owned()),
        1 => Ok(found.remove(0)),
        many => Err(format!("EntitiesDescriptor: it has {many} identity providers; name one with entity_id")),
    }
}

fn checked(described: Described) -> Result<Described, String> {
    if described.entity_id.trim().is_empty() {
        return Err("EntityDescriptor: it has no entityID".to_owned());
    }
    if described.certificates.is_empty() {
        return Err("KeyDescriptor: the provider has no certificate for signing (X509Certificate)".to_owned());
    }
    for (number, certificate) in described.certificates.iter().enumerate() {
        if let Err(error) = saml_rs::crypto::keys::load_certificate(certificate) {
            return Err(format!("X509Certificate: the provider's certificate {} cannot be read ({error})", number + 1));
        }
    }
    if described.sign_on.is_empty() {
        return Err("SingleSignOnService: there is none for HTTP-Redirect or HTTP-POST".to_owned());
    }
    let named = |element: &'static str, all: &[Endpoint]| -> Result<(), String> {
        for endpoint in all {
            let locations = [Some(&endpoint.location), endpoint.response_location.as_ref()];
            for location in locations.into_iter().flatten() {
                // A browser is sent there with what signs a person in.
                if !location.parse().is_ok_and(|address| is_secure(&address)) {
                    return Err(format!("{element}: the Location {location:?} is not https"));
                }
            }
        }
        Ok(())
    };
    named("SingleSignOnService", &described.sign_on)?;
    named("SingleLogoutService", &described.logout)?;
    Ok(described)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Space {
    Metadata,
    Signature,
    Other,
}

#[derive(Default)]
struct Walk {
    /// The elements that are open, by their names.
    names: Vec<String>,
    /// Providers read so far.
    found: Vec<Described>,
    /// The entity that is read now, and whether it is an identity provider for SAML 2.0.
    entity: Option<(Described, bool)>,
    /// How deep the descriptor of its role as identity provider stands.
    role: Option<usize>,
    /// Whether the key that is read may sign.
    is_signing: bool,
    text: String,
}

impl Walk {
    fn place(&self) -> String {
        self.names.last().cloned().unwrap_or_else(|| "EntityDescriptor".to_owned())
    }

    fn open(&mut self, space: Space, start: &BytesStart<'_>) -> Result<(), String> {
        let name = start.local_name().into_inner().to_owned();
        let depth = self.names.len();
        if depth >= DEPTH_MAX {
            return Err(format!("{name}: the elements stand too deep in each other"));
        }
        if depth == 0
            && !(space == Space::Metadata && matches!(name.as_str(), "EntityDescriptor" | "EntitiesDescriptor"))
        {
            return Err(format!("{name}: the document does not begin with an EntityDescriptor of SAML metadata"));
        }
        let value = |wanted: &str| -> Result<Option<String>, String> {
            for attribute in start.attributes() {
                let attribute = attribute.map_err(|error| format!("{name}: an attribute cannot be read ({error})"))?;
                if attribute.key.into_inner() == wanted {
                    let value = attribute.normalized_value(XmlVersion::Implicit1_0);
                    return value
                        .map(|value| Some(value.into_owned()))
                        .map_err(|error| format!("{name}: {wanted}: {error}"));
                }
            }
            Ok(None)
        };
        match (space, name.as_str()) {
            (Space::Metadata, "EntityDescriptor") => {
                let valid_until = match value("validUntil")? {
                    Some(text) => Some(Moment::parse(&text).ok_or_else(|| format!("{name}: validUntil is no time"))?),
                    None => None,
                };
                let entity_id = value("entityID")?.unwrap_or_default();
                self.entity = Some((Described { entity_id, valid_until, ..Described::default() }, false));
            }
            (Space::Metadata, "IDPSSODescriptor") => {
                let protocols = value("protocolSupportEnumeration")?.unwrap_or_default();
                let wants_signed = matches!(value("WantAuthnRequestsSigned")?.as_deref(), Some("true" | "1"));
                if let Some((described, is_provider)) = self.entity.as_mut()
                    && protocols.split_whitespace().any(|protocol| protocol == PROTOCOL)
                {
                    (*is_provider, described.wants_signed) = (true, wants_signed);
                    self.role = Some(depth);
                }
            }
            (Space::Metadata, "KeyDescriptor") if self.role.is_some() => {
                // SAML Metadata §2.4.1.1: without "use" a key is for both.
                self.is_signing = value("use")?.is_none_or(|purpose| purpose == "signing");
            }
            (Space::Metadata, "SingleSignOnService" | "SingleLogoutService") if self.role.is_some() => {
                let binding = value("Binding")?.ok_or_else(|| format!("{name}: it has no Binding"))?;
                let location = value("Location")?.ok_or_else(|| format!("{name}: it has no Location"))?;
                let endpoint =
                    Endpoint { is_post: binding == POST, location, response_location: value("ResponseLocation")? };
                if let Some((described, _)) = self.entity.as_mut()
                    && matches!(binding.as_str(), REDIRECT | POST)
                {
                    let all =
                        if name == "SingleSignOnService" { &mut described.sign_on } else { &mut described.logout };
                    all.push(endpoint);
                }
            }
            (Space::Signature, "X509Certificate") => self.text.clear(),
            _ => {}
        }
        self.names.push(name);
        Ok(())
    }

    fn close(&mut self) {
        let Some(name) = self.names.pop() else { return };
        let is_key_of_role =
            self.role.is_some() && self.is_signing && self.names.iter().any(|open| open == "KeyDescriptor");
        match name.as_str() {
            "X509Certificate" if is_key_of_role => {
                let certificate: String = self.text.split_whitespace().collect();
                if let Some((described, _)) = self.entity.as_mut() {
                    described.certificates.push(certificate);
                }
            }
            "KeyDescriptor" => self.is_signing = false,
            "IDPSSODescriptor" if self.role == Some(self.names.len()) => self.role = None,
            "EntityDescriptor" => {
                if let Some((described, true)) = self.entity.take() {
                    self.found.push(described);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::keys::{Keys, metadata};
    use super::*;

    fn complaint(xml: &str) -> String {
        read(xml, None).unwrap_err()
    }

    #[test]
    fn a_provider_is_read_with_each_of_its_certificates_and_addresses() {
        let (first, second) = (Keys::of("first"), Keys::of("second"));
        let xml = metadata("https://idp.example/m", &[&first, &second], "https://idp.example");

        let read = read(&xml, None).unwrap();

        assert_eq!(read.entity_id, "https://idp.example/m");
        assert_eq!(read.certificates.len(), 2);
        assert_eq!(read.sign_on_by(false).unwrap().location, "https://idp.example/sso");
        assert_eq!(read.logout[0].location, "https://idp.example/slo");
    }

    #[test]
    fn a_key_of_another_role_signs_nothing() {
        let (ours, other) = (Keys::of("idp"), Keys::of("sp"));
        let role = format!(
            "<md:SPSSODescriptor protocolSupportEnumeration=\"{PROTOCOL}\"><md:KeyDescriptor><ds:KeyInfo xmlns:ds=\"{SIGNATURE}\">\
             <ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor></md:SPSSODescriptor>",
            other.certificate_base64()
        );
        let xml = metadata("https://idp.example/m", &[&ours], "https://idp.example")
            .replace("</md:EntityDescriptor>", &format!("{role}</md:EntityDescriptor>"));

        assert_eq!(read(&xml, None).unwrap().certificates, [ours.certificate_base64()]);
    }

    #[test]
    fn what_is_wrong_is_named_by_its_element() {
        let good = metadata("https://idp.example/m", &[&Keys::of("idp")], "https://idp.example");
        let certificate = Keys::of("idp").certificate_base64();
        let cases = [
            ("<html></html>".to_owned(), "html: "),
            (good.replace("<md:IDPSSODescriptor", "<md:IDPSSODescriptor a=b"), "IDPSSODescriptor: "),
            (good.replace("</md:IDPSSODescriptor>", ""), "IDPSSODescriptor: "),
            (good.replace(&certificate, "AAAA"), "X509Certificate: "),
            (good.replace(" entityID=\"https://idp.example/m\"", ""), "EntityDescriptor: "),
            (good.replace("https://idp.example/sso", "http://idp.example/sso"), "SingleSignOnService: "),
            (good.replace("https://idp.example/slo", "javascript:alert(1)"), "SingleLogoutService: "),
            (good.replace("bindings:HTTP-", "bindings:Other-"), "SingleSignOnService: "),
            (good.replace("use=\"signing\"", "use=\"encryption\""), "KeyDescriptor: "),
            (good.replace(":2.0:protocol", ":1.1:protocol"), "EntityDescriptor: "),
            (format!("<!DOCTYPE a [<!ENTITY b \"c\">]>{good}"), "EntityDescriptor: "),
        ];
        for (xml, element) in cases {
            let complaint = complaint(&xml);
            assert!(complaint.starts_with(element), "{complaint} for {xml}");
        }
    }

    #[test]
    fn of_several_providers_the_one_that_is_named_is_taken() {
        let keys = Keys::of("idp");
        let one = metadata("https://one.example", &[&keys], "https://one.example");
        let two = metadata("https://two.example", &[&keys], "https://two.example");
        let both = format!("<md:EntitiesDescriptor xmlns:md=\"{METADATA}\">{one}{two}</md:EntitiesDescriptor>");

        assert!(complaint(&both).starts_with("EntitiesDescriptor: it has 2"));
        assert_eq!(read(&both, Some("https://two.example")).unwrap().sign_on[0].location, "https://two.example/sso");
        assert!(read(&both, Some("https://three.example")).is_err());
    }
}
