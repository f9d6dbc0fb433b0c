//! What can be wrong with a file of weights.

/// Why a file of weights cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// It ends too early, or a length in it is none.
    #[error("the file ends at byte {at} before {what} of {wanted} bytes: {left} are left")]
    Cut {
        /// What should stand there.
        what: &'static str,
        /// Where.
        at: usize,
        /// How many bytes it should have.
        wanted: u64,
        /// How many there are.
        left: usize,
    },
    /// It begins as no GGUF file does.
    #[error("this is no GGUF file")]
    NoGguf,
    /// Its form is of another version.
    #[error("the file is GGUF of version {0}; 2 and 3 can be read")]
    Version(u32),
    /// It counts more than any model has.
    #[error("the file counts {count} {what}; {most} can be read")]
    TooMany {
        /// What is counted.
        what: &'static str,
        /// How many it says there are.
        count: u64,
        /// How many are read at most.
        most: u64,
    },
    /// Arrays stand in arrays, deeper than they are read.
    #[error("arrays stand in each other deeper than {0}")]
    Nested(usize),
    /// A value of no known kind.
    #[error("a value is of kind {0}, or not what its kind allows")]
    Value(u32),
    /// Tensors cannot be aligned so.
    #[error("the alignment is {0}, which is no power of two")]
    Alignment(u64),
    /// One name stands for two things.
    #[error("{0} stands in it twice")]
    Twice(String),
    /// A tensor has measures that cannot be.
    #[error("the tensor {tensor} has the measures {measures:?}, which do not fill its blocks or any file")]
    Shape {
        /// Its name.
        tensor: String,
        /// What it says of itself.
        measures: Vec<u64>,
    },
    /// A tensor is quantised in a way that is not read here.
    #[error(
        "the tensor {tensor} is of kind {kind}, which cannot be read; Q4_K, Q5_K, Q6_K, Q8_0, Q4_0, Q4_1, Q5_0 and Q5_1 can"
    )]
    Kind {
        /// Its name.
        tensor: String,
        /// ggml's number of the kind.
        kind: u32,
    },
    /// A tensor does not lie where it can.
    #[error("the tensor {tensor} {why}")]
    Misplaced {
        /// Its name.
        tensor: String,
        /// What is wrong with its place.
        why: &'static str,
    },
    /// The file is sound, and the model in it cannot be run.
    #[error("{0}")]
    Model(String),
}

impl Fault {
    /// What to do about it.
    pub(super) fn mend(&self) -> &'static str {
        match self {
            Fault::NoGguf | Fault::Version(_) => "fetch the model as GGUF, or convert it with a converter of today",
            Fault::Kind { .. } => "fetch the model in one of these, Q4_K_M for instance",
            Fault::Model(_) => {
                "fetch a GGUF of the llama, qwen2, qwen3, gemma3 or phi3 family, whole and converted by its maker"
            }
            Fault::Cut { .. }
            | Fault::TooMany { .. }
            | Fault::Nested(_)
            | Fault::Value(_)
            | Fault::Alignment(_)
            | Fault::Twice(_)
            | Fault::Shape { .. }
            | Fault::Misplaced { .. } => {
                "the file is damaged or was made to do harm: fetch it again from where you trust"
            }
        }
    }
}
