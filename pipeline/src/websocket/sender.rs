//! The client's side: messages become frames.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io::{self, IoSlice, Read, Write};

use super::frame::{self, Head, Opcode, MAX_HEAD};
use super::{Masks, Receiver, WebSocketError};

/// The most content that Chromium puts into a frame. (It hands messages up to 65,536 bytes down in one piece and
/// larger ones in pieces of this size, which comes to the same frames.)
const FRAGMENT: usize = 131_000;

/// How messages are framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Masked, in fragments of up to 131,000 bytes.
    Chromium,
    /// One unmasked frame per message. No client may send this; it shows what masks and fragments cost.
    Unmasked,
}

/// Sends binary messages.
#[derive(Debug)]
pub struct Sender<S> {
    pub(super) stream: S,
    style: Style,
    keys: Keys,
    /// One masked frame with its head.
    buffer: Vec<u8>,
    frames: u64,
}

impl<S: Write> Sender<S> {
    /// A sender over a stream whose handshake is done.
    pub fn new(stream: S, style: Style) -> Self {
        Self { stream, style, keys: Keys::new(), buffer: vec![0; MAX_HEAD + FRAGMENT], frames: 0 }
    }

    /// Frames sent so far.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Sends the concatenation of `parts` as one message and returns when the kernel has taken it.
    pub fn send(&mut self, parts: &[&[u8]]) -> Result<(), WebSocketError> {
        let length = parts.iter().map(|part| part.len()).sum();
        match self.style {
            Style::Chromium => self.send_masked(parts, length),
            Style::Unmasked => self.send_plain(parts, length),
        }
        .map_err(WebSocketError::Io)
    }

    fn send_masked(&mut self, parts: &[&[u8]], length: usize) -> io::Result<()> {
        let mut source = Source { parts, done: 0 };
        let mut opcode = Opcode::Binary;
        let mut left = length;
        loop {
            let size = left.min(FRAGMENT);
            left -= size;
            let key = self.keys.next();
            let head = Head { last: left == 0, opcode, mask: Some(key), length: size as u64 };
            let mut head_bytes = [0; MAX_HEAD];
            let head_size = head.write(&mut head_bytes);
            let (head, content) = self.buffer[..head_size + size].split_at_mut(head_size);
            head.copy_from_slice(&head_bytes[..head_size]);
            source.copy_masked(content, key);
            self.stream.write_all(&self.buffer[..head_size + size])?;
            self.frames += 1;
            opcode = Opcode::Continuation;
            if left == 0 {
                return Ok(());
            }
        }
    }

    fn send_plain(&mut self, parts: &[&[u8]], length: usize) -> io::Result<()> {
        let mut head = [0; MAX_HEAD];
        let whole = Head { last: true, opcode: Opcode::Binary, mask: None, length: length as u64 };
        let head_size = whole.write(&mut head);
        let head = [IoSlice::new(&head[..head_size])];
        let mut slices: Vec<IoSlice<'_>> =
            head.into_iter().chain(parts.iter().map(|part| IoSlice::new(part))).collect();
        write_all_vectored(&mut self.stream, &mut slices)?;
        self.frames += 1;
        Ok(())
    }
}

impl<S: Read + Write> Sender<S> {
    /// Closes the connection and waits for the answer: the receiver has then taken everything.
    pub fn close(mut self) -> Result<(), WebSocketError> {
        let mask = (self.style == Style::Chromium).then(|| self.keys.next());
        let mut head = [0; MAX_HEAD];
        let size = Head { last: true, opcode: Opcode::Close, mask, length: 0 }.write(&mut head);
        self.stream.write_all(&head[..size]).map_err(WebSocketError::Io)?;
        // Whatever the receiver sent, pongs above all, comes before its own Close.
        Receiver::new(Answers(self.stream), Masks::Optional).recv_close()
    }
}

/// The receiver's frames, read but never answered.
struct Answers<S>(S);

impl<S: Read> Read for Answers<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl<S> Write for Answers<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A message in parts, taken piece by piece.
struct Source<'a> {
    parts: &'a [&'a [u8]],
    /// Bytes taken of the first part.
    done: usize,
}

impl Source<'_> {
    /// Fills the content of one frame.
    fn copy_masked(&mut self, content: &mut [u8], key: [u8; 4]) {
        let mut filled = 0;
        while let ([part, others @ ..], true) = (self.parts, filled < content.len()) {
            let size = (part.len() - self.done).min(content.len() - filled);
            let from = &part[self.done..self.done + size];
            frame::mask_copy(&mut content[filled..filled + size], from, key, filled);
            filled += size;
            self.done += size;
            if self.done == part.len() {
                (self.parts, self.done) = (others, 0);
            }
        }
    }
}

fn write_all_vectored(stream: &mut impl Write, mut slices: &mut [IoSlice<'_>]) -> io::Result<()> {
    // Drops empty slices at the start, after which nothing written means that nothing can be.
    IoSlice::advance_slices(&mut slices, 0);
    while !slices.is_empty() {
        match stream.write_vectored(slices) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut slices, written),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Masking keys: different for every frame and connection. On loopback there is nobody to guess them, so a small
/// generator (splitmix64) does, seeded from the randomness of the standard library's hash maps.
#[derive(Debug)]
struct Keys {
    state: u64,
}

impl Keys {
    fn new() -> Self {
        Self { state: RandomState::new().hash_one(0) }
    }

    fn next(&mut self) -> [u8; 4] {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.state ^ self.state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ mixed >> 31) as u32).to_ne_bytes()
    }
}
