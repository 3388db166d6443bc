// S10 to S15: ops that end in _, and indexing as in NumPy.
#include <set>
#include <string_view>

#include <tenon/runtime/dispatch/operator.h>

#include "tour.h"

using namespace tenon;

namespace tour {
namespace {

void additions() {
  statement(10, "y.add_(x) adds x to y.");
  Tensor y = ones({5, 3});
  const Tensor x = rand({5, 3});
  const uint32_t version = y.version();
  expect(y.add_(x).is_same(y) && y.version() == version + 1, "y changes, is returned and counted");
  show("y", y);
  Tensor row = ones({3}), integers = ones({3}, kInt64), single = ones({3});
  expect_refusal("shape of self", [&] { row.add_(ones({2, 3})); });
  expect_refusal("can't be cast", [&] { integers.add_(1.5); });
  expect(single.add_(ones({3}, kFloat64)).dtype() == kFloat32, "self keeps its dtype");
  expect(is(row.add_(tensor({1.})), {2, 2, 2}), "other is broadcast");
}

void names() {
  statement(11, "Every op that ends in _ changes its tensor, and has a twin that does not.");
  const std::set<std::string_view> alone = {"copy_", "fill_", "zero_"};
  int count = 0;
  for (const Op* op : all_ops()) {
    const std::string_view name = op->name();
    if (op->has(kInPlaceForm)) ++count;
    if (!name.ends_with('_') || op->has(kRandom) || alone.contains(name)) continue;
    expect(find_op(name.substr(0, name.size() - 1)) != nullptr, name);
  }
  say(std::to_string(count) + " ops have both forms; those that fill, draw and copy have one");
}

void copies() {
  statement(12, "x.copy_(y) copies y into x, whatever its dtype and device.");
  Tensor x = zeros({2, 3}, kInt32);
  x.copy_(tensor({1.9, -2.9, 3.5}));
  show("x.copy_(tensor({1.9, -2.9, 3.5}))", x);
  expect(is(x, {1, -2, 3, 1, -2, 3}), "broadcast and converted");
  Tensor line = arange(6);
  line.slice(0, 0, 5).copy_(line.slice(0, 1, 6));
  expect(is(line, {1, 2, 3, 4, 5, 5}), "overlapping memory");
  Tensor host = zeros({2}, TensorOptions(Device()));
  expect(is(host.copy_(tensor({7., 8.})), {7, 8}), "across devices");
  const Tensor source = ones({2}).requires_grad_(), target = zeros({2}).requires_grad_();
  Tensor result = target * 3;
  result.copy_(source);
  (result * 2).sum().backward();
  expect(is(source.grad(), {2, 2}) && is(target.grad(), {0, 0}), "differentiable on both sides");
}

void transposition() {
  statement(13, "x.t_() transposes x itself.");
  Tensor x = arange(15.0).view({5, 3});
  const Tensor earlier = x.view({5, 3});
  x.t_();
  show("x", x);
  expect(x.sizes() == Shape{3, 5} && x.strides() == Shape{1, 3}, "its geometry changes");
  expect(!x.is_contiguous() && earlier.sizes() == Shape{5, 3}, "that of earlier views does not");
  Tensor cube = zeros({2, 2, 2}), line = zeros({2}), leaf = ones({2, 3}).requires_grad_();
  expect_refusal("2", [&] { cube.t_(); });
  expect(line.t_().sizes() == Shape{2}, "a vector stays");
  expect_refusal("leaf", [&] { leaf.t_(); });
}

void views() {
  statement(14, "x[:, 1] is x.index({Slice(), 1}): the second column, a view.");
  Tensor x = arange(15.0).view({5, 3});
  Tensor column = x.index({Slice(), 1});
  show("x.index({Slice(), 1})", column);
  expect(column.sizes() == Shape{5} && column.stride(0) == 3 && column.storage_offset() == 1,
         "a stride of 3 from element 1");
  column.fill_(7);
  expect(is(x.sum({0}), {30, 35, 40}) && column.version() == x.version(), "filling it fills x");
  expect_refusal("out of bounds", [&] { (void)x.index({Slice(), 3}); });
  expect(x.index({Slice(10, std::nullopt)}).sizes() == Shape{0, 3}, "slices clamp");
  expect_refusal("step", [&] { (void)x.index({Slice(0, 3, -1)}); });
  expect(x.index({0, 1}).dim() == 0, "one element is 0-dim");
  expect(x.index({None, Ellipsis, 0}).sizes() == Shape{1, 5}, "None and Ellipsis");
  Tensor rows = x.index({tensor({0, 2})}), large = x.index({x.gt(12)});
  expect(is(rows, {0, 7, 2, 6, 7, 8}) && is(large, {14}), "lists and masks pick");
  rows.zero_();
  expect(x.sum().item<float>() == 105, "and copy");
}

void assignment() {
  statement(15, "What is indexed can be assigned to.");
  Tensor z = zeros({3, 2});
  z.index_put_({Slice(), 1}, tensor({1., 2., 3.}));
  z.index_put_({0}, 7);
  expect(is(z, {7, 7, 0, 2, 0, 3}), "z[:, 1] = t; z[0] = 7");
  z.index_put_({z.gt(2.5)}, -1);
  show("z[z > 2.5] = -1", z);
  expect(is(z, {-1, -1, 0, 2, 0, -1}), "where a mask holds");
}

}  // namespace

void in_place() {
  additions();
  names();
  copies();
  transposition();
  views();
  assignment();
}

}  // namespace tour
