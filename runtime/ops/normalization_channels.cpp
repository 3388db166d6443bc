// Normalisations of (N, C, …): per channel, per group of channels, across nearby channels.
#include <tenon/runtime/ops/normalization.h>

#include <cmath>
#include <vector>

#include <tenon/runtime/dispatch/record_hooks.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/manipulation.h>
#include <tenon/runtime/ops/normalization_internal.h>
#include <tenon/runtime/ops/reduction.h>
#include <tenon/runtime/ops/support_internal.h>
#include <tenon/runtime/ops/view.h>

namespace tenon {
namespace {

// ---- batch_norm and instance_norm ----

struct ChannelStats {
  const Tensor &running_mean, &running_var, &weight, &bias;
};

// Every parameter has one value per channel.
void check_channels(std::string_view op, const Tensor& input, const ChannelStats& s) {
  ops::check_norm_input(op, input);
  check(input.dim() >= 2, ErrorCode::kInvalidArgument, op,
        "input needs the dimensions (N,C,...), got ", input.sizes());
  const Shape channels = {input.size(1)};
  const std::pair<const char*, const Tensor*> all[] = {{"running_mean", &s.running_mean},
                                                       {"running_var", &s.running_var},
                                                       {"weight", &s.weight},
                                                       {"bias", &s.bias}};
  for (const auto& [what, tensor] : all) {
    if (!tensor->defined()) continue;
    ops::check_norm_parameter(op, input, *tensor, what);
    check(tensor->sizes() == channels, ErrorCode::kInvalidArgument, op, what,
          " must have one value per channel, ", channels, ", got ", tensor->sizes(), " for input ",
          input.sizes());
  }
  check(s.running_mean.defined() == s.running_var.defined(), ErrorCode::kInvalidArgument, op,
        "running_mean and running_var go together; give both or none");
}

// (C) → (1, C, 1, …).
Tensor per_channel(const Tensor& parameter, int64_t rank) {
  if (!parameter.defined()) return {};
  Shape sizes = {1, parameter.size(0)};
  while (sizes.rank() < rank) sizes.push_back(1);
  return parameter.view(sizes);
}

// The running statistics as constants: input·scale + shift, both per channel.
Tensor with_running_stats(std::string_view op, const Tensor& input, const ChannelStats& s,
                          double eps) {
  check(s.running_mean.defined(), ErrorCode::kInvalidArgument, op,
        "running_mean and running_var must be defined in evaluation mode");
  const DType wide = ops::accumulate_dtype(input.dtype());
  Tensor scale = rsqrt(add(s.running_var.to(wide), eps));
  if (s.weight.defined()) scale = mul(scale, s.weight);
  Tensor shift = mul(s.running_mean.to(wide), scale);
  shift = s.bias.defined() ? sub(s.bias, shift) : neg(shift);
  const Tensor result =
      addcmul(per_channel(shift, input.dim()), input.to(wide), per_channel(scale, input.dim()));
  return result.to(input.dtype());
}

// Mean and unbiased variance into the running statistics.
void update(const ChannelStats& s, const Tensor& mean, const Tensor& var, int64_t count,
            double momentum) {
  if (!s.running_mean.defined() || count == 0) return;
  const auto n = static_cast<double>(count);
  ops::update_running(s.running_mean, mean, momentum, 1);
  ops::update_running(s.running_var, var, momentum, n / (n - 1));
}

// ---- records ----

Tensor batch_norm_boxed(const Tensor& input, const Tensor& running_mean, const Tensor& running_var,
                        const Tensor& weight, const Tensor& bias, std::optional<bool> training,
                        std::optional<double> momentum, std::optional<double> eps) {
  return batch_norm(input, running_mean, running_var, weight, bias, training.value_or(false),
                    momentum.value_or(0.1), eps.value_or(1e-5));
}

Tensor instance_norm_boxed(const Tensor& input, const Tensor& running_mean,
                           const Tensor& running_var, const Tensor& weight, const Tensor& bias,
                           std::optional<bool> use_input_stats, std::optional<double> momentum,
                           std::optional<double> eps) {
  return instance_norm(input, running_mean, running_var, weight, bias,
                       use_input_stats.value_or(true), momentum.value_or(0.1), eps.value_or(1e-5));
}

Tensor group_norm_boxed(const Tensor& input, int64_t groups, const Tensor& weight,
                        const Tensor& bias, std::optional<double> eps) {
  return group_norm(input, groups, weight, bias, eps.value_or(1e-5));
}

Tensor local_response_norm_boxed(const Tensor& input, int64_t size, std::optional<double> alpha,
                                 std::optional<double> beta, std::optional<double> k) {
  return local_response_norm(input, size, alpha.value_or(1e-4), beta.value_or(0.75), k.value_or(1));
}

Tensor normalize_boxed(const Tensor& input, std::optional<double> p, std::optional<int64_t> dim,
                       std::optional<double> eps) {
  return normalize(input, p.value_or(2), dim.value_or(1), eps.value_or(1e-12));
}

const Op kBatchNorm{{
    .name = "batch_norm",
    .schema = "batch_norm(Tensor input, Tensor? running_mean=None, Tensor? running_var=None, "
              "Tensor? weight=None, Tensor? bias=None, bool training=False, float momentum=0.1, "
              "float eps=1e-05) -> Tensor",
    .doc =
        R"((input - mean) / sqrt(var + eps) * weight + bias, per channel. In training mean and (biased)
variance are those of the batch, and running = (1 - momentum)*running + momentum*value is written in
place with the unbiased variance, outside of any history; an empty batch leaves it as it is. In
evaluation the running statistics are used.

Shapes: input (N, C) or (N, C, d...), all others (C) -> sizes of input.
Dtypes: floating point; f16 and bf16 are computed in f32 and may have f32 parameters and statistics.
Errors: InvalidArgument when sizes do not match, for one value per channel in training, and without
  running statistics in evaluation; DType; Device.
Source: Ioffe and Szegedy 2015; torch.nn.functional.batch_norm.)",
    .flags = kComposite,
    .boxed = &box<&batch_norm_boxed>,
}};

const Op kInstanceNorm{{
    .name = "instance_norm",
    .schema = "instance_norm(Tensor input, Tensor? running_mean=None, Tensor? running_var=None, "
              "Tensor? weight=None, Tensor? bias=None, bool use_input_stats=True, "
              "float momentum=0.1, float eps=1e-05) -> Tensor",
    .doc =
        R"(batch_norm with mean and variance of every batch entry by itself. The running statistics, where
given, move towards the mean over the batch of those of the entries.

Shapes: input (N, C, d...), all others (C) -> sizes of input.
Dtypes: as batch_norm.
Errors: as batch_norm; InvalidArgument for one spatial element when input statistics are used.
Source: Ulyanov et al. 2016; torch.nn.functional.instance_norm.)",
    .flags = kComposite,
    .boxed = &box<&instance_norm_boxed>,
}};

