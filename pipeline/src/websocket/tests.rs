use std::io::{Cursor, Read, Write};
use std::thread;
use std::time::Duration;

use tungstenite::Message;

use super::*;

/// Sizes around every border of the framing, and a 1080p picture; with the frames Chromium makes of each.
const SIZES: [(usize, u64); 11] = [
    (0, 1),
    (1, 1),
    (125, 1),
    (126, 1),
    (65_535, 1),
    (65_536, 1),
    (65_537, 1),
    (131_000, 1),
    (131_001, 2),
    (262_001, 3),
    (3_110_400, 24),
];

fn message(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at * 31 + at / 251 + size) as u8).collect()
}

/// Cuts a message into parts, some of them empty.
fn parts(message: &[u8]) -> Vec<&[u8]> {
    let (first, rest) = message.split_at(message.len() / 3);
    let (second, third) = rest.split_at(rest.len().min(7));
    vec![&[], first, &[], second, third, &[]]
}

/// Waits for the next sender; a receiver that waits in vain gives up after a minute.
fn accept(listener: &Listener, masks: Masks) -> Receiver<TcpStream> {
    let receiver = listener.accept(masks).unwrap();
    receiver.stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    receiver
}

/// Connects; a sender that waits in vain while it closes gives up after a minute.
fn connect(address: SocketAddr, style: Style) -> Sender<TcpStream> {
    let sender = Sender::connect(address, style).unwrap();
    sender.stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    sender
}

/// A stream whose input is given and comes in small reads, and whose output is kept.
struct Script {
    input: Cursor<Vec<u8>>,
    most: usize,
    output: Vec<u8>,
}

impl Read for Script {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(self.most);
        self.input.read(&mut buffer[..most])
    }

    fn read_vectored(&mut self, buffers: &mut [io::IoSliceMut<'_>]) -> io::Result<usize> {
        let mut left = self.most;
        for buffer in buffers {
            let most = buffer.len().min(left);
            left -= self.input.read(&mut buffer[..most])?;
        }
        Ok(self.most - left)
    }
}

impl Write for Script {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.output.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn receiver(input: Vec<u8>, most: usize, masks: Masks) -> Receiver<Script> {
    Receiver::new(Script { input: Cursor::new(input), most, output: Vec::new() }, masks)
}

/// A frame as the protocol writes it down, masked with the key 1 2 3 4 unless `plain`.
fn frame(first: u8, content: &[u8], plain: bool) -> Vec<u8> {
    assert!(content.len() < 126);
    let masked = content.iter().zip([1, 2, 3, 4].iter().cycle()).map(|(byte, key)| byte ^ key);
    if plain {
        return [&[first, content.len() as u8], content].concat();
    }
    [vec![first, 0x80 | content.len() as u8, 1, 2, 3, 4], masked.collect()].concat()
}

#[test]
fn messages_of_every_size_arrive_whole_in_the_expected_frames() {
    for style in [Style::Chromium, Style::Unmasked] {
        let listener = Listener::bind().unwrap();
        let address = listener.address().unwrap();
        let sending = thread::spawn(move || {
            let mut sender = connect(address, style);
            for (size, frames) in SIZES {
                let before = sender.frames();
                sender.send(&parts(&message(size))).unwrap();
                let expected = if style == Style::Chromium { frames } else { 1 };
                assert_eq!(sender.frames() - before, expected, "{size} bytes, {style:?}");
            }
            sender.close().unwrap();
        });
        let mut receiver = accept(&listener, Masks::Optional);
        for (size, frames) in SIZES {
            let before = receiver.frames();
            assert!(receiver.recv().unwrap() == Some(&message(size)), "{size} bytes, {style:?}");
            let expected = if style == Style::Chromium { frames } else { 1 };
            assert_eq!(receiver.frames() - before, expected, "{size} bytes, {style:?}");
        }
        assert_eq!(receiver.recv().unwrap(), None);
        sending.join().unwrap();
    }
}

/// One frame off the wire: first byte, mask, masked content.
type Sniffed = (u8, Option<[u8; 4]>, Vec<u8>);

/// Takes the bytes of a connection apart, by the letter of RFC 6455, section 5.2.
fn sniff(mut bytes: &[u8]) -> Vec<Sniffed> {
    fn take<'a>(bytes: &mut &'a [u8], size: usize) -> &'a [u8] {
        let (taken, rest) = bytes.split_at(size);
        *bytes = rest;
        taken
    }
    let mut frames = Vec::new();
    while !bytes.is_empty() {
        let [first, second] = *take(&mut bytes, 2) else { unreachable!() };
        let length = match second & 0x7F {
            126 => take(&mut bytes, 2).iter().fold(0, |length, &byte| length << 8 | usize::from(byte)),
            127 => take(&mut bytes, 8).iter().fold(0, |length, &byte| length << 8 | usize::from(byte)),
            length => usize::from(length),
        };
        let mask = (second & 0x80 != 0).then(|| take(&mut bytes, 4).try_into().unwrap());
        frames.push((first, mask, take(&mut bytes, length).to_vec()));
    }
    frames
}

