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

// ---- any number of dimensions, and transposed ----

// Argument i as one number for each of `dims` dimensions.
Shape numbers(const Call& call, size_t i, int64_t dims, int64_t fallback) {
  Shape given = {fallback};
  if (call.has(i)) {
    const auto* list = std::get_if<Shape>(&call.arguments[i]);
    given = list != nullptr ? *list : Shape{call.scalar(i).to_int64()};
  }
  while (given.rank() < dims) given.push_back(given.empty() ? fallback : given[0]);
  return given;
}

// Stride, padding at the start and in all, dilation.
struct Steps {
  Shape stride, begin, total, dilation;
};

// Products of (n, c, i…) and weight (o, c, k…), summed at (n, o, p…).
Array sum_products(const Array& x, const Array& w, const Call& call, const Steps& steps,
                   int64_t groups) {
  const int64_t dims = x.sizes.rank() - 2, own_in = w.sizes[1], own_out = w.sizes[0] / groups;
  Shape result = {x.sizes[0], w.sizes[0]};
  for (int64_t d = 0; d < dims; ++d)
    result.push_back(
        (x.sizes[2 + d] + steps.total[d] - steps.dilation[d] * (w.sizes[2 + d] - 1) - 1) /
            steps.stride[d] +
        1);
  Sums sums(result, x.dtype);
  for_each(result, [&](const Shape& o, size_t) {
    for_each(w.sizes.slice(1, w.sizes.rank()), [&](const Shape& k, size_t) {
      Shape i = {o[0], o[1] / own_out * own_in + k[0]};
      for (int64_t d = 0; d < dims; ++d) {
        i.push_back(o[2 + d] * steps.stride[d] - steps.begin[d] + k[1 + d] * steps.dilation[d]);
        if (i[2 + d] < 0 || i[2 + d] >= x.sizes[2 + d]) return;
      }
      sums.add(o, x.values[x.offset(i)] * w.values[w.offset(Shape{o[1]} + k)]);
    });
    if (call.has(2)) sums.add(o, call.array(2).values[static_cast<size_t>(o[1])]);
  });
  return sums.finish(1);
}

// Input, weight, bias, stride, padding, dilation, groups, auto_padding.
std::vector<Array> expect_any(const Call& call) {
  Array x = call.array(0);
  const Array& w = call.array(1);
  const bool single = x.sizes.rank() < w.sizes.rank();
  if (single) x.sizes = Shape{1} + x.sizes;
  const int64_t dims = x.sizes.rank() - 2;
  Steps steps = {
      numbers(call, 3, dims, 1), numbers(call, 4, dims, 0), {}, numbers(call, 5, dims, 1)};
  const int64_t automatic = call.scalar(7).to_int64();
  for (int64_t d = 0; d < dims; ++d) {
    const int64_t same = steps.dilation[d] * (w.sizes[2 + d] - 1);
    if (automatic != 0) steps.begin[d] = automatic == 1 ? 0 : same / 2;
    steps.total.push_back(automatic == 2 ? same : 2 * steps.begin[d]);
  }
  Array out = sum_products(x, w, call, steps, call.scalar(6, 1).to_int64());
  if (single) out.sizes = out.sizes.slice(1, out.sizes.rank());
  return {out};
}

