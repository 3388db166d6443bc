// Draws. Raw words and f32 uniforms come from the device's Philox; everything else is a pointwise
// program on them, so that every device gives the same numbers.
#include <tenon/runtime/ops/random_internal.h>

#include <cmath>
#include <limits>
#include <numeric>

#include <tenon/runtime/checked.h>
#include <tenon/runtime/dispatch/op_list.h>
#include <tenon/runtime/dispatch/primitives.h>
#include <tenon/runtime/dispatch/program_builder.h>
#include <tenon/runtime/dispatch/record_hooks.h>
#include <tenon/runtime/fork_internal.h>
#include <tenon/runtime/ops/copy.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/philox_internal.h>
#include <tenon/runtime/ops/support_internal.h>
#include <tenon/runtime/ops/view.h>

namespace tenon {
namespace {

// ---- one draw ----

using ops::check_float;
using ops::check_probability;
using ops::Draw;
using ops::draw_bernoulli;
using ops::draw_integers;
using ops::draw_normal;
using ops::next_draw;
using ops::unit_uniform;

// 2⁻²⁴ · word's upper 24 bits, f32.
Tensor uniform_words(const Draw& draw, const Shape& sizes, const Device& device) {
  const Tensor result = empty(sizes, {kFloat32, device});
  primitive::random(result, TN_RANDOM_UNIFORM, draw.seed, draw.offset);
  return result;
}

// Words 2i and 2i + 1 of element i, int64 in [0, 2³²), as two tensors.
std::pair<Tensor, Tensor> word_pairs(const Draw& draw, const Shape& sizes, const Device& device) {
  const Tensor words = empty({sizes.numel(), 2}, {kInt64, device});
  primitive::random(words, TN_RANDOM_BITS, draw.seed, draw.offset);
  return {words.select(1, 0).reshape(sizes), words.select(1, 1).reshape(sizes)};
}

// ---- the programs ----

constexpr Op::Spec program(const char* name, uint32_t (*emit)(ProgramBuilder&)) {
  return {.name = name,
          .schema = "",
          .doc = "A step of a draw, not public.",
          .flags = kPrimitive | kNoGradient,
          .emit = emit};
}

// (word pairs as floats) → 53 bits · 2⁻⁵³.
constinit const Op kUniform53{program("uniform_53", [](ProgramBuilder& p) {
  const auto upper_bits = [&p](size_t i, double scale) {
    return p.op(TN_PROGRAM_FLOOR, p.op(TN_PROGRAM_MUL, p.arg(i), p.constant(scale)));
  };
  const uint32_t high = p.op(TN_PROGRAM_MUL, upper_bits(0, 0x1p-5), p.constant(0x1p-27));
  const uint32_t low = p.op(TN_PROGRAM_MUL, upper_bits(1, 0x1p-6), p.constant(0x1p-53));
  return p.op(TN_PROGRAM_ADD, high, low);
})};

// u, scale = 2^bits → u's upper bits only.
constinit const Op kTruncateUniform{program("truncate_uniform", [](ProgramBuilder& p) {
  const uint32_t whole = p.op(TN_PROGRAM_FLOOR, p.op(TN_PROGRAM_MUL, p.arg(0), p.scalar(0)));
  return p.op(TN_PROGRAM_DIV, whole, p.scalar(0));
})};

// u, range, low → u · range + low.
constinit const Op kAffine{program("affine", [](ProgramBuilder& p) {
  return p.op(TN_PROGRAM_ADD, p.op(TN_PROGRAM_MUL, p.arg(0), p.scalar(0)), p.scalar(1));
})};

// u₁, u₂, mean, stddev → mean + stddev · √(−2 ln(1 − u₁)) · cos(2π u₂) (Box and Muller 1958).
constinit const Op kBoxMuller{program("box_muller", [](ProgramBuilder& p) {
  const uint32_t log = p.op(TN_PROGRAM_LOG1P, p.op(TN_PROGRAM_NEG, p.arg(0)));
  const uint32_t radius = p.op(TN_PROGRAM_SQRT, p.op(TN_PROGRAM_MUL, log, p.constant(-2.0)));
  const uint32_t angle = p.op(TN_PROGRAM_MUL, p.arg(1), p.constant(6.283185307179586));
  const uint32_t normal = p.op(TN_PROGRAM_MUL, radius, p.op(TN_PROGRAM_COS, angle));
  return p.op(TN_PROGRAM_ADD, p.op(TN_PROGRAM_MUL, normal, p.scalar(1)), p.scalar(0));
})};

void decompose_normal(OpCall& call) {
  const Tensor& out = call.outputs[0];
  const DType wide = ops::accumulate_dtype(out.dtype());
  const Draw draw = {static_cast<uint64_t>(call.scalars[0].to_int64()),
                     static_cast<uint64_t>(call.scalars[1].to_int64())};
  const Tensor units = unit_uniform(draw, {out.numel(), 2}, wide, out.device());
  const Tensor values = pointwise(kBoxMuller, {units.select(1, 0), units.select(1, 1)},
                                  {call.scalars[2], call.scalars[3]});
  primitive::copy(out, values.view(out.sizes()));
}

// seed, offset, mean, stddev → a draw of normals.
constinit const Op kRandomNormal{{.name = "random_normal",
                                  .schema = "",
                                  .doc = "A draw of normal numbers, not public.",
                                  .flags = kPrimitive | kNoGradient,
                                  .decompose = &decompose_normal}};

void fill_normal(Tensor out, const Draw& draw, double mean, double stddev) {
  const Scalar scalars[] = {static_cast<int64_t>(draw.seed), static_cast<int64_t>(draw.offset),
                            mean, stddev};
  OpCall call{.op = kRandomNormal,
              .inputs = {},
              .attributes = {},
              .scalars = scalars,
              .outputs = {&out, 1}};
  dispatch(call);
}

// word, range <= 2³¹, low → low + (word · range >> 32).
constinit const Op kNarrowInteger{program("narrow_integer", [](ProgramBuilder& p) {
  const uint32_t product = p.op(TN_PROGRAM_MUL, p.arg(0), p.scalar(0));
  return p.op(TN_PROGRAM_ADD, p.op(TN_PROGRAM_SHR, product, p.constant(32)), p.scalar(1));
})};

// two words, range, low → low + (63 bits rem range).
constinit const Op kWideInteger{program("wide_integer", [](ProgramBuilder& p) {
  const uint32_t upper = p.op(TN_PROGRAM_SHR, p.arg(0), p.constant(1));
  const uint32_t bits = p.op(TN_PROGRAM_OR, p.op(TN_PROGRAM_SHL, upper, p.constant(32)), p.arg(1));
  return p.op(TN_PROGRAM_ADD, p.op(TN_PROGRAM_REM, bits, p.scalar(0)), p.scalar(1));
})};

// u, probability, value → u < probability ? value : 0.
constinit const Op kChoose{program("choose", [](ProgramBuilder& p) {
  const uint32_t chosen = p.emit(TN_PROGRAM_LT, p.dtype(), {p.arg(0), p.scalar(0)});
  return p.op(TN_PROGRAM_WHERE, chosen, p.scalar(1), p.constant(0.0));
})};

// ---- values of a dtype ----

// The greatest value of `dtype` below `value`.
double below(double value, DType dtype) {
  constexpr double kLowest = -std::numeric_limits<double>::infinity();
  return visit(dtype, [value]<class T>(T) -> double {
    if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>) {
      T rounded(value);
      const float near = rounded;
      if (near < value) return near;
      if (near == 0)
        rounded.bits = 0x8001;
      else
        rounded.bits = static_cast<uint16_t>(near > 0 ? rounded.bits - 1 : rounded.bits + 1);
      return static_cast<float>(rounded);
    } else if constexpr (std::is_same_v<T, float>) {
      const float near = static_cast<float>(value);
      return near < value ? near : std::nextafter(near, static_cast<float>(kLowest));
    } else {
      return std::nextafter(value, kLowest);
    }
  });
}

Tensor draw_uniform(const Draw& draw, const Shape& sizes, const TensorOptions& options, double low,
                    double high) {
  const DType dtype = options.dtype();
  const Tensor unit = unit_uniform(draw, sizes, dtype, options.device());
  if (low == 0 && high == 1) return unit;
  const Tensor wide = unit.to(ops::accumulate_dtype(dtype));
  const Tensor scaled = pointwise(kAffine, {wide}, {high - low, low}).to(dtype);
  return clamp(scaled, low, std::max(low, below(high, dtype)));
}

void check_sizes(std::string_view op, const Shape& sizes) {
  for (const int64_t size : sizes)
    check(size >= 0, ErrorCode::kInvalidArgument, op, "sizes must not be negative, got ", sizes);
}

// ---- records ----

Tensor rand_boxed(const Shape& sizes, const TensorOptions& options) { return rand(sizes, options); }
Tensor randn_boxed(const Shape& sizes, const TensorOptions& options) {
  return randn(sizes, options);
}
Tensor randint_boxed(int64_t low, int64_t high, const Shape& sizes, const TensorOptions& options) {
  return randint(low, high, sizes, options);
}
Tensor randperm_boxed(int64_t n, const TensorOptions& options) { return randperm(n, options); }
Tensor& uniform_boxed(Tensor& self, std::optional<double> low, std::optional<double> high) {
  return uniform_(self, low.value_or(0), high.value_or(1));
}
Tensor& normal_boxed(Tensor& self, std::optional<double> mean, std::optional<double> stddev) {
  return normal_(self, mean.value_or(0), stddev.value_or(1));
}
Tensor& bernoulli_boxed(Tensor& self, std::optional<Operand> probability) {
  if (probability && probability->is_tensor()) return bernoulli_(self, probability->tensor());
  return bernoulli_(self, probability ? probability->scalar().to_double() : 0.5);
}
Tensor dropout_boxed(const Tensor& self, std::optional<double> probability,
                     std::optional<bool> training) {
  return dropout(self, probability.value_or(0.5), training.value_or(true));
}

constexpr uint32_t kDraws = kComposite | kRandom | kNoGradient;

const Op kRand{{
    .name = "rand",
    .schema = "rand(int[] size, *, dtype=None, device=None) -> Tensor",
    .doc =
        R"(Uniform in [0, 1): k * 2^-b with b = 24 for f32, 53 for f64, 11 for f16, 8 for bf16 upper bits
of the element's Philox word(s), so that 1 never appears.

Shapes: size. Dtypes: floating point. Bits: the same on every device.
Errors: DType; InvalidArgument for negative sizes.
Source: torch.rand; Salmon et al. 2011.)",
    .flags = kDraws,
    .boxed = &box<&rand_boxed>,
}};

