//! Signing in by OpenID Connect through a real provider (npm oidc-provider, which is certified), driven without a browser: both
//! signatures, a change of keys, and both ways of signing out. Where it is not installed that is said.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};
use sotto::standin::browser::Browser;
use url::Url;

use crate::support::{
    Appliance, PATIENCE, Site, attribute, browser_of, free_port, hidden, is_skipped, put, submit, walk,
};

/// As the provider's settings have it.
const SECRET: &str = "sotto-test-secret-sotto-test-secret";

/// The provider on a port of its own; it stops when this is dropped.
struct Real {
    process: Child,
}

/// The start script beside the evaluation's data (`SOTTO_OIDC_IDP` names another folder), and where its modules are.
struct Script {
    script: PathBuf,
    modules: PathBuf,
}

impl Script {
    fn find() -> Option<Script> {
        let folder = |name: &str| std::env::var_os(name).map(PathBuf::from);
        let beside = folder("SOTTO_EVAL_DATA").map(|data| data.join("../idp"));
        let script = folder("SOTTO_OIDC_IDP").or(beside)?.join("start-oidc-idp.sh");
        let cache = folder("XDG_CACHE_HOME").or(folder("HOME").map(|home| home.join(".cache")))?;
        let modules = cache.join("sotto-oidc-idp/node_modules");
        (script.exists() && modules.join("oidc-provider").exists()).then_some(Script { script, modules })
    }

    fn start(&self, port: u16, state: &Path, house: &Appliance, algorithm: &str) -> Real {
        let ours = |path: &str| house.base.join(path).unwrap().to_string();
        let modules = state.join("node_modules");
        if !modules.exists() {
            std::os::unix::fs::symlink(&self.modules, &modules).unwrap();
        }
        let roots = state.join("roots.pem");
        put(&roots, &house.roots_pem);
        let process = Command::new("bash")
            .arg(&self.script)
            .env("PORT", port.to_string())
            .env("STATE", state)
            .env("REDIRECT_URI", ours("/auth/oidc/real/callback"))
            .env("POST_LOGOUT_URI", ours("/sign-in"))
            .env("BACKCHANNEL_URI", ours("/auth/oidc/real/backchannel-logout"))
            .env("ID_ALG", algorithm)
            .env("NODE_EXTRA_CA_CERTS", roots)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let real = Real { process };
        let began = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(began.elapsed() < PATIENCE, "the provider does not start");
            std::thread::park_timeout(std::time::Duration::from_millis(20));
        }
        real
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        // The script has become the server, so that this ends it.
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// An appliance with the real provider beside the one it always has, and alice in its directory.
struct House {
    house: Appliance,
    issuer: Url,
    state: tempfile::TempDir,
    port: u16,
}

impl House {
    fn new(change: impl FnOnce(&mut Value)) -> House {
        let (port, state) = (free_port(), tempfile::tempdir().unwrap());
        let secret = state.path().join("client.secret");
        put(&secret, SECRET);
        let mut provider = json!({
            "id": "real", "name": "Real", "issuer": format!("http://127.0.0.1:{port}"), "client_id": "sotto",
            "client_secret_file": secret, "scopes": ["profile", "email", "groups"],
        });
        change(&mut provider);
        let house = Appliance::without_sync(&Site::two_projects(), |settings| {
            settings.provider.push(serde_json::from_value(provider).unwrap());
        });
        let alice = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "alice",
                            "externalId": "alice", "active": true });
        assert_eq!(house.scim("POST", "/Users", &alice.to_string()).0, 201);
        let issuer = Url::parse(&format!("http://127.0.0.1:{port}/")).unwrap();
        House { house, issuer, state, port }
    }

    fn start(&self, script: &Script, algorithm: &str) -> Real {
        script.start(self.port, self.state.path(), &self.house, algorithm)
    }

    fn browser(&self) -> Browser {
        browser_of(&self.house, &self.issuer)
    }

    /// Goes through whatever forms the provider shows, from an address on; where that ends at the appliance.
    fn through(&self, browser: &mut Browser, from: Url, who: &str) -> Url {
        let (mut at, mut page) = walk(browser, from);
        for _ in 0..6 {
            if at.origin() == self.house.base.origin() {
                return at;
            }
            let form = page.text.split("<form").nth(1).and_then(|rest| rest.split('>').next());
            let action = form.and_then(|form| attribute(form, "action"));
            let action = action.unwrap_or_else(|| panic!("a form at {at}: {} {}", page.status, page.text));
            let mut fields = hidden(&page.text);
            if page.text.contains("name=\"login\"") {
                fields.push(("login".to_owned(), who.to_owned()));
                fields.push(("password".to_owned(), "any".to_owned()));
            }
            if page.text.contains("name=\"logout\"") {
                fields.push(("logout".to_owned(), "yes".to_owned()));
            }
            let posted = submit(browser, &at.join(&action).unwrap(), &fields);
            let next = posted.header("location").unwrap_or_else(|| panic!("{} {}", posted.status, posted.text));
            (at, page) = walk(browser, at.join(next).unwrap());
        }
        panic!("the provider shows form after form, the last at {at}")
    }

    fn sign_in(&self, browser: &mut Browser) -> Url {
        self.through(browser, self.house.base.join("/auth/real/login?return_to=/privacy").unwrap(), "alice")
    }
}

