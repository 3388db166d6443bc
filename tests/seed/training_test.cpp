// S40 to S47 of the notes that Tenon grew from: learning, and the corners of in-place calls.
#include <cmath>
#include <functional>
#include <limits>

#include <tenon/nn/functional.h>
#include <tenon/tenon.h>

#include "autograd/helpers.h"
#include "seed/example.h"

namespace tenon {
namespace {

using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

struct Net : nn::Cloneable<Net> {
  nn::Linear hidden{4, 8}, out{8, 2};
  Net() {
    register_module("hidden", &Net::hidden);
    register_module("out", &Net::out);
  }
  Tensor forward(const Tensor& x) override { return out(relu(hidden(x))); }
};

TEST(Seed, S40_AModuleHoldsLayersAndComputesItsOutput) {
  Net net;
  std::vector<std::string> names;
  for (const auto& [name, parameter] : net.named_parameters()) {
    names.push_back(name);
    EXPECT_TRUE(parameter.requires_grad() && parameter.is_leaf());
  }
  EXPECT_THAT(names, ElementsAre("hidden.weight", "hidden.bias", "out.weight", "out.bias"));
  const Tensor x = rand({3, 4});
  EXPECT_EQ(net(x).sizes(), (Shape{3, 2}));
  const auto copy = net.clone();
  EXPECT_EQ(values((*copy)(x)), values(net(x)));
  copy->hidden.weight.data().zero_();
  copy->load_state_dict(net.state_dict());
  EXPECT_EQ(values((*copy)(x)), values(net(x)));
  net.eval();
  EXPECT_FALSE(net.hidden.is_training());
}

// Define, iterate, forward, loss, backward, update: the whole loop. Losses, first to last.
std::vector<double> train(Net& net, double sign) {
  const Tensor x = rand({16, 4});
  const Tensor labels = x.select(1, 0).gt(x.select(1, 1)).to(kInt64);
  std::vector<double> losses;
  for (int step = 0; step < 10; ++step) {
    const Tensor loss = cross_entropy(net(x), labels);
    losses.push_back(loss.item<double>());
    net.zero_grad();
    loss.backward();
    const NoGradGuard no_grad;
    for (Tensor& w : net.parameters()) w.add_(w.grad(), sign * 0.2);
  }
  return losses;
}

TEST(Seed, S41_TheTrainingLoopLearns) {
  manual_seed(3);
  Net net;
  const std::vector<double> losses = train(net, -1);
  for (size_t i = 1; i < losses.size(); ++i) EXPECT_LT(losses[i], losses[i - 1]);
}

TEST(Seed, S42_LossesAreMeans) {
  const Tensor scores = rand({5, 3}), labels = tensor({0, 1, 2, 0, 1});
  const double all = cross_entropy(scores, labels).item<double>();
  EXPECT_NEAR(cross_entropy(scores, labels, Reduction::kSum).item<double>(), 5 * all, 1e-5);
  EXPECT_EQ(mse_loss(tensor({1., 3.}), tensor({0., 0.})).item<double>(), 5);
  // Batches of 3 and 2: their means count by their sizes.
  const auto part = [&](int64_t from, int64_t to) {
    return cross_entropy(scores.slice(0, from, to), labels.slice(0, from, to)).item<double>();
  };
  EXPECT_NEAR((3 * part(0, 3) + 2 * part(3, 5)) / 5, all, 1e-6);
}

// The notes say weight + rate * gradient, which climbs.
TEST(Seed, S43_MinusDescendsPlusClimbs) {
  manual_seed(3);
  Net down;
  const auto up = down.clone();
  const std::vector<double> minus = train(down, -1), plus = train(*up, +1);
  EXPECT_LT(minus.back(), minus.front());
  EXPECT_GT(plus.back(), plus.front());
}

TEST(Seed, S44_ALeafIsNotEditedInPlace) {
  Tensor x = ones({2}).requires_grad_();
  EXPECT_THAT(
      message_of([&] { x.add_(1); }),
      HasSubstr("a leaf Variable that requires grad is being used in an in-place operation"));
  EXPECT_THAT(
      message_of([&] { x.select(0, 0).add_(1); }),
      HasSubstr("a view of a leaf Variable that requires grad is being used in an in-place"));
  EXPECT_THAT(values(x), Each(1)) << "nothing was written";
  const NoGradGuard guard;
  x.add_(1);
  EXPECT_THAT(values(x), Each(2));
}

TEST(Seed, S45_AnEditOfASavedTensorNamesOpShapeAndVersions) {
  const Tensor x = ones({2, 3}).requires_grad_();
  Tensor y = exp(x);
  const Tensor z = y.sum();
  y.add_(1);
  EXPECT_THAT(message_of([&] { z.backward(); }),
              AllOf(HasSubstr("modified by an inplace operation"), HasSubstr("ExpBackward0"),
                    HasSubstr("(2, 3)"), HasSubstr("is at version 1; expected version 0")));
}

TEST(Seed, S45_EditsOfViewsReachTheirBase) {
  const Tensor x = zeros({2, 2}).requires_grad_();
  Tensor w = x * 1;
  w.index_put_({Slice(), 1}, 5);
  w.index({Slice(), 0}).mul_(3);
  w.sum().backward();
  EXPECT_THAT(values(x.grad()), ElementsAre(3, 0, 3, 0));
}

double slope_at_zero(Tensor (*f)(const Tensor&)) {
  const Tensor x = tensor({0.0}).requires_grad_();
  f(x).backward();
  return values(x.grad())[0];
}

TEST(Seed, S46_Subgradients) {
  EXPECT_EQ(slope_at_zero(&relu), 0);
  EXPECT_EQ(slope_at_zero(&abs), 0);
  EXPECT_EQ(slope_at_zero(&sqrt), std::numeric_limits<double>::infinity());
}

TEST(Seed, S46_TiesShareTheGradientOfAnExtreme) {
  const auto gradient = [](const std::function<Tensor(const Tensor&)>& f) {
    const Tensor x = ones({4}).requires_grad_();
    f(x).backward();
    return values(x.grad());
  };
  EXPECT_THAT(gradient([](const Tensor& x) { return x.max(); }), Each(0.25));
  EXPECT_THAT(gradient([](const Tensor& x) { return x.min(); }), Each(0.25));
  EXPECT_THAT(gradient([](const Tensor& x) { return amax(x, {0}); }), Each(0.25));
  EXPECT_THAT(gradient([](const Tensor& x) { return amin(x, {0}); }), Each(0.25));
  EXPECT_THAT(gradient([](const Tensor& x) { return max(x, 0).first; }), ElementsAre(1, 0, 0, 0));
}

// The whole of the notes as one program is the example 01_tensor_tour.
TEST(Seed, S47_TheHostAndTheDeviceAgree) {
  const auto run = [](const TensorOptions& options) {
    const seed::Example e(options);
    (e.out + (e.y * e.z).sum().sqrt()).backward();
    return e.x.grad().to_vector<float>();
  };
  const std::vector<float> host = run(Device()), device = run(default_device());
  for (size_t i = 0; i < host.size(); ++i)
    EXPECT_LE(std::abs(device[i] - host[i]), std::nextafter(host[i], 1e9f) - host[i]) << "1 ULP";
  seed::Example e;
  e.out.backward();
  EXPECT_EQ(e.x.grad().to_vector<float>(), std::vector<float>(4, 4.5f));
}

}  // namespace
}  // namespace tenon
