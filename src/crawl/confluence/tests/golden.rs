//! Each shape of `confluence.md` §1.5 as it stands in `tests/data/confluence/`, and what is read of it. The stand-in's writer is
//! held against the same files by itself, so that neither is right because the other is.

use serde_json::{Value, json};

use super::super::client::Client;
use super::super::cloud::Cloud;
use super::super::wire;
use super::super::*;
use super::{Answer, Peer, not_there, ok, settings};
use crate::corpus::{Block, DocumentId, Kind};
use crate::crawl::restriction::Level;
use crate::extract;
use crate::names::GroupId;

macro_rules! golden {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/confluence/", $name))
    };
}

fn file(text: &'static str) -> Answer {
    (200, "application/json", text.to_owned())
}

/// The paging envelope of a file without its rows.
fn none(text: &str) -> Answer {
    let mut envelope: Value = serde_json::from_str(text).unwrap();
    (envelope["results"], envelope["size"]) = (json!([]), json!(0));
    ok(envelope)
}

/// A Data Center of today.
fn data_center(path: &str) -> Answer {
    const PAGES: &str = golden!("dc/pages.json");
    match path {
        "/rest/api/user/current" => file(golden!("dc/user_current.json")),
        "/rest/api/server-information" => file(golden!("dc/server_information.json")),
        "/rest/api/permissions" => file(golden!("dc/global_permissions.json")),
        "/rest/api/permissions/anonymous" => ok(json!([])),
        "/rest/api/space/ENG/permissions" => file(golden!("dc/space_permissions.json")),
        "/rest/api/space/ENG/permissions/anonymous" => file(golden!("dc/space_permissions_anonymous.json")),
        path if path.starts_with("/rest/api/space?") => file(golden!("dc/spaces.json")),
        path if path.starts_with("/rest/api/group?") => file(golden!("dc/groups.json")),
        path if path.starts_with("/rest/api/group/ops-team/member?") => file(golden!("dc/members.json")),
        path if path.starts_with("/rest/api/group/confluence-users/groupmember?") => {
            file(golden!("dc/nested_groups.json"))
        }
        path if path.contains("/member?") || path.contains("/groupmember?") || path.contains("/user/list?") => {
            none(golden!("dc/members.json"))
        }
        path if path.contains("type=page") => file(PAGES),
        path if path.contains("type=comment") => file(golden!("dc/comments.json")),
        path if path.contains("/child/attachment") => file(golden!("dc/attachments.json")),
        path if path.contains("/content/131103/restriction/relevantViewRestrictions") => {
            file(golden!("dc/relevant_restrictions.json"))
        }
        path if path.contains("/restriction/byOperation/read") => file(golden!("dc/restriction.json")),
        path if path.starts_with("/rest/api/content/131103?") => {
            let pages: Value = serde_json::from_str(PAGES).unwrap();
            ok(pages["results"][0].clone())
        }
        path if path.contains("type=blogpost") || path.contains("/content/search") => none(PAGES),
        _ => not_there(),
    }
}

