//! A browser's way through the pages of a real provider: redirects, hidden fields, forms.

use sotto::standin::browser::{Browser, Heard};
use url::Url;
use url::form_urlencoded::Serializer;

use super::Appliance;

/// Follows redirects from an address, wherever they lead; the address that was reached and what was there.
pub fn walk(browser: &mut Browser, mut at: Url) -> (Url, Heard) {
    for _ in 0..20 {
        let heard = browser.send_raw("GET", at.as_str(), &[], Vec::new()).unwrap();
        match heard.header("location") {
            Some(next) if (300..400).contains(&heard.status) => at = at.join(next).unwrap(),
            _ => return (at, heard),
        }
    }
    panic!("redirected in a circle at {at}")
}

/// The value of an attribute in a tag, its entities resolved.
pub fn attribute(tag: &str, name: &str) -> Option<String> {
    let value = tag.split(&format!("{name}=\"")).nth(1)?.split('"').next()?;
    Some(
        value
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&#x3D;", "=")
            .replace("&amp;", "&"),
    )
}

/// The hidden fields of a page.
pub fn hidden(html: &str) -> Vec<(String, String)> {
    let tags = html.split("<input").skip(1).filter_map(|rest| rest.split('>').next());
    let hidden = tags.filter(|tag| tag.contains("type=\"hidden\""));
    hidden.filter_map(|tag| Some((attribute(tag, "name")?, attribute(tag, "value")?))).collect()
}

/// Posts a form.
pub fn submit(browser: &mut Browser, to: &Url, fields: &[(String, String)]) -> Heard {
    let body = Serializer::new(String::new()).extend_pairs(fields).finish();
    let headers = [("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())];
    browser.send_raw("POST", to.as_str(), &headers, body.into_bytes()).unwrap()
}

/// A port that nobody has now, for a program that must be told one.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A browser that may go to this provider too.
pub fn browser_of(house: &Appliance, idp: &Url) -> Browser {
    let issuer = Url::parse(&house.idp.issuer()).unwrap();
    Browser::open(&house.base, &[issuer, idp.clone()], &house.roots_pem).unwrap()
}
