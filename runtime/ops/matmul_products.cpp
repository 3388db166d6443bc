// Products of vectors and of many dimensions, chains, powers, traces and norms of matrices.
#include <algorithm>
#include <limits>

#include <tenon/runtime/checked.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/indexing.h>
#include <tenon/runtime/ops/matmul.h>
#include <tenon/runtime/ops/matmul_internal.h>
#include <tenon/runtime/ops/reduction.h>
#include <tenon/runtime/ops/view.h>

namespace tenon {
namespace {

constinit const Op kMv{composite_spec("mv", "mv(Tensor self, Tensor vec) -> Tensor",
                                      R"(Product of a matrix and a vector.

Shapes: (m, k) x (k) -> (m).
Dtypes, errors: as matmul. Source: torch.mv.)",
                                      &box<&mv>)};

constinit const Op kVdot{
    composite_spec("vdot", "vdot(Tensor self, Tensor other) -> Tensor",
                   R"(Inner product of two vectors; of real numbers the same as dot.

Shapes: (n) x (n) -> ().
Dtypes, errors: as matmul. Source: torch.vdot.)",
                   &box<&vdot>)};

constinit const Op kVecdot{composite_spec(
    "linalg_vecdot", "linalg_vecdot(Tensor self, Tensor other, *, int dim=-1) -> Tensor",
    R"(Sum of self * other along dim.

Shapes: broadcast, then dim is removed.
Dtypes: one for both, not bool. Errors: Index; DType; InvalidArgument when sizes do not broadcast.
Source: torch.linalg.vecdot.)",
    &box<&linalg_vecdot>)};

constinit const Op kInner{composite_spec("inner", "inner(Tensor self, Tensor other) -> Tensor",
                                         R"(Sum of products over the last dimension of both.

Shapes: (a..., k) and (b..., k) -> (a..., b...); a 0-d operand multiplies.
Dtypes: one for both, as matmul. Errors: InvalidArgument for other last sizes; DType.
Source: torch.inner, numpy.inner.)",
                                         &box<&inner>)};

constinit const Op kOuter{composite_spec("outer", "outer(Tensor self, Tensor vec2) -> Tensor",
                                         R"(out[i, j] = self[i] * vec2[j].

Shapes: (m) and (n) -> (m, n). Dtypes: any, promoted as mul. Errors: InvalidArgument for other ranks.
Source: torch.outer.)",
                                         &box<&outer>)};

constinit const Op kKron{
    composite_spec("kron", "kron(Tensor self, Tensor other) -> Tensor",
                   R"(Kronecker product: other, scaled by every element of self.

Shapes: (a0, a1...) and (b0, b1...) -> (a0*b0, a1*b1...), up to 4 dimensions; the shorter one gets
  leading ones.
Dtypes: any, promoted as mul. Errors: InvalidArgument beyond 4 dimensions.
Source: torch.kron.)",
                   &box<&kron>)};

constinit const Op kCross{
    composite_spec("cross", "cross(Tensor self, Tensor other, int? dim=None) -> Tensor",
                   R"(linalg_cross along dim, or along the first dimension of size 3 when None.
Errors: as linalg_cross; InvalidArgument when None and no size is 3. Source: torch.cross.)",
                   &box<&cross>)};

constinit const Op kLinalgCross{composite_spec(
    "linalg_cross", "linalg_cross(Tensor self, Tensor other, *, int dim=-1) -> Tensor",
    R"(Cross products of the 3-vectors along dim: (a1*b2 - a2*b1, a2*b0 - a0*b2, a0*b1 - a1*b0).

Shapes: equal ranks, size 3 along dim, the other sizes broadcast.
Dtypes: any but bool, promoted as mul.
Errors: InvalidArgument for other sizes or ranks; Index; DType. Source: torch.linalg.cross.)",
    &box<&linalg_cross>)};

constinit const Op kTensordot{composite_spec(
    "tensordot",
    "tensordot(Tensor self, Tensor other, int[] dims_self, int[] dims_other) -> Tensor",
    R"(Sum of products over pairs of dimensions: dims_self[i] of self with dims_other[i] of other.

Shapes: what is left of self, then of other; paired sizes are equal or one of them is 1.
Dtypes: one for both, as matmul.
Errors: InvalidArgument for sizes that differ or lists of other lengths; Index; DType.
Source: torch.tensordot, numpy.tensordot.)",
    &box<static_cast<Tensor (*)(const Tensor&, const Tensor&, const Shape&, const Shape&)>(
        &tensordot)>)};

