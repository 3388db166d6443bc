// 05_char_gpt and 06_resnet as a whole: the same training on every device, and misuse.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <ostream>
#include <sstream>

#include "process.h"

namespace tenon::integration {
namespace {

using ::testing::HasSubstr;

struct Example {
  const char* program;
  const char* data;     // is skipped where this is not installed
  const char* options;  // that make twenty steps
  size_t steps;
};

std::ostream& operator<<(std::ostream& stream, const Example& example) {
  return stream << example.program;
}

constexpr Example kGpt = {"05_char_gpt", "/usr/share/common-licenses/GPL-3",
                          "--steps 20 --batch-size 8 --context 32 --width 32 --layers 2 "
                          "--sample 8",
                          20};
constexpr Example kResNet = {"06_resnet",
                             "/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz",
                             "--epochs 1 --train-limit 320 --test-limit 16 --batch-size 16 "
                             // A greater rate doubles rounding with every step.
                             "--width 4 --lr 3e-4",
                             20};

Command command_of(const Example& example, const ScratchFolder& folder, const std::string& options,
                   const std::string& device) {
  Command command{.arguments = {program(example.program)},
                  .environment = {{"TENON_DEVICE", device}},
                  .folder = folder.path(),
                  .limit = std::chrono::seconds(500)};
  std::istringstream words(options);
  for (std::string word; words >> word;) command.arguments.push_back(word);
  return command;
}

std::vector<double> losses_on(const Example& example, const std::string& device) {
  const ScratchFolder folder;
  const Outcome outcome =
      run(command_of(example, folder, std::string(example.options) + " --losses losses", device));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.describe();
  std::istringstream text(read_text(folder.path("losses")));
  std::vector<double> losses;
  for (double loss = 0; text >> loss;) losses.push_back(loss);
  return losses;
}

class ExampleOn : public ::testing::TestWithParam<Example> {};

// Data, order and initial weights come from the same bits; what the steps add is rounding.
TEST_P(ExampleOn, TwentyLossesOnOpaqueAgreeWithCpu) {
  const Example& example = GetParam();
  if (!std::filesystem::exists(example.data)) GTEST_SKIP() << example.data << " is not installed";
  const std::vector<double> cpu = losses_on(example, "cpu"), other = losses_on(example, "opaque");
  ASSERT_EQ(cpu.size(), example.steps);
  ASSERT_EQ(other.size(), cpu.size());
  for (size_t i = 0; i < cpu.size(); ++i)
    EXPECT_NEAR(other[i], cpu[i], 1e-3 * std::abs(cpu[i])) << "step " << i;
  EXPECT_LT(cpu.back(), cpu.front());
}
INSTANTIATE_TEST_SUITE_P(Examples, ExampleOn, ::testing::Values(kGpt, kResNet),
                         [](const auto& row) { return std::string(row.param.program); });

TEST(Example, FoldersWithoutTextAreErrors) {
  const ScratchFolder folder;
  const Outcome missing = run(command_of(kGpt, folder, "--text nowhere", "cpu"));
  EXPECT_EQ(missing.exit_code, 1) << missing.describe();
  EXPECT_THAT(missing.err, HasSubstr("nowhere"));
  write_text(folder.path("short"), "too short");
  const Outcome empty = run(command_of(kGpt, folder, "--text .", "cpu"));
  EXPECT_EQ(empty.exit_code, 1);
  EXPECT_THAT(empty.err, HasSubstr("holds 9 bytes"));
}

TEST(Example, UnknownDevicesAreErrors) {
  const ScratchFolder folder;
  const Outcome outcome = run(command_of(kResNet, folder, "--device no_such_device", "cpu"));
  EXPECT_EQ(outcome.exit_code, 1) << outcome.describe();
  EXPECT_THAT(outcome.err, HasSubstr("no_such_device"));
}

}  // namespace
}  // namespace tenon::integration
