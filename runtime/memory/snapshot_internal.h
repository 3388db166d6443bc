// What memory_snapshot() writes, and the picture of it.
#pragma once

#include <string>
#include <vector>

#include <tenon/runtime/memory/allocator.h>
#include <tenon/runtime/memory/history_internal.h>

namespace tenon {

struct DeviceSnapshot {
  std::string name;
  uint32_t id = 0;
  MemoryStats stats;
  std::vector<SegmentView> segments;
  std::vector<MemoryEvent> events;  // of this device
};

struct MemorySnapshot {
  std::vector<DeviceSnapshot> devices;
  uint64_t events_dropped = 0;
};

[[nodiscard]] std::string snapshot_svg(const MemorySnapshot& snapshot);

}  // namespace tenon
