//! What the kernel lets a renderer of Chromium do: the table, as data, for Linux on x86-64 with glibc.
//!
//! The first rule that names a call and whose conditions hold decides; a call for which no rule holds kills the process
//! with `SIGSYS`. What a producer or its C library may come near was read in Chromium 150.0.7871.100; the long sets of
//! other calls are those of its public tree and may lag behind it. Sources are functions there, by file:
//!
//! - RP `sandbox/policy/linux/bpf_renderer_policy_linux.cc`, asked first
//! - BB `sandbox/policy/linux/bpf_base_policy_linux.cc`, asked next
//! - BP `sandbox/linux/seccomp-bpf-helpers/baseline_policy.cc`, `EvaluateSyscallImpl`, asked last
//! - P `sandbox/linux/seccomp-bpf-helpers/syscall_parameters_restrictions.cc`, called by these
//! - S `sandbox/linux/seccomp-bpf-helpers/syscall_sets.cc`, called by BP

use libc::*;

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Allow,
    Errno(i32),
    /// A `SIGSYS` whose handler makes another call instead, see [`super::filter`].
    Rewrite,
    /// `SIGSYS`.
    Crash,
}

/// A condition on an argument.
#[derive(Debug, Clone, Copy)]
pub enum When {
    /// A 32-bit argument, masked, is one of some values. One with other upper bits than its sign's kills, whatever else holds.
    Int(usize, u32, &'static [u32]),
    /// A 64-bit argument, masked, is a value.
    Long(usize, u64, u64),
    /// A 32-bit argument is this process's own id.
    Own(usize),
}

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    pub calls: &'static [c_long],
    pub when: &'static [When],
    pub then: Verdict,
    /// Where it is from; shown with a rule that a test complains of.
    #[allow(dead_code)]
    pub source: &'static str,
}

use Verdict::{Allow, Errno, Rewrite};
use When::{Int, Long, Own};

const fn rule(calls: &'static [c_long], when: &'static [When], then: Verdict, source: &'static str) -> Rule {
    Rule { calls, when, then, source }
}

const fn is(argument: usize, values: &'static [u32]) -> When {
    Int(argument, !0, values)
}

const fn within(argument: usize, allowed: i32) -> When {
    Int(argument, !(allowed as u32), &[0])
}

// Not in every version of the C library's headers.
const SYS_MSEAL: c_long = 462;
const MAP_DROPPABLE: i32 = 0x8;
const MAP_STACK_ETC: i32 = MAP_STACK | MAP_NORESERVE | MAP_DENYWRITE | MAP_LOCKED | MAP_DROPPABLE;
const MAP_FLAGS: i32 = MAP_SHARED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_STACK_ETC;
const MFD_FLAGS: u32 = MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL;
const SEALS: u64 = (F_SEAL_SEAL | F_SEAL_GROW | F_SEAL_SHRINK) as u64;
/// `O_LARGEFILE` as the kernel has it.
const O_LARGEFILE: i32 = 0o100000;
const FILE_FLAGS: u64 =
    (O_ACCMODE | O_APPEND | O_NONBLOCK | O_SYNC | O_LARGEFILE | O_CLOEXEC | O_NOATIME) as u64;
const FUTEX_OP: u32 = !((FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME) as u32);
const FUTEX_OPS: &[u32] = &[
    FUTEX_WAIT as u32,
    FUTEX_WAKE as u32,
    FUTEX_REQUEUE as u32,
    FUTEX_CMP_REQUEUE as u32,
    FUTEX_WAKE_OP as u32,
    FUTEX_WAIT_BITSET as u32,
    FUTEX_WAKE_BITSET as u32,
];
const CLOCKS: &[u32] = &[
    CLOCK_BOOTTIME as u32,
    CLOCK_MONOTONIC as u32,
    CLOCK_MONOTONIC_COARSE as u32,
    CLOCK_MONOTONIC_RAW as u32,
    CLOCK_PROCESS_CPUTIME_ID as u32,
    CLOCK_REALTIME as u32,
    CLOCK_REALTIME_COARSE as u32,
    CLOCK_THREAD_CPUTIME_ID as u32,
];
const ADVICE: &[u32] = &[
    MADV_DONTNEED as u32,
    MADV_WILLNEED as u32,
    MADV_RANDOM as u32,
    MADV_REMOVE as u32,
    MADV_NORMAL as u32,
    MADV_FREE as u32,
];
const FCNTL: &[u32] = &[
    F_GETFL as u32,
    F_GETFD as u32,
    F_GET_SEALS as u32,
    F_SETFD as u32,
    F_SETLK as u32,
    F_SETLKW as u32,
    F_GETLK as u32,
    F_DUPFD as u32,
    F_DUPFD_CLOEXEC as u32,
];
const PRCTL: &[u32] =
    &[PR_GET_NAME as u32, PR_SET_NAME as u32, PR_GET_DUMPABLE as u32, PR_SET_DUMPABLE as u32];
