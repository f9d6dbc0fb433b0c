//! What stays in the memory of the process after a bound key was locked. A child process does it all and reads its own memory,
//! so that nothing else's keys are in the way.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::FileExt as _;
use std::process::Command;
use std::time::{Duration, Instant};

use super::*;

const HERE: SessionMark = [9; 32];
/// Tells the child that it is one.
const CHILD: &str = "SOTTO_TEST_MEMORY";
/// What is asked of the child's words: reported, and not promised.
const SAID: &str = "the heron is asleep in memory";

/// What is looked for, kept in a form that is not itself found: each byte is changed.
struct Needle(Vec<u8>);

impl Needle {
    fn of(bytes: &[u8]) -> Needle {
        Needle(bytes.iter().map(|byte| byte ^ 0xA5).collect())
    }

    fn is_at(&self, window: &[u8]) -> bool {
        self.0.iter().zip(window).all(|(hidden, byte)| hidden ^ 0xA5 == *byte)
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}

/// How often each of these stands in the memory of this process, from `/proc/self/mem`.
fn counted(needles: &[&Needle]) -> Vec<usize> {
    let maps = BufReader::new(File::open("/proc/self/maps").unwrap());
    let memory = File::open("/proc/self/mem").unwrap();
    let mut counts = vec![0; needles.len()];
    let longest = needles.iter().map(|needle| needle.len()).max().unwrap();
    let mut block = vec![0; 1 << 20];
    let mut is_first = [false; 256];
    needles.iter().for_each(|needle| is_first[usize::from(needle.0[0] ^ 0xA5)] = true);
    for line in maps.lines() {
        let line = line.unwrap();
        let mut parts = line.split_whitespace();
        let (range, rights) = (parts.next().unwrap(), parts.next().unwrap());
        // What cannot be written to came from a file.
        if !rights.starts_with("rw") {
            continue;
        }
        let (start, end) = range.split_once('-').unwrap();
        let (mut at, end) = (u64::from_str_radix(start, 16).unwrap(), u64::from_str_radix(end, 16).unwrap());
        // Where this very block stands, it would find what it read before.
        let own = block.as_ptr() as u64..block.as_ptr() as u64 + block.len() as u64;
        while at < end {
            let most = usize::try_from(end - at).unwrap().min(block.len());
            let Ok(read) = memory.read_at(&mut block[..most], at) else { break };
            if read < longest {
                break;
            }
            for (place, byte) in block[..=read - longest].iter().enumerate() {
                // Few places have even the first byte, and these tests are built without optimisation.
                if !is_first[usize::from(*byte)] || own.contains(&(at + place as u64)) {
                    continue;
                }
                for (needle, count) in needles.iter().zip(&mut counts) {
                    *count += usize::from(needle.is_at(&block[place..]));
                }
            }
            at += (read - longest + 1) as u64;
        }
    }
    counts
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test is told by its environment that it is the child")]
fn a_minute_after_a_bound_key_was_locked_it_is_nowhere_in_memory() {
    if let Ok(minute_s) = std::env::var(CHILD) {
        return child(minute_s.parse().unwrap());
    }
    // The nightly run waits the whole minute; that time changes nothing is what it shows.
    let wait_s = std::env::var("SOTTO_CASES").map_or(0, |_| 60);
    let name = "vault::tests::memory::a_minute_after_a_bound_key_was_locked_it_is_nowhere_in_memory";
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(CHILD, wait_s.to_string())
        .output()
        .unwrap();

    let said = String::from_utf8(child.stdout).unwrap();
    assert!(child.status.success(), "{said}{}", String::from_utf8(child.stderr).unwrap());
    let line = said.lines().find_map(|line| line.split_once("memory: ").map(|(_, line)| line)).unwrap();
    let value: serde_json::Value = serde_json::from_str(line).unwrap();
    // The control: a search that finds nothing while it is unlocked would find nothing ever.
    assert!(value["unlocked"]["person"].as_u64().unwrap() >= 1, "{value}");
    assert_eq!(value["locked"]["person"], 0, "{value}");
    assert_eq!(value["locked"]["conversation"], 0, "{value}");
    assert_eq!(value["locked"]["passphrase_key"], 0, "{value}");
}

/// Binds, seals, opens, locks, and says what it finds of it in its own memory.
#[expect(clippy::print_stdout, reason = "the parent reads what was found")]
fn child(wait_s: u64) {
    let house = house();
    let proof = Proof::Passphrase(Passphrase::new("heron under the bridge".to_owned()));
    house.vault.bind(&house.ada, &HERE, &proof, "", 0).unwrap();
    let place = house.place();
    let key = house.vault.key(&house.ada, &house.talk).unwrap();
    let sealed = Sealed::seal(&Words(SAID.to_owned()), &key, &place);
    let conversation = key.masked(Needle::of);
    drop(key);
    house.vault.lock_where(|_, _, _| true);
    house.vault.unlock(&house.ada, &HERE, &proof, 0).unwrap();
    let person = Needle::of(&*house.vault.people.held.key(&house.ada).unwrap());
    let stretched = house.vault.people.stretched_of(&house.ada, &proof).map(|key| Needle::of(&*key)).unwrap();
    let words = Needle::of(SAID.as_bytes());
    let all = [&person, &conversation, &stretched, &words];
    for _ in 0..20 {
        drop(sealed.open(&house.vault.existing_key(&house.ada, &house.talk).unwrap(), &place).unwrap());
    }
    let unlocked = counted(&all);

    house.vault.lock_where(|_, _, _| true);
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(wait_s) {
        std::thread::park_timeout(Duration::from_secs(1));
    }
    let locked = counted(&all);

    let shown = |counts: &[usize]| {
        serde_json::json!({
            "person": counts[0], "conversation": counts[1], "passphrase_key": counts[2], "words": counts[3],
        })
    };
    println!(
        "memory: {}",
        serde_json::json!({ "unlocked": shown(&unlocked), "locked": shown(&locked), "after_s": wait_s })
    );
    assert!(house.opens(&sealed).is_err());
}