/// All bytes that a sender puts on the wire after the handshake.
fn on_the_wire(style: Style, sizes: &[usize]) -> Vec<u8> {
    let socket = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = socket.local_addr().unwrap();
    let listening = thread::spawn(move || {
        let mut stream = tungstenite::accept(socket.accept().unwrap().0).unwrap().into_inner();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        bytes
    });
    let mut sender = connect(address, style);
    sizes.iter().for_each(|&size| sender.send(&[&message(size)]).unwrap());
    drop(sender);
    listening.join().unwrap()
}

#[test]
fn the_wire_shows_chromiums_fragments_each_masked_with_a_fresh_key() {
    let frames = sniff(&on_the_wire(Style::Chromium, &[65_536, 3_110_400]));
    assert_eq!(frames.len(), 1 + 24);
    assert_eq!((frames[0].0, frames[0].2.len()), (0x82, 65_536));
    let lengths: Vec<usize> = frames[1..].iter().map(|frame| frame.2.len()).collect();
    assert_eq!(lengths, [vec![131_000; 23], vec![97_400]].concat());
    let firsts: Vec<u8> = frames[1..].iter().map(|frame| frame.0).collect();
    assert_eq!(firsts, [vec![0x02], vec![0x00; 22], vec![0x80]].concat());

    let mut keys: Vec<[u8; 4]> = frames.iter().map(|frame| frame.1.expect("masked")).collect();
    let mut content = Vec::new();
    for (_, key, masked) in &frames {
        let key = key.unwrap();
        assert_ne!(key, [0; 4]);
        content.extend(masked.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    }
    assert!(content == [message(65_536), message(3_110_400)].concat());
    keys.sort_unstable();
    keys.dedup();
    // 25 random keys of 32 bits: two alike once in fourteen million runs, three alike practically never.
    assert!(keys.len() >= 24, "fresh keys");
}

#[test]
fn the_wire_shows_one_plain_frame_per_message_without_masks() {
    let frames = sniff(&on_the_wire(Style::Unmasked, &[0, 3_110_400]));
    assert_eq!(frames.len(), 2);
    assert_eq!(frames[0], (0x82, None, Vec::new()));
    assert!(frames[1] == (0x82, None, message(3_110_400)));
}

#[test]
fn a_server_of_another_make_understands_the_sender() {
    let socket = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = socket.local_addr().unwrap();
    let serving = thread::spawn(move || {
        let stream = socket.accept().unwrap().0;
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut server = tungstenite::accept(stream).unwrap();
        // Something for the sender to read over while it closes.
        server.send(Message::Ping(vec![7; 100].into())).unwrap();
        for (size, _) in SIZES {
            let received = server.read().unwrap();
            assert!(received == Message::Binary(message(size).into()), "{size} bytes");
        }
        assert!(server.read().unwrap().is_close());
        assert!(matches!(server.read(), Err(tungstenite::Error::ConnectionClosed)));
    });
    let mut sender = connect(address, Style::Chromium);
    SIZES.iter().for_each(|&(size, _)| sender.send(&parts(&message(size))).unwrap());
    sender.close().unwrap();
    serving.join().unwrap();
}

#[test]
fn the_receiver_understands_a_client_of_another_make() {
    let listener = Listener::bind().unwrap();
    let address = listener.address().unwrap();
    let sending = thread::spawn(move || {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut client = tungstenite::client(format!("ws://{address}/"), stream).unwrap().0;
        for (size, _) in SIZES {
            client.send(Message::Binary(message(size).into())).unwrap();
            client.send(Message::Ping(message(size.min(125)).into())).unwrap();
            assert_eq!(client.read().unwrap(), Message::Pong(message(size.min(125)).into()));
        }
        client.close(None).unwrap();
        assert!(client.read().unwrap().is_close());
    });
    let mut receiver = accept(&listener, Masks::Required);
    for (size, _) in SIZES {
        assert!(receiver.recv().unwrap() == Some(&message(size)), "{size} bytes");
    }
    assert_eq!(receiver.recv().unwrap(), None);
    sending.join().unwrap();
}

#[test]
fn reads_of_any_size_and_control_frames_between_fragments_make_no_difference() {
    let input = [
        frame(0x02, b"one ", false),
        frame(0x89, b"ping", false),
        frame(0x00, b"", false),
        frame(0x8A, b"unasked", false),
        frame(0x80, b"message", false),
        frame(0x82, b"", false),
        frame(0x82, &[9; 125], true),
        frame(0x88, &[0x03, 0xE8], false),
    ]
    .concat();
    for most in 1..input.len() {
        let mut receiver = receiver(input.clone(), most, Masks::Optional);
        assert_eq!(receiver.recv().unwrap(), Some(&b"one message"[..]), "reads of {most}");
        assert_eq!(receiver.recv().unwrap(), Some(&b""[..]));
        assert_eq!(receiver.recv().unwrap(), Some(&[9; 125][..]));
        assert_eq!(receiver.recv().unwrap(), None);
        assert_eq!(receiver.stream.output, b"\x8A\x04ping\x88\x02\x03\xE8");
    }
}

#[test]
fn large_messages_in_reads_of_any_size_are_unmasked_in_phase() {
    let mut sent = Sender::new(Vec::new(), Style::Chromium);
    sent.send(&[&message(200_000)]).unwrap();
    sent.send(&[&message(300_001)]).unwrap();
    for most in [1_021, 16_384, 131_013, usize::MAX] {
        let mut receiver = receiver(sent.stream.clone(), most, Masks::Required);
        assert!(receiver.recv().unwrap() == Some(&message(200_000)), "reads of {most}");
        assert!(receiver.recv().unwrap() == Some(&message(300_001)), "reads of {most}");
    }
}

#[test]
fn a_frame_above_the_growth_step_arrives_whole() {
    let mut sent = Sender::new(Vec::new(), Style::Unmasked);
    sent.send(&[&message(17 << 20)]).unwrap();
    let mut receiver = receiver(sent.stream, usize::MAX, Masks::Optional);
    assert!(receiver.recv().unwrap() == Some(&message(17 << 20)));
}

#[test]
fn a_cut_connection_is_no_close() {
    let input = [frame(0x02, b"one ", false), frame(0x80, b"message", false)].concat();
    for cut in 0..input.len() {
        let mut receiver = receiver(input[..cut].to_vec(), usize::MAX, Masks::Required);
        assert!(matches!(receiver.recv(), Err(WebSocketError::Cut)), "cut at {cut}");
    }
}

#[test]
fn violations_are_refused() {
    let refused = |input: Vec<u8>| receiver(input, usize::MAX, Masks::Required).recv().unwrap_err();
    let broken = |input| matches!(refused(input), WebSocketError::Protocol { .. });
    assert!(broken(frame(0x82, b"plain", true)));
    assert!(broken(frame(0x80, b"fragment", false)));
    assert!(broken([frame(0x02, b"a", false), frame(0x82, b"b", false)].concat()));
    assert!(broken(frame(0xC2, b"compressed", false)));
    assert!(broken(frame(0x83, b"unknown", false)));
    assert!(broken(frame(0x09, b"half a ping", false)));
    assert!(matches!(refused(frame(0x81, b"text", false)), WebSocketError::Text));
}

#[test]
fn announcing_much_reserves_little_and_too_much_is_refused() {
    let mut announced = vec![0x82, 0xFF];
    announced.extend(u64::MAX.to_be_bytes());
    announced.extend([0; 4]);
    let mut endless = receiver(announced.clone(), usize::MAX, Masks::Required);
    assert!(matches!(endless.recv(), Err(WebSocketError::TooLarge { found: u64::MAX, .. })));

    announced[2..10].copy_from_slice(&(100u64 << 20).to_be_bytes());
    let mut large = receiver(announced, usize::MAX, Masks::Required);
    assert!(matches!(large.recv(), Err(WebSocketError::Cut)));
    assert!(large.message.capacity() <= 16 << 20);

    let input = [frame(0x02, &[1; 60], false), frame(0x80, &[1; 60], false)].concat();
    let mut small = receiver(input, usize::MAX, Masks::Required);
    small.set_limit(119);
    assert!(matches!(small.recv(), Err(WebSocketError::TooLarge { limit: 119, found: 120 })));
}

#[test]
fn a_server_that_is_none_is_refused() {
    let socket = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = socket.local_addr().unwrap();
    let serving = thread::spawn(move || {
        let mut stream = socket.accept().unwrap().0;
        let mut request = [0; 1024];
        assert!(stream.read(&mut request).unwrap() > 0);
        stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").unwrap();
    });
    let error = Sender::connect(address, Style::Chromium).unwrap_err();
    assert!(matches!(error, WebSocketError::Handshake { .. }), "{error}");
    serving.join().unwrap();
}
