//! What a program without Rust's standard library needs besides the core: a place for panics to end.
#![no_std]

pub use frame_ring_core::c_abi;

#[panic_handler]
fn end(_: &core::panic::PanicInfo<'_>) -> ! {
    extern "C" {
        fn abort() -> !;
    }
    // SAFETY: the C library's `abort` takes nothing and does not return.
    unsafe { abort() }
}

/// The precompiled `core` names it, and nothing here unwinds.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}
