// Learning rates that follow the epochs (or steps). Every scheduler sets the rate for epoch 0 when
// it is made; call step() after each epoch, after the optimizer's step. The formulas are PyTorch's
// chainable ones: they change the rate that is there, so several schedulers may act on one
// optimizer. η is a group's rate, η₀ its initial one, t the epoch.
// Errors of all: InvalidArgument for settings out of range.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include <tenon/nn/optim/optimizer.h>

namespace tenon::optim {

class TENON_API LRScheduler {
 public:
  virtual ~LRScheduler();
  LRScheduler(const LRScheduler&) = delete;
  LRScheduler& operator=(const LRScheduler&) = delete;

  // The rates of the next epoch.
  virtual void step();
  [[nodiscard]] int64_t last_epoch() const noexcept { return epoch_; }
  // What step() set, one for each group.
  [[nodiscard]] const std::vector<double>& get_last_lr() const noexcept { return last_; }

  // Where the schedule stands, for a file; settings are not part of it. Load it into a scheduler
  // made in the same way, after the optimizer was made; it also sets the rates of the optimizer.
  [[nodiscard]] NamedTensors state_dict() const;
  // Errors: InvalidArgument for a name that is missing or does not belong, or another group count.
  void load_state_dict(const NamedTensors& state);

 protected:
  // Constructors of derived classes end with step(), which makes epoch 0.
  LRScheduler(std::string_view name, Optimizer& optimizer);
  // The rates of epoch last_epoch() from those of the epoch before, and directly.
  [[nodiscard]] virtual double next_lr(size_t group) = 0;
  [[nodiscard]] virtual double closed_lr(size_t group) { return next_lr(group); }
  // Numbers that belong to the state, by name.
  struct StateField {
    std::string_view name;
    double* value;
  };
  [[nodiscard]] virtual std::vector<StateField> fields() { return {}; }
  // Schedulers inside, saved with it.
  [[nodiscard]] virtual std::vector<LRScheduler*> inner() const { return {}; }
  // Epoch 0, whatever the rates are: a schedule that begins late.
  virtual void restart();
  // After a load: sets what is not a rate.
  virtual void resume() {}

  // Protected calls on the schedulers inside.
  static void restart(LRScheduler& other) { other.restart(); }
  void set_epoch(int64_t epoch) noexcept { epoch_ = epoch; }
  // Sets the rates, or takes them as they are.
  void set_lrs(const std::vector<double>& values);
  void remember_lrs();
  template <class Rate>
  [[nodiscard]] std::vector<double> for_groups(const Rate& rate) const {
    std::vector<double> values;
    for (size_t group = 0; group < optimizer_->group_count(); ++group)
      values.push_back(rate(group));
    return values;
  }
  // Schedulers made of others: there is one, and all are for one optimizer. Errors:
  // InvalidArgument.
  static Optimizer& optimizer_of(const std::vector<std::shared_ptr<LRScheduler>>& schedulers);
  void check_inner(const std::vector<std::shared_ptr<LRScheduler>>& schedulers) const;

  [[nodiscard]] Optimizer& optimizer() const noexcept { return *optimizer_; }
  [[nodiscard]] double current_lr(size_t group) const { return optimizer_->lr(group); }
  [[nodiscard]] double base_lr(size_t group);
  [[nodiscard]] std::string_view name() const noexcept { return name_; }

 private:
  std::string_view name_;  // a literal
  Optimizer* optimizer_;
  std::vector<double> base_, last_;
  int64_t epoch_ = -1;
};

// A factor of η₀, or of η (MultiplicativeLR), for an epoch.
using LRLambda = std::function<double(int64_t)>;

// η = η₀·lambda(t). One lambda for all groups, or one for each.
class TENON_API LambdaLR : public LRScheduler {
 public:
  LambdaLR(Optimizer& optimizer, LRLambda lr_lambda);
  LambdaLR(Optimizer& optimizer, std::vector<LRLambda> lr_lambdas);

 protected:
  [[nodiscard]] double next_lr(size_t group) override;

 private:
  std::vector<LRLambda> lambdas_;
};

// η ← η·lambda(t) from epoch 1 on.
class TENON_API MultiplicativeLR : public LRScheduler {
 public:
  MultiplicativeLR(Optimizer& optimizer, LRLambda lr_lambda);
  MultiplicativeLR(Optimizer& optimizer, std::vector<LRLambda> lr_lambdas);

 protected:
  [[nodiscard]] double next_lr(size_t group) override;

