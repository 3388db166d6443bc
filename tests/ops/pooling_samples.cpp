// Pooling, by the definition: a loop over each window.
#include <algorithm>
#include <cmath>

#include "ops/op_samples.h"

namespace tenon::ops_test {
namespace {

struct Geometry {
  Shape input, kernel, stride = {}, padding = {0, 0}, dilation = {1, 1};
  bool ceil = false;
  [[nodiscard]] int64_t step(int64_t d) const { return stride.empty() ? kernel[d] : stride[d]; }
};

const std::vector<Geometry> kGeometries = {
    {{2, 3, 4, 6}, {2, 2}},
    {{1, 2, 5, 5}, {3, 3}, {2, 2}, {1, 1}},
    {{1, 2, 5, 6}, {3, 2}, {1, 2}, {1, 0}},
    {{1, 1, 7, 7}, {2, 2}, {1, 1}, {0, 0}, {2, 3}},
    {{0, 2, 4, 4}, {2, 2}},
    {{3, 5, 24, 24}, {2, 2}},
    {{2, 1, 5, 5}, {2, 2}, {}, {0, 0}, {1, 1}, true},
    {{1, 2, 6, 6}, {3, 3}, {2, 2}, {1, 1}, {1, 1}, true},
    {{1, 1, 5, 7}, {2, 3}, {3, 4}, {1, 0}, {1, 1}, true},
    {{1, 1, 7, 6}, {2, 2}, {3, 2}, {0, 1}, {2, 1}, true},
    {{1, 2, 2, 5}, {3, 2}, {3, 1}, {0, 0}, {1, 1}, true},
};

// With ceil the last window may reach beyond the padded image, but it begins before that.
Shape output_sizes(const Geometry& g) {
  Shape out = {g.input[0], g.input[1]};
  for (int64_t d = 0; d < 2; ++d) {
    const int64_t extent = g.input[d + 2], last = g.dilation[d] * (g.kernel[d] - 1);
    int64_t count = 0;
    for (int64_t start = -g.padding[d]; start < extent; start += g.step(d))
      if (start + last < extent + g.padding[d] ||
          (g.ceil && start - g.step(d) + last + 1 < extent + g.padding[d]))
        ++count;
    out.push_back(count);
  }
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
  return {input,
          both(call.shape(1)),
          both(call.shape(2)),
          both(call.shape(3, {0, 0})),
          both(call.shape(4, {1, 1})),
          call.scalar(5, false).to_bool()};
}

std::vector<Array> greatest(const Array& x, const Geometry& g) {
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
  return {values, indices};
}

std::vector<Array> expect_max(const Call& call) {
  Array x = call.array(0);
  const bool single = x.sizes.rank() == 3;
  if (single) x.sizes = Shape{1} + x.sizes;
  std::vector<Array> results = greatest(x, geometry_of(call, x.sizes));
  for (Array& result : results)
    if (single) result.sizes = result.sizes.slice(1, 4);
  return results;
}

std::vector<Call> max_calls(DType dtype, Random& random) {
  std::vector<Call> calls;
  for (const Geometry& g : kGeometries)
    calls.push_back({{random.array(g.input, dtype, -100, 100), g.kernel, g.stride, g.padding,
                      g.dilation, Scalar(g.ceil)},
                     g.input.numel() < 150});
  calls.push_back({{random.array({2, 4, 6}, dtype, -100, 100), Shape{2}}});
  // Ties, NaN, and a window of -Inf with a border: the first element inside counts.
  Array special({1, 1, 4, 4}, dtype);
  for (size_t i = 0; i < 8; ++i) special.values[i] = -INFINITY;
  special.values[10] = special.values[11] = NAN;
  calls.push_back({{special, Shape{3}, Shape{1}, Shape{1}}, false});
  calls.push_back({{special, Shape{2}, Shape{1}, Shape{1}, Shape{2}}, false});
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
                {"rank",
                 {blank({1, 2, 2}), blank({1, 2, 2}, kInt64), Shape{1, 4, 4}},
                 "max_pool2d_grad.*\\(N,C,P,Q\\)"},
                {"indices", {blank({1, 1, 2, 2}), blank({1, 1, 2, 2}), Shape{1, 1, 4, 4}}, "int64"},
                {"integers",
                 {blank({1, 1, 2, 2}, kInt64), blank({1, 1, 2, 2}, kInt64), Shape{1, 1, 4, 4}},
                 "max_pool2d_grad.*floating"},
                {"index", {blank({1, 1, 1, 1}), outside, Shape{1, 1, 4, 5}}, "index|indices"}};
  rows.push_back(std::move(row));
}

// ---- averages ----

// What the sum of the window at o is divided by. As in PyTorch a window ends at the padded border.
double divisor(const Geometry& g, const Shape& o, bool include_pad, const Call& call, size_t at) {
  if (call.has(at)) return call.scalar(at).to_double();
  double count = 1;
  for (int64_t d = 0; d < 2; ++d) {
    const int64_t start = o[2 + d] * g.step(d) - g.padding[d], extent = g.input[2 + d];
    const int64_t end = std::min(start + g.kernel[d], extent + g.padding[d]);
    count *= static_cast<double>(include_pad ? end - start
                                             : std::min(end, extent) - std::max<int64_t>(start, 0));
  }
  return count;
}

// Sums over windows, of x^p.
Array window_sums(const Array& x, const Geometry& g, double p = 1) {
  Array out(output_sizes(g), x.dtype);
  out.magnitudes.assign(out.values.size(), 0);
  for_each(out.sizes, [&](const Shape& o, size_t i) {
    for_each_position(g, o, [&](int64_t h, int64_t w) {
      const double value = std::pow(x.values[x.offset({o[0], o[1], h, w})], p);
      out.values[i] += value, out.magnitudes[i] += std::fabs(value);
    });
  });
  return out;
}

// Arguments from `first` on: kernel, stride, padding, count_include_pad, ceil_mode, divisor.
Geometry average_geometry(const Call& call, const Shape& input, size_t first) {
  return {input,
          both(call.shape(first)),
          both(call.shape(first + 1)),
          both(call.shape(first + 2, {0, 0})),
          {1, 1},
          call.scalar(first + 4, false).to_bool()};
}

std::vector<Array> expect_avg(const Call& call) {
  Array x = call.array(0);
  const bool single = x.sizes.rank() == 3;
  if (single) x.sizes = Shape{1} + x.sizes;
  const Geometry g = average_geometry(call, x.sizes, 1);
  Array out = window_sums(x, g);
  for_each(out.sizes, [&](const Shape& o, size_t i) {
    const double count = divisor(g, o, call.scalar(4, true).to_bool(), call, 6);
    out.values[i] /= count;
    out.magnitudes[i] *= 16 / std::fabs(count);
  });
  if (single) out.sizes = out.sizes.slice(1, 4);
  return {out};
}

struct Average {
  bool include_pad;
  Argument divisor = {};
};
const std::vector<Average> kAverages = {{true}, {false}, {true, Scalar(3)}, {false, Scalar(-2)}};

void add_avg(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "avg_pool2d";
  row.dtypes = kFloats;
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const Geometry& g : kGeometries) {
      if (g.dilation != Shape{1, 1}) continue;
      for (const Average& a : kAverages)
        calls.push_back({{random.array(g.input, dtype, -2, 2), g.kernel, g.stride, g.padding,
                          Scalar(a.include_pad), Scalar(g.ceil), a.divisor},
                         g.input.numel() < 150});
    }
    calls.push_back({{random.array({2, 5, 4}, dtype, -2, 2), Shape{2}}});
    return calls;
  };
  row.expect = expect_avg;
  row.tolerance = Tolerance::kSum;
  row.gradient = true;
  row.errors = pool_errors("avg_pool2d");
  row.errors[2].arguments = {blank({1, 1, 4, 4}), Shape{2, 2}, Shape{}, Shape{2, 2}};
  row.errors.push_back({"divisor",
                        {blank({1, 1, 4, 4}), Shape{2}, {}, {}, {}, {}, Scalar(0)},
                        "avg_pool2d.*divisor_override"});
  rows.push_back(std::move(row));
}

