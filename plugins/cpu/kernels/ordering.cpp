// scan (cumulative sum and product) and sort, along one dimension
#include <algorithm>
#include <cstring>
#include <numeric>

#include "../kernel.h"
#include "blocks.h"

namespace tenon::cpu {
namespace {

constexpr int64_t kGrainElements = 16384;

// The lines of a tensor along `dim`, numbered in row-major order of the other dimensions.
class Lines {
 public:
  Lines(const tn_tensor& t, int64_t dim) : length(t.rank == 0 ? 1 : t.shape[dim]) {
    stride = t.rank == 0 ? 1 : t.strides[dim];
    for (uint32_t d = 0; d < t.rank; ++d) {
      if (d == dim) continue;
      shape_[rank_] = t.shape[d];
      strides_[rank_++] = t.strides[d];
      count *= t.shape[d];
    }
  }

  [[nodiscard]] int64_t offset(int64_t line) const {
    int64_t result = 0;
    for (int d = rank_ - 1; d >= 0; --d) {
      result += line % shape_[d] * strides_[d];
      line /= shape_[d];
    }
    return result;
  }

  int64_t count = 1;
  int64_t length;
  int64_t stride;

 private:
  int rank_ = 0;
  int64_t shape_[TN_MAX_RANK];
  int64_t strides_[TN_MAX_RANK];
};

int64_t line_grain(int64_t length) {
  return std::max<int64_t>(1, kGrainElements / std::max<int64_t>(1, length));
}

// Sums up in blocks of kScanBlock: rounding errors grow with the number of blocks, not of elements.
template <class T, bool kProduct>
void scan_line(T* out, int64_t out_stride, const T* in, int64_t in_stride, int64_t length) {
  using Value = compute_t<T>;
  using Sum = std::conditional_t<std::is_integral_v<Value>, uint64_t, Value>;
  constexpr int64_t kScanBlock = 128;
  const auto combine = [](Sum a, Sum b) { return kProduct ? a * b : a + b; };
  Sum before = kProduct ? 1 : 0;
  for (int64_t start = 0; start < length; start += kScanBlock) {
    const int64_t end = std::min(length, start + kScanBlock);
    Sum running = kProduct ? 1 : 0;
    for (int64_t i = start; i < end; ++i) {
      running = combine(running, static_cast<Sum>(to_compute(in[i * in_stride])));
      out[i * out_stride] = to_storage<T>(static_cast<Value>(combine(before, running)));
    }
    before = combine(before, running);
  }
}

class ScanKernel final : public Kernel {
 public:
  ScanKernel(tn_device d, int64_t dim, bool product) : Kernel(d), dim_(dim), product_(product) {}

  tn_status launch(const Launch& launch) const override {
    const tn_tensor& out = *launch.operands[0];
    const tn_tensor& in = *launch.operands[1];
    const Lines to(out, dim_);
    const Lines from(in, dim_);
    parallel_for(device->host, to.count, line_grain(to.length), [&](int64_t begin, int64_t end) {
      visit_dtype(out.dtype, [&](auto tag) {
        using T = typename decltype(tag)::type;
        for (int64_t line = begin; line < end; ++line) {
          T* y = data_of<T>(out) + to.offset(line);
          const T* x = data_of<const T>(in) + from.offset(line);
          if (product_) {
            scan_line<T, true>(y, to.stride, x, from.stride, to.length);
          } else {
            scan_line<T, false>(y, to.stride, x, from.stride, to.length);
          }
        }
      });
    });
    return TN_OK;
  }

 private:
  int64_t dim_;
  bool product_;
};

// NaN is greater than every number.
template <class V>
bool sorts_before(V a, V b) {
  return a < b || (b != b && a == a);
}

class SortKernel final : public Kernel {
 public:
  SortKernel(tn_device d, int64_t dim, bool descending)
      : Kernel(d), dim_(dim), descending_(descending) {}

  // Two arrays of positions for each line that may be in work at once: one per line.
  uint64_t workspace_bytes(const tn_tensor* const* operands) const override {
    return static_cast<uint64_t>(element_count(*operands[0])) * 2 * sizeof(int64_t);
  }