constinit const Op kMultiDot{composite_spec(
    "linalg_multi_dot", "linalg_multi_dot(Tensor[] tensors) -> Tensor",
    R"(Product of two matrices and more, in the order that needs the fewest multiplications.

Shapes: (a, b), (b, c), (c, d)... -> (a, d...); the first may be a row (b), the last a column.
Dtypes, errors: as matmul; InvalidArgument for fewer than 2 or other ranks.
Source: torch.linalg.multi_dot; Cormen et al., matrix-chain order.)",
    &box<&linalg_multi_dot>)};

constinit const Op kChainMatmul{
    composite_spec("chain_matmul", "chain_matmul(Tensor[] matrices) -> Tensor",
                   R"(linalg_multi_dot of matrices only; one alone is returned.
Source: torch.chain_matmul.)",
                   &box<&chain_matmul>)};

constinit const Op kMatrixPower{
    composite_spec("matrix_power", "matrix_power(Tensor self, int n) -> Tensor",
                   R"(Product of n factors self, by repeated squaring; n = 0 gives the identity.

Shapes: (..., m, m) -> the same.
Dtypes: as matmul. Errors: InvalidArgument when not square or n < 0 (invert it first).
Source: torch.matrix_power.)",
                   &box<&matrix_power>)};

constinit const Op kTrace{composite_spec("trace", "trace(Tensor self) -> Tensor",
                                         R"(Sum of the diagonal of a matrix.

Shapes: (m, n) -> (). Dtypes: as sum. Errors: InvalidArgument for other ranks. Source: torch.trace.)",
                                         &box<&trace>)};

constinit const Op kMatrixNorm{composite_spec(
    "linalg_matrix_norm",
    "linalg_matrix_norm(Tensor self, Scalar? ord=None, int[] dims=[-2,-1], bool keepdim=False, *, "
    "ScalarType? dtype=None) -> Tensor",
    R"(Norms of matrices over two dimensions: Frobenius (None), greatest or least sum of |x| of a
column (1, -1) or of a row (inf, -inf).

Shapes: dims removed, or 1 with keepdim.
Dtypes: floating point; dtype converts first.
Errors: InvalidArgument unless dims are two; Unsupported for orders of singular values (2, -2);
  DType; Index.
Source: torch.linalg.matrix_norm.)",
    &box<&linalg_matrix_norm>)};

constinit const Op kBilinear{composite_spec(
    "bilinear",
    "bilinear(Tensor input1, Tensor input2, Tensor weight, Tensor? bias=None) -> Tensor",
    R"(out[..., o] = sum over i, j of input1[..., i] * weight[o, i, j] * input2[..., j] + bias[o].

Shapes: input1 (..., in1), input2 (..., in2), weight (out, in1, in2), bias (out) -> (..., out).
Dtypes: one floating point dtype for all.
Errors: InvalidArgument when sizes do not match; DType.
Source: torch.nn.functional.bilinear.)",
    &box<&bilinear>)};

void check_vectors(std::string_view op, const Tensor& a, const Tensor& b) {
  check(a.dim() == 1 && b.dim() == 1, ErrorCode::kInvalidArgument, op,
        "two vectors were expected, got ", a.sizes(), " and ", b.sizes(),
        "; flatten them, or use matmul");
}

void check_same_dtype(std::string_view op, const Tensor& a, const Tensor& b) {
  check(a.dtype() == b.dtype(), ErrorCode::kDType, op,
        "both operands must have the same dtype, got ", a.dtype(), " and ", b.dtype(),
        "; convert one with to()");
}

// ---- tensordot ----

struct Contracted {
  Shape kept, summed;  // dimensions
};

Contracted split_dims(const Tensor& x, const Shape& dims) {
  const uint32_t mask = dims.empty() ? 0u : dim_mask(dims, x.dim(), "tensordot");
  Contracted result;
  for (int64_t d = 0; d < x.dim(); ++d)
    if ((mask >> d & 1u) == 0) result.kept.push_back(d);
  for (const int64_t d : dims) result.summed.push_back(wrap_dim(d, x.dim(), "tensordot"));
  return result;
}

