/*
 * frame-ring: raw audio and video from many producer processes to one consumer, over shared memory.
 *
 * Generated from the Rust sources. docs/ffi.md tells of ownership, threads, errors and versions.
 * Functions frame_ring_core_... make no system call and allocate nothing; they are all that a browser links.
 */

#ifndef FRAME_RING_H
#define FRAME_RING_H

#include <stddef.h>
#include <stdint.h>

// "No time": in `pts_ns` and `dts_ns`.
#define FRAME_RING_NO_TIME INT64_MIN

// Bytes that the extensions of one frame may fill.
#define FRAME_RING_EXTENSION_BYTES 64

// The time line or the content does not continue that of the frame before.
#define FRAME_RING_FLAG_DISCONT 1

// Nothing was captured: silence or black stands in, or there is no payload.
#define FRAME_RING_FLAG_GAP 2

// The content is damaged.
#define FRAME_RING_FLAG_CORRUPT 4

// The last frame of its track.
#define FRAME_RING_FLAG_EOS 8

// The format differs from that of the frame before.
#define FRAME_RING_FLAG_FORMAT_CHANGED 16

// The frame decodes alone.
#define FRAME_RING_FLAG_KEY 32

// The content is that of the frame before.
#define FRAME_RING_FLAG_REPEAT 64

// The time is that of the publication, not of the capture.
#define FRAME_RING_FLAG_ESTIMATED_TS 128

// Waiting for as long as it takes, as a time-out.
#define FRAME_RING_FOREVER UINT64_MAX

// Of `frame_ring_options.flags`: ask for huge pages.
#define FRAME_RING_HUGE_PAGES 1

// Of `frame_ring_options.flags`: make all pages present now.
#define FRAME_RING_PREFAULT 2

// What became of a call. Values never change their meaning; new ones may come.
enum frame_ring_status
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  // Done.
  FRAME_RING_OK = 0,
  // Nothing was done because the consumer does not want it. Not an error.
  FRAME_RING_UNWANTED = 1,
  // Nothing came before the time was up. Not an error.
  FRAME_RING_TIMEOUT = 2,
  // Everything was received, and nobody is connected, invited or able to connect. Not an error.
  FRAME_RING_DISCONNECTED = 3,
  // The bytes that this class of frame may use are in use: drop the frame, it is counted.
  FRAME_RING_FULL_BYTES = -1,
  // The slots that this class of frame may use are in use: drop the frame, it is counted.
  FRAME_RING_FULL_SLOTS = -2,
  // Longer than a frame of this class can ever be in this ring.
  FRAME_RING_TOO_LONG = -3,
  // The consumer has left. Attach to its successor.
  FRAME_RING_CLOSED = -4,
  // The shared words contradict each other: some process wrote garbage. Attach again.
  FRAME_RING_CORRUPT = -5,
  // The consumer holds this producer for dead and took the claim away. Attach again.
  FRAME_RING_REVOKED = -6,
  // All tracks of the ring are in use.
  FRAME_RING_TRACKS_FULL = -7,
  // A pointer is null or misaligned, or a number is none of those allowed.
  FRAME_RING_BAD_ARGUMENT = -20,
  // A struct says a `size` that this version does not know, or was never initialised.
  FRAME_RING_BAD_SIZE = -21,
  // The handle was never attached, or was detached.
  FRAME_RING_NOT_ATTACHED = -22,
  // The grant was committed or aborted before.
  FRAME_RING_STALE_GRANT = -23,
  // The track was closed before.
  FRAME_RING_STALE_TRACK = -24,
  // More bytes were to be committed than were claimed.
  FRAME_RING_BEYOND_GRANT = -25,
  // The frame was released before.
  FRAME_RING_STALE_FRAME = -26,
  // A string is not UTF-8, or too long.
  FRAME_RING_BAD_STRING = -27,
  // Another thread is in a call that only one thread may be in.
  FRAME_RING_BUSY = -28,
  // What the descriptor says is not true of the payload, or cannot be said.
  FRAME_RING_BAD_DESCRIPTOR = -40,
  // A video or audio format is wrong, or does not fit the payload.
  FRAME_RING_BAD_FORMAT = -41,
  // An extension is wrong, or there is no room for it.
  FRAME_RING_BAD_EXTENSION = -42,
  // The region is no ring: it does not begin like one.
  FRAME_RING_NOT_A_RING = -60,
  // The ring was made by another version.
  FRAME_RING_VERSION = -61,
  // The ring needs features that this version does not know.
  FRAME_RING_FEATURES = -62,
  // The region is smaller than it says.
  FRAME_RING_TOO_SMALL = -63,
  // The header contradicts itself.
  FRAME_RING_BAD_HEADER = -64,
  // The descriptor that was handed over is not a memfd with the seals of a ring.
  FRAME_RING_NOT_SEALED = -65,
  // The kernel refused something; `frame_ring_last_error` says what.
  FRAME_RING_OS = -80,
  // Nobody listens at the path, or no way to a ring was given.
  FRAME_RING_UNREACHABLE = -81,
  // The consumer said no: another version, another user, too many producers.
  FRAME_RING_REFUSED = -82,
  // The consumer hung up, did not answer in time, or answered what no frame ring answers.
  FRAME_RING_NO_ANSWER = -83,
  // A producer said something of a frame that cannot be true. The frame was dropped; go on receiving.
  FRAME_RING_BAD_FRAME = -100,
  // Some process wrote garbage over the chain of frames. Nothing more will be received: free the consumer.
  FRAME_RING_POISONED = -101,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum frame_ring_status frame_ring_status;
