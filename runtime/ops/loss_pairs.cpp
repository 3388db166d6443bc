// Distances, and losses of pairs and triples.
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/loss_internal.h>
#include <tenon/runtime/ops/view.h>

namespace tenon {
namespace {

constinit const Op kPairwiseDistance{composite_spec(
    "pairwise_distance",
    "pairwise_distance(Tensor x1, Tensor x2, float p=2, float eps=1e-6, bool keepdim=False) -> "
    "Tensor",
    R"(p-norm of x1 - x2 + eps over the last dimension.

Shapes: broadcast (..., D) -> (...), or (..., 1) with keepdim.
Dtypes: floating point. Errors: InvalidArgument when sizes do not broadcast or for 0-d; DType.
Source: torch.nn.functional.pairwise_distance.)",
    &box<&pairwise_distance>)};

constinit const Op kCdist{composite_spec(
    "cdist", "cdist(Tensor x1, Tensor x2, float p=2) -> Tensor",
    R"(p-norm distances of every row of x1 to every row of x2; at distance 0 the gradient is 0.

Shapes: (..., P, D) and (..., R, D), leading sizes broadcast -> (..., P, R).
Dtypes: one floating point dtype for both.
Errors: InvalidArgument for other sizes or p < 0; DType. Source: torch.cdist.)",
    &box<&cdist>)};

constinit const Op kCosineSimilarity{
    composite_spec("cosine_similarity",
                   "cosine_similarity(Tensor x1, Tensor x2, int dim=1, float eps=1e-8) -> Tensor",
                   R"(Sum of x1 / max(|x1|, eps) * x2 / max(|x2|, eps) along dim.

Shapes: broadcast, then dim is removed.
Dtypes: floating point. Errors: Index; InvalidArgument when sizes do not broadcast; DType.
Source: torch.nn.functional.cosine_similarity.)",
                   &box<&cosine_similarity>)};

constinit const Op kMarginRanking{composite_spec(
    "margin_ranking_loss",
    "margin_ranking_loss(Tensor input1, Tensor input2, Tensor target, float margin=0.0, "
    "int reduction=1) -> Tensor",
    R"(max(0, -y * (x1 - x2) + margin) with y = 1 (x1 should be greater) or -1; reduced (0 none,
1 mean, 2 sum).

Shapes: all the same -> () or the same. Dtypes: inputs floating point.
Errors: InvalidArgument when sizes differ; DType.
Source: torch.nn.functional.margin_ranking_loss.)",
    &box<&margin_ranking_loss>)};

constinit const Op kCosineEmbedding{composite_spec(
    "cosine_embedding_loss",
    "cosine_embedding_loss(Tensor input1, Tensor input2, Tensor target, float margin=0.0, "
    "int reduction=1) -> Tensor",
    R"(1 - cos(x1, x2) where y = 1, max(0, cos(x1, x2) - margin) where y = -1; reduced (0 none, 1 mean,
2 sum).

Shapes: inputs (N, D) and target (N), or (D) and () -> () or the sizes of target.
Dtypes: inputs floating point. Errors: InvalidArgument for other sizes; DType.
Source: torch.nn.functional.cosine_embedding_loss.)",
    &box<&cosine_embedding_loss>)};

constinit const Op kTripletMargin{composite_spec(
    "triplet_margin_loss",
    "triplet_margin_loss(Tensor anchor, Tensor positive, Tensor negative, float margin=1.0, "
    "float p=2, float eps=1e-6, bool swap=False, int reduction=1) -> Tensor",
    R"(max(0, d(anchor, positive) - d(anchor, negative) + margin), d = pairwise_distance; swap takes
the lesser of d(anchor, negative) and d(positive, negative). Reduced (0 none, 1 mean, 2 sum).

Shapes: (..., D), all the same -> () or (...). Dtypes: floating point.
Errors: InvalidArgument when sizes differ, for margin <= 0 or 0-d; DType.
Source: Balntas et al. 2016; torch.nn.functional.triplet_margin_loss.)",
    &box<&triplet_margin_loss>)};

// ‖x‖ along dim, at least eps, as if nothing had happened for the gradient.
Tensor raised_norm(const Tensor& x, int64_t dim, double eps) {
  Tensor result = linalg_vector_norm(x, 2, {dim}, true);
  const Tensor more = clamp(result.detach(), eps, {}).sub(result.detach());
  return result.add(more);
}

}  // namespace

