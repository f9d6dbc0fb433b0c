//! Responses that are accepted, and those that are refused for what they say.

use super::super::{Binding, Pending, Signed};
use super::idp::*;
use super::keys::{Keys, metadata};
use crate::names::UserName;

const AES128_CBC: &str = "http://www.w3.org/2001/04/xmlenc#aes128-cbc";
const AES256_GCM: &str = "http://www.w3.org/2009/xmlenc11#aes256-gcm";
const OAEP: &str = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";
const SECOND: i64 = 1_000;

#[test]
fn an_honest_response_becomes_a_login() {
    let house = House::with(|settings| {
        settings.email_attribute = Some("mail".to_owned());
        settings.user_name_attribute = Some("urn:oid:0.9.2342.19200300.100.1.1".to_owned());
    });
    let pending = house.begin();

    let login = house.accept(&honest(&pending), &pending).unwrap();

    assert_eq!((login.subject.as_str(), login.called.as_str()), ("u-17", "u-17"));
    assert_eq!((login.email.as_deref(), login.name), (Some("ada@example.com"), UserName::parse("ada").ok()));
    assert_eq!((login.provider_session.as_deref(), login.at), (Some("_session"), now()));
    assert_eq!(login.not_after, Some(now().plus_ms(60 * 60 * SECOND)));
}

/// The honest assertion with attributes in the place of its own, signed.
fn with_attributes(pending: &Pending, attributes: &[(&str, &[&str])]) -> String {
    let plain = assertion(pending);
    let (from, to) = (plain.find("<saml:AttributeStatement>").unwrap(), plain.find("</saml:Assertion>").unwrap());
    let value = |value: &&str| format!("<saml:AttributeValue>{value}</saml:AttributeValue>");
    let statement: String = attributes
        .iter()
        .map(|(name, values)| {
            let values: String = values.iter().map(value).collect();
            format!("<saml:Attribute Name=\"{name}\">{values}</saml:Attribute>")
        })
        .collect();
    let inside = match attributes {
        [] => String::new(),
        _ => format!("<saml:AttributeStatement>{statement}</saml:AttributeStatement>"),
    };
    let xml = format!("{}{inside}{}", &plain[..from], &plain[to..]);
    sign(&response(pending, &xml), What::Assertion, &Keys::of("idp"))
}

const GROUPS: &str = "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups";

#[test]
fn names_are_read_from_attributes_that_are_called_by_whole_addresses() {
    let claims = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/";
    let display = "http://schemas.microsoft.com/identity/claims/displayname";
    let (given, family) = (format!("{claims}givenname"), format!("{claims}surname"));
    let house = House::with(|settings| {
        settings.display_name_attribute = Some(display.to_owned());
        settings.given_name_attribute = Some(given.clone());
        settings.family_name_attribute = Some(family.clone());
    });
    let pending = house.begin();
    let xml = with_attributes(
        &pending,
        &[(display, &["Ada Lovelace"]), (&given, &["Ada"]), (&family, &["Lovelace"]), (GROUPS, &["staff"])],
    );

    let login = house.accept(&xml, &pending).unwrap();

    let names = login.names;
    assert_eq!(names.display.as_deref(), Some("Ada Lovelace"));
    assert_eq!((names.given.as_deref(), names.family.as_deref()), (Some("Ada"), Some("Lovelace")));
    assert_eq!(login.groups, None, "groups count for nothing unless a setting says so");
}