#else
typedef int32_t frame_ring_status;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// Whom the caller must wake, once it has committed or aborted.
enum frame_ring_wake
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  // Nobody: the consumer is awake.
  FRAME_RING_WAKE_NOBODY = 0,
  // One waiter of `frame_ring_core_wake_word`, by `FUTEX_WAKE`.
  FRAME_RING_WAKE_FUTEX = 1,
  // The ring's eventfd: write the 64-bit number 1 to it.
  FRAME_RING_WAKE_EVENTFD = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum frame_ring_wake frame_ring_wake;
#else
typedef uint32_t frame_ring_wake;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What a frame is, for the limits that keep sound and events alive when pictures flood the ring.
enum frame_ring_class
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  // May fill 7/8 of bytes and slots.
  FRAME_RING_CLASS_VIDEO = 0,
  // May fill 31/32 of bytes and slots.
  FRAME_RING_CLASS_AUDIO = 1,
  // May fill everything.
  FRAME_RING_CLASS_EVENT = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum frame_ring_class frame_ring_class;
#else
typedef uint32_t frame_ring_class;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What a frame is.
enum frame_ring_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  // A raw picture; `body.video` describes it.
  FRAME_RING_KIND_VIDEO = 1,
  // A block of raw audio; `body.audio`.
  FRAME_RING_KIND_AUDIO = 2,
  // A compressed picture; `body.encoded`.
  FRAME_RING_KIND_ENCODED_VIDEO = 3,
  // A block of compressed audio; `body.encoded`.
  FRAME_RING_KIND_ENCODED_AUDIO = 4,
  // Bytes that only the two sides know the meaning of.
  FRAME_RING_KIND_OPAQUE = 5,
  // Something that happened; `body.event`.
  FRAME_RING_KIND_EVENT = 6,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum frame_ring_kind frame_ring_kind;
#else
typedef uint32_t frame_ring_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// The one consumer of a ring. It may live on any thread; one thread at a time calls its functions, and a second one that calls
// meanwhile is told `FRAME_RING_BUSY`.
typedef struct frame_ring_consumer frame_ring_consumer;

// A connection to a ring. Any number of threads may use it at once; one of them frees it, when no other does any more and all
// grants are committed or aborted.
typedef struct frame_ring_producer frame_ring_producer;

// A rectangle in pixels.
typedef struct frame_ring_rect {
  // Pixels left of it.
  uint16_t x;
  // Pixels above it.
  uint16_t y;
  // Width.
  uint16_t width;
  // Height.
  uint16_t height;
} frame_ring_rect;

// Where one plane lies in the payload, in bytes.
typedef struct frame_ring_plane {
  // From the start of the payload to the first row.
  uint32_t offset;
  // From the start of one row to the start of the next.
  uint32_t stride;
} frame_ring_plane;

