//! The server's side: frames become messages.

use std::io::{self, IoSliceMut, Read, Write};

use super::frame::{self, Head, Opcode, MAX_CONTROL, MAX_HEAD};
use super::pieces::UnderWay;
use super::WebSocketError;

/// Room for what comes after the frame being read: heads, small messages, the start of large ones. What lands here
/// is copied once more, so it is small against a fragment.
const STASH: usize = 16 * 1024;
/// The largest message accepted, unless said otherwise: an 8K picture in 4:4:4 fits.
const MAX_MESSAGE: u64 = 128 << 20;
/// Growing by at most this much before the bytes are there keeps a peer from reserving memory by announcing it.
const GROWTH: usize = 8 << 20;

/// Whether frames must be masked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Masks {
    /// Unmasked frames break the protocol.
    Required,
    /// Unmasked frames are taken, too; for [`Style::Unmasked`](super::Style::Unmasked).
    Optional,
}

/// Receives binary messages; answers pings and closes by itself.
#[derive(Debug)]
pub struct Receiver<S> {
    pub(super) stream: S,
    pub(super) masks: Masks,
    pub(super) limit: u64,
    /// Bytes that came but belong to no frame yet: `stash[start..end]`.
    pub(super) stash: Box<[u8]>,
    pub(super) start: usize,
    pub(super) end: usize,
    /// The message under way is `message[..filled]`; what is behind is initialised but stale.
    pub(super) message: Vec<u8>,
    filled: usize,
    pub(super) frames: u64,
    pub(super) under_way: UnderWay,
}

impl<S: Read + Write> Receiver<S> {
    /// A receiver over a stream whose handshake is done.
    pub fn new(stream: S, masks: Masks) -> Self {
        Self::with_stash(stream, masks, STASH)
    }

    /// The same, which reads up to `bytes` at once: for messages that are taken in [pieces](Self::fill).
    pub fn with_stash(stream: S, masks: Masks, bytes: usize) -> Self {
        let stash = vec![0; bytes.max(STASH)].into_boxed_slice();
        Self {
            stream,
            masks,
            limit: MAX_MESSAGE,
            stash,
            start: 0,
            end: 0,
            message: Vec::new(),
            filled: 0,
            frames: 0,
            under_way: UnderWay::default(),
        }
    }

    /// Accepts messages up to `limit` bytes; 128 MiB before this.
    pub fn set_limit(&mut self, limit: u64) {
        self.limit = limit;
    }

    /// Frames of messages received so far.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Waits for the next message, which stays valid until the next call; `None` after a proper close.
    pub fn recv(&mut self) -> Result<Option<&[u8]>, WebSocketError> {
        self.filled = 0;
        let mut started = false;
        loop {
            let head = self.read_head()?;
            match (head.opcode, started) {
                (Opcode::Close, _) => {
                    self.answer(head, Opcode::Close)?;
                    return Ok(None);
                }
                (Opcode::Ping, _) => self.answer(head, Opcode::Pong)?,
                (Opcode::Pong, _) => self.read_control(head).map(drop)?,
                (Opcode::Text, _) => return Err(WebSocketError::Text),
                (Opcode::Binary, true) => return broken("a message starts within another one"),
                (Opcode::Continuation, false) => return broken("a fragment of no message"),
                (Opcode::Binary | Opcode::Continuation, _) => {
                    started = true;
                    self.read_content(head)?;
                    self.frames += 1;
                    if head.last {
                        return Ok(Some(&self.message[..self.filled]));
                    }
                }
            }
        }
    }