 private:
  std::vector<LRLambda> lambdas_;
};

// η ← γ·η every step_size epochs.
class TENON_API StepLR : public LRScheduler {
 public:
  StepLR(Optimizer& optimizer, int64_t step_size, double gamma = 0.1);

 protected:
  [[nodiscard]] double next_lr(size_t group) override;
  [[nodiscard]] double closed_lr(size_t group) override;

 private:
  int64_t step_size_;
  double gamma_;
};

// η ← γ·η at each milestone; one that is given twice counts twice.
class TENON_API MultiStepLR : public LRScheduler {
 public:
  MultiStepLR(Optimizer& optimizer, std::vector<int64_t> milestones, double gamma = 0.1);

 protected:
  [[nodiscard]] double next_lr(size_t group) override;
  [[nodiscard]] double closed_lr(size_t group) override;

 private:
  std::vector<int64_t> milestones_;
  double gamma_;
};

// η = factor·η₀ for total_iters epochs, then η₀.
class TENON_API ConstantLR : public LRScheduler {
 public:
  explicit ConstantLR(Optimizer& optimizer, double factor = 1.0 / 3, int64_t total_iters = 5);

 protected:
  [[nodiscard]] double next_lr(size_t group) override;
  [[nodiscard]] double closed_lr(size_t group) override;

 private:
  double factor_;
  int64_t total_iters_;
};

// η goes from start_factor·η₀ to end_factor·η₀ in a line of total_iters epochs: a warm-up.
class TENON_API LinearLR : public LRScheduler {
 public:
  explicit LinearLR(Optimizer& optimizer, double start_factor = 1.0 / 3, double end_factor = 1,
                    int64_t total_iters = 5);

 protected:
  [[nodiscard]] double next_lr(size_t group) override;
  [[nodiscard]] double closed_lr(size_t group) override;

 private:
  double start_factor_, end_factor_;
  int64_t total_iters_;
};

// η ← γ·η every epoch.
class TENON_API ExponentialLR : public LRScheduler {
 public:
  ExponentialLR(Optimizer& optimizer, double gamma);

 protected:
  [[nodiscard]] double next_lr(size_t group) override;
  [[nodiscard]] double closed_lr(size_t group) override;

 private:
  double gamma_;
};

// η = η₀·(1 − t / total_iters)^power, then 0.
class TENON_API PolynomialLR : public LRScheduler {
 public:
  explicit PolynomialLR(Optimizer& optimizer, int64_t total_iters = 5, double power = 1);

 protected:
  [[nodiscard]] double next_lr(size_t group) override;
  [[nodiscard]] double closed_lr(size_t group) override;

 private:
  int64_t total_iters_;
  double power_;
};

// η = η_min + (η₀ − η_min)·(1 + cos(π·t / t_max)) / 2. Source: Loshchilov and Hutter, 2017.
class TENON_API CosineAnnealingLR : public LRScheduler {
 public:
  CosineAnnealingLR(Optimizer& optimizer, int64_t t_max, double eta_min = 0);

 protected:
  [[nodiscard]] double next_lr(size_t group) override;
  [[nodiscard]] double closed_lr(size_t group) override;

 private:
  int64_t t_max_;
  double eta_min_;
};

// η = η_min + (η₀ − η_min)·(1 + cos(π·t_cur / t_i)) / 2, where t_cur starts again after t_i epochs
// and t_i grows by t_mult each time. Source: Loshchilov and Hutter, 2017 (SGDR).
class TENON_API CosineAnnealingWarmRestarts : public LRScheduler {
 public:
  CosineAnnealingWarmRestarts(Optimizer& optimizer, int64_t t_0, int64_t t_mult = 1,
                              double eta_min = 0);
  void step() override;
  // The rates of a point in time, also between epochs. Errors: InvalidArgument unless >= 0.
  void step(double epoch);

 protected:
  [[nodiscard]] double next_lr(size_t group) override;
  [[nodiscard]] std::vector<StateField> fields() override;
  void restart() override { step(0.0); }

