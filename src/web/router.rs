//! Every route on one page. The table makes the server's routes, the list the tests walk, and the OpenAPI document, so none
//! of the three can lack what another has.

use actix_web::http::Method;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, Route, dev::ResourceDef, guard};
use utoipa::OpenApi;

use super::asked::misfit;
use super::proof::Proof;
use super::reply::Reply;
use super::{
    applications, ask, audit, conversations, desk, documents, health, hooks, managing, pages, people, protection,
    provision, saml, scim_tokens, seats, sign_in, sources, trial,
};

macro_rules! routes {
    ($( $($method:ident)|+ $path:literal => $file:ident::$route:ident; )+) => {
        /// Methods and path of every route.
        const ROUTES: &[(&[&str], &str)] = &[$((&[$(stringify!($method)),+], $path)),+];

        fn routes(config: &mut ServiceConfig) {
            $( $( config.route($path, by(&Method::$method).to($file::$route)); )+ )+
        }

        #[derive(OpenApi)]
        #[openapi(
            info(title = "Sotto", description = "Private answers from a company's wiki. Errors are RFC 9457 problem details."),
            paths($($file::$route),+),
            modifiers(&Proof)
        )]
        struct Document;
    };
}

routes! {
    GET    "/livez"                                   => health::livez;
    GET    "/readyz"                                  => health::readyz;

    GET    "/auth/providers"                          => sign_in::providers;
    POST   "/auth/logout"                             => sign_in::logout;
    POST   "/auth/emergency"                          => sign_in::emergency;
    GET    "/auth/{provider}/login"                   => sign_in::login;
    GET    "/auth/oidc/{provider}/callback"           => sign_in::callback;
    POST   "/auth/oidc/{provider}/backchannel-logout" => sign_in::backchannel_logout;
    GET    "/auth/saml/{provider}/metadata"           => saml::metadata;
    POST   "/auth/saml/{provider}/acs"                => saml::acs;
    GET    "/auth/saml/{provider}/slo"                => saml::single_logout;
    POST   "/auth/saml/{provider}/slo"                => saml::single_logout_by_form;

    GET | POST | PUT | PATCH | DELETE "/scim/v2/{tail:.*}" => provision::scim;

    POST   "/hooks/{source}"                          => hooks::heard;

    GET    "/api/v1/openapi.json"                     => health::openapi;
    GET    "/api/v1/me"                               => documents::me;
    POST   "/api/v1/ask"                              => ask::ask;
    POST   "/api/v1/search"                           => documents::search;
    GET    "/api/v1/documents/{id}"                   => documents::document;
    GET    "/api/v1/documents/{id}/access"            => documents::access;
    GET    "/api/v1/conversations"                    => conversations::list;
    DELETE "/api/v1/conversations"                    => conversations::delete_all;
    POST   "/api/v1/conversations/search"             => conversations::search;
    GET    "/api/v1/conversations/{id}"               => conversations::read;
    PATCH  "/api/v1/conversations/{id}"               => conversations::rename;
    DELETE "/api/v1/conversations/{id}"               => conversations::delete;
    GET    "/api/v1/conversations/{id}/export"        => conversations::save;
    POST   "/api/v1/conversations/{id}/undo"          => conversations::undo;
    POST   "/api/v1/messages/{id}/feedback"           => conversations::feedback;
    GET    "/api/v1/protection"                       => protection::protection;
    POST   "/api/v1/protection"                       => protection::bind;
    DELETE "/api/v1/protection"                       => protection::unbind;
    POST   "/api/v1/protection/unlock"                => protection::unlock;
    POST   "/api/v1/protection/lock"                  => protection::lock;
    POST   "/api/v1/protection/locks"                 => protection::add_lock;
    DELETE "/api/v1/protection/locks/{id}"            => protection::remove_lock;
    POST   "/api/v1/protection/recovery"              => protection::renew_code;
    GET    "/api/v1/protection/acts"                  => protection::acts;
    POST   "/api/v1/messages/{id}/release"            => conversations::release;
    GET    "/api/v1/admin/overview"                   => desk::overview;
    GET    "/api/v1/admin/sources"                    => desk::sources;
    POST   "/api/v1/admin/sources/{name}/sync"        => desk::sync;
    POST   "/api/v1/admin/sources"                    => sources::make;
    GET    "/api/v1/admin/sources/{name}"             => sources::detail;
    PATCH  "/api/v1/admin/sources/{name}"             => sources::change;
    DELETE "/api/v1/admin/sources/{name}"             => sources::remove;
    GET    "/api/v1/admin/sources/{name}/runs"        => sources::runs;
    POST   "/api/v1/admin/sources/{name}/stop"        => sources::stop;
    POST   "/api/v1/admin/sources/{name}/check"       => sources::check;
    GET    "/api/v1/admin/sources/{name}/preview"     => sources::preview;
    POST   "/api/v1/admin/sources/{name}/preview"     => sources::preview_draft;
    POST   "/api/v1/admin/sources/{name}/test"        => sources::test_page;
    GET    "/api/v1/admin/access"                     => desk::explain;
    GET    "/api/v1/admin/standing"                   => managing::standing;
    GET    "/api/v1/admin/access/space"               => desk::compare;
    GET    "/api/v1/admin/access/what-if"             => desk::what_if;
    GET    "/api/v1/admin/exposure"                   => desk::exposure;
    GET    "/api/v1/admin/analytics"                  => desk::analytics;
    GET    "/api/v1/admin/support"                    => desk::support;
    GET    "/api/v1/admin/users"                      => people::users;
    PATCH  "/api/v1/admin/users/{id}"                 => managing::change_user;
    DELETE "/api/v1/admin/users/{id}"                 => managing::remove_user;
    DELETE "/api/v1/admin/users/{id}/sessions"        => managing::end_sessions_of;
    GET    "/api/v1/admin/groups"                     => people::groups;
    GET    "/api/v1/admin/groups/{id}/members"        => people::members;
    DELETE "/api/v1/admin/groups/{id}/members/{user}" => managing::remove_member;
    GET    "/api/v1/admin/sessions"                   => managing::sessions;
    DELETE "/api/v1/admin/sessions/{id}"              => managing::end_session;
    GET    "/api/v1/admin/aliases"                    => people::aliases;
    PUT    "/api/v1/admin/aliases/{source}/{key}"     => people::give_account;
    DELETE "/api/v1/admin/aliases/{source}/{key}"     => people::clear_account;
    GET    "/api/v1/admin/conflicts"                  => people::conflicts;
    GET    "/api/v1/admin/scim_tokens"                => scim_tokens::scim_tokens;
    POST   "/api/v1/admin/scim_tokens"                => scim_tokens::make_scim_token;
    PATCH  "/api/v1/admin/scim_tokens/{name}"         => scim_tokens::change_scim_token;
    DELETE "/api/v1/admin/scim_tokens/{name}"         => scim_tokens::revoke_scim_token;
    POST   "/api/v1/admin/scim_tokens/{name}/rotate"  => scim_tokens::rotate_scim_token;
    GET    "/api/v1/admin/applications"               => applications::applications;
    POST   "/api/v1/admin/applications"               => applications::make_application;
    GET    "/api/v1/admin/applications/{id}"          => applications::application;
    PATCH  "/api/v1/admin/applications/{id}"          => applications::change_application;
    DELETE "/api/v1/admin/applications/{id}"          => applications::delete_application;
    GET    "/api/v1/admin/applications/{id}/members"  => applications::application_members;
    GET    "/api/v1/admin/assignments"                => applications::assignments;
    POST   "/api/v1/admin/assignments"                => applications::assign;
    GET    "/api/v1/admin/seats"                      => seats::seats;
    POST   "/api/v1/admin/seats"                      => seats::change_seats;
    GET    "/api/v1/admin/providers/{id}/trial"       => trial::provider_trial;
    GET    "/api/v1/admin/audit"                      => audit::audit_search;
    GET    "/api/v1/admin/audit/leaves/{index}"       => audit::audit_leaf;
    GET    "/api/v1/admin/audit/export"               => audit::audit_export;
    POST   "/api/v1/admin/audit/verify"               => audit::audit_verify;
    GET    "/api/v1/admin/audit/documents/{id}"       => audit::shown_document;
    GET    "/api/v1/admin/audit/people/{person}"      => audit::shown_person;
    GET    "/api/v1/admin/audit/filters"              => audit::audit_filters;
    PUT    "/api/v1/admin/audit/filters/{name}"       => audit::keep_audit_filter;
    DELETE "/api/v1/admin/audit/filters/{name}"       => audit::drop_audit_filter;
    GET    "/api/v1/admin/audit/erasures"             => audit::erasures;
    POST   "/api/v1/admin/audit/erasures"             => audit::erase;
    GET    "/api/v1/admin/proofs"                     => audit::proof;
    GET    "/api/v1/admin/checkpoints"                => audit::checkpoints;
    POST   "/api/v1/admin/checkpoints"                => audit::send_checkpoint;

    GET    "/"                                        => pages::front_page;
    GET    "/conversations/{id}"                      => pages::conversation;
    GET    "/sign-in"                                 => pages::sign_in;
    GET    "/privacy"                                 => pages::privacy;
    GET    "/admin"                                   => pages::admin;
    GET    "/admin/access"                            => pages::admin_access;
    GET    "/admin/sources"                           => pages::admin_new_source;
    GET    "/admin/exposure"                          => pages::admin_exposure;
    GET    "/admin/analytics"                         => pages::admin_analytics;
    GET    "/admin/support"                           => pages::admin_support;
    GET    "/admin/sources/{name}"                    => pages::admin_source;
    GET    "/admin/people"                            => pages::admin_people;
    GET    "/admin/audit"                             => pages::admin_audit;
    GET    "/admin/scim"                              => pages::admin_scim;
    GET    "/admin/applications"                      => applications::applications_page;
    GET    "/admin/applications/{id}"                 => applications::application_page;
    GET    "/admin/seats"                             => seats::seats_page;
    GET    "/admin/sessions"                          => pages::admin_sessions;
    GET    "/admin/providers/{id}/test"               => trial::provider_test;
    GET    "/static/{hash}/{path:.*}"                 => pages::file;
}