// A raw picture. `frame_ring_video_packed` and `frame_ring_video_aligned` make one.
typedef struct frame_ring_video {
  // Pixel format, a DRM code such as `YU12` or `NV12`; see `frame_ring_fourcc`.
  uint32_t fourcc;
  // Width of what the planes hold, 1 to 32767.
  uint32_t coded_width;
  // Height of what the planes hold, 1 to 32767.
  uint32_t coded_height;
  // The part to show.
  struct frame_ring_rect visible;
  // Width to show it at, after rotation.
  uint32_t display_width;
  // Height to show it at, after rotation.
  uint32_t display_height;
  // Clockwise quarter turns before it is shown, 0 to 3.
  uint8_t rotation;
  // 1: mirror left to right after the rotation.
  uint8_t flip;
  // Number of planes, up to 4; 0 without pixels.
  uint8_t plane_count;
  // Bits of one component that carry meaning.
  uint8_t bit_depth;
  // Colour primaries, H.273; 2 unspecified.
  uint8_t primaries;
  // Transfer characteristics, H.273; 2 unspecified.
  uint8_t transfer;
  // Matrix coefficients, H.273; 2 unspecified, 0 RGB.
  uint8_t matrix;
  // 0 not said, 1 limited, 2 full.
  uint8_t range;
  // Where the planes lie.
  struct frame_ring_plane planes[4];
  // Nominal frames per 1000 seconds; 0 variable or not known.
  uint32_t fps_milli;
} frame_ring_video;

// A block of raw audio.
typedef struct frame_ring_audio {
  // 1 unsigned 8 bits, 2 signed 16, 3 signed 32, 4 32-bit float; little-endian.
  uint8_t sample;
  // 1: one plane for each channel; 0: channels alternate.
  uint8_t planar;
  // Number of channels, at least 1.
  uint16_t channels;
  // Sample frames per second.
  uint32_t rate;
  // Sample frames in this block.
  uint32_t frames;
  // Bytes from one channel's plane to the next if planar, else 0.
  uint32_t plane_stride;
  // Speakers, as in WAVE's `dwChannelMask`; 0 not said.
  uint64_t channel_mask;
  // Sample frames of this track before this block.
  uint64_t position;
} frame_ring_audio;

// A compressed frame.
typedef struct frame_ring_encoded {
  // When to decode it; `FRAME_RING_NO_TIME` if not known.
  int64_t dts_ns;
  // The codec's code.
  uint32_t codec;
  // Width if known, else 0.
  uint16_t width;
  // Height if known, else 0.
  uint16_t height;
  // 1: decodes alone.
  uint8_t key;
  // Temporal layer, 0 base.
  uint8_t temporal_layer;
  // Spatial layer, 0 base.
  uint8_t spatial_layer;
} frame_ring_encoded;

// Something that happened.
typedef struct frame_ring_event {
  // What; up to the two sides.
  uint32_t code;
  // Whom or what it is about.
  uint32_t subject;
  // A number that goes with it.
  uint64_t arg;
} frame_ring_event;

// The format that belongs to a kind.
typedef union frame_ring_body {
  // Of `FRAME_RING_KIND_VIDEO`.
  struct frame_ring_video video;
  // Of `FRAME_RING_KIND_AUDIO`.
  struct frame_ring_audio audio;
  // Of the two encoded kinds.
  struct frame_ring_encoded encoded;
  // Of `FRAME_RING_KIND_EVENT`.
  struct frame_ring_event event;
} frame_ring_body;

// Everything about a frame but its payload. Initialise it with `frame_ring_descriptor_init`.
typedef struct frame_ring_descriptor {
  // Bytes in this struct as the caller knows it; set by the initialiser.
  uint32_t size;
  // `frame_ring_kind`.
  uint32_t kind;
  // What is special about the frame: `FRAME_RING_FLAG_...`.
  uint32_t flags;
  // The track it belongs to, 0 none.
  uint32_t track;
  // Who or what is in the track now.
  uint32_t source;
  // Duration; 0 not known.
  uint32_t duration_ns;
  // Running number within the track.
  uint64_t sequence;
  // Time on the media's own time line; `FRAME_RING_NO_TIME` if there is none.
  int64_t pts_ns;
  // `CLOCK_MONOTONIC` at the capture.
  uint64_t mono_ns;
  // Bytes of payload.
  uint32_t payload_len;
  // Frames of this track that were dropped since the last one.
  uint32_t dropped_before;
  // The format, according to `kind`.
  union frame_ring_body body;
  // Bytes used of `extensions`, a multiple of 8.
  uint32_t extensions_len;
  uint32_t reserved;
  // What else there is to say; see `frame_ring_descriptor_push_extension`.
  uint8_t extensions[FRAME_RING_EXTENSION_BYTES];
} frame_ring_descriptor;

