//! `frame-ring run` with a browser: the profile in memory, the capture library in every page, lanes and WebSocket received.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use frame_ring::{LaneOptions, Producer, RingId, FD_VARIABLE, SOCKET_VARIABLE};

use super::{Args, Watched, AFTERWARDS};
use crate::bridge::{Bridge, BridgeOptions};
use crate::browser::home::Home;
use crate::browser::inject::{self, Injection, Injector, PageEvent};
use crate::browser::launch::{Launch, Prepared};
use crate::browser::{example, library};
use crate::error::CliError;
use crate::gather::Gather;
use crate::receive::Wish;
use crate::recorder::Options;
use crate::supervise::{how, Blocked, Supervised};

/// How the capture library gets into pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Capture {
    /// Over the DevTools protocol, before the scripts of every page and frame
    Cdp,
    /// As an extension, for a browser that another program controls
    Extension,
    /// Not at all: the page has it
    None,
}

/// Runs the browser.
pub fn run(args: &Args, signals: Blocked, socket: &Path) -> Result<(), CliError> {
    let name = args.command[0].to_string_lossy().into_owned();
    let ring = args.ring.serve("run", socket)?;
    let bridge = (!args.no_websocket).then(|| bind(socket, args.websocket_port, &[])).transpose()?;
    let config = library::config(&name, bridge.as_ref().map(Bridge::url).as_deref(), args.capture_local);
    let script = inject::script(&config, library::SCRIPT);

    // Remote sound flows only while it is played, and nobody clicks here.
    let mut launch = Launch::new(&args.command[0])
        .arg("--autoplay-policy=no-user-gesture-required")
        .args(&args.command[1..]);
    if launch.is_incognito() {
        eprintln!("--incognito keeps the files of pages out of reach: their frames come over the WebSocket");
    }
    if let Some(people) = args.example_call {
        let address = example::serve(people).map_err(|why| CliError::failed("serve the example", why))?;
        launch = launch.arg(address);
    }
    let mut urls = Vec::new();
    match args.capture {
        Capture::Cdp => urls = launch.hold_back_urls(),
        Capture::Extension => launch = launch.with_extension(script.clone()),
        Capture::None => launch = launch.without_pipe(),
    }
    let (mut command, mut prepared) = launch.prepare().map_err(|why| CliError::Usage(why.to_string()))?;
    prepared.home().advice().iter().for_each(|line| eprintln!("{line}"));
    command.env(SOCKET_VARIABLE, socket).env_remove(FD_VARIABLE);

    let options = Options { format: args.format, quality: 85, wait: false, replace: false };
    let mut gather = Gather::new(args.out.as_deref().map(|out| (out, options)))?;
    let ring = gather.add(ring, "ring")?;
    gather.watch(prepared.home().profile(), LaneOptions { read: args.read.into() })?;
    let supervised = Supervised::start(signals, command, |mut command| command.spawn());
    let supervised = supervised.map_err(|why| CliError::Usage(format!("cannot start {name}: {why}")))?;
    let injector = match args.capture {
        Capture::Cdp => Some(begin(args, &mut prepared, script, bridge.is_some(), &urls, &supervised)?),
        Capture::Extension | Capture::None => None,
    };

    let mut run = Run { command: Watched::new(supervised), bridge, injector, ring };
    let received = gather.run(|gather| run.tick(gather));
    let ended = run.command.status();
    drop(run);
    received.and(gather.finish())?;
    match ended {
        // Ctrl-C is how one ends a browser without a window.
        Some(status) if status.success() || matches!(status.signal(), Some(libc::SIGINT | libc::SIGTERM)) => {
            Ok(())
        }
        Some(status) => Err(CliError::Failed(format!("{name} {}{}", how(status), hint(status)))),
        None => Err(CliError::Failed(format!("{name} is still running"))),
    }
}

/// Serves the WebSocket whose pages become producers of the ring at `socket`.
pub fn bind(socket: &Path, port: u16, origins: &[String]) -> Result<Bridge, CliError> {
    let options = match port {
        // Whoever is told the address is told the path, and nobody else knows it.
        0 => BridgeOptions::secret(),
        port => Ok(BridgeOptions { address: ([127, 0, 0, 1], port).into(), ..BridgeOptions::default() }),
    };
    let options = options.map(|options| BridgeOptions { origins: origins.into(), ..options });
    let socket = socket.to_owned();
    let connect = move |label: &str| Producer::connect(&socket, label);
    let bridge = options.and_then(|options| Bridge::bind(options, connect));
    bridge.map_err(|why| CliError::failed(format!("listen for WebSockets on port {port}"), why))
}

/// Gives the library to all pages, and opens those that were asked for.
fn begin(
    args: &Args,
    prepared: &mut Prepared,
    script: String,
    allow_loopback: bool,
    urls: &[String],
    supervised: &Supervised,
) -> Result<Injector, CliError> {
    let injection = Injection { script, bypass_csp: !args.keep_csp, allow_loopback };
    let cdp = prepared.connect().map_err(|why| CliError::failed("control the browser", why))?;
    let begun = Injector::start(&cdp, injection).and_then(|injector| {
        injector.open_in_place(urls)?;
        Ok(injector)
    });
    begun.map_err(|why| {
        // The end of its pipe comes before that of the process, which says more.
        let start = Instant::now();
        while supervised.end().is_none() && start.elapsed() < AFTERWARDS {
            std::thread::sleep(Duration::from_millis(20));
        }
        match supervised.end() {
            Some(status) => CliError::Failed(format!("the browser {}{}", how(status), hint(status))),
            None => CliError::failed("control the browser", why),
        }
    })
}

/// What ends a browser at its start.
fn hint(status: ExitStatus) -> &'static str {
    match status.code() {
        None | Some(0) => "",
        Some(_) => ". As root it needs --no-sandbox, without a display --headless",
    }
}

struct Run {
    command: Watched,
    bridge: Option<Bridge>,
    injector: Option<Injector>,
    ring: RingId,
}

impl Run {
    fn tick(&mut self, gather: &mut Gather) -> Wish {
        let pages = self.injector.iter().flat_map(Injector::take_events);
        pages.filter(PageEvent::is_news).for_each(|event| gather.say(&event.to_string()));
        for event in self.bridge.iter().flat_map(Bridge::take_events) {
            gather.say(&event.to_string());
        }
        let had_ended = self.command.status().is_some();
        let wish = self.command.wish(gather.ring(self.ring).map_or(0, |ring| ring.producers()));
        if !had_ended && self.command.status().is_some() {
            // A script that started the browser may have ended alone.
            self.injector.iter().for_each(Injector::close_browser);
        }
        wish
    }
}

/// The storage of a profile, prepared for lanes; with what its user should know about it.
pub fn home(profile: &Path) -> Result<Home, CliError> {
    let home = Home::of(profile).map_err(|why| CliError::Usage(why.to_string()))?;
    home.advice().iter().for_each(|line| eprintln!("{line}"));
    Ok(home)
}
