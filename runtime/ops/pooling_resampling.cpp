// Resampling: positions and weights of each result are found per dimension on the host, as PyTorch
// finds them, and applied by gathers, dimension after dimension.
#include <tenon/runtime/ops/pooling.h>

#include <algorithm>
#include <cmath>

#include <tenon/runtime/dispatch/op_list.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/indexing.h>
#include <tenon/runtime/ops/pooling_internal.h>
#include <tenon/runtime/ops/support_internal.h>
#include <tenon/runtime/ops/view.h>

namespace tenon {
namespace {

using Mode = InterpolateMode;
constexpr std::string_view kOp = "interpolate";

// ---- sizes ----

// One dimension: its extents, and the factor that was given (0: from the extents).
struct Axis {
  int64_t dim, in, out;
  double factor;
};

const char* name_of(Mode mode) {
  constexpr const char* kNames[] = {"nearest",   "linear", "bilinear",
                                    "trilinear", "area",   "nearest-exact"};
  const auto at = static_cast<size_t>(mode);
  check(at < std::size(kNames), ErrorCode::kInvalidArgument, kOp,
        "mode must be nearest (0), linear (1), bilinear (2), trilinear (3), area (4) or "
        "nearest-exact (5), got ",
        static_cast<int64_t>(at));
  return kNames[at];
}

bool is_linear(Mode mode) {
  return mode == Mode::kLinear || mode == Mode::kBilinear || mode == Mode::kTrilinear;
}

void check_mode(const Tensor& input, const InterpolateOptions& options) {
  const char* mode = name_of(options.mode);
  const int64_t rank = input.dim();
  check(rank >= 3 && rank <= 5, ErrorCode::kInvalidArgument, kOp,
        "input needs the dimensions (N,C,L), (N,C,H,W) or (N,C,D,H,W), got ", input.sizes());
  const int64_t wanted = options.mode == Mode::kLinear      ? 3
                         : options.mode == Mode::kBilinear  ? 4
                         : options.mode == Mode::kTrilinear ? 5
                                                            : rank;
  check(rank == wanted && (options.mode != Mode::kArea || rank < 5), ErrorCode::kInvalidArgument,
        kOp, "mode ", mode, " does not go with input ", input.sizes());
  check(!options.align_corners || is_linear(options.mode), ErrorCode::kInvalidArgument, kOp,
        "align_corners goes with the linear modes only, got mode ", mode);
  check(!is_linear(options.mode) || input.is_floating_point(), ErrorCode::kDType, kOp,
        "a floating point dtype is needed, got ", input.dtype(), "; convert it with to()");
}

std::vector<Axis> axes_of(const Tensor& input, const InterpolateOptions& options) {
  const bool by_size = !options.size.empty(), by_factor = !options.scale_factor.empty();
  check(by_size != by_factor, ErrorCode::kInvalidArgument, kOp,
        "one of size and scale_factor must be given, and not both");
  const auto count = static_cast<size_t>(input.dim() - 2);
  const auto given =
      by_size ? static_cast<size_t>(options.size.rank()) : options.scale_factor.size();
  check(given == 1 || given == count, ErrorCode::kInvalidArgument, kOp,
        "size and scale_factor take one number or one for each of ", count, " dimensions, got ",
        given);
  std::vector<Axis> axes;
  for (size_t i = 0; i < count; ++i) {
    Axis axis{static_cast<int64_t>(i) + 2, input.size(static_cast<int64_t>(i) + 2), 0, 0};
    if (by_size) {
      axis.out = options.size[static_cast<int64_t>(given == 1 ? 0 : i)];
    } else {
      const double factor = options.scale_factor[given == 1 ? 0 : i];
      check(factor > 0 && std::isfinite(factor), ErrorCode::kInvalidArgument, kOp,
            "scale_factor must be greater than 0, got ", factor);
      axis.out = static_cast<int64_t>(std::floor(static_cast<double>(axis.in) * factor));
      if (!options.recompute_scale_factor) axis.factor = factor;
    }
    check(axis.in > 0 && axis.out > 0, ErrorCode::kInvalidArgument, kOp,
          "input and output sizes must be greater than 0, got ", axis.in, " and ", axis.out,
          " in dimension ", axis.dim);
    axes.push_back(axis);
  }
  return axes;
}

// ---- nearest ----

// PyTorch computes them in f32 (and adds ½ in f64).
std::vector<int64_t> nearest_positions(const Axis& axis, bool exact) {
  const float scale = axis.factor > 0 ? static_cast<float>(1 / axis.factor)
                                      : static_cast<float>(axis.in) / static_cast<float>(axis.out);
  std::vector<int64_t> positions;
  for (int64_t i = 0; i < axis.out; ++i) {
    const float at = exact ? static_cast<float>((static_cast<double>(i) + 0.5) * double{scale})
                           : static_cast<float>(i) * scale;
    positions.push_back(std::min(static_cast<int64_t>(std::floor(at)), axis.in - 1));
  }
  return positions;
}

// Every element is repeated equally often: no gather is needed.
bool repeats(const Axis& axis, const std::vector<int64_t>& positions) {
  if (axis.out % axis.in != 0) return false;
  const int64_t times = axis.out / axis.in;
  for (int64_t i = 0; i < axis.out; ++i)
    if (positions[static_cast<size_t>(i)] != i / times) return false;
  return true;
}

Tensor repeated(const Tensor& input, const std::vector<Axis>& axes) {
  Shape split = input.sizes().slice(0, 2), wide = split, result = split;
  for (const Axis& axis : axes) {
    split = split + Shape{axis.in, 1};
    wide = wide + Shape{axis.in, axis.out / axis.in};
    result.push_back(axis.out);
  }
  return input.reshape(split).expand(wide).reshape(result);
}

Tensor index_tensor(const std::vector<int64_t>& positions, const Device& device) {
  return tensor(std::span<const int64_t>(positions), {static_cast<int64_t>(positions.size())},
                device);
}

Tensor nearest(const Tensor& input, const std::vector<Axis>& axes, bool exact) {
  std::vector<std::vector<int64_t>> positions;
  bool whole = true;
  for (const Axis& axis : axes) {
    positions.push_back(nearest_positions(axis, exact));
    whole = whole && repeats(axis, positions.back());
  }
  if (whole) return repeated(input, axes);
  Tensor result = input;
  for (size_t i = 0; i < axes.size(); ++i)
    result = index_select(result, axes[i].dim, index_tensor(positions[i], input.device()));
  return result;
}

// ---- linear ----

// Each result lies between two elements; weight of the second.
template <class T>
struct Between {
  std::vector<int64_t> first, second;
  std::vector<T> weight;
};

// In the type that PyTorch uses: f64 for f64, else f32.
template <class T>
Between<T> between(const Axis& axis, bool align_corners) {
  const auto in = static_cast<T>(axis.in), out = static_cast<T>(axis.out);
  T scale = axis.factor > 0 ? static_cast<T>(1 / axis.factor) : in / out;
  if (align_corners) scale = axis.out > 1 ? (in - 1) / (out - 1) : T{0};
  Between<T> result;
  for (int64_t i = 0; i < axis.out; ++i) {
    const auto at = static_cast<T>(i);
    const T source = align_corners ? scale * at : std::max(scale * (at + T{0.5}) - T{0.5}, T{0});
    const int64_t first = std::min(static_cast<int64_t>(source), axis.in - 1);
    result.first.push_back(first);
    result.second.push_back(std::min(first + 1, axis.in - 1));
    result.weight.push_back(std::clamp(source - static_cast<T>(first), T{0}, T{1}));
  }
  return result;
}

template <class T>
Tensor linear_along(const Tensor& input, const Axis& axis, bool align_corners) {
  const Device device = input.device();
  const Between<T> b = between<T>(axis, align_corners);
  Shape sizes = {axis.out};
  for (int64_t d = axis.dim + 1; d < input.dim(); ++d) sizes.push_back(1);
  const Tensor weight = tensor(std::span<const T>(b.weight), sizes, device);
  const Tensor first = index_select(input, axis.dim, index_tensor(b.first, device));
  const Tensor second = index_select(input, axis.dim, index_tensor(b.second, device));
  return addcmul(mul(first, sub(1, weight)), second, weight);
}

Tensor linear(const Tensor& input, const std::vector<Axis>& axes, bool align_corners) {
  Tensor result = input.to(ops::accumulate_dtype(input.dtype()));
  for (size_t i = axes.size(); i > 0; --i)  // rows first: they lie together
    result = result.dtype() == kFloat64 ? linear_along<double>(result, axes[i - 1], align_corners)
                                        : linear_along<float>(result, axes[i - 1], align_corners);
  return result.to(input.dtype());
}

// ---- records ----

Tensor interpolate_boxed(const Tensor& input, const Shape& size, std::optional<double> scale_factor,
                         std::optional<InterpolateMode> mode, std::optional<bool> align_corners,
                         std::optional<bool> recompute) {
  InterpolateOptions options = {size, {}, mode.value_or(Mode::kNearest)};
  if (scale_factor) options.scale_factor = {*scale_factor};
  options.align_corners = align_corners.value_or(false);
  options.recompute_scale_factor = recompute.value_or(false);
  return interpolate(input, options);
}

Tensor upsample_bilinear2d_boxed(const Tensor& input, const Shape& output_size,
                                 std::optional<bool> align_corners) {
  return upsample_bilinear2d(input, output_size, align_corners.value_or(false));
}

const Op kInterpolate{{
    .name = "interpolate",
    .schema = "interpolate(Tensor input, int[] size=[], float? scale_factor=None, int mode=0, "
              "bool align_corners=False, bool recompute_scale_factor=False) -> Tensor",
    .doc =
        R"(Resamples the dimensions after the second. mode: nearest (0), linear (1), bilinear (2),
trilinear (3), area (4), nearest-exact (5). With s = in / out (or 1 / scale_factor) result i comes from
floor(i*s) (nearest), floor((i + 1/2)*s) (nearest-exact), or lies between the elements around
(i + 1/2)*s - 1/2, with align_corners i*(in - 1)/(out - 1) (linear); area is adaptive_avg_pool.

Shapes: (N, C, L), (N, C, H, W) or (N, C, D, H, W) -> (N, C, size...), size = floor(in*scale_factor).
Dtypes: nearest any, others floating point; f16 and bf16 are computed in f32.
Errors: InvalidArgument for both or none of size and scale_factor, sizes of 0, a mode that does not
  go with the rank, align_corners without a linear mode; DType.
Source: torch.nn.functional.interpolate.)",
    .flags = kComposite,
    .boxed = &box<&interpolate_boxed>,
}};

const Op kUpsampleNearest2d{{
    .name = "upsample_nearest2d",
    .schema = "upsample_nearest2d(Tensor input, int[2] output_size) -> Tensor",
    .doc = R"(interpolate of images by the nearest element.

Shapes: (N, C, H, W) -> (N, C, output_size).
Dtypes, errors: as interpolate.
Source: torch.ops.aten.upsample_nearest2d.)",
    .flags = kComposite,
    .boxed = &box<&upsample_nearest2d>,
}};

