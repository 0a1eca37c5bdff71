//! The WebSocket bridge, with a client of another make: bytes, numbers, clocks, back-pressure, and what breaks the rules.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::TcpStream;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use frame_ring::{
    mono_ns, Body, Consumer, Demand, Descriptor, Flags, FourCc, Frame, Producer, RingBuilder, TrackKind,
    TrackSource, VideoFormat,
};
use frame_ring_pipeline::bridge::{Bridge, BridgeEvent, BridgeOptions};
use tungstenite::client::IntoClientRequest;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::{Message, WebSocket};

const LONG: Duration = Duration::from_secs(20);
const RECORD: usize = 256;
/// What the page's clock is ahead of ours.
const AHEAD: u64 = 5_000_000_000;

struct Scene {
    ring: Consumer,
    bridge: Bridge,
    events: RefCell<VecDeque<BridgeEvent>>,
}

impl Scene {
    fn new(options: BridgeOptions, ring: RingBuilder) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let socket = std::env::temp_dir().join(format!("frame-ring-bridge-{}-{count}", std::process::id()));
        let mut ring = ring.build().unwrap();
        ring.listen(&socket).unwrap();
        let bridge = Bridge::bind(options, move |label| Producer::connect(&socket, label)).unwrap();
        Self { ring, bridge, events: RefCell::default() }
    }

    fn frame(&mut self) -> Frame {
        self.ring.recv_timeout(LONG).unwrap().expect("a frame")
    }

    fn event(&self) -> BridgeEvent {
        let start = Instant::now();
        loop {
            let mut events = self.events.borrow_mut();
            events.extend(self.bridge.take_events());
            if let Some(event) = events.pop_front() {
                return event;
            }
            assert!(start.elapsed() < LONG, "waited in vain for an event");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// A page that has its first credit.
    fn page(&self) -> Page {
        Page::connect(&self.bridge.url()).unwrap()
    }
}

struct Page {
    socket: WebSocket<TcpStream>,
    window: u32,
    taken: u64,
    sent: u64,
}

impl Page {
    fn connect(url: &str) -> Result<Self, String> {
        let mut request = url.into_client_request().unwrap();
        let headers = request.headers_mut();
        headers.insert("Sec-WebSocket-Protocol", "frame-ring.v1".parse().unwrap());
        headers.insert("Origin", "https://meet.example".parse().unwrap());
        let address = url.strip_prefix("ws://").unwrap().split('/').next().unwrap();
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        let (socket, answer) = tungstenite::client(request, stream).map_err(|why| why.to_string())?;
        assert_eq!(answer.headers()["Sec-WebSocket-Protocol"], "frame-ring.v1");
        let mut page = Self { socket, window: 0, taken: 0, sent: 0 };
        assert!(page.hear().is_none() && page.taken == 0, "the first message is a credit");
        Ok(page)
    }

    /// Takes the next message: a credit is noted, a demand returned.
    fn hear(&mut self) -> Option<Vec<u8>> {
        match self.socket.read().unwrap() {
            Message::Binary(bytes) if bytes[..4] == 1u32.to_le_bytes() => {
                assert_eq!(bytes.len(), 16);
                self.window = u32::from_le_bytes(bytes[4..8].try_into().unwrap());
                self.taken = u64::from_le_bytes(bytes[8..].try_into().unwrap());
                None
            }
            Message::Binary(bytes) => Some(bytes.to_vec()),
            other => panic!("{other:?}"),
        }
    }

    fn send(&mut self, entry: Vec<u8>) {
        self.sent += entry.len().next_multiple_of(64) as u64;
        self.socket.send(Message::Binary(entry.into())).unwrap();
    }

    /// Waits until everything is credited.
    fn settle(&mut self) {
        while self.taken < self.sent {
            assert!(self.hear().is_none());
        }
        assert_eq!(self.taken, self.sent);
    }

    /// What the bridge says while it closes.
    fn last_words(&mut self) -> (u16, String) {
        loop {
            match self.socket.read() {
                Ok(Message::Close(Some(frame))) => {
                    return (CloseCode::into(frame.code), frame.reason.to_string());
                }
                Ok(Message::Binary(_)) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

fn entry(what: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; RECORD];
    bytes[..4].copy_from_slice(&((RECORD + payload.len()) as u32).to_le_bytes());
    bytes[4..6].copy_from_slice(&what.to_le_bytes());
    bytes[8..16].copy_from_slice(&(mono_ns() + AHEAD).to_le_bytes());
    bytes.extend(payload);
    bytes
}

fn track(number: u32, state: u32, label: &str) -> Vec<u8> {
    let mut payload = vec![0; 120];
    payload[..4].copy_from_slice(&number.to_le_bytes());
    payload[4..8].copy_from_slice(&state.to_le_bytes());
    payload[8] = TrackKind::Video as u8;
    payload[12] = TrackSource::Camera as u8;
    payload[24..24 + label.len()].copy_from_slice(label.as_bytes());
    payload[80..83].copy_from_slice(b"ada");
    entry(1, &payload)
}

fn frame(about: &Descriptor, payload: &[u8]) -> Vec<u8> {
    let mut bytes = entry(0, payload);
    let about = Descriptor { payload_len: payload.len() as u32, ..*about };
    for (word, to) in about.encode().unwrap().words().iter().zip(bytes[64..RECORD].chunks_exact_mut(8)) {
        to.copy_from_slice(&word.to_le_bytes());
    }
    bytes
}

fn noise(len: usize, seed: usize) -> Vec<u8> {
    (0..len).map(|at| (at * 31 + at / 251 + seed * 7) as u8).collect()
}

fn opaque(track: u32, sequence: u64) -> Descriptor {
    Descriptor { track, sequence, ..Descriptor::opaque() }
}

#[test]
fn frames_arrive_byte_for_byte_with_what_is_said_of_them() {
    let mut scene = Scene::new(BridgeOptions::default(), RingBuilder::new());
    let mut page = scene.page();
    assert_eq!(page.window, 16 << 20);
    assert!(
        matches!(scene.event(), BridgeEvent::Opened(page) if page.name == "meet.example" && page.producer == 1)
    );
    (0..8).for_each(|_| page.send(entry(3, &[])));
    page.send(track(7, 1, "Ada's camera"));
    let format = VideoFormat::packed(FourCc::I420, 1920, 1080).unwrap();
    let payload = noise(format.payload_len() as usize, 0);
    let captured = mono_ns();
    let about = Descriptor {
        track: 7,
        source: 42,
        sequence: 17,
        dropped_before: 3,
        pts_ns: Some(-5),
        mono_ns: captured + AHEAD,
        ..Descriptor::new(Body::Video(format))
    };
    page.send(frame(&about, &payload));
    // Sizes around those of fragments and of the bridge's buffer, and none at all.
    let sizes = [0, 1, 63, 130_999, 131_000, 262_143, 262_144, 262_145, 1_000_003];
    for (number, size) in sizes.into_iter().enumerate() {
        page.send(frame(&opaque(7, 18 + number as u64), &noise(size, number)));
    }

    let first = scene.frame();
    let told = first.descriptor();
    assert!(first.payload().to_vec() == payload);
    assert_eq!((told.source, told.sequence, told.dropped_before, told.pts_ns), (42, 17, 3, Some(-5)));
    assert_eq!(told.body, Body::Video(format));
    // As exact as the quickest message was.
    let off = told.mono_ns as i64 - captured as i64;
    assert!((0..50_000_000).contains(&off), "the page's clock became ours but for {off} ns");
    let tracks = scene.ring.tracks();
    let info = tracks.iter().find(|track| track.id == told.track).and_then(|track| track.info).unwrap();
    assert_eq!((info.label.to_string(), info.participant.to_string()), ("Ada's camera".into(), "ada".into()));
    assert_eq!((info.kind, info.source), (TrackKind::Video, TrackSource::Camera));
    for (number, size) in sizes.into_iter().enumerate() {
        let next = scene.frame();
        assert_eq!(next.descriptor().sequence, 18 + number as u64);
        assert!(next.payload().to_vec() == noise(size, number), "{size} bytes");
        assert!(next.descriptor().flags.contains(Flags::ESTIMATED_TS) && next.descriptor().mono_ns > 0);
    }
    page.settle();

    // Counters, another name, a note, the end.
    let mut counters = vec![0; 40];
    counters[0] = 7;
    counters[24] = 5;
    counters[32] = 6;
    page.send(entry(2, &counters));
    page.send(track(7, 1, "Grace"));
    page.send(entry(4, "no lane: \x1b[31mé".as_bytes()));
    page.send(track(7, 2, ""));
    let last = scene.frame();
    assert!(last.descriptor().flags.contains(Flags::EOS) && last.descriptor().sequence == 27);
    page.settle();
    let stats = scene.ring.tracks().into_iter().find(|track| track.id == told.track).unwrap();
    assert_eq!((stats.live, stats.sent, stats.dropped, stats.unwanted), (false, 10, 5, 6));
    assert_eq!(stats.info.unwrap().label.to_string(), "Grace");
    assert!(matches!(scene.event(), BridgeEvent::Note(_, note) if note == "no lane: \u{fffd}[31mé"));
    page.socket.close(None).unwrap();
    while page.socket.read().is_ok() {}
    assert!(matches!(scene.event(), BridgeEvent::Closed(_, None)));
}

#[test]
fn demand_reaches_the_page() {
    let mut scene = Scene::new(BridgeOptions::default(), RingBuilder::new());
    let mut page = scene.page();
    page.send(track(3, 1, "camera"));
    page.send(frame(&opaque(3, 0), b"x"));
    let id = scene.frame().descriptor().track;
    page.settle();
    let demand = Demand { wanted: false, max_size: (640, 360), max_fps_milli: 15_000 };
    assert!(scene.ring.set_demand(id, demand));
    let told = page.hear().expect("a demand");
    let expected = [2, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0x80, 2, 0x68, 1, 0, 0, 0x98, 0x3a, 0, 0];
    assert_eq!(told, expected);
    assert!(scene.ring.set_demand(id, Demand::ALL));
    assert_eq!(page.hear().expect("a demand")[8..], [0; 12]);
}

#[test]
fn a_consumer_that_holds_frames_holds_back_the_page() {
    let options = BridgeOptions { window: 1 << 20, ..BridgeOptions::default() };
    let mut scene = Scene::new(options, RingBuilder::new().data_bytes(1 << 20));
    let mut page = scene.page();
    page.send(track(1, 1, "camera"));
    page.settle();
    let size = 200 << 10;
    let share = (1 << 20) / size;
    // Within the window, but more than the ring takes while nothing is released.
    (0..10).for_each(|number| page.send(frame(&opaque(1, number), &noise(size, number as usize))));
    let mut held = vec![scene.frame()];
    while let Some(frame) = scene.ring.recv_timeout(Duration::from_millis(300)).unwrap() {
        held.push(frame);
    }
    assert!(held.len() < 10 && held.len() <= share, "{} of 10 came", held.len());
    page.socket.get_ref().set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    loop {
        match page.socket.read() {
            Ok(Message::Binary(bytes)) => page.taken = u64::from_le_bytes(bytes[8..].try_into().unwrap()),
            Ok(other) => panic!("{other:?}"),
            Err(_) => break,
        }
    }
    let credited = (page.sent - page.taken) / (size as u64);
    assert_eq!(credited as usize, 10 - held.len(), "what is not in the ring is not credited");
    // Demand gets through meanwhile.
    let id = held[0].descriptor().track;
    scene.ring.set_demand(id, Demand::NONE);
    page.socket.get_ref().set_read_timeout(Some(LONG)).unwrap();
    assert!(page.hear().is_some());

    let mut number = held.len() as u64;
    held.clear();
    while number < 10 {
        let next = scene.frame();
        assert_eq!((next.descriptor().sequence, next.descriptor().dropped_before), (number, 0));
        assert!(next.payload().to_vec() == noise(size, number as usize));
        number += 1;
    }
    page.settle();
    let (_, stats) = scene.ring.producer_stats()[0];
    assert_eq!((stats.full_bytes, stats.full_slots), (0, 0), "who waits drops nothing");
}

#[test]
fn a_frame_that_the_ring_can_never_take_is_left_out_and_told_of() {
    let mut scene = Scene::new(BridgeOptions::default(), RingBuilder::new().data_bytes(1 << 20));
    let mut page = scene.page();
    page.send(track(1, 1, "camera"));
    page.send(frame(&opaque(1, 0), &noise(2 << 20, 0)));
    page.send(frame(&opaque(1, 1), b"small"));
    let next = scene.frame();
    let told = next.descriptor();
    assert_eq!((next.payload().to_vec(), told.sequence, told.dropped_before), (b"small".to_vec(), 1, 1));
    assert!(told.flags.contains(Flags::DISCONT));
    page.settle();
    assert!(matches!(scene.event(), BridgeEvent::Opened(_)));
    assert!(matches!(scene.event(), BridgeEvent::TooLong(..)));
    assert_eq!(scene.ring.tracks()[0].dropped, 1);
}

#[test]
fn whoever_breaks_the_rules_is_told_and_harms_nobody_else() {
    let mut scene = Scene::new(BridgeOptions::default(), RingBuilder::new());
    let mut good = scene.page();
    good.send(track(1, 1, "good"));
    good.send(frame(&opaque(1, 0), b"before"));
    assert_eq!(scene.frame().payload().to_vec(), b"before");

    let mut long = entry(3, &[]);
    long[0] = 1;
    let mut unknown = entry(3, &[]);
    unknown[4] = 9;
    let mut bad = frame(&opaque(1, 0), b"bad");
    bad[64 + 3] = 77;
    let mut longer = frame(&opaque(1, 0), b"bad");
    longer.extend(b"more");
    let mut shorter = frame(&opaque(1, 0), &noise(500_000, 0));
    shorter.truncate(400_000);
    let opened = || track(1, 1, "bad");
    let cases: Vec<(&str, Vec<Vec<u8>>, &str)> = vec![
        ("an empty message", vec![vec![]], "record says 256"),
        ("a piece of a record", vec![entry(3, &[])[..100].to_vec()], "100 bytes"),
        ("a longer message", vec![long], "257"),
        ("an unknown entry", vec![unknown], "kind 9"),
        ("a descriptor of no kind", vec![opened(), bad], "descriptor"),
        ("a frame that goes on", vec![opened(), longer], "263 bytes"),
        ("a frame that is cut", vec![opened(), shorter], "400000 bytes"),
        ("a track that is not open", vec![frame(&opaque(5, 0), b"x")], "track 5"),
        ("track 0", vec![track(0, 1, "x")], "track 0"),
        ("track 129", vec![track(129, 1, "x")], "track 129"),
    ];
    for (what, messages, expected) in cases {
        let mut page = scene.page();
        for message in messages {
            // It may be cut off while it still sends.
            let _ = page.socket.send(Message::Binary(message.into()));
        }
        let (code, why) = page.last_words();
        assert!(code == 1007 && why.contains(expected), "{what}: {code} {why}");
    }
    let mut page = scene.page();
    page.socket.send(Message::text("hello")).unwrap();
    assert_eq!(page.last_words().0, 1003);
    // Somebody who is gone in the middle of a frame.
    let mut page = scene.page();
    page.send(opened());
    page.settle();
    let whole = frame(&opaque(1, 0), &noise(100_000, 1));
    use std::io::Write;
    let head = [0x82, 0xff, 0, 0, 0, 0, 0, 1, 0x87, 0xa0, 0, 0, 0, 0];
    page.socket.get_mut().write_all(&head).unwrap();
    page.socket.get_mut().write_all(&whole[..50_000]).unwrap();
    drop(page);

    good.send(frame(&opaque(1, 1), b"after"));
    // Of the others came nothing but the ends of their tracks.
    loop {
        let next = scene.frame();
        if next.payload().to_vec() == b"after" {
            break;
        }
        assert!(next.descriptor().flags.contains(Flags::EOS) && next.payload().is_empty(), "{next:?}");
    }
    good.settle();
}

#[test]
fn strangers_are_refused_and_a_bridge_that_ends_says_so() {
    let options = BridgeOptions {
        path: "/secret".into(),
        origins: vec!["https://meet.example".into()],
        ..BridgeOptions::default()
    };
    let scene = Scene::new(options, RingBuilder::new());
    let url = scene.bridge.url();
    assert!(url.ends_with("/secret"));
    let wrong = Page::connect(&url.replace("secret", "")).err().unwrap();
    assert!(wrong.contains("404"), "{wrong}");
    assert!(matches!(scene.event(), BridgeEvent::Refused(..)));
    // No WebSocket at all.
    let mut plain = TcpStream::connect(scene.bridge.address()).unwrap();
    std::io::Write::write_all(&mut plain, b"GET /secret HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    assert!(matches!(scene.event(), BridgeEvent::Refused(..)));
    let mut page = Page::connect(&format!("{url}?name=bot%201")).unwrap();
    assert!(matches!(scene.event(), BridgeEvent::Opened(page) if page.name == "bot 1"));
    let ending = std::thread::spawn(move || {
        let start = Instant::now();
        drop(scene);
        start.elapsed()
    });
    assert_eq!(page.last_words().0, 1001);
    drop(page);
    assert!(ending.join().unwrap() < LONG);
}
