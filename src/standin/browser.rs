//! A person's browser, small enough to carry: cookies, redirects, the provider's form, the event stream. It knows the
//! appliance only by its public addresses, so what it proves is true of a real browser too.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;
use url::Url;

use crate::outbound::{Outbound, Request, Response, Settings};

/// Redirects followed on one way.
const REDIRECTS_MAX: usize = 10;
/// Seconds one answer may take: a model on two busy cores.
const ANSWER_S: u64 = 600;

/// One browser with its own cookies.
pub struct Browser {
    outbound: Outbound,
    base: Url,
    /// By host and port, then by name. Cookies are not shared between ports here, which is stricter than RFC 6265.
    cookies: BTreeMap<String, BTreeMap<String, String>>,
}

/// What the appliance said.
#[derive(Debug, Clone)]
pub struct Heard {
    /// The HTTP status.
    pub status: u16,
    /// Header names (lower case) and values.
    pub headers: Vec<(String, String)>,
    /// The body as text.
    pub text: String,
}

impl Heard {
    /// The body as JSON; `Null` where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    /// A header by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// One event of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// `started`, `progress`, `source`, `claim`, `answer` or `error`.
    pub name: String,
    /// Its data.
    pub data: Value,
}

impl Browser {
    /// Opens a browser on the appliance at `base`, whose certificate leads to a root in `roots_pem`; `others` are the
    /// providers it may be sent to.
    pub fn open(base: &Url, others: &[Url], roots_pem: &str) -> anyhow::Result<Browser> {
        let settings = Settings { answer_s: ANSWER_S, retries: 0, ..Settings::default() };
        let mut origins = vec![base.clone()];
        origins.extend_from_slice(others);
        let outbound = Outbound::open_without_reuse(&settings, &origins, roots_pem)?;
        Ok(Browser { outbound, base: base.clone(), cookies: BTreeMap::new() })
    }

    /// The cookies held for the appliance.
    pub fn cookies(&self) -> BTreeMap<String, String> {
        self.cookies.get(&place(&self.base)).cloned().unwrap_or_default()
    }

    /// Takes over another browser's cookies for the appliance: a thief would.
    pub fn hold(&mut self, cookies: BTreeMap<String, String>) {
        self.cookies.insert(place(&self.base), cookies);
    }

    /// Sends one request to the appliance with a body or none, as the page does: with `X-Sotto` and `Origin`.
    pub fn send(&mut self, method: &'static str, path: &str, body: Option<&Value>) -> anyhow::Result<Heard> {
        let mut headers = vec![
            ("x-sotto".to_owned(), "1".to_owned()),
            ("origin".to_owned(), self.base.origin().ascii_serialization()),
        ];
        if body.is_some() {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
        }
        self.send_raw(method, path, &headers, body.map(Value::to_string).unwrap_or_default().into_bytes())
    }

    /// Sends one request to the appliance with exactly these headers (and the cookies).
    pub fn send_raw(
        &mut self,
        method: &'static str,
        path: &str,
        headers: &[(String, String)],
        body: Vec<u8>,
    ) -> anyhow::Result<Heard> {
        let url = self.base.join(path)?;
        let response = self.step(Request { method, url, headers: headers.to_vec(), body })?;
        heard(response)
    }

    /// Fetches JSON from the appliance; an error where the status is not 200.
    pub fn json(&mut self, path: &str) -> anyhow::Result<Value> {
        let heard = self.send("GET", path, None)?;
        ensure!(heard.status == 200, "GET {path} gave {}: {}", heard.status, heard.text);
        Ok(heard.json())
    }

    /// Signs in through the provider's own form as one of its people.
    pub fn sign_in(&mut self, provider: &str, username: &str) -> anyhow::Result<()> {
        let at = self.through(&format!("/auth/{provider}/login?return_to=/"), username)?;
        ensure!(at.origin() == self.base.origin() && at.path() == "/", "the sign-in ended at {}", at.path());
        Ok(())
    }