 private:
  int64_t t_0_, t_mult_;
  double eta_min_;
  double t_i_ = 0, t_cur_ = -1;
};

enum class AnnealStrategy : uint8_t { kCosine, kLinear };

struct OneCycleOptions {
  int64_t total_steps = 0;  // or epochs · steps_per_epoch
  int64_t epochs = 0, steps_per_epoch = 0;
  double pct_start = 0.3;  // the share of the cycle in which the rate rises
  AnnealStrategy anneal_strategy = AnnealStrategy::kCosine;
  bool cycle_momentum = true;  // momentum, or the first beta, goes the other way
  double base_momentum = 0.85, max_momentum = 0.95;
  double div_factor = 25;         // begins at max_lr / div_factor
  double final_div_factor = 1e4;  // ends at that / final_div_factor
  bool three_phase = false;       // comes down as it rose, then ends
};

// η rises to max_lr and falls far below where it began, in total_steps; call step() per batch.
// Errors: also Unsupported to cycle the momentum of an optimizer without one, and InvalidArgument
// for a step past the end. Source: torch.optim.lr_scheduler.OneCycleLR; Smith and Topin, 2017.
class TENON_API OneCycleLR : public LRScheduler {
 public:
  OneCycleLR(Optimizer& optimizer, double max_lr, const OneCycleOptions& options);
  OneCycleLR(Optimizer& optimizer, std::vector<double> max_lrs, const OneCycleOptions& options);

 protected:
  [[nodiscard]] double next_lr(size_t group) override;
  void resume() override;

 private:
  // What a phase begins or ends with.
  struct Point {
    double rate, momentum;
  };
  [[nodiscard]] std::vector<Point> points(size_t group) const;
  std::vector<double> max_lrs_;
  OneCycleOptions options_;
  std::vector<double> ends_;  // last steps of the phases
};

// One schedule after the other: schedulers[i] begins, at its epoch 0, at milestones[i − 1].
// Errors: InvalidArgument unless there is one milestone less than schedulers, all for `optimizer`.
class TENON_API SequentialLR : public LRScheduler {
 public:
  SequentialLR(Optimizer& optimizer, std::vector<std::shared_ptr<LRScheduler>> schedulers,
               std::vector<int64_t> milestones);
  void step() override;

 protected:
  [[nodiscard]] double next_lr(size_t group) override { return current_lr(group); }
  [[nodiscard]] std::vector<LRScheduler*> inner() const override;
  void restart() override;

 private:
  [[nodiscard]] size_t active() const;
  std::vector<std::shared_ptr<LRScheduler>> schedulers_;
  std::vector<int64_t> milestones_;
};

// Several schedules at once: the factors multiply.
// Errors: InvalidArgument unless all are for one optimizer.
class TENON_API ChainedScheduler : public LRScheduler {
 public:
  explicit ChainedScheduler(std::vector<std::shared_ptr<LRScheduler>> schedulers);
  void step() override;

 protected:
  [[nodiscard]] double next_lr(size_t group) override { return current_lr(group); }
  [[nodiscard]] std::vector<LRScheduler*> inner() const override;
  void restart() override;

 private:
  std::vector<std::shared_ptr<LRScheduler>> schedulers_;
};

enum class PlateauMode : uint8_t { kMin, kMax };
enum class ThresholdMode : uint8_t { kRelative, kAbsolute };

struct ReduceLROnPlateauOptions {
  PlateauMode mode = PlateauMode::kMin;  // whether less is better
  double factor = 0.1;
  int64_t patience = 10;  // epochs without improvement that are let pass
  double threshold = 1e-4;
  ThresholdMode threshold_mode = ThresholdMode::kRelative;
  int64_t cooldown = 0;  // epochs after a reduction that do not count
  double min_lr = 0;
  double eps = 1e-8;  // smaller reductions are left
};

// η ← max(factor·η, min_lr) when a metric has not improved for more than `patience` epochs. Better
// than the best so far is: below best·(1 − threshold), or below best − threshold (absolute); above
// with + for kMax. NaN is never better.
// Errors: InvalidArgument unless factor < 1. Source: torch.optim.lr_scheduler.ReduceLROnPlateau.
class TENON_API ReduceLROnPlateau {
 public:
  explicit ReduceLROnPlateau(Optimizer& optimizer, const ReduceLROnPlateauOptions& options = {});

  void step(double metric);
  [[nodiscard]] int64_t last_epoch() const noexcept { return epoch_; }
  [[nodiscard]] double best() const noexcept { return best_; }
  [[nodiscard]] int64_t num_bad_epochs() const noexcept { return bad_epochs_; }
  [[nodiscard]] std::vector<double> get_last_lr() const;
  [[nodiscard]] NamedTensors state_dict() const;
  // Sets the rates of the optimizer too. Errors: InvalidArgument as LRScheduler.
  void load_state_dict(const NamedTensors& state);

 private:
  [[nodiscard]] bool is_better(double metric) const noexcept;

  Optimizer* optimizer_;
  ReduceLROnPlateauOptions options_;
  double best_;
  int64_t bad_epochs_ = 0, cooldown_left_ = 0, epoch_ = 0;
};

}  // namespace tenon::optim
