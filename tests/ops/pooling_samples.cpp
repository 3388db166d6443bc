// Pooling, by the definition: a loop over each window.
#include <cmath>

#include "ops/op_samples.h"

namespace tenon::ops_test {
namespace {

struct Geometry {
  Shape input, kernel, stride = {}, padding = {0, 0}, dilation = {1, 1};
  [[nodiscard]] int64_t step(int64_t d) const { return stride.empty() ? kernel[d] : stride[d]; }
};

const std::vector<Geometry> kGeometries = {
    {{2, 3, 4, 6}, {2, 2}},
    {{1, 2, 5, 5}, {3, 3}, {2, 2}, {1, 1}},
    {{1, 2, 5, 6}, {3, 2}, {1, 2}, {1, 0}},
    {{1, 1, 7, 7}, {2, 2}, {1, 1}, {0, 0}, {2, 3}},
    {{0, 2, 4, 4}, {2, 2}},
    {{3, 5, 24, 24}, {2, 2}},
};

Shape output_sizes(const Geometry& g) {
  Shape out = {g.input[0], g.input[1]};
  for (int64_t d = 0; d < 2; ++d)
    out.push_back((g.input[d + 2] + 2 * g.padding[d] - g.dilation[d] * (g.kernel[d] - 1) - 1) /
                      g.step(d) +
                  1);
  return out;
}

// Calls f(h, w) for every position of a window that lies in the image.
void for_each_position(const Geometry& g, const Shape& o,
                       const std::function<void(int64_t, int64_t)>& f) {
  for_each(g.kernel, [&](const Shape& k, size_t) {
    const int64_t h = o[2] * g.step(0) - g.padding[0] + k[0] * g.dilation[0];
    const int64_t w = o[3] * g.step(1) - g.padding[1] + k[1] * g.dilation[1];
    if (h >= 0 && w >= 0 && h < g.input[2] && w < g.input[3]) f(h, w);
  });
}

// One number stands for height and width.
Shape both(const Shape& given) { return given.rank() == 1 ? Shape{given[0], given[0]} : given; }

Geometry geometry_of(const Call& call, const Shape& input) {
  return {input, both(call.shape(1)), both(call.shape(2)), both(call.shape(3, {0, 0})),
          both(call.shape(4, {1, 1}))};
}

std::vector<Array> expect_max(const Call& call) {
  Array x = call.array(0);
  const bool single = x.sizes.rank() == 3;
  if (single) x.sizes = Shape{1} + x.sizes;
  const Geometry g = geometry_of(call, x.sizes);
  Array values(output_sizes(g), x.dtype), indices(output_sizes(g), kInt64);
  for_each(values.sizes, [&](const Shape& o, size_t i) {
    bool first = true;
    for_each_position(g, o, [&](int64_t h, int64_t w) {
      const double value = x.values[x.offset({o[0], o[1], h, w})];
      const bool better =
          !std::isnan(values.values[i]) && (value > values.values[i] || std::isnan(value));
      if (!first && !better) return;
      first = false;
      values.values[i] = value;
      indices.values[i] = static_cast<double>(h * g.input[3] + w);
    });
  });
  if (single) values.sizes = indices.sizes = values.sizes.slice(1, 4);
  return {values, indices};
}

std::vector<Call> max_calls(DType dtype, Random& random) {
  std::vector<Call> calls;
  for (const Geometry& g : kGeometries)
    calls.push_back(
        {{random.array(g.input, dtype, -100, 100), g.kernel, g.stride, g.padding, g.dilation},
         g.input.numel() < 150});
  calls.push_back({{random.array({2, 4, 6}, dtype, -100, 100), Shape{2}}});
  // Ties, NaN, and a window of -Inf with a border: the first element inside counts.
  Array special({1, 1, 4, 4}, dtype);
  for (size_t i = 0; i < 8; ++i) special.values[i] = -INFINITY;
  special.values[10] = special.values[11] = NAN;
  calls.push_back({{special, Shape{3}, Shape{1}, Shape{1}}, false});
  return calls;
}

std::vector<ErrorRow> pool_errors(const std::string& op) {
  return {
      {"rank", {blank({4, 4}), Shape{2}}, op + ".*\\(N,C,H,W\\).*\\(4, 4\\)"},
      {"kernel", {blank({1, 1, 2, 2}), Shape{3}}, op + ".*kernel"},
      {"padding", {blank({1, 1, 4, 4}), Shape{2}, Shape{}, Shape{2}}, op + ".*half of the kernel"},
      {"stride", {blank({1, 1, 4, 4}), Shape{2}, Shape{0, 1}}, op + ".*stride"},
      {"integers", {blank({1, 1, 4, 4}, kInt64), Shape{2}}, op + ".*floating"}};
}

void add_max(std::vector<SampleRow>& rows) {
  SampleRow both;
  both.op = "max_pool2d_with_indices";
  both.dtypes = kFloats;
  both.calls = max_calls;
  both.expect = expect_max;
  both.gradient = true;
  both.errors = pool_errors("max_pool2d");
  SampleRow values = both;
  values.op = "max_pool2d";
  values.expect = [](const Call& call) { return std::vector<Array>{expect_max(call)[0]}; };
  rows.push_back(std::move(both));
  rows.push_back(std::move(values));
}

void add_max_grad(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "max_pool2d_grad";
  row.dtypes = kFloats;
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const Shape& out : {Shape{2, 3, 2, 3}, Shape{1, 1, 4, 4}, Shape{0, 2, 2, 2}}) {
      const Shape input = {out[0], out[1], 4, 5};
      calls.push_back({{random.array(out, dtype, -2, 2), random.array(out, kInt64, 0, 19), input}});
    }
    return calls;
  };
  row.expect = [](const Call& call) {
    const Array &grad = call.array(0), &indices = call.array(1);
    Array out(call.shape(2), grad.dtype);
    out.magnitudes.assign(out.values.size(), 0);
    for_each(grad.sizes, [&](const Shape& at, size_t i) {
      const auto position = static_cast<int64_t>(indices.values[i]);
      const size_t to =
          out.offset({at[0], at[1], position / out.sizes[3], position % out.sizes[3]});
      out.values[to] += grad.values[i];
      out.magnitudes[to] += 16 * std::fabs(grad.values[i]);
    });
    return std::vector<Array>{out};
  };
  row.tolerance = Tolerance::kSum;
  row.gradient = true;
  Array outside({1, 1, 1, 1}, kInt64, {20});
  row.errors = {{"sizes",
                 {blank({1, 1, 2, 2}), blank({1, 1, 2, 3}, kInt64), Shape{1, 1, 4, 4}},
                 "max_pool2d_grad.*indices"},
                {"channels",
                 {blank({1, 1, 2, 2}), blank({1, 1, 2, 2}, kInt64), Shape{1, 2, 4, 4}},
                 "max_pool2d_grad.*N and C"},
                {"index", {blank({1, 1, 1, 1}), outside, Shape{1, 1, 4, 5}}, "index|indices"}};
  rows.push_back(std::move(row));
}

