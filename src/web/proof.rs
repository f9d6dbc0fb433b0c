//! What the OpenAPI document says of proof: the session's cookie, the provider's token, and the mark of our own pages.

use utoipa::Modify;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{ObjectBuilder, OpenApi, RefOr, Required, SecurityRequirement, schema};

use super::guard::SESSION_COOKIE;

/// Adds it, by the tag of each operation.
pub struct Proof;

impl Modify for Proof {
    fn modify(&self, document: &mut OpenApi) {
        let components = document.components.get_or_insert_default();
        components
            .add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(SESSION_COOKIE))));
        components.add_security_scheme("token", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
        for item in document.paths.paths.values_mut() {
            let changing = [&mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
            for operation in changing.into_iter().flatten() {
                prove(operation, Kind::Changing);
            }
            if let Some(operation) = &mut item.get {
                prove(operation, Kind::Reading);
            }
        }
    }
}

#[derive(PartialEq)]
enum Kind {
    Reading,
    Changing,
}

fn prove(operation: &mut Operation, kind: Kind) {
    let has = |tag: &str| operation.tags.iter().flatten().any(|one| one == tag);
    let scheme = if has("answers") || has("history") || has("desk") {
        "session"
    } else if has("provisioning") {
        "token"
    } else {
        return;
    };
    operation.security = Some(vec![SecurityRequirement::new(scheme, Vec::<String>::new())]);
    if scheme == "session" && kind == Kind::Changing {
        operation.parameters.get_or_insert_default().extend([
            header("X-Sotto", "1: a page of another site cannot send it"),
            header("Origin", "that of the public address; browsers send it by themselves"),
        ]);
    }
}

fn header(name: &str, description: &str) -> RefOr<Parameter> {
    let header = ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::True)
        .description(Some(description))
        .schema(Some(ObjectBuilder::new().schema_type(schema::Type::String)))
        .build();
    RefOr::T(header)
}
