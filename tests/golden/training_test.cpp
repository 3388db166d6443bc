// Whole trainings: every loss and learning rate next to PyTorch's.
#include <cmath>

#include "golden/harness.h"
#include "golden/models.h"
#include "golden/optimizers.h"
#include "golden/table.h"

namespace tenon::golden {
namespace {

constexpr double kTolerance = 1e-4;  // of each loss; PyTorch's own f32 and f64 differ by < 2e-5

void replay(const Json& training) {
  const std::vector<double> losses = training.at("losses"), rates = training.at("rates");
  const Task task = make_task(training.at("model"));
  const std::unique_ptr<optim::Optimizer> optimizer =
      make_optimizer(training.at("optimizer"), training.at("options"), task.module->parameters());
  const Schedule schedule =
      training.contains("scheduler")
          ? make_schedule(training.at("scheduler"), training.at("schedule"), *optimizer)
          : Schedule([](double) {});
  for (size_t step = 0; step < losses.size(); ++step) {
    optimizer->zero_grad();
    const Tensor loss = task.loss(static_cast<int64_t>(step));
    loss.backward();
    ASSERT_NEAR(loss.item<double>(), losses[step], kTolerance * std::abs(losses[step]))
        << "loss of step " << step;
    ASSERT_NEAR(optimizer->lr(), rates[step], 1e-9 * rates[step]) << "rate of step " << step;
    optimizer->step();
    schedule(losses[step]);  // PyTorch's, so that a plateau is the same
  }
  EXPECT_GE(losses.size(), 20u);
  count("trainings");
}

}  // namespace

void register_training_tests() {
  for (const Json& training : all_trainings())
    add_test("Training", training.at("id"), [&training] { replay(training); });
}

}  // namespace tenon::golden
