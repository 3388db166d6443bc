// Every normalisation is one pass of the same kind: statistics over some dimensions of the input,
// then an affine map. Statistics of f16 and bf16 are kept in f32.
#include <tenon/runtime/ops/normalization.h>

#include <limits>
#include <vector>

#include <tenon/runtime/dispatch/op_list.h>
#include <tenon/runtime/dispatch/primitives.h>
#include <tenon/runtime/dispatch/program_builder.h>
#include <tenon/runtime/dispatch/record_hooks.h>
#include <tenon/runtime/ops/normalization_internal.h>
#include <tenon/runtime/ops/support_internal.h>
#include <tenon/runtime/ops/view.h>

namespace tenon {
namespace {

// ---- programs ----

constexpr Op::Spec program(const char* name, uint32_t (*emit)(ProgramBuilder&)) {
  return {.name = name,
          .schema = "",
          .doc = "A step of a normalisation, not public.",
          .flags = kPrimitive | kNoGradient,
          .emit = emit};
}

// x - mean where there is a mean, else x.
uint32_t centred(ProgramBuilder& p, size_t x, bool has_mean) {
  return has_mean ? p.op(TN_PROGRAM_SUB, p.arg(x), p.arg(x + 1)) : p.arg(x);
}

// x, mean or nothing → (x - mean)².
constinit const Op kCentredSquare{program("centred_square", [](ProgramBuilder& p) {
  const uint32_t x = centred(p, 0, p.attribute(0) != 0);
  return p.op(TN_PROGRAM_MUL, x, x);
})};

// x → x·factor.
constinit const Op kScale{program(
    "scale", [](ProgramBuilder& p) { return p.op(TN_PROGRAM_MUL, p.arg(0), p.scalar(0)); })};

// var → 1/√(var + eps).
constinit const Op kRstd{program("rstd", [](ProgramBuilder& p) {
  return p.op(TN_PROGRAM_RSQRT, p.op(TN_PROGRAM_ADD, p.arg(0), p.scalar(0)));
})};

// x, [mean], rstd, [weight], [bias]; the attributes say which are there.
constinit const Op kApply{program("standardize_apply", [](ProgramBuilder& p) {
  const bool has_mean = p.attribute(0) != 0;
  size_t next = has_mean ? 2 : 1;
  uint32_t y = p.op(TN_PROGRAM_MUL, centred(p, 0, has_mean), p.arg(next++));
  if (p.attribute(1) != 0) y = p.op(TN_PROGRAM_MUL, y, p.arg(next++));
  if (p.attribute(2) != 0) y = p.op(TN_PROGRAM_ADD, y, p.arg(next++));
  return y;
})};

// grad, rstd, x, [mean] → grad·(x - mean)·rstd.
constinit const Op kGradUnit{program("standardize_grad_unit", [](ProgramBuilder& p) {
  const uint32_t unit = p.op(TN_PROGRAM_MUL, centred(p, 2, p.attribute(0) != 0), p.arg(1));
  return p.op(TN_PROGRAM_MUL, p.arg(0), unit);
})};

// a, b → a·b.
constinit const Op kProduct{program("standardize_product", [](ProgramBuilder& p) {
  return p.op(TN_PROGRAM_MUL, p.arg(0), p.arg(1));
})};

// sum, rstd → sum·rstd·factor, and sum, rstd → sum·rstd²·factor.
constinit const Op kGradShift{program("standardize_grad_shift", [](ProgramBuilder& p) {
  return p.op(TN_PROGRAM_MUL, p.op(TN_PROGRAM_MUL, p.arg(0), p.arg(1)), p.scalar(0));
})};
constinit const Op kGradSlope{program("standardize_grad_slope", [](ProgramBuilder& p) {
  const uint32_t square = p.op(TN_PROGRAM_MUL, p.arg(1), p.arg(1));
  return p.op(TN_PROGRAM_MUL, p.op(TN_PROGRAM_MUL, p.arg(0), square), p.scalar(0));
})};

// grad, scale, slope, x, [mean, shift] → grad·scale - (x - mean)·slope - shift.
constinit const Op kGradApply{program("standardize_grad_apply", [](ProgramBuilder& p) {
  const bool has_mean = p.attribute(0) != 0;
  const uint32_t bend = p.op(TN_PROGRAM_MUL, centred(p, 3, has_mean), p.arg(2));
  const uint32_t y = p.op(TN_PROGRAM_SUB, p.op(TN_PROGRAM_MUL, p.arg(0), p.arg(1)), bend);
  return has_mean ? p.op(TN_PROGRAM_SUB, y, p.arg(5)) : y;
})};

// self, value → (1 - momentum)·self + momentum·factor·value.
constinit const Op kRunning{program("running_average", [](ProgramBuilder& p) {
  const uint32_t kept = p.op(TN_PROGRAM_MUL, p.arg(0), p.scalar(0));
  return p.op(TN_PROGRAM_ADD, kept, p.op(TN_PROGRAM_MUL, p.arg(1), p.scalar(1)));
})};

// ---- pieces ----

uint32_t mask_of(const OpCall& call) { return static_cast<uint32_t>(call.attributes[0]); }

Shape reduced_sizes(const Shape& sizes, uint32_t mask) {
  Shape result = sizes;
  for (int64_t d = 0; d < sizes.rank(); ++d)
    if ((mask >> d & 1u) != 0) result[d] = 1;
  return result;
}

int64_t reduced_count(const Shape& sizes, uint32_t mask) {
  int64_t count = 1;
  for (int64_t d = 0; d < sizes.rank(); ++d)
    if ((mask >> d & 1u) != 0) count *= sizes[d];
  return count;
}

// Σ over the dimensions of the mask, which keep an extent of 1.
Tensor sum_over(const Tensor& x, uint32_t mask) {
  if (mask == 0) return x;
  const DType wide = ops::accumulate_dtype(x.dtype());
  const Tensor result = empty(reduced_sizes(x.sizes(), mask), {wide, x.device()});
  primitive::reduce(result, x.to(wide), TN_REDUCE_SUM, mask);
  return result;
}

void mean_over(Tensor out, const Tensor& x, uint32_t mask) {
  const auto count = static_cast<double>(reduced_count(x.sizes(), mask));
  primitive::reduce(out, x.to(out.dtype()), TN_REDUCE_SUM, mask);
  pointwise_out(kScale, out, {out}, {1 / count});
}

// With leading extents of 1 up to the rank of the input.
Tensor aligned(const Tensor& parameter, int64_t rank) {
  Shape sizes;
  for (int64_t d = parameter.dim(); d < rank; ++d) sizes.push_back(1);
  return parameter.reshape(sizes + parameter.sizes());
}

// Weight or bias: a floating point tensor that broadcasts to the input, on its device; f32 may
// join f16 and bf16.
void check_parameter(std::string_view op, const Tensor& input, const Tensor& parameter,
                     const char* what) {
  if (!parameter.defined()) return;
  check(parameter.device() == input.device(), ErrorCode::kDevice, op,
        "all tensors must be on one device, got ", input.device(), " and ", parameter.device(),
        "; move one with to()");
  check(parameter.dtype() == input.dtype() ||
            parameter.dtype() == ops::accumulate_dtype(input.dtype()),
        ErrorCode::kDType, op, what, " must have the dtype of input, ", input.dtype(),
        ", or its accumulator, got ", parameter.dtype(), "; convert it with to()");
}

void check_input(std::string_view op, const Tensor& input) {
  check(input.is_floating_point(), ErrorCode::kDType, op, "a floating point dtype is needed, got ",
        input.dtype(), "; convert it with to()");
}

void check_broadcasts(const OpCall& call, const Tensor& input, const Tensor& parameter,
                      const char* what) {
  check_parameter(call.op.name(), input, parameter, what);
  if (!parameter.defined()) return;
  bool fits = parameter.dim() <= input.dim();
  for (int64_t d = 1; fits && d <= parameter.dim(); ++d)
    fits = parameter.size(-d) == 1 || parameter.size(-d) == input.size(-d);
  check(fits, ErrorCode::kInvalidArgument, call.op.name(), what, " must broadcast to input, got ",
        parameter.sizes(), " for ", input.sizes());
}

// ---- standardize and rms_norm: (statistics, result) ----

// The last output is the result, those before it the statistics.
void infer_standardize(OpCall& call) {
  const Tensor& input = *call.inputs[0];
  ops::check_floating(call, input);
  check(input.dim() > 0, ErrorCode::kInvalidArgument, call.op.name(),
        "input needs at least one dimension, got ", input.sizes());
  check_broadcasts(call, input, *call.inputs[1], "weight");
  if (call.inputs.size() > 2) check_broadcasts(call, input, *call.inputs[2], "bias");
  const Shape statistics = reduced_sizes(input.sizes(), mask_of(call));
  const size_t last = call.outputs.size() - 1;
  for (size_t i = 0; i < last; ++i)
    ops::give_output(call, i, statistics, ops::accumulate_dtype(input.dtype()));
  ops::give_output(call, last, input.sizes(), input.dtype());
}

void apply(const Tensor& out, const Tensor& x, const Tensor& mean, const Tensor& rstd,
           const Tensor& weight, const Tensor& bias) {
  Tensor target = out;
  const bool m = mean.defined(), w = weight.defined(), b = bias.defined();
  const auto call = [&](std::initializer_list<Operand> operands) {
    pointwise_out(kApply, target, operands, {}, {m ? 1 : 0, w ? 1 : 0, b ? 1 : 0});
  };
  if (m && w && b) return call({x, mean, rstd, weight, bias});
  if (m && w) return call({x, mean, rstd, weight});
  if (m && b) return call({x, mean, rstd, bias});
  if (m) return call({x, mean, rstd});
  return w ? call({x, rstd, weight}) : call({x, rstd});
}

void decompose_standardize(OpCall& call) {
  const Tensor& x = *call.inputs[0];
  const Tensor &mean = call.outputs[0], &var = call.outputs[1];
  const uint32_t mask = mask_of(call);
  if (x.numel() == 0) {
    primitive::fill(mean, 0);
    primitive::fill(var, 0);
    return;
  }
  mean_over(mean, x, mask);
  mean_over(var, pointwise(kCentredSquare, {x, mean}, {}, {1}), mask);
  const Tensor rstd = pointwise(kRstd, {var}, {call.scalars[0]});
  apply(call.outputs[2], x, mean, rstd, *call.inputs[1], *call.inputs[2]);
}

void decompose_rms_norm(OpCall& call) {
  const Tensor& x = *call.inputs[0];
  const Tensor& square = call.outputs[0];
  if (x.numel() == 0) return primitive::fill(square, 0);
  const Tensor wide = x.to(square.dtype());
  mean_over(square, pointwise(kCentredSquare, {wide}, {}, {0}), mask_of(call));
  const Tensor rstd = pointwise(kRstd, {square}, {call.scalars[0]});
  apply(call.outputs[1], x, {}, rstd, *call.inputs[1], {});
}

// ---- their gradients ----

// grad, input, mean or nothing, var, weight or nothing. Outputs: those that attribute 1 asks for.
void infer_grad(OpCall& call) {
  const Tensor& grad = *call.inputs[0];
  const Tensor& input = *call.inputs[1];
  const Tensor& weight = *call.inputs[4];
  ops::check_floating(call, input);
  ops::check_one_device(call);
  check(grad.sizes() == input.sizes() && grad.dtype() == input.dtype(), ErrorCode::kInvalidArgument,
        call.op.name(), "grad must be like input, ", input, ", got ", grad);
  const Shape statistics = reduced_sizes(input.sizes(), mask_of(call));
  for (const Tensor* statistic : {call.inputs[2], call.inputs[3]}) {
    if (!statistic->defined()) continue;
    check(statistic->sizes() == statistics, ErrorCode::kInvalidArgument, call.op.name(),
          "mean and var must have sizes ", statistics, " for input ", input.sizes(), ", got ",
          statistic->sizes());
  }
  check_broadcasts(call, input, weight, "weight");
  check(weight.defined() || call.attributes[1] == 1, ErrorCode::kInvalidArgument, call.op.name(),
        "gradients of weight and bias need the weight");
  size_t next = 0;
  if ((call.attributes[1] & 1) != 0) ops::give_output(call, next++, input.sizes(), input.dtype());
  for (int64_t bits = call.attributes[1] >> 1; bits != 0; bits &= bits - 1)
    ops::give_output(call, next++, weight.sizes(), weight.dtype());
}

struct GradParts {
  Tensor unit, grad;  // grad·x̂ and grad, summed over where the weight is constant
  uint32_t summed = 0;
};

// Dimensions along which there is one value only.
uint32_t single_dims(const Shape& sizes) {
  uint32_t mask = 0;
  for (int64_t d = 0; d < sizes.rank(); ++d)
    if (sizes[d] == 1) mask |= 1u << d;
  return mask;
}

Tensor product(const Tensor& a, const Tensor& b) { return pointwise(kProduct, {a, b}); }

// With x̂ = (x - mean)·rstd and h = grad·weight:
// rstd·(h - mean of h - x̂·mean of (h·x̂)), the means over the reduced dimensions.
void input_grad(const OpCall& call, const GradParts& parts, const Tensor& weight,
                const Tensor& rstd) {
  const Tensor &grad = *call.inputs[0], &x = *call.inputs[1], &mean = *call.inputs[2];
  Tensor out = call.outputs[0];
  const uint32_t mask = mask_of(call), rest = mask & ~parts.summed;
  const double factor = 1 / static_cast<double>(reduced_count(x.sizes(), mask));
  Tensor weighted = grad, scale = rstd;
  Tensor unit = parts.unit, total = parts.grad;
  if (weight.defined()) {
    unit = product(unit, weight);
    if (parts.summed == 0)
      weighted = total = product(grad.to(rstd.dtype()), weight);
    else
      scale = product(rstd, weight);
    if (parts.summed != 0 && mean.defined()) total = product(total, weight);
  }
  const Tensor slope = pointwise(kGradSlope, {sum_over(unit, rest), rstd}, {factor});
  if (!mean.defined()) {
    pointwise_out(kGradApply, out, {weighted, scale, slope, x}, {}, {0});
    return;
  }
  const Tensor shift = pointwise(kGradShift, {sum_over(total, rest), rstd}, {factor});
  pointwise_out(kGradApply, out, {weighted, scale, slope, x, mean, shift}, {}, {1});
}

void decompose_grad(OpCall& call) {
  const Tensor &grad = *call.inputs[0], &x = *call.inputs[1], &mean = *call.inputs[2];
  const int64_t wanted = call.attributes[1];
  if (x.numel() == 0) {
    for (const Tensor& output : call.outputs) primitive::fill(output, 0);
    return;
  }
  const Tensor rstd = pointwise(kRstd, {*call.inputs[3]}, {call.scalars[0]});
  Tensor weight = *call.inputs[4];
  if (weight.defined()) weight = aligned(weight, x.dim());
  const uint32_t constant = weight.defined() ? single_dims(weight.sizes()) : ~0u;
  const bool m = mean.defined();
  GradParts parts;
  parts.summed = mask_of(call) & constant & ~single_dims(x.sizes());
  const Tensor unit = m ? pointwise(kGradUnit, {grad, rstd, x, mean}, {}, {1})
                        : pointwise(kGradUnit, {grad, rstd, x}, {}, {0});
  parts.unit = sum_over(unit, parts.summed);
  if (m || (wanted & 4) != 0) parts.grad = sum_over(grad, parts.summed);
  size_t next = 0;
  if ((wanted & 1) != 0) {
    input_grad(call, parts, weight, rstd);
    ++next;
  }
  const uint32_t batch = constant & ~parts.summed;
  const auto give = [&](const Tensor& part) {
    const Tensor& out = call.outputs[next++];
    primitive::copy(out, sum_over(part, batch).view(out.sizes()));
  };
  if ((wanted & 2) != 0) give(parts.unit);
  if ((wanted & 4) != 0) give(parts.grad);
}

// ---- records ----

std::vector<Tensor> standardize_boxed(const Tensor& input, const Tensor& weight, const Tensor& bias,
                                      const Shape& dims, std::optional<double> eps) {
  const Standardized result = standardize(input, weight, bias, dims, eps.value_or(1e-5));
  return {result.mean, result.var, result.output};
}

std::vector<Tensor> grad_boxed(const Tensor& grad, const Tensor& input, const Tensor& mean,
                               const Tensor& var, const Tensor& weight, const Shape& dims,
                               std::optional<double> eps) {
  const StandardizeGrads grads = standardize_grad(grad, input, mean, var, weight, dims,
                                                  eps.value_or(1e-5), weight.defined() ? 7 : 1);
  if (!weight.defined()) return {grads.input};
  return {grads.input, grads.weight, grads.bias};
}

Tensor layer_norm_boxed(const Tensor& input, const Shape& normalized_shape, const Tensor& weight,
                        const Tensor& bias, std::optional<double> eps) {
  return layer_norm(input, normalized_shape, weight, bias, eps.value_or(1e-5));
}

Tensor rms_norm_boxed(const Tensor& input, const Shape& normalized_shape, const Tensor& weight,
                      std::optional<double> eps) {
  return rms_norm(input, normalized_shape, weight, eps);
}

const Op kStandardize{{
    .name = "standardize",
    .schema = "standardize(Tensor input, Tensor? weight, Tensor? bias, int[] dims, "
              "float eps=1e-05) -> (Tensor mean, Tensor var, Tensor output)",
    .doc =
        R"(output = (input - mean) / sqrt(var + eps) * weight + bias, with the mean and the biased variance
over dims. The core of batch, instance, layer and group normalisation.

Shapes: input of 1 or more dimensions, weight and bias broadcast to it -> mean and var with extents
  of 1 in dims, output like input.
Dtypes: floating point; statistics of f16 and bf16 are computed and returned in f32, and their
  weight and bias may be f32.
Errors: DType; InvalidArgument when weight or bias do not broadcast; Index for a bad dim.
Source: Ioffe and Szegedy 2015, Ba et al. 2016, Wu and He 2018.)",
    .boxed = &box<&standardize_boxed>,
    .infer = &infer_standardize,
    .decompose = &decompose_standardize,
}};

const Op kStandardizeGrad{{
    .name = "standardize_grad",
    .schema = "standardize_grad(Tensor grad, Tensor input, Tensor? mean, Tensor var, Tensor? "
              "weight, int[] dims, float eps=1e-05) -> Tensor[]",
    .doc =
        R"(Gradients of standardize with respect to input, weight and bias from the gradient of its output
(without weight of input alone). Without mean those of rms_norm, where var is the mean square.
Has no history of its own: a pass that is recorded uses the formula in public ops.

Shapes: grad and input the same; mean and var as standardize returns them -> sizes of input, weight
  and weight.
Dtypes: as standardize.
Errors: InvalidArgument when sizes do not go together; DType; Device.)",
    .flags = kNoGradient,
    .boxed = &box<&grad_boxed>,
    .infer = &infer_grad,
    .decompose = &decompose_grad,
}};

