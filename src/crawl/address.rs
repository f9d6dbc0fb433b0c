//! Which page an address names: every form that Confluence gives its pages (`confluence.md` §1.1). Pure.

use base64::Engine as _;
use url::Url;

/// A page as an address names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// By its id.
    Id(String),
    /// By its title in a space, as older addresses do.
    Titled {
        /// The key of the space.
        space: String,
        /// The title.
        title: String,
    },
}

/// Why an address names no page of a source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoPage {
    /// It is no address at all.
    #[error("this is neither the address of a page nor its id")]
    NoAddress,
    /// It is below none of the source's own.
    #[error("this address is not below {0}, where this source has its pages")]
    Elsewhere(String),
    /// It names something else.
    #[error("this address names no page: copy the one that the page itself is opened at")]
    Other,
}

/// The most bytes of an address that are looked at.
const BYTES_MAX: usize = 4096;

/// Bytes of a page's number in a tiny link, and the letters they take.
const TINY_BYTES: usize = 8;
const TINY_LETTERS: usize = 11;

/// The page that a text names: an address below one of `bases`, or an id alone. Query, anchor and whatever else an address
/// carries along (`?src=…`, `#…`) change nothing.
pub fn wanted(text: &str, bases: &[&Url]) -> Result<Wanted, NoPage> {
    let text = text.trim();
    if is_number(text) {
        return Ok(Wanted::Id(text.to_owned()));
    }
    let address = Url::parse(text).ok().filter(|url| text.len() <= BYTES_MAX && url.host_str().is_some());
    let address = address.ok_or(NoPage::NoAddress)?;
    let below = bases.iter().find_map(|base| below(&address, base));
    let below =
        below.ok_or_else(|| NoPage::Elsewhere(bases.first().map_or_else(String::new, |base| base.to_string())))?;
    let value = |name: &str| address.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    if let Some(id) = value("pageId").filter(|id| is_number(id)) {
        return Ok(Wanted::Id(id));
    }
    if let (Some(space), Some(title)) = (value("spaceKey"), value("title")) {
        return Ok(Wanted::Titled { space, title });
    }
    of_path(&below).ok_or(NoPage::Other)
}

/// The decoded steps of the path below a base; `None` where it is not below it. The scheme may differ: people copy what their
/// browser shows, and nothing is fetched from the address itself.
fn below(address: &Url, base: &Url) -> Option<Vec<String>> {
    if address.host_str() != base.host_str() {
        return None;
    }
    let steps = |url: &Url| -> Vec<String> {
        let all = url.path_segments().into_iter().flatten();
        all.filter(|step| !step.is_empty()).map(decoded).collect()
    };
    let (all, above) = (steps(address), steps(base));
    all.strip_prefix(above.as_slice()).map(<[String]>::to_vec)
}

