// Blocks without a user, found by size without a search and listed without memory of their own.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <tenon/runtime/memory/block.h>

namespace tenon {

// Lists of blocks of about one size: each size up to 16 KiB has a list, above that each sixteenth
// of a power of two. A bit for each list says whether it holds anything.
class FreeBlocks {
 public:
  void insert(Block* block) noexcept;
  void remove(Block* block) noexcept;
  // A block of at least size_bytes, still listed; nullptr when there is none. Of the blocks looked
  // at it is the smallest, and of those the one freed last, which may still be in a cache.
  [[nodiscard]] Block* find(uint64_t size_bytes) const noexcept;

 private:
  static constexpr uint32_t kExact = 32, kSteps = 16, kPowers = 52;
  static constexpr uint32_t kLists = kExact + kSteps * kPowers;
  static constexpr uint32_t kWords = (kLists + 63) / 64;

  static uint32_t list_of(uint64_t size_bytes) noexcept;
  [[nodiscard]] uint32_t next_list(uint32_t from) const noexcept;

  std::array<Block*, kLists> heads_{};
  std::array<uint64_t, kWords> filled_{};
};

// Block objects, kept for ever and handed out again.
class BlockPool {
 public:
  // So that the next `count` calls of take() can't fail. Errors: std::bad_alloc.
  void reserve(size_t count);
  [[nodiscard]] Block* take() noexcept;
  void give(Block* block) noexcept;

 private:
  static constexpr size_t kChunk = 64;

  Block* spare_ = nullptr;
  size_t count_ = 0;
  std::vector<std::unique_ptr<Block[]>> chunks_;
};

}  // namespace tenon
