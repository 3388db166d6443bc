// Pages of the host for segments of "cpu".
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#endif
#endif

namespace tenon {

inline constexpr uint64_t kHugePage = uint64_t{2} << 20;

enum class Pages : uint8_t {
  kNormal,
  kHuge,  // of 2 MiB where the system has them: a page that is touched first costs 4 times less
};

// Fresh, zero memory that begins at a multiple of 2 MiB; nullptr when the system refuses.
// size_bytes > 0, a multiple of 4096.
[[nodiscard]] std::byte* map_host(uint64_t size_bytes, Pages pages) noexcept;
void unmap_host(std::byte* memory, uint64_t size_bytes) noexcept;

// Gets the pages of fresh memory now, on all threads of the pool, in case one thread alone writes
// it. Does nothing when the pool has no other thread.
void touch_host(std::byte* memory, uint64_t size_bytes) noexcept;

// Under AddressSanitizer: nobody may use these bytes until they are allowed again.
inline void forbid_host([[maybe_unused]] const std::byte* memory,
                        [[maybe_unused]] uint64_t size_bytes) noexcept {
#if defined(ASAN_POISON_MEMORY_REGION)
  if (memory != nullptr) ASAN_POISON_MEMORY_REGION(memory, size_bytes);
#endif
}
inline void allow_host([[maybe_unused]] const std::byte* memory,
                       [[maybe_unused]] uint64_t size_bytes) noexcept {
#if defined(ASAN_POISON_MEMORY_REGION)
  if (memory != nullptr) ASAN_UNPOISON_MEMORY_REGION(memory, size_bytes);
#endif
}

}  // namespace tenon
