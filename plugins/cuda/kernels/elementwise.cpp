// fill, copy, program: all three are pointwise programs; dense fills and copies need no kernel.
#include <tenon/api/reference_kernels.h>

#include <cstring>
#include <optional>

#include "device/movement.h"
#include "geometry.h"
#include "kernel.h"
#include "program.h"

namespace tenon::cuda {
namespace {

constexpr uint32_t kThreads = 256;

// A program of one value: input 0 or scalar 0, cast when the dtypes differ.
tnr_program move_program(bool from_scalar, uint32_t from, uint32_t to) {
  tnr_program p{};
  (from_scalar ? p.scalar_count : p.input_count) = 1;
  p.output_count = 1;
  p.dtypes[0] = from;
  if (from != to) {
    p.instruction_count = 1;
    p.instructions[0][0] = TN_PROGRAM_CAST | to << 16;
    p.dtypes[1] = to;
    p.outputs[0] = 1;
  }
  return p;
}

class ProgramKernel final : public Kernel {
 public:
  ProgramKernel(Context& context, const Signature& signature, const tnr_program& program)
      : Kernel(TN_OP_PROGRAM, signature), runner_(context, program) {}

  void launch(Launcher& launcher) override { runner_.launch(launcher); }

 private:
  ProgramRunner runner_;
};

class FillKernel final : public Kernel {
 public:
  FillKernel(Context& context, const Signature& s)
      : Kernel(TN_OP_FILL, s), runner_(context, move_program(true, s.dtype(0), s.dtype(0))) {}

  void launch(Launcher& launcher) override {
    const tn_tensor* out = &launcher.tensor(0);
    const Space space = collapse({&out, 1}, Order::kMemory);
    if (space.count == 0) return;
    if (space.rank == 1 && (space.strides[0][0] == 1 || space.count == 1)) {
      if (set(launcher, static_cast<size_t>(space.count))) return;
    }
    runner_.launch(launcher);
  }

 private:
  // By cuMemset, which takes patterns of up to four bytes.
  bool set(Launcher& launcher, size_t count) const {
    const Driver& driver = launcher.context.driver;
    const CUdeviceptr at = launcher.address(0);
    const uint64_t slot = launcher.scalars()[0];
    CUresult result = CUDA_SUCCESS;
    switch (dtype(0)) {
      case TN_DTYPE_BOOL:
        result = driver.set8(at, bits<Bool, uint8_t>(slot), count, launcher.stream());
        break;
      case TN_DTYPE_U8:
        result = driver.set8(at, bits<uint8_t, uint8_t>(slot), count, launcher.stream());
        break;
      case TN_DTYPE_I8:
        result = driver.set8(at, bits<int8_t, uint8_t>(slot), count, launcher.stream());
        break;
      case TN_DTYPE_I16:
        result = driver.set16(at, bits<int16_t, uint16_t>(slot), count, launcher.stream());
        break;
      case TN_DTYPE_F16:
        result = driver.set16(at, bits<Half, uint16_t>(slot), count, launcher.stream());
        break;
      case TN_DTYPE_BF16:
        result = driver.set16(at, bits<BFloat16, uint16_t>(slot), count, launcher.stream());
        break;
      case TN_DTYPE_I32:
        result = driver.set32(at, bits<int32_t, uint32_t>(slot), count, launcher.stream());
        break;
      case TN_DTYPE_F32:
        result = driver.set32(at, bits<float, uint32_t>(slot), count, launcher.stream());
        break;
      default:
        return zero(launcher, slot, count);
    }
    launcher.context.check(result, "cuMemset");
    return true;
  }
  static bool zero(Launcher& launcher, uint64_t slot, size_t count) {
    if (slot != 0) return false;
    launcher.context.check(
        launcher.context.driver.set32(launcher.address(0), 0, 2 * count, launcher.stream()),
        "cuMemset");
    return true;
  }
  template <class T, class Bits>
  static Bits bits(uint64_t slot) {
    return bits_as<Bits>(element_of<T>(scalar_of<T>(slot)));
  }

  ProgramRunner runner_;
};

class CopyKernel final : public Kernel {
 public:
  CopyKernel(Context& context, const Signature& s) : Kernel(TN_OP_COPY, s) {
    moves_ = s.dtype(0) == s.dtype(1) && s.dtype(0) != TN_DTYPE_BOOL;
    if (!moves_) {
      runner_.emplace(context, move_program(false, s.dtype(1), s.dtype(0)));
      return;
    }
    const int64_t bytes = element_bytes(s.dtype(0));
    for (int64_t size = bytes; size <= 16; size *= 2) {
      strided_[size] = context.function("copy", "copy_strided_" + std::to_string(size));
    }
    turned_ = context.function("copy", "copy_turned_" + std::to_string(bytes));
  }