Shape sizes_at(const Tensor& x, const Shape& dims) {
  Shape sizes;
  for (const int64_t d : dims) sizes.push_back(x.size(d));
  return sizes;
}

// ---- chains ----

// cost[i][j] of multiplying matrices i..j and where to cut them last.
struct Chain {
  std::vector<Tensor> matrices;
  std::vector<std::vector<size_t>> cut;

  explicit Chain(std::vector<Tensor> tensors) : matrices(std::move(tensors)) {
    const size_t n = matrices.size();
    std::vector<double> sizes{static_cast<double>(matrices[0].size(0))};
    for (const Tensor& matrix : matrices) sizes.push_back(static_cast<double>(matrix.size(1)));
    std::vector<std::vector<double>> cost(n, std::vector<double>(n, 0));
    cut.assign(n, std::vector<size_t>(n, 0));
    for (size_t length = 2; length <= n; ++length) {
      for (size_t i = 0; i + length <= n; ++i) {
        const size_t j = i + length - 1;
        cost[i][j] = std::numeric_limits<double>::infinity();
        for (size_t k = i; k < j; ++k) {
          const double total = cost[i][k] + cost[k + 1][j] + sizes[i] * sizes[k + 1] * sizes[j + 1];
          if (total < cost[i][j]) cost[i][j] = total, cut[i][j] = k;
        }
      }
    }
  }

  [[nodiscard]] Tensor product(size_t i, size_t j) const {
    if (i == j) return matrices[i];
    return matmul(product(i, cut[i][j]), product(cut[i][j] + 1, j));
  }
};

Tensor chained(std::string_view op, std::vector<Tensor> matrices) {
  for (size_t i = 0; i + 1 < matrices.size(); ++i) {
    const Tensor &a = matrices[i], &b = matrices[i + 1];
    check(a.size(1) == b.size(0), ErrorCode::kInvalidArgument, op, "inner sizes of matrices ", i,
          " and ", i + 1, " must match, got ", a.sizes(), " x ", b.sizes());
    check_same_dtype(op, a, b);
  }
  const size_t last = matrices.size() - 1;
  return Chain(std::move(matrices)).product(0, last);
}

}  // namespace

Tensor ops::diagonal_of(const Tensor& self, int64_t dim1, int64_t dim2) {
  Shape order, sizes;
  for (int64_t d = 0; d < self.dim(); ++d)
    if (d != dim1 && d != dim2) order.push_back(d), sizes.push_back(self.size(d));
  const int64_t n = std::min(self.size(dim1), self.size(dim2));
  // Of an n x n matrix in one row, every (n + 1)th element.
  Tensor square = self.narrow(dim1, 0, n).narrow(dim2, 0, n).permute(order + Shape{dim1, dim2});
  sizes.push_back(checked_mul(n, n));
  return square.reshape(sizes).slice(-1, 0, sizes.back(), n + 1);
}

Tensor mv(const Tensor& self, const Tensor& vec) {
  check(self.dim() == 2 && vec.dim() == 1, ErrorCode::kInvalidArgument, "mv",
        "a matrix and a vector were expected, got ", self.sizes(), " x ", vec.sizes(),
        "; matmul takes other ranks");
  return matmul(self, vec);
}

Tensor vdot(const Tensor& self, const Tensor& other) {
  check_vectors("vdot", self, other);
  return matmul(self, other);
}

Tensor linalg_vecdot(const Tensor& self, const Tensor& other, int64_t dim) {
  check_same_dtype("linalg_vecdot", self, other);
  check(self.dtype() != kBool, ErrorCode::kDType, "linalg_vecdot",
        "bool has no products; convert the operands with to()");
  const Tensor products = mul(self, other);
  return sum(products, {wrap_dim(dim, products.dim(), "linalg_vecdot")}).to(self.dtype());
}

