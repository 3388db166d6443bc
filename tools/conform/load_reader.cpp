// The reader's law: what is longer than the plugin knows is ignored, what is shorter than the
// frozen minimum refused, a flag of the upper half that is unknown an error, one of the lower half
// advice.
#include <cstring>

#include "call.h"
#include "load_cases.h"

namespace tenon::conform {
namespace {

// A fill of four floats whose structs a case may spoil.
class RawFill {
 public:
  explicit RawFill(PluginHost& host) : host_(host) {
    host.must(host.core->buffer_alloc(host.device, 64, &tensor.base.buffer));
    tensor.base.struct_size = sizeof tensor.base;
    tensor.base.dtype = TN_DTYPE_F32;
    tensor.base.rank = 1;
    tensor.base.shape[0] = 4;
    tensor.base.strides[0] = 1;
    signature.base.struct_size = sizeof signature.base;
    signature.base.op = TN_OP_FILL;
    signature.base.op_size = 4;
    signature.base.op_version = 1;
    signature.base.output_count = signature.base.operand_count = 1;
    signature.base.classes = &word;
    signature.base.operands = &operand_;
  }
  ~RawFill() {
    uint64_t tag = 0;
    host_.core->stream_sync(host_.stream, &tag);
    if (kernel_ != nullptr) host_.ops->kernel_release(kernel_);
    host_.core->buffer_free(tensor.base.buffer);
  }
  RawFill(const RawFill&) = delete;
  RawFill& operator=(const RawFill&) = delete;

  tn_status query() {
    answer.struct_size = sizeof answer;
    return host_.ops->query(host_.device, &signature.base, &answer);
  }
  tn_status prepare() { return host_.ops->prepare(host_.device, &signature.base, &kernel_); }
  tn_status launch() {
    const uint64_t value = slot(1.0);
    return host_.ops->launch(host_.stream, kernel_, &operand_, &value, nullptr, 1);
  }

  template <class T>
  struct Longer {
    T base;
    uint64_t appended;
  };
  Longer<tn_tensor> tensor{};
  Longer<tn_signature> signature{};
  uint64_t word = TN_CLASS(TN_DTYPE_F32, 1, TN_LAYOUT_CONTIGUOUS, 6);
  tn_answer answer{};

