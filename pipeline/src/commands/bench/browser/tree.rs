//! What a tree of processes uses, as `/proc` tells: CPU time by thread, memory.

use std::collections::{BTreeMap, HashMap};
use std::fs;

/// The processes below one, itself included.
pub fn processes(root: u32) -> Vec<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for pid in numbers("/proc") {
        if let Some(stat) = Stat::read(&format!("/proc/{pid}/stat")) {
            children.entry(stat.parent).or_default().push(pid);
        }
    }
    let mut found = vec![root];
    for at in 0.. {
        let Some(pid) = found.get(at) else { break };
        found.extend(children.remove(pid).unwrap_or_default());
    }
    found
}

/// CPU time so far: of each thread that is there, and of each process as a whole, threads that have ended included.
#[derive(Debug, Default)]
pub struct Cpu {
    /// By process and thread: the thread's name, and its ticks.
    threads: HashMap<(u32, u32), (String, u64)>,
    processes: HashMap<u32, u64>,
}

/// CPU time between two moments.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Used {
    /// Of all processes, in seconds.
    pub seconds: f64,
    /// The same by name of thread; what ended in between is missing.
    pub threads: BTreeMap<String, f64>,
}

impl Cpu {
    /// Of the processes below one, now.
    pub fn of(root: u32) -> Self {
        let mut cpu = Self::default();
        for pid in processes(root) {
            let Some(stat) = Stat::read(&format!("/proc/{pid}/stat")) else { continue };
            let kind = kind_of(pid);
            cpu.processes.insert(pid, stat.ticks);
            for thread in numbers(&format!("/proc/{pid}/task")) {
                if let Some(stat) = Stat::read(&format!("/proc/{pid}/task/{thread}/stat")) {
                    let name = if thread == pid { "main".into() } else { without_number(&stat.name) };
                    cpu.threads.insert((pid, thread), (format!("{kind}: {name}"), stat.ticks));
                }
            }
        }
        cpu
    }

    /// What was used since `earlier`.
    pub fn since(&self, earlier: &Self) -> Used {
        let mut used = Used::default();
        for (pid, ticks) in &self.processes {
            let before = earlier.processes.get(pid).copied().unwrap_or(0);
            used.seconds += seconds(ticks.saturating_sub(before));
        }
        for (key, (name, ticks)) in &self.threads {
            let before = earlier.threads.get(key).map_or(0, |(_, ticks)| *ticks);
            if *ticks > before {
                *used.threads.entry(name.clone()).or_default() += seconds(ticks - before);
            }
        }
        used
    }
}

/// CPU time so far of one thread; of a process as a whole if the thread is its first.
pub fn thread_s(pid: u32, thread: u32) -> f64 {
    let path = if thread == pid {
        format!("/proc/{pid}/stat")
    } else {
        format!("/proc/{pid}/task/{thread}/schedstat")
    };
    if thread == pid {
        return Stat::read(&path).map_or(0.0, |stat| seconds(stat.ticks));
    }
    // In nanoseconds, where the first number of a thread's schedstat is to be had; a tick is long for a consumer of a lane.
    let text = fs::read_to_string(&path).unwrap_or_default();
    match text.split_whitespace().next().and_then(|ns| ns.parse::<u64>().ok()) {
        Some(ns) => ns as f64 / 1e9,
        None => {
            Stat::read(&format!("/proc/{pid}/task/{thread}/stat")).map_or(0.0, |stat| seconds(stat.ticks))
        }
    }
}

/// The memory of the processes below one, each page by as many as share it, in bytes.
pub fn pss(root: u32) -> u64 {
    processes(root).into_iter().filter_map(pss_of).sum()
}

fn pss_of(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    line.trim().trim_end_matches(" kB").parse::<u64>().ok().map(|kib| kib << 10)
}

fn seconds(ticks: u64) -> f64 {
    // SAFETY: no pointers.
    let per_second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    ticks as f64 / per_second.max(1) as f64
}

fn numbers(directory: &str) -> Vec<u32> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// What a process is to the browser: `browser`, `renderer`, or what it says of itself.
fn kind_of(pid: u32) -> String {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    // A browser's processes change their command line into one text with spaces.
    let text = String::from_utf8_lossy(&bytes).replace('\0', " ");
    let value = |name: &str| {
        let rest = text.split(name).nth(1)?;
        rest.split([' ', '.']).next().map(str::to_owned)
    };
    match (value("--type="), value("--utility-sub-type=")) {
        (_, Some(utility)) => utility,
        (Some(kind), None) => kind,
        (None, None) => "browser".into(),
    }
}

/// Threads of a pool are one: `ThreadPoolForeg`, `Compositor/5`.
fn without_number(name: &str) -> String {
    name.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches(['/', '#', '-', '_', ' ']).into()
}

#[derive(Debug, PartialEq)]
struct Stat {
    name: String,
    parent: u32,
    ticks: u64,
}

impl Stat {
    fn read(path: &str) -> Option<Self> {
        Self::parse(&fs::read_to_string(path).ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        // The name may hold anything, brackets too.
        let (start, end) = (text.find('(')?, text.rfind(')')?);
        let rest: Vec<&str> = text.get(end + 1..)?.split_whitespace().collect();
        let number = |at: usize| rest.get(at)?.parse::<u64>().ok();
        Some(Self {
            name: text.get(start + 1..end)?.into(),
            parent: u32::try_from(number(1)?).ok()?,
            ticks: number(11)? + number(12)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_whatever_the_name() {
        let line = "42 (a) b (c) S 7 42 42 0 -1 4194560 1 2 3 4 100 23 0 0 20 0 1 0 5 6 7";
        let expected = Stat { name: "a) b (c".into(), parent: 7, ticks: 123 };
        assert_eq!(Stat::parse(line), Some(expected));
        assert_eq!(Stat::parse("42 (cut"), None);
    }

    #[test]
    fn what_this_process_uses_is_seen() {
        let me = std::process::id();
        let before = Cpu::of(me);
        let worker = std::thread::Builder::new().name("busy-7".into()).spawn(|| {
            let start = std::time::Instant::now();
            while start.elapsed() < std::time::Duration::from_millis(200) {}
            Cpu::of(std::process::id())
        });
        let used = worker.unwrap().join().unwrap().since(&before);
        assert!(used.seconds >= 0.05, "{used:?}");
        assert!(used.threads.get("browser: busy").is_some_and(|seconds| *seconds >= 0.05), "{used:?}");
        assert!(pss(me) > 100_000);
    }

    #[test]
    fn children_belong_to_the_tree() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        assert!(processes(std::process::id()).contains(&child.id()));
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