void add_avg_grad(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "avg_pool2d_grad";
  row.dtypes = kFloats;
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const Geometry& g : kGeometries) {
      if (g.dilation != Shape{1, 1}) continue;
      for (const Average& a : kAverages)
        calls.push_back({{random.array(output_sizes(g), dtype, -2, 2), g.input, g.kernel, g.stride,
                          g.padding, Scalar(a.include_pad), Scalar(g.ceil), a.divisor},
                         g.input.numel() < 150});
    }
    return calls;
  };
  row.expect = [](const Call& call) {
    const Array& grad = call.array(0);
    const Geometry g = average_geometry(call, call.shape(1), 2);
    Array out(g.input, grad.dtype);
    out.magnitudes.assign(out.values.size(), 0);
    for_each(grad.sizes, [&](const Shape& o, size_t i) {
      const double part = grad.values[i] / divisor(g, o, call.scalar(5, true).to_bool(), call, 7);
      for_each_position(g, o, [&](int64_t h, int64_t w) {
        const size_t to = out.offset({o[0], o[1], h, w});
        out.values[to] += part, out.magnitudes[to] += 16 * std::fabs(part);
      });
    });
    return std::vector<Array>{out};
  };
  row.tolerance = Tolerance::kSum;
  row.gradient = true;
  const Array grad = blank({1, 1, 2, 2});
  const std::string op = "avg_pool2d_grad";
  row.errors = {
      {"grad", {grad, Shape{1, 1, 6, 6}, Shape{2}}, op + ".*\\(1, 1, 3, 3\\).*\\(1, 1, 2, 2\\)"},
      {"rank", {grad, Shape{1, 4, 4}, Shape{2}}, op + ".*\\(N,C,H,W\\)"},
      {"kernel", {grad, Shape{1, 1, 2, 2}, Shape{3}}, op + ".*kernel"},
      {"padding", {grad, Shape{1, 1, 4, 4}, Shape{2}, {}, Shape{2}}, op + ".*half of the kernel"},
      {"divisor",
       {grad, Shape{1, 1, 4, 4}, Shape{2}, {}, {}, {}, {}, Scalar(0)},
       op + ".*divisor_override"},
      {"integers", {blank({1, 1, 2, 2}, kInt64), Shape{1, 1, 4, 4}, Shape{2}}, op + ".*floating"}};
  rows.push_back(std::move(row));
}