 private:
  PluginHost& host_;
  const tn_tensor* operand_ = &tensor.base;
  tn_kernel kernel_ = nullptr;
};

void check_longer(Context& c) {
  RawFill fill(c.subject());
  fill.tensor.base.struct_size = sizeof fill.tensor;
  fill.tensor.appended = UINT64_MAX;
  fill.signature.base.struct_size = sizeof fill.signature;
  fill.signature.appended = UINT64_MAX;
  require(fill.query() == TN_OK && fill.answer.support != TN_ANSWER_NO,
          "query refuses a longer signature");
  c.subject().must(fill.prepare());
  c.subject().must(fill.launch());
}

void check_short_signature(Context& c) {
  for (const uint32_t size : {0u, 8u, TN_MIN_SIGNATURE - 8}) {
    RawFill fill(c.subject());
    fill.signature.base.struct_size = size;
    require(fill.query() == TN_INVALID_ARGUMENT,
            "query accepts a signature of " + std::to_string(size) + " bytes");
    require(fill.prepare() != TN_OK,
            "prepare accepts a signature of " + std::to_string(size) + " bytes");
  }
}

void check_signature_flags(Context& c) {
  for (const uint32_t flag : {0x80000000u, 0x10000u}) {
    RawFill fill(c.subject());
    fill.signature.base.flags = flag;
    const tn_status status = fill.query();
    require(status != TN_OK || fill.answer.support == TN_ANSWER_NO,
            "query says yes to a flag it must understand and does not");
    require(fill.prepare() != TN_OK, "prepare accepts a flag it must understand and does not");
  }
}

void check_advice(Context& c) {
  RawFill fill(c.subject());
  fill.signature.base.flags = TN_SIGNATURE_DENSE | TN_SIGNATURE_DETERMINISTIC | 0x4000;
  c.subject().must(fill.query());
  require(fill.answer.support != TN_ANSWER_NO,
          "query refuses advice: " + std::string(fill.answer.reason));
  c.subject().must(fill.prepare());
  c.subject().must(fill.launch());
}

void check_short_program(Context& c) {
  RawFill fill(c.subject());
  ProgramText text;
  text.outputs = {text.add(TN_PROGRAM_INDEX, TN_DTYPE_I64)};
  tn_program program = text.view();
  fill.word = TN_CLASS(TN_DTYPE_I64, 1, TN_LAYOUT_CONTIGUOUS, 6);
  fill.tensor.base.dtype = TN_DTYPE_I64;
  fill.signature.base.op = TN_OP_PROGRAM;
  fill.signature.base.op_size = 7;
  fill.signature.base.program = &program;
  c.subject().must(fill.query());
  require(fill.answer.support != TN_ANSWER_NO, "query refuses a program of one INDEX");
  program.struct_size = TN_MIN_PROGRAM - 8;
  require(fill.query() == TN_INVALID_ARGUMENT, "query accepts a program below its minimum");
  program.struct_size = sizeof program;
  program.flags = 0x10000;
  const tn_status status = fill.query();
  require(status != TN_OK || fill.answer.support == TN_ANSWER_NO,
          "query says yes to a program with unknown flags");
}

void check_missing_program(Context& c) {
  RawFill fill(c.subject());
  fill.signature.base.op = TN_OP_PROGRAM;
  fill.signature.base.op_size = 7;
  const tn_status status = fill.query();
  require(status != TN_OK || fill.answer.support == TN_ANSWER_NO,
          "query says yes to \"program\" without one");
}

void check_words(Context& c) {
  for (const uint64_t word : {TN_CLASS(TN_DTYPE_COUNT, 1, 0, 0), TN_CLASS(0, 1, 0, 0),
                              TN_CLASS(200, 1, 0, 0), TN_CLASS(TN_DTYPE_F32, 9, 0, 0)}) {
    RawFill fill(c.subject());
    fill.word = word;
    const tn_status status = fill.query();
    require(status != TN_OK || fill.answer.support == TN_ANSWER_NO,
            "query says yes to an unknown dtype or a rank of 9");
    require(status != TN_OK || fill.answer.reason[0] != 0, "query answered NO without a reason");
  }
}

void check_version(Context& c) {
  RawFill fill(c.subject());
  fill.signature.base.op_version = 2;
  c.subject().must(fill.query());
  require(fill.answer.support == TN_ANSWER_NO, "query says yes to version 2 of fill");
}

void check_cut_answer(Context& c, uint32_t size) {
  RawFill fill(c.subject());
  std::memset(&fill.answer, 0xA5, sizeof fill.answer);
  fill.answer.struct_size = size;
  PluginHost& host = c.subject();
  host.must(host.ops->query(host.device, &fill.signature.base, &fill.answer));
  const auto* bytes = reinterpret_cast<const unsigned char*>(&fill.answer);
  for (uint32_t i = size; i < sizeof fill.answer; ++i) {
    require(bytes[i] == 0xA5,
            "wrote byte " + std::to_string(i) + " of an answer of " + std::to_string(size));
  }
  require(size < 12 || fill.answer.support != TN_ANSWER_NO, "a cut answer says NO");
}

// A plugin may trust the tensors of a launch, for speed; if it looks, it must look at both.
void check_tensors(Context& c) {
  const auto refuses = [&](uint32_t size, uint32_t flags) {
    RawFill fill(c.subject());
    c.subject().must(fill.prepare());
    fill.tensor.base.struct_size = size;
    fill.tensor.base.flags = flags;
    return fill.launch() != TN_OK;
  };
  const bool size = refuses(TN_MIN_TENSOR - 8, 0), flags = refuses(sizeof(tn_tensor), 0x10000);
  if (!size && !flags) throw Skip("trusts the tensors of a launch");
  require(size, "launch accepts a tensor below its minimum, but not one with unknown flags");
  require(flags, "launch accepts a tensor with unknown flags, but not one below its minimum");
}

// Transfers are proved by the host; a device with memory of its own refuses them nevertheless.
void check_ranges(Context& c) {
  const PluginHost& host = c.subject();
  if ((host.info.flags & TN_DEVICE_HOST_MEMORY) != 0) {
    throw Skip("ranges are proved by the host; trying a bad one on host memory could corrupt it");
  }
  for (const bool up : {true, false}) {
    for (const uint64_t offset : {uint64_t{8}, UINT64_MAX}) {
      tn_buffer buffer = nullptr;
      host.must(host.core->buffer_alloc(host.device, 16, &buffer));
      char bytes[16] = {};
      uint64_t tag = 0;
      tn_status status = up ? host.core->upload(host.stream, buffer, offset, bytes, 16, 0)
                            : host.core->download(host.stream, buffer, offset, bytes, 16);
      if (status == TN_OK) status = host.core->stream_sync(host.stream, &tag);
      host.core->buffer_free(buffer);
      require(status != TN_OK, std::string(up ? "an upload" : "a download") +
                                   " behind the end of its buffer answered OK");
    }
  }
}

}  // namespace

void add_reader_cases(Cases& cases) {
  cases.push_back({"load/reader/longer_structs", check_longer});
  cases.push_back({"load/reader/short_signature", check_short_signature});
  cases.push_back({"load/reader/unknown_signature_flags", check_signature_flags});
  cases.push_back({"load/reader/advice", check_advice});
  cases.push_back({"load/reader/short_program", check_short_program});
  cases.push_back({"load/reader/missing_program", check_missing_program});
  cases.push_back({"load/reader/unknown_classes", check_words});
  cases.push_back({"load/reader/unknown_version", check_version});
  for (uint32_t size = 8; size < sizeof(tn_answer); size += 8) {
    cases.push_back({"load/reader/answer_cut_to/" + std::to_string(size),
                     [=](Context& c) { check_cut_answer(c, size); }});
  }
  cases.push_back({"load/reader/tensors_of_a_launch", check_tensors});
  cases.push_back({"load/reader/transfers_behind_the_end", check_ranges});
}

}  // namespace tenon::conform
