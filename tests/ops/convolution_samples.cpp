// conv2d and its gradients, by the definition: seven loops.
#include <cmath>

#include "ops/op_samples.h"

namespace tenon::ops_test {
namespace {

struct Geometry {
  Shape input, weight, stride = {1, 1}, padding = {0, 0}, dilation = {1, 1};
  int64_t groups = 1;
};

const std::vector<Geometry> kGeometries = {
    {{2, 3, 5, 4}, {4, 3, 3, 2}},
    {{1, 2, 5, 5}, {2, 2, 3, 3}, {2, 2}, {1, 1}},
    {{2, 4, 6, 5}, {6, 2, 3, 3}, {1, 2}, {1, 0}, {1, 1}, 2},
    {{1, 2, 7, 6}, {3, 2, 2, 3}, {1, 1}, {2, 1}, {2, 2}},
    {{1, 3, 4, 4}, {3, 1, 2, 2}, {1, 1}, {0, 0}, {1, 1}, 3},
    {{2, 1, 3, 3}, {1, 1, 1, 1}},
    {{1, 1, 3, 3}, {2, 1, 3, 3}, {5, 7}},
    {{0, 2, 4, 4}, {3, 2, 3, 3}},
    {{3, 6, 12, 12}, {16, 6, 5, 5}},
};

Shape output_sizes(const Geometry& g) {
  Shape out = {g.input[0], g.weight[0]};
  for (int64_t d = 0; d < 2; ++d)
    out.push_back((g.input[d + 2] + 2 * g.padding[d] - g.dilation[d] * (g.weight[d + 2] - 1) - 1) /
                      g.stride[d] +
                  1);
  return out;
}

// Calls f(output, input, weight positions) for every product of the convolution.
using Visit = std::function<void(const Shape&, const Shape&, const Shape&)>;
void for_each_product(const Geometry& g, const Visit& f) {
  const int64_t group_in = g.weight[1], group_out = g.weight[0] / g.groups;
  for_each(output_sizes(g), [&](const Shape& o, size_t) {
    for_each({g.weight[1], g.weight[2], g.weight[3]}, [&](const Shape& w, size_t) {
      const int64_t h = o[2] * g.stride[0] - g.padding[0] + w[1] * g.dilation[0];
      const int64_t v = o[3] * g.stride[1] - g.padding[1] + w[2] * g.dilation[1];
      if (h < 0 || v < 0 || h >= g.input[2] || v >= g.input[3]) return;
      f(o, {o[0], o[1] / group_out * group_in + w[0], h, v}, {o[1], w[0], w[1], w[2]});
    });
  });
}

// Sums of products per element, with their error bounds.
class Sums {
 public:
  Sums(const Shape& sizes, DType dtype) : out_(sizes, dtype) {
    out_.magnitudes.assign(out_.values.size(), 0);
    counts_.assign(out_.values.size(), 0);
  }
  void add(const Shape& at, double product) {
    const size_t i = out_.offset(at);
    out_.values[i] += product;
    out_.magnitudes[i] += std::fabs(product);
    counts_[i] += 1;
  }
  // f16 and bf16 may round at every one of `roundings` steps.
  Array finish(double roundings) {
    for (size_t i = 0; i < counts_.size(); ++i)
      out_.magnitudes[i] *= counts_[i] + roundings * (storage_roundings(out_.dtype) - 1);
    return out_;
  }

