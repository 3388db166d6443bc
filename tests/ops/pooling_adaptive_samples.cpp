// Adaptive pooling and resampling, by the definition.
#include <algorithm>
#include <cmath>

#include "ops/op_samples.h"

namespace tenon::ops_test {
namespace {

// ---- adaptive pooling ----

struct Adaptive {
  Shape input, output;
};
const std::vector<Adaptive> kAdaptive = {
    {{2, 3, 4, 6}, {2, 3}}, {{1, 2, 5, 7}, {3, 2}},  {{2, 1, 3, 4}, {1}},    {{1, 2, 3, 2}, {5, 3}},
    {{2, 5, 4}, {2, 3}},    {{1, 1, 5, 4}, {-1, 3}}, {{0, 2, 5, 5}, {2}},    {{1, 2, 4, 5}, {0, 3}},
    {{3, 4, 13, 11}, {5}},  {{1, 1, 4, 4}, {4}},     {{1, 1, 6, 4}, {3, 3}},
};

// Calls f(result, h, w) for every element of every window.
void for_each_element(const Shape& image, const Shape& result,
                      const std::function<void(const Shape&, int64_t, int64_t)>& f) {
  for_each(result, [&](const Shape& o, size_t) {
    const auto start = [&](int64_t d) { return o[2 + d] * image[2 + d] / result[2 + d]; };
    const auto end = [&](int64_t d) {
      return ((o[2 + d] + 1) * image[2 + d] + result[2 + d] - 1) / result[2 + d];
    };
    for (int64_t h = start(0); h < end(0); ++h)
      for (int64_t w = start(1); w < end(1); ++w) f(o, h, w);
  });
}

// An image (N, C, H, W) of a call, and the sizes of its result.
struct Problem {
  Array x;
  Shape result;
  int64_t dropped;  // leading dimensions, or the row, that were added
};

Problem problem_of(const Call& call, bool sequence) {
  Problem p = {call.array(0), {}, 0};
  Shape& s = p.x.sizes;
  Shape out = sequence ? Shape{1, call.scalar(1).to_int64()} : call.shape(1);
  if (out.rank() == 1) out.push_back(out[0]);
  if (sequence) s = s.slice(0, s.rank() - 1) + Shape{1, s[s.rank() - 1]};
  if (s.rank() == 3) s = Shape{1} + s, p.dropped = 1;
  for (int64_t d = 0; d < 2; ++d)
    if (out[d] == -1) out[d] = s[2 + d];
  p.result = Shape{s[0], s[1]} + out;
  return p;
}

void finish(const Problem& p, bool sequence, Array& out) {
  if (sequence) out.sizes = Shape{out.sizes[0], out.sizes[1], out.sizes[3]};
  out.sizes = out.sizes.slice(p.dropped, out.sizes.rank());
}

std::vector<Array> expect_average(const Call& call, bool sequence) {
  const Problem p = problem_of(call, sequence);
  Array out(p.result, p.x.dtype), counts = out;
  out.magnitudes.assign(out.values.size(), 0);
  for_each_element(p.x.sizes, p.result, [&](const Shape& o, int64_t h, int64_t w) {
    const double value = p.x.values[p.x.offset({o[0], o[1], h, w})];
    const size_t i = out.offset(o);
    out.values[i] += value, out.magnitudes[i] += std::fabs(value), counts.values[i] += 1;
  });
  for (size_t i = 0; i < out.values.size(); ++i) {
    out.values[i] /= counts.values[i];
    out.magnitudes[i] *= 16 / counts.values[i];
  }
  finish(p, sequence, out);
  return {out};
}

std::vector<Array> expect_greatest(const Call& call, bool sequence) {
  const Problem p = problem_of(call, sequence);
  Array values(p.result, p.x.dtype), indices(p.result, kInt64);
  std::vector<bool> seen(values.values.size(), false);
  for_each_element(p.x.sizes, p.result, [&](const Shape& o, int64_t h, int64_t w) {
    const double value = p.x.values[p.x.offset({o[0], o[1], h, w})];
    const size_t i = values.offset(o);
    const bool better =
        !std::isnan(values.values[i]) && (value > values.values[i] || std::isnan(value));
    if (seen[i] && !better) return;
    seen[i] = true;
    values.values[i] = value;
    indices.values[i] = static_cast<double>(h * p.x.sizes[3] + w);
  });
  finish(p, sequence, values);
  finish(p, sequence, indices);
  return {values, indices};
}

std::vector<Call> adaptive_calls(DType dtype, Random& random) {
  std::vector<Call> calls;
  for (const Adaptive& a : kAdaptive)
    calls.push_back({{random.array(a.input, dtype, -100, 100), a.output}, a.input.numel() < 100});
  Array special({1, 1, 4, 5}, dtype);
  for (size_t i = 0; i < 6; ++i) special.values[i] = -INFINITY;
  special.values[12] = NAN;
  calls.push_back({{special, Shape{3, 2}}, false});
  return calls;
}

std::vector<Call> sequence_calls(DType dtype, Random& random) {
  std::vector<Call> calls;
  for (const auto& [input, size] : std::vector<std::pair<Shape, int64_t>>{{{2, 3, 6}, 3},
                                                                          {{2, 3, 7}, 3},
                                                                          {{2, 5}, 4},
                                                                          {{1, 2, 4}, 1},
                                                                          {{1, 2, 3}, 5},
                                                                          {{0, 2, 4}, 3}})
    calls.push_back({{random.array(input, dtype, -100, 100), Scalar(size)}});
  return calls;
}

std::vector<ErrorRow> adaptive_errors(const std::string& op) {
  return {{"rank", {blank({4, 4}), Shape{2}}, op + ".*\\(N,C,H,W\\).*\\(4, 4\\)"},
          {"sizes", {blank({1, 1, 4, 4}), Shape{2, 2, 2}}, op + ".*output_size"},
          {"negative", {blank({1, 1, 4, 4}), Shape{-2, 2}}, op + ".*at least 0"},
          {"empty", {blank({1, 1, 0, 4}), Shape{2}}, op + ".*only the batch dimension"},
          {"no size", {blank({1, 1, 4, 4}), Shape{}}, op + ".*output_size"},
          {"integers", {blank({1, 1, 4, 4}, kInt64), Shape{2}}, op + ".*floating"}};
}

std::vector<ErrorRow> adaptive_1d_errors(const std::string& op) {
  return {{"rank", {blank({4}), Scalar(2)}, op + ".*\\(N,C,L\\).*\\(4\\)"},
          {"image", {blank({1, 1, 4, 4}), Scalar(2)}, op + ".*\\(1, 1, 4, 4\\)"},
          {"negative", {blank({1, 1, 4}), Scalar(-3)}, "adaptive.*at least 0"},
          {"empty", {blank({1, 1, 0}), Scalar(2)}, "adaptive.*only the batch dimension"},
          {"integers", {blank({1, 1, 4}, kInt64), Scalar(2)}, "adaptive.*floating"}};
}

// ---- resampling ----

enum Mode : int64_t { kNearest, kLinear, kBilinear, kTrilinear, kArea, kNearestExact };

// Source positions and their weights for result i of one dimension.
struct Taps {
  int64_t first, second;
  double weight;
};
Taps taps(int64_t i, int64_t in, int64_t out, double factor, int64_t mode, bool aligned) {
  const auto at = static_cast<double>(i), last = static_cast<double>(in - 1);
  double scale = factor > 0 ? 1 / factor : static_cast<double>(in) / static_cast<double>(out);
  if (mode == kNearest || mode == kNearestExact) {
    const double source = std::floor((at + (mode == kNearest ? 0 : 0.5)) * scale + 1e-9);
    const auto position = static_cast<int64_t>(std::min(source, last));
    return {position, position, 0};
  }
  if (aligned) scale = out > 1 ? last / static_cast<double>(out - 1) : 0;
  const double source =
      std::min(aligned ? at * scale : std::max((at + 0.5) * scale - 0.5, 0.0), last);
  const auto first = static_cast<int64_t>(source);
  return {first, std::min(first + 1, in - 1), source - std::floor(source)};
}

std::vector<Array> resampled(const Call& call, const Shape& size, double factor, int64_t mode,
                             bool aligned, bool recompute) {
  const Array& x = call.array(0);
  const int64_t dims = x.sizes.rank() - 2;
  Shape result = {x.sizes[0], x.sizes[1]};
  for (int64_t d = 0; d < dims; ++d) {
    const auto scaled =
        static_cast<int64_t>(std::floor(static_cast<double>(x.sizes[2 + d]) * factor));
    result.push_back(size.empty() ? scaled : size[size.rank() == 1 ? 0 : d]);
  }
  if (recompute) factor = 0;
  Array out(result, x.dtype);
  out.magnitudes.assign(out.values.size(), 0);
  for_each(result, [&](const Shape& o, size_t at) {
    for (int64_t corner = 0; corner < int64_t{1} << dims; ++corner) {
      Shape i = o;
      double weight = 1;
      for (int64_t d = 0; d < dims; ++d) {
        const Taps t = taps(o[2 + d], x.sizes[2 + d], result[2 + d], factor, mode, aligned);
        const bool second = (corner >> d & 1) != 0;
        i[2 + d] = second ? t.second : t.first;
        weight *= second ? t.weight : 1 - t.weight;
      }
      if (weight == 0) continue;
      const double value = x.values[x.offset(i)];
      out.values[at] += weight * value;
      // Weights are differences of f32 positions.
      if (mode != kNearest && mode != kNearestExact)
        out.magnitudes[at] +=
            std::fabs(value) * (8 + 4 * static_cast<double>(result.slice(2, 2 + dims).numel()));
    }
  });
  return {out};
}

std::vector<Array> expect_interpolate(const Call& call) {
  const int64_t mode = call.scalar(3).to_int64();
  if (mode == kArea) {
    Call pooled = call;
    const Shape spatial = call.array(0).sizes;
    Shape size = call.shape(1);
    if (size.empty())
      for (int64_t d = 2; d < spatial.rank(); ++d)
        size.push_back(static_cast<int64_t>(
            std::floor(static_cast<double>(spatial[d]) * call.scalar(2).to_double())));
    const bool sequence = spatial.rank() == 3;
    pooled.arguments[1] = sequence ? Argument(Scalar(size[0])) : Argument(size);
    return expect_average(pooled, sequence);
  }
  return resampled(call, call.shape(1), call.scalar(2).to_double(), mode,
                   call.scalar(4, false).to_bool(), call.scalar(5, false).to_bool());
}

struct Resampling {
  Shape input, size;
  Argument factor = {};
  int64_t mode = kNearest;
  bool aligned = false, recompute = false;
};
const std::vector<Resampling> kNearestCases = {
    {{2, 3, 4}, {8}},
    {{1, 2, 3, 2}, {6, 4}},
    {{1, 2, 3, 4}, {5, 3}},
    {{1, 2, 2, 3}, {}, Scalar(1.7)},
    {{1, 2, 2, 3}, {}, Scalar(1.7), kNearest, false, true},
    {{1, 2, 2, 3}, {}, Scalar(2)},
    {{1, 2, 4, 3}, {7, 2}, {}, kNearestExact},
    {{1, 1, 2, 2, 3}, {3, 4, 2}},
    {{0, 2, 3, 3}, {5}},
    {{2, 3, 8, 8}, {4, 4}},
};
const std::vector<Resampling> kLinearCases = {
    {{2, 2, 4}, {6}, {}, kLinear},
    {{2, 2, 4}, {6}, {}, kLinear, true},
    {{1, 2, 3, 2}, {6, 5}, {}, kBilinear},
    {{1, 2, 3, 2}, {6, 5}, {}, kBilinear, true},
    {{1, 2, 5, 6}, {2, 3}, {}, kBilinear},
    {{1, 2, 5, 6}, {2, 1}, {}, kBilinear, true},
    {{1, 2, 2, 3}, {}, Scalar(1.7), kBilinear},
    {{1, 2, 2, 3}, {}, Scalar(1.7), kBilinear, false, true},
    {{1, 2, 2, 3}, {}, Scalar(0.5), kLinear + 1},
    {{1, 1, 2, 2, 3}, {3, 4, 2}, {}, kTrilinear},
    {{1, 2, 5, 4}, {3, 2}, {}, kArea},
    {{1, 2, 5}, {}, Scalar(0.5), kArea},
    {{0, 2, 3, 3}, {5}, {}, kBilinear},
    {{1, 3, 9, 9}, {17}, {}, kBilinear},
};

Call resampling(const Resampling& r, DType dtype, Random& random) {
  return {{random.array(r.input, dtype, -2, 2), r.size, r.factor, Scalar(r.mode), Scalar(r.aligned),
           Scalar(r.recompute)}};
}

void add_interpolate(std::vector<SampleRow>& rows) {
  SampleRow row;
  row.op = "interpolate";
  row.dtypes = kKinds;
  row.dtypes.push_back(kFloat16);
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const Resampling& r : kNearestCases) calls.push_back(resampling(r, dtype, random));
    if (is_floating_point(dtype))
      for (const Resampling& r : kLinearCases) calls.push_back(resampling(r, dtype, random));
    return calls;
  };
  row.expect = expect_interpolate;
  row.tolerance = Tolerance::kSum;
  row.gradient = true;
  const Array x = blank({1, 1, 2, 2});
  row.errors = {
      {"rank", {blank({2, 2}), Shape{3}}, "interpolate.*\\(N,C,L\\).*\\(2, 2\\)"},
      {"nothing given", {x}, "interpolate.*one of size and scale_factor"},
      {"both given", {x, Shape{3}, Scalar(2)}, "interpolate.*not both"},
      {"size", {x, Shape{0}}, "interpolate.*greater than 0"},
      {"sizes", {x, Shape{3, 3, 3}}, "interpolate.*each of 2 dimensions, got 3"},
      {"factor", {x, {}, Scalar(-1)}, "interpolate.*scale_factor.*-1"},
      {"small factor", {x, {}, Scalar(0.1)}, "interpolate.*greater than 0"},
      {"linear image", {x, Shape{3}, {}, Scalar(1)}, "interpolate.*linear.*\\(1, 1, 2, 2\\)"},
      {"bilinear sequence", {blank({1, 1, 4}), Shape{3}, {}, Scalar(2)}, "interpolate.*bilinear"},
      {"mode", {x, Shape{3}, {}, Scalar(9)}, "interpolate.*mode must be"},
      {"align_corners", {x, Shape{3}, {}, {}, Scalar(true)}, "interpolate.*align_corners"},
      {"integers",
       {blank({1, 1, 2, 2}, kInt64), Shape{3}, {}, Scalar(2)},
       "interpolate.*floating"}};
  rows.push_back(std::move(row));
}

