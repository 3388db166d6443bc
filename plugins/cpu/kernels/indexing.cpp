// gather, scatter, nonzero_count, nonzero
#include <algorithm>
#include <atomic>
#include <cstring>
#include <string>
#include <utility>

#include "../kernel.h"
#include "blocks.h"

namespace tenon::cpu {
namespace {

constexpr int64_t kGrain = 8192;

// Element offsets of several tensors of one shape, walked together in row-major order.
template <int N>
class JointCursor {
 public:
  JointCursor(int rank, const int64_t* shape, const int64_t* const (&strides)[N], int64_t start)
      : rank_(rank), shape_(shape) {
    for (int i = 0; i < N; ++i) strides_[i] = strides[i];
    for (int d = rank - 1; d >= 0; --d) {
      index_[d] = start % shape[d];
      start /= shape[d];
      for (int i = 0; i < N; ++i) offset[i] += index_[d] * strides_[i][d];
    }
  }

  void next() {
    for (int d = rank_ - 1; d >= 0; --d) {
      for (int i = 0; i < N; ++i) offset[i] += strides_[i][d];
      if (++index_[d] < shape_[d] || d == 0) return;
      for (int i = 0; i < N; ++i) offset[i] -= index_[d] * strides_[i][d];
      index_[d] = 0;
    }
  }

  [[nodiscard]] int64_t index(int64_t d) const { return index_[d]; }

  int64_t offset[N] = {};

 private:
  int rank_;
  const int64_t* shape_;
  const int64_t* strides_[N];
  int64_t index_[TN_MAX_RANK] = {};
};

tn_status index_error(const tn_host* host, const char* op, int64_t index, int64_t extent) {
  return fail(host, TN_INDEX_ERROR,
              std::string(op) + ": index values must lie in [0, " + std::to_string(extent) +
                  "), got " + std::to_string(index));
}

struct GatherOperands {
  const tn_tensor& out;
  const tn_tensor& in;
  const tn_tensor& index;
  int64_t dim;
  int64_t run;  // elements of the last dimension that one index moves together
};

// The last dimension when it is dense and its elements share an index (rows of an embedding).
int64_t shared_run(const tn_tensor& out, const tn_tensor& in, const tn_tensor& index, int64_t dim) {
  const int64_t last = static_cast<int64_t>(out.rank) - 1;
  const bool shared = last > 0 && dim != last && index.strides[last] == 0 &&
                      out.strides[last] == 1 && in.strides[last] == 1;
  return shared ? out.shape[last] : 1;
}

// Rows [begin, end) of out, one index each; false and the bad index value when there is one.
template <class T>
bool gather_runs(const GatherOperands& g, int64_t begin, int64_t end, int64_t* bad) {
  int64_t in_strides[TN_MAX_RANK];
  std::copy(g.in.strides, g.in.strides + TN_MAX_RANK, in_strides);
  const int64_t extent = g.in.shape[g.dim];
  const int64_t step = in_strides[g.dim];
  in_strides[g.dim] = 0;
  const T* in = data_of<const T>(g.in);
  const int64_t* index = data_of<const int64_t>(g.index);
  T* out = data_of<T>(g.out);
  JointCursor<3> at(static_cast<int>(g.out.rank) - 1, g.out.shape,
                    {g.out.strides, in_strides, g.index.strides}, begin);
  for (int64_t i = begin; i < end; ++i, at.next()) {
    const int64_t k = index[at.offset[2]];
    if (k < 0 || k >= extent) {
      *bad = k;
      return false;
    }
    const T* from = in + at.offset[1] + k * step;
    std::copy(from, from + g.run, out + at.offset[0]);
  }
  return true;
}

// The same for elements, row by row of the last dimension.
template <class T>
bool gather_elements(const GatherOperands& g, int64_t begin, int64_t end, int64_t* bad) {
  const int last = static_cast<int>(g.out.rank) - 1;
  int64_t in_strides[TN_MAX_RANK];
  std::copy(g.in.strides, g.in.strides + TN_MAX_RANK, in_strides);
  const int64_t extent = g.in.shape[g.dim];
  const int64_t step = in_strides[g.dim];
  in_strides[g.dim] = 0;
  const int64_t length = g.out.shape[last];
  JointCursor<3> at(last, g.out.shape, {g.out.strides, in_strides, g.index.strides},
                    begin / length);
  for (int64_t i = begin; i < end; at.next()) {
    const int64_t first = i % length;
    const int64_t stop = std::min(length, first + end - i);
    const T* in = data_of<const T>(g.in) + at.offset[1];
    const int64_t* index = data_of<const int64_t>(g.index) + at.offset[2];
    T* out = data_of<T>(g.out) + at.offset[0];
    for (int64_t j = first; j < stop; ++j) {
      const int64_t k = index[j * g.index.strides[last]];
      if (static_cast<uint64_t>(k) >= static_cast<uint64_t>(extent)) {
        *bad = k;
        return false;
      }
      out[j * g.out.strides[last]] = in[j * in_strides[last] + k * step];
    }
    i += stop - first;
  }
  return true;
}

class GatherKernel final : public Kernel {
 public:
  GatherKernel(tn_device d, int64_t dim) : Kernel(d), dim_(dim) {}

