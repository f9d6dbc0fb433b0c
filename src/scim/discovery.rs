//! What we are able to do, told to providers (RFC 7644 §4).

use scim_v2::models::scim_schema::get_schemas;
use serde_json::{Value, json};

use super::body::BODY_BYTES_MAX;
use super::bulk::OPERATIONS_MAX;
use super::list::{self, COUNT_MAX};
use super::problem::Problem;
use super::schema::{ENTERPRISE, GROUP, Kind};
use super::{Reply, Request};

/// Answers `GET` on one of the three discovery endpoints.
pub(super) fn answer(request: &Request<'_>, endpoint: &str, id: Option<&str>) -> Result<Reply, Problem> {
    if request.method != "GET" {
        return Err(Problem::new(405, format!("{endpoint} can only be read")));
    }
    // RFC 7644 §4: filters are refused here, so that nobody takes a part for the whole.
    if request.query.iter().any(|(name, _)| name.eq_ignore_ascii_case("filter")) {
        return Err(Problem::new(403, format!("{endpoint} cannot be filtered")));
    }
    let all = match endpoint {
        "ServiceProviderConfig" => return Ok(one(configuration(request))),
        "ResourceTypes" => [Kind::User, Kind::Group].map(|kind| resource_type(kind, request.base)).to_vec(),
        _ => schemas(request.base)?,
    };
    match id {
        None => Ok(list::listing(all.len(), 1, all)),
        Some(id) => all
            .into_iter()
            .find(|resource| resource["id"].as_str().is_some_and(|known| known.eq_ignore_ascii_case(id)))
            .map(one)
            .ok_or_else(|| Problem::not_there(id)),
    }
}

fn one(body: Value) -> Reply {
    Reply::of(200, Some(body))
}

fn configuration(request: &Request<'_>) -> Value {
    let base = request.base;
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": { "supported": true },
        "bulk": { "supported": true, "maxOperations": OPERATIONS_MAX, "maxPayloadSize": BODY_BYTES_MAX },
        "filter": { "supported": true, "maxResults": COUNT_MAX },
        "changePassword": { "supported": false },
        "sort": { "supported": true },
        "etag": { "supported": request.etags },
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "OAuth Bearer Token",
            "description": "A token made for this provider, sent as Authorization: Bearer (RFC 6750)",
            "specUri": "https://www.rfc-editor.org/info/rfc6750",
            "primary": true,
        }],
        "meta": { "resourceType": "ServiceProviderConfig", "location": format!("{base}/ServiceProviderConfig") },
    })
}

fn resource_type(kind: Kind, base: &str) -> Value {
    let extensions = match kind {
        Kind::User => json!([{ "schema": ENTERPRISE, "required": false }]),
        Kind::Group => json!([]),
    };
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
        "id": kind.name(),
        "name": kind.name(),
        "description": match kind {
            Kind::User => "A person who may sign in",
            Kind::Group => "A group of people and of groups",
        },
        "endpoint": format!("/{}", kind.endpoint()),
        "schema": kind.urn(),
        "schemaExtensions": extensions,
        "meta": { "resourceType": "ResourceType", "location": format!("{base}/ResourceTypes/{}", kind.name()) },
    })
}

/// The schemas as RFC 7643 §8.7 publishes them, but for what §4.2 says and they do not: a group's name is required.
fn schemas(base: &str) -> Result<Vec<Value>, Problem> {
    let published = get_schemas(vec!["user", "group", "enterprise_user"]);
    let published = published.map_err(|_| Problem::new(500, "the schemas cannot be read"))?;
    let located = published.into_iter().filter_map(|schema| {
        let location = format!("{base}/Schemas/{}", schema.id);
        let mut value = serde_json::to_value(schema).ok()?;
        if value["id"] == GROUP {
            let attributes = value["attributes"].as_array_mut().into_iter().flatten();
            attributes.filter(|one| one["name"] == "displayName").for_each(|name| name["required"] = true.into());
        }
        value["schemas"] = json!(["urn:ietf:params:scim:schemas:core:2.0:Schema"]);
        value["meta"] = json!({ "resourceType": "Schema", "location": location });
        Some(value)
    });
    Ok(located.collect())
}
