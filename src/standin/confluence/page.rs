//! What a browser gets: a page to look at, a file to download, and a form to sign in at. Plainly labelled as a stand-in.

use super::fault::Fault;
use super::flavour::Flavour;
use super::login::{self, COOKIE};
use super::routes::Ask;
use super::site::{Content, Kind, Site};
use super::{Shared, cloud, html};
use crate::standin::server::{Call, Reply, encode, escape};

const STYLE: &str = "body{font:16px/1.6 system-ui,sans-serif;margin:0;color:#172b4d;background:#fff}\
header{background:#0b3d63;color:#fff;padding:.6rem 1.5rem}main{max-width:50rem;margin:1.5rem auto;padding:0 1.5rem}\
nav,.by{color:#5e6c84;font-size:.9rem}a{color:#0052cc}table{border-collapse:collapse}td,th{border:1px solid #c1c7d0;\
padding:.3rem .6rem;text-align:left}th{background:#f4f5f7}.panel{border-left:4px solid #4c9aff;background:#f4f7fb;\
padding:.4rem 1rem;margin:1rem 0}pre{background:#f4f5f7;padding:.8rem;overflow:auto}input{display:block;font:inherit;\
padding:.3rem;margin:.2rem 0 .8rem}button{font:inherit;padding:.4rem 1rem;margin:.2rem .4rem .2rem 0}";
/// Sign-in buttons are offered where the site has no more people with a password than this.
const BUTTONS_MAX: usize = 20;

/// A whole HTML page; `main` is HTML already.
fn whole(title: &str, main: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title><style>{STYLE}</style><header>Stand-in Confluence (for demonstration and tests)</header>\
         <main>{main}</main></html>",
        title = escape(title)
    )
}

/// A page of one sentence.
pub(super) fn plain(title: &str, sentence: &str) -> String {
    whole(title, &format!("<h1>{}</h1><p>{}</p>", escape(title), escape(sentence)))
}

/// Answers a request outside the REST interface.
pub(super) fn serve(shared: &Shared, ask: &Ask<'_>, parts: &[&str]) -> Reply {
    let method = ask.call.method.as_str();
    match (method, parts) {
        ("POST", ["dologin.action"]) => sign_in(shared, ask),
        (_, ["login.action"]) => form(ask, &ask.call.parameter("os_destination").unwrap_or_default(), 200, ""),
        ("GET" | "HEAD", ["download", "attachments", page, file]) => download(ask, page, file),
        ("GET", ["spaces", _, "pages", id] | ["spaces", _, "pages", id, _] | ["spaces", _, "blog", _, _, _, id, _]) => {
            view(ask, id)
        }
        ("GET", ["pages", "viewpage.action" | "viewpageattachments.action"]) => {
            view(ask, &ask.call.parameter("pageId").unwrap_or_default())
        }
        ("GET", ["display" | "spaces", key]) => contents(ask, key),
        ("GET", [] | [""]) => spaces(ask),
        _ => Reply::html(404, plain("Not here", "The stand-in has nothing at this address.")),
    }
}

/// What is hidden and what is missing look the same; who is not signed in is asked to.
fn missing(ask: &Ask<'_>) -> Reply {
    match ask.user {
        Some(_) => Reply::html(404, plain("Page not found", "It does not exist, or you may not view it.")),
        None => form(ask, &here(ask.call), 200, ""),
    }
}

fn here(call: &Call) -> String {
    if call.query.is_empty() { call.path.clone() } else { format!("{}?{}", call.path, call.query) }
}

