//! Every restriction on the way up to a page, by one answer of Data Center: told whole, or not at all.

use super::*;

/// The page 4 below 1, 2 and 3, as a listing gives it.
fn below(confluence: &Confluence<'_>) -> Item {
    let above: Vec<DocumentId> = ["1", "2", "3"].map(|local| DocumentId::new("wiki", local).unwrap()).into();
    Item { ancestors: above, ..listing(confluence).items.remove(0) }
}

/// One restricted level, which names a group.
fn entry(id: &str, group: &str) -> Value {
    let mut entry = lists(vec![], vec![json!({"type": "group", "name": group})])["read"].clone();
    entry["content"] = json!({"id": id, "type": "page"});
    entry
}

fn list(results: Vec<Value>) -> Value {
    json!({"viewContentRestrictions": {"results": results}})
}

/// The page 4 as it is when it is asked for by itself.
fn standing_below(above: &[&str]) -> Value {
    let above: Vec<Value> = above.iter().map(|id| json!({"id": id, "type": "page"})).collect();
    page(4, json!({"ancestors": above}))
}

/// What is read of such an answer: the id of each level, and how many it names.
fn told(status: u16, body: Value) -> Option<Vec<(String, usize)>> {
    told_of(status, body, standing_below(&["1", "2", "3"]))
}

/// The same where the page stands so by then.
fn told_of(status: u16, body: Value, now: Value) -> Option<Vec<(String, usize)>> {
    let answer = move |path: &str| match path {
        path if path.contains("/content/4/restriction/relevantViewRestrictions?") => {
            (status, "application/json", body.to_string())
        }
        path if path.contains("/content/4?") => ok(now.clone()),
        _ => alone(page(4, json!({})))(path),
    };
    with(answer, |confluence, _| {
        let levels = confluence.restricted_above(&[&below(confluence)]).remove(0)?;
        let named = |level: &Level| match level {
            Level::Only(subjects) => subjects.groups.len() + subjects.accounts.len(),
            Level::Open | Level::Unknown => panic!("{level:?} is told as a restriction"),
        };
        Some(levels.iter().map(|(id, level)| (id.local().to_owned(), named(level))).collect())
    })
}

fn of(levels: &[(&str, usize)]) -> Option<Vec<(String, usize)>> {
    Some(levels.iter().map(|(id, count)| ((*id).to_owned(), *count)).collect())
}

#[test]
fn each_restricted_level_is_told_with_whom_it_names_and_the_rest_is_open() {
    let mut by_number = entry("2", "ops");
    by_number["content"]["id"] = json!(2);

    assert_eq!(told(200, list(vec![])), of(&[]));
    assert_eq!(told(200, list(vec![by_number, entry("4", "board")])), of(&[("2", 1), ("4", 1)]));
    let mut counted = list(vec![entry("1", "ops")]);
    let more = json!({"start": 0, "limit": 50, "size": 1, "_links": {"base": "http://elsewhere.example"}});
    counted["viewContentRestrictions"].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    assert_eq!(told(200, counted), of(&[("1", 1)]));
}

#[test]
fn an_answer_that_is_refused_or_absent_or_none_tells_nothing() {
    for (status, body) in [
        (403, json!({"statusCode": 403})),
        (404, json!({"statusCode": 404})),
        (503, json!({})),
        (200, json!({})),
        (200, json!({"viewContentRestrictions": {}})),
    ] {
        assert_eq!(told(status, body.clone()), None, "{status} {body}");
    }
}

#[test]
fn a_list_that_may_go_on_tells_nothing() {
    let cut = |more: Value| {
        let mut answer = list(vec![entry("1", "ops"), entry("2", "ops")]);
        answer["viewContentRestrictions"].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        told(200, answer)
    };

    assert_eq!(cut(json!({"limit": 3})), of(&[("1", 1), ("2", 1)]));
    for more in [
        json!({"limit": 2}),
        json!({"start": 1}),
        json!({"size": 3}),
        json!({"_links": {"next": "/rest/api/content/4/restriction/relevantViewRestrictions?start=2"}}),
    ] {
        assert_eq!(cut(more.clone()), None, "{more}");
    }
    let fifty: Vec<Value> = (0..50).map(|_| entry("1", "ops")).collect();
    assert_eq!(told(200, list(fifty)), None);
}

#[test]
fn a_level_of_a_stranger_or_one_that_is_not_whole_tells_nothing() {
    let spoilt = |spoil: &dyn Fn(&mut Value)| {
        let mut answer = list(vec![entry("1", "ops"), entry("2", "ops")]);
        spoil(&mut answer["viewContentRestrictions"]["results"][1]);
        told(200, answer)
    };
    let many: Vec<Value> = (0..200).map(|n| json!({"type": "known", "userKey": n.to_string()})).collect();

    assert_eq!(spoilt(&|_| {}), of(&[("1", 1), ("2", 1)]));
    assert_eq!(spoilt(&|level| level["content"]["id"] = json!("4711")), None, "neither the page nor one above it");
    assert_eq!(spoilt(&|level| level["content"] = Value::Null), None, "of which page is not told");
    assert_eq!(spoilt(&|level| level["content"]["id"] = json!("1")), None, "two of one page");
    assert_eq!(spoilt(&|level| level["operation"] = json!("update")), None, "not of reading");
    assert_eq!(spoilt(&|level| level["restrictions"]["user"] = Value::Null), None, "without its users");
    assert_eq!(
        spoilt(&|level| level["restrictions"]["group"]["results"] = json!([])),
        None,
        "restricted, and to nobody"
    );
    assert_eq!(spoilt(&|level| level["restrictions"]["user"]["results"] = json!(many)), None, "perhaps to more");
    assert_eq!(
        spoilt(&|level| level["restrictions"]["group"]["_links"] = json!({"next": "/x"})),
        None,
        "to more groups"
    );
}

#[test]
fn a_page_that_went_elsewhere_since_it_was_listed_tells_nothing() {
    for above in [&["1", "3"][..], &["1", "2"], &["1", "2", "3", "5"], &["3", "2", "1"], &[]] {
        assert_eq!(told_of(200, list(vec![]), standing_below(above)), None, "{above:?}");
    }
    assert_eq!(told_of(200, list(vec![]), json!({"id": "4"})), None, "where it stands is not told");
    assert_eq!(told_of(200, list(vec![]), json!({"statusCode": 404})), None, "it is gone");
}
