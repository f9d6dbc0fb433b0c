//! How a prompt is laid out for a family of models.

use candle_core::quantized::gguf_file::Content;
use serde::{Deserialize, Serialize};

use super::tokens::Tokens;
use super::{Error, Fault, Prompt};

/// How a language model is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Template {
    /// `<|im_start|>`: Qwen, SmolLM.
    Chatml,
    /// `<|start_header_id|>`: Llama 3.
    Llama3,
    /// `<start_of_turn>`: Gemma, which has no turn for the system.
    Gemma,
    /// `<|user|>` and `<|end|>`: Phi 3.
    Phi3,
}

impl Template {
    /// The one that the weights' own template is.
    pub(super) fn of(content: &Content) -> Result<Template, Error> {
        let text = content.metadata.get("tokenizer.chat_template").and_then(|value| value.to_string().ok());
        match text.map(String::as_str).unwrap_or_default() {
            text if text.contains("<|im_start|>") => Ok(Template::Chatml),
            text if text.contains("<|start_header_id|>") => Ok(Template::Llama3),
            text if text.contains("<start_of_turn>") => Ok(Template::Gemma),
            text if text.contains("<|user|>") && text.contains("<|end|>") => Ok(Template::Phi3),
            _ => Err(Error::Unfit(Fault::Model(
                "the weights have no chat template that is known here (chatml, llama 3, gemma, phi 3)".to_owned(),
            ))),
        }
    }

    /// The prompt's tokens, in segments: the system text, each part of the user's, each part of the beginning. Two prompts
    /// that begin with the same parts begin with the same segments.
    pub(super) fn lay(self, prompt: &Prompt, tokens: &Tokens) -> Result<Vec<Vec<u32>>, Error> {
        let mut lay = Lay { template: self, tokens, segments: Vec::new(), segment: Vec::new(), is_text: false };
        match self {
            Template::Llama3 => lay.special("<|begin_of_text|>")?,
            Template::Gemma | Template::Phi3 => lay.segment.extend(tokens.begin()),
            Template::Chatml => {}
        }
        if self == Template::Gemma {
            lay.open("user")?;
            lay.text(&prompt.system)?;
            lay.text("\n\n")?;
            lay.cut();
        } else {
            lay.open("system")?;
            lay.text(&prompt.system)?;
            lay.close()?;
            lay.cut();
            lay.open("user")?;
        }
        let (last, parts) = prompt.user.split_last().map_or(("", &[][..]), |(last, parts)| (last.as_str(), parts));
        for part in parts {
            lay.text(part)?;
            lay.cut();
        }
        lay.text(last)?;
        lay.close()?;
        lay.open("assistant")?;
        lay.cut();
        for part in &prompt.begin {
            lay.text(part)?;
            lay.cut();
        }
        Ok(lay.segments)
    }
}

struct Lay<'t> {
    template: Template,
    tokens: &'t Tokens,
    segments: Vec<Vec<u32>>,
    segment: Vec<u32>,
    /// Whether what stands last is text.
    is_text: bool,
}

impl Lay<'_> {
    fn open(&mut self, role: &str) -> Result<(), Error> {
        match self.template {
            Template::Chatml => {
                self.special("<|im_start|>")?;
                self.text(&format!("{role}\n"))
            }
            Template::Llama3 => {
                self.special("<|start_header_id|>")?;
                self.text(role)?;
                self.special("<|end_header_id|>")?;
                self.text("\n\n")
            }
            Template::Gemma => {
                self.special("<start_of_turn>")?;
                self.text(if role == "assistant" { "model\n" } else { "user\n" })
            }
            // The line ends that its template has behind each of its marks are taken by the marks.
            Template::Phi3 => self.special(&format!("<|{role}|>")),
        }
    }

    fn close(&mut self) -> Result<(), Error> {
        match self.template {
            Template::Chatml => {
                self.special("<|im_end|>")?;
                self.text("\n")
            }
            Template::Llama3 => self.special("<|eot_id|>"),
            Template::Gemma => {
                self.special("<end_of_turn>")?;
                self.text("\n")
            }
            Template::Phi3 => self.special("<|end|>"),
        }
    }

    fn text(&mut self, text: &str) -> Result<(), Error> {
        if text.is_empty() {
            return Ok(());
        }
        match std::mem::replace(&mut self.is_text, true) {
            true => self.tokens.encode(text, &mut self.segment),
            false => self.tokens.encode_first(text, &mut self.segment),
        }
    }

    fn special(&mut self, name: &str) -> Result<(), Error> {
        self.segment.push(self.tokens.special(name)?);
        self.is_text = false;
        Ok(())
    }

    fn cut(&mut self) {
        if !self.segment.is_empty() {
            self.segments.push(std::mem::take(&mut self.segment));
        }
    }
}