/// Puts every route into the server.
pub fn configure(config: &mut ServiceConfig) {
    config.app_data(web::QueryConfig::default().error_handler(|error, _| misfit(&error).into()));
    routes(config);
    config.default_service(web::to(nowhere));
}

/// The OpenAPI 3.1 document.
pub fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

/// A route of this method; who may GET may ask for the head alone (RFC 9110 §9.1).
fn by(method: &Method) -> Route {
    let exact = guard::Method(method.clone());
    if *method == Method::GET {
        web::route().guard(guard::Any(exact).or(guard::Head()))
    } else {
        web::route().guard(exact)
    }
}

/// No route has this path, or none with this method. The desk does not say which: for most people it is not there at all.
async fn nowhere(request: HttpRequest) -> Result<HttpResponse, Reply> {
    let methods = methods_of(request.path());
    let is_desk = request.path().contains("/admin");
    Err(if methods.is_empty() || is_desk { Reply::not_there() } else { Reply::wrong_method(&methods) })
}

/// Whether a page stands at this path: a link to it leads somewhere.
pub fn has_page(path: &str) -> bool {
    !methods_of(path).is_empty()
}

fn methods_of(path: &str) -> Vec<&'static str> {
    let fitting = ROUTES.iter().filter(|(_, route)| ResourceDef::new(*route).is_match(path));
    let methods = fitting.flat_map(|(methods, _)| methods.iter().copied());
    methods.flat_map(|method| if method == "GET" { vec!["GET", "HEAD"] } else { vec![method] }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A path as the document writes it: `{tail:.*}` is `{tail}` there.
    fn documented(path: &str) -> String {
        let mut out = String::new();
        for part in path.split_inclusive('/') {
            match part.split_once(':') {
                Some((name, rest)) if part.starts_with('{') => {
                    out.push_str(name);
                    out.push_str(&rest[rest.find('}').unwrap()..]);
                }
                _ => out.push_str(part),
            }
        }
        out
    }

    #[test]
    fn the_document_has_every_route_and_no_other() {
        let document = serde_json::to_value(document()).unwrap();
        let mut there: Vec<String> = Vec::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            let methods = item.as_object().unwrap().keys();
            there.extend(
                methods.filter(|key| *key != "parameters").map(|method| format!("{} {path}", method.to_uppercase())),
            );
        }
        let mut wanted: Vec<String> = ROUTES
            .iter()
            .flat_map(|(methods, path)| methods.iter().map(|method| format!("{method} {}", documented(path))))
            .collect();

        there.sort();
        wanted.sort();

        assert_eq!(there, wanted);
    }

    #[test]
    fn the_document_is_openapi_3_1_and_every_reference_in_it_leads_somewhere() {
        let document = serde_json::to_value(document()).unwrap();
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));

        let mut waiting = vec![&document];
        while let Some(value) = waiting.pop() {
            if let Some(reference) = value.get("$ref").and_then(|reference| reference.as_str()) {
                assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
            }
            waiting.extend(value.as_object().into_iter().flat_map(|object| object.values()));
            waiting.extend(value.as_array().into_iter().flatten());
        }
    }

    #[test]
    fn the_document_says_what_a_changing_request_needs() {
        let document = serde_json::to_value(document()).unwrap();

        let ask = &document["paths"]["/api/v1/ask"]["post"];

        assert_eq!(ask["security"], serde_json::json!([{ "session": [] }]));
        assert!(ask["parameters"].as_array().unwrap().iter().any(|one| one["name"] == "X-Sotto"), "{ask}");
        assert_eq!(document["components"]["securitySchemes"]["session"]["name"], "__Host-sotto");
        assert_eq!(document["paths"]["/livez"]["get"]["security"], serde_json::Value::Null);
    }

    #[test]
    fn a_path_knows_its_methods_and_an_unknown_one_has_none() {
        assert_eq!(methods_of("/api/v1/conversations/0a"), ["GET", "HEAD", "PATCH", "DELETE"]);
        assert_eq!(methods_of("/api/v1/ask"), ["POST"]);
        assert!(methods_of("/api/v1/asks").is_empty());
    }

    #[test]
    fn every_operation_has_a_name_of_its_own() {
        let document = serde_json::to_value(document()).unwrap();
        let paths = document["paths"].as_object().unwrap().values();
        let operations = paths.flat_map(|item| item.as_object().unwrap().values());
        let mut names: Vec<&str> = operations.filter_map(|operation| operation["operationId"].as_str()).collect();
        let all = names.len();

        names.sort_unstable();
        names.dedup();

        assert_eq!(names.len(), all - 4, "only SCIM's five methods share a name");
    }
}
