// One launch with everything in it, so that it can be run again: on another device, or in another
// program from a file.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <tenon/api/device_plugin.h>

#include <tenon/runtime/device.h>
#include <tenon/runtime/dtype.h>
#include <tenon/runtime/loader/plugin.h>

namespace tenon {
class Op;
}

namespace tenon::layers {

struct RecordedOperand {
  uint32_t dtype = 0;
  std::vector<int64_t> shape, strides;  // in elements
  std::vector<std::byte> bytes;         // from the first element to the last, strides and all
  uint32_t memory = 0;                  // operands of one number share their bytes
};

struct RecordedProgram {
  uint32_t input_count = 0;
  std::vector<uint32_t> scalar_dtypes, instructions, outputs;
  uint32_t tail = 0, tail_dims = 0;
};

struct RecordedLaunch {
  std::string op;      // what the user called
  std::string kernel;  // the plugin's operator
  uint32_t flags = 0;
  uint32_t output_count = 0;
  std::vector<uint64_t> classes;
  std::vector<int64_t> attributes;
  std::vector<uint64_t> scalars;
  bool has_program = false;
  RecordedProgram program;
  std::vector<RecordedOperand> operands;
};

// Whether every plugin must have this operator.
[[nodiscard]] bool is_required(std::string_view kernel);

// The kernel that a signature asks for, without operands.
[[nodiscard]] RecordedLaunch record_signature(const tn_signature& signature, std::string_view op);

// While one lives, the launches of its thread are part of a comparison and not compared themselves.
class Comparing {
 public:
  Comparing() : previous_(now_) { now_ = true; }
  ~Comparing() { now_ = previous_; }
  Comparing(const Comparing&) = delete;
  Comparing& operator=(const Comparing&) = delete;
  [[nodiscard]] static bool now() { return now_; }

 private:
  static inline constinit thread_local bool now_ = false;
  bool previous_;
};

// An open device of a plugin with a stream, for runs of recorded launches alone.
class ReplayDevice {
 public:
  // Errors: what the plugin answered.
  ReplayDevice(const Plugin& plugin, uint32_t index);
  // For ever, as devices are.
  ReplayDevice(const ReplayDevice&) = delete;
  ReplayDevice& operator=(const ReplayDevice&) = delete;

  // Why the device can't run it; "" when it can.
  [[nodiscard]] std::string refusal(const RecordedLaunch& launch);
  // Runs it and answers the outputs' bytes. Errors: what the plugin answered.
  [[nodiscard]] std::vector<std::vector<std::byte>> run(const RecordedLaunch& launch);

 private:
  const Plugin& plugin_;
  tn_device device_ = nullptr;
  tn_stream stream_ = nullptr;
};

// The same for an optional operator, composed on a device as the dispatcher composes it.
[[nodiscard]] std::vector<std::vector<std::byte>> compose_launch(const RecordedLaunch& launch,
                                                                 const Op& op,
                                                                 const Device& device);
[[nodiscard]] bool has_composition(const Op* op);

// Visits the elements in row-major order with their index and their place in the operand's bytes,
// until one visit answers false, which is the answer then.
template <class F>
bool each_element(const RecordedOperand& operand, const F& visit) {
  const auto size = static_cast<size_t>(size_bytes(static_cast<DType>(operand.dtype)));
  const size_t rank = operand.shape.size();
  if (std::count(operand.shape.begin(), operand.shape.end(), 0) != 0) return true;
  std::vector<int64_t> index(rank, 0);
  while (true) {
    size_t place = 0;
    for (size_t d = 0; d < rank; ++d) place += static_cast<size_t>(index[d] * operand.strides[d]);
    if (!visit(index, place * size)) return false;
    size_t d = rank;
    while (d > 0 && ++index[d - 1] == operand.shape[d - 1]) index[--d] = 0;
    if (d == 0) return true;
  }
}

// Where two results differ by more than their rounding allows.
struct Divergence {
  uint32_t output = 0;
  std::vector<int64_t> index;
  double first = 0, second = 0;
  uint64_t ulp = 0;    // UINT64_MAX: no number of units (NaN beside a number)
  double allowed = 0;  // absolute
};

// The first element of an output that differs. Integers and bool must be equal; a float may differ
// by 64 units in the last place, and by what a sum over its terms can lose.
[[nodiscard]] std::unique_ptr<Divergence> find_divergence(
    const RecordedLaunch& launch, const std::vector<std::vector<std::byte>>& first,
    const std::vector<std::vector<std::byte>>& second);
// "output 0, element (1, 2): cpu:0 gives 1.5, reference:0 gives 1.25, 2097152 units in the last
// place apart".
[[nodiscard]] std::string describe(const Divergence& divergence, std::string_view first_device,
                                   std::string_view second_device);
// "float32 (2, 3) strides (3, 1)" of each operand.
[[nodiscard]] std::string describe_operands(const RecordedLaunch& launch);

// As JSON. Errors: Io.
void write_launch(const std::string& path, const RecordedLaunch& launch,
                  std::string_view first_device, std::string_view second_device);
struct LaunchFile {
  RecordedLaunch launch;
  std::string first_device, second_device;
};
[[nodiscard]] LaunchFile read_launch(const std::string& path);

}  // namespace tenon::layers
