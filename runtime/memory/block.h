// Raw memory of a device and the parts of it that tensors get.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include <tenon/api/device_plugin.h>

namespace tenon {

struct Block;

// Raw memory of a device.
struct Segment {
  std::byte* host = nullptr;                // "cpu" only
  std::atomic<tn_buffer> buffer = nullptr;  // for "cpu" made when the plugin first needs it
  uint64_t size_bytes = 0;
  uint32_t number = 0;   // counted from 0 on each device, never used again
  bool small = false;    // holds blocks of up to 1 MiB
  bool touched = false;  // its pages are there: somebody had all of it
  Block* first = nullptr;
  Segment* previous = nullptr;
  Segment* next = nullptr;
};

enum class BlockState : uint8_t {
  kTaken,  // a tensor has it, or a thread keeps it for its next tensor of this size
  kFree,   // neighbours in this state are merged
};

// Part of a segment.
struct Block {
  Segment* segment = nullptr;
  uint64_t offset_bytes = 0;
  uint64_t size_bytes = 0;
  BlockState state = BlockState::kTaken;
  Block* previous = nullptr;  // neighbours in the segment
  Block* next = nullptr;
  Block* list_previous = nullptr;  // neighbours in a list of blocks without a user
  Block* list_next = nullptr;
};

// Every block is a multiple of this.
inline constexpr uint64_t kBlockUnit = 512;

}  // namespace tenon
