// reduce
#include "device/reduction.h"

#include <algorithm>
#include <cstring>

#include "geometry.h"
#include "kernel.h"

namespace tenon::cuda {
namespace {

constexpr int64_t kAccumulatorBytes = 16;  // of the largest, and of its alignment

// Two kernels that do the same for rows that lie otherwise.
struct Pair {
  CUfunction rows, columns;

  Pair(Context& context, const std::string& name)
      : rows(context.function("reduction", "reduce_rows_" + name)),
        columns(context.function("reduction", "reduce_columns_" + name)) {}
};

bool finds(uint32_t kind) { return kind == TN_REDUCE_ARGMAX || kind == TN_REDUCE_ARGMIN; }
bool is_real(uint32_t dtype) { return dtype >= TN_DTYPE_F16; }

std::string first_kernel(uint32_t kind, uint32_t dtype) {
  if (finds(kind)) return is_real(dtype) ? "find_real" : "find_whole";
  if (kind >= TN_REDUCE_ANY) return "truth";
  return is_real(dtype) ? dtype_suffix(dtype) : "whole";
}
std::string next_kernel(uint32_t kind, uint32_t dtype) {
  if (finds(kind)) return is_real(dtype) ? "again_find_real" : "again_find_whole";
  return kind < TN_REDUCE_ANY && is_real(dtype) ? "f64" : "whole";
}

// Bytes of the results of segments: of the first level, and of all above it in turn.
struct Scratch {
  uint64_t first = 0, second = 0;
};
Scratch scratch_for(int64_t rows, int64_t values) {
  Scratch out;
  const int64_t segments = blocks_for(values, kSegment);
  if (segments <= 1) return out;
  out.first = static_cast<uint64_t>(rows * segments * kAccumulatorBytes);
  const int64_t above = blocks_for(segments, kSegment);
  if (above > 1) out.second = static_cast<uint64_t>(rows * above * kAccumulatorBytes);
  return out;
}

class ReduceKernel final : public Kernel {
 public:
  ReduceKernel(Context& context, const Signature& s)
      : Kernel(TN_OP_REDUCE, s),
        kind_(static_cast<uint32_t>(s.attributes()[0])),
        dims_(static_cast<uint32_t>(s.attributes()[1])),
        first_(context, first_kernel(kind_, s.dtype(1))),
        next_(context, next_kernel(kind_, s.dtype(1))) {}

  uint64_t workspace(std::span<const tn_tensor* const> operands) const override {
    const Scratch s =
        scratch_for(count_over(*operands[1], ~dims_), count_over(*operands[1], dims_));
    return s.first + s.second;
  }

  void launch(Launcher& launcher) override {
    const tn_tensor *out = &launcher.tensor(0), *in = &launcher.tensor(1);
    const tn_tensor* both[] = {out, in};
    // The kept dimensions have the extents of `in`; `out` agrees there.
    const Space kept = collapse(both, Order::kRowMajor, ~dims_);
    const Space reduced = collapse({&in, 1}, Order::kRowMajor, dims_);
    if (kept.count == 0) return;
    ReduceParams p{};
    p.rows = kept.count;
    p.values = reduced.count;
    p.segments = std::max<int64_t>(blocks_for(p.values, kSegment), 1);
    p.in = launcher.data(1);
    p.out = launcher.data(0);
    p.kind = kind_;
    p.in_dtype = in->dtype;
    p.out_dtype = out->dtype;
    p.row_rank = kept.rank;
    p.value_rank = reduced.rank;
    std::memcpy(p.row_shape, kept.shape.data(), sizeof p.row_shape);
    std::memcpy(p.row_strides, kept.strides.data(), sizeof p.row_strides);
    std::memcpy(p.value_shape, reduced.shape.data(), sizeof p.value_shape);
    std::memcpy(p.value_strides, reduced.strides[0].data(), sizeof p.value_strides);
    const CUdeviceptr scratch = launcher.workspace();
    const Scratch sizes = scratch_for(p.rows, p.values);
    p.partial = reinterpret_cast<void*>(scratch);
    run(launcher, first_, p);
    for (int level = 1; p.segments > 1; ++level) {
      p.in = p.partial;
      p.values = p.segments;
      p.segments = blocks_for(p.values, kSegment);
      p.partial = reinterpret_cast<void*>(scratch + (level % 2 == 1 ? sizes.first : 0));
      p.in_dtype = is_real(dtype(1)) && kind_ < TN_REDUCE_ANY ? TN_DTYPE_F64 : TN_DTYPE_I64;
      dense_rows(p);
      run(launcher, next_, p);
    }
  }

 private:
  // The input is [rows][values] now.
  static void dense_rows(ReduceParams& p) {
    int64_t stride = p.values;
    for (int d = p.row_rank - 1; d >= 0; --d) {
      p.row_strides[1][d] = stride;
      stride *= p.row_shape[d];
    }
    p.value_rank = 1;
    p.value_shape[0] = p.values;
    p.value_strides[0] = 1;
  }

  static void run(Launcher& launcher, const Pair& pair, const ReduceParams& p) {
    const int inner = p.value_rank - 1;
    const bool dense = p.value_strides[inner] == 1 && p.value_shape[inner] >= kLanes;
    if (dense) {
      launcher.run(pair.rows, Grid{.blocks_x = blocks_for(p.rows * p.segments, 256 / kLanes)}, p);
      return;
    }
    Grid grid{.blocks_x = blocks_for(p.rows, kLanes) * p.segments};
    grid.threads_x = kLanes;
    grid.threads_y = 8;
    grid.shared_bytes = static_cast<uint32_t>(kLanes * kLanes * kAccumulatorBytes);
    launcher.run(pair.columns, grid, p);
  }

  const uint32_t kind_, dims_;
  const Pair first_, next_;
};

std::unique_ptr<Kernel> make_reduce(Context& context, const Signature& s) {
  return std::make_unique<ReduceKernel>(context, s);
}

constexpr Operator kOperators[] = {{TN_OP_REDUCE, nullptr, make_reduce}};

}  // namespace

std::span<const Operator> reduction_operators() { return kOperators; }

}  // namespace tenon::cuda
