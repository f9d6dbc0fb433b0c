//! Settings of a source that are made or changed on the desk, by the keys that a settings file has. Whatever does not fit is
//! said by its key, and nothing of it is taken.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Error, Product, Settings};
use crate::extract::Extractor;
use crate::outbound;

/// Settings by their keys. As a change, `null` puts a key back to its default (RFC 7396 at the first level).
pub type Changes = serde_json::Map<String, Value>;

/// Values in one list, lines of a table, and bytes of one text.
const VALUES_MAX: usize = 200;
const LINES_MAX: usize = 20_000;
const TEXT_MAX: usize = 4096;

/// The keys that are written after a change, and the settings that they come to.
pub fn changed(written: &Changes, changes: &Changes) -> Result<(Changes, Settings), String> {
    let mut now = written.clone();
    for (key, value) in changes {
        let is_fixed = matches!(key.as_str(), "name" | "kind");
        if is_fixed && written.get(key).is_some_and(|was| was != value) {
            return Err(format!("{key} stays what it is; make another source instead"));
        }
        if value.is_null() {
            now.remove(key);
        } else {
            now.insert(key.clone(), value.clone());
        }
    }
    let mut settings = read(&now)?;
    fits(&settings)?;
    settings.written = now.keys().cloned().collect();
    Ok((now, settings))
}

fn read(written: &Changes) -> Result<Settings, String> {
    for (key, value) in written {
        bounded(key, value)?;
    }
    serde_path_to_error::deserialize(Value::Object(written.clone())).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        match path.as_str() {
            // What is missing, or unknown, is named by the error itself.
            "." => inner.to_string(),
            path => format!("{path}: {inner}"),
        }
    })
}

fn bounded(key: &str, value: &Value) -> Result<(), String> {
    match value {
        // A table has a line for each grant of each space.
        Value::Array(values) if key == "space_permissions" && values.len() <= LINES_MAX => {
            values.iter().try_for_each(|value| bounded("a line of space_permissions", value))
        }
        Value::Array(values) if values.len() > VALUES_MAX => Err(format!("{key} has at most {VALUES_MAX} values")),
        Value::Array(values) => values.iter().try_for_each(|value| bounded(key, value)),
        Value::String(text) if text.len() > TEXT_MAX => Err(format!("{key} is longer than {TEXT_MAX} bytes")),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => Ok(()),
    }
}

fn fits(settings: &Settings) -> Result<(), String> {
    let addresses = [Some(&settings.url), settings.pages_url.as_ref(), settings.proxy.as_ref()];
    if addresses.into_iter().flatten().chain(&settings.hosts).any(has_credential) {
        return Err("an address has a name or a password in it; enter those by themselves".to_owned());
    }
    if settings.removal_guard_percent > 100 {
        return Err("removal_guard_percent is a number from 0 to 100".to_owned());
    }
    let is_archive = settings.kind == Product::ConfluenceArchive;
    if !is_archive && settings.user.trim().is_empty() {
        return Err("user, the account that the credential belongs to, is missing".to_owned());
    }
    Ok(())
}

fn has_credential(url: &url::Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// Whether a secret that was entered would go elsewhere than it was entered for. It is asked for again then: whoever may change
/// an address must not be able to have a secret sent there that they were never told.
pub fn needs_secrets_again(was: &Settings, now: &Settings) -> bool {
    (&was.url, &was.proxy, &was.roots) != (&now.url, &now.proxy, &now.roots)
}

/// The first key that names a file which does not stand below the folder. Without a folder, none may be named.
pub fn outside_of(settings: &Settings, folder: Option<&Path>) -> Option<&'static str> {
    let folder = folder.and_then(|folder| folder.canonicalize().ok());
    let one = |file: &Option<PathBuf>| file.clone().into_iter().collect::<Vec<_>>();
    let named = [
        ("file", one(&settings.file)),
        ("memberships_file", one(&settings.memberships_file)),
        ("token_file", one(&settings.token_file)),
        ("password_file", one(&settings.password_file)),
        ("webhook_secret_file", one(&settings.webhook_secret_file)),
        ("space_permissions_file", one(&settings.space_permissions_file)),
        ("roots", settings.roots.clone()),
    ];
    // A link counts as what it leads to. A file that is not there just now stands where its folder does: whoever opens it says
    // that it is missing, and the source must not vanish for that.
    let place = |file: &PathBuf| {
        let above = || file.parent().and_then(|above| above.canonicalize().ok()).zip(file.file_name());
        file.canonicalize().ok().or_else(|| above().map(|(above, name)| above.join(name)))
    };
    let is_inside = |file: &PathBuf| match (&folder, place(file)) {
        (Some(folder), Some(file)) => file.starts_with(folder),
        _ => false,
    };
    named.into_iter().find(|(_, files)| !files.iter().all(is_inside)).map(|(key, _)| key)
}

