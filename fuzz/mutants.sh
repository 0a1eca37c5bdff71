#!/usr/bin/env bash
# Breaks the code under each fuzz target in one place at a time, in a scratch copy, and shows whether the target notices.
#
#   fuzz/mutants.sh [PATTERN]     only mutants whose name matches the extended regular expression PATTERN
#
# Each line of the output is a mutant, the inputs it took and the complaint, or SURVIVED after a minute. Not part of CI.
# Set MUTANTS_DIR to keep the build between runs.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
pattern=${1:-.}
seconds=60
work=${MUTANTS_DIR:-$(mktemp -d)}
[ -n "${MUTANTS_DIR:-}" ] || trap 'rm -rf "$work"' EXIT
mkdir -p "$work/tree" "$work/target"
host=$(rustc +nightly -vV | sed -n 's/^host: //p')

# mutant TARGET NAME FILE OLD NEW: replaces OLD, which must occur once in FILE, by NEW.
mutant() {
    local target=$1 name=$2 file=$3
    [[ $target:$name =~ $pattern ]] || return 0
    (cd "$root" && tar -c --exclude=target --exclude=.git .) | tar -x -C "$work/tree"
    if ! python3 - "$work/tree/$file" "$4" "$5" <<'PYTHON'
import sys
path, old, new = sys.argv[1:]
text = open(path).read()
if text.count(old) != 1:
    sys.exit(f"{path}: {text.count(old)} times: {old}")
open(path, "w").write(text.replace(old, new))
PYTHON
    then
        printf '%-11s %-42s DID NOT APPLY\n' "$target" "$name"
        return 0
    fi
    local found="$work/found" log="$work/log" verdict
    rm -rf "$found"
    mkdir -p "$found"
    if ! (cd "$work/tree/fuzz" && cargo +nightly fuzz build --target-dir "$work/target" "$target") >"$log" 2>&1; then
        verdict="DID NOT BUILD"
    elif "$work/target/$host/release/$target" -max_total_time=$seconds -timeout=60 -artifact_prefix="$found/" \
        "$found" "$root/fuzz/seeds/$target" >"$log" 2>&1; then
        verdict="SURVIVED"
    else
        verdict=$(grep -am1 -A1 -E 'panicked at|ERROR: (AddressSanitizer|libFuzzer: timeout)' "$log" | cut -c1-100 | tr '\n' ' ')
        local inputs how
        inputs=$(sed -nE 's/^#([0-9]+).*/\1/p' "$log" | tail -1)
        how=${inputs:+after $inputs inputs}
        verdict="killed ${how:-by a seed}: $verdict"
    fi
    printf '%-11s %-42s %s\n' "$target" "$name" "$verdict"
}

walk=core/src/walk.rs
mutant words length_not_checked $walk 'if word.len() > room {' 'if false {'
mutant words length_past_the_data_area $walk 'geometry.room(at).min(left)' 'left'
mutant words length_over_held_frames $walk 'geometry.room(at).min(left)' 'geometry.room(at)'
mutant words poison_forgotten $walk 'held.books(|books| books.poison = Some(why));
            NextError::Poisoned(why)' 'NextError::Poisoned(why)'
mutant words held_frames_swept $walk 'if !self.ledger.entry(slot).is_released() {' 'if false {'
mutant words claim_beyond_the_data_area core/src/claim.rs 'if !geometry.contains(tail) {' 'if false {'

descriptor=core/src/descriptor
mutant descriptor payload_beyond_the_room $descriptor.rs 'if u64::from(payload_len) > room {' 'if false {'
mutant descriptor plane_outside $descriptor/video.rs 'if end > payload_len {' 'if false {'
mutant descriptor stride_too_short $descriptor/video.rs 'if plane.stride < least {' 'if false {'
mutant descriptor samples_outside $descriptor/audio.rs 'if needed > payload_len {' 'if false {'
mutant descriptor length_not_whole_words $descriptor.rs 'len % 8 != 0 || len < fixed' 'len < fixed'
mutant descriptor padding_kept $descriptor/extension.rs 'self.bytes[data_end..next].fill(0);' ''

