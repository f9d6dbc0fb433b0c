//! Whatever is posted as a SAML response, or stands in a provider's metadata, is read to an end and signs nobody in.

#![no_main]

use std::io::Write as _;
use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use sotto::probe::{
    Moment, OutboundSettings, SamlAnswer, SamlPending, SamlProvider, SamlSettings, Seen, Store, read_saml,
};

struct House {
    provider: SamlProvider,
    pending: SamlPending,
    _folder: tempfile::TempDir,
}

/// A moment of the corpus's messages.
const NOW: Moment = Moment::from_ms(1_795_521_600_000);

static HOUSE: LazyLock<House> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let store = Store::open(&folder.path().join("store")).expect("a new store opens");
    let seen = Arc::new(Seen::open(&store).expect("a new store opens"));
    let open = |metadata: serde_json::Value| {
        let mut settings = serde_json::json!({ "id": "company", "name": "Company", "idp_initiated": true });
        settings.as_object_mut().expect("it is an object").extend(metadata.as_object().cloned().unwrap_or_default());
        let settings: SamlSettings = serde_json::from_value(settings).expect("these are settings");
        let url = "https://sotto.example/".parse().expect("this is an address");
        SamlProvider::open(&settings, &url, folder.path(), &OutboundSettings::default(), Arc::clone(&seen), NOW)
            .expect("good settings open")
    };
    // The certificate of the first one's own key, which signs nothing here, is the provider's.
    let ours = open(serde_json::json!({ "metadata_url": "https://idp.example/metadata" })).metadata();
    let certificate = ours.split("X509Certificate>").nth(1).and_then(|rest| rest.split('<').next()).unwrap_or_default();
    let path = folder.path().join("idp.xml");
    let metadata = format!(
        "<EntityDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"https://idp.example/metadata\">\
         <IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\"><KeyDescriptor>\
         <KeyInfo xmlns=\"http://www.w3.org/2000/09/xmldsig#\"><X509Data><X509Certificate>{certificate}</X509Certificate></X509Data></KeyInfo>\
         </KeyDescriptor><SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"https://idp.example/sso\"/>\
         </IDPSSODescriptor></EntityDescriptor>"
    );
    let mut file = std::fs::File::create(&path).expect("a file can be made");
    file.write_all(metadata.as_bytes()).expect("a file can be written");
    let provider = open(serde_json::json!({ "metadata_file": path }));
    let (_, pending) = provider.begin("/", NOW).expect("a sign-in begins");
    House { provider, pending, _folder: folder }
});

fuzz_target!(|text: &str| {
    read_saml(text);
    let answer = SamlAnswer::of_xml(text);
    for pending in [None, Some(&HOUSE.pending)] {
        assert!(HOUSE.provider.accept(&answer, pending, &mut None, NOW).is_err(), "nobody has the provider's key");
    }
});
