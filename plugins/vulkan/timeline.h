// How far a stream's submits came: a timeline semaphore, and what the host does behind it. Other
// streams may still look at it when the stream is gone.
#ifndef TENON_PLUGINS_VULKAN_TIMELINE_H
#define TENON_PLUGINS_VULKAN_TIMELINE_H

#include <tenon/api/plugin_tables.hpp>

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "gpu.h"

namespace tenon::vulkan {

class Timeline {
 public:
  static constexpr uint32_t kSlots = 64;  // submits that may be in flight

  explicit Timeline(std::shared_ptr<Gpu> gpu);
  ~Timeline();
  Timeline(const Timeline&) = delete;
  Timeline& operator=(const Timeline&) = delete;

  [[nodiscard]] VkSemaphore semaphore() const { return semaphore_; }
  [[nodiscard]] Gpu& gpu() const { return *gpu_; }

  // ---- by the stream, while it records ----

  // Address of the word of submit `number` that collects the first launch with a bad index.
  [[nodiscard]] VkDeviceAddress bad_index_word(uint64_t number) const;
  // Launch `launch` (numbered from 1 in this stream) may report a bad index; it has this tag.
  void watch_launch(uint64_t number, uint64_t launch, uint64_t tag);
  // `size` bytes at `from` are the host's once submit `number` is over.
  void add_download(uint64_t number, const char* from, void* to, uint64_t size);
  // A new point of the ABI's timeline behind submit `number` and launch `launch`.
  uint64_t add_event(uint64_t number, uint64_t launch);
  // The submit that waits behind a point of another stream fails when that point did.
  void add_dependency(uint64_t number, std::shared_ptr<Timeline> other, uint64_t value);
  // Submit `number` is about to be queued; waits where too many are in flight.
  void begin_submit(uint64_t number);

  // ---- by anybody ----

  // Number of the last submit that is over, as far as was looked.
  uint64_t done();
  // Submit that carries an event; 0: an earlier one, long over.
  uint64_t submit_of(uint64_t value);
  [[nodiscard]] uint64_t last_event();
  // Waits for submit `number`; false when the time ran out. Then does what was to be done on the
  // host behind it.
  bool wait(uint64_t number, uint64_t timeout_ns);
  plugin::Event query(uint64_t value);
  // The first failure since it was last taken.
  std::optional<plugin::Status> take_failure();

 private:
  struct Download {
    uint64_t number;
    const char* from;
    void* to;
    uint64_t size;
  };
  struct Watched {
    uint64_t number;
    uint64_t launch;
    uint64_t tag;
  };
  struct Point {
    uint64_t value;
    uint64_t number;
    uint64_t launch;
  };
  struct Dependency {
    uint64_t number;
    std::shared_ptr<Timeline> other;
    uint64_t value;
  };

  void harvest();
  void look_at_slot(uint64_t number);
  void keep_first(plugin::Status failure, uint64_t launch);
  void pass_points();
  void pass_dependencies(std::vector<Dependency>& over);

  const std::shared_ptr<Gpu> gpu_;
  VkSemaphore semaphore_ = VK_NULL_HANDLE;
  Allocation words_;
  std::mutex mutex_;
  uint64_t submitted_ = 0;
  uint64_t done_ = 0;
  uint64_t last_event_ = 0;
  std::deque<Download> downloads_;
  std::deque<Watched> watched_;
  std::deque<Point> points_;
  std::deque<Dependency> dependencies_;
  std::optional<plugin::Status> failure_;  // the first since it was last taken
  uint64_t failed_launch_ = 0;
  std::map<uint64_t, plugin::Status> failures_;  // of points
};

}  // namespace tenon::vulkan

#endif
