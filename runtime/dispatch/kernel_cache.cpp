#include <tenon/runtime/dispatch/kernel_cache.h>

#include <algorithm>

#include <tenon/runtime/fork_internal.h>

namespace tenon {

void CacheKey::grow() {
  auto* larger = new uint64_t[capacity_ * 2];
  std::copy_n(words_, count_, larger);
  if (words_ != local_) delete[] words_;
  words_ = larger;
  capacity_ *= 2;
}

CacheEntry* KernelCache::insert(const CacheKey& key, std::unique_ptr<CacheEntry> entry) {
  // One lock for all caches: inserting is rare and already paid for a kernel's preparation.
  const ForkLock lock(ForkLockId::kKernels);
  if (CacheEntry* present = find(key)) return present;
  entry->mixed = key.mix();
  entry->word_count = key.count();
  entry->words = std::make_unique<uint64_t[]>(key.count());
  std::copy_n(key.words(), key.count(), entry->words.get());
  auto& bucket = buckets_[entry->mixed % kBuckets];
  entry->next = bucket.load(std::memory_order_relaxed);
  bucket.store(entry.get(), std::memory_order_release);
  return entry.release();
}

}  // namespace tenon