const Op kGroupNorm{{
    .name = "group_norm",
    .schema = "group_norm(Tensor input, int num_groups, Tensor? weight=None, Tensor? bias=None, "
              "float eps=1e-05) -> Tensor",
    .doc =
        R"((input - mean) / sqrt(var + eps) * weight + bias, with mean and biased variance over each of
num_groups groups of channels of each batch entry.

Shapes: input (N, C, d...), weight and bias (C) -> sizes of input.
Dtypes: floating point; statistics of f16 and bf16 are kept in f32.
Errors: InvalidArgument when groups do not divide the channels, sizes do not match, or a group has
  one value only; DType; Device.
Source: Wu and He 2018; torch.nn.functional.group_norm.)",
    .flags = kComposite,
    .boxed = &box<&group_norm_boxed>,
}};

const Op kLocalResponseNorm{{
    .name = "local_response_norm",
    .schema = "local_response_norm(Tensor input, int size, float alpha=0.0001, float beta=0.75, "
              "float k=1) -> Tensor",
    .doc =
        R"(input / (k + alpha * mean of input^2 over `size` nearby channels)^beta; channels that are not
there count as 0. The window begins size/2 channels before.

Shapes: (N, C, d...) with one d at least -> the same.
Dtypes: floating point.
Errors: InvalidArgument for fewer than 3 dimensions or size < 1; DType.
Source: Krizhevsky et al. 2012; torch.nn.functional.local_response_norm.)",
    .flags = kComposite,
    .boxed = &box<&local_response_norm_boxed>,
}};

const Op kNormalize{{
    .name = "normalize",
    .schema = "normalize(Tensor input, float p=2, int dim=1, float eps=1e-12) -> Tensor",
    .doc =
        R"(input / max(norm, eps), the norm being (sum of |x|^p)^(1/p) along dim; p may be infinite. Where the
norm is 0 its gradient counts as 0.

Shapes: any -> the same.
Dtypes: floating point.
Errors: DType; Index for a dim that is not there; InvalidArgument for p <= 0.
Source: torch.nn.functional.normalize.)",
    .flags = kComposite,
    .boxed = &box<&normalize_boxed>,
}};

// (Σ |x|^p)^(1/p) along dim, with gradient 0 where it is 0.
Tensor norm_along(const Tensor& x, double p, int64_t dim) {
  if (std::isinf(p)) return amax(abs(x), {dim}, true);
  if (p == 1) return sum(abs(x), {dim}, true);
  const Tensor total = p == 2 ? sum(square(x), {dim}, true) : sum(pow(abs(x), p), {dim}, true);
  const Tensor none = eq(total, 0);
  const Tensor safe = where(none, 1.0, total);
  return where(none, 0.0, p == 2 ? sqrt(safe) : pow(safe, 1 / p));
}

}  // namespace

