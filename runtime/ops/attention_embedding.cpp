// Bags of embeddings, and positions as rotations.
#include <cmath>
#include <limits>
#include <vector>

#include <tenon/runtime/ops/attention.h>
#include <tenon/runtime/ops/attention_internal.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/indexing.h>
#include <tenon/runtime/ops/reduction.h>
#include <tenon/runtime/ops/support_internal.h>
#include <tenon/runtime/ops/view.h>

namespace tenon {
namespace {

// ---- embedding_bag ----

constexpr std::string_view kBag = "embedding_bag";

void check_bags(const Tensor& weight, const Tensor& indices, const EmbeddingBagOptions& o) {
  const bool two = indices.dim() == 2;
  check(two || indices.dim() == 1, ErrorCode::kInvalidArgument, kBag,
        "indices need the dimensions (B,n) or (n), got ", indices.sizes());
  check(two != o.offsets.defined(), ErrorCode::kInvalidArgument, kBag,
        "offsets go with indices (n) and not with (B,n), got indices ", indices.sizes());
  check(weight.is_floating_point(), ErrorCode::kDType, kBag,
        "a floating point weight is needed, got ", weight.dtype(), "; convert it with to()");
  check(o.mode <= BagMode::kMax, ErrorCode::kInvalidArgument, kBag,
        "mode must be sum (0), mean (1) or max (2), got ", static_cast<int64_t>(o.mode));
  if (o.offsets.defined())
    check(o.offsets.dim() == 1 && (o.offsets.dtype() == kInt64 || o.offsets.dtype() == kInt32) &&
              (!o.include_last_offset || o.offsets.size(0) > 0),
          ErrorCode::kInvalidArgument, kBag, "offsets must be (B) or (B + 1) of int64, got ",
          o.offsets.dtype(), " ", o.offsets.sizes());
  if (!o.per_sample_weights.defined()) return;
  check(o.mode == BagMode::kSum, ErrorCode::kInvalidArgument, kBag,
        "per_sample_weights go with sums only");
  check(o.per_sample_weights.sizes() == indices.sizes(), ErrorCode::kInvalidArgument, kBag,
        "per_sample_weights must have the sizes of indices, ", indices.sizes(), ", got ",
        o.per_sample_weights.sizes());
  check(o.per_sample_weights.dtype() == weight.dtype(), ErrorCode::kDType, kBag,
        "per_sample_weights must have the dtype of weight, ", weight.dtype(), ", got ",
        o.per_sample_weights.dtype());
}

// Rows of weight (…, n, D), weighted, and which of them count (…, n, 1).
struct Rows {
  Tensor values, counted;
};

Rows rows_of(const Tensor& weight, const Tensor& indices, const EmbeddingBagOptions& o) {
  Tensor values = embedding(weight, indices, o.padding_idx);
  values = values.to(ops::accumulate_dtype(weight.dtype()));
  if (o.per_sample_weights.defined()) values = mul(values, o.per_sample_weights.unsqueeze(-1));
  if (!o.padding_idx)
    return {values, ones(indices.sizes(), {kBool, weight.device()}).unsqueeze(-1)};
  const int64_t padding = *o.padding_idx < 0 ? *o.padding_idx + weight.size(0) : *o.padding_idx;
  return {values, ne(indices, padding).unsqueeze(-1)};
}

// Greatest of the rows that count along `dim`, 0 where none does.
Tensor greatest(const Tensor& values, const Tensor& counted, int64_t dim) {
  constexpr double kNone = -std::numeric_limits<double>::infinity();
  const Tensor best = max(where(counted, values, kNone), dim).first;
  return where(any(counted, {dim}), best, 0.0);
}

Tensor mean_of(const Tensor& sums, const Tensor& counts) {
  return div(sums, clamp(counts, 1, std::nullopt));
}

// Bags (B, n) of one size.
Tensor even_bags(const Rows& rows, BagMode mode) {
  if (mode == BagMode::kMax && rows.values.size(1) > 0)
    return greatest(rows.values, rows.counted, 1);
  const Tensor sums = sum(where(rows.counted, rows.values, 0.0), {1});
  return mode == BagMode::kMean ? mean_of(sums, sum(rows.counted, {1})) : sums;
}

// Bag b has the rows from starts[b] up to the next start.
Tensor uneven_bags(const Rows& rows, const Tensor& starts, BagMode mode) {
  const int64_t count = rows.values.size(0), width = rows.values.size(1), bags = starts.size(0);
  const Tensor sums = zeros({bags, width}, rows.values.options());
  if (count == 0 || bags == 0) return sums;
  const Tensor begun = ge(arange(count, starts.options()).unsqueeze(1), starts);  // (n, B)
  const Tensor bag = sub(sum(begun, {1}), 1);                                     // (n)
  if (mode == BagMode::kMax) {
    const Tensor own = eq(bag, arange(bags, starts.options()).unsqueeze(1)).unsqueeze(-1);
    return greatest(rows.values.unsqueeze(0), logical_and(own, rows.counted), 1);
  }
  const Tensor kept = where(rows.counted, rows.values, 0.0);
  const Tensor total = scatter_add(sums, 0, bag.unsqueeze(1).expand({count, width}), kept);
  if (mode == BagMode::kSum) return total;
  const Tensor counts = scatter_add(zeros({bags, 1}, rows.values.options()), 0, bag.unsqueeze(1),
                                    rows.counted.to(rows.values.dtype()));
  return mean_of(total, counts);
}

Tensor embedding_bag_boxed(const Tensor& weight, const Tensor& indices, const Tensor& offsets,
                           std::optional<BagMode> mode, const Tensor& per_sample_weights,
                           std::optional<bool> include_last_offset,
                           std::optional<int64_t> padding_idx) {
  return embedding_bag(weight, indices,
                       {offsets, mode.value_or(BagMode::kMean), per_sample_weights,
                        include_last_offset.value_or(false), padding_idx});
}

const Op kEmbeddingBag{{
    .name = "embedding_bag",
    .schema = "embedding_bag(Tensor weight, Tensor indices, Tensor? offsets=None, int mode=1, "
              "Tensor? per_sample_weights=None, bool include_last_offset=False, "
              "int? padding_idx=None) -> Tensor",
    .doc =
        R"(Sums (mode 0), means (1) or greatest values (2) of the rows of weight that each bag of indices names.
Row padding_idx does not count; a bag without rows gives 0.

Shapes: weight (rows, D), indices (B, n), or (n) with offsets (B), where bag b begins, the first at 0
  (include_last_offset: (B + 1), which ends with n) -> (B, D). per_sample_weights like indices.
Dtypes: floating point; f16 and bf16 are summed in f32. Indices and offsets int64 or int32.
Errors: InvalidArgument when sizes do not match or weights come with another mode than sum; DType;
  Index for an index out of range.
Source: torch.nn.functional.embedding_bag.)",
    .flags = kComposite,
    .boxed = &box<&embedding_bag_boxed>,
}};

// ---- rope ----

Tensor rope_boxed(const Tensor& input, std::optional<double> base, std::optional<int64_t> offset,
                  std::optional<bool> interleaved) {
  return rope(input, base.value_or(10000), offset.value_or(0), interleaved.value_or(false));
}

const Op kRope{{
    .name = "rope",
    .schema =
        "rope(Tensor input, float base=10000, int offset=0, bool interleaved=False) -> Tensor",
    .doc = R"(Rotary position embedding: pair i of the D values at position t is turned by the angle
(t + offset) * base^(-2i/D). The pair is (i, i + D/2), interleaved (2i, 2i + 1).

Shapes: (..., T, D) with D even -> the same.
Dtypes: floating point; angles are f32 (f64 for f64), f16 and bf16 are computed in f32.
Errors: InvalidArgument for fewer than 2 dimensions, an odd D, or a base <= 0; DType.
Source: Su et al. 2021, RoFormer.)",
    .flags = kComposite,
    .boxed = &box<&rope_boxed>,
}};

