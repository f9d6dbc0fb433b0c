//! The connection test against the stand-in, over real sockets.

use std::io::Write as _;

use serde_json::{Value, json};

use super::super::*;
use crate::crawl::examine::{Finding, examine};
use crate::extract;
use crate::standin::confluence::Confluence as Standin;

/// A small site whose crawler has these groups beside its own rights.
fn site(is_administrator: bool) -> Value {
    json!({
        "users": [
            {"key": "k1", "username": "crawler", "display_name": "Crawler", "email": "crawler@example.com",
             "tokens": [{"token": "secret"}], "administrator": is_administrator},
            {"key": "k2", "username": "ada", "display_name": "Ada", "email": "ada@example.com"}],
        "groups": [{"name": "confluence-users", "members": ["crawler", "ada"]}, {"name": "idle"}],
        "global_use": {"groups": ["confluence-users"]},
        "spaces": [{"key": "ENG", "name": "Engineering", "view": {"groups": ["confluence-users"]}}],
        "content": [{"id": "1001", "type": "page", "space": "ENG", "title": "Home", "read": {"users": ["crawler", "ada"]}}]
    })
}

/// What the test finds at a stand-in of this flavour, with more settings.
fn found(flavour: &str, site: Value, faults: &[&str], more: Value) -> Vec<Finding> {
    let faults: Vec<String> = faults.iter().map(|fault| (*fault).to_owned()).collect();
    let standin = Standin::start(([127, 0, 0, 1], 0).into(), site, flavour, &faults).unwrap();
    let token = tempfile::NamedTempFile::new().unwrap();
    writeln!(token.as_file(), "secret").unwrap();
    let (kind, user) = match flavour {
        "cloud" => ("confluence_cloud", "crawler@example.com"),
        _ => ("confluence", "crawler"),
    };
    let mut settings =
        json!({"name": "wiki", "kind": kind, "url": standin.url(), "user": user, "token_file": token.path()});
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let settings: Settings = serde_json::from_value(settings).unwrap();
    let outbound = outbound::Settings { retries: 0, ..outbound::Settings::default() };
    let extractor = Extractor::in_process(&extract::Settings::default());
    match flavour {
        "cloud" => examine(&Cloud::open(&settings, &outbound, &extractor).unwrap()),
        _ => examine(&Confluence::open(&settings, &outbound, &extractor).unwrap()),
    }
}

/// What is wrong: what it is about, its code and the remedy.
fn wrong(findings: &[Finding]) -> Vec<(&'static str, String, String)> {
    let wrong = findings.iter().filter_map(|finding| {
        let failure = finding.outcome.as_ref().err()?;
        Some((finding.what, failure.code.clone(), failure.remedy.clone()))
    });
    wrong.collect()
}

#[test]
fn where_nothing_is_missing_nothing_is_said_to_be() {
    let named = json!({"use_groups": ["confluence-users"]});
    for (flavour, version) in
        [("dc-10", "10.2.1"), ("dc-9.2.3", "9.2.3"), ("dc-8.5", "8.5.4"), ("dc-7.19", "7.19.17"), ("cloud", "Cloud")]
    {
        let findings = found(flavour, site(true), &[], named.clone());

        assert_eq!(wrong(&findings), [], "{flavour}");
        assert_eq!(findings.len(), 8, "{flavour}");
        assert!(findings[1].outcome.as_ref().unwrap().contains(version), "{findings:?}");
    }
}

#[test]
fn an_account_without_rights_is_told_each_one_with_its_remedy() {
    let wrong = wrong(&found("dc-10", site(false), &[], json!({})));

    let codes: Vec<(&str, &str)> = wrong.iter().map(|(what, code, _)| (*what, code.as_str())).collect();
    assert_eq!(
        codes,
        [("use", "use_unknown"), ("space permissions", "space_permissions_unknown"), ("hidden pages", "not_super")]
    );
    assert!(wrong.iter().all(|(_, _, remedy)| remedy.contains("administrator")), "{wrong:?}");
}

#[test]
fn what_an_old_version_lacks_is_said_with_its_remedy() {
    for (fault, remedy) in [("remote-api-off", "remote API"), ("websudo", "secure administrator sessions")] {
        let wrong = wrong(&found("dc-8.5", site(true), &[fault], json!({})));

        let [(_, first, named), (_, second, switched)] = wrong.as_slice() else { panic!("{wrong:?}") };
        assert_eq!((first.as_str(), second.as_str()), ("use_unknown", "space_permissions_unknown"));
        assert!(named.contains("use_groups") && switched.contains(remedy), "{wrong:?}");
    }
}

#[test]
fn cloud_names_the_groups_that_have_the_product_and_looks_for_a_key() {
    let wrong_of = |more: Value| wrong(&found("cloud", site(false), &[], more));

    let unnamed = wrong_of(json!({}));
    assert_eq!(unnamed[0].1, "use_unknown");
    assert!(unnamed[0].2.contains("\"confluence-users\"") && !unnamed[0].2.contains("idle"), "{unnamed:?}");
    let keyless = wrong_of(json!({"admin_key": true, "use_groups": ["confluence-users"]}));
    assert_eq!((keyless.len(), keyless[0].1.as_str()), (1, "admin_key"));
}

#[test]
fn whoever_is_taken_for_nobody_is_told_that_and_nothing_more() {
    let mut site = site(true);
    site["users"][0]["tokens"] = json!([]);
    site["global_use"]["anonymous"] = json!(true);

    let findings = found("dc-10", site, &[], json!({}));

    assert_eq!(findings.len(), 1);
    assert_eq!(wrong(&findings)[0].1, "anonymous");
}
