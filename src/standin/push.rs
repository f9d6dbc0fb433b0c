//! SCIM pushes, as a provider sends them: look up, then POST or PUT.

use std::path::Path;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use super::idp::{Idp, Person};
use crate::outbound::{self, Outbound, Request};

/// Brings people and their groups to `https://…/scim/v2`, trusting the root certificates in the PEM file `root`, as Okta and
/// Entra do: GET by filter, then POST, or PUT where it is there already; groups with members last.
pub fn push(idp: &Idp, people: &[Person], base: &url::Url, token: &str, root: &Path) -> anyhow::Result<()> {
    let settings = outbound::Settings { roots: vec![root.to_owned()], ..outbound::Settings::default() };
    push_by(&Outbound::open(&settings, std::slice::from_ref(base))?, idp, people, base, token)
}

fn push_by(outbound: &Outbound, idp: &Idp, people: &[Person], base: &url::Url, token: &str) -> anyhow::Result<()> {
    let sender = Sender { outbound, base, token };
    let mut groups: Vec<(&str, Vec<Value>)> = Vec::new();
    for person in people {
        let subject =
            idp.subject(&person.username).with_context(|| format!("{} is not a person here", person.username))?;
        let id = sender
            .bring("Users", "userName", &person.username, &user(person, &subject))
            .with_context(|| format!("while provisioning {}", person.username))?;
        for group in &person.groups {
            let member = json!({"value": id, "display": person.name});
            match groups.iter_mut().find(|(name, _)| name == group) {
                Some((_, members)) => members.push(member),
                None => groups.push((group, vec![member])),
            }
        }
    }
    for (name, members) in groups {
        let body = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name, "members": members});
        sender
            .bring("Groups", "displayName", name, &body)
            .with_context(|| format!("while provisioning group {name}"))?;
    }
    Ok(())
}

/// A person as RFC 7643 §4.1 writes one.
fn user(person: &Person, subject: &str) -> Value {
    let (given, family) = person.name.rsplit_once(' ').unwrap_or((&person.name, ""));
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "externalId": subject,
        "userName": person.username,
        "name": {"givenName": given, "familyName": family, "formatted": person.name},
        "displayName": person.name,
        "emails": [{"value": person.email, "type": "work", "primary": true}],
        "active": true,
    })
}

struct Sender<'a> {
    outbound: &'a Outbound,
    base: &'a url::Url,
    token: &'a str,
}

