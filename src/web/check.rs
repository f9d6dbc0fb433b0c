//! What is wrong with the settings of the server, found without starting it.

use std::path::Path;

use anyhow::{anyhow, bail};

use super::{Settings, tls};

/// One line for each thing: what was looked at, and what is good or wrong about it, in words.
pub fn check(settings: &Settings, data: &Path) -> Vec<(String, Result<String, String>)> {
    let looked_at = [
        ("server public_url", public_url(settings)),
        ("server metrics_listen", metrics_listen(settings)),
        ("server certificate", tls::look(settings, &data.join("tls"))),
        ("server static_dir", static_dir(settings)),
    ];
    let in_words = |outcome: anyhow::Result<String>| outcome.map_err(|error| format!("{error:#}"));
    looked_at.into_iter().map(|(what, outcome)| (what.to_owned(), in_words(outcome))).collect()
}

/// Refuses settings that no server should start with.
pub fn fit(settings: &Settings) -> anyhow::Result<()> {
    public_url(settings)?;
    metrics_listen(settings)?;
    static_dir(settings)?;
    Ok(())
}

fn public_url(settings: &Settings) -> anyhow::Result<String> {
    let url = &settings.public_url;
    if url.scheme() != "https" || url.host().is_none() {
        bail!("public_url is {url}; it is an address that begins with https:// and names a host");
    }
    // Cookies with the `__Host-` prefix are bound to the root of a host.
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
        bail!("public_url is {url}; it has a host and perhaps a port, and nothing after them");
    }
    Ok(url.to_string())
}

fn metrics_listen(settings: &Settings) -> anyhow::Result<String> {
    match settings.metrics_listen {
        None => Ok("switched off".to_owned()),
        Some(address) if address.ip().is_loopback() => Ok(address.to_string()),
        Some(address) => Err(anyhow!(
            "metrics_listen is {address}; metrics ask nobody who they are, so only a loopback address is taken"
        )),
    }
}

fn static_dir(settings: &Settings) -> anyhow::Result<String> {
    match &settings.static_dir {
        None => Ok("the pages in the program".to_owned()),
        Some(folder) if folder.join("index.html").is_file() => Ok(folder.display().to_string()),
        Some(folder) => Err(anyhow!("static_dir is {}, and there is no index.html there", folder.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(settings: &Settings) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        check(settings, folder.path()).into_iter().filter_map(|(_, outcome)| outcome.err()).collect()
    }

    #[test]
    fn the_defaults_are_in_order() {
        assert_eq!(wrong(&Settings::default()), Vec::<String>::new());
        assert!(fit(&Settings::default()).is_ok());
    }

    #[test]
    fn an_address_without_tls_or_with_a_path_is_refused() {
        for url in [
            "http://sotto.example",
            "https://sotto.example/app",
            "https://sotto.example/?x=1",
            "https://a@sotto.example",
        ] {
            let settings = Settings { public_url: url.parse().unwrap(), ..Settings::default() };
            assert!(fit(&settings).is_err(), "{url}");
        }
    }

    #[test]
    fn metrics_are_not_shown_to_the_network() {
        let settings = Settings { metrics_listen: Some("0.0.0.0:9464".parse().unwrap()), ..Settings::default() };

        assert!(wrong(&settings)[0].contains("loopback"));
        assert!(fit(&settings).is_err());
    }

    #[test]
    fn a_certificate_that_cannot_be_read_is_named() {
        let file = Some("/nowhere/chain.pem".into());
        let settings = Settings { certificate_file: file.clone(), key_file: file, ..Settings::default() };

        assert!(wrong(&settings)[0].contains("/nowhere/chain.pem"));
    }
}