mutant handover longer_messages_taken src/handover/wire.rs \
    'let bytes: &[u8; MESSAGE_BYTES] = bytes.try_into().map_err(|_| RefusalReason::Malformed)?;' \
    'let bytes: &[u8; MESSAGE_BYTES] = bytes.get(..MESSAGE_BYTES).and_then(|b| b.try_into().ok()).ok_or(RefusalReason::Malformed)?;'
mutant handover length_as_it_comes src/handover/wire.rs \
    'let bytes: &[u8; MESSAGE_BYTES] = bytes.try_into().map_err(|_| RefusalReason::Malformed)?;' \
    'let bytes: &[u8; MESSAGE_BYTES] = bytes[..MESSAGE_BYTES].try_into().map_err(|_| RefusalReason::Malformed)?;'
mutant handover descriptors_leak src/handover/client.rs \
    '.map_err(|fds| ConnectError::Descriptors { expected: 2, found: fds.len() })?;' \
    '.map_err(|fds| ConnectError::Descriptors { expected: 2, found: Vec::leak(fds).len() })?;'
mutant handover descriptors_not_all_seen src/handover/client.rs 'nix::cmsg_space!([RawFd; 253])' 'nix::cmsg_space!([RawFd; 2])'
mutant handover id_zero_taken src/handover/client.rs 'if owner == 0 {' 'if false {'
mutant handover ids_never_come_back src/handover/server.rs 'self.shared.dismiss(&mut self.ids, owner, bell);' 'let _ = (owner, bell);'
mutant handover observer_gets_the_event src/handover/server.rs \
    'reply(socket, &Answer::Welcome { owner: 0, generation: 0 }, &[memfd]);' \
    'reply(socket, &Answer::Welcome { owner: 0, generation: 0 }, &[memfd, memfd]);'

layout=core/src/layout.rs
mutant attach file_too_small $layout 'if region_bytes < layout.total_bytes {' 'if false {'
mutant attach size_not_whole_units $layout 'if header.data_bytes % UNIT != 0 {' 'if false {'
mutant attach features_not_checked $layout 'if unknown != 0 {' 'if false {'
mutant attach data_offset_not_checked $layout 'expect("data_offset", layout.data_offset, header.data_offset)?;' ''
mutant attach seals_not_checked src/memory.rs 'if !seals.contains(SEALS) {' 'if false {'
mutant attach tail_not_checked core/src/claim.rs 'if !geometry.contains(tail) {' 'if false {'
mutant attach track_not_found core/src/region.rs '(entry < self.layout.tracks)' '(entry <= 0xffff)'
mutant attach slots_in_use_not_bounded src/observe.rs '.min(u64::from(geometry.slots()));' ';'

mutant operations pad_without_its_claim core/src/claim.rs '(room, room + len, 2)' '(room, room, 1)'
mutant operations more_than_one_round $walk 'if at.claims_since(head) == u64::from(geometry.slots()) {' 'if false {'
mutant operations never_rewound $walk 'if at != frontier || geometry.offset(at) < geometry.rewind_from() {' 'if true {'
mutant operations past_an_older_one $walk 'blocked.insert(word.owner());
                    before = slot;' 'before = slot;'
mutant operations dead_not_aborted $walk 'if word.owner() == owner && self.abort(arena, slot, word) {' 'if false {'
mutant operations waiters_not_woken $walk 'Freed { wake_producers: wake::after_release(arena.control()) }' 'Freed { wake_producers: false }'
mutant operations indices_do_not_wrap core/src/word.rs '(index >> self.slots.trailing_zeros()) as u32 & self.lap_mask()' '(index >> self.slots.trailing_zeros()) as u32'
