//! The library's refusals in our words. Its own may quote the message.

use saml_rs::SamlError;
use saml_rs::error::{SubjectConfirmationReason, TimeWindowField};

use crate::sso::Refusal;

/// Whether another key of the provider's could make it good.
pub(super) fn is_of_a_key(refusal: &Refusal) -> bool {
    matches!(refusal.code, "key_unknown" | "signature_invalid")
}

/// The refusal that an error of the library is.
pub(super) fn refusal_of(error: &SamlError) -> Refusal {
    use SamlError as E;
    let (code, detail) = match error {
        E::IssuerMismatch { .. } | E::UnmatchIssuer => {
            ("issuer_wrong", "the message was issued by another provider than the metadata name")
        }
        E::DestinationMismatch { .. } | E::UnmatchDestination => (
            "destination_wrong",
            "the message is not addressed to us; compare server.public_url with the provider's settings",
        ),
        E::InResponseToMismatch { .. } | E::InvalidInResponseTo => {
            ("request_wrong", "the message answers another request than this browser's, or none")
        }
        E::RelayStateMismatch { .. } => ("relay_state_wrong", "the RelayState is not the one that was sent"),
        E::AudienceMismatch { .. } | E::UnmatchAudience => {
            ("audience_wrong", "the assertion is not for our entity id (the address of our metadata)")
        }
        E::UnrecognizedCondition { .. } => {
            ("condition_unknown", "the assertion has a condition that is not known here")
        }
        E::PrincipalMismatch => ("assertions_several", "the assertions name different people"),
        E::StatusNotSuccess { .. } | E::UndefinedStatus | E::FailedStatus { .. } => {
            ("provider_refused", "the provider's answer is not a success")
        }
        E::TimeWindowInvalid { field: TimeWindowField::SessionNotOnOrAfter } | E::ExpiredSession => {
            ("session_expired", "the provider's own session has ended already; compare the two clocks")
        }
        E::TimeWindowInvalid { .. } => {
            ("outside_time", "the message is not valid yet or no longer; compare the two clocks, or set skew_s")
        }
        E::SubjectConfirmationInvalid { reason } => match reason {
            SubjectConfirmationReason::RecipientMismatch => (
                "recipient_wrong",
                "the assertion is for another recipient; compare server.public_url with the provider's settings",
            ),
            SubjectConfirmationReason::InResponseToMismatch => {
                ("request_wrong", "the assertion answers another request than this browser's, or none")
            }
            SubjectConfirmationReason::TimeWindowInvalid | SubjectConfirmationReason::MissingNotOnOrAfter => (
                "outside_time",
                "the assertion can no longer be used, or does not say until when; compare the two clocks",
            ),
            SubjectConfirmationReason::InvalidMethod | SubjectConfirmationReason::MissingBearerConfirmation | _ => {
                ("method_wrong", "the assertion is not confirmed as a bearer's")
            }
        },
        E::SubjectUnconfirmed => ("method_wrong", "the assertion is not confirmed as a bearer's"),
        E::ReplayDetected { .. } => ("replayed", "this message was used before"),
        E::SignatureMissing | E::AssertionSignatureRequired => {
            ("unsigned", "neither the response nor the assertion is signed as the settings ask for")
        }
        E::SignatureVerification { .. } | E::FailedMessageSignatureVerification | E::FailedToVerifySignature => {
            ("signature_invalid", "the signature does not fit the message and the provider's certificates")
        }
        E::ReferenceResolution { .. } | E::SignedReferenceMismatch | E::PotentialWrappingAttack => {
            ("message_wrapped", "what is signed is not what the message says")
        }
        E::AlgorithmUnsupported => {
            ("algorithm_refused", "the message is signed by an algorithm that is not taken here")
        }
        E::MissingSigAlg | E::MissingBindingParameter { .. } => {
            ("unsigned", "the message lacks a part of its signature, or is not there")
        }
        E::NoTrustedCertificate | E::CertificateMismatch | E::UnmatchCertificate => {
            ("key_unknown", "the message is signed by a key that is not in the provider's metadata")
        }
        E::ProtocolProfile(_) => ("message_unreadable", "the message is not of the form that SAML 2.0 asks for"),
        E::Crypto(_) => {
            ("signature_invalid", "the message cannot be verified or decrypted with the keys that are known here")
        }
        E::UnsupportedBinding { .. } | E::UndefinedBinding => {
            ("binding_wrong", "the message came by another way than was asked for")
        }
        E::Deflate(_)
        | E::Base64(_)
        | E::Xml(_)
        | E::Invalid(_)
        | E::Unsupported(_)
        | E::AssertionMatchesOutstandingLogout
        | E::MissingMetadata(_)
        | E::MissingKey(_)
        | _ => ("message_unreadable", "the message cannot be read"),
    };
    Refusal::new(code, detail)
}
