// scan, sort: along one dimension, line by line.
#include <algorithm>
#include <array>

#include "../block.h"

namespace tenon::reference {
namespace {

// The lines along `dim` of N tensors of one shape: f(line addresses of all).
template <size_t N, class F>
void for_lines(const Call& call, uint32_t dim, F&& f) {
  std::array<tn_tensor, N> rest;
  std::array<const tn_tensor*, N> pointers;
  for (size_t i = 0; i < N; ++i) {
    rest[i] = with_dims(*call.operands[i].tensor, ~(1u << dim));
    pointers[i] = &rest[i];
  }
  const plugin::Walk<N> lines(pointers);
  for (int64_t line = 0; line < lines.count(); ++line) {
    lines.run(line, line + 1, [&](int64_t, const auto& offsets, int64_t) {
      std::array<std::byte*, N> data;
      for (size_t i = 0; i < N; ++i) {
        data[i] = call.operands[i].data +
                  offsets[i] * support::dtype_size(call.operands[i].tensor->dtype);
      }
      f(data);
    });
  }
}

class Along : public Kernel {
 public:
  explicit Along(const plugin::Signature& s)
      : Kernel(s), dim_(static_cast<uint32_t>(s.attributes()[0])), attribute_(s.attributes()[1]) {}

 protected:
  [[nodiscard]] tn_tensor line_of(const tn_tensor& t) const { return with_dims(t, 1u << dim_); }

  uint32_t dim_;
  int64_t attribute_;
};

class Scan : public Along {
 public:
  using Along::Along;
  void run(const Call& call) const override {
    const tn_tensor out = line_of(*call.operands[0].tensor), in = line_of(*call.operands[1].tensor);
    const Walk to = walk_of(out), from = walk_of(in);
    for_lines<2>(call, dim_, [&](const auto& data) {
      const bool adds = attribute_ == TN_SCAN_SUM;
      double real = adds ? 0 : 1;
      uint64_t whole = adds ? 0 : 1;
      for (int64_t begin = 0; begin < from.count(); begin += kBlock) {
        const int64_t n = std::min(kBlock, from.count() - begin);
        Block block, rounded;
        read(from, dtype(0), data[1], begin, n, block);
        for (int64_t k = 0; k < n; ++k) {
          if (support::is_float(dtype(0))) {
            real = adds ? real + block.real[k] : real * block.real[k];
            block.real[k] = real;
          } else {
            const auto x = static_cast<uint64_t>(block.whole[k]);
            whole = adds ? whole + x : whole * x;
            block.whole[k] = static_cast<int64_t>(whole);
          }
        }
        cast(support::is_float(dtype(0)) ? TN_DTYPE_F64 : TN_DTYPE_I64, block, dtype(0), rounded,
             n);
        write(to, dtype(0), data[0], begin, n, rounded);
      }
    });
  }
};

// NaN is greater than every number.
bool is_less(double a, double b) { return std::isnan(b) ? !std::isnan(a) : a < b; }
bool is_less(int64_t a, int64_t b) { return a < b; }

class Sort : public Along {
 public:
  using Along::Along;

  // Keys and positions of one line.
  [[nodiscard]] uint64_t workspace(std::span<const tn_tensor* const> operands) const override {
    return 16 * static_cast<uint64_t>(operands[2]->shape[dim_]);
  }

  void run(const Call& call) const override {
    const int64_t n = call.operands[2].tensor->shape[dim_];
    if (n == 0) return;
    auto* keys = reinterpret_cast<int64_t*>(call.workspace);
    int64_t* order = keys + n;
    for_lines<3>(call, dim_, [&](const auto& data) {
      read_keys(call.operands[2], data[2], n, keys);
      for (int64_t k = 0; k < n; ++k) order[k] = k;
      if (support::is_float(dtype(0))) {
        sort_by<double>(keys, order, n);
      } else {
        sort_by<int64_t>(keys, order, n);
      }
      write_line(call, data, n, order);
    });
  }

 private:
  void read_keys(const Operand& in, const std::byte* line, int64_t n, int64_t* keys) const {
    const tn_tensor t = line_of(*in.tensor);
    const Walk walk = walk_of(t);
    for (int64_t begin = 0; begin < n; begin += kBlock) {
      Block block;
      const int64_t part = std::min(kBlock, n - begin);
      read(walk, dtype(0), line, begin, part, block);
      std::memcpy(keys + begin, block.whole, static_cast<size_t>(part) * 8);
    }
  }

  // Equal keys keep their order because the position decides last.
  template <class V>
  void sort_by(const int64_t* keys, int64_t* order, int64_t n) const {
    const bool descending = attribute_ != 0;
    std::sort(order, order + n, [&](int64_t x, int64_t y) {
      const V a = std::bit_cast<V>(keys[x]), b = std::bit_cast<V>(keys[y]);
      if (descending ? is_less(b, a) : is_less(a, b)) return true;
      if (descending ? is_less(a, b) : is_less(b, a)) return false;
      return x < y;
    });
  }

  template <class Data>
  void write_line(const Call& call, const Data& data, int64_t n, const int64_t* order) const {
    const int64_t size = support::dtype_size(dtype(0));
    const auto step = [&](int i) { return call.operands[size_t(i)].tensor->strides[dim_]; };
    for (int64_t k = 0; k < n; ++k) {
      std::memcpy(data[0] + k * step(0) * size, data[2] + order[k] * step(2) * size,
                  static_cast<size_t>(size));
      std::memcpy(data[1] + k * step(1) * 8, order + k, 8);
    }
  }
};

std::string refuse_scan(const plugin::Signature& s) {
  const int64_t dim = s.attributes()[0], kind = s.attributes()[1];
  if (s.dtype(0) != s.dtype(1) || s.rank(0) != s.rank(1)) return "one dtype and one rank wanted";
  if (dim < 0 || dim >= s.rank(0)) return "dim is out of range";
  if (kind != TN_SCAN_SUM && kind != TN_SCAN_PROD) return "unknown kind";
  return s.dtype(0) == TN_DTYPE_BOOL ? "not defined for bool" : "";
}

std::string refuse_sort(const plugin::Signature& s) {
  const int64_t dim = s.attributes()[0];
  if (s.dtype(0) != s.dtype(2) || s.dtype(1) != TN_DTYPE_I64) return "values as in, indices i64";
  if (s.rank(0) != s.rank(1) || s.rank(0) != s.rank(2)) return "one rank wanted";
  return dim >= 0 && dim < s.rank(0) ? "" : "dim is out of range";
}

constexpr Operator kOperators[] = {
    {TN_OP_SCAN, 2, 1, 2, refuse_scan, make_kernel<Scan>},
    {TN_OP_SORT, 3, 2, 2, refuse_sort, make_kernel<Sort>},
};

}  // namespace

std::span<const Operator> ordering_operators() { return kOperators; }

}  // namespace tenon::reference
