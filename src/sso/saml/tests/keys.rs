//! Keys made for the tests, and a provider's metadata.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex};

use rcgen::{CertificateParams, DnType, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use rsa::pkcs8::DecodePrivateKey as _;

/// An RSA key with its certificate, PEM.
pub struct Keys {
    pub key: String,
    pub certificate: String,
}

impl Keys {
    /// The keys of a name: made once in a run, because that takes a moment.
    pub fn of(name: &str) -> Arc<Keys> {
        static MADE: LazyLock<Mutex<BTreeMap<String, Arc<Keys>>>> = LazyLock::new(Mutex::default);
        Arc::clone(MADE.lock().unwrap().entry(name.to_owned()).or_insert_with(|| Arc::new(Keys::make(name))))
    }

    fn make(name: &str) -> Keys {
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        let certificate = params.self_signed(&key).unwrap();
        Keys { key: key.serialize_pem(), certificate: certificate.pem() }
    }

    /// The certificate as metadata and signatures write it.
    pub fn certificate_base64(&self) -> String {
        self.certificate.lines().filter(|line| !line.starts_with("-----")).collect()
    }

    /// The key, for signing what the library would not.
    pub fn rsa(&self) -> rsa::RsaPrivateKey {
        rsa::RsaPrivateKey::from_pkcs8_pem(&self.key).unwrap()
    }
}

/// The metadata of a provider with its addresses below `base`.
pub fn metadata(entity_id: &str, keys: &[&Keys], base: &str) -> String {
    let keys = keys.iter().map(|keys| {
        format!(
            "<md:KeyDescriptor use=\"signing\"><ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:X509Data>\
             <ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>",
            keys.certificate_base64()
        )
    });
    let keys: String = keys.collect();
    let binding = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-";
    format!(
        "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"{entity_id}\">\
         <md:IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">{keys}\
         <md:SingleLogoutService Binding=\"{binding}Redirect\" Location=\"{base}/slo\"/>\
         <md:SingleLogoutService Binding=\"{binding}POST\" Location=\"{base}/slo\"/>\
         <md:SingleSignOnService Binding=\"{binding}Redirect\" Location=\"{base}/sso\"/>\
         <md:SingleSignOnService Binding=\"{binding}POST\" Location=\"{base}/sso\"/>\
         </md:IDPSSODescriptor></md:EntityDescriptor>"
    )
}