fn of_data_center<T>(answer: fn(&str) -> Answer, ask: impl FnOnce(&Confluence<'_>) -> T) -> T {
    let peer = Peer::answering(answer);
    let (settings, _token) = settings(&peer, &json!({"user": "alice"}));
    let extractor = Extractor::in_process(&extract::Settings::default());
    ask(&Confluence::open(&settings, &outbound::Settings::default(), &extractor).unwrap())
}

fn id(local: &str) -> DocumentId {
    DocumentId::new("wiki", local).unwrap()
}

const ALICE: &str = "4028b88194c0ffee0194c0ffee0a0001";

fn ops(account: &str, group: &str) -> Level {
    Level::Only(Subjects { accounts: vec![account.into()], groups: vec![group.into()], anyone: false })
}

#[test]
fn data_centers_content_is_read_as_it_stands_in_the_files() {
    of_data_center(data_center, |confluence| {
        assert!(confluence.connect().is_ok());
        assert_eq!(confluence.about().unwrap(), "Confluence 10.2.1");
        let spaces = confluence.spaces().unwrap();
        assert_eq!(spaces, [Space { key: "ENG".to_owned(), name: "Engineering".to_owned() }]);

        let listing = confluence.list(&spaces[0], &mut |_| ControlFlow::Continue(()));
        assert!(listing.is_whole && listing.failures.is_empty(), "{:?}", listing.failures);
        let [page, comment, attachment] = listing.items.as_slice() else { panic!("{listing:?}") };
        assert_eq!((&page.id, page.kind, page.title.as_str()), (&id("131103"), Kind::Page, "Runbook"));
        assert_eq!((page.revision, page.updated_ms), (7, 1_772_352_927_412));
        assert_eq!(page.ancestors, [id("98312"), id("131000")]);
        assert_eq!((page.labels.as_slice(), page.author.as_str()), (&["oncall".to_owned()][..], "Alice A"));
        assert_eq!(page.level, ops(ALICE, "ops-team"));
        assert!(page.url.ends_with("/wiki/spaces/ENG/pages/131103/Runbook"), "{}", page.url);
        assert_eq!((&comment.id, comment.container.as_ref()), (&id("140001"), Some(&page.id)));
        assert_eq!((comment.updated_ms, comment.author.as_str()), (1_772_434_800_000, "Bob B"));
        assert_eq!((&attachment.id, attachment.container.as_ref()), (&id("att196620"), Some(&page.id)));
        let file = attachment.file.as_ref().unwrap();
        assert_eq!(file.media_type, "application/pdf");
        assert!(file.path.starts_with("/download/attachments/131103/plan.pdf?version=2"), "{}", file.path);

        let words = confluence.fetch(&[page], &|_| None).remove(0).unwrap();
        assert_eq!(words.blocks, [Block::Paragraph { text: "Restart node 3.".to_owned() }]);
        assert_eq!((words.revision, words.author.as_str()), (7, "Alice A"));
    });
}

#[test]
fn data_centers_permissions_and_people_are_read_as_they_stand_in_the_files() {
    of_data_center(data_center, |confluence| {
        let space = &confluence.spaces().unwrap()[0];
        assert_eq!(*confluence.may_use().unwrap().groups, ["confluence-users".into()]);
        let view = confluence.may_view(space).unwrap();
        let expected = Subjects { accounts: vec![ALICE.into()], groups: vec!["confluence-users".into()], anyone: true };
        assert_eq!(view, expected);

        let people = confluence.people().unwrap();
        let accounts: Vec<(&str, &str, bool)> = (people.accounts.iter())
            .map(|account| (account.user_name.as_str(), account.display_name.as_str(), account.active))
            .collect();
        assert_eq!(accounts, [("alice", "Alice A", true), ("bob", "Bob B", false)]);
        let users = people.groups.iter().find(|group| group.name == "confluence-users").unwrap();
        assert_eq!((users.members.len(), users.groups.as_slice()), (0, &["ops-team".into()][..]));
        let ops = people.groups.iter().find(|group| group.name == "ops-team").unwrap();
        assert_eq!(
            (&ops.id, ops.members.len()),
            (&GroupId::Of(confluence.settings.name.clone(), "ops-team".into()), 2)
        );
    });
}

#[test]
fn both_forms_of_the_anonymous_grant_and_both_empty_and_full_restrictions_are_read() {
    let by_operations = |path: &str| match path {
        "/rest/api/space/ENG/permissions/anonymous" => file(golden!("dc/space_permissions_anonymous_operations.json")),
        path => data_center(path),
    };
    of_data_center(by_operations, |confluence| {
        assert!(confluence.may_view(&confluence.spaces().unwrap()[0]).unwrap().anyone);
    });

    let level = |text: &str| {
        let read: wire::Restriction = serde_json::from_str(text).unwrap();
        permission::level_of(Some(&read), permission::KnownBy::Name)
    };
    assert_eq!(level(golden!("dc/restriction.json")), ops(ALICE, "ops-team"));
    assert_eq!(level(golden!("dc/restriction_open.json")), Level::Open);
}

#[test]
fn every_restriction_on_the_way_up_to_a_page_is_read_as_it_stands_in_the_file() {
    of_data_center(data_center, |confluence| {
        let space = &confluence.spaces().unwrap()[0];
        let page = confluence.list(space, &mut |_| ControlFlow::Continue(())).items.remove(0);

        let levels = confluence.restricted_above(&[&page]).remove(0).unwrap();

        let staff = Level::Only(Subjects { groups: vec!["staff".into()], ..Subjects::default() });
        assert_eq!(levels, BTreeMap::from([(id("131000"), staff), (id("131103"), ops(ALICE, "ops-team"))]));
    });
}

#[test]
fn an_old_data_center_is_read_as_it_stands_in_the_files() {
    let old = |path: &str| match path {
        path if path.starts_with("/rpc/json-rpc/confluenceservice-v2{") => file(golden!("dc/permission_sets.json")),
        "/rest/api/user?username=alice" => file(golden!("dc/user_current.json")),
        path if path.contains("/permissions") => (404, "application/json", golden!("dc/refused.json").to_owned()),
        path => data_center(path),
    };
    of_data_center(old, |confluence| {
        let view = confluence.may_view(&confluence.spaces().unwrap()[0]).unwrap();
        let expected = Subjects { accounts: vec![ALICE.into()], groups: vec!["confluence-users".into()], anyone: true };
        assert_eq!(view, expected);
    });

    let refused = |path: &str| match path {
        path if path.starts_with("/rpc/") => file(golden!("dc/permission_sets_refused.json")),
        "/rest/extender/1.0/permission/space/ENG/getSpacePermissionActors/VIEWSPACE" => {
            file(golden!("dc/extender_actors.json"))
        }
        "/rest/api/user?username=alice" => file(golden!("dc/user_current.json")),
        path if path.contains("/permissions") => not_there(),
        path => data_center(path),
    };
    of_data_center(refused, |confluence| {
        let view = confluence.may_view(&confluence.spaces().unwrap()[0]).unwrap();
        assert_eq!((view.accounts.as_slice(), view.anyone), (&[ALICE.into()][..], false));
    });
}

#[test]
fn whoever_is_anonymous_or_refused_is_told_from_one_who_is_known() {
    let anonymous = |path: &str| match path {
        "/rest/api/user/current" => file(golden!("dc/user_anonymous.json")),
        path => data_center(path),
    };
    assert_eq!(of_data_center(anonymous, |confluence| confluence.connect().unwrap_err().code), "anonymous");
    for refused in [golden!("dc/refused.json"), golden!("cloud/refused.json")] {
        let peer = Peer::answering(move |_| (404, "application/json", refused.to_owned()));
        let (settings, _token) = settings(&peer, &json!({}));
        let client = Client::open(&settings, &outbound::Settings::default()).unwrap();
        assert!(client.read::<Value>("/rest/api/content/1").unwrap_err().is_absent());
    }
}

/// A Cloud.
fn cloud(path: &str) -> Answer {
    match path {
        "/rest/api/user/current" => file(golden!("cloud/user_current.json")),
        "/rest/api/space/ENG?expand=permissions" => file(golden!("cloud/space_permissions.json")),
        path if path.starts_with("/api/v2/spaces?") => match path.contains("cursor=row-1") {
            true => file(golden!("cloud/spaces.json")),
            false => file(golden!("cloud/spaces_more.json")),
        },
        path if path.starts_with("/api/v2/spaces/98305/pages?") => file(golden!("cloud/pages.json")),
        path if path.starts_with("/api/v2/spaces/98305/permissions?") => file(golden!("cloud/permissions.json")),
        path if path.starts_with("/api/v2/spaces/98305/role-assignments?") => {
            file(golden!("cloud/role_assignments.json"))
        }
        path if path.starts_with("/api/v2/space-roles?") => file(golden!("cloud/space_roles.json")),
        path if path.starts_with("/rest/api/content/search?") => file(golden!("cloud/search.json")),
        path if path.contains("/children") || path.contains("/blogposts") => none(golden!("cloud/pages.json")),
        // Whether a comment is of the page or of words in it is asked by asking for both.
        path if path.starts_with("/api/v2/footer-comments/") => {
            (404, "application/json", golden!("cloud/refused.json").to_owned())
        }
        path if path.contains("/footer-comments") => file(golden!("cloud/footer_comments.json")),
        path if path.starts_with("/api/v2/inline-comments/140002") => {
            let comments: Value = serde_json::from_str(golden!("cloud/inline_comments.json")).unwrap();
            ok(comments["results"][0].clone())
        }
        path if path.contains("/inline-comments") => file(golden!("cloud/inline_comments.json")),
        path if path.contains("/attachments") => file(golden!("cloud/attachments.json")),
        path if path.starts_with("/rest/api/group?") => file(golden!("cloud/groups.json")),
        path if path.contains("/membersByGroupId") => file(golden!("cloud/members.json")),
        path if path.contains("body-format=atlas_doc_format") => file(golden!("cloud/page_document.json")),
        path if path.starts_with("/api/v2/pages/131103?body-format=storage") => {
            (500, "application/json", golden!("cloud/refused.json").to_owned())
        }
        _ => (404, "application/json", golden!("cloud/refused.json").to_owned()),
    }
}

#[test]
fn clouds_answers_are_read_as_they_stand_in_the_files() {
    const ALICE: &str = "712020:0c0ffee0-0001";
    const STAFF: &str = "9a6a660d-0000-4000-8000-000000000001";
    const OPS: &str = "9a6a660d-0000-4000-8000-000000000002";
    let peer = Peer::answering(cloud);
    let more = json!({"kind": "confluence_cloud", "user": "alice@example.com", "use_groups": ["staff"], "folders_are_open": false});
    let (settings, _token) = settings(&peer, &more);
    let extractor = Extractor::in_process(&extract::Settings::default());
    let cloud = Cloud::open(&settings, &outbound::Settings::default(), &extractor).unwrap();

    assert!(cloud.connect().is_ok());
    let spaces = cloud.spaces().unwrap();
    assert_eq!(spaces, [Space { key: "ENG".to_owned(), name: "Engineering".to_owned() }]);
    assert_eq!(*cloud.may_use().unwrap().groups, [STAFF.into()]);
    let view = cloud.may_view(&spaces[0]).unwrap();
    assert!(view.anyone && view.groups.contains(&STAFF.into()) && !view.groups.contains(&OPS.into()), "{view:?}");
    assert!(view.accounts.contains(&ALICE.into()));
    let people = cloud.people().unwrap();
    let accounts: Vec<(&str, &str)> =
        people.accounts.iter().map(|account| (account.user_name.as_str(), account.display_name.as_str())).collect();
    assert_eq!(accounts, [("alice@example.com", "Alice A"), ("", "Bob B")]);
    assert_eq!(people.groups.iter().map(|group| group.name.as_str()).collect::<Vec<_>>(), ["staff", "ops-team"]);

    let listing = cloud.list(&spaces[0], &mut |_| ControlFlow::Continue(()));
    let met: Vec<(&str, Kind)> = listing.items.iter().map(|item| (item.id.local(), item.kind)).collect();
    let all =
        [("131103", Kind::Page), ("140001", Kind::Comment), ("140002", Kind::Comment), ("att196620", Kind::Attachment)];
    assert_eq!(met, all);
    let page = &listing.items[0];
    assert_eq!((page.title.as_str(), page.revision, page.updated_ms), ("Runbook", 7, 1_772_352_927_412));
    assert_eq!((page.labels.as_slice(), page.author.as_str()), (&["oncall".to_owned()][..], "Alice A"));
    assert_eq!(page.level, ops(ALICE, OPS));
    // Version 2 tells the next page up alone; one that was not listed is unknown to whoever makes the rule.
    assert_eq!(page.ancestors, [id("131000")]);

    let words = cloud.fetch(&[page, &listing.items[2]], &|_| None);
    let said = |place: usize| words[place].as_ref().unwrap().blocks.clone();
    assert_eq!(said(0), [Block::Paragraph { text: "Restart node 3.".to_owned() }]);
    let quote = Block::Quote { text: "Restart node 3".to_owned() };
    assert_eq!(said(1), [quote, Block::Paragraph { text: "twice".to_owned() }]);
    assert!(peer.asked().iter().any(|path| path.contains("atlas_doc_format")));
}
