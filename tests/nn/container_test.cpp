// Lists and dictionaries of modules and parameters, and what Module offers to walk through them.
#include <tenon/autograd/node.h>

#include "nn/helpers.h"

namespace tenon::nn {
namespace {

using test::error_of;
using test::expect_contains;
using test::names;
using test::values;
using Names = std::vector<std::string>;

TEST(ModuleList, HoldsModulesByPosition) {
  manual_seed(1);
  ModuleList list(Linear(2, 3), std::make_shared<Tanh>());
  list.push_back(Linear(3, 1));
  EXPECT_EQ(list.size(), 3);
  EXPECT_EQ(names(list.named_parameters()), (Names{"0.weight", "0.bias", "2.weight", "2.bias"}));
  EXPECT_EQ(&list[-1], &list[2]);
  EXPECT_EQ(list.at<Linear>(0).weight.sizes(), Shape({3, 2}));
  Tensor x = ones({1, 2});
  for (Module* module : list.children()) x = (*module)(x);
  EXPECT_EQ(x.sizes(), Shape({1, 1}));
  expect_contains(error_of(ErrorCode::kIndex, [&] { (void)list[3]; }), "[-3, 3), got 3");
  error_of(ErrorCode::kInvalidArgument, [&] { (void)list.at<Linear>(1); });
  error_of(ErrorCode::kUnsupported, [&] { (void)list(x); });
  EXPECT_FALSE(list.clone()->parameters()[0].is_same(list.parameters()[0]));
}

TEST(ModuleDict, HoldsModulesByName) {
  ModuleDict dict;
  dict.insert("up", Linear(2, 3));
  dict.insert("act", std::make_shared<ReLU>());
  EXPECT_EQ(dict.keys(), (Names{"up", "act"}));
  EXPECT_TRUE(dict.contains("act"));
  EXPECT_FALSE(dict.contains("down"));
  EXPECT_EQ(dict["up"](ones({1, 2})).sizes(), Shape({1, 3}));
  EXPECT_EQ(names(dict.named_parameters()), (Names{"up.weight", "up.bias"}));
  expect_contains(error_of(ErrorCode::kInvalidArgument, [&] { (void)dict["down"]; }),
                  "has no \"down\"\n  there are: up, act");
  error_of(ErrorCode::kInvalidArgument, [&] { dict.insert("up", Tanh()); });
}

TEST(ParameterList, HoldsParameters) {
  ParameterList list({ones({2}), zeros({3})});
  list.push_back(full({1}, 4.0));
  EXPECT_EQ(list.size(), 3);
  EXPECT_EQ(names(list.named_parameters()), (Names{"0", "1", "2"}));
  EXPECT_TRUE(list[-1].requires_grad());
  EXPECT_EQ(list[2].item<double>(), 4);
  EXPECT_EQ(list.describe(), "ParameterList(3)");
  error_of(ErrorCode::kIndex, [&] { (void)list[3]; });
  const auto copy = list.clone();
  EXPECT_FALSE((*copy)[0].is_same(list[0]));
  EXPECT_EQ(values((*copy)[0]), values(list[0]));
}

TEST(ParameterDict, HoldsParametersByName) {
  ParameterDict dict;
  const Tensor leaf = parameter(ones({2}));
  dict.insert("scale", leaf);
  dict.insert("shift", zeros({2}));
  EXPECT_TRUE(dict["scale"].is_same(leaf));
  EXPECT_EQ(dict.keys(), (Names{"scale", "shift"}));
  EXPECT_EQ(dict.size(), 2);
  EXPECT_TRUE(dict.contains("shift"));
  EXPECT_EQ(dict.describe(), "ParameterDict(scale, shift)");
  error_of(ErrorCode::kInvalidArgument, [&] { (void)dict["other"]; });
}

// ---- walking through a module ----

struct Block : Cloneable<Block> {
  Linear inner{2, 2};
  Tensor mask = ones({2}), seen = zeros({1});
  Block() {
    register_buffer("mask", &Block::mask, BufferKind::kTransient);
    register_buffer("seen", &Block::seen);
    register_module("inner", &Block::inner);
  }
  Tensor forward(const Tensor& x) override { return inner(x) * mask; }
};

TEST(Module, TransientBuffersStayOutOfTheStateDict) {
  Block block;
  EXPECT_EQ(names(block.named_buffers()), (Names{"mask", "seen"}));
  EXPECT_EQ(names(block.state_dict()), (Names{"seen", "inner.weight", "inner.bias"}));
  block.load_state_dict(block.state_dict());
  block.to(kFloat64);
  EXPECT_EQ(block.mask.dtype(), kFloat64);
  EXPECT_FALSE(block.clone()->mask.is_same(block.mask));
}

TEST(Module, PathsLeadToTensorsAndModules) {
  Sequential net{Block(), Tanh()};
  EXPECT_TRUE(net.get_parameter("0.inner.bias").is_same(net.at<Block>(0).inner.bias));
  EXPECT_TRUE(net.get_buffer("0.mask").is_same(net.at<Block>(0).mask));
  EXPECT_EQ(&net.get_submodule("0.inner"), &net.at<Block>(0).inner);
  EXPECT_EQ(&net.get_submodule(""), &net);
  expect_contains(
      error_of(ErrorCode::kInvalidArgument, [&] { (void)net.get_parameter("0.inner.scale"); }),
      "Sequential has no \"0.inner.scale\"\n  there are: 0.inner.weight, 0.inner.bias");
  error_of(ErrorCode::kInvalidArgument, [&] { (void)net.get_buffer("0.inner.bias"); });
  error_of(ErrorCode::kInvalidArgument, [&] { (void)net.get_submodule("2"); });
}

TEST(Module, ChildrenApplyAndCounts) {
  Sequential net{Block(), Linear(2, 3)};
  EXPECT_EQ(net.num_parameters(), 4 + 2 + 6 + 3);
  Names found;
  for (const auto& [name, module] : net.named_children()) found.push_back(name);
  EXPECT_EQ(found, (Names{"0", "1"}));
  Names order;
  net.apply([&](Module& module) {
    order.push_back(module.describe().substr(0, 5));
    if (auto* linear = dynamic_cast<Linear*>(&module)) init::constant_(linear->weight, 2);
  });
  EXPECT_EQ(order, (Names{"Linea", "Block", "Linea", "Seque"}));
  EXPECT_EQ(net.at<Linear>(1).weight.min().item<double>(), 2);
}

// ---- backward hooks ----

TEST(BackwardHook, SeesBothGradientsAndMayChangeOne) {
  Linear layer(2, 2, {.bias = false});
  init::eye_(layer.weight);
  std::vector<double> input, output;
  const uint64_t id = layer.register_full_backward_hook(
      [&](Module& module, const Tensor& grad_input, const Tensor& grad_output) {
        EXPECT_EQ(&module, &layer);
        input = values(grad_input);
        output = values(grad_output);
        return grad_input * 10;
      });
  const Tensor x = ones({1, 2}).requires_grad_();
  (layer(x * 1) * tensor({{2.0, 3.0}})).sum().backward();
  EXPECT_EQ(output, (std::vector<double>{2, 3}));
  EXPECT_EQ(input, (std::vector<double>{2, 3}));
  EXPECT_EQ(values(x.grad()), (std::vector<double>{20, 30}));
  EXPECT_EQ(values(layer.weight.grad()), (std::vector<double>{2, 2, 3, 3}));
  layer.remove_hook(id);
  x.set_grad({});
  layer(x).sum().backward();
  EXPECT_EQ(values(x.grad()), (std::vector<double>{1, 1}));
}

TEST(BackwardHook, RunsWithoutAGradientOfTheInput) {
  Linear layer(2, 2);
  int calls = 0;
  layer.register_full_backward_hook(
      [&](Module&, const Tensor& grad_input, const Tensor& grad_output) {
        EXPECT_FALSE(grad_input.defined());
        EXPECT_EQ(grad_output.sizes(), Shape({3, 2}));
        ++calls;
        return Tensor();
      });
  layer(ones({3, 2})).sum().backward();
  EXPECT_EQ(calls, 1);
  const NoGradGuard no_grad;
  EXPECT_FALSE(layer(ones({3, 2})).requires_grad());
}

TEST(BackwardHook, AModuleThatEditsItsInputIsRefused) {
  struct Editor : Module {
    Tensor forward(const Tensor& x) override {
      Tensor y = x;
      return relu_(y) * 1;
    }
  };
  Editor editor;
  const Tensor w = tensor({-1.0, 2.0}).requires_grad_();
  editor.register_full_backward_hook(
      [](Module&, const Tensor&, const Tensor&) { return Tensor(); });
  expect_contains(error_of(ErrorCode::kAutograd, [&] { (void)editor(w * 2); }),
                  "is being modified in place");
}

TEST(BackwardHook, KeepsNoGraphAliveAfterThePass) {
  Linear layer(2, 2);
  layer.register_full_backward_hook([](Module&, const Tensor&, const Tensor&) { return Tensor(); });
  const int64_t before = autograd::Node::live_count();
  for (const bool in_graph : {true, false}) {
    const Tensor x = ones({3, 2}).requires_grad_(in_graph);
    const Tensor y = layer(x);
    (void)autograd::grad({(y * y).sum()}, {layer.weight}, {}, {.create_graph = true});
    (y * y).sum().backward({}, false, true);
    layer.zero_grad();
  }
  EXPECT_EQ(autograd::Node::live_count(), before);
}

}  // namespace
}  // namespace tenon::nn