// ---- sequences ----

struct Sequence {
  Shape input;
  int64_t kernel;
  Argument stride = {};
  int64_t padding = 0, dilation = 1;
  bool ceil = false;
};
const std::vector<Sequence> kSequences = {
    {{2, 3, 8}, 2},
    {{3, 7}, 3, Scalar(2), 1},
    {{1, 2, 9}, 2, Scalar(1), 0, 3},
    {{2, 1, 5}, 2, {}, 0, 1, true},
    {{0, 2, 6}, 2},
    {{1, 2, 6}, 3, Scalar(2), 1, 1, true},
};

// The sequence as an image of one row; arguments: kernel, stride, padding.
Array one_row(const Call& call) {
  Array x = call.array(0);
  const int64_t rank = x.sizes.rank();
  const Shape batch = rank == 2 ? Shape{1} : Shape{x.sizes[0]};
  x.sizes = batch + Shape{x.sizes[rank - 2], 1, x.sizes[rank - 1]};
  return x;
}

Geometry row_geometry(const Call& call, const Shape& image, int64_t dilation, bool ceil) {
  const int64_t kernel = call.scalar(1).to_int64();
  return {image,
          {1, kernel},
          {1, call.scalar(2, kernel).to_int64()},
          {0, call.scalar(3).to_int64()},
          {1, dilation},
          ceil};
}

void drop_row(const Call& call, Array& result) {
  const Shape s = result.sizes;
  result.sizes = call.array(0).sizes.rank() == 2 ? Shape{s[1], s[3]} : Shape{s[0], s[1], s[3]};
}

std::vector<Array> expect_max1d(const Call& call) {
  const Array x = one_row(call);
  std::vector<Array> results = greatest(x, row_geometry(call, x.sizes, call.scalar(4, 1).to_int64(),
                                                        call.scalar(5, false).to_bool()));
  for (Array& result : results) drop_row(call, result);
  return results;
}

std::vector<Array> expect_avg1d(const Call& call) {
  const Array x = one_row(call);
  const Geometry g = row_geometry(call, x.sizes, 1, call.scalar(5, false).to_bool());
  Array out = window_sums(x, g);
  for_each(out.sizes, [&](const Shape& o, size_t i) {
    const double count = divisor(g, o, call.scalar(4, true).to_bool(), call, 99);
    out.values[i] /= count, out.magnitudes[i] *= 16 / count;
  });
  drop_row(call, out);
  return {out};
}

