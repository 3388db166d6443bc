// Products added to a tensor: beta · self + alpha · product.
#include <tenon/runtime/ops/copy.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/matmul.h>
#include <tenon/runtime/ops/matmul_internal.h>
#include <tenon/runtime/ops/view.h>

namespace tenon {
namespace {

constinit const Op kAddmm{composite_spec(
    "addmm", "addmm(Tensor self, Tensor a, Tensor b, *, Scalar beta=1, Scalar alpha=1) -> Tensor",
    R"(out = beta * self + alpha * (a x b). With beta = 0 the values of self are not used, so that
its NaN and infinities do not spread.

Shapes: self broadcasts to (m, n), a (m, k), b (k, n) -> (m, n).
Dtypes: one for all, as matmul; beta and alpha are whole numbers for integers.
Errors: as matmul; InvalidArgument when self does not broadcast; DType.
Source: torch.addmm.)",
    &box<&addmm>, kInPlaceForm)};

constinit const Op kAddmv{composite_spec(
    "addmv",
    "addmv(Tensor self, Tensor mat, Tensor vec, *, Scalar beta=1, Scalar alpha=1) -> Tensor",
    R"(out = beta * self + alpha * (mat x vec); with beta = 0 self is not read.

Shapes: self broadcasts to (m), mat (m, k), vec (k) -> (m).
Dtypes, errors: as addmm. Source: torch.addmv.)",
    &box<&addmv>, kInPlaceForm)};

constinit const Op kAddr{composite_spec(
    "addr",
    "addr(Tensor self, Tensor vec1, Tensor vec2, *, Scalar beta=1, Scalar alpha=1) -> Tensor",
    R"(out = beta * self + alpha * outer(vec1, vec2); with beta = 0 self is not read.

Shapes: self broadcasts to (m, n), vec1 (m), vec2 (n) -> (m, n).
Dtypes, errors: as addmm. Source: torch.addr.)",
    &box<&addr>, kInPlaceForm)};

constinit const Op kAddbmm{composite_spec(
    "addbmm",
    "addbmm(Tensor self, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1) -> Tensor",
    R"(out = beta * self + alpha * (sum over the batch of batch1 x batch2); with beta = 0 self is
not read. The batch is summed within one product.

Shapes: self broadcasts to (m, n), batch1 (b, m, k), batch2 (b, k, n) -> (m, n).
Dtypes, errors: as addmm. Source: torch.addbmm.)",
    &box<&addbmm>, kInPlaceForm)};

constinit const Op kBaddbmm{
    composite_spec("baddbmm",
                   "baddbmm(Tensor self, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar "
                   "alpha=1) -> Tensor",
                   R"(out = beta * self + alpha * (batch1 x batch2); with beta = 0 self is not read.

Shapes: self broadcasts to (b, m, n), batch1 (b, m, k), batch2 (b, k, n) -> (b, m, n).
Dtypes, errors: as addmm. Source: torch.baddbmm.)",
                   &box<&baddbmm>, kInPlaceForm)};

void check_added(const Op& op, const Tensor& self, const Tensor& a, const Scalar& beta,
                 const Scalar& alpha) {
  check(self.dtype() == a.dtype(), ErrorCode::kDType, op.name(),
        "self must have the dtype of the product, got ", self.dtype(), " and ", a.dtype(),
        "; convert one with to()");
  check(is_floating_point(self.dtype()) || (!beta.is_double() && !alpha.is_double()),
        ErrorCode::kDType, op.name(), "for ", self.dtype(),
        " beta and alpha must be whole numbers, got ", beta, " and ", alpha);
}

Tensor combine(const Op& op, const Tensor& self, const Tensor& product, const Scalar& beta,
               const Scalar& alpha) {
  check(self.dim() <= product.dim() &&
            broadcast_shapes(self.sizes(), product.sizes(), op.name()) == product.sizes(),
        ErrorCode::kInvalidArgument, op.name(), "self must broadcast to ", product.sizes(),
        ", got ", self.sizes());
  if (beta.to_double() != 0)
    return add(beta.to_double() == 1 ? self : mul(self, beta), product, alpha);
  return alpha.to_double() == 1 ? product : mul(product, alpha);
}

Tensor& store(const Op& op, Tensor& self, const Tensor& result) {
  check(self.sizes() == result.sizes(), ErrorCode::kInvalidArgument, op.name(),
        "an in-place result must keep the shape of self, ", self.sizes(), ", got ", result.sizes(),
        "; use the op without _");
  return self.copy_(result);
}

}  // namespace

Tensor addmm(const Tensor& self, const Tensor& a, const Tensor& b, Scalar beta, Scalar alpha) {
  check_added(kAddmm, self, a, beta, alpha);
  return combine(kAddmm, self, mm(a, b), beta, alpha);
}

