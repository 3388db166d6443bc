// What the sample files of the view family share.
#pragma once

#include <vector>

#include "ops/op_samples.h"

namespace tenon::ops_test {

// self has these sizes, the other arguments follow.
struct Sample {
  Shape self;
  std::vector<Argument> arguments;
};

// A row of calls on random operands; it is checked in every layout and differentiable.
[[nodiscard]] SampleRow view_row(const char* op, std::vector<Sample> samples,
                                 std::function<Array(const Call&)> expect,
                                 std::vector<ErrorRow> errors);
// The same for ops with several results.
[[nodiscard]] SampleRow view_list_row(const char* op, std::vector<Sample> samples,
                                      std::function<std::vector<Array>(const Call&)> expect,
                                      std::vector<ErrorRow> errors);

// Misuse that every op of one tensor refuses, with arguments that are otherwise right.
[[nodiscard]] std::vector<ErrorRow> self_misuse(const std::vector<Argument>& others);
[[nodiscard]] std::vector<ErrorRow> joined_rows(std::vector<ErrorRow> rows,
                                                const std::vector<ErrorRow>& more);

// Every element of the result from the element of self at source(index).
[[nodiscard]] Array picked(const Array& self, const Shape& sizes,
                           const std::function<Shape(const Shape&)>& source);
// The same values in row-major order under other sizes, of which one may be -1.
[[nodiscard]] Array with_sizes(const Array& self, Shape sizes);
// start:stop:step along dim, clamped.
[[nodiscard]] Array sliced(const Array& self, int64_t dim, int64_t start, int64_t stop,
                           int64_t step);
[[nodiscard]] Array expanded(const Array& self, const Shape& sizes);
[[nodiscard]] Array transposed(const Array& self, int64_t a, int64_t b);
[[nodiscard]] int64_t wrapped_dim(int64_t dim, int64_t rank);
[[nodiscard]] Shape without(const Shape& sizes, int64_t dim);
[[nodiscard]] Shape with(const Shape& sizes, int64_t dim, int64_t size);

void add_view_part_samples(std::vector<SampleRow>& rows);
void add_view_shape_samples(std::vector<SampleRow>& rows);

}  // namespace tenon::ops_test
