//! Signing in by SAML over HTTPS: with a provider of a few lines that signs with keys made here, and with a real one
//! (SimpleSAMLphp), where it is installed.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use base64::Engine as _;
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use saml_rs::crypto::{construct_message_signature, construct_saml_signature, keys::load_private_key};
use serde_json::{Value, json};
use sotto::app::nouns::Clock;
use sotto::standin::browser::{Browser, Heard};
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};

use crate::support::{Appliance, PATIENCE, Site, browser_of, free_port, hidden, is_skipped, put, submit, walk};

const IDP: &str = "https://idp.example/metadata";
const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";

/// A provider's key and certificate, PEM.
struct Signer {
    key: String,
    certificate: String,
}

impl Signer {
    fn new() -> Signer {
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
        let certificate = CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap();
        Signer { key: key.serialize_pem(), certificate: certificate.pem() }
    }

    fn metadata(&self) -> String {
        let certificate: String = self.certificate.lines().filter(|line| !line.starts_with('-')).collect();
        let binding = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-";
        format!(
            "<EntityDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"{IDP}\">\
             <IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\"><KeyDescriptor>\
             <KeyInfo xmlns=\"http://www.w3.org/2000/09/xmldsig#\"><X509Data><X509Certificate>{certificate}</X509Certificate></X509Data>\
             </KeyInfo></KeyDescriptor>\
             <SingleLogoutService Binding=\"{binding}Redirect\" Location=\"https://idp.example/slo\"/>\
             <SingleSignOnService Binding=\"{binding}Redirect\" Location=\"https://idp.example/sso\"/>\
             <SingleSignOnService Binding=\"{binding}POST\" Location=\"https://idp.example/sso\"/>\
             </IDPSSODescriptor></EntityDescriptor>"
        )
    }

    /// A signed response for a person who is known by this id.
    fn response(&self, base: &Url, request: &str, subject: &str) -> String {
        self.response_with(base, request, subject, &[])
    }

    /// The same with attributes.
    fn response_with(&self, base: &Url, request: &str, subject: &str, attributes: &[(&str, &[&str])]) -> String {
        let attribute = |(name, values): &(&str, &[&str])| {
            let values: String =
                values.iter().map(|value| format!("<saml:AttributeValue>{value}</saml:AttributeValue>")).collect();
            format!("<saml:Attribute Name=\"{name}\">{values}</saml:Attribute>")
        };
        let said: String = match attributes {
            [] => String::new(),
            some => {
                let some: String = some.iter().map(attribute).collect();
                format!("<saml:AttributeStatement>{some}</saml:AttributeStatement>")
            }
        };
        let at = |minutes: i64| Clock::System.now().plus_ms(minutes * 60_000).rfc3339();
        let (now, before, after, end) = (at(0), at(-1), at(5), at(60));
        let ours = |end: &str| base.join(&format!("/auth/saml/corp/{end}")).unwrap().to_string();
        let (acs, entity) = (ours("acs"), ours("metadata"));
        let saml = "urn:oasis:names:tc:SAML:2.0";
        let xml = format!(
            "<samlp:Response xmlns:samlp=\"{saml}:protocol\" xmlns:saml=\"{saml}:assertion\" ID=\"_r{request}\" Version=\"2.0\" \
             IssueInstant=\"{now}\" Destination=\"{acs}\" InResponseTo=\"{request}\"><saml:Issuer>{IDP}</saml:Issuer>\
             <samlp:Status><samlp:StatusCode Value=\"{saml}:status:Success\"/></samlp:Status>\
             <saml:Assertion ID=\"_a{request}\" Version=\"2.0\" IssueInstant=\"{now}\"><saml:Issuer>{IDP}</saml:Issuer>\
             <saml:Subject><saml:NameID Format=\"{saml}:nameid-format:persistent\">{subject}</saml:NameID>\
             <saml:SubjectConfirmation Method=\"{saml}:cm:bearer\"><saml:SubjectConfirmationData Recipient=\"{acs}\" \
             InResponseTo=\"{request}\" NotOnOrAfter=\"{after}\"/></saml:SubjectConfirmation></saml:Subject>\
             <saml:Conditions NotBefore=\"{before}\" NotOnOrAfter=\"{after}\"><saml:AudienceRestriction><saml:Audience>{entity}\
             </saml:Audience></saml:AudienceRestriction></saml:Conditions>\
             <saml:AuthnStatement AuthnInstant=\"{now}\" SessionIndex=\"_s\" SessionNotOnOrAfter=\"{end}\"><saml:AuthnContext>\
             <saml:AuthnContextClassRef>{saml}:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext>\
             </saml:AuthnStatement>{said}</saml:Assertion></samlp:Response>"
        );
        let key = load_private_key(&self.key, None).unwrap();
        construct_saml_signature(&xml, false, &key, &self.certificate, RSA_SHA256, &[], None).unwrap()
    }
}

