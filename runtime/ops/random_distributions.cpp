// Draws whose parameters are tensors, weighted choices, and dropout of channels.
#include <cmath>
#include <limits>

#include <tenon/runtime/dispatch/primitives.h>
#include <tenon/runtime/dispatch/program_builder.h>
#include <tenon/runtime/dispatch/record_hooks.h>
#include <tenon/runtime/ops/copy.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/random_internal.h>
#include <tenon/runtime/ops/reduction.h>
#include <tenon/runtime/ops/sorting.h>
#include <tenon/runtime/ops/support_internal.h>
#include <tenon/runtime/ops/view.h>

namespace tenon {
namespace {

using ops::check_float;
using ops::check_probability;
using ops::next_draw;

// ---- programs and pieces ----

// u, rate → −ln(1 − u) / rate; u = 0 counts as half of the least step, so that 0 never appears.
constinit const Op kExponential{{
    .name = "exponential",
    .schema = "",
    .doc = "A step of a draw, not public.",
    .flags = kPrimitive | kNoGradient,
    .emit =
        [](ProgramBuilder& p) {
          const double least = p.dtype() == kFloat64 ? 0x1p-54 : 0x1p-25;
          const uint32_t u = p.op(TN_PROGRAM_MAX, p.arg(0), p.constant(least));
          const uint32_t log = p.op(TN_PROGRAM_LOG1P, p.op(TN_PROGRAM_NEG, u));
          return p.op(TN_PROGRAM_DIV, p.op(TN_PROGRAM_NEG, log), p.scalar(0));
        },
}};

Tensor draw_exponential(const ops::Draw& draw, const Shape& sizes, DType wide, const Device& device,
                        double rate) {
  return pointwise(kExponential, {ops::unit_uniform(draw, sizes, wide, device)}, {rate});
}

// Reads whether any element is true.
bool is_any(const Tensor& condition) {
  return condition.numel() > 0 && any(condition).item<bool>();
}

// 0 ≤ p ≤ 1 as a float; NaN is outside.
Tensor probabilities(std::string_view op, const Tensor& probability) {
  check_float(op, probability.dtype());
  const Tensor wide = probability.detach().to(ops::accumulate_dtype(probability.dtype()));
  const bool inside = !is_any(ne(logical_and(ge(wide, 0), le(wide, 1)), true));
  check(inside, ErrorCode::kInvalidArgument, op,
        "probabilities must be between 0 and 1; one is not (or is NaN)");
  return wide;
}

Tensor draw_chosen(const Tensor& wide, const Shape& sizes, Generator* generator) {
  return lt(ops::unit_uniform(next_draw(generator), sizes, wide.dtype(), wide.device()), wide);
}

void check_deviations(const Tensor& stddev) {
  check(!is_any(lt(stddev, 0)), ErrorCode::kInvalidArgument, "normal",
        "every std must be at least 0");
}

// mean + stddev · N(0, 1), either of which may be a number.
Tensor draw_normals(const Operand& mean, const Operand& stddev, const Shape& sizes,
                    const TensorOptions& options, Generator* generator) {
  const RecordingScope off(false);
  check_float("normal", options.dtype());
  const Tensor standard = ops::draw_normal(next_draw(generator), sizes, options, 0, 1);
  return add(mul(standard, stddev), mean).to(options.dtype());
}

// The range of random_: of a float dtype all integers that it holds exactly.
int64_t whole_range(DType dtype) {
  switch (dtype) {
    case kFloat64:
      return (int64_t{1} << 53) + 1;
    case kFloat32:
      return (int64_t{1} << 24) + 1;
    case kFloat16:
      return (int64_t{1} << 11) + 1;
    case kBFloat16:
      return (int64_t{1} << 8) + 1;
    case kBool:
      return 2;
    case kUInt8:
      return 256;
    case kInt64:
      return std::numeric_limits<int64_t>::max();
    default:
      return int64_t{1} << (size_bytes(dtype) * 8 - 1);
  }
}

// ---- weighted choices ----

void check_weights(const Tensor& weights, int64_t samples, bool replacement) {
  constexpr std::string_view kName = "multinomial";
  check_float(kName, weights.dtype());
  check(weights.dim() == 1 || weights.dim() == 2, ErrorCode::kInvalidArgument, kName,
        "weights must have one or two dimensions, got ", weights.sizes());
  check(samples > 0, ErrorCode::kInvalidArgument, kName, "samples must be at least 1, got ",
        samples);
  check(weights.size(-1) > 0, ErrorCode::kInvalidArgument, kName,
        "there is nothing to choose from, got ", weights.sizes());
  check(replacement || samples <= weights.size(-1), ErrorCode::kInvalidArgument, kName,
        "without replacement at most ", weights.size(-1), " can be drawn, got ", samples);
  const Tensor fine = logical_and(ge(weights, 0), lt(weights, INFINITY));
  check(!is_any(ne(fine, true)), ErrorCode::kInvalidArgument, kName,
        "weights must be at least 0 and finite; one is negative, infinite or NaN");
  check(!is_any(le(sum(weights, {-1}), 0)), ErrorCode::kInvalidArgument, kName,
        "the weights of a row must not all be 0");
}

// Inclusive sums along the last dimension.
Tensor running_sums(const Tensor& weights) {
  const Tensor sums = empty(weights.sizes(), weights.options());
  primitive::scan(sums, weights, weights.dim() - 1, TN_SCAN_SUM);
  return sums;
}

// u · total falls into the interval of one weight.
Tensor draw_with_replacement(const Tensor& weights, int64_t samples, const ops::Draw& draw) {
  const Tensor sums = running_sums(weights);
  const int64_t last = weights.size(-1) - 1;
  Shape sizes = weights.sizes();
  sizes[sizes.rank() - 1] = samples;
  const Tensor unit = ops::unit_uniform(draw, sizes, weights.dtype(), weights.device());
  const Tensor at = mul(unit, sums.narrow(-1, last, 1));
  return minimum(searchsorted(sums, at, false, true), last);
}

// The greatest weight / exponential comes first with the weight's probability, and so on
// (Efraimidis and Spirakis 2006).
Tensor draw_without_replacement(const Tensor& weights, int64_t samples, const ops::Draw& draw) {
  const Tensor keys =
      div(weights, draw_exponential(draw, weights.sizes(), weights.dtype(), weights.device(), 1));
  const Tensor values = empty(keys.sizes(), keys.options());
  const Tensor order = empty(keys.sizes(), {kInt64, keys.device()});
  primitive::sort(values, order, keys, keys.dim() - 1, true);
  return order.narrow(-1, 0, samples).contiguous();
}

// ---- dropout ----

// (N, C, 1, …): one element for each channel.
Shape channel_sizes(std::string_view op, const Tensor& self) {
  check(self.dim() >= 2, ErrorCode::kInvalidArgument, op,
        "at least two dimensions are needed, batch and channels, got ", self.sizes());
  Shape sizes = self.sizes();
  for (int64_t d = 2; d < sizes.rank(); ++d) sizes[d] = 1;
  return sizes;
}

// Dropped elements become the least value of SELU, −α', then the line a·x + b brings mean and
// variance back (Klambauer et al. 2017, section 3).
Tensor drop_to_alpha(std::string_view op, const Tensor& self, const Shape& noise_sizes,
                     double probability, bool training, Generator* generator) {
  check_probability(op, probability);
  check_float(op, self.dtype());
  if (!training || probability == 0) return self;
  const ops::Draw draw = next_draw(generator);
  if (probability == 1) return mul(self, 0);
  constexpr double kAlpha = 1.7580993408473766;
  const double scale = 1 / std::sqrt((kAlpha * kAlpha * probability + 1) * (1 - probability));
  const Tensor kept = ops::draw_bernoulli(draw, noise_sizes, self.options(), 1 - probability, 1);
  const Tensor shift = kept.sub(1).mul(kAlpha * scale).add(kAlpha * scale * probability);
  return self * kept.mul(scale) + shift;
}

// ---- records ----

constexpr uint32_t kDraws = kComposite | kRandom | kNoGradient;

Tensor rand_like_boxed(const Tensor& self, const TensorOptions& options) {
  return rand_like(self, options);
}
Tensor randn_like_boxed(const Tensor& self, const TensorOptions& options) {
  return randn_like(self, options);
}
Tensor randint_like_boxed(const Tensor& self, int64_t low, int64_t high,
                          const TensorOptions& options) {
  return randint_like(self, low, high, options);
}
Tensor bernoulli_tensor_boxed(const Tensor& probability) { return bernoulli(probability); }
Tensor normal_tensors_boxed(const Operand& mean, const Operand& stddev) {
  check(mean.is_tensor() || stddev.is_tensor(), ErrorCode::kInvalidArgument, "normal",
        "mean or std must be a tensor; use normal_ on an empty one");
  if (!mean.is_tensor()) return normal(mean.scalar().to_double(), stddev.tensor());
  if (!stddev.is_tensor()) return normal(mean.tensor(), stddev.scalar().to_double());
  return normal(mean.tensor(), stddev.tensor());
}
Tensor multinomial_boxed(const Tensor& weights, int64_t samples, std::optional<bool> replacement) {
  return multinomial(weights, samples, replacement.value_or(false));
}
Tensor& exponential_boxed(Tensor& self, std::optional<double> rate) {
  return exponential_(self, rate.value_or(1));
}
Tensor& random_boxed(Tensor& self, std::optional<int64_t> low, std::optional<int64_t> high) {
  return random_(self, low, high);
}
template <Tensor (*F)(const Tensor&, double, bool, Generator*)>
Tensor dropout_of(const Tensor& self, std::optional<double> probability,
                  std::optional<bool> training) {
  return F(self, probability.value_or(0.5), training.value_or(true), nullptr);
}

constexpr Op::Spec draw_spec(const char* name, const char* schema, const char* doc, Boxed boxed) {
  return {.name = name, .schema = schema, .doc = doc, .flags = kDraws, .boxed = boxed};
}

const Op kRandLike{
    draw_spec("rand_like", "rand_like(Tensor self, *, dtype=None, device=None) -> Tensor",
              "rand in self's shape, dtype and device. Errors: DType. Source: torch.rand_like.",
              &box<&rand_like_boxed>)};
const Op kRandnLike{
    draw_spec("randn_like", "randn_like(Tensor self, *, dtype=None, device=None) -> Tensor",
              "randn in self's shape, dtype and device. Errors: DType. Source: torch.randn_like.",
              &box<&randn_like_boxed>)};
const Op kRandintLike{draw_spec(
    "randint_like",
    "randint_like(Tensor self, int low, int high, *, dtype=None, device=None) -> Tensor",
    "randint in self's shape, dtype and device. Errors: as randint. Source: torch.randint_like.",
    &box<&randint_like_boxed>)};
const Op kBernoulliNew{draw_spec(
    "bernoulli", "bernoulli(Tensor p) -> Tensor",
    R"(1 with the probability at its place, else 0: a 24-bit uniform < p, 53 bits for f64. Reads p.

Shapes: any -> the same. Dtypes: floating point -> the same. Bits: the same on every device.
Errors: DType; InvalidArgument unless 0 <= p <= 1. Source: torch.bernoulli.)",
    &box<&bernoulli_tensor_boxed>)};
const Op kNormalNew{draw_spec("normal", "normal(Tensor|float mean, Tensor|float std) -> Tensor",
                              R"(mean + std * n, n as randn draws it. Reads std.

Shapes: broadcast. Dtypes: floating point, of mean, or of std where mean is a number.
Errors: DType; Device; InvalidArgument for std < 0 or sizes that do not broadcast.
Source: torch.normal.)",
                              &box<&normal_tensors_boxed>)};
