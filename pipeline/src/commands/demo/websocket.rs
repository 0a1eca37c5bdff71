//! The demo through a WebSocket: one connection and one receiving thread for each capture process, as a server has it.

use std::net::TcpStream;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::Arc;
use std::time::{Duration, Instant};

use frame_ring::Descriptor;

use super::accounts::{Accounts, Outcome};
use super::children::{Capture, Shape};
use crate::capture::outlet::MESSAGE_HEAD;
use crate::error::CliError;
use crate::progress::Progress;
use crate::signals;
use crate::websocket::{Listener, Masks, Receiver, WebSocketError};

const TICK: Duration = Duration::from_millis(100);
/// Words of a descriptor.
const WORDS: usize = MESSAGE_HEAD / 8;

/// Captures, receives, checks.
pub fn run(shape: &Shape) -> Result<Outcome, CliError> {
    let failed = |why: WebSocketError| CliError::failed("listen for WebSockets", why);
    let listener = Arc::new(Listener::bind().map_err(failed)?);
    let address = listener.address().map_err(failed)?;
    let mut captures = Capture::start_all(shape, Some(address), |mut command| command.spawn())?;
    let (done, results) = mpsc::channel();
    for connection in 0..captures.len() as u32 {
        let (listener, done, reference) = (listener.clone(), done.clone(), shape.reference());
        // Not joined: should a process never connect, its thread waits until the demo has ended.
        std::thread::spawn(move || {
            let mut accounts = Accounts::new(reference);
            let received = listener
                .accept(Masks::Required)
                .map_err(|why| CliError::failed("accept a WebSocket", why))
                .and_then(|mut receiver| serve(connection, &mut receiver, &mut accounts));
            // Nobody listens if the demo was stopped.
            let _ = done.send((accounts, received));
        });
    }
    let (mut all, mut failures) = (Vec::new(), Vec::new());
    let mut progress = Progress::new();
    let start = Instant::now();
    let mut patience = None;
    while all.len() < captures.len() && !signals::stop_requested() {
        match results.recv_timeout(TICK) {
            Ok((accounts, received)) => {
                all.push(accounts);
                failures.extend(received.err().map(|why| why.to_string()));
            }
            Err(RecvTimeoutError::Timeout) => {
                progress.show(|| format!("{:6.1} s  WebSocket", start.elapsed().as_secs_f64()));
                // Processes that have ended have sent everything; a thread that is still waiting waits for nobody.
                if captures.iter_mut().all(Capture::has_ended) {
                    let since = *patience.get_or_insert_with(Instant::now);
                    if since.elapsed() > Duration::from_secs(30) {
                        break;
                    }
                }
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    drop(progress);
    let stopped = signals::stop_requested();
    let ends = if stopped { Vec::new() } else { captures.into_iter().map(Capture::finish).collect() };
    let mut outcome = Outcome::new(all, ends, stopped, |_| None);
    if !stopped {
        outcome.failures.extend(failures);
    }
    Ok(outcome)
}

/// Receives one connection's frames.
fn serve(
    connection: u32,
    receiver: &mut Receiver<TcpStream>,
    accounts: &mut Accounts,
) -> Result<(), CliError> {
    accounts.skip();
    while let Some(message) = receiver.recv().map_err(|why| CliError::failed("receive a message", why))? {
        let (head, payload) = message.split_first_chunk::<MESSAGE_HEAD>().ok_or_else(|| {
            CliError::Wrong(format!("a message of {} bytes has no descriptor", message.len()))
        })?;
        let mut words = [0; WORDS];
        for (word, bytes) in words.iter_mut().zip(head.chunks_exact(8)) {
            *word = bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
        }
        let about = Descriptor::decode(&words, payload.len() as u64);
        let about = about.map_err(|why| CliError::Wrong(format!("a message was damaged: {why}")))?;
        accounts.take((connection, about.track), &about, payload)?;
    }
    Ok(())
}