Tensor addmv(const Tensor& self, const Tensor& mat, const Tensor& vec, Scalar beta, Scalar alpha) {
  check_added(kAddmv, self, mat, beta, alpha);
  return combine(kAddmv, self, mv(mat, vec), beta, alpha);
}

Tensor addr(const Tensor& self, const Tensor& vec1, const Tensor& vec2, Scalar beta, Scalar alpha) {
  check_added(kAddr, self, vec1, beta, alpha);
  return combine(kAddr, self, outer(vec1, vec2), beta, alpha);
}

Tensor addbmm(const Tensor& self, const Tensor& batch1, const Tensor& batch2, Scalar beta,
              Scalar alpha) {
  check_added(kAddbmm, self, batch1, beta, alpha);
  check(batch1.dim() == 3 && batch2.dim() == 3 && batch1.size(0) == batch2.size(0) &&
            batch1.size(2) == batch2.size(1),
        ErrorCode::kInvalidArgument, "addbmm",
        "batches (b, m, k) and (b, k, n) of one size were expected, got ", batch1.sizes(), " and ",
        batch2.sizes(), "; transpose one operand?");
  const int64_t inner_size = batch1.size(0) * batch1.size(2);
  const Tensor wide = batch1.transpose(0, 1).reshape({batch1.size(1), inner_size});
  const Tensor tall = batch2.reshape({inner_size, batch2.size(2)});
  return combine(kAddbmm, self, mm(wide, tall), beta, alpha);
}

Tensor baddbmm(const Tensor& self, const Tensor& batch1, const Tensor& batch2, Scalar beta,
               Scalar alpha) {
  check_added(kBaddbmm, self, batch1, beta, alpha);
  return combine(kBaddbmm, self, bmm(batch1, batch2), beta, alpha);
}

Tensor& addmm_(Tensor& self, const Tensor& a, const Tensor& b, Scalar beta, Scalar alpha) {
  return store(kAddmm, self, addmm(self, a, b, beta, alpha));
}
Tensor& addmm_out(Tensor& out, const Tensor& self, const Tensor& a, const Tensor& b, Scalar beta,
                  Scalar alpha) {
  return ops::write_out(kAddmm, out, {&self, &a, &b},
                        [&] { return addmm(self, a, b, beta, alpha); });
}

Tensor& addmv_(Tensor& self, const Tensor& mat, const Tensor& vec, Scalar beta, Scalar alpha) {
  return store(kAddmv, self, addmv(self, mat, vec, beta, alpha));
}
Tensor& addmv_out(Tensor& out, const Tensor& self, const Tensor& mat, const Tensor& vec,
                  Scalar beta, Scalar alpha) {
  return ops::write_out(kAddmv, out, {&self, &mat, &vec},
                        [&] { return addmv(self, mat, vec, beta, alpha); });
}

Tensor& addr_(Tensor& self, const Tensor& vec1, const Tensor& vec2, Scalar beta, Scalar alpha) {
  return store(kAddr, self, addr(self, vec1, vec2, beta, alpha));
}
Tensor& addr_out(Tensor& out, const Tensor& self, const Tensor& vec1, const Tensor& vec2,
                 Scalar beta, Scalar alpha) {
  return ops::write_out(kAddr, out, {&self, &vec1, &vec2},
                        [&] { return addr(self, vec1, vec2, beta, alpha); });
}

Tensor& addbmm_(Tensor& self, const Tensor& batch1, const Tensor& batch2, Scalar beta,
                Scalar alpha) {
  return store(kAddbmm, self, addbmm(self, batch1, batch2, beta, alpha));
}
Tensor& addbmm_out(Tensor& out, const Tensor& self, const Tensor& batch1, const Tensor& batch2,
                   Scalar beta, Scalar alpha) {
  return ops::write_out(kAddbmm, out, {&self, &batch1, &batch2},
                        [&] { return addbmm(self, batch1, batch2, beta, alpha); });
}

Tensor& baddbmm_(Tensor& self, const Tensor& batch1, const Tensor& batch2, Scalar beta,
                 Scalar alpha) {
  return store(kBaddbmm, self, baddbmm(self, batch1, batch2, beta, alpha));
}
Tensor& baddbmm_out(Tensor& out, const Tensor& self, const Tensor& batch1, const Tensor& batch2,
                    Scalar beta, Scalar alpha) {
  return ops::write_out(kBaddbmm, out, {&self, &batch1, &batch2},
                        [&] { return baddbmm(self, batch1, batch2, beta, alpha); });
}

void register_added_product_ops(OpList& list) {
  for (const Op* op : {&kAddmm, &kAddmv, &kAddr, &kAddbmm, &kBaddbmm}) list.add(*op);
}

}  // namespace tenon
