// Memory that the host cannot address: a buffer's handle is a number, not a pointer.
#ifndef TENON_PLUGINS_OPAQUE_MEMORY_H
#define TENON_PLUGINS_OPAQUE_MEMORY_H

#include <tenon/api/plugin_tables.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace tenon::opaque {

// Bytes in use and the most that may be.
struct Budget {
  explicit Budget(uint64_t total_in) : total(total_in) {}
  const uint64_t total;
  std::atomic<uint64_t> used{0};
};

// One segment. Fresh memory is filled with 0xff (NaN, -1, an invalid bool), so that whoever reads
// what was never written notices.
class Buffer {
 public:
  // Throws Status(OUT_OF_MEMORY) beyond the budget.
  Buffer(std::shared_ptr<Budget> budget, uint64_t size_bytes);
  ~Buffer();
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  [[nodiscard]] uint64_t size_bytes() const { return size_bytes_; }
  // Does it belong to the device of this budget?
  [[nodiscard]] bool is_of(const std::shared_ptr<Budget>& budget) const {
    return budget_ == budget;
  }
  // Address of [offset, offset + size); throws Status(INVALID_ARGUMENT) when that is not inside.
  [[nodiscard]] char* range(uint64_t offset_bytes, uint64_t size_bytes) const;

  // Handles lie in the part of the address space that no process can map: whoever follows one
  // faults. They are never used twice, so that a stale one is known as such.
  static tn_buffer to_handle(plugin::Box<Buffer>* box);
  static plugin::Box<Buffer>* from_handle(tn_buffer handle) noexcept;
  static plugin::Box<Buffer>* take(tn_buffer handle) noexcept;

 private:
  std::shared_ptr<Budget> budget_;
  uint64_t size_bytes_;
  char* data_;
};

}  // namespace tenon::opaque

#endif
