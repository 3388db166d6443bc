// What the memory of a device is doing: counters, the cache, a history one can look at.
#pragma once

#include <cstdint>
#include <string>

#include <tenon/runtime/device.h>
#include <tenon/runtime/export.h>

namespace tenon {

// Counters of one device. Sizes in bytes; a tensor takes a multiple of 512.
struct MemoryStats {
  uint64_t allocated = 0, allocated_peak = 0;  // in use by tensors
  uint64_t reserved = 0, reserved_peak = 0;    // held from the device: in use or kept for reuse
  uint64_t allocations = 0, frees = 0;         // blocks handed out and given back
  uint64_t hits = 0;                           // allocations that needed nothing of the device
  uint64_t segments = 0;                       // held now
  uint64_t segment_allocations = 0, segment_frees = 0;
  uint64_t retries = 0;  // times the device had no memory until the cache was given back

  // Held for reuse.
  [[nodiscard]] uint64_t cached() const noexcept { return reserved - allocated; }
};

// The counters now; the sums of what all threads did. Errors: Device.
[[nodiscard]] TENON_API MemoryStats memory_stats(const Device& device);
// The peaks begin anew at what is allocated and reserved now. Errors: Device.
TENON_API void reset_peak_memory_stats(const Device& device);
// Gives segments without a user back to the device, after waiting for its work. A thread keeps at
// most 1 MiB of small blocks until it next allocates or frees. Errors: Device, DeviceLost.
TENON_API void empty_cache(const Device& device);

// Records from now on, on every device, each block and segment that comes or goes. The last
// `max_events` are kept (32 bytes each) until the next start; nothing is recorded, and nothing
// paid, before. Errors: InvalidArgument, unless 1 <= max_events <= 2^26.
TENON_API void start_memory_history(uint64_t max_events = 100'000);
TENON_API void stop_memory_history();

// Writes the counters, segments and blocks of every open device and the recorded history:
// `path`.json for programs and `path`.svg to look at. A path that ends in .json or .svg gets that
// file alone. The picture has a panel of bytes over time and one in which each block is a
// rectangle, as wide as it lived and as high as it is large, at its address.
// Errors: Io, naming the file.
TENON_API void memory_snapshot(const std::string& path);

}  // namespace tenon
