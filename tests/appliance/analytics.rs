//! How much is asked: numbers by day and by group, and never a question, a person, or a number that tells of few.

use serde_json::{Value, json};
use sotto::app::nouns::{Clock, Moment};

use crate::support::{Appliance, Parts, Site, assert_nowhere};

const LEAVE: &str = "How many days of annual leave does an employee have?";
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Eleven people, of whom six are in sales, two on the board, and ten in the staff.
fn site() -> Site {
    let names: Vec<String> = (1..=11).map(|number| format!("person{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let site = names.iter().fold(Site::new().user("ana"), |site, name| site.user(name));
    site.group("sales", &names[..6], &[])
        .group("board", &names[..2], &[])
        .group("staff", &names[..10], &[])
        .space("HR", &["confluence-users"])
        .page("HR", "101", None, "Annual leave", "<p>Every employee has 28 days of annual leave in a year.</p>")
}

fn house() -> Appliance {
    let noon = Clock::held(Moment::parse("2026-11-24T12:00:00Z").unwrap());
    let house = Appliance::made_of(Parts { clock: noon, ..Parts::plain() }, &site(), |_| {});
    house.refresh();
    house
}

/// The day after, when the day before is told.
fn tomorrow(house: &Appliance) -> Value {
    house.clock().advance(DAY_MS);
    house.wait_until("the day is closed", |house| {
        let told = house.sign_in("ana").json("/api/v1/admin/analytics").unwrap();
        !told["days"].as_array().unwrap().is_empty()
    });
    house.sign_in("ana").json("/api/v1/admin/analytics").unwrap()
}

#[test]
fn a_day_is_told_in_numbers_when_it_is_over_and_of_groups_only_what_tells_of_no_few() {
    let house = house();
    for number in 1..=11 {
        let mut browser = house.sign_in(&format!("person{number}"));
        let answer = house.ask(&mut browser, LEAVE);
        if number <= 5 {
            let path = format!("/api/v1/messages/{}/feedback", answer["message_id"].as_str().unwrap());
            for body in [json!({ "rating": "up", "reasons": [] }), json!({ "rating": "down", "reasons": ["outdated"] })]
            {
                assert!(browser.send("POST", &path, Some(&body)).unwrap().status < 300);
            }
        }
    }
    let now = house.sign_in("ana").json("/api/v1/admin/analytics").unwrap();
    assert_eq!((&now["days"], &now["groups"]), (&json!([]), &json!([])), "today is not told");

    let told = tomorrow(&house);

    let day = &told["days"][0];
    assert_eq!(
        (&day["day"], &day["questions"], &day["people"]),
        (&json!("2026-11-24"), &json!(11), &json!(11)),
        "{told}"
    );
    assert_eq!((&day["answered"], &day["refused"], &day["seats"]), (&json!(11), &json!(0), &json!(12)), "{told}");
    assert!(day["answer"]["p95_ms"].as_u64().unwrap() >= day["first_sentence"]["p50_ms"].as_u64().unwrap(), "{told}");
    assert_eq!(
        (&day["rated_up"], &day["rated_down"], &day["codes"]),
        (&Value::Null, &json!(5), &json!({ "outdated": 5 }))
    );
    let groups: Vec<&str> =
        told["groups"].as_array().unwrap().iter().map(|group| group["name"].as_str().unwrap()).collect();
    // Of the board two people would be told of; of the staff the one who is not in it.
    assert!(groups.contains(&"sales") && !groups.contains(&"board") && !groups.contains(&"staff"), "{told}");
    for word in ["person1", "annual", "leave"] {
        assert!(!told.to_string().contains(word), "{word} stands in {told}");
    }
    assert!(house.audit_lines().concat().contains(r#""what":"analytics""#), "the look is on record");
}

#[test]
fn of_four_people_nothing_is_told_and_nothing_is_kept_that_tells_who_asked() {
    let house = house();
    let ids: Vec<String> = (1..=4).map(|number| house.person_id(&format!("person{number}"))).collect();
    for number in 1..=4 {
        house.ask(&mut house.sign_in(&format!("person{number}")), LEAVE);
    }

    let told = tomorrow(&house);

    let day = &told["days"][0];
    for number in ["people", "questions", "answered", "refused", "first_sentence", "answer", "rated_up"] {
        assert_eq!(day[number], Value::Null, "{number} of {told}");
    }
    assert_eq!(told["groups"], json!([]));
    assert!(!told.to_string().contains(&ids[0]));
    assert_nowhere(house.folder(), LEAVE);
}

#[test]
fn counts_are_kept_as_long_as_the_settings_say_and_not_at_all_where_they_say_so() {
    let off = Appliance::with_settings(&site(), |settings| settings.analytics.keep_days = 0);
    off.ask(&mut off.sign_in("person1"), LEAVE);
    let told = off.sign_in("ana").json("/api/v1/admin/analytics").unwrap();
    assert_eq!((&told["is_on"], &told["days"]), (&json!(false), &json!([])));
    let many = off.sign_in("ana").send("GET", "/api/v1/admin/analytics?days=401", None).unwrap();
    assert_eq!(many.status, 400, "{}", many.text);
}
