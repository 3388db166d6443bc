#include <tenon/nn/optim/lr_scheduler.h>

#include <tenon/nn/state_dict.h>
#include <tenon/runtime/ops/creation.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace tenon::optim {

namespace {

constexpr const char* kEpoch = "last_epoch";
constexpr const char* kBase = "base_lrs";
constexpr const char* kLast = "last_lr";

Tensor host_numbers(const std::vector<double>& values) {
  return tensor(values, TensorOptions(kFloat64, Device()));
}

// Takes entries by name and knows at the end what was left.
class StateReader {
 public:
  StateReader(std::string_view op, const NamedTensors& state) : op_(op), state_(&state) {}
  [[nodiscard]] std::vector<double> take(std::string_view name, size_t count) {
    for (const auto& [key, value] : *state_) {
      if (key != name) continue;
      std::vector<double> values = value.to_vector<double>();
      check(values.size() == count, ErrorCode::kInvalidArgument, op_, "\"", key, "\" must have ",
            count, " values, got ", values.size(), "; was it saved for other groups?");
      ++taken_;
      return values;
    }
    fail(ErrorCode::kInvalidArgument, op_, "the state lacks \"", name,
         "\"; was it saved by another scheduler?");
  }
  void finish() const {
    check(taken_ == state_->size(), ErrorCode::kInvalidArgument, op_, "expected ", taken_,
          " entries, got ", state_->size(), "; was it saved by another scheduler?");
  }

 private:
  std::string_view op_;
  const NamedTensors* state_;
  size_t taken_ = 0;
};

bool is_inner(const std::string& name) { return name.starts_with("schedulers."); }

double cosine(double from, double to, double share) {
  return to + (from - to) / 2 * (1 + std::cos(std::numbers::pi * share));
}

double as_double(int64_t value) { return static_cast<double>(value); }

}  // namespace

// ---- LRScheduler ----

LRScheduler::LRScheduler(std::string_view name, Optimizer& optimizer)
    : name_(name), optimizer_(&optimizer) {}

LRScheduler::~LRScheduler() = default;

double LRScheduler::base_lr(size_t group) {
  while (base_.size() <= group) base_.push_back(optimizer_->initial_lr(base_.size()));
  return base_[group];
}

void LRScheduler::set_lrs(const std::vector<double>& values) {
  for (size_t group = 0; group < values.size(); ++group)
    optimizer_->set_group_lr(group, values[group]);
  last_ = values;
}

void LRScheduler::remember_lrs() {
  last_ = for_groups([&](size_t group) { return current_lr(group); });
}

void LRScheduler::step() {
  (void)base_lr(optimizer_->group_count() - 1);
  ++epoch_;
  set_lrs(for_groups([&](size_t group) { return next_lr(group); }));
}

void LRScheduler::restart() {
  epoch_ = 0;
  set_lrs(for_groups([&](size_t group) { return closed_lr(group); }));
}

void LRScheduler::check_inner(const std::vector<std::shared_ptr<LRScheduler>>& schedulers) const {
  for (const auto& scheduler : schedulers)
    check(scheduler != nullptr && scheduler->optimizer_ == optimizer_, ErrorCode::kInvalidArgument,
          name_, "all schedulers must be for the same optimizer");
}

NamedTensors LRScheduler::state_dict() const {
  NamedTensors state{{kEpoch, tensor<int64_t>({epoch_}, Device())},
                     {kBase, host_numbers(base_)},
                     {kLast, host_numbers(last_)}};
  // Only values are read through the fields.
  for (const StateField& field : const_cast<LRScheduler*>(this)->fields())
    state.emplace_back(field.name, host_numbers({*field.value}));
  const std::vector<LRScheduler*> parts = inner();
  for (size_t i = 0; i < parts.size(); ++i)
    nn::append_prefixed(state, join_text("schedulers.", i), parts[i]->state_dict());
  return state;
}

void LRScheduler::load_state_dict(const NamedTensors& state) {
  const std::string op = join_text(name_, "::load_state_dict");
  NamedTensors own;
  for (const auto& entry : state)
    if (!is_inner(entry.first)) own.push_back(entry);
  StateReader reader(op, own);
  const size_t groups = optimizer_->group_count();
  const double epoch = reader.take(kEpoch, 1)[0];
  std::vector<double> base = reader.take(kBase, base_.empty() ? 0 : groups);
  const std::vector<double> last = reader.take(kLast, groups);
  std::vector<double> values;
  for (const StateField& field : fields()) values.push_back(reader.take(field.name, 1)[0]);
  reader.finish();
  const std::vector<LRScheduler*> parts = inner();
  for (size_t i = 0; i < parts.size(); ++i)
    parts[i]->load_state_dict(nn::take_prefixed(state, join_text("schedulers.", i)));
  epoch_ = static_cast<int64_t>(epoch);
  base_ = std::move(base);
  for (size_t i = 0; i < values.size(); ++i) *fields()[i].value = values[i];
  set_lrs(last);
  resume();
}

