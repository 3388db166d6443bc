#include <tenon/runtime/ops/matmul.h>

#include <tenon/runtime/checked.h>
#include <tenon/runtime/dispatch/primitives.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/matmul_internal.h>
#include <tenon/runtime/ops/support_internal.h>
#include <tenon/runtime/ops/view.h>

namespace tenon {
namespace {

// ---- matmul ----

// The record sees matrices only: rank >= 2, equal ranks, equal batch sizes. Vectors, broadcasting
// and folding are views around it (matmul below), so they differentiate by themselves.
void infer_matmul(OpCall& call) {
  const Tensor& a = *call.inputs[0];
  const Tensor& b = *call.inputs[1];
  ops::check_one_device(call);
  ops::check_one_dtype(call);
  const Shape left = a.sizes(), right = b.sizes();
  const int64_t rank = left.rank();
  bool fits = rank >= 2 && right.rank() == rank && left[rank - 1] == right[rank - 2];
  for (int64_t d = 0; fits && d + 2 < rank; ++d) fits = left[d] == right[d];
  check(fits, ErrorCode::kInvalidArgument, "matmul", "inner sizes must match, got ", left, " x ",
        right, "; transpose one operand?");
  check(a.dtype() != kBool, ErrorCode::kDType, "matmul",
        "bool has no products; convert the operands with to()");
  Shape sizes = left;
  sizes[rank - 1] = right[rank - 1];
  ops::give_output(call, 0, sizes, a.dtype());
}

void decompose_matmul(OpCall& call) {
  primitive::matmul(call.outputs[0], *call.inputs[0], *call.inputs[1]);
}

const Op kMatmul{{
    .name = "matmul",
    .schema = "matmul(Tensor self, Tensor other) -> Tensor",
    .doc = R"(Matrix product: out[..., i, j] = sum over p of self[..., i, p] * other[..., p, j].

Shapes: (..., m, k) x (..., k, n) -> (..., m, n); batch dimensions broadcast. A 1-d self is a row
  (k), a 1-d other a column (k), and that dimension is absent from the result; k = 0 gives 0.
Dtypes: one for both, not bool; f16 and bf16 accumulate in f32 at least, integers wrap.
Errors: InvalidArgument for 0-d operands, inner or batch sizes that do not match; DType.
Source: numpy.matmul, torch.matmul.)",
    .boxed = &box<&matmul>,
    .infer = &infer_matmul,
    .decompose = &decompose_matmul,
}};

Tensor product_of_matrices(const Tensor& a, const Tensor& b) { return call_op(kMatmul, {&a, &b}); }

void check_matmul(const Tensor& a, const Tensor& b) {
  const Shape left = a.sizes(), right = b.sizes();
  check(!left.empty() && !right.empty(), ErrorCode::kInvalidArgument, "matmul",
        "both operands need at least one dimension, got ", left, " x ", right,
        "; use mul for scalars");
  const int64_t inner = right[right.rank() == 1 ? 0 : right.rank() - 2];
  check(left.back() == inner, ErrorCode::kInvalidArgument, "matmul", "inner sizes must match, got ",
        left, " x ", right, "; transpose one operand?");
  check(a.dtype() == b.dtype(), ErrorCode::kDType, "matmul",
        "both operands must have the same dtype, got ", a.dtype(), " and ", b.dtype(),
        "; convert one with to()");
}

// Expanded over the broadcast batch dimensions of both.
Tensor product_of_batches(const Tensor& a, const Tensor& b) {
  const int64_t rank = std::max(a.dim(), b.dim());
  const Shape batch_a = a.sizes().slice(0, a.dim() - 2);
  const Shape batch_b = b.sizes().slice(0, b.dim() - 2);
  const Shape batch = broadcast_shapes(batch_a, batch_b, "matmul");
  const auto expanded = [&](const Tensor& x) {
    if (x.dim() == rank && x.sizes().slice(0, rank - 2) == batch) return x;
    return x.expand(batch + x.sizes().slice(x.dim() - 2, x.dim()));
  };
  return product_of_matrices(expanded(a), expanded(b));
}

// ---- linear ----

// Like matmul's, the record is for a matrix of inputs; linear() folds other ranks.
void infer_linear(OpCall& call) {
  const Tensor& input = *call.inputs[0];
  const Tensor& weight = *call.inputs[1];
  ops::check_one_device(call);
  ops::check_one_dtype(call);
  ops::check_floating(call, input);
  const Shape in = input.sizes(), matrix = weight.sizes();
  check(in.rank() == 2 && matrix.rank() == 2 && in[1] == matrix[1], ErrorCode::kInvalidArgument,
        "linear", "input (n, in) and weight (out, in) must share `in`, got ", in, " and ", matrix);
  if (call.inputs.size() > 2 && call.inputs[2]->defined()) {
    const Shape bias = call.inputs[2]->sizes();
    check(bias.rank() == 1 && bias[0] == matrix[0], ErrorCode::kInvalidArgument, "linear",
          "bias must have sizes (", matrix[0], "), got ", bias);
  }
  ops::give_output(call, 0, {in[0], matrix[0]}, input.dtype());
}

void decompose_linear(OpCall& call) {
  Tensor& out = call.outputs[0];
  primitive::matmul(out, *call.inputs[0], call.inputs[1]->t());
  if (call.inputs.size() > 2 && call.inputs[2]->defined()) out.add_(*call.inputs[2]);
}

const Op kLinear{{
    .name = "linear",
    .schema = "linear(Tensor input, Tensor weight, Tensor? bias=None) -> Tensor",
    .doc = R"(Affine map of the last dimension: out = input * weight^T + bias.

Shapes: input (..., in), weight (out, in), bias (out) -> (..., out).
Dtypes: one floating point dtype for all.
Errors: InvalidArgument when sizes do not match; DType; Device.
Source: torch.nn.functional.linear.)",
    .boxed = &box<&linear>,
    .infer = &infer_linear,
    .decompose = &decompose_linear,
}};

