// What the sample files of the indexing family share.
#pragma once

#include "ops/op_samples.h"

namespace tenon::ops_test {

void add_gather_samples(std::vector<SampleRow>& rows);
void add_scatter_samples(std::vector<SampleRow>& rows);
void add_slice_index_samples(std::vector<SampleRow>& rows);
void add_mask_samples(std::vector<SampleRow>& rows);
void add_position_samples(std::vector<SampleRow>& rows);
void add_tensor_index_samples(std::vector<SampleRow>& rows);

// A call with an index tensor of self's rank.
struct Indexed {
  Shape self, index;
  int64_t dim;
};
inline const std::vector<Indexed> kIndexed = {
    {{3, 5}, {3, 2}, 1}, {{3, 5}, {4, 5}, 0}, {{3, 5}, {2, 3}, 0}, {{2, 3, 4}, {2, 6, 4}, 1},
    {{7}, {9}, 0},       {{}, {}, 0},         {{3, 5}, {0, 5}, 0}, {{4, 6}, {4, 3}, -1},
};

inline int64_t extent_of(const Indexed& c) {
  return c.self.rank() == 0 ? 1 : c.self[c.dim < 0 ? c.dim + c.self.rank() : c.dim];
}

// Argument 1, counted from the front.
inline int64_t dim_of(const Call& call, const Shape& sizes) {
  const int64_t dim = call.scalar(1).to_int64();
  return dim < 0 ? dim + sizes.rank() : dim;
}

// Where element `index` of an index tensor points to.
inline Shape target_of(const Shape& index, int64_t dim, double position) {
  Shape at = index;
  if (at.rank() > 0) at[dim] = static_cast<int64_t>(position);
  return at;
}

inline Array positions(Random& random, const Indexed& c) {
  return random.array(c.index, kInt64, 0, static_cast<double>(extent_of(c) - 1));
}

// 1, 2 and, where the dtype has them, -1 and -2: products are powers of 2, so exact.
inline Array powers(Random& random, const Shape& sizes, DType dtype) {
  Array out = random.array(sizes, kInt64, -2, 2);
  out.dtype = dtype;
  for (double& value : out.values) {
    if (value == 0) value = 1;
    if (dtype == kUInt8 && value < 0) value = -value;
    if (dtype == kBool) value = value > 0 ? 1 : 0;
  }
  return out;
}

// A value that was computed exactly, as the dtype holds it.
inline double stored(double value, DType dtype) {
  if (dtype == kBool) return value != 0 ? 1 : 0;
  return is_floating_point(dtype) ? rounded(value, dtype)
                                  : wrapped(static_cast<int64_t>(value), dtype);
}

// Arguments of in-place and out= forms.
inline const Tensor& tensor_at(std::span<const Value> values, size_t i) {
  return std::get<Tensor>(values[i]);
}
inline Scalar scalar_at(std::span<const Value> values, size_t i, Scalar fallback = 0) {
  return i < values.size() ? std::get<Scalar>(values[i]) : fallback;
}
inline Operand operand_at(std::span<const Value> values, size_t i) {
  if (const auto* scalar = std::get_if<Scalar>(&values[i])) return *scalar;
  return std::get<Tensor>(values[i]);
}

}  // namespace tenon::ops_test
