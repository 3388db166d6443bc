// Products. The error of a sum of k products may be k · epsilon · Σ|aᵢ·bᵢ|.
#include "ops/matmul_samples.h"

#include <cmath>

#include <tenon/runtime/ops/ops.h>

namespace tenon::ops_test {

void dot_into(Array& out, size_t i, int64_t k, const std::function<double(int64_t)>& a,
              const std::function<double(int64_t)>& b) {
  long double sum = 0, size = 0;
  for (int64_t p = 0; p < k; ++p) {
    sum += static_cast<long double>(a(p)) * b(p);
    size += std::fabs(a(p) * b(p));
  }
  out.values[i] = is_floating_point(out.dtype) ? static_cast<double>(sum)
                                               : wrapped(static_cast<int64_t>(sum), out.dtype);
  out.magnitudes[i] = static_cast<double>(size) * static_cast<double>(k);
}

Array product_of(Array a, Array b) {
  const bool row = a.sizes.rank() == 1, column = b.sizes.rank() == 1;
  if (row) a.sizes = Shape{1, a.sizes[0]};
  if (column) b.sizes = Shape{b.sizes[0], 1};
  const int64_t ra = a.sizes.rank(), rb = b.sizes.rank(), k = a.sizes[ra - 1];
  const Shape batch = broadcast(a.sizes.slice(0, ra - 2), b.sizes.slice(0, rb - 2));
  Array out(batch + Shape{a.sizes[ra - 2], b.sizes[rb - 1]}, a.dtype);
  out.magnitudes.assign(out.values.size(), 0);
  const int64_t r = out.sizes.rank();
  for_each(out.sizes, [&](const Shape& index, size_t i) {
    Shape at_a = index, at_b = index;
    at_a[r - 1] = at_b[r - 2] = 0;
    dot_into(
        out, i, k,
        [&](int64_t p) {
          at_a[r - 1] = p;
          return a.at(at_a);
        },
        [&](int64_t p) {
          at_b[r - 2] = p;
          return b.at(at_b);
        });
  });
  Shape sizes = batch;
  if (!row) sizes.push_back(out.sizes[r - 2]);
  if (!column) sizes.push_back(out.sizes[r - 1]);
  out.sizes = sizes;
  return out;
}

Shape wrapped_dims(const Shape& dims, int64_t rank) {
  Shape result;
  for (const int64_t dim : dims) result.push_back(dim < 0 ? dim + rank : dim);
  return result;
}

SampleRow row_of_pairs(const char* op, const Pairs& pairs, std::vector<DType> dtypes) {
  SampleRow row;
  row.op = op;
  row.dtypes = std::move(dtypes);
  row.calls = [pairs](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const auto& [a, b] : pairs)
      calls.push_back({{random.array(a, dtype, -2, 2), random.array(b, dtype, -2, 2)},
                       a.numel() + b.numel() < 80});
    return calls;
  };
  row.tolerance = Tolerance::kSum;
  row.gradient = true;
  return row;
}