/// An appliance with a SAML provider beside the one it always has.
struct House {
    house: Appliance,
    signer: Signer,
    _folder: tempfile::TempDir,
}

impl House {
    fn with(change: impl FnOnce(&mut Value)) -> House {
        let (signer, folder) = (Signer::new(), tempfile::tempdir().unwrap());
        let file = folder.path().join("idp.xml");
        put(&file, &signer.metadata());
        let mut provider = json!({ "kind": "saml", "id": "corp", "name": "Corp", "metadata_file": file });
        change(&mut provider);
        let house = Appliance::with_settings(&Site::two_projects(), |settings| {
            settings.provider.push(serde_json::from_value(provider).unwrap());
        });
        House { house, signer, _folder: folder }
    }

    /// The immutable id by which the directory knows a person.
    fn subject(&self, username: &str) -> String {
        let (_, user) = self.house.scim("GET", &format!("/Users/{}", self.house.person_id(username)), "");
        user["externalId"].as_str().unwrap().to_owned()
    }

    /// Begins a sign-in; the id of the request and its RelayState.
    fn begin(&self, browser: &mut Browser, path: &str) -> (String, String) {
        let begun = browser.send("GET", path, None).unwrap();
        let address = Url::parse(location(&begun)).unwrap();
        let value = |name: &str| address.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
        let packed = base64::prelude::BASE64_STANDARD.decode(value("SAMLRequest")).unwrap();
        let mut xml = String::new();
        std::io::Read::read_to_string(&mut flate2::read::DeflateDecoder::new(&packed[..]), &mut xml).unwrap();
        (xml.split(" ID=\"").nth(1).unwrap().split('"').next().unwrap().to_owned(), value("RelayState"))
    }

    /// Signs a person in by SAML.
    fn sign_in(&self, browser: &mut Browser, username: &str) -> Heard {
        let (request, relay) = self.begin(browser, "/auth/corp/login?return_to=/conversations/0a");
        let response = self.signer.response(&self.house.base, &request, &self.subject(username));
        post(browser, "/auth/saml/corp/acs", &[("SAMLResponse", &encoded(&response)), ("RelayState", &relay)])
    }
}

fn location(heard: &Heard) -> &str {
    heard.header("location").unwrap_or_default()
}

fn encoded(xml: &str) -> String {
    base64::prelude::BASE64_STANDARD.encode(xml)
}

/// Posts a form as a page of the provider's does: from its own origin, without a header of ours.
fn post(browser: &mut Browser, path: &str, fields: &[(&str, &str)]) -> Heard {
    let body = Serializer::new(String::new()).extend_pairs(fields).finish();
    let headers = [
        ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
        ("origin".to_owned(), "https://idp.example".to_owned()),
    ];
    browser.send_raw("POST", path, &headers, body.into_bytes()).unwrap()
}

fn is_signed_in(browser: &mut Browser) -> bool {
    browser.send("GET", "/api/v1/me", None).unwrap().status == 200
}