// Input, weight (c, o, k…), bias, stride, padding, output_padding, groups, dilation: products of
// (n, c, i…) and weight, summed at (n, o, i·stride − padding + k·dilation).
std::vector<Array> expect_transposed(const Call& call) {
  Array x = call.array(0);
  const Array& w = call.array(1);
  const bool single = x.sizes.rank() < w.sizes.rank();
  if (single) x.sizes = Shape{1} + x.sizes;
  const int64_t dims = x.sizes.rank() - 2, groups = call.scalar(6, 1).to_int64();
  const Shape stride = numbers(call, 3, dims, 1), padding = numbers(call, 4, dims, 0),
              extra = numbers(call, 5, dims, 0), dilation = numbers(call, 7, dims, 1);
  Shape result = {x.sizes[0], w.sizes[1] * groups};
  for (int64_t d = 0; d < dims; ++d)
    result.push_back((x.sizes[2 + d] - 1) * stride[d] - 2 * padding[d] +
                     dilation[d] * (w.sizes[2 + d] - 1) + extra[d] + 1);
  Sums sums(result, x.dtype);
  const int64_t own_in = x.sizes[1] / groups, own_out = w.sizes[1];
  for_each(x.sizes, [&](const Shape& i, size_t at) {
    for_each(w.sizes.slice(1, w.sizes.rank()), [&](const Shape& k, size_t) {
      Shape o = {i[0], i[1] / own_in * own_out + k[0]};
      for (int64_t d = 0; d < dims; ++d) {
        o.push_back(i[2 + d] * stride[d] - padding[d] + k[1 + d] * dilation[d]);
        if (o[2 + d] < 0 || o[2 + d] >= result[2 + d]) return;
      }
      sums.add(o, x.values[at] * w.values[w.offset(Shape{i[1]} + k)]);
    });
  });
  if (call.has(2))
    for_each(result, [&](const Shape& o, size_t) {
      sums.add(o, call.array(2).values[static_cast<size_t>(o[1])]);
    });
  Array out = sums.finish(2);  // of the products and of the bias
  if (single) out.sizes = out.sizes.slice(1, out.sizes.rank());
  return {out};
}

void add_conv2d(std::vector<SampleRow>& rows) {
  SampleRow row = convolution(
      "conv2d",
      [](const Geometry& g, DType dtype, Random& random) {
        return Call{{random.array(g.input, dtype, -2, 2), random.array(g.weight, dtype, -2, 2),
                     random.array({g.weight[0]}, dtype, -2, 2)}};
      },
      expect_any);
  const auto with_bias = row.calls;
  row.calls = [with_bias](DType dtype, Random& random) {
    std::vector<Call> calls = with_bias(dtype, random);
    Call plain = calls[1], single = calls[0];
    plain.arguments[2] = std::monostate{};
    single.arguments[0] = random.array({3, 5, 4}, dtype, -2, 2);
    calls.push_back(plain);
    calls.push_back(single);
    for (const Shape& kernel : {Shape{3, 3}, Shape{2, 5}, Shape{4, 1}})
      for (const int64_t automatic : {1, 2})
        calls.push_back(
            {{random.array({2, 2, 5, 6}, dtype, -2, 2),
              random.array(Shape{3, 2} + kernel, dtype, -2, 2), random.array({3}, dtype, -2, 2),
              Shape{}, Shape{}, automatic == 2 && kernel[0] == 2 ? Shape{1, 2} : Shape{}, Scalar(1),
              Scalar(automatic)}});
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
      {"integers", {blank({1, 2, 4, 4}, kInt64), blank({3, 2, 3, 3}, kInt64)}, "conv2d.*floating"},
      {"auto padding",
       {blank({1, 2, 4, 4}), blank({3, 2, 3, 3}), {}, {}, {}, {}, {}, Scalar(3)},
       "conv2d.*auto_padding.*got 3"},
      {"same with a stride",
       {blank({1, 2, 4, 4}), blank({3, 2, 3, 3}), {}, Shape{2}, {}, {}, {}, Scalar(2)},
       "conv2d.*'same'.*strided"}};
  rows.push_back(std::move(row));
}

// ---- 1-d and 3-d ----

// Options of expect_any, or of expect_transposed.
struct Any {
  Shape input, weight;
  std::vector<Argument> options = {};
};

std::vector<Call> any_calls(const std::vector<Any>& cases, bool transposed, DType dtype,
                            Random& random) {
  std::vector<Call> calls;
  for (const Any& c : cases) {
    int64_t out = c.weight[0];
    if (transposed)
      out = c.weight[1] * (c.options.size() > 3 ? std::get<Scalar>(c.options[3]).to_int64() : 1);
    Call call = {{random.array(c.input, dtype, -2, 2), random.array(c.weight, dtype, -2, 2),
                  random.array({out}, dtype, -2, 2)}};
    for (const Argument& option : c.options) call.arguments.push_back(option);
    call.differentiable = c.input.numel() + c.weight.numel() < 150;
    calls.push_back(call);
  }
  calls.push_back(calls[0]);
  calls.back().arguments[2] = std::monostate{};
  return calls;
}

