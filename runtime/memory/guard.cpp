#include <tenon/runtime/memory/guard_internal.h>

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <map>
#include <mutex>
#include <string_view>
#include <vector>

#include <tenon/runtime/device_context.h>
#include <tenon/runtime/error.h>
#include <tenon/runtime/fork_internal.h>
#include <tenon/runtime/loader/environment.h>
#include <tenon/runtime/log.h>

namespace tenon {
namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kAlignment = 64;
constexpr uint64_t kBand = 512;  // on devices; a multiple of every offset_alignment so far
constexpr std::byte kPattern{0xa5};

struct Guarded {
  DeviceContext* context = nullptr;
  Segment* segment = nullptr;
  uint64_t offset_bytes = 0, size_bytes = 0;
};

struct GuardBook {
  std::mutex& mutex = fork_mutex(ForkLockId::kGuardBook);
  std::map<const Segment*, Guarded> blocks;
};
GuardBook& book() {
  static GuardBook& instance = *new GuardBook;
  return instance;
}

std::atomic<const char*> running{nullptr};

uint64_t align(uint64_t size_bytes) {
  uint64_t sum = 0;
  check(!__builtin_add_overflow(size_bytes, kBand + 2 * kPage, &sum), ErrorCode::kOutOfMemory,
        "allocate", "no device can hold ", size_bytes, " bytes; use smaller sizes");
  return (size_bytes + kAlignment - 1) / kAlignment * kAlignment;
}

// ---- a touch beyond the pages ----

struct sigaction before_us;

void append(char* line, size_t& size, const char* text) noexcept {
  const size_t count = std::strlen(text);
  std::memcpy(line + size, text, count);
  size += count;
}

// Names what it can and leaves the rest to whoever handled it before: the same access faults again.
void name_fault(int number, siginfo_t* info, void*) {
  char line[200];
  size_t size = 0;
  const char* op = running.load();
  append(line, size, "tenon: TENON_ALLOC=guard: memory that is no tensor's was touched");
  if (op != nullptr && std::strlen(op) < 64) {
    append(line, size, "; the last launch was ");
    append(line, size, op);
  }
  GuardBook& all = book();
  if (all.mutex.try_lock()) {  // not while it is being changed
    const auto* at = static_cast<const std::byte*>(info->si_addr);
    for (const auto& [key, block] : all.blocks) {
      const std::byte* host = block.segment->host;
      if (host == nullptr) continue;
      const std::byte* end = host + block.segment->size_bytes;
      if (at >= end + kPage || at < host - kPage) continue;
      char numbers[80];
      std::snprintf(numbers, sizeof numbers, "; a tensor of %llu bytes ends %lld bytes before it",
                    static_cast<unsigned long long>(block.size_bytes),
                    static_cast<long long>(at - (host + block.offset_bytes + block.size_bytes)));
      append(line, size, numbers);
      break;
    }
    all.mutex.unlock();
  }
  append(line, size, "\n");
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line, size);
  ::sigaction(number, &before_us, nullptr);
}

void watch_faults() {
  struct sigaction action {};
  action.sa_sigaction = name_fault;
  action.sa_flags = SA_SIGINFO;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGSEGV, &action, &before_us);
}

// ---- bands ----

struct Band {
  uint64_t begin = 0, end = 0;
};

Band front_of(const Guarded& block) { return {0, block.offset_bytes}; }
Band back_of(const Guarded& block) {
  return {block.offset_bytes + block.size_bytes, block.segment->size_bytes};
}

std::string place_of(const Guarded& block, uint64_t at) {
  if (at < block.offset_bytes)
    return join_text(block.offset_bytes - at, " bytes before the first of ", block.size_bytes);
  return join_text("byte ", at - block.offset_bytes, " of ", block.size_bytes, ", behind the end");
}

// The first byte that is not the pattern's any more; band.end when there is none.
uint64_t first_change(const std::byte* bytes, Band band) {
  const auto* end = bytes + (band.end - band.begin);
  const auto* at = std::find_if(bytes, end, [](std::byte b) { return b != kPattern; });
  return band.begin + static_cast<uint64_t>(at - bytes);
}

