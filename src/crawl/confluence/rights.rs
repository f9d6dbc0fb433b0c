//! What a crawler's account on Data Center may read, tried one by one for the administrator who sets it up.

use super::client::{Client, Trouble, encoded};
use super::permission::{self, KnownBy};
use super::wire::{Content, Group, Rows, ServerInformation, User};
use crate::corpus::Space;
use crate::crawl::Failure;
use crate::crawl::examine::Finding;
use crate::crawl::restriction::Level;

/// The group whose members no restriction and no permission of a space hides anything from.
const SUPER_GROUP: &str = "confluence-administrators";

/// The product and its version, as far as it tells. Nothing hangs on it: each thing is asked for, and what is not there is
/// asked for in another way.
pub(super) fn about(client: &Client) -> String {
    let told: Result<ServerInformation, Trouble> = client.read("/rest/api/server-information");
    let version = told.ok().map(|told| told.version).or_else(|| {
        // Before 8.4; it is XML, and one word of it is wanted.
        let manifest = client.text("/rest/applinks/1.0/manifest").ok()?;
        let (_, rest) = manifest.split_once("<version>")?;
        Some(rest.split_once("</version>")?.0.trim().to_owned())
    });
    let is_version =
        |text: &String| text.len() <= 20 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b));
    match version.filter(is_version) {
        Some(version) => format!("Confluence {version}"),
        None => "Confluence of a version that it does not tell".to_owned(),
    }
}

/// Tries groups, restrictions, and whether anything is hidden from the account.
pub(super) fn try_all(client: &Client, user: &str, spaces: &[Space]) -> Vec<Finding> {
    vec![
        Finding { what: "groups", outcome: groups(client) },
        Finding { what: "restrictions", outcome: first_restriction(client, spaces) },
        Finding { what: "hidden pages", outcome: sight(client, user) },
    ]
}

fn groups(client: &Client) -> Result<String, Failure> {
    let failure = |trouble: Trouble| Failure {
        remedy: "let the crawler's account browse people (global permission \"View user profiles\")".to_owned(),
        ..trouble.failure("groups")
    };
    let rows: Rows<Group> = client.read("/rest/api/group?limit=50").map_err(failure)?;
    let Some(group) = rows.results.iter().find(|group| !group.name.contains(['/', '\\'])) else {
        return Err(Failure {
            what: "groups".to_owned(),
            code: "no_groups".to_owned(),
            cause: "Confluence lists no groups to the crawler's account".to_owned(),
            remedy: "let it browse people (global permission \"View user profiles\")".to_owned(),
        });
    };
    let members = format!("/rest/api/group/{}/member?limit=1", encoded(&group.name));
    client.read::<Rows<User>>(&members).map_err(failure)?;
    match client.read::<Rows<User>>("/rest/api/user/list?limit=1") {
        Ok(_) => Ok("groups, their members and all users are told".to_owned()),
        Err(trouble) if trouble.is_absent() => {
            Ok("groups and their members are told; users are those in groups".to_owned())
        }
        Err(trouble) => Err(failure(trouble)),
    }
}

fn first_restriction(client: &Client, spaces: &[Space]) -> Result<String, Failure> {
    for space in spaces {
        let path = format!("/rest/api/content?spaceKey={}&type=page&status=current&limit=1", encoded(&space.key));
        let rows: Rows<Content> = client.read(&path).map_err(|trouble| trouble.failure(&space.key))?;
        if let Some(page) = rows.results.first() {
            return restriction(client, &page.id, KnownBy::Name);
        }
    }
    Ok("there is no page yet to try one on".to_owned())
}

/// Reads one page's restriction.
pub(super) fn restriction(client: &Client, id: &str, known_by: KnownBy) -> Result<String, Failure> {
    let unknown = |cause: String| Failure {
        what: id.to_owned(),
        code: "restriction_unknown".to_owned(),
        cause: format!("whom pages are left to cannot be read, so nobody finds them: {cause}"),
        remedy: "make the crawler's user an administrator of Confluence".to_owned(),
    };
    match permission::ask(client, id, known_by) {
        Ok(Level::Unknown) => Err(unknown("the lists are missing".to_owned())),
        Ok(Level::Open | Level::Only(_)) => Ok("whom a page is left to is told".to_owned()),
        Err(trouble) => Err(unknown(trouble.to_string())),
    }
}

/// Whether restrictions may hide pages from the account: what it does not see, nobody finds.
fn sight(client: &Client, user: &str) -> Result<String, Failure> {
    let path = format!("/rest/api/user/memberof?username={}&limit=200", encoded(user));
    let rows: Rows<Group> = client.read(&path).map_err(|trouble| trouble.failure("groups"))?;
    if rows.results.iter().any(|group| group.name.eq_ignore_ascii_case(SUPER_GROUP)) {
        return Ok(format!("{user} is in {SUPER_GROUP}: nothing is hidden from it"));
    }
    Err(Failure {
        what: String::new(),
        code: "not_super".to_owned(),
        cause: format!(
            "{user} is not in {SUPER_GROUP}: what is restricted to others it does not see, and nobody finds"
        ),
        remedy: format!("add it to {SUPER_GROUP}, unless such pages are to be left out"),
    })
}
