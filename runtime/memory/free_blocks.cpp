#include <tenon/runtime/memory/free_blocks.h>

#include <bit>

namespace tenon {
namespace {

// How many blocks of a list are looked at for the smallest that fits.
constexpr int kLooks = 32;

Block* smallest_of(Block* head, uint64_t size_bytes) noexcept {
  Block* best = nullptr;
  int looks = kLooks;
  for (Block* at = head; at != nullptr && looks > 0; at = at->list_next, --looks) {
    if (at->size_bytes < size_bytes) continue;
    if (best == nullptr || at->size_bytes < best->size_bytes) best = at;
    if (best->size_bytes == size_bytes) break;
  }
  return best;
}

}  // namespace

uint32_t FreeBlocks::list_of(uint64_t size_bytes) noexcept {
  const uint64_t units = size_bytes / kBlockUnit;
  if (units < kExact) return static_cast<uint32_t>(units);
  const auto power = static_cast<uint32_t>(std::bit_width(units)) - 1;  // 5 at least
  const auto step = static_cast<uint32_t>(units >> (power - 4)) & (kSteps - 1);
  return kExact + (power - 5) * kSteps + step;
}

uint32_t FreeBlocks::next_list(uint32_t from) const noexcept {
  for (uint32_t word = from / 64; word < kWords; ++word) {
    const uint64_t bits =
        word == from / 64 ? filled_[word] & (~uint64_t{0} << from % 64) : filled_[word];
    if (bits != 0) return word * 64 + static_cast<uint32_t>(std::countr_zero(bits));
  }
  return kLists;
}

void FreeBlocks::insert(Block* block) noexcept {
  const uint32_t list = list_of(block->size_bytes);
  Block* head = heads_[list];
  block->list_previous = nullptr;
  block->list_next = head;
  if (head != nullptr) head->list_previous = block;
  heads_[list] = block;
  filled_[list / 64] |= uint64_t{1} << list % 64;
}

void FreeBlocks::remove(Block* block) noexcept {
  if (block->list_next != nullptr) block->list_next->list_previous = block->list_previous;
  if (block->list_previous != nullptr) {
    block->list_previous->list_next = block->list_next;
    return;
  }
  const uint32_t list = list_of(block->size_bytes);
  heads_[list] = block->list_next;
  if (block->list_next == nullptr) filled_[list / 64] &= ~(uint64_t{1} << list % 64);
}

Block* FreeBlocks::find(uint64_t size_bytes) const noexcept {
  const uint32_t own = list_of(size_bytes);
  if (Block* block = smallest_of(heads_[own], size_bytes)) return block;
  const uint32_t larger = next_list(own + 1);  // whatever is there fits
  return larger == kLists ? nullptr : smallest_of(heads_[larger], size_bytes);
}

void BlockPool::reserve(size_t count) {
  while (count_ < count) {
    auto chunk = std::make_unique<Block[]>(kChunk);
    chunks_.push_back(std::move(chunk));
    for (size_t i = 0; i < kChunk; ++i) give(&chunks_.back()[i]);
  }
}

Block* BlockPool::take() noexcept {
  Block* block = spare_;
  spare_ = block->list_next;
  --count_;
  *block = Block{};
  return block;
}

void BlockPool::give(Block* block) noexcept {
  block->list_next = spare_;
  spare_ = block;
  ++count_;
}

}  // namespace tenon