const Op kRandn{{
    .name = "randn",
    .schema = "randn(int[] size, *, dtype=None, device=None) -> Tensor",
    .doc =
        R"(Normal with mean 0 and variance 1, from words 2i and 2i + 1 of element i by Box and Muller.

Shapes: size. Dtypes: floating point; f16 and bf16 are rounded from f32. Devices agree to 4 ULP.
Errors: DType; InvalidArgument for negative sizes.
Source: torch.randn.)",
    .flags = kDraws,
    .boxed = &box<&randn_boxed>,
}};

const Op kRandint{{
    .name = "randint",
    .schema = "randint(int low, int high, int[] size, *, dtype=int64, device=None) -> Tensor",
    .doc =
        R"(Integers in [low, high): low + (word * range >> 32), from two words and a remainder where
the range is above 2^31.

Shapes: size. Dtypes: any, default int64. Bits: the same on every device.
Errors: InvalidArgument unless low < high, high - low fits in 63 bits and the dtype holds them all.
Source: torch.randint.)",
    .flags = kDraws,
    .boxed = &box<&randint_boxed>,
}};

const Op kRandperm{{
    .name = "randperm",
    .schema = "randperm(int n, *, dtype=int64, device=None) -> Tensor",
    .doc = R"(A random permutation of 0 ... n - 1 (Fisher and Yates), drawn on the host.

Shapes: (n). Dtypes: any, default int64. Bits: the same on every device.
Errors: InvalidArgument unless 0 <= n <= 2^31 and the dtype holds them all.
Source: torch.randperm.)",
    .flags = kDraws,
    .boxed = &box<&randperm_boxed>,
}};