    /// Goes through the provider's own form as one of its people, from a path of the appliance on; where that ends.
    pub fn through(&mut self, path: &str, username: &str) -> anyhow::Result<Url> {
        let login = self.base.join(path)?;
        let (at, form) = self.follow(Request { method: "GET", url: login, headers: Vec::new(), body: Vec::new() })?;
        ensure!(
            at.origin() != self.base.origin(),
            "the appliance did not send the browser to its provider ({})",
            form.status
        );
        let page = heard(form)?.text;
        let (action, fields) =
            form_of(&page, username).with_context(|| format!("the provider's page has no button for {username}"))?;
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields).finish();
        let headers = vec![
            ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
            ("origin".to_owned(), at.origin().ascii_serialization()),
        ];
        let post = Request { method: "POST", url: at.join(&action)?, headers, body: body.into_bytes() };
        Ok(self.follow(post)?.0)
    }

    /// Asks, and gives every event of the stream.
    pub fn ask(&mut self, body: &Value) -> anyhow::Result<Vec<Event>> {
        let headers = vec![
            ("x-sotto".to_owned(), "1".to_owned()),
            ("origin".to_owned(), self.base.origin().ascii_serialization()),
            ("content-type".to_owned(), "application/json".to_owned()),
            ("accept".to_owned(), "text/event-stream".to_owned()),
        ];
        let heard = self.send_raw("POST", "/api/v1/ask", &headers, body.to_string().into_bytes())?;
        ensure!(heard.status == 200, "asking gave {}: {}", heard.status, heard.text);
        events(&heard.text)
    }

    /// Asks, and gives the answer: the last event's data.
    pub fn answer(&mut self, question: &str) -> anyhow::Result<Value> {
        let events = self.ask(&serde_json::json!({ "question": question }))?;
        match events.last() {
            Some(last) if last.name == "answer" => Ok(last.data.clone()),
            Some(last) => bail!("the stream ended with {}: {}", last.name, last.data),
            None => bail!("the stream was empty"),
        }
    }

    /// Signs out.
    pub fn sign_out(&mut self) -> anyhow::Result<()> {
        let heard = self.send("POST", "/auth/logout", None)?;
        ensure!(heard.status < 400, "signing out gave {}: {}", heard.status, heard.text);
        Ok(())
    }

    /// Follows redirects as a browser does: what is posted once is fetched after.
    fn follow(&mut self, mut request: Request) -> anyhow::Result<(Url, Response)> {
        for _ in 0..REDIRECTS_MAX {
            let url = request.url.clone();
            let response = self.step(request)?;
            let Some(location) = response.header("location").filter(|_| (300..400).contains(&response.status)) else {
                return Ok((url, response));
            };
            request = Request { method: "GET", url: url.join(location)?, headers: Vec::new(), body: Vec::new() };
        }
        bail!("redirected in a circle")
    }

    fn step(&mut self, mut request: Request) -> anyhow::Result<Response> {
        let place = place(&request.url);
        if let Some(cookies) = self.cookies.get(&place).filter(|cookies| !cookies.is_empty()) {
            let pairs: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request.headers.push(("cookie".to_owned(), pairs.join("; ")));
        }
        let response = self.outbound.step(&request)?;
        for (_, cookie) in response.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let mut parts = cookie.split(';');
            let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { continue };
            let is_ended = value.is_empty() || parts.any(|part| part.trim().eq_ignore_ascii_case("max-age=0"));
            let held = self.cookies.entry(place.clone()).or_default();
            match is_ended {
                true => held.remove(name.trim()),
                false => held.insert(name.trim().to_owned(), value.to_owned()),
            };
        }
        Ok(response)
    }
}

fn place(url: &Url) -> String {
    url.origin().ascii_serialization()
}

fn heard(response: Response) -> anyhow::Result<Heard> {
    let text = String::from_utf8(response.body).context("the body is not UTF-8")?;
    Ok(Heard { status: response.status, headers: response.headers, text })
}

/// Reads a whole event stream (WHATWG HTML §9.2).
pub fn events(text: &str) -> anyhow::Result<Vec<Event>> {
    let mut events = Vec::new();
    let (mut name, mut data) = (String::new(), String::new());
    for line in text.lines().chain(std::iter::once("")) {
        if let Some(rest) = line.strip_prefix("event:") {
            name = rest.trim().to_owned();
        } else if let Some(rest) = line.strip_prefix("data:") {
            data.push_str(rest.trim_start());
        } else if line.is_empty() && !data.is_empty() {
            let value = serde_json::from_str(&data).with_context(|| format!("event {name} is no JSON"))?;
            events.push(Event { name: std::mem::take(&mut name), data: value });
            data.clear();
        }
    }
    Ok(events)
}

/// The action and the fields of the form whose button carries `username`.
fn form_of(page: &str, username: &str) -> Option<(String, Vec<(String, String)>)> {
    for form in page.split("<form").skip(1) {
        let form = &form[..form.find("</form").unwrap_or(form.len())];
        let tags: Vec<&str> = form.split('<').skip(1).collect();
        let is_pressed =
            |tag: &&&str| tag.starts_with("button") && attribute(tag, "value").as_deref() == Some(username);
        let is_hidden_name = |tag: &&&str| {
            attribute(tag, "type").as_deref() == Some("hidden") && attribute(tag, "value").as_deref() == Some(username)
        };
        if tags.iter().find(is_pressed).or_else(|| tags.iter().find(is_hidden_name)).is_none() {
            continue;
        }
        let mut fields: Vec<(String, String)> = tags
            .iter()
            .filter(|tag| tag.starts_with("input") && attribute(tag, "type").as_deref() == Some("hidden"))
            .filter_map(|tag| Some((attribute(tag, "name")?, attribute(tag, "value").unwrap_or_default())))
            .collect();
        if let Some(button) = tags.iter().find(is_pressed) {
            fields.push((attribute(button, "name")?, username.to_owned()));
        }
        let action = attribute(&form[..form.find('>')?], "action").unwrap_or_default();
        return Some((action, fields));
    }
    None
}

/// An attribute's value in a tag that was written by us: double quotes, the five entities.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let tag = &tag[..tag.find('>').unwrap_or(tag.len())];
    let start = tag.find(&format!(" {name}=\""))? + name.len() + 3;
    let value = &tag[start..start + tag[start..].find('"')?];
    Some(
        value
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&#39;", "'")
            .replace("&amp;", "&"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_the_pressed_button_is_filled_with_its_hidden_fields() {
        let page = "<form method=\"post\" action=\"/a\"><input type=\"hidden\" name=\"x\" value=\"1&amp;2\">\
                    <button name=\"as\" value=\"mateo\">Mateo</button><button name=\"as\" value=\"mary\">Mary</button></form>";

        let (action, fields) = form_of(page, "mary").unwrap();

        assert_eq!(action, "/a");
        assert_eq!(fields, [("x".to_owned(), "1&2".to_owned()), ("as".to_owned(), "mary".to_owned())]);
        assert!(form_of(page, "ana").is_none());
    }

    #[test]
    fn events_are_read_in_order() {
        let read = events("event: started\ndata: {\"a\":1}\n\n: wait\n\nevent: answer\ndata: {\"b\":2}\n\n").unwrap();

        assert_eq!(read.iter().map(|event| event.name.as_str()).collect::<Vec<_>>(), ["started", "answer"]);
    }
}
