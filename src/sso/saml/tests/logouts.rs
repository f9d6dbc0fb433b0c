//! Single logout, begun there and here.

use std::io::Write as _;

use base64::Engine as _;
use saml_rs::crypto::{construct_message_signature, keys::load_private_key};
use url::form_urlencoded::byte_serialize;

use super::super::{Carried, shape};
use super::idp::*;
use super::keys::Keys;
use crate::sso::{Error, Onward};

const MINUTE: i64 = 60_000;

/// A request to end the sessions of `u-17`, not signed.
fn request() -> String {
    let (now, end) = (at(0), at(5 * MINUTE));
    format!(
        "<samlp:LogoutRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" Destination=\"{SLO}\" ID=\"_logout\" \
         IssueInstant=\"{now}\" NotOnOrAfter=\"{end}\" Version=\"2.0\"><saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">{IDP}</saml:Issuer>\
         <saml:NameID xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">u-17</saml:NameID>\
         <samlp:SessionIndex>_session</samlp:SessionIndex></samlp:LogoutRequest>"
    )
}

fn packed(xml: &str) -> String {
    let mut writer = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    writer.write_all(xml.as_bytes()).unwrap();
    base64::prelude::BASE64_STANDARD.encode(writer.finish().unwrap())
}

fn encoded(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}

/// The query of an address that carries a message, signed over its parts in this order.
fn query_in(order: &[&str], field: &str, xml: &str, algorithm: &str, keys: &Keys) -> String {
    let of = |name: &str| match name {
        "RelayState" => "RelayState=there".to_owned(),
        "SigAlg" => format!("SigAlg={}", encoded(algorithm)),
        _ => format!("{field}={}", encoded(&packed(xml))),
    };
    let signed: Vec<String> = order.iter().map(|name| of(name)).collect();
    let signed = signed.join("&");
    let key = load_private_key(&keys.key, None).unwrap();
    let signature = construct_message_signature(&signed, &key, RSA_SHA256).unwrap();
    format!("{signed}&Signature={}", encoded(&signature))
}

fn query(field: &str, xml: &str, keys: &Keys) -> String {
    query_in(&[field, "RelayState", "SigAlg"], field, xml, RSA_SHA256, keys)
}

fn form(xml: &str) -> Carried {
    let message = base64::prelude::BASE64_STANDARD.encode(xml);
    Carried::Form(vec![("SAMLRequest".to_owned(), message)])
}

fn outcome(house: &House, carried: &Carried) -> &'static str {
    code_of(house.provider.leave(carried, now()))
}

#[test]
fn a_signed_request_says_whose_sessions_end_and_is_answered() {
    for by_form in [false, true] {
        let house = House::new();
        let idp = Keys::of("idp");
        let carried = match by_form {
            true => form(&sign(&request(), What::Response, &idp)),
            false => Carried::Query(query("SAMLRequest", &request(), &idp)),
        };
        assert!(carried.is_request().unwrap());

        let leaving = house.provider.leave(&carried, now()).map_err(|error| error.to_string()).unwrap();
        let Onward::Redirect(answer) = house.provider.left(&leaving).unwrap() else { panic!("it is a form") };

        assert_eq!(
            (leaving.called.as_str(), leaving.provider_sessions.as_slice()),
            ("u-17", &["_session".to_owned()][..])
        );
        assert!(answer.as_str().starts_with("https://idp.example/slo?SAMLResponse="), "{answer}");
        assert!(answer.query_pairs().any(|(name, _)| name == "Signature"));
        assert_eq!(answer.query_pairs().any(|(name, value)| name == "RelayState" && value == "there"), !by_form);
        assert_eq!(outcome(&house, &carried), "replayed");
    }
}

#[test]
fn a_request_that_is_not_signed_by_the_provider_ends_nothing() {
    let house = House::new();
    let idp = Keys::of("idp");
    let bare = format!("SAMLRequest={}", encoded(&packed(&request())));
    let good = query("SAMLRequest", &request(), &idp);
    let signed_form = sign(&request(), What::Response, &idp);
    let cases: Vec<(&str, Carried, &str)> = vec![
        ("unsigned", Carried::Query(bare), "unsigned"),
        ("unsigned_form", form(&request()), "unsigned"),
        ("foreign_key", Carried::Query(query("SAMLRequest", &request(), &Keys::of("evil"))), "signature_invalid"),
        ("foreign_key_form", form(&sign(&request(), What::Response, &Keys::of("evil"))), "key_unknown"),
        ("tampered_form", form(&signed_form.replace(">u-17<", ">u-18<")), "signature_invalid"),
        ("tampered_relay_state", Carried::Query(good.replace("=there", "=elsewhere")), "signature_invalid"),
        ("signature_without_algorithm", Carried::Query(good.replace("SigAlg", "Sigalg")), "unsigned"),
        (
            "sha1",
            Carried::Query(query_in(
                &["SAMLRequest", "RelayState", "SigAlg"],
                "SAMLRequest",
                &request(),
                RSA_SHA1,
                &idp,
            )),
            "algorithm_refused",
        ),
    ];
    for (name, carried, code) in cases {
        assert_eq!(outcome(&house, &carried), code, "{name}");
    }
    assert_eq!(outcome(&house, &Carried::Query(good)), "accepted");
}