#[test]
fn groups_count_by_the_attribute_of_the_settings_whole_or_not_at_all() {
    let groups = |attributes: &[(&str, &[&str])]| {
        let house = House::with(|settings| settings.groups_attribute = Some(GROUPS.to_owned()));
        let pending = house.begin();
        match house.accept(&with_attributes(&pending, attributes), &pending) {
            Ok(login) => Ok(login.groups.unwrap()),
            Err(error) => Err(code_of::<()>(Err(error))),
        }
    };
    let many: Vec<String> = (0..201).map(|number| format!("g{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();

    assert_eq!(groups(&[(GROUPS, &["staff", "0f3c-a"])]), Ok(vec!["staff".to_owned(), "0f3c-a".to_owned()]));
    assert_eq!(groups(&[("mail", &["a@x.example"])]), Ok(Vec::new()), "an absent attribute names none");
    assert_eq!(groups(&[]), Ok(Vec::new()));
    assert_eq!(groups(&[(GROUPS, &many)]), Err("groups_too_many"));
    let link = "http://schemas.microsoft.com/claims/groups.link";
    assert_eq!(groups(&[(link, &["https://graph.example/groups"])]), Err("groups_too_many"));
}

#[test]
fn either_signature_suffices_unless_the_settings_ask_for_one_or_both() {
    let idp = Keys::of("idp");
    let of = |signed: &[What], pending: &_| {
        let plain = response(pending, &assertion(pending));
        signed.iter().fold(plain, |xml, what| sign(&xml, *what, &idp))
    };
    let (response, assertion) = (&[What::Response][..], &[What::Assertion][..]);
    let both = &[What::Assertion, What::Response][..];
    let cases = [
        (Signed::Either, [true, true, true]),
        (Signed::Response, [true, false, true]),
        (Signed::Assertion, [false, true, true]),
        (Signed::Both, [false, false, true]),
    ];
    for (signed, expected) in cases {
        let house = House::with(|settings| settings.signed = signed);
        for (what, is_taken) in [response, assertion, both].into_iter().zip(expected) {
            let pending = house.begin();
            let outcome = house.accept(&of(what, &pending), &pending);
            assert_eq!(outcome.is_ok(), is_taken, "{signed:?} of {what:?}: {}", code_of(outcome));
        }
    }
}

#[test]
fn an_encrypted_assertion_is_opened_by_the_current_key_and_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let next = Keys::of("next");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::io::Write::write_all(&mut std::fs::File::create(&path).unwrap(), text.as_bytes()).unwrap();
        path
    };
    let (key, certificate) = (write("next.key", &next.key), write("next.pem", &next.certificate));
    let house = House::with(|settings| {
        settings.want_encrypted = true;
        (settings.next_key_file, settings.next_certificate_file) = (Some(key), Some(certificate));
    });
    for (keys, cipher) in [("sp", AES128_CBC), ("sp", AES256_GCM), ("next", AES128_CBC), ("next", AES256_GCM)] {
        let pending = house.begin();
        let sealed = encrypt(&response(&pending, &assertion(&pending)), &Keys::of(keys), cipher, OAEP);
        let outcome = house.accept(&sign(&sealed, What::Response, &Keys::of("idp")), &pending);
        assert_eq!(code_of(outcome), "accepted", "{keys} {cipher}");
    }
    let pending = house.begin();
    assert_eq!(house.refusal(&honest(&pending), &pending), "not_encrypted");
}

#[test]
fn an_assertion_that_was_signed_and_then_encrypted_needs_no_second_signature_but_in_cbc_mode() {
    let house = House::new();
    for (cipher, expected) in [(AES256_GCM, "accepted"), (AES128_CBC, "unsigned")] {
        let pending = house.begin();
        assert_eq!(
            house.refusal(&encrypt(&honest(&pending), &Keys::of("sp"), cipher, OAEP), &pending),
            expected,
            "{cipher}"
        );
    }
}

#[test]
fn an_assertion_encrypted_for_somebody_else_or_in_an_old_way_is_refused() {
    let house = House::new();
    let pending = house.begin();
    let sealed = |keys: &str, cipher: &str| {
        let sealed = encrypt(&response(&pending, &assertion(&pending)), &Keys::of(keys), cipher, OAEP);
        sign(&sealed, What::Response, &Keys::of("idp"))
    };

    assert_eq!(house.refusal(&sealed("another", AES256_GCM), &pending), "signature_invalid");
    let old = sealed("sp", AES256_GCM).replace(OAEP, "http://www.w3.org/2001/04/xmlenc#rsa-1_5");
    assert_eq!(house.refusal(&old, &pending), "algorithm_refused");
    let old = sealed("sp", AES256_GCM).replace(AES256_GCM, "http://www.w3.org/2001/04/xmlenc#tripledes-cbc");
    assert_eq!(house.refusal(&old, &pending), "algorithm_refused");
    assert_eq!(house.refusal(&sealed("sp", AES256_GCM), &pending), "accepted");
}