SampleRow any_row(const char* op, const std::vector<Any>& cases, bool transposed) {
  SampleRow row;
  row.op = op;
  row.dtypes = kFloats;
  row.calls = [cases, transposed](DType dtype, Random& random) {
    return any_calls(cases, transposed, dtype, random);
  };
  row.expect = transposed ? &expect_transposed : &expect_any;
  row.tolerance = Tolerance::kSum;
  row.gradient = true;
  return row;
}

Scalar n(int64_t value) { return Scalar(value); }

void add_conv1d(std::vector<SampleRow>& rows) {
  SampleRow row = any_row("conv1d",
                          {{{2, 3, 7}, {4, 3, 3}},
                           {{3, 7}, {4, 3, 3}, {n(2), n(1)}},
                           {{2, 4, 8}, {6, 2, 3}, {n(1), n(2), n(2), n(2)}},
                           {{1, 3, 6}, {3, 1, 2}, {n(1), n(0), n(1), n(3)}},
                           {{1, 2, 6}, {2, 2, 4}, {n(1), n(0), n(1), n(1), n(2)}},
                           {{1, 2, 6}, {2, 2, 3}, {n(1), n(5), n(1), n(1), n(1)}},
                           {{0, 2, 6}, {3, 2, 3}},
                           {{2, 8, 40}, {8, 8, 5}}},
                          false);
  const Array x = blank({1, 2, 5}), w = blank({3, 2, 3});
  row.errors = {{"rank", {blank({5}), w}, "conv1d.*\\(N,C,L\\).*\\(5\\)"},
                {"weight rank", {x, blank({3, 2, 3, 1})}, "conv1d.*\\(3, 2, 3, 1\\)"},
                {"channels", {x, blank({3, 4, 3})}, "conv.*4 input channels"},
                {"kernel", {x, blank({3, 2, 7})}, "conv.*kernel covers 7"},
                {"bias", {x, w, blank({2})}, "conv.*bias.*\\(3\\).*\\(2\\)"},
                {"stride", {x, w, {}, n(0)}, "conv.*stride"},
                {"groups", {x, w, {}, {}, {}, {}, n(2)}, "conv.*groups"},
                {"same", {x, w, {}, n(2), {}, {}, {}, n(2)}, "conv.*'same'"},
                {"dtypes", {x, blank({3, 2, 3}, kFloat64)}, "conv.*dtype"}};
  rows.push_back(std::move(row));
}

void add_conv3d(std::vector<SampleRow>& rows) {
  SampleRow row =
      any_row("conv3d",
              {{{1, 2, 3, 4, 3}, {2, 2, 2, 3, 2}},
               {{2, 3, 3, 3}, {2, 2, 2, 1, 2}, {Shape{1, 2, 1}, Shape{1, 0, 1}}},
               {{1, 2, 5, 3, 3}, {2, 1, 2, 2, 2}, {Shape{2, 1, 1}, Shape{0}, Shape{2, 1, 1}, n(2)}},
               {{1, 1, 3, 3, 4}, {2, 1, 2, 3, 2}, {Shape{}, Shape{}, Shape{}, n(1), n(2)}},
               {{1, 1, 3, 3, 4}, {2, 1, 2, 3, 2}, {Shape{}, Shape{4}, Shape{}, n(1), n(1)}},
               {{0, 2, 3, 3, 3}, {2, 2, 2, 2, 2}}},
              false);
  const Array x = blank({1, 2, 3, 4, 4}), w = blank({3, 2, 2, 3, 3});
  row.errors = {{"rank", {blank({4, 4}), w}, "conv3d.*5 dimensions"},
                {"weight rank", {x, blank({3, 2, 3, 3})}, "conv3d.*\\(3, 2, 3, 3\\)"},
                {"channels", {x, blank({3, 4, 2, 3, 3})}, "conv2d.*input channels"},
                {"depth", {x, blank({3, 2, 4, 3, 3})}, "conv3d.*covers 4.*dimension D"},
                {"width", {x, blank({3, 2, 2, 3, 5})}, "conv2d.*covers 5.*dimension W"},
                {"bias", {x, w, blank({2})}, "conv2d.*bias"},
                {"stride", {x, w, {}, Shape{0, 1, 1}}, "conv3d.*stride"},
                {"two strides", {x, w, {}, Shape{1, 1}}, "conv3d.*\\(depth, height, width\\)"},
                {"dtypes", {x, blank({3, 2, 2, 3, 3}, kFloat64)}, "dtype"}};
  rows.push_back(std::move(row));
}

