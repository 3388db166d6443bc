#include "reduction.h"

#include <algorithm>

namespace tenon::reference {
namespace {

// The reduced elements that belong to one output.
struct Line {
  const Walk& walk;
  uint32_t dtype;
  const std::byte* data;
  int64_t count;
};

double join(int64_t kind, double a, double b) {
  switch (kind) {
    case TN_REDUCE_SUM:
      return a + b;
    case TN_REDUCE_PROD:
      return a * b;
    case TN_REDUCE_MAX:
      return std::isnan(a) || a > b ? a : b;
    default:
      return std::isnan(a) || a < b ? a : b;
  }
}

int64_t join(int64_t kind, int64_t a, int64_t b) {
  const auto x = static_cast<uint64_t>(a), y = static_cast<uint64_t>(b);
  switch (kind) {
    case TN_REDUCE_SUM:
      return static_cast<int64_t>(x + y);
    case TN_REDUCE_PROD:
      return static_cast<int64_t>(x * y);
    case TN_REDUCE_MAX:
      return std::max(a, b);
    case TN_REDUCE_MIN:
      return std::min(a, b);
    case TN_REDUCE_ANY:
      return a | b;
    default:
      return a & b;
  }
}

// Halves until one is left.
template <class V>
V join_pairwise(int64_t kind, const V* values, int64_t n) {
  if (n == 1) return values[0];
  if (n == 2) return join(kind, values[0], values[1]);
  const int64_t half = n / 2;
  return join(kind, join_pairwise(kind, values, half),
              join_pairwise(kind, values + half, n - half));
}

// Elements [begin, end) of the line, begin < end.
template <class V>
V join_range(int64_t kind, const Line& line, int64_t begin, int64_t end) {
  if (end - begin > kBlock) {
    const int64_t middle = begin + (end - begin) / 2;
    return join(kind, join_range<V>(kind, line, begin, middle),
                join_range<V>(kind, line, middle, end));
  }
  Block block;
  const int64_t n = end - begin;
  read(line.walk, line.dtype, line.data, begin, n, block);
  const bool logical = kind == TN_REDUCE_ANY || kind == TN_REDUCE_ALL;
  if (logical && support::is_float(line.dtype)) {
    for (int64_t k = 0; k < n; ++k) block.whole[k] = block.real[k] != 0;
  } else if (logical) {
    for (int64_t k = 0; k < n; ++k) block.whole[k] = block.whole[k] != 0;
  }
  if constexpr (std::is_same_v<V, double>) {
    return join_pairwise(kind, block.real, n);
  } else {
    return join_pairwise(kind, block.whole, n);
  }
}

template <class V>
V identity(int64_t kind) {
  return kind == TN_REDUCE_PROD || kind == TN_REDUCE_ALL ? V{1} : V{0};
}

// Index of the first extreme; the first NaN beats all.
template <class V>
int64_t argument(const Line& line, bool greatest) {
  Block block;
  V best{};
  int64_t best_index = 0;
  for (int64_t begin = 0; begin < line.count; begin += kBlock) {
    const int64_t n = std::min(kBlock, line.count - begin);
    read(line.walk, line.dtype, line.data, begin, n, block);
    for (int64_t k = 0; k < n; ++k) {
      V x;
      if constexpr (std::is_same_v<V, double>) {
        x = block.real[k];
        if (begin + k > 0 && std::isnan(best)) return best_index;
      } else {
        x = block.whole[k];
      }
      const bool better = begin + k == 0 || x != x || (greatest ? x > best : x < best);
      if (!better) continue;
      best = x;
      best_index = begin + k;
    }
  }
  return best_index;
}

void reduce_line(const Line& line, int64_t kind, uint32_t out_dtype, std::byte* out) {
  const bool real = support::is_float(line.dtype);
  Block wide, result;
  uint32_t dtype = TN_DTYPE_I64;
  if (kind == TN_REDUCE_ARGMAX || kind == TN_REDUCE_ARGMIN) {
    const bool greatest = kind == TN_REDUCE_ARGMAX;
    wide.whole[0] = real ? argument<double>(line, greatest) : argument<int64_t>(line, greatest);
  } else if (real && kind <= TN_REDUCE_MIN) {
    dtype = TN_DTYPE_F64;
    wide.real[0] =
        line.count == 0 ? identity<double>(kind) : join_range<double>(kind, line, 0, line.count);
  } else {
    wide.whole[0] =
        line.count == 0 ? identity<int64_t>(kind) : join_range<int64_t>(kind, line, 0, line.count);
  }
  cast(dtype, wide, out_dtype, result, 1);
  write(Walk(), out_dtype, out, 0, 1, result);
}

class Reduce : public Kernel {
 public:
  explicit Reduce(const plugin::Signature& s)
      : Kernel(s), kind_(s.attributes()[0]), dims_(static_cast<uint32_t>(s.attributes()[1])) {}

