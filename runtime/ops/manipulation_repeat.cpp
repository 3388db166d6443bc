// Borders around tensors, and tensors several times.
#include <tenon/runtime/ops/manipulation.h>

#include <algorithm>

#include <tenon/runtime/checked.h>
#include <tenon/runtime/dispatch/primitives.h>
#include <tenon/runtime/ops/manipulation_internal.h>
#include <tenon/runtime/ops/support_internal.h>
#include <tenon/runtime/ops/view.h>

namespace tenon {
namespace {

// ---- pad ----

// Before and after dimension d; attributes or argument of pad().
struct Border {
  int64_t before = 0, after = 0;
  [[nodiscard]] bool empty() const { return before == 0 && after == 0; }
};

Border border_of(std::span<const int64_t> padding, int64_t rank, int64_t dim) {
  const auto at = static_cast<size_t>(2 * (rank - 1 - dim));
  if (at >= padding.size()) return {};
  return {padding[at], padding[at + 1]};
}

// The part of dimension `dim` that a border with negative sides leaves.
Tensor cropped(const Tensor& x, int64_t dim, const Border& border) {
  const int64_t begin = std::max<int64_t>(0, -border.before);
  const int64_t length = x.size(dim) - begin - std::max<int64_t>(0, -border.after);
  return narrow(x, dim, begin, length);
}

void infer_pad(OpCall& call) {
  const Tensor& self = *call.inputs[0];
  Shape sizes = self.sizes();
  for (int64_t d = 0; d < self.dim(); ++d) {
    const auto [before, after] = border_of(call.attributes, self.dim(), d);
    sizes[d] = checked_add(checked_add(sizes[d], before, "pad"), after, "pad");
  }
  ops::give_output(call, 0, sizes, self.dtype());
}

void decompose_pad(OpCall& call) {
  Tensor target = call.outputs[0], source = *call.inputs[0];
  primitive::fill(target, call.scalars[0]);
  for (int64_t d = 0; d < source.dim(); ++d) {
    const Border border = border_of(call.attributes, source.dim(), d);
    source = cropped(source, d, border);
    target = narrow(target, d, std::max<int64_t>(0, border.before), source.size(d));
  }
  primitive::copy(target, source);
}

Tensor pad_boxed(const Tensor& self, const Shape& padding, std::optional<PadMode> mode,
                 std::optional<Scalar> value) {
  return pad(self, padding, mode.value_or(PadMode::kConstant), value.value_or(0));
}

// attributes: the padding
const Op kPad{{
    .name = "pad",
    .schema = "pad(Tensor self, int[] pad, int mode=0, Scalar? value=None) -> Tensor",
    .doc = R"(self with a border. pad holds (before, after) of the last dimension, then of the one
before it, and so on; negative numbers crop. mode: constant (0, filled with value, 0 by default),
reflect (1, mirrored, the edge not repeated), replicate (2, the edge), circular (3, the other side).

Shapes: n -> n + before + after per dimension. reflect, replicate and circular pad the last 1, 2 or 3
  dimensions of a tensor that has one or two more.
Dtypes: any.
Errors: InvalidArgument for an odd or too long list, a crop of more than there is, a border that
  reflect (>= n) or circular (> n) can't fill, a value with these, or an unknown mode.
Source: torch.nn.functional.pad.)",
    .boxed = &box<&pad_boxed>,
    .infer = &infer_pad,
    .decompose = &decompose_pad,
}};

// One dimension with a border of its own elements.
Tensor pad_from_self(const Tensor& x, int64_t dim, const Border& border, PadMode mode) {
  const int64_t extent = x.size(dim);
  const Tensor body = cropped(x, dim, border);
  const auto edge = [&](int64_t position, int64_t length) {
    Shape sizes = x.sizes();
    sizes[dim] = length;
    return narrow(x, dim, position, 1).expand(sizes);
  };
  std::vector<Tensor> parts;
  if (border.before > 0) {
    if (mode == PadMode::kReflect) parts.push_back(flip(narrow(x, dim, 1, border.before), {dim}));
    if (mode == PadMode::kReplicate) parts.push_back(edge(0, border.before));
    if (mode == PadMode::kCircular)
      parts.push_back(narrow(body, dim, body.size(dim) - border.before, border.before));
  }
  parts.push_back(body);
  if (border.after > 0) {
    if (mode == PadMode::kReflect)
      parts.push_back(flip(narrow(x, dim, extent - 1 - border.after, border.after), {dim}));
    if (mode == PadMode::kReplicate) parts.push_back(edge(extent - 1, border.after));
    if (mode == PadMode::kCircular) parts.push_back(narrow(body, dim, 0, border.after));
  }
  return cat(parts, dim);
}

// Whether a dimension has the elements that its border repeats.
void check_source(const Tensor& self, int64_t dim, const Border& border, PadMode mode) {
  const int64_t extent = self.size(dim), most = std::max(border.before, border.after);
  const int64_t body =
      extent + std::min<int64_t>(0, border.before) + std::min<int64_t>(0, border.after);
  const int64_t room = mode == PadMode::kReflect    ? extent - 1
                       : mode == PadMode::kCircular ? body
                       : extent > 0                 ? most
                                                    : 0;
  check(most <= std::max<int64_t>(room, 0), ErrorCode::kInvalidArgument, "pad", "a border of ",
        most, " needs more than the ", extent, " elements of dimension ", dim, " of ", self.sizes(),
        "; use a smaller border or mode constant");
}

void check_padding(const Tensor& self, std::span<const int64_t> padding) {
  check(padding.size() % 2 == 0, ErrorCode::kInvalidArgument, "pad",
        "pairs (before, after) were expected, got ", padding.size(), " numbers");
  check(static_cast<int64_t>(padding.size()) <= 2 * self.dim(), ErrorCode::kInvalidArgument, "pad",
        padding.size(), " numbers are too many for ", self, "; give two per dimension");
  for (int64_t d = 0; d < self.dim(); ++d) {
    const auto [before, after] = border_of(padding, self.dim(), d);
    const int64_t crop =
        checked_add(std::min<int64_t>(0, before), std::min<int64_t>(0, after), "pad");
    check(crop >= -self.size(d), ErrorCode::kInvalidArgument, "pad", "borders of ", before, " and ",
          after, " crop more than the ", self.size(d), " elements of dimension ", d);
  }
}

}  // namespace