fn is_signed_in(browser: &mut Browser) -> bool {
    browser.send("GET", "/api/v1/me", None).unwrap().status == 200
}

fn script() -> Option<Script> {
    let script = Script::find();
    let is_missing = is_skipped("npm's oidc-provider (SOTTO_OIDC_IDP, tests/install.sh)", script.is_some());
    script.filter(|_| !is_missing)
}

#[test]
fn alice_signs_in_through_a_certified_provider_by_either_signature() {
    let Some(script) = script() else { return };
    for algorithm in ["RS256", "ES256"] {
        let house = House::new(|_| {});
        let _real = house.start(&script, algorithm);
        let mut browser = house.browser();

        let ended = house.sign_in(&mut browser);

        assert_eq!(ended.path(), "/privacy", "{algorithm}: {ended}");
        assert_eq!(browser.json("/api/v1/me").unwrap()["user"]["user_name"], "alice", "{algorithm}");
        // Its groups count for nothing: they come by SCIM.
        let mut ana = house.house.sign_in("ana");
        let found = ana.json("/api/v1/admin/users?query=alice").unwrap();
        assert_eq!(found["users"][0]["groups"], json!([]), "{found}");
    }
}

#[test]
fn its_groups_count_where_the_settings_name_the_claim() {
    let Some(script) = script() else { return };
    let house = House::new(|provider| provider["groups_claim"] = json!("groups"));
    let _real = house.start(&script, "RS256");

    assert_eq!(house.sign_in(&mut house.browser()).path(), "/privacy");

    let found = house.house.sign_in("ana").json("/api/v1/admin/users?query=alice").unwrap();
    let groups = found["users"][0]["groups"].as_array().unwrap();
    let mut names: Vec<&str> = groups.iter().map(|group| group["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["all-staff", "eng"]);
}

#[test]
fn keys_that_the_provider_changes_are_learned_at_the_next_sign_in() {
    let Some(script) = script() else { return };
    let house = House::new(|_| {});
    let real = house.start(&script, "RS256");
    assert_eq!(house.sign_in(&mut house.browser()).path(), "/privacy");
    // It makes new keys when it starts, and calls them by the old names.
    drop(real);
    let _real = house.start(&script, "RS256");

    let mut browser = house.browser();
    assert_eq!(house.sign_in(&mut browser).path(), "/privacy");
    assert!(is_signed_in(&mut browser));
}

#[test]
fn signing_out_here_signs_out_there_and_signing_out_there_signs_out_here() {
    let Some(script) = script() else { return };
    let house = House::new(|_| {});
    let _real = house.start(&script, "RS256");
    let mut browser = house.browser();
    house.sign_in(&mut browser);

    // From here: the provider asks whether we mean it, and sends the browser back.
    let out = browser.send("POST", "/auth/logout", None).unwrap().json();
    let ended = house.through(&mut browser, Url::parse(out["provider_logout"].as_str().unwrap()).unwrap(), "alice");
    assert_eq!(ended.path(), "/sign-in");
    assert!(!is_signed_in(&mut browser));
    let (_, page) = walk(&mut browser, house.house.base.join("/auth/real/login").unwrap());
    assert!(page.text.contains("name=\"login\""), "it asks for the password again: {}", page.text);

    // From there: the provider tells us without the browser.
    let (mut here, mut elsewhere) = (house.browser(), house.browser());
    house.sign_in(&mut here);
    house.sign_in(&mut elsewhere);
    assert!(is_signed_in(&mut here) && is_signed_in(&mut elsewhere));
    let before = house.house.audited("signed_out");
    let (at, page) = walk(&mut here, house.issuer.join("session/end").unwrap());
    let form = page.text.split("<form").nth(1).and_then(|rest| rest.split('>').next()).unwrap();
    let mut fields = hidden(&page.text);
    fields.push(("logout".to_owned(), "yes".to_owned()));
    submit(&mut here, &at.join(&attribute(form, "action").unwrap()).unwrap(), &fields);

    house.house.wait_until("the provider has told us", |house| house.audited("signed_out") > before);
    assert!(!is_signed_in(&mut here));
    assert!(is_signed_in(&mut elsewhere), "another session at the provider goes on");
}
