//! `eval retrieval` and `eval answers`: the same code as the server's, over a temporary folder.

use anyhow::Context as _;
use sotto::app;

use crate::command::EvalOptions;
use crate::{model, say};

/// Measures whether the right pages are found.
pub fn retrieval(options: &EvalOptions) -> anyhow::Result<()> {
    let settings = model::settings(options.config.config.as_deref())?;
    let embed = app::open_embedder(&settings)?;
    let report = app::eval_retrieval(&read(options)?, Some(embed))?;
    print(&serde_json::to_value(&report)?, options.json)
}

/// Measures whether the right answers are given, and wrong ones refused.
pub fn answers(options: &EvalOptions) -> anyhow::Result<()> {
    let mut settings = model::settings(options.config.config.as_deref())?;
    if let Some(name) = &options.model {
        settings.model.name.clone_from(name);
    }
    let models = app::open_models(&settings)?;
    let report = app::eval_answers(&read(options)?, models, &settings.answer)?;
    print(&serde_json::to_value(&report)?, options.json)
}

fn read(options: &EvalOptions) -> anyhow::Result<app::EvalOptions> {
    let wheres = options
        .wheres
        .iter()
        .map(|text| {
            let (field, value) = text.split_once('=').with_context(|| format!("--where {text} is not FIELD=VALUE"))?;
            Ok((field.to_owned(), value.to_owned()))
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    Ok(app::EvalOptions {
        pages: options.pages.clone(),
        questions: options.questions.clone(),
        wheres,
        sample: options.sample,
        no_rewrite: options.no_rewrite,
    })
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
