// The tree of names: parameters, buffers, state dicts, moving, hooks, cloning.
#include <tenon/autograd/anomaly.h>

#include "nn/helpers.h"

namespace tenon::nn {
namespace {

using test::error_of;
using test::expect_contains;
using test::Folder;
using test::names;
using test::values;
using Names = std::vector<std::string>;

// Members by value, by pointer, a buffer, and one parameter used twice.
struct Net : Cloneable<Net> {
  Linear first{4, 3};
  std::shared_ptr<Sequential> rest = std::make_shared<Sequential>(ReLU(), Linear(3, 2));
  Tensor scale = parameter(ones({2}));
  Tensor seen = zeros({2});
  Tensor absent;

  Net() {
    register_parameter("scale", &Net::scale);
    register_parameter("absent", &Net::absent);
    register_buffer("seen", &Net::seen);
    register_module("first", &Net::first);
    register_module("rest", &Net::rest);
  }
  Tensor forward(const Tensor& x) override { return (*rest)(first(x)) * scale; }
};

const Names kState = {"scale",      "seen",          "first.weight",
                      "first.bias", "rest.1.weight", "rest.1.bias"};

TEST(Module, NamesFollowTheTree) {
  Net net;
  EXPECT_EQ(names(net.state_dict()), kState);
  EXPECT_EQ(names(net.named_parameters()),
            (Names{"scale", "first.weight", "first.bias", "rest.1.weight", "rest.1.bias"}));
  EXPECT_EQ(names(net.named_buffers()), Names{"seen"});
  Names modules;
  for (const auto& [name, module] : net.named_modules()) modules.push_back(name);
  EXPECT_EQ(modules, (Names{"", "first", "rest", "rest.0", "rest.1"}));
}

TEST(Module, AnomalyDetectionRemembersWhereACallWas) {
  struct Root : Module {
    Tensor forward(const Tensor& x) override { return sqrt(x); }
  };
  struct Outer : Module {
    Root root;
    Tensor forward(const Tensor& x) override { return root(x) * 2; }
  };
  Outer outer;
  const Tensor x = zeros({2}).requires_grad_();
  const autograd::DetectAnomalyGuard anomaly;
  const Tensor y = outer(x);
  expect_contains(error_of(ErrorCode::kAutograd, [&] { y.sum().backward(); }), " in Outer > Root");
}

TEST(Module, RefusesBadNames) {
  Net net;
  error_of(ErrorCode::kInvalidArgument, [&] { net.register_buffer("a.b", ones({1})); });
  error_of(ErrorCode::kInvalidArgument, [&] { net.register_buffer("", ones({1})); });
  expect_contains(
      error_of(ErrorCode::kInvalidArgument, [&] { net.register_buffer("first", ones({1})); }),
      "already registered");
}

TEST(Module, RegistryMayHoldWhatIsMadeAtRunTime) {
  Net net;
  net.register_parameter("extra", parameter(ones({1})));
  const auto added = net.register_module("later", std::make_shared<Linear>(1, 1));
  EXPECT_EQ(net.parameters().size(), 8u);
  EXPECT_EQ(net.named_modules().back().second, added.get());
}

TEST(Module, TrainingFlagReachesAll) {
  Net net;
  net.eval();
  for (const auto& [name, module] : net.named_modules()) EXPECT_FALSE(module->is_training());
  net.train();
  for (const auto& [name, module] : net.named_modules()) EXPECT_TRUE(module->is_training());
}

TEST(Module, ForwardUnlessOverriddenIsUnsupported) {
  struct Empty : Module {};
  Empty module;
  expect_contains(error_of(ErrorCode::kUnsupported, [&] { (void)module(ones({1})); }),
                  "has no forward");
}

TEST(Module, StateDictRoundTripsThroughAFile) {
  const Folder folder;
  manual_seed(1);
  Net saved, loaded;
  save(saved, folder.file("net.safetensors"), {{"epoch", "3"}});
  const LoadReport report = load(loaded, folder.file("net.safetensors"));
  EXPECT_TRUE(report.missing.empty() && report.unexpected.empty());
  const Tensor x = randn({5, 4});
  EXPECT_EQ(values(saved(x)), values(loaded(x)));
  EXPECT_EQ(names(load_safetensors(folder.file("net.safetensors")).tensors), kState);
}

TEST(Module, StrictLoadListsEveryDifferenceAndChangesNothing) {
  Net net;
  const auto before = values(net.first.weight);
  NamedTensors state = net.state_dict();
  state[0].second = ones({3});      // scale: wrong shape
  state[2].second = zeros({3, 4});  // would change first.weight
  state[3].first = "first.offset";  // renames first.bias
  const std::string text =
      error_of(ErrorCode::kInvalidArgument, [&] { net.load_state_dict(state); });
  expect_contains(text, "does not fit Net");
  expect_contains(text, "missing in the state dict: first.bias");
  expect_contains(text, "not in the module: first.offset");
  expect_contains(text, "scale expected (2) got (3)");
  EXPECT_EQ(values(net.first.weight), before);
}

TEST(Module, PartialLoadReportsWhatItLeft) {
  Net net;
  const LoadReport report =
      net.load_state_dict({{"seen", full({2}, 7)}, {"other", ones({1})}}, LoadMode::kPartial);
  EXPECT_EQ(values(net.seen), (std::vector<double>{7, 7}));
  EXPECT_EQ(report.unexpected, Names{"other"});
  EXPECT_EQ(report.missing.size(), 5u);
}

TEST(Module, LoadConvertsDtypesAndKeepsGradientsOn) {
  Net net;
  NamedTensors state = net.state_dict();
  for (auto& [name, tensor] : state) tensor = tensor.to(kFloat64);
  net.load_state_dict(state);
  EXPECT_EQ(net.first.weight.dtype(), kFloat32);
  EXPECT_TRUE(net.first.weight.requires_grad());
}

TEST(Module, ZeroGradDropsGradients) {
  Net net;
  net(ones({1, 4})).sum().backward();
  EXPECT_TRUE(net.first.weight.grad().defined());
  net.zero_grad();
  for (const Tensor& tensor : net.parameters()) EXPECT_FALSE(tensor.grad().defined());
}

TEST(Module, RequiresGradFreezes) {
  Net net;
  net.requires_grad_(false);
  EXPECT_FALSE(net(ones({1, 4})).requires_grad());
  net.requires_grad_();
  EXPECT_TRUE(net(ones({1, 4})).requires_grad());
}

TEST(Module, ToKeepsHandlesAndGradients) {
  Net net;
  const Tensor handle = net.first.weight;
  net(ones({1, 4})).sum().backward();
  const auto gradient = values(handle.grad());
  net.to(kFloat16);
  EXPECT_EQ(handle.dtype(), kFloat16);
  EXPECT_EQ(handle.grad().dtype(), kFloat16);
  net.to(kFloat32);
  EXPECT_TRUE(handle.is_same(net.first.weight));
  EXPECT_TRUE(handle.requires_grad() && handle.is_leaf());
  test::expect_close(values(handle.grad()), gradient, 1e-2);
  net.zero_grad();
  net(ones({1, 4})).sum().backward();
  test::expect_close(values(handle.grad()), gradient, 1e-2);
  error_of(ErrorCode::kDType, [&] { net.to(kInt64); });
}

TEST(Module, ToDeviceAndBackComputesTheSame) {
  Net net;
  const Tensor x = ones({1, 4});
  const auto before = values(net(x));
  net.to(Device("cpu"));
  EXPECT_TRUE(net.seen.device().is_cpu());
  net.to(default_device());
  EXPECT_EQ(values(net(x)), before);
}

TEST(Module, HooksRunAroundForwardAndMayReplaceValues) {
  Net net;
  const Tensor x = ones({1, 4});
  const auto plain = values(net(x));
  int calls = 0;
  const uint64_t before = net.register_forward_pre_hook([&](Module&, const Tensor& input) {
    ++calls;
    return input * 1;
  });
  const uint64_t watch =
      net.register_forward_hook([&](Module& module, const Tensor&, const Tensor&) {
        EXPECT_EQ(&module, &net);
        ++calls;
        return Tensor();
      });
  const uint64_t replace = net.register_forward_hook(
      [](Module&, const Tensor&, const Tensor& output) { return output * 0; });
  EXPECT_EQ(values(net(x)), std::vector<double>(2, 0.0));
  EXPECT_EQ(calls, 2);
  for (const uint64_t id : {before, watch, replace}) net.remove_hook(id);
  EXPECT_EQ(values(net(x)), plain);
  EXPECT_EQ(calls, 2);
}

TEST(Clone, IsTypedAndIndependent) {
  Net net;
  const std::shared_ptr<Net> copy = net.clone();
  const Tensor x = ones({1, 4});
  EXPECT_EQ(values((*copy)(x)), values(net(x)));
  EXPECT_EQ(names(copy->state_dict()), kState);
  const auto before = values(net.first.weight);
  {
    const NoGradGuard no_grad;
    for (Tensor& tensor : copy->parameters()) tensor.zero_();
  }
  EXPECT_EQ(values(net.first.weight), before);
  EXPECT_EQ(values((*copy)(x)), std::vector<double>(2, 0.0));
  // The registry and the members of the copy are the same tensors.
  EXPECT_TRUE(copy->named_parameters()[1].second.is_same(copy->first.weight));
  EXPECT_EQ(copy->named_modules()[2].second, copy->rest.get());
  EXPECT_TRUE(copy->first.weight.requires_grad());
}

TEST(Clone, KeepsWhatIsSharedInside) {
  struct Tied : Cloneable<Tied> {
    std::shared_ptr<Linear> a = std::make_shared<Linear>(2, 2), b = a;
    Tensor weight = a->weight;
    Tied() {
      register_parameter("weight", &Tied::weight);
      register_module("a", &Tied::a);
      register_module("b", &Tied::b);
    }
  };
  Tied net;
  EXPECT_EQ(net.parameters().size(), 2u);
  const auto copy = net.clone();
  EXPECT_EQ(copy->a, copy->b);
  EXPECT_NE(copy->a, net.a);
  EXPECT_TRUE(copy->weight.is_same(copy->a->weight));
  EXPECT_EQ(copy->parameters().size(), 2u);
}

TEST(Clone, WorksOnContainersAndRefusesOtherClasses) {
  Sequential net(Linear(2, 2), Sequential(Tanh(), Linear(2, 1)));
  const auto copy = net.clone();
  const Tensor x = ones({1, 2});
  EXPECT_EQ(values((*copy)(x)), values(net(x)));
  EXPECT_FALSE(copy->parameters()[0].is_same(net.parameters()[0]));
  struct Plain : Module {};
  struct Derived : Linear {
    using Linear::Linear;
  };
  expect_contains(error_of(ErrorCode::kUnsupported, [] { (void)Plain().clone_module(); }),
                  "nn::Cloneable<Plain>");
  error_of(ErrorCode::kUnsupported, [] { (void)Derived(1, 1).clone(); });
}

TEST(Clone, CopiesShareAsTensorsDo) {
  Linear layer(2, 2);
  Linear copy = layer;
  EXPECT_TRUE(copy.weight.is_same(layer.weight));
  EXPECT_TRUE(copy.parameters()[0].is_same(layer.weight));
}

}  // namespace
}  // namespace tenon::nn
