// What the sample files of the sorting family share.
#pragma once

#include <vector>

#include "ops/manipulation_samples.h"

namespace tenon::ops_test {

// The values of self along dim at the other positions of `index`, one line.
struct Line {
  std::vector<size_t> places;  // in self.values
  std::vector<double> values;
};
// All lines of self along dim, in row-major order of the other dimensions; numbers are one line.
[[nodiscard]] std::vector<Line> lines_of(const Array& self, int64_t dim);
// Whether a stands before b in ascending order: NaN is last.
[[nodiscard]] bool before(double a, double b);
// Argument `i` as a dimension of self.
[[nodiscard]] int64_t dim_argument(const Call& call, size_t i, int64_t fallback);

// Rows of calls on random operands with ties and, for floats, NaN and infinities.
[[nodiscard]] SampleRow ordered_row(const char* op, std::vector<Sample> samples,
                                    std::function<std::vector<Array>(const Call&)> expect,
                                    std::vector<ErrorRow> errors);

void add_scan_samples(std::vector<SampleRow>& rows);
void add_search_samples(std::vector<SampleRow>& rows);

}  // namespace tenon::ops_test
