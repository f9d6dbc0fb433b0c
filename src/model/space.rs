//! How much memory a model may come to need, and how much there is: said and compared before it is loaded.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::Error;

/// What a model may come to need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Space {
    /// Bytes of its weights.
    pub weights: u64,
    /// Prompts worked on together.
    pub sequences: u64,
    /// Bytes of each one's keys and values, once it fills the context.
    pub each: u64,
}

impl fmt::Display for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Space { weights, sequences, each } = self;
        let (all, weights, each) = (self.bytes() >> 20, weights >> 20, each >> 20);
        write!(
            f,
            "the model needs up to {all} MiB: {weights} of weights, and {each} for each of {sequences} prompts together"
        )
    }
}

impl Space {
    /// All of it.
    fn bytes(&self) -> u64 {
        self.sequences.saturating_mul(self.each).saturating_add(self.weights)
    }

    /// Says in the log what it may need and what there is, or gives an error where that is less. Where nobody says how much
    /// there is, it is tried.
    pub(super) fn state(self, available: Option<u64>) -> Result<(), Error> {
        match available {
            Some(available) if available < self.bytes() => return Err(Error::NoSpace { space: self, available }),
            Some(available) => tracing::info!("{self}; {} MiB of memory are available", available >> 20),
            None => tracing::info!("{self}; how much memory is available, the system does not say"),
        }
        Ok(())
    }
}

/// Bytes that a process may still take, as Linux says it: of the machine, and under the limits of its control groups.
pub(super) fn available() -> Option<u64> {
    available_below(Path::new("/"))
}

fn available_below(root: &Path) -> Option<u64> {
    let machine = std::fs::read_to_string(root.join("proc/meminfo")).ok().and_then(|text| {
        let kib = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
        kib.trim().trim_end_matches(" kB").parse::<u64>().ok()?.checked_mul(1024)
    });
    let groups = std::fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let group = groups.lines().find_map(|line| line.strip_prefix("0::/")).unwrap_or_default();
    // A limit of any group above is a limit too.
    let above = Path::new(group).ancestors().map(|group| root.join("sys/fs/cgroup").join(group));
    above.filter_map(left_in).chain(machine).min()
}

/// What a control group (version 2) leaves: what is kept of files can be given back.
fn left_in(group: PathBuf) -> Option<u64> {
    let number = |file: &str| std::fs::read_to_string(group.join(file)).ok()?.trim().parse::<u64>().ok();
    // "max" is no number and no limit.
    let most = number("memory.max")?;
    let stat = std::fs::read_to_string(group.join("memory.stat")).unwrap_or_default();
    let files = stat.lines().find_map(|line| line.strip_prefix("file ")).and_then(|bytes| bytes.parse().ok());
    Some(most.saturating_sub(number("memory.current")?.saturating_sub(files.unwrap_or(0))))
}

#[cfg(test)]
mod tests {
    use super::super::mind::Mind;
    use super::super::tests::{Edit, smallest};
    use super::super::weights::Weights;
    use super::*;

    fn machine(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::io::Write::write_all(&mut std::fs::File::create(path).unwrap(), text.as_bytes()).unwrap();
        }
        root
    }

    #[test]
    fn the_machine_and_every_limit_above_the_process_are_heard() {
        let of = |files: &[(&str, &str)]| available_below(machine(files).path());
        let meminfo = ("proc/meminfo", "MemTotal:  8000 kB\nMemAvailable:  4000 kB\n");
        let group = ("proc/self/cgroup", "0::/system.slice/sotto.service\n");
        let own = [
            ("sys/fs/cgroup/system.slice/sotto.service/memory.max", "3000000\n"),
            ("sys/fs/cgroup/system.slice/sotto.service/memory.current", "1500000\n"),
            ("sys/fs/cgroup/system.slice/sotto.service/memory.stat", "anon 500000\nfile 900000\nfile_mapped 3\n"),
        ];
        let slice = [
            ("sys/fs/cgroup/system.slice/memory.max", "2000000\n"),
            ("sys/fs/cgroup/system.slice/memory.current", "1900000\n"),
        ];
        let no_limit = ("sys/fs/cgroup/system.slice/sotto.service/memory.max", "max\n");

        assert_eq!(of(&[]), None);
        assert_eq!(of(&[meminfo]), Some(4_096_000));
        assert_eq!(of(&[meminfo, group, no_limit]), Some(4_096_000));
        assert_eq!(of(&[meminfo, group, own[0], own[1], own[2]]), Some(2_400_000));
        assert_eq!(of(&[meminfo, group, own[0], own[1], own[2], slice[0], slice[1]]), Some(100_000));
    }

    #[test]
    fn what_does_not_fit_is_refused_with_every_number() {
        let space = Space { weights: 1000 << 20, sequences: 8, each: 100 << 20 };

        assert!(space.state(Some(1800 << 20)).is_ok());
        assert!(space.state(None).is_ok());
        let said = space.state(Some(1799 << 20)).unwrap_err().to_string();
        assert!(
            said.starts_with(
                "the model needs up to 1800 MiB: 1000 of weights, and 100 for each of 8 prompts together, but 1799 MiB"
            ),
            "{said}"
        );
    }

    #[test]
    fn what_fits_is_stated_with_the_same_numbers() {
        let weights = Weights::of(&smallest(Edit::None));
        let (log, lines) = std::sync::mpsc::channel();
        let log = std::sync::Mutex::new(Log(log));
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(log).finish();

        let mind = tracing::subscriber::with_default(subscriber, || Mind::from_gguf(&weights, None, 1, 3)).unwrap();

        let said: String = lines.into_iter().collect();
        assert!(said.contains(&format!("{}; ", mind.space())), "{said}");
        assert!(said.contains("for each of 3 prompts together"), "{said}");
        assert!(said.contains(" MiB of memory are available") || available().is_none(), "{said}");
    }

    struct Log(std::sync::mpsc::Sender<String>);

    impl std::io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.send(String::from_utf8(bytes.to_vec()).unwrap()).unwrap();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
}
