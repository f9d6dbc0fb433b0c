//! Exports as Confluence writes them, as earlier versions did, and as nobody should.

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};
use std::path::Path;

use serde_json::{Value, json};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::*;
use crate::corpus::{Block, Kind};
use crate::crawl::examine;
use crate::extract;
use crate::names::{GroupId, SourceId};
use crate::standin::confluence::Confluence as Standin;

/// A property with a text; empty for one that is there and has none.
fn text(name: &str, value: &str) -> String {
    match value {
        "" => format!("<property name=\"{name}\"/>"),
        value => format!("<property name=\"{name}\"><![CDATA[{value}]]></property>"),
    }
}

/// A property that names another object.
fn names(name: &str, class: &str, id: &str) -> String {
    let key = if class == "ConfluenceUserImpl" { "key" } else { "id" };
    format!("<property name=\"{name}\" class=\"{class}\"><id name=\"{key}\">{id}</id></property>")
}

fn list(name: &str, ids: &[&str]) -> String {
    let ids = ids.iter().fold(String::new(), |mut all, id| {
        let _ = write!(all, "<element class=\"X\"><id name=\"id\">{id}</id></element>");
        all
    });
    format!("<collection name=\"{name}\">{ids}</collection>")
}

fn object(class: &str, id: &str, inside: &[String]) -> String {
    let key = if class == "ConfluenceUserImpl" { "key" } else { "id" };
    format!("<object class=\"{class}\"><id name=\"{key}\">{id}</id>{}</object>\n", inside.concat())
}

fn space() -> String {
    object(
        "Space",
        "1",
        &[
            text("key", "ENG"),
            text("name", "Engineering"),
            "<property name=\"spaceStatus\">CURRENT</property>".to_owned(),
        ],
    )
}

fn page(id: &str, more: &[String]) -> String {
    let inside = [
        text("title", &format!("Page {id}")),
        names("space", "Space", "1"),
        "<property name=\"version\">3</property>".to_owned(),
        text("contentStatus", "current"),
    ];
    object("Page", id, &[&inside[..], more].concat())
}

fn body(of: &str, text_of_it: &str) -> String {
    let kind = "<property name=\"bodyType\">2</property>".to_owned();
    object("BodyContent", &format!("9{of}"), &[text("body", text_of_it), names("content", "Page", of), kind])
}

/// A grant to view the space, in the form of earlier versions.
fn view(id: &str, more: &[String]) -> String {
    let inside = [names("space", "Space", "1"), text("type", "VIEWSPACE")];
    object("SpacePermission", id, &[&inside[..], more].concat())
}

/// A set of the restriction of viewing.
fn set(id: &str, of: &str) -> String {
    object("ContentPermissionSet", id, &[text("type", "View"), names("owningContent", "Page", of)])
}

fn permission(id: &str, set: &str, more: &[String]) -> String {
    let inside = [text("type", "View"), names("owningSet", "ContentPermissionSet", set)];
    object("ContentPermission", id, &[&inside[..], more].concat())
}

/// An export in a folder.
struct Export(tempfile::TempDir);

impl Export {
    fn of(objects: &[String]) -> Export {
        let export = Export(tempfile::tempdir().unwrap());
        let all = format!(
            "<?xml version=\"1.0\"?>\n<hibernate-generic datetime=\"2014-01-02 03:04:05\">\n{}</hibernate-generic>",
            objects.concat()
        );
        export.put("entities.xml", &all);
        export.put("exportDescriptor.properties", "#x\nexportType=space\nspaceKey=ENG\nbuildNumber=4527\n");
        export
    }

    fn put(&self, name: &str, text: &str) {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::File::create(path).unwrap().write_all(text.as_bytes()).unwrap();
    }

