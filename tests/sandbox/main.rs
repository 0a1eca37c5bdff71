//! A producer in the sandbox of a browser: under a filter that equals the renderer policy of Chromium it attaches, sends,
//! wakes, waits and detaches. A forbidden call kills it, and with it the test.

#[path = "../support/mod.rs"]
mod support;

#[cfg(all(target_arch = "x86_64", target_env = "gnu"))]
mod filter;
#[cfg(all(target_arch = "x86_64", target_env = "gnu"))]
mod handler;
#[cfg(all(target_arch = "x86_64", target_env = "gnu"))]
mod policy;
#[cfg(all(target_arch = "x86_64", target_env = "gnu"))]
mod probes;
#[cfg(all(target_arch = "x86_64", target_env = "gnu"))]
mod traffic;

/// Says that a test did not run, where a green test's own output is not shown.
fn not_run(why: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "\nNOT RUN: the sandbox: {why}\n");
}

#[cfg(not(all(target_arch = "x86_64", target_env = "gnu")))]
#[test]
fn the_table_is_for_another_machine() {
    not_run("the table of calls is that of Linux on x86-64 with glibc");
}

#[cfg(all(target_arch = "x86_64", target_env = "gnu"))]
mod tests {
    use super::support::child::Actor;
    use super::{filter, not_run, traffic};

    fn in_sandbox(test: impl FnOnce()) {
        match filter::missing() {
            None => test(),
            Some(why) => not_run(&format!("this kernel has no seccomp filters: {why}")),
        }
    }

    #[test]
    fn a_producer_does_its_whole_life_under_the_policy() {
        in_sandbox(|| traffic::crate_producer(false));
    }

    #[test]
    fn a_producer_that_is_given_only_memory_and_eventfd_sends_under_the_policy() {
        in_sandbox(|| traffic::bare_producer(false));
    }

    #[test]
    fn while_a_producer_sends_it_asks_the_kernel_only_to_wake_and_to_wait() {
        in_sandbox(|| traffic::crate_producer(true));
    }

    #[test]
    fn while_a_bare_producer_sends_it_asks_the_kernel_only_to_wake() {
        in_sandbox(|| traffic::bare_producer(true));
    }

    #[test]
    fn the_kernel_judges_every_call_as_the_table_says() {
        in_sandbox(|| {
            let mut judge = Actor::start("judge", "");
            judge.expect("judged");
            judge.finish();
        });
    }
}

#[test]
fn child_entry() {
    #[cfg(all(target_arch = "x86_64", target_env = "gnu"))]
    support::child::play(|role, argument| match role {
        "crate" => traffic::crate_child(argument == "counted"),
        "bare" => traffic::bare_child(argument == "counted"),
        "judge" => probes::judge(),
        other => panic!("no role {other}"),
    });
}