// ---- transposed ----

void add_conv_transpose1d(std::vector<SampleRow>& rows) {
  SampleRow row = any_row("conv_transpose1d",
                          {{{2, 3, 5}, {3, 4, 3}},
                           {{3, 5}, {3, 4, 3}, {n(2), n(1), n(1)}},
                           {{1, 4, 4}, {4, 3, 2}, {n(3), n(0), n(2), n(2)}},
                           {{1, 2, 4}, {2, 2, 3}, {n(1), n(2), n(1), n(1), n(2)}},
                           {{0, 2, 4}, {2, 2, 3}}},
                          true);
  const Array x = blank({1, 2, 5}), w = blank({2, 3, 3});
  row.errors = {{"rank", {blank({5}), w}, "conv_transpose1d.*\\(N,C,L\\).*\\(5\\)"},
                {"weight rank", {x, blank({2, 3, 3, 1})}, "conv_transpose1d.*\\(2, 3, 3, 1\\)"},
                {"channels", {x, blank({3, 2, 3})}, "conv_transpose.*takes 3 input channels"},
                {"output_padding", {x, w, {}, n(2), {}, n(2)}, "conv_transpose.*output_padding"},
                {"padding", {blank({1, 2, 1}), w, {}, {}, n(2)}, "conv_transpose.*no elements"},
                {"groups", {x, w, {}, {}, {}, {}, n(3)}, "conv_transpose.*groups"},
                {"bias", {x, w, blank({2})}, "conv_transpose.*bias.*\\(3\\).*\\(2\\)"}};
  rows.push_back(std::move(row));
}