void add_upsample(std::vector<SampleRow>& rows) {
  for (const bool linear : {false, true}) {
    SampleRow row;
    row.op = linear ? "upsample_bilinear2d" : "upsample_nearest2d";
    row.dtypes = kFloats;
    row.calls = [linear](DType dtype, Random& random) {
      std::vector<Call> calls;
      for (const Shape& size : {Shape{4, 4}, Shape{5, 3}, Shape{1, 2}, Shape{6}}) {
        calls.push_back({{random.array({2, 1, 2, 3}, dtype, -2, 2), size}});
        if (!linear) continue;
        calls.push_back({{random.array({2, 1, 2, 3}, dtype, -2, 2), size, Scalar(true)}});
      }
      return calls;
    };
    row.expect = [linear](const Call& call) {
      return resampled(call, call.shape(1), 0, linear ? kBilinear : kNearest,
                       call.scalar(2, false).to_bool(), false);
    };
    row.tolerance = Tolerance::kSum;
    row.gradient = true;
    row.errors = {{"rank", {blank({1, 2, 2}), Shape{3}}, row.op + ".*\\(N,C,H,W\\).*\\(1, 2, 2\\)"},
                  {"volume", {blank({1, 1, 2, 2, 2}), Shape{3}}, row.op + ".*\\(N,C,H,W\\)"},
                  {"size", {blank({1, 1, 2, 2}), Shape{0, 2}}, "greater than 0"},
                  {"sizes", {blank({1, 1, 2, 2}), Shape{2, 2, 2}}, "each of 2 dimensions"},
                  {"empty", {blank({1, 1, 0, 2}), Shape{2}}, "greater than 0"}};
    rows.push_back(std::move(row));
  }
}

}  // namespace

