// TENON_SHADOW: no false alarm on a training, and a planted wrong kernel is found, named and
// replayed.
#include <gmock/gmock.h>

#include <filesystem>

#include <tenon/runtime/layers/replay.h>
#include <tenon/runtime/loader/plugin.h>
#include <tenon/tenon.h>

#include "layers/child.h"

namespace tenon::layers_test {
namespace {

using testing::HasSubstr;

// The shadow of reference is opaque, of all others reference.
std::string shadow() { return device_under_test() == "reference" ? "opaque" : "reference"; }

int run_shadowed(const std::string& beside, const std::function<void()>& body) {
  ::setenv("TENON_SHADOW", beside.c_str(), 1);
  const int status = run_with_layers("", body);
  ::unsetenv("TENON_SHADOW");
  return status;
}

TEST(Shadow, ATrainingStepHasNoDivergence) {
  const int status = run_shadowed(shadow(), [] {
    manual_seed(4);
    const Device device(device_under_test());
    const Tensor x = rand({4, 1, 12, 12}).to(device), y = randint(0, 5, {4}).to(device);
    nn::Sequential net{nn::Conv2d(1, 4, 5), nn::ReLU(), nn::MaxPool2d(2), nn::Flatten(),
                       nn::Linear(64, 16),  nn::Tanh(), nn::Linear(16, 5)};
    net.to(device);
    optim::SGD sgd(net.parameters(), {.lr = 0.1, .momentum = 0.9});
    for (int step = 0; step < 2; ++step) {
      const Tensor loss = cross_entropy(net(x), y);
      sgd.zero_grad();
      loss.backward();
      sgd.step();
      EXPECT_TRUE(std::isfinite(loss.item<float>()));
    }
  });
  EXPECT_EQ(status, 0);
}

// LeNet-5 as the demo trains it, a step with all its kernels.
TEST(Shadow, ALeNetStepHasNoDivergence) {
  const int status = run_shadowed(shadow(), [] {
    manual_seed(5);
    const Device device(device_under_test());
    const Tensor x = rand({4, 1, 28, 28}).to(device), y = randint(0, 10, {4}).to(device);
    nn::Sequential net{nn::Conv2d(1, 6, 5, {.padding = 2}),
                       nn::ReLU(),
                       nn::MaxPool2d(2),
                       nn::Conv2d(6, 16, 5),
                       nn::ReLU(),
                       nn::MaxPool2d(2),
                       nn::Flatten(),
                       nn::Linear(400, 120),
                       nn::ReLU(),
                       nn::Linear(120, 84),
                       nn::ReLU(),
                       nn::Linear(84, 10)};
    net.to(device);
    optim::Adam adam(net.parameters(), {.lr = 0.001});
    const Tensor loss = cross_entropy(net(x), y);
    loss.backward();
    adam.step();
    EXPECT_TRUE(std::isfinite(loss.item<float>()));
    EXPECT_TRUE(std::isfinite(net(x).sum().item<float>()));
  });
  EXPECT_EQ(status, 0);
}

TEST(Shadow, EveryKindOfRequiredOperatorIsCompared) {
  const int status = run_shadowed(shadow(), [] {
    const Device device(device_under_test());
    manual_seed(6);
    const Tensor x = randn({5, 7}).to(device);
    const Tensor index = tensor<int64_t>({4, 0, 2}).to(device);
    EXPECT_EQ(x.t().contiguous().sum().item<float>(), x.t().contiguous().sum().item<float>());
    EXPECT_EQ(index_select(x, 0, index).size(0), 3);
    EXPECT_EQ(cumsum(x, 1).size(1), 7);
    EXPECT_EQ(std::get<0>(sort(x, 1)).size(1), 7);
    EXPECT_EQ(nonzero(x.gt(0)).size(1), 2);
    EXPECT_EQ(matmul(x, x.t()).size(1), 5);
    EXPECT_EQ(x.argmax(1).size(0), 5);
    Tensor y = x.clone();
    y.add_(x);
    index_add_(y, 0, index, ones({3, 7}).to(device));
    EXPECT_EQ(rand({8}).to(device).size(0), 8);
  });
  EXPECT_EQ(status, 0);
}

TEST(Shadow, APlantedWrongKernelIsFoundAndReplayed) {
  const std::string folder = testing::TempDir() + "tenon_shadow." + std::to_string(::getpid());
  std::filesystem::create_directories(folder);
  const int status = run_shadowed("reference", [&folder] {
    std::filesystem::current_path(folder);
    load_plugin_file(WRONG_PLUGIN);
    const Tensor x = rand({3, 4}).to("wrong").add(1.), y = rand({4, 3}).to("wrong").add(1.).t();
    const Tensor sum = x + y;  // right
    std::string said;
    try {
      static_cast<void>(x * y);
    } catch (const Error& e) {
      said = e.what();
    }
    EXPECT_THAT(said, testing::StartsWith("mul: TENON_SHADOW: output 0, element ("));
    EXPECT_THAT(said, HasSubstr("wrong:0 gives "));
    EXPECT_THAT(said, HasSubstr(", reference:0 gives "));
    EXPECT_THAT(said, HasSubstr(" units in the last place apart"));
    EXPECT_THAT(said, HasSubstr("operands: output 0 float32 (3, 4) strides (4, 1)"));
    EXPECT_THAT(said, HasSubstr("strides (1, 3)"));
    const std::string file = "tenon_shadow." + std::to_string(::getpid()) + ".json";
    EXPECT_THAT(said, HasSubstr("`tenon replay " + file + "`"));
    const ReplayResult again = replay_launch(file);
    EXPECT_EQ(again.op, "mul (program)");
    EXPECT_THAT(again.divergence, HasSubstr("wrong:0 gives "));
    EXPECT_EQ(replay_launch(file, "cpu").divergence, "") << "cpu multiplies as reference does";
  });
  EXPECT_EQ(status, 0);
  std::filesystem::remove_all(folder);
}

TEST(Shadow, AnUnknownDeviceIsSaid) {
  EXPECT_EQ(run_shadowed("nosuchdevice",
                         [] {
                           try {
                             const Tensor x = ones({2}).to(Device(device_under_test()));
                             static_cast<void>(x + x);
                             FAIL();
                           } catch (const Error& e) {
                             EXPECT_THAT(e.what(), HasSubstr("unknown device nosuchdevice"));
                           }
                         }),
            0);
  EXPECT_EQ(run_shadowed("No Device",
                         [] {
                           EXPECT_EQ(find_plugin(device_under_test()), nullptr);
                           EXPECT_THAT(why_no_plugin(device_under_test()),
                                       HasSubstr("refused at layers: TENON_SHADOW: "));
                         }),
            0);
}

TEST(Replay, AFileThatHoldsNoneIsRefused) {
  EXPECT_THROW(static_cast<void>(replay_launch("/no/such/file.json")), Error);
  EXPECT_THROW(static_cast<void>(replay_launch("/proc/self/cmdline")), Error);
}

}  // namespace
}  // namespace tenon::layers_test
