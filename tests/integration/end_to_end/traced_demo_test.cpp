// The demo under TENON_LAYERS=trace: a well-formed file, in which the ops are the step.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <utility>
#include <vector>

#include "layers/trace_schema.h"
#include "process.h"

namespace tenon::integration {
namespace {

using layers_test::Json;

constexpr const char* kImages = "/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz";

struct Step {
  double time = 0, ops = 0;  // microseconds
  [[nodiscard]] double share() const { return ops / time; }
};

// All steps but the first, which prepares the kernels; ordered by the share of their ops.
std::vector<Step> read_steps(const Json& events) {
  std::vector<Step> steps;
  bool first = true;
  for (const Json& scope : events) {
    if (scope.value("cat", "") != "scope" || scope["name"] != "step") continue;
    if (std::exchange(first, false)) continue;
    const double begin = scope["ts"], end = begin + scope["dur"].get<double>();
    Step& step = steps.emplace_back(Step{.time = end - begin});
    for (const Json& event : events) {
      const bool same = event["pid"] == scope["pid"] && event["tid"] == scope["tid"];
      if (same && event.value("cat", "") == "op" && event["ts"] >= begin && event["ts"] < end)
        step.ops += event["dur"].get<double>();
    }
  }
  std::sort(steps.begin(), steps.end(), [](auto& a, auto& b) { return a.share() < b.share(); });
  return steps;
}

// The share of the ops in the median step of one run, whose file is looked at in whole.
void trace_demo(double& share) {
  const ScratchFolder folder;
  const Outcome outcome =
      run({.arguments = {program("02_train_images"), "--train-limit", "1920", "--test-limit", "64",
                         "--epochs", "1", "--out", "."},
           .environment = {{"TENON_DEVICE", "cpu"}, {"TENON_LAYERS", "trace:file=step.json"}},
           .folder = folder.path()});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.describe();
  std::ifstream file(folder.path("step.json"));
  const Json document = Json::parse(file);
  const Json& events = document.at("traceEvents");
  for (const Json& event : events) ASSERT_EQ(layers_test::event_problem(event), "") << event;
  const std::vector<Step> steps = read_steps(events);
  ASSERT_GE(steps.size(), 10u);
  const Step& middle = steps[steps.size() / 2];
  std::printf("%zu steps, %.1f %% to %.1f %% of each in ops, median %.1f %% of %.0f us\n",
              steps.size(), 100 * steps.front().share(), 100 * steps.back().share(),
              100 * middle.share(), middle.time);
  EXPECT_LE(steps.back().share(), 1);
  share = middle.share();
}

// Whatever else the machine does makes the share smaller, so the best of a few runs counts.
TEST(TracedDemo, OpsAreNineTenthsOfTheStep) {
  if (!std::filesystem::exists(kImages))
    GTEST_SKIP() << "the dataset is not installed: run tools/setup";
  double best = 0;
  for (int attempt = 0; attempt < 10 && best < 0.9; ++attempt) {
    double share = 0;
    ASSERT_NO_FATAL_FAILURE(trace_demo(share));
    best = std::max(best, share);
#ifdef TENON_SANITIZED  // which slows what is between the kernels more than these
    return;
#endif
  }
  EXPECT_GE(best, 0.9);
}

}  // namespace
}  // namespace tenon::integration
