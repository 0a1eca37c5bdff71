//! Memory that is no ring, or not one that may be trusted to stay one: each case is refused by its own error.

mod support;

use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use frame_ring::{
    BuildError, ConnectError, Header, HeaderError, MemoryError, Observer, Producer, RefusalReason,
    RingBuilder,
};
use frame_ring_core::layout::{ABI_VERSION, MAGIC};
use nix::fcntl::SealFlag;
use support::raw::{self, header, header_bytes, memfd, memfd_of, FakeServer, SEALS};
use support::Random;

/// What both kinds of attaching sides say of a descriptor, which must be the same.
fn refusal(fd: OwnedFd) -> MemoryError {
    let (event, _other) = raw::pair();
    let welcome = raw::answer(ABI_VERSION, 0, 1, 1);
    let server = FakeServer::answering(&welcome, &[fd.as_raw_fd(), event.as_raw_fd()]);
    let as_producer = match Producer::from_fd(server.client, "victim") {
        Err(ConnectError::Memory(why)) => why,
        other => panic!("{other:?}"),
    };
    let as_observer = Observer::from_memfd(fd).expect_err("no ring");
    assert_eq!(format!("{as_producer:?}"), format!("{as_observer:?}"));
    assert!(!as_observer.to_string().is_empty());
    as_observer
}