std::vector<ErrorRow> sequence_errors(const std::string& op) {
  const Array x = blank({1, 1, 4});
  return {{"rank", {blank({4}), Scalar(2)}, op + ".*\\(N,C,L\\).*\\(4\\)"},
          {"image", {blank({1, 1, 4, 4}), Scalar(2)}, op + ".*\\(1, 1, 4, 4\\)"},
          {"kernel", {x, Scalar(5)}, "pool.*kernel covers 5"},
          {"no kernel", {x, Scalar(0)}, op + ".*at least 1"},
          {"stride", {x, Scalar(2), Scalar(0)}, op + ".*stride=0"},
          {"padding", {x, Scalar(2), {}, Scalar(2)}, op + ".*half of the kernel"},
          {"integers", {blank({1, 1, 4}, kInt64), Scalar(2)}, "pool.*floating"}};
}

void add_sequences(std::vector<SampleRow>& rows) {
  SampleRow both;
  both.op = "max_pool1d_with_indices";
  both.dtypes = kFloats;
  both.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const Sequence& s : kSequences)
      calls.push_back({{random.array(s.input, dtype, -100, 100), Scalar(s.kernel), s.stride,
                        Scalar(s.padding), Scalar(s.dilation), Scalar(s.ceil)}});
    return calls;
  };
  both.expect = expect_max1d;
  both.gradient = true;
  both.errors = sequence_errors("max_pool1d");
  SampleRow values = both, average = both;
  values.op = "max_pool1d";
  values.expect = [](const Call& call) { return std::vector<Array>{expect_max1d(call)[0]}; };
  average.op = "avg_pool1d";
  average.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const Sequence& s : kSequences)
      for (const bool include_pad : {true, false})
        if (s.dilation == 1)
          calls.push_back({{random.array(s.input, dtype, -2, 2), Scalar(s.kernel), s.stride,
                            Scalar(s.padding), Scalar(include_pad), Scalar(s.ceil)}});
    return calls;
  };
  average.expect = expect_avg1d;
  average.tolerance = Tolerance::kSum;
  average.errors = sequence_errors("avg_pool1d");
  for (SampleRow* row : {&both, &values, &average}) rows.push_back(std::move(*row));
}

// ---- p-norms and unpooling ----

void add_lp(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "lp_pool2d";
  row.dtypes = kFloats;
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const double p :
         {2.0, 1.0, 3.0, static_cast<double>(INFINITY), -static_cast<double>(INFINITY)}) {
      calls.push_back({{random.array({2, 1, 4, 5}, dtype, 0.5, 2), Scalar(p), Shape{2}}});
      calls.push_back(
          {{random.array({1, 2, 5, 4}, dtype, 0.5, 2), Scalar(p), Shape{3, 2}, Shape{1, 2}}});
    }
    calls.push_back({{random.array({1, 2, 5, 4}, dtype, -2, 2), Scalar(2), Shape{2}}, false});
    calls.push_back({{random.array({2, 4, 4}, dtype, 0.5, 2), Scalar(2), Shape{2}}});
    calls.push_back({{random.array({0, 2, 4, 4}, dtype, 0.5, 2), Scalar(2), Shape{2}}});
    return calls;
  };
  row.expect = [](const Call& call) {
    Array x = call.array(0);
    const bool single = x.sizes.rank() == 3;
    if (single) x.sizes = Shape{1} + x.sizes;
    const Geometry g = {x.sizes, both(call.shape(2)), both(call.shape(3))};
    const double p = call.scalar(1).to_double();
    for (double& value : x.values)
      if (std::isinf(p)) value = p > 0 ? std::fabs(value) : -std::fabs(value);
    Array out = std::isinf(p) ? greatest(x, g)[0] : window_sums(x, g, p);
    out.magnitudes.assign(out.values.size(), 0);
    for (size_t i = 0; i < out.values.size(); ++i) {
      double& value = out.values[i];
      value = std::isinf(p) ? std::fabs(value) : std::pow(value, 1 / p);
      out.magnitudes[i] = std::fabs(value) * (4 * storage_roundings(x.dtype) + 40);
    }
    if (single) out.sizes = out.sizes.slice(1, 4);
    return std::vector<Array>{out};
  };
  row.tolerance = Tolerance::kSum;
  row.gradient = true;
  row.errors = {
      {"rank", {blank({4, 4}), Scalar(2), Shape{2}}, "pool2d.*\\(N,C,H,W\\)"},
      {"p", {blank({1, 1, 4, 4}), Scalar(0), Shape{2}}, "lp_pool2d.*norm_type"},
      {"kernel", {blank({1, 1, 2, 2}), Scalar(2), Shape{3}}, "pool2d.*kernel"},
      {"stride", {blank({1, 1, 4, 4}), Scalar(2), Shape{2}, Shape{0}}, "pool2d.*stride"},
      {"integers", {blank({1, 1, 4, 4}, kInt64), Scalar(2), Shape{2}}, "lp_pool2d.*floating"}};
  rows.push_back(std::move(row));
}