const Op kMultinomial{draw_spec(
    "multinomial", "multinomial(Tensor weights, int num_samples, bool replacement=False) -> Tensor",
    R"(Positions along the last dimension, each drawn with a probability in proportion to its weight.
Without replacement the greatest weight / exponential are taken, with it a uniform is looked up in
the running sums. Reads whether the weights are valid.

Shapes: (n) or (rows, n) -> n replaced by num_samples. Dtypes: floating point -> int64.
Errors: DType; InvalidArgument for other ranks, weights that are negative, not finite or all 0, and
  for more samples than positions without replacement.
Source: torch.multinomial; Efraimidis and Spirakis 2006.)",
    &box<&multinomial_boxed>)};
const Op kExponentialFill{
    draw_spec("exponential_", "exponential_(Tensor self, float lambd=1) -> Tensor",
              R"(Fills self with -ln(1 - u) / lambd, u uniform; 0 never appears.

Dtypes: floating point; f16 and bf16 are rounded from f32. Devices agree to 4 ULP.
Errors: DType; InvalidArgument unless lambd > 0. Source: torch.Tensor.exponential_.)",
              &box<&exponential_boxed>)};
const Op kRandomFill{draw_spec(
    "random_", "random_(Tensor self, int? low=None, int? high=None) -> Tensor",
    R"(Fills self with integers in [low, high), with one bound in [0, low), with none in all that the dtype
holds and are at least 0 (floats: up to the greatest below which all are exact; int64: but the last).

Dtypes: any. Bits: the same on every device.
Errors: InvalidArgument unless low < high and the dtype holds them all.
Source: torch.Tensor.random_.)",
    &box<&random_boxed>)};

