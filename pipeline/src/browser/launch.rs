//! The start of a browser: its command line with a profile in memory, the pipes of the DevTools protocol, an extension.
//!
//! Owns what is added to the command. Who starts the process, waits for it and ends it is somebody else: `frame-ring run`
//! or [`Browser`](super::process::Browser).

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use command_fds::{CommandFdExt, FdMapping};
use nix::fcntl::OFlag;
use nix::unistd::pipe2;

use super::cdp::Cdp;
use super::home::{Home, HomeError};
use super::users::singleton;
use super::{cdp::PATIENCE, extension};

/// Names that a browser's program has, and nothing else.
const BROWSERS: [&str; 11] = [
    "chrome",
    "chrome-headless-shell",
    "chromium",
    "chromium-browser",
    "chromium-headless-shell",
    "google-chrome",
    "google-chrome-beta",
    "google-chrome-stable",
    "google-chrome-unstable",
    "headless-shell",
    "headless_shell",
];
/// How names begin that a browser's program may have.
const PERHAPS: [&str; 3] = ["chrom", "google-chrome", "headless"];
/// How a browser says what it is.
const VERSIONS: [&str; 4] = ["Chromium", "Google Chrome", "HeadlessChrome", "Headless"];

/// Whether a program is a Chromium: by its name, and if that only may be one, by what it says to `--version`.
pub fn is_browser(program: &OsStr) -> bool {
    let Some(name) = Path::new(program).file_name().and_then(OsStr::to_str) else { return false };
    let may_be = PERHAPS.iter().any(|start| name.starts_with(start));
    BROWSERS.contains(&name) || (may_be && says_so(program).unwrap_or(false))
}