/// Whether a source could be opened with these settings, without asking it anything; the error says what is wrong with them.
pub fn opens(settings: &Settings, outbound: &outbound::Settings, extractor: &Extractor) -> Result<(), String> {
    super::with_source(settings, outbound, extractor, |_| ()).map_err(|error| match error {
        Error::Settings(_, why) => why,
        other @ (Error::Store(_) | Error::Index(_) | Error::Broken(_)) => other.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn keys(value: Value) -> Changes {
        value.as_object().unwrap().clone()
    }

    fn wiki() -> Changes {
        keys(
            json!({"name": "wiki", "kind": "confluence", "url": "https://wiki.example.com", "user": "robot", "spaces": ["HR"]}),
        )
    }

    #[test]
    fn a_change_puts_keys_in_and_null_takes_them_back_to_their_defaults() {
        let (now, settings) =
            changed(&wiki(), &keys(json!({"spaces": null, "every_minutes": 5, "titles": ["Run.*"]}))).unwrap();

        assert!(settings.spaces.is_empty() && !now.contains_key("spaces"));
        assert_eq!((settings.every_minutes, settings.titles[0].as_str()), (5, "Run.*"));
        assert!(settings.written.contains("titles") && !settings.written.contains("spaces"));
    }

    #[test]
    fn what_does_not_fit_is_said_by_its_key() {
        let why = |changes: Value| changed(&wiki(), &keys(changes)).unwrap_err();

        assert!(why(json!({"spces": []})).contains("spces"));
        assert!(why(json!({"titles": ["("]})).contains("titles"));
        assert!(why(json!({"schedule": [{"cron": "every day", "mode": "full"}]})).contains("schedule"));
        assert!(why(json!({"every_minutes": -1})).contains("every_minutes"));
        assert!(why(json!({"removal_guard_percent": 101})).contains("removal_guard_percent"));
        assert!(why(json!({"name": "other"})).contains("name"));
        assert!(why(json!({"kind": "confluence_cloud"})).contains("kind"));
        assert!(why(json!({"user": ""})).contains("user"));
        assert!(why(json!({"url": "https://me:hush@wiki.example.com"})).contains("address"));
        assert!(!why(json!({"url": "https://me:hush@wiki.example.com"})).contains("hush"));
        assert!(why(json!({"spaces": vec!["X"; 201]})).contains("spaces"));
        assert!(changed(&Changes::new(), &keys(json!({"name": "wiki"}))).unwrap_err().contains("kind"));
    }

    #[test]
    fn a_secret_is_asked_for_again_where_it_would_go_elsewhere() {
        let (_, was) = changed(&wiki(), &Changes::new()).unwrap();
        let again = |changes: Value| needs_secrets_again(&was, &changed(&wiki(), &keys(changes)).unwrap().1);

        assert!(!again(json!({"spaces": ["IT"], "every_minutes": 1})));
        assert!(again(json!({"url": "https://elsewhere.example.com"})));
        assert!(again(json!({"url": "https://wiki.example.com/other"})));
        assert!(again(json!({"proxy": "http://proxy.example.com"})));
        assert!(again(json!({"roots": ["/r.pem"]})));
    }

    #[test]
    fn files_are_named_below_the_folder_alone_and_a_link_does_not_lead_out() {
        let folder = tempfile::tempdir().unwrap();
        let outside = tempfile::NamedTempFile::new().unwrap();
        let inside = folder.path().join("token");
        std::os::unix::fs::symlink(outside.path(), folder.path().join("link")).unwrap();
        std::io::Write::write_all(&mut std::fs::File::create(&inside).unwrap(), b"x").unwrap();
        let with = |path: &Path| changed(&wiki(), &keys(json!({ "token_file": path }))).unwrap().1;

        assert_eq!(outside_of(&with(&inside), Some(folder.path())), None);
        assert_eq!(outside_of(&with(&folder.path().join("later")), Some(folder.path())), None);
        assert_eq!(outside_of(&with(&inside), None), Some("token_file"));
        assert_eq!(outside_of(&with(outside.path()), Some(folder.path())), Some("token_file"));
        assert_eq!(outside_of(&with(&folder.path().join("link")), Some(folder.path())), Some("token_file"));
        assert_eq!(outside_of(&with(&folder.path().join("../x")), Some(folder.path())), Some("token_file"));
        assert_eq!(outside_of(&changed(&wiki(), &Changes::new()).unwrap().1, None), None);
    }
}
