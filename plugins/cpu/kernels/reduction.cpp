#include "reduction.h"

#include <algorithm>
#include <cstring>

#include "../kernel.h"
#include "reduction_arg.h"
#include "reduction_source.h"

namespace tenon::cpu {
namespace {

constexpr int64_t kRowBlock = 32;
constexpr int64_t kGrainElements = 32768;
constexpr int kLevels = 48;

int64_t strip_width(const ReduceSpace& s) { return std::min(s.inner, kStrip); }

// Rows of one span when inner > 1: a multiple of kRowBlock that depends on sizes only.
int64_t span_rows(const ReduceSpace& s) {
  const int64_t rows = 2 * kSpanElements / strip_width(s);
  return std::max<int64_t>(kRowBlock, rows / kRowBlock * kRowBlock);
}

// Pairwise combination of partial results as they come: level l holds the sum of 2^l of them.
class PairwiseStack {
 public:
  PairwiseStack(ReduceCombine combine, std::byte* memory, int64_t width, int64_t item)
      : combine_(combine), memory_(memory), width_(width), bytes_(width * item) {}

  // Where the next partial result is to be written.
  std::byte* top() { return memory_ + depth_ * bytes_; }

  void push() {
    ++depth_;
    ++count_;
    for (int64_t c = count_; (c & 1) == 0; c >>= 1) merge();
  }

  // Combines what is left; the result lies at the bottom.
  const std::byte* finish() {
    while (depth_ > 1) merge();
    return memory_;
  }

 private:
  void merge() {
    --depth_;
    combine_(memory_ + (depth_ - 1) * bytes_, memory_ + depth_ * bytes_, width_);
  }

  ReduceCombine combine_;
  std::byte* memory_;
  int64_t width_;
  int64_t bytes_;
  int64_t depth_ = 0;
  int64_t count_ = 0;
};

struct Reduction {
  tn_device device;
  uint32_t kind;
  uint32_t compute_in;
  uint32_t accumulator;
  const ReduceSpace& space;
  const ReduceSource& source;
  ReduceChunk chunk;
  ReduceRows rows;
  ReduceCombine combine;

  Reduction(tn_device d, uint32_t k, uint32_t in, const ReduceSpace& sp, const ReduceSource& so)
      : device(d),
        kind(k),
        compute_in(in),
        accumulator(accumulator_dtype(k, in)),
        space(sp),
        source(so),
        chunk(d->tables.reduction->chunk[k][in]),
        rows(d->tables.reduction->rows[k][in]),
        combine(d->tables.reduction->combine[k][in]) {}

  [[nodiscard]] int64_t item() const { return dtype_size(accumulator); }

  // Part `span` of output `k` (inner == 1).
  void reduce_span(int64_t k, int64_t span, std::byte* result) const {
    alignas(64) std::byte buffer[kReduceChunk * 8];
    alignas(64) std::byte levels[kLevels * 8];
    const int64_t end = std::min(space.reduced, (span + 1) * kSpanElements);
    PairwiseStack stack(combine, levels, 1, item());
    for (int64_t at = span * kSpanElements; at < end; at += kReduceChunk) {
      const int64_t n = std::min(kReduceChunk, end - at);
      chunk(stack.top(), source.values(k * space.reduced + at, n, buffer), n);
      stack.push();
    }
    std::memcpy(result, stack.finish(), static_cast<size_t>(item()));
  }