  tn_status launch(const Launch& launch) const override {
    const tn_tensor& in = *launch.operands[2];
    const Lines lines(in, dim_);
    int64_t* scratch = reinterpret_cast<int64_t*>(launch.workspace);
    parallel_for(device->host, lines.count, line_grain(4 * lines.length),
                 [&](int64_t begin, int64_t end) {
                   visit_dtype(in.dtype, [&](auto tag) {
                     using T = typename decltype(tag)::type;
                     for (int64_t line = begin; line < end; ++line) {
                       sort_line<T>(launch, line, scratch + 2 * line * lines.length);
                     }
                   });
                 });
    return TN_OK;
  }

 private:
  template <class T>
  void sort_line(const Launch& launch, int64_t line, int64_t* positions) const {
    const Lines values(*launch.operands[0], dim_);
    const Lines indices(*launch.operands[1], dim_);
    const Lines lines(*launch.operands[2], dim_);
    const T* x = data_of<const T>(*launch.operands[2]) + lines.offset(line);
    const auto at = [&](int64_t i) { return to_compute(x[i * lines.stride]); };
    std::iota(positions, positions + lines.length, int64_t{0});
    const bool descending = descending_;
    merge_sort(positions, positions + lines.length, lines.length, [&](int64_t a, int64_t b) {
      return descending ? sorts_before(at(b), at(a)) : sorts_before(at(a), at(b));
    });
    T* y = data_of<T>(*launch.operands[0]) + values.offset(line);
    int64_t* order = data_of<int64_t>(*launch.operands[1]) + indices.offset(line);
    for (int64_t i = 0; i < lines.length; ++i) {
      y[i * values.stride] = x[positions[i] * lines.stride];
      order[i * indices.stride] = positions[i];
    }
  }

  // Stable and free of allocation (std::stable_sort allocates).
  template <class Before>
  static void merge_sort(int64_t* data, int64_t* spare, int64_t n, Before before) {
    constexpr int64_t kRun = 16;
    for (int64_t start = 0; start < n; start += kRun) {
      for (int64_t i = start + 1; i < std::min(n, start + kRun); ++i) {
        const int64_t value = data[i];
        int64_t j = i;
        for (; j > start && before(value, data[j - 1]); --j) data[j] = data[j - 1];
        data[j] = value;
      }
    }
    int64_t* from = data;
    int64_t* to = spare;
    for (int64_t width = kRun; width < n; width *= 2) {
      for (int64_t start = 0; start < n; start += 2 * width) {
        const int64_t middle = std::min(n, start + width);
        const int64_t end = std::min(n, start + 2 * width);
        std::merge(from + start, from + middle, from + middle, from + end, to + start, before);
      }
      std::swap(from, to);
    }
    if (from != data) std::copy(from, from + n, data);
  }

  int64_t dim_;
  bool descending_;
};

Refusal refuse_scan(const tn_signature& s) {
  if (!has_operands(s, 2) || s.attribute_count != 2) return "scan takes out, in and dim, kind";
  if (s.attributes[1] != TN_SCAN_SUM && s.attributes[1] != TN_SCAN_PROD) {
    return "unknown kind of scan";
  }
  if (operand_dtype(s, 0) == TN_DTYPE_BOOL) return "scan is not defined for bool";
  return operand_dtype(s, 0) == operand_dtype(s, 1) ? "" : "out has the dtype of in";
}

Refusal refuse_sort(const tn_signature& s) {
  if (!has_operands(s, 3) || s.attribute_count != 2) {
    return "sort takes values, indices, in and dim, descending";
  }
  if (operand_dtype(s, 1) != TN_DTYPE_I64) return "the indices are i64";
  return operand_dtype(s, 0) == operand_dtype(s, 2) ? "" : "values have the dtype of in";
}

std::unique_ptr<Kernel> prepare_scan(tn_device device, const tn_signature& s) {
  return std::make_unique<ScanKernel>(device, s.attributes[0], s.attributes[1] == TN_SCAN_PROD);
}

std::unique_ptr<Kernel> prepare_sort(tn_device device, const tn_signature& s) {
  return std::make_unique<SortKernel>(device, s.attributes[0], s.attributes[1] != 0);
}

constexpr Operator kOperators[] = {{TN_OP_SCAN, refuse_scan, prepare_scan},
                                   {TN_OP_SORT, refuse_sort, prepare_sort}};

}  // namespace

std::span<const Operator> ordering_operators() { return kOperators; }

}  // namespace tenon::cpu
