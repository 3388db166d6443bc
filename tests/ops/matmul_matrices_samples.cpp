// Chains, powers, traces and norms of matrices; bilinear.
#include <algorithm>
#include <cmath>

#include "ops/matmul_samples.h"

namespace tenon::ops_test {
namespace {

// ---- chains and powers ----

// The product from left to right; magnitudes are those of |a|·|b|·…, for a rounding of each step.
Array chain_of(const std::vector<Array>& matrices) {
  Array result = matrices[0], size = matrices[0];
  for (double& value : size.values) value = std::fabs(value);
  double roundings = 4 + storage_roundings(result.dtype);
  for (size_t i = 1; i < matrices.size(); ++i) {
    Array absolute = matrices[i];
    for (double& value : absolute.values) value = std::fabs(value);
    roundings += static_cast<double>(absolute.sizes[0]) + 2 * storage_roundings(result.dtype);
    result = product_of(result, matrices[i]);
    size.dtype = absolute.dtype = kFloat64;
    size = product_of(size, absolute);
  }
  result.magnitudes = size.values;
  for (double& magnitude : result.magnitudes) magnitude *= roundings;
  return result;
}

void add_chains(std::vector<SampleRow>& rows) {
  const auto chain_calls = [](const std::vector<std::vector<Shape>>& chains) {
    return [chains](DType dtype, Random& random) {
      std::vector<Call> calls;
      for (const auto& shapes : chains) {
        std::vector<Array> matrices;
        for (const Shape& sizes : shapes) matrices.push_back(random.array(sizes, dtype, -1.5, 1.5));
        calls.push_back({{matrices}});
      }
      return calls;
    };
  };
  SampleRow row = row_of_pairs("chain_matmul", {});
  row.calls = chain_calls({{{2, 3}, {3, 4}},
                           {{2, 3}},
                           {{5, 2}, {2, 6}, {6, 1}},
                           {{1, 4}, {4, 2}, {2, 3}, {3, 2}},
                           {{2, 0}, {0, 3}, {3, 2}}});
  row.expect = [](const Call& call) {
    return std::vector<Array>{chain_of(std::get<std::vector<Array>>(call.arguments[0]))};
  };
  const auto list = [](std::initializer_list<Array> arrays) {
    return std::vector<Argument>{std::vector<Array>(arrays)};
  };
  row.errors = {{"none", list({}), "(chain_matmul|multi_dot).*got (none|0)"},
                {"inner", list({blank({2, 3}), blank({2, 3})}), "inner sizes of matrices 0 and 1"},
                {"inner later", list({blank({2, 3}), blank({3, 3}), blank({2, 3})}), "1 and 2"},
                {"rank", list({blank({2, 3}), blank({2, 3, 4}), blank({4, 2})}), "\\(2, 3, 4\\)"},
                {"dtypes", list({blank({2, 3}), blank({3, 3}, kFloat64)}), "same dtype"},
                {"number", list({blank({}), blank({1, 1})}), "matrices were expected.*\\(\\)"}};
  SampleRow dot = row;
  dot.op = "linalg_multi_dot";
  dot.calls = chain_calls({{{2, 3}, {3, 4}},
                           {{3}, {3, 4}},
                           {{2, 3}, {3}},
                           {{3}, {3}},
                           {{3}, {3, 4}, {4, 2}, {2}},
                           {{5, 2}, {2, 6}, {6, 1}},
                           {{1, 4}, {4, 2}, {2, 3}, {3, 2}}});
  dot.errors.push_back({"one", list({blank({2, 3})}), "linalg_multi_dot: two tensors.*got 1"});
  dot.errors.push_back({"vector inside", list({blank({2, 3}), blank({3}), blank({3, 2})}),
                        "matrices were expected.*\\(3\\) as tensor 1"});
  rows.push_back(std::move(row));
  rows.push_back(std::move(dot));
}

void add_power(std::vector<SampleRow>& rows) {
  SampleRow row = row_of_pairs("matrix_power", {});
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const int64_t n : {0, 1, 2, 3, 5})
      for (const Shape& sizes : {Shape{3, 3}, Shape{2, 2, 2}, Shape{1, 1}, Shape{0, 0}})
        calls.push_back({{random.array(sizes, dtype, -1.2, 1.2), Scalar(n)}, n > 0});
    return calls;
  };
  row.expect = [](const Call& call) {
    const Array& self = call.array(0);
    const int64_t n = call.scalar(1).to_int64();
    if (n > 0)
      return std::vector<Array>{chain_of(std::vector<Array>(static_cast<size_t>(n), self))};
    Array out(self.sizes, self.dtype);
    const int64_t rank = self.sizes.rank();
    for_each(out.sizes, [&](const Shape& index, size_t i) {
      out.values[i] = index[rank - 1] == index[rank - 2] ? 1 : 0;
    });
    return std::vector<Array>{out};
  };
  row.errors = {{"not square", {blank({2, 3}), Scalar(2)}, "matrix_power.*square.*\\(2, 3\\)"},
                {"vector", {blank({3}), Scalar(2)}, "matrix_power.*square"},
                {"number", {blank({}), Scalar(2)}, "matrix_power.*square"},
                {"negative", {blank({2, 2}), Scalar(-1)}, "matrix_power.*negative, got -1"},
                {"bool", {blank({2, 2}, kBool), Scalar(2)}, "bool has no products"}};
  rows.push_back(std::move(row));
}