// ---- LambdaLR, MultiplicativeLR ----

namespace {

std::vector<LRLambda> checked_lambdas(std::string_view op, const Optimizer& optimizer,
                                      std::vector<LRLambda> lambdas) {
  check(lambdas.size() == optimizer.group_count(), ErrorCode::kInvalidArgument, op,
        "expected one lambda for each of ", optimizer.group_count(), " groups, got ",
        lambdas.size());
  for (const LRLambda& lambda : lambdas)
    check(static_cast<bool>(lambda), ErrorCode::kInvalidArgument, op, "a lambda is empty");
  return lambdas;
}

}  // namespace

LambdaLR::LambdaLR(Optimizer& optimizer, LRLambda lr_lambda)
    : LambdaLR(optimizer, std::vector<LRLambda>(optimizer.group_count(), std::move(lr_lambda))) {}

LambdaLR::LambdaLR(Optimizer& optimizer, std::vector<LRLambda> lr_lambdas)
    : LRScheduler("LambdaLR", optimizer),
      lambdas_(checked_lambdas(name(), optimizer, std::move(lr_lambdas))) {
  LRScheduler::step();
}

double LambdaLR::next_lr(size_t group) { return base_lr(group) * lambdas_[group](last_epoch()); }

MultiplicativeLR::MultiplicativeLR(Optimizer& optimizer, LRLambda lr_lambda)
    : MultiplicativeLR(optimizer,
                       std::vector<LRLambda>(optimizer.group_count(), std::move(lr_lambda))) {}

MultiplicativeLR::MultiplicativeLR(Optimizer& optimizer, std::vector<LRLambda> lr_lambdas)
    : LRScheduler("MultiplicativeLR", optimizer),
      lambdas_(checked_lambdas(name(), optimizer, std::move(lr_lambdas))) {
  LRScheduler::step();
}

double MultiplicativeLR::next_lr(size_t group) {
  return last_epoch() > 0 ? current_lr(group) * lambdas_[group](last_epoch()) : current_lr(group);
}

// ---- StepLR, MultiStepLR, ExponentialLR ----

StepLR::StepLR(Optimizer& optimizer, int64_t step_size, double gamma)
    : LRScheduler("StepLR", optimizer), step_size_(step_size), gamma_(gamma) {
  check(step_size > 0, ErrorCode::kInvalidArgument, name(), "step_size must be > 0, got ",
        step_size);
  LRScheduler::step();
}

double StepLR::next_lr(size_t group) {
  const bool falls = last_epoch() > 0 && last_epoch() % step_size_ == 0;
  return falls ? current_lr(group) * gamma_ : current_lr(group);
}

double StepLR::closed_lr(size_t group) {
  return base_lr(group) * std::pow(gamma_, as_double(last_epoch() / step_size_));
}

MultiStepLR::MultiStepLR(Optimizer& optimizer, std::vector<int64_t> milestones, double gamma)
    : LRScheduler("MultiStepLR", optimizer), milestones_(std::move(milestones)), gamma_(gamma) {
  for (const int64_t milestone : milestones_)
    check(milestone >= 0, ErrorCode::kInvalidArgument, name(), "milestones must be >= 0, got ",
          milestone);
  std::sort(milestones_.begin(), milestones_.end());
  LRScheduler::step();
}

double MultiStepLR::next_lr(size_t group) {
  const auto times = std::count(milestones_.begin(), milestones_.end(), last_epoch());
  return current_lr(group) * std::pow(gamma_, as_double(times));
}

double MultiStepLR::closed_lr(size_t group) {
  const auto passed =
      std::upper_bound(milestones_.begin(), milestones_.end(), last_epoch()) - milestones_.begin();
  return base_lr(group) * std::pow(gamma_, as_double(passed));
}

ExponentialLR::ExponentialLR(Optimizer& optimizer, double gamma)
    : LRScheduler("ExponentialLR", optimizer), gamma_(gamma) {
  check(gamma >= 0, ErrorCode::kInvalidArgument, name(), "gamma must be >= 0, got ", gamma);
  LRScheduler::step();
}

double ExponentialLR::next_lr(size_t group) {
  return last_epoch() == 0 ? current_lr(group) : current_lr(group) * gamma_;
}

double ExponentialLR::closed_lr(size_t group) {
  return base_lr(group) * std::pow(gamma_, as_double(last_epoch()));
}

// ---- ConstantLR, LinearLR, PolynomialLR ----