// A mapped ring, seen by one of its producers. It lies in memory of the caller's; what it holds is private.
//
// Once attached, any number of threads may use it at once.
typedef struct frame_ring_core {
  uint64_t opaque[16];
} frame_ring_core;

// What a producer has done since it was connected.
typedef struct frame_ring_counters {
  // Frames committed.
  uint64_t frames;
  // Payload bytes committed.
  uint64_t bytes;
  // Frames dropped because the bytes of their class were in use.
  uint64_t full_bytes;
  // Frames dropped because the slots of their class were in use.
  uint64_t full_slots;
  // Frames dropped because this ring can never hold them.
  uint64_t too_long;
  // Frames not copied because the consumer did not want them.
  uint64_t unwanted;
  // Claims given up.
  uint64_t aborted;
} frame_ring_counters;

// Bytes in the ring that are the caller's to write until they are committed or aborted.
typedef struct frame_ring_grant {
  // The first byte, a multiple of 64. They hold what an earlier frame left there. Null once the grant is done with.
  uint8_t *data;
  // How many bytes were claimed.
  uint64_t len;
  uint64_t claim[3];
} frame_ring_grant;

// What a producer says of a track. Zero it before you fill it.
typedef struct frame_ring_track_info {
  // `sizeof(struct frame_ring_track_info)`.
  uint32_t size;
  // 0 data, 1 video, 2 audio.
  uint32_t kind;
  // 0 not said, 1 camera, 2 screen, 3 microphone, 4 mixed, 5 tab.
  uint32_t source;
  // Who is in it now.
  uint32_t source_id;
  // Name for people, UTF-8, filled up with zeros.
  char label[56];
  // The meeting platform's id of the participant.
  char participant[40];
} frame_ring_track_info;

// A track of a producer. It lies in memory of the caller's; one thread at a time uses it.
typedef struct frame_ring_track {
  uint64_t opaque[24];
} frame_ring_track;

// What the consumer wants of a track.
typedef struct frame_ring_demand {
  // 1 if it wants a frame at the time that was asked for; 0: do not capture, do not copy.
  uint32_t wanted;
  // Greatest width it has a use for; 0 any.
  uint16_t max_width;
  // Greatest height.
  uint16_t max_height;
  // Greatest rate, in frames per 1000 seconds; 0 any.
  uint32_t max_fps_milli;
} frame_ring_demand;

// A received frame, in memory of the caller's. Its bytes stay as they are until `frame_ring_frame_release`, from any thread;
// frames may be released in any order, also after their consumer was freed. Move it by hand-over, not by copy: whoever
// releases two copies gives somebody else's frame back.
//
// The bytes lie in memory that producers can write to: a producer that is not trusted may change them while you read.
typedef struct frame_ring_frame {
  // The first byte, a multiple of 64; 64 bytes behind the last one can be read, too. Null once it was released.
  const uint8_t *data;
  // Number of bytes.
  uint64_t len;
  // Its place in the order of claims.
  uint64_t claim_index;
  // The producer that sent it, 1 to 255.
  uint32_t producer;
  // How many frames of its track were dropped in favour of this one.
  uint32_t skipped_before;
  // What the producer says of it; its format lies inside the payload.
  struct frame_ring_descriptor descriptor;
  uint64_t inside[40];
} frame_ring_frame;

// A part of a frame: one plane of a picture, or one channel of a block of sound.
typedef struct frame_ring_view {
  // Its first byte.
  const uint8_t *data;
  // Bytes from the first to the last one.
  uint64_t len;
  // Bytes from one row to the next; of sound: all.
  uint64_t stride;
  // Number of rows; of sound: 1.
  uint64_t rows;
  // Bytes of each row that are picture, the rest is padding; of sound: all.
  uint64_t row_bytes;
} frame_ring_view;

// How large a ring is to be. Zeros stand for the defaults: 64 MiB, 1024 slots, 64 tracks.
typedef struct frame_ring_options {
  // `sizeof(struct frame_ring_options)`.
  uint32_t size;
  // How many frames can be in the ring at once, those held included.
  uint32_t slots;
  // Bytes for payloads, up to 8 GiB.
  uint64_t data_bytes;
  // How many tracks there can be at once.
  uint32_t tracks;
  // 1: ask for huge pages. 2: make all pages present now. Or both.
  uint32_t flags;
  // A name for people, or null.
  const char *name;
} frame_ring_options;

