//! The server's side, for messages that are not to lie in memory as a whole: their content in pieces, as it comes.
//!
//! Works on streams with a read timeout, too: whatever was read of a frame waits for the rest.

use std::io::{ErrorKind, Read, Write};

use super::frame::{mask, Head, Opcode, MAX_CONTROL, MAX_HEAD};
use super::receiver::broken;
use super::{Masks, Receiver, WebSocketError};

/// What a receiver has.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Content of a message.
    Content {
        /// Unmasked.
        bytes: &'a [u8],
        /// Whether the message ends behind them.
        last: bool,
    },
    /// Nothing came for as long as the stream waits.
    Nothing,
    /// The peer has closed the connection, and been answered.
    Closed,
}

/// How far the present message is.
#[derive(Debug, Default)]
pub(super) struct UnderWay {
    /// The frame whose content is being taken, and how much of it is left.
    frame: Option<(Head, usize)>,
    /// Bytes at the start of the stash that are the frame's, unmasked.
    ready: usize,
    in_message: bool,
    /// Bytes of the message, those of its present frame included.
    size: u64,
}

impl<S: Read + Write> Receiver<S> {
    /// What is there of the present message, or the next one. It comes again until it is [consumed](Self::consume).
    ///
    /// Not to be mixed with [`recv`](Self::recv).
    pub fn fill(&mut self) -> Result<Piece<'_>, WebSocketError> {
        match self.fill_or_wait() {
            Ok(true) => {
                let ready = self.under_way.ready;
                let last = self.under_way.frame.is_some_and(|(head, left)| head.last && left == ready);
                Ok(Piece::Content { bytes: &self.stash[self.start..self.start + ready], last })
            }
            Ok(false) => Ok(Piece::Closed),
            Err(WebSocketError::Io(why))
                if matches!(why.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
            {
                Ok(Piece::Nothing)
            }
            Err(why) => Err(why),
        }
    }

    /// The first `count` bytes of what [`fill`](Self::fill) has returned were taken; 0 where it was empty.
    pub fn consume(&mut self, count: usize) {
        let count = count.min(self.under_way.ready);
        self.start += count;
        self.under_way.ready -= count;
        let Some((head, left)) = &mut self.under_way.frame else { return };
        *left -= count;
        if *left == 0 {
            self.under_way.in_message = !head.last;
            self.under_way.frame = None;
        }
    }

    /// Sends a binary message to the client.
    pub fn reply(&mut self, content: &[u8]) -> Result<(), WebSocketError> {
        self.write_frame(Opcode::Binary, content)
    }

    /// Says that the connection ends, and why: one of the protocol's codes, and words, of which 123 bytes go through. What
    /// the client has sent by then is still to be read if it is to hear that.
    pub fn close(&mut self, code: u16, why: &str) -> Result<(), WebSocketError> {
        let mut end = why.len().min(MAX_CONTROL as usize - 2);
        while !why.is_char_boundary(end) {
            end -= 1;
        }
        self.write_frame(Opcode::Close, &[&code.to_be_bytes(), &why.as_bytes()[..end]].concat())
    }

    /// The stream below.
    pub fn stream(&self) -> &S {
        &self.stream
    }

    fn write_frame(&mut self, opcode: Opcode, content: &[u8]) -> Result<(), WebSocketError> {
        let mut bytes = [0; MAX_HEAD];
        let size = Head { last: true, opcode, mask: None, length: content.len() as u64 }.write(&mut bytes);
        self.stream.write_all(&[&bytes[..size], content].concat()).map_err(WebSocketError::Io)
    }

    /// Goes on until there is something ready, or an empty end; false if the peer has closed.
    fn fill_or_wait(&mut self) -> Result<bool, WebSocketError> {
        loop {
            match self.under_way.frame {
                Some(_) if self.under_way.ready > 0 => return Ok(true),
                Some((head, 0)) if head.last => return Ok(true),
                Some((_, 0)) => self.under_way.frame = None,
                Some((head, left)) => {
                    if self.start == self.end {
                        self.fill_stash()?;
                    }
                    let ready = left.min(self.end - self.start);
                    if let Some(key) = head.mask {
                        // What a frame of a 64-bit length has behind it does not matter to the phase.
                        let phase = (head.length as usize).wrapping_sub(left);
                        mask(&mut self.stash[self.start..self.start + ready], key, phase % 4);
                    }
                    self.under_way.ready = ready;
                }
                None => {
                    if !self.open_frame()? {
                        return Ok(false);
                    }
                }
            }
        }
    }

    /// Takes the next head, and answers what is no content; false if that is the peer's end.
    fn open_frame(&mut self) -> Result<bool, WebSocketError> {
        let (head, size) = loop {
            let stashed = &self.stash[self.start..self.end];
            match Head::read(stashed).map_err(|what| WebSocketError::Protocol { what })? {
                // A control frame is taken as a whole, so that nothing is lost if the rest is late.
                Some((head, size))
                    if !head.opcode.is_control() || stashed.len() >= size + head.length as usize =>
                {
                    break (head, size);
                }
                _ => {}
            }
            self.fill_stash()?;
        };
        if head.mask.is_none() && self.masks == Masks::Required {
            return broken("an unmasked frame from a client");
        }
        self.start += size;
        let in_message = self.under_way.in_message;
        match (head.opcode, in_message) {
            (Opcode::Close, _) => return self.answer(head, Opcode::Close).map(|()| false),
            (Opcode::Ping, _) => return self.answer(head, Opcode::Pong).map(|()| true),
            (Opcode::Pong, _) => {
                self.start += head.length as usize;
                return Ok(true);
            }
            (Opcode::Text, _) => return Err(WebSocketError::Text),
            (Opcode::Binary, true) => return broken("a message starts within another one"),
            (Opcode::Continuation, false) => return broken("a fragment of no message"),
            (Opcode::Binary | Opcode::Continuation, _) => {}
        }
        let before = if in_message { self.under_way.size } else { 0 };
        let found = before.saturating_add(head.length);
        let left = usize::try_from(head.length).ok().filter(|_| found <= self.limit);
        let left = left.ok_or(WebSocketError::TooLarge { limit: self.limit, found })?;
        self.under_way = UnderWay { frame: Some((head, left)), ready: 0, in_message: true, size: found };
        self.frames += 1;
        Ok(true)
    }
}
