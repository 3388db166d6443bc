// index and index_put with one tensor for each of the first dimensions. The whole language of index
// expressions is tested in tests/runtime/indexing_test.cpp.
#include <tenon/runtime/ops/ops.h>

#include "ops/indexing_samples.h"

namespace tenon::ops_test {
namespace {

using Arrays = std::vector<Array>;

bool is_mask(const Array& index) { return index.dtype == kBool || index.dtype == kUInt8; }

// One int64 array for each dimension indexed: masks as the coordinates of their true elements.
Arrays position_arrays(const Arrays& indices) {
  Arrays result;
  for (const Array& index : indices) {
    if (!is_mask(index)) {
      result.push_back(index);
      continue;
    }
    Arrays coordinates(index.sizes.size(), Array({0}, kInt64));
    for_each(index.sizes, [&](const Shape& at, size_t i) {
      if (index.values[i] == 0) return;
      for (int64_t d = 0; d < at.rank(); ++d) {
        Array& one = coordinates[static_cast<size_t>(d)];
        one.values.push_back(static_cast<double>(at[d]));
        one.sizes = {static_cast<int64_t>(one.values.size())};
      }
    });
    result.insert(result.end(), coordinates.begin(), coordinates.end());
  }
  return result;
}

struct Picked {
  Shape sizes;
  std::vector<size_t> from;  // per element of the result, the number of self's
};

Picked picked(const Array& self, const Arrays& indices) {
  const Arrays each = position_arrays(indices);
  Shape common;
  for (const Array& one : each) common = broadcast(common, one.sizes);
  const auto count = static_cast<int64_t>(each.size());
  Picked result;
  result.sizes = common + self.sizes.slice(count, self.sizes.rank());
  for_each(result.sizes, [&](const Shape& at, size_t) {
    Shape from = self.sizes;
    const Shape head = at.slice(0, common.rank());
    for (int64_t d = 0; d < self.sizes.rank(); ++d) {
      if (d >= count) {
        from[d] = at[common.rank() + d - count];
        continue;
      }
      from[d] = static_cast<int64_t>(each[static_cast<size_t>(d)].at(head));
      if (from[d] < 0) from[d] += self.sizes[d];
    }
    result.from.push_back(self.offset(from));
  });
  return result;
}

struct Case {
  Shape self;
  Arrays indices;
};

std::vector<Case> cases(Random& random) {
  const auto at = [&](const Shape& sizes, double size) {
    return random.array(sizes, kInt64, -size, size - 1);
  };
  Array narrow = at({4}, 3);
  narrow.dtype = kInt32;
  Array bytes = random.array({3}, kBool, 0, 1);
  bytes.dtype = kUInt8;
  return {{{3, 5}, {at({4}, 3)}},
          {{3, 5}, {at({2, 3}, 3)}},
          {{3, 5}, {narrow}},
          {{3, 5}, {at({4}, 3), at({4}, 5)}},
          {{3, 5}, {at({2, 1}, 3), at({3}, 5)}},
          {{2, 3, 4}, {at({5}, 2), at({1}, 3)}},
          {{2, 3, 4}, {at({5}, 2), at({5}, 3), at({5}, 4)}},
          {{3, 5}, {random.array({3}, kBool, 0, 1)}},
          {{3, 5}, {bytes}},
          {{3, 5}, {random.array({3, 5}, kBool, 0, 1)}},
          {{2, 3, 4}, {random.array({2, 3}, kBool, 0, 1)}},
          {{2, 3, 4}, {Array({2}, kBool, {1, 0}), at({1}, 3)}},
          {{7}, {at({9}, 7)}},
          {{3, 5}, {Array({0}, kInt64)}},
          {{3, 5}, {Array({3, 5}, kBool)}},
          {{0, 3}, {Array({0}, kBool)}}};
}

void add_index(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "index";
  row.dtypes = kEvery;
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const Case& c : cases(random))
      calls.push_back({{random.array(c.self, dtype, -9, 9), c.indices}});
    return calls;
  };
  row.expect = [](const Call& call) {
    const Array& self = call.array(0);
    const Picked picks = picked(self, std::get<Arrays>(call.arguments[1]));
    Array out(picks.sizes, self.dtype);
    for (size_t i = 0; i < out.values.size(); ++i) out.values[i] = self.values[picks.from[i]];
    return Arrays{out};
  };
  row.gradient = true;
  const Array one = blank({1}, kInt64);
  row.errors = {
      {"dtype", {blank({3}), Arrays{blank({1})}}, "index.*int64 or bool.*float32"},
      {"dtype int16", {blank({3}), Arrays{blank({1}, kInt16)}}, "index.*int64 or bool.*int16"},
      {"too many", {blank({3}), Arrays{one, one}}, "too many indices.*dimension 1.*2"},
      {"mask with too many", {blank({3}), Arrays{blank({3, 1}, kBool)}}, "too many indices"},
      {"mask", {blank({3, 4}), Arrays{blank({4}, kBool)}}, "mask.*\\(3\\).*\\(4\\)"},
      {"byte mask", {blank({3, 4}), Arrays{blank({3, 3}, kUInt8)}}, "mask.*\\(3, 4\\).*\\(3, 3\\)"},
      {"sizes",
       {blank({3, 4}), Arrays{blank({2}, kInt64), blank({3}, kInt64)}},
       "index.*broadcast.*\\(2\\).*\\(3\\)"},
      {"too large", {blank({3}), Arrays{Array({1}, kInt64, {3})}}, "index"},
      {"too small", {blank({3}), Arrays{Array({1}, kInt64, {-4})}}, "index"},
      {"one of two too large",
       {blank({3, 4}), Arrays{Array({1}, kInt64, {3}), Array({1}, kInt64, {0})}},
       "index"}};
  rows.push_back(std::move(row));
}