namespace {

SampleRow products(const char* op, const Pairs& pairs) {
  SampleRow row = row_of_pairs(op, pairs);
  row.expect = [](const Call& call) {
    return std::vector<Array>{product_of(call.array(0), call.array(1))};
  };
  return row;
}

// Operands that no product takes, for ops that need ranks `a` and `b`.
void add_type_errors(SampleRow& row, const Shape& a, const Shape& b) {
  row.errors.push_back({"dtypes", {blank(a), blank(b, kFloat64)}, "same dtype.*float32.*float64"});
  row.errors.push_back({"bool", {blank(a, kBool), blank(b, kBool)}, "bool has no products"});
}

void add_products(std::vector<SampleRow>& rows) {
  rows.push_back(products("matmul", {{{3, 4}, {4, 5}},
                                     {{4}, {4}},
                                     {{4}, {4, 5}},
                                     {{3, 4}, {4}},
                                     {{2, 3, 4}, {4, 5}},
                                     {{2, 3, 4}, {2, 4, 5}},
                                     {{2, 1, 3, 4}, {5, 4, 2}},
                                     {{3, 4}, {2, 4, 5}},
                                     {{2, 3, 4}, {4}},
                                     {{4}, {2, 4, 5}},
                                     {{3, 0}, {0, 4}},
                                     {{0, 3}, {3, 4}},
                                     {{1, 1}, {1, 1}},
                                     {{37, 65}, {65, 51}},
                                     {{5, 300}, {300, 7}}}));
  rows.back().errors = {
      {"inner",
       {blank({2, 3}), blank({4, 5})},
       "matmul: inner sizes must match, got \\(2, 3\\) x \\(4, 5\\)"},
      {"batch", {blank({2, 3, 4}), blank({3, 4, 5})}, "matmul.*\\(2\\).*\\(3\\)"},
      {"scalar", {blank({}), blank({2})}, "matmul.*dimension"},
      {"dtypes", {blank({2, 3}), blank({3, 2}, kFloat64)}, "matmul.*same dtype.*float32.*float64"},
      {"bool", {blank({2, 3}, kBool), blank({3, 2}, kBool)}, "matmul.*bool"}};
  rows.back().out = &out_of_pair<&matmul_out>;
  rows.push_back(
      products("mm", {{{3, 4}, {4, 5}}, {{1, 7}, {7, 1}}, {{0, 3}, {3, 2}}, {{20, 33}, {33, 17}}}));
  rows.back().errors = {{"rank", {blank({2, 3, 4}), blank({4, 5})}, "mm.*2 dimensions"},
                        {"vector", {blank({2, 3}), blank({3})}, "mm.*2 dimensions.*\\(3\\)"},
                        {"inner", {blank({2, 3}), blank({4, 5})}, "inner sizes"}};
  add_type_errors(rows.back(), {2, 3}, {3, 2});
  rows.back().out = &out_of_pair<&mm_out>;
  rows.push_back(
      products("bmm", {{{2, 3, 4}, {2, 4, 5}}, {{0, 3, 4}, {0, 4, 5}}, {{3, 1, 7}, {3, 7, 2}}}));
  rows.back().errors = {{"rank", {blank({3, 4}), blank({4, 5})}, "bmm.*3 dimensions"},
                        {"batch", {blank({2, 3, 4}), blank({3, 4, 5})}, "bmm.*batch"},
                        {"broadcast batch", {blank({1, 3, 4}), blank({3, 4, 5})}, "bmm.*batch"},
                        {"inner", {blank({2, 3, 4}), blank({2, 3, 5})}, "inner sizes"}};
  add_type_errors(rows.back(), {1, 2, 3}, {1, 3, 2});
  rows.back().out = &out_of_pair<&bmm_out>;
  rows.push_back(products("dot", {{{5}, {5}}, {{1}, {1}}, {{0}, {0}}, {{257}, {257}}}));
  rows.back().errors = {{"rank", {blank({3, 4}), blank({4, 5})}, "dot.*1 dimension"},
                        {"number", {blank({}), blank({1})}, "dot.*1 dimension"},
                        {"sizes", {blank({3}), blank({4})}, "inner sizes"}};
  add_type_errors(rows.back(), {3}, {3});
  rows.back().out = &out_of_pair<&dot_out>;
}

// x·wᵀ + bias
std::vector<Array> expect_linear(const Call& call) {
  const Array &x = call.array(0), &w = call.array(1);
  const int64_t rank = x.sizes.rank(), in = w.sizes[1];
  Array out(x.sizes.slice(0, rank - 1) + Shape{w.sizes[0]}, x.dtype);
  out.magnitudes.assign(out.values.size(), 0);
  for_each(out.sizes, [&](const Shape& index, size_t i) {
    Shape at = index;
    const int64_t o = index[rank - 1];
    dot_into(
        out, i, in,
        [&](int64_t p) {
          at[rank - 1] = p;
          return x.at(at);
        },
        [&](int64_t p) { return w.values[static_cast<size_t>(o * in + p)]; });
    if (!call.has(2)) return;
    out.magnitudes[i] += storage_roundings(out.dtype) * (std::fabs(out.values[i]) + 1);
    out.values[i] += call.array(2).values[static_cast<size_t>(o)];
  });
  return {out};
}

void add_linear(std::vector<SampleRow>& rows) {
  SampleRow row = products("linear", {});
  row.dtypes = kFloats;
  row.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const Shape& x : {Shape{3, 4}, Shape{4}, Shape{2, 3, 4}, Shape{0, 4}, Shape{1, 4}}) {
      const Array input = random.array(x, dtype, -2, 2),
                  weight = random.array({5, 4}, dtype, -2, 2);
      calls.push_back({{input, weight, random.array({5}, dtype, -2, 2)}});
      calls.push_back({{input, weight}});
    }
    calls.push_back({{random.array({33, 70}, dtype, -2, 2), random.array({19, 70}, dtype, -2, 2),
                      random.array({19}, dtype, -2, 2)},
                     false});
    return calls;
  };
  row.expect = expect_linear;
  row.errors = {
      {"in", {blank({2, 3}), blank({5, 4})}, "linear.*\\(2, 3\\).*\\(5, 4\\)"},
      {"bias", {blank({2, 4}), blank({5, 4}), blank({4})}, "linear.*bias.*\\(5\\).*\\(4\\)"},
      {"rank of weight", {blank({2, 4}), blank({4})}, "linear.*\\(2, 4\\).*\\(4\\)"},
      {"number", {blank({}), blank({5, 4})}, "linear.*\\(\\).*\\(5, 4\\)"},
      {"dtypes", {blank({2, 4}), blank({5, 4}, kFloat64)}, "linear.*dtype"},
      {"integers", {blank({2, 4}, kInt64), blank({5, 4}, kInt64)}, "linear.*floating"}};
  rows.push_back(std::move(row));
}

}  // namespace

void add_matmul_samples(std::vector<SampleRow>& rows) {
  add_products(rows);
  add_linear(rows);
  add_added_product_samples(rows);
  add_product_samples(rows);
  add_matrix_samples(rows);
  add_einsum_samples(rows);
}

}  // namespace tenon::ops_test