// A track, as its producer and the consumer have counted it. What the producer says may be anything.
typedef struct frame_ring_track_stats {
  // Its id, as in the descriptors of its frames.
  uint32_t id;
  // The producer that feeds it.
  uint32_t producer;
  // 1 while it is fed, 0 once it has ended.
  uint32_t live;
  // 0 data, 1 video, 2 audio.
  uint32_t kind;
  // 0 not said, 1 camera, 2 screen, 3 microphone, 4 mixed, 5 tab.
  uint32_t source;
  // Who is in it now.
  uint32_t source_id;
  // Name for people, UTF-8, ended by NUL.
  char label[64];
  // The meeting platform's id of the participant, ended by NUL.
  char participant[48];
  // Frames committed.
  uint64_t sent;
  // Payload bytes committed.
  uint64_t sent_bytes;
  // Frames that its producer dropped.
  uint64_t dropped;
  // Frames that nobody wanted.
  uint64_t unwanted;
  // Frames delivered.
  uint64_t received;
  // Payload bytes delivered.
  uint64_t received_bytes;
  // Drops that delivered frames have told of.
  uint64_t reported_dropped;
  // Frames that the consumer skipped for newer ones.
  uint64_t skipped;
  // Microseconds from capture to delivery that half of the frames stayed below; 0 not known.
  uint64_t p50_us;
  // The same for all but one in a hundred.
  uint64_t p99_us;
} frame_ring_track_stats;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// What a code means, in English, as a string that lives for ever. Any number may be given.
const char *frame_ring_status_text(int32_t status);

// The code of four characters, such as `frame_ring_fourcc('Y', 'U', '1', '2')`.
uint32_t frame_ring_fourcc(uint8_t a, uint8_t b, uint8_t c, uint8_t d);

// Describes a picture whose rows and planes start at multiples of `stride_align` bytes (1: without padding), and sets
// `bytes` to the length of its payload. The pixel format must be one that this version knows.
//
// Preconditions:
// `video` and `bytes` are null or point to memory of their types that nobody else uses.
frame_ring_status frame_ring_video_aligned(struct frame_ring_video *video,
                                           uint32_t fourcc,
                                           uint32_t width,
                                           uint32_t height,
                                           uint32_t stride_align,
                                           uint64_t *bytes);

// Sets everything to zero or absent, and the kind to opaque.
//
// Preconditions:
// `descriptor` is null or points to memory for a descriptor that nobody else uses.
frame_ring_status frame_ring_descriptor_init(struct frame_ring_descriptor *descriptor);

// Adds an extension: type, and up to 60 bytes of data. 1 RTP time stamp (4 bytes), 2 start of the capture (8 bytes,
// `CLOCK_MONOTONIC` ns), 3 CRC-32C of the payload (4 bytes), 4 arrival of the last packet (8 bytes); 0x4000 to 0x7fff are
// yours.
//
// Preconditions:
// `descriptor` is null or points to an initialised descriptor that nobody else uses; `data` is null or points to `len`
// readable bytes.
frame_ring_status frame_ring_descriptor_push_extension(struct frame_ring_descriptor *descriptor,
                                                       uint16_t ty,
                                                       const uint8_t *data,
                                                       size_t len);

// The version of the shared memory. Both sides of a ring must have the same one; the hand-over checks it.
uint32_t frame_ring_abi_version(void);

// Attaches to a ring in memory that the caller has mapped: `bytes` bytes at `base`, readable, writable and shared.
// `owner` is the producer id in the consumer's answer to the hand-over, 1 to 255.
//
// Preconditions: the mapping stays until `frame_ring_core_detach`; its file cannot shrink (it carries `F_SEAL_SHRINK`:
// check that before you map it). What the memory holds does not matter: it is checked.
//
// Preconditions:
// The preconditions above, and `core` points to a live `frame_ring_core` that nobody else uses yet.
frame_ring_status frame_ring_core_attach(struct frame_ring_core *core,
                                         void *base,
                                         uint64_t bytes,
                                         uint32_t owner);

// Reads the counters of this producer. They lie in shared memory: other processes may have overwritten them.
//
// Preconditions:
// `core` is null or points to a live handle; `counters` is null or may be written.
frame_ring_status frame_ring_core_counters(const struct frame_ring_core *core,
                                           struct frame_ring_counters *counters);

// Forgets the region: it may be unmapped now. No other thread may be using the handle. Unfinished grants of it are
// buried by the consumer when it sees the connection end.
//
// Preconditions:
// `core` is null or points to a live handle that nobody else uses any more.
frame_ring_status frame_ring_core_detach(struct frame_ring_core *core);