// (T, D/2).
Tensor angles(const Tensor& input, double base, int64_t offset) {
  const DType wide = ops::accumulate_dtype(input.dtype());
  const int64_t pairs = input.size(-1) / 2;
  std::vector<double> speeds;
  for (int64_t i = 0; i < pairs; ++i)
    speeds.push_back(std::pow(base, -static_cast<double>(i) / static_cast<double>(pairs)));
  const Tensor speed =
      tensor(std::span<const double>(speeds), {pairs}, Device("cpu")).to(wide).to(input.device());
  const Tensor places =
      arange(offset, offset + input.size(-2), 1, {kInt64, input.device()}).to(wide);
  return mul(places.unsqueeze(1), speed);
}

}  // namespace

Tensor embedding_bag(const Tensor& weight, const Tensor& indices,
                     const EmbeddingBagOptions& options) {
  check_bags(weight, indices, options);
  const Rows rows = rows_of(weight, indices, options);
  if (indices.dim() == 2) return even_bags(rows, options.mode).to(weight.dtype());
  Tensor starts = options.offsets.to(kInt64);
  if (options.include_last_offset) starts = starts.narrow(0, 0, starts.size(0) - 1);
  return uneven_bags(rows, starts, options.mode).to(weight.dtype());
}

Tensor rope(const Tensor& input, double base, int64_t offset, bool interleaved) {
  check(input.is_floating_point(), ErrorCode::kDType, "rope",
        "a floating point dtype is needed, got ", input.dtype(), "; convert it with to()");
  check(input.dim() >= 2 && input.size(-1) % 2 == 0, ErrorCode::kInvalidArgument, "rope",
        "input needs the dimensions (...,T,D) with D even, got ", input.sizes());
  check(base > 0, ErrorCode::kInvalidArgument, "rope", "base must be greater than 0, got ", base);
  const Tensor angle = angles(input, base, offset), cosine = cos(angle), sine = sin(angle);
  const int64_t pairs = input.size(-1) / 2, last = input.dim() - 1;
  const Shape lead = input.sizes().slice(0, last);
  const Tensor x = input.reshape(lead + (interleaved ? Shape{pairs, 2} : Shape{2, pairs}));
  const int64_t dim = interleaved ? last + 1 : last;
  const Tensor a = x.select(dim, 0), b = x.select(dim, 1);
  const Tensor turned[] = {sub(mul(a, cosine), mul(b, sine)), add(mul(b, cosine), mul(a, sine))};
  return stack(turned, dim).reshape(input.sizes()).to(input.dtype());
}

void register_embedding_forms(OpList& list) {
  for (const Op* op : {&kEmbeddingBag, &kRope}) list.add(*op);
}

}  // namespace tenon
