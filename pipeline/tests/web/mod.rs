//! What the tests with a real browser share: the browser, and a site for it.

// Each test crate uses its own part of this.
#![allow(dead_code)]

pub mod media;
pub mod processes;
pub mod sandbox;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use frame_ring_pipeline::browser::process::{Browser, Launch};

/// The browsers that the tests are made for.
pub const HEADLESS: &str = "/usr/bin/chromium-headless-shell";
pub const FULL: &str = "/usr/bin/chromium";

/// How to start a browser in tests; `None`, and a word on it, where there is none. With `FRAME_RING_REQUIRE_CHROMIUM=1` a
/// missing browser is a failure.
pub fn launch(program: &str) -> Option<Launch> {
    if !Path::new(program).exists() {
        let required = std::env::var_os("FRAME_RING_REQUIRE_CHROMIUM").is_some_and(|value| value == "1");
        assert!(!required, "{program} is missing, and FRAME_RING_REQUIRE_CHROMIUM=1 requires it");
        // Past the harness, which keeps what a test that passes says to itself.
        let line = format!("\nNOT RUN: a test, because there is no {program}: apt-get install chromium chromium-headless-shell\n");
        let _ = std::io::stderr().write_all(line.as_bytes());
        return None;
    }
    Some(Launch::new(program).args(SWITCHES))
}

/// Tests run on several threads, and a browser takes more than one core: one at a time.
pub fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A fake camera and a fake microphone, and nobody who is asked for them.
pub const DEVICES: [&str; 3] = [
    "--use-fake-device-for-media-stream=fps=30",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
];

pub const SWITCHES: [&str; 6] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

pub fn start(launch: Launch) -> Browser {
    Browser::start(launch).unwrap_or_else(|why| panic!("{why}"))
}

/// A web site on 127.0.0.1: pages by path, each with the headers it needs. It lives as long as the test's process.
#[derive(Debug)]
pub struct Site {
    address: SocketAddr,
}

/// A page: its headers besides the usual ones, each with its line end, and its text.
pub type Page = (&'static str, String);

impl Site {
    pub fn serve(pages: &[(&str, Page)]) -> Self {
        let pages: BTreeMap<String, Page> =
            pages.iter().map(|(path, page)| ((*path).into(), page.clone())).collect();
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let pages = pages.clone();
                // A browser that goes away in the middle is no fault of the site.
                std::thread::spawn(move || answer(stream, &pages));
            }
        });
        Self { address }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The address of a page, under any name of this machine.
    pub fn url_at(&self, host: &str, path: &str) -> String {
        format!("http://{host}:{}{path}", self.port())
    }

    pub fn url(&self, path: &str) -> String {
        self.url_at("127.0.0.1", path)
    }
}

fn answer(stream: TcpStream, pages: &BTreeMap<String, Page>) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
    let request = lines.next()?.ok()?;
    while !lines.next()?.ok()?.is_empty() {}
    let path = request.split_whitespace().nth(1)?;
    let (status, (headers, text)) = match pages.get(path.split('?').next()?) {
        Some(page) => ("200 OK", page.clone()),
        None => ("404 Not Found", ("", "nothing here".into())),
    };
    let kind = if path.ends_with(".js") { "text/javascript" } else { "text/html" };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n",
        text.len()
    );
    let mut stream = stream;
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(text.as_bytes()).ok()
}