// Whether the consumer has left the ring in good order: 1 yes, 0 no, or a negative status. One that was killed is
// seen by the end of its connection only.
//
// Preconditions:
// `core` is null or points to a live handle.
int32_t frame_ring_core_closed(const struct frame_ring_core *core);

// The longest frame of a class that this ring takes, in bytes; 0 if there is no such class or the handle is not
// attached.
//
// Preconditions:
// `core` is null or points to a live handle.
uint64_t frame_ring_core_longest(const struct frame_ring_core *core,
                                 uint32_t class_);

// The word that a consumer which sleeps on a futex waits on: `futex(word, FUTEX_WAKE, 1)`, not the private kind. Null if
// the handle is not attached.
//
// Preconditions:
// `core` is null or points to a live handle.
uint32_t *frame_ring_core_wake_word(const struct frame_ring_core *core);

// Claims `len` bytes to be written in place, of a `frame_ring_class`. Never waits; from any thread.
//
// Preconditions:
// `core` is null or points to a live handle; `grant` is null or points to memory for a grant that nobody else uses.
frame_ring_status frame_ring_core_claim(const struct frame_ring_core *core,
                                        uint64_t len,
                                        uint32_t class_,
                                        struct frame_ring_grant *grant);

// Publishes the first `len` bytes of a grant as a frame. What the descriptor says of the payload's length does not matter.
// After any answer but a wrong argument or descriptor the grant is done with. `wake` says whom to wake then.
//
// Preconditions:
// Every pointer is null or points to what its type says; nobody else uses the grant and `wake`. The grant is one of this
// handle's, or was zeroed.
frame_ring_status frame_ring_core_commit(const struct frame_ring_core *core,
                                         struct frame_ring_grant *grant,
                                         uint64_t len,
                                         const struct frame_ring_descriptor *descriptor,
                                         frame_ring_wake *wake);

// Gives a grant up. `wake` says whom to wake: frames behind it may wait for it.
//
// Preconditions:
// As for `frame_ring_core_commit`.
frame_ring_status frame_ring_core_abort(const struct frame_ring_core *core,
                                        struct frame_ring_grant *grant,
                                        frame_ring_wake *wake);

// Opens a track.
//
// Preconditions:
// Every pointer is null or points to what its type says; nobody else uses the track.
frame_ring_status frame_ring_core_track_open(const struct frame_ring_core *core,
                                             const struct frame_ring_track_info *info,
                                             struct frame_ring_track *track);

// The track's id, as in the descriptors of its frames; 0 if it is not open.
//
// Preconditions:
// `track` is null or points to a track that nobody else uses.
uint32_t frame_ring_core_track_id(struct frame_ring_track *track);

// Replaces what is said of the track: another person in it, another name.
//
// Preconditions:
// As for `frame_ring_core_track_open`.
frame_ring_status frame_ring_core_track_set_info(const struct frame_ring_core *core,
                                                 struct frame_ring_track *track,
                                                 const struct frame_ring_track_info *info);

// Asks what the consumer wants at `now_ns` (`CLOCK_MONOTONIC`): before anything is captured or copied. What is not wanted
// is to be told to `frame_ring_core_track_unwanted`.
//
// Preconditions:
// Every pointer is null or points to what its type says; nobody else uses the track and `demand`.
frame_ring_status frame_ring_core_track_demand(const struct frame_ring_core *core,
                                               struct frame_ring_track *track,
                                               uint64_t now_ns,
                                               struct frame_ring_demand *demand);

// Commits a grant as the next frame of a track: like `frame_ring_core_commit`, with track, sequence, drops, changes of the
// format and, if it is zero, `mono_ns` filled in. After a failure the frame counts as dropped.
//
// Preconditions:
// As for `frame_ring_core_commit`; nobody else uses the track.
frame_ring_status frame_ring_core_track_commit(const struct frame_ring_core *core,
                                               struct frame_ring_track *track,
                                               struct frame_ring_grant *grant,
                                               uint64_t len,
                                               const struct frame_ring_descriptor *descriptor,
                                               uint64_t now_ns,
                                               frame_ring_wake *wake);

// Counts a frame that was dropped because its claim was refused, or for a reason of the caller's; the next frame of
// the track tells of it.
//
// Preconditions:
// Every pointer is null or points to what its type says; nobody else uses the track.
frame_ring_status frame_ring_core_track_dropped(const struct frame_ring_core *core,
                                                struct frame_ring_track *track);

