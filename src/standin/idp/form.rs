//! The provider's pages: the sign-in form and notices.

use super::Person;
use crate::standin::server::escape;

/// One-click buttons are offered where there are no more people than this.
const BUTTONS_MAX: usize = 12;

const STYLE: &str = "*{box-sizing:border-box}body{margin:0;min-height:100vh;display:grid;place-items:center;\
font:16px/1.5 system-ui,sans-serif;color:#1d2433;background:#eef1f6}main{background:#fff;width:min(26rem,94vw);\
margin:1rem;padding:2rem;border-radius:12px;box-shadow:0 1px 3px #0002,0 8px 30px #0001}h1{font-size:1.3rem;margin:0}\
.label{color:#566074;margin:.2rem 0 1.4rem;font-size:.9rem}form{margin:0 0 .6rem}button{width:100%;min-height:44px;\
padding:.5rem .9rem;font:inherit;text-align:left;color:inherit;background:#f6f8fb;border:1px solid #c9d1de;\
border-radius:8px;cursor:pointer}button:hover{background:#e9eef7}button small{display:block;color:#566074}\
button.main{background:#2a4fa3;border-color:#2a4fa3;color:#fff;text-align:center;margin-top:.4rem}\
button.main:hover{background:#213f85}label{display:block;margin:.6rem 0 0;font-size:.9rem}input{width:100%;\
min-height:44px;padding:.4rem .7rem;font:inherit;border:1px solid #8a94a6;border-radius:8px}\
:focus-visible{outline:3px solid #7aa2ff;outline-offset:2px}.problem{color:#a11d1d;margin:0 0 1rem}\
details{margin-top:1.2rem;border-top:1px solid #dfe4ec;padding-top:1rem}summary{cursor:pointer}\
@media(prefers-color-scheme:dark){body{background:#12151c;color:#e6e9f0}main{background:#1b2029}.label,button small\
{color:#a5aec0}button,input{background:#232a36;border-color:#4a5468;color:inherit}button:hover{background:#2c3545}\
button.main,button.main:hover{background:#4467c4;border-color:#4467c4}.problem{color:#ff9d9d}details{border-color:#333c4b}}";

fn page(title: &str, main: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{title}</title>\
         <style>{STYLE}</style></head><body><main><h1>{title}</h1>\
         <p class=\"label\">Stand-in identity provider (demo)</p>{main}</main></body></html>",
        title = escape(title)
    )
}

/// A page of one sentence.
pub(super) fn notice(title: &str, sentence: &str) -> String {
    page(title, &format!("<p>{}</p>", escape(sentence)))
}

/// The form for a waiting request. The buttons send the same form, filled in: the password is checked like any other.
pub(super) fn sign_in(request: &str, people: &[Person], problem: &str) -> String {
    let request = format!("<input type=\"hidden\" name=\"request\" value=\"{}\">", escape(request));
    let with_buttons = people.len() <= BUTTONS_MAX && !people.is_empty();
    let buttons: String = people
        .iter()
        .filter(|_| with_buttons)
        .map(|person| {
            format!(
                "<form method=\"post\" action=\"/sign-in\">{request}\
                 <input type=\"hidden\" name=\"username\" value=\"{username}\">\
                 <input type=\"hidden\" name=\"password\" value=\"{password}\">\
                 <button>Sign in as {name}<small>{email}</small></button></form>",
                username = escape(&person.username),
                password = escape(&person.password),
                name = escape(&person.name),
                email = escape(&person.email),
            )
        })
        .collect();
    let problem = if problem.is_empty() {
        String::new()
    } else {
        format!("<p class=\"problem\" role=\"alert\">{}</p>", escape(problem))
    };
    let fields = format!(
        "<form method=\"post\" action=\"/sign-in\">{request}\
         <label for=\"username\">User name</label>\
         <input id=\"username\" name=\"username\" autocomplete=\"username\" autocapitalize=\"none\" required>\
         <label for=\"password\">Password</label>\
         <input id=\"password\" name=\"password\" type=\"password\" autocomplete=\"current-password\" required>\
         <button class=\"main\">Sign in</button></form>"
    );
    let fields = if with_buttons {
        format!("<details><summary>Sign in with user name and password</summary>{fields}</details>")
    } else {
        fields
    };
    page("Choose who you are", &format!("{problem}{buttons}{fields}"))
}
