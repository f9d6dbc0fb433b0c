//! The listeners, on a thread of their own with its own runtime, and their end.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use actix_web::dev::ServerHandle;
use actix_web::web::{self, Data, PayloadConfig};
use actix_web::{App as Site, HttpServer, middleware};
use anyhow::{Context as _, anyhow};

use super::Settings;
use super::body::LimitBytes;
use super::check::fit;
use super::control;
use super::edge::edge;
use super::front::Front;
use super::metrics::{Metrics, scrape};
use super::router;
use super::tls::{self, Identity};
use crate::app::App;
use crate::clock::Clock;

/// How long running requests may take to end.
const STOP_WITHIN: Duration = Duration::from_secs(10);
/// How often it is asked whether they have.
const STOP_ASKED_EVERY: Duration = Duration::from_millis(20);
/// Threads that read and write connections; deeds run on the blocking pool, so two are enough for the sockets.
const WORKERS: usize = 2;
/// Seconds in which a connection's last bytes leave, once no request runs.
const LAST_BYTES_S: u64 = 1;

/// A running server.
pub struct Server {
    address: SocketAddr,
    metrics_address: Option<SocketAddr>,
    authority: Option<String>,
    front: Data<Front>,
    handles: Vec<ServerHandle>,
    thread: JoinHandle<()>,
    control: control::Listener,
}

/// Starts listening; `data` is the data folder, where a certificate is made and the owner's socket stands. Returns once
/// the port is open.
pub fn serve(app: Arc<App>, settings: &Settings, data: &Path) -> anyhow::Result<Server> {
    fit(settings)?;
    let Identity { config, authority, ends } = tls::identity(settings, &data.join("tls"), &Clock::System)?;
    let listener = listen(settings.listen)?;
    let address = listener.local_addr().context("while reading the address listened on")?;
    let metrics_listener = settings.metrics_listen.map(listen).transpose()?;
    let metrics_address = metrics_listener.as_ref().and_then(|listener| listener.local_addr().ok());
    let control = control::listen(Arc::clone(&app), data)?;
    let metrics = Arc::new(Metrics::new());
    let front = Data::new(Front::new(app, settings, ends, metrics));
    let limit = settings.body_bytes_max;

    let (started, begun) = mpsc::channel();
    let inner = front.clone();
    let thread = std::thread::Builder::new()
        .name("web".to_owned())
        .spawn(move || run(inner, limit, listener, config, metrics_listener, &started))
        .context("while starting the web thread")?;
    let handles = begun.recv().map_err(|_| anyhow!("the web thread ended before it listened"))??;
    tracing::info!(%address, metrics = ?metrics_address, "listening");
    Ok(Server { address, metrics_address, authority, front, handles, thread, control })
}

/// Waits until the process is asked to stop (SIGTERM, SIGINT).
pub fn wait_for_signal() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        Ok(())
    })
}

fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(address)
        .with_context(|| format!("cannot listen on {address}; is another sotto running, or is the port below 1024?"))?;
    listener.set_nonblocking(true).context("while preparing the listener")?;
    Ok(listener)
}

/// The web thread: both listeners until they are stopped.
fn run(
    front: Data<Front>,
    limit: usize,
    listener: TcpListener,
    config: rustls::ServerConfig,
    metrics_listener: Option<TcpListener>,
    started: &mpsc::Sender<anyhow::Result<Vec<ServerHandle>>>,
) {
    actix_web::rt::System::new().block_on(async move {
        let mut servers = Vec::new();
        match appliance(front.clone(), limit, listener, config) {
            Ok(server) => servers.push(server),
            Err(error) => {
                // The receiver waits in `serve` until it is told.
                let _ = started.send(Err(error));
                return;
            }
        }
        if let Some(listener) = metrics_listener {
            match numbers(&front, listener) {
                Ok(server) => servers.push(server),
                Err(error) => {
                    let _ = started.send(Err(error));
                    return;
                }
            }
        }
        let _ = started.send(Ok(servers.iter().map(actix_web::dev::Server::handle).collect()));
        for ended in futures_util::future::join_all(servers).await {
            if let Err(error) = ended {
                tracing::error!(cause = %error, "a listener ended by an error");
            }
        }
    });
}

fn appliance(
    front: Data<Front>,
    limit: usize,
    listener: TcpListener,
    config: rustls::ServerConfig,
) -> anyhow::Result<actix_web::dev::Server> {
    let site = move || {
        Site::new()
            .app_data(front.clone())
            .app_data(PayloadConfig::new(limit))
            .app_data(LimitBytes(limit))
            .wrap(middleware::from_fn(edge))
            .configure(router::configure)
    };
    Ok(HttpServer::new(site)
        .workers(WORKERS)
        .disable_signals()
        .shutdown_timeout(LAST_BYTES_S)
        // A client that has closed its end has left: its answer is stopped, not written to nobody.
        .h1_allow_half_closed(false)
        .listen_rustls_0_23(listener, config)
        .context("while starting HTTPS")?
        .run())
}

fn numbers(front: &Data<Front>, listener: TcpListener) -> anyhow::Result<actix_web::dev::Server> {
    let (app, metrics) = (Data::new(Arc::clone(&front.app)), Data::new(Arc::clone(&front.metrics)));
    let site =
        move || Site::new().app_data(app.clone()).app_data(metrics.clone()).route("/metrics", web::get().to(scrape));
    Ok(HttpServer::new(site)
        .workers(1)
        .disable_signals()
        .shutdown_timeout(LAST_BYTES_S)
        .listen(listener)
        .context("while starting the metrics listener")?
        .run())
}

impl Server {
    /// The address it listens on (a test asks for port 0).
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The PEM of the authority that signed the certificate it made, for clients on the same machine.
    pub fn authority_pem(&self) -> Option<&str> {
        self.authority.as_deref()
    }

    /// Where metrics are, if anywhere.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_address
    }

    /// Stops taking requests, lets running ones end (at most ten seconds), returns when all have.
    pub fn stop(self) {
        let Server { front, handles, thread, control, .. } = self;
        front.stop();
        control.stop();
        let until = Instant::now() + STOP_WITHIN;
        while front.running() > 0 && Instant::now() < until {
            std::thread::sleep(STOP_ASKED_EVERY);
        }
        for handle in handles {
            // The command is sent at once; the thread below ends when it was obeyed.
            drop(handle.stop(true));
        }
        if thread.join().is_err() {
            tracing::error!("the web thread had panicked");
        }
    }
}
