// Adaptive pooling: window i of P along H begins at i·H/P, rounded down, and ends at (i + 1)·H/P,
// rounded up. Windows of one size are those of ordinary pooling; others are gathered.
#include <tenon/runtime/ops/pooling.h>

#include <algorithm>
#include <vector>

#include <tenon/runtime/dispatch/record_hooks.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/indexing.h>
#include <tenon/runtime/ops/pooling_internal.h>
#include <tenon/runtime/ops/reduction.h>
#include <tenon/runtime/ops/support_internal.h>
#include <tenon/runtime/ops/view.h>
#include <tenon/runtime/ops/windows_internal.h>

namespace tenon {
namespace {

// ---- geometry ----

// (P, Q): -1, in PyTorch None, keeps the dimension. Errors: InvalidArgument, DType.
Shape result_sizes(std::string_view op, const Tensor& input, const Shape& given) {
  check(input.is_floating_point(), ErrorCode::kDType, op, "a floating point dtype is needed, got ",
        input.dtype(), "; convert it with to()");
  check(input.dim() == 4, ErrorCode::kInvalidArgument, op,
        "input needs the dimensions (N,C,H,W) or (C,H,W), got ", input.sizes());
  check(given.rank() == 1 || given.rank() == 2, ErrorCode::kInvalidArgument, op,
        "output_size takes one number or (height, width), got ", given);
  Shape result = ops::both_dims(op, "output_size", given);
  for (int64_t d = 0; d < 2; ++d) {
    if (result[d] == -1) result[d] = input.size(2 + d);
    check(result[d] >= 0, ErrorCode::kInvalidArgument, op,
          "output_size must be at least 0, or -1 to keep a dimension, got ", given);
  }
  for (int64_t d = 1; d < 4; ++d)
    check(input.size(d) > 0, ErrorCode::kInvalidArgument, op,
          "only the batch dimension may be empty, got ", input.sizes());
  return result;
}

// Whether all windows have one size, that of an ordinary pooling.
bool is_even(const Tensor& input, const Shape& result) {
  return result.numel() > 0 && input.size(2) % result[0] == 0 && input.size(3) % result[1] == 0;
}

Pool2dOptions even_options(const Tensor& input, const Shape& result) {
  return {{input.size(2) / result[0], input.size(3) / result[1]}};
}

// The windows along one dimension: positions (P, K), where those beyond a window repeat its last,
// and lengths (P).
struct Axis {
  Tensor positions, lengths;
};

Axis axis_of(int64_t extent, int64_t count, const Device& device) {
  std::vector<int64_t> starts, lengths;
  int64_t greatest = 1;
  for (int64_t i = 0; i < count; ++i) {
    starts.push_back(i * extent / count);
    lengths.push_back(((i + 1) * extent + count - 1) / count - starts.back());
    greatest = std::max(greatest, lengths.back());
  }
  std::vector<int64_t> positions;
  for (size_t i = 0; i < starts.size(); ++i)
    for (int64_t k = 0; k < greatest; ++k)
      positions.push_back(starts[i] + std::min(k, lengths[i] - 1));
  return {tensor(std::span<const int64_t>(positions), {count, greatest}, device),
          tensor(std::span<const int64_t>(lengths), {count}, device)};
}

// (N, C, H, W) → (N, C, P, KH, Q, KW).
Tensor gather_windows(const Tensor& input, const Tensor& rows, const Tensor& columns) {
  const Tensor picked =
      index_select(index_select(input, 2, rows.view({-1})), 3, columns.view({-1}));
  return picked.view(
      {input.size(0), input.size(1), rows.size(0), rows.size(1), columns.size(0), columns.size(1)});
}

// ---- the poolings ----

Tensor average(const Tensor& input, const Shape& result) {
  const Axis rows = axis_of(input.size(2), result[0], input.device());
  const Axis columns = axis_of(input.size(3), result[1], input.device());
  const auto inside = [](const Axis& axis) {  // (P, K)
    const Tensor k = arange(axis.positions.size(1), axis.lengths.options());
    return lt(k, axis.lengths.unsqueeze(1));
  };
  const Tensor wide = input.to(ops::accumulate_dtype(input.dtype()));
  const Tensor windows = gather_windows(wide, rows.positions, columns.positions);
  const Tensor both = logical_and(inside(rows).unsqueeze(2).unsqueeze(3), inside(columns));
  const Tensor counts = mul(rows.lengths.unsqueeze(1), columns.lengths).to(wide.dtype());
  return div(sum(where(both, windows, 0.0), {3, 5}), counts).to(input.dtype());
}

// The position h·W + w of the greatest element of each window, int64 (N, C, P, Q).
Tensor greatest(const Tensor& input, const Shape& result) {
  const RecordingScope off(false);
  const Tensor rows = axis_of(input.size(2), result[0], input.device()).positions;
  const Tensor columns = axis_of(input.size(3), result[1], input.device()).positions;
  const auto flat = [](const Tensor& windows) {
    const Shape s = windows.sizes();  // (…, P, KH, Q, KW)
    return windows.permute({0, 1, 2, 4, 3, 5}).reshape({s[0], s[1], s[2], s[4], s[3] * s[5]});
  };
  const Tensor chosen = argmax(flat(gather_windows(input, rows, columns)), 4, true);
  const Tensor places = rows.mul(input.size(3)).unsqueeze(2).unsqueeze(3).add(columns);
  const Tensor table = flat(places.unsqueeze(0).unsqueeze(0));
  Shape sizes = chosen.sizes();
  sizes[4] = table.size(4);
  return gather(table.expand(sizes), 4, chosen).squeeze(4);
}

Tensor adaptive_avg_pool2d_boxed(const Tensor& input, const Shape& size) {
  return adaptive_avg_pool2d(input, size);
}

const Op kAdaptiveAvgPool2d{{
    .name = "adaptive_avg_pool2d",
    .schema = "adaptive_avg_pool2d(Tensor self, int[2] output_size) -> Tensor",
    .doc =
        R"(Means of (P, Q) windows that share the image: window p has the rows from p*H/P, rounded down, to
(p + 1)*H/P, rounded up.

Shapes: (N, C, H, W) or (C, H, W) -> (N, C, P, Q); -1 keeps a dimension.
Dtypes: floating point; f16 and bf16 are summed in f32.
Errors: InvalidArgument for other ranks, an empty dimension that is not the batch, or sizes < -1.
Source: torch.nn.functional.adaptive_avg_pool2d.)",
    .flags = kComposite,
    .boxed = &box<&adaptive_avg_pool2d_boxed>,
}};

const Op kAdaptiveAvgPool1d{{
    .name = "adaptive_avg_pool1d",
    .schema = "adaptive_avg_pool1d(Tensor self, int output_size) -> Tensor",
    .doc = R"(adaptive_avg_pool2d in one dimension.

Shapes: (N, C, L) or (C, L) -> (N, C, P).
Dtypes, errors: as adaptive_avg_pool2d.
Source: torch.nn.functional.adaptive_avg_pool1d.)",
    .flags = kComposite,
    .boxed = &box<&adaptive_avg_pool1d>,
}};

