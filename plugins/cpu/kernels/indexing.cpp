// gather, scatter, nonzero_count, nonzero
#include <algorithm>
#include <atomic>
#include <cstring>
#include <string>

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

// Elements [begin, end) of out; the first bad index value, or extent when all are good.
template <class T>
bool gather_part(const GatherOperands& g, int64_t begin, int64_t end, int64_t* bad) {
  int64_t in_strides[TN_MAX_RANK];
  std::copy(g.in.strides, g.in.strides + TN_MAX_RANK, in_strides);
  const int64_t extent = g.in.shape[g.dim];
  const int64_t step = in_strides[g.dim];
  in_strides[g.dim] = 0;
  const T* in = data_of<const T>(g.in);
  const int64_t* index = data_of<const int64_t>(g.index);
  T* out = data_of<T>(g.out);
  JointCursor<3> at(static_cast<int>(g.out.rank) - (g.run > 1 ? 1 : 0), g.out.shape,
                    {g.out.strides, in_strides, g.index.strides}, begin);
  for (int64_t i = begin; i < end; ++i, at.next()) {
    const int64_t k = index[at.offset[2]];
    if (k < 0 || k >= extent) {
      *bad = k;
      return false;
    }
    const T* from = in + at.offset[1] + k * step;
    if (g.run > 1) {
      std::copy(from, from + g.run, out + at.offset[0]);
    } else {
      out[at.offset[0]] = *from;
    }
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
        if (!gather_part<T>(g, begin, end, &bad)) {
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

// One after another in row-major order of source: this is what the order of sums asks for.
template <class T, bool kAdd>
bool scatter_all(const tn_tensor& out, const tn_tensor& index, const tn_tensor& source, int64_t dim,
                 int64_t* bad) {
  int64_t out_strides[TN_MAX_RANK];
  std::copy(out.strides, out.strides + TN_MAX_RANK, out_strides);
  const int64_t extent = out.shape[dim];
  const int64_t step = out_strides[dim];
  out_strides[dim] = 0;
  T* to = data_of<T>(out);
  const int64_t* indices = data_of<const int64_t>(index);
  const T* from = data_of<const T>(source);
  const int64_t count = element_count(source);
  if (count == 0) return true;
  JointCursor<3> at(static_cast<int>(source.rank), source.shape,
                    {out_strides, index.strides, source.strides}, 0);
  for (int64_t i = 0; i < count; ++i, at.next()) {
    const int64_t k = indices[at.offset[1]];
    if (k < 0 || k >= extent) {
      *bad = k;
      return false;
    }
    scatter_one<T, kAdd>(to + at.offset[0] + k * step, from[at.offset[2]]);
  }
  return true;
}

class ScatterKernel final : public Kernel {
 public:
  ScatterKernel(tn_device d, int64_t dim, bool add) : Kernel(d), dim_(dim), add_(add) {}

  tn_status launch(const Launch& launch) const override {
    const tn_tensor& out = *launch.operands[0];
    const tn_tensor& index = *launch.operands[1];
    const tn_tensor& source = *launch.operands[2];
    int64_t bad = 0;
    bool good = true;
    if (add_) {
      visit_dtype(out.dtype, [&](auto tag) {
        good = scatter_all<typename decltype(tag)::type, true>(out, index, source, dim_, &bad);
      });
    } else {
      visit_width(out.dtype, [&](auto tag) {
        good = scatter_all<typename decltype(tag)::type, false>(out, index, source, dim_, &bad);
      });
    }
    return good ? TN_OK : index_error(device->host, "scatter", bad, out.shape[dim_]);
  }

 private:
  int64_t dim_;
  bool add_;
};

// Calls f(n, truths) for the elements in row-major order, blockwise.
template <class F>
void for_each_truth_block(tn_device device, const tn_tensor& in, F&& f) {
  constexpr int64_t kBlock = 1024;
  const ElementwiseKernels& kernels = *device->tables.elementwise;
  alignas(64) std::byte values[kBlock * 8];
  alignas(64) uint8_t truths[kBlock];
  const Layout layout = collapse(in);
  const int64_t count = element_count(in);
  for (int64_t at = 0; at < count; at += kBlock) {
    const int64_t n = std::min(kBlock, count - at);
    gather_block(kernels, in.dtype, data_of(in), layout, at, n, values);
    kernels.cast[in.dtype][TN_DTYPE_BOOL](truths, values, nullptr, nullptr, n);
    f(n, truths);
  }
}

class NonzeroCountKernel final : public Kernel {
 public:
  using Kernel::Kernel;

  tn_status launch(const Launch& launch) const override {
    int64_t count = 0;
    for_each_truth_block(device, *launch.operands[1], [&](int64_t n, const uint8_t* truths) {
      for (int64_t i = 0; i < n; ++i) count += truths[i];
    });
    *data_of<int64_t>(*launch.operands[0]) = count;
    return TN_OK;
  }
};

class NonzeroKernel final : public Kernel {
 public:
  using Kernel::Kernel;

  tn_status launch(const Launch& launch) const override {
    const tn_tensor& out = *launch.operands[0];
    const tn_tensor& in = *launch.operands[1];
    int64_t* indices = data_of<int64_t>(out);
    const int64_t room = out.shape[0];
    int64_t element = 0;
    int64_t row = 0;
    for_each_truth_block(device, in, [&](int64_t n, const uint8_t* truths) {
      for (int64_t i = 0; i < n; ++i, ++element) {
        if (truths[i] == 0 || row == room) continue;
        int64_t rest = element;
        for (uint32_t d = in.rank; d-- > 0;) {
          indices[row * out.strides[0] + d * out.strides[1]] = rest % in.shape[d];
          rest /= in.shape[d];
        }
        ++row;
      }
    });
    return TN_OK;
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
