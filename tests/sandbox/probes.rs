//! Proof that the filter is there and complete: each rule of the table, tried in a process of its own.
//!
//! What must come of a probe is written here a second time, by hand. Calls that the table does not name, and those that
//! it denies whatever their arguments, are all tried.

use std::os::fd::IntoRawFd;

use libc::*;
use nix::sys::socket::{socketpair, AddressFamily, SockFlag, SockType};

use super::handler;
use super::policy::{decide, Verdict, NEW_THREAD, RULES};
use crate::support::{child, raw};

/// What a process sees of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Success,
    Fails(i32),
    /// Death by `SIGSYS`.
    Crash,
}

use Seen::{Crash, Fails, Success};

#[derive(Debug, Clone, Copy)]
struct Probe {
    call: c_long,
    arguments: [u64; 6],
    seen: Seen,
}

/// Stands for the id of the process that makes the call.
const OWN: u64 = 0x7fff_fff1;
/// A process that is always there.
const OTHER: u64 = 1;
/// Beyond the last call of today's kernels.
const LAST_CALL: c_long = 480;
/// `uretprobe` and `uprobe`: of no use but to code that the kernel itself has put there. It judges them before filters do.
const OF_UPROBES: [c_long; 2] = [335, 336];
const PAGE: u64 = 4096;

/// What calls are made on.
struct Things {
    memfd: u64,
    event: u64,
    socket: u64,
    epoll: u64,
    page: u64,
    /// A page for what calls write.
    out: u64,
    /// The top of a stack whose thread leaves the process.
    stack: u64,
}

impl Things {
    fn new() -> Self {
        let unsealed = nix::fcntl::SealFlag::empty();
        let (socket, other) =
            socketpair(AddressFamily::Unix, SockType::Stream, None, SockFlag::SOCK_NONBLOCK).expect("a pair");
        nix::unistd::write(&other, &[7; 64]).expect("written");
        // Stays open with the process: the socket must not be at its end.
        let _ = other.into_raw_fd();
        let map = || {
            let map = memmap2::MmapOptions::new().len(PAGE as usize).map_anon().expect("a page");
            // Stays mapped with the process.
            std::mem::ManuallyDrop::new(map).as_ptr() as u64
        };
        let stack = map() + PAGE - 8;
        // SAFETY: the last word of a page that was just mapped.
        unsafe { (stack as *mut usize).write(_exit as *const () as usize) };
        // SAFETY: makes descriptors and nothing else.
        let (event, epoll) = unsafe { (eventfd(1, EFD_NONBLOCK), epoll_create1(0)) };
        Self {
            memfd: raw::memfd(b"some bytes", 4 * PAGE, unsealed).into_raw_fd() as u64,
            event: event as u64,
            socket: socket.into_raw_fd() as u64,
            epoll: epoll as u64,
            page: map(),
            out: map(),
            stack,
        }
    }
}

fn probe<const N: usize>(call: c_long, given: [u64; N], seen: Seen) -> Probe {
    let mut arguments = [0; 6];
    arguments[..N].copy_from_slice(&given);
    Probe { call, arguments, seen }
}