fn form(ask: &Ask<'_>, destination: &str, status: u16, problem: &str) -> Reply {
    let context = escape(&ask.site.spec.context_path);
    let action = format!("{context}/dologin.action");
    let to = format!("<input type=\"hidden\" name=\"os_destination\" value=\"{}\">", escape(destination));
    let people: Vec<_> = ask
        .site
        .spec
        .users
        .iter()
        .filter(|user| user.active && !user.password.is_empty() && user.tokens.is_empty())
        .collect();
    let buttons: String = people
        .iter()
        .filter(|_| people.len() <= BUTTONS_MAX)
        .map(|user| {
            format!(
                "<form method=\"post\" action=\"{action}\">{to}<input type=\"hidden\" name=\"os_username\" value=\"{}\">\
                 <input type=\"hidden\" name=\"os_password\" value=\"{}\"><button>Log in as {}</button></form>",
                escape(&user.username),
                escape(&user.password),
                escape(&user.display_name)
            )
        })
        .collect();
    let main = format!(
        "<h1>Log in</h1><p role=\"alert\">{problem}</p>{buttons}<form method=\"post\" action=\"{action}\">{to}\
         <label>User name<input name=\"os_username\" autocomplete=\"username\"></label>\
         <label>Password<input name=\"os_password\" type=\"password\" autocomplete=\"current-password\"></label>\
         <button>Log in</button></form>",
        problem = escape(problem)
    );
    Reply::html(status, whole("Log in", &main))
}

fn sign_in(shared: &Shared, ask: &Ask<'_>) -> Reply {
    let field = |name: &str| ask.call.field(name).unwrap_or_default();
    let destination = field("os_destination");
    let Some(user) = login::by_password(ask.site, &field("os_username"), &field("os_password")) else {
        return form(ask, &destination, 401, "The user name or the password is not right.");
    };
    // Only a path of this server: "//elsewhere" and "https://elsewhere" would be an open redirect.
    let is_path =
        destination.starts_with('/') && !destination.starts_with("//") && !destination.contains(['\\', '\n', '\r']);
    let to = if is_path { destination } else { format!("{}/", ask.site.spec.context_path) };
    Reply::see_other(&to)
        .with("set-cookie", format!("{COOKIE}={}; Path=/; HttpOnly; SameSite=Lax", shared.logins.sign_in(user)))
}

fn view(ask: &Ask<'_>, id: &str) -> Reply {
    let found = ask.site.content(id).filter(|content| content.status == "current" && ask.sight.may_view(content));
    let Some(content) = found else { return missing(ask) };
    let content = ask.site.holder(content);
    let context = escape(&ask.site.spec.context_path);
    let space = ask.site.space(&content.space).map_or("", |space| space.name.as_str());
    let above: String = ask.site.ancestors(content).iter().map(|page| format!(" / {}", link(&context, page))).collect();
    let below: String = ask
        .site
        .below(&content.id, Kind::Page)
        .filter(|page| ask.sight.may_view(page))
        .map(|page| format!("<li>{}</li>", link(&context, page)))
        .collect();
    let files: String = ask
        .site
        .below(&content.id, Kind::Attachment)
        .map(|file| {
            let name = &file.title;
            format!(
                "<li><a href=\"{context}/download/attachments/{}/{}\">{}</a></li>",
                content.id,
                encode(name),
                escape(name)
            )
        })
        .collect();
    let comments: String = ask
        .site
        .below(&content.id, Kind::Comment)
        .map(|comment| format!("<li><strong>{}</strong>{}</li>", name(ask, &comment.created_by), body(ask, comment)))
        .collect();
    let list = |title: &str, items: String| {
        if items.is_empty() { items } else { format!("<h2>{title}</h2><ul>{items}</ul>") }
    };
    let main = format!(
        "<nav><a href=\"{context}/display/{}\">{}</a>{above}</nav><h1>{}</h1><p class=\"by\">Last changed by {} on {}</p>{}{}{}{}",
        encode(&content.space),
        escape(space),
        escape(&content.title),
        name(ask, &content.updated_by),
        escape(content.updated_at.get(..10).unwrap_or_default()),
        body(ask, content),
        list("Pages below", below),
        list("Attachments", files),
        list("Comments", comments),
    );
    Reply::html(200, whole(&content.title, &main))
}

fn body(ask: &Ask<'_>, content: &Content) -> String {
    // What is not well-formed is shown as it is written.
    let body = ask.site.body(content);
    html::render(&body, &|user| ask.site.name_of(user)).unwrap_or_else(|_| format!("<pre>{}</pre>", escape(&body)))
}

