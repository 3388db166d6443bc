// Memory that only the device can address: the host gets numbers.
#pragma once

#include <tenon/api/plugin_tables.hpp>

#include <cstdint>
#include <memory>

namespace queued {

class Buffer {
 public:
  // Throws Status(OUT_OF_MEMORY) for more than one buffer can have.
  explicit Buffer(uint64_t size_bytes);

  // Address of [offset, offset + size); throws Status(INVALID_ARGUMENT) when that is not inside.
  [[nodiscard]] char* range(uint64_t offset_bytes, uint64_t size_bytes) const;

  // What the tables call to turn buffers into handles and back; without these a handle is a
  // pointer.
  static tn_buffer to_handle(tenon::plugin::Box<Buffer>* box);
  static tenon::plugin::Box<Buffer>* from_handle(tn_buffer handle) noexcept;
  static tenon::plugin::Box<Buffer>* take(tn_buffer handle) noexcept;

  static constexpr uint64_t kMaxBytes = uint64_t{1} << 30;

 private:
  uint64_t size_bytes_;
  std::unique_ptr<char[]> bytes_;
};

}  // namespace queued