std::vector<Array> expect_avg(const Call& call) {
  const Array& x = call.array(0);
  const Geometry g = {x.sizes, call.shape(1), call.shape(2), call.shape(3)};
  const bool all = call.scalar(4, true).to_bool();
  Array out(output_sizes(g), x.dtype);
  out.magnitudes.assign(out.values.size(), 0);
  for_each(out.sizes, [&](const Shape& o, size_t i) {
    double sum = 0, size = 0, count = 0;
    for_each_position(g, o, [&](int64_t h, int64_t w) {
      const double value = x.values[x.offset({o[0], o[1], h, w})];
      sum += value, size += std::fabs(value), count += 1;
    });
    if (all) count = static_cast<double>(g.kernel.numel());
    out.values[i] = sum / count;
    out.magnitudes[i] = size / count * (storage_roundings(x.dtype) + 16);
  });
  return {out};
}

void add_avg(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "avg_pool2d";
  row.dtypes = kFloats;
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const Geometry& g : kGeometries) {
      if (g.dilation != Shape{1, 1}) continue;
      for (const bool all : {true, false})
        calls.push_back(
            {{random.array(g.input, dtype, -2, 2), g.kernel, g.stride, g.padding, Scalar(all)},
             g.input.numel() < 150});
    }
    return calls;
  };
  row.expect = expect_avg;
  row.tolerance = Tolerance::kSum;
  row.gradient = true;
  row.errors = pool_errors("avg_pool2d");
  row.errors[2].arguments = {blank({1, 1, 4, 4}), Shape{2, 2}, Shape{}, Shape{2, 2}};
  rows.push_back(std::move(row));
}

}  // namespace

void add_pooling_samples(std::vector<SampleRow>& rows) {
  add_max(rows);
  add_max_grad(rows);
  add_avg(rows);
}

}  // namespace tenon::ops_test
