//! The rival: frames over a WebSocket on loopback TCP, as a Chromium page would send them.
//!
//! A page's `WebSocket.send` reaches the network as binary frames of up to 131,000 bytes, a larger message as
//! several fragments, and every frame is masked with a fresh key, as the protocol demands of clients. [`Sender`] does
//! the same (or, for comparison, leaves masks and fragments out) and [`Receiver`] takes messages from any client.
//! Both are as fast as we could make them, for a slow rival proves nothing: no delay for small packets, no
//! compression, masking eight bytes at a time while copying into the one buffer that the kernel then takes, and on
//! the other side a read straight into the message, unmasked in place.
//!
//! The opening handshake is [`tungstenite`]'s. Frames are written and read here, because that library copies each
//! message once more in both directions, zeroes its buffers for every read, and cannot leave out masks on a client;
//! the tests talk to its client and server to show that both sides speak the protocol.
//!
//! One thread at a time uses a sender or a receiver; both can move between threads.

mod frame;
mod pieces;
mod receiver;
mod sender;

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};

pub use self::pieces::Piece;
pub use self::receiver::{Masks, Receiver};
pub use self::sender::{Sender, Style};

/// Waits for senders on a port of its own on 127.0.0.1.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
}

impl Listener {
    /// Takes a free port.
    pub fn bind() -> Result<Self, WebSocketError> {
        let socket = TcpListener::bind(("127.0.0.1", 0)).map_err(WebSocketError::Io)?;
        Ok(Self { socket })
    }

    /// Where to connect to.
    pub fn address(&self) -> Result<SocketAddr, WebSocketError> {
        self.socket.local_addr().map_err(WebSocketError::Io)
    }

    /// Waits for the next sender and its handshake.
    pub fn accept(&self, masks: Masks) -> Result<Receiver<TcpStream>, WebSocketError> {
        let (stream, _) = self.socket.accept().map_err(WebSocketError::Io)?;
        stream.set_nodelay(true).map_err(WebSocketError::Io)?;
        let opened = tungstenite::accept(stream).map_err(|error| WebSocketError::handshake(&error))?;
        Ok(Receiver::new(opened.into_inner(), masks))
    }
}

impl Sender<TcpStream> {
    /// Connects to a [`Listener`] (or any WebSocket server that does not speak first) and does the handshake.
    pub fn connect(address: impl ToSocketAddrs, style: Style) -> Result<Self, WebSocketError> {
        let stream = TcpStream::connect(address).map_err(WebSocketError::Io)?;
        stream.set_nodelay(true).map_err(WebSocketError::Io)?;
        let url = format!("ws://{}/", stream.peer_addr().map_err(WebSocketError::Io)?);
        let opened = tungstenite::client(url, stream).map_err(|error| WebSocketError::handshake(&error))?;
        Ok(Sender::new(opened.0.into_inner(), style))
    }
}

/// Why a WebSocket ended or never started.
#[derive(Debug)]
pub enum WebSocketError {
    /// The opening handshake failed.
    Handshake {
        /// In the words of the handshake library.
        reason: String,
    },
    /// The peer broke the protocol.
    Protocol {
        /// What it did.
        what: &'static str,
    },
    /// The peer sent text; media is binary.
    Text,
    /// A message larger than the receiver accepts.
    TooLarge {
        /// The most bytes accepted.
        limit: u64,
        /// Bytes of the message so far, the frame announced included.
        found: u64,
    },
    /// The connection ended without a closing handshake.
    Cut,
    /// Sending or receiving failed.
    Io(io::Error),
}

impl WebSocketError {
    fn handshake(error: &impl fmt::Display) -> Self {
        Self::Handshake { reason: error.to_string() }
    }
}

impl fmt::Display for WebSocketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Handshake { reason } => write!(f, "the WebSocket handshake failed: {reason}"),
            Self::Protocol { what } => write!(f, "the peer broke the WebSocket protocol: {what}"),
            Self::Text => write!(f, "a text message where binary ones are expected"),
            Self::TooLarge { limit, found } => {
                write!(f, "a WebSocket message of {found} bytes or more; at most {limit} are accepted")
            }
            Self::Cut => write!(f, "the WebSocket connection ended without being closed"),
            Self::Io(error) => write!(f, "WebSocket: {error}"),
        }
    }
}

impl std::error::Error for WebSocketError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