  void run(const Call& call) const override {
    reduce(call.host, call.operands[0], call.operands[1], kind_, dims_);
  }

 private:
  int64_t kind_;
  uint32_t dims_;
};

std::string refuse_reduce(const plugin::Signature& s) {
  const int64_t kind = s.attributes()[0], dims = s.attributes()[1];
  const uint32_t out = s.dtype(0), in = s.dtype(1);
  if (kind < TN_REDUCE_SUM || kind > TN_REDUCE_ALL) return "reduce: unknown kind";
  if (s.rank(0) != s.rank(1) || dims < 0 || dims >> s.rank(1) != 0) {
    return "reduce: ranks or dims do not fit";
  }
  if (kind == TN_REDUCE_ARGMAX || kind == TN_REDUCE_ARGMIN) {
    const bool one_dim = std::has_single_bit(static_cast<uint64_t>(dims));
    return one_dim && out == TN_DTYPE_I64 ? "" : "reduce: argmax and argmin: one dim, i64 out";
  }
  if (kind >= TN_REDUCE_ANY) return out == TN_DTYPE_BOOL ? "" : "reduce: any and all give bool";
  if (out != in) return "reduce: out must have the dtype of in";
  if (in == TN_DTYPE_BOOL && kind <= TN_REDUCE_PROD) return "reduce: bool has no sum";
  return "";
}

constexpr Operator kOperators[] = {
    {TN_OP_REDUCE, 2, 1, 2, refuse_reduce, make_kernel<Reduce>},
};

}  // namespace

void reduce(const plugin::Host& host, const Operand& out, const Operand& in, int64_t kind,
            uint32_t dims) {
  const tn_tensor kept = with_dims(*in.tensor, ~dims), reduced = with_dims(*in.tensor, dims);
  const plugin::Walk<1> outputs = walk_of(*out.tensor), lines = walk_of(kept);
  const Walk inner = walk_of(reduced);
  const uint32_t dtype = in.tensor->dtype, out_dtype = out.tensor->dtype;
  const int64_t size = support::dtype_size(dtype), out_size = support::dtype_size(out_dtype);
  const int64_t grain = std::max<int64_t>(1, 4096 / std::max<int64_t>(1, inner.count()));
  host.parallel_for(lines.count(), grain, [&](int64_t first, int64_t last) {
    for (int64_t o = first; o < last; ++o) {
      int64_t from = 0, to = 0;
      lines.run(o, o + 1, [&](int64_t, const auto& offsets, int64_t) { from = offsets[0]; });
      outputs.run(o, o + 1, [&](int64_t, const auto& offsets, int64_t) { to = offsets[0]; });
      const Line line{inner, dtype, in.data + from * size, inner.count()};
      reduce_line(line, kind, out_dtype, out.data + to * out_size);
    }
  });
}

std::span<const Operator> reduction_operators() { return kOperators; }

}  // namespace tenon::reference
