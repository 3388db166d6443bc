// S23 to S32: the graph, and where gradients start.
#include <cmath>

#include <tenon/autograd/node.h>
#include <tenon/runtime/dispatch/operator.h>

#include "tour.h"

using namespace tenon;

namespace tour {
namespace {

void recording() {
  statement(23, "Every op has a derivative, or is known to have none.");
  (void)ones({1}).requires_grad_();  // binds the rules
  int count = 0;
  for (const Op* op : all_ops()) {
    const bool creates =
        op->spec().infer == nullptr && op->spec().emit == nullptr && !op->has(kView);
    if (op->has(kNoGradient) || op->has(kComposite) || creates) continue;
    expect(op->gradient() != nullptr, op->name());
    ++count;
  }
  say(std::to_string(count) + " rules");

  statement(24, "The graph is what runs: each iteration may be another.");
  for (const float start : {1.5f, 70.f}) {
    const Tensor x = tensor({start}).requires_grad_();
    Tensor y = x;
    float factor = 1;
    while (y.item<float>() < 100) y = y * 2, factor *= 2;
    y.backward();
    expect(is(x.grad(), {factor}), "as many factors as there were steps");
  }

  statement(25, "A Variable is a tensor.");
  const autograd::Variable v = ones({1}).requires_grad_();
  const autograd::Variable z = v * v * 1.5;
  expect(z.requires_grad() && z.is_floating_point(), "with all its ops");

  statement(26, "backward() computes all gradients, and adds them up.");
  z.backward({}, true);
  expect(is(v.grad(), {3}), "3");
  z.backward();
  show("v.grad after two passes", v.grad());
  expect(is(v.grad(), {6}) && !z.detach().grad().defined(), "3 + 3, in leaves only");
  expect_refusal("second time", [&] { z.backward(); });
}

void parts_of_a_variable() {
  statement(27, "x.data() is the tensor without its history; edits through it are noticed.");
  for (const bool detached : {false, true}) {
    const Tensor x = ones({1}).requires_grad_();
    const Tensor y = x.exp(), z = y * y;
    Tensor raw = detached ? y.detach() : y.data();
    raw.add_(1);
    expect(same(raw, y.detach()) && !raw.requires_grad(), "shared memory");
    expect_refusal("modified by an inplace operation", [&] { z.backward(); });
  }

  statement(28, "x.grad() is the gradient; there is none before backward().");
  const Tensor leaf = ones({2}).requires_grad_();
  expect(!leaf.grad().defined(), "none");
  const Tensor middle = leaf * 2;
  middle.retain_grad();
  middle.backward(ones({2}, kFloat64));
  show("leaf.grad()", leaf.grad());
  expect(is(leaf.grad(), {2, 2}) && is(middle.grad(), {1, 1}),
         "of leaves, and of what is retained");
  expect(leaf.grad().dtype() == kFloat32 && leaf.grad().device() == leaf.device(),
         "it looks like its leaf");

  statement(29, "Functions and variables form a graph without cycles.");
  const int64_t nodes = autograd::Node::live_count();
  for (int i = 0; i < 10; ++i) (void)leaf.exp();
  expect(autograd::Node::live_count() == nodes, "what is dropped is gone");

  statement(30, "y.grad_fn() is the creator of y.");
  const Tensor y = leaf + 2;
  say("y = leaf + 2 was made by " + y.grad_fn()->name());
  expect(y.grad_fn()->name() == "AddBackward0" && leaf.grad_fn() == nullptr, "leaves have none");
  expect(y.grad_fn()->edges()[0].node->name() == "AccumulateGrad", "edges lead to leaves");
}

void seeds() {
  statement(31, "A tensor of one element needs no argument.");
  for (const Shape& sizes : {Shape{}, Shape{1}, Shape{1, 1}}) {
    const Tensor x = full(sizes, 3.).requires_grad_();
    (x * x).backward();
    expect(is(x.grad(), {6}) && x.grad().sizes() == sizes, "of any shape");
  }

  statement(32, "Others need a gradient of their sizes.");
  const Tensor w = ones({2, 2}).requires_grad_();
  expect_refusal("only for scalar outputs", [&] { (w * 2).backward(); });
  for (const Shape& sizes : {Shape{3}, Shape{5, 2, 2}, Shape{2}, Shape{}})
    expect_refusal("Mismatch in shape", [&] { (w * 2).backward(ones(sizes)); });
  expect_refusal("Mismatch in shape", [&] { w.sum().backward(ones({2, 2})); });
  (w * 2).backward(full({2, 2}, 0.5));
  show("w.grad()", w.grad());
  expect(all_are(w.grad(), 1), "each element counts as told");
}

}  // namespace

void graph() {
  recording();
  parts_of_a_variable();
  seeds();
}

}  // namespace tour
