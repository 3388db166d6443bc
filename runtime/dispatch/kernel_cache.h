// Prepared kernels by structural key: packed words, compared in full.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include <tenon/runtime/export.h>

namespace tenon {

// The key of one call, built on the stack; long ones (many operands with their sizes) on the heap.
class TENON_API CacheKey {
 public:
  CacheKey() = default;
  ~CacheKey() {
    if (words_ != local_) [[unlikely]]
      delete[] words_;
  }
  CacheKey(const CacheKey&) = delete;
  CacheKey& operator=(const CacheKey&) = delete;

  void push(uint64_t word) {
    if (count_ == capacity_) [[unlikely]]
      grow();
    words_[count_++] = word;
  }
  [[nodiscard]] const uint64_t* words() const noexcept { return words_; }
  [[nodiscard]] uint32_t count() const noexcept { return count_; }
  [[nodiscard]] uint64_t mix() const noexcept {
    uint64_t value = count_;
    for (uint32_t i = 0; i < count_; ++i) value = (value ^ words_[i]) * 0x9e3779b97f4a7c15u;
    return value ^ value >> 32;
  }

 private:
  void grow();

  static constexpr uint32_t kLocal = 192;
  uint64_t local_[kLocal];
  uint64_t* words_ = local_;
  uint32_t capacity_ = kLocal;
  uint32_t count_ = 0;
};

// What a key leads to; derived types hold kernels and plans. Never freed.
struct CacheEntry {
  virtual ~CacheEntry() = default;
  uint64_t mixed = 0;
  uint32_t word_count = 0;
  std::unique_ptr<uint64_t[]> words;
  CacheEntry* next = nullptr;
};

// Lock-free to read, entries live for ever. Trivially destructible, so records can be static.
class TENON_API KernelCache {
 public:
  constexpr KernelCache() = default;

  [[nodiscard]] CacheEntry* find(const CacheKey& key) const noexcept {
    const uint64_t mixed = key.mix();
    for (CacheEntry* entry = buckets_[mixed % kBuckets].load(std::memory_order_acquire);
         entry != nullptr; entry = entry->next)
      if (entry->mixed == mixed && same(*entry, key)) return entry;
    return nullptr;
  }
  // The entry that was of use last, for those who look there first; any kind they agree on.
  [[nodiscard]] CacheEntry* latest() const noexcept {
    return latest_.load(std::memory_order_acquire);
  }
  void set_latest(CacheEntry* entry) noexcept { latest_.store(entry, std::memory_order_release); }
  // Adds the entry unless another thread was faster; returns the one in force.
  CacheEntry* insert(const CacheKey& key, std::unique_ptr<CacheEntry> entry);

 private:
  static bool same(const CacheEntry& entry, const CacheKey& key) noexcept {
    if (entry.word_count != key.count()) return false;
    for (uint32_t i = 0; i < entry.word_count; ++i)
      if (entry.words[i] != key.words()[i]) return false;
    return true;
  }

  static constexpr size_t kBuckets = 32;
  std::atomic<CacheEntry*> latest_{nullptr};
  std::atomic<CacheEntry*> buckets_[kBuckets] = {};
};

}  // namespace tenon