constexpr Op::Spec dropout_spec(const char* name, const char* schema, const char* doc,
                                Boxed boxed) {
  return {
      .name = name, .schema = schema, .doc = doc, .flags = kComposite | kRandom, .boxed = boxed};
}

const Op kFeatureDropout{dropout_spec(
    "feature_dropout", "feature_dropout(Tensor self, float p=0.5, bool training=True) -> Tensor",
    R"(dropout of whole channels: all of self[n, c] is kept or zeroed.

Shapes: (N, C, d...) -> the same. Dtypes: floating point.
Errors: as dropout; InvalidArgument for fewer than two dimensions.
Source: Tompson et al. 2015; torch.nn.functional.dropout1d, dropout2d and dropout3d.)",
    &box<&dropout_of<&feature_dropout>>)};
const Op kAlphaDropout{dropout_spec(
    "alpha_dropout", "alpha_dropout(Tensor self, float p=0.5, bool training=True) -> Tensor",
    R"(In training a * (kept ? x : -alpha) + b with alpha = 1.7581, a and b such that a mean of 0 and a
variance of 1 stay; else self.

Shapes: any -> the same. Dtypes: floating point. Errors: as dropout.
Source: Klambauer et al. 2017; torch.nn.functional.alpha_dropout.)",
    &box<&dropout_of<&alpha_dropout>>)};