Tensor pad(const Tensor& self, std::span<const int64_t> padding, PadMode mode, Scalar value) {
  check_padding(self, padding);
  if (mode == PadMode::kConstant) return call_op(kPad, {&self}, padding, {value});
  check(mode <= PadMode::kCircular, ErrorCode::kInvalidArgument, "pad",
        "mode must be constant (0), reflect (1), replicate (2) or circular (3), got ",
        static_cast<int64_t>(mode));
  check(value.to_double() == 0, ErrorCode::kInvalidArgument, "pad",
        "only mode constant takes a value, got ", value);
  const int64_t rank = self.dim(), padded = static_cast<int64_t>(padding.size() / 2);
  check(padded >= 1 && padded <= 3 && rank - padded >= 1 && rank - padded <= 2,
        ErrorCode::kInvalidArgument, "pad",
        "the last 1, 2 or 3 dimensions of a tensor with one or two more can be padded from itself, "
        "got ",
        padding.size(), " numbers for ", self, "; use mode constant, or view()");
  Tensor result = self;
  for (int64_t d = rank - 1; d >= rank - padded; --d) {
    const Border border = border_of(padding, rank, d);
    check_source(self, d, border, mode);
    if (!border.empty()) result = pad_from_self(result, d, border, mode);
  }
  return result.is_same(self) ? clone(self) : result;
}

// ---- repeat and tile ----

namespace {

constinit const Op kRepeat{composite_spec(
    "repeat", "repeat(Tensor self, int[] repeats) -> Tensor",
    R"(repeats[d] copies of self along dimension d, side by side; dimensions may be added in front.
Shapes: (n_d) -> (repeats[d]*n_d).
Errors: InvalidArgument for fewer numbers than dimensions or a number < 0.
Source: torch.Tensor.repeat.)",
    &box<&repeat>)};
constinit const Op kTile{
    composite_spec("tile", "tile(Tensor self, int[] dims) -> Tensor",
                   R"(repeat; the numbers belong to the last dimensions, missing ones are 1.
Errors: InvalidArgument for a number < 0. Source: torch.tile.)",
                   &box<&tile>)};

// Dimension `dim` r times: everything in one copy while the ranks allow it.
Tensor repeat_dims(const Tensor& x, const Shape& repeats) {
  Tensor parts = x;
  Shape wide, target;
  int64_t doubled = 0;
  for (int64_t d = 0; d < x.dim(); ++d) doubled += repeats[d] != 1 && x.size(d) != 1 ? 1 : 0;
  if (x.dim() + doubled > kMaxRank) {
    int64_t first = 0;
    while (repeats[first] == 1 || x.size(first) == 1) ++first;
    Shape others = repeats;
    others[first] = 1;
    const auto count = static_cast<size_t>(repeats[first]);
    const Tensor joined =
        count == 0 ? narrow(x, first, 0, 0) : cat(std::vector<Tensor>(count, x), first);
    return repeat_dims(joined, others);
  }
  for (int64_t d = x.dim() - 1; d >= 0; --d)
    if (repeats[d] != 1 && x.size(d) != 1) parts = unsqueeze(parts, d);
  for (int64_t d = 0; d < x.dim(); ++d) {
    wide.push_back(x.size(d) == 1 ? repeats[d] : x.size(d));
    if (repeats[d] != 1 && x.size(d) != 1) {
      wide[wide.rank() - 1] = repeats[d];
      wide.push_back(x.size(d));
    }
    target.push_back(checked_mul(repeats[d], x.size(d), "repeat"));
  }
  return clone(expand(parts, wide)).view(target);
}

}  // namespace

Tensor repeat(const Tensor& self, const Shape& repeats) {
  check(repeats.rank() >= self.dim(), ErrorCode::kInvalidArgument, "repeat",
        "a number for every dimension was expected, got ", repeats, " for ", self,
        "; use tile to leave out leading ones");
  for (const int64_t count : repeats)
    check(count >= 0, ErrorCode::kInvalidArgument, "repeat", "repeats must be >= 0, got ", repeats);
  Tensor x = self;
  while (x.dim() < repeats.rank()) x = unsqueeze(x, 0);
  return repeat_dims(x, repeats);
}

Tensor tile(const Tensor& self, const Shape& dims) {
  for (const int64_t count : dims)
    check(count >= 0, ErrorCode::kInvalidArgument, "tile", "repeats must be >= 0, got ", dims);
  Shape repeats;
  for (int64_t d = dims.rank(); d < self.dim(); ++d) repeats.push_back(1);
  return repeat(self, repeats + dims);
}

void register_repeat_ops(OpList& list) {
  for (const Op* op : {&kPad, &kRepeat, &kTile}) list.add(*op);
}

}  // namespace tenon