  void launch(Launcher& launcher) override {
    if (!moves_) return runner_->launch(launcher);
    const tn_tensor* tensors[] = {&launcher.tensor(0), &launcher.tensor(1)};
    const Space space = collapse(tensors, Order::kMemory);
    if (space.count == 0) return;
    const bool dense = space.rank == 1 &&
                       (space.count == 1 || (space.strides[0][0] == 1 && space.strides[1][0] == 1));
    if (dense) return move(launcher, space.count);
    if (!turn(launcher, space)) walk(launcher, space);
  }

 private:
  void move(Launcher& launcher, int64_t count) const {
    const auto bytes = static_cast<size_t>(count * element_bytes(dtype(0)));
    if (launcher.address(0) == launcher.address(1)) return;
    launcher.context.check(launcher.context.driver.copy(launcher.address(0), launcher.address(1),
                                                        bytes, launcher.stream()),
                           "cuMemcpyDtoDAsync");
  }

  // In elements of up to 16 bytes where both sides allow them.
  void walk(Launcher& launcher, Space space) const {
    const Placed both[] = {{0, launcher.address(0)}, {1, launcher.address(1)}};
    const int64_t bytes = element_bytes(dtype(0));
    const int64_t size = bytes * widen(space, both, bytes);
    CopyParams p{};
    p.count = space.count;
    p.rank = space.rank;
    p.small = space.reach(2) < kSmall ? 1 : 0;
    std::memcpy(p.shape, space.shape.data(), sizeof p.shape);
    std::memcpy(p.strides, space.strides.data(), sizeof p.strides);
    p.out = launcher.data(0);
    p.in = launcher.data(1);
    launcher.run(strided_[size], Grid{.blocks_x = blocks_for(p.count, kThreads)}, p);
  }

  // Where the dense dimensions of input and output differ and both are long enough for tiles.
  bool turn(Launcher& launcher, const Space& space) const {
    const auto rank = static_cast<size_t>(space.rank);
    const size_t across = rank - 1;  // where the output is dense
    size_t down = rank;
    for (size_t d = 0; d + 1 < rank; ++d) {
      if (space.strides[1][d] == 1) down = d;
    }
    if (down == rank || space.strides[0][across] != 1 || space.strides[1][across] <= 1 ||
        space.shape[down] < 8 || space.shape[across] < 8) {
      return false;
    }
    TurnParams p{};
    p.rows = space.shape[down];
    p.columns = space.shape[across];
    p.row_stride = space.strides[0][down];
    p.column_stride = space.strides[1][across];
    p.tiles_down = blocks_for(p.rows, kTile);
    p.tiles_across = blocks_for(p.columns, kTile);
    int64_t outer = 1;
    for (size_t d = 0; d + 1 < rank; ++d) {
      if (d == down) continue;
      const auto at = static_cast<size_t>(p.rank++);
      p.shape[at] = space.shape[d];
      p.strides[0][at] = space.strides[0][d];
      p.strides[1][at] = space.strides[1][d];
      outer *= space.shape[d];
    }
    p.out = launcher.data(0);
    p.in = launcher.data(1);
    Grid grid{.blocks_x = outer * p.tiles_down * p.tiles_across};
    grid.threads_x = kTile;
    grid.threads_y = kTileRows;
    grid.shared_bytes = static_cast<uint32_t>(kTile * (kTile + 1) * element_bytes(dtype(0)));
    launcher.run(turned_, grid, p);
    return true;
  }

  bool moves_ = false;
  CUfunction strided_[17] = {};  // by the size of an element
  CUfunction turned_ = nullptr;
  std::optional<ProgramRunner> runner_;
};

std::unique_ptr<Kernel> make_fill(Context& context, const Signature& s) {
  return std::make_unique<FillKernel>(context, s);
}
std::unique_ptr<Kernel> make_copy(Context& context, const Signature& s) {
  return std::make_unique<CopyKernel>(context, s);
}
std::unique_ptr<Kernel> make_program(Context& context, const Signature& s) {
  uint32_t dtypes[kProgramInputs];
  const tn_program& source = *s.program();
  for (uint32_t i = 0; i < source.input_count; ++i) dtypes[i] = s.dtype(source.output_count + i);
  tn_device_info limits{};
  limits.compute_dtypes = ~uint64_t{0};
  limits.program_inputs = kProgramInputs;
  limits.program_scalars = kProgramScalars;
  limits.program_instructions = kProgramInstructions;
  limits.program_outputs = kProgramOutputs;
  tnr_program program;
  char reason[160];
  if (tnr_program_read(&source, dtypes, &limits, &program, reason, sizeof reason) == 0) {
    throw plugin::Status(TN_UNSUPPORTED, reason);
  }
  return std::make_unique<ProgramKernel>(context, s, program);
}

constexpr Operator kOperators[] = {{TN_OP_FILL, nullptr, make_fill},
                                   {TN_OP_COPY, nullptr, make_copy},
                                   {TN_OP_PROGRAM, nullptr, make_program}};

}  // namespace

std::span<const Operator> elementwise_operators() { return kOperators; }

}  // namespace tenon::cuda