void add_conv_transpose2d(std::vector<SampleRow>& rows) {
  SampleRow row =
      any_row("conv_transpose2d",
              {{{2, 3, 3, 4}, {3, 2, 2, 3}},
               {{3, 3, 2}, {3, 2, 3, 2}, {Shape{2}, Shape{1}, Shape{1}}},
               {{1, 4, 3, 3}, {4, 2, 3, 2}, {Shape{2, 3}, Shape{1, 0}, Shape{0, 2}, n(2)}},
               {{1, 3, 3, 3}, {3, 1, 2, 2}, {Shape{2}, Shape{0}, Shape{0}, n(3)}},
               {{1, 2, 3, 2}, {2, 2, 2, 3}, {Shape{1}, Shape{1}, Shape{0}, n(1), Shape{2, 1}}},
               // As large as the stride: a part beyond what any element reaches.
               {{1, 2, 3, 2}, {2, 2, 2, 2}, {Shape{1}, Shape{0}, Shape{1, 2}, n(1), Shape{2, 3}}},
               {{1, 2, 3, 2}, {2, 2, 2, 2}, {Shape{1}, Shape{1, 2}, Shape{1}, n(1), Shape{2, 3}}},
               {{0, 2, 3, 2}, {2, 2, 2, 2}},
               {{2, 6, 9, 9}, {6, 4, 5, 5}, {Shape{2}, Shape{2}, Shape{1}}}},
              true);
  const Array x = blank({1, 2, 3, 3}), w = blank({2, 3, 2, 2});
  const std::string op = "conv_transpose2d";
  row.errors = {
      {"rank", {blank({3, 3}), w}, op + ".*4 dimensions"},
      {"weight rank", {x, blank({2, 3, 2})}, op + ".*\\(2, 3, 2\\)"},
      {"channels", {x, blank({3, 2, 2, 2})}, op + ".*takes 3 input channels"},
      {"groups", {x, w, {}, {}, {}, {}, n(3)}, op + ".*divisible by groups"},
      {"stride", {x, w, {}, Shape{0}}, op + ".*stride"},
      {"output_padding", {x, w, {}, Shape{2}, {}, Shape{1, 2}}, op + ".*output_padding"},
      {"negative output_padding", {x, w, {}, {}, {}, Shape{-1}}, op + ".*output_padding"},
      {"padding", {x, w, {}, {}, Shape{2}}, op + ".*no elements"},
      {"bias", {x, w, blank({2})}, op + ".*bias.*\\(3\\).*\\(2\\)"},
      {"bias dtype", {x, w, blank({3}, kFloat64)}, op + ".*dtype"},
      {"dtypes", {x, blank({2, 3, 2, 2}, kFloat64)}, "dtype"},
      {"integers", {blank({1, 2, 3, 3}, kInt64), blank({2, 3, 2, 2}, kInt64)}, "floating"}};
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
  const Array grad = blank({1, 3, 2, 2}), weight = blank({3, 2, 3, 3});
  const std::string op = "conv2d_input_grad";
  row.errors = {
      {"grad", {Shape{1, 2, 4, 4}, blank({1, 3, 4, 4}), weight}, op + ".*\\(1, 3, 2, 2\\)"},
      {"rank", {Shape{2, 4, 4}, grad, weight}, op + ".*4 dimensions"},
      {"channels", {Shape{1, 3, 4, 4}, grad, weight}, op + ".*2 input channels.*\\(1, 3, 4, 4\\)"},
      {"kernel", {Shape{1, 2, 2, 2}, grad, weight}, op + ".*kernel"},
      {"groups",
       {Shape{1, 2, 4, 4}, grad, weight, Shape{}, Shape{}, Shape{}, Scalar(2)},
       op + ".*groups"},
      {"stride", {Shape{1, 2, 4, 4}, grad, weight, Shape{0}}, op + ".*stride"},
      {"dtypes", {Shape{1, 2, 4, 4}, grad, blank({3, 2, 3, 3}, kFloat64)}, op + ".*dtype"}};
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
  const Array grad = blank({1, 3, 2, 2}), input = blank({1, 2, 4, 4});
  const std::string op = "conv2d_weight_grad";
  row.errors = {
      {"grad", {Shape{3, 2, 3, 3}, blank({1, 3, 4, 4}), input}, op + ".*\\(1, 3, 2, 2\\)"},
      {"rank", {Shape{2, 3, 3}, grad, input}, op + ".*4 dimensions"},
      {"channels", {Shape{3, 4, 3, 3}, grad, input}, op + ".*4 input channels.*\\(1, 2, 4, 4\\)"},
      {"kernel", {Shape{3, 2, 5, 5}, grad, input}, op + ".*kernel"},
      {"groups",
       {Shape{3, 2, 3, 3}, grad, input, Shape{}, Shape{}, Shape{}, Scalar(2)},
       op + ".*groups"},
      {"padding", {Shape{3, 2, 3, 3}, grad, input, Shape{}, Shape{-1}}, op + ".*padding"},
      {"dtypes", {Shape{3, 2, 3, 3}, grad, blank({1, 2, 4, 4}, kFloat64)}, op + ".*dtype"}};
  rows.push_back(std::move(row));
}

}  // namespace

void add_convolution_samples(std::vector<SampleRow>& rows) {
  add_conv2d(rows);
  add_input_grad(rows);
  add_weight_grad(rows);
  add_conv1d(rows);
  add_conv3d(rows);
  add_conv_transpose1d(rows);
  add_conv_transpose2d(rows);
}

}  // namespace tenon::ops_test