Tensor inner(const Tensor& self, const Tensor& other) {
  check_same_dtype("inner", self, other);
  if (self.dim() == 0 || other.dim() == 0) return mul(self, other);
  const int64_t k = self.size(-1);
  check(k == other.size(-1), ErrorCode::kInvalidArgument, "inner",
        "the last sizes must be equal, got ", self.sizes(), " and ", other.sizes());
  const Shape rows = self.sizes().slice(0, self.dim() - 1);
  const Shape columns = other.sizes().slice(0, other.dim() - 1);
  const Tensor right = other.reshape({columns.numel(), k});
  return matmul(self.reshape({rows.numel(), k}), right.t()).view(rows + columns);
}

Tensor outer(const Tensor& self, const Tensor& vec2) {
  check_vectors("outer", self, vec2);
  return mul(self.unsqueeze(1), vec2);
}

Tensor kron(const Tensor& self, const Tensor& other) {
  const int64_t rank = std::max(self.dim(), other.dim());
  check(2 * rank <= kMaxRank, ErrorCode::kInvalidArgument, "kron",
        "operands of at most 4 dimensions were expected, got ", self.sizes(), " and ",
        other.sizes());
  Shape left, right, sizes;  // (a0, 1, a1, 1...) and (1, b0, 1, b1...)
  for (int64_t d = 0; d < rank; ++d) {
    const int64_t a_dim = d - rank + self.dim(), b_dim = d - rank + other.dim();
    const int64_t a = a_dim < 0 ? 1 : self.size(a_dim), b = b_dim < 0 ? 1 : other.size(b_dim);
    left.push_back(a), left.push_back(1);
    right.push_back(1), right.push_back(b);
    sizes.push_back(checked_mul(a, b));
  }
  return mul(self.reshape(left), other.reshape(right)).reshape(sizes);
}

Tensor linalg_cross(const Tensor& self, const Tensor& other, int64_t dim) {
  check(self.dim() == other.dim(), ErrorCode::kInvalidArgument, "linalg_cross",
        "both operands must have the same number of dimensions, got ", self.sizes(), " and ",
        other.sizes());
  const int64_t at = wrap_dim(dim, self.dim(), "linalg_cross");
  check(self.dim() > 0 && self.size(at) == 3 && other.size(at) == 3, ErrorCode::kInvalidArgument,
        "linalg_cross", "dimension ", dim, " must have size 3, got ", self.sizes(), " and ",
        other.sizes());
  const auto twice = [&](const Tensor& x) { return cat(std::vector<Tensor>{x, x}, at); };
  const Tensor a = twice(self), b = twice(other);
  return mul(a.narrow(at, 1, 3), b.narrow(at, 2, 3)) - mul(a.narrow(at, 2, 3), b.narrow(at, 1, 3));
}

Tensor cross(const Tensor& self, const Tensor& other, std::optional<int64_t> dim) {
  if (dim) return linalg_cross(self, other, *dim);
  for (int64_t d = 0; d < self.dim(); ++d)
    if (self.size(d) == 3) return linalg_cross(self, other, d);
  fail(ErrorCode::kInvalidArgument, "cross", "no dimension of size 3 was found in ", self.sizes(),
       "; 3-vectors are needed");
}

Tensor tensordot(const Tensor& self, const Tensor& other, const Shape& dims_self,
                 const Shape& dims_other) {
  check(dims_self.rank() == dims_other.rank(), ErrorCode::kInvalidArgument, "tensordot",
        "both lists of dimensions must have the same length, got ", dims_self, " and ", dims_other);
  check_same_dtype("tensordot", self, other);
  const Contracted a = split_dims(self, dims_self), b = split_dims(other, dims_other);
  Tensor left = self, right = other;
  for (int64_t i = 0; i < a.summed.rank(); ++i) {
    const int64_t size = self.size(a.summed[i]), other_size = other.size(b.summed[i]);
    check(size == other_size || size == 1 || other_size == 1, ErrorCode::kInvalidArgument,
          "tensordot", "dimension ", a.summed[i], " of ", self.sizes(), " and dimension ",
          b.summed[i], " of ", other.sizes(), " must have the same size");
    // A size of 1 broadcasts: the other side can be summed before.
    if (size == other_size) continue;
    if (size == 1)
      right = sum(right, {b.summed[i]}, true).to(other.dtype());
    else
      left = sum(left, {a.summed[i]}, true).to(self.dtype());
  }
  const int64_t inner_size = sizes_at(left, a.summed).numel();
  const Shape rows = sizes_at(self, a.kept), columns = sizes_at(other, b.kept);
  left = left.permute(a.kept + a.summed).reshape({rows.numel(), inner_size});
  right = right.permute(b.summed + b.kept).reshape({inner_size, columns.numel()});
  return matmul(left, right).view(rows + columns);
}

