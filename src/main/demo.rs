//! `demo`: the whole scene on one machine, in one process, over real sockets.

use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use sotto::app::nouns::{Clock, Ids, Mode, Scripted, SourceId, State};
use sotto::app::{self, App, Models, Removal};
use sotto::config::Settings;
use sotto::standin::{confluence, demo, idp, play, push, quiz};
use sotto::web;
use url::Url;

use crate::{FOUND_WRONG, complain, model, say, serve};

/// The provider's name in the demo's settings.
const PROVIDER: &str = "company";
/// The source's name in the demo's settings.
const SOURCE: &str = "wiki";
/// The crawler's account in the demo's wiki.
const CRAWLER: &str = "sotto-crawler";
/// How long the first sync may take.
const SYNC_MAX: Duration = Duration::from_secs(300);

/// How the scene is acted out without a browser.
pub struct Playing {
    /// Questions to put after it.
    pub questions: Option<PathBuf>,
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("while reading {}", path.display()))
}

/// Runs the demo until it is asked to stop, or plays the scene and ends.
pub fn run(
    listen: SocketAddr,
    data: Option<PathBuf>,
    playing: Option<Playing>,
    model: Option<&str>,
) -> anyhow::Result<ExitCode> {
    let began = Instant::now();
    let folder = Folder::open(data)?;
    let listen = with_port(listen)?;
    let questions = playing.as_ref().and_then(|playing| playing.questions.as_deref()).map(read).transpose()?;
    let stage = Stage::set(&folder, listen, model, playing.is_some())?;
    say(&format!("Sotto is ready at {} after {:.1} s", stage.base, began.elapsed().as_secs_f64()));
    let outcome = if playing.is_some() { stage.play(questions.as_deref()) } else { stage.wait() };
    stage.strike();
    match outcome {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) if playing.is_some() => {
            complain(&format!("the scene failed: {error:#}"));
            Ok(ExitCode::from(FOUND_WRONG))
        }
        Err(error) => Err(error),
    }
}

/// Port 0 becomes a free one: the public address must be known before anything is started.
fn with_port(listen: SocketAddr) -> anyhow::Result<SocketAddr> {
    match listen.port() {
        0 => Ok(std::net::TcpListener::bind(listen)?.local_addr()?),
        _ => Ok(listen),
    }
}

/// The data folder: the one that was named, or a fresh one that is removed at the end.
struct Folder {
    path: PathBuf,
    is_ours: bool,
}

impl Folder {
    fn open(named: Option<PathBuf>) -> anyhow::Result<Folder> {
        let is_ours = named.is_none();
        let path = named.unwrap_or_else(|| std::env::temp_dir().join(format!("sotto-demo-{}", std::process::id())));
        std::fs::create_dir_all(&path).with_context(|| format!("while making {}", path.display()))?;
        Ok(Folder { path, is_ours })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.is_ours && std::fs::remove_dir_all(&self.path).is_err() {
            complain(&format!("the demo's folder {} could not be removed", self.path.display()));
        }
    }
}

/// Everything that runs.
struct Stage {
    app: Arc<App>,
    server: web::Server,
    // They stop when they are dropped.
    confluence: confluence::Confluence,
    idp: idp::Idp,
    base: Url,
    roots_pem: String,
}

impl Stage {
    fn set(folder: &Folder, listen: SocketAddr, model: Option<&str>, playing: bool) -> anyhow::Result<Stage> {
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let secrets = Secrets::make(&folder.path)?;
        let wiki = confluence::Confluence::start(loopback, site(&secrets.wiki), "dc-10", &[])
            .context("while starting the stand-in Confluence")?;
        let people = demo::people();
        let client = idp::Client { id: "sotto".to_owned(), secret: secrets.client.clone(), redirects: Vec::new() };
        let provider = idp::Idp::start(loopback, people.clone(), vec![client])
            .context("while starting the stand-in identity provider")?;

        let settings = settings(folder, listen, &secrets, &wiki.url(), &provider.issuer(), model)?;
        serve::log(&settings.log);
        let (below, mut server) = settings.hand_down();
        let models = models(&below, model)?;
        let app = App::open(below, Clock::System, Ids::Random, models)?;
        server.listen = listen;
        let server = web::serve(app.clone(), &server, &folder.path)
            .with_context(|| format!("while listening on {listen}; is another demo running?"))?;
        let base = Url::parse(&format!("https://localhost:{}", server.address().port()))?;
        let roots_pem = server.authority_pem().context("the demo's server made its own certificate")?.to_owned();
        provider.set_callback("sotto", vec![base.join(&format!("/auth/oidc/{PROVIDER}/callback"))?.to_string()]);

        let roots = folder.path.join("tls").join("authority.pem");
        // The way everybody arrives: the provider pushes them. Nothing is written into the directory from here.
        push::push(&provider, &people, &base.join("/scim/v2")?, &secrets.scim, &roots)
            .context("while the provider pushed its people")?;
        let stage = Stage { app, server, confluence: wiki, idp: provider, base, roots_pem };
        stage.sync(playing)?;
        Ok(stage)
    }

