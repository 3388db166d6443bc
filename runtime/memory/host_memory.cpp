#include <tenon/runtime/memory/host_memory_internal.h>

#include <sys/mman.h>

#include <algorithm>

#include <tenon/runtime/parallel.h>

namespace tenon {
namespace {

constexpr uint64_t kSystemPage = 4096;

}  // namespace

std::byte* map_host(uint64_t size_bytes, Pages pages) noexcept {
  uint64_t with_margin = 0;
  if (__builtin_add_overflow(size_bytes, kHugePage, &with_margin)) return nullptr;
  void* mapped =
      ::mmap(nullptr, with_margin, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  auto* begin = static_cast<std::byte*>(mapped);
  const uint64_t head = (kHugePage - reinterpret_cast<uintptr_t>(begin) % kHugePage) % kHugePage;
  if (head > 0) ::munmap(begin, head);
  if (head < kHugePage) ::munmap(begin + head + size_bytes, kHugePage - head);
  begin += head;
#if defined(MADV_HUGEPAGE)
  if (pages == Pages::kHuge) static_cast<void>(::madvise(begin, size_bytes, MADV_HUGEPAGE));
#else
  static_cast<void>(pages);
#endif
  return begin;
}

void unmap_host(std::byte* memory, uint64_t size_bytes) noexcept {
  if (memory == nullptr) return;
  allow_host(memory, size_bytes);  // the system may give the addresses to others
  ::munmap(memory, size_bytes);
}

void touch_host(std::byte* memory, uint64_t size_bytes) noexcept {
  if (thread_count() == 1) return;  // alone it is best done while writing
  const auto pages = static_cast<int64_t>((size_bytes + kHugePage - 1) / kHugePage);
  try {
    parallel_for(pages, 1, [&](int64_t begin, int64_t end) {
      const uint64_t last = std::min(size_bytes, static_cast<uint64_t>(end) * kHugePage);
      for (uint64_t at = static_cast<uint64_t>(begin) * kHugePage; at < last; at += kSystemPage) {
        *reinterpret_cast<volatile std::byte*>(memory + at) = std::byte{0};
      }
    });
  } catch (...) {  // whoever writes first touches them
  }
}

}  // namespace tenon
