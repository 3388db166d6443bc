// TENON_ALLOC=guard: every tensor has a segment of its own, its bytes between two bands of a known
// pattern; on the host pages that nobody may touch follow. What a kernel writes beside its outputs
// is found behind the launch, and named.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include <tenon/api/device_plugin.h>

namespace tenon {

class DeviceContext;
struct Segment;

// Whether the variable asks for it; read once.
[[nodiscard]] bool guards_allocations() noexcept;

// Where the bytes of a tensor lie in a segment of its own. On the host they end as close to the
// segment's end as their alignment and a small band allow.
struct GuardLayout {
  uint64_t segment_bytes = 0, offset_bytes = 0;
};
[[nodiscard]] GuardLayout guard_layout(uint64_t size_bytes, bool on_host);

// Pages with an untouchable one before and one behind; nullptr when the system refuses. size_bytes
// is a multiple of 4096.
[[nodiscard]] std::byte* map_guarded(uint64_t size_bytes) noexcept;
void unmap_guarded(std::byte* memory, uint64_t size_bytes) noexcept;

// Writes the bands around [offset_bytes, + size_bytes) and watches them from now on. Errors: what
// an upload answers.
void guard(DeviceContext& context, Segment& segment, uint64_t offset_bytes, uint64_t size_bytes);
// No longer; bands that were broken meanwhile are logged.
void unguard(DeviceContext& context, Segment& segment) noexcept;

// ---- for the layer around the plugin ----

// Reads bytes of a buffer, all work before done. False when that failed.
using GuardRead = std::function<bool(tn_buffer, uint64_t offset_bytes, void*, uint64_t size_bytes)>;

// A place beside a tensor that somebody wrote to.
struct GuardBreak {
  tn_buffer buffer = nullptr;  // of the tensor; nullptr when the device never saw it
  std::string where;           // "byte 60 of 60, behind the end"; "" when there is none
};
// The first broken band of a device, whose pattern is made whole again on the host.
[[nodiscard]] GuardBreak find_guard_break(tn_device device, const GuardRead& read);
// "" when bytes [begin, end) of that buffer belong to its tensor.
[[nodiscard]] std::string guard_violation(tn_buffer buffer, uint64_t begin, uint64_t end);
// What a crash is blamed on: lives until the next call.
void set_guarded_op(const char* name) noexcept;

}  // namespace tenon