// ---- traces and norms ----

void add_trace(std::vector<SampleRow>& rows) {
  SampleRow row = row_of_pairs("trace", {}, kEvery);
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const Shape& sizes :
         {Shape{3, 3}, Shape{2, 5}, Shape{5, 2}, Shape{1, 1}, Shape{0, 3}, Shape{0, 0}})
      calls.push_back({{random.array(sizes, dtype, -4, 4)}});
    return calls;
  };
  row.expect = [](const Call& call) {
    const Array& self = call.array(0);
    Array out({}, is_floating_point(self.dtype) ? self.dtype : kInt64);
    out.magnitudes = {0};
    for (int64_t i = 0; i < std::min(self.sizes[0], self.sizes[1]); ++i) {
      const double value = self.values[self.offset({i, i})];
      out.values[0] += value;
      out.magnitudes[0] += 4 * std::fabs(value);
    }
    return std::vector<Array>{out};
  };
  row.errors = {{"vector", {blank({3})}, "trace.*matrix.*\\(3\\)"},
                {"number", {blank({})}, "trace.*matrix.*\\(\\)"},
                {"batch", {blank({2, 3, 3})}, "trace.*matrix.*\\(2, 3, 3\\)"},
                {"list", {std::vector<Array>{blank({2, 2})}}, "a tensor"},
                {"not a tensor", {Scalar(1)}, "a tensor"}};
  rows.push_back(std::move(row));
}

std::vector<Array> expect_matrix_norm(const Call& call) {
  Array self = call.array(0);
  if (call.has(4)) self.dtype = std::get<DType>(call.arguments[4]);
  const Shape dims = wrapped_dims(call.shape(2), self.sizes.rank());
  const bool frobenius = !call.has(1), keepdim = call.scalar(3).to_bool();
  const double ord = frobenius ? 2 : call.scalar(1).to_double();
  const int64_t summed = dims[std::fabs(ord) == 1 ? 0 : 1];
  Shape kept, outer, inner;
  for (int64_t d = 0; d < self.sizes.rank(); ++d) {
    const bool gone = d == dims[0] || d == dims[1];
    if (!gone || keepdim) kept.push_back(gone ? 1 : self.sizes[d]);
    outer.push_back(gone ? 1 : self.sizes[d]);
    inner.push_back(gone ? self.sizes[d] : 1);
  }
  Array out(kept, self.dtype);
  for_each(outer, [&](const Shape& place, size_t i) {
    std::vector<double> sums(static_cast<size_t>(std::max(inner[dims[0]], inner[dims[1]])), 0);
    double squares = 0;
    for_each(inner, [&](const Shape& index, size_t) {
      Shape at = index;
      for (int64_t d = 0; d < at.rank(); ++d) at[d] += place[d];
      const double x = self.values[self.offset(at)];
      squares += x * x;
      sums[static_cast<size_t>(index[dims[0] + dims[1] - summed])] += std::fabs(x);
    });
    sums.resize(static_cast<size_t>(inner[dims[0] + dims[1] - summed]));
    out.values[i] = frobenius ? std::sqrt(squares)
                    : ord > 0 ? *std::max_element(sums.begin(), sums.end())
                              : *std::min_element(sums.begin(), sums.end());
    out.magnitudes.push_back(32 * out.values[i]);
  });
  return {out};
}