#[test]
fn what_the_assertion_says_of_itself_must_be_for_us_and_for_this_sign_in() {
    let house = House::new();
    let pending = house.begin();
    let request = request_of(&pending).to_owned();
    let bearer = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
    let audience =
        format!("<saml:AudienceRestriction><saml:Audience>{ENTITY}</saml:Audience></saml:AudienceRestriction>");
    let statement = {
        let plain = assertion(&pending);
        let from = plain.find("<saml:AuthnStatement").unwrap();
        plain[from..plain.find("</saml:AuthnStatement>").unwrap() + "</saml:AuthnStatement>".len()].to_owned()
    };
    let in_data = format!("InResponseTo=\"{request}\" ");
    let recipient = format!(" Recipient=\"{ACS}\"");
    let issuer = format!("<saml:Issuer>{IDP}</saml:Issuer>");
    let cases: &[(&str, &str, &str, &str)] = &[
        (
            "wrong_audience",
            &format!("<saml:Audience>{ENTITY}<"),
            "<saml:Audience>https://other.example<",
            "audience_wrong",
        ),
        ("missing_audience", &audience, "", "audience_wrong"),
        ("wrong_recipient", ACS, "https://other.example/acs", "recipient_wrong"),
        ("missing_recipient", &recipient, "", "recipient_wrong"),
        ("wrong_issuer", IDP, "https://evil.example", "issuer_wrong"),
        ("wrong_in_response_to", &request, "_another", "request_wrong"),
        ("missing_in_response_to", &in_data, "", "request_wrong"),
        ("method_holder_of_key", bearer, "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key", "method_wrong"),
        ("method_sender_vouches", bearer, "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches", "method_wrong"),
        ("assertion_version", "Version=\"2.0\"", "Version=\"1.1\"", "version_wrong"),
        ("no_authn_statement", &statement, "", "statement_missing"),
        ("unknown_condition", &audience, &format!("{audience}<saml:Condition></saml:Condition>"), "condition_unknown"),
        ("transient_name_id", "nameid-format:persistent", "nameid-format:transient", "subject_not_immutable"),
        ("email_name_id", "2.0:nameid-format:persistent", "1.1:nameid-format:emailAddress", "subject_not_immutable"),
        ("empty_name_id", ">u-17<", "><", "readers_disagree"),
    ];
    for (name, from, to, code) in cases {
        // What the library takes and we do not has been seen by then, so each case has a house of its own.
        assert_eq!(House::new().refusal(&signed_with(&pending, from, to), &pending), *code, "{name}");
    }
    // Signed without its issuer the library cannot place the signature, so the response is signed.
    assert_eq!(house.refusal(&response_signed_with(&pending, &issuer, ""), &pending), "issuer_wrong", "missing_issuer");
    assert_eq!(house.refusal(&honest(&pending), &pending), "accepted");
}

#[test]
fn what_the_response_says_of_itself_must_be_for_us_and_for_this_sign_in() {
    let house = House::new();
    let pending = house.begin();
    let request = request_of(&pending).to_owned();
    let cases: &[(&str, &str, &str, &str)] = &[
        (
            "wrong_destination",
            &format!("Destination=\"{ACS}\""),
            "Destination=\"https://other.example/acs\"",
            "destination_wrong",
        ),
        ("missing_destination", &format!("Destination=\"{ACS}\" "), "", "destination_missing"),
        ("wrong_response_issuer", &format!("\">{IDP}<"), "\">https://evil.example<", "issuer_wrong"),
        (
            "wrong_in_response_to",
            &format!("InResponseTo=\"{request}\" IssueInstant"),
            "InResponseTo=\"_x\" IssueInstant",
            "request_wrong",
        ),
        (
            "missing_in_response_to",
            &format!("InResponseTo=\"{request}\" IssueInstant"),
            "IssueInstant",
            "request_wrong",
        ),
        ("status_requester", "status:Success", "status:Requester", "provider_refused"),
        (
            "status_missing",
            "<samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"></samlp:StatusCode>",
            "",
            "provider_refused",
        ),
        ("response_version", "Version=\"2.0\">\n", "Version=\"2.1\">\n", "version_wrong"),
    ];
    for (name, from, to, code) in cases {
        let from = from.trim_end_matches('\n');
        let xml = response_signed_with(&pending, from, to.trim_end_matches('\n'));
        assert_eq!(house.refusal(&xml, &pending), *code, "{name}");
        // Where only the assertion is signed, what the response says is as little to be believed.
        let unsigned = honest(&pending).replacen(from, to.trim_end_matches('\n'), 1);
        assert_ne!(house.refusal(&unsigned, &pending), "accepted", "{name}, in a response that is not signed");
    }
    assert_eq!(house.refusal(&response_signed_with(&pending, "_response", "_r"), &pending), "accepted");
}

