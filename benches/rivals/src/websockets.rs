//! WebSockets over loopback TCP by two libraries on tokio, a client that sends and a server that receives, as the
//! protocol asks for: what the client sends is masked.
//!
//! Both ends have a runtime of one thread, which is the fastest for one connection, no delay for small packets, and send
//! each message off at once, as live capture does.

use std::fmt::Debug;
use std::future::Future;
use std::net::Ipv4Addr;

use frame_ring_pipeline::commands::bench::{Control, Job, Measured, Meter, Peer, Series, STAMP_BYTES};
use frame_ring_pipeline::error::CliError;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime;

fn failed(why: impl Debug) -> CliError {
    CliError::failed("use a WebSocket", format!("{why:?}"))
}

fn block_on<T>(work: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
    runtime::Builder::new_current_thread().enable_io().build().map_err(failed)?.block_on(work)
}

/// The producer's end of a connection.
async fn connect(job: &Job) -> Result<TcpStream, CliError> {
    let stream = TcpStream::connect(&job.address).await.map_err(failed)?;
    stream.set_nodelay(true).map_err(failed)?;
    Ok(stream)
}

/// Starts the producer; returns it and the consumer's end of its connection.
async fn accept(job: &Job) -> Result<(Peer, TcpStream), CliError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?.to_string();
    let peer = Peer::connecting(&Job { address, ..job.clone() })?;
    let (stream, _) = listener.accept().await.map_err(failed)?;
    stream.set_nodelay(true).map_err(failed)?;
    Ok((peer, stream))
}

/// tokio-tungstenite.
pub mod tungstenite {
    use bytes::BytesMut;
    use futures_util::{SinkExt, StreamExt};
    use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
    use tokio_tungstenite::tungstenite::Message;
    use tokio_tungstenite::{accept_async_with_config, client_async_with_config};

    use super::*;

    /// Its own sizes of buffers, which its documentation gives for high load; and no limit.
    fn config() -> Option<WebSocketConfig> {
        Some(WebSocketConfig::default().max_message_size(None).max_frame_size(None))
    }

    /// Carries one run's frames.
    pub fn run(job: &Job) -> Result<Measured, CliError> {
        block_on(async {
            let (mut peer, stream) = accept(job).await?;
            let mut socket = accept_async_with_config(stream, config()).await.map_err(failed)?;
            peer.ready()?;
            peer.go()?;
            let mut meter = Meter::new(job.payload_bytes, 1);
            loop {
                let message = socket.next().await.ok_or_else(|| failed("it ended before the last frame"))?;
                if let Message::Binary(frame) = message.map_err(failed)? {
                    if !meter.take(&frame)? {
                        break;
                    }
                }
            }
            meter.finish(|| Ok(vec![peer.report()?]))
        })
    }

    /// Sends one run's frames.
    pub fn produce(job: &Job, control: &mut Control) -> Result<(), CliError> {
        block_on(async {
            let (stream, url) = (connect(job).await?, format!("ws://{}/", job.address));
            let (mut socket, _) = client_async_with_config(url, stream, config()).await.map_err(failed)?;
            let mut series = Series::new(job);
            let mut buffer = BytesMut::new();
            control.wait_for_go()?;
            while let Some(frame) = series.next_frame()? {
                // It wants to own what it sends. Frames differ in their stamps only: the rest lies there already, as
                // where a capturing program had written it, and is not copied once more for this library alone.
                match buffer.get_mut(..STAMP_BYTES) {
                    Some(stamp) => stamp.copy_from_slice(&frame[..STAMP_BYTES]),
                    None => buffer.extend_from_slice(frame),
                }
                let payload = buffer.freeze();
                socket.send(Message::Binary(payload.clone())).await.map_err(failed)?;
                // It has given the payload up, or this is a copy.
                buffer = payload.try_into_mut().unwrap_or_else(|kept| BytesMut::from(&kept[..]));
            }
            control.report(series.report()?)
        })
    }
}

/// fastwebsockets.
pub mod fast {
    use fastwebsockets::{FragmentCollector, Frame, OpCode, Payload, Role, WebSocket};

    use super::*;

    /// A connection without an opening handshake, with the library's switches for speed.
    fn open(stream: TcpStream, role: Role) -> WebSocket<TcpStream> {
        let mut socket = WebSocket::after_handshake(stream, role);
        socket.set_writev(true);
        socket.set_auto_apply_mask(true);
        socket.set_max_message_size(usize::MAX);
        socket
    }

    /// Carries one run's frames.
    pub fn run(job: &Job) -> Result<Measured, CliError> {
        block_on(async {
            let (mut peer, stream) = accept(job).await?;
            let mut socket = FragmentCollector::new(open(stream, Role::Server));
            peer.ready()?;
            peer.go()?;
            let mut meter = Meter::new(job.payload_bytes, 1);
            loop {
                let frame = socket.read_frame().await.map_err(failed)?;
                if frame.opcode == OpCode::Binary && !meter.take(&frame.payload)? {
                    break;
                }
            }
            meter.finish(|| Ok(vec![peer.report()?]))
        })
    }

    /// Sends one run's frames.
    pub fn produce(job: &Job, control: &mut Control) -> Result<(), CliError> {
        block_on(async {
            let mut socket = open(connect(job).await?, Role::Client);
            let mut series = Series::new(job);
            // It masks in place, which destroys the frame. Memory that is kept is cheaper than what it would allocate.
            let mut masked = vec![0; job.payload_bytes];
            control.wait_for_go()?;
            while let Some(frame) = series.next_frame()? {
                masked.copy_from_slice(frame);
                let frame = Frame::binary(Payload::BorrowedMut(&mut masked));
                socket.write_frame(frame).await.map_err(failed)?;
            }
            control.report(series.report()?)
        })
    }
}
