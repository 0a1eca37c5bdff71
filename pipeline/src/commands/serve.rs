//! `frame-ring serve`.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use frame_ring::LaneOptions;

use super::run::browser::{bind, home};
use super::run::Read;
use crate::bridge::{Bridge, BridgeEvent};
use crate::browser::{inject, library};
use crate::error::CliError;
use crate::gather::Gather;
use crate::receive::Wish;
use crate::recorder::{Format, Options};
use crate::serve::RingArgs;
use crate::signals;

/// Receive from the pages of a browser that somebody else starts: Puppeteer, Playwright, a bot of your own
///
/// Puts the storage of the profile into memory, waits for lanes below it, and for pages that can use none at a WebSocket. The
/// pages get the capture library by what controls the browser: --script writes it, ready to be given to
/// Page.addScriptToEvaluateOnNewDocument (evaluateOnNewDocument, addInitScript). To be started before the browser.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  frame-ring serve --profile /dev/shm/bot-1 --out recordings --script capture.js
  # then, in Playwright: chromium.launchPersistentContext('/dev/shm/bot-1'), and context.addInitScript({ path: 'capture.js' })")]
pub struct Args {
    /// The browser's profile, its --user-data-dir; made if it is not there
    #[arg(long, value_name = "DIR")]
    profile: PathBuf,
    /// Record to this directory instead of only counting
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// What kind of files
    #[arg(long, value_enum, default_value = "mkv", requires = "out")]
    format: Format,
    /// Write the capture script, configured, to this file
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// Let pages also capture what getUserMedia and getDisplayMedia give them
    #[arg(long)]
    capture_local: bool,
    /// Serve the WebSocket here
    #[arg(long, value_name = "PORT", default_value_t = 0, conflicts_with = "no_websocket")]
    websocket_port: u16,
    /// Let only pages of this origin (scheme, host, port) connect to the WebSocket; may be given several times
    #[arg(long, value_name = "ORIGIN", conflicts_with = "no_websocket")]
    allow_origin: Vec<String>,
    /// Have no WebSocket for pages that can use no lane
    #[arg(long)]
    no_websocket: bool,
    /// How lanes are read
    #[arg(long, value_enum, default_value = "guarded")]
    read: Read,
    /// Stop after so many seconds
    #[arg(long, value_name = "S", value_parser = crate::receive::positive)]
    seconds: Option<f64>,
    #[command(flatten)]
    ring: RingArgs,
}

/// When nothing has come for so long, it is time to say why that may be.
const PATIENCE: Duration = Duration::from_secs(30);

const HINT: &str = "\
nothing has come yet. A page needs the capture library, a secure context (https, or http://localhost), and a remote track.
Its lane is found only below the profile of this command: not in contexts without a trace (newContext() of Playwright and
Puppeteer, --incognito), which keep files in the browser's memory; use launchPersistentContext, or let it use the WebSocket.";

/// Runs the command.
pub fn run(args: &Args) -> Result<(), CliError> {
    signals::install()?;
    let home = home(&args.profile)?;
    let socket = std::env::temp_dir().join(format!("frame-ring-serve-{}.sock", std::process::id()));
    let ring = args.ring.serve("serve", &socket)?;
    let bind = || bind(&socket, args.websocket_port, &args.allow_origin);
    let bridge = (!args.no_websocket).then(bind).transpose()?;
    let options = Options { format: args.format, quality: 85, wait: false, replace: false };
    let mut gather = Gather::new(args.out.as_deref().map(|out| (out, options)))?;
    gather.add(ring, "websocket")?;
    gather.watch(home.profile(), LaneOptions { read: args.read.into() })?;
    let url = bridge.as_ref().map(Bridge::url);
    if let Some(path) = &args.script {
        let config = library::config("serve", url.as_deref(), args.capture_local);
        std::fs::write(path, inject::script(&config, library::SCRIPT))
            .map_err(|why| CliError::failed(format!("write {}", path.display()), why))?;
    }
    gather.say(&format!("waiting for lanes below {}", home.profile().display()));
    if let Some(url) = url {
        gather.say(&format!("waiting for pages at {url}"));
    }
    let start = Instant::now();
    let mut told = false;
    gather.run(|gather| {
        for event in bridge.iter().flat_map(Bridge::take_events) {
            gather.say(&event.to_string());
            if matches!(event, BridgeEvent::Opened(_)) && gather.lanes() == 0 {
                gather.say(
                    "it uses no lane: see its note for why; a context without a trace is the usual reason",
                );
            }
        }
        if !told && gather.frames() == 0 && start.elapsed() > PATIENCE {
            told = true;
            gather.say(HINT);
        }
        let is_over = args.seconds.is_some_and(|seconds| start.elapsed().as_secs_f64() >= seconds);
        if is_over || signals::stop_requested() {
            return Wish::End;
        }
        Wish::GoOn
    })?;
    drop(bridge);
    gather.finish()
}