const Op kFeatureAlphaDropout{
    dropout_spec("feature_alpha_dropout",
                 "feature_alpha_dropout(Tensor self, float p=0.5, bool training=True) -> Tensor",
                 R"(alpha_dropout of whole channels.

Shapes: (N, C, d...) -> the same. Dtypes: floating point. Errors: as feature_dropout.
Source: torch.nn.functional.feature_alpha_dropout.)",
                 &box<&dropout_of<&feature_alpha_dropout>>)};

}  // namespace

Tensor rand_like(const Tensor& self, const TensorOptions& options, Generator* generator) {
  return rand(self.sizes(), {options.dtype_or(self.dtype()), options.device_or(self.device())},
              generator);
}

Tensor randn_like(const Tensor& self, const TensorOptions& options, Generator* generator) {
  return randn(self.sizes(), {options.dtype_or(self.dtype()), options.device_or(self.device())},
               generator);
}

Tensor randint_like(const Tensor& self, int64_t low, int64_t high, const TensorOptions& options,
                    Generator* generator) {
  return randint(low, high, self.sizes(),
                 {options.dtype_or(self.dtype()), options.device_or(self.device())}, generator);
}

Tensor bernoulli(const Tensor& probability, Generator* generator) {
  const RecordingScope off(false);
  const Tensor wide = probabilities("bernoulli", probability);
  return draw_chosen(wide, wide.sizes(), generator).to(probability.dtype());
}