Tensor batch_norm(const Tensor& input, const Tensor& running_mean, const Tensor& running_var,
                  const Tensor& weight, const Tensor& bias, bool training, double momentum,
                  double eps) {
  const ChannelStats stats = {running_mean, running_var, weight, bias};
  check_channels("batch_norm", input, stats);
  if (!training) return with_running_stats("batch_norm", input, stats, eps);
  const int64_t rank = input.dim();
  Shape dims = {0};
  int64_t count = input.size(0);
  for (int64_t d = 2; d < rank; ++d) {
    dims.push_back(d);
    count *= input.size(d);
  }
  check(count != 1, ErrorCode::kInvalidArgument, "batch_norm",
        "expected more than 1 value per channel when training, got input ", input.sizes(),
        "; use a larger batch");
  const auto [mean, var, output] =
      standardize(input, per_channel(weight, rank), per_channel(bias, rank), dims, eps);
  update(stats, mean, var, count, momentum);
  return output;
}

Tensor instance_norm(const Tensor& input, const Tensor& running_mean, const Tensor& running_var,
                     const Tensor& weight, const Tensor& bias, bool use_input_stats,
                     double momentum, double eps) {
  const ChannelStats stats = {running_mean, running_var, weight, bias};
  check_channels("instance_norm", input, stats);
  if (!use_input_stats) return with_running_stats("instance_norm", input, stats, eps);
  const int64_t rank = input.dim();
  Shape dims;
  int64_t count = 1;
  for (int64_t d = 2; d < rank; ++d) {
    dims.push_back(d);
    count *= input.size(d);
  }
  check(count != 1, ErrorCode::kInvalidArgument, "instance_norm",
        "expected more than 1 spatial element when training, got input ", input.sizes());
  const auto [mean, var, output] =
      standardize(input, per_channel(weight, rank), per_channel(bias, rank), dims, eps);
  if (running_mean.defined() && input.numel() > 0) {
    const RecordingScope off(false);
    update(stats, tenon::mean(mean, {0}), tenon::mean(var, {0}), count, momentum);
  }
  return output;
}

Tensor group_norm(const Tensor& input, int64_t groups, const Tensor& weight, const Tensor& bias,
                  double eps) {
  const ChannelStats stats = {{}, {}, weight, bias};
  check_channels("group_norm", input, stats);
  const int64_t batch = input.size(0), channels = input.size(1);
  check(groups >= 1 && channels % groups == 0, ErrorCode::kInvalidArgument, "group_norm",
        "the number of channels must be divisible by num_groups, got input ", input.sizes(),
        " and num_groups=", groups);
  int64_t spatial = 1;
  for (int64_t d = 2; d < input.dim(); ++d) spatial *= input.size(d);
  check(batch * channels / groups * spatial != 1, ErrorCode::kInvalidArgument, "group_norm",
        "expected more than 1 value per group, got input ", input.sizes());
  const int64_t own = channels / groups;
  const auto grouped = [&](const Tensor& parameter) {
    return parameter.defined() ? parameter.view({1, groups, own, 1}) : Tensor();
  };
  const Tensor x = input.reshape({batch, groups, own, spatial});
  return standardize(x, grouped(weight), grouped(bias), {2, 3}, eps).output.view(input.sizes());
}

Tensor local_response_norm(const Tensor& input, int64_t size, double alpha, double beta, double k) {
  ops::check_norm_input("local_response_norm", input);
  check(input.dim() >= 3, ErrorCode::kInvalidArgument, "local_response_norm",
        "input needs the dimensions (N,C,d...), got ", input.sizes());
  check(size >= 1, ErrorCode::kInvalidArgument, "local_response_norm",
        "size must be at least 1, got ", size);
  const int64_t channels = input.size(1);
  const Tensor squares = square(input.to(ops::accumulate_dtype(input.dtype())));
  Shape border = input.sizes();
  border[1] = size / 2;
  const Tensor before = zeros(border, squares.options());
  border[1] = (size - 1) / 2;
  const Tensor after = zeros(border, squares.options());
  const Tensor parts[] = {before, squares, after};
  const Tensor padded = cat(parts, 1);
  Tensor total = padded.narrow(1, 0, channels);
  for (int64_t i = 1; i < size; ++i) total = add(total, padded.narrow(1, i, channels));
  const Tensor divisor = pow(add(mul(total, alpha / static_cast<double>(size)), k), beta);
  return div(input, divisor).to(input.dtype());
}

Tensor normalize(const Tensor& input, double p, int64_t dim, double eps) {
  ops::check_norm_input("normalize", input);
  check(p > 0, ErrorCode::kInvalidArgument, "normalize", "p must be greater than 0, got ", p);
  const int64_t wrapped = wrap_dim(dim, input.dim(), "normalize");
  if (input.dim() == 0) return normalize(input.view({1}), p, 0, eps).view({});
  if (input.numel() == 0) return input.clone();
  const Tensor x = input.to(ops::accumulate_dtype(input.dtype()));
  return div(x, clamp(norm_along(x, p, wrapped), eps, std::nullopt)).to(input.dtype());
}

void register_channel_norm_ops(OpList& list) {
  for (const Op* op : {&kBatchNorm, &kInstanceNorm, &kGroupNorm, &kLocalResponseNorm, &kNormalize})
    list.add(*op);
}

}  // namespace tenon
