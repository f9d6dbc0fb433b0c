//! What sets the families of models apart, and a model's measures.

use candle_core::{Result, bail};

use super::kernel::{Gating, Heads, Rope};
use super::tensors::Tensors;

/// The longest context used, whatever the model could: it bounds the memory of keys and values.
const CONTEXT_MAX: usize = 8192;
/// Gemma 3 has a layer that sees everything after so many that see a window.
const GEMMA_PERIOD: usize = 6;
/// Layers of the one Gemma 3 whose scores are not scaled by its heads' dimensions but by those of its width.
const GEMMA_27B_LAYERS: usize = 62;

/// A family of models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Llama,
    Qwen2,
    Qwen3,
    Gemma3,
    Phi3,
}

impl Family {
    fn of(name: &str) -> Result<Family> {
        Ok(match name {
            "llama" => Family::Llama,
            "qwen2" => Family::Qwen2,
            "qwen3" => Family::Qwen3,
            "gemma3" => Family::Gemma3,
            "phi3" => Family::Phi3,
            _ => bail!("models of the family {name:?} cannot be run here; llama, qwen2, qwen3, gemma3 and phi3 can"),
        })
    }
}

/// A model's measures.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    pub family: Family,
    pub width: usize,
    pub layers: usize,
    pub eps: f32,
    pub context: usize,
    pub gating: Gating,
    /// What rows of the embedding are multiplied by.
    pub embedding: f32,
    /// What queries are multiplied by, beyond the root of their dimensions.
    pub asking: f32,
    /// Of layers that see everything, and of those that see a window.
    pub heads: [Heads; 2],
    pub ropes: [Rope; 2],
}

impl Shape {
    pub(super) fn of(tensors: &Tensors<'_>) -> Result<Shape> {
        let name = tensors.text("general.architecture")?;
        let family = Family::of(&name)?;
        let key = |part: &str| format!("{name}.{part}");
        let number = |part: &str| tensors.whole(&key(part));
        let queries = number("attention.head_count")?;
        let width = number("embedding_length")?;
        if queries == 0 || width == 0 || !width.is_multiple_of(queries) && !tensors.says(&key("attention.key_length")) {
            bail!("{queries} heads do not divide a width of {width}");
        }
        let eps = tensors.float(&key("attention.layer_norm_rms_epsilon"))?;
        let keys = tensors.whole_or(&key("attention.head_count_kv"), queries)?;
        let dim = tensors.whole_or(&key("attention.key_length"), width / queries)?;
        // What the kernels take: whole vectors of a head, whole blocks of a row.
        let is_fit = keys > 0 && queries.is_multiple_of(keys) && dim > 0;
        if !is_fit || !dim.is_multiple_of(16) || !width.is_multiple_of(32) {
            bail!("{queries} heads cannot share {keys} of {dim} in a width of {width}");
        }
        if tensors.whole_or(&key("attention.value_length"), dim)? != dim {
            bail!("heads whose values have other measures than their keys cannot be run here");
        }
        let trained = number("context_length")?;
        if trained == 0 {
            bail!("a context of 0 holds nothing");
        }
        let layers = number("block_count")?;
        if layers == 0 {
            bail!("the model has no layers");
        }
        let context = trained.min(CONTEXT_MAX);
        let window = match tensors.whole_or(&key("attention.sliding_window"), 0)? {
            some if some > 0 && matches!(family, Family::Gemma3 | Family::Phi3) => some,
            _ => usize::MAX,
        };
        let all = Heads { queries, keys, dim, eps, window: usize::MAX };
        let is_gemma = family == Family::Gemma3;
        let asking = match (is_gemma && layers == GEMMA_27B_LAYERS, width / queries) {
            (true, own) if own > 0 => (dim as f32 / own as f32).sqrt(),
            _ => 1.0,
        };
        Ok(Shape {
            family,
            width,
            layers,
            eps,
            context,
            gating: if is_gemma { Gating::Gelu } else { Gating::Silu },
            embedding: if is_gemma { (width as f32).sqrt() } else { 1.0 },
            asking,
            heads: [all, Heads { window, ..all }],
            ropes: ropes(tensors, family, &name, dim, [context, trained])?,
        })
    }

    /// Bytes of the keys and values of one sequence that fills the context, in half precision.
    pub(super) fn memory_bytes(&self) -> u64 {
        let positions = self.layers as u64 * self.context as u64;
        positions.saturating_mul((2 * size_of::<u16>() * self.heads[0].keys * self.heads[0].dim) as u64)
    }

    /// Which of the two heads and ropes a layer has.
    pub(super) fn kind(&self, layer: usize) -> usize {
        match self.family {
            Family::Gemma3 => usize::from(!(layer + 1).is_multiple_of(GEMMA_PERIOD)),
            Family::Phi3 => 1,
            Family::Llama | Family::Qwen2 | Family::Qwen3 => 0,
        }
    }
}

/// Of layers that see everything, and of those that see a window.
fn ropes(
    tensors: &Tensors<'_>,
    family: Family,
    name: &str,
    dim: usize,
    [context, trained]: [usize; 2],
) -> Result<[Rope; 2]> {
    let key = |part: &str| format!("{name}.rope.{part}");
    let is_gemma = family == Family::Gemma3;
    let turned = tensors.whole_or(&key("dimension_count"), dim)?;
    if turned == 0 || turned > dim || !turned.is_multiple_of(2) {
        bail!("{turned} dimensions of {dim} cannot be turned");
    }
    let base = tensors.positive_or(&key("freq_base"), if is_gemma { 1_000_000.0 } else { 10_000.0 })?;
    let stretch = match tensors.text_or(&key("scaling.type"), "none")?.as_str() {
        "linear" => tensors.positive_or(&key("scaling.factor"), 1.0)?,
        "none" | "longrope" => tensors.positive_or(&key("scale_linear"), 1.0)?,
        other => bail!("positions scaled by {other:?} cannot be run here"),
    };
    // Phi 3 has factors for short contexts and for those beyond the one it was made with at first.
    let original = tensors.whole_or(&key("scaling.original_context_length"), trained)?;
    let long = if context > original { "rope_factors_long.weight" } else { "rope_factors_short.weight" };
    let factors = match tensors.plain_if("rope_freqs.weight", turned / 2)? {
        None => tensors.plain_if(long, turned / 2)?,
        some => some,
    };
    if factors.iter().flatten().any(|factor| *factor <= 0.0) {
        bail!("positions cannot be turned by factors of zero and below");
    }
    let speed = |base: f32, at: usize| 1.0 / base.powf(2.0 * at as f32 / turned as f32);
    let factor = |at: usize| factors.as_ref().map_or(1.0, |factors| factors[at]) * stretch;
    let rope = Rope {
        speeds: (0..turned / 2).map(|at| speed(base, at) / factor(at)).collect(),
        size: tensors.positive_or(&key("scaling.attn_factor"), 1.0)?,
        is_interleaved: family == Family::Llama,
    };
    let near = match is_gemma {
        // What sees a window is turned as if the context were short.
        true => {
            let base = tensors.positive_or(&key("freq_base_swa"), 10_000.0)?;
            Rope { speeds: (0..turned / 2).map(|at| speed(base, at)).collect(), ..rope.clone() }
        }
        false => rope.clone(),
    };
    Ok([rope, near])
}