Tensor tensordot(const Tensor& self, const Tensor& other, int64_t dims) {
  check(dims >= 0 && dims <= self.dim() && dims <= other.dim(), ErrorCode::kInvalidArgument,
        "tensordot", "from 0 to all dimensions can be summed, got ", dims, " of ", self.sizes(),
        " and ", other.sizes());
  Shape last, first;
  for (int64_t d = 0; d < dims; ++d) last.push_back(self.dim() - dims + d), first.push_back(d);
  return tensordot(self, other, last, first);
}

Tensor linalg_multi_dot(std::span<const Tensor> tensors) {
  check(tensors.size() >= 2, ErrorCode::kInvalidArgument, "linalg_multi_dot",
        "two tensors or more were expected, got ", tensors.size());
  std::vector<Tensor> matrices(tensors.begin(), tensors.end());
  const bool row = matrices.front().dim() == 1, column = matrices.back().dim() == 1;
  if (row) matrices.front() = matrices.front().unsqueeze(0);
  if (column) matrices.back() = matrices.back().unsqueeze(1);
  for (size_t i = 0; i < matrices.size(); ++i)
    check(matrices[i].dim() == 2, ErrorCode::kInvalidArgument, "linalg_multi_dot",
          "matrices were expected (the first and last may be vectors), got ", tensors[i].sizes(),
          " as tensor ", i);
  const Tensor product = chained("linalg_multi_dot", std::move(matrices));
  if (row && column) return product.view({});
  return row ? product.squeeze(0) : column ? product.squeeze(1) : product;
}

Tensor chain_matmul(std::span<const Tensor> matrices) {
  check(!matrices.empty(), ErrorCode::kInvalidArgument, "chain_matmul",
        "one matrix or more was expected, got none");
  for (size_t i = 0; i < matrices.size(); ++i)
    check(matrices[i].dim() == 2, ErrorCode::kInvalidArgument, "chain_matmul",
          "matrices were expected, got ", matrices[i].sizes(), " as matrix ", i);
  return chained("chain_matmul", {matrices.begin(), matrices.end()});
}

Tensor matrix_power(const Tensor& self, int64_t n) {
  check(self.dim() >= 2 && self.size(-1) == self.size(-2), ErrorCode::kInvalidArgument,
        "matrix_power", "square matrices were expected, got ", self.sizes());
  check(n >= 0, ErrorCode::kInvalidArgument, "matrix_power", "n must not be negative, got ", n,
        "; invert the matrix first");
  if (n == 0) return eye(self.size(-1), -1, self.options()).expand(self.sizes()).clone();
  Tensor result, power = self;
  for (;; power = matmul(power, power)) {
    if ((n & 1) != 0) result = result.defined() ? matmul(result, power) : power;
    n >>= 1;
    if (n == 0) return result.is_same(self) ? self.clone() : result;
  }
}

Tensor trace(const Tensor& self) {
  check(self.dim() == 2, ErrorCode::kInvalidArgument, "trace", "a matrix was expected, got ",
        self.sizes());
  return sum(ops::diagonal_of(self, 0, 1));
}

Tensor linalg_matrix_norm(const Tensor& self, std::optional<Scalar> ord, const Shape& dims,
                          bool keepdim, std::optional<DType> dtype) {
  check(dims.rank() == 2, ErrorCode::kInvalidArgument, "linalg_matrix_norm",
        "two dimensions were expected, got ", dims);
  check(self.dim() >= 2, ErrorCode::kInvalidArgument, "linalg_matrix_norm",
        "a matrix was expected, got ", self.sizes());
  if (!ord) return linalg_vector_norm(self, 2, dims, keepdim, dtype);
  const double order = ord->to_double();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  check(std::abs(order) == 1 || std::abs(order) == kInfinity, ErrorCode::kUnsupported,
        "linalg_matrix_norm", "order must be None (Frobenius), 1, -1, inf or -inf, got ", *ord,
        "; orders of singular values are not offered");
  (void)dim_mask(dims, self.dim(), "linalg_matrix_norm");
  const bool columns = std::abs(order) == 1;
  const int64_t summed = wrap_dim(dims[columns ? 0 : 1], self.dim(), "linalg_matrix_norm");
  int64_t compared = wrap_dim(dims[columns ? 1 : 0], self.dim(), "linalg_matrix_norm");
  if (!keepdim && compared > summed) --compared;
  const Tensor sums = linalg_vector_norm(self, 1, {summed}, keepdim, dtype);
  return order > 0 ? amax(sums, {compared}, keepdim) : amin(sums, {compared}, keepdim);
}

