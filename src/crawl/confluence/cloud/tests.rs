//! The reader of Confluence Cloud against a server that answers with shapes of our own writing.

use serde_json::{Value, json};

use super::super::tests::{Answer, Peer, lists, not_there, ok, rows, settings};
use super::*;
use crate::corpus::Block;
use crate::crawl::restriction::Level;
use crate::extract;
use crate::names::GroupId;

fn with<T>(
    answer: impl Fn(&str) -> Answer + Send + Sync + 'static,
    more: Value,
    ask: impl FnOnce(&Cloud<'_>, &Peer) -> T,
) -> T {
    let peer = Peer::answering(answer);
    let mut all = json!({"kind": "confluence_cloud", "user": "crawler@example.com"});
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let (settings, _token) = settings(&peer, &all);
    let extractor = Extractor::in_process(&extract::Settings::default());
    let cloud = Cloud::open(&settings, &outbound::Settings::default(), &extractor).unwrap();
    ask(&cloud, &peer)
}

/// Rows of version 2: the next page is told relative to the host.
fn rows_2(results: Vec<Value>, next: Option<&str>) -> Answer {
    let mut links = json!({"base": "https://acme.atlassian.net/wiki"});
    if let Some(cursor) = next {
        links["next"] = json!(format!("/wiki/api/v2/anything?limit=250&cursor={cursor}"));
    }
    ok(json!({"results": results, "_links": links}))
}

fn row(id: u32, parent: Option<(u32, &str)>) -> Value {
    json!({"id": id.to_string(), "status": "current", "title": format!("Page {id}"), "spaceId": "65538",
           "parentId": parent.map(|(id, _)| id.to_string()), "parentType": parent.map(|(_, kind)| kind), "position": 7,
           "authorId": "712020:ab", "createdAt": "2026-01-01T00:00:00.000Z",
           "version": {"number": 7, "createdAt": "2026-03-01T08:15:27.412Z", "authorId": "712020:ab", "minorEdit": false},
           "body": {}, "_links": {"webui": format!("/spaces/ENG/pages/{id}/Page+{id}")}})
}

/// What the search of version 1 says of a page.
fn said(id: u32, more: Value) -> Value {
    let mut said = json!({"id": id.to_string(), "type": "page", "status": "current", "title": format!("Page {id}"),
        "metadata": {"labels": {"results": [{"prefix": "global", "name": "OnCall", "id": "1"}], "size": 1}},
        "childTypes": {"attachment": {"value": false}, "comment": {"value": false}},
        "restrictions": lists(vec![], vec![])});
    said.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    said
}

/// A space `ENG` with these pages, of which the search says this.
fn site(pages: Vec<Value>, said: Vec<Value>, rest: impl Fn(&str) -> Answer) -> impl Fn(&str) -> Answer {
    move |path: &str| match path {
        path if path.starts_with("/api/v2/spaces?") => {
            rows_2(vec![json!({"id": "65538", "key": "ENG", "name": "Engineering", "type": "global"})], None)
        }
        path if path.starts_with("/api/v2/spaces/65538/pages?") => rows_2(pages.clone(), None),
        path if path.starts_with("/api/v2/spaces/65538/blogposts?") => rows_2(vec![], None),
        path if path.starts_with("/rest/api/content/search?") => ok(rows(said.clone(), None)),
        path => rest(path),
    }
}

fn listing(cloud: &Cloud<'_>) -> Listing {
    let spaces = cloud.spaces().unwrap();
    cloud.list(&spaces[0], &mut |_| ControlFlow::Continue(()))
}

fn space() -> Space {
    Space { key: "ENG".to_owned(), name: "Engineering".to_owned() }
}

#[test]
fn a_page_is_read_from_its_listing_and_from_what_the_search_says_of_it() {
    let restricted = lists(
        vec![json!({"type": "known", "accountId": "712020:ab", "displayName": "Alice A"})],
        vec![json!({"type": "group", "name": "ops-team", "id": "0f1e"}), json!({"type": "group", "name": "no id"})],
    );
    let pages = vec![row(1, None), row(2, Some((1, "page"))), row(3, Some((2, "page")))];
    let said = vec![said(1, json!({})), said(2, json!({})), said(3, json!({"restrictions": restricted}))];

    with(site(pages, said, |_| not_there()), json!({"pages_url": "https://acme.example/wiki"}), |cloud, peer| {
        let listing = listing(cloud);

        let item = &listing.items[2];
        let subjects = Subjects { accounts: vec!["712020:ab".into()], groups: vec!["0f1e".into()], anyone: false };
        assert_eq!((item.id.as_str(), item.kind, item.revision), ("wiki:3", Kind::Page, 7));
        assert_eq!(item.updated_ms, 1_772_352_927_412);
        assert_eq!(item.ancestors.iter().map(|id| id.local()).collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(item.labels, ["oncall"]);
        assert_eq!(item.level, Level::Only(subjects));
        assert_eq!(item.url, "https://acme.example/wiki/spaces/ENG/pages/3/Page+3");
        assert!(listing.is_whole && listing.failures.is_empty(), "{:?}", listing.failures);
        assert!(peer.asked().iter().all(|path| !path.contains("ancestors")), "one draft among them breaks the batch");
        let sent = peer.credentials();
        assert!(sent.iter().all(|sent| sent == "Basic Y3Jhd2xlckBleGFtcGxlLmNvbTpzZWNyZXQ="), "{sent:?}");
    });
}

#[test]
fn a_listing_goes_on_by_its_cursor_whatever_host_and_path_the_link_names() {
    let answer = site(vec![], vec![said(1, json!({})), said(2, json!({}))], |_| not_there());
    let paged = move |path: &str| match path {
        path if path.starts_with("/api/v2/spaces/65538/pages?") && path.contains("cursor=c2") => {
            rows_2(vec![row(2, None)], None)
        }
        path if path.starts_with("/api/v2/spaces/65538/pages?") => rows_2(vec![row(1, None)], Some("c2")),
        path => answer(path),
    };

    with(paged, json!({}), |cloud, _| assert_eq!(listing(cloud).items.len(), 2));
}

#[test]
fn what_the_search_leaves_out_is_asked_for_page_by_page_and_never_taken_for_open() {
    let pages = vec![row(1, None), row(2, None), row(3, None)];
    let partly = said(2, json!({"restrictions": {"_expandable": {"read": "x"}}}));
    let rest = |path: &str| match path {
        path if path.starts_with("/rest/api/content/2/restriction/byOperation/read") => {
            ok(lists(vec![], vec![json!({"name": "ops", "id": "0f1e"})])["read"].clone())
        }
        path if path.starts_with("/rest/api/content/3/restriction") => (403, "application/json", "{}".to_owned()),
        "/api/v2/pages/2/labels?&limit=250" => {
            rows_2(vec![json!({"id": "1", "name": "OnCall", "prefix": "global"})], None)
        }
        _ => not_there(),
    };

    with(site(pages, vec![said(1, json!({})), partly], rest), json!({}), |cloud, _| {
        let listing = listing(cloud);
        assert_eq!(listing.items[0].level, Level::Open);
        assert!(matches!(&listing.items[1].level, Level::Only(subjects) if *subjects.groups == ["0f1e".into()]));
        assert_eq!(listing.items[1].labels, ["oncall"]);
        assert_eq!(listing.items[2].level, Level::Unknown);
        assert_eq!((listing.failures[0].what.as_str(), listing.failures[0].code.as_str()), ("wiki:3", "forbidden"));
        assert!(listing.is_whole, "the page itself was seen");
    });
}

#[test]
fn a_search_that_fails_costs_time_and_opens_nothing() {
    let open = |path: &str| match path {
        path if path.contains("/restriction/byOperation/read") => ok(lists(vec![], vec![])["read"].clone()),
        path if path.contains("/labels?") => rows_2(vec![], None),
        _ => not_there(),
    };
    let answer = site(vec![row(1, None), row(2, None)], vec![], open);
    let failing = move |path: &str| match path {
        path if path.contains("/content/search") => not_there(),
        path => answer(path),
    };

    with(failing, json!({}), |cloud, peer| {
        assert!(listing(cloud).items.iter().all(|item| item.level == Level::Open));
        assert_eq!(peer.asked().iter().filter(|path| path.contains("/restriction/")).count(), 2);
    });
}

#[test]
fn nobody_passes_a_folder_unless_an_administrator_said_that_folders_are_open() {
    let pages = || vec![row(1, None), row(3, Some((2, "folder"))), row(4, Some((3, "page")))];
    let everything = || vec![said(1, json!({})), said(3, json!({})), said(4, json!({}))];
    let rest = |path: &str| match path {
        "/api/v2/folders/2" => {
            ok(json!({"id": "2", "type": "folder", "title": "F", "parentId": "1", "parentType": "page"}))
        }
        _ => not_there(),
    };
    let way = |listing: &Listing| listing.items[2].ancestors.iter().map(|id| id.local().to_owned()).collect::<Vec<_>>();

    with(site(pages(), everything(), rest), json!({}), |cloud, _| {
        let listing = listing(cloud);
        assert_eq!(way(&listing), ["2", "3"], "a folder is nothing that was listed, so nobody passes it");
        assert_eq!(listing.failures[0].code, "folder_unknown");
    });
    with(site(pages(), everything(), rest), json!({"folders_are_open": true}), |cloud, _| {
        let listing = listing(cloud);
        assert_eq!((way(&listing), listing.failures.len()), (vec!["1".to_owned(), "3".to_owned()], 0));
    });
    with(site(pages(), everything(), |_| not_there()), json!({"folders_are_open": true}), |cloud, _| {
        let listing = listing(cloud);
        assert_eq!((way(&listing)[0].as_str(), listing.failures[0].code.as_str()), ("2", "not_found"));
    });
}

fn permission(kind: &str, id: &str, key: &str, target: &str) -> Value {
    json!({"id": "1", "principal": {"type": kind, "id": id}, "operation": {"key": key, "targetType": target}})
}

/// A space with such permissions, assignments of roles and version 1's entries.
fn granting(permissions: Vec<Value>, assignments: Answer, entries: Answer) -> impl Fn(&str) -> Answer {
    let roles = json!([
        {"id": "r-view", "type": "SYSTEM", "name": "Viewer", "spacePermissions": ["read/space", "create/comment"]},
        {"id": "r-none", "type": "CUSTOM", "name": "Odd", "spacePermissions": ["create/comment"]}]);
    site(vec![], vec![], move |path| match path {
        path if path.starts_with("/api/v2/spaces/65538/permissions?") => rows_2(permissions.clone(), None),
        path if path.starts_with("/api/v2/spaces/65538/role-assignments?") => assignments.clone(),
        path if path.starts_with("/api/v2/space-roles?") => rows_2(roles.as_array().unwrap().clone(), None),
        "/rest/api/space/ENG?expand=permissions" => entries.clone(),
        _ => not_there(),
    })
}

fn told(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Result<Subjects, Failure> {
    with(answer, json!({}), |cloud, _| {
        cloud.spaces().unwrap();
        cloud.may_view(&space())
    })
}

#[test]
fn grants_are_those_of_viewing_by_permissions_and_by_roles() {
    let permissions = vec![
        permission("group", "g-1", "read", "space"),
        permission("user", "u-1", "read", "space"),
        permission("role", "r-view", "read", "space"),
        permission("alien", "x", "read", "space"),
        permission("group", "g-talk", "create", "comment"),
        json!({"id": "9"}),
    ];
    let assigned = |role: &str, kind: &str, id: &str| json!({"roleId": role, "principal": {"principalType": kind, "principalId": id}});
    let assignments = rows_2(
        vec![
            assigned("r-view", "GROUP", "g-2"),
            assigned("r-view", "USER", "u-2"),
            assigned("r-view", "ACCESS_CLASS", "all-product-admins"),
            assigned("r-view", "ACCESS_CLASS", "jsm-project-admins"),
            assigned("r-none", "ACCESS_CLASS", "anonymous-users"),
            assigned("r-gone", "GROUP", "g-3"),
        ],
        None,
    );

    let subjects = told(granting(permissions, assignments, not_there())).unwrap();

    let expected = Subjects {
        accounts: vec!["u-1".into(), "u-2".into()],
        groups: vec!["g-1".into(), "g-2".into()],
        anyone: false,
    };
    assert_eq!(subjects, expected);
}

#[test]
fn classes_of_users_that_hold_everybody_open_the_space_to_whoever_may_use_the_site() {
    for class in ["all-licensed-users", "authenticated-users", "anonymous-users"] {
        let principal = json!({"principalType": "ACCESS_CLASS", "principalId": class});
        let assignments = rows_2(vec![json!({"roleId": "r-view", "principal": principal})], None);
        assert!(told(granting(vec![], assignments, not_there())).unwrap().anyone, "{class}");
    }
    let permissions = vec![permission("access-class", "ALL_LICENSED_USERS", "read", "space")];
    assert!(told(granting(permissions, not_there(), not_there())).unwrap().anyone);
}

#[test]
fn the_anonymous_grant_is_told_by_version_1_and_an_entry_without_subjects_is_none() {
    let entry = |anonymous: bool, operation: &str| {
        let entry = json!({"id": 1, "operation": {"operation": operation, "targetType": "space"},
                           "anonymousAccess": anonymous, "unlicensedAccess": true});
        granting(vec![], not_there(), ok(json!({"key": "ENG", "permissions": [entry]})))
    };

    assert!(told(entry(true, "read")).unwrap().anyone);
    assert!(!told(entry(true, "export")).unwrap().anyone);
    assert!(!told(entry(false, "read")).unwrap().anyone);
}

#[test]
fn roles_or_grants_that_are_there_and_cannot_be_read_leave_the_space_to_nobody() {
    let closed: Answer = (403, "application/json", "{}".to_owned());
    let permissions = || vec![permission("group", "g-1", "read", "space")];

    for answer in [granting(permissions(), closed.clone(), not_there()), granting(permissions(), not_there(), closed)] {
        let failure = told(answer).unwrap_err();
        assert_eq!((failure.code.as_str(), failure.what.as_str()), ("space_permissions_unknown", "ENG"));
    }
}

#[test]
fn a_token_that_is_nobodys_or_anothers_is_refused() {
    let code = |user: Value| {
        with(
            move |_: &str| ok(user.clone()),
            json!({}),
            |cloud, _| cloud.connect().map(|_| ()).map_err(|failure| failure.code),
        )
    };
    let user =
        |email: Value| json!({"type": "known", "accountId": "712020:ab", "accountType": "atlassian", "email": email});

    assert_eq!(code(user(json!("Crawler@Example.com"))), Ok(()));
    assert_eq!(code(user(json!(""))), Ok(()), "it hides its address, and was known by it");
    assert_eq!(code(user(json!("bob@example.com"))), Err("other_user".to_owned()));
    assert_eq!(code(json!({"type": "anonymous", "accountId": null})), Err("anonymous".to_owned()));
    assert_eq!(code(json!({})), Err("anonymous".to_owned()));
}

#[test]
fn a_password_is_no_credential_for_cloud() {
    let peer = Peer::answering(|_| not_there());
    let more = json!({"kind": "confluence_cloud", "user": "crawler@example.com"});
    let (mut settings, _token) = settings(&peer, &more);
    settings.password_file = settings.token_file.take();
    let extractor = Extractor::in_process(&extract::Settings::default());

    let why = Cloud::open(&settings, &outbound::Settings::default(), &extractor).err().unwrap();

    assert!(why.contains("API token"), "{why}");
}

#[test]
fn people_and_groups_are_known_by_ids_and_apps_and_customers_are_no_people() {
    let user = |id: &str, kind: &str, email: &str| json!({"type": "known", "accountId": id, "accountType": kind, "email": email, "displayName": id});
    let answer = move |path: &str| match path {
        path if path.starts_with("/rest/api/group?") => ok(rows(
            vec![json!({"type": "group", "name": "Staff", "id": "0F1E"}), json!({"type": "group", "name": "ghost"})],
            None,
        )),
        path if path.starts_with("/rest/api/group/0F1E/membersByGroupId") => ok(rows(
            vec![
                user("712020:ab", "atlassian", "alice@example.com"),
                user("712020:cd", "atlassian", ""),
                user("557058:bot", "app", "bot@example.com"),
                user("qm:1", "customer", "customer@example.com"),
            ],
            None,
        )),
        _ => not_there(),
    };

    with(answer, json!({}), |cloud, _| {
        let people = cloud.people().unwrap();
        let [group] = people.groups.as_slice() else { panic!("{people:?}") };
        assert!(matches!(&group.id, GroupId::Of(_, key) if &**key == "0f1e"));
        assert_eq!((group.name.as_str(), group.members.len()), ("Staff", 2));
        let names: Vec<(&str, &str)> =
            people.accounts.iter().map(|account| (&*account.id.key, account.user_name.as_str())).collect();
        assert_eq!(names, [("712020:ab", "alice@example.com"), ("712020:cd", "")]);
    });
}

#[test]
fn who_may_use_the_site_is_named_or_nobody_and_the_remedy_names_the_groups() {
    let answer = |path: &str| match path {
        path if path.contains("accessType=user") => {
            ok(rows(vec![json!({"name": "confluence-users", "id": "g-1"})], None))
        }
        path if path.starts_with("/rest/api/group?") => ok(rows(
            vec![json!({"name": "confluence-users", "id": "g-1"}), json!({"name": "jira-users", "id": "g-2"})],
            None,
        )),
        _ => not_there(),
    };

    let failure = with(answer, json!({}), |cloud, _| cloud.may_use().unwrap_err());
    assert_eq!(failure.code, "use_unknown");
    assert!(failure.remedy.contains("\"confluence-users\"") && !failure.remedy.contains("jira"), "{failure:?}");
    let named = with(answer, json!({"use_groups": ["Confluence-Users"]}), |cloud, _| cloud.may_use().unwrap());
    assert_eq!(named, Subjects { groups: vec!["g-1".into()], ..Subjects::default() });
    assert!(with(answer, json!({"use_groups": ["typo"]}), |cloud, _| cloud.may_use().is_err()));
}

#[test]
fn a_listing_whose_admin_key_ended_is_not_whole() {
    let pages = || vec![row(1, None)];
    let key = |lives: bool| {
        move |path: &str| match path {
            "/api/v2/admin-key" if !lives => not_there(),
            path if path.starts_with("/api/v2/admin-key") => {
                ok(json!({"accountId": "712020:ab", "expirationTime": "2026-03-01T09:00:00.000Z"}))
            }
            _ => not_there(),
        }
    };
    let is_whole = |lives: bool| {
        let answer = site(pages(), vec![said(1, json!({}))], key(lives));
        with(answer, json!({"admin_key": true}), |cloud, peer| {
            let listing = listing(cloud);
            assert!(peer.asked().iter().any(|path| path.ends_with("/admin-key")));
            listing.is_whole
        })
    };

    assert!(is_whole(true));
    assert!(!is_whole(false), "restricted pages may have gone missing with it");
}

#[test]
fn comments_and_their_answers_and_files_hang_on_their_page() {
    let comment = |id: u32, more: Value| {
        let mut comment = json!({"id": id.to_string(), "status": "current", "title": "Re: Page 1", "pageId": "1",
                                 "version": {"number": 1, "createdAt": "2026-03-01T08:00:00.000Z"}});
        comment.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        comment
    };
    let has = json!({"childTypes": {"attachment": {"value": true}, "comment": {"value": true}}});
    let rest = move |path: &str| match path {
        path if path.starts_with("/api/v2/pages/1/footer-comments?") => rows_2(vec![comment(11, json!({}))], None),
        path if path.starts_with("/api/v2/footer-comments/11/children?") => rows_2(vec![comment(12, json!({}))], None),
        path if path.starts_with("/api/v2/pages/1/inline-comments?") => rows_2(
            vec![
                comment(21, json!({"resolutionStatus": "open"})),
                comment(22, json!({"resolutionStatus": "resolved"})),
            ],
            None,
        ),
        path if path.contains("-comments/") => rows_2(vec![], None),
        path if path.starts_with("/api/v2/pages/1/attachments?") => rows_2(
            vec![
                json!({"id": "att9", "status": "current", "title": "plan.pdf", "mediaType": "application/pdf", "fileSize": 48_211,
                       "version": {"number": 2}, "downloadLink": "/download/attachments/1/plan.pdf"}),
                json!({"id": "att10", "title": "photo.png", "mediaType": "image/png"}),
                json!({"id": "att11", "title": "big.pdf", "mediaType": "application/pdf", "fileSize": 99_000_000_000_u64}),
            ],
            None,
        ),
        _ => not_there(),
    };

    with(
        site(vec![row(1, None), row(2, None)], vec![said(1, has), said(2, json!({}))], rest),
        json!({}),
        |cloud, peer| {
            let listing = listing(cloud);
            let met: Vec<(&str, Option<&str>)> = listing
                .items
                .iter()
                .map(|item| (item.id.local(), item.container.as_ref().map(|id| id.local())))
                .collect();
            assert_eq!(
                met,
                [
                    ("1", None),
                    ("2", None),
                    ("11", Some("1")),
                    ("12", Some("1")),
                    ("21", Some("1")),
                    ("att9", Some("1"))
                ]
            );
            assert_eq!(
                listing.items[5].file.as_ref().unwrap().path,
                "/rest/api/content/1/child/attachment/att9/download"
            );
            let codes: Vec<&str> = listing.failures.iter().map(|failure| failure.code.as_str()).collect();
            assert_eq!(codes, ["file_too_large"]);
            assert!(!peer.asked().iter().any(|path| path.contains("/pages/2/")), "nothing hangs on it");
        },
    );
}

#[test]
fn words_come_together_or_one_by_one() {
    let body = |id: u32, number: u32| {
        json!({"id": id.to_string(), "version": {"number": number, "createdAt": "2026-03-02T00:00:00.000Z"},
               "body": {"storage": {"value": format!("<p>words {id}</p>"), "representation": "storage"}}})
    };
    let rest = move |path: &str| match path {
        path if path.starts_with("/api/v2/pages?id=") => rows_2(vec![body(1, 7), body(2, 8)], None),
        "/api/v2/pages/3?body-format=storage" => (500, "application/json", "{}".to_owned()),
        _ => not_there(),
    };
    let pages = vec![row(1, None), row(2, None), row(3, None)];

    with(site(pages, (1..=3).map(|id| said(id, json!({}))).collect(), rest), json!({}), |cloud, _| {
        let listing = listing(cloud);
        let items: Vec<&Item> = listing.items.iter().collect();
        let words = cloud.fetch(&items, &|_| None);
        assert_eq!(words[0].as_ref().unwrap().blocks, vec![Block::Paragraph { text: "words 1".to_owned() }]);
        assert_eq!(words[1].as_ref().unwrap().revision, 8);
        assert_eq!(words[2].as_ref().unwrap_err().what, "wiki:3");
    });
}

#[test]
fn the_condition_of_the_settings_and_the_kinds_they_name_hold_here_too() {
    let with_more = json!({"childTypes": {"attachment": {"value": true}, "comment": {"value": true}}});
    let all = move || {
        site(vec![row(1, None), row(2, None)], vec![said(1, with_more.clone()), said(2, json!({}))], |_| not_there())
    };
    let answer = all();
    let chosen = move |path: &str| match path {
        path if path.contains("search") && path.contains("policy") => ok(rows(vec![said(2, json!({}))], None)),
        path => answer(path),
    };
    let answer = all();
    let failing = move |path: &str| match path {
        path if path.contains("search") && path.contains("policy") => not_there(),
        path => answer(path),
    };
    let wanted = json!({"cql": "label = policy", "kinds": ["page"]});
    let left_out = |listing: &Listing| listing.items.iter().map(|item| item.is_left_out).collect::<Vec<_>>();

    with(chosen, wanted.clone(), |cloud, peer| {
        let listing = listing(cloud);
        assert_eq!((left_out(&listing), listing.is_whole), (vec![true, false], true));
        let asked = peer.asked();
        assert!(!asked.iter().any(|path| path.contains("comments") || path.contains("attachments")), "{asked:?}");
    });
    with(failing, wanted, |cloud, _| {
        let listing = listing(cloud);
        assert_eq!((left_out(&listing), listing.is_whole), (vec![true, true], false), "nothing is guessed");
        assert!(listing.failures[0].remedy.contains("cql"), "{:?}", listing.failures);
    });
}

#[test]
fn personal_and_archived_spaces_are_taken_as_the_settings_say() {
    let space = |key: &str, kind: &str| json!({"id": format!("9{}", key.len()), "key": key, "name": key, "type": kind});
    let answer = move |path: &str| match path {
        path if path.starts_with("/api/v2/spaces?status=current") => {
            rows_2(vec![space("ENG", "global"), space("~ana", "personal")], None)
        }
        path if path.starts_with("/api/v2/spaces?status=archived") => rows_2(vec![space("ENG-OLD", "global")], None),
        _ => not_there(),
    };
    let keys = |settings: Value| {
        with(answer, settings, |cloud, _| {
            cloud.spaces().unwrap().into_iter().map(|space| space.key).collect::<Vec<_>>()
        })
    };

    assert_eq!(keys(json!({})), ["ENG", "~ana"]);
    assert_eq!(keys(json!({"personal_spaces": false, "archived_spaces": true})), ["ENG", "ENG-OLD"]);
    assert_eq!(
        keys(json!({"archived_spaces": true, "space_patterns": ["eng.*"], "without_spaces": [".*-old"]})),
        ["ENG"]
    );
}