#[rustfmt::skip]
fn by_hand(t: &Things) -> Vec<Probe> {
    let Things { memfd, event, socket, epoll, page, out, stack } = *t;
    let (shared, private) = (MAP_SHARED as u64, (MAP_PRIVATE | MAP_ANONYMOUS) as u64);
    let rw = (PROT_READ | PROT_WRITE) as u64;
    let mmap = |flags: i32, fd: u64, seen| probe(SYS_mmap, [0, PAGE, rw, flags as u64, fd, 0], seen);
    let advise = |advice: i32, seen| probe(SYS_madvise, [page, PAGE, advice as u64], seen);
    let futex = |op: i32, seen| probe(SYS_futex, [page, op as u64, 77, 0, page + 64, 0], seen);
    let fcntl = |command: i32, argument: u64, seen| probe(SYS_fcntl, [memfd, command as u64, argument], seen);
    let clock = |id: i32, seen| probe(SYS_clock_gettime, [id as u64, out], seen);
    let prctl = |option: i32, seen| probe(SYS_prctl, [option as u64, out], seen);
    let memfd_create = |flags: u32, seen| probe(SYS_memfd_create, [page, u64::from(flags)], seen);
    let pidfd_clock = !(OTHER as i32) << 3 | 2;
    let upper = 1 << 40;
    vec![
        // The mapping.
        mmap(MAP_SHARED, memfd, Success),
        mmap(MAP_SHARED | MAP_NORESERVE, memfd, Success),
        mmap(MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, !0, Success),
        probe(SYS_mmap, [page, PAGE, rw, private | MAP_FIXED as u64, !0, 0], Success),
        mmap(MAP_SHARED | MAP_POPULATE, memfd, Crash),
        mmap(MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, !0, Crash),
        mmap(MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, !0, Crash),
        mmap(MAP_SHARED_VALIDATE | MAP_SYNC, memfd, Crash),
        probe(SYS_mmap, [0, PAGE, rw, shared | upper, memfd, 0], Crash),
        probe(SYS_munmap, [page, PAGE], Success),
        probe(SYS_mremap, [page, PAGE, 2 * PAGE, MREMAP_MAYMOVE as u64, 0], Success),
        probe(SYS_mprotect, [page, PAGE, PROT_READ as u64], Success),
        probe(SYS_mprotect, [page, PAGE, PROT_GROWSDOWN as u64], Crash),
        probe(SYS_mincore, [page, PAGE, out], Success),
        probe(SYS_msync, [page, PAGE, MS_ASYNC as u64], Crash),
        probe(SYS_mlockall, [MCL_CURRENT as u64], Crash),
        probe(SYS_mlock2, [page, PAGE, 0], Crash),
        probe(SYS_membarrier, [0], Crash),
        probe(SYS_process_madvise, [0], Crash),
        probe(SYS_userfaultfd, [0], Crash),
        advise(MADV_DONTNEED, Success),
        advise(MADV_WILLNEED, Success),
        advise(MADV_FREE, Success),
        advise(MADV_NORMAL, Success),
        advise(MADV_HUGEPAGE, Fails(EPERM)),
        advise(MADV_POPULATE_READ, Fails(EPERM)),
        advise(MADV_POPULATE_WRITE, Fails(EPERM)),
        advise(MADV_DONTFORK, Fails(EPERM)),
        probe(SYS_pkey_alloc, [0, !0], Fails(EINVAL)),
        probe(SYS_pkey_alloc, [1, 0], Crash),
        probe(SYS_pkey_free, [15], Fails(EINVAL)),

        // The memfd.
        memfd_create(MFD_CLOEXEC | MFD_ALLOW_SEALING, Success),
        memfd_create(MFD_HUGETLB, Crash),
        memfd_create(MFD_EXEC, Crash),
        fcntl(F_GET_SEALS, 0, Success),
        fcntl(F_GETFD, 0, Success),
        fcntl(F_SETFD, FD_CLOEXEC as u64, Success),
        fcntl(F_DUPFD_CLOEXEC, 0, Success),
        fcntl(F_SETFL, O_NONBLOCK as u64, Success),
        fcntl(F_SETFL, O_DIRECT as u64, Crash),
        fcntl(F_SETFL, O_NONBLOCK as u64 | upper, Crash),
        fcntl(F_ADD_SEALS, (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) as u64, Success),
        fcntl(F_ADD_SEALS, F_SEAL_WRITE as u64, Crash),
        fcntl(F_ADD_SEALS, F_SEAL_FUTURE_WRITE as u64, Crash),
        fcntl(F_OFD_SETLK, out, Crash),
        fcntl(F_OFD_GETLK, out, Crash),
        fcntl(F_SETPIPE_SZ, PAGE, Crash),
        probe(SYS_ftruncate, [memfd, 4 * PAGE], Success),
        probe(SYS_fallocate, [memfd, 0, 0, PAGE], Fails(EPERM)),
        probe(SYS_flock, [memfd, LOCK_SH as u64], Crash),
        probe(SYS_fstat, [memfd, out], Success),
        probe(SYS_newfstatat, [memfd, page, out, AT_EMPTY_PATH as u64], Success),
        probe(SYS_newfstatat, [AT_FDCWD as u64, c"/".as_ptr() as u64, out, 0], Fails(EPERM)),
        probe(SYS_statx, [memfd, page, AT_EMPTY_PATH as u64, u64::from(STATX_BASIC_STATS), out], Fails(ENOSYS)),
        probe(SYS_statx, [memfd, page, AT_EMPTY_PATH as u64, u64::from(STATX_SIZE), out], Fails(EPERM)),
        probe(SYS_fstatfs, [memfd, out], Crash),
        probe(SYS_ioctl, [socket, FIONREAD, out], Success),
        probe(SYS_ioctl, [socket, FIONBIO, out], Crash),

        // Waking and waiting.
        futex(FUTEX_WAIT, Fails(EAGAIN)),
        futex(FUTEX_WAKE, Success),
        futex(FUTEX_WAKE | FUTEX_PRIVATE_FLAG, Success),
        futex(FUTEX_LOCK_PI, Fails(EINVAL)),
        futex(FUTEX_UNLOCK_PI, Fails(EINVAL)),
        futex(FUTEX_FD, Fails(EINVAL)),
        probe(SYS_futex, [page, FUTEX_WAKE as u64 | upper, 1], Crash),
        probe(SYS_futex, [page, !0, 1], Fails(EINVAL)),
        probe(SYS_futex_waitv, [0], Crash),
        probe(454, [page], Crash),
        probe(455, [page], Crash),
        probe(456, [page], Crash),
        probe(SYS_set_robust_list, [page, 24], Success),
        probe(SYS_get_robust_list, [0, out, out], Crash),
        probe(SYS_write, [event, c"1234567".as_ptr() as u64, 8], Success),
        probe(SYS_read, [event, out, 8], Success),
        probe(SYS_eventfd2, [0, 0], Success),
        probe(SYS_epoll_create1, [0], Success),
        probe(SYS_epoll_wait, [epoll, out, 1, 0], Success),
        probe(SYS_epoll_pwait2, [epoll, out, 1, page, 0, 8], Crash),
        probe(SYS_poll, [out, 0, 0], Success),
        probe(SYS_timerfd_create, [0], Crash),
        probe(SYS_io_uring_setup, [1, out], Crash),
        probe(SYS_signalfd4, [!0, out, 8, 0], Crash),

        // Sockets.
        probe(SYS_sendto, [socket, page, 8, (MSG_NOSIGNAL | MSG_DONTWAIT) as u64], Success),
        probe(SYS_sendto, [socket, page, 8, MSG_OOB as u64], Crash),
        probe(SYS_sendmsg, [socket, page, MSG_NOSIGNAL as u64], Success),
        probe(SYS_sendmsg, [socket, page, MSG_MORE as u64], Crash),
        probe(SYS_recvfrom, [socket, out, 8, (MSG_PEEK | MSG_DONTWAIT) as u64], Success),
        probe(SYS_recvmmsg, [socket], Crash),
        probe(SYS_sendmmsg, [socket], Crash),
        probe(SYS_splice, [0], Crash),
        probe(SYS_socketpair, [AF_UNIX as u64, SOCK_SEQPACKET as u64, 0, out], Success),
        probe(SYS_socketpair, [AF_INET as u64, SOCK_STREAM as u64, 0, out], Crash),
        probe(SYS_setsockopt, [socket, SOL_SOCKET as u64, SO_PEEK_OFF as u64, page, 4], Success),
        probe(SYS_setsockopt, [socket, SOL_SOCKET as u64, SO_RCVTIMEO as u64, page, 16], Crash),
        probe(SYS_getsockopt, [socket, SOL_SOCKET as u64, SO_PEERCRED as u64, out, out], Crash),
        probe(SYS_getpeername, [socket, out, out], Crash),
        probe(SYS_pipe, [out], Success),
        probe(SYS_pipe2, [out, O_CLOEXEC as u64], Success),
        probe(SYS_pipe2, [out, O_EXCL as u64], Crash),

        // Clocks.
        clock(CLOCK_MONOTONIC, Success),
        clock(CLOCK_REALTIME, Success),
        clock(CLOCK_TAI, Crash),
        clock(pidfd_clock, Crash),
        probe(SYS_clock_gettime, [CLOCK_MONOTONIC as u64 | upper, out], Crash),
        probe(SYS_clock_getres, [CLOCK_MONOTONIC as u64, out], Success),
        probe(SYS_clock_getres, [CLOCK_TAI as u64, out], Crash),
        probe(SYS_clock_nanosleep, [CLOCK_MONOTONIC as u64, 0, page, out], Success),
        probe(SYS_gettimeofday, [out, 0], Success),
        probe(SYS_nanosleep, [page, out], Success),

        // Processes.
        probe(SYS_kill, [OWN, 0], Success),
        probe(SYS_kill, [OTHER, 0], Crash),
        probe(SYS_kill, [0, 0], Crash),
        probe(SYS_tgkill, [OTHER, OTHER, 0], Crash),
        probe(SYS_tkill, [OWN, 0], Crash),
        probe(SYS_pidfd_open, [OWN, 0], Fails(ENOSYS)),
        probe(SYS_clone3, [out, 88], Fails(ENOSYS)),
        probe(SYS_clone, [NEW_THREAD, stack, out, out, 0], Success),
        probe(SYS_clone, [NEW_THREAD | CLONE_NEWUSER as u64], Crash),
        probe(SYS_clone, [SIGCHLD as u64], Fails(EPERM)),
        probe(SYS_clone, [(CLONE_VM | CLONE_VFORK | SIGCHLD) as u64], Fails(EPERM)),
        probe(SYS_sched_yield, [], Success),
        probe(SYS_sched_getaffinity, [0, 128, out], Success),
        probe(SYS_sched_getaffinity, [OWN, 128, out], Success),
        probe(SYS_sched_getaffinity, [OTHER, 128, out], Crash),
        probe(SYS_sched_setaffinity, [0, 128, page], Crash),
        probe(SYS_prlimit64, [0, RLIMIT_NOFILE as u64, 0, out], Success),
        probe(SYS_prlimit64, [OWN, RLIMIT_NOFILE as u64, 0, out], Success),
        probe(SYS_prlimit64, [OTHER, RLIMIT_NOFILE as u64, 0, out], Fails(EPERM)),
        probe(SYS_getpriority, [0, 0], Success),
        probe(SYS_getpriority, [0, OWN], Success),
        probe(SYS_getpriority, [0, OTHER], Fails(EPERM)),
        probe(SYS_getpriority, [1, 0], Crash),
        prctl(PR_GET_NAME, Success),
        prctl(PR_GET_DUMPABLE, Success),
        prctl(PR_SET_PTRACER, Fails(EPERM)),
        prctl(PR_GET_NO_NEW_PRIVS, Crash),
        prctl(PR_SET_SECCOMP, Crash),
        probe(SYS_seccomp, [u64::from(SECCOMP_SET_MODE_FILTER), 0, out], Fails(EPERM)),
        probe(SYS_getrandom, [out, 8, u64::from(GRND_NONBLOCK)], Success),
        probe(SYS_getrandom, [out, 8, u64::from(GRND_RANDOM)], Crash),
        probe(SYS_rt_tgsigqueueinfo, [OWN, OWN, 0, out], Success),
        probe(SYS_rt_tgsigqueueinfo, [OTHER, OTHER, 0, out], Fails(EPERM)),
        probe(SYS_rt_sigprocmask, [0, 0, out, 8], Success),
        probe(SYS_wait4, [!0, 0, WNOHANG as u64, 0], Fails(ECHILD)),
        probe(SYS_getuid, [], Success),
        probe(SYS_restart_syscall, [], Fails(EINTR)),
        probe(SYS_close, [event], Success),
        probe(SYS_rseq, [page, 0, 0, 0], Fails(EINVAL)),
    ]
}