  // Part `span` of `width` columns from `column` on, of outer index `o` (inner > 1).
  void reduce_columns(int64_t o, int64_t span, int64_t column, int64_t width,
                      std::byte* result) const {
    alignas(64) std::byte buffer[kStrip * 8];
    alignas(64) std::byte levels[16 * kStrip * 8];
    const int64_t height = span_rows(space);
    const int64_t end = std::min(space.reduced, (span + 1) * height);
    PairwiseStack stack(combine, levels, width, item());
    for (int64_t at = span * height; at < end; at += kRowBlock) {
      const int64_t count = std::min(kRowBlock, end - at);
      const int64_t start = (o * space.reduced + at) * space.inner + column;
      int64_t stride = 0;
      const void* direct = source.rows(start, count, width, &stride);
      if (direct != nullptr) {
        rows(stack.top(), direct, stride, count, width, 1);
      } else {
        for (int64_t r = 0; r < count; ++r) {
          const void* row = source.values(start + r * space.inner, width, buffer);
          rows(stack.top(), row, 0, 1, width, r == 0);
        }
      }
      stack.push();
    }
    std::memcpy(result, stack.finish(), static_cast<size_t>(width * item()));
  }
};

// Accumulators to the output's dtype and place.
void store_results(tn_device device, uint32_t accumulator, const tn_tensor& out,
                   const Layout& layout, int64_t start, int64_t n, const std::byte* results) {
  const ElementwiseKernels& kernels = *device->tables.elementwise;
  alignas(64) std::byte converted[kStrip * 8];
  const int64_t item = dtype_size(accumulator);
  while (n > 0) {
    const int64_t part = std::min(n, kStrip);
    kernels.cast[accumulator][out.dtype](converted, results, nullptr, nullptr, part);
    scatter_block(kernels, out.dtype, data_of(out), layout, start, part, converted);
    start += part;
    results += part * item;
    n -= part;
  }
}

void store_identity(tn_device device, uint32_t kind, const tn_tensor& out) {
  const ElementwiseKernels& kernels = *device->tables.elementwise;
  const int64_t one = kind == TN_REDUCE_PROD || kind == TN_REDUCE_ALL ? 1 : 0;
  alignas(64) std::byte value[8];
  kernels.cast[TN_DTYPE_I64][out.dtype](value, &one, nullptr, nullptr, 1);
  const Layout layout = collapse(out);
  for (int64_t i = 0; i < element_count(out); ++i) {
    scatter_block(kernels, out.dtype, data_of(out), layout, i, 1, value);
  }
}

// inner == 1: a task is one span of one output.
void run_inner(const Reduction& r, const tn_tensor& out, const Layout& layout,
               std::byte* workspace) {
  const int64_t spans = r.space.spans();
  const int64_t per_task = std::min(r.space.reduced, kSpanElements);
  const int64_t grain = std::max<int64_t>(1, kGrainElements / per_task);
  parallel_for(r.device->host, r.space.outer * spans, grain, [&](int64_t begin, int64_t end) {
    alignas(64) std::byte results[kStrip * 8];
    while (begin < end) {
      const int64_t count = std::min(end - begin, kStrip);
      for (int64_t i = 0; i < count; ++i) {
        const int64_t task = begin + i;
        std::byte* to = (spans > 1 ? workspace + task * 8 : results + i * r.item());
        r.reduce_span(task / spans, task % spans, to);
      }
      if (spans == 1) {
        store_results(r.device, r.accumulator, out, layout, begin, count, results);
      }
      begin += count;
    }
  });
  if (spans == 1) return;
  for (int64_t k = 0; k < r.space.outer; ++k) {
    alignas(64) std::byte levels[kLevels * 8];
    PairwiseStack stack(r.combine, levels, 1, r.item());
    for (int64_t s = 0; s < spans; ++s) {
      std::memcpy(stack.top(), workspace + (k * spans + s) * 8, static_cast<size_t>(r.item()));
      stack.push();
    }
    store_results(r.device, r.accumulator, out, layout, k, 1, stack.finish());
  }
}

// inner > 1: a task is one span of one strip of columns.
void run_columns(const Reduction& r, const tn_tensor& out, const Layout& layout,
                 std::byte* workspace) {
  const int64_t width = strip_width(r.space);
  const int64_t strips = divide_up(r.space.inner, width);
  const int64_t spans = r.space.spans();
  const int64_t per_task = std::min(r.space.reduced, span_rows(r.space)) * width;
  const int64_t grain = std::max<int64_t>(1, kGrainElements / per_task);
  parallel_for(
      r.device->host, r.space.outer * strips * spans, grain, [&](int64_t begin, int64_t end) {
        alignas(64) std::byte results[kStrip * 8];
        for (int64_t task = begin; task < end; ++task) {
          const int64_t o = task / (strips * spans);
          const int64_t column = task / spans % strips * width;
          const int64_t n = std::min(width, r.space.inner - column);
          std::byte* to = spans > 1 ? workspace + task * width * 8 : results;
          r.reduce_columns(o, task % spans, column, n, to);
          if (spans == 1) {
            store_results(r.device, r.accumulator, out, layout, o * r.space.inner + column, n, to);
          }
        }
      });
  if (spans == 1) return;
  parallel_for(r.device->host, r.space.outer * strips, 16, [&](int64_t begin, int64_t end) {
    alignas(64) std::byte levels[kLevels * kStrip * 8];
    for (int64_t strip = begin; strip < end; ++strip) {
      const int64_t column = strip % strips * width;
      const int64_t n = std::min(width, r.space.inner - column);
      PairwiseStack stack(r.combine, levels, n, r.item());
      for (int64_t s = 0; s < spans; ++s) {
        std::memcpy(stack.top(), workspace + (strip * spans + s) * width * 8,
                    static_cast<size_t>(n * r.item()));
        stack.push();
      }
      const int64_t at = strip / strips * r.space.inner + column;
      store_results(r.device, r.accumulator, out, layout, at, n, stack.finish());
    }
  });
}

}  // namespace

ReduceSpace::ReduceSpace(uint32_t rank_in, const int64_t* shape_in, uint64_t dims) {
  rank = static_cast<int>(rank_in);
  int tail = rank;  // kept dimensions from here on stay innermost
  while (tail > 0 && ((dims >> (tail - 1) & 1u) == 0 || shape_in[tail - 1] == 1)) --tail;
  int at = 0;
  for (int d = 0; d < tail; ++d) {
    if ((dims >> d & 1u) == 0) order[at++] = d, outer *= shape_in[d];
  }
  for (int d = 0; d < rank; ++d) {
    if ((dims >> d & 1u) != 0) order[at++] = d, reduced *= shape_in[d];
  }
  for (int d = tail; d < rank; ++d) {
    if ((dims >> d & 1u) == 0) order[at++] = d, inner *= shape_in[d];
  }
  for (int i = 0; i < rank; ++i) shape[i] = shape_in[order[i]];
}

Layout ReduceSpace::permuted(const tn_tensor& t) const {
  int64_t strides[TN_MAX_RANK];
  for (int i = 0; i < rank; ++i) strides[i] = t.strides[order[i]];
  return collapse(rank, shape, strides);
}

int64_t ReduceSpace::spans() const {
  return inner == 1 ? divide_up(reduced, kSpanElements) : divide_up(reduced, span_rows(*this));
}

uint64_t ReduceSpace::workspace_bytes() const {
  if (outer * reduced * inner == 0 || spans() == 1) return 0;
  const int64_t columns = divide_up(inner, strip_width(*this)) * strip_width(*this);
  return static_cast<uint64_t>(outer * columns * spans() * 8);
}

void run_reduction(tn_device device, uint32_t kind, uint32_t compute_in, const ReduceSpace& space,
                   const ReduceSource& source, const tn_tensor& out, std::byte* workspace) {
  if (space.outer * space.inner == 0) return;
  if (space.reduced == 0) return store_identity(device, kind, out);
  const Reduction reduction(device, kind, compute_in, space, source);
  const Layout layout = collapse(out);
  if (space.inner == 1) {
    run_inner(reduction, out, layout, workspace);
  } else {
    run_columns(reduction, out, layout, workspace);
  }
}

namespace {

class ReduceKernel final : public Kernel {
 public:
  ReduceKernel(tn_device d, const tn_signature& s)
      : Kernel(d),
        kind_(static_cast<uint32_t>(s.attributes[0])),
        dims_(static_cast<uint64_t>(s.attributes[1])) {}