fn name(ask: &Ask<'_>, username: &str) -> String {
    escape(ask.site.user(username).map_or("unknown user", |user| user.display_name.as_str()))
}

fn link(context: &str, page: &Content) -> String {
    format!("<a href=\"{context}/pages/viewpage.action?pageId={}\">{}</a>", encode(&page.id), escape(&page.title))
}

fn contents(ask: &Ask<'_>, key: &str) -> Reply {
    let space = ask.site.space(key).filter(|space| ask.sight.may_view_space(space));
    let Some(space) = space else { return missing(ask) };
    let context = escape(&ask.site.spec.context_path);
    let items: String = ask
        .site
        .spec
        .content
        .iter()
        .filter(|content| content.space == space.key && matches!(content.kind, Kind::Page | Kind::Blogpost))
        .filter(|content| content.status == "current" && ask.sight.may_view(content))
        .map(|page| format!("<li>{}</li>", link(&context, page)))
        .collect();
    Reply::html(200, whole(&space.name, &format!("<h1>{}</h1><ul>{items}</ul>", escape(&space.name))))
}

fn spaces(ask: &Ask<'_>) -> Reply {
    let spaces: Vec<_> = ask.site.spec.spaces.iter().filter(|space| ask.sight.may_view_space(space)).collect();
    if spaces.is_empty() {
        return missing(ask);
    }
    let context = escape(&ask.site.spec.context_path);
    let items: String = spaces
        .iter()
        .map(|space| {
            format!("<li><a href=\"{context}/display/{}\">{}</a></li>", encode(&space.key), escape(&space.name))
        })
        .collect();
    Reply::html(200, whole("Spaces", &format!("<h1>Spaces</h1><ul>{items}</ul>")))
}

fn download(ask: &Ask<'_>, page: &str, file: &str) -> Reply {
    let found = ask.site.below(page, Kind::Attachment).find(|attachment| {
        attachment.title == file && attachment.status == "current" && ask.sight.may_view(attachment)
    });
    match found {
        Some(attachment) => media(ask, attachment),
        None => missing(ask),
    }
}

/// The bytes of an attachment, or the way to the service that keeps them.
pub(super) fn media(ask: &Ask<'_>, attachment: &Content) -> Reply {
    if ask.flavour == Flavour::Cloud || ask.faults.contains(&Fault::DownloadElsewhere) {
        return Reply::of(302, "text/plain", "").with("location", cloud::media_address(ask, attachment));
    }
    bytes(ask.site, attachment).unwrap_or_else(|| missing(ask))
}

fn bytes(site: &Site, attachment: &Content) -> Option<Reply> {
    let bytes = site.file(&attachment.id)?;
    let media_type = attachment.media_type.as_deref().unwrap_or("application/octet-stream");
    // A file is handed over, never shown: an HTML attachment would run as this origin's own page.
    let reply = Reply::of(200, media_type, bytes.to_vec())
        .with("content-disposition", format!("attachment; filename*=UTF-8''{}", encode(&attachment.title)))
        .with("x-content-type-options", "nosniff");
    Some(reply)
}

/// What the service that keeps attachments answers: it believes the signature, and takes no credential that was meant for
/// Confluence.
pub(super) fn kept(site: &Site, id: &str, call: &Call) -> Reply {
    let attachment = site.content(id).filter(|content| content.kind == Kind::Attachment);
    let is_signed = |file: &&Content| call.parameter("signature").as_deref() == Some(cloud::signature(file).as_str());
    match attachment.filter(is_signed) {
        _ if call.header("authorization").is_some() => {
            Reply::of(400, "application/xml", "<Error>InvalidArgument</Error>")
        }
        Some(attachment) => {
            bytes(site, attachment).unwrap_or_else(|| Reply::of(404, "application/xml", "<Error>NoSuchKey</Error>"))
        }
        None => Reply::of(403, "application/xml", "<Error>SignatureDoesNotMatch</Error>"),
    }
}
