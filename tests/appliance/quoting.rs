//! Answers without the language model: where it is busy, missing or fails, pages are quoted, and every surface says so.

use std::ops::ControlFlow;
use std::sync::Arc;

use serde_json::{Value, json};
use sotto::app::nouns::{Ending, Generate, Limits, ModelError, Prompt, Scripted, Stop};

use crate::support::{Appliance, Gate, Parts, Site, claims, sources};

const LEAVE: &str = "How many days of annual leave does an employee have?";

fn ask(question: &str) -> Value {
    json!({ "question": question })
}

/// Whether an answer is marked as quoted, and why.
fn mark(answer: &Value) -> (&str, Option<&str>) {
    (answer["mode"].as_str().unwrap(), answer["because"].as_str())
}

#[test]
fn who_asks_while_the_model_is_busy_is_answered_by_quoting_and_told_so() {
    let gate = Arc::new(Gate::default());
    let parts = Parts { generate: Some(gate.clone()), ..Parts::plain() };
    let house = Appliance::made_of(parts, &Site::two_projects(), |settings| {
        (settings.data.turns_max, settings.data.turn_wait_s) = (1, 0);
    });
    house.refresh();
    let (mut mateo, mut mary) = (house.sign_in("mateo"), house.sign_in("mary"));
    gate.shut();

    let (his, hers) = std::thread::scope(|scope| {
        let asking = scope.spawn(|| mateo.send("POST", "/api/v1/ask", Some(&ask(LEAVE))).unwrap().json());
        gate.wait();
        let hers = mary.ask(&ask(LEAVE)).unwrap();
        gate.open();
        (asking.join().unwrap(), hers)
    });

    assert_eq!(mark(&his), ("written", None), "{his}");
    let names: Vec<&str> = hers.iter().map(|event| event.name.as_str()).collect();
    let (mode, claim) = (names.iter().position(|name| *name == "mode"), names.iter().position(|name| *name == "claim"));
    assert!(mode.is_some() && mode < claim, "the mark is told before the first sentence: {names:?}");
    let hers = &hers.last().unwrap().data;
    assert_eq!(mark(hers), ("extractive", Some("busy")), "{hers}");
    assert_eq!(claims(hers), ["Every employee has 28 days of annual leave in a year."]);
    assert_eq!(sources(hers), ["Annual leave"]);
}

#[test]
fn an_appliance_without_a_language_model_quotes_each_person_their_own_pages_and_marks_it_wherever_it_is_shown() {
    let house = Appliance::made_of(Parts { generate: None, ..Parts::plain() }, &Site::two_projects(), |_| {});
    house.refresh();
    let (mut mateo, mut mary) = (house.sign_in("mateo"), house.sign_in("mary"));

    let his = house.ask(&mut mateo, "Who is the team led by?");
    let hers = house.ask(&mut mary, "Who is the team led by?");
    let none = house.ask(&mut mary, "Which orchestra performs in Vienna tonight?");

    assert_eq!(claims(&his), ["The AnyOrg team is led by Rosa Quintana."]);
    assert_eq!(claims(&hers), ["The ACME team is led by Viktor Lindqvist."]);
    assert_eq!((none["outcome"].as_str(), mark(&none)), (Some("refused"), ("extractive", Some("missing"))), "{none}");
    let conversation = format!("/api/v1/conversations/{}", his["conversation_id"].as_str().unwrap());
    let recalled = mateo.json(&conversation).unwrap();
    assert_eq!(mark(&recalled["messages"][0]["answer"]), ("extractive", Some("missing")), "{recalled}");
    let saved = mateo.send("GET", &format!("{conversation}/export?format=md"), None).unwrap().text;
    assert!(saved.contains("Quoted from pages: there was no language model."), "{saved}");
    let answered: Vec<String> =
        house.audit_lines().into_iter().filter(|line| line.contains("\"event\":\"answered\"")).collect();
    assert!(answered.iter().all(|line| line.contains("\"mode\":\"extractive\"")), "{answered:?}");
    assert_eq!(answered.len(), 3);
}

/// Leans as it should and writes one line; at the next it is gone, as an engine is whose thread has ended.
struct Dies;

impl Generate for Dies {
    fn name(&self) -> &str {
        "dies"
    }
    fn generate(
        &self,
        prompt: &Prompt,
        limits: Limits,
        stop: &Stop,
        each: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<Ending, ModelError> {
        match prompt.begin.is_empty() {
            true => Scripted::default().generate(prompt, limits, stop, each),
            false => Err(ModelError::Broken("the model's thread has ended".into())),
        }
    }
    fn leaning(&self, prompt: &Prompt, yes: &str, no: &str, stop: &Stop) -> Result<f32, ModelError> {
        Scripted::default().leaning(prompt, yes, no, stop)
    }
}

#[test]
fn a_model_that_ends_in_the_middle_leaves_what_it_had_shown_and_the_rest_is_quoted() {
    let rules = "<p>Bikes are parked in hall 7. Bikes are parked by their owners alone.</p>";
    let site = Site::two_projects().page("HR", "102", None, "Rules for parked bikes", rules);
    let house = Appliance::made_of(Parts { generate: Some(Arc::new(Dies)), ..Parts::plain() }, &site, |_| {});
    house.refresh();
    let mut mateo = house.sign_in("mateo");

    let events = mateo.ask(&ask("What are the rules for parked bikes?")).unwrap();

    let names: Vec<&str> = events.iter().map(|event| event.name.as_str()).collect();
    let (mode, claim) = (names.iter().position(|name| *name == "mode"), names.iter().position(|name| *name == "claim"));
    assert!(claim.is_some() && claim < mode, "a sentence was shown before the model ended: {names:?}");
    let answer = &events.last().unwrap().data;
    assert_eq!(mark(answer), ("extractive", Some("failed")), "{answer}");
    let told: Vec<&str> =
        events.iter().filter(|e| e.name == "claim").map(|e| e.data["text"].as_str().unwrap()).collect();
    assert_eq!(claims(answer), told, "nothing that was shown is taken back");
    assert_eq!(told.len(), 2, "{told:?}");
}