const Op kUniform{{
    .name = "uniform_",
    .schema = "uniform_(Tensor self, float low=0, float high=1) -> Tensor",
    .doc = R"(Fills self from U[low, high): rand scaled; high itself never appears.

Dtypes: floating point. Errors: DType; InvalidArgument unless low <= high.
Source: torch.Tensor.uniform_.)",
    .flags = kDraws,
    .boxed = &box<&uniform_boxed>,
}};

const Op kNormal{{
    .name = "normal_",
    .schema = "normal_(Tensor self, float mean=0, float std=1) -> Tensor",
    .doc = R"(Fills self from N(mean, std^2), as randn.

Dtypes: floating point. Errors: DType; InvalidArgument for std < 0.
Source: torch.Tensor.normal_.)",
    .flags = kDraws,
    .boxed = &box<&normal_boxed>,
}};

const Op kBernoulli{{
    .name = "bernoulli_",
    .schema = "bernoulli_(Tensor self, Tensor|float p=0.5) -> Tensor",
    .doc =
        R"(Fills self with 1 with probability p, else 0: a 24-bit uniform < p (53 bits for an f64 p). A
tensor p broadcasts to self; its values are read.

Dtypes: any. Bits: the same on every device.
Errors: InvalidArgument unless 0 <= p <= 1, or a tensor p does not broadcast; DType for one of
  integers.
Source: torch.Tensor.bernoulli_.)",
    .flags = kDraws,
    .boxed = &box<&bernoulli_boxed>,
}};

