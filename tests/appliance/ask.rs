//! Asking: different people, different answers; every sentence with its source; bad questions told what to mend.

use serde_json::{Value, json};

use crate::support::{Appliance, Site, claims, sources};

#[test]
fn two_people_ask_the_same_and_are_answered_from_their_own_pages() {
    let house = Appliance::with(&Site::two_projects());
    let (mut mateo, mut mary) = (house.sign_in("mateo"), house.sign_in("mary"));

    let his = house.ask(&mut mateo, "Who is the team led by?");
    let hers = house.ask(&mut mary, "Who is the team led by?");

    assert!(claims(&his).concat().contains("Rosa Quintana"), "{his}");
    assert!(claims(&hers).concat().contains("Viktor Lindqvist"), "{hers}");
    assert_eq!((sources(&his), sources(&hers)), (vec!["The AnyOrg team".to_owned()], vec!["The ACME team".to_owned()]));
}

#[test]
fn the_same_question_on_a_page_for_all_has_the_same_answer() {
    let house = Appliance::with(&Site::two_projects());
    let (mut mateo, mut mary) = (house.sign_in("mateo"), house.sign_in("mary"));

    let his = house.ask(&mut mateo, "How many days of annual leave does an employee have?");
    let hers = house.ask(&mut mary, "How many days of annual leave does an employee have?");

    assert!(claims(&his).concat().contains("28 days"), "{his}");
    assert_eq!((&his["claims"], &his["sources"]), (&hers["claims"], &hers["sources"]));
}

#[test]
fn the_stream_tells_a_source_before_the_first_sentence_that_cites_it_and_ends_with_the_answer() {
    let house = Appliance::with(&Site::two_projects());
    let mut mateo = house.sign_in("mateo");

    let events = mateo.ask(&json!({ "question": "How many days of annual leave does an employee have?" })).unwrap();

    let names: Vec<&str> = events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!((names[0], names[1], *names.last().unwrap()), ("started", "progress", "answer"));
    let first_claim = names.iter().position(|name| *name == "claim").unwrap();
    for number in events[first_claim].data["citations"].as_array().unwrap() {
        let told = events[..first_claim].iter().any(|event| event.name == "source" && event.data["number"] == *number);
        assert!(told, "source {number} was not told before the sentence that cites it");
    }
    let told: Vec<&Value> =
        events.iter().filter(|event| event.name == "claim").map(|event| &event.data["text"]).collect();
    let answer = &events.last().unwrap().data;
    let kept: Vec<&Value> = answer["claims"].as_array().unwrap().iter().map(|claim| &claim["text"]).collect();
    assert_eq!(told, kept);
}

#[test]
fn quotes_are_places_in_the_passages_own_text() {
    let site = Site::two_projects().page("HR", "102", None, "Bikes", "<p>🚲 Bikes are parked in hall 7 🅿.</p>");
    let house = Appliance::with(&site);
    let mut mateo = house.sign_in("mateo");

    let answer = house.ask(&mut mateo, "Where are bikes parked?");

    let passage = &answer["sources"][0]["passages"][0];
    let units: Vec<u16> = passage["text"].as_str().unwrap().encode_utf16().collect();
    let quote = &passage["quotes"][0];
    let (start, end) = (quote[0].as_u64().unwrap() as usize, quote[1].as_u64().unwrap() as usize);
    let quoted = String::from_utf16(&units[start..end]).unwrap();
    assert!(quoted.contains("hall 7"), "{quoted:?} in {passage}");
}

#[test]
fn what_no_page_answers_is_declined_without_sources() {
    let house = Appliance::with(&Site::two_projects());
    let mut mateo = house.sign_in("mateo");

    let answer = house.ask(&mut mateo, "Which orchestra performs in Vienna tonight?");

    assert_eq!(answer["outcome"], "refused");
    assert_eq!(answer["refusal"], "I did not find this in pages you can open.");
    assert_eq!((&answer["sources"], &answer["claims"]), (&json!([]), &json!([])));
}

