//! Rivals that are WebSockets over loopback TCP.

use super::job::Job;
use super::meter::{Measured, Meter};
use super::peer::{Control, Peer};
use super::produce::send_all;
use crate::error::CliError;
use crate::websocket::{Listener, Masks, Sender, Style, WebSocketError};

/// Carries one run's frames as Chromium does.
pub fn run_as_chromium(job: &Job) -> Result<Measured, CliError> {
    run(job, Masks::Required)
}

/// Carries one run's frames without masks and fragments.
pub fn run_unmasked(job: &Job) -> Result<Measured, CliError> {
    run(job, Masks::Optional)
}

/// Sends one run's frames as Chromium does.
pub fn produce_as_chromium(job: &Job, control: &mut Control) -> Result<(), CliError> {
    produce(job, control, Style::Chromium)
}

/// Sends one run's frames without masks and fragments.
pub fn produce_unmasked(job: &Job, control: &mut Control) -> Result<(), CliError> {
    produce(job, control, Style::Unmasked)
}

fn produce(job: &Job, control: &mut Control, style: Style) -> Result<(), CliError> {
    let failed = |what: &str, why: WebSocketError| CliError::failed(what, why);
    let mut socket =
        Sender::connect(&job.address, style).map_err(|why| failed("connect to the bench", why))?;
    send_all(job, control, |frame| socket.send(&[frame]).map_err(|why| failed("send a frame", why)))
}

fn run(job: &Job, masks: Masks) -> Result<Measured, CliError> {
    let failed = |why: WebSocketError| CliError::failed("receive over a WebSocket", why);
    let listener = Listener::bind().map_err(failed)?;
    let address = listener.address().map_err(failed)?.to_string();
    let mut peer = Peer::connecting(&Job { address, ..job.clone() })?;
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
