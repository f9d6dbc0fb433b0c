//! Which product and version the stand-in passes for, and what that one has.

use anyhow::bail;

/// A product and a version of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flavour {
    /// Data Center or Server of this version.
    DataCenter(Version),
    /// Confluence Cloud, which has no version.
    Cloud,
}

/// Major, minor and patch.
pub(super) type Version = (u32, u32, u32);

/// What later versions of Data Center have and earlier ones do not (confluence.md §1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Feature {
    /// `/rest/api/server-information`.
    ServerInformation,
    /// `/rest/api/user/list`.
    UserList,
    /// `/rest/api/group/{name}/groupmember`.
    NestedGroups,
    /// `/rest/api/space/{key}/permissions`.
    SpacePermissions,
    /// `/rest/api/permissions`.
    GlobalPermissions,
    /// `/rest/api/content/{id}/restriction/relevantViewRestrictions`.
    RelevantRestrictions,
}

/// The flavours of the contract's §1, the newest first.
const FLAVOURS: [(&str, Flavour); 6] = [
    ("dc-10", Flavour::DataCenter((10, 2, 1))),
    ("dc-9.2.18", Flavour::DataCenter((9, 2, 18))),
    ("dc-9.2.3", Flavour::DataCenter((9, 2, 3))),
    ("dc-8.5", Flavour::DataCenter((8, 5, 4))),
    ("dc-7.19", Flavour::DataCenter((7, 19, 17))),
    ("cloud", Flavour::Cloud),
];

impl Flavour {
    /// The flavour of a name; an unknown one is an error that lists those there are.
    pub fn parse(name: &str) -> anyhow::Result<Flavour> {
        match FLAVOURS.iter().find(|(known, _)| *known == name) {
            Some((_, flavour)) => Ok(*flavour),
            None => bail!("there is no flavour {name:?}; there are {}", FLAVOURS.map(|(name, _)| name).join(", ")),
        }
    }

    /// A site as this product serves it: Cloud always has a context path.
    pub fn of(self, mut site: serde_json::Value) -> serde_json::Value {
        let has_path = site["context_path"].as_str().is_some_and(|path| !path.is_empty());
        if self == Flavour::Cloud && !has_path && site.is_object() {
            site["context_path"] = "/wiki".into();
        }
        site
    }

    /// Whether this is a Data Center that has something.
    pub fn has(self, feature: Feature) -> bool {
        let Flavour::DataCenter(version) = self else { return false };
        version
            >= match feature {
                Feature::ServerInformation | Feature::UserList => (8, 4, 0),
                Feature::NestedGroups => (9, 0, 0),
                Feature::SpacePermissions => (9, 1, 0),
                Feature::GlobalPermissions => (9, 2, 18),
                Feature::RelevantRestrictions => (9, 4, 0),
            }
    }
}