const Op kUpsampleBilinear2d{{
    .name = "upsample_bilinear2d",
    .schema = "upsample_bilinear2d(Tensor input, int[2] output_size, bool align_corners=False) -> "
              "Tensor",
    .doc = R"(interpolate of images, linear in both directions.

Shapes: (N, C, H, W) -> (N, C, output_size).
Dtypes, errors: as interpolate.
Source: torch.ops.aten.upsample_bilinear2d.)",
    .flags = kComposite,
    .boxed = &box<&upsample_bilinear2d_boxed>,
}};

void check_image(std::string_view op, const Tensor& input) {
  check(input.dim() == 4, ErrorCode::kInvalidArgument, op,
        "input needs the dimensions (N,C,H,W), got ", input.sizes());
}

}  // namespace

Tensor interpolate(const Tensor& input, const InterpolateOptions& options) {
  check_mode(input, options);
  const std::vector<Axis> axes = axes_of(input, options);
  if (is_linear(options.mode)) return linear(input, axes, options.align_corners);
  if (options.mode == Mode::kArea) {
    if (axes.size() == 1) return adaptive_avg_pool1d(input, axes[0].out);
    return adaptive_avg_pool2d(input, {axes[0].out, axes[1].out});
  }
  return nearest(input, axes, options.mode == Mode::kNearestExact);
}

Tensor upsample_nearest2d(const Tensor& input, const Shape& output_size) {
  check_image("upsample_nearest2d", input);
  return interpolate(input, {output_size});
}

Tensor upsample_bilinear2d(const Tensor& input, const Shape& output_size, bool align_corners) {
  check_image("upsample_bilinear2d", input);
  return interpolate(input, {output_size, {}, Mode::kBilinear, align_corners});
}

void register_resampling_ops(OpList& list) {
  for (const Op* op : {&kInterpolate, &kUpsampleNearest2d, &kUpsampleBilinear2d}) list.add(*op);
}

}  // namespace tenon
