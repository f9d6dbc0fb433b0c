//! Acts the scene out: Mateo and Mary ask the same questions, and each is answered from their own pages.

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use url::Url;

use super::browser::Browser;

/// What the scene is played against.
pub struct Stage<'a> {
    /// The appliance.
    pub base: &'a Url,
    /// The root that its certificate leads to.
    pub roots_pem: &'a str,
    /// The provider.
    pub issuer: &'a Url,
    /// The provider's name in the settings.
    pub provider: &'a str,
    /// Is told each step as it has been seen to be right.
    pub say: &'a dyn Fn(&str),
}

/// Plays the scene; the error is the first thing that was not as it must be.
pub fn play(stage: &Stage<'_>) -> anyhow::Result<()> {
    let open = || Browser::open(stage.base, std::slice::from_ref(stage.issuer), stage.roots_pem);
    let mut mateo = open()?;
    let mut mary = open()?;

    let heard = mateo.send("GET", "/api/v1/me", None)?;
    ensure!(heard.status == 401, "somebody without a session was greeted ({})", heard.status);
    mateo.sign_in(stage.provider, "mateo.jackson").context("signing in as Mateo")?;
    mary.sign_in(stage.provider, "mary.major").context("signing in as Mary")?;
    (stage.say)("Mateo and Mary are signed in, each through the provider's own form");

    let (his, hers) = (spaces(&mut mateo)?, spaces(&mut mary)?);
    ensure!(his.contains(&"AOA".to_owned()) && !his.contains(&"ACME".to_owned()), "Mateo's spaces are {his:?}");
    ensure!(hers.contains(&"ACME".to_owned()) && !hers.contains(&"AOA".to_owned()), "Mary's spaces are {hers:?}");
    (stage.say)(&format!("Mateo can open {}; Mary can open {}", his.join(", "), hers.join(", ")));

    let his_team = answered(stage, &mut mateo, "Mateo", "Who is on my team?", "AOA")?;
    let her_team = answered(stage, &mut mary, "Mary", "Who is on my team?", "ACME")?;
    ensure!(words(&his_team) != words(&her_team), "both were told of the same team");
    let his_week = answered(stage, &mut mateo, "Mateo", "What do I do in my first week?", "AOA")?;
    let her_week = answered(stage, &mut mary, "Mary", "What do I do in my first week?", "ACME")?;
    ensure!(words(&his_week) != words(&her_week), "both were told of the same first week");

    let question = "How many days of annual leave do I get?";
    let his_leave = answered(stage, &mut mateo, "Mateo", question, "HR")?;
    let her_leave = answered(stage, &mut mary, "Mary", question, "HR")?;
    ensure!(words(&his_leave) == words(&her_leave), "the same question on benefits was answered differently");
    (stage.say)("the same question on benefits has the same answer");

    let nothing = mateo.answer("What is the boiling point of tungsten?")?;
    ensure!(nothing["outcome"] == "refused", "a question no page answers was answered: {nothing}");
    ensure!(nothing["sources"].as_array().is_some_and(Vec::is_empty), "a refusal listed sources");
    (stage.say)("a question that no page answers is declined, without sources");

    apart(&mut mateo, &mut mary, &his_team, &her_team)?;
    (stage.say)("neither finds the other's conversation or pages: 404, with the words of a missing one");

    let mut ana = open()?;
    ana.sign_in(stage.provider, "ana.silva").context("signing in as the administrator")?;
    let overview = ana.json("/api/v1/admin/overview")?;
    ensure!(!overview.to_string().contains("team?"), "the overview holds a question");
    ensure!(mary.send("GET", "/api/v1/admin/overview", None)?.status == 404, "Mary reached the desk");
    let conversation = his_team["conversation_id"].as_str().unwrap_or_default();
    let peek = ana.send("GET", &format!("/api/v1/conversations/{conversation}"), None)?;
    ensure!(peek.status == 404, "the administrator opened a conversation of Mateo's ({})", peek.status);
    (stage.say)("the administrator sees the sync's state and no conversation");

    let kept = mateo.json(&format!("/api/v1/conversations/{conversation}"))?;
    ensure!(kept.to_string().contains("Who is on my team?"), "Mateo's own conversation is not kept");
    mateo.sign_out()?;
    ensure!(mateo.send("GET", "/api/v1/me", None)?.status == 401, "the session lives after signing out");
    (stage.say)("Mateo's conversation is kept for him alone, and he is signed out");
    Ok(())
}

