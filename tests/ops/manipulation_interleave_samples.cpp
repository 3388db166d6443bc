// repeat_interleave.
#include <algorithm>

#include "ops/manipulation_samples.h"

namespace tenon::ops_test {
namespace {

Array interleaved(const Call& call) {
  Array self = call.array(0);
  int64_t dim = 0;
  if (call.has(2)) {
    dim = wrapped_dim(call.scalar(2).to_int64(), std::max<int64_t>(1, self.sizes.rank()));
    if (self.sizes.rank() == 0) self.sizes = {1};
  } else {
    self.sizes = {self.sizes.numel()};
  }
  std::vector<int64_t> from;
  for (int64_t i = 0; i < self.sizes[dim]; ++i) {
    const auto* each = std::get_if<Array>(&call.arguments[1]);
    const int64_t times =
        each == nullptr ? call.scalar(1).to_int64()
                        : static_cast<int64_t>(
                              each->values[each->values.size() == 1 ? 0 : static_cast<size_t>(i)]);
    from.insert(from.end(), static_cast<size_t>(times), i);
  }
  Shape sizes = self.sizes;
  sizes[dim] = static_cast<int64_t>(from.size());
  return picked(self, sizes, [&](Shape index) {
    index[dim] = from[static_cast<size_t>(index[dim])];
    return index;
  });
}

}  // namespace

void add_interleave_samples(std::vector<SampleRow>& rows) {
  const auto counts = [](std::vector<double> values, DType dtype = kInt64) {
    const auto n = static_cast<int64_t>(values.size());
    return Array({n}, dtype, std::move(values));
  };
  rows.push_back(copy_row(
      "repeat_interleave",
      {{{2, 3}, {Scalar(2), Scalar(1)}},
       {{2, 3}, {Scalar(3)}},
       {{2, 3}, {Scalar(0), Scalar(-2)}},
       {{}, {Scalar(2)}},
       {{0, 2}, {Scalar(2), Scalar(0)}},
       {{4}, {counts({1, 0, 3, 2}), Scalar(0)}},
       {{2, 3}, {counts({0, 2, 0}, kInt32), Scalar(-1)}},
       {{3, 2}, {counts({0, 0, 0}), Scalar(0)}},
       {{2, 2}, {counts({2, 1, 0, 1})}},
       {{3, 2}, {counts({2}), Scalar(0)}},
       {{3}, {Array({}, kInt64, {2}), Scalar(0)}},
       {{0, 2}, {counts({}), Scalar(0)}}},
      interleaved,
      joined_rows(
          {{"negative", {blank({2, 3}), Scalar(-1), Scalar(0)}, "repeat_interleave.*>= 0.*-1"},
           {"negative count",
            {blank({2}), counts({1, -2}), Scalar(0)},
            "repeat_interleave.*>= 0.*-2"},
           {"length", {blank({2, 3}), counts({1, 2}), Scalar(1)}, "repeat_interleave.*3.*\\(2\\)"},
           {"rank",
            {blank({2}), Array({1, 2}, kInt64, {1, 2}), Scalar(0)},
            "repeat_interleave.*\\(1, 2\\)"},
           {"dtype",
            {blank({2}), blank({2}), Scalar(0)},
            "repeat_interleave.*int64 or int32.*float32"},
           {"dim", {blank({2}), Scalar(2), Scalar(1)}, "repeat_interleave.*range.*1"}},
          self_misuse({Scalar(2)}))));
}

}  // namespace tenon::ops_test
