// Which ranges of memory the commands since the last barrier touch.
#ifndef TENON_PLUGINS_VULKAN_HAZARDS_H
#define TENON_PLUGINS_VULKAN_HAZARDS_H

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tenon::vulkan {

// Addresses [begin, end) on the device.
struct Range {
  uint64_t begin;
  uint64_t end;
  bool written;
};

class Hazards {
 public:
  static constexpr size_t kMost = 256;  // beyond, a barrier is cheaper than the search

  // Must a command that touches these ranges wait for one before it? Two reads never clash.
  [[nodiscard]] bool clash(std::span<const Range> ranges) const {
    if (ranges_.size() + ranges.size() > kMost) return true;
    for (const Range& a : ranges) {
      for (const Range& b : ranges_) {
        if ((a.written || b.written) && a.begin < b.end && b.begin < a.end) return true;
      }
    }
    return false;
  }
  void add(std::span<const Range> ranges) {
    for (const Range& range : ranges) {
      if (range.begin < range.end) ranges_.push_back(range);
    }
  }
  void clear() { ranges_.clear(); }

 private:
  std::vector<Range> ranges_;
};

}  // namespace tenon::vulkan

#endif