const Op kAdaptiveMaxPool2dWithIndices{{
    .name = "adaptive_max_pool2d_with_indices",
    .schema = "adaptive_max_pool2d_with_indices(Tensor self, int[2] output_size) -> (Tensor, "
              "Tensor)",
    .doc =
        R"(Greatest elements of the windows of adaptive_avg_pool2d, and where they are: h*W + w. Of equal
elements the first counts; a NaN counts as greatest.

Shapes: (N, C, H, W) or (C, H, W) -> twice (N, C, P, Q); -1 keeps a dimension.
Dtypes: floating point; indices int64.
Errors: as adaptive_avg_pool2d.
Source: torch.nn.functional.adaptive_max_pool2d.)",
    .flags = kComposite,
    .boxed = &box<&adaptive_max_pool2d_with_indices>,
}};

const Op kAdaptiveMaxPool2d{{
    .name = "adaptive_max_pool2d",
    .schema = "adaptive_max_pool2d(Tensor self, int[2] output_size) -> Tensor",
    .doc = R"(adaptive_max_pool2d_with_indices without the indices.)",
    .flags = kComposite,
    .boxed = &box<&adaptive_max_pool2d>,
}};

const Op kAdaptiveMaxPool1d{{
    .name = "adaptive_max_pool1d",
    .schema = "adaptive_max_pool1d(Tensor self, int output_size) -> Tensor",
    .doc = R"(adaptive_max_pool2d in one dimension.

Shapes: (N, C, L) or (C, L) -> (N, C, P).
Dtypes, errors: as adaptive_avg_pool2d.
Source: torch.nn.functional.adaptive_max_pool1d.)",
    .flags = kComposite,
    .boxed = &box<&adaptive_max_pool1d>,
}};

Tensor as_image(std::string_view op, const Tensor& input) {
  check(input.dim() == 2 || input.dim() == 3, ErrorCode::kInvalidArgument, op,
        "input needs the dimensions (N,C,L) or (C,L), got ", input.sizes());
  return input.unsqueeze(-2);
}

}  // namespace

Tensor adaptive_avg_pool2d(const Tensor& input, const Shape& output_size) {
  if (input.dim() == 3) return adaptive_avg_pool2d(input.unsqueeze(0), output_size).squeeze(0);
  const Shape result = result_sizes("adaptive_avg_pool2d", input, output_size);
  if (result == Shape{1, 1}) return mean(input, {2, 3}, true);
  if (is_even(input, result)) return avg_pool2d(input, even_options(input, result));
  return average(input, result);
}

Tensor adaptive_avg_pool1d(const Tensor& input, int64_t output_size) {
  return adaptive_avg_pool2d(as_image("adaptive_avg_pool1d", input), {1, output_size}).squeeze(-2);
}

std::pair<Tensor, Tensor> adaptive_max_pool2d_with_indices(const Tensor& input,
                                                           const Shape& output_size) {
  if (input.dim() == 3) {
    const auto [values, indices] =
        adaptive_max_pool2d_with_indices(input.unsqueeze(0), output_size);
    return {values.squeeze(0), indices.squeeze(0)};
  }
  const Shape result = result_sizes("adaptive_max_pool2d", input, output_size);
  if (is_even(input, result)) return max_pool2d_with_indices(input, even_options(input, result));
  const Tensor indices = greatest(input, result);
  return {gather(input.flatten(2), 2, indices.flatten(2)).view(indices.sizes()), indices};
}

Tensor adaptive_max_pool2d(const Tensor& input, const Shape& output_size) {
  return adaptive_max_pool2d_with_indices(input, output_size).first;
}

Tensor adaptive_max_pool1d(const Tensor& input, int64_t output_size) {
  return adaptive_max_pool2d(as_image("adaptive_max_pool1d", input), {1, output_size}).squeeze(-2);
}

void register_adaptive_pooling_ops(OpList& list) {
  for (const Op* op : {&kAdaptiveAvgPool2d, &kAdaptiveAvgPool1d, &kAdaptiveMaxPool2dWithIndices,
                       &kAdaptiveMaxPool2d, &kAdaptiveMaxPool1d})
    list.add(*op);
}

}  // namespace tenon
