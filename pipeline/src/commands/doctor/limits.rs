//! What the kernel is, and what it is set to.

use std::fs;
use std::path::{Path, PathBuf};

use nix::sys::resource::{getrlimit, Resource};

use super::Check;

/// A default ring and its consumer fit into this.
const ENOUGH_BYTES: u64 = 128 << 20;
/// Descriptors for some tens of producers and what a program needs besides.
const ENOUGH_FILES: u64 = 256;

/// The kernel's version.
pub fn kernel() -> Check {
    let name = "kernel";
    let Some(release) = read("/proc/sys/kernel/osrelease") else {
        return Check::warning(name, "/proc cannot be read", "mount /proc to learn more");
    };
    match version(&release) {
        Some(version) if version < (3, 17) => {
            Check::problem(name, release, "memfds need Linux 3.17 or newer")
        }
        Some(version) if version < (5, 14) => Check::warning(
            name,
            release,
            "rings work; Linux 5.14 or newer makes their pages present faster (MADV_POPULATE_WRITE)",
        ),
        Some(_) => Check::ok(name, format!("Linux {release}")),
        None => Check::warning(name, release, "the version is not understood; Linux 3.17 or newer is needed"),
    }
}

/// The limits.
pub fn checks() -> Vec<Check> {
    vec![files(), huge_pages(), cgroup(), overcommit()]
}

fn files() -> Check {
    let name = "RLIMIT_NOFILE";
    match getrlimit(Resource::RLIMIT_NOFILE) {
        Ok((soft, _)) if soft >= ENOUGH_FILES => {
            Check::ok(name, format!("{soft} descriptors; a ring takes 4, and 2 for each producer"))
        }
        Ok((soft, hard)) => Check::warning(
            name,
            format!("{soft} descriptors"),
            format!("a ring takes 4, and 2 for each producer: raise it with `ulimit -n`, up to {hard}"),
        ),
        Err(why) => Check::warning(name, why.to_string(), "it cannot be read; many producers may be refused"),
    }
}

fn huge_pages() -> Check {
    let name = "huge pages";
    let path = "/sys/kernel/mm/transparent_hugepage/shmem_enabled";
    let Some(found) = read(path) else {
        return Check::ok(name, "not known to this kernel; rings use small pages");
    };
    let chosen = found.split(['[', ']']).nth(1).unwrap_or_default();
    if matches!(chosen, "always" | "within_size" | "advise" | "force") {
        Check::ok(name, format!("{chosen}: rings that ask for huge pages get them"))
    } else {
        // Measured to be worth little beside a prefaulted ring, and off by default everywhere: nothing to warn of.
        Check::ok(name, format!("{chosen}: rings use small pages (root may echo advise > {path})"))
    }
}

fn cgroup() -> Check {
    let name = "cgroup memory";
    let Some((limit, group)) = tightest_group() else { return Check::ok(name, "no limit") };
    let current = number(&group.join("memory.current"))
        .or_else(|| number(&group.join("memory.usage_in_bytes")))
        .unwrap_or(0);
    let left = limit.saturating_sub(current);
    let found = format!("{} of {} MiB used in {}", current >> 20, limit >> 20, group.display());
    if left >= ENOUGH_BYTES {
        Check::ok(name, found)
    } else {
        Check::warning(
            name,
            found,
            format!(
                "a ring's memory counts against the limit of whoever touches it first: make rings smaller than \
                 {} MiB, or raise memory.max",
                left >> 20
            ),
        )
    }
}

/// The limit that is reached first on the way from this process's cgroup to the root, and whose it is.
fn tightest_group() -> Option<(u64, PathBuf)> {
    let own = fs::read_to_string("/proc/self/cgroup").ok()?;
    let mut tightest: Option<(u64, PathBuf)> = None;
    for line in own.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?);
        let (root, file) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max"),
            list if list.split(',').any(|c| c == "memory") => {
                ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => continue,
        };
        let inner = Path::new(root).join(path.trim_start_matches('/'));
        for group in inner.ancestors().take_while(|group| group.starts_with(root)) {
            // The old interface writes "no limit" as the greatest number of pages.
            if let Some(limit) = number(&group.join(file)).filter(|limit| *limit < 1 << 60) {
                if tightest.as_ref().is_none_or(|(least, _)| limit < *least) {
                    tightest = Some((limit, group.into()));
                }
            }
        }
    }
    tightest
}

fn overcommit() -> Check {
    let name = "vm.overcommit_memory";
    match read("/proc/sys/vm/overcommit_memory").as_deref() {
        Some("2") => Check::warning(
            name,
            "2: memory is promised only where it is there",
            "pages of a ring may be refused in the middle of a frame (SIGBUS): prefault rings when they are made",
        ),
        Some(mode) => Check::ok(name, mode),
        None => Check::ok(name, "not known"),
    }
}

fn number(path: &Path) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(path).ok().map(|text| text.trim().to_string())
}

fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn versions_are_numbers() {
        assert_eq!(version("6.18.44-fc-v595"), Some((6, 18)));
        assert_eq!(version("3.9"), Some((3, 9)));
        assert_eq!(version("Linux"), None);
    }
}
