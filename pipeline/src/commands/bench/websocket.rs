//! Rivals that are WebSockets over loopback TCP.

use std::net::{Ipv4Addr, TcpStream};
use std::process::Stdio;

use super::job::{Job, Transport};
use super::meter::{Measured, Meter};
use super::peer::Peer;
use crate::error::CliError;
use crate::websocket::{Listener, Masks, Sender, Style, WebSocketError};

/// The producer's end, connected.
pub fn connect(job: &Job) -> Result<Sender<TcpStream>, CliError> {
    let style = match job.transport {
        Transport::WebsocketChromium => Style::Chromium,
        _ => Style::Unmasked,
    };
    Sender::connect((Ipv4Addr::LOCALHOST, job.port), style)
        .map_err(|why| CliError::failed("connect to the bench", why))
}

/// Carries one run's frames.
pub fn run(job: &Job) -> Result<Measured, CliError> {
    let failed = |why: WebSocketError| CliError::failed("receive over a WebSocket", why);
    let masks = match job.transport {
        Transport::WebsocketChromium => Masks::Required,
        _ => Masks::Optional,
    };
    let listener = Listener::bind().map_err(failed)?;
    let port = listener.address().map_err(failed)?.port();
    let mut peer =
        Peer::start_with(&Job { port, ..job.clone() }, Stdio::null(), |mut command| command.spawn())?;
    let mut receiver = listener.accept(masks).map_err(failed)?;
    peer.ready()?;
    peer.go()?;
    let mut meter = Meter::new(job.payload_bytes, 1);
    loop {
        let cut = || CliError::Failed("the WebSocket was closed before the last frame".into());
        let frame = receiver.recv().map_err(failed)?.ok_or_else(cut)?;
        if !meter.take(frame)? {
            break;
        }
    }
    meter.finish(|| Ok(vec![peer.report()?]))
}
