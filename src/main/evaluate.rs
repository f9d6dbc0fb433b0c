//! `eval retrieval`, `eval answers` and `eval attacks`: the same code as the server's, over a temporary folder.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use sotto::app;
use sotto::app::eval::{FollowUps, Retrieval, read_rows, retrieval as measure_retrieval};
use sotto::app::eval_answers::{Answering, Answers, answers as measure_answers};
use sotto::app::eval_attacks::{Attacks, attacks as measure_attacks};
use sotto::app::eval_poison::{Poison, poison as measure_poison};
use sotto::app::eval_vectors::Kept;
use sotto::app::nouns::Embed;

use crate::command::{AttackOptions, EvalOptions, WithConfig};
use crate::{complain, model, say};

/// Measures whether the right pages are found.
pub fn retrieval(options: &EvalOptions) -> anyhow::Result<()> {
    let settings = settings(&options.config, options.model.as_deref(), false)?;
    let only = only(options)?;
    let embed = app::open_embedder(&settings)?;
    // The language model only completes follow-ups, and takes a gigabyte.
    let rows = read_rows(&options.questions, &only, options.sample)?;
    let has_follow_ups = !options.no_rewrite && rows.iter().any(|row| !row.history.is_empty());
    let generate = if has_follow_ups { app::open_models(&settings)?.generate } else { None };
    let report = measure_retrieval(&Retrieval {
        pages: options.pages.clone(),
        questions: options.questions.clone(),
        only,
        sample: options.sample,
        follow_ups: follow_ups(options),
        index: settings.index.clone(),
        generate,
        embed_passages: kept(options.vectors.as_deref(), Some(&embed), &settings)?,
        embed: Some(embed),
    })?;
    print(&serde_json::to_value(&report)?, options.json)
}

/// Measures whether the right answers are given, and wrong ones refused.
pub fn answers(options: &EvalOptions) -> anyhow::Result<()> {
    let settings = settings(&options.config, options.model.as_deref(), options.extractive)?;
    let asked = Answers {
        pages: options.pages.clone(),
        questions: options.questions.clone(),
        only: only(options)?,
        sample: options.sample,
        follow_ups: follow_ups(options),
        answering: answering(&settings, options.vectors.as_deref())?,
    };
    let mut done = 0;
    let report = measure_answers(&asked, &mut |item| {
        done += 1;
        complain(&format!("{done}: {} {:?}", item.id, item.outcome));
    })?;
    print(&serde_json::to_value(&report)?, options.json)
}

/// Measures whether instructions and falsehoods in pages change answers.
pub fn attacks(options: &AttackOptions) -> anyhow::Result<()> {
    let settings = settings(&options.config, options.model.as_deref(), options.extractive)?;
    let answering = answering(&settings, options.vectors.as_deref())?;
    let mut done = 0;
    let planted = match (&options.pages, &options.questions) {
        (Some(pages), Some(questions)) => {
            let asked = Attacks {
                pages: pages.clone(),
                questions: questions.clone(),
                attacks: options.attacks.clone(),
                sample: options.sample,
                answering: answering.clone(),
            };
            let report = measure_attacks(&asked, &mut |item| {
                done += 1;
                let followed = if item.followed {
                    format!(", followed: {:?} of {}", item.claims, item.question)
                } else {
                    String::new()
                };
                complain(&format!("{done}: {} {:?} {:?}{followed}", item.attack, item.place, item.outcome));
            })?;
            serde_json::to_value(&report)?
        }
        _ => serde_json::Value::Null,
    };
    let poisoned = match &options.poison {
        Some(rows) => {
            let asked = Poison { rows: rows.clone(), sample: options.sample, answering };
            let report = measure_poison(&asked, &mut |item| {
                done += 1;
                complain(&format!("{done}: {} {:?}", item.id, item.outcome));
            })?;
            serde_json::to_value(&report)?
        }
        None => serde_json::Value::Null,
    };
    if options.json {
        return print(&serde_json::json!({"planted": planted, "poisoned": poisoned}), true);
    }
    for (name, report) in [("planted", planted), ("poisoned", poisoned)] {
        if !report.is_null() {
            say(name);
            print(&report, false)?;
        }
    }
    Ok(())
}

/// The settings, with another model where one is named, or without one.
fn settings(config: &WithConfig, model: Option<&str>, is_extractive: bool) -> anyhow::Result<app::Settings> {
    let mut settings = model::settings(config.config.as_deref())?;
    if let Some(name) = model {
        settings.model.name = name.to_owned();
    }
    if is_extractive {
        // As a server with no language model has it.
        settings.model.name.clear();
    }
    Ok(settings)
}

/// How a server of these settings answers.
fn answering(settings: &app::Settings, vectors: Option<&Path>) -> anyhow::Result<Answering> {
    let models = app::open_models(settings)?;
    Ok(Answering {
        index: settings.index.clone(),
        settings: settings.answer.clone(),
        generate: models.generate,
        embed_passages: kept(vectors, models.embed.as_ref(), settings)?,
        embed: models.embed,
    })
}

/// The embedder of the passages, where their vectors are kept in a file.
fn kept(
    vectors: Option<&Path>,
    embed: Option<&Arc<dyn Embed>>,
    settings: &app::Settings,
) -> anyhow::Result<Option<Arc<dyn Embed>>> {
    let (Some(path), Some(embed)) = (vectors, embed) else { return Ok(None) };
    // What was kept of the same embedder's floats is not what its bytes make.
    let name = format!("{} of eight bits", settings.model.embedder);
    Ok(Some(Arc::new(Kept::open(Arc::clone(embed), &name, path)?)))
}

fn follow_ups(options: &EvalOptions) -> FollowUps {
    if options.no_rewrite { FollowUps::AsTheyStand } else { FollowUps::Rewritten }
}

fn only(options: &EvalOptions) -> anyhow::Result<Vec<(String, String)>> {
    let parts = |text: &String| {
        let (field, value) = text.split_once('=').with_context(|| format!("--where {text} is not FIELD=VALUE"))?;
        Ok((field.to_owned(), value.to_owned()))
    };
    options.wheres.iter().map(parts).collect()
}

fn print(report: &serde_json::Value, json: bool) -> anyhow::Result<()> {
    if json {
        say(&serde_json::to_string(report)?);
        return Ok(());
    }
    for (key, value) in report.as_object().into_iter().flatten() {
        if !value.is_array() {
            say(&format!("{key}: {value}"));
        }
    }
    Ok(())
}
