// One operator on one device: query, prepare, upload, launch, sync, download, with guard bytes
// around every operand.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <tenon/api/device_plugin.h>

#include "array.h"
#include "host.h"

namespace tenon::conform {

// Words of a program under construction.
struct ProgramText {
  uint32_t inputs = 0;
  std::vector<uint32_t> scalar_dtypes = {};
  std::vector<uint32_t> words = {};
  std::vector<uint32_t> outputs = {};
  uint32_t tail = 0;
  uint32_t tail_dims = 0;

  // Appends an instruction, returns its value number.
  uint32_t add(uint32_t opcode, uint32_t dtype, uint32_t a = 0, uint32_t b = 0, uint32_t c = 0);
  [[nodiscard]] uint32_t instruction_count() const {
    return static_cast<uint32_t>(words.size() / 4);
  }
  [[nodiscard]] tn_program view() const;
};

struct Call {
  std::string op;
  std::vector<Array> outputs;
  std::vector<Array> inputs;
  std::vector<int64_t> attributes = {};
  std::vector<uint64_t> scalars = {};
  const ProgramText* program = nullptr;
  // Output i is input aliases[i], exactly; -1: memory of its own. Empty: none is.
  std::vector<int32_t> aliases = {};
};

struct Outcome {
  tn_status status = TN_OK;  // of the first step that failed
  std::string step;          // which: "query", "prepare", "launch", "sync"
  std::string text;
  bool refused = false;  // query answered NO
  tn_answer answer{};
  uint64_t failed_tag = 0;
  std::string damage;          // what was written that no output owns; "" when nothing was
  std::vector<Array> outputs;  // also after a failure at sync
};

// Query, prepare, upload, launch with tag 7, sync, download.
[[nodiscard]] Outcome run(PluginHost& host, const Call& call);
// The same with a kernel that was prepared for another call of the same classes.
[[nodiscard]] Outcome run_prepared_for(PluginHost& host, const Call& prepared, const Call& call);

inline constexpr uint64_t kTag = 7;

[[nodiscard]] uint64_t slot(double value);
[[nodiscard]] uint64_t slot(int64_t value);

// The word of the cache key for an operand at this offset of its buffer.
[[nodiscard]] uint64_t class_word(const Array& a, uint64_t offset_bytes);

// One kernel with its buffers, on a stream of choice: for cases that need to hold the parts.
class Session {
 public:
  // Uploads every operand. The call must outlive the session.
  Session(PluginHost& host, const Call& call, tn_stream stream);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  [[nodiscard]] Outcome query();
  [[nodiscard]] tn_status prepare();
  // Queues the kernel; finds its workspace on the first call.
  [[nodiscard]] tn_status launch(uint64_t tag);
  // Downloads the operand's whole buffer (outputs first, then inputs), waits for it.
  [[nodiscard]] std::vector<std::byte> download(size_t operand);
  // The outputs, and what was written beside them.
  void collect(Outcome& out);
  // Where a read-back may write before the stream was waited for.
  [[nodiscard]] tn_buffer buffer(size_t operand) const { return tensors_[operand].buffer; }
  [[nodiscard]] uint64_t first_byte(size_t operand) const { return tensors_[operand].offset_bytes; }
  void borrow_kernel(tn_kernel kernel);
  [[nodiscard]] tn_kernel kernel() const { return kernel_; }

 private:
  void add(const Array& a);
  [[nodiscard]] tn_signature signature();
  [[nodiscard]] std::string damage_of(size_t operand, const std::vector<std::byte>& now) const;

  PluginHost& host_;
  const Call& call_;
  tn_stream stream_;
  uint64_t lead_bytes_;  // in front of each operand
  std::vector<tn_tensor> tensors_;
  std::vector<const tn_tensor*> operands_;
  std::vector<uint64_t> classes_;
  std::vector<std::vector<std::byte>> uploaded_;
  tn_program program_{};
  tn_kernel kernel_ = nullptr;
  bool owns_kernel_ = true;
  tn_workspace workspace_{};
};

}  // namespace tenon::conform
