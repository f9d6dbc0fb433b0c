//! The demo's site holds what the scene needs, and every link in it leads somewhere.

use std::collections::{HashMap, HashSet};

use quick_xml::events::{BytesStart, Event};

use super::*;

fn text<'a>(content: &'a Value, key: &str) -> &'a str {
    content[key].as_str().unwrap_or_default()
}

fn contents(site: &Value) -> &Vec<Value> {
    site["content"].as_array().unwrap()
}

#[test]
fn each_space_has_a_dozen_pages_and_the_site_has_every_kind_of_content() {
    let site = site();

    for space in ["HR", "AOA", "ACME"] {
        let pages = contents(&site).iter().filter(|one| text(one, "space") == space && text(one, "type") == "page");
        assert!(pages.count() >= 12, "{space}");
    }
    for kind in ["blogpost", "comment", "attachment"] {
        assert!(contents(&site).iter().any(|one| text(one, "type") == kind), "{kind}");
    }
    let begins = |media: &str, magic: &[u8]| {
        let found = contents(&site).iter().find(|one| text(one, "media_type").contains(media)).unwrap();
        base64::engine::general_purpose::STANDARD.decode(text(found, "base64")).unwrap().starts_with(magic)
    };
    assert!(begins("pdf", b"%PDF-") && begins("wordprocessingml", b"PK"));
}

#[test]
fn a_restricted_page_has_a_page_below_it_that_inherits() {
    let site = site();
    let restricted: Vec<&Value> = contents(&site).iter().filter(|one| one.get("read").is_some()).collect();

    assert!(restricted.len() >= 3);
    for page in restricted {
        let below = contents(&site).iter().find(|one| one["parent"] == page["id"]).unwrap();
        assert!(below.get("read").is_none(), "{}", page["title"]);
    }
}

#[test]
fn bodies_are_well_formed_and_their_links_lead_to_pages_files_and_people() {
    let site = site();
    let pages: HashSet<(&str, &str)> =
        contents(&site).iter().map(|one| (text(one, "space"), text(one, "title"))).collect();
    let users = site["users"].as_array().unwrap().iter();
    let people: HashSet<&str> = users.flat_map(|user| [text(user, "username"), text(user, "key")]).collect();
    for content in contents(&site) {
        let mut reader = quick_xml::Reader::from_str(text(content, "body"));
        reader.config_mut().check_end_names = true;
        let mut depth = 0;
        loop {
            match reader.read_event().unwrap_or_else(|error| panic!("{}: {error}", content["title"])) {
                Event::Start(tag) => {
                    depth += 1;
                    target(content, &tag, &pages, &people);
                }
                Event::Empty(tag) => target(content, &tag, &pages, &people),
                Event::End(_) => depth -= 1,
                Event::Eof => break,
                Event::Text(_) | Event::CData(_) | Event::Comment(_) => {}
                Event::Decl(_) | Event::PI(_) | Event::DocType(_) | Event::GeneralRef(_) => {
                    panic!("{}: no part of a page", content["title"])
                }
            }
        }
        assert_eq!(depth, 0, "{}", content["title"]);
    }
}

fn target(content: &Value, tag: &BytesStart<'_>, pages: &HashSet<(&str, &str)>, people: &HashSet<&str>) {
    let attributes: HashMap<String, String> = tag
        .attributes()
        .map(|one| one.unwrap())
        .map(|one| (one.key.as_ref().to_owned(), one.value.to_string()))
        .collect();
    let space = attributes.get("ri:space-key").map_or_else(|| text(content, "space"), String::as_str);
    let page = text(content, "title");
    match tag.name().as_ref() {
        "ri:page" => {
            assert!(pages.contains(&(space, attributes["ri:content-title"].as_str())), "{page}: {attributes:?}")
        }
        "ri:user" => {
            let user = attributes.get("ri:userkey").or(attributes.get("ri:username")).unwrap();
            assert!(people.contains(user.as_str()), "{page}: {attributes:?}");
        }
        "ri:attachment" => assert!(pages.contains(&("", attributes["ri:filename"].as_str())), "{page}: {attributes:?}"),
        _ => {}
    }
}

#[test]
fn everyone_who_signs_in_is_a_user_of_the_wiki_by_the_same_name() {
    let site = site();
    let names: HashSet<&str> = site["users"].as_array().unwrap().iter().map(|user| text(user, "username")).collect();

    let people = people();

    assert!(people.iter().all(|person| names.contains(person.username.as_str())));
    let in_group = |group: &str| people.iter().filter(|person| person.groups.iter().any(|one| one == group)).count();
    assert_eq!((in_group("sotto-administrators"), in_group("sotto-auditors"), people.len()), (1, 1, 4));
}