fn says_so(program: &OsStr) -> io::Result<bool> {
    let mut asked = Command::new(program);
    asked.arg("--version").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut asked = asked.spawn()?;
    let start = Instant::now();
    while asked.try_wait()?.is_none() {
        if start.elapsed() > PATIENCE / 3 {
            asked.kill()?;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let said = String::from_utf8_lossy(&asked.wait_with_output()?.stdout).trim_start().to_owned();
    Ok(VERSIONS.iter().any(|version| said.starts_with(version)))
}

/// A browser that is to be started.
#[derive(Debug)]
pub struct Launch {
    program: OsString,
    args: Vec<OsString>,
    pipe: bool,
    extension: Option<String>,
    blank: bool,
}

impl Launch {
    /// This program, controlled over pipes.
    pub fn new(program: impl Into<OsString>) -> Self {
        Self { program: program.into(), args: Vec::new(), pipe: true, extension: None, blank: false }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(self, arg: impl Into<OsString>) -> Self {
        self.args([arg])
    }

    /// Adds arguments.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Starts it on an empty page, and returns the addresses that it was to start on: they are for who has seen to it that
    /// the capture library comes first.
    pub fn hold_back_urls(&mut self) -> Vec<String> {
        let is_switch = |arg: &OsString| arg.as_encoded_bytes().first() == Some(&b'-');
        let (switches, urls): (Vec<_>, Vec<_>) = self.args.drain(..).partition(is_switch);
        self.args = switches.into_iter().filter(|switch| switch != "--").collect();
        self.blank = !urls.is_empty();
        urls.iter().map(|url| fix_up(&url.to_string_lossy())).collect()
    }

    /// Without pipes, and with an extension that runs `script` in each document.
    #[must_use]
    pub fn with_extension(mut self, script: String) -> Self {
        (self.pipe, self.extension) = (false, Some(script));
        self
    }

    /// Without pipes: nobody controls it, or somebody else.
    #[must_use]
    pub fn without_pipe(mut self) -> Self {
        self.pipe = false;
        self
    }

    /// Prepares profile and pipes. The command is to be spawned once, and then dropped.
    pub fn prepare(mut self) -> Result<(Command, Prepared), LaunchError> {
        let mut home = match last_value(&self.args, "--user-data-dir") {
            None => Home::new(),
            Some(profile) => {
                let profile = PathBuf::from(profile);
                if let Some(pid) = singleton(&profile) {
                    return Err(LaunchError::InUse { profile, pid });
                }
                Home::of(&profile)
            }
        }
        .map_err(LaunchError::Home)?;
        remove(&mut self.args, "--user-data-dir");
        let mut profile = OsString::from("--user-data-dir=");
        profile.push(home.profile());
        let mut args = vec![profile, "--no-first-run".into(), "--no-default-browser-check".into()];
        if let Some(script) = &self.extension {
            let dir = home.place().map_err(LaunchError::Home)?.join("extension");
            extension::write(&dir, script).map_err(LaunchError::Extension)?;
            join(&mut self.args, "--load-extension", dir.as_os_str());
            // Such a browser cannot be told over pipes to let public pages connect to this machine.
            for feature in ["DisableLoadExtensionCommandLineSwitch", "LocalNetworkAccessChecks"] {
                join(&mut self.args, "--disable-features", feature.as_ref());
            }
        }
        let mut pipe = None;
        let mut command = Command::new(&self.program);
        if self.pipe {
            if self.args.iter().any(|arg| arg.as_encoded_bytes().starts_with(b"--remote-debugging-pipe")) {
                return Err(LaunchError::Controlled);
            }
            args.push("--remote-debugging-pipe".into());
            pipe = Some(Pipe::new(&mut command).map_err(LaunchError::Pipe)?);
        }
        command.args(args).args(&self.args).args(self.blank.then_some("about:blank"));
        Ok((command, Prepared { home, pipe }))
    }

    /// Whether its pages are without a trace: then no lane can come of them.
    pub fn is_incognito(&self) -> bool {
        self.args.iter().any(|arg| arg == "--incognito")
    }
}

/// What a browser needs while it runs: its profile, and the near ends of its pipes.
#[derive(Debug)]
pub struct Prepared {
    home: Home,
    pipe: Option<Pipe>,
}

impl Prepared {
    /// The browser's profile.
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// The connection to the browser, when its process was started and the command dropped. Only once.
    pub fn connect(&mut self) -> io::Result<Cdp> {
        let pipe = self.pipe.take().ok_or(io::ErrorKind::NotConnected)?;
        Cdp::new(pipe.to_browser, pipe.from_browser)
    }
}

/// The near ends of the two pipes.
#[derive(Debug)]
struct Pipe {
    to_browser: OwnedFd,
    from_browser: OwnedFd,
    /// Keep the numbers 3 and 4 taken here until the child has them, so that nothing which `Command` needs lies there.
    _taken: Vec<File>,
}

impl Pipe {
    /// Makes them, and gives the far ends to `command`.
    fn new(command: &mut Command) -> io::Result<Self> {
        let mut taken = Vec::new();
        loop {
            let file = File::open("/dev/null")?;
            if file.as_raw_fd() > 4 {
                break;
            }
            taken.push(file);
        }
        let (far_in, to_browser) = pipe2(OFlag::O_CLOEXEC)?;
        let (from_browser, far_out) = pipe2(OFlag::O_CLOEXEC)?;
        let mappings =
            vec![FdMapping { parent_fd: far_in, child_fd: 3 }, FdMapping { parent_fd: far_out, child_fd: 4 }];
        command.fd_mappings(mappings).map_err(io::Error::other)?;
        Ok(Self { to_browser, from_browser, _taken: taken })
    }
}

/// The value of `--name=value`; of several the last one counts, as for the browser.
fn last_value(args: &[OsString], name: &str) -> Option<OsString> {
    args.iter().rev().find_map(|arg| value(arg, name).map(OsStr::to_owned))
}

fn value<'a>(arg: &'a OsStr, name: &str) -> Option<&'a OsStr> {
    use std::os::unix::ffi::OsStrExt;
    arg.as_bytes().strip_prefix(name.as_bytes())?.strip_prefix(b"=").map(OsStr::from_bytes)
}

fn remove(args: &mut Vec<OsString>, name: &str) {
    args.retain(|arg| value(arg, name).is_none());
}

/// Adds to a list in a switch.
fn join(args: &mut Vec<OsString>, name: &str, what: &OsStr) {
    let mut list = last_value(args, name).unwrap_or_default();
    remove(args, name);
    if !list.is_empty() {
        list.push(",");
    }
    list.push(what);
    let mut arg = OsString::from(format!("{name}="));
    arg.push(list);
    args.insert(0, arg);
}

/// An address as people write it on a browser's command line, in full.
fn fix_up(text: &str) -> String {
    const SCHEMES: [&str; 5] = ["about:", "chrome:", "data:", "file:", "view-source:"];
    if text.contains("://") || SCHEMES.iter().any(|scheme| text.starts_with(scheme)) {
        return text.into();
    }
    match Path::new(text).canonicalize() {
        Ok(path) => format!("file://{}", path.display()),
        Err(_) => format!("http://{text}"),
    }
}

/// Why a browser could not be prepared.
#[derive(Debug)]
pub enum LaunchError {
    /// There is no profile for it.
    Home(HomeError),
    /// A browser runs with this profile already.
    InUse {
        /// The profile.
        profile: PathBuf,
        /// The browser's process.
        pid: u32,
    },
    /// The command line has `--remote-debugging-pipe`: somebody else is to control it.
    Controlled,
    /// The extension could not be written.
    Extension(io::Error),
    /// The pipes could not be made.
    Pipe(io::Error),
}

impl fmt::Display for LaunchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Home(why) => why.fmt(f),
            Self::InUse { profile, pid } => write!(
                f,
                "process {pid} runs a browser with the profile {} already: end it, or use `frame-ring serve --profile`",
                profile.display()
            ),
            Self::Controlled => write!(
                f,
                "the command has --remote-debugging-pipe, so another program is to control the browser: leave that out, \
                 or use `frame-ring serve --profile` and let the page or that program load the capture library"
            ),
            Self::Extension(why) => write!(f, "cannot write the capture extension: {why}"),
            Self::Pipe(why) => write!(f, "cannot make the browser's pipes: {why}"),
        }
    }
}