Tensor pairwise_distance(const Tensor& x1, const Tensor& x2, double p, double eps, bool keepdim) {
  ops::check_floats("pairwise_distance", x1, x2);
  check(x1.dim() > 0 || x2.dim() > 0, ErrorCode::kInvalidArgument, "pairwise_distance",
        "a dimension to measure along is needed, got ", x1.sizes(), " and ", x2.sizes());
  return linalg_vector_norm(x1.sub(x2).add(eps), p, {-1}, keepdim);
}

Tensor cdist(const Tensor& x1, const Tensor& x2, double p) {
  ops::check_floats("cdist", x1, x2);
  check(x1.dtype() == x2.dtype(), ErrorCode::kDType, "cdist",
        "both operands must have the same dtype, got ", x1.dtype(), " and ", x2.dtype(),
        "; convert one with to()");
  check(x1.dim() >= 2 && x2.dim() >= 2 && x1.size(-1) == x2.size(-1), ErrorCode::kInvalidArgument,
        "cdist", "rows (..., P, D) and (..., R, D) of one size were expected, got ", x1.sizes(),
        " and ", x2.sizes());
  check(p >= 0, ErrorCode::kInvalidArgument, "cdist", "p must be >= 0, got ", p);
  const Tensor differences = x1.unsqueeze(-2).sub(x2.unsqueeze(-3));
  if (x1.size(-1) == 0) return sum(differences, {-1});  // no coordinates: all at one place
  return linalg_vector_norm(differences, p, {-1});
}

Tensor cosine_similarity(const Tensor& x1, const Tensor& x2, int64_t dim, double eps) {
  ops::check_floats("cosine_similarity", x1, x2);
  const Shape sizes = broadcast_shapes(x1.sizes(), x2.sizes(), "cosine_similarity");
  const int64_t at = wrap_dim(dim, sizes.rank(), "cosine_similarity");
  const Tensor a = x1.expand(sizes), b = x2.expand(sizes);
  return sum((a / raised_norm(a, at, eps)) * (b / raised_norm(b, at, eps)), {at});
}

Tensor margin_ranking_loss(const Tensor& input1, const Tensor& input2, const Tensor& target,
                           double margin, Reduction reduction) {
  ops::check_pair("margin_ranking_loss", input1, input2);
  ops::check_sizes("margin_ranking_loss", input1, target);
  const Tensor losses = clamp(-target * (input1 - input2) + margin, 0, {});
  return ops::reduced("margin_ranking_loss", losses, reduction);
}

Tensor cosine_embedding_loss(const Tensor& input1, const Tensor& input2, const Tensor& target,
                             double margin, Reduction reduction) {
  ops::check_pair("cosine_embedding_loss", input1, input2);
  check((input1.dim() == 1 || input1.dim() == 2) &&
            target.sizes() == input1.sizes().slice(0, input1.dim() - 1),
        ErrorCode::kInvalidArgument, "cosine_embedding_loss",
        "inputs (N, D) with target (N), or (D) with (), were expected, got ", input1.sizes(),
        " and ", target.sizes());
  constexpr double kEpsilon = 1e-12;
  const Shape last{-1};
  const Tensor sizes =
      (sum(square(input1), last) + kEpsilon) * (sum(square(input2), last) + kEpsilon);
  const Tensor cosine = sum(input1 * input2, last) / sqrt(sizes);
  const Tensor near = where(eq(target, 1), 1.0 - cosine, 0.0);
  const Tensor apart = where(eq(target, -1), clamp(cosine - margin, 0, {}), 0.0);
  return ops::reduced("cosine_embedding_loss", near + apart, reduction);
}

Tensor triplet_margin_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative,
                           double margin, double p, double eps, bool swap, Reduction reduction) {
  ops::check_pair("triplet_margin_loss", anchor, positive);
  ops::check_pair("triplet_margin_loss", anchor, negative);
  check(margin > 0, ErrorCode::kInvalidArgument, "triplet_margin_loss", "margin must be > 0, got ",
        margin);
  const Tensor near = pairwise_distance(anchor, positive, p, eps);
  Tensor apart = pairwise_distance(anchor, negative, p, eps);
  if (swap) apart = minimum(apart, pairwise_distance(positive, negative, p, eps));
  return ops::reduced("triplet_margin_loss", clamp(near - apart + margin, 0, {}), reduction);
}

void register_pair_loss_ops(OpList& list) {
  for (const Op* op : {&kPairwiseDistance, &kCdist, &kCosineSimilarity, &kMarginRanking,
                       &kCosineEmbedding, &kTripletMargin})
    list.add(*op);
}

}  // namespace tenon
