// frame-ring for C++17: owners for the handles of frame_ring.h, and nothing else. Header only; no exceptions, no run-time
// types, no allocation of its own. Every call answers with a Status; look at it, the compiler warns if you don't.
#ifndef FRAME_RING_HPP
#define FRAME_RING_HPP

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "frame_ring.h"

namespace frame_ring {

// What became of a call.
class [[nodiscard]] Status {
 public:
  constexpr Status(int32_t code) : code_(code) {}
  constexpr int32_t code() const { return code_; }
  // Done.
  constexpr bool ok() const { return code_ == FRAME_RING_OK; }
  // Neither done nor an error: unwanted, timed out, disconnected.
  constexpr bool nothing() const { return code_ > 0; }
  constexpr bool failed() const { return code_ < 0; }
  // What the code means. For the whole sentence see last_error().
  const char* text() const { return frame_ring_status_text(code_); }

 private:
  int32_t code_;
};

// What the last call on this thread that was not ok had to say.
inline const char* last_error() { return frame_ring_last_error(); }

// Bytes of somebody else's.
struct Bytes {
  const uint8_t* data = nullptr;
  size_t size = 0;
  const uint8_t* begin() const { return data; }
  const uint8_t* end() const { return data + size; }
  const uint8_t& operator[](size_t at) const { return data[at]; }
};

// What is said of a frame, initialised.
struct Descriptor : frame_ring_descriptor {
  Descriptor() { frame_ring_descriptor_init(this); }
  Status push_extension(uint16_t type, const void* data, size_t size) {
    return frame_ring_descriptor_push_extension(this, type, static_cast<const uint8_t*>(data), size);
  }
  // A picture without padding (or with rows that start at multiples of `stride_align`); `bytes` is its payload's length.
  Status video(uint32_t fourcc, uint32_t width, uint32_t height, uint64_t* bytes, uint32_t stride_align = 1) {
    kind = FRAME_RING_KIND_VIDEO;
    return frame_ring_video_aligned(&body.video, fourcc, width, height, stride_align, bytes);
  }
};

// What is said of a track.
struct TrackInfo : frame_ring_track_info {
  // `kind`: 0 data, 1 video, 2 audio. `source`: 0 not said, 1 camera, 2 screen, 3 microphone, 4 mixed, 5 tab.
  TrackInfo(uint32_t track_kind, uint32_t track_source, const char* name) : frame_ring_track_info{} {
    size = sizeof(frame_ring_track_info);
    kind = track_kind;
    source = track_source;
    std::strncpy(label, name, sizeof(label) - 1);
  }
};

class Producer;

// Claimed bytes: write them, then commit. A grant that goes out of scope is given up.
class Grant {
 public:
  Grant() = default;
  Grant(Grant&& other) noexcept { *this = std::move(other); }
  Grant& operator=(Grant&& other) noexcept {
    if (this != &other) {
      abort();
      producer_ = std::exchange(other.producer_, nullptr);
      grant_ = std::exchange(other.grant_, frame_ring_grant{});
    }
    return *this;
  }
  ~Grant() { abort(); }

  uint8_t* data() const { return grant_.data; }
  size_t size() const { return static_cast<size_t>(grant_.len); }
  explicit operator bool() const { return grant_.data != nullptr; }

  // Publishes all claimed bytes, or the first `len`.
  Status commit(const frame_ring_descriptor& about) { return commit(grant_.len, about); }
  Status commit(uint64_t len, const frame_ring_descriptor& about) {
    return frame_ring_producer_commit(producer_, &grant_, len, &about);
  }
  void abort() {
    if (grant_.data != nullptr) frame_ring_producer_abort(producer_, &grant_);
  }

 private:
  friend class Producer;
  friend class Track;
  const frame_ring_producer* producer_ = nullptr;
  frame_ring_grant grant_{};
};

// A track of a producer, which outlives it. Ends with its scope. One thread at a time.
class Track {
 public:
  Track() = default;
  Track(Track&& other) noexcept { *this = std::move(other); }
  Track& operator=(Track&& other) noexcept {
    if (this != &other) {
      close();
      producer_ = std::exchange(other.producer_, nullptr);
      track_ = std::exchange(other.track_, frame_ring_track{});
    }
    return *this;
  }
  ~Track() { close(); }

  uint32_t id() { return frame_ring_core_track_id(&track_); }
  // What the consumer wants at `now_ns`: ask before you capture, and tell unwanted() what you did not.
  Status demand(uint64_t now_ns, frame_ring_demand* demand) {
    return frame_ring_core_track_demand(core(), &track_, now_ns, demand);
  }
  Status unwanted() { return frame_ring_core_track_unwanted(core(), &track_); }
  // Counts a frame whose claim was refused: the next one tells of it.
  Status dropped() { return frame_ring_core_track_dropped(core(), &track_); }
  Status set_info(const TrackInfo& info) { return frame_ring_core_track_set_info(core(), &track_, &info); }
  // Publishes a grant as the track's next frame.
  Status commit(Grant& grant, const frame_ring_descriptor& about, uint64_t now_ns) {
    return frame_ring_producer_track_commit(producer_, &track_, &grant.grant_, grant.grant_.len, &about, now_ns);
  }
  void close() {
    if (producer_ != nullptr) frame_ring_core_track_close(core(), &track_);
    producer_ = nullptr;
  }

