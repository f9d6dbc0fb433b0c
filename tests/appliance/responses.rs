//! Response settings: topics for some and not for others, phrases that are not said, and how much is told.

use std::sync::Arc;

use serde_json::json;
use sotto::app::nouns::{Embed, ModelError, Stop, Vector};
use sotto::config::Settings;

use crate::support::{Appliance, Parts, Site, claims, is_skipped, real_models};

const PAY: &str = "What are the salary bands of designers?";

fn site() -> Site {
    Site::two_projects()
        .page("HR", "102", None, "Salary bands", "<p>The salary band of designers is 40 to 60.</p>")
        .page(
            "HR",
            "103",
            None,
            "Parking",
            "<p>Cars are parked in hall 7. Cars of Pröject-Falcon are parked in hall 9.</p>",
        )
}

fn with(application: &str) -> impl FnOnce(&mut Settings) {
    let read = Settings::parse(&format!("[application]\n{application}")).unwrap();
    move |settings| settings.application = read.application
}

fn refusal(answer: &serde_json::Value) -> &str {
    assert_eq!((&answer["outcome"], &answer["claims"]), (&json!("refused"), &json!([])), "{answer}");
    answer["refusal"].as_str().unwrap()
}

#[test]
fn who_is_not_in_a_topics_group_is_declined_in_fixed_words_and_who_is_in_it_is_answered() {
    let topic = format!(
        "[[application.topic]]\nname = \"pay\"\nexamples = [{PAY:?}]\nrule = \"allow\"\ngroups = [\"acme-team\"]"
    );
    let house = Appliance::with_settings(&site(), with(&topic));
    let (mut mateo, mut mary) = (house.sign_in("mateo"), house.sign_in("mary"));

    let his = house.ask(&mut mateo, PAY);
    let hers = house.ask(&mut mary, PAY);
    let other = house.ask(&mut mateo, "How many days of annual leave does an employee have?");

    assert_eq!(refusal(&his), "I do not answer questions on this topic for you.");
    assert_eq!((&his["related"], &his["sources"]), (&json!([]), &json!([])));
    assert!(claims(&hers).concat().contains("40 to 60"), "{hers}");
    assert!(claims(&other).concat().contains("28 days"), "{other}");
    let recalled = mateo.json(&format!("/api/v1/conversations/{}", his["conversation_id"].as_str().unwrap())).unwrap();
    assert_eq!(recalled["messages"][0]["answer"]["refusal"], his["refusal"]);
    let denied: Vec<String> =
        house.audit_lines().into_iter().filter(|line| line.contains("\"why\":\"topic\"")).collect();
    assert_eq!(denied.len(), 1, "{denied:?}");
    assert!(!denied[0].contains("pay"), "which topic is not on record: {denied:?}");
}

#[test]
fn a_topic_that_is_denied_to_a_group_nobody_has_is_denied_to_all() {
    let topic = format!(
        "[[application.topic]]\nname = \"pay\"\nexamples = [{PAY:?}]\nrule = \"deny\"\ngroups = [\"acme-teem\"]"
    );
    let house = Appliance::with_settings(&site(), with(&topic));

    for name in ["mateo", "mary"] {
        let mut person = house.sign_in(name);
        assert_eq!(refusal(&house.ask(&mut person, PAY)), "I do not answer questions on this topic for you.");
    }
}

#[test]
fn a_blocked_phrase_is_in_no_question_sentence_or_source_however_it_is_written() {
    let house = Appliance::with_settings(&site(), with("blocked_phrases = [\"project falcon\"]"));
    let mut mateo = house.sign_in("mateo");

    let asked = house.ask(&mut mateo, "Where does ＰＲＯＪＥＣＴ  Falcon park?");
    let events = mateo.ask(&json!({ "question": "Where are cars parked?" })).unwrap();

    assert!(refusal(&asked).contains("words that your company"), "{asked}");
    let told = events.iter().map(|event| event.data.to_string()).collect::<Vec<_>>().concat();
    assert!(told.contains("hall 7") && !told.contains("Falcon"), "{told}");
    let passage = &events.last().unwrap().data["sources"][0]["passages"][0];
    let text = passage["text"].as_str().unwrap();
    let quote = &passage["quotes"][0];
    let units: Vec<u16> = text.encode_utf16().collect();
    let quoted = &units[quote[0].as_u64().unwrap() as usize..quote[1].as_u64().unwrap() as usize];
    assert_eq!(String::from_utf16(quoted).unwrap(), "Cars are parked in hall 7.", "the marks stand where they stood");
}