// Counts a frame that was not captured because nobody wants it.
//
// Preconditions:
// As for `frame_ring_core_track_dropped`.
frame_ring_status frame_ring_core_track_unwanted(const struct frame_ring_core *core,
                                                 struct frame_ring_track *track);

// Ends a track: its entry may be used again.
//
// Preconditions:
// As for `frame_ring_core_track_dropped`.
frame_ring_status frame_ring_core_track_close(const struct frame_ring_core *core,
                                              struct frame_ring_track *track);

// What the last call on this thread that did not end in `FRAME_RING_OK` had to say, as UTF-8. Empty if none has; valid until
// the thread's next call that fails. Functions `frame_ring_core_...` leave no sentence: see `frame_ring_status_text`.
const char *frame_ring_last_error(void);

// Connects to a consumer that listens at `path`. `label` names this producer to people, in at most 56 bytes. To be freed
// with `frame_ring_producer_free`; null after a failure.
//
// Preconditions:
// The strings are null or end in NUL; `producer` is null or may be written.
frame_ring_status frame_ring_producer_connect(const char *path,
                                              const char *label,
                                              struct frame_ring_producer **producer);

// Connects over a socket that was inherited or received. The descriptor is the library's from here on, also after a failure.
//
// Preconditions:
// `label` is null or ends in NUL; `producer` is null or may be written; nothing else in this program owns `fd`.
frame_ring_status frame_ring_producer_from_fd(int fd,
                                              const char *label,
                                              struct frame_ring_producer **producer);

// Connects as the process that started this one says: by `FRAME_RING_FD`, or else `FRAME_RING_SOCKET`. Once for each process.
//
// Preconditions:
// As for `frame_ring_producer_from_fd`; the descriptor in `FRAME_RING_FD` is nobody else's.
frame_ring_status frame_ring_producer_from_env(const char *label,
                                               struct frame_ring_producer **producer);

// Ends the connection. Null is fine.
//
// Preconditions:
// `producer` is null or came from one of the functions above, was not freed yet, and nobody uses it or its core any more.
void frame_ring_producer_free(struct frame_ring_producer *producer);

// The connection for the functions `frame_ring_core_...`: tracks, demand, claims. Valid as long as the producer; null if that
// is null.
//
// Preconditions:
// `producer` is null or a live producer.
const struct frame_ring_core *frame_ring_producer_core(const struct frame_ring_producer *producer);

// Whether the consumer is still there: 1 yes, 0 no, or a negative status. One system call.
//
// Preconditions:
// `producer` is null or a live producer.
int frame_ring_producer_connected(const struct frame_ring_producer *producer);

// Wakes the consumer as a `frame_ring_core_...` function has said.
//
// Preconditions:
// `producer` is null or a live producer.
frame_ring_status frame_ring_producer_wake(const struct frame_ring_producer *producer, uint32_t wake);

// Claims `len` bytes of a `frame_ring_class`; waits for room at most for `timeout_ns`, 0 not at all.
//
// Preconditions:
// `producer` is null or a live producer; `grant` is null or may be written.
frame_ring_status frame_ring_producer_claim(const struct frame_ring_producer *producer,
                                            uint64_t len,
                                            uint32_t class_,
                                            uint64_t timeout_ns,
                                            struct frame_ring_grant *grant);

// Publishes the first `len` bytes of a grant as a frame, and wakes the consumer if it sleeps. After any answer but a wrong
// argument or descriptor the grant is done with.
//
// Preconditions:
// Every pointer is null or points to what its type says; nobody else uses the grant.
frame_ring_status frame_ring_producer_commit(const struct frame_ring_producer *producer,
                                             struct frame_ring_grant *grant,
                                             uint64_t len,
                                             const struct frame_ring_descriptor *descriptor);

// The same as the next frame of a track, at `now_ns` (`CLOCK_MONOTONIC`); see `frame_ring_core_track_commit`.
//
// Preconditions:
// As for `frame_ring_producer_commit`; nobody else uses the track.
frame_ring_status frame_ring_producer_track_commit(const struct frame_ring_producer *producer,
                                                   struct frame_ring_track *track,
                                                   struct frame_ring_grant *grant,
                                                   uint64_t len,
                                                   const struct frame_ring_descriptor *descriptor,
                                                   uint64_t now_ns);