impl Sender<'_> {
    /// Looks a resource up by one attribute, then creates or replaces it; its id there.
    fn bring(&self, kind: &str, attribute: &str, name: &str, body: &Value) -> anyhow::Result<String> {
        let mut address = self.address(&[kind])?;
        // RFC 7644 §3.4.2.2: a string of the filter is a JSON string.
        let filter = format!("{attribute} eq {}", Value::from(name));
        address.query_pairs_mut().append_pair("filter", &filter);
        let found = self.send("GET", address, None, &[200])?;
        let known = found["Resources"].get(0).and_then(|one| one["id"].as_str());
        let sent = match known {
            Some(id) => {
                let mut body = body.clone();
                body["id"] = json!(id);
                self.send("PUT", self.address(&[kind, id])?, Some(&body), &[200])?
            }
            None => self.send("POST", self.address(&[kind])?, Some(body), &[201])?,
        };
        sent["id"].as_str().map(str::to_owned).context("the answer has no id")
    }

    fn address(&self, parts: &[&str]) -> anyhow::Result<url::Url> {
        let mut address = self.base.clone();
        let Ok(mut path) = address.path_segments_mut() else { bail!("{} cannot have a path", self.base) };
        path.pop_if_empty().extend(parts);
        drop(path);
        Ok(address)
    }

    fn send(&self, method: &'static str, url: url::Url, body: Option<&Value>, good: &[u16]) -> anyhow::Result<Value> {
        let mut headers = vec![
            ("authorization".to_owned(), format!("Bearer {}", self.token)),
            ("accept".to_owned(), "application/scim+json".to_owned()),
        ];
        if body.is_some() {
            headers.push(("content-type".to_owned(), "application/scim+json".to_owned()));
        }
        let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        let place = format!("{method} {}", url.path());
        let answer = self.outbound.send(&Request { method, url, headers, body })?;
        if !good.contains(&answer.status) {
            let detail = serde_json::from_slice::<Value>(&answer.body).ok();
            let detail = detail.as_ref().and_then(|body| body["detail"].as_str()).unwrap_or("no detail");
            bail!("{place} was answered {}: {detail}", answer.status);
        }
        serde_json::from_slice(&answer.body).with_context(|| format!("{place} was not answered with JSON"))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::standin::demo;
    use crate::standin::server::{Reply, Server};

    /// What a service provider of SCIM was sent, and what it keeps of it.
    #[derive(Default)]
    struct Kept {
        asked: Vec<String>,
        resources: Vec<(String, Value)>,
    }

    /// A service provider that knows filters of one equality, POST and PUT.
    fn provider() -> (Server, url::Url, Arc<Mutex<Kept>>) {
        let kept = Arc::new(Mutex::new(Kept::default()));
        let serving = kept.clone();
        let server = Server::start("scim", ([127, 0, 0, 1], 0).into(), move |call| {
            let mut kept = serving.lock().unwrap();
            assert_eq!(call.header("authorization"), Some("Bearer t0ken"));
            let parts: Vec<&str> = call.path.trim_start_matches("/scim/v2/").split('/').collect();
            kept.asked.push(format!("{} {}", call.method, parts[0]));
            if call.method == "GET" {
                let filter = call.parameter("filter").unwrap();
                let (attribute, value) = filter.split_once(" eq ").unwrap();
                let value: Value = serde_json::from_str(value).unwrap();
                let is_asked = |one: &&(String, Value)| one.0 == parts[0] && one.1[attribute] == value;
                let found: Vec<&Value> = kept.resources.iter().filter(is_asked).map(|(_, one)| one).collect();
                return Reply::json(200, &json!({"totalResults": found.len(), "Resources": found}));
            }
            let mut sent: Value = serde_json::from_slice(&call.body).unwrap();
            let place = match parts.get(1) {
                Some(id) => kept.resources.iter().position(|(_, one)| one["id"] == **id).unwrap(),
                None => {
                    sent["id"] = json!(format!("id-{}", kept.resources.len()));
                    kept.resources.push((parts[0].to_owned(), Value::Null));
                    kept.resources.len() - 1
                }
            };
            kept.resources[place].1 = sent.clone();
            Reply::json(if parts.len() == 1 { 201 } else { 200 }, &sent)
        });
        let server = server.unwrap();
        let base = url::Url::parse(&format!("http://{}/scim/v2", server.address())).unwrap();
        (server, base, kept)
    }

    #[test]
    fn people_come_before_groups_and_a_second_push_replaces_them() {
        let (_server, base, kept) = provider();
        let idp = Idp::start(([127, 0, 0, 1], 0).into(), demo::people(), Vec::new()).unwrap();

        let outbound = Outbound::open(&outbound::Settings::default(), std::slice::from_ref(&base)).unwrap();
        let push = || push_by(&outbound, &idp, &demo::people(), &base, "t0ken");

        push().unwrap();
        let first = std::mem::take(&mut kept.lock().unwrap().asked);
        push().unwrap();

        let kept = kept.lock().unwrap();
        assert_eq!((first[..2].join(", "), first.len()), ("GET Users, POST Users".to_owned(), 2 * (4 + 5)));
        assert_eq!((kept.asked[1].as_str(), kept.resources.len()), ("PUT Users", 4 + 5));
        let mary = kept.resources.iter().find(|(_, one)| one["userName"] == "mary.major").unwrap();
        assert_eq!(mary.1["externalId"].as_str(), idp.subject("mary.major").as_deref());
        let team = kept.resources.iter().find(|(_, one)| one["displayName"] == "acme-team").unwrap();
        assert_eq!(team.1["members"], json!([{"value": mary.1["id"], "display": "Mary Major"}]));
    }

    #[test]
    fn a_refusal_of_the_service_provider_is_told_with_its_detail() {
        let refuse = |_: &_| Reply::json(401, &json!({"status": "401", "detail": "the token has expired"}));
        let server = Server::start("scim", ([127, 0, 0, 1], 0).into(), refuse).unwrap();
        let idp = Idp::start(([127, 0, 0, 1], 0).into(), demo::people(), Vec::new()).unwrap();
        let base = url::Url::parse(&format!("http://{}/scim/v2", server.address())).unwrap();

        let outbound = Outbound::open(&outbound::Settings::default(), std::slice::from_ref(&base)).unwrap();
        let error = push_by(&outbound, &idp, &demo::people(), &base, "old").unwrap_err();

        let told = format!("{error:#}");
        assert!(told.contains("mateo.jackson") && told.contains("the token has expired"), "{told}");
    }
}
