//! The library's policies for us.

use saml_rs::{
    AcsEndpoint, AssertionSignaturePolicy, AudienceValidationPolicy, AuthnRequestSigningPolicy, CertificatePem,
    Credentials, EntityId, LogoutPolicy, NameIdCreationPolicy, NameIdFormat, PrivateKeyPem, ResponseSignaturePolicy,
    SamlError, SloEndpoint, SpConfig, SpValidationPolicy, XmlEncryptionPolicy, XmlPolicy, XmlSignatureProfile,
};

use super::{Settings, Signed, keys, shape};

/// The most that a deflated message may grow to, in bytes: a logout request has one.
const INFLATED_BYTES_MAX: usize = 128 * 1024;

/// The library's service provider: strict where it has a choice.
pub(super) fn config(
    settings: &Settings,
    (entity_id, acs, slo): (&str, &str, &str),
    pair: &keys::Pair,
    opens: bool,
) -> Result<SpConfig, SamlError> {
    let (assertions, responses) = match settings.signed {
        // The library wants a signature in any case; without one of the response it opens nothing in CBC mode, whose
        // padding would tell an attacker what is inside.
        Signed::Either => {
            (AssertionSignaturePolicy::AllowUnsignedForCompatibility, ResponseSignaturePolicy::RequireForEncryptedCbc)
        }
        Signed::Response => {
            (AssertionSignaturePolicy::AllowUnsignedForCompatibility, ResponseSignaturePolicy::RequireSigned)
        }
        Signed::Assertion => (AssertionSignaturePolicy::RequireSigned, ResponseSignaturePolicy::RequireForEncryptedCbc),
        Signed::Both => (AssertionSignaturePolicy::RequireSigned, ResponseSignaturePolicy::RequireSigned),
    };
    let mut xml = XmlPolicy { redirect_inflate_max_bytes: INFLATED_BYTES_MAX, ..XmlPolicy::default() };
    xml.limits.max_bytes = shape::BYTES_MAX;
    xml.limits.max_depth = 64;
    xml.limits.max_nodes = 10_000;
    if opens {
        xml.encryption = XmlEncryptionPolicy::encrypt_assertions();
    }
    let mut builder = SpConfig::builder(EntityId::try_new(entity_id)?)
        .acs_endpoint(AcsEndpoint::post(acs)?)
        .slo_endpoint(SloEndpoint::redirect(slo)?)
        .slo_endpoint(SloEndpoint::post(slo)?)
        .credentials(Credentials {
            signing_key: Some(PrivateKeyPem::new(pair.key.clone())),
            signing_certificate: Some(CertificatePem::new(pair.certificate.clone())),
            encryption_certificate: Some(CertificatePem::new(pair.certificate.clone())),
            decryption_key: opens.then(|| PrivateKeyPem::new(pair.key.clone())),
            ..Credentials::default()
        })
        .validation(SpValidationPolicy {
            assertions,
            responses,
            xml_signatures: XmlSignatureProfile::StrictRsaSha2,
            authn_requests: match settings.sign_requests {
                true => AuthnRequestSigningPolicy::Sign,
                false => AuthnRequestSigningPolicy::DoNotSignForCompatibility,
            },
            audience: AudienceValidationPolicy::Validate,
            name_id_creation: NameIdCreationPolicy::AllowCreate,
            logout: LogoutPolicy::recommended(),
        })
        .xml(xml);
    if settings.subject_attribute.is_none() {
        builder = builder.name_id_format(NameIdFormat::Persistent);
    }
    builder.build()
}