#[test]
fn a_person_signs_in_by_saml_and_is_led_back_to_where_it_began() {
    let house = House::with(|_| {});
    let mut mateo = house.house.browser();
    let begun = mateo.send("GET", "/auth/corp/login", None).unwrap();
    let cookie = begun.header("set-cookie").unwrap().to_owned();

    let back = house.sign_in(&mut mateo, "mateo");

    for word in ["__Host-sotto-saml=", "HttpOnly", "Secure", "SameSite=None", "Max-Age=600"] {
        assert!(cookie.contains(word), "{cookie}");
    }
    assert_eq!((back.status, location(&back)), (303, "/conversations/0a"));
    assert_eq!(mateo.json("/api/v1/me").unwrap()["user"]["display_name"], "mateo");
    assert_eq!(house.house.audited("signed_in"), 1);
    let providers = mateo.json("/auth/providers").unwrap();
    assert_eq!(providers["providers"].as_array().unwrap().len(), 2, "{providers}");
}

/// Signs a person in by SAML with these attributes; what the appliance answers.
fn sign_in_with(house: &House, username: &str, attributes: &[(&str, &[&str])]) -> (Browser, Heard) {
    let mut browser = house.house.browser();
    let (request, relay) = house.begin(&mut browser, "/auth/corp/login");
    let subject = house.subject(username);
    let response = house.signer.response_with(&house.house.base, &request, &subject, attributes);
    let fields = [("SAMLResponse", &*encoded(&response)), ("RelayState", &*relay)];
    let back = post(&mut browser, "/auth/saml/corp/acs", &fields);
    (browser, back)
}

const GROUPS: &str = "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups";

