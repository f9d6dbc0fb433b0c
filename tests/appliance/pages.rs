//! The built-in pages: whole, from here alone, and closed to everything else.

use crate::support::{Appliance, Site};

#[test]
fn every_page_is_served_with_a_policy_that_lets_nothing_else_in() {
    let house = Appliance::with(&Site::two_projects());
    let mut ana = house.sign_in("ana");

    for path in [
        "/",
        "/sign-in",
        "/privacy",
        "/admin",
        "/admin/access",
        "/admin/audit",
        "/admin/people",
        "/admin/applications",
        "/admin/applications/default",
        "/admin/scim",
        "/admin/seats",
        "/admin/sources",
        "/admin/sessions",
        "/admin/exposure",
        "/admin/analytics",
        "/admin/support",
        "/admin/sources/wiki",
        "/admin/providers/company/test",
    ] {
        let page = ana.send("GET", path, None).unwrap();
        assert_eq!(page.status, 200, "{path}");
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(page.header("cache-control"), Some("no-store"), "{path}");
        for part in ["<html lang=", "<title>", "<main"] {
            assert!(page.text.contains(part), "{path} has no {part}");
        }
        assert_eq!(page.text.matches("<h1").count(), 1, "{path}");
        assert!(!page.text.contains("{{"), "{path} has a place that was not filled in");
    }
}

#[test]
fn what_a_page_names_is_served_for_ever() {
    let house = Appliance::with(&Site::two_projects());
    let mut browser = house.browser();
    let page = browser.send("GET", "/sign-in", None).unwrap();
    let named: Vec<&str> =
        page.text.split('"').filter(|piece| piece.starts_with("/static/") && piece.contains('.')).collect();

    assert!(!named.is_empty());
    for path in named {
        let asset = browser.send("GET", path, None).unwrap();
        assert_eq!(asset.status, 200, "{path}");
        assert!(asset.header("cache-control").unwrap().contains("immutable"), "{path}");
    }
}

#[test]
fn health_is_told_to_everybody_and_metrics_only_on_their_own_listener() {
    let house = Appliance::with(&Site::two_projects());
    let mut browser = house.browser();

    assert_eq!(browser.send("GET", "/livez", None).unwrap().status, 200);
    assert_eq!(browser.send("GET", "/readyz", None).unwrap().status, 200);
    assert_eq!(browser.send("GET", "/metrics", None).unwrap().status, 404);
}

#[test]
fn the_interface_is_described_by_the_document_it_serves() {
    let house = Appliance::with(&Site::two_projects());
    let mut mateo = house.sign_in("mateo");

    let document = mateo.json("/api/v1/openapi.json").unwrap();

    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    assert!(document["paths"]["/api/v1/ask"]["post"].is_object(), "{document}");
}

#[test]
fn a_browser_that_opens_an_address_that_is_not_there_gets_a_page_the_same_for_all_that_it_may_not_see() {
    let house = Appliance::with(&Site::two_projects());
    let mut mateo = house.sign_in("mateo");
    let accept = [("accept".to_owned(), "text/html,application/xhtml+xml".to_owned())];
    let mut open = |path: &str| {
        let page = mateo.send_raw("GET", path, &accept, Vec::new()).unwrap();
        assert_eq!(page.status, 404, "{path}");
        page.text.replace(page.header("x-request-id").unwrap(), "")
    };

    let (unknown, desk) = (open("/no/such/place"), open("/admin"));

    assert!(unknown.contains("<h1") && !unknown.contains("{{"), "{unknown}");
    assert_eq!(unknown, desk, "what one may not open looks like what does not exist");
    assert!(open("/api/v1/documents/wiki:none").contains("\"code\":\"not_there\""), "programs get problem details");
}
