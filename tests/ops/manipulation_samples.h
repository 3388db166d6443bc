// What the sample files of the manipulation family share.
#pragma once

#include <vector>

#include "ops/view_samples.h"

namespace tenon::ops_test {

// A row as of a view, for every dtype.
[[nodiscard]] SampleRow copy_row(const char* op, std::vector<Sample> samples,
                                 std::function<Array(const Call&)> expect,
                                 std::vector<ErrorRow> errors);
// A row of calls with one list of tensors of these sizes, then other arguments.
struct ListSample {
  std::vector<Shape> sizes;
  std::vector<Argument> arguments;
};
[[nodiscard]] SampleRow list_row(const char* op, std::vector<ListSample> samples,
                                 std::function<std::vector<Array>(const Call&)> expect,
                                 std::vector<ErrorRow> errors);
[[nodiscard]] const std::vector<Array>& list_of_arrays(const Call& call);
// Several arrays of one dtype, joined along dim.
[[nodiscard]] Array joined(const std::vector<Array>& parts, int64_t dim);
// Argument i, one number or a list.
[[nodiscard]] Shape numbers_of(const Call& call, size_t i);
// `at` counted in [0, n).
[[nodiscard]] int64_t modulo(int64_t at, int64_t n);

void add_repeat_samples(std::vector<SampleRow>& rows);
void add_interleave_samples(std::vector<SampleRow>& rows);
void add_order_samples(std::vector<SampleRow>& rows);
void add_image_layout_samples(std::vector<SampleRow>& rows);

}  // namespace tenon::ops_test
