#include "memory.h"

#include <cstring>
#include <mutex>
#include <new>
#include <string>
#include <unordered_map>

namespace tenon::opaque {
namespace {

constexpr std::align_val_t kAlignment{512};
constexpr uint64_t kHandleBase = 0xdead'0000'0000'0000;

// All buffers of the process; never destroyed, so that nothing runs at exit.
struct Table {
  std::mutex mutex;
  std::unordered_map<uint64_t, plugin::Box<Buffer>*> boxes;
  uint64_t last = 0;

  static Table& get() {
    static auto* const table = new Table;
    return *table;
  }
};

void reserve(Budget& budget, uint64_t size_bytes) {
  uint64_t used = budget.used.load();
  do {
    if (size_bytes > budget.total - used) {
      throw plugin::Status(TN_OUT_OF_MEMORY, "device memory: wanted " + std::to_string(size_bytes) +
                                                 " bytes, " + std::to_string(budget.total - used) +
                                                 " of " + std::to_string(budget.total) +
                                                 " are free");
    }
  } while (!budget.used.compare_exchange_weak(used, used + size_bytes));
}

}  // namespace

Buffer::Buffer(std::shared_ptr<Budget> budget, uint64_t size_bytes)
    : budget_(std::move(budget)), size_bytes_(size_bytes) {
  reserve(*budget_, size_bytes);
  data_ = static_cast<char*>(::operator new(size_bytes, kAlignment, std::nothrow));
  if (data_ == nullptr) {
    budget_->used -= size_bytes;
    throw std::bad_alloc();
  }
  std::memset(data_, 0xff, size_bytes);
}

Buffer::~Buffer() {
  ::operator delete(data_, kAlignment);
  budget_->used -= size_bytes_;
}

char* Buffer::range(uint64_t offset_bytes, uint64_t size_bytes) const {
  if (offset_bytes > size_bytes_ || size_bytes > size_bytes_ - offset_bytes) {
    throw plugin::Status(TN_INVALID_ARGUMENT, "access to " + std::to_string(size_bytes) +
                                                  " bytes at " + std::to_string(offset_bytes) +
                                                  " of a buffer of " + std::to_string(size_bytes_));
  }
  return data_ + offset_bytes;
}

tn_buffer Buffer::to_handle(plugin::Box<Buffer>* box) {
  Table& table = Table::get();
  const std::lock_guard lock(table.mutex);
  const uint64_t handle = kHandleBase + ++table.last;
  table.boxes.emplace(handle, box);
  return reinterpret_cast<tn_buffer>(handle);  // NOLINT(performance-no-int-to-ptr): a number
}

plugin::Box<Buffer>* Buffer::from_handle(tn_buffer handle) noexcept {
  Table& table = Table::get();
  const std::lock_guard lock(table.mutex);
  const auto found = table.boxes.find(reinterpret_cast<uint64_t>(handle));
  return found == table.boxes.end() ? nullptr : found->second;
}

plugin::Box<Buffer>* Buffer::take(tn_buffer handle) noexcept {
  Table& table = Table::get();
  const std::lock_guard lock(table.mutex);
  const auto found = table.boxes.find(reinterpret_cast<uint64_t>(handle));
  if (found == table.boxes.end()) return nullptr;
  plugin::Box<Buffer>* box = found->second;
  table.boxes.erase(found);
  return box;
}

}  // namespace tenon::opaque