  tn_status launch(const Launch& launch) const override {
    const tn_tensor& out = *launch.operands[0];
    const tn_tensor& in = *launch.operands[1];
    const tn_tensor& index = *launch.operands[2];
    if (element_count(out) == 0) return TN_OK;
    const GatherOperands g{out, in, index, dim_, shared_run(out, in, index, dim_)};
    std::atomic<bool> failed = false;
    std::atomic<int64_t> bad_value = 0;
    const int64_t grain = std::max<int64_t>(1, kGrain / g.run);
    parallel_for(device->host, element_count(out) / g.run, grain, [&](int64_t begin, int64_t end) {
      visit_width(g.out.dtype, [&](auto tag) {
        using T = typename decltype(tag)::type;
        int64_t bad = 0;
        if (!(g.run > 1 || g.out.rank == 0 ? gather_runs<T>(g, begin, end, &bad)
                                           : gather_elements<T>(g, begin, end, &bad))) {
          bad_value = bad;
          failed = true;
        }
      });
    });
    if (failed) return index_error(device->host, "gather", bad_value, g.in.shape[dim_]);
    return TN_OK;
  }

 private:
  int64_t dim_;
};

template <class T, bool kAdd>
void scatter_one(T* target, T value) {
  if constexpr (!kAdd) {
    *target = value;
  } else if constexpr (std::is_same_v<T, Bool>) {
    target->byte = to_compute(*target) | to_compute(value);
  } else if constexpr (std::is_integral_v<T>) {
    *target = static_cast<T>(static_cast<uint64_t>(*target) + static_cast<uint64_t>(value));
  } else {
    *target = to_storage<T>(to_compute(*target) + to_compute(value));
  }
}

struct ScatterOperands {
  tn_tensor out, index, source;
  int64_t dim;

  // Those of indices [begin, end) along another dimension than `dim`.
  [[nodiscard]] ScatterOperands part(int d, int64_t begin, int64_t end) const {
    ScatterOperands result = *this;
    for (tn_tensor* t : {&result.out, &result.index, &result.source}) {
      const int64_t item = dtype_size(t->dtype);
      t->offset_bytes += static_cast<uint64_t>(begin * t->strides[d] * item);
      t->shape[d] = end - begin;
    }
    return result;
  }
};

// One after another in row-major order of source: this is what the order of sums asks for.
template <class T, bool kAdd>
bool scatter_part(const ElementwiseKernels& kernels, const ScatterOperands& s, int64_t* bad) {
  int64_t out_strides[TN_MAX_RANK];
  std::copy(s.out.strides, s.out.strides + TN_MAX_RANK, out_strides);
  const int last = static_cast<int>(s.source.rank) - 1;
  const int64_t extent = s.out.shape[s.dim];
  const int64_t step = out_strides[s.dim];
  out_strides[s.dim] = 0;
  const int64_t length = last < 0 ? 1 : s.source.shape[last];
  const int64_t out_stride = last < 0 ? 0 : out_strides[last];
  const int64_t index_stride = last < 0 ? 0 : s.index.strides[last];
  const int64_t source_stride = last < 0 ? 0 : s.source.strides[last];
  const bool shared = index_stride == 0 && out_stride == 1 && source_stride == 1;
  const bool adds_blocks = kAdd && !is_half_dtype(s.out.dtype) && s.out.dtype != TN_DTYPE_BOOL;
  const BlockFunction add = adds_blocks ? kernels.op[TN_PROGRAM_ADD][s.out.dtype] : nullptr;
  JointCursor<3> at(std::max(last, 0), s.source.shape,
                    {out_strides, s.index.strides, s.source.strides}, 0);
  const int64_t rows = element_count(s.source) / length;
  for (int64_t r = 0; r < rows; ++r, at.next()) {
    T* to = data_of<T>(s.out) + at.offset[0];
    const int64_t* index = data_of<const int64_t>(s.index) + at.offset[1];
    const T* from = data_of<const T>(s.source) + at.offset[2];
    if (shared && *index >= 0 && *index < extent) {
      to += *index * step;
      if (add != nullptr) {
        add(to, to, from, nullptr, length);
      } else {
        for (int64_t j = 0; j < length; ++j) scatter_one<T, kAdd>(to + j, from[j]);
      }
      continue;
    }
    for (int64_t j = 0; j < length; ++j) {
      const int64_t k = index[j * index_stride];
      if (static_cast<uint64_t>(k) >= static_cast<uint64_t>(extent)) {
        *bad = k;
        return false;
      }
      scatter_one<T, kAdd>(to + j * out_stride + k * step, from[j * source_stride]);
    }
  }
  return true;
}

class ScatterKernel final : public Kernel {
 public:
  ScatterKernel(tn_device d, int64_t dim, bool add) : Kernel(d), dim_(dim), add_(add) {}

