#!/usr/bin/env bash
# Breaks the protocol in one place at a time, in a scratch copy, and shows whether the tests notice.
#
#   core/tests/mutants.sh [PATTERN]     only mutants whose name matches the extended regular expression PATTERN
#
# Each line of the output is a mutant, and the test that failed, or SURVIVED. What is known to survive, and why, is
# told in loom/main.rs. Takes half an hour or more; not part of CI. Set MUTANTS_DIR to keep the build between runs.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
pattern=${1:-.}
work=${MUTANTS_DIR:-$(mktemp -d)}
[ -n "${MUTANTS_DIR:-}" ] || trap 'rm -rf "$work"' EXIT
mkdir -p "$work/tree"
cp "$here/../Cargo.lock" "$work/tree/"
cat > "$work/tree/Cargo.toml" <<'TOML'
[workspace]
members = ["core"]
resolver = "2"
[workspace.package]
version = "0.1.0"
edition = "2021"
rust-version = "1.85"
license = "MIT OR Apache-2.0"
[workspace.lints.rust]
unexpected_cfgs = { level = "warn", check-cfg = ["cfg(loom)"] }
TOML

# All models, the quick ones first.
all="loom:release loom:death loom:what_fits loom:order loom:more loom:across loom:wait:: loom:limits loom:pads loom:sleeps loom:a_pad"