    /// Reads over everything up to the peer's Close, or to the end of the stream.
    pub(super) fn recv_close(&mut self) -> Result<(), WebSocketError> {
        loop {
            match self.recv() {
                Ok(Some(_)) => {}
                Ok(None) | Err(WebSocketError::Cut) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    fn read_head(&mut self) -> Result<Head, WebSocketError> {
        loop {
            let stashed = &self.stash[self.start..self.end];
            match Head::read(stashed).map_err(|what| WebSocketError::Protocol { what })? {
                Some((head, _)) if head.mask.is_none() && self.masks == Masks::Required => {
                    return broken("an unmasked frame from a client");
                }
                Some((head, size)) => {
                    self.start += size;
                    return Ok(head);
                }
                None => self.fill_stash()?,
            }
        }
    }

    /// Appends the content of a frame to the message, unmasked.
    fn read_content(&mut self, head: Head) -> Result<(), WebSocketError> {
        let found = (self.filled as u64).saturating_add(head.length);
        if found > self.limit {
            return Err(WebSocketError::TooLarge { limit: self.limit, found });
        }
        let mut left = usize::try_from(head.length)
            .map_err(|_| WebSocketError::TooLarge { limit: self.limit, found })?;
        let mut phase = 0;
        while left > 0 {
            let step = left.min(GROWTH);
            if self.message.len() < self.filled + step {
                self.message.resize(self.filled + step, 0);
            }
            let got = if self.start < self.end { self.take_stashed(step) } else { self.read_on(step)? };
            if let Some(key) = head.mask {
                frame::mask(&mut self.message[self.filled..self.filled + got], key, phase);
            }
            self.filled += got;
            left -= got;
            phase += got;
        }
        Ok(())
    }

    /// Moves up to `wanted` stashed bytes to the end of the message.
    fn take_stashed(&mut self, wanted: usize) -> usize {
        let got = wanted.min(self.end - self.start);
        let stashed = &self.stash[self.start..self.start + got];
        self.message[self.filled..self.filled + got].copy_from_slice(stashed);
        self.start += got;
        got
    }

    /// Reads up to `wanted` bytes straight to the end of the message, and what comes after them into the stash,
    /// which is empty.
    fn read_on(&mut self, wanted: usize) -> Result<usize, WebSocketError> {
        let message = IoSliceMut::new(&mut self.message[self.filled..self.filled + wanted]);
        let mut buffers = [message, IoSliceMut::new(&mut self.stash)];
        let got = uncut(|| self.stream.read_vectored(&mut buffers))?;
        (self.start, self.end) = (0, got.saturating_sub(wanted));
        Ok(got.min(wanted))
    }

    /// Reads more into the stash, which has no complete head (or control frame) yet.
    pub(super) fn fill_stash(&mut self) -> Result<(), WebSocketError> {
        self.stash.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        self.end += uncut(|| self.stream.read(&mut self.stash[self.end..]))?;
        Ok(())
    }

    /// The content of a control frame, unmasked.
    fn read_control(&mut self, head: Head) -> Result<Vec<u8>, WebSocketError> {
        let size = head.length as usize;
        while self.end - self.start < size {
            self.fill_stash()?;
        }
        let mut content = self.stash[self.start..self.start + size].to_vec();
        self.start += size;
        if let Some(key) = head.mask {
            frame::mask(&mut content, key, 0);
        }
        Ok(content)
    }

    /// Sends the content of a control frame back.
    pub(super) fn answer(&mut self, head: Head, opcode: Opcode) -> Result<(), WebSocketError> {
        let content = self.read_control(head)?;
        let mut bytes = [0; MAX_HEAD];
        let size = Head { last: true, opcode, mask: None, length: content.len() as u64 }.write(&mut bytes);
        let answer = [&bytes[..size], &content].concat();
        debug_assert!(content.len() as u64 <= MAX_CONTROL);
        match self.stream.write_all(&answer) {
            // A peer that closes need not wait for the answer.
            Err(error) if opcode != Opcode::Close => Err(WebSocketError::Io(error)),
            _ => Ok(()),
        }
    }
}

pub(super) fn broken<T>(what: &'static str) -> Result<T, WebSocketError> {
    Err(WebSocketError::Protocol { what })
}

/// Reads something; the end of the stream is an error here.
fn uncut(mut read: impl FnMut() -> io::Result<usize>) -> Result<usize, WebSocketError> {
    loop {
        match read() {
            Ok(0) => return Err(WebSocketError::Cut),
            Ok(got) => return Ok(got),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(WebSocketError::Io(error)),
        }
    }
}
