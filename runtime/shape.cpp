#include <tenon/runtime/shape.h>

#include <algorithm>

namespace tenon {

void Shape::fail_rank(size_t rank) {
  fail(ErrorCode::kInvalidArgument, "shape", "at most ", kMaxRank,
       " dimensions are supported, got ", rank, "; merge some of them");
}

Shape Shape::slice(int64_t begin, int64_t end) const {
  check(0 <= begin && begin <= end && end <= rank_, ErrorCode::kIndex, "shape", "slice [", begin,
        ", ", end, ") is outside of rank ", rank_);
  return Shape(std::span<const int64_t>(data() + begin, static_cast<size_t>(end - begin)));
}

int64_t Shape::numel() const {
  int64_t count = 1;
  bool zero = false;
  for (const int64_t size : *this) {
    check(size >= 0, ErrorCode::kInvalidArgument, "shape", "sizes must be >= 0, got ", *this);
    if (size == 0)
      zero = true;
    else
      count = checked_mul(count, size, "shape");
  }
  return zero ? 0 : count;
}

void append_text(std::string& text, const Shape& shape) {
  text += '(';
  for (int64_t d = 0; d < shape.rank(); ++d) {
    if (d > 0) text += ", ";
    text += std::to_string(shape[d]);
  }
  text += ')';
}

Shape contiguous_strides(const Shape& shape) {
  Shape strides = shape;
  int64_t step = 1;
  for (int64_t d = shape.rank() - 1; d >= 0; --d) {
    strides[d] = step;
    step = checked_mul(step, std::max<int64_t>(shape[d], 1), "shape");
  }
  return strides;
}

Shape broadcast_shapes(const Shape& a, const Shape& b, std::string_view op) {
  const int64_t rank = std::max(a.rank(), b.rank());
  Shape result;
  for (int64_t d = 0; d < rank; ++d) {
    const int64_t in_a = d - (rank - a.rank()), in_b = d - (rank - b.rank());
    const int64_t x = in_a < 0 ? 1 : a[in_a], y = in_b < 0 ? 1 : b[in_b];
    check(x == y || x == 1 || y == 1, ErrorCode::kInvalidArgument, op,
          "shapes must broadcast, got ", a, " and ", b, "; sizes ", x, " and ", y,
          " differ at dimension ", d, " and neither is 1");
    result.push_back(x == 1 ? y : x);
  }
  return result;
}

void fail_dim(int64_t dim, int64_t rank, std::string_view op) {
  const int64_t count = std::max<int64_t>(rank, 1);
  fail(ErrorCode::kIndex, op, "Dimension out of range (expected to be in range of [", -count, ", ",
       count - 1, "], but got ", dim, ")");
}

uint32_t dim_mask(const Shape& dims, int64_t rank, std::string_view op) {
  if (dims.empty()) return (1u << rank) - 1u;
  uint32_t mask = 0;
  for (const int64_t dim : dims) {
    const uint32_t bit = 1u << wrap_dim(dim, rank, op);
    check((mask & bit) == 0, ErrorCode::kInvalidArgument, op, "dimension ", dim,
          " appears twice in ", dims, "; name each once");
    mask |= bit;
  }
  return rank == 0 ? 0u : mask;
}

}  // namespace tenon