# mutant NAME FILE TESTS OLD NEW: replaces OLD, which must occur once in src/FILE, by NEW. What the crate does with the
# core's decisions, wake by a system call and wait, the models do themselves: such mutants are made in tests/loom.
# TESTS: loom:FILTER, model or hostile, separated by blanks.
mutant() {
    local name=$1 file=$2 tests=$3
    [[ $name =~ $pattern ]] || return 0
    rm -rf "$work/tree/core"
    cp -r "$here" "$work/tree/core"
    if ! python3 - "$work/tree/core/src/$file" "$4" "$5" <<'PYTHON'
import sys
path, old, new = sys.argv[1:]
text = open(path).read()
if text.count(old) != 1:
    sys.exit(f"{path}: {text.count(old)} times: {old}")
open(path, "w").write(text.replace(old, new))
PYTHON
    then
        printf '%-44s DID NOT APPLY\n' "$name"
        return 0
    fi
    local test verdict="SURVIVED ${tests//loom:/}"
    for test in $tests; do
        local flags="" filter="" suite=${test%%:*} log="$work/log" status=0
        [ "$suite" != loom ] || { flags="--cfg loom"; filter=${test#loom:}; }
        local run=(cargo test -q -p frame-ring-core --release --test "$suite")
        cd "$work/tree"
        export CARGO_TARGET_DIR="$work/target-$suite" RUSTFLAGS="$flags" RUST_BACKTRACE=0
        if ! "${run[@]}" --no-run > "$log" 2>&1; then
            verdict="DID NOT BUILD"
            break
        fi
        # shellcheck disable=SC2086
        timeout 600 "${run[@]}" -- $filter > "$log" 2>&1 || status=$?
        if [ $status = 124 ]; then
            verdict="killed: $suite does not end"
            break
        elif [ $status != 0 ]; then
            verdict="killed: $suite $(grep -m1 -oE '^    [a-z_:]+$' "$log" | tr -d ' ' || true)"
            break
        fi
    done
    printf '%-44s %s\n' "$name" "$verdict"
}

# The claim.
mutant claim-tail-load-relaxed claim.rs "$all" \
    'let tail = Cursor(arena.control().tail.0.load(Ordering::Acquire));' \
    'let tail = Cursor(arena.control().tail.0.load(Ordering::Relaxed));'
mutant claim-slot-load-relaxed claim.rs "$all" \
    'let word = SlotWord(slot.load(Ordering::Acquire));' 'let word = SlotWord(slot.load(Ordering::Relaxed));'
mutant claim-head-load-relaxed claim.rs "$all" \
    'let head = Cursor(arena.control().head.0.load(Ordering::Acquire));' \
    'let head = Cursor(arena.control().head.0.load(Ordering::Relaxed));'
mutant claim-exchange-relaxed claim.rs "$all" \
    'if slot.compare_exchange(word.0, claimed.0, Ordering::AcqRel, Ordering::Relaxed).is_err() {' \
    'if slot.compare_exchange(word.0, claimed.0, Ordering::Relaxed, Ordering::Relaxed).is_err() {'
mutant claim-by-a-store claim.rs "loom:deliver" \
    'if slot.compare_exchange(word.0, claimed.0, Ordering::AcqRel, Ordering::Relaxed).is_err() {' \
    'slot.store(claimed.0, Ordering::Release); if false {'
mutant claim-without-lap-check claim.rs "loom:deliver model" \
    'match geometry.laps_ahead(word.lap(), tail.index()) {' \
    'match 0 * geometry.laps_ahead(word.lap(), tail.index()) {'
mutant claim-does-not-help claim.rs "loom:death" \
    'move_tail(arena, tail, geometry.advance(tail, word.len()));
        return Attempt::Again;' \
    'return Attempt::Refused { tail, why: Refusal::FullSlots };'
mutant claim-leaves-its-tail-to-others claim.rs "loom:death loom:sleep loom:deliver model" \
    'move_tail(arena, tail, geometry.advance(tail, first));' ''
mutant tail-exchange-relaxed claim.rs "$all" \
    'compare_exchange(from.0, to.0, Ordering::AcqRel, Ordering::Relaxed)' \
    'compare_exchange(from.0, to.0, Ordering::Relaxed, Ordering::Relaxed)'
mutant tail-by-a-store claim.rs "loom:deliver loom:death" \
    'let _ = arena.control().tail.0.compare_exchange(from.0, to.0, Ordering::AcqRel, Ordering::Relaxed);' \
    'let _ = from; arena.control().tail.0.store(to.0, Ordering::Release);'
mutant pad-checked-without-its-claim claim.rs "loom:deliver model" '(room, room + len, 2)' '(room, room, 1)'
mutant pad-that-is-claimed claim.rs "loom:deliver model" \
    'let state = if is_pad { State::Aborted }' 'let state = if is_pad { State::Claimed }'
mutant refusal-without-a-second-look-at-tail claim.rs "$all" \
    'if arena.control().tail.0.load(Ordering::Acquire) == tail.0 {' 'if tail == tail {'
mutant refusal-without-a-second-look-at-head claim.rs "loom:deliver" \
    '_ if arena.control().head.0.load(Ordering::Acquire) != head.0 => return Attempt::Again,' ''
mutant refusal-while-the-ring-is-rewound claim.rs "loom:deliver" \
    'match behind_rewind(arena, geometry, head) {' 'match behind_rewind(arena, geometry, head).filter(|_| false) {'
mutant behind-rewind-load-relaxed claim.rs "$all" \
    'arena.word(geometry.slot(head.index())).load(Ordering::Acquire)' \
    'arena.word(geometry.slot(head.index())).load(Ordering::Relaxed)'
mutant behind-any-pad-is-free claim.rs "loom:deliver loom:death model" \
    'State::Aborted, 0, word.len())' 'State::Aborted, word.owner(), word.len())'
mutant limits-ignored claim.rs "loom:limits model" 'Class::Video => whole - whole / 8' 'Class::Video => whole'
mutant limits-of-slots-ignored claim.rs "loom:limits model" \
    'u64::from(class.limit(geometry.slots()))' 'u64::from(geometry.slots())'
mutant limits-of-the-first-try-only claim.rs "loom:limits model" \
    'for _ in 0..RETRIES {
        match attempt(arena, &geometry, owner, class, len) {' \
    'for again in 0..RETRIES {
        match attempt(arena, &geometry, owner, if again == 0 { class } else { Class::Event }, len) {'
mutant limits-for-everybody claim.rs "loom:limits model" 'Class::Event => whole' 'Class::Event => whole - whole / 8'
mutant limits-with-a-unit-to-spare claim.rs "loom:limits model" \
    'if used + u64::from(needed) > u64::from(class' 'if used + u64::from(needed) >= u64::from(class'
mutant commit-relaxed claim.rs "loom:deliver" \
    'claim.word.with_state(state).0, Ordering::AcqRel' 'claim.word.with_state(state).0, Ordering::Relaxed'
mutant commit-by-a-store claim.rs "loom:burial" \
    'slot.compare_exchange(claim.word.0, claim.word.with_state(state).0, Ordering::AcqRel, Ordering::Relaxed)
        .map_err(|_| Revoked)?;' \
    'slot.store(claim.word.with_state(state).0, Ordering::Release); if false { return Err(Revoked) }'

# Sleeping and waking.
mutant no-fence-before-the-sleep wake.rs "loom:sleeps" \
    '// Pairs with the fence in `after_publish`.
    fence(Ordering::SeqCst);' ''
mutant no-fence-behind-a-commit wake.rs "loom:sleeps" \
    '// Pairs with the fence in `announce_sleep`.
    fence(Ordering::SeqCst);' ''
mutant no-fence-before-the-wait-for-space wake.rs "loom:wait::" \
    '// Pairs with the fence in `after_release`.
    fence(Ordering::SeqCst);' ''
mutant no-fence-behind-a-release wake.rs "loom:wait::" \
    '// Pairs with the fence in `announce_wait_for_space`.
    fence(Ordering::SeqCst);' ''
mutant space-as-a-flag wake.rs "loom:wait::" \
    'control.space.0.fetch_add(1, Ordering::AcqRel) & 1' 'control.space.0.swap(0, Ordering::AcqRel) & 1'
mutant space-that-ends wake.rs "loom:wait::" \
    'control.space.0.fetch_add(1, Ordering::AcqRel) & 1 != 0' \
    'control.space.0.fetch_update(Ordering::AcqRel, Ordering::Relaxed, |space| space.checked_add(1)).is_ok()'
mutant space-that-stays-announced wake.rs "loom:wait::" \
    '&& control.space.0.fetch_add(1, Ordering::AcqRel) & 1 != 0' ''
mutant no-wake-by-the-woken ../tests/loom/sleep.rs "loom:wait::" 'if woken && claim.is_ok() {' 'if false {'
mutant no-wake-but-by-the-woken ../tests/loom/sleep.rs "loom:wait::" 'if freed.wake_producers {' 'if false {'
mutant the-woken-does-not-announce-again ../tests/loom/sleep.rs "loom:wait::" \
    'let waiting = announce_wait_for_space(control);' \
    'let waiting = match woken {
                    true => control.space.0.load(Ordering::Relaxed),
                    false => announce_wait_for_space(control),
                };'
mutant a-close-wakes-whom-the-word-tells-of ../tests/loom/sleep.rs "loom:wait::" \
    'let _ = after_release(control);
        self.space.wake_all();' 'if after_release(control) { self.space.wake_all(); }'
mutant a-close-wakes-one ../tests/loom/sleep.rs "loom:wait::" 'self.space.wake_all();' 'self.space.wake_one();'
mutant a-wake-is-left-to-the-first wake.rs "loom:a_waker model" \
    'before < EAGER || before.is_power_of_two()' 'before == 0'
mutant a-wake-for-each-frame wake.rs "model" 'before < EAGER || before.is_power_of_two()' 'true'
mutant no-wake-behind-a-commit wake.rs "loom:sleeps model" '1 => Some(Sleep::Futex),' '1 => None,'

# The gate and the entries.
mutant release-relaxed ledger.rs "loom:release loom:death" \
    'self.released.store(1, Ordering::Release);' 'self.released.store(1, Ordering::Relaxed);'
mutant is-released-relaxed ledger.rs "$all" \
    'self.released.load(Ordering::Acquire)' 'self.released.load(Ordering::Relaxed)'
mutant release-not-forgotten ledger.rs "loom:deliver model" 'self.ledger.entry(slot).released.store(0, Ordering::Relaxed);' ''
mutant gate-entered-relaxed ledger.rs "loom:release" \
    'compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed)' \
    'compare_exchange(FREE, HELD, Ordering::Relaxed, Ordering::Relaxed)'
mutant gate-left-relaxed ledger.rs "loom:release" \
    'compare_exchange(HELD, FREE, Ordering::AcqRel, Ordering::Acquire)' \
    'compare_exchange(HELD, FREE, Ordering::Relaxed, Ordering::Relaxed)'
mutant gate-left-without-a-look ledger.rs "loom:release" \
    'if self.ledger.gate.compare_exchange(HELD, FREE, Ordering::AcqRel, Ordering::Acquire).is_ok() {' \
    'if self.ledger.gate.swap(FREE, Ordering::AcqRel) != 9 {'
mutant gate-dirty-relaxed ledger.rs "$all" \
    'self.gate.fetch_or(DIRTY, Ordering::AcqRel)' 'self.gate.fetch_or(DIRTY, Ordering::Relaxed)'
mutant gate-not-marked ledger.rs "loom:release" 'if self.gate.fetch_or(DIRTY, Ordering::AcqRel) != FREE {' 'if true {'
mutant gate-marked-once ledger.rs "loom:release" \
    'if self.gate.fetch_or(DIRTY, Ordering::AcqRel) != FREE {' \
    'if self.gate.load(Ordering::Relaxed) == DIRTY || self.gate.fetch_or(DIRTY, Ordering::AcqRel) != FREE {'
mutant gate-cleaned-relaxed ledger.rs "loom:release" \
    'self.ledger.gate.swap(HELD, Ordering::AcqRel);' 'self.ledger.gate.swap(HELD, Ordering::Relaxed);'

# The walk.
mutant walk-load-relaxed walk.rs "loom:deliver" \
    'let word = SlotWord(arena.word(slot).load(Ordering::Acquire));
        if word.lap()' \
    'let word = SlotWord(arena.word(slot).load(Ordering::Relaxed));
        if word.lap()'
mutant second-look-relaxed walk.rs "$all" \
    'let word = SlotWord(arena.word(slot).load(Ordering::Acquire));
        let (seen' \
    'let word = SlotWord(arena.word(slot).load(Ordering::Relaxed));
        let (seen'
mutant walk-past-its-own-order walk.rs "loom:deliver model" 'blocked.insert(word.owner());
                    before = slot;' 'before = slot;'
mutant walk-without-lap-check walk.rs "hostile" 'if word.lap() != geometry.lap(index) {' 'if false {'
mutant walk-without-length-check walk.rs "hostile" 'if word.len() > room {' 'if false {'
mutant walk-over-held-frames walk.rs "hostile" 'geometry.room(at).min(left)' 'geometry.room(at).min(left.max(1 << 30))'
mutant second-look-believes-everything walk.rs "hostile" 'if !legal {' 'if false && !legal {'
mutant walk-forgets-its-poison walk.rs "hostile" 'held.books(|books| books.poison = Some(why));
            NextError' 'NextError'

# Bytes that come back.
mutant sweep-does-not-help walk.rs "loom:death loom:deliver" 'if tail == head {' 'if false {'
mutant sweep-tail-load-relaxed walk.rs "$all" \
    'let mut tail = Cursor(arena.control().tail.0.load(Ordering::Acquire));' \
    'let mut tail = Cursor(arena.control().tail.0.load(Ordering::Relaxed));'
mutant head-store-relaxed walk.rs "$all" 'arena.control().head.0.store(head.0, Ordering::Release);' \
    'arena.control().head.0.store(head.0, Ordering::Relaxed);'
mutant free-store-relaxed walk.rs "$all" \
    'arena.word(geometry.slot(index)).store(free.0, Ordering::Release);' \
    'arena.word(geometry.slot(index)).store(free.0, Ordering::Relaxed);'
mutant head-behind-the-slots walk.rs "$all" \
    'arena.control().head.0.store(head.0, Ordering::Release);
        for index in start.index()..start.index() + head.claims_since(start) {' \
    'for index in (start.index()..=start.index() + head.claims_since(start)).rev() {
            if index == start.index() + head.claims_since(start) { continue; }
            if index == start.index() {
                let free = SlotWord::free(geometry.next_lap(index));
                arena.word(geometry.slot(index)).store(free.0, Ordering::Release);
                arena.control().head.0.store(head.0, Ordering::Release);
                break;
            }'
mutant rewind-exchange-relaxed walk.rs "$all" \
    'compare_exchange(free.0, pad.0, Ordering::AcqRel, Ordering::Relaxed)' \
    'compare_exchange(free.0, pad.0, Ordering::Relaxed, Ordering::Relaxed)'
mutant rewind-by-a-store walk.rs "loom:deliver" \
    'if slot.compare_exchange(free.0, pad.0, Ordering::AcqRel, Ordering::Relaxed).is_err() {' \
    'slot.store(pad.0, Ordering::Release); if free.0 == 1 {'
mutant rewind-leaves-tail walk.rs "loom:deliver model" \
    'move_tail(arena, at, next);
        self.books(|b| b.frontier' 'self.books(|b| b.frontier'
mutant rewind-leaves-anothers-pad walk.rs "loom:a_pad model" \
    'Ok(Some((_, word))) if word.state() == State::Aborted => pad = word,' ''
mutant no-rewind walk.rs "loom:deliver model" 'self.rewind(arena);' ''

# The dead.
mutant burial-by-a-store walk.rs "loom:burial" \
    '&& arena
                    .word(slot)
                    .compare_exchange(word.0, aborted.0, Ordering::AcqRel, Ordering::Relaxed)
                    .is_ok()' \
    '&& { arena.word(slot).store(aborted.0, Ordering::Release); true }'
mutant a-lap-that-stays walk.rs "loom:successor loom:burial model" \
    'SlotWord::free(geometry.next_lap(index))' 'SlotWord::free(geometry.lap(index))'
mutant abort-of-the-buried claim.rs "loom:successor" \
    'slot.compare_exchange(claim.word.0, claim.word.with_state(state).0, Ordering::AcqRel, Ordering::Relaxed)
        .map_err(|_| Revoked)?;' \
    'if state == State::Aborted { slot.store(claim.word.with_state(state).0, Ordering::Release) } else {
        slot.compare_exchange(claim.word.0, claim.word.with_state(state).0, Ordering::AcqRel, Ordering::Relaxed)
            .map_err(|_| Revoked)?;
    }'
mutant burial-relaxed walk.rs "loom:death" \
    'compare_exchange(word.0, aborted.0, Ordering::AcqRel, Ordering::Relaxed)' \
    'compare_exchange(word.0, aborted.0, Ordering::Relaxed, Ordering::Relaxed)'
mutant burial-of-what-was-seen-only walk.rs "loom:death model" \
    'while let Some((slot, _)) = self.step(arena)? {
            self.link(slot);
        }' ''
mutant burial-of-everybody walk.rs "loom:death model" \
    'if word.owner() == owner && self.abort' 'if self.abort'
mutant burial-without-a-sweep walk.rs "loom:death model" \
    'let freed = held.sweep(arena);
        Some(' 'let freed = Freed::default();
        Some('
