// What the rows of the matmul family share.
#pragma once

#include <functional>
#include <vector>

#include "ops/op_samples.h"

namespace tenon::ops_test {

// One element: Σ_p a[p]·b[p] and how far it may be off.
void dot_into(Array& out, size_t i, int64_t k, const std::function<double(int64_t)>& a,
              const std::function<double(int64_t)>& b);
// NumPy's matmul, element by element.
[[nodiscard]] Array product_of(Array a, Array b);

// Dimensions counted from the front.
[[nodiscard]] Shape wrapped_dims(const Shape& dims, int64_t rank);

// Calls of two operands of these sizes, without expectation.
using Pairs = std::vector<std::pair<Shape, Shape>>;
[[nodiscard]] SampleRow row_of_pairs(const char* op, const Pairs& pairs,
                                     std::vector<DType> dtypes = kNumbers);
template <Tensor& (*kOut)(Tensor&, const Tensor&, const Tensor&)>
void out_of_pair(Tensor& out, std::span<const Value> a) {
  kOut(out, std::get<Tensor>(a[0]), std::get<Tensor>(a[1]));
}

void add_added_product_samples(std::vector<SampleRow>& rows);
void add_product_samples(std::vector<SampleRow>& rows);
void add_matrix_samples(std::vector<SampleRow>& rows);
void add_einsum_samples(std::vector<SampleRow>& rows);

}  // namespace tenon::ops_test