    fn sync(&self, playing: bool) -> anyhow::Result<()> {
        let source = SourceId::parse(SOURCE).context("the demo's source has a name")?;
        let began = Instant::now();
        match self.app.refresh_as_owner(&source, Mode::Full, Removal::Guarded) {
            // A source that was never read is due at once, so the appliance has begun by itself.
            Ok(()) | Err(app::Error::Busy) => {}
            Err(error) => return Err(error.into()),
        }
        loop {
            std::thread::sleep(Duration::from_millis(100));
            let health = self.app.overview_as_owner()?;
            let state = health.sources.iter().find(|state| state.name == source).context("the demo's source")?;
            match state.status.runs.first() {
                Some(run) if run.ended.is_some() => {
                    ensure!(
                        matches!(run.state, State::Succeeded),
                        "the first sync ended as {:?}: {:?}",
                        run.state,
                        run.failures
                    );
                    say(&format!(
                        "{} documents were read from the wiki in {:.1} s",
                        run.added,
                        began.elapsed().as_secs_f64()
                    ));
                    break;
                }
                Some(_) | None => ensure!(began.elapsed() < SYNC_MAX, "the first sync takes too long"),
            }
        }
        // A scene that is played must not depend on how far the embedding has come.
        while playing && self.app.overview_as_owner()?.without_vectors > 0 && self.app.overview_as_owner()?.embedder {
            ensure!(began.elapsed() < SYNC_MAX, "the embedding takes too long");
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    fn play(&self, questions: Option<&str>) -> anyhow::Result<()> {
        let issuer = Url::parse(&self.idp.issuer())?;
        let stage = play::Stage {
            base: &self.base,
            roots_pem: &self.roots_pem,
            issuer: &issuer,
            provider: PROVIDER,
            say: &|line| say(line),
        };
        play::play(&stage)?;
        say("the scene is right");
        if let Some(questions) = questions {
            let marks = quiz::put(&stage, questions)?;
            for (kind, (right, all)) in &marks {
                say(&format!("{kind}: {right} of {all} right"));
            }
            let (right, all) = marks.values().fold((0, 0), |sum, mark| (sum.0 + mark.0, sum.1 + mark.1));
            say(&format!("all: {right} of {all} right"));
        }
        Ok(())
    }

    fn wait(&self) -> anyhow::Result<()> {
        say(&format!(
            "The wiki (a stand-in) is at {}, the identity provider at {}.",
            self.confluence.url(),
            self.idp.issuer()
        ));
        say(
            "Open the address in a browser. Its certificate was made just now, so the browser asks once whether to trust it.",
        );
        say(
            "Sign in as Mateo or Mary and ask: Who is on my team?   What do I do in my first week?   How many days of annual leave do I get?",
        );
        say("Ana administers (/admin), Nikki audits (/admin/audit). Ctrl+C ends the demo.");
        web::wait_for_signal()
    }

    fn strike(self) {
        self.server.stop();
        self.app.close();
    }
}

/// The demo's secrets: random, in files that only their owner may read, as the settings want them.
struct Secrets {
    client: String,
    scim: String,
    wiki: String,
    folder: PathBuf,
}

impl Secrets {
    fn make(data: &Path) -> anyhow::Result<Secrets> {
        let folder = data.join("secrets");
        std::fs::create_dir_all(&folder)?;
        let make = |name: &str| -> anyhow::Result<String> {
            let path = folder.join(name);
            if let Ok(text) = std::fs::read_to_string(&path) {
                return Ok(text);
            }
            let secret: String = (0..2).flat_map(|_| Ids::Random.next()).map(|byte| format!("{byte:02x}")).collect();
            let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
            std::io::Write::write_all(&mut file, secret.as_bytes())?;
            Ok(secret)
        };
        Ok(Secrets { client: make("client")?, scim: make("scim")?, wiki: make("wiki")?, folder: folder.clone() })
    }
}

/// The demo's wiki, where the crawler's token is the one made here.
fn site(token: &str) -> serde_json::Value {
    let mut site = demo::site();
    for user in site["users"].as_array_mut().into_iter().flatten().filter(|user| user["username"] == CRAWLER) {
        user["tokens"] = serde_json::json!([{ "token": token }]);
    }
    site
}

/// The settings as an administrator would write them; the environment goes before them, as it does before a file.
fn settings(
    folder: &Folder,
    listen: SocketAddr,
    secrets: &Secrets,
    wiki: &str,
    issuer: &str,
    model: Option<&str>,
) -> anyhow::Result<Settings> {
    let secret = |name: &str| secrets.folder.join(name).display().to_string();
    let data = folder.path.display();
    let mut settings = Settings::with_environment(&format!(
        r#"
        [server]
        listen = "{listen}"
        public_url = "https://localhost:{port}"
        metrics_listen = "127.0.0.1:0"
        [data]
        folder = {data:?}
        [log]
        level = "warn"
        format = "text"
        [directory]
        administrators = ["sotto-administrators"]
        auditors = ["sotto-auditors"]
        [audit]
        names = ["sotto-auditors"]
        [history]
        mode = "choice"
        [[provider]]
        id = "{PROVIDER}"
        name = "AnyCompany"
        issuer = "{issuer}"
        client_id = "sotto"
        client_secret_file = {client:?}
        [[scim]]
        name = "{PROVIDER}"
        token_file = {scim:?}
        [[source]]
        name = "{SOURCE}"
        kind = "confluence"
        url = "{wiki}"
        user = "{CRAWLER}"
        token_file = {token:?}
        every_minutes = 1
        "#,
        port = listen.port(),
        data = data.to_string(),
        client = secret("client"),
        scim = secret("scim"),
        token = secret("wiki"),
    ))?;
    if let Some(model) = model.filter(|model| *model != "scripted") {
        settings.model.name = model.to_owned();
    }
    Ok(settings)
}

fn models(below: &app::Settings, named: Option<&str>) -> anyhow::Result<Models> {
    if named == Some("scripted") {
        say(
            "No language model: sentences are copied by rule. This is for tests; answers are not what the product gives.",
        );
        return Ok(Models { generate: Some(Arc::new(Scripted::default())), embed: None });
    }
    let mut below = below.clone();
    model::find_models(&mut below);
    app::open_models(&below)
}