ConstantLR::ConstantLR(Optimizer& optimizer, double factor, int64_t total_iters)
    : LRScheduler("ConstantLR", optimizer), factor_(factor), total_iters_(total_iters) {
  check(factor > 0 && factor <= 1, ErrorCode::kInvalidArgument, name(),
        "the factor must be in (0, 1], got ", factor);
  check(total_iters >= 0, ErrorCode::kInvalidArgument, name(), "total_iters must be >= 0, got ",
        total_iters);
  LRScheduler::step();
}

double ConstantLR::next_lr(size_t group) {
  if (last_epoch() == 0) return current_lr(group) * factor_;
  return last_epoch() == total_iters_ ? current_lr(group) / factor_ : current_lr(group);
}

double ConstantLR::closed_lr(size_t group) {
  return last_epoch() >= total_iters_ ? base_lr(group) : base_lr(group) * factor_;
}

LinearLR::LinearLR(Optimizer& optimizer, double start_factor, double end_factor,
                   int64_t total_iters)
    : LRScheduler("LinearLR", optimizer),
      start_factor_(start_factor),
      end_factor_(end_factor),
      total_iters_(total_iters) {
  check(start_factor > 0 && start_factor <= 1, ErrorCode::kInvalidArgument, name(),
        "start_factor must be in (0, 1], got ", start_factor);
  check(end_factor >= 0 && end_factor <= 1, ErrorCode::kInvalidArgument, name(),
        "end_factor must be in [0, 1], got ", end_factor);
  check(total_iters > 0, ErrorCode::kInvalidArgument, name(), "total_iters must be > 0, got ",
        total_iters);
  LRScheduler::step();
}

double LinearLR::next_lr(size_t group) {
  if (last_epoch() == 0) return current_lr(group) * start_factor_;
  if (last_epoch() > total_iters_) return current_lr(group);
  const double rise = end_factor_ - start_factor_;
  return current_lr(group) * (1 + rise / (as_double(total_iters_) * start_factor_ +
                                          as_double(last_epoch() - 1) * rise));
}

double LinearLR::closed_lr(size_t group) {
  const double share = as_double(std::min(total_iters_, last_epoch())) / as_double(total_iters_);
  return base_lr(group) * (start_factor_ + (end_factor_ - start_factor_) * share);
}

PolynomialLR::PolynomialLR(Optimizer& optimizer, int64_t total_iters, double power)
    : LRScheduler("PolynomialLR", optimizer), total_iters_(total_iters), power_(power) {
  check(total_iters > 0, ErrorCode::kInvalidArgument, name(), "total_iters must be > 0, got ",
        total_iters);
  LRScheduler::step();
}

double PolynomialLR::next_lr(size_t group) {
  if (last_epoch() == 0 || last_epoch() > total_iters_) return current_lr(group);
  const double total = as_double(total_iters_), epoch = as_double(last_epoch());
  return current_lr(group) * std::pow((1 - epoch / total) / (1 - (epoch - 1) / total), power_);
}

double PolynomialLR::closed_lr(size_t group) {
  const double share = as_double(std::min(total_iters_, last_epoch())) / as_double(total_iters_);
  return base_lr(group) * std::pow(1 - share, power_);
}

// ---- CosineAnnealingLR, CosineAnnealingWarmRestarts ----

CosineAnnealingLR::CosineAnnealingLR(Optimizer& optimizer, int64_t t_max, double eta_min)
    : LRScheduler("CosineAnnealingLR", optimizer), t_max_(t_max), eta_min_(eta_min) {
  check(t_max > 0, ErrorCode::kInvalidArgument, name(), "t_max must be > 0, got ", t_max);
  LRScheduler::step();
}

double CosineAnnealingLR::next_lr(size_t group) {
  const double lr = current_lr(group), epoch = as_double(last_epoch());
  if (last_epoch() == 0) return lr;
  const double unit = std::numbers::pi / as_double(t_max_);
  if ((last_epoch() - 1 - t_max_) % (2 * t_max_) == 0)
    return lr + (base_lr(group) - eta_min_) * (1 - std::cos(unit)) / 2;
  return (1 + std::cos(unit * epoch)) / (1 + std::cos(unit * (epoch - 1))) * (lr - eta_min_) +
         eta_min_;
}

double CosineAnnealingLR::closed_lr(size_t group) {
  return cosine(base_lr(group), eta_min_, as_double(last_epoch()) / as_double(t_max_));
}

CosineAnnealingWarmRestarts::CosineAnnealingWarmRestarts(Optimizer& optimizer, int64_t t_0,
                                                         int64_t t_mult, double eta_min)
    : LRScheduler("CosineAnnealingWarmRestarts", optimizer),
      t_0_(t_0),
      t_mult_(t_mult),
      eta_min_(eta_min),
      t_i_(as_double(t_0)) {
  check(t_0 > 0 && t_mult >= 1, ErrorCode::kInvalidArgument, name(),
        "t_0 must be > 0 and t_mult >= 1, got ", t_0, " and ", t_mult);
  step(0.0);
}