/// A step of a path in words: Confluence writes a space of a title as `+`.
fn decoded(step: &str) -> String {
    // Read as the value of a form, which has the same two ways of writing; an `&` would end the value.
    let value = format!("v={}", step.replace('&', "%26"));
    url::form_urlencoded::parse(value.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

fn of_path(steps: &[String]) -> Option<Wanted> {
    let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
    let id = |id: &str| Some(Wanted::Id(id.to_owned()));
    match steps.as_slice() {
        // `/spaces/KEY/pages/ID/Title`, `…/pages/edit-v2/ID`, `…/blog/ID`, and with the day before it `…/blog/2026/11/02/ID`.
        ["spaces", _, "pages", rest @ ..] => rest.iter().find(|step| is_number(step)).and_then(|found| id(found)),
        ["spaces", _, "blog", year, month, day, found, ..]
            if [year, month, day, found].iter().all(|s| is_number(s)) =>
        {
            id(found)
        }
        ["spaces", _, "blog", found] | ["spaces", _, "blog", found, _] if is_number(found) => id(found),
        ["display", space, year, month, day, title] if [year, month, day].iter().all(|step| is_number(step)) => {
            Some(Wanted::Titled { space: (*space).to_owned(), title: (*title).to_owned() })
        }
        ["display", space, title] => Some(Wanted::Titled { space: (*space).to_owned(), title: (*title).to_owned() }),
        ["x", code] => of_tiny(code).map(Wanted::Id),
        ["rest", "api", "content", found, ..] | ["api", "v2", "pages" | "blogposts", found, ..] if is_number(found) => {
            id(found)
        }
        _ => None,
    }
}

/// The page of a tiny link: its number's bytes, the least first, in base64 of its own alphabet, without the zeros at the end.
fn of_tiny(code: &str) -> Option<String> {
    let plain = code.replace('-', "/").replace('_', "+");
    if plain.is_empty() || plain.len() > TINY_LETTERS {
        return None;
    }
    let bytes = base64::engine::general_purpose::STANDARD_NO_PAD.decode(format!("{plain:A<TINY_LETTERS$}")).ok()?;
    let bytes: [u8; TINY_BYTES] = bytes.try_into().ok()?;
    match u64::from_le_bytes(bytes) {
        0 => None,
        number => Some(number.to_string()),
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.len() <= 20 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> Result<Wanted, NoPage> {
        let base = Url::parse("https://wiki.example.com/confluence").unwrap();
        wanted(text, &[&base])
    }

    fn by_id(id: &str) -> Result<Wanted, NoPage> {
        Ok(Wanted::Id(id.to_owned()))
    }

    fn titled(space: &str, title: &str) -> Result<Wanted, NoPage> {
        Ok(Wanted::Titled { space: space.to_owned(), title: title.to_owned() })
    }

    #[test]
    fn a_page_is_named_by_its_id_in_every_form_that_has_one() {
        for address in [
            "131103",
            " https://wiki.example.com/confluence/pages/viewpage.action?pageId=131103 ",
            "https://wiki.example.com/confluence/pages/viewpage.action?pageId=131103&src=contextnavpagetreemode#Leave-Days",
            "https://wiki.example.com/confluence/pages/viewpageattachments.action?pageId=131103",
            "https://wiki.example.com/confluence/spaces/HR/pages/131103/Annual+leave",
            "https://wiki.example.com/confluence/spaces/HR/pages/131103/Annual+leave?src=contextnavpagetreemode#top",
            "https://wiki.example.com/confluence/spaces/HR/pages/131103",
            "https://wiki.example.com/confluence/spaces/HR/pages/edit-v2/131103",
            "https://wiki.example.com/confluence/spaces/HR/blog/2026/11/02/131103/News",
            "https://wiki.example.com/confluence/spaces/HR/blog/131103",
            "http://wiki.example.com/confluence/rest/api/content/131103?expand=version",
        ] {
            assert_eq!(page(address), by_id("131103"), "{address}");
        }
    }

    #[test]
    fn a_page_is_named_by_its_title_with_signs_written_in_either_way() {
        for (address, space, title) in [
            ("display/HR/Annual+leave", "HR", "Annual leave"),
            ("display/HR/Annual%20leave", "HR", "Annual leave"),
            ("display/HR/C%2B%2B+%26+Rust%3A+50%25", "HR", "C++ & Rust: 50%"),
            ("display/HR/R&D?src=sidebar#x", "HR", "R&D"),
            ("display/~ana/Notes%2FPlans", "~ana", "Notes/Plans"),
            ("display/HR/2026/11/02/News", "HR", "News"),
            ("display/HR/%C3%9Cber+uns", "HR", "Über uns"),
            ("pages/viewpage.action?spaceKey=HR&title=Annual+leave", "HR", "Annual leave"),
        ] {
            let address = format!("https://wiki.example.com/confluence/{address}");
            assert_eq!(page(&address), titled(space, title), "{address}");
        }
    }

    #[test]
    fn a_tiny_link_is_the_number_of_its_page() {
        // Bytes 0f 80 01, 2c 01, fb ff: in base64 `D4AB`, `LAEA`, `+/8A`.
        for (code, id) in [("D4AB", "98319"), ("LAE", "300"), ("_-8", "65531"), ("_-8?src=x#y", "65531")] {
            assert_eq!(page(&format!("https://wiki.example.com/confluence/x/{code}")), by_id(id), "{code}");
        }
        assert_eq!(page("https://wiki.example.com/confluence/x/"), Err(NoPage::Other));
        assert_eq!(page("https://wiki.example.com/confluence/x/AAAA"), Err(NoPage::Other));
        assert_eq!(page("https://wiki.example.com/confluence/x/not*a*code"), Err(NoPage::Other));
    }

    #[test]
    fn clouds_addresses_and_a_second_base_are_known() {
        let base = Url::parse("https://api.atlassian.com/ex/confluence/1/wiki").unwrap();
        let pages = Url::parse("https://corp.atlassian.net/wiki/").unwrap();
        let of = |text: &str| wanted(text, &[&base, &pages]);

        assert_eq!(of("https://corp.atlassian.net/wiki/spaces/HR/pages/77/A+B"), by_id("77"));
        assert_eq!(of("https://corp.atlassian.net/wiki/spaces/~7120/pages/77"), by_id("77"));
        assert!(matches!(of("https://corp.atlassian.net/jira/77"), Err(NoPage::Elsewhere(_))));
    }

    #[test]
    fn what_names_no_page_of_the_source_is_refused_with_the_reason() {
        assert_eq!(page("Annual leave"), Err(NoPage::NoAddress));
        assert_eq!(page(""), Err(NoPage::NoAddress));
        assert_eq!(page("file:///etc/passwd"), Err(NoPage::NoAddress));
        for elsewhere in
            ["https://evil.example/confluence/pages/viewpage.action?pageId=1", "https://wiki.example.com/x/D4AB"]
        {
            let why = page(elsewhere).unwrap_err().to_string();
            assert!(why.contains("https://wiki.example.com/confluence"), "{why}");
        }
        for other in ["display/HR", "spaces/HR/overview", "spaces/HR/folder/9", "", "dashboard.action?pageId=one"] {
            assert_eq!(page(&format!("https://wiki.example.com/confluence/{other}")), Err(NoPage::Other), "{other}");
        }
    }
}
