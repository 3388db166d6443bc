#include <map>

#include <tenon/nn/optim/lr_scheduler.h>

#include "golden/optimizers.h"

namespace tenon::golden {

namespace {

using namespace optim;
using Scheduler = std::shared_ptr<LRScheduler>;

Scheduler make_one_cycle(Optimizer& optimizer, const Json& o) {
  OneCycleOptions options;
  options.total_steps = o.at("total_steps");
  options.three_phase = o.value("three_phase", false);
  if (o.value("anneal_strategy", "cos") == "linear")
    options.anneal_strategy = AnnealStrategy::kLinear;
  return std::make_shared<OneCycleLR>(optimizer, o.at("max_lr").get<double>(), options);
}

// Those without options are as tools/goldens/training.py has them.
std::vector<Scheduler> both(Optimizer& optimizer) {
  return {std::make_shared<ConstantLR>(optimizer, 0.25, 4),
          std::make_shared<ExponentialLR>(optimizer, 0.75)};
}

const std::map<std::string, Scheduler (*)(Optimizer&, const Json&)>& makers() {
  using O = Optimizer;
  static const auto& map = *new std::map<std::string, Scheduler (*)(O&, const Json&)>{
      {"StepLR",
       [](O& optimizer, const Json& o) -> Scheduler {
         return std::make_shared<StepLR>(optimizer, o.at("step_size"), o.at("gamma"));
       }},
      {"MultiStepLR",
       [](O& optimizer, const Json& o) -> Scheduler {
         return std::make_shared<MultiStepLR>(
             optimizer, o.at("milestones").get<std::vector<int64_t>>(), o.at("gamma"));
       }},
      {"ExponentialLR",
       [](O& optimizer, const Json& o) -> Scheduler {
         return std::make_shared<ExponentialLR>(optimizer, o.at("gamma"));
       }},
      {"CosineAnnealingLR",
       [](O& optimizer, const Json& o) -> Scheduler {
         return std::make_shared<CosineAnnealingLR>(optimizer, o.at("T_max"), o.at("eta_min"));
       }},
      {"CosineAnnealingWarmRestarts",
       [](O& optimizer, const Json& o) -> Scheduler {
         return std::make_shared<CosineAnnealingWarmRestarts>(optimizer, o.at("T_0"),
                                                              o.at("T_mult"), o.at("eta_min"));
       }},
      {"LinearLR",
       [](O& optimizer, const Json& o) -> Scheduler {
         return std::make_shared<LinearLR>(optimizer, o.at("start_factor"), o.at("end_factor"),
                                           o.at("total_iters"));
       }},
      {"ConstantLR",
       [](O& optimizer, const Json& o) -> Scheduler {
         return std::make_shared<ConstantLR>(optimizer, o.at("factor"), o.at("total_iters"));
       }},
      {"PolynomialLR",
       [](O& optimizer, const Json& o) -> Scheduler {
         return std::make_shared<PolynomialLR>(optimizer, o.at("total_iters"), o.at("power"));
       }},
      {"LambdaLR",
       [](O& optimizer, const Json&) -> Scheduler {
         return std::make_shared<LambdaLR>(
             optimizer, [](int64_t epoch) { return 1 / (1 + 0.25 * static_cast<double>(epoch)); });
       }},
      {"MultiplicativeLR",
       [](O& optimizer, const Json&) -> Scheduler {
         return std::make_shared<MultiplicativeLR>(
             optimizer, [](int64_t epoch) { return 1 - 0.5 / (1 + static_cast<double>(epoch)); });
       }},
      {"OneCycleLR", &make_one_cycle},
      {"SequentialLR",
       [](O& optimizer, const Json&) -> Scheduler {
         return std::make_shared<SequentialLR>(optimizer, both(optimizer), std::vector<int64_t>{5});
       }},
      {"ChainedScheduler",
       [](O& optimizer, const Json&) -> Scheduler {
         return std::make_shared<ChainedScheduler>(both(optimizer));
       }},
  };
  return map;
}

}  // namespace

Schedule make_schedule(const std::string& name, const Json& options, Optimizer& optimizer) {
  if (name == "ReduceLROnPlateau") {
    ReduceLROnPlateauOptions chosen;
    chosen.factor = options.at("factor");
    chosen.patience = options.at("patience");
    chosen.threshold = options.at("threshold");
    const auto plateau = std::make_shared<ReduceLROnPlateau>(optimizer, chosen);
    return [plateau](double loss) { plateau->step(loss); };
  }
  const Scheduler scheduler = makers().at(name)(optimizer, options);
  return [scheduler](double) { scheduler->step(); };
}

}  // namespace tenon::golden