fn groups_of(house: &House, username: &str) -> Vec<String> {
    let found = house.house.sign_in("ana").json(&format!("/api/v1/admin/users?query={username}")).unwrap();
    let groups = found["users"][0]["groups"].as_array().unwrap();
    let mut names: Vec<String> = groups.iter().map(|group| group["name"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

#[test]
fn groups_in_an_assertion_count_for_nothing_unless_the_settings_say_so() {
    let house = House::with(|_| {});
    let before = groups_of(&house, "mateo");

    let (mut mateo, back) = sign_in_with(&house, "mateo", &[(GROUPS, &["sotto-administrators"])]);

    assert_eq!(location(&back), "/");
    assert_eq!(groups_of(&house, "mateo"), before);
    assert_eq!(mateo.send("GET", "/admin", None).unwrap().status, 404);
}

#[test]
fn groups_in_an_assertion_replace_those_of_the_one_before_and_an_absent_attribute_leaves_none() {
    let house = House::with(|provider| provider["groups_attribute"] = json!(GROUPS));
    let provisioned = groups_of(&house, "mateo");
    let with = |more: &[&str]| {
        let mut all: Vec<String> =
            provisioned.iter().cloned().chain(more.iter().map(|name| (*name).to_owned())).collect();
        all.sort();
        all
    };

    sign_in_with(&house, "mateo", &[(GROUPS, &["night-shift", "first-aid"])]);
    assert_eq!(groups_of(&house, "mateo"), with(&["first-aid", "night-shift"]));

    sign_in_with(&house, "mateo", &[(GROUPS, &["first-aid"])]);
    assert_eq!(groups_of(&house, "mateo"), with(&["first-aid"]));

    sign_in_with(&house, "mateo", &[]);
    assert_eq!(groups_of(&house, "mateo"), provisioned, "stale groups go, provisioned ones stay");

    let many: Vec<String> = (0..201).map(|number| format!("g{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let (_, back) = sign_in_with(&house, "mateo", &[(GROUPS, &many)]);
    assert!(location(&back).starts_with("/sign-in?refused=groups_too_many&id="), "{}", location(&back));
}

#[test]
fn names_in_an_assertion_stand_where_provisioning_gave_none_and_nowhere_else() {
    let display = "http://schemas.microsoft.com/identity/claims/displayname";
    let given = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname";
    let house = House::with(|provider| {
        provider["display_name_attribute"] = json!(display);
        provider["given_name_attribute"] = json!(given);
    });
    let path = format!("/Users/{}", house.house.person_id("ana"));
    let patch = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                        "Operations": [{ "op": "replace", "path": "displayName", "value": "Ana of IT" }] });
    assert!(house.house.scim("PATCH", &path, &patch.to_string()).0 < 300);

    let (mut mateo, _) = sign_in_with(&house, "mateo", &[(display, &["Mateo Example"]), (given, &["Mateo"])]);
    let (mut ana, _) = sign_in_with(&house, "ana", &[(display, &["Somebody Else"])]);

    let me = mateo.json("/api/v1/me").unwrap();
    assert_eq!(me["user"]["display_name"], "Mateo Example", "{me}");
    assert_eq!(me["user"]["given_name"], "mateo", "what provisioning says goes before: {me}");
    assert_eq!(ana.json("/api/v1/me").unwrap()["user"]["display_name"], "Ana of IT");
}

#[test]
fn a_provider_whose_metadata_do_not_come_is_said_to_be_away_on_the_sign_in_page() {
    let port = free_port();
    let house = simple_house(port, |_| {});

    let begun = house.browser().send("GET", "/auth/simple/login", None).unwrap();

    assert_eq!(begun.status, 303);
    let request = begun.header("x-request-id").unwrap();
    assert_eq!(location(&begun), format!("/sign-in?refused=provider_away&id={request}"));
    assert_eq!(house.audited("sign_in_refused"), 1);
    assert!(house.audit_lines().iter().any(|line| line.contains("provider_away")));
}

#[test]
fn a_response_that_another_browser_asked_for_signs_nobody_in() {
    let house = House::with(|_| {});
    let (mut attacker, mut victim) = (house.house.browser(), house.house.browser());
    let (request, relay) = house.begin(&mut attacker, "/auth/corp/login");
    let response = encoded(&house.signer.response(&house.house.base, &request, &house.subject("mateo")));
    let fields = [("SAMLResponse", response.as_str()), ("RelayState", relay.as_str())];

    let refused = post(&mut victim, "/auth/saml/corp/acs", &fields);
    let good = post(&mut attacker, "/auth/saml/corp/acs", &fields);
    let again = post(&mut attacker, "/auth/saml/corp/acs", &fields);

    assert!(location(&refused).starts_with("/sign-in?refused=request_missing"), "{}", location(&refused));
    assert!(!is_signed_in(&mut victim));
    assert_eq!(location(&good), "/");
    assert!(location(&again).starts_with("/sign-in?refused="), "{}", location(&again));
    assert_eq!(house.house.audited("sign_in_refused"), 2);
}

#[test]
fn a_stranger_or_a_forger_is_sent_to_the_sign_in_page_with_a_code_and_a_request() {
    let house = House::with(|_| {});
    for (subject, forger, code) in [("nobody", false, "person_unknown"), ("nobody", true, "key_unknown")] {
        let mut browser = house.house.browser();
        let (request, relay) = house.begin(&mut browser, "/auth/corp/login");
        let other = Signer::new();
        let signer = if forger { &other } else { &house.signer };
        let response = encoded(&signer.response(&house.house.base, &request, subject));
        let back = post(&mut browser, "/auth/saml/corp/acs", &[("SAMLResponse", &response), ("RelayState", &relay)]);
        assert!(location(&back).starts_with(&format!("/sign-in?refused={code}&id=")), "{}", location(&back));
    }
}

#[test]
fn where_the_provider_wants_a_form_the_page_may_post_there_and_nowhere_else() {
    let house = House::with(|provider| provider["binding"] = json!("post"));
    let mut browser = house.house.browser();

    let page = browser.send("GET", "/auth/corp/login", None).unwrap();

    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("form-action https://idp.example;") && policy.contains("script-src 'self';"), "{policy}");
    assert!(page.text.contains("action=\"https://idp.example/sso\"") && page.text.contains("name=\"SAMLRequest\""));
    assert!(page.text.contains("/js/onward.js") && !page.text.contains("{{"), "{}", page.text);
    for part in ["<html lang=", "<title>", "<main", "<h1"] {
        assert!(page.text.contains(part), "the page has no {part}");
    }
    let other = browser.send("GET", "/sign-in", None).unwrap();
    assert!(other.header("content-security-policy").unwrap().contains("form-action 'self'"));
}

#[test]
fn our_metadata_are_there_for_the_providers_administrator() {
    let house = House::with(|_| {});

    let metadata = house.house.browser().send("GET", "/auth/saml/corp/metadata", None).unwrap();

    assert_eq!(metadata.header("content-type"), Some("application/samlmetadata+xml"));
    let acs = house.house.base.join("/auth/saml/corp/acs").unwrap();
    assert!(metadata.text.contains(acs.as_str()) && metadata.text.contains("X509Certificate"), "{}", metadata.text);
    for path in ["/auth/saml/company/metadata", "/auth/saml/none/metadata"] {
        assert_eq!(house.house.browser().send("GET", path, None).unwrap().status, 404, "{path}");
    }
}

#[test]
fn the_provider_signs_people_out_by_a_signed_request_only() {
    let house = House::with(|_| {});
    let (mut mateo, mut ana) = (house.house.browser(), house.house.browser());
    house.sign_in(&mut mateo, "mateo");
    house.sign_in(&mut ana, "ana");
    let slo = house.house.base.join("/auth/saml/corp/slo").unwrap();
    let (now, subject) = (Clock::System.now().rfc3339(), house.subject("mateo"));
    let xml = format!(
        "<samlp:LogoutRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" \
         ID=\"_l\" Version=\"2.0\" IssueInstant=\"{now}\" Destination=\"{slo}\"><saml:Issuer>{IDP}</saml:Issuer>\
         <saml:NameID>{subject}</saml:NameID><samlp:SessionIndex>_s</samlp:SessionIndex></samlp:LogoutRequest>"
    );
    let mut packer = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packer, xml.as_bytes()).unwrap();
    let url = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let message = url(&base64::prelude::BASE64_STANDARD.encode(packer.finish().unwrap()));
    let signed = format!("SAMLRequest={message}&SigAlg={}", url(RSA_SHA256));
    let key = load_private_key(&house.signer.key, None).unwrap();
    let signature = url(&construct_message_signature(&signed, &key, RSA_SHA256).unwrap());
    let mut elsewhere = house.house.browser();
    let mut send =
        |query: &str| elsewhere.send_raw("GET", &format!("/auth/saml/corp/slo?{query}"), &[], Vec::new()).unwrap();

    assert_eq!(send(&format!("SAMLRequest={message}")).status, 403);
    assert!(is_signed_in(&mut mateo), "an unsigned request ends nothing");
    let answered = send(&format!("{signed}&Signature={signature}"));

    assert!(location(&answered).starts_with("https://idp.example/slo?SAMLResponse="), "{}", location(&answered));
    assert!(!is_signed_in(&mut mateo) && is_signed_in(&mut ana));
    assert_eq!((house.house.audited("signed_out"), house.house.audited("sign_out_refused")), (1, 1));
}

#[test]
fn an_administrator_tries_a_provider_and_sees_what_it_sent_without_being_signed_in_by_it() {
    let house = House::with(|_| {});
    let mut ana = house.house.sign_in("ana");
    let before = ana.cookies();
    let (request, relay) = house.begin(&mut ana, "/auth/corp/login?test=1");
    let response = encoded(&house.signer.response(&house.house.base, &request, "nobody"));

    let back = post(&mut ana, "/auth/saml/corp/acs", &[("SAMLResponse", &response), ("RelayState", &relay)]);

    assert_eq!(location(&back), "/admin/providers/corp/test");
    let trial = ana.json("/api/v1/admin/providers/corp/trial").unwrap();
    assert_eq!((&trial["refused"]["code"], &trial["proven"]["subject"]), (&json!("person_unknown"), &json!("nobody")));
    assert!(trial["shown"].as_str().unwrap().contains("<saml:Assertion"), "{trial}");
    assert_eq!(ana.cookies()["__Host-sotto"], before["__Host-sotto"], "nobody was signed in");
    assert_eq!(ana.send("GET", "/admin/providers/corp/test", None).unwrap().status, 200);
    assert_eq!(house.house.audited("sign_in_refused"), 0);

    let mut mateo = house.house.sign_in("mateo");
    for path in ["/auth/corp/login?test=1", "/admin/providers/corp/test", "/api/v1/admin/providers/corp/trial"] {
        assert_eq!(mateo.send("GET", path, None).unwrap().status, 404, "{path}");
    }
}

#[test]
fn a_trial_of_openid_connect_shows_the_claims() {
    let house = Appliance::with(&Site::two_projects());
    let mut ana = house.sign_in("ana");
    let before = ana.cookies();

    // The stand-in's form signs in whom it is told; the way back ends at the page of the trial, not at the front page.
    let ended = ana.through("/auth/company/login?test=1", "mateo").unwrap();

    assert_eq!(ended.path(), "/admin/providers/company/test");
    let trial = ana.json("/api/v1/admin/providers/company/trial").unwrap();
    assert_eq!((&trial["refused"], &trial["person"]), (&Value::Null, &json!("mateo")));
    assert!(trial["shown"].as_str().unwrap().contains("\"nonce\""), "{trial}");
    assert_eq!(ana.cookies()["__Host-sotto"], before["__Host-sotto"]);
}

// ── A real provider ─────────────────────────────────────────────────────────────────────────────────────────────────────

/// SimpleSAMLphp on a port of its own; it stops when this is dropped.
struct SimpleSaml {
    process: Child,
    base: Url,
}

/// How the provider is to answer.
struct Manner<'a> {
    response: bool,
    assertion: bool,
    cipher: Option<&'a str>,
    name_id: &'a str,
}

const PERSISTENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";

impl SimpleSaml {
    /// The folder with its start script: `SOTTO_SAML_IDP`, or `idp` beside the evaluation's data.
    fn script() -> Option<PathBuf> {
        let beside = std::env::var_os("SOTTO_EVAL_DATA").map(|data| PathBuf::from(data).join("../idp"));
        let folder = std::env::var_os("SOTTO_SAML_IDP").map(PathBuf::from).or(beside)?;
        let script = folder.join("start-saml-idp.sh");
        let is_installed = Path::new("/usr/share/simplesamlphp/www").exists();
        (script.exists() && is_installed).then_some(script)
    }

    fn start(script: &Path, port: u16, state: &Path, house: &Appliance, manner: &Manner<'_>) -> SimpleSaml {
        let ours = |end: &str| house.base.join(&format!("/auth/saml/simple/{end}")).unwrap().to_string();
        let certificate = state.join("sp.pem");
        let metadata = house.browser().send("GET", "/auth/saml/simple/metadata", None).unwrap().text;
        let base64 = metadata.split("<ds:X509Certificate>").nth(1).unwrap().split('<').next().unwrap();
        put(&certificate, &format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n"));
        let flag = |on: bool| if on { "1" } else { "0" };
        let process = Command::new("bash")
            .arg(script)
            .env("PORT", port.to_string())
            .env("STATE", state)
            .env("SP_ENTITY_ID", ours("metadata"))
            .env("SP_ACS", ours("acs"))
            .env("SP_SLO", ours("slo"))
            .env("SP_CERT", certificate)
            .env("SP_NAMEID", manner.name_id)
            .env("SIGN_RESPONSE", flag(manner.response))
            .env("SIGN_ASSERTION", flag(manner.assertion))
            .env("ENCRYPT", flag(manner.cipher.is_some()))
            .env("ENC_ALG", manner.cipher.unwrap_or("http://www.w3.org/2009/xmlenc11#aes256-gcm"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let idp = SimpleSaml { process, base: Url::parse(&format!("http://127.0.0.1:{port}/")).unwrap() };
        let began = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(began.elapsed() < PATIENCE, "SimpleSAMLphp does not start");
            std::thread::park_timeout(std::time::Duration::from_millis(20));
        }
        idp
    }
}

impl Drop for SimpleSaml {
    fn drop(&mut self) {
        // The script has become the server, so that this ends it.
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// Signs in at SimpleSAMLphp as alice, by the page of the appliance at `path`; what the appliance answers to the response.
fn through(house: &Appliance, browser: &mut Browser, path: &str) -> Heard {
    let (at, page) = walk(browser, house.base.join(path).unwrap());
    let mut fields = hidden(&page.text);
    let page = match fields.iter().any(|(name, _)| name == "AuthState") {
        true => {
            fields.push(("username".to_owned(), "alice".to_owned()));
            fields.push(("password".to_owned(), "alicepass".to_owned()));
            let posted = submit(browser, &at, &fields);
            match posted.header("location") {
                Some(next) => walk(browser, at.join(next).unwrap()).1,
                None => posted,
            }
        }
        // The provider's own session goes on.
        false => page,
    };
    let fields = hidden(&page.text);
    assert!(fields.iter().any(|(name, _)| name == "SAMLResponse"), "{} {}", page.status, page.text);
    submit(browser, &house.base.join("/auth/saml/simple/acs").unwrap(), &fields)
}

/// The folder of the browser tests, where they can run.
fn browser_tests() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    (folder.join("node_modules").exists() && Path::new("/usr/bin/chromium").exists()).then_some(folder)
}

fn simple_house(port: u16, change: impl FnOnce(&mut Value)) -> Appliance {
    let mut provider = json!({
        "kind": "saml", "id": "simple", "name": "Simple", "email_attribute": "mail",
        "metadata_url": format!("http://127.0.0.1:{port}/saml2/idp/metadata.php"),
    });
    change(&mut provider);
    Appliance::without_sync(&Site::two_projects(), |settings| {
        settings.provider.push(serde_json::from_value(provider).unwrap());
    })
}

#[test]
fn alice_signs_in_through_simplesamlphp_however_it_signs_and_encrypts() {
    let script = SimpleSaml::script();
    if is_skipped("SimpleSAMLphp (SOTTO_SAML_IDP)", script.is_some()) {
        return;
    }
    let (script, port, state) = (script.unwrap(), free_port(), tempfile::tempdir().unwrap());
    let house = simple_house(port, |provider| provider["subject_attribute"] = json!("uid"));
    let alice = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "alice", "externalId": "alice", "active": true });
    assert_eq!(house.scim("POST", "/Users", &alice.to_string()).0, 201);
    let cbc = Some("http://www.w3.org/2001/04/xmlenc#aes128-cbc");
    let manners = [
        ("a signed response", true, false, None),
        ("a signed assertion", false, true, None),
        ("both signed", true, true, None),
        ("both signed, encrypted in CBC mode with OAEP by SHA-1", true, true, cbc),
        ("a signed response, encrypted in CBC mode", true, false, cbc),
    ];
    for (name, response, assertion, cipher) in manners {
        let manner = Manner { response, assertion, cipher, name_id: PERSISTENT };
        let idp = SimpleSaml::start(&script, port, state.path(), &house, &manner);
        let mut browser = browser_of(&house, &idp.base);
        let back = through(&house, &mut browser, "/auth/simple/login?return_to=/privacy");
        assert_eq!((back.status, location(&back)), (303, "/privacy"), "{name}: {}", back.text);
        assert_eq!(browser.json("/api/v1/me").unwrap()["user"]["user_name"], "alice", "{name}");
    }
    // Encrypted in CBC mode without a signature around it, it is not opened.
    let manner = Manner { response: false, assertion: true, cipher: cbc, name_id: PERSISTENT };
    let idp = SimpleSaml::start(&script, port, state.path(), &house, &manner);
    let mut browser = browser_of(&house, &idp.base);
    let back = through(&house, &mut browser, "/auth/simple/login");
    assert!(location(&back).starts_with("/sign-in?refused=unsigned"), "{}", location(&back));
}

#[test]
fn a_persistent_name_of_simplesamlphp_is_seen_in_a_trial_then_signs_in_and_out() {
    let script = SimpleSaml::script();
    if is_skipped("SimpleSAMLphp (SOTTO_SAML_IDP)", script.is_some()) {
        return;
    }
    let (script, port, state) = (script.unwrap(), free_port(), tempfile::tempdir().unwrap());
    let house = simple_house(port, |_| {});
    let manner = Manner { response: true, assertion: true, cipher: None, name_id: PERSISTENT };
    let idp = SimpleSaml::start(&script, port, state.path(), &house, &manner);
    let mut ana = browser_of(&house, &idp.base);
    ana.sign_in("company", "ana").unwrap();
    assert_eq!(location(&through(&house, &mut ana, "/auth/simple/login?test=1")), "/admin/providers/simple/test");
    let trial = ana.json("/api/v1/admin/providers/simple/trial").unwrap();
    assert_eq!(
        (&trial["refused"]["code"], &trial["proven"]["email"]),
        (&json!("person_unknown"), &json!("alice@example.com"))
    );
    let alice = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "alice", "active": true,
        "externalId": trial["proven"]["subject"],
    });
    assert_eq!(house.scim("POST", "/Users", &alice.to_string()).0, 201);

    let mut browser = browser_of(&house, &idp.base);
    assert_eq!(location(&through(&house, &mut browser, "/auth/simple/login")), "/");
    let out = browser.send("POST", "/auth/logout", None).unwrap().json();
    let (ended, _) = walk(&mut browser, Url::parse(out["provider_logout"].as_str().unwrap()).unwrap());

    assert_eq!(ended.path(), "/sign-in");
    assert!(!is_signed_in(&mut browser));
    let (_, page) = walk(&mut browser, house.base.join("/auth/simple/login").unwrap());
    assert!(page.text.contains("AuthState"), "the provider asks for the password again");
}