void add_adaptive_pooling_samples(std::vector<SampleRow>& rows) {
  SampleRow average;
  average.op = "adaptive_avg_pool2d";
  average.dtypes = kFloats;
  average.calls = adaptive_calls;
  average.expect = [](const Call& call) { return expect_average(call, false); };
  average.tolerance = Tolerance::kSum;
  average.gradient = true;
  average.errors = adaptive_errors("adaptive_avg_pool2d");
  SampleRow both = average;
  both.op = "adaptive_max_pool2d_with_indices";
  both.expect = [](const Call& call) { return expect_greatest(call, false); };
  both.tolerance = Tolerance::kExact;
  both.errors = adaptive_errors("adaptive_max_pool2d");
  SampleRow greatest = both;
  greatest.op = "adaptive_max_pool2d";
  greatest.expect = [](const Call& call) {
    return std::vector<Array>{expect_greatest(call, false)[0]};
  };
  SampleRow average_1d = average, greatest_1d = greatest;
  average_1d.op = "adaptive_avg_pool1d";
  average_1d.expect = [](const Call& call) { return expect_average(call, true); };
  greatest_1d.op = "adaptive_max_pool1d";
  greatest_1d.expect = [](const Call& call) {
    return std::vector<Array>{expect_greatest(call, true)[0]};
  };
  for (SampleRow* row : {&average_1d, &greatest_1d}) {
    row->calls = sequence_calls;
    row->errors = adaptive_1d_errors(row->op);
  }
  for (SampleRow* row : {&average, &both, &greatest, &average_1d, &greatest_1d})
    rows.push_back(std::move(*row));
}

void add_resampling_samples(std::vector<SampleRow>& rows) {
  add_interpolate(rows);
  add_upsample(rows);
}

}  // namespace tenon::ops_test