const Op kRmsNorm{{
    .name = "rms_norm",
    .schema = "rms_norm(Tensor input, int[] normalized_shape, Tensor? weight=None, "
              "float? eps=None) -> Tensor",
    .doc = R"(input / sqrt(mean of input^2 + eps) * weight, the mean over the last dimensions.

Shapes: the last sizes of input are normalized_shape, which weight has too -> sizes of input.
Dtypes: floating point; the mean square of f16 and bf16 is kept in f32. eps=None is the f32 (f64)
  epsilon.
Errors: InvalidArgument when sizes do not match; DType; Device.
Source: Zhang and Sennrich 2019; torch.nn.functional.rms_norm.)",
    .boxed = &box<&rms_norm_boxed>,
    .infer = &infer_standardize,
    .decompose = &decompose_rms_norm,
}};

const Op kLayerNorm{{
    .name = "layer_norm",
    .schema = "layer_norm(Tensor input, int[] normalized_shape, Tensor? weight=None, Tensor? "
              "bias=None, float eps=1e-05) -> Tensor",
    .doc =
        R"((input - mean) / sqrt(var + eps) * weight + bias, mean and biased variance over the last
dimensions.

Shapes: the last sizes of input are normalized_shape, which weight and bias have too -> sizes of
  input.
Dtypes: floating point; statistics of f16 and bf16 are kept in f32.
Errors: InvalidArgument when sizes do not match; DType; Device.
Source: Ba, Kiros and Hinton 2016; torch.nn.functional.layer_norm.)",
    .flags = kComposite,
    .boxed = &box<&layer_norm_boxed>,
}};