  uint64_t workspace_bytes(const tn_tensor* const* operands) const override {
    const tn_tensor& in = *operands[1];
    return ReduceSpace(in.rank, in.shape, dims_).workspace_bytes();
  }

  tn_status launch(const Launch& launch) const override {
    const tn_tensor& in = *launch.operands[1];
    const ReduceSpace space(in.rank, in.shape, dims_);
    const TensorSource source(*device->tables.elementwise, in, space);
    run_reduction(device, kind_, compute_dtype(in.dtype), space, source, *launch.operands[0],
                  launch.workspace);
    return TN_OK;
  }

 private:
  uint32_t kind_;
  uint64_t dims_;
};

Refusal refuse_reduce(const tn_signature& s) {
  if (!has_operands(s, 2) || s.attribute_count != 2) return "reduce takes out, in and kind, dims";
  const int64_t kind = s.attributes[0];
  if (kind < TN_REDUCE_SUM || kind > TN_REDUCE_ALL) return "unknown kind of reduction";
  const uint32_t out = operand_dtype(s, 0);
  if (kind == TN_REDUCE_ARGMAX || kind == TN_REDUCE_ARGMIN) {
    return out == TN_DTYPE_I64 ? "" : "the output of argmax and argmin is i64";
  }
  if (kind == TN_REDUCE_ANY || kind == TN_REDUCE_ALL) {
    return out == TN_DTYPE_BOOL ? "" : "the output of any and all is bool";
  }
  const bool adds = kind == TN_REDUCE_SUM || kind == TN_REDUCE_PROD;
  if (adds && out == TN_DTYPE_BOOL) return "there is no sum or product of bool";
  return out == operand_dtype(s, 1) ? "" : "the output has the dtype of the input";
}

std::unique_ptr<Kernel> prepare_reduce(tn_device device, const tn_signature& s) {
  const int64_t kind = s.attributes[0];
  if (kind == TN_REDUCE_ARGMAX || kind == TN_REDUCE_ARGMIN) {
    return prepare_arg_reduce(device, s);
  }
  return std::make_unique<ReduceKernel>(device, s);
}

constexpr Operator kOperators[] = {{TN_OP_REDUCE, refuse_reduce, prepare_reduce}};

}  // namespace

std::span<const Operator> reduction_operators() { return kOperators; }

}  // namespace tenon::cpu