/// Asks, and holds the answer to what every answer must be: cited, from the space it must come from, the quote inside.
fn answered(stage: &Stage<'_>, who: &mut Browser, name: &str, question: &str, space: &str) -> anyhow::Result<Value> {
    let answer = who.answer(question).with_context(|| format!("{name} asked {question:?}"))?;
    ensure!(answer["outcome"] == "answered", "{name} asked {question:?} and was told {answer}");
    let claims = answer["claims"].as_array().context("claims")?;
    let sources = answer["sources"].as_array().context("sources")?;
    ensure!(!claims.is_empty() && !sources.is_empty(), "{name} asked {question:?} and was told nothing");
    for claim in claims {
        let citations = claim["citations"].as_array().context("citations")?;
        ensure!(!citations.is_empty(), "a sentence without a source: {claim}");
        for number in citations {
            let source = sources.iter().find(|source| source["number"] == *number);
            ensure!(source.is_some(), "a sentence cites source {number}, which is not there");
        }
    }
    let from: Vec<&str> = sources.iter().filter_map(|source| source["space"]["key"].as_str()).collect();
    ensure!(from.contains(&space), "{name} asked {question:?} and was answered from {from:?}, not from {space}");
    (stage.say)(&format!("{name} asked: {question}"));
    for claim in claims {
        let numbers: Vec<String> = claim["citations"].as_array().into_iter().flatten().map(Value::to_string).collect();
        (stage.say)(&format!("    {} [{}]", claim["text"].as_str().unwrap_or_default(), numbers.join(", ")));
    }
    Ok(answer)
}

fn apart(mateo: &mut Browser, mary: &mut Browser, his: &Value, hers: &Value) -> anyhow::Result<()> {
    for (who, others) in [(mateo, hers), (mary, his)] {
        let conversation = others["conversation_id"].as_str().context("conversation_id")?;
        let document = others["sources"][0]["document_id"].as_str().context("document_id")?;
        for (path, missing) in [
            (format!("/api/v1/conversations/{conversation}"), "/api/v1/conversations/00000000000000000000000000000000"),
            (format!("/api/v1/documents/{document}"), "/api/v1/documents/wiki:999999999"),
        ] {
            let (seen, absent) = (who.send("GET", &path, None)?, who.send("GET", missing, None)?);
            ensure!(seen.status == 404 && absent.status == 404, "{path} gave {}", seen.status);
            ensure!(bare(&seen.json()) == bare(&absent.json()), "{path} is told apart from what is not there");
        }
    }
    Ok(())
}

/// A problem without what differs from request to request in any case.
fn bare(problem: &Value) -> Value {
    let mut problem = problem.clone();
    if let Some(fields) = problem.as_object_mut() {
        fields.insert("request_id".to_owned(), json!(""));
    }
    problem
}

fn spaces(who: &mut Browser) -> anyhow::Result<Vec<String>> {
    let me = who.json("/api/v1/me")?;
    let spaces = me["spaces"].as_array().context("spaces")?;
    Ok(spaces.iter().filter_map(|space| space["key"].as_str().map(str::to_owned)).collect())
}

fn words(answer: &Value) -> Vec<String> {
    let claims = answer["claims"].as_array().into_iter().flatten();
    claims.filter_map(|claim| claim["text"].as_str().map(str::to_owned)).collect()
}