double CosineAnnealingWarmRestarts::next_lr(size_t group) {
  return cosine(base_lr(group), eta_min_, t_cur_ / t_i_);
}

void CosineAnnealingWarmRestarts::step() {
  t_cur_ += 1;
  if (t_cur_ >= t_i_) {
    t_cur_ = std::fmod(t_cur_, t_i_);
    t_i_ *= as_double(t_mult_);
  }
  LRScheduler::step();
}

void CosineAnnealingWarmRestarts::step(double epoch) {
  check(epoch >= 0, ErrorCode::kInvalidArgument, name(), "the epoch must be >= 0, got ", epoch);
  const double first = as_double(t_0_), factor = as_double(t_mult_);
  t_i_ = first;
  t_cur_ = epoch;
  if (epoch >= first && t_mult_ == 1) {
    t_cur_ = std::fmod(epoch, first);
  } else if (epoch >= first) {
    while (t_cur_ >= t_i_) {
      t_cur_ -= t_i_;
      t_i_ *= factor;
    }
  }
  set_epoch(static_cast<int64_t>(std::floor(epoch)));
  set_lrs(for_groups([&](size_t group) { return next_lr(group); }));
}

std::vector<LRScheduler::StateField> CosineAnnealingWarmRestarts::fields() {
  return {{"T_i", &t_i_}, {"T_cur", &t_cur_}};
}

// ---- ReduceLROnPlateau ----

ReduceLROnPlateau::ReduceLROnPlateau(Optimizer& optimizer, const ReduceLROnPlateauOptions& options)
    : optimizer_(&optimizer),
      options_(options),
      best_(options.mode == PlateauMode::kMin ? INFINITY : -INFINITY) {
  check(options.factor < 1, ErrorCode::kInvalidArgument, "ReduceLROnPlateau",
        "the factor must be < 1, got ", options.factor);
  check(options.patience >= 0 && options.cooldown >= 0, ErrorCode::kInvalidArgument,
        "ReduceLROnPlateau", "patience and cooldown must be >= 0, got ", options.patience, " and ",
        options.cooldown);
}

bool ReduceLROnPlateau::is_better(double metric) const noexcept {
  const bool less = options_.mode == PlateauMode::kMin;
  const double margin = less ? -options_.threshold : options_.threshold;
  const double bound =
      options_.threshold_mode == ThresholdMode::kRelative ? best_ * (1 + margin) : best_ + margin;
  return less ? metric < bound : metric > bound;
}

void ReduceLROnPlateau::step(double metric) {
  ++epoch_;
  if (is_better(metric)) {
    best_ = metric;
    bad_epochs_ = 0;
  } else {
    ++bad_epochs_;
  }
  if (cooldown_left_ > 0) {
    --cooldown_left_;
    bad_epochs_ = 0;
  }
  if (bad_epochs_ <= options_.patience) return;
  for (size_t group = 0; group < optimizer_->group_count(); ++group) {
    const double old = optimizer_->lr(group);
    const double reduced = std::max(old * options_.factor, options_.min_lr);
    if (old - reduced > options_.eps) optimizer_->set_group_lr(group, reduced);
  }
  cooldown_left_ = options_.cooldown;
  bad_epochs_ = 0;
}

std::vector<double> ReduceLROnPlateau::get_last_lr() const {
  std::vector<double> rates;
  for (size_t group = 0; group < optimizer_->group_count(); ++group)
    rates.push_back(optimizer_->lr(group));
  return rates;
}

NamedTensors ReduceLROnPlateau::state_dict() const {
  return {{kEpoch, host_numbers({as_double(epoch_)})},
          {"best", host_numbers({best_})},
          {"num_bad_epochs", host_numbers({as_double(bad_epochs_)})},
          {"cooldown_counter", host_numbers({as_double(cooldown_left_)})},
          {kLast, host_numbers(get_last_lr())}};
}

void ReduceLROnPlateau::load_state_dict(const NamedTensors& state) {
  StateReader reader("ReduceLROnPlateau::load_state_dict", state);
  const double epoch = reader.take(kEpoch, 1)[0], best = reader.take("best", 1)[0];
  const double bad = reader.take("num_bad_epochs", 1)[0];
  const double cooldown = reader.take("cooldown_counter", 1)[0];
  const std::vector<double> rates = reader.take(kLast, optimizer_->group_count());
  reader.finish();
  epoch_ = static_cast<int64_t>(epoch);
  best_ = best;
  bad_epochs_ = static_cast<int64_t>(bad);
  cooldown_left_ = static_cast<int64_t>(cooldown);
  for (size_t group = 0; group < rates.size(); ++group)
    optimizer_->set_group_lr(group, rates[group]);
}

}  // namespace tenon::optim