std::string break_of(const Guarded& block, const GuardRead& read) {
  for (const Band band : {front_of(block), back_of(block)}) {
    uint64_t at = band.end;
    if (std::byte* host = block.segment->host) {
      at = first_change(host + band.begin, band);
      std::memset(host + band.begin, static_cast<int>(kPattern), band.end - band.begin);
    } else {
      std::vector<std::byte> bytes(band.end - band.begin);
      if (read(block.segment->buffer, band.begin, bytes.data(), bytes.size()))
        at = first_change(bytes.data(), band);
    }
    if (at != band.end) return place_of(block, at);
  }
  return {};
}

void write_band(const Guarded& block, Band band) {
  if (std::byte* host = block.segment->host) {
    std::memset(host + band.begin, static_cast<int>(kPattern), band.end - band.begin);
    return;
  }
  const std::vector<std::byte> bytes(band.end - band.begin, kPattern);
  block.context->upload(block.segment->buffer, band.begin, bytes.data(), bytes.size());
}

}  // namespace

bool guards_allocations() noexcept {
  static const bool wanted = [] {
    const std::string value = trusted_environment("TENON_ALLOC");
    if (!value.empty() && value != "guard") {
      log_once(LogLevel::kWarning,
               "TENON_ALLOC: the only value is guard; memory is allocated as without it");
    }
    if (value == "guard") watch_faults();
    return value == "guard";
  }();
  return wanted;
}

GuardLayout guard_layout(uint64_t size_bytes, bool on_host) {
  const uint64_t aligned = align(size_bytes);
  if (!on_host) return {aligned + 2 * kBand, kBand};
  const uint64_t total = (kAlignment + aligned + kAlignment + kPage - 1) / kPage * kPage;
  return {total, total - kAlignment - aligned};
}

std::byte* map_guarded(uint64_t size_bytes) noexcept {
  void* mapped =
      ::mmap(nullptr, size_bytes + 2 * kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  auto* memory = static_cast<std::byte*>(mapped) + kPage;
  if (::mprotect(memory, size_bytes, PROT_READ | PROT_WRITE) == 0) return memory;
  ::munmap(mapped, size_bytes + 2 * kPage);
  return nullptr;
}

void unmap_guarded(std::byte* memory, uint64_t size_bytes) noexcept {
  if (memory != nullptr) ::munmap(memory - kPage, size_bytes + 2 * kPage);
}

void guard(DeviceContext& context, Segment& segment, uint64_t offset_bytes, uint64_t size_bytes) {
  const Guarded block{&context, &segment, offset_bytes, size_bytes};
  write_band(block, front_of(block));
  write_band(block, back_of(block));
  const std::lock_guard lock(book().mutex);
  book().blocks.emplace(&segment, block);
}

void unguard(DeviceContext& context, Segment& segment) noexcept {
  try {
    Guarded block;
    {
      const std::lock_guard lock(book().mutex);
      const auto node = book().blocks.extract(&segment);
      if (node.empty()) return;
      block = node.mapped();
    }
    // On devices the launch that did it was told; here it may have been the program itself.
    if (segment.host == nullptr) return context.synchronize();
    const std::string where = break_of(block, {});
    if (!where.empty()) {
      log(LogLevel::kError, join_text("TENON_ALLOC=guard: somebody wrote beside a tensor on ",
                                      context.device(), ": ", where));
    }
  } catch (...) {  // a late failure, which the next wait tells as well
  }
}

GuardBreak find_guard_break(tn_device device, const GuardRead& read) {
  const std::lock_guard lock(book().mutex);
  for (const auto& [key, block] : book().blocks) {
    if (block.context->handle() != device) continue;
    std::string where = break_of(block, read);
    if (!where.empty()) return {block.segment->buffer, std::move(where)};
  }
  return {};
}

std::string guard_violation(tn_buffer buffer, uint64_t begin, uint64_t end) {
  const std::lock_guard lock(book().mutex);
  for (const auto& [key, block] : book().blocks) {
    if (block.segment->buffer != buffer) continue;
    const uint64_t last = block.offset_bytes + block.size_bytes;
    if (block.offset_bytes <= begin && end <= last) return {};
    return join_text("bytes ", begin, " to ", end, " of its buffer, its tensor has ",
                     block.offset_bytes, " to ", last);
  }
  return {};
}

void set_guarded_op(const char* name) noexcept { running.store(name); }

}  // namespace tenon
