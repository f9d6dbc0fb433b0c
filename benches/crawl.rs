//! How long a wiki takes to read, and what it takes of the machine, against a stand-in in a process of its own.
//!
//! `cargo bench --features probe --bench crawl [-- PAGES RULES]`
//!
//! No embedder and no language model are loaded. Three runs: the first one, one that finds no change, and one after a
//! restriction was set on the root of the tree in which a tenth of the pages stand. Seconds are of the clock; the processor's
//! are told beside them, ours and the stand-in's, because both share the machine.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]
#![expect(
    clippy::disallowed_methods,
    reason = "the credential is for this run alone, and the kernel's files are no files"
)]

use std::io::{BufRead as _, BufReader};
use std::ops::ControlFlow;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use sotto::app::nouns::{Mode, State};
use sotto::probe::{
    Classes, Clock, CrawlSettings, Directory, DirectorySettings, ExtractSettings, Extractor, GroupId, Hint, Ids, Index,
    IndexSettings, OutboundSettings, Principal, PrincipalSet, Rooms, Scope, SourceId, Store, Visibility, sync,
};

/// The root of the large tree of a generated site, and the space it stands in.
const ROOT: &str = "1000000";
const SPACE: &str = "S0";
/// Ticks of the processor's time in a second, as Linux counts them for everybody.
const TICKS: f64 = 100.0;

fn main() -> anyhow::Result<()> {
    let mut numbers = std::env::args().skip(1).filter_map(|argument| argument.parse::<usize>().ok());
    let pages = numbers.next().unwrap_or(100_000);
    let rules = numbers.next().unwrap_or((pages / 50).max(1));
    let wiki = Wiki::start(pages, rules)?;
    let folder = tempfile::tempdir()?;
    let house = House::open(folder.path(), &wiki.url)?;
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("# Crawl\n\n{pages} pages, {rules} rules; load average before: {}\n", load.trim());

    let share = pages as f64 / 100_000.0;
    let first = house.run(&wiki, Mode::Full, "first crawl")?;
    anyhow::ensure!(first.added == pages as u64, "{} pages were added", first.added);
    let rate = pages as f64 / first.seconds;
    println!(
        "  {rate:.0} pages a second: {:.2} of the 250 that must be, {:.2} of the 600 aimed at",
        rate / 250.0,
        rate / 600.0
    );
    let bytes = first.peak_bytes as f64 / 1e6;
    println!("  {bytes:.0} MB resident at most: {:.2} of the 600 MB that it must stay under\n", bytes / 600.0);

    let second = house.run(&wiki, Mode::Changes, "run without a change")?;
    anyhow::ensure!(second.changed + second.added == 0, "something changed");
    println!(
        "  {:.2} of the {:.1} s it must stay under at this size, {:.2} of the {:.1} s aimed at\n",
        second.seconds / (90.0 * share),
        90.0 * share,
        second.seconds / (30.0 * share),
        30.0 * share
    );

    let before = house.sight(&["space-0-viewers"]);
    anyhow::ensure!(house.sees(&before)?, "the tree is found before it is restricted");
    wiki.restrict()?;
    let third = house.run_and_look(&wiki, Mode::Permissions, "restriction on the root", &before)?;
    let after = house.sight(&["space-0-viewers", "readers-0"]);
    anyhow::ensure!(
        !house.sees(&house.sight(&["space-0-viewers"]))? && house.sees(&after)?,
        "the tree is found under its new rule alone"
    );
    println!("  {:.2} of the 30 s it must stay under\n", third.seconds / 30.0);
    Ok(())
}

/// What a run took.
struct Taken {
    seconds: f64,
    added: u64,
    changed: u64,
    peak_bytes: u64,
}

/// Our side, without a server before it.
struct House {
    store: Store,
    classes: Classes,
    directory: Directory,
    index: Index,
    extractor: Extractor,
    clock: Clock,
    settings: CrawlSettings,
}

impl House {
    fn open(folder: &std::path::Path, url: &str) -> anyhow::Result<House> {
        let token = folder.join("token");
        std::fs::write(&token, "generated-crawler-token")?;
        let settings = serde_json::from_value(serde_json::json!({
            "name": "wiki", "kind": "confluence", "url": url, "user": "crawler", "token_file": token,
        }))?;
        let store = Store::open(&folder.join("data"))?;
        Ok(House {
            classes: Classes::open(&store)?,
            directory: Directory::open(&store, Ids::Random, &DirectorySettings::default())?,
            index: Index::open(&folder.join("index"), &IndexSettings::default())?,
            // There are no attachments, so that no child is started.
            extractor: Extractor::new(&ExtractSettings::default(), "/nowhere".into()),
            store,
            clock: Clock::System,
            settings,
        })
    }