  tn_status launch(const Launch& launch) const override {
    const ScatterOperands s{*launch.operands[0], *launch.operands[1], *launch.operands[2], dim_};
    const int64_t count = element_count(s.source);
    if (count == 0) return TN_OK;
    std::atomic<bool> failed = false;
    std::atomic<int64_t> bad_value = 0;
    const auto run = [&](const ScatterOperands& part) {
      int64_t bad = 0;
      if (scatter(part, &bad)) return;
      bad_value = bad;
      failed = true;
    };
    // Targets differ where another dimension's index does: parts of it are independent.
    const int split = widest_other(s.source);
    if (split < 0) {
      run(s);
    } else {
      const int64_t extent = s.source.shape[split];
      const int64_t grain = std::max<int64_t>(kLeastPart, kGrain * extent / count);
      parallel_for(device->host, extent, grain,
                   [&](int64_t begin, int64_t end) { run(s.part(split, begin, end)); });
    }
    if (!failed) return TN_OK;
    return index_error(device->host, "scatter", bad_value, s.out.shape[dim_]);
  }

 private:
  static constexpr int64_t kLeastPart = 16;  // a cache line of f32 where it is the last dimension

  [[nodiscard]] int widest_other(const tn_tensor& t) const {
    int widest = -1;
    for (int d = 0; d < static_cast<int>(t.rank); ++d) {
      if (d == dim_ || t.shape[d] < 2 * kLeastPart) continue;
      if (widest < 0 || t.shape[d] > t.shape[widest]) widest = d;
    }
    return widest;
  }

  [[nodiscard]] bool scatter(const ScatterOperands& s, int64_t* bad) const {
    const ElementwiseKernels& kernels = *device->tables.elementwise;
    bool good = true;
    if (add_) {
      visit_dtype(s.out.dtype, [&](auto tag) {
        good = scatter_part<typename decltype(tag)::type, true>(kernels, s, bad);
      });
    } else {
      visit_width(s.out.dtype, [&](auto tag) {
        good = scatter_part<typename decltype(tag)::type, false>(kernels, s, bad);
      });
    }
    return good;
  }

  int64_t dim_;
  bool add_;
};

constexpr int64_t kTruthSpan = 32768;  // elements that one task looks at

// Calls f(element, n, truths) for elements [begin, end) in row-major order, blockwise.
template <class F>
void for_each_truth_block(tn_device device, const tn_tensor& in, int64_t begin, int64_t end,
                          F&& f) {
  constexpr int64_t kBlock = 1024;
  const ElementwiseKernels& kernels = *device->tables.elementwise;
  alignas(64) std::byte values[kBlock * 8];
  alignas(64) uint8_t truths[kBlock];
  const Layout layout = collapse(in);
  for (int64_t at = begin; at < end; at += kBlock) {
    const int64_t n = std::min(kBlock, end - at);
    gather_block(kernels, in.dtype, data_of(in), layout, at, n, values);
    kernels.cast[in.dtype][TN_DTYPE_BOOL](truths, values, nullptr, nullptr, n);
    f(at, n, truths);
  }
}

// counts[s] = elements != 0 of span s.
void count_spans(tn_device device, const tn_tensor& in, int64_t* counts) {
  const int64_t count = element_count(in);
  const int64_t spans = (count + kTruthSpan - 1) / kTruthSpan;
  parallel_for(device->host, spans, 1, [&](int64_t begin, int64_t end) {
    for (int64_t s = begin; s < end; ++s) {
      int64_t total = 0;
      for_each_truth_block(device, in, s * kTruthSpan, std::min(count, (s + 1) * kTruthSpan),
                           [&](int64_t, int64_t n, const uint8_t* truths) {
                             int32_t sum = 0;
                             for (int64_t i = 0; i < n; ++i) sum += truths[i];
                             total += sum;
                           });
      counts[s] = total;
    }
  });
}

uint64_t span_bytes(const tn_tensor& in) {
  return static_cast<uint64_t>((element_count(in) + kTruthSpan - 1) / kTruthSpan) * sizeof(int64_t);
}

class NonzeroCountKernel final : public Kernel {
 public:
  using Kernel::Kernel;

  uint64_t workspace_bytes(const tn_tensor* const* operands) const override {
    return span_bytes(*operands[1]);
  }