Tensor& bernoulli_(Tensor& self, const Tensor& probability, Generator* generator) {
  check(self.device() == probability.device(), ErrorCode::kDevice, "bernoulli_",
        "all tensors must be on one device, got ", self.device(), " and ", probability.device());
  const Tensor wide = probabilities("bernoulli_", probability);
  check(broadcast_shapes(self.sizes(), wide.sizes(), "bernoulli_") == self.sizes(),
        ErrorCode::kInvalidArgument, "bernoulli_", "the probabilities must broadcast to self, ",
        self.sizes(), ", got ", wide.sizes());
  return self.copy_(draw_chosen(wide, self.sizes(), generator));
}

Tensor normal(const Tensor& mean, const Tensor& stddev, Generator* generator) {
  check_deviations(stddev);
  const Shape sizes = broadcast_shapes(mean.sizes(), stddev.sizes(), "normal");
  return draw_normals(mean, stddev, sizes, mean.options(), generator);
}

Tensor normal(const Tensor& mean, double stddev, Generator* generator) {
  check(stddev >= 0, ErrorCode::kInvalidArgument, "normal", "std must be at least 0, got ", stddev);
  return draw_normals(mean, stddev, mean.sizes(), mean.options(), generator);
}

Tensor normal(double mean, const Tensor& stddev, Generator* generator) {
  check_deviations(stddev);
  return draw_normals(mean, stddev, stddev.sizes(), stddev.options(), generator);
}

Tensor normal(double mean, double stddev, const Shape& sizes, const TensorOptions& options,
              Generator* generator) {
  Tensor result = empty(sizes, options);
  return normal_(result, mean, stddev, generator);
}

Tensor multinomial(const Tensor& weights, int64_t samples, bool replacement, Generator* generator) {
  const RecordingScope off(false);
  check_weights(weights, samples, replacement);
  const Tensor wide = weights.detach().to(ops::accumulate_dtype(weights.dtype()));
  const ops::Draw draw = next_draw(generator);
  return replacement ? draw_with_replacement(wide, samples, draw)
                     : draw_without_replacement(wide, samples, draw);
}

Tensor& exponential_(Tensor& self, double rate, Generator* generator) {
  check_float("exponential_", self.dtype());
  check(rate > 0, ErrorCode::kInvalidArgument, "exponential_", "lambd must be above 0, got ", rate);
  const DType wide = ops::accumulate_dtype(self.dtype());
  return self.copy_(
      draw_exponential(next_draw(generator), self.sizes(), wide, self.device(), rate));
}

Tensor& random_(Tensor& self, std::optional<int64_t> low, std::optional<int64_t> high,
                Generator* generator) {
  if (low && !high) std::swap(low, high);
  const int64_t from = low.value_or(0), to = high.value_or(whole_range(self.dtype()));
  ops::check_integer_range("random_", self.dtype(), from, to);
  const int64_t range = checked_sub(to, from, "random_");
  return self.copy_(
      ops::draw_integers(next_draw(generator), self.sizes(), self.device(), from, range));
}

Tensor feature_dropout(const Tensor& self, double probability, bool training,
                       Generator* generator) {
  constexpr std::string_view kName = "feature_dropout";
  check_probability(kName, probability);
  check_float(kName, self.dtype());
  const Shape sizes = channel_sizes(kName, self);
  if (!training || probability == 0) return self;
  const double keep = 1 - probability;
  const double scale = keep > 0 ? 1 / keep : 0;
  return mul(self, ops::draw_bernoulli(next_draw(generator), sizes, self.options(), keep, scale));
}

Tensor alpha_dropout(const Tensor& self, double probability, bool training, Generator* generator) {
  return drop_to_alpha("alpha_dropout", self, self.sizes(), probability, training, generator);
}

Tensor feature_alpha_dropout(const Tensor& self, double probability, bool training,
                             Generator* generator) {
  constexpr std::string_view kName = "feature_alpha_dropout";
  return drop_to_alpha(kName, self, channel_sizes(kName, self), probability, training, generator);
}

void register_distribution_ops(OpList& list) {
  for (const Op* op :
       {&kRandLike, &kRandnLike, &kRandintLike, &kBernoulliNew, &kNormalNew, &kMultinomial,
        &kExponentialFill, &kRandomFill, &kFeatureDropout, &kAlphaDropout, &kFeatureAlphaDropout})
    list.add(*op);
}

}  // namespace tenon