const DMA_BUF_IOCTL_SYNC: u32 = 0x4008_6200;
const VM_AND_THREAD: u64 = (CLONE_VM | CLONE_THREAD) as u64;
const VFORK_AND_VM: u64 = (CLONE_VFORK | CLONE_VM) as u64;
/// The flags of `pthread_create` in glibc.
pub const NEW_THREAD: u64 = (CLONE_VM
    | CLONE_FS
    | CLONE_FILES
    | CLONE_SIGHAND
    | CLONE_THREAD
    | CLONE_SYSVSEM
    | CLONE_SETTLS
    | CLONE_PARENT_SETTID
    | CLONE_CHILD_CLEARTID) as u64;

#[rustfmt::skip]
pub const RULES: &[Rule] = &[
    // The renderer's own.
    rule(&[SYS_clock_getres], &[is(0, CLOCKS)], Allow, "RP, P RestrictClockID"),
    rule(&[SYS_ioctl], &[is(1, &[TCGETS as u32, FIONREAD as u32, DMA_BUF_IOCTL_SYNC])], Allow, "RP RestrictIoctl"),
    rule(&[SYS_fdatasync, SYS_fsync, SYS_ftruncate, SYS_getrlimit, SYS_setrlimit, SYS_mremap, SYS_pwrite64,
           SYS_sched_get_priority_max, SYS_sched_get_priority_min, SYS_sysinfo, SYS_times, SYS_uname], &[], Allow, "RP"),
    rule(&[SYS_sched_getaffinity, SYS_sched_getparam, SYS_sched_getscheduler, SYS_sched_setscheduler],
         &[is(0, &[0])], Allow, "RP, P RestrictSchedTarget"),
    rule(&[SYS_sched_getaffinity, SYS_sched_getparam, SYS_sched_getscheduler, SYS_sched_setscheduler],
         &[Own(0)], Allow, "RP, P RestrictSchedTarget"),
    rule(&[SYS_sched_getaffinity, SYS_sched_getparam, SYS_sched_getscheduler, SYS_sched_setscheduler],
         &[], Rewrite, "RP, P RestrictSchedTarget: a thread's own id becomes 0, others crash"),
    rule(&[SYS_prlimit64], &[is(0, &[0])], Allow, "RP, P RestrictPrlimit"),
    rule(&[SYS_prlimit64], &[Own(0)], Allow, "RP, P RestrictPrlimit"),
    rule(&[SYS_prlimit64], &[], Errno(EPERM), "RP, P RestrictPrlimit"),

    // Every sandboxed process's.
    rule(&[SYS_set_robust_list], &[], Allow, "BB"),
    rule(&[SYS_memfd_create], &[within(1, MFD_FLAGS as i32)], Allow, "BP, P RestrictMemfdCreate"),
    rule(&[SYS_memfd_create], &[], Verdict::Crash, "BP, P RestrictMemfdCreate"),
    rule(&[SYS_sendfile], &[], Errno(EPERM), "BP, S IsSendfile"),
    rule(&[SYS_sendmsg], &[within(2, MSG_DONTWAIT | MSG_NOSIGNAL)], Allow, "BP, P RestrictSockSendFlags"),
    rule(&[SYS_sendto], &[within(3, MSG_DONTWAIT | MSG_NOSIGNAL)], Allow, "BP, P RestrictSockSendFlags"),
    rule(&[SYS_brk, SYS_mlock, SYS_munlock, SYS_munmap, SYS_MSEAL], &[], Allow, "S IsAllowedAddressSpaceAccess"),
    rule(&[SYS_sched_yield, SYS_pause, SYS_nanosleep], &[], Allow, "S IsAllowedBasicScheduler"),
    rule(&[SYS_epoll_create, SYS_epoll_wait, SYS_epoll_pwait, SYS_epoll_create1, SYS_epoll_ctl], &[], Allow, "S IsAllowedEpoll"),
    rule(&[SYS_eventfd, SYS_eventfd2], &[], Allow, "S IsEventFd"),
    rule(&[SYS_fstat], &[], Allow, "S IsAllowedFileSystemAccessViaFd"),
    rule(&[SYS_lseek, SYS_poll, SYS_ppoll, SYS_pselect6, SYS_read, SYS_readv, SYS_pread64, SYS_recvfrom, SYS_recvmsg,
           SYS_select, SYS_write, SYS_writev], &[], Allow, "S IsAllowedGeneralIo"),
    rule(&[SYS_gettimeofday, SYS_time], &[], Allow, "S IsAllowedGettime"),
    rule(&[SYS_exit, SYS_exit_group, SYS_wait4, SYS_waitid], &[], Allow, "S IsAllowedProcessStartOrDeath"),
    rule(&[SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_rt_sigtimedwait, SYS_sigaltstack], &[], Allow, "S IsAllowedSignalHandling"),
    rule(&[SYS_capget, SYS_getegid, SYS_geteuid, SYS_getgid, SYS_getgroups, SYS_getpid, SYS_getppid, SYS_getresgid,
           SYS_getsid, SYS_gettid, SYS_getuid, SYS_getresuid], &[], Allow, "S IsGetSimpleId"),
    rule(&[SYS_restart_syscall], &[], Allow, "S IsKernelInternalApi"),
    rule(&[SYS_close, SYS_dup, SYS_dup2, SYS_dup3, SYS_shutdown], &[], Allow, "S IsAllowedOperationOnFd"),
    rule(&[SYS_rseq], &[], Allow, "BP"),
    rule(&[SYS_pkey_alloc], &[is(0, &[0])], Allow, "BP, P RestrictPkeyAllocFlags"),
    rule(&[SYS_pkey_free], &[], Allow, "BP"),
    rule(&[SYS_clock_gettime, SYS_clock_nanosleep], &[is(0, CLOCKS)], Allow, "BP, P RestrictClockID"),
    rule(&[SYS_clone], &[Long(0, !0, NEW_THREAD)], Allow, "BP, P RestrictCloneToThreadsAndEPERMFork"),
    rule(&[SYS_clone], &[Long(0, VM_AND_THREAD, 0)], Errno(EPERM), "BP, P RestrictCloneToThreadsAndEPERMFork"),
    rule(&[SYS_clone], &[Long(0, VFORK_AND_VM, VFORK_AND_VM)], Errno(EPERM), "BP, P RestrictCloneToThreadsAndEPERMFork"),
    rule(&[SYS_clone3, SYS_pidfd_open], &[], Errno(ENOSYS), "BP"),
    rule(&[SYS_fcntl], &[is(1, FCNTL)], Allow, "BP, P RestrictFcntlCommands"),
    rule(&[SYS_fcntl], &[is(1, &[F_SETFL as u32]), Long(2, !FILE_FLAGS, 0)], Allow, "BP, P RestrictFcntlCommands"),
    rule(&[SYS_fcntl], &[is(1, &[F_ADD_SEALS as u32]), Long(2, !SEALS, 0)], Allow, "BP, P RestrictFcntlCommands"),
    rule(&[SYS_fork, SYS_vfork], &[], Errno(EPERM), "BP"),
    rule(&[SYS_futex], &[Int(1, FUTEX_OP, FUTEX_OPS)], Allow, "BP, P RestrictFutex"),
    rule(&[SYS_futex], &[], Errno(EINVAL), "BP, P RestrictFutex (IsBuggyGlibcSemPost)"),
    rule(&[SYS_getpriority, SYS_setpriority], &[is(0, &[PRIO_PROCESS]), is(1, &[0])], Allow, "BP, P RestrictGetSetpriority"),
    rule(&[SYS_getpriority, SYS_setpriority], &[is(0, &[PRIO_PROCESS]), Own(1)], Allow, "BP, P RestrictGetSetpriority"),
    rule(&[SYS_getpriority, SYS_setpriority], &[is(0, &[PRIO_PROCESS])], Errno(EPERM), "BP, P RestrictGetSetpriority"),
    rule(&[SYS_getrandom], &[within(2, (GRND_NONBLOCK | GRND_INSECURE) as i32)], Allow, "BP, P RestrictGetRandom"),
    rule(&[SYS_madvise], &[is(2, ADVICE)], Allow, "BP"),
    rule(&[SYS_madvise], &[], Errno(EPERM), "BP"),
    rule(&[SYS_mmap], &[within(3, MAP_FLAGS)], Allow, "BP, P RestrictMmapFlags"),
    rule(&[SYS_mprotect, SYS_pkey_mprotect], &[within(2, PROT_READ | PROT_WRITE | PROT_EXEC)], Allow, "BP, P RestrictMprotectFlags"),
    rule(&[SYS_prctl], &[is(0, PRCTL)], Allow, "BP, P RestrictPrctl"),
    rule(&[SYS_prctl], &[is(0, &[PR_SET_PTRACER as u32])], Errno(EPERM), "BP, P RestrictPrctl"),
    rule(&[SYS_socketpair], &[is(0, &[AF_UNIX as u32])], Allow, "BP"),
    rule(&[SYS_mincore], &[], Allow, "BP"),
    rule(&[SYS_kill, SYS_tgkill], &[Own(0)], Allow, "BP, P RestrictKillTarget"),
    rule(&[SYS_newfstatat], &[], Rewrite, "BP, RewriteFstatatSIGSYS: of a descriptor becomes fstat, of a path EPERM"),
    rule(&[SYS_statx], &[is(3, &[STATX_BASIC_STATS])], Errno(ENOSYS), "BP"),
    rule(&[SYS_access, SYS_chmod, SYS_chown, SYS_creat, SYS_futimesat, SYS_lchown, SYS_link, SYS_lstat, SYS_mkdir,
           SYS_mknod, SYS_open, SYS_readlink, SYS_rename, SYS_rmdir, SYS_stat, SYS_symlink, SYS_unlink, SYS_uselib,
           SYS_ustat, SYS_utimes, SYS_execve, SYS_faccessat, SYS_faccessat2, SYS_fchmodat, SYS_fchownat, SYS_linkat,
           SYS_lookup_dcookie, SYS_mkdirat, SYS_mknodat, SYS_openat, SYS_readlinkat, SYS_renameat, SYS_renameat2,
           SYS_statfs, SYS_statx, SYS_symlinkat, SYS_truncate, SYS_unlinkat, SYS_utime, SYS_utimensat],
         &[], Errno(EPERM), "BP, S IsFileSystem, BB kFSDeniedErrno"),
    rule(&[SYS_getcwd, SYS_chdir, SYS_fchdir], &[], Errno(EPERM), "BP, S IsCurrentDirectory, BB kFSDeniedErrno"),
    rule(&[SYS_seccomp], &[], Errno(EPERM), "BP, S IsSeccomp"),
    rule(&[SYS_semctl, SYS_semget, SYS_semop, SYS_semtimedop, SYS_shmat, SYS_shmctl, SYS_shmdt, SYS_shmget, SYS_msgctl,
           SYS_msgget, SYS_msgrcv, SYS_msgsnd], &[], Errno(EPERM), "BP, S IsAnySystemV"),
    rule(&[SYS_umask], &[], Errno(EPERM), "BP, S IsUmask"),
    rule(&[SYS_fallocate, SYS_fchmod, SYS_fchown, SYS_getdents, SYS_getdents64], &[], Errno(EPERM), "BP, S IsDeniedFileSystemAccessViaFd"),
    rule(&[SYS_accept, SYS_accept4, SYS_bind, SYS_connect, SYS_socket, SYS_listen], &[], Errno(EPERM), "BP, S IsDeniedGetOrModifySocket"),
    rule(&[SYS_capset, SYS_ioperm, SYS_iopl, SYS_setfsgid, SYS_setfsuid, SYS_setgid, SYS_setgroups, SYS_setregid,
           SYS_setresgid, SYS_setresuid, SYS_setreuid, SYS_setuid], &[], Errno(EPERM), "BP, S IsProcessPrivilegeChange"),
    rule(&[SYS_getsockopt, SYS_setsockopt], &[is(1, &[SOL_SOCKET as u32]), is(2, &[SO_PEEK_OFF as u32])], Allow, "BP"),
    rule(&[SYS_rt_tgsigqueueinfo], &[Own(0)], Allow, "BP"),
    rule(&[SYS_rt_tgsigqueueinfo], &[], Errno(EPERM), "BP"),
    rule(&[SYS_pipe], &[], Allow, "BP"),
    rule(&[SYS_pipe2], &[within(1, O_CLOEXEC | O_DIRECT | O_NONBLOCK)], Allow, "BP, P RestrictPipe2"),
];

/// What the table says of a call of process `pid`, and by which rule.
pub fn decide(call: c_long, arguments: &[u64; 6], pid: u32) -> (Option<usize>, Verdict) {
    for (index, rule) in RULES.iter().enumerate().filter(|(_, rule)| rule.calls.contains(&call)) {
        let mut holds = true;
        for when in rule.when {
            let (argument, is_long) = match *when {
                Int(argument, ..) | Own(argument) => (arguments[argument], false),
                Long(argument, ..) => (arguments[argument], true),
            };
            if !is_long
                && argument != u64::from(argument as u32)
                && argument as i64 != i64::from(argument as i32)
            {
                return (None, Verdict::Crash);
            }
            holds = match *when {
                Int(_, mask, values) => values.contains(&(argument as u32 & mask)),
                Long(_, mask, value) => argument & mask == value,
                Own(_) => argument as u32 == pid,
            };
            if !holds {
                break;
            }
        }
        if holds {
            return (Some(index), rule.then);
        }
    }
    (None, Verdict::Crash)
}
