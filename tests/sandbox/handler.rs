//! The handler of `SIGSYS`, as a renderer has one: it makes another call in the place of two, and dies of all others.
//!
//! It also counts calls. A second program then traps every call that is not made by this file's one `syscall`
//! instruction: the handler counts it and makes it there, where the kernel judges it by the table.

use std::ffi::{c_int, c_void};
use std::io;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::filter;

std::arch::global_asm!(
    ".globl sandbox_call",
    ".globl sandbox_called",
    "sandbox_call:",
    "mov rax, rdi",
    "mov r11, rsi",
    "mov rdi, [r11]",
    "mov rsi, [r11 + 8]",
    "mov rdx, [r11 + 16]",
    "mov r10, [r11 + 24]",
    "mov r8, [r11 + 32]",
    "mov r9, [r11 + 40]",
    "syscall",
    "sandbox_called:",
    "ret",
);

extern "C" {
    /// Makes a system call; returns what the kernel does, errors as negative numbers.
    fn sandbox_call(call: i64, arguments: *const u64) -> i64;
    /// Not a function: the address that the kernel sees calls of `sandbox_call` come from.
    fn sandbox_called();
}

/// Makes a call, uncounted.
///
/// # Safety
/// As for the call.
pub unsafe fn call(number: i64, arguments: &[u64; 6]) -> i64 {
    // SAFETY: the six words are there; what the call does with them is the caller's promise.
    unsafe { sandbox_call(number, arguments.as_ptr()) }
}

fn trampoline() -> u64 {
    sandbox_called as *const () as u64
}

static COUNTING: AtomicBool = AtomicBool::new(false);
/// By number of the call and detail.
static COUNTS: [[AtomicU32; DETAILS]; CALLS] = [const { [const { AtomicU32::new(0) }; DETAILS] }; CALLS];
const CALLS: usize = 512;
const DETAILS: usize = 16;

/// What tells calls of one number apart: a futex's operation, the descriptor that is read or written.
fn detail(number: i64, arguments: &[u64; 6]) -> usize {
    let of = match number {
        libc::SYS_futex => arguments[1] as usize & 0x7f,
        libc::SYS_read | libc::SYS_write => arguments[0] as usize,
        _ => 0,
    };
    of.min(DETAILS - 1)
}

/// Calls that were made since `restart`: number, detail, how often.
pub fn counts() -> Vec<(i64, usize, u32)> {
    let mut made = Vec::with_capacity(CALLS);
    for (number, details) in COUNTS.iter().enumerate() {
        for (detail, count) in details.iter().enumerate() {
            match count.load(Ordering::Relaxed) {
                0 => {}
                count => made.push((number as i64, detail, count)),
            }
        }
    }
    made
}

/// Counts from zero.
pub fn restart() {
    for count in COUNTS.iter().flatten() {
        count.store(0, Ordering::Relaxed);
    }
}

/// Puts this process under the renderer's policy. With `counted`, its calls are counted from now on.
pub fn enter(counted: bool) -> io::Result<()> {
    // SAFETY: all-zero is a valid `sigaction`.
    let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    action.sa_sigaction = on_sigsys as *const () as usize;
    action.sa_flags = libc::SA_SIGINFO | libc::SA_NODEFER;
    // SAFETY: the handler makes nothing but system calls and atomic additions.
    if unsafe { libc::sigaction(libc::SIGSYS, &action, std::ptr::null_mut()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let policy = filter::compile(std::process::id());
    if counted {
        COUNTING.store(true, Ordering::Relaxed);
        // The table comes last: it does not let `seccomp` through.
        let counting = filter::trap_all_but(trampoline());
        filter::install(&[&counting, &policy])?;
        restart();
        return Ok(());
    }
    filter::install(&[&policy])
}

extern "C" fn on_sigsys(_: c_int, _: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel passes the interrupted state, which is this handler's alone until it returns.
    let registers = unsafe { &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs };
    let register = |at: c_int| registers[at as usize] as u64;
    let number = register(libc::REG_RAX) as i64;
    let arguments = [libc::REG_RDI, libc::REG_RSI, libc::REG_RDX, libc::REG_R10, libc::REG_R8, libc::REG_R9]
        .map(register);
    let result = if COUNTING.load(Ordering::Relaxed) && register(libc::REG_RIP) != trampoline() {
        if let Some(counts) = COUNTS.get(number as usize) {
            counts[detail(number, &arguments)].fetch_add(1, Ordering::Relaxed);
        }
        // SAFETY: the very call that was asked for.
        unsafe { call(number, &arguments) }
    } else {
        forbidden(number, &arguments)
    };
    registers[libc::REG_RAX as usize] = result;
}

/// What is done in the place of a call that the table lets nobody make.
fn forbidden(number: i64, arguments: &[u64; 6]) -> i64 {
    // SAFETY: both calls do less than the one that was asked for with the same arguments.
    unsafe {
        match number {
            libc::SYS_newfstatat => {
                let path = arguments[1] as *const u8;
                let of_descriptor =
                    arguments[3] == libc::AT_EMPTY_PATH as u64 && !path.is_null() && *path == 0;
                if !of_descriptor {
                    return -i64::from(libc::EPERM);
                }
                call(libc::SYS_fstat, &[arguments[0], arguments[2], 0, 0, 0, 0])
            }
            libc::SYS_sched_getaffinity
            | libc::SYS_sched_getparam
            | libc::SYS_sched_getscheduler
            | libc::SYS_sched_setscheduler
                if arguments[0] as i64 == call(libc::SYS_gettid, &[0; 6]) =>
            {
                call(number, &[0, arguments[1], arguments[2], 0, 0, 0])
            }
            _ => die(number),
        }
    }
}

/// Names the call and dies of `SIGSYS`. Allocates nothing: the interrupted code may hold the allocator's lock.
fn die(number: i64) -> ! {
    let mut text = *b"the sandbox forbids system call 000\n";
    let digits = text.len() - 4;
    for (at, unit) in [(0, 100), (1, 10), (2, 1)] {
        text[digits + at] = b'0' + (number / unit % 10) as u8;
    }
    // SAFETY: the calls are given live memory, and end this process.
    unsafe {
        call(libc::SYS_write, &[2, text.as_ptr() as u64, text.len() as u64, 0, 0, 0]);
        let default: libc::sigaction = MaybeUninit::zeroed().assume_init();
        // The kernel's own structure begins like the library's where all is zero.
        call(libc::SYS_rt_sigaction, &[libc::SIGSYS as u64, (&raw const default) as u64, 0, 8, 0, 0]);
        let (process, thread) = (call(libc::SYS_getpid, &[0; 6]), call(libc::SYS_gettid, &[0; 6]));
        call(libc::SYS_tgkill, &[process as u64, thread as u64, libc::SIGSYS as u64, 0, 0, 0]);
        loop {
            call(libc::SYS_exit_group, &[255, 0, 0, 0, 0, 0]);
        }
    }
}
