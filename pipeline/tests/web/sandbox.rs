//! A browser with its sandbox on: it runs as an ordinary user, who is made up where the tests run as root.

use std::fs;
use std::os::unix::fs::{chown, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use frame_ring_pipeline::browser::place::Place;
use frame_ring_pipeline::browser::process::{Browser, Launch, StartError};
use nix::unistd::{geteuid, User};

use super::{processes, SWITCHES};

/// Who runs the browser where the tests run as root.
const USER: &str = "nobody";

/// The user that runs the browser, and a directory of theirs in memory.
pub struct Tenant {
    pub user: User,
    place: Place,
}

impl Tenant {
    /// Or why there can be no sandbox here.
    pub fn new() -> Result<Self, &'static str> {
        let is_root = geteuid().is_root();
        if let Some(why) = obstacle(is_root) {
            return Err(why);
        }
        let user = if is_root { User::from_name(USER) } else { User::from_uid(geteuid()) };
        let tenant = Self { user: user.unwrap().expect("a user"), place: Place::new().unwrap() };
        for dir in [tenant.dir().to_owned(), tenant.dir().join("profile")] {
            fs::create_dir_all(&dir).unwrap();
            fs::set_permissions(&dir, fs::Permissions::from_mode(0o700)).unwrap();
            tenant.give(&dir);
        }
        Ok(tenant)
    }

    /// Where the user's files are; others but root see nothing of it.
    pub fn dir(&self) -> &Path {
        self.place.path()
    }

    /// Hands a file to the user.
    pub fn give(&self, path: &Path) {
        chown(path, Some(self.user.uid.as_raw()), Some(self.user.gid.as_raw())).unwrap();
    }

    /// Starts a browser as the user, with its sandbox on.
    pub fn start(&self, browser: &Path, switches: &[String]) -> Result<Browser, StartError> {
        let launch = Launch::new(self.program(browser))
            .arg(format!("--user-data-dir={}", self.dir().join("profile").display()))
            .args(SWITCHES.into_iter().filter(|switch| *switch != "--no-sandbox"))
            .args(switches);
        Browser::start_with(launch, |command| {
            command.env("HOME", self.dir());
        })
    }

    /// The browser, or a program that starts it as the user.
    fn program(&self, browser: &Path) -> PathBuf {
        if !geteuid().is_root() {
            return browser.into();
        }
        let as_user = format!("runuser -u {USER} --");
        let tried = Command::new("runuser").args(["-u", USER, "--", "test", "-x"]).arg(browser).status();
        let start = if tried.is_ok_and(|status| status.success()) {
            format!("exec {as_user} '{}' \"$@\"", browser.display())
        } else {
            // It lies where the user may not go, so its directory is shown to them in their own.
            let (from, name) = (browser.parent().unwrap(), browser.file_name().unwrap());
            let to = self.dir().join("program");
            fs::create_dir_all(&to).unwrap();
            let bind = format!("mount --bind '{}' '{}'", from.display(), to.display());
            let shown = format!("'{}'", to.join(name).display());
            format!("[ -n \"$SHOWN\" ] || SHOWN=1 exec unshare --mount \"$0\" \"$@\"\n{bind} && exec {as_user} {shown} \"$@\"")
        };
        let path = self.dir().join("browser");
        fs::write(&path, format!("#!/bin/sh\n{start}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// How many renderers a browser has, all of them confined. It starts some in advance, which give up their rights a
    /// moment later.
    pub fn confined(&self, browser: &Browser) -> usize {
        for _ in 0..50 {
            let all = processes::renderers(browser.pid());
            if !all.is_empty() && all.iter().all(|renderer| self.is_confined(renderer)) {
                return all.len();
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("{:?} have no sandbox", processes::renderers(browser.pid()));
    }

    /// Whether a renderer runs as this user, with fewer system calls than this process and in a namespace of its own.
    fn is_confined(&self, renderer: &Path) -> bool {
        let own = Path::new("/proc/self");
        let space = |process: &Path| fs::read_link(process.join("ns/pid")).ok();
        let filters = |process: &Path| processes::number(process, "Seccomp_filters:");
        processes::number(renderer, "Uid:") == u64::from(self.user.uid.as_raw())
            && filters(renderer) > filters(own)
            // Only root may look.
            && (space(renderer).is_none() || space(renderer) != space(own))
    }
}

/// Why there can be no sandbox here, if so.
fn obstacle(is_root: bool) -> Option<&'static str> {
    let mut trial = match is_root {
        true => Command::new("runuser"),
        false => Command::new("unshare"),
    };
    match is_root {
        true => trial.args(["-u", USER, "--", "unshare", "--user", "true"]),
        false => trial.args(["--user", "true"]),
    };
    match trial.status() {
        Err(_) if is_root => Some("the tests run as root, and there is no runuser"),
        Ok(status) if status.success() => None,
        _ => Some("ordinary users may not make namespaces here (unshare --user)"),
    }
}
