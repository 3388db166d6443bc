// S1 to S9: making tensors, printing them, four ways to add.
#include <cmath>
#include <limits>
#include <sstream>

#include <tenon/autograd/node.h>

#include "tour.h"

using namespace tenon;

namespace tour {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

void arrays() {
  statement(1, "A tensor is an array, as NumPy's, that may live on another device.");
  const Tensor a = arange(6.0).view({2, 3});
  show("a = arange(6.0).view({2, 3})", a);
  say("it is on " + a.device().str());
  expect(a.sizes() == Shape{2, 3} && a.strides() == Shape{3, 1}, "sizes and strides");
  expect(a.dtype() == kFloat32 && a.device() == default_device(), "dtype and device");
  const Tensor row = a[1];
  expect(row.impl()->storage == a.impl()->storage && row.storage_offset() == 3,
         "views share storage");

  statement(2, "It replaces NumPy: without gradients nothing is recorded.");
  const int64_t nodes = autograd::Node::live_count();
  const Tensor product = matmul(a, a.t());
  show("matmul(a, a.t())", product);
  expect(is(product, {5, 14, 14, 50}), "the product");
  expect(product.grad_fn() == nullptr && autograd::Node::live_count() == nodes, "no graph");
}

void creation() {
  statement(3, "empty({5, 3}) takes a shape and is uninitialised; tensor({5., 3.}) takes data.");
  const Tensor memory = empty({5, 3});
  expect(memory.sizes() == Shape{5, 3} && memory.dtype() == kFloat32, "empty");
  expect(empty({5}).sizes() == Shape{5} && empty({0}).numel() == 0, "one dimension, no element");
  show("tensor({5., 3.})", tensor({5., 3.}));
  expect(is(tensor({5., 3.}), {5, 3}) && tensor({5, 3}).dtype() == kInt64, "tensor");
  set_fill_uninitialized_memory(true);
  const Tensor filled = empty({2, 2});
  set_fill_uninitialized_memory(false);
  expect(isnan(filled).all().item<bool>(), "uninitialised memory can be made visible");

  statement(4, "rand({5, 3}) draws from [0, 1), the same numbers on every device.");
  const Tensor x = rand({5, 3});
  show("x = rand({5, 3})", x);
  for (const DType dtype : {kFloat16, kBFloat16, kFloat32, kFloat64}) {
    const Tensor drawn = rand({1000}, dtype).to(kFloat64);
    expect(drawn.min().item<double>() >= 0 && drawn.max().item<double>() < 1, "in [0, 1)");
  }
}

std::string printed(const Tensor& tensor) {
  std::ostringstream text;
  text << tensor;
  return text.str();
}

void printing() {
  statement(5, "Evaluating a tensor prints it, as PyTorch does.");
  const TensorOptions host{Device()};
  show("tensor({0.5, 2.25})", tensor({0.5, 2.25}));
  expect(printed(tensor({0.5, 2.25}, host)) == "tensor([0.5000, 2.2500])", "four decimals");
  expect(printed(tensor({1e-5, 1.}, host)) == "tensor([1.0000e-05, 1.0000e+00])", "wide ranges");
  expect(printed(zeros({0, 3}, host)) == "tensor([], size=(0, 3))", "empty tensors");
  expect(printed(tensor({1.f, kNan, INFINITY}, host)) == "tensor([1., nan, inf])", "not finite");
  expect(printed(arange(2000, host)) == "tensor([   0,    1,    2,  ..., 1997, 1998, 1999])",
         "long tensors are shortened");
  const Tensor leaf = ones({1}, host).requires_grad_();
  expect(printed(leaf) == "tensor([1.], requires_grad=True)", "leaves say so");
  expect(printed(leaf + 1) == "tensor([2.], grad_fn=<AddBackward0>)", "results name their node");

  statement(6, "x.sizes() is a tuple.");
  const Tensor x = empty({5, 3});
  const Shape sizes = x.sizes();
  expect(sizes == Shape{5, 3} && sizes.size() == 2 && sizes[1] == 3, "== and []");
  expect(sizes + Shape{7} == Shape{5, 3, 7} && sizes.slice(1, 2) == Shape{3}, "+ and slices");
  expect(x.numel() == 15 && x.size(-1) == 3, "numel() and size(-1)");
  expect_refusal("expected to be in range of [-2, 1], but got 2", [&] { (void)x.size(2); });
}

void additions() {
  const Tensor x = rand({5, 3}), y = rand({5, 3});
  statement(7, "x + y is add(x, y), bit for bit.");
  show("x + y", x + y);
  expect(same(x + y, add(x, y)), "two spellings, the same bits");
  expect((tensor({1, 2}) + 1.5).dtype() == kFloat32, "int64 + 1.5 is float32");
  const Tensor both = ones({1}, kBool) + ones({1}, kBool);
  expect(both.dtype() == kBool && both.item<bool>(), "bool + bool is or");
  expect(add(tensor({1}), tensor({10}), 2).item<int64_t>() == 21, "alpha");

  statement(8, "add_out(result, x, y) writes into the memory of result.");
  Tensor result = empty({5, 3}), columns = empty({3, 5}).t(), fresh = empty({0});
  const Storage* memory = result.impl()->storage.get();
  expect(add_out(result, x, y).is_same(result), "out is returned");
  expect(result.impl()->storage.get() == memory && same(result, x + y), "in the same memory");
  expect(add_out(columns, x, y).strides() == Shape{1, 5}, "out keeps its strides");
  expect(add_out(fresh, x, y).sizes() == Shape{5, 3}, "an empty out takes the shape");
  show("result", result);
  Tensor wrong = empty({5, 4}), integers = empty({5, 3}, kInt64), wide = empty({5, 3}, kFloat64);
  expect_refusal("(5, 3)", [&] { add_out(wrong, x, y); });
  expect_refusal("result type Float can't be cast to the desired output type Long",
                 [&] { add_out(integers, x, y); });
  expect(add_out(wide, x, y).dtype() == kFloat64, "float32 into float64");
  const Tensor buffer = zeros({6});
  Tensor shifted = buffer.slice(0, 1, 6), itself = ones({2});
  expect_refusal("single memory location", [&] { add_out(shifted, buffer.slice(0, 0, 5), 1); });
  expect(is(add_out(itself, itself, itself), {2, 2}), "out may be an input");
  const Tensor leaf = rand({5, 3}).requires_grad_();
  expect_refusal("don't support automatic differentiation", [&] { add_out(result, leaf, y); });
  const NoGradGuard guard;
  expect(same(add_out(result, leaf, y), leaf + y), "but without recording they do");

  statement(9, "Because out may be uninitialised, it is never read.");
  Tensor sum = full({5, 3}, kNan), product = full({5, 5}, kNan);
  expect(same(add_out(sum, x, y), x + y), "NaN of before does not come through a sum");
  expect(same(addmm(product, x, y.t(), 0, 1), matmul(x, y.t())), "nor through beta = 0");
}

}  // namespace

void tensors() {
  arrays();
  creation();
  printing();
  additions();
}

}  // namespace tour
