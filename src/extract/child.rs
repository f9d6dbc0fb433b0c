//! The child process that reads one file, both ends of it.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, setrlimit};
use serde::{Deserialize, Serialize};

use super::{Error, Format};
use crate::corpus::Block;

/// The most a child may answer, in bytes: its text is capped far below, and JSON escapes make it longer.
const ANSWER_BYTES_MAX: u64 = 128 << 20;

/// How long a child that has answered may take to leave.
const LEAVING_MAX: Duration = Duration::from_millis(500);

/// What a child writes to its standard output.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Blocks(Vec<Block>),
    Unreadable(String),
}

/// Starts a child, gives it the file and waits for its answer, at most `time`.
pub(super) fn start(
    program: &Path,
    format: Format,
    bytes: &[u8],
    time: Duration,
    memory_bytes_max: u64,
) -> Result<Vec<Block>, Error> {
    let mut child = Command::new(program)
        .args(["extract-child", format.word(), &time.as_secs().to_string(), &memory_bytes_max.to_string()])
        // Nothing of our environment: it may hold secrets, and some libraries read settings from it.
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| Error::Ended(format!("the reading process cannot be started: {error}")))?;
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());

    std::thread::scope(|scope| {
        if let Some(mut stdin) = stdin {
            // An early end of the child shows on its output; that its input broke says nothing more.
            scope.spawn(move || drop(stdin.write_all(bytes)));
        }
        let (answered, answer) = mpsc::channel();
        if let Some(stdout) = stdout {
            scope.spawn(move || {
                let mut out = Vec::new();
                let read = stdout.take(ANSWER_BYTES_MAX).read_to_end(&mut out);
                drop(answered.send(read.map(|_| out)));
            });
        }
        match answer.recv_timeout(time) {
            Ok(Ok(out)) => understood(&out, leave(&mut child)),
            Ok(Err(error)) => {
                leave(&mut child);
                Err(Error::Ended(error.to_string()))
            }
            Err(_) => {
                end(&mut child);
                Err(Error::Ended(format!("it took longer than {} seconds", time.as_secs())))
            }
        }
    })
}

fn understood(out: &[u8], status: Option<ExitStatus>) -> Result<Vec<Block>, Error> {
    match serde_json::from_slice(out) {
        Ok(Answer::Blocks(blocks)) => Ok(blocks),
        Ok(Answer::Unreadable(why)) => Err(Error::Unreadable(why)),
        Err(_) if out.len() as u64 >= ANSWER_BYTES_MAX => Err(Error::Ended("it gave too much text".to_owned())),
        Err(_) => Err(Error::Ended(match status {
            Some(status) => format!("it crashed or met its limits ({status})"),
            None => "it did not end by itself".to_owned(),
        })),
    }
}

/// Waits a moment for a child that has nothing more to say, then ends it. `None` where it had to be ended.
fn leave(child: &mut Child) -> Option<ExitStatus> {
    let until = Instant::now() + LEAVING_MAX;
    while Instant::now() < until {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) => std::thread::sleep(Duration::from_millis(2)),
            Err(_) => break,
        }
    }
    end(child);
    None
}

fn end(child: &mut Child) {
    // It may have ended by itself meanwhile; then there is nothing to kill. Waiting reaps it either way.
    drop(child.kill());
    drop(child.wait());
}

/// The child's side: `arguments` are those of the process.
pub(super) fn run(arguments: impl Iterator<Item = String>) -> u8 {
    let mut arguments = arguments.skip_while(|argument| argument != "extract-child").skip(1);
    let format = arguments.next().and_then(|word| Format::from_word(&word));
    let seconds = arguments.next().and_then(|text| text.parse().ok());
    let memory = arguments.next().and_then(|text| text.parse().ok());
    let (Some(format), Some(seconds), Some(memory)) = (format, seconds, memory) else {
        return 2;
    };
    // A child without its limits reads nothing.
    if limit(seconds, memory).is_err() {
        return 3;
    }
    // A panic is an answer here; its text could quote the file.
    std::panic::set_hook(Box::new(|_| {}));
    let read = std::panic::catch_unwind(|| {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).map_err(|error| error.to_string())?;
        super::read(format, &bytes)
    });
    let answer = match read {
        Ok(Ok(blocks)) => Answer::Blocks(blocks),
        Ok(Err(why)) => Answer::Unreadable(why),
        Err(_) => Answer::Unreadable("its reader met something it did not expect".to_owned()),
    };
    let mut out = std::io::stdout().lock();
    let written = serde_json::to_vec(&answer).map_err(std::io::Error::from).and_then(|json| {
        out.write_all(&json)?;
        out.flush()
    });
    if written.is_ok() { 0 } else { 3 }
}

/// Limits this process for good.
fn limit(seconds: u64, memory_bytes: u64) -> Result<(), rustix::io::Errno> {
    let to = |most: u64| Rlimit { current: Some(most), maximum: Some(most) };
    setrlimit(Resource::As, to(memory_bytes))?;
    setrlimit(Resource::Cpu, to(seconds.saturating_add(1)))?;
    // It may write to the pipe it was given and nowhere else, and leave no image of the file behind when it crashes.
    setrlimit(Resource::Fsize, to(0))?;
    setrlimit(Resource::Core, to(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program that behaves as a child may: a shell script, called with the child's arguments.
    fn program(script: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("child");
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o700).open(&path).unwrap();
        file.write_all(format!("#!/bin/sh\n{script}\n").as_bytes()).unwrap();
        file.set_permissions(std::fs::Permissions::from_mode(0o700)).unwrap();
        drop(file);
        (folder, path)
    }

    fn started(script: &str, time: Duration) -> Result<Vec<Block>, Error> {
        let (_folder, path) = program(script);
        start(&path, Format::Text, b"some bytes", time, 1 << 30)
    }

    #[test]
    fn what_the_child_answers_is_given() {
        let blocks = started(
            r#"cat >/dev/null; echo '{"blocks":[{"block":"paragraph","text":"hello"}]}'"#,
            Duration::from_secs(20),
        );

        assert_eq!(blocks.unwrap(), vec![Block::Paragraph { text: "hello".to_owned() }]);
    }

    #[test]
    fn a_child_that_does_not_end_is_ended() {
        let began = Instant::now();

        let ended = started("exec sleep 60", Duration::from_secs(1));

        assert!(matches!(ended, Err(Error::Ended(why)) if why.contains("1 seconds")));
        assert!(began.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn a_child_that_dies_without_a_word_is_said_to_have_crashed() {
        assert!(
            matches!(started("kill -SEGV $$", Duration::from_secs(20)), Err(Error::Ended(why)) if why.contains("crashed"))
        );
    }

    #[test]
    fn a_child_sees_nothing_of_our_environment() {
        let script = r#"cat >/dev/null; printf '{"unreadable":"%s"}' "$CARGO_MANIFEST_DIR$HOME""#;

        assert!(matches!(started(script, Duration::from_secs(20)), Err(Error::Unreadable(why)) if why.is_empty()));
    }

    #[test]
    fn a_child_started_wrongly_reads_nothing() {
        assert_eq!(run(["sotto", "extract-child", "text"].map(str::to_owned).into_iter()), 2);
        assert_eq!(run(["sotto", "extract-child", "exe", "1", "1"].map(str::to_owned).into_iter()), 2);
    }
}