 private:
  friend class Producer;
  const frame_ring_core* core() const { return frame_ring_producer_core(producer_); }
  const frame_ring_producer* producer_ = nullptr;
  frame_ring_track track_{};
};

// A connection to a ring; outlives its grants and tracks. From any number of threads at once.
class Producer {
 public:
  Producer() = default;
  Producer(Producer&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Producer& operator=(Producer&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Producer() { frame_ring_producer_free(handle_); }

  static Status connect(const char* path, const char* label, Producer* producer) {
    return frame_ring_producer_connect(path, label, producer->reset());
  }
  // The descriptor is the library's from here on.
  static Status from_fd(int fd, const char* label, Producer* producer) {
    return frame_ring_producer_from_fd(fd, label, producer->reset());
  }
  static Status from_env(const char* label, Producer* producer) {
    return frame_ring_producer_from_env(label, producer->reset());
  }

  // Claims `len` bytes; waits for room at most for `timeout_ns`.
  Status claim(uint64_t len, uint32_t frame_class, Grant* grant, uint64_t timeout_ns = 0) const {
    grant->abort();
    grant->producer_ = handle_;
    return frame_ring_producer_claim(handle_, len, frame_class, timeout_ns, &grant->grant_);
  }
  Status track(const TrackInfo& info, Track* track) const {
    track->close();
    const Status opened = frame_ring_core_track_open(frame_ring_producer_core(handle_), &info, &track->track_);
    if (opened.ok()) track->producer_ = handle_;
    return opened;
  }
  Status counters(frame_ring_counters* counters) const {
    return frame_ring_core_counters(frame_ring_producer_core(handle_), counters);
  }
  bool connected() const { return frame_ring_producer_connected(handle_) == 1; }
  explicit operator bool() const { return handle_ != nullptr; }
  const frame_ring_producer* get() const { return handle_; }

 private:
  frame_ring_producer** reset() {
    frame_ring_producer_free(std::exchange(handle_, nullptr));
    return &handle_;
  }
  frame_ring_producer* handle_ = nullptr;
};

// A received frame; gives its bytes back when it goes out of scope, on any thread.
class Frame {
 public:
  Frame() = default;
  Frame(Frame&& other) noexcept { *this = std::move(other); }
  Frame& operator=(Frame&& other) noexcept {
    if (this != &other) {
      release();
      frame_ = std::exchange(other.frame_, frame_ring_frame{});
    }
    return *this;
  }
  ~Frame() { release(); }

  explicit operator bool() const { return frame_.data != nullptr; }
  Bytes bytes() const { return {frame_.data, static_cast<size_t>(frame_.len)}; }
  const frame_ring_descriptor& descriptor() const { return frame_.descriptor; }
  uint32_t producer() const { return frame_.producer; }
  uint64_t claim_index() const { return frame_.claim_index; }
  uint32_t skipped_before() const { return frame_.skipped_before; }
  // Plane of a picture, or channel of planar sound.
  Status plane(uint32_t index, frame_ring_view* view) const { return frame_ring_frame_plane(&frame_, index, view); }
  Status write(int fd) const { return frame_ring_frame_write(&frame_, fd); }
  void release() {
    if (frame_.data != nullptr) frame_ring_frame_release(&frame_);
  }

 private:
  friend class Ring;
  frame_ring_frame frame_{};
};

// A ring and its one consumer. One thread at a time.
class Ring {
 public:
  Ring() = default;
  Ring(Ring&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Ring& operator=(Ring&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Ring() { frame_ring_consumer_free(handle_); }

  // `options` may be null; its size is filled in here.
  static Status create(const frame_ring_options* options, Ring* ring) {
    frame_ring_options known{};
    if (options != nullptr) known = *options;
    known.size = sizeof(known);
    frame_ring_consumer_free(std::exchange(ring->handle_, nullptr));
    return frame_ring_consumer_new(&known, &ring->handle_);
  }
  Status listen(const char* path) { return frame_ring_consumer_listen(handle_, path); }
  Status invite(int* fd) { return frame_ring_consumer_invite(handle_, fd); }
  Status recv(Frame* frame, uint64_t timeout_ns = FRAME_RING_FOREVER) {
    frame->release();
    return frame_ring_consumer_recv(handle_, timeout_ns, &frame->frame_);
  }
  Status set_demand(uint32_t track, const frame_ring_demand& demand) {
    return frame_ring_consumer_set_demand(handle_, track, &demand);
  }
  Status keep_latest(uint32_t track, bool on) { return frame_ring_consumer_keep_latest(handle_, track, on ? 1 : 0); }
  // What is known of up to `room` tracks; `count` is how many there are.
  Status tracks(frame_ring_track_stats* tracks, size_t room, size_t* count) const {
    return frame_ring_consumer_tracks(handle_, tracks, room, count);
  }
  int producers() const { return frame_ring_consumer_producers(handle_); }
  explicit operator bool() const { return handle_ != nullptr; }

 private:
  frame_ring_consumer* handle_ = nullptr;
};

// The same by the name that other languages give it.
using Consumer = Ring;

}  // namespace frame_ring

#endif  // FRAME_RING_HPP