Shape last_dims(const Tensor& input, int64_t count) {
  Shape dims;
  for (int64_t d = input.dim() - count; d < input.dim(); ++d) dims.push_back(d);
  return dims;
}

// The last sizes of input are normalized_shape, and weight and bias have it.
void check_normalized(std::string_view op, const Tensor& input, const Shape& normalized,
                      const Tensor& weight, const Tensor& bias) {
  check_input(op, input);
  const int64_t rank = normalized.rank(), lead = input.dim() - rank;
  check(rank > 0, ErrorCode::kInvalidArgument, op,
        "normalized_shape needs at least one dimension, got ()");
  check(lead >= 0 && input.sizes().slice(lead, input.dim()) == normalized,
        ErrorCode::kInvalidArgument, op, "the last sizes of input must be normalized_shape ",
        normalized, ", got ", input.sizes());
  for (const Tensor* parameter : {&weight, &bias}) {
    if (!parameter->defined()) continue;
    check(parameter->sizes() == normalized, ErrorCode::kInvalidArgument, op,
          "weight and bias must have the sizes of normalized_shape ", normalized, ", got ",
          parameter->sizes());
  }
  check_parameter(op, input, weight, "weight");
  check_parameter(op, input, bias, "bias");
}

}  // namespace

namespace ops {

void check_norm_input(std::string_view op, const Tensor& input) { check_input(op, input); }

void check_norm_parameter(std::string_view op, const Tensor& input, const Tensor& parameter,
                          const char* what) {
  check_parameter(op, input, parameter, what);
}

void update_running(const Tensor& running, const Tensor& value, double momentum, double factor) {
  if (!running.defined()) return;
  const RecordingScope off(false);
  Tensor self = running;
  pointwise_(kRunning, self, {value.view(running.sizes())}, {1 - momentum, momentum * factor});
}

}  // namespace ops

