//! Paths of a patch (RFC 7644 §3.5.2): what an operation is about.

use scim_v2::filter::{PatchPath, ValFilter};

use super::problem::Problem;
use super::schema::{self, Attribute, Kind};

/// The longest path that is read, in bytes.
const PATH_BYTES_MAX: usize = 2 << 10;

/// What an operation is about.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Target {
    /// All of an extension's attributes.
    Extension(String),
    /// An attribute, a part of it, some elements of it, or a part of those.
    Attribute(Place),
}

/// Where an attribute stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Place {
    /// The extension it belongs to; `None` for the core schema.
    pub urn: Option<String>,
    /// As the schema spells it, or as it was sent where no schema we know has it.
    pub name: String,
    /// The sub-attribute.
    pub part: Option<String>,
    /// Which elements of a list are meant.
    pub chosen: Option<ValFilter>,
}

impl Place {
    /// What the schema says of the attribute.
    pub(super) fn attribute(&self, kind: Kind) -> Option<&'static Attribute> {
        schema::find(kind.attributes(self.urn.as_deref()), &self.name)
    }
}

impl Target {
    /// Reads a path, or a key of an operation without one.
    pub(super) fn parse(kind: Kind, text: &str) -> Result<Target, Problem> {
        if text.len() > PATH_BYTES_MAX {
            return Err(Problem::path(format!("the path is longer than {PATH_BYTES_MAX} bytes")));
        }
        if text.eq_ignore_ascii_case(schema::ENTERPRISE) {
            return Ok(Target::Extension(schema::ENTERPRISE.to_owned()));
        }
        let path: PatchPath =
            text.parse().map_err(|error| Problem::path(format!("the path cannot be read: {error}")))?;
        let (attr, chosen, part_after) = match path {
            PatchPath::Attr(attr) => (attr, None, None),
            PatchPath::Value(path) => (path.attr, Some(path.filter), path.sub_attr),
        };
        if chosen.is_some() && attr.sub_attr.is_some() {
            return Err(Problem::path("a sub-attribute stands before the brackets"));
        }
        let urn = attr
            .uri
            .filter(|urn| !urn.eq_ignore_ascii_case(kind.urn()))
            .map(|urn| if urn.eq_ignore_ascii_case(schema::ENTERPRISE) { schema::ENTERPRISE.to_owned() } else { urn });
        let known = schema::find(kind.attributes(urn.as_deref()), &attr.name);
        let part = part_after.or(attr.sub_attr).map(|part| {
            known.and_then(|known| schema::find(known.parts, &part)).map_or(part, |part| part.name.to_owned())
        });
        let name = known.map_or(attr.name, |known| known.name.to_owned());
        Ok(Target::Attribute(Place { urn, name, part, chosen }))
    }

    /// Whether it is one of those that only we set (RFC 7643 §3.1; `groups`: §4.1.2).
    pub(super) fn is_read_only(&self, kind: Kind) -> bool {
        match self {
            Target::Extension(_) => false,
            Target::Attribute(place) => {
                let ours = ["id", "meta", "schemas"].contains(&place.name.as_str());
                place.urn.is_none() && (ours || (kind == Kind::User && place.name == "groups"))
            }
        }
    }
}