#[test]
fn times_are_held_to_the_clock_within_the_skew_of_the_settings_on_both_sides() {
    let house = House::with(|settings| settings.skew_s = 30);
    let of = |ms: i64| {
        let pending = house.begin();
        code_of(house.accept_at(&honest(&pending), &pending, now().plus_ms(ms)))
    };
    // It may be used from a minute before it was issued until five minutes after; but not before it was issued.
    for (seconds, expected) in [
        (-91, "outside_time"),
        (-90, "issued_in_future"),
        (-31, "issued_in_future"),
        (-30, "accepted"),
        (0, "accepted"),
        (329, "accepted"),
        (330, "outside_time"),
    ] {
        assert_eq!(of(seconds * SECOND), expected, "{seconds} s");
    }
}

#[test]
fn a_time_that_is_none_is_refused_before_the_library_reads_it() {
    let house = House::new();
    let pending = house.begin();
    let xml = honest(&pending);

    for time in ["IssueInstant", "AuthnInstant", "NotBefore", "NotOnOrAfter", "SessionNotOnOrAfter"] {
        let at = xml.find(&format!(" {time}=\"")).unwrap() + time.len() + 3;
        let mut odd = xml.clone();
        // Seconds of a letter and a digit, which a reader that takes them for digits multiplies beyond a byte.
        odd.replace_range(at + 17..at + 18, "p");
        assert_eq!(house.refusal(&odd, &pending), "message_unreadable", "{time}");
    }
    assert_eq!(house.refusal(&xml, &pending), "accepted");
}

#[test]
fn a_session_that_has_ended_at_the_provider_begins_none_here() {
    let house = House::with(|settings| settings.skew_s = 30);
    let pending = house.begin();
    let ended = |ms: i64| {
        let from = format!("SessionNotOnOrAfter=\"{}\"", at(60 * 60 * SECOND));
        signed_with(&pending, &from, &format!("SessionNotOnOrAfter=\"{}\"", at(ms)))
    };

    assert_eq!(house.refusal(&ended(-30 * SECOND), &pending), "session_expired");
    assert_eq!(house.refusal(&ended(-29 * SECOND), &pending), "accepted");
}

#[test]
fn an_assertion_is_taken_once_also_after_a_restart() {
    let house = House::new();
    let pending = house.begin();
    let xml = honest(&pending);

    assert_eq!(house.refusal(&xml, &pending), "accepted");
    assert_eq!(house.refusal(&xml, &pending), "replayed");
    // In another envelope it is the same assertion.
    assert_eq!(house.refusal(&xml.replace("_response", "_other"), &pending), "replayed");
    let house = house.again();

    assert_eq!(house.refusal(&xml, &pending), "replayed");
}

#[test]
fn a_response_that_this_browser_did_not_ask_for_is_refused() {
    let (house, other) = (House::new(), House::new());
    let pending = house.begin();
    let xml = honest(&pending);
    let state = pending.state.clone();

    let without = house.provider.accept(&answer(&xml, Some(&state)), None, &mut None, now());
    assert_eq!(code_of(without), "request_missing");
    assert_eq!(house.refusal(&xml, &house.begin()), "relay_state_wrong".replace("relay_state_wrong", "request_wrong"));
    for relay in [None, Some("https://evil.example/"), Some("another")] {
        let outcome = house.provider.accept(&answer(&xml, relay), Some(&pending), &mut None, now());
        assert_eq!(code_of(outcome), "relay_state_wrong", "{relay:?}");
    }
    assert_eq!(other.refusal(&xml, &other.begin()), "request_wrong");
    assert_eq!(house.refusal(&xml, &pending), "accepted");
}

