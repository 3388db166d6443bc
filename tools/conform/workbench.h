// Buffers of floats and four kernels on them, and what the host knows they must hold: for cases
// about order, whatever the stream.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "call.h"

namespace tenon::conform {

class Workbench {
 public:
  static constexpr int64_t kFloats = 96;
  using Floats = std::vector<float>;  // kFloats of them

  // Prepared and cleared on `home`: the host's stream, or the one of the calling thread.
  Workbench(PluginHost& host, size_t buffers, tn_stream home = nullptr);
  ~Workbench();
  Workbench(const Workbench&) = delete;
  Workbench& operator=(const Workbench&) = delete;

  // Each queues its work and keeps the host's copy in step.
  void upload(tn_stream stream, size_t to, const Floats& values, uint32_t flags = 0);
  void fill(tn_stream stream, size_t to, float value);
  void copy(tn_stream stream, size_t to, size_t from);
  void add(tn_stream stream, size_t to, size_t a, size_t b);
  // Queues a download into memory that stays until the end of the bench.
  void download(tn_stream stream, size_t from);
  // Queues a gather whose index is beyond the end (or not): OK, or INDEX_ERROR of an inline device.
  [[nodiscard]] tn_status gather(tn_stream stream, bool bad, uint64_t tag);

  // After the streams were waited for: every download, and what the buffers hold now.
  void verify(tn_stream stream);
  [[nodiscard]] size_t size() const { return buffers_.size(); }
  [[nodiscard]] tn_buffer buffer(size_t i) const { return buffers_[i]; }
  [[nodiscard]] const Floats& expected(size_t i) const { return expected_[i]; }

 private:
  struct Download {
    Floats got, expected;
  };

  [[nodiscard]] tn_kernel prepare(const char* op, uint32_t operands, const ProgramText* program,
                                  std::vector<uint32_t> dtypes,
                                  std::vector<int64_t> attributes) const;
  [[nodiscard]] tn_tensor tensor(size_t buffer) const;
  void launch(tn_stream stream, tn_kernel kernel, const std::vector<size_t>& operands,
              const uint64_t* scalars);

  PluginHost& host_;
  const tn_stream home_;
  std::vector<tn_buffer> buffers_;
  std::vector<Floats> expected_;
  std::vector<std::unique_ptr<Download>> downloads_;
  tn_buffer good_index_ = nullptr, bad_index_ = nullptr, gathered_ = nullptr;
  tn_kernel fill_ = nullptr, copy_ = nullptr, add_ = nullptr, gather_ = nullptr;
};

// A stream that is destroyed at the end of the scope, after its work.
class OwnStream {
 public:
  explicit OwnStream(PluginHost& host) : host_(host) {
    host.must(host.core->stream_create(host.device, &stream_));
  }
  ~OwnStream() {
    uint64_t tag = 0;
    host_.core->stream_sync(stream_, &tag);
    host_.core->stream_destroy(stream_);
  }
  OwnStream(const OwnStream&) = delete;
  OwnStream& operator=(const OwnStream&) = delete;
  [[nodiscard]] tn_stream get() const { return stream_; }

 private:
  PluginHost& host_;
  tn_stream stream_ = nullptr;
};

}  // namespace tenon::conform