Standardized standardize(const Tensor& input, const Tensor& weight, const Tensor& bias,
                         const Shape& dims, double eps) {
  const int64_t attributes[] = {dim_mask(dims, input.dim(), "standardize")};
  const Scalar scalars[] = {eps};
  const Tensor* inputs[] = {&input, &weight, &bias};
  Tensor outputs[3];
  OpCall call{.op = kStandardize,
              .inputs = inputs,
              .attributes = attributes,
              .scalars = scalars,
              .outputs = outputs};
  dispatch(call);
  return {outputs[0], outputs[1], outputs[2]};
}

StandardizeGrads standardize_grad(const Tensor& grad, const Tensor& input, const Tensor& mean,
                                  const Tensor& var, const Tensor& weight, const Shape& dims,
                                  double eps, uint32_t wanted) {
  const int64_t attributes[] = {dim_mask(dims, input.dim(), "standardize_grad"),
                                static_cast<int64_t>(wanted & 7u)};
  const Scalar scalars[] = {eps};
  const Tensor* inputs[] = {&grad, &input, &mean, &var, &weight};
  Tensor outputs[3];
  size_t count = 0;
  for (uint32_t bits = wanted & 7u; bits != 0; bits &= bits - 1) ++count;
  OpCall call{.op = kStandardizeGrad,
              .inputs = inputs,
              .attributes = attributes,
              .scalars = scalars,
              .outputs = std::span(outputs).first(count)};
  if (count > 0) dispatch(call);
  StandardizeGrads result;
  size_t next = 0;
  if ((wanted & 1) != 0) result.input = outputs[next++];
  if ((wanted & 2) != 0) result.weight = outputs[next++];
  if ((wanted & 4) != 0) result.bias = outputs[next++];
  return result;
}

