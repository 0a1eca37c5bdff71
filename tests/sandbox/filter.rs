//! The table as a program for the kernel, and its installation.

use std::io;

use libc::{c_long, sock_filter, sock_fprog};

use super::policy::{Rule, Verdict, When, RULES};

const AUDIT_ARCH_X86_64: u32 = 0xc000_003e;
/// System call numbers of the other, 32-bit, ABI of the same processor begin here.
const X32: u32 = 0x4000_0000;

// Offsets in `seccomp_data`.
const CALL: u32 = 0;
const ARCH: u32 = 4;
const ADDRESS: u32 = 8;
const fn low(argument: usize) -> u32 {
    16 + 8 * argument as u32
}
const fn high(argument: usize) -> u32 {
    low(argument) + 4
}

const LOAD: u32 = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
const AND: u32 = libc::BPF_ALU | libc::BPF_AND | libc::BPF_K;
const RETURN: u32 = libc::BPF_RET | libc::BPF_K;
const EQUAL: u32 = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
const AT_LEAST: u32 = libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K;
const ANY_BIT: u32 = libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K;

/// Where a jump goes: so many instructions further, or past the end of its block.
#[derive(Debug, Clone, Copy)]
enum To {
    Next(u8),
    End,
}

/// Instructions that are left by their end, or by a verdict.
#[derive(Debug, Default)]
struct Block(Vec<(u32, u32, To, To)>);

impl Block {
    fn plain(&mut self, code: u32, k: u32) {
        self.0.push((code, k, To::Next(0), To::Next(0)));
    }

    fn jump(&mut self, code: u32, k: u32, yes: To, no: To) {
        self.0.push((code, k, yes, no));
    }

    fn finish(self, program: &mut Vec<sock_filter>) {
        let len = self.0.len();
        for (at, (code, k, yes, no)) in self.0.into_iter().enumerate() {
            let offset = |to| match to {
                To::Next(skipped) => skipped,
                To::End => u8::try_from(len - at - 1).expect("a short block"),
            };
            program.push(sock_filter { code: code as u16, jt: offset(yes), jf: offset(no), k });
        }
    }
}

fn action(verdict: Verdict) -> u32 {
    match verdict {
        Verdict::Allow => libc::SECCOMP_RET_ALLOW,
        Verdict::Errno(errno) => libc::SECCOMP_RET_ERRNO | errno as u32,
        Verdict::Rewrite | Verdict::Crash => libc::SECCOMP_RET_TRAP,
    }
}

/// The program of the whole table for process `pid`.
pub fn compile(pid: u32) -> Vec<sock_filter> {
    let mut program = Vec::new();
    let mut start = Block::default();
    start.plain(LOAD, ARCH);
    start.jump(EQUAL, AUDIT_ARCH_X86_64, To::Next(1), To::Next(0));
    start.plain(RETURN, libc::SECCOMP_RET_KILL_PROCESS);
    start.plain(LOAD, CALL);
    start.jump(AT_LEAST, X32, To::Next(0), To::Next(1));
    start.plain(RETURN, action(Verdict::Crash));
    start.finish(&mut program);
    for rule in RULES {
        for call in rule.calls {
            block(rule, *call, pid).finish(&mut program);
        }
    }
    program.push(sock_filter { code: RETURN as u16, jt: 0, jf: 0, k: action(Verdict::Crash) });
    program
}

/// One rule for one call.
fn block(rule: &Rule, call: c_long, pid: u32) -> Block {
    let mut block = Block::default();
    block.plain(LOAD, CALL);
    block.jump(EQUAL, call as u32, To::Next(0), To::End);
    for when in rule.when {
        match *when {
            When::Int(argument, mask, values) => {
                check_upper_half(&mut block, argument);
                block.plain(LOAD, low(argument));
                block.plain(AND, mask);
                for (at, value) in values.iter().enumerate() {
                    let rest = (values.len() - at - 1) as u8;
                    let no = if rest == 0 { To::End } else { To::Next(0) };
                    block.jump(EQUAL, *value, To::Next(rest), no);
                }
            }
            When::Own(argument) => {
                check_upper_half(&mut block, argument);
                block.plain(LOAD, low(argument));
                block.jump(EQUAL, pid, To::Next(0), To::End);
            }
            When::Long(argument, mask, value) => {
                for (half, shift) in [(low(argument), 0), (high(argument), 32)] {
                    block.plain(LOAD, half);
                    block.plain(AND, (mask >> shift) as u32);
                    block.jump(EQUAL, (value >> shift) as u32, To::Next(0), To::End);
                }
            }
        }
    }
    block.plain(RETURN, action(rule.then));
    block
}

/// The upper half of a 32-bit argument repeats its sign or is zero, or the call kills.
fn check_upper_half(block: &mut Block, argument: usize) {
    block.plain(LOAD, high(argument));
    block.jump(EQUAL, 0, To::Next(4), To::Next(0));
    block.jump(EQUAL, !0, To::Next(0), To::Next(2));
    block.plain(LOAD, low(argument));
    block.jump(ANY_BIT, 1 << 31, To::Next(1), To::Next(0));
    block.plain(RETURN, action(Verdict::Crash));
}

/// A program that traps every call, but for those made at `address` and for the return from a signal's handler.
pub fn trap_all_but(address: u64) -> Vec<sock_filter> {
    let mut block = Block::default();
    block.plain(LOAD, CALL);
    block.jump(EQUAL, libc::SYS_rt_sigreturn as u32, To::Next(4), To::Next(0));
    block.plain(LOAD, ADDRESS);
    block.jump(EQUAL, address as u32, To::Next(0), To::Next(3));
    block.plain(LOAD, ADDRESS + 4);
    block.jump(EQUAL, (address >> 32) as u32, To::Next(0), To::Next(1));
    block.plain(RETURN, libc::SECCOMP_RET_ALLOW);
    block.plain(RETURN, libc::SECCOMP_RET_TRAP);
    let mut program = Vec::new();
    block.finish(&mut program);
    program
}

/// Puts this thread, and all that it makes, under programs, for ever. The kernel takes the strictest verdict.
///
/// Not the process's other threads: one that has its signals blocked at that moment, as while it makes a thread, would
/// die of a trap.
pub fn install(programs: &[&[sock_filter]]) -> io::Result<()> {
    // SAFETY: changes nothing but that no exec of this process gains privileges.
    if unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) } != 0 {
        return Err(io::Error::last_os_error());
    }
    for program in programs {
        let len = u16::try_from(program.len()).map_err(io::Error::other)?;
        let program = sock_fprog { len, filter: program.as_ptr().cast_mut() };
        // SAFETY: `program` and the instructions that it points to outlive the call, which only reads them.
        let done = unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &program) };
        if done != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// What this kernel lacks for such a program, if anything.
pub fn missing() -> Option<io::Error> {
    let action = libc::SECCOMP_RET_TRAP;
    // SAFETY: the call reads the one word that it is given, which outlives it.
    let there = unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_GET_ACTION_AVAIL, 0, &action) };
    (there != 0).then(io::Error::last_os_error)
}