#[test]
fn a_question_that_is_empty_enormous_or_no_text_is_refused_with_the_limit_named() {
    let house = Appliance::with(&Site::two_projects());
    let mut mateo = house.sign_in("mateo");
    let enormous = "why ".repeat(1025);

    let empty = mateo.send("POST", "/api/v1/ask", Some(&json!({ "question": " \u{200b} " }))).unwrap();
    let large = mateo.send("POST", "/api/v1/ask", Some(&json!({ "question": enormous }))).unwrap();
    let headers =
        [("x-sotto", "1"), ("origin", house.base.as_str().trim_end_matches('/')), ("content-type", "application/json")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let bytes = mateo.send_raw("POST", "/api/v1/ask", &headers, b"{\"question\": \"\xff\xfe\"}".to_vec()).unwrap();

    assert_eq!((empty.status, large.status, bytes.status), (400, 400, 400));
    assert!(large.json()["detail"].as_str().unwrap().contains("4096"), "{}", large.text);
    assert!(empty.header("content-type").unwrap().starts_with("application/problem+json"));
    assert!(bytes.text.contains("UTF-8"), "{}", bytes.text);
}

#[test]
fn a_follow_up_leans_on_the_question_before_it() {
    let site = Site::two_projects().page(
        "HR",
        "103",
        None,
        "Sick leave",
        "<p>Employees have sick leave of 12 weeks. Interns have sick leave of 3 weeks.</p>",
    );
    let house = Appliance::with(&site);
    let mut mateo = house.sign_in("mateo");
    let first = house.ask(&mut mateo, "How many weeks of sick leave do employees have?");

    let body = json!({ "question": "And interns?", "conversation_id": first["conversation_id"] });
    let second = mateo.ask(&body).unwrap().last().unwrap().data.clone();

    assert!(claims(&second).concat().contains("3 weeks"), "{second}");
    assert_eq!(second["conversation_id"], first["conversation_id"]);
}

#[test]
fn search_finds_by_the_exact_title_and_narrows_to_spaces() {
    let house = Appliance::with(&Site::two_projects());
    let mut mateo = house.sign_in("mateo");

    let found = mateo.send("POST", "/api/v1/search", Some(&json!({ "query": "Annual leave" }))).unwrap().json();
    let narrowed = mateo
        .send("POST", "/api/v1/search", Some(&json!({ "query": "Annual leave", "spaces": ["ANY"] })))
        .unwrap()
        .json();

    assert_eq!(found["results"][0]["document_id"], "wiki:101");
    assert!(narrowed["results"].as_array().unwrap().iter().all(|row| row["space"]["key"] == "ANY"), "{narrowed}");
}

#[test]
fn passages_that_stand_beside_each_other_are_one_result_and_a_copy_of_the_page_is_none() {
    let lines =
        |word: &str| format!("<p>{}</p>", format!("The {word} 🚲 is kept in the hall behind the gate. ").repeat(20));
    let body = format!("<h1>Bikes</h1>{}<h1>Scooters</h1>{}", lines("bike"), lines("scooter"));
    let site = Site::two_projects()
        .page("HR", "104", None, "Hall", &body)
        .page("HR", "105", None, "Hall, once more", &body)
        .page("HR", "106", None, "Gate", "<p>The gate opens at six.</p>");
    let house = Appliance::with(&site);
    let mut mateo = house.sign_in("mateo");

    let search = json!({ "query": "scooter hall gate" });
    let found = mateo.send("POST", "/api/v1/search", Some(&search)).unwrap().json();

    let results = found["results"].as_array().unwrap();
    let about = |row: &&Value| row["text"].as_str().unwrap().contains("The scooter");
    assert_eq!(results.iter().filter(about).count(), 1, "{found}");
    let text = results.iter().find(about).unwrap()["text"].as_str().unwrap();
    assert!(text.find("The bike").unwrap() < text.find("\nScooters\nThe scooter").unwrap(), "{text}");
    assert!(results.iter().any(|row| row["document_id"] == "wiki:106"), "{found}");
    for row in results {
        let units: Vec<u16> = row["text"].as_str().unwrap().encode_utf16().collect();
        for quote in row["quotes"].as_array().unwrap() {
            let (start, end) = (quote[0].as_u64().unwrap() as usize, quote[1].as_u64().unwrap() as usize);
            let quoted = String::from_utf16(&units[start..end]).unwrap().to_lowercase();
            assert!(quoted.starts_with("scooter") || ["hall", "gate"].contains(&quoted.as_str()), "{quoted}");
        }
    }
}

#[test]
fn a_question_is_narrowed_as_a_search_is() {
    let page = |id: &str, days: u32, updated_by: &str, updated_at: &str, label: &str| {
        json!({
            "id": id, "type": "page", "space": "HR", "title": format!("Study leave {id}"), "updated_by": updated_by,
            "updated_at": updated_at, "labels": [label], "body": format!("<p>Study leave is {days} days a year.</p>")
        })
    };
    let site = Site::two_projects()
        .content(page("110", 3, "mary", "2024-05-01T09:00:00.000Z", "draft"))
        .content(page("111", 4, "mateo", "2025-05-01T09:00:00.000Z", "draft"))
        .content(page("112", 5, "ana", "2026-05-01T09:00:00.000Z", "official"));
    let house = Appliance::with(&site);
    let mut mateo = house.sign_in("mateo");

    let (question, search) = ("question", "query");
    let narrowings = [
        (json!({ "labels": ["OFFICIAL"] }), Some("112")),
        (json!({ "authors": ["Mary"] }), Some("110")),
        (json!({ "updated_after": "2026-05-01T09:00:00Z", "labels": ["official", "draft"] }), Some("112")),
        (json!({ "updated_before": "2025-05-01T11:00:00+02:00", "labels": ["draft"] }), Some("110")),
        (json!({ "updated_after": "2025-01-01T00:00:00Z", "updated_before": "2026-01-01T00:00:00Z" }), Some("111")),
        (json!({ "labels": ["official"], "authors": ["mary"] }), None),
        (json!({ "spaces": ["ANY"], "labels": ["official"] }), None),
    ];
    for (narrowing, wanted) in narrowings {
        let with = |name: &str| {
            let mut body = narrowing.clone();
            body[name] = json!("How many days of study leave are there a year?");
            body
        };
        let answer = mateo.send("POST", "/api/v1/ask", Some(&with(question))).unwrap().json();
        let found = mateo.send("POST", "/api/v1/search", Some(&with(search))).unwrap().json();

        let wanted: Vec<String> = wanted.iter().map(|id| format!("wiki:{id}")).collect();
        let ids = |rows: &Value| -> Vec<String> {
            rows.as_array().unwrap().iter().map(|row| row["document_id"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(ids(&answer["sources"]), wanted, "{narrowing}: {answer}");
        assert_eq!(ids(&found["results"]), wanted, "{narrowing}: {found}");
    }

    let wrong = [
        (json!({ "updated_after": "yesterday" }), "updated_after"),
        (json!({ "labels": vec!["a"; 101] }), "labels"),
        (json!({ "spaces": vec!["a"; 101] }), "spaces"),
        (json!({ "label": ["official"] }), "label"),
    ];
    for (mut body, named) in wrong {
        body["question"] = json!("How many days of study leave are there a year?");
        let heard = mateo.send("POST", "/api/v1/ask", Some(&body)).unwrap();
        assert_eq!(heard.status, 400, "{body}");
        assert!(heard.json()["detail"].as_str().unwrap().contains(named), "{}", heard.text);
    }
}

#[test]
fn odd_queries_are_neither_errors_nor_query_language() {
    let house = Appliance::with(&Site::two_projects());
    let mut mateo = house.sign_in("mateo");

    for query in ["a", "🚲", "the of and", "\"unbalanced", "title:x AND (", "*:*", "-", "läuft 走る бег"] {
        let heard = mateo.send("POST", "/api/v1/search", Some(&json!({ "query": query }))).unwrap();
        assert_eq!(heard.status, 200, "{query}: {}", heard.text);
    }
}