Tensor rms_norm(const Tensor& input, const Shape& normalized_shape, const Tensor& weight,
                std::optional<double> eps) {
  check_normalized("rms_norm", input, normalized_shape, weight, {});
  const double fallback = input.dtype() == kFloat64 ? std::numeric_limits<double>::epsilon()
                                                    : double{std::numeric_limits<float>::epsilon()};
  const int64_t attributes[] = {
      dim_mask(last_dims(input, normalized_shape.rank()), input.dim(), "rms_norm")};
  const Scalar scalars[] = {eps.value_or(fallback)};
  const Tensor* inputs[] = {&input, &weight};
  Tensor outputs[2];
  OpCall call{.op = kRmsNorm,
              .inputs = inputs,
              .attributes = attributes,
              .scalars = scalars,
              .outputs = outputs};
  dispatch(call);
  return outputs[1];
}

Tensor layer_norm(const Tensor& input, const Shape& normalized_shape, const Tensor& weight,
                  const Tensor& bias, double eps) {
  check_normalized("layer_norm", input, normalized_shape, weight, bias);
  return standardize(input, weight, bias, last_dims(input, normalized_shape.rank()), eps).output;
}

void register_normalization_ops(OpList& list) {
  for (const Op* op : {&kStandardize, &kStandardizeGrad, &kRmsNorm, &kLayerNorm}) list.add(*op);
  register_channel_norm_ops(list);
}

}  // namespace tenon
