// What the rows of the reduction family share.
#pragma once

#include <vector>

#include "ops/op_samples.h"

namespace tenon::ops_test {

struct Reduced {
  Shape sizes, dims;
};
// All, some and no dimensions; long ones; none left.
[[nodiscard]] const std::vector<Reduced>& reduced_shapes();

[[nodiscard]] Shape result_sizes(const Shape& sizes, const Shape& dims, bool keepdim);
// Values of each result element in row-major order, by result element.
[[nodiscard]] std::vector<std::vector<double>> groups_of(const Array& self, const Shape& dims);
// self as `dtype` stores it; None leaves it.
[[nodiscard]] Array converted(const Call& call, size_t dtype_argument);
// Of a sum of n values whose sizes add up to `size`.
[[nodiscard]] double sum_magnitude(size_t count, double size);

// Dimensions that are not there or named twice. `with` puts dims into a call's arguments.
[[nodiscard]] std::vector<ErrorRow> dim_errors(
    const std::function<std::vector<Argument>(const Array& self, const Shape& dims)>& with);

void add_statistics_samples(std::vector<SampleRow>& rows);

}  // namespace tenon::ops_test
