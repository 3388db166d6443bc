// TENON_ALLOC=guard: no kernel of the devices under test touches what is not its own, and whoever
// does is named.
#include <gmock/gmock.h>

#include <cmath>
#include <cstring>

#include <tenon/runtime/layers/fault.h>
#include <tenon/runtime/memory/memory.h>
#include <tenon/tenon.h>

#include "layers/child.h"

namespace tenon::layers_test {
namespace {

using testing::HasSubstr;

int run_guarded(const std::string& layers, const std::function<void()>& body) {
  ::setenv("TENON_ALLOC", "guard", 1);
  const int status = run_with_layers(layers, body);
  ::unsetenv("TENON_ALLOC");
  return status;
}

// Odd sizes, so that vectors have a rest; every family of kernels.
std::vector<float> losses() {
  manual_seed(8);
  const Device device(device_under_test());
  const Tensor x = rand({3, 1, 13, 11}).to(device), y = randint(0, 5, {3}).to(device);
  nn::Sequential net{nn::Conv2d(1, 5, 3, {.padding = 1}),
                     nn::BatchNorm2d(5),
                     nn::ReLU(),
                     nn::MaxPool2d(2),
                     nn::Flatten(),
                     nn::Linear(150, 17),
                     nn::Tanh(),
                     nn::LayerNorm({17}),
                     nn::Linear(17, 5)};
  net.to(device);
  optim::Adam adam(net.parameters(), {.lr = 0.01});
  std::vector<float> values;
  for (int step = 0; step < 2; ++step) {
    const Tensor loss = cross_entropy(net(x), y);
    adam.zero_grad();
    loss.backward();
    adam.step();
    values.push_back(loss.item<float>());
  }
  const Tensor rows = rand({7, 9}).to(device);
  const Tensor index = tensor<int64_t>({6, 0, 3}).to(device);
  values.push_back(
      std::get<0>(sort(cumsum(index_select(rows, 0, index), 1), 1)).sum().item<float>());
  values.push_back(rows.t().contiguous().argmax(1).to(kFloat32).sum().item<float>());
  values.push_back(softmax(matmul(rows, rows.t()), 1).gt(0.1).to(kFloat32).sum().item<float>());
  return values;
}

TEST(Guard, ATrainingTouchesNothingElseAndKeepsItsBits) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const auto send = [&ends] {
    const std::vector<float> values = losses();
    const auto bytes = static_cast<ssize_t>(values.size() * sizeof(float));
    EXPECT_EQ(::write(ends[1], values.data(), static_cast<size_t>(bytes)), bytes);
  };
  EXPECT_EQ(run_with_layers("", send), 0);
  EXPECT_EQ(run_guarded("validate", send), 0);
  ::close(ends[1]);
  float values[10];
  ASSERT_EQ(::read(ends[0], values, sizeof values), static_cast<ssize_t>(sizeof values));
  ::close(ends[0]);
  EXPECT_EQ(std::memcmp(values, values + 5, 5 * sizeof(float)), 0);
}

TEST(Guard, EverySegmentGoesBack) {
  EXPECT_EQ(run_guarded("fault",
                        [] {
                          const Device device(device_under_test());
                          { static_cast<void>(losses()); }
                          synchronize(device);
                          EXPECT_EQ(memory_stats(device).allocated, 0u);
                          EXPECT_EQ(memory_stats(device).reserved, 0u);
                          const auto counts = layers::fault_counts(device_under_test());
                          EXPECT_TRUE(device.is_cpu() || counts.buffers == 0);
                        }),
            0);
}

TEST(Guard, WhatTheProgramWritesBesideATensorIsLogged) {
  EXPECT_EQ(run_guarded("",
                        [] {
                          testing::internal::CaptureStderr();
                          {
                            const Tensor x = ones({3}, TensorOptions().device("cpu"));
                            x.data<float>()[3] = 7;
                          }
                          EXPECT_THAT(testing::internal::GetCapturedStderr(),
                                      HasSubstr("TENON_ALLOC=guard: somebody wrote beside a tensor "
                                                "on cpu: byte 12 of 12, behind the end"));
                        }),
            0);
}

#if !defined(__SANITIZE_ADDRESS__)  // which has its own words
TEST(Guard, ATouchFarBeyondIsNamedAndEndsTheProgram) {
  EXPECT_DEATH(
      {
        ::setenv("TENON_ALLOC", "guard", 1);
        const Tensor x = ones({5}, TensorOptions().device("cpu")) * 2.;
        *const_cast<volatile float*>(x.data<float>() + 64) = 1;
      },
      "TENON_ALLOC=guard: memory that is no tensor's was touched; the last launch was mul; a "
      "tensor "
      "of 20 bytes ends 2.. bytes before it");
}
#endif

TEST(Guard, AnotherValueIsSaid) {
  ::setenv("TENON_ALLOC", "fast", 1);
  EXPECT_EQ(run_with_layers("",
                            [] {
                              testing::internal::CaptureStderr();
                              static_cast<void>(ones({2}, TensorOptions().device("cpu")));
                              EXPECT_THAT(testing::internal::GetCapturedStderr(),
                                          HasSubstr("TENON_ALLOC: the only value is guard"));
                            }),
            0);
  ::unsetenv("TENON_ALLOC");
}

}  // namespace
}  // namespace tenon::layers_test