// Different indices for the windows of each image.
Array places(const Shape& sizes, int64_t count, Random& random) {
  Array indices(sizes, kInt64);
  const int64_t each = sizes[sizes.rank() - 1] * sizes[sizes.rank() - 2];
  for (size_t i = 0; i < indices.values.size(); ++i) {
    const int64_t within = static_cast<int64_t>(i) % each, step = count / each;
    indices.values[i] = static_cast<double>(within * step + random.integer(0, step - 1));
  }
  return indices;
}

void add_unpool(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "max_unpool2d";
  row.dtypes = kEvery;
  row.layouts = kAllLayouts & ~(kBroadcast | kMixed);  // equal indices would be drawn
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    const auto values = [&](const Shape& sizes) { return random.array(sizes, dtype, -4, 4); };
    calls.push_back({{values({2, 3, 2, 3}), places({2, 3, 2, 3}, 24, random), Shape{2}}});
    calls.push_back({{values({1, 2, 2}), places({1, 2, 2}, 25, random), Shape{3}, Shape{2}}});
    calls.push_back({{values({1, 1, 3, 2}), places({1, 1, 3, 2}, 20, random), Shape{2, 3},
                      Shape{2, 1}, Shape{1, 0}, Shape{5, 4}}});
    calls.push_back({{values({0, 2, 2, 2}), places({0, 2, 2, 2}, 16, random), Shape{2}}});
    return calls;
  };
  row.expect = [](const Call& call) {
    Array x = call.array(0);
    const bool single = x.sizes.rank() == 3;
    if (single) x.sizes = Shape{1} + x.sizes;
    const Shape kernel = both(call.shape(2)), padding = both(call.shape(4, {0, 0}));
    const Shape stride = call.shape(3).empty() ? kernel : both(call.shape(3));
    Shape image = call.shape(5);
    for (int64_t d = 0; image.rank() < 2; ++d)
      image.push_back((x.sizes[2 + d] - 1) * stride[d] - 2 * padding[d] + kernel[d]);
    Array out(Shape{x.sizes[0], x.sizes[1]} + image, x.dtype);
    for_each(x.sizes, [&](const Shape& at, size_t i) {
      const auto place = static_cast<int64_t>(call.array(1).values[i]);
      out.values[out.offset({at[0], at[1], place / image[1], place % image[1]})] = x.values[i];
    });
    if (single) out.sizes = out.sizes.slice(1, 4);
    return std::vector<Array>{out};
  };
  row.gradient = true;
  const Array x = blank({1, 1, 2, 2}), indices = blank({1, 1, 2, 2}, kInt64);
  const std::string op = "max_unpool2d";
  row.errors = {{"rank", {blank({2, 2}), blank({2, 2}, kInt64), Shape{2}}, op + ".*\\(N,C,P,Q\\)"},
                {"indices", {x, blank({1, 1, 2, 3}, kInt64), Shape{2}}, op + ".*\\(1, 1, 2, 3\\)"},
                {"indices dtype", {x, blank({1, 1, 2, 2}), Shape{2}}, op + ".*int64"},
                {"no kernel", {x, indices, Shape{}}, op + ".*kernel size is needed"},
                {"stride", {x, indices, Shape{2}, Shape{0}}, op + ".*stride"},
                {"output_size",
                 {x, indices, Shape{2}, Shape{}, Shape{}, Shape{6, 4}},
                 op + ".*output_size.*\\(4, 4\\).*\\(6, 4\\)"},
                {"index",
                 {blank({1, 1, 1, 1}), Array({1, 1, 1, 1}, kInt64, {4}), Shape{2}},
                 "index|indices"}};
  rows.push_back(std::move(row));
}

}  // namespace

void add_pooling_samples(std::vector<SampleRow>& rows) {
  add_max(rows);
  add_max_grad(rows);
  add_avg(rows);
  add_avg_grad(rows);
  add_sequences(rows);
  add_lp(rows);
  add_unpool(rows);
  add_adaptive_pooling_samples(rows);
  add_resampling_samples(rows);
}

}  // namespace tenon::ops_test