  tn_status launch(const Launch& launch) const override {
    const tn_tensor& in = *launch.operands[1];
    int64_t* counts = reinterpret_cast<int64_t*>(launch.workspace);
    count_spans(device, in, counts);
    int64_t total = 0;
    for (uint64_t s = 0; s < span_bytes(in) / sizeof(int64_t); ++s) total += counts[s];
    *data_of<int64_t>(*launch.operands[0]) = total;
    return TN_OK;
  }
};

class NonzeroKernel final : public Kernel {
 public:
  using Kernel::Kernel;

  uint64_t workspace_bytes(const tn_tensor* const* operands) const override {
    return span_bytes(*operands[1]);
  }

  // Counts once more: then every span knows its first row.
  tn_status launch(const Launch& launch) const override {
    const tn_tensor& out = *launch.operands[0];
    const tn_tensor& in = *launch.operands[1];
    int64_t* rows = reinterpret_cast<int64_t*>(launch.workspace);
    count_spans(device, in, rows);
    const int64_t spans = static_cast<int64_t>(span_bytes(in) / sizeof(int64_t));
    for (int64_t s = 0, total = 0; s < spans; ++s) total += std::exchange(rows[s], total);
    parallel_for(device->host, spans, 1, [&](int64_t begin, int64_t end) {
      for (int64_t s = begin; s < end; ++s) write_span(out, in, s, rows[s]);
    });
    return TN_OK;
  }

 private:
  void write_span(const tn_tensor& out, const tn_tensor& in, int64_t span, int64_t row) const {
    int64_t* indices = data_of<int64_t>(out);
    const int64_t room = out.shape[0];
    const int64_t end = std::min(element_count(in), (span + 1) * kTruthSpan);
    for_each_truth_block(device, in, span * kTruthSpan, end,
                         [&](int64_t at, int64_t n, const uint8_t* truths) {
                           for (int64_t i = 0; i < n; ++i) {
                             if (truths[i] == 0 || row == room) continue;
                             int64_t rest = at + i;
                             int64_t* to = indices + row++ * out.strides[0];
                             for (uint32_t d = in.rank; d-- > 1;) {
                               to[d * out.strides[1]] = rest % in.shape[d];
                               rest /= in.shape[d];
                             }
                             if (in.rank > 0) to[0] = rest;
                           }
                         });
  }
};

Refusal refuse_gather(const tn_signature& s) {
  if (!has_operands(s, 3) || s.attribute_count != 1) return "gather takes out, in, index and dim";
  if (operand_dtype(s, 2) != TN_DTYPE_I64) return "the index is i64";
  return operand_dtype(s, 0) == operand_dtype(s, 1) ? "" : "out has the dtype of in";
}

Refusal refuse_scatter(const tn_signature& s) {
  if (!has_operands(s, 3) || s.attribute_count != 2) {
    return "scatter takes out, index, source and dim, mode";
  }
  if (s.attributes[1] != TN_SCATTER_SET && s.attributes[1] != TN_SCATTER_ADD) {
    return "unknown scatter mode";
  }
  if (operand_dtype(s, 1) != TN_DTYPE_I64) return "the index is i64";
  return operand_dtype(s, 0) == operand_dtype(s, 2) ? "" : "out has the dtype of source";
}

Refusal refuse_nonzero(const tn_signature& s) {
  if (!has_operands(s, 2)) return "nonzero takes one output and one input";
  return operand_dtype(s, 0) == TN_DTYPE_I64 ? "" : "the output is i64";
}

std::unique_ptr<Kernel> prepare_gather(tn_device device, const tn_signature& s) {
  return std::make_unique<GatherKernel>(device, s.attributes[0]);
}

std::unique_ptr<Kernel> prepare_scatter(tn_device device, const tn_signature& s) {
  return std::make_unique<ScatterKernel>(device, s.attributes[0],
                                         s.attributes[1] == TN_SCATTER_ADD);
}

std::unique_ptr<Kernel> prepare_nonzero_count(tn_device device, const tn_signature&) {
  return std::make_unique<NonzeroCountKernel>(device);
}

std::unique_ptr<Kernel> prepare_nonzero(tn_device device, const tn_signature&) {
  return std::make_unique<NonzeroKernel>(device);
}

constexpr Operator kOperators[] = {
    {TN_OP_GATHER, refuse_gather, prepare_gather},
    {TN_OP_SCATTER, refuse_scatter, prepare_scatter},
    {TN_OP_NONZERO_COUNT, refuse_nonzero, prepare_nonzero_count},
    {TN_OP_NONZERO, refuse_nonzero, prepare_nonzero},
};

}  // namespace

std::span<const Operator> indexing_operators() { return kOperators; }

}  // namespace tenon::cpu
