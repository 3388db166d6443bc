// Products of vectors and of many dimensions.
#include <algorithm>
#include <cmath>

#include <tenon/runtime/ops/ops.h>

#include "ops/matmul_samples.h"

namespace tenon::ops_test {
namespace {

std::vector<ErrorRow> type_errors(const Shape& a, const Shape& b) {
  return {{"dtypes", {blank(a), blank(b, kFloat64)}, "same dtype.*float32.*float64"},
          {"bool", {blank(a, kBool), blank(b, kBool)}, "bool has no products"}};
}

SampleRow matmul_row(const char* op, const Pairs& pairs) {
  SampleRow row = row_of_pairs(op, pairs);
  row.expect = [](const Call& call) {
    return std::vector<Array>{product_of(call.array(0), call.array(1))};
  };
  return row;
}

void append(SampleRow& row, const std::vector<ErrorRow>& errors) {
  row.errors.insert(row.errors.end(), errors.begin(), errors.end());
}

void add_vectors(std::vector<SampleRow>& rows) {
  rows.push_back(matmul_row("mv", {{{3, 4}, {4}}, {{1, 7}, {7}}, {{3, 0}, {0}}, {{0, 3}, {3}}}));
  rows.back().out = &out_of_pair<&mv_out>;
  rows.back().errors = {{"matrices", {blank({2, 3}), blank({3, 2})}, "mv.*matrix and a vector"},
                        {"vectors", {blank({3}), blank({3})}, "mv.*matrix and a vector"},
                        {"inner", {blank({2, 3}), blank({4})}, "inner sizes"}};
  append(rows.back(), type_errors({2, 3}, {3}));
  rows.push_back(matmul_row("vdot", {{{5}, {5}}, {{1}, {1}}, {{0}, {0}}, {{257}, {257}}}));
  rows.back().out = &out_of_pair<&vdot_out>;
  rows.back().errors = {{"rank", {blank({3, 4}), blank({4})}, "vdot.*two vectors"},
                        {"number", {blank({}), blank({1})}, "vdot.*two vectors"},
                        {"sizes", {blank({3}), blank({4})}, "inner sizes"}};
  append(rows.back(), type_errors({3}, {3}));
}

// Σ x·y over the last dimensions, or x·y with a number.
std::vector<Array> expect_inner(const Call& call) {
  const Array &a = call.array(0), &b = call.array(1);
  const bool scales = a.sizes.rank() == 0 || b.sizes.rank() == 0;
  const int64_t k = scales ? 1 : a.sizes.back();
  const auto without_last = [&](const Shape& sizes) {
    return scales ? sizes : sizes.slice(0, sizes.rank() - 1);
  };
  const Shape columns = without_last(b.sizes);
  Array out(without_last(a.sizes) + columns, a.dtype);
  out.magnitudes.assign(out.values.size(), 0);
  for (size_t i = 0; i < out.values.size(); ++i) {
    const int64_t row = static_cast<int64_t>(i) / columns.numel(),
                  column = static_cast<int64_t>(i) % columns.numel();
    dot_into(
        out, i, k, [&](int64_t p) { return a.values[static_cast<size_t>(row * k + p)]; },
        [&](int64_t p) { return b.values[static_cast<size_t>(column * k + p)]; });
  }
  return {out};
}

// Σ x·y along a dimension of the broadcast sizes.
std::vector<Array> expect_vecdot(const Call& call) {
  const Array &a = call.array(0), &b = call.array(1);
  const Shape sizes = broadcast(a.sizes, b.sizes);
  const int64_t dim = (call.scalar(2).to_int64() + sizes.rank()) % sizes.rank();
  Array out(sizes.slice(0, dim) + sizes.slice(dim + 1, sizes.rank()), a.dtype);
  out.magnitudes.assign(out.values.size(), 0);
  for_each(out.sizes, [&](const Shape& index, size_t i) {
    const auto at = [&](int64_t p) {
      return index.slice(0, dim) + Shape{p} + index.slice(dim, index.rank());
    };
    dot_into(
        out, i, sizes[dim], [&](int64_t p) { return a.at(at(p)); },
        [&](int64_t p) { return b.at(at(p)); });
    // Products are stored in the dtype before they are summed.
    out.magnitudes[i] *= storage_roundings(out.dtype) + 1;
  });
  return {out};
}

void add_inner(std::vector<SampleRow>& rows) {
  SampleRow inner = row_of_pairs("inner", {{{4}, {4}},
                                           {{2, 3}, {3}},
                                           {{3}, {2, 3}},
                                           {{2, 3}, {4, 3}},
                                           {{2, 1, 3}, {2, 2, 3}},
                                           {{}, {2, 3}},
                                           {{2}, {}},
                                           {{}, {}},
                                           {{2, 0}, {3, 0}},
                                           {{0, 3}, {2, 3}}});
  inner.expect = expect_inner;
  inner.out = &out_of_pair<&inner_out>;
  inner.errors = {{"last sizes", {blank({2, 3}), blank({2, 4})}, "inner.*\\(2, 3\\).*\\(2, 4\\)"},
                  {"vectors", {blank({3}), blank({4})}, "inner: the last sizes"},
                  {"matrix and vector", {blank({3, 2}), blank({3})}, "inner: the last sizes"}};
  append(inner, type_errors({2, 3}, {3}));
  rows.push_back(std::move(inner));

  SampleRow vecdot = row_of_pairs("linalg_vecdot", {});
  vecdot.calls = [](DType dtype, Random& random) {
    std::vector<Call> calls;
    const auto with = [&](const Shape& a, const Shape& b, int64_t dim) {
      calls.push_back(
          {{random.array(a, dtype, -2, 2), random.array(b, dtype, -2, 2), Scalar(dim)}});
    };
    with({4}, {4}, 0), with({2, 3}, {2, 3}, -1), with({2, 3}, {3}, -1), with({2, 3}, {2, 3}, 0);
    with({2, 1, 3}, {4, 3}, 1), with({0, 3}, {3}, -1), with({2, 0}, {2, 0}, 1);
    return calls;
  };
  vecdot.expect = expect_vecdot;
  vecdot.errors = {
      {"sizes", {blank({2, 3}), blank({2, 4}), Scalar(-1)}, "\\(2, 3\\).*\\(2, 4\\)"},
      {"dim", {blank({2, 3}), blank({2, 3}), Scalar(2)}, "Dimension out of range.*2"},
      {"negative dim", {blank({3}), blank({3}), Scalar(-2)}, "Dimension out of range.*-2"},
      {"dtypes", {blank({3}), blank({3}, kInt64), Scalar(0)}, "linalg_vecdot.*same dtype"},
      {"bool", {blank({3}, kBool), blank({3}, kBool), Scalar(0)}, "linalg_vecdot.*bool"}};
  rows.push_back(std::move(vecdot));
}

// ---- products without a sum ----

double times(double x, double y, DType dtype) {
  if (is_floating_point(dtype)) return rounded(x * y, dtype);
  return wrapped(static_cast<int64_t>(x) * static_cast<int64_t>(y), dtype);
}

void add_outer(std::vector<SampleRow>& rows) {
  SampleRow outer =
      row_of_pairs("outer", {{{3}, {4}}, {{1}, {1}}, {{0}, {3}}, {{3}, {0}}, {{7}, {11}}}, kEvery);
  outer.tolerance = Tolerance::kExact;
  outer.expect = [](const Call& call) {
    const Array &a = call.array(0), &b = call.array(1);
    Array out({a.sizes[0], b.sizes[0]}, a.dtype);
    size_t i = 0;
    for (const double x : a.values)
      for (const double y : b.values) out.values[i++] = times(x, y, out.dtype);
    return std::vector<Array>{out};
  };
  outer.out = &out_of_pair<&outer_out>;
  outer.errors = {{"matrix", {blank({2, 3}), blank({3})}, "outer.*two vectors.*\\(2, 3\\)"},
                  {"matrix on the right", {blank({3}), blank({2, 3})}, "outer.*two vectors"},
                  {"number", {blank({}), blank({3})}, "outer.*two vectors.*\\(\\)"},
                  {"numbers", {blank({}), blank({})}, "outer.*two vectors"},
                  {"not a tensor", {blank({3}), Scalar(2)}, "a tensor"}};
  rows.push_back(std::move(outer));

  SampleRow kron = row_of_pairs("kron",
                                {{{2, 3}, {3, 2}},
                                 {{3}, {2}},
                                 {{2}, {2, 2}},
                                 {{2, 1, 2}, {3, 2}},
                                 {{}, {2, 3}},
                                 {{}, {}},
                                 {{0, 2}, {2, 2}},
                                 {{1, 2, 1, 2}, {2, 1, 3, 1}}},
                                kEvery);
  kron.tolerance = Tolerance::kExact;
  kron.expect = [](const Call& call) {
    const Array &a = call.array(0), &b = call.array(1);
    const int64_t rank = std::max(a.sizes.rank(), b.sizes.rank());
    Shape left, right, sizes;
    for (int64_t d = 0; d < rank; ++d) {
      const int64_t x = d - rank + a.sizes.rank(), y = d - rank + b.sizes.rank();
      left.push_back(x < 0 ? 1 : a.sizes[x]), right.push_back(y < 0 ? 1 : b.sizes[y]);
      sizes.push_back(left[d] * right[d]);
    }
    const Array wide_a(left, a.dtype, a.values), wide_b(right, b.dtype, b.values);
    Array out(sizes, a.dtype);
    for_each(sizes, [&](const Shape& index, size_t i) {
      Shape of_a = index, of_b = index;
      for (int64_t d = 0; d < rank; ++d)
        of_a[d] = index[d] / right[d], of_b[d] = index[d] % right[d];
      out.values[i] =
          times(wide_a.values[wide_a.offset(of_a)], wide_b.values[wide_b.offset(of_b)], out.dtype);
    });
    return std::vector<Array>{out};
  };
  kron.out = &out_of_pair<&kron_out>;
  const Array deep = blank({1, 1, 1, 1, 2});
  kron.errors = {{"dimensions", {deep, blank({2})}, "kron.*4 dimensions"},
                 {"dimensions on the right", {blank({2}), deep}, "kron.*4 dimensions"},
                 {"dimensions of both", {deep, deep}, "kron.*4 dimensions"},
                 {"not a tensor", {blank({3}), Scalar(2)}, "a tensor"},
                 {"list", {std::vector<Array>{blank({2})}, blank({2})}, "a tensor"}};
  rows.push_back(std::move(kron));
}

// ---- cross ----

Array cross_of(const Array& a, const Array& b, int64_t dim) {
  Array out(broadcast(a.sizes, b.sizes), a.dtype);
  out.magnitudes.assign(out.values.size(), 0);
  for_each(out.sizes, [&](const Shape& index, size_t i) {
    Shape first = index, second = index;
    first[dim] = (index[dim] + 1) % 3, second[dim] = (index[dim] + 2) % 3;
    const double left = a.at(first) * b.at(second), right = a.at(second) * b.at(first);
    out.values[i] = left - right;
    out.magnitudes[i] = storage_roundings(out.dtype) * 2 * (std::fabs(left) + std::fabs(right));
    if (!is_floating_point(out.dtype))
      out.values[i] = wrapped(static_cast<int64_t>(left - right), out.dtype);
  });
  return out;
}

void add_cross(std::vector<SampleRow>& rows) {
  SampleRow row = row_of_pairs("linalg_cross", {});
  struct Along {
    Shape a, b;
    int64_t dim;
  };
  const std::vector<Along> shapes = {
      {{3}, {3}, 0},       {{2, 3}, {2, 3}, -1}, {{3, 4}, {3, 4}, 0}, {{2, 3, 2}, {2, 3, 1}, 1},
      {{1, 3}, {4, 3}, 1}, {{0, 3}, {0, 3}, 1},  {{3, 3}, {3, 3}, 0}};
  row.calls = [shapes](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const Along& s : shapes)
      calls.push_back(
          {{random.array(s.a, dtype, -3, 3), random.array(s.b, dtype, -3, 3), Scalar(s.dim)}});
    return calls;
  };
  row.expect = [](const Call& call) {
    const int64_t rank = call.array(0).sizes.rank();
    int64_t dim = 0;
    if (call.has(2))
      dim = (call.scalar(2).to_int64() + rank) % rank;
    else
      while (call.array(0).sizes[dim] != 3) ++dim;
    return std::vector<Array>{cross_of(call.array(0), call.array(1), dim)};
  };
  row.errors = {
      {"size", {blank({2, 4}), blank({2, 4}), Scalar(-1)}, "linalg_cross.*size 3.*\\(2, 4\\)"},
      {"one size", {blank({2, 3}), blank({2, 1}), Scalar(-1)}, "linalg_cross.*size 3"},
      {"ranks", {blank({2, 3}), blank({3}), Scalar(-1)}, "linalg_cross.*same number of dimensions"},
      {"dim", {blank({2, 3}), blank({2, 3}), Scalar(2)}, "Dimension out of range.*2"},
      {"numbers", {blank({}), blank({}), Scalar(0)}, "linalg_cross.*size 3"},
      {"other sizes", {blank({2, 3}), blank({4, 3}), Scalar(1)}, "\\(2, 3\\).*\\(4, 3\\)"},
      {"bool", {blank({3}, kBool), blank({3}, kBool), Scalar(0)}, "bool"}};
  SampleRow cross = row;
  cross.op = "cross";
  cross.calls = [calls = row.calls](DType dtype, Random& random) {
    std::vector<Call> all = calls(dtype, random);
    for (const Shape& sizes : {Shape{2, 3, 3}, Shape{3, 2}, Shape{3}})
      all.push_back({{random.array(sizes, dtype, -3, 3), random.array(sizes, dtype, -3, 3), {}}});
    return all;
  };
  cross.out = [](Tensor& out, std::span<const Value> a) {
    cross_out(out, std::get<Tensor>(a[0]), std::get<Tensor>(a[1]),
              boxing::From<std::optional<int64_t>>::get(a[2], 2));
  };
  cross.errors.push_back(
      {"no size of 3", {blank({2, 4}), blank({2, 4}), {}}, "cross.*no dimension"});
  rows.push_back(std::move(row));
  rows.push_back(std::move(cross));
}

// ---- tensordot ----

bool holds(const Shape& dims, int64_t dim) {
  return std::find(dims.begin(), dims.end(), dim) != dims.end();
}

// Index into x: `kept` for the dimensions that stay, `inner` for those of dims (size 1 repeats).
double value_at(const Array& x, const Shape& dims, const Shape& kept, const Shape& inner) {
  Shape at = x.sizes;
  int64_t next = 0;
  for (int64_t d = 0; d < at.rank(); ++d)
    if (!holds(dims, d)) at[d] = kept[next++];
  for (int64_t i = 0; i < dims.rank(); ++i) at[dims[i]] = x.sizes[dims[i]] == 1 ? 0 : inner[i];
  return x.values[x.offset(at)];
}

std::vector<Array> expect_tensordot(const Call& call) {
  const Array &a = call.array(0), &b = call.array(1);
  const Shape of_a = wrapped_dims(call.shape(2), a.sizes.rank()),
              of_b = wrapped_dims(call.shape(3), b.sizes.rank());
  Shape rows, columns, summed;
  for (int64_t d = 0; d < a.sizes.rank(); ++d)
    if (!holds(of_a, d)) rows.push_back(a.sizes[d]);
  for (int64_t d = 0; d < b.sizes.rank(); ++d)
    if (!holds(of_b, d)) columns.push_back(b.sizes[d]);
  for (int64_t i = 0; i < of_a.rank(); ++i)
    summed.push_back(a.sizes[of_a[i]] == 1 ? b.sizes[of_b[i]] : a.sizes[of_a[i]]);
  Array out(rows + columns, a.dtype);
  out.magnitudes.assign(out.values.size(), 0);
  const double roundings =
      static_cast<double>(summed.numel()) + 2 * storage_roundings(out.dtype);  // sums before
  for_each(out.sizes, [&](const Shape& index, size_t i) {
    for_each(summed, [&](const Shape& inner, size_t) {
      const double term = value_at(a, of_a, index.slice(0, rows.rank()), inner) *
                          value_at(b, of_b, index.slice(rows.rank(), index.rank()), inner);
      out.values[i] += term;
      out.magnitudes[i] += roundings * std::fabs(term);
    });
    if (!is_floating_point(out.dtype))
      out.values[i] = wrapped(static_cast<int64_t>(out.values[i]), out.dtype);
  });
  return {out};
}

void add_tensordot(std::vector<SampleRow>& rows) {
  struct Dims {
    Shape a, b, of_a, of_b;
  };
  const std::vector<Dims> shapes = {{{3, 4}, {4, 5}, {1}, {0}},
                                    {{2, 3, 4}, {3, 4, 2}, {1, 2}, {0, 1}},
                                    {{2, 3, 4}, {4, 3}, {2, 1}, {0, 1}},
                                    {{3, 4}, {4, 3}, {0, 1}, {-1, -2}},
                                    {{2, 3}, {4}, {}, {}},
                                    {{2, 1}, {3, 2}, {1}, {0}},
                                    {{2, 3}, {1, 2}, {1}, {0}},
                                    {{2, 0}, {0, 3}, {1}, {0}},
                                    {{}, {}, {}, {}},
                                    {{4}, {4}, {0}, {0}}};
  SampleRow row = row_of_pairs("tensordot", {});
  row.calls = [shapes](DType dtype, Random& random) {
    std::vector<Call> calls;
    for (const Dims& s : shapes)
      calls.push_back(
          {{random.array(s.a, dtype, -2, 2), random.array(s.b, dtype, -2, 2), s.of_a, s.of_b}});
    return calls;
  };
  row.expect = expect_tensordot;
  row.out = [](Tensor& out, std::span<const Value> a) {
    tensordot_out(out, std::get<Tensor>(a[0]), std::get<Tensor>(a[1]), std::get<Shape>(a[2]),
                  std::get<Shape>(a[3]));
  };
  const Array a = blank({2, 3}), b = blank({3, 4});
  row.errors = {
      {"sizes", {a, b, Shape{0}, Shape{0}}, "tensordot.*\\(2, 3\\).*\\(3, 4\\)"},
      {"lengths", {a, b, Shape{1}, Shape{}}, "tensordot.*same length"},
      {"dim", {a, b, Shape{2}, Shape{0}}, "Dimension out of range.*2"},
      {"dim on the right", {a, b, Shape{1}, Shape{-3}}, "Dimension out of range.*-3"},
      {"twice", {a, blank({3, 3}), Shape{1, 1}, Shape{0, 1}}, "dimension 1 appears twice"},
      {"dtypes", {a, blank({3, 4}, kFloat64), Shape{1}, Shape{0}}, "tensordot.*same dtype"},
      {"bool", {blank({2, 3}, kBool), blank({3, 4}, kBool), Shape{1}, Shape{0}}, "bool"}};
  rows.push_back(std::move(row));
}

}  // namespace

void add_product_samples(std::vector<SampleRow>& rows) {
  add_vectors(rows);
  add_inner(rows);
  add_outer(rows);
  add_cross(rows);
  add_tensordot(rows);
}

}  // namespace tenon::ops_test
