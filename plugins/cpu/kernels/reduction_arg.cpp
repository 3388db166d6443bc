// Positions of extreme values. Rows: the extreme value chunk by chunk, then its first position in
// the chunk that has it. Columns: value and row side by side.
#include "reduction_arg.h"

#include <algorithm>
#include <cstring>

#include "reduction_source.h"

namespace tenon::cpu {
namespace {

constexpr int64_t kGrainElements = 32768;

struct Found {
  alignas(8) std::byte value[8];
  int64_t index;
};

class ArgKernel final : public Kernel {
 public:
  ArgKernel(tn_device d, const tn_signature& s)
      : Kernel(d),
        kind_(static_cast<uint32_t>(s.attributes[0])),
        dims_(static_cast<uint64_t>(s.attributes[1])) {}

  uint64_t workspace_bytes(const tn_tensor* const* operands) const override {
    const tn_tensor& in = *operands[1];
    const ReduceSpace space(in.rank, in.shape, dims_);
    if (space.inner > 1 || space.reduced <= kSpanElements) return 0;
    return static_cast<uint64_t>(space.outer * space.spans()) * sizeof(Found);
  }

  tn_status launch(const Launch& launch) const override {
    const tn_tensor& in = *launch.operands[1];
    const ReduceSpace space(in.rank, in.shape, dims_);
    if (space.outer * space.reduced * space.inner == 0) return TN_OK;
    if (space.inner > 1 && space.reduced > INT32_MAX) {
      return fail(device->host, TN_UNSUPPORTED, "argmax and argmin: over 2^31 rows");
    }
    const TensorSource source(*device->tables.elementwise, in, space);
    const uint32_t dtype = compute_dtype(in.dtype);
    if (space.inner == 1) {
      reduce_rows(space, source, dtype, *launch.operands[0], launch.workspace);
    } else {
      reduce_columns(space, source, dtype, *launch.operands[0]);
    }
    return TN_OK;
  }

 private:
  void store(const tn_tensor& out, const Layout& layout, int64_t at, int64_t n,
             const int64_t* indices) const {
    scatter_block(*device->tables.elementwise, TN_DTYPE_I64, data_of(out), layout, at, n, indices);
  }

  [[nodiscard]] bool better(uint32_t dtype, const Found& best, const Found& candidate) const {
    return device->tables.reduction->arg_better[kind_][dtype](best.value, candidate.value);
  }

  // A task is one span of one output.
  void reduce_rows(const ReduceSpace& space, const TensorSource& source, uint32_t dtype,
                   const tn_tensor& out, std::byte* workspace) const {
    const Layout layout = collapse(out);
    const int64_t spans = space.spans();
    Found* parts = reinterpret_cast<Found*>(workspace);
    const int64_t grain =
        std::max<int64_t>(1, kGrainElements / std::min(space.reduced, kSpanElements));
    parallel_for(device->host, space.outer * spans, grain, [&](int64_t begin, int64_t end) {
      for (int64_t task = begin; task < end; ++task) {
        const Found found = find(source, dtype, space.reduced, task / spans, task % spans);
        if (spans == 1) {
          store(out, layout, task, 1, &found.index);
        } else {
          parts[task] = found;
        }
      }
    });
    for (int64_t k = 0; spans > 1 && k < space.outer; ++k) {
      Found best = parts[k * spans];
      for (int64_t s = 1; s < spans; ++s) {
        const Found& part = parts[k * spans + s];
        if (better(dtype, best, part)) best = part;
      }
      store(out, layout, k, 1, &best.index);
    }
  }

  [[nodiscard]] Found find(const TensorSource& source, uint32_t dtype, int64_t reduced, int64_t k,
                           int64_t span) const {
    alignas(64) std::byte buffer[kReduceChunk * 8];
    const ReductionKernels& kernels = *device->tables.reduction;
    const ReduceChunk extreme =
        kernels.chunk[kind_ == TN_REDUCE_ARGMAX ? TN_REDUCE_MAX : TN_REDUCE_MIN][dtype];
    const int64_t start = span * kSpanElements;
    const int64_t end = std::min(reduced, start + kSpanElements);
    Found best{};
    best.index = -1;
    for (int64_t at = start; at < end; at += kReduceChunk) {
      const int64_t n = std::min(kReduceChunk, end - at);
      Found found{};
      found.index = at;
      extreme(found.value, source.values(k * reduced + at, n, buffer), n);
      if (best.index < 0 || better(dtype, best, found)) best = found;
    }
    const int64_t n = std::min(kReduceChunk, end - best.index);
    const void* x = source.values(k * reduced + best.index, n, buffer);
    best.index += kernels.arg_position[kind_][dtype](x, n, best.value);
    return best;
  }

  // A task is one strip of columns.
  void reduce_columns(const ReduceSpace& space, const TensorSource& source, uint32_t dtype,
                      const tn_tensor& out) const {
    const Layout layout = collapse(out);
    const int64_t width = std::min(space.inner, kStrip);
    const int64_t strips = divide_up(space.inner, width);
    const int64_t grain = std::max<int64_t>(1, kGrainElements / (space.reduced * width));
    const int64_t item = dtype_size(dtype);  // rows are direct where storage is the compute type
    const ArgRows rows = device->tables.reduction->arg_rows[kind_][dtype];
    parallel_for(device->host, space.outer * strips, grain, [&](int64_t begin, int64_t end) {
      alignas(64) std::byte buffer[kStrip * 8];
      alignas(64) std::byte best[kStrip * 8];
      int32_t at[kStrip];
      int64_t indices[kStrip];
      for (int64_t task = begin; task < end; ++task) {
        const int64_t column = task % strips * width;
        const int64_t n = std::min(width, space.inner - column);
        const int64_t start = task / strips * space.reduced * space.inner + column;
        int64_t stride = 0;
        const void* direct = source.rows(start, space.reduced, n, &stride);
        for (int64_t r = 0; r < space.reduced; ++r) {
          const void* x = direct == nullptr
                              ? source.values(start + r * space.inner, n, buffer)
                              : static_cast<const std::byte*>(direct) + r * stride * item;
          rows(best, at, x, n, static_cast<int32_t>(r));
        }
        std::copy(at, at + n, indices);
        store(out, layout, task / strips * space.inner + column, n, indices);
      }
    });
  }

  uint32_t kind_;
  uint64_t dims_;
};

}  // namespace

std::unique_ptr<Kernel> prepare_arg_reduce(tn_device device, const tn_signature& signature) {
  return std::make_unique<ArgKernel>(device, signature);
}

}  // namespace tenon::cpu
