//! What we send, and what we say of ourselves.

use std::io::Read as _;

use base64::Engine as _;

use super::super::{Settings, check_metadata};
use super::idp::*;
use super::keys::{Keys, metadata};

fn query(address: &url::Url, name: &str) -> Option<String> {
    address.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

fn inflated(text: &str) -> String {
    let packed = base64::prelude::BASE64_STANDARD.decode(text).unwrap();
    let mut xml = String::new();
    flate2::read::DeflateDecoder::new(&packed[..]).read_to_string(&mut xml).unwrap();
    xml
}

#[test]
fn the_browser_is_sent_with_a_signed_request_that_is_new_each_time() {
    let house = House::new();
    let (first, pending) = house.provider.begin("/ask", now()).unwrap();
    let (second, _) = house.provider.begin("/ask", now()).unwrap();

    let address = address(&first);
    let xml = inflated(&query(&address, "SAMLRequest").unwrap());

    assert!(address.as_str().starts_with("https://idp.example/sso?"), "{address}");
    assert_eq!(query(&address, "RelayState"), Some(pending.state.clone()));
    assert!(query(&address, "Signature").is_some() && query(&address, "SigAlg").as_deref() == Some(RSA_SHA256));
    for part in [ENTITY, ACS, request_of(&pending), "nameid-format:persistent", "AllowCreate=\"true\""] {
        assert!(xml.contains(part), "{part} is not in {xml}");
    }
    assert_ne!(first, second);
    assert_eq!(house.provider.begin("https://evil.example", now()).err().unwrap().code, "return_to_refused");
}

#[test]
fn a_request_is_not_signed_where_the_settings_say_so_unless_the_provider_wants_it() {
    let house = House::with(|settings| settings.sign_requests = false);
    let address = address(&house.provider.begin("/", now()).unwrap().0);
    assert_eq!(query(&address, "Signature"), None);

    let path = house.settings.metadata_file.clone().unwrap();
    let wants = metadata(IDP, &[&Keys::of("idp")], "https://idp.example")
        .replace("<md:IDPSSODescriptor ", "<md:IDPSSODescriptor WantAuthnRequestsSigned=\"true\" ");
    std::io::Write::write_all(&mut std::fs::File::create(path).unwrap(), wants.as_bytes()).unwrap();

    let refusal = house.provider.begin("/", now()).err().unwrap();
    assert!(refusal.detail.contains("sign_requests"), "{refusal}");
}

#[test]
fn our_metadata_name_the_current_and_the_next_certificate_and_each_address() {
    let folder = tempfile::tempdir().unwrap();
    let next = Keys::of("next");
    for (name, text) in [("next.key", &next.key), ("next.pem", &next.certificate)] {
        let mut file = std::fs::File::create(folder.path().join(name)).unwrap();
        std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
    }
    let house = House::with(|settings| {
        settings.next_key_file = Some(folder.path().join("next.key"));
        settings.next_certificate_file = Some(folder.path().join("next.pem"));
    });

    let xml = house.provider.metadata();

    for keys in [Keys::of("sp"), next] {
        assert_eq!(xml.matches(&keys.certificate_base64()).count(), 2, "for signing and for encryption");
    }
    assert!(xml.contains(ENTITY) && xml.contains(ACS) && xml.matches(SLO).count() == 2, "{xml}");
    assert!(!xml.contains("PRIVATE"), "no key");
}

#[test]
fn a_key_is_made_once_where_none_is_given_and_only_its_owner_reads_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let house = House::with(|settings| (settings.key_file, settings.certificate_file) = (None, None));
    let first = house.provider.metadata();
    let file = house.folder.path().join("saml/company.pem");
    assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);

    let house = house.again();

    assert_eq!(first, house.provider.metadata());
    let pending = house.begin();
    assert_eq!(house.refusal(&honest(&pending), &pending), "accepted");
}

#[test]
fn settings_that_cannot_work_are_refused_in_words_when_the_appliance_opens() {
    let folder = tempfile::tempdir().unwrap();
    let good = settings(folder.path());
    let complaint = |change: &dyn Fn(&mut Settings)| {
        let mut settings = good.clone();
        change(&mut settings);
        let seen = crate::sso::Seen::open(&crate::store::Store::open(&folder.path().join("store")).unwrap()).unwrap();
        let url = "https://sotto.example/".parse().unwrap();
        let opened = super::super::Provider::open(
            &settings,
            &url,
            folder.path(),
            &crate::outbound::Settings::default(),
            std::sync::Arc::new(seen),
            now(),
        );
        format!("{:#}", opened.err().unwrap())
    };
    let broken = folder.path().join("broken.xml");
    std::io::Write::write_all(
        &mut std::fs::File::create(&broken).unwrap(),
        b"<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\"/>",
    )
    .unwrap();
    let other = folder.path().join("other.pem");
    std::io::Write::write_all(&mut std::fs::File::create(&other).unwrap(), Keys::of("another").certificate.as_bytes())
        .unwrap();

    assert!(complaint(&|settings| settings.metadata_file = None).contains("metadata_file or metadata_url"));
    assert!(complaint(&|settings| settings.metadata_file = Some(broken.clone())).contains("EntityDescriptor: "));
    assert!(complaint(&|settings| settings.metadata_file = Some("/nowhere".into())).contains("/nowhere"));
    assert!(complaint(&|settings| settings.certificate_file = Some(other.clone())).contains("do not belong together"));
    assert!(complaint(&|settings| settings.key_file = None).contains("set both or neither"));
    assert!(complaint(&|settings| settings.skew_s = 86_400).contains("skew_s"));
    let mut http = good.clone();
    (http.metadata_file, http.metadata_url) = (None, Some("http://idp.example/metadata".parse().unwrap()));
    assert!(complaint(&|settings| *settings = http.clone()).contains("must be https"));
    assert!(check_metadata(&good, now()).unwrap().unwrap().contains(IDP));
}