fn header_refusal(fd: OwnedFd) -> HeaderError {
    match refusal(fd) {
        MemoryError::Header(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_good_memfd_is_taken() {
    let snapshot = Observer::from_memfd(memfd_of(&header())).expect("a ring").snapshot();
    assert_eq!(snapshot.header, header());
    // A larger file is a ring, too.
    let larger = memfd(&header_bytes(&header()), header().total_bytes + 12_345, SEALS);
    assert_eq!(Observer::from_memfd(larger).expect("a ring").snapshot().header, header());

    let (event, _other) = raw::pair();
    let fd = memfd_of(&header());
    let server =
        FakeServer::answering(&raw::answer(ABI_VERSION, 0, 7, 3), &[fd.as_raw_fd(), event.as_raw_fd()]);
    let producer = Producer::from_fd(server.client, "p").expect("connected");
    assert_eq!((producer.id(), producer.generation()), (7, 3));
}

#[test]
fn what_has_no_seals_is_not_a_memfd() {
    let (pipe, _writer) = nix::unistd::pipe().expect("a pipe");
    let device: OwnedFd = std::fs::File::open("/dev/zero").expect("a device").into();
    let (socket, _peer) = raw::pair();
    for fd in [pipe, device, socket] {
        assert!(matches!(refusal(fd), MemoryError::NotAMemfd { .. }));
    }
}

#[test]
fn a_memfd_that_could_change_its_size_is_refused() {
    let missing = [SealFlag::F_SEAL_SHRINK, SealFlag::F_SEAL_GROW, SealFlag::F_SEAL_SEAL];
    for missing in missing {
        let seals = SEALS.difference(missing);
        match refusal(memfd(&header_bytes(&header()), header().total_bytes, seals)) {
            MemoryError::NotSealed { expected, found } => {
                assert_eq!((expected, found), (SEALS.bits(), seals.bits()));
            }
            other => panic!("without {missing:?}: {other:?}"),
        }
    }
    let unsealed = memfd(&header_bytes(&header()), header().total_bytes, SealFlag::empty());
    assert!(matches!(refusal(unsealed), MemoryError::NotSealed { found: 0, .. }));
}

#[test]
fn a_memfd_that_can_not_be_written_to_is_refused() {
    let sealed = SEALS.union(SealFlag::F_SEAL_WRITE);
    let fd = memfd(&header_bytes(&header()), header().total_bytes, sealed);
    // Who only looks does not need to write.
    assert!(Observer::from_memfd(fd.try_clone().expect("another")).is_ok());
    let (event, _other) = raw::pair();
    let welcome = raw::answer(ABI_VERSION, 0, 1, 1);
    let server = FakeServer::answering(&welcome, &[fd.as_raw_fd(), event.as_raw_fd()]);
    match Producer::from_fd(server.client, "victim") {
        Err(ConnectError::Memory(MemoryError::Os { call: "mmap", .. })) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_memfd_that_is_too_small_is_refused() {
    let total = header().total_bytes;
    for (size, expected) in
        [(0, 4096), (1, 4096), (4095, 4096), (4096, total), (total - 4096, total), (total - 1, total)]
    {
        let fd = memfd(&header_bytes(&header()), size, SEALS);
        assert_eq!(header_refusal(fd), HeaderError::TooSmall { expected, found: size });
    }
}

#[test]
fn what_does_not_begin_like_a_ring_is_refused() {
    for found in [0, 1, MAGIC + 1, MAGIC.swap_bytes(), u64::MAX] {
        let fd = memfd_of(&Header { magic: found, ..header() });
        assert_eq!(header_refusal(fd), HeaderError::Magic { found });
    }
    let mut random = Random::new(1);
    for _ in 0..50 {
        let fd = memfd(&random.bytes(4096), 1 << 17, SEALS);
        assert!(matches!(header_refusal(fd), HeaderError::Magic { .. }));
    }
}

#[test]
fn a_ring_of_another_version_is_refused() {
    for found in [0, 2, u32::MAX] {
        let fd = memfd_of(&Header { abi_version: found, ..header() });
        assert_eq!(header_refusal(fd), HeaderError::Version { expected: 1, found });
    }
}

#[test]
fn a_ring_that_needs_more_than_is_known_is_refused() {
    for unknown in [1, 1 << 63, u64::MAX] {
        let fd = memfd_of(&Header { required_features: unknown, ..header() });
        assert_eq!(header_refusal(fd), HeaderError::Features { unknown });
    }
    // What is optional need not be known.
    Observer::from_memfd(memfd_of(&Header { optional_features: u64::MAX, ..header() })).expect("a ring");
}

#[test]
fn a_ring_of_an_impossible_size_is_refused() {
    let good = header();
    let sizes = [
        Header { data_bytes: 0, ..good },
        Header { data_bytes: good.data_bytes + 1, ..good },
        Header { data_bytes: (8 << 30) + 64, ..good },
        Header { data_bytes: u64::MAX, ..good },
        Header { data_bytes: 1 << 38, ..good },
        Header { slots: 0, ..good },
        Header { slots: 1, ..good },
        Header { slots: 17, ..good },
        Header { slots: 1 << 21, ..good },
        Header { slots: u32::MAX, ..good },
        Header { tracks: 0, ..good },
        Header { tracks: 4097, ..good },
        Header { tracks: u32::MAX, ..good },
    ];
    for header in sizes {
        let Header { data_bytes, slots, tracks, .. } = header;
        assert_eq!(header_refusal(memfd_of(&header)), HeaderError::Size { data_bytes, slots, tracks });
    }
}

#[test]
fn a_header_that_contradicts_itself_is_refused() {
    let good = header();
    let contradictions = [
        ("slots_offset", Header { slots_offset: good.slots_offset + 4096, ..good }),
        ("slots_offset", Header { slots_offset: 0, ..good }),
        ("slots_offset", Header { tracks: 100, ..good }),
        ("data_offset", Header { data_offset: good.data_offset + 64, ..good }),
        ("data_offset", Header { data_offset: u64::MAX, ..good }),
        ("data_offset", Header { slots: 64, ..good }),
        ("total_bytes", Header { total_bytes: good.total_bytes - 1, ..good }),
        ("total_bytes", Header { total_bytes: u64::MAX, ..good }),
        ("total_bytes", Header { data_bytes: good.data_bytes * 2, ..good }),
    ];
    for (expected, header) in contradictions {
        match header_refusal(memfd_of(&header)) {
            HeaderError::Field { field, expected: should, found } => {
                assert_eq!(field, expected);
                assert_ne!(should, found);
            }
            other => panic!("{expected}: {other:?}"),
        }
    }
}

#[test]
fn random_headers_are_refused_or_true() {
    let mut random = Random::new(2);
    let good = header_bytes(&header());
    let mut taken = 0;
    for _ in 0..2000 {
        let mut bytes = good.clone();
        // Behind magic and version, before what is for people.
        for _ in 0..1 + random.below(3) {
            let at = 12 + random.below(56) as usize;
            bytes[at] = random.word() as u8;
        }
        match Observer::from_memfd(memfd(&bytes, header().total_bytes, SEALS)) {
            // What is for people, or another size that needs as many pages.
            Ok(observer) => {
                taken += 1;
                let found = observer.snapshot().header;
                let Header { optional_features, consumer_pid, tracks, data_bytes, .. } = found;
                assert!((1..=10).contains(&tracks) && (60 << 10 < data_bytes) && data_bytes <= 64 << 10);
                let same = Header { optional_features, consumer_pid, tracks, data_bytes, ..header() };
                assert_eq!(found, same);
            }
            Err(MemoryError::Header(_)) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!((1..1000).contains(&taken), "{taken}");
}

#[test]
fn answers_that_are_none_are_refused() {
    let good = raw::answer(ABI_VERSION, 0, 1, 1);
    let ask = |bytes: &[u8], fds: &[i32]| {
        let server = FakeServer::answering(bytes, fds);
        Producer::from_fd(server.client, "victim").expect_err("no ring")
    };
    for bytes in [&good[..79], &good[..4], &[&good[..], &[0]].concat(), &[0; 80], &[b'x'; 200]] {
        let shown = bytes.len().min(81);
        match ask(bytes, &[]) {
            ConnectError::NotAnAnswer { bytes } => assert_eq!(bytes, shown),
            other => panic!("{other:?}"),
        }
    }
    // Ids that no producer has, reasons that nobody knows.
    let ring = memfd_of(&header());
    for answer in [raw::answer(1, 0, 0, 1), raw::answer(1, 0, 256, 1), raw::answer(1, 99, 0, 0)] {
        let fds = [ring.as_raw_fd(), ring.as_raw_fd()];
        assert!(matches!(ask(&answer, &fds), ConnectError::NotAnAnswer { .. }));
    }
    for found in [0, 2, u32::MAX] {
        match ask(&raw::answer(found, 0, 1, 1), &[]) {
            ConnectError::Version { expected: 1, found: said } => assert_eq!(said, found),
            other => panic!("{other:?}"),
        }
    }
    assert!(matches!(ask(&raw::answer(9, 2, 0, 0), &[]), ConnectError::Version { expected: 1, found: 9 }));
    let reasons = [(1, RefusalReason::Malformed), (3, RefusalReason::User), (4, RefusalReason::Crowded)];
    for (code, expected) in reasons {
        match ask(&raw::answer(1, code, 0, 0), &[]) {
            ConnectError::Refused(reason) => assert_eq!(reason, expected),
            other => panic!("{other:?}"),
        }
    }
    let (client, server) = raw::pair();
    drop(server);
    assert!(matches!(Producer::from_fd(client, "late"), Err(ConnectError::HungUp)));
}

#[test]
fn an_answer_with_the_wrong_number_of_descriptors_is_refused_and_they_are_closed() {
    let ring = memfd_of(&header());
    for count in [0, 1, 3, 8, 9, 40, 253] {
        // The write end of a pipe, many times: its reader sees the end when all of them are closed.
        let (reader, writer) = nix::unistd::pipe().expect("a pipe");
        let mut fds = vec![writer.as_raw_fd(); count];
        fds.iter_mut().take(1).for_each(|first| *first = ring.as_raw_fd());
        let FakeServer { client, server } = FakeServer::answering(&raw::answer(1, 0, 1, 1), &fds);
        match Producer::from_fd(client, "victim") {
            Err(ConnectError::Descriptors { expected: 2, found }) => assert_eq!(found, count),
            other => panic!("{count}: {other:?}"),
        }
        drop((writer, server));
        assert_eq!(readable_until_the_end(&reader), 0, "{count}");
    }
}

/// Reads all that comes, until nobody can write any more.
fn readable_until_the_end(reader: &OwnedFd) -> usize {
    let mut polled = [nix::poll::PollFd::new(reader.as_fd(), nix::poll::PollFlags::POLLIN)];
    let patience = nix::poll::PollTimeout::try_from(support::HANG).expect("in range");
    assert_eq!(nix::poll::poll(&mut polled, patience), Ok(1), "a descriptor was not closed");
    nix::unistd::read(reader, &mut [0; 8]).expect("readable")
}

#[test]
fn rings_are_made_in_all_sizes_that_are_allowed_and_no_other() {
    let builder = RingBuilder::new;
    for (data, slots, tracks) in
        [(1, 2, 1), (64, 0, 4096), (65, 3, 64), (8 << 30, 1 << 10, 64), (1 << 20, 1 << 20, 1)]
    {
        let ring = builder().data_bytes(data).slots(slots).tracks(tracks).build().expect("in range");
        let header = ring.snapshot().header;
        assert_eq!(header.data_bytes, data.next_multiple_of(64));
        assert_eq!(header.slots, slots.max(2).next_power_of_two());
        assert_eq!(header.tracks, tracks);
        assert_eq!(ring.snapshot().mapped_bytes, header.total_bytes);
    }
    for (data, slots, tracks) in [
        (0, 2, 1),
        ((8 << 30) + 1, 2, 1),
        (u64::MAX, 2, 1),
        (64, (1 << 20) + 1, 1),
        (64, u32::MAX, 1),
        (64, 2, 0),
        (64, 2, 4097),
        (64, 2, u32::MAX),
    ] {
        match builder().data_bytes(data).slots(slots).tracks(tracks).build() {
            Err(BuildError::Size { data_bytes, slots: s, tracks: t }) => {
                assert_eq!((data_bytes, s, t), (data, slots, tracks));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_built_ring_is_sealed_and_described() {
    for (huge, prefault) in [(false, false), (false, true), (true, true)] {
        // Cut at the end of a character.
        let name = format!("x{}", "é".repeat(40));
        let ring = RingBuilder::new()
            .data_bytes(3 << 20)
            .huge_pages(huge)
            .prefault(prefault)
            .name(name)
            .build()
            .expect("a ring");
        let other = RingBuilder::new().build().expect("another");
        let snapshot = ring.snapshot();
        assert_eq!(snapshot.name(), format!("x{}", "é".repeat(31)));
        assert_eq!(snapshot.header.consumer_pid, std::process::id());
        assert_ne!(snapshot.header.ring_id, other.snapshot().header.ring_id);
        assert!(snapshot.header.created_mono_ns <= frame_ring::mono_ns());
        let raw = raw::Raw::join(&ring, "raw");
        let seals = nix::fcntl::fcntl(&raw.memfd, nix::fcntl::FcntlArg::F_GET_SEALS).expect("seals");
        assert!(SealFlag::from_bits_truncate(seals).contains(SEALS));
        assert!(nix::unistd::ftruncate(&raw.memfd, 0).is_err(), "nobody can shrink it");
        assert!(nix::unistd::ftruncate(&raw.memfd, 1 << 30).is_err(), "nobody can let it grow");
        Observer::from_memfd(raw.memfd).expect("a ring");
    }
}