#[test]
fn parameters_of_a_signed_address_stand_in_their_order_and_once() {
    let house = House::new();
    let idp = Keys::of("idp");
    let good = query("SAMLRequest", &request(), &idp);
    let parts: Vec<&str> = good.split('&').collect();
    let moved = [parts[1], parts[0], parts[2], parts[3]].join("&");
    let signature_first = [parts[3], parts[0], parts[1], parts[2]].join("&");
    let signed_moved = query_in(&["RelayState", "SAMLRequest", "SigAlg"], "SAMLRequest", &request(), RSA_SHA256, &idp);
    let other = format!("SAMLRequest={}", encoded(&packed(&request().replace(">u-17<", ">u-18<"))));
    let twice = format!("{other}&{good}");
    let behind = format!("{good}&{other}");

    for reordered in [moved, signature_first, signed_moved] {
        assert_eq!(outcome(&house, &Carried::Query(reordered)), "signature_invalid");
    }
    for doubled in [twice, behind] {
        let refused = outcome(&house, &Carried::Query(doubled));
        assert!(["signature_invalid", "message_unreadable"].contains(&refused), "{refused}");
    }
    assert_eq!(outcome(&house, &Carried::Query(good)), "accepted");
}

#[test]
fn a_request_for_another_place_or_another_time_ends_nothing() {
    let house = House::new();
    let idp = Keys::of("idp");
    let (now_text, end) = (at(0), at(5 * MINUTE));
    let old = at(-20 * MINUTE);
    let cases: &[(&str, &str, &str, &str)] = &[
        ("destination", SLO, "https://other.example/slo", "destination_wrong"),
        ("issuer", IDP, "https://evil.example", "issuer_wrong"),
        ("ended", &format!("NotOnOrAfter=\"{end}\""), &format!("NotOnOrAfter=\"{old}\""), "outside_time"),
        (
            "old",
            &format!("IssueInstant=\"{now_text}\" NotOnOrAfter=\"{end}\""),
            &format!("IssueInstant=\"{old}\""),
            "outside_time",
        ),
        ("version", "Version=\"2.0\"", "Version=\"1.1\"", "message_unreadable"),
        ("nobody", ">u-17<", "> <", "readers_disagree"),
        ("comment", ">u-17<", ">u-17<!---->8<", "markup_refused"),
    ];
    for (name, from, to, code) in cases {
        let changed = request().replace(from, to).replace("_logout", &format!("_{name}"));
        assert_eq!(outcome(&house, &Carried::Query(query("SAMLRequest", &changed, &idp))), *code, "{name}");
    }
}

#[test]
fn what_inflates_without_end_is_not_inflated() {
    let house = House::new();
    let bomb = request().replace("u-17", &"u".repeat(64 << 20));
    let packed = query("SAMLRequest", &bomb, &Keys::of("idp"));
    assert!(packed.len() < 200_000, "a bomb is small: {}", packed.len());

    assert_eq!(outcome(&house, &Carried::Query(packed)), "message_unreadable");
}

#[test]
fn the_provider_is_told_of_a_sign_out_and_only_its_own_answer_ends_it() {
    let house = House::new();
    let (address, state, pending) = house.provider.sign_out("u-17", Some("_session"), now()).unwrap().unwrap();
    assert!(address.as_str().starts_with("https://idp.example/slo?SAMLRequest="), "{address}");
    assert!(address.query_pairs().any(|(name, value)| name == "RelayState" && value == state));
    let answer = |id: &str, status: &str| {
        format!(
            "<samlp:LogoutResponse xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" Destination=\"{SLO}\" ID=\"_answer\" \
             InResponseTo=\"{id}\" IssueInstant=\"{}\" Version=\"2.0\"><saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">{IDP}</saml:Issuer>\
             <samlp:Status><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:{status}\"></samlp:StatusCode></samlp:Status></samlp:LogoutResponse>",
            at(0)
        )
    };
    let by = |xml: &str, keys: &Keys| {
        let carried = Carried::Query(
            query("SAMLResponse", xml, keys).replace("RelayState=there", &format!("RelayState={state}")),
        );
        // Signed anew, because the state is a part of what is signed.
        let Carried::Query(text) = carried else { panic!() };
        let signed = text.split("&Signature=").next().unwrap().to_owned();
        let key = load_private_key(&keys.key, None).unwrap();
        let signature = construct_message_signature(&signed, &key, RSA_SHA256).unwrap();
        code_of(house.provider.signed_out(
            &Carried::Query(format!("{signed}&Signature={}", encoded(&signature))),
            &pending,
            now(),
        ))
    };
    let request = pending.request.id().as_str();

    assert_eq!(by(&answer("_another", "Success"), &Keys::of("idp")), "request_wrong");
    assert_eq!(by(&answer(request, "Success"), &Keys::of("evil")), "signature_invalid");
    assert_eq!(by(&answer(request, "Requester"), &Keys::of("idp")), "provider_refused");
    assert_eq!(by(&answer(request, "Success"), &Keys::of("idp")), "accepted");
}

#[test]
fn a_message_of_another_kind_is_no_request() {
    let both =
        Carried::Form(vec![("SAMLRequest".to_owned(), String::new()), ("SAMLResponse".to_owned(), String::new())]);
    assert!(both.is_request().is_err());
    assert!(Carried::Query("a=b".to_owned()).is_request().is_err());
    let house = House::new();
    let pending = house.begin();
    let as_logout = form(&honest(&pending));
    assert!(matches!(house.provider.leave(&as_logout, now()), Err(Error::Refused(_))));
    assert!(shape::read(&request(), shape::Kind::Response).is_err());
}