#[test]
fn alice_signs_in_through_simplesamlphp_in_a_real_browser() {
    let (script, folder) = (SimpleSaml::script(), browser_tests());
    if is_skipped("SimpleSAMLphp (SOTTO_SAML_IDP)", script.is_some())
        || is_skipped("Chromium or tests/browser/node_modules (tests/install.sh)", folder.is_some())
    {
        return;
    }
    let (script, port, state) = (script.unwrap(), free_port(), tempfile::tempdir().unwrap());
    let house = simple_house(port, |provider| provider["subject_attribute"] = json!("uid"));
    let alice = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "alice", "externalId": "alice", "active": true });
    assert_eq!(house.scim("POST", "/Users", &alice.to_string()).0, 201);
    let manner = Manner { response: true, assertion: true, cipher: None, name_id: PERSISTENT };
    let _idp = SimpleSaml::start(&script, port, state.path(), &house, &manner);

    let played = Command::new("node")
        .arg(folder.unwrap().join("saml.mjs"))
        .env("SOTTO_URL", house.base.origin().ascii_serialization())
        .output()
        .unwrap();

    let text = String::from_utf8_lossy(&played.stdout).into_owned() + &String::from_utf8_lossy(&played.stderr);
    assert!(played.status.success(), "{text}");
    assert_eq!((house.audited("signed_in"), house.audited("signed_out")), (1, 1), "{text}");
}
