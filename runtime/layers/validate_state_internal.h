// What the validate layer knows of one plugin: which handles are alive, what kernels were prepared
// for, and who wrote which bytes on which stream.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include <tenon/api/device_plugin.h>

namespace tenon::layers {

struct DeviceState {
  uint32_t index = 0;
  uint32_t flags = 0;  // TN_DEVICE_*
  uint32_t buffers = 0, streams = 0, kernels = 0;
};

// Bytes that work on a stream wrote, at a point of that stream's own count of work.
struct Written {
  uint64_t begin = 0, end = 0;
  tn_stream stream = nullptr;
  uint64_t point = 0;
  std::string_view op;
};

struct BufferState {
  tn_device device = nullptr;
  uint64_t size_bytes = 0;
  std::vector<Written> written;  // newest last; only of asynchronous devices
};

struct StreamState {
  tn_device device = nullptr;
  uint64_t point = 0;  // pieces of work so far
  uint64_t done = 0;   // points up to here are finished: the host waited for them
  uint64_t last_event = 0;
  std::unordered_map<uint64_t, uint64_t> events;   // value -> point
  std::unordered_map<tn_stream, uint64_t> waited;  // points of others that this one waits for
  std::thread::id user;                            // inside a call just now
};

struct KernelState {
  tn_device device = nullptr;
  std::string_view op;
  uint32_t outputs = 0;
  std::vector<uint64_t> classes;
};

// Handles by kind, and the graves of those that were released, until the address is used again.
template <class Handle, class State>
class HandleBook {
 public:
  explicit HandleBook(std::string_view kind) : kind_(kind) {}

  State& add(Handle handle, State state) {
    graves_.erase(handle);
    return live_[handle] = std::move(state);
  }
  [[nodiscard]] State* find(Handle handle) {
    const auto at = live_.find(handle);
    return at == live_.end() ? nullptr : &at->second;
  }
  void bury(Handle handle) {
    constexpr size_t kMaxGraves = 100'000;
    if (graves_.size() >= kMaxGraves) graves_.clear();
    if (live_.erase(handle) != 0) graves_[handle] = true;
  }
  // Why a handle that find() does not know is wrong.
  [[nodiscard]] std::string why_not(Handle handle) const {
    if (handle == nullptr) return std::string("the ").append(kind_).append(" is NULL");
    if (graves_.count(handle) != 0)
      return std::string("use after free: the ").append(kind_).append(" was released before");
    return std::string("no ").append(kind_).append(" of this plugin has that handle");
  }

 private:
  std::string_view kind_;
  std::unordered_map<Handle, State> live_;
  std::unordered_map<Handle, bool> graves_;
};

// "" when the bytes of an operand lie inside a buffer of that size, strides and shape are
// well-formed and both suit the class the kernel was prepared for.
[[nodiscard]] std::string operand_problem(const tn_tensor& operand, uint64_t class_word,
                                          uint64_t buffer_bytes);
// Bytes [begin, end) that an operand spans; both 0 when it has no element.
struct ByteSpan {
  uint64_t begin = 0, end = 0;
};
[[nodiscard]] ByteSpan span_of(const tn_tensor& operand);
[[nodiscard]] bool is_dense(const tn_tensor& operand);

// What is wrong with the facts a device tells, or with an answer to query; "" when nothing is.
[[nodiscard]] std::string info_problem(const tn_device_info& info);
[[nodiscard]] std::string answer_problem(const tn_answer& answer);

}  // namespace tenon::layers