/// Calls without arguments: all that the table does not name, and all that it denies whatever their arguments are.
fn by_number() -> Vec<Probe> {
    let denied = RULES.iter().filter(|rule| rule.when.is_empty()).filter_map(|rule| match rule.then {
        Verdict::Errno(errno) => Some((rule.calls, Fails(errno))),
        _ => None,
    });
    let denied = denied.flat_map(|(calls, seen)| calls.iter().map(move |call| probe(*call, [], seen)));
    // Those whose zeros fall under an earlier, laxer rule are tried by hand.
    let denied = denied.filter(|p| matches!(decide(p.call, &p.arguments, OWN as u32).1, Verdict::Errno(_)));
    let is_named = |call: c_long| RULES.iter().any(|rule| rule.calls.contains(&call));
    let unnamed = (0..LAST_CALL)
        .filter(|call| !is_named(*call) && !OF_UPROBES.contains(call))
        .map(|call| probe(call, [], Crash));
    denied.chain(unnamed).chain([probe(0x4000_0000 | SYS_getpid, [], Crash)]).collect()
}

/// Makes the call in a child of its own, under the policy.
fn attempt(probe: &Probe) -> Seen {
    // SAFETY: this process's only other thread waits for this one and holds no lock that its child could need.
    let child = unsafe { fork() };
    assert!(child >= 0, "no child");
    if child == 0 {
        let arguments = probe.arguments.map(|a| if a == OWN { std::process::id().into() } else { a });
        // SAFETY: the standard error is not used again but by the handler's last words, which nobody needs here.
        unsafe { close(2) };
        handler::enter(false).expect("under the policy");
        // SAFETY: the arguments are valid for the call, or it is not let through; nothing is done after it.
        unsafe {
            let result = handler::call(probe.call, &arguments);
            handler::call(SYS_exit_group, &[if result < 0 { -result as u64 } else { 0 }, 0, 0, 0, 0, 0]);
        }
    }
    let mut status = 0;
    // SAFETY: a child of this process that was not waited for; `status` is valid for a write.
    assert_eq!(unsafe { waitpid(child, &mut status, 0) }, child);
    match WIFEXITED(status) {
        true if WEXITSTATUS(status) == 0 => Success,
        true => Fails(WEXITSTATUS(status)),
        false => {
            assert_eq!(WTERMSIG(status), SIGSYS, "{probe:?}");
            Crash
        }
    }
}

/// In a child: tries everything.
pub fn judge() {
    let things = Things::new();
    let mut tried = vec![false; RULES.len()];
    let probes = [by_hand(&things), by_number()].concat();
    let mut wrong = Vec::new();
    for probe in &probes {
        let (rule, verdict) = decide(probe.call, &probe.arguments, OWN as u32);
        if let Some(rule) = rule {
            tried[rule] = true;
        }
        let agrees = match verdict {
            Verdict::Allow => probe.seen != Crash,
            Verdict::Errno(errno) => probe.seen == Fails(errno),
            Verdict::Rewrite => true,
            Verdict::Crash => probe.seen == Crash,
        };
        let seen = attempt(probe);
        if seen != probe.seen || !agrees {
            wrong.push(format!("seen {seen:?}, the table says {verdict:?}: {probe:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), probes.len(), wrong.join("\n"));
    let untried: Vec<_> = RULES.iter().zip(tried).filter(|(_, tried)| !tried).map(|(rule, _)| rule).collect();
    assert!(untried.is_empty(), "nothing tries {untried:#?}");
    eprintln!("{} calls were judged as the table says", probes.len());
    child::say("judged");
}