Tensor bilinear(const Tensor& input1, const Tensor& input2, const Tensor& weight,
                const Tensor& bias) {
  check(
      input1.dim() >= 1 && input1.dim() == input2.dim() && weight.dim() == 3 &&
          input1.sizes().slice(0, input1.dim() - 1) == input2.sizes().slice(0, input2.dim() - 1) &&
          input1.size(-1) == weight.size(1) && input2.size(-1) == weight.size(2),
      ErrorCode::kInvalidArgument, "bilinear",
      "inputs (..., in1) and (..., in2) and a weight (out, in1, in2) were expected, got ",
      input1.sizes(), ", ", input2.sizes(), " and ", weight.sizes());
  check(weight.is_floating_point(), ErrorCode::kDType, "bilinear",
        "a floating point dtype is needed, got ", weight.dtype(), "; convert it with to()");
  check(!bias.defined() || bias.sizes() == Shape{weight.size(0)}, ErrorCode::kInvalidArgument,
        "bilinear", "bias must have sizes (", weight.size(0), "), got ",
        bias.defined() ? bias.sizes() : Shape{});
  check_same_dtype("bilinear", input1, weight);
  check_same_dtype("bilinear", input2, weight);
  const Shape rows = input1.sizes().slice(0, input1.dim() - 1);
  const int64_t n = rows.numel(), out = weight.size(0), in1 = weight.size(1), in2 = weight.size(2);
  // For every row: (out x in1) · in1, then with in2.
  const Tensor left = matmul(input1.reshape({n, in1}),
                             weight.permute({1, 0, 2}).reshape({in1, checked_mul(out, in2)}));
  const Tensor product = matmul(left.view({n, out, in2}), input2.reshape({n, in2, 1}));
  const Tensor result = product.view(rows + Shape{out});
  return bias.defined() ? result + bias : result;
}

Tensor& mv_out(Tensor& out, const Tensor& self, const Tensor& vec) {
  return ops::write_out(kMv, out, {&self, &vec}, [&] { return mv(self, vec); });
}
Tensor& vdot_out(Tensor& out, const Tensor& self, const Tensor& other) {
  return ops::write_out(kVdot, out, {&self, &other}, [&] { return vdot(self, other); });
}
Tensor& inner_out(Tensor& out, const Tensor& self, const Tensor& other) {
  return ops::write_out(kInner, out, {&self, &other}, [&] { return inner(self, other); });
}
Tensor& outer_out(Tensor& out, const Tensor& self, const Tensor& vec2) {
  return ops::write_out(kOuter, out, {&self, &vec2}, [&] { return outer(self, vec2); });
}
Tensor& kron_out(Tensor& out, const Tensor& self, const Tensor& other) {
  return ops::write_out(kKron, out, {&self, &other}, [&] { return kron(self, other); });
}
Tensor& cross_out(Tensor& out, const Tensor& self, const Tensor& other,
                  std::optional<int64_t> dim) {
  return ops::write_out(kCross, out, {&self, &other}, [&] { return cross(self, other, dim); });
}
Tensor& tensordot_out(Tensor& out, const Tensor& self, const Tensor& other, const Shape& dims_self,
                      const Shape& dims_other) {
  return ops::write_out(kTensordot, out, {&self, &other},
                        [&] { return tensordot(self, other, dims_self, dims_other); });
}

void register_product_ops(OpList& list) {
  for (const Op* op :
       {&kMv, &kVdot, &kVecdot, &kInner, &kOuter, &kKron, &kCross, &kLinalgCross, &kTensordot,
        &kMultiDot, &kChainMatmul, &kMatrixPower, &kTrace, &kMatrixNorm, &kBilinear})
    list.add(*op);
}

}  // namespace tenon