 private:
  Array out_;
  std::vector<double> counts_;
};

std::vector<Argument> options_of(const Geometry& g) {
  return {g.stride, g.padding, g.dilation, Scalar(g.groups)};
}

Geometry geometry_of(const Call& call, const Shape& input, const Shape& weight, size_t first) {
  return {input,
          weight,
          call.shape(first),
          call.shape(first + 1),
          call.shape(first + 2),
          call.scalar(first + 3, 1).to_int64()};
}

// The three records take (input | grad, …) and the same options.
SampleRow convolution(const char* op, std::function<Call(const Geometry&, DType, Random&)> make,
                      std::function<std::vector<Array>(const Call&)> expect) {
  SampleRow row;
  row.op = op;
  row.dtypes = kFloats;
  row.calls = [make = std::move(make)](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const Geometry& g : kGeometries) {
      calls.push_back(make(g, dtype, random));
      for (const Argument& option : options_of(g)) calls.back().arguments.push_back(option);
      calls.back().differentiable = g.input.numel() + g.weight.numel() < 150;
    }
    return calls;
  };
  row.expect = std::move(expect);
  row.tolerance = Tolerance::kSum;
  row.gradient = true;
  return row;
}

std::vector<Array> expect_conv2d(const Call& call) {
  Array x = call.array(0);
  const Array& w = call.array(1);
  const bool single = x.sizes.rank() == 3;
  if (single) x.sizes = Shape{1} + x.sizes;
  const Geometry g = geometry_of(call, x.sizes, w.sizes, 3);
  Sums sums(output_sizes(g), x.dtype);
  for_each_product(g, [&](const Shape& o, const Shape& i, const Shape& k) {
    sums.add(o, x.values[x.offset(i)] * w.values[w.offset(k)]);
  });
  if (call.has(2))
    for_each(output_sizes(g), [&](const Shape& o, size_t) {
      sums.add(o, call.array(2).values[static_cast<size_t>(o[1])]);
    });
  Array out = sums.finish(1);
  if (single) out.sizes = out.sizes.slice(1, 4);
  return {out};
}

void add_conv2d(std::vector<SampleRow>& rows) {
  SampleRow row = convolution(
      "conv2d",
      [](const Geometry& g, DType dtype, Random& random) {
        return Call{{random.array(g.input, dtype, -2, 2), random.array(g.weight, dtype, -2, 2),
                     random.array({g.weight[0]}, dtype, -2, 2)}};
      },
      expect_conv2d);
  const auto with_bias = row.calls;
  row.calls = [with_bias](DType dtype, Random& random) {
    std::vector<Call> calls = with_bias(dtype, random);
    Call plain = calls[1], single = calls[0];
    plain.arguments[2] = std::monostate{};
    single.arguments[0] = random.array({3, 5, 4}, dtype, -2, 2);
    calls.push_back(plain);
    calls.push_back(single);
    return calls;
  };
  row.errors = {
      {"channels",
       {blank({1, 2, 4, 4}), blank({3, 4, 3, 3})},
       "conv2d.*\\(3, 4, 3, 3\\).*\\(1, 2, 4, 4\\)"},
      {"rank", {blank({4, 4}), blank({3, 4, 3, 3})}, "conv2d.*4 dimensions"},
      {"kernel", {blank({1, 2, 2, 2}), blank({3, 2, 3, 3})}, "conv2d.*kernel"},
      {"bias", {blank({1, 2, 4, 4}), blank({3, 2, 3, 3}), blank({2})}, "conv2d.*bias"},
      {"groups",
       {blank({1, 3, 4, 4}), blank({3, 1, 3, 3}), {}, Shape{}, Shape{}, Shape{}, Scalar(2)},
       "conv2d.*groups"},
      {"stride", {blank({1, 2, 4, 4}), blank({3, 2, 3, 3}), {}, Shape{0}}, "conv2d.*stride"},
      {"dtypes", {blank({1, 2, 4, 4}), blank({3, 2, 3, 3}, kFloat64)}, "conv2d.*dtype"},
      {"integers", {blank({1, 2, 4, 4}, kInt64), blank({3, 2, 3, 3}, kInt64)}, "conv2d.*floating"}};
  rows.push_back(std::move(row));
}

void add_input_grad(std::vector<SampleRow>& rows) {
  SampleRow row = convolution(
      "conv2d_input_grad",
      [](const Geometry& g, DType dtype, Random& random) {
        return Call{{g.input, random.array(output_sizes(g), dtype, -2, 2),
                     random.array(g.weight, dtype, -2, 2)}};
      },
      [](const Call& call) {
        const Array &grad = call.array(1), &w = call.array(2);
        const Geometry g = geometry_of(call, call.shape(0), w.sizes, 3);
        Sums sums(g.input, grad.dtype);
        for_each_product(g, [&](const Shape& o, const Shape& i, const Shape& k) {
          sums.add(i, grad.values[grad.offset(o)] * w.values[w.offset(k)]);
        });
        return std::vector<Array>{sums.finish(1)};
      });
  row.errors = {{"grad",
                 {Shape{1, 2, 4, 4}, blank({1, 3, 4, 4}), blank({3, 2, 3, 3})},
                 "conv2d_input_grad.*\\(1, 3, 2, 2\\)"}};
  rows.push_back(std::move(row));
}

void add_weight_grad(std::vector<SampleRow>& rows) {
  SampleRow row = convolution(
      "conv2d_weight_grad",
      [](const Geometry& g, DType dtype, Random& random) {
        return Call{{g.weight, random.array(output_sizes(g), dtype, -2, 2),
                     random.array(g.input, dtype, -2, 2)}};
      },
      [](const Call& call) {
        const Array &grad = call.array(1), &x = call.array(2);
        const Geometry g = geometry_of(call, x.sizes, call.shape(0), 3);
        Sums sums(g.weight, grad.dtype);
        for_each_product(g, [&](const Shape& o, const Shape& i, const Shape& k) {
          sums.add(k, grad.values[grad.offset(o)] * x.values[x.offset(i)]);
        });
        return std::vector<Array>{sums.finish(1)};
      });
  row.errors = {{"grad",
                 {Shape{3, 2, 3, 3}, blank({1, 3, 4, 4}), blank({1, 2, 4, 4})},
                 "conv2d_weight_grad.*\\(1, 3, 2, 2\\)"}};
  rows.push_back(std::move(row));
}

}  // namespace

void add_convolution_samples(std::vector<SampleRow>& rows) {
  add_conv2d(rows);
  add_input_grad(rows);
  add_weight_grad(rows);
}

}  // namespace tenon::ops_test