#[test]
fn a_provider_begins_a_sign_in_only_where_the_settings_say_so_and_leads_to_own_paths_only() {
    let (closed, open) = (House::new(), House::with(|settings| settings.idp_initiated = true));
    let pending = open.begin();
    let request = format!("InResponseTo=\"{}\" ", request_of(&pending));
    let unasked =
        sign(&response(&pending, &assertion(&pending)).replace(&request, ""), What::Assertion, &Keys::of("idp"));
    let by = |house: &House, xml: &str| house.provider.accept(&answer(xml, Some("/ask")), None, &mut None, now());

    assert_eq!(code_of(by(&closed, &unasked)), "request_missing");
    assert_eq!(code_of(by(&open, &honest(&pending))), "request_wrong", "an answer to somebody's request");
    assert_eq!(code_of(by(&open, &unasked)), "accepted");
    let path =
        |relay: Option<&str>| super::super::Provider::unasked_path(&answer("", relay)).map_err(|refusal| refusal.code);
    assert_eq!((path(None), path(Some("/a?b"))), (Ok("/".to_owned()), Ok("/a?b".to_owned())));
    for elsewhere in ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"] {
        assert_eq!(path(Some(elsewhere)), Err("return_to_refused"), "{elsewhere}");
    }
}

#[test]
fn the_immutable_id_may_be_an_attribute_and_then_has_one_value() {
    let name = "http://schemas.microsoft.com/identity/claims/objectidentifier";
    let house = || House::with(|settings| settings.subject_attribute = Some(name.to_owned()));
    let pending = house().begin();
    let value = |value: &str| format!("<saml:AttributeValue>{value}</saml:AttributeValue>");
    let of =
        |values: &str| format!("<saml:Attribute Name=\"{name}\">{values}</saml:Attribute></saml:AttributeStatement>");
    let end = "</saml:AttributeStatement>";
    let twice = format!("<saml:Attribute Name=\"{name}\">{}</saml:Attribute>{}", value("o-1"), of(&value("o-2")));

    assert_eq!(house().refusal(&honest(&pending), &pending), "subject_missing");
    assert_eq!(house().refusal(&signed_with(&pending, end, &of(&value(" "))), &pending), "subject_missing");
    let two = of(&format!("{}{}", value("o-1"), value("o-2")));
    assert_eq!(house().refusal(&signed_with(&pending, end, &two), &pending), "attribute_ambiguous");
    assert_eq!(house().refusal(&signed_with(&pending, end, &twice), &pending), "attribute_ambiguous");
    let transient = signed_with(&pending, end, &of(&value("o-1")));
    assert_eq!(house().accept(&transient, &pending).unwrap().subject, "o-1");
}

#[test]
fn a_certificate_that_the_provider_has_just_begun_to_use_is_read_from_its_file() {
    let house = House::new();
    let pending = house.begin();
    let rotated = sign(&response(&pending, &assertion(&pending)), What::Assertion, &Keys::of("rotated"));
    assert_eq!(house.refusal(&rotated, &pending), "key_unknown");

    let both = metadata(IDP, &[&Keys::of("idp"), &Keys::of("rotated")], "https://idp.example");
    let path = house.settings.metadata_file.clone().unwrap();
    std::io::Write::write_all(&mut std::fs::File::create(path).unwrap(), both.as_bytes()).unwrap();

    assert_eq!(house.refusal(&rotated, &pending), "accepted");
    let pending = house.begin();
    assert_eq!(
        house.refusal(&honest(&pending), &pending),
        "accepted",
        "the old one is good as long as it stands there"
    );
}

#[test]
fn a_form_is_made_where_the_settings_want_one() {
    let house = House::with(|settings| settings.binding = Binding::Post);

    let (onward, pending) = house.provider.begin("/", now()).unwrap();

    let crate::sso::Onward::Post { action, fields } = onward else { panic!("it is an address") };
    assert_eq!(action.as_str(), "https://idp.example/sso");
    assert_eq!(fields[1], ("RelayState".to_owned(), pending.state));
    assert_eq!(fields[0].0, "SAMLRequest");
}