const Op kDropout{{
    .name = "dropout",
    .schema = "dropout(Tensor self, float p=0.5, bool training=True) -> Tensor",
    .doc =
        R"(In training, every element is zeroed with probability p and the others are multiplied by
1 / (1 - p); else self.

Shapes: any -> the same. Dtypes: floating point.
Errors: InvalidArgument unless 0 <= p <= 1; DType.
Source: Srivastava et al. 2014; torch.nn.functional.dropout.)",
    .flags = kComposite | kRandom,
    .boxed = &box<&dropout_boxed>,
}};

}  // namespace

namespace ops {

Draw next_draw(Generator* generator) {
  Generator& fallback = default_generator();
  if (generator != nullptr && generator != &fallback)
    return {generator->seed(), generator->next_offset()};
  const ForkLock lock(ForkLockId::kGenerator);
  return {fallback.seed(), fallback.next_offset()};
}

Tensor unit_uniform(const Draw& draw, const Shape& sizes, DType dtype, const Device& device) {
  if (dtype == kFloat64) {
    const auto [high, low] = word_pairs(draw, sizes, device);
    return pointwise(kUniform53, {high.to(kFloat64), low.to(kFloat64)});
  }
  const Tensor words = uniform_words(draw, sizes, device);
  if (dtype == kFloat32) return words;
  const double scale = dtype == kFloat16 ? 0x1p11 : 0x1p8;
  return pointwise(kTruncateUniform, {words}, {scale}).to(dtype);
}

Tensor draw_normal(const Draw& draw, const Shape& sizes, const TensorOptions& options, double mean,
                   double stddev) {
  const Tensor result = empty(sizes, options);
  fill_normal(result, draw, mean, stddev);
  return result;
}

Tensor draw_bernoulli(const Draw& draw, const Shape& sizes, const TensorOptions& options,
                      double probability, double value) {
  Tensor words = uniform_words(draw, sizes, options.device());
  if (options.dtype() == kFloat64) words = words.to(kFloat64);  // so that `value` is exact
  return pointwise(kChoose, {words}, {probability, value}).to(options.dtype());
}

Tensor draw_integers(const Draw& draw, const Shape& sizes, const Device& device, int64_t low,
                     int64_t range) {
  if (range <= int64_t{1} << 31) {
    const Tensor words = empty(sizes, {kInt64, device});
    primitive::random(words, TN_RANDOM_BITS, draw.seed, draw.offset);
    return pointwise(kNarrowInteger, {words}, {range, low});
  }
  const auto [first, second] = word_pairs(draw, sizes, device);
  return pointwise(kWideInteger, {first, second}, {range, low});
}

void check_float(std::string_view op, DType dtype) {
  check(is_floating_point(dtype), ErrorCode::kDType, op, "a floating point dtype is needed, got ",
        dtype);
}

void check_probability(std::string_view op, double probability) {
  check(probability >= 0 && probability <= 1, ErrorCode::kInvalidArgument, op,
        "a probability must be between 0 and 1, got ", probability);
}

void check_integer_range(std::string_view op, DType dtype, int64_t low, int64_t high) {
  check(low < high, ErrorCode::kInvalidArgument, op, "low must be less than high, got ", low,
        " and ", high);
  if (is_floating_point(dtype) || dtype == kInt64) return;
  const int64_t bits = size_bytes(dtype) * 8;
  const bool is_signed = dtype != kUInt8 && dtype != kBool;
  const int64_t greatest = dtype == kBool ? 1 : (int64_t{1} << (is_signed ? bits - 1 : bits)) - 1;
  const int64_t least = is_signed ? -greatest - 1 : 0;
  check(low >= least && high - 1 <= greatest, ErrorCode::kInvalidArgument, op, "[", low, ", ", high,
        ") is out of bounds for ", dtype);
}

}  // namespace ops