void add_matrix_norm(std::vector<SampleRow>& rows) {
  SampleRow row = row_of_pairs("linalg_matrix_norm", {}, kFloats);
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    const std::vector<Argument> orders = {
        {}, Scalar(1), Scalar(-1), Scalar(INFINITY), Scalar(-INFINITY)};
    for (const Argument& ord : orders) {
      for (const bool keepdim : {false, true})
        calls.push_back({{random.array({2, 3, 4}, dtype, -4, 4), ord,
                          keepdim ? Shape{2, 0} : Shape{0, 1}, Scalar(keepdim)}});
      calls.push_back({{random.array({3, 2}, dtype, -4, 4), ord, Shape{-2, -1}, Scalar(false)}});
      calls.push_back({{random.array({0, 3, 2}, dtype, -4, 4), ord, Shape{-2, -1}, Scalar(true)}});
    }
    if (dtype != kFloat64)
      calls.push_back(
          {{random.array({3, 2}, dtype, -4, 4), Scalar(1), Shape{-2, -1}, Scalar(false), kFloat32},
           false});
    return calls;
  };
  row.expect = expect_matrix_norm;
  const auto with = [](const Array& self, const Argument& ord, const Shape& dims) {
    return std::vector<Argument>{self, ord, dims, Scalar(false)};
  };
  const Array a = blank({2, 3});
  row.errors = {
      {"vector", with(blank({3}), {}, {-2, -1}), "linalg_matrix_norm.*matrix.*\\(3\\)"},
      {"one dim", with(a, {}, {0}), "linalg_matrix_norm.*two dimensions.*\\(0\\)"},
      {"three dims", with(a, Scalar(1), {0, 1, 2}), "linalg_matrix_norm.*two dimensions"},
      {"order", with(a, Scalar(3), {0, 1}), "linalg_matrix_norm.*order.*got 3"},
      {"singular values", with(a, Scalar(2), {0, 1}), "linalg_matrix_norm.*singular values"},
      {"dim", with(a, Scalar(1), {0, 2}), "Dimension out of range.*2"},
      {"twice", with(a, Scalar(1), {1, -1}), "appears twice"},
      {"integers", with(blank({2, 2}, kInt64), Scalar(1), {0, 1}), "float.*int64"},
      {"empty", with(blank({2, 0}), Scalar(1), {0, 1}), "no identity"}};
  rows.push_back(std::move(row));
}

// ---- bilinear ----

std::vector<Array> expect_bilinear(const Call& call) {
  const Array &x = call.array(0), &y = call.array(1), &w = call.array(2);
  const int64_t n1 = w.sizes[1], n2 = w.sizes[2], outs = w.sizes[0];
  Array out(x.sizes.slice(0, x.sizes.rank() - 1) + Shape{outs}, x.dtype);
  out.magnitudes.assign(out.values.size(), 0);
  const double roundings = 2 * storage_roundings(out.dtype) + static_cast<double>(n1 * n2);
  for (size_t i = 0; i < out.values.size(); ++i) {
    const int64_t row = static_cast<int64_t>(i) / outs, o = static_cast<int64_t>(i) % outs;
    double total = 0, size = 0;
    for (int64_t p = 0; p < n1; ++p) {
      for (int64_t q = 0; q < n2; ++q) {
        const double term = x.values[static_cast<size_t>(row * n1 + p)] *
                            w.values[w.offset({o, p, q})] *
                            y.values[static_cast<size_t>(row * n2 + q)];
        total += term, size += std::fabs(term);
      }
    }
    const double bias = call.has(3) ? call.array(3).values[static_cast<size_t>(o)] : 0;
    out.values[i] = total + bias;
    out.magnitudes[i] = roundings * (size + std::fabs(total));
  }
  return {out};
}

void add_bilinear(std::vector<SampleRow>& rows) {
  SampleRow row = row_of_pairs("bilinear", {}, kFloats);
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const Shape& lead : {Shape{3}, Shape{}, Shape{2, 2}, Shape{0}}) {
      const Array x = random.array(lead + Shape{3}, dtype, -2, 2),
                  y = random.array(lead + Shape{2}, dtype, -2, 2),
                  w = random.array({4, 3, 2}, dtype, -2, 2);
      calls.push_back({{x, y, w, random.array({4}, dtype, -2, 2)}});
      calls.push_back({{x, y, w}});
    }
    return calls;
  };
  row.expect = expect_bilinear;
  const Array x = blank({5, 3}), y = blank({5, 2}), w = blank({4, 3, 2});
  row.errors = {{"in1", {blank({5, 2}), y, w}, "bilinear.*\\(5, 2\\).*\\(4, 3, 2\\)"},
                {"in2", {x, blank({5, 3}), w}, "bilinear.*\\(5, 3\\).*\\(4, 3, 2\\)"},
                {"rows", {blank({4, 3}), y, w}, "bilinear.*\\(4, 3\\).*\\(5, 2\\)"},
                {"rank of weight", {x, y, blank({3, 2})}, "bilinear.*\\(3, 2\\)"},
                {"bias", {x, y, w, blank({3})}, "bilinear: bias.*\\(4\\), got \\(3\\)"},
                {"dtypes", {x, y, blank({4, 3, 2}, kFloat64)}, "bilinear.*same dtype"},
                {"integers",
                 {blank({5, 3}, kInt64), blank({5, 2}, kInt64), blank({4, 3, 2}, kInt64)},
                 "bilinear.*floating.*int64"}};
  rows.push_back(std::move(row));
}

}  // namespace

void add_matrix_samples(std::vector<SampleRow>& rows) {
  add_chains(rows);
  add_power(rows);
  add_trace(rows);
  add_matrix_norm(rows);
  add_bilinear(rows);
}

}  // namespace tenon::ops_test
