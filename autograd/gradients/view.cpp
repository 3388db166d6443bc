// Views, and in-place calls on views.
#include <tenon/runtime/ops/view.h>

#include <algorithm>

#include <tenon/autograd/gradients/rules_internal.h>
#include <tenon/runtime/ops/copy.h>
#include <tenon/runtime/ops/creation.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/indexing.h>

namespace tenon::autograd {
namespace {

// ---- views with an inverse, or whose part of the input is itself a view ----

void reshape_rule(GradContext& c) { c.give(0, c.grad().reshape(c.sizes(0))); }

void transpose_rule(GradContext& c) {
  c.give(0, c.grad().transpose(c.attributes()[0], c.attributes()[1]));
}

void permute_rule(GradContext& c) {
  Shape back(c.attributes());
  for (size_t i = 0; i < c.attributes().size(); ++i)
    back[c.attributes()[i]] = static_cast<int64_t>(i);
  c.give(0, c.grad().permute(back));
}

// Zeros but for the part that the view showed.
void select_rule(GradContext& c) {
  const Tensor gradient = zeros(c.sizes(0), c.grad().options());
  gradient.select(c.attributes()[0], c.attributes()[1]).copy_(c.grad());
  c.give(0, gradient);
}

void slice_rule(GradContext& c) {
  const auto a = c.attributes();
  const Tensor gradient = zeros(c.sizes(0), c.grad().options());
  gradient.slice(a[0], a[1], a[2], a[3]).copy_(c.grad());
  c.give(0, gradient);
}

void diagonal_rule(GradContext& c) {
  const auto a = c.attributes();
  const Tensor gradient = zeros(c.sizes(0), c.grad().options());
  diagonal(gradient, a[0], a[1], a[2]).copy_(c.grad());
  c.give(0, gradient);
}

// Windows that overlap add up.
void unfold_rule(GradContext& c) {
  const int64_t dim = c.attributes()[0], size = c.attributes()[1], step = c.attributes()[2];
  const Tensor gradient = zeros(c.sizes(0), c.grad().options());
  if (size <= step || gradient.dim() == 0) {
    unfold(gradient, dim, size, step).copy_(c.grad());
    return c.give(0, gradient);
  }
  const Tensor parts = movedim(c.grad(), -1, dim + 1).flatten(dim, dim + 1);
  const Tensor numbers = arange(gradient.size(dim), TensorOptions(kInt64, gradient.device()));
  Shape along = parts.sizes();
  for (int64_t d = 0; d < along.rank(); ++d) along[d] = d == dim ? -1 : 1;
  const Tensor index = unfold(numbers, 0, size, step).reshape(along).expand(parts.sizes());
  c.give(0, scatter_add(gradient, dim, index, parts));
}

// Repeated elements add up: give() sums them.
void expand_rule(GradContext& c) { c.give(0, c.grad()); }

// ---- any geometry ----

int64_t reach(const Geometry& geometry) {
  int64_t last = 0;
  for (int64_t d = 0; d < geometry.sizes.rank(); ++d) {
    if (geometry.sizes[d] == 0) return 0;
    last += (geometry.sizes[d] - 1) * geometry.strides[d];
  }
  return geometry.offset + last + 1;
}

bool may_overlap(const Geometry& geometry) {
  std::vector<std::pair<int64_t, int64_t>> dims;  // stride, size
  for (int64_t d = 0; d < geometry.sizes.rank(); ++d)
    if (geometry.sizes[d] != 1) dims.emplace_back(geometry.strides[d], geometry.sizes[d]);
  std::sort(dims.begin(), dims.end());
  int64_t last = 0;
  for (const auto& [stride, size] : dims) {
    if (stride <= last) return true;
    last += (size - 1) * stride;
  }
  return false;
}

Tensor seen_as(const Tensor& flat, const Geometry& geometry) {
  return flat.as_strided(geometry.sizes, geometry.strides, geometry.offset);
}

// Row-major positions in memory of the elements of a view.
Tensor positions(const Geometry& geometry, int64_t count, const Device& device) {
  const Tensor flat = arange(count, TensorOptions(kInt64, device));
  return seen_as(flat, geometry).reshape({-1});
}

// Memory of `count` elements that holds, at each, the sum of `values` that `geometry` puts there.
Tensor add_into_memory(const Tensor& values, const Geometry& geometry, int64_t count) {
  Tensor flat = zeros({count}, values.options());
  if (!may_overlap(geometry)) {
    seen_as(flat, geometry).copy_(values);
    return flat;
  }
  return scatter_add(flat, 0, positions(geometry, count, values.device()), values.reshape({-1}));
}

// The view's gradient is put into a memory of its own, which is then read as the input reads it.
// Where several elements of the input share memory, each gets its part.
void as_strided_rule(GradContext& c) {
  Geometry input = c.input_geometry(), output = c.output_geometry();
  const int64_t first = std::min(input.offset, output.offset);
  input.offset -= first;
  output.offset -= first;
  const int64_t count = std::max(reach(input), reach(output));
  Tensor flat = add_into_memory(c.grad(), output, count);
  if (may_overlap(input)) {
    const Tensor every = ones(input.sizes, c.grad().options());
    flat = flat / clamp(add_into_memory(every, input, count), 1, {});
  }
  c.give(0, seen_as(flat, input));
}

// base' = base with the part that the view shows replaced: the part's gradient goes to what was
// written, the rest to the old base.
void replace_part_rule(GradContext& c) {
  Geometry base = c.input_geometry(), part = c.output_geometry();
  Tensor whole;
  if (base.strides == contiguous_strides(base.sizes)) {
    whole = empty(base.sizes, c.grad().options());
    part.offset -= base.offset;
  } else {
    const int64_t first = std::min(base.offset, part.offset);
    base.offset -= first;
    part.offset -= first;
    whole = seen_as(zeros({std::max(reach(base), reach(part))}, c.grad().options()), base);
  }
  whole.copy_(c.grad());
  Tensor shown = seen_as(whole, part);
  if (c.needs(1)) c.give(1, clone(shown));
  if (!c.needs(0)) return;
  shown.zero_();
  c.give(0, whole);
}

constexpr Rule kRules[] = {
    {"as_strided", kSaveNothing, &as_strided_rule, &keep_geometry},
    {"view", kSaveNothing, &reshape_rule},
    {"squeeze", kSaveNothing, &reshape_rule},
    {"unsqueeze", kSaveNothing, &reshape_rule},
    {"expand", kSaveNothing, &expand_rule},
    {"transpose", kSaveNothing, &transpose_rule},
    {"permute", kSaveNothing, &permute_rule},
    {"select", kSaveNothing, &select_rule},
    {"slice", kSaveNothing, &slice_rule},
    {"diagonal", kSaveNothing, &diagonal_rule},
    {"unfold", kSaveNothing, &unfold_rule},
};

constexpr Rule kCopySlices{"copy_slices", kSaveNothing, &replace_part_rule, nullptr, "CopySlices"};

}  // namespace

std::span<const Rule> view_rules() { return kRules; }

const Op& copy_slices_op() {
  static constinit const Op op{Op::Spec{
      .name = "copy_slices", .schema = "", .doc = "An in-place call on a view, seen by its base."}};
  return op;
}

const Rule& copy_slices_rule() { return kCopySlices; }

}  // namespace tenon::autograd
