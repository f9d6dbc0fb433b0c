//! Groups that a login names, where the settings say that a provider's logins decide them.
//!
//! They stand apart from those that are provisioned: each has an external id of our making that says which provider's it is. Roles
//! and assistants go by names, so a login that names a provisioned group joins nothing: whoever writes the login would else
//! decide what the directory decides. What a login does not name, its person is no longer in.

use std::collections::{BTreeMap, HashSet};

use super::{Directory, Error, Group, GroupProfile};
use crate::names::{GroupName, ProviderId, UserId};

/// How the external id of such a group begins; the provider's id and the name follow.
const CLAIMED: &str = "login:";

/// What became of one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// It is new.
    Made(String),
    /// The person joined it.
    Joined(String),
    /// The person left it; who is in it no longer, directly or through other groups.
    Left(String, Vec<UserId>),
    /// A provisioned group has this name: nobody joined anything.
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
        let prefix = format!("{CLAIMED}{provider}:");
        let known = self.groups();
        let is_claimed = |group: &Group| group.external_id.as_ref().is_some_and(|id| id.starts_with(CLAIMED));
        let provisioned: HashSet<GroupName> = known
            .iter()
            .filter(|group| !is_claimed(group))
            .filter_map(|group| GroupName::parse(&group.display_name).ok())
            .collect();
        let mut done = Vec::new();
        let mut wanted: BTreeMap<String, &str> = BTreeMap::new();
        for name in names {
            let normal = GroupName::parse(name)?;
            match provisioned.contains(&normal) {
                true => done.push(Claimed::NotOurs(name.trim().to_owned())),
                false => drop(wanted.insert(format!("{prefix}{normal}"), name.trim())),
            }
        }
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
                    done.push(Claimed::Made(self.add_group(profile, now_ms)?.id.clone()));
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
        for (name, id) in [("eng", None), ("administrators", Some("g-2"))] {
            directory.add_group(GroupProfile { members: Vec::new(), ..group(name, id) }, 1).unwrap();
        }
        directory.replace_claimed(&mateo, &ProviderId::parse("other").unwrap(), &said(&["ops"]), 2).unwrap();

        let done = directory.replace_claimed(&mateo, &corp, &said(&["eng", "Administrators"]), 3).unwrap();

        let not_ours = |name: &str| Claimed::NotOurs(name.to_owned());
        assert_eq!(done, [not_ours("eng"), not_ours("Administrators")], "a namesake would have what they have");
        assert_eq!(names(&directory, &mateo), ["hr", "ops"]);

        // Provisioned later: the next login leaves the group that a login made.
        directory.replace_claimed(&mateo, &corp, &said(&["first-aid"]), 4).unwrap();
        directory.add_group(GroupProfile { members: Vec::new(), ..group("First-Aid", Some("g-3")) }, 5).unwrap();
        directory.replace_claimed(&mateo, &corp, &said(&["first-aid"]), 6).unwrap();
        assert_eq!(names(&directory, &mateo), ["hr", "ops"]);
    }
}