impl std::error::Error for LaunchError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_known_by_their_names() {
        for name in
            ["/usr/bin/chromium", "google-chrome-stable", "/opt/chrome-linux64/chrome", "headless_shell"]
        {
            assert!(is_browser(name.as_ref()), "{name}");
        }
        for name in ["sh", "chromedriver-that-is-not-there", "node", "/", "chromium/"] {
            assert_eq!(is_browser(name.as_ref()), name == "chromium/", "{name}");
        }
    }

    #[test]
    fn what_is_added_joins_what_is_there() {
        let args = ["--disable-features=A", "--x", "--disable-features=B,C"];
        let mut args: Vec<OsString> = args.into_iter().map(Into::into).collect();
        join(&mut args, "--disable-features", "D".as_ref());
        assert_eq!(args, ["--disable-features=B,C,D", "--x"]);
        join(&mut args, "--load-extension", "/e".as_ref());
        assert_eq!(args[0], "--load-extension=/e");
    }

    #[test]
    fn addresses_are_held_back_in_full() {
        let mut launch = Launch::new("chromium").args([
            "--a=b",
            "example.com/x",
            "localhost:8000",
            "--",
            "about:blank",
            ".",
        ]);
        let here = std::env::current_dir().unwrap();
        let expected = [
            "http://example.com/x",
            "http://localhost:8000",
            "about:blank",
            &format!("file://{}", here.display()),
        ];
        assert_eq!(launch.hold_back_urls(), expected);
        assert_eq!(launch.args, ["--a=b"]);
    }

    #[test]
    fn a_browser_that_somebody_else_controls_is_refused() {
        let launch = Launch::new("chromium").arg("--remote-debugging-pipe");
        assert!(matches!(launch.prepare(), Err(LaunchError::Controlled)));
    }
}