    fn rooms(&self) -> Rooms<'_> {
        Rooms {
            clock: &self.clock,
            store: &self.store,
            classes: &self.classes,
            directory: &self.directory,
            index: &self.index,
            extractor: &self.extractor,
        }
    }

    /// The sight of somebody in these groups of the wiki.
    fn sight(&self, groups: &[&str]) -> Visibility {
        let wiki = SourceId::parse("wiki").expect("a short word");
        let groups = groups.iter().chain(&["confluence-users"]);
        let groups = groups.map(|name| Principal::Group(GroupId::Of(wiki.clone(), (*name).into())));
        self.classes.visible_to(&PrincipalSet::of(groups.collect()))
    }

    /// Whether somebody finds anything in the space of the large tree.
    fn sees(&self, sight: &Visibility) -> anyhow::Result<bool> {
        Ok(self.index.spaces(sight, &Scope::default())?.iter().any(|space| space.key == SPACE))
    }

    fn run(&self, wiki: &Wiki, mode: Mode, what: &str) -> anyhow::Result<Taken> {
        forget_peak();
        let (ours, theirs) = (cpu_seconds("self"), cpu_seconds(&wiki.child.id().to_string()));
        let began = Instant::now();
        let mut phases: Vec<(String, Instant)> = Vec::new();
        let heard = Hint::default();
        let run = sync(&self.settings, &OutboundSettings::default(), mode, &heard, &self.rooms(), &mut |run| {
            if phases.last().is_none_or(|(phase, _)| *phase != run.phase) {
                phases.push((run.phase.clone(), Instant::now()));
            }
            ControlFlow::Continue(())
        })?;
        let seconds = began.elapsed().as_secs_f64();
        anyhow::ensure!(run.state == State::Succeeded, "{:?}: {:?}", run.state, run.failures);
        let (ours, theirs) = (cpu_seconds("self") - ours, cpu_seconds(&wiki.child.id().to_string()) - theirs);
        let peak = kilobytes("VmHWM") * 1024;
        println!(
            "{what}: {seconds:.1} s; processor {ours:.1} s ours, {theirs:.1} s the stand-in's ({:.0} %); {:.0} MB at most, \
             {:.0} MB now without files",
            100.0 * theirs / (ours + theirs),
            peak as f64 / 1e6,
            kilobytes("RssAnon") as f64 * 1.024 / 1e3
        );
        let ends = phases.iter().skip(1).map(|(_, at)| *at);
        for ((phase, at), end) in phases.iter().zip(ends) {
            println!("  {phase}: {:.1} s", (end - *at).as_secs_f64());
        }
        println!(
            "  {} added, {} changed, {} reclassed, {} removed",
            run.added, run.changed, run.reclassed, run.removed
        );
        Ok(Taken { seconds, added: run.added, changed: run.changed, peak_bytes: peak })
    }

    /// The same while somebody looks, who loses sight of everything in the space of the tree.
    fn run_and_look(&self, wiki: &Wiki, mode: Mode, what: &str, sight: &Visibility) -> anyhow::Result<Taken> {
        let (began, is_over) = (Instant::now(), &AtomicBool::new(false));
        std::thread::scope(|scope| {
            let looking = scope.spawn(move || -> anyhow::Result<Option<f64>> {
                while !is_over.load(Ordering::Relaxed) {
                    if !self.sees(sight)? {
                        return Ok(Some(began.elapsed().as_secs_f64()));
                    }
                    std::thread::sleep(Duration::from_millis(100));
                }
                Ok(None)
            });
            let taken = self.run(wiki, mode, what);
            is_over.store(true, Ordering::Relaxed);
            let blind = looking.join().map_err(|_| anyhow::anyhow!("whoever looked panicked"))??;
            let taken = taken?;
            if let Some(at) = blind {
                println!(
                    "  nobody found the tree from {at:.1} s on; {:.1} s later it was found anew",
                    taken.seconds - at
                );
            }
            Ok(taken)
        })
    }
}

/// The stand-in, in a process of its own.
struct Wiki {
    child: Child,
    url: String,
}

impl Wiki {
    fn start(pages: usize, rules: usize) -> anyhow::Result<Wiki> {
        let size = format!("pages={pages},rules={rules}");
        let mut child = Command::new(env!("CARGO_BIN_EXE_sotto"))
            .args(["standin", "confluence", "--generate", &size, "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .context("the stand-in cannot be started")?;
        let output = child.stdout.take().context("it has an output")?;
        for line in BufReader::new(output).lines() {
            if let Some(url) = line?.strip_prefix("a stand-in Confluence is at ") {
                return Ok(Wiki { child, url: url.to_owned() });
            }
        }
        anyhow::bail!("the stand-in ended before it listened")
    }

    /// Leaves the root of the large tree to one group.
    fn restrict(&self) -> anyhow::Result<()> {
        use std::io::{Read as _, Write as _};
        let body = r#"{"read": {"groups": ["readers-0"]}}"#;
        let host = self.url.trim_start_matches("http://");
        let mut stream = std::net::TcpStream::connect(host)?;
        write!(
            stream,
            "PATCH /_standin/content/{ROOT} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        anyhow::ensure!(answer.starts_with("HTTP/1.1 200"), "the stand-in answered: {answer}");
        Ok(())
    }
}

impl Drop for Wiki {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Seconds of processor time that a process has taken, its threads together (proc(5), `stat`, fields 14 and 15).
fn cpu_seconds(process: &str) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let after_name = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = after_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<f64>().ok());
    ticks.sum::<f64>() / TICKS
}

/// A line of our own `status`, in kilobytes.
fn kilobytes(name: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// Begins to measure the highest resident memory anew (proc(5), `clear_refs`).
fn forget_peak() {
    if std::fs::write("/proc/self/clear_refs", "5").is_err() {
        println!("  (the peak of memory is that of the whole process: the kernel does not let it be forgotten)");
    }
}
