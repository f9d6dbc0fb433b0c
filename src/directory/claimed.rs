//! Groups that a login names, where the settings say that a provider's logins decide them.
//!
//! They stand apart from those that are provisioned: each has an external id of our making that says which provider's it is, so
//! that neither is ever taken for the other. What a login does not name, its person is no longer in.

use std::collections::BTreeMap;

use super::{Directory, Error, GroupProfile};
use crate::names::{GroupName, ProviderId, UserId};

/// What became of one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// It is new.
    Made(String),
    /// The person joined it.
    Joined(String),
    /// The person left it; who is in it no longer, directly or through other groups.
    Left(String, Vec<UserId>),
    /// A provisioned group has this name, and nothing tells the two apart: nobody joined anything.
    NotOurs(String),
}

impl Directory {
    /// Makes a person's groups of this provider those that their login names, and no others. What is lost is lost first.
    pub fn replace_claimed(
        &self,
        user: &UserId,
        provider: &ProviderId,
        names: &[String],
        now_ms: i64,
    ) -> Result<Vec<Claimed>, Error> {
        let prefix = format!("login:{provider}:");
        let mut wanted: BTreeMap<String, &str> = BTreeMap::new();
        for name in names {
            wanted.insert(format!("{prefix}{}", GroupName::parse(name)?), name.trim());
        }
        let mut done = Vec::new();
        for group in self.direct_groups_of(user) {
            let Some(external_id) = group.external_id.as_ref().filter(|id| id.starts_with(&prefix)) else { continue };
            if wanted.remove(external_id).is_none() {
                let (_, left) = self.change_group::<Error>(&group.id, None, now_ms, |was| {
                    let members = was.members.iter().filter(|member| *member != user).copied().collect();
                    Ok(GroupProfile { members, ..was.profile() })
                })?;
                done.push(Claimed::Left(group.id.clone(), left));
            }
        }
        let known = self.groups();
        for (external_id, name) in wanted {
            match known.iter().find(|group| group.external_id.as_ref() == Some(&external_id)) {
                Some(group) => {
                    self.change_group::<Error>(&group.id, None, now_ms, |was| {
                        let members = was.members.iter().copied().chain([*user]).collect();
                        Ok(GroupProfile { members, ..was.profile() })
                    })?;
                    done.push(Claimed::Joined(group.id.clone()));
                }
                None => {
                    let profile = GroupProfile {
                        display_name: name.to_owned(),
                        external_id: Some(external_id),
                        members: vec![*user],
                        groups: Vec::new(),
                        extra: serde_json::Map::new(),
                    };
                    done.push(match self.add_group(profile, now_ms) {
                        Ok(group) => Claimed::Made(group.id.clone()),
                        Err(Error::Taken(name)) => Claimed::NotOurs(name),
                        Err(error) => return Err(error),
                    });
                }
            }
        }
        Ok(done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::{Profile, Settings};
    use crate::names::Ids;
    use crate::store::Store;

    fn house() -> (tempfile::TempDir, Directory, UserId, ProviderId) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let directory = Directory::open(&store, Ids::held(), &Settings::default()).unwrap();
        let profile = Profile {
            user_name: "mateo".to_owned(),
            external_id: Some("u-17".to_owned()),
            display_name: String::new(),
            given_name: None,
            family_name: None,
            emails: Vec::new(),
            active: true,
            extra: serde_json::Map::new(),
        };
        let mateo = directory.add_person(profile, 1).unwrap().id;
        (folder, directory, mateo, ProviderId::parse("corp").unwrap())
    }

    fn names(directory: &Directory, user: &UserId) -> Vec<String> {
        let mut names: Vec<String> =
            directory.direct_groups_of(user).iter().map(|group| group.display_name.clone()).collect();
        names.sort();
        names
    }

    fn said(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_login_replaces_the_groups_of_the_one_before_and_one_that_names_none_leaves_none() {
        let (_folder, directory, mateo, corp) = house();
        let first = directory.replace_claimed(&mateo, &corp, &said(&["Eng", "Staff"]), 2).unwrap();
        assert!(matches!(first[..], [Claimed::Made(_), Claimed::Made(_)]), "{first:?}");
        assert!(directory.replace_claimed(&mateo, &corp, &said(&["ENG", " staff "]), 3).unwrap().is_empty());

        let second = directory.replace_claimed(&mateo, &corp, &said(&["staff", "sales"]), 4).unwrap();
        assert!(matches!(&second[..], [Claimed::Left(_, left), Claimed::Made(_)] if *left == [mateo]), "{second:?}");
        assert_eq!(names(&directory, &mateo), ["Staff", "sales"]);
        directory.replace_claimed(&mateo, &corp, &said(&["eng"]), 5).unwrap();
        assert_eq!(names(&directory, &mateo), ["Eng"], "the group of the first login, and no second of its name");

        directory.replace_claimed(&mateo, &corp, &[], 6).unwrap();
        assert_eq!(names(&directory, &mateo), Vec::<String>::new());
    }

    #[test]
    fn what_is_provisioned_or_of_another_provider_is_neither_left_nor_joined() {
        let (_folder, directory, mateo, corp) = house();
        let group = |name: &str, external_id: Option<&str>| GroupProfile {
            display_name: name.to_owned(),
            external_id: external_id.map(str::to_owned),
            members: vec![mateo],
            groups: Vec::new(),
            extra: serde_json::Map::new(),
        };
        directory.add_group(group("hr", Some("g-1")), 1).unwrap();
        let plain = GroupProfile { members: Vec::new(), ..group("eng", None) };
        directory.add_group(plain, 1).unwrap();
        directory.replace_claimed(&mateo, &ProviderId::parse("other").unwrap(), &said(&["ops"]), 2).unwrap();

        let done = directory.replace_claimed(&mateo, &corp, &said(&["eng"]), 3).unwrap();

        assert_eq!(done, [Claimed::NotOurs("eng".to_owned())]);
        assert_eq!(names(&directory, &mateo), ["hr", "ops"]);
    }
}