Generator& default_generator() {
  static Generator& generator = *new Generator;
  return generator;
}

void manual_seed(uint64_t seed) {
  Generator& generator = default_generator();
  const ForkLock lock(ForkLockId::kGenerator);
  generator.manual_seed(seed);
}

Tensor rand(const Shape& sizes, const TensorOptions& options, Generator* generator) {
  check_float("rand", options.dtype());
  check_sizes("rand", sizes);
  return draw_uniform(next_draw(generator), sizes, options, 0, 1);
}

Tensor randn(const Shape& sizes, const TensorOptions& options, Generator* generator) {
  check_float("randn", options.dtype());
  check_sizes("randn", sizes);
  return draw_normal(next_draw(generator), sizes, options, 0, 1);
}

Tensor randint(int64_t low, int64_t high, const Shape& sizes, const TensorOptions& options,
               Generator* generator) {
  ops::check_integer_range("randint", options.dtype_or(kInt64), low, high);
  check_sizes("randint", sizes);
  const int64_t range = checked_sub(high, low, "randint");
  return draw_integers(next_draw(generator), sizes, options.device(), low, range)
      .to(options.dtype_or(kInt64));
}

Tensor randperm(int64_t n, const TensorOptions& options, Generator* generator) {
  check(n >= 0 && n <= int64_t{1} << 31, ErrorCode::kInvalidArgument, "randperm",
        "n must be between 0 and 2^31, got ", n);
  if (n > 0) ops::check_integer_range("randperm", options.dtype_or(kInt64), 0, n);
  const Draw draw = next_draw(generator);
  std::vector<int64_t> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), int64_t{0});
  for (size_t i = order.size(); i > 1; --i) {
    const uint64_t word = ops::philox_word(draw.seed, draw.offset, i - 1);
    std::swap(order[i - 1], order[static_cast<size_t>(word * i >> 32)]);
  }
  return tensor(order, options.dtype(options.dtype_or(kInt64)));
}

Tensor& uniform_(Tensor& self, double low, double high, Generator* generator) {
  check_float("uniform_", self.dtype());
  check(low <= high && std::isfinite(high - low), ErrorCode::kInvalidArgument, "uniform_",
        "low must be at most high and both finite, got ", low, " and ", high);
  return self.copy_(draw_uniform(next_draw(generator), self.sizes(), self.options(), low, high));
}

Tensor& normal_(Tensor& self, double mean, double stddev, Generator* generator) {
  check_float("normal_", self.dtype());
  check(stddev >= 0, ErrorCode::kInvalidArgument, "normal_", "std must be at least 0, got ",
        stddev);
  const Draw draw = next_draw(generator);
  // What has a history loses it by copy_.
  if (!self.is_contiguous() || (recording_enabled() && self.impl()->in_graph()))
    return self.copy_(draw_normal(draw, self.sizes(), self.options(), mean, stddev));
  check_writable(self, "normal_");
  fill_normal(self, draw, mean, stddev);
  self.impl()->storage->bump_version();
  return self;
}

Tensor& bernoulli_(Tensor& self, double probability, Generator* generator) {
  check_probability("bernoulli_", probability);
  return self.copy_(
      draw_bernoulli(next_draw(generator), self.sizes(), self.options(), probability, 1));
}

Tensor dropout(const Tensor& self, double probability, bool training, Generator* generator) {
  check_probability("dropout", probability);
  check_float("dropout", self.dtype());
  if (!training || probability == 0) return self;
  const double keep = 1 - probability;
  const double scale = keep > 0 ? 1 / keep : 0;
  return mul(self, draw_bernoulli(next_draw(generator), self.sizes(), self.options(), keep, scale));
}

void register_random_ops(OpList& list) {
  for (const Op* op :
       {&kRand, &kRandn, &kRandint, &kRandperm, &kUniform, &kNormal, &kBernoulli, &kDropout})
    list.add(*op);
  register_distribution_ops(list);
}

}  // namespace tenon