void add_index_put(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "index_put";
  row.dtypes = kKinds;
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const Case& c : cases(random)) {
      const Shape sizes = picked(Array(c.self, dtype), c.indices).sizes;
      for (const bool accumulate : {false, true}) {
        const auto add = [&](const Argument& values) {
          calls.push_back({{powers(random, c.self, dtype), c.indices, values, Scalar(accumulate)}});
        };
        add(powers(random, sizes, dtype));
        add(Scalar(2));
        add(powers(random, {}, dtype));
        if (sizes.rank() > 1) add(powers(random, sizes.slice(1, sizes.rank()), dtype));
      }
    }
    return calls;
  };
  row.expect = [](const Call& call) {
    Array out = call.array(0);
    const Picked picks = picked(out, std::get<Arrays>(call.arguments[1]));
    const auto* number = std::get_if<Scalar>(&call.arguments[2]);
    for_each(picks.sizes, [&](const Shape& at, size_t i) {
      double& value = out.values[picks.from[i]];
      const double written =
          number != nullptr ? stored(number->to_double(), out.dtype) : call.array(2).at(at);
      value = stored((call.scalar(3).to_bool() ? value : 0) + written, out.dtype);
    });
    return Arrays{out};
  };
  row.gradient = true;
  // With kBroadcast a mask repeats, and then values may have too few elements for it.
  row.layouts = kAllLayouts & ~(kBroadcast | kMixed);
  row.in_place = [](Tensor& self, std::span<const Value> o) {
    index_put_(self, std::get<std::vector<Tensor>>(o[0]), operand_at(o, 1),
               scalar_at(o, 2).to_bool());
  };
  const Arrays one = {blank({1}, kInt64)};
  row.errors = {
      {"dtype of index", {blank({3}), Arrays{blank({1})}, Scalar(1)}, "index.*int64 or bool"},
      {"dtype of values", {blank({3}), one, blank({1}, kFloat64)}, "index_put.*float32.*float64"},
      {"values", {blank({3, 4}), one, blank({3})}, "index_put.*broadcast.*\\(1, 4\\).*\\(3\\)"},
      {"values for a mask",
       {blank({3}), Arrays{Array({3}, kBool, {1, 1, 0})}, blank({3})},
       "index_put.*broadcast.*\\(2\\).*\\(3\\)"},
      {"too many", {blank({3}), Arrays{one[0], one[0]}, Scalar(1)}, "too many indices"},
      {"mask", {blank({3}), Arrays{blank({4}, kBool)}, Scalar(1)}, "mask.*\\(3\\).*\\(4\\)"},
      {"number too large", {blank({3}, kUInt8), one, Scalar(256)}, "index_put.*256.*uint8"},
      {"too large", {blank({3}), Arrays{Array({1}, kInt64, {3})}, Scalar(1)}, "index"},
      {"too small", {blank({3}), Arrays{Array({1}, kInt64, {-4})}, Scalar(1)}, "index"}};
  rows.push_back(std::move(row));
}

}  // namespace

void add_tensor_index_samples(std::vector<SampleRow>& rows) {
  add_index(rows);
  add_index_put(rows);
}

}  // namespace tenon::ops_test