#[test]
fn a_phrase_blocked_later_is_held_back_in_old_answers_too() {
    let house = Appliance::with(&site());
    let mut mateo = house.sign_in("mateo");
    let answer = house.ask(&mut mateo, "Where is Project-Falcon parked?");
    assert!(claims(&answer).concat().contains("hall 9"), "{answer}");

    let house = house.restart_with(with("blocked_phrases = [\"project falcon\"]"));
    let mut mateo = house.sign_in("mateo");
    let recalled =
        mateo.json(&format!("/api/v1/conversations/{}", answer["conversation_id"].as_str().unwrap())).unwrap();

    let answer = recalled["messages"][0]["answer"].to_string();
    assert!(!answer.contains("hall 9") && !answer.contains("Falcon"), "{answer}");
}

#[test]
fn the_tone_changes_what_the_assistant_says_itself_and_no_sentence_of_a_page() {
    let (plain, formal) =
        (Appliance::with(&site()), Appliance::with_settings(&site(), with("tone = \"formal\"\nlength = \"short\"")));
    let asked = |house: &Appliance, question: &str| house.ask(&mut house.sign_in("mateo"), question);
    let leave = "How many days of annual leave does an employee have?";
    let none = "Which orchestra performs in Vienna tonight?";

    assert_eq!(claims(&asked(&plain, leave)), claims(&asked(&formal, leave)));
    assert_eq!(refusal(&asked(&plain, none)), "I did not find this in pages you can open.");
    assert_eq!(refusal(&asked(&formal, none)), "No answer to this question was found in the pages that you may open.");
}

#[test]
fn a_topic_is_known_by_meaning_where_the_embedder_is_there() {
    let models = real_models("smollm2-135m-instruct-q4_1");
    if is_skipped("the weights of SmolLM2 and MiniLM (models/fetch.sh)", models.is_some()) {
        return;
    }
    let topic = "[[application.topic]]\nname = \"pay\"\nrule = \"allow\"\nexamples = [\"What are the salary bands?\", \
        \"How much does a manager earn?\", \"When are salaries reviewed?\"]";
    let parts = Parts { embed: models.unwrap().embed, ..Parts::plain() };
    let house = Appliance::made_of(parts, &site(), with(topic));
    house.refresh();
    let mut mateo = house.sign_in("mateo");
    let is_denied =
        |answer: &serde_json::Value| answer["refusal"] == "I do not answer questions on this topic for you.";

    for question in ["How much money does a developer make here?", "How is compensation decided?", "salary of the CEO"]
    {
        assert!(is_denied(&house.ask(&mut mateo, question)), "{question}");
    }
    for question in ["How do I book travel?", "Where are cars parked?", "How many days of annual leave do I get?"] {
        assert!(!is_denied(&house.ask(&mut mateo, question)), "{question}");
    }
}

#[test]
fn where_the_embedder_fails_words_decide_and_the_topic_stays_shut() {
    /// Never makes a vector.
    struct Fails;
    impl Embed for Fails {
        fn embed(&self, _: &[&str], _: &Stop) -> Result<Vec<Vector>, ModelError> {
            Err(ModelError::Busy)
        }
    }
    let topic = format!("[[application.topic]]\nname = \"pay\"\nexamples = [{PAY:?}]\nrule = \"allow\"");
    let parts = Parts { embed: Some(Arc::new(Fails)), ..Parts::plain() };
    let house = Appliance::made_of(parts, &site(), with(&topic));
    house.refresh();
    let mut mateo = house.sign_in("mateo");

    let answer = house.ask(&mut mateo, "Which salary has a designer?");

    assert_eq!(refusal(&answer), "I do not answer questions on this topic for you.");
}
