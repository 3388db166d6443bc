// Reading and writing by index tensors.
#include <algorithm>

#include <tenon/runtime/ops/ops.h>

#include "ops/indexing_samples.h"

namespace tenon::ops_test {
namespace {

void add_one_hot(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "one_hot";
  row.dtypes = {kInt64};
  row.calls = [](DType dtype, Random& random) {
    return std::vector<Call>{{{random.array({5}, dtype, 0, 3), Scalar(4)}},
                             {{random.array({2, 3}, dtype, 0, 3), Scalar(6)}},
                             {{random.array({2, 3}, dtype, 0, 3)}},
                             {{random.array({}, dtype, 0, 3), Scalar(4)}},
                             {{Array({0}, dtype), Scalar(4)}}};
  };
  row.expect = [](const Call& call) {
    const Array& self = call.array(0);
    double greatest = 0;
    for (const double value : self.values) greatest = std::max(greatest, value);
    const int64_t classes = call.scalar(1, static_cast<int64_t>(greatest) + 1).to_int64();
    Array out(self.sizes + Shape{classes}, kInt64);
    for (size_t i = 0; i < self.values.size(); ++i)
      out.values[i * static_cast<size_t>(classes) + static_cast<size_t>(self.values[i])] = 1;
    return std::vector<Array>{out};
  };
  row.errors = {{"dtype", {blank({2}), Scalar(3)}, "one_hot.*int64"},
                {"classes", {blank({2}, kInt64), Scalar(0)}, "one_hot.*classes.*0"},
                {"negative classes", {blank({2}, kInt64), Scalar(-2)}, "one_hot.*classes.*-2"},
                {"none to count", {Array({0}, kInt64), Scalar(-1)}, "one_hot.*classes.*-1"},
                {"negative", {Array({1}, kInt64, {-1}), Scalar(4)}, "index"},
                {"too large", {Array({1}, kInt64, {4}), Scalar(4)}, "index"}};
  rows.push_back(std::move(row));
}

}  // namespace

void add_indexing_samples(std::vector<SampleRow>& rows) {
  add_gather_samples(rows);
  add_scatter_samples(rows);
  add_slice_index_samples(rows);
  add_mask_samples(rows);
  add_position_samples(rows);
  add_tensor_index_samples(rows);
  add_one_hot(rows);
}

}  // namespace tenon::ops_test