    fn ask<T>(&self, ask: impl FnOnce(&Archive<'_>) -> T) -> T {
        asking(self.0.path(), json!({}), ask)
    }

    /// The level of each page, by its id.
    fn level(&self, id: &str) -> Level {
        self.listed().items.into_iter().find(|item| item.id.local() == id).unwrap().level
    }

    fn listed(&self) -> Listing {
        self.ask(|archive| listed(archive))
    }
}

fn listed(archive: &Archive<'_>) -> Listing {
    let spaces = archive.spaces().unwrap();
    archive.list(&spaces[0], &mut |_| ControlFlow::Continue(()))
}

fn settings(file: &Path, more: &Value) -> Settings {
    let mut settings = json!({"name": "old", "kind": "confluence_archive", "file": file});
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(settings).unwrap()
}

fn asking<T>(file: &Path, more: Value, ask: impl FnOnce(&Archive<'_>) -> T) -> T {
    let settings = settings(file, &more);
    let extractor = Extractor::in_process(&extract::Settings::default());
    ask(&Archive::open(&settings, &extractor).unwrap())
}

fn code(file: &Path) -> String {
    asking(file, json!({}), |archive| archive.connect().unwrap_err().code)
}

fn zipped(entries: &[(&str, &[u8])]) -> tempfile::NamedTempFile {
    zipped_by(CompressionMethod::Deflated, entries)
}

fn zipped_by(method: CompressionMethod, entries: &[(&str, &[u8])]) -> tempfile::NamedTempFile {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    for (name, bytes) in entries {
        zip.start_file(*name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    file(&zip.finish().unwrap().into_inner())
}

fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().write_all(bytes).unwrap();
    file
}

fn only(accounts: &[&str], groups: &[&str]) -> Level {
    let all = |names: &[&str]| names.iter().map(|name| Box::from(*name)).collect();
    Level::Only(Subjects { accounts: all(accounts), groups: all(groups), anyone: false })
}

fn group(name: &str) -> String {
    text("groupName", name)
}

#[test]
fn an_export_of_a_time_before_users_had_keys_is_read() {
    let by = [
        text("lastModifierName", "Ana"),
        "<property name=\"lastModificationDate\">2014-01-02 03:04:05.678</property>".to_owned(),
    ];
    let on = names("content", "Page", "11");
    let export = Export::of(&[
        space(),
        page("11", &[&by[..], &[list("labellings", &["71"]), list("contentPermissionSets", &["51"])]].concat()),
        body("11", "<p>The pager is 4417.</p>"),
        object("Labelling", "71", &[names("label", "Label", "72")]),
        object("Label", "72", &[text("name", "OnCall"), text("namespace", "global")]),
        view("61", &[text("group", "staff"), text("userName", "")]),
        view("62", &[text("group", ""), text("userName", "Bo")]),
        set("51", "11"),
        permission("52", "51", &[text("userName", "ana"), group("")]),
        permission("53", "51", &[text("userName", ""), group("Ops")]),
        object("Comment", "12", &[names("owner", "Page", "11"), text("contentStatus", "current")]),
        object(
            "Attachment",
            "11",
            &[
                text("fileName", "plan.txt"),
                text("contentType", "text/plain"),
                on,
                "<property name=\"attachmentVersion\">2</property>".to_owned(),
                "<property name=\"fileSize\">5</property>".to_owned(),
            ],
        ),
    ]);
    export.put("attachments/11/11/2", "Mind the step.");

    export.ask(|archive| {
        let space = &archive.spaces().unwrap()[0];
        let listing = listed(archive);
        assert!(archive.about().unwrap().starts_with("Confluence build 4527, written 2014-01-02 03:04:05"));
        let view = archive.may_view(space).unwrap();
        assert_eq!(
            (view.groups.as_slice(), view.accounts.as_slice()),
            (&["staff".into()][..], &["name:bo".into()][..])
        );
        let [page, comment, file] = listing.items.as_slice() else { panic!("{listing:?}") };
        assert_eq!((page.revision, page.labels.as_slice()), (3, &["oncall".to_owned()][..]));
        assert_eq!((page.updated_ms, page.author.as_str()), (1_388_631_845_678, "ana"));
        assert_eq!(page.level, only(&["name:ana"], &["Ops"]));
        assert_eq!((comment.container.as_ref(), file.container.as_ref()), (Some(&page.id), Some(&page.id)));
        assert_eq!((file.id.local(), file.revision, file.kind), ("att11", 2, Kind::Attachment));

        let words = archive.fetch(&[page, file], &|_| None);
        let said = |place: usize| words[place].as_ref().unwrap().blocks.clone();
        assert_eq!(said(0), [Block::Paragraph { text: "The pager is 4417.".to_owned() }]);
        assert_eq!(said(1), [Block::Paragraph { text: "Mind the step.".to_owned() }]);
    });
}

#[test]
fn drafts_old_versions_what_is_in_the_bin_and_bits_of_other_spaces_are_not_listed() {
    let export = Export::of(&[
        space(),
        object("Space", "2", &[text("key", "HR")]),
        page("11", &[text("originalVersionId", "")]),
        page("12", &[names("originalVersion", "Page", "11")]),
        page("13", &[text("originalVersionId", "11")]),
        page("14", &[text("contentStatus", "draft")]),
        page("15", &[text("contentStatus", "deleted")]),
        page("16", &[text("contentStatus", "archived")]),
        page("17", &[text("contentStatus", "something new")]),
        page("18", &[names("space", "Space", "2")]),
        object("Page", "19", &[text("title", "A draft without a space")]),
    ]);

    let taken = |more: Value| {
        asking(export.0.path(), more, |archive| {
            assert_eq!(archive.spaces().unwrap().len(), 1);
            let items = listed(archive).items;
            items.iter().map(|item| (item.id.local().to_owned(), item.is_left_out)).collect::<Vec<_>>()
        })
    };

    assert_eq!(taken(json!({})), [("11".to_owned(), false), ("16".to_owned(), true)]);
    assert_eq!(taken(json!({"archived_pages": true})), [("11".to_owned(), false), ("16".to_owned(), false)]);
}

#[test]
fn a_restriction_that_is_not_whole_admits_nobody() {
    let restricted = |more: &[String]| {
        let mut objects = vec![space(), page("11", &[]), page("12", &[])];
        objects.extend_from_slice(more);
        Export::of(&objects)
    };

    let whole = restricted(&[set("51", "11"), permission("52", "51", &[group("ops")])]);
    assert_eq!((whole.level("11"), whole.level("12")), (only(&[], &["ops"]), Level::Open));
    // The permissions of the set are not in it.
    assert_eq!(restricted(&[set("51", "11")]).level("11"), Level::Unknown);
    // The page says that it has a set, which is not in it.
    let listed = [list("contentPermissionSets", &["51"])];
    assert_eq!(Export::of(&[space(), page("11", &listed)]).level("11"), Level::Unknown);
    // It names nobody that we know, and is a restriction all the same.
    for unknown in [
        vec![],
        vec![group("")],
        vec![text("teamName", "ops")],
        vec!["<property name=\"userSubject\" class=\"ConfluenceUserImpl\"></property>".to_owned(), group("")],
        vec![group("ops"), text("userName", "bo")],
    ] {
        let export = restricted(&[set("51", "11"), permission("52", "51", &unknown)]);
        assert_eq!(export.level("11"), only(&[], &[]), "{unknown:?}");
    }
    // Of two sets nobody knows which counts.
    let two = [
        set("51", "11"),
        set("53", "11"),
        permission("52", "51", &[group("a")]),
        permission("54", "53", &[group("b")]),
    ];
    assert_eq!(restricted(&two).level("11"), Level::Unknown);
    // That of changing the page hides nothing.
    let edit = object("ContentPermissionSet", "51", &[text("type", "Edit"), names("owningContent", "Page", "11")]);
    let by = object(
        "ContentPermission",
        "52",
        &[text("type", "Edit"), group("ops"), names("owningSet", "ContentPermissionSet", "51")],
    );
    assert_eq!(restricted(&[edit, by]).level("11"), Level::Open);
}

#[test]
fn a_restriction_of_which_nobody_knows_the_page_closes_them_all() {
    let of_nothing = object("ContentPermissionSet", "51", &[text("type", "View")]);
    let kindless = object("ContentPermissionSet", "51", &[text("title", "x")]);
    for stray in [permission("52", "51", &[group("ops")]), of_nothing, kindless] {
        let listing = Export::of(&[space(), page("11", &[]), page("12", &[]), stray]).listed();

        assert!(listing.items.iter().all(|item| item.level == Level::Unknown));
        assert!(listing.failures.iter().any(|failure| failure.code == "restriction_unknown"));
    }
}

#[test]
fn a_grant_is_to_everybody_only_where_it_is_to_nobody_else() {
    let granted = |more: &[String]| {
        let export = Export::of(&[space(), view("61", more)]);
        export.ask(|archive| archive.may_view(&archive.spaces().unwrap()[0]).unwrap())
    };
    let everybody = Subjects { anyone: true, ..Subjects::default() };

    assert_eq!(granted(&[text("group", ""), text("allUsersSubject", "")]), everybody);
    assert_eq!(granted(&[text("group", ""), text("userName", "")]), everybody);
    // Later versions leave out what has no value.
    assert_eq!(granted(&[text("creationDate", "2026-01-01 00:00:00.000")]), everybody);
    for nobody in [
        vec![text("group", ""), text("allUsersSubject", "authenticated-users")],
        vec![text("roleName", "viewer")],
        vec!["<property name=\"userSubject\" class=\"ConfluenceUserImpl\"></property>".to_owned()],
        vec![text("group", "staff"), names("userSubject", "ConfluenceUserImpl", "k1")],
    ] {
        assert_eq!(granted(&nobody), Subjects::default(), "{nobody:?}");
    }
}

#[test]
fn what_an_export_does_not_say_is_said_to_be_missing() {
    let export = Export::of(&[
        space(),
        page("11", &[]),
        object("SpacePermission", "60", &[text("type", "USECONFLUENCE"), text("group", "all")]),
    ]);

    export.ask(|archive| {
        let space = &archive.spaces().unwrap()[0];
        assert_eq!(archive.may_view(space).unwrap_err().code, "space_permissions_unknown");
        // A part of the permissions of the whole site may have come along; it is not the whole.
        assert_eq!(archive.may_use().unwrap_err().code, "use_unknown");
    });
    asking(export.0.path(), json!({"use_groups": ["staff"]}), |archive| {
        assert_eq!(*archive.may_use().unwrap().groups, ["staff".into()]);
        let codes: Vec<String> = listed(archive).failures.into_iter().map(|failure| failure.code).collect();
        assert_eq!(codes, ["memberships_unknown"]);
    });
}

#[test]
fn a_table_says_who_is_in_which_group_where_the_export_does_not() {
    let export = Export::of(&[
        space(),
        object("ConfluenceUserImpl", "k1", &[text("name", "Ada"), text("lowerName", "ada")]),
        view("61", &[text("group", "staff")]),
    ]);
    let table = file(b"staff,user,ada\nstaff,user,cy\nall,group,staff\n");

    asking(export.0.path(), json!({"memberships_file": table.path(), "use_groups": ["all"]}), |archive| {
        let people = archive.people().unwrap();
        let users: Vec<(&str, &str)> =
            people.accounts.iter().map(|account| (&*account.id.key, account.user_name.as_str())).collect();
        assert_eq!(users, [("k1", "Ada"), ("name:cy", "cy")]);
        let staff = people.groups.iter().find(|group| group.name == "staff").unwrap();
        assert_eq!(*staff.members, ["k1".into(), "name:cy".into()]);
        assert!(listed(archive).failures.is_empty());
    });
}

#[test]
fn of_a_user_whom_two_directories_list_both_must_agree() {
    let user = |id: &str, name: &str, directory: &str, active: &str| {
        let active = format!("<property name=\"active\">{active}</property>");
        object("InternalUser", id, &[text("name", name), active, names("directory", "DirectoryImpl", directory)])
    };
    let in_group = |id: &str, group: &str, name: &str, class: &str, member: &str| {
        object("HibernateMembership", id, &[names("parentGroup", "InternalGroup", group), names(name, class, member)])
    };
    let group = |id: &str, name: &str, directory: &str| {
        object("InternalGroup", id, &[text("name", name), names("directory", "DirectoryImpl", directory)])
    };
    let export = Export::of(&[
        space(),
        user("31", "ada", "1", "true"),
        user("32", "ada", "2", "true"),
        user("33", "bo", "1", "true"),
        user("34", "cy", "2", "false"),
        group("41", "staff", "1"),
        group("42", "staff", "2"),
        group("43", "devs", "1"),
        group("44", "devs", "2"),
        in_group("81", "41", "userMember", "InternalUser", "31"),
        in_group("82", "42", "userMember", "InternalUser", "32"),
        in_group("83", "44", "userMember", "InternalUser", "32"),
        in_group("84", "43", "userMember", "InternalUser", "33"),
        // In the first directory alone are all developers staff.
        in_group("85", "41", "groupMember", "InternalGroup", "43"),
        in_group("86", "44", "userMember", "InternalUser", "34"),
    ]);

    let people = export.ask(|archive| archive.people().unwrap());
    let members = |name: &str| {
        let group =
            people.groups.iter().find(|group| group.id == GroupId::Of(SourceId::parse("old").unwrap(), name.into()));
        let mut members: Vec<&str> = group.unwrap().members.iter().map(|key| &**key).collect();
        members.sort_unstable();
        members
    };

    assert_eq!((members("staff"), members("devs")), (vec!["name:ada", "name:bo"], vec!["name:bo", "name:cy"]));
    let active: Vec<bool> = people.accounts.iter().map(|account| account.active).collect();
    assert_eq!(active, [true, true, false]);
}

#[test]
fn what_is_no_export_is_told_from_one_that_is_damaged() {
    let entities = "<hibernate-generic datetime=\"x\"></hibernate-generic>";
    let descriptor = ("exportDescriptor.properties", &b"exportType=space\nspaceKey=ENG\n"[..]);
    let whole = zipped(&[("entities.xml", entities.as_bytes())]);
    assert_eq!(
        asking(whole.path(), json!({}), |archive| archive.connect().unwrap()),
        "the file is an export of a whole site"
    );

    assert_eq!(code(Path::new("/nowhere/export.zip")), "archive_missing");
    assert_eq!(code(Path::new("/dev/null")), "archive_unknown");
    assert_eq!(code(file(b"<html>").path()), "archive_unknown");
    assert_eq!(code(zipped(&[("index.html", b"x")]).path()), "archive_unknown");
    assert_eq!(code(zipped(&[("entities.xml", b"<html/>")]).path()), "archive_unknown");
    assert_eq!(code(zipped(&[("entities.xml", entities.as_bytes()), descriptor]).path()), "archive_broken");
    assert_eq!(code(zipped(&[("entities.xml", &entities.as_bytes()[..40])]).path()), "archive_broken");
    let mut bytes = std::fs::read(whole.path()).unwrap();
    bytes.truncate(bytes.len() / 2);
    assert_eq!(code(file(&bytes).path()), "archive_unknown");
    // A letter that changed on the way: the text is well-formed, and its sum is wrong.
    let stored = zipped_by(CompressionMethod::Stored, &[("entities.xml", entities.as_bytes())]);
    let mut bytes = std::fs::read(stored.path()).unwrap();
    let at = bytes.windows(8).position(|part| part == b"datetime").unwrap();
    bytes[at] = b'D';
    assert_eq!(code(file(&bytes).path()), "archive_broken");
}

#[test]
fn a_bomb_is_refused_before_it_goes_off() {
    // 160 MB of nothing that pack to 160 KB.
    let mut entities = vec![b' '; 160 << 20];
    entities[..19].copy_from_slice(b"<hibernate-generic>");
    let bomb = zipped(&[("entities.xml", &entities)]);

    assert_eq!(code(bomb.path()), "archive_hostile");
    // The same, where the archive says that it is small.
    let mut bytes = std::fs::read(bomb.path()).unwrap();
    let size = u32::try_from(entities.len()).unwrap().to_le_bytes();
    let places: Vec<usize> = (0..bytes.len() - 4).filter(|at| bytes[*at..*at + 4] == size).collect();
    for at in places {
        bytes[at..at + 4].copy_from_slice(&1000u32.to_le_bytes());
    }
    assert!(["archive_hostile", "archive_broken"].contains(&code(file(&bytes).path()).as_str()));
}

#[test]
fn no_name_in_an_export_leads_out_of_it() {
    let attached = |on: &str, id: &str| {
        object(
            "Attachment",
            id,
            &[
                text("title", "plan.txt"),
                text("contentType", "text/plain"),
                names("containerContent", "Page", on),
                "<property name=\"version\">1</property>".to_owned(),
                text("contentStatus", "current"),
            ],
        )
    };
    let export = Export::of(&[
        space(),
        page("11", &[]),
        page("../..", &[]),
        attached("11", "21"),
        attached("../..", "22"),
        attached("11", "../../x"),
    ]);
    export.put("attachments/11/21/1", "Inside.");
    let outside = file(b"Outside.");

    let listing = export.listed();
    let files: Vec<&str> =
        listing.items.iter().filter(|item| item.file.is_some()).map(|item| item.id.local()).collect();
    assert_eq!(files, ["att21"]);

    // A link in the folder that leads to a file of the machine.
    let place = export.0.path().join("attachments/11/21/1");
    std::fs::remove_file(&place).unwrap();
    std::os::unix::fs::symlink(outside.path(), &place).unwrap();
    let words = export.ask(|archive| {
        let listing = listed(archive);
        let item = listing.items.iter().find(|item| item.file.is_some()).unwrap();
        archive.fetch(&[item], &|_| None).remove(0)
    });
    assert_eq!(words.unwrap_err().code, "archive_hostile");
}

#[test]
fn an_export_that_is_written_anew_while_it_is_read_is_not_taken_for_either() {
    let export = Export::of(&[space(), page("11", &[]), body("11", "<p>Old.</p>")]);

    let read = export.ask(|archive| {
        let listing = listed(archive);
        export.put("entities.xml", "<hibernate-generic datetime=\"y\"></hibernate-generic>");
        archive.fetch(&[&listing.items[0]], &|_| None).remove(0)
    });

    assert_eq!(read.unwrap_err().code, "archive_changed");
}

#[test]
fn a_page_without_a_body_has_no_words_and_one_of_old_markup_is_said_to_have() {
    let old = object("BodyContent", "912", &[text("body", "h1. Hello"), names("content", "Page", "12")]);
    let export = Export::of(&[space(), page("11", &[]), page("12", &[]), old]);

    export.ask(|archive| {
        let listing = listed(archive);
        let items: Vec<&Item> = listing.items.iter().collect();
        let words = archive.fetch(&items, &|_| None);
        assert!(words[0].as_ref().unwrap().blocks.is_empty());
        assert_eq!(words[1].as_ref().unwrap_err().code, "old_markup");
    });
}

/// A site with one of each thing.
fn site() -> Value {
    json!({
        "users": [
            {"key": "k1", "account_id": "712020:ada", "username": "ada", "display_name": "Ada Byron", "email": "ada@example.com"},
            {"key": "k2", "username": "bo", "display_name": "Bo", "email": "bo@example.com", "active": false}],
        "groups": [{"name": "staff", "members": ["ada"], "groups": ["ops"]}, {"name": "ops", "members": ["bo"]}],
        "global_use": {"groups": ["staff"]},
        "spaces": [
            {"key": "ENG", "name": "Engineering", "view": {"groups": ["staff"], "anonymous": true}},
            {"key": "OLD", "name": "Old", "status": "archived", "view": {}}],
        "content": [
            {"id": "1001", "type": "page", "space": "ENG", "title": "Home", "created_by": "ada", "updated_by": "ada", "version": 2,
             "labels": ["team"], "body": "<p>Ask <ac:link><ri:user ri:userkey=\"k1\"/></ac:link>.</p><ac:structured-macro ac:name=\"code\"><ac:plain-text-body><![CDATA[x[y[0]] = 1]]></ac:plain-text-body></ac:structured-macro>"},
            {"id": "1002", "type": "page", "space": "ENG", "parent": "1001", "title": "Runbook", "created_by": "ada",
             "updated_by": "ada", "updated_at": "2026-03-01T09:15:27.412Z", "read": {"groups": ["ops"]}, "update": {"users": ["ada"]}, "body": "<p>Restart it.</p>"},
            {"id": "1003", "type": "blogpost", "space": "ENG", "title": "News", "created_by": "ada", "updated_by": "ada", "body": "<p>Hi.</p>"},
            {"id": "1004", "type": "comment", "container": "1002", "created_by": "ada", "updated_by": "ada", "location": "inline",
             "original_selection": "Restart it", "body": "<p>Twice.</p>"},
            {"id": "1005", "type": "comment", "container": "1002", "created_by": "ada", "updated_by": "ada", "location": "resolved",
             "original_selection": "it", "body": "<p>Done.</p>"},
            {"id": "att1006", "type": "attachment", "container": "1001", "title": "plan.txt", "media_type": "text/plain",
             "created_by": "ada", "updated_by": "ada", "base64": "TWluZCB0aGUgc3RlcC4="},
            {"id": "1007", "type": "page", "space": "OLD", "title": "Gone", "created_by": "ada", "updated_by": "ada"}]
    })
}

/// An export by the stand-in.
fn exported(flavour: &str, space: Option<&str>) -> tempfile::NamedTempFile {
    let written = file(site().to_string().as_bytes());
    file(&Standin::export(written.path(), flavour, space).unwrap())
}

#[test]
fn both_forms_of_the_export_of_a_whole_site_come_to_the_same() {
    for flavour in ["dc-7.19", "dc-10", "cloud"] {
        let export = exported(flavour, None);
        asking(export.path(), json!({}), |archive| {
            let spaces = archive.spaces().unwrap();
            assert_eq!(spaces.iter().map(|space| space.key.as_str()).collect::<Vec<_>>(), ["ENG"], "{flavour}");
            assert_eq!(*archive.may_use().unwrap().groups, ["staff".into()]);
            let view = archive.may_view(&spaces[0]).unwrap();
            assert_eq!((view.groups.as_slice(), view.anyone), (&["staff".into()][..], true), "{flavour}");
            let people = archive.people().unwrap();
            let names: Vec<(&str, &str, bool)> = (people.accounts.iter())
                .map(|account| (account.user_name.as_str(), account.display_name.as_str(), account.active))
                .collect();
            let (ada, bo) = if flavour == "cloud" { ("ada@example.com", "bo@example.com") } else { ("ada", "bo") };
            assert_eq!(names, [(ada, "Ada Byron", true), (bo, "Bo", false)], "{flavour}");
            assert_eq!(*people.groups.iter().find(|group| group.name == "staff").unwrap().groups, ["ops".into()]);

            let listing = listed(archive);
            assert!(listing.is_whole && listing.failures.is_empty(), "{flavour}: {:?}", listing.failures);
            let met: Vec<(&str, Kind)> = listing.items.iter().map(|item| (item.id.local(), item.kind)).collect();
            let all = [
                ("1001", Kind::Page),
                ("1002", Kind::Page),
                ("1003", Kind::Blogpost),
                ("1004", Kind::Comment),
                ("att1006", Kind::Attachment),
            ];
            assert_eq!(met, all, "{flavour}");
            let [home, runbook, _, comment, file] = listing.items.as_slice() else { panic!() };
            assert_eq!((home.level.clone(), runbook.level.clone()), (Level::Open, only(&[], &["ops"])), "{flavour}");
            assert_eq!((home.revision, home.labels.as_slice()), (2, &["team".to_owned()][..]));
            assert_eq!((runbook.ancestors.as_slice(), runbook.updated_ms), (&[home.id.clone()][..], 1_772_356_527_412));
            assert_eq!((runbook.author.as_str(), runbook.url.as_str()), ("Ada Byron", ""));

            let words = archive.fetch(&[home, comment, file], &|_| Some("Ada".to_owned()));
            let said = |place: usize| words[place].as_ref().unwrap().blocks.clone();
            let paragraph = |text: &str| Block::Paragraph { text: text.to_owned() };
            let code = Block::Code { language: None, text: "x[y[0]] = 1".to_owned() };
            assert_eq!(said(0), [paragraph("Ask @Ada."), code], "{flavour}");
            assert_eq!(said(1), [Block::Quote { text: "Restart it".to_owned() }, paragraph("Twice.")]);
            assert_eq!(said(2), [paragraph("Mind the step.")]);
        });
    }
}

#[test]
fn resolved_comments_are_taken_where_the_settings_say_so_and_links_lead_where_the_wiki_stands() {
    let export = exported("dc-10", None);

    asking(export.path(), json!({"resolved_comments": true, "url": "https://wiki.example/c/"}), |archive| {
        let listing = listed(archive);
        let urls: Vec<&str> = listing.items.iter().map(|item| item.url.as_str()).collect();
        assert!(urls.contains(&"https://wiki.example/c/pages/viewpage.action?pageId=1001"), "{urls:?}");
        assert!(listing.items.iter().any(|item| item.id.local() == "1005"));
    });
}

#[test]
fn the_export_of_one_space_is_that_space_alone_whatever_it_is() {
    for (key, pages) in [("ENG", 5), ("OLD", 1)] {
        let export = exported("dc-10", Some(key));
        asking(export.path(), json!({"use_groups": ["staff"], "personal_spaces": false}), |archive| {
            let spaces = archive.spaces().unwrap();
            assert_eq!((spaces.len(), spaces[0].key.as_str()), (1, key));
            assert_eq!(listed(archive).items.len(), pages, "{key}");
        });
    }
}

#[test]
fn the_connection_test_says_what_an_export_holds_and_what_is_missing() {
    let wrong = |file: &Path, more: Value| {
        asking(file, more, |archive| {
            let findings = examine::examine(archive);
            let wrong = findings
                .iter()
                .filter_map(|finding| Some((finding.what, finding.outcome.as_ref().err()?.code.clone())));
            wrong.collect::<Vec<_>>()
        })
    };

    assert_eq!(wrong(exported("dc-10", None).path(), json!({})), []);
    let alone = exported("dc-10", Some("ENG"));
    assert_eq!(
        wrong(alone.path(), json!({})),
        [("use", "use_unknown".to_owned()), ("groups", "memberships_unknown".to_owned())]
    );
    let attached = object("Attachment", "21", &[text("title", "a.txt"), names("containerContent", "Page", "11")]);
    let bare = Export::of(&[space(), page("11", &[]), attached, view("61", &[text("group", "")])]);
    assert_eq!(
        wrong(bare.0.path(), json!({"use_groups": ["all"]})),
        [("groups", "memberships_unknown".to_owned()), ("files", "files_missing".to_owned())]
    );
    assert_eq!(wrong(file(b"no").path(), json!({})), [("sign-in", "archive_unknown".to_owned())]);
}

#[test]
fn settings_that_an_archive_cannot_keep_are_refused() {
    let extractor = Extractor::in_process(&extract::Settings::default());
    let refused = |more: Value| Archive::open(&settings(Path::new("/x"), &more), &extractor).err().unwrap();

    assert!(refused(json!({"file": null})).contains("file"));
    assert!(refused(json!({"cql": "label = x"})).contains("cql"));
    assert!(refused(json!({"memberships_file": "/nowhere"})).contains("/nowhere"));
}
