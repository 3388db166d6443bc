// reduce
#include "device/reduction.h"

#include <algorithm>
#include <cstring>

#include "geometry.h"
#include "kernel.h"

namespace tenon::cuda {
namespace {

constexpr uint32_t kThreads = 256;
constexpr int64_t kAccumulatorBytes = 16;  // of the largest, and of its alignment

// Kernels that do the same for rows that lie otherwise.
struct Kernels {
  CUfunction rows, block, columns;  // no columns for results of segments

  Kernels(Context& context, const std::string& name, bool again)
      : rows(context.function("reduction", "reduce_rows_" + name)),
        block(context.function("reduction", "reduce_block_" + name)),
        columns(again ? nullptr : context.function("reduction", "reduce_columns_" + name)) {}
};

bool finds(uint32_t kind) { return kind == TN_REDUCE_ARGMAX || kind == TN_REDUCE_ARGMIN; }
bool is_real(uint32_t dtype) { return dtype >= TN_DTYPE_F16; }
bool is_extreme(uint32_t kind) { return kind == TN_REDUCE_MAX || kind == TN_REDUCE_MIN; }

// What values are joined in: floats in f64, but extremes in their own class.
uint32_t accumulator(uint32_t kind, uint32_t dtype) {
  if (kind == TN_REDUCE_ANY || kind == TN_REDUCE_ALL || !is_real(dtype)) return TN_DTYPE_I64;
  const bool sums = kind == TN_REDUCE_SUM || kind == TN_REDUCE_PROD;
  return sums || dtype == TN_DTYPE_F64 ? TN_DTYPE_F64 : TN_DTYPE_F32;
}

std::string first_kernel(uint32_t kind, uint32_t dtype) {
  const std::string suffix = dtype_suffix(dtype);
  const bool typed = is_real(dtype) || dtype == TN_DTYPE_I64;
  if (finds(kind)) return typed ? "find_" + suffix : "find_whole";
  if (kind == TN_REDUCE_ANY || kind == TN_REDUCE_ALL) {
    if (dtype != TN_DTYPE_BOOL) return "truth";
    return kind == TN_REDUCE_ANY ? "any_bool" : "all_bool";
  }
  if (!typed || kind == TN_REDUCE_PROD) return is_real(dtype) ? "real" : "whole";
  const char* name = kind == TN_REDUCE_SUM ? "sum_" : kind == TN_REDUCE_MAX ? "max_" : "min_";
  return name + suffix;
}
std::string next_kernel(uint32_t kind, uint32_t dtype) {
  const uint32_t wide = accumulator(kind, dtype);
  if (finds(kind)) return std::string("again_") + dtype_suffix(wide);
  if (kind == TN_REDUCE_SUM || is_extreme(kind)) return first_kernel(kind, wide);
  return wide == TN_DTYPE_F64 ? "real" : "whole";
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
        accumulator_(accumulator(kind_, s.dtype(1))),
        first_(context, first_kernel(kind_, s.dtype(1)), false),
        next_(context, next_kernel(kind_, s.dtype(1)), finds(kind_)) {}

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
    run(launcher, first_, element_bytes(in->dtype), p);
    for (int level = 1; p.segments > 1; ++level) {
      p.in = p.partial;
      p.values = p.segments;
      p.segments = blocks_for(p.values, kSegment);
      p.partial = reinterpret_cast<void*>(scratch + (level % 2 == 1 ? sizes.first : 0));
      p.in_dtype = accumulator_;
      dense_rows(p);
      run(launcher, next_, finds(kind_) ? kAccumulatorBytes : element_bytes(accumulator_), p);
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

  // Do the four values of every lane lie together and aligned?
  static bool packs(const ReduceParams& p, int64_t bytes) {
    const int inner = p.value_rank - 1;
    bool packs =
        p.value_strides[inner] == 1 &&
        reinterpret_cast<uintptr_t>(p.in) % std::min<uint64_t>(kQuad * bytes, kPackBytes) == 0;
    if (inner > 0) packs = packs && inner == 1 && p.small != 0 && p.value_shape[1] % kQuad == 0;
    for (int d = 0; d < inner; ++d) packs = packs && p.value_strides[d] % kQuad == 0;
    for (int d = 0; d < p.row_rank; ++d) packs = packs && p.row_strides[1][d] % kQuad == 0;
    return packs;
  }

  static bool is_small(const ReduceParams& p) {
    int64_t last = 0;
    for (int d = 0; d < p.value_rank; ++d) last += (p.value_shape[d] - 1) * p.value_strides[d];
    return last < kSmall && p.values < kSmall;
  }

  // Are neighbouring rows nearer to one another than neighbouring values?
  static bool stands_in_columns(const ReduceParams& p) {
    const int row = p.row_rank - 1;
    return p.values > 1 && p.row_shape[row] >= 8 &&
           p.row_strides[1][row] < p.value_strides[p.value_rank - 1];
  }

  // One level; a block that takes whole rows leaves no segments.
  static void run(Launcher& launcher, const Kernels& kernels, int64_t bytes, ReduceParams& p) {
    p.small = is_small(p) ? 1 : 0;
    p.packed = 0;
    if (kernels.columns != nullptr && stands_in_columns(p))
      return run_columns(launcher, kernels, p);
    p.packed = packs(p, bytes) ? 1 : 0;
    const bool block =
        p.segments > 1 && p.segments <= kBlockSegments && (p.rows >= 256 || p.segments <= 32);
    if (block) {
      Grid grid{.blocks_x = p.rows};
      grid.threads_x = static_cast<uint32_t>(kLanes * std::min<int64_t>(p.segments, 8));
      grid.shared_bytes = static_cast<uint32_t>(p.segments * kAccumulatorBytes);
      launcher.run(kernels.block, grid, p);
      p.segments = 1;
      return;
    }
    p.lane_bits = 0;
    while (p.lane_bits < 5 && (kQuad << p.lane_bits) < p.values) ++p.lane_bits;
    const int64_t threads = (p.rows * p.segments) << p.lane_bits;
    launcher.run(kernels.rows, Grid{.blocks_x = blocks_for(threads, kThreads)}, p);
  }

  static void run_columns(Launcher& launcher, const Kernels& kernels, const ReduceParams& p) {
    Grid grid;
    grid.threads_x = p.rows <= 8 ? 8 : p.rows <= 16 ? 16 : kLanes;
    grid.threads_y = kThreads / grid.threads_x;
    grid.blocks_x = blocks_for(p.rows, grid.threads_x) * p.segments;
    grid.shared_bytes = static_cast<uint32_t>(kLanes * grid.threads_x * kAccumulatorBytes);
    launcher.run(kernels.columns, grid, p);
  }

  const uint32_t kind_, dims_, accumulator_;
  const Kernels first_, next_;
};

std::unique_ptr<Kernel> make_reduce(Context& context, const Signature& s) {
  return std::make_unique<ReduceKernel>(context, s);
}

constexpr Operator kOperators[] = {{TN_OP_REDUCE, nullptr, make_reduce}};

}  // namespace

std::span<const Operator> reduction_operators() { return kOperators; }

}  // namespace tenon::cuda
