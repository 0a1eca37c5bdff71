//! One measurement: a fresh browser, the page, one transport.

use std::time::{Duration, Instant};

use frame_ring::LaneRead;
use serde_json::Value;

use super::consumer::Consumer;
use super::transport::Transport;
use super::tree::{self, Cpu};
use super::workload::Workload;
use crate::browser::cdp::Session;
use crate::browser::process::{Browser, Launch};
use crate::error::CliError;
use crate::report::BrowserRound;

/// What is the same for all measurements.
#[derive(Debug)]
pub struct Setting {
    pub python: String,
    pub site: std::net::SocketAddr,
    pub warm_up: Duration,
    pub measured: Duration,
    pub sandbox: bool,
}

/// Measures one transport out of a browser.
pub fn run(
    setting: &Setting,
    browser: &str,
    workload: Workload,
    transport: Transport,
) -> Result<BrowserRound, CliError> {
    let (ring, switches) = match transport {
        Transport::Patched => ring(setting).map(|(ring, switches)| (Some(ring), switches))?,
        _ => (None, Vec::new()),
    };
    let launch = launch(setting, browser).args(switches);
    let browser = Browser::start(launch).map_err(|why| CliError::failed("start the browser", why))?;
    let consumer = match ring {
        Some(ring) => Some(ring),
        None => consumer(setting, &browser, transport)?,
    };
    let url = consumer.as_ref().map_or("", Consumer::url);
    let query = format!("{}&transport={}&url={url}", workload.query(), transport.query());
    let address = format!("http://localhost:{}/?{query}", setting.site.port());
    let page = browser.open(&address).map_err(|why| CliError::failed("open the page", why))?;
    page.evaluate("bench.ready").map_err(|why| CliError::failed("start the page's capture", why))?;
    std::thread::sleep(setting.warm_up);

    let before = count(&page)?;
    let (cpu, consumer_s) = (Cpu::of(browser.pid()), consumer.as_ref().map_or(0.0, Consumer::cpu_s));
    let start = Instant::now();
    std::thread::sleep(setting.measured);
    let used = Cpu::of(browser.pid()).since(&cpu);
    let consumer_s = consumer.as_ref().map_or(0.0, Consumer::cpu_s) - consumer_s;
    let took = start.elapsed();
    let after = count(&page)?;
    let pss_peak_bytes = tree::pss(browser.pid());

    let end = page.evaluate("bench.stop()").map_err(|why| CliError::failed("stop the page", why))?;
    let captured = number(&end, "captured")?;
    let in_time = (after.0 - before.0).max(1) as f64;
    // The counts were asked for a moment before and after the clocks were read.
    let hundreds = in_time / 100.0 * (took.as_secs_f64() / (after.1 - before.1).as_secs_f64());
    drop(page);
    let received = match consumer {
        Some(consumer) => {
            let received = consumer.finish()?;
            drop(browser);
            Some(received)
        }
        None => None,
    };
    let per_100 = |seconds: f64| seconds / hundreds;
    let latency = |share: f64| received.as_ref().map(|received| received.latencies.quantile(share));
    Ok(BrowserRound {
        frames_captured: captured,
        frames_received: received.as_ref().map_or(0, |received| received.frames),
        frames_lost: received.as_ref().map_or(0, |received| captured.saturating_sub(received.frames)),
        browser_cpu_s_per_100: per_100(used.seconds),
        consumer_cpu_s_per_100: per_100(consumer_s),
        threads: used.threads.into_iter().map(|(name, seconds)| (name, per_100(seconds))).collect(),
        p50_ns: latency(0.5),
        p99_ns: latency(0.99),
        pss_peak_bytes,
    })
}

fn launch(setting: &Setting, browser: &str) -> Launch {
    let mut launch = Launch::new(browser).args([
        "--headless",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--use-fake-device-for-media-stream=fps=30",
        "--use-fake-ui-for-media-stream",
        "--autoplay-policy=no-user-gesture-required",
    ]);
    if !setting.sandbox {
        launch = launch.arg("--no-sandbox");
    }
    launch
}

/// A ring's consumer, and what a browser is told so that its page gets the ring.
fn ring(setting: &Setting) -> Result<(Consumer, Vec<String>), CliError> {
    let (consumer, socket) = Consumer::ring()?;
    let switches = vec![
        "--enable-features=FrameRing".into(),
        format!("--frame-ring-socket={}", socket.display()),
        format!("--frame-ring-allowed-origins=http://localhost:{}", setting.site.port()),
    ];
    Ok((consumer, switches))
}

fn consumer(
    setting: &Setting,
    browser: &Browser,
    transport: Transport,
) -> Result<Option<Consumer>, CliError> {
    match transport {
        // A ring is served before its browser is there.
        Transport::Capture | Transport::CopyTo | Transport::Patched => Ok(None),
        Transport::WebsocketRust => Consumer::websocket().map(Some),
        Transport::WebsocketPython => Consumer::python(&setting.python).map(Some),
        Transport::Lane => Consumer::lane(browser.profile(), LaneRead::Guarded).map(Some),
        Transport::LaneCopied => Consumer::lane(browser.profile(), LaneRead::Copied).map(Some),
    }
}

/// Frames that the page has got so far, and when that was.
fn count(page: &Session) -> Result<(u64, Instant), CliError> {
    let before = Instant::now();
    let told =
        page.evaluate("bench.count()").map_err(|why| CliError::failed("ask the page for its count", why))?;
    let at = before + before.elapsed() / 2;
    Ok((number(&told, "captured")?, at))
}

fn number(told: &Value, name: &str) -> Result<u64, CliError> {
    // JavaScript's numbers come as floats at times.
    let number = told[name].as_u64().or_else(|| told[name].as_f64().map(|number| number as u64));
    number
        .ok_or_else(|| CliError::Failed(format!("the page told {told}, where a number `{name}` is expected")))
}
