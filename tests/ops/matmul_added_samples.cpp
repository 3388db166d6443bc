// beta · self + alpha · product.
#include <cmath>

#include <tenon/runtime/ops/ops.h>

#include "ops/matmul_samples.h"

namespace tenon::ops_test {
namespace {

using InPlace = Tensor& (*)(Tensor&, const Tensor&, const Tensor&, Scalar, Scalar);
using Out = Tensor& (*)(Tensor&, const Tensor&, const Tensor&, const Tensor&, Scalar, Scalar);

struct Added {
  const char* op;
  Shape a, b, out;
  Array (*product)(const Array& a, const Array& b);
  InPlace in_place;
  Out write;
  std::string wrong_rank;  // what the message says of operands of rank 4
};

Array outer_of(const Array& a, const Array& b) {
  Array column = a, row = b;
  column.sizes = {a.sizes[0], 1};
  row.sizes = {1, b.sizes[0]};
  return product_of(column, row);
}

// Σ over the batch of a·b
Array summed_batch(const Array& a, const Array& b) {
  const Array all = product_of(a, b);
  Array out(all.sizes.slice(1, 3), a.dtype);
  out.magnitudes.assign(out.values.size(), 0);
  for (size_t i = 0; i < all.values.size(); ++i) {
    const size_t at = i % out.values.size();
    out.values[at] += all.values[i];
    out.magnitudes[at] += all.magnitudes[i] * 4;
  }
  return out;
}

std::vector<Array> expect_added(const Added& added, const Call& call) {
  Array out = added.product(call.array(1), call.array(2));
  const double beta = call.scalar(3).to_double(), alpha = call.scalar(4).to_double();
  for_each(out.sizes, [&](const Shape& index, size_t i) {
    const double add = beta == 0 ? 0 : beta * call.array(0).at(index);
    out.magnitudes[i] = std::fabs(alpha) * out.magnitudes[i];
    out.magnitudes[i] +=
        storage_roundings(out.dtype) * (3 * std::fabs(alpha * out.values[i]) + 2 * std::fabs(add));
    out.values[i] = alpha * out.values[i] + add;
    if (!is_floating_point(out.dtype))
      out.values[i] = wrapped(static_cast<int64_t>(out.values[i]), out.dtype);
  });
  return {out};
}

std::vector<Call> added_calls(const Added& added, DType dtype, Random& random) {
  std::vector<Call> calls;
  const auto call = [&](const Array& self, const Scalar& beta, const Scalar& alpha) {
    calls.push_back({{self, random.array(added.a, dtype, -2, 2),
                      random.array(added.b, dtype, -2, 2), beta, alpha}});
  };
  const int64_t rank = added.out.rank();
  Shape ones = added.out;
  ones[rank - 1] = 1;
  const bool floating = is_floating_point(dtype);
  for (const Shape& self : {added.out, added.out.slice(rank - 1, rank), ones, Shape{}}) {
    call(random.array(self, dtype, -2, 2), 1, 1);
    call(random.array(self, dtype, -2, 2), floating ? Scalar(0.5) : Scalar(3), -2);
  }
  Array poison(added.out, dtype);  // beta = 0 must not read it
  for (double& value : poison.values) value = floating ? NAN : 77;
  call(poison, 0, 1);
  call(poison, 0, 3);
  for (size_t i = calls.size() - 2; i < calls.size(); ++i) calls[i].differentiable = false;
  // Without an inner dimension only self is left; without rows nothing is.
  Shape a = added.a, b = added.b;
  if (added.a.rank() > 1) {
    a[a.rank() - 1] = 0, b[a.rank() - 2] = 0;
    calls.push_back({{random.array(added.out, dtype, -2, 2), Array(a, dtype), Array(b, dtype),
                      Scalar(1), Scalar(2)},
                     false});
  }
  return calls;
}

std::vector<ErrorRow> added_errors(const Added& added) {
  const std::string op = added.op;
  const auto with = [&](DType self, DType a, DType b, const Scalar& beta, const Scalar& alpha) {
    return std::vector<Argument>{blank(added.out, self), blank(added.a, a), blank(added.b, b), beta,
                                 alpha};
  };
  Shape wrong = added.out;
  wrong[wrong.rank() - 1] += 1;
  return {
      {"self",
       {blank(wrong), blank(added.a), blank(added.b), Scalar(1), Scalar(1)},
       op + ".*broadcast"},
      {"rank of self",
       {blank(Shape{2} + added.out), blank(added.a), blank(added.b), Scalar(1), Scalar(1)},
       op + ": self must broadcast"},
      {"ranks",
       {blank(added.out), blank({2, 2, 2, 2}), blank({2, 2, 2, 2}), Scalar(1), Scalar(1)},
       added.wrong_rank},
      {"dtype of self", with(kFloat64, kFloat32, kFloat32, 1, 1), op + ".*dtype.*float64.*float32"},
      {"fractional beta", with(kInt64, kInt64, kInt64, 0.5, 1), op + ".*whole numbers.*0.5"},
      {"fractional alpha", with(kInt64, kInt64, kInt64, 1, 1.5), op + ".*whole numbers.*1.5"}};
}

SampleRow added_row(const Added& added) {
  SampleRow row;
  row.op = added.op;
  row.dtypes = kNumbers;
  row.calls = [added](DType dtype, Random& random) { return added_calls(added, dtype, random); };
  row.expect = [added](const Call& call) { return expect_added(added, call); };
  row.tolerance = Tolerance::kSum;
  row.gradient = true;
  row.in_place = [added](Tensor& self, std::span<const Value> a) {
    added.in_place(self, std::get<Tensor>(a[0]), std::get<Tensor>(a[1]), std::get<Scalar>(a[2]),
                   std::get<Scalar>(a[3]));
  };
  row.out = [added](Tensor& out, std::span<const Value> a) {
    added.write(out, std::get<Tensor>(a[0]), std::get<Tensor>(a[1]), std::get<Tensor>(a[2]),
                std::get<Scalar>(a[3]), std::get<Scalar>(a[4]));
  };
  row.errors = added_errors(added);
  return row;
}

Array plain_product(const Array& a, const Array& b) { return product_of(a, b); }

}  // namespace

void add_added_product_samples(std::vector<SampleRow>& rows) {
  const Added kinds[] = {
      {"addmm", {3, 4}, {4, 5}, {3, 5}, &plain_product, &addmm_, &addmm_out, "mm.*2 dimensions"},
      {"addmv", {3, 4}, {4}, {3}, &plain_product, &addmv_, &addmv_out, "mv.*matrix and a vector"},
      {"addr", {3}, {4}, {3, 4}, &outer_of, &addr_, &addr_out, "outer.*two vectors"},
      {"addbmm",
       {2, 3, 4},
       {2, 4, 5},
       {3, 5},
       &summed_batch,
       &addbmm_,
       &addbmm_out,
       "addbmm.*\\(b, m, k\\)"},
      {"baddbmm",
       {2, 3, 4},
       {2, 4, 5},
       {2, 3, 5},
       &plain_product,
       &baddbmm_,
       &baddbmm_out,
       "bmm.*3 dimensions"},
  };
  for (const Added& added : kinds) rows.push_back(added_row(added));
}

}  // namespace tenon::ops_test