// ---- composites ----

const Op kMm{{
    .name = "mm",
    .schema = "mm(Tensor self, Tensor other) -> Tensor",
    .doc = R"(Product of two matrices, without broadcasting.

Shapes: (m, k) x (k, n) -> (m, n).
Dtypes, errors: as matmul.)",
    .flags = kComposite,
    .boxed = &box<&mm>,
}};

const Op kBmm{{
    .name = "bmm",
    .schema = "bmm(Tensor self, Tensor other) -> Tensor",
    .doc = R"(Products of two stacks of matrices, without broadcasting.

Shapes: (b, m, k) x (b, k, n) -> (b, m, n).
Dtypes, errors: as matmul.)",
    .flags = kComposite,
    .boxed = &box<&bmm>,
}};

const Op kDot{{
    .name = "dot",
    .schema = "dot(Tensor self, Tensor other) -> Tensor",
    .doc = R"(Inner product of two vectors: sum of self[i] * other[i].

Shapes: (n) x (n) -> ().
Dtypes, errors: as matmul.)",
    .flags = kComposite,
    .boxed = &box<&dot>,
}};

void check_ranks(std::string_view op, const Tensor& a, const Tensor& b, int64_t rank) {
  if (a.dim() != rank || b.dim() != rank) [[unlikely]]
    fail(ErrorCode::kInvalidArgument, op, "both operands need ", rank, " dimensions, got ",
         a.sizes(), " x ", b.sizes(), "; matmul takes other ranks");
}

}  // namespace

Tensor matmul(const Tensor& self, const Tensor& other) {
  check_matmul(self, other);
  if (self.dim() == 2 && other.dim() == 2) return product_of_matrices(self, other);
  if (self.dim() == 1) {
    const Tensor product = matmul(self.unsqueeze(0), other.dim() == 1 ? other.unsqueeze(1) : other);
    return other.dim() == 1 ? product.view({}) : product.squeeze(-2);
  }
  if (other.dim() == 1) return matmul(self, other.unsqueeze(1)).squeeze(-1);
  if (other.dim() > 2) return product_of_batches(self, other);
  // (..., m, k) x (k, n): one tall product instead of many small ones.
  const Shape sizes = self.sizes();
  const Shape rows = sizes.slice(0, self.dim() - 1);
  const Tensor product = product_of_matrices(self.reshape({rows.numel(), sizes.back()}), other);
  return product.view(rows + Shape{other.size(1)});
}

Tensor mm(const Tensor& self, const Tensor& other) {
  check_ranks("mm", self, other, 2);
  return matmul(self, other);
}

Tensor bmm(const Tensor& self, const Tensor& other) {
  check_ranks("bmm", self, other, 3);
  check(self.size(0) == other.size(0), ErrorCode::kInvalidArgument, "bmm",
        "both operands need the same batch size, got ", self.sizes(), " x ", other.sizes(),
        "; matmul broadcasts");
  return matmul(self, other);
}

Tensor dot(const Tensor& self, const Tensor& other) {
  check_ranks("dot", self, other, 1);
  return matmul(self, other);
}

Tensor& matmul_out(Tensor& out, const Tensor& self, const Tensor& other) {
  return ops::write_out(kMatmul, out, {&self, &other}, [&] { return matmul(self, other); });
}
Tensor& mm_out(Tensor& out, const Tensor& self, const Tensor& other) {
  return ops::write_out(kMm, out, {&self, &other}, [&] { return mm(self, other); });
}
Tensor& bmm_out(Tensor& out, const Tensor& self, const Tensor& other) {
  return ops::write_out(kBmm, out, {&self, &other}, [&] { return bmm(self, other); });
}
Tensor& dot_out(Tensor& out, const Tensor& self, const Tensor& other) {
  return ops::write_out(kDot, out, {&self, &other}, [&] { return dot(self, other); });
}

Tensor linear(const Tensor& input, const Tensor& weight, const Tensor& bias) {
  if (input.dim() == 2) return call_op(kLinear, {&input, &weight, &bias});
  check(input.dim() >= 1 && weight.dim() == 2 && input.size(-1) == weight.size(1),
        ErrorCode::kInvalidArgument, "linear",
        "input (..., in) and weight (out, in) must share `in`, got ", input.sizes(), " and ",
        weight.sizes());
  const Shape rows = input.sizes().slice(0, input.dim() - 1);
  const Tensor folded = input.reshape({rows.numel(), input.size(-1)});
  const Tensor product = call_op(kLinear, {&folded, &weight, &bias});
  return product.view(rows + Shape{weight.size(0)});
}

void register_matmul_ops(OpList& list) {
  for (const Op* op : {&kMatmul, &kMm, &kBmm, &kDot, &kLinear}) list.add(*op);
  register_product_ops(list);
  register_added_product_ops(list);
  register_einsum_ops(list);
}

}  // namespace tenon