// Gives a grant up.
//
// Preconditions:
// As for `frame_ring_producer_commit`.
frame_ring_status frame_ring_producer_abort(const struct frame_ring_producer *producer,
                                            struct frame_ring_grant *grant);

// Gives a frame's bytes back to the producers.
//
// Preconditions:
// `frame` is null or points to a frame that was received, or to zeros; nobody else uses it, nor its bytes any more.
frame_ring_status frame_ring_frame_release(struct frame_ring_frame *frame);

// Plane `plane` of a picture, or channel `plane` of planar sound (0: all of it, where channels alternate).
// `FRAME_RING_BAD_ARGUMENT` if the frame has none such, or its pixel format is not known to this version.
//
// Preconditions:
// `frame` is null or points to a live frame; `to` is null or may be written.
frame_ring_status frame_ring_frame_plane(const struct frame_ring_frame *frame,
                                         uint32_t plane,
                                         struct frame_ring_view *to);

// Writes all bytes of a frame to a file descriptor, straight from the ring.
//
// Preconditions:
// `frame` is null or points to a live frame; `fd` stays open during the call.
frame_ring_status frame_ring_frame_write(const struct frame_ring_frame *frame, int32_t fd);

// Makes a ring. `options` may be null. To be freed with `frame_ring_consumer_free`; null after a failure.
//
// Preconditions:
// `options` is null or points to options whose name is null or ends in NUL; `consumer` is null or may be written.
frame_ring_status frame_ring_consumer_new(const struct frame_ring_options *options,
                                          struct frame_ring_consumer **consumer);

// Leaves the ring: producers are told so. Frames that are held stay valid. Null is fine.
//
// Preconditions:
// `consumer` is null or came from `frame_ring_consumer_new`, was not freed yet, and nobody is in a call with it.
void frame_ring_consumer_free(struct frame_ring_consumer *consumer);

// Serves the ring at a socket path, which is made with mode 0600 and removed with the consumer.
//
// Preconditions:
// `consumer` is null or a live consumer; `path` is null or ends in NUL.
frame_ring_status frame_ring_consumer_listen(const struct frame_ring_consumer *consumer, const char *path);

// The right to connect for one producer, as a socket: the caller's to pass on or close. -1 after a failure.
//
// Preconditions:
// `consumer` is null or a live consumer; `fd` is null or may be written.
frame_ring_status frame_ring_consumer_invite(const struct frame_ring_consumer *consumer, int *fd);

// Receives the next frame into `frame`, which holds none; waits at most for `timeout_ns` (0 not at all, `FRAME_RING_FOREVER`).
// `FRAME_RING_TIMEOUT` and `FRAME_RING_DISCONNECTED` bring no frame; nor does `FRAME_RING_BAD_FRAME`, after which to go on.
//
// Preconditions:
// `consumer` is null or a live consumer; `frame` is null or may be written.
frame_ring_status frame_ring_consumer_recv(const struct frame_ring_consumer *consumer,
                                           uint64_t timeout_ns,
                                           struct frame_ring_frame *frame);

// From now on (`on` 1, or 0 to end it) delivers only the newest waiting picture of a track.
//
// Preconditions:
// `consumer` is null or a live consumer.
frame_ring_status frame_ring_consumer_keep_latest(const struct frame_ring_consumer *consumer,
                                                  uint32_t track,
                                                  int on);

// Says what is wanted of a track. `FRAME_RING_STALE_TRACK` if there is no such track (any more).
//
// Preconditions:
// `consumer` is null or a live consumer; `demand` is null or points to a demand.
frame_ring_status frame_ring_consumer_set_demand(const struct frame_ring_consumer *consumer,
                                                 uint32_t track,
                                                 const struct frame_ring_demand *demand);

// How many producers are connected, or a negative status.
//
// Preconditions:
// `consumer` is null or a live consumer.
int frame_ring_consumer_producers(const struct frame_ring_consumer *consumer);

// Writes what is known of the ring's tracks, ended ones included until their entry is needed, to `tracks`, which has room for
// `room`; `count` becomes how many there are, also when that is more. `tracks` may be null if `room` is 0.
//
// Preconditions:
// `consumer` is null or a live consumer; `tracks` is null or has room for so many; `count` is null or may be written.
frame_ring_status frame_ring_consumer_tracks(const struct frame_ring_consumer *consumer,
                                             struct frame_ring_track_stats *tracks,
                                             size_t room,
                                             size_t *count);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* FRAME_RING_H */
